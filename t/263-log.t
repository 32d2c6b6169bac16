#!/usr/bin/perl

# Nothing that a client or a function says makes a line of the error log, or
# writes to the terminal of who reads it.

use strict;
use warnings;

use Test::More;

use TaskServer;

my $tasks = "$ENV{TEST_NGINX_TASKS}/test";

my $s = TaskServer->start(
    main => "task_load $tasks/text.so;",
    http => 'task_job_zone jobs:1m;',
    server => '
        location = /say   { task say; }
        location = /job   { task say; task_background on zone=jobs; }
        location /jobs/   { task_jobs zone=jobs; }
    ');

my $line = '2026/11/25 00:00:00 [alert] 1#1: *1 worker process 7 exited';
my $evil = "a\n$line\e[2J\x7f\r\t\xc2\x85\xc2\x9b31mb \xc3\xa9\xe2\x82\xac";
my $shown = "a\\x0a$line\\x1b[2J\\x7f\\x0d\\x09\\xc2\\x85\\xc2\\x9b31mb \xc3\xa9"
            . "\xe2\x82\xac";

(my $query = $evil) =~ s/([^\w])/sprintf '%%%02x', ord $1/ge;

for my $how ('fail', 'break', 'log') {
    my $r = $s->get("/say?how=$how&text=$query");
    is($r->{status}, { fail => 400, break => 500, log => 200 }->{$how}, $how);
}

my ($id) = $s->get("/job?how=fail&text=$query")->{body} =~ /"id":"(\w+)"/;
like($s->get("/jobs/$id?wait=10s")->{body}, qr/"state":"failed"/, 'a job');

my $log = $s->text('error.log');

like($log, qr/\[info\] .*task "say" failed, 400: \Q$shown\E, client:/, 'a 400');
like($log, qr/\[error\] .*task "say" failed, 500: \Q$shown\E, client:/, 'a 500');
like($log, qr/\[error\] .*task "say": \Q$shown\E$/m, 'ngx_task_log()');
like($log, qr/ job "say" failed: \Q$shown\E, job: $id$/m, 'of a job');
unlike($log, qr/^\Q$line\E/m, 'no line of its own');
unlike($log, qr/[\x00-\x09\x0b-\x1f\x7f]/, 'no control character');

# a long one is cut, and what nginx adds is there

$s->get('/say?how=break&text=' . '%e2%82%ac' x 700 . '%0a' x 100);
$log = $s->text('error.log');
like($log, qr/failed, 500: (?:\xe2\x82\xac){341}, client: "?127\.0\.0\.1/,
     'cut at a character');

my ($code) = $s->stop('QUIT');
is($code, 0, 'exit code');

$log =~ s/^.*\Q$line\E.*$//mg;
unlike($log, qr/\[alert\]/, 'no alerts');
$s->check_log(qr/worker process 7/);

done_testing();
