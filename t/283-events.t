#!/usr/bin/perl

# Server-sent events by their standard: any line end, ids to go on from, and who
# had the end is told to stop.

use strict;
use warnings;

use IO::Select;
use JSON::PP;
use Test::More;
use Time::HiRes qw(sleep time);

use TaskBody;
use TaskServer;

my $examples = $ENV{TEST_NGINX_TASKS};

my $s = TaskServer->start(
    main => "task_load $examples/test/answers.so; task_load $examples/countdown.so;
             thread_pool two threads=4;",
    http => 'task_job_zone jobs:1m;',
    server => '
        location = /count   { task countdown; task_mode thread=two;
                              task_background on zone=jobs; }
        location = /lines   { task lines; task_background on zone=jobs; }
        location = /header  { task header; task_background on zone=jobs; }
        location /jobs/     { task_jobs zone=jobs; }
        location /zip/      { task_jobs zone=jobs; gzip on; gzip_min_length 0;
                              gzip_types text/event-stream; }
        location /rate/     { task_jobs zone=jobs; limit_rate 100; send_timeout 1s; }
        location = /page    { ssi on; ssi_types text/plain; default_type text/plain;
                              return 200 "<<!--# include virtual=\"/jobs/$arg_id\" -->>"; }
        location = /quick   { quick; }
    ');

my ($r, $id, $c, @events);

sub submit { return decode_json($s->get(@_)->{body})->{id} }

sub ended { return decode_json($s->get("/jobs/$_[0]?wait=20s")->{body}) }

sub stream {
    my ($uri, $last) = @_;

    return $s->get($uri, headers => "Accept: text/event-stream\r\n"
                   . (defined $last ? "Last-Event-ID: $last\r\n" : ''));
}

# JSON with line ends of all kinds

$id = submit('/lines');
ended($id);
@events = events(unchunked(stream("/jobs/$id")));
is(scalar @events, 1, 'one event');
is_deeply(eval { decode_json($events[0]{data})->{result} }, { a => 1, b => 'x', c => 2 },
          'line ends in the JSON');

# "progress" has no id: the one that a client has is of an event of the function

$id = submit('/count?steps=5&every=150ms');
@events = events(unchunked(stream("/jobs/$id")));
cmp_ok(scalar @events, '>=', 4, 'events');
is("$events[-1]{event} $events[-1]{id}", "end $id", 'the last one is the end');
is(scalar(grep defined $_->{id}, @events), 1, 'it alone has an id');
my @done = map decode_json($_->{data})->{progress}{done}, @events;
is("@done", join(' ', sort { $a <=> $b } @done), 'the progress grows');

# EventSource that comes back

$r = stream("/jobs/$id", $id);
is("$r->{status} $r->{body}", '204 ', 'who had the end is told to stop');
unlike($r->{headers}, qr/^Content-(?:Length|Type)/mi, 'by nothing else');
is((events(unchunked(stream("/jobs/$id", $_))))[0]{id}, $id, "after $_: the end")
    for 1, 'x', '', 'end', substr($id, 1), $id . '0';
is($s->get("/jobs/$id", headers => "Last-Event-ID: $id\r\n")->{status}, 200, 'a poll');
is(stream('/jobs/' . '0' x 32, 'end')->{status}, 404, 'unknown');

$id = submit('/count?steps=10&every=100ms');
@events = ();
$s->wait_for(sub { decode_json($s->get("/jobs/$id")->{body})->{progress}{done} >= 2 },
             'some progress');
$c = $s->open("/jobs/$id", headers => "Accept: text/event-stream\r\n");
my $select = IO::Select->new($c->{socket});
until ($c->{text} =~ /event: progress/) {
    last unless $select->can_read(5) && sysread $c->{socket}, $c->{text}, 4096, length $c->{text};
}
close $c->{socket};
@events = events(unchunked(stream("/jobs/$id")));
is($events[0]{event}, 'progress', 'who comes back is told how it is now');
cmp_ok(decode_json($events[0]{data})->{progress}{done}, '>=', 2, 'and not how it was');
is($events[-1]{id}, $id, 'to the end');
$id = submit('/count?steps=10&every=100ms');
@events = events(unchunked(stream("/jobs/$id", $id)));
is($events[-1]{id}, $id, 'one that has not ended does not believe it');

# inside a page there is no stream

$id = submit('/count?steps=3&every=100ms');
$r = $s->get("/page?id=$id", headers => "Accept: text/event-stream\r\n");
like(unchunked($r), qr/^<\{"id":"$id".*\}>$/, 'in a page: the job as it is');
unlike($r->{body}, qr/event:|data:/, 'no events');

# limit_rate is the operator's doing, not the client's

$id = submit('/count?steps=4&every=100ms');
my $start = time();
@events = events(unchunked(stream("/rate/$id")));
is($events[-1]{id}, $id, 'limit_rate: the end comes');
cmp_ok(time() - $start, '>=', 1, 'and send_timeout does not end it');

# plain, gzip'd, several at once

$id = submit('/count?steps=200&every=5ms');
for my $uri ('/jobs', '/zip') {
    my @c = map $s->open("$uri/$id", headers => "Accept: text/event-stream\r\n"
                         . "Accept-Encoding: gzip\r\n"), 1 .. 3;
    is($_->{ended} && $_->{status}, 200, "$uri: ends") for $s->read_all(\@c);
}

# who leaves is gone

my ($worker) = $s->workers;
sub descriptors { return scalar(() = glob "/proc/$worker/fd/*") }

$id = submit('/count?steps=100&every=100ms');
my $before = descriptors();
my @c = map $s->open("/jobs/$id", headers => "Accept: text/event-stream\r\n"), 1 .. 10;
$s->wait_for(sub { descriptors() >= $before + 10 }, 'them to be there');
sleep(0.1);
close $_->{socket} for @c;
ok($s->wait_for(sub { descriptors() <= $before }, 'them to be gone', 4), 'gone');
$s->get("/jobs/$id", method => 'DELETE');

# a quit: a clean end, to come back from

$id = submit('/count?steps=30&every=100ms');
$c = $s->open("/jobs/$id", headers => "Accept: text/event-stream\r\n");
sleep(0.3);
$s->reload;
my $text = unchunked($s->read($c));
ok($text =~ s/retry: 1000\n\n\z//, 'a reload: come back');
@events = events($text);
is($events[-1]{event}, 'progress', 'no end');
@events = events(unchunked(stream("/jobs/$id")));
is($events[-1]{id}, $id, 'the new worker goes on');

my ($code) = $s->stop('TERM');
is($code, 0, 'exit code');
$s->check_log;

done_testing();
