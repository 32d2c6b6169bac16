#!/usr/bin/perl

# Files of base/, without nginx, by a clock that the test moves: see
# t/unit/base/.

use strict;
use warnings;

use Test::More;

use TaskUnit;

unit("base/$_", "$_: ") for 'timer', 'hold';

cmp_ok(Test::More->builder->current_test, '>=', 270, 'all cases');

done_testing();
