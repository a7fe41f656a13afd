# SPDX-License-Identifier: Apache-2.0
#
# The steps of the protocol in one function, a word each, on one line:
#
#	awk -v name=FUNCTION -f steps.awk FILE.c    atomic accesses (with the word and the order), fences, posts, bells, calls
#	awk -v name=INLINE -f steps.awk ring.pml    shared words in the order in which they stand; branches of BUG_n left out
#
# Nothing: there is no such function.

function add(step) { steps = steps (steps == "" ? "" : " ") step }

# The word of "&channel->up->claim, ..." and the order behind it.
function access(kind, rest,    word, order) {
	word = rest
	sub(/^[^(]*\(/, "", word)
	sub(/,.*/, "", word)
	gsub(/\[.*/, "", word)
	gsub(/.*(->|\.)/, "", word)
	gsub(/[^a-z_]/, "", word)
	order = match(rest, /memory_order_[a-z_]+/) ? substr(rest, RSTART + 13, RLENGTH - 13) : "?"
	add(kind ":" word ":" order)
}

function code_steps(text) {
	while (match(text, /atomic_(load|store|compare_exchange_strong)_explicit\(|atomic_thread_fence\(|fence_(light|heavy)\(|wake_(post|wait)\(|write\(|store_take_back\(|read_begun\(|ring_(publish|release|look|room|write|take)\(|channel_(wake|has_rung|may_send_more|has_room|state|sleep_begin|sleep_end)\(|port_(ring|claim_late|wait_room|end_batch)\(|sleep_until\(|has_come\(|has_news\(/)) {
		what = substr(text, RSTART, RLENGTH - 1)
		text = substr(text, RSTART)
		if (what ~ /^atomic_load/)
			access("load", text)
		else if (what ~ /^atomic_store/)
			access("store", text)
		else if (what ~ /^atomic_compare/)
			access("exchange", text)
		else if (what ~ /^atomic_thread_fence/)
			add("fence:" (match(text, /memory_order_[a-z_]+/) ? substr(text, RSTART + 13, RLENGTH - 13) : "?"))
		else
			add(what)
		text = substr(text, length(what) + 1)
	}
}

function model_steps(text) {
	while (match(text, /[a-z_]+/)) {
		what = substr(text, RSTART, RLENGTH)
		text = substr(text, RSTART + RLENGTH)
		if (what ~ /^(task_head|task_tail|result_head|result_tail|claim|take_back_word|wants_bell|is_sleeping|is_stopping|sem|bell|cell|result|read_begun|free_result_cells|free_task_cells|ring_bell|sleep_until|has_come|wake)$/)
			add(what)
	}
}

FILENAME ~ /[.]pml$/ {
	if ($0 ~ "^inline " name "\\(") {
		is_inside = 1
		next
	}
	if (/^}/)
		is_inside = 0
	if (/^#(ifdef|ifndef) BUG_/) {
		is_bug[++depth] = /^#ifdef/
		next
	}
	if (/^#else/) {
		is_bug[depth] = !is_bug[depth]
		next
	}
	if (/^#endif/ && depth > 0) {
		delete is_bug[depth--]
		next
	}
	for (i = 1; i <= depth; i++)
		if (is_bug[i])
			next
	if (!is_inside)
		next
	gsub(/\/\*[^*]*\*\//, "")
	model_steps($0)
	next
}

# A function begins at the left with its name, and ends with a brace there.
!is_inside && $0 ~ "(^|[ *])" name "\\(" && /^[a-z]/ && !/;$/ { is_inside = 1; next }
is_inside && /^}/ { is_inside = 0 }
is_inside {
	gsub(/\/\*.*\*\//, "")
	body = body " " $0
}

END {
	if (body != "")
		code_steps(body)
	print steps
}
