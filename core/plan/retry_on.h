/* SPDX-License-Identifier: Apache-2.0 */
/*
 * retry_on - which failures are worth another attempt, where --retries allows one: --retry-on.
 *
 *   retry_on_parse, retry_on_wants for each failure
 */
#ifndef PLAN_RETRY_ON_H
#define PLAN_RETRY_ON_H

#include "core/base/cause.h"
#include "core/base/err.h"

#include <stdbool.h>
#include <stddef.h>

enum retry_on_kind {
	RETRY_ON_CRASH = 1 << 0,
	RETRY_ON_TIMEOUT = 1 << 1,
	RETRY_ON_LIMIT = 1 << 2, /* of memory, or of a result's size */
	RETRY_ON_AGAIN = 1 << 3, /* the plugin said so, as exec does of a status that isn't ok */
	RETRY_ON_FAIL = 1 << 4   /* the plugin said that the item failed */
};

struct retry_on {
	unsigned kinds;          /* enum retry_on_kind */
	unsigned char exits[32]; /* exit statuses of commands, a bit each: of those alone, where there are any */
	bool has_exits;
};

/* What it is where nobody says anything: crash, timeout, limit, again. */
#define RETRY_ON_DEFAULT "crash,timeout,limit,again"

/* crash, timeout, limit, again, fail, and exit:STATUS or exit:FIRST-LAST; statuses that follow need no "exit:". */
int retry_on_parse(struct retry_on *ret, const char *const *words, size_t n_words, struct err *err);

bool retry_on_wants(const struct retry_on *retry_on, const struct cause *cause);

#endif
