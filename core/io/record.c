/* SPDX-License-Identifier: Apache-2.0 */
/* record - see record.h. */
#include "config.h"

#include "core/io/record.h"

#include <stdlib.h>
#include <string.h>

int record_init(struct record *ret, const struct recipe *recipe)
{
	const struct recipe_text *start = &recipe->record_start, *end = &recipe->record_end;
	char newline[] = "\n";
	const struct recipe_text line = {.bytes = newline, .n_bytes = 1};

	if (end->bytes == NULL && start->bytes == NULL)
		end = &line;
	*ret = (struct record){.n_end = end->n_bytes, .n_start = start->n_bytes};
	ret->mark = malloc(ret->n_end + ret->n_start + 1);
	if (ret->mark == NULL)
		return -1;
	if (ret->n_end > 0)
		memcpy(ret->mark, end->bytes, ret->n_end);
	if (ret->n_start > 0)
		memcpy(ret->mark + ret->n_end, start->bytes, ret->n_start);
	return 0;
}

void record_fini(struct record *record)
{
	free(record->mark);
	record->mark = NULL;
}

size_t record_find(const struct record *record, const char *bytes, size_t n_bytes, size_t begin, size_t from)
{
	size_t n_mark = record->n_end + record->n_start;
	const char *found;

	if (from < begin + record->n_end)
		from = begin + record->n_end;
	if (from > n_bytes)
		return n_bytes + 1;
	if (n_mark == 0)
		return from;
	from -= record->n_end;
	found = n_mark == 1 ? memchr(bytes + from, record->mark[0], n_bytes - from)
	                    : memmem(bytes + from, n_bytes - from, record->mark, n_mark);
	return found != NULL ? (size_t)(found - bytes) + record->n_end : n_bytes + 1;
}
