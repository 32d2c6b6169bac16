package TaskRedis;

# The scripts of src/redis/, as the module has them, and an engine to call them.
#
#     my $e = TaskRedis->new(port => 2801, prefix => '{task-jobs}:');
#     my @reply = $e->script('claim', $owner, $session, $queue, 0, 1);
#     my $reply = $e->command('ZCARD', 'x');     # arrays as references
#     $e->audit;                                 # dies if anything is wrong

use strict;
use warnings;

use Digest::SHA qw(sha1_hex);
use IO::Socket::INET;

my @ended = qw(done failed cancelled timeout lost dead);

sub new {
    my ($class, %o) = @_;

    my $self = bless { prefix => '{task-jobs}:', %o }, $class;

    $self->connect;

    return $self;
}

sub connect {
    my ($self) = @_;

    $self->{socket} = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
                                            PeerPort => $self->{port})
        or die "no engine: $!";
    $self->{socket}->setsockopt(6, 1, 1);
}

sub send {
    my ($self, @words) = @_;

    my $text = join '', '*' . @words . "\r\n",
               map { utf8::encode(my $w = $_) if utf8::is_utf8($_);
                     '$' . length($_) . "\r\n$_\r\n" } @words;

    print { $self->{socket} } $text or die "write: $!";
    $self->{socket}->flush;
}

sub command {
    my ($self, @words) = @_;

    $self->send(@words);

    return $self->reply;
}

sub reply {
    my ($self) = @_;

    my $line = readline $self->{socket};
    die "the engine is gone\n" unless defined $line;

    $line =~ s/\r\n\z//;
    my ($kind, $rest) = $line =~ /^(.)(.*)/s;

    return $rest if $kind eq '+' || $kind eq ':';
    die "$rest\n" if $kind eq '-';
    return undef if $rest == -1;

    if ($kind eq '$') {
        read $self->{socket}, my $text, $rest + 2;
        return substr $text, 0, $rest;
    }

    return [ map $self->reply, 1 .. $rest ];
}

sub text {
    my ($name) = @_;

    open my $in, '<', "src/redis/$name.lua" or die "$name: $!";
    local $/;

    return scalar <$in>;
}

sub script {
    my ($self, $name, @args) = @_;

    my $code = $self->{code}{$name} //= text('common') . text($name);
    my $sha = $self->{sha}{$name} //= sha1_hex($code);

    my @reply = eval { @{ $self->command('EVALSHA', $sha, 1, $self->{prefix},
                                         @args) } };

    if ($@ =~ /^NOSCRIPT/) {
        @reply = @{ $self->command('EVAL', $code, 1, $self->{prefix}, @args) };

    } elsif ($@) {
        die "$name: $@";
    }

    return @reply;
}

sub names {
    my ($self, $pattern) = @_;

    my $p = $self->{prefix};

    return map substr($_, length $p),
           @{ $self->command('KEYS', quotemeta($p) . $pattern) };
}

sub zset {
    my ($self, $name) = @_;

    return @{ $self->command('ZRANGE', $self->{prefix} . $name, 0, -1,
                             'WITHSCORES') };
}

sub job {
    my ($self, $id) = @_;

    return { @{ $self->command('HGETALL', "$self->{prefix}job:$id") } };
}

# what must hold between any two scripts

sub audit {
    my ($self) = @_;

    my %all = $self->zset('all');
    my %over = $self->zset('over');
    my %delayed = $self->zset('delayed');
    my %leases = $self->zset('leases');
    my (%waits, %owned, %state, @wrong);

    for my $name ($self->names('queue:*')) {
        my %n = $self->zset($name);

        push @wrong, "$_ waits twice" for grep $waits{$_}, keys %n;
        @waits{keys %n} = map [ $name, $n{$_} ], keys %n;
    }

    for my $name ($self->names('owned:*')) {
        my $owner = substr $name, 6;

        push @wrong, "$owner has jobs and no lease" unless exists $leases{$owner};

        for (@{ $self->command('SMEMBERS', "$self->{prefix}$name") }) {
            push @wrong, "$_ has two owners" if $owned{$_};
            $owned{$_} = $owner;
        }
    }

    for my $state ('queued', 'running', @ended) {
        for my $id (keys %{ { $self->zset("state:$state") } }) {
            push @wrong, "$id has two states" if $state{$id};
            $state{$id} = $state;
        }
    }

    my %jobs = map { substr($_, 4) => $self->job(substr $_, 4) }
               $self->names('job:*');

    push @wrong, "$_ is only in all" for grep !$jobs{$_}, keys %all;
    push @wrong, "$_ is only in a state" for grep !$jobs{$_}, keys %state;
    push @wrong, "$_ is only in a queue" for grep !$jobs{$_}, keys %waits;
    push @wrong, "$_ is only delayed" for grep !$jobs{$_}, keys %delayed;
    push @wrong, "$_ is only owned" for grep !$jobs{$_}, keys %owned;
    push @wrong, "$_ is only over" for grep !$jobs{$_}, keys %over;

    for my $id (keys %jobs) {
        my $j = $jobs{$id};
        my $state = $j->{state};
        my $ended = $state ne 'queued' && $state ne 'running';
        my $in = $self->command('EXISTS', "$self->{prefix}in:$id");

        push @wrong, "$id has no state $state"
            if ($state{$id} // '') ne $state;
        push @wrong, "$id is not in all"
            if !exists $all{$id} || $all{$id} != $j->{order};
        push @wrong, "$id: $_" for $ended ? over($id, $j) : ();

        my @where = (($waits{$id} ? 'waits' : ()),
                     (exists $delayed{$id} ? 'delayed' : ()),
                     ($owned{$id} ? 'owned' : ()),
                     (exists $over{$id} ? 'over' : ()));

        push @wrong, "$id ($state) is in " . join ' and ', @where, ''
            if @where != 1 || $ended != ($where[0] eq 'over');

        push @wrong, "$id waits and runs"
            if $state eq 'running' && ($where[0] // '') ne 'owned';
        push @wrong, "$id has a wrong owner"
            if !$ended && $j->{owner} ne ($owned{$id} // '');
        push @wrong, "$id waits in a wrong place"
            if $waits{$id} && ($waits{$id}[0] ne "queue:$j->{queue}"
                               || $waits{$id}[1] != $j->{number});
        push @wrong, "$id has a wrong input"
            if $in != ($state =~ /^(?:queued|running|failed|lost|dead)$/ ? 1 : 0);
        push @wrong, "$id was tried $j->{attempt} times"
            if $j->{attempt} < 0
               || $j->{attempt} - ($j->{before} // 0) > $j->{attempts};
    }

    die join "\n", @wrong, '' if @wrong;

    return scalar keys %jobs;
}

sub over {
    my ($id, $j) = @_;

    return grep defined, defined $j->{ended} ? undef : 'no time of its end';
}

1;
