#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2030,SC2031,SC2094,SC2317
#
# What a run finds around it: standard streams that are closed, disks that are full or read-only, no /proc, few
# descriptors and processes for many workers. Right results, or one clear error; never exit 0 with results missing.
load helper

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	printf '%s\n' {1..5000} >items
}

teardown() {
	end_all
	[ -z "${folder:-}" ] || rm -rf "$folder"
}

needs_namespaces() {
	if [ "$EUID" -ne 0 ] || ! unshare -m true 2>/dev/null; then skip "needs root and namespaces"; fi
}

# -- standard streams --

# without DIGITS COMMAND: those of the streams 0, 1, 2 are closed
without() {
	local status=0
	(
		case $1 in *0*) exec 0<&- ;; *) exec 0</dev/null ;; esac
		case $1 in *1*) exec 1>&- ;; *) exec 1>stdout ;; esac
		case $1 in *2*) exec 2>&- ;; *) exec 2>stderr ;; esac
		exec timeout -k 2 60 "${@:2}"
	) || status=$?
	return "$status"
}

# Input and outputs are files of their own: those that are opened first get the closed streams' numbers. A plugin's own
# standard output is the workers' standard error; a run that fails says so in its status alone.
streams_closed() {
	for closed in "${@:2}"; do
		echo "closed: $closed"
		rm -f results stdout stderr
		status=0
		without "$closed" "$ROTA" map -b "$backend" -j 2 -i items -o results "$bad/shelf.so" fault=named || status=$?
		[ "$status" -eq "$1" ]
		same results wanted
		empty stdout
		empty stderr || ! grep -v '^worker [12]: \|^rota: \|^words on' stderr
	done
}

@test "standard streams closed at start: in no combination is anything mixed into files" {
	local items=({1..300})
	items[99]='!stderr' items[199]='!log'
	printf '%s\n' "${items[@]}" | tee items >wanted
	backend=thread
	streams_closed 0 none 0 1 012
	backend=process
	streams_closed 0 none 02
}

# bats test_tags=quick
@test "standard streams closed at start: junk of a plugin's, failures and deaths" {
	printf '%s\n' {1..50} '!stderr' {52..99} '!stdout' {101..120} '!log' {122..149} '!kill' {151..199} '!fail' \
		{201..300} >items
	printf '%s\n' {1..50} '!stderr' {52..99} '!stdout' {101..120} '!log' {122..149} {151..199} {201..300} >wanted
	backend=process
	streams_closed 1 12
	quick || streams_closed 1 none 0 1 2 01 02 012
}

@test "standard streams closed at start: with exec, whose commands have theirs" {
	for closed in none 0 1 2 01 02 12 012; do
		echo "closed: $closed"
		rm -f results
		without "$closed" "$ROTA" exec -j 2 -i range:1-2 -o results -- sh -c 'cat; echo "$1"; echo words >&2' sh
		lists results 1 2
	done
}

# bats test_tags=quick
@test "standard input closed: that it is the input is an error, no empty one" {
	for closed in 0 02; do
		status=0
		without "$closed" "$ROTA" map upper || status=$?
		[ "$status" -ge 2 ]
		empty stdout
	done
}

@test "standard input or output open the wrong way round: an error" {
	wrong_way() { "$ROTA" map upper 0>file; }
	expect 2 wrong_way
	has "$err" 'standard input'
	wrong_way() { timeout -k 2 60 "$ROTA" map upper <items 1<items; }
	expect 2 wrong_way
	has "$err" 'standard output'
	wrong_way() { timeout -k 2 60 "$ROTA" map upper <items 1</dev/null; }
	expect 2 wrong_way
	has "$err" 'standard output'
}

# -- disks --

# on_small_disk COMMAND: its folder is a file system of 256 KiB
on_small_disk() {
	mkdir -p disk
	timeout -k 2 60 unshare -m sh -c 'mount -t tmpfs -o size=256k none disk && status=0 && "$@" || status=$?
		cp disk/results . && exit "$status"' sh "$@"
}

full_disk() {
	seq 100000 >items
	expect 3 on_small_disk "$ROTA" map -b "$backend" -j 2 -i items -o disk/results "$@"
	has "$err" 'cannot write disk/results: No space left on device'
	counts 1 "$err" 'No space left'
	# the first ones, whole but for the one that the disk cut
	[ -s results ]
	cmp -n "$(stat -c %s results)" items results
}

# bats test_tags=quick
@test "a full disk: exit 3, said once, the first results are there" {
	needs_namespaces
	at_least_on process full_disk upper
	backend=process
	quick || full_disk "$bad/shelf.so" fault=stderr when='#3'
	into_full() {
		mkdir -p disk
		timeout -k 2 60 unshare -m sh -c 'mount -t tmpfs -o size=256k none disk && exec "$@" >disk/results' sh \
			"$ROTA" map -j 2 -i items "$@"
	}
	expect 3 into_full upper
	has "$err" 'cannot write standard output: No space left on device'
	quick || expect 3 into_full -u upper
}

# What was written before waits in no buffer: the last result doesn't fit.
@test "a full disk: by the last result, too" {
	needs_namespaces
	head -c 262144 /dev/zero | tr '\0' x >items
	expect 3 on_small_disk "$ROTA" map -j 2 -i items -o disk/results upper
	has "$err" 'No space left on device'
}

@test "write errors of every kind of output: never exit 0" {
	needs_namespaces
	expect 3 rota map -o /dev/full -i range:1-3 upper
	expect 3 rota map -o nul:/dev/full -i range:1-3 upper
	! quick || return 0
	expect 3 rota exec -o /dev/full -i range:1-3 echo
	expect 2 rota map -o /nowhere/results -i range:1-3 upper
	has "$err" '/nowhere'
	expect 2 rota map -o . -i range:1-3 upper
	has "$err" 'directory'
	printf 'jobs:\n  a:\n    plugin: upper\n    input: range:1-3\n    output: /dev/full\n' >jobs.yaml
	expect 3 rota run jobs.yaml
}

@test "input that can't be read: EIO" {
	expect 3 rota map -i /proc/self/mem upper
	has "$err" '/proc/self/mem'
	empty "$out"
}

# -- /proc, / --

right_or_said() {
	[ "$1" -eq 0 ] || { [ "$1" -eq 3 ] && [ -s err ] && lines err -le 3; }
	[ "$1" -ne 0 ] || same out items
}

# bare SCRIPT COMMAND: in a mount namespace of its own that SCRIPT has changed
bare() {
	timeout -k 2 60 unshare -m sh -c "$1"' && exec "$@"' sh "${@:2}"
}

no_proc() {
	status=0
	bare 'mount -t tmpfs none /proc' "$ROTA" map -b "$backend" -j 3 upper <items >out 2>err || status=$?
	show err
	right_or_said "$status"
	[ "$status" -eq 0 ]
	status=0
	bare 'mount -t tmpfs none /proc' "$ROTA" map -j 2 --retries 1 --timeout 300ms --memory 1G --recycle 500 \
		"$bad/shelf.so" fault=hang when=70 attempts=1 <items >out 2>err || status=$?
	show err
	right_or_said "$status"
}

@test "no /proc: right, and crashes and time-outs are told as ever" {
	[ -z "${SANITIZER:-}" ] || skip "a sanitizer has its own ways here"
	needs_namespaces
	at_least_on process no_proc
	status=0
	bare 'mount -t tmpfs none /proc' "$ROTA" map -j 2 "$bad/shelf.so" fault=segv when=70 <items >out 2>err || status=$?
	[ "$status" -eq 1 ]
	lists out {1..69} {71..5000}
	has err 'item 70 "70": crashed: SIGSEGV'
}

@test "no /proc: what an item leaves running is ended, too" {
	[ -z "${SANITIZER:-}" ] || skip "a sanitizer has its own ways here"
	needs_namespaces
	start unshare -m sh -c 'mount -t tmpfs none /proc && exec "$@"' sh "$ROTA" map -j 2 "$bad/shelf.so" \
		fault=fork when='*' <<<"$(seq 20)"
	ends 0
	lists "$out" {1..20}
	nothing_left
}

@test "a read-only root, and no folder for temporary files" {
	needs_namespaces
	for backend in $(quick || echo thread) process; do
		expect 0 bare 'mount -o remount,ro,bind / && export TMPDIR=/nowhere' "$ROTA" map -b "$backend" -j 3 upper <items
		same "$out" items
		empty "$err"
	done
	expect 3 bare 'mount --bind / /mnt && mount -o remount,ro,bind /mnt' "$ROTA" map -o /mnt/tmp/results upper <items
	has "$err" '/mnt/tmp/results'
	has "$err" 'Read-only file system'
}

@test "a working directory that is gone" {
	mkdir gone
	exec 6<items
	from_nowhere() { (cd gone && rmdir "$PWD" && timeout -k 2 60 "$ROTA" map -j 2 upper <&6); }
	expect 0 from_nowhere
	exec 6<&-
	same "$out" items
}

# bats test_tags=quick
@test "an environment without anything" {
	expect 0 timeout -k 2 60 env -i "$ROTA" map -j 2 upper <items
	same "$out" items
	empty "$err"
	expect 0 timeout -k 2 60 env -i "$ROTA" exec -j 2 /bin/echo <<<$'a\nb'
	is "$out" $'a\nb'
}

# -- many workers --

@test "256 workers on whatever processors there are" {
	# all of them at a time, and then tiny ones
	local items=({1..20512})
	printf '%s\n' "${items[@]/*/0}" | sed '1,512s/0/5/' >items
	expect 0 rota map -j 256 sleep <items
	same "$out" items
	empty "$err"
	seq 100000 >items
	expect 0 rota map -b thread -j 256 upper <items
	same "$out" items
	empty "$err"
}

@test "256 workers, and descriptors for a few: fewer workers, or one clear error" {
	printf 'item %s\n' {1..600} >items
	for n in 64 $(quick || echo 128 300); do
		status=0
		timeout -k 2 60 bash -c 'ulimit -n "$1" && exec "$2" map -j 256 sleep ms=2' - "$n" "$ROTA" \
			<items >out 2>err || status=$?
		echo "ulimit -n $n: status $status"
		show err
		right_or_said "$status"
	done
}

@test "many workers, and processes for a few, for an ordinary user: fewer workers, at most a line of notice" {
	[ -z "${SANITIZER:-}" ] || skip "a sanitizer has its own ways here"
	[ "$EUID" -eq 0 ] || skip "needs root"
	command -v setpriv >/dev/null || skip "setpriv is missing"
	copy_programs sleep.so
	printf 'item %s\n' {1..300} >items
	# a user of our own: its number of processes is what it has here alone
	expect 0 timeout -k 2 60 setpriv --reuid $((62000 + BASHPID % 1000)) --regid 65534 --clear-groups \
		bash -c 'cd / && ulimit -u 20 && exec "$1/rota" map -j 64 "$1/plugins/sleep.so" ms=2' bash "$folder" <items
	same "$out" items
	lines "$err" -le 1
	empty "$err" || has "$err" 'of 64 workers could be started'
}
