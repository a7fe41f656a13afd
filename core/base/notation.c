/* SPDX-License-Identifier: Apache-2.0 */
/*
 * notation - see notation.h. All arithmetic is in integers: a fraction of a unit is exact as far as the unit goes
 * ("0.3K" is 307 bytes), and what rounds to nothing or overflows is refused, never bent.
 */
#include "config.h"

#include "core/base/notation.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

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

enum notation_result notation_read_int(const char *text, size_t n, int64_t *ret)
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
		return NOTATION_NONSENSE;
	if (at < n && !is_hex) {
		char unit = lower(text[at++]);
		unsigned factor = unit == 'k' ? 1000 : unit == 'm' ? 1000000 : unit == 'g' ? 1000000000 : 0;
		if (factor == 0)
			return NOTATION_NONSENSE;
		is_over |= __builtin_mul_overflow(number, factor, &number);
	}
	if (at < n)
		return NOTATION_NONSENSE;
	if (is_over || number > (uint64_t)INT64_MAX + is_negative)
		return is_negative ? NOTATION_TOO_SMALL : NOTATION_TOO_LARGE;
	*ret = (int64_t)(is_negative ? 0 - number : number);
	return NOTATION_OK;
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

static enum notation_result quantity_read(const char *text, size_t n, uint64_t (*unit_of)(const char *, size_t),
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
		return NOTATION_NONSENSE;
	uint64_t factor = unit_of(text + end, n - end);
	if (factor == 0 || (has_point && factor == 1))
		return NOTATION_NONSENSE;
	is_over |= __builtin_mul_overflow(number, factor, &number);
	is_over |= __builtin_add_overflow(number, fraction_of(text + first, end - first, factor), &number);
	if (is_over || number > INT64_MAX)
		return NOTATION_TOO_LARGE;
	if (number == 0 && !is_zero)
		return NOTATION_TOO_SMALL;
	*ret = (int64_t)number;
	return NOTATION_OK;
}

enum notation_result notation_read_size(const char *text, size_t n, int64_t *ret)
{
	return quantity_read(text, n, size_unit, ret);
}

enum notation_result notation_read_duration(const char *text, size_t n, int64_t *ret)
{
	return quantity_read(text, n, duration_unit, ret);
}

const char *notation_write_size(char text[NOTATION_SIZE_BYTES], int64_t n_bytes)
{
	static const char units[] = "KMGTP";
	int unit = -1;
	for (; n_bytes != 0 && n_bytes % 1024 == 0 && units[unit + 1]; n_bytes /= 1024)
		unit++;
	snprintf(text, NOTATION_SIZE_BYTES, "%lld%s%.1s", (long long)n_bytes, unit < 0 ? " bytes" : "",
	         unit < 0 ? "" : units + unit);
	return text;
}
