#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2030,SC2031,SC2094,SC2317
#
# Workers that write over all memory they can reach, cut its files, close what they have: it costs the items they hold.
# All others are right, once; the supervisor neither dies nor hangs nor spins, and an item that did no harm but to
# itself isn't blamed.
load helper

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	export ASAN_OPTIONS=handle_segv=0:handle_abort=0:handle_sigbus=0:$ASAN_OPTIONS
	ulimit -c 0
}

teardown() {
	end_all
}

# often FAULT1 FAULT2 MS ORDER: of 240 items every 50th, one and the other in turn, each of which takes so many ms. Good
# ones are all right.
often() {
	local i items=() n_results n_named
	for i in {1..240}; do
		items+=("$i")
	done
	items[49]=!$1 items[99]=!$2 items[149]=!$1 items[199]=!$2
	printf '%s\n' "${items[@]}" >items
	start "$ROTA" map -v "$4" -j 3 "$bad/shelf.so" fault=named ms="$3" <items
	within 20 has_ended
	wait "$run" || [ $? -eq 1 ]
	grep -v '^!' "$out" >good
	[ "$4" = -k ] || sort -n -o good good
	lists good {1..49} {51..99} {101..149} {151..199} {201..240}
	# a bad one has its result, or is named
	n_results=$(grep -c '^!' "$out" || :)
	n_named=$(grep -cE "^rota: item .*\"!($1|$2)\": crashed" "$err" || :)
	[ "$((n_results + n_named))" -eq 4 ]
	if grep '^rota: item ' "$err" | grep -v '"!'; then return 1; fi
	nothing_left
}

# bats test_tags=quick
@test "hostile: garbage and zeros over all that is shared, again and again" {
	often garbage zeros 0 -k
}

@test "hostile: garbage and zeros over all that is shared, again and again, out of order and slowly" {
	often zeros garbage 0 -u
	often garbage zeros 2 -k
	often zeros garbage 2 -u
}

@test "hostile: files of shared memory cut, all descriptors closed, again and again" {
	often truncate closefds 0 -k
	often closefds truncate 0 -u
	often closefds closefds 2 -k
	often closefds closefds 2 -u
}

@test "hostile: two children that both answer" {
	often fork-return fork-return 1 -k
	often fork-return fork-return 1 -u
}

# scribbled FAULT JOBS...: what its worker has in hand can be wrong, as it is written over afterwards. Nothing else.
scribbled() {
	printf 'item %s\n' {1..200} >items
	for jobs in "${@:2}"; do
		start "$ROTA" map -v -j "$jobs" --retries 3 "$bad/shelf.so" fault="$1" when='#100' ms=2 attempts=1 <items
		within 20 has_ended
		wait "$run" || [ $? -le 1 ]
		grep -axFf items "$out" >right
		sort -c -u -n -k 2 right
		[ "$(wc -l <right)" -ge 192 ]
		grep -ax 'item [1-9]\|item [1-8].' right | cmp - <(head -n 89 items)
		[ "$(tail -n 1 right)" = 'item 200' ]
		nothing_left
	done
}

@test "hostile: a child that goes on scribbling while its parent answers" {
	scribbled child-scribble 3 1
}

@test "hostile: a grandchild that nobody finds goes on scribbling" {
	scribbled daemon-scribble 3 1
}

@test "hostile: a supervisor that is waiting for a good item doesn't spin over a ruined ring" {
	mkfifo in
	start "$ROTA" map -j 2 -i in "$bad/shelf.so" fault=named </dev/null
	exec 4>in
	printf '%s\n' a b '!zeros' c '!garbage' d >&4
	eventually has_line "$out" d
	before=$(ticks)
	sleep 1 # what is measured is that nothing happens
	after=$(ticks)
	exec 4>&-
	wait "$run" || [ $? -eq 1 ]
	grep -v '^!' "$out" | cmp - <(printf '%s\n' a b c d)
	echo "$((after - before)) ticks in 1 s"
	[ "$((after - before))" -le 10 ]
	nothing_left
}

# bats test_tags=quick
@test "hostile: the item of a ruined channel is named when it does it again, and only then" {
	printf '%s\n' {1..300} >items
	expect 1 rota map -j 2 "$bad/shelf.so" fault=garbage when=70 <items
	lists "$out" {1..69} {71..300}
	counts 1 "$err" 'item 70 "70": crashed'
	expect 0 rota map -j 2 --retries 1 "$bad/shelf.so" fault=garbage when=70 attempts=1 <items
	same "$out" items
}

# forged FAULT: wherever its items stand and however many workers there are, they are charged alone.
forged() {
	printf '%s\n' x {2..6} x {8..19} x >items
	for jobs in 1 3; do
		expect 1 rota map -j "$jobs" "${@:2}" "$bad/forge.so" fault="$1" when=x <items
		lists "$out" {2..6} {8..19}
		counts 3 "$err" 'rota: item '
		for when in 1 7 20; do
			has "$err" "item $when \"x\": crashed"
		done
	done
}

@test "hostile: zeros over all that is shared, and a crash, whatever the claim says then" {
	forged zeros-die
}

@test "hostile: a claim that is taken back before a crash" {
	forged unclaim-die
}

@test "hostile: a worker that says it left, with its item undone" {
	forged left
}

@test "hostile: a worker that says it can't open, in the middle of an item" {
	forged refused
}

@test "hostile: a result without its end joins nobody else's" {
	forged no-end --timeout 300ms
}

@test "hostile: a time-out can't be evaded by words" {
	printf '%s\n' {1..20} >items
	expect 1 rota map -j 2 --timeout 300ms "$bad/forge.so" fault=evade when=7 <items
	lists "$out" {1..6} {8..20}
	counts 1 "$err" 'rota: item '
	has "$err" 'item 7 "7": '
}

# A later item changes one byte of a result that waits in the ring.
# bats test_tags=quick
@test "hostile: a result that is changed while it waits is made again" {
	[ "${SANITIZER:-}" != thread ] || skip "results hardly ever wait for so slow a worker"
	printf '%s\n' {1..3000} >items
	expect 0 rota map -j 2 "$bad/forge.so" us=40 fault=smear when=1777 <items
	same "$out" items
	has "$err" 'has results that changed after they were made: it is replaced'
}

# bats test_tags=quick
@test "hostile: tiny results are checked when --verify-results says so" {
	printf '%s\n' {1..3000} >items
	expect 0 rota map -j 2 --verify-results always "$bad/forge.so" fault=smear when=1777 <items
	same "$out" items
	expect 0 rota map -j 2 --verify-results always upper <items
	same "$out" items
	expect 0 rota map -j 2 --verify-results never "$bad/forge.so" <items
	same "$out" items
}
