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

echo "installing packages:$missing"

# Debian starts a server when its package is installed: this one is not for
# port 80, so its start is refused meanwhile, and is not made at the next boot

policy=/usr/sbin/policy-rc.d
nginx=
case " $missing " in *" nginx "*|*" nginx-dev "*)
    [ -e /usr/sbin/nginx ] || nginx=new
esac

if [ "$nginx" = new ] && [ ! -e $policy ]; then
    trap '$sudo rm -f $policy' EXIT
    trap 'exit 1' HUP INT TERM
    printf '#!/bin/sh\nexit 101\n' | $sudo tee $policy > /dev/null
    $sudo chmod 755 $policy
fi

log=$(mktemp)

install() {
    # shellcheck disable=SC2086
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y \
        --no-install-recommends $missing < /dev/null > "$log" 2>&1
}

if ! install; then

    # the lists may be missing, or too old

    $sudo apt-get update < /dev/null > "$log" 2>&1 && install || {
        tail -n 20 "$log" >&2
        rm -f "$log"
        exit 1
    }
fi

rm -f "$log"

if [ "$nginx" = new ] && [ -d /run/systemd/system ]; then
    $sudo systemctl disable --quiet nginx || :
fi
