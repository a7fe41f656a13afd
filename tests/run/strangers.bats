#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2030,SC2031,SC2094,SC2317
#
# Whose process is it? What rota didn't start it leaves alone: children of the shell that executed it, of make, of a
# container. What it started ends: with its item, with its fork server, with a start that was interrupted.
load helper

setup() {
	cd "$BATS_TEST_TMPDIR" || return
}

# Strangers are the test's to end.
end_strangers() {
	[ ! -e pids ] || xargs kill -9 <pids 2>/dev/null || :
	rm -f pids
}

teardown() {
	end_all
	end_strangers
}

# A sleeper for a script to start: its number is a line of the file pids.
sleeper='sleep 1000 & echo $! >>pids'

lives() {
	local stat
	{ read -r stat <"/proc/$1/stat"; } 2>/dev/null && [[ ${stat##*) } != Z* ]]
}

is_gone() {
	! lives "$1"
}

all_live() {
	local pid
	lines pids -eq "$1"
	while read -r pid; do
		lives "$pid" || { echo "process $pid has been killed"; return 1; }
	done <pids
}

# -- what came through exec --

# exec_by SCRIPT COMMAND: a shell runs the script and becomes the command.
exec_by() {
	timeout -k 2 60 bash -c "$1"' exec "$0" "${@:1}"' "${@:2}" 3>&-
}

lets_live() {
	end_strangers
	expect 0 exec_by "$sleeper;" "$ROTA" map -b "$backend" -j 2 upper <<<$'a\nb'
	is "$out" $'A\nB'
	all_live 1
	# a conf file's jobs, and a run whose plugin crashes
	printf 'jobs:\n  a:\n    plugin: upper\n    input: range:1-3\n    output: none\n' >two.yaml
	printf '    backend: %s\n' "$backend" >>two.yaml
	printf '  b:\n    plugin: upper\n    input: range:1-3\n    output: none\n' >>two.yaml
	expect 0 exec_by "$sleeper;" "$ROTA" run two.yaml
	all_live 2
}

# bats test_tags=quick
@test "strangers: a child that the shell had before it became rota lives on" {
	at_least_on process lets_live
	! quick || return 0
	end_strangers
	expect 1 exec_by "$sleeper;" "$ROTA" map -j 1 "$bad/shelf.so" fault=segv when=2 <<<$'1\n2\n3'
	all_live 1
	expect 0 exec_by "$sleeper;" "$ROTA" plugins upper
	all_live 2
}

gets_all() {
	rm -f out.gz log
	seq 20000 >items
	expect 1 timeout -k 2 60 bash -c \
		'exec "$@" > >(sleep 0.1; gzip >out.gz; echo >>ready) 2> >(sleep 0.1; cat >log; echo >>ready)' sh \
		"$ROTA" map -b "$backend" -i items "$bad/shelf.so" fault=fail when=7 3>&-
	eventually has_lines ready 2
	rm ready
	[ "$(gzip -dc out.gz | wc -l)" -eq 19999 ]
	has log 'item 7'
}

@test "strangers: process substitutions of an exec get all results and the report" {
	both_backends gets_all
}

is_child_of_run() {
	local stat
	{ read -r stat <"/proc/$1/stat"; } 2>/dev/null && [[ ${stat##*) } == ?" $run "* ]]
}

# What a stranger starts during the run, and leaves: rota is given it, and must reap it.
adopts() {
	end_strangers
	rm -f go in
	mkfifo go in
	start bash -c '(read -r _ <go; '"$sleeper"') & exec "$0" "$@"' \
		"$ROTA" map -b "$backend" -i in upper </dev/null
	exec 4>in
	echo a >&4
	eventually says "$out" A
	: >go
	eventually has_lines pids 1
	read -r orphan <pids
	eventually is_child_of_run "$orphan"
	exec 4>&-
	ends 0
	all_live 1
	kill "$orphan"
}

@test "strangers: what they start during the run, and leave, lives on" {
	at_least_on thread adopts
}

is_reaped() {
	[ ! -e "/proc/$1" ]
}

# bats test_tags=quick
@test "strangers: what they leave to rota is reaped when it dies" {
	mkfifo go in
	start bash -c '(read -r _ <go; '"$sleeper"') & exec "$0" "$@"' \
		"$ROTA" map -i in upper </dev/null
	exec 4>in
	: >go
	eventually has_lines pids 1
	read -r orphan <pids
	eventually is_child_of_run "$orphan"
	kill -KILL "$orphan"
	eventually is_reaped "$orphan"
	exec 4>&-
	ends 0
}

# -- what is ours --

# A fork server is killed; what items had started, out of their session and environment, ends while the run goes on.
fork_server_killed() {
	end_strangers
	rm -f in
	mkfifo in
	start bash -c "$1"' exec "$@"' sh "$ROTA" exec -j 1 -i in --retries 3 -- sh -c "$2" sh </dev/null
	exec 4>in
	echo 1 >&4
	eventually has_lines pids "$3"
	forkserver
	kill -KILL "$server"
	mapfile -t started <pids
	for pid in "${started[@]:$4-1}"; do eventually is_gone "$pid"; done
	[ "$4" -eq 1 ] || lives "${started[0]}"
	echo 2 >&4
	exec 4>&-
	eventually has_line "$out" 'done 2'
	ends 0
}

@test "strangers: what a killed fork server leaves ends at once, not with the run" {
	once='[ ! -e was ] || { echo done $1; exit; }; : >was;'
	# beside a stranger: by the mark in the environment, and without one by the session
	fork_server_killed "$sleeper;" "$once setsid setsid sh -c '$sleeper; sleep 1000' & sleep 1000" 2 2
	rm was
	fork_server_killed '' "$once setsid setsid sh -c '$sleeper; sleep 1000' & sleep 1000" 1 1
	rm was
	fork_server_killed "$sleeper;" "$once env -i sh -c '$sleeper; sleep 1000'" 2 2
}

@test "strangers: a helper that load has started outlives a crash, and ends with the run" {
	expect 1 rota map -j 1 "$bad/helper.so" <<<"$(seq 20)"
	seq 20 | grep -vx 3 | cmp - "$out"
	has "$err" 'item 3'
	if grep -q 'is gone' "$err"; then false; fi
	start "$ROTA" map -j 2 -b thread "$bad/helper.so" <<<1
	ends 0
	nothing_left
	start "$ROTA" map -j 2 "$bad/helper.so" <<<"$(seq 5)"
	ends 1
	nothing_left
}

# Below rota itself and its workers.
few_zombies() {
	local child children parents n=0 file stat
	children "$run" '*'
	parents=" $run ${children[*]} "
	for child in "${children[@]}"; do
		children "$child" '*'
		parents+="${children[*]} "
	done
	for file in /proc/[0-9]*/stat; do
		{ read -r stat <"$file"; } 2>/dev/null || continue
		[[ $stat == *") Z "* ]] || continue
		stat=${stat##*) Z }
		[[ $parents != *" ${stat%% *} "* ]] || n=$((n + 1))
	done
	[ "$n" -le 3 ]
}

has_child() {
	children "$run" '*'
	[ "${#children[@]}" -gt 0 ]
}

orphans_reaped() {
	rm -f in
	mkfifo in
	start "$ROTA" map -b "$backend" -j 2 -i in "$bad/orphans.so" </dev/null
	exec 4>in
	seq 20 >&4
	eventually has_lines "$out" 20
	eventually few_zombies
	exec 4>&-
	ends 0
	nothing_left
}

@test "strangers: what items of a tidy plugin leave is reaped while the run goes on" {
	both_backends orphans_reaped
}

@test "strangers: a living child that an item of a tidy plugin leaves ends with the item" {
	mkfifo in
	start "$ROTA" map -j 1 -i in "$bad/orphans.so" lives=yes </dev/null
	exec 4>in
	seq 3 >&4
	eventually has_lines "$out" 3
	while read -r pid; do is_gone "$pid"; done <"$out"
	has "$err" 'left child processes: restored'
	exec 4>&-
	ends 0
}

# -- a start that is interrupted --

interrupted() {
	start "$ROTA" "$@" </dev/null
	eventually has_child
	# the constructor hangs, and has a child out of its session
	eventually has_lines begun 1
	rm begun
	kill -INT "$run"
	ends 130
	nothing_left
}

# bats test_tags=quick
@test "strangers: a plugin that hangs while it is looked at ends with an interrupted rota, and all it started" {
	export ROTA_TEST_BEGUN=$PWD/begun
	printf 'jobs:\n  a:\n    plugin: upper\n    input: range:1-2\n    output: none\n' >hangs.yaml
	printf '  b:\n    plugin: %s\n    input: range:1-2\n    output: none\n' "$bad/ctor-fork.so" >>hangs.yaml
	interrupted check hangs.yaml
	! quick || return 0
	interrupted map "$bad/ctor-fork.so"
	interrupted plugins "$bad/ctor-fork.so"
	interrupted run hangs.yaml
}

@test "strangers: it ends with a rota that is killed, too" {
	for command in $(quick || echo plugins) map; do
		start "$ROTA" "$command" "$bad/ctor-hang.so" </dev/null
		eventually has_child
		kill -KILL "$run"
		ends 137
		nothing_left
	done
}

# -- process 1 --

contained() {
	unshare -Urpf --mount-proc --kill-child "$@"
}

needs_containers() {
	[ "${SANITIZER:-}" != thread ] || skip "with threads there is no user namespace, and a sanitizer has one"
	contained true 2>/dev/null || skip "no PID namespace is to be had here"
}

@test "strangers: as process 1 of a container a signal and a lost reader have a status" {
	needs_containers
	mkfifo in
	for signal in TERM $(quick || echo HUP INT); do
		start unshare -Urpf --mount-proc --kill-child "$ROTA" map -i in upper </dev/null
		exec 4>in
		echo a >&4
		eventually says "$out" A
		children "$run" '*'
		kill "-$signal" "${children[@]}"
		exec 4>&-
		ends $((128 + $(kill -l "$signal")))
	done
	expect 141 bash -c '"$@" | head -1 >first; exit "${PIPESTATUS[0]}"' sh \
		timeout -k 2 60 unshare -Urpf --mount-proc --kill-child "$ROTA" map -i range:1-300000 upper
	is first 1
}

@test "strangers: as process 1 of a container those that come are reaped, and live as long as they like" {
	needs_containers
	mkfifo in
	start unshare -Urpf --mount-proc --kill-child bash -c \
		'(while :; do (true &); (sh -c "sleep 1000 &" &); echo >>turns; sleep 0.01; done) & exec "$@"' sh \
		"$ROTA" map -i in upper </dev/null
	exec 4>in
	echo a >&4
	eventually says "$out" A
	eventually has_lines turns 12
	eventually few_zombies
	children "$run" '*'
	children "${children[0]}" sleep
	[ "${#children[@]}" -ge 8 ]
	exec 4>&-
	ends 0
}

# -- neighbours --

@test "strangers: beside make, its jobs and its background children" {
	command -v make >/dev/null || skip "make is missing"
	printf 'all: one two\none two:\n\t@sleep 1000 & echo $$! >>pids; \\\n' >Makefile
	printf '\texec $(ROTA) map -i range:1-3 -o $@ upper\n' >>Makefile
	expect 0 timeout -k 2 60 make -j2 -s "ROTA=$ROTA" 3>&-
	all_live 2
	is one $'1\n2\n3'
	is two $'1\n2\n3'
}

@test "strangers: as the interpreter of a script (env -S)" {
	printf '#!/usr/bin/env -S %s run\njobs:\n  a:\n    plugin: upper\n    input: range:1-3\n' "$ROTA" >script
	chmod +x script
	expect 0 exec_by "$sleeper;" ./script
	is "$out" $'1\n2\n3'
	all_live 1
}

@test "strangers: nohup's and an at job's run, without terminal and descriptors, goes on and leaves nothing" {
	mkfifo in
	start nohup "$ROTA" map -i in -o results upper </dev/null
	exec 4>in
	eventually forkserver
	kill -HUP "$run"
	echo a >&4
	exec 4>&-
	ends 0
	is results A
	nothing_left
	start setsid bash -c "$sleeper;"' exec "$@" <&- >&- 2>&-' sh "$ROTA" map -i range:1-3 -o results upper </dev/null
	ends 0
	is results $'1\n2\n3'
	all_live 1
}
