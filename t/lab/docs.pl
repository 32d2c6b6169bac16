#!/usr/bin/perl

# The page of an OpenAPI document, in a real browser.
#
#     perl -It/lib t/lab/docs.pl NGINX [GLOBAL]

use strict;
use utf8;
use warnings;

use File::Copy qw(copy);
use HTTP::Tiny;
use JSON::PP;
use List::Util qw(uniq);
use Test::More;
use Time::HiRes qw(sleep time);

use TaskBrowser;
use TaskContrast;

use constant { PORT => 8504, ECHO => 8505 };

# the document of the functions: "task_openapi;", where nginx makes it itself

use constant DOCUMENT => 'alias t/lab/docs-functions.json;';

use constant POLICY => q(default-src 'none'; script-src 'self'; style-src 'self'; )
    . q(connect-src 'self'; img-src 'self' blob: data:; form-action 'none'; )
    . q(base-uri 'none'; frame-ancestors 'none');

binmode Test::More->builder->$_, ':utf8' for qw(output failure_output todo_output);

my $b = TaskBrowser->new('docs', @ARGV);
my $root = 'http://127.0.0.1:' . PORT;
my $dir = 'build/lab/docs';

$b->free(ECHO);
$b->run('echo.log', $^X, '-It/lib', '-MTaskEcho', '-e', 'TaskEcho::serve(' . ECHO . ')');
$b->wait_port(ECHO);

# conf/functions.conf with a job, a task that can be one, and the documents

sub serve {
    my $locations = <<'END' =~ s/DOCUMENT/DOCUMENT/er =~ s/ECHO/ECHO/er;
        location = /task {
            task             sleep;
            task_background  prefer zone=docs;
        }
        location = /countdown {
            task             countdown;
            task_mode        thread=cpu;
            task_background  on zone=docs;
        }
        location /jobs/ {
            task_jobs  zone=docs;
        }
        location = /openapi.json {
            DOCUMENT
        }
        location = /controls.json {
            alias  t/lab/docs-controls.json;
        }
        location ~ ^/(echo|refuse|answer)\b {
            proxy_pass       http://127.0.0.1:ECHO;
            proxy_buffering  off;
        }
END

    return $b->serve('functions', PORT, sub {
        s{^(task_load .*)hello.so;}{$1hello.so;\n$1countdown.so;}m;
        s{^( *)server \{}{$1task_job_zone  docs:4m;\n$1server \{}m;
        s{^ *location = /task \{.*?\}\n}{$locations}ms;
        s{^( *)location / \{}{$1add_header Content-Security-Policy "${\POLICY}" always;\n$1location / \{\n$1charset utf-8;}m;
    });
}

my $server = serve();

# an operation is opened by its name in the address

sub operation {
    my ($id, $document) = @_;

    $b->open_page('about:blank');
    $b->open_page("$root/docs.html" . ($document ? "?url=$document" : '') . "#$id");
    $b->wait_for(sub { $b->number("#$id form") }, 10) or fail("$id: is there");
}

sub send_it { $b->click("#$_[0] form > button") }

sub verdict {
    my ($id, $pattern, $name, $timeout) = @_;

    return $b->says("#$id .answer .verdict", $pattern, $name, $timeout);
}

# the answer as it came, without a tree

sub answer {
    my ($id) = @_;

    $b->script('document.querySelector(arguments[0])?.click()',
               "#$id .tools button") if $b->number("#$id .tree");
    return $b->script('return document.querySelector(arguments[0]).textContent',
                      "#$id .content");
}

sub curl { $b->script('return document.querySelector(arguments[0]).textContent',
                      "#$_[0] .curl") }

# what a shell makes of the line

sub shell {
    my ($id) = @_;

    my $line = curl($id);

    utf8::encode($line);
    local $ENV{LINE} = $line;
    my $text = qx(cd $dir && sh -c "\$LINE" 2> curl.log);
    utf8::decode($text);

    return $text;
}

sub same_by_curl {
    my ($id, $name) = @_;
    my $page = answer($id);
    my $shell = shell($id);

    cmp_ok(length $page, '>', 10, "$name: an answer");
    is($shell, $page, "$name: the line for a shell does the same")
        or diag(curl($id));

    return decode_json(do { my $t = $page; utf8::encode($t); $t });
}

sub fill {
    my ($id, %values) = @_;

    $b->enter("#$id [data-name='$_']", $values{$_}) for sort keys %values;
}

sub choose {
    my ($selector, $value) = @_;

    $b->script('const s = document.querySelector(arguments[0]);
        s.value = [...s.options].find(o => o.textContent === arguments[1]).value;
        s.dispatchEvent(new Event("input", { bubbles: true }));
        s.dispatchEvent(new Event("change", { bubbles: true }))', $selector, $value);
}

sub press {
    my (@keys) = @_;

    $b->ask(POST => '/actions', { actions => [ { type => 'key', id => 'keys',
        actions => [ map { { type => 'keyDown', value => $_ },
                           { type => 'keyUp', value => $_ } } @keys ] } ] });
}

my %key = (tab => "\x{e004}", enter => "\x{e007}", space => ' ');


# what there is

$b->size(1280, 900);
$b->open_page("$root/docs.html");
$b->says('#verdict', qr/^\d+ operations of \d+ libraries, version \S+\.$/,
         'the document is read');
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
like($b->text('#live'), qr/^hello: 422 .* times cannot be so\.$/, 'and read out');
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
my $echo = decode_json(do { my $t = answer($all); utf8::encode($t); $t });
my $want = '{"text":"a \'b\' \"c\" @ é","long":"@x","n":9007199254740993,"x":0.5,'
    . '"yes":true,"maybe":true,"loud":false,"color":"green","every":"1m 30s",'
    . '"room":"16k","tags":["t0","t2"],"user":{"name":"me"},"users":[{"age":7}],'
    . '"any":{"a":[1.50,null]},"list":[1],"password":"PASSWORD"}';
is($echo->{body}, $want =~ s/PASSWORD/secret word/r, 'as they were entered');
is($echo->{type}, 'application/json', 'and declared');
unlike(curl($all), qr/secret word/, 'no secret in the line for a shell');
$echo = decode_json(do { my $t = shell($all); utf8::encode($t); $t });
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
copy("$dir/hello-390.png", "$dir/$odd") or die "$odd: $!\n";
fill($all, text => '@/etc/passwd;type=x');
$b->keys_to("#$all [data-name=photo]", "$ENV{PWD}/$dir/$odd");
send_it($all);
verdict($all, qr/^200 /, 'in parts');
my @parts = map s/\r\n\r\n.*//sr, @{ $b->script('return JSON.parse(arguments[0]).parts',
                                               answer($all)) };
is(scalar(@parts), 5, 'each part');
like($parts[-1], qr/name="photo"; filename="a %22small%22 one, it's; x.png"\r\nContent-Type: image\/png/,
     'with the file');
like(curl($all), qr/-F '?photo=\@/, 'a file in the line for a shell');

# a client has its own way with a " of a name

my $plain = "it's a, b; c.png";
copy("$dir/hello-390.png", "$dir/$plain") or die "$plain: $!\n";
$b->script('document.querySelector("#body [data-name=photo]").value = ""');
$b->keys_to("#$all [data-name=photo]", "$ENV{PWD}/$dir/$plain");
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
$b->keys_to('#raw [type=file]', "$ENV{PWD}/$dir/$plain");
like(curl('raw'), qr/-X PUT .*--data-binary '\@it'\\''s a, b; c\.png'/s, 'a file as the body');

# values from everywhere

operation('everywhere', 'controls.json');
send_it('everywhere');
is($b->text('#everywhere .wrong'), 'An address needs this.', 'nothing is sent without');
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

# an image in and out

operation('thumbnail');
fill('thumbnail', width => 64);
$b->keys_to('#thumbnail [type=file]', "$ENV{PWD}/$dir/hello-1180.png");
send_it('thumbnail');
verdict('thumbnail', qr/^200 OK: [\d.]+ kB/, 'an image');
$b->says('#thumbnail figcaption', qr/^64 × \d+ pixels$/, 'is shown');
like(curl('thumbnail'), qr/--data-binary \@hello-1180\.png .*-o thumbnail\.jpg/s,
     'the line for a shell');
shell('thumbnail');
my ($length) = $b->script('return document.querySelector("#thumbnail .headers")
    .textContent') =~ /content-length(\d+)/;
is(-s "$dir/thumbnail.jpg", $length, 'makes the same');
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
verdict('sleep', qr/^200 OK/, 'its result', 10);
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

# by the keyboard alone

$b->open_page('about:blank');
$b->open_page("$root/docs.html");
$b->says('#verdict', qr/operations/, 'anew');
my (%seen, $unseen);

sub tab_to {
    my ($what, $selector) = @_;

    for (1 .. 60) {
        press($key{tab});
        my ($there, $outline) = @{ $b->script('const e = document.activeElement;
            return [e.matches(arguments[0]), getComputedStyle(e).outlineStyle]', $selector) };
        $unseen++ if $outline eq 'none';
        return pass("the keyboard comes to $what") if $there;
    }

    fail("the keyboard comes to $what");
}

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
is($unseen // 0, 0, 'where one is can be seen');

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

for my $op (['hello'], ['countdown'], ['body', 'controls.json'],
            ['everywhere', 'controls.json']) {
    $b->size(320, 700);
    operation(@$op);
    send_it($op->[0]);
    sleep(0.5);
    $b->no_sideways("$op->[0]: no scrolling sideways at 320 px");
    $b->picture("$op->[0]-320");
}

$b->size(1280, 900);
$b->console('nothing in the console');

# other documents

for my $url ('http://127.0.0.2:' . PORT . '/openapi.json', '//127.0.0.2/o.json',
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
