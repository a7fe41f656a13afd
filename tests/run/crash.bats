#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2030,SC2031,SC2094,SC2317
#
# Workers that die: the item is charged, everything else is right and in order, nothing that was finished is run again,
# and a run in which nothing gets on is given up.
load helper

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	# what a sanitizer makes of a fault isn't looked at here, but the fault's own signal
	export ASAN_OPTIONS=handle_segv=0:handle_abort=0:handle_sigbus=0:detect_stack_use_after_return=0:$ASAN_OPTIONS
	ulimit -c 0
}

teardown() {
	end_all
}

# bats test_tags=quick
@test "crash: of whatever kind, it costs its item, which is named with the signal or the code" {
	[ -z "${SANITIZER:-}" ] || skip "a sanitizer has its own ways here"
	# every kind in one run, far from each other
	local kinds=(segv abort kill exit0 exit3 stack die-writing killgroup)
	local causes=(SIGSEGV SIGABRT SIGKILL 'exit code 0' 'exit code 3' SIGSEGV SIGABRT SIGKILL)
	local items=({1..2000})
	for i in {0..7}; do
		items[200 * i + 99]=!${kinds[i]}
	done
	printf '%s\n' "${items[@]}" >items
	grep -v '^!' items >others
	for jobs in 3 1; do
		expect 1 rota map -j "$jobs" "$bad/shelf.so" fault=named <items
		same "$out" others
		counts 8 "$err" 'crashed:'
		for i in {0..7}; do
			has "$err" "item $((200 * i + 100)) \"!${kinds[i]}\": crashed: ${causes[i]}"
		done
		has "$err" '2,000 items, 1,992 ok, 8 crashed'
		has "$err" '8 workers restarted'
		! quick || break
	done
}

@test "crash: one alone" {
	printf '%s\n' {1..2000} >items
	expect 1 rota map -j 3 "$bad/shelf.so" fault=exit0 when=700 <items
	lists "$out" {1..699} {701..2000}
	counts 1 "$err" 'crashed:'
	has "$err" 'item 700 "700": crashed: exit code 0'
	has "$err" '2,000 items, 1,999 ok, 1 crashed'
	has "$err" '1 worker restarted'
}

@test "crash: of the first item, the last one, the only one" {
	printf '%s\n' x {2..299} x >items
	expect 1 rota map -j 2 "$bad/shelf.so" fault=kill when=x <items
	lists "$out" {2..299}
	has "$err" 'item 1 "x": crashed: SIGKILL'
	has "$err" 'item 300 "x": crashed: SIGKILL'
	expect 1 rota map -j 2 "$bad/shelf.so" fault=kill when=1 <<<1
	empty "$out"
}

@test "crash: with -u nothing is lost or doubled either" {
	printf '%s\n' {1..2000} >items
	expect 1 rota map -u -j 3 "$bad/shelf.so" fault=kill when=700 <items
	sort -n "$out" | cmp - <(grep -vx 700 items)
}

@test "crash: of every single item" {
	printf '%s\n' {1..24} >items
	expect 1 rota map -v -j 4 "$bad/shelf.so" fault=kill when='*' <items
	empty "$out"
	has "$err" '24 items, 0 ok, 24 crashed'
	sed -n 's/.*item \([0-9]*\) "\([0-9]*\)": crashed: SIGKILL.*/\1 \2/p' "$err" | sort -n >seen
	sed 's/.*/& &/' items | cmp - seen
}

@test "crash: many bad ones among many good ones" {
	seq 100000 | awk '{ print $1 % 4000 == 5 ? "bad" : $1 }' >items
	expect 1 rota map -v -j 3 "$bad/shelf.so" fault=kill when=bad <items
	grep -v bad items | cmp - "$out"
	counts 25 "$err" '"bad": crashed: SIGKILL'
	grep -n bad items | sed 's/:.*//' >wanted
	sed -n 's/.*item \([0-9]*\) "bad".*/\1/p' "$err" | sort -n | cmp - wanted
}

# Each run of a command is a line of the log: exec'ed commands that kill their worker.
@test "crash: what was finished isn't run again, what was behind is" {
	printf '%s\n' {1..50} >items
	expect 1 rota exec -j 3 -- sh -c 'echo "$1" >>log; case $1 in 20|21|45) kill -9 $PPID;; esac; echo "$1"' sh <items
	lists "$out" {1..19} {22..44} {46..50}
	sort -n log | cmp - items
	[ "$(grep -c crashed "$err")" -eq 4 ] # and the last line
}

# The second item is worked on by one worker, while the other does what's behind.
@test "crash: results that were made before it, and are held back by order, are kept" {
	printf '%s\n' {1..40} >items
	expect 1 rota exec -j 2 -- sh -c 'echo "$1" >>log; if [ "$1" = 1 ]; then
		until grep -qx 25 log; do sleep 0.01; done; kill -9 $PPID; fi; echo "$1"' sh <items
	lists "$out" {2..40}
	sort -n log | cmp - items
	has "$err" 'item 1 "1": crashed: SIGKILL'
}

@test "crash: a large item or a large result in pieces" {
	{ seq 10; head -c 3000000 /dev/zero | tr '\0' x; echo; seq 10; } >items
	expect 1 rota map -j 2 "$bad/shelf.so" fault=kill when='#11' <items
	lists "$out" {1..10} {1..10}
	has "$err" 'item 11 "xxx'
	expect 1 rota exec -j 2 -- sh -c 'head -c 3000000 /dev/zero | tr "\0" "$1"
		[ "$1" != 5 ] || kill -9 $PPID' sh <<<$'4\n5\n6'
	for n in 4 6; do head -c 3000000 /dev/zero | tr '\0' "$n"; echo; done | cmp - "$out"
}

garbled() {
	expect 1 rota map -j 3 "$bad/shelf.so" fault="$1" when=700 <items
	same "$out" others
	counts 1 "$err" 'crashed:'
	counts 1 "$err" 'item 700 "700": crashed'
}

@test "crash: memory shared with the supervisor full of garbage, or of zeros: no other item is lost" {
	printf '%s\n' {1..2000} >items
	printf '%s\n' {1..699} {701..2000} >others
	garbled garbage
	garbled zeros
}

# One item with each of them.
harmless() {
	local i=0 items=({1..2000})
	for fault in "$@"; do
		items[100 + 300 * i++]=!$fault
	done
	printf '%s\n' "${items[@]}" >items
	expect 0 rota map -j 2 "$bad/shelf.so" fault=named <items
	same "$out" items
}

# bats test_tags=quick
@test "not a crash: cutting files in shared memory, closing descriptors, threads and children of its own" {
	harmless truncate closefds thread fork daemon
	quick || harmless nofile
}

# Pairs, side by side: what the second says or changes would be said to a supervisor that can't be rung.
# bats test_tags=quick
@test "not a crash: closing descriptors, and in the same batch what is told of: no item is charged" {
	local i=100 items=({1..2000}) fault
	for fault in log chdir umask sigmask nofile log nofile chdir; do
		items[i]=!closefds items[i+1]=!$fault i=$((i + 220))
	done
	printf '%s\n' "${items[@]}" >items
	expect 0 rota map -j 2 "$bad/shelf.so" fault=named <items
	same "$out" items
	has "$err" "the worker's own descriptors closed"
}

# Who has no bell any more can't wait for room.
@test "not a crash: closing descriptors, and in the same batch a result that is larger than the ring" {
	local items=({1..2000})
	items[500]=!closefds items[501]=!toolong items[1200]=!closefds items[1203]=!toolong
	printf '%s\n' "${items[@]}" >items
	expect 1 rota map -j 2 --max-result 16M "$bad/shelf.so" fault=named <items
	grep -vx '!toolong' items | cmp - "$out"
	counts 2 "$err" '"!toolong": over limit: the result is larger than max-result'
	if grep '^rota: item .*crashed' "$err"; then return 1; fi
}

@test "not a crash: the fork server killed by an item, it's started again" {
	printf '%s\n' {1..2000} >items
	# its result may have got out before its end by the fork server's
	rota map -j 2 "$bad/shelf.so" fault=killparent when=700 <items >results 2>err || [ $? -eq 1 ]
	printf '%s\n' {1..699} {701..2000} >others
	grep -vx 700 results | cmp others -
	has_line results 700 || has err 'item 700 "700"'
}

# idle_run [PLUGIN]: a run on a FIFO, with idle workers.
idle_run() {
	mkfifo in
	start "$ROTA" map -j 2 -i in "${1:-upper}" </dev/null
	exec 4>in
	echo a >&4
	eventually says "$out" A
	forkserver
}

# bats test_tags=quick
@test "crash: an idle worker killed from outside is replaced, and no item charged" {
	idle_run
	workers
	kill -KILL "${workers[0]}"
	eventually says "$err" 'died between items (SIGKILL'
	echo b >&4
	eventually says "$out" B
	exec 4>&-
	ends 0
	is "$out" $'A\nB'
	nothing_left
}

@test "crash: an idle run whose fork server is killed goes on" {
	idle_run
	kill -KILL "$server"
	eventually says "$err" 'the fork server died (SIGKILL'
	echo b >&4
	eventually says "$out" B
	exec 4>&-
	ends 0
	is "$out" $'A\nB'
	nothing_left
}

# bats test_tags=quick
@test "crash: a plugin that was rebuilt isn't loaded in the place of the one that the run began with" {
	cp "$plugins/upper.so" upper.so
	cp "$plugins/identity.so" rebuilt.so
	idle_run ./upper.so
	mv rebuilt.so upper.so
	kill -KILL "$server"
	ends 3
	has "$err" 'upper.so has changed since this run inspected it'
	is "$out" A
	exec 4>&-
	nothing_left
}

@test "crash: the fork server killed while items are being worked on: all right, in order" {
	seq -f 'item %g' 400 >items # numbers would be times
	mkfifo in
	start "$ROTA" map -j 3 -i in -o results sleep ms=5 </dev/null
	exec 4>in
	head -n 300 items >&4
	eventually has_line results 'item 10'
	forkserver
	kill -KILL "$server"
	tail -n +301 items >&4
	exec 4>&-
	ends 0
	same results items
	nothing_left
}

@test "crash: workers killed at random: each item is there once, or named" {
	local never n_killed=0
	printf 'item %s\n' {1..600} >items
	start "$ROTA" map -v -j 3 -o results sleep ms=3 <items
	eventually test -s results
	exec {never}<> <(:)
	until has_ended; do
		workers
		if [ "${#workers[@]}" -gt 0 ] && kill -KILL "${workers[RANDOM % ${#workers[@]}]}"; then
			n_killed=$((n_killed + 1))
		fi
		read -rt 0.02 -u "$never" || : # a rate of kills, no wait
	done
	exec {never}>&-
	[ "$n_killed" -gt 0 ]
	wait "$run" || [ $? -eq 1 ]
	sort -c -n -k 2 results
	cut -d ' ' -f 2 results >seen
	sed -n 's/.*item \([0-9]*\) .*crashed: SIGKILL.*/\1/p' "$err" >>seen
	sort -n -o seen seen
	lists seen {1..600}
	nothing_left
}

@test "giving up: workers that die before they're ready" {
	expect 3 rota map -j 2 "$bad/open-crash.so" <<<a
	empty "$out"
	has "$err" 'before they were ready'
	has "$err" 'SIGABRT'
}

@test "not given up: fork servers that are killed from outside, while they load, too" {
	idle_run
	for _ in {1..25}; do
		! forkserver || kill -KILL "$server" 2>/dev/null || true
	done
	echo b >&4
	eventually says "$out" B
	exec 4>&-
	ends 0
	is "$out" $'A\nB'
	nothing_left
}

refuses() {
	expect 3 rota map -b "$backend" -j 2 "$bad/$1.so" <<<a
	empty "$out"
	counts 1 "$err" "$2"
}

@test "giving up: load or open says why it can't go on" {
	for backend in process thread; do
		refuses load-refuse 'no model at /nowhere'
		refuses open-refuse 'no device for worker'
	done
}

@test "giving up: load crashes" {
	expect 3 rota map "$bad/load-crash.so" <<<a
	has "$err" 'load-crash.so'
	has "$err" SIGABRT
}

# is_refused FILE WORDS: the supervisor outlives the plugin, and says so in one line
is_refused() {
	expect 2 rota map -b "$backend" "$1" <<<a
	empty "$out"
	mapfile -t lines <"$err"
	[ "${#lines[@]}" -eq 1 ]
	local name=${1##*/}
	[[ ${lines[0]} == *"${name%.so}"* && ${lines[0]} == *"$2"* ]] || { show "$err"; return 1; }
}

@test "no plugin: one clear line, exit 2" {
	[ -z "${SANITIZER:-}" ] || skip "a sanitizer has its own ways here"
	backend=process
	is_refused "$bad/badabi.so" 'ABI 999'
	has "$err" 'ABI 1'
	is_refused "$bad/no-run.so" run
	is_refused "$bad/short.so" bytes
	is_refused "$bad/undefined.so" function_that_exists_nowhere
	is_refused "$bad/ctor-segv.so" SIGSEGV
	is_refused "$bad/ctor-exit.so" 'ended its process'
	echo text >text.so
	is_refused ./text.so "isn't a shared object"
	mkfifo fifo.so
	is_refused ./fifo.so 'fifo'
	! quick || return 0
	is_refused "$bad/badoptions.so" count
	is_refused "$bad/nosymbol.so" rota_plugin
	is_refused "$bad/flush.so" flush
	is_refused "$bad/ctor-abort.so" SIGABRT
	mkdir folder.so
	: >empty.so
	head -c 5000 "$bad/shelf.so" >cut.so
	cat "$bad/shelf.so" - <<<"more" | sed '1s/^.ELF/\x7fEXF/' >magic.so
	is_refused ./folder.so folder
	is_refused ./empty.so "isn't a shared object"
	is_refused ./cut.so 'cut short'
	is_refused ./magic.so "isn't a shared object"
	is_refused ./missing.so 'No such file'
}

@test "no plugin: the same with threads" {
	backend=thread
	is_refused "$bad/badabi.so" 'ABI 999'
	is_refused "$bad/nosymbol.so" rota_plugin
	is_refused "$bad/ctor-abort.so" SIGABRT
	head -c 5000 "$bad/shelf.so" >cut.so
	is_refused ./cut.so 'cut short'
}

@test "no plugin: one that hangs while it's loaded" {
	backend=process
	is_refused "$bad/ctor-hang.so" 'took longer than'
}

@test "no plugin: a name that isn't there, the nearest one suggested" {
	expect 2 rota map uper </dev/null
	has "$err" "did you mean 'upper'?"
	expect 2 rota map upper.so </dev/null
	has "$err" './upper.so'
	cp "$plugins/upper.so" here.so
	expect 2 rota map here </dev/null
	has "$err" "no plugin 'here'"
}

# wrong_use FAULT WORDS: one item is named so, whatever else its worker has done
wrong_use() {
	counts 1 "$err" "\"!$1\": "
	[[ $(<"$err") =~ \"!"$1"\":\ [^$'\n']*"$2" ]] || { echo "$1"; show "$err"; return 1; }
}

wrong_uses() {
	expect 1 rota map -b "$backend" -j "$jobs" "$bad/shelf.so" fault=named <items
	lists "$out" 1 5 9 10 13
	wrong_use commit-too-much 'fix the plugin'
	wrong_use commit-unreserved 'fix the plugin'
	wrong_use reserve-toolong ''
	wrong_use retry-silent ''
	wrong_use retry 'not now'
	wrong_use status 'returned 42'
	wrong_use refused ''
	wrong_use next 'rota_next'
	counts 8 "$err" 'rota: item '
}

# bats test_tags=quick
@test "wrong use of the host is that item's failure" {
	printf '%s\n' 1 '!'{commit-too-much,commit-unreserved,reserve-toolong} 5 '!'{retry-silent,retry,status} 9 10 \
		'!'{refused,next} 13 >items
	jobs=2
	both_backends wrong_uses
	! quick || return 0
	jobs=1
	both_backends wrong_uses
}
