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

# These set $victims. A loop of kills is to be quick: it starts few processes of its own.
forkservers() {
	mapfile -t victims < <(pgrep -P "$run" -f -- --serve)
}

workers() {
	[ -e "/proc/${server:-none}" ] || server=$(pgrep -P "$run" -f -- --serve) || return 0
	mapfile -t victims < <(pgrep -x rota-worker -P "$server")
}

# Kills one process of those that $1 finds, again and again, until the run has ended or $2 were killed. With each kill
# $3 more items come.
kill_until() {
	local server='' victims=()
	n_killed=0
	until has_ended || [ "$n_killed" -ge "$2" ]; do
		victims=()
		"$1"
		if [ "${#victims[@]}" -gt 0 ] && kill -9 "${victims[RANDOM % ${#victims[@]}]}" 2>/dev/null; then
			n_killed=$((n_killed + 1))
			more_items "$3"
		fi
		read -rt 0.02 <> <(:) || : # 50 a second at most
	done
}

# Their texts: numbers would be times.
more_items() {
	[ "$1" -gt 0 ] || return 0
	printf 'item %s\n' "${numbers[@]:n_items:$1}" >>items
	printf 'item %s\n' "${numbers[@]:n_items:$1}" >&4
	n_items=$((n_items + $1))
}

# storm PROCESS N_KILLED: the run can't be over before, however busy the machine is.
storm() {
	local numbers n_items=0
	mapfile -t numbers < <(seq 10000)
	mkfifo in
	start "$ROTA" map -j 4 --retries 100 -i in -o results sleep ms=10 </dev/null
	exec 4>in
	more_items 40
	eventually test -s results
	kill_until "$@" 20
	[ "$n_killed" -eq "$2" ]
	exec 4>&-
	ends 0
	same results items
	nothing_left
}

@test "storm: random workers killed, 50 a second: every result right, in order, once" {
	storm workers "$(quick && echo 8 || echo 60)"
}

@test "storm: fork servers killed: every result right, in order, once" {
	storm forkservers "$(quick && echo 4 || echo 8)"
}

@test "storm: for ten seconds, over 4,000 items" {
	slow
	storm workers 200
}

# Workers, fork servers that are loading and that have loaded, their guards, and what is about to become one.
anybody() {
	mapfile -t victims < <(pgrep -P "$(pgrep -d, -P "$run"),$run")
}

@test "storm: every process of the run may be killed, 50 a second: it gets to its end, with every result" {
	slow
	seq -f 'item %g' 300 >items
	start "$ROTA" map -j 2 --retries 1000 -o results sleep ms=10 <items
	eventually test -s results
	kill_until anybody 5000 0
	[ "$n_killed" -gt 3 ]
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
	awk '
		{ for (i = 1; i <= NF; i++) fault[n_faults++] = $i }
		END { for (i = 1; i <= 2000; i++) print i % 97 == 0 ? "!" fault[n++ % n_faults] : "item " i }' <<<"$2" >items
	expect "$1" "$ROTA" map -j 8 --timeout 1s --memory 100M --max-result 1M -v "$bad/shelf.so" fault=named \
		ms="$3" <items
	grep -v '^!' items >wanted
	grep -v '^!' "$out" >seen
	same seen wanted
}

@test "storm: every 97th of 2,000 items commits another fault in turn: each is named once, the others are right" {
	slow
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
