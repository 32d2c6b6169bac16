#!/usr/bin/perl

# Files of base/ and run/, without nginx, by a clock that the test moves: see
# t/unit/base/ and t/unit/run/.

use strict;
use warnings;

use Test::More;

use TaskUnit;

unit("base/$_", "$_: ") for 'timer', 'hold';
unit("run/$_", "$_: ") for 'limit';

cmp_ok(Test::More->builder->current_test, '>=', 370, 'all cases');

done_testing();
