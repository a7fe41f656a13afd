#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# rota try: a plugin by hand, in one process. What ends that process is named.

load helper

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
}

@test "try: a plugin by its name, with its options; lines, or items that end with NUL" {
	expect 0 rota try upper <<<$'a\nb'
	is "$out" $'A\nB'
	expect 0 rota try -0 upper < <(printf 'one\ntwo\0three\0')
	cmp "$out" <(printf 'ONE\nTWO\0THREE\0')
	expect 0 rota try "$bad/shelf.so" tell=seq <<<$'a\nb'
	is "$out" $'1\n2'
}

@test "try: what is wrong with the command line or the plugin" {
	expect 2 rota try
	has "$err" 'the plugin is missing'
	expect 2 rota try nonesuch </dev/null
	has "$err" "no plugin 'nonesuch'"
	expect 2 rota try upper colour=red <<<a
	has "$err" "no option 'colour'"
	expect 2 rota try "$bad/no-run.so" <<<a
	has "$err" 'no run callback'
	expect 3 rota try "$bad/open-refuse.so" <<<a
}

@test "try: failures, logs and counters, which are added up" {
	expect 1 rota try "$bad/shelf.so" fault=named <<<$'a\n!count\n!fail\n!count\n!log\n!count'
	has "$err" 'item 3 "!fail": failed: failed on order'
	has "$err" 'item 5 "!log": a line for the user'
	has "$err" 'counter counted: 3'
	[ "$(grep -c 'counted' "$err")" -eq 1 ]
	# nothing that steers a terminal
	has "$err" 'odd \x01\x1b[31m'
}

@test "try: the item that ends the process is named, whichever way" {
	local fault how
	while read -r fault how; do
		expect 3 rota try "$bad/shelf.so" fault=named <<<$'fine\n!'"$fault"$'\nnever'
		is "$out" fine
		has "$err" "item 2 \"!$fault\": crashed: $how"
	done <<-'END'
		segv SIGSEGV
		abort SIGABRT
		kill SIGKILL
		exit0 exit code 0
		exit3 exit code 3
	END
}

@test "try: what an item printed before it crashed is there" {
	expect 3 rota try "$bad/talk.so" <<<'crash famous last words'
	has "$err" 'famous last words'
	has "$err" 'item 1: SIGSEGV'
}

@test "try: a process that ends outside of any item" {
	expect 3 rota try "$bad/open-crash.so" <<<a
	has "$err" 'outside of any item'
}

@test "try: by hand, for gdb and valgrind, exit(0) in an item isn't success either" {
	expect 3 "$worker" --try "$bad/shelf.so" fault=named <<<$'fine\n!exit0'
	is "$out" fine
	has "$err" 'item 2 "!exit0": crashed: the plugin called exit(0)'
	expect 0 "$worker" --try "$plugins/upper.so" <<<a
}

@test "try: help says how to use it with gdb and valgrind" {
	expect 0 rota help try
	has "$out" 'gdb --args rota-worker --try'
	has "$out" 'valgrind rota-worker --try'
}
