#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2030,SC2031,SC2094,SC2317
#
# What a plugin gets at, and what it costs: its standard streams, the supervisor's memory, CPU while idle, memory while
# the reader is slow.
load helper

setup() {
	cd "$BATS_TEST_TMPDIR" || return
}

teardown() {
	end_all
}

# bats test_tags=quick
@test "a worker's standard output is no result: it goes to standard error, tagged" {
	expect 0 rota map -j 2 "$bad/shelf.so" fault=stdout when='*' <<<$'a\nb\nc'
	is "$out" $'a\nb\nc'
	[ "$(grep -c '^worker [12]: junk on standard output$' "$err")" -eq 3 ]
	expect 0 rota map -j 2 "$bad/shelf.so" fault=stderr when=b <<<$'a\nb\nc'
	is "$out" $'a\nb\nc'
	[ "$(grep -c '^worker [12]: words on standard error$' "$err")" -eq 1 ]
}

@test "a thread's standard output is no result either" {
	expect 0 rota map -b thread -j 2 "$bad/shelf.so" fault=stdout when='*' <<<$'a\nb\nc'
	is "$out" $'a\nb\nc'
	counts 3 "$err" 'junk on standard output'
}

logs() {
	expect 0 rota map -b "$backend" -j 2 "$bad/shelf.so" fault=log when=2 <<<$'1\n2\n3'
	is "$out" $'1\n2\n3'
	has "$err" 'a line for the user'
	# what would steer the terminal, or look like a line of rota's own, is written out
	has "$err" 'odd \x01\x1b[31m'
	counts 1 "$err" 'and a second line'
	if says "$err" $'\nand a second line'; then return 1; fi
}

@test "what a plugin logs is shown line by line, without what steers a terminal" {
	at_least_on process logs
}

floods() {
	expect 0 rota map -b "$backend" -j 2 "$bad/shelf.so" fault=log-flood when=2 <<<$'1\n2\n3'
	is "$out" $'1\n2\n3'
}

# LINES BYTES_MAX: so much of them came, and a line says how many were left out; perhaps with a few last words.
is_cut_at() {
	[ "$(wc -c <"$err")" -lt "$2" ] || { echo "$(wc -c <"$err") bytes"; return 1; }
	local said lost
	said=$(grep -c 'of too many' "$err")
	lost=$(sed -n 's/.*worker [12]: \([0-9,]*\) lines left out, .*/\1/p' "$err" | tr -d ,)
	said=$((said + $(paste -sd+ <<<"${lost:-0}")))
	[[ $said -ge $1 && $said -le $(($1 + 40)) ]] || { echo "$said of $1"; return 1; }
}

floods_are_cut() {
	floods
	is_cut_at 100000 2000000
	has "$err" 'bytes: more than 64 KiB a second (-v shows all)'
	expect 0 rota map -v -b "$backend" -j 2 "$bad/shelf.so" fault=log-flood when=2 <<<$'1\n2\n3'
	[ "$(grep -c 'of too many' "$err")" -eq 100000 ]
}

@test "what a worker says is limited, and what was left out is counted" {
	both_backends floods_are_cut
}

@test "what a worker says is limited: what it prints, also with -q, also of workers one after another" {
	expect 0 rota map -q -j 2 "$bad/talk.so" <<<$'1\nflood 100000\n3'
	is_cut_at 100000 2000000
	! quick || return 0
	# each ends its worker: the next in its place goes on with what is left
	{ for _ in 1 2 3 4 5 6; do echo 'flood 20000'; echo 'crash'; done; } >items
	expect 1 rota map -j 1 --max-failures 100 -i items "$bad/talk.so"
	is_cut_at 120000 1000000
}

@test "what a plugin says while it is loaded is tagged, cleaned and limited" {
	expect 0 rota map -j 1 "$bad/noisy.so" <<<$'a\nb'
	is "$out" $'a\nb'
	has "$err" 'load: \x1b[31mconstructor on standard output\x1b[0m'
	has "$err" 'load: \x1b]0;constructor on standard error\x07'
	has "$err" 'bytes: more than 64 KiB a second (-v shows all)'
	[ "$(tr -d '\n -~' <"$err" | wc -c)" -eq 0 ]
	[ "$(grep -vc '^\(load\|rota\): ' "$err")" -eq 0 ]
	[ "$(wc -c <"$err")" -lt 700000 ]
	expect 0 rota map -v -j 1 "$bad/noisy.so" <<<a
	[ "$(grep -c '^load: .*one of many' "$err")" -eq 32768 ]
	grep -q '^load: no newline$' "$err"
	# who only describes it says nothing of it
	expect 0 rota map --dry-run -i /dev/null "$bad/noisy.so"
	empty "$err"
}

@test "a worker's standard input is empty: items are none of its business" {
	expect 0 rota map -j 1 "$bad/shelf.so" fault=stdin when='*' <<<$'a\nb\nc'
	is "$out" $'a\nb\nc'
	expect 0 rota exec -j 1 -- sh -c 'cat; echo "$1"' sh <<<$'a\nb'
	is "$out" $'a\nb'
}

@test "a child that holds a worker's streams doesn't hold up the reader of the results" {
	expect 0 timeout -k 2 60 bash -c '"$1" map -j 1 "$2" fault=daemon when=1 <<<1 | cat' - "$ROTA" "$bad/shelf.so"
	is "$out" 1
}

# A run in which item 1 is being worked on.
busy_run() {
	start "$ROTA" map -b "$1" -j 2 "$bad/shelf.so" fault=until-cancelled when=1 <<<1
	eventually worker_is_in "$bad/shelf.so" "$1"
}

worker_is_in() {
	local pid living
	find_them
	for pid in "${living[@]}"; do
		if says "/proc/$pid/maps" "${1##*/}" 2>/dev/null; then return 0; fi
	done
	return 1
}

# bats test_tags=quick
@test "the supervisor's memory has no plugin in it" {
	busy_run process
	if grep shelf.so "/proc/$run/maps"; then return 1; fi
	kill -KILL "$run"
	nothing_left
	! quick || return 0
	# but for the thread backend's: the look is one that can find it
	busy_run thread
	grep -q shelf.so "/proc/$run/maps"
}

@test "workers have a session of their own, and no core's worth of threads" {
	cat >threads.c <<-'END'
		#include <rota/plugin.h>
		#include <stdlib.h>
		static int threads_run(struct rota_task *task, void *state)
		{
			const char *n = getenv("OMP_NUM_THREADS");
			(void)state;
			return rota_write(task, n ? n : "none", n ? strlen(n) : 4);
		}
		ROTA_PLUGIN(.name = "threads", .version = "1", .summary = "how many it may start", .run = threads_run);
	END
	compile -shared -fPIC -I"$abs_top_srcdir/include" -o threads.so threads.c
	unset OMP_NUM_THREADS
	expect 0 rota map -j 1 ./threads.so <<<a
	is "$out" 1
	OMP_NUM_THREADS=2 expect 0 rota map -j 1 ./threads.so <<<a
	is "$out" 2
	mkfifo in
	start "$ROTA" exec -j 1 -i in -- sh -c 'ps -o sid= -p $PPID; echo $PPID' </dev/null
	exec 4>in
	echo a >&4
	exec 4>&-
	ends 0
	[ "$(sed -n 1p "$out" | xargs)" = "$(sed -n 2p "$out" | cut -d ' ' -f 1)" ]
}

# bats test_tags=quick
@test "a worker has no descriptor of shared memory, of rota's input and output, of other workers" {
	expect 0 rota exec -j 2 -i range:1-8 -o results -- sh -c 'sleep 0.02; ls -l /proc/$PPID/fd'
	if grep -E '/dev/shm|memfd|results' results; then return 1; fi
}

# Ticks of a hundredth of a second, of the whole run.
cpu_ticks() {
	local pid sum=0 stat living
	find_them
	for pid in "${living[@]}"; do
		{ read -r stat <"/proc/$pid/stat"; } 2>/dev/null || continue
		# shellcheck disable=SC2086 # words are wanted
		set -- ${stat##*) }
		sum=$((sum + ${12} + ${13}))
	done
	echo "$sum"
}

idles() {
	rm -f in
	mkfifo in
	start "$ROTA" map -b "$backend" -j 4 -i in upper </dev/null
	exec 4>in
	seq 1000 >&4
	eventually has_line "$out" 1000
	before=$(cpu_ticks)
	sleep 1 # what is measured is that nothing happens
	after=$(cpu_ticks)
	exec 4>&-
	ends 0
	echo "$((after - before)) ticks in 1 s"
	[ "$((after - before))" -le 2 ]
}

@test "an idle run uses no CPU" {
	both_backends idles
}

# In one long item; the supervisor may look now and then.
waits_for_an_item() {
	start "$ROTA" map -b "$backend" -j 4 "$bad/shelf.so" fault=hang when=500 <<<"$(seq 1000)"
	eventually has_line "$out" 499
	before=$(cpu_ticks)
	sleep 1 # the same
	after=$(cpu_ticks)
	kill -KILL "$run"
	echo "$((after - before)) ticks in 1 s"
	[ "$((after - before))" -le 3 ]
	nothing_left
}

@test "a run that waits for one item uses hardly any" {
	both_backends waits_for_an_item
}

# In $pss.
find_pss() {
	local pid name kb living
	pss=0
	find_them
	for pid in "${living[@]}"; do
		while read -r name kb _; do
			[ "$name" != Pss: ] || pss=$((pss + kb))
		done 2>/dev/null <"/proc/$pid/smaps_rollup" || :
	done
}

# In $n_read.
find_read() {
	read -r _ n_read <"/proc/$run/io"
}

stands_still() {
	local seen=$n_read
	find_read
	[ "$seen" = "$n_read" ] && sleep 0.3 && find_read && [ "$seen" = "$n_read" ]
}

# The reader takes a piece, and another, and doesn't go on: everything behind it fills up.
slow_reader() {
	rm -f results
	mkfifo results
	start "$ROTA" map -b "$backend" -j 8 -o results "$@" < <(seq 10000000 3>&-)
	exec 5<results
	for _ in 1 2; do
		head -c 1000000 <&5 >/dev/null
		n_read=
		eventually stands_still
		find_pss
		echo "$pss kB"
		[ "$pss" -gt 0 ]
		[ "$pss" -lt 65536 ]
	done
	exec 5<&-
	ends 141
}

@test "a slow reader of 10 million results: memory stays bounded" {
	[ -z "${SANITIZER:-}" ] || skip "a sanitizer's own memory is in the way"
	at_least_on process slow_reader upper
	backend=process
	quick || slow_reader -u upper
}

@test "/dev/shm has no name of a run while it runs" {
	busy_run process
	if ls /dev/shm/rota."$run".*; then return 1; fi
}

@test "a plugin's setlocale in a thread doesn't change rota's own numbers" {
	localedef -i de_DE -f ISO-8859-1 ./de_DE 2>/dev/null || [ -e de_DE/LC_NUMERIC ] || skip "no localedef or de_DE"
	compile -shared -fPIC -I"$abs_top_srcdir/include" -o comma.so -x c - <<-'END'
		#include <rota/plugin.h>
		#include <locale.h>
		#include <stdio.h>
		static int comma_run(struct rota_task *task, void *state)
		{
			char text[16];
			(void)state;
			if (!setlocale(LC_ALL, "de_DE"))
				return rota_fail(task, "no such locale");
			return rota_write(task, text, (size_t)snprintf(text, sizeof text, "%.1f", 0.5));
		}
		ROTA_PLUGIN(.name = "comma", .version = "1.0", .summary = "commas", .flags = ROTA_THREAD_SAFE,
		            .run = comma_run);
	END
	export LOCPATH=$PWD
	for backend in process thread; do
		expect 0 rota map -v -b "$backend" --joblog log --trust-path -i range:1-3 ./comma.so
		is "$out" $'0,5\n0,5\n0,5'
		grep -qE '3 ok.* [0-9]+\.[0-9]+ m?s' "$err"
		! grep -qE '[0-9],[0-9]' "$err" log
	done
}
