#!/bin/bash
# network_more.sh - networks beyond the first day: routes, reserved addresses, other servers, both shapes of
# inspect; what becomes of an address when others share the network of who had it
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
[ -c /dev/net/tun ] || skip_all "no /dev/net/tun"
cp "$(image alpine)" "$T/alpine.tar"
run rl load -q -i "$T/alpine.tar"
i=docker.io/library/alpine

# --- create: what there is beside subnets
run rl network create --subnet 10.124.7.0/24 --ip-range 10.124.7.0/29 --aux-address router=10.124.7.2 --aux-address "old=10.124.7.4" \
	--route 10.200.0.0/16,10.124.7.77 --route 10.201.0.0/16,10.124.7.78,42 --route unreachable,10.202.0.0/16 \
	--interface-name br-web -o mtu=1400 -o isolate=true -o com.docker.network.bridge.enable_icc=true web
expect "create with routes, reserved addresses and a bridge's name" 0 web
for w in "--aux-address x" "--aux-address x=10.9.9.9" "--aux-address =10.124.8.5" "--aux-address x=10.124.8.1" "--route 10.1.0.0/16" "--route 10.1.0.0/16,10.9.9.9" \
	"--route x,10.124.8.9" "--route 0.0.0.0/0,10.124.8.9" "--route 10.1.0.0/16,10.124.8.9,x" "--route 10.1.0.0/16,fd00::9" \
	"--interface-name a/b" "--interface-name lo" "-o com.docker.network.bridge.enable_icc=false"; do
	# shellcheck disable=SC2086 # flags and values
	run rl network create --subnet 10.124.8.0/24 $w other
	expect_error "create $w" "*"
done
run rl network inspect web
shape=$(jq -r '.[0] | [.name, .network_interface, .subnets[0].subnet, .routes[0].destination, .routes[0].gateway, .routes[0].metric,
	.routes[1].metric, .routes[2].route_type, .Name, .Scope, .IPAM.Config[0].Subnet, .IPAM.Config[0].Gateway,
	.IPAM.Config[0].AuxiliaryAddresses.router, .Options.mtu, (.Id == .id), .EnableIPv6, .Ingress] | map(tostring) | join(" ")' <<<"$out")
if [ "$shape" = "web br-web 10.124.7.0/24 10.200.0.0/16 10.124.7.77 100 42 unreachable web local 10.124.7.0/24 10.124.7.1 10.124.7.2 1400 true false false" ]; then ok "inspect in Podman's shape and in Docker's"; else not_ok "inspect in both shapes" "$shape"; fi
run rl network inspect -f '{{range .IPAM.Config}}{{.Subnet}}{{end}} {{range .Subnets}}{{.Subnet}}{{end}} {{.DNSEnabled}} {{.NetworkInterface}} {{.Driver}} {{.Scope}}' web
expect "templates of both" 0 "10.124.7.0/24 10.124.7.0/24 true br-web bridge local"

run rl run -d --name a --network web $i sleep 300
run rl run -d --name b --network web $i sleep 300
run rl inspect -f '{{.NetworkSettings.Networks.web.IPAddress}}' a b
expect "reserved addresses are passed over" 0 $'10.124.7.3\n10.124.7.5'
run rl run --rm --network web --ip 10.124.7.2 $i true
expect_error "nor can they be asked for" "*10.124.7.2 of network 'web' is reserved*"
run rl exec a ip route
expect "routes in the container" 0 "*10.200.0.0/16 via 10.124.7.77 dev eth0*metric 100*10.201.0.0/16 via 10.124.7.78 dev eth0*metric 42*unreachable 10.202.0.0/16*"
run rl exec a cat /sys/class/net/eth0/mtu
expect "and the MTU" 0 1400
run rl network inspect -f '{{range $k, $v := .Containers}}{{$v.Name}} {{$v.IPv4Address}};{{end}}' web
expect "who is on it, in Docker's words" 0 "*a 10.124.7.3/24;*"

# --- update
run rl network update --dns-add 192.0.2.53,192.0.2.54 web
expect "update --dns-add" 0 ""
run rl network update --dns-drop 192.0.2.53 --dns-add 192.0.2.55 web
expect "update --dns-drop and --dns-add" 0 ""
run rl network inspect -f '{{.network_dns_servers}}' web
expect "inspect says so" 0 '\[192.0.2.54 192.0.2.55\]'
run rl exec a nslookup b
expect "names are answered as before" 0 "*10.124.7.5*"
run rl network update --dns-drop 192.0.2.99 web
expect_error "one that it does not have" "*has no name server '192.0.2.99'*"
run rl network update --dns-add x web
expect_error "no address" "*'x' is no address*"
run rl network update web
expect_error "nothing to change" "*--dns-add*"
run rl network update --dns-add 192.0.2.1 nothing
expect "no such network" 1 "" "*no such network*"
run rl network update --dns-drop 192.0.2.54 --dns-drop 192.0.2.55 web
run rl network inspect web
expect "none is left" 0 "!(*network_dns_servers*)"

# --- an address and who shares the network of its container
run rl network create --subnet 10.124.9.0/24 --ip-range 10.124.9.8/32 small
run rl run -d --name x --network small $i sleep 300
run rl run -d --name y --network container:x $i sleep 300
run rl run -d --name keeper --network small --ip 10.124.9.100 $i sleep 300
run rl exec y ip -4 addr show eth0
expect "y has the address of x" 0 "*10.124.9.8/24*"
run rl run --rm --network small $i true
expect_error "there is no other address" "*all addresses of network 'small' are in use*"
run rl stop -t 0 x
gone() { # the interface has left y
	local n
	for ((n = 0; n < 100; n++)); do
		rl exec y test -e /sys/class/net/eth0 >/dev/null 2>&1 || return 0
		sleep 0.05
	done
	return 1
}
check "x ends: the interface leaves y as well" gone
takes_it() { # IMAGE; the lease goes right after the interface
	run rl run --rm --network small "$1" ip -4 addr show eth0
	[ "$status" = 0 ]
}
soon takes_it $i
expect "and the address is free" 0 "*10.124.9.8/24*"
run rl start x
run rl restart -t 0 y
run rl exec y ip -4 addr show eth0
expect "both again" 0 "*10.124.9.8/24*"
as_user kill -9 "$(monitor_of x)"
for ((n = 0; n < 100; n++)); do # until its lock is free
	rl run --rm --network small $i true >/dev/null 2>&1 && break
	sleep 0.05
done
check "the monitor of x is killed: who takes the address takes the interface from y" gone
run rl rm -f -t 0 a b x y keeper
run rl network rm web small
leakcheck "nothing is left"
finish
