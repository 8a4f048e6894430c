#!/bin/bash
# net_servers.sh - a container's network with real programs: nginx, dnsmasq, iperf3, ping, a VPN that comes
#
# rl runs in one network namespace ("host") with a leg into a second ("world") and, when the VPN is up, into
# a third ("vpn"), which has a resolver of its own. Needs root.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
[ "$(id -u)" = 0 ] || skip_all "needs root for network namespaces"
for p in ip ss socat dnsmasq nginx iperf3 jq /usr/bin/python3; do command -v "$p" >/dev/null || skip_all "needs $p"; done
[ -c /dev/net/tun ] || skip_all "no /dev/net/tun"
i=docker.io/library/alpine

host=rlsh$$ world=rlsw$$ vpn=rlsv$$
for ns in $host $world $vpn; do ip netns add "$ns" || skip_all "no network namespaces"; done
for ns in $world $vpn $host; do at_end+=("ip netns pids $ns | xargs -r kill -9" "ip netns del $ns"); done
at_end+=("rm -rf /etc/netns/$host")
ip link add rls0 netns $host type veth peer name rls1 netns $world
ip link add rlv0 netns $host type veth peer name rlv1 netns $vpn
ip -n $host addr add 192.0.2.2/24 dev rls0
ip -n $world addr add 192.0.2.9/24 dev rls1
ip -n $host -6 addr add 2001:db8::2/64 dev rls0 nodad
ip -n $world -6 addr add 2001:db8::9/64 dev rls1 nodad
ip -n $host addr add 10.77.0.2/24 dev rlv0
ip -n $vpn addr add 10.77.0.1/24 dev rlv1
ip -n $vpn addr add 10.88.0.7/32 dev lo
for ns in $host $world $vpn; do ip -n "$ns" link set lo up; done
ip -n $host link set rls0 up
ip -n $world link set rls1 up
ip -n $vpn link set rlv1 up
ip -n $host route add default via 192.0.2.9
ip -n $host -6 route add default via 2001:db8::9
ip netns exec $host sh -c 'echo 0 2147483647 >/proc/sys/net/ipv4/ping_group_range'
mkdir -p /etc/netns/$host
echo 'nameserver 192.0.2.9' >/etc/netns/$host/resolv.conf

as_user() { ip netns exec "$host" bash -c "$(declare -f as_user_exec); $(declare -p T TEST_UID TEST_GID TEST_USER ROOT RL_TEST_MARK USER_ENV); as_user_exec \"\$@\"" x "$@"; }
# behind NAMESPACE CMD...: a server there, until the end
behind() { ip netns exec "$1" "${@:2}" </dev/null >>"$T/servers.log" 2>&1 & MY_PIDS="$MY_PIDS $!"; }
# dns NAMESPACE ADDRESS ARGS...
dns() { behind "$1" dnsmasq -k --conf-file=/dev/null --no-resolv --no-hosts --pid-file= --listen-address="$2" --bind-interfaces --user=root "${@:3}"; }
dns $world 192.0.2.9 --address=/www.example/192.0.2.9 --address=/lab.home.example/192.0.2.9 --local=/example/ --local=/corp/
dns $vpn 10.77.0.1 --address=/secret.corp.example/10.88.0.7 --local=/example/
behind $vpn socat TCP-LISTEN:80,bind=10.88.0.7,fork,reuseaddr SYSTEM:'echo behind the VPN'
behind $world iperf3 -s
behind $world socat UDP-LISTEN:7002,fork,reuseaddr EXEC:cat
for at in "$world 53" "$vpn 53" "$vpn 80" "$world 5201"; do
	# shellcheck disable=SC2086 # a namespace and a port
	set -- $at
	soon says '?*' ip netns exec "$1" ss -Htln "sport = :$2" || skip_all "the servers do not start: $(tail -3 "$T/servers.log")"
done
cp "$(image alpine)" "$T/alpine.tar"
run rl load -q -i "$T/alpine.tar"

# --- nginx behind published ports: whom it sees
mkdir -p "$T/work/nginx" && chown "$TEST_UID:$TEST_GID" "$T/work/nginx"
cat >"$T/work/nginx/nginx.conf" <<EOF
pid $T/work/nginx/pid;
daemon off;
error_log stderr;
events {}
http {
	access_log $T/work/nginx/access.log;
	client_body_temp_path $T/work/nginx; proxy_temp_path $T/work/nginx; fastcgi_temp_path $T/work/nginx;
	uwsgi_temp_path $T/work/nginx; scgi_temp_path $T/work/nginx;
	server { listen 80; listen [::]:80; location / { return 200 "page\n"; } }
}
EOF
# the host's root below /host: the image has none of these programs
inside() { run rl run -d -v /:/host -v "$T/work:/host$T/work" "${@:2}" $i chroot /host /bin/sh -c "$1"; }
inside "exec nginx -c $T/work/nginx/nginx.conf" --name www -p 8080:80
expect "nginx in a container" 0
get() { ip netns exec "$1" /usr/bin/python3 -c 'import sys, urllib.request
print(urllib.request.build_opener(urllib.request.ProxyHandler({})).open(sys.argv[1], timeout=5).read().decode().strip())' "http://$2:8080/$3"; }
check "answers over IPv4" soon says page get $world 192.0.2.2 v4
check "over IPv6" soon says page get $world '[2001:db8::2]' v6
check "and over the host's loopback" soon says page get $host 127.0.0.1 lo
log=$(cat "$T/work/nginx/access.log")
for want in '192.0.2.9 *GET /v4' '2001:db8::9 *GET /v6' '10.0.2.2 *GET /lo'; do
	# shellcheck disable=SC2053 # a pattern
	if [[ $log == *${want%% *}\ *${want#* \*}* ]]; then ok "nginx' log has $want"; else not_ok "nginx' log has $want" "$log"; fi
done
if [[ $log != *127.0.0.1* ]]; then ok "and nobody from 127.0.0.1"; else not_ok "nobody comes from 127.0.0.1" "$log"; fi

# --- iperf3, both ways, and UDP flows
inside "exec iperf3 -s -p 5202" --name perf -p 5202:5202 -p 5202:5202/udp -p 7000-7002:7000-7002/udp
ready() { [ -n "$(nsenter -t "$(rl inspect -f '{{.State.Pid}}' perf)" -n ss -Htln "sport = :5202")" ]; }
soon ready
# the server counts what has come when the other connection says that it was all
run timeout 30 ip netns exec $world iperf3 -c 192.0.2.2 -p 5202 -n 40M -J
if [ "$(jq '.end.sum_received.bytes > 1000000 and .end.sum_sent.bytes >= 40000000' <<<"$out" 2>/dev/null)" = true ]; then ok "iperf3 into the container"; else not_ok "iperf3 into the container" "$status" "$(tail -5 <<<"$out")" "$err"; fi
run rl exec perf chroot /host iperf3 -c 192.0.2.9 -n 20M -J
if [ "$(jq '.end.sum_received.bytes > 1000000 and .end.sum_sent.bytes >= 20000000' <<<"$out" 2>/dev/null)" = true ]; then ok "iperf3 out of it"; else not_ok "iperf3 out of it" "$status" "$(tail -5 <<<"$out")" "$err"; fi
rl exec -d perf chroot /host socat UDP4-RECVFROM:7001,fork SYSTEM:'echo $SOCAT_PEERADDR $SOCAT_PEERPORT $(cat)' >/dev/null
flows='import socket, sys
def talk(s, word):
    for _ in range(20):
        s.send(word.encode())
        try: return s.recv(200).decode().split()
        except (TimeoutError, ConnectionError): pass
    return ["none"] * 3
def client():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(0.5); s.connect(("192.0.2.2", 7001)); return s
cs = [client() for _ in range(20)]
got = [talk(s, "w%d" % n) for n, s in enumerate(cs)]
print(all(g[0] == "192.0.2.9" and g[2] == "w%d" % n and int(g[1]) == cs[n].getsockname()[1] for n, g in enumerate(got)), len({g[1] for g in got}))'
run ip netns exec $world /usr/bin/python3 -c "$flows"
expect "twenty UDP clients of a port out of a range: each is answered, and seen with its own address and port" 0 "True 20"

# --- port 0, ports in use
run rl run -d --name any -p 0:80 -p 127.0.0.1:0:81 $i sleep 300
run rl port any
expect "port 0 is a free one" 0 "80/tcp -> 0.0.0.0:[1-9]*81/tcp -> 127.0.0.1:[1-9]*"
run rl run --rm -p 7001:1/udp $i true
expect_error "a UDP port in use names its container" "*7001/udp*in use*'perf'*"
run rl rm -f -t 0 any perf

# --- ping
cp "$(command -v ping)" "$T/work/ping" # without the capability of the file
for user in 0 1000:1000 65534; do
	run rl run --rm -v "$T/work/ping:/ping:ro" -v /lib:/lib:ro -v /lib64:/lib64:ro --user "$user" $i /ping -c 1 -W 5 10.0.2.2
	expect "ping of the gateway as $user" 0 "*1 received*"
	run rl run --rm -v "$T/work/ping:/ping:ro" -v /lib:/lib:ro -v /lib64:/lib64:ro --user "$user" $i /ping -c 1 -W 5 192.0.2.9
	expect "and of the world" 0 "*1 received*"
done
run rl run --rm -v "$T/work/ping:/ping:ro" -v /lib:/lib:ro -v /lib64:/lib64:ro --user 1000 $i /ping -6 -c 1 -W 5 fd00::2
expect "over IPv6 the gateway" 0 "*1 received*"

# --- a VPN comes and goes; the container stays
run rl network create --subnet 10.123.55.0/24 net
run rl run -d --name app $i sleep 300
run rl run -d --name named --network net $i sleep 300
look() { rl exec "$1" nslookup -type=a "$2" 2>/dev/null | sed -n '/^Name:/,$ s/^Address: *//p'; }
check "before: a name of the world" soon says 192.0.2.9 look app www.example
if [ -z "$(look app secret.corp.example)" ]; then ok "and none of the VPN's"; else not_ok "a name of the VPN is known"; fi
ip -n $host link set rlv0 up
ip -n $host route add 10.88.0.0/16 via 10.77.0.1
printf 'search corp.example\nnameserver 10.77.0.1\n' >/etc/netns/$host/resolv.conf
for c in app named; do
	check "the VPN is up: $c finds its names" soon says 10.88.0.7 look "$c" secret.corp.example
	check "also by its search list" soon says 10.88.0.7 look "$c" secret
	check "and reaches what is behind it" soon says "behind the VPN" rl exec "$c" nc -w 2 secret 80
done
printf 'search home.example\nnameserver 192.0.2.9\n' >/etc/netns/$host/resolv.conf
ip -n $host link set rlv0 down
for c in app named; do
	check "it is down: $c finds the old ones" soon says 192.0.2.9 look "$c" www.example
	check "by the other list" soon says 192.0.2.9 look "$c" lab
	if [ -z "$(look "$c" secret)$(look "$c" secret.corp.example)" ]; then ok "and no more the VPN's"; else not_ok "$c still finds the VPN's"; fi
done
# a network's own servers, changed while it runs
ip -n $host link set rlv0 up
ip -n $host route add 10.88.0.0/16 via 10.77.0.1
run rl network update --dns-add 10.77.0.1 net
expect "network update while a container runs" 0
check "it asks the new server" soon says 10.88.0.7 look named secret.corp.example
if [ -z "$(look app secret.corp.example)" ]; then ok "others do not"; else not_ok "others ask it as well"; fi
run rl network update --dns-drop 10.77.0.1 net
check "and the host's again" soon says 192.0.2.9 look named www.example

# --- each process of the network is killed
loop_of() { pgrep -P "$(monitor_of "$1")" -x rl-net; }
reader_of() { pgrep -P "$(loop_of "$1")" -x rl-net; }
soon loop_of app
for what in loop reader; do
	pid=$(${what}_of app)
	if [ -n "$pid" ] && kill -9 "$pid"; then ok "the $what is killed"; else not_ok "there is no $what" "$(pgrep -P "$(monitor_of app)" -l)"; fi
	check "names are found again" soon says 192.0.2.9 look app www.example
done
run rl events --stream=false --since 10m --filter event=network_died --format '{{.Name}} {{.Attributes.helper}} {{.Attributes.restarted}}'
expect "events tell of it" 0 "*app packet loop true*"
kill -9 "$(pgrep -P "$(monitor_of www)" -x rl-port)"
check "rl-port is killed: the port works again" soon says page get $world 192.0.2.2 again
if [[ $(tail -1 "$T/work/nginx/access.log") == 192.0.2.9\ * ]]; then ok "and nginx sees the client"; else not_ok "nginx sees the client" "$(tail -1 "$T/work/nginx/access.log")"; fi
kill -9 "$(monitor_of www)"
free() { [ -z "$(ip netns exec "$host" ss -Htln 'sport = :8080')" ]; }
check "the monitor is killed: nobody listens" soon free
is_dead() { [ "$(rl ps -a --filter name=www --format '{{.State}}')" = exited ]; }
check "and ps says so" soon is_dead
run rl rm -f -t 0 www app named
run rl network rm net
leakcheck "nothing is left"
finish
