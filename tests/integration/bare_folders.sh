#!/bin/bash
# shellcheck disable=SC2154 # status, out and err are set by run
# bare_folders.sh - layers that name folders only as parts of paths: those look as the layers below say
#
# The tree is compared with what umoci unpacks. It gives a folder that it puts something into a new time
# when that layer does not describe it; here the time stays as well.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
for p in getfattr umoci skopeo docker-registry htpasswd openssl python3; do
	command -v $p >/dev/null || skip_all "needs $p"
done
[ "$(id -u)" = 0 ] || skip_all "needs root to make the images"
grep -q "^$TEST_USER:" /etc/subuid || skip_all "owners are compared, $TEST_USER has no subordinate ids"
cp "$(image alpine)" "$T/alpine.tar"

python3 - "$T" <<-'END'
	import io, sys, tarfile
	def layer(n, entries):
	    with tarfile.open("%s/%d.tar" % (sys.argv[1], n), "w", format=tarfile.PAX_FORMAT) as t:
	        for name, mode, uid, data in entries:
	            i = tarfile.TarInfo(name)
	            i.mode, i.uid, i.gid, i.mtime = mode, uid, uid + 1, 1234567890 + n
	            if data is None:
	                i.type = tarfile.DIRTYPE
	                i.pax_headers = {"SCHILY.xattr.user.t": name}
	            else:
	                i.size = len(data)
	            t.addfile(i, io.BytesIO(data) if data is not None else None)
	layer(1, [("s", 0o755, 0, None), ("s/a", 0o700, 5, None), ("s/a/b", 0o1777, 7, None), ("s/a/b/low", 0o644, 0, b"1"),
	    ("s/o", 0o710, 8, None), ("s/o/low", 0o644, 0, b"1"), ("s/w", 0o711, 9, None), ("s/w/low", 0o644, 0, b"1")])
	layer(2, [("s/a/b/c/mid", 0o644, 0, b"2" * 3000000), ("s/a", 0o750, 15, None)])
	layer(3, [("s/a/b/c/top", 0o644, 0, b"3"), ("s/o/.wh..wh..opq", 0o644, 0, b""), ("s/o/top", 0o644, 0, b"3"),
	    ("s/w/.wh.low", 0o644, 0, b"")])
END
l=$T/layout
umoci_steps() {
	skopeo copy -q --insecure-policy "oci-archive:$T/alpine.tar" "oci:$l:x" &&
		for i in 1 2 3; do umoci raw add-layer --image "$l:x" "$T/$i.tar" || return 1; done &&
		umoci unpack --image "$l:x" "$T/bundle"
}
check "umoci makes the image and unpacks it" umoci_steps
list() { find "$1/s" -printf '%P %y %m %U:%G %s %T@\n' | sed '/^a\/b\(\/c\)\? /s/ [0-9.]*$//' | sort; }
list "$T/bundle/rootfs" | sed 's/\.0*$//' >"$T/want"
same() { # NAME
	rl run --rm --network none --cap-add all alpine tar -C / -c s >"$T/s.tar" 2>"$T/err"
	mkdir "$T/got.d" && tar -C "$T/got.d" -xpf "$T/s.tar" --numeric-owner
	list "$T/got.d" | sed 's/\.0*$//' >"$T/got"
	if [ -s "$T/got" ] && cmp -s "$T/got" "$T/want"; then ok "$1"; else not_ok "$1" "$(diff "$T/want" "$T/got")" "$(cat "$T/err")"; fi
	[ "$(stat -c %Y "$T/got.d/s/a/b")" = 1234567891 ] && ok "$1: times" || not_ok "$1: times" "$(stat "$T/got.d/s/a/b")"
	rm -rf "$T/got.d"
}

chmod -R a+rX "$l"
run rl pull -q "oci:$l:x"
expect "pull from the folder" 0 "+([0-9a-f])"
rl tag "$out" alpine
same "from a folder: as umoci unpacks it"
d=$(find "$ROOT"/layers/*/diff/s/w -maxdepth 0 -newermt @1234567888 ! -newermt @1234567892 | wc -l)
[ "$d" = 2 ] && ok "a folder with nothing but a whiteout too" || not_ok "a folder with nothing but a whiteout too" "$d"
got=$(for f in "$ROOT"/layers/*/diff/s/w; do getfattr --only-values -n user.t "$f" 2>/dev/null; echo; done)
[ "$got" = $'s/w\ns/w' ] && ok "with its xattrs" || not_ok "with its xattrs" "$got"

rl rmi -f alpine >/dev/null 2>&1
rl rmi -a >/dev/null 2>&1
start_registry || { skip "by registry" "the registry does not start" && finish; }
check "push" skopeo copy --insecure-policy -q --dest-creds rl:secret --dest-cert-dir "$T/registry/ca" "oci:$l:x" \
	"docker://$REGISTRY/library/alpine:latest"
run rl pull -q alpine
expect "pull from a registry, layers side by side" 0 "+([0-9a-f])" ''
same "from a registry: as umoci unpacks it"
run rl fsck
expect "the store is whole" 0 '' ''
leakcheck "nothing is left"
finish
