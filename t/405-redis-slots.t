#!/usr/bin/perl

# Jobs in a Redis that is a node of a cluster, and has a part of the slots: that
# of the jobs is given to another node, taken from all, or is on its way.  New jobs
# are 503, the log says why, and all goes on when the slot is back with its keys.

use strict;
use warnings;

use JSON::PP;
use Test::More;
use Time::HiRes qw(sleep time);

use TaskRedis;
use TaskServer;
use TaskServers;

my $first = $ENV{TEST_NGINX_LOAD_MODULES} // '';
my $module = $first =~ s/_task_module/_task_redis_module/r;
plan skip_all => "needs hiredis: $module" unless -f $module;

local $ENV{TEST_NGINX_LOAD_MODULES} = "$first; load_module $module";

# the bus of a node has its port plus 10000; with a part of the slots it answers

my %cluster = ('cluster-enabled' => 'yes', 'cluster-require-full-coverage' => 'no');
my $redis = redis_start(%cluster);
my $there = redis_start(%cluster);
my $e = TaskRedis->new(port => $redis->{port});
my $other = TaskRedis->new(port => $there->{port});

my $slot = $e->command(qw(CLUSTER KEYSLOT {task-jobs}:));
my ($me, $it) = map $_->command(qw(CLUSTER MYID)), $e, $other;

$e->command('CLUSTER', 'ADDSLOTS', 0 .. $slot + 10);
$other->command('CLUSTER', 'ADDSLOTS', $slot + 11 .. 16383);
$e->command('CLUSTER', 'MEET', '127.0.0.1', $there->{port});

my $s = TaskServer->new(port => $redis->{port} + 43);
$s->wait_for(sub { !grep $_->command(qw(CLUSTER INFO)) !~ /cluster_slots_ok:16384/, $e, $other },
             'the cluster');
$s->write_conf(
    workers => 2, log_level => 'info',
    http => "task_job_redis name=jobs url=redis://127.0.0.1:$redis->{port} lease=2s;",
    server => '
        task_background on zone=jobs;
        location = /sleep   { task sleep; }
        location = /one     { task sleep; task_background on zone=jobs queue=one;
                              task_limit running=1 queue=100; }
        location = /ready   { task_ready; }
        location /jobs/     { task_jobs zone=jobs; }
');
$s->start;

my $from = 0;

sub said {
    return grep /task_job_redis/, split /\n/, substr $s->text('error.log'), $from;
}

sub logged { my ($regex) = @_; return scalar grep /$regex/, said() }
sub id { return decode_json($_[0]{body})->{id} }
sub job { my ($id, $wait) = @_; return decode_json($s->get("/jobs/$id?wait=" . ($wait // 0))->{body}) }
sub slot { return $e->command('CLUSTER', 'SETSLOT', $slot, @_) }

$s->wait_for(sub { logged(qr/this worker is/) == 2 }, 'the engine');

# $begin takes the slot away, and $end gives it back

sub moved {
    my ($name, $log, $begin, $end) = @_;

    $from = length $s->text('error.log');

    my @workers = $s->workers;
    my $runs = id($s->get('/sleep?duration=1500ms'));
    my @one = map id($s->get("/one?duration=$_")), ('300ms') x 5, '1s';
    $s->wait_for(sub { job($runs)->{state} eq 'running' }, 'it to run');

    my $waits = $s->open("/jobs/$one[-1]?wait=20s");
    sleep(0.2);
    $begin->();
    $s->wait_for(sub { logged(qr/\[error\]/) >= 2 }, "$name: to be seen");

    my $r = $s->get('/sleep?duration=0');
    is($r->{status}, 503, "$name: no job is accepted");
    like($r->{headers}, qr/^Retry-After: \d/m, "$name: and when to come again");
    is_deeply([ map $s->get('/ready')->{status}, 1 .. 8 ], [ (503) x 8 ], "$name: task_ready");

    # longer than a job runs, and than the lease

    my $start = time();
    $r = $s->read($waits);
    is($r->{status}, 500, "$name: who waits is told that nobody knows");
    sleep(4 - (time() - $start)) if time() - $start < 4;
    my @said = grep /\[error\]/, said();
    is(scalar(@said), 2, "$name: each worker says it once") or diag join "\n", @said;
    like($_, $log, "$name: why") for @said;

    $end->();
    $s->wait_for(sub { logged(qr/it is there again/) == 2 }, "$name: to be over");
    is(job($runs, '10s')->{state}, 'done', "$name: the job that ran has told its end");
    is_deeply([ map job($_, '10s')->{state}, @one ], [ ('done') x 6 ],
              "$name: those that waited are done");
    is(job(id($s->get('/sleep?duration=0')), '5s')->{state}, 'done', "$name: a new job");
    is_deeply([ $s->workers ], \@workers, "$name: no worker has ended");
    $e->audit;
}

# it keeps the keys: only what it says of the slot changes.  The key of a script is
# the prefix, which no key of the engine has alone: so it is not there, and an ASK

moved('ASK', qr/ASK .*: it is a part of a cluster that is being changed$/,
      sub { slot('MIGRATING', $it) }, sub { slot('STABLE') });

moved('MOVED', qr/MOVED $slot .*: it is a part of a cluster, and another one keeps these jobs: the address must be that one's$/,
      sub {
          $e->command('MULTI');
          $e->command('CLUSTER', 'DELSLOTS', $slot);
          slot('NODE', $it);
          $e->command('EXEC');
      },
      sub { slot('NODE', $me) });

moved('CLUSTERDOWN', qr/CLUSTERDOWN .*: it is a part of a cluster that is not whole$/,
      sub { $e->command('CLUSTER', 'DELSLOTS', $slot) },
      sub { $e->command('CLUSTER', 'ADDSLOTS', $slot) });

my ($code) = $s->stop('QUIT');
is($code, 0, 'exit code');
$s->check_log;

done_testing();
