#!/usr/bin/perl

# Misuse that can be seen ends in a 500 and a line in the log, and leaves
# nothing behind.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(sleep time);

use TaskServer;

my $tasks = "$ENV{TEST_NGINX_TASKS}/test";
my ($s, $r, $c);

$s = TaskServer->start(
    main => "task_load $tasks/wrong.so; thread_pool default threads=2;",
    server => '
        location = /wrong  { task wrong; }
        location = /sync   { task wrong ms=1ms; task_mode sync; }
        location = /awrong { task awrong; }
        location = /bwrong { task bwrong; }
        location = /quick  { quick; }
    ');

sub wrong {
    my ($uri, $message) = @_;

    my $before = length $s->text('error.log');
    $r = $s->get($uri);
    is($r->{status}, 500, "$uri: 500") or diag $r->{body};
    my $log = substr $s->text('error.log'), $before;
    like($log, qr/\[error\].*$message/, "$uri: the log");
}

my $twice = 'task "wrong".*: sets a value that belongs to another already';

# TEST 1: a value that is set already; NULL

for my $where ('/wrong', '/sync') {
    wrong("$where?how=$_", $twice) for 0 .. 5;

    is($s->get("$where?how=6")->{body}, '{"a":"a"}', "$where: again by its name");

    wrong("$where?how=7", 'sets a header that is NULL');
    wrong("$where?how=8", 'sets a header that is NULL');
    wrong("$where?how=9", 'defers NULL');
    wrong("$where?how=10", 'logs NULL');
    wrong("$where?how=11", 'looks for a header without a name');
    wrong("$where?how=12", 'sets bytes that are NULL');
    wrong("$where?how=13", 'reads the body without a place');
    wrong("$where?how=14", 'reads the body without a place');
    wrong("$where?how=15", 'sets a member without a name');
    wrong("$where?how=16", 'sets a member without a name');
    wrong("$where?how=17", 'sets a member without a name');
    wrong("$where?how=18", 'sets an invalid content type');

    wrong("$where?how=$_", 'puts a value that it has set into another') for 20, 21;
    wrong("$where?how=23", 'sets a member of what is no object');
    wrong("$where?how=22", 'sets its result outside of its own calls, as in a thread');

    is($s->get("$where?how=19")->{body}, '{"a":null}', "$where: no text");
}

# TEST 2: an await in a deferred call, or with a wrong frame

my $outside = 'task "awrong": awaits outside of its async form';

wrong("/awrong?how=$_", $outside) for 0, 1, 2, 7;
wrong('/awrong?how=3', 'task "awrong": blocks on the event loop');
wrong("/awrong?how=$_", 'awaits with a frame that is not its own')
    for 10, 13, 14, 15;
wrong('/awrong?how=11', 'task "awrong": calls NULL');
wrong('/awrong?how=12', 'task "awrong": offloads NULL');
wrong("/bwrong?how=$_", 'task "bwrong": awaits in a thread') for 0, 1, 2, 7;

# TEST 3: an answer in a deferred call

for my $name ('awrong', 'bwrong') {
    wrong("/$name?how=$_", "task \"$name\": sets its result in a deferred call")
        for 4, 5, 6, 8, 9;
}

# TEST 4: the same where the client has left

for my $how (0 .. 7) {
    $c = $s->open("/awrong?how=$how&ms=46m");
    $s->get('/quick');
    close $c->{socket};
    $s->wait_access(qr{^GET /awrong\?how=$how&ms=46m HTTP/1.1 499});
}

is($s->get('/quick')->{status}, 200, 'the worker lives');
unlike($s->text('error.log'), qr/exited on signal/, 'and always has');
my ($code, $time) = $s->stop('QUIT');
is($code, 0, 'exit code');
cmp_ok($time, '<', 3, 'nothing is left that would hold the worker');
$s->check_log;

done_testing();
