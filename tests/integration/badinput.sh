#!/bin/bash
# badinput.sh - what goes wrong is said in one or two lines: what, on which object, why, what to do;
# exit 125; nothing is left behind
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
cp "$(image alpine)" "$T/alpine.tar"
run rl load -q -i "$T/alpine.tar"
img=docker.io/library/alpine

# --- command line and archives (no registry) --------------------------------------------------------
for name in '' UPPER 'a b' '../x' 'a/../b' 'x:' 'x@sha256:beef' 'x@md5:0' "$(printf 'a%.0s' {1..600})" $'a\nb' $'\e[31mred'; do
	run rl run --rm "$name" true
	expect_error "image name '$(printf %q "${name:0:30}")'" "*"
	[[ $err != *$'\e'* ]] || not_ok "an escape sequence reached the terminal"
done
run rl load -i "$T/none.tar"
expect_error "load: no such file" "*$T/none.tar*"
head -c 1000000 "$T/alpine.tar" >"$T/cut.tar"
run rl load -i "$T/cut.tar"
expect_error "load: truncated archive" "*cut.tar*"
head -c 100000 /dev/urandom >"$T/noise.tar"
run rl load -i "$T/noise.tar"
expect_error "load: not an archive" "*noise.tar*"
: >"$T/empty.tar"
run rl load -i "$T/empty.tar"
expect_error "load: empty file" "*empty.tar*"
run rl load </dev/null
expect_error "load: empty stdin" "*"
mkdir "$T/x" && tar -xf "$T/alpine.tar" -C "$T/x"
printf x | dd of="$(find "$T/x/blobs" -type f -size +1M)" bs=1 seek=5000 conv=notrunc 2>/dev/null
tar -C "$T/x" -cf "$T/flipped.tar" .
# into an empty store: a layer that is there already is not read again
run rl --root "$T/home/empty" load -i "$T/flipped.tar"
expect_error "load: a layer with a wrong digest" "*sha256*"
leakcheck "nothing is left of bad archives"
run rl images -q
expect "no half image is visible" 0 "+([0-9a-f])"

# --- registry ---------------------------------------------------------------------------------------
if start_registry; then
	push "$T/alpine.tar" library/alpine:latest
	run rl pull absent
	expect_error "unknown image" "*absent*"
	run rl pull alpine:nosuchtag
	expect_error "unknown tag" "*nosuchtag*"
	run rl pull alpine@sha256:0000000000000000000000000000000000000000000000000000000000000000
	expect_error "unknown digest" "*sha256:0000*"
	run rl pull nosuch.invalid/x
	expect_error "unknown registry" "*nosuch.invalid*"
	run rl pull 127.0.0.1:1/x
	expect_error "registry that does not listen" "*127.0.0.1:1*"
	printf '{"auths":{"%s":{"auth":"%s"}}}' "$REGISTRY" "$(printf rl:wrong | base64)" >"$T/auth.json"
	chmod 644 "$T/auth.json"
	run rl pull --authfile "$T/auth.json" alpine
	expect_error "refused password" "*$REGISTRY*"
	[[ $err$out != *wrong* ]] || not_ok "the password is in the message"
	mv "$T/home/.config/containers/auth.json" "$T/saved.json"
	run rl pull alpine
	expect_error "no password" "*$REGISTRY*"
	mv "$T/saved.json" "$T/home/.config/containers/auth.json"
	echo '{broken' >"$T/auth.json"
	run rl pull --authfile "$T/auth.json" alpine
	expect_error "broken auth file" "*$T/auth.json*"
	mv "$T/home/.config/containers/certs.d" "$T/certs.d"
	run rl pull alpine
	expect_error "unknown certificate authority" "*$REGISTRY*"
	mv "$T/certs.d" "$T/home/.config/containers/certs.d"
	run rl pull "localhost:$REG_PORT/library/alpine"
	expect_error "no certs.d for this name" "*localhost:$REG_PORT*"
	blob=$(find "$T/registry/data" -path '*/blobs/*' -name data -size +1M)
	cp "$blob" "$T/blob"
	run rl rmi $img
	head -c 1000000 "$T/blob" >"$blob"
	run rl pull -q alpine
	expect_error "truncated layer" "*sha256:*"
	{ head -c 5000 "$T/blob" && printf XXXX && tail -c +5005 "$T/blob"; } >"$blob"
	run rl pull -q alpine
	expect_error "wrong digest" "*sha256:*"
	leakcheck "nothing is left of bad pulls"
	cp "$T/blob" "$blob"
	run rl pull -q alpine
	expect "and a good one works" 0 "+([0-9a-f])"
	# no space: a store of one megabyte
	if [ "$(id -u)" = 0 ]; then
		own_dir "$T/small" 700
		mount -t tmpfs -o size=1m,mode=700,uid="$TEST_UID",gid="$TEST_GID" small "$T/small" && at_end+=("umount $T/small")
		saved=$ROOT ROOT=$T/small
		run rl pull -q alpine
		expect_error "no space" "*no space*"
		check "no space: what was staged is gone" test "$(du -sk "$T/small" | cut -f1)" -lt 300
		ROOT=$saved
		umount "$T/small"
	fi
else
	skip "registry" "docker-registry, openssl or htpasswd is missing"
fi

# --- the machine ------------------------------------------------------------------------------------
q() { run rl run --rm --network none "$@"; }
if [ "$(id -u)" = 0 ]; then
	# hidden CMD...: in a mount namespace in which a file is not there, or another one lies over it
	without() { # FILE CMD...
		local f=$1
		shift
		unshare -m --propagation private bash -c 'mount --bind /dev/null "$0" && exec "$@"' "$f" "$@"
	}
	# a session may live from before: end it
	fresh_session() { pkill_holder && sleep 0.3; }
	fresh_session
	run without /usr/bin/newuidmap bash -c "$(declare -f as_user as_user_exec rl); $(declare -p T TEST_UID TEST_GID TEST_USER ROOT RL_TEST_MARK USER_ENV TIME_LIMIT RL); rl run --rm --network none $img id -u"
	if [ "$status" = 0 ]; then
		expect "no newuidmap: one id, and one line says so" 0 0 "*newuidmap*"
	else
		expect_error "no newuidmap" "*newuidmap*"
	fi
	fresh_session
	grep -v "^$TEST_USER:" /etc/subuid >"$T/subuid"
	run unshare -m --propagation private bash -c "mount --bind $T/subuid /etc/subuid; $(declare -f as_user as_user_exec rl); $(declare -p T TEST_UID TEST_GID TEST_USER ROOT RL_TEST_MARK USER_ENV TIME_LIMIT RL); ROOT=$T/home/one; rl load -q -i $T/alpine.tar >/dev/null; rl run --rm --network none $img sh -c 'id -u; touch /f; chown 33 /f; echo rc \$?'"
	expect "no subordinate ids: one id, nothing fails" 0 "0*rc 0" # (session.sh looks at the warning, which comes once a boot)
	fresh_session
	old=$(cat /proc/sys/user/max_user_namespaces)
	# a namespace whose own limit is 0, instead of the machine's
	run as_user unshare -U -r bash -c "echo 0 >/proc/sys/user/max_user_namespaces; RL_ROOT=$T/home/other XDG_RUNTIME_DIR=$T/none exec '$RL' run --rm --network none $img true"
	expect_error "user namespaces forbidden" "*user*namespace*"
	check "the machine's limit is as it was" test "$old" = "$(cat /proc/sys/user/max_user_namespaces)"
	rm -rf "$T/home/other"
fi
USER_ENV=(HOME=/nonexistent RL_ROOT=/proc/nowhere)
q $img true
expect_error "no place for the store" "*/proc/nowhere*"
USER_ENV=()
own_dir "$T/open" 777
USER_ENV=(RL_ROOT="$T/open")
q $img true
expect_error "a store that others may write" "*$T/open*"
USER_ENV=()
q $img echo fine
expect "and without the faults it works" 0 fine
leakcheck "nothing is left"

finish
