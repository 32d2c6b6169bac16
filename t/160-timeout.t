#!/usr/bin/perl

# task_timeout and task_ignore_client_abort.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(sleep time);

use TaskServer;

my $tasks = "$ENV{TEST_NGINX_TASKS}/test";

my $s = TaskServer->start(
    main => "task_load $tasks/probe.so; thread_pool two threads=2;
             thread_pool ten threads=10; thread_pool probe threads=10;",
    server => '
        task_timeout 300ms;
        location = /async  { task sleep; }
        location = /thread { task sleep; task_mode thread=ten; }
        location = /second { task sleep; task_timeout 1s; }
        location = /second/thread { task sleep; task_mode thread=ten; task_timeout 1s; }
        location = /queued { task stubborn; task_mode thread=two; }
        location = /limit  { task sleep; task_limit running=1 queue=5; }
        location = /held   { task stubborn; task_mode thread=ten;
                             task_limit running=1 queue=5; }
        location = /steps  { task steps; }
        location = /page   { task sleep; error_page 504 =200 /quick; }
        location = /off    { task sleep; task_timeout 0; }
        location = /stay   { task sleep; task_timeout 0;
                             task_ignore_client_abort on; }
        location = /stay/thread { task sleep; task_timeout 0; task_mode thread=ten;
                             task_ignore_client_abort on; }
        location = /counters { task counters; task_mode sync; task_timeout 0; }
        location = /quick  { quick; }
    ');

my ($r, @r, @c, $start);

sub counters {
    my ($what) = @_;
    return $s->get('/counters')->{body} =~ /"$what":(\d+)/ ? $1 : -1;
}

# on time, and never early

for my $uri ('/second', '/second/thread') {
    @r = $s->get_all(("$uri?duration=100ms") x 5, ("$uri?duration=5s") x 10);
    @r = @r[5 .. 14, 0 .. 4];
    is(scalar(grep $_->{status} == 504, @r[0 .. 9]), 10, "$uri: 504");
    is($r[0]{body}, '{"detail":"Gateway Timeout"}', "$uri: body");
    is(scalar(grep $_->{time} < 1, @r[0 .. 9]), 0, "$uri: none early");
    is(scalar(grep $_->{time} > 2, @r[0 .. 9]), 0, "$uri: on time");
    is(scalar(grep $_->{status} == 200, @r[10 .. 14]), 5,
       "$uri: those that are done before are not touched");
}

is(scalar(() = $s->text('access.log') =~ m{ 504 sleep \w+ timeout }g), 20, 'state timeout');
is(scalar(() = $s->text('error.log') =~ /\[error\].*task "sleep" timed out/g), 20,
   'one line each');

# the threads are free

$start = time();
@r = $s->get_all(('/second/thread?duration=1ms') x 10);
is(scalar(grep $_->{status} == 200, @r), 10, 'threads are free');
cmp_ok(time() - $start, '<', 2, 'at once');

# how late: what the module measured, in the log

for my $uri ('/async', '/thread') {
    cmp_ok(TaskServer::least(0.0105, sub {
        my $logged = length $s->text('access.log');

        $s->get_all(("$uri?duration=5s") x 10);

        my @late = map $_ - 0.3, substr($s->text('access.log'), $logged)
                       =~ m{ 504 sleep \w+ timeout \S+ (\d+\.\d+)$}mg;

        return @late == 10 ? (sort { $a <=> $b } @late)[5] : 9;
    }), '<', 0.0105, "$uri: at most 10 ms late");
}

# in a pool's queue, and in ours

my $begun = counters('begun');
@r = $s->get_all(('/queued?ms=30s&' . $s->gate('queued')) x 6);
is(scalar(grep $_->{status} == 504, @r), 6, 'queued in a pool');
$s->wait_access(qr{^GET /queued\S* \S+ 504 stubborn thread timeout (?:0\.[3-9]|[1-9])\S* -}, 4);
$s->open_gate('queued');
$s->wait_for(sub { counters('deferred') == $begun + 2 }, 'two to return');
is(counters('begun'), $begun + 2, 'the others never started');
@r = $s->get_all(('/limit?duration=5s') x 4);
is(scalar(grep $_->{status} == 504, @r), 4, 'queued in front of it');
is($s->get('/limit?duration=1ms')->{status}, 200, 'and the queue is empty');

# a thread that does not notice: its slot stays taken, its result is discarded

$r = $s->get('/held?ms=30s&' . $s->gate('held'));
is($r->{status}, 504, 'a thread that runs on');
cmp_ok($r->{time}, '<', 0.8, 'is not waited for');
$r = $s->get('/held?ms=0');
is($r->{status}, 504, 'its slot stays taken');
$s->open_gate('held');
ok($s->wait_for(sub { $s->get('/held?ms=0')->{status} == 200 }, 'it to return', 10),
   'until it returns');

# in the middle of awaits; the pool has a thread for each of those at a time

$begun = counters('begun');
my $deferred = counters('deferred');
for my $some ([50, 90, 105], [75, 95, 160], [90, 100, 200], [110, 120, 400]) {
    @r = $s->get_all(map +("/steps?ms=${_}ms") x 3, @$some);
    for my $ms (@$some) {
        is(scalar(grep $_->{status} == ($ms < 80 ? $_->{status} : 504)
                  && $_->{status} =~ /200|504/, splice @r, 0, 3), 3,
           "awaits of $ms ms");
    }
}
$s->wait_for(sub { counters('begun') - $begun == counters('deferred') - $deferred },
             'what was deferred');
pass('all was cleaned up');

# error_page

$r = $s->get('/page?duration=5s');
is($r->{status}, 200, 'error_page');
is($r->{body}, '{"status":"quick response"}', 'its body');
$s->wait_access(qr{^GET /page\S* \S+ 200 sleep async timeout});
pass('state timeout after a redirect');

# off

$r = $s->get('/off?duration=400ms');
is($r->{status}, 200, 'off');

# timeout and abort at the same moment

my @pair = ('/async?duration=5s', '/thread?duration=5s');
my @pairs = map $s->open($_), (@pair) x 10;
for (1 .. 90) {
    my @c = map $s->open($_), @pair;
    $_->{socket}->close for @c;
}
for my $c (sort { $a->{at} <=> $b->{at} }
           map +{ %$_, at => $_->{start} + 0.29 + rand(0.02) }, @pairs)
{
    my $left = $c->{at} - time();
    sleep($left) if $left > 0;
    $c->{socket}->close;
}
is($s->get('/quick')->{status}, 200, 'timeout and abort');

# task_ignore_client_abort

@c = map $s->open($_), '/stay?duration=300ms', '/stay/thread?duration=300ms';
$s->get('/quick');
$_->{socket}->close for @c;
$s->wait_access(qr{^GET /stay\S* \S+ 200 sleep \w+ done \d+\.\d{3} (?:0\.[3-9]|[1-9])}, 2);
pass('ignored: the task is done');

my ($code, $time) = $s->stop('QUIT');
is($code, 0, 'exit code');
cmp_ok($time, '<', 5, 'nothing holds the worker');
$s->check_log;

done_testing();
