#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Nothing is missing with exit 0: what a resume finds other than it was is refused, what it finds more of is run; and
# after a repair what is left is done with what was repaired.

load helper

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	seq -f 'item %g' 40 >items
}

teardown() {
	end_all
}

mapped() {
	rota map -b thread --journal j -i items -o results "$@" sleep ms=0
}

# An unfinished run, whose journal knows of results.
make_unfinished() {
	hold 16
	start "$ROTA" map -j 2 --journal j -i items -o results "$bad/gate.so" </dev/null
	eventually has_lines results 15
	interrupt
}

@test "resume: items behind the end of a finished run are run" {
	local order n
	for order in -k -u; do
		rm -f j results
		seq -f 'item %g' 40 >items
		expect 0 mapped "$order"
		for n in 41 45; do
			seq -f 'item %g' "$n" 44 >>items
			expect 0 mapped "$order" --resume
			cmp <(sort results) <(sort items)
		done
		[ "$order" = -u ] || same results items
	done
}

@test "resume: killed while it goes on from a finished run, it goes on again" {
	local order
	for order in -k -u; do
		rm -f j results
		seq -f 'item %g' 40 >items
		expect 0 rota map -b thread "$order" --journal j -i items -o results "$bad/gate.so"
		seq -f 'item %g' 41 100 >>items
		hold 56
		start "$ROTA" map "$order" -j 2 --journal j --resume -i items -o results "$bad/gate.so" </dev/null
		eventually has_lines results 55
		kill -KILL "$run"
		wait "$run" 2>/dev/null || true
		nothing_left
		release
		expect 0 rota map "$order" --journal j --resume -i items -o results "$bad/gate.so"
		cmp <(sort results) <(sort items)
		[ "$order" = -u ] || same results items
	done
}

# bats test_tags=quick
@test "resume: of a finished run, input and output must be what they were" {
	expect 0 mapped
	cp results before
	touch -d 2001-01-01 results
	expect 0 mapped --resume
	is <(date -r results +%Y) 2001
	sed -i '3s/item/iten/' items
	expect 2 mapped --resume
	has "$err" "the input has changed"
	seq -f 'item %g' 39 >items
	expect 2 mapped --resume
	has "$err" "it has 39 items"
	seq -f 'item %g' 40 >items
	rm results
	expect 2 mapped --resume
	has "$err" "results no longer exists"
	[ ! -e results ]
	{ cat before; echo more; } >results
	expect 2 mapped --resume
	has "$err" "it has changed since"
	head -n 39 before >results
	expect 2 mapped --resume
	has "$err" "it has changed since"
	sed '3s/item/iten/' before >results
	cp results changed
	expect 2 mapped --resume
	has "$err" "results has changed: its first"
	same results changed
	cp before results
	expect 0 mapped --resume
	: >items
	rm j results
	expect 0 mapped
	rm results
	expect 2 mapped --resume
	has "$err" "results no longer exists"
}

@test "resume: bytes of the output that were changed before the position are noticed" {
	make_unfinished
	cp results before
	dd if=/dev/zero of=results bs=1 seek=20 count=8 conv=notrunc status=none
	cp results zeroed
	expect 2 rota map --journal j --resume -i items -o results "$bad/gate.so"
	has "$err" "results has changed: its first"
	same results zeroed
	cp before results
	expect 0 rota map --journal j --resume -i items -o results "$bad/gate.so"
	same results items
}

@test "resume: a finished run with failures ends with 1 again" {
	printf 'item %d\n' {1..9} >items
	expect 1 rota exec --journal j -i items -o results -- sh -c '[ "$1" != "item 7" ]' sh
	expect 1 rota exec --journal j --resume -i items -o results -- sh -c '[ "$1" != "item 7" ]' sh
	expect 1 rota exec --journal j --resume -i items -o results -- sh -c '[ "$1" != "item 7" ]' sh
	expect 0 rota failures --items j
	is "$out" "item 7"
}

@test "retry-failed: an output of the same size with other bytes is refused before anything is run" {
	printf 'item %d\n' {1..9} >items
	local command='echo "$1" >>ran; [ "$1" != "item 7" ] && echo "$1"'
	expect 1 rota exec --journal j -i items -o results -- sh -c "$command" sh
	sed -i '3s/item/iten/' results
	cp results changed
	rm ran
	expect 2 rota exec --journal j --resume --retry-failed -i items -o results -- sh -c "$command" sh
	has "$err" "results has changed"
	same results changed
	[ ! -e ran ]
}

@test "accept-change: after a repair of the command what has failed is run with it" {
	printf 'item %d\n' {1..9} >items
	expect 1 rota exec --journal j -i items -o results -- sh -c '[ "$1" != "item 7" ] && echo "$1"' sh
	expect 2 rota exec --journal j --resume --retry-failed -i items -o results -- sh -c 'echo "$1" mended' sh
	has "$err" "--accept-change"
	expect 0 rota exec --journal j --resume --retry-failed --accept-change -i items -o results -- \
		sh -c 'echo "$1" mended' sh
	has "$err" "the change is accepted"
	same results <(sed '7s/$/ mended/' items)
	# it is the plan now
	echo more >>items
	expect 0 rota exec --journal j --resume -i items -o results -- sh -c 'echo "$1" mended' sh
	is <(tail -n 1 results) "more mended"
	expect 2 rota exec --journal j --resume -i items -o results -- sh -c '[ "$1" != "item 7" ] && echo "$1"' sh
	if command -v sqlite3 >/dev/null; then
		sqlite3 j "SELECT key, was LIKE '%item 7%', value LIKE '%mended%' FROM changes" >noted
		is noted "option command|1|1"
	fi
}

@test "accept-change: after the plugin was built anew an unfinished run goes on" {
	cp "$bad/gate.so" .
	hold 16
	start "$ROTA" map -j 2 --journal j -i items -o results ./gate.so ms=99 </dev/null
	eventually has_lines results 15
	interrupt
	echo >>gate.so
	expect 2 rota map --journal j --resume -i items -o results ./gate.so ms=99
	has "$err" "--accept-change"
	expect 0 rota map --journal j --resume --accept-change -i items -o results ./gate.so ms=98
	same results items
}

@test "accept-change: not which items there are, nor where results go; and with --resume" {
	expect 0 mapped
	expect 2 mapped --accept-change
	has "$err" "--accept-change requires --resume"
	expect 2 rota map --accept-change -i items -o results upper
	has "$err" "--accept-change needs the journal"
	expect 2 rota map --journal j --resume --accept-change -i items -o other sleep ms=0
	has "$err" "output was 'lines:results'"
	expect 2 mapped --resume --accept-change -u
	has "$err" "order was 'kept'"
	[ ! -e other ]
	expect 0 mapped --resume
}

@test "interrupted: one line says how to go on, and it does" {
	make_unfinished
	has "$err" "to resume this run: "
	sed -n 's/.*to resume this run: //p' "$err" >resumes
	has resumes "map --resume -j 2 --journal j -i items"
	expect 0 bash resumes
	same results items
	rm j results
	expect 0 mapped
	if grep -q "to resume" "$err"; then return 1; fi
}

@test "interrupted: words are quoted as a shell wants them" {
	touch gate
	start "$ROTA" exec -j 1 --journal 'a j' -i items -o results -- \
		sh -c 'echo "it'\''s $1"; [ ! -e gate ] || [ "$1" != "item 11" ] || sleep 0.5' sh </dev/null
	eventually has_lines results 10
	interrupt
	sed -n 's/.*to resume this run: //p' "$err" >resumes
	expect 0 bash resumes
	same results <(sed "s/^/it's /" items)
}

@test "files: one that may not grow, or a full disk, ends with a whole line" {
	local backend
	{ echo odd; seq 600000; } >many
	for backend in process thread; do
		rm -f results
		(
			ulimit -f 3000
			expect 3 rota map -b "$backend" -i many -o results upper
		)
		[ "$(tail -c 1 results | od -An -tx1)" = " 0a" ]
		cmp results <(head -n "$(wc -l <results)" many | tr "[:lower:]" "[:upper:]")
	done
}

@test "retry-failed: beside a reader the journal is safe before the output is renamed" {
	command -v sqlite3 >/dev/null || skip "sqlite3 is missing"
	strace -qq -o trace true 2>/dev/null || skip "strace may not run here"
	printf 'item %d\n' {1..9} >items
	expect 1 rota exec --journal j -i items -o results -- sh -c '[ -e mended ] || [ "$1" != "item 7" ] && echo "$1"' sh
	touch mended
	mkfifo statements
	sqlite3 j <statements >seen 3>&- &
	local reader=$!
	exec 5>statements
	export ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0 # the sanitizer looks for them by tracing, too
	echo "BEGIN; SELECT count(*) FROM failure;" >&5
	eventually test -s seen
	expect 0 timeout 60 strace -qq -y -o trace -e trace=fsync,fdatasync,rename "$ROTA" exec --journal j --resume \
		--retry-failed -i items -o results -- sh -c '[ -e mended ] || [ "$1" != "item 7" ] && echo "$1"' sh
	exec 5>&-
	wait "$reader"
	same results items
	sed '/rename(.*results"/q' trace | grep -E 'sync\(' | tail -n 1 | grep -F 'j-wal>'
}
