#!/bin/bash
# why.sh - `rl why`: each way to end is told apart, with what would help
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
img=localhost/rl-busybox
q() { rl run --network none "$@" >/dev/null 2>&1; }
why() { # NAME WORDS: in the report of container NAME
	run rl why "$1"
	expect "$1: $2" 0 "*$2*"
}
q --name ends "$img" sh -c 'echo last words; exit 3'
why ends "ended by itself with exit code 3"
why ends "log     last words"
q --name fine "$img" true
why fine "without error"
q --name shell "$img" sh -c 'nosuchcommand'
why shell "a command in it was not found"
q --name crash --init "$img" sh -c 'kill -SEGV $$'
why crash "signal 11 (SIGSEGV): it touched memory"
q --name filter --init "$img" sh -c 'kill -SYS $$'
why filter "seccomp"
q --name late --timeout 1 "$img" sleep 60
why late "its --timeout was over"
q -d --name stopped "$img" sleep 60
rl stop -t 0 stopped >/dev/null 2>&1
why stopped "somebody stopped or killed it with rl"
q -d --name killed "$img" sleep 60
run rl inspect -f '{{.State.Pid}}' killed
kill -9 "$out"
rl wait killed >/dev/null
why killed "signal 9 (SIGKILL), not sent by rl"
q -d --name lost "$img" sleep 60
kill -9 "$(monitor_of lost)"
why lost "its monitor was killed"
q -d --name runs "$img" sleep 60
why runs "it has not ended"
rl create --name never --network none "$img" /nosuch >/dev/null
rl start never >/dev/null 2>&1
why never "could not be started: exec '/nosuch'"
# texts are cut within a character, and are in lines of their own
for name in cut cut2; do
	rl create --name $name --network none "$img" "${name#cut}$(printf "ü%.0s" {1..250})" >/dev/null
	rl start $name >/dev/null 2>&1
	why $name "$name: Created*could not be started: exec"
done
for name in again again2; do # the record of an end has such a text, too
	src=$T/work/${name#again}$(printf "ü%.0s" {1..110})
	own_dir "$src" 755
	own_dir "$src/$(printf "ü%.0s" {1..100})" 755
	q -d --name $name --restart on-failure:2 -v "$src/$(printf "ü%.0s" {1..100}):/d" "$img" sleep 60
	rm -rf "$src"
	run rl inspect -f '{{.State.Pid}}' $name
	kill -9 "$out"
	for ((i = 0; i < 200; i++)); do # until the last try
		run rl inspect -f '{{.State.Status}} {{.State.ExitCode}}' $name
		[ "$out" = "exited 125" ] && break
		sleep 0.1
	done
	why $name "could not be started again: mount '/d'"
done
q -d --name sick --health-cmd 'echo feeling bad; echo do this; false' --health-interval 1s --health-retries 1 \
	--health-on-failure kill "$img" sleep 60
rl wait sick >/dev/null
why sick "it was unhealthy"
why sick "check   feeling bad"$'\n'"        do this"
q --name hungry --memory 32m --memory-swap 32m "$img" dd if=/dev/zero of=/dev/null bs=300M count=1
why hungry "out of memory: limit 32.0 MiB"
why hungry "most of it had dd ("
why hungry "do      rl update --memory 64m hungry"
run rl why --json hungry ends
expect "--json" 0 '\[*\]'
out=$(jq -c '.[] | [.Name, .Cause, .ExitCode, .SignalName, .OOMKilled, .MemoryLimit]' <<<"$out" 2>&1)
want='["hungry","oom",137,"SIGKILL",true,33554432] ["ends","exited",3,"",false,0]'
if [ "$(tr '\n' ' ' <<<"$out")" = "$want " ]; then ok "--json: fields"; else not_ok "--json: fields" "$out"; fi
run rl why nobody
expect_error "an unknown container" "*nobody*"
run rl why
expect_error "none" "*"
rl rm -fa -t 0 >/dev/null 2>&1
leakcheck "nothing is left"
finish
