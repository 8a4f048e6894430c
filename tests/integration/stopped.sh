#!/bin/bash
# stopped.sh - nobody waits without bound: monitor, lock holder, session holder that were stopped; what SIGQUIT says
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
img=localhost/rl-busybox
d() { run rl run -d --network none "$@"; }

# bg FILE ARGS...: an rl in the background that has the signals of a terminal's foreground; its pid in $bg
bg() {
	local f=$1
	shift
	: >"$f"
	as_user_exec env --default-signal=INT,QUIT "$RL" "$@" >"$f" 2>&1 <&3 &
	bg=$!
	MY_PIDS="$MY_PIDS $bg"
}
mkfifo "$T/never"
exec 3<>"$T/never" # a stdin on which nothing comes
catches_quit() { (($((16#$(awk '/^SigCgt/ { print $2 }' "/proc/$1/status"))) & 4)); }
told() { grep -q "rl waits for: .*$2" "$1"; }
# waits PATTERN ARGS...: it says that it waits for PATTERN when it gets SIGQUIT, and Ctrl-C ends it
waits() {
	local what=$1
	shift
	bg "$T/w" "$@"
	if soon catches_quit $bg && kill -QUIT $bg && soon told "$T/w" "$what"; then
		ok "$*: SIGQUIT says that it waits for $what"
	else
		not_ok "$*: SIGQUIT says that it waits for $what" "$(cat "$T/w")"
	fi
	kill -INT $bg
	soon gone $bg || not_ok "$*: Ctrl-C ends it" "$(cat "$T/w")"
	wait $bg 2>/dev/null
}

# --- what each command waits for ------------------------------------------------------------------
d --name long --health-cmd 'sleep 100' --health-interval disable "$img" sh -c 'trap "" TERM; echo up; while :; do sleep 0.1; done'
logged long up
soon logged long up
waits "container 'long' to end" wait long
waits "1 container to be in the condition" wait --condition removing long
waits "more output of container long" logs -f long
waits "events, until ctrl-c" events
waits "the next look in 5 s" stats
waits "the next look in 3 s" ps -w 3
waits "the health check of 'long'" healthcheck run long
waits "an answer" container prune
waits "container 'long' to end, until its grace time is over" stop -t 100 long
waits "container 'long' to end, until its grace time is over" restart -t 100 long
d --name second "$img" sh -c 'trap "" TERM; echo up; while :; do sleep 0.1; done'
soon logged second up
waits "'long' to be restarted" restart -t 100 long second
soon says '' pgrep -u "$TEST_USER" -f "^$RL restart" && ok "nothing of it goes on" || not_ok "nothing of it goes on" "$(pgrep -a -f "^$RL restart")"

# --- a lock whose holder was stopped (told below: it takes ten seconds) ---------------------------------
run rl create --name made --network none "$img" true
id=$out
as_user_exec flock "$ROOT/containers/$id/lock" sleep 1000 &
flock=$!
MY_PIDS="$MY_PIDS $flock"
holds() { grep -q "FLOCK.* $flock .*:$(stat -c %i "$ROOT/containers/$id/lock") " /proc/locks; }
soon holds
(
	rl rm made >"$T/locked.out" 2>"$T/locked.err"
	echo $? >"$T/locked"
) &
locked=$!
waits "process $flock, which starts or removes container 'made'" start made

# --- its monitor was stopped: all commands at once, each has its bound --------------------------------
d --name other "$img" sleep 1000
m=$(monitor_of long)
as_user kill -STOP "$m"
cmds=()
i=0
for c in "exec long true" "exec -d long true" "attach --no-stdin long" "kill -s USR1 long" "pause long" "update --restart no long" \
	"healthcheck run long" "restart -t 0 long" "stop -t 0 long"; do
	# shellcheck disable=SC2086 # words
	(
		rl $c >"$T/s.$i.out" 2>"$T/s.$i.err"
		echo $? >"$T/s.$i"
	) &
	cmds+=("$c")
	i=$((i + 1))
done
waits "the answer of the container's monitor (process $m)" exec long true
run rl ps --format '{{.Names}} {{.State}}'
expect "ps meanwhile" 0 '*long running*'
run rl exec other echo fine
expect "exec in another one meanwhile" 0 fine
run rl run --rm --network none "$img" echo new
expect "run of a new one meanwhile" 0 new
run rl inspect -f '{{.State.Status}}' long
expect "inspect of it" 0 running
run rl cp long:/etc/passwd "$T/work/"
expect "cp from it" 0
# --- a foreground run whose monitor was stopped -------------------------------------------------------
bg "$T/fg" run --name fg --network none "$img" sh -c 'trap "echo got it" INT; echo up; while :; do sleep 0.1; done'
fg=$bg
soon grep -q up "$T/fg"
kill -INT $fg
soon grep -q "got it" "$T/fg" && ok "Ctrl-C goes to the container" || not_ok "Ctrl-C goes to the container" "$(cat "$T/fg")"
n=$(monitor_of fg)
as_user kill -STOP "$n"
insist() { kill -INT "$fg" && false || ! kill -0 "$fg"; }
soon insist && ok "its monitor was stopped: Ctrl-C again and again leaves" || not_ok "Ctrl-C again and again leaves" "$(cat "$T/fg")"
wait $fg 2>/dev/null
grep -q "Error: the container's monitor does not answer" "$T/fg" && ok "with words" || not_ok "with words" "$(cat "$T/fg")"
as_user kill -CONT "$n"
soon is_state fg exited && ok "its container ends then" || not_ok "its container ends then" "$(rl ps -a)"

# --- what they say -------------------------------------------------------------------------------
for ((i = 0; i < ${#cmds[@]}; i++)); do
	soon test -s "$T/s.$i"
	status=$(cat "$T/s.$i") out=$(cat "$T/s.$i.out") err=$(cat "$T/s.$i.err")
	expect_error "${cmds[i]}: says whom it waited for, and what to do" "*process $m? does not answer*kill -CONT $m*"
done
as_user kill -CONT "$m"
run rl exec long echo again
expect "it goes on" 0 again

# --- the lock --------------------------------------------------------------------------------------
wait $locked
status=$(cat "$T/locked") out=$(cat "$T/locked.out") err=$(cat "$T/locked.err")
expect_error "rm: says who has its lock" "*process $flock? starts or removes container 'made'*kill -CONT $flock*"
pkill -P $flock
kill $flock
wait $flock 2>/dev/null
run rl start -a made
expect "once it is free" 0

# --- the session's holder --------------------------------------------------------------------------
holder=$(leftover_processes holder | awk '{ print $2 }')
if [ -n "$holder" ]; then
	# shellcheck disable=SC2086 # one, as a rule
	as_user kill -STOP $holder
	run rl run --rm --network none "$img" echo fine
	expect "the session's holder was stopped: run" 0 fine
	run rl exec other echo fine
	expect "and exec" 0 fine
	# shellcheck disable=SC2086
	as_user kill -CONT $holder
	run rl run --rm --network none "$img" echo fine
	expect "it goes on" 0 fine
else
	not_ok "there is a holder" "$(leftover_processes)"
fi
run rl rm -af -t 0
expect "rm: all" 0
rm -f "$T/work/passwd"
leakcheck "nothing is left"
finish
