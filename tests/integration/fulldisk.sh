#!/bin/bash
# fulldisk.sh - F8, F9: pull, load, commit, run, a volume's first content and logs on a small ext4 that is full
#
# A file system of its own in a file. For each command the disk is filled up to a rest: nothing, or so little
# that it ends in the middle. It says so in one line, the store is as before, nothing temporary stays; with
# room again the same command succeeds.
#
# In a mount namespace of its own: one made elsewhere meanwhile would keep the disk busy.
[ -n "${RL_FULLDISK_NS-}" ] || [ "$(id -u)" != 0 ] ||
	exec unshare -m --propagation private env RL_FULLDISK_NS=1 "$0" "$@"
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
[ "$(id -u)" = 0 ] || skip_all "not root: no loop device"
archive=$(image alpine) || skip_all "no test image"
cp "$archive" "$T/alpine.tar"
img=docker.io/library/alpine
big=localhost/big:1

# --- images: one that fits, one with 6 MB that will not --------------------------------------------
run rl load -q -i "$T/alpine.tar"
[ $status = 0 ] || { not_ok "load the test image" "$err" && finish; }
run rl run --name made --network none $img sh -c 'mkdir /big && head -c 6000000 /dev/urandom >/big/f'
rl commit -q made $big >/dev/null && rl save -q --format oci-archive -o big.tar $big || { not_ok "make the image" && finish; }
if start_registry; then push "$T/work/big.tar" big:1; else REGISTRY=; fi

ROOT=$T/disk/store
truncate -s 48M "$T/disk.img"
mke2fs -q -t ext4 -m 0 -F "$T/disk.img" || skip_all "no mke2fs"
mkdir "$T/disk"
mount -o loop "$T/disk.img" "$T/disk" 2>/dev/null || skip_all "no loop device"
at_end+=("umount -l $T/disk")
own_dir "$ROOT" 755
run rl load -q -i "$T/alpine.tar"
[ $status = 0 ] || { not_ok "the image fits" "$err" && finish; }
run rl run --name c --network none $img sh -c 'mkdir /more && head -c 3000000 /dev/urandom >/more/f'
[ $status = 0 ] || { not_ok "a container fits" "$err" && finish; }

# leave KIB: so much stays free
leave() {
	local kib
	rm -f "$T/disk/fill"
	sync -f "$T/disk"
	kib=$(df -k --output=avail "$T/disk" | tail -n 1)
	fallocate -l $((kib - $1))K "$T/disk/fill" 2>/dev/null
	[ "$1" != 0 ] || dd if=/dev/zero of="$T/disk/fill" bs=4k oflag=append conv=notrunc 2>/dev/null
}
names() {
	find "$ROOT"/{names,images,layers,blobs,lists,containers,container-names,volumes} -mindepth 1 -maxdepth 2 \
		! -name '.lock' ! -name '.gc' ! -path '*/containers/*/*' -printf '%P %y\n' 2>/dev/null | sort
	find "$ROOT" \( -name '*.tmp-*' -o -name '.tmp-*' \) -printf 'temporary: %P\n'
}
# refused NAME KIB COMMAND...: it fails for want of room, and changes nothing
refused() {
	local what="$1, $2 KiB left" before after
	leave "$2"
	before=$(names)
	run rl "${@:3}"
	after=$(names)
	[ "$status" = 125 ] && [ "$(grep -c '^Error: ' <<<"$err")" = 1 ] && [ "$(wc -l <<<"$err")" -le 3 ] &&
		grep -qiE 'no space|space left|needs .* free' <<<"$err" && ok "$what: says so" || not_ok "$what: says so" "status $status" "$out" "$err"
	[ "$before" = "$after" ] && ok "$what: the store is as before" || not_ok "$what: the store is as before" "$(diff <(echo "$before") <(echo "$after"))"
	run rl images -q
	[ "$status" = 0 ] && [ -z "$err" ] || not_ok "$what: images" "$status" "$err"
}
# works NAME COMMAND...: with room again
works() {
	leave 24000
	run rl "${@:2}"
	expect "$1: with room again" 0
}

for left in 0 900 4000; do
	refused load $left load -q -i big.tar
	refused commit $left commit -q c localhost/more
	[ -z "$REGISTRY" ] || refused pull $left pull -q --retry 0 "$REGISTRY/big:1"
done
works commit commit -q c localhost/more
rl rmi localhost/more >/dev/null
works load load -q -i big.tar
rl volume create first >/dev/null
refused "a volume's first content" 3000 run --rm --network none -v first:/big $big true
works "a volume's first content" run --rm --network none -v first:/big $big stat -c %s /big/f
expect "... whole, not what was there of the first time" 0 6000000
rl volume rm first >/dev/null
refused run 0 run --rm --network none $img true
refused "run -d" 0 run -d --network none $img sleep 60
refused create 0 create $img true
works run run --rm --network none $img true
rl rmi $big >/dev/null
if [ -n "$REGISTRY" ]; then
	works pull pull -q "$REGISTRY/big:1"
	rl rmi "$REGISTRY/big:1" >/dev/null
fi

# --- logs: the container goes on, and so do its logs when there is room again ------------------------
leave 24000
rl run -d --name talks --network none -v "$T/work:/w" $img sh -c 'i=0; while :; do i=$((i + 1)); echo "line $i"; echo $i >/dev/shm/i; sleep 0.02; done' >/dev/null
soon logged talks line 5
leave 0
count() { rl exec talks cat /dev/shm/i 2>/dev/null || echo 0; }
first=$(count)
beyond() { [ "$(count)" -gt $((first + 20)) ]; }
check "a full disk does not hold up who writes to its log" soon beyond
run rl logs --tail 1 talks
expect "logs of it" 0 'line *'
rm -f "$T/disk/fill"
first=$(count)
fresh() { [ "$(rl logs --tail 1 talks | tr -dc 0-9)" -ge "$first" ]; }
check "its log goes on when there is room again" soon fresh
leave 0
run rl stop -t 0 talks
expect "stop on a full disk" 0 talks '*'
run rl rm talks c
expect "rm on a full disk" 0 $'talks\nc'
run rl image prune -af
expect "prune on a full disk" 0
rm -f "$T/disk/fill"
run rl fsck
expect "the store is whole" 0
pkill_holder
ended() { [ -z "$(leftover_processes holder)" ] && umount "$T/disk"; }
check "nothing keeps the disk busy" soon ended
leakcheck "nothing is left"
finish
