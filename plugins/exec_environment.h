/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exec_environment - what commands find in their environment: that of rota, and what says which item they are for.
 *
 *   environment_init once a worker, environment_set for each item, environment_fini
 *
 * ROTA_ITEM is the last: where it can't be had, a NULL stands in its place.
 */
#ifndef EXEC_ENVIRONMENT_H
#define EXEC_ENVIRONMENT_H

#include <stdbool.h>
#include <stdint.h>

struct environment {
	char **envp; /* environ's own strings, then ours, then a NULL */
	char **item_entry;
	char seq[32], attempt[32], slot[32];
	char *slot_named; /* the same under the name that the user wants, or NULL; owned */
};

/* slot_name: "" for none. false: no memory. */
bool environment_init(struct environment *environment, unsigned slot, const char *slot_name);

/* item_entry: "ROTA_ITEM=...", which must stay while it is used, or NULL. */
void environment_set(struct environment *environment, uint64_t seq, uint32_t attempt, char *item_entry);

void environment_fini(struct environment *environment);

#endif
