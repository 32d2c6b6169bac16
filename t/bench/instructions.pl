#!/usr/bin/perl

# Instructions of one request, as callgrind counts them: many requests on one
# connection, less few of them.  The same binary and the same requests give the
# same number, whatever else the machine does.
#
#     perl t/bench/instructions.pl [name ...]

use strict;
use warnings;

use File::Path qw(make_path remove_tree);
use IO::Socket::INET;
use POSIX qw(WNOHANG);
use Time::HiRes qw(sleep time);

use constant {
    PORT => 8097,
    FEW  => 200,
    MANY => 2200,
};

my $nginx = $ENV{TASK_NGINX} || 'nginx';
my $module = $ENV{TASK_MODULE} || die "TASK_MODULE is not set\n";
my $empty = $ENV{TASK_EMPTY} || die "TASK_EMPTY is not set\n";
my $root = "$ENV{PWD}/build/bench/instructions";

# name, what answers /t, and what stands in http{}

my @cases = (
    [ 'return', 'return 200 "{\"status\":\"quick response\"}";' ],
    [ 'empty', 'empty;' ],
    [ 'quick', 'quick;' ],
    [ 'async', 'task sleep duration=0;' ],
    [ 'async, counted', 'task sleep duration=0;',
      'task_zone numbers:64k; task_stats numbers;' ],
    [ 'bare post', 'empty_thread;' ],
    [ 'thread', 'task sleep duration=0; task_mode thread;' ],
);

my %wanted = map { $_ => 1 } @ARGV;

my %seen;

for my $case (@cases) {
    my ($name, $location, $http) = @$case;

    next if %wanted && !$wanted{$name};

    my $n = (count($location, $http, MANY) - count($location, $http, FEW))
            / (MANY - FEW);

    $seen{$name} = $n;
    printf "%-20s %8.0f instructions a request\n", $name, $n;
}

printf "quick is %.3f of an empty content handler, which is %.3f of return\n",
       $seen{quick} / $seen{empty}, $seen{empty} / $seen{return}
    if $seen{quick} && $seen{empty} && $seen{return};

printf "counting costs %.2f %%\n",
       100 * ($seen{'async, counted'} / $seen{async} - 1)
    if $seen{async} && $seen{'async, counted'};


sub count {
    my ($location, $http, $requests) = @_;

    remove_tree($root);
    make_path("$root/logs");

    open my $out, '>', "$root/nginx.conf" or die "$root/nginx.conf: $!\n";
    my $user = $> == 0 ? 'user root;' : '';
    my $paths = join '', map "${_}_temp_path $root/$_; ",
                qw(client_body proxy fastcgi scgi uwsgi);
    print $out "load_module $module; load_module $empty; daemon off; master_process off; $user
                pid $root/nginx.pid; error_log $root/logs/error.log;
                events { } http { access_log off; keepalive_requests 1000000;
                $paths @{[ $http // '' ]}
                server { listen 127.0.0.1:${\PORT};
                location = /t { $location } } }\n";
    close $out;

    die "something else answers at port ${\PORT}\n"
        if IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => PORT);

    my $pid = fork() // die "fork: $!\n";

    if ($pid == 0) {
        open STDOUT, '>', "$root/logs/valgrind";
        open STDERR, '>&', \*STDOUT;
        exec 'valgrind', '--tool=callgrind', "--callgrind-out-file=$root/out",
             $nginx, '-p', $root, '-c', "$root/nginx.conf", '-e', 'stderr';
        die "valgrind: $!\n";
    }

    my $s;
    my $until = time() + 60;

    until ($s = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
                                      PeerPort => PORT))
    {
        die "nginx did not start, see $root/logs\n" if time() > $until;
        sleep(0.05);
    }

    for (1 .. $requests) {
        print $s "GET /t HTTP/1.1\r\nHost: localhost\r\n\r\n";

        my $text = '';
        my $length;

        until (defined $length && length $text >= $length) {
            sysread $s, $text, 65536, length $text or die "no answer\n";
            $length = $+[0] + $1 if $text =~ /Content-Length: (\d+).*?\r\n\r\n/s;
        }

        die "unexpected answer: $text\n" if $text !~ m{^HTTP/1.1 200 OK};
    }

    close $s;

    # one process alone may get the signal right before it waits for events, and
    # then acts upon it when there is another

    until (waitpid($pid, WNOHANG) == $pid) {
        kill 'QUIT', $pid;
        sleep(0.2);
    }

    open my $in, '<', "$root/out" or die "$root/out: $!\n";

    while (<$in>) {
        return $1 if /^(?:summary|totals): (\d+)/;
    }

    die "no numbers in $root/out\n";
}
