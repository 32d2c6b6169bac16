#!/bin/sh
#
# confs.sh NAME    fails, with the names that there are, if conf/NAME.conf is not

set -eu

[ ! -f "conf/$1.conf" ] || exit 0

names=
for file in conf/*.conf; do
    name=$(basename "$file" .conf)
    [ "$name" = paths ] || names="$names, $name"
done

echo "there is no conf/$1.conf; there are: ${names#, }" >&2
exit 1
