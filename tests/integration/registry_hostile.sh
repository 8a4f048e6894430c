#!/bin/bash
# registry_hostile.sh - pulls from a registry that lies, stalls, breaks off and fishes for passwords
#
# The scripted registry is tests/tools/registry.py. After each case: the words of the message, no
# secret at a host that it does not belong to, nothing half done in the store.
# shellcheck disable=SC2154 # the ports
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/integration/scripted.sh
. "$(dirname "$0")/scripted.sh"

# secrets NAME: no password, token or identity went to another listener, nor anywhere in clear
secrets() {
	local bad
	bad=$(grep -v '"listener": "home"' "$R/log" | grep -iE '"authorization"|secret-of-alice|token-|identity-of|YWxpY2U6' |
		grep -vE '"GET", "path": "/token/[^"]*", "headers": \{[^}]*\}' | head -n 3)
	# a token request at a foreign realm is fine as long as it is anonymous
	[ -n "$bad" ] || bad=$(grep -v '"listener": "home"' "$R/log" | grep -i '"authorization"' | head -n 3)
	if [ -z "$bad" ]; then ok "$1: no secret went astray"; else not_ok "$1: a secret went astray" "$bad"; fi
	: >"$R/log"
}
# nothing NAME: no image of it, no staging, no lock
staged() {
	find "$ROOT/layers" -mindepth 1 -maxdepth 1 ! -name .gc 2>/dev/null
	find "$ROOT/images" -mindepth 1 -maxdepth 1 ! -name '.*' 2>/dev/null
	leftover_processes
}
nothing() {
	local left
	soon says '' staged
	left=$(staged)
	if [ -z "$left" ]; then ok "$1: nothing is left"; else not_ok "$1: something is left" "$left"; fi
}
bad() { # BEHAVIOUR PATTERN [OPTION...]
	pull "${@:3}" "$H/$1"
	expect_error "$1" "$2"
	[[ $err$out != *$'\e'* ]] || not_ok "$1: escape bytes reach the terminal"
}
good() { # BEHAVIOUR [STDERR-PATTERN]
	pull "$H/$1"
	expect "$1 comes through" 0 "+([0-9a-f])" "${2-*}"
}
took() { # NAME SECONDS: the last pull was no slower
	if [ "$SECONDS" -le "$2" ]; then ok "$1 within $2 s"; else not_ok "$1 took $SECONDS s"; fi
}

# --- documents ---
login "$H"
bad html200 "*it is not a registry*"
bad nosuch "*manifest unknown*has no 'latest' of 'nosuch'*"
bad 403 "*denies access*DENIED: requested access*"
bad ansi "*denies access to 'ansi'*"
bad wrong-type "*served as*index*mediaType says*manifest*"
bad media-type-lies "*mediaType*"
bad dup-keys "*duplicate*"
bad ambiguous "*ambiguous*"
bad deep "*nested deeper*"
bad nul "*not valid JSON*"
bad schema1 "*schema 1*"
bad artifact "*not a container image*"
bad index-no-arch "*no image for platform linux/*; there are: linux/s390x, linux/ppc64le, windows/amd64*--platform*"
bad index-nested-50 "*more than 4 deep*"
bad manifest-1gib "*more than the allowed*"
bad layers-1e6 "*more than the allowed*"
bad layers-2000 "*2000 layers*1024*"
bad digest-evil "*64 hex digits*"
bad size-negative "*no usable size*"
bad size-huge "*no space*"
bad diffids-more "*2 diff_ids, but the manifest has 1 layers*"
bad wrong-digest-header "*wrong digest*"
bad evil-digest-header "*64 hex digits*"
bad header-64k "*"
bad wrong-digest-config "*"
nothing "documents"
secrets "documents"

# --- bodies ---
# the unpacker may meet the damage before the whole is hashed
bad wrong-digest "*@(wrong digest: asked for sha256:|checksum|gzip)*"
bad diffid-wrong "*the config says*"
bad gzip-cut "*layer sha256:*"
bad long "*sends more than the announced*"
bad length-lies "*announces*bytes*"
bad h1-smuggle "*announces 5 bytes*"
bad short-chunked "*ended the transfer after*"
bad layer-404 "*does not have the layer it announces*"
bad reset-always "*trying again*"
SECONDS=0
bad stall "*stopped sending*" --retry 1
took stall 40
bad slow-headers "*does not answer in time*" --retry 0
bad 503-always "*answers with status 503: UNAVAILABLE*"
nothing "bodies"
secrets "bodies"

good ok
good reset-once "*trying again*"
check "a broken transfer goes on where it was" grep -q '"Range": "bytes=[1-9][0-9]*-"' "$R/log"
good reset-many
good short "*trying again*"
good chunked-bad "*trying again*"
good range-ignored
good range-wrong
good etag-changes
good index-ok
good layer-dup
good no-type
good 500-then-ok "*status 500*trying again*"
good 429-0 "*trying again*"
good 429-1 "*limits requests*trying again in 1.0 s*"
good 429-date "*trying again*"
bad 429-1e9 "*asks to wait*"
good foreign-urls
check "the urls of a foreign layer are not used" bash -c "! grep -q /foreign/ '$R/log'"
secrets "good bodies"

# --- redirects ---
good redirect-same
good redirect-cross
bad redirect-http "*from https to 'http://localhost:$plain*refused*"
bad redirect-loop "*redirects more than 10 times*"
bad redirect-metadata-ip "*169.254.169.254*refused*"
bad redirect-file "*redirects to nowhere: 'file:*"
bad redirect-userinfo "*redirects to nowhere*"
bad redirect-none "*redirects to nowhere*"
check "nothing is asked over plain http" bash -c "! grep -q '\"listener\": \"plain\"' '$R/log'"
secrets "redirects"

# --- logins ---
good basic
good bearer
good token-needs-login
good token-expires-mid-pull
good scope-more
check "no more than pull is asked for" bash -c "! grep '\"path\": \"/token/' '$R/log' | grep -qE 'push|delete'"
bad 401-loop "*refuses the login of user 'alice'*"
bad token-403 "*the login of user 'alice' is refused*no token for you*"
bad token-html "*token from 'localhost:$home'*"
bad token-evil "*forbidden bytes*"
bad 401-http-realm "*without TLS*refused*"
bad 401-userinfo-realm "*"
bad 401-garbage "*"
secrets "logins at home"
good 401-foreign-realm
check "a foreign realm is asked" grep -q '"listener": "other".*"/token/401-foreign-realm' "$R/log"
bad 401-foreign-private "*without a login*your login was not sent there*"
secrets "foreign realms"
login "$H" "localhost:$other"
pull "$H/401-foreign-private"
check "the same login for both hosts: it is sent to both" grep -q '"listener": "other".*"Authorization": "Basic' "$R/log"
: >"$R/log"
printf '{"auths":{"%s":{"auth":"%s"}}}' "$H" "$(printf alice:wrong | base64)" >"$config/auth.json"
bad basic "*refuses the login of user 'alice'*auth.json*rl login*"
bad token-needs-login "*is refused by*rl login*"
printf '{"auths":{"%s":{"identitytoken":"identity-of-alice"}}}' "$H" >"$config/auth.json"
good token-refresh
rm "$config/auth.json"
bad basic "*or wants a login*rl login*"
good bearer
pull --creds alice:secret-of-alice "$H/basic"
expect "--creds" 0 "+([0-9a-f])"
secrets "wrong and no logins"

# --- tags ---
pull -a "$H/tags-pages"
expect "all tags, two pages" 0 "+([0-9a-f])
+([0-9a-f])"
pull -a "$H/tags-link-foreign"
expect "a list does not go on at another host" 0 "+([0-9a-f])"
check "the other host saw nothing" bash -c "! grep -q '\"listener\": \"other\"' '$R/log'"
pull -a "$H/tags-evil"
expect_error "tags-evil" "*is no tag*"

# --- uploads ---
login "$H"
good ok
send() { run rl push -q --retry-delay 50ms "$H/ok" "$H/$1"; }
send upload-ok
expect "an upload" 0 "" ""
send upload-foreign
expect "an upload to another host" 0 "" ""
check "the other host got the layer" grep -q '"listener": "other", "method": "PATCH"' "$R/log"
send upload-http
expect_error "upload-http" "*without TLS, to 'http://localhost:$plain*refused*"
send upload-file
expect_error "upload-file" "*does not say where the layer goes*"
send upload-nowhere
expect_error "upload-nowhere" "*does not say where the layer goes*"
send upload-metadata
expect_error "upload-metadata" "*169.254.169.254*refused*"
send upload-416
expect_error "upload-416" "*status 416: BLOB_UPLOAD_INVALID*"
send upload-digest
expect_error "upload-digest" "*DIGEST_INVALID*"
send upload-manifest-lie
expect_error "upload-manifest-lie" "*the registry took manifest sha256:* for sha256:*"
secrets "uploads"
run rl push -q --retry 1 --retry-delay 50ms --tls-verify=false --creds alice:secret-of-alice "$H/ok" "localhost:$plain/upload-cut"
expect_error "plain http, the upload at a host that breaks off: it ends" "*localhost*"
: >"$R/log"
rl rmi -f "$H/ok" >/dev/null 2>&1
rm "$config/auth.json"

# --- TLS ---
pull "localhost:$expired/ok"
expect_error "expired certificate" "*'localhost:$expired'*expired*clock*"
pull "localhost:$wrongname/ok"
expect_error "certificate of somebody else" "*'localhost:$wrongname' is not accepted*CA certificates tried: */certs.d/localhost:$wrongname*"
pull "localhost:$old/ok"
expect_error "TLS 1.1" "*'localhost:$old'*"
pull "localhost:$cut/ok"
expect_error "cut within the handshake" "*'localhost:$cut'*"
rm "$config/certs.d/localhost:$other/ca.crt"
pull "localhost:$other/ok"
expect_error "unknown CA" "*'localhost:$other' is not accepted*certs.d*"
run rl rmi -af # what is there is not fetched, from nowhere
bad redirect-cross "*'localhost:$other' is not accepted*"
pull "localhost:$plain/ok"
expect_error "no silent fall back to plain http" "*localhost:$plain*"
pull --tls-verify=false "localhost:$plain/ok"
expect "plain http when asked for" 0 "+([0-9a-f])"
pull --tls-verify=false "localhost:$expired/ok"
expect "any certificate when asked for" 0 "+([0-9a-f])"

# --- Ctrl-C, kill ---
interrupt() { # SIGNAL NAME
	as_user "$RL" pull -q "$H/slow-200000" >/dev/null 2>"$T/err" &
	local pid=$! t
	MY_PIDS="$MY_PIDS $pid"
	sleep 1
	t=$(date +%s%N)
	# the shell starts jobs with SIGINT ignored; env keeps that, so the process is told by its child
	pkill -"$1" -P "$pid" 2>/dev/null || kill -"$1" "$pid"
	wait "$pid"
	t=$((($(date +%s%N) - t) / 1000000))
	if [ $t -le 5000 ]; then ok "$2: over after $t ms"; else not_ok "$2: over after $t ms"; fi
}

rm -rf "$T/home/store"
interrupt TERM "a pull that is told to end"
nothing "told to end"
interrupt KILL "a pull that is killed"
nothing "killed"
leakcheck "nothing is left behind"
finish
