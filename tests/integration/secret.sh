#!/bin/bash
# secret.sh - rl secret and --secret: what a container gets of it, and where it must not turn up
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
cp "$(image alpine)" "$T/alpine.tar" && run rl load -q -i "$T/alpine.tar"
r() { run rl run --rm --network none "$@"; }
pw=S3cr3t-$RANDOM$RANDOM-end
as_user sh -c "umask 077; printf %s '$pw' >$T/work/pw"

# --- keeping them -----------------------------------------------------------------------------------
run as_user sh -c "umask 0; exec $RL secret create -l app=web db $T/work/pw"
expect "create" 0 '+([0-9a-f])'
id=$out
check "kept for the user alone" test "$(stat -c %a "$ROOT/secrets/db" "$ROOT/secrets" | xargs)" = "600 700"
run rl secret create db "$T/work/pw" && expect_error "the same name again" "*exists already*--replace*"
run rl secret create --ignore db "$T/work/pw" && expect "--ignore: the old one" 0 "$id"
run as_user sh -c "printf new | $RL secret create --replace db -" && expect "--replace, from standard input" 0 '+([0-9a-f])'
[ "$out" != "$id" ] && ok "--replace: a new id" || not_ok "--replace: a new id"
run rl secret inspect --showsecret -f '{{.SecretData}}' db && expect "the new content" 0 new
USER_ENV=(TOKEN="$pw")
run rl secret create --env --replace db TOKEN && expect "from a variable" 0
USER_ENV=()
run rl secret ls && expect "ls" 0 $'ID*NAME*DRIVER*CREATED*UPDATED*\n+([0-9a-f])*db*file*ago*'
run rl secret ls -q -f name=^d && expect "ls -q -f name" 0 '+([0-9a-f])'
id=$out
run rl secret ls -n -f name=x --format '{{.Name}}' && expect "ls -f: none" 0 ""
run rl secret inspect "${id:0:6}" && expect "inspect by the beginning of the id" 0 '*"Name": "db"*'
[[ $out != *"$pw"* ]] && ok "inspect does not show it" || not_ok "inspect shows it"
run rl secret exists db && expect "exists" 0 "" ""
run rl secret exists other && expect "does not" 1 "" ""
for bad in ../x .x a/b '' -x "$(printf 'x%.0s' {1..200})"; do
	run rl secret create -- "$bad" "$T/work/pw"
	[ "$status" = 125 ] || not_ok "S35: the name '$bad'" "$status $out $err"
done
ok "names that are paths are refused"
run rl secret create empty /dev/null && expect_error "an empty one" "*empty*"
run rl secret create big /dev/zero && expect_error "a large one" "*512000*"
run rl secret create x /nosuch && expect_error "no such file" "*No such file*"
run rl secret create --env x NOSUCHVAR && expect_error "no such variable" "*not set*"
run rl secret create -d vault x "$T/work/pw" && expect_error "a driver" "*only 'file'*"

# --- giving them --------------------------------------------------------------------------------------
r --secret db alpine sh -c 'cat /run/secrets/db; grep -c " /run/secrets ro,nosuid,nodev,noexec.* ramfs " /proc/self/mountinfo; stat -c %a:%u:%g /run/secrets/db'
expect "a file in memory that is not swapped" 0 "${pw}1"$'\n'"444:0:0"
r --secret db,target=/etc/app/pw,uid=1000,gid=7,mode=0400 -u 1000 alpine sh -c 'cat /etc/app/pw; stat -c :%a:%u:%g /etc/app/pw; ls /run/secrets'
expect "target, uid, gid, mode" 0 "$pw:400:1000:7"
r --secret db,target=/etc/app/pw,mode=0400 -u 1000 alpine cat /etc/app/pw && expect "its mode holds" 1 "" "*ermission denied*"
r --secret db,type=env,target=PW --secret db,type=env alpine sh -c 'echo $PW $db; ls /run/secrets' && expect "as variables" 1 "$pw $pw"
r --read-only --secret db alpine cat /run/secrets/db && expect "--read-only" 0 "$pw"
r --secret "x=file:$T/work/pw" alpine cat /run/secrets/x && expect "from a file" 0 "$pw"
r --secret 'x=cmd:echo a; exit 7,target=y' alpine true && expect_error "a command that fails" "*ended with 7*"
r --secret 'x=cmd:printf "%s" a,b; echo =c,target=y' alpine cat /run/secrets/y && expect "from a command" 0 "a,b=c"
run as_user sh -c "exec 3<$T/work/pw; exec $RL run --rm --network none --secret x=fd:3 alpine sh -c 'cat /run/secrets/x; ls /proc/self/fd | wc -l'"
expect "from a descriptor, which the container has not got" 0 "${pw}4"
USER_ENV=(TOKEN="$pw" CREDENTIALS_DIRECTORY="$T/work")
r --secret x=env:TOKEN --secret y=creds:pw alpine cat /run/secrets/x /run/secrets/y && expect "from a variable, from systemd" 0 "$pw$pw"
r --secret x=env:TOKEN alpine env && [[ $out != *"$pw"* ]] && ok "rl's variable is not the container's" || not_ok "the variable is there" "$out"
r --secret y=creds:../home alpine true && expect_error "credentials: no paths" "*no credential*"
USER_ENV=()
for bad in nosuch x=fd:9 x=fd:x x=env:NOSUCH x=file:/nosuch x=what:1 x= db,type=x db,mode=9 db,mode=7777 db,uid=-1 db,target=../x db,target=/proc/x \
	db,target=/ db,target=a/b 'db,type=env,target=A=B' ../db db,uid=4294967295; do
	r --secret "$bad" alpine true
	[ "$status" = 125 ] || not_ok "--secret $bad" "$status $out $err"
done
ok "wrong words are refused"
r --secret db --secret db alpine true && expect_error "one place twice" "*taken*"
# hostile places in the image (S13): links, a file
run rl create --name link --network none --secret db --secret db,target=/etc/app2/pw alpine cat /run/secrets/db /etc/app2/pw
own_dir "$T/work/victim" 755
tree() { run rl cp "$1" "link:$2"; }
as_user sh -c "mkdir -p $T/work/t/run && ln -s $T/work/victim $T/work/t/run/secrets && mkdir $T/work/t/etc && ln -s ../../../../../../../../..$T/work/victim/x $T/work/t/etc/app2"
tree "$T/work/t/." / && run rl start -a link
expect "S13: links at its places lead nowhere outside" "@(0|125)" "*"
check "S13: nothing was made there" test -z "$(ls -A "$T/work/victim")"
run rl rm link

# --- where it must not be -----------------------------------------------------------------------------
run rl --log-level debug run -d --name c --network none --restart on-failure:2 --secret db --secret db,type=env,target=PW \
	--health-cmd true alpine sh -c 'test -f /mark || { touch /mark; exit 1; }; cp /run/secrets/db /dev/shm/again; exec sleep 300'
[[ $err != *"$pw"* ]] && ok "not in the debug log" || not_ok "in the debug log" "$err"
for _ in {1..100}; do rl exec c test -s /dev/shm/again 2>/dev/null && break; done
run rl exec c cat /dev/shm/again && expect "there after a restart by policy" 0 "$pw"
run rl exec c sh -c 'echo $PW' && expect "exec has the variable" 0 "$pw"
run grep -rlF "$pw" "$ROOT" "$T/run"
expect "on the disk: in its own file alone" 0 "$ROOT/secrets/db"
for what in "inspect c" "container inspect --size c" "logs c" "events --since 1h --stream=false" "ps -a --no-trunc --format json" "secret inspect db" "top c" "healthcheck run c"; do
	# shellcheck disable=SC2086 # words
	run rl $what
	[[ $out$err != *"$pw"* ]] || not_ok "in 'rl $what'" "$out"
done
ok "in no answer of rl"
run sh -c "cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\0' '\n' | grep -cF -f $T/work/pw"
expect "in no command line" 1 0
init=$(rl inspect -f '{{.State.Pid}}' c)
run sh -c "for p in /proc/[0-9]*; do [ \$p = /proc/$init ] || ! tr '\0' '\n' <\$p/environ 2>/dev/null | grep -qF -f $T/work/pw || echo \$p; done"
expect "in no other environment" 0 ""
if [ "$(id -u)" = 0 ]; then
	run setpriv --reuid "$TEST_UID" --regid "$TEST_GID" --clear-groups cat "/proc/$(monitor_of c)/environ" "/proc/$(monitor_of c)/mem"
	expect "the monitor's memory is closed" 1 "" "*ermission denied*"
fi
run rl export -o "$T/work/c.tar" c && run grep -cF "$pw" "$T/work/c.tar" && expect "not in an export" 1 0
run rl commit -q c kept && run rl save -o "$T/work/kept.tar" kept && run grep -cF "$pw" "$T/work/kept.tar"
expect "not in a commit" 1 0
run rl rm -f -t 0 c
run rl create --name later --network none --secret db alpine true
run rl secret rm db && expect "rm" 0 "$id"
run rl start -a later && expect_error "gone at the next start" "*no such secret 'db'*"
run rl rm later
run rl secret rm db && expect "rm: unknown" 125 "" "*no such secret 'db'*"
run rl secret rm -i db && expect "rm --ignore" 0 "" ""
run rl secret rm && expect_error "rm: nothing named" "*needs the name*"
for n in a b; do rl secret create $n "$T/work/pw" >/dev/null; done
# a damaged one concerns itself alone
as_user sh -c "printf junk >$ROOT/secrets/a"
run rl secret ls --format '{{.Name}}' && expect "a damaged one is told and left out" 0 b "*'a' is left out*damaged*"
run rl secret rm --all && expect "rm --all" 0
check "nothing is left of them" test -z "$(ls "$ROOT/secrets")"
leakcheck "nothing is left"
finish
