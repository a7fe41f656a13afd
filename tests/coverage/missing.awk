# SPDX-License-Identifier: Apache-2.0
#
# Compares what gcov --stdout says with missing.list (see run), and writes TAP. A line may be told of more than once.
#
#	gcov --stdout OBJECT... | awk -v names="FILE..." -f missing.awk missing.list -

function complain(text) {
	print "# " text
	n_complaints[file]++
}

# The entry's lines against the file's, which stand in source[file, 1..]: they must stand there once.
function compare(e,    at, k, n_found, found) {
	file = entry_file[e]
	for (at = 1; at + n_texts[e] - 1 <= n_lines[file]; at++) {
		for (k = 1; k <= n_texts[e] && source[file, at + k - 1] == text[e, k]; k++)
			;
		if (k > n_texts[e]) {
			n_found++
			found = at
		}
	}
	if (n_found != 1)
		return complain(entry_at[e] ": what is listed stands in " file " " n_found + 0 " times")
	for (k = 1; k <= n_texts[e]; k++) {
		if (!is_listed[e, k])
			continue
		at = found + k - 1
		if (kind[e] == "missing" && count[file, at] != "#####")
			complain(entry_at[e] ": " file ":" at " isn't missing: " text[e, k])
		listed[file, at] = kind[e]
	}
}

BEGIN {
	n_files = split(names, order, " ")
	for (i = 1; i <= n_files; i++)
		is_wanted[order[i]] = 1
}

FILENAME != "-" && /^(missing|luck) / {
	n_entries++
	kind[n_entries] = $1
	entry_file[n_entries] = substr($2, 1, length($2) - 1)
	entry_at[n_entries] = FILENAME ":" FNR
	if ($2 !~ /:$/ || NF < 3 || !is_wanted[entry_file[n_entries]])
		print "# " FILENAME ":" FNR ": not 'missing FILE: why' of a file that is looked at", n_bad++
	next
}
FILENAME != "-" && /^[- ]/ {
	text[n_entries, ++n_texts[n_entries]] = substr($0, 2)
	is_listed[n_entries, n_texts[n_entries]] = /^-/
	next
}
FILENAME != "-" {
	if (!/^(#|$)/)
		print "# " FILENAME ":" FNR ": what is this?", n_bad++
	next
}

# gcov's lines: COUNT:NUMBER:TEXT, behind one with the number 0 that names the file.
{
	at = index($0, ":")
	rest = substr($0, at + 1)
	number = rest + 0
	rest = substr(rest, index(rest, ":") + 1)
}
number == 0 {
	if (rest ~ /^Source:/)
		file = substr(rest, 8)
	next
}
is_wanted[file] {
	told = substr($0, 1, at - 1)
	gsub(/[ *]/, "", told)
	source[file, number] = rest
	if (told ~ /[0-9]/ || !((file, number) in count) || count[file, number] == "-")
		count[file, number] = told
	if (number > n_lines[file])
		n_lines[file] = number
}

END {
	for (e = 1; e <= n_entries; e++)
		compare(e)
	for (i = 1; i <= n_files; i++) {
		file = order[i]
		n_code = n_missing = n_listed = 0
		for (at = 1; at <= n_lines[file]; at++) {
			if (count[file, at] == "-" || count[file, at] == "")
				continue
			n_code++
			if (count[file, at] != "#####" && count[file, at] != "=====")
				continue
			n_missing++
			if (listed[file, at])
				n_listed++
			else
				complain(file ":" at ": no test reaches: " source[file, at])
		}
		if (n_code == 0 && file !~ /\.h$/)
			complain(file ": gcov says nothing of it")
		if (n_code == 0 && file ~ /\.h$/)
			continue
		n_told++
		printf "%sok %d - %s: %d of %d lines, %d missing are listed\n", n_complaints[file] ? "not " : "", n_told, file,
			n_code - n_missing, n_code, n_listed
		n_failed += n_complaints[file] > 0
		n_all += n_code
		n_all_missing += n_missing
	}
	printf "1..%d\n# in all: %d of %d lines\n", n_told, n_all - n_all_missing, n_all
	exit n_failed > 0 || n_bad > 0
}
