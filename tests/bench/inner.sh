#!/bin/bash
# inner.sh - the measuring part of tests/bench/run: an ordinary user, all tools in PATH, DIR with rl,
# the images' archives and an unpacked root
# shellcheck disable=SC2034,SC2086,SC2046 # commands of several words
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
broken='' # peers that are there and cannot run
have() { [[ " $broken " != *" $1 "* ]] && command -v "$1" >/dev/null; }
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
declare -A budget # [median's name]: at most, in the unit of its row
row() { # LABEL rl podman crun bwrap floor (names of medians, - for none; rates: more is better)
	local label=$1 c v line best='' kept='' a=${2:--} b=${3:--}
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
	if [ -n "${budget[$1]:-}" ]; then
		kept="${budget[$1]}: $(awk -v a="${m[$1]:--}" -v b="${budget[$1]}" 'BEGIN { print a == "-" ? "not measured" : a + 0 <= b + 0 ? "met" : "NOT MET" }')"
	fi
	echo "$line ${best:--} | ${kept:--} |"
}

$rl load -q -i "$dir/alpine.tar" >/dev/null
if have podman; then
	mkdir -p "$work/pod"
	$pod load -q -i "$dir/alpine.tar" >/dev/null 2>&1 || broken=podman
fi

for part in $PARTS; do
	# shellcheck source=/dev/null
	. "$dir/$part.sh"
done

echo "Medians of $ROUNDS runs in ms unless another unit is named; $(nproc) cores, Linux $(uname -r)$(have podman && echo ", $(podman --version | tr -d '\n'), $(crun --version | head -n 1)")."
echo
echo "| what | rl | podman | crun | bwrap | kernel floor | podman : rl | budget of rl |"
echo "|---|---|---|---|---|---|---|---|"
for part in $PARTS; do "rows_$part"; done
