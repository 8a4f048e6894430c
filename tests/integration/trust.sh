#!/bin/bash
# trust.sh - policy.json: rejected, accepted and signed images; rl trust; signatures made by openssl
#
# cosign is not needed: a signature is a small JSON payload, signed with the private key, pushed as a
# blob of an image with the tag sha256-<hex>.sig.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
command -v docker-registry >/dev/null || skip_all "needs docker-registry"
command -v skopeo >/dev/null || skip_all "needs skopeo"
for p in openssl curl jq; do command -v $p >/dev/null || skip_all "needs $p"; done
start_registry || skip_all "no registry"
id_pattern='+([0-9a-f])'
conf=$T/home/.config/containers
policy=$conf/policy.json
K=$T/work/keys
own_dir "$K" 755
ask() { curl -sS --cacert "$T/registry/ca.crt" -u rl:secret "$@"; }

key() { # NAME KIND...: $K/NAME.key, $K/NAME.pub
	openssl genpkey -quiet -out "$K/$1.key" "${@:2}" 2>/dev/null || openssl genpkey -out "$K/$1.key" "${@:2}" 2>/dev/null
	openssl pkey -in "$K/$1.key" -pubout -out "$K/$1.pub"
	chmod 644 "$K/$1.key"
}
key ec -algorithm EC -pkeyopt ec_paramgen_curve:P-256
key ec2 -algorithm EC -pkeyopt ec_paramgen_curve:P-256
key rsa -algorithm RSA -pkeyopt rsa_keygen_bits:2048
key ed -algorithm ED25519

payload() { # NAME DIGEST
	printf '{"critical":{"identity":{"docker-reference":"%s"},"image":{"docker-manifest-digest":"%s"},"type":"cosign container image signature"},"optional":null}' "$1" "$2" >"$T/payload"
}
make_signature() { # KEY: base64 of the signature of $T/payload
	if [ "$1" = ed ]; then
		openssl pkeyutl -sign -rawin -inkey "$K/$1.key" -in "$T/payload" -out "$T/sig"
	else
		openssl dgst -sha256 -sign "$K/$1.key" -out "$T/sig" "$T/payload"
	fi
	base64 -w0 <"$T/sig"
}
blob() { # REPO FILE: upload, print its digest
	local at d
	d=sha256:$(sha256sum <"$2" | cut -d' ' -f1)
	at=$(ask -X POST -D - -o /dev/null "https://$REGISTRY/v2/$1/blobs/uploads/" | tr -d '\r' | sed -n 's/^[Ll]ocation: //p')
	ask -X PUT -H 'Content-Type: application/octet-stream' --data-binary "@$2" "$at&digest=$d" -o /dev/null
	echo "$d"
}
attach() { # REPO DIGEST SIGNATURE...: $T/payload with each signature, as cosign attaches them
	local repo=$1 hex=${2#sha256:} p c s list=''
	shift 2
	p=$(blob "$repo" "$T/payload")
	printf '{}' >"$T/config" && c=$(blob "$repo" "$T/config")
	for s; do
		list="$list${list:+,}{\"mediaType\":\"application/vnd.dev.cosign.simplesigning.v1+json\",\"digest\":\"$p\",\"size\":$(stat -c %s "$T/payload"),\"annotations\":{\"dev.cosignproject.cosign/signature\":\"$s\"}}"
	done
	printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"%s","size":2},"layers":[%s]}' "$c" "$list" >"$T/manifest"
	ask -X PUT -H 'Content-Type: application/vnd.oci.image.manifest.v1+json' --data-binary "@$T/manifest" \
		"https://$REGISTRY/v2/$repo/manifests/sha256-$hex.sig" -o /dev/null
}
sign() { # REPO NAME KEY...: a signature by each key
	local repo=$1 s=()
	payload "$2" "$digest"
	shift 2
	while [ $# -gt 0 ]; do s+=("$(make_signature "$1")") && shift; done
	attach "$repo" "$digest" "${s[@]}"
}
push "$(image alpine)" team/app:1
digest=$(ask -I -H 'Accept: application/vnd.oci.image.manifest.v1+json' "https://$REGISTRY/v2/team/app/manifests/1" | tr -d '\r' | sed -n 's/^[Dd]ocker-[Cc]ontent-[Dd]igest: //p')
[ -n "$digest" ] || skip_all "the registry does not tell digests"
app=$REGISTRY/team/app
pull() { rl rmi -f "$app:1" >/dev/null 2>&1; run rl pull -q "$app:1"; }

# --- rules without keys ---
run rl trust show
expect "no file of the user: the system's, or everything" 0 "TRANSPORT *NAME *TYPE *KEYS
all *default *"
run rl trust accept default
expect "accept default" 0 "" ""
pull
expect "accepted" 0 "$id_pattern" ""
run rl trust reject default "$REGISTRY/other"
expect "reject" 0 "" ""
pull
expect_error "rejected by the default" "*'$app:1' is rejected by $policy (default)*rl trust accept $app:1*"
check "nothing was asked of the registry" test -z "$(find "$ROOT/images" -mindepth 1 -maxdepth 1 ! -name '.*')"
run rl trust accept "$REGISTRY/team"
pull
expect "a folder of repositories is accepted" 0 "$id_pattern" ""
run rl trust reject "$app:1"
pull
expect_error "the most specific rule counts" "*rejected by $policy (docker: $app:1)*"
run rl pull -q "$app@$digest"
expect "by digest another rule counts" 0 "$id_pattern" ""
run rl run --rm --network none "$app@$digest" true
expect "what is in the store runs" 0
run rl trust remove "$app:1" "$app:nosuch"
expect_error "remove: one that is not there" "*'$app:nosuch': there is no rule for *"
run rl trust show
expect "show" 0 "TRANSPORT *
all         default *reject*
repository  $REGISTRY/other *reject*
repository  $REGISTRY/team *accept*"
run rl image trust show --json
expect "show as JSON" 0 '*"repo_name": "default"*"type": "accept"*'
run rl load -q -i "$T/i/share/rl/rl-busybox.tar"
expect_error "load obeys the default, too" "*'*rl-busybox.tar' is rejected by *(default)*rl trust accept oci-archive:*"
run rl pull -q localhost/rl-busybox
expect "the image that comes with rl is no stranger" 0 "$id_pattern"
run rl trust accept oci-archive: docker-archive:
run rl load -q -i "$T/i/share/rl/rl-busybox.tar"
expect "load accepted" 0 "Loaded image: *"
run rl image trust set -t reject default
expect "podman's way" 0 "" ""

# --- keys ---
run rl trust remove "$REGISTRY/team"
run rl trust add "$app" "$K/ec.pub"
expect "add" 0 "" ""
pull
expect_error "no signature" "*'$app:1' is rejected by $policy (docker: $app): there is no signature*"
sign team/app "$app" ec2
pull
expect_error "signed by somebody else" "*was not made with this key*"
sign team/app "$app" ec2 ec
pull
expect "one of two signatures is by the key" 0 "$id_pattern" ""
run rl pull -q "$app@$digest"
expect "by digest" 0 "$id_pattern" ""
mkdir -p "$T/sk.d" && printf 'docker:\n  %s:\n    use-sigstore-attachments: true\n' "$REGISTRY" >"$T/sk.d/a.yaml"
run skopeo --policy "$policy" --registries.d "$T/sk.d" copy -q --src-creds rl:secret --src-cert-dir "$T/registry/ca" \
	"docker://$app:1" "dir:$T/sk"
case $err in
*"sigstore disabled"*) skip "skopeo and the same signature, file and key" "Debian's skopeo is built without sigstore" ;;
*) expect "skopeo accepts the same signature by the same file and key" 0 ;;
esac
for k in rsa ed; do
	rl trust add "$app" "$K/$k.pub"
	pull
	expect_error "$k: not by that key" "*was not made with this key*"
	sign team/app "$app" $k
	pull
	expect "signed with $k" 0 "$id_pattern" ""
done
rl trust add "$app" "$K/ec.pub" "$K/ed.pub"
pull
expect "any of two keys" 0 "$id_pattern" ""
sign team/app "$REGISTRY/team/another" ed
pull
expect_error "a good signature for another repository" "*is for '$REGISTRY/team/another', wanted is something of '$app'*"
payload "$app" "sha256:$(printf '0%.0s' {1..64})"
attach team/app "$digest" "$(make_signature ed)"
pull
expect_error "a good signature of another image" "*is of another image, sha256:000000000000*"
payload "$app" "$digest"
old=$(make_signature ed)
payload "$app" "$digest " # one byte more
attach team/app "$digest" "$old"
pull
expect_error "a payload that was changed" "*was not made with any of these keys*"
attach team/app "$digest" "!!!" "AAAA" "${old:0:20}"
pull
expect_error "signatures that are none" "*rejected by*"
rl trust add --exact "$app" "$K/ed.pub"
sign team/app "$app" ed
pull
expect_error "--exact: a name without tag is not enough" "*is for '$app', wanted is '$app:1'*"
sign team/app "$app:1" ed
pull
expect "--exact: the name with tag" 0 "$id_pattern" ""
jq --arg a "$app" --arg k "$(base64 -w0 "$K/ed.pub")" '.transports.docker[$a] = [{type:"sigstoreSigned",keyData:$k,signedIdentity:{type:"remapIdentity",prefix:$a,signedPrefix:"vendor.example/x"}}]' "$policy" >"$T/p" && cat "$T/p" >"$policy"
pull
expect_error "keyData and remapIdentity: the old name" "*wanted is 'vendor.example/x:1'*"
sign team/app vendor.example/x:1 ed
pull
expect "keyData and remapIdentity: the vendor's name" 0 "$id_pattern" ""
own_dir "$conf/registries.d" 755
printf 'docker:\n  # the team\n  %s/team:\n    use-sigstore-attachments: false\n' "$REGISTRY" >"$conf/registries.d/a.yaml"
pull
expect_error "registries.d: no attachments" "*there is no signature*"
own_dir "$T/work/aside/team/app@sha256=${digest#sha256:}" 755
{
	printf '\0sigstore-json\n'
	jq -n --arg p "$(base64 -w0 "$T/payload")" --arg s "$(make_signature ed)" '{mimeType:"x",payload:$p,annotations:{"dev.cosignproject.cosign/signature":$s}}'
} >"$T/work/aside/team/app@sha256=${digest#sha256:}/signature-1"
printf '    lookaside: file://%s\n' "$T/work/aside" >>"$conf/registries.d/a.yaml"
pull
expect "registries.d: a lookaside" 0 "$id_pattern" ""
printf -- '- a\n' >>"$conf/registries.d/a.yaml"
pull
expect_error "registries.d: what it cannot read" "*a.yaml line 6: *mappings*"
rm -r "$conf/registries.d"

# --- what rl cannot check, and broken files ---
jq --arg a "$app" '.transports.docker[$a] = [{type:"signedBy",keyType:"GPGKeys",keyPath:"/x"}]' "$policy" >"$T/p" && cat "$T/p" >"$policy"
pull
expect_error "signedBy: trust_gpg.sh has the rest" "*@(public key: *'/x'*|must have a GPG signature*built without gpgme*rl trust add*)*"
jq --arg a "$app" '.transports.docker[$a] = [{type:"sigstoreSigned",keyPath:"/x",rekorPublicKeyPath:"/y"}]' "$policy" >"$T/p" && cat "$T/p" >"$policy"
pull
expect_error "a log" "*checks public keys only*"
jq --arg a "$app" '.transports.docker[$a] = [{type:"sigstoreSigned",keyPath:"/nonexistent"}]' "$policy" >"$T/p" && cat "$T/p" >"$policy"
pull
expect_error "a key that is gone" "*public key: *'/nonexistent'*"
jq --arg a "$app" '.transports.docker[$a] = [{type:"sigstoreSignd",keyPath:"/x"}]' "$policy" >"$T/p" && cat "$T/p" >"$policy"
pull
expect_error "a misspelt rule is no rule to skip" "*unknown type 'sigstoreSignd'*"
run rl trust accept default
expect_error "and such a file is not written over" "*unknown type*"
as_user mv "$policy" "$T/work/linked.json" && as_user ln -s "$T/work/linked.json" "$policy"
run rl pull -q "$app:1"
expect_error "a policy behind a link counts" "*sigstoreSignd*"
run rl trust add "$app" "$K/ec.pub" --policypath "$T/work/new.json"
as_user rm "$policy" && as_user ln -s "$T/work/new.json" "$policy"
run rl trust accept quay.io
[ -L "$policy" ] && grep -q quay.io "$T/work/new.json" && ok "a change leaves the link a link" || not_ok "a change leaves the link a link" "$out" "$err"
as_user rm "$T/work/new.json"
run rl pull -q "$app:1"
expect_error "a link to nothing is not the same as no policy" "*policy.json*No such file*"
as_user rm "$policy" && as_user touch "$policy"
echo '{"default":[]}' >"$policy"
pull
expect_error "an empty list" "*default: not a list of requirements, or an empty one*"
rm "$policy"

# --- wrong uses ---
run rl trust add "$app" "$K/ec.key"
expect_error "a private key" "*is a private key*"
run rl trust add "$app" "$SRC/README.md"
expect_error "no key" "*no PEM file with a public key*"
run rl trust add "$app"
expect_error "no key named" "*needs SCOPE FILE*"
run rl trust accept "a b"
expect_error "no name" "*"
run rl trust remove default
expect_error "the default stays" "*the default can be changed, not taken away*"
run rl image trust set "$app"
expect_error "podman's default type" "*type signedBy needs a key*"
run rl image trust frob
expect_error "image trust frob" "*takes 'show', or 'set'*"
leakcheck "nothing is left behind"
finish
