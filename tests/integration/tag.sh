#!/bin/bash
# shellcheck disable=SC2154 # status, out and err are set by run
# tag.sh - names of images: tag, untag, rmi with and without force, history, image tree
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
cp "$(image alpine)" "$T/alpine.tar"
rl load -q -i "$T/alpine.tar" >/dev/null
id=$(rl images -q --no-trunc)
id=${id#sha256:}
names() { rl images --format '{{.Repository}}:{{.Tag}}' | sort | tr '\n' ' '; }
has_names() { # NAME NAMES
	local n
	n=$(names)
	if [ "$n" = "$2" ]; then ok "$1"; else not_ok "$1" "names: $n" "wanted: $2"; fi
}

run rl tag alpine base registry.example/team/app:1.0
expect "tag prints nothing" 0 '' ''
has_names "short names are local" 'docker.io/library/alpine:latest localhost/base:latest registry.example/team/app:1.0 '
run rl image tag "${id:0:12}" base:2
expect "by id" 0 '' ''
run rl run --rm base true
expect "the new name runs" 0 '' ''
run rl tag nosuch x
expect_error "an unknown image" "*nosuch*not known*"
run rl tag alpine 'Bad Name'
expect_error "a bad name" "*Bad Name*"
run rl tag alpine x@sha256:"$id"
expect_error "a digest is no name to give" "*digest*"
run rl tag alpine
expect_error "to what?" "*IMAGE NAME*"
run rl untag alpine base:2 registry.example/team/app:1.0
expect "untag" 0 '' ''
has_names "two are gone" 'docker.io/library/alpine:latest localhost/base:latest '
run rl untag alpine nosuch
expect_error "not one of its names" "*has no name*nosuch*"
run rl untag alpine
expect "untag all" 0 '' ''
has_names "none is left" '<none>:<none> '
run rl image exists "$id"
expect "the image is" 0 '' ''
run rl untag nosuch
expect_error "an unknown image" "*nosuch*not known*"

# --- rmi --------------------------------------------------------------------------------------------
rl tag "$id" alpine >/dev/null
cid=$(rl run -d --name user --stop-signal KILL alpine sleep 1000)
run rl rmi alpine
expect "in use" 2 '' "*used by container ${cid:0:12}*"
run rl rmi nosuch
expect "unknown" 1 '' "*nosuch*not known*"
run rl rmi alpine nosuch
expect "the last decides" 1 '' "*"
rl tag alpine second
run rl rmi second
expect "one of two names" 0 'Untagged: localhost/second:latest' ''
run rl rmi -f alpine
expect "-f removes the container first" 0 'Untagged: localhost/alpine:latest'$'\n'"Deleted: $id" '*'
run rl ps -aq
expect "which is gone" 0 '' ''

# --- history ----------------------------------------------------------------------------------------
rl load -q -i "$T/alpine.tar" >/dev/null
run rl history alpine
expect "history" 0 "ID * CREATED * CREATED BY * SIZE * COMMENT"$'\n'"${id:0:12} *MB*" ''
run rl image history -q --no-trunc alpine
expect "history -q" 0 "$id*" ''
run rl history --format json alpine
if jq -e '.[0].id == "'"$id"'" and .[0].size > 1000000 and (.[0].tags | length) == 1' <<<"$out" >/dev/null; then
	ok "history --format json"
else
	not_ok "history --format json" "$out"
fi
run rl history -H=false --format '{{.Size}}' alpine
expect "sizes in bytes" 0 '+([0-9])' ''
run rl history -q --format json alpine
expect_error "-q and --format" "*exclude each other*"
run rl history nosuch
expect_error "history of what?" "*nosuch*not known*"
run rl history
expect_error "history of nothing" "*IMAGE*"
run rl image tree alpine
expect "image tree" 0 "Image ID: ${id:0:12}*Tags:*alpine:latest*Image Layers*Top Layer of:*" ''
run rl image tree --whatrequires alpine
expect_error "a flag of later" "*--whatrequires*"

# a builder's history: layers and steps without one
as_user mkdir "$T/work/oci" && tar -xf "$T/alpine.tar" -C "$T/work/oci"
/usr/bin/python3 - "$T/work/oci" <<'END'
import hashlib, json, os, sys

top = sys.argv[1]
blob = lambda d: os.path.join(top, "blobs/sha256", d.split(":")[1])
index = json.load(open(top + "/index.json"))
manifest = json.load(open(blob(index["manifests"][0]["digest"])))
config = json.load(open(blob(manifest["config"]["digest"])))
config["history"] = [
    {"created": "2020-01-02T03:04:05Z", "created_by": "ADD rootfs " + "x" * 80, "comment": "base"},
    {"created": "2020-01-03T03:04:05Z", "created_by": "ENV A=\u001b[31mred", "empty_layer": True},
]


def put(o):
    text = json.dumps(o).encode()
    d = "sha256:" + hashlib.sha256(text).hexdigest()
    open(blob(d), "wb").write(text)
    return d, len(text)


manifest["config"]["digest"], manifest["config"]["size"] = put(config)
d = index["manifests"][0]
d["digest"], d["size"] = put(manifest)
d["annotations"] = {"org.opencontainers.image.ref.name": "docker.io/library/steps:1"}
json.dump(index, open(top + "/index.json", "w"))
END
chmod -R a+rX "$T/work/oci"
run rl load -q -i "$T/work/oci"
expect "an image with a history" 0 '*steps:1' ''
run rl history --format '{{.ID}}|{{.CreatedAt}}|{{.Size}}|{{.CreatedBy}}|{{.Comment}}' steps:1
expect "its steps, the last one first" 0 "$(printf '[0-9a-f]%.0s' {1..12})|2020-01-03T03:04:05Z|0B|ENV*"$'\n'"<missing>|2020-01-02T03:04:05Z|*MB|ADD rootfs x*x...|base" ''
leakcheck "nothing is left"
finish
