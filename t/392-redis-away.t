#!/usr/bin/perl

# Jobs in a Redis that goes, comes back, hangs, refuses, or forgets all.

use strict;
use warnings;

use JSON::PP;
use List::Util qw(max);
use Test::More;
use Time::HiRes qw(sleep time);

use TaskRedis;
use TaskServer;
use TaskServers;

my $first = $ENV{TEST_NGINX_LOAD_MODULES} // '';
my $module = $first =~ s/_task_module/_task_redis_module/r;
plan skip_all => "needs hiredis: $module" unless -f $module;

local $ENV{TEST_NGINX_LOAD_MODULES} = "$first; load_module $module";

# with "everysec" an engine that is killed may have answered, and written nothing;
# with "no" it writes at once, and the kernel keeps it

my $redis = redis_start(appendonly => 'yes', appendfsync => 'no');
my $port = $redis->{port} + 41;
my ($s, $r, $id, $code, $took, @r);

sub conf {
    my (%o) = @_;
    my $url = $o{url} // "redis://127.0.0.1:$redis->{port}";

    return (port => $port, workers => $o{workers} // 2, log_level => 'info',
            http => "task_job_redis name=jobs url=$url lease=2s $o{redis};",
            server => '
        task_background on zone=jobs;
        location = /sleep   { task sleep; }
        location = /ready   { task_ready; add_header X-Worker $pid always; }
        location /jobs/     { task_jobs zone=jobs; }
');
}

sub start { my (%o) = @_; return TaskServer->start(conf(redis => '', %o)) }

# all of its workers say so

sub id { return decode_json($_[0]{body})->{id} // die "no job: $_[0]{body}" }
sub job { my ($s, $id) = @_; return decode_json($s->get("/jobs/$id?wait=" . ($_[2] // 0))->{body}) }
sub said { my ($s, $regex) = @_; return scalar(() = $s->text('error.log') =~ /$regex/g) }

# TEST 1: killed, and started again; a job that runs goes on

$s = start();
$s->ready;
$id = id($s->get('/sleep?duration=1s'));
my $waits = $s->open("/jobs/$id?wait=10s");
sleep(0.2);
$redis->kill9;
sleep(1.5);
$r = $s->get('/sleep?duration=0');
is($r->{status}, 503, 'killed: no job is accepted');
like($r->{headers}, qr/^Retry-After: \d/m, 'and when to come again');
cmp_ok($r->{total} // $r->{time}, '<', 0.5, 'at once');
is($s->get('/ready')->{status}, 503, 'task_ready');
cmp_ok(said($s, qr/Connection refused/), '<=', 2, 'logged once by each worker');
$redis->start_again;
my $time = time();
$s->ready;
cmp_ok(time() - $time, '<', 6, 'it is there again');
is(job($s, $id, '5s')->{state}, 'done', 'the job that ran has told its end');
is(decode_json($s->read($waits)->{body})->{state}, 'done', 'who waited learns of it');
is(said($s, qr/it is there again/), 2, 'logged');
is(job($s, id($s->get('/sleep?duration=0')), '5s')->{state}, 'done', 'a new job');
my $e = TaskRedis->new(port => $redis->{port});
$e->audit;

# TEST 2: connections are cut, again and again, under load: each job ends once

my @ids;
for (1 .. 30) {
    push @ids, map id($_), grep $_->{status} == 202,
                           $s->get_all(('/sleep?duration=10ms') x 20);
    $redis->command(qw(client kill type normal skipme yes)) if $_ % 2;
    $redis->command(qw(client kill type pubsub)) if $_ % 3 == 0;
}
cmp_ok(scalar @ids, '>=', 300, scalar @ids . ' jobs');
my %state;
$state{job($s, $_, '10s')->{state}}++ for @ids;
is_deeply(\%state, { done => scalar @ids }, 'cut: each is done');
$e->connect;
$e->audit;
is(scalar @{ $e->command('ZRANGE', '{task-jobs}:leases', 0, -1) }, 2, 'two workers');

# TEST 3: killed and started again under load: what was accepted ends

@ids = ();
for (1 .. 5) {
    push @ids, map id($_), grep $_->{status} == 202,
                           $s->get_all(('/sleep?duration=50ms') x 50);
    $redis->kill9;
    sleep(0.1 * $_);
    $redis->start_again;
    $s->ready;
}
cmp_ok(scalar @ids, '>=', 150, scalar @ids . ' jobs');
%state = ();
$state{job($s, $_, '10s')->{state}}++ for @ids;
is_deeply(\%state, { done => scalar @ids }, 'killed: each is done');
$e->connect;
$e->audit;

# TEST 4: it hangs: all is answered within a bounded time

$id = id($s->get('/sleep?duration=300ms'));
$s->get("/jobs/$id?wait=3s");
kill 'STOP', $redis->{pid};
$time = time();
@r = $s->get_all('/sleep?duration=0', "/jobs/$id", "/jobs/$id?wait=20s");
is(join(' ', map $_->{status}, @r), '503 500 500', 'hangs: no job, nothing is known');
cmp_ok(time() - $time, '<', 13, 'in bounded time: ' . (time() - $time));
ok($s->wait_for(sub { !$s->is_ready }, 'task_ready', 5), 'task_ready');
like($s->text('error.log'), qr/no answer in time/, 'logged');
kill 'CONT', $redis->{pid};
$s->ready;
is(job($s, id($s->get('/sleep?duration=0')), '5s')->{state}, 'done', 'and goes on');
$e->audit;

# TEST 5: scripts are dropped; it is full; it becomes a replica

$redis->command(qw(script flush));
sleep(0.3);
is(job($s, id($s->get('/sleep?duration=0')), '5s')->{state}, 'done', 'without its scripts');

$id = id($s->get('/sleep?duration=500ms'));
sleep(0.1);
$redis->command(qw(config set maxmemory 1));
$r = $s->get('/sleep?duration=0');
is($r->{status}, 503, 'full: no job');
like($s->text('error.log'), qr/OOM command not allowed/, 'as it says');
like($s->text('error.log'), qr/no room for a job in zone "jobs": it is full/, 'logged');
is(job($s, $id, '5s')->{state}, 'done', 'one that runs is done');
$redis->command(qw(config set maxmemory 0));
is(job($s, id($s->get('/sleep?duration=0')), '5s')->{state}, 'done', 'it has room again');

$id = id($s->get('/sleep?duration=500ms'));
sleep(0.1);
$redis->command(qw(replicaof 127.0.0.1 1));
$s->wait_for(sub { !$s->is_ready }, 'it to be seen');
sleep(1.1);
is($s->get('/sleep?duration=0')->{status}, 503, 'a replica takes no job');
like($s->text('error.log'), qr/READONLY .*: it is a replica/, 'logged');
$redis->command(qw(replicaof no one));
$s->ready;
is(job($s, $id, '5s')->{state}, 'done', 'the job that ran is done');

# TEST 6: it has forgotten all

$id = id($s->get('/sleep?duration=1s'));
sleep(0.2);
$redis->command('flushall');
sleep(2.5);
$s->ready;
is($s->get("/jobs/$id")->{status}, 404, 'forgotten');
like($s->text('error.log'), qr/job $id is not this worker's any more/, 'logged');
is(job($s, id($s->get('/sleep?duration=0')), '5s')->{state}, 'done', 'a new job');
$e->audit;

# TEST 7: a worker quits while it is away

$id = id($s->get('/sleep?duration=500ms'));
sleep(0.1);
$redis->stop;
($code, $took) = $s->stop('QUIT');
is($code, 0, 'quit while it is away: exit code');
cmp_ok($took, '<', 15, "in $took s");
$s->check_log;
$redis->start_again;
$e->connect;

# TEST 8: passwords

my $file = "$redis->{dir}/password";
sub write_file { open my $out, '>', $file; print $out "$_[0]\n"; close $out }

$e->command('ACL', 'SETUSER', 'nginx', 'on', '>secret', '~{task-jobs}:*', 'resetchannels',
            '&{task-jobs}:*', '+@all', '-@dangerous', '+info');
$e->command(qw(config set requirepass other));

$s = start();
$s->wait_for(sub { said($s, qr/NOAUTH .* it wants a password/) == 2 }, 'the log', 5);
is($s->get('/sleep?duration=0')->{status}, 503, 'no password');
$s->stop('QUIT');
$s->check_log;
write_file('wrong');
$s = start(redis => "password_file=$file");
$s->wait_for(sub { said($s, qr/WRONGPASS .* the user or the password is wrong/) == 2 }, 'the log', 5);
$s->stop('QUIT');
$s->check_log;
write_file('other');
$s = start(redis => "password_file=$file");
$s->ready;
is(job($s, id($s->get('/sleep?duration=0')), '5s')->{state}, 'done', 'the password');
$s->stop('QUIT');
$s->check_log;
write_file('secret');
$s = start(redis => "password_file=$file", url => "redis://nginx\@localhost:$redis->{port}");
$s->ready;
is(job($s, id($s->get('/sleep?duration=0')), '5s')->{state}, 'done', 'a user with few rights')
    or diag($s->text('error.log'));
($code) = $s->stop('QUIT');
is($code, 0, 'exit code');
$s->check_log;

# TEST 9: what nginx -t says

$s = TaskServer->new(conf(redis => ''));

sub wrong {
    my ($text, $regex) = @_;

    my ($ok, $said) = $s->test_conf(http => $text);
    ok(!$ok, "refused: $text");
    like($said, $regex, 'as it says');
}

wrong('task_job_redis name=jobs ttl=1h;', qr/must have "name" and "url"/);
wrong("task_job_redis name=jobs url=$_;", qr/invalid url "\Q$_\E": /)
    for qw(x http://a redis:// redis://127.0.0.1/x unix: unix:/a:x unix:/a@b:x
           redis://127.0.0.1:99999);

# one of another build

(my $text = do { local $/; open my $in, '<', $module or die; <$in> }) =~ s/(?<=\0)\d+\.\d+\.\d+(?=\0)/0.0.1/g;
open my $copy, '>', "$redis->{dir}/other.so" or die;
print $copy $text;
close $copy;

{
    local $ENV{TEST_NGINX_LOAD_MODULES} = "$first; load_module $redis->{dir}/other.so";
    wrong('', qr/is of version \S+, and ngx_http_task_module.so, as it is loaded, of another one: restart nginx/);
}

# a password is not logged

for (qw(redis://u:pw@127.0.0.1 http://u:pw@127.0.0.1 rediss://:p@pw@127.0.0.1)) {
    my ($ok, $said) = $s->test_conf(http => "task_job_redis name=jobs url=$_;");
    ok(!$ok, "refused: $_");
    like($said, qr/invalid url "127\.0\.0\.1": /, 'as it says');
    unlike($said, qr/pw/, 'without the password');
}
wrong("task_job_redis name=jobs url=redis://127.0.0.1 $_;", qr/invalid/)
    for qw(ttl=0 ttl=x lease=10ms attempts=0 attempts=101 max_body=1g max_result=x prefix=abc x=y);
wrong('task_job_redis name=jobs url=redis://127.0.0.1 password_file=/none;', qr/No such file/);
wrong('task_job_redis name=jobs url=redis://nginx@127.0.0.1;',
      qr/the user "nginx" in "url" needs a "password_file"/);
wrong('task_job_redis name=jobs url=redis://127.0.0.1 ca=/none;',
      qr/"ca" needs an "url" that begins with "rediss:\/\/"/);
wrong('task_job_redis name=a url=redis://127.0.0.1; task_job_zone a:1m;', qr/duplicate zone "a"/);

{
    local $ENV{TEST_NGINX_LOAD_MODULES} = $module;
    wrong('', qr/needs ngx_http_task_module.so, which must be loaded before it/);
}
{
    local $ENV{TEST_NGINX_LOAD_MODULES} = "$module; load_module $first";
    wrong('', qr/needs ngx_http_task_module.so, which must be loaded before it/);
}

done_testing();
