#!/usr/bin/perl

# ngx_task_fetch(): what is sent, and locations of all kinds as its targets.

use strict;
use warnings;

use JSON::PP;
use Test::More;
use Time::HiRes qw(time);

use TaskFetch;
use TaskUpstream;

use constant { EINVAL => 22, EFBIG => 27, EPIPE => 32, ELOOP => 40 };

my $tasks = "$ENV{TEST_NGINX_TASKS}/test";
my $other = ($ENV{TEST_NGINX_PORT} || 1984) + 101;
my $secure = $other + 1;
my $u = TaskUpstream->start;
my $root = "$ENV{TEST_NGINX_SERVROOT}-$$-files";

mkdir $root or die "$root: $!";
mkdir "$root/$_" or die for 'static', 'cache', 'store';

sub put {
    my ($name, $text) = @_;
    open my $out, '>', "$root/$name" or die "$name: $!";
    print $out $text;
    close $out;
}

my $big = join '', map sprintf("%015d\n", $_), 1 .. 65536;      # 1 MB

put('static/a.txt', 'of a file');
put('static/empty', '');
put('static/big', $big);
put('static/page.shtml', 'a<!--#include virtual="/static/a.txt" -->b'
                         . '<!--#include virtual="/up/echo?ssi" -->c');
put('static/sorry.html', 'sorry');

system("gzip -k $root/static/big && mv $root/static/big.gz $root/static/packed.gz") == 0
    or die 'gzip';
system("openssl req -x509 -newkey rsa:2048 -nodes -keyout $root/key -out $root/cert"
       . " -subj /CN=localhost -days 2 2>/dev/null") == 0 or die 'openssl';

my $up = "http://127.0.0.1:$u->{port}";

my $s = TaskFetch->start(
    main => "task_load $tasks/stream.so; task_load $tasks/probe.so;
             thread_pool probe threads=4;",
    http => "
        proxy_cache_path $root/cache keys_zone=cache:1m;
        log_format host '\$request_uri \$host';
        limit_req_zone \$request_uri zone=rate:1m rate=1r/m;
        limit_conn_zone \$binary_remote_addr zone=conns:1m;
        aio_write on;
        server {
            listen 127.0.0.1:$other;
            listen unix:$root/socket;
            root $root; gzip on; gzip_min_length 100; gzip_types *;
            gzip_http_version 1.0; gzip_proxied any;
            location /static/ { }
        }
        server {
            listen 127.0.0.1:$secure ssl;
            ssl_certificate $root/cert; ssl_certificate_key $root/key;
            return 200 \"\$scheme \$http_cookie\";
        }",
    server => "
        root $root;
        location /static/    { internal; }
        location /sendfile/  { alias $root/static/; sendfile on; tcp_nopush on; }
        location /aio/       { alias $root/static/; sendfile on; aio threads; }
        location /aio/only/  { alias $root/static/; aio threads; output_buffers 2 4k; }
        location /directio/  { alias $root/static/; sendfile on; directio 1; }
        location /direct/aio/ { alias $root/static/; directio 1; aio threads; }
        location /packed     { alias $root/static/packed; gzip_static always; gunzip on; }
        location /up/        { proxy_pass $up/; }
        location /unbuffered/ { proxy_pass $up/; proxy_buffering off; }
        location /plain/     { proxy_pass $up/; proxy_request_buffering off; }
        location /large/     { proxy_pass $up/; proxy_buffers 4 4k; proxy_buffer_size 4k;
                               proxy_busy_buffers_size 8k; aio threads; }
        location /gz/        { proxy_pass http://127.0.0.1:$other/; gunzip on;
                               proxy_set_header Accept-Encoding gzip; }
        location /raw/gz/    { proxy_pass http://127.0.0.1:$other/;
                               proxy_set_header Accept-Encoding gzip; }
        location /unix/      { proxy_pass http://unix:$root/socket:/; }
        location /https/     { proxy_pass https://127.0.0.1:$secure; proxy_ssl_session_reuse off; }
        location /cached/    { proxy_pass $up/; proxy_cache cache; proxy_cache_valid 1h;
                               add_header X-Cache \$upstream_cache_status; }
        location /stale/     { proxy_pass $up/; proxy_cache cache; proxy_cache_valid 1s;
                               proxy_cache_use_stale updating; proxy_cache_background_update on;
                               proxy_cache_key \$uri; log_subrequest on;
                               access_log $root/hosts host;
                               add_header X-Cache \$upstream_cache_status; }
        location /stored/    { proxy_pass $up/; proxy_store $root/store/a;
                               add_header X-Store 1; }
        location /gone       { error_page 404 =200 /static/sorry.html; return 404; }
        location /named      { error_page 418 = \@named; return 418; }
        location \@named     { return 200 'named \$uri'; }
        location /try        { try_files /static/none \@named; }
        location /return     { return 201 'returned \$request_method \$uri \$args'; }
        location /rewrite/   { rewrite ^/rewrite(/.*) /return\$1 last; }
        location /redirect   { return 302 /static/a.txt; }
        location /closed     { return 444; }
        location /accel      { proxy_pass $up/pour?n=1&header=X-Accel-Redirect:%20/static/a.txt; }
        location /ssi/       { alias $root/static/; ssi on; default_type text/html; }
        location /auth       { auth_request /up/echo; alias $root/static/a.txt; }
        location /denied     { auth_request /forbidden; alias $root/static/a.txt; }
        location /forbidden  { return 403; }
        location /mirrored/  { mirror /mirror; proxy_pass $up/; }
        location = /mirror   { internal; proxy_pass $up/sleep?ms=200; }
        location /mirrored/late/ { mirror /mirror/late; proxy_pass $up/; }
        location = /mirror/late { internal; proxy_pass
                               $up/sleep?ms=200&header=X-Accel-Redirect:%20/mirror/kept; }
        location = /mirror/kept { internal; proxy_pass $up/keep; }
        location /slow/      { alias $root/static/; limit_rate 1m; }
        location /rated      { limit_req zone=rate; alias $root/static/a.txt; }
        location /counted    { limit_conn conns 1; alias $root/static/a.txt; }
        location /except     { limit_except GET { deny all; } alias $root/static/a.txt; }
        location /lingers    { lingering_close always; alias $root/static/a.txt; }
        location /vars       { return 200 '\$remote_addr \$scheme \$host \$server_port'; }
        location /id         { return 200 '\$http_x_request_id'; }
        location /ids        { add_header X-Mine \$request_id; task fetch.known; }
        location /small      { client_max_body_size 1k; proxy_pass $up/; }
        location /task/async  { task sleep duration=50ms; }
        location /task/thread { task sleep duration=50ms; task_mode thread=probe; }
        location /task/sync   { task sleep duration=5ms; task_mode sync; }
        location /task/quick  { quick; }
        location /task/wrong  { task values; }
        location /task/pour   { task pour size=300k piece=5000; task_mode thread=probe; }
        location /task/pour/async { task pour size=300k piece=5000; }
        location /task/fails  { task pour size=30k piece=5000 end=fail; }
        location /task/events { task events n=3; }
        location /itself      { task fetch.plain uri=/itself; }
        location /chain       { task fetch.plain uri=/static/a.txt; }
        location /misuse      { task fetch.wrong; }
        location /misuse/raw  { task fetch.wrong_raw; }
        location /buffered    { task fetch.pass; client_body_buffer_size 1k; }
    ");

my $worker = $s->worker;

# each worker has a few descriptors from the first use of something on

$s->ask($_) for '/static/a.txt', '/aio/a.txt', '/task/thread';
my $was = $s->at_rest;
my $inner = JSON::PP->new;
my ($r, $e);

sub fetched {
    my ($uri, $expected, %o) = @_;
    my $name = delete $o{-name} // $uri;
    $r = $s->ask($uri, %o);
    is(TaskFetch::short($r) . ' ' . ($r->{body} // ''), $expected, $name);
}

sub echo {
    my ($uri, %o) = @_;
    $r = $s->ask("/up/echo$uri", %o);
    is(TaskFetch::short($r), 'ok 200 0', $uri);
    $e = eval { $inner->decode($r->{body}) } // {};
}

sub sum { return TaskUpstream::sum($_[0]) }

my $sum = sum($big);

# what is sent

for my $method (qw(GET POST PUT DELETE PATCH OPTIONS PROPFIND get BREW)) {
    echo('?method', method => $method);
    is($e->{method}, $method, $method);
    is($e->{headers}{'content-length'}, $method =~ /^P(?!RO)/ ? 0 : undef, 'its length');
}

for my $uri ('', '?', '?a=1&b=%20%00&c', '/%25a/%C3%A9;b?x=%2F', '/a//b/.c/..d/e..?/../', "/\xc3\xa9") {
    echo($uri);
    my %changed = ('?' => '', '/a//b/.c/..d/e..?/../' => '/a/b/.c/..d/e..?/../', "/\xc3\xa9" => '/%C3%A9');
    is($e->{uri}, '/echo' . ($changed{$uri} // $uri), "URI $uri");
}

echo('?header', header => "a\tb \xc3\xa9 \"c\"");
is($e->{headers}{'x-test'}, "a\tb \xe9 \"c\"", 'a header');
is($r->{headers}{'x-of'} . $r->{of}, 'upstreamupstream', 'one of the reply, in any case');
is($r->{headers}{connection}, undef, 'no Connection');
echo('?header', header => '', name => 'X-Empty');
is($e->{headers}{'x-empty'}, '', 'an empty one');
echo('?header', header => 'tea', name => 'Accept');
is($e->{headers}{accept}, 'tea', 'one that nginx knows');
echo('?header', header => 'b=1', name => 'Cookie');
is($e->{headers}{cookie}, 'b=1', 'a cookie of the function\'s own');

my $own = "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n";

echo('?leak', -headers => "Cookie: a=1\r\nAuthorization: Basic YTpi\r\nAccept-Encoding: gzip\r\n"
                          . "Content-Type: text/x\r\nX-Request-ID: client\r\nRange: bytes=0-1\r\n"
                          . "If-None-Match: *\r\nX-Forwarded-For: 1.2.3.4\r\nReferer: a\r\n"
                          . "User-Agent: b\r\nUpgrade: h2c\r\n$own");

# newer ones keep connections, and send no Connection

is(join(' ', grep $_ ne 'connection', sort keys %{ $e->{headers} }), 'host traceparent',
   'no header of the client\'s');
like($e->{headers}{connection} // 'close', qr/^close$/, 'nor its Connection');
like($e->{headers}{traceparent}, qr/^00-0af7651916cd43dd8448eb211c80319c-/, 'but traceparent');

$r = decode_json($s->get('/ids?' . TaskFetch::query('/id'))->{body});
like($r->{body}, qr/^[0-9a-f]{32}$/, 'X-Request-ID');
$r = $s->get('/ids?' . TaskFetch::query('/id'));
my ($mine) = $r->{headers} =~ /X-Mine: (\w+)/;
is(decode_json($r->{body})->{body}, $mine, 'is $request_id');
fetched('/id', 'ok 200 0 ', -name => 'and is not there without NGX_TASK_CONTEXT');

fetched('/vars', "ok 200 0 127.0.0.1 http localhost $s->{port}");

# bodies that are sent

for my $uri ('/up', '/plain', '/unbuffered', '/mirrored') {
    $r = $s->ask("$uri/echo", method => 'POST', body => 'some body');
    $e = eval { $inner->decode($r->{body}) } // {};
    is("$e->{body} $e->{headers}{'content-length'}", 'some body 9', "$uri: a body");

    $r = $s->ask("$uri/echo", method => 'PUT', size => '900k');
    $e = eval { $inner->decode($r->{body}) } // {};
    is("$e->{len} $e->{sum}", 900 * 1024 . ' ' . sum('x' x (900 * 1024)), 'a large one');

    for my $try ([ '/pass', 20 ], [ '/buffered', 20_000 ], [ '/pass', 500_000 ], [ '/pass', 0 ]) {
        my ($by, $n) = @$try;
        my $body = substr $big, 0, $n;
        my $chunked = join('', map sprintf("%x\r\n%s\r\n", length, $_), unpack '(a7000)*', $body)
                      . "0\r\n\r\n";

        for my $how ("Content-Length: $n\r\n", "Transfer-Encoding: chunked\r\n") {
            my $sent = $how =~ /chunked/ ? $chunked : $body;
            $r = $s->ask("$uri/echo", method => 'POST', pass => 1, -by => $by, -method => 'POST',
                         -body => $sent, -headers => "Content-Type: text/csv\r\n$how");
            $e = eval { $inner->decode($r->{body}) } // { headers => {} };
            is(join(' ', map $_ // '', @$e{qw(len sum)}, $e->{headers}{'content-length'}),
               "$n " . sum($body) . " $n", "$uri, $by: its request's body, $n bytes, $how");
            is($e->{headers}{'content-type'} // $e->{headers}{'transfer-encoding'}, undef,
               'and nothing else of it');
        }
    }
}

# a copy that is read after the reply: the body is still there

$s->ask('/mirrored/late/echo', method => 'POST', size => '900k');
is($u->state->{kept}, 900 * 1024 . ' ' . sum('x' x (900 * 1024)), 'a late mirror');
$s->ask('/mirrored/late/echo', method => 'POST', pass => 1, -by => '/buffered', -method => 'POST',
        -body => substr($big, 0, 50_000), -headers => "Content-Length: 50000\r\n");
is($u->state->{kept}, '50000 ' . sum(substr $big, 0, 50_000), 'of its request\'s body, too');

$r = $s->ask('/small/echo', method => 'POST', size => '2k');
is(TaskFetch::short($r), 'ok 413 0', 'client_max_body_size of the target');

# files

fetched('/static/a.txt', 'ok 200 0 of a file');
fetched('/static/empty', 'ok 200 0 ');
is($r->{headers}{'content-length'}, 0, 'its length');
$r = $s->ask('/static/none');
is(TaskFetch::short($r), 'ok 404 0', 'none');
is($s->get('/static/a.txt')->{status}, 404, 'internal locations stay so for clients');

for my $dir (qw(static sendfile aio aio/only directio direct/aio)) {
    fetched("/$dir/a.txt", 'ok 200 0 of a file');
    $r = $s->ask("/$dir/big");
    is("$r->{rc} $r->{len} $r->{sum}", "ok 1048576 $sum", "$dir: a large one");
    $r = $s->ask("/$dir/big", file => 1);
    is("$r->{file} $r->{file_len} $r->{sum}", "1 1048576 $sum", "$dir: in a file");
    fetched("/$dir/a.txt", 'ok 206 0 fil', header => 'bytes=5-7', name => 'Range');
    $r = $s->ask("/$dir/big", header => 'bytes=16-47,160-175', name => 'Range');
    is($r->{status}, 206, "$dir: two ranges");
    like($r->{body}, qr/000002\n0+3\n\r\n.*000011\n\r\n/s, 'both');
    fetched("/$dir/a.txt", 'ok 200 0 ', method => 'HEAD');
    is($r->{headers}{'content-length'}, 9, 'HEAD has the length');
    my ($tag, $date) = @{ $r->{headers} }{qw(etag last-modified)};
    fetched("/$dir/a.txt", 'ok 304 0 ', header => $date, name => 'If-Modified-Since');
    fetched("/$dir/a.txt", 'ok 304 0 ', header => $tag, name => 'If-None-Match');
}

$r = $s->ask('/static/big', method => 'HEAD', max => 10);
is(TaskFetch::short($r), 'ok 200 0', 'max_body is of no matter to HEAD');

for my $uri ('/packed', '/gz/static/big') {
    $r = $s->ask($uri);
    is("$r->{rc} $r->{len} $r->{sum}", "ok 1048576 $sum", "$uri: unzipped");
    is($r->{headers}{'content-encoding'}, undef, 'and said so');
}

$r = $s->ask('/raw/gz/static/big');
is($r->{headers}{'content-encoding'}, 'gzip', 'gzipped');
cmp_ok($r->{len}, '<', 300_000, 'it is');

# servers behind

for my $uri ('/up', '/unbuffered', '/large', '/cached', '/plain', '/mirrored') {
    for my $n (0, 1, 300_000, 1024 * 1024) {
        for my $length (0, 1) {
            $r = $s->ask("$uri/pour?n=$n&length=$length");
            is("$r->{rc} $r->{status} $r->{len}", "ok 200 $n", "$uri: $n bytes");
        }
    }

    $r = $s->ask("$uri/pour?n=600000", file => 1);
    is("$r->{file} $r->{file_len} $r->{sum}", '1 600000 ' . sum('x' x 600_000),
       "$uri: in a file");
    fetched("$uri/drip?n=200", 'ok 200 0 ' . 'x' x 200);
    fetched("$uri/sleep?ms=1", 'ok 200 0 ', method => 'HEAD') if $uri ne '/cached';
}

fetched('/unix/static/a.txt', 'ok 200 0 of a file');
fetched('/https/', 'ok 200 0 https ', -headers => "Cookie: a=1\r\n");

for my $file (0, 1) {
    my $seen = $u->state->{asked};
    fetched("/cached/sleep?ms=$file", 'ok 200 0 slept', file => $file) for 1 .. 3;
    is($r->{headers}{'x-cache'}, 'HIT', 'a hit');
    is($u->state->{asked}, $seen + 1, 'the server was asked once');
}

my $ranged = '/cached/pour?n=9&length=1&header=Accept-Ranges:%20bytes';
fetched($ranged, 'ok 206 0 xxx', header => 'bytes=1-3', name => 'Range') for 1, 2;
is($r->{headers}{'x-cache'}, 'HIT', 'a part of a hit');

fetched('/stale/sleep?ms=1', 'ok 200 0 slept');
$s->wait_for(sub { fetched_state('/stale/sleep?ms=300') eq 'STALE' }, 'it to be stale');
is($r->{body}, 'slept', 'stale, and updated behind it');
$s->wait_for(sub { fetched_state('/stale/sleep?ms=300') eq 'HIT' }, 'the update');

# what goes on behind it has nothing of a client that has gone

$s->wait_for(sub {
    open my $in, '<', "$root/hosts" or return;
    my @lines = <$in>;
    return grep(/sleep\?ms=300 localhost$/, @lines) >= 3 && !grep !/ localhost$/, @lines;
}, 'its lines in the log');

sub fetched_state {
    $r = $s->ask($_[0]);
    return $r->{headers}{'x-cache'} // '';
}

$r = $s->ask('/stored/pour?n=70000');
is("$r->{len}", 70000, 'proxy_store');
$s->wait_for(sub { (-s "$root/store/a" // 0) == 70000 }, 'the stored file');

# others

fetched('/gone', 'ok 200 0 sorry');
fetched('/named', 'ok 200 0 named /named');
fetched('/try', 'ok 200 0 named /try');
fetched('/return?a=1', 'ok 201 0 returned GET /return a=1');
fetched('/rewrite/x?b', 'ok 201 0 returned GET /return/x b');
$r = $s->ask('/redirect');
is("$r->{status} $r->{headers}{location}", "302 http://localhost:$s->{port}/static/a.txt",
   'a redirect is a reply');
fetched('/accel', 'ok 200 0 of a file');
$r = $s->ask('/ssi/page.shtml');
like($r->{body}, qr/^aof a fileb\{.*"uri":"\/echo\?ssi"\}c$/, 'SSI');
fetched('/auth', 'ok 200 0 of a file');
is($s->ask('/denied')->{status}, 403, 'auth_request');
my $time = time();
$r = $s->ask('/slow/big');
is("$r->{rc} $r->{len} $r->{sum}", "ok 1048576 $sum", 'limit_rate: all');
cmp_ok(time() - $time, '>=', 0.5, 'slowly');
fetched('/rated', 'ok 200 0 of a file');
is($s->ask('/rated')->{status}, 503, 'limit_req');
fetched('/counted', 'ok 200 0 of a file');
is($s->ask('/except', method => 'POST')->{status}, 403, 'limit_except');
fetched('/lingers', 'ok 200 0 of a file');
is($s->ask('/lingers', method => 'POST', size => '100k')->{status}, 405, 'lingering_close');
is(TaskFetch::short($s->ask('/closed')), 'failed 0 ' . EPIPE, 'return 444');
is($s->ask('/static/%zz')->{status}, 400, 'a URI that nginx refuses');
is($s->ask('/vars', header => 'a/b', name => 'Host')->{status}, 400, 'a Host that nginx refuses');
is($s->ask('/vars', header => 'other', name => 'Host')->{body},
   "127.0.0.1 http other $s->{port}", 'one of its own');

# other tasks

fetched("/task/$_", 'ok 200 0 {"status":"long_running task completed"}') for qw(async thread sync);
fetched('/task/quick', 'ok 200 0 {"status":"quick response"}');
is($s->ask('/task/wrong')->{status}, 422, 'a wrong one');

for my $uri (qw(/task/pour /task/pour/async)) {
    $r = $s->ask($uri);
    is("$r->{rc} $r->{len}", 'ok ' . 300 * 1024, "$uri: streamed");
    is(TaskFetch::short($s->ask($uri, max => '100k')), 'failed 0 ' . EFBIG, 'too much');
}

is(TaskFetch::short($s->ask('/task/fails')), 'failed 0 ' . EPIPE, 'a stream that fails');
is(() = $s->ask('/task/events')->{body} =~ /^event: tick$/mg, 3, 'events');

$r = $s->ask('/job?uri=/static/a.txt', method => 'POST');
is($r->{status}, 202, 'a job');
like($r->{headers}{location}, qr{^/jobs/\w+$}, 'where it is');
$r = $s->ask("$r->{headers}{location}?wait=10s");
is(decode_json($r->{body})->{result}{body}, 'of a file', 'which fetches, too');

fetched('/chain', 'ok 200 0 of a file');
$r = $s->ask('/itself');
is(TaskFetch::short($r), 'ok 502 0', 'one that fetches itself');
is(() = $s->text('error.log') =~ /\[error\].*which fetches itself/g, 1, 'has an end');

# how much

for my $uri ('/up/pour?n=5000', '/up/pour?n=5000&length=1', '/unbuffered/pour?n=5000',
             '/sendfile/big', '/aio/big', '/up/pour?n=200000&length=1', '/large/pour?n=200000')
{
    my ($n) = $uri =~ /n=(\d+)/;
    $n //= 1048576;

    for my $file (0, 1) {
        is($s->ask($uri, max => $n, file => $file)->{len}, $n, "$uri: max_body");
        is(TaskFetch::short($s->ask($uri, max => $n - 1, file => $file)), 'failed 0 ' . EFBIG,
           'and one byte less');
    }
}

is(TaskFetch::short($s->ask("/up/pour?n=1048577$_")), 'failed 0 ' . EFBIG, 'over 1 MB')
    for '', '&length=1';

for my $n (65535, 65536, 65537) {
    for my $length (0, 1) {
        $r = $s->ask("/up/pour?n=$n&length=$length", file => 1);
        is("$r->{len} $r->{file} $r->{sum}",
           "$n " . ($n > 65536 ? 1 : 0) . ' ' . sum('x' x $n), "$n bytes");
        is($r->{wrong}, undef, 'and a null');
    }
}

# what is not sent at all

my $asked = $u->state->{asked};

for my $try ([ { method => 'GE T' } , 'an invalid method' ], [ { method => '' }, 'an invalid method' ],
             [ { method => "GET\r\n" }, 'an invalid method' ],
             [ { uri => 'up/echo' }, 'an URI that does not' ], [ { uri => '' }, 'an URI that does not' ],
             [ { uri => '@named' }, 'an URI that does not' ],
             [ { uri => "/up/echo?a\r\nX: 1" }, 'a space, a "#" or a control' ],
             [ { uri => '/up/echo?a b' }, 'a space, a "#" or a control' ],
             [ { uri => "/up/echo?\x7f" }, 'a space, a "#" or a control' ],
             [ { uri => '/up/echo#a' }, 'a space, a "#" or a control' ],
             (map [ { uri => $_ }, 'a segment "." or ".."' ],
              '/up/..', '/up/../', '/../a', '/up/./a', '/.', '/up/%2e%2E/a', '/up/.%2e?a',
              '/up/a%2F..%2Fadmin', '/up/..%2fadmin'),
             [ { method => 'TRACE' }, 'an invalid method' ],
             [ { method => 'CONNECT' }, 'an invalid method' ],
             [ { header => "a\r\nX-Evil: 1" }, 'a control character' ],
             [ { header => "a\nX-Evil: 1" }, 'a control character' ],
             [ { header => "a\x01" }, 'a control character' ],
             [ { header => 'a', name => '' }, 'an invalid name' ],
             [ { header => 'a', name => 'X Y' }, 'an invalid name' ],
             [ { header => 'a', name => "X:\r\nY" }, 'an invalid name' ],
             [ { header => 'a', name => "\xc3\xa9" }, 'an invalid name' ],
             (map [ { header => '5', name => $_ }, 'a header that is nginx\'s own' ],
              qw(Connection content-length Expect Keep-Alive Proxy-Connection TE Trailer
                 transfer-ENCODING Upgrade)))
{
    my ($args, $why) = @$try;
    my $n = () = $s->text('error.log') =~ /\[error\].*fetches ".*" with $why/sg;
    $r = $s->ask(delete $args->{uri} // '/up/echo', %$args);
    is(TaskFetch::short($r), 'failed 0 ' . EINVAL, "$why");
}

is($u->state->{asked}, $asked, 'the server has heard of none');
like($s->text('error.log'), qr/\[error\].*task "(?:fetch\.)?one".* fetches ".*" with $_/, $_)
    for 'an invalid method', 'an URI that does not begin', 'a space, a "#" or a control character in its URI',
        'an invalid name of a header', 'a control character in a header', 'a header that is nginx';

for my $try ([ 'size', 'whose size is not set' ], [ 'null', 'fetches NULL' ],
             [ 'flags', 'flags that do not exist' ], [ 'body', 'a body, or headers, that are NULL' ],
             [ 'header', 'a header that is NULL' ], [ 'pass', 'without NGX_TASK_RAW_BODY' ],
             [ 'two', 'with two bodies' ])
{
    my ($kind, $why) = @$try;
    is($s->get(($kind eq 'two' ? '/misuse/raw' : '/misuse') . "?kind=$kind",
               method => $kind eq 'two' ? 'POST' : 'GET')->{status}, 500, $kind);
    like($s->text('error.log'), qr/\[error\].*$why/, "$kind: why");
}

# and nothing has been left

is(join(' ', $s->worker), $worker, 'the worker lives');
$s->rested($was, 'after all that');
$s->stop('QUIT');
$s->check_log;
File::Path::remove_tree($root) if Test::More->builder->is_passing;
$u->stop;

done_testing();
