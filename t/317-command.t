#!/usr/bin/perl

# "command": a program answers.

use strict;
use warnings;

use IO::Select;
use JSON::PP;
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep time);

use TaskBody;
use TaskServer;

my ($s, $r, @r, $c, $code, $time);

# processes that have these words in their arguments are ours

my $word = "sleep 31.$$";

# what the shell runs is in files: neither nginx nor "args" reads its quotes

my %sh = (
    lines   => 'echo one; sleep 1; echo two; sleep 1; echo three',
    exit    => 'echo "bad \033[1m thing" >&2; exit $TASK_CODE',
    kill    => 'kill -9 $$',
    late    => 'echo some; sleep 0.5; echo "too late" >&2; exit 3',
    warns   => 'echo "take care" >&2; echo out',
    group   => "echo on; $word & ( $word & $word & wait ) & wait",
    mute    => "$word & ( $word & $word & wait ) & wait",
    stubborn => "trap '' TERM; echo on; $word & wait; wait; $word",
    event   => 'printf "data: 1\n\n"; sleep 0.3; exit 1',
    left    => 'head -c 100000 /dev/zero; echo end',
    after   => "yes $$ & exit 0",
    emptied => 'exec 3>&1; head -c 98000 /dev/zero; '
               . '(sleep 1.5; cat /proc/self/fd/3) > /dev/null & exit 0',
    words   => 'head -c 98000 /dev/zero; (printf %50000s; echo LAST WORDS) >&2; exit 0',
    long    => 'printf %3000s x >&2; echo LAST >&2',
    many    => 'while :; do echo 0123456789abcdef; done',
);

my $template = sub {
    my ($root) = @_;
    my %l = map { ($_ => "program=/bin/sh args=$root/$_.sh") } keys %sh;

    return qq{
        location = /cat     { task command program=/bin/cat type=text/plain;
                              client_max_body_size 20m;
                              client_body_buffer_size 16k; }
        location = /catw    { task command program=/bin/cat output=whole
                              max_output=12m; client_max_body_size 20m; }
        location = /catm    { task command program=/bin/cat max_output=1000; }
        location = /catwm   { task command program=/bin/cat max_output=1000
                              output=whole; }
        location = /true    { task command program=/bin/true; }
        location = /truew   { task command program=/bin/true output=whole; }
        location = /words   { task command program=/usr/bin/printf
                              'args=[%s] a "b  c" \\'d "e\\'f"g"  "" ;|&'; }
        location = /shell   { task command program=/bin/sh
                              "args=-c 'printf %s \\"\$\$TASK_TEXT\\"'";
                              task_param text type=string; }
        location = /quoted  { task command program=/usr/bin/printf
                              args="[%s] a b" type="text/x-y"; }
        location = /env     { task command program=/usr/bin/env; }
        location = /args    { task command program=/bin/sh
                              args=$root/lines.sh output=whole; }
        location = /own     {
            task_param  text type=string;
            task_param  n type=int min=1 max=9 default=5;
            task_param  x type=number default=1.50 max=<10;
            task_param  on type=bool default=no;
            task_param  time type=time default=1m30s;
            task_param  size type=size default=4k max=1m;
            task_param  Color_2 type=enum choices=red,green default=red;
            task        command program=/usr/bin/env;
        }
        location = /kept    { task command program=/usr/bin/env n=7 text=\$arg_q;
                              task_param n type=int; task_param text type=string
                              min=2; }
        location /in/ {
            task_param  status type=int min=1 max=9 default=4;
            location = /in/command { task command program=/usr/bin/env; }
            location = /in/sleep { task sleep duration=1ms; }
        }
        location = /sh      { task command program=/bin/sh; task_param cmd
                              type=string default=x; }
        location = /lines   { task command $l{lines}; }
        location = /whole   { task command $l{lines} output=whole; }
        location = /exit    { task command $l{exit} fail="1:422 2:404 *:503";
                              task_param code type=int; }
        location = /exit1   { task command $l{exit} fail="1:422";
                              task_param code type=int; }
        location = /kill    { task command $l{kill} fail="9:422 *:599"; }
        location = /late    { task command $l{late} fail="3:422"; }
        location = /warns   { task command $l{warns}; }
        location = /event   { task command $l{event} type=text/event-stream; }
        location = /left    { task command $l{left}; task_stream_buffer 4k;
                              limit_rate 32k; }
        location = /after   { task command $l{after}; task_stream_buffer 4k;
                              limit_rate 32k; }
        location = /long    { task command $l{long}; }
        location = /emptied { task command $l{emptied}; task_stream_buffer 4k;
                              limit_rate 32k; }
        location = /says    { task command $l{words}; task_stream_buffer 4k;
                              limit_rate 64k; }
        location = /many    { task command $l{many}; }
        location = /fds     { task command program=/bin/ls args=/proc/self/fd; }
        location = /dir     { task command program=/bin/pwd; }
        location = /usr     { task command program=/bin/pwd dir=/usr; }
        location = /here    { task command program=/bin/pwd dir=.; }
        location = /status  { task command program=/bin/cat
                              args=/proc/self/status; }
        location = /group   { task command $l{group}; }
        location = /mute    { task command $l{mute}; }
        location = /time    { task command $l{mute}; task_timeout 500ms; }
        location = /cut     { task command $l{group}; task_timeout 500ms; }
        location = /stubborn { task command $l{stubborn}; }
        location = /limit   { task command $l{mute}; task_limit running=1; }
        location = /sync    { task command program=/bin/cat output=whole;
                              task_mode sync; }
        location = /syncs   { task command program=/bin/cat; task_mode sync; }
        location = /noexec  { task command program=/bin/sh; }
        location = /quick   { quick; }
    };
};

sub scripts {
    my ($root) = @_;

    for my $name (keys %sh) {
        open my $out, '>', "$root/$name.sh" or die $!;
        print $out "$sh{$name}\n";
        close $out;
    }
}

sub start {
    my $self = TaskServer->new(main => 'task_shutdown_timeout 2s;
                                        thread_pool default threads=32;');
    scripts($self->{root});
    $self->write_conf(main => 'task_shutdown_timeout 2s;
                               thread_pool default threads=32;',
                      http => 'task_zone numbers:512k; task_stats numbers;',
                      server => $template->($self->{root}) . '
                      location = /numbers { task_status json; }');
    return $self->start;
}

sub alive {
    my ($what) = (@_, $word);
    my $n = 0;

    for my $file (glob '/proc/[0-9]*/cmdline') {
        open my $in, '<', $file or next;
        my $args = join ' ', split /\0/, <$in> // '';
        $n++ if $args eq $what;
    }

    return $n;
}

sub wait_alive {
    my ($n, $timeout) = @_;

    return $s->wait_for(sub { alive() == $n }, "$n programs", $timeout);
}

sub answer {
    my ($r) = body($s->get(@_)->{body});
    return $r;
}

sub post {
    my ($uri, $body) = @_;
    return $s->get($uri, method => 'POST', body => $body,
                   headers => 'Content-Length: ' . length($body) . "\r\n");
}

sub escape { return $_[0] =~ s/([^A-Za-z0-9])/sprintf '%%%02x', ord $1/ger }

$s = start();

# TEST 1: the body is its input as it is, its output is the answer

for my $size (0, 1, 1000, 100_000, 10_000_000) {
    my $body = join '', map chr($_ % 251), 1 .. ($size < 1000 ? $size : 1000);
    $body x= $size / 1000 if $size > 1000;

    $r = post('/cat', $body);
    is($r->{status}, 200, "$size bytes");
    my ($out, $ended) = $size ? body($r->{body}) : ($r->{body}, 1);
    ok($out eq $body, "$size bytes: the same");
    ok($ended, "$size bytes: its end");
    like($r->{headers}, qr{^Content-Type: text/plain\r?$}m, 'type');

    $r = post('/catw', $body);
    ok($r->{body} eq $body, "$size bytes, whole: the same");
    like($r->{headers}, qr/^Content-Length: $size\r?$/m, 'its length');
    unlike($r->{headers}, qr/^Transfer-Encoding/m, 'and no chunks');
}

like($s->get('/cat', method => 'PUT')->{headers}, qr/^Allow: GET, HEAD, POST\r?$/m,
     'methods');

# TEST 2: no output, code 0

for ('/true', '/truew') {
    $r = $s->get($_);
    is("$r->{status} $r->{body}", '200 ', "$_: nothing is an answer, too");
    like($r->{headers}, qr{^Content-Type: application/octet-stream\r?$}m, 'type');
}

# TEST 3: a line arrives while the program runs, and none is early

$c = $s->open('/lines');
my (@at, $n);
while (@at < 3 && IO::Select->new($c->{socket})->can_read(10)) {
    last unless sysread $c->{socket}, $c->{text}, 65536, length $c->{text};
    $n = () = $c->{text} =~ /^(?:one|two|three)$/mg;
    push @at, time() - $c->{start} while @at < $n;
}
is(scalar @at, 3, 'three lines');
cmp_ok($at[0], '<', $at[1] - 0.5, 'the first one at once');
cmp_ok($at[1], '<', $at[2] - 0.5, 'the second one a second later');
cmp_ok($at[2], '>=', 2, 'the last one is not early');
is((body($s->read($c)->{body}))[1], 1, 'a proper end');

$r = $s->get('/whole');
is($r->{body}, "one\ntwo\nthree\n", 'whole');
cmp_ok($r->{time}, '>=', 2, 'whole: when it has ended');

# what is left in the pipe when the program has ended, for a slow client

my $left = answer('/left');
is(length $left, 100_004, 'a slow client gets all');
is(substr($left, -4), "end\n", 'to the end');

# what one that it has left behind writes on is no part of it

$time = time();
my ($after, $whole) = body($s->get('/after')->{body});
like($after, qr/\A(?:$$\n){1000}/, 'what it has left is sent');
cmp_ok(length $after, '<', 262_144, 'and not much more');
ok($whole, 'its end');
cmp_ok(time() - $time, '<', 10, 'in time');
ok($s->wait_for(sub { alive("yes $$") == 0 }, 'its child to end'), 'and none writes on');

# who empties its pipe does not keep it; messages are read to their end

$time = time();
$s->get('/emptied');
cmp_ok(time() - $time, '<', 10, 'its pipe is emptied by another: it ends');

# TEST 4: exit codes

for my $try ([ 1, 422 ], [ 2, 404 ], [ 3, 503 ], [ 255, 503 ]) {
    my ($exit, $status) = @$try;
    $r = $s->get("/exit?code=$exit");
    is($r->{status}, $status, "exit code $exit");
    is($r->{body}, '{"detail":"the program has failed"}', 'the detail');
    unlike("$r->{headers}$r->{body}", qr/thing/, 'has nothing of its messages');
}
is($s->get('/exit1?code=1')->{status}, 422, 'a code');
is($s->get('/exit1?code=2')->{status}, 500, 'all others are 500');
is($s->get('/exit1?code=0')->{status}, 200, '0 is none');
is($s->get('/kill')->{status}, 599, 'a signal is "*"');

my $log = $s->text('error.log');
like($log, qr{\[warn\].*"/bin/sh" exited with code 255: bad \\x1b\[1m thing\\x0a$}m,
     'the log has what it said, escaped');
like($log, qr{\[warn\].*"/bin/sh" was ended by signal 9$}m, 'and a signal');
like($log, qr{\[warn\].*"/bin/sh" says: bad \\x1b\[1m thing\\x0a$}m,
     'also with code 0');

my ($text, $ended) = body(($r = $s->get('/late'))->{body});
is("$r->{status} $text", "200 some\n", 'code 3 behind the first byte');
ok(!$ended, 'is a body without an end');
like($s->text('error.log'), qr{exited with code 3: too late}, 'the log tells');
($text, $ended) = body($s->get('/event')->{body});
is($text, qq(data: 1\n\nevent: error\ndata: {"detail":"the program has failed"}\n\n),
   'events end with one');
ok(!$ended, 'and without an end');
is(answer('/warns'), "out\n", 'messages are no failure');
answer("/says");
like($s->text('error.log'), qr{\[warn\].*"/bin/sh" says: .*LAST WORDS}, 'for a slow client, too');
answer('/long');
like($s->text('error.log'), qr{\[warn\].*"/bin/sh" says: .*LAST}, 'of long ones the end');
like($s->text('error.log'), qr{"/bin/sh" says: take care\\x0a$}m, 'they are logged');

# TEST 5: bounds of the output

for ('/catm', '/catwm') {
    is(length((post($_, 'x' x 1000)->{body} =~ /(x+)/)[0]), 1000, "$_: so much");
}
is(post('/catwm', 'x' x 1001)->{body},
   '{"detail":"the output of the program is too large"}', 'whole: one more');
($text, $ended) = body(post('/catm', 'x' x 1001)->{body});
is(length $text, 1000, 'stream: no more');
ok(!$ended, 'and without an end');

# TEST 6: words, without a shell

is(answer('/words'), "[a][b  c][d \"e][fg][][;|&]" =~ s/\[d "e\]\[fg\]/[d "efg]/r,
   'words and quotes');
$r = $s->get('/quoted');
is((body($r->{body}))[0], '[a][b]', 'quotes in the middle of a word of nginx.conf');
like($r->{headers}, qr{^Content-Type: text/x-y\r?$}m, 'of each');

is(answer('/shell?text=' . escape('$(id)"; id')), '$(id)"; id',
   'a shell, if it is the program: "$$" is its "$"');

# TEST 7: the environment, exactly

my $path = "PATH=/usr/local/bin:/usr/bin:/bin\n";
is(answer('/env?PATH=/x&LD_PRELOAD=y&TASK_A=1'), $path, 'nothing but PATH');
is(answer('/own?text=a'), $path . "TASK_TEXT=a\nTASK_N=5\nTASK_X=1.5\n(?#
   )TASK_ON=false\nTASK_TIME=90000\nTASK_SIZE=4096\nTASK_COLOR_2=red\n"
   =~ s/\(\?#\s*\)//gr, 'parameters and defaults');
is(answer('/own?text=&n=9&x=1e-3&on=TRUE&time=20s&size=16k&Color_2=green'),
   $path . join('', map "TASK_$_\n", 'TEXT=', 'N=9', 'X=0.001', 'ON=true',
                'TIME=20000', 'SIZE=16384', 'COLOR_2=green'), 'values');
is(answer('/kept?q=two&n=1&text=no'), $path . "TASK_N=7\nTASK_TEXT=two\n",
   'fixed ones');
is(answer('/in/command'), $path . "TASK_STATUS=4\n", 'inherited');
is($s->get('/in/sleep')->{body}, '{"status":"long_running task completed"}',
   'not meant for this one');

for my $text ('; touch x', '$(id)', '`id`', "a\nPATH=/x", "'", '"', '\\', '|&<>*',
              "--help", 'PATH=/evil')
{
    is(answer('/own?text=' . escape($text)),
       $path . "TASK_TEXT=$text\n" . join('', map "TASK_$_\n", 'N=5', 'X=1.5',
           'ON=false', 'TIME=90000', 'SIZE=4096', 'COLOR_2=red'),
       "a value is inert: " . ($text =~ s/\n/ LF /r));
}

is(answer('/sh?cmd=id&program=/bin/id&args=-c%20id'), '', 'a request chooses nothing');

# TEST 8: a 422 is FastAPI's

sub wrong {
    my ($uri, $type, $name, $msg, $input) = @_;
    $r = $s->get($uri);
    is($r->{status}, 422, "$uri: 422");
    my $error = eval { decode_json($r->{body})->{detail}[0] } // {};
    is($error->{type}, $type, "$uri: type");
    is_deeply($error->{loc}, [ 'query', $name ], "$uri: loc");
    is($error->{msg}, $msg, "$uri: msg");
    is($error->{input}, $input, "$uri: input");
}

wrong('/own', 'missing', 'text', 'Field required', undef);
wrong('/own?text=a&n=x', 'int_parsing', 'n', 'Input should be a valid integer, (?#
      )unable to parse string as an integer' =~ s/\(\?#\s*\)//r, 'x');
wrong('/own?text=a&n=10', 'less_than_equal', 'n',
      'Input should be less than or equal to 9', '10');
wrong('/own?text=a&n=0', 'greater_than_equal', 'n',
      'Input should be greater than or equal to 1', '0');
wrong('/own?text=a&x=10', 'less_than', 'x', 'Input should be less than 10', '10');
wrong('/own?text=a&on=perhaps', 'bool_parsing', 'on', 'Input should be a valid (?#
      )boolean, unable to interpret input' =~ s/\(\?#\s*\)//r, 'perhaps');
wrong('/own?text=a&size=2m', 'less_than_equal', 'size',
      'Input should be less than or equal to 1m', '2m');
wrong('/own?text=a&Color_2=blue', 'literal_error', 'Color_2',
      "Input should be 'red' or 'green'", 'blue');
wrong('/own?text=a%00b', 'value_error', 'text',
      'Value error, null character not allowed', "a\x{fffd}b");
wrong('/kept?q=1', 'string_too_short', 'q',
      'String should have at least 2 characters', '1');

# TEST 9: what it has from nginx

$c = $s->open('/lines');
is(answer('/fds'), "0\n1\n2\n3\n", 'its own descriptors, and that of ls');
$s->read($c);
is(answer('/dir'), "/\n", 'its directory');
is(answer('/usr'), "/usr\n", 'another one');
is(answer('/here'), POSIX::getcwd() . "\n", 'that of the worker');
my $status = answer('/status');
like($status, qr/^SigBlk:\s*0+$/m, 'no signal is blocked');
my ($ignored) = $status =~ /^SigIgn:\s*(\w+)$/m;
is(hex(substr $ignored, -8) & 0x7fffffff, 0, 'none is ignored');

# TEST 10: it ends with its client, and with its time: all of its group

for my $try ([ '/group', 3 ], [ '/mute', 3 ], [ '/stubborn', 1 ]) {
    my ($uri, $n) = @$try;
    $c = $s->open($uri);
    wait_alive($n);
    my $cut = time();
    close $c->{socket};
    ok(wait_alive(0, 10), "$uri: the client leaves");
    cmp_ok(time() - $cut, '<', 5, 'in time');
}

sub cmdline {
    my ($file) = @_;

    open my $in, '<', $file or return '';

    return <$in> // '';
}

# a client that does not read: the program waits, and ends with it

$c = $s->open('/many');
sleep 1;
my $started = time();
close $c->{socket};
$s->wait_for(sub { !grep /many\.sh/, map { cmdline($_) } glob '/proc/[0-9]*/cmdline' },
             'many.sh to end');
cmp_ok(time() - $started, '<', 5, 'a client that did not read has left');

$r = $s->get('/time');
is($r->{status}, 504, 'task_timeout');
ok(wait_alive(0, 10), 'task_timeout: all of it ends');
($text, $ended) = body($s->get('/cut')->{body});
is($text, "on\n", 'task_timeout of a stream');
ok(!$ended, 'has no end');
ok(wait_alive(0, 10), 'task_timeout of a stream: all of it ends');

# TEST 11: HEAD

for ('/cat', '/lines', '/group', '/whole') {
    $r = $s->get($_, method => 'HEAD');
    is("$r->{status} $r->{body}", '200 ', "HEAD $_");
}
ok(wait_alive(0, 10), 'HEAD: it ends at its first byte');
$s->read($_) for map $s->open('/words', method => 'HEAD'), 1 .. 200;
unlike($s->text('error.log'), qr/sets its result after/,
       'HEAD of one that has ended at once');
is($s->get('/exit?code=1', method => 'HEAD')->{status}, 422, 'HEAD of one that fails');

# TEST 12: task_limit, numbers, modes

$c = $s->open('/limit');
wait_alive(3);
$r = $s->get('/limit');
is($r->{status}, 503, 'task_limit');
like($r->{headers}, qr/^Retry-After: \d+\r?$/m, 'Retry-After');
close $c->{socket};
wait_alive(0);

my ($numbers) = grep $_->{location} eq '/lines',
                @{ decode_json($s->get('/numbers')->{body})->{zones}[0]{tasks} };
is($numbers->{function}, 'command', 'numbers');
cmp_ok($numbers->{ended}{done} // $numbers->{done} // 0, '>=', 2, 'of tasks');

is(post('/sync', 'abc')->{body}, 'abc', 'sync, whole');
is(post('/syncs', 'abc')->{status}, 500, 'sync cannot stream');
like($s->text('error.log'), qr/"command": streams in task_mode "sync", in which (?#
     )nothing can be sent/, 'and that is logged');

# TEST 13: 2,000 starts by one worker do not stop /quick.  Who measures it is a
# process of its own; it stops when the file is there

my $stop = "$s->{root}/stop";

pipe my $from, my $to or die "pipe: $!";

my $pid = fork() // die "fork: $!";

if ($pid == 0) {
    my ($quick, @times) = ($s->open('/quick', keepalive => 1))->{socket};

    while (!-e $stop || !@times) {
        my ($sent, $text) = (time(), '');

        syswrite $quick, "GET /quick HTTP/1.1\r\nHost: localhost\r\n\r\n";
        until ($text =~ /response"\}/) {
            sysread $quick, $text, 4096, length $text or last;
        }
        push @times, time() - $sent;
        sleep(0.002);
    }

    @times = sort { $a <=> $b } @times;
    syswrite $to, sprintf "%d %.6f\n", scalar @times, $times[@times * 0.99];
    close $to;
    POSIX::_exit(0);
}

close $to;

my ($began, $done) = (time(), 0);

for (1 .. 40) {
    $done += grep $_->{status} == 200, $s->get_all(('/true') x 50);
}

my $lasted = time() - $began;

open my $touch, '>', $stop or die $!;
close $touch;

my ($samples, $p99) = split / /, <$from>;
waitpid $pid, 0;

is($done, 2000, '2,000 starts');
diag sprintf '%d starts a second, p99 of %d times /quick: %.1f ms',
             2000 / $lasted, $samples, $p99 * 1000;
cmp_ok($p99, '<', 0.5, '/quick goes on');

# TEST 14: nginx ends

for my $signal ('TERM', 'QUIT') {
    $s = start() unless $s->{pid};
    my @c = map $s->open($_), '/mute', '/stubborn', '/group';
    wait_alive(7);
    ($code, $time) = $s->stop($signal);
    is($code, 0, "$signal: exit code");
    cmp_ok($time, '<', 8, "$signal: in time");
    ok(wait_alive(0, 10), "$signal: nothing is left");
    $s->check_log;
}

# TEST 15: nginx -t

$s = TaskServer->new;

sub line {
    open my $in, '<', "$s->{root}/nginx.conf" or die $!;
    while (my $line = <$in>) {
        return $. if $line =~ /HERE/;
    }
}

sub bad {
    my ($conf, $message) = @_;

    my ($ok, $text) = $s->test_conf(server => "location /t { $conf }
        location /u { task command program=/bin/cat; }");
    my $line = line();

    ok(!$ok, "refused: $conf");
    like($text, qr/\[emerg\] [^:]*: \Q$message\E in \S*nginx\.conf:$line$/m,
         "$conf: what, and where") or diag $text;
}

sub task { bad("task command $_[0]; # HERE\n", 'task "command": ' . $_[1]) }
sub param {
    bad("task command program=/bin/cat;\ntask_param $_[0]; # HERE\n", $_[1]);
}

bad("task command; # HERE\n",
    'task "command" has no "program=", which no request may choose');
for ('program=$arg_x', 'args=$arg_x', 'args=a$', 'args=$$$', 'type=text/$x') {
    my ($name) = /^(\w+)/;
    bad("task command $_; # HERE\n",
        qq(parameter "$name" takes no variables, as no request may choose it: (?#
        )write a "\$" as "\$\$") =~ s/\(\?#\s*\)//r);
}
task('program=cat', '"program=cat": is not an absolute path');
task('program=/nosuch', '"program=/nosuch": No such file or directory');
task('program=/etc', '"program=/etc": is not an executable file');
task('program=/etc/passwd', '"program=/etc/passwd": is not an executable file');
task('program=/bin/cat dir=etc', '"dir=etc": is not an absolute path');
task('program=/bin/cat dir=/bin/cat', '"dir=/bin/cat": is not a directory');
task(q(program=/bin/cat "args=a 'b"), 'a quote in "args=" is not closed');
for ('0:422', '256:422', '1:200', '1:600', '1', '1:', ':422', '1:422,2:423', 'x:422',
     '1:422 1:423', '*:500 *:501', '1:4222', '-1:422')
{
    task("program=/bin/cat 'fail=$_'", 'invalid "fail=", it must be as "1:422 *:500": (?#
         )codes of 1 to 255, each once, and statuses of 400 to 599'
         =~ s/\(\?#\s*\)//r);
}
for ('', 'text', 'text/', '/html', "'a b/c'") {
    task("program=/bin/cat " . (/'/ ? "'type=" . s/'//gr . "'" : "type=$_"),
         'invalid "type=", it must be a content type, as text/html');
}
bad("task command program=/bin/cat output=all; # HERE\n",
    q(invalid value "all" of parameter "output": Input should be 'stream' or 'whole'));
bad("task command program=/bin/cat colour=red; # HERE\n",
    'task "command" has no parameter "colour", it has: "dir", "output", "program", (?#
    )"args", "type", "fail", "max_output"' =~ s/\(\?#\s*\)//r);
bad("task command program=/bin/cat n=x; # HERE\ntask_param n type=int;",
    'invalid value "x" of parameter "n": Input should be a valid integer, unable to (?#
    )parse string as an integer' =~ s/\(\?#\s*\)//r);
bad("task command program=/bin/cat n=1 n=2; # HERE\ntask_param n type=int;",
    'duplicate parameter "n"');
bad("task command program=/bin/cat args=\"-n a; # HERE\n",
    'invalid parameter "a", it must be name=value, or, with spaces, "name=a value"');

param('n type=integer', 'invalid type "integer" of parameter "n", it must be "string", (?#
      )"int", "number", "bool", "time", "size" or "enum"' =~ s/\(\?#\s*\)//r);
param('n-m type=int', 'invalid name "n-m" of a parameter, it must be letters, digits (?#
      )and "_"' =~ s/\(\?#\s*\)//r);
param('n type=int choices=a', '"choices=" of parameter "n", whose type is not "enum"');
for ('', ' choices=', ' choices=a,', ' choices=,a', ' choices=a,,b', ' choices=a|b') {
    param("n type=enum$_", 'parameter "n" of type "enum" must have "choices=a,b", none (?#
          )of them empty or with "|"' =~ s/\(\?#\s*\)//r);
}
param('n type=int default=0 min=1', 'invalid default "0" of parameter "n": Input should (?#
      )be greater than or equal to 1' =~ s/\(\?#\s*\)//r);
param('n type=enum choices=a,b default=c',
      q(invalid default "c" of parameter "n": Input should be 'a' or 'b'));
param('n type=int min=2 max=1', '"min=2" of parameter "n" is over "max=1"');
param('n type=bool max=1', 'invalid value in "max=1" of parameter "n"');
param('program type=string',
      'parameter "program" cannot be declared: task "command" has "program"');
param("n type=int;\ntask_param N type=int",
      'parameter "N" cannot be declared: task "command" has "n"');
param("n type=int;\ntask_param n type=int", 'duplicate "task_param" of "n"');
bad("task sleep;\ntask_param n type=int; # HERE\n",
    '"type=" of parameter "n": task "sleep" takes no parameters but its own');

my ($ok) = $s->test_conf(server => 'location /t { task command;
                                    task_param program default=/bin/cat; }');
ok($ok, 'a default in place of a value');

done_testing();
