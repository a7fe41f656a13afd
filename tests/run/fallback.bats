#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2030,SC2031,SC2094,SC2317
#
# Where something isn't to be had: processes, shared memory, descriptors. Right results and one line of notice, or one
# clear error; never a hang, never exit 0 with results missing.
load helper

setup_file() {
	# the parts of a sanitizer are preloaded, too: then no order holds
	export ASAN_OPTIONS=verify_asan_link_order=0:$ASAN_OPTIONS
	compile -shared -fPIC -o "$BATS_FILE_TMPDIR/nofork.so" "$BATS_TEST_DIRNAME/nofork.c" -ldl
	! quick || return 0
	# a plugin that says nothing of threads: tells which worker it is in
	compile -shared -fPIC -I"$abs_top_srcdir/include" -o "$BATS_FILE_TMPDIR/shy.so" -x c - <<-'END'
		#include <rota/plugin.h>
		#include <stdio.h>
		static char number[16];
		static int shy_open(struct rota_worker *worker, void **state)
		{
			*state = number;
			snprintf(number, sizeof(number), "%u of %u", rota_worker_number(worker), rota_worker_count(worker));
			return ROTA_OK;
		}
		static int shy_run(struct rota_task *task, void *state)
		{
			return rota_write(task, state, 6);
		}
		ROTA_PLUGIN(.name = "shy", .version = "1.0", .summary = "one at a time", .open = shy_open, .run = shy_run);
	END
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	printf '%s\n' {1..5000} >items
}

teardown() {
	end_all
	[ -z "${folder:-}" ] || rm -rf "$folder"
}

nofork() {
	timeout -k 2 60 env LD_PRELOAD="$BATS_FILE_TMPDIR/nofork.so" "$ROTA" "$@"
}

# The notice is one line.
threads_take_over() {
	expect 0 "$@" upper <items
	same "$out" items
	lines "$err" -eq 1
	has "$err" thread
}

# bats test_tags=quick
@test "no process can be started: threads take over, and say so in one line" {
	threads_take_over nofork map -j 3 -b auto
	quick || threads_take_over nofork map
}

@test "the fork server can't fork: threads take over, and say so in one line" {
	export NOFORK=fork
	threads_take_over nofork map -j 3
	threads_take_over nofork map
}

@test "no process can be started: with --backend process that is the error, once" {
	for NOFORK in $(quick || echo fork) spawn; do
		export NOFORK
		status=0
		nofork map -b process upper <items >out 2>err || status=$?
		[ "$status" -eq 3 ]
		empty out
		counts 1 err 'Resource temporarily unavailable'
	done
}

@test "threads that were asked for need no process" {
	expect 0 nofork map -b thread upper <items
	same "$out" items
	empty "$err"
}

@test "a plugin that isn't thread-safe gets one thread, and is right" {
	expect 0 nofork map -j 4 "$BATS_FILE_TMPDIR/shy.so" <items
	[ "$(sort "$out" | uniq -c | xargs)" = '5000 1 of 1' ]
	has "$err" '1 thread '
	expect 0 rota map -b thread -j 4 "$BATS_FILE_TMPDIR/shy.so" <items
	[ "$(sort "$out" | uniq -c | xargs)" = '5000 1 of 1' ]
}

has_said() { # NUMBER TEXT
	counts "$1" "$err" "$2" >/dev/null
}

@test "a plugin that isn't thread-safe gets no second thread later, by USR1" {
	start env LD_PRELOAD="$BATS_FILE_TMPDIR/nofork.so" "$ROTA" map -j 4 "$BATS_FILE_TMPDIR/shy.so" \
		< <(seq 100; eventually test -e more; seq 4900)
	eventually test -s "$out"
	for n in 1 2 3; do
		kill -USR1 "$run"
		eventually has_said $n ': 1 workers from now on'
	done
	touch more
	ends 0
	[ "$(sort "$out" | uniq -c | xargs)" = '5000 1 of 1' ]
}

@test "no process can look at a plugin: what constructors do reaches neither input, results nor exit status" {
	GUEST=constructor-input expect 0 nofork map "$bad/guest.so" <items
	same "$out" items
	has "$err" 'the constructor reads 0 bytes'
	expect 0 nofork map "$bad/noisy.so" <items
	same "$out" items
	GUEST=constructor-exit expect 3 nofork map "$bad/guest.so" <items
	empty "$out"
	has "$err" 'the plugin ended the process (exit)'
}

# ends_it WHERE CALL...: each of these calls ends the run with 3, and one line says so; what is there is whole.
ends_it() {
	local call
	for call in "${@:2}"; do
		expect 3 rota map -b thread -j 4 -i items -o results "$bad/leave.so" where="$1" by="$call"
		has "$err" "the plugin ended the process ($call)"
		counts 1 "$err" 'ended the process'
		case $1 in
		[0-9]*)
			has "$err" "rota: item $1: the plugin"
			head -n "$(wc -l <results)" items | cmp - results
			[ "$(wc -l <results)" -lt "$1" ]
			;;
		*) empty results ;;
		esac
	done
}

# bats test_tags=quick
@test "with threads a plugin that ends the process, by whichever call, doesn't end it with exit 0" {
	ends_it 3000 exit _exit _Exit quick_exit
	ends_it load _exit quick_exit
	quick || ends_it load exit _Exit
	# all threads at once
	ends_it open exit _exit quick_exit
	for call in exit _exit quick_exit; do
		LEAVE=$call expect 3 nofork map "$bad/leave.so" <items
		empty "$out"
		has "$err" "the plugin ended the process ($call)"
	done
}

has_said_end() {
	grep -qs 'ended the process' err
}

# bats test_tags=quick
@test "with threads a plugin that ends the process leaves whole lines to a slow reader" {
	local call
	seq 200000 >items
	for call in exit _exit; do
		rm -f err
		{ rota map -b thread -j 3 -i items "$bad/leave.so" where=199999 by="$call" 2>err || echo $? >status; } |
			{ eventually has_said_end && cat >results; }
		is status 3
		head -n "$(wc -l <results)" items | cmp - results
	done
}

# bats test_tags=quick
@test "with threads a process that the plugin makes ends as it wants to" {
	# the sanitizer looks for leaks in that process, too
	export ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0
	for call in exit _exit _Exit quick_exit; do
		expect 0 rota map -b thread -i range:1-4 "$bad/leave.so" where=child by="$call"
		is "$out" $'1\n2\n3\n4'
		empty "$err"
	done
	expect 0 rota map -b thread -i range:1-4 "$bad/leave.so" where=vfork
	is "$out" $'1\n2\n3\n4'
}

@test "exec's commands can't be started either: each item says so" {
	expect 1 nofork exec -b thread -j 2 --timeout 200ms -- echo <<<$'a\nb'
	empty "$out"
	has "$err" 'item 1 "a": timed out: cancelled before its command could be run: Resource temporarily unavailable'
	has "$err" 'item 2 "b": timed out'
}

needs_namespaces() {
	if [ "$EUID" -ne 0 ] || ! unshare -m true 2>/dev/null; then skip "needs root and namespaces"; fi
}

# without_shm COMMAND: /dev/shm is what SHM says
without_shm() {
	# shellcheck disable=SC2016
	timeout -k 2 60 unshare -m sh -c "$SHM"' && exec "$@"' sh "$ROTA" "$@"
}

memfd_does() {
	expect 0 without_shm map -j 3 upper <items
	same "$out" items
	lines "$err" -eq 1
	has "$err" '/dev/shm'
	[ "${1:-}" = both ] || return 0
	expect 0 without_shm map -b thread -j 3 upper <items
	same "$out" items
	[ "$(wc -l <"$err")" -le 1 ]
}

@test "/dev/shm missing" {
	needs_namespaces
	SHM='mount -t tmpfs none /dev && mknod -m 666 /dev/null c 1 3' memfd_does both
	SHM='mount -t tmpfs none /dev && mknod -m 666 /dev/null c 1 3 && mount -o remount,ro /dev' memfd_does
}

@test "/dev/shm full" {
	needs_namespaces
	SHM='mount -t tmpfs -o size=64k none /dev/shm && ! cat /dev/zero 2>/dev/null >/dev/shm/full' memfd_does
	! quick || return 0
	SHM='mount -t tmpfs -o size=1200k none /dev/shm' memfd_does
	SHM='mount -t tmpfs -o nr_inodes=1 none /dev/shm' memfd_does
}

@test "/dev/shm read-only" {
	needs_namespaces
	SHM='mount -t tmpfs -o ro none /dev/shm' memfd_does
}

@test "/dev/shm forbidden: to an ordinary user" {
	needs_namespaces
	command -v setpriv >/dev/null || skip "setpriv is missing"
	# a copy that an ordinary user can read
	copy_programs upper.so
	# shellcheck disable=SC2016
	expect 0 timeout -k 2 60 unshare -m sh -c 'mount -t tmpfs -o mode=000 none /dev/shm && cd / && exec setpriv \
		--reuid 65534 --regid 65534 --clear-groups "$1/rota" map -j 2 "$1/plugins/upper.so"' sh "$folder" <items
	same "$out" items
	lines "$err" -eq 1
	has "$err" '/dev/shm'
}

# few LIMIT NUMBER: a run under a limit of the shell
few() {
	# shellcheck disable=SC2016
	timeout -k 2 60 sh -c 'ulimit "$1" "$2" && exec "$3" map -j 8 upper' sh "$@" "$ROTA" <items
}

right_or_error() {
	local status=0
	few "$@" >out 2>err || status=$?
	if [ "$status" -eq 0 ]; then
		same out items
	else
		echo "status $status" "$(cat err)"
		[ "$status" -eq 3 ]
		[ -s err ]
		[ "$(wc -l <err)" -le 3 ]
	fi
}

@test "few descriptors: fewer workers, or one clear error" {
	local limits="8 14"
	quick || limits="6 7 8 9 10 11 12 14 18 32"
	for n in $limits; do
		echo "ulimit -n $n:"
		right_or_error -n "$n"
	done
	few -n 24 >out 2>err
	same out items
}

@test "little memory: right, or one clear error" {
	[ -z "${SANITIZER:-}" ] || skip "a sanitizer's own memory is in the way"
	local n n_tried=0
	for n in 4000 6000 7000 8000 10000 12000 40000; do
		echo "ulimit -v $n:"
		# with less no program of these libraries begins
		(ulimit -v "$n" && exec "$ROTA" --version >out 2>&1) || continue
		n_tried=$((n_tried + 1))
		right_or_error -v "$n"
	done
	[ "$n_tried" -ge 4 ]
}

right_or_said() {
	case $status in
		0) same out items ;;
		3) [ "$(wc -l <err)" -le 4 ] ;; # what it tried, why it failed, and the summary
		*) false ;;
	esac
}

@test "few processes, for an ordinary user: right, or one clear error" {
	[ "$EUID" -eq 0 ] || skip "needs root"
	command -v setpriv >/dev/null || skip "setpriv is missing"
	copy_programs upper.so
	export ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0 # it looks for them in a process of its own
	for n in 1 2 3 4 8; do
		# a user of our own: its number of processes is what it has here alone
		status=0
		# shellcheck disable=SC2016
		timeout -k 2 60 setpriv --reuid $((61000 + BASHPID % 1000)) --regid 65534 --clear-groups \
			bash -c 'cd / && ulimit -u "$1" && exec "$2/rota" map -j 4 "$2/plugins/upper.so"' bash "$n" "$folder" \
			<items >out 2>err || status=$?
		echo "ulimit -u $n: status $status"
		show err
		right_or_said || break
	done
	[ "$n" -eq 8 ]
	[ "$status" -eq 0 ]
}
