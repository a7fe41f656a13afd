/* SPDX-License-Identifier: Apache-2.0 */
/*
 * note - what the journal is to know of an item, on its way there: with the window until the item's outcome stands,
 * then with whoever takes it out of left_notes. One piece of memory.
 *
 *   note_of_failure, note_of_old, note_of_retry; note_take, note_free_all
 */
#ifndef RESUME_NOTE_H
#define RESUME_NOTE_H

#include "core/record/journal.h"
#include "core/record/report.h"
#include "core/window/window.h"

#include <stddef.h>
#include <stdint.h>

struct note {
	struct window_note link;
	uint64_t seq;
	struct cause cause; /* NONE: no failure, but the place of an item that is run once more; its text is in prose */
	uint32_t attempts;
	uint64_t output_bytes;  /* of a result that it has though it failed */
	uint64_t old_output_at; /* NONE: where in the old output its result is missing, */
	uint64_t old_bytes;     /* or these of it stand, which the new one replaces */
	size_t item_bytes;
	bool is_cut;    /* the item's beginning */
	size_t n_bytes; /* all of it */
	char text[];    /* the item, then the cause as prose and its NUL */
};

/* NULL when memory is short. */
struct note *note_of_failure(const struct failure *failure);
struct note *note_of_old(const struct journal_failure *failure); /* which stays as it was */
struct note *note_of_retry(uint64_t seq, uint64_t old_output_at, uint64_t old_bytes);

/* The first of a list, which isn't in it any more; NULL: it's empty. The caller's (free). */
struct note *note_take(struct note_list *list);
void note_free_all(struct note_list *list);

/* As the journal has it. Borrowed from the note; output_at: of the window's output. */
struct journal_failure note_failure(const struct note *note);

#endif
