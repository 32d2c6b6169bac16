#!/usr/bin/perl

# Jobs that are waited for, in zones where others want their place; and which
# jobs may be erased.  Cancels of jobs that end just then, and whose places are
# others' at once: see t/unit/jobs/store/job_room.c.

use strict;
use warnings;

use JSON::PP;
use Test::More;
use Time::HiRes qw(sleep time);

use TaskServer;

my $s = TaskServer->start(
    http => 'task_job_zone jobs:1m; task_job_zone small:128k max_result=4k;',
    server => '
        location = /few    { task sleep; task_background prefer zone=jobs max=4; }
        location = /small  { task sleep; task_background prefer zone=small; }
        location = /on     { task sleep; task_background on zone=jobs; }
        location /jobs/    { task_jobs zone=jobs; }
        location = /quick  { quick; }
    ');

my $prefer = "Prefer: respond-async, wait=5\r\n";
my (@c, %n);

sub id { decode_json($_[0]{body})->{id} }

sub count {
    my %seen;

    $seen{"$_->{status} " . ($_->{headers} =~ /event-stream/
                             && $_->{body} !~ /^event: end/m ? 'no end' : '')}++
        for $s->read_all([ @_ ]);

    return \%seen;
}

# "one that has no room is answered 503": and whoever waits gets its result

for (1 .. 30) {
    push @c, $s->open('/few?duration=20ms', headers => $prefer);
    sleep(0.006);
}

my $seen = count(@c);
is(join(' ', grep !/^(?:200|503)/, keys %$seen), '', 'Prefer, with max: a result, or no room');
cmp_ok($seen->{'200 '} // 0, '>=', 4, 'results');

for my $kind ('wait', 'events') {
    @c = ();

    while (@c < 15) {
        my $r = $s->get('/few?duration=20ms', headers => "Prefer: respond-async\r\n");
        sleep(0.004);
        next if $r->{status} != 202;
        my $id = id($r);
        push @c, $kind eq 'wait' ? $s->open("/jobs/$id?wait=3s")
                 : $s->open("/jobs/$id", headers => "Accept: text/event-stream\r\n");
    }

    is(join(' ', keys %{ count(@c) }), '200 ', "$kind, with max: all are told");
}

$seen = count(map $s->open('/small?duration=5ms', headers => $prefer), 1 .. 300);
is(join(' ', grep !/^(?:200|503)/, keys %$seen), '', 'in a full zone, too');

# a job that ends at once is told at once, not at the next look at all that is
# watched

my @times = sort { $a <=> $b } map {
    my $start = time;
    $s->get('/few?duration=0', headers => $prefer);
    time - $start;
} 1 .. 21;

cmp_ok($times[10], '<', 0.03, 'told at once');

# erased

is($s->get("/jobs/x?forget=$_", method => 'DELETE')->{status}, 404, "forget=$_: no job") for 'true';
my $id = id($s->get('/on?duration=60s'));
is($s->get("/jobs/$id?forget=maybe", method => 'DELETE')->{status}, 422, 'forget=maybe');
is($s->get("/jobs/$id?forget=true", method => 'DELETE')->{status}, 409, 'forget=true of one that runs');
is(decode_json($s->get("/jobs/$id")->{body})->{state}, 'running', 'it runs');

my ($code) = $s->stop('TERM');
is($code, 0, 'exit code');
$s->check_log;

done_testing();
