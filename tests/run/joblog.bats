#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# --joblog: what GNU parallel writes, for the tools that read it.

load helper

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
}

# Columns of all lines but the head, by the item's number.
columns() {
	tail -n +2 log | sort -n | cut -f "$1"
}

# bats test_tags=quick
@test "joblog: a line an item, on both backends" {
	local backend
	seq 1000 >items
	for backend in process thread; do
		expect 0 rota map -b "$backend" -j 2 --joblog log -i items -o results upper
		same results items
		is <(head -1 log) "$(printf 'Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand')"
		cmp <(columns 1) items
		cmp <(columns 9) items
		cmp <(columns 6) <(awk '{ print length }' items)
		is <(columns 2,5,7,8 | sort -u) "$(printf ':\t0\t0\t0')"
	done
}

@test "joblog: when an item began, and how long it took" {
	local before after
	before=$(date +%s.%N)
	expect 0 rota map -j 3 --joblog log sleep ms=30 <<<$'1\n70\nx'
	after=$(date +%s.%N)
	tail -n +2 log | awk -v before="$before" -v after="$after" '
		$3 < before - 0.001 || $3 + $4 > after + 0.002 { bad = 1 }
		$4 < ($1 == 1 ? 0.001 : $1 == 2 ? 0.070 : 0.030) { bad = 1 }
		{ n++ } END { exit bad || n != 3 }'
}

@test "joblog: exit statuses, signals, time-outs, all of them as they are on the command line" {
	local time=0.3s
	[ -z "${SANITIZER:-}" ] || time=3s # starting a command takes longer there
	printf '%s\n' 0 3 255 KILL slow >items
	expect 1 rota exec --timeout "$time" --joblog log -i items -- sh -c \
		'case $0 in KILL) kill -KILL $$ ;; slow) sleep 20 ;; *) exit "$0" ;; esac' '{}'
	is <(columns 7) $'0\n3\n255\n0\n-1'
	is <(columns 8) $'0\n0\n0\n9\n0'
	printf '%s\n' a '!segv' '!abort' '!exit3' b >items
	expect 1 rota map --joblog log -i items "$bad/shelf.so" fault=named
	is <(columns 7,9) "$(printf '0\ta\n0\t!segv\n0\t!abort\n1\t!exit3\n0\tb')"
	is <(columns 8) $'0\n11\n6\n0\n0'
}

@test "joblog: what a plugin says is no signal and no exit status" {
	printf '%s\n' 'fail cannot read SIGINT.txt' 'fail exited with code 9' 'again killed by SIGTERM' ok >items
	sayings() {
		expect 1 rota map -b "$backend" --joblog log -i items "$bad/talk.so"
		is <(columns 7,8) $'1\t0\n1\t0\n1\t0\n0\t0'
		has "$err" 'failed: cannot read SIGINT.txt'
	}
	both_backends sayings
}

@test "joblog: an item with a newline is a line all the same; one that is too large is there" {
	{ printf 'one\ntwo\0'; head -c 3000 /dev/zero | tr '\0' x; printf '\0three\0'; } >items
	expect 1 rota map -0 --max-item 1000 --joblog log -i items -o results upper
	is <(wc -l <log) 4
	tail -n +2 log | grep -qaP 'one\x00two'
	is <(columns 7) $'0\n1\n0'
}

@test "joblog: a resumed run goes on with it; jobs of a conf file have their names in it" {
	seq -f 'item %g' 300 >items
	hold 101
	start "$ROTA" map -j 1 --journal j --joblog log -i items -o results "$bad/gate.so" </dev/null
	eventually has_lines results 100
	interrupt
	expect 0 rota map --journal j --resume --joblog log -i items -o results "$bad/gate.so"
	cmp <(columns 1) <(seq 300)
	cat >jobs.yaml <<-'END'
		run: {joblog: log}
		jobs:
		  one: {plugin: upper, input: items, output: none}
		  two: {plugin: identity, input: items, output: none}
	END
	expect 0 rota run jobs.yaml
	is <(columns 9 | cut -d ' ' -f 1 | sort | uniq -c | tr -s ' ') $' 300 one\n 300 two'
}

@test "joblog: what an ordered run must do again has another line, and the last one counts" {
	seq 4 >items
	touch held
	first_waits=(exec -j 2 --grace 50ms --journal j --joblog log -i items -o results
		-- sh -c '[ "$1" != 1 ] || while [ -e held ]; do sleep 0.01; done; echo "$1"; [ ! -e held ] || [ "$1" != 3 ]'
		sh)
	start "$ROTA" "${first_waits[@]}" </dev/null
	eventually has_lines log 4
	kill -TERM "$run"
	ends 143
	is <(columns 1,7) $'2\t0\n3\t1\n4\t0'
	rm held
	expect 0 rota "${first_waits[@]:0:1}" --resume "${first_waits[@]:1}"
	same results items
	[ "$(tail -n +2 log | wc -l)" -eq 7 ]
	# as a program that reads it takes it
	is <(tail -n +2 log | awk '{ exit_of[$1] = $7 } END { for (n = 1; n <= 4; n++) print n, exit_of[n] }') \
		$'1 0\n2 0\n3 0\n4 0'
}

@test "joblog: a place that can't be written, a full disk, a file that is in use for something else" {
	seq 10 >items
	expect 2 rota map --joblog nowhere/log -i items upper
	has "$err" "nowhere/log"
	[ ! -s "$out" ]
	expect 3 rota map --joblog /dev/full -i items upper
	has "$err" "/dev/full"
	has "$err" "No space left"
	expect 2 rota map --joblog items -i items upper
	has "$err" "use another file"
	is <(wc -l <items) 10
	expect 2 rota map --joblog j --journal j -i items -o results upper
	has "$err" "also the journal"
}
