#!/bin/sh
#
# alone.sh COMMAND [ARG ...]    runs it in a network of its own
#
# Test::Nginx listens on all addresses, and our tests on fixed ports: the
# network has nothing but a loopback.  Where it cannot be made, the command runs
# as it is.

if unshare -n true 2> /dev/null && command -v ip > /dev/null; then
    exec unshare -n sh -c 'ip link set lo up; exec "$@"' sh "$@"
fi

exec "$@"
