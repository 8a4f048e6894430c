#!/bin/bash
# guest.sh WHERE - in the machine, as the user: limits and their ends, in one of boot.sh's places
set -u
where=$1
n=$(cat /run/rl-test-number)
check=/opt/rl/check_cgroup
session=/opt/rl/check_session
out=
ok() { # ok STATUS WHAT
	n=$((n + 1))
	if [ "$1" = 0 ]; then
		echo "ok $n - $where: $2"
	else
		echo "not ok $n - $where: $2"
		printf '%s\n' "$out" | sed 's/^/# /'
	fi
	echo "$n" >/run/rl-test-number
}
has() { # has WORDS WHAT
	case $out in
	*"$1"*) ok 0 "$2" ;;
	*) ok 1 "$2 (wanted: $1)" ;;
	esac
}
field() { printf '%s\n' "$out" | sed -n "s/.*$1 \\([0-9]*\\).*/\\1/p" | tail -n 1; }
folder() { printf '%s\n' "$out" | sed -n 's/^place: [a-z]* //p'; }

# What the group says, from inside and from outside of it
limits() {
	# shellcheck disable=SC2016 # for the shell in the group
	out=$($check -c 0.5 -m 64m -p 20 sh -c 'cd /sys/fs/cgroup$(sed -n s/^0:://p /proc/self/cgroup) &&
		echo in: $(cat cpu.max memory.max pids.max memory.oom.group cgroup.procs | tr "\n" " ")' 2>&1)
	has "place: $1 " "the place is: $1"
	has "in: 50000 100000 67108864 20 1" "limits are set, the process is in its group"
	case $out in *lost:*) ok 1 "nothing is lost" ;; *) ok 0 "nothing is lost" ;; esac
	echo "# $where: $(printf '%s\n' "$out" | grep took)"
	[ -n "$(folder)" ] && [ ! -e "$(folder)" ]
	ok $? "the group is gone afterwards"
	out=$(for _ in {1..30}; do [ -e "$(dirname "$(folder)")" ] || break; read -rt 0.1 <> <(:); done
		ls -d "$(dirname "$(folder)")" 2>&1)
	has "No such file" "and the one above it"
}
effects() {
	out=$($check -c 0.5 timeout 2 sh -c 'while :; do :; done' 2>&1)
	cpu=$(field cpu)
	[ "${cpu:-0}" -gt 600000 ] && [ "$cpu" -lt 1400000 ]
	ok $? "a busy loop of 2 s gets about half a CPU (${cpu:-?} us)"
	out=$($check -m 64m -s 0 sh -c 'dd if=/dev/zero of=/dev/null bs=200M count=1' 2>&1)
	has "end: 137 oom" "too much memory ends it with SIGKILL"
	[ "$(field oom)" -gt 0 ] && [ "$(field max)" = 67108864 ] && [ "$(field peak)" -gt 60000000 ]
	ok $? "and it is told as out of memory, with limit and peak"
	out=$($check -p 20 timeout -s KILL 10 sh -c 'f() { f | f & }; f; sleep 1; exit 0' 2>&1)
	has "end:" "a fork bomb is bounded"
	[ -z "$(pgrep -u "$(id -u)" -f 'f [|] f')" ]
	ok $? "and nothing of it is left"
}

# The same by `rl run`, as a user meets it
image=localhost/rl-busybox
rl() { timeout 60 "/opt/rl/$(cat /opt/rl/bindir)/rl" "$@"; }
run_limits() {
	local group inside=/sys/fs/cgroup
	out=$(rl run --rm --network none --cpus 0.5 --memory 64m --pids-limit 20 $image sh -c "
		cd $inside && echo in: \$(cat cpu.max memory.max pids.max /proc/self/cgroup)" 2>&1)
	has "in: 50000 100000 67108864 20 0::/" "rl run: limits are seen inside, at the root of its cgroups"
	case $out in *arning*) ok 1 "rl run: no warning" ;; *) ok 0 "rl run: no warning" ;; esac

	rl run --rm --name outside --network none --cpus 0.5 --memory 64m --pids-limit 20 $image \
		sh -c 'echo up; sleep 5' >"$HOME/rl.out" 2>&1 &
	for _ in {1..100}; do
		grep -q up "$HOME/rl.out" && break
		read -rt 0.1 <> <(:)
	done
	out=$(cat "$HOME/rl.out"; find /sys/fs/cgroup -type d -path '*/rl-*/container')
	group=$(printf '%s\n' "$out" | tail -n 1)
	out=$(cat "$group/cpu.max" "$group/memory.max" "$group/pids.max" 2>&1 | tr '\n' ' ')
	has "50000 100000 67108864 20 " "rl run: and outside"
	wait
	out=$(for _ in {1..50}; do [ -e "${group%/*}" ] || break; read -rt 0.1 <> <(:); done; ls -d "${group%/*}" 2>&1)
	has "No such file" "rl run: the scope is gone afterwards"
}
run_effects() {
	local st
	out=$(rl run --rm --network none --cpus 0.5 $image sh -c \
		'timeout 2 sh -c "while :; do :; done"; cat /sys/fs/cgroup/cpu.stat' 2>&1)
	cpu=$(printf '%s\n' "$out" | sed -n 's/^usage_usec //p')
	[ "${cpu:-0}" -gt 600000 ] && [ "$cpu" -lt 1500000 ]
	ok $? "rl run: a busy loop of 2 s gets about half a CPU (${cpu:-?} us)"
	out=$(rl run --rm --network none --memory 64m --memory-swap 64m $image \
		dd if=/dev/zero of=/dev/null bs=200M count=1 2>&1)
	st=$?
	[ $st = 137 ]
	ok $? "rl run: out of memory: exit status 137 ($st)"
	has "out of memory: limit 64.0 MiB, peak 6" "rl run: and a line with limit and peak"
	has "most of it had dd (" "rl run: and who had the most"
	out=$(rl run --rm --network none --pids-limit 20 $image \
		sh -c 'f() { f | f & }; f; sleep 2' 2>&1)
	has "can't fork" "rl run: a fork bomb meets its limit"
	[ -z "$(pgrep -u "$(id -u)" -f 'f [|] f')" ]
	ok $? "rl run: nothing is left of a fork bomb"
	out=$(ls "$HOME/.local/share/rl/containers" 2>&1)
	[ -z "$out" ]
	ok $? "rl run: nor of any container"
}

# The monitor's life with a cgroup: pause, out of memory and again, the end of its scope
until_status() { # NAME PATTERN: at most 10 s
	for _ in {1..100}; do
		out=$(rl ps -a --filter "name=^$1\$" --format '{{.Status}}')
		# shellcheck disable=SC2254 # a pattern
		case $out in $2) return 0 ;; esac
		read -rt 0.1 <> <(:)
	done
	return 1
}
run_life() {
	local before
	rl run -d --name froze --network none $image \
		sh -c 'trap "exit 7" TERM; while :; do echo tick; sleep 0.1; done' >/dev/null
	out=$(rl pause froze 2>&1)
	[ "$out" = froze ]
	ok $? "rl pause"
	until_status froze "Up * (Paused)"
	ok $? "rl pause: ps shows it"
	read -rt 0.3 <> <(:)
	before=$(rl logs froze | wc -l)
	read -rt 0.5 <> <(:)
	out="$before $(rl logs froze | wc -l)"
	[ "$before" = "${out#* }" ]
	ok $? "rl pause: nothing moves"
	out=$(rl pause froze 2>&1)
	has "paused already" "rl pause: twice is an error"
	out=$(rl exec froze true 2>&1)
	has "paused" "rl exec: refused while it is paused"
	out=$(rl unpause froze 2>&1)
	read -rt 0.5 <> <(:)
	[ "$(rl logs froze | wc -l)" -gt "$before" ]
	ok $? "rl unpause: it goes on"
	rl pause froze >/dev/null
	out=$(rl stop -t 5 froze 2>&1; rl wait froze)
	[ "$out" = "froze
7" ]
	ok $? "rl stop: thaws it first"
	rl start froze >/dev/null
	rl pause froze >/dev/null
	out=$(rl kill froze 2>&1; rl wait froze)
	[ "$out" = "froze
137" ]
	ok $? "rl kill: ends a paused one"
	rl start froze >/dev/null
	rl pause froze >/dev/null
	out=$(rl rm -f -t 1 froze 2>&1; rl ps -aq)
	[ "$out" = froze ]
	ok $? "rl rm -f: of a paused one"

	rl run -d --name hungry --network none --memory 32m --memory-swap 32m --restart on-failure:2 $image \
		dd if=/dev/zero of=/dev/null bs=200M count=1 >/dev/null
	until_status hungry "Exited (137)*"
	out="$out $(cat "$HOME"/.local/share/rl/containers/*/exit.json)"
	has '"restarts":2' "on-failure:2 after out of memory"
	has '"oom":true' "each record says why"
	rl rm hungry >/dev/null

	rl run -d --name again --network none --memory 32m --restart always $image \
		sh -c 'cat /sys/fs/cgroup/memory.max; sleep 0.1' >/dev/null
	for _ in {1..50}; do
		out=$(rl logs again | tr '\n' ' ')
		case $out in "33554432 33554432 33554432 "*) break ;; esac
		read -rt 0.1 <> <(:)
	done
	has "33554432 33554432 33554432 " "restart: the limits stay"
	rl rm -f -t 1 again >/dev/null
	out=$(find /sys/fs/cgroup -type d -path '*/rl-*/container'; ls "$HOME/.local/share/rl/containers")
	[ -z "$out" ]
	ok $? "no cgroup and no container is left"
}
run_scope_end() {
	local unit
	rl run -d --name ends --network none --pids-limit 20 --restart always $image \
		sh -c 'trap "echo bye; exit 7" TERM; echo up; while :; do sleep 0.1; done' >/dev/null
	unit=$(basename "$(find /sys/fs/cgroup -type d -name 'rl-*.scope')")
	systemctl --user stop "$unit"
	until_status ends "Exited (7)*"
	ok $? "the end of its scope is an orderly end"
	rl rm ends >/dev/null
}

# `rl update`: the kernel's own values, before and after, and a change that it refuses
run_update() {
	local group cpu a b
	rl run -d --name live --network none --cpus 1 --memory 64m $image sh -c \
		'while :; do :; done' >/dev/null 2>&1
	group=$(find /sys/fs/cgroup -type d -path '*/rl-*/container' | tail -n 1)
	values() { (cd "$group" && cat cpu.max cpu.weight memory.max memory.swap.max pids.max) 2>&1 | tr '\n' ' '; }
	out=$(rl update --cpus 0.25 --memory 96m --memory-swap 96m --pids-limit 50 --cpu-shares 2048 live 2>&1; values)
	has "25000 100000 79 100663296 0 50 " "rl update: the kernel has the new limits"
	a=$(sed -n 's/^usage_usec //p' "$group/cpu.stat")
	read -rt 2 <> <(:)
	b=$(sed -n 's/^usage_usec //p' "$group/cpu.stat")
	cpu=$((b - a))
	[ $cpu -gt 300000 ] && [ $cpu -lt 800000 ]
	ok $? "rl update: a busy loop gets a quarter of a CPU in 2 s ($cpu us)"
	out=$(rl update --memory 80m --pids-limit 60 --cpuset-cpus 77 live 2>&1; values)
	has "Error: update 'live'" "rl update: a CPU that does not exist is an error"
	has "25000 100000 79 100663296 0 50 " "rl update: and the other limits are as they were"
	out=$(cat "$HOME"/.local/share/rl/containers/*/state.json)
	has '"memory_max":100663296' "rl update: on record, too"
	out=$(rl update --cpu-quota -1 --pids-limit -1 --memory-swap -1 live 2>&1; values)
	has "max 100000 79 100663296 max max " "rl update: no limit"
	out=$(rl update --cpus 0.5 --pids-limit 50 live 2>&1; rl update --cpus 0 --memory -1 --pids-limit -1 live 2>&1; values)
	has "max 100000 79 max max max " "rl update: nor of the memory"
	rl rm -f -t 0 live >/dev/null 2>&1
	rl run -d --name eats --network none --memory 128m $image \
		sh -c 'dd if=/dev/zero of=/dev/shm/x bs=1M count=40 2>/dev/null; echo up; sleep 100' >/dev/null 2>&1
	for _ in {1..100}; do
		rl logs eats 2>/dev/null | grep -q up && break
		read -rt 0.1 <> <(:)
	done
	out=$(rl update --memory 8m eats 2>&1)
	has "is below what the container uses now" "rl update: memory in use is not taken away"
	out=$(rl ps --filter name=eats --format '{{.State}}' 2>&1)
	has "running" "rl update: the container lives on"
	rl rm -f -t 0 eats >/dev/null 2>&1
	out=$(ls "$HOME/.local/share/rl/containers" 2>&1)
	[ -z "$out" ]
	ok $? "rl update: nothing is left"
}

# What shows containers, with real numbers of a cgroup
run_look() {
	local cpu
	rl run -d --name shown --network none --cpus 0.5 --memory 64m --pids-limit 20 $image sh -c \
		'head -c 20000000 /dev/zero >/dev/shm/x; echo up; sleep 300 & while :; do :; done' >/dev/null 2>&1
	for _ in {1..100}; do
		rl logs shown 2>/dev/null | grep -q up && break
		read -rt 0.1 <> <(:)
	done
	read -rt 2 <> <(:)
	out=$(rl stats --no-stream --format '{{.CPUPerc}} {{.MemUsage}} {{.PIDs}} {{.CPUTime}} {{.NetIO}}' shown 2>&1)
	cpu=${out%%.*}
	[ "${cpu:-0}" -ge 20 ] && [ "$cpu" -le 70 ]
	ok $? "rl stats: half a CPU"
	has " / 67.11MB 2 " "rl stats: the limit of memory, two processes"
	case $out in *"% 2"[0-9]*"MB / 67"*) ok 0 "rl stats: memory" ;; *) ok 1 "rl stats: memory" ;; esac
	out=$(timeout 8 "/opt/rl/$(cat /opt/rl/bindir)/rl" stats -i 2 --format '{{.CPUPerc}}' shown 2>&1 | sed -n 2p)
	cpu=${out%%.*}
	[ "${cpu:-0}" -ge 35 ] && [ "$cpu" -le 65 ]
	ok $? "rl stats: and in the second round"
	rl exec -d shown sh -c 'unshare -U sleep 301 || sleep 301' >/dev/null 2>&1
	read -rt 1 <> <(:)
	out=$(rl top shown args 2>&1)
	has "sleep 300" "rl top: processes of the cgroup"
	has "sleep 301" "rl top: those of exec, too"
	out=$(rl inspect -f '{{.Isolation.LimitsInForce}} {{.Isolation.LimitsNotInForce}} {{.HostConfig.Memory}} {{.HostConfig.NanoCpus}} {{.State.CgroupPath}}' shown 2>&1)
	has "[--cpus 0.5 --memory 67108864 --pids-limit 20] [] 67108864 500000000 /" "rl inspect: limits in force"
	rl rm -f -t 0 shown >/dev/null 2>&1
}

# `rl exec` lands in the container's cgroup and in its cgroup namespace, and so under its limits
run_exec() {
	local group
	rl run -d --name boxed --network none --memory 64m --memory-swap 64m --pids-limit 20 $image sleep 60 >/dev/null
	group=$(find /sys/fs/cgroup -type d -path '*/rl-*/container' | tail -n 1)
	# shellcheck disable=SC2016 # for the shell inside
	out=$(rl exec boxed sh -c 'cat /proc/self/cgroup /sys/fs/cgroup/memory.max
		[ "$(readlink /proc/self/ns/cgroup)" = "$(readlink /proc/1/ns/cgroup)" ] && echo same' 2>&1)
	[ "$out" = "0::/
67108864
same" ]
	ok $? "rl exec: the container's cgroup, seen from its root"
	rl exec -d boxed sleep 33 >/dev/null
	out=$(cat "$group/cgroup.procs")
	[ "$(wc -w <<<"$out")" = 2 ]
	ok $? "rl exec: it and nothing else of ours is in there"
	out=$(rl exec boxed sh -c 'f() { f | f & }; f; sleep 2' 2>&1)
	has "can't fork" "rl exec: a fork bomb meets the container's limit"
	rl rm -f -t 0 boxed >/dev/null 2>&1
	rl run -d --name boxed --network none --memory 64m --memory-swap 64m $image sleep 60 >/dev/null
	out=$(rl exec boxed dd if=/dev/zero of=/dev/null bs=200M count=1 2>&1; echo "status $?")
	has "status 137" "rl exec: too much memory"
	rl rm -f -t 0 boxed >/dev/null 2>&1
	out=$(find /sys/fs/cgroup -type d -path '*/rl-*/container'; pgrep -xf "sleep 33")
	[ -z "$out" ]
	ok $? "rl exec: nothing is left"
}

# Every limit there is, as the kernel has it; what the machine's kernel lacks is named
run_all() {
	local group dev
	dev=$(stat -c '%Hr:%Lr' /dev/vda)
	rl run -d --name all --network none --cpu-quota 30000 --cpu-period 60000 -c 512 --cpuset-cpus 1 --cpuset-mems 0 \
		--memory 64m --memory-reservation 16m --memory-swap 96m --pids-limit 40 --blkio-weight 500 \
		--blkio-weight-device /dev/vda:100 --device-read-bps /dev/vda:1m --device-write-bps /dev/vda:2m \
		--device-read-iops /dev/vda:300 --device-write-iops /dev/vda:400 --cgroup-conf memory.high=60000000 \
		--ulimit nofile=99:100 --oom-score-adj 77 $image sleep 100 >"$HOME/rl.out" 2>&1
	out=$(cat "$HOME/rl.out")
	group=$(find /sys/fs/cgroup -type d -path '*/rl-*/container' | tail -n 1)
	values() { (cd "$group" && cat cpu.max cpu.weight cpuset.cpus cpuset.mems memory.max memory.low memory.swap.max memory.high pids.max) 2>&1 | tr '\n' ' '; }
	out="$out $(values)"
	has "30000 60000 20 1 0 67108864 16777216 33554432 59998208 40" "every limit: the kernel has it"
	out=$(cat "$group/io.max" 2>&1)
	has "$dev rbps=1048576 wbps=2097152 riops=300 wiops=400" "io.max: bytes and operations of a device"
	out=$(cat "$HOME/rl.out" "$group"/io.weight "$group"/io.bfq.weight 2>&1)
	case $out in
	*"default 4950"*"$dev 910"* | *"cannot do it on that device"*) ok 0 "io.weight: in force, or named as what the kernel lacks" ;;
	*) ok 1 "io.weight: in force, or named as what the kernel lacks" ;;
	esac
	out=$(rl exec all sh -c 'ulimit -n; ulimit -Hn; cat /proc/self/oom_score_adj; grep Cpus_allowed_list /proc/self/status' 2>&1 | tr '\n\t' '  ')
	has "99 100 77 Cpus_allowed_list: 1 " "nofile, oom score and CPUs, from inside"
	out=$(rl inspect -f '{{.Isolation.LimitsInForce}} {{.HostConfig.BlkioDeviceReadBps}} {{.HostConfig.CgroupConf}} {{.HostConfig.BlkioWeight}}' all 2>&1)
	has "--device-write-iops /dev/vda:400" "inspect: in force"
	has " 1048576}]" "inspect: the rate of a device"
	has "memory.high:60000000" "inspect: --cgroup-conf"
	out=$(rl update --device-read-bps /dev/vda:4m --cpuset-cpus 0 --memory-reservation -1 all 2>&1; values; cat "$group/io.max")
	has "30000 60000 20 0 0 67108864 0 33554432" "update: cpuset and reservation"
	has "rbps=4194304 wbps=2097152" "update: one rate of a device"
	out=$(rl update --device-read-bps /dev/vda:0 --memory 48m --cpuset-cpus 55 all 2>&1; cat "$group/io.max" "$group/memory.max")
	has "rbps=4194304 wbps=2097152 riops=300 wiops=400
67108864" "update: what is refused leaves the others"
	rl rm -f -t 0 all >/dev/null
	out=$(rl run --rm --network none --cgroup-conf memory.high=x $image true 2>&1)
	[ $? = 125 ]
	ok $? "--cgroup-conf: a value that the kernel refuses"
	has "--cgroup-conf: write 'x' to 'memory.high'" "and what it was"
	out=$(rl run --rm --network none --cgroup-conf memory.nosuch=1 $image echo runs 2>&1)
	has "no 'memory.nosuch'" "--cgroup-conf: a file that there is not"
}

# --cgroups and --cgroup-parent
run_place() { # run_place PARENT: a slice, or a path
	local own
	own=$(sed -n s/^0:://p /proc/self/cgroup)
	out=$(rl run --rm --network none --cgroups disabled $image sh -c 'cat /proc/1/cgroup' 2>&1; cat /proc/self/cgroup)
	ok $? "--cgroups disabled runs"
	rl run -d --name off --network none --cgroups disabled $image sleep 20 >/dev/null 2>&1
	out=$(rl inspect -f '{{.State.CgroupPath}}|{{.HostConfig.Cgroups}}' off)
	[ "$out" = "|disabled" ]
	ok $? "--cgroups disabled: no cgroup of its own"
	rl rm -f -t 0 off >/dev/null
	rl run -d --name placed --network none --pids-limit 30 --cgroup-parent "$1" $image sleep 20 >"$HOME/rl.out" 2>&1
	out="$(cat "$HOME/rl.out"; rl inspect -f '{{.Isolation.Cgroup}}' placed)"
	has "${1%/}/rl-" "--cgroup-parent $1: it is there"
	out=$(rl exec placed cat /sys/fs/cgroup/pids.max 2>&1)
	has 30 "--cgroup-parent: with its limits, for exec as well"
	rl rm -f -t 0 placed >/dev/null
	out=$(find /sys/fs/cgroup -type d -path '*/rl-*/container')
	[ -z "$out" ]
	ok $? "--cgroup-parent: nothing is left"
	[ "$where" = delegated ] || return 0
	rl run -d --name half --network none --pids-limit 30 --cgroups split $image sleep 20 >"$HOME/rl.out" 2>&1
	out="$(cat "$HOME/rl.out"; rl inspect -f '{{.Isolation.Cgroup}}' half)"
	has "${own%/rl-callers}/rl-" "--cgroups split: below our own"
	rl rm -f -t 0 half >/dev/null
}

# User namespaces are switched off; a holder of S may still be there, so in a fresh folder
off() { # off WORDS SETTING
	out=$(RL_ROOT=$HOME/off-$where $session open 2>&1)
	[ $? = 125 ]
	ok $? "no user namespaces: exit status 125"
	has "$1" "the switch is named"
	has "sudo sysctl -w $2" "and the setting that mends it"
}

# doctor_says LINE...: its report has these lines
doctor_says() {
	local line
	out=$(RL_ROOT=$HOME/doctor-$where rl doctor 2>&1)
	for line; do
		printf '%s\n' "$out" | grep -q "^$line"
		ok $? "rl doctor: $line"
	done
}

case $where in
none)
	doctor_says 'degraded  cgroup ' 'ok        systemd ' 'missing   dbus-session '
	out=$($check -c 0.5 -m 64m -p 20 true 2>&1)
	has "place: none" "no place to be had"
	has "end: 0" "the command runs"
	for flag in cpus memory pids-limit; do
		has "lost: --$flag: you have no systemd user session" "the lost limit is named: --$flag"
	done
	has "sudo loginctl enable-linger" "with the command that mends it"
	out=$(rl run --rm --network none --cpus 0.5 --memory 64m --pids-limit 20 $image echo it runs 2>&1)
	has "it runs" "rl run: the container runs"
	for flag in cpus memory pids-limit; do
		[ "$(printf '%s\n' "$out" | grep -c -- "--$flag is approximate (.*): you have no systemd user session")" = 1 ]
		ok $? "rl run: one line names the approximate limit: --$flag"
	done
	out=$(rl run --rm --network none --memory 32m $image dd if=/dev/zero of=/dev/null bs=200M count=1 2>&1)
	[ $? = 137 ]
	ok $? "rl run: the watched limit of memory ends it"
	has "most of it had dd" "rl run: and names who had the most"
	out=$(rl run --rm --network none --strict-limits --memory 64m $image true 2>&1)
	[ $? = 125 ]
	ok $? "rl run: --strict-limits refuses instead"
	;;
delegated)
	doctor_says 'ok        cgroup .*delegated'
	limits delegated
	effects
	run_limits
	run_effects
	run_life
	run_exec
	run_update
	run_look
	run_all
	run_place deep/er
	limits delegated
	;;
nested)
	limits delegated
	effects
	;;
userns)
	doctor_says 'ok        user-namespaces ' 'ok        id-maps .*65537 uids' 'ok        overlay ' 'ok        newuidmap '
	out=$($session enter 2>&1)
	has "full " "a session with subordinate ids"
	has "inside: uid 0 gid 0 setgroups allowed, can chown: yes" "and root in it"
	;;
debian-off)
	doctor_says 'missing   user-namespaces ' 'missing   sysctl-userns '
	off "'/proc/sys/kernel/unprivileged_userns_clone' is 0" kernel.unprivileged_userns_clone=1
	;;
max-off)
	off "'/proc/sys/user/max_user_namespaces' is 0" user.max_user_namespaces=15000
	;;
scope)
	limits scope
	effects
	run_limits
	run_effects
	run_life
	run_exec
	run_scope_end
	run_update
	run_place rltest.slice
	out=$($check -C 0 true 2>&1)
	has "lost: --cpuset-cpus: systemd does not delegate the controller 'cpuset'" "what is not delegated is named"
	has "Delegate=cpu cpuset io memory pids" "with the setting that mends it"
	;;
outside)
	limits scope
	run_limits
	run_exec
	;;
no-bus)
	doctor_says 'ok        cgroup .*systemd made a scope' 'degraded  controllers .*not delegated: cpuset' \
		'ok        lingering '
	limits scope
	;;
root)
	limits scope
	out=$($check -C 77 true 2>&1)
	[ $? = 125 ]
	ok $? "a CPU that does not exist is an error"
	has "--cpuset-cpus: write '77'" "which names it"
	;;
esac
exit 0
