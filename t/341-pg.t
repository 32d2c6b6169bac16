#!/usr/bin/perl

# conf/tasks/pg.c, an async function that waits for a real PostgreSQL: what it
# answers, who waits for whom, and what is left of those who leave.

use strict;
use warnings;
use utf8;

use Encode qw(encode_utf8);
use File::Path ();
use JSON::PP;
use List::Util qw(max min);
use Test::More;
use Time::HiRes qw(sleep time);

use TaskServer;
use TaskServers;

sub slurp {
    my ($file) = @_;

    open my $in, '<', $file or die "$file: $!";
    local $/;
    return scalar <$in>;
}

my $pg = postgres_start(max_connections => 20);
$pg->sql(slurp('conf/io.sql'));

# the locations of conf/io.conf that are of PostgreSQL, and some more

my ($locations) = slurp('conf/io.conf') =~ /(location = \/notes .*?)# curl [^\n]*\/get/s;

$locations .= q(
    location = /short { task pg.query "statement=select 1 as one from pg_sleep($$1)";
                        task_param seconds type=number; task_timeout 500ms; }
    location = /wrong { task pg.query "statement=select nothing"; }
    location = /number { task pg.query "statement=select $$1::int as n";
                         task_param n type=string; }
    location = /notice { task pg.query "statement=select say($$1)";
                         task_param text type=string; }
    location = /large { task pg.query "statement=select repeat('x', 1000) as x
                                       from generate_series(1, $$1::int)";
                        task_param n type=int; }
    location = /sleep { task sleep; }
    location = /endless { task pg.query "statement=select i from
                          generate_series(1, 10000000000) i where i < 0"; }
);

sub conf {
    my (%o) = @_;
    my $url = $o{url} // $pg->conninfo . ' application_name=task';

    return (main => qq(task_load $ENV{TEST_NGINX_TASKS}/pg.so;
                       task_set pg.url "$url";)
                    . join('', map "task_set pg.$_ $o{$_};",
                           grep !/^(?:url|room)$/, sort keys %o),
            server => $locations, connections => $o{room});
}

my $s = TaskServer->start(conf(connections => 4));
my ($worker) = $s->workers;

sub uri { encode_utf8($_[0]) =~ s{([^\w/?=&.])}{sprintf '%%%02X', ord $1}ger }

sub notes {
    my ($author) = @_;

    my $r = $s->get(uri("/notes?author=$author"));
    return $r->{status} == 200 ? decode_json($r->{body}) : $r->{status};
}

# of ours in the server: all, and those that work

sub connections {
    my ($where) = @_;

    return ($pg->sql(q{select count(*) from pg_stat_activity
                       where application_name = 'task' and } . ($where // 'true')))[0][0];
}

sub working { return connections("state = 'active' and query like 'with r%'") }

sub fds { return scalar(() = glob "/proc/$worker/fd/*") }

# waits until all that a test has begun is over

sub rests {
    my ($name, $n) = @_;

    ok($s->wait_for(sub { connections() <= 4 && !working() && fds() <= $n }, 'rest', 3),
       "$name: nothing is left")
        or diag(connections() . ' connections, ' . working() . ' working, ' . fds()
                . " of $n descriptors");
}

# TEST 1: what it answers

$s->get('/sleep?duration=10ms');
my $before = fds();
my $r = $s->get("/notes?author=O'Brien");
is($r->{status}, 200, 'notes');
like($r->{headers}, qr{^Content-Type: application/json\r?$}m, 'JSON');
is($r->{body}, '[{"id": 1, "text": "the \\"old\\" hall is closed", "author": "O\'Brien"}, '
               . '{"id": 3, "text": "it is open again", "author": "O\'Brien"}]', 'rows');
is_deeply(notes('Zoë'), [ { id => 2, author => 'Zoë', text => 'Grüße aus Zürich' } ],
          'beyond ASCII');
is($s->get('/notes?author=nobody')->{body}, '[]', 'none');
is(connections(), 1, 'one connection for all of them');
rests('notes', $before + 1);

# what docs/functions.md says that curl prints

my ($section) = slurp('docs/functions.md') =~ /^### PostgreSQL and Redis\n(.*?)\[conf\/tasks\/kv/ms;
my @sessions = $section =~ /^    \$ (curl .*\n(?:(?!    \$ ) {4}.*\n)+)/mg;
is(scalar @sessions, 4, 'four commands');

for (@sessions) {
    my ($command, $printed) = /^([^\n]*)\n(.*?)\n*\z/s;
    is(`url=http://127.0.0.1:$s->{port}; $command -s`, $printed =~ s/^    //mgr, $command);
}

# TEST 2: what a client sends is a value

my @names = ("'", "''", "a' or 'a' = 'a", '"', '\\', "\\' --", '$1', '%s', "a\nb\tc",
             '😀 Ωμέγα', "'; drop table notes; --", 'null', '', 'x' x 100);

for my $name (@names) {
    my $body = JSON::PP->new->utf8->encode({ author => $name, text => "$name$name" });
    $r = $s->get('/note', method => 'POST', body => $body,
                 headers => "Content-Type: application/json\r\n"
                            . 'Content-Length: ' . length($body) . "\r\n");
    my ($id) = $r->{body} =~ /^\[\{"id": (\d+)\}\]$/;
    is_deeply(notes($name), [ { id => $id, author => $name, text => "$name$name" } ],
              'as it was: ' . encode_utf8($name =~ s/\n/ /r));
}
is(scalar(() = $pg->sql('table notes')), 4 + @names, 'all of them are there');
is($s->get('/note?author=a&text=b')->{status}, 403, 'nothing is put by a GET');

# TEST 3: what the server refuses; the connection is kept

for my $uri ('/wrong', '/number?n=x') {
    $r = $s->get($uri);
    is($r->{status}, 500, $uri);
    is($r->{body}, '{"detail":"the database refuses the statement"}', 'no more than that');
}
like($s->text('error.log'), qr{PostgreSQL: ERROR:  column "nothing" does not exist},
     'the log has why');
is($s->get('/number?n=7')->{body}, '[{"n": 7}]', 'and goes on');
is(connections(), 1, 'by the same connection');

$pg->sql(q{create function say(text text) returns text language plpgsql as
           'begin raise notice ''%'', text; return text; end'});
is($s->get('/notice?text=hear')->{body}, '[{"say": "hear"}]', 'a notice');
unlike($s->text('stderr.log'), qr/hear/, 'is not written anywhere');

$r = $s->get('/large?n=5000');
is(length $r->{body}, 5000 * (1000 + length '{"x": ""}, '), 'five megabytes');

# TEST 4: many at once

my @r = $s->get_all(('/nap?seconds=2') x 4, '/notes?author=nobody');
is(scalar(grep $_->{body} eq '[{"slept": 2}]', @r), 4, 'four at once');
cmp_ok(min(map $_->{time}, @r[0 .. 3]), '>=', 2, 'none is early');
cmp_ok(max(map $_->{total}, @r[0 .. 3]), '<', 3.8, 'none waits for another');
cmp_ok($r[4]{total}, '>=', 2, 'the fifth waits for a place');

@r = $s->get_all(map sprintf('/nap?seconds=0.%d', 1 + $_ % 2), 1 .. 64);
is(scalar(grep $_->{status} == 200, @r), 64, '64 by four connections');
cmp_ok(max(map $_->{total}, @r), '<', 64 * 0.15 / 4 + 2.3, 'all of which are used');
is(connections(), 4, 'no more than four');
rests('four', $before + 4);

my @late = map { sleep(0.01); $s->open("/nap?seconds=0.1$_") } 1 .. 9;
@r = $s->read_all(\@late);
my @end = map $r[$_]{time} + $late[$_]{start}, 0 .. 8;
is(scalar(grep $end[$_] > $end[$_ - 4], 4 .. 8), 5, 'who comes first, is served first');

# TEST 5: who leaves

for my $uri ('/nap?seconds=60', '/endless') {
    my $c = $s->open($uri);
    $s->wait_for(sub { working() == 1 }, 'the statement');
    my $left = time();
    close $c->{socket};
    $s->wait_for(sub { !working() }, 'the end of the statement');
    cmp_ok(time() - $left, '<', 5, "$uri: its statement ends in the server");
    rests($uri, $before + 4);
}

# all of those who have a place, and of those who wait, the first, the last, every
# second one: the places go to the others

my @c = map $s->open('/nap?seconds=60'), 1 .. 4;
$s->wait_for(sub { working() == 4 }, 'four statements');
my @w = map { sleep(0.01); $s->open('/nap?seconds=0.01') } 1 .. 20;
close $w[$_]{socket} for grep $_ % 2 || $_ == 0, 0 .. 19;
close $_->{socket} for @c;
@r = $s->read_all([ @w[grep !($_ % 2) && $_, 0 .. 19] ]);
is(scalar(grep $_->{status} == 200, @r), 9, 'the others have their places');
cmp_ok(max(map $_->{time}, @r), '<', 2, 'at once');
rests('left while they wait', $before + 4);

# those who leave in the same turn of the event loop in which they get a place:
# they have it already, and have not heard of it

for my $n (1 .. 4) {
    @c = map $s->open('/nap?seconds=3'), 1 .. 4;
    $s->wait_for(sub { working() == 4 }, 'four statements');
    @w = map { sleep(0.005); $s->open('/nap?seconds=0.01') } 1 .. 8;
    sleep(0.05);
    kill 'STOP', $worker;
    $s->wait_for(sub { !working() }, 'their ends');
    close $_->{socket} for @w[0 .. $n - 1];
    kill 'CONT', $worker;
    @r = $s->read_all([ @c, @w[$n .. 7] ]);
    is(scalar(grep $_->{status} == 200, @r), 12 - $n, "$n leave as they are served");
    cmp_ok(max(map $_->{time}, @r), '<', 6, 'their places go to the others');
}

for (1 .. 50) {
    @c = map $s->open('/nap?seconds=0.005'), 1 .. 4;
    @w = map $s->open('/nap?seconds=0.003'), 1 .. 8;
    sleep(0.004 + rand 0.006);
    close $_->{socket} for @w;
    @r = $s->read_all(\@c);
    last if grep $_->{status} != 200, @r;
}
is(scalar(grep $_->{status} == 200, @r), 4, 'left at any time: the others are served');
rests('left at any time', $before + 4);
@r = $s->get_all(('/nap?seconds=2') x 4);
cmp_ok(max(map $_->{total}, @r), '<', 3.8, 'no place is lost');

# many who leave at once are not many connections

my $most = 0;
for (1 .. 40) {
    @c = map $s->open('/nap?seconds=60'), 1 .. 10;
    sleep(0.02);
    close $_->{socket} for @c;
    my $n = connections() if $_ % 5 == 0;
    $most = $n if defined $n && $n > $most;
}

# four at a time, and those of which the server does not see yet that they are gone

cmp_ok($most, '<=', 8, 'who leave make no more and more connections');
rests('a storm', $before + 4);

# TEST 6: its time is over

$r = $s->get('/short?seconds=60');
is($r->{status}, 504, 'task_timeout');
$s->wait_for(sub { !working() }, 'the end of the statement');
rests('task_timeout', $before + 4);
is($s->get('/short?seconds=0.1')->{body}, '[{"one": 1}]', 'in time');

# TEST 7: the server is killed in the middle, and started again

@c = map $s->open('/nap?seconds=60'), 1 .. 6;
$s->wait_for(sub { working() == 4 }, 'statements');
$pg->kill9;
@r = $s->read_all(\@c);
is_deeply([ map $_->{status}, @r ], [ (503) x 6 ], 'killed: who waits is told');
is($r[0]{body}, '{"detail":"the database is not available"}', 'in these words');
like($s->text('error.log'), qr{PostgreSQL: server closed the connection unexpectedly},
     'the log has why');
@r = $s->get_all(('/notes?author=Zoe') x 20);
is_deeply([ map $_->{status}, @r ], [ (503) x 20 ], 'killed: nobody is served');
cmp_ok(max(map $_->{total}, @r), '<', 1, 'nor waits');
like($s->text('error.log'), qr{PostgreSQL: connection to server at .* failed: Connection refused},
     'the log has why');
ok($s->wait_for(sub { fds() == $before }, 'descriptors', 3), 'killed: no descriptor is left');

$pg->start_again;
@r = $s->get_all(("/notes?author=O'Brien") x 20);
is_deeply([ map $_->{status}, @r ], [ (200) x 20 ], 'started again: all are served');

# idle connections are closed: nobody notices

$s->get_all(('/nap?seconds=0.1') x 4);
$pg->stop;
$pg->start_again;
@r = $s->get_all(("/notes?author=O'Brien") x 20);
is_deeply([ map $_->{status}, @r ], [ (200) x 20 ], 'restarted: all are served');

$pg->sql(q{select pg_terminate_backend(pid) from pg_stat_activity
           where application_name = 'task'});
$s->wait_for(sub { connections() == 0 }, 'the end of them');
is($s->get("/notes?author=O'Brien")->{status}, 200, 'one that the server closes');
my $c = $s->open('/nap?seconds=60');
$s->wait_for(sub { working() == 1 }, 'the statement');
$pg->sql(q{select pg_terminate_backend(pid) from pg_stat_activity
           where application_name = 'task'});
is($s->read($c)->{status}, 503, 'one that the server ends');
rests('restarted', $before + 4);

# TEST 8: a server that says nothing, for as long as there is patience

kill 'STOP', $pg->pids;
$s->write_conf(conf(connections => 4, patience => '300ms'));
$s->signal('HUP');
$s->wait_for(sub { ($s->workers)[-1] != $worker }, 'a new worker');
$s->wait_for(sub { !grep $_ == $worker, $s->workers }, 'the old one to leave');
($worker) = $s->workers;
my $empty = fds();
@r = $s->get_all(('/notes?author=a') x 10);
is_deeply([ map $_->{status}, @r ], [ (503) x 10 ], 'a server that hangs: 503');
cmp_ok(min(map $_->{time}, @r), '>=', 0.3, 'after a while');
cmp_ok(max(map $_->{total}, @r), '<', 1, 'that is bounded');
kill 'CONT', $pg->pids;
is($s->get("/notes?author=O'Brien")->{status}, 200, 'and goes on');

# TEST 9: nginx without connections of its own: the server is not reached, and no
# place is lost

$s->stop('QUIT');
$s->write_conf(conf(connections => 4, room => 8));
$s->start;
($worker) = $s->workers;
is($s->get('/nap?seconds=0.1')->{status}, 200, 'few worker_connections');
my @held = map $s->open('/sleep?duration=60s'), 1 .. 5;
$s->wait_for(sub { fds() >= $before + 6 }, 'connections');
@r = map $s->get('/nap?seconds=0.1'), 1 .. 6;
is_deeply([ map $_->{status}, @r ], [ (503) x 6 ], 'none left: 503');
close $_->{socket} for @held;
$s->wait_access(qr{/sleep\?duration=60s \S+ 499}, 5);
$s->wait_for(sub { fds() <= $before + 4 }, 'connections to be free');
@r = map $s->get('/nap?seconds=0.1'), 1 .. 6;
is_deeply([ map $_->{status}, @r ], [ (200) x 6 ], 'some again: 200');
$s->stop('QUIT');
$s->write_conf(conf(connections => 4));
$s->start;

# TEST 10: quit and reload, with statements under way

@c = map $s->open('/nap?seconds=1'), 1 .. 12;
$s->wait_for(sub { working() == 4 }, 'statements');
my @old = $s->reload(conf(connections => 4));
@r = $s->read_all(\@c);
is(scalar(grep $_->{body} eq '[{"slept": 1}]', @r), 12, 'a reload loses none');
$s->wait_for(sub { my %live = map { $_ => 1 } $s->workers; !grep $live{$_}, @old },
             'the old worker to end');

($worker) = $s->workers;
@c = map $s->open('/nap?seconds=1'), 1 .. 12;
$s->wait_for(sub { working() == 4 }, 'statements');
$s->signal('QUIT');
@r = $s->read_all(\@c);
is(scalar(grep $_->{body} eq '[{"slept": 1}]', @r), 12, 'nor does a quit');
$s->wait_for(sub { waitpid($s->{pid}, 1) }, 'nginx to end');
is(my $code = $?, 0, 'exit code');
$s->wait_for(sub { connections() == 0 }, 'connections to be closed');
pass('its connections are closed');

# stopped at once, killed: the server notices, too

for my $signal ('TERM', 'KILL') {
    $s->start;
    ($worker) = $s->workers;
    $c = $s->open('/nap?seconds=60');
    $s->wait_for(sub { working() == 1 }, 'the statement');
    $signal eq 'TERM' ? $s->stop('TERM') : $s->signal('KILL', $worker);
    my $time = time();
    $s->wait_for(sub { !working() }, 'its end');
    cmp_ok(time() - $time, '<', 5, "$signal: its statement ends in the server");
}
$s->stop('QUIT');

# TEST 11: what is wrong with the settings

my ($ok, $text) = $s->test_conf(main => "task_load $ENV{TEST_NGINX_TASKS}/pg.so;");
ok(!$ok, 'without a server nginx does not start');
like($text, qr/pg\.url/, 'and says what is missing');

$s->write_conf(conf(url => 'host=127.0.0.1 sesame=open'));
$s->start;
is($s->get('/notes?author=a')->{status}, 503, 'what libpq does not take');
like($s->text('error.log'), qr/PostgreSQL: invalid connection option/, 'the log has why');
$s->stop('QUIT');

$s->check_log(qr/worker process \d+ exited on signal 9|worker_connections are not/);

# TEST 12: an allocation of the module fails, each in turn: who asked is told, and
# no place is lost

SKIP: {
    skip 'needs the module that make test builds for it', 1
        unless -f ($ENV{TEST_NGINX_FAIL_MODULE} // '');

    local $ENV{TEST_NGINX_LOAD_MODULES} = $ENV{TEST_NGINX_FAIL_MODULE};
    my ($n, $wrong, $hit) = (1, '', 1);

    for ( ; $hit && $n < 500; $n++) {
        local $ENV{FAIL_AT} = $n;
        my %conf = conf(connections => 1, patience => '3s');
        my $f = TaskServer->start(%conf, main => "env FAIL_AT; $conf{main}",
                                  log_level => 'error');

        @r = map $_->{status}, $f->get_all(('/nap?seconds=0.02') x 3);
        my @next = map $_->{status}, $f->get_all(('/nap?seconds=0.01') x 3);
        ($code) = $f->stop('QUIT');

        my $log = $f->text('error.log') . $f->text('stderr.log');
        $hit = $log =~ /allocation $n fails/;
        $wrong .= "$n: @r, @next, $code\n"
            if $code || grep($_ !~ /^(?:200|500|503|0)$/, @r, @next)
               || grep($_ == 200, @r, @next) < 5 || $log =~ /\[alert\]/;
        File::Path::remove_tree($f->{root});
    }

    is($wrong, '', $n - 2 . ' allocations');
}

done_testing();
