#!/usr/bin/perl

# What HTTP tells of a job: the status that it ended with, that it is erased,
# that HEAD begins none; and at which level its failures are logged.

use strict;
use warnings;

use JSON::PP;
use Test::More;
use Time::HiRes qw(sleep time);

use TaskServer;

my $tasks = "$ENV{TEST_NGINX_TASKS}/test";
my $json = "Content-Type: application/json\r\n";

my $s = TaskServer->start(
    workers => 2,
    main => "task_load $tasks/answers.so; task_load $tasks/probe.so;
             thread_pool two threads=2;",
    http => 'task_job_zone jobs:1m max_result=256;',
    server => '
        location = /job     { task sleep; task_background on zone=jobs; }
        location = /limit   { task sleep; task_background on zone=jobs; task_timeout 50ms; }
        location = /held    { task stubborn; task_mode thread=two;
                              task_background on zone=jobs; }
        location = /header  { task header; task_background on zone=jobs; }
        location = /task    { task header; }
        location = /body    { task body; task_background on zone=jobs; }
        location = /prefer  { task sleep; task_background prefer zone=jobs; }
        location /jobs/     { task_jobs zone=jobs; }
    ');

my ($r, $id, $job);

sub submit { return decode_json($s->get(@_)->{body})->{id} }

sub poll { return decode_json($s->get("/jobs/$_[0]")->{body}) }

sub ended { return decode_json($s->get("/jobs/$_[0]?wait=20s")->{body}) }

# the status that the client of a task would have got

$id = submit('/job?duration=20s');
is(poll($id)->{status}, undef, 'none yet');
ok(exists poll($id)->{status}, 'but a place for it');
$s->get("/jobs/$id", method => 'DELETE');
$job = ended($id);
is("$job->{state} " . ($job->{status} // 'none'), 'cancelled none', 'cancelled: none');

my $big = 'x' x 300;
my %ends = (
    '/job?duration=0' => 'done 200', '/header?status=201' => 'done 201',
    '/header?status=404' => 'failed 404', '/header?status=503' => 'failed 503',
    '/limit?duration=5s' => 'timeout 504', "/job?duration=0&status=$big" => 'failed 500',
);
for my $uri (sort keys %ends) {
    $job = ended(submit($uri));
    is("$job->{state} $job->{status}", $ends{$uri}, substr $uri, 0, 30);
}

# a failure that is up to the client is no error of the server's, task or job

for my $uri ('/task', '/header') {
    for my $status (404, 503) {
        my $level = $status < 500 ? 'info' : 'error';
        my $kind = $uri eq '/task' ? 'task' : 'job';
        my $count = () = $s->text('error.log') =~ /\[$level\].*$kind "header" failed/g;
        $r = $s->get("$uri?status=$status");
        ended(decode_json($r->{body})->{id}) if $kind eq 'job';
        $s->wait_for(sub { $count < (() = $s->text('error.log')
                           =~ /\[$level\].*$kind "header" failed/g) }, 'it', 5);
        is(scalar(() = $s->text('error.log') =~ /\[$level\].*$kind "header" failed/g),
           $count + 1, "a $kind that fails with $status is logged at $level");
    }
}

# forgotten

$id = submit('/job?duration=0');
ended($id);
$r = $s->get("/jobs/$id?forget=1", method => 'DELETE');
is("$r->{status} " . decode_json($r->{body})->{state}, '200 done', 'told once more');
is($s->get("/jobs/$id")->{status}, 404, 'and gone') for 1 .. 4;
is($s->get("/jobs/$id?forget=1", method => 'DELETE')->{status}, 404, 'unknown');

$id = submit('/job?duration=20s');
$r = $s->get("/jobs/$id?forget=1", method => 'DELETE');
is("$r->{status} $r->{body}", '409 {"detail":"Conflict"}', 'one that has not ended');
$s->wait_for(sub { poll($id)->{state} eq 'running' }, 'it to go on');
is($s->get("/jobs/$id?forget=0", method => 'DELETE')->{status}, 200, 'forget=0 cancels');
is(ended($id)->{state}, 'cancelled', 'cancelled');
is($s->get("/jobs/$id?forget=1", method => 'GET')->{status}, 200, 'GET forgets nothing');

my @ids = map submit('/job?duration=0'), 1 .. 20;
ended($_) for @ids;
is($s->get("/jobs/$_?forget=1", method => 'DELETE')->{status}, 200, "in any order")
    for @ids[7, 0, 19, 3];
my %gone = map { $_ => 1 } @ids[7, 0, 19, 3];
is(scalar(grep { $s->get("/jobs/$_")->{status} != ($gone{$_} ? 404 : 200) } @ids),
   0, 'and no other');
is(ended(submit('/job?duration=0'))->{state}, 'done', 'there is room again');

# HEAD

my $count = submit('/job?duration=0');
$r = $s->get('/job?duration=0', method => 'HEAD');
is("$r->{status} $r->{body}", '405 ', 'HEAD begins no job');
like($r->{headers}, qr/^Allow: GET, POST\r?$/m, 'Allow');
like($s->get('/body', method => 'PATCH')->{headers}, qr/^Allow: POST, PUT\r?$/m,
     'of one that has methods of its own');
$r = $s->get('/prefer?duration=0', method => 'HEAD', headers => "Prefer: respond-async\r\n");
is("$r->{status} $r->{body}", '200 ', 'Prefer: it may be ignored');
unlike($r->{headers}, qr/Preference-Applied|Location/, 'and is');

my ($code) = $s->stop('TERM');
is($code, 0, 'exit code');
$s->check_log;

done_testing();
