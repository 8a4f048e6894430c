#!/bin/bash
# reboot.sh - what a reboot, a logout, a changed clock, a full disk and damaged files leave behind
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

archive=$(image alpine) || skip_all "no test image"
cp "$archive" "$T/alpine.tar"
run rl load -q -i "$T/alpine.tar"
[ $status = 0 ] || { not_ok "load the test image" "$err" && finish; }
img=docker.io/library/alpine
d() { run rl run -d --network none "$@"; }
dir_of() { # NAME: its folder
	run rl inspect --format '{{.Id}}' "$1"
	echo "$ROOT/containers/$out"
}
end_all() { # as a reboot does it: everything at once, nobody cleans up
	{ leftover_processes; leftover_processes holder; } | awk '{ print $2 }' | xargs -r kill -9
	soon says '' leftover_processes
}
edit() { # FILE SED-EXPRESSION: in place, with its owner
	sed "$2" "$1" >"$T/edited" && cat "$T/edited" >"$1"
}
row() { run rl ps -a --format '{{.Names}} {{.State}} {{.Status}}' --filter "name=^$1\$"; }

# --- reboot -------------------------------------------------------------------------------------
d --name web $img sh -c 'echo up; exec sleep 60'
run rl create --network none --name idle $img true
d --rm --name gone $img sleep 60
soon logged web up
end_all
rm -rf "${T:?}/run/rl"
for f in "$ROOT"/containers/*/run.json; do edit "$f" 's/"boot_id":"[^"]*"/"boot_id":"00000000-0000-0000-0000-000000000000"/'; done
row web
expect "after a reboot it has exited" 0 "web exited Exited (137)*" ""
row idle
expect "what was only created is still that" 0 "idle created Created" ""
row gone
expect "what had --rm is gone" 0 "" ""
run rl start web idle
expect "both can be started" 0 "web
idle" ""
soon logged web up 2
run rl logs web
expect "the log of both runs" 0 "up
up" ""
run rl rm -af -t 0
leakcheck "nothing is left of them"

# --- a pid that is somebody else's now ------------------------------------------------------------
d --name reuse $img sleep 60
dir=$(dir_of reuse)
end_all
as_user sleep 50 &
stranger=$!
there() { pgrep -P "$stranger" -x sleep || grep -q sleep "/proc/$stranger/comm"; }
soon there
pid=$(pgrep -P $stranger -x sleep || echo $stranger)
MY_PIDS="$MY_PIDS $stranger $pid"
edit "$dir/run.json" "s/\"pid\":[0-9]*/\"pid\":$pid/"
row reuse
expect "another process has its pid: exited" 0 "reuse exited Exited (137)*" ""
kill -0 "$pid" && ok "the stranger was not signalled" || not_ok "the stranger was not signalled" "$pid"
start_time=$(awk '{ print $22 }' "/proc/$pid/stat")
rm -f "$dir/exit.json"
edit "$dir/run.json" "s/\"start_time\":[0-9]*/\"start_time\":$start_time/; s/\"boot_id\":\"[^\"]*\"/\"boot_id\":\"x\"/"
row reuse
kill -0 "$pid" && ok "nor one of an earlier boot with the same start time" || not_ok "nor one of an earlier boot with the same start time" "$pid"
run rl rm -f reuse
# the same while its monitor lives, and knows better
for how in "stop -t 0" "kill" "rm -f -t 0"; do
	d --name reuse $img sleep 60
	dir=$(dir_of reuse)
	edit "$dir/run.json" "s/\"pid\":[0-9]*/\"pid\":$pid/"
	if [ "$how" = kill ]; then
		run rl top reuse
		expect_error "top does not show the stranger" "*ended*"
		run rl exec -u root reuse echo in
		expect "exec does not look up users there" 255 "" "*ended*"
		run rl exec reuse echo in
		expect "exec enters the container" 0 "in" ""
		run rl stats --no-stream --format '{{.PIDs}}' reuse
		expect "stats does not count it" 0 "--" ""
	fi
	# shellcheck disable=SC2086 # words
	run rl $how reuse
	expect "$how ends the container" 0 "reuse" "*"
	kill -0 "$pid" && ok "$how: not the stranger" || not_ok "$how: not the stranger" "$pid"
	run rl rm -f -t 0 reuse
done
kill $stranger "$pid" 2>/dev/null

# --- the runtime folder -----------------------------------------------------------------------------
d --name logout $img sleep 60
rm -rf "${T:?}/run/rl"
run rl exec logout echo in
expect "exec after the runtime folder went" 0 "in" ""
run rl stop -t 0 logout
expect "stop after the runtime folder went" 0 "logout" "*"
run rl start logout
USER_ENV=(XDG_RUNTIME_DIR=)
run rl exec logout echo other
expect "exec from a login without a runtime folder" 0 "other" ""
USER_ENV=()
run rl exec logout echo first
expect "and from the first one again" 0 "first" ""
USER_ENV=(XDG_RUNTIME_DIR=)
run rl rm -f -t 0 logout
expect "rm -f from the other one" 0 "logout" ""
leftover_processes holder | awk '{ print $2 }' | xargs -r kill -9
USER_ENV=()
leakcheck "neither socket stays"
d --name hold $img sleep 60
leftover_processes holder | awk '{ print $2 }' | xargs -r kill -9
row hold
expect "the session's holder died: it runs on" 0 "hold running*" ""
run rl exec hold echo in
expect "and can be entered" 0 "in" ""
d --name hold2 $img sleep 60
run rl rm -f -t 0 hold hold2
expect "both can be removed" 0 "hold
hold2" ""

# --- the clock -----------------------------------------------------------------------------------
d --name clock $img sleep 60
dir=$(dir_of clock)
edit "$dir/run.json" 's/"started":"20./"started":"209/'
row clock
expect "started in the future: no negative age" 0 "clock running Up Less than a second" ""
run rl stop -t 0 clock
edit "$dir/exit.json" 's/"finished":"20./"finished":"209/'
row clock
expect "ended in the future" 0 "clock exited Exited (137) Less than a second ago" ""
run rl rm clock

# --- a lost lock (all other damage: damage.sh) ------------------------------------------------------
d --name lockless $img sleep 60
dir=$(dir_of lockless)
rm "$dir/lock"
row lockless
expect "a container without its lock is still shown" 0 "lockless *" ""
run rl rm -f -t 0 lockless
expect "and rm -f ends it" 0 "lockless" ""
leakcheck "without its lock: nothing is left"
if [ "$(id -u)" = 0 ]; then
	d --name ro $img sleep 60
	mount --bind "$ROOT" "$ROOT" && mount -o remount,ro,bind "$ROOT"
	row ro
	expect "read-only home: ps" 0 "ro running Up*" ""
	run rl stop -t 0 ro
	expect "read-only home: stop" 0 "ro" "*"
	umount -l "$ROOT"
	run rl rm -f -t 0 ro
	expect "writable again: rm" 0 "ro" ""
fi

# --- a full disk ---------------------------------------------------------------------------------
if [ "$(id -u)" = 0 ] && mount -t tmpfs -o size=8m,mode=700,uid="$TEST_UID",gid="$TEST_GID" rl-test "$T/tmp" 2>/dev/null; then
	at_end+=("umount -l $T/tmp")
	cp "$T/alpine.tar" "$T/work/a.tar"
	ROOT=$T/tmp/store
	run rl load -q -i "$T/work/a.tar"
	d --name one $img sh -c 'while :; do echo line; sleep 0.01; done'
	d --name two $img sleep 60
	run rl create --name three --network none $img true
	dd if=/dev/zero of="$T/tmp/fill" bs=4k 2>/dev/null
	run rl ps -a --format '{{.Names}} {{.State}}'
	expect "full disk: ps" 0 "*one running*" ""
	run rl logs --tail 1 one
	expect "full disk: logs" 0 "line" ""
	run rl stop -t 0 two
	expect "full disk: stop" 0 "two" "*"
	row two
	expect "full disk: the end is on record" 0 "two exited Exited (137)*" ""
	run rl start three
	expect_error "full disk: start says so" "*No space left*"
	row three
	expect "and leaves it as it was" 0 "three created Created" ""
	run rl rm two three
	expect "full disk: rm" 0 "two
three" ""
	leftover_processes | awk '$3 == "rl-monitor" { print $2 }' | xargs -r kill -9
	soon is_state one exited
	row one
	expect "full disk: a lost monitor is healed" 0 "one exited Exited (137)*" ""
	run rl rm -f one
	expect "full disk: and the container removed" 0 "one" ""
	rm "$T/tmp/fill"
	run rl run --rm --network none $img echo works
	expect "room again: works as before" 0 "works" ""
	leftover_processes holder | awk '{ print $2 }' | xargs -r kill -9
	umount -l "$T/tmp"
else
	skip "full disk" "needs root to mount a small tmpfs"
fi
ROOT=$T/home/store
leakcheck "nothing is left"
finish
