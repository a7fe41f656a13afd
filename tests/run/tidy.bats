#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# What an item does to its process stays with the item: what it changes is put right before the next one, or the worker
# is replaced; and when it ends its process, it is told where.
load helper

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	printf '%s\n' {1..12} >items
}

teardown() {
	end_all
}

# FAULT TELL: the sixth item changes what is told; before it and behind it all see the same. Each takes long enough to
# be looked at alone.
later_items_see_nothing() {
	expect 0 rota map -j1 -b "$backend" "$bad/shelf.so" fault="$1" when='#6' tell="$2" ms=2 <items
	mapfile -t told <"$out"
	[ "${told[5]}" != "${told[0]}" ]
	told[5]=${told[0]}
	for one in "${told[@]}"; do
		[ "$one" = "${told[0]}" ]
	done
	[ "${#told[@]}" -eq 12 ]
	has "$err" 'item 6: left a changed '
	has "$err" ': restored'
	lines "$err" -eq 1
}

# bats test_tags=quick
@test "tidy: working directory" {
	backend=process later_items_see_nothing chdir folder
}

@test "tidy: file mode mask" {
	backend=process later_items_see_nothing umask umask
}

# bats test_tags=quick
@test "tidy: signal mask" {
	at_least_on thread later_items_see_nothing sigmask sigmask
}

@test "tidy: locale" {
	backend=process later_items_see_nothing locale locale
}

@test "tidy: what is changed again and again is told once a worker" {
	expect 0 rota map -j1 "$bad/shelf.so" fault=chdir when='*' <items
	same "$out" items
	counts 1 "$err" 'left a changed working directory'
}

@test "tidy: of tiny items a batch may see a change, and no more" {
	seq 100000 >items
	expect 0 rota map -j1 "$bad/shelf.so" fault=umask when='#1000' tell=umask <items
	awk '
		{ n_changed += $0 == "0777" }
		NR == 1000 { there = $0 }
		END { exit !(NR == 100000 && there == "0777" && $0 != "0777" && n_changed < 50000) }' "$out"
	has "$err" 'a changed umask: restored'
}

# FAULT: every result is there, once; nothing lives on.
all_right() {
	start "$ROTA" map -j2 "$bad/shelf.so" fault="$1" when=3 <items
	ends 0
	same "$out" items
	nothing_left
}

@test "tidy: a child that an item leaves behind is ended before the next item" {
	all_right fork
	has "$err" 'left child processes: restored'
}

@test "tidy: a child that has left its session and parent ends with the run" {
	all_right daemon
}

@test "tidy: a child that comes back from run isn't a second worker" {
	all_right fork-return
}

@test "tidy: lowered limits" {
	all_right nofile
	expect 0 rota map -j1 "$bad/shelf.so" fault=nofile when='#1' <items
	same "$out" items
	has "$err" 'item 1: left changed resource limits: '
}

# bats test_tags=quick
@test "tidy: what can't be put right costs the worker, no item" {
	all_right closefds
	expect 0 rota map -j1 "$bad/shelf.so" fault=closefds when='#1' tell=pid <items
	mapfile -t pids <"$out"
	[ "${pids[0]}" != "${pids[1]}" ]
	[ "$(tail -n +2 "$out" | sort -u | wc -l)" -eq 1 ]
}

@test "tidy: by hand nothing is compared" {
	expect 0 "$worker" --try "$bad/shelf.so" fault=umask when='#1' tell=umask <items
	[ "$(sort -u "$out")" = 0777 ]
	empty "$err"
}

# FAULT SIGNAL LINE FUNCTION
last_words() {
	case ${SANITIZER:-} in *address* | *thread*) skip "the sanitizer has its own words" ;; esac
	expect 1 rota map -j2 "$bad/shelf.so" fault="$1" <items
	lists "$out" {1..6} {8..12}
	has "$err" "item 7: $2$3"
	has "$err" "item 7 \"7\": crashed: $2"
	if grep -q '^#define HAVE_LIBBACKTRACE' "$abs_top_builddir/config.h"; then
		grep -q "  $4 at .*/shelf/.*\.c:[0-9]" "$err"
	else
		grep -q '  .*/shelf\.so+0x' "$err"
	fi
}

# bats test_tags=quick
@test "last words: a null pointer" {
	last_words segv SIGSEGV ' at address 0x0' fault_segv
}

@test "last words: abort" {
	last_words abort SIGABRT '' fault_abort
}

# Not what abort is made of, nor what of rota's called the plugin.
@test "last words: begin in the plugin and end there" {
	case ${SANITIZER:-} in *address* | *thread*) skip "the sanitizer has its own words" ;; esac
	grep -q '^#define HAVE_LIBBACKTRACE' "$abs_top_builddir/config.h" || skip "no libbacktrace"
	expect 1 rota map -j1 "$bad/shelf.so" fault=abort <<<7
	is <(sed -n 's/^worker 1:   \([a-z_]*\).*/\1/p' "$err") $'fault_abort\nshelf_run'
}

@test "last words: of many crashes, those of the first, and names once a stack" {
	case ${SANITIZER:-} in *address* | *thread*) skip "the sanitizer has its own words" ;; esac
	printf '%s\n' {1..106} >many
	expect 1 rota map -q -j1 -i many "$bad/shelf.so" fault=segv when='*'
	has "$err" 'more crashes: their last words are not shown (-v shows all)'
	counts 100 "$err" 'SIGSEGV at address'
	counts 99 "$err" $'  as at item 1\n'
	counts 100 "$err" 'crashed: SIGSEGV'
	lines "$err" -le 320
	expect 1 rota map -v -j1 -i many "$bad/shelf.so" fault=segv when='*'
	counts 106 "$err" 'SIGSEGV at address'
}

@test "last words: a stack that has overflowed" {
	last_words stack SIGSEGV ' at address 0x' eat_stack
	has "$err" 'the stack has overflowed'
}

@test "last words: of a crash before the first item" {
	case ${SANITIZER:-} in *address* | *thread*) skip "the sanitizer has its own words" ;; esac
	expect 3 rota map "$bad/open-crash.so" <items
	has "$err" 'at no item: SIG'
}

@test "last words: none of an exit, and its code is told" {
	expect 1 rota map "$bad/shelf.so" fault=named <<<$'1\n!exit3\n3\n!exit0'
	is "$out" $'1\n3'
	has "$err" 'item 2 "!exit3": crashed: exit code 3'
	has "$err" 'item 4 "!exit0": crashed: exit code 0'
	counts 0 "$err" ' at address '
}
