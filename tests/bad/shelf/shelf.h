/* SPDX-License-Identifier: Apache-2.0 */
/* shelf - the faults of tests/bad/shelf.c, a file for each kind. Each has a table, which ends with a NULL name. */
#ifndef TESTS_BAD_SHELF_H
#define TESTS_BAD_SHELF_H

#include <rota/plugin.h>

#include <stddef.h>

/* From a fault: go on as if nothing had happened. */
#define GO_ON (-1)

#define MIB ((size_t)1024 * 1024)

typedef int fault_f(struct rota_task *task);

struct shelf_fault {
	const char *name; /* as an item or the option says it */
	fault_f *misbehave;
};

extern const struct shelf_fault shelf_ends[], shelf_waits[], shelf_memory[], shelf_traces[], shelf_processes[],
	shelf_host[];

/* Also a thread's function. */
void *shelf_wait_for_ever(void *nothing);

#endif
