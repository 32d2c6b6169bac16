#!/usr/bin/perl

# The n-th allocation of the module fails, for each n on a request's path, in
# each mode: a 500 or a closed connection, never a crash, and the next request
# is served.

use strict;
use warnings;

use File::Path qw(make_path);
use Test::More;

use TaskNginx qw(listen_http2);
use TaskServer;
use TaskStreams;

plan(skip_all => 'needs the module that make test builds for it')
    unless -f ($ENV{TEST_NGINX_FAIL_MODULE} // '');

local $ENV{TEST_NGINX_LOAD_MODULES} = $ENV{TEST_NGINX_FAIL_MODULE};

my $tasks = "$ENV{TEST_NGINX_TASKS}/test";
my $json = "Content-Type: application/json\r\n";

my @cases = (
    [ 'quick', '/quick' ],
    [ 'async', '/async?status=a%ff' ],
    [ 'thread', '/thread?status=a' ],
    [ 'sync', '/sync' ],
    [ 'limited', '/limited' ],
    [ 'variable', '/variable?d=1ms' ],
    [ 'wrong', '/thread?duration=x&status=y' ],
    [ 'fail', '/result?how=fail&status=503' ],
    [ 'headers', '/result?how=header' ],
    [ 'twice', '/result?how=twice' ],
    [ 'object', '/result?how=object' ],
    [ 'context', '/context' ],
    [ 'steps', '/steps?ms=1ms' ],
    [ 'job', '/job' ],
    [ 'job, prefer', '/prefer', headers => "Prefer: respond-async, wait=2\r\n" ],
    [ 'job, kept', '/kept/sleep' ],
    [ 'job, kept, prefer', '/kept/prefer', headers => "Prefer: respond-async, wait=2\r\n" ],
    [ 'job, kept, long', '/kept/values', method => 'POST',
      body => '{"n":5,"pad":"' . ('y' x 70000) . '"}' ],
    [ 'no job', '/jobs/' . '0' x 32 ],
    [ 'wrong wait', '/jobs/' . '0' x 32 . '?wait=x' ],
    [ 'jobs', '/jobs/?limit=2' ],
    [ 'jobs, wrong', '/jobs/?limit=x&state=y' ],
    [ 'retry, no job', '/jobs/' . '0' x 32 . '?retry=1', method => 'POST' ],
    [ 'retry, wrong', '/jobs/' . '0' x 32, method => 'POST' ],
    [ 'parse', '/parse?text=[1,"a\u00e9",{"b":[],"c":"%ff"},null]' ],
    [ 'status', '/status' ],
    [ 'metrics', '/metrics' ],
    [ 'openapi', '/openapi.json' ],
    [ 'not allowed', '/async', method => 'PUT' ],
    [ 'body', '/values', method => 'POST', body => '{"n":5,"na\u006de":"x"}' ],
    [ 'wrong body', '/values', method => 'POST', body => '{"n":true,"x":[1]}' ],
    [ 'encoded body', '/values', method => 'POST', body => 'x',
      headers => "Content-Encoding: br\r\n" ],
    [ 'no JSON', '/values', method => 'POST', body => '{"n":' ],
    [ 'no object', '/values', method => 'POST', body => '[5]' ],
    [ 'file', '/values', method => 'POST',
      body => '{"n":5,"pad":"' . ('y' x 20000) . '"}' ],
    [ 'long', '/values', method => 'POST',
      body => '{"n":5,"pad":"' . ('y' x 70000) . '"}' ],
    [ 'long, async', '/steps', method => 'POST',
      body => '{"ms":0,"pad":"' . ('y' x 70000) . '"}' ],
    [ 'long, in steps', '/async', method => 'POST',
      body => '{"status":"a","pad":"' . ('y' x 70000) . '"}' ],
    [ 'long, in steps, wrong', '/async', method => 'POST',
      body => '{"duration":-1,"pad":"' . ('y' x 70000) . '"}' ],
    [ 'long, in steps, job', '/job', method => 'POST',
      body => '{"status":"a","pad":"' . ('y' x 70000) . '"}' ],
    [ 'long, job', '/values/job', method => 'POST',
      body => '{"n":5,"pad":"' . ('y' x 70000) . '"}' ],
    [ 'challenge', '/judge' ],
    [ 'stream', '/stream/bytes?size=30k&piece=5000' ],
    [ 'stream, async', '/stream/async?size=30k&piece=5000' ],
    [ 'stream, events', '/stream/events?n=3&pause=1ms&data=a%0Ab' ],
    [ 'stream, events, async, failed', '/stream/late?n=3&end=fail' ],
    [ 'stream, lines', '/stream/lines?n=3' ],
    [ 'stream, lines, thread', '/stream/lines/thread?n=3' ],
    [ 'stream, type', '/stream/bytes?type=text/csv&header=x' ],
    [ 'stream, comments', '/stream/ping?n=2&pause=30ms' ],
    [ 'stream, comments, async', '/stream/ping/async?n=2&pause=30ms' ],
    [ 'stream, events, failed', '/stream/events?n=2&end=fail' ],
    [ 'stream, events, timeout', '/stream/over?n=100&pause=10ms' ],
    [ 'stream, events, timeout, async', '/stream/over/async?n=100&pause=10ms' ],
    [ 'stream, by hand', '/stream/parts?n=2&data=%7Ca%7Cb' ],
    [ 'stream, HEAD', '/stream/bytes?end=forever', method => 'HEAD' ],
    [ 'stream, HEAD, async', '/stream/late?n=3', method => 'HEAD' ],
    [ 'stream, HTTP/2', '/stream/bytes?size=30k&piece=5000', two => 1 ],
    [ 'stream, HTTP/2, async', '/stream/async?size=30k&piece=5000', two => 1 ],
    [ 'stream, HTTP/2, events, failed', '/stream/late?n=3&end=fail', two => 1 ],
    [ 'stream, mixed', '/stream/mixed' ],
    [ 'gather', '/gather?n=3&ms=1ms' ],
    [ 'gather, offload', '/gather?kind=offload&n=3&ms=1ms' ],
    [ 'gather, call, the first error', '/gather?kind=call&n=3&ms=1ms&step=1ms&bad=0&first=1' ],
    [ 'gather, gather', '/gather?kind=gather&n=2&ms=1ms' ],
    [ 'gather, spawn', '/gather?kind=spawn&n=2' ],
    [ 'gather, write', '/gather?kind=write&n=3&ms=1ms' ],
    [ 'timeout', '/within?ms=100ms&timeout=5ms' ],
    [ 'wait', '/wait/fd?act=write&ms=1' ],
    [ 'wait, in a gather', '/wait/fd?in=gather&n=3&bound=1&act=write&ms=0' ],
    [ 'wait, timeout', '/wait/fd?in=timeout&timeout=1&bound=-1' ],
    [ 'watch', '/wait/watch?how=replaced' ],
    [ 'watch, promise', '/wait/watch?how=promise' ],
    [ 'timer', '/wait/timer?how=again&ms=1' ],
    [ 'promise', '/wait/promise?how=thread&ms=1' ],
    [ 'promise, later', '/wait/promise?how=later&ms=20' ],
    [ 'fetch', '/fetch?uri=/static/small' ],
    [ 'fetch, nothing', '/fetch?uri=/static/none' ],
    [ 'fetch, a task', '/fetch?uri=/steps%3Fms%3D1ms' ],
    [ 'fetch, a stream', '/fetch?uri=/stream/async%3Fsize%3D30k%26piece%3D5000' ],
    [ 'fetch, a file', '/fetch?uri=/static/large&file=1' ],
    [ 'fetch, aio', '/fetch?uri=/static/aio' ],
    [ 'fetch, too large', '/fetch?uri=/static/large&max=10k' ],
    [ 'fetch, a server', '/fetch?uri=/backend/small&header=a&method=POST&body=abc' ],
    [ 'fetch, its body', '/fetch/pass?uri=/backend/small&method=POST&pass=1', method => 'POST',
      body => 'y' x 20000 ],
    [ 'fetch, timeout', '/fetch?uri=/async%3Fduration%3D60s&timeout=20ms' ],
    [ 'fetch, invalid', '/fetch?uri=x' ],
    [ 'fetch, another one', '/fetch?uri=/fetch/plain%3Furi%3D/static/small' ],
    [ 'fetch, itself', '/fetch/itself?uri=/fetch/itself' ],
    [ 'fetch, gather', '/fetch/many?uri=/static/small&n=3' ],
    [ 'fetch, gather, the first error', '/fetch/many?uri=/async%3Fduration%3D60s&n=3&first=1&bad=/static/none' ],
    [ 'fetch, within', '/fetch/within?uri=/async%3Fduration%3D60s&each=20ms' ],
    [ 'fetch, job', '/fetch/job?uri=/static/small' ],
    [ 'command', '/command?n=7&x=1.5&c=red' ],
);

my $two = ($ENV{TEST_NGINX_PORT} || 1984) + 101;

# a program that has run has had all that it must have

my $said = "$tasks/../alloc-said.$$";

END { unlink $said if $said }

my %conf = (
    main => "task_load $tasks/probe.so; task_load $tasks/text.so;
             task_load $tasks/answers.so; task_load $tasks/stream.so; task_load $tasks/gather.so;
             task_load $tasks/fetch.so; thread_pool default threads=1;
             thread_pool probe threads=2;
             env FAIL_AT;",
    http => 'task_zone numbers:256k; task_stats numbers; task_job_zone jobs:1m max_body=1m;',
    server => listen_http2($two) . '
        location = /quick    { quick; }
        location = /job      { task sleep duration=1ms;
                               task_background on zone=jobs; }
        location = /prefer   { task sleep duration=1ms;
                               task_background prefer zone=jobs; }
        location /jobs/      { task_jobs zone=jobs list=on; }
        location = /status   { task_status json; }
        location = /openapi.json { task_openapi; }
        location = /metrics  { task_status prometheus; }
        location = /async    { task sleep; task_param duration default=1ms; }
        location = /thread   { task sleep; task_mode thread=probe;
                               task_param duration default=1ms; }
        location = /sync     { task sleep duration=1ms; task_mode sync; }
        location = /limited  { task sleep duration=1ms; task_limit running=1;
                               task_timeout 5s; }
        location = /variable { task sleep duration=$arg_d; }
        location = /result   { task result; }
        location = /context  { task context; }
        location = /steps    { task steps; }
        location = /judge    { task judge; }
        location = /values/job { task values; task_background on zone=jobs; }
        location = /values   { task values; client_body_buffer_size 1k; }
        location = /parse    { task parse; }
        location = /stream/bytes  { task pour; task_stream_buffer 4k; }
        location = /stream/async  { task pour; task_mode async; task_stream_buffer 4k; }
        location = /stream/events { task events; }
        location = /stream/late   { task events; task_mode async; }
        location = /stream/lines  { task stream.lines; task_mode async; }
        location = /stream/lines/thread { task stream.lines; }
        location = /stream/ping   { task events; task_stream_ping 5ms; }
        location = /stream/ping/async { task events; task_mode async;
                                        task_stream_ping 5ms; }
        location = /stream/over   { task events; task_timeout 300ms; }
        location = /stream/over/async { task events; task_mode async;
                                        task_timeout 30ms; }
        location = /stream/parts  { task parts; }
        location = /stream/mixed  { task mixed; }
        location = /gather  { task gather; task_mode async; }
        location = /within  { task gather.within; task_mode async; }
        location = /command { task command program=/bin/sh output=whole
            "args=-c \'echo $$TASK_N $$TASK_X $$TASK_C >> ' . $said . '\'";
            task_param n type=int; task_param x type=number;
            task_param c type=enum choices=red,green; }
    ');

# a library that waits: its init() may fail, too

my %wait = (
    main => "$conf{main} task_load $tasks/wait.so;",
    server => "$conf{server}
        location = /wait/fd      { task wait.fd; }
        location = /wait/watch   { task watch; }
        location = /wait/timer   { task wait.timer; }
        location = /wait/promise { task promise; }
    ");

# a zone with a state file, whose thread allocates as well

my %kept = (
    http => "$conf{http} task_job_zone kept:1m max_body=1m state=kept.state;",
    server => "$conf{server}
        location = /kept/sleep  { task sleep duration=1ms; task_background on zone=kept; }
        location = /kept/prefer { task sleep duration=1ms; task_background prefer zone=kept; }
        location = /kept/values { task values; task_background on zone=kept; }
    ");

# a stream of HTTP/2, as TaskServer reads one of HTTP/1.1

sub two {
    my ($uri) = @_;

    my $l = TaskStreams->new;
    my ($c) = $l->http2($two, [ $uri ], {}, sub { return { check => 0 } });
    my $until = time() + 20;

    $l->run(sub { time() < $until });

    return { status => $c->{status} // 0,
             body => ($c->{end} // '') eq 'done' ? "0\r\n\r\n" : '' };
}

my $told = qr/^\{"rc":"failed","status":0,"error":(?:5|12|24|32)$
               |^\{"rc":"busy","status":0,"error":11$|^\{"rc":"ok","status":50[02],
               |^\{"ok":\d+,"failed":\d+,|^\{"rc":"(?:busy|failed)"\}$/x;
my %size = (small => 100, large => 100_000);
my $files = "$tasks/../alloc-files.$$";

make_path($files);
END { File::Path::remove_tree($files) if $files }

for my $name (keys %size) {
    open my $out, '>', "$files/$name" or die "$name: $!";
    print $out 'a' x $size{$name};
    close $out;
}

$conf{server} .= "
        location /static/      { alias $files/; }
        location /static/aio   { alias $files/large; aio threads; }
        location = /backend/small { client_body_buffer_size 1k; client_max_body_size 1m;
                                 proxy_pass http://127.0.0.1:$two/fetch/sink; }
        location = /fetch/sink { return 200 sunk; }
        location = /fetch/itself { task fetch.plain; }
        location = /fetch        { task fetch.one; task_mode async; }
        location = /fetch/pass   { task fetch.pass; task_mode async; client_body_buffer_size 1k; }
        location = /fetch/plain  { task fetch.plain; task_mode async; }
        location = /fetch/many   { task fetch.many; task_mode async; }
        location = /fetch/within { task fetch.within; task_mode async; }
        location = /fetch/job    { task fetch.one; task_mode async; task_background on zone=jobs; }
";

my ($sites, $served, $runs) = (0, 0, 0);

for my $case (@cases) {
    my ($name, $uri, %o) = @$case;

    if (defined $o{body}) {
        $o{headers} = ($o{headers} // '') . $json . 'Content-Length: '
                      . length($o{body}) . "\r\n";
    }

    my ($n, $wrong, $expected) = (0, '');

    while ($n < 1000) {
        local $ENV{FAIL_AT} = $n;
        my $s = TaskServer->start(%conf, $uri =~ m{^/wait} ? %wait : (),
                                  $uri =~ m{^/kept} ? %kept : (), log_level => 'error');

        my $r = $o{two} ? two($uri) : $s->get($uri, %o);
        $r->{body} =~ s/[0-9a-f]{32}//g;
        $r->{body} = 'numbers' if $r->{status} == 200
                                  && $uri =~ m{^/(?:status|metrics)};

        # of a gather the times, and what cJSON had no memory for, differ

        $r->{body} = $1 if $r->{body} =~ /\A(\{"rc":\d)/;
        $r->{body} =~ s/"(?:ms|late)":[\d.]+//g if $uri =~ m{^/(?:within|wait)};

        # a fetch tells of what had no memory, or nginx has closed its connection

        $r->{body} = $1 if $r->{body} =~ /\A(\{"rc":"\w+","status":\d+,"error":\d+)/;

        # how bytes of a stream are cut is a matter of time

        $r->{body} = $r->{body} =~ /^0\r\n\r\n\z/m ? 'whole' : 'broken'
            if $r->{status} == 200 && $uri =~ m{^/stream|kind=write};

        my $next = $s->get('/quick');
        my ($code, $time) = $s->stop('QUIT');
        my $log = $s->text('error.log') . $s->text('stderr.log');
        my $hit = $log =~ /^allocation $n fails/m;

        $expected //= "$r->{status} $r->{body}";

        $wrong .= "$n: $r->{status} $r->{body}\n"
            unless $r->{status} =~ /^(?:500|0)$/
                   || ($name =~ /job/ && $r->{status} == 503)
                   || ($r->{status} == 503
                       && $log =~ /start of task library "wait" failed: it gave no reason/)
                   || ($name =~ /^job.*prefer/ && $r->{status} == 202)
                   || $r->{body} eq 'broken'
                   || ($name =~ /^wait/ && $r->{body} =~ /"rc":3\b/)
                   || ($uri =~ m{^/fetch} && ($r->{status} == 502 || $r->{body} =~ $told))
                   || "$r->{status} $r->{body}" eq $expected;

        # it may have been the second request's allocation that failed

        $wrong .= "$n: next: $next->{status}\n"
            unless $next->{status} == 200
                   || ($hit && "$r->{status} $r->{body}" eq $expected);
        $wrong .= "$n: exit code $code, $time s\n" if $code || $time > 10;
        $wrong .= "$n: $1\n" if $log =~ /(.*(?:\[alert\]|Sanitizer|runtime er).*)/;

        File::Path::remove_tree($s->{root});

        if (open my $in, '<', $said) {
            for my $line (<$in>) {
                $wrong .= "$n: the program has had $line" if $line ne "7 1.5 red\n";
                $runs++;
            }
            close $in;
            unlink $said;
        }

        last if $n && !$hit;

        $sites++ if $hit;
        $served++ if $hit && "$r->{status} $r->{body}" eq $expected;
        $n++;
    }

    is($wrong, '', "$name: " . ($n - 1) . ' allocations');
}

cmp_ok($runs, '>=', 2, 'the program has run');
diag("$sites allocations failed, $served of them did not matter");

done_testing();
