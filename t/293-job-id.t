#!/usr/bin/perl

# The id of a job in the logs: in each line of the error log that is about the
# job, and as $task_job in that of the request which made it.

use strict;
use warnings;

use JSON::PP;
use Test::More;
use Time::HiRes qw(sleep time);

use TaskServer;

my $tasks = "$ENV{TEST_NGINX_TASKS}/test";

my $s = TaskServer->start(
    main => "task_load $tasks/probe.so; thread_pool two threads=2;",
    http => 'task_job_zone jobs:1m max_result=1k; task_job_zone noded:1m node=n1;
             log_format job "$request $status $task_job $task_function";
             access_log logs/job.log job; task_stall_log 30ms;',
    server => '
        location /on/ {
            task_background on zone=jobs;
            location = /on/sleep   { task sleep; }
            location = /on/thread  { task sleep; task_mode thread=two; }
            location = /on/result  { task result; }
            location = /on/context { task context; }
            location = /on/timeout { task sleep; task_timeout 20ms; }
            location = /on/sync    { task sleep duration=60ms; task_mode sync; }
            location = /on/limit   { task sleep; task_limit running=1 queue=1 wait=30ms; }
            location = /on/misuse  { task misuse; }
        }
        location = /node   { task sleep; task_background on zone=noded location=/n/; }
        location = /prefer { task sleep; task_background prefer zone=jobs; }
        location = /front  { task sleep; }
        location = /page   { error_page 405 /on/sleep?duration=6ms; task sleep; }
        location = /bad    { task sleep; task_background on zone=jobs;
                             error_page 422 =200 /quick; }
        location = /quick  { quick; }
        location /jobs/    { task_jobs zone=jobs; }
        location /n/       { task_jobs zone=noded; }
    ');

sub submit {
    my ($uri, %o) = @_;

    my $r = $s->get($uri, %o);
    is($r->{status}, 202, "$uri: a job") or return 'none';
    my ($id) = $r->{body} =~ /"id":"([^"]+)"/;
    return $id;
}

sub wait_ended {
    my ($id, $at) = @_;
    my $text;

    $s->wait_for(sub {
        $text = $s->get(($at // '/jobs/') . $id)->{body};
        return $text !~ /"state":"(?:queued|running)"/;
    }, 'the job to end');

    return $text;
}

# what a line of the access log has for $task_job

sub logged {
    my ($uri) = @_;
    my $line;

    $s->wait_for(sub { ($line) = $s->text('job.log') =~ m{^\S+ \Q$uri\E (.*)$}m },
                 "$uri in the log");
    return (split ' ', $line)[2];
}

# the access log

my $id = submit('/on/sleep?duration=1ms');
is(logged('/on/sleep?duration=1ms'), $id, 'a job');
wait_ended($id);

my $node = submit('/node?duration=1ms');
my $n1 = TaskServer::zone() ? 'n1-' : '';
like($node, qr/^$n1[0-9a-f]{32}$/, 'an id with its node');
is(logged('/node?duration=1ms'), $node, 'is logged with it');
wait_ended($node, '/n/');

$id = submit('/prefer?duration=2ms', headers => "Prefer: respond-async\r\n");
is(logged('/prefer?duration=2ms'), $id, 'preferred');

my $r = $s->get('/prefer?duration=3ms', headers => "Prefer: respond-async, wait=9\r\n");
is($r->{status}, 200, 'one that ends while its client waits');
like(logged('/prefer?duration=3ms'), qr/^[0-9a-f]{32}$/, 'was a job, too');

is($s->get('/prefer?duration=4ms')->{status}, 200, 'not preferred');
is(logged('/prefer?duration=4ms'), '-', 'is none');
is($s->get('/front?duration=5ms')->{status}, 200, 'a task');
is(logged('/front?duration=5ms'), '-', 'is none');
is($s->get('/bad?duration=x')->{status}, 200, 'a request that is wrong');
is(logged('/bad?duration=x'), '-', 'makes none');
is($s->get("/jobs/$id?own")->{status}, 200, 'who asks');
is(logged("/jobs/$id?own"), '-', 'made none');
is($s->get('/page?duration=6ms', method => 'PUT')->{status}, 405, 'error_page');
$id = logged('/page?duration=6ms');
like($id, qr/^[0-9a-f]{32}$/, 'error_page: a job of another location');
is($s->get("/jobs/$id")->{status}, 200, 'error_page: there is one');

# the error log: each line that is about a job ends with its id

sub line {
    my ($id, $what, $n) = @_;

    $n //= 1;
    my $log = $s->text('error.log');
    my @lines = $log =~ /^(.*, job: $id)$/mg;
    is(scalar(grep /$what/, @lines), $n, "$what: named") or diag $log;
    is(scalar(() = $log =~ /^.*$id.*$/mg), scalar @lines, 'at its end');
}

$id = submit('/on/result?how=fail&status=503&text=no+luck');
wait_ended($id);
line($id, qr/\[error\] \d+#\d+: job "result" failed: /);

$id = submit('/on/result?how=log&text=hello');
wait_ended($id);
line($id, qr/\[notice\] .*task "result": says: hello/);

$id = submit('/on/context');
wait_ended($id);
line($id, qr/\[warn\] .*task "context", request \S+: with an id/);

$id = submit('/on/timeout?duration=9s');
like(wait_ended($id), qr/"state":"timeout"/, 'a timeout');
line($id, qr/\[error\] .*task "sleep" timed out/);

$id = submit('/on/sleep?duration=0&status=' . 'x' x 2000);
like(wait_ended($id), qr/"state":"failed"/, 'a result over max_result');
line($id, qr/\[error\] .*job "sleep" failed: the result is too large/);

$id = submit('/on/sync');
wait_ended($id);
line($id, qr/\[error\] .*event loop stood still for \d+ ms in task "sleep"/);

$id = submit('/on/misuse?how=rubbish');
wait_ended($id);
line($id, qr/\[error\] .*job "misuse" failed/);

# one that waited in vain, beside one that does not: each line is of the right one

my $first = submit('/on/limit?duration=1s');
my $second = submit('/on/limit?duration=2s');
$s->wait_for(sub { $s->text('error.log') =~ /waited in vain/ }, 'a line')
    if wait_ended($second) =~ /"state":"failed"/;
line($second, qr/limiting tasks, waited in vain/) if $s->text('error.log') =~ /in vain/;
like(wait_ended($first), qr/"state":"done"/, 'the one that runs');
line($first, qr/./, 0);

# a client's own task is logged as ever

$s->get('/front?duration=x');
unlike($s->text('error.log'), qr/, job: [^,]*, client|, job: $/m, 'no other has one');

# many at once, in threads, which end in the order of nobody

my %id = map { $_ => submit($_) }
    map "/on/thread?duration=@{[ int rand 20 ]}ms&n=$_", 1 .. 40;
wait_ended($_) for values %id;
is(join(' ', grep logged($_) ne $id{$_}, keys %id), '', 'each line has its own id');

$s->stop;
$s->check_log;

done_testing();
