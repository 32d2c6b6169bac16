package TaskFetch;

# What tests of ngx_task_fetch() have in common: a server whose locations fetch,
# see t/tasks/fetch.c, and whether all that a fetch takes has been given back.
#
#     my $s = TaskFetch->start(http => ..., server => ...);
#     my $r = $s->ask('/static/a.txt', max => '1m', %more);   # what "one" tells
#     my $was = $s->at_rest;
#     $s->rested($was, 'a client that leaves');

use strict;
use warnings;

use parent 'TaskServer';

use JSON::PP;
use Test::More;

my $tasks = "$ENV{TEST_NGINX_TASKS}/test";

sub write_conf {
    my ($self, %conf) = @_;

    $conf{main} = "task_load $tasks/fetch.so; thread_pool default threads=4; "
                  . ($conf{main} // '');
    $conf{http} = 'task_zone numbers:256k; task_stats numbers; task_mode async;
                   task_job_zone jobs:2m max_body=1m; ' . ($conf{http} // '');
    $conf{server} = '
        location = /one    { task fetch.one; }
        location = /pass   { task fetch.pass; }
        location = /known  { task fetch.known; }
        location = /many   { task fetch.many; }
        location = /within { task fetch.within; }
        location = /brief  { task fetch.one; task_timeout 300ms; }
        location = /job    { task fetch.one; task_background on zone=jobs; }
        location = /job/pass { task fetch.pass; task_background on zone=jobs; }
        location /jobs/    { task_jobs zone=jobs; }
        location = /seen   { task fetch.seen; task_mode sync; }
        location = /quick  { quick; }
        location = /active { stub_status; }
    ' . $conf{server};

    return $self->SUPER::write_conf(%conf);
}

sub escape {
    my ($text) = @_;

    return $text =~ s{([^\w/.-])}{sprintf '%%%02X', ord $1}ger;
}

sub query {
    my ($uri, %args) = @_;

    return join '&', 'uri=' . escape($uri), map "$_=" . escape($args{$_}), sort keys %args;
}

# arguments of the function, and, after a "-", of TaskServer

sub ask {
    my ($self, $uri, %args) = @_;

    my %o = map { /^-(.*)/ ? ($1 => delete $args{$_}) : () } keys %args;
    my $r = $self->get(($o{by} // '/one') . '?' . query($uri, %args), %o);

    $self->{said} = $r;

    return { rc => "status $r->{status}", headers => {} } if $r->{status} != 200;

    my $told = decode_json($r->{body});
    $told->{headers}{lc $_} = delete $told->{headers}{$_} for keys %{ $told->{headers} };

    return $told;
}

# a reply in short: the rc, the status, and the error

sub short {
    my ($r) = @_;

    return join ' ', map $_ // '', @$r{qw(rc status error)};
}

# not the processes of caches; it says what it is when it has begun

sub worker {
    my ($self) = @_;
    my $found;

    $self->wait_for(sub {
        for my $pid (reverse $self->workers) {
            open my $in, '<', "/proc/$pid/cmdline" or next;
            $found = $pid if (<$in> // '') =~ /worker process(?! is shutting)/;
        }
        return $found;
    }, 'the worker');

    return $found;
}

# what the only worker has: descriptors but for a sanitizer's, connections,
# functions that go on

sub rests {
    my ($self) = @_;

    my $pid = $self->worker;
    my @fds = grep !m{/\w+san\.\d+$}, map readlink // '', glob "/proc/$pid/fd/*";
    my ($active) = $self->get('/active')->{body} =~ /^Active connections: (\d+)/;
    my $seen = decode_json($self->get('/seen')->{body});

    return join ' ', scalar @fds, $active, $seen->{begun} - $seen->{ended};
}

# the same, when what was asked before has ended: ten times in a row

sub at_rest {
    my ($self) = @_;
    my ($last, $n) = ('', 0);

    $self->wait_for(sub {
        my $is = $self->rests;
        $n = $is eq $last && $is =~ / 1 0$/ ? $n + 1 : 0;
        $last = $is;
        return $n == 10;
    }, 'what was asked before to end');

    return $last;
}

sub rested {
    my ($self, $was, $what) = @_;
    my $is;

    $self->wait_for(sub { ($is = $self->rests) eq $was }, 'all to end', 15);

    is($is, $was, "$what: descriptors, connections, functions")
        or diag join "\n", map readlink, glob '/proc/' . $self->worker . '/fd/*';
}

# at most so far

sub memory {
    my ($self) = @_;

    my $pid = $self->worker;
    open my $in, '<', "/proc/$pid/status" or return 0;
    local $/;

    return <$in> =~ /^VmHWM:\s+(\d+)/m ? $1 * 1024 : 0;
}

1;
