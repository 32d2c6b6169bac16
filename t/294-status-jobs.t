#!/usr/bin/perl

# Zones of jobs in both formats of task_status.

use strict;
use warnings;

use JSON::PP;
use List::Util qw(sum0);
use Test::More;
use Time::HiRes qw(sleep time);

use TaskServer;

my $tasks = "$ENV{TEST_NGINX_TASKS}/test";

my %conf = (
    workers => 2,
    main => "task_load $tasks/probe.so; thread_pool two threads=2;",
    http => 'task_job_zone jobs:1m; task_job_zone o\'d\\\\d":1m node=n1;
             task_zone numbers:256k;',
    server => '
        task_background on zone=jobs;
        location = /sleep   { task sleep; }
        location = /result  { task result; }
        location = /timeout { task sleep; task_timeout 10ms; }
        location = /queued  { task sleep; task_limit running=1 queue=9; }
        location = /big     { task sleep duration=0; }
        location /jobs/     { task_jobs zone=jobs; }
        location = /status  { task_status json; }
        location = /metrics { task_status prometheus; }
    ');

my $s = TaskServer->start(%conf);

sub submit {
    my ($uri) = @_;

    my $r = $s->get($uri);
    is($r->{status}, 202, "$uri: a job") or return 'none';
    return decode_json($r->{body})->{id};
}

sub jobs {
    return decode_json($s->get('/status')->{body})->{jobs};
}

sub states {
    my ($zone) = @_;

    return join ' ', map "$_=$zone->{states}{$_}",
           grep $zone->{states}{$_}, sort keys %{ $zone->{states} };
}

my $jobs = jobs();
is(join(' ', map $_->{name}, @$jobs), 'jobs o\'d\\d"', 'the zones, by name');
is(join(' ', sort keys %{ $jobs->[0] }),
   'blocks dropped name oldest_queued_seconds places refused retried states', 'what is told of each');
is(join(' ', sort keys %{ $jobs->[0]{states} }),
   'cancelled dead done failed lost queued running timeout', 'each state');
is(sum0(map $_->{places}{used} + $_->{blocks}{used}, @$jobs), 0, 'both are empty');
cmp_ok($_->{places}{total}, '>', 500, "places of $_->{name}") for @$jobs;
cmp_ok($_->{blocks}{total}, '>', 500, "blocks of $_->{name}") for @$jobs;

# one of each state

submit('/sleep?duration=1ms') for 1 .. 3;
submit('/result?how=fail');
submit('/timeout?duration=9s');
my $id = submit('/sleep?duration=9s');
$s->get("/jobs/$id", method => 'DELETE');
submit('/sleep?duration=30s');
submit('/big?status=' . 'x' x 3000);

my $want = 'cancelled=1 done=4 failed=1 running=1 timeout=1';
$s->wait_for(sub { states($jobs = jobs()->[0]) eq $want }, 'all states', 10);
is(states($jobs), $want, 'by state');
is($jobs->{places}{used}, 8, 'places');
cmp_ok($jobs->{blocks}{used}, '>=', 12, 'blocks of a result of 3,000 bytes');
cmp_ok($jobs->{blocks}{used}, '<', 30, 'and of small ones');

# for Prometheus, by a parser that is not ours

my $metrics = $s->get('/metrics')->{body};

open my $out, '>', "$s->{root}/metrics" or die $!;
print $out $metrics;
close $out;

my $families = decode_json(`/usr/bin/python3 -c '
import json, sys
from prometheus_client.parser import text_string_to_metric_families as parse
print(json.dumps([[f.name, f.type, f.documentation,
                   [[s.name, s.labels, s.value] for s in f.samples]]
                  for f in parse(open(sys.argv[1]).read())]))
' $s->{root}/metrics`);

my %family = map { $_->[0] => $_ } @$families;

is(scalar(grep $_->[1] eq 'unknown' || $_->[2] eq '', @$families), 0,
   'each has a type and a help');
is(join(' ', map { "$_->[1]{state}=" . int $_->[2] }
             sort { $a->[1]{state} cmp $b->[1]{state} }
             grep $_->[1]{zone} eq 'jobs' && $_->[2],
             @{ $family{nginx_task_jobs}[3] }), $want, 'the same by state');

for (['nginx_task_job_places', 'gauge', $jobs->{places}{total}],
     ['nginx_task_job_places_used', 'gauge', $jobs->{places}{used}],
     ['nginx_task_job_blocks', 'gauge', $jobs->{blocks}{total}],
     ['nginx_task_job_blocks_used', 'gauge', $jobs->{blocks}{used}],
     ['nginx_task_jobs_dropped', 'counter', $jobs->{dropped}],
     ['nginx_task_jobs_refused', 'counter', $jobs->{refused}])
{
    my ($name, $type, $value) = @$_;
    my ($sample) = grep $_->[1]{zone} eq 'jobs', @{ $family{$name}[3] };
    my ($other) = grep $_->[1]{zone} eq 'o\'d\\d"', @{ $family{$name}[3] };

    is($family{$name}[1], $type, "$name: type");
    is($sample->[2], $value, "$name: as in JSON");
    ok(defined $other, "$name: of the other zone, too");
}

$s->stop('TERM');
$s->check_log;

# without jobs there is nothing of them

$s = TaskServer->start(server => '
    location = /status  { task_status json; }
    location = /metrics { task_status prometheus; }');
is(encode_json(jobs()), '[]', 'no zone: JSON');
unlike($s->get('/metrics')->{body}, qr/_job/, 'no zone: Prometheus');
$s->stop;
$s->check_log;

my ($ok, $text) = TaskServer->new->test_conf(http => "task_job_zone z\xff:1m;");
ok(!$ok, 'a name that is not UTF-8 is refused');
like($text, qr/"task_job_zone" directive has a name that is not UTF-8/, 'why');

done_testing();
