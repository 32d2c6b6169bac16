#!/bin/sh
#
# first-user.sh START    an account that is not root has a function of its own
#
# In an empty home directory, with what `make install` has installed.  START is
# when that began: `date +%s%N`.  What is printed is what was waited for.

set -eu

start=$1
cd

failed() {
    echo "NOT: $*"
    cat ./*.out
    exit 1
}

# within SECONDS COMMAND [ARGUMENT ...]

within() {
    left=$(($1 * 20))
    shift

    until "$@"; do
        left=$((left - 1))
        [ $left -gt 0 ] || return 1
        sleep 0.05
    done
}

# answers URL TEXT

is() {
    [ "$(curl -s "http://127.0.0.1:$1")" = "$2" ]
}

answers() {
    within 20 is "$@" || failed "$1 answers $2"
    echo "$1 answers $2"
}

says() {
    within 20 grep -q "$2" "$1" || failed "$1 has: $2"
    echo "it says: $(grep "$2" "$1" | tail -n 1)"
}

gone() {
    ! cat /proc/[0-9]*/comm | grep -qx nginx
}

end() {
    kill "$pid"
    wait "$pid" || failed "it ends with code 0"
    within 10 gone || failed "no nginx is left"
    echo "it has ended, no nginx is left"
}

[ "$(id -u)" != 0 ] || failed "this is an account that is not root"
[ -z "$(ls)" ] || failed "its home directory is empty"

# the first minute

nginx-task new first > first.out 2>&1 &
pid=$!

answers '8082/first?name=you' '{"hello":"you"}'

took=$((($(date +%s%N) - start) / 10000000))
echo "own function: ${took%??}.${took#"${took%??}"} s after the packages were there"
[ $took -lt 6000 ] || failed "within a minute"

# an editing loop

sed -i 's/"hello"/"welcome"/' first/first.c
answers 8082/first '{"welcome":"world"}'

echo 'this is no C' >> first/first.c
says first.out 'first.c:.*error:'
says first.out 'still serving the one before'
answers 8082/first '{"welcome":"world"}'

sed -i -e '$d' -e 's/"welcome"/"again"/' first/first.c
answers 8082/first '{"again":"world"}'

end

# a library in two files, one of them with a library of its own

mkdir power

sed -e 's/first/power/g' -e 's/NGX_TASK_LIBRARY/double  power_of(double base);\n\n&/' \
    -e '/^static ngx_task_rc_t/i double  power_of(double base);\n\n' \
    -e 's/ngx_task_set_string(.*/ngx_task_set_number(t, args->name, power_of(2));/' \
    first/first.c > power/power.c

printf '%s\n' '#include <math.h>' 'double power_of(double base);' \
    'double power_of(double base) { return pow(base, 0.5); }' > power/of.c

PORT=8083 nginx-task run power/power.c power/of.c -lm > power.out 2>&1 &
pid=$!

answers 8083/power '{"world":1.4142135623730951}'

sed -i 's/0.5/2/' power/of.c
answers 8083/power '{"world":4}'

end
