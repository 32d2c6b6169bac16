#!/usr/bin/perl

# A worker is killed after each store that it makes to a zone of jobs: see
# t/unit/jobs/store/job_zone.c.

use strict;
use warnings;

use Test::More;

use TaskUnit;

unit('jobs/store/job_zone');

cmp_ok(Test::More->builder->current_test, '>=', 100, 'all operations');

done_testing();
