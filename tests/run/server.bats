#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2030,SC2031,SC2094,SC2317
#
# No wait without limit for a process in which code of a plugin's runs: what it finds there when it is loaded, fork
# servers that stop, hang or can't be heard, plugins that don't get ready, and what then becomes of a run.
load helper

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	guest=$bad/guest.so
	seq 20 >items
	grep -vx 7 items >others
	ulimit -c 0
}

teardown() {
	processes | xargs -r kill -CONT 2>/dev/null || :
	end_all
}

# -- what it finds --

@test "a thread that load leaves is counted, and takes no death from the fork server" {
	[ -z "${SANITIZER:-}" ] || skip "a sanitizer has its own ways here"
	for _ in {1..10}; do
		expect 1 rota map -j 2 "$guest" fault=thread <items
		same "$out" others
		[ "$(grep -c "load left 1 thread running: threads don't survive the fork" "$err")" -eq 1 ]
	done
}

input_is_kept() {
	expect 0 rota map -b "$backend" "$guest" fault=load-input <items
	same "$out" items
	has "$err" 'load reads 0 bytes'
	GUEST=constructor-input expect 0 rota map -b "$backend" "$guest" <items
	same "$out" items
	has "$err" 'the constructor reads 0 bytes'
	# items come while it reads
	slowly() { { seq 7; sleep 0.2; seq 8 20; } | rota map -b "$backend" -j 1 "$guest" fault=input; }
	expect 0 slowly
	sed 's/^7$//' items | cmp - "$out"
}

@test "standard input is the run's: constructors, load and items find nothing there" {
	both_backends input_is_kept
}

@test "standard input is the run's: when a plugin is looked at, and when it is tried by hand" {
	GUEST=constructor-input expect 0 "$worker" --describe "$guest" <items
	has "$err" 'the constructor reads 0 bytes'
	GUEST=constructor-input expect 0 "$worker" --try "$guest" fault=load-input <items
	same "$out" items
	has "$err" 'load reads 0 bytes'
}

deaths_ignored() {
	expect 1 env --ignore-signal=CHLD "$ROTA" exec -b "$backend" false <<<1
	has "$err" 'item 1 "1"'
	has "$err" 'exited with code 1'
	echo "jobs: {a: {plugin: upper, input: 'lines:items', output: 'lines:results', backend: $backend}}" >a.yaml
	expect 0 env --ignore-signal=CHLD "$ROTA" run a.yaml
	same results items
}

@test "deaths of children that are ignored where rota is started are told all the same" {
	both_backends deaths_ignored
}

@test "a plugin that is tried without descriptors 0 to 2 writes to no file that is opened later" {
	closed() { "$worker" --try "$guest" 0<&-; }
	expect 3 closed
	empty "$out"
	closed() { "$worker" --try "$guest" <items 1>&- 2>&-; }
	expect 3 closed
}

# -- in threads --

@test "an item that ends its thread is charged, and another takes its place" {
	for jobs in 1 2; do
		expect 1 rota map -b thread -j "$jobs" "$guest" fault=pthread-exit <items
		same "$out" others
		has "$err" 'item 7 "7": crashed'
	done
}
