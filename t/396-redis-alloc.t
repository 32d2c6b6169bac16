#!/usr/bin/perl

# An allocation of the module for Redis fails, each in turn: a request may be
# answered by an error, and then all goes on.

use strict;
use warnings;

use File::Path ();
use JSON::PP;
use Test::More;
use Time::HiRes qw(sleep time);

use TaskRedis;
use TaskServer;
use TaskServers;

my $module = $ENV{TEST_NGINX_FAIL_REDIS} // '';
plan skip_all => 'needs the module that make test builds for it' unless -f $module;

local $ENV{TEST_NGINX_LOAD_MODULES} = "$ENV{TEST_NGINX_LOAD_MODULES}; load_module $module";

my $redis = redis_start(appendonly => 'yes');
my $port = $redis->{port} + 45;
my $e = TaskRedis->new(port => $redis->{port});

# where the engine has that, it is waited for its disk, too

my $waits = ref $e->command(qw(COMMAND INFO waitaof))->[0] ? 'durable=on' : '';

sub id { return eval { decode_json($_[0]{body})->{id} } }

sub uses {
    my ($s) = @_;

    my @r = $s->get_all(('/sleep?duration=10ms') x 2, '/count?n=3&every=10ms');
    my @ids = grep defined, map id($_), @r;

    push @r, $s->get('/jobs/' . ($ids[-1] // '0' x 32),
                     headers => "Accept: text/event-stream\r\n");
    push @r, map $s->get("/jobs/$_?wait=3s"), @ids;

    push @r, $s->get('/jobs/?limit=2&state=done');
    push @r, grep $_->{status} != 409, $s->get("/jobs/$ids[0]?retry=1", method => 'POST') if @ids;

    my $r = $s->get('/sleep?duration=60s');
    push @r, $r;
    my $id = id($r) or return @r;

    # or else nginx would wait for it

    do { push @r, $s->get("/jobs/$id", method => 'DELETE') } until $r[-1]{status} == 200;
    push @r, $s->get("/jobs/$id?wait=5s");

    return @r;
}

sub ready { my ($s) = @_; $s->wait_for(sub { $s->get('/ready')->{status} == 200 }, 'it', 5) }

# without the first three a worker does not begin

my ($n, $wrong, $hit) = (4, '', 1);

for ( ; $hit && $n < 1000; $n++) {
    local $ENV{FAIL_AT} = $n;

    $e->command('flushall');

    my $s = TaskServer->start(
        port => $port, log_level => 'error',
        main => "env FAIL_AT; task_load $ENV{TEST_NGINX_TASKS}/count.so;",
        http => "task_job_redis name=jobs url=redis://127.0.0.1:$redis->{port} lease=1s $waits;",
        server => 'task_background on zone=jobs;
                   location = /sleep { task sleep; } location = /count { task count; }
                   location = /ready { task_ready; } location /jobs/ { task_jobs zone=jobs list=on; }');

    # a worker that cannot begin is not started again

    $s->wait_for(sub { $s->text('error.log') =~ /fatal code/
                       || $e->command('ZCARD', '{task-jobs}:leases') }, 'it', 5);

    if ($s->text('error.log') =~ /fatal code/) {
        $s->stop('QUIT');
        File::Path::remove_tree($s->{root});
        next;
    }

    ready($s);
    my @r = uses($s);
    ready($s);
    my @next = uses($s);
    my ($code) = $s->stop('QUIT');

    my $log = $s->text('error.log') . $s->text('stderr.log');
    $hit = $log =~ /allocation $n fails/;

    my $audit = eval { $e->audit; '' } // $@;
    my $left = 0;
    $left += $e->command('ZCARD', "{task-jobs}:state:$_") for qw(queued running);

    $wrong .= "$n: " . join(' ', map($_->{status}, @r), '|', map $_->{status}, @next) . " code $code, $audit, $left left\n"
        if $code || $audit || $log =~ /\[alert\]/ || $left
           || (grep $_->{status} !~ /^20/, @r, @next) > 1
           || grep $_->{status} !~ /^(?:20.|50[03])$/, @r, @next;

    File::Path::remove_tree($s->{root});
}

is($wrong, '', $n - 5 . ' allocations');

done_testing();
