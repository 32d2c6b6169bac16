#!/usr/bin/perl

# The page of the status, in a real browser.
#
#     perl -It/lib t/lab/status.pl NGINX [GLOBAL]

use strict;
use warnings;

use IO::Socket::INET;
use Test::More;
use Time::HiRes qw(sleep);

use TaskBrowser;
use TaskContrast;

use constant PORT => 8151;

my $b = TaskBrowser->new('status', @ARGV);
my $root = 'http://127.0.0.1:' . PORT;

# a second worker answers while the first stands still

sub stalling {
    s/worker_processes\s+auto/worker_processes 2/;
    s{(location = /quick)}{location = /still { task sleep duration=6s;
        task_mode sync; } $1};
}

my $server = $b->serve('nginx', PORT, \&stalling);

sub row { my ($n) = @_; "#buttons li:nth-child($n)" }

# as long as it takes to look at the status so often

sub updates {
    my ($n) = @_;

    my $count = 'return performance.getEntriesByName('
                . 'new URL("status", location).href).length';
    my $from = $b->script($count);

    $b->wait_for(sub { $b->script($count) >= $from + $n }, 10);
}

$b->size(1180, 900);
$b->open_page("$root/");
$b->says('#verdict', qr/^All 2 event loops are on time; no task runs\.$/,
         'a verdict');
$b->navigation('Status');
is($b->number('#buttons li'), 4, 'four locations to try');
$b->says('footer', qr/nginx \d.*module \d/, 'what runs');

# buttons, with a clock beside

$b->click(row(1) . ' button');
$b->says(row(1) . ' output', qr/^200 after \d+ ms .*quick response/, '/quick');
$b->click(row(2) . ' button');
$b->click(row(3) . ' button');
$b->enter(row(4) . ' input', 1);
$b->click(row(4) . ' button');
$b->says(row(4) . ' output', qr/^200 after 1\.\d s .*completed/,
         '/task/choose: as long as was chosen');
$b->says(row(2) . ' output', qr/^[23]\.\d s$/, '/task: the clock runs');
$b->says('#verdict', qr/; 2 tasks run\b/, 'the verdict counts');
is($b->text(row(2) . ' button'), 'Stop', 'what was started can be stopped');
$b->enter(row(4) . ' input', 900);
$b->click(row(4) . ' button');
$b->says(row(4) . ' output', qr/^422 .*duration: Input should be less than/,
         'what nginx refuses, in words');

# nothing that one looks at is lost

$b->says('#zones', qr{/task/choose}, 'the locations');
$b->script('document.querySelector("td details:not([hidden])").open = true');
contrasts($b, 'running');

for my $width (1180, 390) {
    $b->size($width, 500);
    $b->watch('#live');

    my $top = $b->script(<<'END');
        const cell = document.querySelector("#zones section:last-child td");
        getSelection().selectAllChildren(cell);
        cell.scrollIntoView({ block: "center" });
        window.cell = cell;
        return scrollY;
END
    my $clock = $b->text(row(2) . ' output');
    updates(3);

    cmp_ok($top, '>', 50, "$width: scrolled");
    is($b->script('return scrollY'), $top, "$width: still there after 3 updates");
    is($b->script('return getSelection().toString().trim()'), '/task',
       "$width: what was selected still is");
    is($b->script('return window.cell.isConnected'), 1, "$width: the same cell");
    is($b->script('return document.querySelector("td details:not([hidden])").open'),
       1, "$width: what was unfolded still is");
    isnt($b->text(row(2) . ' output'), $clock, "$width: while others have changed");
    is(join('; ', $b->changes), '', "$width: nothing is read out");
}

is($b->script('return getComputedStyle(document.querySelector("thead")).display'),
   'none', 'on a phone each row is a card');
$b->size(1180, 900);

is($b->script('return [...document.querySelectorAll("td")].filter(td =>'
              . '/^[≤\d]/.test(td.innerText)'
              . ' && getComputedStyle(td).textAlign !== "right"'
              . ' && !td.classList.contains("text")).length'), 0,
   'numbers are to the right');

# the ages of what runs

$b->says('#oldest', qr/^\d+ s\s+\/task\b/, 'the oldest task and its age');
$b->says('#verdict', qr/2 tasks run, the longest for \d+ s/, 'on top, too');

$b->click(row(2) . ' button');
$b->click(row(3) . ' button');
$b->says(row(2) . ' output', qr/^left after/, 'stopped');
$b->says('#verdict', qr/no task runs/, 'and gone');
$b->says('#zones', qr/1 done|1 cancelled/, 'how they ended');

# a loop that stands still: told by the other worker, read out once

$b->watch('#live');

my $still = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => PORT);
print $still "GET /still HTTP/1.0\r\n\r\n";

$b->says('#verdict', qr/event loop of worker \d+ stands still, for [1-5]\.\d s/,
         'a loop that stands still');
contrasts($b, 'still');
sleep(2.2);
$b->says('#verdict', qr/on time/, 'it moves again');
is(scalar(grep !/^No answer/, $b->changes), 2, 'both are read out once')
    or diag(join '; ', $b->changes);
$b->console('nothing wrong in the console', qr/ 422 /);

# nginx goes and comes back

$b->watch('#live');
$b->end($server);
$b->says('#verdict', qr/^nginx does not answer, last heard at \d\d:\d\d:\d\d/,
         'nginx is stopped: the page says so');
contrasts($b, 'gone');
$server = $b->serve('nginx', PORT, \&stalling);
$b->says('#verdict', qr/^All 2 event loops are on time/, 'it is back');
is(scalar($b->changes), 2, 'both are read out once')
    or diag(join '; ', $b->changes);
$b->console('nothing else in the console', qr/ERR_CONNECTION_REFUSED/);

# one worker alone cannot tell: the page itself does

$b->end($server);
$server = $b->serve('nginx', PORT, sub {
    stalling();
    s/worker_processes 2/worker_processes 1/;
});
$b->says('#verdict', qr/^The event loop is on time/, 'one worker');
$still = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => PORT);
print $still "GET /still HTTP/1.0\r\n\r\n";
$b->says('#verdict', qr/^No answer for \d\.\d s: the event loop/,
         'no answer: the page says for how long');
$b->says('#verdict', qr/^The event loop is on time/, 'it moves again');
$b->console('nothing else in the console', qr/ERR_CONNECTION_REFUSED/);

# what this nginx does not serve

$b->open_page("$root/jobs.html");
$b->says('#elsewhere', qr/make run CONF=jobs/, 'jobs: how to get them');
$b->navigation('Jobs');
$b->console('nothing in the console');
$b->open_page("$root/lab.html");
$b->says('#elsewhere', qr/make lab/, 'lab: how to get it');
$b->navigation('Lab');
$b->console('nothing but the lanes', qr{^http://127\.0\.0\.1:8\d+/.*8108|:8108/});

$b->ask(DELETE => '');

done_testing();
