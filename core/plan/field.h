/* SPDX-License-Identifier: Apache-2.0 */
/*
 * field - where in a struct an option's value goes. The kind of a field follows from its C type, so that a record can
 * neither name a field that isn't there nor one that its value doesn't fit.
 *
 *   {..., .field = FIELD(job, n_workers)}; field_put, field_describe
 */
#ifndef PLAN_FIELD_H
#define PLAN_FIELD_H

#include "core/base/err.h"
#include "core/base/option.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Texts of an option that may be given several times; all owned. */
struct text_list {
	char **texts;
	size_t n_texts;
};

enum field_kind {
	FIELD_NONE = 0,
	FIELD_NUMBER, /* int64_t: INT, SIZE, DURATION, BOOL (0, 1) */
	FIELD_FLAG,   /* bool: BOOL */
	FIELD_CHOICE, /* an enum, whose values are in the order of the words: CHOICE */
	FIELD_LIST    /* struct text_list: STRING; each value is added */
};

struct field {
	enum field_kind kind;
	size_t offset;
};

#define FIELD(owner, member) \
	{ \
		.kind = _Generic(((struct owner *)0)->member, int64_t \
		                 : FIELD_NUMBER, bool \
		                 : FIELD_FLAG, unsigned \
		                 : FIELD_CHOICE, struct text_list \
		                 : FIELD_LIST), \
		.offset = offsetof(struct owner, member) \
	}

/* The value's text may be taken (set to NULL). -1: memory is short. */
int field_put(const struct field *field, void *owner, struct option_value *value, struct err *err);

/* The value that is there, as the user could write it; of a list nothing. Returns text. */
#define FIELD_TEXT_BYTES 64
const char *field_describe(const struct field *field, const void *owner, const struct option_spec *spec,
                           char text[FIELD_TEXT_BYTES]);

void text_list_fini(struct text_list *list);

#endif
