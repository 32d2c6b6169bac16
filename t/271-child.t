#!/usr/bin/perl

# What programs inherit that a function starts by itself; and that nginx has
# its signals in spite of it.

use strict;
use warnings;

use JSON::PP;
use Test::More;
use Time::HiRes qw(sleep time);

use TaskServer;

my $tasks = "$ENV{TEST_NGINX_TASKS}/test";
my ($s, $r, @r, $c, @c, $code, $time);

my %conf = (
    main => "task_load $tasks/process.so; thread_pool default threads=32;
             task_shutdown_timeout 20s;",
    server => '
        location = /shell   { task shell; }
        location = /signals { task signals; }
        location = /sync    { task signals; task_mode sync; }
        location = /sleep   { task sleep; task_mode thread; }
        location = /proxy {
            proxy_pass http://127.0.0.1:$server_port/sleep$is_args$args;
        }
        location = /quick   { quick; }
    ');

sub shell {
    my ($cmd) = @_;

    $cmd =~ s/([^A-Za-z0-9])/sprintf '%%%02x', ord $1/ge;

    return decode_json($s->get("/shell?cmd=$cmd")->{body})
           ->{output};
}

sub threads {
    my ($worker) = $s->workers;
    my @tasks = glob "/proc/$worker/task/*";
    return @tasks;
}

# the port, the channel, a client, that of the proxy, and the proxy's two ends

sub sockets {
    my ($worker) = $s->workers;
    return scalar grep { (readlink($_) // '') =~ /socket/ }
           glob "/proc/$worker/fd/*";
}

$s = TaskServer->start(%conf);

# TEST 1: signals of a child

for my $place ('signals', 'sync') {
    my ($blocked, $ignored) =
        decode_json($s->get("/$place")->{body})->{output}
        =~ /SigBlk:\s*(\w+)\s*SigIgn:\s*(\w+)/;
    is(hex($blocked), 0, "$place: none is blocked");
    is(hex(substr $ignored, -8) & 1 << 12, 0, "$place: SIGPIPE is not ignored");
}

# TEST 2: descriptors: with clients, connections to an upstream, the port

$c = $s->open('/quick', keepalive => 1);
my $proxied = $s->open('/proxy?duration=700ms');
$s->wait_for(sub { sockets() >= 6 }, 'the proxy to connect');
is(shell('ls -l /proc/self/fd | grep -c socket'), "0\n", 'no sockets');
is(shell('ls -l /proc/self/fd | grep -c -e epoll -e eventfd'), "0\n",
   'nothing of the event loop');
is($s->read($proxied)->{status}, 200, 'the proxy');

# TEST 3: signals to nginx's worker are taken by its loop, also while there are
# 32 threads that could

my ($worker) = $s->workers;
@c = map $s->open('/sleep?duration=3s'), 1 .. 32;
$s->wait_for(sub { threads() >= 33 }, 'threads');
$s->get('/quick');

for (1 .. 300) {
    kill 'HUP', $worker;
    kill 'USR2', $worker;
    sleep(0.002);
}

$s->wait_for(sub { $s->text('error.log') =~ /signal 12 \(SIGUSR2\)/ },
             'signals');
my @taken = $s->text('error.log')
            =~ /\[notice\] $worker#(\d+): signal (?:1|12) \(/g;
cmp_ok(scalar @taken, '>', 50, 'signals are taken');
is(scalar(grep $_ != $worker, @taken), 0, 'all of them by the event loop');
@r = $s->read_all(\@c);
is(scalar(grep $_->{status} == 200, @r), 32, 'the threads go on');

# TEST 4: it reacts at once

for my $try (1 .. 4) {
    ($worker) = $s->workers;
    @c = map $s->open('/sleep?duration=300ms'), 1 .. 32;
    $s->wait_for(sub { threads() >= 33 }, 'threads');
    $s->get('/quick');
    my $start = time();
    kill 'USR2', $worker;
    kill 'QUIT', $worker;
    $s->wait_for(sub { $s->text('error.log')
                       =~ / $worker#\d+: gracefully shutting down/ },
                 'the worker to hear of it');
    ok(time() - $start < 1, 'QUIT: at once');
    @r = $s->read_all(\@c);
    is(scalar(grep $_->{status} == 200, @r), 32, 'QUIT: all are answered');
    $s->wait_for(sub { my @w = $s->workers; @w && $w[0] != $worker },
                 'another worker');
}

# TEST 5: a client that has gone is no signal that ends a worker

($worker) = $s->workers;
@c = map $s->open('/shell?cmd=sleep%200.1'), 1 .. 5;
close $_->{socket} for @c;
$s->wait_access(qr{^GET /shell\?cmd=sleep\S+ HTTP/1.1 499}, 5);
kill 'PIPE', $worker;
is($s->get('/quick')->{status}, 200, 'SIGPIPE');
is(($s->workers)[0], $worker, 'the same worker');
($code) = $s->stop('QUIT');
is($code, 0, 'exit code');
$s->check_log;

done_testing();
