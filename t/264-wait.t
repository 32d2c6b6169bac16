#!/usr/bin/perl

# "?wait=" of a poll is read, and refused, as any parameter is.

use strict;
use warnings;

use JSON::PP;
use Test::More;

use TaskServer;

my $s = TaskServer->start(
    http => 'task_job_zone jobs:1m;',
    server => '
        location = /on    { task sleep duration=30s;
                            task_background on zone=jobs; }
        location = /task  { task sleep; }
        location /jobs/   { task_jobs zone=jobs; }
    ');

my $id = decode_json($s->get('/on')->{body})->{id};

for my $try (
    [ 'wait=300ms', 0.3 ], [ 'w%61it=300m%73', 0.3 ], [ 'wait=20s&wait=300ms', 0.3 ],
    [ 'wait=20s&x=1&wait=0', 0 ], [ 'await=20s', 0 ], [ 'Wait=20s', 0 ],
    [ '', 0 ], [ '&&', 0 ], [ 'wait%3d20s', 0 ],
) {
    my ($query, $time) = @$try;

    my $r = $s->get("/jobs/$id?$query");
    is($r->{status}, 200, "?$query");
    cmp_ok($r->{time}, '>=', $time, 'not earlier');
    cmp_ok($r->{time}, '<', $time + 3, 'nor much later');
}

# a wrong one is told in the words of any other time

for my $wrong ('x', '', '-1', '1.5', '2h', '61m', '9' x 30, '%00', '1s%0a',
               '%ff', '%22')
{
    my $r = $s->get("/jobs/$id?wait=0&wait=$wrong");
    (my $task = $s->get("/task?duration=$wrong")->{body}) =~ s/duration/wait/g;

    is("$r->{status} $r->{body}", "422 $task", "wait=$wrong");
}

is($s->get("/jobs/$id?wait")->{status}, 422, 'wait without a value');
like($s->get("/jobs/$id?wait=2h")->{body},
     qr/"type":"less_than_equal".*"input":"2h","ctx":\{"le":3600\}/,
     'over an hour');

$s->get("/jobs/$id", method => 'DELETE');
like($s->get("/jobs/$id?wait=10s")->{body}, qr/cancelled/, 'cancelled');

my ($code) = $s->stop('QUIT');
is($code, 0, 'exit code');
$s->check_log;

done_testing();
