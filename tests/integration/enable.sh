#!/bin/bash
# enable.sh - rl enable and disable: the unit, its link, what rl unit-run does (systemd itself: tests/vm)
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

IMG=localhost/rl-busybox
units=$T/home/.config/systemd/user

rl create --name web --stop-timeout 3 $IMG sh -c 'trap "exit 0" TERM; while :; do sleep 0.1; done' >/dev/null
run rl enable web
expect 'enable says where the unit is, and about lingering' 0 "$units/rl-web.service
'web' starts at @(login*For a start at boot: sudo loginctl enable-linger $TEST_USER|boot*)"
check 'the unit' grep -qx "ExecStart=\"$RL\" unit-run web" "$units/rl-web.service"
check '... for this store' grep -qx "Environment=\"RL_ROOT=$ROOT\"" "$units/rl-web.service"
check '... stops in time' grep -qx 'TimeoutStopSec=23' "$units/rl-web.service"
check 'it is enabled' [ "$(readlink -f "$units/default.target.wants/rl-web.service")" = "$units/rl-web.service" ]
if command -v systemd-analyze >/dev/null; then
	run systemd-analyze verify --man=no "$units/rl-web.service"
	expect 'systemd understands it' 0 '' "!(*rl-web*)"
else
	skip 'systemd understands it' 'no systemd-analyze'
fi
run rl enable web
expect 'enable again' 0

# --- what the unit runs -------------------------------------------------------------------------
cat >"$T/notify.py" <<'END'
import os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
os.chmod(sys.argv[1], 0o777)
s.settimeout(20)
print(s.recv(100).decode(), flush=True)
END
/usr/bin/python3 "$T/notify.py" "$T/notify" >"$T/ready" &
MY_PIDS="$MY_PIDS $!"
while ! [ -S "$T/notify" ]; do sleep 0.05; done
USER_ENV=(NOTIFY_SOCKET="$T/notify")
as_user_exec "$RL" unit-run web >"$T/unit" 2>&1 &
pid=$!
MY_PIDS="$MY_PIDS $pid"
for _ in {1..50}; do grep -q . "$T/ready" && break; sleep 0.1; done
check 'systemd is told when it runs' grep -qx READY=1 "$T/ready"
run rl ps --format '{{.Names}}'
expect '... and it does' 0 web
kill -TERM $pid
wait $pid
check 'SIGTERM stops it: exit 0' [ $? = 0 ]
run rl ps -a --format '{{.Names}} {{.State}}'
expect '... and it has ended' 0 'web exited'
USER_ENV=()
as_user_exec "$RL" unit-run web >"$T/unit" 2>&1 &
pid=$!
MY_PIDS="$MY_PIDS $pid"
for _ in {1..50}; do [ -z "$(rl ps -q)" ] || break; sleep 0.1; done
rl stop web >/dev/null
wait $pid
check 'rl stop ends the unit as well: exit 0' [ $? = 0 ]
# --- units of other hands: --sdnotify -----------------------------------------------------------
listen() { # NAME: one message into $T/NAME.ready
	/usr/bin/python3 "$T/notify.py" "$T/$1" >"$T/$1.ready" 2>/dev/null &
	listener=$!
	MY_PIDS="$MY_PIDS $listener"
	soon test -S "$T/$1"
	USER_ENV=(NOTIFY_SOCKET="$T/$1")
}
listen bg
run rl run -d --name told --network none --sdnotify=conmon --cgroups=no-conmon $IMG sh -c 'echo "<$NOTIFY_SOCKET>"; exec sleep 60'
soon test -s "$T/bg.ready"
check '--sdnotify conmon: the unit goes on with the monitor' grep -qx "MAINPID=$(monitor_of told)" "$T/bg.ready"
check '... and is up' grep -qx READY=1 "$T/bg.ready"
check 'the container gets no socket' soon logged told '^<>$'
run rl inspect -f '{{.Config.SdNotifyMode}}' told
expect 'inspect knows it' 0 conmon
listen fg
run rl run --rm --network none --sdnotify=conmon $IMG true
check 'in the foreground: up, and no other process' soon grep -qx READY=1 "$T/fg.ready"
if grep -q MAINPID "$T/fg.ready"; then not_ok '... no other' "$(cat "$T/fg.ready")"; else ok '... no other'; fi
listen well
run rl run -d --name well --network none --sdnotify=healthy --health-cmd true --health-interval 100ms $IMG sleep 60
check '--sdnotify healthy' soon grep -qx READY=1 "$T/well.ready"
listen not
run rl run --rm --network none --sdnotify=ignore $IMG true
check '--sdnotify ignore' [ ! -s "$T/not.ready" ]
kill $listener
USER_ENV=()
run rl run -d --rm --name nobody --network none --sdnotify=conmon $IMG sleep 60
expect 'without a socket: as ever' 0
rl rm -f -t 0 told well nobody >/dev/null
run rl run --sdnotify=container $IMG true
expect_error 'the container itself' "*cannot reach systemd's socket*conmon*"
run rl run --sdnotify=loud $IMG true
expect_error 'no mode' "*expected conmon, healthy or ignore*"
run rl run --sdnotify=healthy $IMG true
expect_error 'healthy in the foreground' "*needs '--detach'*"

rl create --name fails $IMG sh -c 'sleep 0.2; exit 9' >/dev/null
run rl unit-run fails
expect "a container's own end is the unit's" 9
rl create --name again --restart on-failure:2 $IMG sh -c 'sleep 0.2; echo run; exit 7' >/dev/null
run rl unit-run again
expect 'the restart policy is the monitor'"'"'s affair' 7
run rl logs again
expect '... which restarted it' 0 $'run\nrun\nrun'

# --- disable ------------------------------------------------------------------------------------
run rl disable web
expect 'disable prints the name' 0 web
if [ -e "$units/rl-web.service" ] || [ -L "$units/default.target.wants/rl-web.service" ]; then not_ok 'nothing of it stays' "$(ls -R "$units")"; else ok 'nothing of it stays'; fi
rl enable fails >/dev/null
rl rm -f fails >/dev/null
run rl disable fails
expect 'disable after the container is gone' 0 fails

# --- wrong uses ---------------------------------------------------------------------------------
run rl disable web
expect_error 'disable of what is not enabled' "*'web'*not enabled*"
run rl disable ../../x
expect_error 'disable of no name' "*'../../x'*"
run rl enable nobody
expect_error 'enable of an unknown container' "*'nobody'*no such container*"
rl create --rm --name brief $IMG true >/dev/null
run rl enable brief
expect_error 'enable of one with --rm' "*--rm*"
echo '[Service]' >"$units/rl-web.service"
run rl enable web
expect_error "somebody else's unit" "*not written by rl*"
run rl disable web
expect_error "... is not removed either" "*not written by rl*"
check '... and is as it was' grep -qx '\[Service\]' "$units/rl-web.service"
run rl unit-run nobody
expect_error 'unit-run of an unknown container' "*'nobody'*"
run rl enable
expect_error 'no name' '*enable needs*'
rl rm -af -t 0 >/dev/null
leakcheck 'nothing is left'
finish
