#!/usr/bin/perl

# Many jobs through three nginx with one Redis, while workers and nodes are
# killed: nothing runs more often than it may, and nothing is forgotten.
# TEST_NGINX_JOBS=30000 is more of it.

use strict;
use warnings;

use JSON::PP;
use POSIX qw(WNOHANG);
use Test::More;
use Time::HiRes qw(sleep time);

use TaskRedis;
use TaskServer;
use TaskServers;

my $first = $ENV{TEST_NGINX_LOAD_MODULES} // '';
my $module = $first =~ s/_task_module/_task_redis_module/r;
plan skip_all => "needs hiredis: $module" unless -f $module;

local $ENV{TEST_NGINX_LOAD_MODULES} = "$first; load_module $module";

my $jobs = $ENV{TEST_NGINX_JOBS} || 4000;
my $every = $ENV{TEST_NGINX_EVERY} || 0.2;
my $redis = redis_start();
my $port = $redis->{port} + 50;
my $ran = "$redis->{dir}/ran";

sub node {
    my ($n, $attempts) = @_;

    return TaskServer->start(
        port => $port + $n, workers => 2, log_level => 'info',
        main => "task_load $ENV{TEST_NGINX_TASKS}/test/ran.so; task_set ran.file $ran;",
        http => "task_job_redis name=jobs url=redis://127.0.0.1:$redis->{port} lease=2s"
                . " attempts=$attempts;",
        server => '
        task_background on zone=jobs;
        location = /ran     { task ran; task_limit running=20 queue=100000; }
        location = /ready   { task_ready; add_header X-Worker $pid always; }
        location /jobs/     { task_jobs zone=jobs; }
');
}

sub kill_node {
    my ($s) = @_;
    my @pids = ($s->{pid}, $s->workers);
    kill 'KILL', @pids;
    waitpid $s->{pid}, 0;
}

for my $attempts (1, 3) {
    $redis->command('flushall');
    unlink $ran;

    my $e = TaskRedis->new(port => $redis->{port});
    my @nodes = map node($_, $attempts), 0 .. 2;
    $_->ready for @nodes;

    my (%id, $n, $kills);

    $n = $kills = 0;
    my $next = time() + $every / 2;

    # each of them is sent to one node, which may be killed meanwhile

    while ($n < $jobs) {
        my $s = $nodes[rand @nodes];
        my @n = map ++$n, 1 .. 25;
        my @r = eval { $s->get_all(map "/ran?n=$_&ms=" . int(rand 60), @n) };

        for my $i (0 .. $#r) {
            my $id = eval { decode_json($r[$i]{body})->{id} } // next;
            $id{$id} = $n[$i] if $r[$i]{status} == 202;
        }

        # connections are cut, too

        $redis->command(qw(client kill type), (qw(normal pubsub))[rand 2]) if rand() < 0.02;

        next if time() < $next;
        $next = time() + $every;
        $kills++;

        if ($kills % 3 == 0) {
            my $i = int rand @nodes;
            kill_node($nodes[$i]);
            $nodes[$i] = node($i, $attempts);

        } else {
            my @pids = $nodes[rand @nodes]->workers;
            kill 'KILL', $pids[rand @pids];
        }
    }

    ok($kills, "attempts=$attempts: " . keys(%id) . " of $n jobs accepted, $kills kills");

    my (%state, $left);
    my $until = time() + 60;

    $e->connect;

    do {
        sleep(0.2);
        $left = 0;
        $left += $e->command('ZCARD', "{task-jobs}:state:$_") for qw(queued running);
    } while ($left && time() < $until);

    is($left, 0, 'all have ended');
    $e->audit;

    my (%began, %ended);

    open my $in, '<', $ran or die "$ran: $!";
    /^(begin|end) (\d+)/ && ($1 eq 'begin' ? $began{$2}++ : $ended{$2}++) while <$in>;
    close $in;

    my ($twice, $undone, $none) = (0, 0, 0);

    for my $id (keys %id) {
        my $j = $e->job($id);
        my $state = $j->{state} // 'none';
        $state{$state}++;
        $none += $state eq 'none';
        $undone += $state eq 'done' && !$ended{$id{$id}};
    }

    $twice = grep $_ > $attempts, values %began;

    note(join ' ', map "$_=$state{$_}", sort keys %state);
    is($none, 0, 'what was accepted is known');
    is($undone, 0, 'what is done was done');
    is($twice, 0, "none has begun more than $attempts times");
    is(scalar(grep $_ > 1, values %ended), 0, 'none is lost, but done') if $attempts == 1;
    is(join(' ', grep $_ !~ /^(?:done|lost)$/, keys %state), '', 'done, or lost') if $attempts == 1;
    is(join(' ', grep $_ !~ /^(?:done|dead)$/, keys %state), '', 'done, or dead') if $attempts > 1;

    for (@nodes) {
        my ($code) = $_->stop('QUIT');
        is($code, 0, 'exit code');
        $_->check_log(qr/exited on signal 9|bind\(\)/);
    }
}

done_testing();
