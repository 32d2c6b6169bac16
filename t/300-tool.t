#!/usr/bin/perl

# nginx-task, make run, make cluster: what is built and served in a terminal,
# what they say when it cannot be, and that nothing is left of it.

use strict;
use warnings;

use Cwd qw(getcwd);
use File::Path qw(make_path);
use File::Temp qw(tempdir);
use HTTP::Tiny;
use IO::Socket::INET;
use POSIX qw(WNOHANG);
use Test::More;
use Time::HiRes qw(sleep time);

my $root = getcwd();
my $nginx = $ENV{TEST_NGINX_BINARY} || 'nginx';
my $port = ($ENV{TEST_NGINX_PORT} || 1984) + 300;
my $dir = tempdir(CLEANUP => 1) . '/my functions';

plan skip_all => 'the module is not built here' unless -f "$root/build/obj/stamp";
plan skip_all => 'built to another place' if ($ENV{MAKEFLAGS} // '') =~ /\bBUILD=/;

make_path($dir);
chmod 0755, "$dir/..";

delete @ENV{qw(MAKELEVEL MAKEFLAGS NGINX)};
$ENV{TASK_NGINX} = $nginx;
$ENV{TASK_MODULE} = $ENV{TEST_NGINX_LOAD_MODULES};
$ENV{TERM} = 'dumb';

my %live;

END {
    local $?;
    kill 'KILL', keys %live;
}

sub slurp {
    my ($file) = @_;

    open my $in, '<', $file or die "$file: $!\n";
    local $/;
    return scalar <$in>;
}

sub spew {
    my ($file, $text) = @_;

    open my $out, '>', "$file.part" or die "$file: $!\n";
    print $out $text;
    close $out or die "$file: $!\n";
    rename "$file.part", $file or die "$file: $!\n";
}

sub change {
    my ($file, $from, $to) = @_;

    my $text = slurp($file);
    $text =~ s/\Q$from\E/$to/ or die "no \"$from\" in $file\n";
    spew($file, $text);
}

# what a command says that ends by itself, and whether it is content

sub said {
    my ($where, $command) = @_;

    my $text = `cd '$where' && { $command; } 2>&1 < /dev/null`;

    return ($? == 0, $text);
}

# a command that goes on, in a terminal of its own or in none

sub begin {
    my ($where, $command, $terminal) = @_;

    my $log = tempdir(CLEANUP => 1) . '/log';
    my $pid = fork() // die "fork: $!\n";

    # a shell of the background leaves it ignored

    if ($pid == 0) {
        $SIG{INT} = 'DEFAULT';
        chdir $where or die "$where: $!\n";
        open STDIN, '<', '/dev/null';
        open STDOUT, '>', $terminal ? '/dev/null' : $log;
        open STDERR, '>&', \*STDOUT;
        exec 'script', '-qfc', $command, $log if $terminal;
        exec "exec env $command";
    }

    $live{$pid} = 1;
    return { pid => $pid, log => $log, read => 0 };
}

sub wait_for {
    my ($condition, $what) = @_;

    for (my $until = time() + 20; time() < $until; sleep(0.02)) {
        if ($condition->()) {
            return pass($what);
        }
    }

    return fail($what);
}

# something that it has not said before

sub says {
    my ($it, $what) = @_;

    wait_for(sub {
        my $text = -f $it->{log} ? slurp($it->{log}) : '';

        pos($text) = $it->{read};
        return $text =~ /$what/g && ($it->{read} = pos $text);

    }, "it says: $what") or diag slurp($it->{log});
}

sub answers {
    my ($port, $path, $text) = @_;

    my $http = HTTP::Tiny->new(timeout => 5);
    wait_for(sub { $http->get("http://127.0.0.1:$port$path")->{content} eq $text },
             "$path answers $text");
}

sub listens {
    return IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $_[0]);
}

sub ends {
    my ($it, $signal, $pid_file, @ports) = @_;

    chomp(my $master = slurp($pid_file));

    kill $signal, $it->{pid};
    waitpid($it->{pid}, 0);
    delete $live{$it->{pid}};
    $it->{code} = $?;

    wait_for(sub { !kill(0, $master) && !grep listens($_), @ports },
             "SIG$signal: no nginx is left");
}


# a function of one's own, in a terminal that is closed in the end

my $task = "PORT=$port sh $root/util/nginx-task";
my $c = "$dir/first/first.c";
my $conf = "$dir/first/nginx.conf";

my $it = begin($dir, "$task new first", 'terminal');

answers($port, '/first?name=you', '{"hello":"you"}');
says($it, qr/^workers run as .*^serving .*^a page .*^or, in another shell:/ms) if $> == 0;
says($it, qr{curl 'http://127\.0\.0\.1:$port/first\?name=you'});

my ($ok, $text) = said($dir, "$task new other");
ok(!$ok, 'a port that is taken');
like($text, qr/^port $port is taken by another process: PORT=9000 /, 'is told');
ok(!-e "$dir/other", 'before anything is written');

change($c, '"hello"', '"welcome"');
answers($port, '/first', '{"welcome":"world"}');
says($it, qr/reloaded/);

change($c, '"welcome"', '"never" oops');
says($it, qr/first\.c:\d+:\d+: error: .*not reloaded: still serving the one before/s);
answers($port, '/first', '{"welcome":"world"}');

change($c, '"never" oops', '"again"');
answers($port, '/first', '{"again":"world"}');

change($conf, 'task  first;', 'task  frist;');
says($it, qr/unknown task function "frist".*not reloaded: still serving/s);
answers($port, '/first', '{"again":"world"}');

change($conf, 'task  frist;', 'task  first name=conf;');
answers($port, '/first', '{"again":"conf"}');

# what only the master finds

change($conf, 'tasks:1m', 'tasks:2m');
says($it, qr/cannot be changed by a reload.*not reloaded: still serving/s);
change($conf, 'tasks:2m', 'tasks:1m');

# a crash: whose it was, and the line

change($c, '    ngx_task_set_string', "    __builtin_trap();\n    ngx_task_set_string");
wait_for(sub {
    HTTP::Tiny->new(timeout => 5)->get("http://127.0.0.1:$port/first");
    return slurp($it->{log}) =~ /crashed/;
}, 'a crash');
says($it, qr/task "first" crashed, signal 4 \(SIGILL\).*^    first at first\.c:\d+/ms);
change($c, '    __builtin_trap();', '');
answers($port, '/first', '{"again":"conf"}');

ends($it, 'KILL', "$dir/first/tmp/nginx.pid", $port);
ok(!-e "$dir/first/first.so.new", 'nor a half-built library');

my $before = slurp($c);
($ok, $text) = said($dir, "$task new first");
ok(!$ok, 'once more');
like($text, qr{^first is there already; to serve it: \S+ run first/first\.c$}m, 'is told');
is(slurp($c), $before, 'and nothing is overwritten');

for (['int', 'means something else in C'], ['1st', 'is no name'],
     ['a-b', 'is no name'], ['../up', 'is no name'], ["''", 'is no name'])
{
    my ($name, $why) = @$_;

    ($ok, $text) = said($dir, "$task new $name");
    ok(!$ok && $text =~ /\Q$why\E/, "new $name: $why") or diag $text;
}

# moved, and with another nginx.conf that is not touched

rename "$dir/first", "$dir/moved" or die $!;
change("$dir/moved/nginx.conf", 'name=conf', 'name=moved');
$it = begin($dir, "$task run moved/first.c");
answers($port, '/first', '{"again":"moved"}');
ends($it, 'TERM', "$dir/moved/tmp/nginx.pid", $port);
is($it->{code}, 0, 'code 0');


# a library in two files, one of them elsewhere; its first build fails

make_path("$dir/two", "$dir/lib");

my $two = slurp("$root/util/first/first.c");
$two =~ s/first/two/g;
$two =~ s/("hello"), args->name/$1, other(args->name)/;
$two =~ s/^(static ngx_task_rc_t)/const char *other(const char *name);\n\n$1/m;
spew("$dir/two/two.c", $two);

my $other = "const char *other(const char *name);\n"
            . "const char *other(const char *name) { return name + 1; }\n";
spew("$dir/lib/other.c", "$other oops");

$it = begin($dir, "$task run two/two.c lib/other.c -lm");
says($it, qr{wrote .*/two/nginx\.conf});
says($it, qr{lib/other\.c:.*error:.*not served; it is built again}s);

spew("$dir/lib/other.c", $other);
answers($port, '/two', '{"hello":"orld"}');

change("$dir/lib/other.c", '+ 1', '+ 2');
answers($port, '/two', '{"hello":"rld"}');

# nginx that ends by itself

kill 'QUIT', slurp("$dir/two/tmp/nginx.pid");
says($it, qr/^nginx has ended$/m);
waitpid($it->{pid}, 0);
delete $live{$it->{pid}};
isnt($?, 0, 'and so does what started it');

# killed outright

$it = begin($dir, "$task run two/two.c lib/other.c");
answers($port, '/two', '{"hello":"rld"}');
ends($it, 'KILL', "$dir/two/tmp/nginx.pid", $port);


# with a library of its own

make_path("$dir/pictures");
spew("$dir/pictures/thumbnail.c", slurp("$root/conf/tasks/thumbnail.c"));

$it = begin($dir, "$task run pictures/thumbnail.c -lgd");
answers($port, '/thumbnail', '{"detail":"Method Not Allowed"}');
ends($it, 'INT', "$dir/pictures/tmp/nginx.pid", $port);


# make run

my $make = join ' ', 'make --no-print-directory',
                map "$_='$ENV{$_}'", grep $ENV{$_}, qw(NGX NGX_SRC NGX_CONFIGURE);
my $run = "$make run";

($ok, $text) = said($root, "$run CONF=nope");
ok(!$ok, 'a configuration that there is not');
like($text, qr/^there is no conf\/nope\.conf; there are: async, (?:cluster(?:-jobs)?, ){2}command, functions, /,
     'is told first');

my $p = $port + 1;

$it = begin($root, "$run CONF=conf/async.conf PORT=$p", 'terminal');
answers($p, '/quick', '{"status":"quick response"}');
says($it, qr/^workers run as /m) if $> == 0;
says($it, qr{^ +curl http://127\.0\.0\.1:$p/task\r?$}m);

($ok, $text) = said($root, "$run CONF=async PORT=$p");
ok(!$ok, 'a port that is taken');
like($text, qr/^port $p is taken by another process: make run CONF=async PORT=9000\n/,
     'is told');

ends($it, 'KILL', "$root/build/run/async-$p.pid", $p);

# an nginx of the environment that is Debian's changes nothing of the build

my $module = "$root/build/ngx_http_task_module.so";
my $built = (stat $module)[9];

$it = begin($root, ($ENV{NGX} || system('command -v dpkg-query > /dev/null')
                     ? '' : 'NGX=/usr/sbin/nginx ') . "$run CONF=async PORT=$p");
answers($p, '/quick', '{"status":"quick response"}');
ends($it, 'TERM', "$root/build/run/async-$p.pid", $p);
is((stat $module)[9], $built, 'and the module is not built anew');

SKIP: {
    my @ports = 8140 .. 8143;
    skip 'something listens on 8140 to 8143', 1 if grep listens($_), @ports;

    $it = begin($root, "$make cluster", 'terminal');
    says($it, qr{curl http://127\.0\.0\.1:8143/status});
    answers(8140, '/task?duration=1ms', '{"status":"long_running task completed"}');
    ends($it, 'KILL', "$root/build/run/cluster.pid", @ports);
}

SKIP: {
    my @ports = (8090, 8100 .. 8138);
    skip 'something listens on the ports of the lab', 1 if grep listens($_), @ports;

    $it = begin($root, "$make lab", 'terminal');
    says($it, qr{^the lab, until Ctrl-C, is at  http://127\.0\.0\.1:8090/}m);
    ends($it, 'KILL', "$root/build/run/lab-page.pid", @ports);
}


# the configurations

my %pids;

for my $file (map { chomp; $_ } `cd $root && grep -l '^events' conf/*.conf conf/lab/*.conf`) {
    my $text = slurp($file);

    my ($pid) = $text =~ /^pid +(build\/run\/\S+\.pid);/m;
    ok($pid && !$pids{$pid}++, "$file: a pid file of its own");
    like($text, qr/^error_log +stderr warn;/m, "$file: error_log");

    next if $text =~ /^load_module +(build\/\S*_redis_\S*);/m && !-f "$root/$1";

    ($ok, $text) = said($root, "$nginx -t -q -p . -c $file -e stderr");
    ok($ok, "$file: nginx -t") or diag $text;
}


# a checkout whose path make cannot take

for my $name ('my task', "it's", 'a$b', 'a:b', 'a#b', 'a"b', 'a`b') {
    my $place = tempdir(CLEANUP => 1) . "/$name";

    make_path("$place/util", "$place/t");
    spew("$place/$_", slurp("$root/$_")) for qw(Makefile util/run.mk t/t.mk);

    open my $make, '-|', 'sh', '-c', 'exec make -C "$1" 2>&1', 'sh', $place or die $!;
    my @lines = grep !/(?:Entering|Leaving) directory/, <$make>;
    ok(!close $make, "$name: not taken");
    is(@lines, 1, 'one line');
    like($lines[0], qr/the path of this checkout has a space or one of .*: move it/,
         'tells why');
    is_deeply([ glob("'$place/../'*") ], [ glob "'$place/../$name'" ], 'nothing is made')
        if $name eq 'my task';
}


# what is installed, and how much, by an apt-get that only says so

my $bin = tempdir(CLEANUP => 1);

spew("$bin/$_->[0]", "#!/bin/sh\n$_->[1]\n"), chmod 0755, "$bin/$_->[0]"
    for [ 'dpkg-query', 'exit 1' ], [ 'sudo', 'exec "$@"' ],
        [ 'apt-get', "echo '0 upgraded, 7 newly installed, 0 to remove.'\n"
                     . "echo 'Need to get 118 MB/120 MB of archives.'\n"
                     . "echo 'After this operation, 452 MB of additional disk space'\n" ];

($ok, $text) = said($root, "PATH=$bin:\$PATH sh util/packages.sh install one two");
ok($ok, 'packages');
is($text, "installing 7 packages: 118 MB to download, 452 MB on disk\n"
          . "they are what these need: one two\n", 'are told before');


# make install, make uninstall

my $dest = tempdir(CLEANUP => 1);
my @install = ($nginx, $ENV{TEST_NGINX_LOAD_MODULES}, $dest);

($ok, $text) = said($root, "sh util/install.sh install @install");
ok($ok, 'install') or diag $text;
is(join("\n", sort $text =~ /^installed (.*)$/mg),
   join("\n", sort map { chomp; $_ } `find $dest -type f`), 'tells what it writes');

like(`PKG_CONFIG_PATH=$dest/usr/share/pkgconfig pkg-config --cflags --libs ngx_task`,
     qr/^-fPIC -shared -Wl,-Bsymbolic *$/, 'ngx_task.pc');

# what is installed needs no checkout

delete $ENV{TASK_MODULE};
($ok, $text) = said($dir, "PORT=$port sh $dest/usr/bin/nginx-task");
like($text, qr/^nginx-task new NAME /, 'nginx-task');

($ok, $text) = said($root, "sh util/install.sh uninstall @install");
ok($ok, 'uninstall') or diag $text;
is(`find $dest -type f`, '', 'all of it is gone');

SKIP: {
    my $nobody = 'setpriv --reuid=65534 --regid=65534 --clear-groups';

    skip 'for root, and a checkout that others read', 1
        if $> != 0 || system("$nobody test -r $root/util/install.sh") != 0;

    $install[2] = "''";
    ($ok, $text) = said($root, "$nobody sh util/install.sh install @install");
    ok(!$ok, 'without permission');
    is($text, "only root may write to /usr/include: sudo make install\n", 'in one line');
}

done_testing();
