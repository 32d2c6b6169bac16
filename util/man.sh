#!/bin/sh
#
# man.sh DIR    the manual pages, made from docs/, into DIR
#
# Debian's go-md2man makes them.

set -eu

dir=$1
version=$(sh util/version.sh)

# page NAME SECTION FILE SUMMARY

page() {
    perl util/man.pl "$3" "$1" "$4" > "$dir/$1.md"

    {
        echo "% $1 $2 \"\" \"ngx_http_task_module $version\" nginx"
        echo
        cat "$dir/$1.md"
    } | go-md2man > "$dir/$1.$2"

    rm "$dir/$1.md"
}

page ngx_http_task_module 3 docs/directives.md \
    "directives and variables of long tasks in nginx"
page nginx-task 1 docs/nginx-task.md \
    "writes, builds and serves a task function for nginx"
