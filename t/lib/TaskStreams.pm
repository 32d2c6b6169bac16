package TaskStreams;

# Many clients of streams in one process, over HTTP/1.1 and HTTP/2, that look at
# each byte as it comes, may read slowly, and leave after any number of bytes.
#
#     my $l = TaskStreams->new;
#     my $c = $l->http1($port, '/pour?size=100000', leave => 5000);
#     my @c = $l->http2($port, [ '/pour', '/events' ], { leave => 1 }, { });
#     $l->run(sub { 1 });            # until none is open, or it returns 0
#
# A client is a hash: status, got (bytes of the body), end: "done", "broken", or
# "left" if it was the client who did; wrong: what it was not to get; at: when it
# had its end; text: the body, of events.  Of a stream over HTTP/2 "leave" resets
# the stream; "hang_up" closes the connection, "rst" by a reset of TCP.
#
# "pauses" is a list of [ bytes, seconds ]: it reads so many, and then nothing for
# so long; seconds may be a function.
#
# Bytes are those of t/tasks/stream.c: lines of 15 digits.

use strict;
use warnings;

use IO::Poll qw(POLLIN POLLHUP POLLERR);
use IO::Socket::INET;
use Socket qw(SOL_SOCKET SO_LINGER SO_RCVBUF);
use Time::HiRes qw(time);

use constant { PATTERN => 4 * 1024 * 1024, FRAME => 9 };

# of HTTP/2, as HPACK has them

my %status = ("\x88" => 200, "\x89" => 204, "\x8a" => 206, "\x8b" => 304,
              "\x8c" => 400, "\x8d" => 404, "\x8e" => 500);

my $pattern = join '', map sprintf("%015d\n", $_), 0 .. PATTERN / 16 - 1;

sub new { return bless { poll => IO::Poll->new, open => {} }, shift }

sub open { return values %{ $_[0]{open} } }

sub expected {
    my ($at, $n) = @_;

    return substr $pattern, $at, $n if $at + $n <= PATTERN;

    my $first = int($at / 16);
    return substr join('', map sprintf("%015d\n", $_ % 1e9),
                       $first .. int(($at + $n) / 16)), $at - $first * 16, $n;
}

sub dial {
    my ($self, $port, %o) = @_;

    my $s = IO::Socket::INET->new(Proto => 'tcp') or die "socket: $!";
    setsockopt $s, SOL_SOCKET, SO_RCVBUF, $o{receive} if $o{receive};
    CORE::connect $s, Socket::pack_sockaddr_in($port, Socket::inet_aton('127.0.0.1'))
        or return;

    my $c = { socket => $s, in => '', start => time(), %o };
    $s->blocking(0);
    $self->{open}{fileno $s} = $c;
    $self->{poll}->mask($s => POLLIN);

    return $c;
}

sub http1 {
    my ($self, $port, $uri, %o) = @_;

    my $c = $self->dial($port, uri => $uri, got => 0, %o) or return;

    $c->{streams} = [ $c ];
    syswrite $c->{socket}, ($o{method} // 'GET') . " $uri HTTP/1.1\r\nHost: a\r\n"
                           . "Connection: close\r\n\r\n";
    $self->leaves($c, $c);

    return $c;
}

sub frame {
    my ($type, $flags, $stream, $payload) = @_;
    return substr(pack('N', length $payload), 1)
           . pack('CCN', $type, $flags, $stream) . $payload;
}

sub http2 {
    my ($self, $port, $uris, $o, $each) = @_;

    my $c = $self->dial($port, %$o) or return;
    my $window = $o->{window} // 65535;

    # at once: a connection that has asked for nothing yet is closed by a quit

    my $bytes = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
                . frame(4, 0, 0, pack 'nN', 4, $window)
                . frame(8, 0, 0, pack 'N', 16 * 1024 * 1024);
    my $id = 1;

    $c->{two} = 1;
    $c->{window} = $window;

    for my $uri (@$uris) {
        my $s = { uri => $uri, id => $id, got => 0, start => time(),
                  %{ $each ? $each->() : {} } };
        push @{ $c->{streams} }, $s;
        $c->{by}{$id} = $s;
        $bytes .= frame(1, 5, $id, "\x82\x86\x04" . pack('C/a*', $uri) . "\x01\x01x");
        $id += 2;
    }

    syswrite $c->{socket}, $bytes;

    $self->leaves($c, $_) for @{ $c->{streams} };

    return @{ $c->{streams} };
}

# until none is open, or what is asked says so; asked each 20 ms at least

sub run {
    my ($self, $more) = @_;

    my %resume;

    while (%{ $self->{open} } && $more->($self)) {
        $self->{poll}->poll(0.02);

        my $now = time();

        for my $fd (keys %resume) {
            my $c = $self->{open}{$fd};
            next if $c && $c->{resume} > $now;
            $self->{poll}->mask($c->{socket} => POLLIN) if $c;
            delete $resume{$fd};
        }

        for my $s ($self->{poll}->handles(POLLIN | POLLHUP | POLLERR)) {
            my $c = $self->{open}{fileno $s} or next;

            $self->take($c);

            # it reads no more for a while

            if ($self->{open}{fileno $s // -1} && $c->{pauses}
                && $c->{got} >= $c->{pauses}[0][0])
            {
                my ($at, $for) = @{ shift @{ $c->{pauses} } };
                delete $c->{pauses} unless @{ $c->{pauses} };
                $for = $for->() if ref $for;
                $c->{resume} = $now + $for;
                $self->{poll}->remove($s);
                $resume{fileno $s} = 1;
            }
        }

        if (!$self->{poll}->handles && %resume) {
            select undef, undef, undef, 0.01;
        }
    }
}

sub take {
    my ($self, $c) = @_;

    my $n = sysread $c->{socket}, $c->{in}, $c->{read} // 65536, length $c->{in};

    return if !defined $n && $!{EAGAIN};

    if (!$n) {
        $self->hang_up($c, 'broken');
        return;
    }

    $c->{two} ? $self->frames($c) : $self->chunks($c);
}

sub chunks {
    my ($self, $c) = @_;

    if (!$c->{status}) {
        return unless $c->{in} =~ s/\A(HTTP\/1\.1 (\d+) .*?\r\n)\r\n//s;
        ($c->{headers}, $c->{status}) = ($1, $2);
        $c->{length} = $1 if $c->{headers} =~ /^Content-Length: (\d+)\r$/m;
    }

    while (length $c->{in} || defined $c->{length}) {
        my $n;

        if (defined $c->{length}) {
            $n = length $c->{in};

        } elsif ($c->{left}) {
            $n = $c->{left} < length $c->{in} ? $c->{left} : length $c->{in};

        } else {
            $c->{in} =~ s/\A(?:\r\n)?([0-9a-f]+)\r\n//i or return;
            $c->{left} = hex $1;

            if ($c->{left} == 0) {
                $self->hang_up($c, 'done');
                return;
            }

            next;
        }

        $c->{left} -= $n unless defined $c->{length};
        $self->got($c, $c, substr $c->{in}, 0, $n, '') or return;

        if (defined $c->{length}) {
            $self->hang_up($c, 'done') if $c->{got} >= $c->{length};
            return;
        }
    }
}

sub frames {
    my ($self, $c) = @_;

    my $taken = 0;
    my $out = '';

    while (length $c->{in} >= FRAME
           && length $c->{in} >= FRAME + (my $len = unpack 'N', "\0" . $c->{in})) {

        my ($type, $flags, $id) = unpack 'x3 CCN', $c->{in};
        my $data = substr $c->{in}, FRAME, $len;
        substr $c->{in}, 0, FRAME + $len, '';

        my $s = $c->{by}{$id};

        if ($type == 0) {
            $taken += $len;

        } elsif ($type == 4 && !($flags & 1)) {
            $out .= frame(4, 1, 0, '');
            next;
        }

        next if !$s || $s->{end};

        if ($type == 1) {
            $s->{status} = $status{$1} // 'other'
                if $data =~ /\A[\x20-\x3f]?([\x88-\x8e])/;
            $s->{status} //= 'other';

        } elsif ($type == 0) {
            $self->got($c, $s, $data) or $c->{socket} or return;

            $out .= frame(8, 0, $id, pack 'N', $len)
                if $len && !$s->{stall} && !$s->{end} && !($flags & 1);

        } elsif ($type == 3) {
            $self->end($c, $s, 'broken');
        }

        $self->end($c, $s, 'done') if $type < 2 && $flags & 1 && !$s->{end};
        return unless $c->{socket};
    }

    $out .= frame(8, 0, 0, pack 'N', $taken) if $taken;
    syswrite $c->{socket}, $out if length $out;
}

# returns 0 if that was all that the client wants

sub got {
    my ($self, $c, $s, $data) = @_;

    if ($s->{check} // 1) {

        if ($s->{keep}) {
            $s->{text} .= $data;

        } elsif ($data ne expected($s->{got}, length $data)) {
            $s->{wrong} //= "$s->{uri}: other bytes from $s->{got} on";
        }
    }

    $s->{got} += length $data;

    return $self->leaves($c, $s);
}

sub leaves {
    my ($self, $c, $s) = @_;

    return 1 unless defined $s->{leave} && $s->{got} >= $s->{leave};

    if ($c->{two} && !$s->{hang_up}) {
        syswrite $c->{socket}, frame(3, 0, $s->{id}, pack 'N', 8);
        $self->end($c, $s, 'left');

    } else {
        $self->hang_up($c, 'left', $s->{rst});
    }

    return 0;
}

sub end {
    my ($self, $c, $s, $how) = @_;

    $s->{end} = $how;
    $s->{at} = time();

    $self->hang_up($c, $how) if $c->{two} && !grep !$_->{end}, @{ $c->{streams} };
}

sub hang_up {
    my ($self, $c, $how, $rst) = @_;

    my $s = delete $c->{socket} or return;

    setsockopt $s, SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0 if $rst;

    $self->{poll}->remove($s);
    delete $self->{open}{fileno $s};
    close $s;

    for my $stream (grep !$_->{end}, @{ $c->{streams} }) {
        $stream->{end} = $how;
        $stream->{at} = time();
    }
}

1;
