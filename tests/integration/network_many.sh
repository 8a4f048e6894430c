#!/bin/bash
# network_many.sh - thirty containers on one network that find each other while others come and go; helpers
# that are killed; published ports with the client's address; addresses are given back
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
[ -c /dev/net/tun ] || skip_all "no /dev/net/tun"
cp "$(image alpine)" "$T/alpine.tar"
run rl load -q -i "$T/alpine.tar"
i=docker.io/library/alpine
N=${LONG:+100}
N=${N:-30}
# each of the N asks for the others ROUNDS times
ROUNDS=${LONG:+10}
ROUNDS=${ROUNDS:-2}

run rl network create --ipv6 many
expect "a network" 0

# start FROM TO: that many, four at a time; each tells its name to who connects
start() {
	seq "$1" "$2" | as_user xargs -P 4 -I@ timeout 60 "$RL" run -d --name m@ --hostname host@ --network many "$i" \
		sh -c 'while true; do nc -l -p 80 -e hostname; done'
}
start 1 "$N" >"$T/ids" 2>"$T/err"
if [ "$(wc -l <"$T/ids")" = "$N" ]; then ok "$N containers start side by side"; else not_ok "$N containers" "$(cat "$T/err")"; fi
run rl network inspect many
if [ "$(jq '[.[0].containers[].interfaces.eth0.subnets[0].ipnet] | unique | length' <<<"$out")" = "$N" ]; then ok "no address twice"; else not_ok "no address twice" "$out"; fi

# others come and go meanwhile
(for ((n = 0; n < 6; n++)); do
	rl run --rm --network many --name "guest$n" "$i" nslookup m1 >/dev/null 2>&1 || echo "guest$n"
done) >"$T/guests" 2>&1 &
guests=$!
# one asks for three others: both families, and a connection by the address that was found
ask() {
	rl exec "m$1" sh -c "for k in $2; do
		ip=\$(nslookup -type=a m\$k | sed -n 's/^Address: *\\(10[.]89.*\\)/\\1/p')
		nslookup -type=aaaa m\$k | grep -q '^Address: *fd' || exit 1
		n=0
		until [ \"\$(nc -w 5 \$ip 80 </dev/null)\" = host\$k ]; do n=\$((n + 1)); [ \$n -lt 50 ] || exit 2; sleep 0.1; done
	done" >/dev/null 2>&1
}
bad=''
for ((k = 1; k <= N; k++)); do
	ask "$k" "$((k % N + 1)) $(((k + 6) % N + 1)) 1" || bad="$bad m$k:$?"
done
if [ -z "$bad" ]; then ok "each finds and reaches others, over both families"; else not_ok "who found nobody" "$bad"; fi
wait $guests
if [ ! -s "$T/guests" ]; then ok "guests found the first one all the time"; else not_ok "guests" "$(cat "$T/guests")"; fi
run rl exec m2 nslookup guest0
expect "a guest that has left is not found" 1

# --- a published port: the client's address, also after its helper and the packet loop were killed
port=$(free_port)
run rl run -d --name web --network many -p "$port:80" $i sh -c 'mkdir /w; echo page >/w/index.html; exec httpd -f -vv -p 80 -h /w'
expect "a published port" 0
get() { # prints what the server says, polled
	local n got
	for ((n = 0; n < 50; n++)); do
		got=$(/usr/bin/python3 -c 'import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1], timeout=5).read().decode())' "http://$1:$port/" 2>/dev/null)
		[ "$got" = page ] && return 0
		sleep 0.1
	done
	return 1
}
host=$(hostname -I | tr ' ' '\n' | grep -m 1 -E '^[0-9.]+$')
if [ -n "$host" ]; then
	if get "$host"; then ok "is reached"; else not_ok "is not reached" "$host:$port"; fi
	run rl logs web
	if [[ $out$err == *$host* ]]; then ok "the server sees the client's address"; else not_ok "the client's address" "$out" "$err"; fi
else
	skip "the client's address" "this host has none but loopback"
fi
check "over loopback" get 127.0.0.1
# the helpers of web, children of its monitor
monitor=$(monitor_of web)
for comm in rl-port rl-net; do
	run rl exec web nslookup m1 # the packet loop runs from here on
	pid=$(pgrep -P "$monitor" -x $comm)
	if [ -n "$pid" ] && kill -9 "$pid"; then ok "$comm is killed"; else not_ok "$comm is not there" "$(pgrep -P "$monitor" -l)"; fi
	check "the port works again" get 127.0.0.1
	n=0
	until rl exec web nslookup m1 >/dev/null 2>&1 || [ $n = 30 ]; do sleep 0.1; n=$((n + 1)); done
	run rl exec web nslookup m1
	expect "and names" 0
done

# --- many that join and leave two networks side by side, named in either order
run rl network create --subnet 10.99.1.0/24 left
run rl network create --subnet 10.99.2.0/24 right
for ((k = 0; k < 6; k++)); do
	rl run --rm --network left --network right $i true &
	rl run --rm --network right --network left $i true &
done >"$T/both" 2>&1
# shellcheck disable=SC2046 # numbers
wait $(jobs -p)
if [ ! -s "$T/both" ]; then ok "nobody waits for who waits for it"; else not_ok "two networks at once" "$(cat "$T/both")"; fi
# two that are alone on theirs and go to the other's at the same time: each needs an answer of the other
run rl run -d --name l --network left $i sleep 300
run rl run -d --name r --network right --restart always $i sleep 300
for ((k = 0; k < 5; k++)); do
	rl network connect right l &
	rl network connect left r &
	# shellcheck disable=SC2046 # numbers
	wait $(jobs -p)
	rl network disconnect right l &
	rl network disconnect left r &
	# shellcheck disable=SC2046 # numbers
	wait $(jobs -p)
done >"$T/cross" 2>&1
if [ ! -s "$T/cross" ]; then ok "they cross"; else not_ok "crossing" "$(cat "$T/cross")"; fi
run rl exec l ls /sys/class/net
expect "and come back" 0 $'eth0\nlo\ntap0'
run rl rm -f -t 0 l r
run rl network rm left right
expect "both are free at once" 0 $'left\nright'

# --- the end
run rl network rm -f -t 0 many
expect "all go" 0 many
run rl network create --subnet 10.89.0.0/29 small
for k in 1 2 3 4 5; do run rl run -d --name "s$k" --network small $i sleep 300; done
expect "five addresses of eight are for containers" 0
run rl run --rm --network small $i true
expect_error "no more" "*all addresses of network 'small' are in use*"
run rl rm -f -t 0 s3
run rl run --rm --network small $i true
expect "one was given back" 0
run rl network rm -f -t 0 small
expect "the end" 0
leakcheck "nothing is left"
finish
