#!/bin/sh
#
# includes.sh SRC OBJ    where nginx's headers are: the options -I
#
# As the Makefile has them that nginx's configure wrote to OBJ: another nginx
# has other directories.  What is relative there is so to SRC.

set -eu

unset MAKEFLAGS MFLAGS MAKELEVEL

printf 'includes: ; @echo $(ALL_INCS)\n' |
    make -s -C "$1" --no-print-directory -f "$2/Makefile" -f - includes |
    sed "s|-I \([^/]\)|-I $1/\1|g"
