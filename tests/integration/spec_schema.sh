#!/bin/bash
# spec_schema.sh - what rl writes against the published OCI schemas: config.json of real containers
# (runtime-spec), layout, index, manifest and config of images that it saves and commits (image-spec).
# RL_OCI_SCHEMAS = folder with runtime-spec/schema and image-spec/schema, where Debian's packages
# golang-github-opencontainers-{specs,image-spec}-dev are not installed.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
schemas=${RL_OCI_SCHEMAS:-/usr/share/gocode/src/github.com/opencontainers}
[ -f "$schemas/runtime-spec/schema/config-schema.json" ] || skip_all "no OCI schemas (RL_OCI_SCHEMAS)"
python3 -W ignore -c 'import jsonschema' 2>/dev/null || skip_all "needs python3-jsonschema"

# shellcheck disable=SC2317 # called by check
validate() { # SCHEMA FILE
	python3 -W ignore - "$schemas/$1" "$2" <<'PY'
import json, os, sys, jsonschema
path = sys.argv[1]
if not os.path.exists(sys.argv[2]):
    sys.exit("no file " + sys.argv[2])
def plain(node): # "id" moves the base of "$ref" to addresses in the net; all files lie side by side
    if isinstance(node, dict):
        return {k: plain(v) for k, v in node.items() if not (k in ("id", "$id") and isinstance(v, str))}
    return [plain(v) for v in node] if isinstance(node, list) else node
def load(uri):
    return plain(json.load(open(uri.split("#")[0].removeprefix("file://"))))
schema, base = load(path), "file://" + os.path.abspath(path)
cls = jsonschema.validators.validator_for(schema)
resolver = jsonschema.RefResolver(base, schema, handlers={"file": load})
found = list(cls(schema, resolver=resolver).iter_errors(json.load(open(sys.argv[2]))))
for e in found:
    print("/".join(map(str, e.path)), e.message[:200])
sys.exit(bool(found))
PY
}

# shellcheck disable=SC2317 # called by check
refused() { ! validate "$@"; }
mkdir -m 777 "$T/images"

# --- the validator itself ------------------------------------------------------------------------
echo '{"ociVersion": "1.0.2", "root": {"path": 5}}' >"$T/wrong.json"
check "the validator finds what is wrong" refused runtime-spec/schema/config-schema.json "$T/wrong.json"
echo '{"schemaVersion": 2, "config": {}, "layers": []}' >"$T/wrong.json"
check "in manifests, too" refused image-spec/schema/image-manifest-schema.json "$T/wrong.json"

# --- containers ----------------------------------------------------------------------------------
case_of() { # NAME OPTIONS...: a container that is made, looked at and removed
	local what=$1
	shift
	run rl create "$@" localhost/rl-busybox true
	if [ "$status" != 0 ]; then
		not_ok "$what" "$err"
		return
	fi
	check "$what" validate runtime-spec/schema/config-schema.json "$ROOT/containers/$out/config.json"
	run rl rm "$out"
}
case_of "plain"
case_of "terminal, limits" -it --memory 64m --memory-swap -1 --pids-limit 20 --cpu-shares 5 --ulimit nofile=10:20
case_of "shared namespaces" --network host --pid host --uts host --cgroupns host --cap-add all
case_of "privileged" --privileged
case_of "keep-id, mounts" --userns keep-id --read-only -v /usr:/a:ro --tmpfs /t:size=1m -v data:/d --annotation a=b \
	--sysctl net.ipv4.ip_forward=1 --oom-score-adj 5

# --- images --------------------------------------------------------------------------------------
layout() { # NAME DIR: each file of an OCI layout
	local dir=$2 m c
	check "$1: oci-layout" validate image-spec/schema/image-layout-schema.json "$dir/oci-layout"
	check "$1: index" validate image-spec/schema/image-index-schema.json "$dir/index.json"
	m=$(jq -r '.manifests[0].digest' "$dir/index.json")
	check "$1: manifest" validate image-spec/schema/image-manifest-schema.json "$dir/blobs/sha256/${m#sha256:}"
	c=$(jq -r '.config.digest' "$dir/blobs/sha256/${m#sha256:}")
	check "$1: config" validate image-spec/schema/config-schema.json "$dir/blobs/sha256/${c#sha256:}"
}
run rl run --name made -v /v localhost/rl-busybox sh -c 'echo x >/x'
run rl commit -q --format oci -a somebody -m "a message" -c 'ENV a=b' -c 'EXPOSE 80/udp' -c 'LABEL k=v' -c 'USER 5' \
	-c 'VOLUME /v' -c 'STOPSIGNAL 9' -c 'CMD ["sh"]' -c 'WORKDIR /tmp' made localhost/committed
expect "commit" 0 "+([0-9a-f])"
run rl save -q --format oci-dir -o "$T/images/committed" localhost/committed
expect "save it" 0 "*"
layout "committed" "$T/images/committed"
run rl save -q --format oci-dir -o "$T/images/loaded" localhost/rl-busybox
expect "save an image" 0 "*"
layout "saved" "$T/images/loaded"
run rl rm made
leakcheck "nothing left"
finish
