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

# often FAULT MS ORDER...: of 240 items every 50th, each of which takes so many ms. Good ones are all right.
often() {
	seq 240 | sed "s/.*[05]0$/!$1/" >items
	for order in "${@:3}"; do
		start "$ROTA" map -v "$order" -j 3 "$bad/shelf.so" fault=named ms="$2" <items
		within 20 has_ended
		wait "$run" || [ $? -eq 1 ]
		grep -v '^!' items | cmp - <(grep -v '^!' "$out" | sort -n)
		[ "$order" = -u ] || grep -v '^!' "$out" | sort -nc
		# a bad one has its result, or is named
		[ "$(($(grep -c '^!' "$out") + $(grep -c "^rota: item .*\"!$1\": crashed" "$err")))" -eq 4 ]
		if grep '^rota: item ' "$err" | grep -v '"!'; then return 1; fi
		nothing_left
	done
}

@test "hostile: garbage over all that is shared, again and again" {
	often garbage 0 -k
	! quick || return 0
	often garbage 0 -u
	often garbage 2 -k -u
}

@test "hostile: zeros over all that is shared, again and again" {
	often zeros 0 -u
	! quick || return 0
	often zeros 0 -k
	often zeros 2 -k -u
}

@test "hostile: files of shared memory cut, again and again" {
	slow
	often truncate 0 -k -u
}

@test "hostile: all descriptors closed, again and again" {
	slow
	often closefds 0 -k -u
	often closefds 2 -k -u
}

@test "hostile: two children that both answer" {
	often fork-return 1 -k
	quick || often fork-return 1 -u
}

# scribbled FAULT: what its worker has in hand can be wrong, for it is written over after it was right. Nothing else.
scribbled() {
	seq -f 'item %g' 300 >items
	for jobs in 3 1; do
		start "$ROTA" map -v -j "$jobs" --retries 3 "$bad/shelf.so" fault="$1" when='#100' ms=2 attempts=1 <items
		within 20 has_ended
		wait "$run" || [ $? -le 1 ]
		grep -axFf items "$out" >right
		sort -c -u -n -k 2 right
		[ "$(wc -l <right)" -ge 292 ]
		grep -ax 'item [1-9]\|item [1-8].' right | cmp - <(head -n 89 items)
		[ "$(tail -n 1 right)" = 'item 300' ]
		nothing_left
		! quick || break
	done
}

@test "hostile: a child that goes on scribbling while its parent answers" {
	scribbled child-scribble
}

@test "hostile: a grandchild that nobody finds goes on scribbling" {
	slow
	scribbled daemon-scribble
}

@test "hostile: a supervisor that is waiting for a good item doesn't spin over a ruined ring" {
	slow
	mkfifo in
	start "$ROTA" map -j 2 -i in "$bad/shelf.so" fault=named </dev/null
	exec 4>in
	printf '%s\n' a b '!zeros' c '!garbage' d >&4
	eventually grep -qx d "$out"
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

@test "hostile: the item of a ruined channel is named when it does it again, and only then" {
	seq 300 >items
	expect 1 rota map -j 2 "$bad/shelf.so" fault=garbage when=70 <items
	grep -vx 70 items | cmp - "$out"
	[ "$(grep -c 'item 70 "70": crashed' "$err")" -eq 1 ]
	expect 0 rota map -j 2 --retries 1 "$bad/shelf.so" fault=garbage when=70 attempts=1 <items
	same "$out" items
}

# forged FAULT: wherever its item stands and however many workers there are, it is charged alone.
forged() {
	seq 20 >items
	for jobs in 1 3; do
		for when in 1 7 20; do
			! quick || [[ $jobs$when == 37 ]] || continue
			expect 1 rota map -j "$jobs" "${@:2}" "$bad/forge.so" fault="$1" when="$when" <items
			grep -vx "$when" items | cmp - "$out"
			[ "$(grep -c '^rota: item ' "$err")" -eq 1 ]
			has "$err" "item $when \"$when\": crashed"
		done
	done
}

@test "hostile: zeros over all that is shared, and a crash, whatever the claim says then" {
	slow
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
	forged no-end --timeout 500ms
}

@test "hostile: a time-out can't be evaded by words" {
	slow
	seq 20 >items
	expect 1 rota map -j 2 --timeout 300ms "$bad/forge.so" fault=evade when=7 <items
	grep -vx 7 items | cmp - "$out"
	[ "$(grep -c '^rota: item ' "$err")" -eq 1 ]
	has "$err" 'item 7 "7": '
}

# A later item changes one byte of a result that waits in the ring.
@test "hostile: a result that is changed while it waits is made again" {
	[ "${SANITIZER:-}" != thread ] || skip "results hardly ever wait for so slow a worker"
	seq 3000 >items
	expect 0 rota map -j 2 "$bad/forge.so" us=40 fault=smear when=1777 <items
	same "$out" items
	has "$err" 'has results that were changed after they were made: it is replaced'
}

@test "hostile: tiny results are checked when --verify-results says so" {
	seq 3000 >items
	expect 0 rota map -j 2 --verify-results always "$bad/forge.so" fault=smear when=1777 <items
	same "$out" items
	expect 0 rota map -j 2 --verify-results always upper <items
	same "$out" items
	expect 0 rota map -j 2 --verify-results never "$bad/forge.so" <items
	same "$out" items
}
