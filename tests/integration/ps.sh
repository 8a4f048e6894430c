#!/bin/bash
# ps.sh - rl ps: columns, order, filters, templates, JSON, sizes, namespaces, wrong uses
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

command -v jq >/dev/null || skip_all "no jq"
archive=$(image alpine) || skip_all "no test image"
cp "$archive" "$T/alpine.tar"
run rl load -q -i "$T/alpine.tar"
[ $status = 0 ] || { not_ok "load the test image" "$err" && finish; }
img=docker.io/library/alpine

run rl ps
expect "without containers" 0 "CONTAINER ID*IMAGE*COMMAND*CREATED*STATUS*PORTS*NAMES" ""
run rl ps --format json
expect "no rows as json" 0 "[[]]" ""
run rl run -d --name a -l k=v --network none --restart always -v "$T/work:/src:ro" -v data:/data --tmpfs /t $img sleep 300
id=$out
run rl run --name b --network none $img sh -c 'head -c 3000 /dev/zero >/x; exit 3'
run rl create --name c --network none $img ls -l

names() { run rl ps --format '{{.Names}}' "$@" && out=${out//$'\n'/ }; }
is() { # NAME WANTED [PS-OPTION...]
	local what=$1 want=$2
	shift 2
	names "$@"
	expect "$what" 0 "$want" ""
}

# --- which, and in which order ------------------------------------------------------------------
is "those that run" "a"
is "all, newest first" "c b a" -a
is "the two newest" "c b" -n 2
is "the newest" "c" --latest
is "by name" "a b c" -a --sort names
is "by time" "a b c" -a --sort created
is "by size" "a c b" -a --sort size
is "by state" "c b a" -a --sort status
is "by command" "c b a" -a --sort command
run rl ps --sort shoe
expect_error "by what is not there" "*'shoe'*names*"
while read -r filter want; do
	is "filter $filter" "$want" -a -f "$filter"
done <<-END
	id=${id:0:9} a
	id=^${id:0:9} a
	id=^x
	name=^/b$ b
	name=^b$ b
	label=k a
	label=k=v a
	label!=k c b
	exited=3 b
	status=created c
	status=stopped b
	ancestor=$img:latest c b a
	before=b a
	since=b c
	network=none c b a
	network=host
	volume=data a
	volume=/src a
	volume=$T/work a
	volume=nope
	health=none c b a
	restart-policy=always a
	restart-policy=no c b
	should-start-on-boot=true a
	should-start-on-boot=false c b
	command=ls c
	command=sleep a
	until=1h
	pod=x
END
run rl create --name ported -p 18080:80 -p 18090-18092:190-192/udp --expose 7 $img
while read -r filter want; do
	is "Docker's filter $filter" "$want" -a -f "$filter"
done <<-END
	publish=80 ported
	publish=18080/tcp ported
	publish=80/udp
	publish=18091/udp ported
	expose=80 ported
	expose=1-100 ported
	expose=18080
END
run rl ps -f publish=web
expect_error "a port that is none" "*'web' is no port*"
rl rm ported >/dev/null
is "two of one key" "b a" -a -f name=a -f name=b
is "two keys" "a" -a -f name=a -f status=running
run rl ps -f health=bad
expect_error "a value that cannot be" "*health*'bad'*"
run rl ps -f restart-policy=sometimes
expect_error "a policy that is not there" "*'sometimes'*"
run rl ps -f shoe=1
expect_error "a key that is not there" "*'shoe=1'*"

# --- how ----------------------------------------------------------------------------------------
run rl ps -a
expect "the usual columns" 0 "*
+([0-9a-f])*$img*ls -l*Created*c
+([0-9a-f])*sh -c head -c 300...*Exited (3) *ago*b
${id:0:12}*sleep 300*Up *a"
run rl ps --noheading -q --no-trunc
expect "ids" 0 "$id"
run rl ps -as --noheading
expect "sizes" 0 "*c*0B (virtual *MB)*b*3kB (virtual *MB)*a*0B (virtual *MB)"
run rl ps -ap
expect "pods" 0 "*NAMES*POD ID*PODNAME*"
run rl ps --ns
pid=$(rl inspect -f '{{.State.Pid}}' a)
net=$(readlink "/proc/$pid/ns/net") user=$(readlink "/proc/$pid/ns/user")
net=${net//[!0-9]/} user=${user//[!0-9]/}
expect "namespaces" 0 "CONTAINER ID  NAMES*PID*CGROUPNS*IPC*MNT*NET*PIDNS*USERNS*UTS
${id:0:12}*a*$pid*$net*$user*" ""
run rl ps --format 'table {{.ID}}\t{{.Names}}\t{{.RunningFor}}'
expect "a table" 0 "CONTAINER ID*NAMES*CREATED
${id:0:12}*a*ago"
run rl ps --noheading --format 'table {{.Names}}\t{{.Label "k"}}'
expect "a table without its head" 0 "a +( )v"
run rl ps --format '{{.ID}}|{{.Label "k"}}|{{.Label "x"}}|{{.Labels.k}}|{{.State}}|{{.Mounts}}|{{.Restarts}}|{{.Pid}}|{{.Networks}}|{{.Ports}}'
expect "fields" 0 "${id:0:12}|v||v|running|\[/src /data /t\]|0|$pid||"
run rl ps -a --format '{{.Size}}'
expect "a size that is asked for by a template" 0 "0B (virtual *"
for f in '' table 'table '; do
	run rl ps --format "$f"
	expect "--format '$f' is the usual table" 0 "CONTAINER ID*IMAGE*NAMES
${id:0:12}*a"
done
run rl ps --format 'table {{.Names}} {{upper .State}} {{.Label "k"}}'
expect "blanks are columns where there is no tab" 0 "NAMES  STATE    k
a      RUNNING  v"
run rl ps --format '{{.CGROUPNS}}|{{.Namespaces.Net}}|{{.NET}}|{{.LocalVolumes}}|{{.ImageID}}|{{.Label "none"}}|{{.Labels.none}}'
expect "more fields" 0 "+([0-9])|$net|$net|1|????????????||<no value>"
run rl create --name p -p 127.0.0.1:18999-19001:80-82 -p 5353:53/udp $img
run rl inspect -f '{{json .Config.ExposedPorts}}' p
expect "published ports are exposed" 0 '{"53/udp":{},"80/tcp":{},"81/tcp":{},"82/tcp":{}}'
run rl rm p
run rl ps --format '{{.Shoe}}'
expect "an unknown field" 125 "" "Error: *Shoe*"
run rl ps -as --format json
want='AutoRemove:boolean Command:array CreatedAt:string CIDFile:string Exited:boolean ExitedAt:number ExitCode:number
 Id:string Image:string ImageID:string IsInfra:boolean Mounts:array Names:array Namespaces:object Networks:array
 Pid:number Pod:string PodName:string Restarts:number StartedAt:number State:string Status:string Created:number
 Labels:object Size:object ExposedPorts:null Ports:null'
bad=''
for kt in $want; do
	[ "$(jq -r ".[2].${kt%:*} | type" <<<"$out")" = "${kt#*:}" ] || bad+=" $kt"
done
[ "$(jq '.[2] | keys | length' <<<"$out")" = "$(wc -w <<<"$want")" ] || bad+=" other keys: $(jq -c '.[2] | keys' <<<"$out")"
[ -z "$bad" ] && ok "keys and types of the JSON" || not_ok "keys and types of the JSON" "$bad"
[ "$(jq -c '[.[1] | .ExitCode, .Exited, .State, .Names[0], .Size.rwSize, .Labels] ' <<<"$out")" = '[3,true,"exited","b",3000,null]' ] &&
	[ "$(jq -c '[.[0] | .StartedAt, .ExitedAt, .State]' <<<"$out")" = '[-62135596800,-62135596800,"created"]' ] &&
	ok "values of the JSON" || not_ok "values of the JSON" "$out"
run rl ps --ns --format json
[ "$(jq -r '.[0].Namespaces.Net' <<<"$out")" = "$net" ] && ok "namespaces in the JSON" || not_ok "namespaces in the JSON" "$out"
run rl ps --external --sync -q
expect "flags of other engines" 0 "${id:0:12}"
run rl ps -s --ns
expect_error "sizes and namespaces" "*--size*--ns*"
run rl ps -q -s
expect_error "ids and sizes" "*--quiet*"
run rl ps -l -n 3
expect_error "two ways to say how many" "*--last*--latest*"
TIME_LIMIT=2.5 run rl ps --watch 1 -q
[ "$(grep -c "^${id:0:12}$" <<<"$out")" -ge 2 ] && ok "again and again" || not_ok "again and again" "$out"

# --- health, and damage -------------------------------------------------------------------------
run rl run -d --name h --network none --health-cmd true --health-interval 1s $img sleep 300
for _ in $(seq 40); do
	run rl ps -f name=h -f health=healthy --format '{{.Status}}'
	[ -n "$out" ] && break
	sleep 0.1
done
expect "health" 0 "Up * (healthy)"
run rl container ls -f health=starting -q
expect "container ls" 0 ""
echo '{' >"$ROOT/containers/$id/state.json"
run rl ps -a --format '{{.Names}}'
expect "a damaged record hides no other" 0 "h
c
b" "Warning: *${id:0:12}*"
run rl rm -af -t 0
run rl volume rm data
leakcheck "nothing is left"
finish
