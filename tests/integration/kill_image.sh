#!/bin/bash
# kill_image.sh - load, pull, commit, rmi and image prune killed or failed at a system call: the store stays whole
#
# A sample of calls (KILL_POINTS per case and fault, KILL_SEED chooses them and is printed); LONG=1 takes
# every one. KILL_CASES names the commands, KILL_FAULTS the faults ("kill", errno names; with "+" every
# later call fails as well, as on a full disk).
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

killnth=$RL_BUILD/tests/tools/killnth
[ -x "$killnth" ] || skip_all "tests/tools/killnth is not built"
[ "$(id -u)" = 0 ] || skip_all "following other users' processes needs root"
command -v docker-registry >/dev/null && command -v skopeo >/dev/null || skip_all "needs docker-registry and skopeo"
archive=$(image alpine) || skip_all "no test image"
cp "$archive" "$T/alpine.tar"
start_registry || skip_all "no registry"
run rl load -q -i "$T/alpine.tar"
[ $status = 0 ] || { not_ok "load the test image" "$err" && finish; }

# another small image: two layers, one of them shared with nobody
run rl run --name c --network none docker.io/library/alpine sh -c 'mkdir /d && for i in 1 2 3 4 5 6 7 8; do echo $i >/d/$i; done'
rl commit -q c localhost/x:1 >/dev/null
rl save -q --format oci-archive -o x.tar localhost/x:1
cp "$T/work/x.tar" "$T/x.tar" && chmod 644 "$T/x.tar"
push "$T/x.tar" x:1
rl rmi localhost/x:1 >/dev/null
[ -s "$T/x.tar" ] || { not_ok "another image" && finish; }

seed=${KILL_SEED:-$RANDOM}
points=${KILL_POINTS:-1}
[ -z "${LONG-}" ] || points=0
echo "# KILL_SEED=$seed KILL_POINTS=$points"
cp "$killnth" "$T/killnth" && chmod 755 "$T/killnth"
# shellcheck disable=SC2086,SC2097,SC2098 # a list of cases; the values are these
RL=$RL T=$T ROOT=$ROOT MARK=$RL_TEST_MARK KILLNTH=$T/killnth BASE=docker.io/library/alpine REMOTE=$REGISTRY/x:1 \
	POINTS=$points SEED=$seed FAULTS="${KILL_FAULTS:-kill ENOSPC+ EIO}" TEST_UID=$TEST_UID TEST_GID=$TEST_GID \
	TEST_USER=$TEST_USER /usr/bin/python3 "$SRC/tests/integration/killimage.py" ${KILL_CASES-} >"$T/results" 2>"$T/errors" ||
	not_ok "killimage.py ended badly" "$(cat "$T/errors")"
results "$T/results"
run rl rm c
expect "the container is still there" 0 "c"
leakcheck "nothing is left"
finish
