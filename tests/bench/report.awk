# SPDX-License-Identifier: Apache-2.0
#
# The table of tests/bench/run; with -v json=FILE its figures for programs, with -v markdown=FILE for
# doc/performance.md. Input, columns with tabs between them:
#   contenders  ID GROUP ITEMS WHAT
#   rounds      ID ROUND WALL_NS CPU_US LARGEST_KIB OWN_US PEAK_KIB
#   wrong       ID WHY
#   skipped     WHO WHY
#   goals       KIND WHO OTHER LIMIT WHAT
# Ratios are of one round, and then the median of them is taken: what slowed a round down slowed both.

BEGIN {
	FS = "\t"
}

{
	file = FILENAME
	sub(/.*\//, "", file)
}

file == "contenders" {
	ids[++n_ids] = $1
	group[$1] = $2
	items[$1] = $3
	what[$1] = $4
	if (!($2 in first))
		first[$2] = $1
}

file == "rounds" {
	n_rounds[$1]++
	rate[$1, $2] = $3 > 0 ? items[$1] * 1e9 / $3 : 0
	cpu_ns[$1, $2] = $4 * 1e3 / items[$1]
	cpu_ms[$1, $2] = $4 / 1e3
	wall_ms[$1, $2] = $3 / 1e6
	item_us[$1, $2] = $3 / 1e3 / items[$1]
	own_part[$1, $2] = $3 > 0 ? $6 * 1e3 / $3 : 0
	peak_mb[$1, $2] = $7 / 1024
	if ($5 > largest_kib[$1])
		largest_kib[$1] = $5
}

file == "wrong" && !($1 in wrong) {
	wrong[$1] = $2
}

file == "skipped" {
	skipped[++n_skipped] = $1
	why_skipped[n_skipped] = $2
}

file == "goals" && !/^#/ {
	goal[++n_goals] = $0
}

# Of sorted[1..n], which is put in order.
function median(sorted, n,    i, k, value) {
	for (i = 2; i <= n; i++) {
		value = sorted[i]
		for (k = i - 1; k > 0 && sorted[k] > value; k--)
			sorted[k + 1] = sorted[k]
		sorted[k + 1] = value
	}
	return n % 2 ? sorted[(n + 1) / 2] : (sorted[n / 2] + sorted[n / 2 + 1]) / 2
}

# The median over the rounds of values[id, round]; with other, of its ratio to the other's. how: more, the difference.
# Who had one turn has it with what the others did in that round.
function median_of(values, id, other, how,    round, list, n) {
	for (round = 1; round <= n_rounds[id]; round++) {
		if (other == "")
			list[++n] = values[id, round]
		else if (how != "" && rate[id, round] > 0)
			list[++n] = values[id, round] - values[other, round]
		else if (how == "" && values[other, round] > 0)
			list[++n] = values[id, round] / values[other, round]
	}
	if (n == 0)
		return 0
	middle = median(list, n)
	least = list[1]
	most = list[n]
	return middle
}

function is_measured(id) {
	return id in n_rounds && !(id in wrong)
}

# Three figures that count.
function short(value) {
	if (value >= 1e6)
		return digits(value / 1e6) " M"
	return value >= 1e3 ? digits(value / 1e3) " k" : digits(value)
}

function digits(value) {
	return sprintf(value >= 100 ? "%.0f" : value >= 10 ? "%.1f" : value >= 0.1 ? "%.2f" : "%.3f", value)
}

function print_contender(id,    middle_rate, base) {
	base = first[group[id]]
	if (id in wrong) {
		printf "%-36s %10d  WRONG: %s\n", what[id], items[id], wrong[id]
		return
	}
	middle_rate = median_of(rate, id)
	printf "%-36s %10d %9s %9s %9s %9s %6.1f", what[id], items[id], short(middle_rate), short(least), short(most),
		digits(median_of(cpu_ns, id)), largest_kib[id] / 1024
	printf " %9s\n", is_measured(base) ? digits(median_of(rate, base, id)) " x" : "-"
}

function print_contenders(    i, last_group) {
	for (i = 1; i <= n_ids; i++) {
		if (group[ids[i]] != last_group) {
			last_group = group[ids[i]]
			printf "\n%s\n%-36s %10s %9s %9s %9s %9s %6s %9s\n", last_group, "", "items", "items/s", "least", "most",
				"CPU ns", "MB", "rota is"
		}
		print_contender(ids[i])
	}
}

# Sets field, seen, is_most (the limit is an upper one) and is_met. false: it wasn't measured.
function weigh(line,    other) {
	split(line, field, FS)
	other = field[3] == "-" ? "" : field[3]
	if (!is_measured(field[2]) || (other != "" && !is_measured(other)))
		return 0
	if (field[1] == "cpu")
		seen = median_of(cpu_ns, field[2], other)
	else if (field[1] == "own")
		seen = median_of(own_part, field[2])
	else if (field[1] == "peak")
		seen = median_of(peak_mb, field[2])
	else if (field[1] == "each")
		seen = median_of(item_us, field[2])
	else if (field[1] == "spent")
		seen = median_of(cpu_ms, field[2], other, "more")
	else if (field[1] == "later")
		seen = median_of(wall_ms, field[2], other, "more")
	else
		seen = median_of(rate, field[2], other)
	is_most = field[1] ~ /^(cpu|own|peak|each|spent|later)$/
	is_met = is_most ? seen <= field[4] : seen >= field[4]
	return 1
}

# The median lies between the least and the most of n rounds with 1 - 2 (1/2)^n: no round is taken for normal. One turn
# says nothing of that, and has no interval.
function sureness() {
	return int(100 * (1 - 2 * 0.5 ^ rounds)) " %"
}

function between() {
	return least == most ? "one turn" : short(least) " to " short(most)
}

function print_goals(    i) {
	printf "\n%-66s %9s %9s   %-17s  %s\n", "goals", "wanted", "seen", sureness() " sure", "met"
	for (i = 1; i <= n_goals; i++)
		if (weigh(goal[i]))
			printf "%-66s %s %7s %9s   %-17s  %s\n", field[5], (is_most ? "<" : ">"), short(field[4] + 0),
				short(seen), between(), (is_met ? "yes" : "no")
}

function quoted(text) {
	gsub(/[\\"]/, "\\\\&", text)
	gsub(/[[:cntrl:]]/, " ", text)
	return "\"" text "\""
}

function write_json_contender(id, is_last) {
	printf "    {\"id\": %s, \"what\": %s, \"group\": %s, ", quoted(id), quoted(what[id]), quoted(group[id]) >json
	printf "\"items\": %d, ", items[id] >json
	if (id in wrong) {
		printf "\"wrong\": %s}", quoted(wrong[id]) >json
	} else {
		printf "\"items_per_s\": %.6g, ", median_of(rate, id) >json
		printf "\"least\": %.6g, \"most\": %.6g, ", least, most >json
		printf "\"cpu_ns_per_item\": %.6g, ", median_of(cpu_ns, id) >json
		printf "\"largest_process_kib\": %d", largest_kib[id] >json
		if (is_measured(first[group[id]]))
			printf ", \"rota_is_times\": %.4g", median_of(rate, first[group[id]], id) >json
		printf "}" >json
	}
	print (is_last ? "" : ",") >json
}

function write_json(    i, comma) {
	printf "{\n  \"date\": %s,\n  \"machine\": %s,\n", quoted(date), quoted(machine) >json
	printf "  \"rota\": %s,\n", quoted(version) >json
	printf "  \"rounds\": %d,\n  \"is_quick\": %s,\n", rounds, (is_quick ? "true" : "false") >json
	printf "  \"contenders\": [\n" >json
	for (i = 1; i <= n_ids; i++)
		write_json_contender(ids[i], i == n_ids)
	printf "  ],\n  \"skipped\": [" >json
	for (i = 1; i <= n_skipped; i++)
		printf "%s{\"who\": %s, \"why\": %s}", (i > 1 ? ", " : ""), quoted(skipped[i]),
			quoted(why_skipped[i]) >json
	printf "],\n  \"goals\": [" >json
	for (i = 1; i <= n_goals; i++) {
		if (!weigh(goal[i]))
			continue
		printf "%s\n    {\"what\": %s, \"kind\": %s, ", comma, quoted(field[5]), quoted(field[1]) >json
		printf "\"wanted\": %s, \"seen\": %.4g, \"least\": %.4g, \"most\": %.4g, \"met\": %s}", field[4], seen, least,
			most, (is_met ? "true" : "false") >json
		comma = ","
	}
	printf "\n  ]\n}\n" >json
	if (close(json) != 0)
		exit 2
}

# For a page that has been rendered: who is named as a command is.
function write_markdown_contender(id,    name) {
	if (!is_measured(id))
		return
	name = what[id]
	gsub(/\|/, "\\|", name)
	printf "| %s | %s | %s | ", name, short(median_of(rate, id)), short(median_of(cpu_ns, id)) >markdown
	printf "%s x |\n", is_measured(first[group[id]]) ? digits(median_of(rate, first[group[id]], id)) : "-" >markdown
}

function write_markdown(    i, last_group) {
	printf "Medians of %d rounds, %s, %s, 2 workers each; CPU: of all processes, an item's; the last ", rounds, machine,
		substr(date, 1, 10) >markdown
	print "column: how many times as fast rota's first line is. Each output was compared with what it should be." >markdown
	for (i = 1; i <= n_ids; i++) {
		if (group[ids[i]] != last_group) {
			last_group = group[ids[i]]
			printf "\n| %s | items/s | CPU ns | rota is |\n| --- | --- | --- | --- |\n", last_group >markdown
		}
		write_markdown_contender(ids[i])
	}
	printf "\n| goal | wanted | seen | %s sure | met |\n| --- | --- | --- | --- | --- |\n", sureness() >markdown
	for (i = 1; i <= n_goals; i++)
		if (weigh(goal[i]))
			printf "| %s | %s %s | %s | %s | %s |\n", field[5], (is_most ? "at most" : "at least"),
				short(field[4] + 0), short(seen), between(), (is_met ? "yes" : "no") >markdown
	if (close(markdown) != 0)
		exit 2
}

END {
	printf "%s\n%s\n%d rounds, medians, 2 workers each\n", version, machine, rounds
	print "CPU ns: an item's, of all processes; MB: the largest process"
	print "rota is: how many times as fast the group's first line is, median of the rounds' ratios"
	if (is_quick)
		print "a quick run: starting weighs as much as running, and the goals mean little"
	print_contenders()
	for (i = 1; i <= n_skipped; i++)
		printf "%sleft out: %s: %s\n", (i == 1 ? "\n" : ""), skipped[i], why_skipped[i]
	print_goals()
	if (json != "")
		write_json()
	if (markdown != "")
		write_markdown()
}
