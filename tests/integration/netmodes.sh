#!/bin/bash
# netmodes.sh - whose network a container gets: another container's, one that a path names, the outer one
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
[ -c /dev/net/tun ] || skip_all "no /dev/net/tun"
cp "$(image alpine)" "$T/alpine.tar"
run rl load -q -i "$T/alpine.tar"
i=docker.io/library/alpine

run rl run -d --name a --hostname inner $i sleep 300
expect "a container whose network is shared" 0
# --- network check
run rl network check a
expect "network check: what is configured and what answers" "*" "address*10.0.2.100/24 tap0*route*default via 10.0.2.2 dev tap0*gateway*10.0.2.2 answers in *resolver*10.0.2.3*"
run rl network check a 10.0.2.2:1
expect "network check: a place that cannot be reached" 1 "*target*10.0.2.2:1: *"
run rl network check --json a 10.0.2.2:1
expect "network check: JSON" 1 "{*\"Ok\": false*\"Target\"*\"Address\": \"10.0.2.2:1\"*"
for word in a:b:c ":80" "x:99999" "[::1" "[::1]80" "x:"; do
	run rl network check a "$word"
	expect_error "network check: no target: $word" "*is not HOST:PORT*"
done
run rl network check nobody
expect_error "network check: no such container" "*no such container*"
# --- the packet loop dies
loop_of() { pgrep -P "$(monitor_of "$1")" -x rl-net; } # the packet loop of a container, if there is one
# until PATTERN CMD...: CMD says so at last
until_says() {
	local want=$1 i got=''
	shift
	for ((i = 0; i < 600; i++)); do
		got=$("$@" 2>/dev/null)
		# shellcheck disable=SC2053 # a pattern
		[[ $got == $want ]] && return
		sleep 0.02
	done
	echo "last: $got"
	return 1
}
works() { rl network check a | grep 'gateway.*10.0.2.2 answers'; }
kill -9 "$(loop_of a)"
check "its death is in inspect" until_says "false *packet loop died: signal 9; it is started again" rl inspect -f '{{.NetworkSettings.Helpers.Down}} {{.NetworkSettings.Helpers.Error}}' a
check "and the next packet finds another one" works
check "ps says so" until_says 'Up *network restarted?' rl ps --format '{{.Status}}'
for _ in 2 3 4 5; do
	check "once more" until_says '*answers*' works
	old=$(loop_of a) && kill -9 "$old"
	until_says '' loop_of a >/dev/null
done
check "five times: it stays down" until_says 'Up *network down?' rl ps --format '{{.Status}}'
run rl exec a cat /proc/sys/net/ipv6/conf/tap0/accept_ra
expect "the container itself goes on; nobody's router advertisements count (S67)" 0 0
run rl events --stream=false --since 10m --filter event=network_died --format '{{.Name}} {{.Attributes.helper}} {{.Attributes.restarted}}'
expect "each death is an event" 0 "a packet loop true*a packet loop false"
run rl restart -t 0 a
check "a restart brings it back" until_says '*answers*' works
run rl ps --format '{{.Status}}'
expect "and ps is content" 0 "!(*network*)"
# --- container:NAME
run rl run --rm --network container:a $i sh -c 'ip -4 addr show tap0; cat /etc/hosts /etc/resolv.conf; hostname; ls /sys/class/net'
expect "address, names and host name are the other's" 0 "*10.0.2.100/24*10.0.2.100?inner a*nameserver 10.0.2.3*inner*lo*tap0*"
run rl run --rm --network container:a $i stat -Lc %i /proc/self/ns/net
expect "and the namespace" 0 "$(rl exec a stat -Lc %i /proc/self/ns/net)"
run rl run --rm --network container:a $i sh -c 'readlink /proc/self/ns/mnt /proc/self/ns/pid /proc/self/ns/ipc /proc/self/ns/uts'
mine=$out
run rl exec a sh -c 'readlink /proc/self/ns/mnt /proc/self/ns/pid /proc/self/ns/ipc /proc/self/ns/uts'
if [ -z "$(comm -12 <(sort <<<"$mine") <(sort <<<"$out"))" ]; then ok "the other namespaces are its own"; else not_ok "the other namespaces are its own" "$mine" "$out"; fi
run rl run --rm --network container:a --cap-add net_admin $i ip addr add 10.9.9.9/32 dev lo
expect "capabilities hold over the shared network" 0
run rl run -d --name b --network container:a $i sh -c 'while true; do echo here | nc -l -p 80; done'
answer=''
for ((n = 0; n < 100; n++)); do
	answer=$(rl exec a nc -w 2 127.0.0.1 80 </dev/null 2>/dev/null) && [ -n "$answer" ] && break
	sleep 0.05
done
if [ "$answer" = here ]; then ok "both meet on its loopback, low ports are open"; else not_ok "both meet on its loopback" "'$answer'"; fi
id=$(rl inspect -f '{{.Id}}' a)
run rl inspect -f '{{.HostConfig.NetworkMode}} {{.NetworkSettings.SharedWith.Name}} {{.NetworkSettings.SharedWith.State}} {{index .Dependencies 0}}' b
expect "inspect names the other one" 0 "container:$id a running $id"
for word in "-p 80:80" "-P" "--dns 192.0.2.1" "--dns-search x" "--add-host x:192.0.2.1" "--host-port 80" "--userns keep-id" "--sysctl net.ipv4.ip_forward=1"; do
	# shellcheck disable=SC2086 # a flag and its value
	run rl run --rm $word --network container:a $i true
	expect_error "$word belongs to who has the network" "*"
done
run rl run --rm --network container:nobody $i true
expect_error "a container that is not there" "*--network container:nobody: *no such container*"
run rl run --rm --network container: $i true
expect_error "no name" "*"
# --- it goes away
run rl stop -t 0 a
run rl network check b
expect "it stops: network check fails" 1 "address*none*"
run rl network check a
expect_error "network check of a stopped one" "*'a' is exited*"
run rl exec b sh -c 'ls /sys/class/net; nc -w 1 10.0.2.2 1 2>&1'
expect "it stops: loopback stays, the rest fails at once" "[1-9]*" "lo*unreachable*"
run rl inspect -f '{{.State.Status}} {{.NetworkSettings.SharedWith.State}}' b
expect "and inspect says so" 0 "running stopped"
run rl restart -t 0 b
expect_error "who shares it cannot start" "*container 'a', whose namespaces it shares, is not running*rl start a*"
run rl start a
run rl start b
expect "both are started again" 0 b
run rl inspect -f '{{.NetworkSettings.SharedWith.State}}' b
expect "and share again" 0 running
run rl restart -t 0 a
run rl inspect -f '{{.NetworkSettings.SharedWith.State}}' b
expect "only one is restarted: inspect tells" 0 restarted
run rl rm -f -t 0 a
run rl inspect -f '{{.NetworkSettings.SharedWith.State}}' b
expect "removed: inspect tells" 0 removed
run rl restart -t 0 b
expect_error "start after the removal" "*has been removed*"
run rl rm -f -t 0 b
expect "remove who shared" 0
run rl run -d --name h --network host $i sleep 300
run rl run --rm --network container:h $i stat -Lc %i /proc/self/ns/net
expect "of a container on the host's network" 0 "$(stat -Lc %i /proc/self/ns/net)"
run rl rm -f -t 0 h
run rl run --rm --network host $i cat /proc/net/unix
expect "on the host's network no socket of rl is in reach (S59)" 0 "!(*@*[/-]rl[/.-]*|*@rl*)"
if [ -z "$(find "$T/run" -type s -newer "$T/alpine.tar" ! -path "$T/run/rl/*")" ] && [ "$(stat -c %a "$T/run/rl")" = 700 ]; then
	ok "its sockets are below a folder of mode 700"
else
	not_ok "its sockets are below a folder of mode 700" "$(find "$T/run" -type s -ls)"
fi

# --- ns:PATH
run rl run -d --name a $i sleep 300
pid=$(rl inspect -f '{{.State.Pid}}' a)
run rl run --rm --network "ns:/proc/$pid/ns/net" $i ip -4 addr show tap0
expect "ns:PATH" 0 "*10.0.2.100/24*"
run rl run -d --name b --network "ns:/proc/$pid/ns/net" $i sleep 300
run rl exec b ip -4 addr show tap0
expect "exec in such a one" 0 "*10.0.2.100/24*"
run rl inspect -f '{{.HostConfig.NetworkMode}}' b
expect "inspect" 0 "ns:/proc/$pid/ns/net"
run rl rm -f -t 0 a b
run rl run --rm --network private:fast $i true
expect_error "a mode that is none" "*'--network private:fast' is no mode and no network*container:NAME*"
run rl run --rm --network ns:/etc/passwd $i true
expect_error "a path that is no namespace" "*ns:/etc/passwd: not a namespace of that kind*"
run rl run --rm --network ns:proc $i true
expect_error "a path that is not absolute" "*not an absolute path*"
run rl run --rm --network ns:/nowhere $i true
expect_error "a path that is not there" "*ns:/nowhere*No such file*"
leakcheck "nothing is left"

# --- an outer container without /dev/net/tun; a host without any network
if [ "$(id -u)" = 0 ] && unshare -mn true 2>/dev/null; then
	# outer PREPARE ARGS...: rl where PREPARE has been done to a mount and a network namespace of their own
	outer() {
		local prepare=$1
		shift
		unshare -mn bash -c "mount --make-rprivate / && mkdir -p /dev/net && mount -t tmpfs tun /dev/net && $prepare
			$(declare -f as_user_exec); $(declare -p T TEST_UID TEST_GID TEST_USER ROOT RL_TEST_MARK USER_ENV); as_user_exec \"\$@\"" x timeout 60 "$RL" "$@"
	}
	env="mount -t tmpfs run /run && touch /run/.containerenv"
	run outer "$env" run --rm $i readlink /proc/self/ns/net
	expect "in an outer container without tun: its network, with a word" 0 "net:*" "*Warning:*no usable /dev/net/tun*"
	run outer "$env" run --rm --network private $i true
	expect_error "but never when a private one was asked for" "*/dev/net/tun*"
	if [ -e /.dockerenv ] || [ -e /run/.containerenv ] || [ -e /run/systemd/container ]; then
		skip "nor on a host" "this is an outer container"
	else
		run outer true run --rm $i true
		expect_error "nor on a host" "*/dev/net/tun*modprobe tun*"
	fi
	run unshare -n bash -c "$(declare -f as_user_exec); $(declare -p T TEST_UID TEST_GID TEST_USER ROOT RL_TEST_MARK USER_ENV); as_user_exec \"\$@\"" x timeout 60 "$RL" run --rm -p 8080:80 $i sh -c 'ip -4 addr show tap0; nslookup x.example 2>&1; nc -w 5 192.0.2.1 80 2>&1'
	expect "a host without any network: it starts, and fails fast" "[1-9]*" "*10.0.2.100*"
else
	skip "in an outer container without tun" "needs root"
fi
finish
