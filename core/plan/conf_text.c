/* SPDX-License-Identifier: Apache-2.0 */
/* conf_text - see conf_text.h. */
#include "config.h"

#include "core/plan/conf_text.h"

#include "core/base/utf8.h"
#include "core/plan/place.h"

#include <stdbool.h>
#include <stdint.h>

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
		const char *bytes = text + at;
		uint32_t character = 0;
		n = utf8_read(bytes, n_bytes - at, &character);
		if (n == 0)
			return place_error(errors, place, ERR_USAGE, "byte 0x%02x isn't valid UTF-8: a conf file is YAML in UTF-8",
			                   (unsigned char)bytes[0]);
		if (!character_is_allowed(character, at == 0))
			return place_error(errors, place, ERR_USAGE,
			                   "character U+%04X isn't allowed in a conf file: it is YAML, plain text",
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
