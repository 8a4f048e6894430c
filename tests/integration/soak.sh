#!/bin/bash
# soak.sh - F50: containers come and go beside some that stay, with deaths in between; nothing grows, nothing is left
#
# Workers create, run, exec, follow logs, stop, kill and remove containers of their own for SOAK_SECONDS (15;
# LONG=1: ten minutes); one time in six something of theirs dies by kill -9. Beside them one container stays,
# is asked by exec and uses its network. Its monitor, pump, packet loop and the session's holder must have the
# same descriptors and no more memory at the end than after the first rounds. SOAK_SEED repeats the choices.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
img=localhost/rl-busybox
seconds=${SOAK_SECONDS:-$([ -n "${LONG-}" ] && echo 600 || echo 15)}
seed=${SOAK_SEED:-$RANDOM}
echo "# SOAK_SEED=$seed SOAK_SECONDS=$seconds"
net=(--network none)
[ ! -c /dev/net/tun ] || net=()

run rl run -d --name stays "${net[@]}" -v kept:/data $img sh -c 'i=0; while :; do i=$((i + 1)); echo "tick $i"; sleep 0.2; done'
[ $status = 0 ] || { not_ok "a container that stays" "$err" && finish; }
as_user_exec "$RL" logs -f stays >"$T/follow" 2>&1 &
follower=$!
MY_PIDS="$MY_PIDS $follower"
at_end+=("kill $follower")

# what lives long: "PID FDS KIB WHAT" a line; memory is what it has for itself
long_lived() {
	local monitor p
	monitor=$(monitor_of stays)
	for p in $monitor $(pgrep -P "${monitor:-0}") $(leftover_processes holder | awk '{ print $2 }'); do
		[ "$(find "/proc/$p/exe" -printf '%l')" != "${RL%/bin/rl}/bin/none" ] || continue
		echo "$p $(find "/proc/$p/fd" -mindepth 1 | wc -l) $(awk '/^Private_Dirty:/ { n += $2 } END { print n + 0 }' "/proc/$p/smaps_rollup" 2>/dev/null) $(cat "/proc/$p/comm")"
	done | grep ' rl'
}
names() { find "$ROOT"/{names,images,layers,blobs,volumes,networks,containers,container-names} -mindepth 1 -maxdepth 1 ! -name '.*' -printf '%P\n' 2>/dev/null | sort; }

# worker NUMBER END: what is said that should not be goes to stdout
expected="no such container|no such object|just been removed|is running|not running|runs already|another command|has just|No such process|is already in use by|monitor .*(ended|has gone|died)|supervisor|does not answer|killing it"
worker() {
	local w=$1 end=$2 n=0 name verb st monitor
	RANDOM=$((seed + w))
	while [ $SECONDS -lt "$end" ]; do
		n=$((n + 1)) name=w$w
		verb=$((RANDOM % 9))
		case $verb in
		0) set -- run -d --name "$name" --network none $img sh -c 'echo up; exec sleep 5' ;;
		1) set -- run --rm --network none -v "/anon" $img true ;;
		2) set -- create --name "$name" --network none $img sleep 5 ;;
		3) set -- start "$name" ;;
		4) set -- exec "$name" true ;;
		5) set -- stop -t 0 "$name" ;;
		6) set -- logs "$name" ;;
		7) set -- ps -a ;;
		*) set -- rm -f -t 0 "$name" ;;
		esac
		if [ $((RANDOM % 6)) = 0 ]; then # the client, or the monitor of its container
			as_user timeout -s KILL 0.0$((RANDOM % 9 + 1)) "$RL" "$@" >/dev/null 2>&1
			monitor=$(monitor_of "$name" 2>/dev/null) # 0: it does not run
			[ $((RANDOM % 2)) = 0 ] || [ "${monitor:-0}" -lt 2 ] || kill -9 "$monitor" 2>/dev/null
			continue
		fi
		rl "$@" >/dev/null 2>"$T/said.$w" </dev/null
		st=$?
		[ $st -lt 124 ] || [ $st = 125 ] || [ $st = 137 ] || [ $st = 255 ] || echo "status $st: $* $(cat "$T/said.$w")"
		grep -vE '^(Hint|See|$)' "$T/said.$w" | grep -vE "$expected" | sed "s/^/$1: /"
	done
	echo "$n" >"$T/rounds.$w"
}
# soak SECONDS: some workers for that long, and a client of the one that stays
soak() {
	local end=$((SECONDS + $1)) w pids=()
	for w in 1 2 3; do
		worker $w $end >>"$T/bad.$w" 2>/dev/null &
		pids+=($!)
	done
	while [ $SECONDS -lt $end ]; do
		rl exec stays sh -c 'nc -w 1 10.0.2.2 9 </dev/null; echo in' >/dev/null 2>"$T/said" || cat "$T/said" >>"$T/bad.exec"
		rl ps >/dev/null 2>>"$T/bad.ps"
	done
	wait "${pids[@]}"
	rl rm -af -t 0 --filter name='^w[0-9]$' >/dev/null 2>"$T/said" || cat "$T/said" >>"$T/bad.rm"
}

soak $((seconds / 4 + 1)) # the first rounds: caches, lazily made tables
quiet() { [ "$(leftover_processes | grep -vc -e ' rl-net' -e rl-monitor -e rl-pump -e ' rl ' -e sleep -e ' sh ')" = 0 ]; }
soon quiet
before=$(long_lived)
names_before=$(names)
soak $((seconds * 3 / 4))
soon quiet
grown() { # PIDs whose descriptors or memory grew
	join -j 1 <(sort <<<"$before") <(long_lived | sort) | awk '$5 > $2 || $6 > $3 + 128 { print $4 ": " $2 " to " $5 " descriptors, " $3 " to " $6 " KiB" }'
}
same() { [ -z "$(grown)" ]; }
soon same
[ "$(wc -l <<<"$before")" -ge 3 ] || not_ok "what lives long is there" "$before"
check "the same processes live on" test "$(awk '{ print $1 }' <<<"$before" | sort | xargs)" = "$(long_lived | awk '{ print $1 }' | sort | xargs)"
grown=$(grown)
if [ -z "$grown" ]; then ok "neither descriptors nor memory of what lives long grew"; else not_ok "what lives long grew" "$grown"; fi
echo "# $(cat "$T"/rounds.* | xargs) commands of the last round; $(long_lived | awk '{ print $4 " " $2 " fds " $3 " KiB;" }' | xargs)"
bad=$(cat "$T"/bad.* 2>/dev/null | sed 's/[0-9a-f]\{12,\}/ID/g' | sort | uniq -c | sort -rn)
if [ -z "$bad" ]; then ok "only the expected errors were said"; else not_ok "only the expected errors were said" "$bad"; fi
names_after=$(names)
if [ "$names_before" = "$names_after" ]; then ok "the store has what it had"; else not_ok "the store has what it had" "$(diff <(echo "$names_before") <(echo "$names_after"))"; fi
check "who follows the logs has seen the last of them" soon grep -qF "$(rl logs --tail 1 stays)" "$T/follow"
run rl exec stays echo in
expect "the one that stays can be entered" 0 in ''
run rl rm -f -t 0 stays
expect "and removed" 0 stays
run rl volume rm kept
run rl fsck
expect "the store is whole" 0
leakcheck "nothing is left"
finish
