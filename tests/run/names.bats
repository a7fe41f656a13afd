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
	rota exec --journal j -i items -o results "$@" -- sh -c '[ -e mended ] || [ "$1" != bad ] && echo "$1"' -
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
		expect 0 rota map --journal "$name" -i items -o results upper
		[ -f "$name" ]
		expect 0 rota failures "$name"
	done
}
