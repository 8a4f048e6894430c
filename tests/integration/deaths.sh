#!/bin/bash
# deaths.sh - F4: any two of a container's processes die by kill -9, in either order; what is left is in order
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
[ -c /dev/net/tun ] || skip_all "no /dev/net/tun"
img=localhost/rl-busybox

# one WHO: the pid of that process of container c
one() {
	case $1 in
	client) pgrep -u "$TEST_USER" -f "^$RL run --name c" ;;
	monitor) echo "$monitor" ;;
	init) rl inspect -f '{{.State.Pid}}' c ;;
	pump) pgrep -P "$monitor" -x rl-pump ;;
	loop) pgrep -P "$monitor" -x rl-net ;;
	holder) leftover_processes holder | awk '{ print $2 }' ;;
	esac
}
all="client monitor init pump loop holder"
for a in $all; do
	for b in $all; do
		[ "$a" != "$b" ] || continue
		: >"$T/c" # not the word of the one before
		rl run --name c $img sh -c 'nc -w 1 10.0.2.2 9 </dev/null; echo up; exec sleep 100' >"$T/c" 2>&1 &
		client=$!
		monitor=0
		soon grep -q up "$T/c" && monitor=$(monitor_of c)
		first=$(one "$a") second=$(one "$b")
		why=''
		if [ "$monitor" -lt 2 ] || [ -z "$first" ] || [ -z "$second" ]; then
			why="$a is '$first', $b is '$second': $(cat "$T/c")"
		else
			# shellcheck disable=SC2086 # the loop is two
			kill -9 $first $second 2>/dev/null
			case "$a $b" in # without one of these it ends
			*client* | *monitor* | *init*) soon is_state c exited || why="ps: $(rl ps -a 2>&1)" ;;
			esac
			run rl ps -a --format '{{.Names}} {{.State}}'
			# shellcheck disable=SC2053 # a pattern
			[[ $out == c\ @(running|exited) ]] && [ -z "$err" ] || why+="ps: $out $err"
		fi
		run rl rm -f -t 0 c
		[ "$status" = 0 ] && [ "$out" = c ] || why+="rm -f: $status $out $err"
		wait $client 2>/dev/null
		run rl run --rm --network none $img true
		[ "$status" = 0 ] && [ -z "$err" ] || why+=" the next run: $status $err"
		if [ -z "$why" ]; then ok "kill -9 of $a and $b"; else not_ok "kill -9 of $a and $b" "$why"; fi
	done
done
leakcheck "nothing is left"
finish
