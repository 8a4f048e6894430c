#!/bin/bash
# events.sh - rl events: what each command writes, filters, formats, following, rotation, wrong uses
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

IMG=localhost/rl-busybox
ev() { run rl events --stream=false "$@"; }
statuses() { rl events --stream=false -f "container=$1" --format '{{.Status}}' | xargs; }
# wait_for FILE PATTERN: a line in FILE, at most 5 s
wait_for() {
	local i
	for ((i = 0; i < 50; i++)); do
		grep -q "$2" "$1" && return 0
		sleep 0.1
	done
	return 1
}

ev
expect 'nothing happened yet' 0 ''

# --- what is written ----------------------------------------------------------------------------
run rl run --rm --name one -l a=b -l 'c=d e' $IMG sh -c 'exit 3'
for _ in {1..20}; do [[ $(statuses one) != *remove* ]] || break; sleep 0.1; done
run statuses one
expect 'run --rm: all its events, in order' 0 'create init start attach died remove'
run rl run -d --name two $IMG sleep 100
id=$out
rl kill -s USR1 two >/dev/null
rl stop -t 0 two >/dev/null 2>&1
rl start two >/dev/null
rl rename two three
run statuses three
expect 'by the name it has now: also what was before it was renamed' 0 'create init start *rename'
rl kill three >/dev/null
until_died() { rl events --stream=false -f container=three -f event=died --format '{{.Name}}' | grep three; }
check 'its end bears the new name' soon until_died
rl start three >/dev/null
rl rename three two
rl rm -f -t 0 two >/dev/null 2>&1
run statuses "$id"
expect 'run -d, kill, stop, start, rm -f' 0 'create init start kill *died *init start *died *remove'
for i in 1 2 3 4; do rl run -d --rm --name "gone$i" -l k=v --network none $IMG sleep 100 >/dev/null; done
rl stop -t 1 gone1 gone2 gone3 gone4 >/dev/null 2>&1
ev -f event=stop -f label=k=v --format '{{.Name}} {{.Image}}'
out=$(sort <<<"$out")
expect "stop of several with --rm: each has its event, whole" 0 $'gone1 '$IMG$'\ngone2 '$IMG$'\ngone3 '$IMG$'\ngone4 '$IMG
ev -f type=image
expect 'the image that was loaded' 0 '* image loadFromArchive +([0-9a-f]) localhost/rl-busybox:latest'
rl run --rm -v data:/d $IMG true
ev -f type=volume
expect 'a volume' 0 '[0-9-]* [0-9:.]* +0000 UTC volume create data'
rl volume create made-by-hand >/dev/null
ev -f volume=made --format '{{.Name}} {{.Status}}'
expect 'a volume by the start of its name, once' 0 'made-by-hand create'
run rl run --rm --name bad $IMG /no/such
run statuses bad
expect 'a start that failed' 0 'create remove'

# --- filters and formats ------------------------------------------------------------------------
ev -f container=one -f event=died
expect 'a line for people' 0 \
	'[0-9]* [0-9:.]* +0000 UTC container died +([0-9a-f]) (image=localhost/rl-busybox, name=one, a=b, c=d e)'
ev -f container=one -f event=die --format '{{.Name}} {{.ContainerExitCode}} {{.Action}} {{.Actor.Attributes.exitCode}} {{.Actor.Attributes.image}} {{.Attributes.a}}'
expect "Docker's name of the event and of the fields" 0 "one 3 die 3 $IMG b"
ev -f container=one -f event=destroy --format '{{.Status}}'
expect 'destroy means remove' 0 remove
ev -f container=one -f status=die -f status=create --format '{{.Status}}'
expect 'status is another word for event' 0 $'create\ndied'
ev -f type=image -f event=LOAD
expect "no event is called 'LOAD'" 0 ''
ev -f type=image -f event=load -f event=loadfromarchive --format '{{.Status}}'
expect "Docker's and Podman's words for a loaded archive" 0 loadFromArchive
ev -f event=create -f event=died -f container=one --format '{{.Status}}'
expect 'the same key again: either' 0 $'create\ndied'
ev -f label=a=b -f label=c --format '{{.Name}}' -f event=create
expect 'labels: all of them' 0 one
ev -f label=a=b -f label=x
expect 'labels: one that is not there' 0 ''
ev -f image=rl-busybox -f event=create --format '{{.Name}}'
expect 'by image, its short name' 0 $'one\ntwo\n*'
ev -f container="${id:0:12}" -f event=create --no-trunc=false
expect 'by the start of an id; short ids' 0 "*container create ${id:0:12} (*"
ev --format json -f container=one -f event=died
expect 'json' 0 '{*"Type":"container","Status":"died"*"timeNano":[0-9]*"ContainerExitCode":3*"time":[0-9]*}'
check 'json is one object a line' jq -e -s 'length > 5 and all(.[]; .Type and .time)' \
	<(rl events --stream=false --format json)
ev --since 1h --until 2020-01-01
expect 'an empty span' 0 ''
ev --since 2020-01-01T00:00:00Z --until "$(($(date +%s) + 60))" -f event=create -f type=volume
expect 'a span' 0 '*volume create data*'

# --- following ----------------------------------------------------------------------------------
as_user_exec "$RL" events --format '{{.Name}} {{.Status}}' >"$T/follow" 2>&1 &
pid=$!
MY_PIDS="$MY_PIDS $pid"
until_follows() { # an event makes it known that it reads
	rl run --rm --name seen "$IMG" true
	grep -q 'seen remove' "$T/follow"
}
check 'new events come at once' soon until_follows
if grep -q 'one create' "$T/follow"; then not_ok 'old ones do not'; else ok 'old ones do not'; fi
# rotation: fill the log with what any writer may write
line='{"v":1,"Type":"volume","Status":"create","Name":"fill","timeNano":1}'
yes "$line" | head -c $((1 << 20)) | sed '$d' >"$T/fill"
chmod 644 "$T/fill"
as_user sh -c "cat $T/fill >>$ROOT/events/log"
rl run --rm --name turned $IMG true
check 'a rotation is survived' wait_for "$T/follow" 'turned remove'
kill $pid
if [ -f "$ROOT/events/log.1" ] && [ "$(stat -c %s "$ROOT/events/log")" -lt 100000 ]; then
	ok 'the log was rotated'
else
	not_ok 'the log was rotated' "$(ls -l "$ROOT/events")"
fi
ev -f event=died --format '{{.Name}}'
expect 'both parts are read' 0 $'one\n*turned'
start=$(date +%s%N)
run rl events --until -1s --since 0s
took=$((($(date +%s%N) - start) / 1000000))
expect '--until ahead of now ends the command' 0
if [ $took -ge 900 ] && [ $took -lt 30000 ]; then ok '... at that time'; else not_ok '... at that time' "$took ms"; fi
printf 'x\0\377 no event\n{"v":1,"Type":"cut' >"$T/junk"
chmod 644 "$T/junk"
as_user sh -c "cat $T/junk >>$ROOT/events/log"
rl run --rm --name after $IMG true
run statuses after
expect 'what is no event is passed over' 0 '*start attach died remove'
rl events --since 1h 2>"$T/err" | head -n 1 >"$T/head" &
soon test -s "$T/head"
rl run --rm $IMG true # what it writes now nobody reads
wait $!
check 'a reader that goes away ends it, without a word' [ -s "$T/head" -a ! -s "$T/err" ]

# --- wrong uses ---------------------------------------------------------------------------------
run rl events -f foo=bar
expect_error 'an unknown filter' "*'foo=bar' is no filter*"
run rl events -f event
expect_error 'a filter without a value' "*'event' is no filter*"
run rl events --since yesterday
expect_error 'no time' "*'yesterday' is no time*"
run rl events --format '{{.Foo'
expect_error 'no template' '*--format*'
ev --format '{{.Foo}}'
if [ "$status" = 125 ]; then ok 'an unknown field'; else not_ok 'an unknown field' "$status $err"; fi
run rl --events-backend file events --stream=false -f container=one -f event=died
expect 'a backend by name' 0 '* died *'
run rl --events-backend syslog events
expect_error 'an unknown backend' "*'syslog'*file, journald or none*"
run rl events word
expect_error 'a word' '*'
leakcheck 'nothing is left'
finish
