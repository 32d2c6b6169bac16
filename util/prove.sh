#!/bin/sh
#
# prove.sh BUILD JOBS [TEST ...]    runs the tests with the built module
# prove.sh BUILD stress TIME          or the load of t/stress.pl
# prove.sh BUILD stalls TURNS.SO [BOUND]  or the cases of t/stalls.pl
# prove.sh BUILD slow-reader SIZE RATE    or what t/slow-reader.pl measures

set -eu

build=$1
jobs=$2
shift 2

[ $# -gt 0 ] || set -- t

mkdir -p "$build/t"

export PERL5LIB="$build/perl:$PWD/t/lib${PERL5LIB:+:$PERL5LIB}"
export TEST_NGINX_TASKS="$build/tasks"
export TEST_NGINX_UNITS="$build/unit"
export TEST_NGINX_SERVROOT="$build/t/servroot"
export TEST_NGINX_PORT="${TEST_NGINX_PORT:-1984}"

prove="prove -r"

case $jobs in
stress | stalls | slow-reader)
    prove="perl t/$jobs.pl"
    ;;
1)
    ;;
*)
    export TEST_NGINX_RANDOMIZE=1
    prove="$prove -j$jobs --exec"
    each="sh util/alone.sh perl"
    ;;
esac

sh util/alone.sh $prove ${each:+"$each"} "$@"

# the whole suite, once more with reloads instead of starts, and by HTTP/2, as
# far as the tests allow it

if [ "$*" = t ] && [ -z "${TEST_NGINX_ONCE:-}" ]; then
    echo "by reload"
    TEST_NGINX_USE_HUP=1 sh util/alone.sh prove t/000-sanity.t t/080-context.t

    echo "by HTTP/2"
    TEST_NGINX_USE_HTTP2=1 sh util/alone.sh prove t/000-sanity.t t/040-params.t
fi
