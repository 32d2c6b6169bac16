#!/usr/bin/perl

# Documents of "task_openapi" are valid, as a validator sees them: those of each
# configuration in conf/, and one of a library with all that a table can say.

use strict;
use warnings;

use File::Copy qw(copy);
use File::Path qw(make_path);
use File::Temp qw(tempdir);
use Test::More;

use TaskServer;

# "make test" puts it there if it can; where nothing may be left out, it has to

my $validator = "$ENV{TEST_NGINX_TASKS}/../openapi";

if (!-d "$validator/node_modules") {
    plan(skip_all => 'there is no validator of OpenAPI') unless $ENV{CI};
    plan(tests => 1);
    fail('there is a validator of OpenAPI');
    exit;
}

copy('t/openapi/check.js', "$validator/check.js") or die "check.js: $!";

my $dir = tempdir(CLEANUP => 1);

# what the validator says of documents, a line of each

sub said {
    my @files;

    for my $document (@_) {
        push @files, "$dir/document" . @files;
        open my $out, '>', $files[-1] or die $!;
        print $out $document;
        close $out;
    }

    my @said = split /\n/, `node $validator/check.js @files 2>&1`;
    return wantarray ? @said : $said[0];
}

# it sees what is wrong

my $right = '{"openapi":"3.1.0","info":{"title":"x","version":"1"},"paths":{
    "/a/{id}":{"get":{"operationId":"a","parameters":[{"name":"id","in":"path",
    "required":true,"schema":{"type":"integer","default":1}}],"responses":{
    "200":{"description":"x"}}}}}}';

is(said($right), 'ok', 'a document');

my @wrong = (
    [ 'no title', '"title":"x",', '', qr/title/ ],
    [ 'another version', '3\.1\.0', '3.0.3', qr/version 3\.0/ ],
    [ 'no status', '"200":', '"2000":', qr/responses/ ],
    [ 'no description', '"description":"x"', '', qr/responses/ ],
    [ 'another name in the path', '\{id\}', '{name}', qr/other parameters/ ],
    [ 'a part that is not required', 'true', 'false', qr/not required/ ],
    [ 'another place', '"in":"path"', '"in":"body"', qr/parameters/ ],
    [ 'a wrong schema', '"integer"', '"int"', qr/type must be/ ],
    [ 'a wrong default', '"default":1', '"default":"x"', qr/default/ ],
    [ 'a reference', '\{"type":"integer","default":1\}',
      '{"$ref":"#/components/schemas/X"}', qr/leads nowhere/ ],
    [ 'a pattern', '"default":1', '"pattern":"("', qr/regular expression/i ],
);

my @said = said(map {
    my ($name, $from, $to) = @$_;
    (my $document = $right) =~ s/$from/$to/ or die $name;
    $document;
} @wrong);

is(scalar @said, scalar @wrong, 'a line of each');
like($said[$_], $wrong[$_][3], $wrong[$_][0]) for 0 .. $#wrong;

sub document {
    my ($name, %conf) = @_;

    my $s = TaskServer->new(%conf);
    make_path("$s->{root}/build/run");
    $s->start;

    my $r = $s->get('/openapi-of-the-test.json');
    is($r->{status}, 200, "$name: a document");
    is(said($r->{body}), 'ok', "$name: it is valid");

    my ($code) = $s->stop('QUIT');
    is($code, 0, "$name: exit code");

    return $r->{body};
}

# the configurations that can be served; the first server of each

for my $file (glob 'conf/*.conf') {
    open my $in, '<', $file or die "$file: $!";
    my $text = do { local $/; <$in> };
    close $in;

    next unless $text =~ /^events/m;

    # one with jobs in Redis answers without an engine, too

    local $ENV{TEST_NGINX_LOAD_MODULES} = $ENV{TEST_NGINX_LOAD_MODULES};

    if ($text =~ /task_job_redis/) {
        my $redis = $ENV{TEST_NGINX_LOAD_MODULES} =~ s/_task_module/_task_redis_module/r;

        next unless -f $redis;

        $ENV{TEST_NGINX_LOAD_MODULES} .= "; load_module $redis" if TaskServer::zone();
        $text =~ s/127\.0\.0\.1:6379/127.0.0.1:1/g;
    }

    my $port = TaskServer->new->{port};

    $text =~ s/(listen +127\.0\.0\.1:)\d+;/$1$port;
        location = \/openapi-of-the-test.json { task_openapi server=on; }/
        or die "$file: no listen";

    $text =~ s{build/tasks}{$ENV{TEST_NGINX_TASKS}}g;
    $text =~ s/^worker_rlimit_nofile.*$//mg;

    document($file, text => $text);
}

# all that a table can say, in each place

my $document = document('everything',
    main => "task_load $ENV{TEST_NGINX_TASKS}/test/openapi.so;",
    http => 'task_job_zone jobs:1m;', server => '
        server_name x.example;
        location = /openapi-of-the-test.json {
            task_openapi "title=\"all\" \\ of it" version=2 server=on; }
        location = /plain  { task plain; task_limit running=1 queue=1 wait=1s;
                             task_timeout 1s; task_background prefer zone=jobs; }
        location = /bounds { task bounds; task_mode sync;
                             task_param later max=2s; }
        location = /nested { task nested; task_background on zone=jobs; }
        location = /upload { task upload; }
        location = /forms  { task forms; }
        location = /image  { task image; }
        location = /raw    { task raw; }
        location = /none   { task none; }
        location ~ ^/items/(\d+)$ { task item id=$1; }
        location ~ ^/(?<x>\w+)/.*/(\d+)$ { task item id=$2 q=$http_x_q; }
        location = /from   { task plain text=$http_x_text n=$arg_n on=$arg_n
                             color=$cookie_color wait=$http_x_TEXT; }
        location = /lists  { task nested numbers=$arg_n owner=$http_x_owner; }
        location = /program { task command program=/bin/cat;
            task_param how type=enum choices=a,b default=b; }
        location "/odd {path}%/" { task none; }
        location /A_b      { task none; }
        location /a-b      { task none; }
        location /jobs/    { task_jobs zone=jobs; }
        location = /quick  { quick "[\"\\ud83d\\ude00\", 1e300]"; }');

cmp_ok(() = $document =~ /"operationId"/g, '>', 25, 'many operations');

done_testing();
