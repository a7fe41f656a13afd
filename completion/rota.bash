# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# Completion of rota's command line in bash. What there is, rota itself says: see 'rota help complete'.

_rota() {
	local current=${COMP_WORDS[COMP_CWORD]} word line i is_glued='' may_be_file=''
	local -a words=()
	COMPREPLY=()
	# Bash cuts words at = and :, which stand between parts of one here.
	for ((i = 1; i <= COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		if ((${#words[@]} > 0)) && [[ -n $is_glued || $word =~ ^[=:]+$ ]]; then
			words[-1]+=$word
			[[ $word =~ ^[=:]+$ ]] && is_glued=yes || is_glued=
		else
			words+=("$word")
		fi
	done
	[[ ! $current =~ ^[=:]+$ ]] || current=
	word=${words[-1]}
	while IFS= read -r line; do
		case $line in
		:files) may_be_file=yes ;;
		:programs) mapfile -t COMPREPLY < <(compgen -c -- "$current") ;;
		*)
			line=${line%%$'\t'*}
			COMPREPLY+=("${line:${#word}-${#current}}")
			;;
		esac
	done < <("${COMP_WORDS[0]}" complete -- "${words[@]}" 2>/dev/null)
	# Where nothing is offered readline completes files, which it quotes.
	[ -n "$may_be_file" ] || compopt +o default 2>/dev/null || :
	case ${COMPREPLY[0]-} in *[=.]) compopt -o nospace 2>/dev/null || : ;; esac
	return 0
}
complete -o default -F _rota rota
