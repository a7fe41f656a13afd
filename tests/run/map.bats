#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2030,SC2031,SC2094,SC2317
#
# The main job: results are there, all of them, in order, whatever the number of workers, the backend and the items.
load helper

setup() {
	cd "$BATS_TEST_TMPDIR" || return
}

all_in_order() { # WORKERS...
	for jobs; do
		expect 0 rota map -b "$backend" -j "$jobs" upper <items
		same "$out" items
		empty "$err"
	done
}

# bats test_tags=quick
@test "map: every item in order, for one, two and seven workers" {
	seq 100000 >items
	backend=process all_in_order 1 2 7
	backend=thread all_in_order 2 7
}

@test "map: a million" {
	seq 1000000 >items
	expect 0 rota map upper <items
	same "$out" items
}

unordered() { # WORKERS...
	for jobs; do
		expect 0 rota map -u -b "$backend" -j "$jobs" upper <items
		LC_ALL=C sort "$out" | cmp - sorted
	done
}

# bats test_tags=quick
@test "map: -u gives the same results, in any order" {
	seq 20000 >items
	LC_ALL=C sort items >sorted
	backend=process unordered 1 3
	backend=thread unordered 3
}

@test "map: -u doesn't wait for a slow item" {
	mkfifo in results
	expect 0 timeout -k 2 60 bash -c '"$1" map -u -j 2 "$2" fault=until-cancelled when=slow <in >results & run=$!
		exec 3>in 4<results
		printf "slow\nfast\n" >&3
		read -r first <&4
		echo "$first"
		kill -KILL $run' - "$ROTA" "$bad/shelf.so"
	is "$out" fast
}

spinning() {
	expect 0 rota map -b "$backend" --spin -j 1 upper <items
	same "$out" items
	mkfifo "in.$backend"
	start "$ROTA" map -b "$backend" --spin -j 1 -i "in.$backend" upper
	exec 4<>"in.$backend"
	echo one >&4
	eventually grep -qx ONE "$out"
	eventually all_asleep
	echo two >&4
	eventually grep -qx TWO "$out"
	kill "$run"
	exec 4>&-
	ends 143
	nothing_left
}

# Each thread of the run.
all_asleep() {
	local pid
	for pid in $(processes); do
		! grep -hv '^[0-9]* (.*) S' /proc/"$pid"/task/*/stat || return 1
	done
}

@test "map: --spin, and who has had nothing to do for a while sleeps" {
	seq 20000 >items
	both_backends spinning
}

@test "map: --spin says when there are too few CPUs" {
	expect 0 rota map --spin -j 4000 --dry-run upper </dev/null
	has "$err" "job 'map': spin needs a CPU for each of 4000 workers and one for rota, but there are only"
	expect 0 taskset -c "$(taskset -cp $$ | sed 's/.*[:, -] *//')" "$ROTA" map --spin --dry-run upper </dev/null
	has "$err" "job 'map': spin needs a CPU for each of 1 worker and one for rota, but there are only 1: this makes"
}

@test "map: the last of -k and -u counts" {
	seq 1000 >items
	expect 0 rota map -u -k -j 4 upper <items
	same "$out" items
	expect 0 rota map -uj4 --keep-order upper <items
	same "$out" items
}

# A slow item here and there, so that batches are taken back and others' go on.
uneven() {
	expect 0 rota map -b "$backend" -j 4 sleep ms=0 <items
	same "$out" items
}

@test "map: items of very different length stay in order" {
	awk 'BEGIN { for (i = 0; i < 10000; i++) print i % 1000 == 7 ? "20." i : "x" i }' >items
	both_backends uneven
}

odd_bytes() {
	expect 0 rota map -b "$backend" -j 2 identity <items
	same "$out" items
}

# bats test_tags=quick
@test "map: bytes of every kind pass, newline alone is a border" {
	{
		printf '\n\n  \t\r\na\0b\0\n\377\376\300\200\n"quo'"'"'te\\\n$HOME *\n%%s\n'
		printf '%b' "$(printf '\\x%02x' {1..255})"
		echo
	} >once
	# shellcheck disable=SC2046 # 200 names
	cat $(yes once | head -200) >items
	both_backends odd_bytes
}

@test "map: only empty items" {
	yes '' | head -5000 >items
	both_backends odd_bytes
}

no_newline() {
	expect 0 rota map -b "$backend" identity <items
	is "$out" "$1"
}

@test "map: the last line may lack its newline, its result has one" {
	printf 'a\nb' >items
	both_backends no_newline $'a\nb'
	printf 'b' >items
	backend=process no_newline b
	printf '\n' >items
	backend=thread no_newline ''
}

# No worker is started: a plugin that can't open one doesn't matter.
no_items() {
	expect 0 rota map -b "$backend" upper <items
	empty "$out"
	empty "$err"
	expect 0 rota map -b "$backend" -i range:2-1 "$bad/open-refuse.so" <items
	empty "$out"
}

@test "map: without items there are no results, and no worker is started" {
	: >items
	both_backends no_items
}

large_items() {
	expect 0 rota map -b "$backend" -j 2 upper <items
	same "$out" items
}

@test "map: an item of 8 MB between small ones" {
	{ seq 1000; head -c 8000000 /dev/zero | tr '\0' X; echo; seq 1000; } >items
	both_backends large_items
}

@test "map: items of every size around the limits of buffers" {
	awk 'BEGIN { s = "X"; while (length(s) < 300000) s = s s
		n = split("4096 32767 32768 32769 65535 65536 65537 131071 131072 131073 262143 262144 262145", sizes, " ")
		for (i = 1; i <= n; i++) for (k = -1; k <= 1; k++) { print substr(s, 1, sizes[i] + 8 * k); print i } }' >items
	both_backends large_items
}

nul_items() {
	expect 0 rota map -b "$backend" -0 identity <items
	is "$out" $'a\nb\n\n\nc'
	expect 0 rota map -b "$backend" --null -o nul:results identity <items
	same results items
}

@test "map: -0 reads items that end with NUL, newlines in them are theirs" {
	printf 'a\nb\0\0\nc\0' >items
	both_backends nul_items
}

# bats test_tags=quick
@test "map: results, a write each, none without a write, an empty one for an empty write" {
	for backend in process thread; do
		expect 0 rota map -b "$backend" "$bad/shelf.so" fault=named \
			<<<$'1\n!no-result\n3\n!empty-result\n5\n!reserve-only\n7'
		is "$out" $'1\n3\n\n5\n7'
	done
}

seqs() {
	expect 0 rota map -b "$backend" -j 3 "$bad/shelf.so" tell=seq <items
	same "$out" numbers
	expect 0 rota map -b "$backend" -j 3 "$bad/shelf.so" tell=attempt <items
	[ "$(sort -u "$out")" = 1 ]
	expect 0 rota map -b "$backend" -j "$1" "$bad/shelf.so" tell=seed <items
}

@test "map: items are numbered from 1, attempts too; a seed is its item's, whatever worker has it" {
	yes same | head -2000 >items
	seq 2000 >numbers
	backend=process seqs 3
	[ "$(sort -u "$out" | wc -l)" -eq 2000 ]
	cp "$out" seeds
	backend=thread seqs 1
	same "$out" seeds
}

failures() {
	expect 1 rota map -b "$backend" -j 2 "$bad/shelf.so" fault=named <items
	is "$out" $'1\n3\n5\n7\n9'
	counts 1 "$err" 'item 2 "!fail": failed: failed on order'
	counts 1 "$err" 'item 4 "!fail-late": failed: failed on order, late'
	counts 1 "$err" 'item 6 "!fail-silent": failed'
	counts 1 "$err" 'item 8 "!fail-ignored": failed: failed on order'
	counts 4 "$err" ': failed'
	has "$err" '9 items, 5 ok, 4 failed'
}

# bats test_tags=quick
@test "map: a failed item has no result, is named with its cause, and makes the exit status 1" {
	printf '%s\n' 1 '!fail' 3 '!fail-late' 5 '!fail-silent' 7 '!fail-ignored' 9 >items
	both_backends failures
}

too_large() {
	expect 1 rota map -b "$backend" -j 2 --max-result 300K "$bad/shelf.so" fault=named <items
	is "$out" $'1\n3\n5'
	counts 1 "$err" 'item 2 "!toolong":'
	counts 1 "$err" 'item 4 "!toolong-ignored":'
	counts 2 "$err" max-result
}

@test "map: a result over --max-result is its item's failure" {
	printf '%s\n' 1 '!toolong' 3 '!toolong-ignored' 5 >items
	both_backends too_large
}

item_too_large() {
	expect 1 rota map -b "$backend" -j 2 --max-item 100K upper <items
	is "$out" $'1\n2\n3\n4'
	has "$err" 'item 3 "xxx'
	has "$err" max-item
}

# bats test_tags=quick
@test "map: an item over --max-item is its own failure, the next is whole" {
	{ seq 2; head -c 5000000 /dev/zero | tr '\0' x; echo; seq 3 4; } >items
	both_backends item_too_large
}

@test "map: an item of exactly --max-item, a result of exactly --max-result" {
	printf '12345678\n123456789\n' >items
	expect 1 rota map --max-item 8 identity <items
	is "$out" 12345678
	expect 1 rota map --max-result 8 identity <items
	is "$out" 12345678
}

@test "map: items of other plugins' exec and sha256 too: find | map sha256 is what sha256sum says" {
	find /usr/share/doc -xdev -type f 2>/dev/null | head -300 >items
	expect 0 rota map sha256 <items
	xargs -d '\n' -a items sha256sum -- >sums
	same "$out" sums
}

@test "map: workers that have nothing to do aren't started" {
	expect 0 rota map -vv -j 8 upper <<<one
	counts 1 "$err" ': NONE -> STARTING'
}

@test "map: all workers work, each in a process of its own" {
	seq 60 >items
	expect 0 rota map -j 3 exec 'command=sh,-c,sleep 0.02; echo $PPID' <items
	[ "$(sort -u "$out" | wc -l)" -eq 3 ]
}

@test "map: options may stand behind the plugin" {
	expect 0 rota map identity -j 2 --input range:1-3
	is "$out" $'1\n2\n3'
}
