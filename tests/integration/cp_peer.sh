#!/bin/bash
# cp_peer.sh - `rl cp` beside `podman cp`: the same sources and destinations, the same results
#
# Both have two containers that were never started, in which each row has a folder of its own with the
# same files (podman hangs when it copies within one that does not run); compared are success or failure, and the names, kinds and contents on both sides
# afterwards. Where rl follows docker, and podman does not, the row says so.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
command -v podman >/dev/null || skip_all "needs podman"
pod() { as_user timeout -k 5 "$TIME_LIMIT" podman --root "$T/home/pod" --runroot "$T/run/pod" --cgroup-manager cgroupfs "$@"; }
at_end+=("pod rm -fa -t 0" "pod rmi -fa" "pod system migrate") # the last ends what holds its user namespace

rows=() notes=() k=0
row() { # ARGS...: every second one, all with LONG=1
	k=$((k + 1))
	[ -n "${LONG-}" ] || [ $((k % 2)) = 1 ] || return 0
	rows+=("$*") && notes+=("${docker:-}")
}
docker=''
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
row c:/s/f e:/newf
row c:/s/d e:/t
row nobody:/x t
row f g

make_rows() { # DIR: for each row a folder with both trees
	local i
	for i in "${!rows[@]}"; do
		mkdir -p "$1/r$i"/{s/d/e,t/d}
		(cd "$1/r$i" && echo one >s/f && echo two >s/d/g && echo old >t/f && ln -s d s/ld && ln -s f s/lf && echo keep >t/d/k)
	done
}
mkdir "$T/box" && make_rows "$T/box"
tar -C "$T/box" --sort=name -cf "$T/work/box.tar" . && chmod 644 "$T/work/box.tar"
pod import -q box.tar localhost/peer >"$T/out" 2>&1 && pod create --name c localhost/peer true >>"$T/out" 2>&1 && pod create --name e localhost/peer true >>"$T/out" 2>&1 || skip_all "podman does not work here: $(tail -n 1 "$T/out")"
rl import -q box.tar localhost/peer >/dev/null && rl create --name c localhost/peer true >/dev/null && rl create --name e localhost/peer true >/dev/null || not_ok "import, create"

cp_all() { # TOOL COMMAND...: the rows one by one, "worked" or "failed" to $T/TOOL.N
	local t=$1 i a args
	shift
	for i in "${!rows[@]}"; do
		as_user mkdir -p "$t/$i"/{d/e,t/d}
		(cd "$T/work/$t/$i" && echo host >f && echo deep >d/g && echo old >t/f && echo keep >t/d/k && ln -s d ld && ln -s f lf)
		[ "$(id -u)" != 0 ] || chown -Rh "$TEST_UID:$TEST_GID" "$T/work/$t/$i"
		args=()
		for a in ${rows[i]}; do
			case $a in
			[ce]:/*) a=${a%%:*}:/r$i/${a#?:/} ;;
			c:*) a=c:r$i/${a#c:} ;;
			esac
			args+=("$a")
		done
		as_user sh -c 'cd "$1" && shift && exec timeout 60 "$@"' sh "$t/$i" "$@" cp "${args[@]}" >/dev/null 2>"$T/err.$t.$i" </dev/null &&
			echo worked >"$T/$t.$i" || echo failed >"$T/$t.$i"
	done
}
look() { # DIR: names, kinds, contents
	(cd "$1" && find . -printf '%P %y %l\n' | sort && find . -type f -exec grep -H . {} + | sort)
}
cp_all podman podman --root "$T/home/pod" --runroot "$T/run/pod" --cgroup-manager cgroupfs
cp_all rl "$RL"
for t in podman rl; do
	for c in c e; do
		mkdir -p "$T/$t/$c"
		rm -f "$T/work/c.tar"
		if [ $t = podman ]; then pod export -o c.tar $c; else rl export -o c.tar $c; fi
		tar -xf "$T/work/c.tar" -C "$T/$t/$c" --wildcards 'r[0-9]*' || not_ok "$t export"
	done
done
for i in "${!rows[@]}"; do
	p="$(cat "$T/podman.$i"; look "$T/podman/c/r$i"; look "$T/podman/e/r$i"; look "$T/work/podman/$i")"
	r="$(cat "$T/rl.$i"; look "$T/rl/c/r$i"; look "$T/rl/e/r$i"; look "$T/work/rl/$i")"
	if [ "$p" = "$r" ]; then
		ok "cp ${rows[i]}"
	elif [ -n "${notes[i]}" ] && [ "${r%%$'\n'*}" = worked ]; then
		ok "cp ${rows[i]} (as docker, podman differs)"
	else
		not_ok "cp ${rows[i]}" "$(diff <(echo "$p") <(echo "$r"))" "rl: $(cat "$T/err.rl.$i")"
	fi
done
rl rm -fa -t 0 >/dev/null 2>&1
finish
