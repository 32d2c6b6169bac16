package TaskServers;

# A PostgreSQL and a Redis of this test's own; as many of them as it wants.
#
#     my $pg = postgres_start();             # its database is empty
#     my $pg = postgres_start(max_connections => 5);
#     $pg->{host}, $pg->{port};
#     $pg->conninfo;                         # as libpq takes it
#     my @rows = $pg->sql('select 1, null'); # [ 1, undef ]; dies of an error
#
#     my $redis = redis_start(maxmemory => '10mb');
#     my @lines = $redis->command(qw(lrange list 0 -1));
#
#     $pg->stop;                             # in order; until it has ended
#     $pg->kill9;                            # all processes of it, at once
#     $pg->start_again;                      # on the same port
#     $pg->pids;                             # the main process first
#     $pg->log;                              # what it has said
#     $pg->end;                              # it and its directory are gone
#
# What was committed is there after kill9() and start_again(); Redis has nothing
# then, unless it was started with (appendonly => 'yes').
#
# All ends with the test, in whatever way that ends: see util/servers.sh.

use strict;
use warnings;

use Cwd qw(abs_path);
use Exporter qw(import);
use File::Basename qw(dirname);
use IO::Socket::INET;
use IPC::Open3 qw(open3);
use POSIX qw(WNOHANG);
use Scalar::Util qw(weaken);
use Time::HiRes qw(sleep time);

our @EXPORT = qw(postgres_start redis_start);

use constant { TIMEOUT => 30, HOST => '127.0.0.1' };

my $script = abs_path(dirname(__FILE__) . '/../../util/servers.sh');

my %stop = (postgres => 'INT', redis => 'TERM');
my %live;

END {
    local $?;

    $_->end for grep defined, values %live;
}

sub DESTROY { local ($?, $@); $_[0]->end }

sub postgres_start {
    my (%o) = @_;

    return TaskServers->start('postgres',
                              map { ('-c', "$_=$o{$_}") } sort keys %o);
}

sub redis_start {
    my (%o) = @_;

    return TaskServers->start('redis', map { ("--$_", $o{$_}) } sort keys %o);
}

sub start {
    my ($class, $name, @args) = @_;

    my $self = bless { name => $name, args => \@args, host => HOST, owner => $$,
                       port => first_port() }, $class;

    my $below = dirname($ENV{TEST_NGINX_SERVROOT} || "$ENV{PWD}/t/servroot");

    ($self->{dir}) = run('sh', $script, 'make', $name, $below);
    chomp $self->{dir};

    open $self->{keep}, '|-', 'setsid', 'sh', $script, 'keep', $self->{dir}
        or die "keep: $!";

    weaken($live{$self->{dir}} = $self);

    # a port that was free may have been taken by another test meanwhile

    until ($self->begin) {
        die "$name does not start:\n", $self->log
            unless $self->log =~ /Address already in use/
                   && ++$self->{tries} < 20;

        $self->{port} = free_port($self->{port} + 1);
        truncate "$self->{dir}/log", 0;
    }

    return $self;
}

# below those that the system gives to clients, which may be connected to
# themselves while a server is away

sub first_port { return free_port(($ENV{TEST_NGINX_PORT} || 1984) + 200) }

sub free_port {
    my ($port) = @_;

    $port++ until IO::Socket::INET->new(LocalAddr => HOST, LocalPort => $port,
                                        Listen => 1, ReuseAddr => 1);
    return $port;
}

# returns 0 if it has ended at once

sub begin {
    my ($self) = @_;

    my @run = ('sh', $script, 'run', @$self{qw(name dir port)},
               @{ $self->{args} });

    $self->{said} = length $self->log;
    $self->{pid} = fork() // die "fork: $!";

    if ($self->{pid} == 0) {
        { no warnings 'exec'; exec @run; }
        POSIX::_exit(127);
    }

    my $until = time() + TIMEOUT;

    until ($self->ready) {
        if (waitpid($self->{pid}, WNOHANG)) {
            delete $self->{pid};
            return 0;
        }

        die "timeout, waiting for $self->{name} to start:\n", $self->log
            if time() > $until;
        sleep(0.005);
    }

    return 1;
}

# by what it says itself

sub ready {
    my ($self) = @_;

    return substr($self->log, $self->{said})
           =~ /(?:system is ready|Ready) to accept connections/;
}

sub start_again {
    my ($self) = @_;

    $self->begin or die "$self->{name} does not start again:\n", $self->log;
}

sub conninfo {
    my ($self) = @_;

    return "host=$self->{host} port=$self->{port} "
           . 'user=postgres dbname=postgres';
}

# the output of a program, in bytes

sub run {
    my (@command) = @_;

    local $?;
    delete local @ENV{grep /^PG/, keys %ENV};
    local $/;

    open my $err, '+>', undef or die "no temporary file: $!";
    my $pid = open3(my $in, my $out, '>&' . fileno $err, @command);
    close $in;
    my $text = <$out> // '';
    waitpid($pid, 0);

    if ($?) {
        seek $err, 0, 0;
        die $text, <$err> // "$command[0]: $?";
    }

    return $text;
}

# the rows of one statement

sub sql {
    my ($self, $sql) = @_;

    $self->{psql} //= run('sh', $script, 'psql') =~ s/\n\z//r;

    my $text = run($self->{psql}, '-XAtq', '-v', 'ON_ERROR_STOP=1',
                   '-P', "null=\x1d", '-F', "\x1f", '-R', "\x1e",
                   '-d', $self->conninfo, '-c', $sql);

    $text =~ s/\n\z// or return;

    return map [ map $_ eq "\x1d" ? undef : $_, fields("\x1f", $_) ],
           fields("\x1e", $text);
}

# nothing is one field, and empty

sub fields {
    my ($between, $text) = @_;

    return length $text ? split /$between/, $text, -1 : '';
}

sub command {
    my ($self, @words) = @_;

    my $text = run('redis-cli', '-e', '-h', $self->{host}, '-p', $self->{port},
                   @words);

    return split /\n/, $text;
}

# what is in its directory by its current one, its main process first

sub pids {
    my ($self) = @_;

    my $main = $self->{pid} // 0;
    my $inside = qr{^\Q$self->{dir}\E/};
    my @pids = grep { (readlink "/proc/$_/cwd" // '') =~ $inside }
               map m{(\d+)}, glob '/proc/[0-9]*';

    @pids = sort { ($b == $main) <=> ($a == $main) || $a <=> $b } @pids;

    return @pids;
}

sub stop {
    my ($self) = @_;

    kill $stop{$self->{name}}, $self->{pid} or die "kill: $!";

    return $self->wait;
}

sub kill9 {
    my ($self) = @_;

    kill 'KILL', $self->pids;

    return $self->wait;
}

# returns how its main process ended, when none of them is left

sub wait {
    my ($self) = @_;

    my $until = time() + TIMEOUT;

    waitpid(delete $self->{pid}, 0);
    my $code = $?;

    while ($self->pids) {
        die "timeout, waiting for $self->{name} to end:\n", $self->log
            if time() > $until;
        sleep(0.005);
    }

    return $code;
}

sub log {
    my ($self) = @_;

    open my $in, '<', "$self->{dir}/log" or return '';
    local $/;

    return <$in> // '';
}

sub end {
    my ($self) = @_;

    return if $self->{owner} != $$ || !$self->{keep};

    local $?;

    $self->stop if $self->{pid};
    close delete $self->{keep};
    delete $live{$self->{dir}};
}

1;
