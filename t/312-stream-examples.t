#!/usr/bin/perl

# The examples of conf/tasks/ that stream: "rows" of a database, all of them and
# as they are, in constant memory, and "count", one event after another.

use strict;
use warnings;

use List::Util qw(max min);
use Test::More;
use Time::HiRes qw(sleep time);

use TaskBody;
use TaskServer;

use constant ROWS => 100_000;

sub slurp {
    my ($file) = @_;

    open my $in, '<:raw', $file or die "$file: $!";
    local $/;
    return scalar <$in>;
}

sub spew {
    my ($file, $text) = @_;

    open my $out, '>:raw', $file or die "$file: $!";
    print $out $text;
    close $out or die "$file: $!";
}

my $conf = slurp('conf/functions.conf');
my $main = join "\n", $conf =~ /^(task_load .*|thread_pool .*)$/mg;
my ($server) = $conf =~ /listen .*?\n(.*)\n    \}\n\}/s;
s{build/tasks}{$ENV{TEST_NGINX_TASKS}}g for $main, $server;

# databases: as make has made it, ten times as large, without an end, none, none
# that is one, and one that is broken in the middle

my $s = TaskServer->new;
my $root = $s->{root};
my $made = "$ENV{TEST_NGINX_TASKS}/rows.db";

mkdir "$root/$_" for qw(many endless none text half);
(my $sql = slurp('conf/tasks/rows.sql')) =~ s/100000/1000000/;
spew("$root/many.sql", $sql);
is(system("sqlite3 -batch -bail $root/many/rows.db < $root/many.sql"), 0,
   'a large database');
spew("$root/endless.sql", 'CREATE VIEW readings AS WITH RECURSIVE n (i) AS (
    VALUES (1) UNION ALL SELECT i + 1 FROM n)
    SELECT i AS id, min(i, 0) AS celsius, NULL AS place, NULL AS note FROM n;');
is(system("sqlite3 -batch -bail $root/endless/rows.db < $root/endless.sql"), 0,
   'an endless one');
spew("$root/text/rows.db", 'text' x 10_000);
my $half = slurp($made);
substr($half, length($half) / 2, 65536) = "\xff" x 65536;
spew("$root/half/rows.db", $half);

$s->write_conf(main => $main, server => $server . join '', map "
        location = /$_ { task rows database=$root/$_/rows.db; task_mode thread=rows; }",
        qw(many endless none text half));
$s->start;
my ($worker) = $s->workers;
my $r;

# what the database has, told by another language

sub row {
    my ($i) = @_;

    return { id => $i, celsius => ($i * 37 % 400 - 100) / 10,
             place => ('garden', "Z\xc3\xbcrich, roof", 'cellar',
                       'the "old" hall')[$i % 4],
             note => (undef, undef, '', "door open\nsince noon",
                      'in the sun')[$i % 5] };
}

sub json {
    my ($row) = @_;
    my ($place, $note) = map {
        defined $_ ? '"' . s/"/\\"/gr =~ s/\n/\\n/r . '"' : 'null'
    } @$row{qw(place note)};

    return qq({"id":$row->{id},"place":$place,"celsius":$row->{celsius},"note":$note}\n);
}

my %csv = ('garden' => 'garden', 'cellar' => 'cellar',
           "Z\xc3\xbcrich, roof" => "\"Z\xc3\xbcrich, roof\"",
           'the "old" hall' => '"the ""old"" hall"', '' => '""',
           "door open\nsince noon" => "\"door open\nsince noon\"",
           'in the sun' => 'in the sun');

sub csv {
    my ($row) = @_;
    my ($place, $note) = map { defined $_ ? $csv{$_} : '' } @$row{qw(place note)};

    return sprintf "%d,%s,%.1f,%s\r\n", $row->{id}, $place, $row->{celsius}, $note;
}

my $head = "id,place,celsius,note\r\n";

# descriptors of a database in the worker, and how they were opened

sub descriptors {
    my ($file) = @_;

    return grep { (readlink($_) // '') =~ m{^\Q$file\E} } glob "/proc/$worker/fd/*";
}

sub flags {
    my ($fd) = @_;

    return slurp($fd =~ s{/fd/}{/fdinfo/}r) =~ /^flags:\s+(\d+)/m ? oct $1 : -1;
}

sub rss { return slurp("/proc/$worker/status") =~ /^VmRSS:\s+(\d+)/m ? $1 : die }

# whether what came is what was to come, and if not, how much of it is

sub same {
    my ($got, $expected, $name) = @_;

    return pass($name) if $got eq $expected;

    fail($name);
    ($got ^ $expected) =~ /^\0*/;
    diag(length($got) . " bytes, the same up to $+[0]: " . substr $got, $+[0], 60);
}

# all rows, exactly

$r = $s->get('/rows?limit=' . ROWS * 2);
is($r->{status}, 200, 'lines');
like($r->{headers}, qr{^Content-Type: application/jsonl\r?$}m, 'lines: type');
my ($text, $ended) = body($r->{body});
ok($ended, 'lines: their end');
same($text, join('', map json(row($_)), 1 .. ROWS), 'lines: every row');

$r = $s->get('/rows?format=csv&limit=' . ROWS * 2);
like($r->{headers}, qr{^Content-Type: text/csv; charset=utf-8\r?$}m, 'CSV: type');
($text, $ended) = body($r->{body});
ok($ended, 'CSV: its end');
same($text, $head . join('', map csv(row($_)), 1 .. ROWS), 'CSV: every row, quoted');

# some of them, none

my @warm = grep $_->{celsius} >= 29.5, map row($_), 1 .. 1000;
is((body($s->get('/rows?min=29.5&limit=2')->{body}))[0],
   join('', map json($_), @warm[0, 1]), 'the first two that are warm');
is((body($s->get('/rows')->{body}))[0], join('', map json(row($_)), 1 .. 10),
   'ten, if nothing is said');
for my $format ('lines', 'csv') {
    $r = $s->get("/rows?min=99&format=$format");
    is($r->{status}, 200, "$format: none");
    is(join('|', body($r->{body})), ($format eq 'csv' ? $head : '') . '|1',
       "$format: is told so");
}
is($s->get("/rows?$_")->{status}, 422, "not taken: $_")
    for 'format=xml', 'min=1%20OR%201', 'limit=0', 'limit=10000001';

$r = $s->get('/rows?limit=1', method => 'HEAD');
is("$r->{status}$r->{body}", '200', 'HEAD');
like($r->{headers}, qr{^Content-Type: application/jsonl\r?$}m, 'HEAD: type');

# which database it is, nginx.conf alone says

is((body($s->get("/rows?limit=1&database=$root/text/rows.db")->{body}))[0],
   json(row(1)), 'no client chooses the file');

# what cannot be read

my %wrong = (
    none => 'unable to open database file',
    text => 'file is not a database',
);

for my $name (sort keys %wrong) {
    for my $format ('lines', 'csv') {
        $r = $s->get("/$name?format=$format");
        is($r->{status}, 500, "$name: $format");
        is($r->{body}, '{"detail":"the database cannot be read"}', "$name: its words");
    }
    is(scalar(() = $s->text('error.log')
              =~ m{\[error\].*database "\Q$root\E/$name/rows\.db": $wrong{$name}}g), 2,
       "$name: the log has which and why");
}
ok(!-e "$root/none/rows.db", 'none is made');

$r = $s->get('/half?limit=' . ROWS);
($text, $ended) = body($r->{body});
is($r->{status}, 200, 'broken in the middle: it begins');
cmp_ok(length $text, '>', 100_000, 'and sends what there is');
same($text, substr(join('', map json(row($_)), 1 .. ROWS), 0, length $text),
     'all of it is right');
ok(!$ended && $r->{ended}, 'then it is broken off');
like($s->text('error.log'), qr{half/rows\.db": database disk image is malformed},
     'and the log says why');

# a million rows, in constant memory, to a client that stops to read for a while

$s->get('/rows?format=csv&limit=' . ROWS);
my $before = rss();
my $c = $s->open('/many?format=csv&limit=10000000');
sleep(0.5);
my @fds = descriptors("$root/many");
is(scalar @fds, 1, 'a connection of its own');
is(flags($fds[0]) & 3, 0, 'for reading only');
my $grown = rss() - $before;
($text, $ended) = body($s->read($c)->{body});
$grown = rss() - $before if rss() - $before > $grown;
ok($ended, 'a million rows');
is(scalar(() = $text =~ /\r\n/g), 10 * ROWS + 1, 'a million lines');
SKIP: {
    skip 'a sanitizer keeps what was freed', 1 if $ENV{TEST_NGINX_SANITIZER};

    cmp_ok($grown, '<', 8192, 'constant memory, KB');
}

# the client leaves, while the function waits for it

for my $uri ('/many?limit=10000000', '/many?format=csv&limit=10000000') {
    $c = $s->open($uri);
    $s->wait_for(sub { sysread $c->{socket}, my $piece, 4096 }, 'the first rows');
    sleep(0.3);
    is(scalar(descriptors("$root/many")), 1, 'it waits');
    my $left = time();
    close $c->{socket};
    $s->wait_for(sub { !descriptors("$root/many") }, 'the database to be closed');
    cmp_ok(time() - $left, '<', 2, 'the client leaves: the database is closed');
}
$s->wait_access(qr{/many\S* HTTP/1\.1 200 rows thread cancelled}, 2);

# and while SQLite looks for a row that there is not

$c = $s->open('/endless?min=1');
$s->wait_for(sub { descriptors("$root/endless") }, 'the query');
sleep(0.3);
is(scalar(descriptors("$root/endless")), 1, 'it looks for a row');
close $c->{socket};
ok($s->wait_for(sub { !descriptors("$root/endless") }, 'its end', 5),
   'the client leaves: it looks no more');
$s->wait_access(qr{/endless\S* HTTP/1\.1 499 rows thread cancelled});

$s->wait_for(sub { !descriptors($made) }, 'all to be closed');
is(join(' ', sort map { s{.*/}{}r } glob "$root/many/* $made?*"),
   'rows.db', 'no journal is left');

# events, one after another

$c = $s->open('/count?n=4&every=1s');
my @at;
while (sysread $c->{socket}, $c->{text}, 65536, length $c->{text}) {
    my $n = () = $c->{text} =~ /^data: \d of 4\n\n/mg;
    push @at, time() - $c->{start} while @at < $n;
    push @at, time() - $c->{start} if @at == 4 && $c->{text} =~ /^event: done\n/m;
}
$r = $s->parse($c);
like($r->{headers}, qr{^Content-Type: text/event-stream\r?$}m, 'events');
is(join('|', body($r->{body})),
   join('', map "id: $_\ndata: $_ of 4\n\n", 1 .. 4) . "event: done\ndata: all of them\n\n|1",
   'each with its id, and an end');
is(scalar @at, 5, 'five of them');
cmp_ok($at[$_], '>=', $_, 'not early: ' . ($_ + 1)) for 1 .. 3;
cmp_ok($at[$_] - $at[$_ - 1], '>', 0.2, 'apart from the one before: ' . ($_ + 1))
    for 1 .. 3;
cmp_ok($at[0], '<', 0.9, 'the first at once');
cmp_ok($at[4] - $at[3], '<', 0.9, 'and the end behind the last');

# who comes back

sub ids {
    my ($last) = @_;

    my $r = $s->get('/count?n=4&every=0', headers => "Last-Event-ID: $last\r\n");
    return join ' ', (body($r->{body}))[0] =~ /^(?:id: |event: )(\w+)$/mg;
}

is(ids(2), '3 4 done', 'goes on behind the last one');
is(ids(4), 'done', 'and hears that there is no more');
is(ids($_), '1 2 3 4 done', "not an id of ours: $_")
    for '5', '-1', '2x', 'x', '99999999999999999999';

# many take no threads; who leaves takes nothing

my @r = $s->get_all(('/count?n=3&every=200ms') x 100);
is(scalar(grep $_->{body} =~ /event: done/, @r), 100, 'a hundred at once');
cmp_ok(min(map $_->{time}, @r), '>=', 0.4, 'none is early');
cmp_ok(max(map $_->{total}, @r), '<', 5, 'nor waits for another');

$c = $s->open('/count?n=10&every=1m');
$s->wait_for(sub { sysread $c->{socket}, my $piece, 4096 }, 'the first event');
close $c->{socket};
$s->wait_access(qr{/count\?n=10\S* HTTP/1\.1 200 count async cancelled});

# what docs/functions.md says that curl prints

my ($section) = slurp('docs/functions.md') =~ /^### Two examples\n(.*?)^### /ms;
my @sessions = $section =~ /^    \$ (curl .*\n(?:(?!    \$ )(?: {4}.*)?\n)+)/mg;
is(scalar @sessions, 4, 'four of them');

for (@sessions) {
    my ($command, $printed) = /^([^\n]*)\n(.*?)\n*\z/s;
    my $is = `url=http://127.0.0.1:$s->{port}; $command -s`;
    s/\r//g, s/\n*\z// for $is;
    is($is, $printed =~ s/^    //mgr, $command);
}

my ($code) = $s->stop('QUIT');
is($code, 0, 'exit code');
$s->check_log;

done_testing();
