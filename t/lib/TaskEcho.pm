package TaskEcho;

# An HTTP server that answers what it was asked, as JSON, and a few answers that
# no function of conf/ gives.  It stands behind an nginx.
#
#     perl -It/lib -MTaskEcho -e 'TaskEcho::serve(PORT)'

use strict;
use warnings;

use IO::Socket::INET;
use JSON::PP;
use Time::HiRes qw(sleep);

my $json = JSON::PP->new->utf8->canonical;

sub serve {
    my ($port) = @_;

    local $SIG{CHLD} = 'IGNORE';
    local $SIG{PIPE} = 'IGNORE';

    my $listen = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 50,
                                       LocalPort => $port, ReuseAddr => 1)
        or die "port $port: $!\n";

    while (my $s = $listen->accept) {
        if (fork() == 0) {
            answer($s);
            exit 0;
        }

        close $s;
    }
}

sub answer {
    my ($s) = @_;

    binmode $s;

    my ($method, $uri) = (<$s> // return) =~ m{^(\S+) (\S+)} or return;
    my %header;

    while (my $line = <$s>) {
        last if $line =~ /^\r?$/;
        $header{lc $1} = $2 if $line =~ /^([^:]+): *(.*?)\r?$/;
    }

    my $body = '';
    read $s, $body, $header{'content-length'} // 0;

    return refuse($s)                           if $uri =~ m{^/refuse};
    return slow($s)                             if $uri eq '/answer/slow';
    return put($s, 200, 'text/plain; charset=utf-8', "a text\nof two lines\n")
                                                if $uri eq '/answer/text';
    return put($s, 200, 'application/zip', "PK" . "\0" x 1998)
                                                if $uri eq '/answer/zip';
    return put($s, 200, 'application/json', big()) if $uri eq '/answer/big';

    put($s, 200, 'application/json', $json->encode({
        method => $method, uri => $uri,
        map(($_ => $header{$_}), grep exists $header{$_}, qw(x-token cookie prefer)),
        type($header{'content-type'} // '', $body) }));
}

# the fields of a form, or its parts, without what separates them

sub type {
    my ($type, $body) = @_;

    my ($boundary) = $type =~ m{^multipart/form-data; *boundary=(.+)};

    return (type => $type, fields => [ map text(s/%(..)/chr hex $1/ger),
                                       map tr/+/ /r, split /[&=]/, $body, -1 ])
        if $type eq 'application/x-www-form-urlencoded';

    return (type => $type, body => text($body)) unless defined $boundary;

    my @parts = map { s/\r\n\z//r } split /--\Q$boundary\E(?:--)?\r\n/, $body;

    return (type => 'multipart/form-data', parts => [ map text($_), grep length, @parts ]);
}

sub text {
    my ($bytes) = @_;

    utf8::decode($bytes);

    return $bytes;
}

sub put {
    my ($s, $status, $type, $body) = @_;

    print $s "HTTP/1.0 $status OK\r\nContent-Type: $type\r\nContent-Length: ",
             length $body, "\r\n\r\n$body";
}

sub wrong {
    my ($msg, @loc) = @_;

    return { type => 'value_error', loc => \@loc, msg => $msg, input => undef };
}

sub refuse {
    my ($s) = @_;

    put($s, 422, 'application/json', $json->encode({ detail => [
        wrong('n is wrong', 'query', 'n'),
        wrong('the second one is wrong', 'query', 'tag', 1),
        wrong('the age is wrong', 'body', 'user', 'age'),
        wrong('deep within', 'body', 'extra', 'a', 0),
        wrong('who is this', 'path', 'nobody') ] }));
}

sub big {
    return '[' . join(',', map qq({"id":$_,"exact":900719925474099$_,"deep":{"a":{"b":[1,2]}}}),
                      1 .. 5000) . ']';
}

sub slow {
    my ($s) = @_;

    $s->autoflush;
    print $s "HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\n";

    for (1 .. 5) {
        print $s "piece $_\n";
        sleep(0.5);
    }
}

1;
