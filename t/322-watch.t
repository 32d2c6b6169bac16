#!/usr/bin/perl

# Callbacks of a worker: ngx_task_watch(), ngx_task_timer().

use strict;
use warnings;

use JSON::PP;
use Test::More;
use Time::HiRes qw(sleep time);

use TaskServer;

my $library = "$ENV{TEST_NGINX_TASKS}/test/wait.so";

my %conf = (
    main => "task_load $library; thread_pool default threads=4;",
    connections => 512,
    server => '
        location = /watch     { task watch; task_mode async; }
        location = /watch_all { task watch_all; }
        location = /timer     { task wait.timer; }
        location = /poke      { task poke; task_mode sync; }
        location = /leave     { task leave; }
        location = /fd        { task wait.fd; }
        location = /seen      { task seen; task_mode sync; }
        location = /quick     { quick; }
    ');

my $s = TaskServer->start(%conf);
my ($worker) = $s->workers;
my ($r, $c, @c, @r);

sub ask {
    my ($uri) = @_;
    my $r = $s->get($uri);
    is($r->{status}, 200, $uri) or diag $r->{body};
    return eval { decode_json($r->{body}) } // {};
}

sub seen { return decode_json($s->get('/seen')->{body}) }

sub descriptors {
    my @n = glob "/proc/$worker/fd/*";
    return scalar @n;
}

# the watch that init() has made is called again and again

for my $n (1 .. 3) {
    ask('/poke');
    ok($s->wait_for(sub { seen()->{init} == $n }, 'a call', 10), "init(): called, $n");
}

# what is open when all has been used once

$s->get($_) for '/watch', '/watch?how=thread', '/timer', '/seen';
my $open = descriptors();

# calls of the first one, for each event, of another and of a third one

my @how = (
    [ 'own',      '1 0 0 0', 1, 'a watch that its own callback ends' ],
    [ 'both',     '1 0 0 0', 1, 'ended for one event while the other is pending' ],
    [ 'narrow',   '1 0 0 0', 0, 'changed for one event while the other is pending' ],
    [ 'level',    '3 0 0 0', 1, 'what is not read is told again' ],
    [ 'other',    '1 0 0 0', 1, 'one that ends another which is ready, too' ],
    [ 'replaced', '1 0 0 0', 1, 'and makes one in its place, which is not ready' ],
    [ 'change',   '0 1 0 0', 1, 'changed before it was called' ],
    [ 'end',      '1 0 0 0', 1, 'the other side ends' ],
    [ 'same',     '3 0 0 3', 1, 'two of the same descriptor' ],
    [ 'moved',    '1 0 0 0', 1, 'given again with another descriptor' ],
    [ 'promise',  '1 0 0 0', 1, 'it resolves a promise' ],
);

for my $how (@how) {
    my ($name, $calls, $ended, $what) = @$how;
    $r = ask("/watch?how=$name");
    is("$r->{reads} $r->{writes} $r->{other} $r->{third}", $calls, "$name: $what");
    is($r->{ended} ? 1 : 0, $ended, "$name: " . ($ended ? 'ended' : 'not ended'));
}

ok(ask('/watch?how=fails')->{fails}, 'what has no events');

@r = $s->get_all(map "/watch?how=$_->[0]", (@how) x 20);
is(scalar(grep $_->{status} == 200, @r), 20 * @how, 'many at once');

# timers: never early

for my $how ([ 'once', 1, 1 ], [ 'again', 5, 5 ], [ 'shorter', 1, 1 ], [ 'longer', 1, 1 ],
             [ 'self', 1, 1 ])
{
    my ($name, $calls, $times) = @$how;

    for my $ms (0, 1, 7, 60) {
        $r = ask("/timer?how=$name&ms=$ms");
        is($r->{calls}, $calls, "$name, $ms ms: calls");
        cmp_ok($r->{late}, '>=', 0, 'never early');
        cmp_ok($r->{ms}, '<', $times * $ms + 1500, 'nor late');
        is($r->{ended} ? 1 : 0, $name eq 'self' ? 1 : 0, 'ended');
    }
}

is(ask('/timer?how=end&ms=30')->{calls}, 0, 'one that was ended is not called');
@r = $s->get_all(map "/timer?ms=$_", (1 .. 50) x 4);
is(scalar(grep $_->{body} =~ /"calls":1,"late":\d/, @r), 200, '200 at once');

# misuse: a 500 with its reason

for my $try ([ 'watch?how=thread', 'calls in a thread: "ngx_task_watch"' ],
             [ 'watch?how=odd', 'asks for unknown events: "ngx_task_watch"' ],
             [ 'watch?how=nothing', 'has NULL called: "ngx_task_watch"' ],
             [ 'timer?how=thread', 'calls in a thread: "ngx_task_timer"' ],
             [ 'timer?how=nothing', 'has NULL called: "ngx_task_timer"' ])
{
    my ($uri, $why) = @$try;
    my ($name) = $uri =~ /(\w+)/;
    is($s->get("/$uri")->{status}, 500, "$uri: a 500");
    like($s->text('error.log'), qr/\[error\].*task "$name": $why/, "$uri: why");
}

# no memory, no descriptor, and no connection is left

my $n = ask('/watch_all');
is($n->{rc}, 3, 'worker_connections are out: BUSY');
cmp_ok($n->{n}, '>', 400, 'not before');
is(ask('/watch_all')->{n}, $n->{n}, 'and they are given back') for 1 .. 3;
is(ask('/watch')->{reads}, 1, 'and then it works');

ok($s->wait_for(sub { my $n = seen(); $n->{begun} == $n->{deferred} }, 'all to end', 10),
   'all have ended');
ok($s->wait_for(sub { descriptors() <= $open + 1 }, 'descriptors', 10), 'no descriptor is left')
    or diag descriptors(), " of $open";

# one that is ready in each turn does not hold others up

is(ask('/leave')->{rc}, 0, 'a watch that is always ready');
my $took = 0;
for (1 .. 20) {
    my $q = $s->get('/quick');
    $took = $q->{time} if $took < $q->{time};
}
cmp_ok($took, '<', 0.5, '/quick');
is(join(' ', $s->workers), $worker, 'the worker lives');

# they do not keep a worker that quits, and nothing of them is left

my ($code, $time) = $s->stop('QUIT');
is($code, 0, 'QUIT: exit code');
cmp_ok($time, '<', 3, 'QUIT: at once');
unlike($s->text('error.log'), qr/open socket/, 'nothing is left');
$s->check_log('worker_connections are not enough');

# while a worker that quits waits for a task, they are called as before

$s = TaskServer->start(%conf);
($worker) = $s->workers;
ask('/leave');
$c = $s->open('/timer?how=again&ms=200');
my $d = $s->open('/fd?act=write&ms=1000&bound=-1');
$s->wait_for(sub { seen()->{begun} == 2 }, 'both to begin');
$s->reload;
@r = $s->read_all([ $c, $d ]);
is(decode_json($r[0]{body})->{calls}, 5, 'a reload: a timer goes on');
is($r[1]{status}, 200, 'and a task');
ok($s->wait_for(sub { !grep $_ == $worker, $s->workers }, 'the old worker', 20), 'it ends');
($code, $time) = $s->stop('TERM');
is($code, 0, 'TERM: exit code');
cmp_ok($time, '<', 3, 'TERM: at once');
$s->check_log;

# worker_shutdown_timeout closes what clients have: of a watch it is no event

$s = TaskServer->start(%conf, main => "$conf{main} worker_shutdown_timeout 100ms;
                                       task_shutdown_timeout 60s;",
    http => 'task_zone numbers:256k; task_stats numbers; task_job_zone jobs:2m;',
    server => "$conf{server}
        location = /job { task wait.fd; task_background on zone=jobs; }");
$s->get('/job?act=write&ms=1500&bound=-1');
$s->wait_for(sub { seen()->{begun} == 1 }, 'a job to begin');
($code, $time) = $s->stop('QUIT');
is($code, 0, 'worker_shutdown_timeout: exit code');
cmp_ok($time, '>', 0.5, 'long after it');
like($s->text('error.log'), qr/init: its watch is called 0 times/, 'no callback is called');
$s->check_log;

done_testing();
