# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# What the tests of whole runs share: `load helper` at the top of a bats file. By hand: bats tests/run/FILE.bats
#
#	rota, try                    the programs of this build
#	both_backends FUNCTION       runs FUNCTION with $backend set to process, then to thread
#	at_least_on BACKEND FUNCTION the same, but of the quick set with this one only
#	take_turns                   sets $backend to the other one: for what is the supervisor's, many times
#	expect STATUS COMMAND        runs COMMAND, its output in $out, its standard error in $err (files)
#	is FILE TEXT, has FILE TEXT  the file is TEXT and a newline; has a line with TEXT in it
#	lists FILE WORD...           its lines are these words
#	counts N FILE TEXT           so many of its lines have TEXT in them
#	empty FILE, same FILE FILE   nothing in it; byte for byte
#	lines FILE -eq N             it has so many lines; or -le, -ge
#	eventually COMMAND           waits until COMMAND succeeds, for as long as a loaded machine may need
#	within SECONDS COMMAND       the same, for a time that is promised
#	says FILE TEXT, has_line FILE TEXT   for these: is it there, and has TEXT in it, or a line that is TEXT?
#	open_folder                  $folder: one that every user may look into, as TMPDIR needn't be; removed by teardown
#	copy_programs FILE...        the same, with copies of the programs and of these plugins
#	compile OPTION...            the C compiler of this build, which may be several words (CC='ccache gcc')
#	quick                        whether it is the quick set that is run: one of many variants will do
#
# Runs in the background, which a test looks at, stops and kills:
#
#	start COMMAND                runs COMMAND: pid in $run, output in $out, standard error in $err; input stays
#	ends STATUS                  waits for it
#	ticks                        CPU time of rota itself so far, in hundredths of a second
#	processes                    pids of all living processes of runs that this test has started; find_them: in $living
#	children PID NAME            in $children: pids of its living children of this name (a pattern)
#	forkserver, workers          in $server, $workers: the pid of the run's fork server, those of its workers
#	nothing_left                 within a second there are none, and no shared memory or temporary file
#	hold N, release              items from the N-th on take their time in the plugin gate; no more
#	has_lines FILE N             the file is there and has so many lines, or more
#	interrupt                    INT, release when that was heard, and the end
#
# A test that waits does so for an event, and keeps its files in $BATS_TEST_TMPDIR.

bats_require_minimum_version 1.5.0

# This is read for each test: make check has said where they are.
if [ -z "${abs_top_srcdir:-}" ] || [ -z "${abs_top_builddir:-}" ]; then
	here=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
	: "${abs_top_srcdir:=$here}"
	: "${abs_top_builddir:=$here}"
fi
: "${ROTA:=$abs_top_builddir/rota}"
# shellcheck disable=SC2034 # for the tests
{
	worker=${ROTA%/*}/rota-worker
	plugins=$abs_top_builddir/plugins
	bad=$abs_top_builddir/tests/bad
}

# Whatever hangs ends here, with 124 or 137.
rota() {
	timeout -k 2 60 "$ROTA" "$@"
}

# try PLUGIN [KEY=VALUE]...
try() {
	"$worker" --try "$plugins/$1.so" "${@:2}"
}

# A process costs more than what the shell does by itself. But bats looks at each command of a test, which is dear in a
# loop: not at those of what this calls.
unwatched() {
	local -
	set +T
	"$@"
}

# No || here or there: it would switch off the end of a test at its first failing command.
both_backends() {
	for backend in process thread; do
		echo "with --backend $backend:"
		"$@"
	done
}

take_turns() {
	if [ "${backend:-}" = process ]; then backend=thread; else backend=process; fi
}

at_least_on() {
	if quick; then
		backend=$1 "${@:2}"
	else
		both_backends "${@:2}"
	fi
}

expect() {
	local status=0
	out=$BATS_TEST_TMPDIR/out err=$BATS_TEST_TMPDIR/err
	"${@:2}" >"$out" 2>"$err" || status=$?
	[ "$status" -eq "$1" ] || { echo "status $status, expected $1: ${*:2}"; show "$err"; return 1; }
}

# What a test expects is mostly there: that is seen without another process, the rest is cmp's and grep's.
is() {
	local text rest status=1 seen=$BATS_TEST_TMPDIR/seen.by.is
	exec {rest}<"$1"
	IFS= read -r -d '' -n 65536 text <&"$rest" || status=0
	if [ "$status" -eq 0 ] && [ "$text" = "$2"$'\n' ]; then
		exec {rest}<&-
		return
	fi
	# what comes through a pipe is there once, and is to be shown, too
	{
		printf '%s' "$text"
		[ "$status" -eq 0 ] || [ "${#text}" -eq 65536 ] || printf '\0'
		cat <&"$rest"
	} >"$seen"
	exec {rest}<&-
	printf '%s\n' "$2" | cmp -s - "$seen" || { echo "expected: $2"; show "$seen"; return 1; }
}

has() {
	local text
	if [ -f "$1" ]; then
		IFS= read -r -d '' -n 65536 text <"$1" || :
		[[ $text != *"$2"* ]] || return 0
	fi
	grep -qF -- "$2" "$1" || { echo "expected a line with: $2"; show "$1"; return 1; }
}

lists() {
	local text wanted
	printf -v wanted '%s\n' "${@:2}"
	if ! IFS= read -r -d '' text <"$1" && [[ $text == "$wanted" ]]; then return; fi
	printf '%s' "$wanted" | cmp - "$1" || show "$1"
	return 1
}

counts() {
	local n
	unwatched count "$2" "$3"
	[ "$n" -eq "$1" ] || { echo "$n lines, expected $1, with: $3"; show "$2"; return 1; }
}

count() {
	local line lines
	mapfile lines <"$1"
	n=0
	for line in "${lines[@]}"; do
		[[ $line != *"$2"* ]] || n=$((n + 1))
	done
}

empty() {
	[ ! -s "$1" ] || { echo "expected nothing"; show "$1"; return 1; }
}

same() {
	local one other
	if [ -f "$1" ] && [ -f "$2" ] && ! IFS= read -r -d '' -n 8192 one <"$1" &&
		! IFS= read -r -d '' -n 8192 other <"$2" && [ "$one" = "$other" ]; then
		return
	fi
	cmp "$1" "$2"
}

lines() {
	local all
	mapfile all <"$1"
	test "${#all[@]}" "$2" "$3" || { echo "${#all[@]} lines, expected $2 $3"; show "$1"; return 1; }
}

show() {
	echo "$1 is:"
	head -c 2000 "$1" | cat -v
}

within() {
	unwatched await "$@"
}

# $never can be read for ever. A command that takes its time is called less often.
await() {
	local never begun pause end=$((${EPOCHREALTIME/[.,]/} + 1000000 * $1))
	if "${@:2}"; then return; fi
	exec {never}<> <(:)
	begun=${EPOCHREALTIME/[.,]/}
	until "${@:2}"; do
		[ "${EPOCHREALTIME/[.,]/}" -lt "$end" ] || { echo "not within $1 s: ${*:2}"; exec {never}>&-; return 1; }
		pause=$((2 * (${EPOCHREALTIME/[.,]/} - begun)))
		[ "$pause" -ge 5000 ] || pause=5000
		printf -v pause '0.%06d' "$((pause < 100000 ? pause : 100000))"
		read -rt "$pause" -u "$never" || :
		begun=${EPOCHREALTIME/[.,]/}
	done
	exec {never}>&-
}

says() {
	local text=
	[ ! -f "$1" ] || IFS= read -r -d '' text <"$1" || :
	[[ $text == *"$2"* ]]
}

has_line() {
	local text=
	[ ! -f "$1" ] || IFS= read -r -d '' text <"$1" || :
	[[ $'\n'$text == *$'\n'"$2"$'\n'* ]]
}

eventually() {
	within 30 "$@"
}

open_folder() {
	folder=$(mktemp -d -p /tmp)
	chmod 755 "$folder"
}

copy_programs() {
	open_folder
	mkdir "$folder/plugins"
	cp "$ROTA" "$worker" "$folder"
	cp "${@/#/$plugins/}" "$folder/plugins"
	chmod -R a+rX "$folder"
}

quick() {
	[ "${ROTA_TESTS:-}" = quick ]
}

compile() {
	# shellcheck disable=SC2086
	${CC:-cc} "$@"
}

# Each process of a run carries the mark in its environment, so that its own are found whoever is their parent by now.
# bats waits for who holds its descriptor 3. A shell's & has INT ignored.
start() {
	out=$BATS_TEST_TMPDIR/out err=$BATS_TEST_TMPDIR/err
	[ -d "$BATS_TEST_TMPDIR/tmp" ] || mkdir "$BATS_TEST_TMPDIR/tmp"
	: >"$out" 2>"$err" # nobody is to see what the last one has said
	env --default-signal=INT,QUIT "ROTA_TEST_MARK=$BATS_TEST_TMPDIR/" "TMPDIR=$BATS_TEST_TMPDIR/tmp" "$@" \
		<&0 >"$out" 2>"$err" 3>&- &
	run=$!
}

has_ended() {
	local stat
	read -r stat 2>/dev/null <"/proc/$run/stat" || return 0
	[[ ${stat##*) } == Z* ]]
}

ends() {
	local status=0
	eventually has_ended || { show "$err"; return 1; }
	wait "$run" || status=$?
	[ "$status" -eq "$1" ] || { echo "status $status, expected $1"; show "$err"; return 1; }
}

hold() {
	echo "$1" >gate
}

release() {
	rm -f gate
}

has_lines() {
	local lines=()
	[ -e "$1" ] && mapfile -n "$2" lines <"$1" && [ "${#lines[@]}" -ge "$2" ] && [[ ${lines[*]} == *$'\n' ]]
}

interrupt() {
	kill -INT "$run"
	eventually says "$err" 'rota: interrupted'
	release
	ends 130
}

ticks() {
	local stat
	read -r stat <"/proc/$run/stat"
	# shellcheck disable=SC2086 # words are wanted
	set -- ${stat##*) }
	echo "$((${12} + ${13}))"
}

find_them() {
	unwatched look_at_all
}

look_at_all() {
	local file words
	living=()
	for file in /proc/[0-9]*/environ; do
		{ mapfile -d '' words <"$file"; } 2>/dev/null || continue
		[[ ${words[*]} != *"ROTA_TEST_MARK=$BATS_TEST_TMPDIR/"* ]] || living+=("${file//[!0-9]/}")
	done
}

processes() {
	local living
	find_them
	[ "${#living[@]}" -eq 0 ] || printf '%s\n' "${living[@]}"
}

children() {
	unwatched look_below "$@"
}

look_below() {
	local file stat wanted=" ($2) [!ZX] $1 "
	children=()
	for file in /proc/[0-9]*/stat; do
		{ read -r stat <"$file"; } 2>/dev/null || continue
		[[ $stat != *$wanted* ]] || children+=("${stat%% *}")
	done
}

forkserver() {
	local child children words
	children "$run" rota-worker
	for child in "${children[@]}"; do
		{ mapfile -d '' words <"/proc/$child/cmdline"; } 2>/dev/null || continue
		[[ ${words[*]} != *--serve* ]] || { server=$child && return; }
	done
	return 1
}

# shellcheck disable=SC2034 # for the tests
workers() {
	local children=()
	! forkserver || children "$server" rota-worker
	workers=("${children[@]}")
}

no_processes() {
	find_them
	[ "${#living[@]}" -eq 0 ]
}

# Time enough for a machine that is busy with other tests.
nothing_left() {
	local living
	within 3 no_processes || { ps -o pid,ppid,stat,args -p "${living[*]}"; return 1; }
	! compgen -G "$BATS_TEST_TMPDIR/tmp/*" || return 1
	! compgen -G "$BATS_TEST_TMPDIR/tmp/.[!.]*" || return 1
	# its names carry the supervisor's pid
	[ -z "$run" ] || ! compgen -G "/dev/shm/rota.$run.*" || return 1
}

# For teardown: what a failed test would leave, if it has started anything.
end_all() {
	[ -n "${run:-}" ] || return 0
	local living
	find_them
	# one may end by itself meanwhile
	[ "${#living[@]}" -eq 0 ] || kill -9 "${living[@]}" 2>/dev/null || :
}
