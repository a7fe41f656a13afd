/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backend_thread - workers as threads of the supervisor's process: the fallback, and the only file of the supervisor
 * that knows worker/. Here, and only here, plugin code runs in the supervisor.
 */
#ifndef CREW_BACKEND_THREAD_H
#define CREW_BACKEND_THREAD_H

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/crew/backend.h"

/* catalog_describe_here_f: loads the file here and writes its description. */
int backend_thread_describe(const char *file, struct buf *ret_text, struct err *err);

/*
 * A plugin's code calls what ends the process: where a backend of threads is open, this says so and doesn't return, and
 * the run ends with 3. In an item or in open it is the supervisor that ends it, in order. It returns in a process that
 * the plugin has forked, and when no plugin is in ours. exit and quick_exit come here by themselves; call: its name.
 */
void backend_thread_refuse_exit(const char *call);

#endif
