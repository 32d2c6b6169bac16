#!/usr/bin/perl

# conf/tasks/kv.c, async functions that wait for a real Redis by one connection of
# their worker, which is made anew when it is lost.

use strict;
use warnings;
use utf8;

use Encode qw(encode_utf8);
use File::Path ();
use IO::Socket::INET;
use JSON::PP;
use List::Util qw(max min);
use Test::More;
use Time::HiRes qw(sleep time);

use TaskServer;
use TaskServers;

sub slurp {
    my ($file) = @_;

    open my $in, '<', $file or die "$file: $!";
    local $/;
    return scalar <$in>;
}

my $redis = redis_start('client-query-buffer-limit' => '1gb');
my ($locations) = slurp('conf/io.conf') =~ /(location = \/get .*?)\n    \}\n\}\n/s;

$locations .= '
    location = /sleep { task sleep; }
    location = /late  { task kv.get; task_timeout 300ms; }
';

sub conf {
    my (%o) = @_;
    my $port = $o{port} // $redis->{port};

    return (main => "task_load $ENV{TEST_NGINX_TASKS}/kv.so; task_set kv.port $port;"
                    . 'task_set kv.patience ' . ($o{patience} // '10s') . ';',
            server => $locations, connections => $o{room}, workers => $o{workers},
            http => 'client_max_body_size 100m; client_body_buffer_size 100m;');
}

my $s = TaskServer->start(conf());
my ($worker) = $s->workers;
my $json = JSON::PP->new->utf8->allow_nonref;
my $r;

sub post {
    my ($uri, %args) = @_;
    my $body = $json->encode(\%args);

    return $s->get($uri, method => 'POST', body => $body,
                   headers => "Content-Type: application/json\r\n"
                              . 'Content-Length: ' . length($body) . "\r\n");
}

sub uri { return encode_utf8($_[0]) =~ s{([^\w/?=&.])}{sprintf '%%%02X', ord $1}ger }

sub reply {
    my ($r) = @_;

    return $r->{status} == 200 ? $json->decode($r->{body})->{reply} : $r->{status};
}

sub clients { return scalar grep !/cmd=client/, $redis->command(qw(client list)) }

sub fds { return scalar(() = glob "/proc/$worker/fd/*") }

sub rests {
    my ($name, $n) = @_;

    ok($s->wait_for(sub { fds() <= $n }, 'rest', 3), "$name: no descriptor is left")
        or diag(fds() . " of $n");
}

sub resident {
    return slurp("/proc/$worker/status") =~ /^VmRSS:\s+(\d+)/m ? $1 : die;
}

sub serves {
    return $s->wait_for(sub { $s->get('/get?key=word')->{status} == 200 }, 'Redis', 20);
}

# TEST 1: what it answers, and docs/functions.md says that curl prints

$s->get('/sleep?duration=10ms');
is($s->get('/get?key=word')->{status}, 404, 'no such key');
is(post('/set', key => 'word', value => 'hello')->{body}, '{"reply":"OK"}', 'set');
is($s->get('/get?key=word')->{body}, '{"reply":"hello"}', 'get');
is(post('/incr', key => 'visits')->{body}, '{"reply":1}', 'incr');
is(post('/incr', key => 'visits')->{body}, '{"reply":2}', 'incr again');
$redis->command('flushall');
my ($section) = slurp('docs/functions.md') =~ /\[conf\/tasks\/kv(.*?)^##/ms;
my @sessions = $section =~ /^    \$ (curl .*\n(?:(?!    \$ ) {4}.*\n)+)/mg;
is(scalar @sessions, 4, 'four commands');

for (@sessions) {
    my ($command, $printed) = /^([^\n]*)\n(.*?)\n*\z/s;
    is(`url=http://127.0.0.1:$s->{port}; $command -s`, $printed =~ s/^    //mgr, $command);
}
is($s->get("/$_")->{status}, 405, "GET of $_") for 'set?key=a&value=b', 'incr?key=a';
is($s->get("/$_")->{status}, 422, "not taken: $_") for 'get', 'get?key=', 'get?key=' . 'x' x 501;

my $before = fds();
is(clients(), 1, 'one connection');

my @words = ("'", '"', '\\', "a b\r\nc\r\n", '$5', "*1\r\n", '%s', '%b', 'Zürich', '😀', 'x' x 500);

for my $word (@words) {
    is(reply(post('/set', key => $word, value => "$word$word")), 'OK', 'is put');
    is(reply($s->get(uri("/get?key=$word"))), "$word$word",
       'as it was: ' . encode_utf8($word =~ s/[\r\n]/ /gr));
}
is(reply(post('/set', key => 'none', value => '')), 'OK', 'an empty value');
is(reply($s->get('/get?key=none')), '', 'as it was');
my $large = 'x' x 5_000_000;
is(reply(post('/set', key => 'large', value => $large)), 'OK', 'five megabytes');
is(reply($s->get('/get?key=large')), $large, 'as they were');
$redis->command(qw(set bytes), "\xff\xfe");
is(reply($s->get('/get?key=bytes')), "\x{fffd}\x{fffd}", 'what is no text');

# TEST 2: what Redis refuses

$redis->command(qw(rpush list a));
$r = $s->get('/get?key=list');
is($r->{status}, 409, 'a list is no word');
like($r->{body}, qr/^\{"detail":"WRONGTYPE /, 'in its words');
is(post('/incr', key => 'word')->{status}, 409, 'a word is no number');
$redis->command(qw(config set maxmemory 1));
$r = post('/set', key => 'word', value => 'more');
is($r->{status}, 503, 'no room in it is its own');
is($r->{body}, '{"detail":"the store is not available"}', 'and said so');
like($s->text('error.log'), qr/Redis: OOM command not allowed/, 'the log has why');
$redis->command(qw(config set maxmemory 0));

# TEST 3: many at once, in their order, by one connection

my @r = $s->get_all(('/get?key=word') x 500);
is(scalar(grep $_->{body} eq '{"reply":"hello"}', @r), 500, 'many at once');
is(clients(), 1, 'by one connection');
my $body = '{"key":"many"}';
my @c = map $s->open('/incr', method => 'POST', body => $body,
                     headers => "Content-Type: application/json\r\nContent-Length: 14\r\n"), 1 .. 300;
is(join(' ', sort { $a <=> $b } map reply($_), $s->read_all(\@c)), join(' ', 1 .. 300),
   'each has its own reply');

# TEST 4: who leaves while Redis is busy, and whose time is over

my $time = time();
$redis->command('client', 'pause', 1000);
@c = map $s->open('/get?key=word'), 1 .. 50;
$r = $s->get('/late?key=word');
is($r->{status}, 504, 'task_timeout');
close $_->{socket} for @c[0 .. 24];
is(scalar(grep reply($_) eq 'hello', $s->read_all([ @c[25 .. 49] ])), 25,
   'half of them leave, the others are served');
cmp_ok(time() - $time, '>=', 0.99, 'when Redis goes on');
rests('left', $before);

# the copies of replies nobody waits for are freed

SKIP: {
    skip 'a sanitizer keeps what was freed', 1 if $ENV{TEST_NGINX_SANITIZER};

    my $leave = sub {
        $redis->command('client', 'pause', 200);
        my @c = map $s->open('/get?key=large'), 1 .. 10;
        sleep(0.1);
        close $_->{socket} for @c;
        $s->get('/get?key=word');
    };

    $leave->() for 1 .. 2;
    my $was = resident();
    $leave->() for 1 .. 10;
    cmp_ok(resident() - $was, '<', 100_000, 'not 500 megabytes for who left');
}

# TEST 5: killed in the middle, and started again

kill 'STOP', $redis->{pid};
@c = map $s->open('/get?key=word'), 1 .. 20;
sleep(0.2);
$redis->kill9;
@r = $s->read_all(\@c);
is_deeply([ map $_->{status}, @r ], [ (503) x 20 ], 'killed: who waits is told');
cmp_ok(max(map $_->{total} // $_->{time}, @r), '<', 1.5, 'at once');
sleep(0.3);
@r = $s->get_all(('/get?key=word') x 20);
is_deeply([ map $_->{status}, @r ], [ (503) x 20 ], 'killed: nobody is served');
cmp_ok(max(map $_->{total}, @r), '<', 0.5, 'nor waits');
like($s->text('error.log'), qr/Redis: Connection refused/, 'the log has why');
rests('killed', $before);

sub ticks { return eval join '+', (split ' ', slurp("/proc/$worker/stat"))[13, 14] }

my $ticks = ticks();
sleep(1);
cmp_ok(ticks() - $ticks, '<=', 10, 'it does not try again all the time');

$redis->start_again;
$redis->command(qw(set word again));
ok(serves(), 'started again: it works');
is(reply($s->get('/get?key=word')), 'again', 'get');
is(clients(), 1, 'by one connection');
rests('started again', $before);

# idle connections are closed by Redis, again and again

for (1 .. 3) {
    $redis->command(qw(client kill type normal skipme yes));
    ok(serves(), 'closed: it is made anew');
}
is(clients(), 1, 'one connection');
rests('closed', $before);

# TEST 6: a Redis that hangs, one that is none, and one that takes no more clients

$s->reload(conf(patience => '500ms'));
$s->wait_for(sub { !grep $_ == $worker, $s->workers }, 'the old worker to end');
($worker) = $s->workers;
ok(serves(), 'a reload');
kill 'STOP', $redis->{pid};
@r = $s->get_all(('/get?key=word') x 10);
is_deeply([ map $_->{status}, @r ], [ (503) x 10 ], 'one that hangs: 503');
cmp_ok(min(map $_->{total}, @r), '>=', 0.5, 'after a while');
cmp_ok(max(map $_->{total}, @r), '<', 1.2, 'that is bounded');
like($s->text('error.log'), qr/Redis: no reply in time/, 'the log has why');
kill 'CONT', $redis->{pid};
ok(serves(), 'and goes on');

my $full = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $redis->{port});
syswrite $full, "config set maxclients 1\r\nclient kill type normal skipme yes\r\n";
sleep(0.5);
is($s->get('/get?key=word')->{status}, 503, 'one that is full');
syswrite $full, "config set maxclients 100\r\n";
ok(serves(), 'and has room again');
close $full;

my $other = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 10);
$s->reload(conf(port => $other->sockport));
my $client = $other->accept;
my $c = $s->open('/get?key=word');
sysread $client, my $got, 100;
is($got, "*2\r\n\$3\r\nGET\r\n\$4\r\nword\r\n", 'a command, in bytes');
syswrite $client, "HTTP/1.1 400 Bad Request\r\n\r\n";
is($s->read($c)->{status}, 503, 'what is no Redis');
like($s->text('error.log'), qr/Redis: Protocol error/, 'the log has why');
close $client;
close $other;
$s->reload(conf());
($worker) = $s->workers;

# TEST 7: quit and reload, with commands under way

for my $how ('reload', 'quit') {
    ok(serves(), 'serves');
    $redis->command('client', 'pause', 800);
    @c = map $s->open('/get?key=word'), 1 .. 50;
    sleep(0.2);
    $how eq 'reload' ? $s->reload : $s->signal('QUIT');
    is(scalar(grep reply($_) eq 'again', $s->read_all(\@c)), 50, "a $how loses none");
}
$s->wait_for(sub { waitpid($s->{pid}, 1) }, 'nginx to end');
is($?, 0, 'exit code');
$s->wait_for(sub { clients() == 0 }, 'the connection to be closed');

# stopped at once

$s->start;
$redis->command('client', 'pause', 500);
@c = map $s->open('/get?key=word'), 1 .. 20;
sleep(0.2);
my ($code, $took) = $s->stop('TERM');
is($code, 0, 'TERM: exit code');
cmp_ok($took, '<', 5, 'at once');

# TEST 8: few worker_connections, and more workers

$redis->stop;
$s->write_conf(conf(room => 8));
$s->start;
($worker) = $s->workers;
@c = map $s->open('/sleep?duration=60s'), 1 .. 6;
sleep(0.2);
$redis->start_again;
$redis->command(qw(set word again));
sleep(0.5);
close $_->{socket} for @c;
ok(serves(), 'when there is one again, it connects');
$s->stop('QUIT');

$s->write_conf(conf(workers => 3));
$s->start;
ok(serves(), 'serves');
$s->wait_for(sub { clients() == 3 }, 'three connections');
@r = $s->get_all(('/get?key=word') x 100);
is(scalar(grep reply($_) eq 'again', @r), 100, 'three workers');
($code) = $s->stop('QUIT');
is($code, 0, 'exit code');

$s->check_log(qr/worker_connections are not enough/);

# TEST 9: an allocation of the module fails, each in turn: who asked is told, and
# the connection is made again

SKIP: {
    skip 'needs the module that make test builds for it', 1
        unless -f ($ENV{TEST_NGINX_FAIL_MODULE} // '');

    local $ENV{TEST_NGINX_LOAD_MODULES} = $ENV{TEST_NGINX_FAIL_MODULE};
    my ($n, $wrong, $hit) = (1, '', 1);

    for ( ; $hit && $n < 500; $n++) {
        local $ENV{FAIL_AT} = $n;
        my %conf = conf();
        my $f = TaskServer->start(%conf, main => "env FAIL_AT; $conf{main}",
                                  log_level => 'error');

        @r = map $_->{status}, $f->get_all(('/get?key=word') x 3);
        $f->wait_for(sub { $f->get('/get?key=word')->{status} == 200 }, 'it', 3)
            if grep $_ != 200, @r;
        my @next = map $_->{status}, $f->get_all(('/get?key=word') x 3);
        ($code) = $f->stop('QUIT');

        my $log = $f->text('error.log') . $f->text('stderr.log');
        $hit = $log =~ /allocation $n fails/;
        my $started = $log !~ /start of task library "kv" failed: no memory/;
        $wrong .= "$n: @r, @next, $code\n"
            if $code || grep($_ !~ /^(?:200|500|503|0)$/, @r, @next)
               || $started && grep($_ == 200, @next) < 2 || $log =~ /\[alert\]/;
        File::Path::remove_tree($f->{root});
    }

    is($wrong, '', $n - 2 . ' allocations');
}

done_testing();
