#!/usr/bin/perl

# What a review of the queues found.

use strict;
use warnings;

use JSON::PP;
use Test::More;
use Time::HiRes qw(sleep time);

use TaskServer;

my $tasks = "$ENV{TEST_NGINX_TASKS}/test";
my ($s, $r, $id, $start);

sub submit {
    my ($uri, %o) = @_;

    my $headers = $o{headers} // '';
    $headers .= 'Content-Length: ' . length($o{body}) . "\r\n" if defined $o{body};

    my $r = $s->get($uri, method => defined $o{body} ? 'POST' : 'GET',
                    body => $o{body}, headers => $headers);
    is($r->{status}, 202, substr($uri, 0, 40) . ': accepted') or diag(substr $r->{body}, 0, 500);
    return $r->{status} == 202 ? decode_json($r->{body})->{id} : 'none';
}

sub poll {
    my ($id, $more) = @_;

    my $r = $s->get("/jobs/$id" . ($more // ''));
    return $r->{status} == 200 ? decode_json($r->{body}) : { state => $r->{status} };
}

sub ended { return poll($_[0], '?wait=30s') }

sub wait_running {
    my ($id) = @_;

    $s->wait_for(sub { poll($id)->{state} eq 'running' }, 'the job to run');
}

# what a sync task, or one without a pool, is made of is read as at first: a long
# query, a form, parts, and JSON

$s = TaskServer->start(
    main => "task_load $tasks/inputs.so;",
    http => 'task_job_zone jobs:64m max_body=16m max_result=16m; client_max_body_size 16m;
             client_body_buffer_size 16m; large_client_header_buffers 4 64k;',
    server => '
        location = /hold { task sleep; task_limit running=1 queue=9;
                           task_background on zone=jobs queue=q; }
        location / { task_background on zone=jobs queue=q; task_mode sync;
            location = /any    { task inputs.any; }
            location = /form   { task inputs.form; }
            location = /upload { task inputs.upload; }
        }
        location /jobs/ { task_jobs zone=jobs; }');

my @form = (headers => "Content-Type: application/x-www-form-urlencoded\r\n");
my @json = (headers => "Content-Type: application/json\r\n");
my @parts = (headers => "Content-Type: multipart/form-data; boundary=b\r\n");

my %case = (
    'an object in a query' => [ '/any?v=1&o=%7B%22a%22%3A%22' . 'x' x 9000 . '%22%7D' ],
    'a form' => [ '/form', @form, body => 'id=5&name=me&data=%7B%22a%22%3A%22'
                                          . 'z' x 20_000 . '%22%7D' ],
    'parts' => [ '/upload', @parts, body => "--b\r\nContent-Disposition: form-data; name=\"file\"; "
                     . "filename=\"a\"\r\n\r\n" . 'w' x 90_000 . "\r\n--b--\r\n" ],
    'JSON' => [ '/any', @json, body => '{"v":"' . 'v' x 200_000 . '"}' ],
);

for my $name (sort keys %case) {
    my @ask = @{ $case{$name} };
    my ($now) = ended(submit(@ask));
    my $hold = submit('/hold?duration=300ms');

    wait_running($hold);
    my $then = ended(submit(@ask));

    is($then->{state}, $now->{state}, "$name: as when it is taken at once");
    is_deeply($then->{result} // $then->{error}, $now->{result} // $now->{error},
              "$name: with the same result");
    is($now->{state}, 'done', "$name: which is one");
}

# one that is cancelled while its body is read

my $hold = submit('/hold?duration=300ms');
wait_running($hold);
my @ids = map submit('/any', @json, body => '{"v":"' . 'v' x 3_000_000 . '"}'), 1 .. 3;
$s->get("/jobs/$_", method => 'DELETE') for @ids;
like(ended($_)->{state}, qr/^(?:done|cancelled)$/, 'cancelled, or done') for @ids;

my ($code) = $s->stop('QUIT');
is($code, 0, 'exit code');
$s->check_log;

# a job that was taken at once, and waits for a thread, is given back

$s = TaskServer->start(
    workers => 2,
    main => "task_load $tasks/probe.so; thread_pool one threads=1;",
    http => 'task_job_zone jobs:4m; task_background on zone=jobs;',
    server => '
        location = /held { task stubborn; task_mode thread=one; }
        location /jobs/  { task_jobs zone=jobs; }');
$s->wait_for(sub { $s->workers == 2 }, 'two workers');
sleep 0.3;

my ($long, $short);
for my $one (['60s&' . $s->gate('long'), \$long], ['60s&' . $s->gate('short'), \$short]) {
    ${ $one->[1] } = submit("/held?ms=$one->[0]");
    wait_running(${ $one->[1] });
}

# each worker takes one that it has accepted; the others wait

my @short = map submit('/held?ms=1ms'), 1 .. 12;
sleep 0.2;
$s->open_gate('short');
$start = time();
is(join(' ', map ended($_)->{state}, @short), join(' ', ('done') x 12),
   'they run in the worker whose thread is free');
cmp_ok(time() - $start, '<', 10, 'soon');
is(poll($long)->{state}, 'running', 'beside the one that takes long');
$s->open_gate('long');
$s->stop('QUIT');

# a worker that quits and has given up its jobs begins no more of them

$s = TaskServer->start(
    main => "task_load $tasks/probe.so; task_shutdown_timeout 1s jobs=600ms;",
    http => 'task_job_zone jobs:4m; task_background on zone=jobs;',
    server => '
        location = /job { task sleep; task_limit running=1 queue=100; }
        location /jobs/ { task_jobs zone=jobs; }');
submit('/job?duration=20s') for 1 .. 20;
$start = time();
($code) = $s->stop('QUIT');
is($code, 0, 'it leaves');
cmp_ok(time() - $start, '<', 10, 'within the bound');
my $lost = () = $s->text('error.log') =~ /did not end before task_shutdown_timeout, it is lost/g;
is($lost, 1, 'what had begun is lost, and nothing else is begun');
like($s->text('error.log'), qr/19 jobs wait in task_job_zone "jobs", and no worker is left/,
     'the others are told') if TaskServer::zone() && !TaskServer::file();

# a reload that gives a location another queue: its jobs are still its own

my $hold_conf = 'location = /hold { task sleep status=hold; task_limit running=1 queue=9; }';
my $jobs_conf = 'location /jobs/ { task_jobs zone=jobs; }';
my %reload = (http => 'task_job_zone jobs:4m; task_background on zone=jobs queue=q;
                       task_limit running=1 queue=9;');
$s = TaskServer->start(%reload, server => "
    location = /hold { task sleep status=hold; task_background on zone=jobs queue=h; }
    location = /mine { task sleep status=mine duration=300ms; task_background on zone=jobs queue=q; }
    $jobs_conf");
@ids = map submit('/mine'), 1 .. 4;
$s->reload(%reload, server => "
    location = /other { task sleep status=other duration=1ms; task_background on zone=jobs queue=q; }
    location = /mine { task sleep status=mine duration=300ms; task_background on zone=jobs queue=new; }
    $jobs_conf");
is(ended($_)->{result}{status}, 'mine', 'it is run as its location says') for @ids;
$s->stop('QUIT');
$s->check_log;

done_testing();
