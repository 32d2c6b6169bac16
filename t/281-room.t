#!/usr/bin/perl

# "A bad request is a 422, and one that task_limit has no room for a 503, never
# a job that fails": a job that was accepted waits for room as long as it takes.

use strict;
use warnings;

use JSON::PP;
use Test::More;
use Time::HiRes qw(sleep time);

use TaskServer;

my $tasks = "$ENV{TEST_NGINX_TASKS}/test";

my %conf = (
    main => "task_load $tasks/probe.so; thread_pool tiny threads=1 max_queue=2;
             thread_pool probe threads=1 max_queue=1;
             thread_pool other threads=2;",
    http => 'task_job_zone jobs:1m;',
    server => '
        location = /pool    { task sleep; task_mode thread=tiny;
                              task_background on zone=jobs; }
        location = /task    { task sleep; task_mode thread=tiny; }
        location = /timeout { task sleep; task_mode thread=tiny; task_timeout 200ms;
                              task_background on zone=jobs; }
        location = /offload { task steps; task_background on zone=jobs; }
        location = /offload/task { task steps; }
        location = /wait    { task sleep; task_limit running=1 queue=3 wait=200ms;
                              task_background on zone=jobs; }
        location = /limit   { task sleep; task_limit running=1 queue=1;
                              task_background prefer zone=jobs; }
        location /jobs/     { task_jobs zone=jobs; }
        location = /quick   { quick; }
    ');

my $s = TaskServer->start(%conf);
my ($r, @ids, @c);

sub submit {
    my $r = $s->get(@_);
    return $r->{status} == 202 ? decode_json($r->{body})->{id} : undef;
}

sub poll { return decode_json($s->get("/jobs/$_[0]")->{body}) }

sub ended { return decode_json($s->get("/jobs/$_[0]?wait=20s")->{body}) }

# a pool's queue that is full

@ids = map submit('/pool?duration=50ms'), 1 .. 12;
is(scalar(grep defined, @ids), 12, 'a pool: all are accepted');
is(join(' ', map ended($_)->{state}, @ids), join(' ', ('done') x 12), 'and done');
my @jobs = map poll($_), @ids;
is(scalar(grep $jobs[$_]{started} < $jobs[$_ - 1]{started}, 1 .. 11), 0, 'in order');
my @full = $s->text('error.log') =~ /(queue overflow)/g;
cmp_ok(scalar @full, '<', 15, 'the pool is not tried again and again: ' . @full);

# a client is told at once, as ever

# nginx counts a thread that waits, a moment after it has told of its last task

sleep(0.1);
@c = map $s->open('/task?duration=500ms'), 1 .. 5;
is(join(' ', sort map $_->{status}, $s->read_all(\@c)), '200 200 200 503 503',
   'tasks of clients');

# one that waits in front of a pool can be cancelled, and be over its time

@ids = map submit('/pool?duration=1s'), 1 .. 5;
push @ids, submit('/timeout?duration=1s');
is(poll($ids[4])->{state}, 'queued', 'it waits');
$s->get("/jobs/$ids[4]", method => 'DELETE');
is(ended($ids[4])->{state}, 'cancelled', 'it is cancelled');
is(ended($ids[5])->{state}, 'timeout', 'it is over its time');
is(poll($ids[1])->{state}, 'queued', 'while the others wait');
is(join(' ', map ended($_)->{state}, @ids[0 .. 3]), 'done done done done',
   'and are done');

# a pool that only others have filled is tried from time to time

@c = map $s->open('/task?duration=700ms'), 1 .. 3;
$s->get('/quick');
my $id = submit('/pool?duration=0');
is(ended($id)->{state}, 'done', 'behind tasks');
$s->read_all(\@c);

# what an async function gives to a pool

@ids = map submit('/offload?ms=0'), 1 .. 20;
is(join(' ', map ended($_)->{state}, @ids), join(' ', ('done') x 20),
   'offloads of jobs wait');
@c = map $s->open('/offload/task?ms=0'), 1 .. 20;
my %n;
$n{$_->{status}}++ for $s->read_all(\@c);
is(join(' ', grep !/^(?:200|503)$/, keys %n), '', 'those of tasks may be told');

# wait= is for clients

@ids = map submit('/wait?duration=400ms'), 1 .. 4;
is(join(' ', map ended($_)->{state}, @ids), 'done done done done', 'wait=');
is(submit('/wait?duration=400ms') && submit('/wait?duration=0') ? 1 : 0, 1, 'twice');

# no room is told before the 202, and when to come back

my %prefer = (headers => "Prefer: respond-async, wait=5\r\n");
@c = map $s->open('/limit?duration=500ms', %prefer), 1 .. 2;
select undef, undef, undef, 0.1;       # a store may answer late
$r = $s->get('/limit?duration=0', %prefer);
is($r->{status}, 503, 'Prefer: no room');
like($r->{headers}, qr/^Retry-After: [1-9]\d*\r?$/m, 'Retry-After');
is(join(' ', map $_->{status}, $s->read_all(\@c)), '200 200', 'the others are done');

# a quit ends those that wait, too

@ids = map submit('/pool?duration=100ms'), 1 .. 8;
my ($old) = $s->workers;
$s->reload;
is(join(' ', map ended($_)->{state}, @ids), join(' ', ('done') x 8),
   'a reload loses none');

my ($code) = $s->stop('QUIT');
is($code, 0, 'exit code');

# what is left of them when the worker gives up

my ($time);
$s->check_log;
$s = TaskServer->start(%conf, main => "$conf{main} task_shutdown_timeout 1s jobs=1s;");
@ids = map submit('/pool?duration=20s'), 1 .. 8;
($code, $time) = $s->stop('QUIT');
is($code, 0, 'exit code');
cmp_ok($time, '<', 6, 'given up in time');
$s->check_log;

done_testing();
