#!/bin/bash
# unruly.sh - containers that do not want to end, and containers that write without end
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

archive=$(image alpine) || skip_all "no test image"
cp "$archive" "$T/alpine.tar"
run rl load -q -i "$T/alpine.tar"
[ $status = 0 ] || { not_ok "load the test image" "$err" && finish; }
img=docker.io/library/alpine
d() { run rl run -d --network none "$@"; }
now() { date +%s%3N; }

# ends NAME WHAT: stop -t 1 takes its grace and little more (10 s would be the default), nothing of it is left
ends() {
	local t0 ms
	sleep 0.3 # that it is in the middle of it; whether does not matter
	t0=$(now)
	run rl stop -t 1 "$1"
	ms=$(($(now) - t0))
	[ $status = 0 ] && [ $ms -lt 9000 ] || not_ok "$2: stop" "status $status, $ms ms" "$err"
	run rl rm "$1"
	for _ in {1..20}; do
		left=$(leftovers)
		[ -n "$left" ] || break
		sleep 0.1
	done
	[ -z "$left" ] && [ $status = 0 ] && ok "$2: ends, $ms ms, nothing is left" || not_ok "$2" "$err" "$left"
}

# --- what does not want to end ----------------------------------------------------------------------
d --name a $img sh -c 'trap "" TERM INT HUP; while :; do sleep 1; done'
ends a "ignores signals"
d --name a $img sh -c 'trap "while :; do (sleep 30 &) ; done" TERM; while :; do sleep 0.1; done'
ends a "forks when it is told to stop"
d --name a $img sh -c '(setsid sh -c "(setsid sleep 60 &) ; sleep 60" &) ; (nohup sleep 60 &) ; exec sleep 60'
ends a "double forks daemons"
d --name a --pids-limit 64 $img sh -c 'f() { sleep 60 & f; }; f; sleep 60'
ends a "fills its processes"
d --name a $img sh -c 'sleep 60 & while :; do kill -9 -1; kill -STOP $$; done'
ends a "kills and stops everything that it sees"
d --name a $img sh -c 'kill -STOP 1; reboot -f; halt -f; echo b >/proc/sysrq-trigger; sleep 60'
ends a "reboots"
d --name a $img sh -c 'exec 0>&- 1>&- 2>&-; sleep 60'
ends a "closes everything"
d --name a $img sh -c 'while :; do (sleep 0 &) ; done'
ends a "zombies without --init"
d --name a --init $img sh -c 'trap "" TERM; while :; do (sleep 0 &) ; done'
ends a "zombies with --init"
d --name a --init $img sh -c 'kill -STOP 1; kill -STOP $$; sleep 60'
ends a "stops its init"
d --name a --user 1000 $img sh -c 'trap "" TERM; umask 0; while :; do sleep 1; done'
ends a "another user inside"
d --name a --cap-add SYS_PTRACE $img sh -c 'trap "" TERM; for i in 1 2 3 4 5; do (while :; do :; done) & done; while :; do sleep 0.2; done'
ends a "burns the processor"
d --name a --pid host $img sh -c '(setsid sleep 60 &) ; sleep 60 & exec sleep 60'
ends a "daemons with --pid host"

# --- what it leaves with a monitor that died ---------------------------------------------------------
d --name a $img sh -c 'trap "" TERM; (setsid sleep 60 &) ; while :; do sleep 1; done'
sleep 0.2
leftover_processes | awk '$3 == "rl-monitor" { print $2 }' | xargs -r kill -9
run rl rm -f a
expect "rm -f after the monitor died" 0 "a" ""
leakcheck "nothing of it is left"
d --name a $img sleep 60
leftover_processes | awk '$3 == "rl-pump" { print $2 }' | xargs -r kill -9
ends a "lost its pump"
# output goes on where another pump takes over; what the killed one held may be lost
for t in '' -t; do
	# shellcheck disable=SC2086 # perhaps nothing
	d --name a $t $img sh -c 'i=0; while :; do i=$((i + 1)); echo line $i; sleep 0.05; done'
	for k in 1 2; do
		old=$(leftover_processes | awk '$3 == "rl-pump" { print $2 }')
		kill -9 "$old"
		new=''
		for ((i = 0; i < 100; i++)); do
			new=$(leftover_processes | awk '$3 == "rl-pump" { print $2 }')
			[ -n "$new" ] && [ "$new" != "$old" ] && break || sleep 0.05
		done
		before=$(rl logs a | wc -l)
		for ((i = 0; i < 100; i++)); do [ "$(rl logs a | wc -l)" -gt $((before + 2)) ] && break || sleep 0.05; done
		if [ $i -lt 100 ] && [ "$new" != "$old" ]; then ok "its pump is killed ($k)${t:+ with a terminal}: the log goes on"; else not_ok "its pump is killed ($k)${t:+ with a terminal}" "$before lines, pump '$old', then '$new'"; fi
	done
	: >"$T/attached"
	as_user_exec "$RL" attach --no-stdin a >"$T/attached" 2>&1 </dev/null &
	attached=$!
	for ((i = 0; i < 100; i++)); do [ "$(grep -c line "$T/attached")" -ge 2 ] && break || sleep 0.05; done
	if [ $i -lt 100 ]; then ok "and it can be attached to${t:+, with a terminal}"; else not_ok "attach${t:+ with a terminal}" "$(cat "$T/attached")"; fi
	kill -9 $attached
	wait $attached 2>/dev/null
	ends a "lost its pump twice${t:+, with a terminal}"
done
run rl events --stream=false --since 10m --filter event=pump_died --format '{{.Name}}'
expect "it is told" 0 $'a\na\n*'
d --name a $img sleep 60
leftover_processes | awk '$3 == "rl-monitor" { print $2 }' | xargs -r kill -STOP
run rl ps -a --format '{{.Names}} {{.State}}'
expect "a stopped monitor does not hold ps up" 0 "a running"
leftover_processes | awk '$3 == "rl-monitor" { print $2 }' | xargs -r kill -CONT
ends a "its monitor was stopped for a while"
d --name a $img sleep 60
leftover_processes | awk '$3 == "rl-monitor" { print $2 }' | xargs -r kill -STOP
run rl rm -f -t 0 a
expect "rm -f ends a monitor that does not answer" 0 "a" "Warning: *does not answer*"
leakcheck "nothing of it is left either"

# --- output ---------------------------------------------------------------------------------------
pss() { # of monitor and pump, KiB
	local p
	for p in $(leftover_processes | awk '$3 ~ /rl-(monitor|pump)/ { print $2 }'); do cat "/proc/$p/smaps_rollup"; done | awk '/^Pss:/ { n += $2 } END { print n + 0 }'
}
d --name flood $img sh -c 'until [ -e /go ]; do sleep 0.1; done; exec cat /dev/zero'
before=$(pss)
log_of() { [ "$(du -sk "$ROOT"/containers/*/log | awk '{ print $1 }')" -ge "$1" ]; } # KIB
rl exec flood touch /go
soon log_of 1024
sleep 1
after=$(pss)
size=$(du -sk "$ROOT"/containers/*/log | awk '{ print $1 }')
[ "$after" -lt $((before + 512)) ] && ok "an endless line: memory stays ($before to $after KiB)" || not_ok "an endless line: memory stays" "$before to $after KiB"
[ "$size" -lt $((280 * 1024)) ] && ok "and the log below its limit ($((size / 1024)) MiB)" || not_ok "and the log below its limit" "$size KiB"
ends flood "an endless line"
d --name flood --log-opt max-size=1m $img sh -c 'i=0; while [ $i -lt 60000 ]; do echo "line $i 0123456789012345678901234567890123456789"; i=$((i + 1)); done; sleep 60'
as_user_exec "$RL" logs -f flood >"$T/follow" 2>&1 &
follower=$!
for _ in 1 2 3; do soon grep -q "line 59999 " "$T/follow" && break; done
size=$(du -sk "$ROOT"/containers/*/log | awk '{ print $1 }')
[ "$size" -lt $((3 * 1024)) ] && ok "max-size is kept ($size KiB)" || not_ok "max-size is kept" "$size KiB"
grep -q "line 59999 " "$T/follow" && ok "logs -f goes across rotations" || not_ok "logs -f goes across rotations" "$(tail -n 1 "$T/follow")"
kill $follower 2>/dev/null
ends flood "rotates"
d --name quiet $img sh -c 'while :; do echo x; done'
# shellcheck disable=SC2216 # that it does not read is the point
rl logs -f quiet 2>/dev/null | sleep 60 &
slow=$!
sleep 1
a=$(find "$ROOT"/containers/*/log -type f -printf '%f %s %T@ ')
moved() {
	b=$(find "$ROOT"/containers/*/log -type f -printf '%f %s %T@ ')
	[ "$a" != "$b" ]
}
soon moved
[ "$a" != "$b" ] && ok "a reader of logs that stops does not hold the container up" || not_ok "a reader of logs that stops does not hold the container up" "$a $b"
kill $slow 2>/dev/null
ends quiet "endless output"
t0=$(now)
run rl run --rm --network none $img sh -c 'sleep 30 & echo done'
ms=$(($(now) - t0))
[ "$out" = "done" ] && [ $ms -lt 20000 ] && ok "a child that keeps stdout open is not waited for ($ms ms)" || not_ok "a child that keeps stdout open" "$out, $ms ms"
d --name keep $img sleep 60
t0=$(now)
run rl exec keep sh -c 'sleep 30 & echo done'
ms=$(($(now) - t0))
[ "$out" = "done" ] && [ $ms -lt 20000 ] && ok "nor one of an exec ($ms ms)" || not_ok "nor one of an exec" "$out, $ms ms"
ends keep "after that exec"
leakcheck "nothing is left"
finish
