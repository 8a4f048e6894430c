#!/bin/bash
# shellcheck disable=SC2154 # status, out and err are set by run
# volume.sh - volumes: made, listed, used, removed; who uses one is known; anonymous ones go with --rm
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
cp "$(image alpine)" "$T/alpine.tar"
rl load -q -i "$T/alpine.tar" >/dev/null

# --- create -----------------------------------------------------------------------------------------
run rl volume create hdata
expect "create prints the name" 0 hdata ''
run rl volume create hdata
expect_error "a second one of the name" "*'hdata' exists already*--ignore*"
run rl volume create --ignore hdata
expect "--ignore" 0 hdata ''
run rl volume create -l app=web -l tier=1 labelled
expect "labels" 0 labelled ''
run rl volume create
expect "without a name: a random one" 0 "$(printf '[0-9a-f]%.0s' {1..64})" ''
random=$out
for name in '' a/b ../x .x 'a b' "$(printf 'a%.0s' {1..300})"; do
	run rl volume create "$name"
	expect_error "bad name '${name:0:10}'" '*name*'
done
run rl volume create --driver nfs x
expect_error "an unknown driver" "*no volume driver 'nfs'*"
run rl volume create -o type=ext4 -o device=/dev/sda x
expect_error "a file system for root only" "*'ext4'*root*"
run rl volume create -o colour=red x
expect_error "an unknown option" "*'colour=red' is no option*"
run rl volume create -o o=bind x
expect_error "bind without a folder" "*device=*absolute path*"
run rl volume create a b
expect_error "two names" "*'b'*"
run rl volume create --uid x5 x
expect_error "a bad owner" "*'--uid x5' is not an id*"
run rl volume create -o o=size=5m x
expect_error "a quota" "*quotas*root*tmpfs*"

# --- ls ---------------------------------------------------------------------------------------------
run rl volume ls
expect "ls" 0 "DRIVER  VOLUME NAME"$'\n'"local   $random"$'\n'"local   hdata"$'\n'"local   labelled" ''
run rl volume ls -n -q
expect "ls -q" 0 "$random"$'\n'hdata$'\n'labelled ''
run rl volume list --filter label=app=web --format '{{.Name}}: {{.Labels.tier}} {{.Driver}} {{.Scope}}'
expect "ls --format, label filter" 0 'labelled: 1 local local' ''
run rl volume ls -q --filter 'label!=app' --filter anonymous=false
expect "different keys: all must match" 0 hdata ''
run rl volume ls -q --filter name=^hdat --filter name=^lab
expect "the same key: either" 0 hdata$'\n'labelled ''
run rl volume ls -q --filter since=hdata --filter anonymous=false
expect "since" 0 labelled ''
run rl volume ls -q --filter until=1h
expect "until" 0 '' ''
run rl volume ls --filter since=nosuch
expect_error "since an unknown one" "*nosuch*no such volume*"
run rl volume ls --filter size=3
expect_error "an unknown filter" "*'size=3' is no filter*"
run rl volume ls --filter dangling=maybe
expect_error "a bad value" "*neither true nor false*"
run rl volume ls --filter name=labelled --format '{{.Anonymous}} {{.Status}} {{.Timeout}} {{.Links}} {{.Label "tier"}}'
expect "fields that the JSON leaves out" 0 'false map\[\] 0 N/A 1' ''
run rl volume ls -q --format json
expect_error "-q and --format" "*exclude each other*"
run rl volume ls --format json
if jq -e 'length == 3 and .[1].Name == "hdata" and (.[1].Mountpoint | endswith("/volumes/hdata/_data")) and .[0].Anonymous' \
	<<<"$out" >/dev/null; then ok "ls --format json"; else not_ok "ls --format json" "$out"; fi
printf garbage >"$ROOT/volumes/labelled/volume.json"
run rl volume ls -q
expect "a damaged one does not hide the others" 0 "$random"$'\n'hdata "*'labelled' is left out*"
run rl volume rm labelled
expect "a damaged one can be removed" 0 labelled ''

# --- in use -----------------------------------------------------------------------------------------
run rl create --name user -v hdata:/data alpine sh -c 'echo one >/data/file'
cid=$out
expect "a container mounts it" 0
run rl volume ls -q --filter dangling=true
expect "dangling" 0 "$random" ''
run rl volume rm hdata
expect "in use by a container that never ran" 2 '' "*being used*${cid:0:12}*"
rl start user >/dev/null && rl wait user >/dev/null
run rl run --rm -v hdata:/d:ro alpine cat /d/file
expect "files outlive the run" 0 one ''
run rl volume rm hdata nosuch
expect "in use, and an unknown one: the last decides" 1 '' "*being used*no such volume*"
run rl volume rm nosuch hdata
expect "the other way round" 2 '' "*no such volume*being used*"
run rl volume rm -f nosuch
expect "an unknown one with -f" 0 '' ''
run rl rm user
run rl volume rm hdata
expect "free again" 0 hdata ''
run rl volume exists hdata
expect "exists: no" 1 '' ''
run rl volume exists "$random"
expect "exists: yes" 0 '' ''
run rl volume exists
expect_error "exists what?" "*needs VOLUME*"
run rl volume rm
expect_error "rm what?" "*name of a volume, or --all*"
run rl volume rm -a x
expect_error "rm -a and a name" "*takes no names*"
run rl run -d --name up -v busy:/b alpine sleep 1000
run rl volume rm -f -t 0 busy
expect "rm -f ends the container" 0 busy '*'
run rl ps -aq
expect "which is gone" 0 '' ''

# a volume that is wanted while it is removed: either works, or says why, and none is half there
rl volume create race >/dev/null
(for _ in {1..15}; do rl run --rm -v race:/r -v /a alpine true; done) >"$T/race.out" 2>&1 &
racer=$!
MY_PIDS="$MY_PIDS $racer"
for _ in {1..15}; do
	rl volume rm race
	rl volume prune -f
done >/dev/null 2>&1
wait $racer
if [ ! -s "$T/race.out" ]; then ok "removed while containers start"; else not_ok "removed while containers start" "$(cat "$T/race.out")"; fi
rl volume rm race >/dev/null 2>&1

# files of other users inside are ours to remove
run rl run --rm -v owned:/o alpine sh -c 'mkdir -m 700 /o/d && touch /o/d/f && chown -R 5:5 /o/d'
expect "files of another user" 0
run rl volume rm owned
expect "are removed too" 0 owned ''
if [ -z "$(find "$ROOT/volumes" -maxdepth 1 \( -name owned -o -name '.t*' \))" ]; then ok "without a trace"; else not_ok "without a trace" "$(ls -lA "$ROOT/volumes")"; fi

# --- anonymous --------------------------------------------------------------------------------------
before=$(rl volume ls -q)
run rl run --rm -v /anon alpine touch /anon/x
expect "an anonymous one" 0 '' ''
run rl run -d --rm -v /anon alpine sh -c 'mkdir -m 700 /anon/d && chown 7:7 /anon/d'
rl wait --ignore "$out" >/dev/null 2>&1
for _ in {1..50}; do
	after=$(rl volume ls -q)
	[ "$before" != "$after" ] || break
	sleep 0.1
done
if [ "$before" = "$after" ]; then ok "goes with --rm, in the foreground and behind"; else not_ok "goes with --rm" "$before" "now:" "$after"; fi
run rl run --name keep -v /anon alpine true
rl rm keep >/dev/null
if [ "$before" != "$(rl volume ls -q)" ]; then ok "stays without --rm"; else not_ok "stays without --rm"; fi
run rl run --name drop -v /anon -v named:/n alpine true
middle=$(rl volume ls -q)
rl rm -v drop >/dev/null
run rl volume ls -q
if [ "$(comm -13 <(echo "$out" | sort) <(echo "$middle" | sort) | wc -l)" = 1 ] && grep -qx named <<<"$out"; then
	ok "rm -v removes it, and not one with a name"
else
	not_ok "rm -v removes it, and not one with a name" "$middle" "now:" "$out"
fi
id=$(rl run -d --rm -v /anon --name lost alpine sleep 1000)
pid=$(leftover_processes | awk '/monitor/ { print $2; exit }')
kill -9 "$pid"
soon gone "$pid"
rl rm -f lost >/dev/null 2>&1
run rl volume ls -q --filter anonymous=true --filter dangling=false
expect "and with a --rm container whose monitor was killed" 0 '' ''
if [ ! -e "$ROOT/containers/$id" ]; then ok "which is gone"; else not_ok "which is gone"; fi
for how in "stop -t 0" "rm -f -v -t 0"; do
	case $how in stop*) opt=--rm ;; *) opt= ;; esac
	# shellcheck disable=SC2086 # an option or none, words
	rl run -d $opt --name first -v /anon alpine sleep 1000 >/dev/null
	rl run -d --name second --volumes-from first alpine sh -c 'echo precious >/anon/f; exec sleep 1000' >/dev/null
	soon rl exec second test -s /anon/f
	# shellcheck disable=SC2086
	rl $how first >/dev/null 2>&1
	run rl exec second cat /anon/f
	expect "not while another container has it with --volumes-from ($how)" 0 precious ''
	rl rm -f -t 0 second >/dev/null
done

# --- options ----------------------------------------------------------------------------------------
own_dir "$T/work/site" 755
echo hello | as_user tee "$T/work/site/index" >/dev/null
rl volume create -o type=none -o device="$T/work/site" -o o=bind,ro site >/dev/null
rl volume create -o type=tmpfs -o o=size=1m,mode=0700 mem >/dev/null
run rl run --rm -v site:/s -v mem:/m alpine sh -c 'cat /s/index; stat -c %a /m; grep " /m " /proc/mounts; touch /s/x'
expect "a folder of ours and memory, with their options" 1 'hello'$'\n''700'$'\n''*tmpfs*size=1024k*' '*Read-only*'
run rl run --rm -v mem:/m:ro alpine touch /m/x
expect "ro said here counts as well" 1 '' '*Read-only*'
run rl run --name s -v site:/s alpine true
run rl volume rm site
expect "in use" 2 '' '*being used*'
rl rm s >/dev/null
run rl volume rm site
expect "removed" 0 site ''
if [ -f "$T/work/site/index" ]; then ok "and the folder behind it stays"; else not_ok "and the folder behind it stays"; fi
rl volume create -o type=none -o device="$T/work/none" -o o=bind gone >/dev/null
run rl run --rm -v gone:/g alpine true
expect_error "the folder behind it is not there" "*'gone'*$T/work/none*does not exist*"

# --- a first copy that was killed -------------------------------------------------------------------
half() { # VOLUME: as if the copy of the image's /etc had been killed: a part of it is in place
	rl volume create "$1" >/dev/null
	d=$ROOT/volumes/$1/_data
	own_dir "$d/.rl-copying" 700
	own_dir "$d/.rl-copying/sub" 700
	as_user sh -c "echo mine >'$d/group'; echo cut >'$d/.rl-copying/passwd'"
}
half cut
run rl run --rm -v cut:/etc alpine sh -c 'cat /etc/group /etc/os-release; grep -c root /etc/passwd; ls -A /etc'
expect "is done again; what is there already stays" 0 "mine*ID=*1"$'\n'"group*os-release*passwd*" ''
case $out in *.rl-copying* | *sub*) not_ok "nothing of the first try" "$out" ;; *) ok "nothing of the first try" ;; esac
half two
exec 9<"$ROOT/volumes/two/_data/.rl-copying"
flock 9
rl run --rm -v two:/etc alpine cat /etc/os-release >"$T/two" 2>&1 9<&- &
two=$!
starting() { [ "$(leftover_processes | wc -l)" -ge 3 ]; } # client, monitor, first process
check "while another container fills it" soon starting
if [ -s "$T/two" ]; then not_ok "the second waits" "$(cat "$T/two")"; else ok "the second waits"; fi
exec 9<&-
wait $two
if grep -q ID= "$T/two"; then ok "and goes on when that one has died"; else not_ok "and goes on when that one has died" "$(cat "$T/two")"; fi
rl volume rm cut two >/dev/null

# --- export, import, mount --------------------------------------------------------------------------
rl volume create full >/dev/null
rl run --rm -v full:/f alpine sh -c 'mkdir -m 700 /f/d && echo hello >/f/d/file && chown -R 5:6 /f/d && chmod 4755 /f/d/file && ln -s /etc/passwd /f/link'
rl volume export full >"$T/full.tar"
run tar -tvnf "$T/full.tar"
expect "export: owners as containers see them" 0 'drwx------ 5/6 * d/*-rwsr-xr-x 5/6 * 6 * d/file*link -> /etc/passwd' ''
run rl volume export -o full.tar full
if [ "$status$out" = 0 ] && cmp -s "$T/full.tar" "$T/work/full.tar"; then ok "export -o: the same bytes"; else not_ok "export -o: the same bytes" "$out" "$err"; fi
rl volume create again >/dev/null
run rl volume import again full.tar
expect "import prints nothing" 0 '' ''
rl volume export again >"$T/again.tar"
if cmp -s "$T/full.tar" "$T/again.tar"; then ok "and gives the same again"; else not_ok "and gives the same again"; fi
gzip -c "$T/full.tar" >"$T/full.tar.gz"
run rl volume import again - <"$T/full.tar.gz"
expect "a packed one from stdin, over what is there" 0 '' ''
run rl run --rm -v again:/a alpine cat /a/d/file
expect "its content" 0 hello ''
run rl volume import nosuch full.tar
expect_error "into an unknown one" "*'nosuch'*no such volume*"
run rl volume import again nosuch.tar
expect_error "from no file" "*'nosuch.tar'*"
head -c 3000 /dev/urandom >"$T/work/noise"
run rl volume import again noise
expect_error "from noise" "*'again'*archive*"
as_user /usr/bin/python3 - "$T/work/evil.tar" <<'END'
import io, sys, tarfile

with tarfile.open(sys.argv[1], "w") as t:
    i = tarfile.TarInfo("../outside")
    i.size = 4
    t.addfile(i, io.BytesIO(b"evil"))
END
run rl volume import again evil.tar
expect_error "a name that leads out" "*"
if [ -z "$(find "$ROOT/volumes" -name outside)" ]; then ok "nothing got out"; else not_ok "nothing got out"; fi
run rl volume export mem
expect_error "export of a volume of memory" "*'mem' holds no files itself*"
run rl volume export nosuch
expect_error "export of an unknown one" "*no such volume*"
run rl volume mount full
expect "mount: the folder" 0 "$ROOT/volumes/full/_data" ''
run rl volume unmount full
expect "unmount" 0 full ''
run rl volume mount mem
expect_error "mount of memory" "*in containers only*"

# what a creation or a removal that died has left goes with the next removal
as_user mkdir -p "$ROOT/volumes/.trash-0011/_data/x" "$ROOT/volumes/.tmp-0011/_data"
as_user touch "$ROOT/volumes/.trash-0011/_data/x/y"
run rl volume rm mem
expect "rm sweeps" 0 mem ''
if [ ! -e "$ROOT/volumes/.trash-0011" ] && [ ! -e "$ROOT/volumes/.tmp-0011" ]; then ok "what is dead"; else not_ok "what is dead"; fi

run rl volume
expect_error "volume what?" "*missing command*"
run rl volume lls
expect_error "did you mean" "*'lls'*did you mean 'ls'*"
leakcheck "nothing is left"
finish
