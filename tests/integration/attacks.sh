#!/bin/bash
# shellcheck disable=SC2154 # status, out and err are set by run
# attacks.sh - more rows that need a hostile program or terminal: who is set up is looked into (S3), a kernel
# tree replaced before an exec (S8), links on the way to a mount (S11) and to a volume's first content (S14),
# inheritable capabilities of files (S21), groups that take rights away (S24), account files that never end
# (S26), terminals and the console (S58). rows.sh has the races.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
cp "$(image alpine)" "$T/alpine.tar" && run rl load -q -i "$T/alpine.tar"
r() { run rl run --rm --network none "$@"; }
s=$T/work/sentinel
own_dir "$s" 755
as_user sh -c "mkdir $s/dir; echo keep >$s/file; echo keep >$s/dir/file; chmod 640 $s/file; chmod 750 $s/dir"
state() { find "$s" -printf '%p %y %m %U:%G %T@ %i %n\n' -exec sh -c '[ ! -f "$1" ] || sha256sum "$1"' x {} \; | sort; }
before=$(state)
unchanged() {
	if [ "$(state)" = "$before" ]; then ok "$1: sentinels unchanged"; else not_ok "$1: sentinels CHANGED" "$(diff <(echo "$before") <(state))"; fi
}
# program NAME: tests/tools/NAME.c for inside
program() { # shellcheck disable=SC2086 # a command with options
	${CC:-cc} -static -O1 -I"$RL_BUILD" -I"$SRC" -o "$T/work/$1" "$SRC/tests/tools/$1.c" 2>"$T/cc" && chmod 755 "$T/work/$1"
}

# --- S3 ---------------------------------------------------------------------------------------------------
if program spy; then
	run rl run -d --name spied --network none --cap-add SYS_PTRACE -v "$T/work/spy:/spy:ro" alpine /spy /tmp/seen
	n=${LONG:+1000}
	n=${n:-300}
	run as_user bash -c "for ((i = 0; i < $n; i++)); do '$RL' exec spied true || exit; done"
	expect "S3: $n execs beside a tracer" 0 ""
	run rl exec spied sleep 0.5 # long enough for whatever machine
	rl cp spied:/tmp/seen - | tar -xOf - >"$T/seen"
	run grep CAUGHT "$T/seen" && expect "S3: what it caught: nothing" 1 ""
	# it must have met some of them, or it proves nothing
	check "S3: it saw many, and could trace them after their exec" test "$(grep -c ^seized "$T/seen")" -gt 0
	run rl rm -f -t 0 spied
else
	skip "S3" "no static C programs: $(head -1 "$T/cc")"
fi

# --- S8: /proc of the container is not what rl asks ------------------------------------------------------------
run rl run -d --name proc --network none --cap-add SYS_ADMIN -v "$s:/s" alpine sh -c '
	umount -l /proc; mount -t tmpfs t /proc && mkdir -p /proc/self/attr /proc/thread-self/attr /proc/sys/kernel /proc/1 /proc/2 &&
	for d in /proc/self /proc/thread-self /proc/1 /proc/2; do
		mkdir -p $d/attr; for f in oom_score_adj attr/exec attr/current uid_map setgroups loginuid; do ln -sf /s/file $d/$f; done
	done; ln -s /s/file /proc/sys/kernel/hostname; ln -s / /proc/self/fd; echo done >/tmp/done; exec sleep 100'
for _ in {1..100}; do rl exec proc cat /tmp/done >/dev/null 2>&1 && break || sleep 0.1; done
run rl exec proc cat /tmp/done && expect "S8: an exec where /proc is a tmpfs full of links" 0 "done"
run rl exec -u 1000 -w /tmp proc id -u && expect "S8: as somebody else" 0 1000
run rl update --pids-limit 100 proc
run rl rm -f -t 0 proc
unchanged S8

# --- S7, S58: terminals ----------------------------------------------------------------------------------------
term() { run as_user timeout 30 /usr/bin/python3 "$SRC/tests/integration/terminal.py" 24x80 "$RL" run --rm --network none "$@" </dev/null; }
if program probe; then
	term -v "$T/work/probe:/probe:ro" alpine sh -c 'for f in 0 1 2; do readlink /proc/self/fd/$f; done; tty; ls -l /dev/tty >/dev/null && (: </dev/tty) 2>&1; /probe | grep -E "^(TIOCSTI|TIOCLINUX|controlling)"'
	out=$(tr -d '\r' <<<"$out")
	expect "S58: run on a terminal without -t: no descriptor of it inside" 0 "*not a tty*controlling_terminal=ENXIO*TIOCSTI=EPERM*TIOCLINUX=EPERM*"
	case $out in */dev/pts/* | */dev/tty[0-9]*) not_ok "S58: the caller's terminal" "$out" ;; *) ok "S58: the caller's terminal is not seen" ;; esac
	# a virtual console, if this machine has one: what its ioctls may do is more
	if [ "$(id -u)" = 0 ] && (: <>/dev/tty9) 2>/dev/null; then
		own_dir "$T/work/o" 755
		# as a login does it: the console is the controlling terminal of who runs rl
		printf '%s\n' 'exec 0<>/dev/tty9 1>&0 2>&0' "exec setpriv --reuid $TEST_UID --regid $TEST_GID --init-groups env -i HOME=$T/home PATH=/usr/bin:/bin TERM=linux XDG_RUNTIME_DIR=$T/run RL_ROOT=$ROOT RL_TEST_MARK=$RL_TEST_MARK $RL run --rm --network none -v $T/work/probe:/probe:ro -v $T/work/o:/o alpine sh -c '/probe >/o/answers; tty >>/o/answers; for f in 0 1 2; do readlink /proc/self/fd/\$f; done >>/o/answers; touch /o/done'" >"$T/vt.sh"
		setsid -w timeout 30 sh "$T/vt.sh"
		run grep -E '^(TIOCSTI|TIOCLINUX|controlling|not a tty|/dev/)' "$T/work/o/answers"
		expect "S58: run on a virtual console" 0 $'controlling_terminal=ENXIO\nTIOCSTI=EPERM\n*TIOCLINUX=EPERM\nnot a tty*'
		case $out in */dev/tty*) not_ok "S58: the console is inside" "$out" ;; *) ok "S58: the console is not seen" ;; esac
	else
		skip "S58: a virtual console" "this machine has none"
	fi
fi
term -t alpine sh -c 'readlink /proc/self/fd/0; tty; stat -c %t /dev/console'
out=$(tr -d '\r' <<<"$out")
expect "S7: -t: a terminal of the container's own" 0 $'/dev/@(pts/0|console)\n/dev/@(pts/0|console)\n88*'
unchanged "S7, S58"

# --- S11: the way to a mount -------------------------------------------------------------------------------------
tree=$T/work/tree
as_user mkdir "$tree"
run rl create --name src --network none alpine true
run as_user sh -c "$RL export src | tar -xf - -C $tree" && expect "a root file system" 0
run rl rm src
as_user sh -c "cd $tree && ln -s $s/dir abs && ln -s ../../../../../../../../..$s/dir rel && ln -s /proc/1/root$s magic && mkdir -p run var && rm -rf var/run && ln -s /run var/run && ln -s loop loop"
as_user sh -c "echo hi >$T/work/f"
for d in /abs/a/b /rel/a/b /magic/a/b /abs/../../x /loop/x /rel /abs/file/x; do
	r -v "$T/work/f:$d" --rootfs "$tree" true
	[ "$status" -le 127 ] && [ "$status" != 124 ] || not_ok "S11: a mount at $d" "status $status $err"
done
unchanged "S11: mounts behind links that lead out"
r -v "$T/work/f:/var/run/sub/f" --rootfs "$tree" cat /run/sub/f
expect "S11: /var/run -> /run still works" 0 hi

# --- S14: the first content of a volume --------------------------------------------------------------------------
as_user sh -c "rm -rf $tree/v $tree/w $tree/d; ln -s $s $tree/v; ln -s ../../../../../../../..$s $tree/w; mkdir $tree/d; echo first >$tree/d/one"
tar -C "$tree" --exclude=./dev --exclude=./proc -cf "$T/tree.tar" . && "$SRC/contrib/mkimage" -n localhost/vols:latest \
	-c '"Env":["PATH=/bin"],"Cmd":["sh"],"Volumes":{"/v":{},"/w/dir":{},"/d":{}}' "$T/vols.tar" "$T/tree.tar" && run rl load -q -i "$T/vols.tar"
r localhost/vols sh -c 'cat /v/file /w/dir/file 2>/dev/null; cat /d/one'
expect "S14: only what lies in the image is copied" 0 first
r -v d:/d localhost/vols sh -c 'echo second >/d/one; touch /d/mine' && r -v d:/d localhost/vols sh -c 'cat /d/one; ls /d'
expect "S14: into an empty volume, once" 0 $'second\nmine\none'
r -v d:/d localhost/vols sh -c 'rm /d/*' && r -v d:/d:ro localhost/vols ls /d
expect "S14: a read-only start writes nothing into it" 0 "*"
unchanged S14
run rl volume rm -f d

# --- S21, S24 --------------------------------------------------------------------------------------------------
if [ "$(id -u)" = 0 ] && command -v setcap >/dev/null && bb=$(find "$tree/bin" -name busybox -type f | head -1) && [ -n "$bb" ]; then
	cp "$bb" "$T/work/capsh" && chown "$TEST_UID" "$T/work/capsh" && chmod 755 "$T/work/capsh" && setcap cap_net_raw,cap_sys_admin,cap_chown=i "$T/work/capsh"
	mkdir "$T/work/cap" && cp -a "$T/work/capsh" "$T/work/cap/grep" && setcap cap_net_raw,cap_sys_admin,cap_chown=i "$T/work/cap/grep" && chown "$TEST_UID" "$T/work/cap"
	run rl run -d --name caps --network none -v "$T/work/cap:/cap:ro" alpine sleep 100
	for u in 0 1000; do
		want=$([ $u = 0 ] && echo 00000000800405fb || echo 0000000000000000)
		for how in "exec -u $u caps" "run --rm --network none -u $u -v $T/work/cap:/cap:ro alpine"; do
			# shellcheck disable=SC2086 # words
			run rl $how /cap/grep -E '^Cap(Inh|Prm|Amb)' /proc/self/status
			expect "S21: a file with inheritable capabilities gives uid $u nothing: ${how%% *}" 0 $'CapInh:?0000000000000000\nCapPrm:?'"$want"$'\nCapAmb:?0000000000000000'
		done
	done
	run rl rm -f -t 0 caps
else
	skip "S21: a file with inheritable capabilities" "needs root and setcap"
fi
printf 'root:x:0:0::/:/bin/sh\nu:x:1000:1000::/:/bin/sh\n' >"$T/work/passwd"
printf 'root:x:0:\nu:x:1000:\nblocked:x:2000:u\nmore:x:3000:\n' >"$T/work/group"
as_user sh -c "rm -rf $tree/etc/group $tree/etc/passwd; cp $T/work/passwd $T/work/group $tree/etc; mkdir -p $tree/blocked"
look='id -G; cat /blocked/x 2>/dev/null || echo refused'
r -u u --group-add more --rootfs "$tree" sh -c 'id -G'
expect "S24: the image's groups and those that were added" 0 "1000 2000 3000"
run rl run -d --name groups --network none --tmpfs /blocked:mode=0707 --rootfs "$tree" sh -c 'chgrp 2000 /blocked; echo x >/blocked/x; exec sleep 100'
for _ in {1..50}; do rl exec groups cat /blocked/x >/dev/null 2>&1 && break || sleep 0.1; done
run rl exec -u u groups sh -c "$look" && expect "S24: exec: a group that takes rights away" 0 $'1000 2000\nrefused'
run rl exec -u 1000 groups sh -c "$look" && expect "S24: exec by number" 0 $'1000 2000\nrefused'
run rl exec -u 1001 groups sh -c "$look" && expect "S24: who is not in it" 0 $'0\nx'
run rl rm -f -t 0 groups

# --- S26 ------------------------------------------------------------------------------------------------------
as_user sh -c "seq -f 'g%.0f:x:5:u' 1000000 >$T/work/groups"
for what in "ln -s /dev/zero" "mkfifo" "truncate -s 8G" "cp $T/work/groups" "mkdir"; do
	as_user sh -c "rm -rf $tree/etc/group; $what $tree/etc/group"
	run rl run --rm --network none -u u --rootfs "$tree" id -u
	if [ "$status" = 125 ] || [ "$status$out" = 01000 ]; then ok "S26: /etc/group by '${what%% *}': ended with $status"; else not_ok "S26: /etc/group by '${what%% *}'" "$status $out $err"; fi
done
as_user sh -c "rm -rf $tree/etc/group; cp $T/work/group $tree/etc/group"
run rl run -d --name late --network none --rootfs "$tree" sh -c 'rm /etc/passwd; mkfifo /etc/passwd; touch /tmp/ok; exec sleep 100'
for _ in {1..50}; do rl exec -u 0 late test -e /tmp/ok 2>/dev/null && break || sleep 0.1; done
run rl exec -u u late true && expect_error "S26: exec where /etc/passwd became a FIFO" "*"
run rl rm -f -t 0 late
unchanged "in the end"
run rl rmi -f localhost/vols
leakcheck "nothing is left"
finish
