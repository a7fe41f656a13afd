#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Options of every kind, from the command line into a plugin that tells what it was given.
load helper

# tells WANTED KEY=VALUE...: the plugin was given WANTED
tells() {
	expect 0 rota map -b thread --trust-path "$bad/options.so" "${@:2}" <<<item
	is "$out" "$1"
}

# refuses KEY=VALUE...: exit 2, and a line for each, with the key and the value as it was given
refuses() {
	expect 2 rota map --trust-path "$bad/options.so" "$@" <<<item
	empty "$out"
	lines "$err" -eq $#
	for option; do
		has "$err" "option '${option%%=*}' of plugin 'options': '${option#*=}' is"
	done
}

@test "options: each has its default" {
	expect 0 rota map --trust-path "$bad/options.so" <<<item
	is "$out" 'string=some text int=42 bool=no size=65536 duration=1500000000 choice=small list=2[a][b]'
}

# The columns: strings are any text; integers, booleans, sizes, durations, choices, lists.
@test "options: values of each kind, in each way that one may be written" {
	tells 'string= int=-100 bool=yes size=4096 duration=500000000 choice=safe list=3[x][y z][]' \
		string= int=-100 bool=yes size=4096 duration=500ms choice=safe 'list=x,y z,'
	tells 'string=a=b, "c" int=31 bool=yes size=1073741824 duration=10000000000 choice=small list=1[a,b]' \
		'string=a=b, "c"' int=0x1f bool=true size=1G duration=10s 'list=a\,b'
	tells 'string=some text int=10000 bool=yes size=65536 duration=120000000000 choice=small list=0' \
		int=10k bool=on size=64K duration=2m list=
	quick || {
		tells 'string=some text int=42 bool=yes size=1610612 duration=3600000000000 choice=small list=2[a][b]' \
			bool=1 size=1610612 duration=1h
		tells 'string=some text int=42 bool=no size=65536 duration=3000000000 choice=small list=2[a][b]' \
			bool=no duration=3
		for value in false off 0; do
			tells 'string=some text int=42 bool=no size=65536 duration=1500000000 choice=small list=2[a][b]' \
				bool="$value"
		done
	}
}

@test "options: what is no value of its kind is refused, each with its own words" {
	refuses int= bool= size= duration= choice=
	refuses int=x bool=2 size=x duration=x choice=saf
	refuses int=1.5 bool=maybe size=0 duration=61m choice=large
	refuses int=12x size=2G duration=-1s
	refuses int=-101 size=-1 duration=5y
	refuses int=100001 size=64Q
	refuses int=99999999999999999999
}

@test "options: a name that isn't there is refused, the nearest one suggested" {
	expect 2 rota map --trust-path "$bad/options.so" durration=1s <<<item
	empty "$out"
	has "$err" "'durration'"
	has "$err" "'duration'"
}

@test "options: rota plugins shows all of them" {
	expect 0 rota plugins "$bad/options.so"
	for word in string int bool size duration choice list 64K 1500ms apples fast,small,safe -100..100000; do
		has "$out" "$word"
	done
}
