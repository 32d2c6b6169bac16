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

. util/root.sh

failed=0

for release; do
    root=$dir/$release
    log=$dir/$release.log

    : > "$log"

    make_root "$release" "$root" >> "$log" 2>&1

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
