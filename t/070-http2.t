#!/usr/bin/perl

# HTTP/2: streams beside each other, bodies, aborts.

use strict;
use warnings;

use IO::Socket::INET;
use POSIX;
use Test::More;

use TaskNginx qw(listen_http2);
use TaskServer;

my $port = ($ENV{TEST_NGINX_PORT} || 1984) + 101;

my $s = TaskServer->start(
    http => 'task_zone numbers:64k; task_stats numbers;',
    main => 'thread_pool four threads=4;',
    server => listen_http2($port) . '
        client_max_body_size 8k;
        location = /task   { task sleep duration=400ms; }
        location = /open   { task sleep; }
        location = /thread { task sleep duration=400ms; task_mode thread=four; }
        location = /fixed  { task sleep duration=0 status=fixed; }
        location = /quick  { quick; }
        location = /status { task_status json; }
    ');

my $dir = $s->{root};
my $url = "http://127.0.0.1:$port";

sub curl {
    my ($args) = @_;

    return `curl -sS --http2-prior-knowledge -m 20 $args 2>&1`;
}

is(curl("$url/quick -w ' %{http_version} %{http_code}'"),
   '{"status":"quick response"} 2 200', 'quick');
is(curl("-I $url/fixed -o /dev/null -w '%{http_code} %header{content-length}'")
   =~ s/ .*//r, '200', 'HEAD');
is(curl("-X POST $url/fixed -w ' %{http_code}'"),
   '{"detail":"Method Not Allowed"} 405', 'not allowed');
is(curl("$url/open?duration=x -o /dev/null -w '%{http_code}'"), '422', 'invalid');

# 20 streams of one connection

for my $try ([ '/task', 20 ], [ '/thread', 4 ]) {
    my ($uri, $n) = @$try;

    my $out = `h2load -n $n -c 1 -m 20 $url$uri 2>&1`;

    like($out, qr/ $n succeeded, 0 failed.*status codes: $n 2xx/s,
         "$uri: all streams") or diag $out;

    my ($min, $min_unit, $max, $max_unit)
        = $out =~ /^(?:time for )?request\s*:\s+([\d.]+)(ms|s)\s+([\d.]+)(ms|s)/m
        or die "no times in h2load's output: $out";
    cmp_ok($min * ($min_unit eq 's' ? 1000 : 1), '>=', 400, 'none early');
    cmp_ok($max * ($max_unit eq 's' ? 1000 : 1), '<', 1500,
           'beside each other');
}

# bodies

is(curl("$url/task -H 'Content-Type: application/json' "
        . "-d '{\"status\":\"two\"}'"), '{"status":"two"}', 'POST');
is(curl("$url/task -H 'Content-Type: application/json' "
        . "-H 'Content-Length:' -T - -X POST <<'END'\n{\"status\":\"six\"}\nEND\n"),
   '{"status":"six"}', 'POST without a length');

open my $out, '>', "$dir/body" or die $!;
print $out 'x' x 9000;
close $out;

curl("$url/task -d \@$dir/body");
$s->wait_access(qr{^POST /task HTTP/2.0 413 - - - - -$});
pass('too large');

# the client resets its stream

my $pid = fork() // die "fork: $!";
if ($pid == 0) {
    open STDOUT, '>', '/dev/null';
    open STDERR, '>', '/dev/null';
    exec 'curl', '-sS', '--http2-prior-knowledge', "$url/open?duration=41m"
        or POSIX::_exit(1);
}

$s->wait_for(sub { $s->get('/status')->{body} =~ /"workers":\[\{[^[]*"running":1,/ },
             'the task to start');
kill 'TERM', $pid;
waitpid $pid, 0;
$s->wait_access(qr{duration=41m HTTP/2.0 499 sleep async cancelled});
pass('abort');

# a stream that was reset is not counted beside the next one: all that nginx
# allows are open, then some are reset, and as many others asked for, at once

use constant { ALLOWED => 128, SOME => 50 };

sub frame {
    my ($type, $flags, $stream, $payload) = @_;
    return substr(pack('N', length $payload), 1) . pack('CCN', $type, $flags, $stream) . $payload;
}

sub asks {
    my ($stream, $uri) = @_;
    return frame(1, 5, $stream, "\x82\x86\x04" . pack('C/a*', $uri) . "\x01\x01x");
}

my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port)
    or die "connect: $!";
my @streams = map 2 * $_ + 1, 0 .. ALLOWED + SOME - 1;
my @new = splice @streams, ALLOWED;

$socket->syswrite("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" . frame(4, 0, 0, '')
                  . join '', map asks($_, '/open?duration=43m'), @streams);
$s->wait_for(sub { $s->get('/status')->{body} =~ /"workers":\[\{[^[]*"running":128,/ },
             'all streams to wait');
$socket->syswrite(join('', map frame(3, 0, $_, pack('N', 8)), @streams[0 .. SOME - 1])
                  . join '', map asks($_, '/quick'), @new);

my ($text, %answered, %refused) = ('');

while (keys(%answered) + keys(%refused) < SOME) {
    $socket->sysread($text, 65536, length $text) or last;

    while (length $text >= 9 && length $text >= 9 + (my $len = unpack 'N', "\0" . $text)) {
        my ($type, $flags, $stream) = unpack 'x3 CCN', $text;
        $answered{$stream} = 1 if $type == 1;
        $refused{$stream} = 1 if $type == 3;
        substr $text, 0, 9 + $len, '';
    }
}

is(join(' ', sort { $a <=> $b } keys %answered), "@new", 'a stream that was reset makes room');
is(keys %refused, 0, 'none is refused');
close $socket;

my ($code, $time) = $s->stop('QUIT');
is($code, 0, 'exit code');
cmp_ok($time, '<', 5, 'no timer is left');
$s->check_log;

done_testing();
