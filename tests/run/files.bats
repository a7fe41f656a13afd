#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2030,SC2031,SC2094,SC2317
#
# Plugin files that are no good, on both backends: one message with file and reason, the right exit status, the
# supervisor alive, nothing started again and again. What crash.bats has already isn't here.
load helper

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	ulimit -c 0
	cp "$plugins/upper.so" good.so
}

teardown() {
	end_all
	[ -z "${folder:-}" ] || rm -rf "$folder"
}

# refused STATUS WORDS FILE OPTIONS: within 6 s; a signal of the supervisor's would be 128 and more. The two backends
# take turns: what is no good is so before there are workers. nothing_left belongs at the end of the test.
refused() {
	local backend turns=(process thread)
	n_refused=$((${n_refused:-0} + 1))
	for backend in ${backends:-${turns[n_refused % 2]}}; do
		start "$ROTA" map -b "$backend" --trust-path "${@:4}" "$3" <<<a
		within 6 has_ended
		ends "$1"
		empty "$out"
		unwatched one_reason "$2" "$3"
		! compgen -G "/dev/shm/rota.$run.*" || return 1
	done
}

# With -v the window's size is said first, with -vv how the job gets on.
one_reason() { # WORDS FILE
	local line name=${2##*/} n=0 is_said=false
	while IFS= read -r line; do
		[[ $line != 'rota: '* || $line == *': a window of '* || $line == *' job map: '*' -> '* ]] || n=$((n + 1))
		[[ $line != *"$1"* || $line != *"${name%.so}"* ]] || is_said=true
	done <"$err"
	if ! "$is_said" || [ "$n" -gt 2 ]; then show "$err" && return 1; fi
}

# in_one_run NUMBER...: a job for each NUMBER/upper.so. Those that are refused before anything is run are named in
# refused, each once, with the reason. The others are run: right, or it is said of them why not.
in_one_run() {
	local number line
	write_jobs "$@"
	expect 2 rota check jobs.yaml
	empty "$out"
	refused=()
	while IFS= read -r line; do
		number=${line%%/upper.so: *} number=${number##*/}
		[ -z "${refused[number]:-}" ] || { echo "said twice: $line"; return 1; }
		refused[number]=$line
	done <"$err"
	[ "${#refused[@]}" -lt $# ] || return 0
	write_jobs "$@"
	"$ROTA" run jobs.yaml >out 2>err </dev/null || [ $? -eq 3 ]
	for number; do
		[ -z "${refused[number]:-}" ] || continue
		[ -s "$number/out" ] && is "$number/out" A && continue
		echo "$number isn't run"
		lines <(grep -w "j$number\|$number/upper.so" err) -ge 1
		lines <(grep -w "j$number\|$number/upper.so" err) -le 3
	done
}

# But for those that are refused.
write_jobs() {
	local number
	{
		printf 'run: {trust-path: yes}\njobs:\n'
		for number; do
			[ -z "${refused[number]:-}" ] || continue
			printf '  j%d: {plugin: ./%d/upper.so, ' "$number" "$number"
			printf 'input: one, output: %d/out, jobs: 1, backend: %s}\n' "$number" "$backend"
		done
	} >jobs.yaml
	echo a >one
}

@test "no regular file: missing, a device, a socket, a loop of links" {
	refused 2 'No such file' ./missing.so
	refused 2 device /dev/zero
	ln -s loop.so loop.so
	refused 2 loop ./loop.so
	ln -s nothing dangling.so
	refused 2 'No such file' ./dangling.so
	refused 2 device /dev/null
	nothing_left
	command -v perl >/dev/null || return 0
	perl -MIO::Socket::UNIX -e 'IO::Socket::UNIX->new(Local => "socket.so", Listen => 1) or die'
	refused 2 socket ./socket.so
	nothing_left
}

@test "no folder on the way to it, one that is none" {
	refused 2 'No such file' ./nowhere/plugin.so
	: >file
	refused 2 'Not a directory' ./file/plugin.so
	nothing_left
}

# Wherever the file ends: where something is missing it is said, where nothing is it is good. Never a signal.
@test "a file that is cut short, at many places" {
	local size n refused=()
	size=$(stat -c %s good.so)
	local places=(1 4 15 17 51 63 64 65 100 500 4095 4096
		$((size / 4)) $((size / 2)) $((size - 4096)) $((size - 1)))
	mkdir "${places[@]}"
	for n in "${places[@]}"; do
		head -c "$n" good.so >"$n/upper.so"
	done
	for backend in $(quick || echo process) thread; do
		refused=()
		unwatched in_one_run "${places[@]}"
		for n in "${places[@]}"; do
			# what was cut off there may never be loaded
			[ -n "${refused[n]:-}" ] || [ "$n" -gt $((size / 2)) ]
			[ -z "${refused[n]:-}" ] || [[ ${refused[n]} =~ cut\ short|n.t\ a\ shared\ object ]]
		done
	done
}

# damage FILE OFFSET BYTES
damage() {
	cp good.so "$1"
	printf '%b' "$3" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

@test "another machine, another kind of file, another word size" {
	damage machine.so 18 '\xb7\x00' # EM_AARCH64
	[ "$(uname -m)" != aarch64 ] || damage machine.so 18 '\x3e\x00'
	refused 2 machine ./machine.so
	damage class.so 4 '\x01'
	refused 2 bit ./class.so
	damage endian.so 5 '\x02'
	refused 2 endian ./endian.so
	damage kind.so 16 '\x01\x00' # ET_REL
	refused 2 "not a shared object" ./kind.so
	cp "$ROTA" program.so
	refused 2 '' ./program.so
	nothing_left
}

# Every byte of the two headers, one at a time: refused, or as good as before; the supervisor outlives it.
@test "headers that are damaged, byte by byte" {
	local offset offsets=() refused=() backend=process
	for ((offset = 0; offset < 64 + 2 * 56; offset += 3)); do
		offsets+=("$offset")
	done
	mkdir "${offsets[@]}"
	tee "${offsets[@]/%//upper.so}" <good.so >/dev/null
	printf '\xff' >byte
	for offset in "${offsets[@]}"; do
		dd if=byte of="$offset/upper.so" bs=1 seek="$offset" conv=notrunc status=none
	done
	unwatched in_one_run "${offsets[@]}"
	[ "${#refused[@]}" -gt 10 ]
}

@test "nothing that a plugin is: undefined symbols, a short struct, no run, a library that isn't there" {
	backends=thread
	refused 2 function_that_exists_nowhere "$bad/undefined.so"
	refused 2 bytes "$bad/short.so"
	refused 2 run "$bad/no-run.so"
	backends=
	echo 'int gone(void); int gone(void) { return 0; }' | compile -shared -fPIC -o libgone.so -x c -
	compile -shared -fPIC -I"$abs_top_srcdir/include" -o needs.so "$abs_top_srcdir/plugins/identity.c" \
		-L. -Wl,--no-as-needed -lgone
	rm libgone.so
	refused 2 libgone.so ./needs.so
	nothing_left
}

@test "a plugin that crashes or exits while it is loaded, where threads were to run it" {
	[ -z "${SANITIZER:-}" ] || skip "a sanitizer has its own ways here"
	backends=thread
	refused 2 SIGSEGV "$bad/ctor-segv.so"
	refused 2 'ended its process' "$bad/ctor-exit.so"
	nothing_left
}

# starts_are_few: how often a worker was started, as -vv tells
starts_are_few() {
	[ "$(grep -c 'worker [0-9]*: NONE -> STARTING' "$err")" -le "$1" ]
}

@test "load or open that refuses, crashes, exits: the reason once, no restart storm" {
	for jobs in 1 4; do
		backends=process refused 3 SIGABRT "$bad/load-crash.so" -j "$jobs" -vv
		nothing_left
		starts_are_few 0
		for plugin in open-crash open-refuse; do
			start "$ROTA" map -vv -j "$jobs" "$bad/$plugin.so" <<<a
			within 6 has_ended
			ends 3
			starts_are_few 10
			nothing_left
		done
	done
}

@test "a plugin that forks while it is loaded is one plugin, and its child doesn't outlive the run" {
	compile -shared -fPIC -I"$abs_top_srcdir/include" -o forks.so -x c - <<-'END'
		#include <rota/plugin.h>
		#include <unistd.h>
		static void leave_child(void)
		{
			if (fork() == 0)
				while (pause() < 0)
					;
		}
		__attribute__((constructor)) static void constructor(void)
		{
			leave_child();
		}
		static int forks_open(struct rota_worker *worker, void **state)
		{
			(void)worker;
			*state = NULL;
			leave_child();
			return ROTA_OK;
		}
		static int forks_run(struct rota_task *task, void *state)
		{
			(void)state;
			return rota_write(task, "well", 4);
		}
		ROTA_PLUGIN(.name = "forks", .version = "1.0", .summary = "forks", .open = forks_open, .run = forks_run);
	END
	start "$ROTA" map --trust-path -j 2 ./forks.so <<<$'a\nb'
	ends 0
	is "$out" $'well\nwell'
	nothing_left
}

@test "a destructor that crashes spoils nothing" {
	seq 100 >items
	expect 0 rota map -j 2 "$bad/dtor-abort.so" <items
	same "$out" items
	expect 0 rota map -j 2 --recycle 20 "$bad/dtor-abort.so" <items
	same "$out" items
}

# bats test_tags=quick
@test "a path that everybody could have written: refused before anything of it is run" {
	open_folder
	cp "$bad/ctor-exit.so" "$folder/mine.so"
	chmod 777 "$folder"
	chmod 755 "$folder/mine.so"
	for backend in process thread; do
		expect 2 rota map -b "$backend" "$folder/mine.so" <<<a
		[ "$(wc -l <"$err")" -eq 1 ]
		has "$err" "$folder"
		has "$err" --trust-path
	done
	# nor by a link from a folder that is all right
	ln -s "$folder/mine.so" link.so
	chmod 755 .
	expect 2 rota map ./link.so <<<a
	has "$err" --trust-path
}

@test "a file that is replaced while the run goes on: workers go on with what was loaded" {
	mkfifo in
	start "$ROTA" map -j 1 --recycle 1 --trust-path -i in ./good.so </dev/null
	exec 4>in
	echo a >&4
	eventually grep -qx A "$out"
	cp "$plugins/identity.so" other.so
	mv other.so good.so
	echo b >&4
	eventually grep -qx B "$out"
	exec 4>&-
	ends 0
	is "$out" $'A\nB'
	nothing_left
}
