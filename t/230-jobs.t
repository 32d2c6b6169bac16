#!/usr/bin/perl

# Background jobs: 202, poll from any worker, cancel, what becomes of them.

use strict;
use warnings;

use JSON::PP;
use Test::More;
use Time::HiRes qw(sleep time);

use TaskServer;

my $tasks = "$ENV{TEST_NGINX_TASKS}/test";
my $json = "Content-Type: application/json\r\n";

my %conf = (
    workers => 4,
    main => "task_load $tasks/probe.so; thread_pool two threads=2;
             thread_pool probe threads=10;",
    http => 'task_job_zone jobs:4m max_result=2k; task_zone numbers:256k;
             task_stats numbers; task_background on zone=jobs;',
    server => '
        location = /async   { task sleep; }
        location = /thread  { task sleep; task_mode thread=two; }
        location = /sync    { task sleep duration=20ms; task_mode sync; }
        location = /limit   { task sleep; task_limit running=1 queue=1; }
        location = /timeout { task sleep; task_timeout 50ms; }
        location = /timeout/thread { task sleep; task_mode thread=two; task_timeout 50ms; }
        location = /held    { task stubborn; task_mode thread=two; }
        location = /result  { task result; }
        location = /steps   { task steps; }
        location = /values  { task values; client_max_body_size 1m; }
        location = /front   { task sleep; task_background off; }
        location /jobs/     { task_jobs zone=jobs; }
        location = /status  { task_status json; task_background off; }
        location = /quick   { quick; }
    ');

my $s = TaskServer->start(%conf);
my ($r, @r, $job, $id);

sub submit {
    my ($uri, %o) = @_;

    my $r = $s->get($uri, %o);
    return undef if $r->{status} != 202;
    return decode_json($r->{body})->{id};
}

sub poll {
    my ($id, %o) = @_;

    my $r = $s->get("/jobs/$id", %o);
    return $r->{status} == 200 ? decode_json($r->{body}) : { state => $r->{status} };
}

sub wait_state {
    my ($id, $state) = @_;
    my $job;

    $s->wait_for(sub { $job = poll($id); return $job->{state} eq $state },
                 "job to be $state", 10) or diag("it is $job->{state}");
    is($job->{state}, $state, "state $state");

    return $job;
}

# accepted at once, and answered by every worker

my $start = time();
$r = $s->get('/async?duration=1s&status=done+it');
is($r->{status}, 202, 'accepted');
cmp_ok(time() - $start, '<', 0.9, 'at once');
my $accepted = decode_json($r->{body});
like($accepted->{id}, qr/^[0-9a-f]{32}$/, 'an id');
is($accepted->{state}, 'queued', 'state');
is($accepted->{href}, "/jobs/$accepted->{id}", 'href');
like($r->{headers}, qr/^Location: \Q$accepted->{href}\E\r?$/m, 'Location');
like($r->{headers}, qr/^Retry-After: 1\r?$/m, 'Retry-After');

# it is answered before it begins

$s->wait_for(sub { poll($accepted->{id})->{state} eq 'running' }, 'it to run');

my %state;
$state{poll($accepted->{id})->{state}}++ for 1 .. 12;
is(join(' ', keys %state), 'running', 'seen running, whoever is asked');

$job = wait_state($accepted->{id}, 'done');
is(encode_json($job->{result}), '{"status":"done it"}', 'the result');
cmp_ok($job->{ended} - $job->{started}, '>=', 0.999, 'its times');
cmp_ok($job->{started}, '>=', $job->{created}, 'in order');
is($job->{error}, undef, 'no error');
%state = ();
$state{poll($accepted->{id})->{state}}++ for 1 .. 12;
is(join(' ', keys %state), 'done', 'seen done, whoever is asked');

# each mode

for my $uri ('/thread?duration=30ms', '/sync', '/steps?ms=5ms') {
    ok($id = submit($uri), "$uri: accepted");
    wait_state($id, 'done');
}

# a bad request is a 422, never a failed job

$r = $s->get('/async?duration=x');
is($r->{status}, 422, 'a bad request is a 422');
$r = $s->get('/values', method => 'POST', body => '{"n":"x"}',
             headers => $json . "Content-Length: 9\r\n");
is($r->{status}, 422, 'a bad body, too');
my $long = '{"n":5,"pad":"' . 'y' x 20000 . '"}';
$r = $s->get('/values', method => 'POST', body => $long,
             headers => $json . 'Content-Length: ' . length($long) . "\r\n");
is($r->{status}, 413, 'over max_body');

# the other ends

$id = submit('/result?how=fail&status=503');
$job = wait_state($id, 'failed');
like($job->{error}, qr/\S/, 'why it failed');
$job = wait_state(submit('/result?how=fail&status=404&text='), 'failed');
ok(!exists $job->{error}, 'a function need not say why');

wait_state(submit('/timeout?duration=5s'), 'timeout');
wait_state(submit('/timeout/thread?duration=5s'), 'timeout');

# cancelled from any worker, within 100 ms when the loop is free

for my $uri ('/async?duration=20s', '/thread?duration=20s') {
    cmp_ok(TaskServer::least(0.4, sub {
        $id = submit($uri);
        wait_state($id, 'running');

        my $start = time();

        is($s->get("/jobs/$id", method => 'DELETE')->{status}, 200, "$uri: DELETE");
        wait_state($id, 'cancelled');

        return time() - $start;
    }), '<', 0.4, 'soon');

    is($s->get("/jobs/$id", method => 'DELETE')->{status}, 200, 'again is harmless');
    is(poll($id)->{state}, 'cancelled', 'and changes nothing');
}

# one that waits in a pool, more than an owner is asked at a time

my @ids = map submit('/thread?duration=20s'), 1 .. 150;
$s->get("/jobs/$_", method => 'DELETE') for @ids;
$s->wait_for(sub { !grep poll($_)->{state} ne 'cancelled', @ids },
             'all to be cancelled');
pass('150 are cancelled');

# one whose thread does not stop: cancelled, and its record is kept for it

$id = submit('/held?ms=30s&' . $s->gate('kept'));
wait_state($id, 'running');
$s->get("/jobs/$id", method => 'DELETE');
wait_state($id, 'cancelled');
$s->open_gate('kept');

# what is no job

is($s->get('/jobs/' . '0' x 32)->{status}, 404, 'unknown');
like($s->get("/jobs/$_")->{status}, qr/^40[04]$/, "no id: $_")
    for '', 'x', 'g' x 32, '0' x 31, '0' x 33, '%00' x 32, '../' x 10;
is($s->get("/jobs/$id", method => 'POST')->{status}, 405, 'POST');
is($s->get("/jobs/$id", method => 'HEAD')->{status}, 200, 'HEAD');

# limits: the one that has no room is a 503, not a job

$s->stop;
$s->check_log;
$s = TaskServer->start(%conf, workers => 1);
@ids = map submit('/limit?duration=2s'), 1 .. 3;
is(scalar(grep defined, @ids), 2, 'task_limit: one runs, one waits');
is(poll($ids[0])->{state}, 'running', 'running');
is(poll($ids[1])->{state}, 'queued', 'queued');
$s->get("/jobs/$ids[1]", method => 'DELETE');
wait_state($ids[1], 'cancelled');
wait_state($ids[0], 'done');

# a result that is too large

my $big = 'x' x 3000;
$id = submit("/async?duration=0&status=$big");
$job = wait_state($id, 'failed');
is($job->{error}, 'the result is too large', 'over max_result');
$s->stop;
$s->check_log;

# a reload, a quit: the old worker ends its jobs, queued ones, too

$s = TaskServer->start(%conf);
@ids = map submit($_), (('/async?duration=1s') x 900,
                        ('/thread?duration=20ms') x 100);
is(scalar(grep defined, @ids), 1000, '1000 jobs');
$s->reload;
$s->wait_for(sub { !grep poll($_)->{state} !~ /^(?:done|lost)$/, @ids },
             'all to end');
my %n;
$n{poll($_)->{state}}++ for @ids;
is(join(' ', %n), 'done 1000', 'a reload loses none');

# SIGKILL: what it held is lost, and is said to be

@ids = map submit('/async?duration=20s'), 1 .. 40;
my ($most) = sort { $b->{running} <=> $a->{running} }
    @{ decode_json($s->get('/status')->{body})->{zones}[0]{workers} };
my $victim = $most->{pid};
cmp_ok($most->{running}, '>=', 1, 'a worker that has some');
kill 'KILL', $victim;
$s->wait_for(sub { !grep $_ == $victim, $s->workers }, 'it to die');
$s->wait_for(sub { grep poll($_)->{state} eq 'lost', @ids }, 'some to be lost');
$s->wait_for(sub { !grep poll($_)->{state} eq 'queued', @ids }, 'others to run');
%n = ();
$n{poll($_)->{state}}++ for @ids;
cmp_ok($n{lost} // 0, '>=', 1, 'some are lost');
is(($n{lost} // 0) + ($n{running} // 0), 40, 'the others run');
my ($lost) = grep poll($_)->{state} eq 'lost', @ids;
is(poll($lost // 'none')->{error}, 'its worker is gone', 'the reason');
$r = $s->get("/jobs/$lost/result");
is("$r->{status} $r->{body}", '500 {"detail":"its worker is gone"}', 'and so its result');
wait_state(submit('/async?duration=0'), 'done');
$s->get("/jobs/$_", method => 'DELETE') for @ids;
$s->wait_for(sub { !grep poll($_)->{state} eq 'running', @ids }, 'them to end');
%n = ();
$n{poll($_)->{state}}++ for @ids;
is($n{lost} + $n{cancelled}, 40, 'and their workers hear of a cancel');
$s->stop;
$s->check_log('exited on signal 9');

# killed again and again, with everything going on: the zone stays whole

$s = TaskServer->start(%conf);
my %all;
for (1 .. 20) {
    my @c = map $s->open($_), (('/async?duration=20ms') x 15,
                               ('/thread?duration=2ms') x 5);
    my @pids = $s->workers;
    kill 'KILL', $pids[rand @pids] if @pids;
    for ($s->read_all(\@c)) {
        $all{decode_json($_->{body})->{id}}++ if $_->{status} == 202;
    }
    $s->get("/jobs/$_", method => 'DELETE') for (keys %all)[0 .. 5];
    $s->wait_for(sub { $s->workers == 4 }, '4 workers');
}
$s->wait_for(sub { !grep poll($_)->{state} =~ /queued|running/, keys %all },
             'all to end');
%n = ();
$n{poll($_)->{state}}++ for keys %all;
is(join(' ', grep !/^(?:done|lost|cancelled)$/, keys %n), '', 'no other state');
wait_state(submit('/async?duration=0'), 'done');
$s->stop;
$s->check_log('exited on signal 9');

unless (TaskServer::zone()) {
    done_testing();
    exit;
}

# a full zone drops ended jobs, and no other

$s = TaskServer->start(%conf, workers => 1, http => 'task_job_zone jobs:1m;
                       task_background on zone=jobs; task_limit running=4 queue=5000;');
my $first = submit('/async?duration=0');
wait_state($first, 'done');
@ids = ();
while (my $id = submit('/async?duration=20s')) {
    push @ids, $id;
    last if @ids > 3000;
}
cmp_ok(scalar @ids, '>', 500, 'so many fit: ' . @ids);
is(poll($first)->{state}, 404, 'the ended one made room');
is(poll($ids[0])->{state}, 'running', 'the first is there');
is(poll($ids[-1])->{state}, 'queued', 'the last one, too');
$r = $s->get('/async?duration=0');
is($r->{status}, 503, 'no room');
$s->get("/jobs/$ids[5]", method => 'DELETE');
wait_state($ids[5], 'cancelled');
ok(submit('/async?duration=20s'), 'one that has ended makes room');

my ($code) = $s->stop('TERM');
is($code, 0, 'exit code');
$s->check_log;

done_testing();
