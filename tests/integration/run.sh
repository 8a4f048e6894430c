#!/bin/bash
# run.sh - `rl run`: every option with a use and a wrong use, exit codes, stdio, terminal, signals
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

archive=$(image alpine) || skip_all "no test image"
cp "$archive" "$T/alpine.tar"
run rl load -q -i "$T/alpine.tar"
[ $status = 0 ] || { not_ok "load the test image" "$err" && finish; }
img=docker.io/library/alpine
r() { run rl run --rm "$@"; }       # with the private network
q() { run rl run --rm --network none "$@"; } # without

# --- exit codes ---------------------------------------------------------------------------------
q $img true
expect "exit 0" 0 "" ""
q $img sh -c 'exit 42'
expect "exit code of the command" 42
q $img /nonexistent
expect "no such command" 127 "" "Error: *nonexistent*"
q $img nosuchcommand
expect "no such command in PATH" 127 "" "Error: *nosuchcommand*"
q $img /etc
expect "a folder is not runnable" 126 "" "Error: */etc*"
q $img /etc/passwd
expect "a file without x is not runnable" 126 "" "Error: */etc/passwd*"
q --init $img sh -c 'kill -TERM $$'
expect "died by SIGTERM" 143
q --init $img sh -c 'kill -KILL $$'
expect "died by SIGKILL below an init" 137
run rl run --nosuchflag $img
expect_error "unknown flag" "*--nosuchflag*"
run rl run
expect_error "no image" "*IMAGE*"
run rl nosuchcommand
expect_error "unknown command" "*nosuchcommand*"
run rl run --help
expect "help" 0 "*Usage: rl run*--cap-add*"

# --- options, and each one wrong ------------------------------------------------------------------
q -e A=1,2 -e B $img sh -c 'echo $A-$B-$HOME-$PATH-$container'
expect "-e, and the default environment" 0 "1,2--/root-/usr/local/sbin:*-*"
USER_ENV=(B=from-host)
q -e B $img sh -c 'echo $B'
expect "-e NAME takes the host's value" 0 "from-host"
USER_ENV=()
printf '# comment\nX=one\nY=two words\n\n' >"$T/env"
q --env-file "$T/env" -e X=cli $img sh -c 'echo $X-$Y'
expect "--env-file, -e is stronger" 0 "cli-two words"
run as_user bash -c '"$0" run --rm --network none --env-file <(echo A=one) --label-file <(echo l=two) "$1" sh -c "echo \$A"' "$RL" $img
expect "--env-file and --label-file from a pipe" 0 one
run rl run --env-file "$T/none" $img true
expect_error "--env-file: missing" "*$T/none*"
run rl run -e =x $img true
expect_error "-e without a name" "*=x*"
q -w /tmp $img pwd
expect "-w" 0 /tmp
q -w /new/folder $img pwd
expect "-w makes the folder" 0 /new/folder
run rl run --rm -w relative $img true
expect_error "-w relative" "*relative*"
q -u 1000:1001 $img sh -c 'echo $(id -u):$(id -g); grep -E "Cap(Prm|Eff)" /proc/self/status'
expect "-u UID:GID, without capabilities" 0 "1000:1001*CapPrm:*0000000000000000*CapEff:*0000000000000000*"
q -u nobody $img id -u
expect "-u NAME" 0 65534
run rl run --rm -u nosuchuser $img true
expect_error "-u unknown" "*nosuchuser*"
for u in -1 4294967295 4294967296 ' 0' 1e3 0x0 ''; do
	run rl run --rm --user="$u" $img true
	if [ "$u" = '' ]; then
		expect "-u '' is the image's user" 0
	else
		expect_error "-u '$u' is refused" "*"
	fi
done
q --group-add 2000 --group-add users $img id -G
expect "--group-add" 0 "*100*2000*"
run rl run --rm --group-add nosuchgroup $img true
expect_error "--group-add unknown" "*nosuchgroup*"
q --entrypoint '["echo","a b"]' $img c
expect "--entrypoint as JSON" 0 "a b c"
q --entrypoint echo $img c
expect "--entrypoint as a word" 0 "c"
run rl run --rm --entrypoint '["echo"' $img
expect_error "--entrypoint: broken JSON" "*entrypoint*"
q --hostname box.test $img sh -c 'hostname; cat /etc/hostname; grep -c box.test /etc/hosts'
expect "--hostname" 0 "box.test*box.test*1"
run rl run --rm --hostname 'a b' $img true
expect_error "--hostname with a blank" "*a b*"
run rl run --rm --hostname "$(printf 'a\nb')" $img true
expect_error "--hostname with a newline" "*"
q --label a=b --label c $img true
expect "--label" 0
q --read-only $img sh -c 'touch /x 2>&1; touch /dev/shm/y && echo shm'
expect "--read-only" 0 "*Read-only file system*shm"
q --read-only --tmpfs /scratch:size=1m,mode=1777 $img sh -c 'stat -c %a /scratch; head -c 3000000 /dev/zero >/scratch/f 2>/dev/null; stat -c %s /scratch/f'
expect "--tmpfs with size and mode" 0 "1777*1048576"
run rl run --rm --tmpfs relative $img true
expect_error "--tmpfs relative" "*relative*"
run rl run --rm --tmpfs /x:nosuchoption $img true
expect_error "--tmpfs: unknown option" "*nosuchoption*"

own_dir "$T/work/vol" 755
as_user sh -c 'echo hello >vol/f'
q -v "$T/work/vol:/mnt" $img sh -c 'cat /mnt/f; echo back >/mnt/g; stat -c %u /mnt/g'
expect "-v rw" 0 "hello*0"
check "-v: what was written is the caller's" test "$(stat -c %u "$T/work/vol/g")" = "$TEST_UID"
q -v "$T/work/vol:/mnt:ro" $img sh -c 'touch /mnt/h 2>&1'
expect "-v ro" 1 "*Read-only file system*"
q -v ./vol:/mnt $img cat /mnt/f
expect "-v with a relative source" 0 hello
run rl run --rm -v "$T/none:/mnt" $img true
expect_error "-v: source missing" "*$T/none*"
run rl run --rm -v "$T/work/vol:mnt" $img true
expect_error "-v: destination relative" "*mnt*"
run rl run --rm -v "$T/work/vol:/mnt:wrong" $img true
expect_error "-v: unknown option" "*wrong*"
run rl run --rm -v "$T/work/vol:/" $img true
expect_error "-v over /" "*"
q -v myvol:/mnt $img sh -c 'echo kept >/mnt/f'
q -v myvol:/other $img cat /other/f
expect "-v with a named volume" 0 kept
run rl run --rm -v ../bad:/mnt:rw:x $img true
expect_error "-v: too many parts" "*"

q --name one $img true
expect "--name" 0
run rl run --rm --name '../x' $img true
expect_error "--name: not a name" "*../x*"
run rl run --rm --name --help $img true
expect_error "--name: looks like an option" "*"
as_user_exec "$RL" run --rm --init --name busy --network none $img sleep 30 &
busy=$!
sleep 1
run rl run --rm --name busy --network none $img true
expect_error "--name: taken" "*busy*"
kill -TERM $busy
wait $busy
run rl run --cidfile "$T/work/cid" $img true
check "--cidfile holds an id" grep -qE '^[0-9a-f]{64}$' "$T/work/cid"
run rl run --rm --cidfile "$T/work/cid" $img true
expect_error "--cidfile: exists" "*$T/work/cid*"
run rl rm "$(cat "$T/work/cid")"
check "--cidfile goes with its container" [ ! -e "$T/work/cid" ]

q --cap-drop all $img grep CapEff /proc/self/status
expect "--cap-drop all" 0 "*0000000000000000"
q --cap-drop ALL --cap-add CAP_NET_RAW $img grep CapBnd /proc/self/status
expect "--cap-drop all --cap-add one" 0 "*0000000000002000"
q $img grep -E 'CapBnd|CapInh|CapAmb' /proc/self/status
expect "default capabilities" 0 "CapInh:*0000000000000000*CapBnd:*00000000800405fb*CapAmb:*0000000000000000"
run rl run --rm --cap-add CAP_NONE $img true
expect_error "--cap-add unknown" "*CAP_NONE*"
q --security-opt no-new-privileges $img grep NoNewPrivs /proc/self/status
expect "no-new-privileges" 0 "*1"
q $img grep -E '^(NoNewPrivs|Seccomp):' /proc/self/status
expect "default: a seccomp filter, no_new_privs off" 0 "NoNewPrivs:*0*Seccomp:*2"
q --security-opt seccomp=unconfined $img grep ^Seccomp: /proc/self/status
expect "seccomp=unconfined" 0 "*0"
printf '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir","mkdirat"],"action":"SCMP_ACT_ERRNO"}]}' >"$T/profile.json"
q --security-opt "seccomp=$T/profile.json" $img sh -c 'mkdir /x 2>&1'
expect "seccomp=FILE" 1 "*not permitted*"
run rl run --rm --security-opt "seccomp=$T/none.json" $img true
expect_error "seccomp=FILE missing" "*$T/none.json*"
echo '{"defaultAction":"SCMP_ACT_NONE"}' >"$T/bad.json"
run rl run --rm --security-opt "seccomp=$T/bad.json" $img true
expect_error "seccomp=FILE broken" "*SCMP_ACT_NONE*"
run rl run --rm --security-opt nosuchopt $img true
expect_error "--security-opt unknown" "*nosuchopt*"
q --privileged $img sh -c 'grep CapEff /proc/self/status; mount -t tmpfs x /mnt 2>/dev/null || mkdir /m && mount -t tmpfs x /m && echo mounted'
expect "--privileged" 0 "*0000*ffffff*mounted"
q --init $img sh -c 'echo $$; ps | head -2 | tail -1'
expect "--init: the command is not pid 1" 0 "[2-9]*"
q $img sh -c 'echo $$'
expect "without --init it is" 0 1
q --ulimit nofile=100:200 --ulimit core=0 $img sh -c 'ulimit -Sn; ulimit -Hn; ulimit -c'
expect "--ulimit" 0 "100*200*0"
q --ulimit nofile=3:4 $img sh -c 'ulimit -Sn; ulimit -Hn'
expect "--ulimit nofile below what rl itself needs" 0 "3*4"
q --init --ulimit nofile=10:20 $img sh -c 'ulimit -Sn; ulimit -Hn'
expect "--ulimit nofile with --init" 0 "10*20"
run rl run --rm --ulimit nosuch=1 $img true
expect_error "--ulimit unknown" "*nosuch*"
run rl run --rm --ulimit nofile=200:100 $img true
expect_error "--ulimit soft above hard" "*nofile*"
q --shm-size 1m $img sh -c 'df -k /dev/shm | tail -1'
expect "--shm-size" 0 "*1024*"
run rl run --rm --shm-size 1x $img true
expect_error "--shm-size wrong" "*1x*"
for flag in '--cpus 0.5' '--memory 64m' '--pids-limit 100'; do
	# shellcheck disable=SC2086 # two words
	q $flag $img true
	if [ "$status" = 0 ] && { [ -z "$err" ] || [[ $err == *${flag% *}* ]]; } && [ "$(printf '%s' "$err" | grep -c '')" -le 2 ]; then
		ok "$flag is applied or said to have no effect"
	else
		not_ok "$flag is applied or said to have no effect" "$status" "$err"
	fi
done
for bad in '--cpus -1' '--cpus x' '--memory 1q' '--pids-limit x'; do
	# shellcheck disable=SC2086
	run rl run --rm $bad $img true
	expect_error "$bad is refused" "*${bad%% *}*"
done
q --stop-signal USR1 $img true
expect "--stop-signal" 0
run rl run --rm --stop-signal NOSUCH $img true
expect_error "--stop-signal unknown" "*NOSUCH*"
run rl run --rm --network nosuchnet $img true
expect_error "--network unknown" "*nosuchnet*"
q $img sh -c 'ls /sys/class/net'
expect "--network none: lo only" 0 lo
run rl run --rm --network host $img sh -c 'readlink /proc/self/ns/net'
expect "--network host" 0 "net:\[$(readlink /proc/self/ns/net | tr -dc 0-9)\]"
run rl run --rm --pull never docker.io/library/absent true
expect_error "--pull never" "*absent*"
run rl run --rm --pull sometimes $img true
expect_error "--pull wrong" "*sometimes*"
run rl run --rm --platform linux/s390x --pull never $img true
expect_error "--platform that is not there" "*alpine*"
run rl run --rm --platform 'a/b/c/d' $img true
expect_error "--platform wrong" "*a/b/c/d*"
q --userns host $img sh -c 'id -u; cat /proc/self/uid_map'
expect "--userns host" 0 "0*"
q --userns keep-id $img id -u
expect "--userns keep-id" 0 "$TEST_UID"
q --userns keep-id -v "$T/work/vol:/mnt" $img stat -c %u /mnt/f
expect "--userns keep-id: own files are own" 0 "$TEST_UID"
run rl run --rm --userns nosuch $img true
expect_error "--userns wrong" "*nosuch*"
mkdir -p "$T/rootfs" && tar -xf "$archive" -C "$T/rootfs" 2>/dev/null
layer=$(find "$T/rootfs/blobs" -type f -size +1M)
mkdir "$T/work/tree" && tar -xf "$layer" -C "$T/work/tree"
[ "$(id -u)" != 0 ] || chown -R "$TEST_UID:$TEST_GID" "$T/work/tree"
run rl run --rm --network none --rootfs "$T/work/tree" sh -c 'echo in; touch /made'
expect "--rootfs" 0 in
check "--rootfs: written in place" test -e "$T/work/tree/made"
run rl run --network none --rootfs work/tree:O true
expect_error "--rootfs :O: missing" "*'work/tree'*"
run rl run --name over --network none --rootfs tree:O sh -c 'echo new >>/made; rm /etc/passwd; cat /made'
expect "--rootfs FOLDER:O" 0 new
check "--rootfs FOLDER:O: the folder stays as it is" test ! -s "$T/work/tree/made" -a -e "$T/work/tree/etc/passwd"
run rl start -a over
expect "--rootfs FOLDER:O: the second run finds what the first wrote" 0 $'new\nnew' "rm:*"
run rl cp over:/made -
expect "--rootfs FOLDER:O: cp sees it" 0 "*made*new*"
run rl commit -q over localhost/over
run rl run --rm --network none localhost/over sh -c 'cat /made; ls /etc/passwd'
expect "--rootfs FOLDER:O: commit has it whole" 1 $'new\nnew' "*passwd*"
rl rm over >/dev/null
for driver in fuse-overlayfs vfs; do
	USER_ENV=("STORAGE_DRIVER=$driver")
	run rl run --rm --network none --rootfs tree:O sh -c 'echo new >>/made; cat /made'
	expect "--rootfs FOLDER:O with $driver" 0 new "*"
	USER_ENV=()
done
check "--rootfs FOLDER:O: with those, too" test ! -s "$T/work/tree/made"
run rl run --rm --rootfs "$T/none" sh
expect_error "--rootfs: missing" "*$T/none*"
leakcheck "nothing is left of the options"

# --- what a container is --------------------------------------------------------------------------
q $img sh -c 'for n in user pid mnt net ipc uts cgroup; do readlink /proc/self/ns/$n; done'
for n in user pid mnt net ipc uts; do
	case $out in
	*"$(readlink /proc/self/ns/$n)"*) not_ok "own $n namespace" "$out" ;;
	*) ok "own $n namespace" ;;
	esac
done
q $img sh -c 'set -- /proc/$$/fd/*; for f; do [ ! -e $f ] || echo ${f##*/}; done'
expect "no descriptor but stdio" 0 $'0\n1\n2' 
q $img sh -c 'for f in /proc/kcore /proc/keys /proc/timer_list; do head -c 1 $f 2>/dev/null | wc -c; done; echo x 2>/dev/null >/proc/sys/kernel/hostname || echo ro; echo x 2>/dev/null >/proc/sysrq-trigger || echo ro'
expect "masked and read-only paths" 0 "0*0*0*ro*ro"
q $img sh -c 'ls /dev | tr "\n" " "'
expect "a fresh /dev" 0 "*full*null*ptmx*pts*random*shm*tty*urandom*zero*"
q $img sh -c 'unshare -U true 2>&1 || echo refused'
expect "no nested user namespaces by default" 0 "*refused"
q $img sh -c 'touch /a && chown 33:33 /a && stat -c %u:%g /a && chmod 4755 /a && stat -c %a /a'
expect "owners of the whole range" 0 "33:33*4755"
q $img mount -t tmpfs x /tmp
expect "no mounting" "[1-9]*" "" "mount: *"

# --- stdio ------------------------------------------------------------------------------------------
head -c 10485760 /dev/urandom >"$T/blob"
run rl run --rm -i --network none $img sha256sum <"$T/blob"
expect "-i: 10 MiB in, binary" 0 "$(sha256sum <"$T/blob" | cut -d' ' -f1)*"
rl run --rm -i --network none $img cat <"$T/blob" >"$T/copy" 2>"$T/err"
check "-i: 10 MiB through, binary, with end of file" cmp "$T/blob" "$T/copy"
run rl run --rm --network none $img sh -c 'wc -c' <"$T/blob"
expect "without -i stdin is empty" 0 0
q $img sh -c 'echo to-out; echo to-err >&2'
expect "stdout and stderr stay apart" 0 to-out to-err
rl run --rm --network none $img yes 2>"$T/err" | head -n 1 >"$T/out"
status=${PIPESTATUS[0]} out=$(cat "$T/out") err=$(cat "$T/err")
expect "a closed pipe ends it" '@(1|141)' y # by an error of its write, or SIGPIPE
q $img sh -c 'test -t 0 || echo no-terminal'
expect "no terminal without -t" 0 no-terminal
run as_user bash -c "'$RL' run --rm --network none $img echo fine <&- "
expect "closed stdin" 0 fine
run rl run --rm -it --network none $img echo yes </dev/null
expect "-t without a terminal: a warning, as podman" 0 "yes*"
says '*not a TTY*leave out -t*' echo "$err" && ok "...that says what to leave out" || not_ok "...that says what to leave out: $err"

cat >"$T/sized.py" <<'END'
import fcntl, pty, struct, subprocess, sys, termios
tty = pty.openpty()[1]
fcntl.ioctl(tty, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 77, 0, 0))
sys.exit(subprocess.run(sys.argv[1:], stdin=tty).returncode)
END
chmod 644 "$T/sized.py"
run as_user timeout 30 /usr/bin/python3 "$T/sized.py" "$RL" run --rm --network none -it $img stty size
expect "-it: the size is right from the start" 0 "33 77*"

# --- terminal -----------------------------------------------------------------------------------------
cp "$SRC/tests/integration/terminal.py" "$T/terminal.py"
tty() { # SCRIPT ARGS...: rl run on a terminal
	local script=$1
	shift
	run as_user timeout -k 5 60 /usr/bin/python3 "$T/terminal.py" -k 24x80 "$RL" run --rm --network none "$@" <<<"$script"
	out=${out//$'\r'/}
}
if [ -x /usr/bin/python3 ]; then
	tty $'expect ready\nraw?\nsend stty size\\n\nexpect 24 80\nresize 33x101\nsleep 0.3\nsend stty size\\n\nexpect 33 101\nsend exit 7\\n' \
		-it $img sh -c 'echo ready; exec sh'
	expect "-it: raw, size, resize, exit code, settings restored" 0 "*settings restored*status 7"
	tty $'expect ready\nsend \\x03\nsleep 0.2' -it $img sh -c 'trap "echo got-int; exit 9" INT; echo ready; while :; do sleep 0.1; done'
	expect "-it: ctrl-c goes to the container" 0 "*got-int*settings restored*status 9"
	tty $'expect ready\nsignal TERM\nsleep 0.5' -it $img sh -c 'trap "exit 8" TERM; echo ready; while :; do sleep 0.1; done'
	expect "-it: SIGTERM is passed on, settings restored" 0 "*settings restored*status 8"
	tty $'expect ready\nhangup' -it $img sh -c 'echo ready; exec sh'
	expect "-it: hangup ends it" 0 "*status [1-9]*"
	tty $'' -t $img sh -c 'tty; echo TERM=$TERM'
	expect "-t alone" 0 "*/dev/*TERM=xterm*status 0"
	tty $'' -it $img /nonexistent
	expect "-it: settings restored when nothing ran" 0 "*settings restored*status 127"
	leakcheck "nothing is left of the terminals"
else
	skip "terminal" "no /usr/bin/python3"
fi

# --- signals, and the client killed ---------------------------------------------------------------------
# start ARGS...: rl run in the background, waits for the word "ready"; sets client
start() {
	: >"$T/bg" # not the word of the one before
	as_user_exec "$RL" run --rm "$@" >"$T/bg" 2>&1 &
	client=$!
	for _ in {1..100}; do
		grep -q ready "$T/bg" && break
		sleep 0.1
	done
}
for s in INT TERM HUP USR1; do
	start --network none $img sh -c "trap 'exit 50' $s; echo ready; while :; do sleep 0.05; done"
	kill -$s "$client"
	wait "$client"
	status=$?
	out='' err=$(cat "$T/bg")
	expect "SIG$s is passed on" 50
done
start $img sh -c 'echo ready; sleep 300 & (setsid sleep 301 &) ; wait'
kill -KILL "$client"
wait "$client" 2>/dev/null
leakcheck "kill -9 of the client leaves nothing"
start --init -v "$T/work/vol:/mnt" $img sh -c 'trap "" TERM INT HUP; echo ready; ping -c 1 10.0.2.2 >/dev/null; sleep 300'
kill -KILL "$client"
wait "$client" 2>/dev/null
leakcheck "kill -9 of the client leaves nothing (network used, signals ignored)"
run rl run --rm --network none $img echo again
expect "and the next run works" 0 again

finish
