#!/bin/sh
#
# io.sh COMMAND [ARG ...]    runs it when the database of conf/io.sql is made,
#                            by "servers.sh with"

set -eu

"$(sh util/servers.sh psql)" -Xq -v ON_ERROR_STOP=1 -f conf/io.sql

exec "$@"
