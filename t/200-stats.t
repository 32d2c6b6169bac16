#!/usr/bin/perl

# Numbers that are right across workers: task_zone, task_stats, task_status.

use strict;
use warnings;

use JSON::PP;
use List::Util qw(sum0);
use Test::More;
use Time::HiRes qw(sleep time);

use TaskServer;

my $tasks = "$ENV{TEST_NGINX_TASKS}/test";

my %conf = (
    main => "task_load $tasks/probe.so; thread_pool two threads=2;
             thread_pool probe threads=10;",
    http => 'task_zone numbers:256k; task_zone other:64k buckets=10ms,1s;
             task_stats numbers;',
    server => '
        server_name  a"b;
        location = /async    { task sleep; }
        location = /thread   { task sleep; task_mode thread=two; }
        location = /sync     { task sleep duration=20ms; task_mode sync; }
        location = /limit    { task sleep; task_limit running=1 queue=1; }
        location = /timeout  { task sleep; task_timeout 30ms; }
        location = /held     { task stubborn; task_mode thread=two; }
        location = /fail     { task result; task_param how default=fail; }
        location = /steps    { task steps; }
        location = /if       { if ($arg_x) { set $y 1; } task sleep; }
        location = /off      { task sleep; task_stats off; }
        location = /other    { task sleep; task_stats other; }
        location ~ ^/re\\\\w  { task sleep; }
        location = /quick    { quick; }
        location = /status   { task_status; }
        location = /json     { task_status json; }
        location = /metrics  { task_status prometheus; }
    ');

sub status {
    my ($s) = @_;
    my $zones = decode_json($s->get('/json')->{body})->{zones};
    return { map { $_->{name} => $_ } @$zones };
}

sub row {
    my ($s, $location, $zone) = @_;
    my ($row) = grep $_->{location} eq $location,
                     @{ status($s)->{$zone // 'numbers'}{tasks} };
    return $row;
}

sub live { $_[0]{running} + $_[0]{waiting} }
sub ended { sum0 values %{ $_[0]{ended} } }

sub idle {
    my ($s, $name) = @_;
    is(join(' ', map "$_->{location}: $_->{running} + $_->{waiting}",
                 grep live($_), @{ status($s)->{numbers}{tasks} }), '',
       "$name: nothing is left");
}

sub is_row {
    my ($s, $location, $name, %want) = @_;
    my $row = row($s, $location, delete $want{zone});
    my %got = (%$row, %{ $row->{ended} });
    is(join(' ', map "$_=" . ($got{$_} // '?'), sort keys %want),
       join(' ', map "$_=$want{$_}", sort keys %want), $name);
    return $row;
}

my $s = TaskServer->start(%conf);
my ($r, @r, @c, $row);

# what it looks like

$r = $s->get('/status');
is($r->{status}, 200, 'JSON');
like($r->{headers}, qr{^Content-Type: application/json\r$}m, 'its type');
like($r->{headers}, qr{^Content-Length: @{[ length $r->{body} ]}\r$}m, 'length');
is(decode_json($r->{body})->{version}, '1.0.0', 'version');
$r = $s->get('/status', method => 'HEAD');
is("$r->{status} $r->{body}", '200 ', 'HEAD');
is($s->get('/status', method => 'POST')->{status}, 405, 'POST');

my $prometheus = 'application/openmetrics-text;version=1.0.0,'
                 . 'text/plain;version=0.0.4;q=0.5,*/*;q=0.1';
my $browser = 'text/html,application/xhtml+xml,*/*;q=0.8';

for (['/status', $prometheus, 'text/plain; version=0.0.4; charset=utf-8'],
     ['/status', $browser, 'application/json'],
     ['/json', $prometheus, 'application/json'],
     ['/metrics', $browser, 'text/plain; version=0.0.4; charset=utf-8'])
{
    my ($uri, $accept, $type) = @$_;
    $r = $s->get($uri, headers => "Accept: $accept\r\n");
    like($r->{headers}, qr/^Content-Type: \Q$type\E\r$/m, "$uri: $type");
}

# each way that a task can end

is_row($s, '/async', 'nothing yet', started => 0, running => 0, waiting => 0,
       done => 0);

$s->get_all(map '/async?duration=15ms', 1 .. 7);
$row = is_row($s, '/async', 'done', started => 7, done => 7, running => 0);
is("@$row{qw(server function mode)}", 'a"b sleep async', 'labels');
is($row->{run_time}{count}, 7, 'run time');
is($row->{run_time}{buckets}{'0.010'}, 0, 'not shorter than it is');
is($row->{run_time}{buckets}{'+Inf'}, 7, 'cumulative');
cmp_ok($row->{run_time}{sum}, '>=', 7 * 0.015, 'sum');
is($row->{queue_time}{buckets}{'0.001'}, 7, 'no queue');

$s->get('/fail?status=500');
is_row($s, '/fail', 'failed', started => 1, failed => 1, done => 0);

$s->get_all(('/sync') x 3);
is_row($s, '/sync', 'sync', started => 3, done => 3);

$s->get('/timeout?duration=1s');
$row = is_row($s, '/timeout', 'timeout', started => 1, timeout => 1);
is($row->{run_time}{buckets}{'0.020'}, 0, 'ran until its time was over');

@r = $s->get_all(('/limit?duration=200ms') x 4);
$row = is_row($s, '/limit', 'rejected', started => 4, done => 2, rejected => 2);
is($row->{run_time}{count}, 2, 'those who ran');
is($row->{queue_time}{count}, 4, 'those who waited, or not');
is($row->{queue_time}{buckets}{'0.100'}, 3, 'one of them for long');

@c = map $s->open('/limit?duration=5s'), 1, 2;
$s->wait_for(sub { live(row($s, '/limit')) == 2 }, 'two tasks');
is_row($s, '/limit', 'running and waiting', started => 6, running => 1,
       waiting => 1);
$_->{socket}->close for @c;
$s->wait_for(sub { live(row($s, '/limit')) == 0 }, 'none');
is_row($s, '/limit', 'cancelled', started => 6, cancelled => 2);

# in a pool: two run, the others wait in its queue

@c = map $s->open('/thread?duration=3s'), 1 .. 5;
$s->wait_for(sub { row($s, '/thread')->{running} == 2 }, 'two threads');
is_row($s, '/thread', 'a pool of two', started => 5, running => 2, waiting => 3);
my ($worker) = @{ status($s)->{numbers}{workers} };
is(encode_json([ sort { $a->{name} cmp $b->{name} } @{ $worker->{pools} } ])
       =~ /"name":"two"/ ? 1 : 0, 1, 'the pool is there');
my ($pool) = grep $_->{name} eq 'two', @{ $worker->{pools} };
is("$pool->{running} $pool->{waiting}", '2 3', 'and what is in it');
is("$worker->{running} $worker->{waiting}", '2 3', 'and in the worker');
$c[4]{socket}->close;
$s->wait_for(sub { row($s, '/thread')->{ended}{cancelled} == 1 }, 'one less');
is_row($s, '/thread', 'one left', started => 5, waiting => 2, cancelled => 1);
$s->read_all([ @c[0 .. 3] ]);
$row = is_row($s, '/thread', 'all done', done => 4, running => 0, waiting => 0);
is($row->{run_time}{count}, 4, 'one never ran');

# a client that leaves a thread at work: the task has ended, the thread is held

@c = ($s->open('/held?ms=60s&' . $s->gate('held')));
$s->wait_for(sub { row($s, '/held')->{running} == 1 }, 'it to run');
$c[0]{socket}->close;
$s->wait_for(sub { row($s, '/held')->{ended}{cancelled} == 1 }, 'it to end');
is_row($s, '/held', 'ended', running => 0, waiting => 0, started => 1);
($pool) = grep $_->{name} eq 'two',
               @{ status($s)->{numbers}{workers}[0]{pools} };
is($pool->{running}, 1, 'its thread runs on');
$s->open_gate('held');
$s->wait_for(sub {
    ($pool) = grep $_->{name} eq 'two',
                   @{ status($s)->{numbers}{workers}[0]{pools} };
    return $pool->{running} == 0;
}, 'the thread to return');
pass('and returns');

# pieces of async functions; a piece is in the pool "probe"

$s->get('/steps?ms=1ms');
is_row($s, '/steps', 'an async function', started => 1, done => 1);

$s->get('/if?x=1&duration=0');
$s->get('/if?duration=0');
is_row($s, '/if', 'if', started => 2, done => 2);
$s->get('/rest?duration=0');
is_row($s, '^/re\\w', 'a regular expression', started => 1, done => 1);

$s->get('/off?duration=0');
is(row($s, '/off'), undef, 'off');
$s->get('/other?duration=20ms');
$row = is_row($s, '/other', 'another zone', zone => 'other', done => 1);
is(join(' ', sort keys %{ $row->{run_time}{buckets} }), '+Inf 0.010 1.000',
   'its buckets');
is(scalar(grep $_->{location} eq '/quick', @{ status($s)->{numbers}{tasks} }), 0,
   'quick is not counted');
$s->get('/async?duration=x');
is_row($s, '/async', 'a 422 is no task', started => 7);
idle($s, 'one worker');

# the format of Prometheus, by a parser that is not ours

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
is($family{nginx_task_started}[1], 'counter', 'a counter');
is($family{nginx_task_run_seconds}[1], 'histogram', 'a histogram');

my ($sample) = grep $_->[1]{location} eq '^/re\\w',
                    @{ $family{nginx_task_started}[3] };
is($sample->[1]{server}, 'a"b', 'a label with a quote');
is($sample->[2], 1, 'and its value');

my ($bucket) = grep $_->[0] =~ /_bucket/ && $_->[1]{location} eq '/limit'
                    && $_->[1]{le} == 0.5, @{ $family{nginx_task_queue_seconds}[3] };
is($bucket->[2], 6, 'a bucket');

my $json = status($s)->{numbers};
my $sum = sum0 map $_->[2], grep $_->[1]{zone} eq 'numbers',
          @{ $family{nginx_task_ended}[3] };
is($sum, sum0(map ended($_), @{ $json->{tasks} }), 'as in JSON');

$s->stop;
$s->check_log('thread pool "two" queue overflow');

# with 4 workers, through 5 reloads, exactly what a client saw

$s = TaskServer->start(%conf, workers => 4);

my %seen;
my @mix = map +('/async?duration=5ms', '/thread?duration=1ms',
                '/timeout?duration=60ms', '/limit?duration=3ms',
                '/steps?ms=1ms', '/fail?status=500'), 1 .. 10;

for my $reload (0 .. 5) {
    @c = map $s->open($_), @mix;
    $s->reload if $reload;
    my @more = map $s->open($_), @mix;
    @r = $s->read_all([ @c, @more ]);
    for my $i (0 .. $#r) {
        my ($uri) = split /\?/, $mix[$i % @mix];
        $seen{$uri}{$r[$i]{status}}++;
    }
}

my $wrong = '';
for my $uri (sort keys %seen) {
    $row = row($s, $uri);
    my %got = (200 => $row->{ended}{done}, 503 => $row->{ended}{rejected},
               504 => $row->{ended}{timeout}, 500 => $row->{ended}{failed});
    $wrong .= "$uri: $_ $seen{$uri}{$_} but counted $got{$_}\n"
        for grep $seen{$uri}{$_} != ($got{$_} // -1), keys %{ $seen{$uri} };
    $wrong .= "$uri: started $row->{started}\n"
        if $row->{started} != sum0(values %{ $seen{$uri} });
}
is($wrong, '', '4 workers, 5 reloads: as the client saw it');
idle($s, '4 workers, 5 reloads');

$s->wait_for(sub { @{ status($s)->{numbers}{workers} } == 4 },
             'old workers to leave');
is(join(' ', sort map $_->{worker}, @{ status($s)->{numbers}{workers} }),
   '0 1 2 3', 'each worker once');

# a client that stays through a reload: old and new workers are seen

@c = map $s->open('/async?duration=2s'), 1 .. 8;
$s->wait_for(sub { row($s, '/async')->{running} == 8 }, 'tasks');
$s->reload;
is(scalar(grep { $_->{generation} == 6 } @{ status($s)->{numbers}{workers} })
   ? 1 : 0, 1, 'an old worker that has tasks is seen');
is_row($s, '/async', 'and its tasks', running => 8);
$s->read_all(\@c);

# a worker that is killed: what it held is lost, and nothing else

my $was = row($s, '/async');
@c = map $s->open('/async?duration=1s'), 1 .. 40;
$s->wait_for(sub { live(row($s, '/async')) == 40 }, '40 tasks');
my ($victim) = sort { $b->{running} <=> $a->{running} }
               @{ status($s)->{numbers}{workers} };
kill 'KILL', $victim->{pid};
$s->wait_for(sub { !grep $_ == $victim->{pid}, $s->workers }, 'it to die');
$row = row($s, '/async');
is($row->{ended}{lost} - $was->{ended}{lost}, $victim->{running},
   'lost is what it held');
is($row->{running}, 40 - $victim->{running}, 'the gauge is without them');
@r = $s->read_all(\@c);
my $served = grep $_->{status} == 200, @r;
$row = row($s, '/async');
my $done = $row->{ended}{done} - $was->{ended}{done};
my $broken = grep $_->{status} == 0, @r;
cmp_ok($served, '<=', $done, 'no answer without its count');
cmp_ok($done, '<=', $served + $broken, 'nor more than the kill broke');
is($done + $victim->{running}, 40, 'exactly');
$s->wait_for(sub { @{ status($s)->{numbers}{workers} } == 4 }, 'another one');
pass('a new worker has its slot');

# killed again and again, while others look

$was = row($s, '/async');
my ($sent, $ok) = (0, 0);
for my $n (1 .. 15) {
    @c = map $s->open($_), map(('/async?duration=30ms', '/thread?duration=10ms',
                                '/json', '/json'), 1 .. 5);
    my @pids = $s->workers;
    kill 'KILL', $pids[rand @pids] if @pids;
    @r = $s->read_all(\@c);
    $sent += 5;
    $ok += grep $r[$_]{status} == 200 && $_ % 4 == 0, 0 .. $#r;
    $s->wait_for(sub { $s->workers == 4 }, '4 workers');
}
$s->wait_for(sub { live(row($s, '/async')) == 0 }, 'all to end');
$row = row($s, '/async');
$done = $row->{ended}{done} - $was->{ended}{done};
cmp_ok($done, '>=', $ok, 'killed again and again: every answer is counted');
cmp_ok($done + $row->{ended}{lost} - $was->{ended}{lost}
       + $row->{ended}{cancelled} - $was->{ended}{cancelled}, '<=', $sent,
       'and no task twice');
idle($s, 'killed again and again');

$s->stop;
$s->check_log('exited on signal 9|process \d+ exited with fatal code');

# what cannot be changed by a reload, and what a small zone holds

$s = TaskServer->start(%conf, http => 'task_zone numbers:64k;
                                       task_zone other:64k;
                                       task_stats numbers;');
$s->get('/async?duration=0');

sub refused {
    my ($name, $message, $http) = @_;
    $s->write_conf(%conf, http => $http);
    $s->signal('HUP');
    $s->wait_for(sub { $s->text('error.log') =~ /$message/ }, $name, 10);
    like($s->text('error.log'), qr/\[emerg\].*$message/, $name);
    is_row($s, '/async', "$name: the old one goes on", started => 1);
}

refused('another size', 'size of task_zone "numbers" cannot be changed by a '
        . 'reload, it is 65536: .* in \S+conf:\d+',
        'task_zone numbers:128k; task_zone other:64k; task_stats numbers;');
refused('other buckets', 'buckets of task_zone "numbers" cannot be changed',
        'task_zone numbers:64k buckets=1s; task_zone other:64k;
         task_stats numbers;');
refused('too small', 'task_zone "numbers" is too small for 1[0-9]+ locations',
        'task_zone numbers:64k; task_zone other:64k; task_stats numbers; server { listen 127.0.0.1:'
        . ($s->{port} + 1) . '; ' . join('', map "location /l$_ { task sleep; } ",
                                         1 .. 99) . '}');

my $small = 'task_zone numbers:64k; task_zone other:64k;';

# one that fails afterwards leaves nothing behind

my $taken = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1,
                                  LocalPort => 0) or die "listen: $!";
$s->write_conf(%conf, http => "$small task_stats numbers; server {
               listen 127.0.0.1:@{[ $taken->sockport ]};
               location = /ghost { task sleep; } }");
$s->signal('HUP');
$s->wait_for(sub { $s->text('error.log') =~ /still could not bind/ }, 'the end');
is(row($s, '/ghost'), undef, 'no location of a reload that failed');
is_row($s, '/async', 'the old ones go on', started => 1);
close $taken;

$s->write_conf(%conf, http => "$small task_stats numbers;");

for (1 .. 12) {
    $s->reload;
    $s->wait_for(sub { $s->workers == 1 }, 'old workers to leave');
}
is_row($s, '/async', '12 reloads in a small zone', started => 1, done => 1);
is(status($s)->{numbers}{workers}[0]{generation} > 10 ? 1 : 0, 1, 'generations');

# a location that is gone, and comes back

$s->reload(%conf, http => $small);
$s->wait_for(sub { $s->workers == 1 }, 'old workers to leave');
$s->reload;
is(scalar @{ status($s)->{numbers}{tasks} }, 0, 'nothing is counted');
$s->reload(%conf, http => "$small task_stats numbers;");
is_row($s, '/async', 'counted anew', started => 0);

# stopped at once, with tasks

@c = map $s->open('/async?duration=5s'), 1 .. 5;
$s->wait_for(sub { live(row($s, '/async')) == 5 }, '5 tasks');
my ($code) = $s->stop('TERM');
is($code, 0, 'exit code');
$s->check_log('cannot be changed by a reload|is too small for|could not bind'
              . '|bind\(\) to');

# configuration

$s = TaskServer->new;

sub conf {
    my ($name, $http, $server, $message) = @_;

    my ($ok, $text) = $s->test_conf(server => $server, http => $http);
    is($ok ? 1 : 0, 0, $name);
    like($text, qr/\[emerg\] .*$message/m, "$name: message");
}

conf('no size', 'task_zone z;', '', 'invalid zone "z", it must be name:size in \S+:\d+$');
conf('no name', 'task_zone :1m;', '', 'invalid zone ":1m", it must be name:size');
conf('invalid size', 'task_zone z:x;', '', 'invalid size "x" of zone "z" in');
conf('too small', 'task_zone z:4k;', '', 'zone "z" is too small, it must have at least \d+k in');
conf('not UTF-8', "task_zone z\xff:1m;", '', 'has a name that is not UTF-8');
conf('off', 'task_zone off:1m;', '', '"task_zone" directive cannot have the name "off"');
conf('duplicate', 'task_zone z:1m; task_zone z:1m;', '', 'duplicate zone "z" in');
conf('parameter', 'task_zone z:1m x=y;', '', 'invalid parameter "x=y", it must be "buckets=" in');
conf('buckets', "task_zone z:1m buckets=$_;", '',
     "invalid parameter \"buckets=$_\", it must be up to 32 times, each longer than the")
    for '', '1s,', '1s,1s', '2s,1s', 'x', '0', join(',', map "${_}s", 1 .. 33);
conf('not defined', 'task_stats z;', '', 'zone "z" of "task_stats" is not defined by a "task_zone" in \S+:\d+$');
conf('twice', 'task_zone z:1m; task_stats z; task_stats off;', '',
     '"task_stats" directive is duplicate');
conf('format', '', 'location /s { task_status xml; }',
     'invalid value "xml", it must be "json" or "prometheus" in');
conf('two handlers', '', 'location /s { task_status; task sleep; }',
     '"task" directive conflicts with "task_status" in');
conf('status twice', '', 'location /s { task_status; task_status; }',
     '"task_status" directive is duplicate in');

$s->check_log;

done_testing();
