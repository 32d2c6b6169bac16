#!/usr/bin/perl

# The examples in conf/tasks/, with the locations of conf/functions.conf.

use strict;
use warnings;

use Compress::Zlib qw(compress crc32);
use Test::More;
use Time::HiRes qw(time);

use TaskServer;

open my $in, '<', 'conf/functions.conf' or die $!;
my $conf = do { local $/; <$in> };
close $in;

my $main = join "\n", $conf =~ /^(task_load .*|thread_pool .*)$/mg;
$main =~ s{build/tasks}{$ENV{TEST_NGINX_TASKS}}g;
my ($server) = $conf =~ /listen .*?\n(.*)\n    \}\n\}/s;

my $s = TaskServer->new;
$server =~ s/127\.0\.0\.1:8081/127.0.0.1:$s->{port}/g;
$s->write_conf(main => $main, server => $server);
$s->start;

my $r = $s->get('/hello?name=you&times=2&loud=yes');
is($r->{body}, '{"message":"hello, you!","times":2}', 'hello');

my $c = $s->open('/primes?limit=3000000');
my $q = $s->get('/quick');
cmp_ok($q->{time}, '<', 0.3, 'quick beside primes');
is($s->read($c)->{body}, '{"primes":216816}', 'primes');

$r = $s->get('/pipeline?pause=20ms');
is($r->{body}, '{"checksum":1879048192}', 'pipeline');
cmp_ok($r->{time}, '>=', 0.08, 'four pauses');

# servers answer after 0, 100, 200, ... ms

$r = $s->get('/fan');
is($r->{status}, 200, 'fan');
is_deeply([$r->{body} =~ /"server":(\d)/g], [0, 1, 2], 'the fastest three');
cmp_ok($r->{time}, '>=', 0.2, 'when the third has answered');
cmp_ok($r->{time}, '<', 0.9, 'not when all have');
is($s->get('/fan?take=10')->{status}, 200, 'all ten');
is($s->get('/servers/1')->{status}, 404, 'the servers are for fan alone');

# a part of the path, a list, an object and a file

sub photo {
    my ($album, @parts) = @_;

    my $body = join '', map "--b\r\nContent-Disposition: form-data; $_\r\n", @parts;

    $body .= "--b--\r\n";

    return $s->read($s->open("/albums/$album/photos", method => 'POST',
                             headers => 'Content-Length: ' . length($body)
                             . "\r\nContent-Type: multipart/form-data; "
                             . "boundary=b\r\n", body => $body));
}

my @parts = ("name=photo; filename=cat.jpg\r\n\r\nabc",
             "name=tags\r\n\r\ncat", "name=tags\r\n\r\nsofa",
             "name=place\r\n\r\n{\"name\":\"home\"}");

$r = photo(7, @parts);
is($r->{body}, '{"album":7,"file":"cat.jpg","size":3,"sum":126145,'
               . '"tags":["cat","sofa"],"place":"home"}', 'photo');

$r = photo(0, ('name=tags' . "\r\n\r\n" . 'x' x 21) x 2, "name=place\r\n\r\n{}");
is($r->{status}, 422, 'all of it is wrong');
is(join(' ', $r->{body} =~ /"loc":\[(.*?)\]/g),
   '"path","album" "body","tags",0 "body","tags",1 "body","place","name" '
   . '"body","photo"', 'where it is');
is($s->get('/albums/7/photos')->{status}, 405, 'a file is not in a query');

# a picture of 800 x 600

sub chunk {
    my ($type, $data) = @_;
    return pack 'N a4 a* N', length $data, $type, $data, crc32("$type$data");
}

my $png = "\x89PNG\r\n\x1a\n"
          . chunk('IHDR', pack 'N N C5', 800, 600, 8, 2, 0, 0, 0)
          . chunk('IDAT', compress(join '', map {
                my $y = $_;
                "\0" . join '', map chr(($_ * $y) % 256) x 3, 0 .. 799;
            } 0 .. 599))
          . chunk('IEND', '');

sub thumbnail {
    my ($body, $args) = @_;

    return $s->open("/thumbnail$args", method => 'POST', body => $body,
                    headers => 'Content-Length: ' . length($body) . "\r\n");
}

$r = $s->read(thumbnail($png, '?width=100'));
is($r->{status}, 200, 'thumbnail');
like($r->{headers}, qr/^Content-Type: image\/jpeg\r?$/m, 'type');
like($r->{body}, qr/^\xff\xd8\xff/, 'a JPEG');
like($r->{body}, qr/\xff[\xc0\xc2]\0\x11\x08\0\x4b\0\x64/, 'of 100 x 75');
is($s->read(thumbnail('text', ''))->{status}, 422, 'what is no image');
is($s->read(thumbnail($png, '?width=0'))->{status}, 422, 'no width');
is($s->get('/thumbnail')->{status}, 405, 'GET');

my ($served, $rounds) = (0, 0);

cmp_ok(TaskServer::least(0.3, sub {
    my $worst = 0;
    my @c = map thumbnail($png, '?width=2000'), 1 .. 10;

    for (1 .. 20) {
        $q = $s->get('/quick');
        $worst = $q->{time} if $q->{time} > $worst;
    }

    $served += grep $_->{status} == 200, $s->read_all(\@c);
    $rounds++;

    return $worst;
}), '<', 0.3, 'quick beside thumbnails');
is($served, 10 * $rounds, 'ten at once');

my ($code) = $s->stop('QUIT');
is($code, 0, 'exit code');
$s->check_log;

done_testing();
