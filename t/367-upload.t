#!/usr/bin/perl

# A file that is larger than what is kept in memory: it is read, and its
# descriptor is closed when the task is over, by a thread if it is large.

use strict;
use warnings;

use JSON::PP;
use Test::More;
use Time::HiRes qw(sleep);

use TaskServer;

my $s = TaskServer->start(
    main => "task_load $ENV{TEST_NGINX_TASKS}/test/upload.so;
             thread_pool tiny threads=1 max_queue=1;",
    server => '
        client_max_body_size 20m;

        location = /thread { task upload read=1; task_mode thread; }
        location = /async  { task upload read=1; task_mode async; }
        location = /only   { task upload; task_mode async; }
        location = /tiny   { task upload read=1; task_mode thread=tiny; }
        location = /sync   { task upload read=1; task_mode sync; }
    ');

my ($worker) = $s->workers;

sub files { return grep { (readlink($_) // '') =~ m{/client_body/} } glob "/proc/$worker/fd/*" }

sub form {
    my ($size) = @_;

    my $body = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\n"
               . 'x' x $size . "\r\n--b--\r\n";

    return (method => 'POST', body => $body,
            headers => "Content-Type: multipart/form-data; boundary=b\r\n"
                       . 'Content-Length: ' . length($body) . "\r\n");
}

sub closed {
    my ($what) = @_;

    for (1 .. 100) {
        last if !files();
        sleep .02;
    }

    is(scalar(files()), 0, "$what: no descriptor is left");
}

# TEST 1: what is closed on the loop, and what is larger

for my $size (300_000, 9_000_000) {
    for my $uri (qw(/thread /async /only /sync)) {
        my $r = $s->get($uri, form($size));

        is($r->{status}, 200, "$size bytes, $uri");
        is_deeply(decode_json($r->{body}),
                  { size => $size, read => $uri eq '/only' ? 0 : $size }, 'all of it');
        closed("$size bytes, $uri");
    }
}

# TEST 2: several at once in a pool with little room: those that find none are
# told so, and their files are closed, too

my @r = map $s->get($_, form(9_000_000)), ('/tiny') x 2;
is(scalar(grep $_->{status} == 200, @r), 2, 'a pool with one thread');

my @c = map $s->open('/tiny', form(9_000_000)), 1 .. 6;
my %status;
$status{$_->{status}}++ for $s->read_all(\@c);

is(($status{200} // 0) + ($status{503} // 0), 6, 'several at once: 200 or 503')
    or diag(explain(\%status));
closed('several at once');

# TEST 3: clients that leave when all is sent

close($s->open('/thread', form(9_000_000))->{socket}) for 1 .. 5;

closed('clients that leave');
is($s->get('/only', form(1))->{status}, 200, 'the next one');

$s->stop;
$s->check_log;

done_testing();
