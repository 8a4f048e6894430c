#!/bin/sh
# layers.sh - who may include whom, and how long files and functions may be (ARCHITECTURE.md)
#
#   core/base < core < storage, net (not each other) < cmd; tests may use all
set -u
cd "${srcdir:-.}" || exit 1
bad=0
say() {
	echo "$1"
	bad=1
}

# allow FOLDERS-OF-FILES REGEX: every quoted include of ours in these files must match REGEX
allow() {
	files=$1
	regex=$2
	# shellcheck disable=SC2086 # a list of files
	hits=$(grep -nE '^#[[:space:]]*include "' $files /dev/null |
		grep -vE "include \"(config\.h|$regex)")
	[ -z "$hits" ] || say "include across layers (allowed here: $regex):
$hits"
}
list() { find "$@" -name '*.[ch]' 2>/dev/null | sort | tr '\n' ' '; }

allow "$(list core/base)" 'core/base/'
allow "$(list core)" 'core/'
allow "$(list net)" '(core|net)/'
allow "$(list storage)" '(core|storage)/'
allow "$(list cmd)" '(core|net|storage|cmd)/'

for f in $(list core net storage cmd tests contrib); do
	! head -n 1 "$f" | grep -q '^/\* made from ' || continue # the build makes it
	case $f in *.h) most=150 ;; *) most=800 ;; esac
	n=$(wc -l <"$f")
	[ "$n" -le $most ] || say "$f: $n lines, the limit is $most: split it by duty"
	case $f in
	*.c) grep -m 1 -E '^#[[:space:]]*include' "$f" | grep -q '"config.h"' ||
		say "$f: the first include is not \"config.h\"" ;;
	*.h) grep -q '^#pragma once' "$f" || say "$f: no #pragma once" ;;
	esac
	head -n 1 "$f" | grep -q 'SPDX-License-Identifier: Apache-2.0' || say "$f: no SPDX line first"
	awk -v f="$f" '
		/^[a-zA-Z_].*\(/ { name = $0 }
		/^{$/ { at = NR }
		/^}$/ && at { if (NR - at - 1 > 60) { print f ":" at ": " NR - at - 1 \
			" lines in a function, the limit is 60: " name; long = 1 }; at = 0 }
		END { exit long }' "$f" || bad=1
done
exit $bad
