#!/bin/bash
# kill.sh - SIGKILL of every process of rl at its n-th system call: whatever dies, the next command heals
#
# A sample of commands and of n (KILL_SAMPLE, KILL_POINTS per process; KILL_SEED chooses them and is printed);
# LONG=1 takes every command and every n. KILL_CASES names the commands, KILL_FAULTS the faults
# (killloop.py: "kill", "stop", "all", or errno names for calls that fail).
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

killnth=$RL_BUILD/tests/tools/killnth
[ -x "$killnth" ] || skip_all "tests/tools/killnth is not built"
[ "$(id -u)" = 0 ] || skip_all "following other users' processes needs root"
archive=$(image alpine) || skip_all "no test image"
cp "$archive" "$T/alpine.tar"
run rl load -q -i "$T/alpine.tar"
[ $status = 0 ] || { not_ok "load the test image" "$err" && finish; }
img=docker.io/library/alpine

seed=${KILL_SEED:-$RANDOM}
points=${KILL_POINTS:-2}
sample=${KILL_SAMPLE:-10}
[ -z "${LONG-}" ] || points=0 sample=0
echo "# KILL_SEED=$seed KILL_POINTS=$points KILL_SAMPLE=$sample"
cp "$killnth" "$T/killnth" && chmod 755 "$T/killnth"
# shellcheck disable=SC2086,SC2097,SC2098 # a list of cases; the values are these
RL=$RL T=$T ROOT=$ROOT MARK=$RL_TEST_MARK KILLNTH=$T/killnth PORT=$(free_port) IMAGE=$img POINTS=$points SAMPLE=$sample SEED=$seed \
	FAULTS="${KILL_FAULTS:-kill}" TEST_UID=$TEST_UID TEST_GID=$TEST_GID TEST_USER=$TEST_USER \
	/usr/bin/python3 "$SRC/tests/integration/killloop.py" ${KILL_CASES-} >"$T/results" 2>"$T/errors" ||
	not_ok "killloop.py ended badly" "$(cat "$T/errors")"
results "$T/results"
leakcheck "nothing is left"
finish
