#!/usr/bin/perl

# Jobs in a Redis: what a review has found.  How often a function has begun is
# what it has written to a file.

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

my $redis = redis_start(appendonly => 'yes', appendfsync => 'no');
my $port = $redis->{port} + 45;
my $ran = "$redis->{dir}/ran";
my $e;

sub start {
    my (%o) = @_;

    unlink $ran;
    $redis->command('flushall');
    $e = TaskRedis->new(port => $redis->{port});

    my $s = TaskServer->start(
        port => $port++, workers => $o{workers} // 1, log_level => 'info',
        main => "task_load $ENV{TEST_NGINX_TASKS}/test/ran.so; task_set ran.file $ran;"
                . 'thread_pool one threads=1;' . ($o{main} // ''),
        http => "task_job_redis name=jobs url=redis://127.0.0.1:$redis->{port} lease=" . ($o{lease} // '2s')
                . ' attempts=' . ($o{attempts} // 1) . ';',
        server => '
        task_background on zone=jobs;
        location = /ran     { task ran; }
        location = /thread  { task ran; task_mode thread=one;
                              task_background on zone=jobs queue=thread; }
        location = /ready   { task_ready; add_header X-Worker $pid always; }
        location /jobs/     { task_jobs zone=jobs; }
');
    $s->ready;
    return $s;
}

sub id { return decode_json($_[0]{body})->{id} // die "no job: $_[0]{body}" }
sub job { my ($s, $id, $wait) = @_; return decode_json($s->get("/jobs/$id?wait=" . ($wait // 0))->{body}) }

# also where the engine has just come back, and who waits is not told yet

sub ended {
    my ($s, $id) = @_;
    my $state;
    $s->wait_for(sub { ($state = eval { job($s, $id)->{state} } // '') !~ /^(?:|queued|running)$/ },
                 'the job to end');
    return $state;
}

sub begun { my ($n) = @_; return scalar(() = text() =~ /^begin $n /mg) }
sub said { my ($s, $regex) = @_; return scalar(() = $s->text('error.log') =~ /$regex/g) }

sub text {
    open my $in, '<', $ran or return '';
    local $/;
    return scalar <$in> // '';
}

sub ends {
    my ($s, $signal, $except) = @_;
    my ($code) = $s->stop($signal);
    is($code, 0, 'exit code');
    $s->check_log($except);
}

# TEST 1: the end of a job that a worker that quits cannot store

sub unstored {
    my ($attempts) = @_;

    my $s = start(attempts => $attempts);
    my $id = id($s->get('/ran?n=1&ms=1000'));
    my $long = id($s->get('/ran?n=2&ms=60000'));
    $s->wait_for(sub { begun(1) && begun(2) }, 'both to begin');
    $s->reload;
    $redis->kill9;
    $s->wait_for(sub { said($s, qr/the end of job "ran" could not be stored/) }, 'the worker to give up');
    $redis->start_again;
    $e->connect;
    $s->ready;
    $s->wait_for(sub { $e->job($id)->{state} !~ /^running/ }, 'it to be back');
    is(ended($s, $id), $attempts > 1 ? 'done' : 'lost', "attempts=$attempts: what became of it");
    is(begun(1), $attempts, 'how often it has begun');
    is(job($s, $long)->{state}, 'running', 'the other one goes on');
    $e->audit;
    ends($s, 'TERM');
}

unstored($_) for 1, 2;

# TEST 2: a worker leaves a job that it has not begun; the next one begins it, and
# is killed

my $s = start(lease => '10s');
id($s->get('/thread?n=1&ms=60000'));
$s->wait_for(sub { begun(1) }, 'the first one to begin');
my $id = id($s->get('/thread?n=2&ms=60000'));
$s->wait_for(sub { ($e->job($id)->{owner} // '') ne '' }, 'the second one to be claimed');
kill 'TERM', $s->workers;
$s->wait_for(sub { begun(2) }, 'the new worker to begin it');
$s->wait_for(sub { job($s, $id)->{state} eq 'running' }, 'the engine to know');
kill 'KILL', $s->workers;
$s->wait_for(sub { said($s, qr/exited on signal 9/) }, 'it to be dead');
$s->ready;
is(ended($s, $id), 'lost', 'it had begun');
is(begun(2), 1, 'once');
$e->audit;
ends($s, 'TERM', qr/exited on signal 9/);

# TEST 3: a job that is known to be gone, and waits for a thread, does not begin

$s = start();
id($s->get('/thread?n=1&ms=3000'));
$s->wait_for(sub { begun(1) }, 'the first one to begin');
$id = id($s->get('/thread?n=2&ms=100'));
$s->wait_for(sub { ($e->job($id)->{owner} // '') ne '' }, 'the second one to be claimed');
$redis->command('flushall');
$s->wait_for(sub { text() =~ /^end 1 /m }, 'the first one to end');
is(ended($s, id($s->get('/thread?n=3&ms=10'))), 'done', 'the thread is there for others');
is(begun(2), 0, 'and was not for the second one');
is(said($s, qr/job $id is not this worker's any more/), 1, 'as it says');
is(said($s, qr/could not be stored/), 1, 'the end of the first one is nobody\'s');
$e->audit;
ends($s, 'TERM');

# TEST 4: nginx is stopped at once, while a function runs that does not stop

$s = start(lease => '60s');
my $deaf = id($s->get('/thread?n=1&ms=20000&stubborn=true'));
$s->wait_for(sub { begun(1) }, 'it to begin');
$id = id($s->get('/thread?n=2&ms=100'));
$s->wait_for(sub { ($e->job($id)->{owner} // '') ne '' }, 'another one to be claimed');
ends($s, 'TERM');
is($e->job($deaf)->{state}, 'lost', 'it is lost');
is($e->job($id)->{state} . $e->job($id)->{owner}, 'queued', 'what has not begun waits');
is(begun(2), 0, 'for another worker');
$e->audit;

# TEST 5: a worker that quits cannot give back what it has not begun

$s = start(main => 'task_shutdown_timeout 1s jobs=1s;');
$deaf = id($s->get('/thread?n=1&ms=60000&stubborn=true'));
$s->wait_for(sub { begun(1) }, 'the first one to begin');
$id = id($s->get('/thread?n=2&ms=100'));
$s->wait_for(sub { ($e->job($id)->{owner} // '') ne '' }, 'the second one to be claimed');
my ($old) = $s->reload;
$redis->kill9;
$s->wait_for(sub { !kill 0, $old }, 'the old worker to end');
$redis->start_again;
$e->connect;
$s->ready;
is(ended($s, $id), 'done', 'the new one runs it');
is(begun(2), 1, 'once');
is(ended($s, $deaf), 'lost', 'the other one is lost');
is(begun(1), 1, 'and does not run again');
$e->audit;
ends($s, 'TERM');

# TEST 6: an engine that comes back a moment older: it has forgotten the claim

$s = start();
$id = id($s->get('/ran?n=1&ms=3000'));
$s->wait_for(sub { job($s, $id)->{state} eq 'running' }, 'the engine to know');
my $j = $e->job($id);
my $p = $e->{prefix};
$e->command('MULTI');
$e->command('SREM', "${p}owned:$j->{owner}", $id);
$e->command('ZREM', "${p}state:running", $id);
$e->command('ZADD', "${p}state:queued", $j->{created}, $id);
$e->command('ZADD', "${p}queue:$j->{queue}", $j->{number}, $id);
$e->command('HSET', "${p}job:$id", owner => '', state => 'queued', attempt => 0);
$e->command('HDEL', "${p}job:$id", 'started');
$e->command(qw(CLIENT KILL TYPE normal SKIPME yes));
$e->command('EXEC');
$e->audit;
$s->ready;
is(job($s, $id)->{state}, 'running', 'the worker still has it');
is(ended($s, $id), 'done', 'and tells its end');
is(begun(1), 1, 'once');
is(said($s, qr/not this worker's/), 0, 'nothing is lost');
$e->audit;
ends($s, 'TERM');

done_testing();
