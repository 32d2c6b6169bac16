#!/usr/bin/perl

# ngx_task.h: "It takes no lock": while threads parse long documents, requests
# with a JSON body, names and values with escapes, are answered.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time);

use TaskServer;

my $tasks = "$ENV{TEST_NGINX_TASKS}/test";

my $s = TaskServer->start(
    main => "task_load $tasks/text.so; thread_pool one threads=1;",
    server => '
        location = /parse { task parse; task_mode thread=one; }
        location = /n     { task numbers; task_mode async; }
    ');

my $body = '{"\u0078":0.1,"\u0073ize":"\u0031k"}';
my $post = "Content-Type: application/json\r\nContent-Length: "
           . length($body) . "\r\n";

# how long one takes here, alone

my $r = $s->get('/parse?size=16m');
is($r->{body}, '{"parsed":true}', 'a document of 16 MB');
my $alone = $r->{time};

# all those that are sent while two of them are parsed are answered before the
# second is

my ($n, $ok, $parsed, $rounds) = (0, 0, 0, 0);
my $bound = $alone * 0.3 + 0.1;

my $worst = TaskServer::least($bound, sub {
    my $worst = 0;
    my @c = map $s->open('/parse?size=16m'), 1 .. 2;
    my $until = time() + $alone;

    do {
        $r = $s->get('/n', method => 'POST', body => $body, headers => $post);
        $n++;
        $ok++ if $r->{body} =~ /^\{"set":0\.1,.*"size":1024,/;
        $worst = $r->{time} if $r->{time} > $worst;
    } while time() < $until;

    $parsed += grep $_->{body} eq '{"parsed":true}', $s->read_all(\@c);
    $rounds++;

    return $worst;
});

is($ok, $n, "$n requests beside it");
cmp_ok($worst, '<', $bound,
       sprintf 'none waits for it: %.3f s, it takes %.3f s', $worst, $alone);
is($parsed, 2 * $rounds, 'both are parsed');

my ($code) = $s->stop('QUIT');
is($code, 0, 'exit code');
$s->check_log;

done_testing();
