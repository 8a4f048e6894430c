#!/bin/bash
# save.sh - rl save: every format, there and back through rl, skopeo and docker's layout; wrong uses
#
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
command -v docker-registry >/dev/null && command -v skopeo >/dev/null || skip_all "needs docker-registry and skopeo"
start_registry || skip_all "no registry"
is() { # NAME GOT WANTED
	if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1" "got: $2" "wanted: $3"; fi
}
name=$REGISTRY/multi:1
if [ "$(id -u)" = 0 ] && command -v umoci >/dev/null; then push "$(image multi)" multi:1; else push "$(image alpine)" multi:1; fi
push "$(image alpine)" alpine:1
run rl pull -q "$name"
id=$out
expect "pull an image of several layers" 0 "+([0-9a-f])" ""
alpine=$(rl pull -q "$REGISTRY/alpine:1")
digest=$(skopeo inspect --creds rl:secret --cert-dir "$T/registry/ca" "docker://$name" | jq -r .Digest)
layers=$(jq '.layers | length' "$ROOT/images/$id/manifest.json")

# --- docker-archive ---
run rl save -q -o a.tar "$name"
expect "docker-archive" 0 "" ""
is "config, layers, manifest.json" "$(tar -tf "$T/work/a.tar" | wc -l)" $((layers + 2))
is "tags" "$(tar -xOf "$T/work/a.tar" manifest.json | jq -r '.[0].RepoTags[0]')" "$name"
bad=0
for l in $(tar -xOf "$T/work/a.tar" manifest.json | jq -r '.[0].Layers[]'); do
	[ "$(tar -xOf "$T/work/a.tar" "$l" | sha256sum | cut -d' ' -f1).tar" = "$l" ] || bad=$((bad + 1))
done
is "every layer has the digest of its name" "$bad" 0
rl save -q "$name" >"$T/b.tar" 2>/dev/null
check "stdout, and the same bytes" cmp "$T/work/a.tar" "$T/b.tar"
is "skopeo reads it" "$(skopeo inspect --config --raw "docker-archive:$T/work/a.tar:$name" 2>&1 | sha256sum | cut -d' ' -f1)" "$id"

# --- OCI ---
run rl save -q --format oci-archive -o oci.tar "$name"
expect "oci-archive" 0 "" ""
is "the registry's digest" "$(tar -xOf "$T/work/oci.tar" index.json | jq -r '.manifests[0].digest')" "$digest"
is "skopeo: the same" "$(skopeo inspect --raw "oci-archive:$T/work/oci.tar:$name" | sha256sum | cut -d' ' -f1)" "${digest#sha256:}"
run rl save -q --format oci-dir -o layout "$name"
expect "oci-dir" 0 "" ""
if [ "$(id -u)" = 0 ] && command -v umoci >/dev/null; then
	check "umoci unpacks it" umoci unpack --image "$T/work/layout:$name" "$T/bundle"
fi
run rl save -q --format docker-dir -o dir "$name"
expect "docker-dir" 0 "" ""
is "skopeo reads it, too" "$(skopeo inspect --config --raw "dir:$T/work/dir" | sha256sum | cut -d' ' -f1)" "$id"


# --- such a folder as others write it: one image, or an index and the images of it ---
as_user mkdir "$T/work/a:b"
skopeo copy -q --insecure-policy "dir:$T/work/dir" "dir:$T/work/a:b" && chmod -R a+rX "$T/work/a:b"
run rl pull -q "dir:$T/work/dir"
expect "pull dir:" 0 "$id" ""
run rl pull -q "dir:$T/work/a:b"
expect "pull dir: as skopeo writes it" 0 "$id" ""
run rl load -q -i "$T/work/a:b"
expect "load it" 0 "Loaded image: *${id}*" ""
cp -r "$T/work/dir" "$T/work/all"
m=$(sha256sum <"$T/work/dir/manifest.json" | cut -d' ' -f1)
mv "$T/work/all/manifest.json" "$T/work/all/$m.manifest.json"
printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{"mediaType":"%s","digest":"sha256:%s","size":%d,"platform":{"os":"linux","architecture":"%s"}}]}' \
	"$(jq -r '.mediaType // "application/vnd.oci.image.manifest.v1+json"' "$T/work/dir/manifest.json")" "$m" \
	"$(stat -c %s "$T/work/dir/manifest.json")" "$(rl version -f '{{.Client.OsArch}}' | cut -d/ -f2)" >"$T/work/all/manifest.json"
chmod -R a+rX "$T/work/all"
run rl pull -q "dir:$T/work/all"
expect "pull dir: with an index" 0 "$id" ""
rm -r "$T/work/a:b/$id"
run rl pull -q "dir:$T/work/a:b"
expect_error "a file is missing" "*$id*"
cp "$T/work/dir/version" "$T/work/all/$m.manifest.json"
run rl pull -q "dir:$T/work/all"
expect_error "a file holds something else" "*wrong digest*"
as_user mkdir "$T/work/link"
as_user ln -s /etc/passwd "$T/work/link/manifest.json"
run rl pull -q "dir:$T/work/link"
expect_error "a link is not followed" "*manifest.json*"

# --- into an OCI folder that is there: more images, a tag anew ---
names() { jq -r '[.manifests[] | .annotations."org.opencontainers.image.ref.name" // "-"] | sort | join(" ")' "$T/work/more/index.json"; }
as_user mkdir "$T/work/more"
run rl push -q "$name" oci:more:one
expect "push into an empty folder" 0 "" ""
before=$(stat -c %i "$T/work/more/blobs/sha256/$id")
run rl push -q "$REGISTRY/alpine:1" oci:more:two
expect "a second image" 0 "" ""
run rl push -q "$name" oci:more:three
expect "another tag of the first" 0 "" ""
is "all tags are there" "$(names)" "one three two"
is "what was there is not written again" "$(stat -c %i "$T/work/more/blobs/sha256/$id")" "$before"
run rl push -q "$REGISTRY/alpine:1" oci:more:one
expect "a tag anew" 0 "" ""
is "it is there once" "$(names)" "one three two"
is "and means the other image" "$(skopeo inspect --raw "oci:$T/work/more:one" | sha256sum)" "$(skopeo inspect --raw "oci:$T/work/more:two" | sha256sum)"
jq -c '. + {annotations: {keep: "me"}} | .manifests[0].platform = {os: "linux", architecture: "odd"}' "$T/work/more/index.json" >"$T/j" && cat "$T/j" >"$T/work/more/index.json"
run rl save -q --format oci-dir -o more "$name" "$REGISTRY/alpine:1"
expect "save adds, too" 0 "" ""
is "what others wrote there stays" "$(jq -c '[.annotations.keep, ([.manifests[].platform.architecture // empty] | unique)]' "$T/work/more/index.json")" '["me",["odd"]]'
for i in one two three "$name"; do skopeo copy -q --insecure-policy "oci:$T/work/more:$i" "dir:$T/sk" || not_ok "skopeo reads more:$i"; done
pids=()
for i in 1 2 3 4 5; do rl push -q "$REGISTRY/alpine:1" "oci:more:p$i" & pids+=($!); done
wait "${pids[@]}"
is "five at once" "$(names | tr ' ' '\n' | grep -c '^p')" 5
cp -r "$T/work/more" "$T/work/broken" && chmod -R a+rwX "$T/work/broken" && echo '{"manifests":[' >"$T/work/broken/index.json"
run rl push -q "$name" oci:broken:x
expect_error "an index that is none" "*add to the OCI folder*index.json*"
is "stays as it was" "$(cat "$T/work/broken/index.json")" '{"manifests":['
check "no part is left" test -z "$(find "$T/work" -name '.tmp-part')"

# --- several images, shared layers once ---
rl tag "$REGISTRY/alpine:1" localhost/second:2
run rl save -q -m -o many.tar "$name" "$REGISTRY/alpine:1" localhost/second:2
expect "several" 0 "" ""
is "two images" "$(tar -xOf "$T/work/many.tar" manifest.json | jq length)" 2
is "one has two names" "$(tar -xOf "$T/work/many.tar" manifest.json | jq -c '[.[] | .RepoTags | length]')" "[1,2]"
is "no member twice" "$(tar -tf "$T/work/many.tar" | sort | uniq -d)" ""
run rl save -q --format oci-archive -o many-oci.tar "$alpine" "$name"
expect "one by id" 0 "" ""

# --- back again ---
rm -rf "$T/registry/data"
for f in a.tar oci.tar layout; do
	rl rmi -f "$id" >/dev/null
	run rl load -q -i "$f"
	expect "load $f" 0 "Loaded image: $name" ""
	is "$f: the same image" "$(rl images -q --no-trunc "$name")" "sha256:$id"
	run rl run --rm --network none "$name" true
	expect "$f: it runs" 0
done
run rl push -q "$name"
expect "push what came back from an OCI layout" 0 "" ""
is "it has its old digest" "$(skopeo inspect --creds rl:secret --cert-dir "$T/registry/ca" "docker://$name" | jq -r .Digest)" "$digest"
rl rmi -f "$id" "$alpine" >/dev/null
run rl load -q -i many.tar
expect "load several" 0 "*$name*localhost/second:2*"
run rl load -q -i many-oci.tar
expect "load several from OCI" 0 "Loaded image: $alpine
Loaded image: $name"

# --- wrong uses ---
run rl save
expect_error "no image" "*needs IMAGE*"
run rl save -o x.tar nosuch
expect_error "an image that is not there" "*nosuch*image not known*"
check "nothing is left of it" test ! -e "$T/work/x.tar"
run rl save --format zip "$name"
expect_error "a format that is none" "*unknown format 'zip'*"
run rl save --format oci-dir "$name"
expect_error "a folder without a name" "*--output*"
as_user mkdir full && as_user touch full/x
run rl save --format oci-dir -o full "$name"
expect_error "a folder with something else in it" "*'full' is there and not empty*"
run rl save --format docker-dir -o layout "$name"
expect_error "dir: adds to nothing" "*'layout' is there and not empty*"
run rl save --format docker-dir -o d2 "$name" localhost/second:2
expect_error "two images in a docker-dir" "*one image only*"
run rl save -o /dev/full "$name"
expect_error "no space" "*No space left*"
run rl save -o no/such/folder.tar "$name"
expect_error "a folder that is not there" "*no/such/folder.tar*"
run as_user /usr/bin/python3 "$SRC/tests/integration/terminal.py" 24x80 "$RL" save "$name" </dev/null
expect "a terminal is refused" 0 "*refusing to save to a terminal*status 125*"
for b in "$ROOT"/blobs/sha256/*; do printf X | dd of="$b" conv=notrunc bs=1 seek=100 status=none; done
run rl save -q -o x.tar "$name"
expect_error "a damaged packed layer" "*wrong digest*"
check "nothing is left of it, either" test ! -e "$T/work/x.tar"
rm -f "$ROOT"/blobs/sha256/*
run rl save -q -o x.tar "$name"
expect_error "no packed layer" "*not in the store*pull it again*"
leakcheck "nothing is left behind"
finish
