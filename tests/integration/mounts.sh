#!/bin/bash
# shellcheck disable=SC2154 # status, out and err are set by run
# mounts.sh - -v, --mount, --volumes-from, volume options, keep-groups: owners, hostile volumes, from inside
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
rl pull -q localhost/rl-busybox >/dev/null 2>&1
IMG=localhost/rl-busybox
q() { run rl run --rm --network none "$@"; }
first=$(rl run --rm --network none $IMG awk '$1 == 1 { print 1 }' /proc/self/uid_map)
[ -n "$first" ] || skip_all "no subordinate ids"
as_user sh -c 'mkdir -p a/sub b; echo one >a/f; ln -s ../secret a/link; echo s >secret; mkdir -m 700 home'
own() { stat -c %u "$T/work/$1"; }

# --- U ------------------------------------------------------------------------------------------------
q -u 33 -v ./a:/a:U $IMG sh -c 'stat -c %u:%g /a /a/f /a/sub; echo two >/a/f; touch /a/new'
expect "U: the user of the container owns it" 0 $'33:33\n33:33\n33:33'
[ "$(own secret)" = "$TEST_UID" ] && ok "U: links are not followed" || not_ok "U: links are not followed"
q -v ./a:/a:U $IMG stat -c %u /a/new
expect "U: and back" 0 0
[ "$(own a/new)" = "$TEST_UID" ] && ok "U: the caller's again" || not_ok "U: the caller's again" "$(ls -ln "$T/work/a")"
q --userns keep-id:uid=40 --mount type=bind,src=./b,dst=/b,U=true $IMG stat -c %u /b
expect "U with keep-id" 0 40
for bad in / "$T/home" /usr; do
	q -v "$bad:/x:U" $IMG true
	expect_error "U refused for $bad" "*option U would change*--me*"
done
q -v /usr/share/doc:/x:U $IMG true
expect_error "U over somebody else's files" "*change the owner of*not permitted*neither*" 
q -v vu:/v:U -u 33 $IMG sh -c 'stat -c %u /v; touch /v/x'
expect "U on a volume" 0 33
if [ -x tests/integration/check_chtree ]; then
	mkdir -p "$T/race" && cp tests/integration/check_chtree "$T/race/" && own_dir "$T/race/d" 755
	swaps=2000
	[ -z "${LONG:-}" ] || swaps=100000
	in_s=(as_user unshare --user --map-root-user --map-auto)
	"${in_s[@]}" sh -c "cd '$T/race/d' && mkdir -p tree/a/b/c victim && touch tree/a/b/x victim/f && ln -s ../../victim tree/a/l &&
		chown -R 3:3 victim"
	run "${in_s[@]}" timeout 30 "$T/race/check_chtree" "$T/race/d" $swaps
	expect "owners change while folders become links: what they lead to stays" 0 "*swaps*"
	"${in_s[@]}" rm -rf "$T/race/d" 2>/dev/null
fi

# --- other options --------------------------------------------------------------------------------------
q -v ./a:/a:idmap $IMG true
expect_error "idmap: told why not" "*'/a': idmap: the kernel*root only*--me*"
q -v ./a:/a:idmap=uids=0-1-2 $IMG true
expect_error "idmap with a map of ids that it has not" "*idmap: 2 ids from 1 on*"
q -v ./a:/a:O $IMG sh -c 'echo over >/a/f; rm /a/link; cat /a/f'
expect "O" 0 over
[ "$(cat "$T/work/a/f")" = two ] && [ -L "$T/work/a/link" ] && ok "O: the folder stays" || not_ok "O: the folder stays"
q -v vo:/v:O $IMG touch /v/x
q -v vo:/v $IMG ls /v
expect "O on a volume" 0 ''
q -v ./a:/a:O,U $IMG true
expect_error "O and U" "*'O' goes with*"
q -v ./a:/a:z,ro,nosuid,noexec,nodev $IMG sh -c 'touch /a/y; grep " /a " /proc/mounts'
expect "ro, nosuid, noexec, nodev, z" 0 "*ro,nosuid,nodev,noexec*" "*Read-only*"
for p in private rprivate slave rslave shared rshared; do
	q -v "./a:/a:$p" $IMG awk '$5 == "/a" { print $7 }' /proc/self/mountinfo
	case $p in *shared) want='shared:*' ;; *) want='*' ;; esac
	expect "propagation $p" 0 "$want"
done

# --- --mount --------------------------------------------------------------------------------------------
q --mount type=bind,src=./made/new,dst=/x,bind-create-src $IMG ls /x
expect "bind-create-src" 0 ''
q --mount type=bind,src=./a,dst=/x,readonly,bind-propagation=rslave,bind-recursive=enabled,consistency=cached $IMG touch /x/y
expect "bind with Docker's keys" 1 '' '*Read-only*'
q --mount type=bind,src=./a,dst=/x,bind-recursive=perhaps $IMG true
expect_error "a bad value" "*bind-recursive=perhaps*"
q --mount type=tmpfs,dst=/x,tmpfs-size=1m,tmpfs-mode=700,U -u 33 $IMG sh -c 'stat -c %u:%a /x; grep " /x " /proc/mounts'
expect "tmpfs" 0 "33:700"$'\n'"*size=1024k*"
q --mount type=ramfs,dst=/x,mode=750 $IMG sh -c 'stat -c %a /x; grep " /x " /proc/mounts'
expect "ramfs" 0 "750"$'\n'"ramfs*nosuid,nodev,noexec*"
q --mount type=devpts,dst=/x,max=3,mode=600 $IMG sh -c 'ls /x; grep " /x " /proc/mounts'
expect "devpts" 0 "ptmx"$'\n'"devpts*mode=600*max=3*"
q --mount type=glob,src=/etc/host.c*,dst=/g $IMG ls /g
expect "glob into a folder" 0 "host.conf"
q --mount type=glob,src=/no/such* $IMG true
expect_error "glob without a match" "*nothing matches*"
q --mount type=image,src=$IMG,dst=/i $IMG sh -c 'ls /i/bin/busybox; touch /i/x'
expect "image" 1 /i/bin/busybox "*Read-only*"
q --mount type=image,src=$IMG,dst=/i,rw $IMG sh -c 'touch /i/x && ls /i/x'
expect "image, writable" 0 /i/x
q --mount type=volume,src=vl,dst=/x,volume-label=k=v,volume-driver=local,chown $IMG true
run rl volume inspect -f '{{.Labels.k}}' vl
expect "volume with a label" 0 v
q --mount type=volume,dst=/x,volume-opt=type=tmpfs,volume-opt=o=size=1m $IMG grep -c '^tmpfs /x ' /proc/mounts
expect "volume with options" 0 1
for bad in type=ext4,dst=/x dst=/x,colour=red type=tmpfs,dst=/x,src=/a type=ramfs,dst=/x,size=5 type=devpts,dst=/x,mode=9 \
	type=image,dst=/x type=glob,dst=/x type=volume,dst=/x,volume-driver=nfs type=bind,src=./a,dst=/x,chown=perhaps \
	type=devpts,dst=/dev/pts; do
	q --mount "$bad" $IMG true
	expect_error "refused: $bad" "*"
done

# --- subpath: what a container left in a volume leads nowhere --------------------------------------------
q -v vs:/v $IMG sh -c 'mkdir -p /v/d/e; echo deep >/v/d/e/f; ln -s / /v/abs; ln -s ../../../../../.. /v/up; ln -s d/e /v/in'
q --mount type=volume,src=vs,dst=/x,subpath=d/e $IMG cat /x/f
expect "subpath" 0 deep
for evil in abs up abs/etc up/etc; do
	q --mount "type=volume,src=vs,dst=/x,subpath=$evil" $IMG ls /x
	expect_error "subpath through the link '$evil'" "*'$evil' leads out of*"
done
q --mount type=volume,src=vs,dst=/x,subpath=nosuch $IMG true
expect_error "subpath that is missing" "*nosuch*"

# --- volumes: owners, copy-up ----------------------------------------------------------------------------
run rl volume create --uid 5 --gid 6 -o o=mode=750 vown
expect "volume create --uid --gid -o o=mode" 0 vown
q -v vown:/x $IMG stat -c %u:%g:%a /x
expect "its owner and mode" 0 5:6:750
run rl volume create --uid 9999999 vbad
expect_error "an owner that does not exist" "*9999999*"
run rl volume exists vbad
expect "nothing is left of it" 1
q --userns nomap -v vn:/x $IMG sh -c 'stat -c %u /x; touch /x/f && echo written'
expect "a new volume is the container's root's, also where the caller is nobody" 0 $'0\nwritten'
q --userns keep-id -v vmine:/no/such $IMG sh -c 'touch /no/such/f && stat -c %u /no/such/f'
expect "a new volume where the image has nothing is the user's" 0 "$TEST_UID"
q -u 5:6 -v vuser:/no/such $IMG sh -c 'touch /no/such/f && stat -c %u:%g /no/such'
expect "... whom -u names" 0 5:6
q -v vlate:/no/such $IMG true
q -v vlate:/etc -v vlate:/etc $IMG sh -c 'test -s /etc/passwd && grep -c " /etc " /proc/self/mountinfo'
expect "a volume that stayed empty is filled later; the same mount twice is one" 0 1
q -v vlate:/etc -v vmine:/etc $IMG true
expect_error "two at one place" "*'/etc': duplicate mount destination*"
rl run --name hostile --network none $IMG sh -c 'rm -rf /srv; ln -s /etc /srv; mkdir /d; ln -s /etc/passwd /d/link; ln /d/link /d/hard; mkfifo /d/fifo; echo x >/d/f; chown 5:6 /d/f; chmod 4755 /d/f' >/dev/null
rl commit -q -c 'VOLUME /srv' -c 'VOLUME /d' hostile evil >/dev/null
q -v vc1:/srv -v vc2:/d evil sh -c 'ls -d /srv/passwd; stat -c "%u:%g:%a" /d/f; readlink /d/link; ls /d'
expect "copy-up: links stay links, owner and mode stay" 0 "*5:6:4755"$'\n'"/etc/passwd"$'\n'"f"$'\n'"fifo"$'\n'"hard*"
sum=$(sha256sum </etc/passwd)
q -v vc1:/srv evil sh -c 'echo evil >/srv/passwd; true'
[ "$sum" = "$(sha256sum </etc/passwd)" ] && ok "the host's file is as it was" || not_ok "the host's file is as it was"
q -v vc2:/d evil sh -c 'echo mine >/d/f'
q -v vc2:/d evil cat /d/f
expect "a volume that is not empty is never filled again" 0 mine
q -v vc3:/d:nocopy evil ls /d
expect "nocopy" 0 ''
rl rm hostile >/dev/null

# --- volumes-from ----------------------------------------------------------------------------------------
rl create --name from -v ./a:/a:nosuid -v vfrom:/v $IMG true >/dev/null
q --volumes-from from:ro,z $IMG sh -c 'grep -E " (/a|/v) " /proc/mounts'
expect "--volumes-from: two options" 0 "*/a*ro,nosuid*/v*ro,*"
q --volumes-from from $IMG sh -c 'touch /a/w /v/w && grep " /a " /proc/mounts'
expect "--volumes-from keeps the options" 0 "*rw,nosuid*"
q --volumes-from from:perhaps $IMG true
expect_error "--volumes-from: unknown option" "*'perhaps'*"
rl rm -v from >/dev/null

# --- keep-groups -----------------------------------------------------------------------------------------
if [ "$(id -u)" = 0 ]; then
	mkdir "$T/work/team" && chgrp 44 "$T/work/team" && chmod 770 "$T/work/team"
	grouped() { (cd "$T/work" && exec setpriv --reuid "$TEST_UID" --regid "$TEST_GID" --groups "$TEST_GID,44" env -i HOME="$T/home" PATH=/usr/bin:/bin \
		XDG_RUNTIME_DIR="$T/run" RL_ROOT="$ROOT" RL_TEST_MARK="$RL_TEST_MARK" timeout 60 "$RL" "$@"); }
	run grouped run --rm --network none -u 33 --group-add keep-groups -v ./team:/t $IMG sh -c 'touch /t/x && echo yes'
	expect "keep-groups: what the caller's group may" 0 yes
	run grouped run --rm --network none -u 33 -v ./team:/t $IMG touch /t/x
	expect "not without it" 1 '' '*Permission denied*'
	run grouped run --rm --network none --group-add keep-groups --group-add 5 $IMG true
	expect_error "all of them or none" "*no other group*"
fi
# --- owners afterwards ------------------------------------------------------------------------------------
as_user sh -c 'mkdir out && chmod 755 out && ln -s ../secret out/l && ln secret out/h && mkdir -m 700 closed'
q --own-output -v ./out:/o -v vkeep:/k $IMG sh -c 'mkdir -m 700 /o/d; touch /o/d/f /k/f; chmod 4755 /o/d/f; ln -s /etc/passwd /o/d/p; ln -sf /secret /o/l
	chown -h 5:6 /o/d /o/d/f /o/d/p /k/f'
expect "--own-output: says how many" 0 '' '3 files in bind mounts given back*'
if [ "$(find "$T/work/out" ! -user "$TEST_UID" | wc -l)" = 0 ] && [ "$(stat -c %a "$T/work/out/d/f")" = 755 ]; then
	ok "--own-output: they are the caller's, without set-user-ID"
else
	not_ok "--own-output: they are the caller's, without set-user-ID" "$(ls -lnR "$T/work/out")"
fi
as_user mkdir -p nest/out other
q -v ./other:/o $IMG sh -c 'touch /o/keep && chown 7:7 /o/keep'
q --own-output -v ./nest:/n -v ./nest/out:/out $IMG sh -c 'mv /n/out /n/away && ln -s ../other /n/out'
expect_error "--own-output: a source that the container made a link" "*nest/out' has become a link*"
if [ "$(stat -c %u "$T/work/other/keep")" != "$TEST_UID" ]; then ok "is not followed"; else not_ok "is not followed" "$(ls -ln "$T/work/other")"; fi
as_user mkdir -p nest2/out
run rl create --name again -v ./nest2:/n -v ./nest2/out:/out $IMG sh -c 'ls /out; mv /n/out /n/away && ln -s ../other /n/out'
run rl start -a again
expect "a container makes a source of its own a link" 0 ""
run rl start -a again
expect_error "its next start does not follow it" "*there is a link in the source*nest2/out*"
run rl rm -f again
q -v vkeep:/k $IMG stat -c %u /k/f
expect "--own-output: volumes keep theirs" 0 5
# the same for a folder under an overlay, and for one behind a volume
as_user mkdir -p nest3/out nest4/out
as_user ln -s ../other nest3/link
run rl volume create -o device="$T/work/nest4/out" -o type=none -o o=bind behind
q -v ./nest3/link:/out:O $IMG ls /out
expect "option O: a link of the user's is followed when it is named" 0 keep
for what in "nest3 ./nest3/out:/out:O" "nest4 behind:/out"; do
	run rl create --name again -v "./${what%% *}:/n" -v "${what#* }" $IMG sh -c 'ls /out; mv /n/out /n/away && ln -s ../other /n/out'
	run rl start -a again
	expect "a container makes a source of its own a link: ${what#* }" 0 ""
	run rl start -a again
	expect_error "which its next start does not follow: ${what#* }" "*there is a link in the source*${what%% *}/out*"
	run rl rm -f again
done
run rl volume rm behind
run rl run -d --own-output $IMG true
expect_error "--own-output -d" "*foreground*--rm*"
run rl create --own-output $IMG true
expect_error "create has no --own-output" "*unknown flag: --own-output*"
q -u 33 -v ./out:/o $IMG touch /o/no
expect "a bind mount that may not be written: why, and what helps" 1 '' \
	"*Hint: the container's user 33 may not write to '$T/work/out' (owner $TEST_UID:$TEST_GID, mode 0755): --me or --userns keep-id:uid=33,gid=33*"
q -u 33 -v ./closed:/o:ro $IMG ls /o
expect "nor read" 1 '' "*Hint: *33 may not read '$T/work/closed' (owner $TEST_UID:$TEST_GID, mode 0700): --me*"
q --me -u 33 -v ./closed:/o $IMG sh -c 'touch /o/yes; exit 3'
expect "no hint where nothing is wrong" 3 '' ''
if [ "$(id -u)" = 0 ]; then
	mkdir -p "$T/work/wall/in" && chmod 700 "$T/work/wall"
	q -v "$T/work/wall/in:/x" $IMG true
	expect_error "a folder on the way that lets nobody in" "*'$T/work/wall' (owner 0, mode 0700) does not let you in*"
fi

# --- idmapped mounts: the kernel makes them of file systems of the container's own ---
if grep -q "^$TEST_USER:" /etc/subuid; then
	run rl run --rm --network none --user 5:7 --mount 'type=tmpfs,dst=/m,idmap=uids=@0-5-3;gids=@0-7-3' $IMG sh -c 'touch /m/x; stat -c "%u:%g %n" /m /m/x'
	if [[ $err == *idmap* ]]; then
		skip "idmap with a map of its own" "this kernel has no idmapped tmpfs"
	else
		expect "idmap with a map of its own" 0 "5:7 /m
5:7 /m/x" ""
	fi
	run rl run --rm --network none -v "$T/work:/m:idmap=uids=@0-5-3" $IMG true
	expect_error "idmap of the host's files" "*idmap: the kernel translates owners on this file system for root only*--userns keep-id*"
	run rl run --rm --network none --mount 'type=tmpfs,dst=/m,idmap=uids=0-1-3' $IMG true
	expect_error "idmap: ids that are not the container's" "*idmap: 3 ids from 1 on are not all the container's*"
fi
run rl run --rm --network none -v "$T/work:/m:idmap=uids=3" $IMG true
expect_error "idmap: nonsense" "*'idmap=uids=3' is not understood*idmap=uids=FROM-TO-COUNT*"
leakcheck "nothing is left"
finish
