#!/bin/bash
# push.sh - rl push: the same digests back, nothing sent twice, cut uploads, logins, wrong uses
#
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
command -v docker-registry >/dev/null && command -v skopeo >/dev/null || skip_all "needs docker-registry and skopeo"
start_registry || skip_all "no registry"
digest_of() { skopeo inspect --creds rl:secret --cert-dir "$T/registry/ca" "docker://$REGISTRY/$1" | jq -r .Digest; }
raw_of() { skopeo inspect --raw --creds rl:secret --cert-dir "$T/registry/ca" "docker://$REGISTRY/$1"; }
is() { # NAME GOT WANTED
	if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1" "got: $2" "wanted: $3"; fi
}

# --- as it came, so it leaves ---
push "$(image alpine)" alpine:1
run rl pull -q "$REGISTRY/alpine:1"
id=$out
expect "pull it" 0 "+([0-9a-f])" ""
run rl push --digestfile digest "$REGISTRY/alpine:1" "$REGISTRY/copy:2"
expect "push to another repository" 0 "" "*Pushing to $REGISTRY/copy:2*mounted from another repository*"
is "the same digest" "$(digest_of copy:2)" "$(digest_of alpine:1)"
is "the digest's file" "$(cat "$T/work/digest")" "$(digest_of alpine:1)"
run rl push "$REGISTRY/alpine:1" "$REGISTRY/copy:3"
expect "another tag" 0 "" "*Skipped blob*"
run rl push -q "docker://$REGISTRY/alpine:1"
run rl push -q "$REGISTRY/alpine:1"
expect "under its own name, quiet" 0 "" ""
run rl push -q "$id" "$REGISTRY/byid"
expect "by id" 0 "" ""
is "by id: the tag is latest" "$(digest_of byid:latest)" "$(digest_of alpine:1)"

# --- a registry that lacks it gets the bytes that came ---
rm -rf "$T/registry/data"
run rl push "$REGISTRY/alpine:1"
expect "an empty registry" 0 "" "*Copied blob*Writing manifest*"
d=$(raw_of alpine:1 | sha256sum | cut -d' ' -f1)
is "the manifest's bytes" "sha256:$d" "$(cat "$T/work/digest")"
run rl rmi "$REGISTRY/alpine:1"
expect "remove it" 0 "*"
is "its packed layers go, too" "$(ls "$ROOT/blobs/sha256")" ""
run rl pull -q "$REGISTRY/alpine:1"
expect "pull it back" 0 "$id" ""
run rl run --rm --network none "$REGISTRY/alpine:1" true
expect "and run it" 0

# --- formats, packing ---
run rl push -q --format docker "$REGISTRY/alpine:1" "$REGISTRY/docker:1"
expect "as docker" 0 "" ""
is "media type" "$(raw_of docker:1 | jq -r .mediaType)" application/vnd.docker.distribution.manifest.v2+json
is "of the layer" "$(raw_of docker:1 | jq -r '.layers[0].mediaType')" application/vnd.docker.image.rootfs.diff.tar.gzip
skopeo copy -q --insecure-policy --src-creds rl:secret --src-cert-dir "$T/registry/ca" "docker://$REGISTRY/docker:1" \
	"docker-archive:$T/work/plain.tar:localhost/plain:1" && chmod 644 "$T/work/plain.tar"
run rl load -q -i plain.tar
expect "a docker-archive of an image that is there" 0 "Loaded image: localhost/plain:1" ""
run rl push -q localhost/plain:1 "$REGISTRY/kept:1"
is "keeps the manifest that it came with" "$(digest_of kept:1)" "$(digest_of alpine:1)"
rl rmi -f "$id" >/dev/null
run rl load -q -i plain.tar
expect "a docker-archive has plain layers" 0 "Loaded image: localhost/plain:1" ""
run rl push localhost/plain:1 "$REGISTRY/plain:1"
expect "they are packed" 0 "" "*Compressing blob*"
packed=$(digest_of plain:1)
run rl push localhost/plain:1 "$REGISTRY/plain:1"
expect "not twice for a registry that has them packed" 0 "" "!(*Compressing blob*)"
is "the image is the same" "$(digest_of plain:1)" "$packed"
run rl push localhost/plain:1 "$REGISTRY/plainer:1"
expect "to another repository" 0 "" "*"
is "the same image there" "$(digest_of plainer:1)" "$packed"
run rl push -q --compression-format zstd --compression-level 3 localhost/plain:1 "$REGISTRY/zstd:1"
expect "as zstd" 0 "" ""
is "zstd" "$(raw_of zstd:1 | jq -r '.layers[0].mediaType')" application/vnd.oci.image.layer.v1.tar+zstd
for i in plain zstd; do
	skopeo copy -q --insecure-policy --src-creds rl:secret --src-cert-dir "$T/registry/ca" "docker://$REGISTRY/$i:1" "oci:$T/work/$i:1" &&
		ok "skopeo takes it: $i" || not_ok "skopeo takes it: $i"
done
rl rmi -f "$id" >/dev/null
run rl pull -q "$REGISTRY/alpine:1"
run rl push -q --compression-format zstd "$REGISTRY/alpine:1" "$REGISTRY/again:1"
expect "packed layers in another way" 0 "" ""
is "zstd, too" "$(raw_of again:1 | jq -r '.layers[0].mediaType')" application/vnd.oci.image.layer.v1.tar+zstd
run rl push -q --compression-format zstd --force-compression=false "$REGISTRY/alpine:1" "$REGISTRY/again:2"
expect "or not" 0 "" ""
is "as they came" "$(digest_of again:2)" "$(digest_of alpine:1)"
is "the same config" "$(raw_of plain:1 | jq -r .config.digest)" "sha256:$id"

# --- all tags ---
for i in a b; do rl tag "$REGISTRY/alpine:1" "$REGISTRY/many:$i"; done
run rl push -q --all-tags "$REGISTRY/many"
expect "all tags" 0 "" ""
is "both are there" "$(digest_of many:a)" "$(digest_of many:b)"

# --- cut in the middle ---
if command -v python3 >/dev/null; then
	port=$(free_port)
	python3 "$SRC/tests/tools/uploads.py" "$port" 300000 "$T/registry/uploads.log" &
	at_end+=("kill $!")
	MY_PIDS="$MY_PIDS $!"
	for _ in {1..100}; do
		(: </dev/tcp/127.0.0.1/"$port") 2>/dev/null && break
		sleep 0.05
	done
	run rl push --tls-verify=false --retry-delay 100ms "$REGISTRY/alpine:1" "127.0.0.1:$port/cut:1"
	expect "an upload that breaks goes on" 0 "" "*trying again*Writing manifest*"
	check "from where it was" grep -q '^PATCH .* 300000-[0-9]*$' "$T/registry/uploads.log"
	check "and arrives whole" grep -q '^PUT .*/manifests/1' "$T/registry/uploads.log"
	# in parts: 20 MB that do not pack
	head -c 20000000 /dev/urandom >"$T/noise" && tar -C "$T" -cf "$T/work/noise.tar" noise && chmod 644 "$T/work/noise.tar"
	rl import -q noise.tar localhost/noise >/dev/null
	patches() { grep -c "^PATCH /v2/$1/" "$T/registry/uploads.log"; }
	run rl push --tls-verify=false localhost/noise "127.0.0.1:$port/whole:1"
	expect "one PATCH for the whole" 0 "" "*Writing manifest*"
	is "whole: requests, with the config's" "$(patches whole)" 2
	run rl push --tls-verify=false localhost/noise "127.0.0.1:$port/min:1"
	expect "a registry that asks for chunks" 0 "" "*Writing manifest*"
	is "min: requests" "$(patches min)" 4
	check "min: each says where" grep -q '^PATCH /v2/min/.* 8388608-16777215$' "$T/registry/uploads.log"
	run rl push --tls-verify=false "$REGISTRY/alpine:1" "127.0.0.1:$port/small:1"
	expect "a limit on the way: smaller parts" 0 "" "*Writing manifest*"
	run rl push --tls-verify=false --retry-delay 10ms "$REGISTRY/alpine:1" "127.0.0.1:$port/tiny:1"
	expect "a registry that takes no part at all" 125 "" "*Error: *413*"
	for i in less forget; do
		run rl push --tls-verify=false --retry-delay 10ms localhost/noise "127.0.0.1:$port/$i:1"
		expect "$i: it is whole in the end" 0 "" "*Writing manifest*"
	done
	for i in none back; do
		run rl push --tls-verify=false --retry-delay 10ms localhost/noise "127.0.0.1:$port/$i:1"
		expect_error "$i: no endless retries" "*keeps nothing of it*"
		check "$i: a few requests" test "$(patches $i)" -le 10
	done
	rl rmi localhost/noise >/dev/null
	run rl push --retry 0 "$REGISTRY/alpine:1" "127.0.0.1:$port/tls:1"
	expect_error "no TLS there, none allowed to be missing" "*127.0.0.1:$port*"
fi

# --- logins ---
mv "$T/home/.config/containers/auth.json" "$T/auth.json"
run rl push -q "$REGISTRY/alpine:1" "$REGISTRY/new:1"
expect_error "without a login" "*wants a login*rl login*"
run rl push -q --creds rl:wrong "$REGISTRY/alpine:1" "$REGISTRY/new:1"
expect_error "with a wrong one" "*refuses the login of user 'rl'*"
run rl push -q --creds rl:secret "$REGISTRY/alpine:1" "$REGISTRY/new:1"
expect "with --creds" 0 "" ""
mv "$T/auth.json" "$T/home/.config/containers/auth.json"

# --- wrong uses, damage ---
run rl push
expect_error "no image" "*needs IMAGE*"
run rl push nosuch
expect_error "an image that is not there" "*nosuch*image not known*"
rl tag "$REGISTRY/alpine:1" localhost/plain:1
run rl push localhost/plain:1
expect_error "a name without a registry" "*without a registry*rl push*"
run rl push "$REGISTRY/alpine:1" oci:x
expect "to an OCI layout" 0
run rl push -q "$REGISTRY/alpine:1" oci-archive:a.tar:some:name
expect "to an archive, by another name" 0 "" ""
is "which is in it" "$(tar -xOf "$T/work/a.tar" index.json | jq -r '.manifests[0].annotations["org.opencontainers.image.ref.name"]')" some:name
run rl push -q "$REGISTRY/alpine:1" docker-archive:d.tar:team/app:2
is "to a docker-archive" "$(tar -xOf "$T/work/d.tar" manifest.json | jq -r '.[0].RepoTags[0]')" docker.io/team/app:2
run rl push -q "$REGISTRY/alpine:1" dir:d
expect "to a folder" 0 "" ""
check "skopeo reads it" skopeo inspect "dir:$T/work/d"
run rl push -q "$REGISTRY/alpine:1" dir:d
expect_error "to a folder with something in it" "*not empty*not there yet*"
run rl push "$REGISTRY/alpine:1" docker-daemon:x
expect_error "another transport" "*cannot be pushed to 'docker-daemon:'*"
run rl push --digestfile f "$REGISTRY/alpine:1" oci:y
expect_error "a digest's file and a layout" "*are for registries*"
run rl push --format tar "$REGISTRY/alpine:1"
expect_error "a format that is none" "*unknown format 'tar'*"
run rl push --compression-format lzma "$REGISTRY/alpine:1"
expect_error "a compression that is none" "*unknown compression 'lzma'*"
run rl push "$REGISTRY/alpine:1" "$REGISTRY/UPPER"
expect_error "a bad name" "*UPPER*"
rm -rf "$T/registry/data"
layer=$(jq -r '.layers[0].digest' "$ROOT/images/$id/manifest.json" | cut -d: -f2)
truncate -s -1 "$ROOT/blobs/sha256/$layer"
run rl push -q "$REGISTRY/alpine:1"
expect_error "a damaged packed layer" "*bytes, not*"
rm -f "$ROOT/blobs/sha256"/*
run rl push -q "$REGISTRY/alpine:1"
expect_error "no packed layer at all" "*not in the store*pull it again*"
leakcheck "nothing is left behind"
finish
