#!/bin/bash
# mix.sh - F25: load, pull by digest, rmi, run, commit and prune at the same time, for MIX_SECONDS (6)
#
# Each may lose a race, and then says so in words; nothing that is in use goes, and the store is whole in the end.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
archive=$(image alpine) || skip_all "no test image"
cp "$archive" "$T/alpine.tar"
img=docker.io/library/alpine
seconds=${MIX_SECONDS:-6}
rl load -q -i "$T/alpine.tar" >/dev/null 2>&1 || skip_all "the test image cannot be loaded"

# loop NAME ARGS...: the command again and again; what it says when it fails is kept
loop() {
	local what=$1 n=0 good=0 text st
	shift
	while [ $SECONDS -lt "$seconds" ]; do
		text=$(rl "$@" 2>&1 >/dev/null </dev/null)
		st=$?
		n=$((n + 1))
		[ $st != 0 ] || good=$((good + 1))
		[ $st = 0 ] || printf '%s\t%s\t%s\n' "$what" "$st" "$(printf '%s' "$text" | tr '\n' ' ')" >>"$T/said.$what"
	done
	echo "$n $good" >"$T/count.$what"
}
rl run -d --name holder --network none localhost/rl-busybox sleep 100 >/dev/null
SECONDS=0
loop load load -q -i "$T/alpine.tar" &
loop load2 load -q -i "$T/alpine.tar" &
loop run run --rm --pull never --network none "$img" true &
loop run2 run --rm --pull never --network none -v /data "$img" sh -c 'echo x >/data/x; cat /etc/passwd' &
loop rmi rmi "$img" &
loop rmi-f rmi -f "$img" &
loop prune system prune -f &
loop commit commit -q holder "made:$RANDOM" &
loop images images &
wait
for f in "$T"/count.*; do echo "# ${f##*.}: $(cat "$f") (runs, successes)"; done
# bad PATTERN: lines of failures that are not one of the ways to lose
bad=$(cat "$T"/said.* 2>/dev/null | awk -F'\t' '$2 != 1 && $2 != 2 && $2 != 125' | head -n 5)
[ -z "$bad" ] && ok "each fails by the statuses of rl alone" || not_ok "each fails by the statuses of rl alone" "$bad"
bad=$(cat "$T"/said.* 2>/dev/null | grep -v 'Error: ' | head -n 5)
[ -z "$bad" ] && ok "and with words" || not_ok "and with words" "$bad"
bad=$(cat "$T"/said.load* 2>/dev/null | head -n 5)
[ -z "$bad" ] && ok "no load fails" || not_ok "no load fails" "$bad"
bad=$(cat "$T"/said.run* "$T"/said.prune "$T"/said.images 2>/dev/null | grep -Eiv "no such image|image '|not known|not found|is not in|in use|removed|no image" | head -n 5)
[ -z "$bad" ] && ok "a run that loses says that there is no such image" || not_ok "a run that loses says that there is no such image" "$bad"
rl rm -fa -t 0 >/dev/null 2>&1
run rl fsck
expect "the store is whole" 0
run rl load -q -i "$T/alpine.tar"
expect "the image comes back" 0
run rl run --rm --pull never --network none "$img" echo fine
expect "and runs" 0 fine
leakcheck "nothing is left"
finish
