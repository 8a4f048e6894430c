#!/bin/sh
# man.sh - the manual pages that make wrote are clean for groff and mandoc (those that are installed)
set -u
pages=${RL_MAN_PAGES:-man}
[ -f "$pages/rl.1" ] || { echo "no manual pages are built"; exit 77; }
tools=''
command -v groff >/dev/null && tools="$tools groff"
command -v mandoc >/dev/null && tools="$tools mandoc"
[ -n "$tools" ] || { echo "needs groff or mandoc"; exit 77; }
bad=0
for page in "$pages"/*.1 "${srcdir:-.}"/net/*.7; do
	case $(head -n 1 "$page") in
	'.so man1/'*)
		[ -f "$pages/$(sed 's,^.so man1/,,' "$page")" ] || { echo "$page shows a page that is not there"; bad=1; }
		continue
		;;
	esac
	for tool in $tools; do
		case $tool in
		groff) said=$(groff -man -ww -Tutf8 -rCHECKSTYLE=0 "$page" 2>&1 >/dev/null) ;;
		mandoc) said=$(mandoc -T lint -W warning "$page" 2>&1) ;;
		esac
		[ -z "$said" ] || { echo "$said" | head -n 5; bad=1; }
	done
done
exit $bad
