#!/bin/bash
# limits.sh - limits where there is no cgroup: what comes near them holds, and each is named once
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
img=localhost/rl-busybox
rl run --rm --network none --pids-limit 9 "$img" true 2>"$T/place"
grep -q approximate "$T/place" || skip_all "limits have a cgroup here: tests/vm/run tries those"
q() { run rl run --rm --network none "$@"; }

q --cpus 1 "$img" grep -c . /proc/self/status
expect "--cpus runs" 0 '+([0-9])' '*--cpus is approximate (1 whole processor by affinity*'
q --cpus 0.5 "$img" sh -c 'sed -n "s/^Cpus_allowed_list:[^0-9]*//p" /proc/self/status'
expect "--cpus 0.5: one processor" 0 '+([0-9])'
q --cpuset-cpus 0 "$img" sh -c 'sed -n "s/^Cpus_allowed_list:[^0-9]*//p" /proc/self/status'
expect "--cpuset-cpus" 0 0 '*--cpuset-cpus is approximate*'
q --cpuset-cpus 9999 "$img" true
expect_error "--cpuset-cpus: a processor that is not there" "*--cpuset-cpus 9999*"
q --pids-limit 12 "$img" sh -c 'i=0; while [ $i -lt 30 ] && (sleep 3 & ) 2>/dev/null; do i=$((i+1)); done; echo made $i; kill -9 -1' 2>&1
[[ "$err" == *"can't fork"* || "$out" != *"made 30"* ]] && ok "--pids-limit: forks fail above it" || not_ok "--pids-limit" "$out" "$err"
[[ "$err" == *"--pids-limit is approximate (so many for each user in it"* ]] && ok "--pids-limit is named" || not_ok "--pids-limit is named" "$err"
q "$img" sh -c 'ulimit -u'
expect "the default limit of processes holds as well, without a word" 0 '+([0-9])' ''
[ "$out" -le 2048 ] && ok "it is 2048 at most" || not_ok "it is 2048 at most" "$out"
q --pids-limit -1 "$img" sh -c 'ulimit -u'
[ "$out" != 2048 ] && ok "--pids-limit -1: none" || not_ok "--pids-limit -1" "$out"
q --ulimit nproc=20:30 "$img" sh -c 'ulimit -u; ulimit -Hu'
expect "--ulimit nproc below it" 0 $'20\n30'
q --memory 32m --memory-swap 32m "$img" dd if=/dev/zero of=/dev/null bs=300M count=300
expect "too much memory: 137, with a line that names who" 137 '' '*ran out of memory: limit 32.0 MiB, peak * MiB, most of it had dd (*'
[[ "$err" == *"--memory is approximate"* && "$err" == *"--memory-swap has no effect"* ]] && ok "both are named" || not_ok "both are named" "$err"
[ "$(grep -c '^Warning: --memory ' "$T/err")" = 1 ] && ok "each once" || not_ok "each once" "$err"
# what a container mounts over its /proc neither hides memory nor stops its monitor
q --cap-add SYS_ADMIN --memory 32m "$img" sh -c 'mkfifo /f; mount --bind /f /proc/1/statm || exit 1; dd if=/dev/zero of=/dev/null bs=300M count=300'
expect "a pipe over a file of /proc" 137 '' '*ran out of memory: limit 32.0 MiB*'
q --memory 64m "$img" dd if=/dev/zero of=/dev/null bs=8M count=20
expect "enough memory" 0
q --cpu-shares 512 --memory-reservation 16m "$img" true
expect "what has nothing near it has no effect, and says so" 0 '' '*--cpu-shares has no effect*'
q --oom-kill-disable --memory-swappiness 10 "$img" true
expect "what cgroup v2 does not have" 0 '' "*'--memory-swappiness' has no effect*'--oom-kill-disable' has no effect*"
# scores, and limits of the caller that cannot be raised (F13)
low() { as_user sh -c 'echo 300 >/proc/self/oom_score_adj; exec "$@"' sh "$RL" "$@"; }
run low run --rm --network none --oom-score-adj 400 "$img" cat /proc/self/oom_score_adj
expect "--oom-score-adj" 0 400 ''
run low run --rm --network none --oom-score-adj 200 "$img" cat /proc/self/oom_score_adj
expect "--oom-score-adj below one's own" 0 '+([0-9])' "*'--oom-score-adj 200' has no effect: your own is 300*"
run low run --rm --network none --oom-score-adj -500 "$img" cat /proc/self/oom_score_adj
expect "--oom-score-adj below 0" 0 300 "*'--oom-score-adj -500' has no effect: your own is 300*"
run low run --rm --network none --strict-limits --oom-score-adj 200 "$img" true
expect_error "--oom-score-adj below one's own, strict" "*only root goes below*"
poor() { as_user prlimit --nofile=200:200 --core=0:0 --memlock=65536:65536 "$RL" "$@"; }
run poor run --rm --network none "$img" sh -c 'ulimit -n; ulimit -Hn'
expect "a caller with few descriptors" 0 $'200\n200' ''
run poor run --rm --network none --ulimit nofile=1000:2000 "$img" sh -c 'ulimit -n'
expect "and who asks for more gets what there is, and is told" 0 200 '*above your own hard limit*'
for flag in '--cpus 1' '--memory 64m' '--pids-limit 20' '--cpu-shares 512'; do
	# shellcheck disable=SC2086 # two words
	q --strict-limits $flag "$img" true
	expect_error "--strict-limits $flag" "*${flag% *}*"
done
as_user mkdir -p "$T/home/.config/rl"
echo '[limits]
strict = true' >"$T/home/.config/rl/rl.conf"
q --memory 64m "$img" true
expect_error "rl.conf: strict" "*a limit cannot be applied: --memory*"
q "$img" true
expect "rl.conf: without limits it does not matter" 0
echo '[limits]
strct = true' >"$T/home/.config/rl/rl.conf"
q --memory 64m "$img" true
expect_error "rl.conf: a mistake" "*rl.conf line 2*strct*"
rm "$T/home/.config/rl/rl.conf"

run rl run -d --name live --network none --memory 200m --cpus 1 --pids-limit 30 "$img" sleep 1000
run rl inspect -f '{{json .Isolation.LimitsApproximate}}{{json .Isolation.LimitsInForce}}' live
expect "inspect: what is approximate" 0 '\["--cpus 1","--memory 209715200","--pids-limit 30"\]\[\]'
run rl stats --no-stream --format '{{.MemUsage}}' live
expect "stats: the watched limit" 0 '* / 209.7MB'
run rl exec live sh -c 'ulimit -u; sed -n "s/^Cpus_allowed_list:[^0-9]*//p" /proc/self/status'
expect "exec: the same" 0 $'30\n+([0-9])'
run rl update --pids-limit 25 --memory 48m live
expect "update: while it runs" 0 '*' '*its limits are approximate*'
run rl exec live sh -c 'ulimit -u'
expect "update: fewer processes" 0 25
run rl update --memory 600k live
expect_error "update: memory in use is not taken away" "*below what the container uses now*"
run rl update --pids-limit 26 live
expect_error "update: but not more" "*can only be lowered*25*"
run rl update --cpu-shares 2 live
expect_error "update: nor what has nothing near it" "*'--cpu-shares' cannot be changed now*"
run rl exec live dd if=/dev/zero of=/dev/null bs=300M count=300
[ "$status" = 137 ] && ok "exec: too much for the new limit" || not_ok "exec: too much" "$status $out" "$err"
run rl wait live
expect "which ends the container" 0 137
run rl inspect -f '{{.State.OOMKilled}} {{.State.ExitCode}}' live
expect "State.OOMKilled" 0 'true 137'
rl rm -f live >/dev/null
# again and again: the limit holds for each run of a container that is restarted
rl run -d --name hungry --network none --memory 32m --restart on-failure:1 "$img" dd if=/dev/zero of=/dev/null bs=300M count=300 >/dev/null 2>&1
for ((i = 0; i < 100; i++)); do
	run rl ps -a --format '{{.State}} {{.Restarts}}'
	[ "$out" = "exited 1" ] && break
	read -rt 0.1 <> <(:)
done
expect "restart: watched anew" 0 'exited 1'
run rl inspect -f '{{.State.OOMKilled}}' hungry
expect "restart: and ended anew" 0 true
rl rm -f hungry >/dev/null
leakcheck "nothing is left"
finish
