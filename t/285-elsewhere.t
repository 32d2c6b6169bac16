#!/usr/bin/perl

# Requests that are elsewhere when what they wait for is there: post_action has
# taken them, their time is over, their worker quits.  They wait for a job, or
# for a thread that reads their body.

use strict;
use warnings;

use JSON::PP;
use Test::More;
use Time::HiRes qw(sleep time);

use TaskServer;

my $tasks = "$ENV{TEST_NGINX_TASKS}/test";

my %conf = (
    main => "task_load $tasks/probe.so; thread_pool default threads=1;
             thread_pool probe threads=1;
             task_shutdown_timeout 500ms;",
    http => 'task_job_zone jobs:1m max_body=1m; client_body_buffer_size 1m;
             client_body_timeout 1s;',
    server => '
        location = /held     { task stubborn; task_mode thread; }
        location = /job      { task sleep; task_background on zone=jobs; }
        location = /prefer   { task sleep; post_action /after;
                               task_background prefer zone=jobs; }
        location = /named    { task sleep; post_action @after;
                               task_background prefer zone=jobs; }
        location = /read     { task steps; post_action /after; }
        location = /read/job { task steps; post_action /after;
                               task_background on zone=jobs; }
        location = /timed    { task steps; task_timeout 500ms; }
        location = /timed/job  { task steps; task_timeout 500ms;
                                 task_background on zone=jobs; }
        location = /timed/thread { task sleep; task_mode thread;
                                   task_timeout 500ms;
                                   task_background on zone=jobs; }
        location = /timed/after { task steps; task_timeout 1s; post_action /after; }
        location = /later    { task steps; task_timeout 4s; }
        location = /later/job { task steps; task_timeout 4s;
                                task_background on zone=jobs; }
        location /jobs/      { task_jobs zone=jobs; }
        location /other/     { task_jobs zone=jobs; post_action /after; }
        location = /page     { default_type text/html; ssi on;
            return 200 \'[<!--#include virtual="/jobs/$arg_id?wait=1s" -->]\'; }
        location = /page/long { default_type text/html; ssi on;
            return 200 \'[<!--#include virtual="/jobs/$arg_id?wait=60s" -->]\'; }
        location = /mirrored { mirror /mirror; mirror_request_body off; task sleep; }
        location = /mirror   { rewrite ^ /jobs/$arg_id last; }
        location = /after    { task sleep duration=1500ms; }
        location @after      { task sleep duration=1500ms; }
        location = /quick    { quick; }
    ',
);

my ($s, $r, @r, $c, @c, $code, $id);

sub body {
    my ($duration) = @_;
    my $body = qq({"duration":"$duration","ms":"$duration","pad":") . 'x' x 100_000 . '"}';

    return (method => 'POST', body => $body,
            headers => "Content-Type: application/json\r\nContent-Length: "
                       . length($body) . "\r\n");
}

# the only thread has something to do

sub hold {
    my ($ms) = @_;

    my $c = $s->open("/held?ms=${ms}ms");
    $s->get('/quick');
    sleep(0.1);

    return $c;
}

sub gone {
    my ($c, $what) = @_;

    $s->get('/quick');
    sleep(0.2);
    close $c->{socket};
    $s->wait_for(sub { $s->text('error.log') =~ /prematurely closed.*\Q$what\E/ },
                 "$what: it was noticed");
}

# its task ran as long as it does

sub ran {
    my ($request, $name) = @_;

    ok($s->wait_for(sub {
        $s->text('access.log') =~ m{^\Q$request\E HTTP/1.1 \d+ sleep async done \S+ (?:1\.[5-9]|[2-9])}m
    }, $name, 10), "$name: post_action, to its end");
}

sub job {
    my ($duration) = @_;

    return decode_json($s->get("/job?duration=$duration")->{body})->{id};
}

# a client that leaves: post_action has the request, and ends it

$s = TaskServer->start(%conf);
my ($worker) = $s->workers;

for my $way (
    [ 'a poll, its time is over', '/other/', '1s' ],
    [ 'a poll, the job ends', '/other/', '60s', '1s' ],
    [ 'a stream', '/other/', undef, '1s', "Accept: text/event-stream\r\n" ],
    [ 'Prefer, its time is over', '/prefer', undef, '60s',
      "Prefer: respond-async, wait=1\r\n" ],
    [ 'Prefer, the job ends', '/prefer', undef, '1s',
      "Prefer: respond-async, wait=60\r\n" ],
    [ 'Prefer, a named location', '/named', undef, '60s',
      "Prefer: respond-async, wait=1\r\n" ],
)
{
    my ($name, $uri, $wait, $duration, $headers) = @$way;

    $uri = $uri eq '/other/' ? $uri . job($duration // '60s')
                             : "$uri?duration=$duration";
    $uri .= "?wait=$wait" if $wait;

    $c = $s->open($uri, headers => $headers);
    gone($c, $uri);
    ran("GET $uri", $name);
    is(join(' ', $s->workers), $worker, "$name: the worker lives");
    ($worker) = $s->workers;
}

for my $way ([ 'an async function', '/read' ], [ 'a job', '/read/job' ]) {
    my ($name, $uri) = @$way;

    my $held = hold(1500);
    $c = $s->open("$uri?$$", body('1ms'));
    gone($c, $uri);
    is($s->read($held)->{status}, 200, "$name: its body could be read now");
    ran("POST $uri?$$", "$name, its body is read");
    is(join(' ', $s->workers), $worker, "$name, its body is read: the worker lives");
    ($worker) = $s->workers;
    is($s->get($uri, body('1ms'))->{status}, $uri =~ /job/ ? 202 : 200,
       "$name: the next one is served");
}

# "task_timeout": the client has its answer, also while its body is read

my $held = hold(2000);
@c = map $s->open($_, body('60s')), '/timed', '/timed/job', '/timed/thread',
                                    '/later', '/later/job';
my $left = $s->open('/timed/after?left', body('60s'));
gone($left, '/timed/after');

@r = $s->read_all([ @c[0 .. 2] ]);
for my $i (0 .. 2) {
    is($r[$i]{status}, 504, "timeout $i: its status");
    cmp_ok($r[$i]{time}, '>=', 0.5, "timeout $i: not early");
    cmp_ok($r[$i]{time}, '<', 1.8, "timeout $i: on time");
}
$s->wait_for(sub { $s->text('error.log') =~ m{task "steps" timed out.*/timed/after} },
             'timeout: the log says so, of who left, too');
is(scalar(() = $s->text('error.log') =~ /task "s\w+" timed out.*timed/g), 4,
   'timeout: the log says so, once of each');
is($s->read($held)->{status}, 200, 'timeout: the thread is free');

@r = $s->read_all([ @c[3, 4] ]);
is($r[0]{status}, 504, 'timeout, later: of the task');
cmp_ok($r[0]{time}, '>=', 4, 'timeout, later: not early');
cmp_ok($r[0]{time}, '<', 5.5, 'timeout, later: counted from the first');
is($r[1]{status}, 202, 'timeout, later: a job is accepted before');
$id = decode_json($r[1]{body})->{id};
like($s->get("/jobs/$id?wait=20s")->{body}, qr/"state":"timeout"/,
     'timeout, later: and ends by it');
$r = decode_json($s->get("/jobs/$id")->{body});
cmp_ok(time() - $c[4]{start}, '<', 5.5, 'timeout, later: counted from the first');
ran('POST /timed/after?left', 'timeout, who left');
is($s->get('/timed', body('1ms'))->{status}, 200, 'timeout: the next is served');

# what waits inside of another request leaves the client's connection alone

$id = job('60s');
$c = $s->open("/mirrored?id=$id&wait=10s", body => 'x',
              headers => "Content-Length: 2\r\n");
$r = $s->read($c, 8);
ok($r->{ended} && $r->{time} < 8, 'a mirror waits, its client stalls: given up');

$c = $s->open("/page?id=$id", method => 'GET', body => 'x',
              headers => "Content-Length: 2\r\n");
$s->wait_for(sub { sysread $c->{socket}, $c->{text}, 4096, length $c->{text};
                   $c->{text} =~ /"state":"running".*\]/s }, 'the page');
pass('a part of a page waits, its body is not there');
close $c->{socket};

$c = $s->open("/page/long?id=$id", method => 'GET', body => 'x',
              headers => "Content-Length: 2\r\n");
$s->get('/quick');
sleep(0.2);
close $c->{socket};
$s->wait_access(qr{^GET /page/long});
pass('and its client may leave');

($code) = $s->stop('TERM');
is($code, 0, 'exit code');
$s->check_log;

# a worker that quits answers those whose body is read

$s = TaskServer->start(%conf);
$held = hold(3000);
@c = map $s->open($_, body('1ms')), '/later', '/later/job';
$left = $s->open('/later?left', body('1ms'));
$s->get('/quick');
sleep(0.2);
close $left->{socket};
$s->signal('QUIT');
@r = $s->read_all(\@c);
is(join(' ', map $_->{status}, @r), '503 503', 'quit: their status');
ok(!(grep $_->{time} > 2.8, @r), 'quit: on time, not when the thread is free')
    or diag(join ' ', map $_->{time}, @r);
$s->wait_for(sub { waitpid($s->{pid}, 1) }, 'nginx to end');
is($?, 0, 'quit: exit code');
$s->check_log;

done_testing();
