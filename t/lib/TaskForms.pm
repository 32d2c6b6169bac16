package TaskForms;

# Requests with a body, as bytes: JSON, forms, parts; whole or in chunks.
#
#     my $request = json('/uri', '{"n":1}');
#     my $request = parts('/uri', [ 'name', 'value' ], [ 'file', 'bytes', 'a.png' ]);
#     my $request = chunked($request, 1);        # in pieces of so many bytes

use strict;
use warnings;

use Exporter 'import';

our @EXPORT = qw(request json form parts raw_parts part boundary chunked);

use constant BOUNDARY => 'X' x 20 . 'part';

sub boundary { return BOUNDARY }

sub request {
    my ($uri, $type, $body) = @_;

    return "POST $uri HTTP/1.1\r\nHost: localhost\r\nContent-Type: $type\r\n"
           . 'Content-Length: ' . length($body) . "\r\n\r\n$body";
}

sub json { return request($_[0], 'application/json', $_[1]) }

sub form { return request($_[0], 'application/x-www-form-urlencoded', $_[1]) }

# one part, with its boundary in front: a field, or a file by its name

sub part {
    my ($name, $value, $file, $type) = @_;

    return '--' . BOUNDARY . "\r\nContent-Disposition: form-data; name=\"$name\""
           . (defined $file ? "; filename=\"$file\"" : '') . "\r\n"
           . (defined $type ? "Content-Type: $type\r\n" : '') . "\r\n$value\r\n";
}

sub parts {
    my ($uri, @parts) = @_;

    return raw_parts($uri, join('', map part(@$_), @parts) . '--' . BOUNDARY . "--\r\n");
}

sub raw_parts {
    my ($uri, $body, $boundary) = @_;

    $boundary //= BOUNDARY;

    return request($uri, "multipart/form-data; boundary=\"$boundary\"", $body);
}

# a request with Content-Length becomes one in chunks

sub chunked {
    my ($request, $size) = @_;

    my ($head, $body) = split /\r\n\r\n/, $request, 2;

    $head =~ s/Content-Length: \d+/Transfer-Encoding: chunked/;
    $body =~ s/(.{1,$size})/sprintf("%x\r\n", length $1) . "$1\r\n"/gse;

    return "$head\r\n\r\n${body}0\r\n\r\n";
}

1;
