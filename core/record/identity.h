/* SPDX-License-Identifier: Apache-2.0 */
/*
 * identity - what of a plan must be the same for a journal to be gone on from: everything that says which results come
 * out, and in which order. How the items are run isn't part of it: jobs, backend, window, time-outs, retries and limits
 * may change from one run to the next.
 *
 *   identity_create, identity_destroy
 */
#ifndef RECORD_IDENTITY_H
#define RECORD_IDENTITY_H

#include "core/base/err.h"
#include "core/plan/plan.h"
#include "core/record/journal.h"

#include <stddef.h>

struct identity_keys {
	struct journal_key *keys; /* n_keys; keys and values owned, jobs borrowed from the plan */
	size_t n_keys;
};

/* Of a plan that was checked. Reads the plugins' files for their digests. */
int identity_create(struct identity_keys *ret, const struct plan *plan, struct err *err);
void identity_destroy(struct identity_keys *identity);

#endif
