#!/usr/bin/perl

# Tasks over HTTP/3, where nginx and curl have it: what is sent and answered, and
# a client that cancels a task, while another one of its connection goes on, or
# leaves.

use strict;
use warnings;

use JSON::PP;
use Test::More;
use Time::HiRes qw(sleep time);

use TaskServer;

my ($with) = `$ENV{TEST_NGINX_BINARY} -V 2>&1` =~ /configure arguments: (.*)/;

plan(skip_all => 'needs an nginx with HTTP/3') unless $with =~ /http_v3_module/;
plan(skip_all => 'needs a curl with HTTP/3') unless `curl -V` =~ /HTTP3/;

my $port = ($ENV{TEST_NGINX_PORT} || 1984) + 101;

my $s = TaskServer->new(main => "task_load $ENV{TEST_NGINX_TASKS}/test/probe.so; thread_pool ten threads=10;");
my $dir = $s->{root};

system("openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=localhost -days 2 "
       . "-keyout $dir/key.pem -out $dir/cert.pem > $dir/openssl.log 2>&1") == 0
    or plan(skip_all => 'needs openssl');

$s->write_conf(%$s, http => 'task_job_zone jobs:1m;', server => "
        listen 127.0.0.1:$port quic;
        ssl_certificate $dir/cert.pem; ssl_certificate_key $dir/key.pem;
        ssl_protocols TLSv1.3;
        location = /quick        { quick; }
        location = /async        { task sleep; }
        location = /thread       { task sleep; task_mode thread=ten; }
        location = /async/stay   { task sleep; task_ignore_client_abort on; }
        location = /async/limit  { task sleep; task_limit running=1 queue=9; }
        location = /job          { task sleep; task_background on zone=jobs; }
        location /jobs/          { task_jobs zone=jobs; }
    ");
$s->start;

my $url = "https://127.0.0.1:$port";
my $curl = 'curl -sS -k --http3-only';

sub curl {
    my ($args) = @_;
    my $out = `$curl -m 20 $args 2>$dir/curl.err`;
    return ($out, $? >> 8);
}

sub log_has { my ($regex, $what) = @_; return ok($s->wait_access($regex), $what) }

# what is sent and answered

my ($out, $code) = curl("$url/quick -w ' %{http_version} %{http_code}'");
is($out, '{"status":"quick response"} 3 200', 'quick');

for my $uri ('/async', '/thread') {
    my $time = time();
    ($out) = curl("'$url$uri?duration=300ms' -w ' %{http_code}'");
    is($out, '{"status":"long_running task completed"} 200', $uri);
    cmp_ok(time() - $time, '>', 0.29, 'not early');
    ($out) = curl(qq($url$uri -H 'Content-Type: application/json' -d '{"duration":0,"status":"posted"}'));
    is($out, '{"status":"posted"}', "$uri: a body");
    ($out) = curl("'$url$uri?duration=x' -w ' %{http_code}'");
    like($out, qr/"loc":\["query","duration"\].* 422$/, "$uri: a wrong parameter");
}

# one is cancelled, which nginx hears of on the write event alone, and the other
# one of the connection goes on

sub beside {
    my ($uri, $regex, $what) = @_;
    my $mark = "n" . ($uri =~ tr{a-z0-9}{-}cr);
    my $time = time();
    open my $pipe, '-|', "exec $curl -Z --parallel-immediate -m 20 '$url/async?duration=3s&status=other$mark' "
                         . "--next -k --http3-only -m 1 '$url$uri&$mark' 2>$dir/curl.err" or die;
    log_has(qr{^GET \Q$uri\E&$mark \S+ $regex}, "$uri: $what");
    my $took = time() - $time;
    local $/;
    like(<$pipe>, qr/"other$mark"/, 'the other one is answered');
    close $pipe;
    return $took;
}

for my $uri ('/async', '/thread', '/async/limit') {
    my $took = beside("$uri?duration=15s", qr/499 sleep \w+ cancelled/, 'cancelled');
    cmp_ok($took, '>', 0.9, 'when it was');
    cmp_ok($took, '<', 2.8, 'and at once');
}

beside('/async/stay?duration=2s', qr/\d+ sleep async done/, 'it goes on without its client');

# of those that wait for their turn, too

my $first = $s->open('/async/limit?duration=3s');
sleep(0.2);
my $time = time();
curl("-m 1 '$url/async/limit?duration=16s'");
log_has(qr{^GET /async/limit\?duration=16s \S+ 499 sleep async cancelled}, 'one that waits is cancelled');
cmp_ok(time() - $time, '<', 2.5, 'at once');
is($s->read($first)->{status}, 200, 'the one before it is not');

# one that closes its connection, and with it nginx each stream of it

curl("-m 1 '$url/thread?duration=17s'");
log_has(qr{^GET /thread\?duration=17s \S+ 499 sleep thread cancelled}, 'a client that leaves');
curl("-m 1 '$url/async/stay?duration=18s'");
log_has(qr{^GET /async/stay\?duration=18s \S+ 000 sleep async cancelled}, 'also from one that goes on without it');

# who waits for a job leaves, and the job goes on

($out) = curl("'$url/job?duration=3s'");
my $id = decode_json($out)->{id};
like($id, qr/^[0-9a-f]{32}$/, 'a job');
$time = time();
curl("-m 1 '$url/jobs/$id?wait=20s'");
log_has(qr{^GET /jobs/$id\?wait=20s \S+ 499}, 'who waits for it leaves');
cmp_ok(time() - $time, '<', 2.5, 'at once');
($out) = curl("'$url/jobs/$id?wait=10s'");
is(decode_json($out)->{state}, 'done', 'and it is done');

($code) = $s->stop('QUIT');
is($code, 0, 'exit code');
$s->check_log();

done_testing();
