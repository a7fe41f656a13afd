# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# What the tests of whole runs share: `load helper` at the top of a bats file. By hand: bats tests/run/FILE.bats
#
#	rota, try                    the programs of this build
#	both_backends FUNCTION       runs FUNCTION with $backend set to process, then to thread
#	at_least_on BACKEND FUNCTION the same, but of the quick set with this one only
#	expect STATUS COMMAND        runs COMMAND, its output in $out, its standard error in $err (files)
#	is FILE TEXT, has FILE TEXT  the file is TEXT and a newline; has a line with TEXT in it
#	empty FILE, same FILE FILE   nothing in it; byte for byte
#	eventually COMMAND           waits until COMMAND succeeds, for as long as a loaded machine may need
#	within SECONDS COMMAND       the same, for a time that is promised
#	open_folder                  $folder: one that every user may look into, as TMPDIR needn't be; removed by teardown
#	copy_programs FILE...        the same, with copies of the programs and of these plugins
#	compile OPTION...            the C compiler of this build, which may be several words (CC='ccache gcc')
#	slow                         at the top of a test that the quick set leaves out
#	quick                        whether it is the quick set that is run: one of many variants will do
#
# Runs in the background, which a test looks at, stops and kills:
#
#	start COMMAND                runs COMMAND: pid in $run, output in $out, standard error in $err; input stays
#	ends STATUS                  waits for it
#	ticks                        CPU time of rota itself so far, in hundredths of a second
#	processes                    pids of all living processes of runs that this test has started
#	nothing_left                 within a second there are none, and no shared memory or temporary file
#	hold N, release              items from the N-th on take their time in the plugin gate; no more
#	has_lines FILE N             the file is there and has so many lines, or more
#	interrupt                    INT, release when that was heard, and the end
#
# A test that waits does so for an event, and keeps its files in $BATS_TEST_TMPDIR.

bats_require_minimum_version 1.5.0

here=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
: "${abs_top_srcdir:=$here}"
: "${abs_top_builddir:=$here}"
: "${ROTA:=$abs_top_builddir/rota}"
# shellcheck disable=SC2034 # for the tests
{
	worker=$(dirname "$ROTA")/rota-worker
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

# No || here or there: it would switch off the end of a test at its first failing command.
both_backends() {
	for backend in process thread; do
		echo "with --backend $backend:"
		"$@"
	done
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
	local text file=$1
	if [ -f "$file" ] && ! IFS= read -r -d '' -n 65536 text <"$file" && [[ $text == "$2"$'\n' ]]; then
		return
	fi
	# what comes through a pipe is there once, and is to be shown, too
	[ -f "$file" ] || { file=$BATS_TEST_TMPDIR/seen.by.is && cat "$1" >"$file"; }
	printf '%s\n' "$2" | cmp -s - "$file" || { echo "expected: $2"; show "$file"; return 1; }
}

has() {
	local text
	if [ -f "$1" ]; then
		IFS= read -r -d '' -n 65536 text <"$1" || :
		[[ $text != *"$2"* ]] || return 0
	fi
	grep -qF -- "$2" "$1" || { echo "expected a line with: $2"; show "$1"; return 1; }
}

empty() {
	[ ! -s "$1" ] || { echo "expected nothing"; show "$1"; return 1; }
}

same() {
	cmp "$1" "$2"
}

show() {
	echo "$1 is:"
	head -c 2000 "$1" | cat -v
}

within() {
	local end=$((${EPOCHREALTIME/[.,]/} + 1000000 * $1))
	until "${@:2}"; do
		[ "${EPOCHREALTIME/[.,]/}" -lt "$end" ] || { echo "not within $1 s: ${*:2}"; return 1; }
		sleep 0.01
	done
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

slow() {
	! quick || skip "not in the quick set"
}

# Each process of a run carries the mark in its environment, so that its own are found whoever is their parent by now.
# bats waits for who holds its descriptor 3. A shell's & has INT ignored.
start() {
	out=$BATS_TEST_TMPDIR/out err=$BATS_TEST_TMPDIR/err
	mkdir -p "$BATS_TEST_TMPDIR/tmp"
	env --default-signal=INT,QUIT "ROTA_TEST_MARK=$BATS_TEST_TMPDIR" "TMPDIR=$BATS_TEST_TMPDIR/tmp" "$@" \
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
	[ -e "$1" ] && [ "$(wc -l <"$1")" -ge "$2" ]
}

interrupt() {
	kill -INT "$run"
	eventually grep -q '^rota: interrupted' "$err"
	release
	ends 130
}

ticks() {
	# shellcheck disable=SC2046 # words are wanted
	set -- $(sed 's/.*) //' "/proc/$run/stat")
	echo "$((${12} + ${13}))"
}

processes() {
	grep -lsz "^ROTA_TEST_MARK=$BATS_TEST_TMPDIR\$" /proc/[0-9]*/environ | tr -dc '0-9\n'
}

no_processes() {
	[ -z "$(processes)" ]
}

# Time enough for a machine that is busy with other tests.
nothing_left() {
	within 3 no_processes || { processes | xargs -r ps -o pid,ppid,stat,args -p; return 1; }
	[ ! -d "$BATS_TEST_TMPDIR/tmp" ] || [ -z "$(ls -A "$BATS_TEST_TMPDIR/tmp")" ]
	# its names carry the supervisor's pid
	[ -z "$run" ] || ! compgen -G "/dev/shm/rota.$run.*"
}

# For teardown: what a failed test would leave, if it has started anything.
end_all() {
	[ -n "${run:-}" ] || return 0
	# one may end by itself meanwhile
	processes | xargs -r kill -9 2>/dev/null || :
}
