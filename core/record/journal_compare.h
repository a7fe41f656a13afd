/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal_compare - is this the run that a journal is of? A plan is told by its keys (identity.h); what differs may be
 * accepted (journal_accept) or bars going on.
 */
#ifndef RECORD_JOURNAL_COMPARE_H
#define RECORD_JOURNAL_COMPARE_H

#include "core/base/err.h"
#include "core/record/journal.h"

#include <stddef.h>

/*
 * 0: it is; 1: it differs in what journal_accept may take; -1: in what may never change, or the journal can't be read.
 * err says in what it differs. A job's keys stand together, as identity has them.
 */
int journal_compare(struct journal *journal, const struct journal_key *keys, size_t n_keys, struct err *err);

#endif
