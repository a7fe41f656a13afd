# SPDX-License-Identifier: Apache-2.0
#
# Reads lists of mistakes (see run), and says what is in them, checks them, or makes one.
#
#	awk -v todo=tell  -f mistakes.awk LIST...    a line each: NUMBER, FILE, TEST, KIND, TITLE, REASON, with tabs between
#	awk -v todo=check -f mistakes.awk LIST...    a line for each that can't be made; run it at the top of the tree
#	awk -v todo=make -v number=N -f mistakes.awk LIST... >NEW    the file that the N-th is in, with the mistake
#
# Numbers count through all lists, from 1. KIND is seen, unseen or equivalent.

function complain(text) {
	print where ": " text
	n_complaints++
}

function read_file(name,    line, text) {
	text = ""
	while ((getline line < name) > 0)
		text = text line "\n"
	close(name)
	return text
}

# The text with the mistake, or "" with a complaint.
function make(text,    at, rest) {
	at = index(text, right)
	if (right == "" || right == wrong)
		complain("the mistake changes nothing")
	else if (at == 0)
		complain("what it would change isn't in " file)
	else if (index(substr(text, at + 1), right) > 0)
		complain("what it would change is in " file " more than once")
	else
		return substr(text, 1, at - 1) wrong substr(text, at + length(right))
	return ""
}

function finish(    text) {
	if (file == "")
		return
	n_mistakes++
	if (todo == "tell")
		printf "%d\t%s\t%s\t%s\t%s\t%s\n", n_mistakes, file, test == "" ? "-" : test, kind, title, reason == "" ? "-" : reason
	else if (todo == "check" || n_mistakes == number) {
		text = make(read_file(file))
		if (todo == "make")
			printf "%s", text
	}
	file = test = title = reason = right = wrong = ""
}

function add(text, line) {
	return text == "" && !is_started ? line : text "\n" line
}

FNR == 1 { finish() }
/^#/ || /^$/ { next }
/^mistake / {
	finish()
	where = FILENAME ":" FNR
	kind = "seen"
	is_started = last = 0
	if (!match($0, /^mistake [^ ]+: ./))
		complain("expected: mistake FILE: what becomes wrong")
	file = $2
	sub(/:$/, "", file)
	title = substr($0, length("mistake ") + length(file) + 3)
	next
}
/^[-+]/ {
	is_started = last == substr($0, 1, 1)
	if (/^-/)
		right = add(right, substr($0, 2))
	else
		wrong = add(wrong, substr($0, 2))
	last = substr($0, 1, 1)
	next
}
/^by / { test = $2; next }
/^(equivalent|unseen) / {
	kind = $1
	reason = substr($0, length(kind) + 2)
	next
}
{ where = FILENAME ":" FNR; complain("expected mistake, -, +, by, equivalent or unseen") }
END {
	finish()
	if (todo == "make" && n_mistakes < number)
		complain("there are " n_mistakes " mistakes")
	exit n_complaints > 0
}
