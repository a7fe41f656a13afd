#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2030,SC2031,SC2094,SC2317
#
# --pid-namespace: what holds in a run holds in its namespace, and what an item does to processes stays in there. As
# root, and as an ordinary user, whose namespace has a user namespace around it.
load helper

setup_file() {
	copy_programs upper.so sleep.so exec.so
	export folder
	cp "$bad"/{shelf,load-hang,load-refuse,open-crash}.so "$folder/plugins"
	cat >"$folder/as-user" <<-'END'
		#!/bin/sh
		cd / && exec setpriv --reuid 65534 --regid 65534 --clear-groups "${0%/*}/rota" "$@"
	END
	chmod -R a+rX "$folder"
	chmod a+x "$folder/as-user"
	for who in no_root no_user; do
		declare -gx "$who=$("$who")"
	done
}

# Why not? Nothing said: it can be had.
no_root() {
	[ "$EUID" -eq 0 ] && unshare -pmf true 2>/dev/null || echo "needs root and the right to make PID namespaces"
}

no_user() {
	local as=(setpriv --reuid 65534 --regid 65534 --clear-groups)
	if [ "${SANITIZER:-}" = thread ]; then
		echo "with threads there is no user namespace, and a sanitizer has one"
	elif ! command -v unshare >/dev/null; then
		echo "unshare is missing"
	elif [ "$EUID" -eq 0 ] && ! command -v setpriv >/dev/null; then
		echo "setpriv is missing"
	else
		[ "$EUID" -eq 0 ] || as=()
		"${as[@]}" unshare -Upmf --mount-proc true 2>/dev/null || echo "this kernel lets users make no namespaces"
	fi
}

teardown_file() {
	rm -rf "$folder"
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	ulimit -c 0
	printf '%s\n' {1..2000} >items
	bad=$folder/plugins
}

teardown() {
	[ -z "${run:-}" ] || kill -CONT "$run" 2>/dev/null || true
	[ ! -e here ] || umount here 2>/dev/null || true
	end_all
}

as_root() {
	[ -z "$no_root" ] || skip "$no_root"
	ROTA=$folder/rota
}

# Whoever runs the tests, or nobody in root's place.
as_user() {
	[ -z "$no_user" ] || skip "$no_user"
	ROTA=$folder/as-user
	[ "$EUID" -eq 0 ] || ROTA=$folder/rota
}

map() {
	rota map --pid-namespace "$@"
}

is_stopped() {
	local stat
	{ read -r stat <"/proc/$1/stat"; } 2>/dev/null && [[ ${stat##*) } == T* ]]
}

# What the run reads, who may not look into this folder: it can't end before descriptor 4 is closed.
opens() {
	mkfifo in
	exec 4<>in
}

gives() {
	printf '%s\n' "$@" >&4
}

works() {
	expect 0 map -j 3 upper <items
	same "$out" items
	empty "$err"
	# the parent of all is process 1, whose parent can't be seen, and /proc shows who is in here
	expect 0 map -j 1 "$bad/shelf.so" tell=parent <<<$'1\n2'
	is "$out" $'1\n1'
	expect 0 rota exec --pid-namespace -j 1 -- sh -c \
		'awk "/^PPid/ { print \$2 }" /proc/1/status; readlink /proc/self; cd /proc && echo [0-9]*' sh <<<a
	mapfile -t lines <"$out"
	[ "${lines[0]}" -eq 0 ]
	[ "${lines[1]}" -lt 20 ]
	[ "$(wc -w <<<"${lines[2]}")" -le 4 ]
}

# bats test_tags=quick
@test "namespace: as root, items find themselves in one" { as_root && works; }
# bats test_tags=quick
@test "namespace: as a user, items find themselves in one" { as_user && works; }

@test "namespace: a user has the same ids in it, and no capability" {
	as_user
	expect 0 rota exec --pid-namespace -j 1 -- sh -c 'id -u; id -g; grep ^CapEff /proc/self/status' sh <<<a
	[ "$EUID" -eq 0 ] || ids=$EUID$'\n'$(id -g)
	is "$out" "${ids:-65534$'\n'65534}"$'\nCapEff:\t0000000000000000'
}

@test "namespace: what an item mounts isn't seen outside" {
	as_root
	mkdir here
	expect 0 rota exec --pid-namespace -j 1 -- \
		sh -c 'mount -t tmpfs none "$1" && : >"$1/file" && grep -c " $1 " /proc/self/mounts' sh <<<"$PWD/here"
	is "$out" 1
	[ ! -e here/file ]
	if grep -q " $PWD/here " /proc/self/mounts; then false; fi
}

# -- what ends with the run --

# Daemons of daemons, deaf to TERM, HUP and INT.
nest='for _ in 1 2; do setsid setsid sh -c "trap \"\" TERM HUP INT; sleep 1000 & echo asleep >&2
	sleep 1000" & done'

daemons_run() {
	start "$ROTA" exec --pid-namespace -j 2 -i range:1-2 -- sh -c "$nest; echo begun >&2; sleep 1000" </dev/null
	eventually has_lines "$err" 6
}

killed() {
	daemons_run
	kill -KILL "$run"
	ends 137
	nothing_left
}

# FIRST: the fork server as well, and the other way round
both_killed() {
	daemons_run
	forkserver
	kill -STOP "$run"
	[ "$1" = run ] || kill -KILL "$server"
	kill -KILL "$run"
	[ "$1" = server ] || kill -KILL "$server" 2>/dev/null || :
	ends 137
	nothing_left
}

ends_in_order() {
	start "$ROTA" exec --pid-namespace -j 2 -i range:1-4 -- sh -c "$nest" </dev/null
	ends 0
	nothing_left
}

@test "namespace: as root, nothing is left after kill -9, nor in order" {
	as_root
	killed
	both_killed server
	ends_in_order
}
@test "namespace: as a user, nothing is left after kill -9, nor in order" {
	as_user
	killed
	both_killed server
	both_killed run
	ends_in_order
}

starts_again() {
	opens
	start "$ROTA" map --pid-namespace -j 2 "$bad/shelf.so" fault=daemon when='*' ms=4 <in 4>&-
	gives {1..40}
	for n in 20 40 60; do
		# one that is killed while it loads the plugin is the plugin's fault
		eventually has_lines "$out" "$n"
		forkserver
		# a process that has outlived it would still count here
		kill -KILL "$server"
		eventually has_another "$server"
		eval "gives {$((n + 21))..$((n + 40))}"
	done
	exec 4>&-
	ends 0
	lists "$out" {1..100}
	nothing_left
}

has_another() {
	local server
	forkserver && [ "$server" != "$1" ]
}

@test "namespace: as root, a killed fork server takes all with it, and the run goes on" { as_root && starts_again; }
@test "namespace: as a user, a killed fork server takes all with it, and the run goes on" { as_user && starts_again; }

# The process that becomes process 1: halted before it executes the program. Its sibling waits for that.
becoming() {
	children "$run" halted
	[ "${#children[@]}" -gt 0 ]
}

@test "namespace: a fork server killed while it makes its process 1 leaves none, and the run goes on" {
	as_root
	[ "$(uname -m)" = x86_64 ] || skip "what halts it is for x86-64"
	[ -z "${SANITIZER:-}" ] || skip "a sanitizer wants to be loaded first"
	compile -std=gnu11 -shared -fPIC -I"$abs_top_srcdir" -o halt.so "$abs_top_srcdir/tests/sweep/halt.c" -ldl
	printf '%s\n' {1..20} >few
	for point in become-MOUNT:1:before become-MOUNT:2:after send-MOVED:1:before; do
		for victim in server both; do
			rm -f halted
			start env "LD_PRELOAD=$PWD/halt.so" "HALT_AT=$point" "HALT_FILE=$PWD/halted" "$ROTA" map -j 2 \
				--pid-namespace -i few upper
			eventually test -e halted
			eventually becoming
			first=("${children[@]}")
			children "$run" rota-worker
			[ $victim = server ] || children+=("${first[@]}")
			# one that has ended its part isn't there any more
			kill -KILL "${children[@]}" || :
			within 10 has_ended || { echo "$point, $victim"; show "$err"; kill -KILL "${first[@]}"; false; }
			ends 0
			same "$out" few
			nothing_left
		done
	done
}

@test "namespace: kill -9 while it begins" {
	as_user
	for time in 0.001 0.003 0.005 0.008 0.012; do
		start "$ROTA" map --pid-namespace -j 2 -i range:1-3 "$bad/shelf.so" fault=hang when=2 </dev/null
		read -rt "$time" <> <(:) || : # any of its steps will do
		kill -KILL "$run"
		ends 137
		nothing_left
	done
}

# -- what items do to others --

# Not to a process 1 that isn't the run's own.
in_there='grep -q ^rota /proc/1/comm && '

printf -v hundred '%s\n' {1..100}

signals_others() {
	expect 0 map -j 2 "$bad/shelf.so" fault=killparent when='*' <<<"${hundred%?}"
	is "$out" "${hundred%?}"
	empty "$err"
	expect 0 rota exec --pid-namespace -j 1 -- sh -c "$in_there"'kill -"$1" 1 && echo "$1"' sh \
		<<<$'KILL\nTERM\nSTOP\nSEGV'
	is "$out" $'KILL\nTERM\nSTOP\nSEGV'
	empty "$err"
}

@test "namespace: as root, a parent that is killed by its item doesn't notice" { as_root && signals_others; }
# bats test_tags=quick
@test "namespace: as a user, a parent that is killed by its item doesn't notice" { as_user && signals_others; }

@test "namespace: kill -9 -1 ends the workers, and nobody outside" {
	as_user
	start "$ROTA" map --pid-namespace -j 1 -i range:1-1 "$bad/shelf.so" fault=until-cancelled when=1 </dev/null
	eventually forkserver
	other=$run
	expect 1 rota exec --pid-namespace -j 1 -- sh -c "$in_there"'kill -9 -1; exec sleep 10' sh <<<a
	has "$err" 'item 1 "a": crashed: SIGKILL'
	kill -0 "$other"
	kill -KILL "$other"
	run=$other
	ends 137
	nothing_left
}

# -- supervision --

faults=(kill exit3 killgroup hang stop loop)
causes=('crashed: SIGKILL' 'crashed: exit code 3' 'crashed: SIGKILL' 'timed out' 'timed out' 'timed out')

# All in one run, far from each other.
blames_all() {
	local i
	mapfile -t items <items
	for i in "${!faults[@]}"; do
		items[100 + 200 * i]="!${faults[i]}"
	done
	printf '%s\n' "${items[@]}" >items
	expect 1 map -j 3 --timeout 300ms "$bad/shelf.so" fault=named <items
	printf '%s\n' "${items[@]}" | grep -v '^!' | cmp - "$out"
	for i in "${!faults[@]}"; do
		has "$err" "item $((101 + 200 * i)) \"!${faults[i]}\": ${causes[i]}"
	done
	counts "${#faults[@]}" "$err" 'rota: item '
}

# Those that a sanitizer changes. What an item says as it dies takes its time.
sinks() {
	[ -z "${SANITIZER:-}" ] || return 0
	expect 1 map -j 2 --memory 60M "$bad/shelf.so" fault=named <<<$'1\n2\n!segv\n4\n!memory\n6'
	is "$out" $'1\n2\n4\n6'
	has "$err" 'item 3 "!segv": crashed: SIGSEGV'
	has "$err" 'item 5 "!memory": over limit: over memory limit'
	counts 2 "$err" 'rota: item '
}

tries_again() {
	expect 0 map -j 2 --recycle 50 --retries 3 "$bad/shelf.so" fault=kill when='*' attempts=1 <<<"${hundred:0:20}"
	is "$out" "${hundred:0:20}"
}

@test "namespace: as root, items are blamed as they are without" { as_root && blames_all && sinks; }
@test "namespace: as a user, items are blamed as they are without" {
	as_user
	blames_all
	sinks
	tries_again
}

stops() {
	opens
	start "$ROTA" map --pid-namespace -j 2 "$bad/shelf.so" ms=5 <in 4>&-
	gives {1..60}
	eventually has_lines "$out" 10
	kill -TSTP "$run"
	eventually is_stopped "$run"
	workers
	[ "${#workers[@]}" -eq 2 ]
	for pid in "${workers[@]}"; do
		eventually is_stopped "$pid"
	done
	kill -CONT "$run"
	# QUIT tells them as they are known outside
	kill -QUIT "$run"
	for pid in "${workers[@]}"; do
		eventually says "$err" ", process $pid:"
	done
	exec 4>&-
	ends 0
	lists "$out" {1..60}
	nothing_left
}

@test "namespace: as root, workers stop and go on with the supervisor" { as_root && stops; }
@test "namespace: as a user, workers stop and go on with the supervisor" { as_user && stops; }

ends_by_signal() {
	start "$ROTA" map --pid-namespace -j 2 --grace 100ms -i range:1-9 "$bad/shelf.so" fault=hang when=5 </dev/null
	eventually has_lines "$out" 4
	kill -TERM "$run"
	ends 143
	lists "$out" {1..4}
	nothing_left
}

@test "namespace: as root, TERM" { as_root && ends_by_signal; }
@test "namespace: as a user, TERM" { as_user && ends_by_signal; }

# Workers and fork servers, as they come: the run can't be over before so many are killed.
storm() {
	local never n=0 n_killed=0
	opens
	exec {never}<> <(:)
	start "$ROTA" map --pid-namespace -j 4 --retries 100 sleep ms=20 <in 4>&-
	: >items
	more_items 40
	eventually has_lines "$out" 10
	until [ "$n_killed" -ge "$1" ]; do
		if find_victim && kill -9 "$victim" 2>/dev/null; then
			n_killed=$((n_killed + 1))
			more_items 10
		fi
		read -rt 0.02 -u "$never" || : # 50 a second at most
	done
	exec 4>&- {never}>&-
	ends 0
	same items "$out"
	nothing_left
}

# Their texts: numbers would be times.
more_items() {
	local i
	for ((i = 0; i < $1; i++)); do
		echo "item $((++n))"
	done | tee -a items >&4
	n=$((n + $1))
}

# $victim: rather a worker
find_victim() {
	workers
	[ "${#workers[@]}" -eq 0 ] || workers+=("${workers[@]}")
	[ -z "${server:-}" ] || workers+=("$server")
	victim=${workers[RANDOM % (${#workers[@]} + 1)]:-}
	[ -n "$victim" ]
}

@test "namespace: as root, workers and fork servers killed at random: every result right, in order, once" {
	as_root
	storm 12
}

@test "namespace: as a user, workers and fork servers killed at random: every result right, in order, once" {
	as_user
	storm 20
}

@test "namespace: a plugin that can't be loaded, or not started" {
	as_user
	expect 3 map --start-timeout 300ms "$bad/load-hang.so" <items
	has "$err" '--start-timeout'
	expect 3 map "$bad/load-refuse.so" <items
	[ -s "$err" ]
	expect 3 map -j 2 "$bad/open-crash.so" <items
	has "$err" 'giving up'
}

# -- where it isn't to be had --

refused() {
	expect 3 "$@"
	counts 1 "$err" 'omit pid-namespace'
	has "$err" 'rota: pid-namespace: '
	empty "$out"
}

# bats test_tags=quick
@test "namespace: root without the right to: refused, never left out" {
	as_root
	command -v setpriv >/dev/null || skip "setpriv is missing"
	refused timeout -k 2 60 setpriv --bounding-set -sys_admin "$ROTA" map --pid-namespace -i range:1-3 upper
	has "$err" 'Operation not permitted'
	refused timeout -k 2 60 setpriv --bounding-set -sys_admin "$ROTA" run /dev/stdin <<-'END'
		jobs:
		  here: {plugin: upper, pid-namespace: yes, input: "range:1-3"}
	END
}

@test "namespace: a user who may make none: refused, never left out" {
	as_root
	as_user
	# in a namespace of our own the number of those below it can be set
	refused timeout -k 2 60 unshare -Urpf --mount-proc sh -c \
		'echo 0 >/proc/sys/user/max_pid_namespaces && exec "$@"' sh \
		"$folder/rota" map --pid-namespace -i range:1-3 upper
	# what hides a part of /proc would come into sight in one of our own; but not if it is in sight elsewhere
	[ "$(grep -c ' - proc ' /proc/self/mountinfo)" -le 1 ] || skip "another /proc is mounted somewhere, as for a chroot"
	refused timeout -k 2 60 unshare -m sh -c 'mount -t tmpfs none /proc/sys && exec "$@"' sh \
		"$ROTA" map --pid-namespace -i range:1-3 upper
	has "$err" 'cannot mount a /proc of its own'
}

@test "namespace: threads can't be in one, and don't take over" {
	ROTA=$folder/rota
	expect 2 map -b thread upper <items
	has "$err" 'pid-namespace: threads'
	empty "$out"
	compile -shared -fPIC -o nofork.so "$BATS_TEST_DIRNAME/nofork.c" -ldl
	export ASAN_OPTIONS=verify_asan_link_order=0:$ASAN_OPTIONS
	nofork() { LD_PRELOAD=$PWD/nofork.so NOFORK=spawn "$ROTA" map --pid-namespace upper <items; }
	expect 3 nofork
	has "$err" '--pid-namespace'
	empty "$out"
}

@test "namespace: yes and no, in a file and on the command line" {
	as_user
	cat >conf.yaml <<-'END'
		jobs:
		  here: {plugin: exec, pid-namespace: yes, input: "range:1-1", options: {command: [sh, -c, "echo $PPID"]}}
	END
	expect 0 rota run /dev/stdin <conf.yaml
	[ "$(<"$out")" -lt 10 ]
	expect 0 rota run --set here.pid-namespace=no /dev/stdin <conf.yaml
	[ "$(<"$out")" -ge 10 ]
}
