#!/usr/bin/perl

# "task_openapi": each rule of the document, how it is sent, and what nginx -t
# says.  t/351-openapi-valid.t has a validator look at it.

use strict;
use warnings;

use File::Temp qw(tempdir);
use IO::Socket::UNIX;
use JSON::PP;
use Test::More;

use TaskServer;

my $json = JSON::PP->new->utf8->canonical->allow_nonref;
my $load = "task_load $ENV{TEST_NGINX_TASKS}/test/openapi.so;";
my $dir = tempdir(CLEANUP => 1);

my $time = '"pattern":"^(?=\\\\d)(\\\\d+w *)?(\\\\d+d *)?(\\\\d+h *)?(\\\\d+m *)?'
           . '(\\\\d+s *)?(\\\\d+ms *)?(\\\\d+)?$","x-task-type":"time"';
my $size = '"pattern":"^\\\\d+[kKmMgG]?$","x-task-type":"size"';
my $text = '"type":"string","contentMediaType":"application/json"';
my $file = '{"type":"string","format":"binary",'
           . '"contentMediaType":"application/octet-stream"';
my $both = '"description":"Each of these may also stand in the query, which then '
           . 'counts."';

my ($s, $doc, $raw);

sub start {
    $s = TaskServer->start(@_);
    read_doc();
}

sub read_doc {
    my ($uri) = @_;

    my $r = $s->get($uri // '/openapi.json');
    is($r->{status}, 200, 'a document') or diag $r->{body};
    $raw = $r->{body};
    $doc = $json->decode($raw);
    return $doc;
}

sub stop {
    my ($code) = $s->stop('QUIT');
    is($code, 0, 'exit code');
    $s->check_log;
}

# the same JSON, but for the order of its members

sub same {
    my ($got, $expected, $name) = @_;

    my $want = $json->encode($json->decode($expected));
    is($json->encode($got), $want, $name);
}

sub op {
    my ($method, $path) = @_;
    return $doc->{paths}{$path}{$method} // {};
}

# [name, in, required, description, schema] of parameters

sub params {
    my ($method, $path, $expected, $name) = @_;

    my @got = map { my $p = $_; [ map $p->{$_}, qw(name in required schema) ] }
              @{op($method, $path)->{parameters} // []};

    same(\@got, $expected, $name // "parameters of $method $path");
}

sub body {
    my ($method, $path, $expected) = @_;
    same(op($method, $path)->{requestBody}, $expected,
         "body of $method $path");
}

sub answers {
    my ($method, $path, @codes) = @_;

    is(join(' ', sort keys %{op($method, $path)->{responses}}), "@codes",
       "answers of $method $path");
}

sub extensions {
    my ($method, $path, $expected) = @_;

    my $op = op($method, $path);
    same({ map { $_ => $op->{$_} } grep /^x-/, keys %$op }, $expected,
         "extensions of $method $path");
}


# tables of a library

start(main => "$load thread_pool mine threads=2;",
      http => 'task_job_zone jobs:1m;', server => '
        task_param door default=open;   # not of what is in an object
        location = /openapi.json { task_openapi; }
        location = /plain  { task plain; }
        location = /bounds { task bounds; }
        location = /nested { task nested; }
        location = /upload { task upload; }
        location = /forms  { task forms; }
        location = /image  { task image; }
        location = /raw    { task raw; }
        location = /none   { task none; }
        location ~ ^/items/(\d+)$ { task item id=$1; }
        location ~ ^/words/(\w+)$ { task item id=1 q=$1; }

        location = /narrow { task plain fixed=8 text=literal on=$arg_really;
            task_param n min=0 max=<7 default=6;
            task_param wait max=30s default=2s;
            task_param room default=1k;
            task_param x default=0.5;
            task_param maybe default=3; }
        location = /from   { task plain text=$http_x_text n=$arg_number
            color=$cookie_color x=$request_length key=$http_x_key
            wait="${arg_a}s"; task_mode thread=mine; }
        location = /lists  { task nested numbers=$arg_n owner=$http_x_owner
                             pauses=$http_x_pause tags=$cookie_tag; }
        location = /twice  { task plain text=$arg_n on=$http_x_a wait=$http_X_A; }
        location = /declared { task command program=/bin/cat;
            task_param word type=string min=1 max=80;
            task_param n type=int default=3;
            task_param how type=enum choices=a,b;
            task_param until type=time; }

        location = /limited { task plain; task_limit running=2 queue=3 wait=1500ms;
                              task_timeout 2500ms; }
        location = /on      { task plain; task_background on zone=jobs;
                              task_timeout 5s; }
        location = /prefer  { task plain; task_background prefer zone=jobs;
                              task_timeout 5s; task_limit running=1; }
        location = /keyed   { task plain text=a; task_background on zone=jobs;
                              task_idempotency required; }
        location = /unkeyed { task nested; task_background on zone=jobs;
                              task_idempotency off; }
        location /jobs/     { task_jobs zone=jobs; }
        location /listed/   { task_jobs zone=jobs list=on; }
        location = /quick   { quick; }
        location = /alive   { quick "{\"alive\": [true, 1.5]}"; }
        location /prefix/   { task none; location /prefix/inner { task none; } }
');

is($doc->{openapi}, '3.1.0', 'version of OpenAPI');
same($doc->{info}, '{"title":"nginx","version":"1.0"}', 'info');
ok(!exists $doc->{servers}, 'no servers');
ok($raw =~ /^\{"openapi":"3\.1\.0","info":\{"title":"nginx","version":"1\.0"\},"paths":\{"\/plain":\{"get":\{"operationId":"plain_plain_get","summary":"plain \\"values\\" \xef\xbf\xbd","tags":\["everything"\],"parameters":\[\{"name":"n","in":"query","required":false,"description":"how many","schema":\{"type":"integer","minimum":-10,"maximum":10,"default":5\}\},/,
     'compact, in a stable order');
is($raw, $s->get('/openapi.json')->{body}, 'the same again');

# plain values

my $n = '{"type":"integer","minimum":-10,"maximum":10,"default":5';
my $x = '{"type":"number","minimum":0,"maximum":1,"default":0.1}';
my $color = '{"type":"string","enum":["red","green","blue"],"default":"green"}';
my $key = '{"type":"string","minLength":4,"writeOnly":true,"format":"password"}';

my $plain = qq(
    ["n","query",false,$n}], ["x","query",false,$x],
    ["text","query",true,{"type":"string","minLength":1,"maxLength":20}],
    ["on","query",false,{"type":"boolean","default":true}],
    ["wait","query",false,{"type":"string",$time,"x-task-minimum":"1s",
                           "x-task-maximum":"1m","default":"1500ms"}],
    ["room","query",false,{"type":"string",$size,"x-task-maximum":"1m",
                           "default":"16k"}],
    ["color","query",false,$color], ["key","query",false,$key],
    ["maybe","query",false,{"type":"integer"}]);

params('get', '/plain', "[$plain]");
params('post', '/plain', '[]');

body('post', '/plain', qq({ $both, "required":true, "content":{
    "application/json":{"schema":{"type":"object","properties":{
        "n":$n,"description":"how many"}, "x":$x,
        "text":{"type":"string","minLength":1,"maxLength":20,
                "description":"a \\"text\\""},
        "on":{"type":"boolean","default":true},
        "wait":{"type":["number","string"],$time,"x-task-minimum":"1s",
                "x-task-maximum":"1m","default":"1500ms","minimum":1,
                "maximum":60},
        "room":{"type":["integer","string"],$size,"x-task-maximum":"1m",
                "default":"16k","maximum":1048576},
        "color":$color, "key":$key, "maybe":{"type":"integer"}},
        "required":["text"]}}}}));

is(op('get', '/plain')->{parameters}[0]{description}, 'how many',
   'a summary of a parameter');
ok(!exists op('get', '/plain')->{requestBody}, 'GET has no body');
ok($raw !~ /sesame/, 'no default of a secret');
ok($raw !~ /"fixed"/, 'nothing that no request may choose');
same(op('get', '/plain')->{responses}{200}, '{"description":"Successful Response",
    "content":{"application/json":{"schema":{"type":"object",
    "properties":{"done":{"type":"string"}}}}}}', 'result_schema');
answers('get', '/plain', 200, 422, 500, 503);
extensions('get', '/plain', '{"x-task-function":"plain","x-task-mode":"async"}');

# bounds

params('get', '/bounds', qq([
    ["above","query",true,{"type":"integer","exclusiveMinimum":0,
                           "exclusiveMaximum":10}],
    ["below","query",true,{"type":"integer","minimum":-9223372036854775807}],
    ["huge","query",false,{"type":"integer","maximum":9223372036854775806,
                           "default":9007199254740993}],
    ["over","query",true,{"type":"number","exclusiveMinimum":0.25}],
    ["under","query",true,{"type":"number","exclusiveMaximum":1e-7}],
    ["least","query",true,{"type":"number","minimum":0.1}],
    ["longer","query",true,{"type":"string","minLength":3,"maxLength":8}],
    ["later","query",true,{"type":"string",$time,
                           "x-task-exclusiveMinimum":"1500ms",
                           "x-task-exclusiveMaximum":"1m"}],
    ["larger","query",true,{"type":"string",$size,"x-task-minimum":"1k",
                            "x-task-exclusiveMaximum":"1g"}],
    ["door","query",false,{"type":"string","default":"open"}]]));

my $fields = op('post', '/bounds')->{requestBody}{content}{'application/json'}
             {schema}{properties};
same($fields->{later}, qq({"type":["number","string"],$time,
    "x-task-exclusiveMinimum":"1500ms","x-task-exclusiveMaximum":"1m",
    "exclusiveMinimum":1.5,"exclusiveMaximum":60}), 'a time in JSON');
same($fields->{larger}, qq({"type":["integer","string"],$size,
    "x-task-minimum":"1k","x-task-exclusiveMaximum":"1g",
    "minimum":1024,"exclusiveMaximum":1073741824}), 'a size in JSON');
ok($raw =~ /"minimum":-9223372036854775807/, 'all digits');
ok($raw =~ /"default":9007199254740993/, 'all digits of a default');
same(op('get', '/bounds')->{responses}{200}{content}{'application/json'},
     '{"schema":true}', 'result_schema, true');

# objects, lists, JSON

my $address = '{"type":"object","properties":{
    "street":{"type":"string","minLength":1,"description":"its name"},
    "number":{"type":"integer","exclusiveMinimum":0},
    "door":{"type":"string"}},"required":["street","number"]}';
my $user = qq("type":"object","properties":{
    "name":{"type":"string","maxLength":40},
    "age":{"type":"integer","minimum":0,"maximum":150,"default":18},
    "address":$address,
    "mail":{"type":"array","items":{"type":"string"},"maxItems":3}},
    "required":["name"]);
my $numbers = '"type":"array","items":{"type":"integer","minimum":1,"maximum":9},
    "maxItems":4';
my $tags = '{"type":"array","items":{"type":"string","maxLength":10,
    "writeOnly":true,"format":"password"}}';
my $colors = '{"type":"array","items":{"type":"string","enum":["red","green"]}}';

my $as_json = qq({"type":"object","properties":{
    "any":{}, "object":{"type":"object"}, "array":{"type":"array"},
    "owner":{$user,"description":"whose it is"},
    "users":{"type":"array","items":{$user},"minItems":1},
    "numbers":{$numbers,"description":"some numbers"},
    "tags":$tags,
    "pauses":{"type":"array","items":{"type":["number","string"],$time,
              "x-task-maximum":"1s","maximum":1}},
    "colors":$colors},
    "required":["owner","users","numbers"]});

my %text = (
    any    => qq({$text,"contentSchema":{}}),
    object => qq({$text,"contentSchema":{"type":"object"}}),
    array  => qq({$text,"contentSchema":{"type":"array"}}),
    owner  => qq({$text,"contentSchema":{$user}}),
    users  => qq({"type":"array","items":{$text,"contentSchema":{$user}},
                  "minItems":1}),
    numbers => "{$numbers}",
    tags   => $tags,
    pauses => qq({"type":"array","items":{"type":"string",$time,
                  "x-task-maximum":"1s"}}),
    colors => $colors,
);

params('get', '/nested', '[' . join(',', map {
           my $required = /owner|users|numbers/ ? 'true' : 'false';
           qq(["$_","query",$required,$text{$_}])
       } qw(any object array owner users numbers tags pauses colors)) . ']');
body('post', '/nested', qq({ $both, "required":true, "content":{
    "application/json":{"schema":$as_json}}}));

(my $form = '{"type":"object","properties":{'
            . join(',', map qq("$_":$text{$_}), sort keys %text)
            . '},"required":["owner","users","numbers"]}')
    =~ s/("owner":\{)/$1"description":"whose it is",/;
$form =~ s/("numbers":\{)/$1"description":"some numbers",/;

is(join(' ', sort keys %{$doc->{paths}{'/forms'}}), 'patch post put',
   'methods of a function');

body($_, '/forms', qq({ $both, "required":true, "content":{
    "application/json":{"schema":$as_json},
    "application/x-www-form-urlencoded":{"schema":$form},
    "multipart/form-data":{"schema":$form}}})) for qw(patch post put);

# files

is(join(' ', keys %{$doc->{paths}{'/upload'}}), 'post', 'files by POST alone');
body('post', '/upload', qq({ "required":true,
    "description":"What is no file may also stand in the query, which then counts.",
    "content":{"multipart/form-data":{"schema":{"type":"object","properties":{
        "picture":$file,"description":"of the thing"},
        "more":{"type":"array","items":$file},"maxItems":2},
        "title":{"type":"string","default":"none"},
        "sizes":{"type":"array","items":{"type":"integer"}},
        "about":{$text,"contentSchema":{"type":"object"}}},
        "required":["picture"]}}}}));

# bodies as they are

my $bytes = '{"schema":{"type":"string","format":"binary"}}';

body('post', '/image',
     qq({"content":{"image/png":$bytes,"image/*":$bytes}}));
params('post', '/image', '[["id","query",true,{"type":"integer","minimum":1}],
    ["q","query",false,{"type":"string","default":""}],
    ["tags","query",false,{"type":"array","items":{"type":"string"},
                           "maxItems":5}]]');
same(op('post', '/image')->{responses}{200}{content},
     '{"image/jpeg":{"schema":{}}}', 'result_type');
body('post', '/raw', qq({"content":{"*/*":$bytes}}));
is(join(' ', sort keys %{$doc->{paths}{'/raw'}}), 'get post', 'GET, too');
answers('get', '/raw', 200, 500, 503);

# no parameters

is(join(' ', keys %{$doc->{paths}{'/none'}}), 'get', 'no parameters, no POST');
same(op('get', '/none'), '{"operationId":"none_none_get","tags":["everything"],
    "responses":{
    "200":{"description":"Successful Response",
           "content":{"text/csv; charset=utf-8":{"schema":{}},
                      "text/plain":{"schema":{}}}},
    "500":{"description":"Internal Server Error","content":{"application/json":
           {"schema":{"$ref":"#/components/schemas/Error"}}}},
    "503":{"description":"Service Unavailable",
           "headers":{"Retry-After":{"description":"seconds",
                      "schema":{"type":"integer"}}},
           "content":{"application/json":
           {"schema":{"$ref":"#/components/schemas/Error"}}}}},
    "x-task-function":"none","x-task-mode":"async"}', 'an operation');

# where parameters come from

my $id = '["id","path",true,{"type":"integer","minimum":1}]';
my $more = '["q","query",false,{"type":"string","default":""}],
    ["tags","query",false,{"type":"array","items":{"type":"string"},
                           "maxItems":5}]';

is(join(' ', sort keys %{$doc->{paths}{'/items/{id}'}}), 'delete get put',
   'methods');
params('get', '/items/{id}', "[$id,$more]");
params('delete', '/items/{id}', "[$id,$more]");
params('put', '/items/{id}', "[$id]");
ok(!exists op('delete', '/items/{id}')->{requestBody}, 'DELETE has no body');
is(op('get', '/items/{id}')->{parameters}[0]{description}, 'which one',
   'a summary in the path');
body('put', '/items/{id}', qq({ $both, "content":{"application/json":{"schema":{
    "type":"object","properties":{"q":{"type":"string","default":""},
    "tags":{"type":"array","items":{"type":"string"},"maxItems":5}}}}}}));

params('delete', '/words/{q}', '[["q","path",true,{"type":"string"}],
    ["tags","query",false,{"type":"array","items":{"type":"string"},
                           "maxItems":5}]]');

params('get', '/narrow', qq([
    ["n","query",false,{"type":"integer","minimum":0,"exclusiveMaximum":7,
                        "default":6}],
    ["x","query",false,{"type":"number","minimum":0,"maximum":1,"default":0.5}],
    ["really","query",false,{"type":"boolean","default":true}],
    ["wait","query",false,{"type":"string",$time,"x-task-minimum":"1s",
                           "x-task-maximum":"30s","default":"2s"}],
    ["room","query",false,{"type":"string",$size,"x-task-maximum":"1m",
                           "default":"1k"}],
    ["color","query",false,$color], ["key","query",false,$key],
    ["maybe","query",false,{"type":"integer","default":3}]]));

params('get', '/from', qq([
    ["number","query",false,$n}],
    ["x-text","header",true,{"type":"string","minLength":1,"maxLength":20}],
    ["on","query",false,{"type":"boolean","default":true}],
    ["room","query",false,{"type":"string",$size,"x-task-maximum":"1m",
                           "default":"16k"}],
    ["color","cookie",false,$color],
    ["x-key","header",false,$key],
    ["maybe","query",false,{"type":"integer"}]]));
is(op('get', '/from')->{parameters}[0]{description}, 'how many',
   'a summary under another name');
extensions('get', '/from', '{"x-task-function":"plain","x-task-mode":"thread",
                             "x-task-pool":"mine"}');

my %named = map { ($_->{name} => $_->{schema}) }
            @{op('get', '/lists')->{parameters}};
same($named{n}, "{$numbers}", 'a list in the query');
same($named{'x-pause'}, $text{pauses}, 'a list in lines of a header');
same($named{tag}, '{"type":"string","maxLength":10,"writeOnly":true,
    "format":"password"}', 'of a list one item is in a cookie');
same($named{'x-owner'}, qq({$text,"contentSchema":{$user}}),
     'an object in a header');

is(join(' ', map "$_->{in}:$_->{name}", @{op('get', '/twice')->{parameters}}),
   'query:n query:x header:x-a query:room query:color query:key query:maybe',
   'a name is there once');

params('post', '/declared', qq([
    ["word","query",true,{"type":"string","minLength":1,"maxLength":80}],
    ["n","query",false,{"type":"integer","default":3}],
    ["how","query",true,{"type":"string","enum":["a","b"]}],
    ["until","query",true,{"type":"string",$time}]]));
same(op('get', '/declared')->{responses}{200}{content},
     '{"*/*":{"schema":{}}}', 'a program answers anything');

# limits, jobs

extensions('get', '/limited', '{"x-task-function":"plain","x-task-mode":"async",
    "x-task-limit":{"running":2,"queue":3,"wait":1.5},"x-task-timeout":2.5}');
answers('get', '/limited', 200, 422, 500, 503, 504);

extensions('get', '/on', '{"x-task-function":"plain","x-task-mode":"async",
    "x-task-timeout":5,"x-task-background":"on"}');
answers('post', '/on', 202, 422, 500, 503);
my $idem = '["Idempotency-Key","header",false,{"type":"string","minLength":1,"maxLength":255}]';
params('get', '/on', "[$plain,$idem]");
is((grep $_->[0] eq 'Idempotency-Key', map [ @$_{qw(name required)} ],
    @{op('get', '/keyed')->{parameters}})[0][1], JSON::PP::true, 'a key that is required');
is(scalar(grep $_->{name} eq 'Idempotency-Key', @{op('get', '/unkeyed')->{parameters}}), 0,
   'a location without keys');
same(op('get', '/on')->{responses}{202}, '{"description":"Accepted as a job",
    "headers":{"Location":{"description":"where the job is told",
                           "schema":{"type":"string","format":"uri-reference"}},
               "Retry-After":{"description":"seconds",
                              "schema":{"type":"integer"}}},
    "content":{"application/json":{"schema":
               {"$ref":"#/components/schemas/JobAccepted"}}}}', 'a 202');

extensions('get', '/prefer', '{"x-task-function":"plain","x-task-mode":"async",
    "x-task-limit":{"running":1,"queue":0},"x-task-timeout":5,
    "x-task-background":"prefer"}');
answers('get', '/prefer', 200, 202, 422, 500, 503, 504);
params('get', '/prefer', qq([$plain,
    ["Prefer","header",false,{"type":"string"}],$idem]));
params('post', '/prefer', qq([["Prefer","header",false,{"type":"string"}],$idem]));

# quick, task_jobs

same($doc->{paths}{'/quick'}, '{"get":{"operationId":"quick_quick_get",
    "summary":"answers from memory","tags":["nginx"],
    "responses":{"200":{"description":"Successful Response",
    "content":{"application/json":{"schema":{},
               "example":{"status":"quick response"}}}}}}}', 'quick');
same(op('get', '/alive')->{responses}{200}{content}{'application/json'},
     '{"schema":{},"example":{"alive":[true,1.5]}}', 'quick with JSON');

is(join(' ', sort keys %{$doc->{paths}{'/jobs/{id}'}}), 'delete get', 'a job');
answers('get', '/jobs/{id}', 200, 204, 404, 422);
answers('delete', '/jobs/{id}', 200, 404, 409, 422);
answers('get', '/jobs/{id}/result', 200, 202, 404, 410, 422);
params('get', '/jobs/{id}', '[["id","path",true,{"type":"string"}],
    ["wait","query",false,{"type":"string","x-task-type":"time",
                           "x-task-maximum":"1h"}],
    ["Last-Event-ID","header",false,{"type":"string"}]]');
params('delete', '/jobs/{id}', '[["id","path",true,{"type":"string"}],
    ["forget","query",false,{"type":"boolean"}]]');
is(join(' ', sort keys %{op('get', '/jobs/{id}')->{responses}{200}{content}}),
   'application/json text/event-stream', 'events');

is($doc->{paths}{'/jobs/'}, undef, 'no list where none is on');
is(join(' ', sort keys %{$doc->{paths}{'/listed/{id}'}}), 'delete get post', 'a job of a list');
answers('post', '/listed/{id}', 202, 404, 409, 410, 422);
params('post', '/listed/{id}', '[["id","path",true,{"type":"string"}],
    ["retry","query",true,{"type":"string","enum":["1","true"]}]]');
is(join(' ', sort keys %{$doc->{paths}{'/listed/'}}), 'get', 'a list');
answers('get', '/listed/', 200, 422);
params('get', '/listed/', '[["state","query",false,{"type":"string","enum":["queued","running",
        "done","failed","cancelled","timeout","lost","dead"]}],
    ["queue","query",false,{"type":"string"}],
    ["limit","query",false,{"type":"integer","minimum":1,"maximum":100,"default":20}],
    ["after","query",false,{"type":"integer","minimum":1}]]');
same(op('get', '/listed/')->{responses}{200}{content},
     '{"application/json":{"schema":{"$ref":"#/components/schemas/JobList"}}}', 'of jobs');
my $page = $json->decode($s->get('/listed/')->{body});
my $list = $doc->{components}{schemas}{JobList};
is(join(' ', sort keys %$page), join(' ', sort @{$list->{required}}), 'as the schema says');

# a job has what the schema says

my $job = $doc->{components}{schemas}{Job};
my $href = $json->decode($s->get('/on?text=x')->{body})->{href};
my $r = $s->get("$href?wait=5s");
my $told = $json->decode($r->{body});
is($told->{state}, 'done', 'a job');
is(join(' ', grep !exists $told->{$_}, @{$job->{required}}), '',
   'what is required of a job is there');
is(join(' ', grep !exists $job->{properties}{$_}, sort keys %$told), '',
   'and nothing that is not told');

is(join(' ', sort keys %{$doc->{components}{schemas}}),
   'Error HTTPValidationError Job JobAccepted JobList ValidationError', 'schemas');

# a 422 has what the schema says

my $invalid = $doc->{components}{schemas}{ValidationError};
my ($error) = @{$json->decode($s->get('/plain?n=99&text=a')->{body})->{detail}};
is(join(' ', sort keys %$error), join(' ', sort keys %{$invalid->{properties}}),
   'a 422');

ok(exists $doc->{paths}{$_}, $_) for '/prefix/', '/prefix/inner';

# it is sent from memory

$r = $s->get('/openapi.json');
my ($etag) = $r->{headers} =~ /^ETag: ("[0-9a-f]{32}")\r?$/m;
ok($etag, 'a strong ETag');
like($r->{headers}, qr/^Content-Type: application\/json\r?$/m, 'its type');
like($r->{headers}, qr/^Content-Length: ${\length $raw}\r?$/m, 'its length');
like($r->{headers}, qr/^Cache-Control: no-cache\r?$/m, 'to be asked for again');

for my $known ($etag, "W/$etag", "\"x\", $etag", '*') {
    $r = $s->get('/openapi.json', headers => "If-None-Match: $known\r\n");
    is($r->{status}, 304, "If-None-Match: $known");
    is($r->{body}, '', 'nothing is sent');
    like($r->{headers}, qr/^ETag: \Q$etag\E\r?$/m, 'but the ETag');
}

is($s->get('/openapi.json', headers => "If-None-Match: \"x\"\r\n")->{status},
   200, 'another ETag');

$r = $s->get('/openapi.json', method => 'HEAD');
is($r->{status}, 200, 'HEAD');
like($r->{headers}, qr/^Content-Length: ${\length $raw}\r?$/m, 'its length');
is($r->{body}, '', 'no body');

for my $method (qw(POST PUT DELETE OPTIONS)) {
    $r = $s->get('/openapi.json', method => $method);
    is($r->{status}, 405, $method);
    like($r->{headers}, qr/^Allow: GET, HEAD\r?$/m, 'Allow');
    is($r->{body}, '{"detail":"Method Not Allowed"}', 'its body');
}

is($s->get('/openapi.json', method => 'POST', body => 'x' x 100,
           headers => "Content-Length: 100\r\n")->{status}, 405, 'with a body');
is($s->get('/openapi.json', body => 'x' x 100,
           headers => "Content-Length: 100\r\n")->{body}, $raw,
   'GET with a body');

$s->reload;
$r = $s->get('/openapi.json', headers => "If-None-Match: $etag\r\n");
is($r->{status}, 304, 'the same ETag after a reload');

stop();


# which locations, as which paths

my $many = join '', map "location = /many/$_ { task none; }\n", 1 .. 300;

my @paths = (
    [ '= /exact',                     'none', '/exact' ],
    [ '/prefix/',                     'none', '/prefix/' ],
    [ '^~ /up',                       'none', '/up' ],
    [ '= "/a b{c}%/\"#?"',            'none', '/a%20b%7Bc%7D%25/%22%23%3F' ],
    [ "= /\xc3\xa9",                  'none', '/%C3%A9' ],
    [ '~ ^/r1/(\d+)$',                'item id=$1', '/r1/{id}' ],
    [ '~ ^/r2/(?<who>\d+)$',          'item id=$who', '/r2/{id}' ],
    [ '~ ^/r3/(?<who>\d+)/(x|y)$',    'item id=$1', '/r3/{id}/{2}' ],
    [ '~ ^/r4/(?<who>\w+)$',          'item id=1', '/r4/{who}' ],
    [ '~* ^/r5/(?:a/)?b\.json$',      'none', '/r5/b.json' ],
    [ '~ "^/r6/[a-z]+/\d{3}$"',       'none', '/r6/{any}/{any2}' ],
    [ '~ ^/r7(/(\d+))?/?$',           'item id=$2', '/r7/{id}' ],
    [ '~ ^/r8/(?:one|two)/x$',        'none', '/r8/one/x' ],
    [ '~ ^/r9/a+b?c*$',               'none', '/r9/a' ],
    [ '~ ^/r10$|^/other$',            'none', '/r10' ],
    [ '~ ^/r11/[.]/[^/]*$',           'none', '/r11/./{any}' ],
    [ '~ ^/r12/(a(b)c)$',             'item id=$2', '/r12/a{id}c' ],
    [ '~ ^/r13/(?=x)(?i)(\d+)(?#c)$', 'item id=$1', '/r13/{id}' ],
    [ '~ ^/r14/(?P<id>\d+)-(?<b>\d)$', 'item id=$id', '/r14/{id}-{b}' ],
    [ '~ ^/r15/(?<id>x)/(\d+)$',      'item id=$2', '/r15/{id}/{2}' ],
    [ '~ ^/r16/.*$',                  'none', '/r16/{any}' ],
    [ '~ ^/r17/\x41$',                'none', undef ],
    [ '~ \.php$',                     'none', undef ],
    [ '~ "^/r19/(\d{2,4})$"',         'item id=$1', '/r19/{id}' ],
    [ '~ ^/r20/(\[\(\))\)?$',         'none', '/r20/{1}' ],
    [ '~ ^/r21/[]x](\d+)$',           'item id=$1', '/r21/{any}{id}' ],
    [ '~ ^/r22/[[:alpha:]](\d+)$',    'item id=$1', '/r22/{any}{id}' ],
    [ '~ ^/r23/(?:(\d+),)+$',         'item id=$1', '/r23/{id},' ],
    [ '~ ^/r24/(?:ab)+$',             'none', '/r24/{any}' ],
    [ '~ ^/r25/(x)?$',                'none', '/r25/' ],
    [ '~ ^/r26/(?>a)b$',              'none', '/r26/ab' ],
    [ '~ "^/r27/x{0,3}y{2}$"',        'none', '/r27/y' ],
    [ '~ ^/r28/[^a](\()(\d+)$',       'item id=$2', '/r28/{any}{1}{id}' ],
    [ '~ ^/r29/\d*?(.)(.)(.)$',       'item id=$3', '/r29/{any}{1}{2}{id}' ],
    [ '~ ^/r30/(?<a>.)(?<a2>.)$',     'item id=1', '/r30/{a}{a2}' ],
    [ "~ ^/r31/(?'q'x)\$",            'item id=1', '/r31/{q}' ],
    [ '~ ^/r32/\w\b/\$\^\+$',         'none', '/r32/{any}/$%5E+' ],
    [ '~ ^/r33/(\d+)$',               'item id=$server_port', '/r33/{1}' ],
);

my $locations = join '', map "location $_->[0] { task $_->[1]; }\n", @paths;

start(main => $load, http => "
    task_job_zone jobs:1m;
    server {
        listen unix:$dir/other.sock;
        task_openapi_hide on;
        location = /openapi.json { task_openapi; }
        location = /other        { task none; }
        location = /shown        { task none; task_openapi_hide off; }
    }", server => "
    location = /openapi.json { task_openapi title='Two words' version=2.1-x; }
    location = /second.json  { task_openapi title=\"a quote\"; }
    location = /if.json      { task_openapi; if (\$args) { set \$x 1; } }
    $locations
    location = /inside    { internal; task none; }
    location \@named      { task none; }
    location = /hidden    { task_openapi_hide on; task none; }
    location = /status    { task_status; }
    location = /ready     { task_ready; }
    location = /static    { return 204; }
    location /same        { task none; }
    location = /same      { quick; }
    location = /first     { task none; }
    location ~ ^/first\$   { quick; }
    location ~ ^/r1/(\\w+)\$ { quick; }
    location = /if        { task none; if (\$args) { set \$x 1; } }
    location = /except    { task item id=1; limit_except GET { deny all; } }
    location = /A-b.c     { task none; }
    location = /a_b/c     { task none; }
    location = /a/b/c     { task none; }
    location /j1          { task_jobs zone=jobs; }
    location ~ ^/j2/      { task_jobs zone=jobs; }
    location ~ ^/j3/(?<x>\\w+)/([0-9a-f]+)\$ { task_jobs zone=jobs; }
    location = /j4        { task_jobs zone=jobs; }
    $many");

same($doc->{info}, '{"title":"Two words","version":"2.1-x"}', 'title, version');

for (@paths) {
    my ($location, $task, $path) = @$_;

    if (defined $path) {
        ok(exists $doc->{paths}{$path}, "$location is $path");

    } else {
        like($s->text('error.log') || $s->text('stderr.log'),
             qr/\[notice\].*\Q$location\E?" cannot be told as a path, and is not in the document of "task_openapi" in/,
             "$location") if $location =~ s/^~ //;
    }
}

my %known = map { ($_->[2] // '') => 1 } @paths;
is(join(' ', grep !$known{$_} && !m{^/many/}, sort keys %{$doc->{paths}}),
   join(' ', sort qw(/same /first /if /except /A-b.c /a_b/c /a/b/c /j1/{id}
        /j1/{id}/result /j2/{id} /j3/{x}/{id})), 'no other paths');
is(scalar(grep m{^/many/}, keys %{$doc->{paths}}), 300, 'many locations');
is(op('get', '/same')->{operationId}, 'quick_same_get', 'an exact one wins');
is(op('get', '/first')->{operationId}, 'none_first_get', 'else the first');
is(op('get', '/r1/{id}')->{operationId}, 'item_r1_id_get',
   'paths that differ in a name are the same');
is(join(' ', map op('get', $_)->{operationId}, '/A-b.c', '/a_b/c', '/a/b/c'),
   'none_a_b_c_get none_a_b_c_get_2 none_a_b_c_get_3', 'each has its own id');
params('get', '/r15/{id}/{2}', qq([["id","path",true,{"type":"string"}],
    ["2","path",true,{"type":"integer","minimum":1}],$more]));
params('get', '/r33/{1}', qq([["1","path",true,{"type":"string"}],$more]));
params('get', '/r6/{any}/{any2}', '[["any","path",true,{"type":"string"}],
    ["any2","path",true,{"type":"string"}]]');
params('delete', '/j3/{x}/{id}', '[["x","path",true,{"type":"string"}],
    ["id","path",true,{"type":"string"}],
    ["forget","query",false,{"type":"boolean"}]]');

my $whole = $raw;
is(read_doc('/second.json')->{info}{title}, 'a quote', 'a second document');
is(scalar keys %{$doc->{paths}}, scalar keys %{$json->decode($whole)->{paths}},
   'of the same paths');
is($s->get('/if.json')->{status}, 200, 'with an "if"');
is($s->get('/if.json?1')->{status}, 200, 'within an "if"');

my $unix = IO::Socket::UNIX->new(Peer => "$dir/other.sock")
           || die "other.sock: $!";
print $unix "GET /openapi.json HTTP/1.0\r\n\r\n";
my $other = do { local $/; <$unix> };
$other =~ s/^.*?\r\n\r\n//s;
is(join(' ', keys %{$json->decode($other)->{paths}}), '/shown',
   'another server; task_openapi_hide is inherited');

stop();


# servers, Cache-Control

my $port = TaskServer->new->{port};
my $second = $port + 1;


for ([ 'an address', "http://127.0.0.1:$port", '' ],
     [ 'a name', "http://x.example:$port", 'server_name x.example;' ],
     [ 'the first name', "http://x.example:$port",
       'server_name x.example www.x.example;' ],
     [ 'a name with a dot', "http://x.example:$port",
       'server_name .x.example;' ],
     [ 'a wildcard', "http://127.0.0.1:$port", 'server_name *.example;' ],
     [ 'a regular expression', "http://127.0.0.1:$port",
       'server_name ~^x;' ],
     [ 'no name', "http://127.0.0.1:$port", 'server_name _;' ],
     [ 'two ports', "http://x.example:$port http://x.example:$second",
       "server_name x.example; listen 127.0.0.1:$second;" ],
     [ 'two addresses of a name', "http://x.example:$port",
       "server_name x.example; listen 127.0.0.2:$port;" ],
     [ 'any address', "http://127.0.0.1:$port", "listen *:$second;" ],
     [ 'a socket', "http://127.0.0.1:$port", "listen unix:$dir/s.sock;" ])
{
    my ($name, $urls, $conf) = @$_;

    start(server => "$conf location = /openapi.json { task_openapi server=on; }");
    is(join(' ', sort map $_->{url}, @{$doc->{servers}}), $urls, $name);
    stop();
}

start(server => 'location = /openapi.json { task_openapi server=off; }
    location = /expires.json { task_openapi; expires 1h; }
    location = /header.json { task_openapi; add_header Cache-Control private; }
    location = /gzip.json { task_openapi; gzip on; gzip_types application/json; }');
ok(!exists $doc->{servers}, 'server=off');
same($doc->{paths}, '{}', 'no paths');
is(join(' ', sort keys %{$doc->{components}{schemas}}),
   'Error HTTPValidationError ValidationError', 'no schemas of jobs');

sub cache {
    my ($uri) = @_;
    return join ', ', $s->get($uri)->{headers} =~ /^Cache-Control: (.*?)\r?$/mg;
}

is(cache('/expires.json'), 'max-age=3600', 'expires');
is(cache('/header.json'), 'private', 'add_header');
$r = $s->get('/gzip.json', headers => "Accept-Encoding: gzip\r\n");
like($r->{headers}, qr/^ETag: W\/"/m, 'what is compressed has a weak ETag');
stop();


# what nginx -t says

$s = TaskServer->new;

sub refused {
    my ($name, $message, $server, %more) = @_;

    my ($ok, $said) = $s->test_conf(server => $server, %more);
    ok(!$ok, "$name: refused");
    like($said, qr/\[emerg\] .*\Q$message\E in \S*nginx\.conf:\d+$/m,
         "$name: message");
}

refused('server=maybe', 'invalid parameter "server=maybe", it must be "on" or "off"',
        'location = /o { task_openapi server=maybe; }');
refused('an option', 'invalid parameter "name=x", it must be "title=", "version=" or "server="',
        'location = /o { task_openapi name=x; }');
refused('twice', 'duplicate parameter "title=b"',
        'location = /o { task_openapi title=a title=b; }');
refused('two of them', '"task_openapi" directive is duplicate',
        'location = /o { task_openapi; task_openapi; }');
refused('another', '"task_openapi" directive conflicts with "quick"',
        'location = /o { quick; task_openapi; }');
refused('in a server', '"task_openapi" directive is not allowed here',
        'task_openapi;');
refused('hide', 'invalid value "maybe" in "task_openapi_hide" directive, it must be "on" or "off"',
        'task_openapi_hide maybe;');

for ([ '{', 'Expecting property name enclosed in double quotes' ],
     [ '', 'Expecting value' ],
     [ '5', 'it is no object' ], [ '[]', 'it is no object' ],
     [ 'null', 'it is no object' ], [ '{} {}', 'Extra data' ],
     [ '{}', undef ], [ 'false', undef ], [ " {\n}\n", undef ])
{
    my ($schema, $wrong) = @$_;

    (my $c = $schema) =~ s/\n/\\n/g;

    open my $out, '>', "$dir/schema.c" or die $!;
    print $out <<"END";
#include <ngx_task.h>

static ngx_task_rc_t
f(ngx_task_t *t)
{
    (void) t;
    return NGX_TASK_OK;
}

static const ngx_task_function_t  functions[] = {
    NGX_TASK_FUNCTION("f", .block = f, .result_schema = "$c")
};

NGX_TASK_LIBRARY("schema", functions, NULL, NULL);
END
    close $out;

    system("gcc -shared -fPIC -Wl,-Bsymbolic -Isrc -o $dir/schema.so $dir/schema.c")
        == 0 or die "gcc";

    if (defined $wrong) {
        refused("result_schema \"$c\"",
                "\"$dir/schema.so\" has a function \"f\" whose result_schema is "
                . "no JSON Schema: $wrong", '', main => "task_load $dir/schema.so;");
    } else {
        my ($ok, $said) = $s->test_conf(main => "task_load $dir/schema.so;");
        ok($ok, "result_schema \"$c\"") or diag $said;
    }
}

done_testing();
