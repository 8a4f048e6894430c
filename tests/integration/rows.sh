#!/bin/bash
# rows.sh - attacks that other engines have lost to, beside a folder of sentinels: races over shared folders
# (S4 to S9), files planted for rl to find (S17, S20), names and records that lead elsewhere (S25, S60), other
# users (S61, S62), helpers (S63). tests/README.md has where the other rows are.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
cp "$(image alpine)" "$T/alpine.tar" && run rl load -q -i "$T/alpine.tar"
r() { run rl run --rm --network none "$@"; }
# shellcheck disable=SC2086 # a command with options
${CC:-cc} -static -O1 -I"$RL_BUILD" -I"$SRC" -o "$T/work/swap" "$SRC/tests/tools/swap.c" 2>"$T/cc" || skip_all "no static C programs: $(head -1 "$T/cc")"
chmod 755 "$T/work/swap"

s=$T/work/sentinel
own_dir "$s" 755
as_user sh -c "mkdir $s/dir; echo keep >$s/file; echo keep >$s/dir/file; ln $s/file $s/hard; chmod 640 $s/file; chmod 750 $s/dir"
state() { find "$s" -printf '%p %y %m %U:%G %T@ %i %n\n' -exec sh -c '[ ! -f "$1" ] || sha256sum "$1"' x {} \; | sort; }
before=$(state)
unchanged() {
	if [ "$(state)" = "$before" ]; then ok "$1: sentinels unchanged"; else not_ok "$1: sentinels CHANGED" "$(diff <(echo "$before") <(state))"; fi
}
# race A B: swap them in the background; race_end NAME: at least 2000 times, and the host is as it was
race() {
	rm -f "$T/work/counts"
	as_user_exec "$T/work/swap" "$1" "$2" "$T/work/counts" &
	racer=$!
	for _ in {1..100}; do [ -s "$T/work/counts" ] && break || sleep 0.05; done
}
race_end() {
	for _ in {1..100}; do [ "$(stat -c %s "$T/work/counts" 2>/dev/null || echo 0)" -ge 2 ] && break || sleep 0.05; done
	kill $racer
	wait $racer 2>/dev/null
	local n
	n=$(stat -c %s "$T/work/counts" 2>/dev/null || echo 0)
	if [ "$n" -ge 2 ]; then ok "$1: $n thousand swaps"; else not_ok "$1: swaps" "$n thousand"; fi
	unchanged "$1"
}
N=${LONG:+400}
N=${N:-8}

# --- S4: a place for a mount in a volume that somebody else swaps -----------------------------------------
run rl volume create shared
vol=$(rl volume inspect -f '{{.Mountpoint}}' shared)
as_user sh -c "mkdir -p $vol/d/x && ln -s $s $vol/l"
race "$vol/d" "$vol/l"
bad=0
for ((i = 0; i < N; i++)); do
	r -v shared:/vol -v "$T/work:/vol/d/x/y:ro" alpine sh -c 'echo w 2>/dev/null >/vol/d/x/z; [ ! -e /vol/d/dir ]'
	[ "$status" != 1 ] || bad=$((bad + 1))
done
race_end "S4: the folder of a mount is swapped"
check "S4: no path of the host is seen" test $bad = 0
# --- S5 to S9: /proc, /dev, /sys of a root that another container changes -----------------------------------
root=$T/work/root
as_user mkdir "$root"
run as_user "$RL" create --name src --network none alpine true
run as_user sh -c "$RL export src | tar -xf - -C $root" && expect "a root file system" 0
run rl rm src
for d in proc dev sys; do
	as_user sh -c "mkdir -p $root/$d; rm -rf $root/$d.l; ln -s $s/dir $root/$d.l"
	race "$root/$d" "$root/$d.l"
	bad=''
	for ((i = 0; i < N; i++)); do
		r --rootfs --sysctl kernel.shmmax=99999 "$root" sh -c 'cat /proc/sys/kernel/shmmax; wc -c </proc/kcore; stat -c %t:%T /dev/null; echo x >/proc/sys/kernel/core_pattern'
		# what is there is as it should be; a name may be gone again by now
		[[ $out != *[1-9]*' /proc/kcore'* && $err != *core_pattern:\ Perm* && $out != *keep* && $status != 0 ]] || bad="$status $out $err"
	done
	race_end "S5 to S9: /$d is swapped"
	if [ -z "$bad" ]; then ok "/$d: refused, or masks and devices are right"; else not_ok "/$d: masks and devices" "$bad"; fi
	as_user sh -c "rm -rf $root/$d $root/$d.l; mkdir $root/$d"
done
# S12, S13: the working folder and what rl puts into /etc
as_user sh -c "mkdir -p $root/w/a; ln -s $s/dir $root/w.l; rm -rf $root/etc.l; ln -s $s/dir $root/etc.l; mkdir -p $root/etc"
race "$root/w" "$root/w.l"
for ((i = 0; i < N; i++)); do r --rootfs -w /w/a/b/c "$root" sh -c 'touch made; pwd'; done
race_end "S12: the working folder is swapped"
race "$root/etc" "$root/etc.l"
for ((i = 0; i < N; i++)); do r --rootfs "$root" sh -c 'echo x >>/etc/hosts'; done
race_end "S13: /etc is swapped"
r -v "shared:/dev" alpine true && expect_error "S6, S7: a volume over /dev" "*nothing may be mounted over '/dev'*"
r --privileged -v /dev:/dev alpine stat -c %t:%T /dev/null && expect "S9: /dev:/dev is a fresh one as well" 0 1:3

# --- S15: cgroup trees ---------------------------------------------------------------------------------------
r --cap-add SYS_ADMIN alpine sh -c 'for c in memory rdma pids misc; do mount -t cgroup -o $c none /mnt 2>/dev/null && echo MOUNTED; done; mount -t cgroup none /mnt 2>/dev/null && echo MOUNTED; find /sys/fs/cgroup -name release_agent -writable 2>/dev/null'
[[ $out != *[A-Za-z/]* ]] && ok "S15: no cgroup v1 tree, no release_agent" || not_ok "S15" "$out"

# --- S17, S20: what lies about is not read ---------------------------------------------------------------------
for f in .rlrc rl.conf seccomp.json containers.conf policy.json .containerenv config.json rl.nspawn; do
	as_user sh -c "echo 'nonsense {' >$T/work/$f; echo 'nonsense {' >$root/$f; mkdir -p $root/hooks.d; echo '#!/bin/sh' >$root/hooks.d/prestart"
done
r alpine grep -E '^(Seccomp|CapBnd):' /proc/self/status && expect "S17: files in the folder where rl is started" 0 $'CapBnd:?00000000800405fb\nSeccomp:?2'
r --rootfs "$root" grep Seccomp: /proc/self/status && expect "S17: files in the image" 0 $'Seccomp:?2'
run rl run -d --name env -e LD_PRELOAD=/evil.so -e LD_LIBRARY_PATH=/evil -e GCONV_PATH=/evil -e PATH=/evil:/bin alpine sh -c 'nc -w 1 10.0.2.2 80; exec sleep 300'
for _ in {1..50}; do pgrep -f "^$T/i/[^ ]*/rl-net " >/dev/null && break || sleep 0.1; done
run sh -c "for p in \$(pgrep -f '^$T/i/'); do tr '\0' '\n' </proc/\$p/environ; done | grep -c evil"
expect "S20: our helpers have an environment of their own" 1 0
run rl rm -f -t 0 env

# --- S19: numbers ------------------------------------------------------------------------------------------
as_user sh -c "seq -f 'V%.0f=x' 300000 >$T/work/many.env"
r --env-file "$T/work/many.env" alpine true && expect "S19: 300000 variables: a clean answer" "@(0|125|126)" "" "*"
r -e "X=$(head -c 100000 /dev/zero | tr '\0' x)" alpine sh -c 'echo ${#X}' && expect "S19: a long one" 0 100000

# --- S25, S60, S63: names ------------------------------------------------------------------------------------
nl=$'a\nroot::0:0'
for o in --hostname --add-host --dns-search --dns --dns-option --user --workdir --hostuser --group-add --name --network --userns; do
	v=$nl
	[ $o != --add-host ] || v="$nl:1.2.3.4"
	[ $o != --workdir ] || v="/$nl"
	r "$o" "$v" alpine true
	[ "$status" = 125 ] || [ $o = --workdir ] || not_ok "S25: $o with a line feed" "$status $out $err"
done
ok "S25: line feeds are refused"
for n in ../.. a/b "$(printf 'x%.0s' {1..300})" $'a\nb' . .. '' --help -o; do
	run rl run --rm --network none "--name=$n" alpine true
	[ "$status" = 125 ] || [ -z "$n" ] || not_ok "S60: the name $(printf %q "$n")" "$status $out $err"
	run rl volume create -- "$n"
	[ "$status" = 125 ] || [ -z "$n" ] || not_ok "S63: the volume $(printf %q "$n")" "$status $out $err"
	run rl rm -f -- "$n"
	run rl volume rm -- "$n"
done
ok "S60, S63: names that are paths or options"
unchanged "S60"
run rl create --name edited --network none alpine true
id=$out
c=$ROOT/containers/$id
victim=$T/home/victim
as_user sh -c "mkdir $victim; echo keep >$victim/file; sed -i 's|$id|../../../victim|g' $c/state.json; printf 'x ../../victim\nn ../../../victim\n' >$c/volumes; echo ../../../victim >$c/image"
run rl rm -f edited
run rl rm -f "$id"
run rl volume prune -f
check "S60: an edited record removes nothing outside" grep -q keep "$victim/file"
rm -rf "$ROOT/containers/$id"

# --- S61, S62, S59: other users ------------------------------------------------------------------------------
for m in 000 077; do
	run as_user sh -c "umask $m; export RL_ROOT=$T/home/store-$m; $RL load -q -i $T/alpine.tar; exec $RL run --rm --network none -v v:/v alpine true"
	expect "umask $m" 0
	check "S61: the store is closed" test "$(stat -c %a "$T/home/store-$m")" = 700
	run sh -c "find $T/home/store-$m -maxdepth 2 ! -type l -printf '%m %P\n' | grep -E '^[0-7]*([1-7][0-7]|[0-7][1-7]) ' | grep -v ' layers/\| volumes/'"
	expect "S61: what others may read in it, were it open" 1 ""
done
if [ "$(id -u)" = 0 ]; then
	run setpriv --reuid nobody --regid nogroup --clear-groups ls "$ROOT/layers" "$ROOT/containers" "$T/run/rl"
	expect "S61: another user" 2 "" "*ermission denied*"
	chmod 777 "$T/run" && run rl info -f '{{.Store.RunRoot}}' && [[ $out != "$T/run"* ]] && ok "S62: a runtime folder that is open to others is not used" || not_ok "S62: open runtime folder" "$out $err"
	chown nobody "$T/run" && chmod 700 "$T/run" && run rl info -f '{{.Store.RunRoot}}' && [[ $out != "$T/run"* ]] && ok "S62: nor somebody else's" || not_ok "S62: foreign runtime folder" "$out $err"
	chown "$TEST_UID" "$T/run"
	mkdir "$T/home/foreign" && run as_user env RL_ROOT="$T/home/foreign" "$RL" ps
	expect_error "S62: a store of somebody else" "*belongs to uid*"
fi
run find "$T/run" -type s ! -perm 600 && expect "S59: sockets" 0 ""
# --- S63: fake helpers in the path -----------------------------------------------------------------------------
own_dir "$T/work/bin" 755
for h in newuidmap newgidmap fuse-overlayfs sh tar gzip rl-net rl-image ip; do
	as_user sh -c "printf '#!/bin/sh\ntouch $T/work/ran-$h\n' >$T/work/bin/$h; chmod 755 $T/work/bin/$h; cp $T/work/bin/$h $T/work/$h"
done
run as_user env "PATH=.:$T/work/bin" XDG_RUNTIME_DIR="$T/run" RL_RUNROOT="$T/run/other" RL_ROOT="$T/home/store-000" "$RL" run --rm alpine true
expect "S63: a path with fake helpers" 0
check "S63: none of them ran" test -z "$(find "$T/work" -name "ran-*")"
unchanged "in the end"
leakcheck "nothing is left"
finish
