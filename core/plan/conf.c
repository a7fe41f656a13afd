/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conf - see conf.h. The bytes are looked through first (conf_text.h), so that what libyaml gets is text and
 * its lines and columns are those that an editor shows. Then one recursive descent over its events.
 */
#include "config.h"

#include "core/plan/conf.h"

#include "core/base/buf.h"
#include "core/plan/conf_hint.h"
#include "core/plan/conf_text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <yaml.h>

struct conf {
	struct conf_node *root; /* or NULL */
};

struct reader {
	yaml_parser_t yaml;
	const char *file;
	const char *text;
	size_t n_bytes;
	struct err_list *errors;
};

static int add_memory_error(struct err_list *errors, const char *file)
{
	return place_error(errors, (struct place){.file = file}, ERR_RESOURCE, "out of memory");
}

static struct place mark_place(const struct reader *reader, yaml_mark_t mark)
{
	return (struct place){.file = reader->file, .line = mark.line + 1, .column = mark.column + 1};
}

/* Frees what hangs on a node, not the node. Depth is bounded by CONF_MAX_DEPTH. */
static void node_fini(struct conf_node *node)
{
	for (size_t i = 0; i < node->n_children; i++)
		node_fini(&node->children[i]);
	free(node->children);
	free(node->text);
	free(node->key);
	*node = (struct conf_node){.kind = CONF_WRONG};
}

/* Where a tab stands in the indentation of that line (from 0), from 1; 0 when there is none. */
static size_t line_tab_column(const struct reader *reader, size_t line)
{
	const char *at = reader->text, *end = at + reader->n_bytes;
	for (; line > 0 && at; line--) {
		at = memchr(at, '\n', (size_t)(end - at));
		at = at ? at + 1 : NULL;
	}
	const char *start = at;
	while (at && at < end && *at == ' ')
		at++;
	return at && at < end && *at == '\t' ? (size_t)(at - start) + 1 : 0;
}

/* What libyaml found. */
static int add_syntax_error(const struct reader *reader)
{
	const yaml_parser_t *yaml = &reader->yaml;
	if (yaml->error == YAML_MEMORY_ERROR)
		return add_memory_error(reader->errors, reader->file);
	struct place place = mark_place(reader, yaml->problem_mark);
	size_t tab_column = line_tab_column(reader, yaml->problem_mark.line);
	if (tab_column) {
		place.column = tab_column;
		return place_error(reader->errors, place, ERR_USAGE, "YAML does not allow tabs for indentation: use spaces");
	}
	size_t line = yaml->problem_mark.line;
	size_t column = yaml->context_mark.line == line ? yaml->context_mark.column : yaml->problem_mark.column;
	struct conf_hint hint;
	if (yaml->problem && conf_hint_find(reader->text, reader->n_bytes, yaml->problem, line, column, &hint)) {
		place.line = hint.line;
		place.column = hint.column;
		return place_error(reader->errors, place, ERR_USAGE, "%s", hint.text);
	}
	const char *problem = yaml->problem ? yaml->problem : "it can't be read";
	if (yaml->context && yaml->context_mark.line != yaml->problem_mark.line)
		return place_error(reader->errors, place, ERR_USAGE, "not valid YAML: %s, %s from line %zu", problem,
		                   yaml->context, yaml->context_mark.line + 1);
	return place_error(reader->errors, place, ERR_USAGE, "not valid YAML: %s%s%s", problem, yaml->context ? ", " : "",
	                   yaml->context ? yaml->context : "");
}

static int event_next(struct reader *reader, yaml_event_t *event)
{
	return yaml_parser_parse(&reader->yaml, event) ? 0 : add_syntax_error(reader);
}

/* Anchors and tags: said, and the node is passed over. */
static bool has_extras(const struct reader *reader, const yaml_char_t *anchor, const yaml_char_t *tag,
                       struct place place)
{
	if (anchor)
		place_error(reader->errors, place, ERR_USAGE,
		            "anchors (&%s) aren't allowed in a conf file: write the value where it is needed",
		            (const char *)anchor);
	if (tag)
		place_error(reader->errors, place, ERR_USAGE, "tags (%s) aren't allowed in a conf file: write the bare value",
		            (const char *)tag);
	return anchor || tag;
}

static int node_set_text(const struct reader *reader, const yaml_event_t *event, struct conf_node *node)
{
	const char *value = (const char *)event->data.scalar.value;
	size_t n_bytes = event->data.scalar.length;
	if (has_extras(reader, event->data.scalar.anchor, event->data.scalar.tag, node->place))
		return 0;
	if (memchr(value, '\0', n_bytes)) {
		place_error(reader->errors, node->place, ERR_USAGE, "a text in a conf file can't contain a NUL");
		return 0;
	}
	node->text = strndup(value, n_bytes);
	if (!node->text)
		return add_memory_error(reader->errors, reader->file);
	node->kind = CONF_TEXT;
	return 0;
}

static int children_append(const struct reader *reader, struct conf_node *node, size_t *cap,
                           const struct conf_node *take_child)
{
	if (node->n_children == *cap) {
		size_t more = *cap ? *cap * 2 : 8;
		struct conf_node *grown = reallocarray(node->children, more, sizeof(*grown));
		if (!grown)
			return add_memory_error(reader->errors, reader->file);
		node->children = grown;
		*cap = more;
	}
	node->children[node->n_children++] = *take_child;
	return 0;
}

/* By key; those of one key in the file's order. */
static int child_compare(const void *left, const void *right)
{
	const struct conf_node *a = *(struct conf_node *const *)left, *b = *(struct conf_node *const *)right;
	int by_key = strcmp(a->key, b->key);
	return by_key ? by_key : a < b ? -1 : 1;
}

/* A key that stands twice: the first is kept. Sorted, since a hostile file has a hundred thousand keys. */
static int duplicates_check(const struct reader *reader, struct conf_node *map)
{
	struct conf_node **sorted = calloc(map->n_children ? map->n_children : 1, sizeof(struct conf_node *));
	if (!sorted)
		return add_memory_error(reader->errors, reader->file);
	size_t n_sorted = 0;
	for (size_t i = 0; i < map->n_children; i++)
		if (map->children[i].key)
			sorted[n_sorted++] = &map->children[i];
	qsort(sorted, n_sorted, sizeof(*sorted), child_compare);
	const struct conf_node *first = NULL;
	for (size_t i = 0; i < n_sorted; i++) {
		if (!first || strcmp(first->key, sorted[i]->key) != 0) {
			first = sorted[i];
			continue;
		}
		place_error(reader->errors, sorted[i]->key_place, ERR_USAGE,
		            "key '%s' is already in line %zu: remove one of them", first->key, first->key_place.line);
		sorted[i]->kind = CONF_WRONG;
	}
	free(sorted);
	return 0;
}

static int node_parse(struct reader *reader, const yaml_event_t *event, unsigned depth, struct conf_node *ret);

/* One key of a map, whose first event is given, into *child. -1 stops the reading. */
static int key_parse(struct reader *reader, const yaml_event_t *event, unsigned depth, struct conf_node *child)
{
	struct conf_node key = {.kind = CONF_WRONG};
	if (node_parse(reader, event, depth, &key)) {
		node_fini(&key);
		return -1;
	}
	child->key_place = key.place;
	if (key.kind == CONF_TEXT) {
		child->key = key.text;
		key.text = NULL;
	} else if (key.kind != CONF_WRONG) {
		place_error(reader->errors, key.place, ERR_USAGE, "%s can't be a key: write KEY: VALUE",
		            conf_kind_name(key.kind));
	}
	node_fini(&key);
	return 0;
}

/* The children of a list or map up to its end event. */
static int children_parse(struct reader *reader, unsigned depth, struct conf_node *node)
{
	bool is_map = node->kind == CONF_MAP;
	yaml_event_type_t end = is_map ? YAML_MAPPING_END_EVENT : YAML_SEQUENCE_END_EVENT;
	size_t cap = 0;
	for (;;) {
		yaml_event_t event;
		if (event_next(reader, &event))
			return -1;
		bool is_end = event.type == end;
		struct conf_node child = {.kind = CONF_WRONG};
		int rc = is_end   ? 0
		         : is_map ? key_parse(reader, &event, depth + 1, &child)
		                  : node_parse(reader, &event, depth + 1, &child);
		yaml_event_delete(&event);
		if (is_end)
			return is_map ? duplicates_check(reader, node) : 0;
		if (rc == 0 && is_map) {
			rc = event_next(reader, &event);
			if (rc == 0) {
				rc = node_parse(reader, &event, depth + 1, &child);
				yaml_event_delete(&event);
			}
		}
		if (rc == 0)
			rc = children_append(reader, node, &cap, &child);
		if (rc) {
			node_fini(&child);
			return -1;
		}
	}
}

/* One node, whose first event is given. What was refused but read is CONF_WRONG; -1 stops the reading. */
static int node_parse(struct reader *reader, const yaml_event_t *event, unsigned depth, struct conf_node *ret)
{
	ret->place = mark_place(reader, event->start_mark);
	if (depth > CONF_MAX_DEPTH)
		return place_error(reader->errors, ret->place, ERR_USAGE, "more than %d levels deep: a conf file needs four",
		                   CONF_MAX_DEPTH);
	bool is_wrong = false;
	switch (event->type) {
	case YAML_ALIAS_EVENT:
		place_error(reader->errors, ret->place, ERR_USAGE,
		            "aliases (*%s) aren't allowed in a conf file: write the value where it is needed",
		            (const char *)event->data.alias.anchor);
		return 0;
	case YAML_SCALAR_EVENT:
		return node_set_text(reader, event, ret);
	case YAML_SEQUENCE_START_EVENT:
		ret->kind = CONF_LIST;
		is_wrong = has_extras(reader, event->data.sequence_start.anchor, event->data.sequence_start.tag, ret->place);
		break;
	case YAML_MAPPING_START_EVENT:
		ret->kind = CONF_MAP;
		is_wrong = has_extras(reader, event->data.mapping_start.anchor, event->data.mapping_start.tag, ret->place);
		break;
	default:
		return place_error(reader->errors, ret->place, ERR_USAGE, "not valid YAML here");
	}
	int rc = children_parse(reader, depth, ret);
	if (is_wrong)
		ret->kind = CONF_WRONG;
	return rc;
}

/* The one document. */
static int document_parse(struct reader *reader, struct conf *conf)
{
	for (;;) {
		yaml_event_t event;
		if (event_next(reader, &event))
			return -1;
		int rc = 0;
		bool is_end = event.type == YAML_STREAM_END_EVENT;
		if (event.type == YAML_DOCUMENT_START_EVENT && conf->root) {
			rc = place_error(
				reader->errors, mark_place(reader, event.start_mark), ERR_USAGE,
				"a second document starts here: a conf file must be one document, without --- in the middle");
		} else if (event.type == YAML_SCALAR_EVENT || event.type == YAML_SEQUENCE_START_EVENT ||
		           event.type == YAML_MAPPING_START_EVENT || event.type == YAML_ALIAS_EVENT) {
			conf->root = calloc(1, sizeof(*conf->root));
			rc =
				conf->root ? node_parse(reader, &event, 1, conf->root) : add_memory_error(reader->errors, reader->file);
		}
		yaml_event_delete(&event);
		if (rc || is_end)
			return rc;
	}
}

int conf_parse(struct conf **ret, const char *file, const char *text, size_t n_bytes, struct err_list *errors)
{
	static const char byte_order_mark[] = "\xef\xbb\xbf";
	size_t n_mark = sizeof(byte_order_mark) - 1;
	if (n_bytes > CONF_MAX_BYTES)
		return place_error(errors, (struct place){.file = file}, ERR_USAGE,
		                   "larger than 1 MB, the limit of a conf file: if it has many items, put them into an input");
	if (conf_text_check(file, text, n_bytes, errors))
		return -1;
	/* libyaml would count it as a column. */
	if (n_bytes < n_mark || memcmp(text, byte_order_mark, n_mark) != 0)
		n_mark = 0;
	struct reader reader = {.file = file, .text = text + n_mark, .n_bytes = n_bytes - n_mark, .errors = errors};
	struct conf *conf = calloc(1, sizeof(*conf));
	if (!conf || !yaml_parser_initialize(&reader.yaml)) {
		free(conf);
		return add_memory_error(errors, file);
	}
	yaml_parser_set_encoding(&reader.yaml, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&reader.yaml, (const unsigned char *)reader.text, reader.n_bytes);
	int rc = document_parse(&reader, conf);
	yaml_parser_delete(&reader.yaml);
	if (rc)
		conf_destroy(&conf);
	else
		*ret = conf;
	return rc;
}

/* At most one byte more than is allowed: conf_parse says so. */
static int file_read(const char *file, struct buf *buf, struct err_list *errors)
{
	struct place place = {.file = file};
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return place_error(errors, place, ERR_USAGE, "the conf file can't be opened: %s", strerror(errno));
	int rc = 0;
	struct stat status;
	if (fstat(fd, &status) == 0 && S_ISDIR(status.st_mode))
		rc = place_error(errors, place, ERR_USAGE, "a directory, not a conf file");
	else if (buf_reserve(buf, CONF_MAX_BYTES + 1))
		rc = add_memory_error(errors, file);
	while (rc == 0 && buf->len <= CONF_MAX_BYTES) {
		ssize_t n = read(fd, buf->bytes + buf->len, CONF_MAX_BYTES + 1 - buf->len);
		if (n == 0)
			break;
		if (n > 0)
			buf->len += (size_t)n;
		else if (errno != EINTR)
			rc = place_error(errors, place, ERR_USAGE, "the conf file can't be read: %s", strerror(errno));
	}
	close(fd);
	return rc;
}

int conf_read(struct conf **ret, const char *file, struct err_list *errors)
{
	struct buf buf = {0};
	int rc = file_read(file, &buf, errors);
	if (rc == 0)
		rc = conf_parse(ret, file, buf.len ? buf.bytes : "", buf.len, errors);
	buf_fini(&buf);
	return rc;
}

void conf_destroy(struct conf **conf)
{
	if (!*conf)
		return;
	int saved = errno;
	if ((*conf)->root)
		node_fini((*conf)->root);
	free((*conf)->root);
	free(*conf);
	*conf = NULL;
	errno = saved;
}

const struct conf_node *conf_root(const struct conf *conf)
{
	return conf->root;
}

const char *conf_kind_name(enum conf_kind kind)
{
	static const char *const names[] = {"nothing", "a text", "a list", "a map"};
	return names[kind];
}
