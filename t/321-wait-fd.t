#!/usr/bin/perl

# An async function waits for a descriptor: ngx_task_wait_fd().

use strict;
use warnings;

use JSON::PP;
use Test::More;
use Time::HiRes qw(sleep time);

use TaskServer;

my $library = "$ENV{TEST_NGINX_TASKS}/test/wait.so";

my %conf = (
    main => "task_load $library; thread_pool default threads=4;",
    http => 'task_zone numbers:256k; task_stats numbers; task_job_zone jobs:2m;',
    server => '
        location = /fd     { task wait.fd; }
        location = /line   { task line; }
        location = /limit  { task limit; }
        location = /time   { task wait.fd; task_timeout 300ms; }
        location = /job    { task wait.fd; task_background on zone=jobs; }
        location /jobs/    { task_jobs zone=jobs; }
        location = /seen   { task seen; task_mode sync; }
        location = /quick  { quick; }
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

sub rcs {
    my ($r) = @_;
    my %n;
    $n{$_}++ for @{ $r->{rcs} };
    return join ' ', map "$_:$n{$_}", sort keys %n;
}

sub seen { return decode_json($s->get('/seen')->{body}) }

# those that are open in the worker: connections of the test are closed soon

sub descriptors {
    my @n = glob "/proc/$_[0]/fd/*";
    return scalar @n;
}

sub quiet {
    my ($what) = @_;
    ok($s->wait_for(sub { my $n = seen(); $n->{begun} == $n->{deferred} }, 'all to end', 20),
       "$what: what was deferred is called");
}

sub begun {
    my ($n) = @_;
    $s->wait_for(sub { seen()->{begun} >= $n }, "$n to begin");
}

ask('/fd?act=write&ms=0');
my $open = descriptors($worker);

# what ends a wait: not before it happens

my @ends = (
    [ 'unix', 'write', 1 ], [ 'unix', 'write', 3, 'at once' ], [ 'unix', 'close', 1 ],
    [ 'unix', 'shutdown', 1 ], [ 'unix', 'drain', 2 ], [ 'unix', 'drain', 3 ],
    [ 'tcp', 'write', 1 ], [ 'tcp', 'close', 1 ], [ 'tcp', 'shutdown', 1 ],
    [ 'tcp', 'reset', 1 ], [ 'tcp', 'none', 2, 'at once' ], [ 'tcp', 'none', 3, 'at once' ],
    [ 'pipe', 'write', 1 ], [ 'pipe', 'close', 1 ], [ 'event', 'write', 1 ],
    [ 'event', 'write', 3, 'at once' ],
);

for my $end (@ends) {
    my ($sock, $act, $events, $at_once) = @$end;
    $r = ask("/fd?sock=$sock&act=$act&events=$events&ms=" . ($at_once ? 1000 : 100));
    is($r->{rc}, 0, "$sock, $act: OK");
    cmp_ok($r->{ms}, '>=', 100, 'not before') unless $at_once;
    cmp_ok($r->{ms}, '<', $at_once ? 900 : 2000, 'and soon');
    ok($r->{same}, 'its flags are what they were');
}

$r = ask('/fd?act=close&events=2&ms=0');
is($r->{rc}, 0, 'the end is an event for those who write, too');

# the time

for my $sock ('unix', 'event') {
    for my $ms (1, 20, 200) {
        $r = ask("/fd?sock=$sock&bound=$ms");
        is($r->{rc}, 5, "$sock, $ms ms: TIMEOUT");
        cmp_ok($r->{ms}, '>=', $ms, 'never early');
        cmp_ok($r->{ms}, '<', $ms + 1500, 'nor late');
        ok($r->{same}, 'its flags are what they were');
    }
}

is(ask('/fd?bound=5&times=200')->{rc}, 5, '200 times');
cmp_ok(ask('/fd?bound=2&times=100')->{ms}, '>=', 200, 'none of them early');
is(ask('/fd?bound=0')->{rc}, 5, '0: nothing is there');
is(ask('/fd?sock=tcp&bound=0&events=2')->{rc}, 0, '0: what is there counts');
is(ask('/fd?bound=-1&act=write&ms=300')->{rc}, 0, 'without a bound');
is(ask('/fd?bound=9223372036854775806&act=write&ms=30')->{rc}, 0, 'nearly without one');

# the loop is held up for longer than the time: what came meanwhile counts

$r = ask('/fd?in=blocked&n=2&timeout=1000&bound=50&act=write&ms=150');
is("@{ $r->{rcs} }", '0 0', 'ready when the loop looks');
cmp_ok($r->{ms}, '>=', 1000, 'it was held');
$r = ask('/fd?in=blocked&n=2&timeout=150&bound=50');
is("@{ $r->{rcs} }", '5 0', 'not ready when the loop looks');

# what is no descriptor that can be waited for: a 500 with its reason

for my $sock ('file', 'dir', 'null', 'closed', 'negative') {
    is($s->get("/fd?sock=$sock")->{status}, 500, "$sock: a 500");
}

my $log = $s->text('error.log');
is(() = $log =~ /\[error\].*task "fd": waits for what is no descriptor of a socket, a p/g, 5,
   'with its reason');

for my $events (0, 4, 5) {
    is($s->get("/fd?events=$events")->{status}, 500, "events=$events: a 500");
}

is(() = $s->text('error.log') =~ /task "fd": waits for unknown events of a descriptor/g, 3,
   'with its reason');
quiet('misuse');

# its owner closes it meanwhile, and its number is that of another file

for my $in ('plain', 'gather', 'timeout') {
    $r = ask("/fd?act=reuse&ms=50&in=$in&n=3&timeout=20000");
    is($r->{rc}, 0, "$in, reused: the first one is waited for");
    cmp_ok($r->{ms}, '>=', 550, 'until something comes');
}

$r = ask('/fd?act=reuse&ms=50&bound=120');
is($r->{rc}, 5, 'reused: the time is over');
@r = $s->get_all(map "/fd?act=reuse&ms=$_", 1 .. 50);
is(scalar(grep $_->{body} =~ /"rc":0/, @r), 50, 'reused, 50 at once');

# the same one twice

$r = ask('/fd?act=write&in=gather&n=2');
is(rcs($r), '0:2', 'two wait for the same one');
$r = ask('/fd?act=write&in=gather&n=200');
is(rcs($r), '0:200', '200 wait for the same one');
$r = ask('/fd?in=gather&n=200&bound=50');
is(rcs($r), '5:200', 'in vain');

# a line in pieces of a byte

$r = ask('/line?act=bytes&n=200&ms=1');
is($r->{bytes}, 200, 'a line');
cmp_ok($r->{waits}, '>=', 5, 'in pieces');
@r = $s->get_all(('/line?act=bytes&n=100&ms=1&sock=tcp') x 20);
is(scalar(grep $_->{body} =~ /"bytes":100,/, @r), 20, '20 at once');

# the client leaves, the time is over, the first error: at the wait

for my $in ('plain', 'gather', 'timeout') {
    my $was = seen()->{begun};
    @c = map $s->open("/fd?in=$in&n=20&bound=-1&timeout=3600000"), 1 .. 5;
    begun($was + 5);
    sleep(0.05);
    close $_->{socket} for @c;
    quiet("$in: the clients have left");

    my $time = time();
    is($s->get("/time?in=$in&n=20&bound=-1&timeout=3600000")->{status}, 504,
       "$in: task_timeout");
    cmp_ok(time() - $time, '>=', 0.3, 'not early');
    cmp_ok(time() - $time, '<', 5, 'nor late');
    quiet("$in: the time is over");
}

$r = ask('/fd?in=timeout&bound=-1&timeout=100');
is($r->{rc}, 5, 'ngx_task_timeout()');
cmp_ok($r->{ms}, '>=', 100, 'not early');
$r = ask('/fd?in=first&n=20&bound=-1&timeout=50');
is("$r->{rc} " . rcs($r), '1 1:1 2:19', 'the first error cancels others');

# what was given up is given back

for (1 .. 20) {
    @c = map $s->open("/fd?in=$_&n=20&bound=-1&timeout=3600000"), qw(plain gather timeout) x 3;
    $s->get('/quick');
    close $_->{socket} for @c;
}

quiet('many have left');
ok($s->wait_for(sub { descriptors($worker) <= $open + 1 }, 'descriptors', 10),
   'no descriptor is left') or diag descriptors($worker), " of $open";

# there are no descriptors

for (1 .. 3) {
    $r = ask('/limit');
    is($r->{rc}, 3, 'RLIMIT_NOFILE: BUSY');
    ok($r->{watch}, 'also for a watch');
    is(ask('/fd?act=write&ms=1')->{rc}, 0, 'and then it works');
}

like($s->text('error.log'), qr/\[error\].*: a task cannot wait for a descriptor, there is none/,
     'which is logged');

# a job

my $id = decode_json($s->get('/job?act=write&ms=200&bound=-1')->{body})->{id};
$r = decode_json($s->get("/jobs/$id?wait=20s")->{body});
is("$r->{state} $r->{result}{rc}", 'done 0', 'a job');
my $was = seen()->{begun};
$id = decode_json($s->get('/job?bound=-1&in=gather&n=5')->{body})->{id};
begun($was + 1);
$s->get("/jobs/$id", method => 'DELETE');
$r = decode_json($s->get("/jobs/$id?wait=20s")->{body});
is($r->{state}, 'cancelled', 'a job that is cancelled');
quiet('job');

# others are served meanwhile

@c = map $s->open("/fd?bound=400&in=$_&n=20"), ('plain', 'gather') x 20;
my $took = 0;
for (1 .. 20) {
    my $q = $s->get('/quick');
    $took = $q->{time} if $took < $q->{time};
}
cmp_ok($took, '<', 0.5, '/quick');
@r = $s->read_all(\@c);
is(scalar(grep $_->{status} == 200, @r), 40, 'all answer');
is(join(' ', $s->workers), $worker, 'the worker lives');

# a reload, and a quit: each wait ends as it would

my @kinds = map "in=$_&n=5&timeout=20000", 'plain', 'gather', 'timeout';

$was = seen()->{begun};
@c = map $s->open("/fd?bound=-1&act=write&ms=1000&$_"), @kinds;
$id = decode_json($s->get('/job?bound=-1&act=write&ms=1500')->{body})->{id};
begun($was + 4);
$s->reload;
is(ask('/fd?act=write&ms=1')->{rc}, 0, 'the new worker serves');
@r = $s->read_all(\@c);
is(join(' ', map $_->{status}, @r), '200 200 200', 'a reload waits for them');
$r = decode_json($s->get("/jobs/$id?wait=20s")->{body});
is("$r->{state} $r->{result}{rc}", 'done 0', 'and for a job');
ok($s->wait_for(sub { !grep $_ == $worker, $s->workers }, 'the old worker', 20), 'and ends');

@c = map $s->open("/fd?bound=-1&act=write&ms=1000&$_"), @kinds;
begun(3);
my ($code, $time) = $s->stop('QUIT');
is($code, 0, 'QUIT: exit code');
@r = $s->read_all(\@c);
is(scalar(grep $_->{body} =~ /"rc":0/, @r), 3, 'a quit waits for them');
cmp_ok($time, '<', 15, 'no longer');
$s->check_log;

# worker_shutdown_timeout closes clients, and with them their tasks

$s = TaskServer->start(%conf, main => "$conf{main} worker_shutdown_timeout 300ms;");
@c = map $s->open("/fd?bound=-1&$_"), @kinds;
begun(3);
($code, $time) = $s->stop('QUIT');
is($code, 0, 'worker_shutdown_timeout: exit code');
cmp_ok($time, '>=', 0.3, 'not before');
cmp_ok($time, '<', 5, 'but then');
@r = $s->read_all(\@c);
is(join(' ', map $_->{status}, @r), '0 0 0', 'no answer');
unlike($s->text('error.log'), qr/open socket/, 'nothing is left');
$s->check_log;

# a request that waits without bound holds a worker that quits; so does a job

for my $uri ('/fd?bound=-1&in=gather&n=3', '/job?bound=-1') {
    $s = TaskServer->start(%conf, main => "$conf{main} worker_shutdown_timeout 100ms;")
        if $uri =~ /job/;
    $s = TaskServer->start(%conf) if $uri !~ /job/;
    $c = $s->open($uri);
    begun(1);
    $s->signal('QUIT');
    $s->wait_for(sub { $s->text('error.log') =~ /gracefully shutting down/ }, 'QUIT');
    sleep(0.7);
    is(scalar(() = $s->workers), 1, "$uri: the worker waits");
    ($code, $time) = $s->stop('TERM');
    is($code, 0, 'TERM: exit code');
    cmp_ok($time, '<', 5, 'TERM: at once');

    # nginx tells of a client that is left when TERM follows QUIT

    $s->check_log('open socket #\d+ left in connection|aborting');
}

# TERM alone

$s = TaskServer->start(%conf);
@c = map $s->open("/fd?bound=-1&$_"), @kinds;
$s->get('/job?bound=-1');
begun(4);
($code, $time) = $s->stop('TERM');
is($code, 0, 'TERM: exit code');
cmp_ok($time, '<', 5, 'TERM: at once');
$s->check_log;

# worker_connections: BUSY, and then it works again

$s = TaskServer->start(%conf, connections => 32);
($worker) = $s->workers;
ask('/fd?act=write&ms=0');
$open = descriptors($worker);

for (1 .. 5) {
    $r = ask('/fd?in=gather&n=60&bound=200');
    is($r->{rc}, 0, 'worker_connections are out');
    my %n;
    $n{$_}++ for @{ $r->{rcs} };
    cmp_ok($n{5} // 0, '>=', 15, 'as many wait as there are');
    is(($n{3} // 0) + ($n{5} // 0), 60, 'for others it is BUSY');
    is(ask('/fd?act=write&ms=1')->{rc}, 0, 'and then it works');
}

for (1 .. 100) {
    my $was = seen()->{begun};
    $c = $s->open('/fd?bound=-1&in=gather&n=10');
    begun($was + 1);
    close $c->{socket};
    quiet('left') if $_ % 20 == 0;
}

$r = ask('/fd?in=gather&n=15&bound=50');
is(rcs($r), '5:15', 'connections are given back');
ok($s->wait_for(sub { descriptors($worker) <= $open + 1 }, 'descriptors', 10),
   'and no descriptor is left') or diag descriptors($worker), " of $open";
is(join(' ', $s->workers), $worker, 'the worker lives');
$s->stop('QUIT');
$s->check_log('worker_connections are not enough');

done_testing();
