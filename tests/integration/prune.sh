#!/bin/bash
# shellcheck disable=SC2154 # status, out and err are set by run
# prune.sh - container, image, volume and system prune: the question, what goes, what stays; system df
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
cp "$(image alpine)" "$T/alpine.tar"
rl load -q -i "$T/alpine.tar" >/dev/null

up=$(rl run -d --name up -v used:/u alpine sleep 1000)
ended=$(rl create --name ended -l keep=no alpine true)
rl start ended >/dev/null && rl wait ended >/dev/null
created=$(rl create --name created -l keep=yes alpine true)

# --- containers -------------------------------------------------------------------------------------
question='Are you sure you want to continue? ?y/N? '
for answer in n N no x; do
	run rl container prune <<<"$answer"
	expect "the answer '$answer'" 0 "WARNING! This will remove all non running containers."$'\n'"$question" ''
done
run rl container prune </dev/null
expect "no answer" 125 "*$question" '*no answer*-f*'
run rl ps -aq --no-trunc
if [ "$(wc -l <<<"$out")" = 3 ]; then ok "all are there"; else not_ok "all are there" "$out"; fi
run rl container prune -f --filter until=1h
expect "none is that old" 0 '' ''
run rl container prune -f --filter label=keep=no
expect "by label" 0 "$ended" ''
run rl container prune -f --filter 'label!=keep'
expect "by no label" 0 '' ''
run rl container prune -f --filter status=exited
expect_error "not every filter" "*'status=exited' is no filter for prune*"
run rl container prune -f --filter until=soon
expect_error "no time" "*soon*"
run rl container prune <<<y
expect "yes" 0 "WARNING*$question$created" ''
run rl ps -aq --no-trunc
expect "the running one stays" 0 "$up" ''
run rl container prune x
expect_error "words" "*"
run rl container exists up
expect "container exists" 0 '' ''
run rl container exists ended
expect "container exists: no" 1 '' ''
rl create --name broken alpine true >/dev/null
for f in "$ROOT"/containers/*/state.json; do
	grep -q '"broken"' "$f" && printf garbage >"$f"
done
run rl container prune -f
if [ "$status" = 0 ]; then ok "a damaged one"; else not_ok "a damaged one" "$out" "$err"; fi

# --- images -----------------------------------------------------------------------------------------
id=$(rl images -q --no-trunc | head -n 1)
id=${id#sha256:}
run rl image prune <<<n
expect "image prune: the question" 0 "WARNING! This command removes all dangling images.*$question" ''
run rl image prune -f
expect "none is dangling" 0 '' ''
run rl image prune -af
expect "-a: one is in use" 0 '' ''
rl rm -f -t 0 up >/dev/null
run rl image prune -a --filter label=nosuch -f
expect "by label" 0 '' ''
rl untag alpine
run rl images --format '{{.Repository}}:{{.Tag}}'
expect "untagged" 0 '<none>:<none>' ''
run rl image prune -f
expect "a dangling one goes" 0 "$id" ''
run rl image exists "$id"
expect "image exists: no" 1 '' ''
if [ -z "$(ls "$ROOT/layers")" ]; then ok "with its layers"; else not_ok "with its layers" "$(ls -A "$ROOT/layers")"; fi
run rl image prune -f --filter colour=red
expect_error "an unknown filter" "*colour=red*"
for what in container image system; do
	run rl $what prune --filter colour=red </dev/null
	expect_error "$what prune: it is told before anything is asked" "*colour=red*"
done

# --- volumes ----------------------------------------------------------------------------------------
rl load -q -i "$T/alpine.tar" >/dev/null
anon=$(rl volume create)
rl volume create -l tmp named >/dev/null
run rl volume prune <<<n
expect "volume prune lists them" 0 "WARNING*"$'\n'"$anon"$'\n'"$question" ''
run rl volume prune -f
expect "only anonymous ones" 0 "$anon" ''
run rl volume prune
expect "nothing to ask for" 0 'No dangling volumes found' ''
run rl create --name holder -v named:/n alpine true
run rl volume prune -af
expect "-a: unused ones" 0 used ''
rl rm holder >/dev/null
run rl volume prune -f --filter all=true --filter label=other
expect "filter all=true, another label" 0 '' ''
run rl volume prune -f --filter all=true --filter label=tmp
expect "filter all=true" 0 named ''

# --- system -----------------------------------------------------------------------------------------
run rl run --name writer -v /anon -v stays:/s alpine sh -c 'head -c 50000 /dev/zero >/x; echo hello >/s/f'
writer=$(rl ps -aq --no-trunc)
run rl system df --format '{{.Type}} {{.Total}} {{.Active}} {{.Size}} {{.Reclaimable}}'
expect "system df" 0 "Images 1 1 *MB 0B (0%)"$'\n'"Containers 1 0 50kB 50kB (100%)"$'\n'"Local Volumes 2 2 6B 0B (0%)" ''
run rl system df
expect "its table" 0 "TYPE * TOTAL  ACTIVE  SIZE * RECLAIMABLE"$'\n'"Images *" ''
run rl system df -v
expect "system df -v" 0 "Images space usage:*docker.io/library/alpine  latest*Containers space usage:*writer*Local Volumes space usage:*stays * 1 * 6B" ''
run rl system df --format json
if jq -e '[.[] | .Type] == ["Images", "Containers", "Local Volumes"] and .[1].RawSize == 50000' <<<"$out" >/dev/null; then
	ok "system df --format json"
else
	not_ok "system df --format json" "$out"
fi
run rl system df -v --format json
expect_error "-v and --format" "*exclude each other*"
run rl system df x
expect_error "words" "*"
run rl system prune <<<n
expect "system prune asks" 0 "WARNING! This command removes:*stopped containers*dangling images*$question" ''
anon=$(rl volume ls -q --filter anonymous=true)
run rl system prune -f --volumes
expect "containers and anonymous volumes" 0 "Deleted Containers"$'\n'"$writer"$'\n'"Deleted Volumes"$'\n'"$anon"$'\n'"Total reclaimed space: 50kB" ''
run rl system prune -af
expect "and images" 0 "Deleted Images"$'\n'"$id"$'\n'"Total reclaimed space: *MB" ''
run rl volume ls -q
expect "a volume with a name stays" 0 stays ''
run rl system prune -f
expect "nothing left to do" 0 'Total reclaimed space: 0B' ''
run rl system df --format '{{.Total}}'
expect "an empty store" 0 $'0\n0\n1' ''
leakcheck "nothing is left"
finish
