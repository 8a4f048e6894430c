#!/bin/bash
# trust_gpg.sh - signedBy of policy.json: GPG signatures made by skopeo and by gpg, from a lookaside of
# registries.d as a folder and over http; wrong, expired, garbage, huge ones. In each case skopeo is asked, too.
#
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
for p in docker-registry skopeo gpg jq python3; do command -v $p >/dev/null || skip_all "needs $p"; done
start_registry || skip_all "no registry"
id_pattern='+([0-9a-f])'
conf=$T/home/.config/containers
policy=$conf/policy.json
app=$REGISTRY/team/app
own_dir "$conf/registries.d" 755
A=$T/aside
mkdir -m 700 "$T/gnupg"
at_end+=('gpgconf --homedir "$T/gnupg" --kill all')
g() { gpg --homedir "$T/gnupg" --batch --quiet --no-tty --no-permission-warning --pinentry-mode loopback --passphrase '' "$@"; }
new_key() { # NAME [GPG-OPTION...]: a key that signs, exported to $T/work/NAME.gpg
	local n=$1
	shift
	g "$@" --quick-gen-key "$n <$n@example.com>" "${algo:-ed25519}" sign "${expire:-0}" && g --export "$n@example.com" >"$T/work/$n.gpg"
}
new_key team 2>"$T/err" || skip_all "gpg makes no key here: $(tail -n 1 "$T/err")"
new_key other
new_key old --faked-system-time 20200101T000000 2>/dev/null
expire=1d new_key gone --faked-system-time 20200101T000000 2>/dev/null
g --armor --export team@example.com >"$T/work/team.asc"
chmod 644 "$T"/work/*

# the lookaside over http: the folder, or what the file "mode" says
cat >"$T/server.py" <<'END_PY'
import http.server, os, sys
top = sys.argv[1]
class H(http.server.BaseHTTPRequestHandler):
    def log_message(self, *a): pass
    def do_GET(self):
        mode = open(top + "/mode").read() if os.path.exists(top + "/mode") else ""
        path = top + "/" + self.path.lstrip("/").replace("..", "")
        if mode == "500":
            return self.send_error(500)
        if mode == "endless":
            self.send_response(200); self.end_headers()
            try:
                for _ in range(4096): self.wfile.write(b"x" * 65536)
            except OSError: pass
            return
        if mode == "away":
            self.send_response(302); self.send_header("Location", "file:///etc/passwd"); self.end_headers()
            return
        if not os.path.isfile(path):
            return self.send_error(404)
        body = open(path, "rb").read()
        self.send_response(200); self.send_header("Content-Length", str(len(body))); self.end_headers()
        self.wfile.write(body)
s = http.server.ThreadingHTTPServer(("127.0.0.1", 0), H)
open(top + "/port", "w").write(str(s.server_port))
s.serve_forever()
END_PY
mkdir "$A"
python3 "$T/server.py" "$A" 2>/dev/null </dev/null &
SERVER=$!
MY_PIDS="$MY_PIDS $SERVER"
at_end+=("kill $SERVER")
for _ in {1..100}; do [ -s "$A/port" ] && break || sleep 0.05; done
http=http://127.0.0.1:$(cat "$A/port")

aside() { # URL: where rl and skopeo look
	printf 'docker:\n  %s:\n    lookaside: %s\n' "$REGISTRY" "$1" >"$conf/registries.d/a.yaml"
}
rule() { # JSON-MEMBERS: what images of the team need
	jq -n --arg a "$REGISTRY/team" "{default:[{type:\"insecureAcceptAnything\"}],transports:{docker:{(\$a):[{type:\"signedBy\",keyType:\"GPGKeys\",$1}]}}}" >"$policy"
	chmod 644 "$policy"
}
by() { rule "keyPath:\"$T/work/$1.gpg\"${2:+,$2}"; }

# verdict NAME [ERROR-PATTERN]: of rl and of skopeo for $app:1 by the same files; without a pattern both accept it
verdict() {
	rl rmi -f "$app:1" >/dev/null 2>&1
	run rl pull -q "$app:1"
	if [ $# -gt 1 ]; then
		expect_error "$1" "$2"
	else
		expect "$1" 0 "$id_pattern" ""
	fi
	[ -z "${skopeo-x}" ] || as_user timeout 60 skopeo --policy "$policy" --registries.d "$conf/registries.d" copy -q --src-creds rl:secret \
		--src-cert-dir "$T/registry/ca" "docker://$app:1" "dir:$T/tmp/copy" >"$T/sk" 2>&1
	case $?${skopeo-x} in
	0x) [ $# = 1 ] && ok "$1: skopeo says the same" || not_ok "$1: skopeo accepts it" ;;
	*x) [ $# != 1 ] && ok "$1: skopeo says the same" || not_ok "$1: skopeo does not accept it" "$(tail -n 1 "$T/sk")" ;;
	esac
	rm -rf "$T/tmp/copy"
}

# --- a signature of skopeo's making ---
mkdir "$T/stage.d" && printf 'default-docker:\n  lookaside: file://%s\n  lookaside-staging: file://%s\n' "$A" "$A" >"$T/stage.d/a.yaml"
GNUPGHOME=$T/gnupg skopeo --registries.d "$T/stage.d" copy -q --insecure-policy --dest-creds rl:secret --dest-cert-dir "$T/registry/ca" \
	--sign-by team@example.com "oci-archive:$(image alpine)" "docker://$app:1" >"$T/err" 2>&1 || { not_ok "skopeo signs" "$(cat "$T/err")" && finish; }
digest=$(skopeo inspect --creds rl:secret --cert-dir "$T/registry/ca" "docker://$app:1" | jq -r .Digest)
S=$A/team/app@sha256=${digest#sha256:}
chmod -R a+rX "$A"
cp "$S/signature-1" "$T/genuine"

aside "file://$A"
run rl image trust set -f "$T/work/team.asc" "$REGISTRY/team"
expect "image trust set: signedBy is podman's default" 0 "" ""
run rl trust show
expect "trust show" 0 "*repository *$REGISTRY/team *signedBy *team.asc*"
run rl pull -q "$app:1"
case $err in
*"built without gpgme"*)
	expect_error "without gpgme it is refused before anything is fetched" "*must have a GPG signature*built without gpgme*rl trust add*"
	rm "$policy"
	leakcheck "nothing is left behind"
	finish
	;;
esac
verdict "signed by skopeo, armored key, lookaside in a folder"
run rl pull -q "$app@$digest"
expect "by digest" 0 "$id_pattern" ""
aside "$http"
verdict "lookaside over http"
by team
verdict "a binary key"
rule "keyPaths:[\"$T/work/other.gpg\",\"$T/work/team.gpg\"]"
verdict "one of several keys"
rule "keyData:\"$(base64 -w0 "$T/work/team.gpg")\""
verdict "keyData"
by team "signedIdentity:{type:\"matchExact\"}"
verdict "matchExact"
by team "signedIdentity:{type:\"remapIdentity\",prefix:\"$REGISTRY/team\",signedPrefix:\"vendor.example/x\"}"
verdict "remapIdentity to what was not signed" "*is for '$app:1', wanted is 'vendor.example/x/app:1'*"
by other
verdict "signed by another key" "*rejected by $policy (docker: $REGISTRY/team): the signature was not made with this key*"

# --- signatures that gpg makes of a payload ---
payload() { # NAME DIGEST [TYPE [MORE]]
	printf '{"critical":{"identity":{"docker-reference":"%s"},"image":{"docker-manifest-digest":"%s"},"type":"%s"%s},"optional":{"creator":"test"}}' \
		"$1" "$2" "${3:-atomic container signature}" "${4-}" >"$T/payload"
}
sign() { # GPG-OPTION...: $T/payload as the only signature
	rm -f "$S"/signature-*
	g --yes "$@" --output "$S/signature-1" --sign "$T/payload" 2>"$T/err" || not_ok "gpg signs" "$(cat "$T/err")"
	chmod 644 "$S/signature-1"
}
by team
payload "$app:1" "$digest" && sign -u team@example.com
verdict "signed by gpg"
payload "$REGISTRY/team/another:1" "$digest" && sign -u team@example.com
verdict "for another repository" "*is for '$REGISTRY/team/another:1', wanted is '$app:1'*"
payload "$app:2" "$digest" && sign -u team@example.com
verdict "for another tag" "*is for '$app:2', wanted is '$app:1'*"
by team 'signedIdentity:{type:"matchRepository"}'
verdict "matchRepository does not ask for the tag"
by team
payload "$app:1" "sha256:$(printf '0%.0s' {1..64})" && sign -u team@example.com
verdict "of another image" "*is of another image, sha256:000000000000*"
payload "$app:1" "$digest" "cosign container image signature" && sign -u team@example.com
verdict "of another type" "*unknown type 'cosign container*"
payload "$app:1" "$digest" "" ',"more":1' && sign -u team@example.com
verdict "with a member that nobody knows" "*payload of the signature*"
printf 'no JSON' >"$T/payload" && sign -u team@example.com
verdict "of what is no payload" "*payload of the signature*"
payload "$app:1" "$digest"
sign -u team@example.com -u other@example.com
verdict "two signatures in one message" "*more than one signature*"
sign -u team@example.com --digest-algo SHA512 -z 9
verdict "compressed"
# a good one beside others: any will do
cp "$S/signature-1" "$T/good"
printf 'garbage' >"$S/signature-1" && cp "$T/good" "$S/signature-2" && chmod 644 "$S"/*
skopeo='' verdict "a good one behind garbage" # skopeo gives up
rm "$S/signature-2"
verdict "garbage" "*rejected by*"
head -c 100000 /dev/urandom >"$S/signature-1"
verdict "100 KB of noise" "*rejected by*"
: >"$S/signature-1"
verdict "an empty file" "*there is no GPG signature*"
head -c 200 "$T/good" >"$S/signature-1"
verdict "cut off" "*rejected by*"
{ head -c 60 "$T/genuine" && printf 'X' && tail -c +62 "$T/genuine"; } >"$S/signature-1"
verdict "one byte is another" "*rejected by*"
rm "$S/signature-1"
g --yes --output "$S/signature-1" --store "$T/payload" && chmod 644 "$S/signature-1"
verdict "a message that nobody signed" "*no signature*"
head -c 100000000 /dev/zero >"$T/payload" && sign -u team@example.com -z 9 && rm "$T/payload"
skopeo='' verdict "100 MB of payload, packed in $(stat -c %s "$S/signature-1") bytes" "*rejected by*"
payload "$app:1" "$digest"
sign -u team@example.com --set-filename /etc/passwd
verdict "a message with a file name of its own"
# time
sign -u old@example.com --faked-system-time 20200102T000000 --default-sig-expire 1d
by old
verdict "an expired signature" "*the signature has expired*"
sign -u old@example.com
verdict "an old key, signed today"
sign -u gone@example.com --faked-system-time 20200101T010000
by gone
skopeo='' verdict "an expired key" "*the key of the signature has expired*"

# --- the server ---
by team
cp "$T/genuine" "$S/signature-1"
printf 500 >"$A/mode"
verdict "http: 500" "*look for signatures*"
printf endless >"$A/mode"
skopeo='' verdict "http: an answer without end" "*look for signatures*"
printf away >"$A/mode"
verdict "http: a redirect to a file" "*"
rm "$A/mode"
verdict "http: well again"
rm "$S/signature-1"
verdict "http: 404" "*there is no GPG signature*"
cp "$T/genuine" "$S/signature-1"

# --- the rule itself ---
sed -i 's/GPGKeys/X509Certificates/' "$policy"
verdict "another keyType" "*keyType 'X509Certificates'*"
rule 'keyPath:"/nonexistent.gpg"'
verdict "a key that is gone" "*public key: *'/nonexistent.gpg'*"
rule "keyPath:\"$policy\""
verdict "a key that is none" "*rejected by*"
jq --arg a "$REGISTRY/team" --arg k "$T/work/team.gpg" '.transports.docker[$a] = [{type:"signedBy",keyType:"GPGKeys",keyPath:$k},{type:"reject"}]' "$policy" >"$T/p" && cat "$T/p" >"$policy"
verdict "all requirements count" "*rejected by*"
run rl image trust set "$REGISTRY/team"
expect_error "a type without its key" "*type signedBy needs a key: --pubkeysfile*"
run rl image trust set -f "$T/registry/ca/ca.crt" "$REGISTRY/team"
expect_error "a key of another kind" "*is no file with OpenPGP public keys*gpg --armor --export*"
rm "$policy"
check "no folder of gpg stays" test -z "$(find "$T/run" -name '.tmp-gpg*')"
leakcheck "nothing is left behind"
finish
