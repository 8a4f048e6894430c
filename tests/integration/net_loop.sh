#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# net_loop.sh - a private network as a container sees it: what it reaches, what it must not, what it survives
#
# Needs root for its surroundings: this script moves into a network namespace of its own, "the
# host", with a second one behind a veth, "the internet", and a copy of /etc. rl-net and the box
# (net-box) run as $RL_TEST_USER, by default rltest.
# shellcheck disable=SC2016 # what the box runs is expanded in there
# shellcheck disable=SC2317 # called by trap
set -u
user=${RL_TEST_USER:-rltest}
skip_all() {
	echo "1..0 # SKIP $1"
	exit 77
}
[ "$(id -u)" = 0 ] || skip_all "needs root to make the host and the internet"
id "$user" >/dev/null 2>&1 || skip_all "no user '$user' to run as (RL_TEST_USER)"
[ -e /dev/net/tun ] || skip_all "no /dev/net/tun"
for tool in ip busybox setpriv /usr/bin/python3; do
	command -v "$tool" >/dev/null || skip_all "no $tool"
done
if [ "${1-}" != inside ]; then
	exec timeout 240 unshare -mn --propagation private "$0" inside
fi

here=$(cd "$(dirname "$0")" && pwd)
uid=$(id -u "$user") gid=$(id -g "$user")
base=$(mktemp -d /tmp/rl-net.XXXXXX) || exit 1
chmod 755 "$base"
cp "$here/net_peer.py" "$base/peer" && cp net-box rl-net "$base/" || exit 1
cp -a /etc "$base/etc" && mount --bind "$base/etc" /etc || exit 1
n=0 failed=0 out='' peers=()

finish() {
	[ ${#peers[@]} = 0 ] || kill "${peers[@]}" 2>/dev/null
	umount /etc
	rm -rf "$base"
}
trap finish EXIT

ok() { # ok STATUS WHAT
	n=$((n + 1))
	if [ "$1" = 0 ]; then
		echo "ok $n - $2"
	else
		echo "not ok $n - $2"
		printf '%s\n' "$out" | sed 's/^/# /'
		failed=1
	fi
}
has() { # has WORDS WHAT: the words are in $out
	case $out in
	*"$1"*) ok 0 "$2" ;;
	*) ok 1 "$2 (wanted: $1)" ;;
	esac
}
lacks() {
	case $out in
	*"$1"*) ok 1 "$2 (not wanted: $1)" ;;
	*) ok 0 "$2" ;;
	esac
}
# as the user, bounded
as() {
	timeout 30 setpriv --reuid "$uid" --regid "$gid" --init-groups \
		env -i HOME=/ PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"
}
# box [OPTION...] COMMAND: a shell command line in a private network; its output in $out
box() {
	local opts=()
	while [[ $1 == -* ]]; do
		opts+=("$1")
		shift
	done
	out=$(as "$base/net-box" "${opts[@]}" sh -c "peer=$base/peer; $1" 2>&1)
}
# A server somewhere, running when this returns
peer() { # peer HOST|INET ARGS...
	local where=$1 fifo=$base/ready
	shift
	rm -f "$fifo"
	mkfifo "$fifo"
	if [ "$where" = INET ]; then
		nsenter -t "$inet" -n "$base/peer" "$@" >"$fifo" &
	else
		"$base/peer" "$@" >"$fifo" &
	fi
	peers+=($!)
	read -r -t 5 _ <"$fifo" || ok 1 "test server $* starts"
}
resolvers() { # resolv.conf of the host, replaced by rename as resolvconf tools do
	printf 'nameserver %s\n' "$@" >"$base/etc/resolv.new"
	[ $# -gt 0 ] || echo '# none' >"$base/etc/resolv.new"
	chmod 644 "$base/etc/resolv.new"
	mv "$base/etc/resolv.new" "$base/etc/resolv.conf"
}
ms() { # the milliseconds that the last "ask" took
	sed -n 's/.* ms \([0-9]*\)$/\1/p' <<<"$out" | tail -1
}
at_most() { # at_most MS WHAT
	local t
	t=$(ms)
	[ -n "$t" ] && [ "$t" -le "$1" ]
	ok $? "$2 (${t:-no} ms)"
}
children() { # of a process, one line
	tr -d '\n' <"/proc/$1/task/$1/children" 2>/dev/null
}

# --- the host and the internet ---------------------------------------------------------------
ip link set lo up
unshare -n sleep 300 &
inet=$!
peers+=("$inet")
until [ "$(readlink /proc/$inet/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do :; done
ip link add eth0 type veth peer name eth0 netns "$inet"
ip addr add 192.0.2.1/24 dev eth0
ip -6 addr add 2001:db8::1/64 dev eth0 nodad
ip link set eth0 up
nsenter -t "$inet" -n sh -c 'ip link set lo up; ip link set eth0 up
	for i in 2 3 4 5 6 7 8; do ip addr add 192.0.2.$i/24 dev eth0; done
	ip -6 addr add 2001:db8::2/64 dev eth0 nodad'
ip route add default via 192.0.2.2
ip -6 route add default via 2001:db8::2
echo "0 2147483647" >/proc/sys/net/ipv4/ping_group_range
peer INET serve 192.0.2.2 2001:db8::2
peer INET dns 192.0.2.2 198.51.100.1
peer INET dns 192.0.2.3 198.51.100.2
peer INET dns 192.0.2.4 198.51.100.4 forge
peer INET dns 192.0.2.5 198.51.100.5 big
peer INET dns 192.0.2.6 198.51.100.6 servfail
peer INET dns 192.0.2.7 198.51.100.7 only:one.corp
peer INET dns 192.0.2.8 198.51.100.8 only:vpn.corp
peer INET dns 2001:db8::2 198.51.100.9
peer HOST serve 127.0.0.1 ::1
peer HOST dns 127.0.0.53 198.51.100.53
resolvers 192.0.2.2

# --- what it reaches ---------------------------------------------------------------------------
box '$peer tcp 192.0.2.2 7000'
has 'hello 192.0.2.1 echo same' "TCP over IPv4, both ways, from the host's address"
box -6 '$peer tcp 2001:db8::2 7000'
has 'hello 2001:db8::1 echo same' "TCP over IPv6"
box '$peer udp 192.0.2.2 7000 100'
has 'back 100' "UDP over IPv4; nothing sent before rl-net runs is lost"
box -6 '$peer udp 2001:db8::2 7000 100'
has 'back 100' "UDP over IPv6"
box 'busybox ping -c 2 -W 2 192.0.2.2'
has '2 packets received' "ping, by ping sockets of the host"
box -6 'busybox ping -c 2 -W 2 10.0.2.2; busybox ping6 -c 2 -W 2 fd00::2'
lacks '100% packet loss' "the gateway answers pings itself"
box -t -6 'sleep 1'
lacks net_start "no packet loop for a container that does not talk"

# --- names ----------------------------------------------------------------------------------------
box '$peer ask one.test 10.0.2.3; $peer ask one.test 10.0.2.3'
has 'answers 1 bytes 42 198.51.100.1 id same' "names are resolved through the host's resolver"
box -6 '$peer ask one.test fd00::3'
has '198.51.100.1 id same' "the same over IPv6"
box '$peer ask one.test 10.0.2.3 tcp'
has '198.51.100.1 id same' "the same over TCP, though it is the first frame of all"
resolvers 192.0.2.2
(
	sleep 0.35
	resolvers 192.0.2.3
) &
box '$peer ask one.test 10.0.2.3; sleep 1; $peer ask one.test 10.0.2.3; $peer ask one.test 10.0.2.3 tcp'
wait $!
has '198.51.100.1' "before the resolver changes"
has '198.51.100.2' "a resolver that changes while the container runs is followed"
[ "$(grep -c 198.51.100.2 <<<"$out")" = 2 ]
ok $? "also for DNS over TCP"
mkdir "$base/etc/run"
echo 'nameserver 192.0.2.3' >"$base/etc/run/resolv.conf"
chmod 755 "$base/etc/run"
ln -sf run/resolv.conf "$base/etc/resolv.conf"
box '$peer ask one.test 10.0.2.3'
has 198.51.100.2 "resolv.conf may be a symlink"
resolvers 127.0.0.53
box '$peer ask one.test 10.0.2.3; $peer ask one.test 10.0.2.3 tcp'
has 198.51.100.53 "a stub resolver on the host's loopback is asked"
resolvers 2001:db8::2
box '$peer ask one.test 10.0.2.3'
has 198.51.100.9 "a resolver that has IPv6 only"
resolvers 192.0.2.99 192.0.2.3
ip neigh replace 192.0.2.99 lladdr 02:00:00:00:00:99 dev eth0 nud permanent
box '$peer ask one.test 10.0.2.3'
has 198.51.100.2 "the first resolver is silent: the second answers"
at_most 4000 "within its second"
box '$peer ask one.test 10.0.2.3; $peer ask two.test 10.0.2.3'
at_most 900 "and the next query goes to it first"
resolvers 192.0.2.1 192.0.2.3
box '$peer ask one.test 10.0.2.3'
has 198.51.100.2 "the first resolver refuses: the second answers"
at_most 900 "at once"
resolvers 192.0.2.6 192.0.2.3
box '$peer ask one.test 10.0.2.3'
has 198.51.100.2 "SERVFAIL from the first: the second is asked"
resolvers 192.0.2.6
box '$peer ask one.test 10.0.2.3'
has 'rcode 2 ' "SERVFAIL from the only one is passed on"
resolvers 192.0.2.4
box '$peer ask one.test 10.0.2.3'
has '198.51.100.4 id same' "forged answers (id, question, port) do not get through"
resolvers 192.0.2.5
box '$peer ask big.test 10.0.2.3 type 16'
has 'tc 1 answers 0' "without EDNS a long answer is truncated"
box '$peer ask big.test 10.0.2.3 type 16 edns 4096'
has 'tc 0 answers 1 bytes 3053' "with EDNS it passes whole"
box '$peer ask big.test 10.0.2.3 type 16; $peer ask big.test 10.0.2.3 tcp type 16'
has 'tc 0 answers 1 bytes 3053' "and over TCP"
box '$peer pipeline 10.0.2.3 40 big.test'
has 'answers 40 in order yes' "forty queries in one write over TCP"
box -6 '$peer pipeline fd00::3 40 big.test; for i in 1 2 3 4 5 6 7 8; do $peer ask big.test 10.0.2.3 tcp type 16 & done; wait'
has 'answers 40 in order yes' "over IPv6 as well"
[ "$(grep -c 'tc 0 answers 1 bytes 3053' <<<"$out")" = 8 ]
ok $? "several connections at once"

# --- the host's search list -------------------------------------------------------------------------
search() { # search LIST SERVER: resolv.conf of the host
	printf 'search %s\nnameserver %s\n' "$1" "$2" >"$base/etc/resolv.new"
	chmod 644 "$base/etc/resolv.new"
	mv "$base/etc/resolv.new" "$base/etc/resolv.conf"
}
search 'nowhere.test one.corp' 192.0.2.7
box -s '$peer ask web 10.0.2.3; $peer ask web 10.0.2.3 tcp; $peer ask web 10.0.2.3 type 28'
[ "$(grep -c 'rcode 0 tc 0 answers 2 bytes .* 198.51.100.7 id same' <<<"$out")" = 2 ]
ok $? "a short name is found in the host's search list, over UDP and TCP"
box '$peer ask web 10.0.2.3'
has 'rcode 3 ' "not where the container has a list of its own"
box -s '$peer ask web.sub 10.0.2.3; $peer ask web.one.corp 10.0.2.3'
has 'rcode 3 ' "a name with a dot is asked for as it is"
has '198.51.100.7 id same' "and found where it is one"
search 'nowhere.test' 192.0.2.7
box -s '$peer ask web 10.0.2.3'
has 'rcode 3 ' "in no domain: no such name"
search one.corp 192.0.2.7
(
	sleep 0.35
	search vpn.corp 192.0.2.8
) &
box -s '$peer ask web 10.0.2.3; sleep 1; $peer ask web 10.0.2.3; $peer ask web.one.corp 10.0.2.3'
wait $!
has 198.51.100.7 "before the list changes"
has 198.51.100.8 "another list and resolver are followed while the container runs"
has 'rcode 3 ' "and the old domain is not looked in"

resolvers
box '$peer ask one.test 10.0.2.3'
has 'rcode 2 ' "no resolver at all: SERVFAIL"
at_most 900 "at once"
rm "$base/etc/resolv.conf"
box '$peer ask one.test 10.0.2.3'
has 'rcode 2 ' "no resolv.conf: SERVFAIL"
mkfifo "$base/etc/resolv.conf"
box '$peer ask one.test 10.0.2.3'
has 'rcode 2 ' "a FIFO in its place hangs nobody"
rm "$base/etc/resolv.conf"
resolvers 192.0.2.2
box 'for i in 1 2 3 4 5 6 7 8; do $peer ask n$i.test 10.0.2.3 & done; wait'
[ "$(grep -c '198.51.100.1 id same' <<<"$out")" = 8 ]
ok $? "several at once"

# --- what it must not reach ----------------------------------------------------------------------
out=$("$base/peer" tcp 127.0.0.1 7000)
has 'echo same' "(the server on the host's loopback is there)"
box '$peer tcp 10.0.2.2 7000'
has failed: "the host's loopback is closed: 10.0.2.2"
lacks 'timed out' "and says so at once"
box -6 '$peer tcp fd00::2 7000'
has failed: "fd00::2"
lacks 'timed out' "and says so at once"
box '$peer udp 10.0.2.2 7000'
has 'back 0' "UDP to 10.0.2.2"
box '$peer tcp 10.0.2.3 7000'
has failed: "10.0.2.3 is for names only"
# as a container with CAP_NET_ADMIN could: route loopback addresses out through the tap
unroute='ip addr del 127.0.0.1/8 dev lo; echo 1 >/proc/sys/net/ipv4/conf/all/route_localnet
ip route add 127.0.0.0/8 via 10.0.2.2 src 10.0.2.100; ip -6 addr del ::1/128 dev lo
ip -6 route add ::1/128 via fd00::2 src fd00::100;'
box -6 "$unroute ip route get 127.0.0.1 | head -1; ip -6 route get ::1 | head -1; \$peer udp 192.0.2.2 7000"
has '127.0.0.1 via 10.0.2.2 dev tap0' "(loopback leaves through the tap)"
has 'back 1' "(and the rest still works)"
box -6 "$unroute \$peer tcp 127.0.0.1 7000"
lacks hello "127.0.0.1 itself"
box -6 "$unroute \$peer tcp ::1 7000"
lacks hello "::1 itself"
box -6 "$unroute \$peer udp 127.0.0.1 7000"
has 'back 0' "UDP to 127.0.0.1"
box -6 'ip -6 route add ::/8 via fd00::2; $peer udp ::7f00:1 7000; $peer tcp ::7f00:1 7000'
lacks hello "IPv4-compatible addresses"
box -l '$peer tcp 10.0.2.2 7000'
has 'hello 127.0.0.1 echo same' "with host_loopback it is open"

# --- what it survives ---------------------------------------------------------------------------
box -k3 '$peer tcp 192.0.2.2 7000'
has 'echo same' "rl-net killed as it starts, three times: the connection waits for the fourth"
ip link set eth0 down
box '$peer ask one.test 10.0.2.3; $peer tcp 192.0.2.2 7000'
has 'rcode 2 ' "a host without network: names fail"
at_most 900 "at once"
has failed: "and so do connections"
ip link set eth0 up
ip route add default via 192.0.2.2
ip -6 addr add 2001:db8::1/64 dev eth0 nodad 2>/dev/null
mount -t tmpfs none /dev/net
box true
has "open '/dev/net/tun' for the private network: No such file" "no /dev/net/tun: an error"
umount /dev/net

as "$base/net-box" sh -c "$base/peer udp 192.0.2.2 7000; sleep 20" >/dev/null 2>&1 &
sleep 0.7
boxpid=$!
while grep -q '^\(env\|timeout\|setpriv\|net_loop.sh\|bash\)$' "/proc/$boxpid/comm"; do
	boxpid=$(children "$boxpid")
	boxpid=${boxpid%% *}
done
for p in $(children "$boxpid"); do
	[ "$(cat "/proc/$p/comm")" = rl-net ] && loop=$p
done
reader=$(children "${loop:-0}")
reader=${reader%% *}
out=$(cat "/proc/${loop:-0}/status" "/proc/${loop:-0}/limits")
for want in 'CapEff:	0000000000000000' 'CapBnd:	0000000000000000' 'NoNewPrivs:	1' 'Seccomp:	2'; do
	has "$want" "rl-net: $want"
done
for ns in user mnt ipc uts cgroup; do
	[ "$(readlink "/proc/$loop/ns/$ns")" != "$(readlink "/proc/self/ns/$ns")" ]
	ok $? "rl-net has its own $ns namespace"
done
[ "$(readlink "/proc/$loop/ns/net")" = "$(readlink /proc/self/ns/net)" ]
ok $? "and the host's network"
out=$(find "/proc/$loop/root/" -mindepth 1 2>&1)
[ -z "$out" ]
ok $? "its root is empty"
! touch "/proc/$loop/root/x" 2>/dev/null
ok $? "and is read-only"
out=$(cat "/proc/$reader/status")
has 'Seccomp:	2' "the reader of resolv.conf is under seccomp"
has 'NoNewPrivs:	1' "and no_new_privs"
out=$(ls -l "/proc/$reader/fd")
set -- "/proc/$reader/fd/"*
[ $# -le 4 ]
ok $? "and holds neither tap nor control socket"
pss=0
for p in "$loop" "$reader"; do
	pss=$((pss + $(sed -n 's/^Pss: *\([0-9]*\) kB/\1/p' "/proc/$p/smaps_rollup")))
done
echo "# idle memory of rl-net and reader: $pss kB PSS"
kill -9 "$boxpid"
sleep 0.1
[ ! -e "/proc/$loop/exe" ] && [ ! -e "/proc/$reader/exe" ]
ok $? "the monitor is killed: rl-net and reader are gone within 100 ms"

echo "1..$n"
exit $failed
