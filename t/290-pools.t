#!/usr/bin/perl

# nginx's pool "default" has its threads where a task may need them, and only
# there, however the mode is said.  Also where http{} is merged after the pools
# are made, as in Angie.

use strict;
use warnings;

use Test::More;

use TaskServer;

plan skip_all => 'ThreadSanitizer has threads of its own'
    if ($ENV{TEST_NGINX_SANITIZER} // '') eq 'thread';

my $tasks = "$ENV{TEST_NGINX_TASKS}/test";
my $examples = $ENV{TEST_NGINX_TASKS};

sub comm {
    open my $in, '<', "$_[0]/comm" or return '';
    chomp(my $name = <$in>);

    return $name;
}

# the threads of a worker, but the one that watches, and what /t answers

sub look {
    my (%conf) = @_;

    $conf{main} = "task_load $tasks/probe.so; task_load $examples/pipeline.so;
                   task_load $examples/hello.so;
                   thread_pool two threads=2;" . ($conf{main} // '');

    my $s = TaskServer->start(%conf);
    my $r = $s->get('/t');
    my ($worker) = $s->workers;
    my @threads = grep { comm($_) ne 'watch loop' }
                  glob "/proc/$worker/task/*";

    $s->stop('QUIT');
    $s->check_log;

    return "$r->{status}, " . (@threads - 1);
}

# what stands before and in the server, in the location; threads beside the
# loop's, of which two are those of the pool that is defined

my @cases = (
    [ 'async, built in', '', '', 'task sleep duration=1ms;', 2 ],
    [ 'thread', '', '', 'task sleep duration=1ms; task_mode thread;', 34 ],
    [ 'thread, said before', '', '', 'task_mode thread; task sleep duration=1ms;',
      34 ],
    [ 'thread, of the server', '', 'task_mode thread;',
      'task sleep duration=1ms;', 34 ],
    [ 'thread, of http', 'task_mode thread;', '', 'task sleep duration=1ms;',
      34 ],
    [ 'of http, but not here', 'task_mode thread;', '',
      'task sleep duration=1ms; task_mode async;', 2 ],
    [ 'a pool, said behind', '', '', 'task hello; task_mode thread=two;', 2 ],
    [ 'a pool, of the server', '', 'task_mode thread=two;', 'task hello;', 2 ],
    [ 'a pool, of http', 'task_mode thread=two;', '', 'task hello;', 2 ],
    [ 'no async form', '', '', 'task hello;', 34 ],
    [ 'no async form, inherited', 'task_mode async;', '', 'task hello;', 34 ],
    [ 'sync', '', '', 'task_mode sync; task hello;', 2 ],
    [ 'may offload', '', '', 'task pipeline;', 34 ],
    [ 'no task', 'task_mode thread;', '', 'quick;', 2 ],
);

for (@cases) {
    my ($name, $http, $server, $location, $threads) = @$_;

    is(look(http => $http,
            server => "$server location = /t { $location }"),
       "200, $threads", $name);
}

# in a nested location, and beside others

is(look(server => 'location /u { task_mode thread; location = /u/t { task hello; } }
                   location = /t { task_mode sync; task hello; }'),
   '200, 34', 'nested');
is(look(server => 'location / { task_mode thread=two;
                                location = /t { task hello; } }'),
   '200, 2', 'nested, a pool');
is(look(main => 'thread_pool default threads=3;',
        server => 'location = /t { task hello; }'),
   '200, 5', 'a default of its own');

done_testing();
