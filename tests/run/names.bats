#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# What a name means: files that have the names that rota's own would have, one file in two hands by whatever names, and
# names that mean a descriptor. Nobody's file is emptied, removed or written through a link.
load helper

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	printf '%s\n' a b bad d >items
}

teardown() {
	end_all
}

# precious FILE...: each has words of its own; untouched FILE...: and still does
precious() {
	for file; do echo "the words of $file" >"$file"; done
}

untouched() {
	for file; do is "$file" "the words of $file"; done
}

# picky OPTIONS: fails for the item bad, unless there is a file of the name mended
picky() {
	# shellcheck disable=SC2016
	rota exec -b thread --journal j -i items -o results "$@" -- sh -c '[ -e mended ] || [ "$1" != bad ] && echo "$1"' -
}

@test "derived names: what stands beside an output or a journal is left alone" {
	precious results.new results.retry j.new
	expect 1 picky
	untouched results.new results.retry j.new
	touch mended
	expect 0 picky --resume --retry-failed
	same results items
	untouched results.new results.retry j.new
	# finished, it is replaced: by way of a file beside it
	expect 0 picky
	untouched results.new results.retry j.new
}

@test "derived names: nothing is written through a link, before anything is run" {
	precious victim
	expect 1 picky
	cp results before
	ln -s victim results.retry
	ln -s victim results.new
	touch mended
	expect 0 picky --resume --retry-failed
	same results items
	untouched victim
}

@test "derived names: a user's file where the lock or SQLite's files would be is named, and stays" {
	for name in j.lock j-wal j-shm j-journal; do
		precious "$name"
		expect 2 rota map --journal j -i items -o results upper
		has "$err" "$name is in the way"
		untouched "$name"
		[ ! -e results ] && [ ! -e j ]
		rm "$name"
		precious victim
		ln -s victim "$name"
		expect 2 rota map --journal j -i items -o results upper
		has "$err" "$name"
		untouched victim
		rm "$name"
	done
}

@test "journal: a link to it is the same journal, a hard link a danger" {
	start "$ROTA" map -j 1 --journal j -i items -o results sleep ms=20000 </dev/null
	eventually test -e j
	ln -s j link
	ln j hard
	expect 2 rota map --journal link --resume -i items -o results sleep ms=20000
	has "$err" "in use by process $run"
	kill -KILL "$run"
	wait "$run" || :
	expect 2 rota map --journal hard --resume -i items -o results sleep ms=1
	has "$err" "2 names"
	rm hard
	nothing_left
}

@test "journal: file:x.db and :memory: are names, not URIs" {
	for name in file:x.db :memory: file::memory:; do
		expect 0 rota map -b thread --journal "$name" -i items -o results upper
		[ -f "$name" ]
		expect 0 rota failures "$name"
	done
}

# bats test_tags=quick
@test "one file, two roles: refused, whatever the names, and nothing is touched" {
	cp "$plugins/upper.so" p.so
	cp p.so kept.so
	cp items j.lock
	ln items hard
	ln -s items link
	for out in items ./items link hard "$PWD/items"; do
		expect 2 rota map -i items -o "$out" upper
		has "$err" 'is also the input'
	done
	expect 2 rota map --trust-path -i items -o p.so ./p.so
	has "$err" 'p.so is the plugin itself'
	cmp p.so kept.so
	expect 2 rota map --journal j -i j.lock -o results upper
	has "$err" 'j.lock beside it, but that is also the input'
	cmp j.lock items
	expect 2 rota map --journal j -i items -o j-wal upper
	has "$err" 'j-wal beside it, but that is also the output'
	expect 2 rota map --journal j --joblog j-shm -i items -o results upper
	has "$err" 'belongs to the journal'
	expect 2 rota map --journal p.so --trust-path -i items -o results ./p.so
	has "$err" 'the plugin of job'
	cmp p.so kept.so
	[ ! -e results ] && [ ! -e j ]
}

@test "one file, two roles: what a standard stream is isn't opened once more" {
	echo before >log
	expect 2 bash -c '"$@" 2>>log' - "$ROTA" map -i items -o log upper
	has log before
	has log 'log is also standard error'
	expect 2 bash -c '"$@" >>log' - "$ROTA" exec -i range:1-1 -o log -- echo
	has "$err" 'log is also standard output'
	cp items kept
	expect 2 bash -c '"$@" <items' - "$ROTA" map -i range:1-2 -o items identity
	has "$err" 'items is also standard input'
	cmp items kept
}

# name_all FD: in $names all that mean it; in the quick set the one that is the hardest to see through
name_all() {
	[ -L fds ] || ln -s /proc/self/fd fds
	[ -L "link$1" ] || ln -s "/dev/fd/$1" "link$1"
	names=("fds/$1")
	quick || names+=("/dev/fd/$1" "/proc/self/fd/$1" "link$1")
}

@test "a name that means a descriptor: as output it goes on where that is, on both backends" {
	name_all 1
	for name in - /dev/stdout "${names[@]}"; do
		take_turns
		echo before >log
		rota map -b "$backend" -i items -o "$name" upper >>log
		is log $'before\nA\nB\nBAD\nD'
		take_turns
		is <(rota map -b "$backend" -i items -o "$name" upper) $'A\nB\nBAD\nD'
	done
	name_all 5
	for name in "${names[@]}"; do
		take_turns
		echo before >log
		rota map -b "$backend" -i items -o "$name" upper 5>>log
		is log $'before\nA\nB\nBAD\nD'
	done
	echo before >log
	rota map -i items -o /dev/stderr upper 2>>log
	is log $'before\nA\nB\nBAD\nD'
}

@test "standard output and error may be one: a pipe, a file" {
	both=$(rota exec -i items -- true 2>&1 | cat)
	[ -z "$both" ]
	expect 0 bash -c '"$0" map -i items upper >both 2>&1' "$ROTA"
	is both $'A\nB\nBAD\nD'
}

@test "a name that means a descriptor: as input it is read from where that is" {
	name_all 0
	for name in - /dev/stdin "${names[@]}"; do
		{ read -r first && rota map -b thread -i "$name" upper >out; } <items
		is out $'B\nBAD\nD'
	done
	for name in - /dev/stdin "${names[@]}"; do
		rota map -b thread -i "$name" upper < <(printf '%s\n' a b bad d) >out
		is out $'A\nB\nBAD\nD'
	done
	name_all 5
	for name in "${names[@]}"; do
		{ read -r first <&5 && rota map -b thread -i "$name" upper >out; } 5<items
		[ "$first" = a ]
		is out $'B\nBAD\nD'
	done
	expect 0 rota map -i <(cat items) upper
	is "$out" $'A\nB\nBAD\nD'
	expect 2 rota map -i /dev/fd/99 upper
	has "$err" "descriptor 99, and that isn't open"
	expect 2 rota map -i items -o /dev/fd/99 upper
	has "$err" "descriptor 99, and that isn't open"
}

@test "a name that means a descriptor: no journal, and a job log that isn't among results" {
	name_all 1
	for name in - /dev/stdout /dev/fd/2 "${names[@]}"; do
		echo before >log
		expect 2 bash -c '"$@" >>log' - "$ROTA" map --journal "$name" -i items -o results upper
		has "$err" 'means a descriptor'
		is log before
	done
	[ ! -e results ] && [ ! -e ./- ]
	for name in - /dev/stdout "${names[@]}"; do
		take_turns
		echo before >log
		rota map -b "$backend" --joblog "$name" -i items -o none upper >>log
		lines log -eq 6
		has log before
		has log JobRuntime
		expect 2 rota map --joblog "$name" -i items upper
		has "$err" 'also receives the results'
	done
	rota map --joblog /dev/stderr -i items -o none upper 2>&1 >/dev/null | grep -q JobRuntime
	[ ! -e ./- ]
	expect 2 rota map --joblog /dev/fd/99 -i items -o none upper
	has "$err" "isn't open"
}

@test "a name that means another process's descriptor: its file isn't emptied; a pipe is written to" {
	local holder folder name
	echo precious >log
	mkfifo pipe
	ROTA_TEST_MARK=$BATS_TEST_TMPDIR/ sleep 60 4>>log 5<>pipe 3>&- &
	holder=$!
	eventually eval '[ "$(readlink /proc/$holder/fd/4)" = "$PWD/log" ]'
	folder=/proc/$holder/fd
	ln -s "$folder/4" link
	for name in "$folder/4" link "/proc/$holder/task/$holder/fd/4"; do
		expect 2 rota map -i items -o "$name" upper
		has "$err" "output: $name is a file that another process has open"
		expect 2 rota map -i items -o none --joblog "$name" upper
		expect 2 rota map -i items -o none --journal "$name" upper
	done
	is log precious
	expect 0 rota map -i items -o "$folder/5" upper
	[ "$(head -c 10 "$folder/5")" = $'A\nB\nBAD\nD' ]
	kill "$holder"
}

@test "outputs that can't be made are found before anything is run, by check, too" {
	mkdir folder
	ln -s loop loop
	: >file
	for name in folder nowhere/x file/x loop /nowhere/x; do
		printf 'jobs:\n  j:\n    plugin: upper\n    input: items\n    output: %s\n' "$name" >c.yaml
		expect 2 rota check c.yaml
		has "$err" "c.yaml:5:13: job 'j': output: $name "
		expect 2 rota exec -i items -o "$name" -- touch began
		has "$err" "output: $name "
		expect 2 rota exec --joblog "$name" -i items -o none -- touch began
		has "$err" "joblog: $name "
	done
	[ ! -e began ]
}

@test "two inputs or two outputs of one job are refused, not left out" {
	for option in -i --input -o --output; do
		expect 2 rota map -i items -o results "$option" other upper
		has "$err" 'is given twice'
	done
	[ ! -e results ]
	expect 0 rota map -j 1 -j 2 -i items -o results upper # of other options the last one holds
}

@test "failures: a file that is no journal may stay, an unknown job isn't silence" {
	expect 2 rota failures items
	has "$err" "items isn't a rota journal"
	run ! grep -q remove "$err"
	expect 1 picky
	expect 0 rota failures j exec
	has "$out" bad
	expect 2 rota failures j exek
	has "$err" "has no job 'exek'; it has: exec"
	empty "$out"
}

@test "an output that was a file and is a link to a device: refused by a resume" {
	start "$ROTA" map -j 1 --journal j -i items -o results sleep ms=20000 </dev/null
	eventually test -e j -a -e results
	kill -KILL "$run"
	wait "$run" || :
	rm results
	ln -s /dev/null results
	expect 2 rota map -j 1 --journal j --resume -i items -o results sleep ms=20000
	has "$err" "kind of output was 'a file'"
	# one that was a device from the beginning can be gone on with
	expect 0 rota map --journal k -i items -o results upper
	expect 0 rota map --journal k --resume -i items -o results upper
	nothing_left
}
