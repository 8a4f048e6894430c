#!/bin/sh
# headers.sh - every header compiles alone
set -u
cd "${srcdir:-.}" || exit 1
bad=0
for f in $(find core net storage cmd tests -name '*.h' ! -name banned.h | sort); do
	# shellcheck disable=SC2086 # lists of flags
	printf '#include "config.h"\n#include "%s"\n' "$f" |
		${CC:-cc} ${LINT_CPPFLAGS:--I.} ${LINT_CFLAGS-} -Wno-unused-macros -fsyntax-only -x c - ||
		{ echo "$f does not compile alone" && bad=1; }
done
exit $bad
