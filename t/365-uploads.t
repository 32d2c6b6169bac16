#!/usr/bin/perl

# Uploads, while clients leave, workers are reloaded and quit, tasks wait for
# their turn, and jobs outlive their requests: what a function reads is what was
# sent, no descriptor is left, and the worker needs no memory for a file.

use strict;
use warnings;

use JSON::PP;
use Test::More;
use Time::HiRes qw(sleep time);

use TaskForms;
use TaskNginx qw(listen_http2);
use TaskServer;
use TaskTurns;

use constant MB => 1_048_576;

my $tasks = "$ENV{TEST_NGINX_TASKS}/test";
my $two = ($ENV{TEST_NGINX_PORT} || 1984) + 101;
my ($server, @places) = (listen_http2($two) . "
        location = /quick { quick; }
        location /jobs/ { task_jobs zone=jobs; }");

for my $mode ('thread', 'async') {
    for my $where ('memory', 'file') {
        my $set = "task_mode $mode=held; client_body_buffer_size "
                  . ($where eq 'file' ? '16k;' : '64m;');
        $set =~ s/async=held/async/;

        $server .= "
        location = /$mode/$where { task held; $set }
        location = /job/$mode/$where { task held; $set task_background on zone=jobs; }
        location = /limit/$mode/$where { task held; $set task_limit running=1 queue=20; }";
        push @places, "/$mode/$where";
    }
}

my %conf = (
    main => "task_load $tasks/sizes.so; thread_pool held threads=8;",
    server => $server, log_level => 'notice',
    http => 'task_job_zone jobs:8m max_body=64m; client_max_body_size 300m;
             lingering_close off;');

my $bytes = join '', map chr($_ * 7 & 255) x 3, 0 .. 299_999;
my ($size, $sum) = (length $bytes, sum($bytes));
my $gates = 0;
my $s;

sub sum {
    my ($text) = @_;
    my $sum = 0;

    $sum = ($sum * 31 + $_) & 0xffffffff for unpack 'C*', $text;

    return $sum;
}

# a gate for "held", and the request that waits for it

sub gate {
    my ($place, $text) = @_;
    my $name = ++$gates;

    return ($name, parts("$place?" . $s->gate($name), [ 'file', $text // $bytes, "f$name" ]));
}

sub send_to {
    my ($request) = @_;

    my $socket = $s->connect or die "connect: $!\n";
    TaskTurns::write_all($socket, $request);

    return $socket;
}

sub answer { return TaskTurns::answer($s, $_[0]) }

# descriptors of the worker, and those of bodies; a timer is made but once

sub fds {
    my ($pid) = $s->workers;
    return grep !/timerfd/, map readlink($_) // (), glob "/proc/$pid/fd/*";
}

sub bodies { return scalar grep m{/client_body/}, fds() }

sub has_read {
    my ($name, $text) = @_;
    my ($length, $is) = defined $text ? (length $text, sum($text)) : ($size, $sum);

    return $s->text('error.log') =~ /read $length bytes of "f$name", $is, 0/;
}

sub start {
    $s = TaskServer->start(%conf);
    answer(send_to(parts($_, [ 'file', 'x', 'x' ]))) for @places;
}

start();

# --- the client leaves ------------------------------------------------------

my $before;
$s->wait_for(sub { my $n = fds(); my $same = $n == ($before // -1); $before = $n; $same },
             'connections to be closed');

for my $place (@places, map "/job$_", @places) {
    my ($name, $request) = gate($place);
    my $half = length($request) / 2;

    my $socket = send_to(substr $request, 0, $half);
    $s->wait_for(sub { !TaskTurns::queued($socket) }, 'half of it to be read');
    cmp_ok(scalar fds(), '>', $before, "$place: half of an upload");
    close $socket;
    $s->wait_for(sub { fds() <= $before }, 'no descriptor to be left');
    is(bodies(), 0, 'and who leaves then leaves no descriptor');
}

# one in a file, a long one in memory, and one that came with the header

for my $try (map([ $_, $bytes ], @places), map [ "/$_/memory", 'short' x 50 ], 'thread', 'async') {
    my ($place, $text) = @$try;
    my ($name, $request) = gate($place, $text);
    my $lines = () = $s->text('access.log') =~ m{^POST $place\?\S+ \S+ 499 }mg;

    my $socket = send_to($request);
    $s->wait_for(sub { !TaskTurns::queued($socket) }, 'all of it to be read');
    $s->wait_for(sub { $s->text('error.log') =~ /holds "f$name"/ }, 'it to run');
    close $socket;
    $s->wait_access(qr{^POST $place\?\S+ \S+ 499 }, $lines + 1);
    is(bodies(), $place =~ /file/ ? 1 : 0, "$place: the client has left, the function reads on");

    # memory that was freed has something else in it

    for (1 .. 3) {
        my @other = map send_to(parts('/thread/memory', [ 'file', $_, 'y' ])),
                    'y' x $size, 'y' x length $text;
        answer($_) for @other;
        close $_ for @other;
    }

    $s->open_gate($name);
    $s->wait_for(sub { $s->text('error.log') =~ /bytes of "f$name"/ }, 'it to be read');
    ok(has_read($name, $text), 'and has what was sent');
    $s->wait_for(sub { fds() <= $before }, 'no descriptor to be left');
}

# --- jobs, whose request is gone --------------------------------------------

for my $place (map "/job$_", @places) {
    my ($name, $request) = gate($place);

    my $socket = send_to($request);
    my $r = answer($socket);
    is($r->{status}, 202, "$place: a job");
    my $id = decode_json($r->{body})->{id};
    close $socket;
    $s->wait_for(sub { bodies() == 0 }, 'the request to be gone');

    my @other = map send_to(parts('/thread/memory', [ 'file', 'z' x $size, 'z' ])), 1 .. 3;
    answer($_) for @other;
    close $_ for @other;

    $s->open_gate($name);
    my $job = decode_json($s->get("/jobs/$id?wait=20s")->{body});
    is_deeply($job->{result}, { name => "f$name", size => $size, sum => $sum },
              'it has what was sent');
}

$s->wait_for(sub { fds() <= $before }, 'no descriptor to be left');

# --- tasks that wait for their turn -----------------------------------------

for my $place (map "/limit$_", @places) {
    my ($first, $request) = gate($place);
    my @c = send_to($request);
    my $file = $place =~ /file/ ? 1 : 0;

    $s->wait_for(sub { bodies() == 2 * $file }, 'one to run');

    push @c, map send_to(parts($place, [ 'file', $bytes, 'waits' ])), 1 .. 8;
    $s->wait_for(sub { !grep TaskTurns::queued($_), @c }, 'all to be read');

    # nginx has one of each, the one that runs another

    if ($file) {
        my $quiet = $s->wait_for(sub { bodies() == @c + 1 }, 'none of their own', 5);
        ok($quiet, "$place: who waits has no descriptor of its own") or diag bodies();
    }

    $s->open_gate($first);
    my @r = map answer($_), @c;
    is(scalar(grep decode_json($_->{body})->{sum} == $sum, @r), 9, "$place: all are answered");
    close $_ for @c;
}

$s->wait_for(sub { fds() <= $before }, 'no descriptor to be left');
pass('no descriptor is left');

# --- HTTP/2, and two files --------------------------------------------------

for my $place (@places) {
    my $r = answer(send_to(parts($place, [ 'other', $bytes, 'o' ], [ 'file', 'abc', 'f' ])));
    is_deeply(decode_json($r->{body}), { name => 'f', size => 3, sum => sum('abc'),
                                         other => $sum }, "$place: two files");

    open my $out, '>', "$s->{root}/body" or die "body: $!\n";
    print $out $bytes;
    close $out;

    my $said = `curl -s --http2-prior-knowledge -F 'file=\@$s->{root}/body;filename=two' \\
                http://127.0.0.1:$two$place`;
    is_deeply(eval { decode_json($said) } // $said,
              { name => 'two', size => $size, sum => $sum }, "$place: HTTP/2");
}

# --- reload and quit --------------------------------------------------------

for my $place (@places) {
    my ($name, $request) = gate($place);
    my $half = length($request) / 2;

    my $early = send_to($request);
    my $late = send_to(substr $request, 0, $half);
    $s->wait_for(sub { !TaskTurns::queued($_) }, 'it to be read') for $early, $late;
    my ($old) = $s->workers;
    $s->reload;
    TaskTurns::write_all($late, substr $request, $half);
    $s->open_gate($name);

    for my $c ($early, $late) {
        my $r = answer($c);
        is_deeply(eval { decode_json($r->{body}) } // $r->{body},
                  { name => "f$name", size => $size, sum => $sum }, "$place: a reload");
        close $c;
    }

    $s->wait_for(sub { !grep $_ == $old, $s->workers }, 'the old worker to quit');
}

my ($name, $request) = gate($places[0]);
my $half = length($request) / 2;
my @c = map { (send_to($_->[1]), send_to(substr $_->[1], 0, $half)) }
        map [ $_, $request =~ s/^POST \S+?(?=\?)/POST $_/r ], @places;
my @rest = map substr($request =~ s/^POST \S+?(?=\?)/POST $_/r, $half), @places;

$s->wait_for(sub { !grep TaskTurns::queued($_), @c }, 'all to be read');
$s->signal('QUIT');
TaskTurns::write_all($c[2 * $_ + 1], $rest[$_]) for 0 .. $#rest;
$s->open_gate($name);
my @r = map answer($_), @c;
is(scalar(grep $_->{body} =~ /"sum":$sum\b/, @r), scalar @c, 'who has begun before a quit');
close $_ for @c;
my ($code) = $s->stop('QUIT');
is($code, 0, 'exit code');
$s->check_log;

# and TERM

start();
($name, $request) = gate($places[0]);
@c = map send_to($_), $request, substr($request, 0, $half),
     map $request =~ s/^POST \S+?(?=\?)/POST $_/r, @places[1 .. 3];
$s->wait_for(sub { !grep TaskTurns::queued($_), @c }, 'all to be read');
$s->signal('TERM', ($s->workers)[0]);
$s->open_gate($name);
($code) = $s->stop('TERM');
is($code, 0, 'a worker that stops at once');
$s->check_log('exited on signal');

# --- memory -----------------------------------------------------------------

SKIP: {
    skip 'a sanitizer has memory of its own', 4 if $ENV{TEST_NGINX_SANITIZER};

    start();

    my ($pid) = $s->workers;
    my $memory = sub {
        open my $in, '<', "/proc/$pid/status" or die "status: $!\n";
        my %has = map { /^(Vm\w+):\s+(\d+) kB/ ? ($1 => $2 * 1024) : () } <$in>;
        return @has{qw(VmHWM VmRSS)};
    };

    # a peak that is counted anew

    my $anew = sub {
        open my $out, '>', "/proc/$pid/clear_refs" or return;
        syswrite $out, "5\n";
    };

    for my $place ('/thread/file', '/async/file') {
        my $upload = sub {
            my $part = part('file', '', 'large') =~ s/\r\n$//r;
            my $end = "\r\n--" . boundary() . "--\r\n";
            my $socket = send_to(request($place, 'multipart/form-data; boundary=' . boundary(), '')
                         =~ s/(?<=Content-Length: )0/length($part) + $_[0] * MB + length $end/er
                         . $part);

            TaskTurns::write_all($socket, 'a' x MB) for 1 .. $_[0];
            TaskTurns::write_all($socket, $end);

            return decode_json(answer($socket)->{body})->{size};
        };

        $upload->(20);
        $anew->();
        my @had = $memory->();
        is($upload->(200), 200 * MB, "$place: 200 MB");
        my @has = $memory->();

        cmp_ok($has[0] - $had[0], '<', 6 * MB, 'the worker needs no memory for them');
        diag(sprintf '%s: peak %+.1f MB, resident %+.1f MB', $place,
             ($has[0] - $had[0]) / MB, ($has[1] - $had[1]) / MB);
    }

    $s->stop('QUIT');
    $s->check_log;
}

done_testing();
