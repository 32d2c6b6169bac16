#!/usr/bin/perl

# An upgrade of the binary, and one that is taken back, with a zone of jobs that
# has no file: the new nginx has a zone of its own.

use strict;
use warnings;

use JSON::PP;
use Test::More;
use Time::HiRes qw(sleep time);

use TaskServer;
use TaskState;

my ($s, $old, @old, $new);

sub begin {
    $s = TaskServer->new;
    $s->{told} = "$s->{root}/told";
    $s->write_conf(
        workers => 2,
        main => "task_load $ENV{TEST_NGINX_TASKS}/test/tell.so; thread_pool four threads=4;
                 env LD_PRELOAD; env ASAN_OPTIONS; env UBSAN_OPTIONS;",
        http => 'task_job_zone jobs:1m; task_background on zone=jobs;',
        server => '
            location = /tell  { task tell; task_mode thread=four;
                                task_limit running=1 queue=100; }
            location = /sleep { task sleep; }
            location /jobs/   { task_jobs zone=jobs; }
            location = /quick { quick; }');
    start_alone($s);
}

# jobs that have ended, run, and wait; and a client that waits for one that runs

my ($ended, @run, @wait, $client);

sub fill {
    my $tell = "/tell?file=$s->{told}";

    $ended = submit($s, '/sleep?duration=1ms');
    ended($s, $ended);
    @run = map submit($s, "$tell&n=1$_&ms=5s"), 1, 2;
    wait_state($s, 'running', @run);
    @wait = map submit($s, "$tell&n=2$_&ms=100ms"), 1 .. 4;
    $client = $s->open("/jobs/$run[0]?wait=20s");
    sleep 0.2;
}

sub upgraded {
    $old = pid_of($s);
    @old = $s->workers;
    $s->signal('USR2');
    $s->wait_for(sub { -s "$s->{root}/nginx.pid.oldbin" && pid_of($s) }, 'the new master');
    $new = $s->{pid};
    $s->wait_for(sub { 2 == $s->workers }, 'its workers');
}

# what is accepted is asked of workers that listen: those of the other nginx are gone

sub in_the_new_one {
    my ($name) = @_;

    is(decode_json($s->read($client)->{body})->{state}, 'running',
       "$name: who waits is told how it is");
    $s->wait_for(sub { !grep alive($_) && TaskServer::title($_) !~ /shutting down/, @old },
                 'no old worker to listen');
    $s->wait_for(sub { $s->get("/jobs/$ended")->{status} == 404 }, 'the new one to answer');
    is(poll($s, $_)->{state}, 404, "$name: the new one does not know what ran") for @run;
    my $id = submit($s, "/tell?file=$s->{told}&n=30");
    is(ended($s, $id)->{state}, 'done', "$name: it accepts, and runs");

    return $id;
}

sub all_have_run {
    my ($name, $more) = @_;

    $s->wait_for(sub { !grep alive($_), @old }, 'the old workers to be gone');

    my $told = told($s);
    is(join(' ', map "$_:$told->{$_}", sort keys %$told),
       join(' ', map "$_:1", 11, 12, 21 .. 24, 30), "$name: each job has run once");
}

# --- it is done --------------------------------------------------------------------------

begin();
fill();
upgraded();
kill 'QUIT', $old;
in_the_new_one('upgrade');
all_have_run('upgrade');
$s->wait_for(sub { !alive($old) }, 'the old master to be gone');
unlike($s->text('error.log'), qr/no worker is left|is lost/, 'upgrade: none is lost');
kill 'QUIT', $new;
$s->wait_for(sub { !alive($new) }, 'its end');
$s->check_log;

# --- it is taken back -----------------------------------------------------------------------

# as by WINCH, of which a master takes no notice that is no daemon

begin();
fill();
upgraded();
kill 'STOP', $old;
kill 'QUIT', @old;
my $later = in_the_new_one('back');
all_have_run('back');

kill 'CONT', $old;
$s->{pid} = $old;
$s->wait_for(sub { 3 == $s->workers }, 'other workers of the old one');
kill 'QUIT', $new;
$s->wait_for(sub { !alive($new) }, 'the new one to be gone');

is(poll($s, $_)->{state}, 'done', 'back: the old one knows its jobs') for $ended, @run, @wait;
is(poll($s, $later)->{state}, 404, 'back: what the new one has accepted is gone with it');
kill 'QUIT', $old;
$s->wait_for(sub { !alive($old) }, 'the end');
$s->check_log;

done_testing();
