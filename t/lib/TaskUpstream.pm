package TaskUpstream;

# A server that nginx may have behind it, in one process: it answers as it is
# asked to, well or badly.
#
#     my $u = TaskUpstream->start;
#     "proxy_pass http://127.0.0.1:$u->{port};"
#     my $r = $u->state;       # { open => connections, asked => requests,
#                              #   kept => the last body of /keep, in short }
#     $u->stop;
#
#     /echo            what has come, as JSON
#     /keep            the same, and it is remembered
#     /pour?n=1000     so many bytes; length=1: with Content-Length, type=T
#     /drip?n=100      each byte for itself
#     /sleep?ms=100    answers late
#     /hang            does not answer; after=header, half or body: it begins to
#     /short, /reset   10 of 1,000 bytes, and closes, or resets; or none
#     /none            closes without a byte; reset=1
#     /raw?text=...    these bytes, and closes
#
# "header" is one more of a reply.

use strict;
use warnings;

use IO::Select;
use IO::Socket::INET;
use JSON::PP;
use POSIX ();
use Socket qw(SOL_SOCKET SO_LINGER);
use Time::HiRes qw(time);

my $json = JSON::PP->new->canonical;
my (%live, $kept);

END {
    local $?;
    kill 'TERM', $_ and waitpid $_, 0 for keys %live;
}

sub start {
    my ($class) = @_;

    my $listen = IO::Socket::INET->new(Listen => 1024, LocalAddr => '127.0.0.1',
                                       ReuseAddr => 1) or die "listen: $!";
    my $self = bless { port => $listen->sockport }, $class;

    $self->{pid} = fork() // die "fork: $!";

    if ($self->{pid} == 0) {
        $SIG{PIPE} = 'IGNORE';
        serve($listen);
        POSIX::_exit(0);
    }

    $live{$self->{pid}} = 1;
    return $self;
}

sub stop {
    my ($self) = @_;

    kill 'TERM', $self->{pid};
    waitpid $self->{pid}, 0;
    delete $live{$self->{pid}};
}

sub state {
    my ($self) = @_;

    my $s = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $self->{port})
        or die "connect: $!";
    local $/;

    print $s "GET /state HTTP/1.0\r\n\r\n";
    return $json->decode((split /\r\n\r\n/, <$s>, 2)[1]);
}

sub serve {
    my ($listen) = @_;

    my $read = IO::Select->new($listen);
    my $write = IO::Select->new;
    my (%open, $asked);

    my $end = sub {
        my ($c, $reset) = @_;
        setsockopt $c->{socket}, SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0 if $reset;
        delete $open{fileno $c->{socket}};
        $_->remove($c->{socket}) for $read, $write;
        close $c->{socket};
    };

    for ( ;; ) {
        my $next = 1;

        for my $c (values %open) {
            my $wait = ($c->{at} // next) - time();
            $write->add($c->{socket}), delete $c->{at}, next if $wait <= 0;
            $next = $wait if $wait < $next;
        }

        my ($in, $out) = IO::Select->select($read, $write, undef, $next);

        for my $s (@{ $in // [] }) {

            if ($s == $listen) {
                my $new = $listen->accept or next;
                $new->blocking(0);
                $open{fileno $new} = { socket => $new, in => '', out => '' };
                $read->add($new);
                next;
            }

            my $c = $open{fileno $s} or next;
            my $n = sysread $s, $c->{in}, 65536, length $c->{in};
            next if !defined $n && $!{EAGAIN};
            $end->($c), next unless $n;
            next if $c->{answered};

            my ($head, $body) = split /\r\n\r\n/, $c->{in}, 2;
            next unless defined $body;
            my ($length) = $head =~ /^Content-Length: (\d+)/mi;
            next if $length && length $body < $length;

            $c->{answered} = 1;
            my $state = $head =~ m{^GET /state };
            $asked++ unless $state;
            answer($c, $head, $body, $state ? keys(%open) - 1 : 0, $asked);
            $write->add($s) unless $c->{at};
        }

        for my $s (@{ $out // [] }) {
            my $c = $open{fileno $s // -1} or next;

            if ($c->{more} && length $c->{out} < 65536) {
                my $n = $c->{more} < 65536 ? $c->{more} : 65536;
                $c->{out} .= 'x' x $n;
                $c->{more} -= $n;
            }

            if (length $c->{out}) {
                my $n = syswrite $s, $c->{out}, $c->{drip} ? 1 : length $c->{out};
                next if !defined $n && $!{EAGAIN};
                $end->($c), next unless $n;
                substr $c->{out}, 0, $n, '';
                $c->{at} = time() + 0.001, $write->remove($s) if $c->{drip};
                next;
            }

            next if $c->{more};
            $write->remove($s), next if $c->{hang};
            $end->($c, $c->{reset});
        }
    }
}

sub answer {
    my ($c, $head, $body, $open, $asked) = @_;

    my ($method, $uri, $path) = $head =~ m{^(\S+) ((/\w+)\S*) };
    my %q = map { /^(\w+)=(.*)/s ? ($1 => $2) : () } split /[?&]/, $uri;
    s/%([0-9A-Fa-f]{2})/chr hex $1/ge for values %q;

    my %said = (
        '/state' => sub { $json->encode({ open => $open, asked => $asked // 0, kept => $kept }) },
        '/keep' => sub { $kept = length($body) . ' ' . sum($body); echo($method, $uri, $head, $body) },
        '/echo' => sub { echo($method, $uri, $head, $body) },
        '/sleep' => sub { $c->{at} = time() + $q{ms} / 1000; "slept" },
    );

    my $ok = "HTTP/1.1 200 OK\r\nConnection: close\r\nX-Of: upstream\r\n";

    $ok .= "$q{header}\r\n" if $q{header};

    if (my $what = $said{$path}) {
        my $text = $what->();
        $c->{out} = $ok . 'Content-Length: ' . length($text) . "\r\n\r\n"
                    . ($method eq 'HEAD' ? '' : $text);

    } elsif ($path =~ m{^/(?:pour|drip)$}) {
        $ok .= "Content-Length: $q{n}\r\n" if $q{length};
        $ok .= "Content-Type: $q{type}\r\n" if $q{type};
        $c->{out} = "$ok\r\n";
        $c->{more} = $q{n};
        $c->{drip} = $path eq '/drip';

    } elsif ($path eq '/hang') {
        my $after = $q{after} // '';
        $c->{out} = "HTTP/1.1 200 OK\r\nContent-Le" if $after eq 'half';
        $c->{out} = "${ok}Content-Length: 1000\r\n\r\n" if $after =~ /^(?:header|body)$/;
        $c->{out} .= '0123456789' if $after eq 'body';
        $c->{hang} = 1;

    } elsif ($path =~ m{^/(?:short|reset)$}) {
        $c->{out} = "${ok}Content-Length: 1000\r\n\r\n0123456789";
        $c->{reset} = $path eq '/reset';

    } elsif ($path eq '/raw') {
        $c->{out} = $q{text};

    } else {
        $c->{reset} = $q{reset};
    }

    # a reset drops what has not been read

    $c->{drip} = 1 if $c->{reset};
}

sub sum {
    my $sum = 0;
    $sum = ($sum * 31 + $_) & 0xffffffff for unpack 'C*', $_[0];
    return $sum;
}

sub echo {
    my ($method, $uri, $head, $body) = @_;

    my @lines = split /\r\n/, $head;

    shift @lines;

    return $json->encode({
        method => $method, uri => $uri, len => length $body, sum => sum($body),
        headers => { map { /^([^:]+): ?(.*)/ ? (lc $1 => $2) : () } @lines },
        length $body < 1000 ? (body => $body) : (),
    });
}

1;
