#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2030,SC2031,SC2094,SC2317
#
# Signals that don't end a run: QUIT, USR1, USR2, TSTP; and what a parent may have done to signals before: ignored or
# blocked them. Those that end one are in ends.bats.
load helper

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	ulimit -c 0
}

teardown() {
	[ -z "${run:-}" ] || kill -CONT "$run" 2>/dev/null || true
	end_all
}

# busy_run OPTIONS: on a FIFO, its workers busy until there's a line for each of them
busy_run() {
	rm -f in may-end results
	mkfifo in may-end
	exec 5<>may-end
	: >results
	start "$ROTA" exec "$@" -i in -o results -- \
		sh -c 'echo "$1" >>begun; read -r _ <may-end; echo "$1"' sh </dev/null 5>&-
	exec 4>in
}

n_workers_is() {
	workers
	[ "${#workers[@]}" -eq "$1" ]
}

have_begun() {
	has_lines begun "$1" && ! has_lines begun "$(($1 + 1))"
}

# For as many as there are.
may_end() {
	printf '%s\n' {1..20} >&5
}

finishes() {
	may_end
	exec 4>&-
	ends 0
	exec 5>&-
	local wanted
	eval "wanted=({1..$1})"
	lists results "${wanted[@]}"
	nothing_left
}

prints() {
	rm -f begun
	busy_run -b "$backend" -j 2
	seq 10 >&4
	eventually have_begun 2
	for times in 1 2; do
		kill -QUIT "$run"
		eventually workers_are_printed "$times"
	done
	grep -q 'worker 1.* item [12] "[12]"' "$err"
	grep -q 'worker 2.* item [12] "[12]"' "$err"
	grep -q ' 0 finished' "$err"
	finishes 10
}

workers_are_printed() {
	local line ones=0 twos=0
	while read -r line; do
		[[ $line != "rota: worker 1"[,\ ]*ready* ]] || ones=$((ones + 1))
		[[ $line != "rota: worker 2"[,\ ]*ready* ]] || twos=$((twos + 1))
	done <"$err"
	[ "$ones" -eq "$1" ] && [ "$twos" -eq "$1" ]
}

# bats test_tags=quick
@test "QUIT: the state of each worker, as often as it comes, and the run goes on" {
	at_least_on process prints
}

@test "QUIT: with -q, too, for it was asked for" {
	busy_run -q -j 1
	echo 1 >&4
	eventually have_begun 1
	kill -QUIT "$run"
	eventually says "$err" 'worker 1'
	finishes 1
}

# bats test_tags=quick
@test "USR1: one worker more each time" {
	busy_run -j 1
	seq 12 >&4
	eventually have_begun 1
	n_workers_is 1
	for n in 2 3 $(quick || echo 4); do
		kill -USR1 "$run"
		eventually n_workers_is "$n"
		eventually have_begun "$n"
	done
	finishes 12
}

# bats test_tags=quick
@test "USR2: one fewer each time, when it has finished its item; never none" {
	busy_run -j 4
	seq 4 >&4
	eventually have_begun 4
	for n in 1 2 3 4 5; do
		kill -USR2 "$run"
		eventually has_count 'workers from now on' "$n"
	done
	[ "$(grep -c ' 1 workers\? from now on' "$err")" -ge 1 ]
	seq 5 12 >&4
	may_end
	eventually has_line results 12
	eventually n_workers_is 1
	finishes 12
}

has_count() {
	counts "$2" "$err" "$1" >/dev/null
}

# ORDER: in so many of the ways that there are
up_and_down() {
	rm -f results
	start "$ROTA" map -b "$backend" "$1" -j 3 -o results sleep ms=3 <items
	eventually test -s results
	for signal in USR2 USR2 USR1 USR1 USR1 USR1 USR2 USR2 USR2 USR2 USR1; do
		kill -"$signal" "$run" 2>/dev/null || break
		read -rt 0.02 -u "$never" || : # some of it before what the last one began has ended, some after
	done
	ends 0
	[ "$1" = -k ] || sort -n -k 2 -o results results
	same results items
	nothing_left
}

@test "USR1, USR2 up and down: each result is there, once, in order" {
	local never
	exec {never}<> <(:)
	printf 'item %s\n' {1..300} >items
	backend=process
	up_and_down -k
	up_and_down -u
	backend=thread
	up_and_down -u
	exec {never}>&-
}

# What a worker has in hand that is to go may be more than its ring holds.
@test "USR2: large results of those that are to go are heard to their end" {
	start "$ROTA" exec -j 4 -i range:1-6 -o results -- \
		sh -c ': >begun.$1; until [ -e may-end ]; do sleep 0.01; done; head -c 3000000 /dev/zero | tr "\0" x' sh
	eventually test -e begun.1 -a -e begun.2 -a -e begun.3 -a -e begun.4
	for n in 1 2 3; do
		kill -USR2 "$run"
		eventually has_count 'from now on' "$n"
	done
	: >may-end
	within 10 has_ended
	ends 0
	[ "$(wc -l <results)" -eq 6 ]
	[ "$(stat -c %s results)" -eq $((6 * 3000001)) ]
	nothing_left
}

@test "USR1: many more than there are places for" {
	printf 'item %s\n' {1..200} >items
	start "$ROTA" map -j 1 -o results sleep ms=5 <items
	eventually test -s results
	for _ in {1..40}; do kill -USR1 "$run" 2>/dev/null || break; done
	ends 0
	same results items
	nothing_left
}

is_stopped() {
	local stat
	{ read -r stat <"/proc/$1/stat"; } 2>/dev/null && [[ ${stat##*) } == [Tt]* ]]
}

# bats test_tags=quick
@test "TSTP: the workers stop and go on with the supervisor" {
	mkfifo in
	start "$ROTA" map -j 2 -i in -o results sleep ms=20 spin=yes </dev/null
	exec 4>in
	printf 'item %s\n' {1..24} | tee items >&4
	eventually test -s results
	eventually n_workers_is 2
	kill -TSTP "$run"
	eventually is_stopped "$run"
	for pid in "${workers[@]}"; do
		eventually is_stopped "$pid"
	done
	kill -CONT "$run"
	exec 4>&-
	ends 0
	same results items
	nothing_left
}

@test "TSTP: a stopped run is ended by TERM, and by KILL" {
	for signal in $(quick || echo KILL) TERM; do
		start "$ROTA" map -j 2 --grace 200ms -o "results.$signal" "$bad/shelf.so" fault=hang when=3 <<<"$(seq 10)"
		eventually has_line "results.$signal" 2
		kill -TSTP "$run"
		eventually is_stopped "$run"
		kill -"$signal" "$run"
		kill -CONT "$run" 2>/dev/null || [ "$signal" = KILL ]
		ends "$([ "$signal" = KILL ] && echo 137 || echo 143)"
		nothing_left
	done
}

# -- what a parent has done --

# A shell in between that has set something, as a parent that isn't a shell may have.
@test "PIPE ignored by the parent: a reader that went away ends the run all the same" {
	for how in $(quick || echo block) ignore; do
		expect 0 timeout -k 2 60 bash -c 'yes | env --"$1"-signal=PIPE "$2" map upper | head -5
			echo "${PIPESTATUS[*]}"' - "$how" "$ROTA"
		is "$out" $'Y\nY\nY\nY\nY\n141 141 0'
		empty "$err"
	done
}

# bats test_tags=quick
@test "CHLD ignored by the parent: deaths are seen all the same" {
	printf '%s\n' {1..200} >items
	expect 1 rota_with --ignore-signal=CHLD map -j 2 "$bad/shelf.so" fault=kill when=70 <items
	lists "$out" {1..69} {71..200}
	has "$err" 'item 70 "70": crashed: SIGKILL'
	expect 1 rota_with --ignore-signal=CHLD exec -j 2 sh -c '[ "$1" != 7 ] || exit 3; echo "$1"' sh <<<"$(seq 9)"
	lists "$out" {1..6} 8 9
	has "$err" 'item 7 "7": failed: '
	has "$err" 3
}

rota_with() {
	timeout -k 2 60 env "$1" "$ROTA" "${@:2}"
}

@test "signals blocked by the parent: neither the run nor its workers are deaf" {
	expect 0 rota_with --block-signal=TERM,INT,USR1,CHLD,QUIT,ALRM map -j 2 "$bad/shelf.so" tell=sigmask <<<$'a\nb'
	is "$out" $'0\n0'
	expect 1 rota_with --block-signal=TERM,CHLD map -j 2 --timeout 200ms "$bad/shelf.so" fault=hang when=2 <<<$'1\n2\n3'
	is "$out" $'1\n3'
	mkfifo in
	start env --block-signal=TERM "$ROTA" map -j 1 -i in upper </dev/null
	exec 4>in
	echo a >&4
	eventually says "$out" A
	kill -TERM "$run"
	ends 143
	exec 4>&-
	nothing_left
}

@test "signals ignored by the parent: TERM is still heard by workers that take too long" {
	expect 1 rota_with --ignore-signal=TERM,USR1,ALRM map -j 2 --timeout 200ms "$bad/shelf.so" \
		fault=hang when=2 <<<$'1\n2\n3'
	is "$out" $'1\n3'
}
