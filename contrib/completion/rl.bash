# shellcheck shell=bash
# rl.bash - completion for bash; what there is to offer, `rl __complete` knows
#
# bash takes words apart at '=' and ':' (COMP_WORDBREAKS); rl gets them whole, and of what it
# answers the part that bash holds for an earlier word is cut off again.
_rl() {
	local rest=${COMP_LINE:0:COMP_POINT} words=() i piece cur before='' word
	for ((i = 0; i <= COMP_CWORD; i++)); do
		piece=${COMP_WORDS[i]}
		if [[ $i -eq 0 || $rest == [[:space:]]* ]]; then # a blank in front: a new word
			rest=${rest#"${rest%%[![:space:]]*}"}
			words+=('')
		fi
		[[ $rest == "$piece"* ]] || piece=$rest # the word at the cursor, up to the cursor
		words[${#words[@]} - 1]+=$piece
		rest=${rest#"$piece"}
	done
	cur=${words[${#words[@]} - 1]}
	[[ $cur != *[=:]* ]] || before=${cur%"${cur##*[=:]}"}
	COMPREPLY=()
	while IFS=$'\t' read -r word _; do
		case $word in
		:files | :dirs)
			compopt -o filenames 2>/dev/null
			i=-f
			[ "$word" = :files ] || i=-d
			while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen "$i" -- "${cur#"$before"}")
			;;
		*:) compopt -o nospace 2>/dev/null && COMPREPLY+=("${word#"$before"}") ;;
		*) COMPREPLY+=("${word#"$before"}") ;;
		esac
	done < <("${words[0]}" __complete -- "${words[@]:1}" 2>/dev/null)
}
complete -F _rl rl
