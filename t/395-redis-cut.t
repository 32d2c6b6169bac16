#!/usr/bin/perl

# The network between an nginx and its Redis is cut in either direction, and no
# end of it is told: what is under way arrives when it is whole again.

use strict;
use warnings;

use IO::Select;
use IO::Socket::INET;
use JSON::PP;
use Test::More;
use Time::HiRes qw(sleep time);

use TaskRedis;
use TaskServer;
use TaskServers;

my $first = $ENV{TEST_NGINX_LOAD_MODULES} // '';
my $module = $first =~ s/_task_module/_task_redis_module/r;
plan skip_all => "needs hiredis: $module" unless -f $module;

local $ENV{TEST_NGINX_LOAD_MODULES} = "$first; load_module $module";

my $redis = redis_start();
my $port = $redis->{port} + 55;
my $e = TaskRedis->new(port => $redis->{port});
my $cut = "$redis->{dir}/cut";

# a wire: while the file says "up" or "down", nothing goes this way

sub wire {
    my ($port) = @_;

    my $listen = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $port,
                                       Listen => 100, ReuseAddr => 1) or die "wire: $!";
    my $pid = fork() // die "fork: $!";
    return $pid if $pid;

    my (%to, %way);
    my $all = IO::Select->new($listen);
    $SIG{PIPE} = 'IGNORE';

    my $seen = '';

    while (1) {
        my $now = -e $cut ? do { open my $in, '<', $cut; <$in> // '' } : '';
        my @from = grep !$way{$_} || index($now, $way{$_}) < 0, $all->handles;

        if ($now ne $seen) {
            open my $out, '>', "$cut.seen" or die $!;
            print $out $seen = $now;
        }

        for my $s (IO::Select->new(@from)->can_read(0.01)) {

            if ($s == $listen) {
                my $c = $listen->accept or next;
                my $u = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
                                              PeerPort => $redis->{port}) or next;
                @to{$c, $u} = ($u, $c);
                @way{$c, $u} = ('up', 'down');
                $all->add($c, $u);
                next;
            }

            next unless defined fileno $s;

            if (sysread $s, my $bytes, 65536) {
                syswrite $to{$s}, $bytes;
                next;
            }

            my $t = $to{$s};
            $all->remove($s, $t);
            close $_ for $s, $t;
            getppid() == 1 && POSIX::_exit(0);
        }
    }
}

my $wire = wire($port);
my $main = $$;
END { kill 'KILL', $wire if $wire && $$ == $main }

sub cut {
    my ($way) = @_;

    open my $out, '>', "$cut.new" or die $!;
    print $out $way;
    close $out;
    rename "$cut.new", $cut or die $!;

    my $until = time() + 30;

    while (time() < $until) {
        if (open my $in, '<', "$cut.seen") {
            return if (<$in> // '') eq $way;
        }

        sleep(0.005);
    }

    die "the wire does not hear\n";
}

sub node {
    my ($n, $port) = @_;

    return TaskServer->start(
        port => $redis->{port} + 56 + $n, workers => 2, log_level => 'info',
        http => "task_job_redis name=jobs url=redis://127.0.0.1:$port lease=2s;"
                . "task_job_redis name=again url=redis://127.0.0.1:$port lease=2s attempts=5;",
        server => '
        task_background on zone=jobs;
        location = /sleep   { task sleep; }
        location = /again   { task sleep; task_background on zone=again location=/again/; }
        location = /ready   { task_ready; add_header X-Worker $pid always; }
        location /jobs/     { task_jobs zone=jobs; }
        location /again/    { task_jobs zone=again; }
');
}

sub id { return decode_json($_[0]{body})->{id} // die "no job: $_[0]{body}" }
sub at { my ($id, $p) = @_; return '/' . ($p // 'jobs') . "/$id" }
sub job { my ($s, $id, $wait, $p) = @_; return decode_json($s->get(at($id, $p) . '?wait=' . ($wait // 0))->{body}) }
sub store { my ($p) = @_; return bless { %$e, prefix => "{task-$p}:" }, 'TaskRedis' }

sub job_on {
    my ($s, $uri, $p) = @_;

    for (1 .. 50) {
        my $id = id($s->get($uri));
        sleep(0.05);
        my $owner = store($p // 'jobs')->job($id)->{owner};
        return $id if $s->text('error.log') =~ /this worker is $owner/;
        $s->get(at($id, $p), method => 'DELETE');
    }
    die 'no job runs there';
}

my $a = node(0, $port);
my $b = node(1, $redis->{port});
$_->ready for $a, $b;

for my $way ('up', 'down', 'up down') {
    my $lost = job_on($a, '/sleep?duration=4s');
    my $again = job_on($a, '/again?duration=4s', 'again');
    my $sent = id($b->get('/sleep?duration=0'));
    is(job($b, $sent, '5s')->{state}, 'done', "$way: whole");

    # what is sent now arrives when it is whole again

    cut($way);
    my $time = time();
    my @c = map $a->open('/sleep?duration=0'), 1 .. 4;
    my $seen;

    is(job($b, $lost, '10s')->{state}, 'lost', "$way: a job of who is cut off is lost");
    cmp_ok(time() - $time, '<', 5, 'when its lease is over');
    my $j = job($b, $again, '30s', 'again');
    is($j->{state}, 'done', 'with attempts it is done elsewhere');
    my $ended = $j->{ended};
    is(join(' ', map $_->{status}, $a->read_all(\@c)), '503 503 503 503',
       'who asks there is told');
    is($a->get('/sleep?duration=0')->{status}, 503, 'and at once');
    is($b->get('/sleep?duration=0')->{status}, 202, 'the other node takes jobs');

    cut('');
    $time = time();
    $a->ready;
    cmp_ok(time() - $time, '<', 8, 'it is there again: ' . (time() - $time));
    is(job($a, $lost)->{state}, 'lost', 'still lost');
    $j = job($a, $again, 0, 'again');
    is("$j->{state} $j->{ended}", "done $ended", 'done as it was');
    my $id = job_on($a, '/sleep?duration=300ms');
    is(job($b, $id, '5s')->{state}, 'done', 'it works');

    # all of it ends

    my $until = time() + 10;
    my $left;
    do {
        sleep(0.1);
        $left = 0;
        $left += $e->command('ZCARD', "{task-jobs}:state:$_") for qw(queued running);
    } while ($left && time() < $until);
    is($left, 0, 'nothing is left');
    $_->audit for $e, store('again');
}

# a short cut is none: what is under way waits

my $id = job_on($a, '/sleep?duration=300ms');
cut('up down');
my $c = $a->open('/sleep?duration=0');
sleep(1);
cut('');
is($a->read($c)->{status}, 202, 'a short cut');
is(job($a, $id, '5s')->{state}, 'done', 'a job ends');

for ($a, $b) {
    my ($code) = $_->stop('QUIT');
    is($code, 0, 'exit code');
    $_->check_log;
}

done_testing();
