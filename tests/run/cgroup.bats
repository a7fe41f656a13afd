#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# --memory by the kernel's hand, where a cgroup v2 with a memory controller is delegated. make check-cgroup runs this
# where the machine itself has none.

load helper

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	mount=$(awk '/ - cgroup2 / { print $5; exit }' /proc/self/mountinfo)
	if [ -z "$mount" ] || ! grep -qw memory "$mount/cgroup.controllers"; then
		skip "no cgroup v2 with a memory controller here"
	fi
	grep -qw memory "$mount/cgroup.subtree_control" || echo +memory >"$mount/cgroup.subtree_control" 2>/dev/null ||
		skip "its memory controller can't be had"
	group=$mount/rota-test-$$
	mkdir "$group" 2>/dev/null || skip "no cgroup can be made here"
	printf '%s\n' {1..100} >items
}

teardown() {
	if [ -n "${group:-}" ]; then
		end_all
		find "$group" -mindepth 1 -type d -exec rmdir {} + 2>/dev/null || true
		rmdir "$group"
	fi
}

# In the group, alone.
inside() {
	timeout -k 2 60 bash -c 'echo $$ >"$1/cgroup.procs" && exec "${@:2}"' - "$group" "$@"
}

# tail keeps all of a line that doesn't end.
hungry='case $1 in 7) head -c 300000000 /dev/zero | tail -c 299999999 ;; *) echo "$1" ;; esac'

@test "cgroup: a command that takes too much is ended by the kernel, with its worker, and named; the others are right" {
	expect 1 inside "$ROTA" exec -v -j 2 --memory 60M -i items -- sh -c "$hungry" sh '{}'
	has "$err" "enforced by the kernel as well, in the cgroup $group"
	has "$err" 'item 7 "7": over limit: over memory limit: the kernel killed worker'
	grep -vx 7 items | cmp - "$out"
	[ -z "$(find "$group" -mindepth 1 -type d)" ]
}

@test "cgroup: a plugin's, too, again and again" {
	awk '{ print $1 % 10 == 7 ? "!memory" : $1 }' items >mixed
	expect 1 inside "$ROTA" map -v -j 2 --memory 60M -i mixed "$bad/shelf.so" fault=named
	counts 10 "$err" 'over limit: over memory limit'
	grep -v memory mixed | cmp - "$out"
	[ -z "$(find "$group" -mindepth 1 -type d)" ]
}

@test "cgroup: what is within the limit isn't touched, and nothing is said" {
	expect 0 inside "$ROTA" map -j 2 --memory 60M -i items upper
	same "$out" items
	empty "$err"
	[ -z "$(find "$group" -mindepth 1 -type d)" ]
}

@test "cgroup: where somebody else is in it, it's left alone" {
	sleep 1000 3>&- &
	local other=$!
	echo "$other" >"$group/cgroup.procs"
	expect 0 inside "$ROTA" map -v -j 2 --memory 60M -i items upper
	has "$err" "enforced by rota alone (cgroup: it contains other processes)"
	same "$out" items
	[ -z "$(find "$group" -mindepth 1 -type d)" ]
	kill "$other"
}

@test "cgroup: what a killed run has left there is empty, and the next one removes it" {
	start bash -c 'echo $$ >"$1/cgroup.procs" && exec "${@:2}"' - "$group" "$ROTA" map -j 2 --memory 60M \
		-i items sleep ms=100 </dev/null
	eventually test -d "$group/rota-$run-0-1"
	kill -KILL "$run"
	wait "$run" || true
	nothing_left
	[ -d "$group/rota-$run-0-1" ]
	echo -memory >"$group/cgroup.subtree_control"
	expect 0 inside "$ROTA" map -v -j 2 --memory 60M -i items upper
	[ -z "$(find "$group" -mindepth 1 -type d)" ]
}
