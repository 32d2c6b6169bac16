#!/usr/bin/perl

# Long and hostile input over real sockets: lists of 100,000 values, objects of
# a million members, 100,000 errors, nests.  Threads, the event loop and jobs
# are given the same, whether nginx has the body in memory or in a file; and
# where a thread can read it, it holds the event loop for less than 1 ms, also
# when its memory is freed.

use strict;
use warnings;

use Config;
use JSON::PP;
use Test::More;

use TaskForms;
use TaskServer;
use TaskTurns;

use constant { MANY => 100_000, MILLION => 1_000_000, ERRORS => 100, TRIES => 6 };

# of the least turn of some, milliseconds; and of an answer to somebody else,
# which waits for the machine, too.  The C library of 32 bits gives the memory of
# such a body back to the kernel whenever it is freed, which takes longer.

use constant { HELD => $Config{ptrsize} == 4 ? 3 : 1, QUICK => 500 };

my $tasks = "$ENV{TEST_NGINX_TASKS}/test";
my $turns = TaskTurns->new;
my $load = "task_load $tasks/sizes.so; task_load $tasks/inputs.so;";

# nothing is spooled in /memory, all that is not short is in /file

my $server = '
        location = /quick { quick; }
        location /jobs/ { task_jobs zone=jobs; }';

for my $mode ('thread', 'async', 'sync') {
    for my $where ('memory', 'file') {
        my $set = "task_mode $mode; client_body_buffer_size "
                  . ($where eq 'file' ? '16k;' : '64m;');

        $server .= "
        location = /$mode/$where { task sizes; $set }
        location = /again/$mode/$where { task order; $set error_page 422 = \@$mode-$where; }
        location \@$mode-$where { task sizes; $set }";
        $server .= "
        location = /job/$mode/$where { task sizes; task_background on zone=jobs; $set }"
            if $mode ne 'sync';
    }
}

my $s = TaskServer->start(
    main => $load, server => $server, log_level => 'error',
    http => 'task_job_zone jobs:96m max_body=64m; access_log off;
             client_max_body_size 64m; large_client_header_buffers 4 2m;');

# the answer of each mode, how long it held the loop and others at best; a job's
# is its result

sub ask {
    my ($mode, $where, $make) = @_;

    my ($least, $slow, $r) = (1e9, 1e9);
    my $bound = $turns->{file} && $mode ne 'sync';

    for (1 .. TRIES) {
        ($r, my $ms, my $quick) = $turns->held($s, $make->("/$mode/$where"));
        $least = $ms if $ms < $least;
        $slow = $quick if $quick < $slow;

        if ($r->{status} == 202) {
            my $job = $s->get('/jobs/' . decode_json($r->{body})->{id} . '?wait=30s');
            my $json = decode_json($job->{body});
            $r = { status => 200, body => JSON::PP->new->canonical->encode($json->{result}) };
        }

        last if ($mode eq 'sync' || $slow < QUICK) && (!$bound || $least < HELD);
    }

    return ($r, $bound ? $least : 0, $mode eq 'sync' ? 0 : $slow);
}

# one body, everywhere: the same answer; without a time it is not looked at

sub everywhere {
    my ($name, $check, $make, %o) = @_;

    my ($held, $slow) = (0, 0);

    for my $mode (@{ $o{modes} || [ qw(thread async sync job/thread job/async) ] }) {
        for my $where (@{ $o{where} || [ 'memory', 'file' ] }) {
            my ($r, $ms, $quick) = ask($mode, $where, $make);

            ok($check->($r), "$name: $mode, $where")
                or diag "$r->{status} ", substr $r->{body}, 0, 500;

            $ms = 0 if $o{long} && $where eq 'memory';
            $held = $ms if $ms > $held;
            $slow = $quick if $quick > $slow;
        }
    }

    cmp_ok($held, '<', HELD, sprintf '%s: holds the loop for %.2f ms', $name, $held);
    cmp_ok($slow, '<', QUICK, 'others are served meanwhile');
    diag(sprintf '%s: the loop held %.2f ms, /quick at worst %.1f ms', $name, $held, $slow);
}

sub is_answer {
    my ($expected) = @_;

    return sub {
        my ($r) = @_;
        my $got = eval { decode_json($r->{body}) } // 0;
        my $json = JSON::PP->new->canonical;

        return $r->{status} == 200 && $json->encode($got) eq $json->encode($expected);
    };
}

# the first error, and how many there are

sub is_error {
    my ($type, $n) = @_;

    return sub {
        my ($r) = @_;
        my $detail = eval { decode_json($r->{body})->{detail} } // [];

        return $r->{status} == 422 && @$detail == ($n // 1) && $detail->[0]{type} eq $type
               && length $r->{body} < 100_000;
    };
}

# --- lists of many values ---------------------------------------------------

my $list = is_answer({ ns => { n => MANY, first => 1, last => 3 } });
my $middle = MANY - 2;

everywhere('JSON', $list, sub { json($_[0], '{"ns":[1' . ',2' x $middle . ',3]}') });
everywhere('a form', $list, sub { form($_[0], 'ns=1' . '&ns=2' x $middle . '&ns=3') });
everywhere('strings', is_answer({ tags => { n => MANY, first => 'a', last => 'z' } }),
           sub { json($_[0], '{"tags":["a"' . ',"bc"' x $middle . ',"z"]}') });
everywhere('objects', is_answer({ users => { n => MANY, first => 'a', last => 'z' } }),
           sub { json($_[0], '{"users":[{"name":"a"}' . ',{"n":1,"name":"b"}' x $middle
                             . ',{"name":"z"}]}') }, long => 1);
everywhere('a query', $list, sub {
    "GET $_[0]?ns=1" . '&ns=2' x $middle . "&ns=3 HTTP/1.1\r\nHost: localhost\r\n\r\n"
}, where => [ 'memory' ]);
everywhere('as many fields as there may be',
           is_answer({ ns => { n => 2000, first => 1, last => 3 } }),
           sub { parts($_[0], [ ns => 1 ], map([ ns => 2 ], 1 .. 1998), [ ns => 3 ]) });
everywhere('too many fields', is_error('multipart_invalid'),
           sub { parts($_[0], map [ ns => 1 ], 1 .. MANY) }, long => 1);

my $once = is_answer({ tags => { n => 2, first => '%41', last => 'a+b' }, text => 3 });

everywhere('percents', $once, sub { form($_[0], 'tags=%2541&tags=a%2Bb&text=%2541') });
everywhere('percents in a query', $once, sub {
    "GET $_[0]?tags=%2541&tags=a%2Bb&text=%2541 HTTP/1.1\r\nHost: localhost\r\n\r\n"
}, where => [ 'memory' ]);

# --- wrong ones -------------------------------------------------------------

everywhere('wrong items', is_error('int_parsing', ERRORS),
           sub { json($_[0], '{"ns":["x"' . ',"y"' x MANY . ']}') });
everywhere('wrong pairs', is_error('int_parsing', ERRORS),
           sub { form($_[0], 'ns=x' . '&ns=y' x MANY) });
everywhere('wrong objects', is_error('missing', ERRORS),
           sub { json($_[0], '{"users":[{}' . ',{"n":10}' x MANY . ']}') });
everywhere('items and more', is_error('int_parsing', ERRORS),
           sub { json($_[0], '{"ns":["x"' . ',"y"' x MANY . '],"tags":[1' . ',2' x MANY . ']}') },
           long => 1);

# --- nests ------------------------------------------------------------------

everywhere('1 MB of [', is_error('json_invalid'), sub { json($_[0], '{"tree":' . '[' x 1_048_576) });
everywhere('129 levels', is_error('json_invalid'),
           sub { json($_[0], '{"tree":' . '[' x 128 . ']' x 128 . '}') });
everywhere('128 levels', is_answer({ tree => { type => 32, first => 0, last => 0 } }),
           sub { json($_[0], '{"tree":[' . '[],' x 40_000 . '[' x 126 . ']' x 126 . ']}') });

# --- objects of a million members, and long strings -------------------------

my @long = (long => 1, modes => [ qw(thread async sync job/async) ]);
my $keys = join ',', map qq("k$_":$_), 1 .. MILLION;

everywhere('a million unknown members', sub { $_[0]{status} == 200 && $_[0]{body} eq '{}' },
           sub { json($_[0], "{$keys}") }, @long);
everywhere('a million in an object', is_answer({ user => 'x', n => 0 }),
           sub { json($_[0], qq({"user":{$keys,"name":"x"}})) }, @long);
everywhere('a million in any JSON',
           is_answer({ tree => { type => 64, first => 'k1', last => 'k' . MILLION } }),
           sub { json($_[0], qq({"tree":{$keys}})) }, @long);
everywhere('a million of the same name', is_answer({ text => 1 }),
           sub { json($_[0], '{"text":"aa",' . '"text":1,' x MILLION . '"text":"a"}') }, @long);
# in memory, nginx takes 1.4 ms to free its own buffer

everywhere('a long string', is_answer({ text => 60_000_000 }),
           sub { json($_[0], '{"text":"' . 'x' x 60_000_000 . '"}') }, modes => [ 'thread' ],
           where => [ 'file' ]);
everywhere('a long string of escapes', is_answer({ text => 2_000_000 }),
           sub { json($_[0], '{"text":"' . '\\u00e9' x MILLION . '"}') }, @long);

# what has read a body leaves it to others: a location that error_page names

for my $mode ('thread', 'async', 'sync') {
    for my $where ('memory', 'file') {
        for my $try ([ 100 ], [ 20_000 ], [ 2_000_000 ], [ 30_000, 1 ], [ 3_000_000, 1 ]) {
            my ($n, $apart) = @$try;
            my ($r) = $turns->held($s, json("/again/$mode/$where", '{"text":"' . 'x' x $n . '"}'),
                                   apart => $apart);
            is($r->{body}, qq({"text":$n}), "a 422 of $n bytes goes elsewhere: $mode, $where")
                or diag $r->{status};
        }
    }
}

# what trees take is given back, all of it

sub resident {
    my ($pid) = $s->workers;
    open my $in, '<', "/proc/$pid/statm" or die "statm: $!\n";
    return (split ' ', <$in>)[1] * 4096;
}

SKIP: {
    skip 'a sanitizer keeps what was freed', 1 if $ENV{TEST_NGINX_SANITIZER};

    my @sizes;

    for (1 .. 8) {
        $turns->held($s, json('/thread/file', qq({"tree":{$keys}})));
        push @sizes, resident();
    }

    cmp_ok($sizes[-1] - $sizes[2], '<', 50_000_000, 'memory does not grow');
    diag('resident, MB: ', join ' ', map int($_ / 1e6), @sizes);
}

my ($code) = $s->stop('QUIT');
is($code, 0, 'exit code');
$s->check_log;

done_testing();
