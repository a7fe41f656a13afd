/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gate - when the next item may begin: --delay, --rate, --load, --memfree. Where it is on, items go one at a time.
 *
 *   gate_init, then before each item gate_is_open, gate_pass when it has begun; gate_due_ns while it is shut
 *
 * Time: the next item begins no earlier than the last one's begin plus the pause (the larger of delay and 1/rate). What
 * was missed isn't caught up with, so no burst follows a slow item. Load (the kernel's mean of the last minute) and
 * free memory (MemAvailable) are the machine's, looked at once a second and never counted against an item. One thread.
 */
#ifndef DISPATCH_GATE_H
#define DISPATCH_GATE_H

#include "core/plan/job.h"

#include <stdbool.h>
#include <stdint.h>

/* Where the machine says how it is; for tests other files. NULL: /proc's. */
struct gate_files {
	const char *loadavg, *meminfo;
};

struct gate {
	const struct job *plan; /* borrowed */
	struct gate_files files;
	int64_t pause_ns;      /* between two begins; 0: none */
	int64_t next_ns;       /* by the clock of gate_is_open's caller: no begin before */
	int64_t look_ns;       /* the machine is looked at again then */
	bool is_machine_ready; /* at the last look */
};

void gate_init(struct gate *gate, const struct job *plan, const struct gate_files *files);

/* Is there anything to wait for at all? */
bool gate_is_on(const struct gate *gate);

/* May an item begin now? */
bool gate_is_open(struct gate *gate, int64_t now_ns);

/* One has. */
void gate_pass(struct gate *gate, int64_t now_ns);

/* When to ask again, after a no. */
int64_t gate_due_ns(const struct gate *gate);

#endif
