#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC1083,SC2016,SC2030,SC2031,SC2094
#
# Items that are made of several values: lists, columns, packs; and what is wrong with such options.
load helper

setup() {
	cd "$BATS_TEST_TMPDIR" || return
}

teardown() {
	end_all
}

# runs WANTED ARG...: rota exec gives that
runs() {
	expect 0 rota exec -b thread "${@:2}"
	is "$out" "$1"
}

# refuses TEXT ARG...: rota says so in one line, and runs nothing
refuses() {
	expect 2 rota exec "${@:2}" </dev/null
	has "$err" "$1"
	lines "$err" -eq 1
	empty "$out"
}

# bats test_tags=quick
@test "lists: all combinations, linked ones, and files among them" {
	seq 2 >two
	runs $'a-1\na-2\nb-1\nb-2' echo {1}-{2} ::: a b ::: 1 2 </dev/null
	runs $'a-1\nb-2' echo {1}-{2} ::: a b c :::+ 1 2 </dev/null
	runs $'a-1\nb-2\nc-1' --link echo {1}-{2} ::: a b c :::: two </dev/null
	runs $'1 1 x\n2 2 x' echo :::: two ::::+ two ::: x </dev/null
	runs $'1 x\n2 x' -a two -a - echo < <(echo x)
	runs $'-j\n2' echo ::: -j 2 </dev/null
	expect 0 rota exec echo ::: </dev/null
	empty "$out"
	expect 0 rota map identity ::: 'a b' $'c\nd' '' </dev/null
	is "$out" $'a b\nc\nd\n'
	expect 0 rota map -d , identity < <(printf 'a\nb,c')
	is "$out" $'a\nb\nc'
}

# bats test_tags=quick
@test "values: where they end, which count, and their columns" {
	runs $'hell\n w\nrld' -d o echo < <(printf 'hello world')
	runs $'1\n2' -r echo < <(printf '1\n\n2\n')
	runs a -E END echo < <(printf 'a\nEND\nb\n')
	runs '[a]' --trim lr printf '[%s]\n' < <(echo ' a ')
	runs $'a c b' --colsep , echo {1} {3} {2} < <(echo 'a,b,c')
	runs $'y x' --colsep '\t' --header : echo {b} {a} < <(printf 'a\tb\nx\ty\n')
	runs $'2 1' --header : echo {b} {a} ::: a 1 ::: b 2 </dev/null
}

# without LIBRARY ARG...: rota was built without it, and says so
without() {
	rota exec "${@:2}" echo </dev/null 2>without || :
	grep -q "$1" without
}

# bats test_tags=quick
@test "values: regular expressions, and comma-separated values" {
	if without libpcre2-dev --colsep '[,;]' || without libcsv-dev --csv; then
		skip "rota was built without PCRE2 or libcsv"
	fi
	runs $'a c b' --colsep '[,;]' echo {1} {3} {2} < <(echo 'a,b;c')
	runs '2"x3" board-Value with ,-3' --csv echo {1}-{2}-{3} < <(printf '"2""x3"" board","Value with ,",3\n')
}

# bats test_tags=quick
@test "packs: so many values, lines, or as many as fit" {
	runs $'1 2\n3' -n 2 echo < <(seq 3)
	runs $'2 1\n4 3' -N 2 echo {2} {1} < <(seq 4)
	runs $'a 1 b\nc' -L 2 echo < <(printf 'a \n1\nb\nc\n')
	runs $'ab cd\nefg' -s 11 echo < <(printf 'ab\ncd\nefg')
	runs $'1foo2 1bar2' -j1 -X echo 1{}2 < <(printf 'foo\nbar\n')
	runs $'1foo bar2' -j1 -m echo 1{}2 < <(printf 'foo\nbar\n')
	runs $'1 2 3 4\n5 6 7\n8 9 10' -j3 -X echo < <(seq 10)
	runs '1 2 3 4 5 6 7 8 9 10' -j3 --xargs echo < <(seq 10)
	# what the kernel can't take isn't asked for, however many values there may be
	expect 0 rota exec -j2 -X -s 2M -o none true < <(seq 300000)
	expect 0 rota exec -j2 -n 200000 sh -c 'echo $#' sh < <(seq 300000)
	awk '{ n += $1 } END { exit n != 300000 }' "$out"
	# no command line is longer than 128K, and few are shorter
	expect 0 rota exec -j2 -X sh -c 'echo $#' sh < <(seq 100000)
	lines "$out" -eq 5
}

# bats test_tags=quick
@test "blocks: whole records go to the standard input of commands" {
	runs $'1\n1\n1' --pipe --block 1 wc -l < <(printf 'A\nB\nC\n')
	runs $'4\n4\n2' --pipe -N 4 wc -l < <(seq 10)
	runs $'1\n1' --pipe -N 1 --recstart '>' grep -c '>' < <(printf '>a\n1\n>b\n2\n')
	runs $'h\n1\nh\n2' --pipe -N 1 --header : cat < <(printf 'h\n1\n2\n')
	runs 3 --pipe --recend '\0' 'tr -dc "\0" | wc -c' < <(printf 'a\0b\0c\0')
	head -c 3000000 /dev/urandom >any
	for more in --pipe --pipepart; do
		expect 0 rota exec -j2 "$more" --block 100K --recend x -i any -o lines sh -c 'cat; echo' sh
		cmp <(tr -d '\n' <lines) <(tr -d '\n' <any)
	done
	expect 0 rota exec --journal j --pipepart --block 100K -i any -o o wc -c
	touch -d 2001-01-01 any
	expect 2 rota exec --journal j --resume --pipepart --block 100K -i any -o o wc -c
	has "$err" 'input file'
}

@test "lists in conf files" {
	cat >run.yaml <<-'END'
		jobs:
		  pairs:
		    plugin: exec
		    options: {command: [echo, "{1}-{2}"]}
		    values: [[a, b], [c, d]]
		    output: pairs
		  files:
		    plugin: exec
		    options: {command: [echo]}
		    arg-file: [two, two]
		    link: yes
		    max-args: 2
		    output: files
	END
	seq 2 >two
	expect 0 rota run run.yaml
	lists pairs a-c a-d b-c b-d
	lists files '1 1 2 2'
}

# bats test_tags=quick
@test "the order of chance is the seed's" {
	expect 0 rota map --shuf=7 -o one identity < <(seq 1000)
	expect 0 rota map --shuf 7 -o other identity < <(seq 1000)
	same one other
	if cmp -s one <(seq 1000); then return 1; fi
	cmp <(sort -n one) <(seq 1000)
	expect 0 rota map --shuf identity ::: a b </dev/null
	has "$err" '--shuf='
}

# bats test_tags=quick
@test "resume: lists, packs and seeds must be what they were" {
	seq 10 >in
	expect 1 rota exec -j1 --journal j -o o -n 2 -a in sh -c 'test -e go || test "$1" != 9' sh
	expect 2 rota exec -j1 --journal j --resume -o o -n 3 -a in sh -c 'test -e go || test "$1" != 9' sh
	has "$err" 'items'
	has "$err" 'max-args=2'
	expect 0 rota map --journal k -o p identity ::: a b </dev/null
	expect 2 rota map --journal k --resume -o p identity ::: a c </dev/null
	has "$err" "::: 'a' 'b'"
	expect 0 rota exec -j2 --journal m -o r -X -a in true
	expect 2 rota exec -j3 --journal m --resume -o r -X -a in true
	has "$err" '--jobs=2'
	seq 20 >>in
	expect 0 rota map --journal l -o q -n 3 -a in identity
	sed -i 's/7/8/' in
	expect 2 rota map --journal l --resume -o q -n 3 -a in identity
	has "$err" 'the input has changed'
}

# bounded ARG...: with 60 MB of addresses rota map goes through an input of 70 MB
bounded() {
	(ulimit -v 60000 && exec "$ROTA" map -j 1 -b process --window 2M --max-item 1M -o none "$@" identity 2>err)
}

@test "memory: whatever the input, lists, packs and blocks take a bounded piece; only --shuf holds it" {
	local more
	[[ $(nm -D "$ROTA") != *__asan* && $(nm -D "$ROTA") != *__tsan* ]] || skip "a sanitizer reserves more addresses"
	seq 9000000 | head -c 70000000 >in
	echo x >x
	for more in '-n 3 -i in' '-X -i in' '-a in -a x' '--pipe --block 200K -i in' '--pipepart --block 1K -i in'; do
		# shellcheck disable=SC2086 # words
		bounded $more || { echo "$more"; show err; return 1; }
	done
	# one value without an end
	head -c 70000000 /dev/zero | tr '\0' 1 >in
	for more in '-n 3 -i in' '--colsep , -i in' '--pipe --block 200K -i in' '-r -i in'; do
		# shellcheck disable=SC2086 # words
		! bounded $more || return 1
		has err 'larger than max-item'
	done
	if bounded --shuf -i in; then return 1; fi
	has err 'no memory for all items at once'
}

@test "resume: killed, a run goes on with the same packs and in the same order" {
	local more
	seq 3000 >in
	for more in '-n 3' '-X -s 50' '--shuf=5 -n 7' '--colsep 1' '--pipe --block 100' '--pipepart --block 100'; do
		rm -f j results
		# shellcheck disable=SC2086 # words
		expect 0 rota map -j 2 -o want $more -a in identity
		hold 20
		# shellcheck disable=SC2086 # words
		start "$ROTA" map -j 2 --journal j -o results $more -a in "$bad/gate.so" </dev/null
		eventually test -s results
		kill -KILL "$run"
		wait "$run" 2>/dev/null || true
		nothing_left
		release
		# shellcheck disable=SC2086 # words
		expect 0 rota map -j 2 --journal j --resume -o results $more -a in "$bad/gate.so"
		same results want
	done
}

# bats test_tags=quick
@test "failures: a pack is named by its first and last value, rows are readable" {
	expect 1 rota exec -j1 --journal j -o o --joblog log -n 3 false < <(seq 4)
	has "$err" 'item 1 "1 ... 3": failed'
	has "$err" 'item 2 "4": failed'
	has log $'\t1\t0\t1 2 3'
	expect 0 rota failures j
	has "$out" '"1 ... 3": exited'
	expect 0 rota failures --items j
	lists "$out" 1 2 3 4
	expect 0 rota failures --json j
	has "$out" '"item":"1\n2\n3"'
	expect 1 rota exec -j1 --journal k -o o --colsep , --header : false < <(printf 'x,y\n1,2\n')
	has "$err" 'item 1 "1 2": failed'
	expect 0 rota failures --items k
	lists "$out" $'1\t2'
	expect 1 rota map --journal l -o o --max-item 3 identity ::: a toolong b </dev/null
	lists o a b
	expect 0 rota failures l
	has "$out" '"toolong"'
}

# bats test_tags=quick
@test "mistakes: one line, which tells the right form" {
	refuses "--pipe and --pipepart are two ways" --pipe --pipepart cat
	refuses "--block is about blocks of the input: add --pipe" --block 1M cat
	refuses "so --max-args has no meaning: leave it out" --pipe -n 2 cat
	refuses "--max-args and --max-replace-args both say how many values" -n 2 -N 2 echo ::: a
	refuses "'(' is " --colsep '(' echo ::: a
	refuses "--max-args: '0'" -n 0 echo ::: a
	: >in
	refuses "give its file by --arg-file, too" -i in echo ::: a
	refuses "--pipe cuts one input into blocks" --pipe cat ::: a
	refuses "--pipepart wants the name of a file" --pipepart cat
	refuses "'abc' isn't one character" -d abc echo
	refuses "both say where a value ends" -0 -d , echo
	refuses "':::+' links a list to the one before it" echo :::+ a
	refuses "'::::' has no file behind it: write :::: FILE" echo ::::
	refuses "two lists read standard input, and only one can" -a - -a - echo
	refuses "'1' isn't ':'" --header 1 echo ::: a
	refuses "--csv says where a row ends" --csv -d , echo
	refuses "both fill command lines" -X -m echo ::: a
	refuses "3 bytes are too few, the command itself takes 6" -s 3 echo ::: a
	refuses "--pipe: a block of 1M is over --max-item" --pipe --max-item 1M cat
	refuses "--pipe: what ends a record is given by --recend" --pipe -0 cat
}
