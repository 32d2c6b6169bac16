#!/bin/sh
#
# packages.sh check PACKAGE ...     tells what is missing, and fails
# packages.sh install PACKAGE ...   installs what is missing, and says so
#
# Elsewhere than on Debian nothing is checked: the compiler will tell.

set -eu

command=$1
shift

command -v dpkg-query > /dev/null || exit 0

missing=
for package; do
    status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2> /dev/null) ||
        status=none
    [ "$status" = installed ] || missing="$missing $package"
done

[ -n "$missing" ] || exit 0

sudo=
[ "$(id -u)" = 0 ] || sudo=sudo

if [ "$command" = check ]; then
    echo "missing packages: ${sudo:+sudo }apt-get install -y$missing" >&2
    exit 1
fi

if [ -n "$sudo" ] && ! command -v sudo > /dev/null; then
    echo "missing packages, as root: apt-get install -y$missing" >&2
    exit 1
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
trap 'exit 1' HUP INT TERM

# apt ARGUMENT ...    apt-get, quiet unless it fails

apt() {
    $sudo env DEBIAN_FRONTEND=noninteractive LC_ALL=C apt-get "$@" \
        < /dev/null > "$log" 2>&1
}

update() {
    echo "fetching the lists of packages"
    apt update
}

# shellcheck disable=SC2086
install() {
    apt "$@" --no-install-recommends install $missing
}

failed() {
    tail -n 20 "$log" >&2
    exit 1
}

# how much it is: apt tells, and ends with an error, as nobody agrees

install --assume-no || :

if ! grep -q '^Need to get' "$log"; then
    update || failed
    install --assume-no || :
fi

said() {
    sed -n "s/$1.*/\1/p" "$log"
}

count=$(said '.* \([0-9]*\) newly installed')
download=$(said '^Need to get \([^/]*B\)')
disk=$(said '^After this operation, \([^/]*B\) of')

[ -n "$download" ] || failed

echo "installing $count packages: $download to download, $disk on disk"
echo "they are what these need:$missing"

# Debian starts a server when its package is installed.  One that is new here is
# not for the ports of the system: its start is refused meanwhile, and is not
# made at the next boot.  Of PostgreSQL no cluster is made, which is what would
# start.

new=

# is_new PACKAGE SERVICE FILE    FILE may be a pattern

# shellcheck disable=SC2086
is_new() {
    case " $missing " in *" $1 "*) ;; *) return 0 ;; esac
    case " $new " in *" $2 "*) return 0 ;; esac

    ls $3 > /dev/null 2>&1 || new="$new $2"
}

is_new nginx nginx /usr/sbin/nginx
is_new nginx-dev nginx /usr/sbin/nginx
is_new redis-server redis-server /usr/bin/redis-server
is_new prometheus prometheus /usr/bin/prometheus
is_new postgresql postgresql '/usr/lib/postgresql/*/bin/postgres'

# for the time of the installation

placed=

remove_placed() {
    # shellcheck disable=SC2086
    [ -z "$placed" ] || $sudo rm -df $placed 2> /dev/null || :
    placed=
    rm -f "$log"
}

trap remove_placed EXIT

refuse_start() {
    policy=/usr/sbin/policy-rc.d
    [ ! -e $policy ] || return 0

    placed=$policy
    # shellcheck disable=SC2016
    {
        echo '#!/bin/sh'
        echo 'for word; do case ${word%.service} in'
        for service in $new; do echo "$service) exit 101 ;;"; done
        echo 'esac; done'
    } | $sudo tee $policy > /dev/null
    $sudo chmod 755 $policy
}

# directories go if they are empty, and were not there

refuse_cluster() {
    below=/etc/postgresql-common/createcluster.d
    conf=$below/ngx_http_task_module.conf

    placed="$placed $conf"
    for dir in "$below" "${below%/*}"; do
        [ -d "$dir" ] || placed="$placed $dir"
    done

    $sudo mkdir -p $below
    echo 'create_main_cluster = false' | $sudo tee $conf > /dev/null
}

[ -z "$new" ] || refuse_start

case " $new " in *" postgresql "*) refuse_cluster ;; esac

# the lists may be too old

install -y || { update && install -y; } || failed

remove_placed

# told on a machine that has just got them

for service in $new; do
    if [ "$service" = postgresql ]; then
        echo "PostgreSQL has no cluster and is not started; to have one:" \
             "pg_createcluster VERSION main --start"
        continue
    fi

    if [ -d /run/systemd/system ]; then
        $sudo systemctl disable --quiet "$service" || :
    fi

    echo "$service's own service is not started, now or at boot, as it would" \
         "take a port; to have it: systemctl enable --now $service"
done
