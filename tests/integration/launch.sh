#!/bin/bash
# launch.sh - core/launch end to end through the small engine check_launch: what a container is, and
# what it must not become with a hostile root file system. SECURITY.md S1 to S24, S47, S58, F46.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
busybox=$(command -v busybox) || skip_all "needs a static busybox"
install -D "$RL_BUILD/tests/integration/check_launch" "$T/i/bin/check" || exit 1
check=$T/i/bin/check
TIME_LIMIT=20

s=$T/work/sentinel
own_dir "$s" 755
as_user sh -c "mkdir $s/dir; echo keep >$s/file; echo keep >$s/dir/file; chmod 640 $s/file; chmod 750 $s/dir"
state() { find "$s" -printf '%p %y %m %U:%G %T@ %i\n' -type f -exec cat {} + | sort; }
before=$(state)
unchanged() {
	if [ "$(state)" = "$before" ]; then ok "$1: sentinels unchanged"; else not_ok "$1: sentinels CHANGED" "$(diff <(echo "$before") <(state))"; fi
}

# new_root: a fresh root file system in $r
r=$T/work/root
new_root() {
	rm -rf "$r"
	as_user sh -c "mkdir -p $r/bin $r/etc $r/tmp $r/var $r/run && cp $busybox $r/bin/busybox && ln -s /run $r/var/run &&
		for a in sh ls cat id true false mount ps env sleep stat mkdir chown touch grep tty stty kill readlink \
			pwd mknod sed head find tr wc; do ln -s busybox $r/bin/\$a; done"
}
new_root
c() { run as_user timeout -k 5 "$TIME_LIMIT" "$check" "$@" </dev/null; }
# box OPTION... -- SCRIPT: a shell in the container
box() {
	local o=()
	while [ "$1" != -- ]; do o+=("$1") && shift; done
	c "${o[@]}" "$r" sh -c "$2"
}
process() { printf '{"process":{%s}}' "$1"; }
mounts() { printf '{"mounts+":[%s]}' "$1"; }
bind() { printf '{"destination":"%s","type":"bind","source":"%s","options":["rbind"%s]}' "$1" "$2" "${3-}"; }

# --- what it is -----------------------------------------------------------------------------------
c "$r" true && expect "true" 0
c "$r" false && expect "false" 1
box -- 'exit 77' && expect "an exit code" 77
box -i -- 'kill -9 $$' && expect "a signal, behind pid 1" 137
box -i -- 'exit 7' && expect "an exit code, behind pid 1" 7
c -i "$r" sh -c '(sleep 0.1 &); sleep 0.3; grep -l "^State:.Z" /proc/[0-9]*/status' && expect "pid 1 reaps" 1 "" ""
c "$r" nosuch && expect "no such command" 127 '' "*exec: 'nosuch': executable file not found in \$PATH*"
c "$r" /nosuch && expect "no such file" 127
c "$r" /etc && expect "a folder is no command" 126 '' "*exec '/etc': permission denied*"
as_user sh -c "printf '#!/nope\n' >$r/bin/noint; printf junk >$r/bin/junk; chmod 755 $r/bin/noint $r/bin/junk"
c "$r" noint && expect "no interpreter" 127 '' '*interpreter*missing*'
c "$r" junk && expect "no executable format" 126 '' '*exec format error*'
c -p "$(process '"env":["A=1","B=x y","PATH=/bin"]')" "$r" env
expect "exactly the environment asked for" 0 $'A=1\nB=x y\nPATH=/bin'
box -- 'readlink /proc/self/ns/pid; ls /proc | grep -c "^[0-9]"; cat /proc/sys/kernel/hostname; grep -c : /proc/net/dev'
expect "own pid, uts and network namespaces" 0 $'*\n[23]\nbox\n1'
box -- 'ls /dev; readlink /dev/ptmx; readlink /dev/stdin; stat -c "%t:%T" /dev/null'
expect "a fresh /dev" 0 $'fd\nfull\nmqueue\nnull\nptmx\npts\nrandom\nshm\nstderr\nstdin\nstdout\ntty\nurandom\nzero\npts/ptmx\n/proc/self/fd/0\n1:3'
box -c -- 'grep "^0:" /proc/self/cgroup; mount | grep -c "cgroup2 (ro"' && expect "own cgroup namespace" 0 $'0::/\n1'
c "$r" grep -E "^Sig(Blk|Ign)" /proc/self/status && expect "no signal blocked or ignored" 0 \
	$'SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000'
(trap '' INT HUP PIPE && c "$r" grep -E "^SigIgn" /proc/self/status && [ "$out" = $'SigIgn:\t0000000000000000' ])
check "ignored signals of the caller are reset" test $? = 0
box -p '{"linux":{"sysctl":{"net.ipv4.ping_group_range":"0 100","net.ipv4.ip_unprivileged_port_start":"0"}}}' -- \
	'cat /proc/sys/net/ipv4/ping_group_range /proc/sys/net/ipv4/ip_unprivileged_port_start'
expect "sysctls of its network" 0 $'0\t100\n0'
box -p "$(process '"rlimits":[{"type":"RLIMIT_NOFILE","soft":100,"hard":999999999},{"type":"RLIMIT_CORE","soft":0,"hard":0}]')" -- \
	'ulimit -n; ulimit -c'
expect "limits, cut to what is allowed (F13)" 0 $'100\n0'
box -p "$(process '"cwd":"/var/run/a/b"')" -- 'pwd' && expect "a working folder is made, behind a dangling link" 0 /run/a/b
check "in the root" test -d "$r/run/a/b"
box -p "$(mounts "$(bind /var/run/vol "$s" ',"ro"')")" -- 'cat /run/vol/file; touch /run/vol/x' 
expect "a read-only bind behind /var/run -> /run" 1 keep '*Read-only*'
box -p '{"root":{"readonly":true}}' -- 'touch /x; touch /dev/shm/x && mkdir /tmp/y' && expect "a read-only root" 1 '' '*Read-only*Read-only*'
box -p '{"mounts+":[{"destination":"/new/tmp","type":"tmpfs","source":"tmpfs","options":["size=1m","mode=1777","noexec"]}]}' -- \
	'stat -c %a /new/tmp; grep " /new/tmp " /proc/mounts'
expect "a tmpfs where nothing was" 0 $'1777\ntmpfs /new/tmp tmpfs rw,noexec,*size=1024k*'
box -p '{"mounts+":[{"destination":"/x","type":"tmpfs","options":["size=wrong"]}]}' -- true
expect_error "a bad option names the mount" "*mount '/x'*size*"

as_user sh -c "mkdir -p $r/data/sub $r/ro && echo one >$r/data/a && echo two >$r/data/sub/b && ln -s /etc/passwd $r/data/l &&
	ln -s $s $r/data/sub/out && mkfifo $r/data/p && chmod 750 $r/data/sub && chmod 700 $r/data"
tmpfs() { printf '{"destination":"/data","type":"tmpfs","source":"tmpfs","options":["tmpcopyup","size=256k"%s]}' "$1"; }
box -p "$(mounts "$(tmpfs ',"ro"')")" -- 'cat /data/a /data/sub/b; readlink /data/l; stat -c %a:%F /data/sub /data/p; touch /data/x'
expect "a tmpfs starts with the image's content" 1 $'one\ntwo\n/etc/passwd\n750:directory\n*:fifo' '*Read-only*'
as_user sh -c "head -c 400000 /dev/zero >$r/data/big"
box -p "$(mounts "$(tmpfs '')")" -- true && expect_error "which must fit" '*No space left*Hint:*size=*'
as_user sh -c "rm $r/data/big; mkdir -p $T/work/vol"
for _ in 1 2; do
	box -p "$(mounts "$(bind /data "$T/work/vol" ',"copyup"')")" -- 'cat /data/a; stat -c %a /data; readlink /data/sub/out; echo new >/data/a; rm -f /data/l'
done
expect "S14: a volume is filled once" 0 $'new\n700\n'"$s"
check "S14: the image's content stays" grep -q one "$r/data/a"
unchanged "S14"

# --- rights (S21 to S24) -----------------------------------------------------------------------------
caps='grep -E "^(Cap|NoNewPrivs)" /proc/self/status | tr -s "\t\n" "  "'
box -- "$caps" && expect "capabilities of root" 0 \
	'CapInh: 0000000000000000 CapPrm: 00000000800405fb CapEff: 00000000800405fb CapBnd: 00000000800405fb CapAmb: 0000000000000000 NoNewPrivs: 0 '
user='"user":{"uid":1000,"gid":1001,"additionalGids":[7,8]}'
box -p "$(process "$user")" -- "$caps; id -u; id -g; id -G"
expect "capabilities and ids of a user" 0 \
	$'CapInh: 0000000000000000 CapPrm: 0000000000000000 CapEff: 0000000000000000 CapBnd: 00000000800405fb CapAmb: 0000000000000000 NoNewPrivs: 0 1000\n1001\n1001 7 8'
box -p "$(process '"noNewPrivileges":true')" -- 'grep NoNew /proc/self/status' && expect "no_new_privs" 0 $'NoNewPrivs:\t1'
box -- 'id -G' && expect "no group of the caller" 0 0
box -p "$(process '"user":{"uid":70000,"gid":0}')" -- true && expect_error "an id that is not mapped" '*user 70000*'
for o in "" -i; do
	# shellcheck disable=SC2086 # none or one option
	box -s $o -- 'mkdir /tmp/m; grep "^Seccomp:" /proc/self/status; grep "^Seccomp:" /proc/1/status'
	expect "seccomp $o" 0 $'Seccomp:\t2\nSeccomp:\t2' '*Invalid cross-device*'
	# shellcheck disable=SC2086
	box -s $o -p "$(process "\"noNewPrivileges\":true,$user")" -- 'mkdir /tmp/m; grep "^Seccomp:" /proc/1/status'
	expect "seccomp with no_new_privs $o" 0 $'Seccomp:\t2' '*Invalid cross-device*'
done
box -- 'cat /proc/sys/user/max_user_namespaces; unshare -U true' && expect "no nested user namespaces" 1 0 '*No space*'
box -p '{"annotations":{"rl.nested":"1"}}' -- '/bin/busybox unshare -U true' && expect "unless asked for" 0
box -1 -- 'chown 5:6 /etc && mknod /tmp/dev c 1 3 && stat -c %u:%g /etc && id -u'
expect "one id: chown and mknod succeed" 0 $'0:0\n0'
box -1 -- 'mknod /tmp/fifo p && [ -p /tmp/fifo ] && ! [ -e /tmp/dev ]' && expect "one id: a FIFO is real, a device is not" 0

# --- what it must not see ------------------------------------------------------------------------------
box -- 'for p in kcore keys timer_list interrupts acpi scsi; do cat /proc/$p; find /proc/$p -mindepth 1; done 2>/dev/null | wc -c'
box -- 'for p in kcore keys timer_list interrupts acpi scsi; do cat /proc/$p; find /proc/$p -mindepth 1; done 2>/dev/null | wc -c'
expect "masked paths are empty" 0 0
box -- 'for p in sys/kernel/core_pattern sysrq-trigger irq/default_smp_affinity; do if [ -e /proc/$p ]; then (echo x >/proc/$p) 2>/dev/null && echo WRITTEN; fi; done; touch /sys/x'
expect "read-only paths are" 1 '' '*Read-only*'
box -- 'ls /proc/self/fd' && expect "S2: descriptors 0, 1, 2 and that of ls" 0 $'0\n1\n2\n3'
for n in 3 4 5 6 7 8 9 10 15 20; do
	box -p "$(process "\"cwd\":\"/proc/self/fd/$n\"")" -- pwd
	[ "$status" = 125 ] || not_ok "S2: working folder /proc/self/fd/$n" "$out" "$err"
done
expect_error "S2: working folders in /proc/self/fd" '*working folder*'
as_user ln -s /proc/self/fd/8 "$r/wd"
box -p "$(process '"cwd":"/wd"')" -- pwd && expect_error "S2: the same through a link" '*working folder*'
box -p "$(process '"args":["/proc/self/fd/3/bin/sh"]')" -- x
as_user ln -s "$s" "$r/out"
box -p "$(process '"cwd":"/out/a/b"')" -- pwd && expect "S12: a working folder through a link" 0 "$s/a/b"
check "S12: made inside" test -d "$r$s/a/b"
unchanged "S2, S12"
new_root

# --- hostile roots (S5, S6, S9 to S11) --------------------------------------------------------------------
for d in proc sys dev; do
	as_user sh -c "rmdir $r/$d 2>/dev/null; ln -s $s/dir $r/$d"
	box -- true && expect_error "S5, S9: /$d is a link" "*'/$d' is not a folder*"
	as_user sh -c "rm $r/$d; touch $r/$d"
	box -- true && expect_error "S5: /$d is a file" "*'/$d' is not a folder*"
	as_user sh -c "rm $r/$d; mkdir $r/$d"
done
unchanged "S5, S9"
box -p "$(mounts "$(bind /proc "$s")")" -- true && expect_error "S5: a volume on /proc" "*/proc*"
box -p "$(mounts "$(bind /proc/sys "$s")")" -- true && expect_error "S5: a volume below /proc" "*cover a part of /proc*"
as_user ln -s /proc "$r/p"
box -p "$(mounts "$(bind /p/self "$s")")" -- true && expect_error "S5: the same through a link" "*cover a part of /proc*"
box -p "$(mounts "$(bind /p/1/root "$s")")" -- true && expect_error "S11: through /proc/1/root" '*'
as_user sh -c "mkdir -p $r/dev && ln -s $s/file $r/dev/null && ln -s $s/file $r/dev/ptmx && ln -s $s/dir $r/dev/pts"
box -- 'stat -c %t:%T /dev/null; cat /proc/kcore 2>/dev/null; echo hello >/dev/null' && expect "S6, S10: links in the image's /dev" 0 1:3
box -p "$(process '"terminal":true')" -- 'tty; echo hello >/dev/console' && expect "S7: with a terminal" 0 $'/dev/pts/0\r\nhello\r'
box -p "$(mounts "$(bind /dev /dev)")" -- 'true' && expect "S9: the host's /dev on top" 0
unchanged "S6, S7, S10"
as_user sh -c "ln -s $s $r/abs; ln -s ../../../../../../../../../../..$s $r/rel; ln -s abs $r/two; mkdir $r/deep; ln -s / $r/deep/top"
for d in abs rel two deep/top/abs "deep/../../..$s"; do
	box -p "$(mounts "$(bind "/$d/new/place" "$s/dir")")" -- "cat '/$d/new/place/file'"
	expect "S11: a mount point through /$d" 0 keep
	box -p "$(mounts "$(bind "/$d/newfile" "$s/file")")" -- "cat '/$d/newfile'"
	expect "S11: a file through /$d" 0 keep
done
unchanged "S11"
# S4, S11: the mount point's parent is swapped for a link out of the root meanwhile
as_user sh -c "mkdir -p $r/swap; ln -s $s $r/swap.l"
as_user python3 - "$r" <<-'END' &
	import ctypes, sys, os
	open(sys.argv[1] + ".pid", "w").write(str(os.getpid()))
	libc = ctypes.CDLL(None)
	a, b = (os.path.join(sys.argv[1], n).encode() for n in ("swap", "swap.l"))
	while True:
	    libc.renameat2(-100, a, -100, b, 2)
END
for _ in {1..100}; do box -p "$(mounts "$(bind /swap/m/n "$s/dir")")" -- true; done
kill "$(cat "$r.pid")"
wait
unchanged "S4: a swapped parent"

# --- terminals (S58) ------------------------------------------------------------------------------------
box -p "$(process '"terminal":true,"consoleSize":{"height":33,"width":111}')" -- 'stty size; tty; stty size </dev/tty; stat -c %t:%T /dev/console'
expect "a terminal with a size" 0 $'33 111\r\n/dev/pts/0\r\n33 111\r\n88:0\r'
box -i -p "$(process "\"terminal\":true,$user")" -- 'id -u; tty; stat -c %u /dev/pts/0; echo x >/dev/tty'
expect "for another user, behind pid 1" 0 $'1000\r\n/dev/pts/0\r\n1000\r\nx\r'
pty() {
	printf '%s\n' "$1" >"$T/pty.sh"
	run as_user timeout 20 script -qec "sh $T/pty.sh" /dev/null </dev/null
}
pty "$check $r sh -c 'tty; (: </dev/tty) 2>&1; readlink /proc/self/fd/0' 2>&1 | cat"
expect "S58: no terminal of the caller" 0 $'not a tty*No such device or address*/dev/null\r'
pty "$check -e $r true"
expect "S58: not even when the engine passes it" 125 "*caller's terminal*"

# --- S1: our own file -----------------------------------------------------------------------------------
as_user cp "$check" "$T/home/own"
hash=$(sha256sum <"$T/home/own")
as_user sh -c "printf '#!/proc/self/exe\n' >$r/bin/evil && chmod 755 $r/bin/evil"
own() { run as_user timeout -k 5 20 "$T/home/own" "$@" </dev/null; }
own "$r" evil && expect "S1: a script that wants our program" 126
own "$r" true && expect "S1: the stub runs what it should" 0
own "$r" sh -c 'exit 9' && expect "S1: with its exit code" 9
own "$r" nosuch && expect "S1: not found" 127
own "$r" /nosuch && expect "S1: no such file" 127
own "$r" junk && expect "S1: no executable format" 127
own -i "$r" sh -c 'for p in /proc/[0-9]*; do (echo x >>$p/exe) 2>/dev/null && echo WRITTEN $p; done; readlink /proc/1/exe || echo denied'
expect "S1: pid 1 and others cannot be opened for writing; pid 1 is not our program" 0 '/memfd:rl-stub (deleted)'
own -p "$(process '"capabilities":{"bounding":["CAP_SYS_PTRACE","CAP_SYS_ADMIN","CAP_DAC_OVERRIDE"],"permitted":["CAP_SYS_PTRACE"],"effective":["CAP_SYS_PTRACE"]}')" \
	-i "$r" sh -c 'readlink /proc/1/exe; ls /proc/1/fd; cat /proc/1/environ'
expect "S3: with CAP_SYS_PTRACE nothing of ours is seen in it" 0 $'/memfd:rl-stub (deleted)\n0\n1\n2'
[ "$(sha256sum <"$T/home/own")" = "$hash" ]
check "S1: the program is what it was" test $? = 0

# --- the end of a caller -----------------------------------------------------------------------------------
for step in fork ready exec; do
	c -k $step "$r" sleep 1000
	[ "$status" = 137 ] || not_ok "killed at $step" "status $status"
done
leakcheck "a caller that is killed leaves nothing"

# --- less than all namespaces, and less than all calls (F46) -----------------------------------------------
ns() { printf '{"linux":{"namespaces":[{"type":"mount"}%s]}}' "$(printf ',{"type":"%s"}' "$@")"; }
box -p "$(ns pid ipc)" -p '{"hostname":null}' -- 'touch /sys/x; grep -c " /sys " /proc/mounts; [ -d /sys/class/net/lo ] && echo lo'
expect "the host's network: its sysfs, read-only" 0 $'[1-9]*\nlo' '*Read-only*'
box -p "$(ns network uts)" -- 'ls -d /proc/[0-9]* | wc -l; touch /proc/sys/kernel/x; cat /proc/kcore | wc -c'
expect "the host's processes: its proc, masked" 0 $'[1-9][0-9]*\n0'
box -p "$(ns network uts pid)" -- true && expect "the host's ipc" 0
as_user timeout 60 "$check" "$r" sh -c "echo ready; exec sleep 60.$$" >"$T/first" 2>&1 </dev/null &
for _ in {1..50}; do
	[ -s "$T/first" ] && break
	sleep 0.1
done
soon pgrep -u "$TEST_UID" -nxf "sleep 60.$$"
first=$(pgrep -u "$TEST_UID" -nxf "sleep 60.$$")
# joined KIND...: namespaces of that container by path
joined() {
	local k
	for k; do printf ',{"type":"%s","path":"/proc/%s/ns/%s"}' "$k" "$first" "${k/network/net}"; done
}
join_ns() { printf '{"hostname":null,"linux":{"namespaces":[{"type":"mount"}%s]}}' "$1"; }
box -p "$(join_ns "$(joined user pid network ipc uts)")" -- \
	'tr "\\0" " " </proc/1/cmdline; hostname 2>/dev/null || cat /proc/sys/kernel/hostname; echo x >>/proc/1/exe'
expect "another container's namespaces by path" 1 "sleep 60.$$ box" '*exe*'
box -p "$(join_ns ',{"type":"user"},{"type":"pid"},{"type":"ipc"}'"$(joined network)")" -- 'readlink /proc/self/ns/net; touch /sys/x'
expect "another container's network, ids of its own" 1 "$(as_user readlink "/proc/$first/ns/net" | tr '[]' '??')" '*Read-only*'
kill "$first"
wait
box -p "$(ns pid uts network time)" -p '{"linux":{"timeOffsets":{"boottime":{"secs":100000000}}}}' -- 'sed "s/\..*//" /proc/uptime'
expect "a time namespace" 0 '1[0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9]'
box -x clone3 -- 'echo hello' && expect "without clone3" 0 hello
box -x openat2 -- true && expect_error "without openat2: an error with a hint" '*Hint:*openat2*'
box -x fsopen -- true && expect_error "without fsopen: an error with a hint" '*Hint:*fsopen*'
unchanged "at the end"
finish
