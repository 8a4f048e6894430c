#!/bin/bash
# inner.sh - the measuring part of tests/bench/run: an ordinary user, all tools in PATH, DIR with rl,
# the images' archives and an unpacked root
# shellcheck disable=SC2086,SC2046 # commands of several words
set -euo pipefail
dir=$1
export RL_BENCH_MARK=rl-bench-$$
work=$(mktemp -d "$HOME/rl-bench.XXXXXX")
export RL_ROOT=$work/rl
holder() { # pid of the session's holder of this run
	local p
	for p in /proc/[0-9]*; do
		[ "$(cat "$p/comm" 2>/dev/null)" = rl-session ] && tr '\0' '\n' 2>/dev/null <"$p/environ" |
			grep -q "^RL_BENCH_MARK=$RL_BENCH_MARK$" && echo "${p#/proc/}"
	done
	return 0
}
end() {
	kill $(holder) 2>/dev/null || :
	chmod -R u+rwX "$work" 2>/dev/null || :
	! command -v podman >/dev/null || podman --root "$work/pod" --runroot "$work/podrun" system reset -f >/dev/null 2>&1 || :
	rm -rf "$work" 2>/dev/null || unshare -r rm -rf "$work" 2>/dev/null || :
}
trap end EXIT
rl=$dir/i/bin/rl
pod="podman --root $work/pod --runroot $work/podrun"
have() { command -v "$1" >/dev/null; }
img=docker.io/library/alpine

# median NAME CMD...: median in ms of $ROUNDS runs after 2, in m[NAME]; "-" where the command fails
declare -A m
median() {
	local name=$1 out=$work/h.json
	shift
	if hyperfine -N --warmup 2 --runs "$ROUNDS" "${HYPER[@]}" --export-json "$out" "$*" >"$work/h.log" 2>&1; then
		m[$name]=$(jq -r '.results[0].median * 1000 * 10 | round / 10' "$out")
	else
		m[$name]=-
		echo "bench: '$*' failed: $(tail -n 2 "$work/h.log" | tr '\n' ' ')" >&2
		"$@" 2>&1 | tail -n 2 >&2 || :
	fi
}
HYPER=()
row() { # LABEL rl podman crun bwrap floor (names of medians, - for none; rates: more is better)
	local label=$1 c v line best='' a=${2:--} b=${3:--}
	shift
	line="| $label |"
	for c; do
		v=-
		[ "$c" = - ] || v=${m[$c]:--}
		line="$line $v |"
	done
	[[ $a != *_rate* ]] || { a=$2 && b=$1; }
	if [ "${m[$a]:--}" != - ] && [ "${m[$b]:--}" != - ]; then
		best=$(awk -v a="${m[$b]}" -v b="${m[$a]}" 'BEGIN { printf "%.1f x", a / b }')
	fi
	echo "$line ${best:--} |"
}

$rl load -q -i "$dir/alpine.tar" >/dev/null
if have podman; then
	mkdir -p "$work/pod"
	$pod load -q -i "$dir/alpine.tar" >/dev/null 2>&1
	m[have_podman]=yes
fi

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

# the large image: seconds, the best of three, from the same registry
seconds() { # NAME PREPARE CMD...
	local name=$1 prepare=$2 best='' t0 t
	shift 2
	for _ in 1 2 3; do
		eval "$prepare"
		sync
		t0=$(date +%s%N)
		"$@" >/dev/null 2>"$work/pull.err" || { echo "bench: $*: $(tail -n 1 "$work/pull.err")" >&2 && m[$name]=- && return 0; }
		t=$((($(date +%s%N) - t0) / 1000000))
		[ -n "$best" ] && [ "$best" -le $t ] || best=$t
	done
	m[$name]=$(awk -v v="$best" 'BEGIN { printf "%.2f", v / 1000 }')
}
plain_tar() {
	local l
	mkdir "$work/x"
	for l in "$dir"/layers/*.tar.gz; do gzip -dc "$l" | tar -x -C "$work/x"; done
	sync -f "$work/x"
}
side_by_side() { # UNPACKER FOLDER: all layers at once, into folders of their own
	local l n=0
	mkdir "$work/x"
	for l in "$2"/*; do
		n=$((n + 1))
		mkdir "$work/x/$n"
		"$1" -dc <"$l" | tar -x -C "$work/x/$n" &
	done
	wait
	sync -f "$work/x"
}
eight() { # pulls of images that share their layers, at once
	local i pids=()
	for i in many big many big many big many big; do
		env RL_ROOT="$work/pullrl" $rl pull -q --tls-verify=false "$REGISTRY/$i" &
		pids+=($!)
	done
	for i in "${pids[@]}"; do wait "$i" || return 1; done
}
if [ -n "${REGISTRY-}" ]; then
	clean_rl='kill $(holder) 2>/dev/null || :; rm -rf "$work/pullrl"'
	seconds rl_pull "$clean_rl" env RL_ROOT="$work/pullrl" $rl pull -q --tls-verify=false "$REGISTRY/big"
	eval "$clean_rl"
	if have podman; then
		seconds pod_pull "$pod rmi -f $REGISTRY/big >/dev/null 2>&1 || :" $pod pull -q --tls-verify=false "$REGISTRY/big"
	fi
	seconds tar_pull 'rm -rf "$work/x"' plain_tar
	gz=gzip
	! have igzip || gz=igzip
	seconds tar_big 'rm -rf "$work/x"' side_by_side $gz "$dir/layers"
	seconds tar_many 'rm -rf "$work/x"' side_by_side $gz "$dir/layers.many"
	! have zstd || seconds tar_zstd 'rm -rf "$work/x"' side_by_side zstd "$dir/layers.zstd"
	rm -rf "$work/x"
	for i in zstd many; do
		seconds rl_pull_$i "$clean_rl" env RL_ROOT="$work/pullrl" $rl pull -q --tls-verify=false "$REGISTRY/$i"
		if have podman; then
			seconds pod_pull_$i "$pod rmi -f $REGISTRY/$i >/dev/null 2>&1 || :" $pod pull -q --tls-verify=false "$REGISTRY/$i"
		fi
	done
	# all layers are there
	median rl_pull_again env RL_ROOT="$work/pullrl" $rl pull -q --tls-verify=false "$REGISTRY/many"
	! have podman || median pod_pull_again $pod pull -q --tls-verify=false "$REGISTRY/many"
	seconds rl_pull_eight "$clean_rl" eight
	if python3 -c 'import resource' 2>/dev/null; then # of the largest process of it
		eval "$clean_rl"
		m[rl_pull_kib]=$(RL_ROOT=$work/pullrl python3 -c 'import resource, subprocess, sys
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)' $rl pull -q --tls-verify=false "$REGISTRY/big") || m[rl_pull_kib]=-
	fi
	eval "$clean_rl"
fi

echo "Medians of $ROUNDS runs in ms unless another unit is named; $(nproc) cores, Linux $(uname -r)$(have podman && echo ", $(podman --version | tr -d '\n'), $(crun --version | head -n 1)")."
echo
echo "| what | rl | podman | crun | bwrap | kernel floor | podman : rl |"
echo "|---|---|---|---|---|---|---|"
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
if [ -n "${REGISTRY-}" ]; then
	row "pull, 4 layers, 900 MB unpacked, s" rl_pull pod_pull - - -
	row "pull, the same layers as zstd, s" rl_pull_zstd pod_pull_zstd - - -
	row "pull, 31,000 small files, s" rl_pull_many pod_pull_many - - -
	row "pull when all layers are there" rl_pull_again pod_pull_again - - -
	row "eight pulls of two images at once, s" rl_pull_eight - - - -
	row "pull, 900 MB unpacked: largest process, KiB" rl_pull_kib - - - -
	echo
	echo "The bare \`gzip -dc | tar -x\` of the same four layers, one after the other: ${m[tar_pull]} s."
	echo "Unpacked side by side, without a network: ${m[tar_big]:--} s ($gz), ${m[tar_zstd]:--} s (zstd), ${m[tar_many]:--} s (small files)."
fi
