#!/usr/bin/perl

# One queue for all workers: who has room claims the oldest job that waits, and
# whoever accepted it.  Jobs that have not begun outlive their worker.

use strict;
use warnings;

use JSON::PP;
use Test::More;
use Time::HiRes qw(sleep time);

use TaskServer;

my $tasks = "$ENV{TEST_NGINX_TASKS}/test";
my ($s, $r, $c, $id, $start);

sub accepted {
    my ($r, $what) = @_;

    is($r->{status}, 202, "$what: accepted") or diag($r->{body});
    return $r->{status} == 202 ? decode_json($r->{body})->{id} : 'none';
}

sub submit {
    my ($uri, %o) = @_;

    return accepted($s->get($uri, %o), $uri);
}

sub poll {
    my ($id, $more) = @_;

    my $r = $s->get("/jobs/$id" . ($more // ''));
    return $r->{status} == 200 ? decode_json($r->{body}) : { state => $r->{status} };
}

sub ended {
    my ($id) = @_;

    return poll($id, '?wait=30s');
}

sub wait_running {
    my (@ids) = @_;

    for my $id (@ids) {
        $s->wait_for(sub { poll($id)->{state} eq 'running' }, 'the job to run');
    }
}

# as many requests as there are, over one connection

sub one_connection {
    my ($n, $uri) = @_;

    my $io = $s->connect or die "connect: $!";
    my @ids;

    for my $i (1 .. $n) {
        print $io "GET $uri HTTP/1.1\r\nHost: t\r\n\r\n";

        my ($head, $body) = ('', '');
        while (defined(my $line = <$io>)) {
            $head .= $line;
            last if $line eq "\r\n";
        }
        read $io, $body, $1 if $head =~ /Content-Length: (\d+)/;
        push @ids, $body =~ /"id":"(\w+)"/ if $head =~ m{^HTTP/1.1 202};
    }

    close $io;
    return @ids;
}

sub conf {
    my ($workers, $main, $server) = @_;

    return (
        workers => $workers,
        main => "task_load $tasks/probe.so; $main",
        http => 'task_job_zone jobs:4m; task_background on zone=jobs;',
        server => "$server
            location /jobs/     { task_jobs zone=jobs; }
            location = /status  { task_status json; task_background off; }
            location = /quick   { quick; }");
}

# --- four workers do in a quarter of the time what one was given -----------

for my $case ([ limit => '', 'task sleep duration=250ms; task_limit running=1 queue=1000;' ],
              [ thread => 'thread_pool one threads=1;',
                'task sleep duration=250ms; task_mode thread=one;' ])
{
    my ($name, $main, $location) = @$case;

    $s = TaskServer->start(conf(4, $main, "location = /job { $location }"));
    $s->wait_for(sub { $s->workers == 4 }, 'four workers');
    sleep 0.2;                      # each of them has asked for jobs

    $start = time();
    my @ids = one_connection(24, '/job');
    is(scalar(@ids), 24, "$name: 24 jobs over one connection");
    my @jobs = map ended($_), @ids;
    my $took = time() - $start;

    is(scalar(grep $_->{state} eq 'done', @jobs), 24, "$name: all are done");
    cmp_ok($took, '>=', 1.5 - 0.01, "$name: in no less than a quarter of the time");
    cmp_ok($took, '<', $ENV{TEST_NGINX_SANITIZER} ? 20 : 4,
           "$name: and no more than it takes") or diag($took);
    diag(sprintf '%s: 24 jobs of 250 ms in %.2f s', $name, $took);

    # one does not begin behind another one that came two rounds later; it may
    # be a round late, as it waited for a thread and was given back, or as the
    # engine's answer was read late

    my @started = map $_->{started}, @jobs;
    my $late = grep $started[$_] > $started[$_ + 8] + 0.2, 0 .. 15;
    is($late, 0, "$name: in the order of acceptance")
        or diag(join ' ', map sprintf('%.3f', $_ - $started[0]), @started);

    $s->stop('QUIT');
    $s->check_log;
}

# --- a worker that is gone, or told to quit ---------------------------------

$s = TaskServer->start(conf(2, 'thread_pool probe threads=8;', '
    location = /held { task stubborn; task_mode thread=probe;
                       task_limit running=1 queue=100; }'));
$s->wait_for(sub { $s->workers == 2 }, 'two workers');
sleep 0.2;

my @held = map submit('/held?ms=60s&' . $s->gate("h$_")), 1, 2;
wait_running(@held);
my @wait = map submit("/held?ms=50ms&count=$_"), 1 .. 10;
is(scalar(grep poll($_)->{state} eq 'queued', @wait), 10, 'ten jobs wait');

my ($killed) = $s->workers;
kill 'KILL', $killed;

my @jobs = map ended($_), @wait;
is(scalar(grep $_->{state} eq 'done', @jobs), 10,
   'a worker is killed: those that waited are done');
$s->wait_for(sub { grep poll($_)->{state} eq 'lost', @held }, 'one to be lost');
is(join(' ', sort map poll($_)->{state}, @held), 'lost running',
   'what it ran is lost, what the other runs goes on');
$s->open_gate("h$_") for 1, 2;
$s->stop('QUIT');

# a reload: the old workers claim no more

$s = TaskServer->start(conf(1, 'thread_pool probe threads=8;', '
    location = /held { task stubborn; task_mode thread=probe;
                       task_limit running=1 queue=100; }'));
my $held = submit('/held?ms=60s&' . $s->gate('h'));
wait_running($held);
@wait = map submit("/held?ms=10ms&count=$_"), 1 .. 5;
my ($old) = $s->workers;
$start = time();
$s->reload;
is(scalar(grep ended($_)->{state} eq 'done', @wait), 5,
   'a reload: those that waited are done by the new worker');
is(poll($held)->{state}, 'running', 'while the old one still runs its own');
ok((grep $_ == $old, $s->workers), 'and is there');
$s->open_gate('h');
is(ended($held)->{state}, 'done', 'which is done');
$s->wait_for(sub { !grep $_ == $old, $s->workers }, 'the old worker to leave');
$s->stop('QUIT');
$s->check_log;

# all are told to quit: the last one runs what waits

$s = TaskServer->start(conf(2, '', '
    location = /job { task sleep; task_limit running=1 queue=100; }'));
sleep 0.2;
@wait = one_connection(8, '/job?duration=100ms');
is(scalar(@wait), 8, 'eight jobs for two workers that quit');
my ($code) = $s->stop('QUIT');
is($code, 0, 'they leave');
my $log = $s->text('error.log');
unlike($log, qr/no worker is left|is lost/, 'and nothing is lost');
$s->check_log;

# stopped at once: what waits is gone with the zone, and that is told

$s = TaskServer->start(conf(1, '', '
    location = /job { task sleep; task_limit running=1 queue=100; }'));
my @four = one_connection(4, '/job?duration=20s');
wait_running($four[0]);
$s->stop('TERM');
like($s->text('error.log'), qr/\[error\].* job "sleep" did not end before its worker, it is lost/,
     'a stop: the one that ran is lost');
like($s->text('error.log'),
     qr/\[warn\].* 3 jobs wait in task_job_zone "jobs", and no worker is left to run them/,
     'three that waited are told') if TaskServer::zone() && !TaskServer::file();

# --- while a job waits -------------------------------------------------------

$s = TaskServer->start(conf(1, 'thread_pool probe threads=8;', '
    location = /held    { task stubborn; task_mode thread=probe;
                          task_limit running=1 queue=2; }
    location = /block   { task sleep; task_background on zone=jobs queue=t;
                          task_limit running=1 queue=9; }
    location = /timeout { task sleep; task_background on zone=jobs queue=t;
                          task_limit running=1 queue=9; task_timeout 300ms; }
    location = /none    { task sleep; task_limit running=1; }
    location = /a       { task sleep status=a duration=20ms; task_background on zone=jobs queue=both;
                          task_limit running=1 queue=9; }
    location = /b       { task sleep status=b duration=20ms; task_background on zone=jobs queue=both;
                          task_limit running=1 queue=9; }'));

$held = submit('/held?ms=60s&' . $s->gate('h'));
wait_running($held);
my @more = map submit('/held?ms=10ms'), 1, 2;
$r = $s->get('/held');
is($r->{status}, 503, 'no more may wait than the queue says');
like($r->{headers}, qr/^Retry-After: [1-9]/m, 'come back later');
like($s->text('error.log'), qr/limiting tasks, no room for a job: 1 running, 2 waiting/, 'it is logged');

$start = time();
is($s->get("/jobs/$more[0]", method => 'DELETE')->{status}, 200, 'one that waits is cancelled');
is(poll($more[0])->{state}, 'cancelled', 'at once');
is(poll($more[0])->{status}, undef, 'without a status');
$id = submit('/held?ms=10ms');
$s->open_gate('h');
is(ended($_)->{state}, 'done', 'others run') for $more[1], $id;

my $block = submit('/block?duration=20s');
my @timeout = map submit('/timeout?duration=1ms'), 1, 2;
@jobs = map ended($_), @timeout;
is(join(' ', map $_->{state}, @jobs), 'timeout timeout',
   'jobs that wait longer than task_timeout end so');
cmp_ok($_->{ended} - $_->{created}, '>=', 0.298, 'not before it') for @jobs;
cmp_ok($_->{ended} - $_->{created}, '<', 2, 'and soon') for @jobs;
is($_->{started}, undef, 'it has not begun') for @jobs;
is(poll($block)->{state}, 'running', 'while another one runs');
is($s->get("/jobs/$block", method => 'DELETE')->{status}, 200, 'which is cancelled');

$id = submit('/none?duration=2s');
$r = $s->get('/none');
is($r->{status}, 503, 'without a queue none waits');
is(ended($id)->{state}, 'done', 'the first one is done');
is(ended(submit('/none?duration=1ms'))->{state}, 'done', 'then there is room again');

# two locations with one queue: each job is run as its own location says

my @both = map [ $_, submit("/$_") ], qw(a b b a b a);
is(ended($_->[1])->{result}{status}, $_->[0], "$_->[0]: its own location's")
    for @both;

$s->stop('QUIT');
$s->check_log;

# --- what a request gave, but for headers ------------------------------------

$s = TaskServer->start(conf(1, '', '
    location = /hold { task sleep; task_background on zone=jobs queue=x;
                       task_limit running=1 queue=9; }
    location /context { task context; task_mode sync; task_background on zone=jobs queue=x; }
    location = /body { task body; task_mode sync; client_max_body_size 1m;
                       task_background on zone=jobs queue=x; }'));

for my $waits (0, 1) {
    my $hold = submit('/hold?duration=' . ($waits ? '500ms' : '1ms'));
    wait_running($hold) if $waits;
    ended($hold) if !$waits;

    my @ids = (submit('/context/a?b=c', headers => "X-A: b\r\n"),
               submit('/body', method => 'POST', body => 'x' x 9000,
                      headers => "Content-Length: 9000\r\n"));

    my ($context, $body) = map ended($_), @ids;

    is($context->{result}{method}, 'GET', "waits $waits: the method");
    is($context->{result}{uri}, '/context/a', "waits $waits: the URI");
    is($context->{result}{addr}, '127.0.0.1', "waits $waits: the address");
    like($context->{result}{id}, qr/^[0-9a-f]{32}$/, "waits $waits: its id");
    is($body->{state}, 'done', "waits $waits: a body");
    is($body->{result}{length}, 9000, "waits $waits: all of it") or diag(encode_json($body));
}

$s->stop('QUIT');
$s->check_log;

# --- nginx.conf ---------------------------------------------------------------

sub refused {
    my ($conf, $like, $name) = @_;

    my ($ok, $text) = TaskServer->new->test_conf(
        http => 'task_job_zone jobs:4m;',
        server => "$conf location /jobs/ { task_jobs zone=jobs; }");
    ok(!$ok && $text =~ $like, $name) or diag($text);
}

refused('location = /a { task sleep; task_background on zone=jobs queue=; }',
        qr/invalid parameter "queue=", it must be a name of at most 64 bytes in \S+:\d+/, 'no name');
refused('location = /a { task sleep; task_background on zone=jobs queue=' . 'x' x 65 . '; }',
        qr/it must be a name of at most 64 bytes/, 'a long name');
refused(join('', map "location = /$_ { task sleep; task_background on zone=jobs; }", 1 .. 65),
        qr/at most 64 queues may be in the zone "jobs" of jobs in \S+:\d+/, 'too many');

done_testing();
