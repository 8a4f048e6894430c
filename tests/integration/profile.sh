#!/bin/bash
# profile.sh - what a container may do: every line of the table in SECURITY.md, asked from inside (S69)
#
# The table's third column holds what tests/tools/probe.c must answer in a container without flags, the
# fourth what changes with --hardened. Then the flags that lift or lower single lines.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
cc=${CC:-cc}
# shellcheck disable=SC2086 # a command with options
$cc -static -O1 -I"$RL_BUILD" -I"$SRC" -o "$T/work/probe" "$SRC/tests/tools/probe.c" 2>"$T/cc" || skip_all "no static C programs: $(head -1 "$T/cc")"
chmod 755 "$T/work/probe"
cp "$(image alpine)" "$T/alpine.tar" && run rl load -q -i "$T/alpine.tar"

# expected COLUMN: the words in back quotes of a column of the table, one a line
expected() { # shellcheck disable=SC2016 # back quotes
	sed -n '/^## The default profile/,/^`--privileged`/p' "$SRC/SECURITY.md" | awk -F'|' -v c="$1" '/^\|/ { print $c }' |
		grep -o '`[^`]*`' | tr -d '`' | tr ' ' '\n' | grep '='
}
# probe FLAGS...: the answers into $T/answers
probe() {
	run rl run --rm --network private -v "$T/work/probe:/probe:ro" -v vol:/vol "$@" alpine /probe
	printf '%s\n' "$out" >"$T/answers"
	[ "$status" = 0 ] || not_ok "the probe ran with '$*'" "status $status" "$err"
}
# compare NAME: $T/answers with the lines of stdin
compare() {
	local want key bad=() n=0
	while read -r want; do
		key=${want%%=*} n=$((n + 1))
		grep -qxF -- "$want" "$T/answers" || bad+=("wanted $want, got $(grep -- "^$key=" "$T/answers")")
	done
	if [ ${#bad[@]} = 0 ] && [ $n -gt 0 ]; then ok "$1: $n answers"; else not_ok "$1" "${bad[@]}" "$(grep '^#' "$T/answers")"; fi
}

probe
compare "the default profile" < <(expected 4)
# no line of the table without an answer, and no answer that the table does not know
known=$({ expected 4 && expected 5; } | cut -d= -f1 | sort -u)
unknown=$(grep -v '^#' "$T/answers" | cut -d= -f1 | sort -u | comm -23 - <(echo "$known"))
if [ -z "$unknown" ]; then ok "every answer is in the table"; else not_ok "answers that are not in the table" "$unknown"; fi

probe --hardened --memory 512m
changed=$(expected 5)
compare "the hardened profile" < <(
	expected 4 | while read -r l; do
		grep -q "^${l%%=*}=" <<<"$changed" || echo "$l"
	done
	echo "$changed"
)

# --- what lifts single lines ------------------------------------------------------------------------
probe --nested
compare "--nested" <<<$'unshare_user=ok\nclone3_user=ok\nunshare_mount=EPERM\nkeyctl=ENOSYS'
probe --cap-add NET_RAW
compare "--cap-add NET_RAW" <<<$'AF_PACKET=ok\nSOCK_RAW=ok\nAF_ALG=EAFNOSUPPORT'
probe --cap-add SYS_ADMIN
compare "--cap-add SYS_ADMIN" <<<$'unshare_mount=ok\nunshare_user=ENOSPC\nTIOCSTI=EPERM\nkeyctl=ENOSYS'
probe --cap-drop all
compare "--cap-drop all" <<<$'NoNewPrivs=1\nCapBnd=0000000000000000\nCapEff=0000000000000000\nSeccomp=2'
probe -u 1000
compare "-u 1000" <<<$'CapPrm=0000000000000000\nCapEff=0000000000000000\nCapInh=0000000000000000\nCapBnd=00000000800405fb'
probe --security-opt no-new-privileges --read-only
compare "no-new-privileges, --read-only" <<<$'NoNewPrivs=1\nroot_write=EROFS\ntmp_write=ok\nSeccomp=2'
probe --security-opt seccomp=unconfined
compare "seccomp=unconfined" <<<$'Seccomp=0\nunshare_user=ENOSPC\nkernel_files_writable=0\nmasked_that_show=0'
probe --privileged
compare "--privileged" <<<$'CapBnd=000001ffffffffff\nSeccomp=0\nunshare_user=ok\nmknod_device=EPERM\nreboot=EINVAL'

# --- --hardened is not undone by accident ------------------------------------------------------------------
for flags in --privileged --nested "--security-opt seccomp=unconfined" "--security-opt unmask=all" "--pids-limit -1"; do
	# shellcheck disable=SC2086 # words
	run rl run --rm --hardened --memory 512m $flags alpine true
	expect_error "--hardened with $flags" "*--hardened*"
done
run rl run --rm --hardened alpine true
expect_error "--hardened without a limit of memory" "*--memory*"

# --- inspect says what is in force --------------------------------------------------------------------------
run rl run -d --name c --network none --security-opt no-new-privileges alpine sh -c 'exec sleep 60'
run rl inspect -f '{{.Isolation.SeccompProfile}} {{.Isolation.NoNewPrivileges}} {{.Isolation.InKernel.Seccomp}} {{.Isolation.InKernel.NoNewPrivs}} {{.Isolation.InKernel.CapBnd}} {{.Isolation.Hardened}} {{.Isolation.NestedUserNamespaces}}' c
expect "inspect lists the layers in force" 0 "default true 2 1 00000000800405fb false false"
run rl rm -f -t 0 c
run rl volume rm vol
leakcheck "nothing is left"
finish
