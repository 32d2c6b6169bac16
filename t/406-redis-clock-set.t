#!/usr/bin/perl

# The clock of the engine is set, forth and back, while jobs run, wait, and wait
# for another attempt: no lease ends by that, and each job runs as often as it
# should.

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

plan skip_all => 'a sanitizer has to be the first library' if $module =~ /asan|tsan/;

my $clock = "$ENV{TEST_NGINX_TASKS}/clock-$$.so";
my $ahead = "$ENV{TEST_NGINX_TASKS}/clock-$$";
my $ran = "$ENV{TEST_NGINX_TASKS}/ran-$$";
system(qw(gcc -Wall -Wextra -Werror -shared -fPIC -O2 -o), $clock, 't/lib/clock.c') == 0 or die;

# an engine is started without the environment of the test

my $engine = "$ENV{TEST_NGINX_TASKS}/engine-$$";
open my $out, '>', $engine or die "$engine: $!";
print $out "#!/bin/sh\nLD_PRELOAD='$clock' CLOCK_FILE='$ahead' exec ",
    $ENV{REDIS_SERVER} // 'redis-server', ' "$@"', "\n";
close $out;
chmod 0755, $engine, $clock;
END { unlink grep defined, $clock, $ahead, $ran, $engine }

local $ENV{TEST_NGINX_LOAD_MODULES} = "$first; load_module $module";

# what is mapped stays the same file

sub set {
    my ($by) = @_;

    open my $out, -e $ahead ? '+<' : '>', $ahead or die "$ahead: $!";
    syswrite($out, pack 'q', $by) == 8 or die "$ahead: $!";
}

sub begun {
    my ($n) = @_;

    open my $in, '<', $ran or return 0;
    return scalar grep /^begin $n /, <$in>;
}

for my $by (3600, -3600) {
    my $hour = $by > 0 ? 'forth' : 'back';

    set(0);
    unlink $ran;

    my $redis = do {
        local $ENV{REDIS_SERVER} = $engine;
        redis_start();
    };
    my $e = TaskRedis->new(port => $redis->{port});
    my $s = TaskServer->start(
        port => $redis->{port} + 42, workers => 2, log_level => 'info',
        main => "task_load $ENV{TEST_NGINX_TASKS}/test/ran.so; task_set ran.file $ran;",
        http => "task_job_redis name=jobs url=redis://127.0.0.1:$redis->{port} lease=2s
                 attempts=3;",
        server => '
        task_background on zone=jobs;
        location = /ran   { task ran; }
        location = /one   { task ran; task_limit running=1 queue=100; }
        location = /ready { task_ready; add_header X-Worker $pid always; }
        location /jobs/   { task_jobs zone=jobs; }
');
    my $id = sub { decode_json($s->get("/$_[0]")->{body})->{id} };
    my $job = sub { decode_json($s->get("/jobs/$_[0]" . ($_[1] // ''))->{body}) };
    my $runs = sub { my $i = $_[0];
                     $s->wait_for(sub { $job->($i)->{state} eq 'running' }, "$i to run") };

    $s->ready;

    # each worker may run one of those

    my $long = $id->('ran?n=1&ms=7000');
    my @one = map $id->("one?n=$_&ms=4000"), 2, 3;
    my $waits = $id->('one?n=4&ms=0');
    $runs->($_) for $long, @one;

    set($by);
    my $set = time();
    cmp_ok(abs($e->command('TIME')->[0] - time() - $by), '<', 10, "$hour: the clock is set");

    my $new = $id->('ran?n=5&ms=300');
    my $j = $job->($new, '?wait=20s');
    is($j->{state}, 'done', "$hour: a new job is done");
    cmp_ok(abs($j->{started} - time() - $by), '<', 10, 'its times are those of the engine');
    cmp_ok(time() - $set, '>=', 0.3 - 0.003, 'not early');
    is($job->($waits)->{state}, 'queued', "$hour: what waits waits");

    for ($long, @one, $waits) {
        $j = $job->($_, '?wait=30s');
        is("$j->{state} $j->{attempt}", 'done 1', "$hour: what ran, or waited, is done");
    }

    is(join(' ', map begun($_), 1 .. 5), '1 1 1 1 1', "$hour: each has run once");

    # one that waits for another attempt; forth, it has waited for long enough

    set(0);
    $s->wait_for(sub { abs($e->command('TIME')->[0] - time()) < 10 }, 'the clock');
    $s->wait_for(sub { abs($e->command('GET', '{task-jobs}:beat') / 1000 - time()) < 10 },
                 'a worker to see it');
    my $again = $id->('ran?n=6&ms=2000');
    $runs->($again);
    my $time = time();
    kill 'KILL', $s->workers;
    $s->wait_for(sub { $e->command('ZCARD', '{task-jobs}:delayed') || begun(6) == 2 }, 'the end');
    set($by);
    ok($s->wait_for(sub { begun(6) == 2 }, 'it', 30), "$hour: it has its second attempt");
    cmp_ok(time() - $time, '>=', 1 - 0.003, 'not early') if $by < 0;
    cmp_ok(time() - $time, '<', 20, 'nor an hour late');
    $j = $job->($again, '?wait=20s');
    is("$j->{state} $j->{attempt}", 'done 2', "$hour: and is done");

    my ($code) = $s->stop('QUIT');
    is($code, 0, 'exit code');
    $s->check_log('exited on signal 9');
}

done_testing();
