#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2154
#
# The output of a command of exec that failed is its item's result: once, in its place, whatever happens to the run.
load helper

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	run=
}

teardown() {
	end_all
}

kept() {
	expect 1 rota exec -b "$backend" -j 2 sh -c 'printf "out $1"; exit $1' sh <<<$'0\n1\n2\n0\n3'
	is "$out" $'out 0\nout 1\nout 2\nout 0\nout 3'
	counts 3 "$err" 'failed: exited with code'
	expect 1 rota exec -b "$backend" -u -j 1 sh -c 'echo $1; exit $1' sh <<<$'0\n1\n0'
	is "$out" $'0\n1\n0'
	expect 1 rota exec -b "$backend" sh -c 'kill -9 $$' <<<a
	empty "$out"
	printf '0\n1\n0\n' >items
	expect 1 rota map -b "$backend" exec keep-failed=no 'command=sh,-c,echo $1; exit $1,sh' <items
	is "$out" $'0\n0'
}

# bats test_tags=quick
@test "exec: a command that failed keeps its output" {
	both_backends kept
}

large() {
	seq 4 >items
	expect 1 rota exec -b "$backend" -j 2 sh -c 'yes $1 | head -c 3000001; exit $(($1 % 2))' sh <items
	for n in 1 2 3 4; do
		yes "$n" | head -c 3000001
		echo
	done >wanted
	same "$out" wanted
	expect 1 rota exec -b "$backend" --max-result 1M sh -c 'yes | head -c 3000001; exit 1' <<<a
	empty "$out"
	has "$err" max-result
}

@test "exec: also when it is larger than any ring, but never over max-result" {
	both_backends large
}

last_attempt() {
	expect 1 rota exec -b "$backend" -j 2 --retries 2 sh -c '
		echo $1 $ROTA_ATTEMPT; test $ROTA_ATTEMPT = $1' sh <<<$'2\n4'
	is "$out" $'2 2\n4 3'
	expect 1 rota exec -b "$backend" -j 2 --retries 1 sh -c '
		head -c 500000 /dev/zero | tr "\0" $ROTA_ATTEMPT; exit 1' <<<a
	{ head -c 500000 /dev/zero | tr '\0' 2; echo; } >wanted
	same "$out" wanted
}

@test "exec: of several attempts only the last one's output is there" {
	both_backends last_attempt
}

# Killed in the midst, any time; each item's result is there once, in its place.
killed() {
	rm -f j* wanted
	seq 60 >items
	seq 60 | sed 's/.*/begin &\nend &/' >wanted
	command=(-b "$backend" -j 3 -i items -o j.out --journal j.db sh -c '
		echo begin $1; sleep 0.01; echo end $1; exit $(($1 % 2))' sh)
	start "$ROTA" exec --resume "${command[@]}"
	eventually has_lines j.out 8
	kill -KILL "$run"
	ends 137
	expect 1 rota exec --resume "${command[@]}"
	same j.out wanted
	expect 0 rota failures --items j.db
	seq 1 2 59 | cmp - "$out"
	expect 1 rota exec --resume "${command[@]}"
	same j.out wanted
}

@test "exec: a killed run that is resumed has what failed commands wrote once" {
	both_backends killed
}

# What failed again, what is ok now, what writes nothing any more.
retried() {
	rm -f j* again
	command=(-b "$backend" -j 2 -i items -o j.out --journal j.db sh -c '
		test -e again || { echo first $1; exit $1; }
		test $1 = 2 || printf "%s\n" again and $1
		test $1 != 3' sh)
	printf '%s\n' 0 1 2 3 0 >items
	expect 1 rota exec "${command[@]}"
	is j.out $'first 0\nfirst 1\nfirst 2\nfirst 3\nfirst 0'
	: >again
	expect 1 rota exec --resume --retry-failed "${command[@]}"
	is j.out $'first 0\nagain\nand\n1\nagain\nand\n3\nfirst 0'
	expect 0 rota failures --items j.db
	is "$out" 3
	rm again
	expect 1 rota exec --resume --retry-failed "${command[@]}"
	is j.out $'first 0\nagain\nand\n1\nfirst 3\nfirst 0'
}

@test "exec: --retry-failed puts the new output in the old one's place" {
	both_backends retried
}
