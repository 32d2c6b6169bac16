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
        $at = time();
        my ($code) = $s->stop($how);
        is($code, 0, "$how: exit code");
    }

    $at = time() if $how eq 'KILL';
    $s->start;
    wait_loaded($s);
}

# unless nginx needed longer than the while that it waits

sub waits {
    my ($id, $attempt, $attempts, $since, $name) = @_;

    my $job = poll($s, $id);
    my $now = "$job->{state} $job->{attempt} $job->{attempts}";

    if ($job->{state} eq 'running') {
        is($now, join(' ', 'running', $attempt + 1, $attempts), $name);
        cmp_ok($job->{started} - $since, '>=', 0.99, "$name, for its while");

    } else {
        is($now, "queued $attempt $attempts", $name);
        is($job->{started}, undef, "$name, and has not begun");
    }
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
    kept($s) if $how eq 'KILL';

    again($how);

    waits($ids[0], 1, 3, $at, "$how: one that ran waits for its next attempt");
    is(poll($s, $cancelled)->{state}, 'cancelled', "$how: one that was cancelled does not");

    for (@ids) {
        $job = ended($s, $_);
        is("$job->{state} $job->{attempt}", 'done 2', "$how: it is done");
        cmp_ok($job->{started} - $at, '>=', 0.99, "$how: not before its while is over");
    }

    $s->stop('TERM');
    $s->check_log;
}

# --- one that waits for its next attempt when all ends -----------------------

$s = state_server(options => 'attempts=2', server => $server);
$id = submit($s, '/slow?duration=60s');
wait_state($s, 'running', $id);
my $lost = time();
my @killed = $s->workers;
kill 'KILL', @killed;
$s->wait_for(sub { !grep alive($_), @killed }, 'the workers to be gone');
$s->wait_for(sub { my $job = poll($s, $id); $job->{state} =~ /^(?:queued|running)$/
                   && ($job->{state} eq 'queued' || $job->{attempt} == 2) }, 'it to wait');
again('TERM');
waits($id, 1, 2, $lost, 'it waits on');
wait_state($s, 'running', $id);
is(poll($s, $id)->{attempt}, 2, 'its second attempt');
kept($s);
again('KILL');
$job = poll($s, $id);
is("$job->{state} $job->{attempt} $job->{attempts} $job->{status}", 'dead 2 2 500',
   'which was the last one');

# --- and what has failed, is lost or dead can be tried again ------------------

my $failed = submit($s, '/fail');
is(ended($s, $failed)->{state}, 'failed', 'one that has failed');
kept($s);
again('TERM');
is(retry($_)->{status}, 202, 'it can be tried again') for $failed, $id;
$job = ended($s, $failed);
is("$job->{state} $job->{attempt} $job->{attempts}", 'failed 2 3', 'and is');
wait_state($s, 'running', $id);
$job = poll($s, $id);
is("$job->{attempt} $job->{attempts}", '3 4', 'with all its attempts');
kept($s);
again('KILL');
waits($id, 3, 4, $at, 'which come back, too');
is($s->get("/jobs/$id", method => 'DELETE')->{status}, 200, 'until it is cancelled');
$s->stop('TERM');

# one attempt: lost

$s = state_server(server => $server);
$id = submit($s, '/slow?duration=3s');
my $body = submit($s, '/one', body => '{"duration":"60s","status":"' . 'x' x 300_000 . '"}');
wait_state($s, 'running', $id, $body);
kept($s);
again('KILL');
is(poll($s, $_)->{state}, 'lost', 'with one attempt it is lost') for $id, $body;
is(retry($_)->{status}, 202, 'and can be tried again') for $id, $body;
is(ended($s, $id)->{state}, 'done', 'and is done');
wait_state($s, 'running', $body);
$s->get("/jobs/$body", method => 'DELETE');
$s->stop('TERM');
$s->check_log;

done_testing();
