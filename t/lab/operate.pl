#!/usr/bin/perl

# The operator's page of jobs, in a real browser.
#
#     perl -It/lib t/lab/operate.pl NGINX [GLOBAL]

use strict;
use warnings;

use HTTP::Tiny;
use JSON::PP;
use Test::More;
use Time::HiRes qw(sleep time);

use TaskBrowser;
use TaskContrast;

use constant PORT => 8153;

my $b = TaskBrowser->new('operate', @ARGV);
my $root = 'http://127.0.0.1:' . PORT;
my $sign = "$b->{dir}/sign";
my $edit = sub {
    s{(location = /quick)}{location = /try {
            task             command program=/bin/sh output=whole "args=-c 'test -e $sign'";
            task_background  on zone=jobs;
        }
        $1};
};
my $server = $b->serve('jobs', PORT, $edit);
my $http = HTTP::Tiny->new;

sub begin { decode_json($http->post("$root/$_[0]")->{content})->{id} }
sub job { decode_json($http->get("$root/jobs/$_[0]?wait=" . ($_[1] // 0))->{content}) }
sub rows { $b->script('return [...document.querySelectorAll("tbody tr")].map(r => r.dataset.key)') }
sub row { my ($id, $part) = @_; return "tr[data-key='$id'] $part" }

sub button {
    my ($id, $name) = @_;
    return row($id, "button[aria-label^='$name']");
}

sub shown {
    my ($id) = @_;
    return $b->script('return [...document.querySelector(arguments[0])
        .querySelectorAll("button:not([hidden])")].map(b => b.textContent).join(" ")',
        row($id, '.does'));
}

$b->size(1180, 900);
$b->open_page("$root/operate.html");
$b->says('#verdict', qr/^No such job\.$/, 'no job');
$b->navigation('Jobs');
$b->state('listed', 'this nginx lists jobs');

# one in each state; the page sees them by itself

my %id = (failed => begin('try'), running => begin('countdown?steps=600&every=100ms'));
$id{done} = begin('countdown?steps=1&every=0');
$id{cancelled} = begin('countdown?steps=600&every=100ms');
$http->request(DELETE => "$root/jobs/$id{cancelled}");
job($id{$_}, '10s') for qw(failed done cancelled);

$b->says('#verdict', qr/^4 jobs: (?=.*1 failed)(?=.*1 running)(?=.*1 done)(?=.*1 cancelled)/,
         'four jobs');
is(join(' ', @{ rows() }), join(' ', @id{qw(cancelled done running failed)}),
   'the newest one is the first');
is($b->text(row($id{$_}, '.is')) =~ s/ .*//r, $_, "one is $_") for sort keys %id;
is(shown($id{failed}), 'Retry Forget', 'what can be done: failed');
is(shown($id{running}), 'Cancel', 'running');
is(shown($id{done}), 'Forget', 'done');
like($b->text("tr[data-key='$id{running}']"), qr/\d+ %, step \d+/, 'how far it is');
contrasts($b, 'states');
$b->size(1180, 900, 1);
$b->picture('states-dark');
$b->size(390, 844);
$b->no_sideways('on a phone');
$b->picture('phone');
$b->size(1180, 900);

# by the keyboard alone: a retry, which fails again, and then does not

$b->watch('#live');
$b->script('document.querySelector(arguments[0]).focus()', button($id{failed}, 'Retry'));
$b->keys_to(button($id{failed}, 'Retry'), "\x{e007}");
$b->says('#state', qr/^Job [0-9a-f]{8} is queued again\.$/, 'a retry');
job($id{failed}, '10s');
open my $out, '>', $sign or die "$sign: $!";
$b->wait_for(sub { shown($id{failed}) =~ /Retry/ }, 10);
$b->click(button($id{failed}, 'Retry'));
$b->says(row($id{failed}, '.is'), qr/^done/, 'the next one is done');
is(job($id{failed})->{state}, 'done', 'nginx says so, too');
is(scalar(grep length > 120, $b->changes), 0, 'what is read out is short');

# cancel, and forget

$b->click(button($id{running}, 'Cancel'));
$b->says(row($id{running}, '.is'), qr/^cancelled/, 'a cancel');
is(job($id{running})->{state}, 'cancelled', 'nginx says so, too');
$b->script('document.querySelector(arguments[0]).focus()', button($id{done}, 'Forget'));
$b->keys_to(button($id{done}, 'Forget'), ' ');
$b->wait_for(sub { !grep $_ eq $id{done}, @{ rows() } }, 10);
is($b->number(row($id{done}, '')), 0, 'one is forgotten');
is($http->get("$root/jobs/$id{done}")->{status}, 404, 'by nginx, too');
is($b->script('return document.activeElement.textContent'), 'Show',
   'who had the focus there has a place to go on from');

# what another one has done meanwhile

$b->script('clearTimeout(timer)');
$http->request(DELETE => "$root/jobs/$id{cancelled}?forget=1");
$b->click(button($id{cancelled}, 'Forget'));
$b->says('#state', qr/^It is not there any more\.$/, 'one that is gone');

# filters, and pages, which stay while others come

my @more = map begin('try'), 1 .. 7;
job($_, '10s') for @more;
$b->script('document.querySelector("#state-is").value = "done";
    document.querySelector("#state-is").dispatchEvent(new Event("change"))');
$b->says('#verdict', qr/^8 jobs: 8 done\.$/, 'by state');
$b->enter('#queue', 'countdown');
$b->click('[type=submit]');
$b->says('#verdict', qr/^No such job\.$/, 'by queue');
$b->enter('#queue', 'command');
$b->enter('#limit', '3');
$b->click('[type=submit]');
$b->says('#verdict', qr/^3 jobs/, 'a page of three');
is(join(' ', @{ rows() }), join(' ', reverse @more[4 .. 6]), 'the newest');
$b->click('#older');
$b->says('#page', qr/^older ones$/, 'the next page');
$b->wait_for(sub { "@{ rows() }" eq join(' ', reverse @more[1 .. 3]) }, 10);
is(join(' ', @{ rows() }), join(' ', reverse @more[1 .. 3]), 'those behind them');
job(begin('try'), '10s') for 1 .. 3;
sleep(2.5);
is(join(' ', @{ rows() }), join(' ', reverse @more[1 .. 3]), 'others came, and it is still there');
$b->click('#older');
$b->wait_for(sub { @{ rows() } == 2 }, 10);
is(join(' ', @{ rows() }), "$more[0] $id{failed}", 'the last page');
is($b->script('return document.querySelector("#older").hidden'), 1, 'has none behind it');
is($b->script('return document.activeElement.textContent'), 'Newest', 'the focus has a place');
$b->click('#newest');
$b->wait_for(sub { @{ rows() } == 3 }, 10);
is(scalar(grep { my $id = $_; grep $_ eq $id, @more } @{ rows() }), 0, 'the newest are those that came');
$b->enter('#limit', '101');
$b->click('[type=submit]');
$b->says('#limit-wrong', qr/^Input should be less than or equal to 100$/, 'a 422 stands at its field');
contrasts($b, 'refused');
$b->enter('#limit', '20');
$b->click('[type=submit]');
$b->says('#limit-wrong', qr/^$/, 'nothing is wrong any more');
$b->console('nothing wrong in the console', qr/ 404 | 409 | 422 /);

# nginx goes and comes back

$b->end($server);
$b->says('#verdict', qr/^nginx does not answer, last heard at/, 'nginx is stopped: the page says so');
$server = $b->serve('jobs', PORT, $edit);
$b->says('#verdict', qr/^No such job\.$/, 'it is back');
$b->console('nothing else in the console', qr/ERR_CONNECTION_REFUSED/);

# one that has no list

$b->end($server);
$server = $b->serve('jobs', PORT, sub { s/ list=on// });
$b->state('elsewhere', 'no list: the page says so');
contrasts($b, 'elsewhere');

$b->ask(DELETE => '');

done_testing();
