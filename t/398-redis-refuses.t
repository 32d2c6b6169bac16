#!/usr/bin/perl

# Jobs in a Redis that is there, and refuses: it loads what it has on its disk,
# cannot write to that, runs the script of somebody else, or has too few replicas.
# New jobs are 503, what runs goes on and ends when it is right again, and the log
# says why, once in each worker.

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

my $redis = redis_start(appendonly => 'yes', appendfsync => 'no',
                        'enable-debug-command' => 'yes');

# more commands than it reads from its file between two looks at its clients

my $e = TaskRedis->new(port => $redis->{port});
$e->command('EVAL', 'for i = 1, 12000 do redis.call("SET", "other:" .. i, i) end', 0);

my $s = TaskServer->start(
    port => $redis->{port} + 43, workers => 2, log_level => 'info',
    http => "task_job_redis name=jobs url=redis://127.0.0.1:$redis->{port} lease=2s;",
    server => '
        task_background on zone=jobs;
        location = /sleep   { task sleep; }
        location = /one     { task sleep; task_background on zone=jobs queue=one;
                              task_limit running=1 queue=100; }
        location = /ready   { task_ready; }
        location /jobs/     { task_jobs zone=jobs; }
');

# as both workers log

my $from = 0;

sub logged { my ($regex) = @_; return scalar grep /$regex/, said($from) }
sub id { return decode_json($_[0]{body})->{id} }
sub job { my ($id, $wait) = @_; return decode_json($s->get("/jobs/$id?wait=" . ($wait // 0))->{body}) }

# what is logged while something is so, but for what happens to jobs

sub said {
    my ($from) = @_;
    return grep /task_job_redis/, split /\n/, substr $s->text('error.log'), $from;
}

$s->wait_for(sub { logged(qr/this worker is/) == 2 }, 'the engine');

# $begin makes it refuse, and $end mends that

sub refuses {
    my ($name, $log, $begin, $end) = @_;

    $from = length $s->text('error.log');

    my $runs = id($s->get('/sleep?duration=1500ms'));
    my @one = map id($s->get('/one?duration=300ms')), 1 .. 6;
    my $long = id($s->get('/sleep?duration=60s'));
    my $waits = $s->open("/jobs/$runs?wait=30s");
    $s->wait_for(sub { job($runs)->{state} eq 'running' }, 'it to run');

    my $time = time();
    $begin->();
    $s->wait_for(sub { logged(qr/\[error\]/) >= 2 }, "$name: to be seen");
    cmp_ok(time() - $time, '<', 8, "$name: seen: " . (time() - $time));
    is_deeply([ map $s->get('/ready')->{status}, 1 .. 8 ], [ (503) x 8 ], "$name: task_ready");

    my $r = $s->get('/sleep?duration=0');
    is($r->{status}, 503, "$name: no job is accepted");
    like($r->{headers}, qr/^Retry-After: \d/m, "$name: and when to come again");

    # longer than a job runs, than the lease, and than silence is allowed

    sleep(6);
    $time = time();
    $r = $s->get('/sleep?duration=0');
    is($r->{status}, 503, "$name: still");
    cmp_ok(time() - $time, '<', 0.5, "$name: at once");

    my @said = grep /\[error\]/, said($from);
    is(scalar(@said), 2, "$name: each worker says it once") or diag join "\n", @said;
    like($_, $log, "$name: why") for @said;

    $end->();
    $time = time();
    $s->wait_for(sub { logged(qr/it is there again/) == 2 }, "$name: to be over");
    cmp_ok(time() - $time, '<', 6, "$name: over: " . (time() - $time));

    is(job($runs, '5s')->{state}, 'done', "$name: the job that ran has told its end");
    like($s->read($waits)->{status}, qr/^(?:200|500)$/, "$name: who waited learns of it, or is to ask again");
    is_deeply([ map job($_, '10s')->{state}, @one ], [ ('done') x 6 ], "$name: those that waited are done")
        or diag substr $s->text('error.log'), $from;
    is(job($long)->{state}, 'running', "$name: one goes on");
    is($s->get("/jobs/$long", method => 'DELETE')->{status}, 200, "$name: and is cancelled");
    is(job($long, '5s')->{state}, 'cancelled', "$name: as it says");
    is(job(id($s->get('/sleep?duration=0')), '5s')->{state}, 'done', "$name: a new job");
    is(logged(qr/it is there again/), 2, "$name: logged once");
    $e->audit;
}

# TEST 1: too few replicas

refuses('replicas', qr/NOREPLICAS .*: it has fewer replicas than it is told to have$/,
        sub { $redis->command(qw(config set min-replicas-to-write 1)) },
        sub { $redis->command(qw(config set min-replicas-to-write 0)) });

# TEST 2: a snapshot could not be written

sub saved {
    my ($how) = @_;

    $e->command('BGSAVE');
    $s->wait_for(sub {
        my $info = $e->command(qw(INFO persistence));
        return $info =~ /^rdb_bgsave_in_progress:0/m && $info =~ /^rdb_last_bgsave_status:$how/m;
    }, "a snapshot: $how");
}

$redis->command(qw(config set save), '36000 1');

refuses('disk', qr/MISCONF .*: it cannot write to its disk, and is told not to go on then$/,
        sub { chmod 0555, "$redis->{dir}/data"; saved('err') },
        sub { chmod 0755, "$redis->{dir}/data"; saved('ok') });

# TEST 3: a script of somebody else does not end

$redis->command(qw(config set busy-reply-threshold 200));

my $other = TaskRedis->new(port => $redis->{port});

refuses('script', qr/BUSY .*: it runs a script of somebody that does not end$/,
        sub { $other->send('EVAL', 'while true do end', 0) },
        sub { $e->command(qw(SCRIPT KILL)); eval { $other->reply } });

# TEST 4: it was started, and reads its file: here it reads it again

refuses('loading', qr/LOADING .*: it was started, and reads what it has on disk$/,
        sub {
            $redis->command(qw(config set key-load-delay 1000));
            $other->send(qw(DEBUG LOADAOF));
        },
        sub { $other->reply });

my ($code) = $s->stop('QUIT');
is($code, 0, 'exit code');
$s->check_log;

done_testing();
