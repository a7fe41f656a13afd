/* SPDX-License-Identifier: Apache-2.0 */
/*
 * option - see option.h. Texts become numbers in number_parse(), which knows the types' notations; bounds in a
 * range are read by the same function, so a range means what the same words mean as a value.
 *
 * All arithmetic is in integers: a fraction of a unit is exact as far as the unit goes ("0.3K" is 307 bytes), and
 * what rounds to nothing or overflows is refused, never bent.
 */
#include "config.h"

#include "core/base/option.h"

#include "core/base/log.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define DISTANCE_MAX_BYTES 64

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

enum number_result {
	NUMBER_OK,
	NUMBER_NONSENSE,
	NUMBER_TOO_LARGE,
	NUMBER_TOO_SMALL,
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static int digit_of(char c, int base)
{
	if (is_digit(c))
		return c - '0';
	c = lower(c);
	return base == 16 && c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static enum number_result int_parse(const char *text, size_t n, int64_t *ret)
{
	bool is_negative = n > 0 && text[0] == '-';
	size_t at = is_negative ? 1 : 0;
	bool is_hex = n - at > 2 && text[at] == '0' && lower(text[at + 1]) == 'x';
	unsigned base = is_hex ? 16 : 10;
	at += is_hex ? 2 : 0;
	size_t first = at;
	uint64_t number = 0;
	bool is_over = false;
	for (int digit; at < n && (digit = digit_of(text[at], (int)base)) >= 0; at++) {
		is_over |= __builtin_mul_overflow(number, base, &number);
		is_over |= __builtin_add_overflow(number, (unsigned)digit, &number);
	}
	if (at == first)
		return NUMBER_NONSENSE;
	if (at < n && !is_hex) {
		char unit = lower(text[at++]);
		unsigned factor = unit == 'k' ? 1000 : unit == 'm' ? 1000000 : unit == 'g' ? 1000000000 : 0;
		if (factor == 0)
			return NUMBER_NONSENSE;
		is_over |= __builtin_mul_overflow(number, factor, &number);
	}
	if (at < n)
		return NUMBER_NONSENSE;
	if (is_over || number > (uint64_t)INT64_MAX + is_negative)
		return is_negative ? NUMBER_TOO_SMALL : NUMBER_TOO_LARGE;
	*ret = (int64_t)(is_negative ? 0 - number : number);
	return NUMBER_OK;
}

/* "", B, K, KB, Ki, KiB and so on to P, in any case; 0 when it is none. */
static uint64_t size_unit(const char *unit, size_t n)
{
	static const char letters[] = "kmgtp";
	uint64_t factor = 1;
	const char *letter = n > 0 ? memchr(letters, lower(unit[0]), sizeof(letters) - 1) : NULL;
	size_t at = 0;
	if (letter) {
		factor = UINT64_C(1) << 10 * (letter - letters + 1);
		at++;
		if (at < n && lower(unit[at]) == 'i')
			at++;
	}
	if (at < n && lower(unit[at]) == 'b')
		at++;
	return at == n ? factor : 0;
}

/* Lower case only: an M would be read as minutes by one and as months or millions by another. */
static uint64_t duration_unit(const char *unit, size_t n)
{
	static const struct {
		const char *name;
		uint64_t ns;
	} units[] = {
		{"", 1000000000},
		{"ns", 1},
		{"us", 1000},
		{"ms", 1000000},
		{"s", 1000000000},
		{"m", UINT64_C(60000000000)},
		{"min", UINT64_C(60000000000)},
		{"h", UINT64_C(3600000000000)},
		{"d", UINT64_C(86400000000000)},
	};
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strlen(units[i].name) == n && memcmp(units[i].name, unit, n) == 0)
			return units[i].ns;
	}
	return 0;
}

/*
 * The whole part of 0.DIGITS x factor. From the last digit to the first, x = (digit x factor + x) / 10 loses nothing:
 * whole parts may be taken at each step. 10 x factor fits into 64 bits for every unit there is.
 */
static uint64_t fraction_of(const char *digits, size_t n_digits, uint64_t factor)
{
	uint64_t part = 0;
	for (size_t i = n_digits; i > 0; i--)
		part = ((uint64_t)(digits[i - 1] - '0') * factor + part) / 10;
	return part;
}

static enum number_result quantity_parse(const char *text, size_t n, uint64_t (*unit_of)(const char *, size_t),
                                         int64_t *ret)
{
	size_t at = 0;
	uint64_t number = 0;
	bool is_over = false, is_zero = true;
	for (; at < n && is_digit(text[at]); at++) {
		is_over |= __builtin_mul_overflow(number, 10u, &number);
		is_over |= __builtin_add_overflow(number, (unsigned)(text[at] - '0'), &number);
		is_zero &= text[at] == '0';
	}
	bool has_point = at < n && text[at] == '.';
	size_t first = at + has_point, end = first;
	for (; has_point && end < n && is_digit(text[end]); end++)
		is_zero &= text[end] == '0';
	if (has_point ? end == first : at == 0)
		return NUMBER_NONSENSE;
	uint64_t factor = unit_of(text + end, n - end);
	if (factor == 0 || (has_point && factor == 1))
		return NUMBER_NONSENSE;
	is_over |= __builtin_mul_overflow(number, factor, &number);
	is_over |= __builtin_add_overflow(number, fraction_of(text + first, end - first, factor), &number);
	if (is_over || number > INT64_MAX)
		return NUMBER_TOO_LARGE;
	if (number == 0 && !is_zero)
		return NUMBER_TOO_SMALL;
	*ret = (int64_t)number;
	return NUMBER_OK;
}

static enum number_result number_parse(enum option_type type, const char *text, size_t n, int64_t *ret)
{
	if (type == OPTION_INT)
		return int_parse(text, n, ret);
	return quantity_parse(text, n, type == OPTION_SIZE ? size_unit : duration_unit, ret);
}

/* "1..64", "0..", "..10s". A bound that isn't there is the type's own. */
static bool is_range(const struct option_spec *spec, int64_t *ret_low, int64_t *ret_high)
{
	const char *dots = strstr(spec->range, "..");
	int64_t low = INT64_MIN, high = INT64_MAX;
	if (!dots || strlen(spec->range) == 2)
		return false;
	if (dots != spec->range && number_parse(spec->type, spec->range, (size_t)(dots - spec->range), &low) != NUMBER_OK)
		return false;
	if (dots[2] != '\0' && number_parse(spec->type, dots + 2, strlen(dots + 2), &high) != NUMBER_OK)
		return false;
	if (low > high)
		return false;
	*ret_low = low;
	*ret_high = high;
	return true;
}

const char *option_size_text(char text[OPTION_SIZE_TEXT_BYTES], int64_t n_bytes)
{
	static const char units[] = "KMGTP";
	int unit = -1;
	for (; n_bytes != 0 && n_bytes % 1024 == 0 && units[unit + 1]; n_bytes /= 1024)
		unit++;
	snprintf(text, OPTION_SIZE_TEXT_BYTES, "%lld%s%.1s", (long long)n_bytes, unit < 0 ? " bytes" : "",
	         unit < 0 ? "" : units + unit);
	return text;
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
	case NUMBER_OK:
		break;
	case NUMBER_NONSENSE:
		return refuse(spec, text, err);
	case NUMBER_TOO_LARGE:
		return err_set(err, ERR_USAGE, "%s is too large: expected at most %s", quoted, types[spec->type].most);
	case NUMBER_TOO_SMALL:
		return err_set(err, ERR_USAGE, "%s is too small: expected at least %s", quoted, types[spec->type].least);
	}
	if (spec->range && !is_range(spec, &low, &high))
		return err_set(err, ERR_USAGE, "the option's range '%s' isn't one", spec->range);
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

static int check_choice(const struct option_spec *spec, const char *text, struct err *err)
{
	char quoted[LOG_QUOTE_BYTES];
	const char *range = spec->range ? spec->range : "";
	for (const char *word = range;; word++) {
		size_t n = word_length(word);
		if (n > 0 && strlen(text) == n && memcmp(word, text, n) == 0)
			return 0;
		word += n;
		if (*word == '\0')
			break;
	}
	return err_set(err, ERR_USAGE, "%s isn't a choice here (expected one of %s)", log_quote_value(quoted, text), range);
}

static int no_memory(struct err *err)
{
	return err_set(err, ERR_RESOURCE, "no memory for the value");
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
		result = check_choice(spec, text, err);
		break;
	case OPTION_LIST:
		result = parse_list(text, &value, err);
		break;
	case OPTION_STRING:
		break;
	default:
		return err_set(err, ERR_USAGE, "the option's type %d isn't known", (int)spec->type);
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
		               "%s isn't a name for an option (expected letters, digits, - and _, no - in front)", quoted);
	if (option_find(specs, spec->name) != spec)
		return err_set(err, ERR_USAGE, "option %s stands twice in the table", quoted);
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
		return err_set(err, ERR_USAGE, "a choice needs its words in range (expected such as 'fast,small')");
	}
	if (!spec->range)
		return 0;
	log_quote_value(quoted, spec->range);
	if (!has_number_range(spec->type))
		return err_set(err, ERR_USAGE, "%s has range %s (expected none)", types[spec->type].what, quoted);
	if (!is_range(spec, &low, &high))
		return err_set(err, ERR_USAGE, "range %s isn't one (expected such as '1..64', '0..' or '..64')", quoted);
	return 0;
}

int option_check_table(const struct option_spec *specs, struct err *err)
{
	for (const struct option_spec *spec = specs; spec->name; spec++) {
		struct option_value value = {0};
		if (check_name(specs, spec, err) < 0)
			return -1;
		if (!is_type(spec->type))
			return err_set(err, ERR_USAGE, "option '%s': type %d isn't known (expected %d to %d)", spec->name,
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

/* Misspelt names */

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Restricted Damerau-Levenshtein, without regard to case, of words up to DISTANCE_MAX_BYTES long. */
static size_t distance(const char *a, size_t n_a, const char *b, size_t n_b)
{
	size_t rows[3][DISTANCE_MAX_BYTES + 1];
	size_t *before_last = rows[0], *last = rows[1], *row = rows[2];
	for (size_t j = 0; j <= n_b; j++)
		last[j] = j;
	for (size_t i = 1; i <= n_a; i++) {
		row[0] = i;
		for (size_t j = 1; j <= n_b; j++) {
			size_t is_other = lower(a[i - 1]) != lower(b[j - 1]);
			row[j] = least(last[j - 1] + is_other, least(last[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) && lower(a[i - 2]) == lower(b[j - 1]))
				row[j] = least(row[j], before_last[j - 2] + 1);
		}
		size_t *oldest = before_last;
		before_last = last;
		last = row;
		row = oldest;
	}
	return last[n_b];
}

static const char *name_begun(const char *word, size_t n_word, const char *const *names, size_t n_names)
{
	const char *found = NULL;
	for (size_t i = 0; i < n_names && n_word >= 3; i++) {
		if (strncasecmp(names[i], word, n_word) != 0)
			continue;
		if (found)
			return NULL;
		found = names[i];
	}
	return found;
}

const char *option_nearest(const char *word, const char *const *names, size_t n_names)
{
	size_t n_word = strlen(word);
	size_t best = n_word / 3;
	const char *nearest = NULL;
	for (size_t i = 0; i < n_names && n_word <= DISTANCE_MAX_BYTES; i++) {
		size_t n_name = strlen(names[i]);
		if (n_name > DISTANCE_MAX_BYTES)
			continue;
		size_t off = distance(word, n_word, names[i], n_name);
		if (off < best || (off == best && !nearest)) {
			best = off;
			nearest = names[i];
		}
	}
	return nearest ? nearest : name_begun(word, n_word, names, n_names);
}
