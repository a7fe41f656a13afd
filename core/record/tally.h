/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tally - what became of a job's items, in numbers. Plain counts, written by run and dispatch as outcomes come, read by
 * progress and report. One thread.
 *
 * Invariant at the end of a job that finished: n_read == n_ok + the failures; nothing is counted twice.
 */
#ifndef RECORD_TALLY_H
#define RECORD_TALLY_H

#include "core/base/cause.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum outcome {
	OUTCOME_OK = 0,
	OUTCOME_FAILED, /* the plugin said so */
	OUTCOME_CRASHED,
	OUTCOME_TIMED_OUT,
	OUTCOME_OVER_LIMIT,
	OUTCOME_CANCELLED,
	OUTCOME_COUNT
};

/* "ok", "failed", "crashed", "timed out", "over limit", "cancelled". */
const char *outcome_name(enum outcome outcome);

enum outcome outcome_of(enum cause_kind kind);

/* A counter of rota_count: the names come from the plugin, at most TALLY_COUNTERS_MAX of them. */
#define TALLY_COUNTERS_MAX 64
#define TALLY_COUNTER_NAME_BYTES 64
struct tally_counter {
	char name[TALLY_COUNTER_NAME_BYTES];
	int64_t value;
};

/* What a supervisor that sleeps waits for. */
enum tally_wait { TALLY_INPUT, TALLY_WORKERS, TALLY_OUTPUT, TALLY_WAITS };

struct tally {
	uint64_t n_read; /* items taken from the source */
	uint64_t n_outcomes[OUTCOME_COUNT];
	uint64_t n_before;              /* of these: in an earlier run, which this one goes on from */
	uint64_t result_bytes;          /* handed to the sink, framed */
	int64_t total_items;            /* when known, else -1 */
	int64_t total_bytes;            /* of the source, -1 when unknown */
	int64_t finished_bytes;         /* of these, those of items with an outcome; an estimate within a batch */
	bool is_all_read;               /* the source's end was reached: n_read is the total */
	bool is_cut;                    /* no item is begun any more: some of the total never will be */
	uint64_t n_deaths;              /* of workers */
	unsigned n_workers, n_busy;     /* now */
	int64_t start_ns, end_ns;       /* end 0: still running */
	int64_t waited_ns[TALLY_WAITS]; /* by the supervisor; the rest of the time it worked, for this job or another */
	uint64_t busy_ns, ready_ns;     /* of all workers that are gone: with items; able to be */
	bool is_waiting;                /* for another job (after) */
	struct tally_counter counters[TALLY_COUNTERS_MAX];
	size_t n_counters;
	bool has_more_counters; /* some had no place: said once at the end */
};

void tally_init(struct tally *tally);
uint64_t tally_finished(const struct tally *tally); /* items with an outcome */
uint64_t tally_not_ok(const struct tally *tally);
int64_t tally_total(const struct tally *tally); /* of items, -1 when it isn't known */
/* Adds to a counter; a name over TALLY_COUNTER_NAME_BYTES - 1 is cut. */
void tally_count(struct tally *tally, const char *name, int64_t add);

#endif
