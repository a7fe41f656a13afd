/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watchdog - looks at a crew's workers now and then: items that take too long, workers that take too much memory, that
 * don't get ready, or that have work and don't begin it.
 *
 *   watchdog_init, watchdog_look at each turn (it does nothing until its time has come), watchdog_due_ns for the
 *   loop's sleep
 *
 * An item's clock is the watchdog's: it counts the time between two looks in which the same item was being run. It
 * stands still while the worker isn't heard (its ring is left undrained), and over any gap in the supervisor's own
 * loop: a suspended machine or a stopped run makes no time-out. So no clock is read per item, and a time-out comes at
 * most one look late. One thread.
 */
#ifndef CREW_WATCHDOG_H
#define CREW_WATCHDOG_H

#include "core/crew/crew.h"

#include <stdbool.h>
#include <stdint.h>

struct watchdog {
	struct crew *crew;      /* borrowed */
	const struct job *plan; /* borrowed: its limits */
	bool has_freed;         /* in this look, a worker that may be given work again */
	int64_t look_ns;        /* when the last look was; 0: none yet */
};

void watchdog_init(struct watchdog *watchdog, const struct job *plan, struct crew *crew);

/*
 * is_heard: of which workers the rings are drained: all, or (only not NULL) that one, or none. true: a worker may be
 * given work again, so another turn is wanted.
 */
bool watchdog_look(struct watchdog *watchdog, int64_t now_ns, bool is_heard, const struct worker *only);

/* When it wants to look again; -1: there is nothing to look at. */
int64_t watchdog_due_ns(const struct watchdog *watchdog);

/* What a worker takes, without the channel that it shares with the supervisor. */
int64_t watchdog_rss_bytes(const struct worker *worker);

#endif
