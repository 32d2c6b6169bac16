#!/usr/bin/perl

# To operate jobs, in both stores: a list of them, page by page, and jobs that
# are tried again; and how a large zone is listed.

use strict;
use warnings;

use JSON::PP;
use List::Util qw(uniq);
use Test::More;
use Time::HiRes qw(sleep time);

use TaskRedis;
use TaskServer;
use TaskServers;
use TaskTurns;

my $module = ($ENV{TEST_NGINX_LOAD_MODULES} // '') =~ s/_task_module/_task_redis_module/r;
my $count = "task_load $ENV{TEST_NGINX_TASKS}/countdown.so;";
my ($s, $store, $redis, $e, $sign);

sub json { return decode_json($_[0]{body}) }
sub id { return json($_[0])->{id} }
sub job { return json($s->get("/jobs/$_[0]?wait=" . ($_[1] // 0))) }
sub page { return json($s->get("/jobs/?$_[0]")) }
sub post { return $s->get("/jobs/$_[0]", method => 'POST') }
sub retry { return post("$_[0]?retry=1") }
sub ids { return map $_->{id}, @{ $_[0]{jobs} } }

sub made {
    my ($uri, %o) = @_;

    my $r = $s->get($uri, %o);
    die "$uri: $r->{status} $r->{body}" if $r->{status} != 202;

    return id($r);
}

sub ended { my ($id) = @_; return job($id, '20s')->{state} }

# one that fails, until there is a sign

sub fails {
    my ($uri) = @_;

    unlink $sign;
    my $id = made($uri // '/try');
    my $state = ended($id);
    die "$id: $state" if $state ne 'failed';

    return $id;
}

sub sign { open my $out, '>', $sign or die "$sign: $!" }

# all pages, as one list, and how many there were

sub pages {
    my ($args, $between) = @_;

    my (@jobs, $n);
    my $next = '';

    while (defined $next) {
        my $p = page($args . ($next ne '' ? "&after=$next" : ''));

        push @jobs, @{ $p->{jobs} };
        $next = $p->{next};
        $n++;
        $between->($n) if $between;
        die 'pages without an end' if $n > 5000;
    }

    return (\@jobs, $n);
}

sub stats { return json($s->get('/status'))->{jobs}[0] }

sub conf {
    my (%o) = @_;

    my $try = sub {
        qq(task command program=/bin/sh output=whole "args=-c 'sleep $_[0]; test -e $sign'";)
    };

    return (workers => 2, main => $count, %o, server => '
        task_background on zone=jobs;
        location = /sleep   { task sleep; }
        location = /count   { task countdown; }
        location = /other   { task sleep; task_background on zone=jobs queue=other; }
        location = /both    { task countdown; task_background on zone=jobs queue=other; }
        location = /one     { task sleep; task_limit running=1 queue=1; }
        location = /short   { task sleep duration=5s; task_timeout 100ms; }
        location = /try     { ' . $try->(0) . ' }
        location = /slow    { ' . $try->(0.7) . ' }
        location = /brief   { ' . $try->(0) . ' task_timeout 1s; }
        location = /status  { task_status json; }
        location = /metrics { task_status prometheus; }
        location = /ready   { task_ready; add_header X-Worker $pid always; }
        location = /quick   { quick; }
        location /jobs/     { task_jobs zone=jobs list=on; }
        location /plain/    { task_jobs zone=jobs; }
        location ~ ^/re/    { task_jobs zone=jobs list=on; }
' . ($o{server} // ''));
}


for (qw(zone redis)) {
    $store = $_;

    local $ENV{TEST_NGINX_LOAD_MODULES} = $ENV{TEST_NGINX_LOAD_MODULES};
    my %conf = (http => 'task_job_zone jobs:4m;');

    if ($store eq 'redis') {
        if (!-f $module) {
            diag("no $module");
            next;
        }

        $ENV{TEST_NGINX_LOAD_MODULES} .= "; load_module $module";
        $redis = redis_start();
        $e = TaskRedis->new(port => $redis->{port});
        %conf = (port => $redis->{port} + 40, http => 'task_job_redis name=jobs lease=2s'
                         . " url=redis://127.0.0.1:$redis->{port};");
    }

    $s = TaskServer->new(%conf);
    $sign = "$s->{root}/sign";
    %conf = (%conf, conf(%conf));
    $s = bless { %$s, %conf }, 'TaskServer';
    $s->write_conf(%conf);
    $s->start;
    $s->ready;

    # TEST 1: a list, and what is in it

    is_deeply(page(''), { jobs => [], next => undef }, "$store: none");

    my @ids = map made('/sleep?duration=0'), 1 .. 3;
    ended($_) for @ids;
    push @ids, made('/count?steps=3&every=10s');
    my $running = $ids[3];
    $s->wait_for(sub { job($running)->{progress}{message} ne '' }, 'a progress');
    push @ids, made('/other?duration=0'), fails();
    ended($ids[4]);

    my $p = page('');
    is_deeply([ ids($p) ], [ reverse @ids ], 'the newest one is the first');
    is($p->{next}, undef, 'no other page');

    for (@{ $p->{jobs} }) {
        my $job = job($_->{id});
        delete @$job{qw(result error content_type)};
        my ($queue, $function) = delete @$_{qw(queue function)};
        is_deeply($_, $job, "as it is told alone, without a result: $job->{state}");
        is($queue, $_->{id} eq $ids[4] ? 'other' : $_->{id} eq $ids[5] ? 'command'
                   : $_->{id} eq $ids[3] ? 'countdown' : 'sleep', 'its queue');
        is($function, $queue eq 'other' ? undef : $queue,
           'its function, unless there are several');
    }

    is_deeply(page('limit=20'), page($_), "/jobs/ and ?$_") for '', 'x=y&limit=1&limit=20';
    is_deeply(json($s->get('/re/')), page(''), 'a regular expression');
    is_deeply([ ids(page('state=failed')) ], [ $ids[5] ], 'by state');
    is_deeply([ ids(page('queue=sleep')) ], [ reverse @ids[0 .. 2] ], 'by queue');
    is_deeply([ ids(page('queue=sleep&state=done&limit=2')) ], [ reverse @ids[1, 2] ],
              'by both');
    is_deeply(page("queue=$_"), { jobs => [], next => undef }, "of the queue $_: none")
        for 'x', 'x' x 100, '%ff';

    my $r = $s->get('/jobs/', method => 'HEAD');
    is("$r->{status} $r->{body}", '200 ', 'HEAD');
    like($r->{headers}, qr/^Cache-Control: no-store\r?$/m, 'not cached');

    for my $method (qw(POST DELETE PUT)) {
        $r = $s->get('/jobs/', method => $method);
        is($r->{status}, 405, "$method of a list");
        like($r->{headers}, qr/^Allow: GET, HEAD\r?$/m, 'with what is allowed');
    }

    $r = $s->get("/jobs/$running", method => 'PUT');
    like($r->{headers}, qr/^Allow: GET, HEAD, POST, DELETE\r?$/m, 'of a job, too');

    is($s->get($_)->{status}, 404, "$_: no list") for '/plain/', '/jobs/x/', '/jobs/x';
    is($s->get("/plain/$ids[5]?retry=1", method => 'POST')->{status}, 405,
       'no retry where is no list');

    # TEST 2: wrong parameters

    for ([ 'limit=0', 'limit', 'greater_than_equal' ],
         [ 'limit=101', 'limit', 'less_than_equal' ],
         [ 'limit=x', 'limit', 'int_parsing' ],
         [ 'after=0', 'after', 'greater_than_equal' ],
         [ 'after=-1', 'after', 'greater_than_equal' ],
         [ 'after=99999999999999999999', 'after', qr/int/ ],
         [ 'state=gone', 'state', 'literal_error' ],
         [ 'state=', 'state', 'literal_error' ])
    {
        my ($args, $name, $type) = @$_;

        $r = $s->get("/jobs/?$args");
        my $detail = json($r)->{detail};
        is($r->{status}, 422, "?$args");
        is_deeply($detail->[0]{loc}, [ 'query', $name ], 'its place');
        like($detail->[0]{type}, qr/^$type/, 'its type');
    }

    is_deeply([ map $_->{loc}[1], @{ json($s->get('/jobs/?state=x&limit=x'))->{detail} } ],
              [ qw(limit state) ], 'two at once');
    is_deeply(page('after=1000000000000'), page(''), 'after what is not there yet');

    # TEST 3: pages, while jobs come and go

    push @ids, map made('/sleep?duration=0'), 1 .. 6;
    ended($_) for @ids[6 .. 11];
    my @seen;
    my $next = '';

    for my $n (1 .. 4) {
        $p = page('limit=3' . ($next ne '' ? "&after=$next" : ''));
        push @seen, ids($p);
        $next = $p->{next};

        # some come, and one of those seen, and one to be seen, go

        ended(made('/sleep?duration=0')) for 1 .. 4;
        $s->get("/jobs/$_?forget=1", method => 'DELETE')
            for $n == 1 ? @ids[10, 6] : ();
    }

    is_deeply(\@seen, [ @ids[11, 10, 9, 8, 7, 5, 4, 3, 2, 1, 0] ],
              'each that was there, once, and none that came');
    is($next, undef, 'and an end');

    my ($all, $n) = pages('limit=1');
    is_deeply([ map $_->{id}, @$all ], [ ids(page('limit=100')) ], 'pages of one job');
    is($n, scalar @$all, 'none is empty');

    # TEST 4: what has failed is tried again

    my $id = fails();
    my $was = job($id);
    ok($was->{error}, 'it says why it failed');
    sign();
    $r = retry($id);
    is($r->{status}, 202, 'retry');
    is_deeply(json($r), { id => $id, state => 'queued', href => "/jobs/$id" }, 'as accepted');
    like($r->{headers}, qr{^Location: /jobs/$id\r?$}m, 'its address');
    like($r->{headers}, qr/^Retry-After: 1\r?$/m, 'and when to ask');
    my $job = job($id, '20s');
    is($job->{state}, 'done', 'it is done then');
    is($job->{created}, $was->{created}, 'the same job');
    cmp_ok($job->{started}, '>=', $was->{ended}, 'which began anew');
    is($job->{error}, undef, 'without an error');
    is(retry($id)->{status}, 409, 'one that is done: no retry');
    like(json(retry($id))->{detail}, qr/failed, lost or dead/, 'which says why');

    # TEST 5: again and again; and while it waits it has nothing of its end

    $id = fails('/slow');
    for (1 .. 3) {
        is(retry($id)->{status}, 202, "retry $_");
        $job = job($id);
        like($job->{state}, qr/^(?:queued|running)$/, 'it goes on');
        is_deeply([ @$job{qw(status ended error)} ], [ undef, undef, undef ],
                  'nothing of an end');
        is(retry($id)->{status}, 409, 'not twice');
        is(ended($id), 'failed', 'it fails');
    }

    my %n;
    my @c = map $s->open("/jobs/$id?retry=1", method => 'POST'), 1 .. 10;
    $n{$_->{status}}++ for $s->read_all(\@c);
    is_deeply(\%n, { 202 => 1, 409 => 9 }, 'of ten at once one does it');
    ended($id);

    # TEST 6: what is not tried again

    my %not = (running => $running, timeout => made('/short'),
               cancelled => made('/sleep?duration=1m'));
    is(ended($not{timeout}), 'timeout', 'one whose time is over');
    $s->get("/jobs/$not{cancelled}", method => 'DELETE');
    is(ended($not{cancelled}), 'cancelled', 'one that is cancelled');
    is(retry($not{$_})->{status}, 409, "$_: no retry") for sort keys %not;
    is(retry('0' x 32)->{status}, 404, 'none');
    is(retry('x')->{status}, 404, 'no id');
    $r = post($id);
    is($r->{status}, 422, 'POST without retry');
    is_deeply(json($r)->{detail}[0]{loc}, [ 'query', 'retry' ], 'says so');
    is(post("$id?retry=$_")->{status}, 422, "?retry=$_") for 0, 'x', '';
    is(post("$id/result?retry=1")->{status}, 405, 'not of a result');

    # TEST 7: one that waits again is cancelled, as any

    $id = fails('/brief');
    my @blocks = map made('/one?duration=1m'), 1 .. 3;

    # its time begins anew: it had 1 s

    sleep(1.2);
    sign();
    is(retry($id)->{status}, 202, 'later than its timeout');
    is(ended($id), 'done', 'it has all of its time');

    # TEST 8: ages and counts

    $s->wait_for(sub { stats()->{retried} == 6 }, 'retries are counted');
    $s->wait_for(sub { stats()->{oldest_queued_seconds} > 2 }, 'it grows old');
    my $age = stats()->{oldest_queued_seconds};
    cmp_ok($age, '<', 20, 'the age of what waits');
    my $label = '{zone="jobs"}';
    my $metrics;
    $s->wait_for(sub {
        $metrics = $s->get('/metrics')->{body};
        return $metrics =~ /^nginx_task_jobs_retried_total\Q$label\E 6$/m;
    }, 'a metric of the retries');
    like($metrics, qr/^nginx_task_jobs_oldest_queued_seconds\Q$label\E \d+\.\d{3}$/m, 'another one');

    $s->get("/jobs/$_", method => 'DELETE') for @blocks;
    ended($_) for @blocks;
    $s->wait_for(sub { stats()->{oldest_queued_seconds} == 0 }, 'none waits');

    # TEST 9: a worker is killed; what was lost is tried again, and has a place though
    # its queue is full

    $id = made('/one?duration=1500ms');
    $s->wait_for(sub { job($id)->{state} eq 'running' }, 'a run');
    my @workers = $s->workers;
    kill 'KILL', @workers;
    $s->wait_for(sub {
        my %new = map { $_ => 1 } $s->workers;
        delete @new{@workers};
        return keys %new == 2;
    }, 'new workers');
    $s->wait_for(sub { $s->get("/jobs/$id")->{status} == 200 && job($id)->{state} eq 'lost' },
                 'its loss');
    is_deeply([ grep $_ eq $id, ids(page('state=lost')) ], [ $id ], 'it is listed as lost');
    $s->ready;

    @blocks = ();

    for (1 .. 20) {
        $r = $s->get('/one?duration=2s');
        last if $r->{status} == 503;
        push @blocks, id($r);
    }

    is($r->{status}, 503, 'the queue is full');
    is(retry($id)->{status}, 202, 'it was accepted once');
    is(job($id)->{state}, 'queued', 'it waits');
    is($s->get("/jobs/$id", method => 'DELETE')->{status}, 200, 'it is cancelled');
    is(ended($id), 'cancelled', 'as any that waits');
    ended($_) for @blocks;

    # TEST 10: what it was made of is gone

    $id = fails();

    if ($store eq 'redis') {
        $e->audit;
        $e->command('DEL', "{task-jobs}:in:$id");
        $r = retry($id);
        is($r->{status}, 410, 'its input is gone');
        like(json($r)->{detail}, qr/not kept/, 'as it says');
        is(job($id)->{state}, 'failed', 'it stays as it is');
        $s->get("/jobs/$id?forget=1", method => 'DELETE');

        # jobs of another queue are passed over, and all are found

        my @other = reverse ids(page('queue=other&limit=100'));
        my @c = map $s->open('/sleep?duration=0'), 1 .. 700;
        $s->read_all(\@c);
        my ($found, $n) = pages('queue=other&limit=10');
        is_deeply([ reverse map $_->{id}, @$found ], \@other, 'found behind many others');
        cmp_ok($n, '>=', 2, 'on another page');
    }

    # TEST 11: a reload keeps what may be tried again

    $id = fails();
    $s->reload;
    $s->ready;
    sign();
    is(retry($id)->{status}, 202, 'after a reload');
    is(ended($id), 'done', 'it is done');

    if ($store eq 'redis') {
        $e->audit;
        $redis->kill9;
        is($s->get('/jobs/')->{status}, 500, 'no list without its engine');
    }

    my ($code) = $s->stop('TERM');
    is($code, 0, 'ends');
    $s->check_log('is gone|redis|Redis|lost|exited on signal 9');
}

$store = 'zone';

# TEST 12: the directive

for ([ 'zone=jobs list=maybe', 'invalid parameter "list=maybe", it must be "on" or "off"' ],
     [ 'list=on', 'must have "zone" parameter' ],
     [ 'zone=jobs zone=jobs', 'duplicate' ],
     [ 'zone=jobs lists=on', 'invalid parameter "lists=on"' ])
{
    my ($args, $text) = @$_;
    my %o = (http => 'task_job_zone jobs:1m;', server => "location /jobs/ { task_jobs $args; }");
    my ($ok, $log) = TaskServer->new->test_conf(%o);
    ok(!$ok, "task_jobs $args: refused");
    like($log, qr/\Q$text\E/, "as it says");
}

# TEST 13: an input goes before any result does; with a key it is the same job

$s = TaskServer->start(workers => 1, http => '
    task_job_zone jobs:200k keep=1h max_body=8k;
    task_job_zone none:1m;', server => '
    location = /fail   { task command program=/bin/false; task_background on zone=jobs; }
    location = /none   { task command program=/bin/false;
                         task_background on zone=none location=/nones/; }
    location /jobs/    { task_jobs zone=jobs list=on; }
    location /nones/   { task_jobs zone=none; }
    location = /status { task_status json; }
');

my @body = (method => 'POST', body => 'x' x 7000);
my $length = "Content-Length: 7000\r\n";
my $none = made('/none', @body, headers => $length);
$s->wait_for(sub { json($s->get("/nones/$none"))->{state} eq 'failed' }, 'a failure');
cmp_ok(json($s->get('/status'))->{jobs}[1]{blocks}{used}, '<', 5,
       'where is no list no input is kept');

my $key = "${length}Idempotency-Key: \"a\"\r\n";
my $first = made('/fail', @body, headers => $key);
is(ended($first), 'failed', 'one that fails');
is(made('/fail', @body, headers => $key), $first, 'is the one of its key');
is(retry($first)->{status}, 202, 'tried again');
is(ended($first), 'failed', 'it fails again');
is(made('/fail', @body, headers => $key), $first, 'and has its key yet');

is(job($first)->{error}, 'the program has failed', 'which it says');

my @others;
for (1 .. 40) {
    push @others, made('/fail', @body, headers => $length);
    ended($others[-1]);
}

cmp_ok(stats()->{blocks}{used}, '>', stats()->{blocks}{total} - 60, 'all room is used');
my $stats = stats();
is($stats->{dropped}, 0, 'no job was dropped');
is($stats->{refused}, 0, 'nor refused');
is(job($first)->{state}, 'failed', 'what has become of it is told');
is(retry($first)->{status}, 410, 'what it was made of went first');
is(retry($others[-1])->{status}, 202, 'the newest one is tried again');
ended($others[-1]);
my ($code) = $s->stop('TERM');
is($code, 0, 'ends');
$s->check_log;

# TEST 14: a large zone

my $turns = TaskTurns->new;
my $many = $ENV{TEST_NGINX_SANITIZER} ? 3000 : 20000;

$s = TaskServer->start(workers => 1, log_level => 'warn',
                       http => 'task_job_zone jobs:32m; keepalive_requests 1000000;', server => '
    location = /sleep { task sleep duration=0; task_background on zone=jobs; }
    location = /other { task sleep duration=0; task_background on zone=jobs queue=other; }
    location /jobs/   { task_jobs zone=jobs list=on; }
    location = /quick { quick; }
    location = /status { task_status json; }
');

my %there;

sub fill {
    my ($n, $uri) = @_;

    my $c = $s->connect or die "connect: $!";
    my ($sent, $text, $end) = (0, '', 0);

    while ($end < $n) {
        while ($sent < $n && $sent - $end < 100) {
            syswrite $c, "GET $uri HTTP/1.1\r\nHost: localhost\r\n\r\n";
            $sent++;
        }
        sysread $c, $text, 65536, length $text or die "read: $!";
        while ($text =~ s/^.*?"id":"(\w+)"[^}]*\}//s) { $there{$1} = 1; $end++ }
    }
}

fill($many / 2, '/sleep');

my @gone = (sort keys %there)[0 .. 49];

fill(10, '/other');
fill($many / 2, '/sleep');
is(scalar keys %there, $many + 10, "$many jobs");

# some come, and some go, while pages are asked for

my %before = %there;
my %was = %there;
my ($listed, $asked) = pages('limit=100', sub {
    fill(10, '/sleep');
    my $go = shift @gone or return;
    $s->get("/jobs/$go?forget=1", method => 'DELETE');
    delete $was{$go};
});

my @found = map $_->{id}, @$listed;
is(scalar(uniq @found), scalar @found, 'none is told twice');
is(scalar(grep !$before{$_}, @found), 0, 'none that came is told');
delete @was{@found};
is(scalar keys %was, 0, 'none is left out');
cmp_ok($asked, '>=', $many / 100, "in $asked pages");

my $one = page('queue=other&limit=100');
is(scalar @{ $one->{jobs} }, 10, 'a queue in the midst of them');
is($one->{next}, undef, 'on one page');

for ('', 'queue=other', 'state=failed', 'limit=100&after=200') {
    my ($least, $r, $ms, $quick) = (1e9);

    for my $try (1 .. 6) {
        ($r, $ms, $quick) = $turns->held($s, "GET /jobs/?$_ HTTP/1.1\r\nHost: localhost\r\n\r\n");
        $least = $ms if $ms < $least;
        last if $least < 1;
    }

    is($r->{status}, 200, "a list: ?$_");
    cmp_ok($least, '<', 1, 'holds the loop less than a millisecond') if $turns->{file};
    note(sprintf '%s: %.3f ms, quick %.1f ms', $_, $least, $quick);
}

# who asks, and leaves

for (1 .. 50) {
    my $c = $s->connect;
    syswrite $c, "GET /jobs/?limit=100 HTTP/1.1\r\nHost: localhost\r\n\r\n";
    close $c;
}

is($s->get('/jobs/?limit=1')->{status}, 200, 'others have left');

($code) = $s->stop('QUIT');
is($code, 0, 'ends');
$s->check_log;

done_testing();
