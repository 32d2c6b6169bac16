#!/usr/bin/perl

# The clock of the machine is set, forth and back, while a zone has jobs, with a
# state file and without: times are told by it, and nothing is early, late or lost.

use strict;
use warnings;

use JSON::PP;
use Test::More;
use Time::HiRes qw(sleep time);

use TaskServer;
use TaskState;

plan skip_all => 'a sanitizer has to be the first library'
    if ($ENV{TEST_NGINX_LOAD_MODULES} // '') =~ /asan|tsan/;

my $clock = "$ENV{TEST_NGINX_TASKS}/clock-$$.so";
my $ahead = "$ENV{TEST_NGINX_TASKS}/clock-$$";
system(qw(gcc -Wall -Wextra -Werror -shared -fPIC -O2 -o), $clock, 't/lib/clock.c') == 0 or die;
END { unlink grep defined, $clock, $ahead }

my ($s, $ran, $store, $by, $hour);

# what is mapped stays the same file

sub set {
    ($by) = @_;

    open my $out, -e $ahead ? '+<' : '>', $ahead or die "$ahead: $!";
    syswrite($out, pack 'q', $by) == 8 or die "$ahead: $!";
}

sub start {
    local @ENV{qw(LD_PRELOAD CLOCK_FILE)} = ($clock, $ahead);

    $s->start;
    wait_loaded($s);
}

sub server {
    my ($ttl) = @_;

    set(0);
    $s = TaskServer->new;
    $ran = "$s->{root}/ran";
    my $state = $store eq 'state' ? 'state=jobs.state' : '';
    $s->write_conf(
        workers => 1,
        main => "task_load $ENV{TEST_NGINX_TASKS}/test/ran.so; task_set ran.file $ran;",
        http => "task_job_zone jobs:2m ttl=$ttl keep=1s attempts=3 $state;
                 task_background on zone=jobs;",
        server => '
            location = /ran     { task ran; }
            location = /one     { task ran; task_limit running=1 queue=100; }
            location = /timeout { task ran; task_timeout 3s; }
            location = /waits   { task ran; task_timeout 3s; task_limit running=1 queue=100; }
            location /jobs/     { task_jobs zone=jobs; }
            location = /status  { task_status json; task_background off; }');
    $s->{state} = "$s->{root}/jobs.state";
    start();
}

# when attempts of a job have begun, as many as there are

sub begun {
    my ($n) = @_;

    open my $in, '<', $ran or return 0;
    return scalar grep /^begin $n /, <$in>;
}

sub near {
    my ($time, $right, $what) = @_;

    cmp_ok(abs(($time // 0) - $right), '<', 10, "$store, $hour: $what");
}

# --- what runs, waits, has ended, and who waits for it ---------------------------

sub runs {
    server('8s');

    my $start = time();
    my $ended = submit($s, '/ran?n=1&ms=0');
    ended($s, $ended);
    my $end = time();
    my $timeout = submit($s, '/timeout?n=2&ms=60000');
    my $long = submit($s, '/ran?n=3&ms=60000');
    my $runs = submit($s, '/ran?n=4&ms=4000');
    my $first = submit($s, '/one?n=5&ms=3000');
    my $second = submit($s, '/one?n=6&ms=0');
    wait_state($s, 'running', $timeout, $long, $runs, $first);
    my $blocks = submit($s, '/waits?n=7&ms=2000');
    my $late = submit($s, '/waits?n=8&ms=60000');
    my $client = $s->open("/jobs/$long?wait=2s");
    sleep(0.2);

    set($_[0]);
    my $set = time();

    my $new = submit($s, '/ran?n=9&ms=300');
    my $j = ended($s, $new);
    cmp_ok(time() - $set, '>=', 0.3 - 0.003, "$store, $hour: a new one is not early");
    cmp_ok(time() - $set, '<', 10, "$store, $hour: nor late");
    is($j->{state}, 'done', "$store, $hour: but done");
    near($j->{$_}, time() + $by, "its time is of the clock: $_") for qw(created started ended);

    # longer than it did when it was set

    $j = ended($s, $first);
    is($j->{state}, 'done', "$store, $hour: what ran is done");
    near($j->{created}, $start, 'it was accepted before');
    near($j->{started}, $start, 'and begun');
    near($j->{ended}, time() + $by, 'and has ended after');
    is(ended($s, $second)->{state}, 'done', "$store, $hour: what waited is done");
    is(ended($s, $runs)->{state}, 'done', "$store, $hour: and what ran longer");

    my $r = $s->read($client);
    is($r->{status}, 200, "$store, $hour: who waits is told");
    is(decode_json($r->{body})->{state}, 'running', 'how it is');
    cmp_ok($r->{time}, '>=', 2 - 0.003, 'not early');
    cmp_ok($r->{time}, '<', 8, 'nor late');

    is(ended($s, $timeout)->{state}, 'timeout', "$store, $hour: its time is over");
    cmp_ok(time() - $start, '>=', 3 - 0.003, 'not early');
    cmp_ok(time() - $start, '<', 13, 'nor late');
    is(ended($s, $late)->{state}, 'timeout', "$store, $hour: also of one that waited");
    cmp_ok(time() - $start, '>=', 3 - 0.003, 'not early');
    cmp_ok(time() - $start, '<', 13, 'nor late');

    $s->wait_for(sub { poll($s, $ended)->{state} eq '404' }, 'its ttl to be over');
    cmp_ok(time() - $end, '<', 18, "$store, $hour: what had ended is kept no longer");
    cmp_ok(time() - $start, '>=', 8 - 0.003, 'and no shorter');
    is(poll($s, $long)->{state}, 'running', "$store, $hour: what takes long goes on");
    $s->get("/jobs/$long", method => 'DELETE');
    is(ended($s, $long)->{state}, 'cancelled', 'and is cancelled');
    is(join(' ', grep begun($_) != 1, 1 .. 7, 9), '', "$store, $hour: each has run once");
    cmp_ok(begun(8), '<=', 1, 'or not at all');

    $s->stop;
    $s->check_log;
}

# --- what waits for another attempt ------------------------------------------------

sub again {
    server('1h');

    my $id = submit($s, '/ran?n=1&ms=3000');
    wait_state($s, 'running', $id);
    my $time = time();
    kill 'KILL', $s->workers;
    set($_[0]);
    $s->wait_for(sub { begun(1) == 2 }, 'its second attempt');
    cmp_ok(time() - $time, '>=', 1 - 0.003, "$store, $hour: not before its time");
    cmp_ok(time() - $time, '<', 11, "$store, $hour: nor long after it");
    my $j = ended($s, $id);
    is("$j->{state} $j->{attempt}", 'done 2', "$store, $hour: it is done");
    near($j->{started}, time() + $by, 'and its time is of the clock');

    # nginx is off when it is its turn

    if ($store eq 'state') {
        my $run = submit($s, '/one?n=2&ms=60000');
        wait_state($s, 'running', $run);
        my $wait = submit($s, '/one?n=3&ms=0');
        like(submit($s, '/ran?n=99&ms=0'), qr/^\w{32}$/, 'what was before is in the file');
        kill_all($s);
        set(-$by);
        $time = time();
        start();
        $s->wait_for(sub { begun(2) == 2 }, 'what ran to be run again');
        cmp_ok(time() - $time, '<', 11, "$store, $hour: set while nginx is off, it is not late");
        $s->get("/jobs/$run", method => 'DELETE');
        is(ended($s, $wait)->{state}, 'done', "$store, $hour: what waited is done");

        # the file says when it is to run again, by another clock

        my $late = submit($s, '/ran?n=4&ms=60000');
        wait_state($s, 'running', $late);
        kill 'KILL', $s->workers;
        $s->wait_for(sub { (poll($s, $late)->{attempt} // 0) == 1
                           && poll($s, $late)->{state} eq 'queued' }, 'it to wait');
        like(submit($s, '/ran?n=99&ms=0'), qr/^\w{32}$/, 'what was before is in the file');
        kill_all($s);
        set(0);
        $time = time();
        start();
        $s->wait_for(sub { begun(4) == 2 }, 'its next attempt');
        cmp_ok(time() - $time, '<', 11, "$store, $hour: nor one that waits for its next attempt");
        $s->get("/jobs/$late", method => 'DELETE');
    }

    $s->stop;
    $s->check_log('exited on signal 9');
}

for my $zone ('zone', 'state') {
    for my $jump (3600, -3600) {
        ($store, $hour) = ($zone, $jump > 0 ? 'forth' : 'back');
        runs($jump);
        again($jump);
    }
}

done_testing();
