# shellcheck shell=sh
# lib.sh - what quickstart and check share: packages, devices, users. Each change is said in one line.

changes=0
changed() {
	changes=$((changes + 1))
	echo "changed: $*"
}
die() {
	echo "error: $*" >&2
	exit 1
}

# root CMD...: as root, through sudo where we are not
root() {
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		die "'$1' needs root and there is no sudo: run this script as root"
	fi
}

# packages LIST-FILE...: install what is missing of these lists, by Debian names
packages() {
	if ! command -v apt-get >/dev/null; then
		echo "note: no apt-get here; the lists of packages are in: $*"
		return 0
	fi
	missing=''
	# shellcheck disable=SC2013 # words are what we want
	for p in $(grep -hv "^#" "$@"); do
		case $(dpkg-query -W -f '${db:Status-Abbrev}' "$p" 2>/dev/null) in
		ii*) ;;
		*) missing="$missing $p" ;;
		esac
	done
	[ -n "$missing" ] || return 0
	# shellcheck disable=SC2086 # a list
	set -- $missing
	# the index may be old or not there at all: fetch it only when it does not do
	# shellcheck disable=SC2086
	root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$@" >/dev/null 2>&1 ||
		{ root apt-get update -qq && root env DEBIAN_FRONTEND=noninteractive \
			apt-get install -qq -y --no-install-recommends "$@" >/dev/null; } ||
		die "apt-get could not install:$missing"
	changed "installed packages:$missing"
}

# device PATH MODULE MAJOR MINOR: there, and usable by everybody (as udev has it on ordinary machines)
device() {
	if ! [ -c "$1" ]; then
		root modprobe "$2" 2>/dev/null || true
		[ -c "$1" ] || { root mkdir -p "$(dirname "$1")" && root mknod -m 666 "$1" c "$3" "$4"; } ||
			{ echo "note: no $1 here; $5" && return 0; }
		changed "made $1"
	fi
	case $(stat -c %a "$1") in
	*[67][67]) ;;
	*) root chmod 666 "$1" && changed "opened $1 to everybody (until the next boot; udev does so where it runs)" ;;
	esac
}
devices() {
	device /dev/fuse fuse 10 229 "rl needs it only where the kernel has no overlay in user namespaces"
	device /dev/net/tun tun 10 200 "containers get no private network"
}

# first id behind all ranges of a subuid file
next_range() {
	awk -F: 'BEGIN { m = 100000 } $2 + $3 > m { m = $2 + $3 } END { printf "%d", m }' "$1" 2>/dev/null || echo 100000
}
has_range() { # FILE USER
	grep -qE "^($2|$(id -u "$2")):[0-9]+:[0-9]+" "$1" 2>/dev/null
}

# subordinate_ids USER: 65536 of each kind, where there are none
subordinate_ids() {
	if ! has_range /etc/subuid "$1"; then
		n=$(next_range /etc/subuid)
		root usermod --add-subuids "$n-$((n + 65535))" "$1"
		changed "subordinate uids $n-$((n + 65535)) for '$1' in /etc/subuid"
	fi
	if ! has_range /etc/subgid "$1"; then
		n=$(next_range /etc/subgid)
		root usermod --add-subgids "$n-$((n + 65535))" "$1"
		changed "subordinate gids $n-$((n + 65535)) for '$1' in /etc/subgid"
	fi
}

# new_user NAME: an ordinary account without password, where there is none
new_user() {
	id -u "$1" >/dev/null 2>&1 && return 0
	root useradd -m -s /bin/sh "$1"
	changed "made the user '$1'"
}

# newuidmap and newgidmap must be setuid root or have the capability; image builders lose that
id_helpers() {
	for p in /usr/bin/newuidmap /usr/bin/newgidmap; do
		[ -x "$p" ] || continue
		[ -u "$p" ] && continue
		command -v getcap >/dev/null && getcap "$p" | grep -q 'cap_set.id' && continue
		root chmod u+s "$p"
		changed "made $p setuid root, as its package has it"
	done
}

# user namespaces for ordinary users, which some kernels and distributions forbid
user_namespaces() { # SOURCE-FOLDER
	f=/proc/sys/kernel/unprivileged_userns_clone
	if [ -r $f ] && [ "$(cat $f)" = 0 ]; then
		echo 'kernel.unprivileged_userns_clone = 1' | root tee /etc/sysctl.d/60-rl.conf >/dev/null
		root sysctl -q -p /etc/sysctl.d/60-rl.conf
		changed "kernel.unprivileged_userns_clone = 1, in /etc/sysctl.d/60-rl.conf"
	fi
	f=/proc/sys/kernel/apparmor_restrict_unprivileged_userns
	if [ -r $f ] && [ "$(cat $f)" = 1 ] && ! cmp -s "$1/contrib/apparmor/rl" /etc/apparmor.d/rl; then
		root install -m 644 "$1/contrib/apparmor/rl" /etc/apparmor.d/rl
		root apparmor_parser -r /etc/apparmor.d/rl
		changed "AppArmor profile /etc/apparmor.d/rl, which lets rl make user namespaces"
	fi
	[ "$(cat /proc/sys/user/max_user_namespaces)" -gt 0 ] ||
		echo "note: user.max_user_namespaces is 0, rl cannot work: sysctl user.max_user_namespaces=10000"
}

# run_as USER CMD...: with that user's own environment
run_as() {
	u=$1
	shift
	if [ "$(id -un)" = "$u" ]; then
		"$@"
		return
	fi
	h=$(getent passwd "$u" | cut -d: -f6)
	x=/run/user/$(id -u "$u")
	[ -d "$x" ] || x=
	(cd / && root setpriv --reuid "$u" --regid "$(id -g "$u")" --init-groups env -i HOME="$h" USER="$u" \
		LOGNAME="$u" TERM="${TERM-dumb}" PATH=/usr/local/bin:/usr/bin:/bin ${x:+XDG_RUNTIME_DIR="$x"} "$@")
}
