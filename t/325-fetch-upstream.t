#!/usr/bin/perl

# ngx_task_fetch(): servers that are slow, broken or gone; and what becomes of a
# fetch whose task is cancelled: nothing is left of it.

use strict;
use warnings;

use JSON::PP;
use Test::More;
use Time::HiRes qw(sleep time);

use TaskFetch;
use TaskNginx qw(listen_http2);
use TaskUpstream;

use constant { EFBIG => 27, EPIPE => 32, ETIMEDOUT => 110 };

my $two = ($ENV{TEST_NGINX_PORT} || 1984) + 101;

my $u = TaskUpstream->start;
my $up = "http://127.0.0.1:$u->{port}";
my $gone = TaskUpstream->start;
my $files = "$ENV{TEST_NGINX_SERVROOT}-$$-files";

$gone->stop;
mkdir $files or die "$files: $!";
system("head -c 50000000 /dev/zero > $files/big") == 0 or die 'head';
system("head -c 900000 /dev/zero > $files/small") == 0 or die 'head';

my $s = TaskFetch->start(
    http => "proxy_cache_path $files/cache keys_zone=cache:1m;",
    server => 'large_client_header_buffers 4 128k; '
              . listen_http2($two) . "
        location /up/         { proxy_pass $up/; }
        location /unbuffered/ { proxy_pass $up/; proxy_buffering off; }
        location /cached/     { proxy_pass $up/; proxy_cache cache; proxy_cache_valid 1h;
                                proxy_cache_lock on; }
        location /brief/      { proxy_pass $up/; proxy_read_timeout 300ms; }
        location /ignore/     { proxy_pass $up/; proxy_ignore_client_abort on; }
        location /gone        { proxy_pass http://127.0.0.1:$gone->{port}; }
        location /header/     { proxy_pass $up/; proxy_buffer_size 4k; proxy_buffers 2 4k;
                                proxy_busy_buffers_size 4k; }
        location /big         { alias $files/big; sendfile on; aio threads; output_buffers 1 4k; }
        location /slow        { alias $files/small; limit_rate 10k; }
        location /auth        { auth_request /up/hang; alias $files/small; }
        location /mirrored/   { mirror /mirror; proxy_pass $up/; }
        location = /mirror    { internal; proxy_pass $up/hang?mirror; }
        location /named       { error_page 418 = \@named; return 418; }
        location \@named      { proxy_pass $up; rewrite ^ /hang break; }
        location /ssi         { ssi on; ssi_types *; root $files; }
        location /task        { task sleep duration=60s; }
        location /thread      { task fetch.seen; task_mode thread; }
        location /pour        { task fetch.many uri=/up/hang n=2; }
        location /chain       { task fetch.plain uri=/chain/2; }
        location /chain/2     { task fetch.plain uri=/up/hang; }
        location /refuse      { return 403; }
        location /two         { task fetch.pass; client_body_buffer_size 1k; }
        location /slowly/many { task fetch.many; task_timeout 300ms; }
    ");

open my $page, '>', "$files/ssi" or die $!;
print $page 'a<!--#include virtual="/up/hang" -->';
close $page;

my $worker = $s->worker;
my ($r, $time);

$s->ask('/up/echo');
$s->ask('/big', max => '1k');
my $was = $s->at_rest;

sub short {
    my ($uri, $expected, %o) = @_;
    my $start = time();
    $r = $s->ask($uri, %o);
    $time = time() - $start;
    is(TaskFetch::short($r), $expected, $uri);
}

# servers that are broken

for my $dir ('/up', '/unbuffered', '/cached') {
    for my $file (0, 1) {
        short("$dir/short?$file", 'failed 0 ' . EPIPE, file => $file);
        short("$dir/reset?$file", 'failed 0 ' . EPIPE, file => $file);
    }

    short("$dir/none", 'ok 502 0');
    short("$dir/none?reset=1", 'ok 502 0');
    short("$dir/raw?text=HTTP/1.1%20200%20OK%0D%0AConte", 'ok 502 0');
    short("$dir/raw?text=HTTP/1.1%20200%20OK%0D%0A%01:%20b%0D%0A%0D%0A", 'ok 502 0');
    $r = $s->ask("$dir/raw?text=garbage%0D%0A%0D%0A");
    like(TaskFetch::short($r), qr/^(?:failed 0 71|ok 502 0)$/, 'what is not HTTP');
    short("$dir/raw?text=HTTP/1.1%20200%20OK%0D%0AX:%20" . 'x' x 20000 . '%0D%0A%0D%0A',
          'ok 502 0');
    short("$dir/raw?text=HTTP/1.1%20200%20OK%0D%0ATransfer-Encoding:%20chunked%0D%0A%0D%0Axyz"
          . '%0D%0A', 'failed 0 ' . EPIPE);
    short("$dir/raw?text=HTTP/1.1%20204%20No%0D%0A%0D%0A", 'ok 204 0');
    is($r->{len}, 0, 'no body');
    short("$dir/raw?text=HTTP/1.1%20299%20Odd%0D%0AX-Of:%20a%0D%0Ax-of:%20b%0D%0A%0D%0Ac", 'ok 299 0');
    is("$r->{of} $r->{body}", 'a c', 'the first of two headers of a name');
}

short('/gone', 'ok 502 0');
short('/header/pour?n=1&header=X-Long:%20' . 'x' x 3000, 'ok 200 0');
is(length $r->{headers}{'x-long'}, 3000, 'a long header');

# 1xx is no reply; nginx takes it for one, as it does from any server

$r = $s->ask('/up/raw?text=HTTP/1.1%20100%20C%0D%0A%0D%0AHTTP/1.1%20200%20OK%0D%0A%0D%0Aa');
like(TaskFetch::short($r), qr/^ok (?:100|200|502) 0$/, '1xx');

# 100 MB: no more than asked for is kept

my $before = $s->memory;
for my $dir ('/up', '/unbuffered', '/cached') {
    for my $length (0, 1) {
        for my $file (0, 1) {
            short("$dir/pour?n=104857600&length=$length&file=$file", 'failed 0 ' . EFBIG,
                  file => $file);
        }
    }
}
cmp_ok($s->memory - $before, '<', 20_000_000, '100 MB are not kept') if !$ENV{TEST_NGINX_SANITIZER};
short('/up/pour?n=20000000', 'ok 200 0', file => 1, max => '30m');
is("$r->{file_len} $r->{file}", '20000000 1', '20 MB in a file');

# again and again, freed each time

short('/up/echo', 'ok 200 0');
$s->get('/many?' . TaskFetch::query('/big', n => 10, times => 2));
$before = $s->memory;
$r = decode_json($s->get('/many?' . TaskFetch::query('/up/pour?n=900000', n => 5, times => 40))->{body});
is("$r->{ok} $r->{failed}", '200 0', '200 replies of 900 KB');
cmp_ok($s->memory - $before, '<', 40_000_000, 'are freed') if !$ENV{TEST_NGINX_SANITIZER};
$s->rested($was, 'broken servers');

# times

for my $uri ('/up/hang', '/up/hang?after=half', '/up/hang?after=header', '/up/hang?after=body',
             '/unbuffered/hang?after=body', '/cached/hang', '/cached/hang?after=body', '/auth',
             '/named', '/ssi', '/task', '/chain', '/pour', '/slow', '/ignore/hang',
             '/mirrored/hang')
{
    short($uri, 'timeout 0 ' . ETIMEDOUT, timeout => '200ms', max => '100m');
    cmp_ok($time, '>=', 0.199, 'not early');
    cmp_ok($time, '<', 2, 'and not late');
    is($r->{len} . ($r->{body} // ''), 0, 'nothing of it is told');
}

short('/up/sleep?ms=200', 'ok 200 0', timeout => '5s');
short('/up/hang', 'timeout 0 ' . ETIMEDOUT, timeout => '1ms');
short('/brief/hang', 'ok 504 0');
cmp_ok($time, '>=', 0.299, 'proxy_read_timeout: not early');
short('/brief/hang?after=body', 'failed 0 ' . EPIPE);

# what still reads the function's body is not waited for longer than that

short('/mirrored/echo', 'ok 200 0', method => 'POST', body => 'abc', timeout => '300ms');
cmp_ok($time, '>=', 0.299, 'a mirror that hangs is waited for');
cmp_ok($time, '<', 2, 'until the time is over');

$r = decode_json($s->get('/within?' . TaskFetch::query('/up/hang', each => '200ms'))->{body});
is($r->{rc}, 'timeout', 'ngx_task_timeout()');
$s->rested($was, 'times');

# the task is cancelled at each stage: the client leaves, its time is over, one of
# a gather fails

my @stages = ('/up/hang', '/up/hang?after=half', '/up/hang?after=body', '/unbuffered/hang?after=body',
              '/cached/hang?stage', '/cached/hang?after=body&stage', '/big', '/slow', '/auth',
              '/named', '/ssi', '/task', '/chain', '/pour', '/ignore/hang', '/mirrored/hang');

for my $uri (@stages) {
    my $open = sub { return $u->state->{open} };

    for my $by ('/one', '/many') {
        my $c = $s->open("$by?" . TaskFetch::query($uri, $by eq '/one' ? (max => '100m') : (n => 3)));
        sleep(rand 0.1);
        close $c->{socket};
    }

    $s->rested($was, "$uri: the client has left");
    is($open->(), 0, 'and so has nginx');

    next if $uri eq '/big';

    is($s->get('/brief?' . TaskFetch::query($uri, max => '100m'))->{status}, 504, 'task_timeout');
    is($s->get('/slowly/many?' . TaskFetch::query($uri))->{status}, 504, 'of a gather');
    $s->rested($was, "$uri: the time is over");

    $r = decode_json($s->get('/many?' . TaskFetch::query($uri, bad => '/refuse', n => 5, first => 1))->{body});
    is("$r->{failed} $r->{cancelled}", '1 4', 'the first error');
    $r = decode_json($s->get('/many?' . TaskFetch::query($uri, bad => '/up/short', n => 5,
                                                         first => 1))->{body});
    is("$r->{failed} $r->{cancelled}", '1 4', 'a later one');
    $s->rested($was, "$uri: the first error");
    is($open->(), 0, 'no connection is left');
}

# at any moment

srand(1);

for my $uri ('/big', '/up/pour?n=3000000', '/unbuffered/drip?n=100', '/cached/pour?n=30000', '/task',
             '/up/echo')
{
    for my $by ('/one', '/many') {
        my @c = map {
            my $c = $s->open("$by?" . TaskFetch::query($uri, $by eq '/one' ? (max => '100m', file => 1)
                                                                           : (n => 10, limit => 3)));
            sleep(rand 0.01);
            $c;
        } 1 .. 30;

        for my $c (@c) {
            close $c->{socket};
            sleep(rand 0.005);
        }
    }

    $s->rested($was, "$uri: clients leave at any moment");
}

# HTTP/2

sub nghttp {
    my ($args, $until) = @_;
    return `timeout $until nghttp --no-dep $args 2>&1`;
}

my $url = "http://127.0.0.1:$two";
open my $body, '>', "$files/body" or die $!;
print $body 'abcde' x 4000;
close $body;

my $echo = nghttp("-d $files/body '$url/two?" . TaskFetch::query('/up/echo', method => 'POST', pass => 1)
                  . "'", 20);
like($echo, qr/\\"len\\":20000[^\d]/, 'HTTP/2: a body passed on');
like(nghttp("'$url/one?" . TaskFetch::query('/cached/echo?two') . "' '$url/one?"
            . TaskFetch::query('/cached/echo?two', max => '1m') . "'", 20), qr/("status":200.*){2}/s,
     'cached, twice in one connection');

for my $uri ('/up/hang', '/cached/hang?two', '/cached/hang?after=body&two', '/slow') {
    nghttp("-d $files/body '$url/two?" . TaskFetch::query($uri, method => 'POST', pass => 1, max => '100m')
           . "' '$url/one?" . TaskFetch::query($uri, max => '100m') . "'", 0.3);
    $s->rested($was, "HTTP/2: $uri: the client has left");
}

is($s->worker, $worker, 'the worker lives');
$s->stop('QUIT');
$s->check_log;
File::Path::remove_tree($files) if Test::More->builder->is_passing;
$u->stop;

done_testing();
