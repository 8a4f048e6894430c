#!/bin/sh
# Every source, test and seed folder stands in some local.mk, and no list is begun twice: what a
# merge dropped from a list would otherwise be neither built nor run, in silence.
set -u
cd "${srcdir:-.}" || exit 99
status=0

listed() { # FILE WORD: WORD stands in a local.mk, or say so
	grep -qF "$2" ./*/local.mk && return
	echo "$1 is in no local.mk"
	status=1
}

# headers too: `make dist` takes along what is listed and nothing else
for f in cmd/*.[ch] cmd/*/*.[ch] core/*.[ch] core/*/*.[ch] net/*.[ch] storage/*.[ch] storage/*/*.[ch] \
	tests/unit/*.h tests/tools/*.py tests/integration/*.sh tests/integration/*.py tests/bench/* tests/vm/* tests/lint/*.sh \
	contrib/*; do
	[ -d "$f" ] && continue
	case $f in *.o | *.trs | *.log | *.tar) continue ;; contrib/local.mk) continue ;; esac
	case $f in *.c | tests/bench/floor) [ "${f#tests/}" = "$f" ] || continue ;; esac # as programs, below
	[ -e "$f" ] && listed "$f" "$f"
done
for f in tests/unit/test_*.c tests/fuzz/fuzz_*.c tests/integration/*.c tests/bench/*.c; do
	[ -e "$f" ] && listed "$f" "${f%.c}"
done
for mk in ./*/local.mk; do
	twice=$(grep -oE '^[A-Za-z_]+_(SOURCES|TESTS|TARGETS|CHECKS) =' "$mk" | sort | uniq -d)
	[ -z "$twice" ] || { echo "$mk begins a list twice: $twice"; status=1; }
	twice=$(grep -E '^[A-Za-z_]+ [+]= ' "$mk" | sort | uniq -d)
	[ -z "$twice" ] || { echo "$mk has an entry twice: $twice"; status=1; }
done
exit $status
