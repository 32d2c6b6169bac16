#!/usr/bin/perl

# The page of streams, in a real browser.
#
#     perl -It/lib t/lab/stream.pl NGINX [GLOBAL]

use strict;
use warnings;

use List::Util qw(max min);
use Test::More;
use Time::HiRes qw(sleep time);

use TaskBrowser;
use TaskContrast;

use constant PORT => 8153;

my $b = TaskBrowser->new('stream', @ARGV);
my $root = 'http://127.0.0.1:' . PORT;

# 99 rows are sent so slowly that one sees them come, and in pieces of any size

sub serve {
    return $b->serve('functions', PORT, sub {
        s/^( *)(server \{)/$1map \$arg_limit \$rate { 99 4k; default 0; }\n$1$2/m;
        s/^( *)(task +rows .*)/$1$2\n$1limit_rate \$rate;/m;
    });
}

my $server = serve();

sub events { $b->script('return [...document.querySelectorAll("#events tbody tr")]
    .map(tr => [...tr.cells].map(td => td.textContent)).reverse()') }

sub lines { split /\n/, $b->text('#rows pre') }

sub begin {
    my ($id, %fields) = @_;

    $b->enter("#$_", $fields{$_}) for sort keys %fields;
    $b->click("#$id button");
}

$b->size(1180, 900);
$b->open_page("$root/");
$b->says('#events .verdict', qr/^Not started\.$/, 'nothing yet');
$b->navigation('Stream');
is($b->script('return document.querySelector("#elsewhere").hidden'), 1,
   'this nginx has streams');
contrasts($b, 'idle');

# events, one after another: the page counts how many it had at each time

$b->watch('#live');
$b->script(<<'END');
    window.seen = [];
    new MutationObserver(() => {
        window.seen.push([performance.now(),
            document.querySelectorAll("#events tbody tr").length]);
    }).observe(document.querySelector("#events tbody"), { childList: true });
END
begin('events', n => 8, every => 400);
$b->says('#events .verdict', qr/^Open: [1-3] events?/, 'the first ones');
is($b->text('#events button'), 'Stop', 'what has begun can be stopped');
contrasts($b, 'open');
$b->says('#events .verdict', qr/^Ended: 8 events in [23]\.\d s\.$/, 'all of them');
is($b->text('#events button'), 'Start', 'and again');

my @seen = grep $_->[1], @{ $b->script('return window.seen') };
is(join(' ', map $_->[1], @seen), '1 2 3 4 5 6 7 8', 'one by one');
my @apart = map $seen[$_][0] - $seen[$_ - 1][0], 1 .. $#seen;
cmp_ok(min(@apart), '>', 50, 'apart from each other');
cmp_ok($seen[-1][0] - $seen[0][0], '>=', 2750, 'never early');
is(join('; ', map "$_->[0] $_->[1]", @{ events() }),
   join('; ', map "$_ $_ of 8", 1 .. 8), 'what each is');
my @after = map { $_->[2] =~ /^(\d+) ms$/ } @{ events() };
is(scalar @after, 7, 'how long after the one before');
cmp_ok(min(@after), '>', 50, 'as it was');
cmp_ok(max(@after), '<', 2000, 'and not all at the end');
is(join('; ', $b->changes),
   'Events: Connecting.; Events: Open: 0 events.; '
   . ($b->changes)[-1], 'what is read out: its states, not each event');
like(($b->changes)[-1], qr/^Events: Ended: 8 events/, 'and how it ended');

# stopped

begin('events', n => 1000, every => 50);
$b->says('#events .verdict', qr/^Open: \d\d events/, 'many');
$b->click('#events button');
$b->says('#events .verdict', qr/^Stopped after \d+ events\.$/, 'stopped');
my $n = @{ events() };
sleep(0.5);
is(scalar @{ events() }, $n, 'none arrives any more');

# rows

begin('rows', limit => 100000, min => -10);
$b->says('#rows .verdict',
         qr/^Ended: 100,000 rows, 6\.6 MB in [\d.]+ m?s, the first after [\d.]+ m?s\.$/,
         'all rows', 30);
is(scalar(lines()), 100, 'the last hundred are shown');
like((lines())[0], qr/^\{"id":100000,"place":"garden",.*\}$/, 'the last one first');
contrasts($b, 'ended');

begin('rows', limit => 99, min => -10);
$b->says('#rows .verdict', qr/^Open: [1-9]\d rows, /, 'some have come');
$b->says('#rows .verdict', qr/^Ended: 99 rows, 0\.0 MB in [1-9]/, 'then the others');
is(scalar(grep /^\{"id":\d+,"place":".*,"note":.*\}$/, lines()), 99, 'each is whole');

begin('rows', limit => 2, min => 25);
$b->says('#rows .verdict', qr/^Ended: 2 rows, 0\.0 MB/, 'two of them');
is(join(' ', map { /^\{"id":(\d+),"place":"/ } lines()), '21 10', 'which');
like((lines())[0], qr/Z\x{fc}rich/, 'with their letters');
begin('rows', min => 99);
$b->says('#rows .verdict', qr/^Ended: 0 rows, 0\.0 MB in [\d.]+ m?s\.$/, 'none');
is(join('', lines()), '', 'none is shown');

# what nginx refuses

begin('events', n => 0, every => 99999);
$b->says('#n-wrong', qr/^Input should be greater than or equal to 1$/,
         'a 422 stands at its field');
$b->says('#every-wrong', qr/^Input should be less than or equal to 1m$/, 'at each');
$b->says('#events .verdict', qr/^Not started: n and every cannot be so\.$/,
         'nothing is started');
begin('rows', limit => '', min => 1000);
$b->says('#min-wrong', qr/^Input should be less than or equal to 100$/, 'rows, too');
is($b->script('return document.querySelector("#min").ariaInvalid'), 'true',
   'said to those who cannot see');
contrasts($b, 'refused');
begin('events', n => 1, every => 0);
$b->says('#events .verdict', qr/^Ended: 1 event\.$/, 'it can be put right');
is($b->text('#n-wrong'), '', 'nothing is wrong any more');
$b->console('nothing else in the console', qr/ 422 /);

# nginx goes, and comes back: the events go on behind the last one

begin('events', n => 6, every => 1000);
$b->says('#events .verdict', qr/^Open: 2 events/, 'two have come');
$b->end($server);
$b->says('#events .verdict', qr/^Lost after \d events?\. The browser connects again\.$/,
         'nginx is stopped: the page says so');
contrasts($b, 'lost');
$b->click('#rows button');
$b->says('#rows .verdict', qr/^Not started: nginx does not answer\.$/, 'rows say so');
$server = serve();
$b->says('#events .verdict', qr/^Ended: 6 events/, 'it is back: all arrive', 60);
is(join(' ', map $_->[0], @{ events() }), '1 2 3 4 5 6', 'each of them once');
$b->console('nothing else in the console',
            qr/ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_CONNECTION_RESET/);

# an nginx that has no streams

$b->end($server);
$server = $b->serve('jobs', PORT);
$b->open_page("$root/stream.html");
$b->says('#elsewhere', qr/make run CONF=functions/, 'elsewhere: how to get them');
is($b->script('return document.querySelector("#streams").hidden'), 1,
   'and nothing to start');
$b->console('nothing but that', qr/ 404 /);

$b->ask(DELETE => '');

done_testing();
