#!/bin/bash
# shellcheck disable=SC2154 # status, out and err are set by run
# purge.sh - rl purge: all that is rl's, files of subordinate ids included, and nothing else
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
IMG=localhost/rl-busybox
rl pull -q $IMG >/dev/null 2>&1
# sentinels: outside, behind links, in a bind mount, and a stranger in the store
as_user sh -c 'mkdir -p keep/d && echo 1 >keep/d/f && cp -r keep keep2'
rl volume create -o type=none -o o=bind -o device="$T/work/keep" elsewhere >/dev/null
rl run --name old --network none -v vol:/v -v ./keep:/k $IMG sh -c 'mkdir -m 700 /v/d /x; touch /v/d/f /x/f; chown -R 5:6 /v/d /x; ln -s /k /v/link' >/dev/null
as_user sh -c "ln -s '$T/work/keep2' '$ROOT/volumes/vol/_data/host'; ln -s '$T/work/keep2' '$ROOT/cache/host'; echo mine >'$ROOT/mine.txt'"
rl run -d --name busy --network none $IMG sleep 1000 >/dev/null

run as_user sh -c "echo y | '$RL' purge"
expect_error "refused while something runs" "*running: busy*purge -f*"
check "the store is there" test -d "$ROOT/images"
rl rm -f -t 0 busy >/dev/null
rl manifest create m:1 $IMG >/dev/null
run as_user sh -c "echo n | '$RL' purge"
expect "no" 0 "*WARNING!*$ROOT*\[y/N\]*" ''
check "the store is still there" test -d "$ROOT/images"
run as_user sh -c "'$RL' purge </dev/null"
expect "nobody to answer" 125 '*' "*no answer*-f*"
run rl purge now
expect_error "a word too many" "*now*"

rl run -d --name busy --network none $IMG sleep 1000 >/dev/null
pid=$(rl inspect -f '{{.State.Pid}}' busy)
run rl purge -f
expect "-f" 0 "$ROOT" "*'$ROOT/mine.txt' is not rl's, it stays*"
[ ! -d "/proc/$pid" ] && ok "what ran has ended" || not_ok "what ran has ended"
left=$(find "$ROOT" -mindepth 1 2>/dev/null)
[ "$left" = "$ROOT/mine.txt" ] && ok "all is gone but what is not rl's" || not_ok "all is gone but what is not rl's" "$left"
[ ! -e "$T/run/rl" ] && ok "the runtime folder too" || not_ok "the runtime folder too" "$(ls -la "$T/run/rl")"
[ "$(cat "$T/work/keep/d/f" "$T/work/keep2/d/f")" = $'1\n1' ] && ok "folders that were mounted or linked are as they were" || not_ok "folders that were mounted or linked are as they were"
rm -f "$ROOT/mine.txt"
run rl system reset -f
expect "once more, as system reset" 0 "$ROOT" ''
check "without a stranger the folder goes as well" test ! -e "$ROOT"
run rl run --rm --network none $IMG echo again
expect "and rl starts afresh" 0 again '*'

# folders of the same names in which others keep things
as_user sh -c 'mkdir -p mine/images mine/cache mine/run mine/volumes/v mine/names mine/manifests mine/trust mine/rt/x && for d in mine/* mine/volumes/v; do echo 1 >$d/f; done'
before=$(find "$T/work/mine" | sort)
run rl --root "$T/work/mine" purge -f
expect "a folder of somebody's: each is named" 0 "*" "*/images' is not rl's*"
run as_user env RL_RUNROOT="$T/work/mine/rt" "$RL" purge -f
expect "a runtime folder with other things" 0
[ "$(find "$T/work/mine" | sort)" = "$before" ] && ok "they are as they were" || not_ok "they are as they were" "$(find "$T/work/mine" | sort)"
leakcheck "nothing is left"
finish
