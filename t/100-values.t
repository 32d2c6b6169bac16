#!/usr/bin/perl

# What a real FastAPI answered to a table of requests is what we answer: the
# status, and of each error type, loc, msg, input and ctx.  Where we differ on
# purpose, the request stands in the list below, with what we answer.

use strict;
use warnings;

use Encode qw(encode_utf8);
use JSON::PP;
use Test::More;

use TaskServer;

my $json = JSON::PP->new->utf8->allow_nonref->allow_bignum->canonical;

my $tasks = "$ENV{TEST_NGINX_TASKS}/test";

my $s = TaskServer->start(
    main => "task_load $tasks/probe.so;",
    server => '
        location = /q { task values; }
        location = /b { task values; }
        location = /m { task more; }
    ');

open my $in, '<', 't/fastapi-answers.json' or die $!;
my $table = $json->decode(do { local $/; <$in> });
close $in;

my $not_json = 'a body that is not declared as JSON is a 415';
my $no_null = 'a C string holds no null character';
my $breaks = 'FastAPI breaks on it with a 500';

my %differs = (
    "GET /q?n=5&name=%00" => [ 422, $no_null ],
    'POST /b {"n":5,"name":"a\u0000b"}' => [ 422, $no_null ],
    'POST /b {"n":1E400}' => [ 422, $breaks ],
    'POST /b {"n":NaN}' => [ 422, $breaks ],
    'POST /b {"n":5,"x":NaN}' => [ 422, $breaks ],
    'POST /b {"n":5,"x":Infinity}' => [ 422, $breaks ],
    'POST /b {"n":5,"name":"\ud83d"}' => [ 422, $breaks ],
    'POST /b text/plain {"n":5}' => [ 415, $not_json ],
    'POST /b none {"n":5}' => [ 415, $not_json ],
    'POST /b application/x-www-form-urlencoded n=5' => [ 415, $not_json ],
    'GET /nowhere' => [ 404, 'a page of nginx\'s own, no task' ],
);

# a POST without a body is taken as one that leaves all to the query and the
# defaults, so the error names the query

my %query = map { $_ => 1 } 'POST /b ', 'POST /b';

my ($agree, $differ) = (0, 0);

for my $row (@{ $table->{rows} }) {
    my ($method, $path, $type, $body) = @$row{qw(method path content_type body)};

    my $name = "$method $path" . (defined $body ? " $body" : '');
    my $key = $name;

    if (defined $body && ($type // '') !~ m{^application/(\w+\+)?json(;.*)?$}) {
        $key = "$method $path " . ($type // 'none') . " $body";
    }

    $body = encode_utf8($body) if defined $body;

    my $headers = defined $type ? "Content-Type: $type\r\n" : '';
    $headers .= 'Content-Length: ' . length($body // '') . "\r\n"
        if $method ne 'GET' && $method ne 'DELETE';

    my $r = $s->get(encode_utf8($path), method => $method,
                    headers => $headers, body => $body);

    (my $shown = encode_utf8($name)) =~ s/[^ -~]/?/g;

    if ($differs{$key}) {
        is($r->{status}, $differs{$key}[0], "$shown: $differs{$key}[1]");
        $differ++;
        next;
    }

    my $answer = eval { $json->decode($r->{body}) };
    my $expected = $row->{answer};

    if ($query{$name}) {
        is($r->{status}, 422, "$shown: no body is no error");
        is($answer->{detail}[0]{loc}[0], 'query', 'its parameters are');
        $differ++;
        next;
    }

    my $ok = is($r->{status}, $row->{status}, "$shown: status");
    $ok &= is($json->encode(flat($answer)), $json->encode(flat($expected)),
              "$shown: answer");
    $agree++ if $ok;
}

diag("FastAPI's table: $agree agree, $differ differ on purpose, of "
     . @{ $table->{rows} });
is($agree + $differ, scalar @{ $table->{rows} }, 'all rows');

# 0.0 is 0, and 1e0 is 1; a duplicate object key or white space is not looked at

sub flat {
    my ($v) = @_;

    return { map { $_ => flat($v->{$_}) } keys %$v } if ref $v eq 'HASH';
    return [ map flat($_), @$v ] if ref $v eq 'ARRAY';
    return "$v" + 0 if ref $v ne 'JSON::PP::Boolean' && defined $v
        && $v =~ /^-?\d+(?:\.\d+)?(?:e[+-]?\d+)?$/ia && length $v < 16;
    return ref $v && ref $v ne 'JSON::PP::Boolean' ? "$v" : $v;
}

# what the table does not have

sub errors {
    my ($body, %o) = @_;

    my $r = $s->get($o{uri} || '/b', method => 'POST', body => $body,
                    headers => "Content-Type: application/json\r\n"
                               . 'Content-Length: ' . length($body) . "\r\n");
    my $answer = eval { $json->decode($r->{body}) };

    return $r->{status} == 200 ? $r->{body}
           : join ' ', map { "$_->{type} " . join('.', @{ $_->{loc} })
                             . ($_->{ctx}{error} ? " $_->{ctx}{error}" : '') }
             @{ $answer->{detail} };
}

is(errors("{\"n\":5}\0"), 'json_invalid body.7 Extra data', 'trailing null');
is(errors("{\"n\":5,\"name\":\"a\0b\"}"),
   'json_invalid body.16 Invalid control character at', 'raw null');
is(errors("{\"n\":5,\"name\":\"\xff\"}"),
   'json_invalid body.15 Invalid UTF-8', 'invalid UTF-8');
is(errors("{\"n\":5,\"name\":\"\xed\xa0\x80\"}"),
   'json_invalid body.15 Invalid UTF-8', 'a surrogate in UTF-8');
is(errors("\xff\xfe{\0}\0"), 'json_invalid body.0 Expecting value', 'UTF-16');
is(errors('{"n":5,"name":"\udc00\ud800"}'),
   'json_invalid body.15 Unpaired surrogate', 'surrogates the wrong way round');
is(errors('{"n":5,"name":"\u12g4"}'),
   'json_invalid body.16 Invalid \uXXXX escape', 'a wrong escape');
is(errors('{"n":5,"name":"\u12'),
   'json_invalid body.16 Invalid \uXXXX escape', 'an escape that is cut');
is(errors('{"n":5,"name":"a\\'),
   'json_invalid body.14 Unterminated string starting at', 'a string is cut');
is(errors('{"n":5,"x":' . ('[' x 127) . (']' x 127) . '}'), 'float_type body.x',
   '128 levels');
is(errors('{"n":5,"x":' . ('[' x 128) . (']' x 128) . '}'),
   'json_invalid body.138 Too many nested values', '129 levels');
is(errors('{"n":' . ('[' x 8000)), 'json_invalid body.132 Too many nested values',
   'nothing but brackets');
is(errors('{"n":9223372036854775808}'), 'less_than_equal body.n', '2^63');
is(errors('{"n":-9223372036854775809}'), 'greater_than_equal body.n', '-2^63-1');
is(errors('{"any":9007199254740993}', uri => '/m'),
   '{"size":1024,"time":1000,"any":9007199254740993,"real":0}', 'over 2^53');
is(errors('{"any":9223372036854775808}', uri => '/m'), 'int_parsing_size body.any',
   'what an int64_t cannot hold');
is(errors('{"any":1e30}', uri => '/m'), 'int_parsing_size body.any', 'nor this');
is(errors('{"real":1e400}', uri => '/m'), 'finite_number body.real', 'infinite');
is(errors('{"real":"nan"}', uri => '/m'), 'finite_number body.real', 'nan');
is(errors('{"size":"16k","time":1.5}', uri => '/m'),
   '{"size":16384,"time":1500,"any":0,"real":0}', 'size and time');
is(errors('{"size":2048}', uri => '/m'),
   '{"size":2048,"time":1000,"any":0,"real":0}', 'size as a number');
is(errors('{"size":"big"}', uri => '/m'), 'byte_size body.size', 'no size');
is(errors('{"size":-1}', uri => '/m'), 'byte_size body.size', 'negative size');
is(errors('{"size":"2g"}', uri => '/m'), 'less_than_equal body.size', 'over 1g');
is(errors('{"time":-5}', uri => '/m'),
   'time_delta_parsing body.time expected a time that is not negative',
   'a negative time');
is(errors('{"time":1e300}', uri => '/m'), 'int_parsing_size body.time',
   'a time that no int64_t holds');

my ($code) = $s->stop('QUIT');
is($code, 0, 'exit code');
$s->check_log;

done_testing();
