#!/usr/bin/perl

# Objects that stand within each other, as deep as they may, and deeper; tables
# that have no end; and what a location says of lists, objects, JSON and files.

use strict;
use warnings;

use File::Temp qw(tempdir);
use JSON::PP;
use Test::More;

use TaskServer;

use constant MOST => 32;

my $tasks = "$ENV{TEST_NGINX_TASKS}/test";
my $dir = tempdir(CLEANUP => 1);
my $t = TaskServer->new;

sub compile {
    my ($name, $source) = @_;

    open my $out, '>', "$dir/$name.c" or die "$name.c: $!\n";
    print $out $source;
    close $out;

    my $said = `gcc -Wl,-Bsymbolic -shared -fPIC -O1 -Wall -Wextra -pedantic -Werror -Isrc \\
                -o $dir/$name.so $dir/$name.c -lcjson 2>&1`;
    is($?, 0, "compiles: $name") or diag $said;
}

# --- depth ------------------------------------------------------------------

# $n objects within each other, and a list of objects in each second of them;
# the function answers with the number in the innermost one

sub nested {
    my ($n) = @_;
    my ($types, $tables, $walk) = ('typedef struct { int64_t v; } o0_t;', <<'END', '');
static const ngx_task_param_t  o0[] = {
    NGX_TASK_PARAM(o0_t, v, .min = "1", .max = "9") };
END

    for my $i (1 .. $n) {
        my $inner = $i - 1;

        $types .= "\ntypedef struct { const char *name; "
                  . ($i % 2 ? "const o${inner}_t *o;" : "NGX_TASK_LIST(o${inner}_t) o;")
                  . " } o${i}_t;";
        $tables .= "static const ngx_task_param_t  o$i\[] = {\n"
                   . "    NGX_TASK_PARAM(o${i}_t, name, .flags = NGX_TASK_OPTIONAL),\n"
                   . "    NGX_TASK_PARAM_OBJECT" . ($i % 2 ? '' : 'S')
                   . "(o${i}_t, o, o$inner) };\n";
        $walk = ($i % 2 ? '->o' : '->o.items') . $walk;
    }

    return <<"END";
#include <ngx_task.h>

$types
$tables
static ngx_task_rc_t
deep(ngx_task_t *t)
{
    const o${n}_t  *args = ngx_task_args(t);

    ngx_task_set_int(t, "v", args$walk->v);

    return NGX_TASK_OK;
}

static const ngx_task_function_t  functions[] = {
    NGX_TASK_FUNCTION("deep", .block = deep, .args = NGX_TASK_ARGS(o${n}_t, o$n))
};

NGX_TASK_LIBRARY("deep", functions, NULL, NULL);
END
}

# the body for it, with what is innermost

sub body {
    my ($n, $v) = @_;

    my $body = $v;
    $body = '{"o":' . ($_ % 2 ? $body : "[$body]") . '}' for 1 .. $n;

    return $body;
}

sub post {
    my ($s, $uri, $body) = @_;

    return $s->get($uri, method => 'POST', body => $body,
                   headers => "Content-Type: application/json\r\nContent-Length: "
                              . length($body) . "\r\n");
}

for my $n (20, MOST) {
    compile("deep$n", nested($n));

    my $s = TaskServer->start(main => "task_load $dir/deep$n.so;",
                              server => 'location = /deep { task deep; }
                                         location = /here { task deep; task_mode sync; }');

    is(post($s, '/deep', body($n, '{"v":7}'))->{body}, '{"v":7}', "$n objects");
    is(post($s, '/here', body($n, '{"v":7}'))->{body}, '{"v":7}', "$n objects, sync");

    my $error = decode_json(post($s, '/deep', body($n, '{"v":10}'))->{body})->{detail}[0];
    my @loc = ('body', map(('o', $_ % 2 ? () : 0), reverse 1 .. $n), 'v');

    is($error->{type}, 'less_than_equal', 'what is wrong in the innermost one');
    is_deeply($error->{loc}, \@loc, 'is told with all of its place');
    is(decode_json(post($s, '/deep', body($n, '{}'))->{body})->{detail}[0]{type}, 'missing',
       'and what is missing there');
    is(decode_json(post($s, '/deep', body($n, '[]'))->{body})->{detail}[0]{type},
       'model_attributes_type', 'and what is no object');
    is(post($s, '/deep', '{"o":' x 128 . '1' . '}' x 128)->{status}, 422, '128 objects');
    is(decode_json(post($s, '/deep', '{"o":' x 129 . '1' . '}' x 129)->{body})
       ->{detail}[0]{type}, 'json_invalid', '129 are no JSON to us');

    $s->stop('QUIT');
    $s->check_log;
}

compile('deeper', nested(MOST + 1));

my ($ok, $said) = $t->test_conf(main => "task_load $dir/deeper.so;");
my $path = join '.', ('o') x (MOST + 1);
ok(!$ok, 'one more is refused');
my $told = "\"$dir/deeper.so\" has a function \"deep\" whose parameter \"$path\" is an object "
           . 'within too many others';
like($said, qr/\[emerg\] .*\Q$told\E in \S+nginx\.conf:\d+$/m, 'message');

# a table that has itself as fields, directly, or by another one

for my $other (0, 1) {
    my $name = "endless$other";

    compile($name, <<"END");
#include <ngx_task.h>

typedef struct node_s { const struct node_s  *left, *right; } node_t;

#define FIELD(name, table)  { #name, NGX_TASK_OBJECT, offsetof(node_t, name), \\
    NULL, NULL, NULL, NULL, NULL, 0, 0, 0, { sizeof(node_t), table, 2 }, sizeof(void *), 0 }

static const ngx_task_param_t  one[2];
static const ngx_task_param_t  two[2] = { FIELD(left, one), FIELD(right, one) };
static const ngx_task_param_t  one[2] = { FIELD(left, @{[ $other ? 'two' : 'one' ]}),
                                          FIELD(right, two) };

static ngx_task_rc_t
node(ngx_task_t *t)
{
    (void) t;
    return NGX_TASK_OK;
}

static const ngx_task_function_t  functions[] = {
    NGX_TASK_FUNCTION("node", .block = node, .args = NGX_TASK_ARGS(node_t, one))
};

NGX_TASK_LIBRARY("endless", functions, NULL, NULL);
END

    my $until = time() + 10;
    ($ok, $said) = $t->test_conf(main => "task_load $dir/$name.so;");
    my $left = join '.', ('left') x (MOST + 1);
    ok(!$ok, 'a table that has itself');
    like($said, qr/\[emerg\] .*parameter "\Q$left\E" is an object within too many others in /,
         'message');
    cmp_ok(time(), '<=', $until, 'and it does not take long');
}

# a table without an end

compile('rows', <<'END');
#include <ngx_task.h>

typedef struct { int64_t  i; }  in_t;
typedef struct { const in_t  *a; }  args_t;

static const struct {
    ngx_task_param_t  row;
    const char       *behind[2];
} fields = { { "i", NGX_TASK_INT, 0, NULL, NULL, NULL, NULL, NULL, 0, 0, 0,
               { 0, NULL, 0 }, 0, 0 }, { "", "" } };

static const ngx_task_param_t  params[] = {
    { "a", NGX_TASK_OBJECT, 0, NULL, NULL, NULL, NULL, NULL, 0, 0, 0,
      { sizeof(in_t), &fields.row, 0 }, 0, 0 } };

static ngx_task_rc_t
rows(ngx_task_t *t)
{
    (void) t;
    return NGX_TASK_OK;
}

static const ngx_task_function_t  functions[] = {
    NGX_TASK_FUNCTION("rows", .block = rows, .args = NGX_TASK_ARGS(args_t, params))
};

NGX_TASK_LIBRARY("rows", functions, NULL, NULL);
END

($ok, $said) = $t->test_conf(main => "task_load $dir/rows.so;");
ok(!$ok, 'fields without an end');
like($said, qr/\[emerg\] .*"\S+rows\.so" has a function "rows" whose parameters? /, 'message');

# --- nginx.conf -------------------------------------------------------------

my $load = "task_load $tasks/inputs.so;";
my $compound = 'as it is a list, an object or JSON: leave it to the request';

for my $try (
    [ 'task lists ids=1;', 'parameter "ids" takes no value without variables, ' . $compound ],
    [ 'task order "user={}";', 'parameter "user" takes no value without variables, ' . $compound ],
    [ 'task batch lines=[];', 'parameter "lines" takes no value without variables, '
      . $compound ],
    [ 'task any v=1;', 'parameter "v" takes no value without variables, ' . $compound ],
    [ 'task any list=;', 'parameter "list" takes no value without variables, ' . $compound ],
    [ 'task upload file=/etc/passwd;', 'parameter "file" is a file: leave it to the request' ],
    [ 'task upload file=$arg_f;', 'parameter "file" is a file: leave it to the request' ],
    [ 'task upload thumb=$1;', 'parameter "thumb" is a file: leave it to the request' ],
    [ 'task album photos=$arg_f;', 'parameter "photos" is a file: leave it to the request' ],
    [ 'task lists ids=$arg_a ids=$arg_b;', 'duplicate parameter "ids"' ],
    map [ "task $_->[0]; task_param $_->[1] default=1;", "parameter \"$_->[1]\" takes no "
          . '"default=", as it is a list, an object, JSON or a file' ],
        [ 'lists', 'ids' ], [ 'lists', 'tags' ], [ 'order', 'user' ], [ 'any', 'v' ],
        [ 'any', 'list' ], [ 'upload', 'file' ], [ 'album', 'photos' ],
) {
    my ($text, $message) = @$try;

    ($ok, $said) = $t->test_conf(main => $load, server => "location ~ ^/x(.*)\$ { $text }");
    ok(!$ok, $text);
    my ($told) = $said =~ /\[emerg\] (?:\d+#\d+: )?(.*) in \S+nginx\.conf:\d+$/m;
    is($told // $said, $message, 'is refused, and so told');
}

for my $text ('task lists; task_param ids max=5;', 'task lists ids=$arg_id;',
              'task any v=$http_x_v;', 'task order user=$cookie_user;',
              'task lists ids=$1; task_param ids min=3;') {
    ($ok, $said) = $t->test_conf(main => $load, server => "location ~ ^/x(.*)\$ { $text }");
    ok($ok, $text) or diag $said;
}

for my $bound ('min', 'max') {
    for my $try ([ 'order', 'user' ], [ 'any', 'v' ], [ 'upload', 'file' ]) {
        my ($function, $name) = @$try;

        ($ok, $said) = $t->test_conf(main => $load, server =>
            "location = /x { task $function; task_param $name $bound=1; }");
        ok(!$ok, "$bound of $function.$name");
        like($said, qr/\[emerg\] .*invalid value in "$bound=1" of parameter "$name" in /,
             'is refused');
    }
}

# a value that evaluates to nothing is no item of a list

my $s = TaskServer->start(main => $load, server => '
    location = /cookies { task many ns=$cookie_n tags=$cookie_t; }
    location ~ ^/tags/(.*)$ { task many ns=$arg_n tags=$1; }');

is($s->get('/cookies', headers => "Cookie: n=5\r\n")->{body}, '{"ns":[5],"tags":null}',
   'no cookie, no item');
is($s->get('/cookies', headers => "Cookie: n=5; t=\r\n")->{body}, '{"ns":[5],"tags":null}',
   'an empty cookie is none');
is($s->get('/tags/a?n=1&N=2')->{body}, '{"ns":[1,2],"tags":["a"]}', 'a capture is one item');
is(decode_json($s->get('/tags/?n=1')->{body})->{detail}[0]{type}, 'missing', 'an empty one is none');

$s->stop('QUIT');
$s->check_log;

done_testing();
