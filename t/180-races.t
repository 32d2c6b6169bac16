#!/usr/bin/perl

# Completion at the very moment of an abort, of a timeout, of quit: 10,000
# times in all.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(sleep time);

use TaskServer;

my $tasks = "$ENV{TEST_NGINX_TASKS}/test";

my %conf = (
    log_level => 'warn',
    main => "task_load $tasks/probe.so; thread_pool probe threads=8;
             thread_pool pool threads=32;",
    server => '
        location = /async    { task sleep duration=20ms; }
        location = /thread   { task sleep duration=20ms; task_mode thread=pool; }
        location = /steps    { task steps; }
        location = /limit    { task sleep duration=20ms; task_mode thread=pool;
                               task_limit running=16 queue=100; }
        location = /t/async  { task sleep duration=20ms; task_timeout 20ms; }
        location = /t/thread { task sleep duration=20ms; task_mode thread=pool;
                               task_timeout 20ms; }
        location = /t/limit  { task sleep duration=20ms; task_timeout 40ms;
                               task_limit running=16 queue=100; }
        location = /counters { task counters; task_mode sync; }
        location = /quick    { quick; }
    ');

my $s = TaskServer->start(%conf);
my ($races, $code) = (0);

# abort

for my $round (1 .. 150) {
    my @c = map $s->open($_), ('/async', '/thread', '/limit', '/steps?ms=5ms') x 10;
    my $at = $c[0]{start} + 0.02;

    for my $c (@c) {
        my $left = $at + rand(0.004) - 0.002 - time();
        select undef, undef, undef, $left if $left > 0;
        close $c->{socket};
        $at += 0.0004;
    }

    $races += @c;
}

is($s->get('/quick')->{status}, 200, "$races aborts: the worker lives");
my $n = () = $s->text('access.log') =~ m{ 200 \S+ \S+ done }g;
cmp_ok($n, '>', 10, "some were done ($n), and ..");
$n = () = $s->text('access.log') =~ m{ 499 \S+ \S+ cancelled }g;
cmp_ok($n, '>', 10, ".. some were not ($n)");

# timeout

my ($done, $late, $other) = (0, 0, 0);

for my $round (1 .. 60) {
    my @r = $s->get_all(('/t/async', '/t/thread', '/t/limit') x 18);
    $races += @r;

    for my $r (@r) {
        $r->{status} == 200 ? $done++ : $r->{status} == 504 ? $late++ : $other++;
    }
}

is($other, 0, "timeouts: $done were done, $late were late, and no third thing");
is($s->get('/quick')->{status}, 200, 'the worker lives');

# all that began has ended

$s->wait_for(sub {
    my ($begun, $deferred) = $s->get('/counters')->{body}
                             =~ /"begun":(\d+),"deferred":(\d+)/;
    return $begun == $deferred;
}, 'what was deferred');

($code) = $s->stop('QUIT');
is($code, 0, 'exit code');
$s->check_log;

# quit

my ($answered, $bad) = (0, 0);

for my $round (1 .. 25) {
    $s = TaskServer->start(%conf);
    $s->get('/quick');
    my @c = map $s->open($_), ('/async', '/thread', '/limit', '/steps?ms=5ms') x 10;
    $s->get('/quick');
    my $left = $c[0]{start} + 0.018 + rand(0.006) - time();
    select undef, undef, undef, $left if $left > 0;
    ($code) = $s->stop('QUIT');
    $bad++ if $code;
    my @r = $s->read_all(\@c);
    $answered += grep $_->{status} == 200, @r;
    $races += @c;
    $bad++ if $s->text('error.log') =~ /\[alert\]/;
}

is($bad, 0, 'quit: no alert, exit code 0');
is($answered, 25 * 40, 'quit: every client has its answer');
cmp_ok($races, '>=', 10_000, "$races races");

done_testing();
