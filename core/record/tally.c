/* SPDX-License-Identifier: Apache-2.0 */
/* tally - see tally.h. Counters are looked up one by one: they are few, and workers send sums, not single steps. */
#include "config.h"

#include "core/record/tally.h"

#include <string.h>

const char *outcome_name(enum outcome outcome)
{
	static const char *const names[OUTCOME_COUNT] = {
		[OUTCOME_OK] = "ok",
		[OUTCOME_FAILED] = "failed",
		[OUTCOME_CRASHED] = "crashed",
		[OUTCOME_TIMED_OUT] = "timed out",
		[OUTCOME_OVER_LIMIT] = "over limit",
		[OUTCOME_CANCELLED] = "cancelled",
	};
	return (unsigned)outcome < OUTCOME_COUNT ? names[outcome] : "unknown";
}

enum outcome outcome_of(enum cause_kind kind)
{
	switch (kind) {
	case CAUSE_NONE:
		return OUTCOME_OK;
	case CAUSE_FAILED:
	case CAUSE_AGAIN:
		return OUTCOME_FAILED;
	case CAUSE_TIMED_OUT:
		return OUTCOME_TIMED_OUT;
	case CAUSE_MAX_RESULT:
	case CAUSE_MAX_ITEM:
	case CAUSE_OVER_MEMORY:
	case CAUSE_OOM_KILLED:
		return OUTCOME_OVER_LIMIT;
	case CAUSE_DIED:
	case CAUSE_THREAD_ENDED:
	case CAUSE_BROKEN_CHANNEL:
		break;
	}
	return OUTCOME_CRASHED;
}

void tally_init(struct tally *tally)
{
	*tally = (struct tally){.total_items = -1, .total_bytes = -1};
}

uint64_t tally_finished(const struct tally *tally)
{
	return tally->n_outcomes[OUTCOME_OK] + tally_not_ok(tally);
}

uint64_t tally_not_ok(const struct tally *tally)
{
	uint64_t n = 0;
	for (int outcome = 0; outcome < OUTCOME_COUNT; outcome++)
		if (outcome != OUTCOME_OK)
			n += tally->n_outcomes[outcome];
	return n;
}

int64_t tally_total(const struct tally *tally)
{
	return tally->total_items < 0 && tally->is_all_read ? (int64_t)tally->n_read : tally->total_items;
}

/* The counter of that name, a new one when there is none yet, NULL when there is no place for it. */
static struct tally_counter *counter_of(struct tally *tally, const char *name)
{
	size_t n_bytes = strnlen(name, TALLY_COUNTER_NAME_BYTES - 1);
	for (size_t i = 0; i < tally->n_counters; i++) {
		struct tally_counter *counter = &tally->counters[i];
		if (memcmp(counter->name, name, n_bytes) == 0 && counter->name[n_bytes] == '\0')
			return counter;
	}
	if (tally->n_counters == TALLY_COUNTERS_MAX)
		return NULL;
	struct tally_counter *counter = &tally->counters[tally->n_counters++];
	memcpy(counter->name, name, n_bytes);
	counter->name[n_bytes] = '\0';
	counter->value = 0;
	return counter;
}

void tally_count(struct tally *tally, const char *name, int64_t add)
{
	struct tally_counter *counter = counter_of(tally, name);
	if (!counter) {
		tally->has_more_counters = true;
		return;
	}
	if (__builtin_add_overflow(counter->value, add, &counter->value))
		counter->value = add > 0 ? INT64_MAX : INT64_MIN;
}
