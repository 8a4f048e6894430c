#!/bin/bash
# unshare.sh - rl unshare, and what is mounted inside it: rl image mount, rl image unmount
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
archive=$(image alpine) || skip_all "no test image"
cp "$archive" "$T/alpine.tar"
run rl load -q -i "$T/alpine.tar"
run rl unshare id -u
expect "root of the session" 0 0 ""
run rl unshare sh -c 'exit 7'
expect "the status of the command" 7 "" ""
run rl unshare /no/such
expect "no such command" 127 "" "Error: run '/no/such'*"
run rl unshare "$T/alpine.tar"
expect "not a program" 126 "" "Error: run *"
run rl unshare "$RL" unshare true
expect_error "not inside itself" "*inside 'rl unshare' already*"
if grep -q "^$TEST_USER:" /etc/subuid; then
	run rl run --rm --network none -v "$T/work:/w" alpine sh -c 'mkdir /w/d && chown 1000:1000 /w/d'
	run rl unshare stat -c %u "$T/work/d"
	expect "owners as containers give them" 0 1000 ""
	run rl unshare rmdir "$T/work/d"
	expect "files of subordinate ids can be removed" 0 "" ""
else
	skip "owners as containers give them" "no subordinate ids"
fi
before=$(cat /proc/self/mountinfo)
run rl unshare sh -c "mount -t tmpfs x /mnt && touch /mnt/here"
expect "mounts can be made" 0 "" ""
[ "$(cat /proc/self/mountinfo)" = "$before" ] && ok "and end with it" || not_ok "and end with it"
run rl unshare sh -c "touch /etc/rl-unshare-test"
[ "$status" != 0 ] && [ ! -e /etc/rl-unshare-test ] && ok "no rights over the host" || not_ok "no rights over the host" "$status"

run rl image mount
expect "nothing is mounted" 0 "" ""
run rl image mount alpine
expect_error "image mount outside" "*inside 'rl unshare' only*Hint: *unshare*type=image*"
run rl unshare "$RL" image mount nosuch
expect_error "an unknown image" "*nosuch*image not known*"
cat >"$T/work/inside" <<-END
	m=\$("$RL" image mount alpine) && cat \$m/etc/os-release >a && "$RL" image mount >b
	[ "\$("$RL" image mount alpine)" = "\$m" ] || echo "twice: another place"
	touch \$m/x 2>/dev/null && echo "it can be written"
	"$RL" image unmount alpine >/dev/null && "$RL" image mount && ls -A \$m 2>/dev/null
	"$RL" image mount --all >/dev/null && "$RL" image mount | wc -l && "$RL" image unmount --all >/dev/null
	"$RL" image umount alpine
END
run rl unshare sh "$T/work/inside"
expect "mounted, read-only, unmounted" 125 "1" "Error: *alpine*is not mounted"
run rl run --rm --network none alpine cat /etc/os-release
[ -n "$out" ] && [ "$out" = "$(cat "$T/work/a")" ] && ok "the files are the image's" || not_ok "the files are the image's" "$(cat "$T/work/a")"
grep -qE "^[0-9a-f]{12}  $T/run/rl/mounts/[0-9a-f]{64}$" "$T/work/b" && ok "the list" || not_ok "the list" "$(cat "$T/work/b")"
run rl unshare "$RL" image mount alpine --format yaml
expect_error "image mount: a format that is none" "*'--format yaml'*json*"

# --- containers --------------------------------------------------------------------------------------
run rl run -d --init --name up --network none alpine sh -c 'echo made >/made; sleep 1000'
run rl run --name over --network none alpine sh -c 'echo made >/made; chown 1:1 /made'
run rl create --name kept --userns keep-id --network none alpine true
run rl mount
expect "no container is mounted" 0 "" ""
run rl mount up
expect_error "mount outside" "*inside 'rl unshare' only*Hint: *rl unshare*rl mount up*"
run rl mount --format yaml
expect_error "mount: a format that is none" "*'--format yaml'*json*"
run rl unshare "$RL" mount nosuch
expect_error "mount of an unknown container" "*'nosuch'*no such container*"
run rl unshare "$RL" unmount over
expect_error "unmount of one that is not mounted" "*container 'over' is not mounted*"
run rl unshare "$RL" unmount
expect_error "unmount of none" "*needs the name of a container*"
cat >"$T/work/inside" <<-END
	m=\$("$RL" mount over) && cat \$m/made && stat -c %u:%g \$m/made && echo new >\$m/new
	u=\$("$RL" container mount up) && cat \$u/made && echo new >\$u/new && ls \$u/proc
	[ "\$("$RL" mount up)" = "\$u" ] || echo "twice: another place"
	[ "\$("$RL" mount --latest)" = "\${u%/*}/\$("$RL" ps -lq --no-trunc)" ] || echo "the latest is another"
	"$RL" mount | wc -l
	grep -c " $T/run/rl/mounts/.* rw,nosuid,nodev," /proc/self/mountinfo
	"$RL" mount --no-trunc --format json >list
	"$RL" umount up >/dev/null && "$RL" container umount over >/dev/null && "$RL" mount --no-trunc | cut -c 65- | grep -c /mounts/
	"$RL" unmount --all >/dev/null && "$RL" mount && ls -A \$m 2>/dev/null
	"$RL" mount --all | wc -l
END
run rl unshare sh "$T/work/inside"
expect "containers: mounted, read and written, unmounted" 0 $'made\n1:1\nmade\n3\n3\n1\n3' ""
[ "$(jq -r '.[].Names[0]' "$T/work/list" | sort | xargs)" = "kept over up" ] && ok "the list as JSON" || not_ok "the list as JSON" "$(cat "$T/work/list")"
run rl exec up cat /new
expect "what is written there, a running container sees" 0 new ""
run rl cp over:/new "$T/work/new"
run cat "$T/work/new"
expect "and one that does not run has" 0 new ""
cat >"$T/work/first" <<-END
	m=\$("$RL" mount up) && : >ready
	n=0; until [ -e go ] || [ \$((n += 1)) -gt 200 ]; do sleep 0.05; done
	cat \$m/new >seen
END
rl unshare sh "$T/work/first" &
first=$!
for _ in {1..200}; do [ -e "$T/work/ready" ] && break; sleep 0.05; done
run rl unshare sh -c '"$0" mount up && "$0" unmount up' "$RL"
expect "mounted by another as well" 0
: >"$T/work/go"
wait "$first"
[ "$(cat "$T/work/seen")" = new ] && ok "who unmounts leaves the mounts of others alone" || not_ok "who unmounts leaves the mounts of others alone"
run rl rm -af -t 0
[ -z "$(find "$T/run/rl/mounts" -name "$(jq -r '.[0].id' "$T/work/list")")" ] && ok "the place goes with the container" || not_ok "the place goes with the container"
leakcheck "nothing is left"
run rl unshare "$RL" image mount alpine
run rl purge -f
expect "purge, with the place of a mount" 0
[ ! -e "$T/run/rl" ] && [ ! -e "$ROOT" ] && ok "purge leaves nothing" || not_ok "purge leaves nothing" "$(find "$T/run/rl" "$ROOT")"
finish
