#!/usr/bin/perl

# The n-th allocation of the module fails, as in t/170-alloc.t, while lists,
# objects, trees, forms and files are read: a 500 or a closed connection, never a
# crash or another value, and the next request is served.

use strict;
use warnings;

use File::Path qw(remove_tree);
use JSON::PP;
use Test::More;

use TaskForms;
use TaskServer;
use TaskTurns;

plan(skip_all => 'needs the module that make test builds for it')
    unless -f ($ENV{TEST_NGINX_FAIL_MODULE} // '');

local $ENV{TEST_NGINX_LOAD_MODULES} = $ENV{TEST_NGINX_FAIL_MODULE};

use constant MOST => 1000;

my $tasks = "$ENV{TEST_NGINX_TASKS}/test";

my $user = '{"name":"n","age":1,"address":{"street":"s"},"items":[{"name":"a","price":1},'
           . '{"name":"b","price":2}]}';
my @file = ([ 'file', 'x' x 3000, 'a', 'i/t' ], [ 'note', 'hello' ], [ 'thumb', 'y', 'b' ]);
my $long = ',"pad":"' . 'p' x 9000 . '"';

# more than one chunk of an arena

my $many = join ',', 1 .. 9000;
my $tree = join ',', map qq({"k":[$_,"v"]}), 1 .. 900;

my @cases = (
    [ 'list', get('/lists?ids=1&ids=2&ids=3&tags=a&tags=b&tags=c&tags=d&tags=e') ],
    [ 'list, header', get('/lines', "X-Id: 1\r\nX-Id: 2\r\n") ],
    [ 'list, wrong', get('/lists?ids=x&ids=101&tags=') ],
    [ 'list, too many', get('/lists?ids=1&ids=2&ids=3&ids=4') ],
    [ 'list, JSON', json('/lists', '{"ids":[1,2],"tags":["a","b"],"xs":[1.5],"flags":[true]}') ],
    [ 'list, JSON, wrong', json('/lists', '{"ids":[1,"x",null],"tags":["a"],"xs":5}') ],
    [ 'list, long', json('/many', qq({"ns":[$many]$long})), 1 ],
    [ 'list, long, async', json('/async/many', qq({"ns":[$many]})), 1 ],
    [ 'object', json('/order', qq({"user":$user})) ],
    [ 'object, wrong', json('/order', '{"user":{"items":[{},{"price":0}],"age":-1}}') ],
    [ 'object, query', get('/order?user={"name":"n","age":1,"address":{"street":"s"}}') ],
    [ 'object, secret', json('/login', '{"user":"abc","password":"short","profile":{"pin":1}}') ],
    [ 'object, job', json('/job/order', qq({"user":$user$long})) ],
    [ 'tree', json('/any', '{"v":{"a":[1,"b",null,{"c":true}]},"o":{},"list":[{"d":"\u00e9"}]}') ],
    [ 'tree, wrong', json('/any', '{"v":1,"o":[],"a":{},"list":[5]}') ],
    [ 'tree, query', get('/any?v=[1,2]&list={}&list={"a":1}') ],
    [ 'tree, no JSON', get('/any?v={&o=x') ],
    [ 'tree, long', json('/any', qq({"v":[$tree]})), 1 ],
    [ 'form', form('/form', 'id=5&ids=1&ids=2&tags=a&tags=b&data={"a":1}&name=x%20y') ],
    [ 'form, wrong', form('/form', 'id=x&ids=1000&data={') ],
    [ 'form, file', form('/file/form', 'id=5&tags=' . 'a' x 3000) ],
    [ 'form, long, async', form('/async/form', 'id=5' . '&tags=ab' x 1500), 1 ],
    [ 'parts', parts('/upload', @file) ],
    [ 'parts, file', parts('/file/upload', @file) ],
    [ 'parts, async', parts('/async/upload', @file) ],
    [ 'parts, async, file', parts('/async/file/upload', @file) ],
    [ 'parts, job', parts('/job/upload', @file) ],
    [ 'parts, job, file', parts('/job/file/upload', @file) ],
    [ 'parts, fields', parts('/form', [ 'id', 5 ], map([ 'tags', "t$_" ], 1 .. 9),
                             [ 'data', '[1]' ]) ],
    [ 'parts, long field', parts('/post', [ 'title', 'yes' ], [ 'text', 'x' x 200_000 ]) ],
    [ 'parts, two photos', parts('/album', [ 'title', 't' ], map [ 'photos', $_, $_ ], 1, 2) ],
    [ 'parts, wrong', parts('/upload', [ 'file', 'a field' ], [ 'note', 'x' x 20 ]) ],
    [ 'parts, no end', raw_parts('/upload', part(@{ $file[0] })) ],
    [ 'parts, no boundary', request('/upload', 'multipart/form-data', 'x') ],
    [ 'another type', request('/upload', 'text/plain', 'x') ],
);

sub get {
    my ($uri, $headers) = @_;

    $uri =~ s/([{}"\[\]])/sprintf '%%%02x', ord $1/ge;

    return "GET $uri HTTP/1.1\r\nHost: localhost\r\n" . ($headers // '') . "\r\n";
}

my %conf = (
    main => "task_load $tasks/inputs.so; env FAIL_AT; thread_pool default threads=1;",
    http => 'task_job_zone jobs:1m max_body=1m; client_max_body_size 4m;',
    log_level => 'error',
    server => 'location = /quick { quick; } location /jobs/ { task_jobs zone=jobs; }
        location = /lines { task lists ids=$http_x_id; }
        location = /async/many { task many; task_mode async; }
        location = /async/form { task inputs.form; task_mode async; }
        location = /async/upload { task upload; task_mode async; client_body_buffer_size 1m; }
        location = /async/file/upload { task upload; task_mode async; client_body_buffer_size 1k; }
        location = /file/upload { task upload; client_body_buffer_size 1k; }
        location = /file/form { task inputs.form; client_body_buffer_size 1k; }
        location = /job/order { task order; task_background on zone=jobs; }
        location = /job/upload { task upload; task_background on zone=jobs;
                                 client_body_buffer_size 1m; }
        location = /job/file/upload { task upload; task_background on zone=jobs;
                                      client_body_buffer_size 1k; }'
        . join '', map "location = /$_ { task inputs.$_; client_body_buffer_size 1m; }",
                   qw(lists many order login any form post upload album));

# the answer, or that of the job; '0 ' if nginx has closed the connection

sub ask {
    my ($s, $request) = @_;

    my $socket = $s->connect or die "connect: $!\n";
    TaskTurns::write_all($socket, $request);
    my $r = TaskTurns::answer($s, $socket);

    if ($r->{status} == 202) {
        my $job = $s->get('/jobs/' . decode_json($r->{body})->{id} . '?wait=20s');
        my $json = eval { decode_json($job->{body}) } // {};

        return '500 failed' if ($json->{state} // 'failed') ne 'done';
        $r = { status => 200, body => JSON::PP->new->canonical->encode($json->{result}) };
    }

    return "$r->{status} $r->{body}";
}

my ($sites, $served) = (0, 0);

for my $case (@cases) {
    my ($name, $request, $some) = @$case;
    my ($wrong, $n, $expected, $hits) = ('', 0, undef, 0);

    next if $ENV{ONLY} && $name !~ $ENV{ONLY};

    while ($n < MOST) {
        local $ENV{FAIL_AT} = $n;
        my $s = TaskServer->start(%conf);

        my $said = ask($s, $request);
        my $next = $s->get('/quick');
        my ($code) = $s->stop('QUIT');
        my $log = $s->text('error.log') . $s->text('stderr.log');
        my $hit = $log =~ /^allocation $n fails/m;

        $expected //= $said;

        $wrong .= "$n: " . substr($said, 0, 200) . "\n"
            if $said ne $expected && $said !~ /^(?:500|0) /
               && !($name =~ /job|async/ && $said =~ /^503 /);
        $wrong .= "$n: next: $next->{status}\n"
            if $next->{status} != 200 && !($hit && $said eq $expected);
        $wrong .= "$n: exit code $code\n" if $code;
        $wrong .= "$n: $1\n" if $log =~ /(.*(?:\[alert\]|Sanitizer|runtime er).*)/;

        remove_tree($s->{root});

        last if $n && !$hit;

        $hits++, $sites++ if $hit;
        $served++ if $hit && $said eq $expected;

        # of the items of a long list, not each

        $n += $some && $n > 60 ? 7 : 1;
    }

    is($wrong, '', "$name: $hits allocations");
    diag("$name: $expected") if $expected !~ /^(?:200|422|415) /;
}

diag("$sites allocations failed, $served of them did not matter");

done_testing();
