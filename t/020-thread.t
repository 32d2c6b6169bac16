#!/usr/bin/perl

# task_mode thread: as many at a time as the pool has threads.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time);

use TaskServer;

my $s = TaskServer->start(
    main => 'thread_pool four threads=4 max_queue=100;
             thread_pool tiny threads=1 max_queue=2;',
    http => 'task_mode thread=four;',
    server => '
        location = /task  { task sleep duration=500ms; }
        location = /tiny  { task sleep duration=300ms; task_mode thread=tiny; }
        location = /plain { task sleep duration=50ms; task_mode thread; }
        location = /open  { task sleep; }
        location = /page  {
            task sleep duration=300ms; task_mode thread=tiny;
            error_page 503 =200 /quick;
        }
        location = /quick { quick; }
    ');

my ($r, @r);

# TEST 1: one task, and /quick beside it

my $c = $s->open('/task');
$r = $s->get('/quick');
is($r->{status}, 200, 'quick');
cmp_ok($r->{time}, '<', 0.3, 'quick does not wait');
$r = $s->read($c);
is($r->{body}, '{"status":"long_running task completed"}', 'task');
cmp_ok($r->{time}, '>=', 0.5, 'task not early');

# TEST 2: 4 threads, 12 tasks: three rounds

@r = sort { $a->{total} <=> $b->{total} } $s->get_all(('/task') x 12);
is(scalar(grep $_->{status} == 200, @r), 12, '12 tasks, all answered');
cmp_ok($r[3]{total}, '<', 1, 'four in the first round');
cmp_ok($r[4]{total}, '>=', 1, 'the fifth in the second round');
cmp_ok($r[8]{total}, '>=', 1.5, 'the ninth in the third round');

# TEST 3: waiting for a thread is queue time

$s->wait_access(qr/^GET \/task .* 200/, 13);
my (@queued, @run);

for my $line (split /\n/, $s->text('access.log')) {
    next unless $line =~ m{^GET /task .* done (\S+) (\S+)$};
    push @queued, $1;
    push @run, $2;
}
@queued = sort { $a <=> $b } @queued;
is(scalar(grep $_ >= 0.5, @run), 13, 'run times are those of the sleep');
cmp_ok($queued[4], '<', 0.4, 'no queue time in the first round');
cmp_ok($queued[5], '>=', 0.3, 'one round of queue time');
cmp_ok($queued[-1], '>=', 0.6, 'two rounds of queue time');

# TEST 4: a full queue; nginx's line is the only one in the log
# nginx counts a waiting thread as -1: one runs, one or two wait

my $said = length $s->text('error.log');
@r = $s->get_all(('/tiny') x 6);
my @full = grep $_->{status} == 503, @r;
my $full = @full;
cmp_ok($full, '>=', 2, 'a full queue rejects');
is(scalar(grep $_->{status} == 200, @r), 6 - $full, 'others are served');
like($full[0]{headers}, qr/^Retry-After: 1\r?$/m, 'Retry-After');
is($full[0]{body}, '{"detail":"Service Unavailable"}', 'body');
cmp_ok($full[0]{time}, '<', 0.25, 'at once');
my @log = substr($s->text('error.log'), $said) =~ /^.*\[(?:warn|error|crit|alert)\].*$/mg;
is(scalar @log, $full, 'one line each');
is(scalar(grep /thread pool "tiny" queue overflow/, @log), $full, 'nginx\'s');
$s->wait_access(qr{^GET /tiny HTTP/1.1 503 sleep thread rejected \d+\.\d{3} -$});
pass('state rejected');

# TEST 5: error_page wins

@r = $s->get_all(('/page') x 6);
is(scalar(grep $_->{body} eq '{"status":"quick response"}'
               && $_->{status} == 200, @r) > 0, 1, 'error_page');
$s->wait_access(qr{^GET /page HTTP/1.1 200 sleep thread rejected}m);
pass('variables survive the internal redirect');

# TEST 6: the pool without a name

$r = $s->get('/plain');
is($r->{status}, 200, 'default pool');
cmp_ok($r->{time}, '>=', 0.05, 'not early');

# TEST 7: zero, and many short ones

$r = $s->get('/open?duration=0');
is($r->{status}, 200, 'duration 0');
@r = $s->get_all(('/open?duration=7ms') x 60);
is(scalar(grep $_->{status} == 200, @r), 60, '60 short ones');
is(scalar(grep $_->{time} < 0.007, @r), 0, 'none early');

my ($code) = $s->stop('QUIT');
is($code, 0, 'exit code');
$s->check_log;

done_testing();
