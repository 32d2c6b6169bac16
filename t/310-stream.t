#!/usr/bin/perl

# Functions that stream, in a thread and on the event loop: bytes, lines and
# events, back pressure, and each way in which a stream may end.

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
    my $m = "task_mode $mode;";

    qq{
        location = /$name/pour   { task pour; $m }
        location = /$name/small  { task pour; $m task_stream_buffer 4k; }
        location = /$name/late   { task pour; $m task_timeout 500ms; }
        location = /$name/slow   { task pour; $m send_timeout 1s; }
        location = /$name/rate   { task pour; $m limit_rate 64k; }
        location = /$name/events { task events; $m task_stream_ping 0; }
        location = /$name/late/events { task events; $m task_timeout 500ms; }
        location = /$name/ping   { task events; $m task_stream_ping 200ms; }
        location = /$name/lines  { task lines; $m }
        location = /$name/wrong  { task wrong; $m }
        location = /$name/stay   { task pour; $m task_ignore_client_abort on; }
        location = /$name/none   { error_page 403 =204 /$name/pour; return 403; }
        location = /$name/own    { task events; $m
                                   add_header Cache-Control private; }
    };
} [ 'thread', 'thread=ten' ], [ 'async', 'async' ];

my $s = TaskServer->start(
    main => "task_load $ENV{TEST_NGINX_TASKS}/test/stream.so;
             thread_pool ten threads=10; thread_pool two threads=2;
             task_shutdown_timeout 1s;",
    http => 'task_zone numbers:256k; task_stats numbers;
             log_format stream \'$uri $status $task_state $task_stream_bytes \'
                               \'$task_stream_wait\';',
    server => $locations . '
        access_log logs/stream.log stream;
        location = /mixed  { task mixed; }
        location = /sync   { task wrong data=ok pause=0 before=0; task_mode sync; }
        location = /seen   { task seen; task_mode sync; access_log off; }
        location = /quick  { quick; access_log off; }
        location = /status { task_status json; access_log off; }
        location = /metrics { task_status prometheus; access_log off; }
    ');

my ($r, $c, @r, @c);

sub poured { return substr join('', map sprintf("%015d\n", $_), 0 .. $_[0] / 16),
                           0, $_[0] }

sub same {
    my ($r, $n, $what) = @_;
    my ($body, $ended) = body($r->{body});
    ok($body eq poured($n), "$what: " . length($body) . ' bytes');
    ok($ended, "$what: its end");
}

sub seen { return decode_json($s->get('/seen')->{body}) }

sub logged {
    my ($regex) = @_;
    return $s->wait_for(sub { $s->text('stream.log') =~ /^$regex$/m }, "log: $regex");
}

for my $m ('thread', 'async') {

    # bytes, in pieces of any size, through buffers of any size

    $r = $s->get("/$m/pour?size=64");
    is($r->{status}, 200, "$m: status");
    like($r->{headers}, qr{^Content-Type: application/octet-stream\r?$}m, "$m: type");
    unlike($r->{headers}, qr/^Content-Length/m, "$m: no length");
    same($r, 64, "$m: 64");

    for my $piece (1, 15, 4095, 4096, 4097, 100_000) {
        my $n = $piece < 16 ? 20_000 : 1_000_000;
        same($s->get("/$m/small?size=$n&piece=$piece"), $n, "$m: pieces of $piece");
    }
    same($s->get("/$m/pour?size=5000000&piece=1m"), 5_000_000, "$m: 5 MB");

    # what was set before the first piece

    $r = $s->get("/$m/pour?status=201&type=text/csv;%20charset=utf-8&header=x");
    is($r->{status}, 201, "$m: a status");
    like($r->{headers}, qr{^Content-Type: text/csv; charset=utf-8\r?$}m, "$m: a type");
    like($r->{headers}, qr{^X-Test: x\r?$}m, "$m: a header");

    # each piece goes out at once

    $c = $s->open("/$m/pour?size=48&piece=16&pause=1s");
    my (@at, $n);
    while (@at < 3 && IO::Select->new($c->{socket})->can_read(10)) {
        last unless sysread $c->{socket}, $c->{text}, 65536, length $c->{text};
        $n = () = $c->{text} =~ /^0{14}\d$/mg;
        push @at, time() - $c->{start} while @at < $n;
    }
    is(scalar @at, 3, "$m: three pieces");
    cmp_ok($at[0], '<', $at[1] - 0.2, "$m: the second comes later");
    cmp_ok($at[1], '<', $at[2] - 0.2, "$m: and the third");
    cmp_ok($at[2], '>=', 2, "$m: none is early");
    $s->read($c);

    # lines of JSON

    $r = $s->get("/$m/lines?n=3");
    like($r->{headers}, qr{^Content-Type: application/jsonl\r?$}m, "$m: lines");
    is((body($r->{body}))[0], join('', map qq({"i":$_,"s":"a\\nb"}\n), 0 .. 2),
       "$m: lines of JSON");

    # events

    $r = $s->get("/$m/events?n=2&id=7&data=a%0Ab%0D%0Ac%0Dd%0A");
    like($r->{headers}, qr{^Content-Type: text/event-stream\r?$}m, "$m: events");
    like($r->{headers}, qr{^Cache-Control: no-cache\r?$}m, "$m: not to be kept");
    like($r->{headers}, qr{^X-Accel-Buffering: no\r?$}m, "$m: nor held back");
    is((body($r->{body}))[0],
       "id: 7\nevent: tick\ndata: a\ndata: b\ndata: c\ndata: d\ndata: \n\n" x 2,
       "$m: lines of events end as they like");
    is((body($s->get("/$m/events?n=1&data=")->{body}))[0],
       "event: tick\ndata: \n\n", "$m: an empty event");
    is(join(',', $s->get("/$m/own?n=1")->{headers} =~ /^Cache-Control: (.*?)\r?$/mg),
       'private', "$m: its own Cache-Control");

    # silence

    $r = $s->get("/$m/ping?n=2&pause=900ms");
    my ($body) = body($r->{body});
    is(scalar(() = $body =~ /^event: tick\ndata: tick\n\n/mg), 2, "$m: events");
    cmp_ok(scalar(() = $body =~ /^: \n\n/mg), '>=', 2, "$m: comments between");
    cmp_ok(scalar(() = $body =~ /^: \n\n/mg), '<=', 10, "$m: as often as told");
    $r = $s->get("/$m/events?n=2&pause=400ms");
    unlike($r->{body}, qr/^:/m, "$m: none");

    # HEAD: the same headers, and the function ends

    my $was = seen();
    $r = $s->get("/$m/pour?end=forever&status=202", method => 'HEAD');
    is($r->{status}, 202, "$m: HEAD");
    like($r->{headers}, qr{^Content-Type: application/octet-stream\r?$}m, "$m: HEAD: type");
    is($r->{body}, '', "$m: HEAD: no body");
    $s->wait_for(sub { seen()->{deferred} == $was->{deferred} + 1 }, 'HEAD: its end');
    is(seen()->{cancelled}, $was->{cancelled} + 1, "$m: HEAD: cancelled");
    logged("/$m/pour 202 done 0 0.000");

    # failed

    $r = $s->get("/$m/pour?size=160&end=fail");
    my ($text, $ended) = body($r->{body});
    is($text, poured(160), "$m: all of it is sent, though it fails");
    ok(!$ended, "$m: and has no end");
    ok($r->{ended}, "$m: the connection is closed");
    logged("/$m/pour 200 failed 160 0.000");

    for my $end ('result', 'status') {
        $r = $s->get("/$m/pour?end=$end");
        ok(!(body($r->{body}))[1], "$m: $end after the first piece");
    }
    is(scalar(() = $s->text('error.log') =~ /"pour": sets its result after it has begun/g),
       $m eq 'thread' ? 2 : 4, "$m: the log says so");

    $r = $s->get("/$m/events?n=1&end=fail");
    ($text, $ended) = body($r->{body});
    is($text, qq(event: tick\ndata: tick\n\nevent: error\ndata: {"detail":"no more"}\n\n),
       "$m: an event tells the error");
    ok(!$ended, "$m: and the stream is broken");

    # its time is over

    $r = $s->get("/$m/late?end=forever&pause=100ms");
    ($text, $ended) = body($r->{body});
    cmp_ok(length $text, '>', 0, "$m: timeout: bytes");
    ok(!$ended, "$m: timeout: no end");
    cmp_ok($r->{time}, '>=', 0.5, "$m: timeout: not early");
    cmp_ok($r->{time}, '<', 3, "$m: timeout: on time");
    logged("/$m/late 200 timeout \\d+ \\S+");

    $r = $s->get("/$m/late/events?n=1000&pause=100ms");
    like((body($r->{body}))[0], qr/tick\n\nevent: error\ndata: \{"detail":"Gateway Timeout"\}\n\n$/,
         "$m: timeout: an event tells");

    # back pressure: who does not read holds the function back

    $c = $s->open("/$m/pour?size=30m&piece=64k");
    sleep(0.7);
    $r = $s->read($c);
    same($r, 30 * 1024 * 1024, "$m: a client that reads late");
    logged("/$m/pour 200 done 31457280 (?:0\\.[3-9]|[1-9]).*");
    my ($row) = grep $_->{location} eq "/$m/pour",
                @{ decode_json($s->get('/status')->{body})->{zones}[0]{tasks} };
    cmp_ok($row->{stream_bytes}, '>', 30 * 1024 * 1024, "$m: bytes are counted");
    cmp_ok($row->{stream_wait}, '>', 0.3, "$m: and the wait");

    # the client leaves, while the function waits for it

    $was = seen();
    $c = $s->open("/$m/pour?end=forever&piece=64k");
    sleep(0.3);
    is(seen()->{cancelled}, $was->{cancelled}, "$m: it waits");
    my $left = time();
    close $c->{socket};
    $s->wait_for(sub { seen()->{deferred} == $was->{deferred} + 1 }, 'it to notice');
    cmp_ok(time() - $left, '<', 2, "$m: it knows at once");
    is(seen()->{cancelled}, $was->{cancelled} + ($m eq 'thread'),
       "$m: a thread is told, an await does not end");
    logged("/$m/pour 200 cancelled \\d+ \\S+");

    # and while it does something else

    $was = seen();
    $c = $s->open("/$m/pour?end=forever&pause=20s");
    sleep(0.1);
    close $c->{socket};
    $s->wait_for(sub { seen()->{deferred} == $was->{deferred} + 1 }, 'it to notice, too');

    # also with task_ignore_client_abort: nobody is there to write to

    $was = seen();
    $c = $s->open("/$m/stay?end=forever&piece=64k");
    sleep(0.1);
    close $c->{socket};
    $s->wait_for(sub { seen()->{deferred} == $was->{deferred} + 1 }, 'it to be in vain');

    # its time is over, and it leaves before it has read all that was put

    my $timed_out = sub { scalar(() = $s->text('error.log') =~ m{timed out.*/$m/late}g) };
    my $before = $timed_out->();
    $c = $s->open("/$m/late?end=forever&piece=64k");
    $s->wait_for(sub { $timed_out->() > $before }, 'its time to be over');
    shutdown $c->{socket}, 1;
    ok($s->wait_for(sub { $s->text('stream.log') =~ m{^/$m/late 200 timeout \d{5,} }m },
                    'its end', 20), "$m: it is seen, long before send_timeout");

    # a client that does not read at all

    $was = seen();
    $c = $s->open("/$m/slow?end=forever&piece=64k");
    $s->wait_for(sub { seen()->{deferred} == $was->{deferred} + 1 }, 'send_timeout');
    cmp_ok(time() - $c->{start}, '>=', 1, "$m: send_timeout");
    like($s->text('error.log'), qr/client timed out \(\d+: .*$m\/slow/, "$m: it is logged");
    close $c->{socket};

    # limit_rate

    $r = $s->get("/$m/rate?size=160k&piece=16k");
    same($r, 160 * 1024, "$m: limit_rate");
    cmp_ok($r->{time}, '>=', 1, "$m: limit_rate: not faster");
    cmp_ok($r->{time}, '<', 10, "$m: limit_rate: nor much slower");

    # HTTP/1.0

    my $old = $s->connect;
    $old->syswrite("GET /$m/pour?size=100000&piece=1000 HTTP/1.0\r\n\r\n");
    $text = '';
    1 while sysread $old, $text, 65536, length $text;
    ok($text =~ s/^.*?\r\n\r\n//s && $text eq poured(100_000), "$m: HTTP/1.0");

    # a status that error_page gives, of an answer without a body

    $c = $s->connect;
    $c->syswrite("GET /$m/none?end=forever HTTP/1.1\r\nHost: a\r\n\r\n"
                 . "GET /quick HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    $text = '';
    1 while sysread $c, $text, 65536, length $text;
    like($text, qr{^HTTP/1.1 204 .*?\r\n\r\nHTTP/1.1 200 }s, "$m: 204");

    # two after each other on a connection

    $c = $s->connect;
    $c->syswrite("GET /$m/pour?size=32&piece=32 HTTP/1.1\r\nHost: a\r\n\r\n" x 2
                 . "GET /quick HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    $text = '';
    1 while sysread $c, $text, 65536, length $text;
    is(scalar(() = $text =~ /^0{15}\n0{14}1\n/mg), 2, "$m: pipelined");
    like($text, qr/quick response/, "$m: and another answer");
}

# in turns

is((body($s->get('/mixed')->{body}))[0], 'one two three', 'by the loop and by a thread');

# what must not be done

my %wrong = (
    'thread/wrong?data=null'     => [ 500, 'sends bytes that are NULL' ],
    'thread/wrong?data=deferred' => [ 500, 'streams in a deferred call' ],
    'thread/wrong?data=after'    => [ 500, 'streams after it has set a result' ],
    'thread/wrong?data=empty'    => [ 500, 'streams with a status that has no body' ],
    'thread/wrong?data=other'    => [ 200, 'streams an event in an answer of another type' ],
    'thread/wrong?data=id'       => [ 500, 'streams an event whose name or id has a line end' ],
    'async/wrong'                => [ 500, 'sends on the event loop: await ngx_task_write' ],
    'sync'                       => [ 500, 'streams in task_mode "sync"' ],
);

for my $uri (sort keys %wrong) {
    my ($status, $log) = @{ $wrong{$uri} };
    $r = $s->get("/$uri");
    is($r->{status}, $status, "$uri: status");
    ok(!(body($r->{body}))[1], "$uri: broken") if $status == 200;
    like($s->text('error.log'), qr/"wrong": \Q$log\E/, "$uri: the log says so");
}

like($s->get('/metrics')->{body},
     qr/^nginx_task_stream_bytes_total\{.*"\/thread\/pour".*\}\ [1-9]\d{7}.*
        ^nginx_task_stream_wait_seconds_total\{.*"\/thread\/pour".*\}\ [01-9]+\.\d+$/msx,
     'metrics');

# many at once, some of which leave

@c = map $s->open(($_ % 2 ? '/thread' : '/async') . '/small?size=200000&piece=3000'),
     1 .. 40;
for (0 .. $#c) { close $c[$_]{socket} if $_ % 3 == 0 }
@r = $s->read_all([ @c[grep $_ % 3, 0 .. $#c] ]);
is(scalar(grep { my ($b, $e) = body($_->{body}); $e && $b eq poured(200_000) } @r),
   scalar @r, 'many at once');

# a worker that quits: what ends in time is complete, others are not; clients of
# events are told to come back

my $was;
$s->wait_for(sub { $was = seen(); $was->{begun} == $was->{deferred} }, 'these to end');
my %q = map { $_ => $s->open($_) }
    '/thread/pour?size=64&piece=16&pause=100ms', '/async/pour?size=64&piece=16&pause=100ms',
    '/thread/pour?end=forever&pause=50ms', '/async/pour?end=forever&pause=50ms',
    '/thread/pour?end=forever&piece=64k', '/async/pour?end=forever&piece=64k',
    '/thread/events?n=1000&pause=50ms', '/async/events?n=1000&pause=50ms';
$s->wait_for(sub { seen()->{begun} >= $was->{begun} + 8 }, 'all to begin');
my $since = time();
$s->signal('HUP');
my %done;
for my $uri (grep !/piece=64k/, sort keys %q) {
    $r = $s->read($q{$uri});
    my ($text, $ended) = body($r->{body});

    if ($uri =~ /size/) {
        ok($text eq poured(64) && $ended, "$uri: ends in time");
    } elsif ($uri =~ /events/) {
        like($text, qr/tick\n\nretry: \d+\n\n$/, "$uri: come back");
        ok($ended, "$uri: a clean end");
    } else {
        ok(!$ended, "$uri: broken");
    }
}
cmp_ok(time() - $since, '>=', 1, 'not before task_shutdown_timeout');
cmp_ok(time() - $since, '<', 10, 'nor long after it');
close $q{$_}{socket} for grep /piece=64k/, keys %q;
logged("/$_/events 200 failed \\d+ \\S+") for 'thread', 'async';
is(scalar(() = $s->text('error.log')
          =~ /\[warn\].*stream of task "\w+" did not end before task_shutdown_timeout/g),
   6, 'it is logged');
is($s->get('/thread/pour?size=16')->{status}, 200, 'the new worker');

$s->stop();
$s->check_log();

done_testing();
