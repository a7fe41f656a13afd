# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
#
# The style tests' words, in TAP. A check gathers its breaches as lines, and is passed when there are none:
#
#	none "$(grep ...)" "what holds"
#	skip "what" "why"
#	end_of_tests

n_checks=0
n_failed=0
# shellcheck disable=SC2034 # the tests use both
top=${abs_top_srcdir:-$(cd "$(dirname -- "$0")/../.." && pwd)}
# shellcheck disable=SC2034
build=${abs_top_builddir:-$top}

# The shell's and bats' scripts of the tree, and what they source, by their first line.
scripts() {
	find bootstrap .ci tests -type f ! -name '*.log' ! -name '*.trs' -exec awk '
		FNR == 1 && /^#(!.*(sh|bats)$| shellcheck shell=)/ { print FILENAME }
		{ nextfile }' {} + 2>/dev/null | sort
}

none() {
	n_checks=$((n_checks + 1))
	if [ -z "$1" ]; then
		echo "ok $n_checks - $2"
	else
		n_failed=$((n_failed + 1))
		echo "not ok $n_checks - $2"
		printf '%s\n' "$1" | sed 's/^/#   /'
	fi
}

skip() {
	n_checks=$((n_checks + 1))
	echo "ok $n_checks - $1 # SKIP $2"
}

skip_all() {
	echo "1..0 # SKIP $1"
	exit 0
}

# A check that looks at nothing would pass for ever: what it is about to look at must be there.
must_have() {
	[ -n "$1" ] && return
	echo "Bail out! $2"
	exit 1
}

end_of_tests() {
	echo "1..$n_checks"
	[ "$n_failed" -eq 0 ]
	exit
}
