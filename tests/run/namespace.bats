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
		cd / && exec setpriv --reuid 65534 --regid 65534 --clear-groups "$(dirname "$0")/rota" "$@"
	END
	chmod -R a+rX "$folder"
	chmod a+x "$folder/as-user"
}

teardown_file() {
	rm -rf "$folder"
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	ulimit -c 0
	seq 2000 >items
	grep -vx 700 items >others
	bad=$folder/plugins
}

teardown() {
	[ -z "${run:-}" ] || kill -CONT "$run" 2>/dev/null || true
	[ ! -e here ] || umount here 2>/dev/null || true
	end_all
}

as_root() {
	if [ "$(id -u)" -ne 0 ] || ! unshare -pmf true 2>/dev/null; then
		skip "needs root and the right to make PID namespaces"
	fi
	ROTA=$folder/rota
}

# Whoever runs the tests, or nobody in root's place.
as_user() {
	[ "${SANITIZER:-}" != thread ] || skip "with threads there is no user namespace, and a sanitizer has one"
	command -v unshare >/dev/null || skip "unshare is missing"
	if [ "$(id -u)" -ne 0 ]; then
		unshare -Upmf --mount-proc true 2>/dev/null || skip "this kernel lets users make no namespaces"
		ROTA=$folder/rota
		return
	fi
	slow
	command -v setpriv >/dev/null || skip "setpriv is missing"
	setpriv --reuid 65534 --regid 65534 --clear-groups unshare -Upmf --mount-proc true 2>/dev/null ||
		skip "this kernel lets users make no namespaces"
	ROTA=$folder/as-user
}

map() {
	rota map --pid-namespace "$@"
}

has_begun() {
	[ "$(wc -l <"$out")" -ge "$1" ]
}

forkserver() {
	pgrep -P "$run" -f -- --serve
}

workers() {
	local server
	server=$(forkserver) || return 0
	pgrep -x rota-worker -P "$server"
}

is_stopped() {
	[[ $(sed 's/.*) //' "/proc/$1/stat" 2>/dev/null) == T* ]]
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
	[ "$(sed -n 1p "$out")" -eq 0 ]
	[ "$(sed -n 2p "$out")" -lt 20 ]
	[ "$(sed -n 3p "$out" | wc -w)" -le 4 ]
}

@test "namespace: as root, items find themselves in one" { as_root && works; }
@test "namespace: as a user, items find themselves in one" { as_user && works; }

@test "namespace: a user has the same ids in it, and no capability" {
	as_user
	expect 0 rota exec --pid-namespace -j 1 -- sh -c 'id -u; id -g; grep ^CapEff /proc/self/status' sh <<<a
	[ "$(sed -n 1p "$out")" -eq "$([ "$(id -u)" -eq 0 ] && echo 65534 || id -u)" ]
	[ "$(sed -n 2p "$out")" -eq "$([ "$(id -u)" -eq 0 ] && echo 65534 || id -g)" ]
	[ "$(awk '/^CapEff/ { print $2 }' "$out")" = 0000000000000000 ]
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
nest='for _ in 1 2 3; do setsid setsid sh -c "trap \"\" TERM HUP INT; sleep 1000 & echo asleep >&2
	sleep 1000" & done'

daemons_run() {
	start "$ROTA" exec --pid-namespace -j 2 -i range:1-2 -- sh -c "$nest; echo begun >&2; sleep 1000" </dev/null
	eventually have_begun
}

have_begun() {
	[ "$(grep -c 'begun\|asleep' "$err")" -eq 8 ]
}

killed() {
	daemons_run
	kill -KILL "$run"
	ends 137
	nothing_left
	! quick || return 0
	# the fork server as well, and the other way round
	for first in server run; do
		daemons_run
		server=$(forkserver)
		kill -STOP "$run"
		[ "$first" = run ] || kill -KILL "$server"
		kill -KILL "$run"
		[ "$first" = server ] || kill -KILL "$server" 2>/dev/null || :
		ends 137
		nothing_left
	done
	start "$ROTA" exec --pid-namespace -j 2 -i range:1-20 -- sh -c "$nest" </dev/null
	ends 0
	nothing_left
}

@test "namespace: as root, nothing is left after kill -9, nor in order" { as_root && killed; }
@test "namespace: as a user, nothing is left after kill -9, nor in order" { as_user && killed; }

starts_again() {
	start "$ROTA" map --pid-namespace -j 2 "$bad/shelf.so" fault=daemon when='*' ms=4 </dev/null -i range:1-600
	for _ in 1 2 3; do
		# one that is killed while it loads the plugin is the plugin's fault
		eventually has_begun $(($(wc -l <"$out") + 20))
		server=$(forkserver)
		# a process that has outlived it would still count here
		kill -KILL "$server"
		eventually has_another "$server"
	done
	ends 0
	seq 600 | cmp - "$out"
	nothing_left
}

has_another() {
	local now
	now=$(forkserver) || has_ended && [ "$now" != "$1" ]
}

@test "namespace: as root, a killed fork server takes all with it, and the run goes on" {
	slow
	as_root
	starts_again
}
@test "namespace: as a user, a killed fork server takes all with it, and the run goes on" { as_user && starts_again; }

# The process that becomes process 1: halted before it executes the program. Its sibling waits for that.
becoming() {
	pgrep -x halted -P "$run"
}

@test "namespace: a fork server killed while it makes its process 1 leaves none, and the run goes on" {
	slow
	as_root
	[ "$(uname -m)" = x86_64 ] || skip "what halts it is for x86-64"
	[ -z "${SANITIZER:-}" ] || skip "a sanitizer wants to be loaded first"
	compile -std=gnu11 -shared -fPIC -I"$abs_top_srcdir" -o halt.so "$abs_top_srcdir/tests/sweep/halt.c" -ldl
	seq 20 >few
	for point in become-MOUNT:1:before become-MOUNT:2:after send-MOVED:1:before; do
		for victim in server both; do
			rm -f halted
			start env "LD_PRELOAD=$PWD/halt.so" "HALT_AT=$point" "HALT_FILE=$PWD/halted" "$ROTA" map -j 2 \
				--pid-namespace -i few upper
			eventually test -e halted
			eventually becoming
			first=$(becoming)
			# shellcheck disable=SC2046 # one that has ended its part isn't there any more
			kill -KILL $(pgrep -P "$run" -x rota-worker) $([ $victim = server ] || echo "$first") || :
			within 10 has_ended || { echo "$point, $victim"; show "$err"; kill -KILL "$first"; false; }
			ends 0
			same "$out" few
			nothing_left
		done
	done
}

@test "namespace: kill -9 while it begins" {
	as_user
	for time in 0.000 0.001 0.002 0.003 0.004 0.005 0.007 0.01; do
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

signals_others() {
	seq 100 >items
	expect 0 map -j 2 "$bad/shelf.so" fault=killparent when='*' <items
	same "$out" items
	empty "$err"
	for signal in KILL $(quick || echo TERM STOP SEGV); do
		expect 0 rota exec --pid-namespace -j 1 -- sh -c "$in_there"'kill -"$1" 1 && echo "$1"' sh <<<"$signal"
		is "$out" "$signal"
		empty "$err"
	done
}

@test "namespace: as root, a parent that is killed by its item doesn't notice" { as_root && signals_others; }
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

# fault CAUSE OPTIONS
blames() {
	expect 1 map -j 2 "${@:3}" "$bad/shelf.so" fault="$1" when=700 <items
	same "$out" others
	has "$err" "item 700 \"700\": $2"
	[ "$(grep -c 'item 700 "700": ' "$err")" -eq 1 ]
}

blames_all() {
	blames kill 'crashed: SIGKILL'
	blames exit3 'crashed: exit code 3'
	blames killgroup 'crashed: SIGKILL'
	blames hang 'timed out' --timeout 200ms
	blames stop 'timed out' --timeout 200ms
	blames loop 'timed out' --timeout 200ms
	[ -n "${SANITIZER:-}" ] || blames segv 'crashed: SIGSEGV'
	[ -n "${SANITIZER:-}" ] || blames memory 'over limit: over memory limit' --memory 60M
	expect 0 map -j 2 --recycle 50 --retries 3 "$bad/shelf.so" fault=kill when='*' attempts=1 <<<"$(seq 20)"
	seq 20 | cmp - "$out"
}

@test "namespace: as root, items are blamed as they are without" { slow && as_root && blames_all; }
@test "namespace: as a user, items are blamed as they are without" { as_user && blames_all; }

stops() {
	start "$ROTA" map --pid-namespace -j 2 -i range:1-400 "$bad/shelf.so" ms=5 </dev/null
	eventually has_begun 10
	kill -TSTP "$run"
	eventually is_stopped "$run"
	pids=$(workers)
	[ "$(wc -w <<<"$pids")" -eq 2 ]
	for pid in $pids; do
		eventually is_stopped "$pid"
	done
	kill -CONT "$run"
	# QUIT tells them as they are known outside
	kill -QUIT "$run"
	for pid in $pids; do
		eventually grep -q "worker [12], process $pid:" "$err"
	done
	ends 0
	seq 400 | cmp - "$out"
	nothing_left
}

@test "namespace: as root, workers stop and go on with the supervisor" {
	slow
	as_root
	stops
}
@test "namespace: as a user, workers stop and go on with the supervisor" { as_user && stops; }

ends_by_signal() {
	start "$ROTA" map --pid-namespace -j 2 --grace 100ms -i range:1-9 "$bad/shelf.so" fault=hang when=5 </dev/null
	eventually has_begun 4
	kill -TERM "$run"
	ends 143
	seq 4 | cmp - "$out"
	nothing_left
}

@test "namespace: as root, TERM" { as_root && ends_by_signal; }
@test "namespace: as a user, TERM" { as_user && ends_by_signal; }

# Workers and fork servers, as they come.
storm() {
	local n_killed=0 victim
	start "$ROTA" map --pid-namespace -j 4 --retries 100 sleep ms=20 <<<"$(seq -f 'item %g' 1000)"
	eventually has_begun 10
	until has_ended || [ "$n_killed" -ge 60 ]; do
		victim=$( (workers; workers; forkserver) | shuf -n 1)
		if [ -n "$victim" ] && kill -9 "$victim" 2>/dev/null; then
			n_killed=$((n_killed + 1))
		fi
		read -rt 0.02 <> <(:) || : # 50 a second at most
	done
	[ "$n_killed" -gt 3 ]
	ends 0
	seq -f 'item %g' 1000 | cmp - "$out"
	nothing_left
}

@test "namespace: as root, workers and fork servers killed at random: every result right, in order, once" {
	slow
	as_root
	storm
}

@test "namespace: as a user, workers and fork servers killed at random: every result right, in order, once" {
	slow
	as_user
	storm
}

@test "namespace: a plugin that can't be loaded, or not started" {
	slow
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
	[ "$(grep -c '^rota: pid-namespace: .*leave pid-namespace out$' "$err")" -eq 1 ]
	empty "$out"
}

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
	slow
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
	slow
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
	[ "$(cat "$out")" -lt 10 ]
	expect 0 rota run --set here.pid-namespace=no /dev/stdin <conf.yaml
	[ "$(cat "$out")" -ge 10 ]
}
