#!/bin/sh
#
# confs.sh NAME    fails, with the names that there are, if conf/NAME.conf is
#                  none that can be served

set -eu

! grep -qs '^events' "conf/$1.conf" || exit 0

names=
for file in $(grep -l '^events' conf/*.conf); do
    names="$names, $(basename "$file" .conf)"
done

echo "there is no conf/$1.conf; there are: ${names#, }" >&2
exit 1
