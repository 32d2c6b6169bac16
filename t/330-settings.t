#!/usr/bin/perl

# Settings of libraries: "task_set", the tables that declare them, and what a
# library sees of them.

use strict;
use warnings;

use File::Temp qw(tempdir);
use JSON::PP;
use Test::More;
use Time::HiRes qw(sleep);

use TaskServer;

# the C library overwrites what is freed: settings have to outlive nginx.conf

$ENV{MALLOC_PERTURB_} = 165;

my $dir = tempdir(CLEANUP => 1);
my $load = "task_load $ENV{TEST_NGINX_TASKS}/test/settings.so;";
my $s = TaskServer->new;
my ($ok, $said);

# "#": the line that the message names

sub line {
    my $n;

    open my $in, '<', "$s->{root}/nginx.conf" or die $!;

    while (my $text = <$in>) {
        $n = $. if $text =~ /#/;
    }

    return $n;
}

sub taken {
    my ($name, %conf) = @_;

    ($ok, $said) = $s->test_conf(%conf);
    ok($ok, $name) or diag $said;
}

sub refused {
    my ($name, $message, %conf) = @_;

    ($ok, $said) = $s->test_conf(%conf);
    my $line = line();

    ok(!$ok, "$name: refused");
    like($said, qr/\[emerg\] \d+#\d+: \Q$message\E in \S*nginx\.conf:$line$/m,
         "$name: message");
    diag($said =~ /(\[emerg\].*)/) if $ENV{TEST_VERBOSE};
}

# what nginx -t says

taken('main', main => "$load task_set set.url u;");
taken('http', main => $load, http => 'task_set set.url u;');
taken('both', main => "$load task_set set.n 3;", http => 'task_set set.url u;');
taken('all', main => qq{$load
    task_set set.url "a b";    task_set set.n 10;   task_set set.x -2e3;
    task_set set.wait 1s;      task_set set.room 1m;  task_set set.on on;
    task_set set.color green;  task_set set.most 10;  task_set set.password 12345678;});
taken('an empty string', main => "$load task_set set.url '';");

open my $out, '>', "$s->{root}/set.conf" or die $!;
print $out "task_set set.url u;\n";
close $out;
taken('in a file', main => "$load include set.conf;");

sub wrong {
    my ($name, $set, $message) = @_;

    refused("$name, main", $message,
            main => "$load task_set set.url u;\ntask_set $set; #");
    refused("$name, http", $message,
            main => $load, http => "task_set set.url u;\ntask_set $set; #");
}

wrong('an int', 'set.n few', 'invalid value "few" of setting "set.n": Input '
      . 'should be a valid integer, unable to parse string as an integer');
wrong('over its maximum', 'set.n 11', 'invalid value "11" of setting "set.n": '
      . 'Input should be less than or equal to 10');
wrong('under its minimum', 'set.n 0', 'invalid value "0" of setting "set.n": '
      . 'Input should be greater than or equal to 1');
wrong('an exclusive bound', 'set.x 2', 'invalid value "2" of setting "set.x": '
      . 'Input should be less than 2');
wrong('a time', 'set.wait soon', 'invalid value "soon" of setting "set.wait": '
      . 'Input should be a valid timedelta, expected a time as 1500ms, 20s or '
      . '1m30s');
wrong('an empty value', 'set.n ""', 'invalid value "" of setting "set.n": Input '
      . 'should be a valid integer, unable to parse string as an integer');
wrong('a secret', 'set.password hush', 'invalid value "[secret]" of setting '
      . '"set.password": String should have at least 8 characters');
unlike($said, qr/hush/, 'which is not shown');
wrong('twice', 'set.url v', 'duplicate "task_set" of "set.url"');
wrong('no such setting', 'set.colour red', 'task library "set" has no setting '
      . '"colour", it has: "color", "room", "url", "on", "most", "n", "x", "wait", '
      . '"password"');
wrong('no such library', 'sett.url u', 'unknown task library "sett", libraries '
      . 'with settings: "set"; its "task_load" must stand before "task_set"');
wrong('a library without settings', 'nginx.n 1',
      'task library "nginx" has no settings');

wrong("\"$_\"", "$_ v", "invalid setting \"$_\", it must be library.name")
    for 'url', '.url', 'set.';

refused('before its library', 'unknown task library "set", libraries with '
        . 'settings: none; its "task_load" must stand before "task_set"',
        main => "task_set set.url u; #\n$load");

# what the whole of nginx.conf lacks

refused('missing', 'task library "set" has no "url": add "task_set set.url ...;"',
        main => "$load #\ntask_set set.n 2;", server => 'location /t { task block; }');
refused('missing, and used by no location', 'task library "set" has no "url": '
        . 'add "task_set set.url ...;"', main => "$load #");
refused('check()', 'task library "set": "most" is less than "n"',
        main => "$load #", http => "task_set set.url u; task_set set.most 4;");

# by "nginx -g" there is no file to name

open $out, '>', "$s->{root}/empty.conf" or die $!;
print $out "events { }\n";
close $out;

sub option {
    my $nginx = $ENV{TEST_NGINX_BINARY} || 'nginx';

    return `$nginx -t -p $s->{root}/ -c empty.conf -e stderr -g "load_module $ENV{TEST_NGINX_LOAD_MODULES}; pid $s->{root}/nginx.pid; $load @_" 2>&1`;
}

like(option(), qr/\[emerg\] .*task library "set" has no "url": .* in command line$/m,
     'missing, by -g');
like(option('task_set set.url u;'), qr/test is successful/, 'task_set by -g');

# a library without settings, one with an empty table, and wrong tables

my $library = <<'END';
#include <ngx_task.h>

typedef struct {
    int64_t      n;
    const char  *text;
} settings_t;

static const void  *kept;

static ngx_task_rc_t
told(ngx_task_t *t)
{
    ngx_task_set_bool(t, "null", kept == NULL);
    return NGX_TASK_OK;
}

static ngx_task_rc_t
init(ngx_task_worker_t *worker)
{
    kept = ngx_task_settings(worker);
    return NGX_TASK_OK;
}

static const ngx_task_param_t  settings[] = {
    NGX_TASK_PARAM(settings_t, n, .def = "1", .min = "1", .max = "5"),
    NGX_TASK_PARAM(settings_t, text, .def = "t", .flags = NGX_TASK_FIXED)
};

static const ngx_task_function_t  functions[] = {
    NGX_TASK_FUNCTION("NAME", .block = told)
};

NGX_TASK_LIBRARY_SET("NAME", functions, settings_t, settings, init, NULL);
END


sub compiled {
    my ($name, $compiler, $change) = @_;

    local $_ = $library;
    $change->() or die "$name: nothing is changed\n" if $change;
    s/NAME/$name/g;

    my $file = "$dir/$name." . ($compiler =~ /\+\+/ ? 'cc' : 'c');

    open my $out, '>', $file or die "$file: $!\n";
    print $out $_;
    close $out;

    my $text = `$compiler -shared -fPIC -O2 -Wall -Wextra -Wl,-Bsymbolic -Isrc -o $dir/$name.so $file 2>&1`;
    is($text, '', "$name: $compiler");
}

sub without_settings {
    s/LIBRARY_SET(.*?)settings_t, settings, /LIBRARY_INIT$1/
        && s/^static const ngx_task_param_t.*?^\};//ms;
}

compiled('c99', 'gcc -std=c99 -pedantic -Werror -Wshadow');
compiled('plus', 'g++ -std=c++20 -pedantic -Werror -Wno-missing-field-initializers');
compiled('without', 'gcc', \&without_settings);

# as it was before settings: its descriptor is shorter

compiled('old', 'gcc', sub {
    without_settings() && s/^NGX_TASK_LIBRARY_INIT.*/
        NGX_TASK_EXPORT const ngx_task_library_t  ngx_task_library;
        const ngx_task_library_t  ngx_task_library = {
            1, 1, offsetof(ngx_task_library_t, nfunctions),
            sizeof(ngx_task_function_t), sizeof(ngx_task_param_t),
            "NAME", functions, NULL, NULL, 0, 0, init, { 1, NULL, 1 }, NULL };/ms
    && s/^(static const ngx_task_function_t.*?)\n\};/$1, { .name = NULL } };/ms
});

taken($_, main => "task_load $dir/$_.so;") for qw(c99 plus without old);
refused('no settings', 'task library "without" has no settings',
        main => "task_load $dir/without.so;\ntask_set without.n 1; #");
refused('an older library', 'task library "old" has no settings',
        main => "task_load $dir/old.so;\ntask_set old.n 1; #");

my $i = 0;

for my $try (
    [ 'a default out of bounds', sub { s/"1", \.min/"9", .min/ },
      'task library "FILE": invalid default "9" of setting "n": Input should be '
      . 'less than or equal to 5' ],
    [ 'a default of another type', sub { s/"1", \.min/"one", .min/ },
      'task library "FILE": invalid default "one" of setting "n": Input should be '
      . 'a valid integer, unable to parse string as an integer' ],
    [ 'a default of the last setting', sub { s/\.def = "t"/.def = "t", .min = "2"/ },
      'task library "FILE": invalid default "t" of setting "text": String should '
      . 'have at least 2 characters' ],
    [ 'a secret default', sub { s/"1", \.min/"one", .flags = NGX_TASK_SECRET, .min/ },
      'task library "FILE": invalid default "[secret]" of setting "n": Input '
      . 'should be a valid integer, unable to parse string as an integer' ],
    [ 'a minimum', sub { s/\.min = "1"/.min = "few"/ },
      'task library "FILE": invalid minimum "few" of setting "n"' ],
    [ 'a maximum', sub { s/\.max = "5"/.max = "many"/ },
      'task library "FILE": invalid maximum "many" of setting "n"' ],
    [ 'an unknown flag', sub { s/NGX_TASK_FIXED/NGX_TASK_CONTEXT/ },
      'has a setting "text" that has an unknown flag' ],
    [ 'optional, with a default', sub { s/NGX_TASK_FIXED/NGX_TASK_OPTIONAL/ },
      'has a setting "text" that is optional, and has a default' ],
    [ 'twice', sub { s/(NGX_TASK_PARAM\(settings_t, n.*?\)),/$1, $1,/ },
      'has a setting "n" that is there twice' ],
    [ 'a misplaced member',
      sub { s/NGX_TASK_PARAM\(settings_t, text,/{ .name = "text", .type = NGX_TASK_STRING, .offset = offsetof(settings_t, n),/
            && s/NGX_TASK_FIXED\)/NGX_TASK_FIXED }/ },
      'has a setting "text" that overlaps another one in the structure: one of '
      . 'their members is smaller than its type, such as an int where an int64_t '
      . 'belongs' ],
    [ 'outside of the structure', sub { s/settings_t, settings, init/int64_t, settings, init/ },
      'has a setting "text" that is outside of the structure' ],
    [ 'no end',
      sub { s/^(static const ngx_task_param_t  settings)\[\] = (.*?^\});/
                static const struct { ngx_task_param_t  rows[2]; const char  *behind[2]; }
                    table = { $2, { (char *) 1, (char *) 1 } };/ms
            && s/^NGX_TASK_LIBRARY_SET.*/
                NGX_TASK_LIBRARY_OF("NAME", functions, NULL, NULL, init,
                                    sizeof(settings_t), table.rows, 0, NULL);/m },
      'has settings without a last row of NULL: end them by one, or give them by '
      . 'NGX_TASK_LIBRARY_SET()' ],
) {
    my ($name, $change, $message) = @$try;
    my $file = 'wrong' . ++$i;

    compiled($file, 'gcc -Wno-missing-field-initializers', $change);

    $message =~ s/FILE/$file/;
    $message = "\"$dir/$file.so\" $message" if $message =~ /^has/;
    refused($name, $message, main => "task_load $dir/$file.so; #");
}

# what functions see

sub conf {
    my ($main, $http) = @_;

    return (main => "$load task_load $dir/without.so; $main", http => $http, server => '
            location = /block    { task block; }
            location = /sync     { task block; task_mode sync; }
            location = /async    { task async; }
            location = /offload  { task offload; }
            location = /slow     { task slow; }
            location = /without  { task without; }');
}

sub told { decode_json($s->get(@_)->{body}) }

my ($true, $false) = (JSON::PP::true, JSON::PP::false);

my %defaults = (n => 5, x => 1.5, wait => 10, room => 4096, on => $false, color => 0,
                password => 'not given', most => $false);

# "$" begins no variable, also not one that there is

my $url = 'a $uri ${b} $$c $1 $';

$s = TaskServer->start(conf('', qq{task_set set.url "$url";}));

is_deeply(told("/$_"), { %defaults, url => $url }, "$_: defaults, and a \"\$\"")
    for qw(block sync async offload slow);
is_deeply(told('/without'), { null => $true }, 'without settings: NULL');
like($s->text('error.log'),
     qr/\[notice\].* task library "set": begins with \Q$url\E$/m, 'init() has them');

# a reload changes them: for new workers, not for the old ones

my $c = $s->open('/slow');
sleep 0.3;

my %set = (n => 10, x => -2000, wait => 0, room => 1048576, on => $true, color => 1,
           password => '12345678', most => $true, url => 'other');

my @all = conf('task_set set.url other; task_set set.n 10; task_set set.x -2e3;
                task_set set.wait 0; task_set set.room 1m; task_set set.on on;',
               'task_set set.color green; task_set set.password 12345678;
                task_set set.most 10;');

$s->reload(@all);

is_deeply(told("/$_"), \%set, "$_: after a reload") for qw(block async offload);
is_deeply(decode_json($s->read($c)->{body}), { %defaults, url => $url },
          'what ran before has the old ones');

# one that is refused leaves them

$s->write_conf(conf('task_set set.n 2;', ''));
$s->signal('HUP');
$s->wait_for(sub { $s->text('error.log') =~ /has no "url"/ }, 'it to be refused');
is_deeply(told('/block'), \%set, 'after a reload that was refused');

$s->write_conf(@all);
$s->stop('QUIT');
unlike($s->text('error.log'), qr/12345678/, 'the log has no secret');
$s->check_log('has no "url"');

done_testing();
