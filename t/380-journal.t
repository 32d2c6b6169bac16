#!/usr/bin/perl

# What a journal has written is read again, whatever becomes of its file: see
# t/unit/jobs/store/journal.c; of its disk, of the machine: journal_disk.c; of
# its process, and who else may have it: journal_kill.c.

use strict;
use warnings;

use Test::More;

use TaskUnit;

unit('jobs/store/journal', 'read: ');
unit('jobs/store/journal_disk', 'disk: ');
unit('jobs/store/journal_kill', 'killed: ');

cmp_ok(Test::More->builder->current_test, '>=', 130, 'all cases');

done_testing();
