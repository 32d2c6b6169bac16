#!/usr/bin/perl

# Jobs that may be tried again, "attempts=3": one that ran when its worker was
# killed, or could not wait for it, waits for a while, and then it is run again,
# or it is dead.  Both stores do the same.

use strict;
use warnings;

use JSON::PP;
use List::Util qw(max);
use Test::More;
use Time::HiRes qw(sleep time);

use TaskRedis;
use TaskServer;
use TaskServers;

my $tasks = "$ENV{TEST_NGINX_TASKS}/test";
my $first = $ENV{TEST_NGINX_LOAD_MODULES} // '';
my $module = $first =~ s/_task_module/_task_redis_module/r;
my $redis;

my ($s, $r, $j, $id, $time, $store, $ran);
my $n = 0;

# a server whose jobs are in the store, under the names of how often they may begin

sub server {
    my (%o) = @_;

    my @names = ([ once => 1 ], [ twice => 2 ], [ thrice => 3 ]);

    $s = TaskServer->new;
    $ran = "$s->{root}/ran";
    $s->write_conf(
        workers => $o{workers} // 1,
        main => "task_load $tasks/ran.so; task_set ran.file $ran; " . ($o{main} // '')
                . ' thread_pool one threads=1; thread_pool many threads=8;',
        http => join('', map $store eq 'zone'
            ? "task_job_zone $_->[0]:2m attempts=$_->[1];\n"
            : "task_job_redis name=$_->[0] url=redis://127.0.0.1:$redis->{port} lease=2s"
              . " attempts=$_->[1];\n", @names),
        server => join('', map "
        location = /$_->[0]        { task ran; task_background on zone=$_->[0] location=/at/$_->[0]/; }
        location /at/$_->[0]/      { task_jobs zone=$_->[0]; }
        ", @names) . '
        task_background on zone=thrice location=/at/thrice/;
        location = /sync    { task blocks; task_mode sync;
                              task_background on zone=thrice queue=sync location=/at/thrice/; }
        location = /thread  { task blocks; task_mode thread=many;
                              task_background on zone=thrice queue=many location=/at/thrice/; }
        location = /one     { task blocks; task_mode thread=one;
                              task_background on zone=thrice queue=one location=/at/thrice/; }
        location = /timeout { task ran; task_timeout 900ms;
                              task_background on zone=thrice queue=timeout location=/at/thrice/; }
        location = /tells   { task tells; }
        location = /none    { task ran; task_background off; }
        location = /status  { task_status json; task_background off; }
        location = /ready   { task_ready; task_background off;
                              add_header X-Worker $pid always; }
');

    $s->start;
    $s->wait_for(sub { $s->workers == ($o{workers} // 1) }, 'the workers');
    return if $store eq 'zone';
    $s->ready;
}

# lines of what has begun and ended: what, number, attempt, process

sub ran {
    my ($number, $what) = @_;

    open my $in, '<', $ran or return ();
    return grep { (!defined $number || $_->[1] == $number) && (!$what || $_->[0] eq $what) }
           map [ split ], <$in>;
}

sub attempts { return join ' ', map $_->[2], ran($_[0], 'begin') }

# a new job, with a number that no other one has; a loop that it blocks closes no
# connection

sub submit {
    my ($uri) = @_;

    my $number = ++$n;
    my $c = $s->connect or die "connect: $!";
    my ($head, $body) = ('', '');

    $uri .= ($uri =~ /\?/ ? '&' : '?') . "n=$number";
    print $c "GET $uri HTTP/1.1\r\nHost: t\r\n\r\n";
    $head .= <$c> // die "no answer" until $head =~ /\r\n\r\n\z/;
    read $c, $body, $1 if $head =~ /Content-Length: (\d+)/;

    like($head, qr{^HTTP/1.1 202 }, "$store $uri: accepted") or diag($body);
    return { n => $number, at => decode_json($body)->{href} };
}

# it is asked again as long as no worker is there

sub poll {
    my ($id, $more) = @_;

    for (1 .. 100) {
        my $r = eval { $s->get($id->{at} . ($more // '')) };
        return decode_json($r->{body}) if $r && $r->{status} == 200;
        sleep(0.1);
    }
    return { state => 'none' };
}

sub ended {
    my ($id) = @_;
    my $j;

    for (1 .. 30) {
        $j = poll($id, '?wait=10s');
        last unless $j->{state} =~ /^(?:queued|running)$/;
    }
    return $j;
}

# the process of an attempt, when that is known to have begun

sub begun {
    my ($id, $times) = @_;

    $s->wait_for(sub { (() = ran($id->{n}, 'begin')) >= $times }, "attempt $times to begin");
    $s->wait_for(sub { poll($id)->{state} eq 'running' }, "attempt $times to be known");
    return (ran($id->{n}, 'begin'))[-1][3];
}

sub kill_it {
    my ($id, $times) = @_;

    my $pid = begun($id, $times);
    my $time = time();
    kill 'KILL', $pid;
    return $time;
}

sub waits {
    my ($id) = @_;
    $s->wait_for(sub { poll($id)->{state} ne 'running' }, 'its worker to be missed');
    return poll($id);
}

sub of { my ($j, @names) = @_; return [ @$j{@names} ] }

sub stop {
    my ($code) = $s->stop('QUIT');
    is($code, 0, "$store: exit code");
    $s->check_log(qr/exited on signal 9/);
}

# --- what becomes of a job whose worker is killed ----------------------------

sub killed {
    server();

    $id = submit('/thrice?ms=60000');
    begun($id, 1);
    $s->wait_for(sub { poll($id)->{progress}{done} }, 'its progress');
    is_deeply(of(poll($id), qw(state attempt attempts)), [ 'running', 1, 3 ],
              "$store: the first attempt");

    for my $lost (1, 2) {
        $time = kill_it($id, $lost);
        $j = waits($id);
        is_deeply(of($j, qw(state attempt started ended status)),
                  [ 'queued', $lost, undef, undef, undef ], "$store: killed, it waits: $lost lost");
        is_deeply($j->{progress}, { done => 0, total => 0, message => '' }, 'its progress is gone');

        if ($store eq 'zone') {
            my ($zone) = grep $_->{name} eq 'thrice',
                         @{ decode_json($s->get('/status')->{body})->{jobs} };
            is($zone->{states}{queued}, 1, 'and it is counted');
        }

        begun($id, $lost + 1);
        $j = poll($id);
        is($j->{attempt}, $lost + 1, "$store: it runs again");
        cmp_ok($j->{started} - $time, '>=', $lost - 0.003, 'not before its time');
        cmp_ok($j->{started} - $time, '<', $lost + 9, 'and soon: ' . ($j->{started} - $time));
    }

    kill_it($id, 3);
    $j = ended($id);
    is_deeply(of($j, qw(state attempt status error)), [ 'dead', 3, 500, 'its worker is gone' ],
              "$store: killed thrice, it is dead");
    is($s->get("$id->{at}/result")->{status}, 500, 'which is its result');
    is(attempts($id->{n}), '1 2 3', 'as its function was told');

    $id = submit('/thrice?ms=3000');
    kill_it($id, $_) for 1, 2;
    $j = ended($id);
    is_deeply(of($j, qw(state attempt)), [ 'done', 3 ], "$store: killed twice, it is done");
    is_deeply($j->{result}, { n => $id->{n}, attempt => 3 }, 'by its third attempt');
    is(attempts($id->{n}), '1 2 3', 'none of them was made twice');
    is(scalar(() = ran($id->{n}, 'end')), 1, 'and one has ended');

    $id = submit('/once?ms=60000');
    kill_it($id, 1);
    $j = ended($id);
    is_deeply(of($j, qw(state status error)), [ 'lost', 500, 'its worker is gone' ],
              "$store: with one attempt it is lost");
    ok(!exists $j->{attempt}, 'and its attempts are not told');

    $id = submit('/timeout?ms=60000');
    kill_it($id, 1);
    $j = ended($id);
    is_deeply(of($j, qw(state attempt started)), [ 'timeout', 2, undef ],
              "$store: task_timeout is over when it would run again");
    is(attempts($id->{n}), '1', 'so it does not');

    stop();
}

# --- cancels ------------------------------------------------------------------

sub cancelled {
    server();

    my $waits = submit('/thrice?ms=60000');
    kill_it($waits, 1);
    is(waits($waits)->{state}, 'queued', "$store: it waits");
    is($s->get($waits->{at}, method => 'DELETE')->{status}, 200, 'and is cancelled');
    is(poll($waits)->{state}, 'cancelled', 'at once');
    stop();

    # its loop is blocked: it does not hear of it

    server(workers => 2);
    my $runs = submit('/sync?ms=60000');
    $s->wait_for(sub { () = ran($runs->{n}, 'begin') }, 'it to begin');
    my $pid = (ran($runs->{n}))[0][3];
    $s->wait_for(sub { my $r = eval { $s->get($runs->{at}, method => 'DELETE') };
                       $r && $r->{status} == 200 }, 'one that runs to be asked for');
    kill 'KILL', $pid;
    $j = ended($runs);
    is_deeply(of($j, qw(state attempt error)), [ 'lost', 1, 'its worker is gone' ],
              "$store: what is to be cancelled is not tried again");

    # what was given to a thread and had not begun has not been tried

    my $one = submit('/one?ms=3000');
    begun($one, 1);
    my $two = submit('/one?ms=10');
    kill_it($one, 1);
    is_deeply(of(ended($two), qw(state attempt)), [ 'done', 1 ],
              "$store: what had not begun was not tried");
    is_deeply(of(ended($one), qw(state attempt)), [ 'done', 2 ], 'and what had, was');

    is(attempts($runs->{n}), '1', 'it never begins again');
    stop();
}

# --- how a function is told ----------------------------------------------------

sub told {
    server();

    $r = $s->get('/none?n=0');
    is(decode_json($r->{body})->{attempt}, 1, "$store: of what is no job it is the first one");

    for my $mode (qw(sync thread thrice)) {
        $id = submit("/$mode?ms=600");
        $s->wait_for(sub { () = ran($id->{n}, 'begin') }, 'it to begin');
        kill 'KILL', (ran($id->{n}))[0][3];
        $j = ended($id);
        is_deeply(of($j, qw(state attempt result)),
                  [ 'done', 2, { n => $id->{n}, attempt => 2 } ],
                  "$store, $mode: it is told of the second attempt");
        is(attempts($id->{n}), '1 2', 'after the first one');
    }

    $id = submit('/tells?ms=800');
    kill_it($id, 1);
    is(ended($id)->{attempt}, 2, "$store: events of two attempts");
    $r = $s->get("$id->{at}/result");
    is(join(' ', $r->{body} =~ /^data: (\S+)/mg), '1.1 1.2 1.3 2.1 2.2 2.3', 'one behind the other')
        or diag($r->{body});
    is(join(' ', $r->{body} =~ /^id: (\d+)/mg), '1 2 3 4 5 6', 'with ids that none of the others has');

    stop();
}

# --- a reload, and a quit ------------------------------------------------------

sub quits {
    server(main => 'task_shutdown_timeout 60s jobs=300ms;');

    $id = submit('/thrice?ms=60000');
    my $short = submit('/thrice?ms=200');
    my $none = submit('/once?ms=60000');
    begun($id, 1);
    $time = time();
    $s->reload;
    is(ended($short)->{attempt}, 1, "$store, a reload: what ends within the time is not tried again");
    is_deeply(of(ended($none), qw(state status error)), [ 'lost', 500, 'its worker had to end' ],
              'what may not be is lost');
    begun($id, 2);
    $j = poll($id);
    is($j->{attempt}, 2, 'the new worker tries what was cut');
    cmp_ok($j->{started} - $time, '>=', 1.3 - 0.003, 'not before its time');
    like($s->text('error.log'),
         qr/job "ran" did not end before task_shutdown_timeout, it is lost or run again/,
         'which is logged');

    # nobody else of this nginx runs what a thread still has

    my $held = submit('/thread?ms=1500&stubborn=true');
    begun($held, 1);
    $s->reload;

    is_deeply(of(ended($held), qw(state attempt)), [ 'done', 2 ],
              "$store, a thread that does not stop: it is tried again");
    is(join(' ', map "$_->[0] $_->[2]", ran($held->{n})), 'begin 1 end 1 begin 2 end 2',
       'when that has returned');

    # the last worker

    $id = submit('/thrice?ms=60000');
    begun($id, 1);
    my ($code) = $s->stop('QUIT');
    is($code, 0, "$store, a quit: exit code");
    like($s->text('error.log'), qr/\[warn\].* 1 jobs wait in task_job_zone "thrice"/,
         'what it has cut waits, and is gone with the zone') if $store eq 'zone';
    $s->check_log;

    if ($store eq 'redis') {
        server();
        begun($id, 1);
        is(poll($id)->{attempt}, 2, 'what it has cut is tried by the next nginx');
        $s->get($id->{at}, method => 'DELETE');
        stop();
    }
}

# --- many, while workers are killed ---------------------------------------------

sub many {
    for my $name (qw(once thrice)) {
        server(workers => 4);

        my (@ids, %state, %began, %ended, $kills);
        my $jobs = 300;

        $kills = 0;

        while (@ids < $jobs) {
            my @n = map ++$n, 1 .. 15;
            my @r = eval { $s->get_all(map "/$name?n=$_&ms=" . int(rand 150), @n) };

            for my $i (0 .. $#r) {
                next if $r[$i]{status} != 202;
                my $told = eval { decode_json($r[$i]{body}) } // next;
                push @ids, { n => $n[$i], at => $told->{href} };
            }

            my @pids = $s->workers;
            $kills += kill 'KILL', $pids[rand @pids] if @pids && rand() < 0.7;
            sleep(0.05);
        }

        for my $id (@ids) {
            $id->{state} = ended($id)->{state};
            $state{ $id->{state} }++;
        }

        $_->[0] eq 'begin' ? $began{ $_->[1] }++ : $ended{ $_->[1] }++ for ran();
        note("$name, $kills kills: " . join ' ', map "$_=$state{$_}", sort keys %state);

        cmp_ok($kills, '>', 3, "$store, $name: workers were killed");
        cmp_ok($state{done} // 0, '>', $jobs / 2, 'most jobs are done');

        my $may = $name eq 'once' ? 1 : 3;
        my ($right, $what) = $may == 1 ? (qr/^(?:done|lost)$/, 'done or lost')
                                       : (qr/^(?:done|dead)$/, 'done or dead');

        is(join(' ', grep !/$right/, keys %state), '', "each is $what");
        is(scalar(grep $_ > $may, values %began), 0, "none has begun more than $may times");
        is(scalar(grep $_->{state} eq 'done' && !$ended{ $_->{n} }, @ids), 0,
           'what is done was done');

        if ($may == 1) {
            cmp_ok($state{lost} // 0, '>', 0, 'some are lost');
            is(scalar(grep $_ > 1, values %ended), 0, 'none has run twice to its end');

        } else {
            cmp_ok(max(values %began), '>', 1, 'some have begun again');
        }

        stop();
    }
}

for (qw(zone redis)) {
    $store = $_;
    next if $ENV{TEST_NGINX_STORE} && $ENV{TEST_NGINX_STORE} ne $store;

    SKIP: {
        if ($store eq 'redis') {
            skip "needs hiredis: $module", 1 unless -f $module;
            $ENV{TEST_NGINX_LOAD_MODULES} = "$first; load_module $module";
            $redis = redis_start();
        }

        my %parts = (killed => \&killed, cancelled => \&cancelled, told => \&told,
                     quits => \&quits, many => \&many);

        for my $part (grep !$ENV{TEST_NGINX_PART} || $_ eq $ENV{TEST_NGINX_PART},
                      qw(killed cancelled told quits many))
        {
            $redis->command('flushall') if $redis;
            $parts{$part}->();
        }
    }
}

# --- nginx.conf -----------------------------------------------------------------

$ENV{TEST_NGINX_LOAD_MODULES} = $first;

for (0, 101, -1, 'x', '') {
    my ($ok, $text) = TaskServer->new->test_conf(http => "task_job_zone jobs:1m attempts=$_;");
    ok(!$ok && $text =~ /invalid parameter "attempts=$_", it must be a number from 1 to 100 in/,
       "attempts=$_ is refused") or diag($text);
}

for (1, 100) {
    my ($ok, $text) = TaskServer->new->test_conf(http => "task_job_zone jobs:1m attempts=$_;");
    ok($ok, "attempts=$_") or diag($text);
}

done_testing();
