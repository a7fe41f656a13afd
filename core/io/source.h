/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source - where items come from: a stream of bytes in which each item is followed by the source's delimiter.
 * Every kind is one table of operations (a file source_KIND.c); what cuts the stream into items is feed. One thread.
 *
 *   source_open or source_open_items, source_read ... until SOURCE_END, source_close
 */
#ifndef IO_SOURCE_H
#define IO_SOURCE_H

#include "core/base/err.h"
#include "core/plan/plan.h"
#include "core/plan/recipe.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define SOURCE_END 0     /* nothing more will come */
#define SOURCE_WAIT (-2) /* nothing now: watch source_fd for EPOLLIN */

struct source; /* begins with struct source_head; the rest is the kind's own */

struct source_ops {
	const char *kind;
	/* Bytes into dest: how many (at least 1), SOURCE_END, SOURCE_WAIT, or -1 with err. Never blocks for long. */
	ssize_t (*read)(struct source *source, char *dest, size_t room_bytes, struct err *err);
	void (*close)(struct source *source); /* frees source too, but for what source_head_init made */
};

struct source_head {
	const struct source_ops *ops;
	char delimiter;
	int fd;              /* to watch when SOURCE_WAIT was given; -1: never waits */
	int64_t total_items; /* when known before the end (range), else -1 */
	int64_t total_bytes; /* of a regular file from where it stands, else -1 (also when the size is 0, as in /proc) */
	int64_t read_bytes;  /* so far */
	char *name;          /* for messages: "words.txt", "standard input", "files:*.c", "range:1-9"; owned */
};

int source_open(struct source **ret, const struct endpoint *endpoint, struct err *err);

/*
 * The items of a job: those of its input, or what its recipe makes of it or of its lists. input and recipe are borrowed
 * for the source's life. Of what would be longer than max_item_bytes enough is kept to be too long.
 */
int source_open_items(struct source **ret, const struct endpoint *input, const struct recipe *recipe,
                      int64_t max_item_bytes, struct err *err);

/* A failure is final: each further call fails in the same way, or has SOURCE_END. room_bytes: at least 2. */
ssize_t source_read(struct source *source, char *dest, size_t room_bytes, struct err *err);
const struct source_head *source_head(const struct source *source);
void source_close(struct source **source);

/* For the kinds: all of the head, with nothing to watch and no totals known. source_close frees the name. */
int source_head_init(struct source_head *head, const struct source_ops *ops, const struct endpoint *endpoint,
                     struct err *err);

#endif
