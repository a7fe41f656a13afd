/* SPDX-License-Identifier: Apache-2.0 */
/*
 * figure - numbers as people read them, for progress and report. Each writes into the caller's text and returns it.
 */
#ifndef RECORD_FIGURE_H
#define RECORD_FIGURE_H

#include <stdint.h>

#define FIGURE_BYTES 32

/* "1,204,000" */
const char *figure_count(char text[FIGURE_BYTES], uint64_t count);

/* "0.13", "4.2", "950", "12.3 k", "2.1 M" */
const char *figure_rate(char text[FIGURE_BYTES], double per_s);

/* "3.1 ms", "2.31 s", "12 min 5 s", "3 h 10 min" */
const char *figure_duration(char text[FIGURE_BYTES], int64_t elapsed_ns);

/* "0:12", "1:02:03", "4 d 3 h" */
const char *figure_clock(char text[FIGURE_BYTES], int64_t seconds);

#endif
