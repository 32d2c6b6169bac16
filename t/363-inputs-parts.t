#!/usr/bin/perl

# Hostile multipart/form-data over real sockets: each body whole and in pieces
# of one byte, in memory and in a file, to a thread, to the event loop and to
# none.  All of them are answered alike, by the bytes that were sent.

use strict;
use warnings;

use JSON::PP;
use Test::More;

use TaskForms;
use TaskServer;
use TaskTurns;

use constant MB => 1_048_576;

my $tasks = "$ENV{TEST_NGINX_TASKS}/test";
my $json = JSON::PP->new->canonical;
my $server = '';

my %where = (
    memory => 'client_body_buffer_size 8m;',
    spooled => 'client_body_buffer_size 1k;',
    file => 'client_body_buffer_size 8m; client_body_in_file_only clean;',
);

for my $mode ('thread', 'async', 'sync') {
    for my $where (keys %where) {
        $server .= "
        location = /$mode/$where/$_ { task inputs.$_; task_mode $mode; $where{$where} }"
            for qw(upload album post form);
    }
}

my $s = TaskServer->start(main => "task_load $tasks/inputs.so;", server => $server,
                          log_level => 'error', http => 'client_max_body_size 16m;');

my @places = map { my $mode = $_; map "/$mode/$_", sort keys %where } qw(thread async sync);

# what the functions tell of a file

sub file {
    my ($name, $bytes, $type) = @_;
    my $sum = 0;

    $sum = ($sum * 31 + $_) & 0xffffffff for unpack 'C*', $bytes;

    return { name => $name, type => $type // '', size => length $bytes, read => length $bytes,
             sum => $sum, head => unpack 'H*', substr $bytes, 0, 8 };
}

sub ask {
    my ($request) = @_;

    my $socket = $s->connect or die "connect: $!\n";
    TaskTurns::write_all($socket, $request);
    my $r = TaskTurns::answer($s, $socket);

    return "$r->{status} " . (eval { $json->encode(decode_json($r->{body})) } // $r->{body});
}

# the same everywhere; $expected is a hash, or what the answer is like

sub alike {
    my ($name, $expected, $function, $make) = @_;

    my (%said, $first);

    for my $place (@places) {
        my $request = $make->("$place/$function");
        my $size = length $request;

        my @all = ($request, $size < 5000 ? chunked($request, 1) : chunked($request, 4093));
        push @all, chunked($request, 1) if $size >= 5000 && $size < 200_000 && $place =~ /thread/;

        for my $one (@all) {
            my $said = ask($one);
            $first //= $said;
            $said{$said}++;
        }
    }

    is(scalar keys %said, 1, "$name: all are answered alike")
        or diag map "    $said{$_}: " . substr($_, 0, 300) . "\n", sort keys %said;

    if (ref $expected eq 'HASH') {
        my %got = %{ $json->decode($first =~ s/^200 //r =~ s/^[^{].*/{}/sr) };
        my %part = map { $_ => $got{$_} } keys %$expected;
        is($json->encode(\%part), $json->encode($expected), "$name: as it was sent")
            or diag substr $first, 0, 500;

    } else {
        like($first, $expected, "$name: what is said of it");
    }
}

sub wrong { return qr/^422 .*"error":"\Q$_[0]\E".*"type":"multipart_invalid"/ }

# a body whose only file, "file", has this in it

sub content {
    my ($name, $bytes) = @_;

    alike($name, { file => file('a.bin', $bytes) }, 'upload',
          sub { parts($_[0], [ 'file', $bytes, 'a.bin' ]) });
}

# --- boundaries inside of data ----------------------------------------------

my $b = boundary();

content('nothing', '');
content('a boundary that begins no line', "x--$b");
alike('one at the start of content', wrong('A header has no valid name with a colon'), 'upload',
      sub { parts($_[0], [ 'file', "--$b", 'a' ]) });
content('one in a line', "x--$b\r\n");
content('one with LF alone', "a\n--$b\nb");
content('one with CR alone', "a\r--$b\rb");
content('one that is longer', "a\r\n--${b}x\r\n");
content('one that is shorter', "a\r\n--" . substr($b, 0, -1) . "\r\n");
content('one with a dash', "a\r\n--$b-\r\nb");
content('one after half of one', "a\r\n--" . substr($b, 0, 10) . "\r\n--" . substr($b, 0, 20));
content('CRs in front of it', "\r\r\r\n\r\r");
content('CRLF alone', "\r\n");
content('all bytes', join '', map chr, 0 .. 255);
content('CRLFs', "\r\n" x 500);
content('what looks like headers', "Content-Disposition: form-data; name=\"file\"\r\n\r\nx");
content('beginnings of boundaries', join '', map "\r\n--" . substr($b, 0, $_), 0 .. length($b) - 1);
content('three pieces', 'abc' x 131_072 . "\r\n--" . 'x');

{
    use bytes;
    my $random = '';
    my $n = 1;
    $random .= chr(($n = ($n * 1103515245 + 12345) & 0x7fffffff) >> 16 & 0xff) for 1 .. 150_000;
    content('random bytes', $random);
}

for my $length (1, 2, 69, 70) {
    my $own = substr 'a' x 60 . "0123456789'()+_,-./:=?", -$length;

    alike("a boundary of $length", { file => file('f', "x\r\n--" . substr $own, 0, -1) },
          'upload', sub {
        raw_parts($_[0], "--$own\r\nContent-Disposition: form-data; name=file; filename=f\r\n\r\n"
                  . "x\r\n--" . substr($own, 0, -1) . "\r\n--$own--\r\n", $own);
    });
}

alike('a boundary of 71', wrong('There is no boundary, or no valid one'), 'upload',
      sub { raw_parts($_[0], "--x--\r\n", 'x' x 71) });

# --- missing ends -----------------------------------------------------------

my $part = part('file', 'data', 'a');
my $end = 'The form ends without its last boundary';

alike($_->[0], wrong($_->[2]), 'upload', sub { raw_parts($_[0], $_->[1]) })
    for [ 'no end', $part, $end ],
        [ 'half of the end', "$part--$b-", $end ],
        [ 'an end of another form', "$part--x$b--\r\n", $end ],
        [ 'the end in the headers', "--$b\r\nContent-Disposition: form-data",
          'The form ends within the headers of a part' ],
        [ 'only a preamble', 'hello' x 100, 'The boundary of the form is nowhere in it' ],
        [ 'half of a boundary', "--$b", 'The boundary of the form is nowhere in it' ];

alike($_->[0], { file => file('a', 'data') }, 'upload', sub { raw_parts($_[0], $_->[1]) })
    for [ 'no CRLF at the end', "$part--$b--" ],
        [ 'a preamble', "hello\r\n$part--$b--\r\n" ],
        [ 'an epilogue', "$part--$b--\r\nmore\r\n--$b\r\nof it" ],
        [ 'padding', $part =~ s/^(--$b)/$1 \t /r . "--$b--  \r\n" ];

# --- headers ----------------------------------------------------------------

sub headers {
    my ($text, $body) = @_;
    return "--$b\r\n$text\r\n\r\n" . ($body // 'x') . "\r\n--$b--\r\n";
}

sub disposition { return "Content-Disposition: form-data; name=\"file\"; $_[0]" }

my $plain = disposition('filename="a"');
my $room = 4096 - length("$plain\r\nX: \r\n\r\n");

for my $try (
    [ 'a header block of 4 KB', "$plain\r\nX: " . 'y' x $room, { file => file('a', 'x') } ],
    [ 'one of a byte more', "$plain\r\nX: " . 'y' x ($room + 1), qr/^422 .*multipart_invalid/ ],
    [ 'headers of 100 KB', "$plain\r\nX: " . 'y' x 100_000, qr/^422 .*multipart_invalid/ ],
    [ 'thousands of headers', $plain . "\r\nX: y" x 5000, qr/^422 .*multipart_invalid/ ],
    [ 'no disposition', 'X: y', qr/^422 / ],
    [ 'two of them', "$plain\r\n$plain", wrong('A part has Content-Disposition twice') ],
    [ 'two types', "$plain\r\nContent-Type: a/b\r\nContent-Type: c/d",
      wrong('A part has Content-Type twice') ],
    [ 'a null', "$plain\r\nX: \0", wrong('A header has a control character') ],
    [ 'a CR in a header', "$plain\r\nX: a\rb", qr/^422 .*multipart_invalid/ ],
    [ 'a line that goes on', "$plain\r\n more", wrong('A header goes on in a second line') ],
    [ 'base64', "$plain\r\nContent-Transfer-Encoding: base64",
      wrong('A Content-Transfer-Encoding, such as base64, is not taken: content has to be sent '
            . 'as it is') ],
    [ 'a quote in a name', disposition('filename="a\\"b"'), { file => file('a"b', 'x') } ],
    [ 'percents as browsers send them', disposition('filename="a%22b%0D%0A"'), qr/^200 / ],
    [ 'a path', disposition('filename="../../etc/passwd"'),
      { file => file('../../etc/passwd', 'x') } ],
    [ 'UTF-8', disposition("filename=\"\xc3\xa4\xe2\x82\xac.png\""),
      { file => file("\xe4\x{20ac}.png", 'x') } ],
    [ 'no UTF-8', disposition("filename=\"a\xff.png\""), { file => file("a\x{fffd}.png", 'x') } ],
    [ 'RFC 5987', disposition("filename*=UTF-8''%e2%82%ac%20rates"),
      { file => file("\x{20ac} rates", 'x') } ],
    [ 'both', disposition("filename=\"EURO\"; filename*=utf-8'en'%E2%82%AC"),
      { file => file("\x{20ac}", 'x') } ],
    [ 'both the other way', disposition("filename*=utf-8'en'%E2%82%AC; filename=\"EURO\""),
      { file => file("\x{20ac}", 'x') } ],
    [ 'a null in RFC 5987', disposition("filename*=UTF-8''a%00b"), qr/^(?:200|422) / ],
    [ 'a token', disposition('filename=a.png'), { file => file('a.png', 'x') } ],
    [ 'other cases', 'content-disposition: FORM-DATA; NAME=file; FileName=a',
      { file => file('a', 'x') } ],
    [ 'no end of the quote', disposition('filename="a'), qr/^422 .*multipart_invalid/ ],
    [ 'two names', disposition('name="thumb"; filename="a"'), wrong('A part has two names') ],
    [ 'a type', "$plain\r\nContent-Type: image/png; x=y",
      { file => file('a', 'x', 'image/png; x=y') } ],
) {
    my ($name, $text, $expected) = @$try;
    alike($name, $expected, 'upload', sub { raw_parts($_[0], headers($text)) });
}

my $lines = part('file', "a\nb", 'a');
$lines =~ s/\r\n/\n/g;
alike('LF alone', qr/^422 .*multipart_invalid/, 'upload', sub { raw_parts($_[0], "$lines--$b--\n") });

# --- parts within a part, and many of them ----------------------------------

my $nested = "--inner\r\nContent-Disposition: file; filename=\"x\"\r\n\r\nyy\r\n--inner--";
alike('nested multipart', { file => file('a', $nested, 'multipart/mixed; boundary=inner') },
      'upload', sub { parts($_[0], [ 'file', $nested, 'a', 'multipart/mixed; boundary=inner' ]) });
alike('two lists, a file twice', { title => 't', photos => [ file('a', 'aa'), file('b', 'bbb') ] },
      'album', sub { parts($_[0], [ 'photos', 'aa', 'a' ], [ 'title', 't' ],
                           [ 'photos', 'bbb', 'b' ]) });
alike('one too many', qr/^422 .*"too_long"/, 'album',
      sub { parts($_[0], [ 'title', 't' ], map [ 'photos', $_, 'a' ], 1 .. 3) });
alike('the last one counts', { file => file('b', 'second') }, 'upload',
      sub { parts($_[0], [ 'file', 'first', 'a' ], [ 'file', 'second', 'b' ]) });
alike('two files', { file => file('a', 'x' x 3000), thumb => file('b', 'y' x 5000, 'i/t') },
      'upload', sub { parts($_[0], [ 'file', 'x' x 3000, 'a' ], [ 'z', 'ignored' ],
                            [ 'thumb', 'y' x 5000, 'b', 'i/t' ]) });
alike('2000 parts', { title => 'yes' }, 'post',
      sub { parts($_[0], map([ "n$_", $_ ], 1 .. 1999), [ 'title', 'yes' ]) });
alike('2001 parts', qr/^422 .*multipart_invalid/, 'post',
      sub { parts($_[0], map([ "n$_", $_ ], 1 .. 2000), [ 'title', 'yes' ]) });

# --- long ones --------------------------------------------------------------

alike('a field of 1 MB', { title => 'yes', text => MB . ' bytes' }, 'post',
      sub { parts($_[0], [ 'title', 'yes' ], [ 'text', 'x' x MB ]) });
alike('a field of 1 MB, and a byte', wrong('A field is longer than 1 MB, and no file'), 'post',
      sub { parts($_[0], [ 'title', 'yes' ], [ 'text', 'x' x (MB + 1) ]) });
alike('one that nobody asks for', { title => 'yes' }, 'post',
      sub { parts($_[0], [ 'title', 'yes' ], [ 'more', 'x' x (MB + 1) ]) });
alike('a file of 3 MB', { file => file('a', 'abcdefg' x 430_000) }, 'upload',
      sub { parts($_[0], [ 'file', 'abcdefg' x 430_000, 'a' ]) });

my ($code) = $s->stop('QUIT');
is($code, 0, 'exit code');
$s->check_log;

done_testing();
