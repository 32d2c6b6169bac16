#!/usr/bin/perl

# corpus.pl DIR    where the fuzzers begin: the requests of FastAPI's table

use strict;
use warnings;

use Encode qw(encode_utf8);
use File::Path qw(make_path);
use JSON::PP;

my ($dir) = @ARGV;

open my $in, '<', 't/fastapi-answers.json' or die $!;
my $rows = JSON::PP->new->utf8->decode(do { local $/; <$in> })->{rows};

sub seed {
    my ($kind, $text) = @_;
    our %n;

    make_path("$dir/$kind");
    open my $out, '>:raw', "$dir/$kind/seed-" . ++$n{$kind} or die $!;
    print $out $text;
}

for my $row (@$rows) {
    seed('json', encode_utf8($row->{body})) if defined $row->{body};

    my (undef, $query) = split /\?/, encode_utf8($row->{path}), 2;
    next unless defined $query;

    seed('text', $query);
    seed('value', chr($_) . "\n\n" . $query =~ s/^[^=]*=//r) for 0 .. 6;
    seed('number', s/^[^=]*=//r) for split /&/, $query;
}

seed('number', $_) for '0.1', '1e23', '-0', '1.' . '0' x 900 . 'e10',
    '-' . '9' x 900 . '.5', '0.' . '0' x 850 . '1e850';

seed('field', $_) for '*/*', 'application/json, text/plain, */*',
    'text/html,application/xml;q=0.9,image/webp;a="b,c\"d";q=0.8,*/*;q=0.125',
    'application/openmetrics-text;version=1.0.0;q=0.5,text/plain;q=0.3,text/*;q=0',
    'respond-async, wait=5', 'wait = "10" ; a=b;;c , , respond-async',
    'foo="respond-async, wait=\\"5"; x , Wait=1';

# a type, the minimum, the maximum, the value: see t/fuzz/value.c

seed('value', $_) for "\0" . "1s\n<1h\n1m30s", "\1" . "1\n5\nabc",
    "\2" . ">-5\n10\n7", "\3" . ">0\n1e3\n0.5", "\4\n\ntrue",
    "\5" . "1k\n10m\n64k", "\6\n\ngreen";

# a seed, a content type, the body: see t/fuzz/multipart.c

my $type = "multipart/form-data; boundary=b\n";
my $name = 'Content-Disposition: form-data; name=';
my $file = "$name\"f\"; filename=\"x\\\"\\\\y\"; filename*=UTF-8''%e2%82%ac%20\r\n";

seed('multipart', $_) for "\1$type--b--",
    "\3${type}pre\r\n--b\r\n${name}a\r\n\r\nx\r\n--bc\r\n--b \t\r\n"
        . "${file}Content-Type: text/plain\r\n\r\n\r\n--b--\r\nepilogue",
    "\xff$type--b\r\n${name}a;filename*=iso-8859-1'en'%e9\r\n"
        . "Content-Transfer-Encoding: 8bit\r\n\r\n--b\r\n$file\r\n\r\r\n--b--",
    "\x12multipart/form-data; charset=x; boundary=\"a b-\"\n--a b-\r\n${name}a"
        . "\r\n\r\n\r\n--a b\r\n--a b-\r\n\r\n--a b---x\r\n--a b---";

# a kind, then the query or body, for the tables of t/fuzz/input.c

seed('input', $_) for "\0n=5&s=secret&ids=1&ids=2&tags=a&tags=%C3%A9&colors=red&"
    . 'user={"name":"a"}&json=[1,{"a":null}]&object={}',
    "\1" . '{"n":5,"ids":[1,2],"tags":["a","\u00e9"],"colors":["green"],'
    . '"user":{"name":"a","age":3,"items":[{"name":"b","price":0.5}],"any":[]},'
    . '"users":[{"name":"c"},{"name":"d","items":[]}],"json":{"x":[1e5,"y"]},'
    . '"object":{"a":1}}',
    "\2n=5&ids=1&users={\"name\":\"x\"}&users={}&file=x",
    "\3--b\r\n${name}n\r\n\r\n7\r\n--b\r\n${name}file; filename=a.txt\r\n"
    . "Content-Type: text/plain\r\n\r\nabc\r\n--b\r\n${name}files; filename=b"
    . "\r\n\r\n\r\n--b\r\n${name}user\r\n\r\n{\"name\":\"a\"}\r\n--b--\r\n";

# steps, or a file: see t/fuzz/journal.c

sub sum {
    my ($sum, $bytes) = @_;

    for my $byte (unpack 'C*', $bytes) {
        $sum ^= $byte;
        $sum = $sum & 1 ? ($sum >> 1) ^ 0xedb88320 : $sum >> 1 for 1 .. 8;
    }

    return $sum;
}

sub journal {
    my $salt = 'saltsalt';
    my $header = pack 'a8LLa8L', "ngxtask\n", 0x01020304, 1, $salt, 0;
    my $seed = sum(0xffffffff, $salt);

    return $header . pack('L', sum(0xffffffff, $header)) . join '', map {
        my $head = pack 'LLLL', $seed, length, 1, sum($seed, $_);
        $head . pack('L', sum($seed, $head)) . $_;
    } @_;
}

my $journal = journal('', 'one', 'two' x 20, 'three', '4' x 200);
my $three = "\1\0\5hello\1\x20" . 'a' x 32 . "\2\3abc";

seed('journal', $_) for map("\0$_", $journal, journal(), '', 'x',
        $journal . "\0" x 100, substr($journal, 0, -3),
        $journal =~ s/twotwo/twoToo/r, $journal =~ s/one/one\0\0\0\0/r),
    map "$three$_", "\x0f\0\0\20", "\x0f\0\0\x30", "\x0f\1\0\7\1",
        "\x0f\2\0\0\3", "\x0f\3\0\0\2\0\5\7",
        "\x0f\4\0\x30\4bbbb\1\0\1\2";
