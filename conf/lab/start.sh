#!/bin/sh
#
# start.sh NGINX [GLOBAL]    the lab: a page, and the four arrangements beside it
#
# Five nginx in the foreground, each with its configuration beside this file;
# one Ctrl-C ends all of them.

set -eu

nginx=$1
global=${2:-}

mkdir -p build/run
rm -f build/run/lab-*.pid

pids=

stop() {
    trap - INT TERM EXIT
    [ -z "$pids" ] || kill -QUIT $pids 2> /dev/null || :
    wait
}

trap 'stop; exit 0' INT TERM
trap stop EXIT

for lane in async sync thread workers page; do
    "$nginx" -p "$PWD/" -c "conf/lab/$lane.conf" -e stderr \
        -g "daemon off; $global" 2> "build/run/lab-$lane.log" &
    pids="$pids $!"
done

# each has its pid file as soon as it serves

for lane in async sync thread workers page; do
    n=0

    until [ -s "build/run/lab-$lane.pid" ]; do
        if [ $n -ge 100 ] || grep -q emerg "build/run/lab-$lane.log"; then
            echo "conf/lab/$lane.conf was not started:" >&2
            cat "build/run/lab-$lane.log" >&2
            exit 1
        fi

        n=$((n + 1))
        sleep 0.1
    done
done

echo "the lab, until Ctrl-C, is at  http://127.0.0.1:8090/"

wait
