#!/usr/bin/perl

# docs/grafana.json and docs/alerts.yml, with a Prometheus that asks nginx: each
# expression has data, and each alert is raised by what it is for.

use strict;
use warnings;

use File::Temp qw(tempdir);
use HTTP::Tiny;
use JSON::PP;
use POSIX qw(WNOHANG);
use Test::More;
use Time::HiRes qw(sleep time);

use TaskServer;
use TaskServers;

plan skip_all => 'needs prometheus and promtool'
    if grep system("$_ --version > /dev/null 2>&1") != 0, qw(prometheus promtool);

my $dir = tempdir(CLEANUP => 1);
my $port = TaskServers::free_port(($ENV{TEST_NGINX_PORT} || 1984) + 600);

# of the two kinds of zones

my $redis_module = ($ENV{TEST_NGINX_LOAD_MODULES} // '') =~ s/_task_module/_task_redis_module/r;
plan skip_all => "needs hiredis: $redis_module" unless -f $redis_module;
local $ENV{TEST_NGINX_LOAD_MODULES} = "$ENV{TEST_NGINX_LOAD_MODULES}; load_module $redis_module";
my $redis = redis_start();

my $s = TaskServer->start(
    workers => 2,
    main => 'thread_pool two threads=2 max_queue=2;',
    http => 'task_zone tasks:1m; task_stats tasks; task_job_zone jobs:1m;
             task_job_redis name=shared url=redis://127.0.0.1:' . $redis->{port} . ';',
    server => '
        location = /sleep   { task sleep; }
        location = /stall   { task sleep duration=2s; task_mode sync; }
        location = /thread  { task sleep duration=300ms; task_mode thread=two; }
        location = /full    { task sleep duration=60s; task_limit running=1 queue=1; }
        location = /late    { task sleep duration=1s; task_timeout 20ms; }
        location = /stream  { task command program=/usr/bin/seq args=10000; }
        location = /job     { task sleep; task_background on zone=jobs; }
        location = /queued  { task sleep duration=60s; task_limit running=1 queue=1000;
                              task_background on zone=jobs queue=slow; }
        location = /few     { task sleep duration=60s; task_background on zone=jobs max=1 queue=few; }
        location = /shared  { task sleep; task_background on zone=shared; }
        location = /metrics { task_status prometheus; }
');

# the formats

my $metrics = $s->get('/metrics')->{body};
open my $lint, '|-', "promtool check metrics > $dir/lint 2>&1" or die;
print $lint $metrics;
ok(close $lint, 'promtool check metrics') or diag(`cat $dir/lint`);
is(-s "$dir/lint", 0, 'names and units follow the conventions');

ok(system("promtool check rules docs/alerts.yml > $dir/lint 2>&1") == 0, 'promtool check rules')
    or diag(`cat $dir/lint`);

open my $out, '>', "$dir/prometheus.yml" or die;
print $out <<"END";
global: { scrape_interval: 250ms, scrape_timeout: 250ms, evaluation_interval: 250ms }
rule_files: [ "$ENV{PWD}/docs/alerts.yml" ]
scrape_configs:
  - job_name: nginx
    static_configs: [ { targets: [ "127.0.0.1:$s->{port}" ] } ]
END
close $out;

ok(system("promtool check config $dir/prometheus.yml > $dir/lint 2>&1") == 0, 'promtool check config')
    or diag(`cat $dir/lint`);

my $prometheus = fork() // die "fork: $!";

if (!$prometheus) {
    open STDERR, '>', "$dir/log";
    open STDOUT, '>&', \*STDERR;
    { no warnings 'exec';
      exec 'prometheus', "--config.file=$dir/prometheus.yml", "--storage.tsdb.path=$dir/data",
           "--web.listen-address=127.0.0.1:$port"; }
    POSIX::_exit(127);
}

END {
    local $?;
    if ($prometheus) { kill 'TERM', $prometheus; waitpid $prometheus, 0 }
}

my $http = HTTP::Tiny->new(timeout => 10);

sub api {
    my ($path) = @_;

    my $r = $http->get("http://127.0.0.1:$port/api/v1/$path");
    return { data => {}, error => $r->{content} } unless $r->{headers}{'content-type'} // '' eq 'application/json';
    return eval { decode_json($r->{content}) } || { data => {}, error => $r->{content} };
}

# how many numbers an expression has; what is wrong with it

sub data {
    my ($expr) = @_;

    my $r = api('query?query=' . $expr =~ s/([^A-Za-z0-9])/sprintf '%%%02X', ord $1/ger);
    return scalar grep $_->{value}[1] ne 'NaN', @{ $r->{data}{result} || [] };
}

ok($s->wait_for(sub { waitpid($prometheus, WNOHANG) == 0 && data('up') }, 'Prometheus', 60), 'Prometheus')
    or BAIL_OUT(`cat $dir/log`);

# what happens meanwhile

my $turn = 0;
my @open;

sub traffic {
    push @open, $s->open($_)
        for ('/sleep?duration=5ms') x 5, ('/thread') x 8, '/late', '/stream', '/job?duration=5ms', '/shared?duration=5ms',
            ('/full') x 2, '/few';
    push @open, map $s->open('/queued'), 1 .. 60 if $turn++ % 4 == 0 && $turn < 20;
    push @open, $s->open('/stall') if $turn % 20 == 1 && $turn < 100;
    shift @open while @open > 400;
    sleep(0.25);
}

# a job that runs, and a task, are lost with their worker

my ($killed, %raised);

sub kill_one {
    my ($pid) = $s->workers;
    $killed = $s->signal('KILL', $pid);
}

sub alerts {
    my $r = api('rules');
    return map @{ $_->{rules} }, @{ $r->{data}{groups} || [] };
}

my %expected = map { $_->{name} => 1 } alerts();
cmp_ok(scalar keys %expected, '>=', 10, scalar(keys %expected) . ' alerts');
delete @expected{qw(NginxTaskJobWaits NginxTaskDown)};

# the dashboard

open my $in, '<', 'docs/grafana.json' or die;
my $dashboard = decode_json(do { local $/; <$in> });
my (%id, %place, %expr);

for my $panel (@{ $dashboard->{panels} }) {
    ok(!$id{$panel->{id}}++, "panel $panel->{title}: its id");

    my $p = $panel->{gridPos};
    my @cells = map { my $y = $_; map "$_ $y", $p->{x} .. $p->{x} + $p->{w} - 1 }
                $p->{y} .. $p->{y} + $p->{h} - 1;
    ok(!(grep $place{$_}++, @cells) && $p->{x} + $p->{w} <= 24, 'its place');

    for my $target (@{ $panel->{targets} }) {
        (my $expr = $target->{expr}) =~ s/\$__rate_interval/4s/g;
        $expr =~ s/\$(?:instance|zone)/.*/g;
        unlike($expr, qr/\$/, 'has no other variables');
        $expr{$expr} = $panel->{title};
    }
}

cmp_ok(scalar keys %expr, '>=', 20, scalar(keys %expr) . ' expressions');

my $until = time() + 90;

while (time() < $until && (keys %expr || keys %expected)) {
    traffic();
    delete @expr{ grep data($_), keys %expr };
    delete @expected{ map $_->{name}, grep $_->{state} ne 'inactive', alerts() };
    kill_one() if $turn == 25;
}

is(join("\n", map "$expr{$_}: $_", sort keys %expr), '', 'each expression has data');
is(join(' ', sort keys %expected), '', 'each alert is raised');

# that one takes five minutes

my ($waits) = grep $_->{name} eq 'NginxTaskJobWaits', alerts();
like($waits->{query}, qr/ > 300$/, 'a job that waits for five minutes');
cmp_ok(data($waits->{query} =~ s/ > 300$/ > 1/r), '>', 0, 'has data');

is(join(' ', map $_->{lastError} // '', grep $_->{health} ne 'ok', alerts()), '', 'all can be evaluated');

# names and units of what there is now

open $lint, '|-', "promtool check metrics > $dir/lint 2>&1" or die;
print $lint $s->get('/metrics')->{body};
ok(close $lint, 'promtool check metrics, with histograms') or diag(`cat $dir/lint`);
is(-s "$dir/lint", 0, 'names and units follow the conventions');

$s->stop('TERM');
ok($s->wait_for(sub { grep $_->{name} eq 'NginxTaskDown' && $_->{state} ne 'inactive', alerts() },
                'the last alert', 20), 'nginx is down');
$s->check_log(qr/exited on signal 9|task .* was lost|jobs? .*lost/);

done_testing();
