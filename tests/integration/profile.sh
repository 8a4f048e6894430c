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

# --- profiles of the user's own -----------------------------------------------------------------------------
# allow everything but what RULES say
own_profile() { printf '{"defaultAction":"SCMP_ACT_ALLOW","archMap":[{"architecture":"SCMP_ARCH_X86_64","subArchitectures":["SCMP_ARCH_X86"]}],"syscalls":[%s]}' "$1" >"$T/work/own.json"; }
own() { # RULES FLAGS...
	own_profile "$1"
	shift
	run rl run --rm --network none --security-opt "seccomp=$T/work/own.json" -v "$T/work/probe:/probe:ro" "$@" alpine /probe
	printf '%s\n' "$out" >"$T/answers"
}
rule='{"names":["kcmp"],"action":"SCMP_ACT_ERRNO","errnoRet":%s%s}'
# shellcheck disable=SC2059 # formats
conditions=$(printf "$rule,$rule,$rule,$rule" 5 ',"includes":{"caps":["CAP_SYS_ADMIN"]}' 7 ',"excludes":{"caps":["CAP_SYS_ADMIN"]},"includes":{"minKernel":"99.0"}' \
	11 ',"includes":{"arches":["nosuch"]}' 12 ',"excludes":{"caps":["CAP_SYS_ADMIN"]},"includes":{"minKernel":"3.0"}')
own "$conditions" && compare "a profile: by kernel and excluded capability" <<<$'kcmp=ENOMEM\nSeccomp=2\nkeyctl=ok'
own "$conditions" --cap-add SYS_ADMIN && compare "a profile: by included capability" <<<$'kcmp=EIO'
own '{"names":["personality"],"action":"SCMP_ACT_ERRNO","errno":"ENOTTY","args":[{"index":0,"value":262144,"op":"SCMP_CMP_EQ"}]},{"names":["nosuchcall"],"action":"SCMP_ACT_KILL"}'
compare "a profile: by argument, the error by name; unknown calls are passed over" <<<$'personality_layout=ENOTTY\ngetpid=ok'
own '{"names":["getpid"],"action":"SCMP_ACT_KILL_PROCESS"}' && expect "a profile that kills" 159
own '{"names":["getpid"],"action":"SCMP_ACT_NOTIFY"}' && expect_error "a profile that asks somebody" "*SCMP_ACT_NOTIFY*not supported*"
own '{"names":"getpid","action":"SCMP_ACT_KILL"}' && expect_error "a malformed profile" "*own.json*"
run rl run --rm --security-opt seccomp=/nosuch alpine true
expect_error "no such profile" "*/nosuch*"
# changed in place: what was compiled from the old text is not used
own '{"names":["kcmp"],"action":"SCMP_ACT_ERRNO","errnoRet":13}' && compare "a profile that has changed" <<<kcmp=EACCES

# --- inspect says what is in force --------------------------------------------------------------------------
run rl run -d --name c --network none --security-opt no-new-privileges alpine sh -c 'exec sleep 60'
run rl inspect -f '{{.Isolation.SeccompProfile}} {{.Isolation.NoNewPrivileges}} {{.Isolation.InKernel.Seccomp}} {{.Isolation.InKernel.NoNewPrivs}} {{.Isolation.InKernel.CapBnd}} {{.Isolation.Hardened}} {{.Isolation.NestedUserNamespaces}}' c
expect "inspect lists the layers in force" 0 "default true 2 1 00000000800405fb false false"
run rl rm -f -t 0 c
run rl volume rm vol
leakcheck "nothing is left"
finish
