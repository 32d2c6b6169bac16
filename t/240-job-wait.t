#!/usr/bin/perl

# Waiting for a job: Prefer, long polls, server-sent events; and node=.

use strict;
use warnings;

use JSON::PP;
use Test::More;
use Time::HiRes qw(sleep time);

use TaskNginx qw(MAX_TIME);
use TaskServer;

my $examples = $ENV{TEST_NGINX_TASKS};

my %conf = (
    workers => 2,
    main => "task_load $examples/countdown.so; thread_pool two threads=2;",
    http => 'task_job_zone jobs:1m node=n1; task_job_zone plain:1m;',
    server => '
        location = /on     { task sleep; task_background on zone=jobs; }
        location = /count  { task countdown; task_mode thread=two;
                             task_background on zone=jobs; }
        location = /prefer { task sleep; task_background prefer zone=jobs; }
        location = /thread { task sleep; task_mode thread=two;
                             task_background prefer zone=plain location=/plain/; }
        location = /limit  { task sleep; task_timeout 100ms;
                             task_background prefer zone=plain location=/plain/; }
        location /jobs/    { task_jobs zone=jobs; }
        location /plain/   { task_jobs zone=plain; }
        location = /status { task_status json; }
        location = /quick  { quick; }
    ');

my $s = TaskServer->start(%conf);
my ($r, @r, $c, $id, $start, $job);

sub json { decode_json($_[0]{body}) }

# a node's name is in front of its ids

$id = json($s->get('/on?duration=300ms'))->{id};
my $n1 = TaskServer::zone() ? 'n1-' : '';
like($id, qr/^$n1[0-9a-f]{32}$/, 'an id with its node');
is(json($s->get("/jobs/$id"))->{id}, $id, 'and back');
(my $bare = $id) =~ s/^n1-//;
is(json($s->get("/jobs/$bare"))->{id}, $id, 'the id alone is the key');
is(json($s->get("/jobs/n2-$bare"))->{id}, $id, 'the node is for a front');
is($s->get("/jobs/$_-$bare")->{status}, 404, "no node: $_") for '', 'a-', 'x' x 65, '%2F', ';';

# a long poll

$start = time();
$r = $s->get("/jobs/$id?wait=10s");
is(json($r)->{state}, 'done', 'answered when it ends');
cmp_ok(time() - $start, '<', 2, 'and not much later');
$start = time();
is(json($s->get("/jobs/$id?wait=10s"))->{state}, 'done', 'of an ended one');
cmp_ok(time() - $start, '<', 0.5, 'at once');

$id = json($s->get('/on?duration=20s'))->{id};
$start = time();
$r = $s->get("/jobs/$id?wait=300ms");
is(json($r)->{state}, 'running', 'its time is over');
cmp_ok(time() - $start, '>=', 0.3, 'not before');
cmp_ok(time() - $start, '<', 1.5, 'nor much later');
is($s->get("/jobs/$id?wait=$_")->{status}, 422, "wait=$_") for 'x', '2h', '-1s';
is($s->get('/jobs/n1-' . '0' x 32 . '?wait=5s')->{status}, 404, 'unknown');

# clients that leave while they wait; one that is cancelled meanwhile

my @c = map $s->open("/jobs/$id?wait=20s"), 1 .. 8;
$s->get('/quick');
$_->{socket}->close for @c[0 .. 5];
$s->get("/jobs/$id", method => 'DELETE');
is(join(' ', map json($_)->{state}, $s->read_all([ @c[6, 7] ])),
   'cancelled cancelled', 'all who wait are told');

# Prefer

$r = $s->get('/prefer?duration=20ms');
is("$r->{status} $r->{body}", '200 {"status":"long_running task completed"}',
   'without Prefer it waits as ever');
unlike($r->{headers}, qr/Preference-Applied/, 'and says nothing of it');

$r = $s->get('/prefer?duration=300ms', headers => "Prefer: respond-async\r\n");
is($r->{status}, 202, 'respond-async');
like($r->{headers}, qr/^Preference-Applied: respond-async\r?$/m, 'is applied');
is(json($s->get("/jobs/" . json($r)->{id} . '?wait=5s'))->{state}, 'done', 'done');

for my $uri ('/prefer', '/thread') {
    $start = time();
    $r = $s->get("$uri?duration=100ms&status=x",
                 headers => "prefer: respond-async, wait=5\r\n");
    is("$r->{status} $r->{body}", '200 {"status":"x"}', "$uri: in time");
    cmp_ok(time() - $start, '<', 2, "$uri: as soon as it is there");
}

# not in time: both of them at once, since a wait is of whole seconds

my %late = map {
    $_ => $s->open("$_?duration=1800ms",
                   headers => "Prefer: respond-async\r\nPrefer: wait=1\r\n")
} '/prefer', '/thread';

for my $uri (sort keys %late) {
    my $jobs = $uri eq '/prefer' ? '/jobs/' : '/plain/';
    $r = $s->read($late{$uri});
    is($r->{status}, 202, "$uri: not in time");
    cmp_ok($r->{time}, '>=', 1, "$uri: after its wait");
    is(json($r)->{state}, 'running', "$uri: its state");
    like(json($r)->{href}, qr{^\Q$jobs\E}, "$uri: its address");
    $late{$uri} = json($r)->{href};
}

is(json($s->get("$late{$_}?wait=5s"))->{state}, 'done', "$_: goes on")
    for sort keys %late;

$r = $s->get('/limit?duration=1s', headers => "Prefer: respond-async, wait=5\r\n");
is("$r->{status} $r->{body}", '504 {"detail":"Gateway Timeout"}', 'task_timeout');
is($s->get('/prefer?duration=x', headers => "Prefer: respond-async\r\n")->{status},
   422, 'a bad request');

# a client that leaves: its job goes on

sub states { json($s->get('/status'))->{jobs}[0]{states} }

# a worker looks at an engine once a second

sub counted {
    my $done = -1;

    $s->wait_for(sub {
        my $was = $done;
        $done = states()->{done};
        sleep(1.2) unless TaskServer::zone();
        return $was == $done;
    }, 'the counts');

    return $done;
}

my $done = counted();
$c = $s->open('/prefer?duration=' . (TaskServer::zone() ? '2s' : '3s'),
              headers => "Prefer: respond-async, wait=9\r\n");
$s->wait_for(sub { states()->{running} == 1 }, 'it to run');
$c->{socket}->close;
$s->wait_for(sub { states()->{running} == 0 }, 'it to end');
is(counted(), $done + 1, 'a client that leaves');

# progress, and a stream of it

sub events {
    my ($text) = @_;
    $text =~ s/^.*?\r\n\r\n//s;
    $text =~ s/\r?\n?[0-9a-f]+\r\n//g;
    return map { /^event: (\w+)\ndata: (.*)$/m ? [ $1, decode_json($2) ] : () }
           split /\n\n/, $text;
}

$id = json($s->get('/count?steps=5&every=150ms'))->{id};
$r = $s->get("/jobs/$id", headers => "Accept: text/event-stream\r\n");
like($r->{headers}, qr{^Content-Type: text/event-stream\r?$}m, 'a stream');
my @events = events("$r->{headers}\r\n\r\n$r->{body}");
cmp_ok(scalar @events, '>=', 4, 'events: ' . @events);
is($events[-1][0], 'end', 'the last one is the end');
is($events[-1][1]{state}, 'done', 'done');
is($events[-1][1]{progress}{done}, 5, 'of all steps');
is($events[-1][1]{progress}{message}, 'all steps', 'its message');

my @done = map $_->[1]{progress}{done}, @events;
is("@done", join(' ', sort { $a <=> $b } @done), 'in order');

# the first one may be of a job that has not told of any progress yet

my @totals = map $_->[1]{progress}{total} || (), @events;
cmp_ok(scalar @totals, '>=', @events - 1, 'the total is told');
is(scalar(grep $_ == 5, @totals), scalar @totals, 'and is right');

$r = $s->get("/jobs/$id", headers => "Accept: text/event-stream\r\n");
is((events("$r->{headers}\r\n\r\n$r->{body}"))[0][0], 'end', 'of an ended one');
$r = $s->get("/jobs/$id", method => 'HEAD', headers => "Accept: text/event-stream\r\n");
is("$r->{status} $r->{body}", '200 ', 'HEAD');

# many who watch one job, some of whom leave

$id = json($s->get('/count?steps=12&every=50ms'))->{id};
@c = map $s->open("/jobs/$id", headers => "Accept: text/event-stream\r\n"), 1 .. 8;
sleep(0.2);
$_->{socket}->close for @c[0 .. 3];
@r = $s->read_all([ @c[4 .. 7] ]);
is(scalar(grep { (events("$_->{headers}\r\n\r\n$_->{body}"))[-1][1]{state} eq 'done' } @r),
   4, 'all see the end');

# a worker that is told to quit lets those go who wait, and ends the job

$id = json($s->get('/count?steps=10&every=100ms'))->{id};
@c = (map($s->open("/jobs/$id", headers => "Accept: text/event-stream\r\n"), 1 .. 4),
      map($s->open("/jobs/$id?wait=20s"), 1 .. 4));
$s->get('/quick');
$start = time();
$s->reload;
@r = $s->read_all(\@c);
cmp_ok(time() - $start, '<', 1.5, 'a reload lets those go who wait');
is(scalar(grep $_->{ended} && $_->{status} == 200, @r), 8, 'each with an answer');
is(json($s->get("/jobs/$id?wait=10s"))->{state}, 'done', 'and the job ends');

my ($code) = $s->stop('QUIT');
is($code, 0, 'exit code');
$s->check_log;

unless (TaskServer::zone()) {
    done_testing();
    exit;
}

# configuration

$s = TaskServer->new;

sub conf {
    my ($name, $http, $server, $message) = @_;

    my ($ok, $text) = $s->test_conf(server => $server, http => $http);
    is($ok ? 1 : 0, 0, $name);
    like($text, qr/\[emerg\] .*$message/m, "$name: message");
}

my $zone = 'task_job_zone z:1m;';
conf('no size', 'task_job_zone z;', '', 'invalid zone "z", it must be name:size');
conf('too small', 'task_job_zone z:32k;', '', 'zone "z" is too small, it must have');
conf('duplicate', "$zone $zone", '', 'duplicate zone "z"');
conf('parameter', "task_job_zone z:1m $_;", '', "invalid parameter \"$_\", it must be [^:]+ in")
    for 'ttl=x', 'ttl=0', 'keep=x', 'max_body=x', 'max_result=-1', 'node=', 'node=a-b';
conf('unknown parameter', 'task_job_zone z:1m x=1;', '', 'invalid parameter "x=1", '
     . 'it must be "ttl=", "keep=", .* or "[a-z_]+=" in');
conf('undefined', 'task_background on zone=z;', '',
     'zone "z" of jobs is not defined by a "task_job_zone" or a "task_job_redis" in \S+:\d+$');
conf('no zone', 'task_background on;', '', 'must have "zone" parameter');
conf('value', 'task_background maybe zone=z;', '', 'invalid value "maybe"');
conf('too long', "task_job_zone z:1m $_;", '', 'a time of at most ' . MAX_TIME . ' in')
    for 'ttl=110000d', 'keep=366d';
conf('parameter twice', "task_job_zone z:1m $_ $_;", '', "duplicate parameter \"$_\" in")
    for 'ttl=1h', 'keep=1s', 'node=a';
conf('location', "$zone task_background on zone=z location=$_;", '',
     "invalid parameter \"location=$_\", a location begins and ends with a slash")
    for 'jobs', '/jobs', 'jobs/';
conf('max', "$zone task_background on zone=z max=$_;", '', "invalid parameter \"max=$_\"")
    for '0', 'x', '-1';
conf('option twice', "$zone task_background on zone=z $_ $_;", '', "duplicate parameter \"$_\"")
    for 'max=5', 'location=/j/', 'zone=z';
conf('too many with max', "$zone task_background on zone=z max=5;",
     join('', map "location = /$_ { task sleep; }", 1 .. 33),
     'at most 32 locations may have "max" in the zone "z" of jobs in \S+:\d+$');
conf('twice', "$zone task_background off; task_background off;", '', 'is duplicate');
conf('jobs', $zone, 'location /j/ { task_jobs z; }',
     'invalid parameter "z", it must be "zone=" or "list="');

my ($ok, $text) = $s->test_conf(http => 'task_job_zone z:256k max_result=1m;');
like($text, qr/\[warn\].* no result of 1048576 bytes, which "max_result" allows, has room in zone "z"/,
     'max_result is more than the zone has');
is($ok ? 1 : 0, 1, 'which is no error');

$s->check_log;

done_testing();
