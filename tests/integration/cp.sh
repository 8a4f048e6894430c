#!/bin/bash
# cp.sh - `rl cp`: docker's rules for names, owners and modes, both ways, running and stopped, and a
# container that swaps folders for links while it is copied from and to
#
# RL_SWAPS: how many copies race with the swapping (default 40; the full test is 2000).
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

W=$T/work
IMAGE=localhost/rl-busybox
as_user sh -c "echo host >$W/f; mkdir -p $W/d/sub; echo in >$W/d/sub/x; ln -s f $W/l; echo x >$W/dst-file
	mkdir -p $W/pre/d $W/s/d $W/over; ln -s dangled $W/dangling; echo file >$W/over/d
	echo one >$W/s/f; chmod 4755 $W/s/f; echo two >$W/s/d/g; ln $W/s/f $W/s/d/hard; ln -s d $W/s/l"
c=
# the content of a file of the container, by the other direction of the same command
inside() { rl cp "$c:$1" - | tar -xOf -; }

# --- the table of rules ---------------------------------------------------------------------------
# row NAME SOURCE DEST FILE TEXT: afterwards FILE holds TEXT; row NAME SOURCE DEST error WORDS
row() {
	local name=$1 from=$2 to=$3 file=$4 want=$5 text=''
	run rl cp "$from" "$to"
	if [ "$file" = error ]; then
		expect_error "$name" "$want"
		return
	fi
	case $file in
	"$c":*) text=$(inside "${file#*:}") ;;
	*) text=$(as_user cat "$file" 2>&1) ;;
	esac
	if [ "$status" = 0 ] && [ -z "$(cat "$T/out" "$T/err")" ] && [ "$text" = "$want" ]; then
		ok "$name"
	else
		not_ok "$name" "rl cp $from $to: $status" "$out" "$err" "$file holds '$text', wanted '$want'"
	fi
}
rows() {
	row "$1: file to nothing" "$W/f" "$c:/r1" "$c:/r1" host
	row "$1: file to a file" "$W/dst-file" "$c:/r1" "$c:/r1" x
	row "$1: file to a folder" "$W/f" "$c:/tmp" "$c:/tmp/f" host
	row "$1: file to a folder with a slash" "$W/f" "$c:/tmp/" "$c:/tmp/f" host
	row "$1: file to nothing with a slash" "$W/f" "$c:/nope/" error "*'/nope/' in container*No such file*"
	row "$1: file below nothing" "$W/f" "$c:/no/where" error "*No such file*"
	row "$1: file below a file" "$W/f" "$c:/r1/x" error "*Not a directory*"
	row "$1: a relative path is below /" "$W/f" "$c:r2" "$c:/r2" host
	row "$1: folder to nothing" "$W/d" "$c:/rd" "$c:/rd/sub/x" in
	row "$1: folder to a folder" "$W/d" "$c:/rd" "$c:/rd/d/sub/x" in
	row "$1: content to a folder" "$W/d/." "$c:/rd" "$c:/rd/sub/x" in
	row "$1: content to nothing" "$W/d/." "$c:/rd2" "$c:/rd2/sub/x" in
	row "$1: folder to a file" "$W/d" "$c:/r1" error "*is a folder and cannot be copied to the file*"
	row "$1: a file that should be a folder" "$W/f/" "$c:/tmp" error "*Not a directory*"
	row "$1: nothing" "$W/none" "$c:/tmp" error "*No such file*"
	row "$1: folder over a file inside" "$W/d" "$c:/over" error "*in the way*"
	row "$1: out: file to nothing" "$c:/s/f" "$W/o1" "$W/o1" one
	row "$1: out: file to a file" "$c:/s/d/g" "$W/o1" "$W/o1" two
	row "$1: out: file to a folder" "$c:/s/f" "$W/d" "$W/d/f" one
	row "$1: out: file to nothing with a slash" "$c:/s/f" "$W/nope/" error "*No such file*"
	row "$1: out: folder to nothing" "$c:/s/d" "$W/od" "$W/od/g" two
	row "$1: out: folder to a folder" "$c:/s/d" "$W/od" "$W/od/d/g" two
	row "$1: out: content to a folder" "$c:/s/d/." "$W/od" "$W/od/hard" one
	row "$1: out: folder to a file" "$c:/s/d" "$W/o1" error "*cannot be copied to the file*"
	row "$1: out: nothing" "$c:/none" "$W" error "*'/none' in container*No such file*"
	row "$1: out: a relative name" "$c:s/f" o3 "$W/o3" one
	row "$1: out: a link with a slash is its folder" "$c:/s/l/" "$W/ol" "$W/ol/g" two
	row "$1: out: a mounted file" "$c:/etc/hostname" "$W/oh" "$W/oh" "$HOST"
	row "$1: in: through a link of the container" "$W/f" "$c:/s/l" "$c:/s/d/f" host
	row "$1: in: what a dangling link means" "$W/f" "$c:/dangling" "$c:/dangled" host
	row "$1: within one container" "$c:/s/f" "$c:/tmp/copy" "$c:/tmp/copy" one
}
prepare() { # CONTAINER: what the rows expect in it
	local x
	c=$1
	run as_user rm -rf "$W/o1" "$W/od" "$W/ol" "$W/o3" "$W/d/f"
	for x in s over dangling; do
		run rl cp "$W/$x" "$c:/"
		expect "prepare $c: $x" 0 '' ''
	done
	run rl cp "$c:/etc/hostname" "$W/h"
	HOST=$(cat "$W/h")
	[ -n "$HOST" ] && ok "a generated file of $c" || not_ok "a generated file of $c" "$err"
}
run rl run -d --name live "$IMAGE" sleep 1000
expect "a running container" 0
prepare live
rows running
run rl create --name still "$IMAGE" true
expect "one that never ran" 0
prepare still
rows created

# --- tar streams, owners, modes ---------------------------------------------------------------
run rl cp "$c:/s" -
names=$(tar -tf "$T/out" | tr '\n' ' ')
[ "$names" = "s/ s/d/ s/d/f s/d/g s/d/hard s/f s/l " ] && ok "a tar on stdout, sorted" || not_ok "tar" "$names"
tar -tvf "$T/out" | grep -q '^hrwsr-xr-x 0/0 .* s/f link to s/d/hard' && ok "hard links, owners, modes in it" ||
	not_ok "hard link in the tar" "$(tar -tvf "$T/out")"
as_user sh -c "cd $W && mkdir -p t && echo t >t/x && chmod 640 t/x && tar -c --owner 77 --group 78 t" >"$T/in.tar"
run rl cp - "$c:/tmp" <"$T/in.tar"
expect "a tar from stdin" 0 '' ''
run rl cp "$c:/tmp/t/x" -
tar -tvf "$T/out" | grep -q -- '-rw-r----- 0/0 ' && ok "its files are root's" || not_ok "owner" "$(tar -tvf "$T/out")"
run rl cp -a - "$c:/tmp" <"$T/in.tar"
run rl cp "$c:/tmp/t/x" -
tar -tvf "$T/out" | grep -q -- '-rw-r----- 77/78 ' && ok "-a keeps them" || not_ok "-a" "$(tar -tvf "$T/out")"
run rl cp "$c:/s/f" /dev/null
expect_error "a copy to what is no file" "*'/dev/null' is neither a folder nor a regular file*"
run rl create --name other --network none --user 12:34 "$IMAGE" true
run rl cp "$W/t" other:/tmp/
run rl cp other:/tmp/t -
! tar -tvf "$T/out" | grep -v " 12/34 " && ok "what arrives is the container's user's" || not_ok "the user's" "$(tar -tvf "$T/out")"
rl rm other >/dev/null
run rl cp - "$c:/s/f" <"$T/in.tar"
expect_error "a tar into a file" "*must be a folder*"
run rl cp - "$c:/none" <"$T/in.tar"
expect_error "a tar into nothing" "*must be a folder*"
run rl cp "$c:/s/f" "$W/m1"
[ "$(stat -c %a "$W/m1")" = 755 ] && ok "set-id bits stay in the container" || not_ok "mode" "$(stat -c %a "$W/m1")"
run rl cp "$c:/s/l" "$W/m2"
[ "$(readlink "$W/m2")" = d ] && ok "a link is copied as a link" || not_ok "link" "$(ls -l "$W/m2")"
run rl cp -L "$c:/s/l" "$W/m3"
[ -f "$W/m3/g" ] && ok "-L copies what it leads to" || not_ok "-L" "$err"
run rl cp --overwrite "$W/d" "$c:/over"
expect "--overwrite: a folder over a file" 0 '' ''
run rl cp "$W/f" "$c:/"
run rl cp - "$c:/" < <(as_user sh -c "cd $W && mkdir -p b/f && echo y >b/f/y && tar -c -C b f")
expect_error "a folder of the tar over a file" "*in the way*--overwrite*"
as_user sh -c "truncate -s 4G $W/big; echo end >>$W/big"
run rl cp "$W/big" "$c:/big"
run rl cp "$c:/big" "$W/big2"
if [ "$(stat -c %s "$W/big2" 2>&1)" = 4294967300 ] && [ "$(du -k "$W/big2" | cut -f1)" -lt 100 ] &&
	[ "$(tail -c 4 "$W/big2")" = end ]; then
	ok "a sparse file stays sparse"
else
	not_ok "sparse" "$err" "$(ls -ls "$W")"
fi

# --- wrong uses -----------------------------------------------------------------------------------
run rl cp "$W/f" "$W/g"
expect_error "no container at all" "*one of the two must be CONTAINER:PATH*"
run rl cp - -
expect_error "two streams" "*one of the two must be*"
run rl cp nosuch:/x .
expect_error "an unknown container" "*no such container*"
run rl cp "$c:/s"
expect_error "one word" "*"
run rl cp "$c:" "$W/x"
expect_error "an empty path" "*empty*"
run rl cp --frobnicate "$c:/" .
expect_error "an unknown option" "*frobnicate*"
run rl cp - "$c:/tmp" <<<"this is no tar at all, not in the least"
expect_error "no tar on stdin" "*tar*"
rl cp "$c:/" - 2>/dev/null | head -c 1000 >/dev/null
ok "a reader that leaves early hangs nobody"

# --- hostile ------------------------------------------------------------------------------------
# The host has a file at $T/host/x/secret; in the container /x is a folder one moment and a link to
# $T/host/x, "/", "..", /proc/self/fd or /proc/1/root the next.
own_dir "$T/host" 755 && own_dir "$T/host/x" 777
as_user sh -c "echo host-secret >$T/host/x/secret; echo keep >$T/host/x/f"
before=$(as_user ls -lR "$T/host")
h=hostile
run rl run -d --name $h "$IMAGE" sh -c "mkdir /x /y; echo inside >/x/secret; while :; do for l in '$T/host/x' / ../../.. \
/proc/self/fd /proc/1/root/$T/host/x; do mv /x /z; ln -s \$l /x; rm /x; mv /z /x; done; done"
expect "a container that swaps" 0
bad=''
for i in $(seq "${RL_SWAPS:-40}"); do
	run as_user rm -rf "$W/got" "$W/got2"
	rl cp "$h:/x/secret" "$W/got" >/dev/null 2>&1
	[ ! -e "$W/got" ] || [ "$(cat "$W/got")" = inside ] || bad="$bad out:$i"
	rl cp "$W/f" "$h:/x/f" >/dev/null 2>&1
	if [ $((i % 4)) = 0 ]; then
		rl cp "$W/d" "$h:/x/" >/dev/null 2>&1
		rl cp "$h:/x" "$W/got2" >/dev/null 2>&1
		! find "$W/got2" -type f -exec grep -l host-secret {} + 2>/dev/null | grep -q . || bad="$bad tree:$i"
	fi
done
[ -z "$bad" ] && ok "no byte of the host came out" || not_ok "leaked" "$bad"
[ "$before" = "$(as_user ls -lR "$T/host")" ] && ok "nothing of the host changed" || not_ok "changed" "$(ls -lR "$T/host")"
run rl run --rm "$IMAGE" true # the session still works
expect "containers start as before" 0
# a trojan tar, loader and libraries in the container are never run or loaded
as_user sh -c "mkdir -p $W/evil/bin $W/evil/lib $W/evil/etc; printf '#!/bin/sh\ntouch $T/host/x/marker\n' >$W/evil/bin/tar
	chmod 755 $W/evil/bin/tar; cp $W/evil/bin/tar $W/evil/lib/libnss_files.so.2; echo /lib/libnss_files.so.2 >$W/evil/etc/ld.so.preload"
run rl cp "$W/evil/." "$c:/"
run rl cp "$c:/etc" "$W/evil-out"
expect "a copy beside trojans" 0
[ ! -e "$T/host/x/marker" ] && ok "none of them ran" || not_ok "a trojan ran"
# fifos and devices never block
TIME_LIMIT=10
as_user mkfifo "$W/pipe"
run rl cp "$W/pipe" "$c:/tmp"
expect_error "a FIFO of the host" "*neither a file nor a folder nor a link*"
run rl cp "$h:/dev/zero" "$W/z"
expect_error "a device of the container" "*neither*"

TIME_LIMIT=60
run rl rm -f -t 0 live still hostile
expect "remove them" 0
leakcheck "nothing is left"
finish
