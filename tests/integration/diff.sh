#!/bin/bash
# diff.sh - `rl diff` and `rl rename`: what a container changed, by overlay and by copy; names
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

IMAGE=localhost/rl-busybox
work='rm -r /bin/ls /etc/group; chmod 700 /home; echo >>/etc/passwd; mkdir -p /new/a; touch /new/a/b
	mv /etc/passwd /x; rm -r /usr; mkdir /usr; touch /usr/q; echo >/run/r; echo >/tmp/.wh.not
	rmdir /var/tmp; ln -s /tmp /var/tmp; chown 7:7 /root; rm /bin/cat; mkdir /bin/cat'
want='C /bin C /bin/cat D /bin/ls C /etc D /etc/group D /etc/passwd C /home A /new A /new/a A /new/a/b C /root A /run/r C /tmp A /tmp/.wh.not C /usr D /usr/bin D /usr/local A /usr/q D /usr/sbin C /var C /var/tmp A /x '
same() { # NAME
	if [ $status = 0 ] && [ "$(tr '\n' ' ' <"$T/out")" = "$want" ]; then
		ok "$1"
	else
		not_ok "$1" "$(tr '\n' ' ' <"$T/out")" "$want" "$err"
	fi
}

run rl create --name fresh "$IMAGE" true
run rl diff fresh
expect "a fresh container has changed nothing" 0 '' ''
run rl start -a fresh
run rl diff fresh
expect "nor has one that wrote nothing" 0 '' ''
run rl run --network none --name over "$IMAGE" sh -c "$work"
expect "changes" 0
run rl diff over
same "diff of an ended container"
run rl container diff "$(rl ps -aqf name=over)"
same "by its id, as 'container diff'"
run rl diff --latest
same "--latest"
run rl diff --format json over
if [ "$(jq -c '[.added, .changed, .deleted | length]' "$T/out")" = '[7,9,6]' ]; then
	ok "json, three lists"
else
	not_ok "json, three lists" "$out"
fi
USER_ENV=(STORAGE_DRIVER=vfs)
run rl run --network none --name copied "$IMAGE" sh -c "$work"
run rl diff copied
# the copy cannot tell a mount point that was made from one that was there, but nothing else is lost
same "the same for a container that is a copy of its image"
USER_ENV=(STORAGE_DRIVER=fuse-overlayfs)
if [ -w /dev/fuse ] && command -v fuse-overlayfs >/dev/null; then
	work=${work/echo >\/tmp\/.wh.not/true} want=${want/C \/tmp A \/tmp\/.wh.not /}
	run rl run --network none --name fused "$IMAGE" sh -c "$work"
	run rl diff fused
	same "and with fuse-overlayfs"
else
	skip "and with fuse-overlayfs" "no fuse-overlayfs"
fi
USER_ENV=()
run rl run -d --network none --name runs "$IMAGE" sh -c 'echo >/late; exec sleep 100'
for _ in $(seq 50); do
	run rl diff runs
	[ -z "$out" ] || break
	sleep 0.1
done
expect "a running container" 0 'A /late' ''
run rl diff runs fresh
expect "two containers" 0 'A /late' ''
run rl diff fresh runs
expect "the other way round" 0 'D /late' ''
run rl diff "$IMAGE"
expect "an image of one layer: all of it" 0 'A /bin?A /bin/\[*A /var/tmp'
run rl image diff "$IMAGE" "$IMAGE"
expect "an image and itself" 0 '' ''

# --- names ----------------------------------------------------------------------------------------
run rl rename runs walks
expect "rename of a running container" 0 '' ''
run rl ps --filter name=walks --format '{{.Names}}'
expect "it has the new name" 0 walks
run rl create --network none --name runs "$IMAGE" true
expect "the old one is free" 0
run rl rename walks runs
expect_error "a name that is taken" "*'runs' is already in use*"
run rl rename walks walks
expect_error "its own name" "*already*"
run rl rename walks ___
expect_error "an impossible name" "*cannot be a container's name*"
run rl rename walks 'a/b'
expect_error "a path as a name" "*cannot be a container's name*"
run rl rename none some
expect_error "an unknown container" "*no such container*"
run rl rename walks
expect_error "one word" "*"
run rl container rename "$(rl ps -qf name=walks)" again
expect "by id, as 'container rename'" 0 '' ''
# ten at once want one name: one gets it
for i in 1 2 3 4 5 6; do rl create --network none --name r$i "$IMAGE" true >/dev/null; done
for i in 1 2 3 4 5 6; do
	rl rename r$i prize >/dev/null 2>"$T/rename$i" &
	pids[i]=$!
done
won=0
for i in 1 2 3 4 5 6; do wait "${pids[i]}" && won=$((won + 1)); done
[ $won = 1 ] && ok "one of six gets the name" || not_ok "one of six gets the name" "$won" "$(cat "$T"/rename?)"
run rl ps -a --format '{{.Names}}'
[ "$(printf '%s\n' "$out" | grep -cx 'prize\|r[1-6]')" = 6 ] && ok "none lost its own" || not_ok "names" "$out"
# ten names for one container, one after the other at any moment: it has exactly one in the end
for i in 1 2 3 4 5 6; do rl rename again n$i >/dev/null 2>&1 & done
wait
run rl ps --format '{{.Names}}'
expect "six renames of one container" 0 'n[1-6]'
run rl stop -t 0 "$out"
expect "it answers to it" 0 'n[1-6]' '*'
[ "$(find "$ROOT/container-names" -name 'n[1-6]' | wc -l)" = 1 ] && ok "and to no other" ||
	not_ok "and to no other" "$(ls "$ROOT/container-names")"

run rl diff none
expect_error "diff of nothing known" "*none*"
run rl diff
expect_error "diff without a name" "*"
run rl diff --format '{{.X}}' fresh
expect_error "another format" "*only json*"
run rl image diff fresh
expect_error "image diff of a container" "*fresh*"
run rl rm -fa -t 0
leakcheck "nothing is left"
finish
