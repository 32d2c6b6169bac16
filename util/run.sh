#!/bin/sh
#
# run.sh NGINX CONF    serves conf/CONF.conf in the foreground, and tells what
#                      to try

set -eu

nginx=$1
conf=conf/$2.conf

[ -f "$conf" ] || { echo "there is no $conf" >&2; exit 1; }

mkdir -p build/run

echo "serving $conf, until Ctrl-C; try, in another shell:"
sed -n 's|^ *location = \(/[^ ]*\) .*|    curl http://127.0.0.1:8081\1|p' "$conf"
! grep -q 'location / ' "$conf" || echo "and look at http://127.0.0.1:8081/"

user=$(sh util/user.sh conf/html/status.js)

exec "$nginx" -p "$PWD/" -c "$conf" -e stderr \
    -g "daemon off; pid build/run/nginx.pid; $user"
