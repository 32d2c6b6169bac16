#!/bin/sh
#
# pkgconfig.sh PREFIX    what pkg-config tells of ngx_task: how a library of
#                        functions is made of a C file

set -eu

cat << END
prefix=$1
includedir=\${prefix}/include

Name: ngx_task
Description: libraries of functions that nginx runs as tasks
Version: $(sh util/version.sh)
Cflags: -I\${includedir} -fPIC
Libs: -shared -Wl,-Bsymbolic
END
