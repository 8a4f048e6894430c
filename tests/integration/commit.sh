#!/bin/bash
# commit.sh - `rl export`, `rl import`, `rl commit`: what goes in comes out, the same each time
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

IMAGE=localhost/rl-busybox
W=$T/work
same() { # NAME TEXT WANTED
	if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1" "$(diff <(printf '%s\n' "$3") <(printf '%s\n' "$2") | head -n 15)"; fi
}
# the tree of a container or of a fresh one of an image, but for mount points and what the parents of those
# have for times
tree() {
	rl export "$1" | tar --numeric-owner --xattrs -tvvf - 2>/dev/null | grep -v ' \(dev\|etc\|run\|proc\|sys\)/$' |
		grep -v ' \(proc\|sys\|dev\)/\| run/.containerenv\| etc/\(hosts\|hostname\|resolv.conf\)$' | sort -k6
}
tree_of_image() {
	run rl create --name tmp "$1" true
	tree tmp
	run rl rm tmp
}
work='echo hi >/hi; ln /hi /bin/hi; chmod 4751 /hi; chown 7:8 /hi; rm /bin/ls; rm -r /usr; mkdir /usr; echo n >/usr/n
	mkdir -p /d/e; chmod 1777 /d; chown 65000:1 /d/e; ln -s ../hi /d/l; mkfifo /d/p; touch -d "2001-02-03 04:05:06" /d/e
	dd if=/dev/zero of=/sparse bs=1 count=1 seek=20000000 2>/dev/null; : >"/$(printf "n\303\244me \001x")"
	x=$(printf "%0120d" 7); mkdir -p /$x/$x; echo long >/$x/$x/$x; echo dot >/.wh.dot'
run rl run --network none --name made -e FOO=bar -w /d -u 0:0 --label l=1 "$IMAGE" sh -c "${work%; echo dot*}"
expect "a container that changes much" 0

# --- export, import ---------------------------------------------------------------------------------
run rl export -o "$W/made.tar" made
expect "export to a file" 0 '' ''
rl export made >"$T/made.tar"
cmp -s "$W/made.tar" "$T/made.tar" && ok "the same on stdout" || not_ok "the same on stdout"
names=$(tar -tf "$T/made.tar")
for n in hi bin/hi usr/n d/e/ sparse; do
	grep -qx "$n" <<<"$names" || not_ok "'$n' is in the tar" "$names"
done
grep -qx 'bin/ls\|usr/bin/' <<<"$names" && not_ok "what was deleted is not in it" || ok "what was deleted is not in it"
[ "$(stat -c %s "$T/made.tar")" -lt 5000000 ] && ok "holes are not written" || not_ok "holes" "$(ls -l "$T/made.tar")"
before=$(tree made)
[ "$(wc -l <<<"$before")" -gt 250 ] && ok "the tree has its files" || not_ok "tree" "$before"
run rl import -m 'as it was' -c 'CMD ["cat", "/hi"]' -c 'ENV X=1' "$W/made.tar" flat:1
expect "import prints the id" 0 'sha256:+([0-9a-f])' ''
run rl run --rm --network none flat:1
expect "the image runs" 0 hi ''
same "its tree is the container's" "$(tree_of_image flat:1)" "$before"
for z in gzip zstd; do
	$z -c <"$T/made.tar" >"$T/made.packed"
	run rl import - "flat:$z" <"$T/made.packed"
	expect "import of $z from stdin" 0 'sha256:*' ''
	same "packed by $z: the same layer" "$(rl inspect --format '{{index .RootFS.Layers 0}}' "flat:$z")" \
		"$(rl inspect --format '{{index .RootFS.Layers 0}}' flat:1)"
done
run rl import --os linux --arch arm64 "$W/made.tar"
run rl inspect --format '{{.Architecture}} {{.RepoTags}}' "${out#sha256:}"
expect "for another platform, without a name" 0 'arm64 \[\]'

# --- commit ---------------------------------------------------------------------------------------
run rl commit -a me -m note -c 'LABEL m=2' made app:2
expect "commit prints the id" 0 '+([0-9a-f])' ''
same "the new image's tree is the container's" "$(tree_of_image app:2)" "$before"
[ "$(find "$ROOT/layers" -name sparse -size 20000001c -printf '%b\n' | sort -n | tail -n 1)" -lt 5000 ] &&
	ok "holes are holes in the layer" || not_ok "holes" "$(find "$ROOT/layers" -name sparse -ls)"
run rl inspect --format '{{.Config.Env}} {{.Config.WorkingDir}} {{.Config.Labels}} {{.Author}} {{len .RootFS.Layers}}' app:2
expect "its settings are the container's" 0 '\[*FOO=bar\] /d map\[l:1 m:2\] me 2'
run rl diff app:2
expect "diff of the image is that of the container" 0 "$(rl diff made)"
run rl commit --squash made one
same "squashed: the same tree" "$(tree_of_image one)" "$before"
run rl inspect --format '{{len .RootFS.Layers}} {{len .History}}' one
expect "in one layer" 0 '1 1'
USER_ENV=(SOURCE_DATE_EPOCH=1700000000)
a=$(rl commit made) b=$(rl commit made)
same "SOURCE_DATE_EPOCH: the same image again" "$a" "$b"
run rl inspect --format '{{.Created}}' "$a"
expect "made at that time" 0 '2023-11-14T22:13:20*'
run rl run --network none --name again -e FOO=bar -w /d -u 0:0 --label l=1 "$IMAGE" sh -c "${work%; echo dot*}"
same "and from another container that did the same" "$(rl commit again)" "$a"
a=$(rl commit --squash made)
same "squashed too" "$(rl commit --squash again)" "$a"
USER_ENV=()
# a layer on a layer: opaque folders and whiteouts of both
run rl run --network none --name upon app:2 sh -c 'rm -r /d; mkdir /d; echo 2 >/d/two; rm /hi; echo x >/usr/bin'
up=$(tree upon)
run rl commit --format docker --iidfile "$W/iid" upon app:3
expect "docker's format" 0 "$(cat "$W/iid")"
same "a third layer" "$(tree_of_image app:3)" "$up"
run rl inspect --format '{{.ManifestType}} {{len .RootFS.Layers}}' app:3
expect "is what was asked for" 0 'application/vnd.docker.distribution.manifest.v2+json 3'
USER_ENV=(STORAGE_DRIVER=vfs)
run rl run --network none --name copied -e FOO=bar -w /d -u 0:0 "$IMAGE" sh -c "${work%; echo dot*}"
run rl commit copied app:4
expect "of a container that is a copy of its image" 0
USER_ENV=()
run rl inspect --format '{{len .RootFS.Layers}}' app:4
expect "everything in one layer" 0 1
# a whole tree written by others, with what a user owns there
run rl run -d --network none --userns keep-id --name keep "$IMAGE" sh -c 'echo mine >/tmp/mine; echo up; sleep 100'
for _ in $(seq 50); do [ "$(rl logs keep 2>/dev/null)" = up ] && break; sleep 0.1; done
run rl commit keep kept
run rl run --rm --network none kept ls -ln /tmp/mine
expect "of a running container with keep-id: its ids, not those on disk" 0 "*1 $TEST_UID *$TEST_GID *"
run rl create --name never "$IMAGE" true
run rl commit never nothing
expect "of a container that never ran" 0
run rl create --name vol -v vv:/data "$IMAGE" true
run rl commit --include-volumes vol withvol
run rl inspect --format '{{json .Config.Volumes}}' withvol
expect "--include-volumes" 0 '{"/data":{}}'

# --- to a registry and back ---------------------------------------------------------------------------
if start_registry; then
	id=$(rl inspect --format '{{.Id}}' app:3)
	run rl push -q --creds rl:secret app:3 "$REGISTRY/x/app:3"
	expect "push of a committed image" 0
	run rl pull -q "$REGISTRY/x/app:3"
	expect "it comes back as the same" 0 "$id"
	want=$(tree_of_image app:3)
	run rl rmi -f app:3 app:2 "$id"
	run rl pull -q "$REGISTRY/x/app:3"
	same "and with the same tree" "$(tree_of_image "$REGISTRY/x/app:3")" "$want"
	run rl push -q --creds rl:secret flat:gzip "$REGISTRY/x/flat:1"
	expect "push of an imported image" 0
	skopeo copy -q --insecure-policy --src-creds rl:secret --src-cert-dir "$T/registry/ca" \
		"docker://$REGISTRY/x/flat:1" "oci:$T/oci:flat" 2>"$T/skopeo" && ok "others can read it" ||
		not_ok "others can read it" "$(cat "$T/skopeo")"
	umoci unpack --rootless --image "$T/oci:flat" "$T/bundle" >/dev/null 2>"$T/umoci" &&
		[ "$(cat "$T/bundle/rootfs/hi")" = hi ] && [ "$(stat -c %h "$T/bundle/rootfs/hi")" = 2 ] &&
		[ "$(stat -c %s "$T/bundle/rootfs/sparse")" = 20000001 ] && ok "and unpack it" ||
		not_ok "and unpack it" "$(cat "$T/umoci")"
else
	skip "push of a committed image" "no registry"
fi

# --- hostile ----------------------------------------------------------------------------------------
own_dir "$T/host" 755
as_user sh -c "echo host-secret >$T/host/secret"
run rl run -d --network none --name swaps "$IMAGE" sh -c "echo in >/f; mkdir -p $T/host; while :; do
	rm -f /f; ln -s $T/host/secret /f; rm -f /f; mkfifo /f; rm -f /f; echo in >/f; done"
bad=''
for i in 1 2 3 4 5 6 7 8; do
	! rl export swaps 2>/dev/null | grep -q host-secret || bad="$bad export:$i"
	run rl commit swaps "sw:$i"
	[ $status = 0 ] || bad="$bad commit:$i:$err"
done
[ -z "$bad" ] && ok "files that become links and FIFOs" || not_ok "swaps" "$bad"

# --- wrong uses -----------------------------------------------------------------------------------
run rl export nobody
expect_error "export of an unknown container" "*nobody*"
run rl export -o /nowhere/x made
expect_error "export to nowhere" "*'/nowhere/x'*"
run rl import "$W/none"
expect_error "import of nothing" "*'$W/none'*No such file*"
run rl import - <<<"this is no tar at all, and it is not packed either: just a line that is long enough to be read as a
header of sorts, which it is not, and more of it follows here so that five hundred and twelve bytes come together: $(printf '%0500d' 0)"
expect_error "import of no tar" "*"
run rl import "https://example.invalid/x.tar"
expect_error "import of an address" "*not fetched*curl*"
run rl import --os linux --platform linux/arm64 "$W/made.tar"
expect_error "two platforms" "*exclude each other*"
run rl commit nobody
expect_error "commit of an unknown container" "*nobody*"
run rl commit made 'Bad Name'
expect_error "a bad name" "*"
run rl commit -c 'RUN x' made
expect_error "a change that is none" "*RUN x*no instruction*"
run rl commit --format zip made
expect_error "an unknown format" "*zip*"
run rl rm -fa -t 0
run rl rmi -fa
find "$ROOT" -maxdepth 1 -name '.tmp-*' | grep -q . && not_ok "scratch files" || ok "no scratch file is left"
leakcheck "nothing is left"
finish
