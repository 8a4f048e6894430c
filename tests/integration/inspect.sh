#!/bin/bash
# inspect.sh - rl inspect: layout and values for containers, images, volumes; templates; wrong uses
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

command -v jq >/dev/null || skip_all "no jq"
archive=$(image alpine) || skip_all "no test image"
cp "$archive" "$T/alpine.tar"
run rl load -q -i "$T/alpine.tar"
[ $status = 0 ] || { not_ok "load the test image" "$err" && finish; }
img=docker.io/library/alpine

# get TEMPLATE [NAME]: the value
get() { run rl inspect -f "$1" "${2:-one}"; }
# is NAME TEMPLATE VALUE [OBJECT]
is() {
	get "$2" "${4:-one}"
	expect "$1" 0 "$3" ""
}

run rl run -d --name one -l k=v -l a.b=c --network none -e X=1 -v "$T/work:/src:ro" -v data:/data --tmpfs /t:size=1m \
	--cap-add NET_ADMIN --cap-drop chown --security-opt no-new-privileges -w /tmp -u 5:6 --hostname hh \
	--stop-signal INT --stop-timeout 3 --shm-size 1m --creds u:secretword --ulimit nofile=100:200 \
	--restart on-failure:3 --read-only --entrypoint '["sh","-c"]' $img 'exec sleep 300'
expect "a container to look at" 0
id=$out
run rl create --name two --network none -m 64m --memory-swap 96m --cpus 0.5 --pids-limit 50 --cpu-shares 512 \
	--cpuset-cpus 0 --privileged --init $img echo hi

# --- layout -------------------------------------------------------------------------------------
run rl inspect one
printf '%s' "$out" >"$T/one.json"
want='Id:string Created:string Path:string Args:array State:object Image:string ImageDigest:string ImageName:string
 Rootfs:string Pod:string ResolvConfPath:string HostnamePath:string HostsPath:string StaticDir:string
 OCIConfigPath:string OCIRuntime:string ConmonPidFile:string PidFile:string Name:string RestartCount:number
 Driver:string MountLabel:string ProcessLabel:string AppArmorProfile:string EffectiveCaps:array BoundingCaps:array
 ExecIDs:array GraphDriver:object Mounts:array Dependencies:array NetworkSettings:object Namespace:string
 IsInfra:boolean IsService:boolean KubeExitCodePropagation:string lockNumber:number Config:object HostConfig:object
 UseImageHosts:boolean UseImageHostname:boolean'
bad=''
for kt in $want; do
	[ "$(jq -r ".[0].${kt%:*} | type" "$T/one.json")" = "${kt#*:}" ] || bad+=" $kt"
done
[ -z "$bad" ] && ok "keys and types of a container" || not_ok "keys and types of a container" "$bad"
bad=''
for f in .Id .ID .Name .Image .ImageName .Created .Path .Args .Driver .RestartCount .Pod .State.Status .State.Running \
	.State.Pid .State.ExitCode .State.OOMKilled .State.StoppedByUser .State.Error .State.StartedAt .State.FinishedAt .State.Health.Status \
	.State.ConmonPid .Config.Image .Config.Env .Config.Cmd .Config.Entrypoint .Config.Labels .Config.User \
	.Config.WorkingDir .Config.Hostname .Config.ExposedPorts .Config.Healthcheck .Config.StopSignal .Config.Tty \
	.HostConfig.NanoCpus .HostConfig.Memory .HostConfig.MemorySwap .HostConfig.CpuShares .HostConfig.CpusetCpus \
	.HostConfig.PidsLimit .HostConfig.NetworkMode .HostConfig.RestartPolicy.Name .HostConfig.Binds \
	.HostConfig.PortBindings .HostConfig.Privileged .HostConfig.CapAdd .HostConfig.LogConfig.Type \
	.HostConfig.AutoRemove .HostConfig.ReadonlyRootfs .HostConfig.ShmSize .NetworkSettings.IPAddress \
	.NetworkSettings.Ports .NetworkSettings.Networks.none.IPAddress .NetworkSettings.SandboxKey .Mounts .LogPath \
	.GraphDriver.Data.MergedDir .GraphDriver.Data.UpperDir; do
	get "{{$f}}"
	[ $status = 0 ] || bad+=" $f"
done
[ -z "$bad" ] && ok "the fields that scripts ask for" || not_ok "the fields that scripts ask for" "$bad"
bad=''
for f in .Id .RepoTags .RepoDigests .Digest .Architecture .Os .Size .Config.Env .Config.Cmd .Config.Entrypoint \
	.Config.Labels .Config.ExposedPorts .RootFS.Layers .Created; do
	get "{{$f}}" $img
	[ $status = 0 ] || bad+=" $f"
done
[ -z "$bad" ] && ok "those of an image" || not_ok "those of an image" "$bad"

# --- values -------------------------------------------------------------------------------------
is "identity" '{{.Id}} {{.Name}} {{.Path}} {{json .Args}}' "$id one sh \[\"-c\",\"exec sleep 300\"\]"
is "entrypoint and command apart" '{{json .Config.Entrypoint}} {{json .Config.Cmd}}' '\["sh","-c"\] \["exec sleep 300"\]'
is "image" '{{.ImageName}} {{.Config.Image}}' "$img:latest $img:latest"
is "state" '{{.State.Status}} {{.State.Running}} {{.State.ExitCode}} {{.State.FinishedAt}}' \
	'running true 0 0001-01-01T00:00:00Z'
get '{{.State.Pid}} {{.State.ConmonPid}}'
read -r pid monitor <<<"$out"
[ "$(tr '\0' ' ' <"/proc/$pid/cmdline")" = "sleep 300 " ] && [ "$(awk '{ print $4 }' "/proc/$pid/stat")" = "$monitor" ] &&
	ok "pids" || not_ok "pids" "$out"
is "labels" '{{.Config.Labels.k}} {{index .Config.Labels "a.b"}} {{.Config.Labels.none}}{{index .Config.Labels "none"}}.' 'v c <no value>.'
is "user, folder, names" '{{.Config.User}} {{.Config.WorkingDir}} {{.Config.Hostname}} {{.Config.StopSignal}} {{.Config.StopTimeout}}' \
	'5:6 /tmp hh SIGINT 3'
is "environment" '{{range .Config.Env}}{{println .}}{{end}}' '*X=1*'
is "capabilities" '{{.HostConfig.CapAdd}} {{.HostConfig.CapDrop}} {{.EffectiveCaps}}' \
	'\[CAP_NET_ADMIN\] \[CAP_CHOWN\] \[CAP_NET_ADMIN\]'
is "binds" '{{json .HostConfig.Binds}}' "\[\"$T/work:/src:ro\",\"data:/data\"\]"
is "mounts" '{{range .Mounts}}{{.Type}} {{.Name}} {{.Source}} {{.Destination}} {{.RW}};{{end}}' \
	"bind  $T/work /src false;volume data $ROOT/volumes/data/_data /data true;"
is "tmpfs" '{{index .HostConfig.Tmpfs "/t"}}' '*size=1m*'
is "sizes and policies" '{{.HostConfig.ShmSize}} {{.HostConfig.RestartPolicy.Name}} {{.HostConfig.RestartPolicy.MaximumRetryCount}} {{.HostConfig.ReadonlyRootfs}} {{.HostConfig.AutoRemove}}' \
	'1048576 on-failure 3 true false'
is "rights" '{{.HostConfig.SecurityOpt}} {{.HostConfig.Privileged}} {{.Isolation.NoNewPrivileges}} {{.Isolation.Seccomp}}' \
	'\[no-new-privileges\] false true filter'
is "ulimits" '{{range .HostConfig.Ulimits}}{{.Name}}={{.Soft}}:{{.Hard}} {{end}}' '*RLIMIT_NOFILE=100:200*'
is "network" '{{.HostConfig.NetworkMode}} {{range $k, $v := .NetworkSettings.Networks}}{{$k}}{{end}}.{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' 'none none.'
get '{{json .Config.CreateCommand}}'
expect "the command line, without the password" 0 '*"--creds","[*][*][*]"*' ""
run rl inspect one
[[ $out == *secretword* ]] && not_ok "no secret anywhere" || ok "no secret anywhere"
is "limits" '{{.HostConfig.Memory}} {{.HostConfig.MemorySwap}} {{.HostConfig.NanoCpus}} {{.HostConfig.CpuQuota}} {{.HostConfig.CpuPeriod}} {{.HostConfig.PidsLimit}} {{.HostConfig.CpuShares}} {{.HostConfig.CpusetCpus}}' \
	'67108864 100663296 500000000 50000 100000 50 512 0' two
is "of a created one" '{{.State.Status}} {{.State.Pid}} {{.State.StartedAt}} {{.HostConfig.Privileged}} {{.HostConfig.Init}} {{json .Config.Entrypoint}}' \
	'created 0 0001-01-01T00:00:00Z true true null' two
get '{{.ResolvConfPath}} {{.HostsPath}} {{.OCIConfigPath}} {{.GraphDriver.Data.UpperDir}}'
bad=''
for f in $out; do [ -e "$f" ] || bad+=" $f"; done
[ -z "$bad" ] && ok "files that are there" || not_ok "files that are there" "$bad"
get '{{.GraphDriver.Data.MergedDir}}'
check "the merged tree" test -e "$out/etc/passwd"

# --- sizes --------------------------------------------------------------------------------------
run rl run --name three --network none $img sh -c 'head -c 100000 /dev/zero >/f; mkdir -m 700 /d; head -c 5000 /dev/zero >/d/g; chown -R 5 /d; exit 3'
expect "a container that writes" 3
run rl inspect -s -f '{{.SizeRw}} {{.SizeRootFs}} {{.State.ExitCode}} {{.State.Status}} {{.State.ConmonPid}}' three
read -r rw root code state monitor <<<"$out"
[ "$rw" -ge 105000 ] && [ "$rw" -lt 130000 ] && [ "$root" -gt $((rw + 1000000)) ] && [ "$code $state $monitor" = "3 exited 0" ] &&
	ok "sizes, subordinate owners too" || not_ok "sizes, subordinate owners too" "$out"
run rl inspect three
[[ $out != *SizeRw* ]] && ok "only when asked for" || not_ok "only when asked for"

# --- several, mixed, unknown --------------------------------------------------------------------
run rl inspect --format '{{.Name}}' one two
expect "several" 0 "one
two"
run rl inspect one $img data
[ "$(jq -r 'length, .[0].Name, .[1].Os, .[2].Mountpoint' <<<"$out" | tr '\n' ' ')" = "3 one linux $ROOT/volumes/data/_data " ] &&
	ok "container, image and volume in one" || not_ok "container, image and volume in one" "$out"
run rl inspect "${id:0:7}"
expect "by prefix" 0 "*$id*"
run rl inspect -l -f '{{.Name}}'
expect "the newest" 0 "three"
run rl inspect nosuch
expect "an unknown name" 125 "[[]]" "Error: no such object: \"nosuch\""
run rl inspect -f '{{.Name}}' one nosuch two
expect "an unknown one among others" 125 "one
two" "Error: *nosuch*"
run rl inspect -t volume one
expect "of another type" 125 "[[]]" "Error: *one*"
run rl inspect -t image $img -f '{{.Architecture}}'
expect "--type image" 0 "+([a-z0-9])"
run rl inspect --type shoe one
expect_error "an unknown type" "*\"shoe\"*"
run rl inspect
expect_error "nothing named" "*no names*"
run rl inspect -f '{{.Nosuch}}' one
expect "an unknown field" 125 "" "Error: *Nosuch*"
run rl inspect -f '{{.Name' one
expect "a broken template" 125 "" "Error: *"
for f in '{{if .State.Health}}y{{else}}n{{end}}{{.State.Health.Status}}' '{{with .State.Health}}{{.Log}}{{else}}n{{end}}' \
	'{{range .State.Health.Log}}x{{else}}n{{end}}' '{{if .Config.Healthcheck}}y{{else}}n{{end}}'; do
	is "no health check: $f" "$f" n
done
is "no health check as json" '{{json .State.Health}} {{.State.Health}}' 'null <nil>'
is "an empty list and a missing label" '{{len .Config.Entrypoint}} {{.Config.Entrypoint}} {{index .Config.Labels "none"}}.' '0 \[\] .' three
is "structs and lists" '{{range .Mounts}}{{if eq .Type "bind"}}{{.}}{{end}}{{end}} {{.HostConfig.RestartPolicy}}' \
	'{bind  */src *false rprivate} {on-failure 3}'
bad=''
for f in Platform Config.Shell NetworkSettings.SecondaryIPAddresses HostConfig.CgroupnsMode HostConfig.MaskedPaths \
	HostConfig.DeviceRequests HostConfig.StorageOpt State.Checkpointed; do
	get "{{.$f}}"
	[ $status = 0 ] || bad+=" $f"
done
for f in DockerVersion OsVersion Metadata.LastTagTime Config.Image HealthCheck; do
	get "{{.$f}}" $img
	[ $status = 0 ] || bad+=" $f"
done
[ -z "$bad" ] && ok "fields that are empty here" || not_ok "fields that are empty here" "$bad"
is "sysctls" '{{index .HostConfig.Sysctls "net.ipv4.ip_unprivileged_port_start"}} {{index .HostConfig.Sysctls "none"}}.' '0 .'
is "printf of a struct" '{{printf "%+v" .HostConfig.RestartPolicy}}' '{Name:on-failure MaximumRetryCount:3}'
run rl inspect --format '' one
expect "an empty format" 0 "[[]*\"Id\": \"$id\"*"
run rl inspect --format json one
expect "json as a word" 0 "[[]*\"Id\": \"$id\"*"
run rl container inspect -f '{{.Name}}' one
expect "container inspect" 0 one
run rl container inspect $img
expect "which knows no image" 125 "[[]]" "Error: *"
run rl volume inspect -f '{{.Name}} {{.Driver}} {{.Scope}}' data
expect "volume inspect" 0 "data local local"
run rl volume inspect --all
[ "$(jq -r '.[].Name' <<<"$out")" = data ] && ok "volume inspect --all" || not_ok "volume inspect --all" "$out"
run rl volume inspect nosuch
expect "an unknown volume" 125 "[[]]" "Error: *nosuch*"

# a damaged record is told, and hides nobody
echo '{' >"$ROOT/containers/$(rl inspect -f '{{.Id}}' three)/state.json"
run rl inspect -f '{{.Name}}' "$(cd "$ROOT/containers" && grep -L version ./*/state.json | cut -d/ -f2)" one
expect "a damaged record" 125 one "Error: *damaged*"

run rl rm -af -t 0
run rl volume rm data
leakcheck "nothing is left"
finish
