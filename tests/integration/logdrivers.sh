#!/bin/bash
# logdrivers.sh - where output goes: --log-driver, --log-opt, and rl logs for each
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

IMG=localhost/rl-busybox
d() { run rl run -d --network none "$@"; }
ended() { rl wait "$@" >/dev/null; }

run rl run --rm --network none --log-driver local $IMG true
expect "Docker's name for files" 0
run rl run --rm --network none --log-driver syslog $IMG true
expect_error "a driver that is none" "*'syslog' is no log driver*k8s-file*"

# --- files --------------------------------------------------------------------------------------
d --name f --log-driver json-file --log-opt max-size=2k --log-opt max-file=3 $IMG sh -c \
	'for i in $(seq 100); do echo line $i; sleep 0.002; done'
id=$out
ended f
size=$(cat "$ROOT/containers/$id/log/"* | wc -c)
if [ "$size" -lt 5000 ] && [ -f "$ROOT/containers/$id/log/ctr.log.1" ]; then ok 'max-size bounds the log'; else not_ok 'max-size bounds the log' "$size"; fi
run rl inspect -f '{{.HostConfig.LogConfig.Size}}' f
expect 'max-size counts in thousands, as its units say' 0 2kB
run rl logs --tail 1 f
expect 'json-file is the usual file' 0 'line 100'
run rl logs --tail 2 --since 1h f
expect 'the last lines of a time are looked at last' 0 $'line 99\nline 100'
run rl logs --tail 30 f
expect 'the last lines are in two files' 0 $'line 71\n*line 100'
d --name open $IMG sh -c 'i=0; while [ $i -lt 3000 ]; do echo "line $i with some text behind it"; i=$((i + 1)); done; printf open'
ended open
out=$(for n in 0 1 2 2999; do rl logs --tail $n open | head -n 1 && echo '|'; done | tr -d '\n')
[ "$out" = '|open|line 2999 with some text behind it|line 2 with some text behind it|' ] && ok '--tail of many; a line without an end is one' ||
	not_ok '--tail of many; a line without an end is one' "$out"
waits='until [ -e /go ]; do sleep 0.1; done'
d --name m1 $IMG sh -c "printf aaa; $waits; echo bbb"
d --name m2 $IMG sh -c "$waits; echo ccc"
as_user_exec "$RL" logs -f --names m1 m2 >"$T/mixed" 2>&1 &
follower=$!
soon grep -q aaa "$T/mixed"
rl exec m2 touch /go
soon grep -q ccc "$T/mixed"
rl exec m1 touch /go
wait $follower
[ "$(cat "$T/mixed")" = $'m1 aaa\nm2 ccc\nm1 bbb' ] && ok 'of several: a line begins with its name' ||
	not_ok 'of several: a line begins with its name' "$(cat "$T/mixed")"
d --name p --log-driver k8s-file --log-opt path=own.log --log-opt max-size=2k $IMG sh -c \
	'for i in $(seq 100); do echo line $i; sleep 0.002; done'
ended p
if [ "$(stat -c %s "$T/work/own.log")" -lt 3000 ] && grep -q ' stdout F line 100$' "$T/work/own.log"; then ok 'path: a file of the user, bounded'; else not_ok 'path: a file of the user, bounded' "$(tail -n 3 "$T/work/own.log")"; fi
run rl logs -n 1 p
expect 'logs of it; -n N as in Docker' 0 'line 100'
run rl logs -n
expect_error '-n takes a word' "*needs an argument*"
run rl logs --tail 1 -n p
expect '-n as in Podman: --names' 0 'p line 100'

# --- following several --------------------------------------------------------------------------
for n in a b; do d --name $n $IMG sh -c "for i in 1 2 3; do echo $n \$i; sleep 0.3; done"; done
run rl logs -f --names a b
expect 'several are followed together' 0 '*[ab] [ab] 1
[ab] [ab] 1
[ab] [ab] 2
[ab] [ab] 2
[ab] [ab] 3
[ab] [ab] 3'
run rl logs -l
expect 'logs --latest' 0 $'b 1\nb 2\nb 3'
run rl logs --color --tail 1 a
expect 'logs --color' 0 $'\e[36ma 3\e[0m'
run rl logs --until 2020-01-02T03:04:05,5+00:00 --follow a
expect '-f with an --until that is past ends' 0 ''
run rl logs --until 1h --follow a
expect '-f: a duration counts forward' 0 $'a 1\na 2\na 3'
d --name on $IMG sh -c 'echo first; trap "exit 0" TERM; while :; do sleep 0.1; done'
soon logged on first
run rl logs --until 1s --follow nobody on
expect '-f ends with --until' 125 '+([0-9a-f]) first'
rl rm -f on >/dev/null
run rl logs a nobody
expect 'one of two is unknown; each line after the id' 125 '+([0-9a-f]) a 1
+([0-9a-f]) a 2
+([0-9a-f]) a 3' "*'nobody'*"

# --- none ---------------------------------------------------------------------------------------
d --name n --log-driver none $IMG echo hidden
ended n
run rl logs n
expect_error 'none: logs say why' "*'n' is none, which keeps nothing*"

# --- passthrough --------------------------------------------------------------------------------
run sh -c 'exit 0'
echo in | rl run --rm --log-driver passthrough --network none $IMG sh -c 'cat; echo out; echo err >&2; exit 4' >"$T/o" 2>"$T/e"
status=${PIPESTATUS[1]} out=$(cat "$T/o") err=$(cat "$T/e")
expect 'passthrough in the foreground' 4 $'in\nout' err
rl run -d --name pt --log-driver passthrough --network none $IMG sh -c 'sleep 0.3; echo later' >"$T/o" 2>&1 </dev/null
ended pt
check 'passthrough in the background' grep -q '^later$' "$T/o"
run rl logs pt
expect_error 'passthrough: logs say why' "*passthrough, which keeps nothing*"
if [ "$(pgrep -c -f "rl-pump.*$T" || true)" -gt 1 ]; then not_ok 'no pump'; else ok 'no pump'; fi
run rl run -t --log-driver passthrough $IMG true
expect_error 'passthrough with a terminal' "*exclude each other*"
run as_user script -qec "$RL run --rm --log-driver passthrough --network none $IMG true" /dev/null
expect "passthrough from one's terminal" 125 '*is your terminal*'

# --- journald (what it stores is tested in a virtual machine: tests/vm) -------------------------
if [ ! -S /run/systemd/journal/socket ]; then
	run rl run --rm --log-driver journald $IMG true
	expect_error 'journald without a journal' '*journald*k8s-file*'
fi

# --- wrong uses ---------------------------------------------------------------------------------
run rl run --log-driver syslog $IMG true
expect_error 'an unknown driver' "*'syslog' is no log driver*"
run rl run --log-opt what=1 $IMG true
expect_error 'an unknown option' "*'what=1'*"
run rl run --log-opt max-size=big $IMG true
expect_error 'no size' "*max-size*'big'*"
run rl run --log-opt path=/no/such/folder/log $IMG true
expect_error 'a path that cannot be made' "*'/no/such/folder/log'*"
run rl run --log-driver none --log-opt path=x $IMG true
expect_error 'an option of another driver' "*'path=x'*none*"
# shellcheck disable=SC1083 # a template
run rl run --log-opt tag={{.What}} $IMG true
expect_error 'a tag of unknown fields' '*tag*What*'
run rl logs --tail x f
expect_error 'no number' "*'x'*--tail*"
run rl logs
expect_error 'no name' '*logs needs*'
rl rm -af -t 0 >/dev/null
leakcheck 'nothing is left'
finish
