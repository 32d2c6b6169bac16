#!/usr/bin/perl

# Mixed load for a bounded time: three modes on two workers, thousands of
# connections, clients that leave at random moments, reloads, quits and starts,
# full pools and queues, workers that are killed, streams, fetches and gathers.
# Every request that was not aborted has to end in exactly one well-formed answer,
# none early; a stream with each of its bytes, and an end, or none if it has
# failed.  What is reset without a byte while nginx stops, or cut while a worker
# is killed, is told apart and counted.
#
#     perl t/stress.pl TIME

use strict;
use warnings;

use IO::Poll qw(POLLIN POLLOUT POLLHUP POLLERR);
use IO::Socket::INET;
use JSON::PP;
use List::Util qw(sum0 max);
use POSIX qw(WNOHANG EINPROGRESS);
use Socket qw(SOL_SOCKET SO_ERROR);
use Time::HiRes qw(sleep time);

use TaskServer;
use TaskStreams;

use constant {
    CLIENTS     => 4,      # processes
    CONNECTIONS => 500,    # of each
    ANSWER      => 25,     # no answer for so long is a loss, seconds
};

my $seconds = shift // 60;
my $tasks = "$ENV{TEST_NGINX_TASKS}/test";
my $port = ($ENV{TEST_NGINX_PORT} || 1984) + 100;

# uri, statuses that may come, how long it takes at least (ms); of a stream how
# much it has

my @requests = (
    [ '/async?duration=%dms', [ 200 ], 1 .. 400 ],
    [ '/thread?duration=%dms', [ 200, 503 ], 1 .. 60 ],
    [ '/tiny?duration=%dms', [ 200, 503 ], 1 .. 40 ],
    [ '/sync?duration=%dms', [ 200 ], 1 .. 3 ],
    [ '/limit?duration=%dms', [ 200, 503 ], 1 .. 100 ],
    [ '/limit/thread?duration=%dms', [ 200, 503 ], 1 .. 100 ],
    [ '/timeout?duration=%dms', [ 200, 504 ], 1 .. 100 ],
    [ '/timeout/thread?duration=%dms', [ 200, 503, 504 ], 1 .. 100 ],
    [ '/steps?ms=%dms', [ 200, 503 ], 1 .. 20 ],
    [ '/stubborn?ms=%dms', [ 200, 503 ], 1 .. 20 ],
    [ '/async?duration=x%d', [ 422 ], 1 .. 9 ],
    [ '/job?duration=%dms', [ 202, 503 ], 1 .. 100 ],
    [ '/job/thread?duration=%dms', [ 202, 503 ], 1 .. 20 ],
    [ '/prefer?duration=%dms', [ 200, 202, 503 ], 1 .. 100 ],
    [ '/stream/thread?size=%d', [ 200, 503 ], 1 .. 2000, 200_000 .. 200_400 ],
    [ '/stream/async?size=%d', [ 200 ], 1 .. 2000, 200_000 .. 200_400 ],
    [ '/stream/pause?size=%d', [ 200 ], 1 .. 400 ],
    [ '/stream/fail?size=%d', [ 200 ], 1 .. 2000, 100_000 .. 100_400 ],
    [ '/stream/fail/thread?size=%d', [ 200, 503 ], 1 .. 2000, 100_000 .. 100_400 ],
    [ '/stream/events?n=%d', [ 200 ], 1 .. 30 ],
    [ '/stream/events/thread?n=%d', [ 200, 503 ], 1 .. 30 ],
    [ '/fetch?n=1&uri=/some&times=%d', [ 200 ], 1 .. 3 ],
    [ '/fetch/async?n=1&uri=/async%%3Fduration%%3D%dms', [ 200 ], 1 .. 200 ],
    [ '/fetch/thread?n=1&uri=/thread%%3Fduration%%3D%dms', [ 200 ], 1 .. 30 ],
    [ '/fetch/backend?n=1&uri=/backend/async%%3Fduration%%3D%dms', [ 200 ], 1 .. 100 ],
    [ '/fetch/stream?n=1&uri=/stream/async%%3Fsize%%3D%d', [ 200 ], 1 .. 2000, 200_000 .. 200_400 ],
    [ '/fetch/bounded?n=1&each=30ms&uri=/async%%3Fduration%%3D%dms', [ 200 ], 1 .. 60 ],
    [ '/fetch/many?n=5&uri=/some&times=%d', [ 200 ], 1 .. 3 ],
    [ '/fetch/timeout?n=3&uri=/async%%3Fduration%%3D%dms', [ 200, 504 ], 1 .. 100 ],
    [ '/gather?n=5&ms=%dms', [ 200 ], 1 .. 100 ],
    [ '/gather/offload?n=3&kind=offload&ms=%dms', [ 200 ], 1 .. 30 ],
    [ '/gather/first?n=5&first=1&bad=0&kind=gather&ms=%dms', [ 200 ], 1 .. 30 ],
    [ '/quick?%d', [ 200 ], 0 ],
    [ '/quick?%d', [ 200 ], 0 ],
);

my %conf = (
    workers => 2,
    connections => 8192,
    log_level => 'warn',
    main => "task_load $tasks/probe.so; task_load $tasks/stream.so;
             task_load $tasks/gather.so; task_load $tasks/fetch.so;
             thread_pool default threads=16 max_queue=2000;
             worker_rlimit_nofile 10000;
             thread_pool pool threads=16 max_queue=2000;
             thread_pool tiny threads=2 max_queue=5;
             thread_pool probe threads=8 max_queue=2000;",
    http => 'task_param ms max=1s; task_param duration max=1s default=10ms;
             task_limit_log_level info; task_mode async;
             access_log off; task_zone numbers:1m; task_stats numbers;
             task_job_zone jobs:128m;',
    server => '
        location = /async          { task sleep; }
        location = /thread         { task sleep; task_mode thread=pool; }
        location = /tiny           { task sleep; task_mode thread=tiny; }
        location = /sync           { task sleep; task_mode sync; }
        location = /limit          { task sleep; task_limit running=20 queue=50; }
        location = /limit/thread   { task sleep; task_mode thread=pool;
                                     task_limit running=4 queue=50 wait=300ms; }
        location = /timeout        { task sleep; task_timeout 50ms; }
        location = /timeout/thread { task sleep; task_mode thread=pool;
                                     task_timeout 50ms; }
        location = /steps          { task steps; }
        location = /stubborn       { task stubborn; task_mode thread=pool; }
        location = /job            { task sleep; task_background on zone=jobs; }
        location = /job/thread     { task sleep; task_mode thread=pool;
                                     task_background on zone=jobs; }
        location = /prefer         { task sleep; task_background prefer zone=jobs; }
        location /jobs/            { task_jobs zone=jobs; }
        location = /stream/thread  { task pour piece=4095; task_mode thread=pool; }
        location = /stream/async   { task pour piece=4095; task_stream_buffer 16k; }
        location = /stream/pause   { task pour pause=5ms; }
        location = /stream/fail    { task pour piece=4095 end=fail; }
        location = /stream/fail/thread { task pour piece=4095 end=fail;
                                     task_mode thread=pool; }
        location = /stream/events  { task events pause=2ms; task_stream_ping 5ms; }
        location = /stream/events/thread { task events pause=1ms;
                                     task_mode thread=pool; }
        location /fetch            { task fetch.many; task_mode async; }
        location /fetch/timeout    { task fetch.many; task_mode async; task_timeout 50ms; }
        location /gather           { task gather; task_mode async; }
        location = /some           { return 200 some; }
        location /backend/         { internal; proxy_pass http://127.0.0.1:' . $port . '/; }
        location = /quick          { quick; }
        location = /status         { task_status json; }
    ');

my $s = TaskServer->start(%conf);

my $started = time();        # the zones begin anew with nginx

my (@children, @windows);
my $end = time() + $seconds;

for my $n (1 .. CLIENTS) {
    my $file = "$s->{root}/client-$n";
    my $pid = fork() // die "fork: $!";

    if ($pid == 0) {
        $SIG{PIPE} = 'IGNORE';
        srand($n);
        open my $out, '>', $file or die "$file: $!";
        client($out, $end);
        close $out;
        POSIX::_exit(0);
    }

    push @children, { pid => $pid, file => $file };
}

drive();

my %count;
my (@ends, @jobs);

for my $child (@children) {
    waitpid $child->{pid}, 0;
    open my $out, '<', $child->{file} or die "$child->{file}: $!";

    while (my $line = <$out>) {
        chomp $line;
        my ($what, $key, $n, $from, $to) = split /\t/, $line;

        if ($what eq 'count') {
            $count{$key} += $n;

        } elsif ($what eq 'job') {
            push @jobs, $key if $n > $started;

        } else {
            push @ends, { what => $what, uri => $key, detail => $n,
                          from => $from, to => $to };
        }
    }
}

exit report();


sub drive {
    my $start = time();
    my ($reload, $restart, $kill) = ($start + 2, $start + 20, $start + 7);

    # short runs have everything, too

    ($restart, $kill) = ($start + $seconds * 0.5, $start + $seconds * 0.3)
        if $seconds < 40;

    while (time() < $end - 1) {
        sleep(0.05);
        my $now = time();

        if ($now >= $restart) {
            my $from = $now;
            my ($code, $took) = $s->stop('QUIT');
            die "nginx exited with $code\n" if $code;
            $count{'slowest quit, ms'} = max($count{'slowest quit, ms'} // 0,
                                             int($took * 1000));
            $s->start;
            $started = time();
            push @windows, [ 'quit', $from, time() + 0.5 ];
            $restart = time() + 20;
            $count{'quits and starts'}++;
            next;
        }

        if ($now >= $kill) {
            my @workers = $s->workers;
            my $from = time();
            kill 'KILL', $workers[rand @workers];
            push @windows, [ 'kill', $from - 0.05, $from + 1.5 ];
            $kill = $now + 9;
            $count{'workers killed'}++;
            next;
        }

        if ($now >= $reload) {
            $s->signal('HUP');
            $reload = $now + 2;
            $count{'reloads'}++;
        }
    }
}


# one process of the load: so many connections at a time, each one request

sub client {
    my ($report, $end) = @_;

    my $poll = IO::Poll->new;
    my (%open, %count);

    while (time() < $end || %open) {
        my $now = time();

        while ($now < $end && keys %open < CONNECTIONS) {
            my $c = begin() or last;
            $open{fileno $c->{socket}} = $c;
            $poll->mask($c->{socket} => POLLOUT);
        }

        $poll->poll(0.02);
        $now = time();

        for my $s ($poll->handles(POLLIN|POLLOUT|POLLHUP|POLLERR)) {
            my $c = $open{fileno $s} or next;
            my $what = step($c, $poll) or next;

            finish($c, $what, $poll, \%open, \%count, $report);
        }

        for my $c (values %open) {
            if ($c->{abort} && $now >= $c->{abort}) {
                finish($c, 'aborted', $poll, \%open, \%count, $report);

            } elsif ($now - $c->{start} > ANSWER) {
                finish($c, 'lost', $poll, \%open, \%count, $report);
            }
        }
    }

    print $report "count\t$_\t$count{$_}\n" for keys %count;
}

sub begin {
    my $request = $requests[rand @requests];
    my ($uri, $statuses, @ms) = @$request;
    my $ms = $ms[rand @ms];

    my $s = IO::Socket::INET->new(PeerAddr => '127.0.0.1', Blocking => 0,
                                  PeerPort => $s->{port}) or return;

    return {
        socket => $s,
        uri => sprintf($uri, $ms),
        kind => $uri =~ s/\?.*//r,
        statuses => $statuses,
        ms => $ms,
        start => time(),
        abort => rand() < 0.15 ? time() + rand(0.2) : 0,
        leave => $uri =~ /stream/ && rand() < 0.15 ? int rand(100_000) : undef,
        text => '',
    };
}

# what has become of the connection, or nothing yet

sub step {
    my ($c, $poll) = @_;

    my $s = $c->{socket};

    if (!$c->{sent}) {
        return 'refused' if $s->getsockopt(SOL_SOCKET, SO_ERROR);

        $c->{sent} = time();
        my $text = "GET $c->{uri} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                   . "Prefer: respond-async, wait=1\r\n\r\n";
        return 'reset' unless defined syswrite $s, $text;

        $poll->mask($s => POLLIN);
        return;
    }

    my $n = sysread $s, $c->{text}, 65536, length $c->{text};

    return 'aborted' if $n && defined $c->{leave} && length $c->{text} > $c->{leave};
    return if $n || (!defined $n && $!{EAGAIN});

    return length $c->{text} ? 'cut' : 'reset' unless defined $n;
    return 'reset' unless length $c->{text};

    return judge($c);
}

sub judge {
    my ($c) = @_;

    my ($head, $body) = split /\r\n\r\n/, $c->{text}, 2;
    my ($status) = $head =~ m{^HTTP/1\.1 (\d+) } or return 'cut';
    return stream($c, $body // '') if $head =~ /^Transfer-Encoding: chunked\r?$/m;
    my ($length) = $head =~ /^Content-Length: (\d+)\r?$/m or return 'wrong';

    return 'cut' if length($body // '') < $length;
    return 'wrong' if length($body) > $length || $body !~ /^\{.*\}$/s;
    return "wrong" unless grep $_ == $status, @{ $c->{statuses} };
    return fetched($c, $body) if $status == 200 && $c->{kind} =~ m{^/fetch};
    return 'early' if $status == 200 && $c->{kind} !~ m{^/(?:steps|stubborn|quick|stream)}
                      && time() - $c->{sent} < $c->{ms} / 1000;
    return 'early' if $status == 504 && time() - $c->{sent} < 0.05;

    return $status;
}

# a gather of fetches tells what has become of each; a thread may have no room, and
# a server behind, which is nginx itself, may stop

sub fetched {
    my ($c, $body) = @_;

    my $told = decode_json($body);
    my ($n) = $c->{uri} =~ /\bn=(\d+)/;
    my ($times) = $c->{uri} =~ /\btimes=(\d+)/;
    my $took = time() - $c->{sent};

    return 'wrong' if sum0(values %$told) != $n * ($times // 1)
                      || $told->{busy} || $told->{cancelled};
    return 'wrong' if $told->{failed} && $c->{kind} !~ m{/(?:thread|backend)$};
    return 'wrong' if $told->{timeouts} && $c->{kind} !~ /bounded/;
    return 'early' if $told->{timeouts} && $took < 0.03;
    return 'early' if $told->{ok} && $c->{uri} =~ /duration/ && $took < $c->{ms} / 1000;

    return 200;
}

sub stream {
    my ($c, $text) = @_;

    my ($body, $at, $ended) = ('', 0, 0);

    pos($text) = 0;

    while ($text =~ /\G(?:\r\n)?([0-9a-f]+)\r\n/gc) {
        my $n = hex $1;
        $ended = 1, last if $n == 0;
        $body .= substr $text, pos $text, $n;
        last if pos($text) + $n > length $text;
        pos($text) += $n;
    }

    my $expected = $c->{kind} =~ /events/ ? "event: tick\ndata: tick\n\n" x $c->{ms}
                                          : TaskStreams::expected(0, $c->{ms});
    my $fails = $c->{kind} =~ /fail/;

    # a comment may stand behind each event

    $body =~ s/\n\n: \n\n/\n\n/ while $c->{kind} =~ /events/ && $body =~ /\n\n: \n\n/;

    return 'wrong' if $body ne substr $expected, 0, length $body;
    return 'wrong' if $ended && ($fails || length $body < length $expected);
    return 'cut' if !$ended && !($fails && length $body == length $expected);
    return 200;
}

sub finish {
    my ($c, $what, $poll, $open, $count, $report) = @_;

    $poll->remove($c->{socket});
    delete $open->{fileno $c->{socket}};
    close $c->{socket};

    $count->{"$c->{kind} $what"}++;
    $count->{requests}++;

    if ($what eq '202' && $c->{text} =~ /"id":"([0-9a-f]{32})"/) {

        # when it was asked for: a slow client reads the answer long after nginx,
        # and its zone with it, was started anew

        print $report "job\t$1\t$c->{sent}\n";
    }

    if ($what !~ /^\d+$|^aborted$/) {
        (my $text = substr $c->{text}, 0, 60) =~ s/[\r\n\t]+/ /g;
        print $report join("\t", $what, $c->{uri}, $text, $c->{start}, time()),
                      "\n";
    }
}


sub report {
    my $failed = 0;
    my %kinds;

    # With no window that explains it, it is a loss.  A request that a worker
    # had begun, and lost in a quit, would look like one that was not accepted
    # yet: of that one nginx itself tells, by an alert "open socket left".

    for my $e (@ends) {
        my ($window) = grep { $e->{to} >= $_->[1] && $e->{from} <= $_->[2] }
                       @windows;

        my $why = !$window || $e->{what} =~ /early|wrong|lost/ ? 'LOST'
                  : $e->{what} eq 'cut' && $window->[0] ne 'kill' ? 'LOST'
                  : "while nginx " . ($window->[0] eq 'quit' ? 'stops'
                                                            : 'loses a worker');

        $count{"$e->{what}, $why"}++;

        if ($why eq 'LOST') {
            print "LOST: $e->{uri}: $e->{what}: $e->{detail}\n" if $failed++ < 10;
        }
    }

    # what is left when all is quiet

    my @workers;
    $s->wait_for(sub {
        @workers = $s->workers;
        return @workers == 2;
    }, 'old workers to leave');

    for my $pid (@workers) {
        my $fds = fds($pid);
        my @threads = glob "/proc/$pid/task/*";
        my ($rss) = text("/proc/$pid/status") =~ /VmRSS:\s+(\d+)/;

        print "worker: $fds descriptors, ", scalar @threads, " threads, "
              . int($rss / 1024), " MB\n";

        # listening socket, channel, epoll, eventfd, logs and the like
        # 1 + 16 + 2 + 8 of the pools, 32 of the default one, 1 that watches

        if ($fds > 20 || @threads > 60 || $rss > 200 * 1024) {
            print "LOST: the worker did not return to where it was\n";
            $failed++;
        }
    }

    $s->wait_for(sub {
        my $status = decode_json($s->get('/status')->{body});
        my @tasks = @{ $status->{zones}[0]{tasks} };
        my @states = map $_->{states}, @{ $status->{jobs} };

        return !(grep $_->{running} || $_->{waiting}, @tasks)
               && !(grep $_->{queued} || $_->{running}, @states);
    }, 'all to end', 60);

    $failed += numbers();
    $failed += jobs();

    my ($code) = $s->stop('QUIT');
    $failed++, print "LOST: exit code $code\n" if $code;

    for my $key (sort keys %count) {
        printf "%-34s %8d\n", $key, $count{$key};
    }

    my $log = $s->text('error.log');
    $log =~ s/^.*exited on signal 9.*$//mg;

    if (my @alerts = $log =~ /^.*\[(?:alert|crit|emerg)\].*$/mg) {
        print "LOST: ", scalar @alerts, " alerts: $alerts[0]\n";
        $failed++;
    }

    if ($log =~ /Sanitizer|runtime error/) {
        print "LOST: a sanitizer's report\n";
        $failed++;
    }

    print $failed ? "FAILED\n" : "nothing lost\n";

    return $failed ? 1 : 0;
}

# since the last start: each job that was accepted has ended, and how is known

sub jobs {
    my (%state, $wrong);

    for my $id (@jobs) {
        my $r = $s->get("/jobs/$id");
        my $state = $r->{status} == 200 ? decode_json($r->{body})->{state}
                                        : $r->{status};
        $state{$state}++;

        if ($state !~ /^(?:done|lost)$/) {
            print "LOST: job $id is $state\n" if $wrong++ < 10;
        }
    }

    print "jobs: ", join(', ', map "$state{$_} $_", sort keys %state), "\n";

    if ($state{lost} && !grep $_->[0] eq 'kill' && $_->[2] > $started, @windows) {
        print "LOST: $state{lost} jobs, and no worker was killed\n";
        $wrong++;
    }

    return $wrong // 0;
}

# since the last start: what began has ended, or died with its worker

sub numbers {
    my ($zone) = @{ decode_json($s->get('/status')->{body})->{zones} };
    my $wrong = 0;
    my %sum;

    for my $row (@{ $zone->{tasks} }) {
        my $ended = sum0(values %{ $row->{ended} });

        $sum{started} += $row->{started};
        $sum{lost} += $row->{ended}{lost};

        next if $row->{started} == $ended && !$row->{running}
                && !$row->{waiting};

        print "LOST: the numbers of $row->{location}: $row->{started} started,",
              " $ended ended, $row->{running} running, $row->{waiting} waiting\n";
        $wrong++;
    }

    print "counted: $sum{started} tasks started, $sum{lost} of them died with ",
          "their worker\n";

    return $wrong;
}

sub fds {
    my ($pid) = @_;
    my @fds = glob "/proc/$pid/fd/*";
    return scalar @fds;
}

sub text {
    my ($file) = @_;
    open my $in, '<', $file or return '';
    local $/;
    return <$in> // '';
}
