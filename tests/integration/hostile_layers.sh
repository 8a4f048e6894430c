#!/bin/bash
# hostile_layers.sh - the hostile layer corpus through the unpacker, as an unprivileged user
#
# Runs in a user namespace like S: the user's subordinate ids, and once the user's one id only.
# FULL=1: every case in every compression and position (a minute), else each of these once.
set -u
user=${RL_TEST_USER:-rltest} n=0 failed=0
if [ "$(id -u)" = 0 ]; then
	id "$user" >/dev/null 2>&1 || {
		echo "1..0 # SKIP no user '$user' to run as (RL_TEST_USER)"
		exit 77
	}
	as=(setpriv --reuid "$user" --regid "$(id -g "$user")" --init-groups)
else
	as=()
fi
command -v python3 >/dev/null || {
	echo "1..0 # SKIP no python3"
	exit 77
}
full=(unshare --user --map-root-user --map-auto) # like S: 0 = the user, 1.. = subordinate ids
one=(unshare --user --map-root-user)
[ "${FULL-}" ] || export QUICK=1
base=$(mktemp -d /tmp/rl-hostile.XXXXXX) || exit 1
chmod 777 "$base"
cp tests/tools/unpack "$base/unpack" && cp "${srcdir:-.}/tests/tools/mkhostile.py" "$base/mk.py" || exit 1
# shellcheck disable=SC2317 # called by the trap
cleanup() {
	"${as[@]}" "${full[@]}" rm -rf "$base/run" 2>/dev/null
	rm -rf "$base"
}
trap cleanup EXIT

ok() { # ok STATUS WHAT
	n=$((n + 1))
	if [ "$1" = 0 ]; then
		echo "ok $n - $2"
	else
		echo "not ok $n - $2"
		failed=1
	fi
}
corpus() { # corpus WHAT COMMAND...
	local what=$1
	shift
	"${as[@]}" "$@" mkdir -p "$base/run"
	"${as[@]}" "$@" python3 "$base/mk.py" check "$base/unpack" "$base/run" >"$base/out" 2>&1
	ok $? "$what: $(grep -c '^ok' "$base/out") of $(grep -cE '^(not )?ok' "$base/out") cases"
	grep -v '^ok' "$base/out" | sed 's/^not ok/# not ok/; /^1\.\./d' | cut -c1-1000
	"${as[@]}" "$@" rm -rf "$base/run"
}

if "${as[@]}" "${full[@]}" true 2>/dev/null; then
	corpus "all ids" "${full[@]}"
else
	n=$((n + 1))
	echo "ok $n - all ids # SKIP no subordinate ids for '$user'"
fi
if "${as[@]}" "${one[@]}" true 2>/dev/null; then
	corpus "one id" env ONLY_ONE=1 "${one[@]}"
else
	n=$((n + 1))
	echo "ok $n - one id # SKIP user namespaces are forbidden"
fi

"${as[@]}" mkdir "$base/run"
out=$("${as[@]}" "${one[@]}" sh -c "sleep 1 | '$base/unpack' -1s '$base/run'" 2>&1)
grep -q 'NoNewPrivs:.1' <<<"$out" && grep -q 'Seccomp:.2' <<<"$out"
ok $? "the child runs with no_new_privs and a seccomp filter"
# CHOWN, DAC_OVERRIDE, FOWNER, FSETID, SETFCAP
grep -q 'CapPrm:.000000008000001b' <<<"$out" && grep -q 'CapEff:.000000008000001b' <<<"$out"
ok $? "and with five capabilities"
echo "1..$n"
exit $failed
