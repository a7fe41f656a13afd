/* SPDX-License-Identifier: Apache-2.0 */
/* line - see line.h. All but the name is ASCII: a byte is a column. */
#include "config.h"

#include "core/record/line.h"

#include "core/base/utf8.h"
#include "core/record/figure.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define NAME_PLAIN_MAX 60
#define PART_BYTES (2 * FIGURE_BYTES + 16)

/* What stands behind the name, each with the space before it. */
enum part { PART_DONE, PART_PERCENT, PART_FAILED, PART_RATE, PART_ETA, PART_COUNT };

struct parts {
	char text[PART_COUNT][PART_BYTES];
};

/* How many bytes of a text fit into so many columns. A character outside ASCII counts two, the most that any takes. */
static size_t fit(const char *text, size_t n_columns, size_t *ret_used_columns)
{
	size_t at = 0, n_used = 0;
	while (text[at]) {
		size_t n_wide = (unsigned char)text[at] < 0x80 ? 1 : 2;
		if (n_used + n_wide > n_columns)
			break;
		n_used += n_wide;
		for (at++; utf8_is_inside(text[at]);)
			at++;
	}
	*ret_used_columns = n_used;
	return at;
}

void line_name_set(struct line_name *name, const char *job_name)
{
	size_t n_bytes = strlen(job_name);
	bool is_plain = n_bytes > 0 && n_bytes <= NAME_PLAIN_MAX;
	for (size_t i = 0; i < n_bytes && is_plain; i++)
		is_plain = job_name[i] > ' ' && job_name[i] <= '~';
	if (is_plain)
		memcpy(name->text, job_name, n_bytes + 1);
	else
		log_quote(name->text, job_name, n_bytes);
	fit(name->text, SIZE_MAX, &name->n_columns);
}

static void parts_make(struct parts *parts, const struct tally *tally, const struct pace *pace)
{
	char figure[FIGURE_BYTES], total_figure[FIGURE_BYTES];
	*parts = (struct parts){0};
	if (tally->is_waiting) {
		snprintf(parts->text[PART_DONE], PART_BYTES, "  waiting for its turn");
		return;
	}
	figure_count(figure, pace->n_finished);
	if (tally_total(tally) >= 0)
		snprintf(parts->text[PART_DONE], PART_BYTES, "  %s/%s", figure,
		         figure_count(total_figure, (uint64_t)tally_total(tally)));
	else
		snprintf(parts->text[PART_DONE], PART_BYTES, "  %s", figure);

	double total = pace_total(tally), n_done = (double)pace->n_finished;
	if (total > 0)
		snprintf(parts->text[PART_PERCENT], PART_BYTES, " %d%%", n_done < total ? (int)(n_done / total * 100) : 100);

	uint64_t n_failed = tally_not_ok(tally);
	if (n_failed > 0)
		snprintf(parts->text[PART_FAILED], PART_BYTES, "  %s failed", figure_count(figure, n_failed));

	snprintf(parts->text[PART_RATE], PART_BYTES, "  %s items/s", figure_rate(figure, pace_rate(pace)));

	int64_t eta_s = pace_eta_s(pace, tally);
	if (eta_s >= 0)
		snprintf(parts->text[PART_ETA], PART_BYTES, "  ETA %s", figure_clock(figure, eta_s));
}

/* Takes parts away until the others fit. */
static void parts_thin(struct parts *parts, size_t n_columns)
{
	static const enum part expendable[] = {PART_RATE, PART_ETA, PART_PERCENT, PART_FAILED};
	size_t n_wanted = 0;
	for (int part = 0; part < PART_COUNT; part++)
		n_wanted += strlen(parts->text[part]);
	for (size_t i = 0; n_wanted > n_columns && i < sizeof(expendable) / sizeof(expendable[0]); i++) {
		char *text = parts->text[expendable[i]];
		n_wanted -= strlen(text);
		*text = '\0';
	}
}

int line_put(struct buf *out, const struct line_name *name, size_t n_name_columns, const struct tally *tally,
             const struct pace *pace, size_t n_columns)
{
	struct parts parts;
	size_t n_used;
	if (n_name_columns > n_columns / 2)
		n_name_columns = n_columns / 2;
	if (buf_append(out, name->text, fit(name->text, n_name_columns, &n_used)) < 0)
		return -1;
	for (; n_used < n_name_columns; n_used++)
		if (buf_append(out, " ", 1) < 0)
			return -1;

	parts_make(&parts, tally, pace);
	parts_thin(&parts, n_columns - n_used);
	for (int part = 0; part < PART_COUNT; part++) {
		size_t length = strnlen(parts.text[part], n_columns - n_used);
		if (buf_append(out, parts.text[part], length) < 0)
			return -1;
		n_used += length;
	}
	return 0;
}
