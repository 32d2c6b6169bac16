#!/bin/sh
#
# install.sh NGINX MODULE [DESTDIR]    what Debian's nginx, and who compiles
#                                      functions, look for
#
# The module goes to nginx's own modules path; where modules are enabled by
# links, a file to link to is written.

set -eu

nginx=$1
module=$2
dest=${3:-}
name=${module##*/}

modules=$("$nginx" -V 2>&1 | sed -n 's|.*--modules-path=\([^ ]*\).*|\1|p')
modules=$dest${modules:?nginx has no modules path}
include=$dest/usr/include
conf=$dest/usr/share/nginx/modules-available

install -d "$include" "$modules"

install -m 644 src/ngx_task.h "$include/"
echo "installed $include/ngx_task.h"

install -m 644 "$module" "$modules/"
echo "installed $modules/$name"

if [ -d /etc/nginx/modules-enabled ]; then
    install -d "$conf"
    echo "load_module modules/$name;" > "$conf/mod-http-task.conf"
    echo "installed $conf/mod-http-task.conf"
fi
