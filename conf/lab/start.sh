#!/bin/sh
#
# start.sh NGINX [GLOBAL]    the lab: a page, and the four arrangements beside it
#
# Five nginx in the foreground, each with its configuration beside this file;
# one Ctrl-C ends all of them.

set -eu

. util/serve.sh

nginx=$1
global=${2:-}
lanes="async sync thread workers page"

mkdir -p build/run

for lane in $lanes; do
    free "conf/lab/$lane.conf" "is it another lab?"
done

end_with_terminal

for lane in $lanes; do
    start "$PWD" "conf/lab/$lane.conf" "$global" 2> "build/run/lab-$lane.log"

    serves "conf/lab/$lane.conf" || {
        echo "conf/lab/$lane.conf was not started:" >&2
        cat "build/run/lab-$lane.log" >&2
        exit 1
    }
done

tell_user "$global" conf/lab/page.conf
echo "the lab, until Ctrl-C, is at  http://127.0.0.1:8090/"

wait_all
