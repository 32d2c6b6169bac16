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

# Debian starts a server when its package is installed: this one is not for
# port 80, so its start is refused meanwhile, and is not made at the next boot

policy=/usr/sbin/policy-rc.d
nginx=
case " $missing " in *" nginx "*|*" nginx-dev "*)
    [ -e /usr/sbin/nginx ] || nginx=new
esac

if [ "$nginx" = new ] && [ ! -e $policy ]; then
    trap '$sudo rm -f $policy "$log"' EXIT
    printf '#!/bin/sh\nexit 101\n' | $sudo tee $policy > /dev/null
    $sudo chmod 755 $policy
fi

# the lists may be too old

install -y || { update && install -y; } || failed

[ "$nginx" = new ] || exit 0

# on a machine that has just got its nginx

if [ -d /run/systemd/system ]; then
    $sudo systemctl disable --quiet nginx || :
fi

echo "nginx's own service is not started, now or at boot, as it would take port" \
     "80; to have it: systemctl enable --now nginx"
