/* SPDX-License-Identifier: Apache-2.0 */
/* endpoint - see endpoint.h. */
#include "config.h"

#include "core/plan/endpoint.h"

#include "core/base/fileid.h"
#include "core/base/nearest.h"
#include "core/base/option.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* In the order of enum endpoint_kind, from ENDPOINT_LINES. */
static const struct kind {
	const char *name;
	bool is_source, is_sink;
	const char *example;
} kinds[] = {
	{"lines", true, true, "lines:FILE"},
	{"nul", true, true, "nul:FILE"},
	{"files", true, false, "files:'src/**/*.c'"},
	{"range", true, false, "range:1-100"},
	{"none", false, true, "none"},
};

#define N_KINDS (sizeof(kinds) / sizeof(kinds[0]))

static const struct option_spec range_number = {.name = "range", .type = OPTION_INT};

static int set_memory(struct err *err)
{
	return err_set(err, ERR_RESOURCE, "out of memory");
}

static int number_parse(const char *text, size_t n_bytes, int64_t *ret, struct err *err)
{
	char *copy = strndup(text, n_bytes);
	if (!copy)
		return set_memory(err);
	struct option_value value;
	int rc = option_parse(&range_number, copy, &value, err);
	free(copy);
	if (rc)
		return -1;
	*ret = value.number;
	option_value_fini(&value);
	return 0;
}

/* FIRST-LAST[/STEP]; each may be negative: the dash that separates is the first one behind the first byte. */
static int range_parse(struct endpoint *range, const char *text, struct err *err)
{
	const char *slash = strchr(text, '/');
	const char *end = slash ? slash : text + strlen(text);
	const char *dash = text[0] ? strchr(text + 1, '-') : NULL;
	if (!dash || dash > end || dash + 1 == end)
		return err_set(err, ERR_USAGE,
		               "'range:%s' isn't a range: write range:FIRST-LAST or range:FIRST-LAST/STEP, as in range:1-100/5",
		               text);
	range->step = 1;
	if (number_parse(text, (size_t)(dash - text), &range->first, err) ||
	    number_parse(dash + 1, (size_t)(end - dash - 1), &range->last, err) ||
	    (slash && number_parse(slash + 1, strlen(slash + 1), &range->step, err)))
		return err_prefix(err, "range:%s", text);
	if (range->step == 0)
		return err_set(err, ERR_USAGE, "range:%s: a step of 0 never ends: use at least 1, or -1 to count down", text);
	return 0;
}

static int kind_find(const char *head, size_t n_bytes)
{
	for (size_t i = 0; i < N_KINDS; i++)
		if (strlen(kinds[i].name) == n_bytes && memcmp(kinds[i].name, head, n_bytes) == 0)
			return (int)i;
	return -1;
}

/* No kind stands before the colon: is it a file's name, or a kind misspelt? */
static int misspelt_check(const char *text, size_t n_head, struct err *err)
{
	const char *names[N_KINDS];
	for (size_t i = 0; i < N_KINDS; i++)
		names[i] = kinds[i].name;
	char *head = strndup(text, n_head);
	if (!head)
		return set_memory(err);
	const char *nearest = nearest_find(head, names, N_KINDS);
	int rc = 0;
	if (nearest && access(text, F_OK) != 0)
		rc = err_set(err, ERR_USAGE, "'%s' isn't a kind, did you mean '%s%s'? For a file of that name, write lines:%s",
		             head, nearest, text + n_head, text);
	free(head);
	return rc;
}

/* The wrong role: which kinds would do. */
static int set_wrong_role(const struct kind *kind, enum endpoint_role role, struct err *err)
{
	if (role == ENDPOINT_SOURCE)
		return err_set(err, ERR_USAGE,
		               "'%s' can't be read from: an input is lines:FILE, nul:FILE, files:GLOB or range:FIRST-LAST; for "
		               "a file of that name, write lines:%s",
		               kind->name, kind->name);
	return err_set(err, ERR_USAGE, "'%s:' can't be written to: an output is lines:FILE, nul:FILE or none", kind->name);
}

/* Was it open when rota was started? Those that rota opens for itself are closed by an exec. */
static bool is_inherited(int fd)
{
	int flags = fcntl(fd, F_GETFD);
	return flags >= 0 && !(flags & FD_CLOEXEC);
}

/* A file's name, or one that means a descriptor. */
static int name_parse(struct endpoint *endpoint, const char *name, enum endpoint_role role, struct err *err)
{
	int fd = fileid_descriptor(name);
	if (fd > STDERR_FILENO && !is_inherited(fd))
		return err_set(err, ERR_USAGE, "%s means descriptor %d, and that isn't open", name, fd);
	if (fd == (role == ENDPOINT_SOURCE ? STDIN_FILENO : STDOUT_FILENO)) {
		name = "-";
	} else if (fd >= 0) {
		endpoint->is_descriptor = true;
		endpoint->fd = fd;
	}
	endpoint->argument = strdup(name);
	return endpoint->argument ? 0 : set_memory(err);
}

static int argument_parse(struct endpoint *endpoint, const struct kind *kind, const char *argument,
                          enum endpoint_role role, struct err *err)
{
	if (endpoint->kind == ENDPOINT_RANGE && range_parse(endpoint, argument, err))
		return -1;
	if (endpoint->kind == ENDPOINT_NONE && argument[0])
		return err_set(err, ERR_USAGE, "'none' takes no argument: write none");
	if (endpoint->kind != ENDPOINT_NONE && !argument[0])
		return err_set(err, ERR_USAGE, "'%s:' needs an argument: write %s", kind->name, kind->example);
	if (endpoint->kind == ENDPOINT_LINES || endpoint->kind == ENDPOINT_NUL)
		return name_parse(endpoint, argument, role, err);
	endpoint->argument = strdup(argument);
	return endpoint->argument ? 0 : set_memory(err);
}

int endpoint_parse(struct endpoint *ret, const char *text, enum endpoint_role role, struct err *err)
{
	const char *colon = strchr(text, ':');
	size_t n_head = colon ? (size_t)(colon - text) : strlen(text);
	int i = kind_find(text, n_head);
	const char *argument = colon ? colon + 1 : "";

	if (!text[0])
		return err_set(err, ERR_USAGE, "a file name or a kind is missing: write %s",
		               role == ENDPOINT_SOURCE
		                   ? "lines:FILE, nul:FILE, files:GLOB or range:FIRST-LAST (- is standard input)"
		                   : "lines:FILE, nul:FILE or none (- is standard output)");
	if (colon && i < 0 && misspelt_check(text, n_head, err))
		return -1;
	/* Of the bare words, only none is a kind: a file may well be called `files` or `lines`. */
	if (i < 0 || (!colon && i != ENDPOINT_NONE - ENDPOINT_LINES)) {
		i = 0;
		argument = text;
	}
	if (role == ENDPOINT_SOURCE ? !kinds[i].is_source : !kinds[i].is_sink)
		return set_wrong_role(&kinds[i], role, err);
	struct endpoint endpoint = {.kind = (enum endpoint_kind)(i + ENDPOINT_LINES), .place = ret->place};
	if (argument_parse(&endpoint, &kinds[i], argument, role, err))
		return -1;
	*ret = endpoint;
	return 0;
}

void endpoint_fini(struct endpoint *endpoint)
{
	free(endpoint->argument);
	endpoint->argument = NULL;
	endpoint->kind = ENDPOINT_WRONG;
}

char endpoint_delimiter(const struct endpoint *endpoint)
{
	return endpoint->kind == ENDPOINT_NUL || endpoint->kind == ENDPOINT_FILES ? '\0' : '\n';
}

static bool has_name(const struct endpoint *endpoint)
{
	return endpoint->kind == ENDPOINT_LINES || endpoint->kind == ENDPOINT_NUL;
}

bool endpoint_is_standard(const struct endpoint *endpoint)
{
	return has_name(endpoint) && strcmp(endpoint->argument, "-") == 0;
}

bool endpoint_is_file(const struct endpoint *endpoint)
{
	return has_name(endpoint) && !endpoint->is_descriptor && strcmp(endpoint->argument, "-") != 0;
}

int endpoint_descriptor(const struct endpoint *endpoint, int standard_fd)
{
	if (endpoint_is_standard(endpoint))
		return standard_fd;
	return has_name(endpoint) && endpoint->is_descriptor ? endpoint->fd : -1;
}

int endpoint_describe(const struct endpoint *endpoint, struct buf *buf)
{
	if (endpoint->kind == ENDPOINT_WRONG)
		return buf_append_str(buf, "?");
	if (endpoint->kind == ENDPOINT_LISTS)
		return buf_append_str(buf, "lists");
	const char *name = kinds[endpoint->kind - ENDPOINT_LINES].name;
	if (endpoint->kind == ENDPOINT_NONE)
		return buf_append_str(buf, name);
	return buf_printf(buf, "%s:%s", name, endpoint->argument);
}
