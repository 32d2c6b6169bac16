#!/usr/bin/perl

# Two nodes whose clocks differ by an hour: the times of jobs, their ttl and the
# leases are those of the engine.

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
system(qw(gcc -Wall -Wextra -Werror -shared -fPIC -O2 -o), $clock, 't/lib/clock.c') == 0 or die;
END { unlink $clock if $clock }

local $ENV{TEST_NGINX_LOAD_MODULES} = "$first; load_module $module";

my $redis = redis_start();
my $e = TaskRedis->new(port => $redis->{port});

sub node {
    my ($n, $ahead) = @_;

    local @ENV{qw(LD_PRELOAD CLOCK_AHEAD)} = ($clock, $ahead);

    return TaskServer->start(
        port => $redis->{port} + 42 + $n, workers => 2, log_level => 'info',
        main => 'env CLOCK_AHEAD;',
        http => "task_job_redis name=jobs url=redis://127.0.0.1:$redis->{port} lease=2s ttl=3s;",
        server => "
        task_background on zone=jobs;
        location = /node$n { task sleep; task_background on zone=jobs queue=node$n; }
        location = /ready  { task_ready; add_header X-Worker \$pid always; }
        location /jobs/    { task_jobs zone=jobs list=on; }
");
}

sub id { return decode_json($_[0]{body})->{id} // die "no job: $_[0]{body}" }
sub job { return decode_json($_[0]->get("/jobs/$_[1]?wait=" . ($_[2] // 0))->{body}) }

my @nodes = (node(0, 0), node(1, 3600), node(2, -3600));

for my $s (@nodes) {
    $s->ready;
}

# their logs tell whether their clocks do differ

my @now = localtime time() + 3600;
my $hour = sprintf '%02d', $now[2];
like($nodes[1]->text('error.log'), qr/^\S+ $hour:/m, 'one is an hour ahead') if $now[1] < 58;

for my $n (0 .. 2) {
    my ($s, $other) = ($nodes[$n], $nodes[($n + 1) % 3]);
    my $time = time();
    my $id = id($s->get("/node$n?duration=300ms"));
    my $j = job($other, $id, '10s');

    is($j->{state}, 'done', "node $n: done");
    cmp_ok(abs($j->{created} - $time), '<', 5, 'accepted when it was');
    cmp_ok($j->{started} - $j->{created}, '>=', 0, 'then begun');
    cmp_ok($j->{ended} - $j->{started}, '>=', 0.3 - 0.003, 'and ended, not early');
    cmp_ok($j->{ended} - $j->{started}, '<', 5, 'and soon');
    is_deeply([ @{ job($s, $id) }{qw(created started ended)} ], [ @$j{qw(created started ended)} ],
              'on both nodes');

    sleep(0.05) until $s->get("/jobs/$id")->{status} == 404 || time() > $j->{ended} + 20;
    cmp_ok(time() - $j->{ended}, '>=', 3 - 0.003, 'kept for its ttl');
    cmp_ok(time() - $j->{ended}, '<', 8, 'and no longer');
}

# no lease is over: each runs what takes longer than that

my @ids = map id($nodes[$_]->get("/node$_?duration=5s")), 0 .. 2;
is(job($nodes[0], $ids[$_], '20s')->{state}, 'done', "node $_ keeps its lease") for 0 .. 2;

for my $s (@nodes) {
    my ($code) = $s->stop('QUIT');
    is($code, 0, 'exit code');
    $s->check_log;
}

done_testing();
