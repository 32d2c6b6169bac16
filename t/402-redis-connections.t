#!/usr/bin/perl

# What a review of jobs in a Redis has found.

use strict;
use warnings;

use IO::Select;
use IO::Socket::INET;
use JSON::PP;
use List::Util qw(max);
use Test::More;
use Time::HiRes qw(sleep time);

use TaskRedis;
use TaskServer;
use TaskServers;

my $first = $ENV{TEST_NGINX_LOAD_MODULES} // '';
my $module = $first =~ s/_task_module/_task_redis_module/r;
plan skip_all => "needs hiredis: $module" unless -f $module;

local $ENV{TEST_NGINX_LOAD_MODULES} = "$first; load_module $module";

my $redis = redis_start(appendonly => 'yes', appendfsync => 'no');
my $port = $redis->{port} + 61;
my $e = TaskRedis->new(port => $redis->{port});
my ($s, $r, $id, $code, $took);

sub conf {
    my (%o) = @_;
    my $url = $o{url} // "redis://127.0.0.1:$redis->{port}";

    return (port => $port, workers => 1, log_level => 'info', main => $o{main} // '',
            http => "task_job_redis name=jobs url=$url lease=2s " . ($o{redis} // '') . ';',
            server => '
        task_background on zone=jobs;
        location = /sleep   { task sleep; }
        location = /ready   { task_ready; }
        location /jobs/     { task_jobs zone=jobs; }
' . ($o{server} // ''));
}

sub start { return TaskServer->start(conf(@_)) }
sub is_ready { return $_[0]->get('/ready')->{status} == 200 }
sub ready { my ($s) = @_; $s->wait_for(sub { is_ready($s) }, 'the engine') }
sub id { return decode_json($_[0]{body})->{id} }
sub job { my ($s, $id, $wait) = @_; return decode_json($s->get("/jobs/$id?wait=" . ($wait // 0))->{body}) }
sub said { my ($s, $regex) = @_; return scalar(() = $s->text('error.log') =~ /$regex/g) }
sub begun { my ($s, $id) = @_; $s->wait_for(sub { job($s, $id)->{state} eq 'running' }, 'it to run') }

sub quit {
    my ($code) = $s->stop('QUIT');
    is($code, 0, 'exit code');
    $s->check_log;
}

# A wire to the engine: up() gets what goes there, down() what comes back, and each
# returns how many seconds the next piece waits.

my @wires;
my $main = $$;
END { local $?; if ($$ == $main) { kill 'KILL', @wires; waitpid $_, 0 for @wires } }

sub wire {
    my ($port, $up, $down, $host) = @_;

    my $listen = IO::Socket::INET->new(LocalAddr => $host // '127.0.0.1', LocalPort => $port,
                                       Listen => 100, ReuseAddr => 1) or die "wire: $!";
    setsockopt($listen, SOL_SOCKET, SO_RCVBUF, pack 'i', 16384) or die "wire: $!";

    my $pid = fork() // die "fork: $!";
    return push @wires, $pid if $pid;

    my (%to, %way, %until);
    my $all = IO::Select->new($listen);
    $SIG{PIPE} = 'IGNORE';

    while (getppid() == $main) {
        my $now = time();
        my @from = grep $now >= ($until{$_} // 0), $all->handles;

        for my $s (IO::Select->new(@from)->can_read(0.005)) {

            if ($s == $listen) {
                my $c = $listen->accept or next;
                my $u = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
                                              PeerPort => $redis->{port}) or next;
                @to{$c, $u} = ($u, $c);
                @way{$c, $u} = ($up, $down);
                $all->add($c, $u);
                next;
            }

            next unless $to{$s};

            if (sysread $s, my $bytes, 8192) {
                my $wait = $way{$s}->($bytes);
                $until{$s} = $now + $wait;
                $to{$s}->blocking(1);
                syswrite $to{$s}, $bytes;
                next;
            }

            my $t = delete $to{$s};
            delete $to{$t};
            $all->remove($s, $t);
            close $_ for $s, $t;
        }
    }

    POSIX::_exit(0);
}

# TEST 1: an engine before 7.0 says what a script runs into behind where it does

wire($port + 10, sub { 0 }, sub {
    $_[0] =~ s/^-((?:READONLY|MISCONF|OOM)[^\r]*?) script: \w+, on \@user_script:(\d+)\.\r$/
               "-ERR Error running script (call to f_x): \@user_script:$2: \@user_script: $2: -$1\r"/mge;
    return 0;
});

$s = start(url => 'redis://127.0.0.1:' . ($port + 10));
ready($s);
$id = id($s->get('/sleep?duration=500ms'));
begun($s, $id);
$redis->command(qw(replicaof 127.0.0.1 1));
$s->wait_for(sub { !is_ready($s) }, 'it to be seen', 10);
sleep(1);
is($s->get('/sleep?duration=0')->{status}, 503, 'an old engine, a replica: takes no job');
like($s->text('error.log'), qr/: READONLY .*: it is a replica/, 'logged as that of a new one');
$redis->command(qw(replicaof no one));
ready($s);
is(job($s, $id, '5s')->{state}, 'done', 'the job that ran is done');
is(said($s, qr/could not be stored/), 0, 'and nothing is given up');
quit();

# TEST 2: the end of a job is refused for a reason that nobody knows

$s = start();
ready($s);
$id = id($s->get('/sleep?duration=500ms'));
begun($s, $id);
my $owned = '{task-jobs}:owned:' . $e->job($id)->{owner};
$e->command('DEL', $owned);
$e->command('SET', $owned, 'x');
$s->wait_for(sub { said($s, qr/WRONGTYPE/) }, 'the log', 10);
is(is_ready($s), 1, 'an unknown error: it goes on');
sleep(1.2);
is(job($s, $id)->{state}, 'running', 'not ended yet');
is(said($s, qr/could not be stored/), 0, 'not given up');
$e->command('DEL', $owned);
is(job($s, $id, '5s')->{state}, 'done', 'it ends when it can');
$e->audit;

# and a worker that quits does not wait for ever

$id = id($s->get('/sleep?duration=500ms'));
begun($s, $id);
$e->command('DEL', $owned);
$e->command('SET', $owned, 'x');
($code, $took) = $s->stop('QUIT');
is($code, 0, 'quit: exit code');
cmp_ok($took, '<', 20, "in $took s");
is(said($s, qr/the end of job "sleep" could not be stored, job: $id/), 1, 'given up then');
$e->command('DEL', $owned);

# TEST 3: what takes longer to be sent than the engine may be silent

wire($port + 11, sub { length($_[0]) / 200_000 }, sub { 0 });

$s = start(url => 'redis://127.0.0.1:' . ($port + 11), redis => 'max_body=8m',
           server => 'client_max_body_size 8m; client_body_buffer_size 8m;');
ready($s);
my $time = time();
my $body = '{"x":"' . 'x' x 1_600_000 . '"}';
$r = $s->get('/sleep?duration=0', method => 'POST', body => $body, headers =>
             "Content-Type: application/json\r\nContent-Length: " . length($body) . "\r\n");
is($r->{status}, 202, 'a long command: sent');
cmp_ok(time() - $time, '>', 6, 'for ' . (time() - $time) . ' s');
is(said($s, qr/no answer in time/), 0, 'and nobody hangs up');
is(job($s, id($r), '5s')->{state}, 'done', 'the job');

# but an engine that hangs is seen, however much is said to it

kill 'STOP', $redis->{pid};
$time = time();
my @c = map { sleep(0.1); $s->open('/jobs/' . id($r)) } 1 .. 80;
cmp_ok(said($s, qr/no answer in time/), '>', 0, 'one that hangs is hung up');
kill 'CONT', $redis->{pid};
$s->read_all(\@c);
ready($s);
quit();

# TEST 4: no connection for calls for long, but one that is told, again and again

$e->command('flushall');
$s = start();
ready($s);
my @ids = map id($_), $s->get_all(('/sleep?duration=60s') x 30);
@c = map $s->open("/jobs/$_?wait=25s"), @ids;
sleep(0.5);
$redis->command(qw(replicaof 127.0.0.1 1));
$time = time();
my @r = $s->read_all(\@c);
is(join(' ', map $_->{status}, @r), join(' ', (500) x 30), 'who waits is told');
cmp_ok(time() - $time, '<', 15, 'not at the end of his time: ' . (time() - $time));

@c = map $s->open("/jobs/$_?wait=25s"), @ids;
sleep(max(0, $time + 17 - time()));
$redis->command(qw(config resetstat));
$redis->command(qw(replicaof no one));
ready($s);
sleep(0.5);
my ($calls) = join("\n", $redis->command(qw(info commandstats))) =~ /cmdstat_evalsha:calls=(\d+)/;
cmp_ok($calls, '<', 70, "and jobs are looked at once: $calls calls");
$e->command('flushall');
$s->stop('TERM');

# TEST 5: the first connection of a worker sees that the engine may drop jobs

$redis->command(qw(config set maxmemory-policy allkeys-lru));
$s = start();
ready($s);
is(said($s, qr/its maxmemory-policy is not noeviction/), 1, 'may drop jobs: logged at the start');
$redis->command(qw(client kill type normal skipme yes));
$e->connect;
$s->wait_for(sub { said($s, qr/it is there again/) }, 'the log');
is(said($s, qr/its maxmemory-policy is not noeviction/), 1, 'and once');
$redis->command(qw(config set maxmemory-policy noeviction));
quit();

# TEST 6: what is logged

$s = start();
ready($s);
@ids = map id($_), $s->get_all(('/sleep?duration=500ms') x 2);
begun($s, $_) for @ids;
$e->command('HDEL', "{task-jobs}:job:$ids[0]", 'ttl');
$e->command('HSET', "{task-jobs}:job:$ids[1]", 'version', 'x');
$s->wait_for(sub { said($s, qr/attempt to perform arithmetic/) }, 'the log');
$s->wait_for(sub { said($s, qr/hash value is not an integer/) }, 'the log');
sleep(2.2);
is(said($s, qr/attempt to perform arithmetic/), 1, 'an error that lasts is logged once');
is(said($s, qr/hash value is not an integer/), 1, 'and another one, too');
$e->command('HSET', "{task-jobs}:job:$ids[0]", 'ttl', 60000);
$e->command('HSET', "{task-jobs}:job:$ids[1]", 'version', 9);
is(job($s, $_, '5s')->{state}, 'done', 'it is mended') for @ids;

$id = id($s->get('/sleep?duration=1s'));
begun($s, $id);
$e->script('bury', $e->job($id)->{owner});
$s->wait_for(sub { said($s, qr/: the lease of this worker was over/) }, 'the log');
ready($s);
is(job($s, $id)->{state}, 'lost', 'a lease is over: the job is lost');
is(job($s, id($s->get('/sleep?duration=0')), '5s')->{state}, 'done', 'and the worker goes on');
quit();

# TEST 7: an engine with two addresses: both connections are to the same one, also
# when one of them is lost

SKIP: {
    my $dir = $redis->{dir};
    my $nginx = $ENV{TEST_NGINX_BINARY} || 'nginx';

    open my $hosts, '>', "$dir/hosts";
    print $hosts "127.0.0.1 localhost\n127.0.0.2 engine\n127.0.0.3 engine\n";
    close $hosts;

    open my $script, '>', "$dir/nginx";
    print $script "#!/bin/sh\nexec unshare -m sh -c 'mount --bind $dir/hosts /etc/hosts"
                  . " && exec $nginx \"\$\@\"' sh \"\$\@\"\n";
    close $script;
    chmod 0755, "$dir/nginx";

    skip 'no other /etc/hosts can be given to nginx', 1 if system("$dir/nginx -v 2> /dev/null");

    for my $n (2, 3) {
        wire($port + 12, sub {
            open my $out, '>>', "$dir/way";
            print $out "$n $1\n" while $_[0] =~ /(EVALSHA|SUBSCRIBE\r\n\$\d+\r\n\S*worker:)/g;
            return 0;
        }, sub { 0 }, "127.0.0.$n");
    }

    local $ENV{TEST_NGINX_BINARY} = "$dir/nginx";
    $s = start(url => 'redis://engine:' . ($port + 12));
    ready($s);

    sub ways {
        my ($regex) = @_;
        open my $in, '<', "$dir/way" or return ();
        return map /^(\d) $regex/ ? $1 : (), <$in>;
    }

    for my $n (1 .. 4) {
        my $before = ways(qr/SUBSCRIBE/);
        $redis->command(qw(client kill type pubsub));
        $s->wait_for(sub { ways(qr/SUBSCRIBE/) > $before }, 'it', 10);
        sleep(0.2);
    }

    my %calls = map { $_ => 1 } ways(qr/EVALSHA/);
    my %words = map { $_ => 1 } (ways(qr/SUBSCRIBE/))[1 .. 4];
    is(join(' ', sort keys %words), join(' ', sort keys %calls), 'both to the same address');
    quit();
}

done_testing();
