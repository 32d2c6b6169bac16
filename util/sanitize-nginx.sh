#!/bin/sh
#
# sanitize-nginx.sh BUILD address|thread [TEST ...]
#
# An nginx of Debian's source, built whole with a sanitizer.  With "address",
# ASan, UBSan and LSan, each allocation of a pool is a block of its own
# (NGX_DEBUG_PALLOC), or overflows inside pools would not be seen.  With
# "thread", TSan, whose reports util/tsan.pl reads: what nginx's own pools,
# spinlock and notification do is left out, they are not made for it.
#
# Leaks count where a worker or the master ends.  `nginx -t`, and the process
# that leaves a daemon behind, end without letting go of anything.

set -eu

build=$1
kind=$2
shift 2

place=$PWD
src=$build/nginx-src
obj=$build/nginx-$kind
log=$obj/log

case $kind in
address)
    flags="-fsanitize=address,undefined -fno-sanitize=alignment,nonnull-attribute
           -fno-sanitize-recover=undefined -DNGX_DEBUG_PALLOC=1"
    ;;
thread)
    flags="-fsanitize=thread"
    ;;
esac

flags="$(echo $flags) -fno-omit-frame-pointer -O1 -g"
with="--with-compat --with-debug --with-threads --with-http_ssl_module
      --with-http_v2_module --with-http_auth_request_module
      --with-http_addition_module --with-http_sub_module
      --with-http_gunzip_module --with-http_gzip_static_module
      --with-http_stub_status_module"

build() {
    make -s -C "$src" -f "$obj/Makefile" "$@" > "$obj.log" 2>&1 ||
        { tail -n 20 "$obj.log" >&2; exit 1; }
}

# anew for another config, other flags, another place of this checkout

if [ ! -x "$obj/nginx" ] || [ config -nt "$obj/nginx" ] ||
    [ "$(cat "$obj/stamp" 2> /dev/null)" != "$place $flags $with" ]
then
    echo "building nginx with $kind sanitizer"
    # shellcheck disable=SC2086
    ASAN_OPTIONS=detect_leaks=0 bash util/configure.sh "$src" "$place" "$obj" \
        "$flags -Wno-error" --with-ld-opt="$flags" $with
    build
    echo "$place $flags $with" > "$obj/stamp"
fi

build modules

# the module whose allocations fail, for t/170-alloc.t: what leaks then?

fail=

if [ "$kind" = address ]; then
    fail=$obj/fail.so

    # shellcheck disable=SC2086
    sh util/module.sh "$src" "$obj" "$fail" $flags -include t/lib/fail.h \
        t/lib/fail.c
fi

rm -rf "$log"
mkdir -p "$log"

# what nginx's core lets go of, or keeps, in every process

cat > "$obj/leaks" << END
leak:ngx_event_process_init
leak:ngx_set_environment
leak:ngx_regex_malloc
END

cat > "$obj/run" << END
#!/bin/sh
leaks=1
case " \$* " in *" -t "*) leaks=0 ;; esac

ASAN_OPTIONS=detect_leaks=\$leaks,detect_odr_violation=0,exitcode=0,log_path=$log/asan\$TEST_NGINX_CRASHES \\
LSAN_OPTIONS=suppressions=$obj/leaks,print_suppressions=0 \\
UBSAN_OPTIONS=print_stacktrace=1,log_path=$log/ubsan \\
TSAN_OPTIONS=log_path=$log/tsan,exitcode=0,report_signal_unsafe=0,symbolize=0\$TEST_NGINX_CRASHES \\
exec $obj/nginx "\$@"
END
chmod 755 "$obj/run"

rc=0
TEST_NGINX_BINARY=$obj/run \
    TEST_NGINX_LOAD_MODULES=$obj/ngx_http_task_module.so \
    TEST_NGINX_ONCE=1 \
    TEST_NGINX_SANITIZER=$kind TEST_NGINX_CRASHES= \
    TEST_NGINX_FAIL_MODULE=$fail \
    sh util/prove.sh "$build" 1 "$@" || rc=$?

# of LSan's reports all but that of a daemon's parent, whose first pool is main()'s

[ "$kind" != thread ] || perl util/tsan.pl "$obj" "$log"/* || rc=1

for report in "$log"/*; do
    [ -f "$report" ] && [ "$kind" != thread ] || continue

    # a thread that exit() left running may be all that knows of some memory

    if grep -q 'was not suspended. False leaks are possible' "$report"; then
        continue
    fi

    if grep -q LeakSanitizer "$report" &&
        grep -A1 ' in ngx_create_pool ' "$report" | grep -q ' in main '
    then
        continue
    fi

    head -n 60 "$report"
    rc=1
done

[ "$rc" = 0 ] && echo "no report of the $kind sanitizer"

exit "$rc"
