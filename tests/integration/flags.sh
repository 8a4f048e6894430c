#!/bin/bash
# flags.sh - options that many commands share: --all, --latest, --filter, --cidfile; wait's conditions
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

IMG=localhost/rl-busybox
d() { run rl run -d --network none "$@"; }
running() { rl ps --format '{{.Names}}' | sort | xargs; }

# --- which containers ---------------------------------------------------------------------------
d --name a -l kind=x $IMG sleep 300
a=$out
d --name b -l kind=y $IMG sleep 300
b=$out
run rl stop -t 0 --filter label=kind=x
expect 'stop --filter prints full ids' 0 "$a"
run running
expect '... and leaves the others' 0 b
run rl stop -t 0 -l
expect 'stop --latest' 0 "$b"
run rl start --all
expect 'start --all' 0 "@($a
$b|$b
$a)"
run rl start --filter name=^a\$
expect 'start --filter: it runs already' 0 ''
run rl kill -a -s KILL
expect 'kill --all' 0 "@($a
$b|$b
$a)"
rl wait a b >/dev/null
run rl kill -a
expect 'kill --all without a running one' 0 ''
run rl start -l
expect 'start --latest' 0 "$b"
printf '%s\n' "$b" >"$T/work/cid"
chmod 644 "$T/work/cid"
run rl stop --time 0 --cidfile cid
expect 'stop --cidfile, --time' 0 "$b"
run rl stop -s KILL --timeout 5 a b
expect 'stop of what does not run prints the names' 0 $'a\nb'
run rl rm --cidfile cid
expect 'rm --cidfile' 0 "$b"
run rl rm --force --cidfile nosuch
expect 'rm --force --cidfile of one that has gone' 0 ""
run rl rm --cidfile nosuch
expect_error 'rm --cidfile of one that has gone' "*open 'nosuch'*"
run rl rm --filter label=kind=x
expect 'rm --filter' 0 "$a"

# --- wait ---------------------------------------------------------------------------------------
d --name w $IMG sh -c 'until [ -e /end ]; do sleep 0.1; done; exit 7'
d --name v $IMG sleep 300
rl exec w touch /end
run rl wait --exit-first-match v w
expect 'wait --exit-first-match' 0 7
run rl wait --condition running v
expect 'wait --condition that holds' 0 -1
run rl wait --condition exited,running w v
expect 'wait: either condition' 0 $'7\n-1'
run rl create --name later $IMG sleep 300
as_user_exec "$RL" wait --condition=running later >"$T/waited" 2>&1 &
pid=$!
MY_PIDS="$MY_PIDS $pid"
sleep 0.2
rl start later >/dev/null
if timeout 5 tail --pid=$pid -f /dev/null && [ "$(cat "$T/waited")" = -1 ]; then
	ok 'wait --condition: what comes later'
else
	not_ok 'wait --condition: what comes later' "$(cat "$T/waited")"
fi
as_user_exec "$RL" wait --condition=exited,paused later >"$T/waited" 2>&1 &
pid=$!
MY_PIDS="$MY_PIDS $pid"
sleep 0.2
mv "$ROOT/events" "$ROOT/events.kept" && : >"$ROOT/events" # as with a full disk: no event is written
rl rm -f -t 0 later >/dev/null 2>&1
if timeout 20 tail --pid=$pid -f /dev/null; then ok 'wait: a removed one has ended'; else not_ok 'wait: a removed one has ended' "$(cat "$T/waited")"; fi
rm "$ROOT/events" && mv "$ROOT/events.kept" "$ROOT/events"
run rl wait --ignore nobody
expect 'wait --ignore' 0 -1
# several with --rm: each code is told, in the order of the names, though all but the first have gone by then
rl run -d --rm --name r1 --network none $IMG sh -c 'until [ -e /go ]; do sleep 0.1; done; exit 4' >/dev/null
rl run -d --rm --name r2 --network none $IMG sh -c 'until [ -e /go ]; do sleep 0.1; done; exit 5' >/dev/null
rl run -d --rm --name r3 --network none $IMG sh -c 'until [ -e /go ]; do sleep 0.1; done; kill -9 1; exit 6' >/dev/null
as_user_exec "$RL" wait r1 r2 r3 >"$T/waited" 2>&1 &
several=$!
as_user_exec "$RL" wait --condition removed r3 >"$T/removed" 2>&1 &
removed=$!
as_user_exec "$RL" wait --condition next-exit w >"$T/next" 2>&1 &
next=$!
until_connected() { [ "$(find "/proc/$several/fd" "/proc/$removed/fd" -lname "socket:*" | wc -l)" = 4 ] && [ -n "$(find "/proc/$next/fd" -lname "*inotify*")" ]; }
soon until_connected
for r in r3 r2 r1; do rl exec $r touch /go; done
rl start w >/dev/null
wait $several $removed $next
run cat "$T/waited"
expect 'wait for several with --rm: all their codes, in order' 0 $'4\n5\n6'
run cat "$T/removed"
expect 'wait --condition removed: the code it ended with' 0 6
run cat "$T/next"
expect 'wait --condition next-exit: not the one before' 0 7
run rl wait nobody w
expect 'wait: one that is not there, and another one' 125 7 "Error: wait 'nobody': *"
run rl wait --condition not-running w
expect 'wait --condition not-running' 0 7
run rl wait --condition=happy w
expect_error 'an unknown condition' "*'happy'*--condition*"
rl rm -f -t 0 w v >/dev/null 2>&1

# --- files with ids ------------------------------------------------------------------------------
d --name f --cidfile c1 --pidfile p1 --conmon-pidfile m1 $IMG sleep 300
f=$out
check '--cidfile holds the id' [ "$(cat "$T/work/c1")" = "$f" ]
run rl ps --format '{{.Pid}}' --filter name=f
check '--pidfile holds the pid' [ "$(cat "$T/work/p1")" = "$out" ]
check '--conmon-pidfile holds the pid of the monitor' grep -q rl-monitor "/proc/$(cat "$T/work/m1")/cmdline"
run rl run --cidfile c1 $IMG true
expect_error 'a cidfile of a container that there is' "*'c1' is that of container 'f'*"
rl stop -t 0 --cidfile c1 >/dev/null 2>&1
rl wait f >/dev/null
for f in p1 m1; do soon test ! -e "$T/work/$f"; done
if [ -e "$T/work/c1" ] && ! [ -e "$T/work/p1" ] && ! [ -e "$T/work/m1" ]; then ok 'the pids go with the run'; else not_ok 'the pids go with the run' "$(ls "$T/work")"; fi
rl rm f >/dev/null
if [ -e "$T/work/c1" ]; then not_ok 'the cidfile goes with the container'; else ok 'the cidfile goes with the container'; fi
run rl run --rm --cidfile c2 $IMG true
soon test ! -e "$T/work/c2"
if [ -e "$T/work/c2" ]; then not_ok '... also with --rm'; else ok '... also with --rm'; fi
run rl run --rm --cidfile c3 $IMG /no/such
if [ -e "$T/work/c3" ]; then not_ok '... and when it cannot start'; else ok '... and when it cannot start'; fi
as_user sh -c 'echo stale >c4'
d --name stale --cidfile c4 $IMG true
check 'one that is no id of a container is overwritten' [ "$(cat "$T/work/c4")" = "$out" ]
d --name stale --replace --cidfile c4 $IMG true
check '... so is that of a container that is replaced' [ "$(cat "$T/work/c4")" = "$out" ]
rl rm -f -t 0 stale >/dev/null
run rl run --cidfile /dev/null $IMG true
expect_error 'a cidfile that is none' "*'/dev/null' is no regular file*"
run rl run --cidfile no/such/folder $IMG true
expect_error 'a cidfile that cannot be made' "*cidfile*No such file*"

# --- --replace ----------------------------------------------------------------------------------
d --name r --stop-timeout 0 $IMG sleep 300
first=$out
d --name r --stop-timeout 0 $IMG sleep 300
expect_error 'a name that is taken' "*'r'*"
run rl run -d --network none --name r --replace --volume $IMG sleep 300
run rl ps -q --no-trunc --filter name=r
expect 'a mistake costs nobody a container' 0 "$first"
run rl run -d --network none --name r --replace $IMG sleep 300
second=$out
run rl ps -aq --no-trunc --filter name=r
expect '--replace' 0 "$second"
check '... with another one' [ "$first" != "$second" ]
run rl run --replace $IMG true
expect_error '--replace without a name' "*'--replace' needs '--name'*"
run rl create --name fresh --replace $IMG true
expect '--replace of nothing' 0
rl rm -f -t 0 r fresh >/dev/null 2>&1

# --- --volumes-from -----------------------------------------------------------------------------
as_user sh -c 'mkdir -p bound && echo b >bound/file'
rl create --name from -v vol:/vol -v "$T/work/bound:/bound:ro" -v /anon --tmpfs /tm $IMG true >/dev/null
rl run --rm --volumes-from from $IMG sh -c 'echo v >/vol/f; echo a >/anon/f'
run rl run --rm --volumes-from from $IMG sh -c 'cat /vol/f /anon/f /bound/file; test -e /tm || echo no tmpfs; echo x >/bound/x'
expect '--volumes-from: volumes and binds, their modes' '!(0)' $'v\na\nb\nno tmpfs' '*Read-only*'
run rl run --rm --volumes-from from:ro -v other:/anon $IMG sh -c 'ls /anon; touch /vol/x'
expect '--volumes-from: read-only, own ones first' '!(0)' '' '*Read-only*'
run rl run --rm --volumes-from nobody $IMG true
expect_error '--volumes-from: unknown' "*--volumes-from 'nobody'*"
run rl run --rm --volumes-from from:what $IMG true
expect_error '--volumes-from: unknown option' "*'what'*"
rl rm -v from >/dev/null

# --- environment, accounts ----------------------------------------------------------------------
# shellcheck disable=SC2016 # rl expands it
run rl run --rm --env-merge 'PATH=${PATH}:/app' --env-merge 'X=<$PATH|$none|$|${>' $IMG sh -c 'echo $PATH; echo "$X"'
expect '--env-merge' 0 $'*/bin:/app\n<*/bin:/app||$|${>'
run rl run --rm --env-merge NAME $IMG true
expect_error '--env-merge without a value' "*'--env-merge NAME'*"
run rl run --rm --hostuser daemon --user daemon $IMG sh -c 'id -un; tail -n 1 /etc/passwd'
expect '--hostuser' 0 $'daemon\n*daemon:*'
run rl run --rm --user 1234:5678 --passwd-entry '$USERNAME:*:$UID:$GID:me:$HOME:/bin/x' \
	--group-entry 'g$GID:x:$GID:' $IMG sh -c 'tail -n 1 /etc/passwd; tail -n 1 /etc/group'
expect '--passwd-entry, --group-entry' 0 $'*:\*:1234:5678:me:/:/bin/x\ng5678:x:5678:'
run rl run --rm --userns keep-id --passwd=false $IMG grep ":$TEST_UID:" /etc/passwd
expect '--passwd=false' 1 ''
run rl run --rm --hostuser nobody-at-all $IMG true
expect_error '--hostuser: unknown' "*--hostuser nobody-at-all*"
run rl run --rm --passwd=false --hostuser daemon $IMG true
expect_error '--passwd=false with an entry' "*excludes*"
run rl run --rm --passwd-entry $'a\nb' $IMG true
expect_error 'two lines' "*one line*"

# --- descriptors --------------------------------------------------------------------------------
echo from3 >"$T/three"
run rl run --rm --network none --preserve-fds 2 $IMG sh -c 'cat <&3; echo to4 >&4; ls /proc/self/fd | xargs' 3<"$T/three" 4>"$T/four"
expect '--preserve-fds' 0 $'from3\n0 1 2 3 4 5'
check '... both ways' grep -qx to4 "$T/four"
run rl run --rm --network none --init --preserve-fds 1 $IMG cat /proc/self/fd/3 3<"$T/three"
expect '--preserve-fds with --init' 0 from3
run rl run --rm --network none --preserve-fds 2 $IMG true 3<"$T/three"
expect_error '--preserve-fds: one that is not open' '*descriptor 4 is not open*'
run rl create --preserve-fds 1 $IMG true
expect_error 'create has none' '*--preserve-fds*'
run rl run --rm --network none -a stdout $IMG sh -c 'echo out; echo err >&2'
expect '--attach stdout' 0 out ''
run rl run --rm --network none -a STDERR $IMG sh -c 'echo out; echo err >&2; exit 3'
expect '--attach stderr' 3 '' err
run rl run --rm --network none -i -a stdout $IMG sh -c 'timeout 1 cat; echo end' <"$T/three"
expect '--attach without stdin: it stays open, and empty' 0 end
run rl run --network none --name fed -i -a stdin $IMG cat <"$T/three"
expect '--attach stdin alone: the id is printed' 0 '+([0-9a-f])' ''
run rl logs fed
expect '... and what came in is there' 0 from3
rl rm -f -t 0 fed >/dev/null
run rl run --rm -a stdwhat $IMG true
expect_error '--attach: no stream' "*'stdwhat'*--attach*"
run rl run -d -a stdout $IMG true
expect_error '--attach and --detach' '*exclude each other*'

# --- ctrl-\\ --------------------------------------------------------------------------------------
# asked WORDS COMMAND...: SIGQUIT makes it say what it waits for, and it goes on; sets pid
ask() { # WORDS: only who catches it is sent it, and again: the first answer may be about a lock
	[ "$(cat "/proc/$pid/comm")" = rl ] && grep -q '^SigCgt:.*[4-7c-f]$' "/proc/$pid/status" && kill -QUIT "$pid"
	local end=$((SECONDS + 2))
	until grep -qxF "rl waits for: $1" "$T/asked" || [ "$SECONDS" -ge "$end" ]; do read -rt 0.05 <> <(:); done
	grep -qxF "rl waits for: $1" "$T/asked"
}
asked() {
	local words=$1
	shift
	as_user_exec "$RL" "$@" >"$T/asked" 2>&1 8>&- &
	pid=$!
	MY_PIDS="$MY_PIDS $pid"
	soon ask "$words"
	if kill -0 "$pid" 2>/dev/null && grep -qxF "rl waits for: $words" "$T/asked"; then
		ok "SIGQUIT: $*"
	else
		not_ok "SIGQUIT: $*" "$(cat "$T/asked")"
	fi
}
d --name slow $IMG sleep 300
asked "container 'slow' to end, until its grace time is over" stop -t 9 slow
wait "$pid"
check '... which goes on' [ "$(rl ps -aq --filter name=slow --filter status=exited | wc -l)" = 1 ]
rl start slow >/dev/null
asked "container 'slow' to end" wait slow
asked '1 container to be in the condition' wait --condition=paused slow
rl rm -f -t 0 slow >/dev/null
wait "$pid"
exec 8>>"$ROOT/images/.lock"
flock 8
asked "the lock 'images/.lock', which another process holds" rmi nothing
exec 8>&-
wait "$pid"
run rl run --rm --network none $IMG sh -c 'kill -QUIT $PPID; echo still'
expect 'the container has nothing of it' 0 still

# --- in front of the command --------------------------------------------------------------------
run rl -H tcp://x --context y -D=false --tmpdir z --storage-opt a=b --cgroup-manager cgroupfs --runtime crun ps -q
expect "what scripts of others say is taken silently" 0 '' ''
run rl --out list ps -a
expect '--out: nothing on stdout' 0 ''
check '... but in the file' grep -q 'CONTAINER ID' "$T/work/list"
run rl --noout ps -a
expect '--noout' 0 ''
for level in trace debug info warn warning error fatal panic; do
	run rl --log-level=$level --version
	expect "--log-level $level" 0 'rl version*'
done
run rl --runroot "$T/run/other" run --rm --network none $IMG true
expect '--runroot' 0
check '... is used' [ -S "$T/run/other/session.sock" ]
run rl --storage-driver vfs run --rm --network none $IMG sh -c 'echo x >/x && cat /x'
expect '--storage-driver' 0 x
run rl ps --log-level=error --root "$T/work/else where" -q --syslog
expect 'options of rl after the command, as in Podman' 0 '' ''
check '... count' [ -d "$T/work/else where" ]
run rl run --rm --network none --log-level error $IMG echo --log-level
expect '... up to the image' 0 --log-level
run rl ps --version
expect_error '... but for --version' '*unknown flag: --version*'
run rl --runtime kata ps
expect_error 'another runtime is refused' "*'--runtime kata'*"
run rl run --rm --network podman --systemd=true $IMG true
expect "podman's words for what is so anyway" 0 '' ''
run rl run --runtime /usr/bin/runsc $IMG true
expect_error '... by run as well' "*'--runtime /usr/bin/runsc'*"
run rl --out no/such/folder ps
expect_error '--out that cannot be written' "*--out 'no/such/folder'*"
run rl --url tcp://x ps
expect_error 'a remote machine' '*not supported yet: --url*'
run rl --log-level loud ps
expect_error 'no level' "*'loud'*--log-level*"

# --- wrong uses ---------------------------------------------------------------------------------
for c in stop kill rm start wait; do
	run rl $c
	expect_error "$c without a name" "*$c needs the name*"
done
run rl stop -a x
expect_error 'names and --all' '*exclude each other*'
run rl rm -l
expect_error '--latest without containers' '*no container*'
run rl stop --cidfile missing
expect_error 'a cidfile that is not there' "*'missing'*No such file*"
run rl rm --ignore --cidfile missing
expect '... with --ignore' 0 ''
echo junk >"$T/work/cid"
run rl stop --cidfile cid
expect_error 'a cidfile without an id' "*'cid' holds no container's id*"
run rl stop --filter what=1
expect_error 'an unknown filter' "*'what=1'*"
run rl stop -s NOSIG x
expect_error 'an unknown signal' "*'NOSIG'*Hint: *SIGTERM*"
run rl wait --interval soon v
expect_error 'wait: a bad interval' "*'--interval soon'*"
run rl wait --condition dancing v
expect_error 'wait: an unknown condition' "*'dancing'*Hint: *running*"
run rl run --rm --network none --name= -w '' -h '' --platform '' --stop-signal '' --tz '' --cidfile '' --pidfile '' $IMG true
expect 'empty values of a script are as good as none' 0 '' ''
run rl run --rm --network none --security-opt dance=1 $IMG true
expect_error 'a hint with what there is' "*'dance=1'*Hint: *seccomp=*"
leakcheck 'nothing is left'
finish
