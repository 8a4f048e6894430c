#!/bin/bash
# shellcheck disable=SC2154 # status, out and err are set by run
# doctor.sh - rl doctor: changes nothing, stable JSON, and one thing broken at a time is doctor_says with its mend
# shellcheck source=tests/integration/lib.sh
if [ "${RL_DOCTOR-}" != alone ] && [ "$(id -u)" = 0 ]; then
	# what is hidden and bound here, is so for this script only
	RL_DOCTOR=alone exec unshare -m --propagation private bash "$0" "$@"
fi
. "$(dirname "$0")/lib.sh"
find "$T/home" "$T/run" "$T/tmp" | sort >"$T/before"

run rl doctor
expect "a report" '[01]' "*user-namespaces*made and mapped one*" ''
run rl doctor --json
if jq -e 'has("status") and has("version") and has("distribution") and has("store") and has("runtime") and
	(.checks | length > 30) and all(.checks[]; has("name") and has("status") and has("effect") and has("text") and
	(.fix | type == "array"))' <<<"$out" >/dev/null; then ok "keys of --json"; else not_ok "keys of --json" "$out"; fi
wanted='apparmor cgroup clock clone3 close-range controllers faccessat2 fuse host-name id-maps idmapped-mounts inotify installation kernel keyctl keys landlock low-ports mount-api new-proc newgidmap newuidmap no-new-privs openat2 outer-container outer-seccomp overlay pidfd ping processes runtime-dir seccomp seccomp-notify security-modules space store subordinate-gids subordinate-uids sysctl-userns systemd tun user-namespaces'
names=$(jq -r '.checks[].name' <<<"$out" | sort -u | grep -vx -e dbus-session -e lingering | xargs)
if [ "$names" = "$wanted" ]; then ok "names of checks stay"; else not_ok "names of checks stay" "$names"; fi
find "$T/home" "$T/run" "$T/tmp" | sort >"$T/after"
check "nothing was made" cmp "$T/before" "$T/after"
check "the status is the worst effect" test "$status" = "$(jq '[.checks[].effect | if . == "none" then 0 elif . == "degraded" then 1 else 2 end] | max' <<<"$out")"
run rl doctor -q
check "-q names only what is not ok" test "$(grep -cE '^(ok|skipped) ' <<<"$out")" = 0
run rl doctor --no-such-flag
expect_error "an unknown flag" "*no-such-flag*"
run rl doctor word
expect_error "words" "*"

# with VAR=VALUE... : rl with more environment, or less ("-u VAR")
with() {
	local more=()
	while [[ $1 == *=* || $1 == -u* ]]; do more+=("$1") && shift; done
	as_user env "${more[@]}" timeout -k 5 60 "$RL" "$@"
}
doctor_says runtime-dir degraded degraded "*is not set" '*' with -uXDG_RUNTIME_DIR
doctor_says runtime-dir degraded degraded "*'/nowhere'* is not there" '*' with XDG_RUNTIME_DIR=/nowhere
doctor_says runtime-dir degraded degraded "*belongs to uid 0" '*' with XDG_RUNTIME_DIR=/
doctor_says store missing broken "*may not write*'/'*" '*RL_ROOT*' with RL_ROOT=/rl-doctor
check "a store that cannot be is status 2" test "$status" = 2
[ "$(id -u)" = 0 ] || finish

# --- one thing at a time -------------------------------------------------------------------------
# instead FILE TEXT: FILE has this text until `back FILE`
instead() {
	printf '%b' "$2" >"$T/instead" && cp "$T/instead" "$T/instead.$n_tests" && mount --bind "$T/instead.$n_tests" "$1"
}
back() { umount "$@"; }
instead /etc/subuid "$TEST_USER:100000:1000\\n"
doctor_says subordinate-uids degraded degraded "only 1000 ids, says /etc/subuid*" "sudo usermod --add-subuids *-* $TEST_USER"
back /etc/subuid
instead /etc/subuid "$TEST_USER:100000:65536\\nother:165000:65536\\n"
doctor_says subordinate-uids missing broken "'/etc/subuid' line 2: *overlaps*" "*range of its own*"
check "ids that two users have are status 2" test "$status" = 2
back /etc/subuid
cp /usr/bin/newuidmap "$T/plain" && chmod 755 "$T/plain" && mount --bind "$T/plain" /usr/bin/newuidmap
doctor_says newuidmap missing degraded "*no rights: mode 0755*" "*chmod u+s '/usr/bin/newuidmap'"
back /usr/bin/newuidmap
doctor_says no-new-privs degraded degraded "*" "*" as_user setpriv --no-new-privs "$RL"
instead /usr/lib/os-release 'ID=alpine\n' && mount --bind /dev/null /usr/bin/newuidmap
doctor_says newuidmap missing degraded "the program is not installed" "sudo apk add shadow-subids"
back /usr/lib/os-release
instead /usr/lib/os-release 'ID=fedora\n'
doctor_says newuidmap missing degraded "*" "sudo dnf install shadow-utils"
back /usr/lib/os-release /usr/bin/newuidmap
off() { as_user unshare -Ur sh -c 'echo 0 >/proc/sys/user/max_user_namespaces; exec "$@"' sh "$RL" "$@"; }
doctor_says user-namespaces missing broken "*'/proc/sys/user/max_user_namespaces' is 0" "*sysctl -w user.max_user_namespaces=*" off
check "without user namespaces: status 2" test "$status" = 2
doctor_says overlay skipped none "*" "" off
mkdir "$T/small" && mount -t tmpfs -o "size=20m,mode=700,uid=$TEST_UID,gid=$TEST_GID" small "$T/small"
doctor_says space degraded degraded "* are free" "*prune*" with "RL_ROOT=$T/small/store"
mount -o remount,noexec "$T/small"
doctor_says store degraded degraded "*noexec" "*RL_ROOT*" with "RL_ROOT=$T/small/store"
mount -o remount,ro "$T/small"
doctor_says store missing broken "*Read-only*" "*RL_ROOT*" with "RL_ROOT=$T/small/store"
chmod 777 "$T/home/open" 2>/dev/null || { own_dir "$T/home/open" 777; }
doctor_says store missing broken "others may write into folder*" "*chmod 700*" with "RL_ROOT=$T/home/open"

# --- registries, only when asked ------------------------------------------------------------------
doctor_says registry '' '' '' ''
port=$(free_port)
own_dir "$T/home/.config" 755 && own_dir "$T/home/.config/containers" 755
printf 'unqualified-search-registries = ["127.0.0.1:%s"]\n' "$port" >"$T/home/.config/containers/registries.conf"
net() { rl "$@" --network; }
doctor_says registry degraded degraded "'127.0.0.1:$port' port $port cannot be reached: Connection refused" "*proxy*" net
/usr/bin/python3 -c 'import socket, sys
s = socket.create_server(("127.0.0.1", int(sys.argv[1])))
print("ready", flush=True)
s.accept()[0].recv(1)' "$port" >"$T/server" &
MY_PIDS="$MY_PIDS $!"
for _ in {1..100}; do [ -s "$T/server" ] && break || read -rt 0.05 <> <(:); done
doctor_says registry ok none "'127.0.0.1:$port' answers*" "" net
wait
umount "$T/small"
leakcheck "nothing is left"
finish
