#!/bin/bash
#
# configure.sh SRC MODULE OBJ FLAGS [ARGUMENT ...]
#
# Configures the nginx whose source is in SRC for the dynamic module in the
# directory MODULE.  OBJ gets nginx's Makefile, and what it builds.  FLAGS are
# the compiler's.  Where no arguments are given they are those of Debian's nginx,
# from the conf_flags in SRC, which is a file for bash.

set -eu

src=$1
module=$2
obj=$3
flags=$4
shift 4

log=$obj/configure.log

mkdir -p "$obj"
cd "$src"

NGX_CONF_FLAGS=("$@")
[ $# -gt 0 ] || . ./conf_flags

configure=./configure
[ -f configure ] || configure=auto/configure

# it also writes a Makefile to SRC, which is not for it to change

if [ -w Makefile ]; then
    cp -p Makefile "$obj/Makefile.kept"
    trap 'cat "$obj/Makefile.kept" > Makefile' EXIT

elif [ ! -e Makefile ]; then
    trap 'rm -f Makefile' EXIT
fi

# of an option that is there twice, the last one counts

if ! "$configure" "${NGX_CONF_FLAGS[@]}" --with-cc-opt="$flags" \
    --add-dynamic-module="$module" --builddir="$obj" > "$log" 2>&1
then
    tail -n 5 "$log" >&2
    exit 1
fi
