#!/bin/sh
#
# first-hour.sh BUILD [RELEASE]    a bare root, and an account that is not root
#
# In a fresh root of Debian this checkout is installed, and then an account has
# a function of its own answering: util/first-user.sh.  The minute that it may
# take begins when the packages are there.  Where no root can be made it says
# so and passes.

set -eu

build=$1
release=${2:-$(. /etc/os-release; echo "${VERSION_CODENAME:-}")}

skip() {
    echo "the first hour is not tested: $*"
    exit 0
}

[ "$(id -u)" = 0 ] || skip "a root of Debian is made by root"
[ -n "$release" ] || skip "this is no release of Debian"
command -v debootstrap > /dev/null || skip "there is no debootstrap"
unshare -mn --pid --fork ip link set lo up 2> /dev/null ||
    skip "no namespaces can be made"

. util/root.sh

dir=$build/first
base=$build/roots/$release
root=$dir/root
log=$dir/log

mkdir -p "$dir" "$build/roots"
rm -rf "$root"

run() {
    in_root "$root" "$1" > "$log" 2>&1 || { cat "$log"; exit 1; }
}

# a bare root is kept; what is installed in it is in a copy

[ -f "$base/.made" ] || echo "making a root of $release"
make_root "$release" "$base" > "$log" 2>&1 || { tail "$log"; exit 1; }
cp -a "$base" "$root"

mkdir "$root/root/project"
tar -c --exclude=./build --exclude=./.git . | tar -x -C "$root/root/project"

run 'cd /root/project && apt-get update && apt-get install -y make &&
     sh util/packages.sh install gcc libc6-dev libcjson-dev nginx-dev nginx curl'
sed -n '/^installing/,/^they are/p' "$log"

start=$(date +%s%N)

run 'cd /root/project && make install'
grep '^installed' "$log"

# what it says of Debian's nginx, and where docs/debian.md puts directives

conf=/etc/nginx

run "$(sed -n 's/^ *ln -s/ln -s/p' "$log")
     echo 'thread_pool  work threads=8;' > $conf/modules-enabled/60-tasks.conf
     echo 'task_zone  tasks:1m;' > $conf/conf.d/tasks.conf
     nginx -t"
echo "Debian's nginx loads it"

# nothing but a loopback from here on, and no checkout that could be read

cp util/first-user.sh "$root/usr/local/bin/"
run 'useradd -m -s /bin/sh person'

unshare -n sh -c 'ip link set lo up; . util/root.sh; in_root "$@"' sh "$root" \
    "setpriv --reuid=person --regid=person --init-groups --inh-caps=-all \
     env HOME=/home/person PATH=/usr/local/bin:/usr/bin:/bin \
     sh /usr/local/bin/first-user.sh $start"

# and what was installed can be taken away

run 'cd /root/project && make uninstall && ! command -v nginx-task'
grep '^removed' "$log"

run "$(sed -n 's/.*: rm/rm/p' "$log")
     rm $conf/modules-enabled/60-tasks.conf $conf/conf.d/tasks.conf
     nginx -t"
echo "and Debian's nginx goes without it"

rm -rf "$root"
