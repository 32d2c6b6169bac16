#!/usr/bin/perl

# A worker is killed after each store that it makes to a zone of jobs: see
# t/job-zone.c.

use strict;
use warnings;

use Test::More;

my $program = "$ENV{TEST_NGINX_TASKS}/test/job-zone";

for my $line (split /\n/, `$program`) {
    my ($ok, $name) = $line =~ /^(ok|not ok) \d+ (.*)/;
    $line =~ /^#/ ? diag($line) : is($ok // $line, 'ok', $name // '');
}

is($?, 0, 'it ends');
cmp_ok(Test::More->builder->current_test, '>=', 26, 'all operations');

done_testing();
