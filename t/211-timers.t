#!/usr/bin/perl

# Timers with deadlines of their own: one descriptor a worker, tenths of a
# millisecond, others in between when many are over; and nginx's own timers where
# there is no descriptor.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(sleep time);

use TaskServer;

my %conf = (
    server => '
        location = /sleep  { task sleep; }
        location = /limit  { task sleep; task_limit running=1 queue=2000; }
        location = /block  { task sleep duration=2s; task_mode sync; }
        location = /quick  { quick; access_log off; }
        location = /last   { quick; }
    ');

my $s = TaskServer->start(%conf);
my ($worker) = $s->workers;

sub fds { return scalar grep { (readlink($_) // '') =~ /$_[0]/ } glob "/proc/$worker/fd/*" }

# TEST 1: made when it is needed, and once

is(fds('timerfd'), 0, 'no descriptor at first');
$s->get('/sleep?duration=1ms');
is(fds('timerfd'), 1, 'then one');
my @r = $s->get_all(map "/sleep?duration=${_}ms", 1 .. 200);
is(scalar(grep $_->{status} == 200, @r), 200, 'many tasks');
is(fds('timerfd'), 1, 'still one');

# TEST 2: none early, and most of them late by much less than a millisecond

my @late = sort { $a <=> $b }
           map $s->get("/sleep?duration=$_")->{time} * 1000 - 20.0,
               ('20ms') x 60;

cmp_ok($late[0], '>=', 0, 'none is early');
cmp_ok($late[30], '<', 20, 'most are in time');
note(sprintf 'late at the median: %.2f ms, with the time of the client', $late[30]);

# TEST 3: all of them are over when a task has blocked the loop: a request that
# came after that does not wait for them; also where nginx's timers are used

my (@c, $answer);

between($_) for '', "task_load $ENV{TEST_NGINX_TASKS}/test/seccomp.so;";

sub between {
    my ($main) = @_;

    $s->stop('QUIT');
    $s = TaskServer->start(%conf, main => $main);
    ($worker) = $s->workers;

    my $until = time() + 3;

    @c = map $s->open('/sleep?duration=3s'), 1 .. 1500;
    $s->wait_for(sub { fds('socket') >= 1500 }, 'all connections');
    my $quick = $s->open('/quick', keepalive => 1);
    $s->wait_for(sub { fds('socket') >= 1501 }, 'one more');
    sysread $quick->{socket}, $answer, 65536;
    sleep($until - 0.5 - time()) if time() < $until - 0.5;
    my $block = $s->open('/block');
    sleep(0.7);
    $quick->{socket}->syswrite("GET /last HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    @r = $s->read_all(\@c);
    is(scalar(grep $_->{status} == 200, @r), 1500, 'all are answered');
    $s->read_all([ $block ]);
    $s->wait_access(qr{^GET /last }m, 1);

    my @lines = grep m{^GET /(?:sleep\?duration=3s|last) }, split /\n/, $s->text('access.log');
    my ($place) = grep $lines[$_] =~ m{^GET /last }, 0 .. $#lines;
    my @before = grep m{^GET /last }, @lines[0 .. 1200];
    ok(@before, 'others are served in between') or diag("after $place of them");
    is(fds('timerfd'), $main ? 0 : 1, 'timers');
}

# TEST 4: a worker that quits waits for the task, and leaves

my $c = $s->open('/sleep?duration=1s');
$s->wait_for(sub { fds('socket') >= 2 }, 'a connection');
$s->get('/quick');
my ($code, $time) = $s->stop('QUIT');
my $r = $s->read($c);
is($r->{status}, 200, 'quit: the task ends');
is($code, 0, 'quit: in order');
unlike($s->text('error.log'), qr/open socket/, 'quit: nothing is left open');
$s->check_log;

# those that are given their turns then, too

$s = TaskServer->start(%conf);
($worker) = $s->workers;
@c = map $s->open($_), '/limit?duration=1s', ('/limit?duration=0') x 1000;
$s->wait_for(sub { fds('socket') >= 1000 }, 'all connections');
$s->get('/quick');
($code, $time) = $s->stop('QUIT');
@r = $s->read_all(\@c);
is(scalar(grep $_->{status} == 200, @r), 1001, 'quit: all that wait have their turns');
unlike($s->text('error.log'), qr/open socket/, 'quit: nothing is left open');
$s->check_log;

$s = TaskServer->start(%conf);
$s->get('/sleep?duration=1ms');
($code, $time) = $s->stop('QUIT');
cmp_ok($time, '<', 2, 'quit: at once, when no task runs');
$s->check_log;

# TEST 5: no descriptor is left: nginx's own timers

$s = TaskServer->start(%conf, main => 'worker_rlimit_nofile 24;');
($worker) = $s->workers;

my $first = $s->open('/quick', keepalive => 1);
sysread $first->{socket}, $answer, 65536;

@c = map $s->connect, 1 .. 40;
$s->wait_for(sub { $s->text('error.log') =~ /accept4?\(\) failed \(24/ }, 'no descriptor');

for my $ms (1, 20, 300) {
    my $start = time();
    $first->{socket}->syswrite("GET /sleep?duration=${ms}ms HTTP/1.1\r\nHost: localhost\r\n\r\n");
    sysread $first->{socket}, $answer, 65536;
    like($answer, qr/^HTTP\/1.1 200 /, "no descriptor: $ms ms");
    cmp_ok(time() - $start, '>=', $ms / 1000, 'no descriptor: not early');
}

is(fds('timerfd'), 0, 'no descriptor: none');
my @told = $s->text('error.log') =~ /(timerfd_create\(\) failed, .* \(24)/g;
is(scalar @told, 1, 'no descriptor: told once');

$_->close for @c;
$c = $first;
$c->{socket}->syswrite("GET /sleep?duration=1s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
sleep(0.1);
($code) = $s->stop('QUIT');
sysread $first->{socket}, $answer, 65536;
like($answer, qr/^HTTP\/1.1 200 /, 'no descriptor, quit: the task ends');
is($code, 0, 'no descriptor, quit: in order');

done_testing();
