#!/usr/bin/perl

# The lab in a real browser: press Run, wait, read the numbers from the page.
#
#     perl -It/lib t/lab/lab.pl NGINX [GLOBAL]

use strict;
use warnings;

use JSON::PP;
use Test::More;
use Time::HiRes qw(sleep);

use TaskBrowser;
use TaskContrast;

my ($nginx, $global) = @ARGV;

my $b = TaskBrowser->new('lab', $nginx, $global);
my $root = 'http://127.0.0.1:8090';
my @ports = (8090, 8100, 8110, 8120, 8130);

sub start_lab {
    $b->free(@ports);
    my $pid = $b->run('lab.log', 'sh', 'conf/lab/start.sh', $nginx, $global // '');
    $b->wait_port($_) for @ports;
    return $pid;
}

# where everything is that one looks at

sub places { $b->script('return [...document.querySelectorAll(
    "form, #state, .lane, .lane pre, canvas, .words, dt, dd")].map(e => {
        const r = e.getBoundingClientRect();
        return [r.left, r.top + scrollY, r.width, r.height].map(Math.round).join(" ");
    }).join("; ")') }

sub labels { @{ $b->script('return [...document.querySelectorAll("canvas")]'
                           . '.map(c => c.getAttribute("aria-label"))') } }

sub shown { my ($lane, $number) = @_; $b->text("#$lane [data-number=$number]") }

my $lab = start_lab();

$b->size(1180, 900);
$b->open_page("$root/");
is($b->number('.lane'), 4, 'four lanes');
$b->navigation('Lab');
is(scalar(grep /: not run yet$/, labels()), 4, 'the pictures say that it has not run');
$b->watch('#live');

# as someone without a mouse would: the keyboard alone

my $duration = 3;
my $places = places();

$b->keys_to('#duration', "\x{e007}");                      # Enter
$b->state('running', 'Enter runs it');
$b->says('#state', qr/^Running, [23]\.\d s of about 9\.\d s\.$/,
         'how long it runs, of how long');
is(places(), $places, 'nothing has jumped');
is(scalar(grep /: running$/, labels()), 4, 'the pictures say that it runs');
like($b->text('#sync .words'), qr{^\d+ of \d+ /quick waited, up to \d\.\d s\.$},
     'the verdict so far');
like(shown('sync', 'time'), qr/^[23]\.\d of 9\.0 s$/, 'its time, of what is expected');
sleep(1.8);
$b->picture('running');
is(places(), $places, 'nor later');
$b->state('done', 'it ends', 120);
is(places(), $places, 'nor at the end');

my $result = decode_json($b->script('return document.body.dataset.result'));

for my $lane (qw(async sync thread workers)) {
    my $n = $result->{$lane};
    diag(sprintf '%-8s /quick p50 %6.0f ms, p95 %6.0f ms, worst %6.0f ms; '
                 . '%d tasks done; loop lag %.0f ms', $lane,
                 @$n{qw(p50 p95 worst done lag)});
    is($n->{done}, 3, "$lane: all tasks are done");
}

cmp_ok($result->{sync}{worst}, '>=', 900 * $duration,
       'sync: /quick waits for a whole task');
cmp_ok($result->{sync}{lag}, '>=', 800 * $duration, 'sync: the loop stood still');
cmp_ok($result->{async}{p95}, '<', 100, 'async: /quick at once');
cmp_ok($result->{thread}{p95}, '<', 100, 'thread: /quick at once');
cmp_ok($result->{workers}{p50}, '<', 100, 'workers: /quick mostly at once');

like(shown('async', 'workers'), qr/^1 worker: \d+$/, 'async: one worker answered');
like(shown('workers', 'workers'), qr/^[2-4] workers: \d+ \+ \d+/,
     'workers: more than one');
like($b->text('#sync .words'), qr{^\d+ of \d+ /quick waited, up to [89]\.\d s\.$},
     'sync: the verdict');
like($b->text('#async .words'), qr{^(?:None|\d) of \d+ /quick waited},
     'async: the verdict');
like($b->text('#state'), qr{^Done in 9\.\d s\. /quick had to wait in .*sync},
     'and of all');
is(scalar(grep m{/quick waited.* 3 of 3 tasks are done\.$}, labels()), 4,
   'the pictures say it, too');
cmp_ok(scalar($b->changes), '<=', 6, 'what is read out: begin, each lane, end')
    or diag(join '; ', $b->changes);

contrasts($b, 'done');
$b->size(1180, 1075);
$b->script('document.activeElement.blur()');
$b->picture('readme');
$b->size(390, 844);

# once more, on a phone

$places = places();
$b->keys_to('#duration', "\x{e007}");
$b->state('running', 'on a phone');
sleep(2);
is(places(), $places, 'nothing has jumped');
$b->keys_to('#run', "\x{e007}");
$b->state('done', 'stopped in the middle', 20);
like($b->text('#state'), qr/^Stopped after [12]\.\d s/, 'it says so');
is(places(), $places, 'nothing has jumped');

# the longest run is not cut off

$b->size(1180, 900);
$b->enter('#duration', 20);
$b->enter('#tasks', 12);
my ($time, $limit) = @{ $b->script('prepare(); return [longest(run), run.limit]') };
cmp_ok($time, '>=', 240_000, 'four minutes are expected');
cmp_ok($limit, '>', $time + 30_000, 'it is given up well after that');
$b->console('nothing wrong in the console', qr/ERR_ABORTED/);

# what the page of the lab does not serve

$b->open_page("$root/status.html");
$b->says('#elsewhere', qr/make run\b/, 'status: how to get it');
$b->open_page("$root/jobs.html");
$b->says('#elsewhere', qr/make run CONF=jobs/, 'jobs: how to get them');
$b->console('nothing but that', qr{/status.* 404 });

# no lane answers

$b->open_page("$root/");
$b->end($lab);
$b->keys_to('#run', "\x{e007}");
$b->state('failed', 'the lab is stopped');
$b->says('#state', qr/^No lane answers/, 'it says so');
$b->says('#elsewhere', qr/make lab/, 'and how to start it');
contrasts($b, 'gone');
$lab = start_lab();
$b->keys_to('#run', "\x{e007}");
$b->state('running', 'it runs again');
$b->keys_to('#run', "\x{e007}");
$b->state('done', 'and stops', 30);
is($b->script('return document.querySelector("#elsewhere").hidden'), 1,
   'nothing is missing any more');
$b->console('nothing but that', qr/ERR_ABORTED|ERR_CONNECTION_REFUSED/);

$b->ask(DELETE => '');

done_testing();
