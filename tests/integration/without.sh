#!/bin/bash
# shellcheck disable=SC2154 # status, out and err are set by run
# without.sh - a machine that lacks something: containers run all the same, or rl says clearly why not; the
# doctor names that thing (F35 to F39, F46)
# shellcheck source=tests/integration/lib.sh
if [ "${RL_WITHOUT-}" != alone ] && [ "$(id -u)" = 0 ]; then
	# what is hidden here, is hidden for this script only
	RL_WITHOUT=alone exec unshare -m --propagation private bash "$0" "$@"
fi
. "$(dirname "$0")/lib.sh"
[ "$(id -u)" = 0 ] || skip_all "hiding parts of the machine needs root"
REFUSE=$RL_BUILD/tests/tools/refuse
[ -x "$REFUSE" ] || skip_all "no tests/tools/refuse in RL_BUILD"
cp "$(image alpine)" "$T/alpine.tar" || skip_all "no test image"
rl load -q -i "$T/alpine.tar" >/dev/null || not_ok "load"
img=alpine

# cycle WHAT [FLAG...]: run -d, exec, stop, rm of one container
cycle() {
	local what=$1 step said=''
	shift
	run rl run -d --name one "$@" $img sleep 1000
	step="run $status $err"
	if [ "$status" = 0 ]; then
		run rl exec one sh -c 'id -u; cat /proc/self/comm'
		said=$out
		step+=$'\n'"exec $status $err" && [ "$out" = $'0\ncat' ] && run rl stop -t 0 one
		step+=$'\n'"stop $status $err" && [ "$status$out" = 0one ] && run rl rm one
	fi
	if [ "$status$out" = 0one ]; then ok "$what: run, exec, stop, rm"; else not_ok "$what: run, exec, stop, rm" "$step" "exec said: $said" "$out"; fi
	rl rm -f -t 0 one >/dev/null 2>&1
}
none=(--network none)
# fresh: the session of before is forgotten; what a machine lacks shows when a new one is made
fresh() { pkill_holder && for _ in {1..100}; do [ -n "$(leftover_processes holder)" ] || break; read -rt 0.05 <> <(:); done; }
# instead FILE TEXT, until umount FILE
instead() {
	printf '%b' "$2" >"$T/instead.$n_tests" && mount --bind "$T/instead.$n_tests" "$1"
}

cycle "nothing is missing" "${none[@]}"

# --- ids ---------------------------------------------------------------------------------------
instead /etc/subuid '' && instead /etc/subgid '' && fresh
run rl run --rm "${none[@]}" $img true
expect_error "no subordinate ids: layers of before are named" "*unpacked for other ids than the one that there is now*Hint:*"
again() { rl load -q -i "$T/alpine.tar" >/dev/null 2>&1; }
again
cycle "no subordinate ids" "${none[@]}"
doctor_says subordinate-uids missing degraded "no source has any*" "*usermod --add-subuids*"
doctor_says id-maps degraded degraded "*have no line for '$TEST_USER'*" "*usermod --add-subuids *--add-subgids *"
umount /etc/subuid /etc/subgid
mount --bind /dev/null /usr/bin/newuidmap && fresh
cycle "no newuidmap" "${none[@]}"
doctor_says newuidmap missing degraded "the program is not installed" "?*"
doctor_says id-maps degraded degraded "*'newuidmap' is not installed" "?*"
umount /usr/bin/newuidmap
fresh

# --- devices --------------------------------------------------------------------------------------
# bare_dev NAME...: a /dev with the usual devices and these
bare_dev() {
	mkdir -p "$T/dev" && mount -t tmpfs -o mode=755 dev "$T/dev" || return 1
	local d
	for d in null zero full random urandom tty "$@"; do
		mkdir -p "$T/dev/$(dirname "$d")" && cp -a "/dev/$d" "$T/dev/$d"
	done
	ln -s /proc/self/fd "$T/dev/fd"
	mkdir "$T/dev/pts" "$T/dev/shm" "$T/dev/mqueue" && mount --bind /dev/pts "$T/dev/pts" && ln -s pts/ptmx "$T/dev/ptmx"
	mount --move "$T/dev" /dev
}
if bare_dev net/tun; then
	cycle "no /dev/fuse" "${none[@]}"
	doctor_says fuse missing none "'/dev/fuse': No such file*not needed*" "*modprobe fuse*"
	# a store on an overlay, as in an outer container: no overlay may lie on it
	mkdir -p "$T"/o/{lower,upper,work,top} && mount -t overlay -o "lowerdir=$T/o/lower,upperdir=$T/o/upper,workdir=$T/o/work" o "$T/o/top" && {
		own_dir "$T/o/top/s" 700
		old=$ROOT ROOT=$T/o/top/s
		again
		cycle "no overlay and no /dev/fuse" "${none[@]}"
		doctor_says overlay degraded degraded "?*" '*'
		doctor_says fuse missing degraded "'/dev/fuse': No such file*" "*modprobe fuse*"
		run rl info --format '{{.Store.GraphDriverName}}'
		expect "the rung is told: a copy" 0 copy
		ROOT=$old
		fresh
		umount -l "$T/o/top"
	}
	umount -l /dev
else
	skip "devices" "no tmpfs with devices here"
fi
if bare_dev fuse; then
	cycle "no /dev/net/tun" --network host
	run rl run --rm --network private $img true
	expect_error "no /dev/net/tun: the network that is not to be had is named" "*'/dev/net/tun'*Hint:*--network*"
	doctor_says tun degraded degraded "*'/dev/net/tun'*No such file*" "*modprobe tun*"
	umount -l /dev
fi

# --- systemd, D-Bus, runtime folder, cgroups ------------------------------------------------------------
for d in /run/systemd /run/user /run/dbus; do [ ! -d $d ] || mount -t tmpfs none $d; done
cycle "no systemd and no D-Bus" "${none[@]}"
[ -n "$(rl doctor --json | jq ".checks[] | select(.name == \"systemd\" and .status == \"missing\")")" ]
USER_ENV=(XDG_RUNTIME_DIR=) # empty is as good as unset, says the XDG base directory specification
cycle "no XDG_RUNTIME_DIR" "${none[@]}"
doctor_says runtime-dir degraded degraded "*is not set" ''
check "its stand-in is in the store" test -d "$ROOT/run"
fresh
USER_ENV=()
if grep -q ' - cgroup ' /proc/self/mountinfo; then
	cycle "cgroup v1" "${none[@]}"
	doctor_says cgroup degraded degraded "*version 1*" "*unified_cgroup_hierarchy=1*"
else
	skip "cgroup v1" "this machine has version 2"
fi
umount -R /sys/fs/cgroup 2>/dev/null
cycle "no cgroup file system" "${none[@]}"
doctor_says cgroup degraded degraded '*' '*'

# --- inside another container --------------------------------------------------------------------------
# outer_proc: /proc as an outer container has it
outer_proc() { mount --bind /dev/null /proc/version && mount --bind /proc/sys /proc/sys && mount -o remount,bind,ro /proc/sys; }
outer_proc
cycle "a masked /proc" "${none[@]}"
doctor_says new-proc degraded degraded "*Operation not permitted" "*unmask=ALL*"
run rl run --rm "${none[@]}" $img sh -c 'cat /proc/kcore /proc/keys 2>/dev/null | wc -c; (echo x >/proc/sys/kernel/hostname) 2>&1'
expect "which is masked and read-only all the same" 1 $'0\n*Read-only*'
rl run -d --name one "${none[@]}" $img sleep 1000 >/dev/null
for how in "run --rm --network none $img" "exec one"; do
	# shellcheck disable=SC2086 # words
	run rl $how unshare -U true
	expect "no nested user namespaces there: ${how%% *}" 1 '' '*not permitted*'
done
rl rm -f -t 0 one >/dev/null
WRAP=("$REFUSE" -e EPERM sethostname)
cycle "and no host names" "${none[@]}"
doctor_says host-name degraded degraded "sethostname: Operation not permitted, by the seccomp filter*" '*'
run rl run --rm "${none[@]}" --hostname mine $img true
expect_error "one that is asked for is an error" "*--hostname*seccomp filter*"
WRAP=()
caps=-all,+chown,+dac_override,+fowner,+fsetid,+kill,+setgid,+setuid,+setpcap,+net_bind_service,+net_raw,+sys_chroot,+mknod,+audit_write,+setfcap
WRAP=(setpriv --bounding-set="$caps")
mkdir -p "$T/root/store" "$T/root/run" && chmod 700 "$T/root/store" "$T/root/run"
usual=$(declare -f as_user_exec)
as_user_exec() {
	cd "$T/work" && exec "${WRAP[@]}" env -i HOME="$T/root" TERM=xterm PATH=/usr/bin:/bin XDG_RUNTIME_DIR="$T/root/run" \
		RL_ROOT="$T/root/store" TMPDIR="$T/tmp" RL_TEST_MARK="$RL_TEST_MARK" "$@"
}
again
cycle "root with a container's capabilities" "${none[@]}"
doctor_says id-maps ok none "*" ''
fresh
rm -rf "$T/root" && own_dir "$T/root" 755 && own_dir "$T/root/store" 700 && own_dir "$T/root/run" 700
setpriv --reuid "$TEST_UID" --regid "$TEST_GID" --init-groups unshare -Urm sh -c 'echo ready; exec sleep 1000' >"$T/outer" &
outer=$! MY_PIDS="$MY_PIDS $!"
at_end+=("kill $outer")
for _ in {1..100}; do [ -s "$T/outer" ] && break || read -rt 0.05 <> <(:); done
WRAP=(nsenter -t "$outer" -U -m)
again
cycle "root of a namespace with one id" "${none[@]}"
doctor_says id-maps degraded degraded "*no other id than its own" '*'
fresh
eval "$usual"
umount /proc/version /proc/sys

# --- calls that an outer filter refuses -------------------------------------------------------------------
# The session of before stays: each call is tried where it is used for a container.
WRAP=()
landlock=landlock_create_ruleset,landlock_add_rule,landlock_restrict_self
keys=keyctl,add_key,request_key
works=(clone3 "$landlock" "$keys" seccomp:notify getrandom close_range)
needed=(openat2 fsopen open_tree move_mount mount_setattr pidfd_open seccomp)
for e in EPERM ENOSYS; do
	# the second answer, as of an old kernel: a sample
	[ $e = EPERM ] || [ -n "${LONG-}" ] || works=(clone3 "$landlock" close_range) needed=(openat2 mount_setattr pidfd_open)
	for c in "${works[@]}"; do
		WRAP=("$REFUSE" -e "$e" "$c")
		cycle "$c refused by $e" "${none[@]}"
	done
	for c in "${needed[@]}"; do
		WRAP=("$REFUSE" -e "$e" "$c")
		run rl run --rm "${none[@]}" $img true
		expect_error "$c refused by $e: no container, and a reason" "*$([ $e = EPERM ] && echo 'Operation not permitted' || echo 'not implemented')*Hint:*"
		# the call by its name, and nothing left behind
		case $err in *"$c"*) ;; *) not_ok "$c: the call is named" "$err" ;; esac
	done
done
leakcheck "nothing of these is left"
for c in clone3:clone3:degraded:none landlock_create_ruleset:landlock:degraded:degraded seccomp_notify:seccomp-notify:missing:none \
	openat2:openat2:missing:broken move_mount:mount-api:missing:broken fsopen:mount-api:missing:broken \
	mount_setattr:mount-api:missing:broken faccessat2:faccessat2:missing:broken pidfd_open:pidfd:missing:broken close_range:close-range:degraded:none; do
	IFS=: read -r call name st effect <<<"$c"
	WRAP=("$REFUSE" -e EPERM "${call/_notify/:notify}")
	doctor_says "$name" "$st" "$effect" "*${call%%_notify}: Operation not permitted, by the seccomp filter*" "*seccomp=unconfined*"
done
fresh
docker=unshare,clone3,clone:newuser
WRAP=("$REFUSE" -e EPERM "$docker")
run rl run --rm "${none[@]}" $img true
expect_error "user namespaces refused: no container, and a reason" "*seccomp filter*refuses user namespaces*Hint:*"
doctor_says user-namespaces missing broken "*seccomp filter*" "*seccomp=unconfined*"
doctor_says outer-seccomp ok none "* filter*" ''
WRAP=()
cycle "and all is well again" "${none[@]}"
leakcheck "nothing is left"
finish
