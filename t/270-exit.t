#!/usr/bin/perl

# Functions that end what is nginx's: its process, or a thread of its pool.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(sleep time);

use TaskServer;

my $tasks = "$ENV{TEST_NGINX_TASKS}/test";
my ($s, $r, @r, $c, $code, $time);

sub conf {
    my ($main) = @_;

    return (
        main => "task_load $tasks/process.so; env PROCESS_STOP; env PROCESS_START;
                 thread_pool default threads=3;
                 thread_pool one threads=1; " . ($main // ''),
        http => 'task_job_zone jobs:1m;',
        server => '
            location = /ends  { task ends; task_limit running=3; }
            location = /one   { task ends; task_mode thread=one; }
            location = /sync  { task ends; task_mode sync; }
            location = /aends { task aends; task_limit running=1; }
            location = /job   { task ends; task_background on zone=jobs; }
            location = /sleep { task sleep duration=400ms;
                                task_mode thread; }
            location = /one/job   { task ends; task_mode thread=one;
                                    task_background on zone=jobs; }
            location = /one/sleep { task sleep; task_mode thread=one;
                                    task_background on zone=jobs; }
            location = /quick { quick; }
            location /jobs/   { task_jobs zone=jobs; }
        ');
}

# another worker has taken over from those

sub replaced {
    my (@old) = @_;

    my %old = map { $_ => 1 } @old;

    $s->wait_for(sub {
        my @new = $s->workers;
        return @new && !grep $old{$_}, @new;
    }, 'another worker');
}

# TEST 1: exit(), with any code, in every place: nginx goes on, and the log
# says who it was

$s = TaskServer->start(conf());

for my $try ([ '/ends?how=exit&n=2', 'task "ends" called exit\(2\)' ],
             [ '/ends?how=exit&n=0', 'task "ends" called exit\(0\)' ],
             [ '/ends?how=exit&n=77', 'task "ends" called exit\(77\)' ],
             [ '/ends?how=quick&n=2', 'task "ends" called quick_exit\(\)' ],
             [ '/ends?how=own', 'a thread of a task library '
                                . 'called exit\(2\)' ],
             [ '/ends?how=defer', 'task "ends" called exit\(2\)' ],
             [ '/sync?how=exit', 'task "ends" called exit\(2\)' ],
             [ '/sync?how=defer', 'task "ends" called exit\(2\)' ],
             [ '/sync?how=thread', 'task "ends" called pthread_exit\(\)' ],
             [ '/aends?how=exit', 'task "aends" called exit\(2\)' ])
{
    my ($uri, $message) = @$try;

    # AddressSanitizer does not let us see that the first thread ends

    next if $uri eq '/sync?how=thread'
            && ($ENV{TEST_NGINX_SANITIZER} // '') eq 'address';

    my ($old) = $s->workers;
    $r = $s->get($uri);
    ok($r->{ended} && $r->{status} == 0, "$uri: no answer") or diag $r->{body};
    replaced($old);
    is($s->get('/quick')->{status}, 200, "$uri: another worker serves");
    like($s->text('error.log'),
         qr/\[alert\] $old#\d+: $message, its worker ends/, "$uri: the log");
    like($s->text('error.log'),
         qr/worker process $old exited with code 1/, "$uri: not with code 2");
}

# TEST 2: two threads at once

for (1 .. 5) {
    my ($old) = $s->workers;
    $s->get_all(('/ends?how=two') x 2);
    replaced($old);
}

is($s->get('/quick')->{status}, 200, 'two at once: another worker serves');
unlike($s->text('error.log'), qr/fatal code/, 'two at once: none is fatal');
($code) = $s->stop('QUIT');
is($code, 0, 'nginx ends as ever');
$s->check_log(qr/called (?:quick_|pthread_)?exit\(/);

# TEST 3: in stop(): the worker was to end

{
    local $ENV{PROCESS_STOP} = 1;
    $s = TaskServer->start(conf());
    my ($old) = $s->workers;
    $s->reload;
    $s->wait_for(sub { !kill 0, $old }, 'the old worker to end');
    is($s->get('/quick')->{status}, 200, 'in stop(): the next worker serves');
    like($s->text('error.log'), qr/\[alert\] $old#.* a hook of task library (?#
         )"process" called exit\(2\)/, 'in stop(): the log');
    unlike($s->text('error.log'), qr/fatal code/, 'in stop(): not fatal');
    ($code) = $s->stop('TERM');
    is($code, 0, 'in stop(): exit code');
    $s->check_log(qr/called exit\(/);
}

# in start(): each worker in turn, but none is fatal, nor are they started
# faster than can be borne

{
    local $ENV{PROCESS_START} = 1;
    $s = TaskServer->start(conf(), answers => 0);
    $s->wait_for(sub {
        2 < (() = $s->text('error.log') =~ /worker process \d+ exited with code 1/g)
    }, 'three workers to end', 15);
    my $times = () = $s->text('error.log') =~ /a hook of task library "process" called exit\(2\)/g;
    cmp_ok($times, '<', 8, 'in start(): the log, not too often');
    unlike($s->text('error.log'), qr/fatal code/, 'in start(): not fatal');
    ($code) = $s->stop('TERM');
    is($code, 0, 'in start(): exit code');
    $s->check_log(qr/called exit\(/);
}

# TEST 4: a thread is ended: its client has an answer, its place is free, what
# was deferred is done, the worker is replaced, and nobody else is cut off

$s = TaskServer->start(conf());
my ($old) = $s->workers;
$c = $s->open('/sleep');
$r = $s->get('/ends?how=thread');
is($r->{status}, 500, 'a thread: 500');
cmp_ok($r->{time}, '<', 3, 'a thread: soon');
is($s->read($c)->{status}, 200, 'a thread: others have their answers');
like($s->text('error.log'), qr/\[error\].*task "ends": ends its thread/,
     'a thread: the log');
replaced($old);
like($s->text('error.log'), qr/worker process $old exited with code 0/,
     'a thread: its worker leaves in order');
is($s->get('/ends')->{body}, '{"deferred":0}', 'a thread: a new worker');
($code, $time) = $s->stop('QUIT');
is($code, 0, 'a thread: exit code');
cmp_ok($time, '<', 3, 'a thread: nothing holds the worker');
$s->check_log;

# TEST 5: while a long task keeps the old worker: its places are free, and what
# was deferred has been called

$s = TaskServer->start(conf('task_shutdown_timeout 3s;'), workers => 1);
($old) = $s->workers;
$c = $s->open('/ends?how=thread', keepalive => 1);
$s->wait_for(sub { $s->text('error.log') =~ /will be replaced/ }, 'the worker to be replaced');
is($s->read($c, 1)->{status}, 500, 'keepalive: 500');
replaced($old);
$s->stop('TERM');
$s->check_log;

# TEST 6: in an offloaded piece: the function goes on; in a job: it has failed

$s = TaskServer->start(conf());
($old) = $s->workers;
$r = $s->get('/aends');
is($r->{body}, '{"rc":1}', 'a piece: the function goes on, with a failure');
like($s->text('error.log'), qr/task "aends": ends its thread/,
     'a piece: the log');
replaced($old);

($old) = $s->workers;
$r = $s->get('/job?how=thread');
is($r->{status}, 202, 'a job: taken');
my ($href) = $r->{body} =~ /"href":"([^"]+)"/;
$r = $s->get("$href?wait=10s");
like($r->{body}, qr/"state":"failed"/, 'a job: has failed');
replaced($old);

# TEST 7: the only thread of its pool, of several requests at once

($old) = $s->workers;
@r = $s->get_all('/one?how=thread', '/quick', '/quick');
is(join(' ', map $_->{status}, @r), '500 200 200', 'the only thread');
replaced($old);
is($s->get('/one')->{status}, 200, 'the only thread: there is one again');

# a worker without a thread serves until it is replaced, which takes no longer
# than what docs/functions.md says, also if a job waits in the pool

$s->stop('TERM');
$s->check_log;
$s = TaskServer->start(conf('task_shutdown_timeout 2s;'));
($old) = $s->workers;
my @ids = map $s->get($_)->{body} =~ /"id":"(\w+)"/,
          '/one/sleep?duration=300ms', '/one/job?how=thread', '/one/sleep?duration=300ms';
is(scalar @ids, 3, 'a job behind: taken');
my ($from, @failed) = time();
$s->wait_for(sub {

    # one that was taken, and asks for nothing, would keep the worker

    my $c = $s->connect;
    $c->close if $c;
    my $r = $c ? $s->get('/quick') : { status => 0, time => 9 };
    push @failed, "$r->{status} in $r->{time}" if $r->{status} != 200 || $r->{time} > 5;
    return !grep $_ == $old, $s->workers;
}, 'another worker');
is("@failed", '', 'a job behind: others are served all the time');
cmp_ok(time() - $from, '<', 9, 'a job behind: for no longer than that');
$s->wait_for(sub { $s->connect && $s->get('/quick')->{status} == 200 }, 'a new worker');
like($s->get("/jobs/$ids[2]?wait=30s")->{body}, qr/"state":"done"/,
     'a job behind: is run by the new one');

# TEST 8: cancelled: not while it runs, and never with a lock of ours

($old) = $s->workers;
is($s->get('/ends?how=cancel')->{status}, 200, 'cancel: has no effect');
is($s->get('/ends')->{status}, 200, 'cancel: nothing is ended');
is(($s->workers)[0], $old, 'cancel: nor replaced');

$c = $s->open('/ends?how=enabled');
$r = $s->get('/quick');
cmp_ok($r->{time}, '<', 1, 'allowed: the loop runs');
is($s->read($c)->{status}, 500, 'allowed: 500');
replaced($old);
is($s->get('/quick')->{status}, 200, 'allowed: and goes on');

# a child by fork() ends as it likes, and by SIGTERM as any program, but where
# ThreadSanitizer is: it keeps a signal for a moment that never comes there

($old) = $s->workers;

for my $place ('ends', 'sync') {
    is($s->get("/$place?how=fork")->{body}, '{"child":768}', "$place: a child's exit(3)");

    next if ($ENV{TEST_NGINX_SANITIZER} // '') eq 'thread';

    is($s->get("/$place?how=child")->{body}, '{"child":15}', "$place: a child's SIGTERM");
}

is(($s->workers)[0], $old, 'children: the worker lives');

# TEST 9: stopped at once, with a thread missing

my $ended = () = $s->text('error.log') =~ /ends its thread/g;
$c = $s->open('/ends?how=thread');
$s->wait_for(sub {
    my $now = () = $s->text('error.log') =~ /ends its thread/g;
    return $now > $ended;
}, 'the end of the thread');
($code, $time) = $s->stop('TERM');
is($code, 0, 'stop: exit code');
cmp_ok($time, '<', 2.5, 'stop: nothing is waited for that does not come');
$s->check_log;

done_testing();
