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

# the whole suite, once more with jobs in Redis and in a state file, with reloads
# instead of starts, and by HTTP/2, as far as the tests allow it

if [ "$*" = t ] && [ -z "${TEST_NGINX_ONCE:-}" ]; then
    for store in redis file; do
        echo "jobs in another store: $store"
        TEST_NGINX_STORE=$store sh util/alone.sh $prove ${each:+"$each"} \
            t/230-jobs.t t/240-job-wait.t t/256-job-waited.t t/264-wait.t \
            t/266-progress-text.t t/267-secret.t t/270-exit.t t/272-spawn.t \
            t/274-answers.t t/283-events.t t/284-job-http.t t/285-elsewhere.t \
            t/292-quit.t t/293-job-id.t t/302-crash.t t/316-job-stream.t \
            t/320-gather.t t/322-watch.t t/360-inputs.t t/365-uploads.t \
            t/370-queues.t t/371-idempotency.t t/372-queues-reviewed.t
    done

    echo "by reload"
    TEST_NGINX_USE_HUP=1 sh util/alone.sh prove t/000-sanity.t t/080-context.t

    echo "by HTTP/2"
    TEST_NGINX_USE_HTTP2=1 sh util/alone.sh prove t/000-sanity.t t/040-params.t
fi
