#!/usr/bin/perl

# The four arrangements, one after another: 5 tasks of 2 seconds each, and a
# /quick every 100 ms beside them; then the first one again, with tasks that wait
# for a database.  All that is printed was measured just now; the exit code tells
# whether it is as the lesson says.
#
#     sh util/servers.sh with PORT PORT perl util/demo.pl

use strict;
use warnings;

use File::Path qw(make_path);
use IO::Select;
use IO::Socket::INET;
use List::Util qw(max);
use POSIX qw(WNOHANG);
use Time::HiRes qw(sleep time);

use constant {
    TASKS    => 5,
    DURATION => 2,        # of a task, seconds
    STAGGER  => 0.02,     # between the starts of tasks
    EVERY    => 0.1,      # between those of /quick
    SLACK    => 0.75,     # for a busy machine
    QUICK    => 0.5,      # this is still "at once"
    PORT     => 8081,
};

my $nginx = $ENV{TASK_NGINX} || 'nginx';
my $dir = 'build/demo';
my ($master, $sync_slowest);

my $long = DURATION + SLACK;

my @rows = (
    {
        conf => 'async',
        fastapi => "async def: await asyncio.sleep(${\DURATION})",
        nginx => 'task_mode async;',
        lesson => 'all tasks at once, /quick at once',
        as_said => sub {
            my ($task, $quick) = @_;
            return $task->{max} < $long && $quick->{max} < QUICK;
        },
    },
    {
        conf => 'sync',
        fastapi => "async def: time.sleep(${\DURATION})",
        nginx => 'task_mode sync;',
        lesson => 'one task after the other, /quick waits for them',
        as_said => sub {
            my ($task, $quick) = @_;
            $sync_slowest = $task->{max};
            return $task->{max} >= TASKS * (DURATION - STAGGER)
                   && $quick->{max} > DURATION - 2 * EVERY;
        },
    },
    {
        conf => 'thread',
        fastapi => "def: time.sleep(${\DURATION})",
        nginx => 'task_mode thread=tasks;',
        lesson => 'all tasks at once, /quick at once',
        as_said => sub {
            my ($task, $quick) = @_;
            return $task->{max} < $long && $quick->{max} < QUICK;
        },
    },
    {
        conf => 'workers',
        fastapi => "uvicorn --workers 4: time.sleep(${\DURATION})",
        nginx => 'worker_processes 4; task_mode sync;',
        lesson => 'a task a worker at a time; /quick waits only while all'
                  . ' four are blocked',
        as_said => sub {
            my ($task, $quick) = @_;
            return $task->{max} >= 2 * DURATION - TASKS * STAGGER
                   && $task->{max} < $sync_slowest - DURATION / 2
                   && $quick->{p50} < $long;
        },
    },
    {
        conf => 'io',
        task => "/nap?seconds=${\DURATION}",
        fastapi => "async def: await pool.fetch('pg_sleep')",
        nginx => 'task pg.query "... pg_sleep($$1)";',
        lesson => 'all tasks at once, /quick at once',
        as_said => sub {
            my ($task, $quick) = @_;
            return $task->{max} < $long && $quick->{max} < QUICK;
        },
    },
);

$SIG{INT} = $SIG{TERM} = sub { exit 1 };

END {
    local $?;
    stop();
}

make_path("$dir/conf");
make_path('build/run');

my $failed = 0;

printf "%d tasks of %d s, and a /quick every %d ms, for each of:\n\n",
       TASKS, DURATION, EVERY * 1000;

print_row('FastAPI', 'nginx.conf', '/task took', '/quick took', 'processes');
print_row('-' x 41, '-' x 35, '-' x 12, '-' x 12, '-' x 9);

for my $row (@rows) {
    start($row->{conf});
    my ($task, $quick) = measure($row->{task} || '/task');
    my $picture = picture();
    stop();

    my $ok = $task->{min} >= DURATION && $row->{as_said}->($task, $quick);

    print_row($row->{fastapi}, $row->{nginx}, span($task), span($quick),
              $picture);

    if (!$ok) {
        print "  NOT as the lesson says: $row->{lesson}\n";
        $failed = 1;
    }
}

print <<'END';

/task: the fastest and the slowest; /quick: the median and the slowest.
Rule: can it wait without blocking? async; if not, thread; sync never, except
to see why.
END

exit $failed;


sub print_row {
    printf "%-41s  %-35s  %-12s  %-12s  %s\n", @_;
}

sub span {
    my ($t) = @_;
    return sprintf '%.2f-%.2f s', @$t{qw(low max)};
}

# the configuration as it stands in conf/, only its tasks are shorter

sub start {
    my ($name) = @_;

    for my $file ($name, 'paths') {
        open my $in, '<', "conf/$file.conf" or die "conf/$file.conf: $!\n";
        my $text = do { local $/; <$in> };

        $text =~ s/duration=20s/duration=${\DURATION}s/;

        open my $out, '>', "$dir/conf/$file.conf" or die "$dir: $!\n";
        print $out $text;
        close $out or die "$dir: $!\n";
    }

    die "something listens on port ${\PORT} already\n" if probe();

    $master = fork() // die "fork: $!\n";

    if ($master == 0) {
        open STDERR, '>', "$dir/$name.log";
        exec $nginx, '-p', '.', '-c', "$dir/conf/$name.conf", '-e', 'stderr',
             '-g', 'daemon off;';
        die "$nginx: $!\n";
    }

    my $until = time() + 10;

    until (probe()) {
        if (waitpid($master, WNOHANG) || time() > $until) {
            undef $master;
            system('cat', "$dir/$name.log");
            die "nginx did not start\n";
        }

        sleep(0.02);
    }
}

sub stop {
    return unless $master;

    kill 'QUIT', $master;
    waitpid($master, 0);
    undef $master;
}

sub probe {
    return IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => PORT);
}

sub request {
    my ($uri) = @_;

    my $s = probe() or die "connect: $!\n";
    print $s "GET $uri HTTP/1.0\r\n\r\n";

    return { socket => $s, uri => $uri, start => time(), text => '' };
}

sub measure {
    my ($task) = @_;
    my $select = IO::Select->new;
    my (%pending, %took);
    my ($tasks, $done) = (0, 0);
    my $next_task = time();
    my $next_quick = $next_task + TASKS * STAGGER;
    my $until = $next_task + 2 * TASKS * DURATION + 10;

    while ($done < TASKS || %pending) {
        my $now = time();

        die "no answer in time\n" if $now > $until;

        my $uri;

        if ($tasks < TASKS && $now >= $next_task) {
            $uri = $task;
            $tasks++;
            $next_task += STAGGER;

        } elsif ($done < TASKS && $now >= $next_quick) {
            $uri = '/quick';
            $next_quick += EVERY;
        }

        if ($uri) {
            my $r = request($uri);
            $pending{$r->{socket}} = $r;
            $select->add($r->{socket});
        }

        for my $s ($select->can_read(0.005)) {
            my $r = $pending{$s};

            next if sysread $s, $r->{text}, 4096, length $r->{text};

            $select->remove($s);
            delete $pending{$s};

            $r->{text} =~ m{^HTTP/1\.1 200 OK.*"(?:status|slept)"}s
                or die "$r->{uri}: unexpected answer: $r->{text}\n";

            push @{ $took{$r->{uri}} }, time() - $r->{start};
            $done++ if $r->{uri} eq $task;
        }
    }

    my @t = sort { $a <=> $b } @{ $took{$task} };
    my @q = sort { $a <=> $b } @{ $took{'/quick'} };

    return ({ min => $t[0], low => $t[0], max => $t[-1] },
            { p50 => $q[$#q / 2], low => $q[$#q / 2], max => $q[-1] });
}

# counted in /proc

sub picture {
    my @workers;

    for my $file (glob '/proc/[0-9]*/stat') {
        open my $in, '<', $file or next;
        my ($pid, $parent) = <$in> =~ /^(\d+) \(.*\) \S (\d+)/ or next;
        push @workers, $pid if $parent == $master;
    }

    my $threads = 0;

    for my $pid (@workers) {
        # those of a pool; the one that watches the loop has another name

        my @tasks = grep {
            my $in;
            open($in, '<', "$_/comm") && <$in> eq "nginx\n"
        } glob "/proc/$pid/task/*";

        $threads = max($threads, @tasks - 1);
    }

    return sprintf '1 master, %d worker%s%s 1 event loop%s', scalar @workers,
                   @workers == 1 ? ':' : 's,', @workers == 1 ? '' : ' each',
                   $threads ? " + $threads threads" : '';
}
