#!/usr/bin/perl

# Room in a zone of jobs: who has to go, and who has not.  In which order, and
# when, to the millisecond: see t/unit/jobs/store/job_room.c.

use strict;
use warnings;

use JSON::PP;
use Test::More;
use Time::HiRes qw(sleep time);

use TaskServer;

my $tasks = "$ENV{TEST_NGINX_TASKS}/test";

my %conf = (
    main => "task_load $tasks/probe.so; thread_pool many threads=20;",
    server => '
        location = /job     { task sleep; task_background on zone=jobs; }
        location = /held    { task stubborn; task_mode thread=many;
                              task_timeout 1s; task_background on zone=jobs; }
        location = /chatter { task chatter; task_background on zone=jobs; }
        location = /few     { task sleep; task_background on zone=jobs max=5; }
        location = /quick   { quick; }
        location /jobs/     { task_jobs zone=jobs; }
    ');

my ($s, $r, @ids, %n);

sub submit {
    my $r = $s->get($_[0]);
    return $r->{status} == 202 ? decode_json($r->{body})->{id} : undef;
}

sub poll {
    my $r = $s->get("/jobs/$_[0]$_[1]");
    return $r->{status} == 200 ? decode_json($r->{body}) : { state => $r->{status} };
}

sub done {
    my $id = submit($_[0]);
    return $id ? poll($id, '?wait=10s') : { state => 503 };
}

sub result { '/job?duration=0&status=' . ($_[1] // 'x') x $_[0] }

# "where there is no room, the oldest of them are dropped": those that have no
# result make none for one, those whose thread still runs are not dropped

$s = TaskServer->start(%conf, http => 'task_job_zone jobs:256k max_result=32k;');
@ids = map submit('/job?duration=20s'), 1 .. 60;
$s->get("/jobs/$_", method => 'DELETE') for @ids;
$s->wait_for(sub { !grep poll($_, '')->{state} ne 'cancelled', @ids }, 'all to be cancelled');
%n = ();
$n{done(result(7000))->{state}}++ for 1 .. 40;
is(join(' ', %n), 'done 40', 'results have room beside 60 cancelled jobs');
is(scalar(grep poll($_, '')->{state} eq 'cancelled', @ids), 60, 'which are there still');

@ids = map submit('/held?ms=30s&' . $s->gate('held')), 1 .. 16;
$s->wait_for(sub { !grep poll($_, '')->{state} ne 'timeout', @ids }, 'timeout');
%n = ();
$n{done('/job?duration=0')->{state}}++ for 1 .. 400;
is(join(' ', %n), 'done 400', 'jobs have room beside 16 whose threads run');
is(scalar(grep poll($_, '')->{state} eq 'timeout', @ids), 16, 'which are there still');

$s->open_gate('held');
$s->stop('TERM');
$s->check_log;

# a result that cannot have room drops nobody's: in JSON it is twice as long as
# what the job is made of, which has room

$s = TaskServer->start(%conf, http => 'task_job_zone jobs:104k max_result=1m;
                       large_client_header_buffers 4 128k;');
my @others = map done(result(300))->{id}, 1 .. 15;
$r = done(result(5000, '%01'));
is("$r->{state}, $r->{error}", 'failed, the result is too large', 'larger than the zone');
is(scalar(grep poll($_, '')->{state} eq 'done', @others), 15, 'all others are there still');
$s->stop('TERM');
$s->check_log;

# a location with max cannot drop the results of others

$s = TaskServer->start(%conf, http => 'task_job_zone jobs:128k;', workers => 2);
@others = map done('/job?duration=0&status=mine')->{id}, 1 .. 10;
%n = ();
$n{done('/few?duration=0')->{state}}++ for 1 .. 300;
is(join(' ', %n), 'done 300', '300 jobs of a location with max=5');
is(scalar(grep poll($_, '')->{state} eq 'done', @others), 10, 'the others are there still');
@ids = map submit('/few?duration=20s'), 1 .. 8;
is(scalar(grep defined, @ids), 5, 'max=5: five at a time');
like($s->text('error.log'), qr/no room for a job in zone "jobs": this location has "max" jobs/,
     'the log says why');
ok(submit('/job?duration=0'), 'others have room');
$s->reload;
is(submit('/few?duration=20s'), undef, 'a reload knows them still');
$s->get("/jobs/$ids[0]", method => 'DELETE');
$s->wait_for(sub { poll($ids[0], '')->{state} eq 'cancelled' }, 'cancelled');
ok(submit('/few?duration=20s'), 'one that has ended makes room');
is(poll($ids[0], '')->{state}, 404, 'and is gone');
$s->stop('TERM');
$s->check_log;

# keep: no result is dropped before

$s = TaskServer->start(%conf, http => 'task_job_zone jobs:96k keep=1s;');
my $since = time();
my $first = done('/job?duration=0')->{id};
while (time() - $since < 0.9) {
    last if !submit('/job?duration=0');
}
is($s->get('/job?duration=0')->{status}, 503, 'keep: the zone is full');
is(poll($first, '')->{state}, 'done', 'and the first one is there')
    if time() - $since < 0.95;
$s->wait_for(sub { submit('/job?duration=0') }, 'room', 20);
cmp_ok(time() - $since, '>=', 0.99, 'none was dropped before');
$s->stop('TERM');
$s->check_log;

# "Unknown, or expired: 404", however it is asked

$s = TaskServer->start(%conf, http => 'task_job_zone jobs:96k ttl=500ms;');
$since = time();
@ids = map done('/job?duration=0')->{id}, 1 .. 5;
$s->wait_for(sub { poll($ids[-1], '')->{state} eq '404' }, 'it to expire');
cmp_ok(time() - $since, '>=', 0.49, 'expired: 404');
is(poll($ids[-2], '?wait=1s')->{state}, 404, 'likewise with wait');
is($s->get("/jobs/$ids[-3]", method => 'DELETE')->{status}, 404, 'DELETE');
is($s->get("/jobs/$ids[-4]", method => 'HEAD')->{status}, 404, 'HEAD');
is($s->get("/jobs/$ids[-5]", headers => "Accept: text/event-stream\r\n")->{status}, 404,
   'events');
$s->stop('TERM');
$s->check_log;

# a cancel of many

$s = TaskServer->start(%conf, http => 'task_job_zone jobs:2m;', workers => 2);
@ids = map submit('/job?duration=60s'), 1 .. 1000;
my $time = time();
$s->get("/jobs/$_", method => 'DELETE') for @ids;
$s->wait_for(sub { !grep poll($_, '')->{state} ne 'cancelled', @ids }, 'all to be cancelled');
pass('1000 are cancelled');

# progress of one that tells it all the time: whole, and never missing

my $talker = submit('/chatter');
$s->wait_for(sub { poll($talker, '')->{progress}{done} }, 'it to begin');
my @torn = grep { !defined $_->{message} || $_->{message} ne $_->{done}
                  || $_->{total} != 2 * $_->{done} }
           map poll($talker, '')->{progress}, 1 .. 300;
is(encode_json(\@torn), '[]', 'progress is whole, whenever it is read');
$s->get("/jobs/$talker", method => 'DELETE');
$s->wait_for(sub { poll($talker, '')->{state} eq 'cancelled' }, 'cancelled');

# a node that gets a name, or another one: "an id is ... the only key"

$s->reload(%conf, http => 'task_job_zone jobs:2m node=n7;', workers => 2);
is(poll($ids[0], '')->{id}, "n7-$ids[0]", 'an id of before is known, and told with the node');
is(poll("n7-$ids[0]", '')->{state}, 'cancelled', 'with the node, too');
$s->stop('TERM');
$s->check_log;

done_testing();
