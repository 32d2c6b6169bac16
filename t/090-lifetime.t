#!/usr/bin/perl

# The client leaves, the worker is told to quit, to reload, to stop: in the
# middle of tasks of every kind.

use strict;
use warnings;

use JSON::PP;
use List::Util qw(sum0);
use Test::More;
use Time::HiRes qw(sleep time);

use TaskServer;

my %conf = (
    main => 'thread_pool two   threads=2 max_queue=1000;
             thread_pool full  threads=32 max_queue=40;
             thread_pool large threads=32 max_queue=1000;',
    http => 'task_zone full:64k; task_stats full;',
    server => '
        location = /async  { task sleep; }
        location = /two    { task sleep; task_mode thread=two; }
        location = /full   { task sleep; task_mode thread=full; }
        location = /status { task_status json; access_log off; }
        location = /large  { task sleep; task_mode thread=large; }
        location = /quick  { quick; }
    ',
);

my ($s, $r, @r, $c, @c, $code, $time);

sub fds {
    my ($worker) = $s->workers;
    $s->get('/async?duration=1ms');         # which needs one, once
    my @fds = glob "/proc/$worker/fd/*";
    return scalar @fds;
}

# requests that the worker has begun to serve, of this nginx so far

sub begun {
    my $zone = decode_json($s->get('/status')->{body})->{zones}[0];
    return sum0(map $_->{started}, @{ $zone->{tasks} });
}

sub wait_begun {
    my ($n) = @_;

    $s->wait_for(sub { begun() >= $n }, "$n requests");
}

$s = TaskServer->start(%conf);

# TEST 1: a task that waits for a thread is skipped when its client has left

my $before = fds();

my $begun = begun();
my @run = map $s->open('/two?duration=3s'), 1 .. 2;
$s->get('/quick');
@c = map $s->open('/two?duration=46m'), 1 .. 50;
wait_begun($begun + 52);
$_->{socket}->close for @c;
$s->wait_access(qr{duration=46m HTTP/1.1 499 sleep thread cancelled .* -$}, 50);
pass('waiting: cancelled at once');
$r = $s->get('/two?duration=10ms');
is($r->{status}, 200, 'waiting: the next one is served');
cmp_ok($r->{time}, '<', 6, 'waiting: and does not wait for the dead');
@r = $s->read_all(\@run);
is(scalar(grep $_->{status} == 200, @r), 2, 'waiting: others are not touched');

# TEST 2: one that sleeps in a thread frees it within 100 ms

my $rounds = 0;

cmp_ok(TaskServer::least(0.5, sub {
    my $begun = begun();

    @c = map $s->open('/two?duration=47m'), 1 .. 2;
    wait_begun($begun + 2);

    my $start = time();

    $_->{socket}->close for @c;
    $s->wait_access(qr{duration=47m HTTP/1.1 499 sleep thread cancelled}, 2 * ++$rounds);
    @r = $s->get_all(('/two?duration=1ms') x 2);

    return time() - $start;
}), '<', 0.5, 'sleeping: the threads are free at once');

is(scalar(grep $_->{status} == 200, @r), 2, 'sleeping: the next are served');

# TEST 3: 500 clients come and go

for my $round (1 .. 10) {
    @c = map $s->open($_ % 2 ? '/two?duration=48m' : '/async?duration=48m'),
         1 .. 50;
    select undef, undef, undef, rand(0.02);
    $_->{socket}->close for @c;
}

$s->wait_access(qr{duration=48m HTTP/1.1 499 }, 500);
$r = $s->get('/two?duration=1ms');
is($r->{status}, 200, 'aborts: the pool is free');
$s->wait_for(sub { fds() <= $before }, 'descriptors');
pass('aborts: descriptors are back');

# nothing holds the worker

($code, $time) = $s->stop('QUIT');
is($code, 0, 'aborts: exit code');
cmp_ok($time, '<', 5, 'aborts: nothing holds the worker');
$s->check_log;

# TEST 4: quit in the middle of tasks; two of the threads' wait for a thread

for my $try ([ 'async', ('/async?duration=700ms') x 10 ],
             [ 'thread', ('/two?duration=300ms') x 6 ],
             [ 'both', ('/async?duration=400ms', '/two?duration=300ms') x 4 ])
{
    my ($name, @uris) = @$try;

    $s = TaskServer->start(%conf);
    my $begun = begun();
    @c = map $s->open($_), @uris;
    wait_begun($begun + @c);
    ($code, $time) = $s->stop('QUIT');
    is($code, 0, "quit, $name: exit code");
    @r = $s->read_all(\@c);
    is(scalar(grep $_->{status} == 200, @r), scalar @uris,
       "quit, $name: every client has its answer");
    my @early = grep { my ($ms) = $uris[$_] =~ /=(\d+)/;
                       $r[$_]{time} < $ms / 1000 } 0 .. $#r;
    is("@early", '', "quit, $name: none early");
    $s->check_log;
}

# TEST 5: quit with tasks whose clients left: the threads are not waited for

$s = TaskServer->start(%conf);
$begun = begun();
@c = map $s->open('/two?duration=49m'), 1 .. 10;
wait_begun($begun + 10);
$_->{socket}->close for @c;
($code, $time) = $s->stop('QUIT');
is($code, 0, 'quit after aborts: exit code');
cmp_ok($time, '<', 3, 'quit after aborts: at once');
$s->check_log;

# TEST 6: reload in the middle of tasks

$s = TaskServer->start(%conf);
for my $round (1 .. 3) {
    my $begun = begun();
    my @uris = ('/async?duration=600ms', '/two?duration=300ms') x 4;
    @c = map $s->open($_), @uris;
    wait_begun($begun + @c);
    my @old = $s->reload;
    push @c, map $s->open($_), @uris;
    @r = $s->read_all(\@c);
    is(scalar(grep $_->{status} == 200, @r), scalar @c,
       "reload $round: every client has its answer");
    $s->wait_for(sub { my %w = map { $_ => 1 } $s->workers;
                       !grep $w{$_}, @old }, 'the old workers to leave');
    pass("reload $round: the old workers are gone");
}
($code) = $s->stop('QUIT');
is($code, 0, 'reload: exit code');
$s->check_log;

# TEST 7: a client that leaves while a subrequest's task runs

$s = TaskServer->start(%conf, server => $conf{server} . '
        location = /page { default_type text/html; ssi on;
                           return 200 \'<!--#include virtual="/one" -->\'; }
        location = /one { task sleep duration=50m; task_mode thread=two;
                          log_subrequest on; }
        location = /post { task sleep duration=300ms; task_mode thread=two;
                           post_action /after; }
        location = /post/async { task sleep duration=300ms;
                                 post_action /after; }
        location = /after { task sleep duration=500ms; }
    ');
$begun = begun();
@c = map $s->open('/page'), 1 .. 4;
wait_begun($begun + 4);
$_->{socket}->close for @c;
my $start = time();
$s->wait_access(qr{^GET /page HTTP/1.1 }, 4);
$r = $s->get('/two?duration=1ms');
is($r->{status}, 200, 'subrequest: the threads are free');
cmp_ok(time() - $start, '<', 2, 'subrequest: at once');

# TEST 8: post_action takes the request elsewhere when the client leaves

$begun = begun();
@c = map $s->open($_), ('/post', '/post/async') x 2;
wait_begun($begun + 4);
$_->{socket}->close for @c;
$s->wait_access(qr{^GET /post(/async)? HTTP/1.1}, 4);
is(scalar(() = $s->text('access.log')
               =~ m{^GET /post\S* \S+ \d+ sleep async done \d+\.\d{3} (?:0\.[5-9]|[1-9])}mg), 4,
   'post_action: its own task is not disturbed');
$r = $s->get('/two?duration=1ms');
is($r->{status}, 200, 'post_action: the worker lives');
($code) = $s->stop('QUIT');
is($code, 0, 'post_action: exit code');
$s->check_log;

# TEST 9: stop, 32 threads asleep and the queue exactly full; with 100 more
# queued; with async tasks; after clients left

for my $try ([ 'full', 75, '/full?duration=20s' ],
             [ 'queued', 132, '/large?duration=20s' ],
             [ 'async', 50, '/async?duration=20s' ],
             [ 'gone', 132, '/large?duration=20s' ])
{
    my ($name, $n, $uri) = @$try;
    my $best = 1e9;

    for my $round (1 .. 3) {
        $s = TaskServer->start(%conf);
        my $begun = begun();

        if ($name eq 'full') {

            # all threads have one each; then until one finds no room

            @c = map $s->open($uri), 1 .. 32;
            $s->wait_for(sub { $s->get('/status')->{body} =~ /"running":\s*32\b/ },
                         '32 to run');

            while (@c < $n && $s->text('access.log') !~ / 503 /) {
                push @c, $s->open($uri);
                $s->get('/quick');
            }

            is(scalar @c, 73, 'stop, full: 32 + 40 found room');

        } else {
            @c = map $s->open($uri), 1 .. $n;
            wait_begun($begun + $n);
        }

        if ($name eq 'gone') {
            $_->{socket}->close for @c;
        }

        ($code, $time) = $s->stop('TERM');
        is($code, 0, "stop, $name: exit code");
        $best = $time if $time < $best;
        $s->check_log;
    }

    # of three, since the machine may do something else meanwhile; that nginx
    # did not have to kill a worker is seen in the log each time

    cmp_ok($best, '<', 0.5, "stop, $name: in half a second");
}

done_testing();
