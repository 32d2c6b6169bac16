#!/bin/sh
#
# fastapi.sh DIR    a minimal root of Debian forky in DIR, with its FastAPI
#
# That of an older release cannot stream events.  It is made with debootstrap,
# as root, and kept.  With "yield" in place of a StreamingResponse, and with
# EventSourceResponse, from 0.135 on.

set -eu

root=$1

if [ -f "$root/.fastapi" ]; then
    exit 0
fi

if [ "$(id -u)" != 0 ]; then
    echo "a root of Debian forky can only be made as root" >&2
    exit 1
fi

sh util/packages.sh install debootstrap

. util/root.sh

echo "fetching the FastAPI of Debian forky"

{
    make_root forky "$root" &&
    in_root "$root" 'apt-get update && DEBIAN_FRONTEND=noninteractive \
        apt-get install -y --no-install-recommends python3-fastapi \
            python3-uvicorn python3-uvloop python3-httptools'
} > "$root.log" 2>&1 || {
    tail -n 20 "$root.log" >&2
    exit 1
}

touch "$root/.fastapi"
