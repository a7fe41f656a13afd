/* SPDX-License-Identifier: Apache-2.0 */
/* exec_quote: what a shell makes of a quoted word is what was quoted, byte for byte. */
#define _GNU_SOURCE 1
#include "plugins/exec_quote.h"

#include "tests/tap.h"

#include <sys/wait.h>

/* sh -c "printf '%s' WORD". */
static size_t through_shell(const char *bytes, size_t n_bytes, char *ret, size_t n_room)
{
	char line[4096] = "printf '%s' ";
	char *end = quote_put(line + strlen(line), bytes, n_bytes);
	*end = '\0';
	FILE *shell = popen(line, "r");
	must(shell);
	size_t n = fread(ret, 1, n_room, shell);
	int status = pclose(shell);
	must(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	return n;
}

static void check_round_trip(const char *bytes, size_t n_bytes, const char *what)
{
	char seen[2048], word[2048];
	size_t n = through_shell(bytes, n_bytes, seen, sizeof seen);
	is_mem(seen, n, bytes, n_bytes, "%s comes back", what);
	is_int(quote_put(word, bytes, n_bytes) - word, quote_bytes(bytes, n_bytes), "%s is as long as was said", what);
}

int main(void)
{
	char all[255], word[64];
	for (int i = 0; i < 255; i++)
		all[i] = (char)(i + 1);
	check_round_trip(all, sizeof all, "each byte but NUL");
	static const char *const texts[] = {"",   "a",  "a b",   "'",   "''",    "it's", "\\", "$HOME `ls` \"x\"", "~",
	                                    "-n", "#x", "a\n\n", "A=b", "{a,b}", "*",    "!!", "\xc2\xa0"};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		check_round_trip(texts[i], strlen(texts[i]), texts[i]);
	*quote_put(word, "a/b-1.c", 7) = '\0';
	is_str(word, "a/b-1.c", "what is plain stays so");
	*quote_put(word, "a b", 3) = '\0';
	is_str(word, "'a b'", "what isn't stands in quotes");
	*quote_put(word, "", 0) = '\0';
	is_str(word, "''", "an empty word is one");
	return tap_done();
}
