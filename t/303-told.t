#!/usr/bin/perl

# Mistakes that were silent, or of which the log said too little: each is told
# when the configuration is read, or once while nginx runs.

use strict;
use warnings;

use Config;
use File::Temp qw(tempdir);
use JSON::PP;
use Test::More;

use TaskServer;

my $tasks = "$ENV{TEST_NGINX_TASKS}/test";
my $dir = tempdir(CLEANUP => 1);
my $s = TaskServer->new;

sub said {
    my ($name, $taken, $message, %conf) = @_;

    my ($ok, $text) = $s->test_conf(%conf);

    is($ok ? 1 : 0, $taken, $name) or diag $text;
    like($text, qr/$message/m, "$name: message") if $message;

    return $text;
}

sub library {
    my ($name, $source, @flags) = @_;

    open my $out, '>', "$dir/$name.c" or die $!;
    print $out "#include <ngx_task.h>\n$source\n";
    close $out;

    system('gcc', qw(-shared -fPIC -O2 -Wall -Isrc), @flags, '-o',
           "$dir/$name.so", "$dir/$name.c") == 0 or die "gcc: $name\n";
}

# a pool that is not defined

said('no such pool', 0, '\[notice\] .*thread pool "foo" is not defined before this: '
     . 'if not behind it either, add "thread_pool foo threads=4;" to the main '
     . 'context in \S+:\d+$',
     server => 'location /t { task sleep; task_mode thread=foo; }');
unlike(said('a pool', 1, '', main => 'thread_pool foo threads=1;',
            server => 'location /t { task sleep; task_mode thread=foo; }
                       location /d { task sleep; task_mode thread=default; }'),
       qr/not defined/, 'nothing is said of one that is');

# a parameter that nothing has

said('no such parameter', 0,
     'no task function has a parameter "durations", there are: "duration", "status"',
     http => 'task_param durations max=1s;');

# what is too small says how large it has to be, in one step

my $many = join '', map "location = /l$_ { task sleep; }\n", 1 .. 120;

for my $workers (1, 16) {
    my %conf = (server => $many, workers => $workers);
    my $text = said("a small zone, $workers workers", 0,
                    'too small for 120 locations, .*: 65536, \d+k is enough',
                    %conf, http => 'task_zone z:64k; task_stats z;');
    my ($enough) = $text =~ /(\d+)k is enough/;

    said("what is enough, $workers", 1, '', %conf,
         http => "task_zone z:${enough}k; task_stats z;");
    cmp_ok($enough, '<', 1024 * $workers, 'and not far more than that');

    my $r = TaskServer->start(%conf,
                              http => "task_zone z:${enough}k; task_stats z;");

    # there is room for the numbers of old workers, but not for those of older

    for (1 .. 2) {
        my %old = map { $_ => 1 } $r->reload;
        $r->wait_for(sub { !grep $old{$_}, $r->workers }, 'the old ones to leave');
    }

    $r->stop('QUIT');
    $r->check_log;
}

my ($least) = said('a small zone of jobs', 0, 'it must have at least \d+k in',
                   http => 'task_job_zone j:1k;') =~ /at least (\d+)k/;
said('what is enough for jobs', 1, '', http => "task_job_zone j:${least}k;");

# two that answer in a location; jobs of which nobody tells

said('proxy_pass behind it', 0, '"task" conflicts with a directive of another '
     . 'module behind it', server => 'location /t { task sleep;
                                      proxy_pass http://127.0.0.1:1; }');
said('proxy_pass before it', 0, '"task" directive conflicts with a directive of '
     . 'another module before it', server => 'location /t {
                                   proxy_pass http://127.0.0.1:1; task sleep; }');
said('return beside it', 1, '\[warn\] .*"return" in this location answers before '
     . '"task" can in \S+:\d+$',
     server => 'location /t { task sleep; return 200; }');
unlike(said('rewrite beside it', 1, '', server => 'location /t { rewrite /a /b break;
             if ($arg_x) { return 204; } task sleep; }'), qr/answers before/,
       'nothing is said');
said('no task_jobs', 1, '\[warn\] .*makes jobs in zone "j", for which no '
     . '"task_jobs" answers', http => 'task_job_zone j:1m;',
     server => 'location /t { task sleep; task_background on zone=j; }');

said('task_jobs elsewhere', 1, '\[warn\] .*task "sleep" sends clients to "/jobs/" '
     . 'for their jobs, where no "task_jobs" answers: give "task_background" the '
     . '"location=" of one', http => 'task_job_zone j:1m;',
     server => 'location /t { task sleep; task_background on zone=j; }
                location /tasks/ { task_jobs zone=j; }');
unlike(said('task_jobs there', 1, '', http => 'task_job_zone j:1m;', server =>
            'location /t { task sleep; task_background on zone=j location=/a/jobs/; }
             location /a/ { task_jobs zone=j; }'),
       qr/sends clients/, 'nothing is said');

# a name that another library has, too

my $crc = <<'END';
#include <stdint.h>
uint32_t crc32(uint32_t n) { return n + 1; }
static ngx_task_rc_t f(ngx_task_t *t)
{ ngx_task_set_int(t, "n", crc32(41)); return NGX_TASK_OK; }
static const ngx_task_function_t  functions[] =
{ NGX_TASK_FUNCTION("f", .block = f) };
NGX_TASK_LIBRARY("crc", functions, NULL, NULL);
END

my @out = ('-fno-inline', '-fsemantic-interposition');

library('crc', $crc, @out);

# on i386 relocations have no addends, and nothing is looked at

said('a name of zlib', 1, $Config{ptrsize} == 4 ? '' :
     '\[warn\] .*"\S+/crc.so" has a "crc32" of its own, but '
     . 'uses that of "\S*libz\S*": link it with -Wl,-Bsymbolic in \S+:\d+$',
     main => "task_load $dir/crc.so;");

library('crc', $crc, @out, '-Wl,-Bsymbolic');
unlike(said('linked with -Bsymbolic', 1, '', main => "task_load $dir/crc.so;"),
       qr/of its own/, 'nothing is said');

# a file that is being written: at any length it is refused, and nothing more

library('whole', $crc, @out, '-Wl,-Bsymbolic');
my $size = -s "$dir/whole.so";

for my $n (1, 64, 1000, 4000, 4096, 8500, int($size / 2)) {
    system("head -c $n $dir/whole.so > $dir/cut.so") == 0 or die;
    my $text = said("$n bytes of $size", 0,
                    '\[emerg\] .*"\S+cut\.so" (?:is not complete: write it beside '
                    . 'that, and then rename it|cannot be loaded: file too short)',
                    main => "task_load $dir/cut.so;");
}

# a table on the heap has its end, too

library('heap', <<'END', '-Wl,-Bsymbolic');
#include <stdlib.h>
#include <string.h>
static ngx_task_rc_t f(ngx_task_t *t)
{ ngx_task_set_int(t, "n", 1); return NGX_TASK_OK; }
static ngx_task_function_t  functions[3];
__attribute__((constructor)) static void fill(void)
{
    functions[0].name = strdup("one"); functions[0].block = f;
    functions[1].name = strdup("two"); functions[1].block = f;
}
NGX_TASK_LIBRARY("heap", functions, NULL, NULL);
END
said('names on the heap', 1, '', main => "task_load $dir/heap.so;",
     server => 'location /t { task two; }');

# a pointer that a constructor has changed is no name that another one takes

library('data', <<'END');
int quiet = 1, loud = 2, *level = &quiet;
__attribute__((constructor)) static void fill(void) { level = &loud; }
static ngx_task_rc_t f(ngx_task_t *t)
{ ngx_task_set_int(t, "n", *level); return NGX_TASK_OK; }
static const ngx_task_function_t  functions[] =
{ NGX_TASK_FUNCTION("f", .block = f) };
NGX_TASK_LIBRARY("data", functions, NULL, NULL);
END
unlike(said('data of its own', 1, '', main => "task_load $dir/data.so;"),
       qr/of its own/, 'nothing is said');

# a result that is forgotten

library('empty', <<'END');
static ngx_task_rc_t empty(ngx_task_t *t) { (void) t; return NGX_TASK_OK; }
static ngx_task_rc_t none(ngx_task_t *t)
{ ngx_task_set_status(t, 204); return NGX_TASK_OK; }
static const ngx_task_function_t  functions[] =
{ NGX_TASK_FUNCTION("empty", .block = empty),
  NGX_TASK_FUNCTION("none", .block = none) };
NGX_TASK_LIBRARY("empty", functions, NULL, NULL);
END

$s = TaskServer->start(
    main => "task_load $dir/empty.so; task_load $dir/crc.so;",
    http => 'task_zone z:1m; task_stats z;',
    workers => 2,
    server => '
        location = /empty  { task empty; }
        location = /none   { task none; }
        location = /crc    { task f; }
        location = /slow   { task sleep duration=3s; }
        location = /sync   { task sleep duration=2s; task_mode sync; }
        location = /thread { task sleep duration=3s; task_mode thread; }
        location = /status { task_status json; }
    ');

is($s->get('/crc')->{body}, '{"n":42}', 'its own function');
$s->get('/empty') for 1 .. 20;
$s->get('/none');
my $warned = () = $s->text('error.log')
                  =~ /\[error\].* task "empty": sets no result, its answer is \{\}/g;
cmp_ok($warned, '>=', 1, 'no result: it is told');
cmp_ok($warned, '<=', 2, 'once in each worker');
unlike($s->text('error.log'), qr/task "none": sets no/, 'not of a status');

# the status: which builds run, and what runs for how long

my $status = decode_json($s->get('/status')->{body});
is_deeply([ map $_->{name}, @{ $status->{libraries} } ], [ 'empty', 'crc' ],
          'libraries');
like($status->{libraries}[0]{file}, qr{^\Q$dir\E/empty\.so$}, 'their files');
like($status->{libraries}[0]{modified}, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/,
     'and their times');
ok($status->{libraries}[0]{started}, 'started');

# what holds a loop is told by another one

# on a machine that is busy, a task may be over before anybody has looked

my ($c, $ends) = (undef, 0);

$s->wait_for(sub {
    ($c, $ends) = ($s->open('/sync'), time() + 3) if time() > $ends;

    my $r = $s->get('/status', timeout => 5);
    return $r->{body} =~ m{"oldest":\[\{"server":"","location":"/sync",}
           && $r->{body} =~ m{"location":"/sync",.*?"age":(?:0\.[3-9]|1\.)};
}, 'a sync task to be told');
pass('a sync task is told while it runs');
is($s->read($c)->{status}, 200, 'it ends');

my @open = map $s->open($_), '/slow', '/thread', '/slow';
my @seen;

$s->wait_for(sub {
    $status = decode_json($s->get('/status')->{body});
    @seen = map @{ $_->{oldest} }, @{ $status->{zones}[0]{workers} };
    return @seen == 3 && !grep $_->{age} < 0.5, @seen;
}, 'three tasks of half a second');

is_deeply([ sort map "$_->{location} $_->{function} $_->{mode}", @seen ],
          [ '/slow sleep async', '/slow sleep async', '/thread sleep thread' ],
          'what runs') or diag explain \@seen;
cmp_ok($_->{age}, '<', 3.2, 'for how long') for @seen;
is($s->read($_)->{status}, 200, 'it ends') for @open;

$s->wait_for(sub {
    $status = decode_json($s->get('/status')->{body});
    return !map @{ $_->{oldest} }, @{ $status->{zones}[0]{workers} };
}, 'nothing runs');

$s->stop('QUIT');
$s->check_log;

done_testing();
