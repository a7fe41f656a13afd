#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2034
#
# Completion: what rota complete says of a command line that is being written, and what bash makes of it.
load helper

setup() {
	cd "$BATS_TEST_TMPDIR" || return
}

# may_become LINE-OF-WORDS WORD...: the words before the first tab of each line are these, in this order
may_become() {
	local -a typed
	read -ra typed <<<"$1"
	case $1 in '' | *' ') typed+=('') ;; esac
	expect 0 rota complete -- "${typed[@]}"
	empty "$err"
	cut -f 1 "$out" >words
	if [ $# -eq 1 ]; then
		empty words
	else
		lists words "${@:2}"
	fi
}

@test "complete: commands, and those of help" {
	may_become '' map exec run check plugins try failures help
	may_become 'ma' map
	may_become 'help pl' plugins
	may_become 'nothing ' # is no command
}

@test "complete: options by their names, each where it may stand" {
	may_become 'run --max' --max-item --max-result --max-failures
	may_become 'map --wo' --workers
	may_become 'map upper --ba' --backend --backoff
	may_become 'check --se'
	may_become 'run --se' --set
	may_become 'failures --i' --items
	may_become 'exec --spi' --spin
	may_become 'exec sh --spi' :files
	may_become 'exec -- --spi' :programs
	expect 0 rota complete -- map --spi
	grep -qE '^--spin	[a-z]' "$out"
}

# bats test_tags=quick
@test "complete: values, behind = and in a word of their own" {
	may_become 'map --backend ' process thread auto
	may_become 'map --backend=t' --backend=thread
	may_become 'map -b p' process
	may_become 'map -qb p' process
	may_become 'map -bp' -bprocess
	may_become 'exec --progress=a' --progress=auto --progress=always
	may_become 'map --input ' :files
	may_become 'map --input=x' :files
	may_become 'map -j ' :files
	may_become 'map --retries '
	may_become 'run --set a.ret' a.retries= a.retry-on=
	may_become 'run --set run.j' run.journal= run.joblog=
	may_become 'run --set=a.opt' --set=a.options.
}

@test "complete: plugins, programs and files where a command wants them" {
	may_become 'map up' upper
	may_become 'map -j 2 --pin core up' upper
	may_become 'plugins sha' sha256
	may_become 'map ./up' :files
	may_become 'map upper mark'
	may_become 'exec -j 2 ' :programs
	may_become 'exec ls ' :files
	may_become 'check a.yaml b' :files
	may_become 'failures ' :files
}

# completes CANDIDATES... after WORDS as bash cuts them
in_bash() {
	COMP_WORDS=("$ROTA" "$@") COMP_CWORD=$#
	_rota
}

@test "complete: in bash" {
	. "$abs_top_srcdir/completion/rota.bash"
	in_bash ma
	[ "${COMPREPLY[*]}" = map ]
	in_bash run --max-
	[ "${COMPREPLY[*]}" = "--max-item --max-result --max-failures" ]
	in_bash map --backend =
	[ "${COMPREPLY[*]}" = "process thread auto" ]
	in_bash map --backend = thr
	[ "${COMPREPLY[*]}" = thread ]
	in_bash map --backend thr
	[ "${COMPREPLY[*]}" = thread ]
	in_bash map upp
	[ "${COMPREPLY[*]}" = upper ]
	in_bash run --set upper.tim
	[ "${COMPREPLY[*]}" = upper.timeout= ]
	in_bash exec bas
	[[ " ${COMPREPLY[*]} " = *' bash '* ]]
	in_bash map -i lines : som
	[ "${#COMPREPLY[@]}" -eq 0 ]
	complete -p rota | grep -q -- '-o default'
}

@test "complete: the scripts of zsh and fish are of their language" {
	for shell in zsh fish; do
		command -v "$shell" >/dev/null || continue
		"$shell" -n "$abs_top_srcdir/completion/"*"${shell/zsh/_rota}"
		found=yes
	done
	[ -n "${found:-}" ] || skip "neither zsh nor fish is here"
}
