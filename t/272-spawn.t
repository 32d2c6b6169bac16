#!/usr/bin/perl

# ngx_task_spawn(): programs that end with their task.

use strict;
use warnings;

use JSON::PP;
use Test::More;
use Time::HiRes qw(sleep time);

use TaskServer;

my $tasks = "$ENV{TEST_NGINX_TASKS}/test";
my ($s, $r, @r, $c, @c, $j, $code, $time);

my %conf = (
    main => "task_load $tasks/process.so; env PATH;
             thread_pool default threads=32;
             task_shutdown_timeout 2s;",
    http => 'task_job_zone jobs:1m;',
    server => '
        location = /spawn   { task spawn; }
        location = /timeout { task spawn; task_timeout 300ms; }
        location = /sync    { task spawn times=1 grace=0; task_mode sync; }
        location = /body    { task spawn-body; client_max_body_size 20m;
                              client_body_buffer_size 16k; }
        location = /aspawn  { task aspawn; }
        location = /wrong   { task wrong-spawn; }
        location = /e2big   { task e2big; }
        location = /kept    { task kept; task_mode sync; }
        location = /job     { task spawn; task_background on zone=jobs; }
        location = /quick   { quick; }
        location /jobs/     { task_jobs zone=jobs; }
    ');

sub escape {
    my ($text) = @_;

    return $text =~ s/([^A-Za-z0-9])/sprintf '%%%02x', ord $1/ger;
}

sub uri {
    my ($place, $cmd, %o) = @_;

    return join '&', "/$place?cmd=" . escape($cmd),
                map "$_=" . escape($o{$_}), keys %o;
}

sub run {
    my $r = $s->get(uri('spawn', @_));

    return { status => $r->{status} } if $r->{status} != 200;
    return decode_json($r->{body});
}

# processes that have a word in their arguments, which is not ours

my $word = "sleep 30.$$";

sub alive {
    my ($what) = @_;
    my $n = 0;

    for my $file (glob '/proc/[0-9]*/cmdline') {
        open my $in, '<', $file or next;
        my $args = join ' ', split /\0/, <$in> // '';
        $n++ if $args eq ($what // $word);
    }

    return $n;
}

sub wait_alive {
    my ($n, $timeout) = @_;

    return $s->wait_for(sub { alive() == $n }, "$n programs", $timeout);
}

sub fds {
    my ($worker) = $s->workers;
    my @fds = glob "/proc/$worker/fd/*";
    return scalar @fds;
}

sub zombies {
    my ($worker) = $s->workers;
    return `ps --ppid $worker -o stat=` =~ tr/Z//;
}

$s = TaskServer->start(%conf);

# TEST 1: what it says, and how it ends

$j = run('echo out; echo err >&2');
is_deeply($j, { rc => 0, exit => 0, signal => 0, error => 0, length => 4,
                output => "out\n", messages => "err\n", messages_length => 4 },
          'output, messages, status');
is(run('exit 3')->{exit}, 3, 'exit code');
$j = run('echo "a\nbad \033[1m line" >&2; kill -9 $$');
is($j->{signal}, 9, 'signal');
is($j->{exit}, -1, 'no exit code then');
like($s->text('error.log'), qr/\[warn\].*program "sh" exited with code 3$/m,
     'the exit code is logged');
like($s->text('error.log'), qr/\[warn\].*program "sh" was ended by signal 9: (?#
     )a\\x0abad \\x1b\[1m line\\x0a$/m, 'the signal, and what it said, escaped');
$j = run('printf "one\\\\000two" >&2; exit 4');
is($j->{messages_length}, 7, 'a null in what it says');
like($s->text('error.log'), qr/exited with code 4: one\\x00two$/m, 'cuts nothing off');
cmp_ok(decode_json($s->get('/kept')->{body})->{bytes}, '<', 100_000,
       'what 100 programs have said is kept, and no more');

# ThreadSanitizer gives a child memory of its own, so that posix_spawn() does not
# learn that the program cannot be run

SKIP: {
    skip 'ThreadSanitizer', 5 if ($ENV{TEST_NGINX_SANITIZER} // '') eq 'thread';

    $j = run('', name => 'nosuchprogram');
    is_deeply([ @$j{qw(rc error output)} ], [ 1, 2, undef ], 'no such program');
    like($s->text('error.log'), qr/\[error\].*program "nosuchprogram" failed: (?#
         ).*No such file/, 'it is logged');
    is(run('', name => '/etc/passwd')->{error}, 13, 'not a program');
    is(run('', dir => '/nosuch')->{error}, 2, 'no such directory');
    $r = $s->get('/e2big');
    is($r->{body}, '{"rc":1,"error":7,"output":null}', 'too many arguments');
}

# TEST 2: what it has from nginx

$j = run('echo $PWD; env | grep -c .; echo $ONLY', dir => '/usr');
like($j->{output}, qr{^/usr\n\d\nthis\n$}, 'directory, environment');
is(run('ls /proc/self/fd | tr "\n" " "')->{output}, '0 1 2 3 ',
   'descriptors: its own three, and that of ls');
is(run('ls /proc/self/fd | tr "\n" " "', input => 'fd',
       text => '/etc/hostname')->{output}, '0 1 2 3 ',
   'also where a function has others');
$j = run('grep -E "^Sig(Blk|Ign)" /proc/self/status');
my ($blocked, $ignored) = $j->{output} =~ /SigBlk:\s*(\w+)\s*SigIgn:\s*(\w+)/;
is(hex($blocked), 0, 'no signal is blocked');
is(hex(substr $ignored, -8) & 0x7fffffff, 0, 'none is ignored');
is(run('test "$(ps -o sid= -p $$ | tr -d " ")" = $$ && echo own')->{output},
   "own\n", 'a session of its own');
is(run('cat')->{output}, '', 'no input: it ends');
is(run('cat', input => 'fd', text => '/etc/hostname')->{output},
   `cat /etc/hostname`, 'a descriptor as its input');

# TEST 3: much in and out at the same time; less than that is read

$j = run('cat', input => 'bytes', size => '10m', max => '10m');
ok($j->{same}, '10 MB through cat');
$j = run('cat >&2', input => 'bytes', size => '1m');
is($j->{messages_length}, 4096, 'the end of what it says');
$j = run('head -c 10', input => 'bytes', size => '10m');
is_deeply([ @$j{qw(rc exit length)} ], [ 0, 0, 10 ], 'not all is read');
$j = run('true', input => 'bytes', size => '10m');
is_deeply([ @$j{qw(rc exit length)} ], [ 0, 0, 0 ], 'nothing is read');
$r = $s->get(uri('spawn', 'head -c 3000000 /dev/zero', max => '3m', echo => 1));
is(length $r->{body}, 3000000, 'its output as the answer');

# TEST 4: the output is bounded

is(run('head -c 5000 /dev/zero', max => 5000)->{error}, 0, 'exactly so much');
my $start = time();
$j = run("head -c 5001 /dev/zero; exec $word", max => 5000);
is_deeply([ @$j{qw(rc error length)} ], [ 1, 27, 5000 ], 'one byte more');
cmp_ok(time() - $start, '<', 10, 'it is ended');
is(alive(), 0, 'all of it');
like($s->text('error.log'), qr/program "sh" was ended: its output is larger (?#
     )than 5000 bytes/, 'and that is logged');
is(run('yes')->{error}, 27, '1 MB, where nothing is said');

# TEST 5: the body, from memory and from its file, also again

for my $size (1, 1000, 10_000_000) {
    my $body = join '', map { chr($_ % 251) } 1 .. ($size > 1000 ? 1000 : $size);
    $body x= $size / length $body;
    for my $times (1, 2) {
        $r = $s->get(uri('body', 'cat', input => 'body', max => '10m',
                         echo => 1, times => $times),
                     method => 'POST', body => $body,
                     headers => 'Content-Length: ' . length($body) . "\r\n");
        ok($r->{body} eq $body, "the body, $size bytes, $times times");
    }
    $r = $s->get(uri('body', 'cat', input => 'body', max => '10m'),
                 method => 'POST', body => $body,
                 headers => 'Content-Length: ' . length($body) . "\r\n");
    is($r->{body} =~ /"memory":true/ ? 1 : 0, $size <= 1000 ? 1 : 0,
       'from where it is');
}

$r = $s->get(uri('body', 'cat', input => 'body'), method => 'POST',
             headers => "Content-Length: 0\r\n");
is(decode_json($r->{body})->{length}, 0, 'no body');

# TEST 6: cancelled: the group ends, who ignores SIGTERM, too, at once

for my $try ([ 'in its own process', "exec $word" ],
             [ 'in others', "$word & $word & wait" ],
             [ 'which ignore it', "trap '' TERM; $word & $word & wait; wait" ],
             [ 'which are stopped', "$word & sleep 0.3; kill -STOP \$! \$\$" ])
{
    my ($name, $cmd) = @$try;
    my $n = $cmd =~ s/\Q$word\E/$word/g;

    $start = time();
    $c = $s->open(uri('spawn', $cmd, grace => '500ms'));
    wait_alive($n);
    my $cut = time();
    close $c->{socket};
    wait_alive(0);
    my $took = time() - $cut;
    cmp_ok($took, '<', $name =~ /ignore/ ? 8 : 5, "cancelled, $name: ended");
    cmp_ok($took, '>=', 0.4, 'not before its time of grace')
        if $name =~ /ignore/;
}

$r = $s->get(uri('timeout', "$word & wait"));
is($r->{status}, 504, 'task_timeout');
cmp_ok($r->{time}, '<', 5, 'at once');
ok(wait_alive(0, 10), 'it ends then');

$r = $s->get(uri('job', "$word & wait"));
my ($href) = $r->{body} =~ /"href":"([^"]+)"/;
wait_alive(1);
$s->get($href, method => 'DELETE');
ok(wait_alive(0, 10), 'of a job that is cancelled');

# TEST 7: what it leaves behind neither holds the task, nor lives on

$start = time();
$j = run("$word & echo done");
is($j->{output}, "done\n", 'the pipes are held by another');
cmp_ok(time() - $start, '<', 8, 'not for long');
ok(wait_alive(0, 10), 'which is ended');
$j = run("$word >/dev/null 2>&1 & echo done");
is($j->{output}, "done\n", 'in the background');
ok(wait_alive(0, 10), 'ended, too');

# the thread is SCHED_BATCH, the program is as the event loop

is(run('cut -d" " -f41 /proc/self/stat')->{output}, "0\n", 'SCHED_OTHER');

# TEST 8: many at once, many one after another, nothing is left open

$s->get('/quick');
my $before = fds();
@r = $s->get_all(map uri('spawn', "echo $_; exit $_"), 1 .. 100);
is(scalar(grep { my $o = decode_json($_->{body});
                 $o->{output} eq "$o->{exit}\n" } @r), 100, '100 at once');
$j = run('true', times => 1000);
is_deeply([ @$j{qw(rc exit)} ], [ 0, 0 ], '1000 in turn');
run('', name => 'nosuchprogram') for 1 .. 20;
$s->wait_for(sub { fds() <= $before }, 'descriptors');
pass('all descriptors are closed');
is(zombies(), 0, 'nobody is left unwaited for');

# TEST 9: where it is called

$r = $s->get(uri('sync', 'echo sync; exit 4', input => 'bytes', size => '1m'));
$j = decode_json($r->{body});
is_deeply([ @$j{qw(rc exit output)} ], [ 0, 4, "sync\n" ], 'sync');
is($s->get('/aspawn?n=0')->{body}, '{"output":"piece\n"}', 'an offloaded piece');
$r = $s->get('/aspawn?n=1');
is($r->{status}, 500, 'an async form');
like($s->text('error.log'), qr/"aspawn": starts a program on the event loop/,
     'the log');

for my $try ([ 0, 'without its size' ], [ 1, 'without its size' ],
             [ 2, 'without a name' ], [ 3, 'without a name' ],
             [ 4, 'with NULL as its input' ], [ 6, 'with an unknown input' ],
             [ 5, 'the body without NGX_TASK_RAW_BODY' ])
{
    my ($n, $message) = @$try;
    is($s->get("/wrong?n=$n")->{status}, 500, "wrong: $message");
    like($s->text('error.log'), qr/"wrong-spawn": .*$message/, 'the log');
}

# TEST 10: nginx ends while they run

for my $signal ('TERM', 'QUIT') {
    $s = TaskServer->start(%conf) unless $s->{pid};
    @c = map $s->open(uri('spawn', "trap '' TERM; $word & wait; wait",
                          grace => '20s')), 1 .. 4;
    wait_alive(4);
    ($code, $time) = $s->stop($signal);
    is($code, 0, "$signal: exit code");
    cmp_ok($time, '<', $signal eq 'TERM' ? 3 : 8, "$signal: in time");
    ok(wait_alive(0, 10), "$signal: nothing is left");
    $s->check_log;
}

# TEST 11: a reload lets them go on; a worker that is killed takes them along

$s = TaskServer->start(%conf);
$c = $s->open(uri('spawn', 'sleep 1; echo done'));
$s->get('/quick');
my @old = $s->reload;
is(decode_json($s->read($c)->{body})->{output}, "done\n", 'reload');
$s->wait_for(sub { !kill 0, @old }, 'the old worker to end');
$c = $s->open(uri('spawn', "exec $word"));
wait_alive(1);
my ($worker) = $s->workers;
kill 'KILL', $worker;
ok(wait_alive(0, 10), 'a worker that is killed');
$s->wait_for(sub { $s->workers && ($s->workers)[0] != $worker }, 'another');
$s->stop('TERM');
$s->check_log(qr/exited on signal 9/);

done_testing();
