#!/bin/sh
#
# openapi.sh DIR    puts a validator of OpenAPI 3.1 into DIR, if there is npm
#
# No release of Debian before 13 has one.  The packages and their versions are
# those of t/openapi/package.json; without npm the tests that need them are left
# out, and say so.

set -eu

dir=$1

command -v npm > /dev/null || exit 0

if cmp -s t/openapi/package.json "$dir/package.json" &&
   [ -d "$dir/node_modules/ajv" ]
then
    exit 0
fi

echo "fetching a validator of OpenAPI"

rm -rf "$dir"
mkdir -p "$dir"
cp t/openapi/package.json "$dir/package.json"

(cd "$dir" && npm install --ignore-scripts --no-audit --no-fund \
     --no-package-lock > npm.log 2>&1) ||
{
    tail -n 5 "$dir/npm.log" >&2
    rm -rf "$dir"
    echo "it cannot be had here: tests of documents are left out" >&2
}
