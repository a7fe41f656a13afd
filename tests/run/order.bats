#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# A run that keeps a journal promises nothing that a power failure could take back: what was written is with the disk
# before that is said of it. And where the disk fails a step, the run ends with 3, one line says so, and what was
# promised is there. strace sees the order of the calls, and fails them.

load helper

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	strace -qq -o trace true 2>/dev/null || skip "strace may not run here"
	mkdir journal there
	seq -f 'item %g' 100 >items
	sed 's/item/ITEM/' items >wanted
	calls=fsync,fdatasync,rename,write,writev,pwrite64
}

# traced STRACE-OPTIONS... -- COMMAND: what the supervisor does, in trace, each descriptor with its file
traced() {
	local options=()
	while [ "$1" != -- ]; do
		options+=("$1") && shift
	done
	# the sanitizer looks for leaks by tracing, too
	ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0 \
		timeout -k 2 60 strace -qq -y -o trace "${options[@]}" "$ROTA" "${@:2}" 3>&-
}

upper() {
	traced "$@" -- map --journal journal/j -i items -o there/results "$plugins/upper.so"
}

# comes_between PROMISE CHANGE SYNC: each PROMISE in the trace finds every CHANGE before it followed by a SYNC that
# succeeded; and there is such a promise.
comes_between() {
	awk -v promise="$1" -v change="$2" -v sync="$3" '
		$0 ~ promise && is_open { print "not synced before: " $0; bad = 1 }
		$0 ~ promise && n_changes > 0 { n_promises++ }
		$0 ~ sync && / = 0$/ { is_open = 0 }
		$0 ~ change && !/ = -1/ { is_open = 1; n_changes++ }
		END { if (n_promises == 0) print "no promise"; exit bad || n_promises == 0 }' trace || { cat trace; return 1; }
}

commit='^pwrite64.*/journal/j-wal>'

# bats test_tags=quick
@test "order: the journal, its name, the output and its folder are with the disk before the journal speaks of them" {
	expect 0 upper -e trace="$calls"
	same there/results wanted
	comes_between "$commit" '^write.*/there/results>' '^fdatasync.*/there/results>'
	comes_between '^rename.*/journal/j"' '^pwrite64.*/j\..*\.new>' '^fsync.*/j\..*\.new>'
	comes_between "$commit" '^rename.*/journal/j"' '^fsync.*/journal>'
	comes_between '^write.*/there/results>' '^rename.*/journal/j"' '^fsync.*/journal>'
	# the output was made before all that is seen
	sed -i '1i write(/there/results)' trace
	comes_between "$commit" '^write./there/results' '^fsync.*/there>'
}

# A command that fails with item 7 until it is mended.
fragile() {
	"$@" exec --journal journal/j -i items -o there/results "${more[@]}" -- sh -c \
		'[ "$1" != "item 7" ] || [ -e mended ] && echo "$1"' sh
}

retried() {
	local more=(--resume --retry-failed)
	fragile traced "$@" --
}

# bats test_tags=quick
@test "order: with --retry-failed the new output, then the journal, are with the disk before the old one goes" {
	local more=()
	seq -f 'item %g' 8 >items
	expect 1 fragile rota
	touch mended
	expect 0 retried -e trace="$calls"
	same there/results items
	comes_between "$commit" '^write.*/there/results\..*\.new>' '^fsync.*/there/results\..*\.new>'
	comes_between '^rename.*/there/results"' "$commit" '^fdatasync.*/journal/j-wal>'
	# the journal says that it has been renamed
	sed -n '/^rename.*results"/,$p' trace >rest && mv rest trace
	comes_between "$commit" '^rename.*/there/results"' '^fsync.*/there>'
}

# bats test_tags=quick
@test "order: with --retry-failed a new output that the disk fails to keep leaves the old one" {
	local more=() new
	seq -f 'item %g' 8 >items
	expect 1 fragile rota
	cp there/results before
	touch mended
	expect 3 retried -e trace=fsync -e inject=fsync:error=EIO:when=1
	same there/results before
	new=$(grep -o '[^<]*/there/results[^>]*' trace)
	expect 3 retried -P "$new" -e trace=close -e inject=close:error=EIO:when=1
	has "$err" "Input/output error"
	same there/results before
	[ "$(ls there)" = results ]
	expect 0 retried -e trace="$calls"
	same there/results items
}

# ended_well STATUS: 3, and one line says why; or 0, where SQLite doesn't tell of the sync of its folder.
ended_well() {
	local lines
	lines=$(grep -v -e ': to resume this run' -e ' items, ' err || true)
	if [ "$1" -eq 0 ]; then
		[ -z "$lines" ] && grep -q '^fdatasync.*/journal>.*INJECTED' trace &&
			same there/results wanted && return
	elif [ "$1" -eq 3 ] && [ "$(wc -l <<<"$lines")" -eq 1 ]; then
		[[ $lines == *"Input/output error" || $lines == *"disk I/O error" ]] && return
	fi
	echo "status $1:"
	cat err
	grep INJECTED trace
	return 1
}

# After a power failure only what was synced is there of the output.
goes_on() {
	local n_synced
	n_synced=$(awk '/there.results>.*INJECTED/ { exit }
		/^write.*there.results>/ && !/ = -1/ { n += $NF }
		/^fdatasync.*there.results>.* = 0$/ { n_synced = n }
		END { print n_synced + 0 }' trace)
	truncate -s "$n_synced" there/results
	expect 0 rota map --journal journal/j --resume -i items -o there/results "$plugins/upper.so"
	same there/results wanted
	rota failures journal/j >rows
	empty rows
}

# fails_one CALL N STRACE-OPTIONS...: the N-th such call fails; n_failed says how many did so far.
fails_one() {
	local status=0
	rm -f journal/* there/*
	upper "${@:3}" -e trace="$calls,$1" -e inject="$1:error=EIO:when=$2" 2>err || status=$?
	grep -q INJECTED trace || return 0
	n_failed=$((n_failed + 1))
	ended_well "$status"
	if grep -q '/there/results>.*INJECTED' trace; then
		[ "$status" -eq 3 ]
		sed '1,/INJECTED/d' trace >rest
		run ! grep -E "$commit" rest
	fi
	goes_on
}

# The next sync of that file succeeds, and says nothing of what was lost by then.
# bats test_tags=quick
@test "order: once the disk has failed to keep the output the journal promises nothing more" {
	local n_failed=0
	fails_one fdatasync 1
	[ "$n_failed" -eq 1 ]
	has trace "/there/results>) = -1 EIO"
	quick || fails_one fdatasync 2 -P "$PWD/there/results"
}

# bats test_tags=quick
@test "order: a journal that the disk fails to keep at the end of a run that went well is an error" {
	local sync
	for sync in j:1 j-wal:2; do
		rm -f journal/* there/*
		expect 3 upper -P "$PWD/journal/${sync%:*}" -e trace=fdatasync -e inject=fdatasync:error=EIO:when="${sync#*:}"
		has trace INJECTED
		is "$err" 'rota: journal journal/j: cannot write it: Input/output error'
		same there/results wanted
		expect 0 rota map --journal journal/j --resume -i items -o there/results "$plugins/upper.so"
		same there/results wanted
	done
}

@test "order: what only the close of the output tells is an error" {
	local status=0
	upper -P "$PWD/there/results" -e trace="$calls,close" -e inject=close:error=EIO 2>err || status=$?
	ended_well "$status"
	[ "$status" -eq 3 ]
	has err "there/results"
	goes_on
}

# With ROTA_TESTS=sweep all of them; else every second, and chance says whether it begins with the first.
@test "order: each call that brings things to the disk fails, one after another" {
	local call n n_failed=0 n_before step=2
	[ "${ROTA_TESTS:-}" != sweep ] || step=1
	for call in fsync fdatasync rename ftruncate; do
		n=$((1 - step + RANDOM % step)) n_before=-1
		while [ "$n_failed" -gt "$n_before" ]; do
			n=$((n + step)) n_before=$n_failed
			echo "$call number $n"
			fails_one "$call" "$n"
		done
	done
	[ "$n_failed" -ge $((step == 1 ? 10 : 4)) ]
}

# again CALL-FILTER...: the new journal can't be kept, and the same command can be given once more.
again() {
	rm -f journal/* there/*
	expect 3 upper "$@"
	has trace INJECTED
	[ "$(wc -l <"$err")" -eq 1 ]
	[ "$(ls journal)" = j.lock ] || [ -z "$(ls journal)" ]
	expect 0 rota map --journal journal/j -i items -o there/results "$plugins/upper.so"
	same there/results wanted
}

# bats test_tags=quick
@test "order: a new journal that can't be kept leaves nothing behind, and the same command runs again" {
	again -P "$PWD/journal" -e trace=fsync -e inject=fsync:error=EIO
	# it is there, and then it can't be read
	again -P "$PWD/journal/j" -e trace=pread64 -e inject=pread64:error=EIO:when=2
}
