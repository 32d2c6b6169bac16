#!/usr/bin/perl

# Jobs in a Redis by TLS, where hiredis has it: its certificate has to be trusted,
# and to be that of its host.

use strict;
use warnings;

use JSON::PP;
use Test::More;
use Time::HiRes qw(sleep time);

use TaskServer;
use TaskServers;

my $first = $ENV{TEST_NGINX_LOAD_MODULES} // '';
my $module = $first =~ s/_task_module/_task_redis_module/r;
plan skip_all => "needs hiredis: $module" unless -f $module;

local $ENV{TEST_NGINX_LOAD_MODULES} = "$first; load_module $module";

my $redis = redis_start();
my $port = $redis->{port} + 30;
my $web = $redis->{port} + 46;
my $dir = $redis->{dir};

sub conf {
    my ($url, $more) = @_;

    return (port => $web, log_level => 'info', workers => 2,
            http => "task_job_redis name=jobs url=$url lease=2s $more;",
            server => 'task_background on zone=jobs; location = /sleep { task sleep; }
                       location = /ready { task_ready; add_header X-Worker $pid always; } location /jobs/ { task_jobs zone=jobs; }');
}

{
    my ($ok, $said) = TaskServer->new->test_conf(conf("rediss://127.0.0.1:$port", ''));

    if (!$ok) {
        like($said, qr/takes a hiredis with TLS/, 'a hiredis without TLS says so');
        done_testing();
        exit;
    }
}

for my $name ('127.0.0.1', 'other') {
    my $alt = $name =~ /^\d/ ? "IP:$name" : "DNS:$name";
    system("openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=$name "
           . "-addext subjectAltName=$alt -keyout $dir/$name.key -out $dir/$name.crt 2> /dev/null") == 0
        or die 'openssl';
    chmod 0644, "$dir/$name.key";
}

sub engine {
    my ($name) = @_;

    $redis->command('config', 'set', 'tls-cert-file', "$dir/$name.crt", 'tls-key-file',
                    "$dir/$name.key", 'tls-auth-clients', 'no', 'tls-ca-cert-file', "$dir/$name.crt",
                    'tls-port', $port);
}


engine('127.0.0.1');
my $s = TaskServer->start(conf("rediss://127.0.0.1:$port", "ca=$dir/127.0.0.1.crt"));
$s->ready;
my @id = map decode_json($_->{body})->{id}, $s->get_all(('/sleep?duration=100ms') x 50);
is(decode_json($s->get("/jobs/$_?wait=5s")->{body})->{state}, 'done', 'done') for @id;
$redis->command(qw(client kill type normal skipme yes));
my $id = decode_json($s->get('/sleep?duration=100ms')->{body})->{id};
is(decode_json($s->get("/jobs/$id?wait=5s")->{body})->{state}, 'done', 'cut, and done');
my ($code) = $s->stop('QUIT');
is($code, 0, 'exit code');
$s->check_log;

$s = TaskServer->start(conf("rediss://127.0.0.1:$port", "ca=$dir/other.crt"));
ok($s->wait_for(sub { $s->text('error.log') =~ /certificate/ }, 'it', 5), 'one that is not trusted');
is($s->get('/sleep')->{status}, 503, 'is not used');
$s->stop('QUIT');

engine('other');
$s = TaskServer->start(conf("rediss://127.0.0.1:$port", "ca=$dir/other.crt"));
ok($s->wait_for(sub { $s->text('error.log') =~ /certificate/ }, 'it', 5), 'one of another host');
is($s->get('/sleep')->{status}, 503, 'is not used');
$s->stop('QUIT');

done_testing();
