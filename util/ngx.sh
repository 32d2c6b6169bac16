#!/bin/sh
#
# ngx.sh version NGX SRC           whether SRC is the source of the nginx NGX
# ngx.sh arguments NGX             what NGX was configured with, as far as a
#                                  module depends on it
# ngx.sh compare NGX MODULE SRC    whether NGX takes the module, by the signature
#                                  that it looks at; SRC has the names of flags
#
# What is wrong is told, with what would be right.

set -eu

command=$1
ngx=$2

fail() {
    echo "$*" >&2
    exit 1
}

command -v "$ngx" > /dev/null || fail "there is no $ngx"
said=$("$ngx" -V 2>&1) || fail "$ngx does not run here: $said"

# some name the nginx that they are made of in a second line

is=$(echo "$said" | sed -n 's/^[A-Za-z]* version: *\([^ ]*\).*/\1/p' | head -n 1)
[ -n "$is" ] || fail "$ngx is no nginx: it does not tell its version"

# what the source calls itself, as the compiler sees it: its own name comes after
# that of the nginx that it is made of; Angie has a file for it

source_name() {
    for file in nginx angie; do
        [ ! -f "$1/src/core/$file.h" ] || echo "#include \"$1/src/core/$file.h\""
    done |
        sed '$a : NGINX_VER :\n: ANGIE_VER :\n: TENGINE_VER :\n: FREENGINX_VER :' |
        cc -E -P - 2> /dev/null | sed -n 's/[" ]//g; s/^:\(.*\/.*\):$/\1/p' | tail -n 1
}

version() {
    case $said in
    *--with-threads*) ;;
    *) fail "$ngx was configured without threads, which the module needs:" \
            "--with-threads" ;;
    esac

    found=$(source_name "$1")

    [ "$found" != "$is" ] || return 0

    fail "$ngx is $is, and the source in $1 is" \
         "${found:-none of an nginx}: NGX_SRC=DIR of the source of $is is wanted"
}

# directories and flags of a compiler are those of who built it; what was
# built as a module of its own, or needs a library, changes nothing for others

arguments() {
    echo "$said" | sed -n "s/^configure arguments: *//p" |
        sed "s/='[^']*'/=/g" | tr ' ' '\n' |
        grep -E '^--(with|without)-[A-Za-z0-9_-]+$' |
        grep -Ev '^--with-(.*(perl|xslt|image_filter|geoip).*)$' || :
}

signature() {
    grep -aoE '[0-9],[0-9],[0-9],[01]{30,}' "$1" | head -n 1
}

# the conditions of the digits: "NUMBER NAME"

flags() {
    awk '/^#if \(/ { name = $0; gsub(/^#if \(|\)$/, "", name) }
         /^#define NGX_MODULE_SIGNATURE_[0-9]+ / {
             sub(/.*_/, "", $2); if (!seen[$2]++ && name) print $2, name
         }
         /^#endif/ { name = "" }' "$1/src/core/ngx_module.h" 2> /dev/null
}

digit() {
    echo "$1" | cut -c"$2"
}

compare() {
    module=$1
    ours=$(signature "$module")
    theirs=$(signature "$ngx")

    if [ -z "$theirs" ]; then
        echo "$ngx has no signature, as a script has none: whether it takes" \
             "$module is not known" >&2
        return 0
    fi

    [ "$ours" != "$theirs" ] || return 0

    {
        echo "$module is not for $ngx, which is $is:"

        # behind three sizes, "8,4,8,", one digit stands for each flag

        [ "${ours%,*}" = "${theirs%,*}" ] ||
            echo "    sizes of a pointer, an atomic and a time:" \
                 "${theirs%,*} in nginx, ${ours%,*} in the module"

        flags "$2" | while read -r n name; do
            a=$(digit "${theirs##*,}" "$n")
            b=$(digit "${ours##*,}" "$n")
            [ "$a" = "$b" ] || echo "    $name:" \
                "$([ "$a" = 1 ] && echo in || echo not in) nginx," \
                "$([ "$b" = 1 ] && echo in || echo not in) the module"
        done

        echo "build it with the options of that nginx: make NGX=$ngx, and" \
             "NGX_SRC=DIR of its source"
    } >&2

    exit 1
}

shift 2
"$command" "$@"
