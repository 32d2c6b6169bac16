# root.sh    minimal roots of Debian, for a shell that reads this
#
# They are made with debootstrap, as root, and see this machine's mirror and its
# way to it.

# make_root RELEASE DIR    unless it is there; callers may look at its status

make_root() {
    if [ ! -f "$2/.made" ]; then
        rm -rf "$2" "$2.new"
        mirror=$(apt-get indextargets --format '$(REPO_URI)' \
                     'Created-By: Packages' 'Label: Debian' 'Component: main' \
                 | head -n 1)

        script=
        [ -e "/usr/share/debootstrap/scripts/$1" ] ||
            script=/usr/share/debootstrap/scripts/sid

        # shellcheck disable=SC2086
        debootstrap --variant=minbase "$1" "$2.new" "$mirror" $script &&
            touch "$2.new/.made" && mv "$2.new" "$2" || return 1
    fi

    cp /etc/resolv.conf "$2/etc/" || return 1
    for conf in /etc/apt/apt.conf.d/*; do
        [ -e "$2/etc/apt/apt.conf.d/${conf##*/}" ] ||
            cp "$conf" "$2/etc/apt/apt.conf.d/"
    done

    # a package may have one of these, too, and nobody is there to be asked

    echo 'Dpkg::Options { "--force-confdef"; "--force-confold"; };' \
        > "$2/etc/apt/apt.conf.d/00unattended"
}

# in_root DIR COMMAND

in_root() {
    unshare -m --pid --fork --kill-child sh -c '
        mount --make-rprivate /
        mount -t proc proc "$0/proc"
        mount --rbind /dev "$0/dev"
        exec env -i HOME=/root TERM=dumb PATH=/usr/sbin:/usr/bin:/sbin:/bin \
            chroot "$0" sh -c "$1"' "$@"
}
