# SPDX-License-Identifier: Apache-2.0
# storm - whole runs while workers and fork servers are killed, and with every fault of the shelf in one run: each item
# has exactly one outcome, the good ones are right and in order, nothing is left behind.

setup() {
	load helper
	cd "$BATS_TEST_TMPDIR" || return
	bad=$abs_top_builddir/tests/bad
}

teardown() {
	end_all
}

forkserver() {
	pgrep -P "$run" -f -- --serve
}

# Kills one process that $1 prints, again and again, until the run has ended or $2 were killed.
kill_until() {
	local n_killed=0 victim
	until has_ended || [ "$n_killed" -ge "$2" ]; do
		victim=$("$1" | shuf -n 1)
		if [ -n "$victim" ] && kill -9 "$victim" 2>/dev/null; then
			n_killed=$((n_killed + 1))
		fi
		read -rt 0.02 <> <(:) || : # 50 a second at most
	done
	echo "killed: $n_killed"
	[ "$n_killed" -gt 3 ]
}

a_worker() {
	local server
	server=$(forkserver | head -n 1)
	[ -z "$server" ] || pgrep -x rota-worker -P "$server"
}

storm() {
	seq -f 'item %g' "$1" >items # numbers would be times
	start "$ROTA" map -j 4 --retries 100 -o results sleep ms=15 <items
	eventually test -s results
	kill_until "$2" "$3"
	ends 0
	same results items
	nothing_left
}

@test "storm: random workers killed, 50 a second: every result right, in order, once" {
	storm 1200 a_worker 60
}

@test "storm: fork servers killed: every result right, in order, once" {
	storm 1200 forkserver 8
}

@test "storm: for twenty seconds, over 4,000 items" {
	slow
	storm 4000 a_worker 900
}

# Workers, fork servers that are loading and that have loaded, their guards, and what is about to become one.
anybody() {
	pgrep -P "$(pgrep -d, -P "$run"),$run"
}

@test "storm: every process of the run may be killed, 50 a second: it gets to its end, with every result" {
	slow
	seq -f 'item %g' 300 >items
	start "$ROTA" map -j 2 --retries 1000 -o results sleep ms=10 <items
	eventually test -s results
	kill_until anybody 5000
	ends 0
	same results items
	nothing_left
}

# Faults that end an item, and those after which it has its result all the same.
ending='segv abort kill exit0 exit3 stack die-writing stop loop hang memory fail fail-late fail-silent retry status
	refused next commit-too-much reserve-toolong toolong'
harmless='stdout stderr stdin chdir umask sigmask locale fork daemon log count nofile'

# 2,000 items of which every 97th commits another of the faults in turn; $1: the exit status, $3 how long each takes.
mixed() {
	local faults n=0 i
	read -rd '' -a faults <<<"$2" || :
	for ((i = 1; i <= 2000; i++)); do
		if [ $((i % 97)) -eq 0 ]; then
			echo "!${faults[n++ % ${#faults[@]}]}"
		else
			echo "item $i"
		fi
	done >items
	expect "$1" "$ROTA" map -j 8 --timeout 1s --memory 300M --max-result 1M -v "$bad/shelf.so" fault=named \
		ms="$3" <items
	grep -v '^!' items >wanted
	grep -v '^!' "$out" >seen
	same seen wanted
}

@test "storm: every 97th of 2,000 items commits another fault in turn: each is named once, the others are right" {
	[ -z "${SANITIZER:-}" ] || skip "a sanitizer has its own ways here"
	mixed 1 "$ending" 0
	for fault in $ending; do
		grep -qx "!$fault" items || continue
		[ "$(grep -c "item [0-9]* \"!$fault\": " "$err")" -eq "$(grep -cx "!$fault" items)" ]
		if grep -qx "!$fault" "$out"; then false; fi
	done
}

@test "storm: every 97th of 2,000 items leaves something behind: all are right" {
	[ -z "${SANITIZER:-}" ] || skip "a sanitizer has its own ways here"
	# long enough to be looked at one by one: of tiny items, one may see what another has left
	mixed 0 "$harmless" 1
	same "$out" items
}
