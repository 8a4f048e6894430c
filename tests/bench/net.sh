#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# net.sh - outbound throughput of a private network beside slirp4netns and pasta, in one run
#
#   tests/bench/net.sh [ROUNDS]       run in the build folder, as root
#
# The iperf3 server sits in a network namespace of its own behind a veth. Each round runs every
# tool once in each direction, 2 s each, all with the same MTU and the same libslirp; printed are medians,
# the ratio to slirp4netns, and the helper's own processor time for a gigabyte, which says more than
# the throughput where other work is going on.
# RL_PEERS is a root file system that holds current peers, RL_PEERS_RUN the script that runs a command in
# there as an ordinary user ("run ROOT -b DIR -- COMMAND"); without them the machine's own peers are
# used, as far as they are there.
set -euo pipefail
rounds=${1:-7}
[ "$(id -u)" = 0 ] || { echo "needs root to make network namespaces" >&2; exit 77; }
if [ "${RL_BENCH_NET-}" != inside ]; then
	RL_BENCH_NET=inside exec unshare -n "$0" "$@"
fi
user=${RL_TEST_USER:-rltest} gateway=192.0.2.2 server=192.0.2.7 # pasta takes the gateway for the host
dir=$(mktemp -d /tmp/rl-bench.XXXXXX)
chmod 755 "$dir"
cp net-box rl-net "$dir"
pids=()
trap 'kill "${pids[@]}" 2>/dev/null || true; rm -rf "$dir"' EXIT

ip link set lo up
unshare -n sleep 600 &
pids+=($!)
until [ "$(readlink /proc/"${pids[0]}"/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do :; done
ip link add eth0 type veth peer name eth0 netns "${pids[0]}"
ip addr add 192.0.2.1/24 dev eth0
ip link set eth0 up
nsenter -t "${pids[0]}" -n sh -c "ip link set lo up; ip link set eth0 up; ip addr add $gateway/24 dev eth0; ip addr add $server/24 dev eth0"
ip route add default via $gateway
nsenter -t "${pids[0]}" -n iperf3 -s >/dev/null 2>&1 &
pids+=($!)

# What runs in the container: iperf3 with a bounded time; Gbit/s and the helper's CPU seconds a GB
cat >"$dir/client" <<'END'
#!/bin/sh
# client TOOL up|down
case $1 in
rl) helper=rl-net ;;
pasta) helper=pasta.avx2 ;;
*) helper=$1 ;;
esac
[ "$2" = down ] && r=-R
timeout 10 iperf3 -c 192.0.2.7 -t 2 -J ${r-} |
	sed -n '/"sum_received"/,/}/{s/.*"bytes":[^0-9]*\([0-9]*\).*/\1/p;s/.*"bits_per_second":[^0-9]*\([0-9.e+]*\).*/\1/p}' |
	{
		read -r bytes
		read -r rate
		cpu=0
		for p in $(pgrep -x "$helper"); do
			read -r ns _ <"/proc/$p/schedstat" && cpu=$((cpu + ns))
		done
		awk "BEGIN { printf \"%.3f %.3f\\n\", $rate / 1e9, $cpu / $bytes }"
	}
END
# with TOOL COMMAND...: the command in a network of that tool
cat >"$dir/with" <<'END'
#!/bin/bash
tool=$1
shift
case $tool in
rl) exec "${0%/*}/net-box" "$@" ;;
direct) exec "$@" ;;
pasta) exec pasta --config-net -q -- "$@" ;;
slirp4netns)
	unshare -rn sleep 20 & # its network namespace is what slirp4netns gets
	ns=$!
	until [ "$(readlink /proc/$ns/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do :; done
	mkfifo "/tmp/ready.$$"
	exec 5<>"/tmp/ready.$$"
	rm "/tmp/ready.$$"
	slirp4netns --configure --mtu=65520 --disable-host-loopback --ready-fd=5 "$ns" tap0 >/dev/null 2>&1 &
	sn=$!
	read -r -n1 -t5 <&5
	nsenter -t "$ns" -U -n --preserve-credentials "$@"
	kill "$sn" "$ns"
	;;
esac
END
chmod 755 "$dir"/{client,with}

peer() { # run as an ordinary user, where the peers are
	if [ -n "${RL_PEERS-}" ]; then
		bash "${RL_PEERS_RUN:?names the script}" run "$RL_PEERS" -b "$dir" -- "$@"
	else
		setpriv --reuid "$user" --regid "$user" --init-groups "$@"
	fi
}
# median FILE COLUMN
median() { awk -v c="$2" '{ print $c }' "$1" | sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

tools=(direct rl)
for t in slirp4netns pasta; do
	peer sh -c "command -v $t" >/dev/null 2>&1 && tools+=("$t")
done
for ((i = 0; i < rounds; i++)); do
	for t in "${tools[@]}"; do
		for way in up down; do
			peer "$dir/with" "$t" "$dir/client" "$t" "$way" >>"$dir/$t.$way"
		done
	done
done
printf '%-12s %8s %8s  %-14s %s\n' "Gbit/s" up down "to slirp4netns" "CPU s/GB up, down"
for t in "${tools[@]}"; do
	up=$(median "$dir/$t.up" 1) down=$(median "$dir/$t.down" 1) ratio=-
	if [ -s "$dir/slirp4netns.up" ]; then
		ratio=$(awk "BEGIN { printf \"%.2f %.2f\", $up / $(median "$dir/slirp4netns.up" 1), $down / $(median "$dir/slirp4netns.down" 1) }")
	fi
	printf '%-12s %8s %8s  %-14s %s %s\n' "$t" "$up" "$down" "$ratio" "$(median "$dir/$t.up" 2)" "$(median "$dir/$t.down" 2)"
done
