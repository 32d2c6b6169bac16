#!/usr/bin/perl

# Functions that do not notice that they are cancelled.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(sleep time);

use TaskServer;

my $tasks = "$ENV{TEST_NGINX_TASKS}/test";
my ($s, $c, @c, $r, @r, $code, $time);

sub conf {
    my ($timeout) = @_;

    return (
        main => "task_load $tasks/probe.so; env PROBE_STOPPED;
                 thread_pool probe threads=2;
                 thread_pool full threads=2 max_queue=2;
                 task_shutdown_timeout $timeout;",
        server => '
            location = /stubborn { task stubborn; task_mode thread=probe; }
            location = /full     { task stubborn; task_mode thread=full; }
            location = /steps    { task steps; }
            location = /counters { task counters; task_mode sync; }
            location = /quick    { quick; }
        ');
}

sub begun {
    my ($n) = @_;

    $s->wait_for(sub { $s->get('/counters')->{body} =~ /"begun":$n/ },
                 "$n to begin");
}

# user and system time of the worker, seconds

sub cpu {
    my ($worker) = @_;

    open my $in, '<', "/proc/$worker/stat" or return;
    my @f = split ' ', (<$in> =~ s/.*\) //r);
    return ($f[11] + $f[12]) / 100;
}

$ENV{PROBE_STOPPED} = 1;

# TEST 1: the client left, the function runs on, quit waits for it, without
# spinning, and the library is stopped only then

$s = TaskServer->start(conf('60s'));
$c = $s->open('/stubborn?ms=30s&' . $s->gate('left'));
begun(1);
$c->{socket}->close;
$s->wait_access(qr{^GET /stubborn\S* HTTP/1.1 499});
my ($worker) = $s->workers;
my $cpu = cpu($worker);
$s->signal('QUIT');
$s->wait_for(sub { $s->text('error.log') =~ /gracefully shutting down/ },
             'the worker to hear of it');

# for longer than its timer takes, which is set again and again

sleep(0.6);
my $now = cpu($worker);
ok(defined $now, 'the worker stays');
cmp_ok(($now // 0) - $cpu, '<', 0.2, 'and does not spin');
unlike($s->text('error.log'), qr/: exiting$|probe: stopped/m, 'nor ends yet');
$s->open_gate('left');
my $start = time();
$s->wait_for(sub { waitpid($s->{pid}, 1) }, 'nginx to stop');
is($?, 0, 'exit code');
delete $s->{pid};
cmp_ok(time() - $start, '<', 4, 'until the function has returned, no longer');
like($s->text('error.log'), qr/probe: stopped/, 'then the library is stopped');
$s->check_log;

# TEST 2: task_shutdown_timeout: a client that still waits has an answer

$s = TaskServer->start(conf('450ms'));
@c = map $s->open('/stubborn?ms=30s'), 1 .. 3;
begun(2);
($code, $time) = $s->stop('QUIT');
is($code, 0, 'timeout: exit code');
cmp_ok($time, '>=', 0.45, 'timeout: not before');
cmp_ok($time, '<', 6, 'timeout: the worker leaves');
@r = $s->read_all(\@c);
is(scalar(grep $_->{status} == 503, @r), 3, 'timeout: the clients are told');
like($s->text('error.log'), qr/\[warn\].*task "stubborn" runs on after task_sh/,
     'timeout: logged');
unlike($s->text('error.log'), qr/probe: stopped/,
       'timeout: a library that is in use is not stopped');
$s->check_log;

# TEST 3: stop: nginx does not have to kill the worker

$s = TaskServer->start(conf('60s'));
@c = map $s->open('/stubborn?ms=30s'), 1 .. 4;
begun(2);
($code, $time) = $s->stop('TERM');
is($code, 0, 'stop: exit code');
cmp_ok($time, '<', 2.5, 'stop: the worker leaves');
$s->check_log;

# TEST 4: stop, with the queue exactly full, of functions that take a while

for my $round (1 .. 3) {
    $s = TaskServer->start(conf('60s'));
    @c = map $s->open('/full?ms=300ms'), 1 .. 2;
    begun(2);
    push @c, map $s->open('/full?ms=300ms'), 1 .. 2;
    $s->get('/quick');
    ($code, $time) = $s->stop('TERM');
    is($code, 0, 'stop, full: exit code');
    cmp_ok($time, '<', 1.5, 'stop, full: when they are done');
    unlike($s->text('error.log'), qr/queue overflow/, 'stop, full: in order');
    $s->check_log;
}

# TEST 5: quit in the middle of awaits

$s = TaskServer->start(conf('60s'));
@c = map $s->open('/steps?ms=60ms'), 1 .. 10;
begun(10);
($code, $time) = $s->stop('QUIT');
is($code, 0, 'awaits: exit code');
@r = $s->read_all(\@c);
is(scalar(grep $_->{status} == 200, @r), 10, 'awaits: every client is served');
$s->check_log;

# TEST 6: stop in the middle of awaits

for my $ms (0, 100, 200, 350) {
    $s = TaskServer->start(conf('60s'));
    @c = map $s->open('/steps?ms=100ms'), 1 .. 10;
    sleep($ms / 1000);
    ($code, $time) = $s->stop('TERM');
    is($code, 0, "stop, awaits, $ms: exit code");
    cmp_ok($time, '<', 2, "stop, awaits, $ms: at once");
    $s->check_log;
}

done_testing();
