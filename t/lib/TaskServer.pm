package TaskServer;

# A real nginx with a master process, and sockets driven by hand.
#
#     my $s = TaskServer->start(main => ..., http => ..., server => ...,
#                               workers => 1);
#     my $r = $s->get('/task');              # { status, body, headers, time }
#     my @r = $s->get_all(map "/task", 1 .. 200);
#     my $c = $s->open('/task');             # sent, not read
#     my $r = $s->read($c);
#     my $q = $s->gate('a');                 # "until=...", for "stubborn"
#     $s->open_gate('a');                    # which returns then
#     my ($ok, $text) = $s->test_conf(...);  # nginx -t
#     $s->signal('HUP');
#     $s->stop('QUIT');                      # exit code, time it took
#     $s->check_log();                       # no alert, no sanitizer report
#
# With TEST_NGINX_STORE=redis a "task_job_zone" is a "task_job_redis", and a
# Redis runs as long as the test: what is a zone's alone, such as its size and
# the names of nodes, is behind TaskServer::zone().  With TEST_NGINX_STORE=file
# it has a state file: that its jobs are gone with it is behind
# TaskServer::file().

use strict;
use warnings;

use File::Path qw(make_path remove_tree);
use IO::Select;
use IO::Socket::INET;
use POSIX qw(WNOHANG);
use Test::More;
use Time::HiRes qw(sleep time);

use constant TIMEOUT => 30;

my (%live, $count, $redis);

END {
    local $?;

    for my $pid (keys %live) {
        next if waitpid($pid, WNOHANG) != 0;
        kill 'TERM', $pid;
        waitpid($pid, 0);
    }
}

sub new {
    my ($class, %conf) = @_;

    my $root = ($ENV{TEST_NGINX_SERVROOT} || "$ENV{PWD}/t/servroot")
               . "-$$-" . ++$count;

    remove_tree($root);
    make_path("$root/logs");

    my $self = bless {
        root => $root,
        number => $count,
        port => ($ENV{TEST_NGINX_PORT} || 1984) + 100,
        %conf,
    }, $class;

    $self->write_conf(%conf);

    return $self;
}

sub write_conf {
    my ($self, %conf) = @_;

    my $root = $self->{root};
    my $user = $> == 0 ? "user root;" : '';
    my $workers = $self->{workers} = $conf{workers} || 1;
    my ($main, $http, $server) = map $conf{$_} // '', qw(main http server);
    my $level = $conf{log_level} || 'info';
    my $connections = $conf{connections} || 2048;

    my $paths = join '', map "    ${_}_temp_path $root/$_;\n",
                qw(client_body proxy fastcgi scgi uwsgi);

    my $modules = modules();

    if (my $store = $ENV{TEST_NGINX_STORE}) {
        s/\btask_job_zone\s+([^\s:]+):([^\s;]+)([^;]*);/$self->$store($1, $2, $3)/ge
            for $http, $server, $conf{text} // ();
    }

    # what locations of conf/ include

    s{^(\s*include\s+)page\.conf}{$1$ENV{PWD}/conf/page.conf}mg
        for $server, $conf{text} // ();

    open my $out, '>', "$root/nginx.conf" or die "$root/nginx.conf: $!";

    # a configuration of conf/, with the paths and ports of this run

    if ($conf{text}) {
        (my $text = $conf{text}) =~ s/^(?:load_module|pid|error_log) .*$//mg;
        $text =~ s/^(\s*)include\s+paths\.conf;/$1$paths/mg;

        print $out "$modules\n$user\n",
                   "error_log $root/logs/error.log $level;\n",
                   "pid $root/nginx.pid;\ndaemon off;\n$text";
        close $out or die "$root/nginx.conf: $!";
        return;
    }

    print $out <<"END";
$modules
$user
worker_processes $workers;
error_log $root/logs/error.log $level;
pid $root/nginx.pid;
daemon off;
$main
events {
    worker_connections $connections;
}
http {
$paths
    log_format task '\$request \$status \$task_function \$task_mode '
                    '\$task_state \$task_queue_time \$task_run_time';
    access_log $root/logs/access.log task;
    keepalive_timeout 65s;
$http
    server {
        listen 127.0.0.1:$self->{port} backlog=4096;
$server
    }
}
END
    close $out or die "$root/nginx.conf: $!";
}

# the module for Redis is beside the other one

sub modules {
    my @modules = $ENV{TEST_NGINX_LOAD_MODULES};

    push @modules, $modules[0] =~ s/_task_module/_task_redis_module/r
        unless zone();

    return join "\n", map "load_module $_;", @modules;
}

# what a test does only with a zone

sub zone { return ($ENV{TEST_NGINX_STORE} // '') ne 'redis' }

# its jobs outlive a stop

sub file {
    my ($self, $name, $size, $options) = @_;

    return ($ENV{TEST_NGINX_STORE} // '') eq 'file' unless $self;

    $options .= " state=$name.jobs" if $options !~ /\bstate=/;

    return "task_job_zone $name:$size$options;";
}

# each server has jobs of its own there

sub redis {
    my ($self, $name, $size, $options) = @_;

    require TaskServers;
    $redis //= TaskServers::redis_start();

    $options =~ s/\s(?:node|keep)=\S+//g;

    return "task_job_redis name=$name url=redis://127.0.0.1:$redis->{port}"
           . " \"prefix={$$-$self->{number}-$name}:\"$options;";
}

sub start {
    my ($class, %conf) = @_;

    my $self = ref $class ? $class : $class->new(%conf);

    $self->{pid} = fork() // die "fork: $!";

    if ($self->{pid} == 0) {
        open STDERR, '>>', "$self->{root}/logs/stderr.log";
        open STDOUT, '>&', \*STDERR;
        no warnings 'exec';
        exec $ENV{TEST_NGINX_BINARY} || 'nginx', '-p', "$self->{root}/",
             '-c', 'nginx.conf', '-e', "logs/error.log";
        POSIX::_exit(127);
    }

    $live{$self->{pid}} = 1;

    $self->wait_for(sub {
        die "nginx exited:\n", $self->text('stderr.log')
            if waitpid($self->{pid}, WNOHANG);

        return -s "$self->{root}/nginx.pid" && $self->workers
               && $self->connect;
    }, 'nginx to start');

    # answers => 0: no worker lives for long

    $self->wait_store if $ENV{TEST_NGINX_STORE} && ($self->{answers} // 1);

    return $self;
}

# an id that nobody has is a 404 as soon as the engine is there, or the state file
# is read: until then a job with a key is refused

sub wait_store {
    my ($self) = @_;

    CORE::open my $in, '<', "$self->{root}/nginx.conf" or die "nginx.conf: $!";
    local $/;
    my ($prefix) = <$in> =~ m{location (/\S*)\s*\{[^{}]*\btask_jobs zone=} or return;

    $self->wait_for(sub { $self->get($prefix . '0' x 32)->{status} == 404 },
                    'the store of jobs');
}

sub connect {
    my ($self) = @_;

    return IO::Socket::INET->new(PeerAddr => '127.0.0.1',
                                 PeerPort => $self->{port});
}

# nginx -t: whether the configuration is taken, and what is said of it

sub test_conf {
    my ($self, %conf) = @_;

    $self->write_conf(%conf);

    my $nginx = $ENV{TEST_NGINX_BINARY} || 'nginx';
    my $text = `$nginx -t -p $self->{root}/ -c nginx.conf -e stderr 2>&1`;

    return ($? == 0, $text);
}

# polls for a condition, since there is nothing to be told by

sub wait_for {
    my ($self, $condition, $what, $timeout) = @_;

    my $until = time() + ($timeout || TIMEOUT);

    until ($condition->()) {
        if (time() > $until) {
            return if defined $timeout;
            die "timeout, waiting for $what\n";
        }

        sleep(0.005);
    }

    return 1;
}

# the least of up to three measures: what the product makes slow is slow in each,
# a machine that was busy for a moment is not

sub least {
    my ($bound, $measure) = @_;
    my $least = 9**9;

    for (1 .. 3) {
        my $seconds = $measure->();
        $least = $seconds if $seconds < $least;
        last if $least < $bound;
    }

    return $least;
}

sub open {
    my ($self, $uri, %o) = @_;

    my $s = $self->connect or die "connect: $!";
    my $method = $o{method} || 'GET';
    my $headers = $o{headers} || '';

    $headers .= "Connection: close\r\n" unless $o{keepalive};

    my $time = time();

    $s->syswrite("$method $uri HTTP/1.1\r\nHost: localhost\r\n$headers\r\n"
                 . ($o{body} // ''));

    return { socket => $s, start => $time, text => '' };
}

sub read {
    my ($self, $c, $timeout) = @_;

    my ($r) = $self->read_all([ $c ], $timeout);

    return $r;
}

sub read_all {
    my ($self, $list, $timeout) = @_;

    my $until = time() + ($timeout || TIMEOUT);
    my %open = map { $_->{socket} => $_ } @$list;
    my $select = IO::Select->new(map $_->{socket}, @$list);

    while (%open && (my $left = $until - time()) > 0) {

        for my $s ($select->can_read($left)) {
            my $c = $open{$s};

            next if sysread $s, $c->{text}, 65536, length $c->{text};

            $c->{time} = time() - $c->{start};
            $select->remove($s);
            delete $open{$s};
            close $s;
        }
    }

    return map $self->parse($_), @$list;
}

sub parse {
    my ($self, $c) = @_;

    my ($head, $body) = split /\r\n\r\n/, $c->{text}, 2;
    my ($status) = ($head // '') =~ m{^HTTP/1\.1 (\d+)};

    return {
        status => $status // 0,
        headers => $head // '',
        body => $body // '',
        time => $c->{time} // 1e9,
        ended => defined $c->{time},
    };
}

sub get {
    my ($self, $uri, %o) = @_;

    return $self->read($self->open($uri, %o));
}

# "total" is the time since the first of them was sent: who waits for the first
# waits no longer than it, however late it was sent itself

sub get_all {
    my ($self, @uris) = @_;

    my @c = map $self->open($_), @uris;
    my @r = $self->read_all(\@c);

    $r[$_]{total} = $r[$_]{time} + $c[$_]{start} - $c[0]{start} for 0 .. $#c;

    return @r;
}

# whether all that answer say so at the location /ready

sub is_ready {
    my ($self) = @_;

    return !grep $_->{status} != 200, $self->get_all(('/ready') x 16);
}

# each worker says so; one that has just served may take all connections, so that
# the location is to tell whose answer it is: add_header X-Worker $pid always

sub ready {
    my ($self, $status) = @_;

    my %ready;

    $self->wait_for(sub {
        for ($self->get_all(('/ready') x 16)) {
            my ($pid) = $_->{headers} =~ /^X-Worker: (\d+)/m or next;
            $ready{$pid} = $_->{status} == ($status // 200);
        }

        my @workers = grep title($_) !~ /shutting down/, $self->workers;

        return @workers >= $self->{workers} && !grep !$ready{$_}, @workers;
    }, 'each worker to be ' . ($status ? "at $status" : 'ready'));
}

# a function that holds a thread until the test has seen what there is to see:
# "stubborn" of t/tasks/probe.c waits for a file

sub gate {
    my ($self, $name) = @_;

    return 'until=' . ("$self->{root}/gate-$name"
                       =~ s{([^\w/.-])}{sprintf '%%%02X', ord $1}ger);
}

sub open_gate {
    my ($self, $name) = @_;

    CORE::open my $out, '>', "$self->{root}/gate-$name"
        or die "gate-$name: $!";
    close $out;
}

sub signal {
    my ($self, $signal, $pid) = @_;

    kill $signal, $pid || $self->{pid} or die "kill: $!";
}

# what it says it is, in the list of processes

sub title {
    my ($pid) = @_;

    CORE::open my $in, '<', "/proc/$pid/cmdline" or return '';

    return <$in> // '';
}

sub workers {
    my ($self) = @_;

    my @pids;

    for my $file (glob '/proc/[0-9]*/stat') {
        CORE::open my $in, '<', $file or next;
        my ($pid, $state, $parent) = (<$in> // '') =~ /^(\d+) \(.*\) (\S) (\d+)/
            or next;
        push @pids, $pid if $parent == $self->{pid} && $state ne 'Z';
    }

    @pids = sort { $a <=> $b } @pids;

    return @pids;
}

# reloads, and returns when the new workers have taken over

sub reload {
    my ($self, %conf) = @_;

    $self->write_conf(%conf) if %conf;

    my %old = map { $_ => 1 } $self->workers;

    $self->signal('HUP');

    $self->wait_for(sub { grep !$old{$_}, $self->workers }, 'new workers');
    $self->wait_for(sub {
        my $log = $self->text('error.log');
        my %live = map { $_ => 1 } $self->workers;
        return !grep $live{$_} && $log !~ / $_#$_: gracefully shutting down/,
               keys %old;
    }, 'the old workers to hear of it');

    return keys %old;
}

sub stop {
    my ($self, $signal) = @_;

    my $start = time();

    $self->signal($signal || 'QUIT');
    $self->wait_for(sub { waitpid($self->{pid}, WNOHANG) }, 'nginx to stop');

    delete $live{delete $self->{pid}};

    return ($?, time() - $start);
}

sub text {
    my ($self, $log) = @_;

    CORE::open my $in, '<', "$self->{root}/logs/$log" or return '';
    local $/;

    return <$in> // '';
}

# nginx writes the access log when it closes the request: so many lines

sub wait_access {
    my ($self, $regex, $n) = @_;

    $n //= 1;

    $self->wait_for(sub {
        my @found = grep /$regex/, split /\n/, $self->text('access.log');
        return @found >= $n;
    }, "$n lines in the access log: $regex");
}

sub check_log {
    my ($self, $except) = @_;

    my $log = $self->text('error.log') . $self->text('stderr.log');

    $log =~ s/^.*(?:$except).*$//mg if $except;

    is(join("\n", $log =~ /^.*\[(?:alert|emerg|crit)\].*$/mg), '', 'no alerts');
    is(join("\n", $log =~ /^.*(?:Sanitizer|runtime error).*$/mg), '',
       'no sanitizer errors');

    remove_tree($self->{root}) if Test::More->builder->is_passing;
}

1;
