#!/usr/bin/perl

# Promises: ngx_task_promise(), ngx_task_wait(), ngx_task_resolve().

use strict;
use warnings;

use JSON::PP;
use Test::More;
use Time::HiRes qw(sleep time);

use TaskServer;

my $library = "$ENV{TEST_NGINX_TASKS}/test/wait.so";
my $sanitizer = $ENV{TEST_NGINX_SANITIZER};

my %conf = (
    main => "task_load $library; thread_pool default threads=4;",
    http => 'task_zone numbers:256k; task_stats numbers; task_job_zone jobs:2m;',
    server => '
        location = /promise  { task promise; }
        location = /time     { task promise; task_timeout 300ms; }
        location = /resolve  { task resolve; task_mode thread; }
        location = /resolve/async { task resolve; task_mode async; }
        location = /resolve/all   { task resolve_all; task_mode thread; }
        location = /race     { task race; }
        location = /job      { task promise; task_background on zone=jobs; }
        location /jobs/      { task_jobs zone=jobs; }
        location = /seen     { task seen; task_mode sync; }
        location = /quick    { quick; }
    ');

my $s = TaskServer->start(%conf);
my ($worker) = $s->workers;
my ($r, $c, @c, @r);

sub ask {
    my ($uri) = @_;
    my $r = $s->get($uri);
    is($r->{status}, 200, $uri) or diag $r->{body};
    return eval { decode_json($r->{body}) } // {};
}

sub seen { return decode_json($s->get('/seen')->{body}) }

sub quiet {
    my ($what, $lost) = @_;
    my $n;
    $s->wait_for(sub { $n = seen();
                       $n->{begun} == $n->{deferred} && $n->{made} == $n->{freed} + ($lost // 0) },
                 'all to be freed', 20);
    is($n->{deferred}, $n->{begun}, "$what: what was deferred is called");
    is($n->{freed} + ($lost // 0), $n->{made}, "$what: each promise is freed once");
    is($n->{elsewhere}, 0, "$what: on the event loop");
}

sub begun {
    my ($n) = @_;
    $s->wait_for(sub { seen()->{begun} >= $n }, "$n to begin");
}

# a function that waits for the promise of this key

sub waiting {
    my ($key, $uri) = @_;
    my $was = seen()->{begun};
    my $c = $s->open(($uri // '/promise?how=task') . "&key=$key");
    begun($was + 1);
    return $c;
}

# resolved before it is waited for, meanwhile, by whom

for my $how ('before', 'heard', 'thread', 'gather') {
    for my $rc (0, 1, 2, 3, 5) {
        my $time = time();
        $r = ask("/promise?how=$how&rc=$rc&ms=60");
        is("$r->{rc} $r->{again}", "$rc $rc", "$how: what it was resolved with, also later");
        next if $how !~ /thread|gather/;
        is($r->{number}, 42, "$how: what was given is there");
        cmp_ok(time() - $time, '>=', 0.06, "$how: not before");
    }

    # what is no end

    is(ask("/promise?how=$how&rc=$_&ms=1")->{rc}, 1, "$how: $_ is a failure") for 4, 6, -1, 99;
}

is(ask('/promise?how=before')->{result}, 1, 'the first one');
is(ask('/promise?how=thread&size=0')->{number}, -1, 'without data');
quiet('resolved');

$r = ask('/promise?how=later&ms=200&rc=2');
is("$r->{result} $r->{rc}", '5 2', 'waited for again, after a timeout');
my $n = seen();
$r = ask('/promise?how=thread&times=5');
my $m = seen();
is($m->{first} - $n->{first}, 1, 'resolved five times: the first counts');
is($m->{again} - $n->{again}, 4, 'others do nothing');

# by another task, in the loop and in a thread

for my $how ('/resolve', '/resolve/async') {
    for my $rc (0, 3) {
        $c = waiting(3);
        is(ask("$how?key=3&rc=$rc")->{result}, 1, 'another task resolves it');
        is(decode_json($s->read($c)->{body})->{rc}, $rc, 'and it goes on');
        is(ask("$how?key=3&rc=$rc")->{result}, 0, 'not again when the task is gone');
    }
}

# memory that is that of another promise now

$c = waiting(4);
$c->{stays} = 1;
is(ask('/resolve?key=3')->{result}, 0, 'an old one is not the new one');
sleep(0.1);
is(ask('/resolve?key=4')->{result}, 1, 'which still waits');
is($s->read($c)->{status}, 200, 'and goes on');

# 50 have been at once; each of them was resolved, and is old for those that follow

@c = map $s->open('/promise?how=thread&ms=100'), 1 .. 50;
is(scalar(grep $_->{body} =~ /"rc":0,.*"number":42,/, $s->read_all(\@c)), 50, '50 at once');
quiet('old ones');

# misuse

my $other = waiting(5);

for my $try ([ 'anothers&key=5', 'waits for what is no promise of its own' ],
             [ 'none', 'waits for what is no promise of its own' ],
             [ 'two&ms=200', 'waits for a promise that another one of its functions waits for' ])
{
    my ($how, $why) = @$try;
    my $before = () = $s->text('error.log') =~ /\[error\].*task "promise": $why/g;
    is($s->get("/promise?how=$how")->{status}, 500, "$how: a 500");
    cmp_ok(() = $s->text('error.log') =~ /\[error\].*task "promise": $why/g, '>', $before,
           "$how: why");
}

is(ask('/resolve?key=5')->{result}, 1, "another's is not changed by that");
is($s->read($other)->{status}, 200, 'and goes on');

# those two tasks had promises of their own, which nobody resolves

my $lost = 2;

# the client leaves, the time is over: resolved later, or never

for my $how ('task', 'gather') {
    my $was = seen()->{begun};
    @c = map $s->open("/promise?how=$how&ms=400"), 1 .. 3;
    push @c, $s->open('/time?how=task&key=7&ms=400');
    begun($was + 4);
    is($s->read(pop @c)->{status}, 504, "$how: the time is over");
    $n = seen();
    close $_->{socket} for @c;

    # three of key 0, of which only the last one is known, and that of key 7

    $lost += 2 if $how eq 'task';
    $s->wait_for(sub { my $n = seen(); $n->{begun} == $n->{deferred} }, 'all to end');

    if ($how eq 'task') {
        cmp_ok(seen()->{freed}, '==', $n->{freed}, 'gone: nothing is freed before');
        is(ask('/resolve?key=0')->{result}, 1, 'gone: resolved');
        is(ask('/resolve?key=0')->{result}, 0, 'gone: not again');
    }

    is(ask('/resolve?key=7')->{result}, 1, 'gone: the other one') ;
    quiet("$how: gone", $lost);
}

my $was = seen()->{begun};
@c = map $s->open('/promise?how=never'), 1 .. 5;
begun($was + 5);
close $_->{socket} for @c;
$lost += 5;
quiet('never resolved', $lost);

# at last they are

is(ask('/resolve/all')->{resolved}, $lost, 'those that were lost are resolved');
$lost = 0;
quiet('at last');

# a job

my $id = decode_json($s->get('/job?how=thread&ms=200')->{body})->{id};
$r = decode_json($s->get("/jobs/$id?wait=20s")->{body});
is("$r->{state} $r->{result}{number}", 'done 42', 'a job');
$was = seen()->{begun};
$id = decode_json($s->get('/job?how=task&key=6')->{body})->{id};
begun($was + 1);
$s->get("/jobs/$id", method => 'DELETE');
is(decode_json($s->get("/jobs/$id?wait=20s")->{body})->{state}, 'cancelled', 'cancelled');
is(ask('/resolve?key=6')->{result}, 1, 'resolved when it is gone');
quiet('jobs');

# a thread resolves, and at the same time it is given up: 100,000 times

sub race {
    my ($rounds) = @_;

    my %rc;
    my $was = seen();
    my @r = $s->read_all([ map $s->open("/race?n=$rounds"), 1 .. 20 ], 300);

    is(scalar(grep $_->{status} == 200, @r), 20, "$rounds: all end");

    for my $r (@r) {
        my $rcs = decode_json($r->{body})->{rcs};
        $rc{$_} += $rcs->[$_] for 0 .. 5;
    }

    # one whose time is over before it begins makes none

    $s->wait_for(sub { my $n = seen();
                       $n->{first} - $was->{first} == $n->{made} - $was->{made} },
                 'all to be resolved');
    quiet("$rounds rounds");

    my $n = seen();
    is($n->{made} - $was->{made}, $n->{first} - $was->{first}, 'each is resolved once');
    is($n->{again} - $was->{again}, $n->{first} - $was->{first}, 'and not twice');

    return \%rc, $n->{made} - $was->{made};
}

my $rounds = $sanitizer ? 500 : 10000;
my $start = time();
my ($rc, $raced) = race($rounds);
my $took = time() - $start;
cmp_ok($raced, '>=', $sanitizer ? 5000 : 100000, "promises: $raced");
cmp_ok($rc->{0}, '>', 0, "in time: $rc->{0}");
cmp_ok($rc->{2} + $rc->{5}, '>', 0, "given up: $rc->{5}, $rc->{2} in a gather");
is($rc->{1} + $rc->{3} + $rc->{4}, 0, 'nothing else');
cmp_ok($took, '<', 200, "$rounds rounds of 20: it took $took s");

# memory: what is kept for the next ones does not grow

SKIP: {
    skip 'a sanitizer counts its own', 1 if $sanitizer;
    my $memory = seen()->{memory};
    race($rounds / 2) for 1 .. 3;
    cmp_ok(seen()->{memory}, '<', $memory + 2000000, "memory: $memory bytes");
}

# many that go on in one turn do not hold others up for long

is(join(' ', $s->workers), $worker, 'the worker lives');

# a reload, and a quit: a promise is waited for

$was = seen()->{begun};
@c = map $s->open("/promise?how=$_&ms=1000"), ('thread', 'gather', 'later');
$id = decode_json($s->get('/job?how=thread&ms=1500')->{body})->{id};
begun($was + 4);
$s->reload;
@r = $s->read_all(\@c);
is(join(' ', map $_->{status}, @r), '200 200 200', 'a reload waits for them');
$r = decode_json($s->get("/jobs/$id?wait=20s")->{body});
is("$r->{state} $r->{result}{rc}", 'done 0', 'and for a job');
ok($s->wait_for(sub { !grep $_ == $worker, $s->workers }, 'the old worker', 20), 'and ends');

@c = map $s->open("/promise?how=$_&ms=1000"), ('thread', 'gather', 'later');
begun(3);
my ($code, $time) = $s->stop('QUIT');
is($code, 0, 'QUIT: exit code');
@r = $s->read_all(\@c);
is(scalar(grep $_->{body} =~ /"number":42,/, @r), 3, 'a quit waits for them');
cmp_ok($time, '<', 15, 'no longer');
$s->check_log;

# clients are closed: it is resolved when the tasks are gone, or the worker is

for my $ms (50, 2000) {
    $s = TaskServer->start(%conf, main => "$conf{main} worker_shutdown_timeout 500ms;");
    @c = map $s->open("/promise?how=$_&ms=$ms"), ('thread', 'gather', 'later', 'never');
    begun(4);
    ($code, $time) = $s->stop('QUIT');
    is($code, 0, 'worker_shutdown_timeout: exit code');
    cmp_ok($time, '>=', 0.5, 'not before');
    cmp_ok($time, '<', 5, 'but then');
    @r = $s->read_all(\@c);
    is($r[3]{status}, 0, 'no answer');
    unlike($s->text('error.log'), qr/open socket/, 'nothing is left');
    $s->check_log;
}

$s = TaskServer->start(%conf);
@c = map $s->open("/promise?how=$_&ms=5000"), ('thread', 'gather', 'never');
$s->get('/job?how=never');
begun(4);
($code, $time) = $s->stop('TERM');
is($code, 0, 'TERM: exit code');
cmp_ok($time, '<', 5, 'TERM: at once');
$s->check_log;

done_testing();
