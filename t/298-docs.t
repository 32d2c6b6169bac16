#!/usr/bin/perl

# The examples of README.md and docs/: each of nginx.conf passes nginx -t, each
# one in C is compiled without a warning, and the first one is what `make new`
# writes.

use strict;
use warnings;

use Test::More;

use TaskServer;

my $s = TaskServer->new;
my $flags = '-Wall -Wextra -Werror -Wno-unused-function -fPIC -Isrc';
my $tasks = $ENV{TEST_NGINX_TASKS};

# a library of docs/ by its name: its file

my %built;

# what stands where; all else stands in http, or in server if it was found there;
# and outside of http if the example has one

my %main = map { $_ => 1 } qw(task_load task_shutdown_timeout thread_pool env);
my %left_out = map { $_ => 1 } qw(load_module events listen);

my $quoted = qr/'[^']*'|"[^"]*"/;
my $block = qr/(\{(?:[^{}'"]++|$quoted|(?-1))*\})/;

sub examples {
    my ($file, $language) = @_;

    open my $in, '<', $file or die "$file: $!";
    my $text = do { local $/; <$in> };
    close $in;

    return $text =~ /^```$language\n(.*?)^```$/msg;
}

sub place {
    my ($text, $level, $conf) = @_;

    $text =~ s/#.*$//mg;

    while ($text =~ /\G\s*((\w+)((?:[^;{}'"]|$quoted)*)(?:;|$block))/gc) {
        my ($statement, $name, $body) = ($1, $2, $4);

        if ($name eq 'http' || $name eq 'server') {
            place(substr($body, 1, -1), $name, $conf);

        } elsif (!$left_out{$name}) {
            my $where = $main{$name} ? 'main'
                        : $name eq 'location' ? 'server' : $level;
            $conf->{$where} .= "$statement\n";
        }
    }

    fail("cannot be read: $1") if $text =~ /\G\s*(\S.*)/gcs;
}

sub checked {
    my ($name, $example) = @_;

    my %conf = (main => '', http => '', server => '');
    place($example, $example =~ /^http \{/m ? 'main' : 'http', \%conf);

    $conf{main} =~ s{build/tasks/}{$tasks/}g;
    $conf{main} =~ s{/\S+/(\w+)\.so\b}{$built{$1} // $&}ge;
    $conf{http} .= "task_job_zone jobs:1m;\n"
        if "$conf{http}$conf{server}" =~ /zone=jobs/
           && $conf{http} !~ /task_job_(?:zone|redis)/;

    my $modules = $ENV{TEST_NGINX_LOAD_MODULES};

    if ($conf{http} =~ /task_job_redis/) {
        my $redis = $modules =~ s/_task_module/_task_redis_module/r;

        if (!-f $redis) {
          SKIP: { skip 'needs hiredis', 1 }
            return;
        }

        $modules .= "; load_module $redis";
    }

    local $ENV{TEST_NGINX_LOAD_MODULES} = $modules;

    # another program takes the place of one that is not installed

    $conf{server} =~ s{program=(/\S+)}{-x $1 ? $& : 'program=/bin/true'}ge;

    my ($ok, $said) = $s->test_conf(%conf);

    ok($ok, "$name: passes nginx -t") or diag "$example$said";

    return %conf;
}

sub compiled {
    my ($name, $example, $output) = @_;

    $example = "#include <ngx_task.h>\nstatic ngx_task_rc_t f(ngx_task_t *t) {\n"
               . "$example return NGX_TASK_OK; }\n" if $example !~ /#include/;

    open my $out, '>', "$s->{root}/example.c" or die $!;
    print $out $example;
    close $out;

    is(system("gcc $flags -shared -Wl,-Bsymbolic -o $s->{root}/$output "
              . "$s->{root}/example.c"), 0, "$name: is compiled");

    $built{$1} = "$s->{root}/$output" if $example =~ /NGX_TASK_LIBRARY\w*\("(\w+)"/;
}

my $auth = `$ENV{TEST_NGINX_BINARY} -V 2>&1` =~ /with-http_auth_request_module/;
my @files = ('README.md', glob 'docs/*.md');
my $count = 0;

for my $file (@files) {
    my $n = 0;

    compiled("$file, C, " . ++$n, $_, 'example-' . ++$count . '.so')
        for examples($file, 'c');
}

for my $file (@files) {
    my $n = 0;

    for my $example (examples($file, 'nginx')) {
        $n++;
        next if $example =~ /auth_request/ && !$auth;

        checked("$file, nginx.conf, $n", $example);
    }
}

# what docs/functions.md tells of its library with settings

my ($mail) = grep /task_load.*mail/, examples('docs/functions.md', 'nginx');
my %conf = checked('mail', $mail);
my $run = TaskServer->start(%conf);

is($run->get('/contact')->{body},
   '{"to":"office@example.com","by":"smtp.example.com","port":587}', 'mail: the answer');
$run->stop('QUIT');

$conf{main} =~ s/task_set.*//;
my ($ok, $said) = $s->test_conf(%conf);
like($said, qr/\Qtask library "mail" has no "server": add "task_set mail.server ...;" in/,
     'mail: without its server');

$conf{main} .= 'task_set mail.server s; task_set mail.user u;';
($ok, $said) = $s->test_conf(%conf);
like($said, qr/task library "mail": "user" and "password" go together in/, 'mail: check()');

# but for comments and empty lines

sub lines {
    my ($text) = @_;

    $text =~ s{/\*.*?\*/}{}sg;
    return join "\n", grep /\S/, split /\n/, $text;
}

open my $in, '<', 'util/first/first.c' or die "util/first/first.c: $!";
my $written = do { local $/; <$in> };
my ($first) = examples('README.md', 'c');
is(lines($first), lines($written), 'the first task');

open $in, '<', 'conf/tasks/photo.c' or die "conf/tasks/photo.c: $!";
my $photo = do { local $/; <$in> };
my ($shown) = grep /photo_args_t/, examples('docs/functions.md', 'c');
is(lines($shown), lines($photo), 'lists, objects and files');

done_testing();
