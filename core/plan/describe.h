/* SPDX-License-Identifier: Apache-2.0 */
/*
 * describe - runs `rota-worker --describe FILE`, a throw-away child that loads the plugin, and reads what it writes:
 * at most 1 MB, in at most 5 seconds. Whatever the plugin does, it does it there.
 */
#ifndef PLAN_DESCRIBE_H
#define PLAN_DESCRIBE_H

#include "core/base/buf.h"
#include "core/base/err.h"

#include <stdint.h>

#define DESCRIBE_TIMEOUT_NS (INT64_C(5) * 1000000000)

/*
 * The text goes to *ret_text (the caller's, empty). ERR_RESOURCE: no child could be made, nothing was tried.
 * ERR_RUN: the child was killed from outside, again and again. Else err says what is wrong with the plugin, without
 * naming the file.
 */
int describe_run(const char *worker_program, const char *file, int64_t timeout_ns, struct buf *ret_text,
                 struct err *err);

/* Whoever was asked, it took longer. Returns -1. */
int describe_set_late(int64_t timeout_ns, struct err *err);

#endif
