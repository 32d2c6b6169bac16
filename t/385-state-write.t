#!/usr/bin/perl

# What is told of jobs whose state file is slow, cannot be written, is another
# one's or is gone.

use strict;
use warnings;

use JSON::PP;
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep time);

use TaskState;

plan skip_all => 'a sanitizer, and strace' if $ENV{TEST_NGINX_SANITIZER};
plan skip_all => 'strace cannot be used'
    if system('sleep 1 & strace -o /dev/null -p $! >/dev/null 2>&1');

my ($s, $r, $id, @ids);

# starts one with a file on a disk that has no room for a copy of it

sub crowded {
    my ($fsync) = @_;

    my $dir = disk($fsync, '64m') or return;
    $s = state_server(fsync => $fsync, workers => 2, file => "$dir/state");
    $s->{state} = "$dir/state";
    ended($s, $_) for map submit($s, '/cat', body => 'x' x 60_000), 1 .. 10;
    sleep 0.3;
    my $size = int((-s $s->{state}) / 1024) + 100;
    resize($dir, "${size}k");

    return $dir;
}

# seconds of the processors that the workers have had

sub cpu {
    my ($s) = @_;

    my $n = 0;

    for ($s->workers) {
        open my $in, '<', "/proc/$_/stat" or next;
        my @stat = split ' ', <$in> =~ s/.*\)//r;
        $n += $stat[11] + $stat[12];
    }

    return $n / POSIX::sysconf(POSIX::_SC_CLK_TCK());
}

# --- a request that is sent again while its first one waits for the file ----------

SKIP: {
    $s = state_server(fsync => 'always', workers => 1);
    submit($s, '/sleep?duration=1ms');
    my ($worker) = $s->workers;
    my $strace = inject($s, $worker, 'fdatasync', 'delay_enter=1000000')
        or skip 'strace cannot be used', 1;
    my %key = (headers => "Idempotency-Key: a\r\n");
    my $first = $s->open('/sleep?duration=1ms', %key);
    my $start = time();
    sleep 0.3;
    $id = submit($s, '/sleep?duration=1ms', key => 'a');
    cmp_ok(time() - $start, '>', 0.9, 'the second one waits for the disk, too');
    like($id, qr/^\w{32}$/, 'and has its 202');
    $r = $s->read($first);
    is(decode_json($r->{body})->{id}, $id, 'of the same job');
    leave($strace);
    is(ended($s, $id)->{state}, 'done', 'which is run');

    # a write that fails, late: so the second one comes before

    $strace = inject($s, $worker, 'pwritev', 'error=ENOSPC:delay_exit=700000')
        or skip 'strace cannot be used', 1;
    $first = $s->open('/one?duration=1ms', headers => "Idempotency-Key: b\r\n");
    sleep 0.2;
    my $second = $s->open('/one?duration=1ms', headers => "Idempotency-Key: b\r\n");
    my @r = $s->read_all([ $first, $second ], 20);
    is(join(' ', map $_->{status}, @r), '503 503', 'neither is told of a job that is not kept');
    is(submit($s, '/sleep?duration=1ms', key => 'a'), $id, 'one that is kept is told of');
    leave($strace);
    $s->wait_for(sub { submit($s, '/sleep?duration=1ms') =~ /^\w{32}$/ }, 'room');
    $s->stop;
    $s->check_log('it cannot be written|its copy cannot be written');
}

# --- a copy that has no room: what it had of a job the file lacks ------------------

SKIP: {
    my $dir = disk('copy', '64m') or skip 'no file system can be mounted here', 1;
    $s = state_server(workers => 1, file => "$dir/state");
    $s->{state} = "$dir/state";
    ended($s, $_) for map submit($s, '/cat', body => 'x' x 50_000), 1 .. 8;
    ended($s, $_) for map submit($s, '/sleep?duration=1ms'), 1 .. 40;
    my $run = submit($s, '/one?duration=60s');
    wait_state($s, 'running', $run);

    SKIP: {
        my $strace = inject($s, $s->workers, 'pwritev', 'delay_enter=40000')
            or skip 'strace cannot be used', 1;

        for (1 .. 40) {
            last if -e "$s->{state}.new";
            $id = submit($s, '/cat', body => 'y' x 400_000);
            ended($s, $id);
            $s->get("/jobs/$id?forget=1", method => 'DELETE');
        }

        $s->wait_for(sub { (-s "$s->{state}.new" // 0) > 400_000 }, 'a copy');
        my $size = int(((-s $s->{state}) + (-s "$s->{state}.new")) / 1024) + 150;
        resize($dir, "${size}k");

        # it comes when others before it are copied, and is at the end

        my $body = '{"duration":"1ms","status":"' . 'x' x 300_000 . '"}';
        my $c = $s->open('/one', method => 'POST', body => $body, headers =>
                         'Content-Length: ' . length($body) . "\r\n"
                         . "Content-Type: application/json\r\n");
        $s->wait_for(sub { $s->text('error.log') =~ /its copy cannot be written/ },
                     'the end of the copy');
        $r = $s->read($c, 20);
        leave($strace);
        is($r->{status}, 202, 'a job that came while the file was copied');
        $id = decode_json($r->{body})->{id};
        kill_all($s);
        resize($dir, '64m');
        $s->start;
        wait_loaded($s);
        is(ended($s, $id)->{state}, 'done', 'is there with its input');
    }

    $s->stop;
    $s->check_log('is lost$|its copy cannot be written');
}

# --- a file that is another nginx's still, and does not have what is accepted ----------

for my $how ('QUIT', 'TERM') {
    $s = state_server(workers => 1, server => '
        location = /turn { task tell; task_mode thread=four; task_limit running=1 queue=100; }');
    $s->stop;
    my $lock = lock_state($s);
    $s->start;
    my $tell = "/turn?file=$s->{told}";
    my $ms = $how eq 'QUIT' ? '300ms' : '2s';
    @ids = map submit($s, "$tell&n=$_&ms=$ms"), 1 .. 3;
    like($_, qr/^\w{32}$/, "$how: a job is accepted") for @ids;
    wait_state($s, 'running', $ids[0]);
    $s->stop($how);
    is(join(' ', sort keys %{ told($s) }), $how eq 'QUIT' ? '1 2 3' : '1',
       "$how: " . ($how eq 'QUIT' ? 'those that wait are run' : 'they are not run'));
    is(scalar(() = $s->text('error.log') =~ /2 jobs wait in .* that its state file lacks are gone/g),
       $how eq 'QUIT' ? 0 : 1, "$how: the log tells if any is gone");
    $s->check_log('is lost$');
}

{
    $s = state_server(fsync => 'always', workers => 1);
    $s->stop;
    my $lock = lock_state($s);
    $s->start;
    like(submit($s, '/sleep?duration=1ms'), qr/^503 /, 'always: a job is refused');
    like($s->text('error.log'), qr/a job is refused as long as the state file of .* is not read/,
         'and the log tells why');
    unlike($s->text('error.log'), qr/cannot be written/, 'and nothing else');
    $s->stop;
    $s->check_log;
}

# --- what is done, but cannot be kept ------------------------------------------------

SKIP: {
    my $dir = disk('done', '64m') or skip 'no file system can be mounted here', 1;
    $s = state_server(workers => 1, file => "$dir/state", server => '
        location /list/ { task_jobs zone=jobs list=on; }');
    $s->{state} = "$dir/state";
    my $failed = submit($s, '/cat', body => 'x' x 200_000);
    ended($s, $failed);
    my $run = submit($s, '/one?duration=60s');
    wait_state($s, 'running', $run);
    my $wait = submit($s, '/one?duration=1ms');
    sleep 1;

    SKIP: {
        my $strace = inject($s, $s->workers, 'pwritev', 'error=ENOSPC')
            or skip 'strace cannot be used', 1;
        for my $uri ("/jobs/$wait", "/jobs/$failed?forget=1") {
            $r = $s->get($uri, method => 'DELETE');
            is($r->{status}, 503, 'a DELETE that cannot be kept');
            like($r->{body}, qr/It is done, but the state file cannot be written/, 'says so');
        }
        is(poll($s, $wait)->{state}, 'cancelled', 'it is done');
        leave($strace);
        $s->wait_for(sub { $s->text('error.log') =~ /can be written again/ }, 'room');
    }

    $s->stop('TERM');
    $s->start;
    wait_loaded($s);
    is(poll($s, $wait)->{state}, 'cancelled', 'and kept, as soon as it can be');
    $s->stop;
    $s->check_log('it cannot be written|is lost$');
}

# --- a pass that fails: what it had written of others is taken back ----------------

SKIP: {
    my $dir = disk('pass', '64m') or skip 'no file system can be mounted here', 1;
    $s = state_server(workers => 1, file => "$dir/state", server => '
        client_body_buffer_size 1m;
        location = /turn { task tell; task_mode thread=four; task_limit running=1 queue=100; }');
    $s->{state} = "$dir/state";
    my $tell = "/turn?file=$s->{told}";
    my $run = submit($s, "$tell&n=1&ms=60s");
    wait_state($s, 'running', $run);
    my $first = submit($s, "$tell&n=2");
    sleep 1;

    SKIP: {
        my $strace = inject($s, $s->workers, 'pwritev', 'delay_enter=700000')
            or skip 'strace cannot be used', 1;
        my $size = int((-s $s->{state}) / 1024) + 100;
        resize($dir, "${size}k");

        # both come while another one is written

        my @c = $s->open("$tell&n=3");
        sleep 0.1;
        push @c, $s->open("$tell&n=4");
        sleep 0.05;
        push @c, $s->open('/cat', method => 'POST', body => 'x' x 300_000,
                          headers => "Content-Length: 300000\r\n");
        my @r = $s->read_all(\@c);
        is(join(' ', map $_->{status}, @r), '202 503 503', 'all that wait for a pass are refused');
        kill_all($s);
        leave($strace);
        resize($dir, '64m');
        $s->start;
        wait_loaded($s);
        $s->wait_for(sub { my $t = told($s); $t->{2} && $t->{3} }, 'those that were accepted');
        sleep 0.3;
        is(told($s)->{4}, undef, 'and do not run after a start');
    }

    $s->stop;
    $s->check_log('it cannot be written|is lost$');
}

# --- jobs that cannot be claimed, as that has no room: they wait, and so do the workers ----

for my $workers (1, 2) {
    my $dir = disk("claim$workers", '64m') or last;
    $s = state_server(fsync => 'always', workers => $workers, file => "$dir/state", server => '
        client_body_buffer_size 1m;
        location = /two { task sleep; task_background on zone=jobs queue=two;
                          task_limit running=1 queue=100; }');
    $s->{state} = "$dir/state";
    my @run = map { my $uri = $_; map submit($s, "$uri?duration=3s"), 1 .. $workers }
              '/one', '/two';
    wait_state($s, 'running', @run);
    my $large = '{"duration":"1ms","status":"' . 'x' x 60_000 . '"}';
    my @wait = map { my $uri = $_; map submit($s, $uri, body => $large), 1 .. 3 } '/one', '/two';
    resize($dir, int((-s $s->{state}) / 1024) + 24 . 'k');
    like(submit($s, '/cat', body => 'x' x 300_000), qr/^503 /, 'the disk is full');
    wait_state($s, 'done', @run);

    # a small record has room still, and the one with the input not

    my $cpu = cpu($s);
    sleep 3;
    cmp_ok(cpu($s) - $cpu, '<', 0.5 + 0.5 * $workers, "$workers: no worker tries again and again");
    is(poll($s, $_)->{state}, 'queued', 'a job waits') for @wait;
    my $lines = () = $s->text('error.log') =~ /state file ".*": /g;
    is($lines, 1, 'and the log tells of the disk once');
    resize($dir, '64m');
    is(ended($s, $_)->{state}, 'done', 'it is run when there is room') for @wait;
    $s->stop;
    $s->check_log('it cannot be written|its copy cannot be written');
}

# --- fsync of a reload holds for the file, whoever writes it ----------------------

SKIP: {
    $s = state_server(fsync => 'everysec', workers => 1);
    my $run = submit($s, '/sleep?duration=60s');
    wait_state($s, 'running', $run);
    my ($old) = writers($s);
    my $strace = inject($s, $old, 'fdatasync', 'delay_enter=700000')
        or skip 'strace cannot be used', 1;
    $s->reload(state_conf(%{$s->{options}}, told => $s->{told}, fsync => 'always'));
    is(join(' ', writers($s)), $old, 'always: the old worker writes');
    my $start = time();
    like(submit($s, '/sleep?duration=1ms'), qr/^\w{32}$/, 'a job');
    cmp_ok(time() - $start, '>', 0.6, 'has its 202 when the disk has it');
    leave($strace);
    $s->get("/jobs/$run", method => 'DELETE');
    $s->stop;
    $s->check_log('is lost$');
}

# --- everysec: the disk has it within a second, though there is no room for a copy -----

SKIP: {
    crowded('everysec') or skip 'no file system can be mounted here', 1;
    my ($writer) = writers($s);
    my $strace = inject($s, $writer, 'fdatasync', 'error=EIO')
        or skip 'strace cannot be used', 1;
    submit($s, '/sleep?duration=1ms');
    $s->wait_for(sub { $s->text('error.log') =~ /its copy cannot be written/ }, 'no copy');
    leave($strace);
    my $trace = "$s->{root}/trace";
    $strace = inject($s, $writer, 'fdatasync', 'delay_enter=1', $trace)
        or skip 'strace cannot be used', 1;
    like(submit($s, '/sleep?duration=1ms'), qr/^\w{32}$/, 'everysec: a job');
    ok($s->wait_for(sub { local (@ARGV, $/) = $trace; (<> // '') =~ /fdatasync/ }, 'a sync', 5),
       'is synced');
    leave($strace);
    $s->stop;
    $s->check_log('its copy cannot be written|fdatasync\(\) failed');
}

# --- always: who leaves in order leaves no doubt: the next one writes, without a copy -----

SKIP: {
    my $dir = crowded('always') or skip 'no file system can be mounted here', 1;
    for (1, 2) {
        my ($writer) = writers($s);
        kill 'QUIT', $writer;
        $s->wait_for(sub { !alive($writer) }, 'the writer to be gone');
        like($id = submit($s, '/one?duration=1ms'), qr/^\w{32}$/, 'always: a job');
        is(ended($s, $id)->{state}, 'done', 'that runs');
    }
    unlike($s->text('error.log'), qr/its copy/, 'there was no copy');
    sleep 1;
    kill_all($s);
    resize($dir, '64m');
    $s->start;
    wait_loaded($s);
    is(poll($s, $id)->{state}, 'done', 'and is there after a start');
    $s->stop;
    $s->check_log('is lost$');
}

# --- a long copy is written to the disk bit by bit, not by its last sync ---------------

SKIP: {
    $s = state_server(workers => 1, zone => 'jobs:32m', fsync => 'no');
    ended($s, $_) for map submit($s, '/cat', body => 'x' x 900_000), 1 .. 12;
    sleep 0.3;
    my $trace = "$s->{root}/trace";
    my $strace = inject($s, $s->{pid}, 'fdatasync', 'delay_enter=1', $trace)
        or skip 'strace cannot be used', 1;
    kill 'KILL', $s->workers;
    ok($s->wait_for(sub {
        local (@ARGV, $/) = $trace;
        return 2 <= (() = (<> // '') =~ /fdatasync\(/g);
    }, 'the copy', 10), 'a copy of 10 MB is synced twice before it ends');
    leave($strace);
    $s->stop;
    $s->check_log('exited on signal 9');
}

# --- a file that is removed while nobody writes to it ------------------------------------

for my $fsync ('always', 'everysec', 'no') {
    for my $how ('idle', 'reload') {
        $s = state_server(fsync => $fsync, workers => 1);
        my $done = submit($s, '/sleep?duration=1ms');
        ended($s, $done);
        my $run = submit($s, '/one?duration=60s');
        wait_state($s, 'running', $run);
        $id = submit($s, '/one?duration=1ms');
        sleep 0.3;
        unlink $s->{state} or die;
        $s->reload if $how eq 'reload';
        my $kept = $s->wait_for(sub { (-s $s->{state} // 0) > 500 }, 'the file', 10);
        ok($kept, "$fsync, $how: it is made anew");
        is(poll($s, $done)->{state}, 'done', "$fsync, $how: all goes on");
        ended($s, $id) if $how eq 'reload';
        kept($s);
        kill_all($s);
        $s->start;
        wait_loaded($s);
        is(poll($s, $done)->{state}, 'done', "$fsync, $how: what had ended is back");
        is(ended($s, $id)->{state}, 'done', "$fsync, $how: and what waited");
        $s->stop;
        $s->check_log('it was removed, it will be copied|is lost$');
    }
}

# --- a reload with another size: none of the old workers has to hurry --------------------

$s = state_server(workers => 2, fsync => 'everysec', server => '
    location = /turn { task tell; task_mode thread=four; task_limit running=1 queue=100; }');
my @jobs = map submit($s, "/turn?file=$s->{told}&n=$_&ms=3s"), 1, 2;
wait_state($s, 'running', @jobs);
my ($first) = writers($s);
my ($second) = grep $_ != $first, $s->workers;
$s->reload(state_conf(%{$s->{options}}, told => $s->{told}, zone => 'jobs:3m'));
freeze($s, $second);
$s->wait_for(sub { !alive($first) }, 'the first one to be gone');
ok($s->wait_for(sub { $s->text('error.log') =~ /process $second has it/ }, 'it', 5),
   'the log tells who has jobs of it');
kill 'CONT', $second;
wait_loaded($s);
is(poll($s, $_)->{state}, 'done', 'a job of an old worker') for @jobs;
my $ran = told($s);
is("$ran->{1} $ran->{2}", '1 1', 'has run once');
$s->stop;
$s->check_log('process \d+ has it');

# --- an upgrade that is taken back -----------------------------------------------------------

$s = state_server(alone => 1, fsync => 'always', main => 'env LD_PRELOAD; env ASAN_OPTIONS;
                  env UBSAN_OPTIONS;', server => '
    location = /turn { task tell; task_mode thread=four; task_limit running=1 queue=100; }', options => 'attempts=3');
my $tell = "/turn?file=$s->{told}";
my $done = submit($s, '/sleep?duration=1ms', key => 'done');
ended($s, $done);
my @run = map submit($s, "$tell&n=1$_&ms=2s"), 1, 2;
wait_state($s, 'running', @run);
my @wait = map submit($s, "$tell&n=$_", key => "wait$_"), 1 .. 3;

my ($old, $new) = upgrade($s);
wait_loaded($s);
is(ended($s, $_)->{state}, 'done', 'the new one runs what waited') for @wait;
my $later = submit($s, "$tell&n=20", key => 'later');
is(ended($s, $later)->{state}, 'done', 'and what it has accepted');

# one that still runs when the other worker has left

my @long = map submit($s, "$tell&n=4$_&ms=3s"), 1, 2;
wait_state($s, 'running', @long);
my ($leaves) = writers($s);
my ($stays) = grep $_ != $leaves, $s->workers;

kill 'CONT', $old;
$s->{pid} = $old;
$s->wait_for(sub { 3 == $s->workers },
             'other workers of the old one');
sleep 0.3;
freeze($s, $stays);
kill 'QUIT', $new;
$s->wait_for(sub { !alive($leaves) }, 'the writer to be gone');
ok($s->wait_for(sub { $s->text('error.log') =~ /process $stays has it/ }, 'it', 5),
   'the old one waits for the worker that still has a job');
kill 'CONT', $stays;
$s->wait_for(sub { !alive($new) }, 'the new one to be gone');
wait_loaded($s);
$s->wait_for(sub { submit($s, "$tell&n=30") =~ /^\w{32}$/ }, 'the old one to accept');
is(poll($s, $_)->{state}, 'done', 'the old one has how they have ended') for @wait, @run;
is(poll($s, $later)->{state}, 'done', 'and what was accepted meanwhile');
is(join(' ', @{ poll($s, $_) }{'state', 'attempt'}), 'done 1',
   'what ran when the new one was told to quit') for @long;
is(submit($s, "$tell&n=20", key => 'later'), $later, 'with its key');
is(poll($s, $done)->{state}, 'done', 'and what it had itself');
like($s->text('error.log'), qr/was written by another nginx since/, 'the log tells');
sleep 0.5;
my $told = told($s);
is(join(' ', grep $told->{$_} != 1, sort grep $_ != 30, keys %$told), '', 'none has run twice');
is(scalar(grep $_ != 30, keys %$told), 8, 'all have run');
kill 'QUIT', $old;
$s->wait_for(sub { !alive($old) }, 'its end');
$s->check_log;

done_testing();
