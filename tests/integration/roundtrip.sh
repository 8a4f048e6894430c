#!/bin/bash
# roundtrip.sh - images through podman, skopeo, umoci and a registry and back: the same tree, the same digests
#
# Two images: one of four layers made by umoci (mkimages multi: whiteouts, an opaque folder, hard links,
# setuid, owners, xattrs, a file capability, sparse, odd names), and one whose layers rl made itself, by
# import and commit. After each way the whole list of files is compared (tests/integration/treelist.c:
# owners, modes, times, links, contents, xattrs), as `image mount` shows them in the user's namespace.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
for p in podman skopeo umoci docker-registry jq setfattr; do command -v $p >/dev/null || skip_all "needs $p"; done
[ "$(id -u)" = 0 ] || skip_all "needs root to make the images"
start_registry || skip_all "the registry does not start"
is() { # NAME GOT WANTED
	if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1" "got: $2" "wanted: $3"; fi
}
W=$T/work
POD=(podman --root "$T/home/pod" --runroot "$T/run/pod" --cgroup-manager cgroupfs --storage-driver overlay)
pod() { as_user timeout -k 5 "$TIME_LIMIT" "${POD[@]}" "$@"; }
at_end+=("pod system migrate") # ends the process that holds its user namespace
printf '#!/bin/sh\nexec %s "$@"\n' "${POD[*]}" >"$T/pod"
chmod 755 "$T/pod"
cc -O2 -static -I"$RL_BUILD" -I"$SRC" -o "$T/treelist" "$SRC/tests/integration/treelist.c" 2>"$T/err" ||
	{ not_ok "build treelist" "$(cat "$T/err")" && finish; }

# the top itself is not compared: images without an entry for it get 0555 from podman, 0755 from others
listed() { grep -v '^/ d ' | sort; }
tree() { # TOOL IMAGE: by that tool's own mount
	local t=$T/pod
	[ "$1" = podman ] || t=$RL
	as_user "$t" unshare sh -c 'm=$("$0" image mount "$1") && "$2" "$m"; "$0" image umount "$1" >/dev/null' "$t" "$2" "$T/treelist" 2>&1 | listed
}
same_tree() { # NAME TOOL IMAGE WANTED
	tree "$2" "$3" >"$T/got"
	if [ -s "$4" ] && cmp -s "$4" "$T/got"; then ok "$1: the same $(wc -l <"$4") files"; else
		not_ok "$1: the tree differs" "$(diff "$4" "$T/got" | head -n 10)"
	fi
}
id_of() { rl image inspect -f '{{.Id}}' "$1" 2>&1; }
digest_of() { rl image inspect -f '{{.Digest}}' "$1" 2>&1; }
pod_id() { pod image inspect -f '{{.Id}}' "$1" 2>&1; }
pod_digest() { pod image inspect -f '{{.Digest}}' "$1" 2>&1; }
archive_digest() { tar -xOf "$1" index.json | jq -r '.manifests[0].digest'; }
gone() { rl rmi -f "$(id_of "$1")" >/dev/null 2>&1; }
pod_gone() { pod rmi -af >/dev/null 2>&1; }
remote=(--creds rl:secret --cert-dir "$T/registry/ca")
skopeo_() { as_user skopeo --insecure-policy "$@"; }

# --- an image of others ---
name=docker.io/library/multi:latest
cp "$(image multi)" "$W/multi.tar" && chmod 644 "$W/multi.tar"
pod load -q -i multi.tar >"$T/out" 2>&1 || { not_ok "podman loads an image" "$(cat "$T/out")" && finish; }
run rl load -q -i multi.tar
expect "load" 0 "Loaded image: $name" ""
id=$(id_of $name) digest=$(digest_of $name)
skopeo copy -q --insecure-policy "oci-archive:$W/multi.tar" "oci:$T/l:x" && umoci unpack --image "$T/l:x" "$T/b" >/dev/null 2>&1
"$T/treelist" "$T/b/rootfs" | listed >"$T/want"
same_tree "rl beside umoci" rl $name "$T/want"
same_tree "podman beside umoci" podman $name "$T/want"
blocks=$(as_user "$RL" unshare sh -c 'm=$("$0" image mount "$1") && stat -c %b "$m/data/sparse"; "$0" image umount "$1" >/dev/null' "$RL" $name)
check "the hole of a sparse file stays one ($blocks blocks)" test "$blocks" -lt 1000

# archives: to podman and back
for f in oci-archive docker-archive; do
	run rl save -q --format $f -o to.tar $name
	[ $f = docker-archive ] || is "save as $f: the digest" "$(archive_digest "$W/to.tar")" "$digest"
	pod_gone $name
	run pod load -q -i to.tar
	expect "podman loads rl's $f" 0 "Loaded image: $name"
	is "the image's id there" "$(pod_id $name)" "$id"
	[ $f = docker-archive ] || is "its digest there" "$(pod_digest $name)" "$digest"
	same_tree "podman, from $f" podman $name "$T/want"
	[ $f = oci-archive ] || continue # what podman makes of that has another config
	for g in oci-archive docker-archive; do
		rm -f "$W/back.tar"
		run pod save -q --format $g -o back.tar $name
		gone $name
		run rl load -q -i back.tar
		expect "rl loads podman's $g" 0 "Loaded image: $name" ""
		is "the image's id is the old one" "$(id_of $name)" "$id"
		[ $g = docker-archive ] || is "its digest is podman's" "$(digest_of $name)" "$(archive_digest "$W/back.tar")"
		same_tree "rl, from podman's $g" rl $name "$T/want"
	done
done
rm -f "$W/to.tar" "$W/back.tar"
gone $name
rl load -q -i multi.tar >/dev/null

# a folder: to podman and umoci, and back
run rl save -q --format oci-dir -o folder $name
run pod pull -q oci:folder
expect "podman pulls rl's OCI folder" 0 "*$id"
pod_gone $name
rm -rf "$W/folder2"
pod load -q -i multi.tar >/dev/null
run pod save -q --format oci-dir -o folder2 $name
gone $name
run rl load -q -i folder2
expect "rl loads podman's OCI folder" 0 "Loaded image: $name" ""
same_tree "rl, from podman's OCI folder" rl $name "$T/want"
gone $name
cp -r "$W/folder" "$T/folder3" # umoci as root: it unpacks owners
umoci unpack --image "$T/folder3:$name" "$T/b2" >/dev/null 2>&1
"$T/treelist" "$T/b2/rootfs" | listed >"$T/got"
check "umoci unpacks rl's OCI folder: the same files" cmp "$T/want" "$T/got"
echo new >"$T/b2/rootfs/data/kept/new" && rm -rf "$T/b2/rootfs/data/opaque" && ln "$T/b2/rootfs/data/random" "$T/b2/rootfs/data/random2"
touch -d '2003-04-05 UTC' "$T/b2/rootfs/data/kept/new" # umoci rounds times, and has no entry for folders above a change
check "umoci repacks" umoci repack --image "$T/folder3:$name" "$T/b2"
"$T/treelist" "$T/b2/rootfs" | listed >"$T/want2"
chmod -R a+rX "$T/folder3"
run rl load -q -i "$T/folder3"
expect "rl loads umoci's" 0 "Loaded image: *" ""
tree rl $name >"$T/got"
check "umoci's change: the same files" diff <(grep -vE '^/data(/kept)? d ' "$T/want2") <(grep -vE '^/data(/kept)? d ' "$T/got")
gone $name
rl load -q -i multi.tar >/dev/null

# a registry
for to in skopeo podman rl; do
	case $to in
	skopeo) push "$W/multi.tar" team/skopeo:1 ;;
	podman) check "podman pushes" pod push -q "${remote[@]}" $name "docker://$REGISTRY/team/podman:1" ;;
	rl) check "rl pushes" rl push -q $name "$REGISTRY/team/rl:1" ;;
	esac
	at=$REGISTRY/team/$to:1
	there=$(skopeo inspect "${remote[@]}" "docker://$at" | jq -r .Digest)
	[ $to = podman ] || is "$to pushed it: the digest" "$there" "$digest" # podman packs anew what it has only unpacked
	gone $name
	run rl pull -q "$at"
	expect "rl pulls what $to pushed" 0 "$id" ""
	is "$to -> rl: the digest" "$(digest_of "$at")" "$there"
	same_tree "$to -> rl" rl "$at" "$T/want"
	pod_gone $name
	run pod pull -q "${remote[@]}" "$at"
	expect "podman pulls what $to pushed" 0 "$id"
	is "$to -> podman: the digest" "$(pod_digest "$at")" "$there"
	same_tree "$to -> podman" podman "$at" "$T/want"
	pod tag "$at" $name
	rl push -q "$at" "$REGISTRY/team/again:$to"
	is "$to -> rl -> registry: the digest" "$(skopeo inspect "${remote[@]}" "docker://$REGISTRY/team/again:$to" | jq -r .Digest)" "$there"
	run skopeo_ copy -q --src-creds rl:secret --src-cert-dir "$T/registry/ca" "docker://$REGISTRY/team/again:$to" "oci-archive:$W/sk-$to.tar:$name"
	is "$to -> rl -> registry -> skopeo: the digest" "$(archive_digest "$W/sk-$to.tar")" "$there"
	rl load -q -i multi.tar >/dev/null
done
check "podman pushes zstd" pod push -q --compression-format zstd "${remote[@]}" $name "docker://$REGISTRY/team/zstd:1"
gone $name
gone "$REGISTRY/team/rl:1"
run rl pull -q "$REGISTRY/team/zstd:1"
expect "rl pulls it" 0 "$id" ""
same_tree "zstd of podman -> rl" rl "$REGISTRY/team/zstd:1" "$T/want"

# --- an image of rl's own making ---
mkdir "$T/base" && tar -C "$T/b/rootfs" -c . | tar -x -C "$T/base"
touch -d '1985-10-26 01:21:00.123456789 UTC' "$T/base/data/kept/file2"
touch -d '1969-12-31 23:59:58 UTC' "$T/base/data/empty"
setfattr -n user.empty -v '' "$T/base/data/kept/file2"
mkdir -p "$T/base/data/over/sub" && echo old >"$T/base/data/over/old" && echo old >"$T/base/data/over/sub/old"
chown 123456:54321 "$T/base/data/empty" 2>/dev/null && chown 4321:54321 "$T/base/data/empty"
cp --preserve=all "$(command -v busybox)" "$T/base/data/cap" && setcap cap_net_bind_service=+ep "$T/base/data/cap"
tar -C "$T/base" --format=pax --xattrs --xattrs-include='*' --sparse --numeric-owner -cf "$W/base.tar" . 2>/dev/null && chmod 644 "$W/base.tar"
"$T/treelist" "$T/base" | listed >"$T/want"
run rl import -q base.tar localhost/own:1
expect "import a tar" 0 "sha256:*" ""
same_tree "import" rl localhost/own:1 "$T/want"
run rl run --name c --network none localhost/own:1 sh -c 'rm -rf /data/over && mkdir /data/over && echo n >/data/over/n && rm /data/name* && ln /data/random /data/rand3 &&
	chown 12:34 /data/over/n && chmod 2755 /data/over && dd if=/dev/zero of=/data/holes bs=1 count=1 seek=5000000 2>/dev/null && mv /data/kept /data/moved && ln -s x /data/over/l'
expect "change it in a container" 0 "" ""
run rl commit -q c localhost/own:2
expect "commit" 0 "+([0-9a-f])" ""
rl export c >"$T/c.tar"
rl rm c >/dev/null
tree rl localhost/own:2 >"$T/want2"
check "a folder moved, one made anew" grep -c '^/data/\(moved/file\|over/n\) ' "$T/want2"
mkdir "$T/c" && tar -C "$T/c" -xpf "$T/c.tar" --xattrs --xattrs-include='*' --numeric-owner 2>/dev/null
"$T/treelist" "$T/c" | listed >"$T/got"
# what a container is given to start is no part of the image
own='^/((etc|dev|proc|sys|run|tmp)(/\S+)?|data) '
check "export and commit: the same files" diff <(grep -vE "$own" "$T/want2") <(grep -vE "$own" "$T/got")
for v in 1 2; do
	w=$T/want && [ $v = 1 ] || w=$T/want2
	n=localhost/own:$v
	rl save -q --format oci-archive -o own.tar $n
	pod load -q -i own.tar >/dev/null 2>"$T/err"
	sed -E 's/ -2\.0{9} / 0.000000000 /; s/ user\.empty=$//' "$w" >"$T/want.podman" # podman knows no time before 1970, and no empty xattr
	same_tree "podman, from rl's own layers ($v)" podman $n "$T/want.podman"
	is "its id ($v)" "$(pod_id $n)" "$(id_of $n)"
	rm -f "$W/own.tar" "$W/own2.tar"
	pod save -q --format oci-archive -o own2.tar $n
	old=$(id_of $n) && gone $n
	rl load -q -i own2.tar >/dev/null 2>&1
	is "back from podman: its id ($v)" "$(id_of $n)" "$old"
	same_tree "back from podman ($v)" rl $n "$w" # the packed layers never changed
	rm -f "$W/own2.tar"
done
rl save -q --format oci-dir -o own-folder localhost/own:2
umoci unpack --image "$W/own-folder:localhost/own:2" "$T/b3" >/dev/null 2>&1
"$T/treelist" "$T/b3/rootfs" | listed >"$T/got"
check "umoci, from rl's own layers" diff "$T/want2" "$T/got"
pod system migrate >/dev/null 2>&1
rl rmi -af >/dev/null 2>&1
leakcheck "nothing is left behind"
finish
