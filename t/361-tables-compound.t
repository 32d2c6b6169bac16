#!/usr/bin/perl

# Tables of lists, objects, JSON and files, and what a location says of such
# parameters: what a compiler finds, what nginx -t finds, in these words and
# with the file, and how deep objects may stand within each other.

use strict;
use warnings;

use File::Temp qw(tempdir);
use JSON::PP;
use Test::More;

use TaskServer;

my $dir = tempdir(CLEANUP => 1);
my @cc = ('-Wl,-Bsymbolic', qw(-shared -fPIC -O1 -Wall -Isrc));
my $s = TaskServer->new;
my $count = 0;

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

# --- all macros -------------------------------------------------------------

my $library = <<'END';
#include <ngx_task.h>

#ifndef __cplusplus
#include <stdbool.h>
#endif

typedef struct {
    const char              *name;
    int64_t                  age;
} user_t;

typedef struct {
    NGX_TASK_LIST(int64_t)          ids;
    NGX_TASK_LIST(const char *)     tags;
    NGX_TASK_LIST(double)           xs;
    NGX_TASK_LIST(bool)             bits;
    NGX_TASK_LIST(int)              colors;
    NGX_TASK_LIST(int64_t)          pauses;
    NGX_TASK_LIST(const cJSON *)    trees;
    NGX_TASK_LIST(ngx_task_file_t)  photos;
    const user_t                   *owner;
    NGX_TASK_LIST(user_t)           users;
    const cJSON                    *any;
    ngx_task_file_t                 file;
    int64_t                         n;
} args_t;

static ngx_task_rc_t
block(ngx_task_t *t)
{
    int             fd;
    char            c;
    size_t          i;
    int64_t         at, sum;
    const args_t   *args;
    const user_t   *user;

    args = (const args_t *) ngx_task_args(t);
    sum = 0;

    for (i = 0; i < args->ids.n; i++) {
        sum += args->ids.items[i];
    }

    for (i = 0; i < args->users.n; i++) {
        user = &args->users.items[i];
        sum += user->age;
    }

    if (args->file.name && ngx_task_file_read(t, &args->file, 0, &c, 1) == 1) {
        (void) ngx_task_file(t, &args->file, &fd, &at);
    }

    ngx_task_set_int(t, "sum", sum);

    return NGX_TASK_OK;
}

static const ngx_task_param_t  user_fields[] = {
    NGX_TASK_PARAM(user_t, name, .max = "9"),
    NGX_TASK_PARAM(user_t, age, .def = "1", .min = "0")
};

static const ngx_task_param_t  params[] = {
    NGX_TASK_PARAM_LIST(args_t, ids, .max = "20", .min_items = 1, .max_items = 10),
    NGX_TASK_PARAM_LIST(args_t, tags, .flags = NGX_TASK_OPTIONAL|NGX_TASK_SECRET),
    NGX_TASK_PARAM_LIST(args_t, xs),
    NGX_TASK_PARAM_LIST(args_t, bits),
    NGX_TASK_PARAM_LIST_AS(args_t, colors, NGX_TASK_ENUM, .choices = "red|green"),
    NGX_TASK_PARAM_LIST_AS(args_t, pauses, NGX_TASK_TIME),
    NGX_TASK_PARAM_LIST(args_t, trees),
    NGX_TASK_PARAM_LIST(args_t, photos),
    NGX_TASK_PARAM_OBJECT(args_t, owner, user_fields),
    NGX_TASK_PARAM_OBJECTS(args_t, users, user_fields, .min_items = 1),
    NGX_TASK_PARAM(args_t, any, .choices = "object"),
    NGX_TASK_PARAM(args_t, file),
    NGX_TASK_PARAM(args_t, n, .def = "1")
};

static const ngx_task_function_t  functions[] = {
    NGX_TASK_FUNCTION("all", .block = block,
                      .flags = NGX_TASK_BODY_JSON|NGX_TASK_BODY_MULTIPART,
                      .args = NGX_TASK_ARGS(args_t, params))
};

NGX_TASK_LIBRARY("compound", functions, NULL, NULL);
END

my $strict = '-Wextra -pedantic -Werror';
my $plus = "$strict -Wno-missing-field-initializers";

for my $cc ("gcc -std=c99 $strict", "gcc -std=c17 $strict", "g++ -std=c++20 $plus") {
    my ($ok, $said) = compile($cc, 'all', $library);
    ok($ok, $cc) or diag $said;

    ($ok, $said) = $s->test_conf(main => "task_load $dir/all.so;",
                                 server => 'location = /all { task all; }');
    ok($ok, 'nginx takes it') or diag $said;
}

sub changed {
    my ($from, $to) = @_;

    my $source = $library;
    $source =~ s/\Q$from\E/$to/ or die "no $from\n";

    return $source;
}

my $mixed = 'the.member.(?:has.to.be.int64_t|cannot.hold.this.type)';

for my $try (
    [ 'a list of what is none', 'PARAM_LIST(args_t, xs)', 'PARAM_LIST(args_t, n)',
      '[^\n]*items|member reference|request for member' ],
    [ 'a list as one value', 'PARAM_LIST(args_t, xs)', 'PARAM(args_t, xs)', $mixed ],
    [ 'a list of another type', 'pauses, NGX_TASK_TIME', 'pauses, NGX_TASK_STRING', $mixed ],
    [ 'a list of int by its type', 'PARAM_LIST(args_t, xs)', 'PARAM_LIST(args_t, colors)',
      $mixed ],
    [ 'a list of structures by its type', 'PARAM_LIST(args_t, xs)',
      'PARAM_LIST(args_t, users)', $mixed ],
    [ 'an object that is no pointer', 'const user_t                   *owner',
      'user_t owner', 'invalid type argument|no match|indirection' ],
    [ 'a list as an object', 'PARAM_OBJECT(args_t, owner', 'PARAM_OBJECT(args_t, users',
      'invalid type argument|no match|indirection' ],
    [ 'an object as a list', 'PARAM_OBJECTS(args_t, users', 'PARAM_OBJECTS(args_t, owner',
      'items|is a pointer' ],
    [ 'a file that is a pointer', 'ngx_task_file_t                 file;',
      'const ngx_task_file_t *file;', $mixed ],
    [ 'JSON that may be changed', 'const cJSON                    *any', 'cJSON *any',
      $mixed ],
    [ 'a file in an int64_t', 'PARAM(args_t, n, .def = "1")',
      'PARAM_AS(args_t, n, NGX_TASK_FILE)', $mixed ],
) {
    my ($name, $from, $to, $message) = @$try;

    # of the function only the table is wrong

    my $source = changed($from, $to);
    $source =~ s{^    sum = 0;.*?(?=^    ngx_task_set_int)}
                {    (void) fd; (void) c; (void) i; (void) at; (void) user; sum = 0;\n}ms
        or die;

    for my $cc ('gcc', 'g++ -std=c++20') {
        my ($ok, $said) = compile($cc, 'wrong', $source);
        ok(!$ok, "$name: $cc");
        like($said, qr/error: .*(?:$message)/, 'and it says why');
    }
}

# --- what nginx -t finds ----------------------------------------------------

# a library of one function; what stands in front of its table, a row of that,
# and what the function has besides

sub one {
    my ($row, %o) = @_;

    my $members = $o{members} // 'NGX_TASK_LIST(int64_t)  a; int64_t  b;';

    return <<"END";
#include <ngx_task.h>
#include <stdbool.h>

#define LIST  sizeof(NGX_TASK_LIST(int64_t))

typedef struct { int64_t  i; }  in_t;
typedef struct { $members }  args_t;
@{[ $o{front} // '' ]}
static const ngx_task_param_t  fields[] = { NGX_TASK_PARAM(in_t, i) };
static const ngx_task_param_t  params[] = { $row };

static ngx_task_rc_t
block(ngx_task_t *t)
{
    (void) t;
    (void) fields;
    return NGX_TASK_OK;
}

static const ngx_task_function_t  functions[] = {
    NGX_TASK_FUNCTION("one", .block = block, @{[ $o{function} // '' ]}
                      .args = NGX_TASK_ARGS(args_t, params))
};

@{[ $o{library} // 'NGX_TASK_LIBRARY("one", functions, NULL, NULL);' ]}
END
}

# nginx -t says exactly this of the library, and in which line it is loaded

sub refused {
    my ($message, $row, %o) = @_;

    my $file = 'one' . ++$count;
    my ($ok, $said) = compile('gcc', $file, one($row, %o));
    ok($ok, "compiles: $message") or diag $said;

    ($ok, $said) = $s->test_conf(main => "task_load $dir/$file.so;");
    ok(!$ok, 'it is refused');

    my $place = quotemeta "$s->{root}/nginx.conf";
    my ($told) = $said =~ /\[emerg\] (?:\d+#\d+: )?(.*) in $place:\d+$/m;
    is($told // $said, "\"$dir/$file.so\" $message", 'by this message');
}

my $of = 'has a function "one" whose parameter "a"';

refused("$of has an unknown flag", 'NGX_TASK_PARAM_LIST(args_t, a, .flags = 0x80000)');
refused("$of is optional, and has a default",
        'NGX_TASK_PARAM_LIST(args_t, a, .def = "1", .flags = NGX_TASK_OPTIONAL)');
refused("$of has a default, which no list, object, JSON or file can have: let it be "
        . 'optional', 'NGX_TASK_PARAM_LIST(args_t, a, .def = "1")');
refused("$of has more items as the minimum than as the maximum",
        'NGX_TASK_PARAM_LIST(args_t, a, .min_items = 3, .max_items = 2)');
refused("$of has a number of items, but is no list",
        'NGX_TASK_PARAM(args_t, a, .max_items = 2)', members => 'int64_t a;');
refused("$of has a number of items, but is no list",
        'NGX_TASK_PARAM(args_t, a, .min_items = 2)', members => 'int64_t a;');
refused("$of is of no known type", '{ .name = "a", .type = (ngx_task_type_t) 10 }');
refused("$of is a list, an object, JSON or a file, which nginx.conf cannot give",
        'NGX_TASK_PARAM_LIST(args_t, a, .flags = NGX_TASK_FIXED)');
refused("$of is a list, an object, JSON or a file, which nginx.conf cannot give",
        'NGX_TASK_PARAM(args_t, a, .flags = NGX_TASK_FIXED)', members => 'const cJSON *a;');
refused('has a setting "a" that is a list, an object, JSON or a file, which nginx.conf '
        . 'cannot give', 'NGX_TASK_PARAM(args_t, b)', front =>
        'static const ngx_task_param_t  set[] = { NGX_TASK_PARAM_LIST(args_t, a) };',
        library => 'NGX_TASK_LIBRARY_SET("one", functions, args_t, set, NULL, NULL);');

for my $type ('const cJSON *', 'ngx_task_file_t') {
    refused("$of has a default, which no list, object, JSON or file can have: let it be "
            . 'optional', 'NGX_TASK_PARAM(args_t, a, .def = "1")', members => "$type a;");
}

refused("$of is JSON whose choices are not \"object\" or \"array\"",
        'NGX_TASK_PARAM(args_t, a, .choices = "objects")', members => 'const cJSON *a;');
refused("$of is an object without fields: give them by NGX_TASK_PARAM_OBJECT()",
        '{ .name = "a", .type = NGX_TASK_OBJECT }', members => 'const in_t *a;');
refused("$of is an object without fields: give them by NGX_TASK_PARAM_OBJECT()",
        '{ .name = "a", .type = NGX_TASK_OBJECT, .fields = { 0, fields, 1 } }',
        members => 'const in_t *a;');
refused("$of has a member that is no NGX_TASK_LIST()",
        '{ .name = "a", .type = NGX_TASK_INT, .size = 4, .item = 8 }', members => 'int64_t a, b;');
refused("$of has items of another size than their type",
        '{ .name = "a", .type = NGX_TASK_INT, .size = LIST, .item = 4 }');
refused("$of has items of another size than their type",
        '{ .name = "a", .type = NGX_TASK_OBJECT, .size = LIST, .item = 16,
           .fields = { sizeof(in_t), fields, 1 } }');
refused("$of has a member of another size than its type",
        '{ .name = "a", .type = NGX_TASK_INT, .size = 4 }');
refused("$of has a member of another size than its type",
        '{ .name = "a", .type = NGX_TASK_FILE, .size = 8 }');
refused("$of is outside of the structure",
        '{ .name = "a", .type = NGX_TASK_INT, .offset = 16, .size = LIST, .item = 8 }');
refused('has a function "one" whose parameter "b" overlaps another one in the structure: one '
        . 'of their members is smaller than its type, such as an int where an int64_t belongs',
        'NGX_TASK_PARAM_LIST(args_t, a), { .name = "b", .type = NGX_TASK_INT, .offset = LIST / 2 }');
refused("$of has no choices, or an empty one",
        '{ .name = "a", .type = NGX_TASK_ENUM, .size = LIST, .item = 4 }');

# in objects: the name says where

my $inner = 'NGX_TASK_PARAM_OBJECT(args_t, a, inner)';

sub within {
    my ($message, $row, $member) = @_;

    refused("has a function \"one\" whose parameter \"a.x\" $message", $inner,
            members => 'const struct x_s *a;', front => "struct x_s { $member x; };
            static const ngx_task_param_t  inner[] = { $row };");
}

within('is a file, and in an object', 'NGX_TASK_PARAM(struct x_s, x)', 'ngx_task_file_t');
within('is in an object, and no request may choose it',
       'NGX_TASK_PARAM(struct x_s, x, .flags = NGX_TASK_FIXED)', 'int64_t');
within('is there twice', 'NGX_TASK_PARAM(struct x_s, x), NGX_TASK_PARAM(struct x_s, x)',
       'int64_t');
within('is optional: its member has to be an int',
       'NGX_TASK_PARAM(struct x_s, x, .flags = NGX_TASK_OPTIONAL)', 'bool');

for my $bound ('default', 'minimum', 'maximum') {
    my $member = substr $bound, 0, 3;
    my ($ok, $said) = compile('gcc', $bound, one($inner, members => 'const struct x_s *a;',
        front => "struct x_s { int64_t x; };
        static const ngx_task_param_t  inner[] = {
            NGX_TASK_PARAM(struct x_s, x, .$member = \"few\") };"));
    ok($ok, $bound) or diag $said;
    ($ok, $said) = $s->test_conf(main => "task_load $dir/$bound.so;");
    like($said, qr/\[emerg\] .*task "one": invalid $bound "few" of parameter "a\.x"/,
         'of a member of an object');
}

# the bodies of a function

sub bodies {
    my ($message, $row, $member, $function) = @_;

    refused("$message: \"one\"", $row, members => "$member a;", function => $function);
}

my $json = [ 'NGX_TASK_PARAM(args_t, a)', 'const cJSON *' ];
my $file = [ 'NGX_TASK_PARAM(args_t, a)', 'ngx_task_file_t' ];

bodies('has a function with NGX_TASK_RAW_BODY, and parameters from a body', @$json,
       ".flags = NGX_TASK_RAW_BODY|$_,")
    for qw(NGX_TASK_BODY_JSON NGX_TASK_BODY_FORM NGX_TASK_BODY_MULTIPART);
bodies('has a function with NGX_TASK_RAW_BODY, and parameters from a body', @$file,
       '.flags = NGX_TASK_RAW_BODY,');
refused('has a function with body_types, but without NGX_TASK_RAW_BODY: "one"', $json->[0],
        members => "$json->[1] a;", library => 'static const ngx_task_function_t  typed[] = {
            { .name = "one", .block = block, .body_types = "image/png" } };
        NGX_TASK_LIBRARY("one", typed, NULL, NULL);');
bodies('has a function with files, but without NGX_TASK_BODY_MULTIPART', @$file,
       ".flags = $_,")
    for qw(NGX_TASK_BODY_JSON NGX_TASK_BODY_FORM NGX_TASK_BODY_JSON|NGX_TASK_BODY_FORM);
bodies('has a function with an unknown flag', @$json, '.flags = 0x8000,');

done_testing();
