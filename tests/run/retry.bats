#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2030,SC2031,SC2094,SC2317
#
# --retries, --backoff, --max-failures: after a crash, a time-out, a broken limit or "try again" an item has another
# attempt, after a failure never; and how much may go wrong before a run is stopped.
load helper

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	export ASAN_OPTIONS=handle_segv=0:handle_abort=0:$ASAN_OPTIONS
	ulimit -c 0
	seq 2000 >items
	grep -vx 700 items >others
}

teardown() {
	end_all
}

# second_time FAULT WORDS OPTIONS: all is well in the end, with one line about what went wrong
second_time() {
	expect 0 rota map -b "$backend" -j 3 --retries 1 "${@:3}" "$bad/shelf.so" fault="$1" when=700 attempts=1 <items
	same "$out" items
	# but for what is said of threads at the start
	[ "$(grep '^rota: ' "$err" | grep -vc "^rota: job '")" -le 2 ]
	grep -q "^rota: warning: item 700 \"700\": $2.*: trying again, attempt 2 of 2" "$err"
	counts 1 "$err" 'trying again'
}

@test "retries: after whatever ends an item's process, its time or its limits" {
	[ -z "${SANITIZER:-}" ] || skip "a sanitizer has its own ways here"
	backend=process
	second_time segv 'crashed: SIGSEGV'
	second_time hang 'timed out: no answer' --timeout 200ms
	second_time toolong 'over limit: ' --max-result 100K
	second_time memory 'over limit: over memory limit' --memory 100M
}

@test "retries: after other ends of an item's process" {
	[ -z "${SANITIZER:-}" ] || skip "a sanitizer has its own ways here"
	backend=process
	second_time kill 'crashed: SIGKILL'
	second_time exit0 'crashed: exit code 0'
	second_time die-writing 'crashed: SIGABRT'
	second_time loop 'timed out: no answer' --timeout 200ms
}

asks_again() {
	second_time retry 'failed: asked for another attempt: not now'
	[ "$backend" = process ] || second_time toolong 'over limit: ' --max-result 100K
}

@test "retries: when the plugin asks for it, and what was written before doesn't count" {
	both_backends asks_again
}

@test "retries: after a time-out that a thread's item has heeded" {
	backend=thread second_time until-cancelled 'timed out' --timeout 200ms
}

@test "retries: with -u, too" {
	expect 0 rota map -u -j 3 --retries 1 "$bad/shelf.so" fault=segv when=700 attempts=1 <items
	sort -n "$out" | cmp - items
}

@test "retries: of the first item, the last one, the only one" {
	for when in 1 30; do
		expect 0 rota map -j 2 --retries 1 "$bad/shelf.so" fault=kill when="$when" attempts=1 <<<"$(seq 30)"
		seq 30 | cmp - "$out"
	done
	expect 0 rota map -j 2 --retries 1 "$bad/shelf.so" fault=kill when=1 attempts=1 <<<1
	is "$out" 1
}

every_item() {
	expect 0 rota map -b "$backend" "$order" -v -j 3 --retries "$3" "$bad/shelf.so" fault="$1" when='*' \
		attempts="$3" <<<"$(seq "$2")"
	seq "$2" >wanted
	if [ "$order" = -k ]; then same "$out" wanted; else sort -n "$out" | cmp - wanted; fi
	counts "$(($2 * $3))" "$err" 'trying again'
}

@test "retries: every item, several times, in order and without" {
	order=-k backend=process every_item kill 12 2
	order=-u backend=process every_item kill 12 2
	order=-u backend=process every_item retry 200 3
	order=-k backend=thread every_item retry 200 3
}

@test "retries: the number of the attempt reaches the plugin" {
	expect 0 rota map -j 2 --retries 5 "$bad/shelf.so" fault=kill when=700 attempts=3 tell=attempt <items
	[ "$(sed -n 700p "$out")" = 4 ]
	[ "$(grep -cx 1 "$out")" -eq 1999 ]
	for backend in process thread; do
		expect 0 rota map -b "$backend" -j 2 --retries 5 "$bad/shelf.so" fault=retry when=700 attempts=3 \
			tell=attempt <items
		[ "$(sed -n 700p "$out")" = 4 ]
		[ "$(grep -cx 1 "$out")" -eq 1999 ]
	done
}

@test "retries: the number of the attempt reaches a command as ROTA_ATTEMPT" {
	expect 0 rota exec -j 2 --retries 3 -i range:1-20 -- \
		sh -c '[ "$1" != 7 ] || [ "$ROTA_ATTEMPT" = 3 ] || kill -9 $PPID; echo "$1 $ROTA_ATTEMPT"' sh
	seq 20 | sed 's/$/ 1/; s/^7 .*/7 3/' | cmp - "$out"
}

@test "retries: as many as were asked for, then the failure says how many there were" {
	expect 1 rota exec -j 2 --retries 3 -i range:1-20 -- \
		sh -c 'echo "$1" >>log; [ "$1" != 7 ] || kill -9 $PPID; echo "$1"' sh
	seq 20 | grep -vx 7 | cmp - "$out"
	[ "$(grep -cx 7 log)" -eq 4 ]
	sort -n log | uniq | cmp - <(seq 20)
	[ "$(wc -l <log)" -eq 23 ] # nobody else's work is done again
	[ "$(grep -c 'trying again' "$err")" -eq 3 ]
	has "$err" 'item 7 "7": crashed after 4 attempts: SIGKILL'
	expect 1 rota map -j 2 "$bad/shelf.so" fault=kill when=700 attempts=1 <items
	same "$out" others
	if grep -qE 'attempt|trying' "$err"; then return 1; fi
}

never() {
	expect 1 rota map -b "$backend" -j 2 --retries 5 "$bad/shelf.so" fault=named <named
	same "$out" good
	counts 1 "$err" 'item 700 "!fail": failed: '
	counts 1 "$err" 'item 701 "!fail-late": failed: '
	counts 1 "$err" 'item 900 "!fail-ignored": failed: '
	counts 0 "$err" 'trying again'
}

# bats test_tags=quick
@test "retries: never after the plugin said that the item failed" {
	sed 's/^700$/!fail/; s/^701$/!fail-late/; s/^900$/!fail-ignored/' items >named
	grep -v '^!' named >good
	both_backends never
	expect 1 rota map -j 1 --retries 5 -i range:1-3 exec retry=fail 'command=sh,-c,echo "$1" >>log; [ "$1" != 2 ],sh'
	is log $'1\n2\n3'
	rm log
	expect 1 rota exec -j 1 --retries 5 --retry-on crash,limit -i range:1-3 -- sh -c 'echo "$1" >>log; [ "$1" != 2 ]' sh
	is log $'1\n2\n3'
}

# -- back-off --

# The times of the attempts, in ms.
@test "backoff: a pause, doubled before each later attempt, while others go on" {
	expect 1 rota exec -j 2 --retries 3 --backoff 50ms -i range:1-5 -- \
		sh -c 'date +%s%3N >>log.$1; [ "$1" != 2 ] || kill -9 $PPID; echo "$1"' sh
	seq 5 | grep -vx 2 | cmp - "$out"
	mapfile -t at <log.2
	[ "${#at[@]}" -eq 4 ]
	[ "$((at[1] - at[0]))" -ge 49 ]
	[ "$((at[2] - at[1]))" -ge 99 ]
	[ "$((at[3] - at[2]))" -ge 199 ]
	[ "$(cat log.5)" -lt "${at[3]}" ]
}

backs_off() {
	rm -f results
	start "$ROTA" map -b "$backend" -u -j 2 --retries 3 --backoff 1h -o results "$bad/shelf.so" \
		fault=retry when=700 <items
	eventually has_lines results 1999
	eventually says "$err" 'trying again'
	if has_ended; then return 1; fi
	kill -"$signal" "$run"
	within 2 has_ended
	ends "$status"
	sort -n results | cmp - others
	nothing_left
}

@test "backoff: the run isn't over as long as an item is in it, but a signal ends it at once" {
	signal=TERM status=143 backend=process backs_off
	signal=INT status=130 backend=thread backs_off
}

# -- max-failures --

# good_prefix FILE: the output is the first lines of it
good_prefix() {
	head -n "$(wc -l <"$out")" "$1" | cmp - "$out"
}

@test "max-failures: one more ends the run with 3, and the good results before it are there" {
	seq 1000 | sed 's/.*[05]$/!fail/' >named
	grep -v '^!' named >good
	for backend in process thread; do
		expect 3 rota map -b "$backend" -j 1 --max-failures 20 "$bad/shelf.so" fault=named ms=1 <named
		has "$err" 'more than 20 items failed (--max-failures)'
		good_prefix good
		[ "$(wc -l <"$out")" -ge 84 ]
		[ "$(wc -l <"$out")" -lt 700 ]
		[ "$(grep -c '"!fail": failed' "$err")" -ge 21 ]
	done
	expect 1 rota map -j 2 --max-failures 200 "$bad/shelf.so" fault=named <named
	same "$out" good
	expect 3 rota map -j 2 --max-failures 199 "$bad/shelf.so" fault=named <named
	good_prefix good
}

@test "max-failures: none at all" {
	expect 3 rota map -j 1 --max-failures 0 "$bad/shelf.so" fault=kill when=700 <items
	good_prefix others
	[ "$(wc -l <"$out")" -ge 699 ]
	expect 0 rota map -j 1 --max-failures 0 upper <items
	same "$out" items
}

@test "max-failures: a percentage, which counts from the 100th item on" {
	seq 3000 | sed 's/.*0$/!fail/' >named
	grep -v '^!' named >good
	expect 1 rota map -j 2 --max-failures 15% "$bad/shelf.so" fault=named <named
	same "$out" good
	expect 3 rota map -j 2 --max-failures 5% "$bad/shelf.so" fault=named ms=1 <named
	has "$err" 'more than 5 % of the items failed (--max-failures)'
	good_prefix good
	[ "$(wc -l <"$out")" -ge 80 ]
	[ "$(wc -l <"$out")" -lt 2700 ]
	expect 1 rota map -j 2 --max-failures 1% "$bad/shelf.so" fault=fail when='*' <<<"$(seq 99)"
	empty "$out"
	has "$err" '99 items, 0 ok, 99 failed'
}

@test "max-failures: an item that does well in the end is none" {
	expect 0 rota map -j 2 --retries 1 --max-failures 0 "$bad/shelf.so" fault=retry when='*' attempts=1 <items
	same "$out" items
	expect 3 rota map -j 2 --retries 1 --max-failures 0 "$bad/shelf.so" fault=retry when=700 <items
	has "$err" 'item 700 "700": failed after 2 attempts'
	good_prefix others
}
