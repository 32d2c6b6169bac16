#!/usr/bin/perl

# Libraries: those that are refused, and why; and new code for old, however
# the file was replaced, without losing a request.

use strict;
use warnings;

use File::Copy qw(copy move);
use JSON::PP;
use Test::More;
use Time::HiRes qw(sleep time);

use TaskServer;

my $s = TaskServer->new;
my $dir = $s->{root};
my $tasks = "$ENV{TEST_NGINX_TASKS}/test";

sub compile {
    my ($source, $file, @flags) = @_;

    system('gcc', '-shared', '-fPIC', '-Isrc', @flags, '-o', "$dir/$file",
           "t/tasks/$source.c", '-lcjson') == 0 or die "gcc: $file\n";
}

# broken ones

my @broken = (
    [ 1, 'has a function of an invalid name: ""|has an invalid name' ],
    [ 2, 'has a function without any form: "formless"' ],
    [ 3, 'has two functions of one name: "twin"' ],
    [ 4, 'has a function with an unknown flag: "flagged"' ],
    [ 5, 'is not a library of task functions, it has no NGX_TASK_LIBRARY\(\)' ],
    [ 6, 'is built for version 2\.2 of ngx_task\.h, this module has 1\.2: '
         . 'build it again' ],
    [ 7, 'is built for version 1\.3 of ngx_task\.h, this module is older and has '
         . '1\.2: build the library with its header' ],
    [ 8, 'has structures of a wrong size for version 1\.2 of ngx_task\.h' ],
    [ 9, 'has no functions' ],
    [ 10, 'function "fine" whose parameter "n" is of no known type' ],
    [ 11, 'function "fine" whose parameter "n" is outside of the structure' ],
    [ 12, 'function "fine" whose parameter "n" has no choices, or an empty one' ],
    [ 13, 'task "fine": invalid default "one" of parameter "n"' ],
    [ 14, 'task "fine": invalid minimum "few" of parameter "n"' ],
    [ 15, 'function "fine" whose parameter "n" is there twice' ],
    [ 16, 'task "fine": invalid default "9" of parameter "n": .*5' ],
    [ 17, 'function "fine" whose parameter "n m" has an invalid name' ],
    [ 18, 'task "fine": invalid minimum "0" of parameter "n"' ],
    [ 19, 'has no name' ],
    [ 20, 'cannot be loaded: .*ngx_task_of_the_future' ],
    [ 21, 'task "fine": invalid minimum "nan" of parameter "n"' ],
);

for my $try (@broken) {
    my ($n, $message) = @$try;

    compile('broken', "broken-$n.so", "-DBROKEN=$n");

    my ($ok, $text) = $s->test_conf(main => "task_load broken-$n.so;");
    ok(!$ok, "broken $n: refused");
    like($text, qr/\[emerg\] .*(?:$message).* in \S*nginx\.conf:\d+$/m,
         "broken $n: message") or diag $text;
    diag($text =~ /(\[emerg\].*)/) if $n == 2 || $n == 5 || $n == 6;
}

my ($ok, $text) = $s->test_conf(main => 'task_load nosuch.so;');
ok(!$ok, 'no such file');
like($text, qr/open\(\) "\S+nosuch\.so" failed \(2: No such file/, 'message');

open my $out, '>', "$dir/text.so" or die $!;
print $out "this is no library\n" x 100;
close $out;
($ok, $text) = $s->test_conf(main => 'task_load text.so;');
ok(!$ok, 'not a library');
like($text, qr/"\S+text\.so" cannot be loaded: .*(?:invalid ELF|too short)/,
     'message');

# names

compile('broken', 'fine.so', '-DBROKEN=0');

($ok, $text) = $s->test_conf(main => 'task_load fine.so;', server =>
                             'location /t { task fine; }');
ok($ok, 'relative to the prefix') or diag $text;

($ok, $text) = $s->test_conf(main => 'task_load fine.so; task_load fine.so;');
ok(!$ok, 'loaded twice');
like($text, qr/library "broken" of "\S+fine\.so" is loaded already/, 'message');

($ok, $text) = $s->test_conf(main => "task_load fine.so;
                             task_load $tasks/probe.so;",
                             server => 'location /t { task values; }');
ok(!$ok, 'a name in two libraries');
like($text, qr/"values" is in two libraries: "broken\.values" and "probe\.val/,
     'message');

($ok, $text) = $s->test_conf(main => "task_load fine.so;
                             task_load $tasks/probe.so;",
                             server => 'location /t { task probe.values; }
                                        location /s { task nginx.sleep; }');
ok($ok, 'by its full name') or diag $text;

($ok, $text) = $s->test_conf(main => 'task_load fine.so;',
                             server => 'location /t { task broken.nosuch; }');
ok(!$ok, 'a name that the library does not have');

($ok, $text) = $s->test_conf(main => 'task_load fine.so;',
                             server => 'location /t { task fine n=one; }');
ok(!$ok, 'a bad value');
like($text, qr/invalid value "one" of parameter "n": .*valid integer/, 'message');

($ok, $text) = $s->test_conf(main => 'task_load fine.so;',
                             server => 'location /t { task fine;
                                        task_mode async; }');
ok(!$ok, 'a mode that it has no form for');
like($text, qr/task "fine" has no form for task_mode "async"/, 'message');

($ok, $text) = $s->test_conf(main => 'task_load fine.so;',
                             http => 'task_mode async;',
                             server => 'location /t { task fine; }');
ok($ok, 'inherited: the default');
like($text, qr/\[notice\] .*"fine" has no form for the inherited task_mode "async"/,
     'notice');

# swapping the two forms is seen by the compiler

open $out, '>', "$dir/swap.c" or die $!;
print $out <<'END';
#include <ngx_task.h>
static ngx_task_rc_t f(ngx_task_t *t, ngx_task_frame_t *r)
{ (void) t; (void) r; return NGX_TASK_OK; }
static const ngx_task_function_t  functions[] = {
    { "f", "", f, NULL, 0, NULL, 0, 0 },
    { NULL, NULL, NULL, NULL, 0, NULL, 0, 0 } };
NGX_TASK_LIBRARY("swap", functions, NULL, NULL);
END
close $out;
$text = `gcc -fsyntax-only -Isrc $dir/swap.c 2>&1`;
like($text, qr/incompatible[ -]pointer[ -]type/, 'swapped forms are diagnosed');

# and it can be written in C++

open $out, '>', "$dir/plus.cc" or die $!;
print $out <<'END';
#include <ngx_task.h>
static ngx_task_rc_t plus(ngx_task_t *t)
{ ngx_task_set_string(t, "in", "C++"); return NGX_TASK_OK; }
static ngx_task_rc_t later(ngx_task_t *t, ngx_task_frame_t *f)
{ NGX_TASK_BEGIN(f); NGX_TASK_AWAIT(f, ngx_task_sleep(f, 10));
  ngx_task_set_string(t, "in", "async C++"); NGX_TASK_END(f); }
static const ngx_task_function_t  functions[] = {
    { "plus", "", plus, later, 0, NULL, 0, 0 },
    { NULL, NULL, NULL, NULL, 0, NULL, 0, 0 } };
NGX_TASK_LIBRARY("plus", functions, NULL, NULL);
END
close $out;
SKIP: {
    skip 'there is no g++', 2 if system('g++ --version > /dev/null 2>&1');

    is(system("g++ -Wall -Wextra -pedantic -shared -fPIC -fno-gnu-unique -Isrc -o $dir/plus.so "
              . "$dir/plus.cc"), 0, 'C++');
    ($ok, $text) = $s->test_conf(main => 'task_load plus.so;',
                                 server => 'location /t { task plus; }');
    ok($ok, 'C++ is loaded') or diag $text;
}

# new code, under load, however the file is replaced

compile('probe', 'one.so', '-DVERSION="one"');
compile('probe', 'two.so', '-DVERSION="two"');
copy("$dir/one.so", "$dir/probe.so");

my %conf = (
    main => 'task_load probe.so; thread_pool four threads=4;
             thread_pool probe threads=4;',
    server => '
        location = /stubborn { task stubborn; task_mode thread=four; }
        location = /steps    { task steps; }
        location = /counters { task counters; }
    ');

$s->write_conf(%conf);
$s->start;

my @ways = (
    [ 'cp over it', sub { system('cp', $_[0], "$dir/probe.so") } ],
    [ 'mv', sub { copy($_[0], "$dir/new.so"); move("$dir/new.so",
                                                   "$dir/probe.so") } ],
    [ 'install', sub { system('install', $_[0], "$dir/probe.so") } ],
    [ 'the compiler\'s output', sub {
        my ($version) = $_[0] =~ m{(\w+)\.so$};
        compile('probe', 'probe.so', "-DVERSION=\"$version\"");
      } ],
);

sub begun {
    return $s->get('/counters')->{body} =~ /"begun":(\d+)/ ? $1 : -1;
}

my $now = 'one';

for my $way (@ways) {
    my ($name, $replace) = @$way;
    my $next = $now eq 'one' ? 'two' : 'one';

    my $was = begun();
    my @c = map $s->open($_), ('/stubborn?ms=400ms', '/steps?ms=100ms') x 4;
    $s->wait_for(sub { begun() == $was + 8 }, 'tasks of the old code');
    $replace->("$dir/$next.so");
    my $start = time();
    $s->reload;

    my @new;
    do {
        push @new, $s->get('/stubborn?ms=10ms');
    } until $new[-1]{body} =~ /"$next"/ || time() > $start + 5;

    my @old = $s->read_all(\@c);
    is(scalar(grep $_->{status} != 200, @old, @new), 0,
       "$name: no request is lost");
    is(scalar(grep $_->{body} =~ /"version":"$now"/, @old), 8,
       "$name: old tasks end in the old code");
    like($new[-1]{body}, qr/"version":"$next"/, "$name: new ones run the new");

    $now = $next;
}

# one that fails to load leaves all as it is

copy("$dir/text.so", "$dir/probe.so");
$s->signal('HUP');
$s->wait_for(sub { $s->text('error.log') =~ /cannot be loaded/ }, 'the reload');
like($s->get('/counters')->{body}, qr/"version":"$now"/, 'a reload that fails');

# a start that fails: logged, 503, and the worker lives

copy("$dir/one.so", "$dir/probe.so");
my ($code) = $s->stop('QUIT');
is($code, 0, 'exit code');

$s = TaskServer->new;
copy("$tasks/probe.so", "$s->{root}/probe.so");
$s->write_conf(%conf, main => $conf{main} . 'env PROBE_FAILS;',
               server => $conf{server} . 'location = /quick { quick; }');
$ENV{PROBE_FAILS} = 1;
$s->start;
delete $ENV{PROBE_FAILS};
my $r = $s->get('/stubborn');
is($r->{status}, 503, 'start failed: 503');
is($r->{body}, '{"detail":"Service Unavailable"}', 'start failed: body');
is($s->get('/quick')->{status}, 200, 'start failed: the worker lives');
like($s->text('error.log'), qr/\[error\].*start of task library "probe" failed/,
     'start failed: logged');
($code) = $s->stop('QUIT');
is($code, 0, 'exit code');
$s->check_log;

done_testing();
