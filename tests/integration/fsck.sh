#!/bin/bash
# shellcheck disable=SC2154 # status, out and err are set by run
# fsck.sh - rl fsck: a whole store stays as it is; each damage is told, mended or left for a pull
#
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/integration/scripted.sh
. "$(dirname "$0")/scripted.sh"
requests() { grep -c "\"path\": \"/v2/$1/$2" "$R/log"; } # REPO KIND
# all but the time of the folder that layers are unpacked beside each other in
listing() { (cd "$ROOT" && find . -printf '%p %y %m %U:%G %s %T@ %C@\n' | grep -v '^./layers d ' | sort); }

run rl fsck
expect "a store with nothing in it" 0 '' '?(Warning: only one user id*)'
cp "$(image alpine)" "$T/alpine.tar"
rl load -q -i "$T/alpine.tar" >/dev/null
id=$(rl pull -q "$H/ok")
image=$ROOT/images/$id
hex=$(grep -o '"diff_ids":\["sha256:[0-9a-f]*' "$image/image.json" | grep -o '[0-9a-f]*$')
layer=$(echo "$ROOT/layers/$hex"-*)
name=$ROOT/names/$H/ok/:latest
short=${id:0:12}
ctr=$(rl create --name keeps alpine true)

# --- must not: touch what is whole ---
before=$(listing)
run rl fsck
expect "a whole store" 0 '' ''
run rl system check --repair
expect "the other name, and nothing to repair" 0 '' ''
# the lock's own file may come with the first repair
if [ "$before" = "$(listing | grep -v '^./layers/.gc ')" ] || [ "$before" = "$(listing)" ]; then
	ok "nothing is changed"
else
	not_ok "nothing is changed" "$(diff <(echo "$before") <(listing))"
fi
run rl fsck alpine
expect_error "takes no words" "*"

# --- files of a layer ---
file=$(find "$layer/diff" -type f -size +1k | sort | head -n 1)
date=$(stat -c %y "$file")
printf x | as_user dd of="$file" bs=1 seek=100 conv=notrunc status=none
touch -d "$date" "$file"
run rl fsck --quick
expect "--quick does not look at files" 0 '' ''
run rl fsck
expect "one byte of a file" 1 "layer ${hex:0:12}: '${file#"$layer"/diff/}' is not what came: 'rl fsck --repair' unpacks it anew" ''
run rl fsck -r
expect "is repaired without a registry" 0 "layer ${hex:0:12}: *unpacked anew" ''
run rl fsck
expect "whole again" 0 '' ''
touch "$layer/diff/more"
run rl fsck -r
expect "a file too many" 0 "layer ${hex:0:12}: 'more' is not what came: unpacked anew" ''
rm -f "$file"
chmod 700 "$layer/diff"
run rl fsck -r
expect "a file too few, another mode" 0 "*is not what came: unpacked anew" ''
run rl fsck
expect "whole again" 0 '' ''

# --- a packed layer ---
blob=$(find "$ROOT/blobs/sha256" -type f -size +0 | head -n 1)
printf x | dd of="$blob" bs=1 seek=100 conv=notrunc status=none
run rl fsck --quick
expect "--quick does not read packed layers" 0 '' ''
before=$(listing)
run rl fsck
b=$(basename "$blob")
expect "a damaged packed layer" 1 "packed layer ${b:0:12} is damaged: 'rl fsck --repair' removes it*" ''
run rl fsck -q
expect "quiet" 1 '' ''
[ "$before" = "$(listing)" ] && ok "looking changes nothing" || not_ok "looking changes nothing"
run rl fsck -r
expect "removed" 0 "packed layer ${b:0:12} is damaged: removed*" ''
run rl fsck
expect "whole again" 0 '' ''

# --- layer.json ---
truncate -s 20 "$layer/layer.json"
run rl fsck
expect "a truncated layer.json" 1 "layer ${hex:0:12}: layer.json is damaged: after 'rl fsck --repair': 'rl pull $H/ok:latest' fetches it" ''
run rl fsck -r
expect "the layer is removed" 1 "layer ${hex:0:12}: layer.json is damaged, removed: 'rl pull $H/ok:latest' fetches it" ''
run rl fsck
expect "and told as missing" 1 "layer ${hex:0:12} of image $short is missing: 'rl pull $H/ok:latest' fetches it" ''
: >"$R/log"
run rl pull -q "$H/ok"
expect "pull" 0 "$id" ''
[ "$(requests ok blobs)" -le 2 ] && [ -e "$layer/layer.json" ] && ok "brings it" || not_ok "brings it" "$(cat "$R/log")"
run rl fsck
expect "whole by the pull" 0 '' ''
truncate -s 0 "$ROOT"/layers/*/layer.json
run rl fsck -r
expect "what a container uses stays" 1 "*layer.json is damaged: container ${ctr:0:12} uses it*" ''
base=$(rl image inspect -f '{{index .RootFS.Layers 0}}' alpine)
compgen -G "$ROOT/layers/${base#sha256:}-*/diff" >/dev/null && ok "it is there" || not_ok "it is there"
rl rm keeps >/dev/null
rl fsck -rq
rl load -q -i "$T/alpine.tar" >/dev/null
run rl pull -q "$H/ok"
expect "pull again" 0 "$id" ''
run rl fsck
expect "whole by the load" 0 '' ''

# --- records ---
printf '{' >"$image/image.json"
run rl fsck
expect "image.json" 1 "image $short: image.json is damaged: 'rl fsck --repair' or 'rl pull $H/ok:latest' mends it" ''
run rl fsck -r
expect "written anew" 0 "image $short: image.json was damaged: written anew" ''
run rl run --rm "$H/ok" true
[ "$status" != 125 ] && ok "the image is usable" || not_ok "the image is usable" "$err"
for f in config manifest; do
	cp "$image/$f.json" "$T/was"
	printf ' ' >>"$image/$f.json"
	run rl fsck
	expect "$f.json" 1 "image $short: $f.json is damaged: 'rl pull $H/ok:latest' fetches it" ''
	run rl fsck -r
	expect "$f.json removed" 1 "image $short: $f.json is damaged, removed: *" ''
	run rl fsck
	expect "$f.json missing" 1 "image $short: $f.json is missing: *" ''
	rl pull -q "$H/ok" >/dev/null
	cmp -s "$image/$f.json" "$T/was" && ok "$f.json is back" || not_ok "$f.json is back"
	printf ' ' >>"$image/$f.json"
	rl pull -q "$H/ok" >/dev/null
	cmp -s "$image/$f.json" "$T/was" && ok "a pull alone mends $f.json" || not_ok "a pull alone mends $f.json"
done
run rl fsck
expect "whole by pulls" 0 '' ''

# --- names ---
printf garbage >"$name"
run rl fsck
expect "a damaged name" 1 "name '$H/ok:latest' is damaged: 'rl pull $H/ok:latest' fetches it" ''
run rl fsck -r
expect "a damaged name goes" 0 "name '$H/ok:latest' is damaged, removed*" ''
rl pull -q "$H/ok" >/dev/null
mkdir -p "$ROOT/names/r.example/a"
sed "s/$id/$(printf 0%.0s {1..64})/" "$name" >"$ROOT/names/r.example/a/:1"
chown -R "$TEST_UID:$TEST_GID" "$ROOT/names/r.example" 2>/dev/null
run rl fsck
expect "a dangling name" 1 "name 'r.example/a:1' leads to an image that is not there*" ''
run rl fsck -r
expect "a dangling name goes" 0 "name 'r.example/a:1' leads to an image that is not there, removed*" ''
[ ! -e "$ROOT/names/r.example" ] && ok "with its folder" || not_ok "with its folder"

# --- what was left behind, and what somebody may be at ---
as_user mkdir "$ROOT/images/.tmp-0011223344556677" "$ROOT/layers/.tmp-0011223344556677" "$ROOT/layers/.trash-1"
as_user touch "$name.tmp-0123456789abcdef"
run rl fsck
expect "they may belong to somebody" 0 '' ''
as_user touch -d '5 minutes ago' "$ROOT"/{images,layers}/.t*-* "$name".tmp-*
run rl fsck
[ "$status$(grep -c "temporary file of nobody: 'rl fsck --repair' removes it" <<<"$out")" = 14 ] &&
	ok "temporary files" || not_ok "temporary files" "$status" "$out" "$err"
run rl fsck -r
expect "removed" 0 "*: removed" ''
if compgen -G "$ROOT/*/.t*-*" >/dev/null || [ -e "$name.tmp-0123456789abcdef" ]; then not_ok "all of them"; else ok "all of them"; fi

# --- containers ---
c=$(rl create alpine true)
truncate -s 10 "$ROOT/containers/$c/state.json"
run rl fsck -r
expect "a container's record" 1 "container ${c:0:12}: state.json is damaged: 'rl rm -f ${c:0:12}' removes it" ''
run rl rm -f "${c:0:12}"
expect "what the line says helps" 0 '*' '*'
run rl fsck
expect "all is whole" 0 '' ''

# --- a pull at work ---
exec 9>"$ROOT/layers/.gc"
flock -s 9
run rl fsck -r
expect_error "no repair during a pull" "*at work in this store*"
run rl fsck
expect "looking goes on" 0 '' ''
exec 9>&-
leakcheck "nothing is left"
finish
