#!/usr/bin/perl

# "durable=on" of task_job_redis: a job is accepted when it is on the engine's
# disk.  WAITAOF tells, which Redis 7.2 and Valkey have; REDIS_SERVER is such an
# engine, or the tests with it are left out.

use strict;
use warnings;

use JSON::PP;
use Test::More;
use Time::HiRes qw(sleep time);

use TaskRedis;
use TaskServer;
use TaskServers;

my $first = $ENV{TEST_NGINX_LOAD_MODULES} // '';
my $module = $first =~ s/_task_module/_task_redis_module/r;
plan skip_all => "needs hiredis: $module" unless -f $module;

local $ENV{TEST_NGINX_LOAD_MODULES} = "$first; load_module $module";

my ($redis, $s, $e, $r, $id, $time);

sub start {
    my ($workers) = @_;

    my $url = "redis://127.0.0.1:$redis->{port}";

    return TaskServer->start(port => $redis->{port} + 44, workers => $workers // 2, log_level => 'info',
        http => "task_job_redis name=jobs url=$url durable=on;"
                . "task_job_redis name=other url=$url;",
        server => '
        task_background on zone=jobs;
        location = /sleep   { task sleep; }
        location = /full    { task sleep; task_background on zone=jobs queue=full;
                              task_limit running=1 queue=100; }
        location = /other   { task sleep; task_background on zone=other location=/other/; }
        location = /ready   { task_ready; add_header X-Worker $pid always; }
        location /jobs/     { task_jobs zone=jobs; }
        location /other/    { task_jobs zone=other; }
');
}

sub id { return decode_json($_[0]{body})->{id} // die "no job: $_[0]{body}" }
sub job { my ($id, $wait) = @_; return decode_json($s->get("/jobs/$id?wait=" . ($wait // 0))->{body}) }
sub said { my ($regex) = @_; return scalar(() = $s->text('error.log') =~ /$regex/g) }
sub statuses { my %n; $n{$_->{status}}++ for @_; return join ' ', map "$_:$n{$_}", sort keys %n }

sub has { my ($command) = @_; my $i = $e->command(qw(COMMAND INFO), $command); return defined $i->[0] && ref $i->[0] }

# TEST 1: an engine that cannot, of Debian 12

sub refused {
    my ($name, $log) = @_;

    $s->wait_for(sub { said($log) == 2 }, "$name: the log");
    $s->wait_for(sub { $s->get('/ready')->{status} == 503 }, "$name: task_ready");
    $r = $s->get('/sleep?duration=0');
    is($r->{status}, 503, "$name: a new job");
    like($r->{headers}, qr/^Retry-After: \d/m, "$name: and when to come again");
    cmp_ok($r->{time}, '<', 1, "$name: at once");
    is($s->get('/other?duration=0')->{status}, 202, "$name: one without \"durable\"");
    sleep(3);
    is(said($log), 2, "$name: each worker says it once");
    is($e->command('ZCARD', '{task-jobs}:all'), 0, "$name: no job was left");
}

my ($ok, $text);

{
    local $ENV{REDIS_SERVER} = 'redis-server';
    $redis = redis_start(appendonly => 'yes');
}
$e = TaskRedis->new(port => $redis->{port});

SKIP: {
    skip 'this redis-server has WAITAOF', 8 if has('waitaof');

    $s = start();
    refused('no WAITAOF', qr/\[error\] [^\n]* WAITAOF is not known to it, which durable=on needs: it must be Redis 7\.2/);
    $s->stop('QUIT');
    $s->check_log;
}

$s = TaskServer->new;
($ok, $text) = $s->test_conf(http => 'task_job_redis name=jobs url=redis://127.0.0.1 durable=maybe;');
ok(!$ok, 'durable=maybe');
like($text, qr/invalid parameter "durable=maybe", it must be "on" or "off"/, 'what would be right');

$redis->end;

# TEST 2: an engine that keeps nothing on a disk, until it is told to

$redis = redis_start();
$e = TaskRedis->new(port => $redis->{port});

if (!has('waitaof')) {
    note('no engine with WAITAOF: REDIS_SERVER is none');
    done_testing();
    exit;
}

$s = start();
refused('no file', qr/\[error\] [^\n]* WAITAOF is refused, as it keeps nothing on a disk: durable=on needs its "appendonly yes"/);
$e->command(qw(CONFIG SET appendonly yes));
$s->ready;
$s->wait_for(sub { said(qr/"jobs": [^\n]* it is there again/) == 2 }, 'the log');
is(job(id($s->get('/sleep?duration=0')), '5s')->{state}, 'done', 'told to: a job');
$s->stop('QUIT');
$s->check_log;
$redis->end;

# TEST 3: what is written each second is accepted then, many at once

$redis = redis_start(appendonly => 'yes', appendfsync => 'everysec');
$e = TaskRedis->new(port => $redis->{port});
$s = start(1);
$s->ready;

$r = $s->get('/sleep?duration=0');
is($r->{status}, 202, 'each second: accepted: ' . $r->{time});
is(job(id($r), '5s')->{state}, 'done', 'done');
my $before = $e->command(qw(INFO commandstats)) =~ /cmdstat_waitaof:calls=(\d+)/ ? $1 : 0;
$time = time();
my @r = $s->get_all(('/sleep?duration=0') x 200);
is(statuses(@r), '202:200', '200 at once');
cmp_ok(time() - $time, '<', 8, 'within seconds: ' . (time() - $time));
my ($calls) = $e->command(qw(INFO commandstats)) =~ /cmdstat_waitaof:calls=(\d+)/;
cmp_ok($calls - $before, '<=', 12, 'many share one WAITAOF: ' . ($calls - $before));
is(scalar(grep job(id($_), '5s')->{state} ne 'done', @r), 0, 'each is done');
$e->audit;

# TEST 4: what was accepted is on the disk: the engine is killed, and what it had
# not written is lost as in a crash of the machine

$e->command(qw(CONFIG SET appendfsync always));
@r = $s->get_all(('/full?duration=60s') x 50);
is(statuses(@r), '202:50', 'always: accepted');
$redis->kill9;
$redis->start_again;
$e->connect;
is(scalar(grep !$e->command('EXISTS', '{task-jobs}:job:' . id($_)), @r), 0, 'all are there after a kill');
$s->wait_for(sub { $s->get('/ready')->{status} == 200 }, 'the engine');
$s->wait_for(sub { $s->get('/full?duration=0')->{status} == 202 }, 'a job after that');
is(scalar(grep $s->get('/jobs/' . id($_), method => 'DELETE')->{status} != 200, @r), 0, 'cancelled');
is(job(id($_), '5s')->{state}, 'cancelled', 'as it says') for $r[0];

# TEST 5: the disk is not written in time: what has not begun is taken back

my $runs = id($s->get('/full?duration=30s'));
$e->command(qw(CONFIG SET appendfsync no));
$e->command('SET', 'x', 1);
is($e->command(qw(WAITAOF 1 0 100))->[0], 0, 'the engine does not tell of its disk');
my $jobs = $e->command('ZCARD', '{task-jobs}:all');
$time = time();
@r = $s->get_all('/sleep?duration=0', '/full?duration=0');
is(statuses(@r), '503:2', 'not written: not accepted');
cmp_ok(time() - $time, '<', 9, 'in bounded time: ' . (time() - $time));
like($s->text('error.log'), qr/WAITAOF: jobs were not written to its disk in time/, 'logged');
$s->wait_for(sub { $e->command('ZCARD', '{task-jobs}:all') == $jobs }, 'them to be taken back');
is(job($runs)->{state}, 'running', 'one that waited behind another one, too');
$s->get("/jobs/$runs", method => 'DELETE');

$e->command(qw(CONFIG SET appendfsync always));
is($s->get('/full?duration=2s')->{status}, 202, 'written again: accepted');
$s->wait_for(sub { said(qr/it is there again/) }, 'the log');
$e->command(qw(CONFIG SET appendfsync no));
$r = $s->get('/full?duration=10s');
is($r->{status}, 202, 'one that has begun meanwhile is accepted');
is(job(id($r))->{state}, 'running', 'as it runs');
$s->get('/jobs/' . id($r), method => 'DELETE');
is(job(id($r), '5s')->{state}, 'cancelled', 'as any other');

$jobs += 2;
$r = $s->get('/full?duration=0', headers => "Idempotency-Key: \"a\"\r\n");
is($r->{status}, 503, 'one with a key');
$e->command(qw(CONFIG SET appendfsync always));
$r = $s->get('/full?duration=0', headers => "Idempotency-Key: \"a\"\r\n");
is($r->{status}, 202, 'is there when it is asked for again');
is($e->command('ZCARD', '{task-jobs}:all'), $jobs + 1, 'once');

my ($code) = $s->stop('QUIT');
is($code, 0, 'exit code');
$s->check_log;
$e->audit;

done_testing();
