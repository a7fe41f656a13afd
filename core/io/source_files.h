/* SPDX-License-Identifier: Apache-2.0 */
/* source_files - files:GLOB. For source.c alone. */
#ifndef IO_SOURCE_FILES_H
#define IO_SOURCE_FILES_H

#include "core/io/source.h"

int source_files_open(struct source **ret, const struct endpoint *endpoint, struct err *err);

#endif
