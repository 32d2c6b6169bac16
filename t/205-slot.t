#!/usr/bin/perl

# Who writes to a zone of numbers may be killed at any store: see t/slot.c, and
# t/zone.c.

use strict;
use warnings;

use Test::More;

for my $driver ('slot', 'zone') {
    my $program = "$ENV{TEST_NGINX_TASKS}/test/$driver";

    for my $line (split /\n/, `$program`) {
        my ($ok, $name) = $line =~ /^(ok|not ok) \d+ (.*)/;
        $line =~ /^#/ ? diag($line) : is($ok // $line, 'ok', "killed: " . ($name // ''));
    }

    is($?, 0, "$driver ends");
}

cmp_ok(Test::More->builder->current_test, '>=', 21, 'all stores');

done_testing();
