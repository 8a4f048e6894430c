#!/bin/bash
# hostile_config.sh - images whose configuration attacks: links at the places that rl writes to,
# strings with newlines, working folders in /proc, environment for host programs; beside sentinels
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
command -v jq >/dev/null || skip_all "needs jq"

# sentinels of the test user, whose owner, mode, time and content must stay
s=$T/work/sentinel
own_dir "$s" 755
as_user sh -c "mkdir $s/dir; echo keep >$s/file; echo keep >$s/dir/file; chmod 640 $s/file; chmod 750 $s/dir"
state() { find "$s" -printf '%p %y %m %U:%G %T@ %i\n' -exec sh -c '[ ! -f "$1" ] || sha256sum "$1"' x {} \; | sort; }
before=$(state)
unchanged() {
	if [ "$(state)" = "$before" ]; then ok "$1: sentinels unchanged"; else not_ok "$1: sentinels CHANGED" "$(diff <(echo "$before") <(state))"; fi
}

cp "$(image alpine)" "$T/base.tar"
mkdir "$T/b" && tar -xf "$T/base.tar" -C "$T/b"
tar -xf "$(find "$T/b/blobs" -type f -size +1M)" -C "$(mkdir "$T/tree" && echo "$T/tree")"

# hostile NAME CONFIG-JSON SHELL: an image of busybox in whose root SHELL was run
hostile() {
	local r=$T/r
	rm -rf "$r" && cp -a "$T/tree" "$r"
	(cd "$r" && eval "$3")
	tar --sort=name --sparse --owner=0 --group=0 --numeric-owner -C "$r" -cf "$T/layer.tar" .
	"$SRC/contrib/mkimage" -n "localhost/$1:latest" -c "$2" "$T/$1.tar" "$T/layer.tar" &&
		run rl load -q -i "$T/$1.tar"
}
plain='"Env":["PATH=/bin"],"Cmd":["sh"]'
# survive NAME: it may work or be refused, within time, without touching the host
survive() {
	if [ "$status" -le 127 ] && [ "$status" != 124 ]; then ok "$1: ended with $status"; else not_ok "$1" "status $status" "$out" "$err"; fi
	unchanged "$1"
}
TIME_LIMIT=20

for f in etc/hosts etc/hostname etc/resolv.conf etc/passwd etc/group run/.containerenv etc/mtab; do
	n=${f//[^a-z]/-}
	hostile "abs-$n" "$plain" "mkdir -p ${f%/*}; rm -f $f; ln -s $s/file $f"
	run rl run --rm "localhost/abs-$n" sh -c "echo x >>/$f; id"
	survive "$f is a link to the host"
	hostile "rel-$n" "$plain" "mkdir -p ${f%/*}; rm -f $f; ln -s ../../../../../../../..$s/file $f"
	run rl run --rm "localhost/rel-$n" true
	survive "$f is a link with dots"
	hostile "fifo-$n" "$plain" "mkdir -p ${f%/*}; rm -f $f; mkfifo $f"
	run rl run --rm --network none "localhost/fifo-$n" true
	survive "$f is a FIFO"
	hostile "dir-$n" "$plain" "mkdir -p ${f%/*}; rm -f $f; mkdir $f"
	run rl run --rm --network none "localhost/dir-$n" true
	survive "$f is a folder"
done
for d in dev proc sys etc run tmp; do
	hostile "link-$d" "$plain" "rm -rf $d; ln -s $s/dir $d"
	run rl run --rm "localhost/link-$d" sh -c "touch /$d/made; ls /$d >/dev/null"
	survive "/$d is a link to the host"
	hostile "up-$d" "$plain" "rm -rf $d; ln -s ../../../../../..$s/dir $d"
	run rl run --rm --network none -v "$s/file:/$d/x/y/f:ro" "localhost/up-$d" true
	survive "/$d is a link with dots, a mount below it"
done
hostile proc-file "$plain" "rmdir proc; echo x >proc"
run rl run --rm --network none localhost/proc-file true
survive "/proc is a file"
hostile null "$plain" "rm -rf dev; mkdir dev; ln -s $s/file dev/null; ln -s $s/file dev/console; ln -s $s/dir dev/pts; ln -s $s/file dev/ptmx"
run rl run --rm --network none localhost/null sh -c 'echo x >/dev/null; stat -c %t:%T /dev/null'
expect "a fresh /dev whatever the image has" 0 "1:3"
unchanged "/dev/null is a link"
hostile wd "$plain,\"WorkingDir\":\"/a/b\"" "ln -s $s/dir a"
run rl run --rm --network none localhost/wd sh -c 'touch made'
survive "WorkingDir goes through a link"
for w in /proc/self/fd/3 /proc/self/fd/7 /proc/1/root /proc/self/cwd; do
	run rl run --rm --network none -w $w localhost/link-tmp sh -c 'pwd; ls ../../../../.. 2>/dev/null | head -3; cat ../../../../..'"$s/file"' 2>/dev/null'
	[[ $out != *keep* ]] && ok "-w $w does not leave the container" || not_ok "-w $w leaves the container" "$out"
done
hostile volume "$plain,\"Volumes\":{\"/v\":{},\"/v2/x\":{}}" "ln -s $s/dir v; ln -s ../../../../..$s v2"
run rl run --rm --network none localhost/volume sh -c 'touch /v/made /v2/x/made'
survive "a VOLUME is a link"
for user in $'root\nx:0' '0:0:0' -1 4294967296 $'a\x1bb' 'nobody\u0000'; do
	j=$(jq -nc --arg u "$user" '$u')
	hostile user "$plain,\"User\":$j" true
	run rl run --rm --network none localhost/user id
	if [ "$status" = 125 ]; then ok "User $(printf %q "$user") is refused"; else not_ok "User $(printf %q "$user")" "status $status" "$out" "$err"; fi
done
hostile env '"Env":["LD_PRELOAD=/evil.so","PATH=/evil:/bin","GCONV_PATH=/evil","SECRET","=x","A=b=c"],"Cmd":["sh"]' true
USER_ENV=(SECRET=of-the-host)
run rl run --rm --network none localhost/env sh -c 'echo $SECRET-$A'
[[ $out != *of-the-host* ]] && ok "Env without '=' does not import the host's" || not_ok "Env without '=' imports the host's" "$out"
USER_ENV=()
hostile labels "$plain,\"Labels\":{\"run.oci.hooks\":\"x\",\"io.podman.annotations.privileged\":\"TRUE\",\"run.oci.keep_original_groups\":\"1\"},\"Hooks\":{}" true
run rl run --rm --network none localhost/labels grep CapBnd /proc/self/status
expect "labels give no rights" 0 "*00000000800405fb"
hostile trojan "$plain" "for t in newuidmap fuse-overlayfs tar gzip ps nsenter; do printf '#!/bin/sh\ntouch $s/ran' >bin/\$t.t; chmod 755 bin/\$t.t; rm -f bin/\$t; mv bin/\$t.t bin/\$t; done; mkdir -p lib; echo x >etc/ld.so.preload"
run rl run --rm localhost/trojan true
survive "trojan helpers in the image"
hostile big "$plain" "rm -f etc/passwd; truncate -s 8G etc/passwd"
run rl run --rm --network none -u nobody localhost/big true
survive "an 8 GB /etc/passwd"
# the executable of rl as the container sees it
hostile exe "$plain" 'printf "#!/proc/self/exe\n" >self; chmod 755 self'
sum=$(sha256sum <"$RL")
run rl run --rm --network none --privileged localhost/exe sh -c '/self; for p in /proc/[0-9]*; do (echo x >$p/exe) 2>/dev/null && echo WRITTEN; done; true'
[[ $out != *WRITTEN* ]] && [ "$sum" = "$(sha256sum <"$RL")" ] && ok "rl cannot be overwritten through /proc/PID/exe" || not_ok "rl was overwritten" "$out"
leakcheck "nothing is left"

finish
