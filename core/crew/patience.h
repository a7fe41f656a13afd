/* SPDX-License-Identifier: Apache-2.0 */
/*
 * patience - how long a crew goes on while its workers and fork servers die: the pauses before the next start, and when
 * there are too many deaths without an outcome between them (crew.h has the numbers).
 *
 *   patience_note_... at each death that nobody is charged with, patience_back_off where something isn't to be had;
 *   crew_note_progress takes the deaths back
 *
 * how: the last death, for the message with which the crew gives up.
 */
#ifndef CREW_PATIENCE_H
#define CREW_PATIENCE_H

#include "core/crew/crew.h"

/* The next start has to wait, twice as long for each failure in a row. */
void patience_back_off(struct crew *crew, unsigned n_failures);

void patience_note_uncharged(struct crew *crew, const char *how);
void patience_note_outside(struct crew *crew, const char *how);
void patience_note_lost(struct crew *crew, const char *how);
void patience_note_failed_start(struct crew *crew, const struct worker *worker, const char *how);

#endif
