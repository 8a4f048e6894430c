#!/bin/bash
# sandboxes.sh - the walls around rl's own processes are up: asked from /proc while they work, and tried from
# inside them with tools/trial (SECURITY.md, "Our own processes")
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/integration/scripted.sh
. "$SRC/tests/integration/scripted.sh"
USER_ENV=()
cp "$(image alpine)" "$T/alpine.tar" && run rl load -q -i "$T/alpine.tar"

TRIAL=$RL_BUILD/tests/tools/trial
field() { sed -n "s/^$2:[[:space:]]*//p" "/proc/$1/status" 2>/dev/null; }
short() { field "$1" "$2" | sed 's/^0*//; s/^$/0/'; }
# walls PID: what the kernel says: no_new_privs, filter, capabilities, whether its user may look into it
walls() {
	local closed=closed
	as_user cat "/proc/$1/environ" >/dev/null 2>&1 && closed=open
	echo "nnp=$(field "$1" NoNewPrivs) seccomp=$(field "$1" Seccomp) caps=$(short "$1" CapEff)/$(short "$1" CapPrm)/$(short "$1" CapInh)/$(short "$1" CapAmb) $closed bound=$(short "$1" CapBnd) core=$(awk '/core file/ { print $6 }' "/proc/$1/limits") namespaces=$(namespaces "$1")"
}
# namespaces PID: those that are not the host's
namespaces() {
	local n own=()
	for n in user mnt net ipc uts pid cgroup; do
		[ "$(readlink "/proc/$1/ns/$n")" = "$(readlink "/proc/self/ns/$n")" ] || own+=("$n")
	done
	echo "${own[*]}" | tr ' ' ,
}
# tries NAME PID WHAT OBJECT ANSWER: the process itself tries it
tries() {
	local said
	[ -x "$TRIAL" ] || { skip "$1" "no tests/tools/trial in RL_BUILD" && return; }
	said=$("$TRIAL" "$2" "$3" "$4" 2>&1)
	case $? in
	77) skip "$1" "no way into a process on this architecture" ;;
	0) if [ "$said" = "$5" ]; then ok "$1: $3 '$4': $5"; else not_ok "$1: $3 '$4'" "$said, wanted $5"; fi ;;
	*) not_ok "$1: $3 '$4'" "$said" ;;
	esac
}
has_landlock() { grep -qw landlock /sys/kernel/security/lsm 2>/dev/null || "$RL" doctor --json | jq -e '.checks[] | select(.name == "landlock" and .status == "ok")' >/dev/null; }
# named TITLE: pids of our processes that call themselves so, or of a program of ours: /rl-net
named() {
	case $1 in
	/*) pgrep -f "^$T/i/[^ ]*$1 " ;;
	rl-session) leftover_processes holder | awk '{ print $2 }' ;;
	*) leftover_processes | awk -v t="$1" '$3 == t { print $2 }' ;;
	esac
}
# wait_for TITLE N: until there are that many, at most 10 s
wait_for() {
	local i
	for ((i = 0; i < 100; i++)); do
		mapfile -t pids < <(named "$1")
		[ ${#pids[@]} -ge "$2" ] && return
		sleep 0.1
	done
	not_ok "no process '$1'" "$(leftover_processes)"
	return 1
}
# A user may look into what was executed in his own namespace: "closed" is for what was not.
# locked NAME TITLE N [WALLS]: every one of them
full='nnp=1 seccomp=2 caps=0/0/0/0 * core=0 *'
locked() {
	local p w bad=()
	wait_for "$2" "$3" || return
	for p in "${pids[@]}"; do
		w=$(walls "$p")
		# shellcheck disable=SC2053 # a pattern
		[[ $w == ${4:-$full} ]] || bad+=("$p $(tr '\0' ' ' <"/proc/$p/cmdline"): $w, wanted ${4:-$full}")
	done
	if [ ${#bad[@]} = 0 ]; then ok "$1: ${4:-$full}"; else not_ok "$1" "${bad[@]}"; fi
}

port=$(free_port)
run rl run -d --name c -p "127.0.0.1:$port:80" alpine sh -c 'nc -w 1 10.0.2.2 80; exec sleep 300'
expect "a container with a network and a port" 0
locked "the pump" rl-pump 1
pump=${pids[0]}
# the loop has namespaces of its own, the reader beside it reads files of the host
locked "the packet loop and its reader" /rl-net 2
for p in "${pids[@]}"; do
	if [[ $(namespaces "$p") == user,mnt* ]]; then loop=$p; else reader=$p; fi
done
locked "the forwarder: only capabilities over its network namespace" /rl-port 1 "nnp=1 seccomp=2 caps=3000/3000/0/0 * bound=0 core=0 namespaces=user,net"
locked "the session's holder" rl-session 1
holder=${pids[0]}
# it starts containers, which would inherit a filter and no_new_privs: no rights, and closed to others
locked "the monitor" rl-monitor 1 "nnp=0 seccomp=0 caps=0/0/0/0 closed *"
monitor=${pids[0]}
w=$(walls "${loop-}")
# shellcheck disable=SC2053 # a pattern
if [[ $w == "nnp=1 seccomp=2 caps=0/0/0/0 closed bound=0 core=0 namespaces=user,mnt,ipc,uts,cgroup" ]]; then ok "the packet loop has an empty root of its own"; else not_ok "the packet loop has an empty root of its own" "$w"; fi
as_user_exec "$RL" exec -i c cat >/dev/null < <(sleep 4) &
locked "the supervisor of an exec, its pump" rl-exec 1
exec_pid=${pids[0]}

# What Landlock refuses: tried by the processes themselves; the user whom they run as may do it all.
touch "$T/home/sentinel" && chown "$TEST_UID" "$T/home/sentinel"
if has_landlock; then
	tries "the pump" "$pump" read "$T/home/sentinel" EACCES
	tries "the pump" "$pump" write "$T/home/new" EACCES
	tries "the pump" "$pump" write "$(echo "$ROOT"/containers/*)/new" EACCES
	tries "the supervisor of an exec" "$exec_pid" read "$T/home/sentinel" EACCES
	tries "the packet loop" "${loop-}" read /etc/resolv.conf EPERM
	tries "the packet loop" "${loop-}" read "$T/home/sentinel" EPERM
	tries "the reader" "${reader-}" read /etc/hosts ok
	tries "the reader" "${reader-}" write "$T/home/new" EPERM
	tries "the holder" "$holder" read "$T/home/sentinel" EACCES
	tries "the holder" "$holder" write "$T/home/new" EACCES
	check "nothing was made by that" test ! -e "$T/home/new"
else
	skip "what Landlock refuses" "this kernel has none"
fi
tries "the monitor, as its user (see SECURITY.md)" "$monitor" read "$T/home/sentinel" ok
run rl rm -f -t 0 c
wait $!

# --- archives and registries ---------------------------------------------------------------------------
mkfifo "$T/work/pipe" && chown "$TEST_UID" "$T/work/pipe"
as_user_exec "$RL" load -q -i "$T/work/pipe" >/dev/null 2>&1 &
exec 7>"$T/work/pipe"
head -c 20000 "$T/alpine.tar" >&7
# NAME N: at least N children of rl-image are locked in, and only the first process is not; who unpacks
# needs CHOWN, DAC_OVERRIDE, FOWNER, FSETID and SETFCAP over the user's own subordinate ids
walls_of_image() {
	local p free=() in=0
	for ((i = 0; i < 100; i++)); do
		free=() in=0
		for p in $(named /rl-image); do
			if [[ $(walls "$p") == "nnp=1 seccomp=2 caps="@(0/0|8000001b/8000001b)"/0/0 "*" core=0 "* ]]; then in=$((in + 1)) last=$p; else free+=("$p $(field "$p" PPid) $(walls "$p")"); fi
		done
		[ $in -ge "$2" ] && [ ${#free[@]} -le 1 ] && break
		sleep 0.1
	done
	if [ $in -ge "$2" ] && [ ${#free[@]} -le 1 ]; then ok "$1: $in locked in"; else not_ok "$1" "$in locked in, wanted $2; others:" "${free[@]}"; fi
}
walls_of_image "load: the reader of an archive" 1
[ -z "$(has_landlock && echo yes)" ] || tries "the reader of an archive" "$last" read "$T/home/sentinel" EACCES
exec 7>&-
wait $!
as_user_exec "$RL" pull -q "$H/stall" >/dev/null 2>&1 &
puller=$!
walls_of_image "pull: who talks to the registry, who unpacks" 2
if has_landlock; then
	for p in $(named /rl-image); do
		[ "$(field "$p" Seccomp)" = 2 ] || continue
		whose="who talks to the registry"
		[ "$(field "$p" CapEff)" = 0000000000000000 ] || whose="who unpacks"
		tries "$whose" "$p" read "$T/home/sentinel" EACCES
		tries "$whose" "$p" write "$T/home/new" EACCES
		tries "$whose" "$p" signal $$ EPERM
	done
fi
kill $puller
wait $puller 2>/dev/null
run rl rmi -a -f
leakcheck "nothing is left"
finish
