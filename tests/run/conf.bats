#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2030,SC2031,SC2317
#
# Conf files: jobs side by side and after one another, --set, and every error in one go.
load helper

setup() {
	cd "$BATS_TEST_TMPDIR" || return
}

two_jobs() {
	cat >two.yaml <<-END
		jobs:
		  capitals:
		    plugin: upper
		    input: lines:words
		    output: lines:capitals
		    backend: $backend
		  again:
		    plugin: identity
		    input: range:1-1000
		    output: numbers
		    jobs: 3
	END
	expect 0 rota check two.yaml
	expect 0 rota run two.yaml
	empty "$out"
	empty "$err"
	is capitals $'A\nB\nC'
	seq 1000 | cmp - numbers
}

@test "run: several jobs, each with its own source, sink and crew" {
	printf 'a\nb\nc\n' >words
	both_backends two_jobs
}

# Each job ends when the other has begun.
@test "run: jobs run side by side" {
	cat >both.yaml <<-'END'
		jobs:
		  one:
		    plugin: exec
		    options: {command: [sh, -c, ": >one; until [ -e two ]; do sleep 0.01; done"]}
		    input: range:1-1
		    output: none
		  two:
		    plugin: exec
		    options: {command: [sh, -c, ": >two; until [ -e one ]; do sleep 0.01; done"]}
		    input: range:1-1
		    output: none
	END
	expect 0 rota run both.yaml
}

@test "run: a job without input and output has the standard ones" {
	printf 'jobs:\n  only:\n    plugin: upper\n' >only.yaml
	expect 0 rota run only.yaml <<<$'a\nb'
	is "$out" $'A\nB'
}

chain() {
	rm -f middle
	cat >chain.yaml <<-END
		jobs:
		  last:
		    plugin: upper
		    after: $1
		    input: middle
		    output: lines:-
		    backend: $backend
		  first:
		    plugin: identity
		    input: range:1-2000
		    output: middle
		  other:
		    plugin: identity
		    input: range:1-3
		    output: none
	END
	expect 0 rota check chain.yaml
	expect 0 rota run chain.yaml
	seq 2000 | cmp - "$out"
}

@test "run: after: one name or a list, and its input needn't be there yet" {
	backend=process chain first
	backend=thread chain '[first, other]'
}

# bats test_tags=quick
@test "run: what comes after a job with failed items runs, after one that couldn't finish doesn't" {
	cat >after.yaml <<-END
		jobs:
		  first:
		    plugin: $bad/shelf.so
		    options: {fault: fail, when: 2}
		    input: range:1-3
		    output: middle
		  last:
		    plugin: upper
		    after: first
		    input: middle
		    output: lines:-
	END
	expect 1 rota run after.yaml
	is "$out" $'1\n3'
	has "$err" 'first: item 2 "2": failed'
	expect 3 rota run -s first.output=/dev/full -s last.input=/dev/null after.yaml
	empty "$out"
	has "$err" 'last'
}

# bats test_tags=quick
@test "run: messages and workers' words name their job" {
	cat >words.yaml <<-END
		jobs:
		  talker:
		    plugin: $bad/shelf.so
		    options: {fault: stdout, when: 2}
		    input: range:1-3
		    output: none
		  crasher:
		    plugin: $bad/shelf.so
		    options: {fault: kill, when: 2}
		    input: range:1-3
		    output: lines:-
	END
	expect 1 rota run words.yaml
	is "$out" $'1\n3'
	has "$err" 'crasher: item 2 "2": crashed: SIGKILL'
	grep -q '^talker: worker [0-9]*: junk on standard output$' "$err"
}

@test "run: --set overrides a key, of a job, of its options, of the run" {
	cat >set.yaml <<-END
		jobs:
		  one:
		    plugin: $bad/shelf.so
		    options: {fault: fail, when: 2}
		    input: range:1-3
	END
	expect 1 rota run set.yaml
	is "$out" $'1\n3'
	expect 0 rota run -s one.options.when=9 set.yaml
	is "$out" $'1\n2\n3'
	expect 0 rota run --set one.options.fault=none --set=one.input=range:5-6 set.yaml
	is "$out" $'5\n6'
	expect 0 rota run -s one.options.fault=none -s one.output=results -s one.jobs=2 set.yaml
	is results $'1\n2\n3'
	expect 2 rota run -s one.nothing=1 -s two.jobs=1 -s one -s one.jobs=x set.yaml
	has "$err" nothing
	has "$err" "no job 'two'"
	has "$err" 'JOB.KEY=VALUE'
	has "$err" "'x' isn't a number of workers"
}

@test "run: an option of a job holds for every job of the file" {
	printf 'jobs:\n  one:\n    plugin: identity\n    input: range:1-2000\n    output: none\n' >one.yaml
	expect 0 rota run -j 1 -vv one.yaml
	[ "$(grep -c 'worker [0-9]*: NONE -> STARTING' "$err")" -eq 1 ]
}

# bats test_tags=quick
@test "check: every error in one go, with file:line:column, job, key, and the nearest name" {
	cat >bad.yaml <<-'END'
		run:
		  trust-path: maybe
		  colour: red
		jobs:
		  upper:
		    plugin: uper
		    input: lines:/nonexistent/in
		    jobs: many
		    keep-ordr: yes
		  sleepy:
		    plugin: sleep
		    options:
		      ms: soon
		      spinn: yes
		    after: nobody
		    output: none
		  a:
		    plugin: identity
		    after: b
		    output: none
		    input: range:1-3
		  b:
		    plugin: identity
		    after: [a]
		    output: none
		    input: range:3-x
	END
	expect 2 rota check bad.yaml
	empty "$out"
	while read -r place word; do
		grep -F "bad.yaml:$place: " "$err" | grep -F -- "$word" ||
			{ echo "no error at $place with: $word"; show "$err"; return 1; }
	done <<-'END'
		2:15 'maybe'
		3:3 unknown key 'colour'
		6:13 did you mean 'upper'?
		7:12 /nonexistent/in can't be read
		8:11 job 'upper': jobs: 'many'
		9:5 job 'upper': unknown key 'keep-ordr', did you mean 'keep-order'?
		13:11 job 'sleepy': option 'ms'
		14:14 did you mean 'spin'?
		15:12 no job 'nobody'
		19:12 circle: a -> b -> a
	END
	grep -q "bad.yaml:26:.*range:3-x" "$err"
	[ "$(wc -l <"$err")" -eq 11 ]
	cp "$err" checked
	expect 2 rota run bad.yaml
	same "$err" checked
}

# wrong WORDS: what stands on standard input is refused with one error that has WORDS
wrong() {
	cat >wrong.yaml
	expect 2 rota check wrong.yaml
	has "$err" "wrong.yaml:$1"
	lines "$err" -le "${2:-1}"
	expect 2 rota run wrong.yaml </dev/null
	empty "$out"
}

@test "check: circles, of one and of three" {
	wrong '4:12: job '"'a': after" <<-'END'
		jobs:
		  a:
		    plugin: upper
		    after: a
	END
	wrong '3:29: after: these jobs wait for each other in a circle' <<-'END'
		jobs:
		  # x
		  a: {plugin: upper, after: [b], input: range:1-1, output: none}
		  b: {plugin: upper, after: c, input: range:1-1, output: none}
		  c: {plugin: upper, after: a, input: range:1-1, output: none}
	END
}

@test "check: what isn't YAML, or not of this kind" {
	wrong '1:1: the file is empty' </dev/null
	wrong '1:7: jobs' <<<'jobs: {}'
	wrong '1:1' <<<'- a list'
	wrong '1:1' <<<'just words'
	wrong '4:5: key '"'plugin' is already in line 3" <<-'END'
		jobs:
		  a:
		    plugin: upper
		    plugin: upper
	END
	wrong '5:' 2 <<-'END'
		jobs:
		  a:
		    plugin: upper
		    input: range:1-2
		   x: [
	END
	wrong '2:3: job '"'a'" <<<$'jobs:\n  a:\n    input: range:1-2'
	wrong '3:13: job '"'a': plugin: found a list" <<<$'jobs:\n  a:\n    plugin: [x]'
	wrong '1:' 100 <<<$'a: &a [x]\nb: [*a, *a]'
}

@test "check: hostile files: random bytes, much too large, deep" {
	head -c 100000 /dev/urandom >wrong.yaml
	expect 2 rota check wrong.yaml
	yes 'a: b' | head -c 2000000 >wrong.yaml
	expect 2 rota check wrong.yaml
	has "$err" '1 MB'
	head -c 500000 /dev/zero | tr '\0' '[' >wrong.yaml
	expect 2 rota check wrong.yaml
	[ "$(wc -l <"$err")" -le 3 ]
	head -c 500000 /dev/zero >wrong.yaml
	expect 2 rota check wrong.yaml
	mkdir folder
	expect 2 rota check folder nowhere.yaml
	has "$err" folder
	has "$err" nowhere.yaml
}

# bats test_tags=quick
@test "check: two jobs and one standard input, or one file" {
	cat >two.yaml <<-'END'
		jobs:
		  a: {plugin: upper}
		  b: {plugin: upper}
	END
	expect 2 rota check two.yaml
	has "$err" 'already reads standard input'
	has "$err" 'already writes to standard output'
	: >x
	cat >same.yaml <<-'END'
		jobs:
		  a: {plugin: upper, input: x, output: file}
		  b: {plugin: upper, input: x, output: ./file}
		  c: {plugin: upper, input: file, output: none}
		  d: {plugin: upper, input: x, output: x}
	END
	expect 2 rota check same.yaml
	has "$err" "same.yaml:3:40: job 'b': output: job 'a' also writes ./file"
	grep -q "same.yaml:4:29: job 'c': .*after" "$err"
	grep -q "same.yaml:5:40: job 'd': .*" "$err"
	[ ! -e file ]
}

@test "check: nothing is run, nothing is written" {
	echo precious >results
	printf 'jobs:\n  a:\n    plugin: upper\n    input: range:1-3\n    output: results\n' >fine.yaml
	expect 0 rota check fine.yaml
	is results precious
	expect 0 rota run --dry-run fine.yaml
	is results precious
}

@test "check: the examples are well, and run" {
	for file in "$abs_top_srcdir"/conf/*.yaml; do
		expect 0 rota check "$file"
	done
	expect 0 rota run "$abs_top_srcdir/conf/upper.yaml"
	LC_ALL=C tr '[:lower:]' '[:upper:]' </usr/share/common-licenses/GPL-3 | cmp - "$out"
}

one_ends_early() {
	rm -f a b
	mkfifo a b
	sed "s/backend: .*}/backend: $backend}/" both.yaml >"$backend.yaml"
	start "$ROTA" run "$backend.yaml" </dev/null
	exec 4<>a 5<>b
	printf '1\n2\n' >&4
	eventually has "$err" 'first: stopped'
	printf '3\n4\n' >&4 # nobody reads them any more
	before=$(ticks)
	sleep 0.5 # what is measured is that nothing happens
	after=$(ticks)
	kill "$run"
	exec 4>&- 5>&-
	ends 143
	echo "$((after - before)) ticks in 0.5 s"
	[ "$((after - before))" -le 5 ]
	nothing_left
}

@test "conf: a job that has ended leaves its input alone, and the others their CPU" {
	cat >both.yaml <<-END
		jobs:
		  first: {plugin: $bad/shelf.so, options: {fault: fail, when: "2"}, input: "lines:a", output: none,
		          max-failures: 0, jobs: 1, backend: process}
		  second: {plugin: upper, input: "lines:b", output: none, jobs: 1, backend: process}
	END
	backend=process one_ends_early
	[ "${ROTA_TESTS:-}" = quick ] || backend=thread one_ends_early
}

# mistake PLACE WORDS LINE...: one error, at that place of a job's lines (they begin in line 3)
mistake() {
	printf 'jobs:\n  a:\n' >wrong.yaml
	printf '    %s\n' "${@:3}" >>wrong.yaml
	expect 2 rota check wrong.yaml
	has "$err" "wrong.yaml:${1:+$1: }"
	has "$err" "$2"
	lines "$err" -eq 1
}

@test "the commonest mistakes of YAML: what is missing, where it is, once" {
	cd "$BATS_TEST_TMPDIR"
	mistake 3:11 "a colon is missing after 'plugin': write plugin: VALUE" 'plugin upper' 'output: none'
	mistake 3:11 'a space is missing after the colon: write plugin: upper' 'plugin:upper' 'output: none'
	mistake 4:10 "a colon is missing after 'input'" 'plugin: upper' 'input' 'output: none'
	mistake 4:12 "a value that begins with * must be quoted: write '*.txt'" 'plugin: upper' 'input: *.txt'
	mistake 4:12 "a value that begins with - must be quoted: write '-'" 'plugin: upper' 'input: -'
	mistake 5:16 "job 'a': command: found a map, expected a value: {} is an empty map in YAML, write '{}'" \
		'plugin: exec' 'options:' '  command: {}'
	mistake 5:23 "job 'a': command: found a map in the list, expected a value: {} is an empty map in YAML" \
		'plugin: exec' 'options:' '  command: [echo, {}]'
	mistake 6:9 "a value that begins with * must be quoted: write '*.txt'" \
		'plugin: exec' 'options:' '  command:' '  - *.txt # all'
	mistake 5:24 "a value that begins with * must be quoted: write '*.txt'" \
		'plugin: exec' 'options:' '  command: [ls, é, *.txt, x]'
	# The only line where keys are expected is a text to libyaml.
	mistake 3:11 "a colon is missing after 'plugin': write plugin: VALUE" 'plugin upper'
	mistake 3:11 'a space is missing after the colon: write plugin: upper' 'plugin:upper'
	mistake 5:13 "a colon is missing after 'suffix': write suffix: VALUE" 'plugin: upper' 'options:' '  suffix x'
	# What isn't one of them isn't taken for one.
	mistake 3:5 "job 'a': found a text, expected keys" 'upper'
	mistake '' 'not valid YAML: ' 'plugin: upper' 'input: "a' 'output none' 'foo bar'
}
