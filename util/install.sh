#!/bin/sh
#
# install.sh install|uninstall NGINX MODULE [DESTDIR]
#
# What Debian's nginx, and who compiles functions, look for.  The module goes to
# nginx's own modules path; where modules are enabled by links, a file to link
# to is written.  Nothing is done to what a package has installed.

set -eu

command=$1
nginx=$2
module=$3
dest=${4:-}
name=${module##*/}
redis=${module%/*}/ngx_http_task_redis_module.so

# option NAME    what nginx was configured with

option() {
    "$nginx" -V 2>&1 | sed -n "s|.*--$1=\([^ ]*\).*|\1|p"
}

# nginx may be gone when the module is to go

modules=$(option modules-path)
prefix=$(option prefix)

if command -v "$nginx" > /dev/null; then
    modules=${modules:-${prefix:-/usr/local/nginx}/modules}
else
    modules=/usr/lib/nginx/modules
fi

share=/usr/share/nginx-task
conf=/usr/share/nginx/modules-available/mod-http-task.conf
links=/etc/nginx/modules-enabled

# of another nginx Debian's configuration and packages know nothing

[ "$nginx" = /usr/sbin/nginx ] || links=/nonexistent

# each FILE that is installed, its MODE, and from where

files() {
    echo "/usr/include/ngx_task.h 644 src/ngx_task.h"
    echo "/usr/share/pkgconfig/ngx_task.pc 644 util/pkgconfig.sh"
    echo "$modules/$name 644 $module"
    [ "$command" = install ] && [ ! -f "$redis" ] ||
        echo "$modules/${redis##*/} 644 $redis"
    echo "/usr/bin/nginx-task 755 util/nginx-task"
    echo "$share/serve.sh 644 util/serve.sh"
    echo "$share/first/first.c 644 util/first/first.c"
    echo "$share/first/nginx.conf 644 util/first/nginx.conf"
    echo "$share/page.conf 644 conf/page.conf"
    for page in conf/html/*; do
        echo "$share/html/${page##*/} 644 $page"
    done
    [ ! -d $links ] || echo "$conf 644 -"
}

package=libnginx-mod-http-task

packaged() {
    [ -z "$dest" ] && [ "$nginx" = /usr/sbin/nginx ] && dpkg-query -W -f '${db:Status-Status}\n' \
        $package $package-dev 2> /dev/null | grep -qx installed
}

! packaged || {
    echo "the module is there as a package; to be without:" \
         "apt-get purge '$package*'" >&2
    exit 1
}

# the directory that is there, of those above a file

above() {
    dir=${1%/*}
    until [ -d "$dir" ] || [ -z "$dir" ]; do dir=${dir%/*}; done
    echo "${dir:-/}"
}

files | while read -r file mode from; do
    dir=$(above "$dest$file")

    [ -w "$dir" ] || {
        echo "only root may write to $dir: sudo make $command" >&2
        exit 1
    }
done

linked() {
    [ -z "$dest" ] || return 0

    for link in $links/*; do
        [ "$(readlink "$link")" != $conf ] || echo "$link"
    done
}

install_all() {
    files | while read -r file mode from; do
        mkdir -p "$dest${file%/*}"

        # in one step: nginx may be starting

        case $from in
        -)
            echo "load_module modules/$name;" > "$dest$file.new" ;;
        util/pkgconfig.sh)
            sh "$from" /usr > "$dest$file.new" ;;
        *)
            cp "$from" "$dest$file.new" ;;
        esac

        chmod "$mode" "$dest$file.new"

        mv "$dest$file.new" "$dest$file"
        echo "installed $dest$file"
    done

    [ -z "$dest" ] || return 0

    if [ "$nginx" != /usr/sbin/nginx ]; then
        echo "to have nginx load the module, at the top of its nginx.conf:"
        echo "    load_module $modules/$name;"
        return 0
    fi

    [ -d $links ] || return 0

    echo "to have nginx load the module:"
    [ -n "$(linked)" ] || echo "    ln -s $conf $links/50-mod-http-task.conf"
    echo "    nginx -s reload, or, where it does not run yet:" \
         "systemctl enable --now nginx"
    echo "it is for nginx $("$nginx" -v 2>&1 | sed 's|.*/||'): when that is" \
         "upgraded, \`make install\` again"
}

uninstall_all() {
    files | while read -r file mode from; do
        [ -e "$dest$file" ] || continue
        rm "$dest$file"
        echo "removed $dest$file"
    done

    rmdir "$dest$share/first" "$dest$share/html" "$dest$share" 2> /dev/null || :

    # nginx does not start with a link that leads nowhere

    for link in $(linked); do
        echo "nginx needs it to be gone, too: rm $link"
    done
}

"${command}_all"
