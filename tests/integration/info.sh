#!/bin/bash
# shellcheck disable=SC2154 # status, out and err are set by run
# info.sh - rl info and rl version: true values, in the layouts that scripts ask for
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
cp "$(image alpine)" "$T/alpine.tar"

run rl version
expect "version" 0 "*Version: * [0-9]*.*OS/Arch:*linux/*" ''
version=$(rl --version)
run rl version --format '{{.Client.Version}} {{.Client.Os}}'
expect "the fields scripts ask for" 0 "${version##* } linux" ''
run rl version -f '{{.Server.Version}}'
expect "a server there is not, but its version" 0 "${version##* }" ''
run rl version -f '{{.Version}} {{.OsArch}} {{.Server.Platform.Name}} {{.Client.Context}}'
expect "without Client, and Docker's names" 0 "${version##* } linux/* rl default" ''
run rl info -f '{{.ServerVersion}} {{.Debug}} {{.IndexServerAddress}} {{.Runtimes.rl.Path}} {{.Store.TransientStore}} {{.Host.Linkmode}}'
expect "names of docker's info" 0 "${version##* } false https://* /*/rl false dynamic" ''
run rl info -f '{{gt .Store.GraphRootAllocated .Store.GraphRootUsed}} {{len .Warnings}} {{.Plugins.Authorization}}'
expect "room, and what is empty" 0 "true 0 <nil>" ''
run rl version --format json
if jq -e '.Client | .Version and .APIVersion and .OsArch and .Os' <<<"$out" >/dev/null; then ok "version --format json"; else not_ok "version --format json" "$out"; fi
run rl version --format '{{.Client.Colour}}'
expect_error "an unknown field" "*Colour*"
run rl version x
expect_error "words" "*"

rl load -q -i "$T/alpine.tar" >/dev/null
rl create --name one alpine >/dev/null
run rl info --format json
text=$out
is() { # NAME JQ VALUE
	local v
	v=$(jq -r "$2" <<<"$text")
	if [ "$v" = "$3" ]; then ok "info: $1"; else not_ok "info: $1" "$2 is '$v', wanted '$3'"; fi
}
is "kernel" .host.kernel "$(uname -r)"
is "host name" .host.hostname "$(uname -n)"
is "CPUs" .host.cpus "$(nproc --all)"
is "memory" .host.memTotal "$(($(sed -n 's/^MemTotal: *\([0-9]*\) kB/\1/p' /proc/meminfo) * 1024))"
is "cgroup version" .host.cgroupVersion "$([ -f /sys/fs/cgroup/cgroup.controllers ] && echo v2 || echo v1)"
is "0 is the caller" '.host.idMappings.uidmap[0].host_id' "$TEST_UID"
is "store" .store.graphRoot "$ROOT"
is "images" .store.imageStore.number 1
is "containers" '.store.containerStore | "\(.number) \(.stopped)"' '1 1'
is "distribution" .host.distribution.distribution "$(sed -n 's,^ID=,,p' /etc/os-release)"
is "rootless" .host.security.rootless true
is "seccomp" .host.security.seccompEnabled true
run rl info
expect "YAML" 0 "host:"$'\n'"  arch: *"$'\n'"store:*"$'\n'"version:*" ''
if /usr/bin/python3 -c 'import yaml' 2>/dev/null; then
	if /usr/bin/python3 -c 'import json, sys, yaml
a, b = yaml.safe_load(open(sys.argv[1])), json.load(sys.stdin)
for x in (a, b): [x["host"].pop(k) for k in ("memFree", "swapFree", "uptime")]
sys.exit(a != b)' "$T/out" <<<"$text"; then ok "the YAML is the JSON"; else not_ok "the YAML is the JSON" "$out"; fi
else
	skip "the YAML is the JSON" "needs python3-yaml"
fi
run rl info --security --format json
text=$out
is "user namespaces" .security.userNamespaces.available true
is "who forbids nested ones" .security.userNamespaces.nestedForbiddenBy sysctl
is "capabilities" '.security.capabilities | length' 11
is "masks" '.security.maskedPaths | index("/proc/kcore") != null' true
is "Landlock" '.security.landlock | .abi > 0 or (.why | length > 0)' true
is "seccomp" .security.seccomp.available true
run rl info --security
expect "--security alone" 0 "security:"$'\n'"*userNamespaces:*cgroup:*" ''
run rl system info -f '{{.ServerVersion}} {{.Driver}} {{.OSType}}'
expect "docker's names" 0 "${version##* } * linux" ''
run rl info -f '{{.CgroupVersion}} {{.LoggingDriver}} {{.SecurityOptions}} {{.Swarm.LocalNodeState}} {{.ContainersStopped}}'
expect "more of them" 0 "[12] k8s-file \[*name=seccomp*name=rootless*\] inactive 1" ''
run rl info -f '{{.Host.CgroupsVersion}} {{.Host.OCIRuntime.Path}} {{.Host.NetworkBackend}} {{.Host.RemoteSocket.Exists}} <{{.Host.Pasta.Executable}}{{.Host.DatabaseBackend}}{{.Host.Conmon.Path}}>'
expect "podman's names" 0 "v[12] $RL rl false <>" ''
run rl info -f '{{.Host.Nonsense}}'
expect_error "an unknown field" "*Nonsense*"
rl rm one >/dev/null
leakcheck "nothing is left"
finish
