#!/usr/bin/perl

# Functions from a library: results, the request, awaits, and all that a
# function must not do.

use strict;
use warnings;

use JSON::PP;
use Test::More;
use Time::HiRes qw(time);

use TaskServer;

my $json = JSON::PP->new->allow_nonref->canonical;
my $tasks = "$ENV{TEST_NGINX_TASKS}/test";

my $s = TaskServer->start(
    main => "task_load $tasks/probe.so;
             thread_pool probe threads=2;
             thread_pool tiny threads=1 max_queue=0;",
    server => '
        client_max_body_size 32m;
        client_body_buffer_size 16k;
        location = /result   { task result; }
        location = /sync     { task result; task_mode sync;
                               task_param ms max=1s; }
        location = /big      { task big; task_mode thread=probe; }
        location = /context/ { task context; }
        location = /body     { task body; }
        location = /bodysync { task body; task_mode sync; }
        location = /nobody   { task undeclared; }
        location = /values   { task values; }
        location = /stubborn { task stubborn; task_mode thread=probe; }
        location = /counters { task counters; task_mode sync; }
        location = /steps    { task probe.steps; }
        location = /misuse   { task misuse; }
        location = /recover  { task recover; }
        location = /slow     { task result; limit_rate 100; }
        location = /mirrored { task body; mirror /mirror; }
        location = /mirror   { internal; task body; }
        location = /gzip     { task result; gzip on; gzip_min_length 1;
                               gzip_types application/json; }
        location /nest       { task result; location /nest/sleep {
                               task sleep duration=0; } }
        location = /quick    { quick; }
    ');

my ($r, @r, $c, @c);

sub result {
    my ($how, %o) = @_;

    my $args = join '', map "&$_=$o{$_}", keys %o;
    return $s->get("/result?how=$how$args");
}

sub counters {
    return $json->decode($s->get('/counters')->{body});
}

sub logged {
    my ($regex) = @_;

    $s->wait_for(sub { $s->text('error.log') =~ $regex }, "log: $regex");
    pass("log: $regex");
}

# results

is(result('nothing')->{body}, '{}', 'no result');
is(result('twice')->{body}, '{"a":"second","max":9223372036854775807,'
   . "\"nan\":null,\"bytes\":\"a\xef\xbf\xbd\",\"null\":null,\"list\":[]}",
   'set one by one');
is(result('whole')->{body}, '"whole"', 'whole');
$r = result('member');
is($r->{status}, 500, 'a member of what is no object');
is($r->{body}, '{"detail":"Internal Server Error"}', 'says nothing');
logged(qr/\[error\].*\*\d+ task "result": sets a member of what is no object/);

$r = result('bytes', text => 'some%0Atext');
is($r->{body}, "some\ntext", 'bytes');
like($r->{headers}, qr/^Content-Type: text\/plain\r?$/m, 'their type');
$s->wait_for(sub { counters()->{freed} == 1 }, 'the bytes to be freed');
is(result('object')->{body}, '{"n":2,"a":"\\"x\\"","list":[]}',
   'members of an object that was set');
is(result('same')->{body}, '{"a":[true],"b":"text","c":null}',
   'the same item again, and what takes the place of what');
is(result('bytes-twice')->{body}, 'yz', 'bytes, twice');
$s->wait_for(sub { counters()->{freed} == 3 }, 'both to be freed');

$r = result('fail', status => 503, text => 'try%20%22later%22');
is($r->{status}, 503, 'fail');
is($r->{body}, '{"detail":"try \"later\""}', 'its message');
logged(qr/\[error\].*task "result" failed, 503: try "later"/);
$r = result('fail', status => 404, text => 'x');
is($r->{status}, 404, 'fail with 404');
logged(qr/\[info\].*task "result" failed, 404: x/);
is(result('fail', status => 200)->{status}, 500, 'fail with 200');
is(result('failed')->{status}, 500, 'failed');
is(result('cancelled')->{status}, 500, 'says it was cancelled, but was not');
is(result('rubbish')->{status}, 500, 'returns rubbish');
logged(qr/task "result": returns what is no result/);
is(result('again')->{status}, 500, 'a blocking form cannot await');
logged(qr/task "result": returns NGX_TASK_AGAIN, awaiting nothing/);
is(result('undeclared')->{status}, 500, 'looks at the request, undeclared');
is($s->get('/nobody')->{status}, 500, 'reads the body, undeclared');

$r = result('header', status => 201, name => 'X-One', text => 'a%20b');
is($r->{status}, 201, 'status');
like($r->{headers}, qr/^X-One: a b\r?$/m, 'header');
is(result('header', text => 'a%0d%0aSet-Cookie:x')->{status}, 500,
   'a value with a line break');
is(result('header', name => 'X%3A')->{status}, 500, 'a name with a colon');
is(result('header', name => '')->{status}, 500, 'no name');
is(result('header', name => 'content-length', text => 1)->{status}, 500,
   'a header that is nginx\'s own');
logged(qr/sets a header that is nginx's own: "content-length"/);
is(result('header', status => 99)->{status}, 500, 'an invalid status');
logged(qr/sets an invalid status, it must be 200 to 599: 99/);

result('log', text => 'a%0a2026/11/22%20[x]%20b%7f');
logged(qr/\[notice\].*\*\d+ task "result": says: a\\x0a2026\/11\/22 \[x\] b\\x7f$/m);

$r = result('header', status => 302, name => 'Location', text => '/elsewhere');
is($r->{status}, 302, 'a redirect');
is(join(' ', $r->{headers} =~ /^Location: (\S+)\r?$/mg),
   "http://localhost:$s->{port}/elsewhere", 'one Location, made absolute');
is($r->{body}, '{"sent":"Location"}', 'its body is a body');
$r = $s->get('/gzip?how=header&name=Content-Encoding&text=br',
             headers => "Accept-Encoding: gzip\r\n");
is(join(' ', $r->{headers} =~ /^Content-Encoding: (\S+)\r?$/mg), 'br',
   'what is encoded is not encoded again');
is(result('fail', status => 503, text => '')->{status}, 503, 'fail, no message');
is(result('whole-after-bytes')->{body}, '"whole"', 'whole after bytes');
is(scalar(grep $_->{body} ne '{"rc":768}', map $s->get('/result?how=system'),
          1 .. 10), 0, 'system()');

# a 422 that takes its time to be sent

$r = $s->get('/slow?count=x&status=y&ms=z');
is($r->{status}, 422, 'a slow 422');
like($r->{body}, qr/^\{"detail":\[.*\]\}$/, 'all of it');

# a location inside another does not inherit its default mode

$s->get('/nest/sleep');
$s->wait_access(qr{^GET /nest/sleep \S+ 200 sleep async done});
pass('a default mode is not inherited');

# a sync task runs the blocking form, too

is($s->get('/sync?how=whole')->{body}, '"whole"', 'sync');

# the request

$r = $s->get('/context/?q=1', headers => "X-Test: yes\r\n"
             . "traceparent: 00-abc\r\n");
my $v = $json->decode($r->{body});
like($v->{id}, qr/^[0-9a-f]{32}$/, 'request id');
my $id = delete $v->{id};
is_deeply($v, { method => 'GET', uri => '/context/', addr => '127.0.0.1',
                traceparent => '00-abc', x => 'yes', none => undef },
          'the request');
logged(qr/\[warn\].*\*\d+ task "context", request $id: with an id/);

# raw bodies

sub sum {
    my $sum = 0;
    $sum = ($sum * 31 + $_) % 2 ** 32 for unpack 'C*', $_[0];
    return $sum;
}

for my $try ([ 'none', '' ], [ 'short', "a\0b" ], [ 'buffer', 'x' x 12000 ],
             [ 'file', join '', map chr($_ % 256), 1 .. 300_000 ])
{
    my ($name, $body) = @$try;

    for my $uri ('/body', '/bodysync') {
        $r = $s->get($uri, method => 'PUT', body => $body,
                     headers => "Content-Type: image/png\r\nContent-Length: "
                                . length($body) . "\r\n");
        is($r->{body}, '{"length":' . length($body) . ',"file":'
           . ($name eq 'file' ? 'true' : 'false') . ',"sum":' . sum($body)
           . '}', "raw body, $name, $uri");
    }
}

my $body = join '', map chr($_ % 251), 1 .. 200_000;
for (1 .. 5) {
    $r = $s->get('/mirrored', method => 'POST', body => $body,
                 headers => 'Content-Length: ' . length($body) . "\r\n");
    is($r->{body}, '{"length":200000,"file":true,"sum":' . sum($body) . '}',
       'two tasks read one file');
}

$r = $s->get('/body');
is($r->{status}, 405, 'methods of a function');
like($r->{headers}, qr/^Allow: POST, PUT\r?$/m, 'Allow');

# a long JSON body is parsed in the thread; its errors are those of others

for my $n (20_000, 2_000_000) {
    my $pad = 'y' x $n;
    my @try = (
        [ "{\"pad\":\"$pad\",\"n\":7}", 200, qr/^\{"n":7,/ ],
        [ "{\"pad\":\"$pad\",\"n\":0}", 422, qr/greater_than_equal/ ],
        [ "{\"pad\":\"$pad\",\"n\":7", 422, qr/Expecting ',' delimiter/ ],
        [ "[\"$pad\"]", 422, qr/model_attributes_type/ ],
    );

    for my $try (@try) {
        $r = $s->get('/values', method => 'POST', body => $try->[0],
                     headers => "Content-Type: application/json\r\n"
                                . 'Content-Length: ' . length($try->[0])
                                . "\r\n");
        is($r->{status}, $try->[1], "a body of $n: $try->[1]");
        like($r->{body}, $try->[2], "a body of $n: answer");
    }
}

$s->wait_access(qr{^POST /values HTTP/1.1 422 values thread - }, 3);
pass('a 422 of a thread has no state');

# 10 MB of JSON, and /quick meanwhile

cmp_ok(TaskServer::least(0.2, sub {
    my $worst = 0;
    my $c = $s->open('/big?count=600000');
    my $logged = length $s->text('access.log');

    do {
        my $q = $s->get('/quick');
        $worst = $q->{time} if $q->{time} > $worst;
    } until substr($s->text('access.log'), $logged) =~ m{^GET /big.* 200 }m
      || IO::Select->new($c->{socket})->can_read(0);

    $r = $s->read($c);

    return $worst;
}), '<', 0.2, 'quick stays quick');
cmp_ok(length $r->{body}, '>', 10_000_000, '10 MB');
is(scalar @{ $json->decode($r->{body})->{list} }, 600000, 'all of it');

# awaits

cmp_ok(TaskServer::least(0.09, sub {
    my $c = $s->open('/steps?ms=100ms');
    my $quick = $s->get('/quick')->{time};

    $s->read($c);

    return $quick;
}), '<', 0.09, 'quick beside awaits');

my $was = counters();
$r = $s->get('/steps?ms=100ms');
is($r->{body}, '{"calls":1000,"version":"1"}', 'sleep, call, offload');
cmp_ok($r->{time}, '>=', 0.4, 'four steps of 100 ms');
my $is = counters();
is($is->{begun} - $was->{begun}, 1, 'once begun');
is($is->{deferred} - $was->{deferred}, 1, 'once deferred');
is($is->{freed} - $was->{freed}, 1, 'once freed');

for my $n (1 .. 9) {
    $r = $s->get('/recover?text=' . 'x' x $n);
    is($r->{body}, '{"failed":true,"aligned":true}', "goes on, aligned, $n");
    is($r->{status}, 200, 'with a status of its own');
}

@r = $s->get_all(('/steps?ms=20ms') x 100);
is(scalar(grep $_->{status} == 200, @r), 100, '100 at once');

# an abort at every await, and between

for my $ms (0, 5, 30, 60, 90, 110, 150, 190) {
    @c = map $s->open('/steps?ms=50ms'), 1 .. 10;
    select undef, undef, undef, $ms / 1000;
    $_->{socket}->close for @c;
}

$s->wait_for(sub {
    my $n = counters();
    return $n->{begun} == $n->{deferred};
}, 'what was deferred');
$is = counters();
is($is->{deferred}, $is->{begun}, 'all that began was cleaned up, once');

# misuse: a logged error that names the function, a 500, and no hanging

for my $try ([ 'again', qr/returns NGX_TASK_AGAIN, awaiting nothing/ ],
             [ 'pending', qr/returns while it awaits/ ],
             [ 'two', qr/awaits two things at once/ ],
             [ 'thread', qr/awaits in a thread/ ],
             [ 'block', qr/blocks on the event loop/ ],
             [ 'pool', qr/offloads to a thread pool that no "thread_pool" of nginx.conf defines: "[^"]+"/ ],
             [ 'piece', qr/returns while it awaits/ ],
             [ 'bare', qr/returns an await without NGX_TASK_AWAIT/ ],
             [ 'rubbish', qr/returns what is no result/ ])
{
    my ($how, $message) = @$try;
    my $was = counters();

    $r = $s->get("/misuse?how=$how");
    is($r->{status}, 500, "misuse, $how: 500");
    cmp_ok($r->{time}, '<', 5, "misuse, $how: does not hang");
    logged(qr/\[error\].*task "misuse": $message/);
    $s->wait_for(sub { counters()->{deferred} > $was->{deferred} },
                 'what was deferred');
    is(counters()->{deferred}, $was->{deferred} + 1,
       "misuse, $how: cleaned up once");
}

is($s->get('/misuse?how=fine')->{status}, 200, 'the worker is well');

# a task that waits for a thread is skipped when its client has left, also
# where the function would not notice

$was = counters();
my @busy = map $s->open('/stubborn?ms=30s&' . $s->gate('busy')), 1 .. 2;
$s->wait_for(sub { counters()->{begun} == $was->{begun} + 2 }, 'two to run');
@c = map $s->open('/stubborn?ms=3s'), 1 .. 20;
$s->get('/quick');
$_->{socket}->close for @c;
$s->wait_access(qr{ms=3s HTTP/1.1 499 stubborn thread cancelled}, 20);
$s->open_gate('busy');
$r = $s->get('/stubborn?ms=0ms');
is($r->{status}, 200, 'skipped');
cmp_ok($r->{time}, '<', 2.5, 'the queue does not serve the dead');
is(counters()->{begun}, $was->{begun} + 3, 'they never began');
$s->read_all(\@busy);

# a crash takes the worker's requests, nginx goes on

$c = $s->open('/result?how=crash');
$r = $s->read($c);
is($r->{status}, 0, 'a crash');
$s->wait_for(sub { $s->workers }, 'a new worker');
is($s->get('/quick')->{status}, 200, 'nginx goes on');

my ($code, $time) = $s->stop('QUIT');
is($code, 0, 'exit code');
cmp_ok($time, '<', 5, 'nothing holds the worker');
$s->check_log(qr/crashed, signal 6|\#\d+: (?:#\d|library: )|exited on signal 6/);

done_testing();
