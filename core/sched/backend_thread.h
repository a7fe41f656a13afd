/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backend_thread - workers as threads of the supervisor's process: the fallback, and the only file of the supervisor
 * that knows worker/. Here, and only here, plugin code runs in the supervisor.
 */
#ifndef SCHED_BACKEND_THREAD_H
#define SCHED_BACKEND_THREAD_H

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/sched/backend.h"

/* catalog_describe_here_f: loads the file here and writes its description. */
int backend_thread_describe(const char *file, struct buf *ret_text, struct err *err);

#endif
