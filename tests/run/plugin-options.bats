#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Options of every kind, from the command line into a plugin that tells what it was given.
load helper

# tells WANTED [KEY=VALUE]...
tells() {
	expect 0 rota map --trust-path "$bad/options.so" "${@:2}" <<<item
	has "$out" "$1"
}

# refuses WORD KEY=VALUE: exit 2, and a message with WORD and the key in it
refuses() {
	expect 2 rota map --trust-path "$bad/options.so" "$2" <<<item
	empty "$out"
	has "$err" "$1"
	has "$err" "${2%%=*}"
}

@test "options: each has its default" {
	tells 'string=some text int=42 bool=no size=65536 duration=1500000000 choice=small list=2[a][b]'
}

@test "options: strings are any text" {
	tells 'string= int' string=
	tells 'string=a=b, "c" int' 'string=a=b, "c"'
}

# bats test_tags=quick
@test "options: integers" {
	tells 'int=-100 ' int=-100
	tells 'int=31 ' int=0x1f
	tells 'int=10000 ' int=10k
	for value in '' x 1.5 12x -101 100001 99999999999999999999; do
		refuses "'$value'" "int=$value"
	done
}

@test "options: booleans" {
	for value in yes true on 1; do tells 'bool=yes ' "bool=$value"; done
	for value in no false off 0; do tells 'bool=no ' "bool=$value"; done
	for value in '' 2 maybe; do refuses "'$value'" "bool=$value"; done
}

# bats test_tags=quick
@test "options: sizes" {
	tells 'size=4096 ' size=4096
	tells 'size=65536 ' size=64K
	tells 'size=1073741824 ' size=1G
	tells 'size=1610612 ' size=1610612
	for value in '' x 0 2G -1 64Q; do refuses "'$value'" "size=$value"; done
}

@test "options: durations" {
	tells 'duration=500000000 ' duration=500ms
	tells 'duration=10000000000 ' duration=10s
	tells 'duration=120000000000 ' duration=2m
	tells 'duration=3600000000000 ' duration=1h
	tells 'duration=3000000000 ' duration=3
	for value in '' x 61m -1s 5y; do refuses "'$value'" "duration=$value"; done
}

@test "options: choices" {
	tells 'choice=safe ' choice=safe
	for value in '' saf large; do refuses "'$value'" "choice=$value"; done
}

@test "options: lists" {
	tells 'list=3[x][y z][]' 'list=x,y z,'
	tells 'list=1[a,b]' 'list=a\,b'
	tells 'list=0' list=
}

@test "options: a name that isn't there is refused, the nearest one suggested" {
	refuses duration durration=1s
}

@test "options: rota plugins shows all of them" {
	expect 0 rota plugins "$bad/options.so"
	for word in string int bool size duration choice list 64K 1500ms apples fast,small,safe -100..100000; do
		has "$out" "$word"
	done
}
