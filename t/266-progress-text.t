#!/usr/bin/perl

# The message of ngx_task_progress(): what is not UTF-8 is replaced, as
# elsewhere, and what follows is told.

use strict;
use warnings;

use Test::More;

use TaskServer;

my $tasks = "$ENV{TEST_NGINX_TASKS}/test";

my $s = TaskServer->start(
    main => "task_load $tasks/text.so; thread_pool two threads=2;",
    http => 'task_job_zone jobs:1m;',
    server => '
        location = /say { task say; task_mode thread=two;
                          task_background on zone=jobs; }
        location /jobs/ { task_jobs zone=jobs; }
    ');

my ($id) = $s->get('/say?how=progress&time=0')->{body} =~ /"id":"(\w+)"/;
my $r = $s->get("/jobs/$id?wait=10s");

my $bad = "\xef\xbf\xbd";
like($r->{body}, qr/"state":"done"/, 'done');
like($r->{body}, qr/"message":"caf$bad $bad$bad done $bad"/, 'the message');
like($r->{body}, qr/"done":-9223372036854775808,"total":9223372036854775807,/,
     'and the numbers');

# what a job says just before it ends is told, too

my $told = 0;

for (1 .. 20) {
    ($id) = $s->get('/say?how=progress&time=0')->{body} =~ /"id":"(\w+)"/;
    $told++ if $s->get("/jobs/$id?wait=10s")->{body} =~ /"message":"caf$bad $bad$bad done $bad"/;
}

is($told, 20, 'of twenty jobs');

my ($code) = $s->stop('QUIT');
is($code, 0, 'exit code');
$s->check_log;

done_testing();
