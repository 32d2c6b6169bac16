#!/usr/bin/perl

# A store that answers late, or not at all: see t/lib/late.c.

use strict;
use warnings;

use JSON::PP;
use Test::More;
use Time::HiRes qw(time);

use TaskServer;

plan skip_all => 'make sanitize runs it, with a store that answers late'
    if !$ENV{TEST_NGINX_LATE};

my $prefer = "Prefer: respond-async, wait=5\r\n";
my $events = "Accept: text/event-stream\r\n";

my %conf = (
    http => 'task_job_zone jobs:64k max_result=1k; task_job_zone other:1m;',
    server => '
        location = /sleep  { task sleep; task_background prefer zone=jobs; }
        location = /limit  { task sleep; task_background prefer zone=other;
                             task_limit running=1 queue=1; }
        location /jobs/    { task_jobs zone=jobs; }
        location /others/  { task_jobs zone=other; }
        location = /quick  { quick; }
    ');

sub id { decode_json($_[0]{body})->{id} }

my $s = TaskServer->start(%conf);

# a job that is over, and dropped for others, before it could be waited for

my %n;
$n{$_->{status}}++
    for map { $s->read_all([ map $s->open('/sleep?duration=0', headers => $prefer),
                             1 .. 100 ]) } 1 .. 5;

ok($n{200}, 'Prefer: results');
is($n{404}, undef, 'who made a job is not told that there is none');

# while jobs are added, the places that they will take are taken

my @c = map $s->open('/limit?duration=500ms', headers => $prefer), 1 .. 4;
my @r = $s->read_all(\@c);
is(join(' ', sort map $_->{status}, @r), '200 200 503 503', 'as many as have room');

my ($code) = $s->stop('QUIT');
is($code, 0, 'ends');
$s->check_log;

# a store that cannot tell of changes, but can be asked

$s = TaskServer->start(%conf, main => 'env LATE_FAILS=1;');

my $id = id($s->get('/sleep?duration=2s', headers => "Prefer: respond-async\r\n"));

my $r = $s->get("/jobs/$id", headers => $events);
is($r->{status}, 200, 'a stream');
like($r->{body}, qr/^event: progress$/m, 'its first event');
unlike($r->{body}, qr/^event: end$/m, 'no end, since the job goes on');

$r = $s->get("/jobs/$id?wait=1s");
is($r->{status}, 200, 'a poll');
like(decode_json($r->{body})->{state}, qr/^(?:queued|running)$/, 'goes on');

$r = $s->get('/sleep?duration=1s', headers => $prefer);
is($r->{status}, 202, 'Prefer');
like($r->{headers}, qr{^Location: /jobs/}m, 'with an address');

$s->wait_for(sub { decode_json($s->get("/jobs/$id")->{body})->{state} eq 'done' },
             'the job to end');

$r = $s->get("/jobs/$id", headers => $events);
like($r->{body}, qr/^event: end$/m, 'then there is an end');

($code) = $s->stop('QUIT');
is($code, 0, 'ends');
$s->check_log;

done_testing();
