#!/usr/bin/perl

# Header fields that nginx's filters and modules look for, and what caches may
# do with answers that are true only now.

use strict;
use warnings;

use JSON::PP;
use Test::More;
use Time::HiRes qw(sleep time);

use TaskServer;

my $tasks = "$ENV{TEST_NGINX_TASKS}/test";
my $port = ($ENV{TEST_NGINX_PORT} || 1984) + 100;
my $front = $port + 1;

my $s = TaskServer->start(
    main => "task_load $tasks/answers.so;",
    http => "task_job_zone jobs:1m; task_zone z:256k;
             proxy_cache_path cache keys_zone=c:1m;
             server { listen 127.0.0.1:$front;
                 proxy_cache c; proxy_cache_valid 200 202 404 10m;
                 location / { proxy_pass http://127.0.0.1:$port; } }",
    server => '
        location = /header      { task header; }
        location = /gzip        { task header; gzip on; gzip_min_length 0;
                                  gzip_types application/json; }
        location = /expires     { task header; expires 1h; }
        location = /modified    { task header; expires modified +1h; }
        location = /add         { task header; add_header Cache-Control public always; }
        location = /judge       { task judge; }
        location = /behind      { auth_request /judge; task header; }
        location = /any         { auth_request /judge; satisfy any; allow all;
                                  task header; }
        location = /job         { task sleep; task_background on zone=jobs; }
        location = /prefer      { task sleep; task_background prefer zone=jobs; }
        location = /job/expires { task sleep; task_background on zone=jobs; expires 1h; }
        location = /job/add     { task sleep; task_background on zone=jobs;
                                  add_header Cache-Control private always; }
        location = /task        { task sleep duration=0; }
        location = /quick       { quick; }
        location = /status      { task_status; }
        location = /ready       { task_ready; }
        location = /limited     { task sleep; task_limit running=5; }
        location /jobs/         { task_jobs zone=jobs; }
        location /expires/      { task_jobs zone=jobs; expires 1h; }
        location /add/          { task_jobs zone=jobs; add_header Cache-Control private always; }
        location /behind/       { auth_request /judge; task_jobs zone=jobs; }
    ');

my ($r, $id);

sub header {
    my ($r, $name) = @_;
    return join ' | ', $r->{headers} =~ /^\Q$name\E: (.*?)\r?$/mgi;
}

sub get { return $s->get(@_) }

# WWW-Authenticate, from behind auth_request

my $good = "Authorization: Bearer good\r\n";
my $both = 'Basic realm="first" | Bearer realm="second"';
is(header(get('/judge'), 'WWW-Authenticate'), $both, 'of the task itself');
for my $uri ('/behind', '/behind/' . '0' x 32) {
    $r = get($uri);
    is($r->{status}, 401, "$uri: refused");
    like(header($r, 'WWW-Authenticate'), qr/realm=/, "$uri: and told how");
}
is(get('/behind', headers => $good)->{status}, 200, 'let in');
is(get('/any')->{status}, 200, 'satisfy any');
is(header(get('/any'), 'WWW-Authenticate'), '', 'asks for nothing then');

# each of the others: sent once, seen by nginx

my $date = 'Thu,+01+Jan+2026+00:00:00+GMT';
(my $text = $date) =~ tr/+/ /;
is(header(get("/header?name=$_&value=$date"), $_), $text, $_)
    for 'Expires', 'Last-Modified', 'ETag', 'Refresh', 'Accept-Ranges', 'Link',
        'Cache-Control', 'Content-Range', 'X-Other';
is(header(get("/header?name=$_&value=a&more=b"), $_), 'a | b', "$_: several")
    for 'Link', 'Cache-Control', 'X-Other', 'Set-Cookie';
is(header(get("/header?name=$_&value=a&more=b"), $_), 'b', "$_: the last one")
    for 'Expires', 'ETag', 'Refresh', 'Accept-Ranges';

is(header(get("/expires?name=Cache-Control&value=no-store&more=private"),
          'Cache-Control'), 'max-age=3600', 'expires replaces Cache-Control');
is(header(get("/expires?name=expires&value=$date"), 'Expires') =~ /2026 00:00/ ? 1 : 0,
   0, 'and Expires');
is(header(get("/modified?name=Last-Modified&value=$date"), 'Expires'),
   'Thu, 01 Jan 2026 01:00:00 GMT', 'it knows the time of Last-Modified');
is(header(get("/add?name=Cache-Control&value=no-cache"), 'Cache-Control'),
   'no-cache | public', 'add_header adds');
my %gzip = (headers => "Accept-Encoding: gzip\r\n");
is(header(get('/gzip', %gzip), 'Content-Encoding'), 'gzip', 'gzip');
is(header(get('/gzip?name=content-encoding&value=br', %gzip), 'Content-Encoding'),
   'br', 'not of what is encoded');
like(header(get('/gzip?name=ETag&value=%22a%22', %gzip), 'ETag'), qr{^W/}, 'a weak ETag');
is(header(get('/gzip?name=Accept-Ranges&value=bytes', %gzip), 'Accept-Ranges'),
   '', 'no ranges of it');

# of an answer that has no body: the next one follows at once

for my $status (204, 205, 304) {
    $r = $s->read($s->open("/header?status=$status", keepalive => 1,
                           body => "GET /quick HTTP/1.1\r\nHost: localhost\r\n"
                                   . "Connection: close\r\n\r\n"));
    is("$r->{status} " . header($r, 'Content-Length'),
       "$status " . ($status == 205 ? '0' : ''), "$status: its length");
    like($r->{body}, qr{^HTTP/1\.1 200 }, "$status: no body");
}

is(header(get('/header?name=Content-Range&value=bytes%20*%2F5&status=416'), 'Content-Range'),
   'bytes */5', '416 says how long it is');
is(header(get('/header?name=Content-Range&value=bytes%20*%2F5&status=404'), 'Content-Range'),
   '', 'no other failure does');
is(header(get('/header?name=X-A&value=%20%20a%20b%20'), 'X-A'), 'a b',
   'space around a value is not sent');

# what is true only now is not stored

$r = get('/job?duration=20s');
$id = decode_json($r->{body})->{id};
my %uri = (
    '/job?duration=0' => 202, "/jobs/$id" => 200, '/jobs/' . '0' x 32 => 404,
    "/jobs/$id?wait=x" => 422, "/jobs/$id?wait=50ms" => 200,
    '/status' => 200, '/ready' => 200,
);
for my $uri (sort keys %uri) {
    $r = get($uri);
    is("$r->{status} " . header($r, 'Cache-Control'), "$uri{$uri} no-store", $uri);
}
is(header(get("/jobs/$id", method => 'POST'), 'Cache-Control'), 'no-store', 'a 405');
is(header(get("/jobs/$id", method => 'HEAD'), 'Cache-Control'), 'no-store', 'HEAD');
is(header(get('/prefer?duration=1s', headers => "Prefer: respond-async\r\n"),
          'Cache-Control'), 'no-store', 'Prefer');
my $ended = decode_json(get('/job?duration=0')->{body})->{id};
my $sse = "Accept: text/event-stream\r\n";
is(header(get("/jobs/$ended", headers => $sse), 'Cache-Control'), 'no-cache', 'events');
is(header(get($_), 'Cache-Control'), '', "$_: is not ours to say")
    for '/task', '/quick', '/prefer?duration=0';

is(header(get("/expires/$id"), 'Cache-Control'), 'max-age=3600', 'expires: one');
is(header(get("/expires/$ended", headers => $sse), 'Cache-Control'), 'max-age=3600',
   'of events, too');
is(header(get('/job/expires?duration=0'), 'Cache-Control'), 'no-store',
   'of a 202, to which it does not apply');
is(header(get($_), 'Cache-Control'), 'private', "$_: add_header: one")
    for "/add/$id", '/job/add?duration=0';

# through a cache in front

my $direct = $s->{port};
$s->{port} = $front;
$id = decode_json(get('/job?duration=1500ms')->{body})->{id};
like(get("/jobs/$id")->{body}, qr/"running"/, 'a poll through a cache');
$s->wait_for(sub { get("/jobs/$id")->{body} =~ /"done"/ }, 'it to be done');
pass('sees the end');
isnt(decode_json(get('/job?duration=1500ms')->{body})->{id}, $id, 'a second job');
$s->{port} = $direct;

my ($code) = $s->stop('TERM');
is($code, 0, 'exit code');
$s->check_log;

done_testing();
