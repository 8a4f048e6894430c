#!/bin/bash
# containers.sh - the part of inner.sh about containers: sourced; measures, and defines rows_containers()
# shellcheck disable=SC2004,SC2034,SC2086,SC2154 # commands of several words; names of inner.sh
set -euo pipefail

median rl_none $rl run --rm --network none $img true
median rl_net $rl run --rm $img true
median rl_talk $rl run --rm --cap-add net_raw $img ping -c 1 10.0.2.2
median rl_version $rl --version
HYPER=(--prepare "bash -c 'for p in /proc/[0-9]*; do [ \"\$(cat \$p/comm 2>/dev/null)\" = rl-session ] && grep -qz RL_BENCH_MARK=$RL_BENCH_MARK \$p/environ 2>/dev/null && kill \${p#/proc/}; done; sleep 0.05'")
median rl_cold $rl run --rm --network none $img true
HYPER=()
if have podman; then
	median pod_none $pod run --rm --network none $img true
	median pod_net $pod run --rm $img true
	median pod_talk $pod run --rm --cap-add net_raw $img ping -c 1 127.0.0.1
	median pod_version $pod --version
fi
if have bwrap; then
	median bwrap bwrap --unshare-all --bind "$dir/rootfs" / --proc /proc --dev /dev --tmpfs /tmp /bin/busybox true
fi
if have crun; then
	mkdir -p "$work/bundle"
	(cd "$work/bundle" && crun spec --rootless 2>/dev/null && jq --arg r "$dir/rootfs" \
		'.process.args = ["/bin/busybox", "true"] | .process.terminal = false | .root.path = $r | .root.readonly = false' config.json >c && mv c config.json)
	median crun crun --root "$work/crun" --cgroup-manager=disabled run -b "$work/bundle" bench
fi
if [ -x "$dir/floor" ]; then # prints a median of its own, in microseconds
	cp -r "$dir/rootfs" "$work/fl"
	mkdir "$work/fl.upper" "$work/fl.work"
	m[floor]=$("$dir/floor" -n "$ROUNDS" -o "$work/fl" /bin/busybox true 2>>"$work/floor.err" | grep -oE '[0-9]+' | tail -n 1 | awk '{ printf "%.1f", $1 / 1000 }') ||
		m[floor]=-
	[ -n "${m[floor]}" ] || m[floor]=-
fi

# the life of detached containers
life() { # PREFIX TOOL...
	local t=$1 i
	shift
	"$@" run -d --name bench-idle --network none $img sleep 1000 >/dev/null || return 0
	median "${t}_exec" "$@" exec bench-idle true
	median "${t}_inspect" "$@" inspect bench-idle
	"$@" rm -f -t 0 bench-idle >/dev/null 2>&1
	"$@" create --name bench-ss --network none --init $img sleep 1000 >/dev/null
	printf '#!/bin/bash\n%s start bench-ss >/dev/null && %s stop bench-ss >/dev/null\n' "$*" "$*" >"$work/startstop"
	printf '#!/bin/bash\n%s run -d --network none %s sleep 1000 >/dev/null\n' "$*" "$img" >"$work/rund"
	chmod 755 "$work/startstop" "$work/rund"
	median "${t}_startstop" "$work/startstop"
	"$@" rm -f bench-ss >/dev/null 2>&1
	"$@" create --name bench-trap --network none $img sh -c 'trap "exit 0" TERM; sleep 1000 & wait' >/dev/null
	HYPER=(--prepare "bash -c '$* start bench-trap && sleep 0.2'") # until the shell has its trap
	median "${t}_stop" "$@" stop bench-trap
	HYPER=()
	"$@" rm -f bench-trap >/dev/null 2>&1
	median "${t}_ps0" "$@" ps
	for i in 1 2; do "$@" run -d --network none $img sleep 1000; done >/dev/null 2>&1
	median "${t}_ps2" "$@" ps
	"$@" rm -f -a -t 0 >/dev/null 2>&1
	median "${t}_rund" "$@" run -d --network none $img true
	"$@" rm -f -a -t 0 >/dev/null 2>&1
	for ((i = 0; i < MANY; i++)); do "$@" run -d --network none $img sleep 1000; done >/dev/null 2>&1
	sleep 3
	m[${t}_many_kib]=$(ask_memory)
	m[${t}_many_kib]=$((${m[${t}_many_kib]} / MANY))
	median "${t}_ps_many" "$@" ps
	"$@" rm -f -a -t 0 >/dev/null 2>&1
}
ask_memory() {
	echo "$RL_BENCH_MARK" >"$dir/ask"
	cat "$dir/answer"
}
# memory beside the payload of one container that sits idle, after a while
memory() { # NAME TOOL... -- ARG...
	local name=$1 tool=()
	shift
	while [ "$1" != -- ]; do
		tool+=("$1")
		shift
	done
	shift
	if "${tool[@]}" run -d "$@" >/dev/null 2>>"$work/mem.err"; then
		sleep 4
		m[$name]=$(ask_memory)
	else
		m[$name]=-
	fi
	"${tool[@]}" rm -f -a -t 0 >/dev/null 2>&1 || :
}
MANY=${MANY:-300}
$SMOKE && MANY=5
life rl $rl
memory rl_idle $rl -- --network none $img sleep 1000
memory rl_idle_net $rl -- --cap-add net_raw $img sh -c 'ping -c 1 10.0.2.2 >/dev/null; exec sleep 1000'
if have podman; then
	MANY=$((MANY > 20 ? 20 : MANY)) life pod $pod # 300 of them take minutes
	memory pod_idle $pod -- --network none $img sleep 1000
	memory pod_idle_net $pod -- $img sleep 1000
fi

# many at once
parallel() { # NAME CMD...
	local name=$1 t0 t1 n=40
	shift
	t0=$(date +%s%N)
	if seq $n | xargs -P 8 -I{} "$@" >/dev/null 2>"$work/par.err"; then
		t1=$(date +%s%N)
		m[$name]=$(((t1 - t0) / n / 100000))
		m[$name]=$(awk -v v="${m[$name]}" 'BEGIN { print v / 10 }')
	else
		m[$name]=-
		echo "bench: parallel '$*': $(tail -n 1 "$work/par.err")" >&2
	fi
}
parallel rl_par $rl run --rm --network none $img true
! have podman || parallel pod_par $pod run --rm --network none $img true

# containers per second
rate() { # NAME CONCURRENCY CMD...
	local name=$1 at_once=$2 t0 t1 n=64
	shift 2
	! $SMOKE || n=$at_once
	t0=$(date +%s%N)
	if seq $n | xargs -P $at_once -I{} "$@" >/dev/null 2>"$work/par.err"; then
		t1=$(date +%s%N)
		m[$name]=$(awk -v n=$n -v ns=$((t1 - t0)) 'BEGIN { printf "%.1f", n * 1e9 / ns }')
	else
		m[$name]=-
		echo "bench: $at_once at once '$*': $(tail -n 1 "$work/par.err")" >&2
	fi
}
for i in 1 2 8 32; do
	rate rl_rate$i $i $rl run --rm --network none $img true
	! have podman || rate pod_rate$i $i $pod run --rm --network none $img true
done

# ps with many that do not run; to make as many takes podman minutes
LISTED=1000
! $SMOKE || LISTED=5
seq $LISTED | xargs -P 2 -I{} $rl create --network none $img true >/dev/null
median rl_ps_hidden $rl ps
median rl_ps_listed $rl ps -a
$rl rm -f -a >/dev/null

# shellcheck disable=SC2190 # of inner.sh: an associative array
budget+=([rl_none]=8 [rl_net]=8 [rl_cold]=14 [rl_version]=1.5 [rl_exec]=5 [rl_inspect]=3 [rl_ps0]=3 [rl_ps2]=3
	[rl_ps_hidden]=25 [rl_ps_listed]=25 [rl_rund]=10 [rl_startstop]=15 [rl_idle]=512 [rl_idle_net]=1536
	[rl_many_kib]=512)

rows_containers() {
	row "run --rm true, no network" rl_none pod_none crun bwrap floor
	row "run --rm true, private network" rl_net pod_net - - -
	row "the same, one ping through it" rl_talk - - - -
	row "run --rm true, cold session" rl_cold - - - -
	row "40 runs, 8 at once, each" rl_par pod_par - - -
	for i in 1 2 8 32; do
		row "containers per second, $i at once" rl_rate$i pod_rate$i - - -
	done
	row "--version" rl_version pod_version - - -
	row "exec true" rl_exec pod_exec - - -
	row "inspect" rl_inspect pod_inspect - - -
	row "ps, no container" rl_ps0 pod_ps0 - - -
	row "ps, 2 containers" rl_ps2 pod_ps2 - - -
	row "ps, $MANY containers (podman: 20)" rl_ps_many pod_ps_many - - -
	row "ps, $LISTED created containers" rl_ps_hidden - - - -
	row "ps -a, the same" rl_ps_listed - - - -
	row "run -d" rl_rund pod_rund - - -
	row "start and stop, --init sleep" rl_startstop pod_startstop - - -
	row "stop of a shell that handles SIGTERM" rl_stop pod_stop - - -
	row "memory beside one idle container, KiB" rl_idle pod_idle - - -
	row "the same once it has used the network, KiB" rl_idle_net pod_idle_net - - -
	row "memory of each of $MANY containers (podman: 20), KiB" rl_many_kib pod_many_kib - - -
}
