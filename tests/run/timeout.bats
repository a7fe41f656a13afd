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
	printf '%s\n' {1..2000} >items
	printf '%s\n' {1..699} {701..2000} >others
}

teardown() {
	[ -z "${run:-}" ] || kill -CONT "$run" 2>/dev/null || true
	end_all
}

now_ms() {
	echo $((${EPOCHREALTIME/[.,]/} / 1000))
}

kinds=(stop hang loop) # one that hears nothing, one that does, and one that is deaf to TERM

# bats test_tags=quick
@test "time-out: of whatever kind, it costs its item, which is named" {
	local items=({1..2000}) i
	for i in "${!kinds[@]}"; do
		items[500 * i + 199]=!${kinds[i]}
	done
	printf '%s\n' "${items[@]}" >items
	for jobs in 3 $(quick || echo 1); do
		expect 1 rota map -j "$jobs" --timeout 200ms "$bad/shelf.so" fault=named <items
		lists "$out" {1..199} {201..699} {701..1199} {1201..2000}
		counts 3 "$err" 'timed out:'
		for i in "${!kinds[@]}"; do
			has "$err" "item $((500 * i + 200)) \"!${kinds[i]}\": timed out: no answer within 0.2 s"
		done
		has "$err" '2,000 items, 1,997 ok, 3 timed out'
		has "$err" '3 workers restarted'
	done
}

# bats test_tags=quick
@test "time-out: an item that heeds it is named, too, and its worker goes on" {
	expect 1 rota map -j 3 --timeout 300ms "$bad/shelf.so" fault=until-cancelled when=700 <items
	same "$out" others
	counts 1 "$err" 'item 700 "700": timed out'
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
	printf '%s\n' x {2..29} x >items
	expect 1 rota map -j 2 --timeout 100ms "$bad/shelf.so" fault=hang when=x <items
	lists "$out" {2..29}
	counts 2 "$err" 'timed out: no answer'
	expect 1 rota map -j 2 --timeout 100ms "$bad/shelf.so" fault=hang when=x <<<x
	empty "$out"
	counts 1 "$err" 'timed out: no answer'
	expect 1 rota map -j 2 --timeout 100ms "$bad/shelf.so" fault=hang when='*' <<<$'1\n2\n3\n4'
	empty "$out"
	counts 4 "$err" 'timed out: no answer'
}

@test "time-out: many, among others" {
	seq 300 | sed 's/.*[05]0$/!hang/' >named
	expect 1 rota map -j 4 --timeout 150ms "$bad/shelf.so" fault=named <named
	grep -v '^!' named | cmp - "$out"
	counts 6 "$err" '"!hang": timed out'
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
	seq 300000 >items
	expect 0 rota map -j 8 --timeout 5s upper <items
	same "$out" items
	empty "$err"
}

# It has begun nothing, so it is looked at for a while first.
@test "time-out: a worker stopped from outside while idle is replaced when there is work, and no item charged" {
	mkfifo in
	start "$ROTA" map -j 1 --timeout 10s -i in upper </dev/null
	exec 4>in
	echo a >&4
	eventually says "$out" A
	workers
	kill -STOP "${workers[@]}"
	echo b >&4
	eventually says "$out" B
	exec 4>&-
	ends 0
	is "$out" $'A\nB'
	nothing_left
}

# -- what isn't the item's time --

is_stopped() {
	local stat
	{ read -r stat <"/proc/$1/stat"; } 2>/dev/null && [[ ${stat##*) } == T* ]]
}

# SIGNAL: for longer than the time-out, in the middle of items
stopped_run() {
	printf 'item %s\n' {1..12} >items
	start "$ROTA" map -j 2 --timeout 500ms -o results sleep ms=100 <items
	eventually says results 'item 1'
	kill -"$1" "$run"
	eventually is_stopped "$run"
	sleep 0.7 # longer than the time-out
	kill -CONT "$run"
	ends 0
	same results items
	empty "$err"
	nothing_left
}

@test "no time-out: the run stopped by TSTP, and going on" {
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
	seq 150000 >many
	call=(upper)
	both_backends reads_many_late
}

# An hour goes by between any two looks at the clock of the day.
@test "no time-out: jumps of the clock" {
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
	printf 'item %s\n' {1..40} >items
	expect 0 timeout -k 2 60 env LD_PRELOAD="$PWD/clockjump.so" "$ROTA" map -j 2 --timeout 5s --progress=json sleep \
		ms=20 <items
	same "$out" items
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

# bats test_tags=quick
@test "time-out of threads: cooperative, the thread goes on" {
	for jobs in 3 $(quick || echo 1); do
		expect 1 timeout 6 "$ROTA" map -b thread -j "$jobs" --timeout 200ms "$bad/shelf.so" \
			fault=until-cancelled when=700 <items
		same "$out" others
		counts 1 "$err" 'item 700 "700": timed out'
	done
}

@test "time-out of threads: what can't be ended is said, and the others go on" {
	start "$ROTA" map -b thread -u -j 2 --timeout 200ms -o results "$bad/shelf.so" fault=loop when=700 <items
	eventually has_lines results 1999
	eventually says "$err" "so it was asked to give up"
	sort -n results | cmp - others
	kill -INT "$run"
	eventually says "$err" 'reading no more items'
	kill -INT "$run"
	ends 130
	counts 1 "$err" "takes longer than the timeout; a thread can't be ended, so it was asked to give up"
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
	compile -shared -fPIC -o nofork.so "$BATS_TEST_DIRNAME/nofork.c" -ldl
	export ASAN_OPTIONS=verify_asan_link_order=0:$ASAN_OPTIONS
	for NOFORK in spawn fork; do
		export NOFORK
		refuses_threads --timeout 10s
		refuses_threads --memory 1G
	done
}

@test "timeout: a crash is none, however long it takes to say where it was" {
	export ASAN_OPTIONS=handle_segv=0:$ASAN_OPTIONS
	command -v objcopy >/dev/null || skip "objcopy is missing (apt-get install binutils)"
	cp "$bad/talk.so" slow.so
	chmod go-w slow.so
	# names are looked for in a file that gives none, until the bound of last words
	echo names >names.debug
	objcopy --add-gnu-debuglink=names.debug slow.so
	rm names.debug && mkfifo names.debug
	expect 1 rota map -j 2 --timeout 300ms --trust-path ./slow.so <<<$'a\ncrash now\nb'
	is "$out" $'a\nb'
	has "$err" 'item 2 "crash now": crashed: SIGSEGV'
}
