#!/bin/sh
#
# deb.sh BUILD [RELEASE ...]    Debian's packages, built and tried in bare roots
#
# The packages of each release are left in BUILD/deb/RELEASE.  In a second root
# they are installed, upgraded, removed and purged, and nginx is upgraded under
# them: util/deb-walk.sh; then comes their autopkgtest.  As root; where no root
# can be made it says so and passes.

set -eu

build=$1
shift

skip() {
    echo "no packages are built: $*"
    exit 0
}

[ $# -gt 0 ] || set -- bookworm trixie forky

[ "$(id -u)" = 0 ] || skip "a root of Debian is made by root"
command -v debootstrap > /dev/null || skip "there is no debootstrap"
unshare -mn --pid --fork ip link set lo up 2> /dev/null ||
    skip "no namespaces can be made"

[ "$(. /etc/os-release && echo "$ID")" = debian ] || skip "this is no Debian"

. util/root.sh

roots=$build/roots
source=libnginx-mod-http-task
mkdir -p "$roots" "$build/deb"
log=$build/deb/log

# run ROOT COMMAND    quietly, unless it fails

run() {
    in_root "$1" "export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8; $2" \
        > "$log" 2>&1 || { cat "$log"; exit 1; }
}

# no network but a loopback of its own

run_alone() {
    unshare -n sh -c 'ip link set lo up; . util/root.sh; in_root "$@"' sh "$1" \
        "export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8; $2" \
        > "$log" 2>&1 || { cat "$log"; exit 1; }
}

# fresh ROOT    a copy of the bare one, in which no server is started

fresh() {
    rm -rf "$1"
    cp -a "$base" "$1"
    printf '#!/bin/sh\nexit 101\n' > "$1/usr/sbin/policy-rc.d"
    chmod 755 "$1/usr/sbin/policy-rc.d"
}

# the version that a release gets comes before those of newer ones, and of testing

builds() {
    fresh "$builder"
    mkdir "$builder/build"
    tar -xzf "$tar" -C "$builder/build" --transform="s|^[^/]*|$source|"
    gzip -dc "$tar" | tar --delete --wildcards '*/debian' | gzip -9n \
        > "$builder/build/${source}_$version.orig.tar.gz"

    sed "1s/)/$suffix)/" debian/changelog \
        > "$builder/build/$source/debian/changelog"

    run "$builder" "apt-get update &&
        apt-get install -y --no-install-recommends build-essential lintian &&
        cd /build/$source && apt-get build-dep -y --no-install-recommends ./ &&
        useradd -m builder && chown -R builder: /build"

    run "$builder" "cd /build/$source && setpriv --reuid=builder \
        --regid=builder --clear-groups env HOME=/home/builder \
        dpkg-buildpackage -us -uc"

    run "$builder" "cd /build && setpriv --reuid=builder --regid=builder \
        --clear-groups lintian --fail-on error,warning ${source}_*.changes"
}

walks() {
    fresh "$root"
    mkdir "$root/debs"
    cp "$builder/build/${source}"[-_]*.* util/deb-walk.sh "$root/debs"

    run "$root" 'apt-get update && apt-get install -y --no-install-recommends \
        ./debs/*.deb nginx curl gcc pkgconf redis-server autopkgtest dpkg-dev &&
        apt-get purge -y "libnginx-mod-http-task*" &&
        cd /debs && apt-get download nginx'

    run_alone "$root" 'rm /usr/sbin/policy-rc.d; cd /debs && sh ./deb-walk.sh'
    run_alone "$root" "cd /debs && autopkgtest -q -B \
        --ignore-restrictions=isolation-container *.deb *.dsc -- null"

    rm -rf "$out"
    mkdir -p "$out"
    cp "$builder/build/${source}"[-_]*.* "$out"
}

tar=$(sh util/dist.sh "$build")
version=$(sh util/version.sh)

for release; do
    base=$roots/$release
    builder=$roots/builder
    root=$roots/installed
    out=$build/deb/$release
    start=$(date +%s)

    echo "$release: building"
    make_root "$release" "$base" > "$log" 2>&1 || { tail "$log"; exit 1; }

    number=$(sed 's/\..*//' "$base/etc/debian_version")
    case $number in *[!0-9]*) suffix= ;; *) suffix="~deb$number" ;; esac

    builds
    echo "$release: trying"
    walks

    (cd "$out" && ls -- *.deb)
    echo "$release: $(($(date +%s) - start)) s"
done

rm -rf "$roots/builder" "$roots/installed"
