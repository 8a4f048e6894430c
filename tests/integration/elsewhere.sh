#!/bin/bash
# elsewhere.sh - additional image stores: layers used where another user has them unpacked, and what becomes
# of them when that store changes, goes, or does not answer
#
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
[ "$(id -u)" = 0 ] || skip_all "two users are needed: not root"
SECOND=${RL_TEST_SECOND:-rltwo}
id -u "$SECOND" >/dev/null 2>&1 || skip_all "no second user '$SECOND' (RL_TEST_SECOND)"
grep -q "^$TEST_USER:" /etc/subuid && grep -q "^$SECOND:" /etc/subuid || skip_all "no subordinate ids"
start_registry || skip_all "no docker-registry"

mkdir -p "$T/two/run" "$T/two/tmp"
cp -r "$T/home/.config" "$T/two/"
chown -R "$SECOND:" "$T/two"
chmod 755 "$T/two" && chmod 700 "$T/two/run"
STORE=$T/two/store
two_exec() {
	cd "$T/two" && exec setpriv --reuid "$SECOND" --regid "$(id -g "$SECOND")" --init-groups env -i HOME="$T/two" \
		USER="$SECOND" PATH=/usr/bin:/bin XDG_RUNTIME_DIR="$T/two/run" RL_ROOT="$STORE" TMPDIR="$T/two/tmp" \
		RL_TEST_MARK="$RL_TEST_MARK" timeout -k 5 60 "$RL" "$@"
}
two() { (two_exec "$@"); }
in_two() { setpriv --reuid "$SECOND" --regid "$(id -g "$SECOND")" --init-groups "$@"; }

# --- an image of the second user ---
# Several layers: large and small files, owners, secrets, links, a whiteout, an opaque folder
img=localhost/rl-busybox
step() { # NAME FROM SCRIPT
	two run --name "$1" --network none "$2" sh -c "$3" && two commit -q "$1" "localhost/$1" && two rm "$1"
} >/dev/null
big='dd if=/dev/urandom bs=64k count=16 2>/dev/null'
step one $img "mkdir -p /data/opq /data/d /data/deep/a /secret; $big >/data/big; $big >/data/d/gone; $big >/data/opq/old; $big >/secret/key
	chmod 700 /secret; echo root:x >/etc/shadow; chmod 600 /etc/shadow; $big >/data/private; chmod 600 /data/private
	$big >/data/theirs; chown 33:44 /data/theirs; chmod 4755 /data/theirs; ln /data/big /data/link; $big >/data/open; chmod 666 /data/open
	$big >/data/deep/a/f; echo small >/data/small; chown -R 7:8 /data/deep; touch -d @86400 /data/d"
step two localhost/one "rm /data/d/gone; rm -r /data/opq; mkdir /data/opq; $big >/data/opq/new; rm /data/big; $big >/data/two"
step three localhost/two "mv /data/two /data/three; $big >/data/top"
run two push -q localhost/three "docker://docker.io/library/three:1"
expect "the second user's image is pushed" 0
two run --rm --network none localhost/three sh -c 'cd /; find data secret etc/shadow -type f -exec md5sum {} +; find data secret etc/shadow -exec stat -c "%n %u:%g %a %s %Y" {} +' |
	sort >"$T/want"
[ "$(wc -l <"$T/want")" -gt 20 ] && ok "it has files" || not_ok "it has files" "$(cat "$T/want")"
two rmi -a -f >/dev/null
two rmi -f localhost/three localhost/two localhost/one localhost/rl-busybox >/dev/null 2>&1
# with its owner's leave: what comes from now on is readable as well
in_two chmod 711 "$STORE"
in_two chmod a+rx "$STORE/layers" "$STORE/blobs" "$STORE/blobs/sha256"
run two pull -q three:1
expect "the second user pulls it" 0 "*" "*layer * stays closed to others: it has set-id programs*"
closed=$(find "$STORE/layers" -mindepth 1 -maxdepth 1 -type d ! -perm -o+x -exec sh -c 'ls "$1/diff/data/theirs"' - {} \; 2>/dev/null)
[ -n "$closed" ] && ok "a layer with a set-id program is not opened by itself" || not_ok "a layer with a set-id program is open" "$(ls -l "$STORE/layers")"
open=$(find "$STORE/layers" -mindepth 1 -maxdepth 1 -type d -perm -o+rx)
[ -n "$open" ] && ok "one without is" || not_ok "no layer is open" "$(ls -l "$STORE/layers")"
in_two chmod a+rx "$STORE"/layers/*-*
sum() { find "$STORE" -exec stat -c '%n %i %a %u %s %y %z' {} + | sort | md5sum; }
before=$(sum)
config=$T/home/.config/containers
printf '[storage]\n[storage.options]\nadditionalimagestores = ["/nonexistent", "%s"]\n' "$STORE" >"$config/storage.conf"
used() { du -sk "$ROOT" | cut -f1; }
seen() { rl run --rm --network none "$@" sh -c 'cd /; find data secret etc/shadow -type f -exec md5sum {} +; find data secret etc/shadow -exec stat -c "%n %u:%g %a %s %Y" {} +' | sort; }

# --- used in place ---
run rl pull -q three:1
expect "pull" 0
run seen three:1
expect "every file, owner, mode, time; whiteouts and opaque folders" 0 "$(cat "$T/want")" ""
all=$(du -sk "$STORE/layers" "$STORE/blobs" | awk '{ n += $1 } END { print n }') mine=$(used)
[ "$mine" -lt $((all / 4)) ] && ok "no second copy ($mine of $all KiB)" || not_ok "no second copy" "$mine of $all KiB" "$(du -k "$ROOT" | sort -n | tail -n 20)"
run rl run --rm --network none three:1 sh -c 'cat /data/private /data/theirs >/dev/null; echo more >>/data/three; rm /data/top; ls -l /data/theirs; ls /data/opq'
expect "secrets are readable in the container, files can be written and removed" 0 "-rwsr-xr-x*new"
run rl run --rm --network none --mount type=image,src=three:1,dst=/i three:1 md5sum /i/data/three /data/three
[ "$(cut -d' ' -f1 <<<"$out" | sort -u | wc -l)" = 1 ] && ok "as a mount of type image" || not_ok "as a mount of type image" "$out" "$err"
run rl unshare sh -c "md5sum \$($RL image mount three:1)/data/three; $RL image unmount three:1"
expect "image mount" 0 "$(rl run --rm --network none three:1 md5sum /data/three | cut -d' ' -f1)*"
run seen --userns auto three:1
expect "with other ids" 0 "$(cat "$T/want")" "*"
[ "$(used)" -lt $((all / 3)) ] && ok "and without a copy for them" || not_ok "a copy for other ids" "$(used) of $all KiB"
run rl run --name c --network none three:1 sh -c 'dd if=/dev/urandom of=/data/mine bs=64k count=4 2>/dev/null; rm /data/deep/a/f'
run rl diff c
expect "diff" 0 "*D /data/deep/a/f*A /data/mine*"
rl commit -q c localhost/mine >/dev/null
run rl run --rm --network none localhost/mine sh -c 'ls /data/deep/a /data/mine; md5sum /data/three'
expect "an image on top of it" 0 "*/data/mine*  /data/three"
run rl push -q localhost/mine docker://docker.io/library/mine:1
expect "is pushed" 0
run rl save -q -o "$T/tmp/three.tar" three:1
expect "it is saved from the packed layers there" 0
rl rm c >/dev/null
run rl fsck
expect "fsck: all is well" 0

# --- what changes there ---
run rl rmi -f localhost/mine three:1
expect "rmi" 0
run rl image prune -a -f
expect "prune" 0
[ "$(sum)" = "$before" ] && ok "the other store was never touched" || not_ok "the other store was touched"
rl pull -q three:1 >/dev/null
file=$(find "$STORE/layers" -path '*/diff/data/theirs')
printf changed. | dd of="$file" bs=1 seek=70000 conv=notrunc 2>/dev/null
run rl fsck
expect "fsck: a file that was changed there" 1 "*data/theirs': the store*something else*"
run rl fsck --repair
run seen three:1
expect "repaired with a copy of one's own" 0 "$(cat "$T/want")" ""
rl rmi -f three:1 >/dev/null
run rl pull -q three:1
expect "pull: said, and not used" 0 "*" "Warning: *layers/*is not used: *data/theirs*"
run seen three:1
expect "what came is whole" 0 "$(cat "$T/want")" ""
rl rmi -f three:1 >/dev/null
rl pull -q three:1 >/dev/null
mv "$STORE" "$STORE.away"
run rl run --rm --network none three:1 true
expect_error "the store is gone: run says which" "*files of layer *are in the store '$STORE': No such file*'rl pull'*"
run rl fsck --quick
expect "and fsck" 1 "*'$STORE'*"
run rl pull -q three:1
expect "pull brings them into one's own" 0
run seen three:1
expect "and it runs" 0 "$(cat "$T/want")" ""
run rl fsck --repair
run rl fsck
expect "fsck is content after it has forgotten the packed layers that went" 0
mv "$STORE.away" "$STORE"

# --- owners that this kernel cannot shift without a copy (as before Linux 6.16) ---
printf %s "$(uname -r)" >"$ROOT/cache/no-flat"
run seen --userns auto:size=3000 three:1
expect "a copy of each layer, said in one line" 0 "$(cat "$T/want")" "Copying 4 layers (* MB) for other owners"
run seen --userns auto:size=3000 three:1
expect "once" 0 "$(cat "$T/want")" ""

# --- a store that does not answer ---
if [ -c /dev/fuse ] && [ -x "$RL_BUILD/tests/tools/hangfs" ]; then
	mkdir "$T/hang"
	"$RL_BUILD/tests/tools/hangfs" "$T/hang" >"$T/hangfs" 2>&1 &
	fs=$!
	at_end+=("kill -9 $fs" "umount -l $T/hang")
	for _ in {1..100}; do
		grep -q ready "$T/hangfs" && break
		sleep 0.1
	done
	printf '[storage]\n[storage.options]\nadditionalimagestores = ["%s"]\n' "$T/hang" >"$config/storage.conf"
	rl rmi -f three:1 >/dev/null
	run rl pull -q three:1
	expect "a store that hangs is done without" 0 "*" "Warning: store '$T/hang' does not answer within 3 s*"
	kill -9 $fs
	wait $fs 2>/dev/null
	umount -l "$T/hang"
else
	skip "a store that hangs" "no /dev/fuse"
fi
leakcheck "nothing is left"
finish
