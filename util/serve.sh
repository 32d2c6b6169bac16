# serve.sh    how nginx is run in the foreground of a shell, which reads this:
#             nginx-task, run.sh and the lab do
#
# The shell has set nginx.  All nginx that it starts end with it.

pids=

fail() {
    echo "$*" >&2
    exit 1
}

# the ports of a configuration, "8100-8108" one by one

ports() {
    awk '$1 == "listen" {
             sub(/;.*/, "", $2); sub(/.*:/, "", $2)
             n = split($2, range, "-")
             if ($2 ~ /^[0-9]/)
                 for (port = range[1]; port <= range[n]; port++) print port
         }' "$1"
}

listens() {
    grep -qs "^ *[0-9]*: [0-9A-F]*:$(printf %04X "$1") [0-9A-F]*:0000 0A " \
        /proc/net/tcp /proc/net/tcp6
}

# free CONF HINT    or nginx would say five times that it cannot bind()

free() {
    for each in $(ports "$1"); do
        ! listens "$each" ||
            fail "port $each is taken by another process: $2"
    done
}

# what to look at, and to try: the page that describes all, comments that are
# commands, and locations without one

addresses() {
    url="http://127.0.0.1:$(ports "$1" | head -n 1)"

    page=
    ! grep -q '^ *task_openapi\>' "$1" || page=$url/docs.html
    [ -z "$page" ] || echo "a page to see and try it: $page"
    echo "${page:+or, }in another shell:"

    awk -v url="$url" '
        $1 == "#" && $2 == "curl" {
            sub(/^ *# /, "    "); more = /\\$/; print; told = 1; next
        }
        more { sub(/^ *# /, "    "); more = /\\$/; print; next }
        $1 == "location" {
            if (!told && $2 == "=") print "    curl " url $3
            if (!told && $2 == "/") page = "and look at " url "/"
            told = 0
        }
        $1 == "index" && $2 == "docs.html;" { page = "" }
        END { if (page) print page }' "$1"
}

# for root: what lets workers read FILE, below whatever directories it is

user_for() {
    [ "$(id -u)" = 0 ] || return 0
    setpriv --reuid=65534 --regid=65534 --clear-groups test -r "$1" ||
        echo "user root;"
}

# tell_user GLOBAL CONF    as whom they run then, or as nginx was built for

tell_user() {
    [ "$(id -u)" = 0 ] || return 0

    if [ -n "$1" ]; then
        echo "workers run as root: this directory is closed to all others"
        return
    fi

    user=$(sed -n 's|^ *user  *\([^ ;]*\).*|\1|p' "$2")
    [ -n "$user" ] ||
        user=$("$nginx" -V 2>&1 | sed -n 's|.*--user=\([^ ]*\).*|\1|p')
    echo "workers run as ${user:-nobody}"
}

# start PREFIX CONF GLOBAL
#
# In a session of its own: who closes a terminal sends SIGHUP to what is in it,
# and to nginx that is "reload".  It ends with this shell, also if that is killed.

start() {
    setpriv --pdeathsig TERM setsid \
        "$nginx" -p "$1/" -c "$2" -e stderr -g "daemon off; $3" &
    pid=$!
    pids="$pids $pid"
}

serves() {
    for each in $(ports "$1"); do
        until listens "$each"; do
            kill -0 "$pid" 2> /dev/null || return 1
            sleep 0.05
        done
    done
}

end() {
    trap '' HUP INT TERM
    # shellcheck disable=SC2086
    [ -z "$pids" ] || kill -TERM $pids 2> /dev/null || :
    wait
}

end_with_terminal() {
    trap 'end; trap - EXIT; exit 0' HUP INT TERM
    trap end EXIT

    terminal=
    [ ! -t 0 ] || terminal=there
}

# when a terminal is closed, its first process is told: that may be make, which
# then waits for us

pause() {
    sleep 0.5
    [ -z "$terminal" ] || [ -t 0 ] || exit 0
}

wait_all() {
    code=0

    for pid in $pids; do
        while kill -0 "$pid" 2> /dev/null; do pause; done
        wait "$pid" || code=$?
    done

    exit "$code"
}
