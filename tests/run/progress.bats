#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2030,SC2031,SC2317
#
# What a run says of itself while it goes on: nothing into a pipe, one live line on a terminal, JSON for programs.
load helper

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	seq -f 'item %g' 80 >items # numbers would be times for sleep
}

@test "progress: nothing in a pipe" {
	expect 0 rota map -j 1 sleep ms=10 <items
	empty "$err"
	expect 0 rota map --progress never sleep ms=1 <items
	empty "$err"
}

# bats test_tags=quick
@test "progress: a summary when something failed, in one line" {
	expect 1 rota map "$bad/shelf.so" fault=fail when='item 3' <items
	[ "$(wc -l <"$err")" -eq 2 ]
	has "$err" '80 items, 79 ok, 1 failed'
}

# on_a_terminal FILE COMMAND: standard error and output are a terminal's, what it showed is in FILE
on_a_terminal() {
	command -v script >/dev/null || skip "script is missing"
	script -qc true /dev/null >/dev/null 2>&1 </dev/null || skip "no terminal is to be had"

	TERM=xterm SHELL=/bin/sh timeout -k 2 60 script -qec "$2" "$1" >/dev/null </dev/null
}

@test "progress: a live line on a terminal, and the summary at the end" {
	export ROTA bad

	on_a_terminal shown '"$ROTA" map -j 1 sleep ms=10 <items >results'
	same results items
	# drawn several times, always in place
	[ "$(grep -ao $'\r' shown | wc -l)" -ge 3 ]
	grep -aqE '80 items, 80 ok' shown
	grep -aqE 'items/s|/s' shown
	# nothing of the line is left behind the last one: it ends with a newline
	[ "$(tail -n 1 shown | tr -d '\r')" = "" ] || tail -n 1 shown | grep -aq 'Script done'
}

@test "progress: a total and an ETA where the number of items is known" {
	export ROTA

	on_a_terminal shown '"$ROTA" map -j 1 -i range:1000001-1000040 -o none exec "command=sh,-c,sleep 0.01"'
	grep -aqF '40' shown
	grep -aqi 'eta\|left' shown
}

@test "progress: messages don't tear the live line" {
	export ROTA bad

	on_a_terminal shown '"$ROTA" exec -j 1 -i range:1-40 -o none -- sh -c "sleep 0.01; echo word \$1 >&2" sh'
	[ "$(tr '\r' '\n' <shown | sed 's/\x1b\[[0-9;?]*[A-Za-z]//g' | grep -acE '^[^ ]*.*word [0-9]+$')" -eq 40 ]
}

# says_true TOTAL FILE...: each ETA is what the items that are left take at the pace that is said with it
says_true() {
	python3 - "$@" <<-'END'
		import json, sys
		total = int(sys.argv[1])
		for name in sys.argv[2:]:
		    objects = [json.loads(line) for line in open(name) if line.startswith("{")]
		    told = [o for o in objects if o["eta_s"] is not None]
		    assert told, (name, objects)
		    for o in told:
		        left_s = (total - o["finished"]) / o["rate_per_s"]
		        assert left_s / 1.5 - 0.1 <= o["eta_s"] <= left_s * 1.5 + 1, (name, left_s, o)
		    assert objects[-1]["final"] and objects[-1]["total"] == total, (name, objects[-1])
	END
}

@test "progress: the ETA of a file is that of what is finished, not of what was read" {
	command -v python3 >/dev/null || skip "python3 is missing"
	seq -f 'item %04g' 400 >many
	local pids=()
	# they sleep: side by side
	rota map -j 2 --progress json -o none -i many sleep ms=10 2>kept 3>&- &
	pids+=($!)
	rota map -u -j 2 --progress json -o none -i many sleep ms=10 2>unordered 3>&- &
	pids+=($!)
	rota map -b thread -j 2 --progress json -o none sleep ms=10 <many 2>threads 3>&- &
	pids+=($!)
	for pid in "${pids[@]}"; do
		wait "$pid"
	done
	says_true 400 kept unordered threads
}

@test "progress: the same for a run that is gone on from; a pipe has a total at its end" {
	command -v python3 >/dev/null || skip "python3 is missing"
	seq -f 'item %04g' 400 >many
	start "$ROTA" map -j 2 --journal j -i many -o results sleep ms=10
	eventually grep -q 'item 0100' results
	kill -INT "$run"
	ends 130
	expect 0 rota map -j 2 --progress json --journal j --resume -i many -o results sleep ms=10
	same results many
	says_true 400 "$err"
	head -n 200 many | expect 0 rota map -j 2 --progress json sleep ms=10
	has "$err" '"total":null'
	has "$err" '"finished":200,"total":200'
}

@test "progress: nothing is drawn over a pager" {
	export ROTA
	seq -f 'item %g' 50 >items # half a second
	on_a_terminal shown '"$ROTA" map -j 1 sleep ms=10 <items | cat'
	[ "$(grep -ac $'\033\[J' shown)" -eq 0 ]
	[ "$(grep -ac '^item ' shown)" -eq 50 ]
}

@test "progress: it is drawn beside a pager when it is asked for, or when results are in a file" {
	export ROTA
	on_a_terminal shown '"$ROTA" map -j 1 --progress always sleep ms=10 <items | cat >results'
	same results items
	grep -aq $'\033\[J' shown
	on_a_terminal shown '"$ROTA" map -j 1 -o results sleep ms=10 <items | cat'
	same results items
	grep -aq $'\033\[J' shown
}

@test "progress: at a terminal it is said that items are read from there" {
	command -v python3 >/dev/null || skip "python3 is missing"
	python3 - "$ROTA" <<-'END'
		import os, pty, subprocess, sys
		def run(*args):
		    ours, theirs = pty.openpty()
		    with subprocess.Popen([sys.argv[1], "map", *args, "upper"], stdin=theirs, stdout=subprocess.PIPE,
		                          stderr=subprocess.PIPE, start_new_session=True) as child:
		        os.close(theirs)
		        os.write(ours, b"words\n\x04")
		        out, err = child.communicate(timeout=50)
		    os.close(ours)
		    assert child.returncode == 0 and out == b"WORDS\n", (args, child.returncode, out, err)
		    return err.decode()
		said = run()
		assert said.count("\n") == 1 and "terminal" in said and "Ctrl-D" in said, said
		assert run("-q") == ""
		assert run("-i", "-") == ""
	END
}

@test "progress: json, an object a line, the last one final" {
	command -v python3 >/dev/null || skip "python3 is missing"
	expect 1 rota map -j 1 --progress json "$bad/shelf.so" fault=kill when='item 3' <items
	python3 - "$err" <<-'END'
		import json, sys
		objects = [json.loads(line) for line in open(sys.argv[1]) if line.startswith("{")]
		last = objects[-1]
		assert [o["final"] for o in objects] == [False] * (len(objects) - 1) + [True], objects
		assert (last["job"], last["ok"], last["crashed"], last["finished"]) == ("map", 79, 1, 80), last
		assert last["items_read"] == 80, last
		assert last["result_bytes"] == sum(len("item %d\n" % i) for i in range(1, 81) if i != 3), last
	END
}

@test "progress: json while it runs, for each job of a conf file" {
	command -v python3 >/dev/null || skip "python3 is missing"
	seq -f 'item %g' 150 >items
	cat >two.yaml <<-'END'
		jobs:
		  'first':
		    plugin: sleep
		    options: {ms: 10}
		    input: items
		    output: none
		    jobs: 1
		  second:
		    plugin: identity
		    after: first
		    input: range:1-100
		    output: none
	END
	expect 0 rota run --progress=json two.yaml
	python3 - "$err" <<-'END'
		import json, sys
		objects = [json.loads(line) for line in open(sys.argv[1])]
		first = [o for o in objects if o["job"] == "first"]
		second = [o for o in objects if o["job"] == "second"]
		assert len(first) >= 2 and first[-1]["final"] and first[-1]["ok"] == 150, first
		assert all(a["finished"] <= b["finished"] for a, b in zip(first, first[1:])), first
		assert second[0]["waiting"] and second[-1]["ok"] == 100 and second[-1]["total"] == 100, second
	END
}

# Upper bounds are far away: what waits for something else than it should is a mistake in kind.
blames() { # WHO COMMAND...
	local pids=()
	for backend in process thread; do
		"${@:2}" 2>"$backend.err" >"$backend.out" 3>&- &
		pids+=($!)
	done
	wait "${pids[0]}"
	wait "${pids[1]}"
	has process.err "bottleneck: $1 "
	has thread.err "bottleneck: $1 "
}

slow_input() { { sleep 1; seq 3; } | rota map -b "$backend" -v upper; }
slow_items() { seq -f 'item %g' 40 | rota map -b "$backend" -v -j 2 sleep ms=20; }
slow_output() { seq 1000000 | rota map -b "$backend" -v upper | { sleep 1.5; cat; }; }

@test "bottleneck: -v says what a run waited for most" {
	blames input slow_input
	blames workers slow_items
	blames output slow_output
	cmp process.out <(seq 1000000)
	cmp thread.out process.out
}
