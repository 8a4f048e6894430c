#!/bin/bash
# session.sh - S as its users meet it: found again, made once, told why not; and its holder
#
# As root: runs as user $RL_TEST_USER (default rltest), with private copies of /etc/subuid and the
# setuid helpers in mount namespaces. As an ordinary user: what can be done without those.
set -u
user=${RL_TEST_USER:-rltest}
root=false
if [ "$(id -u)" = 0 ]; then
	root=true
	id "$user" >/dev/null 2>&1 || {
		echo "1..0 # SKIP no user '$user' to run as (RL_TEST_USER)"
		exit 77
	}
else
	user=$(id -un)
fi
uid=$(id -u "$user") gid=$(id -g "$user")
base=$(mktemp -d /tmp/rl-session.XXXXXX) || exit 1
chmod 755 "$base"
cp tests/integration/check_session "$base/check" || exit 1
mkdir "$base/home" "$base/lab"
$root && chown "$uid:$gid" "$base/home"
n=0 failed=0 home=$base/home

ok() { # ok STATUS WHAT
	n=$((n + 1))
	if [ "$1" = 0 ]; then
		echo "ok $n - $2"
	else
		echo "not ok $n - $2"
		printf '%s\n' "${out:-}" | sed 's/^/# /'
		failed=1
	fi
}
skip() {
	n=$((n + 1))
	echo "ok $n - $1 # SKIP $2"
}
has() { # has WORDS WHAT: the words are in $out
	case $out in
	*"$1"*) ok 0 "$2" ;;
	*) ok 1 "$2 (wanted: $1)" ;;
	esac
}
# A fresh home, so a fresh session
fresh() {
	home=$base/home/$1
	as mkdir -p "$home/run"
}
# The user, with a bounded time and nothing from our environment
as() {
	local who=()
	$root && who=(setpriv --reuid "$uid" --regid "$gid" --init-groups)
	timeout 30 "${who[@]}" env -i HOME="$home" USER="$user" PATH=/usr/bin:/bin \
		XDG_RUNTIME_DIR="$home/run" "$@"
}
check() { out=$(as "$base/check" "$@" 2>&1); }
inode() { printf '%s\n' "$out" | sed -n 's/^[a-z-]* \([0-9]*\)$/\1/p' | sort -u; }
# The holder of $home, found by the folder that it has open (it shows that to root only)
holder() {
	local p
	for p in /proc/[0-9]*; do
		[ "$(cat "$p/comm" 2>/dev/null)" = rl-session ] || continue
		for fd in "$p"/fd/*; do
			[ "$(readlink "$fd")" = "$home/run/rl" ] && echo "${p#/proc/}" && return
		done
	done
}

if ! grep -qE "^($user|$uid):" /etc/subuid; then
	echo "1..0 # SKIP user '$user' has no subordinate ids"
	exit 77
fi

# --- made once, found again --------------------------------------------------------------------
fresh warm
check enter
has "full " "a session with subordinate ids"
has "inside: uid 0 gid 0" "entering it makes root"
has "can chown: yes" "its root may be anybody"
first=$(inode)
check open
[ "$(inode)" = "$first" ]
ok $? "the next command finds the same session"
[ "$(stat -c %a "$home/run/rl/session.sock")" = 600 ]
ok $? "the socket is the user's alone"
# shellcheck disable=SC2016 # expanded by the inner shell
as timeout 5 sh -c '"$1" open | cat' sh "$base/check" >/dev/null
ok $? "the holder does not keep a pipe of its maker open"

fresh "$(printf 'long%.0s' {1..40})"
check open
has "full " "a runtime folder whose name does not fit into sun_path"

fresh race
for i in 1 2 3 4 5 6 7 8; do
	as "$base/check" open >"$base/race.$i" 2>&1 &
done
wait
out=$(cat "$base"/race.*)
[ "$(inode | wc -l)" = 1 ]
ok $? "eight commands at once make one session"

# --- the holder --------------------------------------------------------------------------------
if $root; then
	pid=$(holder)
	fds=("/proc/$pid/fd"/*)
	out=${fds[*]}
	[ ${#fds[@]} = 6 ] && [ "$(readlink "/proc/$pid/fd/1")" = /dev/null ]
	ok $? "the holder has /dev/null, its socket, S and its folder, and nothing else"
	[ "$(tr -d '\0' <"/proc/$pid/cmdline")" = rl-session ] && [ "$(readlink "/proc/$pid/cwd")" = / ]
	ok $? "it says what it is, and stands in no folder of the user"
	kill -9 "$pid"
	check -v open
	has "answered by /etc/subuid" "after kill -9 of the holder a session is made over the stale socket"
	[ -n "$(holder)" ]
	ok $? "with a holder of its own"

	mkfifo "$base/stdin"
	as "$base/check" serve abc <"$base/stdin" >"$base/serve.out" 2>&1 &
	exec 3>"$base/stdin"
	for _ in {1..50}; do
		grep -q ready "$base/serve.out" && break
		read -rt 0.1 <> <(:)
	done
	check open
	first=$(inode)
	kill -9 "$(holder)"
	check open
	[ "$(inode)" = "$first" ]
	ok $? "without a holder a monitor hands the session out"
	[ -n "$(holder)" ]
	ok $? "and a holder is there again"
	exec 3>&-
	wait
else
	skip "the holder" "only root sees into it"
fi

# --- why not -----------------------------------------------------------------------------------
# in_lab SETUP ARGS...: check ARGS in a mount namespace that root prepared with SETUP
# shellcheck disable=SC2016 # SETUP is expanded in there
in_lab() {
	local setup=$1
	shift
	out=$(home=$home lab=$base/lab unshare -m --propagation private bash -c "
		put() { cp \"\$lab/\$1\" \"\$lab/\$1.bound\"; mount --bind \"\$lab/\$1.bound\" \"\$2\"; }
		$setup
		exec timeout 40 setpriv --reuid $uid --regid $gid --init-groups \${SETPRIV:-} env -i \
			HOME=\"\$home\" USER=$user PATH=/usr/bin:/bin XDG_RUNTIME_DIR=\"\$home/run\" \
			\"\$@\"" sh "$base/check" "$@" 2>&1)
}
# shellcheck disable=SC2016 # for in_lab
if $root; then
	cd "$base/lab" || exit 1
	: >empty
	fresh none
	in_lab 'put empty /etc/subuid; put empty /etc/subgid' enter
	has "one-id" "no subordinate ids: one id"
	has "'/etc/subuid' and '/etc/subgid' have no line for '$user'" "and a line that says so"
	has "sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 $user" \
		"with the command that mends it"
	has "inside: uid 0 gid 0 setgroups denied, can chown: no" "its root is nobody else"
	in_lab 'put empty /etc/subuid; put empty /etc/subgid' open
	case $out in *warning* | *Warning* | *usermod*) ok 1 "the line comes once" ;; *) ok 0 "the line comes once" ;; esac
	for _ in {1..60}; do [ -e "$home/run/rl/session.sock" ] || break; read -rt 0.1 <> <(:); done
	[ ! -e "$home/run/rl/session.sock" ]
	ok $? "a session of one id is soon forgotten, and its socket with it"

	printf '#!/bin/sh\nexec sleep 100\n' >slow
	chmod 755 slow
	fresh slow
	slow_begin=$SECONDS
	(in_lab 'put slow /usr/bin/newuidmap' open && echo "$SECONDS $out" >slow.out) &
	slow_pid=$!

	refused() { # refused TEXT WORDS
		fresh "refused$n"
		printf '%b' "$1" >bad
		in_lab 'put bad /etc/subuid' open
		st=$?
		has "$2" "refused: $2"
		[ $st = 125 ]
		ok $? "exit status 125"
	}
	refused "x:1:1\\n$user:$((uid - 1)):10\\n" "'/etc/subuid' line 2: the range '$user' holds your own id"
	refused "$user:4294967000:65536\\n" "line 1: the range '$user' goes beyond the last id"
	refused "$user:100000:65536\\nother:165535:10\\n" "line 2: the range 'other' overlaps"
	refused "$user:1000:11\\n" "line 1"

	fresh nohelper
	in_lab 'for d in /usr/bin /bin; do mount --bind /dev/null $d/newuidmap; done' open
	has "one-id" "no newuidmap: one id"
	has "'newuidmap' is not installed; sudo apt-get install uidmap" "and how to get it"
	fresh nosetuid
	in_lab 'cp /usr/bin/newuidmap $lab/plain; chmod 755 $lab/plain; mount --bind $lab/plain /usr/bin/newuidmap' open
	has "one-id" "newuidmap without its setuid bit: one id"
	has "chmod u+s '/usr/bin/newuidmap'" "and the command that gives it back"
	fresh nnp
	in_lab 'SETPRIV=--no-new-privs' open
	has "one-id" "no_new_privs: one id"
	has "no_new_privs" "and that it is so"
	printf '#!/bin/sh\necho noise\necho noise >&2\nexit 0\n' >liar
	chmod 755 liar
	fresh liar
	in_lab 'put liar /usr/bin/newuidmap' open
	has "one-id" "a newuidmap that does nothing: one id"
	has "'/usr/bin/newuidmap' did not write the map" "found out by reading back"
	cd - >/dev/null || exit 1
else
	skip "missing and broken helpers" "needs root for mount namespaces"
fi

fresh forbidden
# shellcheck disable=SC2016 # expanded by the inner shell
out=$(as unshare -Ur sh -c 'echo 0 >/proc/sys/user/max_user_namespaces; exec "$1" open' sh "$base/check" 2>&1)
[ $? = 125 ]
ok $? "user namespaces switched off: exit status 125"
has "'/proc/sys/user/max_user_namespaces' is 0" "named switch"
has "sudo sysctl -w user.max_user_namespaces=" "and the command that mends it"
fresh seccomp
check -s open
has "seccomp filter" "an outer seccomp filter is named"

fresh nested
out=$(as unshare -Ur "$base/check" enter 2>&1)
has "one-id" "root of a namespace with one id: one id"
if $root; then
	out=$(timeout 20 env -i HOME="$base/rootshome" PATH=/usr/bin:/bin RL_ROOT="$base/rootshome" \
		"$base/check" enter 2>&1)
	has "full " "real root gets a session, too"
	has "inside: uid 0 gid 0 setgroups allowed, can chown: yes" "and is root in it"
	wait "$slow_pid"
	out=$(cat "$base/lab/slow.out")
	has "one-id" "a newuidmap that hangs: one id"
	[ $((${out%% *} - slow_begin)) -lt 14 ]
	ok $? "after its 10 seconds"
	home=$base/rootshome
	pid=$(for p in /proc/[0-9]*; do
		[ "$(cat "$p/comm" 2>/dev/null)" = rl-session ] &&
			[ "$(readlink "$p/fd/5")" = "$base/rootshome/run" ] && echo "${p#/proc/}"
	done)
	[ -n "$pid" ] && kill "$pid"
	for home in "$base"/home/*; do
		pid=$(holder)
		[ -z "$pid" ] || kill "$pid"
	done
fi
echo "1..$n"
rm -rf "$base"
exit $failed
