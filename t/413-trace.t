#!/usr/bin/perl

# Which span of a trace a function belongs to, a job, and what it fetches: that
# of a tracer in nginx, else the client's.
#
# Variables of a map have the names that ngx_otel_module gives to its own.  Where
# TEST_NGINX_OTEL is the path of that module, it is loaded, too.

use strict;
use warnings;

use JSON::PP;
use Test::More;

use TaskFetch;

my $id = '0af7651916cd43dd8448eb211c80319c';
my $span = 'b7ad6b7169203331';
my $client = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

my %conf = (
    main => "task_load $ENV{TEST_NGINX_TASKS}/test/probe.so;",
    server => '
        location = /context     { task context; }
        location = /context/job { task context; task_background on zone=jobs; }
        location = /known/job   { task fetch.known; task_background on zone=jobs; }
        location = /back        { return 200 $http_traceparent; }
');

my $s;

sub traceparents {
    my ($name, $expected, $args, $header) = @_;

    my %o = (headers => $header ? "traceparent: $header\r\n" : '');

    is(decode_json($s->get("/context?$args", %o)->{body})->{traceparent}, $expected, "$name: a function");

    my $fetch = TaskFetch::query('/back') . "&$args";
    for ('/one', '/known') {
        is(decode_json($s->get("$_?$fetch", %o)->{body})->{body}, $expected // '', "$name: $_");
    }

    my %jobs = ('/context/job' => 'traceparent', '/known/job' => 'body');

    for my $uri (sort keys %jobs) {
        my $job = decode_json($s->get("$uri?" . ($uri =~ /known/ ? $fetch : $args), %o)->{body});
        my $r = decode_json($s->get("/jobs/$job->{id}?wait=5s")->{body});
        is($r->{result}{ $jobs{$uri} } // '', $expected // '', "$name: $uri");
    }
}

# no tracer

$s = TaskFetch->start(%conf);
traceparents('no tracer', $client, '', $client);
traceparents('no header', undef, '', '');
traceparents('another form', '00-abc', '', '00-abc');
$s->stop('QUIT');
$s->check_log;

# variables

$s = TaskFetch->start(%conf, http => '
    map $arg_id $otel_trace_id { default $arg_id; }
    map $arg_span $otel_span_id { default $arg_span; }
');

traceparents('a span', "00-$id-$span-01", "id=$id&span=$span", '');
traceparents('a trace of its own', "00-$id-$span-01", "id=$id&span=$span", $client);
traceparents("the client's trace", "00-$id-$span-01", "id=$id&span=$span", "00-$id-00f067aa0ba902b7-01");
traceparents('one that is not recorded', "00-$id-$span-00", "id=$id&span=$span", "00-$id-00f067aa0ba902b7-00");
traceparents('no span', $client, "id=$id", $client);
traceparents('no id', $client, "span=$span", $client);
traceparents('an id that is cut', $client, 'id=' . substr($id, 1) . "&span=$span", $client);
traceparents('an id that is none', $client, 'id=' . 'x' x 32 . "&span=$span", $client);
$s->stop('QUIT');
$s->check_log;

# one variable alone, of which nginx has no other

$s = TaskFetch->start(%conf, http => 'map $arg_id $otel_trace_id { default $arg_id; }');
traceparents('one variable', $client, "id=$id&span=$span", $client);
$s->stop('QUIT');
$s->check_log;

SKIP: {
    my $otel = $ENV{TEST_NGINX_OTEL} or skip 'TEST_NGINX_OTEL, the path of ngx_otel_module.so', 1;

    local $ENV{TEST_NGINX_LOAD_MODULES} = "$ENV{TEST_NGINX_LOAD_MODULES}; load_module $otel";

    $s = TaskFetch->start(%conf,
        http => 'otel_exporter { endpoint 127.0.0.1:1; }',
        server => $conf{server} . '
        add_header X-Span "$otel_trace_id-$otel_span_id";
        location = /traced    { task context; otel_trace on; }
        location = /extracted { task context; otel_trace $otel_parent_sampled; otel_trace_context extract; }
        location = /injected  { task context; otel_trace on; otel_trace_context propagate; }
        location = /fetches   { task fetch.one; otel_trace on; }
    ');

    my $told = sub {
        my ($uri, $header) = @_;

        my $r = $s->get($uri, headers => $header ? "traceparent: $header\r\n" : '');
        my ($span) = $r->{headers} =~ /^X-Span: (\S+)\r?$/m;
        my $v = decode_json($r->{body});
        return ($v->{traceparent} // $v->{body}, $span);
    };

    traceparents('not traced', $client, '', $client);
    traceparents('not traced, no header', undef, '', '');

    for my $uri ('/traced', '/injected', '/fetches?' . TaskFetch::query('/back')) {
        my ($trace, $span) = $told->($uri, '');
        is($trace, "00-$span-01", "$uri: the current span");
    }

    my ($trace, $span) = $told->('/traced', $client);
    is($trace, "00-$span-01", 'a trace of its own');

    for my $uri ('/extracted', '/injected') {
        ($trace, $span) = $told->($uri, $client);
        is($trace, "00-$span-01", "$uri: the current span, beside the client's");
        like($trace, qr/^00-4bf92f3577b34da6a3ce929d0e0e4736-/, "$uri: of the client's trace");
        unlike($trace, qr/00f067aa0ba902b7/, "$uri: and not the client's span");
    }

    ($trace) = $told->('/extracted', $client =~ s/01$/00/r);
    like($trace, qr/^00-4bf92f3577b34da6a3ce929d0e0e4736-\w+-00$/, 'one that is not recorded');

    $s->stop('QUIT');
}

done_testing();
