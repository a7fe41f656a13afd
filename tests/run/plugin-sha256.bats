#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# The plugin sha256 against sha256sum itself.
load helper

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	mkdir files
}

sums_of_files() {
	find files /usr/share/common-licenses -type f >list
	expect 0 rota map -b "$backend" -j 3 sha256 <list
	xargs -d '\n' -a list sha256sum -- >sums
	same "$out" sums
	sha256sum -c --quiet "$out"
}

@test "sha256: the lines of sha256sum, for files of all sizes" {
	for n in 0 1 55 56 63 64 65 1000 131071 131072 131073 262144 3000000; do
		head -c "$n" /dev/zero | tr '\0' s >"files/$n"
	done
	both_backends sums_of_files
}

@test "sha256: odd names are escaped as sha256sum does" {
	letters=($'\\' $'\n' $'\r' n ' ' '*' $'\xff')
	for a in "${letters[@]}"; do
		for b in '' "${letters[@]}"; do
			for c in '' "${letters[@]}"; do
				: >"files/$a$b$c"
			done
		done
	done
	find files -type f -print0 >list
	expect 0 rota map -0 -o "$BATS_TEST_TMPDIR/seen" sha256 <list
	xargs -0 -a list sha256sum -- >sums
	same seen sums
	sha256sum -c --quiet seen
}

@test "sha256: - is a file of that name" {
	echo minus >./-
	expect 0 try sha256 <<<-
	is "$out" "$(sha256sum ./- | cut -d' ' -f1)  -"
}

@test "sha256: what can't be read fails, and says why" {
	echo there >there
	printf '%s\n' missing files there '' "$(head -c 5000 /dev/zero | tr '\0' p)" there/below >list
	expect 1 try sha256 <list
	is "$out" "$(sha256sum there)"
	has "$err" "cannot open missing: No such file or directory"
	has "$err" "files: Is a directory"
	has "$err" "empty"
	has "$err" "File name too long"
	has "$err" "cannot open there/below: Not a directory"
}

failures_of_a_run() {
	expect 1 rota map -b "$backend" sha256 <list
	is "$out" "$(sha256sum there)"
	has "$err" "cannot open missing: No such file or directory"
	has "$err" "files: Is a directory"
}

@test "sha256: failed items fail the run, and only themselves" {
	echo there >there
	printf '%s\n' missing there files >list
	both_backends failures_of_a_run
}

@test "sha256: a path with a NUL inside is no path" {
	echo there >there
	printf 'there\0\n' >list
	expect 1 try sha256 <list
	empty "$out"
	has "$err" "NUL byte"
}
