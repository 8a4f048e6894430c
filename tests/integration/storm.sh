#!/bin/bash
# storm.sh - many commands at once on the same and on different containers: no dead-lock, no garbage, no leak
#
# STORM_SECONDS (default 8) is the length of the mixed storm.
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
out=$(cat "$T"/one.*.err | grep -v '^Hint' | grep -vc "the name 'one' is taken")
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
end=$((SECONDS + ${STORM_SECONDS:-8}))
expected="no such container|no such object|just been removed|is taken by|is running|not running|state improper|runs already|another command|has just ended|has just been started|cannot remove|No such process|not been started|is started again|is not running"
worker() { # NUMBER
	local verbs=(run run rmrun create start stop rm rmf ps psa inspect logs kill wait exec) v n name
	while [ $SECONDS -lt $end ]; do
		n=$((RANDOM % 3)) name=s$n
		[ $((RANDOM % 3)) = 0 ] && name=w$1
		v=${verbs[RANDOM % ${#verbs[@]}]}
		case $v in
		run) set -- "$1" run -d --name "$name" --network none $img sleep 1.$((RANDOM % 9)) ;;
		rmrun) set -- "$1" run --rm --name "$name" --network none $img sleep 0.0$((RANDOM % 9)) ;;
		create) set -- "$1" create --name "$name" --network none $img sleep 1 ;;
		stop) set -- "$1" stop -t 0 "$name" ;;
		rmf) set -- "$1" rm -f -t 0 "$name" ;;
		ps) set -- "$1" ps ;;
		psa) set -- "$1" ps -a --format '{{.Names}} {{.State}} {{.Status}}' ;;
		exec) set -- "$1" exec "$name" true ;;
		*) set -- "$1" "$v" "$name" ;;
		esac
		quick "${@:2}" >"$T/w$1.out" 2>"$T/w$1.err"
		s=$?
		if [ $s -ge 124 ] && [ $s -ne 125 ] && [ $s -ne 137 ] && [ $s -ne 255 ] && [ $s -ne 126 ]; then echo "status $s: ${*:2}: $(cat "$T/w$1.err")"; fi
		grep -vE "^(Hint|Warning: '.*killing it|See|$)" "$T/w$1.err" | grep -vE "$expected" | sed "s/^/$v: /"
		[ "$v" = psa ] && grep -vE '^(s|w)[0-9] (created Created|running Up|exited Exited \([0-9]+\)) ?' "$T/w$1.out" | sed 's/^/row: /'
		[ "$v" = psa ] && grep years "$T/w$1.out"
		echo x >>"$T/w$1.count"
	done
}
for w in 1 2 3 4 5 6 7 8; do worker $w >"$T/w$w.bad" 2>&1 & done
wait
total=$(cat "$T"/w?.count | wc -l)
if [ -s "$T/w1.bad" ] || cat "$T"/w?.bad | grep -q .; then
	not_ok "a storm of eight workers ($total commands)" "$(cat "$T"/w?.bad | sed 's/[0-9a-f]\{12,\}/ID/g' | sort | uniq -c | sort -rn | head -20)"
else
	ok "a storm of eight workers ($total commands): only the expected errors"
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
