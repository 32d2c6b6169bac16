#!/usr/bin/perl

# What holds the event loop, each case at its worst: the processor time of the
# longest turn of the loop, see t/lib/turns.c, with how many events nginx had in
# it, which are up to 512; and a /quick every millisecond, timed from when it was
# due.  "alone" is what the machine does by itself.
#
#     perl t/stalls.pl TURNS.SO [BOUND]
#
# With BOUND, milliseconds, it fails if a turn took longer.

use strict;
use warnings;

use IO::Poll qw(POLLIN);
use JSON::PP;
use POSIX ();
use Socket qw(IPPROTO_TCP TCP_NODELAY);
use Time::HiRes qw(sleep time);

use TaskServer;

my ($library, $bound) = @ARGV;
my $tasks = "$ENV{TEST_NGINX_TASKS}/test";
my $failed = 0;

use constant MANY => 8000;

my $locations = join '', map "location = /l$_ { task sleep duration=0; }\n", 1 .. 1000;

my %conf = (
    main => "worker_rlimit_nofile 30000; worker_cpu_affinity 01;
             thread_pool one threads=1 max_queue=20000;
             task_load $tasks/probe.so;",
    connections => 25000,
    log_level => 'warn',
    http => 'access_log off; task_zone numbers:4m; task_stats numbers;
             task_job_zone jobs:200m; task_job_zone short:200m ttl=5s;
             keepalive_requests 1000000;',
    server => $locations . '
        location = /quick   { quick; }
        location = /limit   { task sleep; task_limit running=1 queue=20000; }
        location = /thread  { task sleep; task_mode thread=one; }
        location = /job     { task sleep; task_background on zone=jobs;
                              task_limit running=1 queue=200000; }
        location = /short   { task sleep; task_background on zone=short; }
        location = /made    { task sleep; task_background on zone=jobs; }
        location = /body    { task sleep; client_body_buffer_size 2m;
                              client_max_body_size 2m; }
        location /jobs/     { task_jobs zone=jobs; }
        location = /json    { task_status json; }
        location = /metrics { task_status prometheus; }
    ');

# nginx is on one core, all else on another

system("taskset -c -p 1 $$ > /dev/null");

my ($s, $pid, $from);

# nginx with the library

my $turns = "$ENV{TEST_NGINX_SERVROOT}-turns";
my $binary = $ENV{TEST_NGINX_BINARY} || 'nginx';

open my $script, '>', "$turns.sh" or die "$turns.sh: $!";
print $script "#!/bin/sh\nTURNS=$turns LD_PRELOAD=$library exec $binary \"\$@\"\n";
close $script;
chmod 0755, "$turns.sh";
$ENV{TEST_NGINX_BINARY} = "$turns.sh";

sub turn {
    open my $in, '+<', $turns or die "$turns: $!";
    binmode $in;
    sysread $in, my $data, 32;
    return map $_ / 1e6, unpack 'q4', $data;
}

sub turn_zero {
    open my $out, '+<', $turns or die "$turns: $!";
    syswrite $out, "\0" x 32;
}

# the prober: a process that asks until it is told to stop

sub probe {
    pipe my $in, my $stop;
    pipe $from, my $to;

    $pid = fork() // die "fork: $!";

    if ($pid) {
        close $in;
        close $to;
        sleep(0.3);
        return $stop;
    }

    close $stop;

    # connections of the parent end when it closes them

    for my $fd (3 .. 30000) {
        POSIX::close($fd) if $fd != fileno($in) && $fd != fileno($to);
    }

    # nothing else on this core may delay it; without root it may

    system("chrt -f -p 50 $$ 2> /dev/null");

    my $socket = $s->connect;
    $socket->setsockopt(IPPROTO_TCP, TCP_NODELAY, 1);

    my $poll = IO::Poll->new;
    $poll->mask($in => POLLIN);

    # what is asked at first is not counted

    for (1 .. 50) {
        syswrite $socket, "GET /quick HTTP/1.1\r\nHost: x\r\n\r\n";
        sysread $socket, my $answer, 4096;
    }

    my ($due, @times) = (time());

    until ($poll->poll(0)) {
        $due += 0.001;
        my $left = $due - time();
        sleep($left) if $left > 0;

        syswrite $socket, "GET /quick HTTP/1.1\r\nHost: x\r\n\r\n";
        sysread $socket, my $answer, 4096 or last;
        push @times, (time() - $due) * 1000;
        $due = time() if time() > $due + 0.001;
    }

    print $to encode_json(\@times);
    close $to;
    POSIX::_exit(0);
}

sub show {
    my ($name, $case) = @_;

    my $stop = probe();
    turn_zero();
    $case->();
    sleep(0.2);
    close $stop;

    my ($cpu, $time, $events) = turn();
    my @times = sort { $a <=> $b } @{ decode_json(join '', <$from>) };
    waitpid $pid, 0;

    my $over = defined $bound && $cpu > $bound;
    $failed = 1 if $over;

    printf "%-40s turn %6.2f ms, %3d events  /quick p99 %5.2f worst %6.2f ms%s\n",
           $name, $cpu, $events * 1e6, $times[0.99 * @times], $times[-1],
           $over ? '  OVER' : '';
}

# requests without an answer yet

sub many {
    my ($uri, $n) = @_;
    return map $s->open($uri), 1 .. $n;
}

sub all { $s->read_all(\@_, 60) }

$s = TaskServer->start(%conf);

show('alone', sub { sleep(2) });

for my $kind ('json', 'metrics') {
    show("task_status of 1,000 locations, $kind", sub {
        for (1 .. 10) { $s->get("/$kind"); sleep(0.05) }
    });
}

# so many tasks should wait, or there is nothing to see: a slow machine

sub wait_for_many {
    my $worker;

    $s->wait_for(sub {
        $worker = decode_json($s->get('/json')->{body})->{zones}[0]{workers}[0];
        return $worker->{waiting} >= MANY;
    }, 'all to wait', 1) or print "only $worker->{waiting} wait:\n";
}

my @c = ($s->open('/limit?duration=10s'), many('/limit?duration=0', MANY));
wait_for_many();
show('8,000 tasks that waited behind one', sub { all(@c) });

@c = ($s->open('/thread?duration=10s'), many('/thread?duration=0', MANY));
wait_for_many();
show('8,000 tasks of a thread that was held', sub { all(@c) });

@c = ($s->open('/limit?duration=60s'), many('/limit?duration=0', MANY));
wait_for_many();
show('8,000 clients that leave', sub { $_->{socket}->close for @c; sleep(1) });

my $job = decode_json($s->get('/made?duration=10s')->{body})->{id};
@c = many("/jobs/$job?wait=60s", MANY);
show('8,000 clients that wait for one job', sub { all(@c) });

# many jobs: one client makes them, on one connection

sub jobs {
    my ($uri, $n) = @_;

    my $socket = $s->connect;
    my $request = "GET $uri HTTP/1.1\r\nHost: x\r\n\r\n" x 100;
    my ($text, @ids) = ('');

    while (@ids < $n) {
        syswrite $socket, $request;
        my $want = @ids + 100;
        while (@ids < $want) {
            sysread $socket, $text, 65536, length $text or die "no answer\n";
            push @ids, $1 while $text =~ s/^.*?"id":"(\w+)".*?\}//s;
        }
    }

    return @ids;
}

my @ids = jobs('/job?duration=1h', 20000);
show('20,000 jobs that wait are cancelled', sub {
    my $socket = $s->connect;
    while (my @some = splice @ids, 0, 100) {
        syswrite $socket, join '', map "DELETE /jobs/$_ HTTP/1.1\r\nHost: x\r\n\r\n", @some;
        my ($text, $n) = ('', 0);
        while ($n < @some) {
            sysread $socket, $text, 65536 or die "no answer\n";
            $n += () = $text =~ m{HTTP/1.1 200}g;
        }
    }
    sleep(1);
});

jobs('/short?duration=0', 100000);
show('100,000 jobs expire', sub {
    sleep(5);
    for (1 .. 200) { $s->get('/short?duration=0'); sleep(0.005) }
});

my $body = '{"duration":0,"x":"' . 'x' x 1_000_000 . '"}';
show('bodies of 1 MB for an async function', sub {
    for (1 .. 20) {
        my $r = $s->get('/body', method => 'POST', body => $body,
                headers => "Content-Type: application/json\r\nContent-Length: "
                           . length($body) . "\r\n");
        $r->{status} == 200 or die "$r->{status} $r->{body}\n";
        sleep(0.02);
    }
});

$s->stop('QUIT');

# a worker that is killed leaves jobs behind

$s = TaskServer->start(%conf);
jobs('/job?duration=1h', 20000);
my ($worker) = $s->workers;
kill KILL => $worker;
$s->wait_for(sub { my ($w) = $s->workers; $w && $w != $worker }, 'another worker');
show('20,000 jobs of a worker that was killed', sub {
    $s->get('/made?duration=0') for 1 .. 100;
    $s->get('/json');
});

$s->stop('QUIT');

exit $failed;
