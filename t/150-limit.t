#!/usr/bin/perl

# task_limit: so many run, so many wait, each for so long; and task_ready.

use strict;
use warnings;

use List::Util qw(min);
use Test::More;
use Time::HiRes qw(sleep time);

use TaskNginx qw(MAX_TIME);
use TaskServer;

my $tasks = "$ENV{TEST_NGINX_TASKS}/test";

my $s = TaskServer->start(
    main => "task_load $tasks/probe.so; thread_pool two threads=2;
             thread_pool ten threads=10; thread_pool probe threads=10;",
    server => '
        location = /async  { task sleep; task_limit running=2 queue=3; }
        location = /thread { task sleep; task_mode thread=ten;
                             task_limit running=2 queue=3; }
        location = /wait   { task sleep; task_limit running=1 queue=9 wait=200ms;
                             task_limit_log_level info; }
        location = /none   { task sleep; task_limit running=1; }
        location = /order  { task sleep; task_limit running=1 queue=20; }
        location = /slow   { task sleep; task_mode thread=two;
                             task_limit running=1 queue=10; }
        location = /other  { task sleep; task_mode thread=two; }
        location = /held   { task stubborn; task_mode thread=ten;
                             task_limit running=1 queue=5; }
        location = /steps  { task steps; task_limit running=2 queue=20; }
        location = /retry  { task sleep; task_limit running=1 queue=2; }
        location = /sync   { task sleep duration=50ms; task_mode sync;
                             task_limit running=1 queue=5; }
        location = /ready       { task_ready; }
        location = /ready/async { task_ready /async; }
        location = /ready/held  { task_ready /held; }
        location = /counters { task counters; task_mode sync; }
        location = /quick  { quick; }
    ');

my ($r, @r, @c);

sub counters {
    return $s->get('/counters')->{body} =~ /"begun":(\d+)/ ? $1 : -1;
}

# running, waiting, and no room

for my $uri ('/async', '/thread') {
    @r = $s->get_all(("$uri?duration=400ms") x 8);
    is(scalar(grep $_->{status} == 200, @r), 5, "$uri: 2 + 3 are served");
    my @full = grep $_->{status} == 503, @r;
    is(scalar @full, 3, "$uri: the others have no room");
    is($full[0]{body}, '{"detail":"Service Unavailable"}', "$uri: body");
    like($full[0]{headers}, qr/^Retry-After: [1-9]\d*\r?$/m, "$uri: Retry-After");
    my @t = sort { $a <=> $b } map $_->{total}, grep $_->{status} == 200, @r;
    cmp_ok($t[2], '>=', 0.8, "$uri: the third waits");
    cmp_ok($t[4], '>=', 1.2, "$uri: the fifth waits longer");
    cmp_ok($t[4], '<', 3, "$uri: but not for ever");

    # what the module measured

    $s->wait_access(qr{^GET $uri\S* \S+ (?:200|503) }, 8);
    my $log = $s->text('access.log');
    my @queued = sort { $a <=> $b } $log =~ m{^GET $uri\S* \S+ 200 sleep \w+ done (\S+) }mg;
    cmp_ok($queued[1], '<', 0.3, "$uri: two at once");
    is(scalar(() = $log =~ m{^GET $uri\S* \S+ 503 sleep \w+ rejected 0\.0\d\d -$}mg), 3,
       "$uri: at once");
}

$s->wait_access(qr{^GET /async\S* \S+ 200 sleep async done (?:0\.[3-9]|[1-9])\S* (?:0\.[4-9]|[1-9])}, 3);
pass('waiting is queue time');
$s->wait_access(qr{^GET /async\S* \S+ 503 sleep async rejected \d+\.\d{3} -}, 3);
pass('state rejected');
is(scalar(() = $s->text('error.log') =~
          /\[error\].*limiting tasks, no room to wait: 2 running, 3 waiting/g), 6,
   'one line each');

# waited in vain

@r = sort { $b->{status} <=> $a->{status} || $a->{total} <=> $b->{total} }
     $s->get_all(('/wait?duration=2s') x 3);
is(join(' ', map $_->{status}, @r), '503 503 200', 'waited in vain');
cmp_ok(min(map $_->{time}, @r), '>=', 0.2, 'not before its time');
cmp_ok($r[1]{time}, '<', 1, 'nor much later');
like($s->text('error.log'), qr/\[info\].*limiting tasks, waited in vain: 1 running/,
     'task_limit_log_level');
is($s->get('/wait?duration=1ms')->{status}, 200, 'and it goes on');

# no queue

$c[0] = $s->open('/none?duration=30s');
$s->get('/quick');
is($s->get('/none')->{status}, 503, 'no queue');
$c[0]{socket}->close;

# in order

@c = map { my $c = $s->open("/order?duration=20ms&status=$_"); $s->get('/quick');
           $c } 1 .. 10;
@r = $s->read_all(\@c);
my @t = map $_->{start} + $r[$_->{n}]{time}, map { { %{ $c[$_] }, n => $_ } } 0 .. 9;
is("@t", join(' ', sort { $a <=> $b } @t), 'in order');

# one slow location does not starve another that shares the pool

@c = map $s->open('/slow?duration=5s'), 1 .. 5;
$s->get('/quick');
$r = $s->get('/other?duration=10ms');
is($r->{status}, 200, 'another location');
cmp_ok($r->{time}, '<', 2.5, 'is not starved');
$_->{socket}->close for @c;

# a waiter whose client has left is gone at once, and never runs

my $was = counters();
my $held = '/held?ms=30s&' . $s->gate('held');
@c = map { my $c = $s->open($held); $s->get('/quick'); $c } 1 .. 6;
$s->wait_for(sub { counters() == $was + 1 }, 'one to run');
is($s->get('/held?ms=0')->{status}, 503, 'no room');
is($s->get('/ready/held')->{status}, 503, 'not ready');
is($s->get('/ready')->{status}, 503, 'not ready, one of all');
is($s->get('/ready/async')->{status}, 200, 'another is');
$_->{socket}->close for @c[1 .. 5];
$s->wait_access(qr{^GET /held\S* \S+ 499 stubborn thread cancelled \S+ -}, 5);
is($s->get('/ready/held')->{status}, 200, 'room at once');
my $next = $s->open('/held?ms=0');
$s->get('/quick');
$s->open_gate('held');
$r = $s->read($next);
is($r->{status}, 200, 'the next is served');
is(counters(), $was + 2, 'and those who left never began');
$r = $s->read($c[0]);
is($r->{status}, 200, 'the one that ran, too');

# a client that left a running thread: its slot stays taken until it returns

$was = counters();
@c = ($s->open('/held?ms=29s&' . $s->gate('slot')));
$s->wait_for(sub { counters() == $was + 1 }, 'it to run');
$c[0]{socket}->close;
$s->wait_access(qr{^GET /held\?ms=29s\S* \S+ 499 stubborn thread cancelled});
$next = $s->open('/held?ms=0');
is($s->read($next, 0.1)->{status}, 0, 'a slot that is held');
$s->open_gate('slot');
is($s->read($next)->{status}, 200, 'is waited for');

# async tasks that are cancelled between awaits give their slots back

for (1 .. 5) {
    @c = map $s->open('/steps?ms=20ms'), 1 .. 10;
    select undef, undef, undef, rand 0.1;
    $_->{socket}->close for @c;
}
@r = $s->get_all(('/steps?ms=1ms') x 6);
is(scalar(grep $_->{status} == 200, @r), 6, 'slots come back');

# Retry-After from the recent pace

$s->get('/retry?duration=400ms');
@c = map { my $c = $s->open('/retry?duration=30s'); $s->get('/quick'); $c } 1 .. 3;
$r = $s->get('/retry');
my ($ran) = $s->text('access.log') =~ m{^GET /retry\S* \S+ 200 sleep async done \S+ (\S+)$}m;
my $after = int(3 * $ran) + 1;
like($r->{headers}, qr/^Retry-After: $after\r?$/m, "Retry-After: 3 times $ran s");
$_->{socket}->close for @c;

# sync, too

@r = $s->get_all(('/sync') x 4);
is(scalar(grep $_->{status} == 200, @r), 4, 'sync');

# ready

$r = $s->get('/ready');
is($r->{body}, '{"status":"ready"}', 'ready');
is($s->get('/ready', method => 'POST')->{status}, 405, 'POST');

# quit with tasks that wait

@c = map { my $c = $s->open('/order?duration=100ms'); $s->get('/quick'); $c } 1 .. 3;
push @c, map { my $c = $s->open('/slow?duration=100ms'); $s->get('/quick'); $c }
         1 .. 3;
my ($code) = $s->stop('QUIT');
is($code, 0, 'exit code');
@r = $s->read_all(\@c);
is(scalar(grep $_->{status} == 200, @r), 6, 'quit: those who wait are served');
$s->check_log;

# configuration

$s = TaskServer->new;

sub conf {
    my ($name, $server, $message, $http) = @_;

    my ($ok, $text) = $s->test_conf(server => $server, http => $http // '');
    is($ok ? 1 : 0, defined $message && $message =~ /emerg/ ? 0 : 1, $name);
    like($text, qr/$message/m, "$name: message") if defined $message;
}

conf('no running', 'location /t { task sleep; task_limit queue=1; }',
     '\[emerg\] .*"task_limit" must have "running" parameter in \S+conf:\d+$');
conf('running=0', 'location /t { task sleep; task_limit running=0; }',
     '\[emerg\] .*invalid parameter "running=0", it must be a number that is not 0 in \S+conf:\d+$');
conf('queue=-1', 'location /t { task sleep; task_limit running=1 queue=-1; }',
     '\[emerg\] .*invalid parameter "queue=-1", it must be a number in \S+conf:\d+$');
conf('wait=x', 'location /t { task sleep; task_limit running=1 wait=x; }',
     '\[emerg\] .*invalid parameter "wait=x", it must be a time of at most ' . MAX_TIME . ' in \S+conf:\d+$');
conf('twice', 'location /t { task sleep; task_limit running=1;
     task_limit running=1; }',
     '\[emerg\] .*"task_limit" directive is duplicate in \S+conf:\d+$');
conf('task_ready of nothing', 'location /r { task_ready /t; }
     location /t { task sleep; }',
     '\[emerg\] .*no location "/t" with a "task_limit" .*conf:\d+$');
conf('task_ready and quick', 'location /r { task_ready; quick; }',
     '\[emerg\] .*"quick" directive conflicts with "task_ready" in');
conf('task_timeout in sync', 'location /t { task sleep duration=1s;
     task_mode sync; task_timeout 1s; }',
     '\[warn\] .*"task_timeout" cannot end a task "sleep" .*conf:\d+$');
conf('inherited', 'location /t { task sleep; } location /r { task_ready /t; }',
     undef, 'task_limit running=1;');

$s->check_log;

done_testing();
