/* SPDX-License-Identifier: Apache-2.0 */
/*
 * talk - says what its items tell it to: on standard output, as the reason for a failure, or over and over. An item is
 * a word, a space and a text:
 *
 *   fail TEXT     fails with that for reason
 *   again TEXT    wants another attempt
 *   print TEXT    prints it with stdio, on standard output, and is ok
 *   crash TEXT    the same, and then a segmentation fault
 *   flood N       N lines on standard error
 *   forever       lines on standard error until it is killed
 *
 * Any other is its own result.
 */
#include <rota/plugin.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The text behind the word, if the item begins with that word. */
static const char *behind(const char *item, const char *word)
{
	size_t n = strlen(word);
	if (strncmp(item, word, n) != 0 || (item[n] != ' ' && item[n] != '\0'))
		return NULL;
	return item[n] == ' ' ? item + n + 1 : item + n;
}

static void flood(unsigned long n_lines)
{
	for (unsigned long i = 0; i < n_lines; i++)
		fprintf(stderr, "line %lu of too many\n", i);
}

static int run(struct rota_task *task, void *state)
{
	size_t n_bytes;
	const char *bytes = rota_item(task, &n_bytes), *text;
	char item[1000];
	(void)state;
	snprintf(item, sizeof item, "%.*s", (int)n_bytes, bytes);
	if ((text = behind(item, "fail")))
		return rota_fail(task, "%s", text);
	if ((text = behind(item, "again")))
		return rota_retry(task, "%s", text);
	if ((text = behind(item, "flood")))
		flood(strtoul(text, NULL, 10));
	if (behind(item, "forever"))
		flood((unsigned long)-1);
	if ((text = behind(item, "print")))
		printf("%s\n", text);
	if ((text = behind(item, "crash"))) {
		printf("%s\n", text);
		raise(SIGSEGV);
	}
	return rota_write(task, bytes, n_bytes);
}

ROTA_PLUGIN(.name = "talk", .version = "1.0", .summary = "says what its items tell it to", .flags = ROTA_THREAD_SAFE,
            .run = run);
