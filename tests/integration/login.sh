#!/bin/bash
# login.sh - rl login and logout: verified first, kept with mode 0600, helpers, several at once
#
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
command -v docker-registry >/dev/null || skip_all "needs docker-registry"
start_registry || skip_all "no registry"
rm -f "$T/home/.config/containers/auth.json"
auth=$T/run/containers/auth.json
is() { # NAME GOT WANTED
	if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1" "got: $2" "wanted: $3"; fi
}
push "$(image alpine)" alpine:1

run rl login -u rl -p wrong "$REGISTRY"
expect_error "a wrong password" "*login '$REGISTRY'*refuses the login of user 'rl'*"
check "it is not kept" test ! -e "$auth"
run rl pull -q "$REGISTRY/alpine:1"
expect_error "nobody is logged in" "*rl login*"
run rl login --get-login "$REGISTRY"
expect_error "--get-login: nobody" "Error: not logged into $REGISTRY"
run rl login -v -u rl --password-stdin "$REGISTRY" <<<secret
expect "the right one on stdin" 0 "Used: $auth
Login Succeeded!" ""
is "mode of the file" "$(stat -c '%a %U' "$auth")" "600 $TEST_USER"
is "what is in it" "$(jq -r ".auths[\"$REGISTRY\"].auth" "$auth")" "$(printf rl:secret | base64)"
run rl pull -q "$REGISTRY/alpine:1"
expect "a pull with it" 0 "+([0-9a-f])" ""
run rl login --get-login "$REGISTRY"
expect "--get-login" 0 rl ""
run rl login "https://$REGISTRY/v2/"
expect "again: it is only checked" 0 "Authenticating with existing credentials...
Existing credentials are valid. Already logged in to $REGISTRY" ""
if command -v skopeo >/dev/null; then
	run as_user skopeo login --get-login "$REGISTRY"
	expect "skopeo reads it" 0 rl
	run as_user skopeo logout "$REGISTRY"
	expect "skopeo removes it" 0
	run as_user skopeo login --cert-dir "$T/registry/ca" -u rl -p secret "$REGISTRY"
	run rl login --get-login "$REGISTRY"
	expect "and rl reads skopeo's" 0 rl
fi
run rl logout "$REGISTRY"
expect "logout" 0 "Removed login credentials for $REGISTRY" ""
run rl logout "$REGISTRY"
expect_error "twice" "Error: not logged into $REGISTRY"
is "the entry is gone" "$(jq -c .auths "$auth")" "{}"

# --- other files ---
own_dir "$T/home/.docker" 700
echo '{"auths":{"other.example":{"auth":"eDp5"}},"psFormat":"x"}' >"$T/home/.docker/config.json"
chown "$TEST_USER:" "$T/home/.docker/config.json" 2>/dev/null
run rl login -u rl -p secret --compat-auth-file "$T/home/.docker/config.json" "$REGISTRY"
expect "docker's file" 0 "Login Succeeded!" ""
is "what else stood there stays" "$(jq -r '.psFormat + (.auths | length | tostring)' "$T/home/.docker/config.json")" x2
printf 'secret\n' | rl secret create rl - >/dev/null
printf 'wrong' | rl secret create bad - >/dev/null
run rl login --secret rl --authfile s.json "$REGISTRY"
expect "--secret: its name is the user's" 0 "Login Succeeded!" ""
is "and its content the password" "$(jq -r ".auths[\"$REGISTRY\"].auth" "$T/work/s.json")" "$(printf rl:secret | base64)"
run rl login --secret bad -u rl --authfile s2.json "$REGISTRY"
expect_error "--secret: a wrong one" "*login '$REGISTRY'*"
run rl login --secret nosuch -u rl --authfile s2.json "$REGISTRY"
expect_error "--secret: there is none" "*no such secret*nosuch*"
run rl login --secret rl -p secret --authfile s2.json "$REGISTRY"
expect_error "--secret and --password" "*exclude each other*"
check "nothing was written" test ! -e "$T/work/s2.json"
rl secret rm rl bad >/dev/null
run rl --config "$T/work/docker" login -u rl -p secret "$REGISTRY"
expect "--config: a folder like Docker's" 0 "Login Succeeded!" ""
run rl --config "$T/work/docker" login --get-login "$REGISTRY"
expect "--config: read again" 0 rl
is "the file in it" "$(jq -c '.auths | length' "$T/work/docker/config.json")" 1
USER_ENV=(DOCKER_CONFIG="$T/work/docker")
run rl logout "$REGISTRY"
expect "DOCKER_CONFIG: the same" 0 "*$REGISTRY*"
USER_ENV=()
is "nobody is left in Docker's file" "$(jq -c .auths "$T/work/docker/config.json")" "{}"
run rl login -u rl -p secret --authfile sub/auth.json "$REGISTRY"
expect "--authfile in a new folder" 0 "Login Succeeded!" ""
run rl logout --authfile sub/auth.json -a
expect "logout of all" 0 "Removed login credentials for all registries" ""
is "nobody is left in it" "$(jq -c .auths "$T/work/sub/auth.json")" "{}"
echo '{"auths":[' >"$T/work/broken.json"
chmod 644 "$T/work/broken.json"
run rl login -u rl -p secret --authfile broken.json "$REGISTRY"
expect_error "a broken file is not overwritten" "*broken.json*not valid JSON*"
is "it is as it was" "$(cat "$T/work/broken.json")" '{"auths":['

# --- several at once: none is lost ---
for i in 1 2 3 4 5 6; do
	rl login -u rl -p secret --authfile many.json "$REGISTRY/team$i" >/dev/null 2>&1 &
	MY_PIDS="$MY_PIDS $!"
	wait_for="${wait_for-} $!"
done
# shellcheck disable=SC2086 # several
wait $wait_for
is "six logins at once" "$(jq '.auths | length' "$T/work/many.json")" 6

# --- helpers: only from the system's program folders ---
if [ "$(id -u)" = 0 ] && [ -w /usr/local/bin ]; then
	helper=docker-credential-rltest$$
	cat >"/usr/local/bin/$helper" <<-END
		#!/bin/sh
		f=$T/work/keyring
		case \$1 in
		store) cat >"\$f" ;;
		get) cat >/dev/null; [ -s "\$f" ] && cat "\$f" || { echo credentials not found; exit 1; } ;;
		erase) cat >/dev/null; rm -f "\$f" ;;
		esac
	END
	chmod 755 "/usr/local/bin/$helper"
	at_end+=("rm -f /usr/local/bin/$helper")
	chmod 777 "$T/work"
	echo "{\"credHelpers\":{\"$REGISTRY\":\"rltest$$\"}}" >"$T/work/h.json"
	chown "$TEST_USER:" "$T/work/h.json"
	run rl login --authfile h.json -u rl -p secret "$REGISTRY"
	expect "a credential helper" 0 "Login Succeeded!" ""
	is "it has the secret" "$(jq -r .Secret "$T/work/keyring")" secret
	is "the file has not" "$(grep -c "$(printf rl:secret | base64)" "$T/work/h.json")" 0
	run rl pull -q --authfile h.json "$REGISTRY/alpine:1"
	expect "a pull through it" 0 "+([0-9a-f])" ""
	run rl logout --authfile h.json "$REGISTRY"
	expect "logout through it" 0 "Removed*" ""
	check "it has erased it" test ! -e "$T/work/keyring"
else
	skip "credential helpers" "needs root to place one"
fi

# --- wrong uses ---
run rl login registry.invalid </dev/null
expect_error "no terminal to ask on" "*--password-stdin*"
run rl login --password-stdin "$REGISTRY" <<<x
expect_error "a password without a user" "*needs --username*"
run rl login -u rl -p x --password-stdin "$REGISTRY" <<<x
expect_error "two passwords" "*exclude each other*"
run rl login -u a:b -p x "$REGISTRY"
expect_error "a colon in the user's name" "*cannot be a user's name*"
run rl login -u rl -p x "not a host"
expect_error "no host" "*"
run rl login -u rl -p x "localhost:1"
expect_error "nobody there" "*localhost:1*"
run rl logout --all "$REGISTRY"
expect_error "all and one" "*--all takes no registry*"
leakcheck "nothing is left behind"
finish
