#!/usr/bin/perl

# Accept and Prefer, by their grammars: which type a client gets, and whether it
# gets a job.

use strict;
use warnings;

use JSON::PP;
use Test::More;
use Time::HiRes qw(time);

use TaskServer;

my $s = TaskServer->start(
    http => 'task_zone numbers:256k; task_stats numbers; task_job_zone jobs:1m;',
    server => '
        location = /status  { task_status; }
        location = /json    { task_status json; }
        location = /on      { task sleep; task_background on zone=jobs; }
        location = /prefer  { task sleep duration=200ms;
                              task_background prefer zone=jobs; }
        location = /plain   { task sleep duration=0; }
        location /jobs/     { task_jobs zone=jobs; }
    ');

my ($r, @r);

sub fields { join '', map "$_[0]: $_\r\n", @{ $_[1] } }

# docs/directives.md, task_status: "the client's `Accept` chooses"

my $id = decode_json($s->get('/on?duration=0')->{body})->{id};

for my $try (
    [ [], 'json', 'no Accept' ],
    [ [''], 'json', 'an empty one' ],
    [ ['*/*'], 'json', 'anything' ],
    [ ['application/json, text/plain, */*'], 'json', 'axios, Angular' ],
    [ ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8'],
      'json', 'a browser' ],
    [ ['text/plain'], 'text', 'curl' ],
    [ ['Text/PLAIN'], 'text', 'any case' ],
    [ ['text/plain, application/json'], 'text', 'the order' ],
    [ ['application/json;q=0.5, text/plain;q=0.4'], 'json', 'weights' ],
    [ ['application/json;q=0.5, text/plain ; q=0.501'], 'text', 'three digits' ],
    [ ['text/plain;q=0, */*'], 'json', 'not this one' ],
    [ ['application/json;q=0, */*;q=0.1'], 'text', 'nor this one' ],
    [ ['text/*'], 'text', 'a type with all its subtypes' ],
    [ ['*/*;q=0.9, text/*;q=0.1'], 'json', 'the more exact one has the weight' ],
    [ ['text/plain;q=0.2, text/*, application/json;q=0.3'], 'json',
      'whatever the order' ],
    [ ['application/openmetrics-text;version=1.0.0,application/openmetrics-text'
       . ';version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1'],
      'text', 'Prometheus' ],
    [ ['application/openmetrics-text; version=1.0.0'], 'text', 'OpenMetrics' ],
    [ ['application/json;q=0.1', 'text/plain;q=0.2'], 'text', 'two fields' ],
    [ ['x-text/plain, text/plain-not, application/json'], 'json',
      'parts of other types' ],
    [ ['image/png;a="text/plain", application/json;q=0.1'], 'json',
      'in a quoted string' ],
    [ ['image/png;a="\", text/plain", application/json;q=0.1'], 'json',
      'behind a quoted quote' ],
    [ ['image/png;a="text/plain, application/json;q=0.1'], 'json',
      'a string without an end' ],
    [ ['text/plain;q=high, application/json;q=0.1'], 'json', 'no weight' ],
    [ ['text/plain;q=1.001, application/json;q=0.1'], 'json', 'over 1' ],
    [ ['text/plain;q=0.0001, application/json;q=0.0'], 'json', 'four digits' ],
    [ ['text/plain text/plain, application/json;q=0.1'], 'json', 'no comma' ],
    [ [', ,text/plain;;q=1;,'], 'text', 'empty members' ],
    [ ["text/plain\t;\tq=1 ,application/json;q=0.9"], 'text', 'tabs' ],
    [ ['text/plain;Q=0.1, application/json;q=0.2'], 'json', 'any case of q' ],
    [ ['image/png'], 'json', 'nothing that there is' ],
    [ ['application/json;charset=utf-8, text/plain;q=0.9'], 'json',
      'with a parameter' ],
) {
    my ($accept, $type, $name) = @$try;

    $r = $s->get('/status', headers => fields('Accept', $accept));
    my $got = $r->{headers} =~ m{^Content-Type: text/plain; version}m ? 'text'
              : $r->{headers} =~ m{^Content-Type: application/json\r?$}m ? 'json'
              : $r->{headers};
    is($got, $type, "status: $name");
    like($r->{headers}, qr/^Vary: Accept\r?$/m, 'Vary') if $name eq 'curl';

    # the same with events in the place of text/plain

    next if $name =~ /OpenMetrics|Prometheus/;

    my @events = map { s{text/plain}{text/event-stream}gir } @$accept;
    $r = $s->get("/jobs/$id", headers => fields('Accept', \@events));
    $got = $r->{headers} =~ m{^Content-Type: text/event-stream\r?$}m ? 'text'
           : $r->{headers} =~ m{^Content-Type: application/json\r?$}m ? 'json'
           : $r->{headers};
    is($got, $type, "job: $name");
}

like($s->get('/status')->{headers}, qr/^Vary: Accept\r?$/m,
     'status varies, also of JSON');
like($s->get("/jobs/$id")->{headers}, qr/^Vary: Accept\r?$/m, 'a job, too');
unlike($s->get('/json')->{headers}, qr/^Vary/m, 'not where it does not');

# docs/directives.md, task_background: "the client chooses, by RFC 7240"

for my $try (
    [ [], 200 ],
    [ [''], 200 ],
    [ ['respond-async'], 202 ],
    [ ['Respond-ASYNC'], 202 ],
    [ ['respond-async, wait=5'], 200 ],
    [ ['wait=5', 'respond-async'], 200 ],
    [ ['respond-async; a="b, c"; d , wait=5'], 200 ],
    [ ['respond-async, wait="5"'], 200 ],
    [ ['respond-async, wait="\5"'], 200 ],
    [ ["respond-async, wait\t=  5"], 200 ],
    [ ['respond-async, Wait=5'], 200 ],
    [ ['respond-async, wait=5;x=1'], 200 ],
    [ ['respond-async, wait=99999999999999999999'], 200 ],
    [ ['respond-async, wait=5', 'wait=0'], 200 ],
    [ ['respond-async, wait=0', 'wait=5'], 202 ],
    [ ['respond-async, wait=x, wait=5'], 202 ],
    [ ['respond-async, wait'], 202 ],
    [ ['respond-async, wait='], 202 ],
    [ ['respond-async, wait=""'], 202 ],
    [ ['respond-async, wait=5x'], 202 ],
    [ ['respond-async, wait=+5'], 202 ],
    [ ['respond-async, await=5'], 202 ],
    [ ['respond-async, foo="wait=5"'], 202 ],
    [ ['respond-async, foo; wait=5'], 202 ],
    [ ['x-respond-async-not'], 200 ],
    [ ['foo="respond-async"'], 200 ],
    [ ['foo; respond-async'], 200 ],
    [ ['foo="\", respond-async'], 200 ],
    [ ['respond async'], 200 ],
    [ ['foo bar, respond-async'], 202 ],
) {
    my ($prefer, $status) = @$try;

    $r = $s->get('/prefer', headers => fields('Prefer', $prefer));
    is($r->{status}, $status, 'Prefer: ' . join(' + ', @$prefer));
}

like($r->{headers}, qr/^Vary: Prefer\r?$/m, 'a 202 varies');
like($s->get('/prefer')->{headers}, qr/^Vary: Prefer\r?$/m, 'and a 200');
unlike($s->get('/plain')->{headers}, qr/^Vary/m, 'not where it does not');

my ($code) = $s->stop('QUIT');
is($code, 0, 'exit code');
$s->check_log;

done_testing();
