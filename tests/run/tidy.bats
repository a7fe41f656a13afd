#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# What an item does to its process stays with the item: what it changes is put right before the next one, or the worker
# is replaced; and when it ends its process, it is told where.
load helper

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	seq 12 >items
}

teardown() {
	end_all
}

# FAULT TELL: the first item changes what is told. The results without a fault are what later items are to see.
later_items_see_nothing() {
	expect 0 rota map -j1 -b "$backend" "$bad/shelf.so" fault=none tell="$2" <items
	cp "$out" unchanged
	expect 0 rota map -j1 -b "$backend" "$bad/shelf.so" fault="$1" when='#1' tell="$2" <items
	[ "$(head -n 1 "$out")" != "$(head -n 1 unchanged)" ]
	tail -n +2 "$out" | cmp - <(tail -n +2 unchanged)
	has "$err" 'item 1: left another '
	has "$err" ': put right'
	[ "$(wc -l <"$err")" -eq 1 ]
}

@test "tidy: working directory" {
	backend=process later_items_see_nothing chdir folder
}

@test "tidy: file mode mask" {
	slow
	backend=process later_items_see_nothing umask umask
}

@test "tidy: signal mask" {
	at_least_on thread later_items_see_nothing sigmask sigmask
}

@test "tidy: locale" {
	slow
	backend=process later_items_see_nothing locale locale
}

@test "tidy: what is changed again and again is told once a worker" {
	expect 0 rota map -j1 "$bad/shelf.so" fault=chdir when='*' <items
	same "$out" items
	[ "$(grep -c 'left another working directory' "$err")" -eq 1 ]
}

@test "tidy: of tiny items a batch may see a change, and no more" {
	slow
	seq 300000 >items
	expect 0 rota map -j1 "$bad/shelf.so" fault=umask when='#1000' tell=umask <items
	awk '
		{ n_changed += $0 == "0777" }
		NR == 1000 { there = $0 }
		END { exit !(NR == 300000 && there == "0777" && $0 != "0777" && n_changed < 100000) }' "$out"
	has "$err" 'another file mode mask: put right'
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
	has "$err" 'left child processes: put right'
}

@test "tidy: a child that has left its session and parent ends with the run" {
	slow
	all_right daemon
}

@test "tidy: a child that comes back from run isn't a second worker" {
	slow
	all_right fork-return
}

@test "tidy: lowered limits" {
	slow
	all_right nofile
	expect 0 rota map -j1 "$bad/shelf.so" fault=nofile when='#1' <items
	same "$out" items
	has "$err" 'item 1: left other resource limits: '
}

@test "tidy: what can't be put right costs the worker, no item" {
	all_right closefds
	expect 0 rota map -j1 "$bad/shelf.so" fault=closefds when='#1' tell=pid <items
	[ "$(sort -u "$out" | wc -l)" -eq 2 ]
	[ "$(head -n 1 "$out")" != "$(sed -n 2p "$out")" ]
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
	grep -v '^7$' items | cmp - "$out"
	has "$err" "item 7: $2$3"
	has "$err" "item 7 \"7\": crashed: $2"
	if grep -q '^#define HAVE_LIBBACKTRACE' "$abs_top_builddir/config.h"; then
		grep -q "  $4 at .*shelf\.c:[0-9]" "$err"
	else
		grep -q '  .*/shelf\.so+0x' "$err"
	fi
}

@test "last words: a null pointer" {
	last_words segv SIGSEGV ' at address 0x0' fault_segv
}

@test "last words: abort" {
	slow
	last_words abort SIGABRT '' fault_abort
}

# Not what abort is made of, nor what of rota's called the plugin.
@test "last words: begin in the plugin and end there" {
	slow
	case ${SANITIZER:-} in *address* | *thread*) skip "the sanitizer has its own words" ;; esac
	grep -q '^#define HAVE_LIBBACKTRACE' "$abs_top_builddir/config.h" || skip "no libbacktrace"
	expect 1 rota map -j1 "$bad/shelf.so" fault=abort <<<7
	is <(sed -n 's/^worker 1:   \([a-z_]*\).*/\1/p' "$err") $'fault_abort\nshelf_run'
}

@test "last words: of many crashes, those of the first, and names once a stack" {
	slow
	case ${SANITIZER:-} in *address* | *thread*) skip "the sanitizer has its own words" ;; esac
	seq 130 >many
	expect 1 rota map -q -j1 -i many "$bad/shelf.so" fault=segv when='*'
	has "$err" 'more crashes: no last words of theirs (-v shows all)'
	[ "$(grep -c 'SIGSEGV at address' "$err")" -eq 100 ]
	[ "$(grep -c '  as at item 1$' "$err")" -eq 99 ]
	[ "$(grep -c 'crashed: SIGSEGV' "$err")" -eq 100 ]
	[ "$(wc -l <"$err")" -le 320 ]
	expect 1 rota map -v -j1 -i many "$bad/shelf.so" fault=segv when='*'
	[ "$(grep -c 'SIGSEGV at address' "$err")" -eq 130 ]
}

@test "last words: a stack that has overflowed" {
	last_words stack SIGSEGV ' at address 0x' eat_stack
	has "$err" 'the stack has overflowed'
}

@test "last words: of a crash before the first item" {
	slow
	case ${SANITIZER:-} in *address* | *thread*) skip "the sanitizer has its own words" ;; esac
	expect 3 rota map "$bad/open-crash.so" <items
	has "$err" 'at no item: SIG'
}

@test "last words: none of an exit, and its code is told" {
	expect 1 rota map "$bad/shelf.so" fault=exit3 <items
	has "$err" 'item 7 "7": crashed: exit code 3'
	expect 1 rota map "$bad/shelf.so" fault=exit0 <items
	has "$err" 'item 7 "7": crashed: exit code 0'
}
