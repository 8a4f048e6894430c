#!/bin/bash
# trees.sh - registry to container: pull with TLS and password, and the tree that a container sees
#
# The trees are compared file by file (owner, mode, time, content, xattrs) with what umoci unpacks.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
for p in umoci skopeo docker-registry htpasswd jq openssl; do
	command -v $p >/dev/null || skip_all "needs $p"
done
[ "$(id -u)" = 0 ] || skip_all "needs root to make the images"
start_registry || skip_all "the registry does not start"

for i in alpine debian multi zstd; do
	a=$(image $i) || { not_ok "make the image $i" && continue; }
	cp "$a" "$T/$i.tar"
	check "push $i" push "$T/$i.tar" library/$i:latest
done
check "the zstd image has zstd layers" grep -q 'layer.v1.tar+zstd' -r "$T/registry/data"
check "push multi as docker schema 2" push "$T/multi.tar" library/schema2:latest --format v2s2

run rl run --rm alpine echo literal
expect "rl run alpine ..." 0 literal
run rl run --rm --network none alpine echo again
expect "the second time from the store, silently" 0 again ""
run rl pull -q debian
expect "pull prints the id" 0 "+([0-9a-f])"
run rl run --rm --network none debian bash -c 'dpkg -l | tail -1 | cut -c1-2; . /etc/os-release; echo $ID; id -u; su -s /bin/sh -c "id -un" nobody'
expect "a real Debian" 0 "ii*0*nobody"
# --hardened: no file may be written but in /tmp, /run, /var/tmp
run rl run --rm --network none --hardened --memory 512m debian bash -c 'cat <<<here; mktemp >/dev/null && echo made; su -s /bin/sh -c "id -un" nobody; dpkg -l bash | tail -1 | cut -c1-2; apt-cache policy bash | head -1; touch /etc/x'
expect "a debian under --hardened: bash, su, dpkg, apt's cache" 1 $'here\nmade\nnobody\nii\nbash:' "*Read-only file system*"
run rl run --rm --network none debian dpkg --verify
expect "dpkg finds its files unchanged" 0 ""
run rl run --rm --network none --user 1000 debian cat /etc/shadow
expect "file modes hold" 1 "" "*Permission denied*"

cc -O2 -static -I"$RL_BUILD" -I"$SRC" -o "$T/treelist" "$SRC/tests/integration/treelist.c" 2>"$T/err" ||
	{ not_ok "build treelist" "$(cat "$T/err")" && finish; }
# what rl itself puts into a container
own="/dev /proc /sys /etc/hosts /etc/hostname /etc/resolv.conf /etc/mtab /run /treelist"
same_tree() { # NAME ARCHIVE REFERENCE
	local l=$T/umoci-$1
	mkdir -p "$l"
	skopeo copy -q --insecure-policy "oci-archive:$2" "oci:$l/layout:x" &&
		umoci unpack --image "$l/layout:x" "$l/bundle" >"$l/log" 2>&1 || { not_ok "$1: umoci" "$(cat "$l/log")" && return; }
	# shellcheck disable=SC2086 # lists
	"$T/treelist" "$l/bundle/rootfs" $own | grep -v '^/etc d ' | sort >"$T/want" 2>"$T/want.err"
	# shellcheck disable=SC2086
	rl run --rm --network none --cap-add all -v "$T/treelist:/treelist:ro" "$3" /treelist / $own >"$T/got.raw" 2>"$T/got.err"
	grep -v '^/etc d ' "$T/got.raw" | sort >"$T/got"
	if [ -s "$T/got" ] && cmp -s "$T/want" "$T/got"; then
		ok "$1: $(wc -l <"$T/got") files are as umoci unpacks them"
	else
		not_ok "$1: the tree differs from umoci's" "$(diff "$T/want" "$T/got" | head -n 15)" "$(head -n 3 "$T/got.err")"
	fi
	rm -rf "$l"
}
same_tree multi "$T/multi.tar" multi
same_tree zstd "$T/multi.tar" zstd
same_tree schema2 "$T/multi.tar" schema2
same_tree debian "$T/debian.tar" debian

# the same by archive instead of registry
run rl rmi multi zstd schema2
expect "rmi" 0 "*"
run rl load -i "$T/multi.tar"
expect "load oci-archive" 0 "*Loaded image: docker.io/library/multi:latest*"
same_tree loaded "$T/multi.tar" multi
run rl rmi multi
skopeo copy -q --insecure-policy "oci-archive:$T/multi.tar" "docker-archive:$T/docker.tar:docker.io/library/multi:latest"
gzip -kf "$T/docker.tar"
zstd -qkf "$T/docker.tar" -o "$T/docker.tar.zst"
run rl load -i "$T/docker.tar.gz"
expect "load docker-archive, gzip" 0 "*Loaded image: docker.io/library/multi:latest*"
same_tree docker-archive "$T/multi.tar" multi
run rl rmi multi
run rl load <"$T/docker.tar.zst"
expect "load docker-archive, zstd, stdin" 0 "*Loaded image:*multi*"
run rl rmi multi
mkdir "$T/layout" && tar -xf "$T/multi.tar" -C "$T/layout"
run rl load -i "$T/layout"
expect "load oci folder" 0 "*Loaded image:*"

run rl images
expect "images" 0 "REPOSITORY*TAG*IMAGE ID*CREATED*SIZE*alpine*latest*"
run rl image inspect alpine
expect "image inspect" 0 "\[*"
printf '%s' "$out" >"$T/inspect.json"
check "image inspect: JSON with the fields" jq -e '.[0] | .Id and .RepoTags and .Digest and .Architecture and .RootFS.Layers' "$T/inspect.json"
run rl image inspect nosuchimage
expect "image inspect of an unknown name" 125 "\[\]" "*nosuchimage*"
run rl rmi nosuchimage
expect "rmi of an unknown name" 1 "" "*nosuchimage*"

# policies
run rl run --rm --network none --pull always -q alpine true
expect "--pull always" 0
rm -rf "$T/registry/data/docker/registry/v2/repositories/library/alpine"
run rl run --rm --network none --pull always alpine true
expect_error "--pull always, gone from the registry" "*alpine*"
run rl run --rm --network none --pull newer alpine echo kept
expect "--pull newer falls back to the local one" 0 kept
run rl run --rm --network none --pull missing alpine echo kept
expect "--pull missing does not ask" 0 kept

# parallel: one download per layer, all succeed
run rl rmi debian
USER_ENV=()
for i in 1 2 3 4 5 6; do rl run --rm --network none debian true >"$T/par$i" 2>&1 & pids[i]=$!; done
bad=0
for i in 1 2 3 4 5 6; do wait "${pids[i]}" || bad=$((bad + 1)); done
check "six runs of an image that is not there yet" test $bad = 0
leakcheck "nothing is left"

finish
