#!/usr/bin/perl

# A worker that is told to quit waits for its jobs as long as they take, or as
# long as task_shutdown_timeout says; what is lost is named in the error log.
# When exactly what is given up: see t/unit/base/hold.c.

use strict;
use warnings;

use JSON::PP;
use Test::More;
use Time::HiRes qw(sleep time);

use TaskNginx qw(MAX_TIME);
use TaskServer;

my $tasks = "$ENV{TEST_NGINX_TASKS}/test";
my ($s, $r, $c, $job, $code, $time, $start);

sub conf {
    my ($shutdown, $more) = @_;

    return (
        main => "task_load $tasks/probe.so; thread_pool two threads=2;
                 thread_pool probe threads=8;
                 task_shutdown_timeout $shutdown; " . ($more // ''),
        http => 'task_job_zone jobs:1m;',
        server => '
            location /job/ {
                task_background on zone=jobs;
                location = /job/async  { task sleep; }
                location = /job/thread { task sleep; task_mode thread=two; }
                location = /job/held   { task stubborn; task_mode thread=probe; }
                location = /job/steps  { task steps; }
                location = /job/queued { task sleep; task_limit running=1 queue=9; }
            }
            location = /held  { task stubborn; task_mode thread=probe; }
            location = /quick { quick; }
            location /jobs/   { task_jobs zone=jobs; }
        ',
    );
}

sub submit {
    my ($uri) = @_;

    my $r = $s->get("/job/$uri");
    is($r->{status}, 202, "$uri: accepted") or return 'none';
    return decode_json($r->{body})->{id};
}

sub poll {
    my ($id) = @_;

    my $r = $s->get("/jobs/$id");
    return $r->{status} == 200 ? decode_json($r->{body}) : { state => $r->{status} };
}

sub wait_ended {
    my ($id) = @_;

    my $job;
    $s->wait_for(sub { ($job = poll($id))->{state} !~ /^(?:queued|running)$/ },
                 'the job to end');
    return $job;
}

sub wait_running {
    my ($id) = @_;

    $s->wait_for(sub { poll($id)->{state} eq 'running' }, 'the job to run');
}

sub wait_gone {
    my ($pid) = @_;

    $s->wait_for(sub { !grep $_ == $pid, $s->workers }, 'the worker to leave');
}

# "A reload: jobs are finished by the old worker", long after the bound of
# functions in threads, and of nginx's own for connections

$s = TaskServer->start(conf('300ms', 'worker_shutdown_timeout 400ms;'));
my $held = 'held?ms=30s&' . $s->gate('held');
my %id = map { $_ => submit($_) } 'async?duration=1300ms', 'thread?duration=1300ms',
    $held, 'steps?ms=350ms', 'queued?duration=650ms', 'queued?duration=650ms&n=2';
wait_running($id{$held});
my ($old) = $s->workers;
$start = time();
$s->reload;
for (grep $_ ne $held, sort keys %id) {
    is(wait_ended($id{$_})->{state}, 'done', "reload: $_ is done");
}
$s->wait_for(sub { time() > $start + 1.1 }, 'long after the bound');
is(poll($id{$held})->{state}, 'running', 'reload: one takes longer');
$s->open_gate('held');
is(wait_ended($id{$held})->{state}, 'done', 'reload: it is done');
wait_gone($old);
pass('reload: the old worker leaves then');
unlike($s->text('error.log'), qr/runs on after|is lost/, 'reload: nothing is said');
$s->stop;
$s->check_log;

# a client's own function is given up meanwhile, and only that

$s = TaskServer->start(conf('600ms'));
my $long = submit('held?ms=30s&' . $s->gate('job'));
wait_running($long);
$c = $s->open('/held?ms=30s&' . $s->gate('client'));
$s->get('/quick');
($old) = $s->workers;
$start = time();
$s->reload;
$r = $s->read($c);
is($r->{status}, 503, 'a client that waits is told');
cmp_ok(time() - $start, '>=', 0.6, 'not before the bound');
is(poll($long)->{state}, 'running', 'the job beside it runs');
$s->open_gate($_) for 'job', 'client';
is(wait_ended($long)->{state}, 'done', 'and is done');
wait_gone($old);
is(scalar(() = $s->text('error.log') =~ /"stubborn" runs on after task_sh/g), 1,
   'said once, of the one that was given up');
$s->stop('TERM');
$s->check_log;

# "jobs=": they are lost then, and say so, with their ids

$s = TaskServer->start(conf('200ms jobs=450ms'));
%id = map { $_ => submit($_) } 'async?duration=30s', 'thread?duration=30s',
    'queued?duration=30s', 'steps?ms=10s';
my $waits = submit('queued?duration=500ms&n=2');
my $short = submit('async?duration=100ms');
is(wait_ended($short)->{state}, 'done', 'one that ends before');
($old) = $s->workers;
$start = time();
$s->reload;
for (sort keys %id) {
    $job = wait_ended($id{$_});
    is($job->{state}, 'lost', "jobs=450ms, $_: lost");
    is($job->{error}, 'its worker had to end', "jobs=450ms, $_: why");
}
cmp_ok(time() - $start, '>=', 0.45, 'not before');
wait_gone($old);
cmp_ok(time() - $start, '<', 10, 'and the worker leaves');
is(wait_ended($waits)->{state}, 'done', 'one that waited runs in the new worker');
my $log = $s->text('error.log');
for (sort keys %id) {
    my ($name) = /^steps/ ? 'steps' : 'sleep';
    is(scalar(() = $log =~ /\[error\] \d+#\d+: job "$name" did not end before task_shutdown_timeout, it is lost, job: $id{$_}$/mg),
       1, "jobs=450ms, $_: one line with its id");
}
unlike($log, qr/job: $short/, 'none of one that ended');
$s->stop;
$s->check_log;

# a bound of jobs that is below that of functions: the job is lost, its thread
# is waited for

$s = TaskServer->start(conf('60s jobs=300ms'));
$held = submit('held?ms=30s&' . $s->gate('held'));
wait_running($held);
($old) = $s->workers;
$start = time();
$s->reload;
is(wait_ended($held)->{state}, 'lost', 'a job that does not stop is lost');
cmp_ok(time() - $start, '<', 1.9, 'at its own bound');
is(scalar(grep $_ == $old, $s->workers), 1, 'its worker waits');
$s->open_gate('held');
wait_gone($old);
unlike($s->text('error.log'), qr/runs on after/, 'as long as the function takes');
$s->stop;
$s->check_log;

# and one that is cancelled is no job any more: its function has the other bound

$s = TaskServer->start(conf('300ms'));
$held = submit('held?ms=10s');
wait_running($held);
$s->get("/jobs/$held", method => 'DELETE');
is(wait_ended($held)->{state}, 'cancelled', 'cancelled');
($code, $time) = $s->stop('QUIT');
cmp_ok($time, '<', 8, 'is not waited for as a job');
like($s->text('error.log'), qr/\[warn\].*task "stubborn" runs on.*, job: $held$/m,
     'and named');
$s->check_log;

# nothing that runs: at once

$s = TaskServer->start(conf('60s'));
wait_ended(submit('async?duration=1ms'));
($code, $time) = $s->stop('QUIT');
is($code, 0, 'exit code');
cmp_ok($time, '<', 3, 'a quit without jobs');
$s->check_log;

# stop: what is lost is named, too

$s = TaskServer->start(conf('60s'));
$held = submit('async?duration=30s');
($code, $time) = $s->stop('TERM');
is($code, 0, 'exit code');
cmp_ok($time, '<', 3, 'a stop does not wait');
like($s->text('error.log'),
     qr/\[error\] \d+#\d+: job "sleep" did not end before its worker, it is lost, job: $held$/m,
     'stop: named');
$s->check_log;

# one that is given up, and whose error_page is a task: that is given up, too

$s = TaskServer->start(conf('300ms'), server => '
    location = /first  { task sleep duration=20s; task_mode thread=probe;
                         error_page 503 = /second; }
    location = /second { task sleep duration=20s; task_mode thread=probe; }
    location = /quick  { quick; }
');
$c = $s->open('/first');
$s->get('/quick');
($code, $time) = $s->stop('QUIT');
is($code, 0, 'error_page at quit: exit code');
cmp_ok($time, '<', 5, 'error_page at quit: on time');
is($s->read($c)->{status}, 503, 'error_page at quit: an answer');
is(scalar(() = $s->text('error.log') =~ /runs on after task_shutdown_timeout/g), 2,
   'error_page at quit: both are named');
$s->check_log;

# what the directive takes

$s = TaskServer->new;

for (['110000d', 'a time of at most ' . MAX_TIME],
     ['366d', 'a time of at most ' . MAX_TIME],
     ['x', 'takes a time'], ['-1s', 'takes a time'],
     ['60s jobs=366d', 'a time of at most ' . MAX_TIME],
     ['60s jobs=', 'invalid parameter "jobs="'],
     ['60s jobs=1s jobs=1s', 'invalid number of arguments'],
     ['60s job=1s', 'invalid parameter "job=1s"'], ['jobs=1s', 'takes a time'],
     ['1s; task_shutdown_timeout 1s', 'is duplicate'])
{
    my ($ok, $text) = $s->test_conf(conf($_->[0]));
    ok(!$ok, "$_->[0]: refused");
    like($text, qr/\[emerg\] .*\Q$_->[1]\E.*nginx\.conf:\d+$/m, "$_->[0]: why");
}

for (MAX_TIME, '0', '0 jobs=0', '60s jobs=' . MAX_TIME) {
    my ($ok, $text) = $s->test_conf(conf($_));
    ok($ok, "$_: taken") or diag $text;
}

done_testing();
