#!/bin/sh
#
# sanitize.sh NGINX BUILD MODULE LATE [TEST ...]
#                            runs the tests with a sanitized module
#
# Before the whole suite, tests of jobs run with the module LATE, whose store
# answers late; so the summary of the whole suite is the last of the output.
#
# Each module has a table that nginx knows by the same name: it is said to be no
# violation.
#
# nginx itself is Debian's: the sanitizers' libraries are loaded before it.  A
# report ends the process that makes it, and any report fails the run.

set -eu

nginx=$1
build=$2
module=$3
late=$4
shift 4

dir=$build/asan
rm -rf "$dir/log"
mkdir -p "$dir/log"

preload="$(gcc -print-file-name=libasan.so) $(gcc -print-file-name=libubsan.so)"

cat > "$dir/nginx" << END
#!/bin/sh
LD_PRELOAD="$preload" \\
ASAN_OPTIONS=detect_leaks=0,detect_odr_violation=0,log_path=$dir/log/asan\$TEST_NGINX_CRASHES \\
UBSAN_OPTIONS=print_stacktrace=1,log_path=$dir/log/ubsan \\
exec $nginx "\$@"
END
chmod 755 "$dir/nginx"

rc=0
export TEST_NGINX_BINARY=$dir/nginx TEST_NGINX_ONCE=1
export TEST_NGINX_SANITIZER=module TEST_NGINX_CRASHES=

if [ $# = 0 ]; then
    echo "with a store that answers late"
    TEST_NGINX_LOAD_MODULES=$late TEST_NGINX_LATE=1 sh util/prove.sh "$build" 1 \
        t/230-jobs.t t/240-job-wait.t t/257-late.t t/264-wait.t t/281-room.t \
        t/283-events.t t/284-job-http.t t/285-elsewhere.t t/293-job-id.t \
        t/322-watch.t t/374-operate.t || rc=$?
fi

TEST_NGINX_LOAD_MODULES=$module sh util/prove.sh "$build" 1 "$@" || rc=$?

for report in "$dir/log"/*; do
    [ -f "$report" ] || continue
    head -n 40 "$report"
    rc=1
done

[ "$rc" = 0 ] && echo "no sanitizer report"

exit "$rc"
