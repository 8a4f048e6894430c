#!/bin/bash
# shellcheck disable=SC2154 # status, out and err are set by run
# help.sh - --help of every command and group, unknown ones and what they may have been meant to be
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

run rl --help
expect "the overview" 0 '*Commands:*run *Groups of commands:*container *Options:*--root *' ''
overview=$out
run rl
if [ "$status" = 0 ] && [ "$out" = "$overview" ]; then ok "no word at all"; else not_ok "no word at all" "$out"; fi
[[ $overview != *__complete* ]] || not_ok "hidden commands are hidden"
run rl help
if [ "$out" = "$overview" ]; then ok "help"; else not_ok "help" "$out"; fi

# what rl itself says that there is
bad=''
check_help() { # WORDS...
	local text
	run rl "$@" --help
	text=$out
	[ "$status" = 0 ] && [ -z "$err" ] && [[ $text == *Usage:\ rl\ * ]] && [[ $text == *Examples:* ]] || bad+=" '$*'"
	run rl help "$@"
	[ "$out" = "$text" ] || bad+=" 'help $*'"
	run rl "$@" --no-such-option
	[ "$status" = 125 ] && [[ $err == *"unknown flag: --no-such-option"*"See 'rl "* ]] || bad+=" '$* --no-such-option'"
}
n=0
while IFS=$'\t' read -r name _; do
	[ "$name" != help ] || continue
	members=$(rl __complete -- "$name" '' 2>/dev/null)
	run rl "$name" --help
	if [[ $out == *"Usage: rl $name COMMAND"* ]]; then
		expect "group $name" 0 "*Usage: rl $name COMMAND*Commands:*" ''
		run rl help "$name"
		expect "help $name" 0 "*Usage: rl $name COMMAND*" ''
		run rl "$name"
		expect_error "$name alone" "*missing command: 'rl $name COMMAND'*"
		while IFS=$'\t' read -r member _; do check_help "$name" "$member"; done <<<"$members"
	else
		check_help "$name"
	fi
	n=$((n + 1))
done < <(rl __complete -- '')
if [ -z "$bad" ] && [ $n -gt 15 ]; then ok "each command explains itself"; else not_ok "each command explains itself" "$n names" "wrong:$bad"; fi

run rl container ls --help
expect "a second name shows the command" 0 '*Usage: rl ps*Also:*rl container ls*' ''
run rl run alpine --help
expect_error "--help behind the image is not for us" "*alpine*"
run rl sotp
expect_error "one that was meant" "*unknown command 'sotp' for 'rl'*did you mean 'stop'*See 'rl --help'*"
run rl xontainer ls
expect_error "a group that was meant" "*did you mean 'container'*"
run rl image lss
expect_error "a member that was meant" "*unknown command 'lss' for 'rl image'*did you mean 'ls'*See 'rl image --help'*"
run rl run --nmae=x alpine
expect_error "a flag that was meant" "*unknown flag: --nmae?Hint: did you mean '--name'??See 'rl run --help'*"
run rl run -name x alpine
expect_error "a flag with one dash too few" "*unknown shorthand flag: 'n' in -name?Hint: did you mean '--name'*"
run rl ps web
expect_error "a word where none belongs" "*ps takes no arguments, not 'web'*"
run rl rename a b c
expect_error "a word too many" "*rename takes CONTAINER NAME and no more, not 'c'*"
run rl xyzzy
expect_error "no idea" "*unknown command 'xyzzy' for 'rl'?See*"
run rl help xyzzy
expect_error "help for no idea" "*unknown command 'xyzzy'*"
# --- contexts of docker: there is one
run rl context ls
expect "context ls" 0 "NAME*default \**" ''
run rl context ls -q
expect "context ls -q" 0 default ''
run rl context ls --format '{{.Name}}={{.Current}}'
expect "context ls --format" 0 default=true ''
run rl context show
expect "context show" 0 default ''
run rl context use default
expect "context use" 0 default ''
run rl context use remote
expect_error "context use of another" "*context 'remote' not found*Hint: *no daemon*"
run rl context inspect -f '{{.Name}}{{.Endpoints.docker.Host}}'
expect "context inspect" 0 default ''
run rl context inspect default remote
expect_error "context inspect of another" "*context 'remote' not found*"
run rl "$(printf 'x%.0s' {1..5000})"
expect_error "a long one" "*unknown command*"
run rl $'\e[31mred'
[[ $err != *$'\e'* ]] || not_ok "an escape sequence reached the terminal"
finish
