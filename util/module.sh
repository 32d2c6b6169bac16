#!/bin/sh
#
# module.sh SRC OBJ FILE [FLAG ...]    the module, by one command, as FILE
#
# With other flags of the compiler than nginx's Makefile has, and other files
# among them.  OBJ is where it was configured for the nginx in SRC.

set -eu

src=$1
obj=$2
file=$3
shift 3

mkdir -p "${file%/*}"

# shellcheck disable=SC2046
gcc -shared -fPIC -O1 -g "$@" $(sh util/includes.sh "$src" "$obj") \
    -o "$file" $(find src -name '*.c' ! -path 'src/redis/*') \
    "$obj/ngx_http_task_module_modules.c" \
    -lcjson -lm -ldl
