#!/bin/bash
# dstate.sh - F34: a process of a container that not even SIGKILL ends, until its file system answers
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
[ "$(id -u)" = 0 ] || skip_all "not root: the file system that hangs is the host's"
[ -c /dev/fuse ] && [ -x "$RL_BUILD/tests/tools/hangfs" ] || skip_all "no /dev/fuse"
img=localhost/rl-busybox
own_dir "$T/hang" 755
"$RL_BUILD/tests/tools/hangfs" "$T/hang" >"$T/hangfs" 2>&1 &
fs=$!
at_end+=("kill -9 $fs" "umount -l $T/hang")
for ((i = 0; i < 50; i++)); do
	grep -q ready "$T/hangfs" && break
	read -rt 0.1 <> <(:)
done
grep -q ready "$T/hangfs" || skip_all "no FUSE mount here: $(cat "$T/hangfs")"

for name in stuck gone; do
	rl run -d --name $name --network none -v "$T/hang:/h" "$img" sh -c 'echo up; exec cat /h/file' >/dev/null
done
rl run -d --name other --network none "$img" sleep 100 >/dev/null
# in_kernel NAME: its pid, when it stands in the kernel
in_kernel() {
	local pid i
	pid=$(rl inspect -f '{{.State.Pid}}' "$1")
	for ((i = 0; i < 100; i++)); do
		grep -q '[(]cat[)] [SD]' "/proc/$pid/stat" && break
		read -rt 0.1 <> <(:)
	done
	echo "$pid"
}
pid=$(in_kernel stuck)
gone=$(in_kernel gone)
(SECONDS=0
rl rm -f -t 0 gone >"$T/rm.out" 2>"$T/rm.err"
echo "$? $SECONDS" >"$T/rm.status") &
rm=$!
SECONDS=0
run rl stop -t 1 stuck
[ $SECONDS -le 20 ] && ok "stop: it is over in time ($SECONDS s)" || not_ok "stop: in time" "$SECONDS s"
expect_error "stop: says which process, and in which state" "*stuck*process*$pid*"
[[ "$err" == *"stuck in the kernel (request_wait_answer)"* ]] && ok "stop: and where in the kernel" || not_ok "stop: where" "$err"
wait $rm
read -r status seconds <"$T/rm.status"
out=$(cat "$T/rm.out") err=$(cat "$T/rm.err")
[ "$seconds" -le 20 ] && ok "rm -f: it is over in time ($seconds s)" || not_ok "rm -f: in time" "$seconds s"
expect_error "rm -f: says which process" "*$gone*"
SECONDS=0
run rl ps --format '{{.Names}} {{.State}}'
expect "ps: the others are as ever" 0 '*other running*'
run rl exec other echo fine
expect "exec: in another container" 0 fine
run rl run --rm --network none "$img" echo new
expect "run: a new one" 0 new
run rl stop -t 0 other
expect "stop: another one" 0
[ $SECONDS -le 15 ] && ok "none of them waits for it ($SECONDS s)" || not_ok "none of them waits" "$SECONDS s"
# the doctor: a store that hangs holds up one check
SECONDS=0
run as_user env RL_ROOT="$T/hang/file" timeout -k 5 60 "$RL" doctor --json
[ $SECONDS -le 40 ] && ok "doctor: it is over in time ($SECONDS s)" || not_ok "doctor: in time" "$SECONDS s"
one=$(jq -c '.checks[] | select(.name == "store") | [.status, .effect, .text]' <<<"$out")
[ "$status" = 2 ] && [[ $one == '["missing","broken","no answer within'* ]] && ok "doctor: says which" || not_ok "doctor: says which" "$status $one $err"
check "doctor: and everything else" test "$(jq '.checks | length' <<<"$out")" -gt 30
kill -9 "$fs"
wait "$fs" 2>/dev/null
for ((i = 0; i < 100; i++)); do
	[ -e "/proc/$pid" ] || [ -e "/proc/$gone" ] || break
	read -rt 0.1 <> <(:)
done
[ ! -e "/proc/$pid" ] && ok "it ends once the file system has gone" || not_ok "it ends" "$(cat "/proc/$pid/stat")"
umount -l "$T/hang"
run rl rm -fa -t 0
expect "rm -f: nothing is in the way any more" 0
leakcheck "nothing is left"
finish
