#!/usr/bin/perl

# Files of base/, run/ and jobs/store/, without nginx, by a clock that the test
# moves: see t/unit/.

use strict;
use warnings;

use Test::More;

use TaskUnit;

unit("base/$_", "$_: ") for 'timer', 'hold', 'memory', 'watch';
unit("run/$_", "$_: ") for 'limit';
unit("jobs/store/$_", "$_: ") for 'job_look', 'job_room';

cmp_ok(Test::More->builder->current_test, '>=', 800, 'all cases');

done_testing();
