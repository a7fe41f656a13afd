#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# The plugin sleep. A machine may be slow, never early: lower bounds are exact, upper ones are a time limit.
load helper

# at_least MS COMMAND...
at_least() {
	local begin=${EPOCHREALTIME/[.,]/}
	timeout 30 "${@:2}" || return
	local took_ms=$(((${EPOCHREALTIME/[.,]/} - begin) / 1000))
	[ "$took_ms" -ge "$1" ] || { echo "took $took_ms ms, expected $1"; return 1; }
}

@test "sleep: gives the item back after ms" {
	expect 0 at_least 50 "$worker" --try "$plugins/sleep.so" ms=50 <<<word
	is "$out" word
}

@test "sleep: the default is 100 ms" {
	expect 0 at_least 100 "$worker" --try "$plugins/sleep.so" <<<word
	is "$out" word
}

@test "sleep: an item that is a number overrides ms, in both directions" {
	expect 0 at_least 150 "$worker" --try "$plugins/sleep.so" ms=0 <<<150.5
	is "$out" 150.5
	printf '%s\n' 0 1 .5 5. 0.000001 0000 1.99999999999 >"$BATS_TEST_TMPDIR/items"
	expect 0 timeout 30 "$worker" --try "$plugins/sleep.so" ms=86400000 <"$BATS_TEST_TMPDIR/items"
	same "$out" "$BATS_TEST_TMPDIR/items"
}

@test "sleep: what is no number takes ms" {
	printf '%s\n' '' . 1.2.3 -86400000 1e9 ' 86400000' 0x7fffffff 86400000ms >"$BATS_TEST_TMPDIR/items"
	expect 0 timeout 30 "$worker" --try "$plugins/sleep.so" ms=0 <"$BATS_TEST_TMPDIR/items"
	same "$out" "$BATS_TEST_TMPDIR/items"
}

@test "sleep: more than a day is refused" {
	for item in 86400001 86400000.1 99999999999999999999999999; do
		expect 1 timeout 30 "$worker" --try "$plugins/sleep.so" <<<"$item"
		has "$err" "the maximum is 86400000 ms"
	done
	expect 2 rota map sleep ms=86400001 </dev/null
	has "$err" ms
	expect 2 rota map sleep ms=-1 </dev/null
	expect 2 rota map sleep ms=soon </dev/null
}

@test "sleep: spin=yes burns the time" {
	local TIMEFORMAT=%U
	user_s=$( { time "$worker" --try "$plugins/sleep.so" spin=yes <<<200 >/dev/null; } 2>&1 )
	[ "${user_s/[.,]/}" -ge 20 ] # of 200 ms, on a machine as busy as it may be
}

in_order() {
	printf '%s\n' 60 40 20 0 50 30 10 5 >"$BATS_TEST_TMPDIR/items"
	expect 0 rota map -b "$backend" -j 4 sleep <"$BATS_TEST_TMPDIR/items"
	same "$out" "$BATS_TEST_TMPDIR/items"
}

@test "sleep: results stay in input order however long each item takes" {
	both_backends in_order
}
