/* SPDX-License-Identifier: Apache-2.0 */
/*
 * setup - what a fork server and its workers must know of their job, as it crosses to them: text of base/fields.
 *
 *   supervisor: fill a struct setup (borrowed strings), setup_write
 *   worker:     setup_read, setup_fini
 */
#ifndef WIRE_SETUP_H
#define WIRE_SETUP_H

#include "core/base/buf.h"
#include "core/base/duty.h"
#include "core/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How a result stands in the stream. */
enum setup_frame {
	FRAME_ALWAYS = 0, /* the frame byte after each result */
	FRAME_MISSING,    /* the frame byte if the result has bytes and doesn't end with it */
	FRAME_RAW,        /* nothing: it stands as it is, and the next one right behind it */
	FRAME_NONE        /* nothing: nobody reads it */
};

struct setup_option {
	const char *name;
	const char *const *elements; /* texts: one, or a list's */
	size_t n_elements;
};

struct setup {
	const char *file; /* the plugin */
	char delimiter;   /* behind each item */
	enum setup_frame frame;
	char frame_byte;
	int64_t max_result_bytes;
	unsigned n_workers; /* as the plugin is told */
	unsigned n_places;  /* how many there may ever be at a time */
	struct duty duty;   /* the job's options that workers act on */
	bool tells_times;   /* of each item: when it began, and how long it took */
	bool tells_all;     /* last words of every crash */
	bool runs_commands; /* each item is a process: a worker is of use only when there is room for one more */
	struct setup_option *options;
	size_t n_options;
	char **pins; /* for each place the CPUs that its worker may use: numbers, commas; or NULL */
	size_t n_pins;
	char *memory; /* setup_read: the text that the strings stand in; owned */
};

int setup_write(const struct setup *setup, struct buf *buf);
/* text is copied. */
int setup_read(struct setup *ret, const char *text, size_t n_bytes, struct err *err);
void setup_fini(struct setup *setup); /* of setup_read */

#endif
