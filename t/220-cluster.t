#!/usr/bin/perl

# conf/cluster.conf: one front and three nodes, one killed under load, one
# drained, one saturated.  No request that may be repeated is lost.

use strict;
use warnings;

use JSON::PP;
use List::Util qw(sum0);
use Test::More;
use Time::HiRes qw(sleep time);

use TaskServer;

my $port = ($ENV{TEST_NGINX_PORT} || 1984) + 120;

sub conf {
    my ($name, %replace) = @_;

    open my $in, '<', "conf/$name.conf" or die "conf/$name.conf: $!";
    my $text = do { local $/; <$in> };

    $text =~ s/127\.0\.0\.1:814(\d)/"127.0.0.1:" . ($port + $1)/eg;

    for my $from (keys %replace) {
        $text =~ s/\Q$from\E/$replace{$from}/ or die "no \"$from\" in $name";
    }

    return $text;
}

sub node {
    my ($n, %replace) = @_;

    return TaskServer->start(port => $port + $n, text => conf('node',
        "127.0.0.1:@{[ $port + 1 ]}" => "127.0.0.1:@{[ $port + $n ]}",
        'worker_processes      auto' => 'worker_processes 1', %replace));
}

my @node = (undef, map node($_), 1 .. 3);
my $front = TaskServer->start(port => $port, text => conf('cluster'));

sub statuses {
    my %n;
    $n{$_->{status}}++ for @_;
    return join ' ', map "$_:$n{$_}", sort keys %n;
}

sub row {
    my ($node) = @_;
    return (grep $_->{location} eq '/task',
            @{ decode_json($node->get('/status')->{body})->{zones}[0]{tasks} })[0];
}

# a node that was gone is tried with one request first, a second later

sub comes_back {
    my ($node) = @_;

    $front->wait_for(sub {
        $front->get('/task?duration=1ms');
        return row($node)->{ended}{done} >= 2;
    }, 'the front to see the node');
}

# spread evenly

my @r = $front->get_all(('/task?duration=200ms') x 30);
is(statuses(@r), '200:30', '30 tasks');
my @done = map row($node[$_])->{ended}{done}, 1 .. 3;
is(sum0(@done), 30, 'each once');
cmp_ok((sort { $a <=> $b } @done)[0], '>=', 8, "spread evenly: @done");

# one is killed with tasks in it

my @c = map $front->open('/task?duration=2s'), 1 .. 30;
$node[1]->wait_for(sub { row($node[1])->{running} >= 8 }, 'tasks in node 1');

for my $pid ($node[1]->workers, $node[1]{pid}) {
    kill 'STOP', $node[1]{pid};
    kill 'KILL', $pid;
}

@r = $front->read_all(\@c);
is(statuses(@r), '200:30', 'a node is killed: its tasks are run by the others');
waitpid($node[1]{pid}, 0);

@r = $front->get_all(('/task?duration=50ms') x 30);
is(statuses(@r), '200:30', 'and the next ones, too');

$node[1] = node(1);
comes_back($node[1]);
$front->get_all(('/task?duration=50ms') x 30);
cmp_ok(row($node[1])->{started}, '>=', 5, 'it comes back');

# one is drained while requests keep coming

@c = map $front->open('/task?duration=2s'), 1 .. 30;
$node[2]->wait_for(sub { row($node[2])->{running} >= 8 }, 'tasks in node 2');
$node[2]->signal('QUIT');
my @more = map { sleep(0.01); $front->open('/task?duration=50ms') } 1 .. 40;
@r = $front->read_all([ @c, @more ]);
is(statuses(@r), '200:70', 'a node is drained: nothing is lost');
my ($code) = $node[2]->stop('QUIT');
is($code, 0, 'it ends by itself');

# one is saturated: what has no room there goes to the others

$node[2] = node(2, 'running=32 queue=100 wait=10s' => 'running=1');
comes_back($node[2]);
@r = $front->get_all(('/task?duration=200ms') x 40);
is(statuses(@r), '200:40', 'a node is full: the others take it');
cmp_ok(row($node[2])->{ended}{rejected}, '>=', 1, 'it had no room');
is($node[2]->get('/ready')->{status}, 200, 'it has some now');

# all are full: a 503 with Retry-After, as from a node

$node[$_]->stop('QUIT'), $node[$_] = node($_,
    'running=32 queue=100 wait=10s' => 'running=1') for 1 .. 3;
comes_back($_) for @node[1 .. 3];
@r = $front->get_all(('/task?duration=500ms') x 40);
like(statuses(@r), qr/^200:[3-9]\d* 503:\d+$/, 'all are full');
my ($full) = grep $_->{status} == 503, @r;
is($full->{body}, '{"detail":"Service Unavailable"}', 'the body of it');
like($full->{headers}, qr/^Retry-After: \d+\r?$/m, 'Retry-After');

for (@node[1 .. 3], $front) {
    $_->stop('QUIT');
    $_->check_log;
}

done_testing();
