#!/bin/bash
# health.sh - health checks: of flags and images, states, actions, waiting for them, healthcheck run
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

archive=$(image alpine) || skip_all "no test image"
cp "$archive" "$T/alpine.tar"
run rl load -q -i "$T/alpine.tar"
[ $status = 0 ] || { not_ok "load the test image" "$err" && finish; }
img=docker.io/library/alpine
d() { run rl run -d --network none --health-interval 200ms "$@"; }
health() { rl ps -a --filter "name=^$1\$" --format '{{.Status}}'; }
until_health() { # NAME PATTERN: at most 5 s
	for _ in $(seq 100); do
		# shellcheck disable=SC2053
		[[ $(health "$1") == $2 ]] && return 0
		sleep 0.05
	done
	return 1
}
is() { # NAME PATTERN WHAT
	if until_health "$1" "$2"; then ok "$3"; else not_ok "$3" "$(health "$1")" "wanted: $2"; fi
}
file() { # NAME: its health.json
	cat "$ROOT/containers/$(rl ps -aq --no-trunc --filter "name=^$1\$")/health.json"
}

# --- states -------------------------------------------------------------------------------------
d --name a --health-retries 2 --health-start-period 400ms --health-cmd 'test -e /ok || { echo not there; exit 4; }' $img sleep 60
is a "Up * (starting)" "it starts"
is a "Up * (unhealthy)" "failures make it unhealthy"
out=$(file a | jq -c '[.Status, .FailingStreak >= 2, .Log[-1].ExitCode, .Log[-1].Output, (.Log | length) <= 5]')
[ "$out" = '["unhealthy",true,4,"not there\n",true]' ] && ok "results are on record" || not_ok "results are on record" "$out"
run rl healthcheck run a
expect "healthcheck run of an unhealthy one" 1 unhealthy ""
run rl exec a touch /ok
is a "Up * (healthy)" "one success makes it healthy"
run rl healthcheck run a
expect "healthcheck run of a healthy one" 0 "" ""
run rl ps -q --filter health=healthy
expect "ps --filter health=" 0 "+([0-9a-f])"
run rl inspect -f '{{.State.Health.Status}} {{.State.Healthcheck.FailingStreak}} {{.Config.Healthcheck.Retries}}' a
expect "inspect" 0 "healthy 0 2"
run rl wait --condition healthy,unhealthy a
expect "wait --condition healthy" 0 "-1"
run rl events --since 1m --until 0s --filter event=health_status --format '{{.HealthStatus}}'
expect "each change is an event" 0 "unhealthy?healthy"
run rl rm -f -t 0 a

# --- waiting for it -----------------------------------------------------------------------------
run rl run -d --name w --network none --wait-healthy --health-start-period 9s --health-interval 100ms --health-cmd 'test -e /tmp/up' $img \
	sh -c 'sleep 0.5; touch /tmp/up; sleep 60'
expect "run -d --wait-healthy" 0 "+([0-9a-f])" ""
is w "Up * (healthy)" "returns when it is healthy"
run rl rm -f -t 0 w
run rl run -d --name w --network none --wait-healthy --health-interval 100ms --health-cmd 'echo no luck; false' $img sleep 60
expect "and fails when it is not" 1 "+([0-9a-f])" "Error: 'w' is unhealthy*no luck*"
run rl rm -f -t 0 w
run rl run -d --rm --name w --network none --wait-healthy --health-interval 100ms --health-cmd false $img sh -c 'sleep 0.2; exit 9'
expect "or ends" 125 "+([0-9a-f])" "Error: 'w' ended with 9 *"
run rl run -d --network none --wait-healthy $img true
expect_error "--wait-healthy without a check" "*health check*--health-cmd*"
run rl run --rm --network none --wait-healthy --health-cmd true $img true
expect_error "--wait-healthy in the foreground" "*--detach*"

# --- a check that hangs -------------------------------------------------------------------------
d --name h --health-timeout 200ms --health-retries 1 --health-cmd 'sleep 61 & sleep 62' $img sleep 60
is h "Up * (unhealthy)" "a check that hangs is a failure"
out=$(file h | jq -r '.Log[-1].Output')
[[ $out == *time-out* ]] && ok "which is said" || not_ok "which is said" "$out"
few() { [ "$(rl top h -eo args | grep -c 'sleep 6[12]')" -le 2 ]; }
soon few
out=$(rl top h -eo args | grep -c 'sleep 6[12]')
[ "$out" -le 2 ] && ok "it is killed with its children" || not_ok "it is killed with its children" "$out"
run rl rm -f -t 0 h
d --name h --health-cmd 'yes | head -c 1000000; printf "\033[31m\377\0"' $img sleep 60
is h "Up * (healthy)" "a check with much output"
[ "$(file h | wc -c)" -lt 5000 ] && ok "of which little is kept" || not_ok "of which little is kept" "$(file h | wc -c)"
run rl rm -f -t 0 h
d --name h --health-log-destination local --health-max-log-count 2 --health-max-log-size 3 --health-cmd 'echo abcdef' $img sleep 60
kept() { [ "$(file h | jq -c '[.Log[].Output]')" = '["abc","abc"]' ]; }
check "less is kept where that was asked for" soon kept
run rl inspect -f '{{.Config.HealthcheckMaxLogCount}} {{.Config.HealthcheckMaxLogSize}} {{json .Config.Healthcheck}}' h
expect "and shown" 0 '2 3 {"Test":\[*"Retries":3}'
run rl create --health-cmd true --health-max-log-count 6 $img true
expect_error "more than can be kept" "*'--health-max-log-count 6': 5*"
run rl create --health-cmd true --health-log-destination /tmp $img true
expect_error "another place" "*-destination /tmp'*'local'*"
run rl rm -f -t 0 h

# --- what happens then --------------------------------------------------------------------------
run rl create --health-on-failure kill $img
expect_error "--health-on-failure without a check" "*needs a health check*--health-cmd*"
bad=(--health-retries 1 --health-cmd false)
d --name k "${bad[@]}" --health-on-failure kill $img sleep 60
is k "Exited (137)*" "--health-on-failure kill"
d --name s "${bad[@]}" --health-on-failure stop --restart always $img sh -c 'trap "exit 5" TERM; while :; do sleep 0.05; done'
is s "Exited (5)*" "--health-on-failure stop, for good"
d --name r "${bad[@]}" --health-on-failure restart --stop-timeout 0 $img sh -c 'echo up; exec sleep 60'
for _ in $(seq 60); do [ "$(rl logs r | wc -l)" -ge 3 ] && break; sleep 0.1; done
[ "$(rl logs r | wc -l)" -ge 3 ] && ok "--health-on-failure restart" || not_ok "--health-on-failure restart" "$(rl logs r)"
run rl rm -f -t 0 k s r

# --- a startup check goes before ----------------------------------------------------------------
d --name u --health-cmd true --health-startup-cmd 'test -e /up' --health-startup-interval 50ms --health-startup-success 2 $img sleep 60
checked() { [ "$(file u | jq '.Log | length')" -ge 2 ]; }
soon checked
is u "Up * (starting)" "a startup check that fails: it is starting"
run rl inspect -f '{{.Config.StartupHealthCheck.Test}} {{.Config.StartupHealthCheck.Successes}}' u
expect "inspect knows it" 0 "[[]CMD-SHELL test -e /up] 2"
rl exec u touch /up
is u "Up * (healthy)" "then the other one counts"
d --name v --health-cmd true --health-startup-cmd false --health-startup-interval 50ms --health-startup-retries 2 --stop-timeout 0 $img sh -c 'echo up; exec sleep 60'
check "--health-startup-retries: it is started again" soon logged v up 3
run rl rm -f -t 0 u v
run rl create --health-startup-cmd true $img
expect_error "a startup check alone" "*health check to follow*--health-cmd*"
run rl create --health-cmd true --health-startup-retries 2 $img
expect_error "numbers of no startup check" "*without a startup check*"
run rl create --health-cmd true --health-startup-cmd true --health-startup-success 0 $img
expect_error "no success asked for" "*--health-startup-success 0*"

# --- of an image, and none ----------------------------------------------------------------------
"$SRC/contrib/mkimage" -n docker.io/library/checked:latest \
	-c '"Env":["PATH=/bin"],"Cmd":["sh"],"Healthcheck":{"Test":["CMD","test","-d","/etc"],"Interval":200000000}' "$T/checked.tar" 2>/dev/null
chmod 644 "$T/checked.tar"
run rl load -q -i "$T/checked.tar"
run rl run -d --name i --network none checked sleep 60
is i "Up * (healthy)" "the image's HEALTHCHECK"
run rl run -d --name n --network none --no-healthcheck checked sleep 60
is n "Up +([!\(])" "--no-healthcheck"
run rl rm -f -t 0 i n
run rl run -d --name n --network none --health-cmd none $img sleep 60
run rl healthcheck run n
expect_error "healthcheck run without a check" "*no health check*"
run rl rm -f -t 0 n
run rl run -d --name m --network none --health-interval disable --healthcheck-command true $img sleep 60
sleep 0.3
is m "Up * (starting)" "without an interval nobody looks"
run rl healthcheck run m
is m "Up * (healthy)" "but healthcheck run"
run rl rm -f -t 0 m
run rl create --name c --network none --health-cmd true $img true
run rl healthcheck run c
expect_error "healthcheck run of one that does not run" "*created*"
run rl rm c
run rl healthcheck run nobody
expect_error "healthcheck run of an unknown one" "*nobody*"

# --- wrong uses ---------------------------------------------------------------------------------
wrong() { # PATTERN FLAG...
	local want=$1
	shift
	run rl run --rm --network none "$@" $img true
	expect_error "$*" "$want"
}
wrong "*exclude each other*" --no-healthcheck --health-cmd true
wrong "*--health-interval soon*" --health-cmd true --health-interval soon
wrong "*--health-interval 1ms*" --health-cmd true --health-interval 1ms
wrong "*--health-retries 0*" --health-cmd true --health-retries 0
wrong "*'explode'*" --health-cmd true --health-on-failure explode
wrong "*no command*" --health-cmd CMD
leakcheck "nothing is left"
finish
