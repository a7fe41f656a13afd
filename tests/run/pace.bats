#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2030,SC2031,SC2094,SC2317
#
# When items begin, and when no more do: --halt, --retry-on, --delay, --rate, --load, --memfree, and --jobs in all its
# forms.
load helper

setup() {
	cd "$BATS_TEST_TMPDIR" || return
}

# refuses WORDS ARGUMENTS: exit 2 and one line
refuses() {
	expect 2 rota "${@:2}" </dev/null
	has "$err" "$1"
	lines "$err" -eq 1
}

teardown() {
	end_all
}

# ran WORD: commands note that they were begun in the file ran; what it has then
ran() {
	local all
	mapfile -t all <ran
	[ "${all[*]}" = "$1" ] || { echo "began: ${all[*]}, expected: $1"; return 1; }
}

# with_halt STATUS RAN OPTION...: seven items, each the status its command exits with
with_halt() {
	rm -f ran
	expect "$1" rota exec -b "$backend" -i statuses -j1 "${@:3}" sh -c 'echo $ROTA_SEQ >>ran; exit $1' sh
	ran "$2"
}

# bats test_tags=quick
@test "halt: with one worker nothing is begun behind what ends the job" {
	printf '%s\n' 0 1 0 1 1 0 0 >statuses
	for backend in process thread; do
		with_halt 3 '1 2' --halt soon,fail=1
		grep -q '^rota: stopped: 1 item failed (--halt)' "$err"
		with_halt 3 '1 2 3 4' --halt now,fail=2
		with_halt 0 '1 2 3' --halt now,success=2
		grep -q '^rota: stopped: 2 items succeeded (--halt)' "$err"
		with_halt 1 '1 2 3' --halt soon,done=3
		with_halt 1 '1 2 3 4 5 6 7' --halt never
		with_halt 3 '1 2' --max-failures 0
	done
}

@test "halt: now ends what runs, soon lets it finish" {
	for when in now soon; do
		rm -f began ended
		printf '%s\n' slow fail >items
		expect 3 rota exec -i items -j2 --halt "$when,fail=1" sh -c '
			if [ $1 = slow ]; then : >began; sleep 0.5; : >ended
			else while ! [ -e began ]; do sleep 0.01; done; exit 1
			fi' sh
		case $when in
		now) [ ! -e ended ] ;;
		soon) [ -e ended ] ;;
		esac
	done
}

# bats test_tags=quick
@test "halt, retry-on, rate, load: what isn't one is refused" {
	refuses "--halt: 'now' doesn't say when to halt" exec --halt now true
	refuses "--halt: 'now,fail=0'" exec --halt now,fail=0 true
	refuses "--retry-on: 'crashes' is no failure to try again after" exec --retry-on crashes true
	refuses "--rate: 'fast' isn't a rate" exec --rate fast true
	refuses "--rate: '0/s' isn't a rate" exec --rate 0/s true
	refuses "--load: '0' isn't a load" exec --load 0 true
	refuses "--jobs: 'many' isn't a number of workers, nor a file that has one" exec -j many true
	refuses "--jobs: '0' is out of range" map -j 0 upper
}

# attempts N RETRIES-ON: how often a command is run that exits with 75
attempts() {
	rm -f ran
	expect 1 rota exec --retries 2 "${@:2}" sh -c 'echo $ROTA_ATTEMPT >>ran; exit 75' <<<x
	ran "$1"
}

@test "retry-on: chooses by what happened, and by a command's exit status" {
	attempts '1 2 3'
	attempts '1 2 3' --retry-on again
	attempts 1 --retry-on crash,timeout
	attempts '1 2 3' --retry-on exit:75,100-110
	attempts '1 2 3' --retry-on crash,exit:70-80
	attempts 1 --retry-on exit:74
}

# span: the ms from the begin of the first to that of the last of the items whose times are in the file ran
span() {
	sort -n ran | sed -n '1p;$p' | {
		read -r first
		read -r last
		echo $(((last - first) / 1000000))
	}
}

@test "delay and rate: items begin no faster, whatever the number of workers" {
	seq 6 >items
	for option in '--delay 60ms' '--rate 1000/m'; do
		rm -f ran
		# shellcheck disable=SC2086 # two words
		expect 0 rota exec -i items -j4 $option sh -c 'date +%s%N >>ran'
		lines ran -eq 6
		[ "$(span)" -ge 250 ]
	done
	expect 0 rota map -i items --rate 1000/s upper
	same "$out" items
}

@test "load and memfree: nothing begins while the machine isn't ready, and the run can be ended" {
	for option in '--load 0.001' '--memfree 1000T'; do
		rm -f ran
		# a load of nothing at all would let it begin
		[ "$option" = '--memfree 1000T' ] || ! grep -q '^0.00 ' /proc/loadavg || continue
		seq 2 >items
		# shellcheck disable=SC2086 # two words
		start "$ROTA" exec -i items -v $option sh -c 'echo >>ran'
		eventually grep -q 'worker' "$err"
		kill -TERM "$run"
		local status=0
		wait "$run" || status=$?
		[ $status -eq 143 ]
		[ ! -e ran ]
	done
	expect 0 rota exec -i items --load 100000 --memfree 1k echo
	lines "$out" -eq 2
}

# bats test_tags=quick
@test "jobs: a share of the CPUs, more than CPUs, as many as there are items" {
	seq 3 >items
	for jobs in 200% +2 +0 0 -100; do
		expect 0 rota exec -i items -j "$jobs" echo
		same "$out" items
	done
	# as many as there are items run at a time: each waits for the last
	expect 0 rota exec -i items -j 0 sh -c ': >began.$1; while [ $(ls began.* | wc -l) -lt 3 ]; do sleep 0.01; done' sh
	for jobs in 100 '400%'; do
		rota map --dry-run -j "$jobs" upper | grep -q 'workers  [1-9]'
	done
}

@test "jobs: a file says how many, and may say otherwise later" {
	echo 1 >count
	seq 8 >items
	start "$ROTA" exec -i items -j ./count sh -c ': >began.$1; while [ -e began.$1 ]; do sleep 0.01; done' sh
	eventually test -e began.1
	[ ! -e began.2 ]
	echo 3 >count
	# three at a time, and one more may be in the hands of each
	local -a began
	three_run() {
		began=(began.*)
		[ ${#began[@]} -ge 3 ]
	}
	eventually three_run
	grep -q '^rota: exec: 3 workers from now on' "$err"
	echo many >count
	eventually grep -q "rota: warning: exec: --jobs: './count': 'many' isn't a number of workers" "$err"
	began=(began.*)
	[ ${#began[@]} -eq 3 ]
	local i
	for i in 1 2 3 4 5 6 7 8; do
		eventually test -e began.$i
		rm began.$i
	done
	wait "$run"
	counts 1 "$err" "'many'"
}

@test "joblog: with a + in front it is added to" {
	for i in 1 2; do
		expect 0 rota exec --joblog +log true <<<$i
	done
	lines log -eq 3
	expect 0 rota exec --joblog log true <<<3
	lines log -eq 2
}

# What is measured is that nothing happens: nobody reads what the first commands have written, and what comes next has
# to wait for that, although its time has come.
# sleeps OPTION...
sleeps() {
	start "$ROTA" exec -i items -o pipe -j4 "$@" sh -c 'if [ $1 = 1 ]; then exit 1; fi; head -c 9000000 /dev/zero' sh
	exec 4<pipe
	local i before=0 after=1
	# full is full: until no process of the run has anything to do
	for i in 1 2 3 4 5 6 7 8 9 10; do
		before=$(ticks)
		sleep 0.5
		after=$(ticks)
		[ $((after - before)) -gt 5 ] || break
	done
	echo "$((after - before)) ticks in 0.5 s"
	[ $((after - before)) -le 5 ]
	exec 4<&-
	ends "$status"
}

@test "delay and backoff: a run whose reader is slow sleeps" {
	mkfifo pipe
	seq 200 >items
	status=141
	sleeps --delay 300ms
	sleeps -u --retries 9 --backoff 300ms
}
