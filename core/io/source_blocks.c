/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source_blocks - items that are blocks of a stream (--pipe): whole records, so many of them, or so many that the block
 * is at least as large as it is to be. Each block is one field of rota/rows.h. What is behind the last record's end is
 * part of the last block.
 *
 *     0 ......... start ......... until ......... len
 *       given:           of one           not looked at
 *       a mark may       record
 *       begin there
 *
 * Memory: TEXT_BYTES, and the header line that each block begins with. A block is given as it is read, and never held
 * here. One thread.
 */
#include "config.h"

#include "core/io/source_blocks.h"

#include "core/base/buf.h"
#include "core/io/record.h"
#include "core/io/rows.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_BYTES (256 * 1024)

struct source_blocks {
	struct source_head head;
	struct source *source;
	struct record record;
	struct buf text, names; /* names: the header line, as it is written in an item */
	size_t start, until;    /* no record ends between them */
	size_t names_at, max_names_bytes;
	uint64_t block_bytes, max_records; /* where a block ends; max_records 0: any number */
	uint64_t in_block, in_record;      /* given of them, up to start */
	uint64_t n_records;                /* of this block that have ended */
	bool wants_names;                  /* the header line isn't complete */
	bool record_ends;                  /* at until */
	bool block_ends;                   /* at start */
	bool has_ended;                    /* nothing more comes from the source */
};

static int no_memory(const struct source_blocks *blocks, struct err *err)
{
	return err_set(err, ERR_RESOURCE, "no memory for the blocks of %s", blocks->head.name);
}

/* Sets until: to the end of a record that may end the block, or as far as there is surely none. */
static void look(struct source_blocks *blocks)
{
	const struct buf *text = &blocks->text;
	bool is_counted = blocks->max_records > 0;
	uint64_t in = is_counted ? blocks->in_record : blocks->in_block;
	uint64_t wanted = is_counted ? 1 : blocks->block_bytes;
	uint64_t n_ahead = in < wanted ? wanted - in : 0;
	size_t n_kept = in < blocks->start ? (size_t)in : blocks->start;
	size_t n_start = blocks->record.n_start, end = text->len + 1;

	if (n_ahead <= text->len - blocks->start)
		end = record_find(&blocks->record, text->bytes, text->len, blocks->start - n_kept,
		                  blocks->start + (size_t)n_ahead);
	blocks->record_ends = end <= text->len && !(blocks->has_ended && end == text->len);
	if (blocks->record_ends)
		blocks->until = end;
	else if (blocks->has_ended)
		blocks->until = text->len;
	else
		blocks->until = text->len - blocks->start > n_start ? text->len - n_start : blocks->start;
}

/* What is behind start has been given. */
static void pass_record(struct source_blocks *blocks)
{
	blocks->record_ends = false;
	blocks->in_record = 0;
	blocks->n_records++;
	blocks->block_ends = blocks->in_block >= blocks->block_bytes ||
	                     (blocks->max_records > 0 && blocks->n_records == blocks->max_records);
}

/* More bytes: 1, SOURCE_END, SOURCE_WAIT or -1. */
static int blocks_fill(struct source_blocks *blocks, struct err *err)
{
	struct buf *text = &blocks->text;
	size_t n_kept = blocks->record.n_end < blocks->start ? blocks->record.n_end : blocks->start;
	size_t n_gone = blocks->start - n_kept;
	ssize_t n_bytes;

	if (blocks->has_ended)
		return SOURCE_END;
	if (n_gone > 0)
		memmove(text->bytes, text->bytes + n_gone, text->len - n_gone);
	text->len -= n_gone;
	blocks->start -= n_gone;
	blocks->until -= n_gone;
	if (buf_reserve(text, TEXT_BYTES) < 0)
		return no_memory(blocks, err);
	n_bytes = source_read(blocks->source, text->bytes + text->len, TEXT_BYTES, err);
	if (n_bytes > 0)
		text->len += (size_t)n_bytes;
	blocks->has_ended = n_bytes == SOURCE_END;
	return n_bytes >= 0 ? 1 : (int)n_bytes;
}

/* The first line goes before each block. */
static int take_names(struct source_blocks *blocks, struct err *err)
{
	struct buf *text = &blocks->text;
	const char *end;

	while ((end = text->len > 0 ? memchr(text->bytes, '\n', text->len) : NULL) == NULL && !blocks->has_ended) {
		int result = blocks_fill(blocks, err);

		if (result < 0)
			return result;
		if (text->len > blocks->max_names_bytes)
			return err_set(err, ERR_RUN, "%s: the header line is over max-item", blocks->head.name);
	}
	blocks->start = blocks->until = end != NULL ? (size_t)(end - text->bytes) + 1 : text->len;
	if (rows_put_field(&blocks->names, ROWS_FIRST, text->bytes, blocks->start) < 0)
		return no_memory(blocks, err);
	blocks->wants_names = false;
	return 1;
}

/* Sees to it that there is something to give: 1, SOURCE_END, SOURCE_WAIT or -1. */
static int blocks_step(struct source_blocks *blocks, struct err *err)
{
	while (blocks->start == blocks->until && !blocks->block_ends) {
		int result = 1;

		if (blocks->wants_names) {
			result = take_names(blocks, err);
		} else if (blocks->record_ends) {
			pass_record(blocks);
		} else {
			if (blocks->start < blocks->text.len)
				look(blocks);
			if (blocks->start == blocks->until && !blocks->record_ends)
				result = blocks_fill(blocks, err);
		}
		if (result == SOURCE_END && blocks->in_block > 0)
			blocks->block_ends = true;
		else if (result <= 0)
			return result;
	}
	return 1;
}

/* Some of the block, or its end. */
static size_t blocks_give(struct source_blocks *blocks, char *dest, size_t room_bytes)
{
	size_t n_used = 0, n_bytes = blocks->names.len - blocks->names_at;

	if (blocks->block_ends) {
		*dest = blocks->head.delimiter;
		blocks->block_ends = false;
		blocks->in_block = blocks->in_record = blocks->n_records = 0;
		blocks->names_at = 0;
		return 1;
	}
	if (n_bytes > 0) {
		n_bytes = n_bytes < room_bytes ? n_bytes : room_bytes;
		memcpy(dest, blocks->names.bytes + blocks->names_at, n_bytes);
		blocks->names_at += n_bytes;
		return n_bytes;
	}
	n_bytes = rows_copy(dest, room_bytes, blocks->text.bytes + blocks->start, blocks->until - blocks->start, &n_used);
	blocks->start += n_used;
	blocks->in_block += n_used;
	blocks->in_record += n_used;
	return n_bytes;
}

static ssize_t blocks_read(struct source *source, char *dest, size_t room_bytes, struct err *err)
{
	struct source_blocks *blocks = (struct source_blocks *)source;
	size_t n_bytes = 0;

	/* An escaped byte needs two. */
	while (room_bytes - n_bytes >= 2) {
		int result = blocks_step(blocks, err);

		if (result <= 0)
			return n_bytes > 0 ? (ssize_t)n_bytes : result;
		n_bytes += blocks_give(blocks, dest + n_bytes, room_bytes - n_bytes);
	}
	return (ssize_t)n_bytes;
}

static void blocks_close(struct source *source)
{
	struct source_blocks *blocks = (struct source_blocks *)source;

	source_close(&blocks->source);
	record_fini(&blocks->record);
	buf_fini(&blocks->text);
	buf_fini(&blocks->names);
	free(blocks);
}

static const struct source_ops blocks_ops = {"blocks", blocks_read, blocks_close};

int source_blocks_open(struct source **ret, const struct recipe *recipe, const struct endpoint *input,
                       int64_t max_item_bytes, struct err *err)
{
	struct source_blocks *blocks = calloc(1, sizeof(*blocks));
	struct source *source = (struct source *)blocks;

	if (recipe->n_lists > 0)
		input = &recipe->lists[0].endpoint;
	if (blocks == NULL)
		return err_set(err, ERR_RESOURCE, "no memory for the blocks of the input");
	if (source_head_init(&blocks->head, &blocks_ops, input, err) < 0) {
		free(blocks);
		return -1;
	}
	if (record_init(&blocks->record, recipe) < 0) {
		no_memory(blocks, err);
		source_close(&source);
		return -1;
	}
	if (source_open(&blocks->source, input, err) < 0) {
		source_close(&source);
		return -1;
	}
	blocks->max_records = (uint64_t)recipe->block_records;
	blocks->block_bytes = recipe_block_bytes(recipe) > 0 ? (uint64_t)recipe_block_bytes(recipe) : UINT64_MAX;
	blocks->wants_names = recipe->has_header;
	blocks->max_names_bytes = (size_t)max_item_bytes;
	blocks->head.delimiter = '\0';
	blocks->head.fd = source_head(blocks->source)->fd;
	*ret = source;
	return 0;
}
