/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source_range - range:FIRST-LAST[/STEP]: decimal numbers, a line each. A negative STEP counts down. LAST is given only
 * when the steps hit it; a range that leads away from LAST is empty.
 *
 * Invariant: no sum leaves int64_t: how many steps are left is known beforehand, and none is made beyond them.
 */
#include "config.h"

#include "core/io/source_range.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_BYTES 24 /* "-9223372036854775808\n" */

struct source_range {
	struct source_head head;
	int64_t number; /* the next one */
	int64_t step;
	uint64_t n_steps_left; /* behind number */
	bool is_at_end;        /* number has been given and no step is left */
	char text[TEXT_BYTES]; /* the number that is being given, at its end: text + text_at up to the end */
	size_t text_at;
};

static void range_write_number(struct source_range *range)
{
	uint64_t digits = range->number < 0 ? -(uint64_t)range->number : (uint64_t)range->number;
	size_t at = TEXT_BYTES;

	range->text[--at] = range->head.delimiter;
	do {
		range->text[--at] = (char)('0' + digits % 10);
		digits /= 10;
	} while (digits > 0);
	if (range->number < 0)
		range->text[--at] = '-';
	range->text_at = at;
}

static void range_advance(struct source_range *range)
{
	if (range->n_steps_left == 0) {
		range->is_at_end = true;
		return;
	}
	range->n_steps_left--;
	range->number += range->step;
}

static ssize_t range_read(struct source *source, char *dest, size_t room_bytes, struct err *err)
{
	struct source_range *range = (struct source_range *)source;
	size_t n_bytes = 0;

	(void)err;
	while (n_bytes < room_bytes) {
		size_t n_text;

		if (range->text_at == TEXT_BYTES) {
			if (range->is_at_end)
				break;
			range_write_number(range);
			range_advance(range);
		}
		n_text = TEXT_BYTES - range->text_at;
		if (n_text > room_bytes - n_bytes)
			n_text = room_bytes - n_bytes;
		memcpy(dest + n_bytes, range->text + range->text_at, n_text);
		range->text_at += n_text;
		n_bytes += n_text;
	}
	return n_bytes > 0 ? (ssize_t)n_bytes : SOURCE_END;
}

static void range_close(struct source *source)
{
	free(source);
}

static const struct source_ops range_ops = {"range", range_read, range_close};

int source_range_open(struct source **ret, const struct endpoint *endpoint, struct err *err)
{
	struct source_range *range;
	bool is_down = endpoint->step < 0;
	uint64_t distance, step;

	if (endpoint->step == 0)
		return err_set(err, ERR_USAGE, "range:%s: a step of 0 never ends: use at least 1, or -1 to count down",
		               endpoint->argument);
	range = calloc(1, sizeof(*range));
	if (range == NULL)
		return err_set(err, ERR_RESOURCE, "out of memory for the source range:%s", endpoint->argument);
	if (source_head_init(&range->head, &range_ops, endpoint, err) < 0) {
		free(range);
		return -1;
	}
	range->number = endpoint->first;
	range->step = endpoint->step;
	range->text_at = TEXT_BYTES;
	range->is_at_end = is_down ? endpoint->first < endpoint->last : endpoint->first > endpoint->last;
	range->head.total_items = 0;
	if (!range->is_at_end) {
		distance = is_down ? (uint64_t)endpoint->first - (uint64_t)endpoint->last
		                   : (uint64_t)endpoint->last - (uint64_t)endpoint->first;
		step = is_down ? -(uint64_t)endpoint->step : (uint64_t)endpoint->step;
		range->n_steps_left = distance / step;
		range->head.total_items = range->n_steps_left < INT64_MAX ? (int64_t)range->n_steps_left + 1 : -1;
	}
	*ret = (struct source *)range;
	return 0;
}
