#!/usr/bin/perl

# A stream behaves as any content of nginx: its filters, subrequests, another
# nginx in front, HTTP/2.

use strict;
use warnings;

use IO::Uncompress::Gunzip qw(gunzip);
use JSON::PP;
use Test::More;
use Time::HiRes qw(sleep time);

use TaskNginx qw(listen_http2);
use TaskServer;

my $port = ($ENV{TEST_NGINX_PORT} || 1984) + 101;
my $front = $port + 1;

my $locations = join '', map {
    my ($name, $mode) = @$_;
    my $m = "task_mode $mode;";

    qq{
        location = /$name/pour { task pour; $m task_stream_buffer 4k; }
        location = /$name/events { task events; $m }
        location = /$name/gzip { task pour; $m gzip on; gzip_min_length 0; gzip_types *;
                                 gzip_proxied any; }
        location = /$name/gzip/rate { task pour; $m gzip on; gzip_min_length 0;
                                      gzip_types *; limit_rate 20k; }
        location = /$name/sub  { task pour; $m sub_filter 0000001 x; sub_filter_once off;
                                 sub_filter_types *; task_stream_buffer 4k; }
        location = /$name/ssi  { ssi on; ssi_types text/plain; default_type text/plain;
            return 200 "<<!--#include virtual='/$name/pour?\$args' -->|<!--#include virtual='/$name/pour?size=16&piece=16&pause=50ms' -->>"; }
        location = /$name/auth   { auth_request /$name/pour; quick; }
        location = /$name/mirror { mirror /$name/forever; quick; }
        location = /$name/forever { internal; task pour end=forever; $m }
        location = /$name/quit   { task pour; $m task_timeout 500ms; }
    };
} [ 'thread', 'thread=ten' ], [ 'async', 'async' ];

my ($with) = `$ENV{TEST_NGINX_BINARY} -V 2>&1` =~ /configure arguments: (.*)/;

plan(skip_all => 'needs an nginx with sub_filter and auth_request')
    unless $with =~ /http_sub_module/ && $with =~ /auth_request_module/;

my $s = TaskServer->start(
    main => "task_load $ENV{TEST_NGINX_TASKS}/test/stream.so; thread_pool ten threads=10;",
    http => "
        server {
            listen 127.0.0.1:$front;
            location / { proxy_pass http://127.0.0.1:$port; proxy_http_version 1.1; }
            location /whole/ { proxy_pass http://127.0.0.1:$port/; proxy_buffering off;
                               proxy_http_version 1.1; }
        }",
    server => "listen 127.0.0.1:$port;" . $locations . '
        location = /seen   { task seen; task_mode sync; access_log off; }
        location = /quick  { quick; access_log off; }
    ' . "
        }
        server {
            " . listen_http2($front + 1) . "
            $locations
            location = /quick  { quick; access_log off; }
    ");

my ($h1, $h2) = ("http://127.0.0.1:$port", 'http://127.0.0.1:' . ($front + 1));
my $dir = $s->{root};

sub poured { return substr join('', map sprintf("%015d\n", $_), 0 .. $_[0] / 16),
                           0, $_[0] }

sub curl {
    my ($args) = @_;
    my $out = `curl -sS -m 20 $args 2>$dir/curl.err`;
    return ($out, $? >> 8);
}

sub seen { return decode_json($s->get('/seen')->{body}) }

for my $m ('thread', 'async') {
    my ($out, $code) = curl("-H 'Accept-Encoding: gzip' '$h1/$m/gzip?size=1000000&piece=5000'");
    my $plain;
    gunzip(\$out => \$plain);
    ok($code == 0 && $plain eq poured(1_000_000), "$m: gzip");

    ($out, $code) = curl("-H 'Accept-Encoding: gzip' -N '$h1/$m/gzip?size=64&piece=16&end=fail'");
    is($code, 18, "$m: gzip, failed");
    gunzip(\$out => \$plain);

    # what a filter holds back flows, also while the function does something else

    ($out, $code) = curl("-H 'Accept-Encoding: gzip' -m 4 -N "
                         . "'$h1/$m/gzip/rate?size=200000&piece=200000&pause=20s'");
    is($code, 28, "$m: gzip, limit_rate");
    cmp_ok(length $out, '>', 20_000, "$m: gzip, limit_rate: bytes flow");

    ($out, $code) = curl("'$h1/$m/sub?size=200000&piece=1001'");
    is($out, poured(200_000) =~ s/0000001/x/gr, "$m: sub_filter");

    ($out, $code) = curl("'$h1/$m/ssi?size=100000&piece=1000'");
    is($out, '<' . poured(100_000) . '|' . poured(16) . '>', "$m: in a page");
    ($out, $code) = curl("'$h1/$m/ssi?size=1000&piece=100&end=fail'");
    is($code, 18, "$m: in a page, failed");

    # a function of that page may still be on its way out

    $s->wait_for(sub { my $now = seen(); $now->{begun} == $now->{deferred} }, 'all to end');

    my $was = seen();
    ($out, $code) = curl("'$h1/$m/auth?end=forever'");
    is($out, '{"status":"quick response"}', "$m: auth_request");
    ($out, $code) = curl("'$h1/$m/mirror'");
    is($out, '{"status":"quick response"}', "$m: mirror");
    $s->wait_for(sub { seen()->{deferred} == $was->{deferred} + 2 }, 'both to end');

    # another nginx in front

    for my $way ('', '/whole') {
        ($out, $code) = curl("'http://127.0.0.1:$front$way/$m/pour?size=3000000&piece=5000'");
        ok($code == 0 && $out eq poured(3_000_000), "$m: behind a proxy $way");
        ($out, $code) = curl("'http://127.0.0.1:$front$way/$m/pour?size=64&end=fail'");
        isnt($code, 0, "$m: behind a proxy $way, failed");
    }

    # events are not held back

    my $c = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $front);
    my $start = time();
    $c->syswrite("GET /$m/events?n=2&pause=3s HTTP/1.1\r\nHost: a\r\n\r\n");
    my $text = '';
    until ($text =~ /data: tick/) { sysread $c, $text, 4096, length $text or last }
    cmp_ok(time() - $start, '<', 2.5, "$m: events pass a proxy at once");
    close $c;

    # HTTP/2

    my $two = '--http2-prior-knowledge';
    ($out, $code) = curl("$two '$h2/$m/pour?size=3000000&piece=5000' -w '%{http_version}'");
    ok($code == 0 && $out eq poured(3_000_000) . 2, "$m: HTTP/2");
    ($out, $code) = curl("$two '$h2/$m/pour?size=64&end=fail' -w '%{http_code}'");
    is($code, 92, "$m: HTTP/2: failed: the stream is reset");

    # curl drops what has come together with the reset

    $out = `nghttp -v '$h2/$m/pour?size=64&end=fail' 2>&1`;
    like($out, qr/^0{14}3\n.*recv RST_STREAM/ms, "$m: HTTP/2: failed: what was put");
    $out = `nghttp -v '$h2/$m/events?n=1&end=fail' 2>&1`;
    like($out, qr/event: error.*\{"detail":"no more"\}.*recv.*RST_STREAM/s,
         "$m: HTTP/2: an event tells");
    ($out, $code) = curl("$two '$h2/$m/quit?end=forever&piece=64k'  -o /dev/null");
    is($code, 92, "$m: HTTP/2: timeout");
    ($out, $code) = curl("$two -I '$h2/$m/pour?end=forever'");
    is($code, 0, "$m: HTTP/2: HEAD");

    # streams beside each other, and one that is cancelled

    $was = seen();
    curl("$two '$h2/$m/pour?end=forever&piece=64k' --max-filesize 1000000 --limit-rate 1m -m 1");
    $s->wait_for(sub { seen()->{deferred} == $was->{deferred} + 1 }, 'it to notice');
    pass("$m: HTTP/2: the client leaves");
    $out = `h2load -n 40 -c 1 -m 20 '$h2/$m/pour?size=300000&piece=3000' 2>&1`;
    like($out, qr/ 40 succeeded, 0 failed.*status codes: 40 2xx/s, "$m: HTTP/2: 20 at a time");
}

$s->stop();
$s->check_log();

done_testing();
