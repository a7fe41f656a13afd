#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Memory that isn't there: the N-th allocation fails, once or from then on, in the supervisor or in a worker: right
# results, or one clear error; never a crash, a hang, or exit 0 with results missing. With ROTA_TESTS=sweep each N, in
# both ways; otherwise some, from a random one on, and of each but one way: a failure names both.

load helper

setup_file() {
	if [ -z "${SANITIZER:-}" ]; then
		compile -shared -fPIC -o "$BATS_FILE_TMPDIR/nomemory.so" "$BATS_TEST_DIRNAME/nomemory.c"
	fi
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	[ -z "${SANITIZER:-}" ] || skip "a sanitizer has its own malloc"
	seq 300 >items
	cp items wanted
}

# run_short IN AT ON COMMAND...: ON is empty or not.
run_short() {
	[ -z "$3" ] || local -x NOMEMORY_ON=1
	LD_PRELOAD="$BATS_FILE_TMPDIR/nomemory.so" NOMEMORY_IN="$1" NOMEMORY_AT="$2" timeout -k 2 30 "${@:4}"
}

n_allocations() {
	LD_PRELOAD="$BATS_FILE_TMPDIR/nomemory.so" NOMEMORY_IN="$1" NOMEMORY_AT=0 NOMEMORY_FD=9 \
		timeout -k 2 30 "${@:2}" 9>>calls >/dev/null 2>&1
	sort -n calls | tail -1
}

points() { # HOW-MANY-THERE-ARE
	local step=1
	case ${ROTA_TESTS:-} in
	sweep) ;;
	quick) step=$(($1 / 4 + 1)) ;;
	*) step=$(($1 / 15 + 1)) ;;
	esac
	seq $((1 + RANDOM % step)) "$step" "$1"
}

# Is what came of it right? 0 with all results, 1 with some items failed and named, 2 or 3 and a word why.
judge() { # WHAT
	case $status in
	0) same results wanted || { echo "$1: exit 0 with other results"; return 1; } ;;
	1) [ "$(grep -c 'item [0-9]* ' err)" -gt 0 ] || { echo "$1: exit 1 without a failure"; show err; return 1; } ;;
	2 | 3) [ -s err ] || { echo "$1: exit $status without a word"; return 1; } ;;
	*) echo "$1: exit $status"; show err; return 1 ;;
	esac
}

# What each point begins with.
begin() {
	rm -f results j j-* j.*
	[ ! -e before ] || cp before/* .
}

sweep() { # IN COMMAND...
	local at on ways status n n_points=0 way=$((RANDOM % 2))
	begin
	n=$(n_allocations "$@")
	echo "$n allocations in $1"
	[ "$n" -gt 10 ]
	for at in $(points "$n"); do
		way=$((1 - way)) ways=('' on)
		[ "${ROTA_TESTS:-}" = sweep ] || ways=("${ways[way]}")
		for on in "${ways[@]}"; do
			begin
			status=0
			run_short "$1" "$at" "$on" "${@:2}" >out 2>err || status=$?
			judge "$1 at $at $on"
			n_points=$((n_points + 1))
		done
	done
	echo "$n_points points"
}

@test "no memory: in the supervisor, with processes" {
	sweep rota "$ROTA" map -j 2 -i items -o results upper
}

@test "no memory: in the supervisor, with threads" {
	sweep rota "$ROTA" map -b thread -j 2 -i items -o results upper
}

@test "no memory: in the supervisor, with a journal" {
	sweep rota "$ROTA" map -j 2 --journal j -i items -o results upper
}

@test "no memory: in the supervisor, going on from a journal" {
	seq 24 >items
	cp items wanted
	printf '%s\n' "while [ \"\$1\" -gt 16 ] && [ -e wait ]; do sleep 0.02; done; echo \"\$1\"" >later
	touch wait
	start "$ROTA" exec -j 1 --journal j -i items -o results -- sh later '{}' </dev/null
	eventually has_lines results 16
	kill -INT "$run"
	rm wait
	ends 130
	mkdir before
	mv j results before
	sweep rota "$ROTA" exec -j 2 --journal j --resume -i items -o results -- sh later '{}'
}

@test "no memory: where failures are listed" {
	seq 30 >items
	printf '%s\n' 'echo "$1"; [ "$1" -le 20 ]' >later
	expect 1 rota exec -j 2 --journal j -i items -o o -- sh later '{}'
	seq 21 30 >wanted
	mkdir before
	mv j before
	sweep rota sh -c 'exec "$0" "$@" >results' "$ROTA" failures --items j
}

# bats test_tags=quick
@test "no memory: in a worker" {
	sweep rota-worker "$ROTA" map -j 2 -i items -o results upper
}

@test "no memory: in the supervisor, with a conf file" {
	cat >jobs.yaml <<-'END'
		jobs:
		  one: {plugin: upper, input: items, output: between}
		  two: {plugin: identity, after: one, input: between, output: results}
	END
	sweep rota "$ROTA" run jobs.yaml
}
