#!/bin/bash
# exec.sh - `rl exec`: options with a use and a wrong use, exit codes, bytes, rights equal to run's, ends
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

archive=$(image alpine) || skip_all "no test image"
cp "$archive" "$T/alpine.tar"
run rl load -q -i "$T/alpine.tar"
[ $status = 0 ] || { not_ok "load the test image" "$err" && finish; }
img=docker.io/library/alpine
start() { # NAME RUN-OPTION...: a container that waits
	local name=$1
	shift
	run rl run -d --name "$name" --network none "$@" $img sh -c 'trap exit TERM; while :; do sleep 1000 & wait; done'
	[ $status = 0 ] || not_ok "start $name" "$err"
}
x() { run rl exec "$@" </dev/null; }

# --- exit codes, words ---------------------------------------------------------------------------
start c
x c sh -c 'echo out; echo err >&2; exit 7'
expect "streams and exit code" 7 "out" "err"
for n in 0 1 128 255; do
	x c sh -c "exit $n"
	expect "exit code $n" $n "" ""
done
x c sh -c 'kill -TERM $$'
expect "died by SIGTERM" 143
x c nosuch
expect "no such command" 127 "" "Error: *'nosuch'*not found*"
x c /etc
expect "a folder cannot be executed" 126 "" "Error: *'/etc'*"
x nobody true
expect_error "no such container" "*nobody*"
x c
expect_error "no command" "*'c'*"
x
expect_error "no container" "*exec*"
x --nosuchflag c true
expect_error "an unknown flag" "*--nosuchflag*"
run rl container exec c echo alias
expect "container exec" 0 "alias"
x c ls -l -d /
expect "options after the container are the command's" 0 "d*"
x -l echo newest
expect "--latest" 0 "newest"
rl ps -q --no-trunc >"$T/cid"
chmod 644 "$T/cid"
x --cidfile "$T/cid" echo cid
expect "--cidfile" 0 "cid"
x --cidfile "$T/nosuch" echo cid
expect_error "--cidfile that is not there" "*nosuch*"
x -l --cidfile "$T/cid" true
expect_error "--latest and --cidfile" "*exclude*"

# --- environment, folder, user -------------------------------------------------------------------
printf 'FROM_FILE=1\n# no\nB=file\n' >"$T/env.real" && ln -sf env.real "$T/env"
x -e A=1 -e B=2 --env-file "$T/env" c sh -c 'echo $A $B $FROM_FILE $HOME $PWD'
expect "-e, --env-file" 0 "1 2 1 /root /"
USER_ENV=(OURS=yes)
x -e OURS c sh -c 'echo $OURS'
expect "-e takes ours" 0 "yes"
USER_ENV=()
x -e =1 c true
expect_error "-e without a name" "*name*"
x --env-file "$T/nosuch" c true
expect_error "--env-file that is not there" "*nosuch*"
x -w /tmp c pwd
expect "-w" 0 "/tmp"
x -w /nosuch c pwd
expect "-w that is not there" 127 "" "Error: *'/nosuch'*"
x -w tmp c pwd
expect_error "-w that is not absolute" "*absolute*"
x -w /etc/passwd c pwd
expect "-w that is a file" 126 "" "Error: *"
x -u 1000:1001 c id
expect "-u by number" 0 "uid=1000 gid=1001"
x c sh -c 'echo "joe:x:1234:1235::/home/joe:/bin/sh" >>/etc/passwd; echo "team:x:77:joe" >>/etc/group'
x -u joe c sh -c 'id; echo $HOME'
expect "-u by name, as the container knows it now" 0 $'uid=1234(joe) gid=1235 groups=77(team)\n/home/joe'
x -u joe:team c id
expect "-u with a group" 0 "uid=1234(joe) gid=77(team)*"
for u in nosuch -1 4294967295 ' 0' 1e3; do
	x -u "$u" c id
	expect_error "-u '$u'" "*"
done
x -u 4000000 c id
expect_error "-u that is not mapped" "*4000000*"

# --- bytes ---------------------------------------------------------------------------------------
head -c 10M /dev/urandom >"$T/10M"
want=$(sha256sum <"$T/10M")
out=$(rl exec -i c sha256sum <"$T/10M")
[ "$out" = "$want" ] && ok "10 MB in" || not_ok "10 MB in" "$out" "$want"
head -c 1M "$T/10M" >"$T/1M"
run rl exec -i c dd of=/dev/null bs=4096 <"$T/1M"
expect "what comes in comes in whole blocks" 0 '' '*256+0 records in*'
out=$(rl exec -i c cat <"$T/10M" | sha256sum)
[ "$out" = "$want" ] && ok "10 MB in and out" || not_ok "10 MB in and out" "$out" "$want"
x c sh -c 'head -c 100M /dev/urandom >/tmp/100M; sha256sum </tmp/100M'
want=$out
out=$(rl exec c cat /tmp/100M | sha256sum)
[ "$out" = "$want" ] && ok "100 MB out" || not_ok "100 MB out" "$out" "$want"
x c rm /tmp/100M
cat >"$T/slow.py" <<'END'
import fcntl, os, subprocess, sys, time
r, w = os.pipe()
fcntl.fcntl(w, fcntl.F_SETFL, os.O_NONBLOCK)
p = subprocess.Popen(sys.argv[1:], stdout=w)
os.close(w)
time.sleep(0.3)
n = 0
while True:
    d = os.read(r, 65536)
    if not d:
        break
    n += len(d)
print(n, p.wait())
END
chmod 644 "$T/slow.py"
run as_user timeout 30 python3 "$T/slow.py" "$RL" exec c head -c 5000000 /dev/zero
expect "a non-blocking stdout and a slow reader" 0 "5000000 0"
out=$(rl exec c sh -c 'printf "a\0b\377"' | od -An -c)
[ "$out" = '   a  \0   b 377' ] && ok "any byte" || not_ok "any byte" "$out"
out=$(echo in | rl exec c cat)
[ -z "$out" ] && ok "without -i there is no input" || not_ok "without -i there is no input" "$out"
SECONDS=0
rl exec c yes 2>/dev/null | head -n 1 >"$T/head"
[ "$(cat "$T/head")" = y ] && [ $SECONDS -lt 30 ] && ok "a reader that leaves early" || not_ok "a reader that leaves early"
for i in $(seq 20); do rl exec -e I="$i" c sh -c 'echo $I; exit $I' >"$T/par.$i" & pids[i]=$!; done
bad=''
for i in $(seq 20); do
	wait "${pids[i]}"
	[ $? = "$i" ] && [ "$(cat "$T/par.$i")" = "$i" ] || bad="$bad $i"
done
[ -z "$bad" ] && ok "20 at once" || not_ok "20 at once" "$bad"
# many that go on, with a client each, and many that only wait: there is room for who has a request
rl run -d --network none --name crowd $img sleep 1000 >/dev/null
crowd=()
for _ in {1..70}; do as_user_exec "$RL" exec crowd sleep 1000 >/dev/null 2>&1 & crowd+=($!); done
for _ in {1..30}; do as_user_exec "$RL" wait crowd >/dev/null 2>&1 & crowd+=($!); done
soon says 70 rl inspect -f '{{len .ExecIDs}}' crowd
run rl inspect -f '{{len .ExecIDs}}' crowd
expect "70 that go on are listed" 0 70
run rl exec crowd echo one more
expect "beside them" 0 "one more"
run rl stop -t 0 crowd
expect "and it can be stopped" 0
wait "${crowd[@]}"
rl rm -f crowd >/dev/null
# who connects and says nothing keeps nobody out, also where the monitor may open few files
id=$(ulimit -n 64 && rl run -d --network none --name few $img sleep 1000)
/usr/bin/python3 "$SRC/tests/integration/silent.py" "$T/run/rl/ctr/$id/monitor.sock" "$TEST_UID" 300 &
silent=$!
MY_PIDS="$MY_PIDS $silent"
run rl exec few echo heard
expect "silent connections and few descriptors" 0 heard
cpu() { awk '{ print $14 + $15 }' "/proc/$1/stat"; } # hundredths of a second
m=$(monitor_of few) before=$(cpu "$m")
sleep 0.5
[ $(($(cpu "$m") - before)) -lt 25 ] && ok "its monitor sleeps" || not_ok "its monitor sleeps" "$before $(cpu "$m")"
kill $silent
wait $silent 2>/dev/null
rl rm -f -t 0 few >/dev/null

# --- S47: exactly what run gives -----------------------------------------------------------------
cat >"$T/look.sh" <<'END'
p=/proc/$1
grep -E '^(Uid|Gid|Groups|Umask|Cap...|NoNewPrivs|Seccomp|Seccomp_filters|THP_enabled):' $p/status
cat $p/limits $p/cgroup $p/oom_score_adj $p/uid_map $p/gid_map
cat $p/attr/current 2>/dev/null
for n in cgroup ipc mnt net pid time user uts; do readlink $p/ns/$n; done
readlink $p/cwd $p/root
tr '\0' '\n' <$p/environ | sort
END
same() { # NAME RUN-OPTION...
	local name=$1 first mine
	shift
	run rl run -d --name s --network none -v "$T/look.sh:/look.sh:ro" "$@" $img sh -c 'sh /look.sh self >/tmp/first; touch /tmp/done; sleep 1000'
	[ $status = 0 ] || { not_ok "S47: $name" "$err" && return; }
	for _ in $(seq 50); do
		x s test -e /tmp/done
		[ $status = 0 ] && break
		sleep 0.05
	done
	x s cat /tmp/first
	first=$out
	x s sh -c 'sh /look.sh self'
	mine=$out
	if [ "$first" = "$mine" ] && [ "$(wc -l <<<"$mine")" -gt 40 ]; then
		ok "S47: $name"
	else
		not_ok "S47: $name" "$(diff <(echo "$first") <(echo "$mine"))"
	fi
	run rl rm -f -t 0 s
}
chmod 644 "$T/look.sh"
same "root"
same "another user" --user 1000:1000 --group-add 5
same "added and dropped capabilities" --cap-add NET_ADMIN --cap-drop CHOWN
same "another user with a capability" --user 1000 --cap-add NET_RAW
same "no capabilities" --cap-drop all
same "no_new_privs" --security-opt no-new-privileges
same "no seccomp" --security-opt seccomp=unconfined
same "privileged" --privileged
same "limits" --ulimit nofile=100:200 --ulimit core=0 --umask 0077 --oom-score-adj 500
same "keep-id, init, working folder" --userns keep-id --init -w /usr
same "the host's pid, ipc and uts" --pid host --ipc host --uts host
run rl run -d --name few --network none --ulimit nofile=3:4 $img sleep 1000
x few sh -c 'ulimit -Sn; ulimit -Hn'
expect "a limit of descriptors below what rl itself needs" 0 $'3\n4'
run rl rm -f -t 0 few
x --privileged c sh -c 'grep -E "^(CapEff|CapBnd|Seccomp):" /proc/self/status; cat /proc/sys/kernel/cap_last_cap'
all=$(printf '%016x' $(((1 << (${out##*$'\n'} + 1)) - 1)))
expect "--privileged" 0 $'CapEff:\t'"$all"$'\nCapBnd:\t'"$all"$'\nSeccomp:\t0\n*'
x -u 1000 c sh -c 'grep -E "^Cap(Inh|Prm|Eff|Amb):" /proc/self/status | sort -u -k2'
expect "S21: nothing for another user" 0 "Cap???:?0000000000000000"
x c sh -c 'ls /proc/self/fd'
expect "S2: only 0, 1, 2 (and the one of ls)" 0 $'0\n1\n2\n3'
for n in $(seq 3 24); do
	x -w "/proc/self/fd/$n" c cat ../../etc/shadow
	[ $status = 126 ] || [ $status = 127 ] || break
done
[ "$n" = 24 ] && ok "S2: no working folder by descriptor" || not_ok "S2: no working folder by descriptor" "$n: $out $err"
x c sh -c 'ln -s /proc/self/fd/5 /fdlink'
x -w /fdlink c pwd
expect "S2: nor through a link" 126 "" "Error: *"
x --privileged c sh -c 'umount -l /dev/null && rm /dev/null && mkfifo /dev/null'
expect "(a FIFO for /dev/null)" 0
x c true
expect "a FIFO in the place of /dev/null" 125 "" "Error: *null*"
run rl rm -f -t 0 c
start c

# --- S1, with an rl of the user's own ------------------------------------------------------------
hash=$(sha256sum <"$RL")
chown "$TEST_UID" "$RL"
start own
x own sh -c 'printf "#!/proc/self/exe\n" >/evil; chmod 755 /evil; (while :; do for p in /proc/[0-9]*; do (echo x >>$p/exe) 2>/dev/null && touch /written; done; done) >/dev/null 2>&1 &'
for _ in $(seq 10); do x own /evil; done
expect "S1: a script that wants our program" 126
x own true
expect "S1: the stub runs what it should" 0
x own nosuch
expect "S1: not found" 127 "" "Error: *"
x own sh -c 'exit 9'
expect "S1: with its exit code" 9
exec 5<"$T/env"
x --preserve-fd 5 own cat /proc/self/fd/5
expect "the stub, and a descriptor in its way" 0 "FROM_FILE=1*"
exec 5<&-
x own ls /written
expect "S1: nothing was opened for writing" 1
[ "$(sha256sum <"$RL")" = "$hash" ]
check "S1: our program is what it was" test $? = 0
chown 0 "$RL"
run rl rm -f -t 0 own

# --- descriptors ---------------------------------------------------------------------------------
exec 3<"$T/env" 4<"$T/look.sh"
x --preserve-fds 2 c sh -c 'head -n 1 <&3; head -n 1 <&4'
expect "--preserve-fds" 0 $'FROM_FILE=1\np=/proc/$1'
x --preserve-fd 4 c sh -c 'ls /proc/self/fd | tr "\n" " "'
expect "--preserve-fd keeps the number" 0 "0 1 2 3 4 "
exec 3<&- 4<&-
x --preserve-fds 1 c ls -l /proc/self/fd
expect_error "one that is not open, but rl's own by now" "*descriptor 3*"
x --preserve-fd 0 c true
expect_error "stdin is no such descriptor" "*descriptor 0*"
x --preserve-fd a c true
expect_error "no number" "*'a'*"

# --- detached, ends ------------------------------------------------------------------------------
x -d c sh -c 'sleep 0.3; echo done >/tmp/d'
expect "-d prints the id of the exec" 0 "+([0-9a-f])" ""
[ ${#out} = 64 ] && ok "64 digits" || not_ok "64 digits" "$out"
x c sh -c 'for i in $(seq 100); do [ ! -s /tmp/d ] || break; sleep 0.1; done; cat /tmp/d'
expect "and it runs on" 0 "done"
x -d c nosuch
expect "-d of what is not there" 127 "" "Error: *"
SECONDS=0
x c sh -c 'sleep 100 & echo x'
expect "F28: a child that keeps stdout" 0 "x"
x c sh -c '(while :; do echo y; done) & exit 3' >/dev/null
[ $status = 3 ] && [ $SECONDS -lt 40 ] && ok "F28: one that writes on" || not_ok "F28: one that writes on" "$status $SECONDS"
mkfifo "$T/fifo"
exec 7<>"$T/fifo"
rl exec -i c sh -c 'echo >/tmp/begun; cat; echo ended >/tmp/ended' <"$T/fifo" &
soon rl exec c test -e /tmp/begun
signal_client KILL exec -i c sh
x c sh -c 'for i in $(seq 100); do [ -f /tmp/ended ] && break; sleep 0.1; done; cat /tmp/ended'
expect "a client that dies: the input ends" 0 "ended"
rl exec c sleep 50 &
soon says '*sleep 50*' rl exec c ps
signal_client INT exec c sleep 50
wait $!
[ $? = 130 ] && ok "SIGINT ends the client" || not_ok "SIGINT ends the client"
x c ps
expect "what it started goes on" 0 "*sleep 50*"
(rl exec c sleep 60 2>"$T/err2"; echo $? >"$T/code") &
soon says '*sleep 60*' rl exec c ps
run rl kill c
wait
[ "$(cat "$T/code")" = 137 ] && ok "it dies with the container" || not_ok "it dies with the container" "$(cat "$T/code" "$T/err2")"
x c true
expect "a container that has ended" 255 "" "Error: *not running*"
x -u joe c true
expect "the same, with a user to be looked up" 255 "" "Error: *not running*"
run rl events --since 1h --stream=false --filter container=c --format '{{.Status}} {{.ContainerExitCode}}'
[[ $out == *exec\ *exec_died\ 7* ]] && ok "events" || not_ok "events" "$out"
run rl run -d --rm --name r --network none $img sleep 1000
x -d r sleep 1234
run rl rm -f -t 0 r
run rl events --since 1h --stream=false --filter container=r --format '{{.Status}} {{.ContainerExitCode}}'
[[ $out == *exec\ *exec_died\ 137*remove* ]] && ok "an exec that ends with its container" ||
	not_ok "an exec that ends with its container" "$out"
[ "$(grep -c remove <<<"$out")" = 1 ] && ok "removed once" || not_ok "removed once" "$out"
run rl run -d --name h --pid host --restart always --network none $img sleep 1000
x -d h sleep 1234
run rl restart -t 0 h
x h sh -c 'for i in $(seq 100); do ps | grep -q "[s]leep 1234" || break; sleep 0.1; done; ps | grep -c "[s]leep 1234"'
expect "also where the kernel does not see to that" 1 "0"
start m
(rl exec m sleep 60 2>"$T/err2"; echo $? >"$T/code") &
soon says '*sleep 60*' rl exec m ps
kill -KILL "$(monitor_of m)"
wait
[ "$(cat "$T/code")" = 137 ] && ok "the monitor dies: so does it" || not_ok "the monitor dies: so does it" "$(cat "$T/code" "$T/err2")"
run rl rm -af -t 0
leakcheck "nothing is left"
# --- --init: process 1 is not the payload, and whoever enters the container enters by it -----------
run rl run -d --name i --init --network none --preserve-fds 1 $img sleep 1000 3</dev/null
x i sh -c 'readlink /proc/1/exe; ls /proc/1/fd | tr "\n" " "; echo >/proc/1/exe'
expect "--init: process 1 is no rl, keeps nothing open and cannot be written to" 1 "*memfd:*0 1 2 *" "*/proc/1/exe*"
x -u daemon i id -un
expect "--init: exec as a user by name" 0 daemon ""
run rl top i args
expect "--init: top" 0 "*rl-init*sleep 1000*" ""
run rl cp i:/etc/passwd "$T/work/passwd"
expect "--init: cp" 0 "" ""
run rl run --rm --network container:i --pid container:i $img sh -c 'tr "\0" " " </proc/1/cmdline'
expect "--init: namespaces are joined" 0 "rl-init *" ""
rl rm -f -t 0 i >/dev/null
finish
