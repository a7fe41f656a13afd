/* SPDX-License-Identifier: Apache-2.0 */
/* split: the same delimiters as memchr finds, whatever their distance, and not a byte is read behind the run. */
#include "config.h"

#include "core/base/split.h"

#include "tests/tap.h"

#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define RUN_BYTES 4096u

static char *page; /* nothing may be read behind it, nor before it */

static void make_page(void)
{
	size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);
	char *pages = mmap(NULL, 3 * page_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page_bytes < RUN_BYTES || pages == MAP_FAILED ||
	    mprotect(pages + page_bytes, page_bytes, PROT_READ | PROT_WRITE) != 0)
		abort();
	page = pages + page_bytes;
}

/* Are all found, and then none? bytes: in the page. */
static bool is_right(const char *bytes, size_t n_bytes, char delimiter)
{
	struct split split;
	const char *at = bytes, *end = bytes + n_bytes, *stop;
	split_begin(&split, bytes, n_bytes, delimiter);
	while ((stop = memchr(at, delimiter, (size_t)(end - at)))) {
		if (split_next(&split) != stop)
			return false;
		at = stop + 1;
	}
	return !split_next(&split) && !split_next(&split);
}

/* Runs at the page's end and at its beginning, with items of up to item_bytes. Returns how many are wrong. */
static unsigned try_items(unsigned item_bytes, char delimiter, unsigned short *seed)
{
	unsigned n_wrong = 0;
	for (unsigned n_bytes = 0; n_bytes <= RUN_BYTES; n_bytes += n_bytes < 300 ? 1 : 97) {
		for (unsigned i = 0; i < RUN_BYTES; i++)
			page[i] = (char)(delimiter + 1 + (int)(nrand48(seed) % 200));
		for (unsigned i = 0; i < RUN_BYTES; i += 1 + (unsigned)(nrand48(seed) % item_bytes))
			page[i] = delimiter;
		n_wrong += !is_right(page + RUN_BYTES - n_bytes, n_bytes, delimiter);
		n_wrong += !is_right(page, n_bytes, delimiter);
	}
	return n_wrong;
}

int main(void)
{
	unsigned short seed[3] = {1, 2, 3};
	make_page();
	for (unsigned item_bytes = 1; item_bytes <= 4 * RUN_BYTES; item_bytes *= 2) {
		is_int(try_items(item_bytes, '\n', seed), 0, "lines of up to %u bytes", item_bytes);
		is_int(try_items(item_bytes, '\0', seed), 0, "with NUL bytes behind them");
		is_int(try_items(item_bytes, (char)0xff, seed), 0, "with bytes of 255 behind them");
	}
	return tap_done();
}
