#!/bin/bash
# manifest.sh - rl manifest: lists of local images and of a registry's, pushed, pulled, run, wrong uses
#
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
command -v docker-registry >/dev/null && command -v skopeo >/dev/null || skip_all "needs docker-registry and skopeo"
start_registry || skip_all "no registry"
raw_of() { skopeo inspect --raw --creds rl:secret --cert-dir "$T/registry/ca" "docker://$REGISTRY/$1"; }
is() { # NAME GOT WANTED
	if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1" "got: $2" "wanted: $3"; fi
}
list() { rl manifest inspect "$@" | jq -r '.manifests[] | "\(.platform.os)/\(.platform.architecture)\(.platform.variant // "" | if . == "" then "" else "/" + . end)"' | tr '\n' ' '; }

# two images: this machine's, and one that says it is for another
push "$(image alpine)" alpine:1
run rl pull -q "$REGISTRY/alpine:1"
id=$out
host=$(rl image inspect -f '{{.Architecture}}' "$id")
other=riscv64
rl create --name c "$REGISTRY/alpine:1" true >"$T/out"
rl export c | rl import -q --arch $other --change 'CMD ["true"]' - localhost/app:other >/dev/null 2>"$T/err"
rl rm c >/dev/null
run rl tag "$REGISTRY/alpine:1" localhost/app:host
[ "$(rl image inspect -f '{{.Architecture}}' localhost/app:other)" = $other ] || not_ok "an image for another machine" "$(cat "$T/err")"

# --- create, add, inspect ---
run rl manifest create app:1 app:host app:other
expect "create a list" 0 "+([0-9a-f])" ""
list=$out
is "what is in it" "$(list app:1)" "linux/$host linux/$other "
run rl manifest exists app:1
expect "it exists" 0 "" ""
run rl manifest exists app:host
expect "an image is no list" 1 "" ""
run rl images --noheading --format '{{.Repository}}:{{.Tag}} {{.ID}}' --filter manifest=true
expect "images shows it" 0 "localhost/app:1 ${list:0:12}" ""
is "in JSON" "$(rl images --format json | jq '[.[] | select(.IsManifestList)] | length')" 1
run rl manifest create app:1
expect_error "the name is taken" "*'localhost/app:1' is taken by manifest list*--amend*"
run rl manifest create app:host
expect_error "also by an image" "*is taken by image*"
run rl manifest create --amend --annotation a=b app:1 app:host
expect "amend: the same entry, one more annotation" 0 "$list" ""
is "still two" "$(list app:1)" "linux/$host linux/$other "
is "an annotation of the list" "$(rl manifest inspect app:1 | jq -r .annotations.a)" b
run rl run --rm --network none app:1 echo hello
expect "run chooses the image of this machine" 0 "hello"
run rl image inspect -f '{{.Id}}' app:1
expect "so does inspect" 0 "$id"

# --- annotate, remove ---
d=$(rl manifest inspect app:1 | jq -r '.manifests[1].digest')
run rl manifest annotate --arch arm --variant v7 --os-features x,y --annotation k=v app:1 "$d"
expect "annotate by digest" 0 "$list" ""
is "it says so" "$(rl manifest inspect app:1 | jq -c '.manifests[1] | [.platform.architecture, .platform.variant, .platform."os.features"[1], .annotations.k]')" '["arm","v7","y","v"]'
run rl manifest annotate --arch arm64 --variant '' app:1 app:other
expect "annotate by name" 0 "$list" ""
is "it says so, too" "$(list app:1)" "linux/$host linux/arm64 "
run rl manifest annotate --index --annotation c=d app:1
expect "annotate the list" 0 "$list" ""
run rl manifest inspect app:1 app:host
expect "the manifest of an entry" 0 "*\"layers\"*" ""
run rl manifest remove app:1 app:other
expect "take one out" 0 "$list" ""
is "one is left" "$(list app:1)" "linux/$host "
run rl manifest add --arch $other app:1 localhost/app:other
expect "add it again" 0 "$list" ""

# --- push, and what others see ---
run rl manifest push --digestfile digest app:1 "$REGISTRY/multi/app:1"
expect "push list and images" 0 "sha256:+([0-9a-f])" "*Copied blob*Writing manifest*"
is "the digest" "$(raw_of multi/app:1 | sha256sum | cut -d' ' -f1)" "$(sed 's/sha256://' "$T/work/digest")"
is "an OCI index" "$(raw_of multi/app:1 | jq -r .mediaType)" application/vnd.oci.image.index.v1+json
for a in "$host" $other; do
	check "skopeo takes it: $a" skopeo copy -q --insecure-policy --override-arch "$a" --src-creds rl:secret \
		--src-cert-dir "$T/registry/ca" "docker://$REGISTRY/multi/app:1" "oci:$T/work/oci-$a:1"
done
run rl push -q --format docker app:1 "$REGISTRY/multi/app:docker"
expect "rl push takes a list as well" 0 "" ""
is "as docker has it" "$(raw_of multi/app:docker | jq -r '.mediaType, .manifests[].mediaType' | sort -u | grep -c docker)" 2
run rl pull -q "$REGISTRY/multi/app:1"
expect "pull it back" 0 "$id" ""
run rl manifest inspect "$REGISTRY/multi/app:1"
expect "inspect what the registry has" 0 "*$other*" ""

# --- a list of what is in registries only (docker's way) ---
rl rmi -f "$REGISTRY/multi/app:1" >/dev/null
run rl manifest create --all both:1 "docker://$REGISTRY/multi/app:1"
expect "create from a registry" 0 "+([0-9a-f])" ""
is "all platforms" "$(list both:1)" "linux/$host linux/$other "
run rl manifest push both:1 "$REGISTRY/elsewhere/both:1"
expect "push: parts are mounted there" 0 "sha256:*" "*mounted from another repository*"
run rl manifest push -q --all=false both:1 "$REGISTRY/multi/app:bare"
expect "the list alone, where its images are" 0 "sha256:*" ""
run rl manifest inspect -v both:1
expect "inspect -v" 0 "*\"Ref\"*\"Descriptor\"*\"OCIManifest\"*" ""
is "all are there" "$(raw_of elsewhere/both:1 | jq -c '[.manifests[].digest]')" "$(raw_of multi/app:1 | jq -c '[.manifests[].digest]')"

# --- names, removal ---
run rl tag app:1 app:2
expect "tag a list" 0 "" ""
is "the same list" "$(list app:2)" "$(list app:1)"
run rl rmi app:2
expect "rmi takes a name" 0 "Untagged: localhost/app:2" ""
run rl rmi app:host app:other
expect "the images lose their names" 0 "*"
run rl manifest push -q app:1 "$REGISTRY/multi/app:3"
expect_error "an image that is gone" "*not in the store any more*manifest remove*"
run rl manifest rm app:1 both:1
expect "rm prints as rmi does" 0 "Untagged: localhost/app:1
Deleted: $list
Untagged: localhost/both:1
Deleted: +([0-9a-f])" ""
is "nothing is left of them" "$(ls "$ROOT/lists")" ""
run rl manifest rm -i app:1
expect "gone already: fine with -i" 0 "" ""
run rl manifest create "$REGISTRY/own/name:1" "$REGISTRY/alpine:1"
run rl manifest push -q --rm "$REGISTRY/own/name:1"
expect "push by its own name, and forget it" 0 "sha256:*" ""
run rl manifest exists "$REGISTRY/own/name:1"
expect "it is forgotten" 1 "" ""
run rl manifest create empty:1
run rl image prune -f
expect "prune leaves a list that has a name" 0 "" ""
run rl untag empty:1
run rl image prune -f
expect "and takes one that has none" 0 "+([0-9a-f])" ""

# --- an entry from another registry is pulled for the push; what was there before stays ---
src=$REGISTRY/alpine@$(raw_of alpine:1 | sha256sum | sed 's/ .*//; s/^/sha256:/')
rl pull -q "$src" >/dev/null
run rl manifest create away:1 "docker://$src"
run rl manifest push -q --tls-verify=false --creds rl:secret away:1 "localhost:$REG_PORT/away/a:1"
expect "push to another registry" 0 "*" ""
check "the name that was there before is there" test -e "$ROOT/names/${src/@//@}"
rl rmi "$src" >/dev/null
run rl manifest push -q --tls-verify=false --creds rl:secret away:1 "localhost:$REG_PORT/away/a:2"
expect "and again without it" 0 "*" ""
check "then it does not stay" test ! -e "$ROOT/names/${src/@//@}"
rl manifest rm away:1 >/dev/null

# --- wrong uses ---
run rl manifest rm nosuch
[ "$status" = 1 ] && ok "an unknown list: status 1" || not_ok "an unknown list: status 1" "$status"
run rl manifest add nosuch alpine
expect_error "add to an unknown list" "*nosuch: manifest list not known*"
run rl manifest create bad:1
run rl manifest add bad:1 "$REGISTRY/not/there:1"
expect_error "add what is nowhere" "*not/there*"
run rl manifest add bad:1 containers-storage:nosuch
expect_error "add what is not in the store" "*nosuch*not known*"
run rl manifest annotate --arch arm bad:1 "$d"
expect_error "annotate what is not in it" "*is not in the list*inspect*"
run rl manifest annotate --annotation x bad:1 "$d"
expect_error "not in the list comes first" "*is not in the list*"
run rl manifest push bad:1
expect_error "no registry in the name" "*without a registry*"
run rl manifest inspect "$REGISTRY/not/there:1"
expect_error "inspect what is nowhere" "*not/there*"
run rl manifest create UPPER
expect_error "a bad name" "*"
for i in "$ROOT"/lists/*.json; do echo '{"version":1}' >"$i"; done
run rl manifest inspect bad:1
expect_error "a damaged list" "*is damaged*manifest rm*"
run rl manifest rm bad:1
expect "can be removed" 0 "Untagged*Deleted*" ""

leakcheck "nothing is left behind"
finish
