#!/bin/bash
# life.sh - containers in the background: run -d, create, start, ps, logs, kill, stop, wait, rm
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

archive=$(image alpine) || skip_all "no test image"
cp "$archive" "$T/alpine.tar"
run rl load -q -i "$T/alpine.tar"
[ $status = 0 ] || { not_ok "load the test image" "$err" && finish; }
img=docker.io/library/alpine
d() { run rl run -d --network none "$@"; }
until_state() { # NAME STATE: at most 5 s
	for _ in $(seq 50); do
		run rl ps -a --filter "name=^$1\$" --format '{{.State}}'
		[ "$out" = "$2" ] && return 0
		sleep 0.1
	done
	return 1
}

# --- detached, listed, logged -------------------------------------------------------------------
d --name one -l k=v $img sh -c 'echo out; echo err >&2; exec sleep 60'
expect "run -d prints the id" 0 "+([0-9a-f])" ""
id=$out
[ ${#id} = 64 ] && ok "64 digits" || not_ok "64 digits" "$id"
run rl ps
expect "ps lists it" 0 "CONTAINER ID*${id:0:12}*alpine*Up *one"
run rl ps -q --no-trunc
expect "ps -q --no-trunc" 0 "$id"
run rl ps --filter label=k=v --format '{{.Names}} {{.State}}'
expect "ps with filter and template" 0 "one running"
run rl ps --filter label=k=x -q
expect "a filter that nothing fits" 0 ""
run rl ps --format json
expect "ps as json" 0 "*\"Id\": \"$id\"*\"State\": \"running\"*"
run rl ps --filter nokey=1
expect_error "an unknown filter" "*nokey*"
soon logged one err
run rl logs one
expect "logs, both streams" 0 "out" "err"
run rl logs -t --tail 1 one
expect "logs with times, the last line" 0 "*" "20*Z err"
run rl logs nobody
expect_error "logs of an unknown one" "*nobody*"
d --name one $img true
expect_error "a name is taken" "*'one'*"

# --- ending -------------------------------------------------------------------------------------
run rl rm one
expect "rm of a running one is refused" 2 "" "Error: *running*"
run rl kill -s NOSUCH one
expect_error "an unknown signal" "*NOSUCH*"
run rl kill -s TERM one
expect "a signal that pid 1 has no handler for" 0 "one"
run rl stop -t 1 one
expect "stop, then SIGKILL" 0 "one" "Warning: *one*killing*"
run rl wait one
expect "wait for what has ended" 0 "137"
run rl ps -a --format '{{.Names}} {{.Status}}'
expect "ps -a shows the end" 0 "one Exited (137)*ago"
run rl stop one
expect "stop twice" 0 "one" ""
run rl start --filter status=running one
expect "start: names that the filter does not fit are passed over" 0 "" ""
run rl start --filter status=exited one
expect "start: names and a filter" 0 one ""
run rl start --filter status=exited nobody
expect_error "start: an unknown name and a filter" "*nobody*"
run rl stop -t 0 one
expect "stop -t 0: no word of what was asked for" 0 "one" ""
run rl create --name /slashed --network none $img true
expect "a name as docker's inspect gives it" 0
run rl ps -a --filter name='^/slashed$' --format '{{.Names}}'
expect "a filter for one" 0 slashed
run rl rename slashed /other
expect "rename to one" 0
run rl rm /other
expect "an object that is named so" 0 /other
run rl create --name a/b $img true
expect_error "a slash elsewhere" "*'a/b' cannot be a container's name*"
run rl start one
expect "start again" 0 "one" ""
until_state one running && ok "runs again" || not_ok "runs again" "$out"
run rl start one
expect "start of what runs" 0 "one" ""
run rl rm -f -t 0 one
expect "rm -f" 0 "one"
run rl rm one
expect "rm of an unknown one" 1 "" "Error: *\"one\"*"
run rl rm -f one
expect "rm -f of an unknown one" 0 "" ""

# --- several at a time --------------------------------------------------------------------------
mkdir -m 777 "$T/both"
trapped() { # MINE OTHER: ends well once the other has its signal, too
	d --name "$1" -v "$T/both:/b" $img sh -c "trap 'touch /b/$1; until [ -e /b/$2 ]; do sleep 0.1; done; exit 0' TERM
		touch /b/ready-$1; while :; do sleep 0.1; done"
	for _ in $(seq 50); do [ -e "$T/both/ready-$1" ] && return; sleep 0.1; done
}
trapped here there
trapped there here
run rl stop -t 60 here there
expect "stop of two: the grace times run side by side" 0 "here
there" ""
run rl ps -a --format '{{.Names}} {{.ExitCode}}' --filter exited=0
expect "both ended by themselves" 0 "there 0
here 0"
run rl rm here there
d --rm --name slow -v "$T/both:/b" $img sh -c 'trap "sleep 1; exit 0" TERM; touch /b/ready-slow; while :; do sleep 0.1; done'
d --rm --name quick -v "$T/both:/b" $img sh -c 'trap "exit 0" TERM; touch /b/ready-quick; while :; do sleep 0.1; done'
for _ in $(seq 50); do [ -e "$T/both/ready-slow" ] && [ -e "$T/both/ready-quick" ] && break || sleep 0.1; done
run rl stop -t 60 slow quick
expect "stop of two with --rm: the second has gone when its turn comes" 0 "slow
quick" ""
d --name deaf1 $img sleep 600
d --name deaf2 $img sleep 600
run as_user timeout -k 1 60 "$RL" rm -f -t 600 deaf1 deaf2
expect "rm -f does not wait for one that cannot see its signal" 0 "deaf1
deaf2" ""
run rl stop one
expect_error "stop of an unknown one" "*one*"

# --- create and start ---------------------------------------------------------------------------
run rl create --network none --name two $img sh -c 'cat; exit 5'
expect "create" 0 "+([0-9a-f])"
until_state two created && ok "created" || not_ok "created" "$out"
run rl start -a two
expect "start -a ends with its code" 5
run rl rm two
expect "rm straight after the end" 0 "two"
d --rm --name three $img sleep 0.5
run rl wait three
expect "wait for one with --rm" 0 "0"
until_state three "" && ok "--rm removed it" || not_ok "--rm removed it" "$out"
for i in 1 2 3 4 5 6 7 8; do rl run -d --rm --network none --name "many$i" $img sleep 1 >/dev/null & done
wait
run rl ps -q --filter name=^many
[ "$(wc -l <<<"$out")" = 8 ] && ok "eight at once" || not_ok "eight at once" "$out"
run rl rm -af -t 0
expect "rm --all" 0

run rl create --name base --network none $img true
run rl create --name joined --network container:base $img true
joined=$out
run rl create --name joins-that --pid container:joined $img true
joins=$out
run rl rm --depend base
expect "rm --depend: who shares its namespaces goes first" 0 "$joins
$joined
base"
[ -z "$(rl ps -aq --filter name=join --filter name=base)" ] && ok "all of them are gone" || not_ok "all of them are gone" "$(rl ps -a)"
run rl create --name base --network none $img true
run rl create --name joined --network container:base $img true
joined=$out
run rl rm -f --depend base joined
expect "rm --depend of both" 0 "$joined
base"

# --- what a caller must be able to rely on ------------------------------------------------------
SECONDS=0
out=$(rl run -d --name fds --network none $img sleep 30 9>&1 >/dev/null)
[ $SECONDS -lt 25 ] && ok "no descriptor of the caller lives on" || not_ok "no descriptor of the caller lives on" "$SECONDS s"
run rl rm -f -t 0 fds
run rl create --name anon -v /data --network none $img true
run rl rm -v anon
expect "rm -v" 0 "anon"
out=$(find "$ROOT/volumes" -mindepth 1 -maxdepth 1 ! -name '.*' 2>/dev/null)
[ -z "$out" ] && ok "its anonymous volume went along" || not_ok "its anonymous volume went along" "$out"
run bash -c "$(declare -f rl as_user as_user_exec); $(declare -p TIME_LIMIT RL T TEST_USER TEST_UID TEST_GID ROOT USER_ENV RL_TEST_MARK); rl ps -a --format json >/dev/full"
expect "output that cannot be written is an error" 125 "" "Error: *"
run rl run --rm --sig-proxy=false $img true
expect "--sig-proxy=false" 0

# --- what one costs beside its payload ------------------------------------------------------------
# 512 KiB is the goal on a quiet machine; pages of files depend on who else has them, so not counted
anonymous() { # KiB of monitor and pump
	local p
	for p in $(leftover_processes | awk '$3 ~ /rl-(monitor|pump)/ { print $2 }'); do cat "/proc/$p/smaps_rollup"; done |
		awk '/^Pss_Anon:/ { n += $2 } END { print n + 0 }'
}
is_small() { local n && n=$(anonymous) && [ "$n" -gt 0 ] && [ "$n" -le 600 ]; }
if grep -q Pss_Anon /proc/self/smaps_rollup && [ "$(getconf PAGESIZE)" = 4096 ]; then
	for how in quiet "has written"; do
		rl create --name idle --network none $img sh -c "[ '$how' = quiet ] || seq 100000; exec sleep 60" >/dev/null
		run rl start idle
		soon is_small && ok "an idle monitor and its pump are small ($how)" || not_ok "an idle monitor and its pump are small ($how)" "$(anonymous) KiB"
		rl rm -f -t 0 idle >/dev/null
	done
fi

# --- a monitor that dies ------------------------------------------------------------------------
d --name lost $img sleep 60
kill -KILL "$(monitor_of lost)"
sleep 0.3
run rl ps -a --format '{{.Names}} {{.Status}}'
expect "the next command heals" 0 "lost Exited (137)*"
run rl container cleanup lost
expect "container cleanup" 0 "lost" ""
run rl rm lost
expect "and it can be removed" 0 "lost"
run rl container cleanup lost
expect_error "cleanup of one that is gone" "*'lost'*no such container*"
d --name up $img sleep 60
run rl container cleanup up
expect_error "cleanup of one that runs" "*'up': it is running*"
run rl rm -f -t 0 up
run rl run --name end --network none $img true
run rl container cleanup --rm --latest
run rl ps -aq
expect "cleanup --rm" 0 "" ""
leakcheck "nothing is left"
finish
