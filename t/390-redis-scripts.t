#!/usr/bin/perl

# The scripts of src/redis/ with a real engine: each by itself, histories of many
# workers against a model, kills of a worker between any two scripts, and kills
# of the engine at any byte that it writes.

use strict;
use warnings;

use File::Copy qw(copy);
use File::Path qw(make_path remove_tree);
use List::Util qw(min shuffle);
use Test::More;
use Time::HiRes qw(sleep time);

use TaskRedis;
use TaskServers;

my $redis = redis_start(appendonly => 'yes', appendfsync => 'no');
my $e = TaskRedis->new(port => $redis->{port});
my $next = 0;

sub id { return sprintf '%032x', ++$next }

# a worker, as far as the scripts see it

sub born {
    my ($lease) = @_;

    my $w = { owner => sprintf('w%05d', ++$next), session => 1,
              lease => $lease // 5000, claims => 0, claimed => 0, jobs => {} };

    my ($rc) = enter($w);
    die "enter: $rc" if $rc ne 'ok';

    return $w;
}

# it tells of jobs: [ id, attempt, begun ]

sub enter {
    my ($w, @jobs) = @_;

    return $e->script('enter', @$w{qw(owner session lease claimed)}, map @$_, @jobs);
}

# all that it has

sub all {
    my ($w) = @_;

    my $jobs = $w->{jobs};

    return map [ $_, $jobs->{$_}{attempt}, $jobs->{$_}{begun} ? 0 : '' ], keys %$jobs;
}

sub who { my ($w) = @_; return @$w{qw(owner session)} }

sub add {
    my ($w, %o) = @_;

    $o{id} //= id();

    my @r = $e->script('add', $o{id}, $o{queue} // 'q', $o{input} // "in\0$o{id}",
                       who($w), $o{claim} // 0, $o{waiting} // 1e6,
                       $o{share} // 'none', $o{max} // 0, $o{ttl} // 60000,
                       $o{attempts} // 1, $o{key} // '', $o{print} // '', ++$w->{claims});

    if ($r[0] eq 'ok' && $r[1]) {
        $w->{jobs}{$o{id}} = { attempt => $r[3] };
        $w->{claimed} = $w->{claims};
    }

    return wantarray ? ($o{id}, @r) : $o{id};
}

sub claim {
    my ($w, $queue, $older) = @_;

    my @r = unheard($w, $queue, $older);

    return @r if $r[0] ne 'ok';

    $w->{jobs}{$r[1]} = { attempt => $r[2] };
    $w->{claimed} = $w->{claims};

    return @r;
}

# the answer does not arrive

sub unheard {
    my ($w, $queue, $older) = @_;

    return $e->script('claim', who($w), $queue // 'q', $older // 0, ++$w->{claims});
}

sub mine { my ($w, $id) = @_; return (who($w), $id, $w->{jobs}{$id}{attempt}) }
sub begin { my ($w, $id) = @_; return $e->script('tell', mine(@_), 0, '', '') }

sub end {
    my ($w, $id, $state, $result) = @_;

    return $e->script('end', mine($w, $id), '', $state // 'done', 200, '',
                      $result // '{}');
}

sub tick {
    my ($w, @queues) = @_;

    return $e->script('tick', who($w), $w->{lease}, 1, $w->{owner}, @queues);
}

# its lease is over

sub over { $e->command('ZADD', '{task-jobs}:leases', 1, $_[0]{owner}) }

sub state { return $e->job($_[0])->{state} // 'none' }

sub fresh { $e->command('FLUSHALL') }

# TEST 1: one job, from its acceptance to its end

my $w = born();
my ($id, @r) = add($w);
is_deeply(\@r, [ 'ok', 0, 0, '0' ], 'accepted, it waits');
@r = claim($w);
is_deeply([ @r[0 .. 2, 4] ], [ 'ok', $id, '1', "in\0$id" ], 'claimed, with its bytes');
cmp_ok($r[3], '<', 1000, 'and its age');
is((claim($w))[0], 'none', 'no other one');
@r = $e->script('read', $id, 0, 0);
is_deeply([ @r[0 .. 2, 4, 5] ], [ 'ok', 'queued', '', '', '' ], 'still queued');
begin($w, $id);
is(state($id), 'running', 'begun');
$e->script('tell', mine($w, $id), '', 3, 10, 'step');
$e->script('tell', mine($w, $id), '', 4, 10);
@r = $e->script('read', $id, 0, 0);
is("@r[6 .. 8]", '4 10 step', 'its progress, the message stays');
my @was = $e->script('peek', $id);
$e->script('event', mine($w, $id), $_, 30, "data: $_\n\n") for 1, 2, 2, 3, 4;
my @is = $e->script('peek', $id);
cmp_ok($is[1], '>', $was[1], 'an event changes the version');
@r = $e->script('read', $id, 1, 0);
is_deeply($r[15], [ map "data: $_\n\n", 2, 3, 4 ], 'the newest events, each once');
is($r[13], 4, 'and their number');
is_deeply(($e->script('read', $id, 1, 3))[15], [ "data: 4\n\n" ], 'those behind one');
is((end($w, $id, 'done', "res\0ult"))[0], 'ok', 'ended');
is((end($w, $id, 'done', 'other'))[0], 'ok', 'told twice');
@r = $e->script('read', $id, 0, 0);
is_deeply([ @r[1, 2, 14] ], [ 'done', 200, "res\0ult" ], 'its result');
is((begin($w, $id))[0], 'late', 'nothing begins then');
is(($e->script('event', mine($w, $id), 5, 30, 'x'))[0], 'late', 'nor streams');
is(($e->script('cancel', $id))[0], 'ok', 'to cancel it changes nothing');
is(state($id), 'done', 'it is done');
$e->audit;
is(($e->script('forget', $id))[0], 'ok', 'forgotten');
is(($e->script($_, $id))[0], 'none', "then there is none: $_")
    for qw(peek cancel forget), 'read';
is($e->audit, 0, 'nothing is left');

# TEST 2: at once, or not at all

fresh();
$w = born();
my $v = born();
($id, @r) = add($w, claim => 2);
is_deeply(\@r, [ 'ok', 1, 0, '1' ], 'who has room gets it at once');
($id, @r) = add($w, id => $id, claim => 2);
is_deeply(\@r, [ 'ok', 1, 0, '1' ], 'asked for twice: the same');
add($w);
($id, @r) = add($w, claim => 2);
is_deeply(\@r, [ 'ok', 0, 1, '0' ], 'not before one that waits');
is((add($w, waiting => 2))[1], 'queue', 'as many wait as may');
is((add($v, queue => 'r', waiting => 0))[1], 'queue', 'none may');
is((claim($v, 'r'))[0], 'none', 'a worker has room');
is((add($w, queue => 'r', waiting => 0))[1], 'ok', 'then one may');
is((claim($v, 'q', 60000))[0], 'none', 'none is so old');
is((add($v, queue => 's', claim => 1, attempts => 1))[2], 1, 'another queue');
is($e->audit, 5, 'five jobs');

fresh();
$w = born();
my @ids = map scalar add($w, share => 's', max => 2, claim => 1), 1 .. 2;
is((add($w, share => 's', max => 2))[1], 'share', 'a location has as many as it may');
end($w, $ids[0]);
is((add($w, share => 's', max => 2))[1], 'ok', 'an ended one goes');
is(state($ids[0]), 'none', 'it is gone');
is((add($w, share => 's', max => 2))[1], 'share', 'one that runs stays');
$e->audit;

fresh();
$w = born();
end($w, scalar add($w, share => 's', max => 1000, claim => 1)) for 1 .. 250;
my @left = map {
    end($w, scalar add($w, share => 's', max => 2, claim => 1));
    $e->command('ZCARD', '{task-jobs}:share:s');
} 1 .. 4;
is("@left", '151 52 2 2', 'many more than it may have now: some go for each new one');
$e->audit;

# TEST 3: the key of a client

fresh();
$w = born();
($id, @r) = add($w, key => 'k', print => 'a');
is($r[0], 'ok', 'a key');
is_deeply([ (add($w, key => 'k', print => 'a'))[1, 2] ], [ 'same', $id ], 'again');
is_deeply([ (add($w, key => 'k', print => 'b'))[1, 2] ], [ 'other', $id ], 'with another body');
is((add($w, key => 'k', print => 'b', queue => 'r'))[1], 'ok', 'another function');
claim($w);
end($w, $id);
is_deeply([ (add($w, key => 'k', print => 'a'))[1, 2] ], [ 'same', $id ], 'when it has ended');
$e->script('forget', $id);
is((add($w, key => 'k', print => 'b'))[1], 'ok', 'until it is forgotten');
$e->audit;

# a job that is over is none, also for its key

$id = add($w, key => 'o', print => 'a', ttl => 1000, claim => 1, queue => 'o');
end($w, $id);
is_deeply([ (add($w, key => 'o', print => 'a', queue => 'o'))[1, 2] ], [ 'same', $id ], 'it is kept');
sleep(1.1);
is(($e->script('peek', $id))[0], 'none', 'it is over');
my ($new, @new) = add($w, key => 'o', print => 'b', queue => 'o');
is($new[0], 'ok', 'then the key makes another job');
tick($w);
is($e->job($id)->{state}, undef, 'when the old one is dropped');
is_deeply([ (add($w, key => 'o', print => 'b', queue => 'o'))[1, 2] ], [ 'same', $new ],
          'the key is that of the new one');
$e->audit;

# TEST 4: cancels

fresh();
$w = born();
$id = add($w);
$e->script('cancel', $id);
is(state($id), 'cancelled', 'one that waits is cancelled');
is((claim($w))[0], 'none', 'and not claimed');
$id = add($w, claim => 1);
$e->script('cancel', $id);
is(state($id), 'queued', 'another one is its worker\'s');
is_deeply((tick($w))[1], [ $id ], 'who learns of it');
$e->script('give_back', mine($w, $id));
is(state($id), 'cancelled', 'given back');
is_deeply((tick($w))[1], [], 'nothing is asked any more');
$id = add($w, claim => 1, attempts => 3);
begin($w, $id);
$e->script('cancel', $id);
$e->script('bury', $w->{owner});
is(state($id), 'lost', 'it is not tried again');
$e->audit;

# TEST 5: workers that go

fresh();
($w, $v) = (born(), born());
@ids = map scalar add($w), 1 .. 5;
claim($w) for @ids;
begin($w, $ids[1]);
$e->script('bury', $w->{owner}, @ids[3, 0]);
is(state($ids[$_]), 'lost', "lost: $_") for 1, 2, 4;
is(state($ids[$_]), 'queued', "waits again: $_") for 0, 3;
is((end($w, $ids[1]))[0], 'late', 'what it says is too late');
is((end($w, $ids[0]))[0], 'late', 'also of a job that waits');
is((claim($w))[0], 'late', 'it gets nothing');
$w->{session}++;
is((enter($w))[0], 'dead', 'nor comes back');
add($v);
is((claim($v))[1], $ids[$_], 'in the order of acceptance') for 0, 3;
is($e->job($ids[3])->{attempt}, 1, 'the first attempt');
$e->audit;

# with attempts

fresh();
$v = born();
$id = add($v, attempts => 3);
for my $n (1 .. 3) {
    $w = born();
    claim($w);
    begin($w, $id);
    is($e->job($id)->{attempt}, $n, "attempt $n");
    $e->script('bury', $w->{owner});
    last if $n == 3;
    is(state($id), 'queued', 'waits again');
    is((claim($v))[0], 'none', 'not at once');
    my $time = time();
    until ($e->command('ZCARD', '{task-jobs}:queue:q')) { tick($v); sleep(0.05); }
    $time = time() - $time;
    cmp_ok($time, '>=', 2 ** ($n - 1) - 0.1, 'after a while');
    cmp_ok($time, '<', 2 ** ($n - 1) + 5, 'and not much later');
}
is(state($id), 'dead', 'at last it is dead');
$e->audit;

# events of the second attempt come behind those of the first

$w = born();
$v = born();
$id = add($w, claim => 1, attempts => 2);
begin($w, $id);
$e->script('event', mine($w, $id), $_, 100, "$_\n\n") for 1 .. 3;
$e->script('bury', $w->{owner});
until ($e->command('ZCARD', '{task-jobs}:queue:q')) { tick($v); sleep(0.05); }
claim($v);
begin($v, $id);
$e->script('event', mine($v, $id), $_, 100, "$_\n\n") for 1, 1, 5;
@r = $e->script('read', $id, 1, 3);
is_deeply([ @r[13, 15] ], [ 5, [ "1\n\n", "5\n\n" ] ], 'its events have numbers of their own');
end($v, $id);

# one that has to end

$w = born();
$id = add($w, claim => 1);
end($w, $id, 'lost', 'its worker had to end');
is(state($id), 'lost', 'given up');
$id = add($w, claim => 1, attempts => 2);
end($w, $id, 'lost', 'its worker had to end');
is(state($id), 'queued', 'given up, and tried again');
is((end($w, $id))[0], 'late', 'by another one');
$e->audit;

# what a job says just before it ends

$w = born();
$id = add($w, claim => 1);
begin($w, $id);
$e->script('tell', mine($w, $id), '', 1, 10, 'first');
$e->script('end', mine($w, $id), '', 'done', 200, '', '{}', '', 10, 10, 'last');
is(join(' ', ($e->script('read', $id, 0, 0))[6 .. 8]), '10 10 last', 'is told');
$e->audit;

# a thread still has a job that has ended

sub busy {
    my ($w, $state, %how) = @_;

    my $id = add($w, claim => 1, %how);

    begin($w, $id);
    $e->script('end', mine($w, $id), '', $state, 500, '', 'why', 'busy');

    return $id;
}

$w = born();
$v = born();
$id = busy($w, 'failed');
is(state($id), 'failed', 'it has failed');
is(($e->script('retry', $id))[0], 'busy', 'but is not tried again');
is(($e->script('returned', who($v), $id, 1))[0], 'late', 'as another worker says nothing of it');
is(($e->script('returned', mine($w, $id)))[0], 'ok', 'until its thread is back');
is(($e->script('retry', $id))[0], 'ok', 'then it is');
is(($e->script('returned', mine($w, $id)))[0], 'late', 'that is told once');
is(state($id), 'queued', 'it waits');

$id = busy($w, 'lost', queue => 'b');
is(state($id), 'lost', 'the worker has to end');
is(($e->script('retry', $id))[0], 'busy', 'its thread is not back');
$e->script('bury', $w->{owner});
is(($e->script('retry', $id))[0], 'ok', 'with the worker the thread is gone');

$w = born();
$id = busy($w, 'lost', queue => 'c', attempts => 2);
is(state($id), 'running', 'one that is to be tried again runs');
$e->script('returned', mine($w, $id));
is(state($id), 'queued', 'until its thread is back');
ok($e->command('ZSCORE', '{task-jobs}:delayed', $id), 'then it waits for its next attempt');
$id = busy($w, 'lost', queue => 'd', attempts => 2);
$e->script('bury', $w->{owner});
is(state($id), 'queued', 'or the worker is gone');
$e->audit;

# what a page of jobs tells of attempts

my ($page) = grep $_->[0] eq $id, @{($e->script('list', '', '', 10, 0))[1]};
is_deeply([ @$page[1, 9 .. 11] ], [ 'queued', 1, 2, 'd' ], 'the attempt and how many it has');

# TEST 6: leases

fresh();
($w, $v) = (born(300), born(300));
$id = add($w, claim => 1);
begin($w, $id);
my $until = time() + 20;
do { sleep(0.05); tick($v) } until state($id) eq 'lost' || time() > $until;
is(state($id), 'lost', 'a worker that was not heard');
is((tick($w))[0], 'late', 'learns it');
is((end($w, $id))[0], 'late', 'its result is too late');

$w = born(300);
$id = add($w, claim => 1);
for (1 .. 10) {
    sleep(0.05);
    $e->script('tick', who($v), 300, 2, $v->{owner}, $w->{owner});
}
is(state($id), 'queued', 'another one renews its lease');
sleep(0.6);
tick($v);
is(state($id), 'queued', 'nobody was heard: it was the engine');
is((tick($w))[0], 'ok', 'each has the time to say that it is there');
$e->audit;

# TEST 7: a connection that is lost with an answer on it

fresh();
$w = born();
@ids = map scalar add($w), 1 .. 3;
claim($w);
unheard($w);
is((unheard({ %$w, session => 2 }))[0], 'late', 'a session that is not');
my $old = { %$w };
$w->{session}++;
@r = enter($w, [ $ids[0], 1, '' ], [ 'f' x 32, 1, '' ]);
is_deeply(\@r, [ 'ok', [ 'f' x 32 ] ], 'what it does not have');
is($e->job($ids[0])->{owner}, $w->{owner}, 'what it knows is its own');
is($e->job($ids[1])->{owner}, '', 'what it does not know waits again');
is((unheard($old))[0], 'late', 'what comes late does nothing');
is((enter($old))[0], 'late', 'nor that');
is((claim($w))[1], $ids[1], 'the oldest one');
$e->audit;

# one that has begun, and whose end was not stored, is not to run again; one that
# has not, and could not be given back, is

for my $attempts (1, 2) {
    fresh();
    $w = born();
    @ids = map scalar add($w, claim => 10, attempts => $attempts), 1 .. 4;
    begin($w, $ids[0]);
    add($w);
    unheard($w);
    $w->{session}++;
    enter($w, [ $ids[1], 1, '' ], [ $ids[2], 1, 'back' ], [ $ids[3], 1, 10 ]);
    is(state($ids[0]), $attempts == 1 ? 'lost' : 'queued', 'begun, and not named');
    is($e->job($ids[0])->{attempt}, 1, 'its attempt counts');
    is($e->job($ids[$_])->{owner}, $w->{owner}, "its own: $_") for 1, 3;
    is($e->job($ids[2])->{owner}, '', 'given back');
    is($e->job($ids[2])->{attempt}, 0, 'and not tried');
    is((claim($w))[1], $ids[2], 'it waits where it was');
    is((claim($w))[0], 'ok', 'what was not heard waits again');
    $e->audit;
}

# of very many it ends some, and gives back none

fresh();
$w = born();
@ids = map scalar add($w, claim => 2), 1 .. 1200;
$w->{session}++;
enter($w);
is($e->command('ZCARD', '{task-jobs}:state:lost'), 1000, 'some are lost');
is($e->command('ZCARD', '{task-jobs}:queue:q'), 0, 'none waits again');
$e->audit;
$e->script('bury', $w->{owner});
is($e->command('ZCARD', '{task-jobs}:state:lost'), 1200, 'the rest is, when the worker goes');
$e->audit;

# the engine has forgotten the last moment: what the worker has waits there, or is
# an attempt behind

sub back {
    my ($id) = @_;
    my $j = $e->job($id);
    my $w = $j->{owner};

    $e->command('SREM', "{task-jobs}:owned:$w", $id);
    $e->command('ZREM', "{task-jobs}:state:$j->{state}", $id);
    $e->command('ZADD', '{task-jobs}:state:queued', $j->{created}, $id);
    $e->command('ZADD', "{task-jobs}:queue:$j->{queue}", $j->{number}, $id);
    $e->command('HSET', "{task-jobs}:job:$id", owner => '', state => 'queued',
                attempt => $j->{attempt} - 1, said => 0);
    $e->command('HDEL', "{task-jobs}:job:$id", 'started');
}

fresh();
($w, $v) = (born(), born());
@ids = map scalar add($w, claim => 10, attempts => 3), 1 .. 5;
begin($w, $ids[$_]) for 0, 3;
$e->script('event', mine($w, $ids[0]), 1, 100, 'x');
back($_) for @ids;
claim($v);
is($e->job($ids[0])->{owner}, $v->{owner}, 'another worker was faster');
$w->{session}++;
@r = enter($w, [ $ids[0], 1, 700 ], [ $ids[1], 1, '' ], [ $ids[2], 1, 'back' ],
           [ $ids[3], 1, 700 ], [ $ids[4], 2, 700 ]);
is_deeply(\@r, [ 'ok', [ $ids[0] ] ], 'that one is lost');
is($e->job($ids[$_])->{owner}, $w->{owner}, "still its own: $_") for 1, 3, 4;
is(state($ids[$_]), 'running', "it runs: $_") for 3, 4;
is(state($ids[1]), 'queued', 'this one has not begun');
my ($sec, $us) = @{ $e->command('TIME') };
cmp_ok($sec * 1000 + $us / 1000 - $e->job($ids[3])->{started}, '>', 699, 'it began when it did');
is($e->job($ids[4])->{attempt}, 2, 'the attempt is the worker\'s');
$w->{jobs}{$ids[4]}{attempt} = 2;
is((claim($v))[1], $ids[2], 'only what was given back waits');
is((claim($v))[0], 'none', 'and nothing else');
is(($e->script('event', mine($w, $ids[3]), 5, 100, 'x'))[0], 'ok', 'its events go on');
is($e->job($ids[3])->{event}, 1, 'and are taken');
is((end($w, $ids[$_]))[0], 'ok', "it ends: $_") for 1, 3, 4;
is((end($w, $ids[0]))[0], 'late', 'but for the first one');
$e->audit;

# one that has 20,000 jobs

fresh();
$w = born();
@ids = map id(), 1 .. 20000;
$w->{session}++;
@r = eval { enter($w, map [ $_, 1, '' ], @ids) };
is($@, '', 'it comes back with all of them');
is_deeply(\@r, [ 'ok', \@ids ], 'and hears of each');

# TEST 8: who has room is told

fresh();
($w, $v) = (born(), born());
my $sub = TaskRedis->new(port => $redis->{port});
$sub->command('SUBSCRIBE', map "{task-jobs}:worker:$_->{owner}", $w, $v);
$sub->reply;
claim($_) for $w, $v;
is_deeply((tick($w, 'q'))[2], [ 0, 1 ], 'another one has room');
is($sub->reply->[2], 'tick', 'its other connection is heard');
add($v);
my $told = $sub->reply;
is($told->[2], 'ready q', 'one is told');
add($v);
my $other = $sub->reply;
is($other->[2], 'ready q', 'the other one, too');
isnt($other->[1], $told->[1], 'each of them');
claim($w);
$e->script('pass', $w->{owner}, 'q');
claim($_), claim($_) for $w, $v;
$e->script('bury', $v->{owner});
$e->script('pass', $w->{owner}, 'q');
is_deeply((tick($w, 'q'))[2], [ 0, 0 ], 'who is gone has no room');
is($sub->reply->[2], 'tick', 'and is not told');

$id = add($w, claim => 1);
$sub->command('SUBSCRIBE', "{task-jobs}:job:$id");
begin($w, $id);
is($sub->reply->[2], '2 0', 'who watches a job learns of it');
end($w, $id);
is($sub->reply->[2], '3 1', 'and of its end');
$e->script('forget', $id);
is($sub->reply->[2], '0 1', 'and that it is gone');

# TEST 9: what is over

fresh();
$w = born();
$id = add($w, claim => 1, ttl => 200, share => 's', max => 1, key => 'k');
end($w, $id);
is(($e->script('read', $id, 0, 0))[0], 'ok', 'kept');
sleep(0.25);
is(($e->script($_, $id, 0, 0))[0], 'none', "over: $_") for qw(read peek cancel forget);
is($e->audit, 1, 'still there');
is((add($w, share => 's', max => 1))[1], 'ok', 'its place in the location is free');
tick($w);
is($e->audit, 1, 'gone');
$e->command('DEL', map "{task-jobs}:$_", 'none', 'number', 'beat');
claim($w);
end($w, $e->command('ZRANGE', '{task-jobs}:all', 0, 0)->[0]);

# TEST 10: what has failed, or was lost, is tried again, with all its attempts

fresh();
$w = born();
$v = born();
$id = add($w, claim => 1, attempts => 2, ttl => 3000, share => 's', max => 1, key => 'k',
          queue => 'r');
is(($e->script('retry', $id))[0], 'busy', 'one that goes on: no retry');
begin($w, $id);
$e->script('tell', mine($w, $id), '', 3, 4, 'far');
$e->script('event', mine($w, $id), 1, 100, "data: x\n\n");
end($w, $id, 'failed', 'why');
my $number = $e->job($id)->{number};
add($v, queue => 'r');
sleep(1);
is_deeply([ $e->script('retry', $id) ], [ 'ok' ], 'one that has failed');
is(($e->script('retry', $id))[0], 'busy', 'not twice');
$e->audit;
@r = $e->script('read', $id, 1, 0);
is_deeply([ @r[1, 2, 4 .. 8, 11, 14] ], [ 'queued', ('') x 8 ], 'it has nothing of a run');
is_deeply($r[15], [ "data: x\n\n" ], 'but its events');
is((end($w, $id, 'done', 'late'))[0], 'late', 'what the run before says is refused');
is((add($v, share => 's', max => 1))[1], 'share', 'it counts in its location');
sleep(2.2);
is(state($id), 'queued', 'it is not over when it would have been');
is((add($v, key => 'k', queue => 'r'))[2], $id, 'and has its key');
isnt((claim($v, 'r'))[1], $id, 'those that waited by then go first');
@r = claim($v, 'r');
is_deeply([ @r[1, 2] ], [ $id, 2 ], 'then it, and its attempts are counted on');
cmp_ok($r[3], '<', 3000, 'its time began anew');
$e->script('bury', $v->{owner});
is(state($id), 'queued', 'it has all its attempts: one is lost');
$e->command('ZADD', '{task-jobs}:delayed', 1, $id);
$v = born();
tick($v, 'r');
1 while (@r = claim($v, 'r'))[0] eq 'ok' && $r[1] ne $id;
is($r[2], 3, 'the third one');
$e->script('bury', $v->{owner});
is(state($id), 'dead', 'and two');
is(($e->script('retry', $id))[0], 'ok', 'one that is dead');
$e->script('cancel', $id);
is(state($id), 'cancelled', 'it waits, and is cancelled');
is(($e->script('retry', $id))[0], 'busy', 'as its client wants it');
is(($e->script('retry', id()))[0], 'none', 'none');
is((tick($w, 'r'))[5], 2, 'how many were tried again');
$e->audit;

$id = add($w, claim => 1);
$e->script('bury', $w->{owner});
is(state($id), 'lost', 'one that is lost');
$e->command('DEL', "{task-jobs}:in:$id");
is(($e->script('retry', $id))[0], 'gone', 'but not without its input');
$e->script('forget', $id);

# TEST 11: a page of jobs

fresh();
$w = born();
@ids = map scalar add($w, queue => $_ % 100 ? 'many' : 'few'), 1 .. 1200;

sub pages {
    my ($state, $queue, $limit) = @_;
    my ($after, $n, @found) = (0, 0);
    do {
        my ($ok, $page, $next) = $e->script('list', $state, $queue, $limit, $after);
        push @found, map $_->[0], @$page;
        $after = $next;
        die 'more than a page has' if @$page > $limit;
        $n++;
    } while ($after);
    return (\@found, $n);
}

my ($found, $pages) = pages('', '', 100);
is_deeply($found, [ reverse @ids ], 'all, the newest one first');
is($pages, 12, 'and no empty page');
($found, $pages) = pages('queued', 'few', 100);
is_deeply($found, [ reverse grep defined, map $ids[100 * $_ - 1], 1 .. 12 ], 'of a queue');
cmp_ok($pages, '<=', 4, 'with bounded looks');
is_deeply((pages('queued', 'few', 5))[0], $found, 'page by page');
is_deeply((pages('done', '', 5))[0], [], 'of a state that none has');
cmp_ok((tick($w, 'few'))[4], '>', 1, 'how long the oldest one waits');
$e->command('FLUSHALL');
$w = born();
is((tick($w, 'few'))[4], 0, 'none waits');

# TEST 12: no memory

fresh();
$w = born();
$v = born(200);
@ids = map scalar add($w, claim => 10, attempts => 2), 1 .. 6;
push @ids, scalar add($v, claim => 1, attempts => 2), scalar add($w);
$e->command(qw(config set maxmemory 1));
ok(!eval { add($w, claim => 1); 1 }, 'no job is accepted');
like($@, qr/OOM/, 'as it says');
ok(!eval { add($w, claim => 1, share => 's', max => 5); 1 }, 'nor of a location with "max"');
ok(!eval { $e->script('event', mine($w, $ids[0]), 1, 1e6, 'x'); 1 }, 'no event');
is((begin($w, $ids[0]))[0], 'ok', 'it begins');
is((end($w, $ids[0], 'done', 'x' x 1000))[0], 'ok', 'it ends');
is((end($w, $ids[1], 'lost', ''))[0], 'ok', 'it is lost');
is(($e->script('give_back', mine($w, $ids[2])))[0], 'ok', 'it is given back');
is((claim($w))[1], $ids[2], 'it is claimed');
is(($e->script('cancel', $ids[7]))[0], 'ok', 'it is cancelled');
is(($e->script('cancel', $ids[4]))[0], 'ok', 'its worker is told');
for (1 .. 8) { sleep(0.05); tick($w); }
is(state($ids[6]), 'queued', 'a lease ends');
$w->{session}++;
is((enter($w, [ $ids[5], 1, '' ]))[0], 'ok', 'it connects again');
is(($e->script('bury', $w->{owner}))[0], 'ok', 'it goes');
is((state($ids[5])), 'queued', 'and its jobs are tried again');
$e->command(qw(config set maxmemory 0));
$e->audit;

# and one that was told to drop keys then: jobs of a worker are gone

fresh();
$w = born();
$v = born();
for my $how (0 .. 4) {
    my $id = add($w, claim => 1, attempts => 2);
    begin($w, $id) if $how & 1;
    $w->{claimed} = 0 if $how == 4;
    $e->command('DEL', "{task-jobs}:job:$id");
    $w->{session}++;
    my @r = $how < 2 || $how == 4 ? eval { enter($w, $how == 1 ? [ $id, 1, 0 ] : ()) }
                     : eval { $e->script('bury', $w->{owner}, $how & 1 ? () : $id) };
    is($r[0], 'ok', "without it, $how: " . ($@ || 'no error'));
    is(eval { $e->audit }, 0, 'nothing of it is left');
    $w = born() if $how == 2 || $how == 3;
}

# TEST 13: a worker is killed between any two scripts; its own machine, or another
# one, finds it dead

sub story {
    my ($w, $id, $do) = @_;

    return (sub { add($w, id => $id, attempts => $do->{attempts}) },
            sub { claim($w) },
            sub { $w->{ran}++; begin($w, $id) },
            sub { $e->script('tell', mine($w, $id), '', 1, 2, 'm') },
            sub { $e->script('event', mine($w, $id), 1, 100, "data: x\n\n") },
            sub { end($w, $id) },
            sub { $e->script('forget', $id) });
}

for my $attempts (1, 2) {
    for my $near (0, 1) {
        my $cuts = 0;

        for my $cut (0 .. 7) {
            fresh();
            my $w = born();
            my $v = born();
            my $id = id();
            my @steps = story($w, $id, { attempts => $attempts });

            $_->() for @steps[0 .. $cut - 1];

            my @idle = $near && $cut == 2 ? $id : ();

            if ($near) {
                $e->script('bury', $w->{owner}, @idle);

            } else {
                tick($v);
                over($w);
                tick($v);
            }

            $e->audit;

            my $want = $cut == 0 || $cut == 7 ? 'none'
                       : $cut == 1 || @idle ? 'queued'
                       : $cut == 6 ? 'done'
                       : $attempts > 1 ? 'queued' : 'lost';
            $cuts += state($id) eq $want;
            diag("$cut: " . state($id) . ", not $want") if state($id) ne $want;

            # what it would have said is refused

            for (@steps[$cut .. 5]) {
                next if $cut == 0 || $cut == 1;
                $cuts -= 100 if (($_->())[0] // '') !~ /^(?:late|ok)$/;
            }
            $cuts -= 100 if $cut > 1 && state($id) ne $want;
            $e->audit;
        }

        is($cuts, 8, "cuts: attempts=$attempts, found by " . ($near ? 'its' : 'another')
                     . ' machine');
    }
}

# TEST 14: random histories of many workers against a model

sub history {
    my ($seed, $steps, $attempts) = @_;

    srand $seed;
    fresh();

    my @live = map born(400), 1 .. 4;
    my (@frozen, %job, %ran, %ended, @order);
    my $n = { added => 0, late => 0, lost => 0, kills => 0 };

    my $audit = sub {
        my ($step) = @_;
        eval { $e->audit; 1 } or die "seed $seed, step $step: $@";
    };

    # the function runs here: once, or as often as it may

    my $run = sub {
        my ($w, $id) = @_;
        return if $w->{jobs}{$id}{begun}++;
        $ran{$id}++;
        die "seed $seed: $id runs $ran{$id} times" if $ran{$id} > $attempts;
    };

    my %do = (
        add => sub {
            my ($w) = @_;
            my ($id, @r) = add($w, claim => int rand 3, attempts => $attempts,
                               waiting => 200, queue => 'q' . int rand 2);
            return if $r[0] ne 'ok';
            $n->{added}++;
            $job{$id} = 1;
        },
        claim => sub {
            my ($w) = @_;
            return if keys %{ $w->{jobs} } > 10;
            my @r = claim($w, 'q' . int rand 2);
            die "seed $seed: an ended job was claimed" if $r[0] eq 'ok' && $ended{$r[1]};
        },
        claim_unheard => sub {
            my ($w) = @_;
            return if rand > 0.1;
            unheard($w, 'q' . int rand 2) if rand > 0.3;
            my $old = { %$w };
            my ($id) = grep $w->{jobs}{$_}{begun}, keys %{ $w->{jobs} };
            delete $w->{jobs}{$id} if $id && rand > 0.5;
            $w->{session}++;
            my ($rc, $lost) = enter($w, all($w));
            die "seed $seed: $rc" if $rc ne 'ok' && $rc ne 'dead';
            delete $w->{jobs}{$_} for @{ $lost // [] };
            unheard($old, 'q0');
        },
        begin => sub {
            my ($w, $id) = @_;
            $run->($w, $id);
            begin($w, $id) if rand > 0.2;
        },
        event => sub {
            my ($w, $id) = @_;
            return unless $w->{jobs}{$id}{begun};
            $e->script('event', mine($w, $id), ++$w->{jobs}{$id}{events}, 50, 'x' x 20);
        },
        end => sub {
            my ($w, $id) = @_;
            return unless $w->{jobs}{$id}{begun};
            my ($rc) = end($w, $id, (qw(done failed timeout))[rand 3]);
            ($rc) = end($w, $id) if rand > 0.9;
            if ($rc eq 'ok') {
                die "seed $seed: $id ends twice" if $ended{$id}++;
            } else {
                $n->{late}++;
            }
            delete $w->{jobs}{$id};
        },
        give_back => sub {
            my ($w, $id) = @_;
            return if $w->{jobs}{$id}{begun};
            $e->script('give_back', mine($w, $id));
            delete $w->{jobs}{$id};
        },
        cancel => sub {
            my ($w) = @_;
            my ($id) = keys %job;
            $e->script('cancel', $id) if $id && rand > 0.7;
            $ended{$id} ||= $e->job($id)->{state} eq 'cancelled' if $id && $job{$id};
        },
        retry => sub {
            return if rand > 0.5;
            my ($id) = grep $ended{$_}, keys %ended;
            return if !$id || ($e->script('retry', $id))[0] ne 'ok';
            $n->{retried}++;
            $ended{$id} = 0;
            $ran{$id} = 0;
        },
        kill => sub {
            my ($w) = @_;
            return if rand > 0.15;
            $n->{kills}++;
            @live = grep $_ != $w, @live;
            push @live, born(400);
            over($w) if rand > 0.5;
            return if rand > 0.5;
            $e->script('bury', $w->{owner},
                       grep !$w->{jobs}{$_}{begun}, keys %{ $w->{jobs} });
        },
        freeze => sub {
            my ($w) = @_;
            return if rand > 0.1;
            @live = grep $_ != $w, @live;
            push @frozen, $w;
            push @live, born(400);
            over($w) if rand > 0.3;
        },
        thaw => sub {
            return if rand > 0.3 || !@frozen;
            my $w = splice @frozen, rand @frozen, 1;
            # it goes on where it was, and then learns that it is dead, or not
            for my $id (keys %{ $w->{jobs} }) {
                $run->($w, $id);
                my ($rc) = end($w, $id);
                if ($rc eq 'ok') { die "$id ends twice" if $ended{$id}++ }
                else { $n->{late}++ }
            }
            $e->script('bury', $w->{owner});
        },
        tick => sub { tick($_, 'q0', 'q1') for @live },
    );

    my @names = (qw(add add add claim claim claim begin begin begin event end end
                    give_back claim_unheard cancel retry kill freeze thaw tick));

    for my $step (1 .. $steps) {
        my $w = $live[rand @live];
        my $name = $names[rand @names];
        my ($id) = shuffle(keys %{ $w->{jobs} });

        next if $name =~ /^(?:begin|event|end|give_back)$/ && !defined $id;

        $do{$name}->($w, $id);
        $do{tick}->() if $step % 40 == 0;
        $audit->($step) if $step % 100 == 0;
    }

    # all that is left ends

    $audit->('the last');
    push @live, born(400);
    my $until = time() + 20;

    while (1) {
        for my $w (@live) {
            for my $id (keys %{ $w->{jobs} }) {
                $do{begin}->($w, $id);
                $do{end}->($w, $id);
            }
            for my $q ('q0', 'q1') { 1 while (claim($w, $q))[0] eq 'ok' }
        }
        $do{tick}->();
        my ($q, $r) = map $e->command('ZCARD', "{task-jobs}:state:$_"), qw(queued running);
        last if !$q && !$r;
        die "seed $seed: $q wait, $r run for ever" if time() > $until;
        sleep(0.02);
    }

    $audit->('the end');

    my %state;
    for my $id (keys %job) {
        my $state = state($id);
        $state{$state}++;
        die "seed $seed: $id is $state" if $state eq 'none' || $state =~ /^(?:queued|running)$/;
        die "seed $seed: $id is done, and not" if $state eq 'done' && !$ended{$id};
        die "seed $seed: $id is lost with attempts"
            if $attempts > 1 && $state eq 'lost' && !$e->job($id)->{cancel};
    }

    return ($n, \%state);
}

my $seed = $ENV{TEST_NGINX_SEED} || 20261127;
my $total = 0;

for my $run (1 .. ($ENV{TEST_NGINX_RUNS} || 6)) {
    my $attempts = $run % 2 ? 1 : 3;
    my ($n, $state) = history($seed + $run, 3000, $attempts);

    $total += $n->{added};
    note(join ' ', "attempts=$attempts", map("$_=$n->{$_}", sort keys %$n),
         map "$_:$state->{$_}", sort keys %$state);
    ok($n->{added}, "history $run: $n->{added} jobs");
}

# TEST 15: the engine is killed between any two bytes that it writes: what a
# script does is there as a whole, or not at all

fresh();
$e->command('BGREWRITEAOF');
sleep(0.3);
$w = born();
$v = born();
for (1 .. 12) {
    add($w, attempts => 2);
    add($w, attempts => 1, claim => 1, share => 's', max => 3);
    my @r = claim($w);
    begin($w, $r[1]);
    $e->script('event', mine($w, $r[1]), 1, 100, 'x');
    end($w, $r[1]);
    claim($v);
}
$e->script('bury', $v->{owner});
tick($w, 'q');
$redis->kill9;

my ($aof) = sort { -M $a <=> -M $b } glob "$redis->{dir}/data/appendonlydir/*.incr.aof";
ok($aof, 'it writes');
my $size = -s $aof;
copy($aof, "$aof.all");
my ($whole, $cuts) = (0, $ENV{TEST_NGINX_CUTS} || 25);

for my $n (1 .. $cuts) {
    copy("$aof.all", $aof);
    truncate $aof, $size - int rand $size;
    chmod 0666, $aof;
    $redis->start_again;
    $e->connect;
    eval { $e->audit; $whole++; 1 } or diag($@);
    $redis->kill9;
}

is($whole, $cuts, "cut at $cuts places of $size bytes");

done_testing();
