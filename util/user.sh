#!/bin/sh
#
# user.sh FILE    what nginx needs for its workers to read FILE

set -eu

. util/serve.sh

user_for "$PWD/$1"
