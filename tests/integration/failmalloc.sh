#!/bin/bash
# failmalloc.sh - the n-th allocation of a command fails: a clean error or success, and nothing is left
#
# A sample of n for each command, POINTS (4, LONG=1: every one) of them by FAILMALLOC_SEED, which is printed.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
cc=$(command -v gcc || command -v clang) || skip_all "no compiler for the library that fails"
"$cc" -shared -fPIC -O1 -I"$RL_BUILD" -I"$SRC" -o "$T/failmalloc.so" "$SRC/tests/tools/failmalloc.c" 2>/dev/null || skip_all "it cannot be built here"
chmod 755 "$T/failmalloc.so"
nm -D "$RL" 2>/dev/null | grep -q __asan && skip_all "a sanitizer has its own malloc"
img=localhost/rl-busybox
points=${POINTS:-4}
RANDOM=${FAILMALLOC_SEED:=$((RANDOM % 10000))}
echo "# FAILMALLOC_SEED=$FAILMALLOC_SEED"
# broken N ARGS...: rl with that many good allocations
broken() {
	local n=$1
	shift
	run as_user timeout -k 5 30 env LD_PRELOAD="$T/failmalloc.so" FAILMALLOC_N="$n" \
		FAILMALLOC_COUNT="$T/work/count" "$RL" "$@"
}
own_dir "$T/work" 755
# fine ARGS...: what became of `broken` is one of the ways that there may be
fine() {
	case $status in
	0) return 0 ;;
	1 | 2 | 125 | 126 | 127) [ -n "$err" ] ;; # told in words
	*) return 1 ;;
	esac
}
# loop NAME BEFORE ARGS...: the command ARGS, after the shell text BEFORE, for many n
loop() {
	local what=$1 before=$2 total n step bad=0 i
	shift 2
	eval "$before" >/dev/null 2>&1
	broken 0 "$@"
	total=$(cat "$T/work/count" 2>/dev/null)
	rl rm -fa -t 0 >/dev/null 2>&1
	if [ "${total:-0}" -lt 2 ]; then
		not_ok "$what: counted" "$status $out" "$err"
		return
	fi
	step=1
	[ -n "${LONG-}" ] || step=$((total / points + 1))
	for ((n = 1 + RANDOM % step, i = 0; n <= total; n += step, i++)); do
		eval "$before" >/dev/null 2>&1
		broken "$n" "$@"
		if ! fine; then
			bad=$((bad + 1))
			not_ok "$what: allocation $n of $total" "status $status, seed $FAILMALLOC_SEED" "$err"
		fi
		run rl ps -aq
		[ "$status" = 0 ] || not_ok "$what: ps after allocation $n" "$err"
		run rl rm -fa -t 0
		[ "$status" = 0 ] || not_ok "$what: rm after allocation $n" "$err"
	done
	[ $bad != 0 ] || ok "$what: $i of $total allocations"
}
rl run --rm --network none "$img" true >/dev/null # what only the first one does
up="rl run -d --name c --network none $img sleep 60"
loop run : run --rm --network none "$img" true
loop "run -d" : run -d --name c --network none "$img" sleep 60
loop "run, limits" : run --rm --network none --memory 64m --cpus 1 --pids-limit 50 "$img" true
loop create : create --name c --network none -v v:/v -e A=b "$img" true
loop stop "$up" stop -t 0 c
loop exec "$up" exec c true
loop rm "rl create --name c --network none $img true" rm c
loop inspect "$up" inspect c
loop why "rl run --name c --network none $img false" why c
loop update "$up" update --cpus 1 c
loop commit "rl run --name c --network none $img touch /x" commit -q c made
loop images : images
rl rmi -f made >/dev/null 2>&1
rl volume rm -f v >/dev/null 2>&1
leakcheck "nothing is left"
finish
