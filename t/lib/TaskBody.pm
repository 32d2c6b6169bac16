package TaskBody;

# Bodies as they come over HTTP/1.1: in chunks, and as server-sent events.

use strict;
use warnings;

use Exporter 'import';

our @EXPORT = qw(body unchunked events);

# a text in chunks: the bytes, and whether its end has come

sub body {
    my ($text) = @_;
    my ($out, $at) = ('', 0);

    while ($at < length $text && substr($text, $at, 20) =~ /^([0-9a-f]+)\r\n/i) {
        my $n = hex $1;
        return ($out, 1) if $n == 0;
        $out .= substr $text, $at + length($1) + 2, $n;
        $at += length($1) + 2 + $n + 2;
    }

    return ($out, 0);
}

# the body of a response, in chunks or not

sub unchunked {
    my ($r) = @_;

    return $r->{headers} =~ /^Transfer-Encoding: chunked/mi ? (body($r->{body}))[0]
                                                            : $r->{body};
}

# as the standard reads it: "id" is the last one that was given, "own" that of
# the event itself

sub events {
    my ($text) = @_;
    my (@events, %event, $last);

    for my $line (split /\r\n|\n|\r/, $text, -1) {
        if ($line eq '') {
            push @events, { %event, id => $last, data => join "\n", @{ $event{data} } }
                if $event{data};
            %event = ();
        } elsif ($line =~ /^(\w+): ?(.*)$/s) {
            $1 eq 'data' ? push @{ $event{data} }, $2
            : $1 eq 'id' ? ($last = $2, $event{own} = $2) : ($event{$1} = $2);
        }
    }

    return @events;
}

1;
