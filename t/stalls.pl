#!/usr/bin/perl

# What holds the event loop, each case at its worst: the processor time of the
# longest turn of the loop, see t/lib/turns.c; how much of it was in calls of the
# kernel, and in the longest of them; and how many events nginx had in it, which
# are up to 512.  And a /quick every millisecond, timed from when it was due.
# "alone" is what the machine does by itself.
#
#     perl t/stalls.pl TURNS.SO [BOUND]
#
# With BOUND, milliseconds, it fails if a turn took longer.  ONLY, a regular
# expression in the environment, chooses cases; with CALLS=1 each call is listed.

use strict;
use warnings;

use JSON::PP;
use Time::HiRes qw(sleep time);

use TaskServer;
use TaskStalls;

my ($library, $bound) = @ARGV;
my $tasks = "$ENV{TEST_NGINX_TASKS}/test";

use constant MANY => 8000;
use constant LIMITS => 50;

# a client keeps its connection, or the kernel has 8,000 sockets to free: one
# call of writev() is then found to take up to 2 ms

my $locations = join '', map "location = /l$_ { task sleep duration=0; }\n", 1 .. 1000;

my $limits = join '', map "location = /limit$_ { task sleep; task_limit running=1 queue=1000; }\n",
             1 .. LIMITS;

my %conf = (
    main => "worker_rlimit_nofile 30000; worker_cpu_affinity 01;
             thread_pool one threads=1 max_queue=20000;
             task_load $tasks/probe.so; task_shutdown_timeout 1s jobs=1s;",
    connections => 25000,
    log_level => 'warn',
    http => 'access_log off; client_max_body_size 9m; task_zone numbers:16m;
             task_stats numbers;
             task_job_zone jobs:200m; task_job_zone short:200m ttl=5s;
             keepalive_requests 1000000;',
    server => $locations . $limits . '
        location = /quick   { quick; }
        location = /limit   { task sleep; task_limit running=1 queue=20000; }
        location = /thread  { task sleep; task_mode thread=one; }
        location = /job     { task sleep; task_background on zone=jobs;
                              task_limit running=1 queue=200000; }
        location = /short   { task sleep; task_background on zone=short; }
        location = /made    { task sleep; task_background on zone=jobs; }
        location = /body    { task sleep; client_body_buffer_size 8m; }
        location = /body/file { task sleep; client_body_buffer_size 16k; }
        location /jobs/     { task_jobs zone=jobs; }
        location = /json    { task_status json; }
        location = /metrics { task_status prometheus; }
    ');

my $stalls = TaskStalls->new($library, $bound);
my $s;

sub start {
    my ($workers) = @_;
    $s = TaskServer->start(%conf, workers => $workers);
    $stalls->{server} = $s;
}

# requests without an answer yet, and all of their answers

sub many {
    my ($uri, $n) = @_;
    return map $s->open($uri, keepalive => 1), 1 .. $n;
}

sub all {
    for (@_) { sysread $_->{socket}, my $text, 4096 or die "no answer\n" }
}

# requests for it on one connection, a hundred at a time; returns the answers

sub pipeline {
    my ($answer, @requests) = @_;
    my ($socket, @found) = ($s->connect);

    while (my @some = splice @requests, 0, 100) {
        syswrite $socket, join '', map "$_ HTTP/1.1\r\nHost: x\r\n\r\n", @some;
        my ($want, $text) = (@found + @some, '');
        while (@found < $want) {
            sysread $socket, $text, 65536, length $text or die "no answer\n";
            push @found, $1 while $text =~ s/^.*?$answer//s;
        }
    }

    return @found;
}

sub jobs {
    my ($uri, $n) = @_;
    return pipeline('"id":"(\w+)".*?\}', ("GET $uri") x $n);
}

# so many tasks should wait, or there is nothing to see: a slow machine

sub wait_for_many {
    my ($all) = @_;
    my $waiting;

    $s->wait_for(sub {
        my $worker = decode_json($s->get('/json')->{body})->{zones}[0]{workers}[0];
        $waiting = $worker->{waiting} + ($all ? $worker->{running} : 0);
        return $waiting >= MANY;
    }, 'all to wait', 1) or print "only $waiting wait:\n";
}

sub stall {
    my ($name, $prepare, $case) = @_;
    $stalls->chosen($name) or return;
    my @c = $prepare->();
    $stalls->show($name, sub { $case->(@c) });
}

sub statuses {
    my ($what) = @_;

    for my $kind ('json', 'metrics') {
        stall("task_status of 1,000 locations, $what, $kind", sub {}, sub {
            for (1 .. 10) { $s->get("/$kind"); sleep(0.05) }
        });
    }

    stall("20 of both at once, $what", sub {}, sub {
        for (1 .. 3) { $s->get_all(('/json', '/metrics') x 10); sleep(0.05) }
    });
}

sub use_all { pipeline('(HTTP/1.1 200)', map "GET /l$_", 1 .. 1000) }

# --- one worker -------------------------------------------------------------

start(1);

stall('alone', sub {}, sub { sleep(2) });

use_all();
statuses('1 worker');

stall('8,000 tasks that waited behind one', sub {
    my @c = ($s->open('/limit?duration=10s', keepalive => 1), many('/limit?duration=0', MANY));
    wait_for_many();
    return @c;
}, sub { all(@_) });

stall('8,000 tasks in 50 locations with limits', sub {
    my @c = map many("/limit$_?duration=10s", 1), 1 .. LIMITS;
    push @c, map many("/limit$_?duration=0", MANY / LIMITS), 1 .. LIMITS;
    wait_for_many();
    return @c;
}, sub { all(@_) });

stall('8,000 tasks of a thread that was held', sub {
    my @c = ($s->open('/thread?duration=10s', keepalive => 1), many('/thread?duration=0', MANY));
    wait_for_many();
    return @c;
}, sub { all(@_) });

stall('8,000 clients that leave', sub {
    my @c = ($s->open('/limit?duration=60s'), many('/limit?duration=0', MANY));
    wait_for_many();
    return @c;
}, sub { $_->{socket}->close for @_; sleep(1) });

stall('8,000 clients that wait for one job', sub {
    my $job = decode_json($s->get('/made?duration=10s')->{body})->{id};
    return many("/jobs/$job?wait=60s", MANY);
}, sub { all(@_) });

stall('20,000 jobs that wait are cancelled', sub { jobs('/job?duration=1h', 20000) }, sub {
    pipeline('(HTTP/1.1 200)', map "DELETE /jobs/$_", @_);
    sleep(1);
});

stall('100,000 jobs expire', sub { jobs('/short?duration=0', 100000); return }, sub {
    sleep(5);
    for (1 .. 200) { $s->get('/short?duration=0'); sleep(0.005) }
});

# nginx receives all that has come of a body in one turn: a body that is not
# JSON is received, and refused

sub bodies {
    my ($uri, $body, $type, $status) = @_;

    for (1 .. 20) {
        my $r = $s->get($uri, method => 'POST', body => $body,
                headers => "Content-Type: $type\r\nContent-Length: " . length($body) . "\r\n");
        $r->{status} == $status or die "$r->{status} $r->{body}\n";
        sleep(0.02);
    }
}

for my $mb (1, 8) {
    my $n = $mb * 1_000_000;
    my $json = 'application/json';
    my $text = '{"duration":0,"x":"' . 'x' x $n . '"}';
    my $numbers = '{"duration":0,"x":[0' . ',12' x ($n / 3) . ']}';

    for my $case ([ 'received only', '/body', $text, 'text/plain', 415 ],
                  [ 'read', '/body', $text, $json, 200 ],
                  [ 'of numbers, read', '/body', $numbers, $json, 200 ],
                  [ 'in files, read', '/body/file', $numbers, $json, 200 ])
    {
        my ($name, @request) = @$case;
        stall("bodies of $mb MB, $name", sub {}, sub { bodies(@request) });
    }
}

$s->stop('QUIT');

# --- a worker that quits gives up what is left after task_shutdown_timeout --

start(1);

stall('8,000 tasks are given up by a worker that quits', sub {
    my @c = many('/thread?duration=1h', MANY + 1);
    wait_for_many(1);
    return @c;
}, sub { $s->signal('QUIT'); sleep(0.9); all(@_) });

$s->stop('QUIT');
start(1);

stall('20,000 jobs are given up by a worker that quits',
      sub { jobs('/made?duration=1h', 20000); return },
      sub { $s->signal('QUIT'); $s->wait_for(sub { !$s->workers }, 'the worker to end') });

$s->stop('QUIT');

# --- a worker that is killed leaves jobs and numbers behind -----------------

start(1);

stall('20,000 jobs of a worker that was killed', sub {
    jobs('/job?duration=1h', 20000);
    my ($worker) = $s->workers;
    kill KILL => $worker;
    $s->wait_for(sub { my ($w) = $s->workers; $w && $w != $worker }, 'another worker');
}, sub {
    $s->get('/made?duration=0') for 1 .. 100;
    $s->get('/json');
});

$s->stop('QUIT');

# --- sixteen workers --------------------------------------------------------

start(16);
sleep(0.5);
use_all();
statuses('16 workers');

stall('15 of 16 workers that were killed, json', sub {
    my @workers = $s->workers;
    kill KILL => @workers[1 .. 15];
    $s->wait_for(sub { 16 == grep $_ == $workers[0] || $_ > $workers[15], $s->workers }, 'others');
    return;
}, sub { $s->get('/json') for 1 .. 3 });

$s->stop('QUIT');

exit $stalls->{failed};
