#!/usr/bin/perl

# The room text/, without nginx: see t/unit/text/.

use strict;
use warnings;

use Test::More;

use TaskUnit;

unit("text/$_", "$_: ")
    for 'text', 'number', 'field', 'event', 'json', 'json_text', 'json_tree',
        'multipart', 'multipart_wrong';

cmp_ok(Test::More->builder->current_test, '>=', 600, 'all tables');

done_testing();
