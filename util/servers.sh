#!/bin/sh
#
# servers.sh make NAME BELOW        a directory for a server, and prints it
# servers.sh run NAME DIR PORT [ARG ...]  the server, in the foreground
# servers.sh ready DIR              whether that has come to take connections
# servers.sh keep DIR ...           removes them, at the end of standard input
# servers.sh psql                   prints where that is, which is quicker than
#                                   Debian's script of this name
# servers.sh with PORT PORT COMMAND [ARG ...]
#                                   runs it with a PostgreSQL and a Redis beside
#
# NAME is postgres or redis, of Debian's packages; REDIS_SERVER is another one
# than redis-server, such as valkey-server.  They listen on 127.0.0.1,
# know no password, are fast rather than safe, and are no part of the system's:
# all that they have is in DIR.  It is below BELOW, unless for root: servers run
# as nobody then, and where nobody does not come to BELOW it is in /tmp.
#
# They end with the process that has started them, also if that is killed.
# "keep" makes sure of it and removes DIR; it is told by the end of a pipe, as
# that comes whatever happened to who has its other end.
#
# For tests there is t/lib/TaskServers.pm, and "with" for examples:
#
#     run: ready
#         @exec $(if $(filter io,$(CONF)),sh util/servers.sh with 8151 8152) \
#             sh util/run.sh $(NGINX) $(CONF):$(PORT)
#
# where conf/io.conf has "host=127.0.0.1 port=8151 user=postgres", and RUN_NEEDS
# has $(SERVER_NEEDS).  The command finds PGHOST, PGPORT, PGUSER and PGDATABASE,
# which psql needs no more than, and REDIS_PORT in its environment.

set -eu

self=$0

fail() {
    echo "$*" >&2
    exit 1
}

# as_server [OPTION OF setpriv ...] COMMAND ...
#
# PostgreSQL refuses to be root.  Nothing is wanted of our environment, as
# LD_PRELOAD or PGDATA, and no signal that a terminal sends.

as_server() {
    [ "$(id -u)" != 0 ] ||
        set -- --reuid=65534 --regid=65534 --clear-groups "$@"

    exec setsid env -i PATH="$PATH" LC_ALL=C setpriv "$@" < /dev/null
}

# the newest one that there is; or of elsewhere than Debian

postgres_bin() {
    found=$(find /usr/lib/postgresql/*/bin/initdb 2> /dev/null | sort -V |
            tail -n 1)
    [ -n "$found" ] || found=$(command -v initdb) ||
        fail "there is no PostgreSQL: its package is postgresql"

    dirname "$found"
}

# without "fsync" nothing is lost if processes are killed; "mmap" leaves nothing
# in /dev/shm then

postgres_data() {
    bin=$(postgres_bin) || return 1

    (as_server "$bin/initdb" -D "$1/data" -U postgres -A trust -E UTF8 \
        --locale=C --wal-segsize=1 --no-sync --no-instructions) \
        > "$1/log" 2>&1 || {
        cat "$1/log" >&2
        return 1
    }

    cat >> "$1/data/postgresql.conf" <<END
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
fsync = off
shared_buffers = 16MB
dynamic_shared_memory_type = mmap
END
}

redis_data() {
    mkdir "$1/data"
    [ "$(id -u)" != 0 ] || chown 65534:65534 "$1/data"
}

# private PATH    leaves in $dir a new directory that the servers come to

private() {
    dir=$(mktemp -d "$1.XXXXXX")
    [ "$(id -u)" != 0 ] || chown 65534:65534 "$dir"

    (as_server test -w "$dir") || { rmdir "$dir"; return 1; }
}

make() {
    mkdir -p "$2"
    below=$(cd "$2" && pwd -P)

    private "$below/$1" || private "/tmp/task-$1" ||
        fail "no directory can be made for $1"

    "$1_data" "$dir" || { rm -rf "$dir"; exit 1; }
    echo "$dir"
}

# what is in DIR by its current directory is ours

run() {
    name=$1 dir=$2 port=$3
    shift 3

    cd "$dir/data"
    exec >> "$dir/log" 2>&1

    case $name in
    postgres)
        bin=$(postgres_bin)
        as_server --pdeathsig INT "$bin/postgres" -D "$dir/data" -p "$port" "$@"
        ;;
    redis)
        as_server --pdeathsig TERM "${REDIS_SERVER:-redis-server}" --port "$port" \
            --bind 127.0.0.1 --dir "$dir/data" --save '' "$@"
        ;;
    esac
}

# by what it says itself: another one may have that port

ready() {
    grep -qsE '(system is ready|Ready) to accept connections' "$1/log"
}

# processes_in DIR

processes_in() {
    find /proc/[0-9]*/cwd -maxdepth 0 -lname "$1/*" 2> /dev/null |
        cut -d / -f 3
}

# what a PostgreSQL that was killed leaves outside of DIR

remove_shm() {
    lock=$1/data/postmaster.pid

    # shellcheck disable=SC2046
    set -- $(sed -n 7p "$lock" 2> /dev/null)
    [ $# = 2 ] || return 0

    awk -v key="$1" -v id="$2" '$1 == key && $2 == id && $7 == 0 { found = 1 }
        END { exit !found }' /proc/sysvipc/shm 2> /dev/null || return 0

    ipcrm -m "$2" || :
}

gone() {
    tries=100

    while pids=$(processes_in "$1"); [ -n "$pids" ]; do
        # shellcheck disable=SC2086
        [ $tries -gt 0 ] || kill -KILL $pids || :
        tries=$((tries - 1))
        sleep 0.05
    done
}

keep() {
    trap '' HUP INT TERM
    exec > /dev/null 2>&1

    cat || :

    for dir; do
        gone "$dir"
        remove_shm "$dir"
        rm -rf "$dir"
    done
}

# start NAME DIR PORT    leaves its pid in $pid

start() {
    sh "$self" run "$@" 3>&- &
    pid=$!
    pids="$pid $pids"

    until ready "$2"; do
        kill -0 $pid 2> /dev/null || {
            tail -n 20 "$2/log" >&2
            fail "$1 was not started on port $3"
        }
        sleep 0.05
    done
}

# by SIGTERM PostgreSQL would wait for its clients

end() {
    trap '' HUP INT TERM
    # shellcheck disable=SC2086
    kill -INT $pids 2> /dev/null || :
    [ -z "$told" ] || kill -TERM "$told" 2> /dev/null || :
    exec 3>&-
    wait
}

# the command keeps the terminal, and is told what we are told; it may be a
# shell, which ignores a signal for ever if that is ignored when it starts, as
# it is behind "&"

told() {
    setpriv --pdeathsig TERM env --default-signal=INT,QUIT "$@" <&4 3>&- 4<&- &
    told=$!

    trap 'kill -TERM "$told" 2> /dev/null || :' HUP INT TERM

    while :; do
        code=0
        wait "$told" || code=$?
        kill -0 "$told" 2> /dev/null || return 0
    done
}

with() {
    postgres_port=$1 redis_port=$2
    shift 2

    postgres=$(make postgres build/run)
    redis=$(make redis build/run) || { rm -rf "$postgres"; exit 1; }

    # the writer of this pipe is this process, and no other

    mkfifo "$postgres/pipe"
    sh "$self" keep "$postgres" "$redis" < "$postgres/pipe" &
    exec 3> "$postgres/pipe" 4<&0

    pids=
    told=
    trap end EXIT
    trap 'exit 1' HUP INT TERM

    start postgres "$postgres" "$postgres_port"
    start redis "$redis" "$redis_port"

    export PGHOST=127.0.0.1 PGPORT="$postgres_port" PGUSER=postgres \
        PGDATABASE=postgres REDIS_PORT="$redis_port"

    told "$@"
    exit "$code"
}

psql() {
    echo "$(postgres_bin)/psql"
}

case ${1:-} in
make|run|ready|keep|psql|with) "$@" ;;
*) fail "servers.sh make, run, ready, keep, psql or with" ;;
esac
