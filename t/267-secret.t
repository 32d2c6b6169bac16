#!/usr/bin/perl

# ngx_task.h: the value of a secret "is never sent back in an error, neither
# alone nor in the body it came in"; and libraries of older versions load.

use strict;
use warnings;

use JSON::PP;
use Test::More;

use TaskServer;

my $tasks = "$ENV{TEST_NGINX_TASKS}/test";

my $s = TaskServer->new;
my $dir = $s->{root};

# a library as it was built for 1.1: parameters end with choices

open my $out, '>', "$dir/old.c" or die $!;
print $out <<'END';
#include <ngx_task.h>
typedef struct { int64_t n; const char *text; int color; } args_t;
typedef struct {
    const char *name; ngx_task_type_t type; size_t offset;
    const char *def, *min, *max, *summary, *choices;
} old_param_t;
static ngx_task_rc_t old(ngx_task_t *t) {
    const args_t *args = ngx_task_args(t);
    ngx_task_set_int(t, "n", args->n);
    ngx_task_set_string(t, "text", args->text);
    ngx_task_set_int(t, "color", args->color);
    return NGX_TASK_OK;
}
static const old_param_t params[] = {
    { "n", NGX_TASK_INT, offsetof(args_t, n), "1", "1", "5", "", NULL },
    { "text", NGX_TASK_STRING, offsetof(args_t, text), "x", NULL, NULL, "", NULL },
    { "color", NGX_TASK_ENUM, offsetof(args_t, color), "red", NULL, NULL, "",
      "red|green" },
    { NULL, NGX_TASK_INT, 0, NULL, NULL, NULL, NULL, NULL }
};
static const ngx_task_function_t functions[] = {
    { "old", "", old, NULL, sizeof(args_t), (const ngx_task_param_t *) params,
      0, 0 },
    { NULL, NULL, NULL, NULL, 0, NULL, 0, 0 }
};
NGX_TASK_EXPORT const ngx_task_library_t  ngx_task_library;
const ngx_task_library_t  ngx_task_library = {
    1, MINOR, sizeof(ngx_task_library_t), sizeof(ngx_task_function_t),
    sizeof(old_param_t), NAME, functions, NULL, NULL
};
END
close $out;

# and one with a flag that is none

open $out, '>', "$dir/flag.c" or die $!;
print $out <<'END';
#include <ngx_task.h>
static ngx_task_rc_t f(ngx_task_t *t) { (void) t; return NGX_TASK_OK; }
static const ngx_task_param_t params[] = {
    { "n", NGX_TASK_INT, 0, "1", NULL, NULL, "", NULL, NGX_TASK_GET },
    { NULL, NGX_TASK_INT, 0, NULL, NULL, NULL, NULL, NULL, 0 }
};
static const ngx_task_function_t functions[] = {
    { "f", "", f, NULL, 8, params, 0, 0 },
    { NULL, NULL, NULL, NULL, 0, NULL, 0, 0 }
};
NGX_TASK_LIBRARY("flag", functions, NULL, NULL);
END
close $out;

sub compile {
    my ($source, $file, @flags) = @_;

    is(system('gcc', '-Wall', '-Werror', '-shared', '-fPIC', '-Isrc', @flags, '-o',
              "$dir/$file", "$dir/$source.c"), 0, "gcc $file");
}

compile('old', 'zero.so', '-DMINOR=0', '-DNAME="zero"');
compile('old', 'one.so', '-DMINOR=1', '-DNAME="one"');
compile('flag', 'flag.so');

my ($ok, $text) = $s->test_conf(main => 'task_load flag.so;');
ok(!$ok, 'an unknown flag');
like($text, qr/\[emerg\] .*function "f" whose parameter "n" has an unknown flag/,
     'message');

$s->write_conf(
    main => "task_load zero.so; task_load one.so; task_load $tasks/text.so;
             thread_pool two threads=2;",
    http => 'task_job_zone jobs:1m; client_body_buffer_size 1k;',
    server => '
        location = /zero     { task zero.old; }
        location = /one      { task one.old; }
        location = /login    { task login; task_mode thread=two; }
        location = /job      { task login; task_background on zone=jobs; }
        location = /fixed    { task login name=$arg_n password=$arg_p; }
    ');
$s->start;

is($s->get("$_?n=3&text=y&color=green")->{body},
   '{"n":3,"text":"y","color":1}', "$_ has its arguments") for '/zero', '/one';
like($s->get('/one?text=y&n=9')->{body}, qr/"input":"9"/,
     'and no secret among them');

my $all = '';

sub errors {
    my ($uri, $body) = @_;

    my $r = defined $body
        ? $s->get($uri, method => 'POST', body => $body,
                  headers => "Content-Type: application/json\r\n"
                             . 'Content-Length: ' . length($body) . "\r\n")
        : $s->get($uri);

    $all .= "$r->{headers}\n$r->{body}\n";

    return $r->{body} if $r->{status} != 422;
    return join ' ', map {
        my $input = JSON::PP->new->canonical->allow_nonref->encode($_->{input});
        "$_->{type} " . join('.', @{ $_->{loc} }) . " $input"
    } @{ decode_json($r->{body})->{detail} };
}

is(errors('/login?name=me&password=hunter2hunter2'),
   '{"name":"me","length":14}', 'a right one');

for my $uri ('/login', '/job') {
    my $pad = ',"pad":"' . 'y' x 2000 . '"';

    is(errors("$uri?name=me&password=hunter2"),
       'string_too_short query.password "[secret]"', "$uri: in the query");
    is(errors("$uri?name=me&password=%00hunter2"),
       'value_error query.password "[secret]"', "$uri: with a null");
    is(errors("$uri?name=me&password=hunter2hunter2&pin=7777777&color=hunter2"),
       'less_than_equal query.pin "[secret]" literal_error query.color "[secret]"',
       "$uri: of other types");
    is(errors($uri, '{"name":"me","password":"hunter2"}'),
       'string_too_short body.password "[secret]"', "$uri: in the body");
    is(errors($uri, '{"name":"me","password":["hunter2"]}'),
       'string_type body.password "[secret]"', "$uri: of a wrong type");
    is(errors($uri, '{"name":"me","pass\u0077ord":7777777}'),
       'string_type body.password "[secret]"', "$uri: with an escape");
    is(errors($uri, '{"password":"hunter2hunter2"}'),
       'missing body.name "[secret]"', "$uri: where another is missing");
    is(errors($uri, '{"password":"hunter2hunter2"' . $pad . '}'),
       'missing body.name "[secret]"', "$uri: in a long body");
    is(errors($uri, '{"name":"me","pasword":"hunter2hunter2"}'),
       'missing body.password "[secret]"', "$uri: under a name that is none");
    is(errors($uri, '"hunter2"'), 'model_attributes_type body "[secret]"',
       "$uri: a body that is none");
    is(errors($uri, '["hunter2"' . ',"x"' x 700 . ']'),
       'model_attributes_type body "[secret]"', "$uri: and a long one");
    like(errors($uri, '{"password":"hunter2'), qr/^json_invalid body\.\d+ \{\}$/,
         "$uri: no JSON");
    is(errors($uri, qq({"name":{"password":"hunter2"},"password":"hunter2hunter2"})),
       'string_type body.name "[secret]"', "$uri: in the value of another");
    is(errors($uri, '{"name":["hunter2"],"password":"hunter2hunter2"}'),
       'string_type body.name "[secret]"', "$uri: in an array");
    is(errors($uri, '{"name":7,"password":"hunter2hunter2"}'),
       'string_type body.name 7', "$uri: what has no members is shown");
    is(errors($uri, '{"name":"","password":"hunter2hunter2"}'),
       'string_too_short body.name ""', "$uri: others are shown");
}

is(errors('/fixed?n=me&p=hunter2'), 'string_too_short query.p "[secret]"',
   'from a variable');

unlike($all, qr/hunter2|7777777/, 'it is in no answer');

my ($code) = $s->stop('QUIT');
is($code, 0, 'exit code');

(my $log = $s->text('error.log')) =~ s/request: "[^"]*"//g;
unlike($log, qr/hunter2|7777777/, 'nor in the error log, but for the request');

$s->check_log;

done_testing();
