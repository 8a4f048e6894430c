#!/bin/bash
# flags.sh - options that many commands share: --all, --latest, --filter, --cidfile; wait's conditions
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

IMG=localhost/rl-busybox
d() { run rl run -d --network none "$@"; }
running() { rl ps --format '{{.Names}}' | sort | xargs; }

# --- which containers ---------------------------------------------------------------------------
d --name a -l kind=x $IMG sleep 300
a=$out
d --name b -l kind=y $IMG sleep 300
b=$out
run rl stop -t 0 --filter label=kind=x
expect 'stop --filter prints full ids' 0 "$a"
run running
expect '... and leaves the others' 0 b
run rl stop -t 0 -l
expect 'stop --latest' 0 "$b"
run rl start --all
expect 'start --all' 0 "@($a
$b|$b
$a)"
run rl start --filter name=^a\$
expect 'start --filter: it runs already' 0 ''
run rl kill -a -s KILL
expect 'kill --all' 0 "@($a
$b|$b
$a)"
rl wait a b >/dev/null
run rl kill -a
expect 'kill --all without a running one' 0 ''
run rl start -l
expect 'start --latest' 0 "$b"
printf '%s\n' "$b" >"$T/work/cid"
chmod 644 "$T/work/cid"
run rl stop --time 0 --cidfile cid
expect 'stop --cidfile, --time' 0 "$b"
run rl stop -s KILL --timeout 5 a b
expect 'stop of what does not run prints the names' 0 $'a\nb'
run rl rm --cidfile cid
expect 'rm --cidfile' 0 "$b"
run rl rm --filter label=kind=x
expect 'rm --filter' 0 "$a"

# --- wait ---------------------------------------------------------------------------------------
d --name w $IMG sh -c 'sleep 1; exit 7'
d --name v $IMG sleep 300
run rl wait --exit-first-match v w
expect 'wait --exit-first-match' 0 7
run rl wait --condition running v
expect 'wait --condition that holds' 0 -1
run rl wait --condition exited,running w v
expect 'wait: either condition' 0 $'7\n-1'
run rl create --name later $IMG sleep 300
as_user_exec "$RL" wait --condition=running later >"$T/waited" 2>&1 &
pid=$!
MY_PIDS="$MY_PIDS $pid"
sleep 0.2
rl start later >/dev/null
if timeout 5 tail --pid=$pid -f /dev/null && [ "$(cat "$T/waited")" = -1 ]; then
	ok 'wait --condition: what comes later'
else
	not_ok 'wait --condition: what comes later' "$(cat "$T/waited")"
fi
as_user_exec "$RL" wait --condition=exited,paused later >"$T/waited" 2>&1 &
pid=$!
MY_PIDS="$MY_PIDS $pid"
sleep 0.2
rl rm -f -t 0 later >/dev/null 2>&1
if timeout 5 tail --pid=$pid -f /dev/null; then ok 'wait: a removed one has ended'; else not_ok 'wait: a removed one has ended' "$(cat "$T/waited")"; fi
run rl wait --ignore nobody
expect 'wait --ignore' 0 -1
run rl wait --condition=happy w
expect_error 'an unknown condition' "*'happy'*--condition*"
rl rm -f -t 0 w v >/dev/null 2>&1

# --- wrong uses ---------------------------------------------------------------------------------
for c in stop kill rm start wait; do
	run rl $c
	expect_error "$c without a name" "*$c needs the name*"
done
run rl stop -a x
expect_error 'names and --all' '*exclude each other*'
run rl rm -l
expect_error '--latest without containers' '*no container*'
run rl stop --cidfile missing
expect_error 'a cidfile that is not there' "*'missing'*No such file*"
run rl rm --ignore --cidfile missing
expect '... with --ignore' 0 ''
echo junk >"$T/work/cid"
run rl stop --cidfile cid
expect_error 'a cidfile without an id' "*'cid' holds no container's id*"
run rl stop --filter what=1
expect_error 'an unknown filter' "*'what=1'*"
run rl stop -s NOSIG x
expect_error 'an unknown signal' "*'NOSIG'*"
leakcheck 'nothing is left'
finish
