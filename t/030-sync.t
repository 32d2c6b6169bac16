#!/usr/bin/perl

# task_mode sync blocks its worker, and what that means is true.

use strict;
use warnings;

use IO::Select;
use Test::More;
use Time::HiRes qw(sleep time);

use TaskServer;

my $server = '
        location = /task  { task sleep duration=700ms; }
        location = /long  { task sleep duration=20s; }
        location = /quick { quick; }
';
my %conf = (http => 'task_mode sync;', server => $server);

my $s = TaskServer->start(%conf);

my ($r, @r, $c);

like($s->text('error.log') . $s->text('stderr.log'),
     qr/\[warn\].*task "sleep" with task_mode "sync" blocks its worker.*:\d+/,
     'warning at the start');

# until a worker is in its sleep it would answer: clock_nanosleep() on x86_64,
# arm64 and i386

sub sleeps {
    my ($pid) = @_;

    open my $in, '<', "/proc/$pid/syscall" or return;
    return (<$in> // '') =~ /^(?:230|115|267|407) /;
}

sub blocked {
    my ($n) = @_;

    $s->wait_for(sub { $n == grep sleeps($_), $s->workers }, 'the worker to block', 0.3);
}

# TEST 1: /quick waits

$c = $s->open('/task');
blocked(1);
$r = $s->get('/quick');
is($r->{status}, 200, 'quick');
cmp_ok($r->{time}, '>', 0.2, 'quick waits');
$r = $s->read($c);
is($r->{status}, 200, 'task');
cmp_ok($r->{time}, '>=', 0.7, 'not early');

# TEST 2: one after the other

@r = sort { $a->{total} <=> $b->{total} } $s->get_all('/task', '/task');
cmp_ok($r[1]{total}, '>=', 1.4, 'one after the other');

# TEST 3: signals to the worker do not wake it

my ($worker) = $s->workers;
$c = $s->open('/task');
blocked(1);
for (1 .. 10) {
    $s->signal('USR1', $worker);
    $s->signal('HUP', $worker);
    sleep(0.02);
}
$r = $s->read($c);
is($r->{status}, 200, 'signals during a task');
cmp_ok($r->{time}, '>=', 0.7, 'not early');

# TEST 4: quit is heard afterwards, the client has its answer

$c = $s->open('/task');
blocked(1);
my ($code, $time) = $s->stop('QUIT');
is($code, 0, 'quit: exit code');
$r = $s->read($c);
is($r->{status}, 200, 'quit: the client has its answer');
cmp_ok($r->{time}, '>=', 0.7, 'not early');
$s->check_log;

# TEST 5: reload is heard afterwards

$s = TaskServer->start(%conf);
$c = $s->open('/task');
blocked(1);
$s->reload;
$r = $s->read($c);
is($r->{status}, 200, 'reload: the client has its answer');
($code) = $s->stop('QUIT');
is($code, 0, 'exit code');
$s->check_log;

# TEST 6: stop is not heard at all, nginx kills the worker after some 3 s

$s = TaskServer->start(%conf);
$c = $s->open('/long');
blocked(1);
($code, $time) = $s->stop('TERM');
is($code, 0, 'stop: exit code of the master');
cmp_ok($time, '>', 1, 'stop: nginx waits');
cmp_ok($time, '<', 10, 'stop: nginx does not wait for ever');
$s->check_log(qr/worker process \d+ exited on signal 9/);

# TEST 7: four workers: four tasks at a time, a blocked worker takes nobody

$s = TaskServer->start(%conf, workers => 4);
$s->wait_for(sub { $s->workers == 4 }, 'four workers');
my @c;
for (1 .. 3) {
    push @c, $s->open('/task');
    blocked(scalar @c);
}
$s->get('/quick');
ok(!IO::Select->new(map $_->{socket}, @c)->can_read(0),
   'three of four are blocked, quick is not');
@r = $s->read_all(\@c);
is(scalar(grep $_->{status} == 200, @r), 3, 'three tasks');
is(scalar(grep $_->{time} < 0.7, @r), 0, 'none early');
is(scalar(grep $_->{time} >= 1.35, @r), 0, 'at once');
($code) = $s->stop('QUIT');
is($code, 0, 'exit code');
$s->check_log;

done_testing();
