#!/bin/bash
# units.sh WHERE - in the machine, as the user with a manager: rl enable, and the log driver journald
set -u
where=$1
n=$(cat /run/rl-test-number)
image=localhost/rl-busybox
out=
XDG_RUNTIME_DIR=/run/user/$(id -u)
export XDG_RUNTIME_DIR
rl() { timeout 60 "/opt/rl/$(cat /opt/rl/bindir)/rl" "$@"; }
sc() { timeout 60 systemctl --user "$@"; }
ok() { # ok STATUS WHAT
	n=$((n + 1))
	if [ "$1" = 0 ]; then
		echo "ok $n - $where: $2"
	else
		echo "not ok $n - $where: $2"
		printf '%s\n' "$out" | tail -n 20 | sed 's/^/# /'
	fi
	echo "$n" >/run/rl-test-number
}
has() { # has WORDS WHAT
	case $out in
	*"$1"*) ok 0 "$2" ;;
	*) ok 1 "$2 (wanted: $1)" ;;
	esac
}
# soon WORDS COMMAND...: its output has the words within 15 s
soon() {
	local want=$1 i
	shift
	for ((i = 0; i < 150; i++)); do
		out=$("$@" 2>&1 | tr -d "\0")
		case $out in *"$want"*) return 0 ;; esac
		read -rt 0.1 <> <(:)
	done
	return 1
}
state() { rl ps -a --filter "name=^$1\$" --format '{{.State}}'; }

units() {
	rl create --name web --network none --memory 64m --restart on-failure $image \
		sh -c 'trap "exit 0" TERM; echo up; while :; do sleep 0.2; done' >/dev/null
	out=$(rl enable web 2>&1)
	has "starts at boot: lingering is on" "enable says that lingering is on"
	out=$(sc is-enabled rl-web 2>&1)
	has enabled "systemd knows it without a reload by hand"
	out=$(sc start rl-web 2>&1)
	ok $? "systemctl start"
	[ "$(state web)" = running ]
	ok $? "and it runs"
	out=$(sc stop rl-web 2>&1)
	ok $? "systemctl stop"
	out=$(state web; sc is-active rl-web)
	has $'exited\ninactive' "and it has ended, without a failure"
	sc start rl-web
	rl stop web >/dev/null
	soon inactive sc is-active rl-web
	ok $? "rl stop ends the unit"
	sc start rl-web
	rl kill -s KILL web >/dev/null
	soon inactive sc is-active rl-web
	ok $? "rl kill ends the unit"
	rl create --name crashes --network none --restart on-failure:1 $image sh -c 'echo once; exit 3' >/dev/null
	rl enable crashes >/dev/null
	out=$(sc start rl-crashes 2>&1)
	soon failed sc is-active rl-crashes
	ok $? "a container that fails is a unit that failed"
	out=$(rl logs crashes)
	has $'once\nonce' "after the restarts of its own policy"
	rl disable crashes >/dev/null
	out=$(sc cat rl-crashes 2>&1)
	has "No files found" "disable: systemd forgets it"
	sc reset-failed rl-crashes 2>/dev/null
	rl create --name out --network none --log-driver passthrough $image sh -c 'echo through; sleep 3' >/dev/null # journald has to see whose it is
	rl enable out >/dev/null
	sc start rl-out
	# with a scope of its own the line is the scope's, else the unit's
	soon through journalctl --user -q -o cat -n 100
	ok $? "log driver passthrough: the journal of the unit that started it"
	echo "# $where: $(journalctl --user -q -o json MESSAGE=through | grep -o '"_SYSTEMD_USER_UNIT":"[^"]*"' | tail -n 1)"
	rl disable out >/dev/null
	rl rm -f out crashes >/dev/null
}

journal() {
	local text # the pauses: two pipes have no order of their own
	rl run -d --name j --network none --log-driver journald --log-opt 'tag={{.Name}}-tag' $image sh -c \
		'echo out; sleep 0.5; echo err >&2; sleep 0.5; printf "\377raw\n"; printf part; sleep 0.2; echo ial; head -c 100000 /dev/zero | tr "\000" x; echo' >/dev/null
	rl wait j >/dev/null
	soon CONTAINER_TAG=j-tag journalctl -q -o export CONTAINER_NAME=j
	ok $? "journald: CONTAINER_NAME, CONTAINER_TAG"
	has "CONTAINER_ID_FULL=" "journald: CONTAINER_ID_FULL"
	text=$(soon partial rl logs j 2>/dev/null; printf '%s\n' "$out" | cut -c1-40)
	out=$text
	has $'out\nerr' "rl logs reads it back"
	has partial "parts of a line are one line"
	out=$(rl logs j 2>/dev/null | tail -n 1 | wc -c)
	has 100001 "a long line is whole"
	out=$(rl logs j 2>&1 >/dev/null)
	[ "$out" = err ]
	ok $? "stderr is stderr"
	rl run -d --name k --network none --log-driver journald $image sh -c 'for i in 1 2 3; do echo k$i; sleep 0.3; done' >/dev/null
	out=$(rl logs -f k 2>&1)
	has $'k1\nk2\nk3' "rl logs -f follows until the end"
	out=$(rl logs --tail 1 k 2>&1)
	[ "$out" = k3 ]
	ok $? "rl logs --tail"
	rl rm j k >/dev/null
}

case $where in
units)
	units
	journal
	;;
reboot)
	soon running state web
	ok $? "an enabled container comes up with the manager"
	out=$(sc is-active rl-web)
	has active "and so does its unit"
	rl disable web >/dev/null
	out=$(rl rm -f web 2>&1)
	ok $? "it is removed while its unit runs"
	soon inactive sc is-active rl-web
	ok $? "which ends the unit"
	;;
esac
exit 0
