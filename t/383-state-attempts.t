#!/usr/bin/perl

# The state file of a zone whose jobs may be tried again: attempts, and what is
# kept for a retry, come back after a stop.

use strict;
use warnings;

use JSON::PP;
use Test::More;
use Time::HiRes qw(sleep time);

use TaskState;

my $server = 'location /ops/   { task_jobs zone=jobs list=on; }
              location = /fail { task command program=/bin/false; }
              location = /slow { task sleep; task_limit running=8; }';
my ($s, $r, $id, $job, $at, @ids);

sub again {
    my ($how) = @_;

    if ($how eq 'KILL') {
        kill_all($s);

    } else {
        my ($code) = $s->stop($how);
        is($code, 0, "$how: exit code");
    }

    $at = time();
    $s->start;
    wait_loaded($s);
}

sub retry { return $s->get("/ops/$_[0]?retry=1", method => 'POST') }

# --- jobs that ran are tried again, after their while ------------------------

for my $how ('KILL', 'TERM') {
    $s = state_server(options => 'attempts=3', server => $server);
    @ids = map submit($s, '/slow?duration=2s'), 1 .. 4;
    my $cancelled = submit($s, '/slow?duration=60s');
    wait_state($s, 'running', @ids, $cancelled);
    $s->get("/jobs/$cancelled", method => 'DELETE');
    wait_state($s, 'cancelled', $cancelled);
    sleep 0.3 if $how eq 'KILL';

    again($how);

    $job = poll($s, $ids[0]);
    is("$job->{state} $job->{attempt} $job->{attempts}", 'queued 1 3',
       "$how: one that ran waits for its next attempt");
    is($job->{started}, undef, "$how: and has not begun");
    is(poll($s, $cancelled)->{state}, 'cancelled', "$how: one that was cancelled does not");

    for (@ids) {
        $job = ended($s, $_);
        is("$job->{state} $job->{attempt}", 'done 2', "$how: it is done");
        cmp_ok($job->{started} - ($how eq 'KILL' ? $at : $job->{created}), '>=', 0.99,
               "$how: not before its while is over");
    }

    $s->stop('TERM');
    $s->check_log;
}

# --- one that waits for its next attempt when all ends -----------------------

$s = state_server(options => 'attempts=2', server => $server);
$id = submit($s, '/slow?duration=60s');
wait_state($s, 'running', $id);
kill 'KILL', $s->workers;
$s->wait_for(sub { poll($s, $id)->{state} eq 'queued' }, 'it to wait');
again('TERM');
is(poll($s, $id)->{state}, 'queued', 'it waits on');
wait_state($s, 'running', $id);
is(poll($s, $id)->{attempt}, 2, 'its second attempt');
sleep 0.3;
again('KILL');
$job = poll($s, $id);
is("$job->{state} $job->{attempt} $job->{attempts} $job->{status}", 'dead 2 2 500',
   'which was the last one');

# --- and what has failed, is lost or dead can be tried again ------------------

my $failed = submit($s, '/fail');
is(ended($s, $failed)->{state}, 'failed', 'one that has failed');
sleep 0.3;
again('TERM');
is(retry($_)->{status}, 202, 'it can be tried again') for $failed, $id;
$job = ended($s, $failed);
is("$job->{state} $job->{attempt} $job->{attempts}", 'failed 2 3', 'and is');
wait_state($s, 'running', $id);
$job = poll($s, $id);
is("$job->{attempt} $job->{attempts}", '3 4', 'with all its attempts');
sleep 0.3;
again('KILL');
$job = poll($s, $id);
is("$job->{state} $job->{attempt} $job->{attempts}", 'queued 3 4', 'which come back, too');
is($s->get("/jobs/$id", method => 'DELETE')->{status}, 200, 'until it is cancelled');
$s->stop('TERM');

# one attempt: lost

$s = state_server(server => $server);
$id = submit($s, '/slow?duration=500ms');
my $body = submit($s, '/one', body => '{"duration":"60s","status":"' . 'x' x 300_000 . '"}');
wait_state($s, 'running', $id, $body);
sleep 0.3;
again('KILL');
is(poll($s, $_)->{state}, 'lost', 'with one attempt it is lost') for $id, $body;
is(retry($_)->{status}, 202, 'and can be tried again') for $id, $body;
is(ended($s, $id)->{state}, 'done', 'and is done');
wait_state($s, 'running', $body);
$s->get("/jobs/$body", method => 'DELETE');
$s->stop('TERM');
$s->check_log;

done_testing();
