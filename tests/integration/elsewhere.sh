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
# with its owner's leave
in_two chmod a+rx "$STORE" "$STORE/layers" "$STORE/blobs" "$STORE/blobs/sha256"
in_two find "$STORE/layers" -mindepth 1 -maxdepth 1 -type d -exec chmod a+rx {} +
in_two find "$STORE/blobs/sha256" -type f -exec chmod a+r {} +
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
all=$(du -sk "$STORE/layers" | cut -f1) mine=$(used)
[ "$mine" -lt $((all / 2)) ] && ok "no second copy ($mine of $all KiB)" || not_ok "no second copy" "$mine of $all KiB" "$(du -k "$ROOT" | sort -n | tail -n 20)"
leakcheck "nothing is left"
finish
