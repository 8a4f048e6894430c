#!/bin/bash
# images.sh - rl images, image inspect and rmi as scripts meet them: output, exit codes, messages
set -u
user=${RL_TEST_USER:-rltest} n=0 failed=0 out=
who=()
if [ "$(id -u)" = 0 ]; then
	id "$user" >/dev/null 2>&1 || {
		echo "1..0 # SKIP no user '$user' to run as (RL_TEST_USER)"
		exit 77
	}
	who=(setpriv --reuid "$user" --regid "$(id -g "$user")" --init-groups)
fi
command -v jq >/dev/null || {
	echo "1..0 # SKIP no jq"
	exit 77
}
base=$(mktemp -d /tmp/rl-images.XXXXXX) || exit 1
chmod 755 "$base"
cp rl rl-image "$base" || exit 1
mkdir "$base/home" "$base/in"
[ "$(id -u)" != 0 ] || chown "$user" "$base/home"
store=$base/home/store

ok() { # ok STATUS WHAT
	n=$((n + 1))
	if [ "$1" = 0 ]; then
		echo "ok $n - $2"
	else
		echo "not ok $n - $2"
		printf '%s\n' "$out" | sed 's/^/# /'
		failed=1
	fi
}
rl() {
	out=$(timeout 30 "${who[@]}" env -i HOME="$base/home" RL_ROOT="$store" PATH=/usr/bin:/bin \
		"$base/rl" "$@" 2>&1)
}
is() { # is WORDS WHAT
	[ "$out" = "$1" ]
	ok $? "$2"
}
has() { # has WORDS WHAT
	case $out in
	*"$1"*) ok 0 "$2" ;;
	*) ok 1 "$2 (wanted: $1)" ;;
	esac
}
# blob FOLDER TEXT-FILE: into the layout; prints the digits
blob() {
	local h
	h=$(sha256sum <"$2" | cut -c1-64)
	mkdir -p "$1/blobs/sha256"
	cp "$2" "$1/blobs/sha256/$h"
	echo "$h"
}
# image NAME CREATED CONFIG-FIELDS FILE: an OCI layout with one layer, loaded
image() {
	local dir="$base/in/$RANDOM" layer diff config manifest size
	mkdir -p "$dir/root"
	echo "$4" >"$dir/root/$4"
	tar -C "$dir/root" --owner=0 --group=0 --mtime=@0 -cf "$dir/layer" .
	rm -r "$dir/root"
	layer=$(blob "$dir" "$dir/layer")
	diff=sha256:$layer size=$(stat -c %s "$dir/layer")
	printf '{"created":"%s","os":"linux","architecture":"amd64","config":{%s},"rootfs":{"type":"layers","diff_ids":["%s"]}}' \
		"$2" "$3" "$diff" >"$dir/config"
	config=$(blob "$dir" "$dir/config")
	printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:%s","size":%s},"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"sha256:%s","size":%s}]}' \
		"$config" "$(stat -c %s "$dir/config")" "$layer" "$size" >"$dir/manifest"
	manifest=$(blob "$dir" "$dir/manifest")
	printf '{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:%s","size":%s,"annotations":{"org.opencontainers.image.ref.name":"%s"}}]}' \
		"$manifest" "$(stat -c %s "$dir/manifest")" "$1" >"$dir/index.json"
	echo '{"imageLayoutVersion":"1.0.0"}' >"$dir/oci-layout"
	rm "$dir/layer" "$dir/config" "$dir/manifest"
	chmod -R a+rX "$dir"
	rl load -q -i "$dir"
	id=$config digest=sha256:$manifest
}

rl images
is "REPOSITORY  TAG  IMAGE ID  CREATED  SIZE" "an empty store"
image example.com/team/old:1 2020-01-02T03:04:05Z '"Labels":{"tier":"db"},"Env":["A=1"]' one
has "Loaded image: example.com/team/old:1" "an image is loaded"
old=$id old_digest=$digest name=example.com/team/old:1
image docker.io/library/alpine:3 2021-01-02T03:04:05.5Z '"Labels":{"tier":"web","x":""},"Cmd":["sh"]' two
new=$id
image docker.io/library/alpine:latest 2021-01-02T03:04:05.5Z '"Labels":{"tier":"web","x":""},"Cmd":["sh"]' two

# --- images --------------------------------------------------------------------------------------
rl images -n --sort repository
out=$(printf '%s\n' "$out" | sed 's/  [0-9]* years ago  [0-9]* B$//')
is "docker.io/library/alpine  3       ${new:0:12}
docker.io/library/alpine  latest  ${new:0:12}
example.com/team/old      1       ${old:0:12}" "a row for each name"
rl images -q
is "${new:0:12}
${old:0:12}" "-q: each id once, newest first"
rl images -q --no-trunc example.com/team/old
is "sha256:$old" "whole ids"
rl images --digests -n old
has "$old_digest" "digests"
for f in "reference=alp*" "reference=docker.io/library/alpine" "label=tier=web" "label=x" "since=example.com/team/old:1" \
	"label!=tier=db" "id=${new:0:5}" "since=${old:0:12}"; do
	rl images -q -f "$f"
	is "${new:0:12}" "filter $f"
done
for f in before=alpine:3 label=tier=db "digest=$old_digest" until=2020-06-01T00:00:00Z; do
	rl images -q -f "$f"
	is "${old:0:12}" "filter $f"
done
rl images -q -f label=tier=web -f label=tier=db
is "" "all labels must match"
rl images -q -f reference=old -f reference=alpine
[ "$(printf '%s\n' "$out" | wc -l)" = 2 ]
ok $? "either of two patterns"
rl images -f nothing=1
[ $? = 125 ] && has "Error: 'nothing=1' is no filter for images" "an unknown filter"
rl images -f before=nothing
[ $? = 125 ] && has "nothing: image not known" "before an unknown image"
rl images --sort taste
has "--sort 'taste': expected created" "an unknown order"
rl images --format json
printf '%s' "$out" | jq -e 'length == 2 and .[0].RepoTags == ["docker.io/library/alpine:3",
	"docker.io/library/alpine:latest"] and .[0].Created == 1609556645 and
	.[0].CreatedAt == "2021-01-02T03:04:05.5Z" and .[0].Dangling == false and
	.[0].Labels.tier == "web" and .[1].Containers == 0' >/dev/null
ok $? "--format json"
rl images --format '{{.Repository}}|{{.Tag}}|{{.ID}}|{{index .Labels "tier"}}' old
is "example.com/team/old|1|${old:0:12}|db" "a template"
rl images --format 'table {{.Repository}}\t{{.ID}}' old
is "REPOSITORY            IMAGE ID
example.com/team/old  ${old:0:12}" "a table of a template"
rl images --format '{{.Nothing}}'
[ $? = 125 ] && has "Nothing" "an unknown field"

# --- inspect -------------------------------------------------------------------------------------
rl image inspect "$name" alpine:3
printf '%s' "$out" | jq -e --arg o "$old" 'length == 2 and .[0].Id == $o and
	.[0].Config.Env == ["A=1"] and .[0].Architecture == "amd64" and .[0].Os == "linux" and
	(.[0].RootFS.Layers | length) == 1 and .[1].Labels.tier == "web" and
	.[0].ManifestType == "application/vnd.oci.image.manifest.v1+json"' >/dev/null
ok $? "inspect two"
rl image inspect -f '{{.Id}} {{json .Config.Env}} {{.Config.User}}.{{.Config.Cmd}}' "$name"
is "$old [\"A=1\"] .[]" "inspect with a template"
rl image inspect example.com/team/old@"$old_digest" -f '{{.Id}}'
is "$old" "by digest"
rl image inspect nothing
[ $? = 125 ] && is "[]
Error: nothing: image not known" "inspect an unknown image"

# --- damage --------------------------------------------------------------------------------------
sed -i 's/"size"/"sizf":1,"version":1,"size"/' "$store/images/$old/image.json"
rl images -q
has "${new:0:12}" "a damaged record hides no other"
has "the record of image ${old:0:12} is damaged" "and is named"
rl image inspect "$name"
has "Hint: 'rl rmi ${old:0:12}'" "and the way out"
rl rmi "$name"
is "Untagged: example.com/team/old:1
Deleted: $old" "a damaged image can be removed"

# --- rmi -----------------------------------------------------------------------------------------
rl rmi nothing
[ $? = 1 ] && is "Error: nothing: image not known" "rmi of an unknown image: 1"
rl rmi -f nothing && is "" "with -f: 0 and silence"
rl rmi --ignore nothing
ok $? "with --ignore: 0"
rl rmi "${new:0:6}"
[ $? = 125 ] && has "has 2 names" "by id with two names"
rl rmi alpine
is "Untagged: docker.io/library/alpine:latest" "one of two names"
"${who[@]}" mkdir -p "$store/containers/c0ffee"
printf %s "$new" | "${who[@]}" tee "$store/containers/c0ffee/image" >/dev/null
rl images --format '{{.Containers}}'
is 1 "a container counts"
rl rmi alpine:3
[ $? = 2 ] && has "is used by container c0ffee" "used by a container: 2"
"${who[@]}" rm -r "$store/containers/c0ffee"
rl rmi nothing alpine:3
[ $? = 1 ] && has "Deleted: $new" "the others get their turn; the last failure decides"
out=$(find "$store/layers" "$store/names" "$store/images" -mindepth 1 ! -name .gc ! -name .lock)
is "" "nothing is left: no layer, no name, no record, no trash"
rl rmi
[ $? = 125 ] && has "rmi needs IMAGE... or --all" "rmi of nothing"

"${who[@]}" unshare -U --map-auto --map-root-user rm -rf "$store" 2>/dev/null
rm -rf "$base"
echo "1..$n"
exit $failed
