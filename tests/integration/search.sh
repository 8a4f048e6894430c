#!/bin/bash
# search.sh - rl search: the old search, catalogs, tags, filters, several registries
#
# shellcheck disable=SC2154 # the ports
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/integration/scripted.sh
. "$(dirname "$0")/scripted.sh"
search() { run rl search "$@"; }
is() { # NAME GOT WANTED
	if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1" "got: $2" "wanted: $3"; fi
}

# --- the old search ---
search --limit 3 "$H/v1"
expect "names and descriptions" 0 "NAME *DESCRIPTION
$H/v1/app0 *
$H/v1/app1  number 1: long long long long long long long...
$H/v1/app2 *" ""
is "a row is a line" "$(printf '%s\n' "$out" | wc -l)" 4
search "$H/v1"
is "25 of them" "$(printf '%s\n' "$out" | wc -l)" 26
search --no-trunc --limit 2 "$H/v1"
expect "whole descriptions" 0 "*long long long long long long long long long long*"
search --compatible --filter stars=3 --limit 5 "$H/v1"
expect "stars=3, with all columns" 0 "NAME *DESCRIPTION *STARS *OFFICIAL *AUTOMATED
*app3 * 3 * \[OK\]*
*app4 * 4*"
search --filter is-official=true --format '{{.Index}} {{.Name}} {{.Stars}} {{.Official}} {{.StarCount}}{{.IsOfficial}}{{.IsAutomated}}' "$H/v1"
expect "is-official, by a template" 0 "$H $H/v1/app3 3 \[OK\] 3\[OK\]"
search --filter is-automated "$H/v1"
expect "none that match: nothing is printed" 0 "" ""
search --limit 1 --format json "$H/v1"
is "JSON" "$(jq -r '.[0] | .Name, .Index, .Stars' <<<"$out" | tr '\n' ' ')" "$H/v1/app0 $H 0 "
check "no escape byte in it" bash -c "! grep -q $'\e' '$T/out'"

# --- a catalog ---
search "$H/"
expect "all that a registry has, two pages" 0 "NAME *
$H/team/first *
$H/other *
$H/team/second*"
search "$H/first"
expect "a part of the name" 0 "NAME *
$H/team/first*"
search "$H/v1-garbage"
expect "an answer that makes no sense: the catalog is asked" 0 ""

# --- tags ---
search --list-tags "$H/tags-pages"
expect "tags, two pages" 0 "NAME *TAG
$H/tags-pages *one
$H/tags-pages *two"
search --list-tags --limit 1 --format json "docker://$H/tags-pages"
is "tags as JSON" "$(jq -c '.[0].Tags' <<<"$out")" '["one"]'
search --list-tags "$H/nosuch"
expect_error "tags of what is not there" "*"
search --list-tags --filter stars=1 "$H/ok"
expect_error "tags and filters" "*exclude each other*"
login "$H"
search --list-tags "$H/basic"
expect "a login is used" 0 "*one*"
search --list-tags --creds alice:wrong "$H/basic"
expect_error "a wrong one" "*refuses the login of user 'alice'*"
check "no login at another host" bash -c "! grep -v '\"listener\": \"home\"' '$R/log' | grep -q Authorization"

# --- several registries ---
printf 'unqualified-search-registries = ["localhost:1", "%s"]\n' "$H" >"$config/registries.conf"
search --limit 1 v1
expect "one registry is not there, the other one answers" 0 "NAME *
$H/v1/app0 *" "*Warning: search 'localhost:1': *"
printf 'unqualified-search-registries = ["localhost:1"]\n' >"$config/registries.conf"
search v1
expect_error "none answers" "*search 'localhost:1'*"
rm "$config/registries.conf"

# --- a registry as many have one ---
if command -v docker-registry >/dev/null && command -v skopeo >/dev/null && start_registry; then
	push "$(image alpine)" team/app:1
	push "$(image alpine)" team/app:2
	search "$REGISTRY/app"
	expect "docker-registry: its catalog" 0 "NAME *
$REGISTRY/team/app*"
	search --list-tags "$REGISTRY/team/app"
	is "docker-registry: tags" "$(awk '{ print $2 }' <<<"$out" | sort | tr '\n' ' ')" "1 2 TAG "
	echo '{}' >"$T/work/nobody.json"
	search --authfile nobody.json "$REGISTRY/app"
	expect_error "docker-registry: without a login" "*login*"
else
	skip "docker-registry" "needs docker-registry and skopeo"
fi

# --- wrong uses ---
search
expect_error "no term" "*needs TERM*"
search --filter colour=red x
expect_error "an unknown filter" "*"
search --filter stars=many "$H/v1"
expect_error "stars=many" "*wants a number*"
search --limit 0 x
expect_error "none at all" "*--limit is 1 to*"
leakcheck "nothing is left behind"
finish
