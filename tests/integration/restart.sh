#!/bin/bash
# restart.sh - restart policies, the restart command, --timeout, pause where it cannot be, SIGTERM
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

archive=$(image alpine) || skip_all "no test image"
cp "$archive" "$T/alpine.tar"
run rl load -q -i "$T/alpine.tar"
[ $status = 0 ] || { not_ok "load the test image" "$err" && finish; }
img=docker.io/library/alpine
d() { run rl run -d --network none "$@"; }
state() { rl ps -a --filter "name=^$1\$" --format "${2:-{{.State\}\}}"; }
until_state() { # NAME STATE: at most 5 s
	for _ in $(seq 100); do
		[ "$(state "$1")" = "$2" ] && return 0
		sleep 0.05
	done
	return 1
}
lines() { rl logs "$1" 2>/dev/null | wc -l; }
until_lines() { # NAME N: at most 5 s
	for _ in $(seq 100); do
		[ "$(lines "$1")" -ge "$2" ] && return 0
		sleep 0.05
	done
	return 1
}
record() { # NAME KEY: of its last end
	rl ps -a --no-trunc -q --filter "name=^$1\$" | while read -r id; do jq -r ".$2" "$ROOT/containers/$id/exit.json"; done
}

# --- policies -----------------------------------------------------------------------------------
run rl run --name two --network none --restart on-failure:2 $img sh -c 'echo run; exit 3'
expect "a foreground run ends with the first end" 3 "run"
until_lines two 3 && until_state two exited && ok "on-failure:2 starts it twice more" ||
	not_ok "on-failure:2 starts it twice more" "$(lines two) $(state two)"
[ "$(record two restarts)" = 2 ] && ok "the count is on record" || not_ok "the count is on record" "$(record two restarts)"
run rl wait two
expect "wait for it" 0 3
run rl start two
expect "start counts anew" 0 two
until_lines two 6 && until_state two exited && ok "another three runs" || not_ok "another three runs" "$(lines two)"
d --name good --restart on-failure $img true
until_state good exited && [ "$(record good restarts)" = 0 ] && ok "on-failure leaves success alone" ||
	not_ok "on-failure leaves success alone" "$(state good)"
d --name loop --restart always $img sh -c 'echo run'
until_lines loop 3 && ok "always starts it again after success" || not_ok "always" "$(lines loop)"
until_state loop restarting && ok "between two runs it is restarting" || not_ok "restarting" "$(state loop)"
run rl ps --format '{{.Names}} {{.Status}}'
expect "ps lists it" 0 "*loop Restarting (0)*ago*"
run rl rm loop
expect "rm of a restarting one is refused" 2 "" "Error: *restarting*"
for cmd in 'cp loop:/etc/passwd -' 'export -o x.tar loop'; do
	for _ in $(seq 20); do # a run that gets in between is seen as one
		until_state loop restarting
		# shellcheck disable=SC2086 # words
		run rl $cmd
		[ $status != 125 ] || break
	done
	expect_error "no ${cmd%% *} in the pause" "*'loop' is between two runs*"
done
run rl wait loop
expect "wait returns at each end" 0 0
SECONDS=0
run rl stop loop
expect "stop in the pause" 0 loop ""
[ $SECONDS -lt 30 ] && until_state loop exited && ok "works at once" || not_ok "works at once" "$SECONDS s, $(state loop)"
[ "$(record loop by_user)" = true ] && ok "the record says who" || not_ok "the record says who"
n=$(lines loop)
sleep 0.5
[ "$(lines loop)" = "$n" ] && ok "it stays ended" || not_ok "it stays ended" "$(lines loop)"
run rl start loop
until_lines loop $((n + 2))
run rl rm -f loop
expect "rm -f of a restarting one" 0 loop
d --name orphan --restart always $img sh -c 'exit 4'
until_state orphan restarting
kill -KILL "$(monitor_of orphan)"
until_state orphan exited && ok "one whose monitor is killed in the pause has ended" || not_ok "killed in the pause" "$(state orphan)"
run rl wait orphan
expect "with the code of its last run" 0 4
[ -z "$(ls -A "$T/run/rl/ctr")" ] && ok "its socket is gone" || not_ok "its socket is gone" "$(ls "$T/run/rl/ctr")"
run rl rm orphan
d --name killed --restart unless-stopped $img sleep 60
run rl kill killed
until_state killed exited && ok "kill ends it for good" || not_ok "kill ends it for good" "$(state killed)"
d --rm --name gone --restart on-failure:1 -v "$T/work:/w" $img sh -c 'echo run >>/w/runs; exit 1'
until_state gone "" && [ "$(wc -l <"$T/work/runs")" = 2 ] && ok "--rm removes it after the last run" || not_ok "--rm" "$(state gone)"
d --name dead --restart always $img sleep 60
run rl run --name never --network none --restart always $img /no/such/command
expect "a first start that fails is not repeated" 127 "" "Error: *"
run rl ps -aq --filter name=never
expect "and leaves nothing" 0 ""
pid=$(rl ps --filter name=dead --format '{{.Pid}}')
kill -KILL "$pid"
again() { [ "$(state dead)" = running ] && [ "$(rl ps --filter name=dead --format '{{.Pid}}')" != "$pid" ]; }
soon again && ok "one that is killed from outside is started again" || not_ok "started again" "$(state dead)"
run rl rm -f -t 0 dead two good killed
run rl run --rm --restart always $img true
expect_error "--rm with always" "*--rm*--restart always*"
run rl run --restart sometimes $img true
expect_error "an unknown policy" "*'sometimes'*"
run rl run --restart always:3 $img true
expect_error "always takes no number" "*'always:3'*"

# --- the command --------------------------------------------------------------------------------
d --name cmd --init $img sh -c 'echo up; exec sleep 60'
until_lines cmd 1
run rl restart -t 2 cmd
expect "restart of a running one" 0 cmd ""
until_lines cmd 2 && until_state cmd running && ok "runs again" || not_ok "runs again" "$(lines cmd)"
run rl stop cmd
run rl restart cmd
expect "restart of an ended one" 0 cmd
until_lines cmd 3 && ok "runs as well" || not_ok "runs as well" "$(lines cmd)"
run rl container restart --running --time 0
expect "restart --running, by its long name" 0 "+([0-9a-f])"
run rl restart -l -t 0
expect "restart --latest" 0 "+([0-9a-f])"
run rl restart nobody
expect_error "restart of an unknown one" "*nobody*"
# each handler of TERM waits until all three have the signal: in turn that would never be
chmod 777 "$T/work"
for n in 1 2 3; do
	d --name "par$n" -v "$T/work:/w" $img sh -c "trap 'touch /w/term$n; until [ -e /w/term1 -a -e /w/term2 -a -e /w/term3 ]; do sleep 0.1; done; exit 4' TERM; echo up; while :; do sleep 0.1; done"
	until_lines par$n 1
done
run rl restart -t 25 par1 par2 par3 nobody
expect "restart of several: the grace times run side by side" 125 $'par1\npar2\npar3' "Error: *'nobody'*"
run rl events --stream=false -f event=died -f container=par1 -f container=par2 -f container=par3 --format '{{.ContainerExitCode}}'
expect "each ended by itself" 0 $'4\n4\n4'
run rl rm -f -t 0 par1 par2 par3
run rl restart
expect_error "restart of nothing" "*"
run rl restart -s NOSUCH cmd
expect_error "restart by an unknown signal" "*NOSUCH*"
d --rm --name brief $img sh -c 'echo up; cat /kept; echo x >/kept; exec sleep 60'
until_lines brief 1
dir=$ROOT/containers/$(rl inspect -f '{{.Id}}' brief)
sed 's/"started":"20./"started":"209/' "$dir/run.json" >"$T/edited" && cat "$T/edited" >"$dir/run.json"
run rl restart -t 0 brief
expect "restart of one with --rm, the clock was set back meanwhile" 0 brief ""
until_lines brief 3 && ok "which keeps it and its files" || not_ok "which keeps it and its files" "$(rl logs brief)"
run rl stop -t 0 brief
until_state brief "" && ok "until it stops" || not_ok "until it stops" "$(state brief)"
run rl rm -f -t 0 brief cmd

# --- pause: only with a cgroup ------------------------------------------------------------------
d --name frozen $img sleep 60
run rl pause frozen
if [ $status = 0 ]; then
	expect "pause" 0 frozen
	run rl unpause frozen
	expect "unpause" 0 frozen
else
	expect_error "pause without a cgroup says so" "*cgroup*"
fi
run rl unpause frozen
expect_error "unpause of one that is not paused" "*frozen*"
run rl pause nobody
expect_error "pause of an unknown one" "*nobody*"
run rl rm -f -t 0 frozen
run rl create --name made --network none $img true
run rl pause made
expect_error "pause of one that does not run" "*created*"
run rl rm made

# --- time limits, an orderly end ----------------------------------------------------------------
SECONDS=0
run rl run --name slow --network none --timeout 1 $img sleep 50
expect "--timeout ends it" 255
[ $SECONDS -lt 40 ] && ok "in time" || not_ok "in time" "$SECONDS s"
run rl wait slow
expect "wait tells -1" 0 -1
run rl run --timeout x $img true
expect_error "--timeout wants a number" "*--timeout*"
run rl rm slow
d --name orderly --restart always $img sh -c 'trap "echo bye; exit 7" TERM; echo up; while :; do sleep 0.05; done'
until_lines orderly 1
kill -TERM "$(monitor_of orderly)"
until_state orderly exited && ok "SIGTERM to the monitor stops the container" || not_ok "SIGTERM" "$(state orderly)"
run rl logs orderly
expect "with its stop signal" 0 "up?bye"
run rl wait orderly
expect "and its exit code" 0 7
run rl rm orderly
leakcheck "nothing is left"
finish
