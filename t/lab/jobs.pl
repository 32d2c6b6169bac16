#!/usr/bin/perl

# The page of jobs, in a real browser.
#
#     perl -It/lib t/lab/jobs.pl NGINX [GLOBAL]

use strict;
use warnings;

use HTTP::Tiny;
use JSON::PP;
use List::Util qw(uniq);
use Test::More;
use Time::HiRes qw(sleep time);

use TaskBrowser;
use TaskContrast;

use constant PORT => 8152;

my $b = TaskBrowser->new('jobs', @ARGV);
my $root = 'http://127.0.0.1:' . PORT;
my $server = $b->serve('jobs', PORT);

sub cards { $b->script('return [...document.querySelectorAll(".card")].map(c =>
    ({ state: c.dataset.state, is: c.querySelector(".is").textContent,
       at: c.querySelector("progress").value, text: c.innerText,
       id: c.dataset.key }))') }

sub in_state { my ($state) = @_; grep $_->{state} eq $state, @{ cards() } }

sub begin {
    my ($steps, $every, $many) = @_;

    $b->enter('#steps', $steps);
    $b->enter('#every', $every);
    $b->enter('#many', $many);
    $b->click('#controls [type=submit]');
}

# Cancel of a job that runs; when the page says so, and when nginx does

sub cancel {
    my ($name) = @_;

    my ($card) = in_state('running') or return fail("$name: a job runs");
    my $begin = time();

    $b->click("[data-key='$card->{id}'] button");
    $b->wait_for(sub { $b->text("[data-key='$card->{id}'] .is") eq 'cancelled' }, 10);
    cmp_ok(time() - $begin, '<', 2, "$name: Cancel is effective");

    my $job = decode_json(HTTP::Tiny->new->get("$root/jobs/$card->{id}")->{content});
    is($job->{state}, 'cancelled', "$name: nginx says so, too");
}

# as if the jobs had ended in each state

my @states = qw(queued running done failed cancelled timeout lost unknown);

sub all_states {
    $b->script('[...document.querySelectorAll(".card")].forEach((c, i) => {
        const state = arguments[0][i % arguments[0].length];
        c.dataset.state = state;
        c.querySelector(".is").textContent = state; })', \@states);
}

$b->size(1180, 900);
$b->open_page("$root/jobs.html");
$b->says('#verdict', qr/^No job yet\.$/, 'no job');
$b->navigation('Jobs');
is($b->script('return document.querySelector("#elsewhere").hidden'), 1,
   'this nginx has jobs');

# more than six at once, which any of the workers run: for eight seconds, as what
# is looked at takes a while

$b->script('performance.setResourceTimingBufferSize(5000)');
$b->watch('#live');
begin(40, 200, 9);
$b->says('#state', qr/^9 jobs accepted/, 'nine jobs');
$b->says('#verdict', qr/^9 jobs: (?:8 running, 1 queued|9 running)\.$/,
         'what they do');

my %before = map { $_->{id} => $_->{at} } @{ cards() };
sleep(1.2);
cmp_ok(scalar(grep $_->{at} > $before{$_->{id}}, in_state('running')), '>=', 8,
       'all go on');
like((in_state('running'))[0]{text},
     qr/countdown, 40 steps\s.*started \d\d:\d\d:\d\d.*taken [\d.]+ m?s.*left.*step \d+/s,
     'its name, its times, its step');

contrasts($b, 'running');
cancel('nine jobs');

$b->wait_for(sub { in_state('done') == 8 }, 20);
is(scalar(in_state('done')), 8, 'eight are done');
is(scalar(grep $_->{at} == 100 && $_->{text} =~ /took \d\.\d s.*\{"steps":40\}/s,
          in_state('done')), 8, 'with their results, and how long they took');
is(scalar(grep length > 120, $b->changes), 0, 'what is read out is short');
cmp_ok(scalar($b->changes), '<=', 7, 'and those that end together are told so')
    or diag(join '; ', $b->changes);
is($b->number('.card button:not([hidden])'), 0, 'nothing is left to cancel');

my $polls = $b->script(<<'END');
    const all = performance.getEntriesByType("resource")
        .filter(e => /\/jobs\/[0-9a-f]{32}$/.test(e.name) && e.responseEnd)
        .sort((a, b) => a.startTime - b.startTime);
    return { n: all.length, two: all.filter((e, i) =>
        i && e.startTime < all[i - 1].responseEnd - 1).length };
END
cmp_ok($polls->{n}, '>', 40, 'many looks at them');
cmp_ok($polls->{two}, '<=', 3, 'one after another, but for what Cancel asks');

# colours

is($b->script('document.querySelector(".card").dataset.state = "queued";
    return new Set(arguments[0].map(state => {
        const c = document.querySelector(".card");
        c.dataset.state = state;
        return getComputedStyle(c.querySelector(".is")).color; })).size',
    [ grep $_ ne 'unknown', @states ]), 7, 'each state has a colour of its own');

for my $dark (0, 1) {
    $b->size(1180, 900, $dark);
    all_states();
    $b->picture($dark ? 'states-dark' : 'states');
    contrast($b, $dark ? 'states, dark' : 'states, light');
}

$b->size(1180, 900);

# what nginx refuses

begin(5000, 200, 1);
$b->says('#steps-wrong', qr/^Input should be less than or equal to 1000$/,
         'a 422 stands at its field');
$b->says('#state', qr/^Not started: steps/, 'and that nothing was started');
is($b->text('#every-wrong'), '', 'not at another one');
is($b->script('return document.querySelector("#steps").ariaInvalid'), 'true',
   'said to those who cannot see, too');
contrasts($b, 'refused');
$b->click('#clear');
is($b->number('.card'), 0, 'ended ones are removed');
is($b->script('return document.activeElement.textContent'), 'Start',
   'who has the focus there keeps a place to go on from');
$b->console('nothing wrong in the console', qr/ 422 /);

# twenty: one can start and cancel

begin(200, 200, 20);
$b->says('#verdict', qr/^20 jobs: \d+ running/, 'twenty jobs');
is($b->text('#steps-wrong'), '', 'nothing is wrong any more');
cancel('twenty jobs');
my $begin = time();
begin(3, 100, 1);
$b->wait_for(sub { $b->number('.card') == 21 }, 10);
cmp_ok(time() - $begin, '<', 2, 'another one starts at once');

# a reload of the page keeps them

my @ids = map $_->{id}, @{ cards() };
$b->reload;
$b->says('#verdict', qr/^21 jobs: \d+ running/, 'after a reload of the page');
is(join(' ', map $_->{id}, @{ cards() }), join(' ', @ids), 'all are there');
%before = map { $_->{id} => $_->{at} } @{ cards() };
sleep(2);
is(scalar(grep $_->{at} <= $before{$_->{id}}, in_state('running')), 0, 'and go on');
is(scalar(in_state('cancelled')), 1, 'what was cancelled still is');
$b->console('nothing wrong in the console');

# nginx goes and comes back

$b->watch('#live');
$b->end($server);
$b->says('#verdict', qr/^nginx does not answer, last heard at \d\d:\d\d:\d\d/,
         'nginx is stopped: the page says so');
my @lost = grep $_->{is} eq 'was running', @{ cards() };
cmp_ok(scalar(@lost), '>=', 8, 'so does each card');
like($lost[0]{text}, qr/last heard \d\d:\d\d:\d\d/, 'when it was heard last');
$b->click("[data-key='$lost[0]{id}'] button");
$b->says("[data-key='$lost[0]{id}'] .said", qr/^Not cancelled: nginx/,
         'Cancel says that it did nothing');
begin(3, 100, 1);
$b->says('#state', qr/^Not started: nginx does not answer/, 'so does Start');
is(scalar(grep /^nginx/, uniq $b->changes), 1, 'it is read out once')
    or diag(join '; ', $b->changes);
contrasts($b, 'gone');

$server = $b->serve('jobs', PORT);
$b->says('#verdict', qr/^\d+ jobs: .*\bunknown/, 'it is back, and knows no job');
is(scalar(in_state('running')), 0, 'none is said to run');
contrasts($b, 'back');
begin(3, 100, 1);
$b->wait_for(sub { in_state('done') }, 10);
is(scalar(in_state('done')), 1, 'another job is begun and done');
$b->reload;
$b->wait_for(sub { $b->number('.card') }, 5);
is(scalar(in_state('unknown')), 0, 'what is unknown is forgotten');
$b->console('nothing else in the console', qr/ERR_CONNECTION_REFUSED| 404 /);

# the status of the same nginx

$b->open_page("$root/status.html");
$b->says('#jobs', qr/\b1 done/, 'its status tells of jobs');
is($b->number('#buttons li'), 2, 'and has the locations that there are');
contrasts($b, 'status');
$b->console('nothing wrong in the console');

$b->ask(DELETE => '');

done_testing();
