#!/bin/bash
# shift.sh - rl-image shift: a layer's copy for another owner map; rl-image rmtree removes both
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
in_s=("${as[@]}" unshare --user --map-root-user --map-auto)
"${in_s[@]}" true 2>/dev/null || {
	echo "1..0 # SKIP no subordinate ids for '$user'"
	exit 77
}
base=$(mktemp -d /tmp/rl-shift.XXXXXX) || exit 1
chmod 777 "$base"
# shellcheck disable=SC2317 # called by the trap
cleanup() {
	"${in_s[@]}" rm -rf "$base/root" 2>/dev/null
	rm -rf "$base"
}
trap cleanup EXIT
cp rl-image "$base/rl-image" && cp tests/tools/unpack "$base/unpack" || exit 1
cp "${srcdir:-.}/tests/tools/mkhostile.py" "$base/mkhostile.py" || exit 1

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
hex=$(printf '%064d' 7) from=$(printf '%064d' 7)-1.9 to=$(printf '%064d' 7)-1.9-s1
"${in_s[@]}" mkdir -p "$base/root/layers/$from/diff"
cat >"$base/make.py" <<'EOF'
import struct, sys
import mkhostile as m
cap = struct.pack("<5I", 0x02000001, 1 << 13, 0, 0, 0)
sys.stdout.buffer.write(
    m.d(b"./", mode=0o755, mtime=5) + m.d(b"a", uid=3, gid=4, mode=0o2750) + m.f(b"a/f", b"data", uid=9, mode=0o4711)
    + m.hard(b"a/g", b"a/f") + m.d(b"b") + m.hard(b"b/h", b"a/f") + m.sym(b"s", b"a/f", uid=2) + m.wh(b".wh.gone")
    + m.wh(b"b/.wh..wh..opq") + m.xattr(b"user.x", b"y", m.f(b"x", b"1", uid=1, gid=1))
    + m.xattr(b"security.capability", cap, m.f(b"ping", b"1", uid=0)) + m.head(b"p", b"6", uid=5)
    + m.gnu_sparse(b"holes", [(1048576, 512)], 2097152, b"D" * 512) + m.END)
EOF
cat >"$base/tree.py" <<'EOF'
import os, sys
import mkhostile as m
print("\n".join(m.tree(sys.argv[1])))
for p, d, f in os.walk(sys.argv[1]):
    for n in sorted(d + f):
        print(n, os.lstat(os.path.join(p, n)).st_mtime_ns if n != "b" else "")
EOF
cd "$base" || exit 1
python3 make.py >layer.tar
"${in_s[@]}" ./unpack "root/layers/$from/diff" <layer.tar >/dev/null 2>&1
# container 0..9 is 10..19 of S
out=$("${in_s[@]}" ./rl-image --root "$base/root" shift "sha256:$hex $from $to" "0 10 10" "0 10 10" 2>&1)
ok $? "a layer is shifted"
python3 - >want <<EOF
import re, subprocess
lines = subprocess.run("${in_s[*]} python3 tree.py root/layers/$from/diff", shell=True, capture_output=True, text=True).stdout
def up(m):
    return "%d:%d" % (int(m[1]) + 10, int(m[2]) + 10)
for l in lines.splitlines():
    w = l.split(" ")
    if len(w) > 1 and w[1] in ("f", "d", "l", "p"):
        at = 3 if w[1] == "d" else 2
        if w[1] != "l" and len(w) > 2 and re.fullmatch("[0-7]{3,4}", w[2]):
            at = 3
        if len(w) > at and re.fullmatch(r"\d+:\d+", w[at]):
            w[at] = re.sub(r"(\d+):(\d+)", up, w[at])
        else:
            w.insert(at, "10:10")
    print(" ".join(w))
EOF
"${in_s[@]}" python3 tree.py "root/layers/$to/diff" >got
# the layer's top is left out of a listing only when it is root's
diff <(sed '/^\. d/d' want | sort) <(sed '/^\. d/d' got | sort) >out.diff && [ "$(wc -l <got)" -gt 20 ]
ok $? "every object has the owner that the container shows as the same, all else is equal"
grep -q '^\. d 755 10:10' got && grep -q 'b d 755 10:10 opaque' got && grep -q 'f f 4711 19:10 x3 data' got
ok $? "the top, opaque folders, hard links"
out=$("${in_s[@]}" ./rl-image --root "$base/root" shift "sha256:$hex $from $to" "0 10 10" "0 10 10" 2>&1)
ok $? "a second time is no error"
out=$("${in_s[@]}" ./rl-image --root "$base/root" shift "sha256:$hex $from $to-2" "0 10 4
4 0 1" "0 10 4
4 0 1" 2>&1)
[ $? = 1 ] && [[ $out == *"owner 9:0 is outside the container's ids"* ]]
ok $? "an owner outside the container's map is an error that names it"
out=$("${in_s[@]}" ./rl-image --root "$base/root" shift "sha256:$hex $from $to-3" "0 10 5" "0 10 5" 2>&1) &&
	[ "$("${in_s[@]}" stat -c %u "root/layers/$to-3/diff/a/f")" = 0 ]
ok $? "or nobody's, where the container does not know the caller"
out=$(find root/layers -mindepth 1 -maxdepth 1 ! -name '0*')
[ -z "$out" ]
ok $? "and leaves nothing behind"
out=$("${in_s[@]}" ./rl-image --root "$base/root" rmtree "layers/$to" 2>&1) && [ ! -e "root/layers/$to" ]
ok $? "rmtree removes files of subordinate owners"
out=$("${in_s[@]}" ./rl-image --root "$base/root" rmtree "layers/../../x" 2>&1)
[ $? = 1 ] && [[ $out == *"'..' in its name"* ]]
ok $? "and nothing outside the data folder"
echo "1..$n"
exit $failed
