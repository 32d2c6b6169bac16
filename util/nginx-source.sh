#!/bin/sh
#
# nginx-source.sh DIR    unpacks the source of the nginx that is installed
#
# Debian's upstream tarball, by a private list of sources: apt's own
# configuration is neither used for it nor changed.

set -eu

dir=$1
version=$(dpkg-query -W -f '${Version}' nginx)
upstream=${version%-*}

[ ! -f "$dir/configure" ] || exit 0

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

mkdir -p "$tmp/lists/partial" "$tmp/cache/archives/partial" "$tmp/none"

keys=/usr/share/keyrings/debian-archive-keyring.gpg
[ -f "$keys" ] || keys=/usr/share/keyrings/debian-archive-keyring.pgp

# the archive of the release, and that of its security updates

apt-get indextargets --format '$(REPO_URI) $(CODENAME)' 'Created-By: Packages' \
    'Component: main' | sort -u |
    sed "s|^\(.*\) \(.*\)$|deb-src [target=Sources signed-by=$keys] \1 \2 main|" \
    > "$tmp/sources.list"

cat > "$tmp/apt.conf" << END
Dir::Etc::sourcelist "$tmp/sources.list";
Dir::Etc::sourceparts "$tmp/none";
Dir::State::lists "$tmp/lists";
Dir::Cache "$tmp/cache";
Acquire::Languages "none";
APT::Sandbox::User "$(id -un)";
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
END

(
    cd "$tmp"
    apt-get -qq -c "$tmp/apt.conf" update
    apt-get -qq -c "$tmp/apt.conf" source --download-only --tar-only \
        "nginx=$version"
) > "$tmp/log" 2>&1 || { cat "$tmp/log" >&2; exit 1; }

mkdir -p "$dir"
tar -x -f "$tmp"/nginx_"$upstream".orig.tar.* -C "$dir" --strip-components=1
