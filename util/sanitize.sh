#!/bin/sh
#
# sanitize.sh BUILD MODULE [TEST ...]    runs the tests with a sanitized module
#
# nginx itself is Debian's: the sanitizers' libraries are loaded before it.  A
# report ends the process that makes it, and any report fails the run.

set -eu

build=$1
module=$2
shift 2

dir=$build/asan
rm -rf "$dir/log"
mkdir -p "$dir/log"

preload="$(gcc -print-file-name=libasan.so) $(gcc -print-file-name=libubsan.so)"

cat > "$dir/nginx" << END
#!/bin/sh
LD_PRELOAD="$preload" \\
ASAN_OPTIONS=detect_leaks=0,log_path=$dir/log/asan \\
UBSAN_OPTIONS=print_stacktrace=1,log_path=$dir/log/ubsan \\
exec $NGX "\$@"
END
chmod 755 "$dir/nginx"

rc=0
TEST_NGINX_BINARY=$dir/nginx TEST_NGINX_LOAD_MODULES=$module \
    TEST_NGINX_ONCE=1 \
    sh util/prove.sh "$build" 1 "$@" || rc=$?

for report in "$dir/log"/*; do
    [ -f "$report" ] || continue
    head -n 40 "$report"
    rc=1
done

[ "$rc" = 0 ] && echo "no sanitizer report"

exit "$rc"
