#!/usr/bin/perl

# A function that fetches, again and again, what nginx answers at once leaves
# turns of the event loop to others.

use strict;
use warnings;

use IO::Select;
use JSON::PP;
use Test::More;
use Time::HiRes qw(time);

use TaskFetch;

use constant TIMES => 300_000;

my $s = TaskFetch->start(server => 'location /some { return 200 "some text"; }');

my $start = time();
my $c = $s->open('/many?n=1&times=' . TIMES . '&uri=/some');
my ($n, $worst) = (0, 0);

until (IO::Select->new($c->{socket})->can_read(0)) {
    my $quick = $s->get('/quick');

    $n++;
    $worst = $quick->{time} if $quick->{time} > $worst;

    last if time() - $start > 60;
}

my $r = $s->read($c);
my $took = time() - $start;

is(decode_json($r->{body})->{ok}, TIMES, 'all are fetched');
cmp_ok($n, '>', 20, 'others are answered meanwhile');
cmp_ok($worst, '<', $took / 4, 'none of them at the end alone');

my ($code) = $s->stop('QUIT');
is($code, 0, 'exit code');
$s->check_log;

done_testing();
