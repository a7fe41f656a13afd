/* SPDX-License-Identifier: Apache-2.0 */
/*
 * upper - each item in ASCII capitals. This is the blank to copy for a plugin of your own:
 *
 *   cp upper.c shout.c          and edit it: the name, the summary, what run does
 *   cc -O2 -fPIC -shared -o shout.so shout.c $(pkg-config --cflags rota)
 *   $(pkg-config --variable=workerdir rota)/rota-worker --try ./shout.so < items    by hand, under gdb or valgrind
 *   rota map ./shout.so < items > results       on every core
 *
 * What a plugin does with an item stands in run: it looks at the item's bytes, which are borrowed and
 * end where n_bytes says (there is no NUL), and either makes a result or says why not:
 *
 *   rota_reserve + rota_commit    writes the result in place; as here, when its size is known before
 *   rota_write                    appends to the result, as often as wanted
 *   return rota_fail(task, ...)   this item can't be done; printf-style, for the user
 *   return rota_retry(task, ...)  it can't be done now
 *
 * Most plugins also want an `open` and a `close` (what a worker needs for all of its items: tables, buffers,
 * handles; never in static variables) and an option table: see sleep.c and sha256.c for both. And say in
 * `flags` only what is true: rota relies on it. All that there is to know is in rota/plugin.h and rota-plugin(7).
 */
#include <rota/plugin.h>

#include <string.h>

enum { BLOCK_BYTES = 16 };

static char capital(char letter)
{
	return letter >= 'a' && letter <= 'z' ? (char)(letter - 'a' + 'A') : letter;
}

/* A block of fixed size, by way of a copy: that is what compilers turn into vector instructions. */
static void write_block(char *out, const char *item)
{
	char block[BLOCK_BYTES];
	memcpy(block, item, BLOCK_BYTES);
	for (size_t i = 0; i < BLOCK_BYTES; i++)
		block[i] = capital(block[i]);
	memcpy(out, block, BLOCK_BYTES);
}

/* Block by block; the last one overlaps the one before it. */
static void write_capitals(char *restrict out, const char *restrict item, size_t n_bytes)
{
	if (n_bytes < BLOCK_BYTES) {
		for (size_t i = 0; i < n_bytes; i++)
			out[i] = capital(item[i]);
		return;
	}
	for (size_t at = 0; at < n_bytes - BLOCK_BYTES; at += BLOCK_BYTES)
		write_block(out + at, item + at);
	write_block(out + n_bytes - BLOCK_BYTES, item + n_bytes - BLOCK_BYTES);
}

static int upper_run(struct rota_task *task, void *state)
{
	(void)state;
	size_t n_bytes;
	const char *item = rota_item(task, &n_bytes);
	char *out = rota_reserve(task, n_bytes);
	if (!out)
		return ROTA_FAILED;
	write_capitals(out, item, n_bytes);
	return rota_commit(task, n_bytes);
}

ROTA_PLUGIN(.name = "upper", .version = "1.0", .summary = "write each item in upper case (ASCII)",
            .flags = ROTA_THREAD_SAFE | ROTA_PURE | ROTA_TIDY, .run = upper_run);
