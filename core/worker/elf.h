/* SPDX-License-Identifier: Apache-2.0 */
/*
 * elf - is a file a whole shared object of this machine? Asked before dlopen, which maps what the headers say and
 * dies of SIGBUS where the file ends before. Thread-safe.
 */
#ifndef WORKER_ELF_H
#define WORKER_ELF_H

#include "core/base/err.h"

/* err (ERR_USAGE) names the file, what it is instead, and what to do. */
int elf_check(const char *file, struct err *err);

#endif
