/* SPDX-License-Identifier: Apache-2.0 */
/* pattern: single characters, and regular expressions where there is PCRE2. */
#include "config.h"

#include "core/base/pattern.h"

#include "tests/tap.h"

static struct err err;

/* The matches in a text as "2-3 5-6 ". */
static const char *matches(const char *text, const char *bytes)
{
	static char seen[200];
	struct pattern *pattern;
	size_t begin, end, from = 0, n = 0;

	seen[0] = '\0';
	if (pattern_create(&pattern, text, &err) < 0)
		return "refused";
	while (pattern_find(pattern, bytes, strlen(bytes), from, &begin, &end, &err) > 0 && n < sizeof(seen) - 20) {
		n += (size_t)snprintf(seen + n, sizeof(seen) - n, "%zu-%zu ", begin, end);
		from = end;
	}
	pattern_destroy(&pattern);
	ok(pattern == NULL, "a pattern is gone when it was destroyed");
	return seen;
}

int main(void)
{
	is_str(matches(",", "a,b,,c"), "1-2 3-4 4-5 ", "a character");
	is_str(matches("\\t", "a\tb"), "1-2 ", "a tab");
	is_str(matches("\\|", "a|b"), "1-2 ", "a character that has another meaning");
	is_str(matches(",", ""), "", "nothing in nothing");
	is_str(matches(",", "abc"), "", "nothing where there is none");
#ifdef HAVE_PCRE2
	is_str(matches("[,;] *", "a,  b;c"), "1-4 5-6 ", "an expression");
	is_str(matches("x*", "axb"), "1-2 ", "an empty match at the end, or where it begins, is none");
	is_str(matches("", "abc"), "1-1 2-2 ", "an empty expression matches between characters");
	is_str(matches("[äö]", "a\xc3\xb6z"), "1-3 ", "characters of several bytes");
	is_str(matches("[a", "x"), "refused", "a wrong one is refused");
	ok(err.code == ERR_USAGE && strstr(err.text, "'[a'") && strstr(err.text, "at character"),
	   "with what is wrong where");
	is_str(matches("(a+)+$", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab"), "",
	       "one that takes for ever gives up");
#else
	is_str(matches("[,;]", "x"), "refused", "an expression is refused");
	ok(err.code == ERR_USAGE && strstr(err.text, "libpcre2-dev"), "with what to install");
#endif
	return tap_done();
}
