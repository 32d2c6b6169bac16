#!/usr/bin/perl

# A body that is compressed is a 415 that says what is taken, wherever it would
# be read as JSON; who reads the body itself gets it as it is.

use strict;
use warnings;

use Test::More;

use TaskServer;

my $tasks = "$ENV{TEST_NGINX_TASKS}/test";

my $s = TaskServer->start(
    main => "task_load $tasks/probe.so; thread_pool two threads=2;",
    http => 'task_job_zone jobs:1m; client_body_buffer_size 1k;',
    server => '
        location = /async  { task sleep; task_param duration default=1ms; }
        location = /thread { task sleep; task_mode thread=two;
                             task_param duration default=1ms; }
        location = /sync   { task sleep duration=1ms; task_mode sync; }
        location = /job    { task sleep; task_background on zone=jobs;
                             task_param duration default=1ms; }
        location = /raw    { task body; }
        location = /page   { task sleep; error_page 415 /415; }
        location = /415    { return 200 page; }
    ');

sub post {
    my ($uri, $encoding, $body, $type) = @_;

    $type //= 'application/json';

    return $s->get($uri, method => 'POST', body => $body,
                   headers => "Content-Type: $type\r\nContent-Length: "
                   . length($body) . "\r\n"
                   . join '', map "Content-Encoding: $_\r\n", @$encoding);
}

my $json = '{"status":"x"}';
my $gzip = "\x1f\x8b\x08\0" . 'x' x 60;
my $said = '{"detail":"Unsupported Content-Encoding, only identity is taken"}';

for my $uri ('/async', '/thread', '/sync', '/job') {

    for my $try ([ 'gzip' ], [ 'br' ], [ 'GZIP' ], [ 'identity, gzip' ],
                 [ 'identity', 'deflate' ], [ 'x-unknown' ],
                 [ 'gzip foo' ], [ 'identity gzip' ])
    {
        my $r = post($uri, $try, $gzip);
        is("$r->{status} $r->{body}", "415 $said", "$uri: @$try");
        like($r->{headers}, qr/^Accept-Encoding: identity\r?$/m, 'what is taken')
            if @$try == 1;
    }

    is(post($uri, [ 'gzip' ], $gzip x 100)->{status}, 415, "$uri: a file");
    is(post($uri, $_, $json)->{status}, $uri eq '/job' ? 202 : 200,
       "$uri: " . join '+', 'not', @$_)
        for [], [ 'identity' ], [ 'Identity' ], [ 'identity, ,identity' ], [ '' ];
    is(post($uri, [ 'gzip' ], '')->{status}, $uri eq '/job' ? 202 : 200,
       "$uri: no body");
}

# likewise of the type

my $r = post('/async', [], $json, 'text/plain');
is("$r->{status} $r->{body}", '415 {"detail":"Unsupported Media Type, only application/json is taken"}', 'type');
unlike($r->{headers}, qr/^Accept-Encoding/m, 'and nothing of encodings');

$r = post('/raw', [ 'gzip' ], $gzip);
is($r->{status}, 200, 'who reads it itself');
like($r->{body}, qr/"length":64,/, 'gets it');

is(post('/page', [ 'gzip' ], $gzip)->{body}, 'page', 'an error_page wins');

my ($code) = $s->stop('QUIT');
is($code, 0, 'exit code');
$s->check_log;

done_testing();
