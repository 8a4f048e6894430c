#!/bin/bash
# spec_schema.sh - config.json of real containers against the OCI JSON schema, where python3-jsonschema
# and the schema are at hand: RL_OCI_SCHEMA = folder with config-schema.json and its neighbours
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
schema=${RL_OCI_SCHEMA:-/usr/share/oci-runtime-spec/schema}
[ -f "$schema/config-schema.json" ] || skip_all "no OCI schema (RL_OCI_SCHEMA)"
python3 -W ignore -c 'import jsonschema' 2>/dev/null || skip_all "needs python3-jsonschema"

# shellcheck disable=SC2317 # called by check
validate() { # FILE
	python3 -W ignore - "$schema" "$1" <<'PY'
import json, sys, jsonschema
base = "file://" + sys.argv[1] + "/config-schema.json"
schema = json.load(open(sys.argv[1] + "/config-schema.json"))
schema["id"] = schema["$id"] = base
cls = jsonschema.validators.validator_for(schema)
found = list(cls(schema, resolver=jsonschema.RefResolver(base, schema)).iter_errors(json.load(open(sys.argv[2]))))
for e in found:
    print("/".join(map(str, e.path)), e.message[:200])
sys.exit(bool(found))
PY
}

case_of() { # NAME OPTIONS...: a container that is made, looked at and removed
	local what=$1
	shift
	run rl create "$@" localhost/rl-busybox true
	if [ "$status" != 0 ]; then
		not_ok "$what" "$err"
		return
	fi
	check "$what" validate "$ROOT/containers/$out/config.json"
	run rl rm "$out"
}
case_of "plain"
case_of "terminal, limits" -it --memory 64m --memory-swap -1 --pids-limit 20 --cpu-shares 5 --ulimit nofile=10:20
case_of "shared namespaces" --network host --pid host --uts host --cgroupns host --cap-add all
case_of "privileged" --privileged
case_of "keep-id, mounts" --userns keep-id --read-only -v /usr:/a:ro --tmpfs /t:size=1m -v data:/d --annotation a=b \
	--sysctl net.ipv4.ip_forward=1 --oom-score-adj 5
leakcheck "nothing left"
finish
