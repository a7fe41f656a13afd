#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016
#
# --nice: whom it is for, and how it may be given.
load helper

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	read -ra stat </proc/self/stat
	niceness=${stat[18]}
}

# The niceness of a command and of its parent: of a worker process, or of rota's own thread.
command=(sh -c 'cut -d" " -f19 /proc/self/stat "/proc/$PPID/stat"' sh)

higher() { # BY
	echo $((niceness + $1 > 19 ? 19 : niceness + $1))
}

whom() {
	local parent
	expect 0 rota exec -b "$backend" -j 2 --nice 3 -- "${command[@]}" <<<a
	empty "$err"
	parent=$(higher 3)
	[ "$backend" = process ] || parent=$niceness
	lists "$out" "$(higher 3)" "$parent"
	expect 0 rota exec -b "$backend" -- "${command[@]}" <<<a
	lists "$out" "$niceness" "$niceness"
}
# bats test_tags=quick
@test "nice: workers and their commands get it, rota doesn't" {
	both_backends whom
}

@test "nice: a niceness ends at 19, and other numbers are refused" {
	expect 0 rota exec --nice 19 -- "${command[@]}" <<<a
	lists "$out" 19 19
	for n in -1 20 x; do
		expect 2 rota exec "--nice=$n" -- true <<<a
		has "$err" "--nice: '$n'"
	done
}

@test "nice: as a key of a conf file, and by --set" {
	cat >nice.yaml <<-'END'
		jobs:
		  a:
		    plugin: exec
		    options:
		      command: [sh, -c, 'cut -d " " -f19 /proc/self/stat']
		    input: range:1-1
		    nice: 2
	END
	expect 0 rota run nice.yaml
	lists "$out" "$(higher 2)"
	expect 0 rota run --set a.nice=4 nice.yaml
	lists "$out" "$(higher 4)"
	expect 0 rota run --nice 5 --dry-run nice.yaml
	has "$out" 'nice     5'
}
