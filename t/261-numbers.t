#!/usr/bin/perl

# A double is the same double for who reads it, in every place; and a number is
# read with all of its digits.

use strict;
use warnings;

use JSON::PP;
use Test::More;

use TaskServer;

my $tasks = "$ENV{TEST_NGINX_TASKS}/test";

my $s = TaskServer->start(
    main => "task_load $tasks/text.so;",
    server => '
        location = /n      { task numbers; task_mode async; }
        location = /thread { task numbers; task_mode thread; }
        location = /parse  { task parse; }
    ');

my $r;

sub post {
    my ($uri, $body) = @_;

    return $s->get($uri, method => 'POST', body => $body,
                   headers => "Content-Type: application/json\r\nContent-Length: "
                              . length($body) . "\r\n");
}

# as text, since this is what has to be right

for my $try (
    [ '0.1', '0.1' ],
    [ '0.30000000000000004', '0.30000000000000004' ],
    [ '100.00000000000001', '100.00000000000001' ],
    [ '1.7976931348623157e308', '1.7976931348623157e+308' ],
    [ '5e-324', '4.94065645841247e-324' ],
    [ '2.2250738585072014e-308', '2.2250738585072014e-308' ],
    [ '9007199254740992', '9007199254740992' ],
    [ '9007199254740993', '9007199254740992' ],
    [ '1e15', '1000000000000000' ],
    [ '1e16', '1e+16' ],
    [ '1e23', '1e+23' ],
    [ '123456789012345678', '1.2345678901234568e+17' ],
    [ '5', '5' ],
    [ '0', '0' ],
    [ '0.5', '0.5' ],
) {
    my ($x, $text) = @$try;

    $r = $s->get("/n?x=$x");
    like($r->{body}, qr/^\{"set":\Q$text\E,"json":\Q$text\E,"list":\[\Q$text\E,/,
         "$x is $text");
    is(post('/n', "{\"x\":$x}")->{body}, $r->{body}, 'in JSON, too');
}

like($s->get('/n?x=-0.0')->{body}, qr/^\{"set":-0\.0,"json":-0\.0,/, '-0.0');
like($s->get('/n')->{body}, qr/"list":\[0,-0\.0,"\xef\xbf\xbd\\u0001\xc3\xa9"\]/,
     'a tree has UTF-8, whatever was given');

# doubles at random are what they were

my $wrong = '';
srand 1;

for (1 .. 300) {
    my $x = sprintf '%.17g', rand() * 10 ** int(rand 40) / 1e20;

    $r = $s->get("/thread?x=" . $x =~ s/\+/%2B/r);
    my ($set, $json) = $r->{body} =~ /^\{"set":([^,]+),"json":([^,]+),/;
    $wrong .= "$x $r->{body}\n" unless $set == $x && $json == $x;
}

is($wrong, '', 'random ones');

# the bounds in ctx

like($s->get('/n?y=0.4')->{body}, qr/"ctx":\{"le":0\.30000000000000004\}/,
     'a bound');
like($s->get('/n?i=9007199254740994')->{body},
     qr/"ctx":\{"le":9007199254740993\}/, 'a bound that no double holds');
like($s->get('/n?time=2d')->{body}, qr/"ctx":\{"le":86400\}/, 'of a time');

# numbers of more than 63 characters, and of more than strtod() is asked for

for my $zeros (70, 900, 100_000) {
    my $long = '1.' . '0' x $zeros . 'e10';

    $r = post('/n', "{\"x\":$long,\"i\":1." . '0' x $zeros . ",\"size\":$long,"
                    . "\"time\":0." . '0' x $zeros . "1e" . ($zeros + 1)
                    . ",\"flag\":1." . '0' x $zeros . '}');
    like($r->{body}, qr/^\{"set":10000000000,.*"i":1,"size":10000000000,"time":1000,
         "flag":true\}/x, "$zeros zeros");
    is(post('/n', '{"y":' . '1' . '0' x $zeros . "e-$zeros}")->{status}, 422,
       'and a bound is one');
}

is($s->get('/n?x=1.' . '0' x 900 . 'e10')->{body},
   $s->get('/n?x=1e10')->{body}, 'in a query');
is($s->get('/n?x=1.' . '0' x 900 . 'e10x')->{status}, 422, 'and no number');
like(post('/n', '{"x":0.5' . '0' x 800 . '1}')->{body}, qr/^\{"set":0.5,/,
     'rounded');
like(post('/n', '{"x":9007199254740993.' . '0' x 800 . '1}')->{body},
     qr/^\{"set":9007199254740994,/, 'by what is far behind');

# what a function has parsed

is($s->get('/parse?text=%5B0.1,1.' . '0' x 70 . 'e10,%22%5Cud83d%5Cude00%22,'
           . '%7B%22a%22:null,%22a%22:true%7D,%5B%5D,%7B%7D,-0,1e400%5D')->{body},
   "[0.1,10000000000,\"\xf0\x9f\x98\x80\",{\"a\":null,\"a\":true},[],{},-0.0,null]",
   'a tree');

for my $wrong ('', '[1,]', '1x', '1.', '"\ud83d"', '{"a" 1}', '01', '[') {
    (my $text = $wrong) =~ s/([^\w])/sprintf '%%%02x', ord $1/ge;
    is($s->get("/parse?text=$text")->{status}, 500, "no JSON: $wrong");
}

# what stands behind the value, as cJSON_ParseWithLength() has it

for my $right ('[1] x', "[1]\0", "[1]\0\0", '[1]}') {
    (my $text = $right) =~ s/([^\w])/sprintf '%%%02x', ord $1/ge;
    is($s->get("/parse?text=$text")->{body}, '[1]', "JSON: $right")
        if $right !~ /\0/;
}

# ngx_task.h: "1,000 levels of arrays and objects at most", both ways

is(post('/parse', encode_json({ text => '[' x $_ . ']' x $_ }))->{status},
   $_ > 1000 ? 500 : 200, "$_ levels read") for 1000, 1001;
is($s->get("/parse?i=$_")->{status}, $_ > 1000 ? 500 : 200, "$_ levels printed")
    for 1000, 1001, 400_000;
like($s->text('error.log'), qr/task "parse": sets JSON of too many levels/,
     'which is logged');

my ($code) = $s->stop('QUIT');
is($code, 0, 'exit code');
$s->check_log;

done_testing();
