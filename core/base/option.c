/* SPDX-License-Identifier: Apache-2.0 */
/*
 * option - see option.h. Texts become numbers in number_parse(), by their type's notation; bounds in a range are read
 * by the same function, so a range means what the same words mean as a value.
 */
#include "config.h"

#include "core/base/option.h"

#include "core/base/log.h"
#include "core/base/notation.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct {
	const char *name;
	const char *what;    /* '12x' isn't ... */
	const char *sample;  /* (expected one such as ...) */
	const char *example; /* the two for a sentence */
	const char *most;    /* of the types that are numbers */
	const char *least;
} types[] = {
	[OPTION_STRING] = {"string", "a text", "hello", "a text such as hello", NULL, NULL},
	[OPTION_INT] = {"int", "a whole number", "8", "a whole number such as 8", "9223372036854775807",
                    "-9223372036854775808"},
	[OPTION_BOOL] = {"bool", "yes or no", "yes", "yes or no", NULL, NULL},
	[OPTION_SIZE] = {"size", "a size", "64K, 512M or 2G", "a size such as 64K", "8191P", "1 byte, or 0"},
	[OPTION_DURATION] = {"duration", "a duration", "500ms, 10s, 2m or 1h", "a duration such as 10s", "106751d",
                         "1ns, or 0"},
	[OPTION_CHOICE] = {"choice", "a choice", NULL, "one of its words", NULL, NULL},
	[OPTION_LIST] = {"list", "a list", "a,b", "a list such as a,b", NULL, NULL},
};

static bool is_type(enum option_type type)
{
	return type >= OPTION_STRING && type <= OPTION_LIST;
}

static bool has_number_range(enum option_type type)
{
	return type == OPTION_INT || type == OPTION_SIZE || type == OPTION_DURATION;
}

const char *option_type_example(enum option_type type)
{
	return is_type(type) ? types[type].example : "a value";
}

const char *option_type_name(enum option_type type)
{
	return is_type(type) ? types[type].name : "unknown";
}

enum option_type option_type_of(const char *name)
{
	for (enum option_type type = OPTION_STRING; type <= OPTION_LIST; type++) {
		if (strcmp(types[type].name, name) == 0)
			return type;
	}
	return 0;
}

const struct option_spec *option_find(const struct option_spec *specs, const char *name)
{
	for (const struct option_spec *spec = specs; spec->name; spec++) {
		if (strcmp(spec->name, name) == 0)
			return spec;
	}
	return NULL;
}

/* Numbers */

static enum notation_result number_parse(enum option_type type, const char *text, size_t n, int64_t *ret)
{
	if (type == OPTION_INT)
		return notation_read_int(text, n, ret);
	return type == OPTION_SIZE ? notation_read_size(text, n, ret) : notation_read_duration(text, n, ret);
}

/* "1..64", "0..", "..10s". A bound that isn't there is the type's own. */
static bool is_range(const struct option_spec *spec, int64_t *ret_low, int64_t *ret_high)
{
	const char *dots = strstr(spec->range, "..");
	int64_t low = INT64_MIN, high = INT64_MAX;
	if (!dots || strlen(spec->range) == 2)
		return false;
	if (dots != spec->range && number_parse(spec->type, spec->range, (size_t)(dots - spec->range), &low) != NOTATION_OK)
		return false;
	if (dots[2] != '\0' && number_parse(spec->type, dots + 2, strlen(dots + 2), &high) != NOTATION_OK)
		return false;
	if (low > high)
		return false;
	*ret_low = low;
	*ret_high = high;
	return true;
}

/* Values */

static int refuse(const struct option_spec *spec, const char *text, struct err *err)
{
	char quoted[LOG_QUOTE_BYTES];
	return err_set(err, ERR_USAGE, "%s isn't %s (expected one such as %s)", log_quote_value(quoted, text),
	               types[spec->type].what, types[spec->type].sample);
}

static int parse_number(const struct option_spec *spec, const char *text, int64_t *ret, struct err *err)
{
	char quoted[LOG_QUOTE_BYTES];
	int64_t number = 0, low = INT64_MIN, high = INT64_MAX;
	log_quote_value(quoted, text);
	switch (number_parse(spec->type, text, strlen(text), &number)) {
	case NOTATION_OK:
		break;
	case NOTATION_NONSENSE:
		return refuse(spec, text, err);
	case NOTATION_TOO_LARGE:
		return err_set(err, ERR_USAGE, "%s is too large: expected at most %s", quoted, types[spec->type].most);
	case NOTATION_TOO_SMALL:
		return err_set(err, ERR_USAGE, "%s is too small: expected at least %s", quoted, types[spec->type].least);
	}
	if (spec->range && !is_range(spec, &low, &high))
		return err_set(err, ERR_USAGE, "the option's range '%s' isn't a valid range", spec->range);
	if (number < low || number > high)
		return err_set(err, ERR_USAGE, "%s is out of range: expected %s", quoted, spec->range);
	*ret = number;
	return 0;
}

static int parse_bool(const struct option_spec *spec, const char *text, int64_t *ret, struct err *err)
{
	static const char *const words[2][4] = {{"no", "false", "off", "0"}, {"yes", "true", "on", "1"}};
	for (int is_yes = 0; is_yes < 2; is_yes++) {
		for (size_t i = 0; i < 4; i++) {
			if (strcasecmp(text, words[is_yes][i]) == 0) {
				*ret = is_yes;
				return 0;
			}
		}
	}
	return refuse(spec, text, err);
}

/* The length of the word at which a choice's range stands; the next one is behind its comma. */
static size_t word_length(const char *range)
{
	return strcspn(range, ",");
}

const char *option_word(const struct option_spec *spec, size_t i, size_t *ret_n_bytes)
{
	const char *word = spec->range ? spec->range : "";
	for (; i > 0 && *word; i--) {
		word += word_length(word);
		word += *word == ',';
	}
	*ret_n_bytes = word_length(word);
	return *ret_n_bytes > 0 ? word : NULL;
}

static int parse_choice(const struct option_spec *spec, const char *text, int64_t *ret, struct err *err)
{
	char quoted[LOG_QUOTE_BYTES];
	const char *word;
	size_t n;
	for (size_t i = 0; (word = option_word(spec, i, &n)); i++) {
		if (strlen(text) == n && memcmp(word, text, n) == 0) {
			*ret = (int64_t)i;
			return 0;
		}
	}
	return err_set(err, ERR_USAGE, "%s isn't a valid choice (expected one of %s)", log_quote_value(quoted, text),
	               spec->range ? spec->range : "");
}

static int no_memory(struct err *err)
{
	return err_set(err, ERR_RESOURCE, "out of memory for the value");
}

/* Lists keep room for a NULL behind their elements. */
static int list_init(struct option_value *value, size_t n_most, struct err *err)
{
	value->elements = n_most < SIZE_MAX ? calloc(n_most + 1, sizeof(*value->elements)) : NULL;
	return value->elements ? 0 : no_memory(err);
}

static int list_add(struct option_value *value, const char *element, struct err *err)
{
	char *copy = strdup(element);
	if (!copy)
		return no_memory(err);
	value->elements[value->n_elements++] = copy;
	return 0;
}

/* Splits a copy of the text in place: each element is unescaped to the front of where it stands. */
static int parse_list(const char *text, struct option_value *value, struct err *err)
{
	size_t n_most = *text ? 1 : 0;
	for (const char *at = text; *at; at++)
		n_most += *at == ',';
	char *copy = strdup(text);
	if (!copy)
		return no_memory(err);
	int result = list_init(value, n_most, err);
	char *element = copy, *out = copy;
	for (const char *in = text; n_most > 0 && result == 0; in++) {
		if (*in == '\0' || *in == ',') {
			*out++ = '\0';
			result = list_add(value, element, err);
			element = out;
			if (*in == '\0')
				break;
			continue;
		}
		if (in[0] == '\\' && (in[1] == ',' || in[1] == '\\'))
			in++;
		*out++ = *in;
	}
	free(copy);
	return result;
}

int option_parse(const struct option_spec *spec, const char *text, struct option_value *ret, struct err *err)
{
	struct option_value value = {0};
	int result = 0;
	switch (spec->type) {
	case OPTION_INT:
	case OPTION_SIZE:
	case OPTION_DURATION:
		result = parse_number(spec, text, &value.number, err);
		break;
	case OPTION_BOOL:
		result = parse_bool(spec, text, &value.number, err);
		break;
	case OPTION_CHOICE:
		result = parse_choice(spec, text, &value.number, err);
		break;
	case OPTION_LIST:
		result = parse_list(text, &value, err);
		break;
	case OPTION_STRING:
		break;
	default:
		return err_set(err, ERR_USAGE, "the option has the unknown type %d", (int)spec->type);
	}
	if (result == 0 && spec->type != OPTION_LIST) {
		value.text = strdup(text);
		result = value.text ? 0 : no_memory(err);
	}
	if (result < 0) {
		option_value_fini(&value);
		return -1;
	}
	*ret = value;
	return 0;
}

int option_parse_elements(const struct option_spec *spec, const char *const *elements, size_t n_elements,
                          struct option_value *ret, struct err *err)
{
	struct option_value value = {0};
	if (spec->type != OPTION_LIST) {
		if (n_elements != 1)
			return err_set(err, ERR_USAGE, "%zu values are given (expected just one: %s)", n_elements,
			               option_type_example(spec->type));
		return option_parse(spec, elements[0], ret, err);
	}
	int result = list_init(&value, n_elements, err);
	for (size_t i = 0; i < n_elements && result == 0; i++)
		result = list_add(&value, elements[i], err);
	if (result < 0) {
		option_value_fini(&value);
		return -1;
	}
	*ret = value;
	return 0;
}

void option_value_fini(struct option_value *value)
{
	free(value->text);
	for (size_t i = 0; i < value->n_elements; i++)
		free(value->elements[i]);
	free(value->elements);
	*value = (struct option_value){0};
}

/* Tables */

static int check_name(const struct option_spec *specs, const struct option_spec *spec, struct err *err)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
	char quoted[LOG_QUOTE_BYTES];
	log_quote_value(quoted, spec->name);
	if (spec->name[0] == '\0' || spec->name[0] == '-' || spec->name[strspn(spec->name, allowed)] != '\0')
		return err_set(err, ERR_USAGE,
		               "%s isn't a valid option name (expected letters, digits, - and _, not starting with -)", quoted);
	if (option_find(specs, spec->name) != spec)
		return err_set(err, ERR_USAGE, "option %s appears twice in the table", quoted);
	return 0;
}

static bool is_choice_range(const char *range)
{
	for (const char *word = range;; word++) {
		size_t n = word_length(word);
		if (n == 0 || memchr(word, ' ', n))
			return false;
		word += n;
		if (*word == '\0')
			return true;
	}
}

static int check_range(const struct option_spec *spec, struct err *err)
{
	char quoted[LOG_QUOTE_BYTES];
	int64_t low, high;
	if (spec->type == OPTION_CHOICE) {
		if (spec->range && is_choice_range(spec->range))
			return 0;
		return err_set(err, ERR_USAGE, "a choice needs its words in range (for example 'fast,small')");
	}
	if (!spec->range)
		return 0;
	log_quote_value(quoted, spec->range);
	if (!has_number_range(spec->type))
		return err_set(err, ERR_USAGE, "%s has range %s (expected none)", types[spec->type].what, quoted);
	if (!is_range(spec, &low, &high))
		return err_set(err, ERR_USAGE, "range %s isn't valid (expected one such as '1..64', '0..' or '..64')", quoted);
	return 0;
}

int option_check_table(const struct option_spec *specs, struct err *err)
{
	for (const struct option_spec *spec = specs; spec->name; spec++) {
		struct option_value value = {0};
		if (check_name(specs, spec, err) < 0)
			return -1;
		if (!is_type(spec->type))
			return err_set(err, ERR_USAGE, "option '%s': unknown type %d (expected %d to %d)", spec->name,
			               (int)spec->type, OPTION_STRING, OPTION_LIST);
		if (spec->help && strchr(spec->help, '\n'))
			return err_set(err, ERR_USAGE, "option '%s': help has several lines (expected one)", spec->name);
		if (check_range(spec, err) < 0)
			return err_prefix(err, "option '%s'", spec->name);
		if (spec->fallback && option_parse(spec, spec->fallback, &value, err) < 0)
			return err_prefix(err, "option '%s': default", spec->name);
		option_value_fini(&value);
	}
	return 0;
}
