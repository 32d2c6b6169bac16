#!/bin/sh
#
# lua.sh FILE ...    prints scripts as C strings, for src/redis/
#
# Each is ngx_http_task_redis_lua_NAME, of NAME.lua.  Comments and the space at
# the beginning of lines are left out: each connection has them sent.

set -eu

for file; do
    name=${file##*/}
    name=${name%.lua}

    echo "static const char  ngx_http_task_redis_lua_$name[] ="
    sed -e '/^ *--/d' -e '/^ *$/d' -e 's/^ *//' -e 's/[\\"]/\\&/g' \
        -e 's/.*/    "&\\n"/' "$file"
    echo "    ;"
done
