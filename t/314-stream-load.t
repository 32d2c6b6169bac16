#!/usr/bin/perl

# Streams under load: clients that stop reading for a while, 2,000 streams of
# events on a worker, clients that leave after any number of bytes, reloads and a
# quit.  TEST_NGINX_STREAMS=N makes it N times as long.

use strict;
use warnings;

use JSON::PP;
use POSIX;
use Test::More;
use Time::HiRes qw(sleep time);

use TaskNginx qw(listen_http2);
use TaskServer;
use TaskStreams;

use constant { MB => 1024 * 1024, EVENTS => 2000, THREADS => 100 };

my $times = $ENV{TEST_NGINX_STREAMS} || 1;
my $sanitized = $ENV{TEST_NGINX_SANITIZER};

my $two = ($ENV{TEST_NGINX_PORT} || 1984) + 101;

my $locations = join '', map {
    my ($name, $mode) = @$_;
    my $m = "task_mode $mode;";

    qq{
        location = /$name/pour   { task pour; $m }
        location = /$name/small  { task pour; $m task_stream_buffer 4k; }
        location = /$name/late   { task pour; $m task_timeout 100ms; }
        location = /$name/lines  { task lines; $m }
        location = /$name/gzip   { task pour; $m gzip on; gzip_min_length 0; gzip_types *; }
        location = /$name/events { task events; $m task_stream_ping 20ms; }
    };
} [ 'thread', 'thread=many' ], [ 'async', 'async' ];

my $s = TaskServer->start(
    connections => 8192, log_level => 'warn',
    main => "task_load $ENV{TEST_NGINX_TASKS}/test/stream.so;
             task_load $ENV{TEST_NGINX_TASKS}/test/probe.so;
             worker_rlimit_nofile 10000; thread_pool many threads=" . THREADS . ' max_queue=100;
             thread_pool probe threads=1;
             task_shutdown_timeout 1s;',
    http => 'task_zone numbers:256k; task_stats numbers; access_log off;',
    server => $locations . '
        location = /sleep  { task sleep; task_mode thread=many; }
        location = /seen   { task seen; task_mode sync; }
        location = /quick  { quick; }
        location = /status { task_status json; }
        }
        server {
            ' . listen_http2($two, 'backlog=4096') . "
            $locations
    ");

sub seen { return decode_json($s->get('/seen')->{body}) }

sub memory {
    my ($pid) = @_;
    open my $in, '<', "/proc/$pid/statm" or return 0;
    return (split ' ', <$in>)[1] * POSIX::sysconf(POSIX::_SC_PAGESIZE());
}

sub descriptors { return scalar(() = glob "/proc/$_[0]/fd/*") }

sub until_time {
    my $until = time() + shift;
    return sub { time() < $until };
}

sub quiet {
    my ($what) = @_;

    ok($s->wait_for(sub { my $now = seen(); $now->{begun} == $now->{deferred} },
                    'all to end', 20), "$what: each that began has ended");

    my ($zone) = @{ decode_json($s->get('/status')->{body})->{zones} };
    is(join(' ', map $_->{location}, grep $_->{running} || $_->{waiting},
            @{ $zone->{tasks} }), '', "$what: none is counted as one that runs");
}

my ($worker) = $s->workers;

# --- a reader that stops, and goes on ---

# once before, for what is made with the first ones

for my $m ('thread', 'async') {
    my $l = TaskStreams->new;
    $l->http1($s->{port}, "/$m/pour?size=1m&piece=64k");
    $l->run(until_time(20));
}

my $l = TaskStreams->new;
my $before = memory($worker);
my $most = $before;
my @slow = map $l->http1($s->{port}, "/$_/pour?size=48m&piece=64k", read => MB,
                         pauses => [ [ 8 * MB, 1 ], [ 30 * MB, 1 ] ]),
               'thread', 'async';

my $until = time() + 60;
$l->run(sub {
    my $now = memory($worker);
    $most = $now if $most < $now;
    return time() < $until;
});

for my $c (@slow) {
    ok($c->{end} eq 'done' && !$c->{wrong} && $c->{got} == 48 * MB,
       "$c->{uri}: all of it") or diag explain [ @$c{qw(end wrong got)} ];
    cmp_ok($c->{at} - $c->{start}, '>=', 2, "$c->{uri}: it has waited");
}

SKIP: {
    skip('a sanitizer has memory of its own', 1) if $sanitized;
    cmp_ok($most - $before, '<', 4 * MB, 'memory of the worker is flat');
    diag(sprintf 'a slow reader: %.1f MB, at most %.1f', $before / MB, $most / MB);
}

# --- 2,000 streams of events ---

my $n = $sanitized ? EVENTS / 10 : EVENTS;
my $threads = THREADS / 2;
my $clients = fork() // die "fork: $!";

if ($clients == 0) {
    my $l = TaskStreams->new;
    my @c = map $l->http1($s->{port}, '/async/events?n=1000&pause=1s', keep => 1), 1 .. $n;
    push @c, map $l->http1($s->{port}, '/thread/events?n=1000&pause=1s', keep => 1),
                 1 .. $threads;
    my $until = time() + 30;

    # each has three: the last one is two seconds later than the first

    $l->run(sub {
        time() < $until
            && grep +(() = ($_->{text} // '') =~ /^data: tick$/mg) < 3, @c[0, $n / 2, -1];
    });
    $l->run(until_time(0.5));

    my %events;
    $events{ (() = ($_->{text} // '') =~ /^event: tick\ndata: tick\n\n/mg) }++ for @c;
    open my $out, '>', "$s->{root}/events" or die $!;
    print $out encode_json({ least => (sort { $a <=> $b } keys %events)[0],
                             open => scalar(grep !$_->{end}, @c) });
    close $out;
    POSIX::_exit(0);
}

sub running {
    my ($zone) = @{ decode_json($s->get('/status')->{body})->{zones} };
    my $running = 0;
    $running += $_->{running} for @{ $zone->{tasks} };
    return $running;
}

$before = memory($worker);
ok($s->wait_for(sub { running() == $n + $threads }, 'all streams', 30), "$n streams");

my (@took, $gone);

until ($gone) {
    my $r = $s->get('/quick');
    push @took, $r->{status} == 200 ? $r->{time} : 1e9;
    $most = memory($worker);
    $gone = waitpid $clients, WNOHANG;
    sleep(0.002);
}

@took = sort { $a <=> $b } @took;

my ($p50, $p99) = @took[@took / 2, @took * 0.99];
cmp_ok(scalar @took, '>=', 50, '/quick beside them');
cmp_ok($p99, '<', 0.25, '/quick stays quick');
diag(sprintf '%d and %d streams: /quick %d times, p50 %.2f ms, p99 %.2f ms; %.1f kB each',
     $n, $threads, scalar @took, $p50 * 1000, $p99 * 1000,
     ($most - $before) / 1024 / ($n + $threads));

open my $in, '<', "$s->{root}/events" or die $!;
my $events = decode_json(<$in>);
cmp_ok($events->{least}, '>=', 3, 'each stream has its events');
is($events->{open}, $n + $threads, 'none has ended');
quiet('events');

# --- clients that leave after any number of bytes ---

srand($ENV{TEST_NGINX_SEED} // 1);

my @kinds = (
    [ '/%s/pour?end=forever&piece=64k' ],
    [ '/%s/pour?end=forever&piece=1000' ],
    [ '/%s/pour?size=200000&piece=5000', 200_000 ],
    [ '/%s/small?size=100000&piece=4095', 100_000 ],
    [ '/%s/small?end=forever&piece=16' ],
    [ '/%s/pour?size=1000&end=fail', 1000, 1 ],
    [ '/%s/late?end=forever&piece=64k', undef, 1 ],
    [ '/%s/pour?size=100&before=20ms', 100 ],
    [ '/%s/events?n=1000000', undef, undef, 1 ],
    [ '/%s/events?n=20&pause=5ms&end=fail', undef, undef, 1 ],
    [ '/%s/lines?n=20000', undef, undef, 1 ],
);

sub leaving {
    my ($kind) = @_;
    my ($uri, $size, $fails, $text) = @$kind;
    my $always = $uri =~ /forever|1000000/ && !$fails;

    return (size => $size, fails => $fails, $text ? (check => 0) : (),
            $always || rand() < 0.6
            ? (leave => int(rand() < 0.3 ? rand(300) : rand(300_000)),
               rst => rand() < 0.5, hang_up => rand() < 0.1)
            : (), stall => 0);
}

my ($files, @done) = (0);
$before = 0;

for my $round (1 .. 6 * $times) {
    my $l = TaskStreams->new;

    for (1 .. 40) {
        my $kind = $kinds[rand @kinds];
        my $uri = sprintf $kind->[0], rand() < 0.5 ? 'thread' : 'async';
        push @done, $l->http1($s->{port}, $uri, leaving($kind),
                              rand() < 0.3 ? (receive => 4096) : ());
    }

    for (1 .. 6) {
        my (@uris, @o);

        for (1 .. 10) {
            my $kind = $kinds[rand @kinds];
            push @uris, sprintf $kind->[0], rand() < 0.5 ? 'thread' : 'async';
            push @o, { leaving($kind) };
        }

        push @done, $l->http2($two, \@uris,
                              { window => (16, 1000, 65535, MB)[rand 4] },
                              sub { shift @o });
    }

    $l->run(until_time(60));

    # after the first one: what a worker keeps is made by then

    if ($round == 1) {
        $s->wait_for(sub { my $now = seen(); $now->{begun} == $now->{deferred} }, 'all');
        $before = seen()->{memory};
        $files = descriptors($worker);
    }
}

quiet('aborts');

my %how;
my @wrong = grep defined, map $_->{wrong}, @done;

for my $c (@done) {
    $how{$c->{end} // 'open'}++;

    next if ($c->{end} // '') eq 'left' || ($c->{status} // 0) eq 503;

    push @wrong, "$c->{uri}: " . ($c->{end} // 'open') . ", $c->{got}"
        if !$c->{end}
           || ($c->{end} eq 'done' && ($c->{fails} || $c->{got} != ($c->{size} // $c->{got})))
           || ($c->{end} eq 'broken' && $c->{size} && !$c->{fails} && !$c->{hung})
}

# a connection of HTTP/2 that is closed takes the other streams with it: these
# have left, too

is(join("\n", @wrong[0 .. ($#wrong < 5 ? $#wrong : 5)]), '', 'aborts: nothing wrong arrives');
cmp_ok($how{$_} // 0, '>=', 20, "aborts: $_") for 'left', 'done', 'broken';
diag('aborts: ', join ', ', map "$how{$_} $_", sort keys %how);

is(join(' ', $s->workers), $worker, 'aborts: the worker lives');
ok($s->wait_for(sub { descriptors($worker) <= $files + 1 }, 'descriptors', 10),
   'aborts: no descriptor is left');

SKIP: {
    skip('a sanitizer has memory of its own', 1) if $sanitized;
    my $after = seen()->{memory};
    cmp_ok($after - $before, '<', MB, 'aborts: nor memory');
    diag(sprintf 'aborts: %.2f MB, then %.2f', $before / MB, $after / MB);
}

# each thread is free

my @r = $s->get_all(('/sleep?duration=1500ms') x THREADS);
is(scalar(grep $_->{status} == 200, @r), THREADS, 'aborts: each thread answers');
cmp_ok((sort { $a <=> $b } map $_->{total}, @r)[-1], '<', 2.8, 'aborts: all at once')
    unless $sanitized;

# --- reloads and a quit ---

# an end by the worker's is no earlier than task_shutdown_timeout after it was
# told to end; what ends by itself is complete

my (@all, @told);
$l = TaskStreams->new;
my $begun = time();
my $last = $begun + 4;
my $next = $begun + 0.6;
my $stopped = 0;

my @mixed = (
    [ '/%s/pour?size=1600&pause=10ms', 1600 ],              # 1 s
    [ '/%s/pour?size=160&pause=20ms', 160 ],                # 0.2 s
    [ '/%s/pour?size=4000&pause=10ms', 4000 ],              # 2.5 s
    [ '/%s/pour?size=3000000&piece=4000', 3_000_000 ],
    [ '/%s/events?n=30&pause=10ms', 30, 1 ],
    [ '/%s/events?n=250&pause=10ms', 250, 1 ],
    [ '/%s/events?n=1000000&pause=1ms', 1_000_000, 1 ],
);

sub more {
    my ($uri, $size, $keep) = @{ $mixed[rand @mixed] };
    $uri = sprintf $uri, rand() < 0.4 ? 'thread' : 'async';
    my %o = (size => $size, keep => $keep, check => 1);

    push @all, rand() < 0.7 ? $l->http1($s->{port}, $uri, %o)
                            : $l->http2($two, [ $uri ], {}, sub { return { %o } });
}

more() for 1 .. 40;

$l->run(sub {
    my $now = time();

    if ($now < $last - 0.5) {
        more() while $l->open < 60;
    }

    # old workers take connections until they have heard of it

    for my $told (grep !$_->{closed}, @told) {
        $told->{closed} = $now
            if !grep TaskServer::title($_) =~ /^nginx: (?!.*is shutting down)/,
                     @{ $told->{workers} };
    }

    if ($now >= $next && $now < $last && !grep !$_->{closed}, @told) {
        push @told, { at => $now, workers => [ $s->workers ] };
        $s->signal('HUP');
        $next = $now + 0.6;
    }

    if ($now >= $last && !$stopped) {
        push @told, { at => $now, workers => [ $s->workers ] };
        $s->signal('QUIT');
        $stopped = 1;
    }

    return $now < $last + 20;
});

($s->{stopped}) = waitpid $s->{pid}, WNOHANG;

my %ends;
@wrong = grep defined, map $_->{wrong}, @all;

for my $c (@all) {
    my ($end, $whole, $told) = ($c->{end} // 'open');

    # none was accepted: nginx had no worker that listened

    if (!$c->{status}) {
        $ends{refused}++;
        next if $c->{at} && $c->{at} >= $last - 0.5;
    }

    if ($c->{keep}) {
        my $n = () = $c->{text} =~ /\G(?:: \n\n)*event: tick\ndata: tick\n\n(?:: \n\n)*/gc;
        my $rest = substr $c->{text}, pos($c->{text}) // 0;
        $told = $rest eq "retry: 1000\n\n";
        $whole = $n == $c->{size} && $rest eq '';
        push @wrong, "$c->{uri}: $end, $n events, and '" . substr($rest, -60) . "'"
            unless $end eq 'done' && ($whole || $told);

    } else {
        $whole = $c->{got} == $c->{size};
        $told = $end eq 'broken';
        push @wrong, "$c->{uri}: $end, $c->{got} bytes"
            unless $end eq 'done' ? $whole : $told;
    }

    # it was open when its worker was told to end, and for a second after that

    push @wrong, sprintf '%s: %s after %.2f s', $c->{uri}, $end, $c->{at} - $c->{start}
        if $told && !grep $c->{start} <= ($_->{closed} // 9**9**9)
                          && $c->{at} >= $_->{at} + 1, @told;

    # and none is open for longer

    push @wrong, sprintf '%s: %.2f s', $c->{uri}, $c->{at} - $c->{start}
        if $c->{at} && $c->{at} - $c->{start} > 8;

    $ends{$whole ? 'whole' : $c->{keep} ? 'retry' : $end}++;
}

is(join("\n", @wrong[0 .. ($#wrong < 5 ? $#wrong : 5)]), '', 'reloads and quit: each ends as it must');
cmp_ok($ends{$_} // 0, '>=', 5, "reloads and quit: $_") for 'whole', 'retry', 'broken';
diag('reloads and quit: ', join ', ', map "$ends{$_} $_", sort keys %ends);

ok($s->wait_for(sub { $s->{stopped} == $s->{pid} || waitpid($s->{pid}, WNOHANG) },
                'nginx to stop', 10), 'nginx has stopped');
is($?, 0, 'exit code');
cmp_ok(time() - $last, '<', 8, 'in time');
is(scalar(() = $s->workers), 0, 'no worker is left');

$s->check_log();

done_testing();
