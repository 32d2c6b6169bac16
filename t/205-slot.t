#!/usr/bin/perl

# Who writes to a zone of numbers may be killed at any store: see
# t/unit/stats/slot.c, and zone.c beside it.

use strict;
use warnings;

use Test::More;

use TaskUnit;

unit("stats/$_", 'killed: ') for 'slot', 'zone';

cmp_ok(Test::More->builder->current_test, '>=', 21, 'all stores');

done_testing();
