#!/bin/bash
# attach.sh - `rl attach`, detach keys and --sig-proxy of run, start, attach and exec, on real terminals
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

archive=$(image alpine) || skip_all "no test image"
command -v python3 >/dev/null || skip_all "needs python3"
cp "$archive" "$T/alpine.tar"
run rl load -q -i "$T/alpine.tar"
[ $status = 0 ] || { not_ok "load the test image" "$err" && finish; }
img=docker.io/library/alpine
net=(--network none)
# tty SCRIPT ARGS...: rl ARGS on a terminal of 24x80; SCRIPT is for terminal.py
tty() {
	local script=$1
	shift
	printf '%s\n' "$script" >"$T/script"
	run as_user timeout -k 5 40 python3 "$SRC/tests/integration/terminal.py" -k 24x80 "$RL" "$@" <"$T/script"
	out=${out//$'\r'/}
}
state() { rl ps -a --filter "name=^$1\$" --format '{{.State}}'; }
goes_on() { # NAME CONTAINER: still running after a moment
	sleep 0.2
	[ "$(state "$2")" = running ] && ok "$1" || not_ok "$1" "$(state "$2")"
}
has_ended() { [ "$(state "$1")" != running ]; }
until_ended() {
	soon has_ended "$1"
}

# --- detach and attach ---------------------------------------------------------------------------
keys='\x10\x11'
tty "expect #
raw?
send FOO=bar\n
sleep 0.2
send $keys" run -it --name t "${net[@]}" $img sh
expect "run -it, left by the keys" 0 "*settings restored*status 0"
goes_on "it goes on" t
tty 'expect #
send echo =$FOO=$(stty size)\n
expect =bar=24 80
resize 30x90
send until [ "$(stty size)" = "30 90" ]; do sleep 0.1; done; echo =$(stty size)=\n
expect =30 90=
send \x10\x11' attach t
expect "attach: the same shell, sizes, left again" 0 "*settings restored*status 0"
tty 'send echo =u""p=; cat -v\n
expect =up=
send x\x10\x10y\n
expect x^P^Py
send \x04
sleep 0.2
send exit 4\n' attach t
expect "a part of the keys is passed on; the container's exit code" 0 "*settings restored*status 4"
tty 'expect #
send a\x10\x11
sleep 0.2
send bq
sleep 0.2' run -it --rm --name k --detach-keys b,q "${net[@]}" $img sh
expect "other keys" 0 "*settings restored*status 0"
goes_on "it goes on" k
tty 'expect #
send \x10\x11\nexit 6\n' attach --detach-keys '' k
expect "no keys" 0 "*status 6"
until_ended k
for n in 'ctrl-1' 'ctrl-P' 'ctrl-' 'ab' 'a,,b' 'a,' ',' 'ctrl-p,ctrl-q '; do
	run rl attach --detach-keys "$n" t
	expect_error "--detach-keys '$n'" "*detach key*"
done
run rl run --rm --detach-keys nosuch $img true
expect_error "of run, wrong" "*'nosuch'*"
run rl exec --detach-keys nosuch t true
expect_error "of exec, wrong" "*'nosuch'*"
tty "expect #
send $keys" start -ai t
expect "start -ai, left by the keys" 0 "*settings restored*status 0"
goes_on "it goes on" t
tty "expect #
send sleep 55 &\n
sleep 0.2
send $keys" exec -it t sh
expect "exec -it, left by the keys" 0 "*settings restored*status 0"
soon says '*sleep 55*' rl exec t ps
run rl exec t ps
expect "what it ran goes on" 0 "*sleep 55*"
tty 'expect #
send echo $$ >/tmp/pid; echo =u""p=\n
expect =up=
hangup' exec -it t sh
run rl exec t sh -c 'for i in $(seq 100); do kill -0 $(cat /tmp/pid) 2>/dev/null || exit 1; sleep 0.1; done; echo there'
expect "exec: a terminal that hangs up hangs up inside" 1 ""
tty 'expect #
send tty\n
expect /dev/pts/
send exit 9\n' exec -it t sh
expect "exec -it: exit code" 0 "*settings restored*status 9"
for s in TERM HUP INT QUIT; do
	tty "expect #
raw?
signal $s" exec -it t sh
	expect "exec -it, SIG$s: the terminal is restored" 0 "*settings restored*status 1??"
done
run rl exec -it t cat </dev/null
expect "exec -it without a terminal: goes on, and cat meets the end" 0 '' '*not a TTY*'
run rl run --rm --network none -it $img sh -c 'read -r l; echo "<$l>"; cat; exit 3' < <(printf 'one\ntwo')
expect "run -it with a pipe" 3 '*<one>*two*' '*not a TTY*'
run rl exec -t t tty
expect "exec -t alone" 0 "/dev/pts/*"

# --- several at once -----------------------------------------------------------------------------
rl run -di --name cat "${net[@]}" $img sh -c 'trap "echo usr1" USR1; while :; do read -r l && echo "got $l"; done' >/dev/null
mkfifo "$T/in1" "$T/in2"
pump=$(pgrep -P "$(monitor_of cat)" -x rl-pump)
fds() { find "/proc/$pump/fd" -mindepth 1 | wc -l; }
before=$(fds)
clients() { [ "$(fds)" -ge $((before + $1)) ]; }
rl attach cat <"$T/in1" >"$T/out1" 2>&1 & one=$!
rl attach cat <"$T/in2" >"$T/out2" 2>&1 & two=$!
rl attach --no-stdin cat >"$T/out3" 2>&1 & three=$!
exec 5>"$T/in1" 6>"$T/in2"
soon clients 3
echo a >&5
soon grep -q a "$T/out3"
echo b >&6
for i in 1 2 3; do soon grep -q b "$T/out$i"; done
[ "$(cat "$T/out1")" = $'got a\ngot b' ] && cmp -s "$T/out1" "$T/out2" && cmp -s "$T/out1" "$T/out3" && ok "three clients" ||
	not_ok "three clients" "$(head "$T"/out?)"
kill -KILL $one
exec 5>&-
echo c >&6
soon grep -q c "$T/out2"
[ "$(tail -n 1 "$T/out2")" = "got c" ] && ok "one dies, the others go on" || not_ok "one dies, the others go on" "$(head "$T"/out?)"
exec 6>&-
goes_on "the end of a client's input is not the container's" cat
signal_client USR1 attach --no-stdin cat
soon grep -q usr1 "$T/out3"
[ "$(tail -n 1 "$T/out3")" = usr1 ] && ok "signals are forwarded" || not_ok "signals are forwarded" "$(cat "$T/out3")"
run rl kill cat
wait $two
a=$?
wait $three
b=$?
[ $a = 137 ] && [ $b = 137 ] && ok "each ends with the container's code" || not_ok "each ends with the container's code" "$a $b"
run rl attach cat
expect_error "attach to an ended one" "*not running*"
run rl attach nobody
expect_error "attach to nobody" "*nobody*"
run rl attach
expect_error "attach to nothing" "*attach*"
run rl attach t cat
expect_error "attach to two" "*one container*"
run rl container attach --no-such t
expect_error "an unknown flag" "*--no-such*"

# --- --sig-proxy ---------------------------------------------------------------------------------
(rl attach --sig-proxy=false t >/dev/null 2>&1 </dev/null; echo $? >"$T/code") &
signal_client TERM attach --sig-proxy=false t
wait $!
[ "$(cat "$T/code")" = 143 ] && ok "attach --sig-proxy=false ends by the signal" || not_ok "attach --sig-proxy=false ends by the signal" "$(cat "$T/code")"
goes_on "the container goes on" t
(rl run --sig-proxy=false --name np "${net[@]}" $img sh -c 'trap "exit 3" INT; echo trapped; sleep 30 & wait' 2>&1; echo $? >"$T/code") &
soon logged np trapped
signal_client INT run --sig-proxy=false --name np
wait $!
[ "$(cat "$T/code")" = 130 ] && ok "run --sig-proxy=false ends by the signal" || not_ok "run --sig-proxy=false ends by the signal" "$(cat "$T/code")"
goes_on "the container goes on" np
run rl stop -t 0 np
(rl start -a np 2>&1; echo $? >"$T/code") &
soon logged np trapped 2
signal_client INT start -a np
wait $!
[ "$(cat "$T/code")" = 3 ] && ok "start -a forwards signals" || not_ok "start -a forwards signals" "$(cat "$T/code")"
(rl start -a --sig-proxy=false np 2>&1; echo $? >"$T/code") &
soon logged np trapped 3
signal_client INT start -a --sig-proxy=false np
wait $!
[ "$(cat "$T/code")" = 130 ] && ok "start -a --sig-proxy=false" || not_ok "start -a --sig-proxy=false" "$(cat "$T/code")"
goes_on "the container goes on" np
run rl start --sig-proxy np
expect_error "start --sig-proxy without -a" "*--attach*"
(rl run --rm --name dies "${net[@]}" $img sleep 30 2>&1) &
soon is_state dies running
signal_client KILL run --rm --name dies
until_ended dies
[ -z "$(state dies)" ] && ok "a client that is killed still ends what it started" || not_ok "a client that is killed still ends what it started" "$(state dies)"
run rl rm -af -t 0
leakcheck "nothing is left"
finish
