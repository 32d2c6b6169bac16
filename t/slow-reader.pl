#!/usr/bin/perl

# A gigabyte through a client that reads 10 MB a second, and stops now and then
# for some seconds: what memory the worker takes meanwhile, by which form of the
# function.  The client looks at each byte.
#
#     perl t/slow-reader.pl [SIZE [RATE [thread|async ...]]]      MB, MB a second

use strict;
use warnings;

use List::Util qw(min max);
use POSIX;
use Time::HiRes qw(sleep time);

use TaskServer;
use TaskStreams;

use constant MB => 1024 * 1024;

my ($size, $rate, @forms) = @ARGV;

$size ||= 1024;
$rate ||= 10;
@forms = ('thread', 'async') unless @forms;

my $failed = 0;

for my $form (@forms) {
    my $s = TaskServer->start(
        main => "task_load $ENV{TEST_NGINX_TASKS}/test/stream.so; thread_pool one threads=1;",
        server => '
            location = /thread { task pour; task_mode thread=one; }
            location = /async  { task pour; task_mode async; }
        ');
    my ($worker) = $s->workers;

    # what is made with the first request is no part of it

    my $l = TaskStreams->new;
    $l->http1($s->{port}, "/$form?size=1m&piece=64k");
    $l->run(sub { 1 });

    my $start = time();
    my $before = memory($worker);
    my ($next, @memory) = ($start);

    my $c = $l->http1($s->{port}, "/$form?size=${size}m&piece=64k",
                      read => 65536, receive => 262144,
                      pauses => [ map [ $_ * MB, 0 ], 1 .. $size ]);

    # as long a pause behind each megabyte as the rate says; three seconds behind
    # each fifth of all

    my $fifth = int($size / 5) || 1;
    my $ahead = $start;

    for my $i (0 .. $#{ $c->{pauses} }) {
        $c->{pauses}[$i][1] = sub {
            $ahead += 1 / $rate;
            $ahead = time() + 3 if ($i + 1) % $fifth == 0 && $i < $size - 1;
            return max(0, $ahead - time());
        };
    }

    $l->run(sub {
        if (time() >= $next) {
            push @memory, memory($worker);
            $next += 0.1;
        }
        return 1;
    });

    my $took = $c->{at} - $start;
    my $whole = $c->{end} eq 'done' && !$c->{wrong} && $c->{got} == $size * MB;

    printf "%s: %d MB in %.1f s, %.1f MB/s, %s; memory of the worker %.2f MB before, "
           . "%.2f to %.2f meanwhile, %d times\n", $form, $size, $took, $size / $took,
           $whole ? 'each byte right' : 'WRONG', $before / MB, min(@memory) / MB,
           max(@memory) / MB, scalar @memory;

    my $tenth = max(1, int(@memory / 10));
    printf "    %s\n", join ' ', map sprintf('%.2f', max(@memory[$_ * $tenth
                                     .. min($#memory, ($_ + 1) * $tenth - 1)]) / MB),
                       grep $_ * $tenth <= $#memory, 0 .. 9;

    $failed = 1 if !$whole || max(@memory) - $before > 2 * MB;

    $s->stop('QUIT');
}

exit $failed;


sub memory {
    my ($pid) = @_;
    open my $in, '<', "/proc/$pid/statm" or return 0;
    return (split ' ', <$in>)[1] * POSIX::sysconf(POSIX::_SC_PAGESIZE());
}
