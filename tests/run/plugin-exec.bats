#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# The plugin exec and the command rota exec: what a command gets, and what becomes of how it ends.
load helper

setup() {
	cd "$BATS_TEST_TMPDIR" || return
}

# execs ITEMS COMMAND...: rota exec with the ITEMS (printf's format) and the backend of the test, or threads, which cost
# least
execs() {
	# shellcheck disable=SC2059
	printf "$1" >input
	rota exec -b "${backend:-thread}" -j 2 -- "${@:2}" <input
}

braces() {
	expect 0 execs 'a\nb c\n\n' printf '<%s>' '{}' 'x{}y{}z' '{' '}' '}{'
	is "$out" $'<a><xayaz><{><}><}{>\n<b c><xb cyb cz><{><}><}{>\n<><xyz><{><}><}{>'
}

# bats test_tags=quick
@test "exec: {} is the item anywhere in an argument, appended when absent" {
	both_backends braces
	expect 0 execs 'a b\n' echo x
	is "$out" 'x a b'
	expect 0 execs 'echo\n' '{}' the item is the program
	is "$out" 'the item is the program'
}

# shellcheck disable=SC2016
@test "exec: no shell sees the command" {
	expect 0 execs '$HOME; "*"\n' echo '$HOME' '*' '>file'
	is "$out" '$HOME * >file $HOME; "*"'
	[ ! -e file ]
}

environment() {
	# shellcheck disable=SC2016
	expect 0 execs 'a b\nc\n' sh -c 'echo "$ROTA_ITEM|$ROTA_SEQ|$ROTA_ATTEMPT|$OTHER|$1"; env | grep -c ^ROTA_ITEM=' sh
	is "$out" $'a b|1|1|kept|a b\n1\nc|2|1|kept|c\n1'
}

@test "exec: ROTA_ITEM, ROTA_SEQ and ROTA_ATTEMPT, and the environment otherwise" {
	export OTHER=kept ROTA_ITEM=mine
	both_backends environment
}

@test "exec: standard input is empty, and other descriptors of rota's aren't there" {
	inherited=$(sh -c 'ls /proc/self/fd | wc -l')
	backend=process expect 0 execs 'a\n' sh -c 'cat; ls /proc/self/fd | wc -l'
	[ "$(<"$out")" -le "$inherited" ]
}

# shellcheck disable=SC2016
endings() {
	expect 1 execs '0\n3\nTERM\nKILL\nPIPE\n0\n' sh -c '
		echo out $1
		case $1 in [0-9]) exit $1 ;; *) kill -$1 $$ ;; esac' sh
	is "$out" $'out 0\nout 3\nout TERM\nout KILL\nout PIPE\nout 0'
	has "$err" 'exited with code 3'
	has "$err" 'killed by SIGTERM'
	has "$err" 'killed by SIGKILL'
	has "$err" 'killed by SIGPIPE'
}

# bats test_tags=quick
@test "exec: the exit status decides" {
	both_backends endings
}

# bats test_tags=quick
@test "exec: a command that can't be run fails its item, and says why" {
	echo 'echo hi' >script
	chmod +x script
	: >no-program
	expect 1 execs 'no-program\n' './{}'
	has "$err" "cannot run './no-program': Permission denied"
	expect 1 execs 'a\n' ./script
	has "$err" "#!/bin/sh"
	expect 1 execs 'echo\nnowhere-at-all\n' '{}' there
	is "$out" there
	has "$err" "cannot run 'nowhere-at-all'"
}

# shellcheck disable=SC2016
@test "exec: PATH is searched as a shell does" {
	mkdir one two three
	echo text >one/tool
	mkdir two/tool
	printf '#!/bin/sh\necho "three $0"\n' >three/tool
	chmod +x three/tool
	PATH=$PWD/one:$PWD/two:$PWD/three:$PATH expect 0 execs 'a\n' tool
	is "$out" "three $PWD/three/tool"
}

# shellcheck disable=SC2016
words_on_stderr() {
	expect 0 execs 'a\nb\n' sh -c 'echo "first of $ROTA_SEQ" >&2; printf "last of $ROTA_SEQ" >&2; echo result' sh
	is "$out" $'result\nresult'
	for n in 1 2; do
		grep "first of $n\$" "$err" | grep "$n.*first of"
		has "$err" "last of $n"
	done
}

# bats test_tags=quick
@test "exec: standard error is logged line by line, with the item's number" {
	both_backends words_on_stderr
}

@test "exec: of a flood on standard error not all is logged" {
	expect 0 execs 'a\n' sh -c 'yes error | head -c 1000000 >&2; echo result'
	is "$out" result
	[ "$(wc -c <"$err")" -lt 500000 ]
	has "$err" 'more bytes of standard error'
}

@test "exec: output is the result, verbatim, with a newline where it lacks one" {
	expect 0 execs 'a\nb' printf '{}'
	is "$out" $'a\nb'
	expect 0 execs 'a\nb\n' echo '{}'
	is "$out" $'a\nb'
	expect 0 execs 'a\nb\n' printf '{}\n\n'
	is "$out" $'a\n\nb\n'
	expect 0 execs 'a\nb\n' true
	empty "$out"
}

# shellcheck disable=SC2016
large_output() {
	expect 0 execs '5000000\n1\n' sh -c 'yes | head -c $1' sh
	{ yes | head -c 5000000; printf 'y\n'; } >wanted
	same "$out" wanted
}

@test "exec: output larger than any ring" {
	both_backends large_output
}

# shellcheck disable=SC2016
too_large() {
	rm -f pid
	expect 1 rota exec -b "$backend" --max-result 100K -- sh -c 'echo $$ >pid; exec yes {}' <<<a
	empty "$out"
	has "$err" max-result
	if kill -0 "$(<pid)"; then
		echo "the command still runs"
		return 1
	fi
}

@test "exec: a command whose result is too large is stopped" {
	both_backends too_large
}

# shellcheck disable=SC2016
leftovers() {
	rm -f pid
	expect 0 execs 'a\nb\n' sh -c 'sleep 300 & echo $! >>pid; echo $1' sh
	is "$out" $'a\nb'
	xargs -a pid -r kill 2>/dev/null || true
}

@test "exec: an item ends when its command exits, whoever holds the pipe" {
	both_backends leftovers
}

@test "exec: and when its command has closed its output" {
	expect 1 execs 'a\n' sh -c 'echo before; exec >&- 2>&-; sleep 0.2; exit 4'
	has "$err" 'exited with code 4'
}

too_long() {
	{ echo a; head -c 200000 /dev/zero | tr '\0' x; echo; head -c 3000000 /dev/zero | tr '\0' x; echo; echo b; } >items
	expect 1 rota exec -b "$backend" -- echo <items
	is "$out" $'a\nb'
	counts 2 "$err" 'too long'
}

@test "exec: a command too long is that item's failure" {
	both_backends too_long
}

@test "exec: an item with a NUL byte inside fails" {
	printf 'a\nb\0c\nd\n' >items
	expect 1 rota exec -- echo <items
	is "$out" $'a\nd'
	has "$err" 'NUL byte'
}

many() {
	seq 50 >items
	expect 0 rota exec -b "$backend" -j 8 -- echo <items
	same "$out" items
}

@test "exec: many at a time, results in order" {
	both_backends many
}

@test "exec: as a plugin its command is a list" {
	expect 0 rota map exec 'command=printf,%s.%s,{},a\,b' <<<x
	is "$out" 'x.a,b'
	expect 3 rota map exec shell=no <<<x
	has "$err" 'shell=no'
}

@test "exec: a command is needed" {
	expect 2 rota exec -- </dev/null
	expect 2 rota exec --timeout ls </dev/null
}

# refused COMMAND...: nothing is read, and $err says why and what to write
refused() {
	expect 2 rota exec "$@" <items
	empty "$out"
	lines "$err" -eq 1
}

@test "exec: a command that no item could make right is refused at once, with what to write" {
	seq 1000 >items
	: >data
	refused -- cd {}
	has "$err" "sh -c 'cd \"\$1\" && ...' sh {}"
	refused A=b env
	has "$err" 'write env A=b ...'
	refused nowhere-at-all {}
	has "$err" "cannot run 'nowhere-at-all': No such file or directory: it isn't in PATH"
	refused ./nowhere
	has "$err" 'the directory in which rota is started'
	refused ./data
	has "$err" 'chmod +x'
	refused /
	has "$err" 'Is a directory'
	refused ''
	has "$err" 'give the name of a program'
}

@test "exec: a program that an item names, or a job before this one makes, is looked for later" {
	expect 1 rota exec {} <<<nowhere
	expect 0 rota exec '/bin/{}' <<<true
	cat >chain.yaml <<-'END'
		jobs:
		  make: {plugin: exec, input: 'range:1-1', output: none, options: {command: [sh, -c, 'cp /bin/true tool']}}
		  use: {plugin: exec, after: make, input: 'range:1-1', output: none, options: {command: [./tool]}}
	END
	expect 0 rota run chain.yaml
}

@test "exec: check finds a bad command, with its place" {
	cat >bad.yaml <<-'END'
		jobs:
		  one:
		    plugin: exec
		    options:
		      command: wc -l {}
		      shell: no
		  two:
		    plugin: exec
		    input: range:1-2
		    output: none
		    options:
		      command: [nowhere-at-all]
	END
	sed -i 's/^  one:$/&\n    input: range:1-1\n    output: none/' bad.yaml
	expect 2 rota check bad.yaml
	has "$err" 'bad.yaml:7:16: '
	has "$err" 'write its words as a list: command: [wc, -l, "{}"]'
	has "$err" 'bad.yaml:14:1'
	has "$err" "cannot run 'nowhere-at-all'"
}

@test "exec: a sign of the shell alone is warned of, once" {
	expect 0 rota exec echo {} '|' wc '>' '&&' <<<$'a\nb'
	is "$out" $'a | wc > &&\nb | wc > &&'
	counts 1 "$err" "'|' is an ordinary argument of echo, because no shell is involved: to use one, give --shell"
	has "$err" 'or quote the command as one word'
	# which then does it
	expect 0 rota exec 'echo {} | wc -w' <<<$'a\nb'
	lines "$out" -eq 2
	empty "$err"
	expect 0 rota exec --shell echo {} '|' cat <<<a
	is "$out" a
	expect 0 rota exec find {} -prune -exec echo '{}' ';' <<<.
	empty "$err"
}
