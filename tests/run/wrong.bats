#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Wrong plugins that pass for right, and what comes from outside and would steer a terminal: each is said, or cleaned.

load helper

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
}

uncommitted() {
	expect 0 rota map -b "$backend" -j 1 "$bad/reserve.so" <<<$'none\na'
	is "$out" a
	has "$err" 'item 1: plugin reserve reserved room for a result but committed nothing'
}

overcommitted() {
	expect 1 rota map -b "$backend" -j 1 "$bad/reserve.so" <<<$'more\na'
	is "$out" a
	has "$err" 'item 1 "more": failed: plugin reserve committed 5 bytes but had reserved fewer'
}

# bats test_tags=quick
@test "wrong plugins: room that is reserved and not committed is told of" {
	both_backends uncommitted
}

# bats test_tags=quick
@test "wrong plugins: more committed than was reserved fails the item" {
	both_backends overcommitted
}

@test "wrong plugins: right ones, watched, do as ever" {
	{ head -c 2997000 /dev/zero | tr '\0' x | fold -w 999; echo; } >items
	expect 0 rota map -j 1 "$bad/reserve.so" <items
	same "$out" items
	empty "$err"
}

@test "wrong plugins: an option table without its end" {
	expect 2 rota map "$bad/no-end.so" <<<a
	has "$err" 'plugin no-end: the option table has no end: its last entry must be { NULL }'
	expect 2 rota plugins "$bad/no-end.so"
	has "$err" 'the option table has no end'
}

@test "wrong plugins: a name that isn't the file's" {
	cp "$plugins/upper.so" mine.so
	expect 0 rota map ./mine.so <<<a
	is "$out" A
	has "$err" "mine.so: the plugin calls itself 'upper'"
	expect 0 rota map "$plugins/upper.so" <<<a
	empty "$err"
}

@test "words: what an item printed before it crashed isn't lost" {
	expect 1 rota map -j 1 "$bad/talk.so" <<<$'crash famous last words\nb'
	is "$out" b
	has "$err" 'worker 1: famous last words'
}

# COMMAND...: its output as a terminal gets it.
on_terminal() {
	SHELL=$BASH script -qec "$(printf '%q ' "$@")" /dev/null </dev/null
}

@test "terminal: items, plugins' texts and file names don't steer it; a pipe gets them as they are" {
	command -v script >/dev/null || skip "no script"
	local escape=$'\e]0;owned\a'
	printf 'fail %s\n' "$escape" >items
	expect 1 rota map --journal "j$escape" -i items -o results "$bad/talk.so"
	on_terminal "$ROTA" failures "j$escape" >seen
	if grep -q "$escape" seen; then return 1; fi
	has seen '\x1b]0;owned\x07'
	"$ROTA" failures "j$escape" | grep -q "$escape"
	"$ROTA" failures --items "j$escape" | cmp - items
	on_terminal "$ROTA" map --dry-run --journal "k$escape" -i items -o results "$bad/talk.so" >seen
	if grep -q "$escape" seen; then return 1; fi
	has seen '\x1b]0;owned\x07'
	cp "$plugins/upper.so" "upper.$escape.so"
	on_terminal "$ROTA" plugins "./upper.$escape.so" >seen
	if grep -q "$escape" seen; then return 1; fi
	has seen '\x1b]0;owned\x07'
}

@test "terminal: a description for programs isn't written to it" {
	command -v script >/dev/null || skip "no script"
	local status=0
	on_terminal "$worker" --describe "$plugins/upper.so" >seen || status=$?
	[ "$status" -eq 2 ]
	has seen "for people, use 'rota plugins FILE'"
	[ "$(wc -l <seen)" -eq 1 ]
	"$worker" --describe "$plugins/upper.so" | grep -aq upper
}

@test "words: C++ names in last words are as in the source, where the plugin has C++'s library" {
	[ -z "${SANITIZER:-}" ] || skip "a sanitizer has its own ways here"
	MANGLED_CXX=1 expect 1 rota map -j 1 "$bad/mangled.so" <<<a
	grep -q '  _ZN5model4loadEi\|  model::load' "$err" || skip "names of functions can't be had"
	has "$err" 'worker 1:   model::load(int)'
}

@test "words: C++ names in last words are what c++filt makes readable" {
	[ -z "${SANITIZER:-}" ] || skip "a sanitizer has its own ways here"
	command -v c++filt >/dev/null || skip "no c++filt"
	expect 1 rota map -j 1 "$bad/mangled.so" <<<a
	grep -q '  _ZN5model4loadEi' "$err" || skip "names of functions can't be had"
	c++filt <"$err" >seen
	has seen 'worker 1:   model::load(int)'
}

@test "a plugin whose open crashes is told in five lines: one stack, the file, the reason and how often" {
	[ -z "${SANITIZER:-}" ] || skip "a sanitizer has its own ways here"
	for n in 1 4; do
		expect 3 rota map -j "$n" "$bad/open-crash.so" <<<a
		[ "$(wc -l <"$err")" -le 5 ]
		[ "$(grep -c 'at no item: SIGABRT' "$err")" -ge 1 ]
		[ "$(grep -c '  misbehave\|  .*open-crash.so+0x' "$err")" -eq 1 ]
		has "$err" "open-crash.so: 5 workers in a row ended before they were ready"
		has "$err" 'SIGABRT (Aborted)'
	done
}

@test "a plugin whose workers crash in open at the same moment, each with another stack: one is told" {
	[ -z "${SANITIZER:-}" ] || skip "a sanitizer has its own ways here"
	for _ in 1 2; do
		expect 3 rota map -j 4 "$bad/open-together.so" <<<"$(seq 100)"
		[ "$(grep -c 'at no item: SIGABRT' "$err")" -eq 1 ]
		grep -q '  misbehave\|  .*open-together.so+0x' "$err"
		[ "$(grep -c '  misbehave' "$err")" -le 1 ]
		[ "$(grep -vc '^worker [0-9]*:   ' "$err")" -le 3 ]
		has "$err" 'workers in a row ended before they were ready'
	done
}
