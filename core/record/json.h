/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json - what a job has done so far, as a JSON object on one line, for programs. Both append, and return 0, or -1 when
 * memory is short (the buffer then ends anywhere: throw it away).
 */
#ifndef RECORD_JSON_H
#define RECORD_JSON_H

#include "core/base/buf.h"
#include "core/record/pace.h"
#include "core/record/tally.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * {"job":"upper","items_read":9, ...} and a newline. The rate is the pace's, in the final object the whole
 * job's.
 */
int json_put_job(struct buf *out, const char *job_name, const struct tally *tally, const struct pace *pace,
                 int64_t now_ns, bool is_final);

/* The bytes as a JSON string, quotes included; each byte that is no part of well-formed UTF-8 becomes \ufffd. */
int json_put_string(struct buf *out, const char *bytes, size_t n_bytes);

#endif
