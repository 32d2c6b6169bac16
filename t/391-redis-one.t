#!/usr/bin/perl

# Jobs of one nginx in a Redis: what they tell, who runs them, what becomes of
# them when a worker, nginx or the engine goes.

use strict;
use warnings;

use JSON::PP;
use List::Util qw(max min uniq);
use Test::More;
use Time::HiRes qw(sleep time);

use TaskRedis;
use TaskServer;
use TaskServers;

my $module = ($ENV{TEST_NGINX_LOAD_MODULES} // '') =~ s/_task_module/_task_redis_module/r;
plan skip_all => "needs hiredis: $module" unless -f $module;

local $ENV{TEST_NGINX_LOAD_MODULES} = "$ENV{TEST_NGINX_LOAD_MODULES}; load_module $module";

my $redis = redis_start(appendonly => 'yes');
my $port = $redis->{port} + 40;
my $e = TaskRedis->new(port => $redis->{port});
my ($r, $id, $code, $took);

sub conf {
    my (%o) = @_;

    return (port => $port, workers => $o{workers} // 2, log_level => 'info',
            main => "task_load $ENV{TEST_NGINX_TASKS}/countdown.so; task_load $ENV{TEST_NGINX_TASKS}/count.so; thread_pool few threads=2;" . ($o{main} // ''),
            http => "task_job_redis name=jobs url=redis://127.0.0.1:$redis->{port}"
                    . " lease=2s max_result=4k max_events=200 $o{redis};",
            server => '
        task_background on zone=jobs;
        location = /sleep   { task sleep; }
        location = /count   { task countdown; }
        location = /events  { task count; }
        location = /limit   { task sleep; task_limit running=2 queue=3; }
        location = /thread  { task sleep; task_mode thread=few; }
        location = /max     { task sleep; task_background on zone=jobs max=2; }
        location = /prefer  { task sleep; task_background prefer zone=jobs; }
        location = /ready   { task_ready; add_header X-Worker $pid always; }
        location = /status  { task_status json; add_header X-Worker $pid always; }
        location = /quick   { quick; }
        location /jobs/     { task_jobs zone=jobs; }
' . ($o{server} // ''));
}

sub start { my (%o) = @_; return TaskServer->start(conf(redis => '', %o)) }

sub id { return decode_json($_[0]{body})->{id} // die "no job: $_[0]{body}" }
sub job { my ($s, $id) = @_; return decode_json($s->get("/jobs/$id?wait=" . ($_[2] // 0))->{body}) }

sub accepted {
    my ($s, $uri, $name) = @_;

    my $r = $s->get($uri);
    is($r->{status}, 202, $name // "$uri: accepted") or diag($r->{body});

    return id($r);
}


# TEST 1: the life of a job

my $s = start();
$s->ready;
$id = accepted($s, '/sleep?duration=300ms');
my $j = job($s, $id);
like($j->{state}, qr/^(?:queued|running)$/, 'goes on');
my $time = time();
$j = job($s, $id, '5s');
is($j->{state}, 'done', 'done') or diag(explain($j));
cmp_ok(time() - $time, '<', 2, 'as soon as it has ended');
ok($j->{created} <= $j->{started} && $j->{started} < $j->{ended}, 'its times');
is_deeply($j->{result}, { status => 'long_running task completed' }, 'its result');
is($s->get("/jobs/$id/result")->{status}, 200, 'its result alone');
is($s->get("/jobs/$id?forget=1", method => 'DELETE')->{status}, 200, 'forgotten');
is($s->get("/jobs/$id")->{status}, 404, 'gone');
is($s->get('/jobs/' . '0' x 32)->{status}, 404, 'one that never was');
$e->audit;

$r = $s->get('/prefer?duration=100ms', headers => "Prefer: respond-async, wait=5\r\n");
is($r->{status}, 200, 'who waits has the result');
$r = $s->get('/prefer?duration=100ms');
is($r->{status}, 200, 'who wants no job has none');

# TEST 2: a stream of events

$id = accepted($s, '/count?steps=4&every=100ms');
$r = $s->get("/jobs/$id", headers => "Accept: text/event-stream\r\n");
like($r->{body}, qr/event: end/, 'a stream, to the end');
cmp_ok(scalar(() = $r->{body} =~ /event: progress/g), '>=', 2, 'with progress');
like($r->{body}, qr/"total":4/, 'as it tells');

# events that its function streams, also later, and behind one that was seen

$id = accepted($s, '/events?n=4&every=50ms');
$r = $s->get("/jobs/$id", headers => "Accept: text/event-stream\r\n");
my @seen = $r->{body} =~ /^data: (\d of 4)$/mg;
is("@seen", join(' ', map "$_ of 4", 1 .. 4), 'its events');
$r = $s->get("/jobs/$id", headers => "Accept: text/event-stream\r\nLast-Event-ID: 2\r\n");
@seen = $r->{body} =~ /^data: (\d of 4)$/mg;
is("@seen", '3 of 4 4 of 4', 'those behind one');

# TEST 3: cancels

$id = accepted($s, '/sleep?duration=60s');
$s->wait_for(sub { job($s, $id)->{state} eq 'running' }, 'it to run');
is($s->get("/jobs/$id", method => 'DELETE')->{status}, 200, 'to be cancelled');
$time = time();
is(job($s, $id, '5s')->{state}, 'cancelled', 'cancelled');
cmp_ok(time() - $time, '<', 0.5, 'at once');

# TEST 4: limits: who has room takes one that waits

my @ids = map accepted($s, '/limit?duration=1s', 'limit'), 1 .. 4;
$s->wait_for(sub { !grep job($s, $_)->{state} ne 'running', @ids }, 'four to run');
push @ids, map accepted($s, '/limit?duration=1s', 'limit'), 1 .. 6;
my %n;
$n{$s->get('/limit?duration=1s')->{status}}++ for 1 .. 4;
is($n{503}, 4, 'and no more') or diag(explain(\%n));
$time = time();
is(job($s, $_, '10s')->{state}, 'done', 'done') for @ids;
cmp_ok(time() - $time, '<', 4.5, 'four at a time');

# max: the one that ended first goes; so each ends before the next begins, later
# by more than the clock tells, and nobody waits for it, who would keep it

@ids = ();

for (1 .. 4) {
    push @ids, accepted($s, '/max?duration=5ms', 'max');
    $s->wait_for(sub { job($s, $ids[-1])->{state} eq 'done' }, 'its end');
}

is(join(' ', map $s->get("/jobs/$_")->{status}, @ids), '404 404 200 200',
   'max: the oldest go for new ones');

# TEST 5: threads of two workers

$time = time();
@ids = map accepted($s, '/thread?duration=400ms', 'thread'), 1 .. 8;
is(job($s, $_, '10s')->{state}, 'done', 'done') for @ids;
cmp_ok(time() - $time, '<', 1.7, 'by the threads of both workers');

# TEST 6: status, counts

$s->wait_for(sub { decode_json($s->get('/status')->{body})->{jobs}[0]{states}{done} >= 20 },
             'counts', 3);
ok(1, 'the status counts them');

# of all workers, whichever answers: four were refused above

my %told;
$s->wait_for(sub {
    for ($s->get_all(('/status') x 16)) {
        my ($worker) = $_->{headers} =~ /^X-Worker: (\d+)/m;
        $told{$worker} = decode_json($_->{body})->{jobs}[0]{refused};
    }
    return keys %told == 2;
}, 'both workers to answer');
is(join(' ', values %told), '4 4', 'refused jobs, of all workers');

# TEST 7: a worker is killed: its jobs are lost at once, and others go on

$id = accepted($s, '/sleep?duration=60s');
my $other = accepted($s, '/sleep?duration=60s');
sleep(0.2);
$e->audit;
my ($pid) = $s->text('error.log') =~ / (\d+)#\d+: .* this worker is ${\$e->job($id)->{owner}}/;
kill 'KILL', $pid;
$time = time();
$s->wait_for(sub { job($s, $id)->{state} eq 'lost' }, 'the lost one');
cmp_ok(time() - $time, '<', 3, 'soon');
$s->get("/jobs/$_", method => 'DELETE') for $id, $other;
sleep(0.3);
$e->audit;

# TEST 8: reload and quit

$id = accepted($s, '/sleep?duration=1500ms');
$s->reload(conf(redis => ''));
is(job($s, $id, '5s')->{state}, 'done', 'a reload loses none');

# those of before know those of now: a worker that is killed is found by them

$id = accepted($s, '/sleep?duration=20s');
sleep(0.2);
($pid) = $s->text('error.log') =~ / (\d+)#\d+: .* this worker is ${\$e->job($id)->{owner}}/;
$s->reload(conf(redis => ''));
$s->ready;
sleep(0.5);
kill 'KILL', $pid;
$time = time();
is(job($s, $id, '5s')->{state}, 'lost', 'an old worker that is killed is found by the new ones');
cmp_ok(time() - $time, '<', 1.5, 'at once, before its lease is over');
$id = accepted($s, '/sleep?duration=1s');
($code, $took) = $s->stop('QUIT');
is($code, 0, 'exit code');
cmp_ok($took, '>', 0.5, 'it waits for a job');
is($e->job($id)->{state}, 'done', 'which is done');
$s->check_log(qr/exited on signal 9/);

$s = start();
$s->ready;
$id = accepted($s, '/sleep?duration=60s');
sleep(0.2);
($code) = $s->stop('TERM');
is($code, 0, 'TERM: exit code');
is($e->job($id)->{state}, 'lost', 'a job that ran is lost, and the engine knows');
is(scalar @{ $e->command('ZRANGE', '{task-jobs}:leases', 0, -1) }, 0, 'no lease is left');
$e->audit;
$s->check_log;

done_testing();
