#!/bin/bash
# completion.sh - what `rl __complete` offers, and that bash, zsh and fish show it
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
cp "$(image alpine)" "$T/alpine.tar"

# offers NAME WORDS... @ GLOB...: each glob is in the list of candidates; !GLOB is not
offers() {
	local what=$1 line=() bad='' g
	shift
	while [ "$1" != @ ]; do line+=("$1") && shift; done
	shift
	run rl __complete -- "${line[@]}"
	out=$'\n'$(cut -f1 "$T/out")$'\n'
	for g; do
		# shellcheck disable=SC2053 # patterns
		case $g in
		!*) [[ $out != *$'\n'${g#!}$'\n'* ]] || bad+=" $g" ;;
		*) [[ $out == *$'\n'$g$'\n'* ]] || bad+=" $g" ;;
		esac
	done
	if [ "$status" = 0 ] && [ -z "$err$bad" ]; then ok "$what"; else not_ok "$what" "wrong:$bad" "$out" "$err"; fi
}
offers "an empty store: commands and groups" '' @ run ps container image help '!__complete' '!image inspect'
offers "the beginning of a command" r @ run rm rmi '!ps'
offers "a group's members" container '' @ ls run prune exists '!inspec'
offers "options" run --r @ --rm --read-only '!--detach' '!--no-healthcheck'
offers "options of a second name" container run --de @ --detach
offers "values behind =" run --pull=m @ --pull=missing '!missing'
offers "values in a word of their own" run --pull '' @ always missing never newer
offers "a boolean's values" run --rm= @ --rm=true --rm=false
offers "signals" kill -s T @ TERM
offers "files for a file" load -i '' @ :files
offers "folders for a folder" --root '' @ :dirs
offers "files behind =" load --input=x @ :files
offers "no images yet" rmi '' @ '!*alpine*'
offers "nothing for an unknown command" nosuch '' @ '!*[a-z]*'
offers "nothing for an unknown option" run --nosuch=x @ '!*[a-z]*'
offers "global options" --ro @ --root
offers "after help" help im @ image images

rl load -q -i "$T/alpine.tar" >/dev/null
rl tag alpine localhost/mine:1.0
rl run -d --name web-up alpine sleep 1000 >/dev/null
rl create --name web-new alpine true >/dev/null
rl volume create data >/dev/null
printf x | rl secret create pass - >/dev/null
rl network create lan >/dev/null
id=$(rl ps -q)
offers "images, short" run '' @ alpine:latest mine:1.0 '!docker.io*'
offers "images, as they were begun" rmi docker.io/ @ 'docker.io/library/alpine:latest'
offers "tags" run -it --rm mine:1 @ mine:1.0
offers "no image where the command begins" run alpine '' @ '!*[a-z]*'
offers "containers" rm '' @ web-up web-new
offers "only those that run" stop '' @ web-up '!web-new'
offers "only those that do not" start '' @ web-new '!web-up'
offers "all kinds" inspect '' @ web-up web-new alpine:latest data
offers "a path of a container" cp web-u @ web-up: :files
offers "a second one" rm web-up web- @ web-new
offers "by id" rm "${id:0:4}" @ "$id"
offers "volumes" volume rm d @ data
offers "secrets" secret rm '' @ pass '!web-up'
offers "secrets for --secret" run --secret p @ pass
offers "networks" network rm '' @ lan
offers "networks and modes" run --network '' @ lan none
offers "containers whose volumes are taken" run --volumes-from web- @ web-up web-new
offers "restart policies" update --restart un @ unless-stopped
offers "what follows ill health" run --health-on-failure k @ kill
offers "namespaces" run --ipc '' @ private host container: '!web-up'
offers "namespaces of containers" run --pid container:web @ container:web-up container:web-new
offers "capabilities" run --cap-add NET_ @ NET_ADMIN '!SYS_ADMIN'
offers "log drivers" run --log-driver j @ journald
offers "kinds of objects" inspect --type vol @ volume
offers "conditions" wait --condition run @ running
offers "orders" ps --sort st @ status
offers "volumes for -v" run -v d @ data:
offers "behind global options" --log-level debug rm web @ web-up
offers "another store" --root "$T/work/other" rmi '' @ '!*alpine*'
offers "behind --" rm -- web @ web-up

# reading only: a container that lost its monitor stays as it is, and a damaged one is no news
state() { cat "$ROOT"/containers/*/exit.json 2>/dev/null | wc -l; }
kill -9 "$(leftover_processes | awk '/monitor/ { print $2; exit }')" 2>/dev/null
offers "one that lost its monitor" rm web- @ web-up
if [ "$(state)" = 0 ]; then ok "was not healed"; else not_ok "was healed"; fi
for f in "$ROOT"/containers/*/state.json; do printf garbage >"$f"; done
offers "damaged records" rm web- @ '!nosuch'

# --- shells -----------------------------------------------------------------------------------------
mkdir "$T/bin" && ln -s "$T/i/bin/rl" "$T/bin/rl"
shell() { as_user env PATH="$T/bin:/usr/bin:/bin" "$@"; }
cp -r "$SRC/contrib/completion" "$T/c" && chmod -R a+rX "$T/c"

cat >"$T/try.bash" <<'END'
. "$1/rl.bash"
COMP_LINE=$2 COMP_POINT=${#2} COMP_WORDS=() COMPREPLY=()
shift 2
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_rl
printf '%s\n' "${COMPREPLY[@]}"
END
run shell bash "$T/try.bash" "$T/c" 'rl image in' rl image in
expect "bash: a command" 0 inspect ''
run shell bash "$T/try.bash" "$T/c" 'rl run --pull=al' rl run --pull = al
expect "bash: behind =" 0 always ''
run shell bash "$T/try.bash" "$T/c" 'rl run --pull=' rl run --pull =
expect "bash: directly behind =" 0 'always*missing*' ''
run shell bash "$T/try.bash" "$T/c" 'rl run mine:1' rl run mine : 1
expect "bash: behind :" 0 1.0 ''
# what rl itself prints is what is installed
for s in bash zsh fish; do
	file=$T/c/rl.$s
	[ $s != zsh ] || file=$T/c/_rl
	run rl completion $s
	[ "$out" = "$(cat "$file")" ] || not_ok "completion $s" "$out"
done
run rl completion bash --file "$T/work/script"
expect "completion --file" 0 '' ''
run shell bash "$T/try.bash" "$T/c" 'rl completion ' rl completion ''
expect "completion: shells are offered" 0 $'bash\nzsh\nfish' ''
cmp "$T/work/script" "$T/c/rl.bash" || not_ok "the file"
run rl completion --no-desc fish
expect "completion --no-desc" 0 '*__complete --no-desc --*' ''
run rl __complete --no-desc -- unpau
expect "no descriptions" 0 'unpause' ''
run rl completion powershell
expect_error "a shell that is not done" "*no completion for 'powershell'*Hint: *bash, zsh and fish*"
run rl completion
expect_error "no shell" "*completion needs bash|zsh|fish*"
run rl completion bash --file "$T/work/no/such"
expect_error "a folder that is not there" "*create '*/no/such'*"
touch "$T/work/file one"
run shell bash "$T/try.bash" "$T/c" 'rl load -i fi' rl load -i 'fi'
expect "bash: files" 0 'file one' ''
# a real prompt: what follows the tab is there only when the word was completed
prompt() { # SHELL...: the rest of its set-up and the words that are typed come on stdin
	shell timeout 40 /usr/bin/python3 "$T/terminal.py" 24x120 "$@"
}
cp "$SRC/tests/integration/terminal.py" "$T/" && chmod a+r "$T/terminal.py"
typed() {
	cat <<-'END'
		send rl volu\texi\tdata; echo one $?\n
		expect one 0
		send rl image exis\tmine:\t; echo two $?\n
		expect two 0
		send rl run --pull=al\t nosuch\x01echo \x05\n
		expect rl run --pull=always nosuch
		send exit\n
	END
}
{ printf 'send source <(rl completion bash); PS1=rea""dy-; bind "set bell-style none"\\n\nexpect ready-\n' && typed; } >"$T/script"
run prompt bash --norc --noprofile -i <"$T/script"
expect "bash: at a prompt" 0 '*status 0*'

if command -v fish >/dev/null; then
	run shell fish --no-config -c ". $T/c/rl.fish; complete -C 'rl image in'"
	expect "fish: a command" 0 $'inspect\tShow *'
	run shell fish --no-config -c ". $T/c/rl.fish; complete -C 'rl run --pull=al'"
	expect "fish: behind =" 0 '--pull=always*'
	run shell fish --no-config -c ". $T/c/rl.fish; complete -C 'rl run mine:'"
	expect "fish: images" 0 'mine:1.0*'
	run shell fish --no-config -c ". $T/c/rl.fish; complete -C 'rl load -i file'"
	expect "fish: files" 0 '*file*one*'
else
	skip "fish" "fish is not installed"
fi

if command -v zsh >/dev/null; then
	{ printf 'send fpath=(%s $fpath); autoload -U compinit; compinit -u -D; bindkey -e; PS1=rea""dy-\\n\nexpect ready-\n' "$T/c" && typed; } >"$T/script"
	run prompt zsh -f -i <"$T/script"
	expect "zsh: at a prompt" 0 '*status 0*'
	{ printf 'send autoload -U compinit; compinit -u -D; source <(rl completion zsh); bindkey -e; PS1=rea""dy-\\n\nexpect ready-\n' && typed; } >"$T/script"
	run prompt zsh -f -i <"$T/script"
	expect "zsh: by 'rl completion zsh'" 0 '*status 0*'
else
	skip "zsh" "zsh is not installed"
fi
rl rm -af >/dev/null 2>&1
finish
