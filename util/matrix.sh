#!/bin/sh
#
# matrix.sh BUILD [RELEASE ...]    make test in minimal roots of Debian
#
# The roots are made with debootstrap, kept in BUILD/matrix, and see this
# machine's mirror and its way to it.  As root; nothing of it is for CI.

set -eu

build=$1
shift

[ $# -gt 0 ] || set -- bookworm trixie forky

dir=$build/matrix
mkdir -p "$dir"

mirror=$(apt-get indextargets --format '$(REPO_URI)' \
             'Created-By: Packages' 'Label: Debian' 'Component: main' \
         | head -n 1)

in_root() {
    unshare -m --pid --fork --kill-child sh -c '
        mount --make-rprivate /
        mount -t proc proc "$0/proc"
        mount --rbind /dev "$0/dev"
        exec env -i HOME=/root TERM=dumb PATH=/usr/sbin:/usr/bin:/sbin:/bin \
            chroot "$0" sh -c "$1"' "$@"
}

failed=0

for release; do
    root=$dir/$release
    log=$dir/$release.log

    : > "$log"

    if [ ! -f "$root/.made" ]; then
        script=
        [ -e "/usr/share/debootstrap/scripts/$release" ] ||
            script=/usr/share/debootstrap/scripts/sid

        # shellcheck disable=SC2086
        debootstrap --variant=minbase "$release" "$root" "$mirror" $script \
            >> "$log" 2>&1
        touch "$root/.made"
    fi

    cp /etc/resolv.conf "$root/etc/"
    for conf in /etc/apt/apt.conf.d/*; do
        [ -e "$root/etc/apt/apt.conf.d/${conf##*/}" ] ||
            cp "$conf" "$root/etc/apt/apt.conf.d/"
    done

    rm -rf "$root/root/project"
    git clone -q . "$root/root/project"

    rc=0
    in_root "$root" 'cd /root/project && apt-get update &&
        apt-get install -y make && make test' >> "$log" 2>&1 || rc=$?

    nginx=$(in_root "$root" 'nginx -v' 2>&1 | sed 's|.*/||') || nginx=none
    tests=$(sed -n 's/^Files=\([0-9]*\), Tests=\([0-9]*\),.*/\2/p' "$log" |
            head -n 1)

    if [ "$rc" = 0 ]; then result=passed; else result=FAILED; failed=1; fi

    printf '%-10s nginx %-8s %6s tests  %s\n' "$release" "$nginx" \
        "${tests:-0}" "$result"
done

exit $failed
