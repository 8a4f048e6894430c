#!/bin/bash
# powerloss.sh - the store on an ext4 whose power goes: after each command, and in the middle of some
#
# A file system of its own in a file, cut off by EXT4_IOC_SHUTDOWN without a flush of its journal: what was
# not synced is gone. Afterwards everything of rl's is killed, as a reboot does it, and the file system is
# mounted again. CUTS (default 5, LONG=1: 40) is the number of cuts in the middle of each command.
#
# In a mount namespace of its own: one made elsewhere meanwhile would keep the disk busy.
[ -n "${RL_POWERLOSS_NS-}" ] || [ "$(id -u)" != 0 ] ||
	exec unshare -m --propagation private env RL_POWERLOSS_NS=1 "$0" "$@"
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
[ "$(id -u)" = 0 ] || skip_all "not root: no loop device"
archive=$(image alpine) || skip_all "no test image"
cp "$archive" "$T/alpine.tar"
shopt -s extglob
cuts=${CUTS:-$([ -n "${LONG-}" ] && echo 40 || echo 5)}
img=docker.io/library/alpine

DISK=$T/disk.img
ROOT=$T/disk/store
truncate -s 256M "$DISK"
mke2fs -q -t ext4 -F "$DISK" || skip_all "no mke2fs"
mkdir "$T/disk"
# nothing is written by itself, and a rename syncs nothing (as on file systems without that crutch)
power_on() { mount -o loop,commit=300,noauto_da_alloc "$DISK" "$T/disk"; }
power_on 2>/dev/null || skip_all "no loop device"
at_end+=("umount -l $T/disk")
own_dir "$ROOT" 755
sync -f "$T/disk"

power_off() { # as a reboot: nobody cleans up
	python3 -c 'import fcntl, os, struct, sys
fcntl.ioctl(os.open(sys.argv[1], os.O_RDONLY), 0x8004587d, struct.pack("I", 2))' "$T/disk" # EXT4_IOC_SHUTDOWN, NOLOGFLUSH
	local i
	for i in {1..60}; do
		{ leftover_processes; leftover_processes holder; } | awk '{ print $2 }' | xargs -r kill -9 2>/dev/null
		mountpoint -q "$T/disk" && umount "$T/disk" 2>/dev/null
		[ -n "$(losetup -j "$DISK")" ] || break
		sleep 0.05
	done
	wait "${job:-}" 2>/dev/null
	rm -rf "${T:?}/run/rl"
	[ "$i" = 60 ] || return
	not_ok "the disk can be unmounted" "$(losetup -j "$DISK")" "$(leftover_processes)"
	finish
}
# what must hold after each cut; prints what does not
damage() {
	find "$ROOT" -name '*.json' -size 0 -printf 'empty: %P\n'
	run rl ps -a --format '{{.Names}} {{.State}}'
	[ $status = 0 ] && [ -z "$err" ] || echo "ps: $status $err"
	rows=$out
	run rl images --format '{{.Repository}}:{{.Tag}}'
	[ $status = 0 ] && [ -z "$err" ] || echo "images: $status $err"
	tags=$out
	run rl volume ls -q
	[ $status = 0 ] && [ -z "$err" ] || echo "volumes: $status $err"
	volumes=$out
	run rl fsck # what was removed and not synced may be back
	grep -vE "^$|is a temporary file of nobody" <<<"$out$err"
	[ $status = 0 ] || run rl fsck --repair
	[ $status = 0 ] || echo "fsck --repair: $status $out $err"
	case $tags in *alpine:latest*)
		run rl run --rm --network none $img cat /etc/os-release
		[ $status = 0 ] && [ "$out" = "$release" ] || echo "run: $status $out $err"
		;;
	esac
}
# after NAME OLD NEW COMMAND...: power off when it is done. OLD and NEW are patterns of "$rows|$tags|$volumes"
after() {
	local what=$1 old=$2 new=$3 bad
	shift 3
	sync -f "$T/disk"
	run rl "$@"
	[ $status = 0 ] || { not_ok "$what" "$status $err" && return; }
	power_off
	power_on
	damage >"$T/damage"
	bad=$(cat "$T/damage")
	# shellcheck disable=SC2053 # patterns
	if [ -n "$bad" ]; then
		not_ok "power off after $what" "$bad"
	elif [[ "$rows|$tags|$volumes" == $old ]]; then
		ok "power off after $what: as before"
	elif [[ "$rows|$tags|$volumes" == $new ]]; then
		ok "power off after $what: done"
	else
		not_ok "power off after $what" "$rows|$tags|$volumes" "wanted $old or $new"
	fi
}

run rl load -q -i "$T/alpine.tar"
[ $status = 0 ] || { not_ok "load the test image" "$err" && finish; }
run rl run --rm --network none $img cat /etc/os-release
release=$out
pkill_holder
a=$img:latest
run rl rmi $img
after load '||' "|$a|" load -q -i "$T/alpine.tar"
run rl load -q -i "$T/alpine.tar"
after tag "|$a|" "|*|" tag $img other:1
run rl untag $img other:1
run rl create --name keep --network none $img true
after create "keep created|$a|" "*created*created|$a|" create --name one --network none $img true
run rl rm one
after rename "keep created|$a|" "kept created|$a|" rename keep kept
run rl rename kept keep
after start "keep created|$a|" "keep @(exited|created)|$a|" start -a keep
after "run -d" "keep *|$a|" "*bg exited*|$a|" run -d --name bg --network none $img sleep 60
run rl rm -f -t 0 bg
after "volume create" "keep *|$a|" "keep *|$a|data" volume create data
run rl run --rm --network none $img sh -c 'cat /etc/passwd /etc/group /etc/os-release'
content=$out
after "a volume's first content" "keep *|$a|*" "*full exited*|$a|*full" run -d --name full --network none -v full:/etc $img sleep 60
run rl run --rm --network none -v full:/etc $img sh -c 'cat /etc/passwd /etc/group /etc/os-release'
expect "which is whole then" 0 "$content" ""
run rl rm -f full
run rl volume rm -f full
after commit "keep *|$a|*" "keep *|*new:1*|*" commit -q keep new:1
run rl rmi new:1
after rm "keep *|$a|*" "|$a|*" rm keep
after rmi "*|$a|*" "*||*" rmi -f $img
after "volume prune" "*|*|data" "*|*|" volume prune -af

# --- in the middle --------------------------------------------------------------------------------
# middle NAME COMMAND...: what it leaves at a random moment is whole or not there, and it can be done again
middle() {
	local what=$1 i ms limit bad=''
	shift
	run rl rm -af -t 0
	local t0=${EPOCHREALTIME/./}
	run rl "$@"
	limit=$(((${EPOCHREALTIME/./} - t0) / 1000 + 1))
	for ((i = 0; i < cuts; i++)); do
		run rl rm -af -t 0
		[ "$1" != load ] || run rl rmi -af
		[ "$1" = load ] || run rl load -q -i "$T/alpine.tar"
		sync -f "$T/disk"
		ms=$((RANDOM % limit))
		rl "$@" >/dev/null 2>&1 &
		job=$!
		sleep "$(printf '0.%03d' $((ms % 1000)))"
		power_off
		power_on
		damage >"$T/damage"
		[ ! -s "$T/damage" ] || bad="$bad after $ms ms: $(cat "$T/damage");"
		run rl rm -af -t 0
		[ $status = 0 ] || bad="$bad after $ms ms: rm: $err;"
		run rl "$@"
		[ $status = 0 ] || bad="$bad after $ms ms, again: $status $err;"
	done
	[ -z "$bad" ] && ok "$cuts cuts in the middle of $what" || not_ok "cuts in the middle of $what" "$bad"
}
middle load load -q -i "$T/alpine.tar"
middle run run --rm --network none $img true
middle "run -d" run -d --name d1 --network none $img sleep 60
middle create create --name c1 --network none $img true
run rl rm -af -t 0
run rl rmi -af
pkill_holder
umount "$T/disk" || not_ok "the disk is free" "$(leftover_processes)"
leakcheck "nothing is left"
finish
