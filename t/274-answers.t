#!/usr/bin/perl

# Whose answer it is: of the function, or of the page that replaces it.  And
# times that are too long to be counted.

use strict;
use warnings;

use Test::More;

use TaskNginx qw(MAX_TIME);
use TaskServer;

my $tasks = "$ENV{TEST_NGINX_TASKS}/test";
my ($s, $r);

my $load = "task_load $tasks/wrong.so;";

# TEST 1: what nginx -t says of times over a year; one of 32 bits has its own words
# for those that it reads itself

$s = TaskServer->new;

my $words = MAX_TIME eq '365d' ? '' : '|"task_\w+" directive invalid value in ';

for my $try ([ main => 'task_shutdown_timeout' ], [ http => 'task_timeout' ],
             [ http => 'task_stall_log' ],
             [ http => 'task_limit running=1 queue=1', 'wait=' ])
{
    my ($where, $name, $option) = @$try;
    $option //= '';

    for my $time ('366d', '60w', '110000d') {
        my ($ok, $text) = $s->test_conf($where => "$name $option$time;");
        ok(!$ok, "$name $time: refused");
        like($text, qr/a time of at most @{[ MAX_TIME ]} in $words/, 'message');
    }

    my ($ok, $text) = $s->test_conf($where => "$name $option" . MAX_TIME . ';');
    ok($ok, "$name: the longest is taken") or diag $text;
}

# TEST 2: the headers of a function that failed

$s = TaskServer->start(
    http => 'task_job_zone jobs:256k;',
    main => $load,
    server => '
        location = /answer  { task answer; }
        location = /pages   { task answer; error_page 401 404 500 503 /page; }
        location = /other   { task answer; error_page 401 404 500 503 =200 /page; }
        location = /page    { internal; return 200 "the page"; }
        location = /to-task { client_max_body_size 1; task page;
                              error_page 413 /html; }
        location = /to-file { client_max_body_size 1; task page;
                              error_page 413 /file; }
        location = /alone   { client_max_body_size 1; task page; }
        location = /twice   { client_max_body_size 1; task page;
                              error_page 413 /failing; }
        location = /html    { task page; }
        location = /file    { return 200 "a file"; }
        location = /failing { task answer how=0; }
        location = /late    { task late; task_background on zone=jobs; }
        location /jobs/     { task_jobs zone=jobs; }
    ');

sub headers {
    my ($uri) = @_;

    $r = $s->get($uri);
    return join ' ', sort map lc,
           $r->{headers} =~ /^(WWW-A\w+|X-Secret|Content-Encoding)(?=[:-])/mig;
}

is(headers('/answer?how=0'), 'www-authenticate x-secret', 'fail: its own');
is($r->{status}, 503, 'status');
is(headers('/answer?how=1'), 'www-authenticate x-secret', 'fail, 401: its own');
is(headers('/answer?how=2'), '', 'failed without an answer: none');
is($r->{status}, 500, 'status');
is(headers('/answer?how=3'), 'content-encoding www-authenticate x-secret',
   'a status of its own: all');

for my $uri ('/pages', '/other') {
    is(headers("$uri?how=$_"), '', "$uri, $_: none on the page") for 0 .. 2;
    is($r->{body}, 'the page', 'the page');
    is(headers("$uri?how=3"), 'content-encoding www-authenticate x-secret',
       "$uri: an answer of its own stays");
}

# TEST 3: 413: JSON, but where a page replaces it

sub large {
    my ($uri, %o) = @_;

    return $s->get($uri, method => 'POST', body => 'xx',
                   headers => "Content-Length: 2\r\n");
}

$r = large('/alone');
is($r->{body}, '{"detail":"Request Entity Too Large"}', '413: JSON');
$r = large('/to-task');
is($r->{status}, 413, '413, a page of a task: the status');
is($r->{body}, '<p>page of the task</p>', 'the page');
like($r->{headers}, qr{^Content-Type: text/html\r?$}m, 'its type');
like($r->{headers}, qr{^Content-Length: 23\r?$}m, 'its length');
is(large('/to-file')->{body}, 'a file', '413, another page');
is(large('/twice')->{body}, '{"detail":"x"}', '413, a task that fails');

# TEST 4: bytes that are freed when the record of the job is given back

my ($worker) = $s->workers;
$r = $s->get('/late');
is($r->{status}, 202, 'progress, too late: a job');
my ($href) = $r->{body} =~ /"href":"([^"]+)"/;
$s->wait_for(sub { $s->get($href)->{body} =~ /"state":"done"/ }, 'the job to end');
unlike($s->get($href)->{body}, qr/sent/, 'progress, too late: is not told');
is(($s->workers)[0], $worker, 'progress, too late: the worker lives');

$s->stop('QUIT');
$s->check_log;

done_testing();
