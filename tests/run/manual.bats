#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# The manual pages have each option and key that there is, and none that isn't. What there is, rota complete says.
load helper

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	: "${MANUALS:=$abs_top_srcdir/doc}"
}

# offered TEXT WORD...: what the last of the words may become, without TEXT before it, one a line, sorted
offered() {
	rota complete -- "${@:2}" | cut -f 1 | sed "s/^$1//; s/=\$//; s/\\.\$//" | sort -u
}

# heads FILE FROM UP-TO: the lines that begin an entry between two headings. Those say "*-j*, *--jobs* _N_".
heads() {
	awk -v from="# $2" -v to="# $3" '$0 == to { is_in = 0 } is_in && /^\*/; $0 == from { is_in = 1 }' "$1"
}

# equal WHAT: the two lists are; what one of them lacks is said
equal() {
	lines there -ge 2
	diff -U 0 there told || {
		echo "$1: - isn't in the manual, + isn't in rota" >&2
		return 1
	}
}

# bats test_tags=quick
@test "manual: rota(1) has each option, and no other; those of commands are in rota-exec(1)" {
	for command in map exec run check plugins try failures; do
		offered '' "$command" -
	done | sort -u >there
	{
		heads "$MANUALS/rota.1.scd" OPTIONS SOURCES | grep -oE '\*--?[a-zA-Z0-9-]+\*' | tr -d '*'
		heads "$MANUALS/rota-exec.1.scd" OPTIONS 'REPLACEMENT STRINGS' | grep -oE '\*--?[a-zA-Z0-9-]+\*' | tr -d '*'
		# those of failures stand with the command
		sed -n '/^# COMMANDS/,/^# OPTIONS/p' "$MANUALS/rota.1.scd" | grep -oE '\*--(json|items)\*' | tr -d '*'
	} | sort -u >told
	equal options
}

# bats test_tags=quick
@test "manual: rota.yaml(5) has each key of a job and of run, and no other" {
	offered 'x\.' run --set x. >there
	heads "$MANUALS/rota.yaml.5.scd" 'KEYS OF A JOB' 'KEYS OF RUN' | grep -oE '^\*[a-z-]+\*' | tr -d '*' | sort -u >told
	equal keys
	offered 'run\.' run --set run. >there
	heads "$MANUALS/rota.yaml.5.scd" 'KEYS OF RUN' VALUES | grep -oE '^\*[a-z-]+\*' | tr -d '*' | sort -u >told
	equal "keys of run"
}

@test "manual: rota(1) has each command" {
	offered '' '' >there
	heads "$MANUALS/rota.1.scd" COMMANDS OPTIONS | grep -oE '^\*[a-z]+\*' | tr -d '*' |
		sort -u | grep -vx complete >told
	equal commands
}

@test "manual: an option that only one of the two knows is seen" {
	mkdir doc
	sed 's/^\*--grace\*/*--gracious*/' "$MANUALS/rota.1.scd" >doc/rota.1.scd
	heads doc/rota.1.scd OPTIONS SOURCES | grep -oE '\*--[a-z-]+\*' | tr -d '*' | sort -u >told
	rota complete -- map -- | cut -f 1 | sort -u >there
	expect 1 equal options
	has "$out" '---grace'
	has "$out" '+--gracious'
}
