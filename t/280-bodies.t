#!/usr/bin/perl

# Bodies of requests that wait: the client that leaves is noticed, however its
# body came; and the length is asked before anything is done with a body.

use strict;
use warnings;

use IO::Select;
use JSON::PP;
use Test::More;
use Time::HiRes qw(sleep time);

use TaskNginx qw(listen_http2);
use TaskServer;

my $tasks = "$ENV{TEST_NGINX_TASKS}/test";
my $json = "Content-Type: application/json\r\n";

my $s = TaskServer->start(
    main => "task_load $tasks/probe.so; thread_pool two threads=2;
             thread_pool probe threads=2;",
    http => 'task_job_zone jobs:4m max_body=1m; task_job_zone small:1m;
             client_max_body_size 8m;',
    server => listen_http2(1 + ($ENV{TEST_NGINX_PORT} || 1984) + 100) . '
        location = /job     { task sleep; task_background on zone=jobs; }
        location = /prefer  { task sleep; task_background prefer zone=jobs; }
        location = /wait    { task sleep duration=30s; }
        location = /values  { task values; task_background on zone=jobs;
                              task_limit running=2 queue=500; }
        location = /steps   { task steps; }
        location = /steps/job { task steps; task_background on zone=jobs; }
        location = /raw     { task body; task_background on zone=jobs; }
        location = /small   { task values; task_background on zone=small; }
        location = /small/raw { task body; task_background on zone=small; }
        location = /small/prefer { task values; task_background prefer zone=small; }
        location = /held    { task stubborn; task_mode thread=two;
                              task_limit running=2 queue=100; }
        location = /held/raw { task body; task_limit running=1 queue=100; }
        location /jobs/     { task_jobs zone=jobs; }
        location /small/jobs/ { task_jobs zone=small; }
        location = /quick   { quick; }
        location = /timer   { task sleep duration=1ms; }
    ');

my ($worker) = $s->workers;
my ($r, $c, $id, $before);

$s->get('/timer');         # timers need a descriptor, once

sub descriptors { return scalar(() = glob "/proc/$worker/fd/*") }

sub post {
    my ($uri, $body, %o) = @_;

    return $s->get($uri, method => 'POST', body => $body, headers =>
                   $json . 'Content-Length: ' . length($body) . "\r\n", %o);
}

sub ended {
    my ($id) = @_;

    return decode_json($s->get("/jobs/$id?wait=20s")->{body});
}

# of one whose body does not come: nginx waits for it before it closes

sub answer {
    my ($uri, $headers) = @_;
    my $text = '';

    my $c = $s->open($uri, method => 'POST', headers => $headers);
    my $ready = IO::Select->new($c->{socket});
    until ($text =~ /\r\n\r\n\{.*\}$/) {
        last unless $ready->can_read(5) && sysread $c->{socket}, $text, 4096, length $text;
    }

    return $text =~ m{^HTTP/1.1 (\d+) .*\r\n\r\n(.*)}s ? "$1 $2" : $text;
}

sub values_of { return '{"n":5,"name":"me","pad":"' . 'x' x $_[0] . '"}' }

# clients whose bodies come in pieces, and that leave then

$id = decode_json($s->get('/job?duration=60s')->{body})->{id};

my $stream = "Accept: text/event-stream\r\n";
my $two = "Content-Length: 2\r\n";
my $chunked = "Transfer-Encoding: chunked\r\n";

my @ways = (
    [ 'a poll', "/jobs/$id?wait=60s", 'GET', $two, 'a', 'b' ],
    [ 'HEAD', "/jobs/$id?wait=60s", 'HEAD', $two, 'a', 'b' ],
    [ 'chunked', "/jobs/$id?wait=60s", 'GET', $chunked, "1\r\na\r", "\n0\r\n\r\n" ],
    [ 'Expect', "/jobs/$id?wait=60s", 'GET', "Expect: 100-continue\r\n$two", '', 'ab' ],
    [ 'half of it', "/jobs/$id?wait=60s", 'GET', $two, 'a', '' ],
    [ 'a stream', "/jobs/$id", 'GET', "$stream$two", 'a', 'b' ],
    [ 'half of it, a stream', "/jobs/$id", 'GET', "$stream$two", 'a', '' ],
    [ 'Prefer', '/prefer?duration=1s', 'GET',
      "Prefer: respond-async, wait=60\r\n$two", 'a', 'b' ],
    [ 'a task', '/wait', 'GET', $two, 'a', 'b' ],
);

for my $way (@ways) {
    my ($name, $uri, $method, $headers, $first, $second) = @$way;

    $before = descriptors();

    my @c = map $s->open($uri, method => $method, headers => $headers,
                         body => $first), 1 .. 5;
    $s->wait_for(sub { descriptors() >= $before + 5 }, "$name: they are there");
    sleep(0.02);
    $_->{socket}->syswrite($second) for @c;
    sleep(0.08);
    close $_->{socket} for @c;

    ok($s->wait_for(sub { descriptors() <= $before }, $name, 4),
       "$name: who left is gone") or diag(descriptors(), " of $before");
}

# likewise over HTTP/2, with a body that ends and one that does not

sub frame {
    my ($type, $flags, $stream, $payload) = @_;

    return substr(pack('N', length $payload), 1) . pack('CCN', $type, $flags, $stream)
           . $payload;
}

sub h2 {
    my ($uri, @headers) = @_;

    my $block = "\x82\x86" . join '', map pack('C/a* C/a*', @$_) =~ s/^/\0/r,
                [ ':path', $uri ], [ ':authority', 'x' ], [ 'content-length', 2 ], @headers;
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $s->{port} + 1)
        or die "connect: $!";
    $socket->syswrite("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" . frame(4, 0, 0, '')
                      . frame(1, 4, 1, $block) . frame(0, 0, 1, 'a'));

    return $socket;
}

for my $way ([ 'a poll', "/jobs/$id?wait=60s" ],
             [ 'a stream', "/jobs/$id", [ 'accept', 'text/event-stream' ] ],
             [ 'Prefer', '/prefer?duration=1s', [ 'prefer', 'respond-async, wait=60' ] ],
             [ 'a task', '/wait' ])
{
    my ($name, $uri, @headers) = @$way;

    for my $whole (1, 0) {
        $before = descriptors();

        my @c = map h2($uri, @headers), 1 .. 5;
        $s->wait_for(sub { descriptors() >= $before + 5 }, "$name: they are there");
        sleep(0.02);
        $_->syswrite(frame(0, 1, 1, 'b')) for $whole ? @c : ();
        sleep(0.08);
        close $_ for @c;

        ok($s->wait_for(sub { descriptors() <= $before }, $name, 4),
           "HTTP/2, $name, whole: $whole: who left is gone");
    }

    # so many of them did wait

    $s->wait_access(quotemeta("GET $uri HTTP/2.0 ") . ($name =~ /stream/ ? 200 : 499), 5);
}

# one that stays is answered, and so is what it sends behind, however late

my $short = decode_json($s->get('/job?duration=300ms')->{body})->{id};
$c = $s->open("/jobs/$short?wait=20s", keepalive => 1, headers => $two, body => 'a');
sleep(0.1);
$c->{socket}->syswrite("bGET /quick HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
$r = $s->read($c);
like($r->{body}, qr/"state":"done".*HTTP.1\.1 200.*quick response/s,
     'who stays is answered, and goes on');

$short = decode_json($s->get('/job?duration=5500ms')->{body})->{id};
$c = $s->open("/jobs/$short?wait=20s", keepalive => 1, headers => $two, body => 'a');
sleep(0.1);
$c->{socket}->syswrite('b');
$c->{socket}->sysread($c->{text}, 4096);
$c->{socket}->syswrite("GET /quick HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
$r = $s->read($c);
like($r->{body}, qr/"state":"done".*HTTP.1\.1 200.*quick response/s,
     'also after longer than nginx waits for a body that it throws away');

# "a body over max_body is a 413": asked first, nothing of it is needed

my $large = 1_000_000;
for my $uri ('/small', '/small/raw') {
    is(answer($uri, $json . "Content-Length: $large\r\nExpect: 100-continue\r\n"),
       '413 {"detail":"Request Entity Too Large"}',
       "$uri: its length is asked, not its body");
}

like(answer('/small/prefer', $json . "Content-Length: $large\r\n"
            . "Prefer: respond-async\r\n"),
     qr/^413/, 'of a job that the client asks for, too');
is(post('/small/prefer', values_of($large))->{status}, 200, 'a task is none');
is($s->get('/small', method => 'POST', headers => $json . $chunked,
           body => "5000\r\n" . 'x' x 0x5000 . "\r\n0\r\n\r\n")->{status},
   413, 'chunked: before it is read as JSON');
is($s->get('/small?n=1', headers => "Content-Length: 20000\r\n",
           body => 'x' x 20000)->{status}, 202, 'a body that nobody reads');
is(post('/small', values_of(15000))->{status}, 202, 'not over it');

# a job keeps no descriptor, and a task that waits none of its own

my $held = '/held?ms=30s&' . $s->gate('held');
my @held = map $s->open($held), 1 .. 2;
$s->wait_for(sub { $s->get('/quick')->{status} == 200 }, 'them to run');
$s->wait_for(sub { $before = descriptors(); sleep(0.1); $before == descriptors() },
             'connections to be closed');
my @ids;
for (1 .. 20) {
    $r = post('/values', values_of(12000));
    push @ids, decode_json($r->{body})->{id};
}
for (1 .. 5) {
    $r = $s->get('/raw', method => 'POST', body => 'x' x 12000,
                 headers => "Content-Length: 12000\r\n");
    push @ids, decode_json($r->{body})->{id};
}
ok($s->wait_for(sub { descriptors() <= $before }, 'connections to be closed', 5),
   'jobs keep no descriptors');
is(encode_json(ended($ids[0])->{result}{n}), 5, 'JSON from a file');
$r = ended($ids[-1])->{result};
is("$r->{length} $r->{file}", '12000 0', 'a body as it is: in memory');

my $body = '{"ms":0,"pad":"' . 'x' x 12000 . '"}';
$s->wait_for(sub { $before = descriptors(); sleep(0.1); $before == descriptors() },
             'connections to be closed');
my @c = map $s->open('/held', method => 'POST', body => $body, headers =>
                     $json . 'Content-Length: ' . length($body) . "\r\n"), 1 .. 5;
$s->wait_for(sub { descriptors() >= $before + 10 }, 'five connections, five files');
sleep(0.1);
is(descriptors() - $before, 10, 'no more than nginx itself has');
$s->open_gate('held');
is(join(' ', map $_->{status}, $s->read_all([ @c, @held ])), join(' ', (200) x 7),
   'all are answered');
$r = $s->get('/held/raw', method => 'POST', body => 'x' x 100000,
             headers => "Content-Length: 100000\r\n");
is(decode_json($r->{body})->{length}, 100000, 'a file, in a thread');

# long ones are read in a thread: before the 202, before an async function

for my $n (70_000, 900_000) {
    $r = post('/values', values_of($n));
    is($r->{status}, 202, "$n bytes: a job");
    is(ended(decode_json($r->{body})->{id})->{result}{name}, 'me', "$n bytes: done");
    is(post('/values', values_of($n) . 'x')->{status}, 422, "$n bytes: not JSON");
    is(post('/values', values_of($n) =~ s/5/500/r)->{status}, 422, "$n bytes: not valid");
    is(post('/values', values_of($n), headers => "Content-Type: text/plain\r\n"
            . 'Content-Length: ' . length(values_of($n)) . "\r\n")->{status},
       415, "$n bytes: of another type");

    my $steps = '{"ms":"5ms","pad":"' . 'x' x $n . '"}';
    $r = post('/steps', $steps);
    is("$r->{status} " . decode_json($r->{body})->{calls}, '200 1000',
       "$n bytes: an async function");
    is(post('/steps', $steps =~ s/5ms/5xs/r)->{status}, 422, "$n bytes: and a 422");
    $r = post('/steps/job', $steps);
    is(ended(decode_json($r->{body})->{id})->{result}{calls}, 1000,
       "$n bytes: as a job");
    $r = $s->get('/raw', method => 'POST', body => 'x' x $n,
                 headers => "Content-Length: $n\r\n");
    $r = ended(decode_json($r->{body})->{id})->{result};
    is("$r->{length} $r->{file}", "$n 0", "$n bytes: as they are");
}

$before = descriptors();

for (1 .. 40) {
    my $body = values_of(500_000);
    $c = $s->open($_ % 2 ? '/values' : '/steps', method => 'POST', body => $body,
                  headers => $json . 'Content-Length: ' . length($body) . "\r\n");
    sleep(0.001 * ($_ % 5));
    close $c->{socket};
}

ok($s->wait_for(sub { descriptors() <= $before }, 'them to be gone', 10),
   'clients that leave while their body is read');

my ($code) = $s->stop('TERM');
is($code, 0, 'exit code');
$s->check_log;

done_testing();
