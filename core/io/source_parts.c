/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source_parts - items that say where the blocks of a regular file stand (--pipepart): a row of the file's name, the
 * block's place and its length, both decimal. The file is only read where a block is to end, for the end of a record.
 *
 * Where no size is given, a block is a tenth of what each worker would get of the file: at least 1 MiB, at most 1 GiB.
 *
 * Memory: LOOK_BYTES, and a few times the mark where records end. One thread.
 */
#include "config.h"

#include "core/io/source_parts.h"

#include "core/base/buf.h"
#include "core/base/clock.h"
#include "core/io/record.h"
#include "core/io/rows.h"
#include "core/io/waiter.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOOK_BYTES (64 * 1024)
#define LEAST_BLOCK_BYTES (INT64_C(1) << 20)
#define MOST_BLOCK_BYTES (INT64_C(1) << 30)
#define BLOCKS_A_WORKER 10
#define READ_NS (5 * CLOCK_NS_PER_MS) /* how long one read may go on */

struct source_parts {
	struct source_head head;
	struct waiter waiter;
	const char *file;
	struct record record;
	int fd;
	int64_t file_bytes, block_bytes;
	int64_t at;      /* where the next block begins */
	int64_t look_at; /* where its end is looked for */
	char *look;      /* LOOK_BYTES and twice the mark */
	struct buf item; /* from given on it is to be given */
	size_t given;
};

/* Looks once: 1, the block's end is *ret_end; 0, look_at has moved on; -1. */
static int parts_look(struct source_parts *parts, int64_t *ret_end, struct err *err)
{
	size_t n_end = parts->record.n_end, n_mark = n_end + parts->record.n_start;
	int64_t begin = parts->look_at - (int64_t)n_end > parts->at ? parts->look_at - (int64_t)n_end : parts->at;
	size_t n_ahead = (size_t)(parts->look_at - begin), end;
	ssize_t n_bytes;

	do
		n_bytes = pread(parts->fd, parts->look, LOOK_BYTES + 2 * n_mark, begin);
	while (n_bytes < 0 && errno == EINTR);
	if (n_bytes < 0)
		return err_set_errno(err, ERR_RUN, errno, "cannot read %s", parts->head.name);
	if ((size_t)n_bytes < n_ahead || begin + n_bytes >= parts->file_bytes) {
		/* The end of the file, which may have become shorter. */
		end = record_find(&parts->record, parts->look, (size_t)n_bytes, 0, n_ahead);
		*ret_end = end < (size_t)n_bytes ? begin + (int64_t)end : parts->file_bytes;
		return 1;
	}
	end = record_find(&parts->record, parts->look, (size_t)n_bytes, 0, n_ahead);
	if (end <= (size_t)n_bytes) {
		*ret_end = begin + (int64_t)end;
		return 1;
	}
	/* One that ends at the last bytes may need more than was read. */
	parts->look_at = begin + n_bytes - (int64_t)parts->record.n_start;
	return 0;
}

static int parts_put(struct source_parts *parts, int64_t end, struct err *err)
{
	char place[24], size[24];
	int n_place = snprintf(place, sizeof(place), "%" PRId64, parts->at);
	int n_size = snprintf(size, sizeof(size), "%" PRId64, end - parts->at);

	buf_clear(&parts->item);
	parts->given = 0;
	if (rows_put_field(&parts->item, ROWS_FIRST, parts->file, strlen(parts->file)) < 0 ||
	    rows_put_field(&parts->item, ROWS_FIELD, place, (size_t)n_place) < 0 ||
	    rows_put_field(&parts->item, ROWS_FIELD, size, (size_t)n_size) < 0 ||
	    buf_append(&parts->item, &parts->head.delimiter, 1) < 0) {
		buf_clear(&parts->item);
		return err_set(err, ERR_RESOURCE, "no memory for a part of %s", parts->head.name);
	}
	return 1;
}

/* The next item: 1, SOURCE_END, SOURCE_WAIT or -1. */
static int parts_make(struct source_parts *parts, struct err *err)
{
	int64_t stop_ns = clock_now_ns() + READ_NS, end = parts->file_bytes;

	if (parts->at >= parts->file_bytes)
		return SOURCE_END;
	if (parts->look_at < parts->at + parts->block_bytes)
		parts->look_at = parts->at + parts->block_bytes;
	while (parts->look_at < parts->file_bytes) {
		int result = parts_look(parts, &end, err);

		if (result < 0)
			return -1;
		if (result > 0)
			break;
		if (clock_now_ns() > stop_ns)
			return waiter_wait(&parts->waiter, WAITER_TURN, err) < 0 ? -1 : SOURCE_WAIT;
	}
	if (parts_put(parts, end, err) < 0)
		return -1;
	parts->at = end;
	return 1;
}

static ssize_t parts_read(struct source *source, char *dest, size_t room_bytes, struct err *err)
{
	struct source_parts *parts = (struct source_parts *)source;
	size_t n_bytes = 0;

	for (;;) {
		size_t n = parts->item.len - parts->given;
		int result;

		if (n > room_bytes - n_bytes)
			n = room_bytes - n_bytes;
		if (n > 0)
			memcpy(dest + n_bytes, parts->item.bytes + parts->given, n);
		parts->given += n;
		n_bytes += n;
		if (n_bytes == room_bytes)
			return (ssize_t)n_bytes;
		result = parts_make(parts, err);
		if (result <= 0)
			return n_bytes > 0 ? (ssize_t)n_bytes : result;
	}
}

static void parts_close(struct source *source)
{
	struct source_parts *parts = (struct source_parts *)source;

	if (parts->fd >= 0)
		close(parts->fd);
	waiter_close(&parts->waiter);
	record_fini(&parts->record);
	free(parts->look);
	buf_fini(&parts->item);
	free(parts);
}

static const struct source_ops parts_ops = {"parts", parts_read, parts_close};

static int64_t block_for(int64_t file_bytes, int64_t n_workers)
{
	int64_t n_bytes = file_bytes / BLOCKS_A_WORKER / (n_workers > 0 ? n_workers : 1);

	if (n_bytes < LEAST_BLOCK_BYTES)
		return LEAST_BLOCK_BYTES;
	return n_bytes < MOST_BLOCK_BYTES ? n_bytes : MOST_BLOCK_BYTES;
}

/* What is opened is a file with a size, or it can't be gone about in. */
static int parts_open(struct source_parts *parts, const struct recipe *recipe, struct err *err)
{
	struct stat status;

	if (record_init(&parts->record, recipe) < 0 || waiter_open(&parts->waiter, err) < 0)
		return err_set(err, ERR_RESOURCE, "no memory for the parts of %s", parts->head.name);
	parts->look = malloc(LOOK_BYTES + 2 * (parts->record.n_end + parts->record.n_start));
	if (parts->look == NULL)
		return err_set(err, ERR_RESOURCE, "no memory for the parts of %s", parts->head.name);
	parts->fd = open(parts->file, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	if (parts->fd < 0 || fstat(parts->fd, &status) < 0)
		return err_set_errno(err, ERR_RUN, errno, "cannot read %s", parts->head.name);
	if (!S_ISREG(status.st_mode))
		return err_set(err, ERR_USAGE, "%s: --pipepart wants a regular file; for what isn't one there is --pipe",
		               parts->head.name);
	parts->file_bytes = status.st_size;
	parts->block_bytes = recipe->block_bytes > 0 ? recipe->block_bytes : block_for(status.st_size, recipe->n_shares);
	parts->head.fd = waiter_fd(&parts->waiter);
	return 0;
}

int source_parts_open(struct source **ret, const struct recipe *recipe, const struct endpoint *input, struct err *err)
{
	struct source_parts *parts = calloc(1, sizeof(*parts));
	struct source *source = (struct source *)parts;

	if (recipe->n_lists > 0)
		input = &recipe->lists[0].endpoint;
	if (parts == NULL)
		return err_set(err, ERR_RESOURCE, "no memory for the parts of the input");
	parts->waiter = (struct waiter){-1, -1, -1};
	parts->fd = -1;
	if (source_head_init(&parts->head, &parts_ops, input, err) < 0) {
		free(parts);
		return -1;
	}
	parts->head.delimiter = '\0';
	parts->file = input->argument;
	if (parts_open(parts, recipe, err) < 0) {
		source_close(&source);
		return -1;
	}
	*ret = source;
	return 0;
}
