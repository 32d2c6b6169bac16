package TaskState;

# A TaskServer whose zone of jobs has a state file, and what tests of it need.
#
#     my $s = state_server(fsync => 'always', server => ...);
#     my $id = submit($s, '/sleep?duration=1s', key => 'a', body => ...);
#     poll($s, $id)->{state}; ended($s, $id)->{result};
#     kill_all($s); $s->start;               # all processes, by SIGKILL
#     my $lock = lock_state($s);             # as a process that has the file
#     told($s)                               # { n => how often it has run }
#     my $strace = inject($s, $pid, 'fdatasync', 'error=EIO'); leave($strace);
#     my $dir = disk('name', '64m'); resize($dir, '80k');
#     writers($s)                            # the workers that have the file
#     freeze($s, @pids)                      # until SIGCONT

use strict;
use warnings;

use Exporter qw(import);
use Fcntl qw(:DEFAULT SEEK_SET);
use JSON::PP;
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep time);

use TaskServer;

our @EXPORT = qw(state_server state_conf submit poll ended kept wait_state kill_all
                 kill_pids alive start_alone pid_of lock_state told wait_loaded
                 inject leave disk resize writers upgrade freeze);

sub state_conf {
    my (%o) = @_;

    my $tasks = "$ENV{TEST_NGINX_TASKS}/test";
    my $zone = $o{zone} // 'jobs:8m';
    my $fsync = $o{fsync} ? "fsync=$o{fsync}" : '';
    my $file = $o{file} // 'jobs.state';
    my $more = $o{options} // '';
    my $max = $o{max} // '1m';

    return (
        workers => $o{workers} // 2,
        main => "task_load $tasks/tell.so; task_load $tasks/probe.so;
                 thread_pool four threads=4; " . ($o{main} // ''),
        http => "task_job_zone $zone state=$file $fsync max_body=$max
                     max_result=$max $more;
                 task_background on zone=jobs; client_max_body_size 8m;"
                . ($o{http} // ''),
        server => ($o{server} // '') . "
            location = /sleep { task sleep; }
            location = /one   { task sleep; task_limit running=1 queue=10000; }
            location = /tell  { task tell file=$o{told}; task_mode thread=four;
                                task_limit running=4 queue=100000; }
            location = /cat   { task command program=/bin/cat; }
            location /jobs/   { task_jobs zone=jobs; }
            location = /status { task_status json; task_background off; }
            location = /quick { quick; }");
}

sub state_server {
    my (%o) = @_;

    my $s = TaskServer->new;
    $o{told} //= "$s->{root}/told";
    $s->{state} = "$s->{root}/" . ($o{file} // 'jobs.state');
    $s->{told} = $o{told};
    $s->{options} = \%o;
    my %conf = state_conf(%o);
    @$s{keys %conf} = values %conf;
    $s->write_conf(%conf);
    $o{alone} ? start_alone($s) : $s->start;
    wait_loaded($s);

    return $s;
}

# an id that nobody has is a 404 as soon as the file is in the zone

sub wait_loaded {
    my ($s) = @_;

    $s->wait_for(sub { $s->get('/jobs/' . '0' x 32)->{status} == 404 },
                 'the state file to be read');
}

sub submit {
    my ($s, $uri, %o) = @_;

    my $headers = defined $o{key} ? "Idempotency-Key: $o{key}\r\n" : '';
    $headers .= 'Content-Length: ' . length($o{body}) . "\r\n"
        if defined $o{body};
    $headers .= "Content-Type: application/json\r\n"
        if ($o{body} // '') =~ /^\{/;

    my $r = $s->get($uri, method => defined $o{body} ? 'POST' : 'GET',
                    headers => $headers, body => $o{body});

    return $r->{status} == 202 ? decode_json($r->{body})->{id}
                               : "$r->{status} $r->{body}";
}

sub poll {
    my ($s, $id, $more) = @_;

    my $r = $s->get("/jobs/$id" . ($more // ''));

    return $r->{status} == 200 ? decode_json($r->{body})
                               : { state => $r->{status} };
}

sub ended { return poll(@_[0, 1], '?wait=30s') }

# what has happened is in the file when a job that came behind it is accepted

sub kept {
    my ($s) = @_;

    my $id = submit($s, '/sleep?duration=0');
    $id =~ /^\w{32}$/ or die "not accepted: $id";
}

sub wait_state {
    my ($s, $state, @ids) = @_;

    for my $id (@ids) {
        $s->wait_for(sub { poll($s, $id)->{state} eq $state }, "$id $state");
    }
}

# nginx takes another binary only when its parent is gone

sub start_alone {
    my ($s) = @_;

    my $child = fork() // die "fork: $!";

    if ($child == 0) {
        eval { $s->start };
        POSIX::_exit($@ ? 1 : 0);
    }

    waitpid $child, 0;

    return pid_of($s);
}

# another nginx in place of this one, whose workers are gone: returns both
# masters; as by WINCH, of which one takes no notice that is no daemon

sub upgrade {
    my ($s) = @_;

    my $old = pid_of($s);
    my @workers = $s->workers;

    $s->signal('USR2');
    $s->wait_for(sub { -s "$s->{root}/nginx.pid.oldbin" && pid_of($s) },
                 'the new master');

    kill 'STOP', $old;
    kill 'QUIT', @workers;
    $s->wait_for(sub { !grep alive($_), @workers }, 'the old workers to be gone');

    return ($old, $s->{pid});
}

sub pid_of {
    my ($s) = @_;

    open my $in, '<', "$s->{root}/nginx.pid" or return 0;
    return ($s->{pid} = 0 + (<$in> // 0));
}

# all of them stand still first: no master replaces a worker

sub kill_all {
    my ($s) = @_;

    my $pid = delete $s->{pid};
    kill 'STOP', $pid;
    $s->{pid} = $pid;
    my @workers = $s->workers;
    kill 'KILL', $pid, @workers;
    waitpid $pid, 0;
    gone($s, @workers);
    unlink "$s->{root}/nginx.pid";
    delete $s->{pid};
}

# one that is about to stop may still be the one that is told of a new
# connection, and nobody else is then

sub freeze {
    my ($s, @pids) = @_;

    kill 'STOP', @pids;
    $s->wait_for(sub { !grep !stands($_), @pids }, 'processes to stand still');
}

sub stands {
    my ($pid) = @_;

    open my $in, '<', "/proc/$pid/stat" or return 1;
    return (<$in> // '') =~ /\) [TtZ] /;
}

sub kill_pids {
    my ($s, @pids) = @_;

    kill 'KILL', @pids;
    gone($s, @pids);
}

sub gone {
    my ($s, @pids) = @_;

    $s->wait_for(sub { !grep alive($_), @pids }, 'processes to be gone');
}

sub alive {
    my ($pid) = @_;

    open my $in, '<', "/proc/$pid/stat" or return 0;

    # the first thread may have ended before the others have

    return (<$in> // '') !~ /\) Z / || (() = glob "/proc/$pid/task/*") > 1;
}

sub lock_state {
    my ($s) = @_;

    sysopen my $file, $s->{state}, O_RDWR|O_CREAT, 0600 or die "open: $!";
    my $lock = pack 's s l! l! i', F_WRLCK, SEEK_SET, 0, 0, 0;
    fcntl $file, F_SETLK, $lock or die "fcntl: $!";

    return $file;
}

# calls of the kernel are slower in a process, or fail, until the pid is killed;
# undef: that cannot be done here

sub inject {
    my ($s, $pid, $calls, $what, $trace) = @_;

    my $err = "$s->{root}/strace.err";
    unlink $err;
    my $child = fork() // die "fork: $!";

    if (!$child) {
        open STDERR, '>', $err;
        exec('strace', '-f', '-p', $pid, '-o', $trace // '/dev/null', '-e',
             "trace=$calls", '-e', "inject=$calls:$what")
            or POSIX::_exit(1);
    }

    return $child if $s->wait_for(sub {
        local (@ARGV, $/) = $err;
        return -e $err && (<> // '') =~ /attached/;
    }, 'strace', 5);

    leave($child);

    return;
}

sub leave {
    my ($child) = @_;

    kill 'TERM', $child;
    waitpid $child, 0;
}

# a small disk, which is left at the end; undef: none can be mounted here

my @disks;

sub disk {
    my ($name, $size) = @_;

    my $dir = ($ENV{TEST_NGINX_SERVROOT} // "$ENV{PWD}/t/servroot") . "-$$-$name";
    mkdir $dir or die "mkdir $dir: $!";

    if ($> || system("mount -t tmpfs -o size=$size tmpfs '$dir' 2>/dev/null")) {
        rmdir $dir;
        return;
    }

    push @disks, $dir;

    return $dir;
}

sub resize {
    my ($dir, $size) = @_;

    system("mount -o remount,size=$size '$dir'") == 0 or die 'remount';
}

END { system("umount '$_'"), rmdir $_ for @disks }

sub writers {
    my ($s) = @_;

    return grep { my $p = $_;
                  grep { (readlink($_) // '') eq $s->{state} } glob "/proc/$p/fd/*" }
           $s->workers;
}

sub told {
    my ($s) = @_;

    my %n;
    open my $in, '<', $s->{told} or return {};
    $n{$_ =~ s/\s//r}++ while <$in>;

    return \%n;
}

1;
