#!/usr/bin/perl

# A long body of a location without a thread pool is read on the event loop in
# steps, and others are served meanwhile; what may happen to a request that
# waits may happen then, too.
#
# The worker is stopped until all that it shall see in one turn of the loop has
# arrived: the last byte of a body first.

use strict;
use warnings;

use JSON::PP;
use Test::More;
use Time::HiRes qw(sleep time);

use TaskNginx qw(listen_http2);
use TaskServer;

my %conf = (
    http => 'task_job_zone jobs:128m max_body=16m max_result=4m;
             client_max_body_size 16m; client_body_buffer_size 16m;
             lingering_close off;',
    server => listen_http2(1 + ($ENV{TEST_NGINX_PORT} || 1984) + 100) . '
        location = /task    { task sleep; }
        location = /sync    { task sleep duration=0; task_mode sync; }
        location = /file    { task sleep; client_body_buffer_size 16k; }
        location = /job     { task sleep; task_background on zone=jobs; }
        location = /job/file { task sleep; task_background on zone=jobs;
                               client_body_buffer_size 16k; }
        location = /timed   { task sleep; task_timeout 5ms; }
        location = /timed/job { task sleep; task_timeout 5ms;
                                task_background on zone=jobs; }
        location = /short   { task sleep; task_param status default=a max=9; }
        location = /later   { task sleep; task_timeout 300ms; }
        location = /later/job { task sleep; task_timeout 300ms;
                                task_background on zone=jobs; }
        location = /ignore  { task sleep; task_ignore_client_abort on; }
        location = /left    { task sleep; post_action /after; }
        location = /left/job { task sleep; task_background on zone=jobs;
                               post_action /after; }
        location = /after   { task sleep duration=100ms; }
        location = /page    { error_page 422 = /quick; task sleep; }
        location /jobs/     { task_jobs zone=jobs; }
        location = /quick   { quick; }
        location = /hops    { proxy_pass http://127.0.0.1:'
                              . (($ENV{TEST_NGINX_PORT} || 1984) + 100) . '/quick; }
    ');

my $s = TaskServer->start(%conf);
my ($r, $c, $code, $time);

# nothing takes as long as short numbers: 8 MB are 20 ms, at least

my $slow = '{"duration":0,"x":[0' . ',12' x 2_700_000 . ']}';

sub request {
    my ($uri, $body) = @_;

    return "POST $uri HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
           . "Content-Type: application/json\r\nContent-Length: "
           . length($body) . "\r\n\r\n$body";
}

sub write_all {
    my ($socket, $text) = @_;

    for (my $n = 0; $n < length $text; ) {
        $n += syswrite($socket, $text, 1 << 20, $n) // die "write: $!";
    }
}

# all but the last byte is sent, then the worker is stopped; then the rest comes,
# and what else shall be there when the worker goes on

sub in_one_turn {
    my ($uri, $body, $then) = @_;

    my $c = { socket => $s->connect, start => time(), text => '' };
    my ($worker) = $s->workers;

    write_all($c->{socket}, substr(request($uri, $body), 0, -1));
    sleep(0.1);

    kill STOP => $worker;
    $s->wait_for(sub {
        open my $in, '<', "/proc/$worker/stat" or die "$worker: $!";
        return <$in> =~ /\) T /;
    }, 'the worker to stop');

    syswrite $c->{socket}, substr($body, -1);
    $then->($c) if $then;

    kill CONT => $worker;

    return $c;
}

# whether a request beside, which takes some turns of the loop, is served before
# the body, as the access log tells; and what the body is answered

sub first {
    my ($uri, $body) = @_;

    my $other = { socket => $s->connect, start => time(), text => '' };
    my $lines = () = $s->text('access.log') =~ /\n/g;

    my $c = in_one_turn($uri, $body, sub {
        syswrite $other->{socket},
                 "GET /hops HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    });

    my ($r, $quick) = $s->read_all([ $c, $other ]);
    my @lines;

    is($quick->{status}, 200, "$uri: another request");
    $s->wait_for(sub {
        @lines = split /\n/, $s->text('access.log');
        return @lines == $lines + 3;
    }, 'three lines');

    return (join(' ', @lines[-3 .. -1]) =~ /GET \/hops.*POST/ ? 1 : 0, $r);
}

for my $uri ('/task', '/file') {
    my ($quick, $r) = first($uri, $slow);
    ok($quick, "$uri: another request is served first");
    is($r->{status}, 200, "$uri: and then who sent the body");
}

for my $uri ('/job', '/job/file') {
    my ($quick, $r) = first($uri, $slow);
    ok($quick, "$uri: another request is served first");
    is($r->{status}, 202, "$uri: and then who sent the body");
    my $job = decode_json($r->{body})->{id};
    $r = $s->get("/jobs/$job?wait=5s");
    is(decode_json($r->{body})->{state}, 'done', "$uri: a job");
}

my ($quick) = first('/sync', $slow);
ok(!$quick, 'task_mode sync blocks the loop, as it is told to');

# the values are those of the body, of any length, in one buffer or two or a file

sub status {
    my ($size) = @_;
    my $start = qq({"duration":0,"pad":");
    my $end = qq(","status":"a\\u00e9\\n"});
    return $start . 'x' x ($size - length "$start$end") . $end;
}

for my $size (65_535 .. 65_537, 8 * 8192 + 1, 9 * 8192 - 1 .. 9 * 8192 + 1, 1_000_000) {
    for my $uri ('/task', '/file') {
        for my $apart (0, 1) {
            my $body = status($size);
            my $c = { socket => $s->connect, start => time(), text => '' };
            my ($head) = request($uri, $body) =~ /^(.*?\r\n\r\n)/s;

            write_all($c->{socket}, $apart ? $head : $head . substr($body, 0, 100));
            sleep(0.01);
            write_all($c->{socket}, $apart ? $body : substr($body, 100));

            is($s->read($c)->{body}, qq({"status":"a\xc3\xa9\\n"}),
               "$uri: $size bytes, " . ($apart ? 'head and body' : 'the head with some'));
        }
    }
}

$r = $s->get('/job', method => 'POST', body => status(1_000_000),
             headers => "Content-Type: application/json\r\nContent-Length: 1000000\r\n");
is($r->{status}, 202, 'a job with a long body');
$r = $s->get('/jobs/' . decode_json($r->{body})->{id} . '?wait=5s');
is(decode_json($r->{body})->{result}{status}, "a\xe9\n", 'has its values');

# a long string; and what is wrong is told as for a short body

sub post {
    my ($uri, $body) = @_;

    my $c = { socket => $s->connect, start => time(), text => '' };
    write_all($c->{socket}, request($uri, $body));

    return $s->read($c);
}

my $long = ('x' x 1_000_000) . "\xc3\xa9" x 100_000;
is(post('/task', qq({"duration":0,"status":"$long\\t"}))->{body}, qq({"status":"$long\\t"}),
   'a long string');

for my $n (0 .. 3) {
    my $x = 'x' x $n;
    my $escapes = $x . '\\n\\u00e9\\ud83d\\ude00\\/' x 10_000;
    my $said = $x . "\\n\xc3\xa9\xf0\x9f\x98\x80/" x 10_000;
    is(post('/task', qq({"status":"$escapes","duration":0}))->{body}, qq({"status":"$said"}),
       "a long string of escapes, behind $n");
}

is(decode_json(post('/short', qq({"duration":0,"status":"$long"}))->{body})->{detail}[0]{type},
   'string_too_long', 'a string that is too long');

for my $uri ('/task', '/file', '/job') {
    my $detail = decode_json(post($uri, qq({"duration":0,"status":"$long"]))->{body})->{detail}[0];
    is($detail->{type}, 'json_invalid', "$uri: the end is wrong");
    is($detail->{loc}[1], 1_100_025, "$uri: its place, in characters");
    is($detail->{ctx}{error}, "Expecting ',' delimiter", "$uri: what is wrong");

    $r = post($uri, qq({"duration":"$long"}));
    is($r->{status}, 422, "$uri: a value is wrong");
    $detail = decode_json($r->{body})->{detail}[0];
    is($detail->{type}, 'time_delta_parsing', "$uri: what is wrong with it");
    is(length $detail->{input}, 1024, "$uri: its beginning is sent back");

    is(decode_json(post($uri, '[0' . ',12' x 100_000 . ']')->{body})->{detail}[0]{type},
       'model_attributes_type', "$uri: no object");
}

is(post('/page', qq({"duration":"$long"}))->{body}, '{"status":"quick response"}',
   'error_page for a 422');

# HTTP/2

my $file = "$s->{root}/body";
open my $out, '>', $file or die "$file: $!";
print $out $slow;
close $out;

is(`curl -s --http2-prior-knowledge -H 'Content-Type: application/json' \\
    --data-binary \@$file http://127.0.0.1:@{[ $s->{port} + 1 ]}/task`,
   '{"status":"long_running task completed"}', 'HTTP/2');

# the client leaves meanwhile

for my $uri ('/task', '/file', '/job') {
    in_one_turn($uri, $slow, sub { close $_[0]{socket} });
    $s->wait_access(qr{^POST $uri \S+ 499 - - - - -$});
    pass("$uri: who leaves is noticed, no task begins");
}

$c = in_one_turn('/ignore', $slow, sub { close $_[0]{socket} });
$s->wait_access(qr{^POST /ignore \S+ \d+ sleep async done});
pass('task_ignore_client_abort');

for my $uri ('/left', '/left/job') {
    in_one_turn($uri, $slow, sub { close $_[0]{socket} });
    $s->wait_access(qr{^POST $uri \S+ \d+ sleep async done});
    pass("$uri: post_action");
}

# task_timeout

for my $uri ('/timed', '/timed/job') {
    $r = post($uri, $slow);
    is($r->{status}, 504, "$uri: task_timeout counts");
}

for my $uri ('/later', '/later/job') {
    is(post($uri, qq({"duration":"$long"}))->{status}, 422, "$uri: wrong before its time");
}

sleep(0.5);
is(scalar(() = $s->text('error.log') =~ /task "sleep" timed out/g), 2,
   'what was in time is not logged');

is($s->get('/quick')->{status}, 200, 'all goes on');

# several at once, some leave

my @c = map { my $c = { socket => $s->connect, start => time(), text => '' };
              write_all($c->{socket}, request($_, $slow)); $c }
            ('/task', '/file', '/job') x 4;
close $c[$_]{socket} for 1, 4, 6, 11;
my @r = $s->read_all([ @c[0, 2, 3, 5, 7, 8, 9, 10] ]);
is(join(' ', map $_->{status}, @r), '200 202 200 202 200 202 200 200', 'several at once');

# a worker that quits

my @quit = map {
    my $c = { socket => $s->connect, start => time(), text => '' };
    write_all($c->{socket}, substr(request($_, $slow), 0, -1));
    $c;
} '/task', '/file', '/job';

$c = in_one_turn('/task', $slow, sub {
    syswrite $_->{socket}, '}' for @quit;
    $s->signal('QUIT', ($s->workers)[0]);
    $s->signal('QUIT');
});

@r = $s->read_all([ $c, @quit ]);
is(join(' ', map $_->{status}, @r), '200 200 200 202',
   'who has sent a body when the worker is told to quit is answered');
$s->wait_for(sub { waitpid($s->{pid}, 1) }, 'nginx to quit');
is($?, 0, 'it ends');
unlike($s->text('error.log'), qr/open socket/, 'nothing is left open');
$s->check_log;

# one that stops at once

$s = TaskServer->start(%conf);
(undef, $r) = first('/task', $slow);
is($r->{status}, 200, 'anew');
@c = map {
    my $c = { socket => $s->connect, start => time(), text => '' };
    write_all($c->{socket}, request($_, $slow));
    $c;
} ('/task', '/file', '/job') x 3;
($code, $time) = $s->stop('TERM');
is($code, 0, 'a worker that stops at once ends');
cmp_ok($time, '<', 5, 'soon');
$s->check_log;

done_testing();
