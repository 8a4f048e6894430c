#!/bin/bash
# oneid.sh - one id only (no newuidmap, no subordinate ids): nothing fails that need not (DEMAND A1)
# shellcheck source=tests/integration/lib.sh
if [ "${RL_ONEID-}" != hidden ] && [ "$(id -u)" = 0 ]; then
	# the helpers are hidden in a mount namespace of this script
	RL_ONEID=hidden exec unshare -m --propagation private bash "$0" "$@"
fi
. "$(dirname "$0")/lib.sh"
[ "$(id -u)" = 0 ] || skip_all "hiding newuidmap needs root"
mount --bind /dev/null /usr/bin/newuidmap && mount --bind /dev/null /usr/bin/newgidmap ||
	skip_all "no bind mounts here"

archive=$(image multi) || skip_all "no test image"
cp "$archive" "$T/multi.tar"
run rl load -q -i "$T/multi.tar"
expect "load an image with many owners" 0 "Loaded image: *" "Warning: only one user id*newuidmap*"
img=${out#Loaded image: }
q() { run rl run --rm --network none "$@"; }
q "$img" sh -c 'id -u; cat /proc/self/uid_map'
expect "root is the caller" 0 "0*0*0*1" ""
q "$img" sh -c 'touch /tmp/f && chown 5:5 /tmp/f && chgrp 7 /tmp/f && echo ok'
expect "chown succeeds" 0 "ok"
q -u 1000 "$img" sh -c 'id -u; touch /tmp/f && ls -n /tmp/f | (read -r a b c d; echo "$c")'
expect "another uid is the caller, too" 0 "1000?1000"
q --userns keep-id "$img" id -u
expect "keep-id" 0 "$TEST_UID"
run rl rmi "$img"
expect "rmi" 0 "Untagged: *"
leakcheck "nothing is left"
finish
