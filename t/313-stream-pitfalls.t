#!/usr/bin/perl

# What others' streams did wrong: who never reads, leaves before the first byte,
# sends a body, fails in a filter of HTTP/2; events by hand, behind an nginx that
# waits for no silence; TLS; post_action; an end at the very moment of the first
# byte.

use strict;
use warnings;

use IO::Select;
use IO::Socket::INET;
use JSON::PP;
use POSIX;
use Socket qw(SOL_SOCKET SO_RCVBUF);
use Test::More;
use Time::HiRes qw(sleep time);

use TaskBody;
use TaskNginx qw(listen_http2);
use TaskServer;

my ($with) = `$ENV{TEST_NGINX_BINARY} -V 2>&1` =~ /configure arguments: (.*)/;

my $base = ($ENV{TEST_NGINX_PORT} || 1984) + 101;
my ($front, $two, $tls, $narrow) = ($base, $base + 1, $base + 2, $base + 3);

my $s = TaskServer->new(
    main => "task_load $ENV{TEST_NGINX_TASKS}/test/stream.so;
             thread_pool ten threads=10; thread_pool many threads=100;");

my $locations = join '', map {
    my ($name, $mode) = @$_;
    my $m = "task_mode $mode;";

    qq{
        location = /$name/pour   { task pour; $m task_stream_buffer 4k; }
        location = /$name/large  { task pour; $m task_stream_buffer 4m; send_timeout 1s; }
        location = /$name/rate   { task pour; $m limit_rate 64k; }
        location = /$name/edge   { task pour; $m task_timeout 50ms; }
        location = /$name/events { task events; $m task_stream_ping 100ms; }
        location = /$name/silent { task events; $m task_stream_ping 0; }
        location = /$name/parts  { task parts; $m task_stream_ping 50ms; }
        location = /$name/text   { task parts; $m }
        location = /$name/post   { task pour; $m post_action /after; }
        location = /$name/posted { quick; post_action /$name/action; }
        location = /$name/action { internal; task pour end=forever; $m }
        } . ($with =~ /http_gunzip_module/
             ? "location = /$name/gunzip { task parts; $m gunzip on; }" : '');
} [ 'thread', 'thread=ten' ], [ 'async', 'async' ];

my $dir = $s->{root};
my $has_tls = $with =~ /http_ssl_module/
    && system("openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=localhost -days 2 "
              . "-keyout $dir/key.pem -out $dir/cert.pem > $dir/openssl.log 2>&1") == 0;

my %conf = (
    http => "
        task_zone numbers:256k; task_stats numbers;
        log_format stream '\$uri \$status \$task_state \$task_stream_bytes';
        server {
            listen 127.0.0.1:$front;
            location / { proxy_pass http://127.0.0.1:$s->{port}; proxy_http_version 1.1;
                         proxy_read_timeout 700ms; }
        }",
    server => $locations . '
            access_log logs/stream.log stream;
            location = /after  { internal; quick; }
            location = /edges  { task pour; task_mode thread=many; task_timeout 50ms; }
            location = /seen   { task seen; task_mode sync; access_log off; }
            location = /quick  { quick; access_log off; }
            location = /status { task_status json; access_log off; }
        }
        server {
            ' . "
            access_log logs/stream.log stream;
            listen 127.0.0.1:$narrow sndbuf=16k;
            $locations
        }
        server {
            " . listen_http2($two) . "
            access_log logs/stream.log stream;
            $locations
            " . ($has_tls ? "
        }
        server {
            " . listen_http2($tls, 'ssl') . "
            ssl_certificate $dir/cert.pem; ssl_certificate_key $dir/key.pem;
            $locations" : ''));

$s->write_conf(%$s, %conf);
$s->start();

sub poured { return substr join('', map sprintf("%015d\n", $_), 0 .. $_[0] / 16),
                           0, $_[0] }

sub curl {
    my ($args) = @_;
    my $out = `curl -sS -k -m 20 $args 2>$dir/curl.err`;
    return ($out, $? >> 8);
}

sub seen { return decode_json($s->get('/seen')->{body}) }

sub ends {
    my ($was, $what, $n) = @_;
    return ok($s->wait_for(sub { seen()->{deferred} == $was->{deferred} + ($n // 1) },
                           'its end', 10), $what);
}

for my $m ('thread', 'async') {
    my ($was, $c, $r, $out, $code, $text);

    # one piece, which the socket takes a part of, and nothing comes after it:
    # the first time that nginx waits for the client is the last, too

    $was = seen();
    my $socket = IO::Socket::INET->new(Proto => 'tcp');
    setsockopt $socket, SOL_SOCKET, SO_RCVBUF, 4096;
    connect $socket, Socket::pack_sockaddr_in($narrow, Socket::inet_aton('127.0.0.1'))
        or die "connect: $!";
    $c = { socket => $socket, start => time() };
    $socket->syswrite("GET /$m/large?piece=1m&end=forever&pause=40s HTTP/1.1\r\n"
                      . "Host: a\r\n\r\n");
    ends($was, "$m: send_timeout, of a single piece");
    cmp_ok(time() - $c->{start}, '>=', 1, "$m: send_timeout: not early");
    like($s->text('error.log'), qr/client timed out \(\d+: .*$m\/large/, "$m: it is logged");
    close $socket;

    # a client that leaves before the first byte

    for my $uri ("/$m/pour?before=20s", "/$m/pour?before=20s&type=text/event-stream") {
        $was = seen();
        $c = $s->open($uri);
        $s->wait_for(sub { seen()->{begun} == $was->{begun} + 1 }, 'it to begin');
        sleep(0.05);
        my $left = time();
        close $c->{socket};
        ends($was, "$m: it leaves before the first byte");
        cmp_ok(time() - $left, '<', 2, "$m: it knows at once");
    }

    # a client that has sent a body, or another request, and leaves in silence, or
    # while limit_rate delays it

    for my $try ([ "/$m/pour?end=forever&pause=20s", "x" x 100_000 ],
                 [ "/$m/pour?end=forever&pause=20s", '' ],
                 [ "/$m/rate?end=forever&piece=64k", '' ]) {
        my ($uri, $body) = @$try;
        $was = seen();
        $c = $s->connect;
        $c->syswrite(length $body
            ? "POST $uri HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
              . "Content-Length: " . (2 + length $body) . "\r\n\r\n{$body"
            : "GET $uri HTTP/1.1\r\nHost: a\r\n\r\n");
        $c->syswrite(length $body ? "}" : "GET /quick HTTP/1.1\r\nHost: a\r\n\r\n");

        if (length $body) {

            # it is no JSON: nothing begins

            sysread $c, $text, 4096;
            like($text, qr{^HTTP/1.1 422 }, "$m: a body that is none");
            close $c;
            next;
        }

        sysread $c, $text, 4096 or die 'no answer';
        close $c;
        ends($was, "$m: it leaves with a request behind: $uri");
    }

    $was = seen();
    $c = $s->connect;
    my $json = '{"end":"forever","pause":20,"data":"' . ('x' x 100_000) . '"}';
    $c->syswrite("POST /$m/pour HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
                 . "Content-Length: " . length($json) . "\r\n\r\n$json");
    sysread $c, $text, 4096 or die 'no answer';
    like($text, qr{^HTTP/1.1 200 }, "$m: with a body");
    close $c;
    ends($was, "$m: it has sent a body, and leaves");

    # events by hand: an empty line that two calls make is the end of one, and
    # only behind that a comment may stand

    for my $end ('%0A', '%0D%0A', '%0D') {
        my $n = $end =~ s/%(..)/chr hex $1/ger;
        ($out) = body($s->get("/$m/parts?type=text/event-stream&n=2&pause=130ms"
                              . "&data=data:%201$end%7C$end")->{body});
        (my $bare = $out) =~ s/: \n\n//g;
        is($bare, "data: 1$n$n" x 2, "$m: events by hand");
        ok($out =~ s/\Q$n$n\E(?:: \n\n)+/$n$n/g && $out eq $bare,
           "$m: comments, and between them only");
    }

    ($out) = body($s->get("/$m/parts?type=text/event-stream&n=1&pause=200ms"
                          . "&data=data:%201%0A%7Cdata:%202")->{body});
    is($out, "data: 1\ndata: 2", "$m: none in the middle of an event");

    # nothing at all, and something behind it

    $r = $s->get("/$m/text?n=1&data=%7Cabc");
    is($r->{status}, 200, "$m: bytes that are none");
    is((body($r->{body}))[0], 'abc', "$m: and some");

    # a header that is ours, set by the function

    for my $value ('no', 'yes') {
        $r = $s->get("/$m/silent?n=1&name=X-Accel-Buffering&header=$value");
        is(join(',', $r->{headers} =~ /^X-Accel-Buffering: (.*?)\r?$/mgi), 'no',
           "$m: X-Accel-Buffering");
        $r = $s->get("/$m/text?n=1&name=X-Accel-Buffering&header=$value");
        is(join(',', $r->{headers} =~ /^X-Accel-Buffering: (.*?)\r?$/mgi), $value,
           "$m: X-Accel-Buffering of bytes is the function's");
    }

    # an nginx in front that cuts what is silent

    my $url = "http://127.0.0.1:$front/$m";
    ($out, $code) = curl("'$url/events?n=2&pause=1s'");
    is($code, 0, "$m: comments keep it");
    is(scalar(() = $out =~ /^data: tick\n\n/mg), 2, "$m: both events arrive");
    ($out, $code) = curl("'$url/silent?n=2&pause=1s'");
    isnt($code, 0, "$m: without them it is cut");

    # a filter that fails in the middle: over HTTP/2 nginx marks only its own
    # connection of the stream

    if ($with =~ /http_gunzip_module/) {
        for my $http ("--http1.1 'http://127.0.0.1:$s->{port}",
                      "--http2-prior-knowledge 'http://127.0.0.1:$two") {
            $was = seen();
            (undef, $code) = curl("$http/$m/gunzip?name=Content-Encoding&header=gzip"
                                  . "&n=100&pause=20ms&data=nogzip'");
            ok(grep($code == $_, 18, 52, 92), "$m: a filter fails: the client sees it")
                or diag "curl: $code";
            ends($was, "$m: a filter fails: the function ends");
        }
    }

    # post_action: behind a stream, and a stream as one, of which nobody sees
    # anything

    $was = seen();
    ($out, $code) = curl("'http://127.0.0.1:$s->{port}/$m/post?size=100000'");
    ok($code == 0 && $out eq poured(100_000), "$m: post_action");
    (undef, $code) = curl("'http://127.0.0.1:$s->{port}/$m/post?size=100&end=fail'");
    is($code, 18, "$m: post_action, failed");
    ends($was, "$m: post_action: both end", 2);
    ($out, $code) = curl("'http://127.0.0.1:$s->{port}/$m/posted'");
    is($out, '{"status":"quick response"}', "$m: a stream as post_action");
    ends($was, "$m: a stream as post_action ends", 3);

    $was = seen();
    $c = $s->open("/$m/post?end=forever&pause=10ms");
    sysread $c->{socket}, $text, 4096;
    close $c->{socket};
    ends($was, "$m: post_action, the client leaves");

    # TLS

    SKIP: {
        skip('no TLS', 10) unless $has_tls;

        my $https = "https://127.0.0.1:$tls/$m";

        for my $http ('--http1.1', '--http2') {
            for my $piece (1001, 100_000) {
                ($out, $code) = curl("$http '$https/pour?size=3000000&piece=$piece' "
                                     . "-w '%{http_version}'");
                ok($code == 0 && $out eq poured(3_000_000) . $http =~ s/--http//r,
                   "$m: https, $http, pieces of $piece") or diag "curl: $code";
            }

            ($out, $code) = curl("$http --limit-rate 8m '$https/pour?size=3000000"
                                 . "&piece=10000'");
            ok($code == 0 && $out eq poured(3_000_000), "$m: https, $http, a slow reader");

            (undef, $code) = curl("$http '$https/pour?size=64&end=fail'");
            is($code, $http eq '--http2' ? 92 : 18, "$m: https, $http, failed");

            # each piece at once

            my (@at, $text);
            my $pid = open my $pipe, '-|', "exec curl -skN $http -m 20 "
                      . "'$https/pour?size=48&piece=16&pause=400ms'" or die "curl: $!";
            while (sysread $pipe, my $some, 4096) {
                $text .= $some;
                push @at, time() while @at < length($text) / 16;
            }
            close $pipe;
            ok(@at == 3 && $at[1] - $at[0] > 0.05 && $at[2] - $at[1] > 0.05,
               "$m: https, $http, each piece at once");
        }
    }
}

# the first byte at the very moment of the timeout, and of the client's leaving

my $was = seen();
my %got;

for my $m ('edges', 'async/edge') {
    for my $round (1 .. 4) {
        my @c = map $s->open("/$m?before=" . (44 + $_ % 10) . "ms&end=forever&pause=5ms"),
                1 .. 60;
        $got{$_->{status} == 200 ? (body($_->{body}))[1] ? 'whole' : 'broken'
                                 : $_->{status}}++ for $s->read_all(\@c);

        @c = map $s->open("/$m?before=20ms&pause=5ms&end=forever"), 1 .. 60;
        my $at = $c[0]{start} + 0.018;
        for my $c (@c) {
            my $left = $at - time();
            select undef, undef, undef, $left if $left > 0;
            close $c->{socket};
            $at += 0.0002;
        }
    }
}

is(join(' ', sort keys %got), '504 broken', 'timeout: no third thing');
diag(join ', ', map "$got{$_} $_", sort keys %got);
ok($s->wait_for(sub { my $now = seen(); $now->{begun} == $now->{deferred} }, 'all to end', 10),
   'all that began has ended');

my ($zone) = @{ decode_json($s->get('/status')->{body})->{zones} };
is(join(' ', map $_->{location}, grep $_->{running} || $_->{waiting}, @{ $zone->{tasks} }),
   '', 'nothing runs any more');

my ($code) = $s->stop('QUIT');
is($code, 0, 'exit code');
$s->check_log();

done_testing();
