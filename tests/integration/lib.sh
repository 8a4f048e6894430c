# shellcheck shell=bash
# lib.sh - for tests of the whole command line: an unprivileged user, TAP, a registry, a leak check
#
# A script sources this file, calls ok/not_ok/skip or the expect_* functions, ends with `finish`.
# It runs as root (everything of rl then runs as the user $RL_TEST_USER, default rltest) or as an
# ordinary user. Environment: RL = the rl under test (default: the build tree's, else the one in
# PATH), RL_BUILD = the build tree (default: here). All that a script makes is below $T; HOME,
# XDG_RUNTIME_DIR and RL_ROOT of the user are there too, so scripts can run side by side.
set -u
shopt -s extglob
SRC=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
RL_BUILD=${RL_BUILD:-$PWD}
TEST_USER=${RL_TEST_USER:-rltest}
[ "$(id -u)" = 0 ] || TEST_USER=$(id -un)
NAME=$(basename "$0" .sh)
n_tests=0 n_failed=0 at_end=()
status=0 out='' err='' # of the last `run`

skip_all() {
	trap - EXIT
	[ -z "${T:-}" ] || rm -rf "$T"
	echo "1..0 # SKIP $*"
	exit 77
}
id -u "$TEST_USER" >/dev/null 2>&1 || skip_all "no user '$TEST_USER' to run as (RL_TEST_USER)"

T=$(mktemp -d "/var/tmp/rl-test-$NAME.XXXXXX") || exit 1
chmod 755 "$T"
TEST_UID=$(id -u "$TEST_USER")
TEST_GID=$(id -g "$TEST_USER")
RL_TEST_MARK=rl-test-mark-$$-$RANDOM

# own_dir PATH MODE: a folder of the test user
own_dir() {
	mkdir -p "$1" && chmod "$2" "$1"
	[ "$(id -u)" != 0 ] || chown "$TEST_UID:$TEST_GID" "$1"
}
own_dir "$T/home" 755
own_dir "$T/run" 700
own_dir "$T/tmp" 755
own_dir "$T/work" 755
ROOT=$T/home/store

# as_user CMD...: as the test user with a clean environment; extra variables in the array USER_ENV, a
# command that runs it all in WRAP
USER_ENV=() WRAP=()
as_user() { (as_user_exec "$@"); }
# the same in place of this shell: "as_user_exec CMD &" gives the command's own pid
as_user_exec() {
	local who=()
	[ "$(id -u)" != 0 ] || who=(setpriv --reuid "$TEST_UID" --regid "$TEST_GID" --init-groups)
	cd "$T/work" && exec "${WRAP[@]}" "${who[@]}" env -i HOME="$T/home" USER="$TEST_USER" LOGNAME="$TEST_USER" TERM=xterm \
		PATH=/usr/bin:/bin XDG_RUNTIME_DIR="$T/run" RL_ROOT="$ROOT" TMPDIR="$T/tmp" \
		RL_TEST_MARK="$RL_TEST_MARK" "${USER_ENV[@]}" "$@"
}

# The rl under test, in a folder of this script: every process of it can be told by its executable
install_rl() {
	local rl=${RL:-}
	[ -n "$rl" ] || { [ -x "$RL_BUILD/rl" ] && rl=$RL_BUILD/rl; } || rl=$(command -v rl) ||
		skip_all "no rl to test: set RL or RL_BUILD"
	mkdir -p "$T/i/bin" "$T/i/libexec/rl" "$T/i/share/rl"
	cp "$rl" "$T/i/bin/rl"
	local d
	d=$(dirname "$rl")
	if [ -d "$d/../libexec/rl" ]; then
		cp "$d"/../libexec/rl/* "$T/i/libexec/rl/"
		cp -r "$d"/../share/rl/. "$T/i/share/rl/"
	else
		find "$d" -maxdepth 1 -type f -name 'rl-*' -perm -u+x -exec cp {} "$T/i/libexec/rl/" \;
		local f
		for f in "$SRC"/contrib/*.json "$d"/contrib/*.tar "$d"/contrib/*.json; do
			[ ! -f "$f" ] || cp "$f" "$T/i/share/rl/"
		done
	fi
	RL=$T/i/bin/rl
}
install_rl

# rl ARGS...: the rl under test as the user, at most $TIME_LIMIT seconds
TIME_LIMIT=60
rl() { as_user timeout -k 5 "$TIME_LIMIT" "$RL" "$@"; }

# soon CMD...: until it succeeds, at most 15 s; tests wait for what they need, never for a time
soon() {
	local i
	for ((i = 0; i < 150; i++)); do
		"$@" >/dev/null 2>&1 && return
		sleep 0.1 # not `read -t`: its <(:) would change $!
	done
	return 1
}
is_state() { [ "$(rl ps -a --filter "name=^$1\$" --format '{{.State}}')" = "$2" ]; }   # NAME STATE
logged() { [ "$(rl logs "$1" 2>&1 | grep -c "$2")" -ge "${3:-1}" ]; }                 # NAME WORDS [TIMES]
# shellcheck disable=SC2053 # a pattern
says() { [[ $("${@:2}" 2>&1) == $1 ]]; }                                             # PATTERN CMD...
gone() { ! [ -e "/proc/$1" ]; }                                                      # PID
# signal_client SIGNAL WORDS...: to the `rl WORDS...` of the user that there is, or will soon be
signal_client() { soon pkill "-$1" -u "$TEST_USER" -f "^$RL ${*:2}"; }

# monitor_of NAME: pid of the monitor of a running container; by name of process others would be met
monitor_of() { rl inspect -f '{{.State.ConmonPid}}' "$1"; }

# run CMD...: sets status, out, err (texts without their last newlines); stdin is what run has
run() {
	"$@" >"$T/out" 2>"$T/err"
	status=$?
	out=$(tr -d '\0' <"$T/out") err=$(tr -d '\0' <"$T/err")
}

ok() {
	n_tests=$((n_tests + 1))
	echo "ok $n_tests - $NAME: $*"
}
not_ok() {
	n_tests=$((n_tests + 1)) n_failed=$((n_failed + 1))
	echo "not ok $n_tests - $NAME: $1"
	shift
	local l
	for l; do printf '%s\n' "$l" | head -n 20 | cut -c1-400 | sed 's/^/#   /'; done
}
# results FILE: what a loop in Python says, lines "ok<TAB>WHAT" and "not ok<TAB>WHAT<TAB>WHY"
results() {
	local verdict what why
	while IFS=$'\t' read -r verdict what why; do
		if [ "$verdict" = ok ]; then ok "$what"; else not_ok "$what" "$why"; fi
	done <"$1"
}
skip() { # NAME REASON
	n_tests=$((n_tests + 1))
	echo "ok $n_tests - $NAME: $1 # SKIP $2"
}
# check NAME CMD...: passes when CMD succeeds
check() {
	local what=$1 text
	shift
	if text=$("$@" 2>&1); then ok "$what"; else not_ok "$what" "command: $*" "$text"; fi
}
# expect NAME STATUS [OUT [ERR]]: of the last `run`; all three are bash globs
expect() {
	local what=$1 want=$2 o=${3-'*'} e=${4-'*'}
	# shellcheck disable=SC2053 # patterns
	if [[ $status == $want ]] && [[ $out == $o ]] && [[ $err == $e ]]; then
		ok "$what"
	else
		not_ok "$what" "status $status, wanted $want" "stdout: $out" "stderr: $err" \
			"wanted stdout '$o', stderr '$e'"
	fi
}
# expect_error NAME PATTERN: the last `run` failed as errors must: exit 125, nothing on stdout, at most
# three lines ("Error:", "Hint:" or "See") on stderr that match
expect_error() {
	local lines
	lines=$(printf '%s\n' "$err" | grep -vc '^Warning: ')
	# shellcheck disable=SC2053
	if [ "$status" = 125 ] && [ -z "$out" ] && [ "$lines" -le 3 ] && [[ $err == *Error:\ * ]] &&
		[[ $err == $2 ]]; then
		ok "$1"
	else
		not_ok "$1" "status $status, wanted 125; $lines lines" "stdout: $out" "stderr: $err" "wanted: $2"
	fi
}

# doctor_says CHECK STATUS EFFECT TEXT FIX [COMMAND...]: of the report of `COMMAND doctor --json` (default: rl)
doctor_says() {
	local name=$1 st=$2 effect=$3 text=$4 fix=$5 one
	shift 5
	[ $# -gt 0 ] || set -- rl
	run "$@" doctor --json
	one=$(jq -c ".checks[] | select(.name == \"$name\")" <<<"$out")
	# shellcheck disable=SC2053 # patterns
	if [ "$(jq -r .status <<<"$one")" = "$st" ] && [ "$(jq -r .effect <<<"$one")" = "$effect" ] &&
		[[ $(jq -r .text <<<"$one") == $text ]] && [[ $(jq -r '.fix | join("\n")' <<<"$one") == $fix ]]; then
		ok "$name: ${st:-not looked at}"
	else
		not_ok "$name: $st" "$one" "wanted: $st $effect '$text' '$fix'" "status $status" "$err"
	fi
}

# --- what is left -------------------------------------------------------------------------------
# "PID COMM CMDLINE" of this script's rl and what it runs; its own helpers are its own business
leftover_processes() {
	/usr/bin/python3 "$SRC/tests/integration/leftovers.py" "$T" "$RL_TEST_MARK" "$@" | while read -r pid rest; do
		case " $MY_PIDS " in *" $pid "*) ;; *) echo "process $pid $rest" ;; esac
	done
}
MY_PIDS=''

leftovers() {
	leftover_processes
	grep " $T/" /proc/self/mountinfo | sed 's/^/mount: /'
	find "$ROOT" "$T/run" "$T/tmp" \( -name '.tmp-*' -o -name '*.tmp-*' \) -printf 'temporary file: %p\n' 2>/dev/null
	find "$ROOT/containers" "$T/run/rl/ctr" -mindepth 1 -maxdepth 1 ! -name '.*' -printf 'container folder: %p\n' 2>/dev/null
	find /sys/fs/cgroup -type d -name "rl-*$RL_TEST_MARK*" 2>/dev/null | sed 's/^/cgroup: /'
}
# leakcheck NAME: nothing of finished --rm containers is left (2 s of grace)
leakcheck() {
	local left='' i
	for ((i = 0; i < 20; i++)); do
		left=$(leftovers)
		[ -n "$left" ] || break
		sleep 0.1
	done
	if [ -z "$left" ]; then ok "$1"; else not_ok "$1" "$left"; fi
}

# --- registry -----------------------------------------------------------------------------------
IMAGES=${RL_TEST_IMAGES:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/rl-tests}

free_port() {
	local p
	for _ in {1..50}; do
		p=$((20000 + RANDOM % 20000))
		(: </dev/tcp/127.0.0.1/$p) 2>/dev/null || { echo $p && return; }
	done
	return 1
}
make_certificates() { # DIR: ca.crt, server.crt, server.key for 127.0.0.1 and localhost
	(
		cd "$1" && openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.crt -days 2 -subj /CN=rl-test-ca \
			-addext basicConstraints=critical,CA:TRUE &&
			openssl req -newkey rsa:2048 -nodes -keyout server.key -out server.csr -subj /CN=localhost &&
			printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\n' >ext &&
			openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile ext -out server.crt
	) >/dev/null 2>&1
}
# start_registry: Debian's docker-registry on loopback, TLS with a CA of its own, user rl, password
# secret. The test user's registries.conf maps docker.io to it, so that "rl run alpine" is literal.
start_registry() {
	local r=$T/registry c=$T/home/.config/containers
	command -v docker-registry >/dev/null || return 1
	mkdir -p "$r"
	make_certificates "$r" || return 1
	mkdir "$r/ca" && cp "$r/ca.crt" "$r/ca/" # what skopeo takes for --dest-cert-dir
	htpasswd -Bbn rl secret >"$r/htpasswd" || return 1
	REG_PORT=$(free_port) REGISTRY=127.0.0.1:$REG_PORT
	cat >"$r/config.yml" <<-END
		version: 0.1
		log: { level: error }
		storage: { filesystem: { rootdirectory: $r/data }, delete: { enabled: true } }
		http: { addr: 127.0.0.1:$REG_PORT, tls: { certificate: $r/server.crt, key: $r/server.key } }
		auth: { htpasswd: { realm: rl-test, path: $r/htpasswd } }
	END
	docker-registry serve "$r/config.yml" >"$r/log" 2>&1 </dev/null &
	REG_PID=$!
	MY_PIDS="$MY_PIDS $REG_PID"
	at_end+=("kill $REG_PID")
	for _ in {1..100}; do
		(: </dev/tcp/127.0.0.1/"$REG_PORT") 2>/dev/null && break
		sleep 0.05
	done
	own_dir "$T/home/.config" 755
	own_dir "$c" 755
	mkdir -p "$c/certs.d/$REGISTRY"
	cp "$r/ca.crt" "$c/certs.d/$REGISTRY/ca.crt"
	cat >"$c/registries.conf" <<-END
		unqualified-search-registries = ["docker.io"]
		[[registry]]
		prefix = "docker.io"
		location = "$REGISTRY"
	END
	printf '{"auths":{"%s":{"auth":"%s"}}}' "$REGISTRY" "$(printf rl:secret | base64)" >"$c/auth.json"
	[ "$(id -u)" != 0 ] || chown -R "$TEST_UID:$TEST_GID" "$c"
	chmod 600 "$c/auth.json"
}
# push ARCHIVE REPO[:TAG] [SKOPEO-OPTION...]
push() {
	local from=$1 to=$2
	shift 2
	skopeo copy --insecure-policy -q --dest-creds rl:secret --dest-cert-dir "$T/registry/ca" "$@" \
		"oci-archive:$from" "docker://$REGISTRY/$to"
}

# image NAME: path of the archive of a test image, made when it is not in the cache
image() { "$SRC/tests/integration/mkimages" "$1" "$IMAGES"; }

finish() {
	local c
	trap - EXIT
	for c in "${at_end[@]}"; do eval "$c" >/dev/null 2>&1; done
	leftover_processes | awk '{ print $2 }' | xargs -r kill -9 2>/dev/null
	pkill_holder
	if [ -n "${RL_TEST_KEEP-}" ]; then
		echo "# kept: $T"
	else
		rm -rf "$T"
	fi
	echo "1..$n_tests"
	[ $n_failed -eq 0 ] || { echo "# $n_failed of $n_tests failed" && exit 1; }
	exit 0
}
# end the session's holder of this script
pkill_holder() {
	leftover_processes holder | awk '{ print $2 }' | xargs -r kill 2>/dev/null
}
trap 'not_ok "the script ended early"; finish' EXIT
trap 'exit 1' INT TERM HUP

# net_pair DEVICE N: network namespaces $host (192.0.2.2, 2001:db8::2) and $world (.N, ::N) with a veth pair
# DEVICE0, DEVICE1 between them; gone at the end, with what runs in them
net_pair() {
	host=${1}h$$ world=${1}w$$
	ip netns add "$host" && ip netns add "$world" || skip_all "no network namespaces"
	at_end+=("ip netns pids $world | xargs -r kill" "ip netns pids $host | xargs -r kill -9" "ip netns del $host" "ip netns del $world")
	ip link add "${1}0" netns "$host" type veth peer name "${1}1" netns "$world"
	ip -n "$host" addr add 192.0.2.2/24 dev "${1}0"
	ip -n "$world" addr add "192.0.2.$2/24" dev "${1}1"
	ip -n "$host" -6 addr add 2001:db8::2/64 dev "${1}0" nodad
	ip -n "$world" -6 addr add "2001:db8::$2/64" dev "${1}1" nodad
	ip -n "$host" link set lo up && ip -n "$world" link set lo up
	ip -n "$host" link set "${1}0" up && ip -n "$world" link set "${1}1" up
}
