#!/bin/bash
# damage.sh - F43: each file of a container and of the store, damaged in every way: the others go on, rm -f works
#
# A sample (DAMAGE_POINTS, DAMAGE_SEED chooses them and is printed); LONG=1 takes every file and every way.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
archive=$(image alpine) || skip_all "no test image"
cp "$archive" "$T/alpine.tar"
run rl load -q -i "$T/alpine.tar"
[ $status = 0 ] || { not_ok "load the test image" "$err" && finish; }
seed=${DAMAGE_SEED:-$RANDOM} points=${DAMAGE_POINTS:-16}
[ -z "${LONG-}" ] || points=0
echo "# DAMAGE_SEED=$seed DAMAGE_POINTS=$points"
RL=$RL T=$T ROOT=$ROOT MARK=$RL_TEST_MARK POINTS=$points SEED=$seed TEST_UID=$TEST_UID TEST_GID=$TEST_GID TEST_USER=$TEST_USER \
	/usr/bin/python3 "$SRC/tests/integration/damage.py" "$@" >"$T/results" 2>"$T/errors" ||
	not_ok "damage.py ended badly" "$(cat "$T/errors")"
results "$T/results"
leakcheck "nothing is left"
finish
