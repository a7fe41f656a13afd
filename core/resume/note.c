/* SPDX-License-Identifier: Apache-2.0 */
/* note - see note.h. */
#include "config.h"

#include "core/resume/note.h"

#include <stdlib.h>
#include <string.h>

struct note *note_of_failure(const struct failure *failure)
{
	char prose[CAUSE_PROSE_BYTES];
	size_t n_prose = strlen(cause_prose(prose, &failure->cause)) + 1;
	size_t n_bytes = sizeof(struct note) + failure->item_bytes + n_prose;
	struct note *note = malloc(n_bytes);
	if (!note)
		return NULL;
	*note = (struct note){.seq = failure->seq,
	                      .cause = failure->cause,
	                      .attempts = failure->attempts,
	                      .output_bytes = failure->output_bytes,
	                      .item_bytes = failure->item_bytes,
	                      .is_cut = failure->cause.kind == CAUSE_MAX_ITEM,
	                      .n_bytes = n_bytes};
	note->cause.text = NULL;
	memcpy(note->text, failure->item, failure->item_bytes);
	memcpy(note->text + failure->item_bytes, prose, n_prose);
	return note;
}

struct note *note_of_old(const struct journal_failure *failure)
{
	size_t n_prose = strlen(failure->cause) + 1;
	size_t n_bytes = sizeof(struct note) + failure->item_bytes + n_prose;
	struct note *note = malloc(n_bytes);
	if (!note)
		return NULL;
	*note = (struct note){.seq = failure->seq,
	                      .cause = {.kind = failure->kind,
	                                .wait_status = cause_wait_status(failure->code, failure->signum)},
	                      .attempts = failure->attempts,
	                      .output_bytes = failure->output_bytes,
	                      .item_bytes = failure->item_bytes,
	                      .is_cut = failure->is_cut,
	                      .n_bytes = n_bytes};
	memcpy(note->text, failure->item, failure->item_bytes);
	memcpy(note->text + failure->item_bytes, failure->cause, n_prose);
	return note;
}

struct note *note_of_retry(uint64_t seq, uint64_t old_output_at, uint64_t old_bytes)
{
	struct note *note = malloc(sizeof *note);
	if (note)
		*note =
			(struct note){.seq = seq, .old_output_at = old_output_at, .old_bytes = old_bytes, .n_bytes = sizeof *note};
	return note;
}

struct note *note_take(struct note_list *list)
{
	struct window_note *first = list->first;
	if (!first)
		return NULL;
	list->first = first->next;
	if (!list->first)
		list->end = NULL;
	return (struct note *)(void *)first;
}

void note_free_all(struct note_list *list)
{
	struct note *note;
	while ((note = note_take(list)))
		free(note);
}

struct journal_failure note_failure(const struct note *note)
{
	return (struct journal_failure){.seq = note->seq,
	                                .item = note->text,
	                                .item_bytes = note->item_bytes,
	                                .is_cut = note->is_cut,
	                                .kind = note->cause.kind,
	                                .code = cause_code(&note->cause),
	                                .signum = cause_signal(&note->cause),
	                                .attempts = note->attempts,
	                                .cause = note->text + note->item_bytes,
	                                .output_at = note->link.output_at,
	                                .output_bytes = note->output_bytes};
}
