#!/usr/bin/perl

# Who adds up the numbers of a dead worker may be killed, too: see t/slot.c.

use strict;
use warnings;

use Test::More;

my $program = "$ENV{TEST_NGINX_TASKS}/test/slot";

plan(skip_all => 'make test builds t/slot.c') unless -x $program;

for my $line (split /\n/, `$program`) {
    my ($ok, $name) = $line =~ /^(ok|not ok) \d+ (.*)/;
    is($ok // $line, 'ok', 'killed ' . ($name // ''));
}

cmp_ok(Test::More->builder->current_test, '>=', 10, 'all stores');

done_testing();
