#!/bin/sh
#
# run.sh NGINX CONF[:PORT] ...    serves conf/CONF.conf in the foreground, and
#                                 tells what to try
#
# With a port that is not the file's own, a copy in build/run/ is served.

set -eu

. util/serve.sh

nginx=$1
shift

# file CONF[:PORT]

file() {
    name=${1%%:*}
    port=${1##*:}
    own=$(ports "conf/$name.conf" | head -n 1)

    case $port in
    "$name"|""|"$own")
        echo "conf/$name.conf"
        return
        ;;
    *[!0-9]*)
        fail "PORT=$port is no port"
        ;;
    esac

    sed -e "s/127\.0\.0\.1:$own/127.0.0.1:$port/" \
        -e "s|build/run/$name\.pid|build/run/$name-$port.pid|" \
        -e "s|include  *\([a-z]*\.conf\)|include  $PWD/conf/\1|" \
        "conf/$name.conf" > "build/run/$name-$port.conf"

    echo "build/run/$name-$port.conf"
}

mkdir -p build/run

confs=
for each; do
    conf=$(file "$each")

    case $#:$each in
    1:nginx*) free "$conf" "make run PORT=9000" ;;
    1:*)      free "$conf" "make run CONF=${each%%:*} PORT=9000" ;;
    *)        free "$conf" "is it another cluster?" ;;
    esac

    confs="$confs $conf"
done

user=$(user_for "$PWD/conf/html/status.js")

end_with_terminal

for conf in $confs; do
    start "$PWD" "$conf" "$user"
    serves "$conf" || fail "$conf: nginx has ended"
done

tell_user "$user" "$conf"
echo "serving$confs until Ctrl-C"
for conf in $confs; do
    addresses "$conf"
done

wait_all
