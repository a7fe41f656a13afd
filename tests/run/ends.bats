#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2030,SC2031,SC2094,SC2317
#
# How a run ends: exit statuses, outputs that can't be written, readers that go away, signals, kills. Whatever the end,
# nothing is left, and what was written are whole results, the first ones in order.
load helper

setup_file() {
	seq 100000 | grep -vx 3 >"$BATS_FILE_TMPDIR/wanted"
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	mkdir tmp
	export TMPDIR=$PWD/tmp
}

teardown() {
	end_all
}

# bats test_tags=quick
@test "exit 0: all items ok, and nothing said" {
	expect 0 rota map -i range:1-10 identity
	empty "$err"
	expect 0 rota map upper </dev/null
	empty "$err"
}

some_fail() {
	expect 1 rota map -b "$backend" -i range:1-10 "$bad/shelf.so" fault=fail when=3
	lines "$out" -eq 9
}

@test "exit 1: finished, but some items failed" {
	both_backends some_fail
}

@test "exit 2: wrong, and nothing was run" {
	expect 2 rota map no-such-plugin </dev/null
	expect 2 rota map upper key=value </dev/null
	expect 2 rota map "$bad/badabi.so" </dev/null
	expect 2 rota run no-such-file.yaml
	expect 2 rota
}

full() {
	expect 3 rota map -b "$backend" -o /dev/full -i range:1-300000 identity
	has "$err" 'cannot write /dev/full: No space left on device'
	into_full() { rota map -b "$backend" -i range:1-2 identity >/dev/full; }
	expect 3 into_full
	has "$err" 'cannot write standard output: No space left on device'
	counts 1 "$err" 'No space left'
}

@test "exit 3: a full disk" {
	at_least_on thread full
}

@test "exit 3: a file that may not grow, with whole results up to there" {
	limited() { (ulimit -f 2000 && rota map -i range:1-500000 -o file identity); }
	expect 3 limited
	has "$err" 'cannot write file: File too large'
	head -c "$(stat -c %s file)" <(seq 500000) | cmp - file
}

# bats test_tags=quick
@test "a closed standard output is refused before anything runs, even with nothing to write" {
	closed() { rota map upper "$@" >&-; }
	expect 2 closed </dev/null
	has "$err" 'standard output is closed'
	expect 0 closed -o none </dev/null
}

@test "a closed standard error costs nothing but the messages" {
	closed() { rota map "$bad/shelf.so" fault=stderr -i range:1-3 -o results 2>&-; }
	expect 0 closed
	lists results {1..3}
}

# head reads five results of an endless input. PIPESTATUS is bash's own.
head_of() {
	expect 0 timeout -k 2 60 bash -c 'yes | "$@" | head -5; echo "${PIPESTATUS[@]}"' - "$ROTA" map -b "$backend" "$@"
	is "$out" $'Y\nY\nY\nY\nY\n141 141 0'
	empty "$err"
}

# bats test_tags=quick
@test "a reader that went away ends the run quietly, by SIGPIPE" {
	at_least_on process head_of upper
	at_least_on thread head_of -u -j 3 upper
}

# Nothing is to be written, and it's noticed all the same.
reader_gone_while_idle() {
	rm -f in results
	mkfifo in results
	start "$ROTA" map -b "$backend" -j 2 -i in -o results upper </dev/null
	exec 4>in 5<results
	echo a >&4
	read -r -t 30 result <&5
	exec 5<&-
	ends 141
	exec 4>&-
	empty "$err"
	nothing_left
}

@test "a reader that went away while there's nothing to write is noticed, too" {
	at_least_on thread reader_gone_while_idle
}

reader_gone_with_busy_workers() {
	rm -f results
	mkfifo results
	start "$ROTA" map -b process -j 2 -i range:1-100 -o results "$bad/shelf.so" fault=loop when=2 </dev/null
	exec 5<results
	read -r -t 30 result <&5
	[ "$result" = 1 ]
	exec 5<&-
	ends 141
	empty "$err"
	nothing_left
}

@test "a reader that went away: items that loop are ended, too" {
	reader_gone_with_busy_workers
}

# A run of which item 3 is being worked on: 1 and 2 were written.
half_way() {
	rm -f results
	start "$ROTA" map -b "$backend" -j 2 -i range:1-100000 -o results "${@:2}" "$bad/shelf.so" fault="$1" when=3 \
		</dev/null
	eventually has_line results 2
}

# The results are the first ones, whole. What comes behind item 3 is there only if 3 has its outcome, a failure.
whole_prefix() {
	n_results=$(wc -l <results)
	[ "$n_results" -ge 2 ]
	[ "$n_results" -lt 100000 ]
	[ "$n_results" -eq 2 ] || has "$err" 'item 3 "3"'
	head -n "$n_results" "$BATS_FILE_TMPDIR/wanted" | cmp - results
}

signalled() {
	half_way until-cancelled --grace 300ms
	kill -"$signal" "$run"
	eventually says "$err" 'reading no more items'
	[ "$signal" = TERM ] || kill -"$signal" "$run"
	ends "$status"
	whole_prefix
	nothing_left
}

@test "TERM ends it after the grace, by that signal, whole results in order" {
	signal=TERM status=143
	at_least_on process signalled
}

# bats test_tags=quick
@test "INT twice ends it at once, by that signal" {
	signal=INT status=130
	at_least_on thread signalled
}

two_have_begun() {
	has_lines started 2 && ! has_lines started 3
}

# What nobody can end is left behind by a thread backend, not waited for.
@test "TERM, and INT twice, end items that loop for ever, too" {
	for backend in process thread; do
		half_way loop --grace 200ms
		kill -TERM "$run"
		ends 143
		whole_prefix
		nothing_left
		half_way loop
		kill -INT "$run"
		eventually says "$err" 'reading no more items'
		kill -INT "$run"
		ends 130
		whole_prefix
		nothing_left
	done
}

# Two of six items are being worked on (each waits for a line), the others are waiting.
started_items_finish() {
	rm -f in results may-end started
	mkfifo in may-end
	exec 5<>may-end
	start "$ROTA" exec -b "$backend" -j 2 -i in -o results -- \
		sh -c 'echo "$1" >>started; read -r _ <may-end; echo "$1"' sh </dev/null 5>&-
	exec 4>in
	printf '%s\n' a b c d e f >&4
	eventually two_have_begun
	kill -"$signal" "$run"
	eventually says "$err" 'reading no more items'
	printf '\n\n\n\n\n\n' >&5
	ends "$status"
	exec 4>&- 5>&-
	two_have_begun
	# ordered: a result leaves when all before it have left
	for item in a b c d e f; do
		has_line started "$item" || break
		echo "$item"
	done | cmp - results
	nothing_left
}

# bats test_tags=quick
@test "INT, TERM once: items that have begun are finished, the others never begin" {
	signal=INT status=130
	at_least_on process started_items_finish
	! quick || return 0
	signal=TERM status=143
	backend=thread started_items_finish
}

idle_signalled() {
	rm -f in
	mkfifo in
	start "$ROTA" map -b "$backend" -j 2 -i in upper </dev/null
	exec 4>in
	echo a >&4
	eventually says "$out" A
	kill -"$signal" "$run"
	ends "$status"
	exec 4>&-
	nothing_left
}

@test "INT, TERM while it waits for items: at once" {
	signal=INT status=130
	at_least_on thread idle_signalled
	! quick || return 0
	backend=process signal=TERM status=143 idle_signalled
	backend=thread signal=HUP status=129 idle_signalled
}

@test "a signal that came in ignored stays ignored" {
	mkfifo in
	start env --ignore-signal=HUP "$ROTA" map -j 1 -i in upper </dev/null
	exec 4>in
	echo a >&4
	eventually says "$out" A
	kill -HUP "$run"
	echo b >&4
	exec 4>&-
	ends 0
	is "$out" $'A\nB'
}

killed() {
	half_way "$1"
	kill -KILL "$run"
	ends 137
	whole_prefix
	nothing_left
}

# bats test_tags=quick
@test "kill -9 of the supervisor: nothing is left" {
	backend=process
	killed loop
	! quick || return 0
	killed stop
	killed until-cancelled
	killed hang
	backend=thread killed loop
}

@test "kill -9 of the supervisor: nor are children of the plugin's, and of theirs" {
	backend=process
	rm -f results
	start "$ROTA" map -j 1 -i range:1-3 -o results "$bad/shelf.so" fault=daemon when='*' </dev/null
	ends 0
	nothing_left
	start "$ROTA" exec -j 2 -i range:1-2 -- \
		sh -c 'setsid sh -c "sleep 1000 & sleep 1000" & : >begun.$1; sleep 1000' sh </dev/null
	eventually test -e begun.1 -a -e begun.2
	kill -KILL "$run"
	ends 137
	nothing_left
}

@test "kill -9 of the supervisor while it starts" {
	for delay in 0.001 0.003 0.006 0.01 0.015; do
		start "$ROTA" map -j 4 -i range:1-1000 "$bad/shelf.so" fault=hang when='*' </dev/null
		read -rt "$delay" <> <(:) || : # any instant will do
		kill -KILL "$run"
		ends 137
		nothing_left
	done
}

@test "the end of a run: of what a plugin leaves running nothing is left" {
	start "$ROTA" map -i range:1-4 -j 2 "$bad/shelf.so" fault=fork when='*' </dev/null
	ends 0
	lists "$out" {1..4}
	nothing_left
	! quick || return 0
	start "$ROTA" map -i range:1-4 -j 2 "$bad/dtor-abort.so" </dev/null
	ends 0
	lists "$out" {1..4}
	nothing_left
}
