#!/usr/bin/perl

# Streams over HTTP/3, where nginx and curl have it: bytes, events, ends, and a
# client that cancels one stream of its connection, or leaves.

use strict;
use warnings;

use JSON::PP;
use POSIX;
use Test::More;
use Time::HiRes qw(sleep time);

use TaskServer;

my ($with) = `$ENV{TEST_NGINX_BINARY} -V 2>&1` =~ /configure arguments: (.*)/;

plan(skip_all => 'needs an nginx with HTTP/3') unless $with =~ /http_v3_module/;
plan(skip_all => 'needs a curl with HTTP/3') unless `curl -V` =~ /HTTP3/;

my $port = ($ENV{TEST_NGINX_PORT} || 1984) + 101;

my $s = TaskServer->new(
    main => "task_load $ENV{TEST_NGINX_TASKS}/test/stream.so; thread_pool ten threads=10;");
my $dir = $s->{root};

system("openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=localhost -days 2 "
       . "-keyout $dir/key.pem -out $dir/cert.pem > $dir/openssl.log 2>&1") == 0
    or plan(skip_all => 'needs openssl');

my $locations = join '', map {
    my ($name, $mode) = @$_;
    my $m = "task_mode $mode;";

    qq{
        location = /$name/pour   { task pour; $m }
        location = /$name/small  { task pour; $m task_stream_buffer 4k; }
        location = /$name/late   { task pour; $m task_timeout 300ms; }
        location = /$name/stay   { task pour; $m task_ignore_client_abort on; }
        location = /$name/events { task events; $m task_stream_ping 50ms; }
    };
} [ 'thread', 'thread=ten' ], [ 'async', 'async' ];

$s->write_conf(%$s, server => "
        listen 127.0.0.1:$port quic;
        ssl_certificate $dir/cert.pem; ssl_certificate_key $dir/key.pem;
        ssl_protocols TLSv1.3;
        $locations
        location = /seen   { task seen; task_mode sync; access_log off; }
    ");
$s->start;

my $url = "https://127.0.0.1:$port";

sub poured { return substr join('', map sprintf("%015d\n", $_), 0 .. $_[0] / 16),
                           0, $_[0] }

sub curl {
    my ($args) = @_;
    my $out = `curl -sS -k --http3-only -m 20 $args 2>$dir/curl.err`;
    return ($out, $? >> 8);
}

sub seen { return decode_json($s->get('/seen')->{body}) }

sub ends {
    my ($was, $what, $n) = @_;
    return ok($s->wait_for(sub { seen()->{deferred} == $was->{deferred} + ($n // 1) },
                           'its end', 10), $what);
}

for my $m ('thread', 'async') {
    my ($out, $code, $was);

    for my $piece (1001, 100_000) {
        ($out, $code) = curl("'$url/$m/small?size=1000000&piece=$piece' "
                             . "-w '%{http_version}'");
        ok($code == 0 && $out eq poured(1_000_000) . 3, "$m: pieces of $piece")
            or diag "curl: $code";
    }

    ($out, $code) = curl("'$url/$m/pour?size=64&end=fail'");
    isnt($code, 0, "$m: failed");
    ($out, $code) = curl("'$url/$m/late?end=forever&piece=64k' -o /dev/null");
    isnt($code, 0, "$m: timeout");
    isnt($code, 28, "$m: timeout, of the server");
    ($out, $code) = curl("-I '$url/$m/pour?end=forever' -w '%{http_code}' -o /dev/null");
    is("$code $out", '0 200', "$m: HEAD");

    ($out, $code) = curl("'$url/$m/events?n=2&pause=150ms'");
    is(scalar(() = $out =~ /^event: tick\ndata: tick\n\n/mg), 2, "$m: events");
    like($out, qr/^: \n\n/m, "$m: comments");

    # each piece at once

    my (@at, $text);
    open my $pipe, '-|', "exec curl -skN --http3-only -m 20 "
                         . "'$url/$m/pour?size=48&piece=16&pause=600ms'" or die "curl: $!";
    while (sysread $pipe, my $some, 4096) {
        $text .= $some;
        push @at, time() while @at < length($text) / 16;
    }
    close $pipe;
    ok(@at == 3 && $at[1] - $at[0] > 0.05 && $at[2] - $at[1] > 0.05, "$m: each piece at once");

    # a client that leaves: while the function waits for it, is silent, or is not
    # to be told

    for my $uri ("/$m/pour?end=forever&piece=64k", "/$m/pour?end=forever&pause=20s",
                 "/$m/stay?end=forever&piece=64k") {
        $was = seen();
        curl("'$url$uri' --limit-rate 1m -m 1 -o /dev/null");
        ends($was, "$m: the client leaves: $uri");
    }

    # and one that cancels a stream, by STOP_SENDING, while another one goes on

    for my $uri ("/$m/pour?end=forever&piece=64k", "/$m/pour?end=forever&pause=3500ms") {
        my ($start, $pipe);

        # now and then curl itself has not begun both: that is no test then

        for (1 .. 3) {
            $was = seen();
            $start = time();
            open $pipe, '-|', "exec curl -skN -Z --http3-only -m 20 "
                . "'$url/$m/pour?size=48&piece=16&pause=1s' -o $dir/other "
                . "'$url$uri' -o /dev/full 2>$dir/curl.err" or die "curl: $!";
            last if $s->wait_for(sub { seen()->{begun} == $was->{begun} + 2 },
                                 'both to begin', 5);
            close $pipe;
            open my $in, '<', "$dir/curl.err";
            diag('curl: ', $? >> 8, ' ', <$in>);
        }

        ends($was, "$m: a stream is cancelled: $uri");
        cmp_ok(time() - $start, '<', 2.5, "$m: it knows at once");
        close $pipe;
        ends($was, "$m: the other one ends", 2);
        is(-s "$dir/other", 48, "$m: the other one is whole");
    }
}

my ($code) = $s->stop('QUIT');
is($code, 0, 'exit code');
$s->check_log();

done_testing();
