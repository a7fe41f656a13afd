/* SPDX-License-Identifier: Apache-2.0 */
/* utf8 - see utf8.h. */
#include "config.h"

#include "core/base/utf8.h"

size_t utf8_read_long(const unsigned char *bytes, size_t n_bytes, uint32_t *ret_character)
{
	static const uint32_t least_of_length[] = {0, 0, 0x80, 0x800, 0x10000};
	static const unsigned char lengths[16] = {[0xc] = 2, [0xd] = 2, [0xe] = 3, [0xf] = 4}; /* by its upper half */
	size_t length = lengths[bytes[0] >> 4];

	if (length == 0 || length > n_bytes || bytes[0] > 0xf4)
		return 0;
	uint32_t character = bytes[0] & (0x7fu >> length);
	for (size_t i = 1; i < length; i++) {
		if (!utf8_is_inside((char)bytes[i]))
			return 0;
		character = character << 6 | (bytes[i] & 0x3f);
	}
	if (character < least_of_length[length] || character > 0x10ffff || (character >= 0xd800 && character <= 0xdfff))
		return 0;
	*ret_character = character;
	return length;
}
