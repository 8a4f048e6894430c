#!/bin/bash
# shellcheck disable=SC2154 # status, out and err are set by run
# userns.sh - id maps of containers: every --userns, --uidmap, --gidmap, --subuidname, --me; seen from inside
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
rl run --rm --network none rl-busybox true >/dev/null 2>&1 || rl pull -q localhost/rl-busybox >/dev/null 2>&1
IMG=localhost/rl-busybox
# as strict as a home can be: nothing of the store may be reached by walking there as somebody else
chmod 700 "$T/home"
own_dir "$T/work/b" 700
as_user sh -c 'echo mine >b/f'
q() { run rl run --rm --network none "$@"; }
in_map() { q "$@" sh -c 'cat /proc/self/uid_map | tr -s " "'; }

[ "$(rl run --rm --network none $IMG sh -c 'wc -l </proc/self/uid_map')" -gt 1 ] || skip_all "no subordinate ids"
ids=$(rl run --rm --network none $IMG awk '{ n += $3 } END { print n }' /proc/self/uid_map)

# --- modes -------------------------------------------------------------------------------------------
for m in private host ''; do
	in_map --userns "$m" $IMG
	expect "--userns '$m': all ids" 0 "*0 0 1*1 1 $((ids - 1))"
done
in_map --userns keep-id $IMG
expect "keep-id" 0 " $TEST_UID 0 1*"
q --userns keep-id -v "$T/home:$T/home" -w /tmp $IMG sh -c 'echo $HOME ~'
expect "keep-id: the caller's home, where it is mounted" 0 "$T/home $T/home"
q --userns keep-id --mount "type=bind,src=$T/home,target=$T/home" -w /tmp $IMG sh -c 'echo $HOME'
expect "... with --mount" 0 "$T/home"
q --userns keep-id -v "$T/home:$T/home/other" -w /tmp $IMG sh -c 'echo $HOME'
expect "... else the working folder" 0 /tmp
q --userns keep-id:uid=5,gid=6,size=10 $IMG sh -c 'id -u; id -g; awk "{ n += \$3 } END { print n }" /proc/self/uid_map'
expect "keep-id with ids and a size" 0 $'5\n6\n10'
q --userns keep-id:uid=50,size=10 $IMG true
expect_error "a size that leaves the caller out" "*size=10*leaves out*"
in_map --userns nomap $IMG
expect "nomap: all but the caller" 0 " 0 1 $((ids - 1))"
q --userns nomap -v "$T/work/b:/b" $IMG sh -c 'id -u; stat -c %u /b; cat /b/f; touch /x /etc/hosts && stat -c %u /x /etc/hosts /bin/busybox'
expect "nomap: files are root's, the caller's are nobody's and closed" 0 $'0\n65534\n0\n0\n0' "*Permission denied*"
in_map --userns auto $IMG
expect "auto: 1024 ids" 0 " 0 +([0-9]) 1024"
in_map --userns auto:size=500 $IMG
expect "auto with a size" 0 " 0 +([0-9]) 500"
in_map --userns auto:size=500,uidmapping=3:0:1 $IMG
expect "auto with a line" 0 "*3 0 1*"
rl run -d --name a1 --userns auto:size=3000 --network none $IMG sleep 1000 >/dev/null
rl run -d --name a2 --userns auto:size=3000 --network none $IMG sleep 1000 >/dev/null
maps=$(rl exec a1 cat /proc/self/uid_map && rl exec a2 cat /proc/self/uid_map)
if [ "$(awk '{ for (i = $2; i < $2 + $3; i++) if (seen[i]++) bad = 1 } END { print NR, bad + 0 }' <<<"$maps")" = '2 0' ]; then
	ok "two of auto share no id"
else
	not_ok "two of auto share no id" "$maps"
fi
run rl inspect -f '{{.HostConfig.UsernsMode}} {{index .HostConfig.IDMappings.UidMap 0}}' a1
expect "inspect shows mode and map" 0 "auto:size=3000 0:+([0-9]):3000"
run rl exec a1 sh -c 'id -u; touch /y; stat -c %u /y'
expect "exec" 0 $'0\n0'
run rl run --rm --network none --userns auto:size="$ids" $IMG true
expect_error "no room" "*no $ids ids in a row are free*"
q --userns auto:colour=red $IMG true
expect_error "auto: an unknown word" "*not 'colour=red'*"
rl cp a1:/y "$T/work/y" && check "cp out of it" test -f "$T/work/y"

# --- somebody else's -----------------------------------------------------------------------------------
ns=$(rl exec a1 readlink /proc/self/ns/user)
ns=${ns//[][]/?} # a pattern
q --userns container:a1 -v "$T/work/b:/b" $IMG sh -c 'readlink /proc/self/ns/user; stat -c %u /b; touch /z; stat -c %u /z'
expect "container:NAME" 0 "$ns"$'\n65534\n0'
pid=$(rl inspect -f '{{.State.Pid}}' a1)
q --userns "ns:/proc/$pid/ns/user" $IMG sh -c 'readlink /proc/self/ns/user; touch /z; stat -c %u /z'
expect "ns:PATH" 0 "$ns"$'\n0'
q --userns ns:/proc/self/ns/user $IMG true
expect_error "ns: of the host" "*outside of rl's session*"
q --userns ns:/etc/passwd $IMG true
expect_error "ns: no namespace" "*not a user namespace*"
q --userns container:nosuch $IMG true
expect_error "container: unknown" "*nosuch*"
q --userns container:a1 --uidmap 0:1:2 $IMG true
expect_error "container: with a map" "*has maps already*"
rl rm -f -t 0 a1 a2 >/dev/null

# --- explicit -------------------------------------------------------------------------------------------
in_map --uidmap 0:1:1000 --uidmap 1000:0:1 $IMG
expect "--uidmap" 0 "*0 1 1000"$'\n'" 1000 0 1"
q --uidmap 0:1:1000 --uidmap 1000:0:1 -u 1000 -v "$T/work/b:/b" $IMG sh -c 'id -u; cat /b/f; stat -c %u /bin/busybox; tr -s " " </proc/self/gid_map'
expect "the map of users holds for groups" 0 $'1000\nmine\n0\n 0 1 1000\n 1000 0 1'
in_map --uidmap 0:0:5000 $IMG
expect "cut where the session's lines end" 0 "*0 0 1"$'\n'" 1 1 4999"
in_map --uidmap +60000:7 $IMG
expect "+ extends what is there" 0 "*0 0 1"$'\n'" 1 1 6"$'\n'*$'\n'" 60000 7 1"
first=$(awk -F: -v u="$TEST_USER" '$1 == u { print $2; exit }' /etc/subuid)
if [ -n "$first" ]; then
	in_map --uidmap "5:@$first:2" --uidmap "0:@$TEST_UID" $IMG
	expect "@ is an id of the host" 0 "*5 1 2"$'\n'" 0 0 1"
	in_map --subuidname "$TEST_USER" $IMG
	expect "--subuidname" 0 " 0 1 $((ids - 1))"
fi
q --uidmap 0:1:10 --gidmap g0:2:20 $IMG sh -c 'cat /proc/self/uid_map /proc/self/gid_map | tr -s " "'
expect "both kinds" 0 $' 0 1 10\n 0 2 20'
for bad in "--uidmap 0:1:5 --uidmap 9:1:5:mapped twice" "--uidmap 0:1:9999999:among the" "--uidmap 0:1:0:maps no id" \
	"--uidmap 0:is not IN" "--uidmap 0:x:is not an id" "--uidmap 0:@1:1:neither yours" "--subuidname nosuch:no line for" \
	"--userns keep-id --uidmap 0:0:1:exclude" "--me --userns keep-id:exclude" "--userns nosuch:expected private"; do
	# shellcheck disable=SC2086 # words
	q ${bad%:*} $IMG true
	expect_error "refused: ${bad%:*}" "*${bad##*:}*"
done

# --- --me ------------------------------------------------------------------------------------------------
q --me -u 33:34 -v "$T/work/b:/b" $IMG sh -c 'id -u; id -g; cat /b/f; echo theirs >/b/g; stat -c %u:%g /b/g /bin/busybox'
expect "--me: the container's user is the caller" 0 $'33\n34\nmine\n33:34\n0:0'
if [ "$(stat -c %u:%g "$T/work/b/g")" = "$TEST_UID:$TEST_GID" ]; then ok "--me: its files are the caller's"; else not_ok "--me: its files are the caller's" "$(ls -ln "$T/work/b")"; fi
q --me $IMG id -u
expect "--me as root" 0 0

# --- restart, commit: the map stays ---------------------------------------------------------------------
rl run --name keep --network none --userns nomap $IMG sh -c 'cat /mark 2>/dev/null; echo $((7 + 1)) >/mark; chown 5:6 /mark' >/dev/null
run rl start -a keep
expect "a second start sees the first one's files" 0 8
rl commit -q keep kept >/dev/null
run rl run --rm --network none kept stat -c %u:%g /mark
expect "commit keeps the owners that the container saw" 0 5:6
rl rm keep >/dev/null
# --- owners without a second copy: a file with several names, changed in a layer above; and the copy -------
rl run --name l1 --network none $IMG sh -c 'mkdir /w /w/d; echo one >/w/a; ln /w/a /w/b; ln /w/a /w/c; echo low >/w/d/x; chown 7:8 /w/a; chmod 4751 /w/a
	head -c 3000000 /dev/urandom >/w/big' && rl commit -q l1 one >/dev/null
rl run --name l2 --network none one sh -c 'rm /w/a; echo new >/w/a; rm -r /w/d; mkdir /w/d; echo up >/w/d/y' && rl commit -q l2 two >/dev/null
look='cat /w/a /w/b /w/c /w/d/*; ls /w/d; stat -c "%u:%g %a %s" /w/a /w/b; sha256sum </w/big; echo more >>/w/b; cat /w/b'
want=$(rl run --rm --network none two sh -c "$look")
run rl run --rm --network none --userns nomap two sh -c "$look"
[ "$out" = "$want" ] && [ "$status" = 0 ] && ok "other owners: the same files" || not_ok "other owners: the same files" "$want" "got: $out" "$err"
if [ ! -e "$ROOT/cache/no-flat" ]; then
	big=$(find "$ROOT/layers" -path '*-f*' -name big -printf '%b\n' -quit)
	[ "${big:-9999}" -lt 16 ] && ok "no second copy of the data" || not_ok "no second copy of the data" "$big blocks"
	as_user sh -c "find '$ROOT/layers' -path '*-f*' -name from -exec sh -c 'echo other >\"\$1\"' - {} \;" 2>/dev/null
	run rl run --rm --network none --userns nomap two sh -c "$look"
	[ "$out" = "$want" ] && [ -n "$(find "$ROOT/layers" -maxdepth 1 -name '*-s*' ! -name '*-f*')" ] &&
		ok "one that was made from other layers does not count" || not_ok "one that was made from other layers does not count" "$out" "$err"
else
	skip "no second copy of the data" "this kernel does not follow stubs"
fi
# a layer that hides all below it
rl save -q --format docker-archive -o "$T/work/box.tar" $IMG
python3 - "$T/work/box.tar" "$T/tmp/opq.tar" <<-'EOF' 2>/dev/null
	import hashlib, io, json, sys, tarfile
	def tar(files):
	    b = io.BytesIO()
	    with tarfile.open(fileobj=b, mode="w") as t:
	        for name, data in files:
	            i = tarfile.TarInfo(name)
	            i.size = len(data)
	            t.addfile(i, io.BytesIO(data))
	    return b.getvalue()
	with tarfile.open(sys.argv[1]) as t:
	    read = lambda name: t.extractfile(name).read()
	    m = json.loads(read("manifest.json"))[0]
	    config, layers = json.loads(read(m["Config"])), [read(n) for n in m["Layers"]]
	layers[:0] = [tar([("below", b"hidden")]), tar([(".wh..wh..opq", b"")])]
	config["rootfs"]["diff_ids"] = ["sha256:" + hashlib.sha256(l).hexdigest() for l in layers]
	config.pop("history", None)
	names = ["%d.tar" % i for i in range(len(layers))]
	m = [{"Config": "c.json", "RepoTags": ["localhost/opq:latest"], "Layers": names}]
	files = [("manifest.json", json.dumps(m).encode()), ("c.json", json.dumps(config).encode())]
	open(sys.argv[2], "wb").write(tar(files + list(zip(names, layers))))
EOF
if rl load -q -i "$T/tmp/opq.tar" >/dev/null 2>&1; then
	want_top=$(rl run --rm --network none opq ls /)
	run rl run --rm --network none --userns nomap opq ls /
	[ "$status" = 0 ] && [ "$out" = "$want_top" ] && [[ $out != *below* ]] && ok "what a layer hides as a whole stays hidden" ||
		not_ok "what a layer hides as a whole stays hidden" "$out" "$err"
else
	skip "what a layer hides as a whole stays hidden" "no python3"
fi
as_user sh -c "uname -r | tr -d '\n' >'$ROOT/cache/no-flat'"
run rl run --rm --network none --uidmap 0:2:2000 two sh -c "$look"
[ "$out" = "$want" ] && [ "$status" = 0 ] && ok "and where the kernel cannot: by a copy" || not_ok "and where the kernel cannot: by a copy" "$want" "got: $out" "$err"
rl rm l1 l2 >/dev/null
leakcheck "nothing is left"
finish
