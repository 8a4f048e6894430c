#!/bin/bash
# rootfs.sh - the three ways to assemble a root file system give the same tree, with all owners
#
# As root: runs as user $RL_TEST_USER (default rltest). As an ordinary user: as that one.
set -u
user=${RL_TEST_USER:-rltest}
who=()
if [ "$(id -u)" = 0 ]; then
	id "$user" >/dev/null 2>&1 || {
		echo "1..0 # SKIP no user '$user' to run as (RL_TEST_USER)"
		exit 77
	}
	who=(setpriv --reuid "$(id -u "$user")" --regid "$(id -g "$user")" --init-groups)
else
	user=$(id -un)
fi
if ! grep -qE "^($user|$(id -u "$user")):" /etc/subuid; then
	echo "1..0 # SKIP user '$user' has no subordinate ids"
	exit 77
fi
base=$(mktemp -d /tmp/rl-rootfs.XXXXXX) || exit 1
chmod 755 "$base"
cp tests/integration/check_rootfs "$base/check" && cp rl-image "$base/rl-image" || exit 1
mkdir "$base/home" "$base/out" "$base/plain"
[ "$(id -u)" != 0 ] || chown "$(id -u "$user"):$(id -g "$user")" "$base/home"
n=0 failed=0

ok() { # ok STATUS WHAT
	n=$((n + 1))
	if [ "$1" = 0 ]; then
		echo "ok $n - $2"
	else
		echo "not ok $n - $2"
		sed 's/^/# /' "$base/out/last"
		failed=1
	fi
}
# check DRIVER WORDS...: output (both kinds) in $base/out/last
check() {
	local driver=$1
	shift
	timeout 60 "${who[@]}" env -i HOME="$base/home" PATH=/usr/bin:/bin STORAGE_DRIVER="$driver" \
		XDG_RUNTIME_DIR="$base/home/run" "$base/check" "$@" >"$base/out/last" 2>&1
}
same() { cmp -s "$base/out/last" "$base/out/$1"; }
has() { grep -qF "$1" "$base/out/last"; }

"${who[@]}" mkdir -m 700 "$base/home/run"
check overlay layers
ok $? "layers are made"

check overlay pick
ok $? "a rung is found"
best=$(cut -d: -f1 "$base/out/last")
echo "# this machine takes: $best"

rungs=vfs
[ "$best" = overlay ] && rungs="overlay $rungs"
if [ -w /dev/fuse ] && command -v fuse-overlayfs >/dev/null; then
	rungs="fuse-overlayfs $rungs"
fi
first=${rungs%% *}
for rung in $rungs; do
	check "$rung" show
	ok $? "$rung: a tree"
	if [ "$rung" = "$first" ]; then
		cp "$base/out/last" "$base/out/show"
		has "/ 40751 5:6" && has "/dir/user 104755 1000:1000" && has "/opaque/new" &&
			! has "/opaque/old" && ! has "/gone" && ! has "/dir/sub" && has "/becomes-dir/in"
		ok $? "$rung: owners, modes, whiteouts and opaque folders"
	else
		same show
		ok $? "$rung: the same tree as with $first"
	fi
	check "$rung" show -k
	same show
	ok $? "$rung: the same owners inside with the maps of keep-id"
	check "$rung" change
	# (a name more or less of a file with two names: overlay without index counts differently)
	sed -i 's/ links=[0-9]*//' "$base/out/last"
	if [ "$rung" = "$first" ]; then
		cp "$base/out/last" "$base/out/change"
		has "/opaque/mine" && ! has "/opaque/new" && ! has "/etc/passwd 1" && has "/dir/renamed"
		ok $? "$rung: changes from inside"
	else
		same change
		ok $? "$rung: the same changes"
	fi
	check "$rung" rm
	same show
	ok $? "$rung: a container that is removed at its end"
done

if [ "$best" = overlay ]; then
	check overlay old
	same show
	ok $? "overlay as kernels before 6.7 need it"
	check overlay many 500
	check overlay show 500
	[ "$(wc -l <"$base/out/last")" = 501 ]
	ok $? "500 layers"
	check overlay old 500
	[ "$(wc -l <"$base/out/last")" = 501 ]
	ok $? "500 layers as kernels before 6.7 need it"
	check overlay many 501
	check overlay show 501
	[ "$(wc -l <"$base/out/last")" = 502 ]
	ok $? "more layers than the kernel takes are copied"
fi

check overlay dir "$base/plain"
ok $? "a folder of the user"
check overlay dir /etc/passwd
[ $? = 125 ] && has "'/etc/passwd' is not a folder"
ok $? "a file is refused as root"

# what must not stay: daemons of FUSE mounts (their mounts are gone)
running() { pgrep -u "$user" -f "$base/check" || pgrep -r S,R,D -x fuse-overlayfs -u "$user"; }
for _ in {1..75}; do # other scripts of this user have some, too, for a moment
	running >/dev/null || break
	sleep 0.2
done
! running >"$base/out/last"
ok $? "nothing runs on"

# files of subordinate owners can be removed only inside
"${who[@]}" unshare -U --map-auto --map-root-user rm -rf "$base/home/.local" "$base/home/run" \
	2>/dev/null
rm -rf "$base" 2>/dev/null
echo "1..$n"
exit $failed
