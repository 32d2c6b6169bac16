#!/usr/bin/perl

# Tables that are made by the macros of ngx_task.h: what a compiler finds in
# them, what nginx -t finds, and what is found while a function runs.

use strict;
use warnings;

use File::Temp qw(tempdir);
use JSON::PP;
use Test::More;

use TaskServer;

my $tasks = "$ENV{TEST_NGINX_TASKS}/test";
my $dir = tempdir(CLEANUP => 1);
my @cc = ('-Wl,-Bsymbolic', qw(-shared -fPIC -O2 -Wall -Isrc));

# returns what the compiler says; the library is $dir/$name.so

sub compile {
    my ($compiler, $name, $source, @flags) = @_;

    my $file = "$dir/$name." . ($compiler =~ /\+\+/ ? 'cc' : 'c');

    open my $out, '>', $file or die "$file: $!\n";
    print $out $source;
    close $out;

    my $said = `$compiler @cc @flags -o $dir/$name.so $file -lcjson 2>&1`;

    return ($? == 0, $said);
}

# a whole library, of which a test changes a line

my $library = <<'END';
#include <ngx_task.h>

enum color { RED, GREEN };

typedef struct {
    int64_t       n;
    int64_t       every;
    const char   *text;
    const double  x;
    enum color    color;
} args_t;

typedef struct {
    int64_t      i;
} state_t;

static ngx_task_rc_t
block(ngx_task_t *t)
{
    (void) t;
    return NGX_TASK_OK;
}

static ngx_task_rc_t
async(ngx_task_t *t, ngx_task_frame_t *f)
{
    state_t  *s = (state_t *) f->state;

    NGX_TASK_BEGIN(f);

    for (s->i = 0; s->i < 3; s->i++) {
        NGX_TASK_AWAIT(f, ngx_task_sleep(f, 1)); NGX_TASK_AWAIT(f, ngx_task_sleep(f, 1));
    }

    int64_t  n = 5;

    (void) t;
    (void) n;

    NGX_TASK_END(f);
}

static const ngx_task_param_t  params[] = {
    NGX_TASK_PARAM(args_t, n, .def = "1"),
    NGX_TASK_PARAM_AS(args_t, every, NGX_TASK_TIME, .def = "1s"),
    NGX_TASK_PARAM(args_t, text),
    NGX_TASK_PARAM(args_t, x, .def = "1"),
    NGX_TASK_PARAM_AS(args_t, color, NGX_TASK_ENUM, .def = "red",
                      .choices = "red|green")
};

static const ngx_task_function_t  functions[] = {
    NGX_TASK_FUNCTION("both", .block = block, .async = async,
                      .state_size = sizeof(state_t),
                      .args = NGX_TASK_ARGS(args_t, params)),
    NGX_TASK_FUNCTION("plain", .block = block)
};

NGX_TASK_LIBRARY("macros", functions, NULL, NULL);
END

my $strict = '-Wextra -pedantic -Werror -Wshadow';
my $plus = '-Wextra -pedantic -Werror -Wno-missing-field-initializers';

for my $cc ("gcc -std=c99 $strict", "gcc $strict", "g++ -std=c++20 $plus") {
    my ($ok, $said) = compile($cc, 'macros', $library);
    ok($ok, $cc) or diag $said;
}

# what a compiler finds

sub without {
    my ($from, $to) = @_;

    my $source = $library;
    $source =~ /$from/ or die "no $from\n";

    my ($before, $behind, @found) = ($`, $', map $_ // '', $1, $2);
    $to =~ s/\$([12])/$found[$1 - 1]/g;

    return $before . $to . $behind;
}

my $mixed = 'the.member.(?:has.to.be.int64_t|cannot.hold.this.type)';

for my $try (
    [ 'an int where an int64_t belongs', 'int64_t       n;', 'int n;', $mixed ],
    [ 'a time in a double', 'int64_t       every', 'double every', $mixed ],
    [ 'an array of char', 'const char   \*text', 'char text[8]', $mixed ],
    [ 'no NGX_TASK_END()', 'NGX_TASK_END\(f\);', 'return NGX_TASK_OK;',
      'an async function above has no NGX_TASK_END\(\)' ],
    [ 'no NGX_TASK_BEGIN()', 'NGX_TASK_BEGIN\(f\);', '',
      'NGX_TASK_AWAIT\(\) without NGX_TASK_BEGIN\(\)' ],
    [ 'a member that is not there', 'args_t, text', 'args_t, texts',
      'no member named .+texts' ],
) {
    my ($name, $from, $to, $message) = @$try;

    for my $cc ('gcc', 'g++ -std=c++20') {
        my ($ok, $said) = compile($cc, 'wrong', without($from, $to));
        ok(!$ok, "$name: $cc");
        like($said, qr/$message/, 'and it says why');
    }
}

for my $try (
    [ 'a local over an await', 'state_t  \*s = [^;]+;', 'state_t s_, *s = &s_;',
      'uninitialized' ],
    [ 'no NGX_TASK_AWAIT()', 'NGX_TASK_AWAIT\(f, (.*?)\);', 'ngx_task_sleep(f, 1);',
      'ignoring return value' ],
) {
    my ($name, $from, $to, $message) = @$try;
    my ($ok, $said) = compile('gcc', 'warned', without($from, $to));
    like($said, qr/warning: .*$message/, "$name: a warning by -O2 -Wall");
}

# what nginx -t finds, in tables that were filled by hand

my $s = TaskServer->new;

sub refused {
    my ($name, $from, $to, $message) = @_;

    my ($ok, $said) = compile('gcc', 'hand', without($from, $to));
    ok($ok, "$name: compiles") or diag $said;

    ($ok, $said) = $s->test_conf(main => "task_load $dir/hand.so;");
    ok(!$ok, "$name: refused");
    like($said, qr/\[emerg\] .*$message.* in \S*nginx\.conf:\d+$/m, 'message');
}

refused('no last row of parameters', '\.args = NGX_TASK_ARGS.*?\)\)',
        '.args_size = sizeof(args_t), .params = params)',
        'function "both" whose parameters? ');

refused('no last row of functions',
        '(?s)static const ngx_task_function_t  functions\[\] = (\{.*?)\n\};.*',
        'static const struct {
             ngx_task_function_t  rows[2];
             const char          *behind[2];
         } table = { $1 }, { (char *) 1, (char *) 1 } };
         NGX_TASK_EXPORT const ngx_task_library_t  ngx_task_library;
         const ngx_task_library_t  ngx_task_library = {
             1, 1, offsetof(ngx_task_library_t, nfunctions),
             sizeof(ngx_task_function_t), sizeof(ngx_task_param_t),
             "macros", table.rows, NULL, NULL };',
        'has functions without a last row of NULL');

refused('an int where an int64_t belongs',
        '(?s)int64_t       n;(.*)NGX_TASK_PARAM\(args_t, n, .*?\),',
        'int n, m;$1
         { .name = "n", .type = NGX_TASK_INT, .offset = offsetof(args_t, n) },
         { .name = "m", .type = NGX_TASK_INT, .offset = offsetof(args_t, m) },',
        'parameter "m" overlaps another one in the structure: one of their '
        . 'members is smaller than its type, such as an int');

refused('optional, with a default', '\.def = "1"\)',
        '.def = "1", .flags = NGX_TASK_OPTIONAL)',
        'parameter "n" is optional, and has a default');

refused('a bool without a third value',
        '(?s)int64_t       n;(.*?)\.def = "1"',
        '_Bool n;$1.flags = NGX_TASK_OPTIONAL',
        'parameter "n" is optional: its member has to be an int');

# the tables work

$s = TaskServer->start(
    main => "task_load $tasks/tables.so; env TABLES_FILE;",
    server => '
        location = /tables   { task tables; }
        location = /narrow   { task tables; task_param n max=5; }
        location = /fixed    { task tables n=$arg_m; }
        location = /kept     { task kept; }
        location = /switched { task switched; }
    ');

sub given { decode_json($s->get(@_)->{body}) }

my %none = (bit => JSON::PP::true, other => JSON::PP::false, color => -1,
            flag => -1, map { $_ => 'not given' } qw(x n text every size));

is_deeply(given('/tables'), \%none, 'nothing is given');
is_deeply(given("/tables?text="), { %none, text => '' }, 'an empty string is');
is_deeply(given("/tables?bit=off&other=on&n=3&x=1.5&every=2s&size=1k&color=red"
                . "&flag=0&text=t"),
          { bit => JSON::PP::false, other => JSON::PP::true, n => 3, x => 1.5,
            every => 2000, size => 1024, color => 0, flag => 0, text => 't' },
          'all are given');
is_deeply(given('/narrow'), \%none, 'narrowed, not given');
is($s->get('/narrow?n=6')->{status}, 422, 'narrowed');
is_deeply(given('/fixed'), \%none, 'a variable that is empty');
is_deeply(given('/fixed?m=4'), { %none, n => 4 }, 'a variable');

sub post {
    my ($body) = @_;

    return $s->get('/tables', method => 'POST', body => $body,
                   headers => "Content-Type: application/json\r\n"
                              . "Content-Length: " . length($body) . "\r\n");
}

is_deeply(decode_json(post('{"n":null,"text":null,"x":null,"color":null}')
                      ->{body}), \%none, 'null is not given');
is(post('{"bit":null}')->{status}, 422, 'but for what is not optional');
is_deeply(decode_json(post('{"text":"null","n":0}')->{body}),
          { %none, text => 'null', n => 0 }, 'a string "null" is given');

my $r = $s->get('/switched');
is($r->{status}, 500, 'an await in a switch: 500');
like($s->text('error.log'), qr/task "switched": awaits inside of a switch statement/,
     'and why');
like($s->text('error.log'), qr/\[warn\].* task library "tables": init has begun/,
     'init() logs');

is($s->get('/kept')->{status}, 200, 'two awaits on one line');

$s->stop('QUIT');

# NGX_TASK_DEBUG: a local has lost what it had

my $source = do { local (@ARGV, $/) = 't/tasks/tables.c'; <> };
my ($ok, $said) = compile('gcc', 'debug', $source, '-O0 -DNGX_TASK_DEBUG');
ok($ok, 'NGX_TASK_DEBUG') or diag $said;

$s = TaskServer->start(main => "task_load $dir/debug.so;",
                       server => 'location = /kept { task kept; }
                                  location = /small { task small; }');

SKIP: {
    skip 'a sanitizer has stacks of its own', 1 if $ENV{TEST_NGINX_SANITIZER};
    is(given('/kept')->{local}, unpack('q', "\xa5" x 8), 'a local is spoilt');
}

is($s->get('/small')->{status}, 500, 'a state that is too small');
like($s->text('error.log'), qr/task "small": writes behind its state: its state_size/,
     'and the log says so');

$s->stop('QUIT');

# init() fails, and says why

$ENV{TABLES_FILE} = '/no/such';

$s = TaskServer->start(main => "task_load $tasks/tables.so; env TABLES_FILE;",
                       server => 'location = /tables { task tables; }');
is($s->get('/tables')->{status}, 503, 'init() failed: 503');
my $line = 'start of task library "tables" failed: cannot open "/no/such":\x0a'
           . 'No such file or directory, its functions answer 503';
like($s->text('error.log'), qr/\[error\].* \Q$line\E/, 'and the log says why');
$s->check_log;

done_testing();
