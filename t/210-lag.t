#!/usr/bin/perl

# How late the event loops are: seen while one stands still, and logged.

use strict;
use warnings;

use JSON::PP;
use Test::More;
use Time::HiRes qw(sleep time);

use TaskServer;

my $tasks = "$ENV{TEST_NGINX_TASKS}/test";

my %conf = (
    main => "task_load $tasks/probe.so;",
    workers => 2,
    http => 'task_zone numbers:128k; task_stats numbers; task_stall_log 150ms;',
    server => '
        location = /sync   { task sleep duration=1s; task_mode sync; }
        location = /short  { task sleep duration=20ms; task_mode sync; }
        location = /async  { task sleep; }
        location = /quick  { quick; }
        location = /status { task_status; }
    ');

my $s = TaskServer->start(%conf);

# answered by a worker that does not stand still

sub workers {
    my $zone = decode_json($s->get('/status')->{body})->{zones}[0];
    return @{ $zone->{workers} };
}

sub lag { (sort { $b <=> $a } map $_->{loop_lag}, @_)[0] }

sleep(0.5);
ok($s->wait_for(sub { lag(workers()) < 0.1 }, 'quiet', 5), 'nothing stands still');
my $c = $s->open('/sync');

# or the worker that is about to block might take the next connection, too

sleep(0.2);

my ($seen, $late) = (0, 0);

# it is seen to grow while the worker sleeps

$s->wait_for(sub {
    my ($worst) = sort { $b->{loop_lag} <=> $a->{loop_lag} } workers();
    $late = $worst->{loop_lag}, $seen = $worst->{pid} if $worst->{loop_lag} > 0.5;
    return $seen;
}, 'the lag to be seen from another worker');
cmp_ok($late, '<=', 1.2, 'not more than it is');
$s->read($c);

$s->wait_for(sub { lag(workers()) < 0.1 }, 'it to go on');
my ($worker) = grep $_->{pid} == $seen, workers();
cmp_ok($worker->{loop_lag_worst}, '>=', 0.8, 'the worst is kept');
cmp_ok($worker->{loop_lag_worst}, '<', 1.5, 'and right');
my $zone = decode_json($s->get('/status')->{body})->{zones}[0];
my $histogram = $zone->{loop_lag};
cmp_ok($histogram->{count} - $histogram->{buckets}{'0.500'}, '>=', 1,
       'and in the histogram');

my $log = $s->text('error.log');
is(scalar(() = $log =~ /\[error\] $seen#.* event loop stood still for 1\d\d\d ms in task "sleep"/g),
   1, 'logged, with the name');

# a busy machine may make one or the other longer than it is

$s->get($_) for ('/short', '/async?duration=400ms') x 3;
cmp_ok(scalar(() = $s->text('error.log') =~ /stood still for \d+ ms in task/g), '<', 1 + 3,
       'what is short, or does not block, is not logged');

# what is not ours is seen, too

my ($pid) = $s->workers;
kill 'STOP', $pid;
sleep(0.6);
kill 'CONT', $pid;
$s->wait_for(sub {
    $s->text('error.log') =~ /\[error\] $pid#.* event loop stood still for \d+ ms$/m
}, 'a line in the log');
pass('a foreign standstill is logged, without a name');

my ($code, $time) = $s->stop;
cmp_ok($time, '<', 1, 'the heartbeat holds no worker');
$s->check_log;

# a coarse clock is no standstill

$s = TaskServer->start(%conf, main => "$conf{main} timer_resolution 300ms;");
sleep(3);
$histogram = decode_json($s->get('/status')->{body})->{zones}[0]{loop_lag};
cmp_ok($histogram->{count}, '>=', 10, 'timer_resolution');
cmp_ok($histogram->{buckets}{'0.100'}, '>=', 0.8 * $histogram->{count}, 'no lag');
cmp_ok(scalar(() = $s->text('error.log') =~ /stood still/g), '<=', 2, 'nothing is logged');
$s->stop;
$s->check_log;

# without a zone there is no heartbeat

for my $http ('', 'task_zone z:64k;') {
    $s = TaskServer->start(%conf, http => $http, workers => 1);
    my ($pid) = $s->workers;
    sleep(0.3);
    my $switches = switches($pid);
    sleep(1);
    my $n = switches($pid) - $switches;
    $http ? cmp_ok($n, '>=', 5, 'with a zone there is one')
          : cmp_ok($n, '<=', 2, 'without a zone there is no heartbeat');
    $s->stop;
    $s->check_log;
}

sub switches {
    my ($pid) = @_;
    open my $in, '<', "/proc/$pid/status" or die $!;
    my ($n) = join('', <$in>) =~ /^voluntary_ctxt_switches:\s+(\d+)/m;
    return $n;
}

done_testing();
