package TaskStalls;

# Cases of t/stalls.pl: nginx with the library of t/lib/turns.c, which tells of
# the longest turn, and a prober beside the case.

use strict;
use warnings;

use IO::Poll qw(POLLIN);
use JSON::PP;
use POSIX ();
use Socket qw(IPPROTO_TCP TCP_NODELAY);
use Time::HiRes qw(sleep time);

# what is timed, as in t/lib/turns.c

my @calls = qw(close recv writev send read write epoll_ctl accept4 setsockopt
               timerfd_settime cond_signal);

use constant HEAD => 5;

# nginx is on one core, all else on another

sub new {
    my ($class, $library, $bound) = @_;

    system("taskset -c -p 1 $$ > /dev/null");

    my $turns = "$ENV{TEST_NGINX_SERVROOT}-turns";
    my $binary = $ENV{TEST_NGINX_BINARY} || 'nginx';

    open my $script, '>', "$turns.sh" or die "$turns.sh: $!";
    print $script "#!/bin/sh\nTURNS=$turns LD_PRELOAD=$library exec $binary \"\$@\"\n";
    close $script;
    chmod 0755, "$turns.sh";
    $ENV{TEST_NGINX_BINARY} = "$turns.sh";

    return bless { file => $turns, bound => $bound, failed => 0 }, $class;
}

sub chosen {
    my ($self, $name) = @_;
    return !$ENV{ONLY} || $name =~ $ENV{ONLY};
}

# milliseconds, and a list of the calls

sub turn {
    my ($self) = @_;

    open my $in, '<', $self->{file} or die "$self->{file}: $!";
    binmode $in;
    sysread $in, my $data, 8 * (HEAD + 2 * @calls);

    my ($cpu, $time, $events, $turns, $longest, @n) = unpack 'q*', $data;
    my ($kernel, @text) = (0);

    for my $i (sort { $n[$b] <=> $n[$a] } 0 .. $#calls) {
        $kernel += $n[$i];
        push @text, sprintf '%s %.2f (%d)', $calls[$i], $n[$i] / 1e6,
                            $n[@calls + $i] if $n[$i] > 10000;
    }

    return ($cpu / 1e6, $events, $kernel / 1e6, $longest / 1e6, join ', ', @text);
}

sub zero {
    my ($self) = @_;
    open my $out, '+<', $self->{file} or die "$self->{file}: $!";
    syswrite $out, "\0" x (8 * (HEAD + 2 * @calls));
}

# a process that asks until it is told to stop, or its connection is closed

sub probe {
    my ($self) = @_;

    pipe my $in, my $stop;
    pipe my $from, my $to;

    my $pid = fork() // die "fork: $!";

    if ($pid) {
        close $in;
        close $to;
        sleep(0.3);
        return ($pid, $from, $stop);
    }

    close $stop;

    # connections of the parent end when it closes them

    for my $fd (3 .. 30000) {
        POSIX::close($fd) if $fd != fileno($in) && $fd != fileno($to);
    }

    # nothing else on this core may delay it; without root it may

    system("chrt -f -p 50 $$ 2> /dev/null");

    my $socket = $self->{server}->connect;
    $socket->setsockopt(IPPROTO_TCP, TCP_NODELAY, 1);

    my $poll = IO::Poll->new;
    $poll->mask($in => POLLIN);

    # what is asked at first is not counted

    for (1 .. 50) {
        syswrite $socket, "GET /quick HTTP/1.1\r\nHost: x\r\n\r\n";
        sysread $socket, my $answer, 4096;
    }

    my ($due, @times) = (time());
    local $SIG{PIPE} = 'IGNORE';

    until ($poll->poll(0)) {
        $due += 0.001;
        my $left = $due - time();
        sleep($left) if $left > 0;

        syswrite $socket, "GET /quick HTTP/1.1\r\nHost: x\r\n\r\n";
        sysread $socket, my $answer, 4096 or last;
        push @times, (time() - $due) * 1000;
        $due = time() if time() > $due + 0.001;
    }

    print $to encode_json(\@times);
    close $to;
    POSIX::_exit(0);
}

sub show {
    my ($self, $name, $case) = @_;

    my ($pid, $from, $stop) = $self->probe;
    $self->zero;
    $case->();
    sleep(0.2);
    close $stop;

    my ($cpu, $events, $kernel, $longest, $calls) = $self->turn;
    my @times = sort { $a <=> $b } @{ decode_json(join '', <$from>) };
    waitpid $pid, 0;

    my $over = defined $self->{bound} && $cpu > $self->{bound};
    $self->{failed} = 1 if $over;

    printf "%-49s turn %5.2f ms, calls %4.2f, one %4.2f, %3d events  /quick p99 %5.2f "
           . "worst %6.2f ms%s\n", $name, $cpu, $kernel, $longest, $events,
           $times[0.99 * @times] // 0, $times[-1] // 0, $over ? '  OVER' : '';
    print "    $calls\n" if $ENV{CALLS} && $calls;
}

1;
