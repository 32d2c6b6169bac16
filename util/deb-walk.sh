#!/bin/sh
#
# deb-walk.sh    what is done to the packages in this directory, as root
#
# In a root that has what they need, and a deb of nginx beside them: they are
# installed, upgraded while a task runs, removed, purged; then nginx is upgraded
# under them, to one of the same ABI, and to one of another.

set -eu

enabled=/etc/nginx/modules-enabled

failed() {
    echo "NOT: $*"
    tail -n 20 /var/log/nginx/error.log
    exit 1
}

# it may be between two nginx

answers() {
    n=0
    until [ "$(curl -s "http://127.0.0.1:8083/$1")" = "$2" ]; do
        n=$((n + 1))
        [ $n -lt 100 ] || failed "$1 answers $2"
        sleep 0.1
    done

    echo "$1 answers $2"
}

# repack DEB DIR COMMAND    with another control file, which sed COMMAND makes

repack() {
    rm -rf tree
    dpkg-deb -R "$1" tree
    sed -i "$3" tree/DEBIAN/control
    dpkg-deb --root-owner-group -b tree "$2" > /dev/null
    rm -rf tree
}

links() {
    find $enabled -name '*task*.conf*' -printf '%f\n' | sort | tr '\n' ' '
}

links_are() {
    [ "$(links)" = "$1" ] || failed "links: $(links), not $1"
    echo "links: $1"
}

master() {
    cat /run/nginx.pid
}

# whether the workers run the module that is installed now

is_new() {
    maps=$(cat "/proc/$(pgrep -n -x nginx)/maps") || return 1
    case $maps in
    *'ngx_http_task_module.so (deleted)'*) return 1 ;;
    *ngx_http_task_module.so*) return 0 ;;
    *) return 1 ;;
    esac
}

within() {
    n=0
    until "$@"; do
        n=$((n + 1))
        [ $n -lt 100 ] || failed "$*"
        sleep 0.1
    done
}

task='{"status":"long_running task completed"}'
both='50-mod-http-task.conf 60-mod-http-task-redis.conf '

# the version before, in use

mkdir before
rm -f ./*-dbgsym_*
for deb in ./libnginx-mod-http-task*.deb; do
    repack "$deb" before \
        's/^Version: .*/Version: 0.0.1-1/; s/(= .*)/(= 0.0.1-1)/'
done

dpkg -i before/*.deb
links_are "$both"

cat > /etc/nginx/conf.d/tasks.conf << 'END'
server {
    listen  127.0.0.1:8083;
    location = /task  { task sleep duration=3s; }
    location = /quick { quick; }
}
END

nginx -t
service nginx start
answers quick '{"status":"quick response"}'

# an upgrade: nginx is told to reload, and no task is lost

curl -s http://127.0.0.1:8083/task > answer &
curl=$!
sleep 0.5
dpkg -i ./libnginx-mod-http-task*.deb
wait $curl
[ "$(cat answer)" = "$task" ] || failed "a task that ran meanwhile"
links_are "$both"
answers quick '{"status":"quick response"}'

# a reload keeps what is loaded; the new module comes with a new nginx

curl -s http://127.0.0.1:8083/task > answer &
curl=$!
sleep 0.5
old=$(master)
service nginx upgrade
[ "$(master)" != "$old" ] || failed "another master"
wait $curl
[ "$(cat answer)" = "$task" ] || failed "a task of the nginx before"
within is_new
answers quick '{"status":"quick response"}'

# removed while it is in use: nginx goes on as it is until that is changed

apt-get remove -y libnginx-mod-http-task libnginx-mod-http-task-redis
links_are '50-mod-http-task.conf.removed 60-mod-http-task-redis.conf.removed '
answers quick '{"status":"quick response"}'
! nginx -t 2> said || failed "directives that nobody knows are refused"
grep 'unknown directive "task"' said
mv /etc/nginx/conf.d/tasks.conf .
nginx -t
service nginx reload

# what an operator has disabled stays so over an upgrade, and a removed one comes
# back as it was

dpkg -i ./libnginx-mod-http-task_*.deb
links_are '50-mod-http-task.conf 60-mod-http-task-redis.conf.removed '
dpkg -i ./libnginx-mod-http-task*.deb
links_are "$both"
rm $enabled/60-mod-http-task-redis.conf
dpkg -i ./libnginx-mod-http-task*.deb
links_are '50-mod-http-task.conf '

# nginx is upgraded: to one with the same ABI; to one with another only where the
# module may be removed

mv tasks.conf /etc/nginx/conf.d/
service nginx reload
mkdir same other
repack ./nginx_*.deb same 's/^Version: .*/&.1/'
abi=$(dpkg-deb -f ./nginx_*.deb Provides | grep -o 'nginx-abi-[^ ,]*')
repack ./nginx_*.deb other "s/^Version: .*/&.2/; s/$abi/$abi.9/"

curl -s http://127.0.0.1:8083/task > answer &
curl=$!
sleep 0.5
dpkg -i same/nginx_*.deb
wait $curl
[ "$(cat answer)" = "$task" ] || failed "a task over an upgrade of nginx"
answers quick '{"status":"quick response"}'

! apt-get install -y --no-remove ./other/nginx_*.deb > said 2>&1 ||
    failed "another ABI is refused"
grep 'libnginx-mod-http-task' said || { cat said; failed "and it says why"; }
nginx -t
answers quick '{"status":"quick response"}'

# purged: nothing is left

rm /etc/nginx/conf.d/tasks.conf
apt-get purge -y 'libnginx-mod-http-task*'
links_are ''
for file in /usr/share/nginx-task /usr/include/ngx_task.h /usr/bin/nginx-task \
    /usr/lib/nginx/modules/ngx_http_task_module.so; do
    [ ! -e $file ] || failed "$file is gone"
done
nginx -t
service nginx stop
! grep -E '\[(alert|emerg|crit)\]' /var/log/nginx/error.log | grep -v 'unknown directive' ||
    failed "no alerts"
echo "purged"
