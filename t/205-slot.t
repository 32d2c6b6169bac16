#!/usr/bin/perl

# Who writes to a zone of numbers may be killed at any store, and who copies one
# does so in parts: see t/unit/stats/.

use strict;
use warnings;

use Test::More;

use TaskUnit;

unit("stats/$_", 'killed: ') for 'slot', 'zone';
unit('stats/seen', 'copied: ');

cmp_ok(Test::More->builder->current_test, '>=', 37, 'all stores');

done_testing();
