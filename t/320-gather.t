#!/usr/bin/perl

# Several async functions at once: ngx_task_gather(), ngx_task_timeout().

use strict;
use warnings;

use JSON::PP;
use Test::More;
use Time::HiRes qw(sleep time);

use TaskBody;
use TaskServer;

my $s = TaskServer->start(
    main => "task_load $ENV{TEST_NGINX_TASKS}/test/gather.so;
             thread_pool default threads=32;",
    http => 'task_zone numbers:256k; task_stats numbers; task_job_zone jobs:2m;',
    server => '
        location = /gather  { task gather; task_mode async; }
        location = /within  { task within; task_mode async; }
        location = /wrongly { task wrongly; task_mode async; }
        location = /time    { task gather; task_mode async; task_timeout 300ms; }
        location = /small   { task gather kind=write; task_mode async;
                              task_stream_buffer 4k; }
        location = /job     { task gather; task_mode async;
                              task_background on zone=jobs; }
        location /jobs/     { task_jobs zone=jobs; }
        location = /seen    { task seen; task_mode sync; }
        location = /quick   { quick; }
        location = /status  { task_status json; }
    ');

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

sub quiet {
    my ($what) = @_;
    ok($s->wait_for(sub { my $n = seen(); $n->{begun} == $n->{deferred} }, 'all to end', 10),
       "$what: what was deferred is called");
}

my ($worker) = $s->workers;
my ($r, $c);

# all at once, and none early

for my $kind ('sleep', 'offload') {
    $r = ask("/gather?kind=$kind&n=10&ms=200ms");
    is("$r->{rc} " . rcs($r), '0 0:10', "$kind: each has ended");
    is($r->{most}, 10, 'all at once');
    cmp_ok($r->{ms}, '>=', 199, 'not early');
    cmp_ok($r->{ms}, '<', 1500, 'nor one after another');
}

# a limit

$r = ask('/gather?n=10&ms=100ms&limit=3');
is("$r->{most} " . rcs($r), '3 0:10', 'three at a time');
cmp_ok($r->{ms}, '>=', 399, 'so it takes four rounds');
$r = ask('/gather?n=3&ms=10ms&limit=10');
is("$r->{most} " . rcs($r), '3 0:3', 'a limit of more than there are');
$r = ask('/gather?n=0');
is("$r->{rc} " . rcs($r), '0 ', 'none');

# children that end at once; again and again

$r = ask('/gather?kind=once&n=2000');
is("$r->{rc} " . rcs($r), '0 0:2000', '2,000 that end at once');
$r = ask('/gather?kind=once&n=10&limit=1&times=2000');
is("$r->{rc} " . rcs($r), '0 0:10', '2,000 times');
$r = ask('/gather?kind=sleep&n=2000&ms=100ms');
is("$r->{most} " . rcs($r), '2000 0:2000', '2,000 that sleep');

# what composes

for my $kind ('call', 'gather', 'spawn') {
    $r = ask("/gather?kind=$kind&n=10&ms=100ms");
    is("$r->{rc} " . rcs($r), '0 0:10', $kind);
    next if $kind eq 'spawn';
    cmp_ok($r->{ms}, '>=', 199, "$kind: not early");
    cmp_ok($r->{ms}, '<', 1500, "$kind: at once");
}

# a child that fails is told, and others go on

$r = ask('/gather?n=5&ms=50ms&bad=2');
is("$r->{rc} @{ $r->{rcs} }", '0 0 0 1 0 0', 'the third one has failed');

# or it cancels the others

for my $kind ('sleep', 'offload', 'call', 'gather') {
    $r = ask("/gather?kind=$kind&n=6&ms=50ms&step=300ms&bad=1&first=true");
    is($r->{rc}, 1, "$kind: the first error");
    is(rcs($r), '0:1 1:1 2:4', "$kind: others are cancelled");
    cmp_ok($r->{ms}, '<', 1400, "$kind: at once");
}

$r = ask('/gather?n=100&limit=2&ms=50ms&bad=0&first=true');
is("$r->{rc} $r->{most}", '1 2', 'no more are begun');
is(rcs($r), '1:1 2:99', 'and they know');
$r = ask('/gather?kind=at_once&n=100&ms=0&bad=50&first=true');
is("$r->{rc} " . rcs($r), '1 0:50 1:1 2:49', 'an error of one that ends at once');

# a deadline for one

for my $ms (50, 1000) {
    $r = ask("/within?ms=${ms}ms&timeout=400ms");
    my ($rc, $least) = $ms == 50 ? (0, 99) : (5, 399);
    is($r->{rc}, $rc, "$ms ms within 400");
    cmp_ok($r->{ms}, '>=', $least, 'not early');
    cmp_ok($r->{ms}, '<', 950, 'and not late');
}

$r = ask('/within?ms=1s&timeout=1200ms');
is($r->{rc}, 5, 'the time ends in a thread');
cmp_ok($r->{ms}, '<', 1900, 'which is woken');
$r = ask('/within?ms=0&timeout=0');
ok($r->{rc} == 0 || $r->{rc} == 5, 'no time at all');
$r = ask('/gather?kind=timeout&n=5&ms=400ms&timeout=500ms');
is(rcs($r), '5:5', 'in a gather');

# misuse: a 500 with its reason, and nothing is left

for my $try ([ 'again', 'returns NGX_TASK_AGAIN, awaiting nothing' ],
             [ 'block', 'blocks on the event loop' ],
             [ 'set', 'sets its result in a piece that runs beside others' ],
             [ 'defer', 'defers in a piece that runs beside others' ],
             [ 'stream', 'streams in a piece that runs beside others' ],
             [ 'await', 'awaits in a thread' ],
             [ 'body', 'gives a program the body in a piece that runs beside others' ])
{
    my ($kind, $why) = @$try;
    is($s->get("/gather?kind=$kind&n=6&ms=200ms&bad=3")->{status}, 500, "$kind: a 500");
    $s->wait_for(sub { $s->text('error.log') =~ /task "gather".*$why/ }, 'the reason');
    like($s->text('error.log'), qr/\[error\].*task "gather".*$why/, "$kind: why");
}

for my $try ([ 'null', 'gathers NULL' ], [ 'fn', 'gathers a child without a function' ],
             [ 'flags', 'gathers with flags that do not exist: 2147483656' ],
             [ 'time', 'gathers a child without a function' ])
{
    my ($kind, $why) = @$try;
    is($s->get("/wrongly?kind=$kind")->{status}, 500, "$kind: a 500");
    like($s->text('error.log'), qr/\[error\].*task "wrongly".*$why/, "$kind: why");
}

quiet('misuse');

# the client leaves, the time is over, at each await

for my $kind ('sleep', 'offload', 'call', 'gather', 'timeout') {
    my $was = seen()->{begun};
    $c = $s->open("/gather?kind=$kind&n=20&ms=60s&timeout=90s");
    $s->wait_for(sub { seen()->{begun} == $was + 1 }, 'it to begin');
    sleep(0.05);
    close $c->{socket};
    quiet("$kind: the client has left");

    my $time = time();
    is($s->get("/time?kind=$kind&n=20&ms=60s&timeout=90s")->{status}, 504, "$kind: task_timeout");
    cmp_ok(time() - $time, '<', 5, "$kind: at once");
    quiet("$kind: the time is over");
}

# children that write: each line is whole, in the order in which they began to write

for my $limit (0, 3) {
    $c = $s->open("/small?n=300&ms=1ms&limit=$limit");
    sleep(0.2);
    my ($text, $ended) = body($s->read($c)->{body});
    my %i = map { ($_->{i} => 1) } map decode_json($_), split /\n/, $text;
    is(scalar keys %i, 300, "limit $limit: each line");
    ok($ended, 'a proper end');
}

# a job

my $id = decode_json($s->get('/job?kind=gather&n=10&ms=50ms')->{body})->{id};
$r = decode_json($s->get("/jobs/$id?wait=20s")->{body});
is("$r->{state} " . rcs($r->{result}), 'done 0:10', 'a job');
$id = decode_json($s->get('/job?kind=offload&n=40&ms=60s')->{body})->{id};
sleep(0.2);
$s->get("/jobs/$id", method => 'DELETE');
$r = decode_json($s->get("/jobs/$id?wait=20s")->{body});
is($r->{state}, 'cancelled', 'a job that is cancelled');
quiet('job');

# others are served meanwhile, and the worker has lived through it all

is(join(' ', $s->workers), $worker, 'the worker lives');

my @c = map $s->open("/gather?kind=$_&n=50&ms=300ms"), ('sleep', 'gather') x 10;
my $took = 0;
for (1 .. 20) {
    my $q = $s->get('/quick');
    $took = $q->{time} if $took < $q->{time};
}
cmp_ok($took, '<', 0.5, '/quick');
my @r = $s->read_all(\@c);
is(scalar(grep $_->{status} == 200, @r), 20, 'all answer');

# a quit while they wait: each ends

my $was = seen()->{begun};
@c = map $s->open("/gather?kind=$_&n=20&ms=500ms"), ('sleep', 'offload', 'gather', 'call');
$s->wait_for(sub { seen()->{begun} >= $was + 4 }, 'all to begin');
$s->signal('QUIT');
@r = $s->read_all(\@c);
is(join(' ', map $_->{status}, @r), '200 200 200 200', 'a quit waits for them');
ok($s->wait_for(sub { !$s->workers }, 'the worker to end', 20), 'and ends');
$s->stop('TERM');
$s->check_log;

done_testing();
