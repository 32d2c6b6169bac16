#!/usr/bin/perl

# "Idempotency-Key": a request that is sent again makes no second job.

use strict;
use warnings;

use JSON::PP;
use Test::More;
use Time::HiRes qw(sleep time);

use TaskServer;

my $tasks = "$ENV{TEST_NGINX_TASKS}/test";

my %conf = (
    workers => 2,
    main => "task_load $tasks/probe.so; task_load $tasks/inputs.so;
             thread_pool two threads=2;",
    http => 'task_job_zone jobs:16m max_body=4m ttl=2s; client_max_body_size 8m;',
    server => '
        location = /sleep    { task sleep; task_background on zone=jobs; }
        location = /prefer   { task sleep; task_background prefer zone=jobs; }
        location = /one      { task sleep; task_background on zone=jobs;
                               task_limit running=1; }
        location = /required { task sleep; task_background on zone=jobs;
                               task_idempotency required; }
        location = /off      { task sleep; task_background on zone=jobs;
                               task_idempotency off; }
        location = /any      { task inputs.any; task_background on zone=jobs; }
        location = /form     { task inputs.form; task_background on zone=jobs; }
        location = /upload   { task inputs.upload; task_background on zone=jobs; }
        location = /long     { task body; task_mode thread=two;
                               task_background on zone=jobs; }
        location ~ ^/path/(.*)$ { task sleep status=$1; task_background on zone=jobs; }
        location /jobs/      { task_jobs zone=jobs; }
        location = /quick    { quick; }
    ');

my $s = TaskServer->start(%conf);
my ($r, $id, $n);

sub ask {
    my ($uri, $key, %o) = @_;

    my $headers = $o{headers} // '';
    $headers .= "Idempotency-Key: $key\r\n" if defined $key;
    $headers .= 'Content-Length: ' . length($o{body}) . "\r\n" if defined $o{body};

    return $s->get($uri, method => defined $o{body} ? 'POST' : 'GET',
                   body => $o{body}, headers => $headers);
}

sub id {
    my ($r) = @_;

    return $r->{status} == 202 ? decode_json($r->{body})->{id} : "$r->{status} $r->{body}";
}

sub state {
    my ($id) = @_;

    my $r = $s->get("/jobs/$id");
    return $r->{status} == 200 ? decode_json($r->{body})->{state} : $r->{status};
}

# the same job, in any worker, while it waits, runs, and when it has ended

$id = id(ask('/sleep?duration=300ms', '"a-key"'));
like($id, qr/^[0-9a-f]{32}$/, 'a job');

my %seen = map { id(ask('/sleep?duration=300ms', '"a-key"')) => 1 } 1 .. 20;
is(join(' ', keys %seen), $id, 'the same one for each that has its key');
like(ask('/sleep?duration=300ms', 'a-key')->{headers}, qr{^Location: /jobs/$id\r?$}m,
     'at the same address, also without quotes');
$s->wait_for(sub { state($id) eq 'done' }, 'its end');
$r = ask('/sleep?duration=300ms', '"a-key"');
is(id($r), $id, 'when it has ended');
is(decode_json($r->{body})->{state}, 'done', 'with its state');

isnt(id(ask('/sleep?duration=300ms', '"another"')), $id, 'another key is another job');
isnt(id(ask('/sleep?duration=300ms')), id(ask('/sleep?duration=300ms')), 'none is always one');

# another request

$r = ask('/sleep?duration=301ms', '"a-key"');
is($r->{status}, 422, 'another request with the key');
is_deeply(decode_json($r->{body}), { detail => [ { type => 'value_error',
    loc => [ 'header', 'idempotency-key' ], input => 'a-key',
    msg => 'Value error, this key was used for another request' } ] }, 'in these words');
isnt(id(ask('/prefer?duration=300ms', '"a-key"', headers => "Prefer: respond-async\r\n")), $id,
     'another queue has keys of its own');

# kept as long as the job

$s->wait_for(sub { state($id) eq '404' }, 'the job to be over', 10);
isnt(id(ask('/sleep?duration=301ms', '"a-key"')), $id, 'then it is a key like any other');

$id = id(ask('/sleep?duration=1ms', '"erased"'));
$s->wait_for(sub { state($id) eq 'done' }, 'its end');
is($s->get("/jobs/$id?forget=1", method => 'DELETE')->{status}, 200, 'a job is erased');
isnt(id(ask('/sleep?duration=1ms', '"erased"')), $id, 'and its key with it');

# who waits for the result gets it

my $prefer = "Prefer: respond-async, wait=5\r\n";
$id = id(ask('/prefer?duration=500ms', '"wait"', headers => "Prefer: respond-async\r\n"));
$r = ask('/prefer?duration=500ms', '"wait"', headers => $prefer);
is($r->{status}, 200, 'the result, for who waits');
is($r->{body}, '{"status":"long_running task completed"}', 'as the task would');
is($s->get("/jobs/$id")->{status}, 200, 'of the job that was there');

# no room: who comes again is told of his job all the same

id(ask('/one?duration=2s'));
$id = id(ask('/one?duration=2s', '"one"'));
is(ask('/one?duration=2s')->{status}, 503, 'there is no room for another one');
is(id(ask('/one?duration=2s', '"one"')), $id, 'but the key is known');

# what a request gives: query, path, JSON, forms, parts, a long body

for my $case ([ '/path/x?duration=1ms', '/path/y?duration=1ms' ],
              [ '/any', '/any', [ 'application/json', '{"v":1}', '{"v":2}' ] ],
              [ '/form', '/form', [ 'application/x-www-form-urlencoded', 'id=5', 'id=6' ] ],
              [ '/long', '/long', [ 'text/plain', 'x' x 3_000_000, 'x' x 2_999_999 . 'y' ] ])
{
    my ($uri, $other, $body) = @$case;
    my ($type, $one, $two) = $body ? @$body : ();
    my @o = $body ? (headers => "Content-Type: $type\r\n") : ();
    my @one = (@o, defined $one ? (body => $one) : ());
    my @two = (@o, defined $two ? (body => $two) : ());
    my $what = $uri . ($type ? " $type" : '');

    $id = id(ask($uri, '"given"', @one));
    like($id, qr/^[0-9a-f]{32}$/, "$what: a job");
    is(id(ask($uri, '"given"', @one)), $id, "$what: the same");
    is(ask($other, '"given"', @two)->{status}, 422, "$what: another one");
}

sub parts {
    my ($boundary, $text) = @_;

    return (headers => "Content-Type: multipart/form-data; boundary=$boundary\r\n",
            body => "--$boundary\r\nContent-Disposition: form-data; name=\"file\"; "
                  . "filename=\"a\"\r\n\r\n$text\r\n--$boundary--\r\n");
}

$id = id(ask('/upload', '"parts"', parts('one', 'x' x 200_000)));
like($id, qr/^[0-9a-f]{32}$/, 'parts: a job') or diag($id);
is(id(ask('/upload', '"parts"', parts('another', 'x' x 200_000))), $id,
   'parts: the same, whatever separates them');
is(ask('/upload', '"parts"', parts('one', 'y' x 200_000))->{status}, 422, 'parts: another one');

# at the same time: one job, and none runs twice

my @c = map $s->open('/sleep?duration=700ms', headers => "Idempotency-Key: \"at-once\"\r\n"), 1 .. 50;
my @r = $s->read_all(\@c);
$n = () = grep $_->{status} == 202, @r;
is($n, 50, 'fifty at once are all accepted');
%seen = map { id($_) => 1 } @r;
is(scalar(keys %seen), 1, 'as one job');

my $long = 'z' x 3_500_000;
@c = map $s->open('/long', method => 'POST', body => $long,
                  headers => "Idempotency-Key: \"long-at-once\"\r\nContent-Length: "
                             . length($long) . "\r\n"), 1 .. 8;
@r = $s->read_all(\@c);
%seen = map { id($_) => 1 } grep $_->{status} == 202, @r;
is(scalar(keys %seen), 1, 'of eight long ones at once one is taken');
is(join(' ', grep $_ != 202 && $_ != 409, map $_->{status}, @r), '', 'while the others are told so');
like((grep $_->{status} == 409, @r)[0]{headers}, qr/^Retry-After: 1\r?$/m, 'to come again')
    if grep $_->{status} == 409, @r;

# wrong keys

for my $key ('""', '"', '"a', 'a"b', '"a"b"', 'a b', "\xc3\xa9", '"' . 'x' x 256 . '"', '"a\\c"') {
    $r = ask('/sleep?duration=1ms', $key);
    is($r->{status}, 422, 'wrong: ' . substr($key, 0, 20) =~ s/[^ -~]/?/gr);
}
is(decode_json($r->{body})->{detail}[0]{msg},
   'Value error, a key is one string of 1 to 255 visible characters', 'in these words');
is($s->get('/sleep?duration=1ms',
           headers => "Idempotency-Key: a\r\nIdempotency-Key: b\r\n")->{status}, 422, 'two of them');
is(ask('/sleep?duration=1ms', $_)->{status}, 202, 'right: ' . substr($_, 0, 20))
    for '"' . 'x' x 255 . '"', '"a\\"b"', '"a\\\\"', 'f3a-~!*', '"8e03978e-40d5-43e8-bc93-6894a57f9324"';

# task_idempotency

$r = ask('/required?duration=1ms');
is($r->{status}, 422, 'required');
is_deeply(decode_json($r->{body}), { detail => [ { type => 'missing',
    loc => [ 'header', 'idempotency-key' ], input => undef, msg => 'Field required' } ] }, 'in these words');
like(id(ask('/required?duration=1ms', '"r"')), qr/^[0-9a-f]{32}$/, 'with one it is taken');
isnt(id(ask('/off?duration=1ms', '"o"')), id(ask('/off?duration=1ms', '"o"')), 'off: it is not looked at');
is(ask('/off?duration=1ms', '"')->{status}, 202, 'off: nor if it is wrong');

my ($code) = $s->stop('QUIT');
is($code, 0, 'exit code');
$s->check_log;

my ($ok, $text) = TaskServer->new->test_conf(server => 'location = /a { task sleep; task_idempotency maybe; }');
ok(!$ok && $text =~ /invalid value "maybe"/, 'no such value') or diag($text);

done_testing();
