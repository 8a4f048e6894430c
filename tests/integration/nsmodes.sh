#!/bin/bash
# nsmodes.sh - whose namespaces a container has: --pid, --ipc, --uts, --cgroupns of another container or by
# path, clocks of its own; --security-opt, --sysctl and --device where they need a kernel to answer
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
cp "$(image alpine)" "$T/alpine.tar" && run rl load -q -i "$T/alpine.tar"
r() { run rl run --rm --network none "$@"; }

# --- another container's -------------------------------------------------------------------------
run rl run -d --name a --network none --hostname host-of-a alpine sh -c 'echo hello >/dev/shm/f; exec sleep 300'
expect "a container to be joined" 0
for _ in {1..50}; do rl exec a test -s /dev/shm/f && break; done
ns() { rl exec a readlink "/proc/self/ns/$1"; }
for k in pid ipc uts cgroup; do
	flag=$k && [ $k = cgroup ] && flag=cgroupns
	r --$flag container:a alpine sh -c "for n in $k user mnt; do readlink /proc/self/ns/\$n; done"
	if [[ $out == "$(ns $k)"$'\n'"$(ns user)"$'\n'mnt:* && $out != *"$(ns mnt)"* ]]; then
		ok "--$flag container: its $k and user namespace, not its mounts"
	else
		not_ok "--$flag container:" "$out" "$err" "$(ns $k) $(ns user) $(ns mnt)"
	fi
done
r --pid container:a alpine sh -c 'cat /proc/1/comm; grep CapBnd /proc/self/status; unshare -U true 2>&1'
expect "--pid container: sees its processes, has no more rights" 1 $'sleep\nCapBnd:?00000000800405fb\n*No space left on device*'
r --ipc container:a alpine sh -c 'cat /dev/shm/f; echo more >>/dev/shm/f; grep -c " /dev/shm .*nosuid,nodev,noexec" /proc/self/mountinfo'
expect "--ipc container: /dev/shm is one" 0 $'hello\n1'
run rl exec a cat /dev/shm/f && expect "and the owner sees it" 0 $'hello\nmore'
r --uts container:a alpine sh -c 'hostname; cat /etc/hostname; cat /proc/sys/kernel/hostname'
expect "--uts container: its name" 0 $'host-of-a\nhost-of-a\nhost-of-a'
r --uts container:a --hostname x alpine true && expect_error "--uts container: with a name" "*exclude each other*"
r --pid container:a --userns keep-id alpine true && expect_error "another user namespace at the same time" "*user namespace*"
r --pid container:nosuch alpine true && expect_error "no such container" "*no such container*"
run rl run -d --name b --network none alpine sleep 300
r --pid container:a --ipc container:b alpine true && expect_error "namespaces of two" "*two containers*"
run rl rm -f -t 0 b
run rl create --name stopped --network none alpine sleep 300
r --pid container:stopped alpine true && expect_error "of one that does not run" "*not running*"
run rl create --name none --network none --ipc none alpine true
r --ipc container:none alpine true && expect_error "--ipc none is not shared" "*shares its IPC namespace with nobody*"
run rl create --name closed --network none --ipc private alpine true
r --ipc container:closed alpine true && expect_error "--ipc private neither" "*non-shareable IPC*--ipc shareable*"
run rl create --name joins --network none --ipc container:a alpine true
a_id=$(rl inspect -f '{{.Id}}' a)
run rl inspect -f '{{.HostConfig.IpcMode}}' a closed joins
expect "what inspect says of it" 0 $'shareable\nprivate\ncontainer:'"$a_id"
rl rm joins closed >/dev/null
r --ipc none alpine sh -c 'ls /dev/shm' && expect "--ipc none: no /dev/shm" 1
run rl run -d --name shared --network none --pid host alpine sleep 300
r --pid container:shared alpine sh -c 'readlink /proc/self/ns/pid'
[ "$out" = "$(readlink /proc/self/ns/pid)" ] && ok "of one that has the host's" || not_ok "of one that has the host's" "$out" "$err"
run rl rm -f -t 0 shared

# what is left of one that had another's processes goes with it, and the owner stays
run rl run -d --name guest --init --network none --pid container:a alpine sh -c '(sleep 4321 &); (setsid sleep 4321 &); exec sleep 300'
left() { rl exec a ps | grep -c 'sleep 4321'; }
for _ in {1..50}; do [ "$(left)" = 2 ] && break; done
check "a guest's processes are among the owner's" test "$(left)" = 2
run rl rm -f -t 0 guest
for _ in {1..50}; do [ "$(left)" = 0 ] && break; done
check "a guest's processes end with it" test "$(left)" = 0
run rl exec a cat /proc/1/comm && expect "and the owner's do not" 0 sleep
run rl exec -w / a true && expect "exec in the owner" 0
run rl inspect -f '{{.HostConfig.PidMode}}' a && expect "inspect" 0 private
run rl rm -f -t 0 a stopped none

# --- by path -----------------------------------------------------------------------------------------
r --pid ns:/proc/self/ns/pid alpine true && expect_error "the host's by path" "*not permitted*container:NAME*"
r --pid ns:/proc/self/ns/ipc alpine true && expect_error "a path of another kind" "*not a namespace of that kind*"
r --ipc ns:nowhere alpine true && expect_error "a relative path" "*not an absolute path*"
r --uts ns:/nowhere alpine true && expect_error "no such path" "*No such file*"
r --uts nonsense alpine true && expect_error "nonsense" "*expected private, host*"

# --- clocks ------------------------------------------------------------------------------------------
run rl run -d --name t --network none --time-offset boottime=864000 --time-offset monotonic=+1000 alpine sleep 300
run rl exec t sh -c 'cut -d. -f1 /proc/uptime; tr -s " " </proc/self/timens_offsets'
up=$(cut -d. -f1 /proc/uptime)
expect "clocks of its own, in exec too" 0 $'*\nmonotonic 1000 0\nboottime 864000 0'
if [ "${out%%$'\n'*}" -ge $((up + 863000)) ]; then ok "uptime is shifted"; else not_ok "uptime is shifted" "$out" "$up"; fi
run rl rm -f -t 0 t
r --time-offset realtime=1 alpine true && expect_error "no such clock" "*monotonic and boottime*"
r --time-offset boottime=x alpine true && expect_error "no number" "*number of seconds*"
r --time-offset boottime=1 --time-offset boottime=2 alpine true && expect_error "twice" "*comes twice*"
r --domainname nis.example alpine cat /proc/sys/kernel/domainname && expect "--domainname" 0 nis.example

# --- --security-opt ------------------------------------------------------------------------------------
r --security-opt proc-opts=hidepid=2,subset=pid alpine sh -c 'ls /proc | grep -v "^[0-9]"; unshare -U true 2>&1'
expect "proc-opts: less of /proc, and still no nested namespaces" 1 $'self\nthread-self\n*No space left*'
r --security-opt proc-opts=gid=0 alpine true && expect_error "proc-opts: what gives more" "*hidepid=*"
r --security-opt proc-opts=hidepid=2 --pid host alpine true && expect_error "proc-opts: not of the host's" "*the host's*"
r --security-opt label=disable --security-opt label=level:s0 --security-opt apparmor=unconfined alpine true
[ -e /sys/fs/selinux/enforce ] || expect "label, apparmor" 0
r --security-opt label=nonsense alpine true && expect_error "label: nonsense" "*label=nonsense*"
r --security-opt apparmor=docker-default alpine true && expect_error "apparmor: a profile" "*cannot be set*"
r --security-opt nonsense=1 alpine true && expect_error "nonsense" "*unknown option*"
r --security-opt mask=/etc/passwd:/bin alpine true && expect "mask: even its program" 127
r --security-opt mask=/ alpine true && expect_error "mask: not all" "*'/' cannot be masked*"
r --security-opt unmask=/proc/keys alpine sh -c 'head -c1 /proc/keys | wc -c; head -c1 /proc/kcore | wc -c'
expect "unmask: one path" 0 $'1\n0'
r --security-opt systempaths=unconfined alpine sh -c 'head -c1 /proc/keys | wc -c; echo x >/proc/sys/kernel/core_pattern'
expect "systempaths=unconfined: the kernel still asks the host" 1 1 "*"

# --- --sysctl ------------------------------------------------------------------------------------------
r --sysctl kernel.shmmax=12345 --sysctl net.ipv4.ip_forward=1 alpine cat /proc/sys/kernel/shmmax /proc/sys/net/ipv4/ip_forward
expect "--sysctl" 0 $'12345\n1'
for s in kernel.core_pattern=x vm.swappiness=1 net/ipv4/ip_forward=1 net.ipv4.ip_forward "=1" "net.ipv4.ip_forward=1"$'\n'"kernel.core_pattern=x" \
	"kernel.shmmax+kernel.core_pattern=1" net..core=1 kernel.sem= ../../kernel.sem=1 kernel.hostname=x user.max_user_namespaces=10; do
	r --sysctl "$s" alpine true
	[ "$status" = 125 ] || not_ok "S16: --sysctl $(printf %q "$s")" "$status $out $err"
done
ok "S16: what is not of its own namespaces is refused"
r --ipc host --sysctl kernel.shmmax=1 alpine true && expect_error "S16: not of the host's IPC namespace" "*does not belong*"

# --- --device ------------------------------------------------------------------------------------------
r --device /dev/null --device /dev/zero:/dev/my/zero:rw alpine sh -c 'stat -c %t:%T /dev/my/zero; head -c1 /dev/my/zero | wc -c'
expect "--device" 0 $'1:5\n1'
if [ "$(id -u)" = 0 ]; then
	mknod "$T/work/dev" c 1 3 && chgrp disk "$T/work/dev" && chmod 660 "$T/work/dev"
	r --device "$T/work/dev:/dev/x" alpine true
	expect_error "--device: whose it is" "*owner root, group disk, mode 0660*usermod -aG disk*"
fi
r --device /etc/passwd alpine true && expect_error "--device: a file" "*is not a device*"
r --device-cgroup-rule 'c 1:3 rwm' alpine true && expect_error "--device-cgroup-rule" "*need root*--device*"
leakcheck "nothing is left"
finish
