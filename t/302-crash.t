#!/usr/bin/perl

# A crash tells whose it was, before nginx says that a worker exited; and what
# holds the event loop is named while it does.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(sleep time);

use TaskServer;

# a sanitizer leaves these crashes to the module

$ENV{TEST_NGINX_CRASHES} = join '', map ",handle_$_=0",
                           qw(segv sigbus sigfpe sigill abort);

my $tasks = "$ENV{TEST_NGINX_TASKS}/test";
my $crash = qr/crashed, signal|exited on signal|\[alert\] \d+#\d+: (?:#\d|it has|library: )/;

sub conf {
    my (%conf) = @_;

    return (
        main => "task_load $tasks/crash.so; thread_pool two threads=2;
                 env CRASH_INIT; worker_rlimit_core 0; " . ($conf{main} // ''),
        http => 'task_job_zone jobs:1m; ' . ($conf{http} // ''),
        server => '
            location = /crash  { task crash; task_mode thread=two; }
            location = /sync   { task crash ms=0; task_mode sync; }
            location = /acrash { task acrash; }
            location = /state  { task stateless; }
            location = /job    { task crash; task_mode thread=two;
                                 task_background on zone=jobs; }
            location = /hold   { task hold; }
            location = /later  { task later; }
            location = /calls  { task calls; }
            location = /slow   { task sleep duration=1500ms; task_mode sync; }
            location = /quick  { quick; }
        ', workers => $conf{workers} // 1);
}

my $s = TaskServer->start(conf());

# returns the lines of the log that the request made

sub crash {
    my ($uri, $signal) = @_;

    my $seen = length $s->text('error.log');
    my $r = $s->get($uri);

    $s->wait_for(sub {
        return substr($s->text('error.log'), $seen) =~ /exited on signal $signal/;
    }, "$uri: a crash");
    $s->wait_for(sub { $s->workers }, 'a new worker');

    return substr($s->text('error.log'), $seen);
}

my $library = qr{library: "\S+/crash\.so" of \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ};

for my $try (
    [ '/crash?how=null', 11, 'task "crash" crashed, signal 11 \(SIGSEGV\) at '
      . 'address 0x0', '#0 \S+/crash\.so\+0x[0-9a-f]+ \(crash_write\+0x' ],
    [ '/crash?how=abort', 6, 'task "crash" crashed, signal 6 \(SIGABRT\)',
      '\(abort\+0x' ],
    [ '/crash?how=stack', 11, 'task "crash" crashed, signal 11 \(SIGSEGV\) at '
      . 'address 0x[0-9a-f]+', '\(crash_deep\+0x' ],
    [ '/crash?how=zero', 8, 'task "crash" crashed, signal 8 \(SIGFPE\)',
      '#0 \S+/crash\.so\+0x' ],
    [ '/crash?how=jump', 11, 'task "crash" crashed, signal 11 \(SIGSEGV\) at '
      . 'address 0x0', '#0 0x0\n.* #1 \S+/crash\.so\+0x' ],
    [ '/crash?how=text', 11, 'task "crash" crashed, signal 11 \(SIGSEGV\) at '
      . 'address 0x8', ' #\d \S+/crash\.so\+0x' ],
    [ '/crash?how=defer', 11, 'task "crash" crashed, signal 11 \(SIGSEGV\) at .*',
      '\(crash_write\+0x' ],
    [ '/sync?how=null', 11, 'task "crash" crashed, signal 11 \(SIGSEGV\) at .*',
      '\(crash_write\+0x' ],
    [ '/acrash?how=null', 11, 'task "acrash" crashed, signal 11 \(SIGSEGV\) at .*',
      '\(crash_write\+0x', ', it has no state_size, so its state is NULL' ],
    [ '/state', 11, 'task "stateless" crashed, signal 11 \(SIGSEGV\) at address '
      . '0x0', '#0 \S+/crash\.so\+0x', ', it has no state_size, so its state is '
      . 'NULL, it has no args, so ngx_task_args\(\) has nothing' ],
) {
    my ($uri, $signal, $line, $frame, $detail) = (@$try, '');
    my $log = crash($uri, $signal);

    my $made = qr/request: "GET \Q$uri\E HTTP\/1.1"$detail\n/;
    like($log, qr/\[alert\] \d+#\d+: $line\n.*: $library, $made/,
         "$uri: whose it was") or diag $log;
    like($log, qr/$frame/, "$uri: where");
}

# what the compiler knows of the place, for who has -g

SKIP: {
    my ($file, $at) = $s->text('error.log')
                      =~ m{#1 (\S+/crash\.so)\+(0x[0-9a-f]+)$}m;
    my $line = `addr2line -e $file $at 2>&1`;
    skip('no addr2line', 1) if $?;
    like($line, qr/tasks\/crash\.c:\d+/, 'addr2line tells the line');
}

# a job

my $seen = length $s->text('error.log');
my ($id) = $s->get('/job?how=null')->{body} =~ /"id":"(\w+)"/;
$s->wait_for(sub { substr($s->text('error.log'), $seen) =~ /exited on signal/ },
             'the job crashes');
like(substr($s->text('error.log'), $seen),
     qr/task "crash" crashed, .*\n.*, request: "GET .job\?how=null HTTP.*, job: $id$/m,
     'a job: its id');
$s->wait_for(sub { $s->workers }, 'a new worker');

# what a function has spoilt: its task, so that no more can be said of it; or
# what nginx uses later

SKIP: {
    skip 'a sanitizer ends the process itself', 1 if $ENV{TEST_NGINX_SANITIZER};
    like(crash('/crash?how=spoil', 11), qr/task "crash" crashed, signal 11 \(SIGSEGV\)/,
         'a task that is spoilt');
}

my $log = crash('/later', 11);
like($log, qr/worker process crashed, .* in no task; the last one that ran was of "later"/,
     'a crash in no task') or diag $log;
like($log, qr/\(crash_write\+0x/, 'and where');

# a child of a function is its own

$seen = length $s->text('error.log');
is($s->get('/crash?how=child')->{status}, 200, 'a child crashes');
sleep(0.2);
unlike(substr($s->text('error.log'), $seen), qr/crashed/, 'of which nothing is said');

$s->stop('TERM');
$s->check_log($crash);

# a hook

{
    local $ENV{CRASH_INIT} = 1;

    $s = TaskServer->new(conf());

    my $pid = fork() // die "fork: $!\n";

    if ($pid == 0) {
        open STDERR, '>>', "$s->{root}/logs/stderr.log";
        exec $ENV{TEST_NGINX_BINARY}, '-p', "$s->{root}/", '-c', 'nginx.conf',
             '-e', 'logs/error.log';
    }

    $s->wait_for(sub { $s->text('error.log') =~ /exited on signal 11/ },
                 'init() crashes');
    sleep(1.5);
    my $times = () = $s->text('error.log') =~ /a hook of task library "crash" crashed/g;
    cmp_ok($times, '<=', 4, 'about once a second');
    kill 'TERM', $pid;
    waitpid $pid, 0;

    like($s->text('error.log'),
         qr/a hook of task library "crash" crashed, signal 11 \(SIGSEGV\) at/,
         'and the log says so');
}

# a constructor, in nginx -t

$s = TaskServer->new;
open my $out, '>', "$s->{root}/ctor.c" or die $!;
print $out '__attribute__((constructor)) static void f(void) { *(volatile int *) 0 = 1; }';
close $out;
system("gcc -shared -fPIC -o $s->{root}/ctor.so $s->{root}/ctor.c") == 0 or die;

my ($ok, $said) = $s->test_conf(main => "task_load $s->{root}/ctor.so;");
ok(!$ok, 'a constructor crashes');
like($said, qr/a hook of task library "\S+ctor.so" crashed, signal 11 \(SIGSEGV\) at/,
     'and nginx -t says whose it was');

# the loop is held: told while it is, and when it is not

$s = TaskServer->start(conf());

my $begun = time();
my $c = $s->open('/hold?ms=3000ms');
$s->wait_for(sub { $s->text('error.log') =~ /stands still/ }, 'it is told');
cmp_ok(time() - $begun, '>=', 1, 'not before a second');
cmp_ok(time() - $begun, '<', 2.9, 'and not after it');
is($s->read($c)->{status}, 200, 'it ends');
$s->wait_for(sub { $s->text('error.log') =~ /stood still/ }, 'the end is told');

my @lines = grep /event loop st/, split /\n/, $s->text('error.log');
is(scalar @lines, 3, 'at 1 s, at 2 s, and at its end') or diag "@lines";
my $what = qr/task "hold", $library, request: "GET .hold\?ms=3000ms HTTP/;
like($lines[0], qr/\[error\] \d+#\d+: event loop stands still for 1\d\d\d ms in $what/,
     'by name');
like($lines[2], qr/\[error\] .*stood still for (?:[3-9]|\d\d)\d\d\d ms in task "hold"/,
     'for how long');

is($s->get('/slow')->{status}, 200, 'task_mode sync');
like($s->text('error.log'), qr/stood still for 1[5-9]\d\d ms in task "sleep", library: built-in, request/,
     'is told, too');

# what ends in time is not logged

$seen = length $s->text('error.log');
$s->get('/hold?ms=300ms') for 1 .. 4;
unlike(substr($s->text('error.log'), $seen), qr/st[oa].*still/,
       'four of 300 ms are not');

# for ever, by sleeps of nothing, or by calls of what ends at once

for my $try ([ '/hold?ms=0', 'hold' ], [ '/calls', 'calls' ]) {
    my ($uri, $name) = @$try;

    $seen = length $s->text('error.log');
    $c = $s->open($uri);
    $s->wait_for(sub { substr($s->text('error.log'), $seen)
                       =~ /stands still for \d+ ms in task "$name"/ },
                 "$uri: for ever");
    pass("$uri: it is told");

    my ($worker) = $s->workers;
    kill 'KILL', $worker;
    $s->wait_for(sub { my ($w) = $s->workers; $w && $w != $worker }, 'a new worker');
}

is($s->get('/quick')->{status}, 200, 'and the next worker serves');
$s->stop('QUIT');
$s->check_log(qr/exited on signal 9/);

# not wanted; earlier

$s = TaskServer->start(conf(http => 'task_stall_log 0;'));
$s->get('/hold?ms=1300ms');
unlike($s->text('error.log'), qr/st[oa].*still/, 'task_stall_log 0');
$s->stop('QUIT');
$s->check_log;

$s = TaskServer->start(conf(http => 'task_stall_log 20ms;'));
$s->get('/hold?ms=30ms');
my ($ms) = $s->text('error.log') =~ /stood still for (\d+) ms in task/;
cmp_ok($ms // 0, '>=', 30, 'task_stall_log 20ms');
$s->stop('QUIT');
$s->check_log;

done_testing();
