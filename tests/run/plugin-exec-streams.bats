#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2154
#
# What a command of the plugin exec reads and writes: standard input from items, blocks and files; output with tags;
# standard error; commands that are only shown.
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

from_items() {
	expect 0 maps stdin=item command=cat 'a b\n\nc\n'
	is "$out" $'a b\nc'
	expect 0 maps stdin=block 'command=sh,-c,cat; echo "$# ${ROTA_ITEM-none} {#}",sh' 'a\nb\n'
	is "$out" $'a0 none 1\nb0 none 2'
	head -c 3000000 /dev/zero | tr '\0' x >input
	expect 0 rota map -b "$backend" exec stdin=item 'command=sh,-c,cat | wc -c' <input
	is "$out" 3000000
	printf 'a\0b\n' >input
	expect 0 rota map -b "$backend" exec stdin=item 'command=sh,-c,cat | tr "\\0" .' <input
	is "$out" a.b
}

# bats test_tags=quick
@test "exec: the item on standard input" {
	both_backends from_items
}

# More than a pipe holds: neither waits for the other.
unread() {
	{ head -c 1000000 /dev/zero | tr '\0' x; echo; echo y; } >input
	expect 0 rota map -b "$backend" exec stdin=item command=true <input
	empty "$out"
	expect 0 rota map -b "$backend" exec stdin=item 'command=head,-c,3' <input
	is "$out" $'xxx\ny'
	expect 0 rota map -b "$backend" exec stdin=item 'command=sh,-c,exec <&-; sleep 0.1; echo late' <input
	is "$out" $'late\nlate'
	expect 0 rota map -b "$backend" exec stdin=item 'command=sh,-c,head -c 300000 /dev/zero; cat' <input
	[ "$(wc -c <"$out")" -eq 1600003 ]
	expect 0 rota map -b "$backend" exec stdin=item 'command=sh,-c,trap - PIPE; yes | head -n 1' <input
	is "$out" $'y\ny'
	empty "$err"
}

@test "exec: a command that doesn't read, or writes first, doesn't hang and hasn't failed" {
	both_backends unread
}

parts() {
	seq 100000 >file
	n=$(wc -c <file)
	printf 'file\0370\037%s\n' 10 >rows
	printf 'file\03710\037%s\n' $((n - 10)) >>rows
	printf 'file\0370\037%s\nnowhere\0370\0371\nfile\037x\0371\n' $((n + 1)) >>rows
	expect 1 rota map -b "$backend" exec rows=yes stdin=part command=cat,- <rows
	same "$out" file
	has "$err" 'shorter'
	has "$err" 'cannot open nowhere: No such file'
	has "$err" 'no part of a file'
}

@test "exec: a part of a file on standard input" {
	both_backends parts
}

tags() {
	expect 0 maps tag=yes 'command=printf,%s\\n,x{},y{}' 'a\nb c\n'
	is "$out" $'a\txa\na\tya\nb c\txb c\nb c\tyb c'
	expect 0 maps 'tagstring={#}-{.}' 'command=sh,-c,printf x; sleep 0.1; printf y,sh' 'a.c\nb.c\n'
	is "$out" $'1-a\txy\n2-b\txy'
	expect 0 maps tag=yes 'command=sh,-c,yes | head -c 500000,sh' 'a\n'
	yes $'a\ty' | head -n 250000 | cmp - "$out"
	expect 0 maps tag=yes command=true 'a\n'
	empty "$out"
}

@test "exec: a tag before each line" {
	both_backends tags
}

errors() {
	expect 0 maps group-stderr=yes 'command=sh,-c,echo 1; echo 2 >&2; echo 3,sh' 'a\n'
	is "$out" $'1\n2\n3'
	empty "$err"
	expect 0 maps 'command=sh,-c,seq 20000 >&2; printf end >&2,sh' 'a\n'
	counts 1 "$err" 'item 1: 1'$'\n' || has "$err" 'item 1: 1'
	has "$err" 'bytes of standard error, which are left out'
	has "$err" 'item 1: 20000'
	has "$err" 'item 1: end'
	[ "$(wc -l <"$err")" -lt 14000 ]
	expect 0 maps 'command=sh,-c,seq 10000 | head -c 65536 >&2,sh' 'a\n'
	sed 's/^item 1: //' "$err" >seen
	seq 10000 >all
	cmp -n 65536 all seen
}

@test "exec: standard error in the result; of a flood of it the beginning and the end" {
	both_backends errors
}

@test "exec: commands that are only shown, in a form that a shell takes" {
	expect 0 maps dry-run=yes "command=echo,it's,{},>x" 'a b\nc\n'
	is "$out" $'echo \'it\'\\\'\'s\' \'a b\' \'>x\'\necho \'it\'\\\'\'s\' c \'>x\''
	sh "$out" >seen
	is seen $'it\'s a b >x\nit\'s c >x'
	expect 0 maps dry-run=yes 'command=echo {} | cat' 'a b\n'
	is "$out" "echo 'a b' | cat"
	expect 0 maps dry-run=yes stdin=item 'command=false' 'a\n'
	is "$out" false
}

@test "exec: another folder for the commands" {
	mkdir d
	expect 0 maps workdir=d 'command=sh,-c,basename "$(pwd)"' 'a\n'
	is "$out" d
	expect 1 maps workdir=nowhere command=true 'a\n'
	has "$err" 'No such file or directory'
}

traced() {
	expect 1 rota exec -b "$backend" -j 1 -t sh -c 'echo "$1"; false' <<<$'a b\nc'
	grep '^sh' "$err" >seen || :
	is seen $'sh -c \'echo "$1"; false\' \'a b\'\nsh -c \'echo "$1"; false\' c'
}

@test "exec: commands that are printed before they are run" {
	both_backends traced
}

@test "exec: its options on a command line" {
	expect 0 rota exec --dry-run -I % echo % {} <<<'a b'
	is "$out" "echo 'a b' '{}'"
	expect 1 rota exec --drop-failed --ok-status 0-1 sh -c 'echo $1; exit $1' sh <<<$'0\n1\n2'
	is "$out" $'0\n1'
	mkdir d
	expect 0 rota exec --shell --wd d --process-slot-var S --tagstring 't{#}' echo '$S' {} '>x; cat x' <<<a
	is "$out" $'t1\t1 a'
	is d/x '1 a'
	expect 0 rota exec --stdin --tag --group-stderr sh -c 'cat >&2' <<<a
	is "$out" $'\ta'
	expect 2 rota exec --no-shell 'echo a' <<<a
	expect 2 rota map --tag upper <<<a
}

results() {
	rm -rf outdir par_* x
	expect 1 rota exec -b "$backend" --results outdir sh -c '
		echo "$1"; echo "e $1" >&2; [ "$1" != B/c ]' sh <<<$'A\nB/c\n..'
	is "$out" $'A\nB/c\n..'
	is outdir/1/A/stdout A
	is outdir/1/A/stderr 'e A'
	[ "$(<outdir/1/A/seq)" = 1 ]
	is 'outdir/1/B\_c/stdout' B/c
	is 'outdir/1/\../stderr' 'e ..'
	expect 0 maps rows=yes results=outdir command=echo 'A\037\037C\\D\n'
	is 'outdir/1/A/2/\0/3/C\\D/stdout' 'A  C\D'
	expect 0 maps rows=yes header=yes results=outdir command=echo 'a\037b\0361\0372\n'
	is outdir/a/1/b/2/stdout '1 2'
	expect 0 rota exec -b "$backend" --tag --results 'x/par_{}' sh -c 'yes {} | head -c 500000' <<<foo
	yes foo | head -c 500000 | cmp - x/par_foo
	[ "$(<x/par_foo.seq)" = 1 ]
	expect 0 rota exec -b "$backend" --retries 1 --results outdir sh -c 'echo $ROTA_ATTEMPT; [ $ROTA_ATTEMPT = 2 ]' <<<R
	is outdir/1/R/stdout 2
}

@test "exec: each command's output in files of its own" {
	both_backends results
	: >file
	expect 1 rota exec --results file/x echo <<<a
	has "$err" 'cannot write results to file/x'
	expect 3 rota exec --results res.json echo <<<a
	has "$err" 'name a directory'
}

@test "exec: a dry run shows what is checked, and writes nothing but that" {
	echo precious >kept
	seq 2 >items
	expect 0 rota exec -i items --dry-run -o kept --journal j --joblog log --results dir --raw echo {}
	is "$out" $'echo 1\necho 2'
	is kept precious
	for name in j log dir; do
		[ ! -e $name ]
	done
	# where a run would be wrong, it says so
	expect 2 rota exec -i items --dry-run -o items echo {}
	expect 0 rota exec -i items --dry-run --pipe cat
	is "$out" cat
}

raw() {
	# no newline, one of its own, nothing at all, and more than a ring holds
	printf '%s\n' 'printf a' 'echo b' : 'head -c 3000000 /dev/zero' 'printf "c\0"; exit 3' 'printf d' >commands
	{
		printf 'ab\n'
		head -c 3000000 /dev/zero
		printf 'c\0d'
	} >wanted
	expect 1 rota exec -b "$backend" -i commands -j2 --raw sh -c
	same "$out" wanted
	rm -f results j
	expect 3 rota exec -b "$backend" -i commands -j1 --raw --journal j -o results --halt now,fail=1 sh -c
	expect 1 rota exec -b "$backend" -i commands -j1 --raw --journal j -o results --resume sh -c
	same results wanted
	expect 2 rota exec -b "$backend" -i commands -j1 --journal j -o results --resume sh -c
}

@test "exec: raw results stand one behind the other, and after a resume" {
	both_backends raw
	expect 0 rota map --raw -i commands upper
	tr -d '\n' <commands | tr '[:lower:]' '[:upper:]' >wanted
	same "$out" wanted
}
