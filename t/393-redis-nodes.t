#!/usr/bin/perl

# Jobs of two nginx with one Redis: any of them runs them, and tells of them; one
# of them is killed, frozen, or blocked.

use strict;
use warnings;

use JSON::PP;
use List::Util qw(max min);
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
my $port = $redis->{port} + 42;
my $e = TaskRedis->new(port => $redis->{port});
my ($id, $j, $r, $time);

# each node has some locations more than the other one

sub node {
    my ($n, %o) = @_;

    return TaskServer->start(
        port => $port + $n, workers => $o{workers} // 2, log_level => 'info',
        main => "task_load $ENV{TEST_NGINX_TASKS}/countdown.so; thread_pool one threads=1;",
        http => "task_job_redis name=jobs url=redis://127.0.0.1:$redis->{port} lease=2s;"
                . "task_job_redis name=again url=redis://127.0.0.1:$redis->{port} lease=2s"
                . ' attempts=3;',
        server => '
        task_background on zone=jobs;
        location = /sleep   { task sleep; }
        location = /count   { task countdown; }
        location = /one     { task sleep; task_background on zone=jobs queue=one;
                              task_limit running=1 queue=100; }
        location = /sync    { task sleep; task_background on zone=jobs queue=sync;
                              task_mode sync; task_param duration max=10s default=1s; }
        location = /thread  { task sleep; task_background on zone=jobs queue=thread;
                              task_mode thread=one; }
        location = /again   { task sleep; task_background on zone=again location=/again/; }
        location = /ready   { task_ready; add_header X-Worker $pid always; }
        location /jobs/     { task_jobs zone=jobs; }
        location /again/    { task_jobs zone=again; }
' . ($o{server} // ''));
}

sub id { return decode_json($_[0]{body})->{id} // die "no job: $_[0]{body}" }
sub at { my ($id, $p) = @_; return '/' . ($p // 'jobs') . "/$id" }
sub job { my ($s, $id, $wait, $p) = @_; return decode_json($s->get(at($id, $p) . '?wait=' . ($wait // 0))->{body}) }
sub store { my ($p) = @_; return bless { %$e, prefix => "{task-$p}:" }, 'TaskRedis' }
sub owner { my ($id, $p) = @_; return store($p // 'jobs')->job($id)->{owner} }

# the worker's process, by its name in the log of its node

sub pid {
    my ($s, $owner) = @_;
    my ($pid) = $s->text('error.log') =~ / (\d+)#\d+: [^\n]* this worker is $owner/;
    return $pid;
}

my $a = node(0);
my $b = node(1);
$_->ready for $a, $b;

# TEST 1: submitted on one, asked for on the other

$id = id($a->get('/count?steps=5&every=200ms'));
$r = $b->get(at($id), headers => "Accept: text/event-stream\r\n");
like($r->{body}, qr/event: progress.*event: end/s, 'a stream of the other node');
is(job($b, $id)->{state}, 'done', 'done');
is_deeply(job($b, $id)->{result}, { steps => 5 }, 'its result');
$id = id($a->get('/sleep?duration=60s'));
sleep(0.2);
is($b->get(at($id), method => 'DELETE')->{status}, 200, 'cancelled by the other node');
$time = time();
is(job($a, $id, '5s')->{state}, 'cancelled', 'as the first one says');
cmp_ok(time() - $time, '<', 0.5, 'at once');

$time = time();
my @ids = map id($a->get('/one?duration=500ms')), 1 .. 8;
is(job($b, $_, '10s')->{state}, 'done', 'done') for @ids;
cmp_ok(time() - $time, '<', 1.9, 'both nodes run what one has accepted: ' . (time() - $time));

# TEST 2: all of a node is killed: jobs that ran are lost, or are tried again

sub kill_node {
    my ($s) = @_;
    kill 'KILL', $s->{pid}, $s->workers;
    waitpid $s->{pid}, 0;
}

# a job that runs on this node

sub job_on {
    my ($s, $uri, $p) = @_;

    for (1 .. 50) {
        my $id = id($s->get($uri));
        sleep(0.05);
        return $id if pid($s, owner($id, $p));
        $s->get(at($id, $p), method => 'DELETE');
    }
    die 'no job runs there';
}

my $lost = job_on($a, '/sleep?duration=60s');
my $again = job_on($a, '/again?duration=1s', 'again');
kill_node($a);
$time = time();
is(job($b, $lost, '10s')->{state}, 'lost', 'a job of a node that was killed is lost');
cmp_ok(time() - $time, '<', 4, 'when its lease is over: ' . (time() - $time));
$j = job($b, $again, '20s', 'again');
is($j->{state}, 'done', 'with attempts it is tried again, and done');
is(store('again')->job($again)->{attempt}, 2, 'the second attempt');
ok(pid($b, store('again')->job($again)->{owner}), 'on the other node');
$_->audit for $e, store('again');

# TEST 3: a node is frozen beyond its lease, and wakes up

$a = node(0);
$a->ready;
$lost = job_on($a, '/sleep?duration=3s');
$again = job_on($a, '/again?duration=3s', 'again');
my @pids = ($a->{pid}, $a->workers);
kill 'STOP', @pids;
is(job($b, $lost, '10s')->{state}, 'lost', 'a job of a node that is frozen is lost');
$j = job($b, $again, '20s', 'again');
is($j->{state}, 'done', 'with attempts it is done by the other one');
my $ended = $j->{ended};
kill 'CONT', @pids;
sleep(1);
is(job($b, $lost)->{state}, 'lost', 'what it says then is too late');
$j = job($b, $again, 0, 'again');
is("$j->{state} $j->{ended}", "done $ended", 'and changes nothing');
like($a->text('error.log'), qr/job $_ is not this worker's any more/, 'as it logs')
    for $lost, $again;
$a->ready;
$id = job_on($a, '/sleep?duration=1s');
is(job($b, $id, '5s')->{state}, 'done', 'it is there again');
$_->audit for $e, store('again');

# TEST 4: a worker whose loop is blocked beyond its lease is not dead

$id = id($a->get('/sync?duration=5s'));
is(job($b, $id, '20s')->{state}, 'done', 'blocked, and done');
$e->audit;

my $c = node(2, workers => 1);
$c->ready;
$_->stop('QUIT') for $a;
$id = job_on($c, '/sync?duration=5s');
is(job($b, $id, '20s')->{state}, 'done', 'nor is one that has no other beside it');
my ($left) = $c->stop('QUIT');
is($left, 0, 'exit code');
$c->check_log;
$a = node(0);
$a->ready;

# TEST 5: a worker is killed: a job of its that has not begun waits again

@ids = map id($a->get('/thread?duration=2s')), 1 .. 8;
sleep(0.6);
my %of;
push @{ $of{owner($_)} }, $_ for @ids;
my ($owner) = grep $_ && pid($a, $_) && @{ $of{$_} } > 1, keys %of;
SKIP: {
    skip 'no worker has two of them', 2 unless $owner;
    my ($ran) = grep $e->job($_)->{state} eq 'running', @{ $of{$owner} };
    kill 'KILL', pid($a, $owner);
    $time = time();
    is(job($b, $ran, '10s')->{state}, 'lost', 'the one that ran is lost');
    cmp_ok(time() - $time, '<', 2, 'soon');
}
my %state;
$state{job($b, $_, '30s')->{state}}++ for @ids;
is_deeply(\%state, { done => 8 - !!$owner, $owner ? (lost => 1) : () }, 'each of the others is done');
$e->audit;

for ($a, $b) {
    my ($code) = $_->stop('QUIT');
    is($code, 0, 'exit code');
    $_->check_log(qr/exited on signal 9/);
}

done_testing();
