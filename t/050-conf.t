#!/usr/bin/perl

# Every mistake in nginx.conf is found by nginx -t, with file, line and name.

use strict;
use warnings;

use Test::More;

use TaskServer;

my $s = TaskServer->new;

# the line that is marked with HERE

sub line {
    open my $in, '<', "$s->{root}/nginx.conf" or die $!;
    while (<$in>) {
        return $. if /HERE/;
    }
    return 0;
}

sub bad {
    my ($name, $conf, $message, %more) = @_;

    my ($ok, $text) = $s->test_conf(server => $conf, %more);
    my $line = line();

    ok(!$ok, "$name: fails");
    like($text, qr/\[emerg\] .*$message in \S*nginx\.conf:$line$/m,
         "$name: file and line") or diag $text;
}

sub good {
    my ($name, $conf, $message, %more) = @_;

    my ($ok, $text) = $s->test_conf(server => $conf, %more);

    ok($ok, "$name: passes") or diag $text;
    like($text, $message, "$name: message") if $message;
    unlike($text, qr/\[(warn|notice)\].*task/, "$name: no message")
        unless $message;
}

good('plain', 'location /t { task sleep; } location /q { quick; }');

bad('unknown function', 'location /t {
        task slepp; # HERE
    }', 'unknown task function "slepp", known: "sleep", "command"; there is no "task_load" before it');

bad('no function', 'location /t {
        task; # HERE
    }', 'invalid number of arguments in "task" directive');

bad('unknown parameter', 'location /t {
        task sleep time=1s; # HERE
    }', 'task "sleep" has no parameter "time", it has: "status", "duration"');

bad('case of a parameter', 'location /t {
        task sleep Duration=1s; # HERE
    }', 'task "sleep" has no parameter "Duration", it has: "duration", "status"');

bad('no value', 'location /t {
        task sleep duration; # HERE
    }', 'invalid parameter "duration", it must be name=value, or, with spaces, "name=a value"');

bad('parameter twice', 'location /t {
        task sleep duration=1s duration=2s; # HERE
    }', 'duplicate parameter "duration"');

bad('bad literal', 'location /t {
        task sleep duration=1sec; # HERE
    }', 'invalid value "1sec" of parameter "duration": .*timedelta.*');

bad('literal out of bounds', 'location /t {
        task sleep duration=2h; # HERE
    }', 'invalid value "2h" of parameter "duration": '
        . 'Input should be less than or equal to 1h');

# nginx tells that at the end, without a line

my ($ok, $text) = $s->test_conf(server =>
                      'location /t { task sleep duration=$nosuch; }');
ok(!$ok, 'unknown variable: fails');
like($text, qr/unknown "nosuch" variable/, 'unknown variable: message');

bad('task twice', 'location /t {
        task sleep;
        task sleep; # HERE
    }', '"task" directive is duplicate');

bad('task and quick', 'location /t {
        task sleep;
        quick; # HERE
    }', '"quick" directive conflicts with "task"');

bad('quick and task', 'location /t {
        quick;
        task sleep; # HERE
    }', '"task" directive conflicts with "quick"');

bad('quick twice', 'location /t {
        quick;
        quick; # HERE
    }', '"quick" directive is duplicate');

bad('quick that is not JSON', 'location /t {
        quick \'{"a":}\'; # HERE
    }', '"\{"a":\}" is not JSON: Expecting value, character 5');

bad('quick of bytes that are not UTF-8', "location /t {
        quick '\"\xff\"'; # HERE
    }", 'is not JSON: Invalid UTF-8, character 1');

bad('empty quick', 'location /t {
        quick ""; # HERE
    }', '"" is not JSON: Expecting value, character 0');

bad('task in server', 'task sleep; # HERE
    ', '"task" directive is not allowed here');

bad('unknown mode', 'location /t {
        task sleep;
        task_mode threads; # HERE
    }', 'invalid value "threads", it must be .*');

bad('no pool', 'location /t {
        task sleep;
        task_mode thread=; # HERE
    }', 'invalid value "thread=", it must be .*');

bad('mode twice', 'location /t {
        task sleep;
        task_mode async;
        task_mode async; # HERE
    }', '"task_mode" directive is duplicate');

bad('unknown pool', 'location /t {
        task sleep;
        task_mode thread=nosuch; # HERE
    }', 'unknown thread pool "nosuch"');

bad('task_param of no parameter', 'location /t {
        task sleep;
        task_param time max=1s; # HERE
    }', 'no task function has a parameter "time", there are: "type", "dir", .*"duration".*');

bad('task_param without options', 'location /t {
        task sleep;
        task_param duration; # HERE
    }', 'invalid number of arguments in "task_param" directive');

bad('task_param with another option', 'location /t {
        task sleep;
        task_param duration most=1s; # HERE
    }', 'invalid parameter "most=1s", it must be "default=", "min=", "max=", "type=" or "choices="');

bad('task_param with an option twice', 'location /t {
        task sleep;
        task_param duration max=1s max=2s; # HERE
    }', 'duplicate parameter "max=2s"');

bad('task_param twice', 'location /t {
        task sleep;
        task_param duration max=1s default=1s;
        task_param duration min=1s; # HERE
    }', 'duplicate "task_param" of "duration"');

bad('task_param that is wider', 'location /t {
        task sleep;
        task_param duration max=2h; # HERE
    }', '"max=2h" of parameter "duration" is outside of .* own "max=1h"');

bad('task_param that is no time', 'location /t {
        task sleep;
        task_param duration max=long; # HERE
    }', 'invalid value in "max=long" of parameter "duration"');

bad('task_param that is empty', 'location /t {
        task sleep;
        task_param duration max=; # HERE
    }', 'invalid value in "max=" of parameter "duration"');

bad('task_param upside down', 'location /t {
        task sleep;
        task_param duration min=2s max=1s; # HERE
    }', '"min=2s" of parameter "duration" is over "max=1s"');

bad('task_param with a default out of its bounds', 'location /t {
        task sleep;
        task_param duration max=1s default=2s; # HERE
    }', 'invalid default "2s" of parameter "duration": .*');

bad('task_param that leaves out the default', 'location /t {
        task sleep;
        task_param duration max=1s; # HERE
    }', 'invalid default "20s" of parameter "duration": .* add "default="');

bad('inherited task_param, of a task below', '
    location /t { task sleep; }', 'invalid default "20s" .*',
    http => 'task_param duration max=1s; # HERE
');

bad('task_param of no function at all', 'location /t { task sleep; }',
    'no task function has a parameter "width", there are: "dir", "status", .*"duration".*',
    http => 'task_param width max=1s; # HERE
');

good('inherited task_param, fixed value',
     'location /t { task sleep duration=20s; }', undef,
     http => 'task_param duration max=1s;');

bad('sync, open', 'location /t {
        task sleep; # HERE
        task_mode sync;
    }', 'a request may choose "duration" of task "sleep" .*');

bad('sync, open through a variable', 'location /t {
        task sleep duration=$arg_d; # HERE
        task_mode sync;
    }', 'a request may choose "duration" of task "sleep" .*');

bad('sync, open, min is not enough', 'location /t {
        task sleep; # HERE
        task_mode sync;
        task_param duration min=1s;
    }', 'a request may choose "duration" of task "sleep" .*');

bad('sync, inherited', 'location /t {
        task sleep; # HERE
    }', 'a request may choose "duration" of task "sleep" .*',
    http => 'task_mode sync;');

good('sync, bounded', 'location /t {
        task sleep; # HERE
        task_mode sync;
        task_param duration max=1s default=1s;
    }', qr/\[warn\] .*task "sleep" with task_mode "sync" blocks/);

good('sync, fixed', 'location /t {
        task sleep duration=1s; # HERE
        task_mode sync;
    }', qr/\[warn\] .*task "sleep" with task_mode "sync" blocks/);

($ok, $text) = $s->test_conf(server => 'location /t {
        task sleep duration=1s; # HERE
        task_mode sync;
    }');
my $line = line();
like($text, qr/\[warn\].*in \S*nginx\.conf:$line$/m, 'sync: file and line');

good('inherited mode', 'location /t { task sleep; }', undef,
     http => 'task_mode thread;');

$s->check_log;

done_testing();
