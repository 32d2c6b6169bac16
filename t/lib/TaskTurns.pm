package TaskTurns;

# How long a request holds the event loop: nginx with the library of
# t/lib/turns.c, which tells of the longest turn.  All of a request but its last
# byte is sent first, so that what nginx takes to read it is not counted.
#
#     my $turns = TaskTurns->new;
#     my $s = TaskServer->start(...);                   # with "/quick"
#     my ($r, $ms, $quick) = $turns->held($s, $request);
#
# With apart => 1 the header is sent first, and all of the body next: or nginx
# has it in several buffers.  The time is that of the processor: what else the machine does is not counted.
# What the kernel takes to close a file, of a body, is not either.  A sanitizer
# is preloaded itself: then no turn is timed, $ms is 0.

use strict;
use warnings;

use IO::Select;
use Time::HiRes qw(sleep time);

use parent 'TaskStalls';

sub new {
    my ($class) = @_;

    return bless {}, $class if $ENV{TEST_NGINX_SANITIZER};

    my $library = "$ENV{TEST_NGINX_SERVROOT}-turns.so";

    system('gcc', qw(-O2 -shared -fPIC -o), $library, 't/lib/turns.c', '-ldl') == 0
        or die "gcc: t/lib/turns.c\n";

    return $class->SUPER::new($library);
}

sub DESTROY {
    my ($self) = @_;

    unlink map "$self->{file}$_", '', '.sh', '.so' if $self->{file};
}

# an answer by its Content-Length: the connection stays open

sub answer {
    my ($s, $socket, $meanwhile) = @_;

    my ($text, $until) = ('', time() + 60);
    my $select = IO::Select->new($socket);

    until ($text =~ /\r\n\r\n/ && length $' >= ($` =~ /^Content-Length: (\d+)/mi)[0]) {
        $meanwhile->() if $meanwhile;

        if (!$select->can_read($meanwhile ? 0 : 1)) {
            die "no answer\n" if time() > $until;
            next;
        }

        sysread $socket, $text, 65536, length $text or last;
    }

    return $s->parse({ text => $text });
}

sub write_all {
    my ($socket, $data) = @_;

    for (my $at = 0; $at < length $data; ) {
        $at += syswrite($socket, $data, 1 << 20, $at) || die "write: $!\n";
    }
}

# the answer, the longest turn, and the slowest /quick meanwhile, milliseconds

sub held {
    my ($self, $s, $request, %o) = @_;

    my $socket = $s->connect or die "connect: $!\n";
    my $other = $s->connect or die "connect: $!\n";
    my $worst = 0;
    my $ask = sub {
        my $from = time();

        syswrite $other, "GET /quick HTTP/1.1\r\nHost: localhost\r\n\r\n";
        die "no quick answer\n" if answer($s, $other)->{status} != 200;

        $from = time() - $from;
        $worst = $from if $from > $worst;
        sleep(0.001);
    };

    # the worker has read what was sent when the queues are empty

    if ($o{apart}) {
        my $head = index($request, "\r\n\r\n") + 4;
        write_all($socket, substr $request, 0, $head, '');
        $s->wait_for(sub { !queued($socket) }, 'nginx to read the header');
        $ask->() for 1 .. 3;
    }

    my $last = $o{apart} ? length $request : 1;

    write_all($socket, substr $request, 0, -$last);
    $s->wait_for(sub { !queued($socket) }, 'nginx to read it');
    $ask->() for 1 .. 3;

    $worst = 0;
    $self->zero if $self->{file};
    write_all($socket, substr $request, -$last);

    my $r = answer($s, $socket, $ask);

    close $socket;

    return ($r, 0, 1000 * $worst) if !$self->{file};

    # memory may be freed in many turns, without a pause between them

    my ($before, $n) = (-1, 0);

    until ($n > 2) {
        my $turns = $self->turns;
        $n = $turns == $before ? $n + 1 : 0;
        $before = $turns;
        sleep(0.01);
    }

    my ($ms, undef, undef, undef, $calls) = $self->turn;

    $ms -= $calls =~ /close ([\d.]+)/ ? $1 : 0;

    return ($r, $ms, 1000 * $worst);
}

# how many turns there were

sub turns {
    my ($self) = @_;

    open my $in, '<', $self->{file} or die "$self->{file}: $!\n";
    binmode $in;
    sysread $in, my $data, 32;

    return (unpack 'q*', $data)[3];
}

# bytes that the peer of a socket has not read yet, or that are on their way

sub queued {
    my ($socket) = @_;

    my ($port, $peer) = map sprintf('%04X', $_), $socket->sockport, $socket->peerport;
    my $queued = 0;

    open my $in, '<', '/proc/net/tcp' or die "tcp: $!\n";

    while (my $line = <$in>) {
        my ($from, $to, $sent, $unread) = $line =~
            /^\s*\d+: \w+:(\w+) \w+:(\w+) \w+ (\w+):(\w+)/ or next;

        $queued += hex $sent if "$from $to" eq "$port $peer";
        $queued += hex $unread if "$from $to" eq "$peer $port";
    }

    return $queued;
}

1;
