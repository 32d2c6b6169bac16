#!/usr/bin/perl

# task_mode async: timers on the event loop, and none of them early.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(sleep time);

use TaskServer;

my $server = '
        location = /task  { task sleep duration=500ms; }
        location = /open  { task sleep; }
        location = /sync  { task sleep duration=230ms; task_mode sync; }
        location = /quick { quick; }
';

my $s = TaskServer->start(server => $server);

my ($r, @r);

# TEST 1: one worker, 200 tasks at once, and /quick beside them

my @c = map $s->open('/task'), 1 .. 200;
$r = $s->get('/quick');
is($r->{body}, '{"status":"quick response"}', 'quick');
cmp_ok($r->{time}, '<', 0.3, 'quick does not wait');
@r = $s->read_all(\@c);
is(scalar(grep $_->{body} eq '{"status":"long_running task completed"}', @r),
   200, '200 answers');
is(scalar(grep $_->{time} < 0.5, @r), 0, 'none early');
is(scalar(grep $_->{time} >= 1.5, @r), 0, 'all in under 1.5 s');

# TEST 2: nginx's timers fire up to 1 ms early; ours do not.  The client sees
# the whole round trip, so what the module measured is looked at, too.

for (1 .. 10) {
    push my @uris, ('/open?duration=20ms') x 60;
    push @r, $s->get_all(@uris);
}

is(scalar(grep $_->{status} != 200, @r), 0, '600 tasks of 20 ms');
is(scalar(grep $_->{time} < 0.02, @r), 0, 'none early');
$s->wait_access(qr/duration=20ms .* 200/, 600);
my @run = $s->text('access.log') =~ m{duration=20ms .* \d+\.\d{3} 0\.(\d+)$}mg;
is(scalar @run, 600, 'all in the log');
is(scalar(grep $_ < 20, @run), 0, 'none early in the log');

# TEST 3: sync and async on one worker: timers that were set before, or while,
# something blocked the loop

@c = map $s->open("/open?duration=${_}ms"), map $_ * 10, 1 .. 40;
push @c, map $s->open('/sync'), 1 .. 3;
push @c, map $s->open("/open?duration=${_}ms"), map $_ * 10, 1 .. 40;
@r = $s->read_all(\@c);
is(scalar(grep $_->{status} != 200, @r), 0, 'a mix of sync and async');

my @early;
for my $i (0 .. 39) {
    push @early, $i if $r[$i]{time} < ($i + 1) / 100;
    push @early, $i + 43 if $r[$i + 43]{time} < ($i + 1) / 100;
}
is("@early", '', 'none early');
is(scalar(grep $r[$_]{time} < 0.23, 40 .. 42), 0, 'no sync task early');

# TEST 4: signals to the worker

my ($worker) = $s->workers;
$r = $s->open('/open?duration=400ms');
for (1 .. 15) {
    $s->signal('USR1', $worker);
    sleep(0.02);
}
$r = $s->read($r);
is($r->{status}, 200, 'USR1 during a task');
cmp_ok($r->{time}, '>=', 0.4, 'not early');

# TEST 5: the client leaves: the timer is gone at once

my $gone = $s->open('/open?duration=45m');
$s->get('/quick');
close $gone->{socket};
$s->wait_access(qr{duration=45m HTTP/1.1 499 sleep async cancelled \d+\.\d{3} \d+\.});
pass('cancelled');

# TEST 6: a client that closed its side counts as gone

$gone = $s->open('/open?duration=44m');
$s->get('/quick');
shutdown $gone->{socket}, 1;
$s->wait_access(qr{duration=44m HTTP/1.1 499 sleep async cancelled});
pass('half-closed');

# TEST 7: a client that has left before its task began

for (1 .. 20) {
    my $c = $s->connect;
    syswrite $c, "GET /open?duration=43m HTTP/1.1\r\nHost: x\r\n\r\n";
    close $c;
}
$s->wait_access(qr{duration=43m HTTP/1.1 499 sleep async cancelled}, 20);
pass('gone before the start');

# no timer is left, or the worker would stay

my ($code, $time) = $s->stop('QUIT');
is($code, 0, 'exit code');
cmp_ok($time, '<', 5, 'no timer is left');
$s->check_log;

# TEST 8: timer_resolution 100ms: nginx's time is stale, and its timers fire much
# too early; how early they may fire: see t/unit/base/timer.c

$s = TaskServer->start(main => 'timer_resolution 100ms;', server => $server);

for my $round (1 .. 2) {
    my @ms = map $_ * 7, 1 .. 60;
    @r = $s->get_all(map "/open?duration=${_}ms", @ms);
    is(scalar(grep $_->{status} != 200, @r), 0, "timer_resolution, $round");
    is(scalar(grep $r[$_]{time} < $ms[$_] / 1000, 0 .. $#ms), 0, 'none early');
}

($code) = $s->stop('QUIT');
is($code, 0, 'exit code');
$s->check_log;

done_testing();
