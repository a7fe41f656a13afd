#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2030,SC2031,SC2094,SC2317
#
# Limits of a worker: its memory, its life (--recycle), the time that it may take to become one (--start-timeout).
load helper

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	ulimit -c 0
	printf '%s\n' {1..2000} >items
	printf '%s\n' {1..699} {701..2000} >others
}

teardown() {
	end_all
}

no_sanitizer() {
	[ -z "${SANITIZER:-}" ] || skip "a sanitizer's own memory is in the way"
}

# bats test_tags=quick
@test "memory: the item that takes too much is ended and named, the others are right" {
	no_sanitizer
	for jobs in $(quick || echo 1) 3; do
		expect 1 rota map -j "$jobs" --memory 30M "$bad/shelf.so" fault=memory when=700 <items
		same "$out" others
		counts 1 "$err" 'over memory limit'
		has "$err" 'item 700 "700": over limit: over memory limit'
		has "$err" '2,000 items, 1,999 ok, 1 over limit'
	done
}

@test "memory: several at a time" {
	no_sanitizer
	printf '%s\n' '!memory' '!memory' '!memory' {4..49} '!memory' {51..80} >named
	expect 1 rota map -j 4 --memory 30M "$bad/shelf.so" fault=named <named
	lists "$out" {4..49} {51..80}
	counts 4 "$err" '"!memory": over limit: over memory limit'
}

@test "memory: with retries, until there are none left" {
	no_sanitizer
	expect 1 rota map -j 2 --memory 30M --retries 2 "$bad/shelf.so" fault=memory when=700 <items
	same "$out" others
	counts 2 "$err" 'trying again'
	has "$err" 'item 700 "700": over limit after 3 attempts: over memory limit'
}

@test "memory: with a time-out, what comes first counts" {
	no_sanitizer
	expect 1 rota map -j 2 --memory 30M --timeout 20s "$bad/shelf.so" fault=memory when=700 <items
	same "$out" others
	has "$err" 'item 700 "700": over limit'
	expect 1 rota map -j 2 --memory 3G --timeout 200ms "$bad/shelf.so" fault=hang when=700 <items
	same "$out" others
	has "$err" 'item 700 "700": timed out'
}

# The rings aren't the worker's memory, and what many workers share isn't counted against each.
@test "memory: what a worker has of rota's doesn't count" {
	no_sanitizer
	seq 50000 >items
	expect 0 rota map -j 4 --memory 16M upper <items
	same "$out" items
	expect 0 rota exec -j 2 --memory 16M -- sh -c 'head -c 3000000 /dev/zero | tr "\0" "$1"' sh <<<$'4\n5\n6'
	for n in 4 5 6; do head -c 3000000 /dev/zero | tr '\0' "$n"; echo; done | cmp - "$out"
}

# -- recycle --

# recycles N: no worker has more, so there are so many at least; in order, none of them missed
recycles() {
	expect 0 rota map -j 3 --recycle "$1" "$bad/shelf.so" tell=pid <items
	awk -v most="$1" '++n[$0] > most { exit 1 }' "$out"
	lines "$out" -eq "$(wc -l <items)"
	expect 0 rota map -j 3 --recycle "$1" upper <items
	same "$out" items
	empty "$err"
	expect 0 rota map -u -j 3 --recycle "$1" upper <items
	sort -n "$out" | cmp - items
}

@test "recycle: a fresh worker after so many items, and no result lost" {
	printf '%s\n' {1..40} >items
	recycles 7
	! quick || return 0
	printf '%s\n' {1..12} >items
	recycles 1
	seq 40000 >items
	recycles 10000
}

@test "recycle: with one worker, and more than there are items" {
	expect 0 rota map -j 1 --recycle 300 "$bad/shelf.so" tell=pid <items
	[ "$(sort -u "$out" | wc -l)" -eq 7 ]
	expect 0 rota map -j 1 --recycle 3000 "$bad/shelf.so" tell=pid <items
	[ "$(sort -u "$out" | wc -l)" -eq 1 ]
}

@test "recycle: with crashes and retries" {
	expect 0 rota map -j 2 --recycle 5 --retries 1 "$bad/shelf.so" fault=kill when='*' attempts=1 \
		<<<$'1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12'
	lists "$out" {1..12}
	expect 1 rota map -j 2 --recycle 300 "$bad/shelf.so" fault=kill when=700 <items
	same "$out" others
}

# bats test_tags=quick
@test "recycle: an idle run goes on with a fresh one" {
	mkfifo in
	start "$ROTA" map -j 1 --recycle 1 -i in "$bad/shelf.so" tell=pid </dev/null
	exec 4>in
	for n in 1 2 3; do
		echo "$n" >&4
		eventually has_lines "$out" "$n"
	done
	exec 4>&-
	ends 0
	[ "$(sort -u "$out" | wc -l)" -eq 3 ]
	nothing_left
}

recycles_threads() {
	expect 0 rota map -b thread -j 2 --recycle "$1" upper <items
	same "$out" items
}

@test "recycle: of threads" {
	recycles_threads 100
	printf '%s\n' {1..300} >items
	recycles_threads 3
}

# -- start-timeout --

# too_slow PLUGIN JOBS LEAST: no restart storm, and no less than LEAST ms
too_slow() {
	local before=${EPOCHREALTIME/[.,]/}
	start "$ROTA" map -vv -j "$2" --start-timeout 300ms "$bad/$1.so" <items
	within 6 has_ended
	[ "$((${EPOCHREALTIME/[.,]/} - before))" -ge "$((${3} * 1000))" ]
	ends 3
	empty "$out"
	[ "$(grep -c -- '--start-timeout' "$err")" -eq 1 ]
	[ "$(grep -c 'worker [0-9]*: NONE -> STARTING' "$err")" -le 10 ]
	nothing_left
}

@test "start-timeout: a load that hangs ends the run, with the option's name" {
	too_slow load-hang 2 300
}

@test "start-timeout: an open that hangs ends the run, with the option's name" {
	too_slow open-hang 4 300
	quick || too_slow open-hang 1 300
}

@test "start-timeout: what is quicker is let be, however short it is" {
	[ -z "${SANITIZER:-}" ] || skip "a sanitizer takes its time to start"
	for time in 240ms $(quick || echo 100ms 5s); do
		expect 0 rota map -j 2 --start-timeout "$time" upper <items
		same "$out" items
	done
}

@test "start-timeout: it is no time-out of items" {
	[ -z "${SANITIZER:-}" ] || skip "a sanitizer takes its time to start"
	expect 0 rota map -j 2 --start-timeout 300ms "$bad/shelf.so" ms=400 <<<$'1\n2'
	is "$out" $'1\n2'
}

# pinned N_WORKERS: the commands of as many items, of which each waits for the other, say which CPUs they may use;
# $n_places of them are told apart.
pinned() {
	rm -f begun.*
	seq "$1" >items
	expect 0 rota exec -b "$backend" --pin core -j "$1" -- sh -c ': >begun.$1
		until [ -e begun.1 ] && [ -e begun.$2 ]; do sleep 0.01; done
		grep Cpus_allowed_list /proc/self/status' sh {} "$1" <items
	[ "$(wc -l <"$out")" -eq "$1" ]
	n_places=$(sort -u "$out" | wc -l)
}

# The cores of the CPUs that this process may use.
cores() {
	local range cpu
	for range in $(sed -n 's/Cpus_allowed_list:[[:space:]]*//p' /proc/self/status | tr , ' '); do
		for cpu in $(seq "${range%-*}" "${range#*-}"); do
			cat "/sys/devices/system/cpu/cpu$cpu/topology/thread_siblings_list"
		done
	done | sort -u
}

# Where /sys isn't mounted nobody knows which CPUs are one core.
cores_of_workers() {
	pinned 1
	[ "$n_places" -eq 1 ]
	pinned 2
	[ ! -d /sys/devices/system/cpu/cpu0/topology ] || [ "$n_places" -eq "$(cores | head -n 2 | wc -l)" ]
}

has_hwloc() {
	"$ROTA" map --pin core -j 1 upper </dev/null 2>&1 | grep -q 'built without hwloc' || return 0
	skip "this rota was built without hwloc"
}

@test "limits: --pin keeps each worker on a core of its own" {
	has_hwloc
	at_least_on process cores_of_workers
}

@test "limits: --pin uses no more CPUs than rota may" {
	has_hwloc
	local cpu
	cpu=$(taskset -cp $$ | sed 's/.*[:, -] *//')
	for where in core numa none; do
		expect 0 taskset -c "$cpu" "$ROTA" exec --pin "$where" -j 2 -- grep Cpus_allowed_list /proc/self/status - \
			<<<"/dev/null"
		[ "$(awk 'NF > 1 { print $NF }' "$out" | sort -u)" = "$cpu" ]
	done
}

# calls_of WORD...: how many system calls of `rota map` with these options wish for a node's memory.
calls_of() {
	strace -qq -e trace=set_mempolicy -o calls "$ROTA" map "$@" upper <<<a >/dev/null
	grep -c '^set_mempolicy(MPOL_PREFERRED' calls || :
}

@test "limits: --pin has what a worker reads in memory near to it" {
	has_hwloc
	strace -qq -o trace true 2>/dev/null || skip "strace may not run here"
	[ -d /sys/devices/system/node/node0 ] || skip "nobody knows of NUMA nodes here"
	[ "$(calls_of -j 1)" -eq 0 ]
	[ "$(calls_of -j 1 --pin numa)" -eq 1 ]
	[ "$(calls_of -j 1 --pin core)" -eq 1 ]
}

@test "limits: --pin of what is no place" {
	expect 2 rota map --pin socket upper </dev/null
	has "$err" "--pin: 'socket' isn't a valid choice (expected one of none,core,numa)"
}

@test "a file-size limit is named: for shared memory, and for the journal" {
	printf '%s\n' {1..3} >items
	at_least_on process eval 'expect 3 bash -c '\''ulimit -f 1000 && "$@" | cat; exit "${PIPESTATUS[0]}"'\'' - \
			"$ROTA" map -b "$backend" -i items upper
		has "$err" "file-size limit of 1024000 bytes (ulimit -f)"
		[ "$(grep -c ulimit "$err")" -eq 1 ]'
	expect 3 bash -c 'ulimit -f 1000 && "$@"' - "$ROTA" map -i items upper
	run ! grep -q "continuing with" "$err"
	expect 3 bash -c 'ulimit -f 1 && "$@"' - "$ROTA" map --journal j -i items -o results upper
	has "$err" "1024 bytes here (ulimit -f)"
}
