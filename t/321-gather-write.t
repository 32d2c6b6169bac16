#!/usr/bin/perl

# A child of a gather is let go in the midst of a line, or of an event, that is
# larger than the ring: it is finished before anybody else writes.

use strict;
use warnings;

use JSON::PP;
use Test::More;

use TaskBody;
use TaskServer;

my $s = TaskServer->start(
    main => "task_load $ENV{TEST_NGINX_TASKS}/test/cut.so;
             thread_pool default threads=4;",
    http => 'task_job_zone jobs:32m max_result=8m;',
    server => '
        location = /lines  { task cut; task_mode async; task_stream_buffer 4k; }
        location = /events { task cut kind=events; task_mode async;
                             task_stream_buffer 4k; task_stream_ping 0; }
        location = /late   { task cut; task_mode async; task_stream_buffer 4k;
                             task_timeout 600ms; }
        location = /job    { task cut; task_mode async; task_stream_buffer 4k;
                             task_background on zone=jobs; }
        location /jobs/    { task_jobs zone=jobs; }
        location = /seen   { task cuts_seen; task_mode sync; }
        location = /quick  { quick; }
    ');

my ($worker) = $s->workers;
my $size = 16 * 1024 * 1024;

sub seen { return decode_json($s->get('/seen')->{body}) }

# sent, and not read until the first line is cut off

sub cut {
    my ($uri) = @_;
    my $was = seen()->{cuts};
    my $c = $s->open($uri);
    $s->wait_for(sub { seen()->{cuts} == $was + 1 }, 'one to be cut off');
    return $c;
}

# what a line or an event has: its digit, and how many of them

sub found {
    my ($kind, $text) = @_;
    my @text = $kind eq 'events' ? map $_->{data}, events($text)
               : map /^\{"i":\d,"text":"(\d+)"\}$/ ? $1 : 'a part', split /\n/, $text;

    return join ' ', map {
        my $digit = substr $_, 0, 1;
        eval "tr/$digit//c" ? 'a part' : "$digit:" . length;
    } @text;
}

for my $kind ('lines', 'events') {
    for my $then ('none', 'write', 'piece') {
        for my $alone (0, 1) {
            my $pieces = seen()->{pieces};
            my $c = cut("/$kind?then=$then&alone=$alone");
            $s->wait_for(sub { seen()->{pieces} > $pieces }, 'the piece')
                if $alone && $then eq 'piece';

            my ($text, $ended) = body($s->read($c)->{body});
            my @expected = ("0:$size", $alone ? () : '1:10240',
                            $then eq 'none' ? () : '2:10240');

            is(found($kind, $text), "@expected", "$kind, then $then, alone $alone");
            is(substr($text, -1), "\n", 'to the last line end');
            ok($ended, 'a proper end');
        }
    }
}

# the task ends in the midst of it: nothing is left, and there is no end

my $c = cut('/late');
$s->wait_for(sub { $s->text('error.log') =~ /task "cut" timed out/ }, 'the time to be over');
my ($text, $ended) = body($s->read($c)->{body});
ok(!$ended, 'no end');
cmp_ok(length $text, '<', $size, 'a part');

# the client leaves: what was to be finished is freed

sub memory {
    open my $in, '<', "/proc/$worker/status" or die $!;
    return (map /^VmRSS:\s+(\d+)/, <$in>)[0] * 1024;
}

my $before = memory();

for my $then (('write', 'piece') x 5) {
    $c = cut("/lines?then=$then");
    close $c->{socket};
}

ok($s->wait_for(sub { memory() < $before + 4 * $size }, 'it to be freed', 20),
   'nothing is kept of ten that have left');

# a job

for my $then ('none', 'write', 'piece') {
    for my $alone (0, 1) {
        my $id = decode_json($s->get("/job?size=4m&timeout=1ms&pause=0&then=$then"
                                     . "&alone=$alone")->{body})->{id};
        my $r = decode_json($s->get("/jobs/$id?wait=20s")->{body});
        is($r->{state}, 'done', "a job, then $then, alone $alone");

        my @expected = ('0:4194304', $alone ? () : '1:10240',
                        $then eq 'none' ? () : '2:10240');
        is(found('lines', $s->get("/jobs/$id/result")->{body}), "@expected", 'its lines');
    }
}

is($s->get('/quick')->{status}, 200, 'others are served');
is(join(' ', $s->workers), $worker, 'the worker lives');

$s->stop('QUIT');
$s->check_log;

done_testing();
