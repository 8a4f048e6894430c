#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# ports.sh - published TCP ports beside pasta, Podman's rootlessport and plain loopback, in one run
#
#   tests/bench/ports.sh [ROUNDS]       run in the build folder, as root
#
# Each tool publishes an iperf3 server and one that greets and closes (conn.c); the client is on the
# host's loopback, where pasta splices too. Each round measures every tool once: one stream, eight
# streams, connections a second; medians and ratios to loopback are printed, and the forwarder's own
# processor time for a gigabyte of one stream, which says more where other work is going on. All
# servers are the same iperf3. Then what rl-port and rl-net cost: descriptors and memory with 1000
# connections and after 10,000, and the time that a published port adds to a start, in turns. RL_PEERS and RL_PEERS_RUN as for net.sh.
set -euo pipefail
rounds=${1:-5}
[ "$(id -u)" = 0 ] || { echo "needs root to make network namespaces" >&2; exit 77; }
if [ "${RL_BENCH_NET-}" != inside ]; then
	RL_BENCH_NET=inside exec unshare -n "$0" "$@"
fi
src=$(cd "$(dirname "$0")/../.." && pwd)
user=${RL_TEST_USER:-rltest} image=docker.io/library/alpine
dir=$(mktemp -d /var/tmp/rl-bench.XXXXXX)
chmod 755 "$dir"
make -s tests/bench/conn && cp tests/bench/conn "$dir/"
mkdir -p "$dir/libexec/rl" "$dir/share/rl" "$dir/bin"
cp rl "$dir/bin/" && cp rl-image rl-net rl-port "$dir/libexec/rl/" && cp "$src"/contrib/*.json "$dir/share/rl/"
install -d -o "$user" -g "$user" -m 700 "$dir/run" "$dir/home"
mkdir -m 1777 "$dir/tmp" # iperf3 wants to write
ip link set lo up
as_user() {
	setpriv --reuid "$user" --regid "$user" --init-groups env -i HOME="$dir/home" PATH=/usr/bin:/bin \
		XDG_RUNTIME_DIR="$dir/run" RL_ROOT="$dir/home/store" "$@"
}
rl() { as_user "$dir/bin/rl" "$@"; }
pids=()
trap 'rl rm -fa -t 0 >/dev/null 2>&1 || true; kill "${pids[@]}" 2>/dev/null || true; rm -rf "$dir"' EXIT
# in place of this shell: only in the background
peer() { exec bash "${RL_PEERS_RUN:?names the script}" run "$RL_PEERS" -b "$dir" -- "$@"; }
median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
# listens PORT: waits until somebody answers there
listens() {
	for _ in {1..200}; do
		timeout 1 "$dir/conn" rate 127.0.0.1 "$1" 0.01 >/dev/null 2>&1 && return
		sleep 0.05
	done
	return 1
}

cp "$("$src/tests/integration/mkimages" alpine "${RL_TEST_IMAGES:-${XDG_CACHE_HOME:-$HOME/.cache}/rl-tests}")" "$dir/alpine.tar"
rl load -q -i "$dir/alpine.tar" >/dev/null
mkdir "$dir/lib" # the machine's iperf3 for the peers, too
cp "$(command -v iperf3)" "$dir/"
ldd "$dir/iperf3" | awk '/libiperf|libsctp|libssl|libcrypto/ { print $3 }' | xargs -I@ cp -L @ "$dir/lib/"
cat >"$dir/serve" <<END
#!/bin/sh
$dir/conn serve 5202 &
export TMPDIR=$dir/tmp
export LD_LIBRARY_PATH=$dir/lib
exec $dir/iperf3 -s -p 5201 >/dev/null
END
chmod 755 "$dir/serve"

tools=(loopback rl)
"$dir/conn" serve 5202 &
pids+=($!)
iperf3 -s -p 5201 >/dev/null &
pids+=($!)
rl run -d --name bench -v /:/host:ro -v "$dir/tmp:/host$dir/tmp" -p 21001:5201 -p 21002:5202 $image chroot /host "$dir/serve" >/dev/null
listens 21002
if [ -n "${RL_PEERS-}" ]; then
	peer pasta --config-net -q -u none -T none -U none -t 22001:5201,22002:5202 -- "$dir/serve" &
	pids+=($!)
	listens 22002 && tools+=(pasta)
	peer sh -c "podman load -q -i $dir/alpine.tar >/dev/null && exec podman run --rm --name bench \
		--network slirp4netns:port_handler=rootlesskit -p 23001:5201 -p 23002:5202 -v /:/host:ro -v $dir/tmp:/host$dir/tmp $image chroot /host $dir/serve" >/dev/null 2>"$dir/podman.err" &
	pids+=($!)
	if listens 23002; then tools+=(rootlessport); else sed 's/^/# podman: /' "$dir/podman.err"; fi
fi
declare -A port=([loopback]=5201 [rl]=21001 [pasta]=22001 [rootlessport]=23001)
forwarders() { # TOOL: its processes here
	case $1 in
	rl) pgrep -u "$user" -x rl-port ;;
	pasta) pgrep -x 'pasta(.avx2)?' ;;
	rootlessport) pgrep -f '^rootlessport' ;;
	esac | while read -r p; do
		[ "$1" != pasta ] && echo "$p" && continue
		[ "$(readlink "/proc/$p/ns/net")" = "$(readlink /proc/self/ns/net)" ] && echo "$p"
	done
}
cpu_ns() { # PID...
	local p t ns n=0
	for p in "$@"; do
		for t in "/proc/$p"/task/*/schedstat; do read -r ns _ <"$t" && n=$((n + ns)); done
	done 2>/dev/null
	echo "$n"
}
stream() { # PORT STREAMS [PID...]: Gbit/s, CPU seconds of these a GB
	local before after
	before=$(cpu_ns "${@:3}")
	timeout 20 iperf3 -c 127.0.0.1 -p "$1" -P "$2" -t 2 -J >"$dir/result"
	after=$(cpu_ns "${@:3}")
	jq -r ".end.sum_received | \"\(.bits_per_second / 1e9) \($((after - before)) / .bytes)\"" "$dir/result" |
		awk '{ printf "%.2f %.3f\n", $1, $2 }'
}
for ((i = 0; i < rounds; i++)); do
	for t in "${tools[@]}"; do
		mapfile -t who < <(forwarders "$t")
		stream "${port[$t]}" 1 "${who[@]}" >>"$dir/$t.one"
		stream "${port[$t]}" 8 "${who[@]}" >>"$dir/$t.eight"
		"$dir/conn" rate 127.0.0.1 $((port[$t] + 1)) 2 >>"$dir/$t.rate"
	done
done
printf '%-14s %12s %12s %12s  %-22s %s\n' "published TCP" "1 stream" "8 streams" "conn/s" "(ratios to loopback)" "CPU s/GB"
for t in "${tools[@]}"; do
	line='' ratio=''
	for what in one eight rate; do
		v=$(median <"$dir/$t.$what")
		line+=$(printf ' %12s' "$v")
		ratio+=$(awk "BEGIN { printf \" %.2f\", $v / $(median <"$dir/loopback.$what") }")
	done
	printf '%-14s%s  %-22s %s\n' "$t" "$line" "$ratio" "$(awk '{ print $2 }' "$dir/$t.one" | median)"
done

# --- what it costs
forwarder=$(pgrep -u "$user" -x rl-port -n)
pss() { awk '/^Pss:/ { print $2 }' "/proc/$1/smaps_rollup"; }
fds() { find "/proc/$1/fd" -mindepth 1 | wc -l; }
echo "rl-port, idle after that: $(pss "$forwarder") KiB, $(fds "$forwarder") descriptors"
as_user sh -c "ulimit -n 8192 2>/dev/null; exec $dir/conn hold 127.0.0.1 21001 1000" < <(sleep 3) >"$dir/held" &
sleep 2
echo "rl-port, $(cat "$dir/held") connections open: $(pss "$forwarder") KiB, $(fds "$forwarder") descriptors"
wait $! || true
sleep 0.5
for _ in 1 2 3; do "$dir/conn" rate 127.0.0.1 21002 2 >>"$dir/more"; done
sleep 0.5
echo "rl-port, after $(awk '{ n += 2 * $1 } END { print n }' "$dir/more") more: $(pss "$forwarder") KiB, $(fds "$forwarder") descriptors"
rl exec bench ping -c 1 10.0.2.2 >/dev/null 2>&1 || true
rl network check bench >/dev/null || true
sleep 6
net=$(pgrep -u "$user" -x rl-net -o)
echo "rl-net, idle: $(pss "$net") KiB and its reader $(pss "$(pgrep -P "$net")") KiB"
start() { # FILE ARGS: us of a run
	local file=$1 a=${EPOCHREALTIME/./}
	rl run --rm "${@:2}" $image true
	echo $((${EPOCHREALTIME/./} - a)) >>"$file"
}
for ((i = 0; i < 20 * rounds; i++)); do
	start "$dir/start.private"
	start "$dir/start.port" -p 24000:80
done
ms() { median <"$dir/start.$1" | awk '{ printf "%.1f", $1 / 1000 }'; }
echo "run --rm, private network: $(ms private) ms; with a published port: $(ms port) ms ($((20 * rounds)) runs each, in turns)"
