#!/bin/bash
# network.sh - named networks: made and removed, addresses, names, isolation, connect and disconnect
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
[ -c /dev/net/tun ] || skip_all "no /dev/net/tun"
cp "$(image alpine)" "$T/alpine.tar"
run rl load -q -i "$T/alpine.tar"
i=docker.io/library/alpine

# look CONTAINER NAME: what a container finds by a name
look() { rl exec "$1" nslookup "$2" 2>/dev/null | sed -n '/^Name:/,$ s/^Address: *//p' | sort | tr '\n' ' '; }
# says NAME WANT CMD...: the output of CMD, polled for a while
says() {
	local what=$1 want=$2 got='' n
	shift 2
	for ((n = 0; n < 40; n++)); do
		got=$("$@" 2>&1)
		# shellcheck disable=SC2053 # a pattern
		[[ $got == $want ]] && ok "$what" && return
		sleep 0.1
	done
	not_ok "$what" "got '$got'" "wanted '$want'"
}

# --- create, ls, inspect, rm
run rl network create --subnet 10.123.7.0/24 --ip-range 10.123.7.64/26 --label k=v one
expect "create prints the name" 0 one
run rl network create --subnet 10.123.8.0/24 --subnet fd12:3456:789a::/64 two
expect "create with two families" 0 two
run rl network create --internal --ipv6 closed
expect "create --internal --ipv6" 0 closed
run rl network create one
expect_error "a name that is taken" "*'one' exists already*"
run rl network create --ignore one
expect "--ignore" 0 one
run rl network create --subnet 10.123.7.128/25 other
expect_error "a subnet that is taken" "*'10.123.7.128/25' is already used by network 'one'*--subnet*"
run rl network create --subnet 10.0.2.0/25 other
expect_error "the subnet that every container has" "*'10.0.2.0/25'*"
for w in "--subnet 10.1.0.0" "--subnet 10.1.0.0/31" "--gateway 10.9.9.9" "--ip-range 10.9.9.0/28" "--dns x" \
	"-o mtu=7" "-o nonsense=1" "--driver macvlan" "--ipam-driver dhcp" "--gateway x"; do
	# shellcheck disable=SC2086 # a flag and its value
	run rl network create $w other
	expect_error "create $w" "*"
done
for w in host none bridge podman "a/b" "-x" ""; do
	run rl network create -- "$w"
	expect_error "no name for a network: '$w'" "*"
done
run rl network ls -q
expect "ls -q" 0 $'closed\none\ntwo'
run rl network ls --filter label=k=v --format '{{.Name}} {{.Driver}}'
expect "ls by label" 0 "one bridge"
run rl network ls --filter label=k=v --format '{{.Labels}} {{.Label "k"}} {{.Routes}} {{.NetworkDNSServers}}'
expect "labels as text" 0 'k=v v \[\] \[\]' ''
run rl network ls --format json
if [ "$(jq -r '.[0].name + " " + (.[0].internal | tostring)' <<<"$out")" = "closed true" ]; then ok "ls as JSON"; else not_ok "ls as JSON" "$out"; fi
run rl network inspect one
if [ "$(jq -r '.[0] | .name, .subnets[0].subnet, .subnets[0].gateway, .subnets[0].lease_range.start_ip, .labels.k' <<<"$out" | tr '\n' ' ')" = "one 10.123.7.0/24 10.123.7.1 10.123.7.64 v " ]; then ok "inspect"; else not_ok "inspect" "$out"; fi
run rl network inspect -f '{{range .subnets}}{{.subnet}} {{end}}' two
expect "inspect by template" 0 "10.123.8.0/24 fd12:3456:789a::/64 "
run rl network exists one
expect "exists" 0
run rl network exists nothing
expect "exists: no" 1
run rl network rm nothing
expect "rm of what is not there" 1 "" "*no such network*"
run rl network rm -f nothing
expect "rm -f of it" 0

# --- containers on them
run rl run -d --name a --network one --hostname hosta --network-alias al $i sleep 300
expect "a container on a network" 0
run rl run -d --name b --network one:ip=10.123.7.9,mac=02:00:00:00:00:09,alias=db --network two $i sleep 300
expect "one on two networks, address and MAC chosen" 0
run rl run -d --name c --network two --ip6 fd12:3456:789a::77 $i sleep 300
expect "a chosen IPv6 address" 0
run rl inspect -f '{{.NetworkSettings.Networks.one.IPAddress}} {{.NetworkSettings.Networks.one.MacAddress}} {{.NetworkSettings.Networks.one.Gateway}} {{.NetworkSettings.IPAddress}}' b
expect "inspect of the container" 0 "10.123.7.9 02:00:00:00:00:09 10.123.7.1 10.123.7.9"
run rl inspect -f '{{.NetworkSettings.Networks.one.IPAddress}}' a
expect "an address of the range" 0 "10.123.7.64"
run rl exec b sh -c 'ip -o -4 addr show eth0; ip -o -6 addr show eth1 scope global; ip link show eth0'
expect "interfaces, addresses, MAC inside" 0 "*10.123.7.9/24*fd12:3456:789a::*02:00:00:00:00:09*"
run rl exec b cat /etc/hosts
expect "its own address in /etc/hosts" 0 "*10.123.7.9?*b*"
for n in a hosta al a.one a.one.rl.internal "$(rl inspect -f '{{.Id}}' a | cut -c1-12)"; do
	says "found as $n" "10.123.7.64 " look b "$n"
done
says "an alias" "10.123.7.9 " look a db
says "IPv4 and IPv6 of one" "10.123.8.* fd12:3456:789a::77 " look b c
says "an address asked back" "*b.rl.internal*" rl exec a nslookup 10.123.7.9
run rl exec a nslookup c
expect "names of other networks are not told" 1
run rl exec a nslookup nobody.rl.internal
expect "nobody has that name" 1 "*NXDOMAIN*" "*"
rl exec -d b sh -c 'while true; do nc -l -p 80 -e echo here-b; done' >/dev/null
rl exec -d c sh -c 'while true; do nc -l -p 80 -e echo here-c; done' >/dev/null
says "they reach each other" here-b rl exec a nc -w 2 10.123.7.9 80
says "over IPv6" here-c rl exec b nc -w 2 fd12:3456:789a::77 80
run rl exec a nc -w 1 "$(rl inspect -f '{{.NetworkSettings.Networks.two.IPAddress}}' c)" 80
if [ -z "$out" ]; then ok "networks do not reach each other"; else not_ok "networks do not reach each other" "$status '$out'"; fi
# over TCP the same: only root can put a program of the host in there
ask_tcp() { nsenter -t "$(rl inspect -f '{{.State.Pid}}' a)" -n /usr/bin/python3 "$(dirname "$0")/net_peer.py" ask "$1" "$2" tcp; }
if [ "$(id -u)" = 0 ] && [ -x /usr/bin/python3 ]; then
	says "names over TCP" "*answers 1 *10.123.7.9 id same*" ask_tcp db 10.0.2.3
	says "the host's as well" "*answers 1 *10.0.2.2 id same*" ask_tcp host.containers.internal 10.0.2.3
	says "and who is not there" "rcode 3 *" ask_tcp nobody.rl.internal 10.0.2.3
else
	skip "names over TCP" "needs root and python3"
fi
run rl network rm one
expect "rm of one in use" 2 "" "*'one' is used by container*"
run rl run --rm --network one --ip 10.123.7.9 $i true
expect_error "an address that is used" "*10.123.7.9 is used by container 'b'*"
run rl run --rm --network one --ip 10.9.9.9 $i true
expect_error "an address of another subnet" "*10.9.9.9 is not one of network 'one'*"
run rl run --rm --network nothing $i true
expect_error "a network that is not there" "*no such network: 'nothing'*rl network create*"
for w in "--ip 10.1.1.1" "--network-alias x" "--mac-address 02:00:00:00:00:01" "--network none --ip 10.1.1.1" \
	"--network one --network host" "--network one --network one" "--network one:nonsense=1" \
	"--network one:ip=x" "--network one --network two --ip 10.123.7.5" "--network one --mac-address 01:00:00:00:00:00"; do
	# shellcheck disable=SC2086 # flags and values
	run rl run --rm $w $i true
	expect_error "run $w" "*"
done
run rl ps --filter network=two --format '{{.Names}} {{.Networks}}'
expect "ps by network" 0 $'c two\nb one,two'

# --- connect and disconnect while they run
run rl network connect --ip 10.123.8.40 --alias late two a
expect "connect" 0 ""
says "the name is there at once" "10.123.8.40 fd12:3456:789a::*" look c late
says "traffic as well" here-c rl exec a nc -w 2 c 80
rl exec a sh -c 'echo 192.0.2.9 mine-own >>/etc/hosts'
run rl network connect two a
expect_error "twice" "*'a' is on network*already*"
says "its own address in /etc/hosts follows" 1 rl exec a grep -c '10\.123\.8\.40' /etc/hosts
run rl network disconnect two a
expect "disconnect" 0 ""
run rl exec a cat /etc/hosts
expect "and goes; other lines stay" 0 "!(*10.123.8.40*)"
says "its own lines too" 1 rl exec a grep -c mine-own /etc/hosts
run rl exec c nslookup late
expect "the name is gone" 1
run rl exec a ls /sys/class/net
expect "the interface is gone" 0 $'eth0\nlo\ntap0'
run rl run -d --name mover --network one --network two --cap-add net_admin $i sleep 300
run rl exec mover sh -c 'ip link set eth1 down && ip link set eth1 name mine && ip link set mine up && ls /sys/class/net'
expect "a container renames its interface" 0 $'eth0\nlo\nmine\ntap0'
run rl network disconnect two mover
expect "it is disconnected" 0
run rl exec mover ls /sys/class/net
expect "and has left all the same" 0 $'eth0\nlo\ntap0'
run rl rm -f -t 0 mover
run rl network disconnect two a
expect_error "from where it is not" "*'a' is not on network 'two'*"
run rl run -d --name plain $i sleep 300
run rl network connect one plain
expect "a private container can be connected" 0
says "and finds others" "10.123.7.64 " look plain a
run rl run -d --name bare --network none $i sleep 300
run rl network connect one bare
expect_error "one without a network cannot" "*'bare' has no network of its own*"
run rl rename b renamed
says "a new name is known at once" "10.123.7.9 " look a renamed
run rl exec a nslookup b
expect "the old one is forgotten" 1
run rl events --since 5m --until 0s --filter type=network --format '{{.Status}} {{.Name}}'
expect "events" 0 "*connect two*disconnect two*connect one*"

# --- a restart, and kill -9 of a monitor
run rl restart -t 0 renamed
expect "restart" 0
says "it is found again, at its address" "10.123.7.9 " look a renamed
says "on its other network too" "10.123.8.* fd12:3456:789a::*" look c renamed
rl exec -d renamed sh -c 'while true; do nc -l -p 80 -e echo again; done' >/dev/null
says "and reached" again rl exec a nc -w 2 10.123.7.9 80
as_user kill -9 "$(monitor_of a)"
says "a monitor is killed: the others go on" again rl exec plain nc -w 2 10.123.7.9 80
run rl exec renamed nslookup a
expect "its names go with it, before anybody has looked" 1
run rl run --rm --network one --network-alias fresh $i nslookup renamed
expect "who comes next finds the same network" 0 "*10.123.7.9*"

# --- the way out over IPv6: from the network's address, and answers come back
six() { # a host with nothing but an IPv6 address, and a server on it
	ip link set lo up && ip -6 addr add fd77::1/128 dev lo nodad || exit 1
	timeout 60 /usr/bin/python3 -c 'import socket
s = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
s.bind(("fd77::1", 8077))
s.listen()
while True:
    c = s.accept()[0]
    c.sendall(b"hello over six\n")
    c.close()' &
	server=$!
	trap 'kill $server' EXIT
	as_user_exec timeout 50 "$RL" run --rm --network two --ip6 fd12:3456:789a::99 "$1" sh -c \
		'ip -6 route get fd77::1; for n in 1 2 3 4 5; do nc -w 5 fd77::1 8077 </dev/null && break; sleep 1; done'
}
if [ "$(id -u)" = 0 ] && unshare -n ip -6 addr add ::2/128 dev lo nodad 2>/dev/null; then
	run unshare -n bash -c "$(declare -f as_user_exec six); $(declare -p T TEST_UID TEST_GID TEST_USER ROOT RL RL_TEST_MARK USER_ENV); six $i"
	expect "IPv6 leaves with the address of the network" 0 "*via fd00::2*src fd12:3456:789a::99*hello over six*"
else
	skip "IPv6 leaves with the address of the network" "needs root and IPv6"
fi

# --- the bridge's memory for addresses is bounded (Linux 6.7); only root can look there
flood() { # from 10000 addresses, then what the bridge knows
	local pid fd
	pid=$(rl inspect -f '{{.State.Pid}}' renamed)
	nsenter -t "$pid" -n timeout 30 /usr/bin/python3 -c 'import socket
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind(("eth0", 0))
for k in range(10000):
    s.send(b"\xff" * 6 + b"\x02\x99" + k.to_bytes(4, "big") + b"\x88\xb5" + b"x" * 46)'
	for fd in "/proc/$(monitor_of renamed)"/fd/*; do
		[[ $(readlink "$fd") == net:* ]] && nsenter --net="$fd" bridge fdb show br br0
	done 2>/dev/null | grep -c ' dev v'
}
if [ "$(id -u)" = 0 ] && command -v bridge >/dev/null && [ "$(printf '%s\n' 6.7 "$(uname -r)" | sort -V | head -1)" = 6.7 ]; then
	n=$(flood)
	if [ "${n:-0}" -gt 1000 ] && [ "$n" -lt 9000 ]; then ok "a flood of addresses is cut off"; else not_ok "a flood of addresses" "'$n'"; fi
else
	skip "a flood of addresses" "needs root and Linux 6.7"
fi

# --- no way out
run rl run -d --name in1 --network closed $i sleep 300
run rl run -d --name in2 --network closed --cap-add net_admin --cap-add net_raw $i sleep 300
says "names on an internal network" "10.89.* fd*" look in1 in2
run rl exec in1 cat /proc/sys/net/ipv4/ip_forward
expect "no container forwards" 0 0
run rl exec in1 ip route
if [[ $out != *default* ]]; then ok "no default route"; else not_ok "no default route" "$out"; fi
port=$(free_port)
/usr/bin/python3 -m http.server --bind 0.0.0.0 "$port" -d "$T/run" >/dev/null 2>&1 &
MY_PIDS="$MY_PIDS $!"
at_end+=("kill $!")
host=$(ip -o -4 route get 192.0.2.1 2>/dev/null | sed -n 's/.* src \([0-9.]*\).*/\1/p')
[ -n "$host" ] || host=$(hostname -I | cut -d' ' -f1)
run rl exec in2 sh -c "ip route add default via 10.0.2.2; nc -w 1 $host $port </dev/null; nslookup example.com"
if [ "$status" != 0 ] && [[ $out == *NXDOMAIN* ]]; then ok "not with a route of its own either"; else not_ok "a way out of an internal network" "$status $out"; fi

# --- --rm -f, prune, what is left
run rl network prune -f
expect "prune: all are in use" 0 ""
run rl rm -f -t 0 in1 in2 c bare
run rl network prune -f
expect "prune" 0 closed
run rl network rm -f -t 0 one two
expect "rm -f removes the containers" 0 $'one\ntwo'
run rl ps -aq
expect "they are gone" 0 ""
run rl network ls -q
expect "no network is left" 0 ""
leakcheck "nothing is left"
finish
