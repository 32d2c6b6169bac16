#!/bin/sh
#
# test-nginx.sh DIR    puts Test::Nginx into DIR, if perl does not have it
#
# Debian has libtest-nginx-perl from forky on.  On an older release that one
# package is taken from there, with signatures checked, and unpacked; the
# system's own apt configuration is neither used for it nor changed.

set -eu

dir=$1

if perl -MTest::Nginx::Socket -e 1 2> /dev/null \
   || [ -f "$dir/Test/Nginx/Socket.pm" ]
then
    exit 0
fi

failed() {
    echo "no Test::Nginx: $1; elsewhere than on Debian: cpanm Test::Nginx" >&2
    exit 1
}

command -v apt-get > /dev/null || failed "there is no apt-get"

mirror=$(apt-get indextargets --format '$(REPO_URI)' \
             'Created-By: Packages' 'Label: Debian' 'Component: main' \
         | head -n 1)

[ -n "$mirror" ] || failed "apt has no mirror of Debian, try apt-get update"

keys=/usr/share/keyrings/debian-archive-keyring.gpg
[ -f "$keys" ] || keys=/usr/share/keyrings/debian-archive-keyring.pgp

mkdir -p "$dir"
dir=$(cd "$dir" && pwd)

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

mkdir -p "$tmp/lists/partial" "$tmp/cache/archives/partial" "$tmp/none"

echo "deb [arch=all target=Packages signed-by=$keys] $mirror forky main" \
    > "$tmp/sources.list"

cat > "$tmp/apt.conf" << END
Dir::Etc::sourcelist "$tmp/sources.list";
Dir::Etc::sourceparts "$tmp/none";
Dir::Etc::preferences "$tmp/preferences";
Dir::Etc::preferencesparts "$tmp/none";
Dir::State::lists "$tmp/lists";
Dir::State::status "/dev/null";
Dir::Cache "$tmp/cache";
Acquire::Languages "none";
APT::Sandbox::User "$(id -un)";
APT::Update::Error-Mode "any";
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
END

echo "fetching libtest-nginx-perl"

cd "$tmp"

apt-get -qq -c "$tmp/apt.conf" update > "$tmp/log" 2>&1 &&
apt-get -qq -c "$tmp/apt.conf" download libtest-nginx-perl >> "$tmp/log" 2>&1 ||
{
    cat "$tmp/log" >&2
    failed "libtest-nginx-perl could not be fetched"
}

dpkg -x libtest-nginx-perl_*.deb "$tmp/root"

cp -R "$tmp/root/usr/share/perl5/." "$dir/"
