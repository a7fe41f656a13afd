/* SPDX-License-Identifier: Apache-2.0 */
/* resume - see resume.h. */
#include "config.h"

#include "core/resume/resume.h"

#include "core/base/log.h"

#include <inttypes.h>

void resume_init(struct resume *resume, struct journal_position *take_position)
{
	*resume = (struct resume){.position = *take_position, .is_on = take_position->taken_items > 0};
	*take_position = (struct journal_position){0};
}

void resume_fini(struct resume *resume)
{
	journal_position_fini(&resume->position);
	resume->is_on = false;
}

uint64_t resume_left_items(const struct resume *resume, const struct checkpoint *checkpoint)
{
	return resume->position.taken_items - checkpoint->taken_items;
}

/* The range that holds this item or is the next behind it; NULL: none is left. */
static const struct journal_range *range_at(struct resume *resume, uint64_t seq)
{
	const struct journal_position *position = &resume->position;
	while (resume->next < position->n_unfinished && position->unfinished[resume->next].last < seq)
		resume->next++;
	return resume->next < position->n_unfinished ? &position->unfinished[resume->next] : NULL;
}

/* The first n_items of a slice; the rest stays in it, n_items 0 when there is none. */
static struct slice take_front(struct slice *slice, uint64_t n_items, char delimiter)
{
	if (n_items < slice->n_items)
		return slice_split(slice, (uint32_t)n_items, delimiter);
	struct slice front = *slice;
	*slice = (struct slice){0};
	return front;
}

/* What is unfinished of it goes into the window. */
static int sift(struct resume *resume, struct window *window, struct slice *take_slice, struct err *err)
{
	struct slice slice = *take_slice;
	*take_slice = (struct slice){0};
	while (slice.n_items > 0) {
		const struct journal_range *range = range_at(resume, slice.seq);
		bool is_unfinished = range && range->first <= slice.seq;
		uint64_t end = !range ? UINT64_MAX : is_unfinished ? range->last + 1 : range->first;
		struct slice front = take_front(&slice, end - slice.seq, window->delimiter);
		if (!is_unfinished)
			slice_drop(&front);
		else if (window_add(window, &front, err) != 0) {
			slice_drop(&slice);
			return -1;
		}
	}
	return 0;
}

static int compare(struct resume *resume, const struct checkpoint *checkpoint, struct err *err)
{
	struct digest seen = checkpoint_digest(checkpoint);
	if (!digest_is_equal(seen, resume->position.taken_digest))
		return err_set(
			err, ERR_USAGE,
			"the input has changed: its first %" PRIu64
			" items aren't those that the run has read; restore the old input, or start over without --resume",
			resume->position.taken_items);
	resume->is_on = false;
	return 0;
}

int resume_take(struct resume *resume, const struct checkpoint *checkpoint, struct window *window,
                struct slice *take_slice, struct err *err)
{
	if (sift(resume, window, take_slice, err) != 0)
		return -1;
	return resume_left_items(resume, checkpoint) == 0 ? compare(resume, checkpoint, err) : 0;
}

bool resume_is_unfinished(const struct resume *resume, const struct slice *slice)
{
	const struct journal_position *position = &resume->position;
	for (size_t i = resume->next; i < position->n_unfinished; i++)
		if (position->unfinished[i].last >= slice->seq)
			return position->unfinished[i].first <= slice->seq;
	return false;
}

int resume_fail_short(const struct resume *resume, const struct checkpoint *checkpoint, struct err *err)
{
	return err_set(err, ERR_USAGE,
	               "the input has changed: it has %" PRIu64 " items, but the run had read %" PRIu64
	               "; restore the old input, or start over without --resume",
	               checkpoint->taken_items, resume->position.taken_items);
}

void resume_say_twice(const struct resume *resume, const struct sink *sink, bool keeps_results, const char *job_name)
{
	const struct journal_position *position = &resume->position;
	if (position->n_unfinished > 0 && !sink_is_file(sink) && keeps_results)
		log_notice("%s%s%s can't be truncated: items from %" PRIu64 " to %" PRIu64
		           " may have been written before, and will be written again",
		           job_name ? job_name : "", job_name ? ": " : "", sink_name(sink), position->unfinished[0].first,
		           position->unfinished[position->n_unfinished - 1].last);
}
