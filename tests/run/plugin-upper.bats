#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# The plugins upper and identity: bytes of every kind, items of every length.
load helper

# Lines of 0 to 70 bytes, so that each way through a vector loop and its rest is taken, with all bytes but newline.
setup_file() {
	local items=$BATS_FILE_TMPDIR/items
	LC_ALL=C awk 'BEGIN {
		text = "the quick brown fox, JUMPS over [the] lazy {dog} @`az" "\047" "AZ~ 0123456789 once more"
		for (n = 0; n <= 70; n++)
			print substr(text, 1, n)
	}' >"$items"
	# shellcheck disable=SC2059 # the bytes are the format
	printf "$(printf 'a\\x%xz\\n' {0..9} {11..255})" >>"$items"
	LC_ALL=C tr '[:lower:]' '[:upper:]' <"$items" >"$items.upper"
}

setup() {
	items=$BATS_FILE_TMPDIR/items
}

# bats test_tags=quick
@test "upper: ASCII letters become capitals, all other bytes stay" {
	expect 0 try upper <"$items"
	same "$out" "$items.upper"
}

upper_items() {
	expect 0 rota map -b "$backend" -j 3 upper <"$items"
	same "$out" "$items.upper"
}

@test "upper: the same in a run" {
	both_backends upper_items
}

identity_items() {
	expect 0 rota map -b "$backend" -j 3 identity <"$items"
	same "$out" "$items"
}

@test "identity: items stay as they are" {
	expect 0 try identity <"$items"
	same "$out" "$items"
	both_backends identity_items
}

large_items() {
	expect 0 rota map -b "$backend" -j 2 "$1" <"$items.large"
	same "$out" "$items.$2"
}

@test "upper, identity: items larger than any ring" {
	items=$BATS_TEST_TMPDIR/items
	awk 'BEGIN {
		x = "x"
		while (length(x) < 5000000)
			x = x x
		n = split("65535 65536 65537 131073 5000000", size, " ")
		for (i = 1; i <= n; i++)
			print substr(x, 1, size[i])
	}' >"$items.large"
	tr x X <"$items.large" >"$items.capitals"
	backend=process large_items identity large
	backend=thread large_items upper capitals
}

@test "upper, identity: an item without newline at the end is an item, an empty line is an empty one" {
	items=$BATS_TEST_TMPDIR/items
	printf 'a\n\nb' >"$items"
	expect 0 try upper <"$items"
	is "$out" $'A\n\nB'
	expect 0 rota map identity <"$items"
	is "$out" $'a\n\nb'
}

@test "upper: no items, no results" {
	expect 0 try upper </dev/null
	empty "$out"
	empty "$err"
}

@test "upper has no options" {
	expect 2 rota map upper loud=yes </dev/null
	has "$err" loud
}
