/* SPDX-License-Identifier: Apache-2.0 */
/* conf_text - see conf_text.h. */
#include "config.h"

#include "core/plan/conf_text.h"

#include "core/plan/place.h"

#include <stdbool.h>
#include <stdint.h>

/* The length of the UTF-8 character at bytes (RFC 3629) and its number; 0 when it isn't one. */
static size_t character_decode(const unsigned char *bytes, size_t n_bytes, uint32_t *ret)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t n = bytes[0] < 0x80 ? 1 : bytes[0] >> 5 == 6 ? 2 : bytes[0] >> 4 == 14 ? 3 : bytes[0] >> 3 == 30 ? 4 : 0;
	if (n == 0 || n > n_bytes)
		return 0;
	uint32_t character = n == 1 ? bytes[0] : bytes[0] & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		if (bytes[i] >> 6 != 2)
			return 0;
		character = character << 6 | (bytes[i] & 0x3fu);
	}
	if (character < least[n] || character > 0x10ffff || (character >= 0xd800 && character <= 0xdfff))
		return 0;
	*ret = character;
	return n;
}

/* What YAML lets stand in a text. */
static bool character_is_allowed(uint32_t character, bool is_first)
{
	if (character < 0x20)
		return character == '\t' || character == '\n' || character == '\r';
	if (character >= 0x7f && character < 0xa0)
		return character == 0x85;
	if (character == 0xfeff) /* a byte order mark */
		return is_first;
	return character != 0xfffe && character != 0xffff;
}

int conf_text_check(const char *file, const char *text, size_t n_bytes, struct err_list *errors)
{
	struct place place = {.file = file, .line = 1, .column = 1};
	size_t n = 0;
	for (size_t at = 0; at < n_bytes; at += n) {
		const unsigned char *bytes = (const unsigned char *)text + at;
		uint32_t character = 0;
		n = character_decode(bytes, n_bytes - at, &character);
		if (n == 0)
			return place_error(errors, place, ERR_USAGE, "byte 0x%02x is no UTF-8 text: a conf file is YAML in UTF-8",
			                   bytes[0]);
		if (!character_is_allowed(character, at == 0))
			return place_error(errors, place, ERR_USAGE,
			                   "character U+%04X can't stand in a conf file: it is YAML, plain text",
			                   (unsigned)character);
		bool is_crlf = character == '\r' && at + 1 < n_bytes && bytes[1] == '\n';
		if (character == '\n' || (character == '\r' && !is_crlf)) {
			place.line++;
			place.column = 1;
		} else if (character != 0xfeff) {
			place.column++;
		}
	}
	return 0;
}
