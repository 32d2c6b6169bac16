#!/bin/sh
#
# dist.sh DIR    the release as a tar in DIR, whose name it prints
#
# It has what git has; where there is no git, all but build/.  The same files
# make the same tar.

set -eu

dir=$1
name=ngx_http_task_module-$(sh util/version.sh)

if [ -e .git ] && git rev-parse -q --git-dir > /dev/null 2>&1; then
    list="git ls-files"
    time=$(git log -1 --format=%ct)
else
    list="find . ( -path ./build -o -path ./.git ) -prune -o -type f -print"
    time=$(stat -c %Y CHANGES)
fi

mkdir -p "$dir"

$list | sed 's|^\./||' | LC_ALL=C sort |
    tar -c --sort=name --mtime="@$time" --owner=0 --group=0 --numeric-owner \
        --mode=u+rw,go+r,go-w --transform="s|^|$name/|" -T - |
    gzip -9n > "$dir/$name.tar.gz.new"

# what tar has not found is not in it

[ "$(tar -tzf "$dir/$name.tar.gz.new" | wc -l)" = "$($list | wc -l)" ] || {
    echo "not all of what git has is there: git status" >&2
    exit 1
}

mv "$dir/$name.tar.gz.new" "$dir/$name.tar.gz"
echo "$dir/$name.tar.gz"
