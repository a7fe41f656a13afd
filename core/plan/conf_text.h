/* SPDX-License-Identifier: Apache-2.0 */
/* conf_text - is this the text of a conf file? UTF-8, no control characters; a byte order mark only at the start. */
#ifndef PLAN_CONF_TEXT_H
#define PLAN_CONF_TEXT_H

#include "core/base/err.h"

#include <stddef.h>

/* -1: the first byte or character that can't stand there was added to the list, with its line and column. */
int conf_text_check(const char *file, const char *text, size_t n_bytes, struct err_list *errors);

#endif
