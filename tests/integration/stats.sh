#!/bin/bash
# stats.sh - rl stats (without a cgroup; tests/vm has the other half) and rl port
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

command -v jq >/dev/null || skip_all "no jq"
archive=$(image alpine) || skip_all "no test image"
cp "$archive" "$T/alpine.tar"
run rl load -q -i "$T/alpine.tar"
[ $status = 0 ] || { not_ok "load the test image" "$err" && finish; }
img=docker.io/library/alpine

run rl stats --no-stream
expect "without containers" 0 "ID*NAME*CPU %*MEM USAGE / LIMIT*MEM %*NET IO*BLOCK IO*PIDS*CPU TIME*AVG CPU %" ""
run rl run -d --name idle --network host $img sleep 300
run rl run -d --name busy --network none $img sh -c 'while :; do :; done'
id=$out
run rl create --name never --network none $img true
sleep 1
run rl stats --no-stream busy
expect "the usual columns" 0 "ID*
${id:0:12}*busy*+([0-9.])%*[0-9]*B / *GB*%*0B / 0B*B / *B*1*s*%"
run rl stats --no-stream --format '{{.CPUPerc}} {{.AvgCPU}} {{.PIDs}} {{.MemUsage}} {{.Container}}' busy
cpu=${out%%.*}
[ "$cpu" -ge 5 ] && [ "$cpu" -le 110 ] && ok "a busy one is seen" || not_ok "a busy one is seen" "$out"
run rl stats --no-stream --format '{{.Name}} {{.NetIO}} {{.PIDS}}' idle
expect "the host's network is not its own" 0 "idle -- / -- 1"
run rl stats --no-stream --format '{{.MemUsageBytes}}' idle
expect "memory in binary units" 0 '*B / *iB'
run rl stats --no-stream --format json idle
[ "$(jq -r '.[0] | [.id, .name, .cpu_time, .cpu_percent, .avg_cpu, .mem_usage, .mem_percent, .net_io, .block_io, .pids] | map(type) | unique | join(" ")' <<<"$out")" = string ] &&
	[ "$(jq '.[0] | keys | length' <<<"$out")" = 10 ] && ok "keys and types of the JSON" || not_ok "keys and types of the JSON" "$out"
run rl stats --no-stream --no-trunc -a --format '{{.ID}} {{.Name}} {{.CPUPerc}}'
expect "all, whole ids" 0 "*$id busy *%*"
[[ $out == *"never --"* ]] && ok "one that does not run" || not_ok "one that does not run" "$out"
run rl container stats --no-stream --format '{{.Name}}' -l
expect "the newest" 0 "never"
TIME_LIMIT=3.5 run rl stats -i 1 --no-reset --format '{{.Name}} {{.CPUPerc}}' busy
[ "$(grep -c '^busy ' <<<"$out")" -ge 2 ] && ok "again and again" || not_ok "again and again" "$out"
run rl kill busy
TIME_LIMIT=5 run rl stats --format '{{.Name}} {{.CPUPerc}}' busy
expect "ends when all that were named have ended" 0 "busy --"
run rl stats --no-stream nobody
expect_error "an unknown one" "*nobody*"
run rl stats -a busy
expect_error "all and a name" "*--all*"
run rl stats -i 0
expect_error "no interval" "*--interval 0*"
run rl stats --no-stream --format '{{.Shoe}}' idle
expect "an unknown field" 125 "" "Error: *Shoe*"

# --- ports, as the record has them --------------------------------------------------------------
run rl port idle
expect "no ports" 0 "" ""
run rl port idle 80
expect_error "a port that is not published" "*no public port '80/tcp' published for 'idle'"
c=$ROOT/containers/$(rl inspect -f '{{.Id}}' never)
jq -c '.ports = [{host_ip:"",container_port:80,host_port:8080,range:1,protocol:"tcp"},
	{host_ip:"::1",container_port:53,host_port:5300,range:2,protocol:"udp"},
	{host_ip:"1.2.3.4",container_port:70000,host_port:1,range:1,protocol:"tcp"}, 7]' <"$c/state.json" >"$T/state" &&
	cat "$T/state" >"$c/state.json"
run rl port never
expect "all of one" 0 "80/tcp -> 0.0.0.0:8080
53/udp -> [[]::1]:5300
54/udp -> [[]::1]:5301" ""
run rl port never 80
expect "one of them" 0 "0.0.0.0:8080"
run rl port never 54/udp
expect "one of a range" 0 "[[]::1]:5301"
run rl port never 53
expect_error "of the other protocol" "*'53/tcp'*"
run rl container port -a
expect "of all" 0 "$(basename "$c" | cut -c1-12)	80/tcp -> 0.0.0.0:8080*"
run rl port -l 80/tcp
expect "of the newest" 0 "0.0.0.0:8080"
run rl ps -a -f name=never --format '{{.Ports}}'
expect "in ps" 0 "0.0.0.0:8080->80/tcp, [[]::1]:5300-5301->53-54/udp"
run rl inspect -f '{{(index (index .NetworkSettings.Ports "80/tcp") 0).HostPort}} {{json .HostConfig.PortBindings}}' never
expect "in inspect" 0 '8080 {*"54/udp":[[]{"HostIp":"::1","HostPort":"5301"}]*}'
run rl port never 80/shoe
expect_error "an unknown protocol" "*80/shoe*"
run rl port never http
expect_error "no number" "*'http'*"
run rl port
expect_error "no name" "*name of a container*"
run rl port never 80 81
expect_error "a word too many" "*'81'*"
run rl port nobody
expect_error "an unknown container" "*nobody*"
run rl rm -af -t 0
leakcheck "nothing is left"
finish
