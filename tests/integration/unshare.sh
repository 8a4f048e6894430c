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
leakcheck "nothing is left"
run rl unshare "$RL" image mount alpine
run rl purge -f
expect "purge, with the place of a mount" 0
[ ! -e "$T/run/rl" ] && [ ! -e "$ROOT" ] && ok "purge leaves nothing" || not_ok "purge leaves nothing" "$(find "$T/run/rl" "$ROOT")"
finish
