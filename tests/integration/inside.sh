#!/bin/bash
# shellcheck disable=SC2154 # status, out and err are set by run
# inside.sh - rl inside another container: of rl with full ids and with one, and of podman where there is one
#
# The inner rl runs, executes in, stops and removes a container; its doctor names what the outer one does
# not give. Run in `make check` without podman; by hand as an ordinary user who has podman for the rest.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
busybox=$(command -v busybox) || skip_all "no busybox"

# --- a root file system with rl in it ---------------------------------------------------------------
root=$T/root
mkdir -p "$root"/{bin,etc,proc,sys,dev,tmp,var/tmp,root,rl}
chmod 1777 "$root/tmp" "$root/var/tmp"
cp "$busybox" "$root/bin/busybox"
for a in sh cat id ls ps sleep grep head unshare mkdir true; do ln -s busybox "$root/bin/$a"; done
ldd "$busybox" >/dev/null 2>&1 && skip_all "busybox is not static"
cp -r "$T/i/." "$root/rl/"
for l in $(ldd "$T"/i/bin/rl "$T"/i/libexec/rl/* | grep -oE '/[^ :]+' | grep '\.so' | sort -u); do
	mkdir -p "$root$(dirname "$l")" && cp -L "$l" "$root$l"
done
echo root:x:0:0:root:/root:/bin/sh >"$root/etc/passwd"
echo root:x:0: >"$root/etc/group"
mkdir "$root/run" && touch "$root"/etc/{hosts,hostname,resolv.conf,mtab} "$root/run/.containerenv" # for podman with one id
cp "$(image alpine)" "$root/alpine.tar" || skip_all "no test image"
cat >"$root/inner" <<'END'
export HOME=/tmp/h RL_ROOT=/tmp/h/store PATH=/bin
mkdir -p /tmp/h
rl=/rl/bin/rl
echo "filters: $(grep -c '^Seccomp:.*2' /proc/self/status) ids: $(grep -c . /proc/self/uid_map)"
$rl load -q -i /alpine.tar >/dev/null 2>/tmp/err || cat /tmp/err
$rl run -d --name one --network none alpine sleep 1000 >/dev/null 2>/tmp/err && echo started || cat /tmp/err
$rl exec one id -u
$rl exec one unshare -U true 2>/dev/null && echo "nested namespaces"
$rl exec one sh -c 'cat /proc/kcore /proc/keys 2>/dev/null | head -c 1'
$rl exec one ls -l /proc/1/root 2>/dev/null | grep -q /alpine.tar && echo "the outer root shows"
$rl stop -t 0 one 2>/dev/null
$rl rm one
$rl run --rm alpine true 2>/tmp/err || cat /tmp/err
$rl doctor -q
echo "doctor: $?"
END
tar -C "$root" -cf "$T/root.tar" . && rm -rf "$root"

# inner WHAT COMMAND...: what the inner rl says
inner() {
	local what=$1
	shift
	TIME_LIMIT=120 run "$@"
	expect "$what: load, run, exec, stop, rm" 0 "*"$'\n'"started"$'\n'"0"$'\n'"one"$'\n'"one"$'\n'"*doctor: [01]"
	case $out in *nested\ namespaces* | *outer\ root*) not_ok "$what: what is inside stays inside" "$out" ;;
	*) ok "$what: what is inside stays inside" ;; esac
}

run rl import -q "$T/root.tar" localhost/inner
expect "import" 0
inner "in rl" rl run --rm --network none --nested localhost/inner sh /inner
expect "in rl: an outer filter, all ids" 0 "filters: 1 ids: 2*"
run rl run --rm --network none localhost/inner sh -c 'RL_ROOT=/tmp/s /rl/bin/rl doctor -q; echo "doctor: $?"; RL_ROOT=/tmp/s /rl/bin/rl load -i /alpine.tar 2>&1'
expect "in rl without --nested: a clear refusal" 125 "*missing*user-namespaces*rl run --nested*doctor: 2*Error:*user namespaces*Hint:*--nested*"
if [ "$(id -u)" = 0 ] && id -u rlone >/dev/null 2>&1; then
	TEST_UID=$(id -u rlone) TEST_GID=$(id -g rlone) ROOT=$T/one/store
	for d in one one/store run1; do own_dir "$T/$d" 700; done
	chmod 755 "$T/one"
	USER_ENV=(HOME="$T/one" XDG_RUNTIME_DIR="$T/run1" USER=rlone LOGNAME=rlone)
	rl import -q "$T/root.tar" localhost/inner >/dev/null 2>&1
	cd "$T" || exit 1
	inner "in rl with one id" rl run --rm --network none --nested localhost/inner sh /inner
	expect "in rl with one id: so it is" 0 "filters: 1 ids: 1*"
	pkill_holder
else
	skip "in rl with one id" "needs root and a user rlone without subordinate ids"
fi

# --- podman --------------------------------------------------------------------------------------------
if [ "$(id -u)" != 0 ] && command -v podman >/dev/null && podman import -q "$T/root.tar" localhost/rl-inner >/dev/null 2>&1; then
	pod() { podman run --rm --cgroups=disabled --network none "$@" localhost/rl-inner sh /inner; }
	inner "in podman" pod
	expect "in podman: what is missing is named" 0 "*new-proc*outer /proc*unmask=ALL*overlay*copy*tun*network around*"
	inner "in podman with one id" pod --uidmap 0:0:1 --gidmap 0:0:1
	inner "in podman, unmasked, with devices" pod --security-opt unmask=ALL --device /dev/fuse --device /dev/net/tun
	inner "in podman, unconfined" pod --security-opt seccomp=unconfined
	podman rmi localhost/rl-inner >/dev/null 2>&1
else
	skip "in podman" "needs an ordinary user with podman"
fi
rl rmi -f localhost/inner >/dev/null 2>&1 # an ordinary user cannot remove what others own
leakcheck "nothing is left"
finish
