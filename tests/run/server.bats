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
	printf '%s\n' {1..20} >items
	printf '%s\n' {1..6} {8..20} >others
	ulimit -c 0
}

teardown() {
	end_all
}

# -- what it finds --

# bats test_tags=quick
@test "a thread that load leaves is counted, and takes no death from the fork server" {
	[ -z "${SANITIZER:-}" ] || skip "a sanitizer has its own ways here"
	printf '%s\n' {1..6} 7 7 7 {8..15} 7 7 {16..20} >many
	for _ in $(quick || echo 1) 2; do
		expect 1 rota map -j 2 "$guest" fault=thread <many
		same "$out" others
		counts 1 "$err" "load left 1 thread running: threads don't survive the fork"
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

# bats test_tags=quick
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
	at_least_on process deaths_ignored
}

@test "a plugin that is tried without descriptors 0 to 2 writes to no file that is opened later" {
	closed() { "$worker" --try "$guest" 0<&-; }
	expect 3 closed
	empty "$out"
	closed() { "$worker" --try "$guest" <items 1>&- 2>&-; }
	expect 3 closed
}

# -- in threads --

# bats test_tags=quick
@test "an item that ends its thread is charged, and another takes its place" {
	for jobs in $(quick || echo 1) 2; do
		expect 1 rota map -b thread -j "$jobs" "$guest" fault=pthread-exit <items
		same "$out" others
		has "$err" 'item 7 "7": crashed: it ended the thread of worker 1'
	done
}

# -- a fork server that can't be heard --

# What is left when it has ended: nothing, and soon.
ends_within() { # SECONDS STATUS
	within "$1" has_ended || { show "$err"; return 1; }
	ends "$2"
	nothing_left
}

@test "a fork server that an item stops is replaced when something is owed by it; the item is charged" {
	start "$ROTA" map -j 2 --timeout 300ms -i items "$guest" fault=stop-server-hang
	ends_within 10 1
	same "$out" others
	has "$err" 'item 7 "7": timed out'
	! quick || return 0
	start "$ROTA" map -j 2 -i items "$guest" fault=stop-server
	ends_within 10 0
	same "$out" items
}

@test "a fork server that hangs before a fork is replaced, and given up where it always does" {
	start "$ROTA" map -j 2 --start-timeout 500ms -i items "$guest" fault=atfork
	ends_within 10 0
	same "$out" items
	start "$ROTA" map -j 2 --start-timeout 300ms -i items "$guest" fault=atfork-first
	ends_within 10 3
	empty "$out"
	has "$err" 'giving up'
}

@test "a second signal ends all at once, whatever the fork server does" {
	for signal in INT TERM; do
		start "$ROTA" map -j 2 -i items "$guest" fault=stop-server-hang
		eventually has_line "$out" 6
		kill -"$signal" "$run"
		eventually says "$err" 'reading no more items'
		kill -"$signal" "$run"
		within 3 has_ended
		ends "$([ $signal = INT ] && echo 130 || echo 143)"
		nothing_left
	done
}

# Its death signal is off, its guard there.
has_loaded() {
	local server children
	forkserver && children "$server" rota-guard && [ "${#children[@]}" -gt 0 ]
}

@test "kill -9 of the supervisor while its fork server is stopped, or hangs before a fork: nothing is left" {
	start "$ROTA" map -j 2 -i items "$guest" fault=stop-server-hang
	eventually has_line "$out" 6
	kill -KILL "$run"
	ends_within 3 137
	start "$ROTA" map -j 2 --start-timeout 1m -i items "$guest" fault=atfork-first
	eventually has_loaded
	kill -KILL "$run"
	ends_within 3 137
}

@test "a fork server that has no socket any more is no fork server" {
	expect 3 rota map "$guest" fault=close-socket <items
	has "$err" 'the plugin ended its process while it was being loaded'
	expect 3 rota map "$guest" fault=deaf-socket <items
	has "$err" 'giving up'
}

# -- a worker that is stopped from outside --

stop_worker() {
	workers
	kill -STOP "${workers[@]}"
}

@test "a worker that is stopped between items doesn't hold up an interrupted run" {
	for signal in INT TERM; do
		start "$ROTA" map -j 1 identity < <(echo first; eventually test -e more)
		eventually says "$out" first
		stop_worker
		kill -"$signal" "$run"
		within 5 has_ended || { touch more; false; }
		touch more
		ends "$([ $signal = INT ] && echo 130 || echo 143)"
		nothing_left
		rm more
	done
}

@test "a worker that is stopped before it takes a large item is replaced" {
	head -c 3000000 /dev/zero | tr '\0' x >large
	start "$ROTA" map -j 1 identity < <(echo first; eventually test -e more; cat large)
	eventually says "$out" first
	stop_worker
	touch more
	ends_within 10 0
	tail -n 1 "$out" | tr -d '\n' | cmp - large
}

# -- plugins that don't get ready --

# bats test_tags=quick
@test "load and open have the time of --start-timeout together, and no more" {
	for fault in $(quick || echo load-hang) open-hang; do
		start "$ROTA" map -j 2 --start-timeout 300ms -i items "$guest" "fault=$fault"
		ends_within 3 3
		has "$err" "${fault%-hang} took longer than 0.3 s: allow more with --start-timeout"
		[ "$(grep -c -v ' items, ' "$err")" -eq 1 ]
	done
}

@test "an open that closes all descriptors is refused, once" {
	for _ in 1 2; do
		expect 3 rota map -j 1 "$guest" fault=open-close <items
		empty "$out"
		counts 1 "$err" 'plugin guest: its open closed descriptors'
		[ "$(grep -c -v ' items, ' "$err")" -eq 1 ]
	done
}

@test "--start-timeout counts for looking at a plugin, too" {
	expect 2 rota map --start-timeout 200ms "$bad/ctor-hang.so" <items
	has "$err" 'took longer than 0.2 s: allow more with --start-timeout'
}

@test "what constructors take counts toward --start-timeout, in the process that will fork, too" {
	expect 3 rota map --start-timeout 500ms "$bad/late.so" <items
	has "$err" 'took longer than 0.5 s: allow more with --start-timeout'
	expect 0 rota map --start-timeout 10s "$bad/late.so" <items
	same "$out" items
}

killed_meanwhile() {
	rm -f kills
	CTOR_SIGNAL=$1 CTOR_KILLS=$2 expect "$3" rota map -b "$backend" "$bad/ctor-kill.so" <items
}

killed_and_looked_at_again() {
	local signal
	for signal in 9 15; do
		killed_meanwhile "$signal" 3 0
		same "$out" items
	done
	killed_meanwhile 9 1000 3
	empty "$out"
	has "$err" 'was killed from outside 10 times, the last time by SIGKILL'
	lines "$err" -eq 1
}

@test "a process that looks at a plugin and is killed from outside is no crash of the plugin: it is looked at again" {
	at_least_on process killed_and_looked_at_again
}

stopped_and_looked_at_again() {
	killed_meanwhile 19 1 0
	same "$out" items
}

@test "a process that looks at a plugin and is stopped from outside isn't waited for" {
	both_backends stopped_and_looked_at_again
}
