#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# network.sh - traffic between two containers of a named network beside veth and bridge made by hand
#
#   tests/bench/network.sh [ROUNDS]       run in the build folder, as root
#
# iperf3 runs in the network namespaces of two containers, and in two that this script makes, both with a
# bridge between them; the latter with the kernel's own MTU (1500) and with that of a named network.
# 1 and 8 streams, 2 s each, medians; then the time of a start and what a network costs in memory.
set -euo pipefail
rounds=${1:-3}
[ "$(id -u)" = 0 ] || { echo "needs root to make network namespaces" >&2; exit 77; }
user=${RL_TEST_USER:-rltest} build=$PWD
src=$(cd "$(dirname "$0")/../.." && pwd)
dir=$(mktemp -d /tmp/rl-bench.XXXXXX)
mkdir "$dir/home" "$dir/run"
chmod 700 "$dir/run"
chown "$user" "$dir" "$dir/home" "$dir/run"
pids=()
rl() {
	setpriv --reuid "$user" --regid "$user" --init-groups env -i HOME="$dir/home" PATH="$PATH" \
		XDG_RUNTIME_DIR="$dir/run" RL_ROOT="$dir/home/rl" "$build/rl" "$@"
}
# shellcheck disable=SC2317 # by the trap
cleanup() {
	rl network rm -f -t 0 bench >/dev/null 2>&1 || true
	kill "${pids[@]}" 2>/dev/null || true
	for link in rlbenchv1 rlbenchv2 rlbench0; do ip link del $link 2>/dev/null || true; done
	rm -rf "$dir"
}
trap cleanup EXIT

archive=$("$src/tests/integration/mkimages" alpine "${RL_TEST_IMAGES:-/var/tmp/rl-images}")
cp "$archive" "$dir/alpine.tar"
chmod 644 "$dir/alpine.tar"
rl load -q -i "$dir/alpine.tar" >/dev/null
rl network create bench >/dev/null
rl run -d --name a --network bench alpine sleep 600 >/dev/null
rl run -d --name b --network bench alpine sleep 600 >/dev/null

by_hand() { # MTU: two namespaces, their pids in hand
	ip link add rlbench0 type bridge
	ip link set rlbench0 mtu "$1" up
	hand=()
	for n in 1 2; do
		unshare -n sleep 600 &
		pids+=($!) hand+=($!)
		until [ "$(readlink /proc/$!/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do :; done
		ip link add rlbenchv$n mtu "$1" master rlbench0 type veth peer name eth0 mtu "$1" netns $!
		ip link set rlbenchv$n up
		nsenter -t $! -n sh -c "ip link set lo up; ip link set eth0 up; ip addr add 10.254.254.$n/24 dev eth0"
	done
}
# gbits SERVER-PID CLIENT-PID ADDRESS STREAMS
gbits() {
	nsenter -t "$1" -n iperf3 -s -1 >/dev/null 2>&1 &
	local server=$!
	until nsenter -t "$1" -n ss -Hltn 'sport = :5201' | grep -q .; do :; done
	nsenter -t "$2" -n timeout 10 iperf3 -c "$3" -t 2 -P "$4" -J |
		jq '.end.sum_received.bits_per_second / 1e9'
	wait $server || true
}
median() { sort -n | awk '{ v[NR] = $1 } END { printf "%.1f", v[int((NR + 1) / 2)] }'; }

pid_a=$(rl inspect -f '{{.State.Pid}}' a) pid_b=$(rl inspect -f '{{.State.Pid}}' b)
ip_a=$(rl inspect -f '{{.NetworkSettings.IPAddress}}' a)
for mtu in 1500 65520; do
	by_hand $mtu
	for ((i = 0; i < rounds; i++)); do
		for streams in 1 8; do
			gbits "${hand[0]}" "${hand[1]}" 10.254.254.1 $streams >>"$dir/hand$mtu.$streams"
			gbits "$pid_a" "$pid_b" "$ip_a" $streams >>"$dir/rl.$streams"
		done
	done
	kill "${hand[@]}"
	for link in rlbenchv1 rlbenchv2 rlbench0; do ip link del $link 2>/dev/null || true; done
done
printf '%-24s %8s %8s\n' "Gbit/s" "1 stream" "8"
for t in hand1500 hand65520 rl; do
	printf '%-24s %8s %8s\n' "$t" "$(median <"$dir/$t.1")" "$(median <"$dir/$t.8")"
done

for net in none private bench; do
	for ((i = 0; i < 10 * rounds; i++)); do
		t0=${EPOCHREALTIME/./}
		rl run --rm --network $net alpine true
		echo "$(((${EPOCHREALTIME/./} - t0) / 100))" >>"$dir/start.$net"
	done
	echo "run --rm --network $net: $(median <"$dir/start.$net" | awk '{ printf "%.1f ms", $1 / 10 }')"
done
pss() { awk '/^Pss:/ { print $2 }' "/proc/$1/smaps_rollup"; }
rl run -d --name plain alpine sleep 600 >/dev/null
echo "memory of a monitor: $(pss "$(rl inspect -f '{{.State.ConmonPid}}' plain)") KiB, on a named network: $(pss "$(rl inspect -f '{{.State.ConmonPid}}' b)") KiB"
rl rm -f -t 0 plain >/dev/null
