#!/bin/bash
# homes.sh - odd places for the store: read-only, no inodes, noexec, long, and no HOME that is any good
#
# In a mount namespace of its own: one made elsewhere meanwhile would keep the file systems busy.
[ -n "${RL_HOMES_NS-}" ] || [ "$(id -u)" != 0 ] ||
	exec unshare -m --propagation private env RL_HOMES_NS=1 "$0" "$@"
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
archive=$(image alpine) || skip_all "no test image"
cp "$archive" "$T/alpine.tar"
img=docker.io/library/alpine
clean() { # the holder keeps mounts busy
	pkill_holder
	for _ in {1..50}; do
		[ -n "$(leftover_processes holder)" ] || break
		sleep 0.05
	done
}

if [ "$(id -u)" = 0 ]; then
	at_end+=("umount -l $T/m")
	place() { # OPTIONS: a file system at $T/m whose folder "s" is the store
		mkdir -p "$T/m"
		mount -t tmpfs -o "size=64m,$1" homes "$T/m"
		ROOT=$T/m/s
		own_dir "$ROOT" 755
	}
	finished_here() {
		clean
		umount "$T/m" || not_ok "the file system is free" "$(fuser -vm "$T/m" 2>&1)"
	}

	place nr_inodes=64
	run rl load -q -i "$T/alpine.tar"
	expect_error "no inodes: load says so" "*inodes*RL_ROOT*"
	run rl ps -a
	expect "no inodes: ps works" 0 "CONTAINER*" ""
	run rl images -q
	expect "no inodes: no half image" 0 "" ""
	out=$(find "$ROOT/layers" -mindepth 1 -maxdepth 1 ! -name '.gc')
	[ -z "$out" ] && ok "no inodes: nothing is left of the load" || not_ok "no inodes: nothing is left of the load" "$out"
	mount -o remount,nr_inodes=4096 "$T/m"
	run rl load -q -i "$T/alpine.tar"
	expect "with inodes again: load" 0 "Loaded image: $img:latest" "*"
	finished_here

	for flags in noexec nosuid,nodev; do
		place $flags
		run rl load -q -i "$T/alpine.tar"
		expect "a $flags store: load" 0 "Loaded image: $img:latest" "*"
		run rl run --rm --network none $img echo hi
		expect "a $flags store: run" 0 hi ""
		finished_here
	done

	place mode=755
	run rl load -q -i "$T/alpine.tar"
	run rl create --name keep --network none $img true
	clean
	mount -o remount,ro "$T/m"
	run rl images --format '{{.Repository}}'
	expect "read-only: images" 0 "$img" ""
	run rl ps -a --format '{{.Names}} {{.State}}'
	expect "read-only: ps" 0 "keep created" ""
	run rl inspect -f '{{.State.Status}}' keep
	expect "read-only: inspect" 0 created ""
	run rl image inspect -f '{{.Os}}' $img
	expect "read-only: image inspect" 0 linux ""
	run rl create --network none $img true
	expect_error "read-only: create" "*containers*mounted read-only: set RL_ROOT*"
	run rl load -q -i "$T/alpine.tar"
	expect_error "read-only: load" "*Read-only file system*mounted read-only: set RL_ROOT*"
	run rl rm keep
	[ $status != 0 ] && [[ $err == *"mounted read-only: set RL_ROOT"* ]] && ok "read-only: rm" || not_ok "read-only: rm" "$status $err"
	mount -o remount,rw "$T/m"
	run rl rm keep
	expect "writable again: rm" 0 keep ""
	finished_here

	# what a store cannot live on is said before anything is fetched
	unfit() { # NAME WHAT: a store on what is mounted at $T/m
		ROOT=$T/m/s
		run rl load -q -i "$T/alpine.tar"
		expect_error "$1: load says what it lacks, and where else" "*'$ROOT' cannot hold a store: its file system ($1) has no $2*RL_ROOT=/*"
		run rl pull -q localhost:1/nothing/there
		expect_error "$1: pull, before it asks anybody" "*cannot hold a store*"
		doctor_says store missing broken "*cannot hold a store: *$1* has no $2*" "*RL_ROOT=/*"
		[ -z "$(find "$ROOT" -name '.tmp-*')" ] && ok "$1: nothing is left of the trial" || not_ok "$1: nothing is left of the trial" "$(find "$ROOT")"
		finished_here
	}
	mount -t ramfs homes "$T/m" && own_dir "$T/m/s" 755
	unfit ramfs "user extended attributes"
	if truncate -s 8m "$T/fat" && mkfs.vfat "$T/fat" >/dev/null 2>&1 && mount -o "loop,uid=$TEST_UID,gid=$TEST_GID,umask=077" "$T/fat" "$T/m" 2>/dev/null; then
		unfit vfat "user extended attributes"
	else
		skip "vfat" "no mkfs.vfat or no loop devices"
	fi
	# as a server answers that has no locks, links, or knows no owners
	ROOT=$T/home/served
	own_dir "$ROOT" 700
	rl info >/dev/null # a session
	while read -r call code what; do
		WRAP=("$RL_BUILD/tests/tools/refuse" -e "$code" "$call")
		run rl pull -q localhost:1/nothing/there
		expect_error "no $what" "*'$ROOT' cannot hold a store: *no $what*RL_ROOT*"
	done <<-END
		flock 37 locks
		linkat 95 hard links
		fchown 1 owners
		mknodat 1 FIFOs
	END
	WRAP=()
else
	skip "stores on file systems of their own" "not root"
fi

# --- HOME ---------------------------------------------------------------------------------------
home() { # HOME=VALUE or nothing: rl without RL_ROOT
	local who=()
	[ "$(id -u)" != 0 ] || who=(setpriv --reuid "$TEST_UID" --regid "$TEST_GID" --init-groups)
	(cd "$T/work" && "${who[@]}" env -i PATH=/usr/bin:/bin XDG_RUNTIME_DIR="$T/run" RL_TEST_MARK="$RL_TEST_MARK" "${home[@]}" timeout 20 "$RL" "$@")
}
for h in / /nonexistent "/$(printf 'x%.0s' {1..4000})"; do
	home=("HOME=$h")
	run home images
	expect_error "HOME=${h:0:20}: said" "*data folder*RL_ROOT*"
done
long=$T/home/l$(printf '/%0200d' {1..15})
mkdir -p "$long"
chown -R "$TEST_UID:$TEST_GID" "$T/home/l"
ROOT=$long/s
own_dir "$ROOT" 755
run rl load -q -i "$T/alpine.tar"
expect "a path of ${#ROOT} bytes: load" 0 "Loaded image: $img:latest" "*"
run rl run --rm --network none $img echo hi
expect "a path of ${#ROOT} bytes: run" 0 hi ""
run rl run -d --name far --network none $img sleep 60
expect "a path of ${#ROOT} bytes: run -d" 0 "*" ""
run rl exec far echo in
expect "a path of ${#ROOT} bytes: exec" 0 in ""
run rl rm -f -t 0 far
expect "a path of ${#ROOT} bytes: rm" 0 far ""
ROOT="$T/home/with space,comma:colon\\back"
own_dir "$ROOT" 755
run rl load -q -i "$T/alpine.tar"
expect "a name with commas, colons, a backslash: load" 0 "Loaded image: $img:latest" "*"
run rl run --rm --network none -v data:/d $img sh -c 'echo hi >/d/x; cat /d/x'
expect "a name with commas, colons, a backslash: run" 0 hi ""
leakcheck "nothing is left"
finish
