#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2030,SC2031,SC2154,SC2317
#
# How commands of rota exec end: by TERM first, then KILL; what they leave behind ends with their item; and what they
# meet when processes, room or threads are short.
load helper

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	run=
}

teardown() {
	[ -z "${folder:-}" ] || rm -rf "$folder"
	end_all
}

# A command that says what it got, and sleeps until then.
on_term='trap "echo TERM >>log; kill \$!; exit 9" TERM; sleep 60 & wait'

term_at_timeout() {
	rm -f log
	expect 1 rota exec -b "$backend" -j 2 --timeout 300ms -- sh -c "$on_term" <<<a
	has "$err" 'item 1 "a": timed out'
	is log TERM
}

@test "exec: a time-out is TERM for the command" {
	at_least_on process term_at_timeout
}

# Each process of it is deaf, and one has left the group.
killed_at_timeout() {
	rm -f pids
	start "$ROTA" exec -b "$backend" -j 2 --timeout 200ms -- sh -c '
		trap "" TERM; sleep 300 & echo $! >>pids
		test "$1" = thread || { setsid sleep 300 & echo $! >>pids; }
		echo $$ >>pids; while :; do sleep 1; done' sh "$backend" <<<a
	ends 1
	has "$err" 'timed out'
	lines pids -ge 2
	nothing_left
}

@test "exec: KILL follows for a command that is deaf to TERM, and for all below it" {
	both_backends killed_at_timeout
}

# A command that is there for ever, and one that goes on behind it. What it got is in log, its number in ready.
waiting='trap "echo TERM >>log; kill \$!; exit 9" TERM; sleep 60 & echo $$ >ready; wait'

term_at_grace() { # SIGNAL STATUS
	rm -f log ready
	start "$ROTA" exec -b "$backend" -j 2 --grace 100ms -- sh -c "$waiting" <<<a
	eventually test -s ready
	kill -"$1" "$run"
	ends "$2"
	is log TERM
	nothing_left
}

# bats test_tags=quick
@test "exec: the end of the grace is TERM for the command" {
	backend=process term_at_grace TERM 143
	quick || backend=thread term_at_grace HUP 129
}

term_at_failures() {
	rm -f log ready
	start "$ROTA" exec -b "$backend" -j 2 --max-failures 0 -- sh -c '
		test "$1" = b || { eval "$2"; }
		while test ! -s ready; do sleep 0.02; done; exit 1' sh {} "$waiting" <<<$'a\nb'
	ends 3
	is log TERM
	counts 1 "$err" 'failed:'
	nothing_left
}

@test "exec: more failures than --max-failures are TERM for the other commands, which haven't failed" {
	both_backends term_at_failures
}

term_without_reader() {
	rm -f log ready results
	mkfifo results
	start "$ROTA" exec -b "$backend" -j 2 -u -o results -- sh -c '
		test "$1" = b || { eval "$2"; }
		while test ! -s ready; do sleep 0.02; done; echo result' sh {} "$waiting" <<<$'a\nb'
	read -r line <results
	[ "$line" = result ]
	ends 141
	is log TERM
	nothing_left
}

@test "exec: a reader that went away is TERM for the command" {
	at_least_on process term_without_reader
}

# It is given up, so it is to be run again.
given_up() {
	rm -f log ready j*
	start "$ROTA" exec -b "$backend" -j 1 --journal j.db -o j.out --grace 50ms -- sh -c '
		test -e j.second || { eval "$2"; }
		echo "$1"' sh {} "$waiting" <<<$'a\nb'
	eventually test -s ready
	kill "$run"
	ends 143
	expect 0 rota failures j.db
	empty "$out"
	: >j.second
	expect 0 rota exec -b "$backend" -j 1 --journal j.db -o j.out --grace 50ms --resume -- sh -c '
		test -e j.second || { eval "$2"; }
		echo "$1"' sh {} "$waiting" <<<$'a\nb'
	is j.out $'a\nb'
}

@test "exec: what was given up hasn't failed" {
	both_backends given_up
}

second_signal() {
	rm -f ready
	start "$ROTA" exec -b "$backend" -j 2 --grace 1h -- sh -c '
		trap "" TERM; echo >ready; while :; do sleep 0.02; done' <<<a
	eventually test -s ready
	kill "$run"
	eventually grep -q 'asked to end' "$err"
	kill "$run"
	ends 143
	nothing_left
}

@test "exec: the second signal leaves nothing of a deaf command" {
	both_backends second_signal
}

# The failure that ends the run is known before the next item is begun.
one_by_one() {
	expect 3 rota exec -b "$backend" -j 1 --max-failures "$1" -- sh -c 'echo "$1" >>ran; exit $1' sh
}

nothing_begun() {
	local n_rounds=2
	! quick || n_rounds=1
	for ((round = 0; round < n_rounds; round++)); do
		one_by_one 0 <<<$'0\n0\n1\n2\n3\n0\n0'
		one_by_one 1 <<<$'0\n1\n0\n1\n2\n3'
	done
	run ! grep '[23]' ran
	lines ran -eq $((7 * n_rounds))
	rm ran
}

@test "exec: with one worker nothing is begun after the failure that ends the run" {
	both_backends nothing_begun
}

# A worker waits for room, for nobody takes the results: it can't look after its command.
@test "exec: TERM comes through while the worker waits for room" {
	start "$ROTA" exec -j 1 --window 4K --timeout 1h -- sh -c '
		trap "echo TERM >>log; exit 9" TERM; echo $PPID >worker; i=0
		while :; do head -c 100000 /dev/zero; i=$((i + 1)); echo $i >count; done' <<<a
	eventually test -s count
	kill -STOP "$run"
	eventually is_quiet
	kill -TERM "$(<worker)"
	eventually test -s log
	is log TERM
	kill -CONT "$run"
	ends 1
	has "$err" 'SIGTERM'
	nothing_left
}

# The command has stopped writing.
is_quiet() {
	local before now
	read -r before <count
	sleep 0.2
	read -r now <count
	[ "$before" = "$now" ]
}

# What the second item sees of what the first has left.
leftovers() {
	expect 0 rota exec -b "$backend" -j 1 -- sh -c '
		for pid in $(cat pids 2>/dev/null); do test ! -e /proc/$pid || echo "$pid is there"; done
		sleep 300 & echo $! >>pids
		(sleep 300 & echo $! >>pids)
		test "$1" = thread || { setsid sleep 300 & echo $! >>pids; }' sh "$backend" <<<$'a\nb'
	rm pids
	empty "$out"
	has "$err" 'item 1: its command left child processes'
	counts 1 "$err" 'left child'
}

# bats test_tags=quick
@test "exec: what a command leaves behind is ended and reaped with its item" {
	at_least_on process leftovers
}

zombies() {
	seq 8 >items
	expect 0 rota exec -b "$backend" -j 1 -- sh -c '
		(sleep 0.01 &)
		sed "s/.*) //" /proc/[0-9]*/stat 2>/dev/null | grep -c "^Z $PPID " || :' <items
	# its own may be one already
	[ "$(sort -n "$out" | tail -1)" -le 1 ] || { show "$out"; return 1; }
	empty "$err"
}

@test "exec: no zombies" {
	both_backends zombies
}

# It has its time to end by itself, and what it writes still belongs to the item.
helpers_of_bash() {
	expect 0 rota exec -b "$backend" -j 2 -- bash -c 'echo "$0" > >(sleep 0.05; cat)' <<<$'a\nb'
	is "$out" $'a\nb'
	expect 0 rota exec -b "$backend" -j 2 -- bash -c 'head -c 60000 /dev/zero > >(sleep 0.05; cat >$0)' <<<$'a\nb'
	[ "$(wc -c <a)$(wc -c <b)" = 6000060000 ]
	empty "$err"
}

@test "exec: a process substitution ends in its own time" {
	command -v bash >/dev/null || skip "bash is missing"
	both_backends helpers_of_bash
}

threads() {
	unset OMP_NUM_THREADS OPENBLAS_NUM_THREADS MKL_NUM_THREADS BLIS_NUM_THREADS VECLIB_MAXIMUM_THREADS
	export NUMEXPR_NUM_THREADS=1
	expect 0 rota exec -b "$backend" "$@" -- sh -c 'env | grep _THREADS= | sort' <<<a
	is "$out" 'NUMEXPR_NUM_THREADS=1'
	export OMP_NUM_THREADS=3
	expect 0 rota exec -b "$backend" "$@" -- sh -c 'echo $OMP_NUM_THREADS' <<<a
	is "$out" 3
}

@test "exec: numbers of threads are what the user set" {
	both_backends threads
	"$ROTA" exec --pid-namespace true <<<a || skip "no PID namespace is to be had: tried without"
	backend=process
	threads --pid-namespace
}

# Beyond it there is the kernel's limit of an argument.
longest() {
	for n in 131060 131061 131062 131071; do
		head -c "$n" /dev/zero | tr '\0' x
		echo
	done >items
	expect 0 rota exec -b "$backend" -j 1 -- sh -c 'echo ${#1} ${#ROTA_ITEM}' sh <items
	is "$out" $'131060 131060\n131061 131061\n131062 0\n131071 0'
}

@test "exec: an item as long as an argument may be, without ROTA_ITEM where that may not" {
	[ "$(getconf PAGESIZE)" -eq 4096 ] || skip "the limit is another"
	at_least_on thread longest
}

as_few() {
	# a user of our own: its number of processes is what it has here alone
	timeout -k 2 60 setpriv --reuid $((63000 + BASHPID % 1000)) --regid 65534 --clear-groups \
		bash -c 'cd / && ulimit -u "$1" && exec "$2" exec "${@:3}"' bash "$1" "$folder/rota" "${@:2}"
}

few() {
	[ "$(id -u)" -eq 0 ] || skip "needs root"
	command -v setpriv >/dev/null || skip "setpriv is missing"
	copy_programs exec.so
	export ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0 # it looks for them in a process of its own
	seq 20 >items
}

# 8 workers are 11 of ours, with 3 commands at a time, then there is no room for so many, then for one.
@test "exec: where processes are short, a command waits for one that ends" {
	[ -z "${SANITIZER:-}" ] || skip "a sanitizer has processes of its own"
	few
	for limit in 14 10 5; do
		expect 0 as_few "$limit" -b process -j 8 -- sh -c 'echo $1; exec sleep 0.02' sh <items
		same "$out" items
		lines "$err" -le 1
		empty "$err" || has "$err" 'of 8 workers could be started'
	done
}

# It says so after a second.
@test "exec: it waits with patience, bounded by the time-out" {
	[ -z "${SANITIZER:-}" ] || skip "a preloaded library and a sanitizer don't go together"
	compile -shared -fPIC -o nofork.so "$BATS_TEST_DIRNAME/nofork.c" -ldl
	start env NOFORK=commands LD_PRELOAD="$PWD/nofork.so" "$ROTA" exec -j 1 --timeout 1500ms -- true <<<a
	ends 1
	has "$err" "item 1: cannot run 'true' now: Resource temporarily unavailable; waiting for other processes to end"
	has "$err" 'timed out'
}

# How far the command has come while rota was stopped, and that it goes on.
stopped_with_rota() {
	rm -f ticks
	start "$ROTA" exec -b process -j 1 -- sh -c '
		i=0
		while [ ! -e enough ]; do sleep 0.02; i=$((i + 1)); echo $i >>ticks; done; echo "end of $1"' sh <<<a
	eventually test -s ticks
	kill -TSTP "$run"
	eventually is_stopped "$run"
	eventually is_at_rest
	kill -CONT "$run"
	n=$(wc -l <ticks)
	eventually has_lines ticks $((n + 3))
	: >enough
	ends 0
	is "$out" 'end of a'
	nothing_left
}

is_stopped() {
	local line
	line=$(<"/proc/$1/stat")
	[[ ${line##*) } == T* ]]
}

# Ten times as long as it takes for one more.
is_at_rest() {
	local before now
	before=$(wc -l <ticks)
	sleep 0.2
	now=$(wc -l <ticks)
	[ "$before" -eq "$now" ]
}

@test "exec: commands stop and go on with rota" {
	stopped_with_rota
}
