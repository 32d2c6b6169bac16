#!/usr/bin/perl

# How the state file of a zone of jobs is read: what has room, what is wrong in
# it, and who else has it.

use strict;
use warnings;

use JSON::PP;
use Test::More;
use Time::HiRes qw(sleep time);

use TaskState;

my ($s, $r, $id, @ids, $lock, $run);

sub bytes {
    my ($file) = @_;

    local (@ARGV, $/) = $file;
    return scalar <>;
}

sub places {
    my ($s, $what) = @_;

    my $status = decode_json($s->get('/status')->{body});
    my ($zone) = grep $_->{name} eq 'jobs', @{$status->{jobs}};

    return $zone->{$what // 'places'};
}

# started with other options; "file": the file is not waited for

sub again {
    my ($s, %o) = @_;

    $s->{options} = { %{$s->{options}}, %o };
    $s->write_conf(TaskState::state_conf(%{$s->{options}}, told => $s->{told}));
    $s->start;
    wait_loaded($s) if !$o{file};
}

sub log_like {
    my ($s, $like, $what) = @_;

    ok($s->wait_for(sub { $s->text("error.log") =~ $like }, $what, 15), $what);
}

# the log tells a moment before

sub refuses {
    my ($s) = @_;

    return $s->wait_for(sub { submit($s, '/sleep?duration=1ms') =~ /^503 / }, 'a 503');
}

# n jobs that wait, behind one that runs

sub wait_in_file {
    my ($s, $n, %o) = @_;

    my $run = submit($s, '/one?duration=60s');
    wait_state($s, 'running', $run);
    my @wait = map submit($s, '/one', %o, key => "wait-$_",
                          body => '{"duration":"1ms","status":"' . ($o{body} // '') . "$_\"}"),
                   1 .. $n;
    $s->stop('TERM');

    return @wait;
}

# --- a zone that is full of ended jobs -----------------------------------------------

$s = state_server(workers => 1, zone => 'jobs:1m');
my @wait = wait_in_file($s, 30);

$lock = lock_state($s);
$s->start;
for (1 .. 2000) {
    my $p = places($s);
    last if $p->{used} == $p->{total};
    $r = submit($s, "/sleep?duration=0ms&status=$_");
    ended($s, $r);
}
my $p = places($s);
is($p->{used}, $p->{total}, 'ended jobs have all places of the zone');
close $lock;
wait_loaded($s);
is(scalar(grep ended($s, $_)->{state} eq 'done', @wait), 30, 'what waited has room all the same');
is(poll($s, $r)->{state}, 'done', 'the newest that have ended are kept');
like($s->text('error.log'), qr/: 30 jobs are back/, 'nothing else is');
$s->stop;
$s->check_log;

# --- a zone that is too small for what waits -------------------------------------------

$s = state_server(workers => 1, zone => 'jobs:8m');
@wait = wait_in_file($s, 1200);
my $was = bytes($s->{state});

again($s, zone => 'jobs:1m', file => 'jobs.state');
log_like($s, qr/\[crit\].* the 1200 jobs that wait in it have no room in task_job_zone "jobs", /,
         'a zone that is too small says so');
ok(refuses($s), 'no job is accepted');
is(poll($s, $wait[0])->{state}, '503', 'none is said to be gone');
sleep 5.5;
is(() = $s->text('error.log') =~ /have no room/g, 1, 'it says so once') or diag($s->text('error.log'));
$s->stop;
ok(bytes($s->{state}) eq $was, 'the file is as it was');

again($s, zone => 'jobs:8m', file => undef);
is(scalar(grep ended($s, $_)->{state} eq 'done', @wait[0, 1, 600, -1]), 4,
   'in a larger one all are there');
$s->stop;
$s->check_log('have no room');

# one that has places, but not the blocks, while other jobs wait in it

$s = state_server(workers => 1, zone => 'jobs:16m');
$run = submit($s, '/one?duration=60s');
wait_state($s, 'running', $run);
@wait = map submit($s, '/one', body => '{"duration":"1ms","status":"' . $_ x 2000 . '"}'), 1 .. 9;
push @wait, map submit($s, '/one', body => '{"duration":"1ms","status":"' . $_ x 60_000 . '"}'),
            1 .. 9;
$s->stop('TERM');
$was = bytes($s->{state});

$lock = lock_state($s);
again($s, zone => 'jobs:1m', file => 'jobs.state');
$run = submit($s, '/one?duration=700ms');
wait_state($s, 'running', $run);
my @new = map submit($s, "/one?duration=1ms&status=new-$_"), 1 .. 20;
close $lock;
log_like($s, qr/the 18 jobs that wait in it have no room/, 'blocks are too few');
is(scalar(grep ended($s, $_)->{state} eq 'done', $run, @new), 21, 'what waits in the zone goes on');
is(poll($s, $_)->{state}, '503', 'what is in the file does not') for @wait[0, -1];
$s->stop;
ok(bytes($s->{state}) eq $was, 'the file is as it was');

again($s, zone => 'jobs:16m', file => undef);
@ids = map ended($s, $_)->{result}{status}, @wait;
is(join(' ', map length, @ids), join(' ', (2000) x 9, (60_000) x 9), 'all are done in a larger one');
$s->stop;
$s->check_log('have no room');

# --- records of a newer version, and damage ----------------------------------------------

# the same record, but for its first four bytes, which are its version, and its
# checksums, which begin with the seed of the file

sub sum {
    my ($sum, $bytes) = @_;

    for my $byte (unpack 'C*', $bytes) {
        $sum ^= $byte;
        $sum = $sum & 1 ? ($sum >> 1) ^ 0xedb88320 : $sum >> 1 for 1 .. 8;
    }

    return $sum;
}

sub change_record {
    my ($file, $n, $change) = @_;

    my $bytes = bytes($file);
    my $at = 32;

    # a head: mark, length, type, checksum of the bytes, checksum of the head

    $at += 20 + unpack 'L', substr $bytes, $at + 4, 4 for 1 .. $n;
    my ($mark, $length) = unpack 'LL', substr $bytes, $at, 8;
    my $record = substr $bytes, $at + 20, $length;
    $change->($record);
    my $head = substr($bytes, $at, 12) . pack 'L', sum($mark, $record);
    substr $bytes, $at, 20 + $length, $head . pack('L', sum($mark, $head)) . $record;
    open my $out, '>', $file or die;
    print $out $bytes;
    close $out;

    return $bytes;
}

$s = state_server(workers => 1);
@ids = map submit($s, "/sleep?duration=1ms&status=$_"), 1 .. 5;
ended($s, $_) for @ids;
$s->stop;
$was = bytes($s->{state});

my $newer = change_record($s->{state}, 2, sub { substr $_[0], 0, 4, pack 'L', 99 });
again($s, file => 'jobs.state');
log_like($s, qr/\[crit\].* a newer version of the module has written to it, it is left as it is/,
         'records of a newer version');
is(poll($s, $ids[0])->{state}, 503, 'nothing is said to be gone');
ok(refuses($s), 'no job is accepted');
$s->stop;
ok(bytes($s->{state}) eq $newer, 'the file is as it was');
ok(!-e "$s->{state}.bad", 'no other is made');

# one that nobody has written; and damage between records

my $wrong = change_record($s->{state}, 2, sub { substr $_[0], 0, 4, pack 'L', 0 });
again($s, file => undef);
log_like($s, qr/1 records are malformed/, 'a record is malformed');
log_like($s, qr/what it was is kept as "\Q$s->{state}.bad"/, 'the file is kept');
ok(bytes("$s->{state}.bad") eq $wrong, 'it is that');
cmp_ok(scalar(grep poll($s, $_)->{state} eq 'done', @ids), '>=', 4, 'the other jobs are there');
$s->stop;

my $damaged = bytes($s->{state});
substr $damaged, 200, 3, "\xff" x 3;
open my $out, '>', $s->{state} or die;
print $out $damaged;
close $out;
again($s);
log_like($s, qr/is damaged: \d+ bytes in 1 places/, 'damage');
$s->stop;
ok(bytes("$s->{state}.bad") eq $damaged, 'is kept in place of what was kept before');

# a file of others is left alone

unlink "$s->{state}.bad";
open $out, '>', "$s->{state}.bad" or die;
print $out 'mine';
close $out;
$damaged = bytes($s->{state});
substr $damaged, 200, 3, "\xff" x 3;
open $out, '>', $s->{state} or die;
print $out $damaged;
close $out;
again($s);
log_like($s, qr/"\.bad" behind it is no former one/, 'a file of others is told');
is(bytes("$s->{state}.bad"), 'mine', 'and left alone');
$s->stop;
$s->check_log('a newer version of the module|is no former one');

# --- a start writes each job once; a list is none before --------------------------------------

sub records {
    my ($file) = @_;

    my ($bytes, $at, $n) = (bytes($file), 32, 0);

    for ( ; $at < length $bytes; $n++) {
        $at += 20 + unpack 'L', substr $bytes, $at + 4, 4;
    }

    return $n;
}

my $ops = 'location /ops/ { task_jobs zone=jobs list=on; }
           location = /fails { task command program=/bin/false; }';

$s = state_server(server => $ops);
@ids = map submit($s, "/sleep?duration=1ms&status=$_"), 1 .. 50;
ended($s, $_) for @ids;
$s->stop;

$lock = lock_state($s);
$s->start;
$r = $s->get('/ops/');
is($r->{status}, 503, 'a list before the file is read');
like($r->{headers}, qr/^Retry-After: 1\r?$/m, 'it will be there');
close $lock;
wait_loaded($s);
is(scalar @{ decode_json($s->get('/ops/?limit=100')->{body})->{jobs} }, 50, 'then it is');
sleep 0.5;
is(records($s->{state}), 50, 'each job is written once');
$s->stop;
is(records($s->{state}), 50, 'also at the end');
$s->check_log;

# --- who else has the file ---------------------------------------------------------------------

$s = state_server(workers => 2);
$s->stop;
$lock = lock_state($s);
$s->start;
log_like($s, qr/\[warn\].* process $$ has it, task_job_zone "jobs" waits until that has ended/,
         'the log tells which process has the file');
sleep 1.5;
is(() = $s->text('error.log') =~ /has it,/g, 1, 'not again and again');
close $lock;
wait_loaded($s);
$s->stop;
is(() = $s->text('error.log') =~ /has it,/g, 1, 'and no more when it is there');

# the same file by two paths

my $root = $s->{root};
mkdir "$root/dir";
symlink "$root/dir", "$root/link";
for (['dir/a', 'dir/./a'], ['dir/a', 'link/a'], ['link/a.new', 'dir/a'], ['dir/a', 'link/a.bad']) {
    my ($ok, $said) = $s->test_conf(
        http => "task_job_zone jobs:4m state=$_->[0]; task_job_zone more:4m state=$_->[1];",
        server => 'location /jobs/ { task_jobs zone=jobs; }');
    ok(!$ok, "@$_: one file for two zones");
    like($said, qr/"\Q$root\E\/\Q$_->[1]\E" is that of zone "jobs", .*nginx\.conf:\d+/, 'which it says');
}
my ($ok, $said) = $s->test_conf(
    http => "task_job_zone jobs:4m state=dir/a; task_job_zone more:4m state=a;",
    server => 'location /jobs/ { task_jobs zone=jobs; }');
ok($ok, 'the same name in two directories') or diag($said);
$s->check_log;

# another file by a reload, with another size

$s = state_server();
$id = submit($s, '/sleep?duration=1ms');
ended($s, $id);
for ('other.state', undef) {
    my %other = state_conf(%{$s->{options}}, told => $s->{told}, zone => 'jobs:9m',
                           file => $_ // 'no.state');
    $other{http} =~ s/state=no.state // if !$_;
    my $n = () = $s->text('error.log') =~ /cannot be changed by a reload/g;
    $s->write_conf(%other);
    $s->signal('HUP');
    ok($s->wait_for(sub { $n < (() = $s->text('error.log') =~ /cannot be changed by a reload/g) },
                    'a refusal', 10), 'a file cannot be changed, whatever the size');
}
is(poll($s, $id)->{state}, 'done', 'all goes on');
$s->stop;
$s->check_log('cannot be changed by a reload');

# --- a worker that is killed while it reads the file ---------------------------------------------

$s = state_server(workers => 2, zone => 'jobs:128m', max => '8m');
my @larges = map submit($s, '/sleep', body => '{"duration":"1ms","status":"' . $_ x 7_000_000 . '"}'),
             1 .. 6;
ended($s, $_) for @larges;
$s->stop;
my ($turns, $early) = (30, 0);

for my $turn (1 .. $turns) {
    $s->start;
    my $at = time() + 0.004 * $turn;
    my $writer;
    while (!$writer && time() < $at) {
        for my $pid ($s->workers) {
            $writer = $pid if grep { (readlink($_) // '') eq $s->{state} } glob "/proc/$pid/fd/*";
        }
    }
    sleep $at - time() if $at > time();
    $early++ if $writer && $s->get("/jobs/$larges[-1]")->{status} == 503;
    kill_pids($s, $writer) if $writer;
    wait_loaded($s);
    last if $turn == $turns || $turn >= 10 && $early;
    kill_all($s);
}

is(join(' ', map length poll($s, $_)->{result}{status}, @larges), join(' ', (7_000_000) x 6),
   'killed while the file is read: all is there');
cmp_ok($early, '>', 0, 'it was killed before it had read all');
diag("$early were killed early");
$s->get("/jobs/$_?forget=1", method => 'DELETE') for @larges;
is(places($s, 'blocks')->{used}, 0, 'no memory is left behind');
$s->stop;
$s->check_log('exited on signal 9|is lost$');

# --- which inputs of jobs that failed go first -------------------------------------------------

$s = state_server(server => $ops, zone => 'jobs:1m', workers => 1);
my @failed;
for (1 .. 5) {
    push @failed, submit($s, '/fails', body => $_ x 60_000);
    is(ended($s, $failed[-1])->{state}, 'failed', 'a job fails');
    sleep 0.01;
}
sleep 0.2;
$s->stop;
$s->start;
wait_loaded($s);
is(ended($s, submit($s, '/cat', body => 'x' x 100_000))->{state}, 'done', 'another needs room');
my @retry = map $s->get("/ops/$_?retry=1", method => 'POST')->{status}, @failed;
is($retry[-1], 202, 'the one that failed last can be tried again');
is($retry[0], 410, 'the first one cannot');
is("@retry", join(' ', reverse sort @retry), 'in the order in which they have failed');
$s->stop;
$s->check_log;

# --- a file with jobs of more queues than a zone has -------------------------------------------

# as many queues as a configuration may have, besides those of its functions

sub queues {
    my ($name) = @_;

    return join "\n", map "location = /$name$_ { task sleep; task_limit running=1 queue=10;
                           task_background on zone=jobs queue=$name$_; }", 1 .. 60;
}

$s = state_server(workers => 1, fsync => 'everysec', server => queues('a'));
@ids = ();

for my $name ('a', 'b') {
    again($s, server => queues($name)) if $name eq 'b';
    for (1 .. 60) {
        submit($s, "/$name$_?duration=60s");
        push @ids, submit($s, "/$name$_?duration=1ms");
    }
    $s->wait_for(sub { !grep poll($s, $_)->{state} ne 'queued', @ids[-60 .. -1] }, 'them to wait');
    sleep 0.3;
    $s->stop('TERM');
}
is(scalar(grep /^\w{32}$/, @ids), 120, 'jobs wait in 120 queues');

$lock = lock_state($s);
again($s, server => queues('c'), file => 'jobs.state');
my @own = map submit($s, "/c$_?duration=1ms"), 1 .. 60;
is(ended($s, $own[-1])->{state}, 'done', 'those of other queues run before the file is read');
ended($s, $_) for @own;
close $lock;
log_like($s, qr/it has jobs of more queues than the 128 of a zone/, 'the log tells');
ok($s->wait_for(sub { submit($s, '/c1?duration=1ms') =~ /^503/ }, 'it'), 'no job is accepted');
$s->get("/jobs/$_?forget=1", method => 'DELETE') for @own;
wait_loaded($s);
is(scalar(grep poll($s, $_)->{state} eq 'queued', @ids), 120, 'with room for its queues it is read');
$s->stop('TERM');

for my $name ('b', 'a') {
    again($s, server => queues($name));
    my @mine = $name eq 'a' ? @ids[0 .. 59] : @ids[60 .. 119];
    is(scalar(grep ended($s, $_)->{state} eq 'done', @mine), 60, "then those of $name run");
    $s->stop('TERM');
}
$s->check_log('is lost$|more queues than');

# --- how long the mutex is held meanwhile ---------------------------------------------------

# many requests over one connection; each answer has a Content-Length

sub flood {
    my ($s, $uri, $n) = @_;

    my ($io, $text, $got) = (undef, '', 0);

    for (my $i = 0; $i < $n; $i += 100) {
        $io = $s->connect if $i % 1000 == 0;
        syswrite $io, "GET $uri HTTP/1.1\r\nHost: t\r\n\r\n" x 100;
        my $answers = 0;
        while ($answers < 100) {
            sysread $io, my $more, 65536 or last;
            $text .= $more;
            $answers++, $got += $1 == 202 while $text =~ s{^HTTP/1.1 (\d+).*?\r\n\r\n\{.*?\}\s*}{}s;
        }
        last if $answers < 100;
    }

    return $got;
}

SKIP: {
    skip 'the sanitizer is preloaded itself', 1 if $ENV{TEST_NGINX_SANITIZER};

    my $so = "$ENV{TEST_NGINX_SERVROOT}-$$-holds";
    system('gcc', qw(-O2 -shared -fPIC -o), "$so.so", 't/lib/holds.c', '-ldl') == 0
        or die "gcc: t/lib/holds.c\n";
    open my $holds, '>', $so or die "open $so: $!";
    syswrite $holds, "\0" x 16;

    my $n = 10_000;
    $s = state_server(workers => 1, zone => 'jobs:128m', main => 'env LD_PRELOAD; env HOLDS;',
                      max => '8m',
                      server => 'location = /many { task sleep; task_limit running=1 queue=100000; }
                                 location = /large { task sleep; task_limit running=1 queue=10; }');

    $run = submit($s, '/many?duration=60s');
    wait_state($s, 'running', $run);
    is(flood($s, '/many?duration=1h', $n), $n, 'many jobs wait');
    my $blocks = submit($s, '/large?duration=60s');
    wait_state($s, 'running', $blocks);
    my $large = submit($s, '/large', body => '{"duration":"1ms","status":"' . 'l' x 7_000_000 . '"}');
    like($large, qr/^\w{32}$/, 'and a large one');
    $s->stop('TERM');

    $lock = lock_state($s);
    local $ENV{LD_PRELOAD} = "$so.so";
    local $ENV{HOLDS} = $so;
    $s->start;
    $run = submit($s, '/many?duration=60s');
    wait_state($s, 'running', $run);
    is(flood($s, '/many?duration=1h', $n), $n, 'as many come before the file is read');
    close $lock;
    wait_loaded($s);
    my ($cpu, $time) = map $_ / 1e6, unpack 'q2', bytes($so);
    cmp_ok($cpu, '>', 0, 'the mutex was held');
    cmp_ok($cpu, '<', 1, 'never for more than a millisecond');
    diag(sprintf '%d jobs into %d: the mutex was held for %.3f ms of processor time at most, %.3f ms',
         $n, $n, $cpu, $time);
    is(length ended($s, $large)->{result}{status}, 7_000_000, 'the large one is whole');
    $s->stop('TERM');
    unlink $so, "$so.so";
    $s->check_log('is lost$');
}

done_testing();
