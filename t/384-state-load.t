#!/usr/bin/perl

# How the state file of a zone of jobs is read: what has room, what is wrong in
# it, and who else has it.

use strict;
use warnings;

use JSON::PP;
use Test::More;
use Time::HiRes qw(sleep time);

use TaskState;

my ($s, $r, $id, @ids, $lock, $run);

sub bytes {
    my ($file) = @_;

    local (@ARGV, $/) = $file;
    return scalar <>;
}

sub places {
    my ($s) = @_;

    my $status = decode_json($s->get('/status')->{body});
    my ($zone) = grep $_->{name} eq 'jobs', @{$status->{jobs}};

    return $zone->{places};
}

# started with other options; "file": the file is not waited for

sub again {
    my ($s, %o) = @_;

    $s->{options} = { %{$s->{options}}, %o };
    $s->write_conf(TaskState::state_conf(%{$s->{options}}, told => $s->{told}));
    $s->start;
    wait_loaded($s) if !$o{file};
}

sub log_like {
    my ($s, $like, $what) = @_;

    ok($s->wait_for(sub { $s->text('error.log') =~ $like }, $what), $what);
}

# n jobs that wait, behind one that runs

sub wait_in_file {
    my ($s, $n, %o) = @_;

    my $run = submit($s, '/one?duration=60s');
    wait_state($s, 'running', $run);
    my @wait = map submit($s, '/one', %o, key => "wait-$_",
                          body => '{"duration":"1ms","status":"' . ($o{body} // '') . "$_\"}"),
                   1 .. $n;
    $s->stop('TERM');

    return @wait;
}

# --- a zone that is full of ended jobs -----------------------------------------------

$s = state_server(workers => 1, zone => 'jobs:1m');
my @wait = wait_in_file($s, 30);

$lock = lock_state($s);
$s->start;
for (1 .. 2000) {
    my $p = places($s);
    last if $p->{used} == $p->{total};
    $r = submit($s, "/sleep?duration=0ms&status=$_");
    ended($s, $r);
}
my $p = places($s);
is($p->{used}, $p->{total}, 'ended jobs have all places of the zone');
close $lock;
wait_loaded($s);
is(scalar(grep ended($s, $_)->{state} eq 'done', @wait), 30, 'what waited has room all the same');
is(poll($s, $r)->{state}, 'done', 'the newest that have ended are kept');
like($s->text('error.log'), qr/: 30 jobs are back/, 'nothing else is');
$s->stop;
$s->check_log;

# --- a zone that is too small for what waits -------------------------------------------

$s = state_server(workers => 1, zone => 'jobs:8m');
@wait = wait_in_file($s, 1200);
my $was = bytes($s->{state});

again($s, zone => 'jobs:1m', file => 'jobs.state');
log_like($s, qr/\[crit\].* the 1200 jobs that wait in it have no room in task_job_zone "jobs", /,
         'a zone that is too small says so');
like(submit($s, '/sleep?duration=1ms'), qr/^503 /, 'no job is accepted');
is(poll($s, $wait[0])->{state}, '503', 'none is said to be gone');
sleep 5.5;
is(() = $s->text('error.log') =~ /have no room/g, 1, 'it says so once') or diag($s->text('error.log'));
$s->stop;
ok(bytes($s->{state}) eq $was, 'the file is as it was');

again($s, zone => 'jobs:8m', file => undef);
is(scalar(grep ended($s, $_)->{state} eq 'done', @wait[0, 1, 600, -1]), 4,
   'in a larger one all are there');
$s->stop;
$s->check_log('have no room');

# one that has places, but not the blocks, while other jobs wait in it

$s = state_server(workers => 1, zone => 'jobs:16m');
$run = submit($s, '/one?duration=60s');
wait_state($s, 'running', $run);
@wait = map submit($s, '/one', body => '{"duration":"1ms","status":"' . $_ x 2000 . '"}'), 1 .. 9;
push @wait, map submit($s, '/one', body => '{"duration":"1ms","status":"' . $_ x 60_000 . '"}'),
            1 .. 9;
$s->stop('TERM');
$was = bytes($s->{state});

$lock = lock_state($s);
again($s, zone => 'jobs:1m', file => 'jobs.state');
$run = submit($s, '/one?duration=700ms');
wait_state($s, 'running', $run);
my @new = map submit($s, "/one?duration=1ms&status=new-$_"), 1 .. 20;
close $lock;
log_like($s, qr/the 18 jobs that wait in it have no room/, 'blocks are too few');
is(scalar(grep ended($s, $_)->{state} eq 'done', $run, @new), 21, 'what waits in the zone goes on');
is(poll($s, $_)->{state}, '503', 'what is in the file does not') for @wait[0, -1];
$s->stop;
ok(bytes($s->{state}) eq $was, 'the file is as it was');

again($s, zone => 'jobs:16m', file => undef);
@ids = map ended($s, $_)->{result}{status}, @wait;
is(join(' ', map length, @ids), join(' ', (2000) x 9, (60_000) x 9), 'all are done in a larger one');
$s->stop;
$s->check_log('have no room');

done_testing();
