#!/usr/bin/perl

# ngx_task_fetch(): many at once, connections that run out, jobs, and workers that
# quit, reload or are stopped meanwhile.

use strict;
use warnings;

use JSON::PP;
use Test::More;
use Time::HiRes qw(sleep time);

use TaskFetch;
use TaskUpstream;

my $probe = "$ENV{TEST_NGINX_TASKS}/test/probe.so";
my $slow = $ENV{TEST_NGINX_SANITIZER} ? 5 : 1;
my $u = TaskUpstream->start;
my $up = "http://127.0.0.1:$u->{port}";

my %conf = (
    main => "task_load $probe; worker_rlimit_nofile 20000;",
    connections => 16384,
    http => "upstream kept { server 127.0.0.1:$u->{port}; keepalive 8; }",
    server => "
        location /up/    { proxy_pass $up/; }
        location /kept/  { proxy_pass http://kept/; proxy_http_version 1.1;
                           proxy_set_header Connection ''; }
        location /some   { return 200 'some text'; }
        location /busy   { task sleep; task_mode sync; task_param duration max=1s default=1ms; }
        location /after  { task fetch.plain uri=/some; task_background on zone=jobs; }
        location /mine   { task fetch.plain uri=/some; }
    ");

my $s = TaskFetch->start(%conf);
my ($r, $c, @c, @r);

sub many {
    my ($uri, %args) = @_;
    my $n = delete $args{-times} // 1;
    my @told = $s->get_all(map '/many?' . TaskFetch::query($uri, %args), 1 .. $n);
    my %sum;

    for my $r (@told) {
        $sum{wrong}++, next if $r->{status} != 200;
        my $told = decode_json($r->{body});
        $sum{$_} += $told->{$_} for keys %$told;
    }

    return join ' ', map "$_:$sum{$_}", grep $sum{$_}, sort keys %sum;
}

$s->ask('/some');
my $was = $s->at_rest;
my $worker = $s->worker;

# ten of 500 ms take as long as one

is(many('/up/sleep?ms=100'), 'ok:10', 'warm');
my $time = time();
is(many('/up/sleep?ms=500', n => 10), 'ok:10', 'ten fetches of 500 ms');
$time = time() - $time;
cmp_ok($time, '>=', 0.5, 'not early');
cmp_ok($time, '<', 2.5, 'nor one after another');
diag(sprintf 'ten fetches of 500 ms: %.1f ms', $time * 1000);

# many

$time = time();
is(many('/some', n => 10, -times => 1000), 'ok:10000', '1,000 gathers of 10');
diag(sprintf '1,000 gathers of 10 fetches: %.2f s', time() - $time);
cmp_ok(time() - $time, '<', 10 * $slow, 'in bounded time');
is(many('/mine', n => 10, -times => 100), 'ok:1000', 'of what fetches, too');
is(many('/up/sleep?ms=50', n => 10, -times => 50), 'ok:500', 'of a server');
is(many('/kept/echo', n => 1000, limit => 5, times => 2), 'ok:2000', 'five at a time');
is(many('/some', n => 1000), 'ok:1000', '1,000 in one');
$s->rested($was, 'many');

# pipelined, and one after the other on a connection that is kept

$c = $s->connect;
print $c join '', map "GET /one?uri=/some HTTP/1.1\r\nHost: a\r\n\r\n", 1 .. 19;
print $c "GET /one?uri=/some HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
my $text = do { local $/; <$c> };
is(scalar(() = $text =~ /"body":"some text"/g), 20, 'pipelined');
close $c;

# what does not fit into worker_connections is told so, and then all is well

$s->reload(%conf, connections => 64);
$s->wait_for(sub { $s->workers == 1 }, 'the old worker to leave');
$s->ask('/some');
$was = $s->at_rest;

my $sum = many('/up/sleep?ms=100', n => 200);
like($sum, qr/busy:/, 'out of connections');
$r = 0;
$r += $1 while $sum =~ /(\d+)/g;
is($r, 200, 'each is told') or diag $sum;
$s->rested($was, 'out of connections');
is(many('/up/sleep?ms=10', n => 20), 'ok:20', 'and later it works');

for my $i (1 .. 20) {
    many('/up/sleep?ms=5', n => 100, times => 3);
    my $c = $s->open('/many?' . TaskFetch::query('/up/hang', n => 100));
    sleep(0.01);
    close $c->{socket};
}

$s->rested($was, 'again and again');
is(many('/some', n => 30), 'ok:30', 'all are there');

# jobs

sub job {
    my ($uri, %args) = @_;
    my $by = delete $args{-by} // '/job';
    return decode_json($s->get("$by?" . TaskFetch::query($uri, %args), method => 'POST')->{body})->{id};
}

sub ended {
    my ($id) = @_;
    my $job = decode_json($s->get("/jobs/$id?wait=20s")->{body});
    return join ' ', $job->{state}, map $_ // '', @{ $job->{result} // {} }{qw(rc status body)};
}

is(ended(job('/some')), 'done ok 200 some text', 'a job');
like(ended(job('/up/echo?a', method => 'POST', body => 'x')), qr/^done ok 200 .*"body":"x"/, 'with a body');

my $body = '{"a":"' . 'x' x 100_000 . '"}';
$r = decode_json($s->get('/job/pass?' . TaskFetch::query('/up/echo', method => 'POST', pass => 1),
                         method => 'POST', body => $body, headers => "Content-Type: application/json\r\n"
                         . 'Content-Length: ' . length($body) . "\r\n")->{body});
like(ended($r->{id}), qr/^done ok 200 .*"len":100008/, 'its own body');

my $id = job('/up/hang');
$s->wait_for(sub { $u->state->{open} == 1 }, 'it to ask');
$s->get("/jobs/$id", method => 'DELETE');
is(ended($id), 'cancelled   ', 'cancelled');
$s->rested($was, 'a job that is cancelled');
is($u->state->{open}, 0, 'its connection is closed');
is(ended(job('/up/hang', timeout => '100ms')), 'done timeout 0 ', 'a timeout');

# a quit waits for all of them

sub at_quit {
    my ($what, $signal, $status, %more) = @_;

    my @c = map $s->open($_), '/one?uri=/up/sleep%3Fms=2000', '/many?uri=/up/sleep%3Fms=2000',
            '/many?uri=/kept/sleep%3Fms=1000&times=2&limit=5';
    my $id = job('/up/sleep?ms=2500');
    $s->wait_for(sub { $u->state->{open} >= 17 }, 'all to ask');
    $s->signal($signal);
    my @r = $s->read_all(\@c);
    is(join(' ', map $_->{status}, @r), join(' ', ($status) x 3), "$what: all are answered");
    like($r[1]{body}, qr/"ok":10/, "$what: whole");
    return $id;
}

for (1, 2) {
    my ($old) = $s->workers;
    $id = at_quit('reload', 'HUP', 200);
    is(ended($id), 'done ok 200 slept', 'reload: the job, too');
    ok($s->wait_for(sub { !grep $_ == $old, $s->workers }, 'the old worker', 10), 'it has left');
}

$id = at_quit('quit', 'QUIT', 200);
my ($code) = $s->wait_for(sub { !$s->workers }, 'the worker to end', 10);
ok($code, 'and the worker ends');
is(($s->stop('TERM'))[0], 0, 'quit');
$s->wait_for(sub { $u->state->{open} == 0 }, 'the job to end');
my @hung = grep /open socket/, split /\n/, $s->text('error.log');
is("@hung", '', 'no socket is left');
$s->check_log('worker_connections are not enough');

# stopped at once; or by worker_shutdown_timeout

for my $try ([ 'TERM', '' ], [ 'QUIT', 'worker_shutdown_timeout 300ms;' ],
             [ 'HUP', 'worker_shutdown_timeout 300ms;' ])
{
    my ($signal, $main) = @$try;

    $s = TaskFetch->start(%conf, main => "$conf{main} $main");
    @c = map $s->open($_), '/one?uri=/up/hang', '/many?uri=/up/hang', '/pass?uri=/up/hang&body=abc';
    push @c, $s->open('/many?uri=/up/hang');
    my ($old) = $s->workers;
    job('/up/hang') if $signal eq 'TERM';
    $s->wait_for(sub { $u->state->{open} >= 21 }, 'all to ask');
    $s->signal($signal);
    $s->wait_for(sub { !grep $_ == $old, $s->workers }, "$signal: the worker to end", 10);
    $s->read_all(\@c, 10);
    $s->wait_for(sub { $u->state->{open} == 0 }, 'connections to be closed');
    is($u->state->{open}, 0, "$signal $main");
    $s->stop('TERM');
    unlike($s->text('error.log'), qr/exited on signal/, 'no crash');
    $s->check_log;
}

# also in the turn of the event loop in which a fetch is made, and has not begun:
# the first that holds the loop makes one turn of the jobs and the second, which
# lasts until the time is over

$s = TaskFetch->start(%conf, main => "$conf{main} worker_shutdown_timeout 800ms;");
my ($old) = $s->workers;
my @busy = map $s->connect, 1, 2;
print $_ "GET /busy" for @busy;
$s->get('/quick');
my $from = time();
$s->get('/after?ms=350ms', method => 'POST') for 1 .. 5;
$s->signal('QUIT');
at(0.2);
print { $busy[0] } "?duration=300ms HTTP/1.1\r\nHost: a\r\n\r\n";
at(0.4);
print { $busy[1] } "?duration=600ms HTTP/1.1\r\nHost: a\r\n\r\n";
$s->wait_for(sub { !grep $_ == $old, $s->workers }, 'the worker to end', 20);
$s->stop('TERM');
unlike($s->text('error.log'), qr/exited on signal/, 'no crash');
like($s->text('access.log'), qr{/busy\?duration=600ms }, 'both have held it');
$s->check_log;

sub at {
    my ($seconds) = @_;
    my $left = $from + $seconds - time();
    sleep($left) if $left > 0;
}

$u->stop;

done_testing();
