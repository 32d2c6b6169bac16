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

    my ($old, $new) = upgrade($s);
    ok($s->wait_for(sub { $s->text('error.log') =~ /its copy cannot be written/ }, 'it', 20),
       'the new one has no room for a copy');
    is(poll($s, $_)->{state}, 'queued', 'no worker has claimed a job') for @wait;

    # its worker stands still, without the file: those of the old one are asked

    my ($stays) = $s->workers;
    $s->wait_for(sub {
        kill 'STOP', $stays;
        return 1 if !writers($s);
        kill 'CONT', $stays;
        return 0;
    }, 'the file to be closed');
    kill 'STOP', $new;
    kill 'CONT', $old;
    $s->{pid} = $old;
    $s->wait_for(sub { my $told = told($s); 3 == grep $told->{$_}, 2 .. 4 },
                 'the old one to run what waits');
    is(ended($s, $_)->{state}, 'done', 'it is done there') for @wait;
    sleep 1;
    kill 'STOP', $old;
    my @old = grep $_ != $new && $_ != $stays, $s->workers;
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

# --- likewise, and then the file is removed -------------------------------------------------

SKIP: {
    my $dir = disk('removed', '64m') or skip 'no file system can be mounted here', 1;
    $s = state_server(fsync => 'always', workers => 1, file => "$dir/state", server => $turn);
    $s->{state} = "$dir/state";
    ended($s, $_) for map submit($s, '/cat', body => 'x' x 60_000), 1 .. 10;
    my $tell = "/turn?file=$s->{told}";
    wait_state($s, 'running', submit($s, "$tell&n=1&ms=60s"));
    $id = submit($s, "$tell&n=2");
    kill_all($s);
    resize($dir, int((-s $s->{state}) / 1024) + 100 . 'k');
    $s->start;
    ok($s->wait_for(sub { $s->text('error.log') =~ /its copy cannot be written/ }, 'it', 20),
       'there is no room for a copy');
    unlink $s->{state} or die;
    resize($dir, '64m');
    $s->wait_for(sub { submit($s, '/sleep?duration=1ms') =~ /^\w{32}$/ }, 'the file', 20);
    is(ended($s, $id)->{state}, 'done', 'what waited is run all the same');
    is(told($s)->{2}, 1, 'once');
    $s->stop;
    $s->check_log('its copy cannot be written|is lost$');
}

# --- workers that leave together ---------------------------------------------------------

SKIP: {
    $s = state_server(fsync => 'no', workers => 2, server => $turn);
    my ($writer) = writers($s);
    my ($other) = grep $_ != $writer, $s->workers;
    freeze($s, $other);
    my @jobs = submit($s, "/turn?file=$s->{told}&n=1&ms=4s");
    kill 'CONT', $other;
    $jobs[1] = submit($s, "/turn?file=$s->{told}&n=2&ms=4500ms");
    wait_state($s, 'running', @jobs);
    my $strace = inject($s, $writer, 'fdatasync', 'delay_enter=2000000')
        or skip 'strace cannot be used', 1;
    is(poll($s, $_)->{state}, 'running', 'a job runs') for @jobs;
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
my $run = submit($s, "$tell&n=1&ms=6s");
wait_state($s, 'running', $run);
my $wait = submit($s, "$tell&n=2");
sleep 0.7;
my ($old) = $s->workers;

# the lock as well: it is made anew

unlink "$s->{state}.lock" or die;
$s->wait_for(sub { -s "$s->{state}.lock" }, 'another lock');
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

# --- likewise, and who wrote it is killed: another worker of its zone makes it anew ----------

$s = state_server(fsync => 'everysec', workers => 2, server => $turn);
$tell = "/turn?file=$s->{told}";
my ($writer) = writers($s);
my ($other) = grep $_ != $writer, $s->workers;
freeze($s, $other);
my $lost = submit($s, "$tell&n=1&ms=60s");
kill 'CONT', $other;
$run = submit($s, "$tell&n=2&ms=6s");
wait_state($s, 'running', $lost, $run);
sleep 0.7;
$s->reload(state_conf(%{$s->{options}}, told => $s->{told}, zone => 'jobs:3m'));
freeze($s, $writer);
unlink $s->{state} or die;
kill_pids($s, $writer);
ok($s->wait_for(sub { -s $s->{state} }, 'it', 4) && alive($other), 'it is made anew');
wait_loaded($s);
is(ended($s, $run)->{state}, 'done', 'what the other worker had is done');
is(ended($s, $lost)->{state}, 'lost', 'and of the one that was killed it is lost');
$s->stop;
$s->check_log('exited on signal 9|process \d+ has it|is lost$');

# --- a process whose number means nothing here ------------------------------------------------

SKIP: {
    skip 'no namespace can be made here', 1 if $> || system('unshare --pid --fork true 2>/dev/null');
    $s = state_server(workers => 1);
    $s->stop;
    my $lock = lock_state($s);
    my $nginx = "$s->{root}/nginx";
    open my $out, '>', $nginx or die "$nginx: $!";
    print $out "#!/bin/sh\nexec unshare --pid --fork --kill-child ",
        $ENV{TEST_NGINX_BINARY} || 'nginx', ' "$@"', "\n";
    close $out;
    chmod 0755, $nginx;
    {
        local $ENV{TEST_NGINX_BINARY} = $nginx;
        $s->start;
    }
    ok($s->wait_for(sub {
        $s->text('error.log') =~ /a process of another machine or container has it/
    }, 'it', 10), 'the log tells of a process of another container');
    $s->stop('KILL');
    $s->check_log;
}

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
freeze($s, $second);
$lost = submit($s, "/turn?file=$s->{told}&n=1&ms=60s");
kill 'CONT', $second;
$run = submit($s, "/turn?file=$s->{told}&n=2&ms=6s");
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
