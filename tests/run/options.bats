#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2030,SC2031,SC2317
#
# The command line: help, versions, what is refused and how, the plugins and where they are looked for.
load helper

setup() {
	cd "$BATS_TEST_TMPDIR" || return
}

teardown() {
	[ -z "${folder:-}" ] || rm -rf "$folder"
}

# refuses WORDS ARGUMENTS: exit 2, one line, and nothing was run
refuses() {
	expect 2 rota "${@:2}" </dev/null
	empty "$out"
	has "$err" "$1"
	lines "$err" -eq 1
}

# bats test_tags=quick
@test "options: a value that was eaten, several that could be meant, units" {
	refuses "'upper' was taken as the value of --jobs, which needs a NUMBER" map -j upper
	refuses "'upper' was taken as the value of --input" map -i upper
	refuses "'ls' was taken as the value of --timeout, which needs a duration such as 10s" exec --timeout ls
	refuses "'a.yaml' was taken as the value of --journal, which needs a FILE" run --journal a.yaml
	expect 2 rota map -j 4
	if grep -q taken "$err"; then false; fi
	refuses '--max-r could mean --max-replace-args, --max-result: write it in full' map --max-r 5 upper
	refuses 'such as 500ms, 10s, 2m or 1h' map --timeout 5x upper
	refuses 'such as 64K, 512M or 2G' map --memory 5x upper
	refuses 'standard input' run -
	refuses 'standard input' check -
}

@test "plugins: a message names the file and keeps its reason" {
	long=$(printf '%05000d' 0)
	refuses 'File name too long' map "./$long.so"
	refuses "no plugin '000" map "$long"
	expect 3 rota map "$bad/open-crash.so" <<<a
	has "$err" "open-crash.so: 5 workers in a row"
}

@test "help and dry-run: defaults, and sizes as one writes them" {
	expect 0 rota help --all map
	tr -s ' \n' ' ' <"$out" >words
	for default in 'fails (default: 1G)' '(default: 64M, or less if memory is limited)' 'SIGTERM (default: 1s)' \
		'(default: none)'; do
		has words "$default"
	done
	expect 0 rota map --dry-run --memory 1536M --max-result 1000 --window 64M upper </dev/null
	has "$out" 'item 1G, result 1000 bytes, window 64M'
	has "$out" '1536M a worker'
}

@test "the default window follows the memory that the run may use; one that is given stays" {
	[ -z "${SANITIZER:-}" ] || skip "a sanitizer's own memory is in the way"
	limited() { (ulimit -v 524288; rota map -v --dry-run "$@" upper </dev/null); }
	expect 0 limited
	has "$out" 'window 32M'
	has "$err" "job 'map': a window of 32M, by the limit of the address space (ulimit -v)"
	expect 0 limited --window 100M
	has "$out" 'window 100M'
}

@test "help: of everything, on standard output, no line wider than a terminal" {
	expect 0 rota --help
	for command in map exec run check plugins; do
		has "$out" "  $command "
	done
	for command in map exec run check plugins; do
		expect 0 rota "$command" --help
		cp "$out" help
		empty "$err"
		expect 0 rota help "$command"
		same "$out" help
		expect 0 rota "$command" -h
		same "$out" help
		has help "Usage: rota $command"
		has help Examples:
		has help 'Exit status:'
		expand help | awk 'length($0) > 85 { is_wide = 1 } END { exit is_wide }'
		empty "$err"
	done
	expect 0 rota help exec
	lines "$out" -le 100
	grep -q "^[0-9]* more options are described by 'rota help --all exec'" "$out"
	rota help map --all >help
	for option in jobs backend input output null keep-order unordered max-item max-result window progress dry-run \
		trust-path quiet verbose version help; do
		has help "--$option"
	done
}

@test "version" {
	expect 0 rota --version
	grep -qE '^rota [0-9]+\.[0-9]+' "$out"
	cp "$out" version
	expect 0 rota -V
	same "$out" version
	expect 0 rota map --version
	same "$out" version
}

@test "help into a full disk is an error" {
	into_full() { rota --help >/dev/full; }
	expect 3 into_full
}

# bats test_tags=quick
@test "commands: missing, unknown, misspelt" {
	refuses 'a command is missing'
	refuses "did you mean 'map'?" mpa
	refuses "no command 'frobnicate'" frobnicate
	refuses 'options follow the command' -j4 map upper
	refuses "no command 'nothing'" help nothing
	refuses 'plugin is missing' map
	refuses 'command is missing' exec --
	refuses 'conf file is missing' run
	refuses 'conf file is missing' check
	refuses 'only one conf file can be given' run a.yaml b.yaml
	refuses "did you mean 'rota map upper'?" upper
	refuses "did you mean 'rota map ./mine.so'?" ./mine.so
	refuses "did you mean 'rota run jobs.yaml'?" jobs.yaml
	refuses 'KEY=VALUE' map upper lower
}

@test "options: unknown, misspelt, without a value, with one too many" {
	refuses 'unknown option --frobnicate' map --frobnicate upper
	refuses 'did you mean --jobs?' map --jbos=2 upper
	refuses 'unknown option -z' map -z upper
	refuses '--jobs needs a value' map upper --jobs
	refuses '--jobs needs a value' map upper -j
	refuses '--quiet takes no value' map --quiet=yes upper
	refuses "--set isn't an option" map --set a.b=c upper
	refuses "--jobs isn't an option" check --jobs=2
}

@test "options: those of xargs and parallel that rota has not are refused by name, with what to do" {
	refuses 'rota has no -p: rota never asks: look at the commands first with --dry-run' exec -p true
	refuses 'rota has no --sshlogin: rota runs on one machine' exec --sshlogin host true
	refuses 'rota has no -S: rota runs on one machine' exec -S host true
	refuses 'rota has no --sqlmaster: --journal keeps' exec --sqlmaster x true
	refuses 'rota has no --semaphore: flock(1)' exec --semaphore true
	refuses 'rota has no --rpl: there are no Perl expressions' exec --rpl x true
	refuses 'rota has no --profile: a conf file' exec --profile x true
	refuses 'rota has no --max-procs: it is --jobs' map --max-procs=3 upper
	refuses 'unknown option --semaphore' check --semaphore
	refuses 'unknown option --ss' exec --ss true
}

@test "options: out of range, or no number" {
	for jobs in 0 4097 x 1.5 0% +1% '' 100000000 99999999999999999999; do
		refuses "--jobs: '$jobs'" map "--jobs=$jobs" upper
	done
	refuses "--backend: 'threads'" map --backend=threads upper
	refuses "--max-item: '0'" map --max-item=0 upper
	refuses "--max-result: 'x'" map --max-result=x upper
	refuses "--window: '1'" map --window=1 upper
	refuses "--progress: 'sometimes'" map --progress=sometimes upper
	refuses "'files:'" map -i files: upper
	refuses 'none' map -o none:x upper
}

@test "options: other spellings of the same" {
	for options in -j3 '-j 3' --jobs=3 '--jobs 3' -P3 '-P 3' --workers=3 '--workers 3' --work=3; do
		# shellcheck disable=SC2086
		expect 0 rota map $options --dry-run identity <<<a
		has "$out" 'workers  3,'
	done
	expect 0 rota exec -j2 -uk -- echo -j <<<a
	is "$out" '-j a'
	expect 0 rota exec -j2 echo --jobs <<<a
	is "$out" '--jobs a'
}

@test "plugins: named by a path, by ROTA_PLUGIN_PATH, never by the current folder" {
	chmod 755 .
	mkdir here there
	cp "$plugins/upper.so" here/mine.so
	cp "$plugins/identity.so" there/mine.so
	expect 0 rota map --trust-path ./here/mine.so <<<a
	is "$out" A
	expect 0 rota map --trust-path "$PWD/there/mine.so" <<<a
	is "$out" a
	export ROTA_PLUGIN_PATH=$PWD/here:$PWD/there
	expect 0 rota map --trust-path mine <<<a
	is "$out" A
	export ROTA_PLUGIN_PATH=$PWD/there:$PWD/here
	expect 0 rota map --trust-path mine <<<a
	is "$out" a
	unset ROTA_PLUGIN_PATH
	cp here/mine.so .
	refuses "no plugin 'mine'" map --trust-path mine
	refuses './mine.so' map --trust-path mine.so
}

@test "plugins: a file that everybody may write, or in a folder that everybody may write, is refused" {
	open_folder
	cp "$plugins/upper.so" "$folder/mine.so"
	chmod 755 "$folder" "$folder/mine.so"
	try_all "$folder"
}

# In a sticky folder such as /tmp.
try_all() {
	expect 0 rota map "$1/mine.so" <<<a
	chmod o+w "$1/mine.so"
	refuses "$1/mine.so" map "$1/mine.so"
	has "$err" --trust-path
	expect 0 rota map --trust-path "$1/mine.so" <<<a
	chmod o-w "$1/mine.so"
	chmod o+w "$1"
	refuses "$1" map "$1/mine.so"
	chmod o+wt "$1"
	expect 0 rota map "$1/mine.so" <<<a
	[ "$(id -u)" -eq 0 ] || return 0
	chmod 775 "$1"
	chmod g+w "$1/mine.so"
	expect 0 rota map "$1/mine.so" <<<a
	chgrp 65534 "$1/mine.so"
	refuses 'chmod g-w' map "$1/mine.so"
	expect 0 rota map --trust-path "$1/mine.so" <<<a
	chmod g-w "$1/mine.so"
	chgrp 65534 "$1"
	refuses "group 65534 may write to $1 " map "$1/mine.so"
	chmod g-w "$1"
	chown 65534 "$1/mine.so"
	refuses "$1/mine.so" map "$1/mine.so"
	SUDO_UID=65534 expect 0 rota map "$1/mine.so" <<<a
}

@test "plugins: the list, and one with its options" {
	expect 0 rota plugins
	for plugin in exec identity sleep upper; do
		grep -q "^$plugin " "$out"
	done
	has "$out" "  $plugins"
	# the folder's name is as long as it is
	[ "$(grep -v "^  /" "$out" | awk '{ if (length($0) > most) most = length($0) } END { print most }')" -lt 80 ]
	expect 0 rota plugins sleep
	has "$out" ms
	has "$out" spin
	has "$out" 100
	expect 0 rota plugins "$plugins/upper.so"
	has "$out" upper
	refuses "no plugin 'nothing'" plugins nothing
}

@test "plugins: none is loaded into rota itself to be described" {
	expect 2 rota plugins "$bad/ctor-abort.so"
	has "$err" SIGABRT
	expect 2 rota plugins "$bad/ctor-exit.so"
}

@test "plugins: options of theirs, twice or without a value" {
	refuses "'ms' is given twice" map sleep ms=1 ms=2
	refuses "'ms'" map sleep ms
	refuses "did you mean 'ms'?" map sleep mss=1
	refuses "'loud'" map upper loud=yes
}

@test "quiet and verbose" {
	expect 1 rota map -q "$bad/shelf.so" fault=fail when=2 <<<$'1\n2'
	lines "$err" -eq 1
	has "$err" 'item 2 "2": failed'
	expect 0 rota map -v upper <<<a
	has "$err" '1 item, 1 ok'
	has "$err" worker
	expect 0 rota map upper <<<a
	empty "$err"
}

@test "dry-run: checks everything, runs nothing" {
	expect 0 rota map --dry-run -o results upper <<<a
	[ ! -e results ]
	has "$out" 'upper.so'
	has "$out" lines:results
	expect 2 rota map --dry-run -i nowhere upper
	expect 2 rota map --dry-run uper
}
