# SPDX-License-Identifier: Apache-2.0
# storm - whole runs while workers and fork servers are killed, and with every fault of the shelf in one run: each item
# has exactly one outcome, the good ones are right and in order, nothing is left behind.

load helper

setup() {
	cd "$BATS_TEST_TMPDIR" || return
}

teardown() {
	end_all
}

# These set $victims. A loop of kills is to be quick: it starts no processes of its own.
forkservers() {
	forkserver && victims=("$server")
}

crew() {
	workers
	victims=("${workers[@]}")
}

# Workers, fork servers that are loading and that have loaded, their guards, and what is about to become one.
anybody() {
	local child children
	children "$run" '*'
	victims=("${children[@]}")
	for child in "${victims[@]}"; do
		children "$child" '*'
		victims+=("${children[@]}")
	done
}

# Kills one process of those that $1 finds, again and again, until $2 were killed. With each kill more items come.
kill_until() {
	local never victims=() n_killed=0
	exec {never}<> <(:)
	until [ "$n_killed" -eq "$2" ]; do
		victims=()
		"$1" || :
		if [ "${#victims[@]}" -gt 0 ] && kill -9 "${victims[RANDOM % ${#victims[@]}]}" 2>/dev/null; then
			n_killed=$((n_killed + 1))
			more_items 20
		fi
		if has_ended; then show "$err" && return 1; fi
		read -rt 0.02 -u "$never" || : # 50 a second at most
	done
	exec {never}>&-
}

# Their texts: numbers would be times.
more_items() {
	local numbers
	eval "numbers=({$((n_items + 1))..$((n_items + $1))})"
	printf 'item %s\n' "${numbers[@]}" >>items
	printf 'item %s\n' "${numbers[@]}" >&4
	n_items=$((n_items + $1))
}

# storm VICTIMS N_KILLED: the run can't be over before, however busy the machine is. make check-sweep kills more of them.
storm() {
	local n_items=0 n=$2
	[ "${ROTA_TESTS:-}" != sweep ] || n=$((10 * $2))
	mkfifo in
	start "$ROTA" map -j 4 --retries 1000 -i in -o results sleep ms=10 </dev/null
	exec 4>in
	more_items 40
	eventually test -s results
	kill_until "$1" "$n"
	exec 4>&-
	ends 0
	same results items
	nothing_left
}

# bats test_tags=quick
@test "storm: random workers killed, 50 a second: every result right, in order, once" {
	storm crew 20
}

@test "storm: fork servers killed: every result right, in order, once" {
	storm forkservers 5
}

@test "storm: every process of the run may be killed, 50 a second: it gets to its end, with every result" {
	storm anybody 15
}

# Faults that end an item, and those after which it has its result all the same.
ending='segv abort kill exit0 exit3 stack die-writing stop loop hang memory fail fail-late fail-silent retry status
	refused next commit-too-much reserve-toolong toolong'
harmless='stdout stderr stdin chdir umask sigmask locale fork daemon log count nofile'

# 2,000 items of which every 95th commits another of the faults in turn; $1: the exit status, $3 how long each takes.
mixed() {
	awk '
		{ for (i = 1; i <= NF; i++) fault[n_faults++] = $i }
		END { for (i = 1; i <= 2000; i++) print i % 95 == 0 ? "!" fault[n++ % n_faults] : "item " i }' <<<"$2" >items
	expect "$1" "$ROTA" map -j 4 --timeout 1s --memory 100M --max-result 1M -v "$bad/shelf.so" fault=named \
		ms="$3" <items
	grep -v '^!' items >wanted
	grep -v '^!' "$out" >seen
	same seen wanted
}

@test "storm: every 95th of 2,000 items commits another fault in turn: each is named once, the others are right" {
	[ -z "${SANITIZER:-}" ] || skip "a sanitizer has its own ways here"
	mixed 1 "$ending" 0
	for fault in $ending; do
		counts 1 "$err" "\"!$fault\": "
		if has_line "$out" "!$fault"; then false; fi
	done
}

@test "storm: every 95th of 2,000 items leaves something behind: all are right" {
	[ -z "${SANITIZER:-}" ] || skip "a sanitizer has its own ways here"
	# long enough to be looked at one by one: of tiny items, one may see what another has left
	mixed 0 "$harmless" 1
	same "$out" items
}
