#!/usr/bin/perl

# What nginx -t says of what is written twice, has no effect, or is lost.

use strict;
use warnings;

use Test::More;

use TaskServer;

my $s = TaskServer->new;

# what is said of the line that is marked with HERE

sub conf {
    my ($name, $level, $server, $message, %more) = @_;

    my ($ok, $text) = $s->test_conf(server => $server, %more);

    my @said = grep !/ variables_hash, /, $text =~ /\[(?:warn|emerg)\].*/g;

    is($ok ? 'taken' : 'refused', $level eq 'emerg' ? 'refused' : 'taken', $name);

    if ($level) {
        like($text, qr/\[$level\] .*$message in \S*nginx\.conf:\d+$/m,
             "$name: what, and where") or diag $text;
        my ($at) = $text =~ /\[$level\] .*nginx\.conf:(\d+)$/m;
        is($at, here(), "$name: the line");
        is(scalar @said, 1, "$name: once") or diag $text;

    } else {
        is(scalar @said, 0, "$name: nothing is said") or diag $text;
    }
}

sub here {
    open my $in, '<', "$s->{root}/nginx.conf" or die $!;

    while (my $line = <$in>) {
        return $. if $line =~ /HERE/;
    }
}

# an option that is given twice

for ('running=1 running=2', 'running=1 queue=1 queue=1',
     'running=1 wait=1s wait=2s')
{
    my ($last) = /(\S+)$/;
    conf("task_limit $_", 'emerg', "location /t { task sleep;
            task_limit $_; # HERE
        }", qr/duplicate parameter "$last"/);
}

for ('default=1s default=2s', 'min=1s min=1s', 'max=1s default=1s max=2s') {
    my ($last) = /(\S+)$/;
    conf("task_param $_", 'emerg', "location /t { task sleep;
            task_param duration $_; # HERE
        }", qr/duplicate parameter "$last"/);
}

conf('task', 'emerg', 'location /t {
        task sleep duration=1s duration=1s; # HERE
    }', 'duplicate parameter "duration"');

# what is no number, what has no effect

for ('running=', 'running=0', 'running=-1', 'running=1 queue=-1',
     'running=1 queue=x', 'running=1 queue=1 wait=', 'running=1 queue=1 wait=-1s')
{
    my ($last) = /(\S+)$/;
    conf("task_limit $_", 'emerg', "location /t { task sleep;
            task_limit $_; # HERE
        }", qr/invalid parameter "$last", it must be a (?:number|time)[^:]*/);
}

conf('task_limit without running', 'emerg', 'location /t { task sleep;
        task_limit queue=1; # HERE
    }', '"task_limit" must have "running" parameter');
conf('task_limit that waits nowhere', 'emerg', 'location /t { task sleep;
        task_limit running=1 wait=1s; # HERE
    }', '"task_limit" directive has "wait" without "queue"');

# two that answer in one location: that the last one wins is no answer

for my $task ('task sleep', 'quick', 'task_status', 'task_ready') {
    conf("$task; proxy_pass", 'emerg', "location /t {
            $task; # HERE
            proxy_pass http://127.0.0.1:1;
        }", qr/conflicts with a directive of another module behind it, .*/);
    conf("proxy_pass; $task", 'emerg', "location /t {
            proxy_pass http://127.0.0.1:1;
            $task; # HERE
        }", qr/conflicts with a directive of another module before it, .*/);
}

conf('proxy_pass in if', '', 'location /t {
        task sleep;
        if ($args = x) { proxy_pass http://127.0.0.1:1; }
        location /t/p { proxy_pass http://127.0.0.1:1; }
    }') if `$ENV{TEST_NGINX_BINARY} -V 2>&1` !~ /without-http_rewrite/;

# jobs that nobody can ask for

my $zone = 'task_job_zone z:1m; task_job_zone y:1m;';

conf('jobs of a location', 'warn', 'location /t { task_background on zone=z;
        task sleep; # HERE
    }', 'task "sleep" makes jobs in zone "z", for which no "task_jobs" answers',
    http => $zone);
conf('jobs of many', 'warn', 'location /s { task sleep; task_background off; }
    location /t {
        task sleep; # HERE
    }
    location /u { task sleep; }', '.* no "task_jobs" answers',
    http => "$zone task_background prefer zone=z;");
conf('another zone answers', 'warn', 'location /y { task_jobs zone=y; }
    location /t {
        task sleep; # HERE
    }', '.* no "task_jobs" answers',
    http => "$zone task_background prefer zone=z;");
conf('jobs that are told', '', 'location /t { task sleep; }
    location /jobs/ { task_jobs zone=z; }', undef,
    http => "$zone task_background on zone=z;");
conf('jobs that are told elsewhere', 'warn', 'location /j/ { task_jobs zone=z; }
    location /t {
        task sleep; # HERE
    }
    location /u { task sleep; task_background on zone=z location=/j/; }',
    'task "sleep" sends clients to "/jobs/" for their jobs, where no "task_jobs" '
    . 'answers: give "task_background" the "location=" of one',
    http => "$zone task_background on zone=z;");
conf('no jobs', '', 'location /t { task sleep; task_background off; }
    location /q { quick; }', undef, http => "$zone task_background on zone=z;");

done_testing();
