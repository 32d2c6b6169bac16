#!/usr/bin/perl

# The status of a thousand locations is printed in several turns of the event
# loop: whole, in subrequests, too, and to clients that leave meanwhile.

use strict;
use warnings;

use JSON::PP;
use Test::More;

use TaskServer;

plan skip_all => 'nginx is built without --with-http_addition_module'
    if `$ENV{TEST_NGINX_BINARY} -V 2>&1` !~ /--with-http_addition_module/;

use constant LOCATIONS => 1000;

my $s = TaskServer->start(
    http => 'task_zone numbers:4m; task_stats numbers;',
    server => join('', map "location = /l$_ { task sleep duration=0; }\n",
                       1 .. LOCATIONS) . '
        location = /json    { task_status json; }
        location = /metrics { task_status prometheus; }
        location = /slow    { task_status json; limit_rate 1m; postpone_output 0; }
        location = /page    { quick; add_after_body /json; addition_types *; }
        location = /quick   { quick; }
    ');

$s->get("/l$_") for 1, 500, LOCATIONS;

sub whole {
    my ($json, $what) = @_;

    my $tasks = decode_json($json)->{zones}[0]{tasks};
    my %done = map { $_->{location} => 1 } grep $_->{ended}{done} == 1, @$tasks;

    is(scalar @$tasks, LOCATIONS, "$what: all locations");
    is(join(' ', sort keys %done), '/l1 /l1000 /l500', "$what: their numbers");
}

# the body of a chunked answer

sub chunks {
    my ($text) = @_;
    my $body = '';

    while ($text =~ s/^([0-9a-f]+)\r\n//) {
        $body .= substr $text, 0, hex $1, '';
        $text =~ s/^\r\n//;
    }

    return $body;
}

my $r = $s->get('/json');
whole($r->{body}, 'JSON');

my $metrics = $s->get('/metrics')->{body};
is(scalar(() = $metrics =~ /^nginx_task_started_total\{/mg), LOCATIONS, 'Prometheus: counters');
is(scalar(() = $metrics =~ /^nginx_task_running\{/mg), LOCATIONS, 'Prometheus: gauges');
is(scalar(() = $metrics =~ /^nginx_task_ended_total\{.*state="done"\} 1$/mg), 3,
   'Prometheus: ends');
is(scalar(() = $metrics =~ /^# TYPE nginx_task_/mg), scalar(() = $metrics =~ /^# HELP nginx_task_/mg),
   'Prometheus: each metric once, with its help');

whole($s->get('/slow')->{body}, 'slowly');

my $page = chunks($s->get('/page')->{body});
ok($page =~ s/^\{"status":"quick response"\}//, 'a subrequest: the page');
whole($page, 'a subrequest');

is($s->get('/json', method => 'HEAD')->{status}, 200, 'HEAD');

# several at once; some of them leave

my @c = map $s->open($_), ('/json', '/metrics', '/page', '/slow') x 25;
$_->{socket}->close for @c[grep $_ % 3, 0 .. $#c];
my @r = $s->read_all([ @c[grep $_ % 3 == 0, 0 .. $#c] ]);
is(scalar(grep $_->{status} == 200 && length $_->{body} > 100_000, @r), scalar @r,
   'who stays is answered');

# a worker that quits

@c = map $s->open($_), ('/json', '/metrics') x 5;
$s->get('/quick');
my ($code) = $s->stop('QUIT');
@r = $s->read_all(\@c);
is(scalar(grep $_->{status} == 200 && length $_->{body} > 100_000, @r), 10,
   'who waits when the worker is told to quit is answered');
unlike($s->text('error.log'), qr/open socket/, 'nothing is left open');
is($code, 0, 'ends');
$s->check_log;

done_testing();
