#!/bin/bash
# top.sh - rl top: columns of Podman and of ps, processes of exec and of nested namespaces
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

archive=$(image alpine) || skip_all "no test image"
cp "$archive" "$T/alpine.tar"
run rl load -q -i "$T/alpine.tar"
[ $status = 0 ] || { not_ok "load the test image" "$err" && finish; }
img=docker.io/library/alpine

run rl run -d --network none --name one $img sh -c 'sleep 300 & exec sleep 301'
expect "a container to look at" 0
for _ in $(seq 50); do
	run rl top one args
	[[ $out == *"sleep 300"* && $out == *"sleep 301"* ]] && break
	sleep 0.1
done
run rl top one
expect "the usual columns" 0 \
	"USER*([ ])PID*PPID*%CPU*ELAPSED*TTY*TIME*COMMAND*root*1*0*.*s*[?]*s*sleep 301*root*2*1*sleep 300" ""
run rl top one pid ppid args
expect "the container's own numbers" 0 "PID*PPID*COMMAND
1*0*sleep 301
2*1*sleep 300"
run rl top one hpid,huser pid
hpid=$(awk '$3 == 1 { print $1 }' <<<"$out")
[ "$(readlink "/proc/$hpid/exe" 2>/dev/null)" ] && [[ $out == *" $TEST_UID "* ]] &&
	ok "the host's number and user" || not_ok "the host's number and user" "$out"
run rl top one %p %U %C %a
expect "codes of ps" 0 "PID*USER*%CPU*COMMAND*1*root*.*sleep 301*"
run rl top one capeff seccomp state nice pgid capamb
expect "rights" 0 "EFFECTIVE CAPS*CHOWN,*filter*S*$(nice)*1*none*"
run rl top one aux
expect "ps aux" 0 "USER*PID*%CPU*%MEM*VSZ*RSS*TTY*STAT*START*TIME*COMMAND*root*1*S?(N)s*0:00*sleep 301*"
run rl container top one -ef
expect "ps -ef" 0 "UID*PID*PPID*C*STIME*TTY*TIME*CMD*root*1*0*00:00:00*sleep 301*"
run rl top one -eo pid,args=WHAT
expect "ps -eo" 0 "PID*WHAT*1*sleep 301*"
run rl top one -eo "pid comm, user=MY USER"
expect "ps -eo, blanks between" 0 "PID*COMMAND*MY USER*1*sleep*root*"
run rl top one -o pid,nosuch
expect_error "a column that ps has not" "*'nosuch'*"
run rl top one pid nosuch
expect_error "an unknown descriptor" "*'nosuch'*args, capamb*"
run rl top one -Z
expect_error "an unknown option of ps" "*'Z'*"
run rl top
expect_error "without a name" "*name of a container*"
run rl top nobody
expect_error "of an unknown one" "*no such container*"
run rl top --latest pid
expect "the newest" 0 "PID*1*2"

# names come from the container's files, and odd ones harm nobody
run rl run -d --network none --name two --user 5:7 $img sleep 300
run rl top two user group
expect "a user without a name" 0 "USER*GROUP*5*7"
run rl run -d --network none --name odd $img \
	sh -c 'rm /etc/passwd; mkfifo /etc/passwd; exec sh -c "sleep 300; :" "a
b"'
for _ in $(seq 50); do
	run rl top odd user args
	[[ $out == *sh\ -c\ sleep\ 300* ]] && break
	sleep 0.1
done
expect "a fifo for passwd" 0 "USER*COMMAND
0*sh -c sleep 300; : a b*"
run rl run -d --network none --name host --pid host $img sh -c 'sleep 302 & exec sleep 303'
soon says '*sleep 303*' rl top host args
run rl top host args
expect "only its own with --pid host" 0 "COMMAND
sleep 30[23]*
sleep 30[23]*"
[ "$(wc -l <<<"$out")" = 3 ] && ok "and no others" || not_ok "and no others" "$out"
run rl top host hpid # without a cgroup nothing else ends what shares the host's processes
for pid in $(tail -n +2 <<<"$out"); do as_user kill "$pid"; done
if rl exec one true 2>/dev/null; then
	rl exec -d one sleep 304
	soon says '*sleep 304*' rl top one args
	run rl top one args
	expect "processes of exec" 0 "*sleep 304*"
fi
run rl stop -t 0 two
run rl top two
expect_error "of one that has ended" "*running containers*"
run rl rm -af -t 0
leakcheck "nothing is left"
finish
