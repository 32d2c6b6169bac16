#!/usr/bin/perl

# Sleeps of more days than a timer of 32 bits has, and than there are: they are
# not over at once, and no worker spins until they are.  That a timer of a year
# fires once an hour: see t/unit/base/timer.c.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(sleep time);

use TaskServer;

my $tasks = "$ENV{TEST_NGINX_TASKS}/test";

# beyond 2^31 and 2^32 milliseconds, a year, 2^63 nanoseconds

my @days = (25, 50, 400, 110000, 2000000);

my $s = TaskServer->start(
    main => "task_load $tasks/long.so; thread_pool ten threads=10;",
    server => '
        location = /async   { task long; }
        location = /thread  { task long; task_mode thread=ten; }
        location = /limit   { task long; task_limit running=1 queue=9 wait=24d; }
        location = /timeout { task long; task_timeout 24d; }
        location = /short   { task long; task_timeout 200ms; }
        location = /quick   { quick; }
    ');

my ($worker) = $s->workers;

# user and system time of the worker, seconds

sub cpu {
    open my $in, '<', "/proc/$worker/stat" or die "stat: $!";
    my @f = split ' ', (<$in> =~ s/.*\) //r);
    return ($f[11] + $f[12]) / 100;
}

# alone first: beside others a timer that is over by mistake may not be seen

my @c;

for my $uri ('/async', '/thread', '/limit', '/timeout') {
    push @c, map $s->open("$uri?days=$_"), @days;
    is($s->get('/quick')->{status}, 200, "$uri: all are there");

    my $used = cpu();
    sleep(0.3);
    $used = cpu() - $used;
    cmp_ok($used, '<', 0.15, "$uri: no worker spins: $used s of 0.3 are used");
}

is(scalar(grep $_->{status}, $s->read_all(\@c, 0.1)), 0, 'none is over');

my $r = $s->get('/short?days=25');
is($r->{status}, 504, 'one that is ended');
cmp_ok($r->{time}, '>=', 0.2, 'is so on time');
is($s->get("/async?days=$_")->{status}, 200, "$_ days") for 0, -1, -110000;

$s->stop('TERM');
$s->check_log;

done_testing();
