#!/usr/bin/perl

# The page of an OpenAPI document, in a real browser: each type of a value,
# and answers of each type.
#
#     perl -It/lib t/lab/docs-controls.pl NGINX [GLOBAL]

use strict;
use utf8;
use warnings;

use File::Copy qw(copy);
use JSON::PP;
use Test::More;
use Time::HiRes qw(sleep);

use TaskBrowser;
use TaskContrast;
use TaskDocs;

my $b = TaskBrowser->new('docs-controls', @ARGV);
my ($root, $server) = begin($b);

my $dir = $b->{dir};

$b->size(1280, 900);

# each type of a value, in each kind of a body

my $all = 'body';
operation($all, 'controls.json');
is($b->number("#about b, .hint img"), 0, 'a text is no element');
is($b->number('[style]'), 0, 'no style of an element');

sub each_type {
    fill($all, text => qq(a 'b' "c" @ é), long => '@x', n => '9007199254740993',
         x => '.5', every => '1m 30s', room => '16k', any => '{"a":[1.50,null]}',
         list => '[1]', password => 'secret word');
    choose("#$all [data-name=maybe]", 'true');
    choose("#$all [data-name=color]", 'green');
    $b->click("#$all [data-name=yes]");
    $b->click("#$all [data-name=loud]");
    $b->click("#$all [aria-label='Add a row to tags']") for 1 .. 3;
    $b->script('[...document.querySelectorAll("#body [data-name=tags]")]
        .forEach((e, i) => { e.value = "t" + i; })');
    $b->click("#$all [aria-label='Remove tags 2']");
    $b->enter("#$all .object [data-name=name]", 'me');
    $b->click("#$all [aria-label='Add a row to users']");
    $b->enter("#$all .list [data-name=age]", '7');
}

each_type();
is($b->text("#$all .time .reading"), '= 1 min 30 s', 'what a time comes to');
is($b->text("#$all .size .reading"), '= 16,384 bytes', 'and a size');
is($b->script('return document.activeElement.dataset.name'), 'age', 'the focus');
send_it($all);
verdict($all, qr/^200 /, 'each type, as JSON');
my $echo = answered($all);
my $want = '{"text":"a \'b\' \"c\" @ é","long":"@x","n":9007199254740993,"x":0.5,'
    . '"yes":true,"maybe":true,"loud":false,"color":"green","every":"1m 30s",'
    . '"room":"16k","tags":["t0","t2"],"user":{"name":"me"},"users":[{"age":7}],'
    . '"any":{"a":[1.50,null]},"list":[1],"password":"PASSWORD"}';
is($echo->{body}, $want =~ s/PASSWORD/secret word/r, 'as they were entered');
is($echo->{type}, 'application/json', 'and declared');
unlike(curl($all), qr/secret word/, 'no secret in the line for a shell');
my $line = shell($all);
utf8::encode($line);
$echo = decode_json($line);
is($echo->{body}, $want =~ s/PASSWORD/\x{2039}password\x{203a}/r, 'but all else');
contrasts($b, 'types');
$b->picture('types-1280');
$b->script('scrollTo(0, 600)');
$b->picture('types-1280-below');

choose("#$all .about select", 'application/x-www-form-urlencoded');
is($b->script('return document.querySelector("#body [data-name=n]").value'),
   '9007199254740993', 'another kind of a body keeps what was entered');
is($b->number("#$all .row"), 3, 'rows, too');
fill($all, password => '');
send_it($all);
verdict($all, qr/^200 /, 'as a form');
$echo = same_by_curl($all, 'a form');
is(join(' ', @{ $echo->{fields} }[4 .. 27]),
   'n 9007199254740993 x .5 yes true maybe true loud false color green '
   . 'every 1m 30s room 16k tags t0 tags t2 user {"name":"me"} users {"age":7}',
   'lists are repeated, objects are JSON');

choose("#$all .about select", 'multipart/form-data');
my $odd = q(a "small" one, it's; x.png);
copy("$dir/types-390.png", "$dir/$odd") or die "$odd: $!\n";
fill($all, text => '@/etc/passwd;type=x');
$b->keys_to("#$all [data-name=photo]", "$dir/$odd");
send_it($all);
verdict($all, qr/^200 /, 'in parts');
my @parts = map s/\r\n\r\n.*//sr, @{ answered($all)->{parts} };
is(scalar(@parts), 5, 'each part');
like($parts[-1], qr/name="photo"; filename="a %22small%22 one, it's; x.png"\r\nContent-Type: image\/png/,
     'with the file');
like(curl($all), qr/-F '?photo=\@/, 'a file in the line for a shell');

# a client has its own way with a " of a name

my $plain = "it's a, b; c.png";
copy("$dir/types-390.png", "$dir/$plain") or die "$plain: $!\n";
$b->script('document.querySelector("#body [data-name=photo]").value = ""');
$b->keys_to("#$all [data-name=photo]", "$dir/$plain");
send_it($all);
sleep(0.5);
verdict($all, qr/^200 /, 'of another name');
same_by_curl($all, 'parts');

# a body as it is

operation('raw', 'controls.json');
fill('raw', 'or a text' => '@nothing');
send_it('raw');
verdict('raw', qr/^200 /, 'a text as the body');
is(same_by_curl('raw', 'a text')->{body}, '@nothing', 'is that text');
$b->keys_to('#raw [type=file]', "$dir/$plain");
like(curl('raw'), qr/-X PUT .*--data-binary '\@it'\\''s a, b; c\.png'/s, 'a file as the body');

# values from everywhere

operation('everywhere', 'controls.json');
send_it('everywhere');
is($b->text('#everywhere .wrong'), 'Required: it is a part of the path.', 'nothing is sent without');
is($b->script('return document.activeElement.dataset.name'), 'id', 'the focus is there');
fill('everywhere', id => 'a/b?c#d e', text => '&=+%', any => '{"a":', key => 'hush',
     'X-Token' => 'tökén', theme => 'dark');
send_it('everywhere');
like($b->text('#everywhere .field.json .wrong'), qr/^This is no JSON: /, 'JSON is checked');
fill('everywhere', any => '[1]', x => '1', y => '2');
is($b->text('#everywhere .field.json .wrong'), '', 'as one types');
$b->click('#everywhere [aria-label="Add a row to tag"]') for 1 .. 3;
is($b->script('return document.querySelector("#everywhere [aria-label^=Add]").disabled'),
   1, 'no more rows than there may be');
like(curl('everywhere'), qr/key=\x{2039}key\x{203a}/, 'a secret in an address');
fill('everywhere', key => '');
send_it('everywhere');
verdict('everywhere', qr/^200 /, 'sent');
$echo = same_by_curl('everywhere', 'from everywhere');
is($echo->{uri}, '/echo/a%2Fb%3Fc%23d%20e?text=%26%3D%2B%25&tag=&tag=&tag=&'
   . 'where=%7B%22x%22%3A1%2C%22y%22%3A2%7D&any=%5B1%5D', 'the address');
is("$echo->{cookie} " . length $echo->{'x-token'}, 'theme=dark 7', 'cookie and header');
is($b->script('return document.cookie'), '', 'no cookie stays');
like($b->text('#everywhere'), qr/no browser sends it, curl does/, 'a header of curl alone');

# errors deep within

operation('refuse', 'controls.json');
$b->click('#refuse [aria-label="Add a row to tag"]') for 1 .. 2;
send_it('refuse');
verdict('refuse', qr/^422 /, 'refused');
is(join('; ', grep length, @{ $b->script(
       'return [...document.querySelectorAll("#refuse .wrong")].map(e => e.textContent)') }),
   'n is wrong; the second one is wrong; the age is wrong; a.0: deep within',
   'each at its control');
is($b->text('#refuse .row:nth-child(2) .wrong'), 'the second one is wrong', 'and row');
is($b->text('#refuse ul.elsewhere'), 'path.nobody who is this', 'or above the answer');
contrasts($b, 'deep');
$b->console('nothing else in the console', qr/ 422 /);

# answers of other types

operation('big', 'controls.json');
send_it('big');
verdict('big', qr/^200 OK: [\d.]+ kB/, 'a long JSON');
is($b->number('#big .tree li'), 101, 'not all of it is built');
$b->click('#big .tree .more');
is($b->number('#big .tree > details > ul > li'), 201, 'but more, if one likes');
$b->click('#big .tree li:nth-child(2) summary');
$b->says('#big .tree li:nth-child(2) details', qr/"exact": 9007199254740992/, 'it unfolds');
like($b->text('#big .tree'), qr/exact: 9007199254740993,/, 'numbers are exact');
contrasts($b, 'big');

operation('text', 'controls.json');
send_it('text');
verdict('text', qr/^200 OK: 20 bytes/, 'a text');
is($b->text('#text .content pre'), "a text\nof two lines\n", 'as it is');

operation('zip', 'controls.json');
send_it('zip');
verdict('zip', qr/^200 OK: 2\.0 kB/, 'a file');
is($b->text('#zip .content a'), 'Save zip.zip, 2.0 kB', 'can be saved');
like(curl('zip'), qr/-o zip\.zip/, 'by curl, too');

operation('slow', 'controls.json');
send_it('slow');
$b->says('#slow .content', qr/^piece 1\n(?:piece 2\n)?$/, 'a text comes in pieces', 3);
verdict('slow', qr/^200 OK: 40 bytes in [23]\.\d s\.$/, 'to its end');
$b->open_page("$root/docs.html?url=controls.json#away");
$b->says('#away .curl', qr/^curl $root\/\/127\.0\.0\.2\/away$/, 'no path leads elsewhere');
$b->console('nothing in the console');

# a document that is odd: schemas in themselves, names of everything, nothing

$b->open_page("$root/docs.html?url=odd.json");
$b->says('#verdict', qr/^8 operations of 2 libraries, version 1\.$/, 'an odd document');
$b->script('document.querySelectorAll(".op").forEach(e => { e.open = true; })');
$b->wait_for(sub { $b->number('.op form') == 8 }, 5);
$b->script('document.querySelectorAll("fieldset.list > button").forEach(e => e.click())');
my @lines = @{ $b->script('return [...document.querySelectorAll(".curl")].map(e =>
    e.textContent)') };
is(scalar(@lines), 8, 'is shown');
is(join(' ', @lines[0, 1]), "curl $root/no-slash curl $root/\@127.0.0.2/x",
   'and leads nowhere else');
is(scalar(grep !/^curl .*$root\//s, @lines), 0, 'none of it');
$b->console('nothing in the console');

# a list by the keyboard

operation('everywhere', 'controls.json');
tab_to('a list', '#everywhere [aria-label="Add a row to tag"]');
press($key{enter}, 'a');
is($b->script('return document.activeElement.value'), 'a', 'a row is added, and typed');
tab_to('its end', '#everywhere [aria-label="Remove tag 1"]');
press($key{space});
is($b->script('return document.activeElement.textContent'), 'Add', 'and removed');
is($b->script('return [...document.querySelectorAll(".op :is(input, select, textarea)")]
    .filter(e => !e.labels.length || !e.labels[0].textContent).length'), 0,
   'each control has a label');

# a narrow phone

for my $id ('body', 'everywhere', 'refuse', 'big') {
    $b->size(320, 700);
    operation($id, 'controls.json');
    send_it($id);
    sleep(0.5);
    $b->no_sideways("$id: no scrolling sideways at 320 px");
    $b->picture("$id-320");
}

$b->size(1280, 900);
$b->console('nothing else in the console', qr/ 422 /);

$b->ask(DELETE => '');

done_testing();
