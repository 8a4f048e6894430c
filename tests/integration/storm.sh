#!/bin/bash
# storm.sh - many commands at once on the same and on different containers: no dead-lock, no garbage, no leak
#
# STORM_SECONDS (default 5) is the length of the mixed storm (races.py), STORM_SEED what one run of it said.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

archive=$(image alpine) || skip_all "no test image"
cp "$archive" "$T/alpine.tar"
run rl load -q -i "$T/alpine.tar"
[ $status = 0 ] || { not_ok "load the test image" "$err" && finish; }
img=docker.io/library/alpine
quick() { as_user timeout -k 5 40 "$RL" "$@"; }

# --- one name, many claims --------------------------------------------------------------------------
for i in {1..12}; do
	quick run -d --name one --network none $img sleep 60 >"$T/one.$i.out" 2>"$T/one.$i.err" &
done
wait
won=$(cat "$T"/one.*.out | grep -cE '^[0-9a-f]{64}$')
[ "$won" = 1 ] && ok "run --name: exactly one of 12 wins" || not_ok "run --name: exactly one of 12 wins" "$won won" "$(cat "$T"/one.*.err)"
out=$(cat "$T"/one.*.err | grep -v '^Hint' | grep -vc "the name 'one' is already in use")
[ "$out" = 0 ] && ok "the others hear who has it" || not_ok "the others hear who has it" "$(cat "$T"/one.*.err)"
run rl ps -aq
[ "$(wc -l <<<"$out")" = 1 ] && ok "one container is there" || not_ok "one container is there" "$out"

# --- two of everything at once ----------------------------------------------------------------------
pair() { # NAME WANTED-STATUSES COMMAND...: eight of it at once
	local what=$1 want=$2 i bad=''
	shift 2
	for i in 1 2 3 4 5 6 7 8; do
		{
			quick "$@" >"$T/p.$i" 2>&1
			echo $? >"$T/p.$i.status"
		} &
	done
	wait
	for i in 1 2 3 4 5 6 7 8; do
		case " $want " in *" $(cat "$T/p.$i.status") "*) ;; *) bad="$bad $(cat "$T/p.$i.status"): $(cat "$T/p.$i")" ;; esac
	done
	[ -z "$bad" ] && ok "$what" || not_ok "$what" "$bad"
}
pair "eight stops at once" "0" stop -t 0 one
pair "eight starts at once" "0" start one
run rl ps --format '{{.Names}} {{.State}}'
expect "it runs once" 0 "one running"
pair "eight kills at once" "0 125" kill one
pair "eight waits at once" "0" wait one
pair "eight removals at once" "0 1" rm -f -t 0 one
run rl ps -aq
expect "it is gone" 0 ""

# --- fifty started at once ---------------------------------------------------------------------------
seq 50 | xargs -P 16 -I{} bash -c "$(declare -f quick as_user as_user_exec); $(declare -p T RL TEST_UID TEST_GID TEST_USER ROOT USER_ENV RL_TEST_MARK); quick run -d --name many{} --network none $img sleep 60" >"$T/ids" 2>"$T/errs"
n=$(grep -cE '^[0-9a-f]{64}$' "$T/ids")
[ "$n" = 50 ] && [ ! -s "$T/errs" ] && ok "fifty run -d, sixteen at a time" || not_ok "fifty run -d, sixteen at a time" "$n ids" "$(cat "$T/errs")"
run rl ps -q
[ "$(wc -l <<<"$out")" = 50 ] && ok "all fifty are listed" || not_ok "all fifty are listed" "$(wc -l <<<"$out")"
quick rm -af -t 0 >/dev/null 2>"$T/rm.err" &
remover=$!
bad=''
while kill -0 $remover 2>/dev/null; do
	run quick ps -a --format '{{.ID}} {{.Names}} {{.State}} {{.Status}}'
	[ $status = 0 ] && [ -z "$err" ] || bad="status $status: $err"
	grep -qvE '^[0-9a-f]{12} many[0-9]+ (running|exited|created) [A-Z]' <<<"${out:-000000000000 many0 created C}" && bad="row: $out"
	grep -qE 'years' <<<"$out" && bad="row: $out"
done
wait $remover && [ ! -s "$T/rm.err" ] && ok "rm -af of fifty" || not_ok "rm -af of fifty" "$(cat "$T/rm.err")"
[ -z "$bad" ] && ok "ps -a beside it shows no garbage" || not_ok "ps -a beside it shows no garbage" "$bad"
leakcheck "nothing is left of the fifty"

# --- everything at once ------------------------------------------------------------------------------
cp "$SRC/tests/integration/races.py" "$T/races.py"
chmod 644 "$T/races.py"
if as_user /usr/bin/python3 "$T/races.py" "$RL" $img "${STORM_SECONDS:-5}" ${STORM_SEED:+"$STORM_SEED"} >"$T/races" 2>&1; then
	ok "a storm of eight workers: $(tail -n 1 "$T/races")"
else
	not_ok "a storm of eight workers" "$(cat "$T/races")"
fi
run rl rm -af -t 0
expect "rm --all afterwards" 0 "*" ""
leakcheck "nothing is left of the storm"
out=$(find "$ROOT/containers" "$ROOT/container-names" -mindepth 1 ! -name .lock)
[ -z "$out" ] && ok "no folder, no name" || not_ok "no folder, no name" "$out"

# --- a client that ends badly, a reader that stops ----------------------------------------------------
as_user_exec "$RL" run --name fg --network none $img sleep 60 </dev/null >/dev/null 2>&1 &
client=$!
for _ in {1..50}; do
	run rl ps -q
	[ -n "$out" ] && break
	sleep 0.05
done
kill -9 $client
for _ in {1..40}; do
	run rl ps -q
	[ -z "$out" ] && break
	sleep 0.05
done
run rl ps -a --format '{{.State}} {{.Status}}'
expect "kill -9 of the client ends its container" 0 "exited Exited (137)*"
run rl rm fg
for i in {1..300}; do quick create --name "r$i" -l "x=$(printf '%400s' x)" --network none $img true >/dev/null 2>&1; done
# shellcheck disable=SC2216 # that it does not read is the point
quick ps -a --format json | sleep 60 &
reader=$!
sleep 0.3
SECONDS=0
run rl rm -f r1
run rl ps -aq
[ $SECONDS -le 30 ] && ok "a reader of ps that stops holds nobody up" || not_ok "a reader of ps that stops holds nobody up" "$SECONDS s"
kill $reader 2>/dev/null
run rl rm -af -t 0
leakcheck "nothing is left"
finish
