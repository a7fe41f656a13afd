#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# A run that keeps a journal is killed, at whatever point, and goes on to the output that it would have had; or says why
# it can't.

load helper

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	seq -f 'item %g' 400 >items
}

# Kills the whole run, supervisor first, once its output has so many lines.
kill_at() {
	eventually eval "[ -e $2 ] && [ \$(wc -l <$2) -ge $1 ]"
	kill -KILL "$run"
	wait "$run" 2>/dev/null || true
	nothing_left
}

# Ends it by INT, so that the journal is as far as the output.
interrupt_at() {
	eventually eval "[ -e $2 ] && [ \$(wc -l <$2) -ge $1 ]"
	kill -INT "$run"
	ends 130
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

@test "journal: killed, it goes on to the same bytes" {
	for options in "-k -b process" "-u -b process" "-k -b thread"; do
		rm -f j results
		# shellcheck disable=SC2086
		start "$ROTA" map $options -j 2 --journal j -i items -o results sleep ms=8 </dev/null
		kill_at 250 results
		# the journal isn't ahead of the output, whatever is behind
		echo "and half a line" >>results
		# shellcheck disable=SC2086
		expect 0 rota map $options -j 3 --journal j --resume -i items -o results sleep ms=8
		case $options in
		-u*) sort results | cmp - <(sort items) ;;
		*) cmp results items ;;
		esac
	done
}

@test "journal: the resume may be killed, too, and the number of workers and the backend change" {
	local n
	start "$ROTA" map -j 2 --journal j -i items -o results sleep ms=8 </dev/null
	kill_at 100 results
	for n in 170 260; do
		start "$ROTA" map -j $((n / 50)) --journal j --resume -i items -o results sleep ms=8 </dev/null
		kill_at "$n" results
	done
	expect 0 rota map -b thread --journal j --resume -i items -o results sleep ms=8
	cmp results items
}

@test "journal: interrupted, it goes on" {
	start "$ROTA" map -j 2 --journal j -i items -o results sleep ms=8 </dev/null
	interrupt_at 60 results
	expect 0 rota map -v --journal j --resume -i items -o results sleep ms=8
	cmp results items
}

@test "journal: failures are in it once, whatever was killed, and are counted in the end" {
	awk 'NR % 7 == 0 { print "!fail"; next } { print }' items >mixed
	start "$ROTA" map -j 2 --journal j -i mixed -o results "$bad/shelf.so" fault=named ms=8 </dev/null
	kill_at 200 results
	expect 1 rota map -v -j 2 --journal j --resume -i mixed -o results "$bad/shelf.so" fault=named ms=8
	has "$err" "400 items, 343 ok, 57 failed"
	cmp results <(grep -v '!' mixed)
	expect 0 rota failures --items j
	cmp "$out" <(grep '!' mixed)
}

@test "failures: as a table, as JSON, as bytes" {
	printf 'good\0boom \n"\0\xff boom\0' >input
	expect 1 rota exec -0 --journal j -i input -o results -- sh -c 'case $0 in *boom*) exit 3;; *) echo "$0";; esac' {}
	expect 0 rota failures j
	has "$out" 'exited with code 3'
	is <(wc -l <"$out") 3
	expect 0 rota failures --json j
	is <(head -1 "$out") \
		'{"job":"exec","seq":2,"attempts":1,"outcome":"failed","item":"boom \n\"","cause":"exited with code 3"}'
	expect 0 rota failures --items -0 j
	cmp "$out" <(printf 'boom \n"\0\xff boom\0')
	expect 2 rota failures --items j
	has "$err" "newline"
	expect 2 rota failures nowhere
	has "$err" "no such file"
	expect 2 rota failures items
	has "$err" "no journal of rota's"
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

@test "journal: one run at a time, and the second is told whose it is" {
	start "$ROTA" map --journal j -i items -o results sleep ms=8 </dev/null
	eventually test -e j.lock -a -s results
	expect 2 rota map --journal j --resume -i items -o results sleep ms=8
	has "$err" "in use by process $run"
	expect 0 rota failures j
	kill -KILL "$run"
}

@test "journal: what changed is named, and nothing is touched" {
	cp "$plugins/sleep.so" .
	start "$ROTA" map --journal j -i items -o results ./sleep.so ms=8 </dev/null
	interrupt_at 100 results
	cp results before
	expect 2 rota map --journal j -i items -o results ./sleep.so ms=8
	has "$err" "--resume"
	expect 2 rota map --journal j --resume -i items -o results ./sleep.so ms=9
	has "$err" "option ms was '8' and is '9'"
	expect 2 rota map --journal j --resume -u -i items -o results ./sleep.so ms=8
	has "$err" "order was 'kept' and is 'unordered'"
	expect 2 rota map --journal j --resume -i items -o other ./sleep.so ms=8
	has "$err" "output was 'lines:results'"
	[ ! -e other ]
	sed '1s/item/iten/' items >edited && mv items kept && mv edited items
	expect 2 rota map --journal j --resume -i items -o results ./sleep.so ms=8
	has "$err" "the input was changed"
	: >items
	expect 2 rota map --journal j --resume -i items -o results ./sleep.so ms=8
	has "$err" "it has 0 items"
	mv kept items
	echo >>sleep.so
	expect 2 rota map --journal j --resume -i items -o results ./sleep.so ms=8
	has "$err" "the plugin's file is another"
	cp "$plugins/sleep.so" .
	cmp results before
	mv results gone
	expect 2 rota map --journal j --resume -i items -o results ./sleep.so ms=8
	has "$err" "isn't there any more"
	head -c 5 gone >results
	expect 2 rota map --journal j --resume -i items -o results ./sleep.so ms=8
	has "$err" "it was changed since"
	mv gone results
	echo "item 401" >>items
	expect 0 rota map --journal j --resume -i items -o results ./sleep.so ms=8
	cmp results items
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
		has "$err" "a file of its own"
	done
	expect 2 rota map --resume -i items -o results upper
	has "$err" "--journal FILE"
}

@test "journal: through a pipe what may come twice is said" {
	mkfifo pipe
	cat pipe >first &
	local reader=$!
	start bash -c 'exec "$@" >pipe' - "$ROTA" map -j 1 --journal j -i items sleep ms=8 </dev/null
	kill_at 150 first
	wait "$reader"
	rota map -j 1 --journal j --resume -i items sleep ms=8 2>said | cat >second
	has said "may have been written before"
	cat first second | sort -u | cmp - <(sort items)
}

@test "journal: several jobs, each with its own place; a finished one isn't run again" {
	cat >jobs.yaml <<-'END'
		run: {journal: j}
		jobs:
		  fast: {plugin: upper, input: items, output: fast}
		  slow: {plugin: sleep, after: fast, input: fast, output: slow, options: {ms: 8}}
	END
	start "$ROTA" run jobs.yaml </dev/null
	kill_at 100 slow
	touch -d '2001-01-01' fast
	expect 0 rota run --resume jobs.yaml
	cmp slow <(tr "[:lower:]" "[:upper:]" <items)
	is <(date -r fast +%Y) 2001
}

@test "journal: damaged, it is refused, or the output is right all the same" {
	local n_refused=0 at
	start "$ROTA" map --journal j -i items -o results sleep ms=8 </dev/null
	interrupt_at 150 results
	mkdir kept
	cp j* results kept
	for at in $(seq 0 512 "$(stat -c %s j)"); do
		rm -f j* && cp kept/* .
		truncate -s "$at" j
		rota map --journal j --resume -i items -o results sleep ms=8 2>err || {
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
	slow
	start "$ROTA" map --journal j -i items -o results sleep ms=12 </dev/null
	kill_at 300 results
	[ -s j-wal ]
	rm j-wal
	expect 0 rota map --journal j --resume -i items -o results sleep ms=12
	cmp results items
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
