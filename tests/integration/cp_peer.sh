#!/bin/bash
# cp_peer.sh - `rl cp` beside `podman cp`: the same sources and destinations, the same results
#
# Needs podman in PATH and an ordinary user with subordinate ids; RL is the rl to test. Compared are
# success or failure, and the names, kinds and contents on both sides afterwards. Where rl follows
# docker, and podman does not, the row says so.
set -u
RL=${RL:-${RL_BUILD:-$PWD}/rl}
command -v podman >/dev/null || { echo "1..0 # SKIP no podman" && exit 77; }
[ -x "$RL" ] || { echo "1..0 # SKIP no rl" && exit 77; }
[ "$(id -u)" != 0 ] || { echo "1..0 # SKIP runs as an ordinary user" && exit 77; }
T=$(mktemp -d /var/tmp/rl-peer.XXXXXX) || exit 1
export RL_ROOT=$T/store XDG_DATA_HOME=$T/share
"$RL" create --name base localhost/rl-busybox true >/dev/null || exit 1
"$RL" export base >"$T/base.tar" || exit 1
podman import -q "$T/base.tar" localhost/peer >/dev/null 2>&1 || { echo "1..0 # SKIP podman does not work here" && exit 77; }
n=0 failed=0 docker=

prepare() { # TOOL: a container "c" and a folder $T/TOOL/h
	local t=$1 image=localhost/peer
	[ "$t" = podman ] || image=localhost/rl-busybox
	[ "$t" = podman ] || t=$RL
	"$t" rm -f -t 0 c >/dev/null 2>&1
	"$t" run -d --name c --network none $image sh -c 'mkdir -p /s/d/e /t; echo one >/s/f; echo two >/s/d/g; echo old >/t/f
		ln -s d /s/ld; ln -s f /s/lf; mkdir /t/d; echo keep >/t/d/k; echo up; sleep 1000' >/dev/null
	for _ in {1..50}; do [ "$("$t" logs c 2>/dev/null)" = up ] && break; read -rt 0.1 <> <(:); done
	rm -rf "${T:?}/$1" && mkdir -p "$T/$1/h/d/e" "$T/$1/h/t/d"
	(cd "$T/$1/h" && echo host >f && echo deep >d/g && echo old >t/f && echo keep >t/d/k && ln -s d ld && ln -s f lf)
}
look() { # TOOL: both sides
	local t=$1
	[ "$t" = podman ] || t=$RL
	(cd "$T/$1/h" && find . -printf '%P %y %l\n' | sort && find . -type f -exec grep -H . {} + | sort)
	"$t" export c | (mkdir "$T/$1/c" && tar -x -C "$T/$1/c" --exclude dev --exclude proc --exclude sys --exclude run --exclude etc 2>/dev/null)
	(cd "$T/$1/c" && find s t new* x* tmp -printf '%p %y %l\n' 2>/dev/null | sort && grep -r . s t new* x* tmp 2>/dev/null | sort)
	chmod -R u+rwx "$T/$1" && rm -rf "${T:?}/$1"
}
row() { # ARGS...: "c:" is the container
	local p r
	n=$((n + 1))
	prepare podman
	p=$(cd "$T/podman/h" && podman cp "$@" >/dev/null 2>&1 </dev/null && echo worked || echo failed)
	p="$p $(look podman)"
	prepare rl
	r=$(cd "$T/rl/h" && "$RL" cp "$@" >/dev/null 2>"$T/err" </dev/null && echo worked || echo failed)
	r="$r $(look rl)"
	if [ "$p" = "$r" ]; then
		echo "ok $n - cp $*"
	elif [ -n "$docker" ] && [ "${r%% *}" = worked ]; then
		echo "ok $n - cp $* (as docker, podman differs)"
	else
		echo "not ok $n - cp $*"
		diff <(echo "$p") <(echo "$r") | sed 's/^/# /'
		sed 's/^/# rl: /' "$T/err"
		failed=$((failed + 1))
	fi
}
row f c:/newf
row f c:/t
row f c:/t/
row f c:/t/f
row f c:/t/nodir/f
row f c:/nodir/
row f c:newrel
row f/ c:/t
row d c:/newd
docker=1 row d c:/newd/
row d c:/t
row d/ c:/t
row d/. c:/t
row d/. c:/newd
row d c:/t/f
docker=1 row . c:/t
row none c:/t
row f c:/s/ld
row f c:/s/ld/
row f c:/s/lf
row c:/s/f newf
row c:/s/f t
row c:/s/f t/
row c:/s/f t/f
row c:/s/f t/nodir/f
row c:/s/f nodir/
row c:/s/d newd
docker=1 row c:/s/d newd/
row c:/s/d t
row c:/s/d/ t
row c:/s/d/. t
row c:/s/d/. newd
row c:/s/d t/f
row c:/s/none t
row c:s/f newf
row c:/s/ld/ newd
row c:/s/f ld
row c:/s/f c:/newf
row c:/s/d c:/t
row nobody:/x t
row f g
echo "1..$n"
podman rm -fa -t 0 >/dev/null 2>&1
"$RL" rm -fa -t 0 >/dev/null 2>&1
podman unshare rm -rf "$T" 2>/dev/null || rm -rf "$T"
[ $failed = 0 ]
