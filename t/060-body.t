#!/usr/bin/perl

# Bodies of every kind, and the connection after them.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(sleep time);

use TaskServer;

my $s = TaskServer->start(server => '
        client_max_body_size 8k;
        client_body_buffer_size 1k;

        location = /task   { task sleep duration=0; }
        location = /thread { task sleep duration=0; task_mode thread; }
        location = /fixed  { task sleep duration=0 status=fixed; }
        location = /slow   { task sleep duration=100ms; }
        location = /quick  { quick; }
        location = /file   {
            task sleep duration=0;
            client_body_in_file_only clean;
        }
        location = /charset {
            task sleep duration=0;
            charset utf-8; charset_types application/json;
        }
        location = /other  { task sleep duration=0; error_page 413 /big; }
        location = /big    { task sleep duration=0 status=other; }
        location = /page   {
            task sleep duration=0;
            error_page 413 422 =200 /quick;
        }
    ');

my $json = "Content-Type: application/json\r\n";

# what comes back on one connection for all that is sent, read to its end

sub talk {
    my (@parts) = @_;

    my $c = $s->connect or die;
    my $text = '';

    for my $part (@parts) {
        if (ref $part) {
            $part->($c, \$text);

        } else {
            syswrite $c, $part;
        }
    }

    eval {
        local $SIG{ALRM} = sub { die "timeout\n" };
        alarm 15;
        1 while sysread $c, $text, 65536, length $text;
        alarm 0;
    };

    return $text;
}

sub wait_text {
    my ($regex) = @_;

    return sub {
        my ($c, $text) = @_;

        my $until = time() + 10;
        my $select = IO::Select->new($c);

        until ($$text =~ $regex || time() > $until) {
            $select->can_read(0.1) or next;
            sysread $c, $$text, 65536, length $$text or last;
        }
    };
}

sub post {
    my ($uri, $body, $headers) = @_;

    return "POST $uri HTTP/1.1\r\nHost: x\r\n" . ($headers // $json)
           . 'Content-Length: ' . length($body) . "\r\n\r\n$body";
}

sub chunked {
    my ($uri, @chunks) = @_;

    return "POST $uri HTTP/1.1\r\nHost: x\r\n${json}Transfer-Encoding: chunked"
           . "\r\n\r\n" . join '', map sprintf("%x\r\n%s\r\n", length, $_),
           @chunks, '';
}

my $last = "GET /quick HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

sub statuses {
    return join ' ', $_[0] =~ m{HTTP/1\.1 (\d+)}g;
}

sub status_is {
    my ($text, $status, $name) = @_;

    my ($got) = $text =~ /\{"status":"([^"]*)"\}/;
    is($got, $status, "$name: body");
}

my $text;

# each is followed by a pipelined request that has to be understood

$text = talk(post('/task', '{"status":"one"}'), $last);
is(statuses($text), '200 200', 'one buffer');
status_is($text, 'one', 'one buffer');

$text = talk(post('/task', '', ''), $last);
is(statuses($text), '200 200', 'Content-Length: 0');

$text = talk("POST /task HTTP/1.1\r\nHost: x\r\n\r\n", $last);
is(statuses($text), '200 200', 'no body');

my $long = '{"status":"long","x":"' . ('y' x 700) . '"}';
$text = talk(post('/task', $long), $last);
is(statuses($text), '200 200', 'more than was read with the header');
status_is($text, 'long', 'long');

# over client_body_buffer_size: a temporary file, and what is in memory

my $huge = '{"x":"' . ('y' x 6000) . '","status":"huge"}';
$text = talk(post('/task', $huge), $last);
is(statuses($text), '200 200', 'temporary file');
status_is($text, 'huge', 'temporary file');
like($s->text('error.log'), qr/a client request body is buffered to a tempo/,
     'it really was');

$text = talk(post('/thread', $huge), $last);
status_is($text, 'huge', 'temporary file, thread');

$text = talk(post('/file', '{"status":"filed"}'), $last);
is(statuses($text), '200 200', 'client_body_in_file_only');
status_is($text, 'filed', 'client_body_in_file_only');

# in pieces

my $p = post('/task', $huge);
my @pieces = $p =~ /(.{1,1500})/gs;
$text = talk((map { ($_, sub { sleep(0.02) }) } @pieces), $last);
is(statuses($text), '200 200', 'in pieces');
status_is($text, 'huge', 'in pieces');

$text = talk(chunked('/task', '{"sta', 'tus":"chun', 'ks"}'), $last);
is(statuses($text), '200 200', 'chunked');
status_is($text, 'chunks', 'chunked');

$text = talk(chunked('/task', $huge =~ /(.{1,700})/gs), $last);
is(statuses($text), '200 200', 'chunked, temporary file');
status_is($text, 'huge', 'chunked, temporary file');

# 100-continue

$text = talk("POST /task HTTP/1.1\r\nHost: x\r\n${json}Content-Length: 14\r\n"
             . "Expect: 100-continue\r\n\r\n",
             wait_text(qr/100 Continue\r\n\r\n/), '{"status":"e"}', $last);
is(statuses($text), '100 200 200', '100-continue');
status_is($text, 'e', '100-continue');

$text = talk("POST /fixed HTTP/1.1\r\nHost: x\r\n${json}Content-Length: 14\r\n"
             . "Expect: 100-continue\r\n\r\n",
             wait_text(qr/Not Allowed"/), '{"status":"e"}', $last);
is(statuses($text), '405 200', 'no "continue" for what is refused');

# too large

for my $try ([ 'by length', post('/task', 'x' x 9000) ],
             [ 'chunked', chunked('/task', ('x' x 3000) x 3) ])
{
    $text = talk($try->[1]);
    is(statuses($text), '413', "too large, $try->[0]");
    like($text, qr/^Content-Type: application\/json\r$/m, 'JSON');
    like($text, qr/^Content-Length: 37\r$/m, 'its length');
    like($text, qr/\r\n\r\n\{"detail":"Request Entity Too Large"\}$/,
         'its body');
}

$text = talk("HEAD /task HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
             . "Content-Length: 9000\r\n\r\n");
like($text, qr/^HTTP\/1\.1 413 .*Content-Length: 37\r\n.*\r\n\r\n$/s,
     'too large, HEAD');

$text = talk(post('/page', 'x' x 9000));
is(statuses($text), '200', 'too large, error_page wins');
status_is($text, 'quick response', 'error_page');

# error_page to another task, whose answer it then is

$text = talk(post('/other', 'x' x 9000));
is(statuses($text), '413', 'too large, error_page to a task');
status_is($text, 'other', 'error_page to a task');

# a charset changes the type: the length and the body have to agree still

$text = talk(post('/charset', 'x' x 9000));
like($text, qr/^Content-Type: application\/json; charset=utf-8\r$/m, 'charset');
like($text, qr/^Content-Length: 37\r$/m, 'too large, charset: length');
like($text, qr/\r\n\r\n\{"detail":"Request Entity Too Large"\}$/,
     'too large, charset: body');

# nginx's own 413 elsewhere is as it was

$text = talk(post('/quick', 'x' x 9000));
is(statuses($text), '413', 'too large, no task');
like($text, qr/<html>/, 'nginx\'s own page');

# methods that have no use for a body

for my $method (qw(GET HEAD)) {
    for my $uri ('/task', '/fixed', '/quick') {
        (my $p = post($uri, $long)) =~ s/^POST/$method/;
        $text = talk($p, $last);
        is(statuses($text), '200 200', "$method $uri with a body");

        ($p = chunked($uri, $long =~ /(.{1,100})/gs)) =~ s/^POST/$method/;
        $text = talk($p, $last);
        is(statuses($text), '200 200', "$method $uri with chunks");
    }
}

for my $method (qw(POST PUT DELETE OPTIONS PATCH BREW)) {
    (my $p = post('/fixed', $huge)) =~ s/^POST/$method/;
    $text = talk($p, $last);
    is(statuses($text), '405 200', "$method is not allowed");
    like($text, qr/^Allow: GET, HEAD\r$/m, 'Allow');
}

# a GET whose body comes slowly, and the client leaves after it: noticed

my $c = $s->connect;
syswrite $c, "GET /slow?status=a HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nab";
sleep(0.05);
syswrite $c, 'cd';
$text = '';
wait_text(qr/"status":"a"/)->($c, \$text);
is(statuses($text), '200', 'a slow body');
close $c;

# pipelining: requests that wait are answered in order

$text = talk((map "GET /slow?status=p$_ HTTP/1.1\r\nHost: x\r\n\r\n", 1 .. 3),
             $last);
is(statuses($text), '200 200 200 200', 'pipelining');
like($text, qr/"p1".*"p2".*"p3".*quick/s, 'in order');

# wrong bodies leave the connection usable

$text = talk(post('/task', '{"status":'), post('/task', 'a=b',
             "Content-Type: text/plain\r\n"), post('/task', 'x', ''), $last);
is(statuses($text), '422 415 415 200', 'after errors');

$text = talk(post('/page', '{"status":'), $last);
is(statuses($text), '200 200', '422, error_page wins');

# a body that never comes

$c = $s->connect;
syswrite $c, "POST /task HTTP/1.1\r\nHost: x\r\n${json}Content-Length: 9\r\n\r\nab";
close $c;
$s->wait_access(qr{^POST /task HTTP/1.1 400 - - - - -$});
pass('a client that leaves within its body');

my ($code) = $s->stop('QUIT');
is($code, 0, 'exit code');
$s->check_log;

done_testing();
