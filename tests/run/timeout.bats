#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2030,SC2031,SC2094,SC2317
#
# --timeout: an item that takes too long is ended, by TERM and then by KILL, and named; the others are right, and nobody
# waits for it. What isn't the item's own time isn't charged.
load helper

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	export ASAN_OPTIONS=handle_segv=0:handle_abort=0:$ASAN_OPTIONS
	ulimit -c 0
	seq 2000 >items
	grep -vx 700 items >others
}

teardown() {
	[ -z "${run:-}" ] || kill -CONT "$run" 2>/dev/null || true
	end_all
}

now_ms() {
	echo $((${EPOCHREALTIME/[.,]/} / 1000))
}

# takes_too_long FAULT JOBS: in the middle of a batch of tiny items
takes_too_long() {
	for jobs in "${@:2}"; do
		expect 1 rota map -j "$jobs" --timeout 200ms "$bad/shelf.so" fault="$1" when=700 <items
		same "$out" others
		[ "$(grep -c 'timed out:' "$err")" -eq 1 ]
		has "$err" 'item 700 "700": timed out: no answer within 0.2 s'
		has "$err" '2,000 items, 1,999 ok, 1 timed out'
		has "$err" '1 worker restarted'
	done
}

@test "time-out: of whatever kind, it costs its item, which is named" {
	takes_too_long stop 1 # which hears nothing
	! quick || return 0
	takes_too_long hang 1 3
	takes_too_long loop 3 # deaf to TERM
}

@test "time-out: an item that heeds it is named, too, and its worker goes on" {
	expect 1 rota map -j 3 --timeout 300ms "$bad/shelf.so" fault=until-cancelled when=700 <items
	same "$out" others
	[ "$(grep -c 'item 700 "700": timed out' "$err")" -eq 1 ]
}

@test "time-out: TERM comes first, KILL 200 ms later" {
	before=$(now_ms)
	expect 1 rota map -j 1 --timeout 200ms "$bad/shelf.so" fault=loop when=2 <<<$'1\n2\n3'
	[ "$(($(now_ms) - before))" -ge 400 ]
	is "$out" $'1\n3'
	expect 0 rota map -j 2 --timeout 200ms "$bad/shelf.so" fault=late when=2 ms=1 <<<$'1\n2\n3'
	has "$err" 'TERM was heard'
}

# Its answer counts, as it was there before KILL: one outcome. What else there is to do isn't left lying.
@test "time-out: an item that catches TERM and answers before KILL has its result, and the run goes on" {
	for jobs in 3 $(quick || echo 1); do
		expect 0 timeout 6 "$ROTA" map -j "$jobs" --timeout 200ms "$bad/shelf.so" fault=late when=700 <items
		same "$out" items
	done
}

@test "time-out: of the first item, the last one, the only one, every one" {
	slow
	for when in 1 30; do
		expect 1 rota map -j 2 --timeout 100ms "$bad/shelf.so" fault=hang when="$when" <<<"$(seq 30)"
		seq 30 | grep -vx "$when" | cmp - "$out"
	done
	expect 1 rota map -j 2 --timeout 100ms "$bad/shelf.so" fault=hang when='*' <<<"$(seq 8)"
	empty "$out"
	[ "$(grep -c 'timed out: no answer' "$err")" -eq 8 ]
}

@test "time-out: many, among others" {
	slow
	seq 300 | sed 's/.*[05]0$/!hang/' >named
	expect 1 rota map -j 4 --timeout 150ms "$bad/shelf.so" fault=named <named
	grep -v '^!' named | cmp - "$out"
	[ "$(grep -c '"!hang": timed out' "$err")" -eq 6 ]
	has "$err" '300 items, 294 ok, 6 timed out'
}

@test "time-out: with exec all of the command is ended" {
	start "$ROTA" exec -j 2 --timeout 300ms -i range:1-6 -- \
		sh -c '[ "$1" != 3 ] || { trap "" TERM; sleep 1000 & sleep 1000; sleep 1000; }; echo "$1"' sh
	ends 1
	is "$out" $'1\n2\n4\n5\n6'
	has "$err" 'item 3 "3": timed out'
	nothing_left
}

# The batches are large by then; the slow one is never through.
@test "time-out: what stands behind a slow item is run elsewhere, long before its time-out" {
	slow
	seq 30000 >items
	for backend in process thread; do
		rm -f results
		start "$ROTA" map -b "$backend" -u -j 2 --timeout 100s --grace 0s -o results "$bad/shelf.so" \
			fault=until-cancelled when=20000 <items
		eventually has_lines results 29999
		sort -n results | cmp - <(grep -vx 20000 items)
		kill -TERM "$run"
		ends 143
		nothing_left
	done
}

@test "time-out: tiny items never have one, however many share a processor" {
	slow
	seq 300000 >items
	expect 0 rota map -j 8 --timeout 5s upper <items
	same "$out" items
	empty "$err"
}

# It has begun nothing, so it is looked at for a while first.
@test "time-out: a worker stopped from outside while idle is replaced when there is work, and no item charged" {
	slow
	mkfifo in
	start "$ROTA" map -j 1 --timeout 10s -i in upper </dev/null
	exec 4>in
	echo a >&4
	eventually grep -q A "$out"
	server=$(pgrep -P "$run" -f -- --serve)
	kill -STOP "$(pgrep -x rota-worker -P "$server")"
	echo b >&4
	eventually grep -q B "$out"
	exec 4>&-
	ends 0
	is "$out" $'A\nB'
	nothing_left
}

# -- what isn't the item's time --

is_stopped() {
	[ "$(sed 's/.*) //;s/ .*//' "/proc/$1/stat")" = T ]
}

# SIGNAL: for longer than the time-out, in the middle of items
stopped_run() {
	rm -f results
	start "$ROTA" map -j 2 --timeout 500ms -o results sleep ms=100 <<<"$(seq -f 'item %g' 12)"
	eventually grep -qs 'item 1' results
	kill -"$1" "$run"
	eventually is_stopped "$run"
	sleep 0.7 # longer than the time-out
	kill -CONT "$run"
	ends 0
	seq -f 'item %g' 12 | cmp - results
	empty "$err"
	nothing_left
}

@test "no time-out: the run stopped by TSTP, and going on" {
	slow
	stopped_run TSTP
}

@test "no time-out: the supervisor stopped by STOP, and going on" {
	stopped_run STOP
}

reads_late() {
	rm -f results
	mkfifo results
	start "$ROTA" "${@:2}" -o results "${call[@]}" <"$1"
	exec 5<results
	sleep 0.9 # longer than the time-out
	cat <&5 >seen
	exec 5<&-
	ends 0
	# but for what is said of threads at the start
	if grep -v "a thread can't be ended" "$err"; then return 1; fi
}

# The results are larger than the ring: the items can't end before somebody reads.
@test "no time-out: a reader that is slower than it, with large results" {
	slow
	seq 6 >few
	call=(sh -c 'head -c 3000000 /dev/zero | tr "\0" "$1"' sh)
	reads_late few exec -j 2 --timeout 600ms --window 64K
	while read -r n; do head -c 3000000 /dev/zero | tr '\0' "$n"; echo; done <few | cmp - seen
}

reads_many_late() {
	reads_late many map -b "$backend" -j 2 --timeout 500ms --window 64K
	same seen many
}

@test "no time-out: a reader that is slower than it, with many results" {
	slow
	seq 300000 >many
	call=(upper)
	both_backends reads_many_late
}

# An hour goes by between any two looks at the clock of the day.
@test "no time-out: jumps of the clock" {
	slow
	compile -shared -fPIC -o clockjump.so -x c - -ldl <<-'END'
		#define _GNU_SOURCE 1
		#include <dlfcn.h>
		#include <string.h>
		#include <sys/time.h>
		#include <time.h>
		static time_t jump(void)
		{
			static _Atomic long hours;
			return ++hours * 3600;
		}
		int clock_gettime(clockid_t clock, struct timespec *now)
		{
			int (*real)(clockid_t, struct timespec *);
			void *found = dlsym(RTLD_NEXT, "clock_gettime");
			memcpy(&real, &found, sizeof(real));
			int result = real(clock, now);
			if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)
				now->tv_sec += jump();
			return result;
		}
		time_t time(time_t *ret)
		{
			struct timespec now;
			clock_gettime(CLOCK_REALTIME, &now);
			return ret ? (*ret = now.tv_sec) : now.tv_sec;
		}
		int gettimeofday(struct timeval *now, void *zone)
		{
			(void)zone;
			now->tv_sec = time(NULL);
			now->tv_usec = 0;
			return 0;
		}
	END
	export ASAN_OPTIONS=verify_asan_link_order=0:$ASAN_OPTIONS
	[ "$(LD_PRELOAD=$PWD/clockjump.so date +%s)" -gt "$(($(date +%s) + 3000))" ]
	expect 0 timeout -k 2 60 env LD_PRELOAD="$PWD/clockjump.so" "$ROTA" map -j 2 --timeout 5s --progress=json sleep \
		ms=20 <<<"$(seq -f 'item %g' 40)"
	seq -f 'item %g' 40 | cmp - "$out"
	if grep -q 'timed out:' "$err"; then return 1; fi
	# nor does the job log lose its bearings: an item that was run, one that was ended, one that died
	expect 1 timeout -k 2 60 env LD_PRELOAD="$PWD/clockjump.so" "$ROTA" map -j 1 --timeout 100ms --joblog log \
		"$bad/shelf.so" fault=named <<<$'fine\n!hang\n!segv'
	[ "$(wc -l <log)" -eq 4 ]
	tail -n +2 log | awk -F '\t' '
		NR == 1 { first = $3 }
		$4 > 60 || $3 < first || $3 > first + 60 { bad = 1 }
		END { exit bad }'
}

# -- threads --

@test "time-out of threads: cooperative, the thread goes on" {
	for jobs in 3 $(quick || echo 1); do
		expect 1 timeout 6 "$ROTA" map -b thread -j "$jobs" --timeout 200ms "$bad/shelf.so" \
			fault=until-cancelled when=700 <items
		same "$out" others
		[ "$(grep -c 'item 700 "700": timed out' "$err")" -eq 1 ]
	done
}

@test "time-out of threads: what can't be ended is said, and the others go on" {
	slow
	start "$ROTA" map -b thread -u -j 2 --timeout 200ms -o results "$bad/shelf.so" fault=loop when=700 <items
	eventually has_lines results 1999
	eventually grep -q "a thread can't be ended" "$err"
	sort -n results | cmp - others
	kill -INT "$run"
	eventually grep -q 'no more is read' "$err"
	kill -INT "$run"
	ends 130
	[ "$(grep -c "a thread can't be ended" "$err")" -eq 1 ]
	nothing_left
}

# refuses_threads OPTION VALUE
refuses_threads() {
	expect 3 timeout -k 2 60 env LD_PRELOAD="$PWD/nofork.so" "$ROTA" map "$1" "$2" upper <items
	empty "$out"
	has "$err" "$1"
	[ "$(wc -l <"$err")" -le 2 ]
}

@test "time-out and memory limit: no threads take over, the error names the option" {
	slow
	compile -shared -fPIC -o nofork.so "$BATS_TEST_DIRNAME/nofork.c" -ldl
	export ASAN_OPTIONS=verify_asan_link_order=0:$ASAN_OPTIONS
	for NOFORK in spawn fork; do
		export NOFORK
		refuses_threads --timeout 10s
		refuses_threads --memory 1G
	done
}
