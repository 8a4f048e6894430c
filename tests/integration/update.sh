#!/bin/bash
# update.sh - `rl update`: records, wrong values, policy (what it does to the kernel: tests/vm)
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

IMAGE=localhost/rl-busybox
record() { # NAME FILTER: of state.json
	jq -c "$2" "$ROOT/containers/$(rl ps -aq --no-trunc -f "name=^$1\$")/state.json"
}
limits() { record "$1" '.limits | [.cpu_quota_us, .memory_max, .memory_swap_max, .pids_max]'; }
says() { # NAME TEXT WANTED
	if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1" "$2" "wanted $3" "$err"; fi
}
run rl create --name one --memory 64m "$IMAGE" env
id=$out
says "as created" "$(limits one)" '[0,67108864,67108864,2048]'
run rl update --cpus 0.5 --memory 128m --pids-limit 100 one
expect "update prints the id" 0 "$id" ''
says "limits are recorded" "$(limits one)" '[50000,134217728,134217728,100]'
run rl update --memory-swap 200m one
says "swap alone, against the memory that is recorded" "$(limits one)" '[50000,134217728,75497472,100]'
run rl update --pids-limit -1 --memory-swap -1 one
says "no limit" "$(limits one)" '[50000,134217728,-1,0]'
run rl update --cpu-quota -1 --cpu-shares 512 one
says "nor of the CPU" "$(limits one)" '[0,134217728,-1,0]'
says "weight" "$(record one .limits.cpu_weight)" 20
run rl container update --restart on-failure:3 one
says "policy" "$(record one .restart)" '"on-failure:3"'
says "what was asked for, each once" "$(record one '.limit_flags | map(split(" ")[0]) | sort')" \
	'["--cpu-shares","--memory","--memory-swap"]'
run rl update --cpus 0.5 --memory 128m --memory-reservation 64m --pids-limit 100 one
run rl update --cpus 0 --memory -1 --memory-reservation -1 --pids-limit -1 one
expect "back to no limit" 0 "$id" ''
says "no limit at all" "$(limits one)" '[0,0,0,0]'
says "which asks for nothing" "$(record one .limit_flags)" '["--cpu-shares 512"]'
says "of the spec, too" "$(jq -c '.linux.resources | [.cpu.quota, .memory, .pids]' "$ROOT/containers/$id/config.json")" \
	'[null,null,null]'
run rl update --memory 128m --memory-swap -1 one
run rl update --memory 0 one
says "0 is no limit either" "$(limits one)" '[0,0,0,0]'
run rl update --memory 128m one
run rl update -e A=1 -e HOME=/else one
run rl start -a one
expect "environment of the next start" 0 '*HOME=/else*A=1*'
run rl update --unsetenv A one
run rl start -a one
expect "and without it" 0 '!(*A=1*)'
run rl update --latest --cpus 1
expect "--latest" 0 "$id"

before=$(limits one)
for w in '--memory 1k|*below 512 KiB*' '--memory x|*' '--memory-swap 1m|*below*' '--memory-reservation 1g|*above*' \
	'--cpus 999|*' '--cpus -2|*not a number*' '--memory -2|*not a number*' '--memory -1 --memory-swap 1g|*needs*' \
	'--cpus 0 --cpu-quota 5000|*exclude*' '--pids-limit x|*not a number*' '--restart sometimes|*not a restart policy*' \
	'--cpu-shares 1|*between 2 and*' '--cpuset-cpus a|*not a list*' '--cpu-period 7|*between*' '--env =x|*NAME=VALUE*' \
	'--blkio-weight 9|*from 10 to 1000*' '--device-read-bps /dev/null:1m|*not a block device*' \
	'--device-write-iops x|*not PATH:VALUE*' '--memory-swappiness 101|*from 0 to 100*' '|*nothing to update*'; do
	# shellcheck disable=SC2086 # two words
	run rl update ${w%%|*} one
	expect_error "refused: ${w%%|*}" "${w#*|}"
done
says "nothing of it is recorded" "$(limits one)" "$before"
run rl update --memory 256m --cpus 999 one
says "nor the good half of a bad request" "$(limits one)" "$before"
run rl update --cpus 1 nobody
expect_error "an unknown container" "*nobody*"
run rl update --cpus 1
expect_error "none" "*"
# several at once change one container: each change is there in the end
rl update --memory 100m "$id" >/dev/null &
rl update --pids-limit 77 "$id" >/dev/null &
rl update --restart always "$id" >/dev/null &
rl rename one two &
wait
says "four changes at once" "$(limits two)$(record two .restart)" '[100000,104857600,104857600,77]"always"'
chmod 555 "$ROOT/containers/$id" 2>/dev/null
run rl update --memory 300m two
[ $status = 125 ] && ok "a folder that cannot be written is an error" || not_ok "read-only folder" "$status $err"
chmod 700 "$ROOT/containers/$id"
says "and leaves the old record" "$(limits two)" '[100000,104857600,104857600,77]'
run rl run -d --network none --name live "$IMAGE" sleep 100
run rl update --restart unless-stopped live
expect "policy of a running container" 0
says "is recorded" "$(record live .restart)" '"unless-stopped"'
# --- limits of processes and the health check of what runs ------------------------------------------------
run rl update --ulimit nofile=500:600 --ulimit fsize=1000000 live
expect "ulimits of a running container" 0 "$(rl ps -q --no-trunc -f name=live)" ""
run rl exec live sh -c 'ulimit -n; ulimit -Hn; ulimit -f; grep "open files" /proc/1/limits'
expect "its first process has them, and an exec" 0 $'500\n600\n*\nMax open files*500*600*'
run rl update --ulimit nofile=700:800 live
expect_error "a hard limit that would have to be raised" "*'--ulimit nofile=700:800' is above the hard limit of what runs, 600*Hint:*"
run rl update --ulimit host live
expect_error "host" "*'--ulimit host'*"
run rl update --ulimit nofile live
expect_error "no value" "*name=soft*"
run rl inspect -f '{{range .HostConfig.Ulimits}}{{.Name}}={{.Soft}}:{{.Hard}} {{end}}' live
expect "on record" 0 "*RLIMIT_NOFILE=500:600 *RLIMIT_FSIZE=1000000:1000000 *"
run rl restart -t 0 live
run rl exec live sh -c 'ulimit -n'
expect "and after a restart" 0 500
run rl update --health-interval 5s live
expect_error "health options without a check" "*'live' has no health check*--health-cmd*"
run rl update --health-cmd 'test -e /tmp/well' --health-interval 100ms --health-retries 1 live
expect "a health check for what runs" 0
health() { # WANTED
	local i s
	for ((i = 0; i < 100; i++)); do
		s=$(rl inspect -f '{{.State.Health.Status}}' live)
		[ "$s" = "$1" ] && break || sleep 0.1
	done
	says "its health: $1" "$s" "$1"
}
health unhealthy
run rl exec live touch /tmp/well
health healthy
run rl update --health-cmd false live
health unhealthy
run rl update --health-interval x live
expect_error "no time" "*--health-interval x*"
run rl update --health-cmd 'touch /tmp/looks; while [ ! -e /tmp/enough ]; do sleep 0.1; done; touch /tmp/seen' live
for ((i = 0; i < 100; i++)); do rl exec live test -e /tmp/looks && break || sleep 0.1; done
rl healthcheck run live >/dev/null 2>&1 &
asker=$!
run rl update --no-healthcheck live
expect "none any more, while one is under way" 0
run rl exec live touch /tmp/enough
for ((i = 0; i < 100; i++)); do rl exec live test -e /tmp/seen && break || sleep 0.1; done
for ((i = 0; i < 100; i++)); do kill -0 $asker 2>/dev/null || break; sleep 0.1; done
kill $asker 2>/dev/null && not_ok "who asked for it waits for ever" || ok "who asked for it is not left waiting"
says "its end is for nobody" "$(ls "$ROOT"/containers/*/health.json 2>/dev/null)" ""
says "and the container lives" "$(rl inspect -f '{{.State.Running}}' live)" true
run rl healthcheck run live
expect_error "it has none" "*no health check*"
says "on record" "$(record live .health)" null
run rl update --health-cmd true --health-interval 100ms two
run rl start two
for ((i = 0; i < 100; i++)); do [ "$(rl inspect -f '{{.State.Health.Status}}' two)" != '' ] && break || sleep 0.1; done
says "a check for the next start" "$(record two .health.Test)" '["CMD-SHELL","true"]'
run rl update --restart no live
run rl rm -fa -t 0
expect "remove them" 0
leakcheck "nothing is left"
finish
