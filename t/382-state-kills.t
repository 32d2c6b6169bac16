#!/usr/bin/perl

# The state file under load, when processes are killed and the disk is full:
# nothing that was accepted is missing, and nothing runs twice.

use strict;
use warnings;

use JSON::PP;
use Test::More;
use Time::HiRes qw(sleep time);

use TaskState;

use constant LOAD => 800;

my ($s, $r, $id, @ids);

# requests over some connections, each of which sends the next one when it has
# an answer; returns { n => id } of those with a 202, when until() says so

sub load {
    my ($s, $n, $connections, $until) = @_;

    my (%c, %id, %status);
    my $select = IO::Select->new;
    my $to = time() + 30;

    my $send = sub {
        my ($io) = @_;

        $c{$io} = { n => ++$$n, text => '' };
        syswrite $io, "GET /tell?n=$$n&ms=" . int(rand 3) . "ms HTTP/1.1\r\nHost: t\r\n\r\n";
    };

    for (1 .. $connections) {
        my $io = $s->connect or next;
        $select->add($io);
        $send->($io);
    }

    while ($select->count && !$until->(scalar keys %id) && time() < $to) {

        for my $io ($select->can_read(0.01)) {
            my $c = $c{$io};

            if (!sysread $io, $c->{text}, 65536, length $c->{text}) {
                $select->remove($io);
                next;
            }

            next if $c->{text} !~ /\r\n\r\n.*\}/s;

            $status{$1}++ if $c->{text} =~ m{^HTTP/1.1 (\d+)};
            $id{$c->{n}} = $1 if $c->{text} =~ m{^HTTP/1.1 202.*"id":"(\w+)"}s;

            # as many as one wants to look at later; then it waits for the kill

            $c->{text} = '';
            $send->($io) if keys %id < LOAD;
        }
    }

    return (\%id, \%status);
}

sub none {
    my ($what, @wrong) = @_;

    is(scalar @wrong, 0, $what) or diag(join ' ', grep defined, @wrong[0 .. 9]);
}

# each that was accepted is known, and has run once, or says that it is lost

sub check {
    my ($s, $id, $what, $once) = @_;

    my %state;
    $state{$_} = ended($s, $id->{$_})->{state} for sort { $a <=> $b } keys %$id;
    my $told = told($s);

    none("$what: all are done, or lost", grep $state{$_} !~ /^(?:done|lost)$/, keys %state);
    none("$what: none has run twice", grep $told->{$_} > 1, keys %$told);
    none("$what: those that are done have run",
         grep $state{$_} eq 'done' && !$told->{$_}, keys %state);

    my $lost = grep $_ eq 'lost', values %state;
    diag(sprintf '%s: %d jobs, %d lost', $what, scalar keys %state, $lost);

    return $lost;
}

# --- all processes are killed, at any moment ---------------------------------------

for my $fsync ('always', 'everysec', 'no') {
    $s = state_server(fsync => $fsync, workers => 2, zone => 'jobs:32m');

    my ($n, %all, $lost) = (0);
    srand(42);

    for my $turn (1 .. 8) {
        my $end = time() + 0.005 + rand(0.08);
        my @pids = ($s->{pid}, $s->workers);
        my $killed;

        # what they had sent is read then

        my ($id, $status) = load($s, \$n, 16, sub {
            kill 'KILL', @pids if !$killed && time() > $end;
            $killed ||= time() > $end;
            return $killed && $_[0] >= LOAD;
        });
        $s->wait_for(sub { !grep alive($_), @pids[1 .. $#pids] }, 'the workers to be gone');
        kill_all($s);
        is(join(' ', grep $_ ne '202', keys %$status), '', "$fsync: all are accepted");
        $all{$_} = $id->{$_} for keys %$id;
        $s->start;
        wait_loaded($s);
    }

    cmp_ok(scalar keys %all, '>', 50, "$fsync: there are some");
    $lost = check($s, \%all, "$fsync: kills");
    cmp_ok($lost, '<=', 8 * 24, "$fsync: only those are lost that ran, or were about to");


    kept($s);
    kill_all($s);
    $s->start;
    wait_loaded($s);
    is(check($s, \%all, "$fsync: after all ends"), $lost, "$fsync: no end is lost later");
    $s->stop;
    $s->check_log('is lost$');
}

# --- the worker that writes is killed; another one goes on -----------------------------

for my $fsync ('always', 'everysec') {
    $s = state_server(fsync => $fsync, workers => 3, zone => 'jobs:32m');

    my ($n, %all) = (0);

    for my $turn (1 .. 6) {
        my $writer;

        # a copy may take its place just now

        ok($s->wait_for(sub { ($writer) = writers($s) }, 'one', 10),
           "$fsync: a worker has the file");
        my $kill = time() + 0.1 + rand(0.2);
        my $killed;
        my ($id, $status) = load($s, \$n, 12, sub {
            if (!$killed && time() > $kill) {
                kill 'KILL', $writer;
                $killed = time();
            }
            return $killed && time() > $killed + 0.5;
        });
        $all{$_} = $id->{$_} for keys %$id;
        is(join(' ', grep $_ ne '202', keys %$status), '', "$fsync: nothing is refused");
        $s->wait_for(sub { $s->workers == 3 }, 'three workers');
    }

    check($s, \%all, "$fsync: a writer that is killed");
    kill_all($s);
    $s->start;
    wait_loaded($s);
    check($s, \%all, "$fsync: and then all of them");
    $s->stop;
    $s->check_log('exited on signal 9|is lost$');
}

# --- a disk that is full ----------------------------------------------------------------

# a small file system, or, where none can be mounted, a small limit of files

sub limit {
    my ($s, $limit) = @_;

    system('prlimit', '--pid', $_, "--fsize=$limit:unlimited") == 0 or die 'prlimit'
        for $s->workers;
}

SKIP: {
    my $dir = ($ENV{TEST_NGINX_SERVROOT} // "$ENV{PWD}/t/servroot") . "-$$-disk";
    mkdir $dir or die "mkdir $dir: $!";
    my $mounted = !$> && !system("mount -t tmpfs -o size=1m tmpfs '$dir' 2>/dev/null");
    skip 'no file system can be mounted here, and there is no prlimit', 1
        if !$mounted && system('which prlimit >/dev/null 2>&1');

    for my $fsync ('always', 'everysec') {
        $s = state_server(fsync => $fsync, file => "$dir/$fsync.state", zone => 'jobs:8m');
        $s->{state} = "$dir/$fsync.state";
        $id = submit($s, '/sleep?duration=1ms');
        is(ended($s, $id)->{state}, 'done', "$fsync: a job before the disk is full");
        limit($s, 1048576) if !$mounted;

        @ids = map submit($s, '/cat', body => 'x' x 100_000), 1 .. 20;
        my @refused = grep /^503/, @ids;
        my @taken = grep !/^503/, @ids;
        cmp_ok(scalar @refused, '>', 5, "$fsync: those that have no room are refused");
        cmp_ok(scalar @taken, '>', 1, "$fsync: others are taken");
        like($refused[0], qr/^503/, "$fsync: by 503");
        my @crit = $s->text('error.log') =~ /^.*\[crit\].*it cannot be written.*$/mg;
        cmp_ok(scalar @crit, '>=', 1, "$fsync: the log tells");
        cmp_ok(scalar @crit, '<=', 4, "$fsync: not for each") or diag(@crit);
        ended($s, $_) for @taken;
        is(poll($s, $id)->{state}, 'done', "$fsync: what is known is told");

        my $status = decode_json($s->get('/status')->{body});
        my ($zone) = grep $_->{name} eq 'jobs', @{ $status->{jobs} // [] };
        my $begun = () = $s->text('error.log') =~ /that was refused, .* was claimed/g;
        cmp_ok($zone->{places}{used}, '<=', 1 + @taken + $begun, "$fsync: what was refused is gone");

        limit($s, 'unlimited') if !$mounted;
        system("mount -o remount,size=64m '$dir'") == 0 or die 'remount' if $mounted;
        $s->wait_for(sub { submit($s, '/sleep?duration=1ms') !~ /^503/ }, 'room');
        pass("$fsync: when there is room, all goes on");
        kept($s);
        kill_all($s);
        $s->start;
        wait_loaded($s);
        is(poll($s, $_)->{state}, 'done', "$fsync: a job that was taken") for $id, @taken[0, -1];
        $s->stop;
        unlink glob "$dir/*";
        system("mount -o remount,size=1m '$dir'") if $mounted;
        $s->check_log('it cannot be written|its copy cannot be written');
    }

    system("umount '$dir'") if $mounted;
    rmdir $dir;
}

# --- the file stays small ----------------------------------------------------------------

for my $fsync ('always', 'everysec') {
    $s = state_server(fsync => $fsync, zone => 'jobs:4m', workers => 3);
    my @kept = map submit($s, '/sleep?duration=1ms', key => "kept-$_",
                          body => '{"status":"' . $_ x 50_000 . '"}'), 1 .. 9;
    ended($s, $_) for @kept;
    my @run = map submit($s, '/one?duration=60s'), 1 .. 3;
    wait_state($s, 'running', @run);
    my $wait = submit($s, '/one', body => '{"duration":"1ms","status":"' . 'w' x 70_000 . '"}');
    my ($most, $n) = (0, 0);

    for my $turn (1 .. 150) {
        my $id = submit($s, '/cat', body => chr(65 + $turn % 26) x 200_000);
        ended($s, $id);
        $s->get("/jobs/$id?forget=1", method => 'DELETE');
        my $size = -s $s->{state} // 0;
        $n++ if $size < $most / 2;
        $most = $size if $size > $most || $size < $most / 2;
        kill_pids($s, ($s->workers)[$turn / 25 % 3]) if $turn % 50 == 49;
    }

    cmp_ok($n, '>=', 3, "$fsync: it is copied, again and again");
    cmp_ok(-s $s->{state}, '<', 12_000_000, "$fsync: and never large");
    is(scalar(grep poll($s, $_)->{state} eq 'done', @kept), 9, "$fsync: what is kept is");
    kept($s);
    kill_all($s);
    $s->start;
    wait_loaded($s);
    is(scalar(grep poll($s, $kept[$_ - 1])->{result}{status} eq $_ x 50_000, 1 .. 9), 9,
       "$fsync: and comes back");
    is(length ended($s, $wait)->{result}{status}, 70_000, "$fsync: so does what waits");
    $s->stop;
    $s->check_log('exited on signal 9|is lost$');
}

# --- a client that was told of a cancel ---------------------------------------------------

$s = state_server();
@ids = map submit($s, '/one?duration=60s'), 1 .. 2;
wait_state($s, 'running', @ids);
my @cancelled = map submit($s, '/one?duration=1ms'), 1 .. 20;
my @pids = ($s->{pid}, $s->workers);
$s->get("/jobs/$_", method => 'DELETE') for @cancelled;
kill 'KILL', @pids;
kill_all($s);
$s->start;
wait_loaded($s);
is(scalar(grep poll($s, $_)->{state} eq 'cancelled', @cancelled), 20,
   'what was cancelled does not run');
$s->stop;
$s->check_log('is lost$');

# --- a file that another process has for long -----------------------------------------------

$s = state_server(fsync => 'always');
$s->stop;
my $lock = lock_state($s);
$s->start;
my $start = time();
like(submit($s, '/sleep?duration=1ms'), qr/^503 /, 'always: a job waits for the file, not for ever');
cmp_ok(time() - $start, '>=', 4.9, 'it waits');
cmp_ok(time() - $start, '<', 20, 'some seconds');
my $c = $s->open('/sleep?duration=1ms');
sleep 0.2;
close $lock;
$r = $s->read($c);
is($r->{status}, 202, 'and is accepted when it is there') or diag($r->{body});
$s->stop;
$s->check_log;

# --- always: no 202 is sent before the disk has it ------------------------------------------

SKIP: {
    skip 'there is no strace', 1 if $ENV{TEST_NGINX_SANITIZER} || system('which strace >/dev/null 2>&1');

    $s = state_server(fsync => 'always', workers => 1);
    submit($s, '/sleep?duration=1ms');
    my ($worker) = $s->workers;
    my $trace = "$s->{root}/trace";
    my $pid = fork() // die;
    if (!$pid) {
        open STDERR, '>', "$s->{root}/strace.err";
        exec('strace', '-f', '-p', $worker, '-o', $trace, '-s', '40',
             '-e', 'trace=pwritev,pwrite64,writev,fdatasync')
            or POSIX::_exit(1);
    }
    if (!$s->wait_for(sub { local (@ARGV, $/) = "$s->{root}/strace.err"; (<> // '') =~ /attached/ },
                      'strace', 5))
    {
        kill 'TERM', $pid;
        waitpid $pid, 0;
        skip 'strace cannot be used', 1;
    }
    my @c = map $s->open('/sleep?duration=1ms'), 1 .. 50;
    $s->read_all(\@c);
    is(submit($s, '/sleep?duration=1ms') =~ /^\w{32}$/, 1, 'a job');
    kill 'TERM', $pid;
    waitpid $pid, 0;

    # of each that was told there was a record before the last sync had begun

    my ($written, $begun, $synced, $early, $told, $syncs) = (0) x 6;
    for (split /\n/, do { local (@ARGV, $/) = $trace; <> }) {
        $written++ if /pwritev?(?:64)?\(/;
        $begun = $written if /fdatasync\(/;
        if (/fdatasync/ && !/unfinished/) {
            $synced = $begun;
            $syncs++;
        }
        next unless m{HTTP/1.1 202};
        $told++;
        $early++ if $told > $synced;
    }
    is($told, 51, 'all are accepted');
    is($early, 0, 'none before its record is on the disk');
    cmp_ok($syncs, '>', 1, 'there are syncs');
    cmp_ok($syncs, '<', 3 * 51, 'many share one') or diag($syncs);
    diag("always: 51 jobs, $syncs syncs");
    $s->stop;
    $s->check_log;
}

# --- damage ------------------------------------------------------------------------------

$s = state_server();
@ids = map submit($s, "/sleep?duration=1ms&status=$_"), 1 .. 20;
ended($s, $_) for @ids;
$s->stop;
my $size = -s $s->{state};
open my $out, '>>', $s->{state} or die;
print $out "\0" x 100, 'torn';
close $out;
$s->start;
wait_loaded($s);
like($s->text('error.log'), qr/the last 104 bytes, from $size on, are no whole record/,
     'a torn tail is cut off, and the log tells');
is(scalar(grep poll($s, $_)->{state} eq 'done', @ids), 20, 'nothing is missing');
$s->stop;
$size = -s $s->{state};
open $out, '+<', $s->{state} or die;
seek $out, $size / 2, 0;
print $out "\xff" x 3;
close $out;
$s->start;
wait_loaded($s);
like($s->text('error.log'), qr/is damaged: \d+ bytes in 1 places/, 'damage is told');
my $left = grep poll($s, $_)->{state} eq 'done', @ids;
cmp_ok($left, '>=', 18, 'and the other jobs are there');
$s->stop;
$s->check_log;

# a zone that is too small has the queued ones, and the newest that have ended

$s = state_server(zone => 'jobs:4m');
@ids = map submit($s, '/one?duration=60s'), 1 .. 2;
my @big;
for (1 .. 12) {
    push @big, submit($s, '/cat', body => 'z' x 200_000);
    ended($s, $big[-1]);
}
my $wait = submit($s, '/one?duration=1ms');
kept($s);
kill_all($s);
$s->write_conf(TaskState::state_conf(%{$s->{options}}, told => $s->{told}, zone => 'jobs:1m'));
$s->start;
wait_loaded($s);
is(ended($s, $wait)->{state}, 'done', 'a smaller zone: what waited');
is(poll($s, $big[-1])->{state}, 'done', 'the newest that has ended');
is(poll($s, $big[0])->{state}, '404', 'but not the oldest');
like($s->text('error.log'), qr/\d+ jobs have no room in task_job_zone "jobs", they are gone/,
     'which the log tells');
$s->stop;
$s->check_log;

# --- what nginx -t says --------------------------------------------------------------------

my %conf = (http => '', server => 'location /jobs/ { task_jobs zone=jobs; }');

sub refused {
    my ($http, $text, $what) = @_;

    my ($ok, $said) = $s->test_conf(%conf, http => $http);
    ok(!$ok, "$what: refused");
    like($said, qr/\Q$text\E.*nginx\.conf:\d+/, "$what: it says why");
}

$s = TaskServer->new(%conf);
my $root = $s->{root};
open $out, '>', "$root/foreign" or die;
print $out "not ours, and longer than a header of ours would ever be\n" x 3;
close $out;
mkdir "$root/dir";
symlink "$root/foreign", "$root/link";

refused('task_job_zone jobs:4m state=foreign;',
        "state file \"$root/foreign\": it is a file of another program", 'a foreign file');
refused('task_job_zone jobs:4m state=dir;', 'it is a directory', 'a directory');
refused('task_job_zone jobs:4m state=link;', 'it is a symbolic link', 'a link');
refused('task_job_zone jobs:4m state=none/jobs;', 'its directory cannot be read and written',
        'a directory that is not there');
refused('task_job_zone jobs:4m fsync=always;', 'parameter "fsync=always" is without "state="',
        'fsync without a file');
refused('task_job_zone jobs:4m state=a fsync=often;', 'invalid parameter "fsync=often", it must '
        . 'be "always", "everysec" or "no"', 'another fsync');
refused('task_job_zone jobs:4m state=a; task_job_zone more:4m state=a;',
        "state file \"$root/a\" is that of zone \"jobs\"", 'one file for two zones');
refused('task_job_zone jobs:4m state=a; task_job_zone more:4m state=a.new;',
        "state file \"$root/a.new\" is that of zone \"jobs\"", 'or its copy');
my ($ok, $said) = $s->test_conf(%conf, http => 'task_job_zone jobs:4m state=a;');
ok($ok, 'a good one') or diag($said);
ok(!-e "$root/a", 'nginx -t makes no file');

SKIP: {
    skip 'not root', 4 if $>;
    $s->write_conf(%conf, http => 'task_job_zone jobs:4m state=a;');
    my $text = do { local (@ARGV, $/) = "$root/nginx.conf"; <> };
    $text =~ s/user root;/user nobody nogroup;/;
    open $out, '>', "$root/nginx.conf" or die;
    print $out $text;
    close $out;
    chmod 0700, $root;
    my $nginx = $ENV{TEST_NGINX_BINARY} || 'nginx';
    $said = `$nginx -t -p $root/ -c nginx.conf -e stderr 2>&1`;
    isnt($?, 0, 'a directory of root: refused');
    like($said, qr/its directory cannot be read and written by user "nobody" of the workers/,
         'it says whose it has to be');

    chmod 0777, $root;
    open $out, '>', "$root/a.lock" or die;
    close $out;
    chmod 0600, "$root/a.lock";
    $said = `$nginx -t -p $root/ -c nginx.conf -e stderr 2>&1`;
    isnt($?, 0, 'a lock of root: refused');
    like($said, qr/its ".lock" cannot be read and written by user "nobody" of the workers/,
         'it says whose that has to be');
}
$s->check_log;

done_testing();
