#!/usr/bin/perl

# The module loaded and unused changes nothing.

use strict;
use warnings;

use Test::More;

use TaskServer;

my %seen;

for my $task (0, 1) {
    my $s = TaskServer->start(server => '
            client_max_body_size 10;
            location = /plain { return 200 "plain"; }
        ' . ($task ? 'location = /task { task sleep duration=0; }' : ''));

    my ($worker) = $s->workers;
    my @threads = glob "/proc/$worker/task/*";
    my $plain = $s->get('/plain');
    my $large = $s->get('/plain', method => 'POST', body => 'x' x 20,
                        headers => "Content-Length: 20\r\n");
    my ($code, $time) = $s->stop('QUIT');

    $seen{$task} = join ' ', scalar @threads, $plain->{status}, $plain->{body},
                   $large->{status}, $large->{body}, $code;
    cmp_ok($time, '<', 2, 'exits at once');
    unlike($large->{body}, qr/^\{/, 'nginx\'s own page');
    $s->check_log;
}

# ThreadSanitizer has a thread of its own

my $threads = ($ENV{TEST_NGINX_SANITIZER} // '') eq 'thread' ? 2 : 1;

like($seen{0}, qr/^$threads 200 plain 413 /, 'one thread, plain answers');
is($seen{1}, $seen{0}, 'also beside a task that nobody asks for');

done_testing();
