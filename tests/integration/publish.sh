#!/bin/bash
# publish.sh - published ports: who reaches the container, as whom the container sees him, what is refused
#
# rl runs in one network namespace ("host"), clients come from its loopback and from a second
# namespace over a veth pair. Needs root.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
[ "$(id -u)" = 0 ] || skip_all "needs root for network namespaces"
for p in ip ss jq /usr/bin/python3; do command -v "$p" >/dev/null || skip_all "needs $p"; done
[ -c /dev/net/tun ] || skip_all "no /dev/net/tun"

net_pair rlp 9
ip -n "$host" addr add 192.0.2.3/24 dev rlp0

as_user() { ip netns exec "$host" bash -c "$(declare -f as_user_exec); $(declare -p T TEST_UID TEST_GID TEST_USER ROOT RL_TEST_MARK USER_ENV); as_user_exec \"\$@\"" x "$@"; }
peer() { timeout 60 ip netns exec "$1" /usr/bin/python3 "$SRC/tests/integration/port_peer.py" "${@:2}" 2>&1; }
# see WHAT WANTED COMMAND...: like expect, for a client's words
see() {
	local what=$1 want=$2 got
	shift 2
	got=$("$@")
	# shellcheck disable=SC2053 # a pattern
	if [[ $got == $want ]]; then ok "$what"; else not_ok "$what" "got: $got" "wanted: $want"; fi
}

cp "$(image alpine)" "$T/alpine.tar"
run rl load -q -i "$T/alpine.tar"
cp "$SRC/tests/integration/port_peer.py" "$T/peer.py"
chmod 644 "$T/peer.py"
# the host's root below /host: the server is a Python program, the image has none
serve() { run rl run -d -v /:/host:ro "$@" docker.io/library/alpine chroot /host /usr/bin/python3 "$T/peer.py" serve; }
wait_ready() {
	local i
	for ((i = 0; i < 100; i++)); do
		[[ $(rl logs "$1" 2>/dev/null) == *ready* ]] && return
		sleep 0.05
	done
}

serve --name web -p 8080:80 -p 127.0.0.1:8181:81 -p 9090:90/udp -p 8200-8202:200-202 -p 80
expect "run with published ports" 0
wait_ready web
run rl port web
expect "rl port" 0 "*80/tcp -> 0.0.0.0:8080*"
run rl ps --format '{{.Ports}}'
expect "ps shows them" 0 "*0.0.0.0:8080->80/tcp*"
random=$(jq -r '.ports[] | select(.container_port == 80 and .host_port != 8080) | .host_port' "$ROOT"/containers/*/state.json)

see "from elsewhere: the client's own address and port" "peer 192.0.2.9 +([0-9]) me 192.0.2.9 *" peer "$world" tcp 192.0.2.2 8080
got=$(peer "$world" tcp 192.0.2.2 8080)
see "the same port on both sides" "same" bash -c 'set -- $0; [ "$3" = "$6" ] && echo same || echo "$@"' "$got"
see "over IPv6" "peer 2001:db8::9 +([0-9]) me 2001:db8::9 *" peer "$world" tcp 2001:db8::2 8080
see "from the host's loopback: the gateway" "peer 10.0.2.2 *" peer "$host" tcp 127.0.0.1 8080
see "from ::1" "peer fd00::2 *" peer "$host" tcp ::1 8080
see "from the host's own address" "peer 192.0.2.2 *" peer "$host" tcp 192.0.2.2 8080
see "a random port" "peer 192.0.2.9 *" peer "$world" tcp 192.0.2.2 "${random:-1}"
see "a port on 127.0.0.1 is not there for others" "failed: *" peer "$world" tcp 192.0.2.2 8181
see "but for the host" "peer 10.0.2.2 *" peer "$host" tcp 127.0.0.1 8181
see "a server that is not there: no greeting" "failed: *" peer "$world" tcp 192.0.2.2 8201
see "UDP" "192.0.2.9 +([0-9]):one me 192.0.2.9 *192.0.2.9 +([0-9]):two *" peer "$world" udp 192.0.2.2 9090
see "UDP to the second address: the answer comes from it" "192.0.2.9 *:two *" peer "$world" udp 192.0.2.3 9090
see "UDP over IPv6" "2001:db8::9 *:two *" peer "$world" udp 2001:db8::2 9090
see "UDP from loopback" "*:two *" peer "$host" udp 127.0.0.1 9090
see "100 MB there and back" "same" peer "$world" bulk 192.0.2.2 8080 100
see "100 MB over IPv6" "same" peer "$world" bulk 2001:db8::2 8080 100
see "the end of one direction" "last words" peer "$world" half 192.0.2.2 8080

# nothing but the published ports listens (S66)
run bash -c "ip netns exec $host ss -Htlnp | awk '/rl/ { print \$4 }' | sort | tr '\n' ' '"
others=$(tr ' ' '\n' <<<"$out" | grep -vE "^(0\.0\.0\.0|\[::\]):(8080|820[0-2]|${random:-1})$|^127\.0\.0\.1:8181$|^$")
if [ -n "$out" ] && [ -z "$others" ]; then ok "no other port is open"; else not_ok "no other port is open" "$out" "too many: $others"; fi
# connections come and go: nothing stays
forwarder=$(ip netns exec "$host" ss -tlnp 'sport = :8080' | grep -o 'pid=[0-9]*' | cut -d= -f2 | while read -r p; do [ "$(cat /proc/"$p"/comm)" = rl-port ] && echo "$p"; done | head -1)
fds() { find "/proc/$forwarder/fd" -mindepth 1 2>/dev/null | wc -l; }
peer "$world" many 192.0.2.2 8080 100 >/dev/null
last=-1
settled() { local n=$last; last=$(fds); [ "$n" = "$last" ]; } # those that just ended are closed
soon settled
before=$(fds)
see "2000 connections one after another" 2000 peer "$world" many 192.0.2.2 8080 2000
few() { [ "$(fds)" -le $((before + 2)) ]; }
soon few
after=$(fds)
if [ -n "$forwarder" ] && [ "$before" -gt 0 ] && [ "$after" -le $((before + 2)) ]; then
	ok "no descriptor stays"
else
	not_ok "no descriptor stays" "forwarder '$forwarder', before $before, after $after"
fi
# what protects the forwarder is on
see "no_new_privs and seccomp" "*NoNewPrivs:?1*Seccomp:?2*" cat "/proc/$forwarder/status"
see "two capabilities are left" "*CapPrm:?0000000000003000*CapBnd:?0000000000000000*" cat "/proc/$forwarder/status"

run rl run --rm -p 8080:80 docker.io/library/alpine true
expect_error "a port in use names its container" "*8080/tcp*in use*'web'*-p 8081:80 is free*"
ip netns exec "$host" /usr/bin/python3 -c 'import socket,time;s=socket.socket();s.bind(("0.0.0.0",8300));s.listen();time.sleep(100)' &
MY_PIDS="$MY_PIDS $!"
soon says '*8300*' ip netns exec "$host" ss -Htln 'sport = :8300'
run rl create --name taken -p 8300:80 docker.io/library/alpine true
expect_error "or another program's" "*8300/tcp*in use*"
run rl ps -a --format '{{.Names}}'
expect "and leaves nothing" 0 "web"
run rl run --rm -p 80:80 docker.io/library/alpine true
expect_error "a privileged port" "*80/tcp*ip_unprivileged_port_start=80*"
run rl run --rm -p 8080:80/sctp docker.io/library/alpine true
expect_error "SCTP" "*SCTP*"
run rl run --rm -p 1-3:7-8 docker.io/library/alpine true
expect_error "ranges of different length" "*differ in length*"
run rl run --rm -p nonsense docker.io/library/alpine true
expect_error "nonsense" "*'nonsense' is not a port*8080:80*"
run rl run --rm -p 198.51.100.1:81:80 docker.io/library/alpine true
expect_error "an address that is not ours" "*198.51.100.1*"
run rl run --rm --network host -p 8400:80 docker.io/library/alpine true
expect "with the host's network: a warning" 0 "" "*left out*"

run rl inspect -f '{{.NetworkSettings.ClientAddress.IPv4}} {{.NetworkSettings.ClientAddress.IPv6}} {{.NetworkSettings.Helpers.Error}}' web
expect "inspect: the container sees the client's address" 0 "client client "
# rl-port dies: another one follows; the monitor dies: the ports are free
kill -9 "$forwarder"
for ((i = 0; i < 100; i++)); do
	[[ $(rl inspect -f '{{.NetworkSettings.Helpers}}' web) == *forwarder* ]] && break
	sleep 0.05
done
run rl inspect -f '{{.NetworkSettings.Helpers.Down}} {{.NetworkSettings.Helpers.Error}}' web
expect "its death is in inspect" 0 "false *port forwarder died: signal 9; it is started again"
run rl ps --format '{{.Status}}'
expect "and in ps" 0 'Up *network restarted?'
run rl events --stream=false --since 10m --filter event=network_died --format '{{.Name}} {{.Attributes.helper}} {{.Attributes.restarted}}'
expect "and an event" 0 "web port forwarder true"
see "after kill -9 of the forwarder" "peer 192.0.2.9 *" peer "$world" tcp 192.0.2.2 8080
run rl stop -t 0 web
run rl start web
expect "start again" 0
wait_ready web
see "the ports are back" "peer 192.0.2.9 *" peer "$world" tcp 192.0.2.2 8080
see "the random one is the same" "peer 192.0.2.9 *" peer "$world" tcp 192.0.2.2 "${random:-1}"
monitor=$(monitor_of web)
kill -9 "${monitor:-0}"
soon says '' ip netns exec "$host" ss -Htln 'sport = :8080'
see "after kill -9 of the monitor nobody listens" "" ip netns exec "$host" ss -Htln 'sport = :8080'
run rl rm -f web
expect "rm" 0

busy=0
for i in 1 2 3 4 5 6; do
	run rl run --rm -p 8500:80 docker.io/library/alpine true
	[ $status = 0 ] || busy=$((busy + 1))
done
if [ $busy = 0 ]; then ok "a port is free when run --rm returns"; else not_ok "a port is free when run --rm returns" "$busy of 6: $err"; fi
run rl run -d --name p -P --expose 85 --expose 86/udp docker.io/library/alpine sleep 60
run rl port p
expect "-P with --expose" 0 "*85/tcp -> 0.0.0.0:*86/udp -> 0.0.0.0:*"
run rl rm -f -t 0 p
leakcheck "no forwarder is left"

finish
