#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2154
#
# What a command of the plugin exec is made of: replacement strings, values of rows, lines for the shell; and which exit
# statuses are failures.
load helper

setup() {
	cd "$BATS_TEST_TMPDIR" || return
}

# maps [KEY=VALUE]... ITEMS: rota map exec with the ITEMS (printf's format), in this backend
maps() {
	# shellcheck disable=SC2059
	printf "${*: -1}" >input
	rota map -b "${backend:-thread}" -j 2 exec "${@:1:$#-1}" <input
}

strings() {
	expect 0 maps 'command=echo,{},{.},{/},{//},{/.},{..},{{}}' 'dir/file.tar.gz\na.b/c\n'
	is "$out" $'dir/file.tar.gz dir/file.tar file.tar.gz dir file.tar dir/file {}\na.b/c a.b/c c a.b c a.b/c {}'
	expect 0 maps 'command=echo,{#},{1},{x},x{2}' 'a\nb\n'
	is "$out" $'1 a {x} x{2}\n2 b {x} x{2}'
	expect 0 maps 'command=echo,repl^ce,{}' replace=^ 'a\nb\n'
	is "$out" $'replace {}\nreplbce {}'
}

# bats test_tags=quick
@test "exec: replacement strings" {
	both_backends strings
}

slots() {
	expect 0 maps slot-var=slot 'command=sh,-c,echo "$ROTA_SLOT $slot {%}",sh' '1\n2\n3\n4\n5\n6\n'
	run ! grep -Ev '^(1 1 1|2 2 2)$' "$out"
}

@test "exec: a worker's number, as a string and in the environment" {
	export slot=outside
	both_backends slots
}

rows() {
	expect 0 maps rows=yes 'command=echo' 'A\037C\nA\037D\n'
	is "$out" $'A C\nA D'
	expect 0 maps rows=yes 'command=printf,<%s>,{2}-{1},{}' 'A\037C D\n'
	is "$out" '<C D-A><A><C D>'
	expect 0 maps rows=yes fill=words 'command=echo,1{}2' 'foo\036bar\n'
	is "$out" '1foo2 1bar2'
	expect 0 maps rows=yes header=yes 'command=echo,{b},{a/}' 'a\037b\036x/1.2\0373\n'
	is "$out" '3 1.2'
	expect 0 maps rows=yes 'command=sh,-c,printf %s "$ROTA_ITEM" | tr "\\t\\n" "+;",sh' 'A\037C\036B\037D\n'
	is "$out" 'A+C;B+D'
	expect 1 maps rows=yes 'command=echo' 'A\020\100C\n'
	has "$err" 'NUL byte'
}

# bats test_tags=quick
@test "exec: items of several values" {
	both_backends rows
}

lines_for_shell() {
	expect 0 rota exec -b "$backend" <<<$'echo a; echo b\necho "c  d" | tr c e'
	is "$out" $'a\nb\ne  d'
	expect 0 rota exec -b "$backend" 'echo {} | tr a-z A-Z >{.}.up; cat {.}.up' <<<$'it\'s  "$HOME".txt\nb'
	is "$out" $'IT\'S  "$HOME".TXT\nB'
	expect 0 rota exec -b "$backend" 'printf "<%s>"' <<<'a  b'
	is "$out" '<a  b>'
	expect 0 maps shell=yes 'command=echo,{},>{}.out' 'a b\n'
	empty "$out"
	is 'a b.out' 'a b'
}

# bats test_tags=quick
@test "exec: without a command each item is one, and one word with signs of the shell is a script" {
	both_backends lines_for_shell
}

@test "exec: a program whose name has a blank is no script; nor is anything with shell=no" {
	mkdir bin
	printf '#!/bin/sh\necho "it: $1"\n' >'bin/a tool'
	chmod +x 'bin/a tool'
	expect 0 rota exec './bin/a tool' <<<x
	is "$out" 'it: x'
	PATH=$PWD/bin:$PATH expect 0 rota exec 'a tool' <<<x
	is "$out" 'it: x'
	expect 2 rota map exec shell=no 'command=echo x | tr x y' <<<x
	has "$err" "cannot run 'echo x | tr x y'"
}

ok_status() {
	expect 1 maps ok-status=0,1,10-12 'command=sh,-c,echo $1; exit $1,sh' '0\n1\n2\n11\n'
	is "$out" $'0\n1\n2\n11'
	has "$err" 'exited with code 2'
	counts 1 "$err" 'exited with'
}

@test "exec: exit statuses that are no failure" {
	both_backends ok_status
	for text in 256 -1 x 3-2 1- '1,'; do
		expect 3 maps "ok-status=$text" command=true 'a\n'
		has "$err" 'is no exit status'
	done
}

again() {
	rm -f n
	expect 1 rota exec -b "$backend" -j 1 --retries 2 sh -c 'echo x >>n; exit 1' <<<$'1\n2'
	lines n -eq 6
	has "$err" 'exited with code 1: trying again, attempt 3 of 3'
	has "$err" 'item 2 "2": failed: exited with code 1'
	rm -f n
	expect 1 rota map -b "$backend" -j 1 --retries 2 exec retry=fail 'command=sh,-c,echo x >>n; kill $$,sh' <<<$'1\n2'
	lines n -eq 2
	has "$err" 'killed by SIGTERM'
	rm -f n
	expect 0 rota exec -b "$backend" -j 1 --retries 2 sh -c 'echo x >>n; test $ROTA_ATTEMPT -eq 3 && echo done' <<<1
	is "$out" 'done'
}

@test "exec: a command that failed wants another attempt" {
	both_backends again
}
