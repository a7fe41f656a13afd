/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reap - takes the workers that have died: what each had published is collected, the item that blame names is charged,
 * the rest goes back to the window, and the crew buries it.
 *
 *   reap_next at each turn, until there is none
 *
 * One thread.
 */
#ifndef DISPATCH_REAP_H
#define DISPATCH_REAP_H

#include "core/dispatch/collect.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * Takes the next one of the collector's crew. false: there is none, and the end of their fork server, if it has ended,
 * is accounted for. *ret_charged: the number of the item that was charged; 0: none was.
 */
bool reap_next(struct collector *collector, uint64_t *ret_charged);

#endif
