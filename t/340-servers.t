#!/usr/bin/perl

# The PostgreSQL and the Redis that tests and examples have:
# t/lib/TaskServers.pm, util/servers.sh.

use strict;
use warnings;

use File::Temp qw(tempdir);
use IO::Socket::INET;
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep time);

use TaskServers;

my $root = $ENV{PWD};
my $time = time();

my $pg = postgres_start(max_connections => 20);
note sprintf 'PostgreSQL has started in %.2f s', time() - $time;

$time = time();
my $redis = redis_start();
note sprintf 'Redis has started in %.2f s', time() - $time;

# waits, as there is nothing to be told by

sub comes {
    my ($condition) = @_;

    my $until = time() + 20;
    sleep(0.01) until $condition->() || time() > $until;

    return $condition->();
}

# what has its current directory below one of these

sub left {
    my (@dirs) = @_;

    return grep {
        my $cwd = readlink "$_/cwd" // '';
        grep $cwd =~ m{^\Q$_\E/}, @dirs;
    } glob '/proc/[0-9]*';
}

# the shared memory that is left of these ids

sub shm {
    my %ids = map { ($_ => 1) } @_;

    open my $in, '<', '/proc/sysvipc/shm' or return;
    return grep $ids{$_}, map /^\s*-?\d+\s+(\d+)/, <$in>;
}

sub listens {
    my ($server) = @_;

    return !!IO::Socket::INET->new(PeerAddr => $server->{host},
                                   PeerPort => $server->{port});
}

# TEST 1: what is asked

is_deeply([ $pg->sql("select 1, null, '', 'a|b'
                      union all select 2, 'x', 'y', e'\n'") ],
          [ [ 1, undef, '', 'a|b' ], [ 2, 'x', 'y', "\n" ] ], 'rows');
is_deeply([ $pg->sql('select 1 where false') ], [], 'no rows');
is_deeply([ $pg->sql("select ''") ], [ [ '' ] ], 'a row of nothing');
is_deeply([ $pg->sql('values (1), (null), (null)') ],
          [ [ 1 ], [ undef ], [ undef ] ], 'rows of null');
is_deeply([ $pg->sql('show fsync') ], [ [ 'off' ] ], 'a setting');
is_deeply([ $pg->sql('show max_connections') ], [ [ 20 ] ], 'one of this test');
ok(!eval { $pg->sql('select nothing'); 1 }, 'an error');
like($@, qr/column "nothing" does not exist/, 'what it is');

is_deeply([ $redis->command(qw(set word two)) ], [ 'OK' ], 'set');
is_deeply([ $redis->command('get', 'word') ], [ 'two' ], 'get');
$redis->command(qw(rpush list a b));
is_deeply([ $redis->command(qw(lrange list 0 -1)) ], [ 'a', 'b' ], 'lines');
ok(!eval { $redis->command('lpop', 'word'); 1 }, 'an error');
like($@, qr/WRONGTYPE/, 'what it is');

# TEST 2: who they are, and to whom they listen

for my $s ($pg, $redis) {
    my @pids = $s->pids;
    my ($uid) = map { (stat "/proc/$_")[4] } $pids[0];

    is($pids[0], $s->{pid}, "$s->{name}: its process");
    cmp_ok(scalar(@pids), $s == $pg ? '>' : '==', 1, 'and what that has');
    is($uid, $> || 65534, 'is not root');

    my $port = sprintf '%04X', $s->{port};
    open my $in, '<', '/proc/net/tcp' or die $!;
    is_deeply([ map /^ *\d+: (\w+):$port \w+:0000 0A/ ? $1 : (), <$in> ],
              [ '0100007F' ], 'listens on the loopback');
}

cmp_ok($pg->{port}, '!=', $redis->{port}, 'ports');

# TEST 3: another one beside, which is stopped

{
    my $other = redis_start(appendonly => 'yes', appendfsync => 'always');
    my $dir = $other->{dir};

    cmp_ok($other->{port}, '!=', $redis->{port}, 'another port');
    $other->command(qw(set kept 1));
    $other->kill9;
    $other->start_again;
    is_deeply([ $other->command('get', 'kept') ], [ 1 ], 'an option');
    $other->end;
    ok(!-e $dir, 'ended: no directory');
    ok(!listens($other), 'no server');
    is_deeply([ $redis->command('get', 'kept') ], [],
              'the first one has nothing of it');

    $other = postgres_start();
    $dir = $other->{dir};
    undef $other;
    ok(!-e $dir && !left($dir), 'forgotten: it has ended');
}

# TEST 4: killed, and started again

$pg->sql('create table kept (n int); insert into kept values (7)');

for my $round (1 .. 3) {
    my @was = $pg->pids;

    is($pg->kill9 & 127, 9, 'killed');
    is_deeply([ grep -e "/proc/$_/cwd", @was ], [], 'all of it');
    ok(!listens($pg), 'nothing listens');
    ok(!eval { $pg->sql('select 1'); 1 }, 'nothing answers');
    like($@, qr/refused/, 'refused');

    $time = time();
    $pg->start_again;
    note sprintf 'started again in %.2f s', time() - $time;
    is_deeply([ $pg->sql('table kept') ], [ [ 7 ] ], 'what was committed');
}

is($redis->kill9 & 127, 9, 'Redis: killed');
$redis->start_again;
is_deeply([ $redis->command('get', 'word') ], [], 'Redis: empty');

# TEST 5: stopped, with a client that is in the middle of a request

my $client = fork() // die "fork: $!";
if ($client == 0) {
    eval { $pg->sql('select pg_sleep(60)') };
    POSIX::_exit($@ =~ /terminating connection due to administrator/ ? 3 : 4);
}
ok(comes(sub { $pg->sql("select 1 from pg_stat_activity
                         where query = 'select pg_sleep(60)'") }), 'a client');
is($pg->stop, 0, 'stopped: code 0');
waitpid($client, 0);
is($? >> 8, 3, 'its client is told');
ok(!listens($pg), 'nothing listens');
$pg->start_again;
is_deeply([ $pg->sql('table kept') ], [ [ 7 ] ], 'and started again');
is($redis->stop, 0, 'Redis: stopped');
$redis->start_again;

# TEST 6: a server that does not start says why

ok(!eval { postgres_start(no_such => 1); 1 }, 'not started');
like($@, qr/postgres does not start:.*unrecognized .* "no_such"/s, 'why');
ok(!eval { redis_start('no-such' => 1); 1 }, 'Redis: not started');
like($@, qr/redis does not start:.*no-such/s, 'why');

# TEST 7: a port that another one takes

{
    no warnings 'redefine';
    local *TaskServers::first_port = sub { $pg->{port} };
    my $other = postgres_start();
    cmp_ok($other->{port}, '!=', $pg->{port}, 'the next one is taken');
    is_deeply([ $pg->sql('table kept') ], [ [ 7 ] ], 'and is not the first');
}

# TEST 8: the test ends otherwise than it means to

my @shm;

my %last = (exit => 'exit 0', die => 'die "so"',
            killed => '$_->kill9 for @s; kill "KILL", $$');

for my $how (qw(exit die TERM INT HUP KILL killed)) {
    my $last = $last{$how} // 'sleep 60';

    my $pid = open my $out, '-|', $^X, '-MTaskServers', '-e', "
        \$| = 1;
        my \@s = (postgres_start(), redis_start());
        print join(' ', map \$_->{dir}, \@s), qq(\\n);
        open my \$in, '<', qq(\$s[0]{dir}/data/postmaster.pid);
        print((<\$in>)[6]);
        close STDERR;
        $last" or die $!;

    my @dirs = split ' ', <$out> // '';
    push @shm, (split ' ', <$out> // '')[1];
    is(scalar(grep -d, @dirs), 2, "$how: two servers") if $last eq 'sleep 60';
    kill $how, $pid if $last eq 'sleep 60';

    is(join('', <$out>), '', 'nobody has the output of the test');
    close $out;
    ok(comes(sub { !grep -e, @dirs }), "$how: no directories are left");
    is_deeply([ left(@dirs) ], [], 'no processes');
}

is(scalar(grep $_, @shm), 7, 'there was shared memory');
is_deeply([ shm(@shm) ], [], 'of which nothing is left');

# TEST 9: nobody does not come to where this is

SKIP: {
    skip 'for root', 5 if $> != 0;

    my $closed = tempdir(CLEANUP => 1);
    my $dir;
    {
        local $ENV{TEST_NGINX_SERVROOT} = "$closed/servroot";
        my $other = postgres_start();
        $dir = $other->{dir};
        like($dir, qr{^/tmp/task-postgres\.\w+$}, 'in /tmp');
        is((stat $dir)[2] & 0777, 0700, 'closed to others');
        is_deeply([ $other->sql('select 1') ], [ [ 1 ] ], 'it answers');
    }
    ok(!-e $dir, 'and is gone');
    is_deeply([ glob "$closed/*" ], [], 'nothing is left');
}

# TEST 10: beside a command, for examples

my @own = map $_->{dir}, $pg, $redis;
my $p = TaskServers::free_port($redis->{port} + 1);
my $r = TaskServers::free_port($p + 1);
my $with = "exec sh util/servers.sh with $p $r";

my $asks = '$(sh util/servers.sh psql) -Atc "select 1, current_user"
            redis-cli -p $REDIS_PORT ping
            exit 5';

is(`$with sh -c '$asks'`, "1|postgres\nPONG\n", 'a command');
is($? >> 8, 5, 'its code');

# of servers that were not there before, as our own

my %old;

sub new_dirs {
    return grep !$old{$_} && left($_),
           glob "{$root/build/run/,/tmp/task-}{postgres,redis}.*";
}

%old = map { ($_ => 1) } new_dirs();

my $says = tempdir(CLEANUP => 1) . '/says.sh';

open my $sh, '>', $says or die $!;
print $sh "trap 'echo told; exit 3' TERM; echo started
           while :; do sleep 0.05; done\n";
close $sh;

# whoever has begun this test may ignore some of them

@SIG{qw(INT HUP)} = ('DEFAULT') x 2;

for my $how (qw(TERM INT HUP KILL)) {
    my $pid = open my $out, '-|', "$with sh $says" or die $!;
    is(scalar <$out>, "started\n", 'a command that goes on');

    my @dirs = new_dirs();
    is(scalar @dirs, 2, "$how: two servers");

    kill $how, $pid;
    is(join('', <$out>), "told\n", 'the command is told');
    close $out;
    is($? >> 8, 3, 'its code') if $how ne 'KILL';
    ok($how eq 'KILL' ? comes(sub { !grep -e, @dirs }) : !grep(-e, @dirs),
       'no directories are left');
    is_deeply([ left(@dirs) ], [], 'no processes');
}

like(`sh util/servers.sh with $pg->{port} $r true 2>&1`,
     qr/Address already in use.*postgres was not started on port $pg->{port}/s,
     'a port that is taken');
is_deeply([ new_dirs() ], [], 'nothing is left of it');

# TEST 11: nothing is left

my @pids = map $_->pids, $pg, $redis;
$_->end for $pg, $redis;
is_deeply([ grep -e "/proc/$_/cwd", @pids ], [], 'no process is left');
is_deeply([ grep -e, @own ], [], 'no directory, of build/ or in /tmp');

done_testing();
