#!/usr/bin/perl

# conf/cluster-jobs.conf: two nodes with one engine.  A job that one has accepted
# is polled and streamed by the other; then the first one is killed.

use strict;
use warnings;

use JSON::PP;
use List::Util qw(uniq);
use Test::More;
use Time::HiRes qw(sleep time);

use TaskServer;
use TaskServers;

my $first = $ENV{TEST_NGINX_LOAD_MODULES} // '';
my $module = $first =~ s/_task_module/_task_redis_module/r;
plan skip_all => "needs hiredis: $module" unless -f $module;

local $ENV{TEST_NGINX_LOAD_MODULES} = "$first; load_module $module" if TaskServer::zone();

my $redis = redis_start(appendonly => 'yes', appendfsync => 'no');
my $port = $redis->{port} + 60;

open my $in, '<', 'conf/cluster-jobs.conf' or die $!;
my $conf = do { local $/; <$in> };
close $in;

$conf =~ s{build/tasks}{$ENV{TEST_NGINX_TASKS}}g;
$conf =~ s{conf/html}{$ENV{PWD}/conf/html}g;
is($conf =~ s/127\.0\.0\.1:6379/127.0.0.1:$redis->{port}/g, 2, 'the engine of this test');

sub node {
    my ($n) = @_;

    (my $text = $conf) =~ s/127\.0\.0\.1:8081/127.0.0.1:@{[ $port + $n ]}/g;

    my $s = TaskServer->start(port => $port + $n, text => $text);

    # two workers, each with two stores

    $s->wait_for(sub {
        4 == uniq $s->text('error.log') =~ / (\d+#\d+: .*task_job_redis "\w+"): .* this worker is /g;
    }, 'the engine');
    $s->wait_for(sub { $s->is_ready }, 'it to be ready');

    return $s;
}

sub job { my ($s, $path, $wait) = @_; return decode_json($s->get("$path?wait=" . ($wait // 0))->{body}) }
sub begin { my ($s, $uri) = @_; return decode_json($s->get($uri)->{body})->{href} }

my $a = node(0);
my $b = node(1);

# TEST 1: submitted on one, polled and streamed on the other

my $r = $a->get('/countdown?steps=5&every=100ms');
is($r->{status}, 202, 'accepted');
my ($path) = $r->{headers} =~ /^Location: (\S+)/m;
like($path, qr{^/jobs/[0-9a-f]{32}$}, 'where it is');
my $stream = $b->get($path, headers => "Accept: text/event-stream\r\n");
like($stream->{body}, qr/event: progress.*event: end\ndata: [^\n]*"state":"done"/s, 'a stream of the other one');
is_deeply(job($b, $path, 5)->{result}, { steps => 5 }, 'its result');
is(job($a, $path)->{state}, 'done', 'and as the first one says');

# TEST 2: 16 jobs, of which each node runs four at a time

my $took;

for (1 .. 3) {
    $took = time();
    my @paths = map begin($a, '/countdown?steps=1&every=400ms'), 1 .. 16;
    is(scalar(grep job($b, $_, 20)->{state} eq 'done', @paths), 16, 'each is done');
    $took = time() - $took;
    last if $took < 1.6;
    sleep(1);
}
cmp_ok($took, '<', 1.6, 'by both nodes: one alone would take longer');

# TEST 3: the first one is killed

my $lost = begin($a, '/countdown?steps=600&every=100ms');
my $again = begin($a, '/again?steps=20&every=100ms');
$a->wait_for(sub { job($a, $again)->{state} eq 'running' && job($a, $lost)->{state} eq 'running' }, 'both to run');
my $c = job($b, $lost);
is($c->{state}, 'running', 'as the other one says');

my @pids = ($a->{pid}, $a->workers);
kill 'KILL', @pids;
waitpid $a->{pid}, 0;
my $time = time();
$r = job($b, $lost, 20);
is($r->{state}, 'lost', 'without attempts it is lost');
like($r->{error} // '', qr/./, "and says why: " . ($r->{error} // ''));
cmp_ok(time() - $time, '<', 10, 'when the lease is over');
is(job($b, $again, 30)->{state}, 'done', 'with attempts it runs again, and is done');
is(begin($b, '/countdown?steps=1&every=0') =~ /jobs/, 1, 'the other one takes jobs');

my ($code) = $b->stop('QUIT');
is($code, 0, 'exit code');
$b->check_log;

done_testing();
