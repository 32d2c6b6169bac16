#!/usr/bin/perl

# Which worker, of which nginx, has the state file: each job has one end.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(sleep time);

use TaskState;

plan skip_all => 'a sanitizer, and strace' if $ENV{TEST_NGINX_SANITIZER};

my ($s, $id);

my $turn = '
    location = /turn { task tell; task_mode thread=four; task_limit running=1 queue=100; }';

# --- a file that was read, but has no room for a copy; then another nginx has it ----------

SKIP: {
    my $dir = disk('back', '64m') or skip 'no file system can be mounted here', 1;
    $s = state_server(alone => 1, fsync => 'always', workers => 1, file => "$dir/state",
                      main => 'env LD_PRELOAD;', server => $turn);
    $s->{state} = "$dir/state";
    ended($s, $_) for map submit($s, '/cat', body => 'x' x 60_000), 1 .. 10;
    my $tell = "/turn?file=$s->{told}";
    my $run = submit($s, "$tell&n=1&ms=1s");
    wait_state($s, 'running', $run);
    my @wait = map submit($s, "$tell&n=$_&ms=1ms"), 2 .. 4;
    my $gone = submit($s, "$tell&n=5");
    $s->get("/jobs/$gone", method => 'DELETE');
    resize($dir, int((-s $s->{state}) / 1024) + 100 . 'k');

    my $old = pid_of($s);
    my @old = $s->workers;
    $s->signal('USR2');
    $s->wait_for(sub { -s "$s->{root}/nginx.pid.oldbin" && pid_of($s) }, 'the new master');
    my $new = $s->{pid};
    kill 'STOP', $old;
    kill 'QUIT', @old;
    $s->wait_for(sub { !grep alive($_), @old }, 'the old workers to be gone');
    ok($s->wait_for(sub { $s->text('error.log') =~ /its copy cannot be written/ }, 'it', 20),
       'the new one has no room for a copy');
    is(poll($s, $_)->{state}, 'queued', 'no worker has claimed a job') for @wait;

    # its worker stands still: those of the old one are asked

    my ($stays) = $s->workers;
    kill 'STOP', $stays, $new;
    kill 'CONT', $old;
    $s->{pid} = $old;
    $s->wait_for(sub { my $told = told($s); 3 == grep $told->{$_}, 2 .. 4 },
                 'the old one to run what waits');
    is(ended($s, $_)->{state}, 'done', 'it is done there') for @wait;
    sleep 0.3;
    kill 'STOP', $old;
    @old = grep $_ != $new && $_ != $stays, $s->workers;
    resize($dir, '64m');
    kill 'QUIT', @old;
    $s->wait_for(sub { !grep alive($_), @old }, 'the workers of the old one to be gone');
    kill 'CONT', $stays, $new;
    $s->{pid} = $new;
    ok($s->wait_for(sub { submit($s, '/sleep?duration=1ms') =~ /^\w{32}$/ }, 'it', 20),
       'the new one has the file');
    is(ended($s, $_)->{state}, 'done', 'with what the old one has done') for $run, @wait;
    my $told = told($s);
    is(join(' ', map $told->{$_} // 0, 1 .. 5), '1 1 1 1 0', 'and each job has run once');
    like($s->text('error.log'), qr/written by another nginx since it was read: it is read again/,
         'the log tells');
    kill 'CONT', $old;
    $s->{pid} = $new;
    kill 'QUIT', $new;
    kill 'QUIT', $old;
    $s->wait_for(sub { !alive($new) && !alive($old) }, 'the end');
    $s->check_log('its copy cannot be written');
}

# --- workers that leave together ---------------------------------------------------------

SKIP: {
    $s = state_server(fsync => 'no', workers => 2, server => $turn);
    my ($writer) = writers($s);
    my ($other) = grep $_ != $writer, $s->workers;
    kill 'STOP', $other;
    my @jobs = submit($s, "/turn?file=$s->{told}&n=1&ms=2s");
    kill 'CONT', $other;
    $jobs[1] = submit($s, "/turn?file=$s->{told}&n=2&ms=2500ms");
    wait_state($s, 'running', @jobs);
    my $strace = inject($s, $writer, 'fdatasync', 'delay_enter=2000000')
        or skip 'strace cannot be used', 1;
    my $time = time();
    $s->signal('QUIT');
    $s->wait_for(sub { !grep alive($_), $writer, $other }, 'their end', 20);
    cmp_ok(time() - $time, '>=', 2, 'the last write of the first one was slow');
    leave($strace);
    $s->stop;
    $s->start;
    wait_loaded($s);
    is(poll($s, $_)->{state}, 'done', 'how it ended is in the file') for @jobs;
    $s->stop;
    $s->check_log;
}

# --- a file that is removed while workers of another zone have jobs of it -------------------

$s = state_server(fsync => 'everysec', workers => 1, server => $turn);
my $tell = "/turn?file=$s->{told}";
my $run = submit($s, "$tell&n=1&ms=4s");
wait_state($s, 'running', $run);
my $wait = submit($s, "$tell&n=2");
sleep 0.3;
my ($old) = $s->workers;
$s->reload(state_conf(%{$s->{options}}, told => $s->{told}, zone => 'jobs:3m'));
unlink $s->{state} or die;
ok($s->wait_for(sub { $s->text('error.log') =~ /process $old has it/ }, 'it', 5),
   'the log tells who has jobs of it');
wait_loaded($s);
ok(!alive($old), 'nobody takes it before that is gone');
is(ended($s, $_)->{state}, 'done', 'what it had is done') for $run, $wait;
is(join(' ', @{ told($s) }{1, 2}), '1 1', 'once');
$s->stop;
$s->check_log('it was removed, it will be copied|process \d+ has it');

# --- a lock that is removed ---------------------------------------------------------------

$s = state_server(workers => 2);
unlink "$s->{state}.lock" or die;
ok($s->wait_for(sub {
    my @have = grep { my $p = $_;
                      grep { (readlink($_) // '') eq "$s->{state}.lock" } glob "/proc/$p/fd/*" }
               $s->workers;
    return @have == 2;
}, 'them'), 'each worker has a new one');
$s->stop;
$s->check_log;

# --- another file in its place, while a worker has a job -----------------------------------

my $from = state_server(fsync => 'always', workers => 1, server => $turn);
my $theirs = submit($from, "/turn?file=$from->{told}&n=9");
ended($from, $theirs);
$from->stop;
$s = state_server(fsync => 'always', workers => 2, server => $turn);
my ($first) = writers($s);
my ($second) = grep $_ != $first, $s->workers;
kill 'STOP', $second;
my $lost = submit($s, "/turn?file=$s->{told}&n=1&ms=60s");
kill 'CONT', $second;
$run = submit($s, "/turn?file=$s->{told}&n=2&ms=3s");
wait_state($s, 'running', $lost, $run);
rename $from->{state}, $s->{state} or die;
kill_pids($s, $first);
ok($s->wait_for(sub {
    $s->text('error.log') =~ /it is read when the jobs of task_job_zone "jobs" that run have/
}, 'it'), 'the log tells that it waits');
like(submit($s, '/sleep?duration=1ms'), qr/^503/, 'no job is accepted');
$s->wait_for(sub { $s->text('error.log') =~ /is dropped, and the file is read/ }, 'its end');
wait_loaded($s);
is(ended($s, $theirs)->{state}, 'done', 'then it has the jobs of the other file');
is(scalar(() = $s->text('error.log') =~ /it is read when/g), 1, 'which was told once');
$s->stop;
$s->check_log('exited on signal 9|replaced by another file');
$from->check_log;

done_testing();
