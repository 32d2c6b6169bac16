#!/usr/bin/perl

# Threads of pools are SCHED_BATCH from their first piece on, the event loop is
# not; where that is refused, or who started nginx has chosen something else,
# they are as they were.

use strict;
use warnings;

use Test::More;

use TaskServer;

use constant { OTHER => 0, BATCH => 3, IDLE => 5 };      # see sched(7)

my $tasks = "$ENV{TEST_NGINX_TASKS}/test";

my %conf = (
    main => "thread_pool two threads=2; thread_pool probe threads=2;
             task_load $tasks/probe.so;",
    server => '
        location = /thread  { task sleep duration=50ms; task_mode thread=two; }
        location = /steps  { task steps; }
    ');

# the policy of the event loop, and how many other threads have this one

sub loop { return policy(($_[0]->workers)[0]) }

sub threads {
    my ($s, $policy) = @_;

    my ($worker) = $s->workers;
    my @tids = map m{(\d+)$}, glob "/proc/$worker/task/*";

    return scalar grep $_ != $worker && policy($_) == $policy, @tids;
}

sub policy {
    my ($tid) = @_;

    open my $in, '<', "/proc/$tid/stat" or return -1;
    (my $stat = <$in>) =~ s/.*\) //;

    return (split / /, $stat)[38];
}

my $s = TaskServer->start(%conf);

is(threads($s, BATCH), 0, 'none at first');
ok($s->wait_for(sub { $s->get_all(('/thread') x 4); threads($s, BATCH) == 2 }, 'both', 10),
   'threads that ran a task');
is(loop($s), OTHER, 'not the loop');
$s->stop('QUIT');
$s->check_log;

# what async functions give to a pool

$s = TaskServer->start(%conf);
is($s->get('/steps?ms=1')->{status}, 200, 'offloaded');
cmp_ok(threads($s, BATCH), '>=', 1, 'threads that ran a piece');
is(loop($s), OTHER, 'not the loop');
$s->stop('QUIT');
$s->check_log;

# refused

$s = TaskServer->start(%conf, main => "task_load $tasks/seccomp.so; $conf{main}");
my @r = $s->get_all(('/thread') x 20);
is(scalar(grep $_->{status} == 200, @r), 20, 'refused: tasks run');
is(threads($s, BATCH), 0, 'refused: as before');
my @told = $s->text('error.log') =~ /\[info\].* sched_setscheduler\(SCHED_BATCH\) failed/g;
is(scalar @told, 1, 'refused: told once');
$s->stop('QUIT');
$s->check_log;

# chosen by who started nginx

my $nginx = "$s->{root}-idle";
open my $out, '>', $nginx or die "$nginx: $!";
print $out "#!/bin/sh\nexec chrt -i 0 ", $ENV{TEST_NGINX_BINARY} || 'nginx', ' "$@"', "\n";
close $out;
chmod 0755, $nginx;

{
    local $ENV{TEST_NGINX_BINARY} = $nginx;
    $s = TaskServer->start(%conf);
}

unlink $nginx;
$s->get_all(('/thread') x 4);
is(threads($s, BATCH), 0, 'idle: left alone');
cmp_ok(threads($s, IDLE), '>=', 2, 'idle: all threads');
is(loop($s), IDLE, 'idle: and the loop');
$s->stop('QUIT');
$s->check_log;

done_testing();
