#!/bin/bash
# pull.sh - rl pull and rl load: output, policies, platforms, logins, many at once, little space
#
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/integration/scripted.sh
. "$(dirname "$0")/scripted.sh"
id_pattern='+([0-9a-f])'
requests() { grep -c "\"path\": \"/v2/$1/$2" "$R/log"; } # REPO KIND
forget() { rm -rf "$T/home/store"; }

# --- what it prints ---
run rl pull "$H/ok"
expect "id on stdout, steps on stderr" 0 "$id_pattern" \
	"Trying to pull $H/ok:latest...
Copying config $id_pattern
Copying blob $id_pattern (1.05 MB)
Writing manifest to image destination"
id=$out
[ ${#id} = 64 ] && ok "the id has 64 digits" || not_ok "the id has 64 digits" "$id"
: >"$R/log"
run rl pull -q "$H/ok"
expect "again, quiet" 0 "$id" ""
[ "$(requests ok blobs)" = 0 ] && ok "what is there is not fetched" || not_ok "fetched again" "$(cat "$R/log")"
run rl pull -q "docker://$H/ok" "$H/nosuch" "$H/index-ok"
expect "several: the good ones come, the status tells" 125 "$id
$id_pattern" "Error: pull '$H/nosuch': manifest unknown*"
digest=$(grep -o 'sha256:[0-9a-f]*' "$ROOT/names/$H/ok/:latest" | head -n 1)
run rl pull -q "$H/ok@$digest"
expect "by digest" 0 "$id" ""
run rl pull -q "$H/ok@sha256:$(printf '0%.0s' {1..64})"
expect_error "by a digest that is not there" "*manifest unknown*"
run rl pull
expect_error "no name" "*needs IMAGE*"
run rl pull "$H/UPPER"
expect_error "a bad name" "*"
run rl pull --policy sometimes "$H/ok"
expect_error "a bad policy" "*unknown pull policy 'sometimes'*"
run rl pull --retry-delay x "$H/ok"
expect_error "a bad delay" "*--retry-delay*"
run rl pull --authfile /nonexistent "$H/ok"
expect_error "an auth file that is not there" "*'/nonexistent'*"

# --- platforms ---
run rl pull -q --platform linux/s390x "$H/index-no-arch"
expect "another platform" 0 "$id_pattern" ""
run rl pull -q --arch riscv64 "$H/index-ok"
expect_error "one that is not there" "*linux/riscv64; there are: linux/s390x, linux/amd64*"
run rl pull -q "$H/other-arch"
expect "no index, another machine's image: a warning" 0 "$id_pattern" "Warning: *s390x*"
run rl pull -q --platform linux/amd64 "$H/other-arch"
expect_error "no index, and the platform was asked for" "*linux/amd64; there are: linux/s390x*"
run rl pull --platform linux/amd64 --arch arm64 "$H/ok"
expect_error "platform twice" "*--platform*"

# --- policies ---
: >"$R/log"
run rl pull -q --policy missing "$H/ok"
expect "missing: it is there" 0 "$id" ""
check "missing: nobody was asked" test ! -s "$R/log"
run rl pull -q --policy never "$H/bearer"
expect_error "never" "*image not known*never*"
run rl pull -q --policy newer "$H/ok"
expect "newer: asked" 0 "$id" ""
run rl pull -q --policy newer --retry 0 "localhost:1/x"
expect_error "newer: neither there nor here" "*localhost:1*"

# --- logins ---
mkdir -p "$T/helpers"
printf '{"auths":{"%s/basic":{"auth":"%s"},"%s":{"auth":"%s"}}}' "$H" "$(printf alice:secret-of-alice | base64)" \
	"$H" "$(printf alice:wrong | base64)" >"$T/work/auth.json"
run rl pull -q --authfile auth.json "$H/basic"
expect "--authfile, the longest key wins" 0 "$id_pattern" ""
forget
own_dir "$T/home/.docker" 700
printf '{"auths":{"https://%s/v2/":{"auth":"%s"}}}' "$H" "$(printf alice:secret-of-alice | base64)" >"$T/home/.docker/config.json"
chmod 644 "$T/home/.docker/config.json"
run rl pull -q "$H/basic"
expect "config.json of docker" 0 "$id_pattern" ""
echo '{"credHelpers":{"'"$H"'":"rl-test-no-such"}}' >"$T/home/.docker/config.json"
run rl pull -q "$H/basic"
expect_error "a helper that is not there" "*docker-credential-rl-test-no-such*"
echo '{"credsStore":"../../bin/sh"}' >"$T/home/.docker/config.json"
run rl pull -q "$H/basic"
expect_error "a helper's name that is a path" "*is no helper's name*"
rm -r "$T/home/.docker"
: >"$T/cmdlines"
as_user "$RL" pull -q --authfile auth.json "$H/slow-400000" >/dev/null 2>&1 &
pid=$!
while kill -0 "$pid" 2>/dev/null && [ "$(grep -o rl-image "$T/cmdlines" | wc -l)" -lt 8 ]; do
	find /proc/[0-9]*/exe -maxdepth 0 -lname "$T/i/*" 2>/dev/null | while read -r f; do
		cat "${f%exe}cmdline" "${f%exe}environ" | tr '\0' ' ' >>"$T/cmdlines"
	done 2>/dev/null
	sleep 0.05
done
wait "$pid"
check "the helper was seen" grep -q rl-image "$T/cmdlines"
check "no secret in arguments or environment" bash -c "! grep -qE 'secret-of-alice|YWxpY2U6' '$T/cmdlines'"

# --- short names, mirrors ---
cat >"$config/registries.conf" <<-END
	unqualified-search-registries = ["localhost:1", "$H"]
	short-name-mode = "permissive"
	[[registry]]
	prefix = "mirrored.example"
	location = "$H"
	[[registry.mirror]]
	location = "localhost:1"
	[[registry]]
	prefix = "blocked.example"
	blocked = true
END
run rl pull -q --retry 0 mirrored.example/ok
expect "a dead mirror is passed over" 0 "$id_pattern" "Warning: mirror localhost:1: *"
run rl pull -q --retry 0 bearer
expect "the second search registry has it" 0 "$id_pattern" "Warning: *trying the next place"
run rl pull -q blocked.example/x
expect_error "blocked" "*blocked*"
rm "$config/registries.conf"

# --- many at once ---
forget
: >"$R/log"
for i in 1 2 3 4 5 6; do rl pull -q "$H/slow-2000000" >"$T/many.$i" 2>&1 & pids[i]=$!; done
bad=0
for i in 1 2 3 4 5 6; do wait "${pids[i]}" || bad=1; done
[ $bad = 0 ] && [ "$(sort -u "$T"/many.* | wc -l)" = 1 ] && ok "six pulls of one image" || not_ok "six pulls of one image" "$(cat "$T"/many.*)"
n=$(grep '"path": "/v2/slow-2000000/blobs' "$R/log" | sort | uniq -c | sort -n | tail -n 2 | awk '{print $1}' | head -n 1)
[ "$n" = 1 ] && ok "its layer was fetched once" || not_ok "its layer was fetched $n times"

# --- killed, and gone on with ---
parts() { find "$ROOT/blobs/sha256" -name '.part-*' -size "+$1" 2>/dev/null; }
for signal in KILL TERM; do
	forget
	: >"$R/log"
	as_user_exec "$RL" pull -q "$H/slow-900000" >/dev/null 2>&1 &
	pid=$!
	MY_PIDS="$MY_PIDS $pid"
	for _ in {1..200}; do
		[ -z "$(parts 200k)" ] || break
		sleep 0.05
	done
	kill -$signal "$(leftover_processes | awk '/rl-image/ { print $2; exit }')"
	wait $pid
	[ -n "$(parts 200k)" ] && ok "$signal: what has come stays" || not_ok "$signal: what has come stays" "$(find "$ROOT/blobs")"
	run rl pull -q "$H/slow-900000"
	expect "$signal: the next pull" 0 "$id_pattern" ""
	check "$signal: it goes on from there" grep -qE '"Range": "bytes=[2-9][0-9]{5}-' "$R/log"
	[ -z "$(parts 0)" ] && ok "$signal: the part is a whole now" || not_ok "$signal: the part is a whole now" "$(parts 0)"
done
: >"$R/log"
chmod -R u+rwX "$ROOT/layers" && rm -rf "$ROOT"/layers/[a-f0-9s]*
run rl pull -q "$H/slow-900000"
expect "the unpacked layer is gone, the packed one is here" 0 "$id_pattern" ""
[ "$(requests slow-900000 blobs)" = 0 ] && ok "nothing was fetched" || not_ok "nothing was fetched" "$(cat "$R/log")"
blob=$(find "$ROOT/blobs/sha256" -type f -size +500k)
rm -rf "$ROOT"/layers/[a-f0-9s]*
printf x | dd of="$blob" bs=1 seek=500000 conv=notrunc 2>/dev/null
run rl pull -q "$H/slow-2000000" "$H/slow-900000"
expect "both are damaged: fetched again" 0 "$id_pattern
$id_pattern" ""
run rl fsck
expect "the store is whole" 0
as_user mkdir -p "$ROOT/blobs/sha256"
as_user dd if=/dev/urandom of="$ROOT/blobs/sha256/.part-$(sha256sum </dev/null | cut -c1-64)" bs=1k count=10 2>/dev/null
as_user touch -d '2 days ago' "$ROOT/blobs/sha256/.part-$(sha256sum </dev/null | cut -c1-64)"
run rl pull -q "$H/ok"
[ -z "$(parts 0)" ] && ok "parts that nobody came back for are removed" || not_ok "parts that nobody came back for" "$(parts 0)"

# --- another user's store ---
rm -rf "$T/other"
cp -r "$ROOT" "$T/other" && chmod -R a+rX "$T/other"
printf '[storage]\n[storage.options]\nadditionalimagestores = ["/nonexistent", "%s"]\n' "$T/other" >"$config/storage.conf"
forget
: >"$R/log"
run rl pull -q "$H/slow-900000"
expect "layers of another store" 0 "$id_pattern" ""
[ "$(requests slow-900000 blobs)" = 1 ] && ok "are not fetched" || not_ok "are not fetched" "$(cat "$R/log")"
run rl fsck
expect "and are whole here" 0
for blob in "$T"/other/blobs/sha256/*; do printf x | dd of="$blob" bs=1 seek=5000 conv=notrunc 2>/dev/null; done
forget
run rl pull -q "$H/slow-900000"
expect "a layer that is damaged there" 0 "$id_pattern" "?(Warning: *is not used: *)"
run rl fsck
expect "is fetched" 0
echo '[storage.options]
additionalimagestores = "x"' >"$config/storage.conf"
run rl pull -q "$H/ok"
expect_error "a storage.conf that makes no sense" "*storage.conf line 2: *is not a list*"
rm -r "$config/storage.conf" "$T/other"

# --- little space ---
if [ "$(id -u)" = 0 ]; then
	forget
	mkdir -p "$ROOT"
	mount -t tmpfs -o "size=600k,mode=700,uid=$TEST_UID,gid=$TEST_GID" tmpfs "$ROOT"
	at_end+=("umount -l $ROOT")
	run rl pull -q "$H/ok"
	expect_error "no space for the layer: said before it is fetched" "*no space: the layers have 1.05 MB, '*' has * left*RL_ROOT*"
	mount -o remount,size=1200k "$ROOT"
	run rl pull -q "$H/fat"
	expect_error "the disk fills up within a layer" "*No space left on device*"
	left=$(find "$ROOT/layers" -name '.tmp-*')
	[ -z "$left" ] && ok "its staging is gone" || not_ok "its staging is gone" "$left"
	mount -o remount,size=16m "$ROOT"
	run rl pull -q "$H/ok"
	expect "with space it comes" 0 "$id"
	umount "$ROOT"
else
	skip "little space" "needs root to mount"
fi

# --- load ---
forget
run rl load -i "$T/i/share/rl/rl-busybox.tar"
expect "the embedded image" 0 "Loaded image: localhost/rl-busybox:latest" "Loading image *"
forget
run rl pull -q localhost/rl-busybox
expect "it needs no registry" 0 "$id_pattern" ""
run rl load -q <"$T/i/share/rl/rl-busybox.tar"
expect "from stdin" 0 "Loaded image: localhost/rl-busybox:latest" ""
mkdir "$T/x" "$T/x/layout" && tar -xf "$T/i/share/rl/rl-busybox.tar" -C "$T/x/layout" && chmod -R a+rX "$T/x"
sed -i 's,localhost/rl-busybox:latest,other.example/b:1,' "$T/x/layout/index.json"
run rl load -q -i "$T/x/layout"
expect "an OCI layout" 0 "Loaded image: other.example/b:1" ""
run rl pull -q "oci:$T/x/layout:other.example/b:1"
expect "pull oci:FOLDER:NAME" 0 "$id_pattern" ""
forget
run rl run --rm --network none "oci:$T/x/layout:other.example/b:1" echo from a layout
expect "run oci:FOLDER:NAME" 0 "from a layout"
run rl run --rm --network none "oci-archive:$T/i/share/rl/rl-busybox.tar" echo from an archive
expect "run oci-archive:FILE" 0 "from an archive"
run rl save -q --format docker-dir -o "$T/work/d" other.example/b:1
run rl run --rm --network none "dir:$T/work/d" echo from a folder
expect "run dir:FOLDER" 0 "from a folder"
run rl run --rm --network none docker://other.example/b:1 echo here
expect "run docker://NAME that is here" 0 here ""
run rl pull -q containers-storage:other.example/b:1
expect "containers-storage: is what is here" 0 "$id_pattern" ""
run rl run --pull never "oci:$T/x/layout" true
expect_error "run from a folder and --pull never" "*cannot be used with '--pull never'*"
run rl run docker-daemon:x true
expect_error "run: a transport of others" "*'docker-daemon:'*docker://*"
run rl pull -q "oci:$T/x/layout:nothere"
expect_error "pull oci:FOLDER:NAME, not in it" "*no image 'nothere' in it*"
sed -i 's,other.example/b:1,'"$H/ok:latest"',' "$T/x/layout/index.json"
run rl pull -q "$H/ok"
run rl load -q -i "$T/x/layout"
expect "a name that moves is told" 0 "Loaded image: $H/ok:latest" "Warning: '$H/ok:latest' was image $id_pattern and now is $id_pattern"
sed -i 's,'"$H/ok:latest"','"$H/ok@$digest"',' "$T/x/layout/index.json"
run rl load -q -i "$T/x/layout"
expect_error "an archive cannot name by digest" "*by digest*"
sed -i 's,"org.opencontainers.image.ref.name":"[^"]*","org.opencontainers.image.ref.name":"../../x",;s,"'"$H/ok@$digest"'","../../x",' "$T/x/layout/index.json"
run rl load -q -i "$T/x/layout"
expect_error "a name that is a path" "*"
big=$(find "$T/x/layout/blobs" -type f -size +100k)
printf x | dd of="$big" bs=1 seek=5000 conv=notrunc 2>/dev/null
sed -i 's,"../../x","a:1",' "$T/x/layout/index.json"
forget
run rl load -q -i "$T/x/layout"
expect_error "a layer that was changed" "*wrong digest*"
tar -cf "$T/x/empty.tar" -C "$T/x" --files-from /dev/null
run rl load -i "$T/x/empty.tar"
expect_error "an empty archive" "*neither a docker-archive nor an OCI layout*"
head -c 100000 "$T/i/share/rl/rl-busybox.tar" >"$T/x/cut.tar"
run rl load -i "$T/x/cut.tar"
expect_error "an archive that is cut" "*"
run rl load -i "$SRC/README.md"
expect_error "no archive" "*"
run rl load -i /nonexistent
expect_error "no such file" "*'/nonexistent': No such file*"
mkfifo "$T/work/fifo" && chmod 666 "$T/work/fifo"
sleep 30 >"$T/work/fifo" &
sleeper=$!
MY_PIDS="$MY_PIDS $sleeper"
# a job of the shell has SIGINT ignored; it is sent when the helper waits for it
as_user_exec env --default-signal=INT "$RL" load -i fifo >/dev/null 2>"$T/err" &
pid=$!
MY_PIDS="$MY_PIDS $pid"
takes_int() {
	local f
	f=$(find /proc/[0-9]*/exe -maxdepth 0 -lname "$T/i/*/rl-image" 2>/dev/null | head -n 1)
	grep -q '^SigBlk:.*[2367abef]$' "${f%exe}status"
}
soon takes_int
kill -INT "$pid"
wait "$pid"
status=$?
[ $status != 0 ] && grep -q interrupted "$T/err" && ok "Ctrl-C ends a load that waits for its archive" || not_ok "Ctrl-C ends a load" "$(cat "$T/err")"
kill $sleeper
run rl pull sif:/tmp
expect_error "a transport of others" "*'sif:'*docker://*"
left=$(find "$ROOT/layers" -mindepth 1 ! -name .gc 2>/dev/null)
[ -z "$left" ] && ok "failed loads leave nothing" || not_ok "failed loads leave nothing" "$left"
leakcheck "nothing is left behind"
finish
