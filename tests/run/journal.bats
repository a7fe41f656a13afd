#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# A run that keeps a journal is killed, at whatever point, and goes on to the output that it would have had; or says why
# it can't. With ROTA_TESTS=sweep at more points.

load helper

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	seq -f 'item %g' 100 >items
	gate=$bad/gate.so
}

# Kills the whole run, supervisor first, once its output has so many lines.
kill_at() {
	eventually has_lines "$2" "$1"
	kill -KILL "$run"
	wait "$run" 2>/dev/null || true
	nothing_left
	release
}

# Ends it by INT, so that the journal is as far as the output.
interrupt_at() {
	eventually has_lines "$2" "$1"
	interrupt
}

@test "journal: a run that went well is finished, and isn't run again" {
	for order in -k -u; do
		expect 0 rota map "$order" --journal "j$order" -i items -o results sleep ms=0
		expect 0 rota map "$order" --journal "j$order" --resume -i items -o results sleep ms=0
		sort results | cmp - <(sort items)
		[ ! -e "j$order-wal" ] && [ ! -e "j$order.lock" ]
	done
}

@test "journal: --resume begins where there is none" {
	expect 0 rota map --journal j --resume -i items -o results upper
	cmp results <(tr "[:lower:]" "[:upper:]" <items)
}

# goes_on_to_the_same KNOWN OPTIONS...: killed once so many bytes of the journal are in its -wal
goes_on_to_the_same() {
	rm -f j results
	hold 40
	start "$ROTA" map "${@:2}" -j 2 --journal j -i items -o results "$gate" </dev/null
	# the second time it is written a second later: no use to look all the time
	[ "$1" -eq 1 ] || sleep 0.9
	eventually wal_has "$1"
	kill_at 39 results
	# the journal isn't ahead of the output, whatever is behind
	echo "and half a line" >>results
	expect 0 rota map "${@:2}" -j 3 --journal j --resume -i items -o results "$gate"
	case $2 in
	-u) sort results | cmp - <(sort items) ;;
	*) cmp results items ;;
	esac
}

wal_has() {
	[ -e j-wal ] && [ "$(stat -c %s j-wal)" -ge "$1" ]
}

@test "journal: killed, it goes on to the same bytes" {
	goes_on_to_the_same 1 -k -b process
	goes_on_to_the_same 1 -u -b thread
}

# Of the first page, which is written at once, and what a second has added.
@test "journal: killed after a second, it goes on to the same bytes" {
	goes_on_to_the_same 8000 -u -b process
	goes_on_to_the_same 8000 -k -b thread
}

@test "journal: the resume may be killed, too, and the number of workers and the backend change" {
	local n
	hold 25
	start "$ROTA" map -j 2 --journal j -i items -o results "$gate" </dev/null
	kill_at 24 results
	for n in 50 75; do
		hold "$n"
		start "$ROTA" map -j $((n / 20)) --journal j --resume -i items -o results "$gate" </dev/null
		kill_at $((n - 1)) results
	done
	expect 0 rota map -b thread --journal j --resume -i items -o results "$gate"
	cmp results items
}

@test "journal: killed while it works, it goes on" {
	seq -f 'item %g' 300 >items
	start "$ROTA" map -j 2 --journal j -i items -o results sleep ms=8 </dev/null
	kill_at 60 results
	start "$ROTA" map -j 3 --journal j --resume -i items -o results sleep ms=8 </dev/null
	kill_at 150 results
	expect 0 rota map -b thread --journal j --resume -i items -o results sleep ms=8
	cmp results items
}

@test "journal: interrupted, it goes on" {
	hold 60
	start "$ROTA" map -j 2 --journal j -i items -o results "$gate" </dev/null
	interrupt_at 59 results
	expect 0 rota map -v --journal j --resume -i items -o results "$gate"
	cmp results items
}

@test "journal: failures are in it once, whatever was killed, and are counted in the end" {
	awk 'NR % 7 == 0 { print "!fail"; next } { print }' items >mixed
	hold 60
	start "$ROTA" map -j 2 --journal j -i mixed -o results "$gate" </dev/null
	kill_at 51 results
	expect 1 rota map -v -j 2 --journal j --resume -i mixed -o results "$gate"
	has "$err" "100 items, 86 ok, 14 failed"
	cmp results <(grep -v '!' mixed)
	expect 0 rota failures --items j
	cmp "$out" <(grep '!' mixed)
	expect 1 rota map -j 2 --journal j --resume -i mixed -o results "$gate"
	has "$err" "100 items, 86 ok, 14 failed"
}

@test "failures: as a table, as JSON, as bytes" {
	printf 'good\0boom \n"\0\xff boom\0' >input
	expect 1 rota exec -0 --journal j -i input -o results -- sh -c 'case $0 in *boom*) exit 3;; *) echo "$0";; esac' {}
	expect 0 rota failures j
	has "$out" 'exited with code 3'
	is <(wc -l <"$out") 3
	expect 0 rota failures --json j
	is <(head -1 "$out") '{"job":"exec","seq":2,"attempts":1,"outcome":"failed",'\
'"kind":"failed","code":3,"signal":null,"item":"boom \n\"","cause":"exited with code 3"}'
	expect 0 rota failures --items -0 j
	cmp "$out" <(printf 'boom \n"\0\xff boom\0')
	expect 2 rota failures --items j
	has "$err" "newline"
	expect 2 rota failures nowhere
	has "$err" "no such file"
	expect 2 rota failures items
	has "$err" "isn't a rota journal"
}

# each of its rows: seq, outcome, kind, code, signal
causes() {
	sqlite3 j "SELECT seq, outcome, kind, ifnull(code, '-'), ifnull(signal, '-') FROM failures"
}

@test "failures: why is there as data, too, and stays so when the run goes on" {
	command -v sqlite3 >/dev/null || skip "no sqlite3"
	printf '%s\n' '!fail' '!kill' '!exit3' '!exit0' '!toolong' ok >items
	expect 1 rota map --journal j --max-result 1M -i items -o results "$bad/shelf.so" fault=named
	causes >seen
	is seen $'1|failed|failed|-|-\n2|crashed|died|-|9\n3|crashed|died|3|-\n4|crashed|died|0|-
5|over limit|max-result|-|-'
	expect 1 rota map --journal j --resume --retry-failed --max-result 1M -i items -o results \
		"$bad/shelf.so" fault=named
	causes | cmp - seen
	expect 0 rota failures --json j
	[ "$(grep -c '"kind":"died","code":null,"signal":9' "$out")" -eq 1 ]
	sqlite3 j "UPDATE failure SET signal = 6 WHERE seq = 2"
	expect 2 rota failures j
	has "$err" 'the failure of item 2'
	sqlite3 j "UPDATE failure SET signal = 9, outcome = 'failed' WHERE seq = 2"
	expect 2 rota failures j
	has "$err" 'the failure of item 2'
}

@test "failures: an item that is only there in part isn't fed back" {
	{ echo short; head -c 5000 /dev/zero | tr '\0' x; echo; } >input
	expect 1 rota map --max-item 1000 --journal j -i input -o results "$bad/shelf.so" fault=fail when=short
	expect 1 rota failures --items j
	is "$out" short
	has "$err" "item 2 of job 'map' was larger than max-item"
	expect 0 rota failures --json j
	has "$out" '"beginning":"xxxx'
}

# A command that fails for some items as long as there is no file "mended"; results of several lines. What is held
# waits, as in the plugin gate.
make_fragile() { # [ITEM]...
	[ $# -gt 0 ] || set -- 1 2 3 4 7 9 13 17 20 27
	printf 'item %s\n' "$@" >items
	cat >fragile <<-'END'
		[ -e gate ] && read -r first <gate && [ "${1#item }" -ge "$first" ] && sleep 0.2
		case $1 in *7*) [ -e mended ] || { echo lost; exit 3; } ;; esac
		echo "$1 is done"
		case $1 in *3*) echo "in two lines" ;; esac
	END
}

fragile() {
	rota exec -b thread --journal j -i items -o results "$@" -- sh fragile '{}'
}

puts_it_where_it_belongs() { # ORDER
	make_fragile
	touch mended
	expect 0 rota exec -b thread -i items -o wanted -- sh fragile '{}'
	rm mended
	expect 1 fragile "$1"
	expect 2 fragile "$1" --retry-failed
	has "$err" "--resume"
	expect 1 fragile "$1" --resume --retry-failed
	touch mended
	chmod 640 results
	expect 0 fragile "$1" --resume --retry-failed
	case $1 in
	-u) cmp <(sort results) <(sort wanted) ;;
	-k) same results wanted ;;
	esac
	is <(stat -c %a results) 640
	expect 0 rota failures --items j
	empty "$out"
	expect 0 fragile "$1" --resume --retry-failed
	expect 0 fragile "$1" --resume
	[ ! -e results.new ] && [ ! -e results.retry ]
}

@test "retry-failed: runs what has failed, and puts it where it belongs" {
	puts_it_where_it_belongs -k
}

@test "retry-failed: without an order it runs what has failed, too" {
	puts_it_where_it_belongs -u
}

@test "retry-failed: what fails once more stays a failure, with its place" {
	make_fragile
	expect 1 fragile -v
	has "$err" "3 failed"
	cp results before
	expect 1 fragile -v --resume --retry-failed
	has "$err" "10 items, 7 ok, 3 failed"
	same results before
	sed -i 's/\*7\*)/*[12]7)/' fragile
	expect 1 fragile -v --resume --retry-failed
	has "$err" "10 items, 8 ok, 2 failed"
	expect 0 rota failures --items j
	is "$out" $'item 17\nitem 27'
	touch mended
	expect 0 fragile -b process --resume --retry-failed
	expect 0 rota exec -b thread -i items -o wanted -- sh fragile '{}'
	same results wanted
}

@test "retry-failed: killed at any point, it's repeated or gone on from" {
	strace -qq -o trace true 2>/dev/null || skip "strace may not run here"
	local point what n_killed=0 points=(1 2 3 5 8)
	[ "${ROTA_TESTS:-}" != sweep ] || points=({1..40})
	make_fragile
	touch mended
	expect 0 rota exec -b thread -i items -o wanted -- sh fragile '{}'
	rm mended
	expect 1 fragile
	mkdir kept
	cp j results kept
	touch mended
	for what in rename fsync,fdatasync write,pwrite64; do
		for point in "${points[@]}"; do
			rm -f j* results* && cp kept/* .
			! strace -qq -o trace -e trace="$what" -e inject="$what:signal=KILL:when=$point" "$ROTA" exec -j 1 \
				--journal j -i items -o results --resume --retry-failed -- sh fragile '{}' 2>err || break
			n_killed=$((n_killed + 1))
			expect 0 fragile -j 1 --resume --retry-failed
			same results wanted
			[ ! -e results.new ]
		done
	done
	echo "$n_killed killed"
	[ "$n_killed" -ge 8 ]
}

@test "retry-failed: not before the run has finished; an output that was changed is refused" {
	make_fragile {1..30}
	hold 20
	start "$ROTA" exec -j 2 --journal j -i items -o results -- sh fragile '{}' </dev/null
	interrupt_at 19 results
	expect 2 fragile --resume --retry-failed
	has "$err" "hasn't finished"
	expect 1 fragile --resume
	echo more >>results
	cp results before
	expect 2 fragile --resume --retry-failed
	has "$err" "it has changed since"
	same results before
	rm results
	expect 2 fragile --resume --retry-failed
	has "$err" "results were written"
	[ ! -e results ]
}

@test "retry-failed: an item that is too large stays one, and others go before it" {
	make_fragile
	{ echo "item 7"; head -c 5000 /dev/zero | tr '\0' x; echo; echo "item 17"; } >items
	expect 1 fragile --max-item 1000
	touch mended
	expect 1 fragile -v --max-item 1000 --resume --retry-failed
	has "$err" "3 items, 2 ok, 1 over limit"
	is results $'item 7 is done\nitem 17 is done'
}

@test "retry-failed: through a pipe the results of these items come" {
	make_fragile
	rota exec --journal j -i items -- sh fragile '{}' 2>err | cat >first || [ "$?" -eq 1 ]
	touch mended
	rota exec --journal j -i items --resume --retry-failed -- sh fragile '{}' 2>err | cat >second
	is <(head -2 second) $'item 7 is done\nitem 17 is done'
	cmp <(cat first second | grep -v lost | sort) <(rota exec -i items -- sh fragile '{}' | sort)
}

# bats test_tags=quick
@test "journal: one run at a time, and the second is told whose it is" {
	hold 20
	start "$ROTA" map --journal j -i items -o results "$gate" </dev/null
	eventually test -e j.lock -a -s results
	expect 2 rota map --journal j --resume -i items -o results "$gate"
	has "$err" "in use by process $run"
	expect 0 rota failures j
	kill -KILL "$run"
}

# bats test_tags=quick
@test "journal: what changed is named, and nothing is touched" {
	# of so many not all are taken before the interrupt
	seq -f 'item %g' 5000 >items
	cp "$gate" .
	hold 30
	start "$ROTA" map -j 2 --journal j -i items -o results ./gate.so ms=98 </dev/null
	interrupt_at 29 results
	cp results before
	expect 2 rota map --journal j -i items -o results ./gate.so ms=98
	has "$err" "--resume"
	expect 2 rota map --journal j --resume -i items -o results ./gate.so ms=99
	has "$err" "option ms was '98' and is now '99'"
	expect 2 rota map --journal j --resume -u -i items -o results ./gate.so ms=98
	has "$err" "order was 'kept' and is now 'unordered'"
	expect 2 rota map --journal j --resume -i items -o other ./gate.so ms=98
	has "$err" "output was 'lines:results'"
	[ ! -e other ]
	sed '1s/item/iten/' items >edited && mv items kept && mv edited items
	expect 2 rota map --journal j --resume -i items -o results ./gate.so ms=98
	has "$err" "the input has changed"
	: >items
	expect 2 rota map --journal j --resume -i items -o results ./gate.so ms=98
	has "$err" "it has 0 items"
	mv kept items
	echo >>gate.so
	expect 2 rota map --journal j --resume -i items -o results ./gate.so ms=98
	has "$err" "the plugin's file has changed"
	cp "$gate" .
	cmp results before
	mv results gone
	expect 2 rota map --journal j --resume -i items -o results ./gate.so ms=98
	has "$err" "no longer exists"
	head -c 5 gone >results
	expect 2 rota map --journal j --resume -i items -o results ./gate.so ms=98
	has "$err" "it has changed since"
	mv gone results
	# what wasn't taken yet may be another
	sed -i '$s/5000/five thousand/' items
	echo "item 5001" >>items
	expect 0 rota map --journal j --resume -i items -o results ./gate.so ms=98
	cmp results items
}

@test "journal: a command that changed is shown as words" {
	expect 3 rota exec --journal j --max-failures 0 -i items -o results -- sh -c 'exit 1' </dev/null
	expect 2 rota exec --journal j --resume -i items -o results -- sh -c 'exit "2"' </dev/null
	has "$err" 'option command was '\''"sh" "-c" "exit 1"'\'' and is now '\''"sh" "-c" "exit \"2\""'\'
}

@test "journal: what is no journal is left alone, a finished one replaced" {
	echo hello >text
	sqlite3 db 'create table t(x)' 2>/dev/null || cp text db
	mkdir folder
	for file in text db folder /dev/null nowhere/j ''; do
		[ ! -f "$file" ] || cp "$file" copy
		expect 2 rota map --journal "$file" -i items -o results upper
		has "$err" "$file"
		[ ! -e results ]
		[ ! -f "$file" ] || cmp "$file" copy
	done
	expect 0 rota map --journal j -i items -o results upper
	expect 0 rota map --journal j -i items -o results identity
	cmp results items
}

@test "journal: not beside a shell's >, not the input, not the output; --resume needs it" {
	expect 2 rota map --journal j upper <items
	has "$err" "--output FILE instead of > FILE"
	for file in items results; do
		expect 2 rota map --journal "$file" -i items -o results upper
		has "$err" "use another file"
	done
	expect 2 rota map --resume -i items -o results upper
	has "$err" "--journal FILE"
}

@test "journal: through a pipe what may come twice is said" {
	mkfifo pipe
	cat pipe >first &
	local reader=$!
	hold 50
	start bash -c 'exec "$@" >pipe' - "$ROTA" map -j 1 --journal j -i items "$gate" </dev/null
	kill_at 49 first
	wait "$reader"
	rota map -j 1 --journal j --resume -i items "$gate" 2>said | cat >second
	has said "may have been written before"
	cat first second | sort -u | cmp - <(sort items)
}

@test "journal: several jobs, each with its own place; a finished one isn't run again" {
	cat >jobs.yaml <<-END
		run: {journal: j}
		jobs:
		  fast: {plugin: upper, input: items, output: fast}
		  slow: {plugin: $gate, after: fast, input: fast, output: slow}
	END
	hold 30
	start "$ROTA" run jobs.yaml </dev/null
	kill_at 29 slow
	touch -d '2001-01-01' fast
	expect 0 rota run --resume jobs.yaml
	cmp slow <(tr "[:lower:]" "[:upper:]" <items)
	is <(date -r fast +%Y) 2001
}

@test "journal: damaged, it is refused, or the output is right all the same" {
	local n_refused=0 at step=4096
	[ "${ROTA_TESTS:-}" != sweep ] || step=512
	hold 40
	start "$ROTA" map --journal j -i items -o results "$gate" </dev/null
	interrupt_at 39 results
	mkdir kept
	cp j* results kept
	for at in $(seq 0 "$step" "$(stat -c %s j)"); do
		rm -f j* && cp kept/* .
		truncate -s "$at" j
		rota map -b thread --journal j --resume -i items -o results "$gate" 2>err || {
			[ $? -eq 2 ]
			[ -s err ]
			n_refused=$((n_refused + 1))
			continue
		}
		cmp results items
	done
	[ "$n_refused" -gt 0 ]
}

@test "journal: without its -wal it's older, and the output is right all the same" {
	hold 40
	start "$ROTA" map --journal j -i items -o results "$gate" </dev/null
	eventually test -s j-wal
	kill_at 39 results
	[ -s j-wal ]
	rm j-wal
	expect 0 rota map --journal j --resume -i items -o results "$gate"
	cmp results items
}

@test "journal: another run's, or its -wal, is refused, or the output is right all the same" {
	seq 200 >others
	hold 40
	start "$ROTA" map --journal k -i others -o other "$gate" </dev/null
	eventually test -s k-wal
	kill_at 39 other
	cp k-wal strange
	hold 40
	start "$ROTA" map --journal j -i items -o results "$gate" </dev/null
	kill_at 39 results
	expect 2 rota map --journal k --resume -i items -o results "$gate"
	has "$err" "belongs to another run"
	mv strange j-wal
	rota map --journal j --resume -i items -o results "$gate" 2>err || { [ $? -eq 2 ] && [ -s err ] && return; }
	same results items
}

@test "journal: a full disk ends the run, and it can be gone on from" {
	[ "$(id -u)" -eq 0 ] || skip "needs root"
	unshare -m true 2>/dev/null || skip "no mount namespaces here"
	cat >script <<-'END'
		mount -t tmpfs -o size=200k none small || exit 77
		"$ROTA" map --journal j -i many -o small/results upper
		echo "first: $?"
		mount -o remount,size=10m small
		"$ROTA" map --journal j --resume -i many -o small/results upper
		echo "second: $?"
		cmp small/results many && echo same
	END
	mkdir small
	seq 100000 >many
	ROTA=$ROTA timeout 60 unshare -m bash script >said 2>err || skip "no tmpfs here"
	is said $'first: 3\nsecond: 0\nsame'
}

@test "journal: a stack of 80 KB is enough" {
	[ -z "${SANITIZER:-}" ] || skip "a sanitizer's frames are larger"
	make_fragile
	(
		ulimit -s 80
		expect 1 fragile -j 2
		touch mended
		expect 0 fragile -j 2 --resume --retry-failed
	)
}
