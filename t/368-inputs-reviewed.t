#!/usr/bin/perl

# What lists and objects may not do: show a secret within a secret, hold the loop
# by their depth or size, have a time without a bound; and what is no path, no
# file, and no type of a body.

use strict;
use warnings;

use File::Temp qw(tempdir);
use JSON::PP;
use Test::More;

use TaskServer;
use TaskTurns;

my $dir = tempdir(CLEANUP => 1);
my $turns = TaskTurns->new;
my $t = TaskServer->new;

sub library {
    my ($name, $source, $flags) = @_;

    open my $out, '>', "$dir/$name.c" or die "$name.c: $!\n";
    print $out "#include <ngx_task.h>\n", $source;
    close $out;

    my $said = `gcc -Wl,-Bsymbolic -shared -fPIC -O1 -Wall -Wextra -Werror -Isrc \\
                -o $dir/$name.so $dir/$name.c -lcjson 2>&1`;
    is($?, 0, "compiles: $name") or diag $said;
    return "task_load $dir/$name.so;";
}

sub post {
    my ($s, $uri, $body) = @_;

    return $s->get($uri, method => 'POST', body => $body,
                   headers => "Content-Type: application/json\r\nContent-Length: "
                              . length($body) . "\r\n");
}

# --- secrets, times, sources, files -----------------------------------------

my $main = library('secret', <<'END');
typedef struct { const char  *user;  const char  *pass;  int64_t  age; }  login_t;
typedef struct { const login_t  *login; NGX_TASK_LIST(login_t)  logins; }  args_t;

static const ngx_task_param_t  fields[] = {
    NGX_TASK_PARAM(login_t, user, .max = "3"),
    NGX_TASK_PARAM(login_t, pass, .max = "3"),
    NGX_TASK_PARAM(login_t, age, .min = "0", .def = "1")
};

static const ngx_task_param_t  params[] = {
    NGX_TASK_PARAM_OBJECT(args_t, login, fields,
                          .flags = NGX_TASK_SECRET|NGX_TASK_OPTIONAL),
    NGX_TASK_PARAM_OBJECTS(args_t, logins, fields,
                           .flags = NGX_TASK_SECRET|NGX_TASK_OPTIONAL)
};

static ngx_task_rc_t
secret(ngx_task_t *t)
{
    ngx_task_set_int(t, "n", 1);
    return NGX_TASK_OK;
}

static const ngx_task_function_t  functions[] = {
    NGX_TASK_FUNCTION("secret", .block = secret,
                      .flags = NGX_TASK_BODY_JSON|NGX_TASK_BODY_FORM,
                      .args = NGX_TASK_ARGS(args_t, params))
};

NGX_TASK_LIBRARY("secret", functions, NULL, NULL);
END

$main .= library('plan', <<'END');
typedef struct { int64_t  pause; }  step_t;
typedef struct { const step_t  *step; int64_t  id; ngx_task_file_t  file; }  args_t;

static const ngx_task_param_t  fields[] = {
    NGX_TASK_PARAM_AS(step_t, pause, NGX_TASK_TIME, .def = "0")
};

static const ngx_task_param_t  bounded[] = {
    NGX_TASK_PARAM_AS(step_t, pause, NGX_TASK_TIME, .def = "0", .max = "1s")
};

static const ngx_task_param_t  params[] = {
    NGX_TASK_PARAM_OBJECT(args_t, step, fields, .flags = NGX_TASK_OPTIONAL),
    NGX_TASK_PARAM(args_t, id, .def = "7")
};

static const ngx_task_param_t  safe[] = {
    NGX_TASK_PARAM_OBJECT(args_t, step, bounded, .flags = NGX_TASK_OPTIONAL)
};

static const ngx_task_param_t  files[] = {
    NGX_TASK_PARAM(args_t, file, .flags = NGX_TASK_OPTIONAL)
};

static ngx_task_rc_t
plan(ngx_task_t *t)
{
    const args_t  *args = ngx_task_args(t);

    ngx_task_set_int(t, "id", args->id);
    return NGX_TASK_OK;
}

static ngx_task_rc_t
file(ngx_task_t *t)
{
    int            fd = 77;
    int64_t        offset = 88;
    const args_t  *args = ngx_task_args(t);

    (void) ngx_task_file(t, &args->file, &fd, &offset);
    ngx_task_log(t, NGX_TASK_LOG_ERROR, "fd %d, offset %d", fd, (int) offset);
    ngx_task_set_int(t, "fd", fd);
    return NGX_TASK_OK;
}

static const ngx_task_function_t  functions[] = {
    NGX_TASK_FUNCTION("plan", .block = plan, .args = NGX_TASK_ARGS(args_t, params)),
    NGX_TASK_FUNCTION("safe", .block = plan, .args = NGX_TASK_ARGS(args_t, safe)),
    NGX_TASK_FUNCTION("file", .block = file, .flags = NGX_TASK_POST,
                      .args = NGX_TASK_ARGS(args_t, files))
};

NGX_TASK_LIBRARY("plan", functions, NULL, NULL);
END

my $s = TaskServer->start(main => $main, server => '
    location = /secret { task secret; }
    location = /file   { task file; }
    location = /safe   { task safe; task_mode sync; }
    location = /none   { task plan id=$1; }
    location ~ ^/two/(\d+)?(x)?$ { task plan id=$1; }
    location ~ ^/one/(\d+)$ { task plan id=$2; }
    location = /openapi { task_openapi; }');

for ([ 'an object', '{"login":{"user":"hunter","pass":"hunter2","age":-1}}', 3 ],
     [ 'a list', '{"logins":[{"user":"hunter","pass":"hunter2","age":-1}]}', 3 ])
{
    my ($name, $body, $n) = @$_;
    my $r = post($s, '/secret', $body);
    is($r->{status}, 422, "$name: refused");
    unlike($r->{body}, qr/hunter|-1/, "$name that is a secret hides its fields");
    is(scalar(() = $r->{body} =~ /"input":"\[secret\]"/g), $n, "$name: each of them");
}

my $form = 'login={"user":"hunter"}';
my $r = $s->get('/secret', method => 'POST', body => $form, headers =>
    "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: "
    . length($form) . "\r\n");
is($r->{status}, 422, 'as text');
unlike($r->{body}, qr/hunter/, 'it is hidden, too');

my $document = decode_json($s->get('/openapi')->{body});
my $schema = $document->{paths}{'/secret'}{post}{requestBody}{content}
             {'application/json'}{schema}{properties}{login};
ok($schema->{properties}{user}{writeOnly}, 'the document says so');

# what the location does not capture is no part of its path

is($s->get('/none')->{body}, '{"id":7}', 'nothing is captured: the default');
is($s->get('/one/5')->{body}, '{"id":7}', 'nor is there a second one');
is($s->get('/two/5')->{body}, '{"id":5}', 'a part of the path');
is($s->get('/two/')->{status}, 422, 'that is empty');

# a file that is not there

is(post($s, '/file', '')->{status}, 500, 'misuse');
like($s->text('error.log'), qr/fd -1, offset 0\b/, 'no descriptor is told');

is($s->get('/safe')->{status}, 200, 'a time in an object, with a bound');
$s->stop('QUIT');

my ($ok, $said) = $t->test_conf(main => $main, server => '
    location = /a { task plan; task_mode sync; }');
ok(!$ok, 'one without, in task_mode sync');
like($said, qr/\[emerg\] .*: a request may choose a time in "step" of task "plan" without /,
     'message');

# --- types of bodies --------------------------------------------------------

my $n = 0;

for my $types ('image/png, ', '', ',', 'image', 'image/', '/png', 'image/png;q=1',
               'image/png image/gif', "image/png\r\nX: y")
{
    (my $text = $types) =~ s/\r\n/\\r\\n/;

    my $load = library('types' . $n++, qq(
static ngx_task_rc_t
raw(ngx_task_t *t)
{
    ngx_task_set_int(t, "n", 1);
    return NGX_TASK_OK;
}

static const ngx_task_function_t  functions[] = {
    NGX_TASK_FUNCTION("raw", .block = raw, .flags = NGX_TASK_RAW_BODY,
                      .body_types = "$text")
};

NGX_TASK_LIBRARY("types", functions, NULL, NULL);
));
    ($ok, $said) = $t->test_conf(main => $load);
    like($said, qr/has a function whose body_types are no types of media: "raw" in /,
         "no types: \"$text\"");
}

# --- what the loop reads ----------------------------------------------------

# the longest of a few, which take a thread where they are deep or large

$main = library('large', <<'END');
typedef struct { const char  *s; char  space[65536 - sizeof(char *)]; }  large_t;
typedef struct { NGX_TASK_LIST(large_t)  a; }  args_t;

static const ngx_task_param_t  fields[] = {
    NGX_TASK_PARAM(large_t, s, .flags = NGX_TASK_OPTIONAL)
};

static const ngx_task_param_t  params[] = {
    NGX_TASK_PARAM_OBJECTS(args_t, a, fields)
};

static ngx_task_rc_t
large(ngx_task_t *t, ngx_task_frame_t *f)
{
    const args_t  *args = ngx_task_args(t);

    (void) f;
    ngx_task_set_int(t, "n", (int64_t) args->a.n);
    return NGX_TASK_OK;
}

static const ngx_task_function_t  functions[] = {
    NGX_TASK_FUNCTION("large", .async = large, .args = NGX_TASK_ARGS(args_t, params))
};

NGX_TASK_LIBRARY("large", functions, NULL, NULL);
END

$main .= library('deep', join "\n", 'typedef struct { const char  *s; }  o0_t;',
    'static const ngx_task_param_t  o0[] = { NGX_TASK_PARAM(o0_t, s) };',
    map(sprintf('typedef struct { const o%d_t  *o; }  o%d_t;'
                . 'static const ngx_task_param_t  o%d[] = {'
                . ' NGX_TASK_PARAM_OBJECT(o%d_t, o, o%d) };',
                $_ - 1, $_, $_, $_, $_ - 1), 1 .. 31), <<'END');
static ngx_task_rc_t
deep(ngx_task_t *t, ngx_task_frame_t *f)
{
    (void) f;
    ngx_task_set_int(t, "n", 1);
    return NGX_TASK_OK;
}

static const ngx_task_function_t  functions[] = {
    NGX_TASK_FUNCTION("deep", .async = deep, .args = NGX_TASK_ARGS(o31_t, o31))
};

NGX_TASK_LIBRARY("deep", functions, NULL, NULL);
END

$s = TaskServer->start(main => $main, http => 'task_zone z:1m; task_stats z;',
                       server => '
    location = /large  { task large; client_body_buffer_size 64k; }
    location = /deep   { task deep; client_body_buffer_size 64k; }
    location = /quick  { quick; }');

my ($worker) = $s->workers;

sub resident {
    open my $in, '<', "/proc/$worker/status" or die "status: $!";
    return (join '', <$in>) =~ /^VmHWM:\s+(\d+)/m ? $1 / 1024 : die 'no VmHWM';
}

is(post($s, '/large', '{"a":[{},{}]}')->{body}, '{"n":2}', 'large structures');

my $before = resident();
$r = post($s, '/large', '{"a":[' . join(',', (1) x 10_000) . ']}');
is($r->{status}, 422, '10,000 that are none');
is(scalar(() = $r->{body} =~ /"type"/g), 100, 'told as a hundred');
cmp_ok(resident() - $before, '<', 60, 'take no memory');

# the shortest of a few tries is how long it holds the loop, ms

sub held {
    my ($uri, $body, $answer) = @_;
    my $least = 1e9;

    for (1 .. 6) {
        my ($got, $ms) = $turns->held($s, "POST $uri HTTP/1.1\r\nHost: localhost\r\n"
                                          . "Content-Type: application/json\r\n"
                                          . 'Content-Length: ' . length($body)
                                          . "\r\n\r\n$body");
        is($got->{body}, $answer, "$uri: is read") or last;
        $least = $ms if $ms < $least;
        last if $least < 1;
    }

    cmp_ok($least, '<', 1, sprintf '%s: the loop is held for %.2f ms', $uri, $least);
}

held('/large', '{"a":[' . join(',', ('{}') x 1000) . ']}', '{"n":1000}');

my $deep = '{"s":"x","more":"' . 'x' x 7500 . '"}';
$deep = "{\"o\":$deep}" for 1 .. 31;
held('/deep', $deep, '{"n":1}');

$s->stop('QUIT');

done_testing();
