/* SPDX-License-Identifier: Apache-2.0 */
/* csv - see csv.h. Empty lines are no rows. */
#include "config.h"

#include "core/io/csv.h"

#ifdef HAVE_LIBCSV

#include "core/base/buf.h"
#include "core/io/rows.h"
#include "core/io/trim.h"

#include <csv.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define FIELD_STEP_BYTES 4096 /* by which a field's memory grows */

struct csv {
	struct csv_parser parser;
	enum recipe_trim trim;
	size_t max_field_bytes;
	const char *name;
	struct buf rows; /* each with a NUL behind it, which is in none */
	size_t at;       /* of rows: what was taken */
	uint64_t n_rows; /* so far */
	bool has_field;  /* the row that is being read has one */
	bool is_short;   /* memory is */
};

static void on_field(void *bytes, size_t n_bytes, void *arg)
{
	struct csv *csv = arg;
	const char *field = bytes;

	if (csv->is_short)
		return;
	if (field == NULL)
		n_bytes = 0;
	trim(csv->trim, &field, &n_bytes);
	if (rows_put_field(&csv->rows, csv->has_field ? ROWS_FIELD : ROWS_FIRST, field, n_bytes) < 0)
		csv->is_short = true;
	csv->has_field = true;
}

static void on_row(int end, void *arg)
{
	struct csv *csv = arg;

	(void)end;
	if (csv->is_short)
		return;
	if (buf_append(&csv->rows, "", 1) < 0)
		csv->is_short = true;
	csv->has_field = false;
	csv->n_rows++;
}

/* Blanks around a field belong to it. */
static int is_space(unsigned char byte)
{
	(void)byte;
	return 0;
}

int csv_create(struct csv **ret, char separator, enum recipe_trim trim_ends, size_t max_field_bytes, const char *name,
               struct err *err)
{
	struct csv *csv = calloc(1, sizeof(*csv));

	if (csv == NULL || csv_init(&csv->parser, 0) != 0) {
		free(csv);
		return err_set(err, ERR_RESOURCE, "no memory for the rows of %s", name);
	}
	csv_set_delim(&csv->parser, (unsigned char)separator);
	csv_set_space_func(&csv->parser, is_space);
	csv_set_blk_size(&csv->parser, FIELD_STEP_BYTES);
	csv->trim = trim_ends;
	csv->max_field_bytes = max_field_bytes;
	csv->name = name;
	*ret = csv;
	return 0;
}

void csv_destroy(struct csv **csv)
{
	if (*csv == NULL)
		return;
	csv_free(&(*csv)->parser);
	buf_fini(&(*csv)->rows);
	free(*csv);
	*csv = NULL;
}

/* What the parser has said: of n_bytes it has read n_read. */
static int judge(struct csv *csv, size_t n_read, size_t n_bytes, struct err *err)
{
	if (csv->is_short || csv_error(&csv->parser) == CSV_ENOMEM)
		return err_set(err, ERR_RESOURCE, "no memory for the rows of %s", csv->name);
	if (csv->parser.entry_pos > csv->max_field_bytes)
		return err_set(err, ERR_RUN, "%s: a field of row %" PRIu64 " is over max-item: is a quote left open?",
		               csv->name, csv->n_rows + 1);
	if (n_read < n_bytes)
		return err_set(err, ERR_RUN, "%s: row %" PRIu64 " can't be read as comma-separated values", csv->name,
		               csv->n_rows + 1);
	return 0;
}

/* Forgets the rows that were taken; a part of the next stays. */
static void forget_taken(struct csv *csv)
{
	if (csv->at == csv->rows.len)
		buf_clear(&csv->rows);
	else if (csv->at > 0) {
		memmove(csv->rows.bytes, csv->rows.bytes + csv->at, csv->rows.len - csv->at);
		csv->rows.len -= csv->at;
	}
	csv->at = 0;
}

int csv_add(struct csv *csv, const char *bytes, size_t n_bytes, struct err *err)
{
	forget_taken(csv);
	return judge(csv, csv_parse(&csv->parser, bytes, n_bytes, on_field, on_row, csv), n_bytes, err);
}

int csv_end(struct csv *csv, struct err *err)
{
	forget_taken(csv);
	/* In a field that isn't quoted a quote is one of its bytes; only what a quote has left open is wrong. */
	csv_set_opts(&csv->parser, CSV_STRICT | CSV_STRICT_FINI);
	if (csv_fini(&csv->parser, on_field, on_row, csv) != 0 && csv_error(&csv->parser) == CSV_EPARSE)
		return err_set(err, ERR_RUN, "%s: a quote is left open in row %" PRIu64, csv->name, csv->n_rows + 1);
	return judge(csv, 0, 0, err);
}

bool csv_take(struct csv *csv, const char **ret_piece, size_t *ret_bytes)
{
	const char *row = csv->rows.bytes + csv->at;
	const char *end = csv->at < csv->rows.len ? memchr(row, '\0', csv->rows.len - csv->at) : NULL;

	if (end == NULL)
		return false;
	*ret_piece = row;
	*ret_bytes = (size_t)(end - row);
	csv->at += *ret_bytes + 1;
	return true;
}

#else

int csv_create(struct csv **ret, char separator, enum recipe_trim trim, size_t max_field_bytes, const char *name,
               struct err *err)
{
	(void)separator, (void)trim, (void)max_field_bytes, (void)name;
	*ret = NULL;
	return err_set(err, ERR_USAGE,
	               "this rota was built without libcsv: split at single characters with --colsep, or build rota again "
	               "with it (Debian: apt-get install libcsv-dev)");
}

void csv_destroy(struct csv **csv)
{
	(void)csv;
}

int csv_add(struct csv *csv, const char *bytes, size_t n_bytes, struct err *err)
{
	(void)csv, (void)bytes, (void)n_bytes, (void)err;
	return 0;
}

int csv_end(struct csv *csv, struct err *err)
{
	(void)csv, (void)err;
	return 0;
}

bool csv_take(struct csv *csv, const char **ret_piece, size_t *ret_bytes)
{
	(void)csv, (void)ret_piece, (void)ret_bytes;
	return false;
}

#endif
