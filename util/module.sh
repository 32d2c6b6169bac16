#!/bin/sh
#
# module.sh SRC OBJ FILE [FLAG ...]    the module, by one command, as FILE
#
# With other flags of the compiler than nginx's Makefile has, and other files
# among them.  OBJ is where it was configured for the nginx in SRC.  The name of
# FILE tells which of the two modules.

set -eu

src=$1
obj=$2
file=$3
shift 3

mkdir -p "${file%/*}"

name=${file##*/}
name=${name%.so}

case $name in
*redis*) files='-path src/redis/*' libs=-lhiredis ;;
*)       files='! -path src/redis/*' libs='-lcjson -lm -ldl' ;;
esac

# shellcheck disable=SC2046,SC2086
set -f
sources=$(find src -name '*.c' $files)
set +f

# shellcheck disable=SC2046,SC2086
gcc -shared -fPIC -O1 -g "$@" $(sh util/includes.sh "$src" "$obj") \
    -o "$file" $sources "$obj/${name}_modules.c" $libs
