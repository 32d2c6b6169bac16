#!/usr/bin/perl

# What the function of a job streams: bytes are its result, events are kept, for
# those who come later, and come back, in any worker.

use strict;
use warnings;

use IO::Select;
use JSON::PP;
use Test::More;
use Time::HiRes qw(sleep time);

use TaskBody;
use TaskServer;

my $locations = join '', map {
    my ($name, $mode) = @$_;
    my $m = "task_mode $mode; task_background on zone=jobs;";

    qq{
        location = /$name/pour   { task pour; $m }
        location = /$name/small  { task pour; $m task_stream_buffer 4k; }
        location = /$name/events { task events; $m }
        location = /$name/lines  { task lines; $m }
        location = /$name/late   { task events; $m task_timeout 500ms; }
        location = /$name/prefer { task pour; task_mode $mode;
                                   task_background prefer zone=jobs; }
        location = /$name/prefer/events { task events; task_mode $mode;
                                          task_background prefer zone=jobs; }
        location = /$name/none   { task events; task_mode $mode;
                                   task_background on zone=none; }
        location = /$name/huge   { task pour; task_mode $mode;
                                   task_background on zone=huge; }
    };
} [ 'thread', 'thread' ], [ 'async', 'async' ];

my $s = TaskServer->start(
    workers => 2,
    main => "task_load $ENV{TEST_NGINX_TASKS}/test/stream.so;",
    http => 'task_job_zone jobs:2m max_result=100k max_events=1k;
             task_job_zone none:1m max_events=0;
             task_job_zone huge:48m max_result=16m;
             task_zone numbers:256k; task_stats numbers;',
    server => $locations . "
        location = /sync { task wrong data=ok pause=0 before=0; task_mode sync;
                           task_background on zone=jobs; }
        location = /stream { task command program=/bin/echo 'args=a \"b c\"' type=text/x-a;
                             task_background on zone=jobs; }
        location = /whole  { task command program=/bin/echo 'args=a \"b c\"' type=text/x-a
                             output=whole; task_background on zone=jobs; }
        location = /exits  { task command program=/bin/false fail=*:418;
                             task_background on zone=jobs; }
        location /jobs/ { task_jobs zone=jobs; }
        location /none/ { task_jobs zone=none; }
        location /huge/ { task_jobs zone=huge; }
        location = /status { task_status json; }
        location = /quick { quick; }
    ");

my ($r, $id, $job, $c);

sub submit {
    my ($uri) = @_;
    my $r = $s->get($uri);

    is($r->{status}, 202, "$uri: accepted") or return;

    return decode_json($r->{body})->{id};
}

sub ended {
    my ($id, $zone) = @_;
    return decode_json($s->get('/' . ($zone // 'jobs') . "/$id?wait=20s")->{body});
}

sub stream {
    my ($id, $last, $zone) = @_;

    return $s->get('/' . ($zone // 'jobs') . "/$id",
                   headers => "Accept: text/event-stream\r\n"
                   . (defined $last ? "Last-Event-ID: $last\r\n" : ''));
}

# a stream comes in any number of pieces: its head alone, often

sub seen {
    my ($c, $what) = @_;
    my $select = IO::Select->new($c->{socket});

    until ($c->{text} =~ $what) {
        last unless $select->can_read(10)
                    && sysread $c->{socket}, $c->{text}, 4096, length $c->{text};
    }

    like($c->{text}, $what, 'what it has come to');
}

sub names { return join ' ', map $_->{event} // '-', @_ }

sub expected {
    my ($size) = @_;
    return substr join('', map sprintf("%015d\n", $_), 0 .. $size / 16), 0, $size;
}

for my $m ('thread', 'async') {

    # bytes

    $id = submit("/$m/pour?size=50k&piece=100&type=text/csv&status=201");
    $job = ended($id);
    is("$job->{state} $job->{status}", 'done 201', "$m: bytes");
    is($job->{content_type}, 'text/csv', 'their type');
    is($job->{result}, expected(51200), 'the result, as text');

    $r = $s->get("/jobs/$id/result");
    is($r->{status}, 201, 'the result alone: its status');
    like($r->{headers}, qr/^Content-Type: text\/csv\r$/m, 'its type');
    like($r->{headers}, qr/^Content-Length: 51200\r$/m, 'its length');
    is($r->{body}, expected(51200), 'its bytes');
    $r = $s->get("/jobs/$id/result", method => 'HEAD');
    like("$r->{status} $r->{headers}", qr/^201 .*^Content-Length: 51200\r$/ms, 'HEAD');

    # as much as max_result, and one more; through a small ring

    $id = submit("/$m/small?size=102400&piece=1000");
    is(length ended($id)->{result}, 102400, 'as much as max_result');
    $id = submit("/$m/small?size=102401&piece=1000");
    $job = ended($id);
    is("$job->{state} $job->{status} $job->{error}",
       'failed 500 the result is too large', 'one more');
    is($s->get("/jobs/$id/result")->{body}, '{"detail":"the result is too large"}',
       'and so says the result');

    # a function that would go on for ever is ended then

    $id = submit("/$m/pour?end=forever&piece=1k");
    is(ended($id)->{error}, 'the result is too large', 'without an end');
    ok($s->wait_for(sub { !grep $_->{running},
                          @{ decode_json($s->get('/status')->{body})->{zones}[0]{tasks} } },
                    'it to end', 10), 'it ends');

    # what fails has no result

    $id = submit("/$m/pour?end=fail");
    $job = ended($id);
    is("$job->{state} $job->{status} $job->{error}", 'failed 502 no more', 'it fails');
    ok(!exists $job->{result}, 'no result');

    # lines

    $id = submit("/$m/lines?n=3");
    $job = ended($id);
    is($job->{content_type}, 'application/jsonl', 'lines');
    is($job->{result}, join('', map "{\"i\":$_,\"s\":\"a\\nb\"}\n", 0 .. 2), 'their text');

    # megabytes, through the ring many times

    $id = submit("/$m/huge?size=16m&piece=64k");
    is(ended($id, 'huge')->{state}, 'done', '16 MB');
    $r = $s->get("/huge/$id/result");
    ok($r->{body} eq expected(16 * 1024 * 1024), 'each byte');
    $s->get("/huge/$id?forget=1", method => 'DELETE');

    # who waits a moment for the result gets it as from a task

    $r = $s->get("/$m/prefer?size=1000&type=text/x-a&status=203",
                 headers => "Prefer: respond-async, wait=20\r\n");
    like("$r->{status} $r->{headers}", qr{^203 .*^Content-Type: text/x-a\r$}ms, 'prefer');
    is($r->{body}, expected(1000), 'its bytes');

    # events: all are kept for who comes later

    $id = submit("/$m/events?n=4&data=a%0Ab");
    $job = ended($id);
    is("$job->{state} $job->{content_type}", 'done text/event-stream', 'events');
    is($job->{result}, undef, 'they are no result');
    my @events = events(unchunked(stream($id)));
    is(names(@events), 'tick tick tick tick end', 'each of them');
    is(join(' ', map $_->{own}, @events), "1 2 3 4 $id", 'by number');
    is($events[0]{data}, "a\nb", 'their data');
    @events = events(unchunked(stream($id, 2)));
    is(join(' ', map $_->{own}, @events), "3 4 $id", 'those behind the second one');
    is(names(events(unchunked(stream($id, 4)))), 'end', 'behind the last one');
    is(names(events(unchunked(stream($id, 'other')))), 'tick tick tick tick end',
       'behind one that is not known: all');
    is(stream($id, $id)->{status}, 204, 'behind the end');

    $r = $s->get("/jobs/$id/result");
    like($r->{headers}, qr{^Content-Type: text/event-stream\r$}m, 'as a result: the type');
    is(names(events($r->{body})), 'tick tick tick tick', 'and the events');

    # ids of the function's own

    $id = submit("/$m/events?n=3&id=x");
    ended($id);
    @events = events(unchunked(stream($id)));
    is(join(' ', map $_->{own}, @events), "x x x $id", 'ids of its own');
    is(names(events(unchunked(stream($id, 'x')))), 'end', 'the last one of that id counts');

    # one that looks like the end of the job is none

    $id = submit("/$m/events?n=1&id=end");
    ended($id);
    $r = stream($id, 'end');
    is("$r->{status} " . names(events(unchunked($r))), '200 end', 'an id of its own: end');

    # the newest ones

    $id = submit("/$m/events?n=100&data=" . 'd' x 50);
    ended($id);
    @events = events(unchunked(stream($id)));
    pop @events;
    my $size = length("id: 100\nevent: tick\ndata: " . 'd' x 50 . "\n\n");
    cmp_ok(scalar @events, '>=', int(1024 / $size), 'max_events: the newest ones');
    cmp_ok(@events * ($size - 1), '<=', 1024, 'not more than it says');
    is($events[-1]{own}, 100, 'up to the last one');
    is($events[0]{own}, 101 - @events, 'without a gap');
    is((events(unchunked(stream($id, 1))))[0]{own}, $events[0]{own},
       'who was behind gets those that are left');

    # one that cannot be kept

    $id = submit("/$m/events?n=100&data=" . 'd' x 1024);
    is(ended($id)->{error}, 'an event is larger than max_events', 'too large');
    my $most = 1024 - length("id: 1\nevent: tick\ndata: \n\n");
    $id = submit("/$m/events?n=1&data=" . 'd' x $most);
    ended($id);
    is(names(events(unchunked(stream($id)))), 'tick end', 'as large as max_events');
    $id = submit("/$m/events?n=1&data=" . 'd' x ($most + 1));
    is(ended($id)->{error}, 'an event is larger than max_events', 'and one byte more');

    $id = submit("/$m/none?n=100");
    $job = ended($id, 'none');
    is($job->{state}, 'done', 'max_events=0: done');
    is($job->{result}, undef, 'without a result');
    is(names(events(unchunked(stream($id, undef, 'none')))), 'end', 'and none is kept');

    # live, in both workers: one after the other, never early

    $id = submit("/$m/events?n=5&pause=300ms");
    my @c = map $s->open("/jobs/$id", headers => "Accept: text/event-stream\r\n"), 1 .. 8;
    my $start = time();
    for $c ($s->read_all(\@c)) {
        @events = grep $_->{event} ne 'progress', events(unchunked($c));
        is(join(' ', map $_->{own}, @events), "1 2 3 4 5 $id", 'live: all');
    }
    cmp_ok(time() - $start, '>=', 1.2, 'not before they were made');

    # who leaves in the middle, and comes back with what it had

    $id = submit("/$m/events?n=10&pause=200ms");
    $c = $s->open("/jobs/$id", headers => "Accept: text/event-stream\r\n");
    seen($c, qr/^id: 3$/m);
    unlike($c->{text}, qr/^id: 9$/m, 'and the last ones are still to come');
    my @had = $c->{text} =~ /^id: (\d+)$/mg;
    close $c->{socket};
    @events = grep $_->{event} ne 'progress', events(unchunked(stream($id, $had[-1])));
    is(join(' ', @had, map $_->{own}, @events), "1 2 3 4 5 6 7 8 9 10 $id",
       'who comes back misses none, and has none twice');

    # those of what fails, times out, is cancelled

    $id = submit("/$m/events?n=3&end=fail");
    @events = grep $_->{event} ne 'progress', events(unchunked(stream($id)));
    is(names(@events), 'tick tick tick end', 'a failure');
    is(decode_json($events[-1]{data})->{error}, 'no more', 'says so at the end');

    $id = submit("/$m/late?n=100&pause=100ms");
    is(ended($id)->{state}, 'timeout', 'task_timeout');
    @events = events(unchunked(stream($id)));
    cmp_ok(scalar @events, '>=', 3, 'its events are there');
    is(decode_json($events[-1]{data})->{state}, 'timeout', 'and the end');

    $id = submit("/$m/events?n=100&pause=100ms");
    $c = $s->open("/jobs/$id", headers => "Accept: text/event-stream\r\n");
    seen($c, qr/^id: 2$/m);
    $s->get("/jobs/$id", method => 'DELETE');
    $job = ended($id);
    is("$job->{state} $job->{error}", 'cancelled the job was cancelled', 'cancelled');
    $r = $s->get("/jobs/$id/result");
    is("$r->{status} $r->{body}", '410 {"detail":"the job was cancelled"}', 'and so its result');
    @events = events(unchunked(stream($id)));
    cmp_ok(scalar(grep $_->{event} eq 'tick', @events), '>=', 2, 'its events are there');

    $r = $s->get("/$m/prefer/events?n=2", headers => "Prefer: respond-async, wait=20\r\n");
    is(names(events($r->{body})), 'tick tick', 'prefer: events');
}

# a program

for my $uri ('/stream', '/whole') {
    $id = submit($uri);
    $job = ended($id);
    is("$job->{state} $job->{content_type} $job->{result}", "done text/x-a a b c\n", 'its output');
    is($s->get("/jobs/$id/result")->{body}, "a b c\n", 'as it is');
}

$job = ended(submit('/exits'));
is("$job->{state} $job->{status}", 'failed 418', 'its exit code');

# not yet, and not at all

$id = submit('/thread/pour?pause=300ms&size=64&piece=16');
$r = $s->get("/jobs/$id/result");
like("$r->{status} $r->{headers}", qr/^202 .*^Retry-After: 1\r$/ms, 'no result yet');
like(decode_json($r->{body})->{state}, qr/^(?:queued|running)$/, 'but how it is');
is($s->get("/jobs/$id/result?wait=20s")->{body}, expected(64), 'wait: as soon as it is there');
is($s->get("/jobs/$id/result", method => 'DELETE')->{status}, 405, 'DELETE of a result');
is($s->get('/jobs/' . '0' x 32 . '/result')->{status}, 404, 'no such job');
is($s->get("/jobs/result")->{status}, 404, 'no id');
is($s->get("/jobs/$id/result/result")->{status}, 404, 'no id, twice');

$id = submit('/sync');
is(ended($id)->{state}, 'failed', 'task_mode sync');

my $log = $s->text('error.log');
like($log, qr/\[error\].* streams in task_mode "sync"/, 'and it is told');
like($log, qr/\[error\].* job "pour" failed: the result is too large.*, job: \w+$/m,
     'what was too large');
like($log, qr/\[error\].* job "events" failed: an event is larger than max_events/,
     'and an event');

# nothing is left behind

ok($s->wait_for(sub {
    !grep $_->{states}{running}, @{ decode_json($s->get('/status')->{body})->{jobs} };
}, 'none to run'), 'none runs');

my ($code) = $s->stop('TERM');
is($code, 0, 'exit code');
$s->check_log;

done_testing();
