#!/usr/bin/perl

# Children of a gather in threads: pools that are full, limits, threads that end,
# and a worker that has to end while they run.

use strict;
use warnings;

use JSON::PP;
use Test::More;
use Time::HiRes qw(time);

use TaskServer;

my %conf = (
    main => "task_load $ENV{TEST_NGINX_TASKS}/test/gather.so;
             thread_pool default threads=16; thread_pool two threads=2 max_queue=2;",
    http => 'task_job_zone jobs:2m;',
    server => '
        location = /gather { task gather; task_mode async; }
        location = /time   { task gather; task_mode async; task_timeout 300ms; }
        location = /one    { task gather; task_mode async;
                             task_limit running=1 queue=10; }
        location = /job    { task gather; task_mode async;
                             task_background on zone=jobs; }
        location /jobs/    { task_jobs zone=jobs; }
        location = /seen   { task seen; task_mode sync; }
        location = /quick  { quick; }
    ');

my $s = TaskServer->start(%conf);
my ($worker) = $s->workers;
my ($r, $c, $was);

sub seen { return decode_json($s->get('/seen')->{body}) }

sub more {
    my ($what, $n) = @_;
    $s->wait_for(sub { seen()->{$what} >= $was->{$what} + $n }, "$n $what");
}

sub quiet {
    my ($what) = @_;
    ok($s->wait_for(sub { my $n = seen(); $n->{begun} == $n->{deferred} }, 'all to end', 20),
       "$what: what was deferred is called");
}

sub rcs {
    my ($r) = @_;
    my %n;
    $n{$_}++ for @{ $r->{rcs} };
    return join ' ', map "$_:$n{$_}", sort keys %n;
}

sub ask { return decode_json($s->get($_[0])->{body}) }
sub job { return ask("/job?$_[0]")->{id} }
sub job_ended { return ask("/jobs/$_[0]?wait=25s") }

# children of a job wait in front of a pool that is full, and each has its turn

$was = seen();
$r = job_ended(job('kind=offload&pool=two&n=20&ms=20ms'));
is("$r->{state} " . rcs($r->{result}), 'done 0:20', 'a job: each has ended');
cmp_ok($r->{result}{ms}, '>=', 199, 'two at a time');
is(seen()->{pieces} - $was->{pieces}, 20, 'and has run');

# it is cancelled: two run, two are in the pool, and those in front never begin

$was = seen();
my $id = job('kind=offload&pool=two&n=20&ms=60s');
more('pieces', 2);
is($s->get("/jobs/$id", method => 'DELETE')->{status}, 200, 'DELETE');
is(job_ended($id)->{state}, 'cancelled', 'cancelled');
quiet('a job that is cancelled');
is(seen()->{pieces} - $was->{pieces}, 2, 'no more have begun');
is(seen()->{returned} - $was->{returned}, 2, 'and those were woken');

# the first error does the same

$was = seen();
$r = job_ended(job('kind=offload&pool=two&n=20&ms=50ms&step=25s&bad=0&first=true'));
is("$r->{result}{rc} " . rcs($r->{result}), '1 1:1 2:19', 'the first error');
cmp_ok($r->{result}{ms}, '<', 20_000, 'nobody is waited for');
cmp_ok(seen()->{pieces} - $was->{pieces}, '<=', 4, 'those in front never begin');
quiet('the first error');

$r = job_ended(job('kind=offload&pool=two&n=5&ms=1ms'));
is("$r->{state} " . rcs($r->{result}), 'done 0:5', 'there is room again');

# a request does not wait: a child is told that there is no room

$was = seen();
$r = ask('/gather?kind=offload&pool=two&n=10&ms=300ms');
my $ran = grep $_ == 0, @{ $r->{rcs} };
is("$r->{rc} " . rcs($r), "0 0:$ran 3:" . (10 - $ran), 'busy');
ok($ran >= 2 && $ran <= 4, 'two that run, two that wait') or diag $ran;
is(seen()->{pieces} - $was->{pieces}, $ran, 'the others have not');

$r = ask('/gather?kind=offload&pool=two&n=10&ms=60s&first=true');
is($r->{rc}, 3, 'busy, the first error');
cmp_ok($r->{ms}, '<', 20_000, 'cancels those that run');
quiet('busy');

# a turn is given back when the last thread has returned

$was = seen();
$c = $s->open('/one?kind=gate&n=3&bad=1&ms=60s&' . $s->gate('one'));
more('pieces', 3);
close $c->{socket};
more('returned', 2);
my $next = $s->open('/one?kind=once&n=1');
is($s->get('/quick')->{status}, 200, 'others are served') for 1 .. 20;
is(seen()->{begun} - $was->{begun}, 1, 'who is next still waits');
is(seen()->{returned} - $was->{returned}, 2, 'for the last thread');
$s->open_gate('one');
is($s->read($next)->{status}, 200, 'and goes on then');
quiet('a limit');

# the time is over: the same, with the client answered at once

$was = seen();
is($s->get('/time?kind=gate&n=3&bad=1&ms=60s&' . $s->gate('time'))->{status}, 504,
   'task_timeout');
more('returned', 2);
is(seen()->{deferred} - $was->{deferred}, 0, 'a thread still has a state');
$s->open_gate('time');
quiet('task_timeout');

# HEAD, while others sleep in a thread: they are woken

for my $step ('0', '100ms') {
    $was = seen();
    $r = $s->get("/gather?kind=mixed&bad=0&n=5&ms=60s&step=$step", method => 'HEAD');
    is("$r->{status} $r->{body}", '200 ', "HEAD, after $step");
    cmp_ok($r->{time}, '<', 20, 'at once');
    quiet('HEAD');
    is(seen()->{returned} - $was->{returned}, seen()->{pieces} - $was->{pieces},
       'none sleeps on');
}

is(join(' ', $s->workers), $worker, 'the worker lives');

# a reload: the old worker goes on until they have ended

my @kinds = ('sleep', 'offload', 'call', 'gather', 'timeout');

$was = seen();
my @c = map $s->open("/gather?kind=$_&n=5&ms=500ms&timeout=20s"), @kinds;
$id = job('kind=offload&pool=two&n=5&ms=200ms');
more('begun', 6);
$s->reload;
is(join(' ', map $_->{status}, $s->read_all(\@c)), '200 200 200 200 200', 'a reload');
is(job_ended($id)->{state}, 'done', 'and a job');
ok($s->wait_for(sub { !grep $_ == $worker, $s->workers }, 'it to end', 20), 'it ends');

# a stop at once

$was = seen();
@c = map $s->open("/gather?kind=$_&n=5&ms=60s&timeout=90s"), @kinds;
more('begun', 5);
more('pieces', 5);
my ($code, $time) = $s->stop('TERM');
is($code, 0, 'TERM');
cmp_ok($time, '<', 20, 'waits for nobody');
$s->check_log;

# task_shutdown_timeout: each client is answered, each task is told of once

$s = TaskServer->start(%conf, main => "$conf{main} task_shutdown_timeout 500ms;");
$was = seen();
@c = map $s->open("/gather?kind=$_&n=5&ms=60s"), ('offload', 'offload');
more('pieces', 10);
($code, $time) = $s->stop('QUIT');
is($code, 0, 'QUIT');
cmp_ok($time, '>=', 0.5, 'waits for task_shutdown_timeout');
cmp_ok($time, '<', 20, 'and no longer');
is(join(' ', map $_->{status}, $s->read_all(\@c)), '503 503', 'clients come again');
is(scalar(() = $s->text('error.log') =~ /runs on after task_shutdown_timeout/g), 2,
   'each task is told of once');
$s->check_log;

# a child ends its thread: it has failed, and a worker with all threads replaces this
# one, which ends what it has begun

$s = TaskServer->start(%conf);
($worker) = $s->workers;

$r = ask('/gather?kind=exit&pool=two&n=2&ms=10ms&bad=1');
is("$r->{rc} @{ $r->{rcs} }", '0 0 1', 'a child ends its thread');

like($s->text('error.log'), qr/\[error\].*task "gather".*ends its thread/, 'it is logged');
$r = ask('/gather?kind=exit&n=4&ms=60s&bad=1&first=true');
is("$r->{rc} " . rcs($r), '1 1:1 2:3', 'it is the first error');
$s->wait_for(sub { !grep $_ == $worker, $s->workers }, 'another worker');
quiet('the end of a thread');
$s->stop;
$s->check_log;

done_testing();
