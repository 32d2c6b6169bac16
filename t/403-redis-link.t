#!/usr/bin/perl

# Two nodes in network namespaces of their own, and the link between them, which
# is cut in one direction, then in the other: an end of it sends to a neighbour
# that is not there.  The engine is on the first one's side.

use strict;
use warnings;

use Config;
use JSON::PP;
use Test::More;
use Time::HiRes qw(sleep time);

use TaskRedis;
use TaskServer;
use TaskServers;

use constant { LEASE => 2, NEWNET => 0x40000000 };

my $first = $ENV{TEST_NGINX_LOAD_MODULES} // '';
my $module = $first =~ s/_task_module/_task_redis_module/r;
plan skip_all => "needs hiredis: $module" unless -f $module;

# --- two networks ---------------------------------------------------------------

my ($unshare, $setns) = @{ { x86_64 => [ 272, 308 ], aarch64 => [ 97, 268 ] }
                           ->{ $Config{archname} =~ s/-.*//r } // [] };
plan skip_all => "no numbers of system calls for $Config{archname}" unless $setns;

my %address = (a => '10.0.0.1', b => '10.0.0.2');
my %net;

sub run { system(@_) == 0 or die "@_: $?\n" }

for my $name (qw(b a)) {
    plan skip_all => "may not make a network: $!" if syscall($unshare, NEWNET) != 0;
    open $net{$name}, '<', '/proc/self/ns/net' or die $!;
    run(qw(ip link set lo up));
}

sub into { syscall($setns, fileno $net{ $_[0] }, 0) == 0 or die "setns: $!\n" }

# what is connected or begun there stays there

sub there {
    my ($do) = @_;

    into('b');
    my @r = eval { $do->() };
    my $error = $@;
    into('a');
    die $error if $error;

    return wantarray ? @r : $r[0];
}

plan skip_all => 'no veth here'
    if system(qw(ip link add to-b type veth peer name to-a netns),
              "/proc/$$/fd/" . fileno $net{b});

sub up {
    my ($me, $other) = @_;
    run(qw(ip addr add), "$address{$me}/24", 'dev', "to-$other");
    run(qw(ip link set), "to-$other", 'up');
}

up('a', 'b');
there(sub { up('b', 'a') });

# what goes from there to the other one is lost

sub cut {
    my ($from) = @_;
    my $to = $from eq 'a' ? 'b' : 'a';
    into($from);
    run(qw(ip neigh replace), $address{$to}, qw(lladdr 02:00:00:00:00:01 nud permanent dev),
        "to-$to");
    into('a');
}

sub mend {
    my ($from) = @_;
    my $to = $from eq 'a' ? 'b' : 'a';
    into($from);
    run(qw(ip neigh del), $address{$to}, 'dev', "to-$to");
    into('a');
}

# --- an engine, and a node on each side -----------------------------------------

local $ENV{TEST_NGINX_LOAD_MODULES} = "$first; load_module $module";

my $redis = redis_start(bind => '*', 'protected-mode' => 'no');
my $e = TaskRedis->new(port => $redis->{port});

sub node {
    my ($name) = @_;

    return TaskServer->start(
        port => $redis->{port} + 42, workers => 2, log_level => 'info',
        http => "task_job_redis name=jobs url=redis://$address{a}:$redis->{port} lease="
                . LEASE . 's;',
        server => "
        task_background on zone=jobs;
        location = /sleep { task sleep; }
        location = /$name { task sleep; task_background on zone=jobs queue=$name; }
        location = /ready { task_ready; add_header X-Worker \$pid always; }
        location /jobs/   { task_jobs zone=jobs; }
");
}

sub id { return decode_json($_[0]{body})->{id} // die "no job: $_[0]{body}" }
sub job { return decode_json($_[0]->get("/jobs/$_[1]?wait=" . ($_[2] // 0))->{body}) }
sub running { my ($s, $id) = @_; return sub { job($s, $id)->{state} eq 'running' } }

my $a = node('a');
my $b = there(sub { node('b') });
$a->ready;
there(sub { $b->ready });

for my $from (qw(a b)) {
    my $side = $from eq 'a' ? 'from the engine' : 'to the engine';

    # jobs of the node behind the link, which both nodes know

    my $short = there(sub { id($b->get('/b?duration=500ms')) });
    is(job($a, $short, '10s')->{state}, 'done', "$side: a job of the other side");
    my $long = there(sub { id($b->get('/b?duration=25s')) });
    $a->wait_for(running($a, $long), 'it to begin');

    my $time = time();
    cut($from);

    my $waits = $a->open("/jobs/$long?wait=30s");
    my $new = there(sub { $b->get('/b?duration=1s') });
    is($new->{status}, 503, "$side: behind the cut none is accepted");
    cmp_ok($new->{time}, '<', 9, "as the client learns after $new->{time} s");
    like($new->{headers}, qr/^Retry-After: \d/m, 'and when to come again');

    my $r = $a->read($waits);
    is(decode_json($r->{body})->{state}, 'lost', "$side: the job of that node is lost");
    cmp_ok($r->{time}, '>', LEASE / 2, 'not before its lease may be over');
    cmp_ok($r->{time}, '<', LEASE + 8, "soon after: $r->{time} s");

    # each of its workers learns it by itself

    ok(there(sub { $b->ready(503) }), 'and that node is not ready');

    my $here = id($a->get('/sleep?duration=100ms'));
    is(job($a, $here, '10s')->{state}, 'done', "$side: the node with the engine goes on");

    # what waits for the other side

    my $queued = $e->command('ZCARD', '{task-jobs}:queue:b');
    is($queued, 0, 'nothing waits there that was refused');

    mend($from);
    there(sub { $b->ready });
    is(job($a, $long)->{state}, 'lost', "$side: mended, and what was lost is lost");
    ok($b->wait_for(sub { $b->text('error.log') =~ /job $long is not this worker's any more/ },
                    'its worker', 20), 'its worker knows');

    $short = there(sub { id($b->get('/b?duration=100ms')) });
    is(job($a, $short, '10s')->{state}, 'done', 'it works again');
    $e->audit;
}

for my $s ($a, $b) {
    my ($code) = $s->stop('QUIT');
    is($code, 0, 'exit code');
    $s->check_log;
}

done_testing();
