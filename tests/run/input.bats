#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2030,SC2031,SC2094,SC2317
#
# Where items come from and where results go: each kind of source and sink, pipes while they're being written, what is
# read ahead, and files that can't be both.
load helper

setup() {
	cd "$BATS_TEST_TMPDIR" || return
}

teardown() {
	end_all
}

# gives WANTED SOURCE PLUGIN
gives() {
	take_turns
	expect 0 rota map -b "$backend" -i "$2" "$3"
	is "$out" "$1"
}

# bats test_tags=quick
@test "sources: lines, nul, range, files, standard input" {
	printf 'a\nb\nc\n' >three
	printf 'a\nb\0\0c' >zeros
	for source in three lines:three "lines:$PWD/three" ./three; do
		gives $'A\nB\nC' "$source" upper
	done
	gives $'a\nb\n\nc' nul:zeros identity
	gives $'7\n10\n13' range:7-13/3 identity
	gives $'three\nzeros' 'files:[tz]*e*' identity
	for source in - lines:-; do
		gives $'A\nB\nC' "$source" upper <three
	done
	gives $'a\nb\n\nc' nul:- identity <zeros
	expect 0 rota map --input=range:7-13/3 identity
	is "$out" $'7\n10\n13'
}

ranges() {
	expect 0 rota map -b thread -i "range:$1" identity
	is "$out" "$2"
}

@test "range: from, to and step, also below zero and downwards" {
	ranges 1-3 $'1\n2\n3'
	ranges 5-5 5
	ranges -2-2/2 $'-2\n0\n2'
	ranges 3-1/-1 $'3\n2\n1'
	ranges 1-10/4 $'1\n5\n9'
	ranges 9223372036854775806-9223372036854775807 $'9223372036854775806\n9223372036854775807'
	expect 0 rota map -i range:1-100000 identity
	seq 100000 | cmp - "$out"
	for wrong in 3 1-x -1 1-2/0 1-99999999999999999999 1-2/x; do
		expect 2 rota map -i "range:$wrong" identity
		has "$err" "range:$wrong"
	done
}

files() {
	expect 0 rota map -b thread -i "files:$1" identity
	is "$out" "$2"
}

@test "files: globs, sorted folder by folder, depth first" {
	mkdir -p tree/a/deep tree/b tree/.hidden
	touch tree/a.c tree/b.c tree/a/one.c tree/a/deep/two.c tree/b/three.c tree/.hidden/four.c tree/a/.five.c tree/B.c
	files 'tree/*.c' $'tree/B.c\ntree/a.c\ntree/b.c'
	files 'tree/**/*.c' $'tree/B.c\ntree/a/deep/two.c\ntree/a/one.c\ntree/a.c\ntree/b/three.c\ntree/b.c'
	files 'tree/?.c' $'tree/B.c\ntree/a.c\ntree/b.c'
	files 'tree/[!B]*.c' $'tree/a.c\ntree/b.c'
	files "$PWD/tree/a/*.c" "$PWD/tree/a/one.c"
	expect 0 rota map -i 'files:tree/*.nothing' identity
	empty "$out"
	has "$err" 'tree/*.nothing'
}

# sinks OPTION... : with the numbers 1 to 3
sinks() {
	take_turns
	expect 0 rota map -b "$backend" -i range:1-3 "$@" identity
}

@test "sinks: lines, nul, none, standard output; a file is truncated at start" {
	for _ in process thread; do
		echo "longer than what is to come" >results
		sinks -o results
		is results $'1\n2\n3'
	done
	echo "longer than what is to come" >results
	sinks --output "lines:$PWD/results"
	is results $'1\n2\n3'
	sinks -o nul:results
	printf '1\0%s\0' 2 3 | sed 's/31/3/; s/\x001\x00/\x00/' | cmp - results
	sinks -o none
	empty "$out"
	[ ! -e none ]
	sinks -o -
	is "$out" $'1\n2\n3'
}

@test "sinks: appending with >> appends" {
	echo before >results
	"$ROTA" map -i range:1-2 identity >>results
	is results $'before\n1\n2'
}

@test "sinks: a missing input leaves the output as it was" {
	echo precious >results
	expect 2 rota map -i nowhere -o results upper
	has "$err" nowhere
	is results precious
}

# No guess at times: each result is read before the next item is written.
flow() {
	rm -f in results
	mkfifo in results
	start "$ROTA" map -b "$backend" -j 3 "$@" -i in -o results upper </dev/null
	exec 4>in 5<results
	for item in a b c d e f; do
		echo "$item" >&4
		read -r -t 30 result <&5
		[ "$result" = "${item^}" ]
	done
	printf 'two\nat once\nhal' >&4
	read -r -t 30 result <&5
	read -r -t 30 other <&5
	# with -u whoever has the second may be quicker
	case ${1-}$result,$other in
	'TWO,AT ONCE' | '-uTWO,AT ONCE' | '-uAT ONCE,TWO') ;;
	*) false ;;
	esac
	echo f >&4
	read -r -t 30 result <&5
	[ "$result" = HALF ]
	printf 'last' >&4
	exec 4>&-
	read -r -t 30 result <&5
	[ "$result" = LAST ]
	ends 0
	exec 5<&-
}

# bats test_tags=quick
@test "flow: results come while an endless input is still being read" {
	both_backends flow
	at_least_on process flow -u
}

@test "flow: standard input and output as pipes, too" {
	coproc { rota map -j 2 upper 3>&-; }
	for item in a b c d; do
		echo "$item" >&"${COPROC[1]}"
		read -r -t 30 result <&"${COPROC[0]}"
		[ "$result" = "${item^}" ]
	done
	local pid=$COPROC_PID in=${COPROC[1]}
	exec {in}>&-
	wait "$pid"
}

# The first item holds everything up. What is left in the FIFO's writer tells what was read ahead.
has_stopped() {
	local seen=$n_written
	n_written=$(sed -n 's/^wchar: //p' "/proc/$writer/io")
	[ -n "$seen" ] && [ "$seen" -gt 0 ] && [ "$seen" = "$n_written" ] &&
		[ "$(cut -d ' ' -f 3 "/proc/$writer/stat")" = S ] && sleep 0.1 &&
		[ "$n_written" = "$(sed -n 's/^wchar: //p' "/proc/$writer/io")" ]
}

read_ahead() {
	rm -f in
	mkfifo in
	n_written='' run=''
	start "$ROTA" map -b "$backend" -j 2 --window 1M -i in "$bad/shelf.so" fault=until-cancelled when=0 </dev/null
	{ echo 0; exec yes 0123456789abcdef; } >in 2>/dev/null 3>&- & writer=$!
	eventually has_stopped
	echo "read ahead: $n_written bytes"
	kill "$writer"
	kill -KILL "$run"
	wait || true
	nothing_left
	# the window, the pipe, and what yes has at hand
	[ "$n_written" -lt $((1024 * 1024 + 512 * 1024 + 65536 + 16384)) ]
}

@test "window: a slow first item stops the source at --window" {
	backend=process read_ahead
}

@test "window: so it does with threads" {
	backend=thread read_ahead
}

@test "window: a reader that doesn't read stops the source, too" {
	mkfifo in results
	n_written=''
	start "$ROTA" map -j 2 --window 1M -i in -o results identity </dev/null
	exec 5<results
	{ exec yes 0123456789abcdef; } >in 2>/dev/null 3>&- 5<&- & writer=$!
	eventually has_stopped
	echo "read ahead: $n_written bytes"
	kill "$writer"
	n_lines=$((n_written / 17)) # what was cut off is an item, too
	head -n "$n_lines" <&5 | uniq -c >counted
	is counted "$(printf '%7d %s' "$n_lines" 0123456789abcdef)"
	cat <&5 >/dev/null
	ends 0
	# the window, the sink's queue, a pipe on each side
	[ "$n_written" -lt $((2 * 1024 * 1024 + 2 * 512 * 1024 + 65536)) ]
}

same_file() {
	expect 2 "$@"
	has "$err" 'also the input'
	same file copy
}

@test "input and output the same file: refused, and nothing is lost" {
	seq 100 >file
	cp file copy
	ln -s file link
	ln file hard
	same_file rota map -i file -o file upper
	same_file rota map -i lines:file -o "$PWD/./file" upper
	same_file rota map -i nul:file -o lines:file upper
	same_file rota map -i link -o file upper
	same_file rota map -i file -o link upper
	same_file rota map -i hard -o file upper
	same_file rota map -o file upper <file
	same_file rota exec -o file echo <file
	both_ends() { rota map upper <file 1<>file; }
	expect 2 both_ends
	same file copy
}

@test "a terminal, a pipe or /dev/null may be both" {
	expect 0 rota map -i /dev/null -o /dev/null upper
}

@test "a missing input, a folder, an unreadable one: one clear line" {
	mkdir folder
	expect 2 rota map -i nowhere upper
	has "$err" 'nowhere can'\''t be read: No such file or directory'
	[ "$(wc -l <"$err")" -eq 1 ]
	expect 2 rota map -i folder upper
	has "$err" folder
	[ "$(wc -l <"$err")" -eq 1 ]
	expect 2 rota map -i /dev/null -o nowhere/results upper
	has "$err" 'nowhere/results'
	expect 2 rota map -i /dev/null -o folder upper
	has "$err" 'folder'
}

@test "a closed standard input is an error" {
	closed() { rota map upper <&-; }
	expect 2 closed || expect 3 closed
	has "$err" 'standard input'
}

# A truncated mapping would be a SIGBUS. The last item may have been cut.
@test "a file that is truncated while it's read is no crash" {
	seq 1000000 >file
	start "$ROTA" map -i file -j 2 "$bad/shelf.so" fault=stderr when='#1' </dev/null
	eventually grep -q 'words on standard error' "$err"
	: >file
	ends 0
	nothing_left
	seq 1000000 | head -n "$(($(wc -l <"$out") - 1))" | cmp - <(head -n -1 "$out")
}
