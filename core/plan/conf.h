/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conf - YAML text into nodes, each with the file, line and column where it stands. Knows no key: every scalar is a
 * text until somebody types it.
 *
 *   conf_read (or conf_parse, of a text in memory), conf_root, conf_destroy
 *
 * Refused: aliases and anchors (a few bytes can stand for gigabytes), tags, a key twice in one map, several
 * documents, more than CONF_MAX_BYTES, more than CONF_MAX_DEPTH levels, bytes that are no UTF-8 text.
 */
#ifndef PLAN_CONF_H
#define PLAN_CONF_H

#include "core/base/err.h"
#include "core/plan/place.h"

#include <stddef.h>

#define CONF_MAX_BYTES ((size_t)1 << 20)
#define CONF_MAX_DEPTH 16

enum conf_kind {
	CONF_WRONG = 0, /* was refused, and the list of errors says why: to be passed over */
	CONF_TEXT,
	CONF_LIST,
	CONF_MAP
};

struct conf_node {
	enum conf_kind kind;
	struct place place;
	char *key; /* what it is called in the map above it; NULL in a list and at the top */
	struct place key_place;
	char *text;                 /* CONF_TEXT */
	struct conf_node *children; /* CONF_LIST, CONF_MAP: n_children, in the file's order */
	size_t n_children;
};

struct conf;

/*
 * 0 when there are nodes to go on with: errors that leave the rest readable (a key twice, a tag) were added to the
 * list, their nodes are CONF_WRONG. -1 when there are none. Places borrow `file`, which must live as long.
 */
int conf_read(struct conf **ret, const char *file, struct err_list *errors);
int conf_parse(struct conf **ret, const char *file, const char *text, size_t n_bytes, struct err_list *errors);
void conf_destroy(struct conf **conf);

/* NULL: the file has nothing in it. */
const struct conf_node *conf_root(const struct conf *conf);

/* For messages: "a text", "a list", "a map". */
const char *conf_kind_name(enum conf_kind kind);

#endif
