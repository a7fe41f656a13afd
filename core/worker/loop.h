/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loop - a worker's life: open, batches until told to stop, close. Shared by both backends and by --try.
 */
#ifndef WORKER_LOOP_H
#define WORKER_LOOP_H

#include "core/wire/setup.h"
#include "core/worker/host.h"
#include "shm/port.h"

#include <stdint.h>

/*
 * Runs in the worker's own process or thread until the supervisor stops it, or an item has left behind what can't be
 * put right: it leaves in order then too, unclaimed items stay unclaimed, and another is to take its place. 0: left in
 * order; -1: the plugin's open refused (told by EVENT_REFUSED and WORKER_REFUSED) or memory is short. ret_not_ok may be
 * NULL: the failed items.
 */
int worker_live(const struct host *host, const struct setup *setup, struct port *port, uint64_t *ret_not_ok);

#endif
