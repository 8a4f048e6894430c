#!/bin/bash
# net.sh - out of the container: TCP, UDP, ICMP echo and DNS, to servers in network namespaces of ours
#
# The "internet" is a network namespace with a veth pair to one in which rl runs; so addresses, the
# host's resolver and the absence of everything else are ours to choose. Needs root.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
[ "$(id -u)" = 0 ] || skip_all "needs root for network namespaces"
for p in ip socat dnsmasq /usr/bin/python3; do command -v "$p" >/dev/null || skip_all "needs $p"; done
[ -c /dev/net/tun ] || skip_all "no /dev/net/tun"

# host: where rl runs, 192.0.2.2 and 2001:db8::2; world: the other side, .1 and ::1
net_pair rlv 1
at_end+=("rm -rf /etc/netns/$host")
ip -n "$world" addr add 198.51.100.7/32 dev lo
ip -n "$host" route add default via 192.0.2.1
ip -n "$host" -6 route add default via 2001:db8::1
ip netns exec "$host" sh -c 'echo 0 2147483647 >/proc/sys/net/ipv4/ping_group_range'
mkdir -p "/etc/netns/$host"
echo 'nameserver 192.0.2.1' >"/etc/netns/$host/resolv.conf"

in_world() { ip netns exec "$world" "$@" </dev/null >>"$T/world.log" 2>&1 & MY_PIDS="$MY_PIDS $!"; }
in_world socat TCP-LISTEN:7001,fork,reuseaddr EXEC:cat
in_world socat TCP6-LISTEN:7006,fork,reuseaddr,ipv6only EXEC:cat
in_world socat UDP-LISTEN:7002,fork,reuseaddr EXEC:cat
in_world socat TCP-LISTEN:7003,fork,reuseaddr SYSTEM:'echo $SOCAT_PEERADDR'
head -c 50000000 /dev/urandom >"$T/big"
in_world socat -u OPEN:"$T/big" TCP-LISTEN:7004,reuseaddr
in_world socat -u TCP-LISTEN:7005,reuseaddr CREATE:"$T/received"
in_world dnsmasq -k --no-daemon --no-resolv --no-hosts --port=53 --listen-address=192.0.2.1 --bind-interfaces \
	--address=/test.example/198.51.100.7 --address=/six.example/2001:db8::1 --txt-record=t.example,hello --user=root --log-facility="$T/dns.log"
ip netns exec "$host" socat TCP-LISTEN:7009,bind=127.0.0.1,fork,reuseaddr EXEC:cat </dev/null >/dev/null 2>&1 &
MY_PIDS="$MY_PIDS $!"
for port in 7001 7003 7004 7005 7006 53; do soon says '?*' ip netns exec "$world" ss -Htln "sport = :$port"; done
soon says '?*' ip netns exec "$world" ss -Huln "sport = :7002"
soon says '?*' ip netns exec "$host" ss -Htln "sport = :7009"

cp "$(image alpine)" "$T/alpine.tar"
run rl load -q -i "$T/alpine.tar"
# as_user in the host's namespace; ip netns also binds its resolv.conf
as_user() { ip netns exec "$host" bash -c "$(declare -f as_user_exec); $(declare -p T TEST_UID TEST_GID TEST_USER ROOT RL_TEST_MARK USER_ENV); as_user_exec \"\$@\"" x "$@"; }
# busybox' ping knows raw sockets only
p() { run rl run --rm --cap-add net_raw docker.io/library/alpine ping "$@"; }
c() { run rl run --rm -i docker.io/library/alpine sh -c "$1"; } # stdin is passed on

c 'ip -4 addr show tap0; ip route; cat /etc/resolv.conf' </dev/null
expect "address, route, resolver" 0 "*10.0.2.100/24*default via 10.0.2.2*nameserver 10.0.2.3*"
c 'nc 198.51.100.7 7001' <<<hello
expect "TCP" 0 hello
c 'nc 2001:db8::1 7006' <<<hello6
expect "TCP over IPv6" 0 hello6
# bash speaks UDP, busybox does not
if cp "$(image debian)" "$T/debian.tar" && run rl load -q -i "$T/debian.tar" && [ $status = 0 ]; then
	run rl run --rm "${out#Loaded image: }" bash -c 'exec 3<>/dev/udp/192.0.2.1/7002; echo datagram >&3; timeout 5 dd bs=512 count=1 <&3 2>/dev/null'
	expect "UDP" 0 datagram
else
	skip "UDP" "no Debian image could be made"
fi
p -c 2 -W 3 198.51.100.7
expect "ICMP echo" 0 "*2 packets received*"
p -c 1 -W 3 10.0.2.2
expect "ICMP echo to the gateway" 0 "*1 packets received*"
c 'nslookup test.example' </dev/null
expect "DNS through the host's resolver" "*" "*198.51.100.7*"
c 'nslookup nosuch.invalid' </dev/null
expect "DNS: a name that is not there" "[1-9]*" "*"
c 'nc 198.51.100.7 7003' </dev/null
expect "the world sees the host's address" 0 192.0.2.2
c 'nc 198.51.100.7 7004 | sha256sum' </dev/null
expect "50 MB in, intact" 0 "$(sha256sum <"$T/big" | cut -d' ' -f1)*"
c 'nc 198.51.100.7 7005' <"$T/big"
soon cmp "$T/big" "$T/received"
check "50 MB out, intact" cmp "$T/big" "$T/received"
c 'nc -w 3 198.51.100.7 7099 2>&1 || echo refused' </dev/null
expect "a closed port is refused at once" 0 "*refused*"
c 'for a in 10.0.2.2 127.0.0.1; do nc -w 2 $a 7009 </dev/null && echo REACHED $a; done; true' </dev/null
expect "the host's loopback is not reachable" 0 "!(*REACHED*)"
run rl run --rm --host-port 7009 docker.io/library/alpine sh -c 'echo through | nc -w 3 host.containers.internal 7009; nc -w 3 10.0.2.2 7010 2>&1'
expect "--host-port opens that port of it and no other" "*" "through*refused*"
run rl run --rm --network slirp4netns:allow_host_loopback=true,mtu=1500,enable_ipv6=false docker.io/library/alpine sh -c 'echo through | nc -w 3 host.docker.internal 7009; ip link show tap0; ip -6 addr show tap0 scope global'
expect "slirp4netns' options" 0 "through*mtu 1500*!(*2001*|*fd00*)"
run rl run --rm --network slirp4netns:nonsense=1 docker.io/library/alpine true
expect_error "an option that is none" "*'nonsense' is not supported*"
run rl run --rm --network pasta:-t,auto docker.io/library/alpine true
expect_error "pasta's ports belong to -p" "*'-t' is not supported*"
run rl run --rm --host-port 99999 docker.io/library/alpine true
expect_error "--host-port that is none" "*--host-port '99999'*"
c 'nslookup host.containers.internal; nslookup HOST.docker.internal' </dev/null
expect "the host's names are answered by the name server as well" "*" "*10.0.2.2*fd00::2*10.0.2.2*fd00::2*"
run rl run --rm --no-hosts docker.io/library/alpine nslookup -type=a host.docker.internal
expect "also without a line in /etc/hosts" 0 "*10.0.2.2*"
printf 'search corp.example lab.example\noptions ndots:2 timeout:3\nnameserver 192.0.2.1\n' >"/etc/netns/$host/resolv.conf"
c 'cat /etc/resolv.conf' </dev/null
expect "options are the host's; its search list is looked through by the name server" 0 "options ndots:2 timeout:3?nameserver 10.0.2.3*" "!(*search*)"
run rl run --rm --dns 192.0.2.1 docker.io/library/alpine cat /etc/resolv.conf
expect "but not by another one: there it is copied" 0 "search corp.example lab.example?options ndots:2 timeout:3?nameserver 192.0.2.1*"
run rl run --rm --dns-search x.example --dns-option ndots:7 docker.io/library/alpine cat /etc/resolv.conf
expect "unless flags say something else" 0 "nameserver 10.0.2.3*search x.example*options ndots:7" "!(*corp*)"
run rl run --rm --dns 192.0.2.1 docker.io/library/alpine sh -c 'cat /etc/resolv.conf; nslookup test.example'
expect "--dns is asked directly" "*" "*nameserver 192.0.2.1*Server:*192.0.2.1*198.51.100.7*"
# the host's resolver changes while the container runs
echo 'nameserver 192.0.2.77' >"/etc/netns/$host/resolv.conf"
c 'nslookup test.example >/dev/null 2>&1 || echo none' </dev/null
expect "a resolver that does not answer" 0 "*none*"
echo 'nameserver 192.0.2.1' >"/etc/netns/$host/resolv.conf"
run rl run --rm --network none docker.io/library/alpine sh -c 'ping -c 1 -W 1 10.0.2.2 2>&1; ls /sys/class/net'
expect "--network none" 0 "*lo"
run rl run --rm --network host docker.io/library/alpine sh -c 'ip -4 addr show rlv0'
expect "--network host" 0 "*192.0.2.2/24*"
run rl run --rm docker.io/library/alpine true
expect "a container that never talks" 0
leakcheck "no packet loop is left"

finish
