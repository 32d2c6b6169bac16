#!/usr/bin/perl

# The state file of a zone of jobs: what comes back after a stop, a kill, a
# reload with another size and an upgrade of the binary.

use strict;
use warnings;

use JSON::PP;
use Test::More;
use Time::HiRes qw(sleep time);

use TaskState;

my ($s, $r, $id, $start, @ids, %result);

# --- what comes back ---------------------------------------------------------

my $bytes = join '', map chr(($_ * 7 + ($_ >> 8)) & 255), 1 .. 300_000;

for my $how ('TERM', 'QUIT', 'KILL') {
    $s = state_server();

    my $done = submit($s, '/sleep?duration=1ms&status=%C3%A9+%22quoted%22', key => 'a-key');
    my $long = submit($s, '/cat', body => $bytes);
    my $short = submit($s, '/cat', body => "a\0b");
    my $wrong = submit($s, '/cat?x=1', body => '', key => 'b-key');
    is(ended($s, $_)->{state}, 'done', "$how: a job is done") for $done, $long, $short, $wrong;
    my $was = $s->get("/jobs/$done")->{body};

    # two run, one in each worker, and ten wait

    my @run = map submit($s, '/one?duration=60s'), 1 .. 2;
    wait_state($s, 'running', @run);
    my @wait = map submit($s, "/one?duration=${_}ms", key => "wait-$_"), 1 .. 10;
    my @body = map submit($s, '/one', key => "body-$_", body =>
                          '{"duration":"1ms","status":"' . 'x' x ($_ * 50_000) . '"}'), 1, 3;
    is(poll($s, $wait[9])->{state}, 'queued', "$how: jobs wait");
    my $gone = submit($s, '/one?duration=1s');
    $s->get("/jobs/$gone", method => 'DELETE');
    my $forgotten = submit($s, '/sleep?duration=1ms');
    ended($s, $forgotten);
    $s->get("/jobs/$forgotten?forget=1", method => 'DELETE');

    kept($s);

    if ($how eq 'KILL') {
        kill_all($s);

    } else {
        # a quit waits for jobs that run

        $s->get("/jobs/$_", method => 'DELETE') for $how eq 'QUIT' ? @run : ();
        my ($code, $time) = $s->stop($how);
        cmp_ok($time, '<', $ENV{TEST_NGINX_SANITIZER} ? 20 : 5,
               "$how: it ends at once, though jobs wait");
    }

    ok(-s $s->{state}, "$how: there is a file");
    $s->start;
    wait_loaded($s);

    is($s->get("/jobs/$done")->{body}, $was, "$how: a job is as it was, to the byte");
    is($s->get("/jobs/$long/result")->{body}, $bytes, "$how: bytes of a result, a long one");
    is($s->get("/jobs/$short/result")->{body}, "a\0b", "$how: and a short one");
    like($s->get("/jobs/$short/result")->{headers}, qr{^Content-Type: application/octet-stream}m,
         "$how: with its type");
    is(submit($s, '/sleep?duration=1ms&status=%C3%A9+%22quoted%22', key => 'a-key'), $done,
       "$how: a key is known");
    like(submit($s, '/sleep?duration=2ms', key => 'a-key'), qr/^422 /, "$how: and its print");
    is(poll($s, $gone)->{state}, 'cancelled', "$how: what was cancelled is that");
    is(poll($s, $forgotten)->{state}, '404', "$how: what was erased is gone");

    for my $run (@run) {
        is(poll($s, $run)->{state}, $how eq 'QUIT' ? 'cancelled' : 'lost',
           "$how: a job that ran");
    }
    if ($how ne 'QUIT') {
        $r = poll($s, $run[0]);
        is($r->{error}, 'its worker is gone', "$how: it says so");
        ok($r->{started}, "$how: and when it has begun");
    }

    is(submit($s, '/one?duration=3ms', key => 'wait-3'), $wait[2],
       "$how: a key of one that waits");
    my @jobs = map ended($s, $_), @wait, @body;
    is(scalar(grep $_->{state} eq 'done', @jobs), 12, "$how: all that waited are done");
    is(length $jobs[11]{result}{status}, 150_000, "$how: with their input");

    # two workers take them in turn

    my @started = map $_->{started}, @jobs;
    is(scalar(grep $started[$_] > $started[$_ + 1] + 0.2, 0 .. $#started - 1), 0,
       "$how: in the order of acceptance") or diag("@started");

    $s->stop;
    $s->check_log('is lost$');
}

# --- the order of what waits at each of three stops ---------------------------------

$s = state_server(workers => 1);
my $first = submit($s, '/one?duration=60s');
wait_state($s, 'running', $first);
@ids = map submit($s, "/one?duration=1ms&status=$_"), 1 .. 3;
for my $turn (1 .. 3) {
    kept($s);
    $turn == 2 ? kill_all($s) : $s->stop('TERM');
    $s->start;
    wait_loaded($s);
    $first = submit($s, '/one?duration=60s') if $turn < 3;
    wait_state($s, 'running', $first) if $turn < 3;
    push @ids, map submit($s, "/one?duration=1ms&status=$turn$_"), 1 .. 3;
}
my @jobs = map ended($s, $_), @ids;
is(scalar(grep $_->{state} eq 'done', @jobs), 12, 'all are done');
is(join(' ', map $_->{result}{status}, sort { $a->{started} <=> $b->{started} } @jobs),
   join(' ', map $_->{result}{status}, @jobs), 'in their order');
$s->stop;
$s->check_log;

# --- ttl goes on while nginx is off ------------------------------------------------

$s = state_server(options => 'ttl=3s');
$id = submit($s, '/sleep?duration=1ms');
is(ended($s, $id)->{state}, 'done', 'a job');
my $end = time();
$s->stop;
sleep 1.5;
$s->start;
wait_loaded($s);
is(poll($s, $id)->{state}, 'done', 'its time is not over');
$s->wait_for(sub { poll($s, $id)->{state} eq '404' }, 'its end');
cmp_ok(time() - $end, '<', 4.5, 'the stop counts') unless $ENV{TEST_NGINX_SANITIZER};
$id = submit($s, '/sleep?duration=1ms');
ended($s, $id);
$s->stop;
sleep 3.1;
$s->start;
wait_loaded($s);
is(poll($s, $id)->{state}, '404', 'whose time was over is gone');
$s->stop;
$s->check_log;

# --- as long as another process has the file --------------------------------------

$s = state_server();
$id = submit($s, '/sleep?duration=1ms', key => 'old');
ended($s, $id);
$s->stop;

my $lock = lock_state($s);
$s->start;
for my $uri ("/jobs/$id", "/jobs/$id?wait=1s", "/jobs/$id/result", '/jobs/' . '0' x 32) {
    $r = $s->get($uri);
    is($r->{status}, 503, "$uri: nobody knows yet");
    like($r->{headers}, qr/^Retry-After: 1\r?$/m, 'it will be known');
}
is($s->get("/jobs/$id", headers => "Accept: text/event-stream\r\n")->{status}, 503, 'events');
is($s->get("/jobs/$id", method => 'DELETE')->{status}, 503, 'DELETE');
is($s->get("/jobs/$id?forget=1", method => 'DELETE')->{status}, 503, 'and forget');
like(submit($s, '/sleep?duration=1ms', key => 'old'), qr/^503 /, 'a job with a key');
my $new = submit($s, '/sleep?duration=1ms&status=new');
is(ended($s, $new)->{result}{status}, 'new', 'one without is run');
close $lock;
wait_loaded($s);
is(poll($s, $id)->{state}, 'done', 'then it is there');
is(submit($s, '/sleep?duration=1ms', key => 'old'), $id, 'with its key');
is(poll($s, $new)->{state}, 'done', 'and the new one, too');
$s->stop;
$s->start;
wait_loaded($s);
is(poll($s, $_)->{state}, 'done', 'both are kept') for $id, $new;
$s->stop;
$s->check_log;

# --- reload, with another size ---------------------------------------------------------

$s = state_server();
$id = submit($s, '/sleep?duration=1ms');
ended($s, $id);
my @run;
my $run = submit($s, '/sleep?duration=5s');
wait_state($s, 'running', $run);
$s->reload;
is(poll($s, $id)->{state}, 'done', 'a reload: what has ended');
is(poll($s, $run)->{state}, 'running', 'and what runs');

my @old = $s->reload(state_conf(%{$s->{options}}, told => $s->{told}, zone => 'jobs:9m'));
is(poll($s, $id)->{state}, '503', 'another size: the old workers have the file');
wait_loaded($s);
is(poll($s, $id)->{state}, 'done', 'when they are gone it is there');
is(poll($s, $run)->{state}, 'done', 'and what has ended in one of them');
$s->reload(state_conf(%{$s->{options}}, told => $s->{told}, zone => 'jobs:4m'));
wait_loaded($s);
is(poll($s, $id)->{state}, 'done', 'a smaller one');

# with another file there is no reload

$s->write_conf(state_conf(%{$s->{options}}, told => $s->{told}, zone => 'jobs:4m',
                          file => 'other.state'));
$s->signal('HUP');
$s->wait_for(sub { $s->text('error.log') =~ /cannot be changed by a reload/ }, 'a refusal');
is(poll($s, $id)->{state}, 'done', 'all goes on');
$s->stop;
$s->check_log('cannot be changed by a reload');

# --- another binary -----------------------------------------------------------------------

# which has the environment that the main configuration says, and a sanitizer's

$s = state_server(alone => 1, main => 'env LD_PRELOAD; env ASAN_OPTIONS; env UBSAN_OPTIONS;');
$id = submit($s, '/sleep?duration=1ms', key => 'k');
ended($s, $id);
@run = map submit($s, '/one?duration=60s'), 1 .. 2;
wait_state($s, 'running', @run);
my $wait = submit($s, '/one?duration=1ms');

my $old = pid_of($s);
$s->signal('USR2');
$s->wait_for(sub { -s "$s->{root}/nginx.pid.oldbin" && pid_of($s) }, 'the new master');
$s->wait_for(sub { $s->workers == 2 }, 'its workers');
for my $job (@run) {
    $s->wait_for(sub { $s->get("/jobs/$job", method => 'DELETE')->{status} == 200 },
                 'an old worker to answer');
}
kill 'QUIT', $old;
$s->wait_for(sub { !alive($old) }, 'the old one to be gone');
wait_loaded($s);
is(poll($s, $id)->{state}, 'done', 'another binary has the jobs');
is(submit($s, '/sleep?duration=1ms', key => 'k'), $id, 'with their keys');
is(poll($s, $run[0])->{state}, 'cancelled', 'with how they have ended');
is(ended($s, $wait)->{state}, 'done', 'one that waited is run there');
kill 'QUIT', $s->{pid};
$s->wait_for(sub { !alive($s->{pid}) }, 'its end');
$s->check_log;

done_testing();
