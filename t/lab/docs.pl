#!/usr/bin/perl

# The page of an OpenAPI document, in a real browser: the functions of
# conf/, their streams and jobs.
#
#     perl -It/lib t/lab/docs.pl NGINX [GLOBAL]

use strict;
use utf8;
use warnings;

use File::Copy qw(copy);
use HTTP::Tiny;
use JSON::PP;
use Test::More;
use Time::HiRes qw(sleep);

use TaskBrowser;
use TaskContrast;
use TaskDocs;

my $b = TaskBrowser->new('docs', @ARGV);
my ($root, $server) = begin($b);

# what there is

$b->size(1280, 900);
open_document();
$b->navigation('Docs');
is($b->number('.op[open]'), 1, 'one operation is open');
$b->enter('#filter', 'greet');
$b->says('#found', qr/^[12] operations?$/, 'those that are looked for');
is($b->script('return [...document.querySelectorAll(".op:not([hidden]) h3 code")]
    .every(e => e.textContent === "/hello")'), 1, 'are there');
$b->enter('#filter', ' ');

# a simple one

operation('hello');
is(curl('hello'), "curl $root/hello", 'nothing entered, nothing sent');
contrasts($b, 'idle');
send_it('hello');
verdict('hello', qr/^200 OK: 36 bytes in [\d.]+ m?s\.$/, 'an answer');
is($b->text('#hello .tree') =~ s/\s+/ /gr,
   '{ "message": "hello, world" "times": 1 }', 'as a tree');
$b->click('#hello .headers summary');
like($b->text('#hello .headers'), qr/content-type\s+application\/json/, 'its headers');
contrasts($b, 'hello');

fill('hello', name => q(it's "me" & $HOME `id` \\ é), times => 3);
$b->click('#hello [data-name=loud]');
send_it('hello');
verdict('hello', qr/^200 OK/, 'with values');
is(same_by_curl('hello', 'a query')->{message},
   q(hello, it's "me" & $HOME `id` \\ é!),
   'each letter arrives');

fill('hello', times => 1000);
send_it('hello');
verdict('hello', qr/^422 /, 'refused');
like($b->text('#hello .integer .wrong'), qr/^Input should be less than or equal to 100$/,
     'a 422 stands at its control');
is($b->script('return document.querySelector("#hello [data-name=times]").ariaInvalid'),
   'true', 'said to those who cannot see');
is($b->text('#hello .string .wrong'), '', 'not at another one');
like($b->text('#live'), qr/^hello: 422 .* Look at times\.$/, 'and read out');
like($b->text('#hello .tree'), qr/less_than_equal/, 'in the body, too');
contrasts($b, 'refused');
fill('hello', times => 2);
send_it('hello');
verdict('hello', qr/^200 /, 'it can be put right');
is($b->text('#hello .integer .wrong'), '', 'nothing is wrong any more');

operation('hello_post');
fill('hello_post', name => q('), times => 2);
send_it('hello_post');
verdict('hello_post', qr/^200 /, 'a body of JSON');
is(same_by_curl('hello_post', 'JSON')->{message}, q(hello, '), 'as it was typed');
$b->console('nothing else in the console', qr/ 422 /);

# an image in and out

operation('thumbnail');
fill('thumbnail', width => 64);
$b->keys_to('#thumbnail [type=file]', "$b->{dir}/hello-1180.png");
send_it('thumbnail');
verdict('thumbnail', qr/^200 OK: [\d.]+ kB/, 'an image');
$b->says('#thumbnail figcaption', qr/^64 × \d+ pixels$/, 'is shown');
like(curl('thumbnail'), qr/--data-binary \@hello-1180\.png .*-o thumbnail\.jpg/s,
     'the line for a shell');
shell('thumbnail');
my ($length) = $b->script('return document.querySelector("#thumbnail .headers")
    .textContent') =~ /content-length(\d+)/;
is(-s "$b->{dir}/thumbnail.jpg", $length, 'makes the same');
contrasts($b, 'thumbnail');
$b->console('nothing in the console');

# a stream: the first event is there before the last one

operation('count');
fill('count', n => 6, every => '300ms');
send_it('count');
verdict('count', qr/^200 OK: [123] events? in/, 'the first events');
is($b->text('#count form > button'), 'Stop', 'what has begun can be stopped');
contrasts($b, 'stream');
verdict('count', qr/^200 OK: 7 events in [\d.]+ s, the first after [\d.]+ m?s\.$/,
        'all of them');
is(join(' ', @{ $b->script('return [...document.querySelectorAll("#count tbody tr")]
       .map(tr => tr.cells[0].textContent + tr.cells[1].textContent)') }),
   '6done 6 5 4 3 2 1', 'each, the newest first');
is($b->text('#count form > button'), 'Send', 'and again');
like(shell('count'), qr/^id: 1\ndata: 1 of 6\n\n.*event: done/s, 'by curl, too');
fill('count', n => 1000, every => '50ms');
send_it('count');
verdict('count', qr/^200 OK: \d\d events/, 'many');
send_it('count');
verdict('count', qr/^200 OK\. Stopped after \d+ events, [\d.]+ m?s\.$/, 'stopped');
my $n = $b->number('#count tbody tr');
sleep(0.5);
is($b->number('#count tbody tr'), $n, 'none arrives any more');

operation('rows');
fill('rows', limit => 5000, min => -10);
send_it('rows');
verdict('rows', qr/^200 OK: 5000 lines in/, 'lines');
is(scalar(my @lines = split /\n/, $b->text('#rows pre.out:not(.curl)')), 1000,
   'the newest are shown');
choose('#rows [data-name=format]', 'csv');
send_it('rows');
verdict('rows', qr/^200 OK: [\d.]+ kB/, 'or a text');

# a task that is left, and one that becomes a job

operation('sleep');
fill('sleep', duration => '20s');
send_it('sleep');
verdict('sleep', qr/^Waiting, 1\.\d s/, 'a task');
send_it('sleep');
verdict('sleep', qr/^Stopped after [\d.]+ s\.$/, 'is left');
fill('sleep', duration => '1s');
$b->click('#sleep .options [type=checkbox]');
like(curl('sleep'), qr/-H 'Prefer: respond-async'/, 'as a job');
send_it('sleep');
verdict('sleep', qr/^Result: 200 OK/, 'its result', 10);
is($b->text('#sleep .card .is'), 'done', 'the job is done');

# a job with its progress

operation('countdown');
fill('countdown', steps => 8, every => '300ms');
$b->script('window.seen = new Set();
    window.looks = setInterval(() => window.seen.add(
        document.querySelector("#countdown progress")?.value), 50)');
send_it('countdown');
verdict('countdown', qr/^202 Accepted/, 'accepted');
$b->says('#countdown .card .is', qr/^running$/, 'runs');
contrasts($b, 'job');
$b->says('#countdown .card .is', qr/^done$/, 'to its end', 15);
$b->says('#countdown .tree', qr/"steps": 8/, 'its result');
cmp_ok(scalar(grep defined && $_ > 0 && $_ < 100, @{ $b->script(
    'clearInterval(window.looks); return [...window.seen]') }), '>=', 3, 'its progress');
like($b->text('#live'), qr/^The job of countdown is done\.$/, 'its end is read out');
contrasts($b, 'done');

fill('countdown', steps => 500);
send_it('countdown');
$b->says('#countdown .card .is', qr/^running$/, 'another one');
$b->click('#countdown .card button');
$b->says('#countdown .card .is', qr/^cancelled$/, 'is cancelled');
my $id = $b->text('#countdown .card .id');
is(decode_json(HTTP::Tiny->new->get("$root/jobs/$id")->{content})->{state}, 'cancelled',
   'nginx says so, too');
$b->console('nothing in the console');

# a part of the path, a list, an object and a file; README.md has the picture

operation('photo');
copy('conf/lab/lab.png', "$b->{dir}/lab.png") or die "lab.png: $!\n";
fill('photo', album => 7);
$b->click("#photo [aria-label='Add a row to tags']") for 1 .. 2;
$b->script('[...document.querySelectorAll("#photo [data-name=tags]")]
    .forEach((e, i) => { e.value = ["four", "lanes"][i]; })');
$b->enter('#photo .object [data-name=name]', 'home');
$b->enter('#photo .object [data-name=lat]', '91');
$b->keys_to('#photo [type=file]', "$b->{dir}/lab.png");
send_it('photo');
verdict('photo', qr/^422 /, 'a place that is none');
like($b->text('#photo .object'), qr/less than or equal to 90/, 'is told at its field');
$b->enter('#photo .object [data-name=lat]', '52.5');
send_it('photo');
verdict('photo', qr/^200 /, 'an upload');
my $took = same_by_curl('photo', 'an upload');
$b->console('nothing else in the console', qr/ 422 /);
is($took->{size}, -s 'conf/lab/lab.png', 'all of it');
is("@{ $took->{tags} }", 'four lanes', 'with a list');
$b->enter('#filter', 'album');
$b->size(1280, 1160);
$b->script('scrollTo(0, 0)');
$b->picture('readme');
$b->enter('#filter', '');

# a narrow phone

for my $id ('hello', 'countdown') {
    $b->size(320, 700);
    operation($id);
    send_it($id);
    sleep(0.5);
    $b->no_sideways("$id: no scrolling sideways at 320 px");
    $b->picture("$id-320");
}

$b->size(1280, 900);

# by the keyboard alone

open_document();
tab_to('an operation', '#count > summary');
press($key{enter});
tab_to('a control', '#count [data-name=n]');
press('2');
tab_to('another one', '#count [data-name=every]');
press('0', $key{enter});
verdict('count', qr/^200 OK: 3 events/, 'and sends');
tab_to('the line for a shell', '#count .shell button');
press($key{enter});
$b->says('#count .shell button', qr/^(?:Not c|C)opied$/, 'which is copied');
tab_to('the headers', '#count .headers summary');
press($key{enter});
is($b->number('#count .headers[open]'), 1, 'which unfold');

# other documents

for my $url ($root =~ s/0\.1/0.2/r . '/openapi.json', '//127.0.0.2/o.json',
             'data:,{}', 'https://127.0.0.1/', 'javascript:alert(1)', '\\\\\\\\h') {
    $b->open_page("$root/docs.html?url=$url");
    $b->says('#verdict', qr/^Not read: /, "not $url");
}

$b->console('none of them is asked for');
$b->open_page("$root/docs.html?url=style.css");
$b->says('#verdict', qr/^\/style\.css is no document of OpenAPI 3\.$/, 'no document');
$b->open_page("$root/docs.html?url=nothing.json");
$b->says('#elsewhere', qr/location = \/nothing\.json \{ task_openapi; \}/,
         'none: what nginx.conf needs');
contrasts($b, 'none');
$b->console('nothing else in the console', qr/ 404 /);

# nginx goes, and comes back

operation('hello');
$b->end($server);
send_it('hello');
verdict('hello', qr/^No answer: nginx is away/, 'nginx is stopped: the page says so');
$server = serve();
send_it('hello');
verdict('hello', qr/^200 OK/, 'it is back');
$b->console('nothing else in the console', qr/ERR_CONNECTION_REFUSED/);

# the policy is in force: what it forbids would be in the console

$b->script('document.body.setAttribute("style", "color: red")');
is(scalar(grep $_->{message} =~ /Content Security Policy/,
          @{ $b->ask(POST => '/se/log', { type => 'browser' }) }), 1, 'the policy');

$b->ask(DELETE => '');

done_testing();
