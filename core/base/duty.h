/* SPDX-License-Identifier: Apache-2.0 */
/*
 * duty - those options of a job that its workers act on by themselves. The plan's struct job has one, which the options
 * are put into; it crosses to the workers in their set-up as it is, and they read it there. So that one more such
 * option is its record in core/plan/core_option.c and its field here.
 */
#ifndef BASE_DUTY_H
#define BASE_DUTY_H

#include <stdint.h>

/* All fields are int64_t, for they cross as numbers in this order; switches are 0 or 1. */
struct duty {
	int64_t has_pid_namespace; /* its fork server is process 1 of one */
	int64_t niceness;          /* which a worker adds to its own */
	int64_t spins;             /* before its workers and the supervisor sleep they look for a while */
};

#define DUTY_NUMBERS (sizeof(struct duty) / sizeof(int64_t))

#endif
