/* SPDX-License-Identifier: Apache-2.0 */
/*
 * utf8 - characters in bytes that may be anything. What is well-formed is what RFC 3629 says: no form that is longer
 * than need be, no surrogates, nothing beyond U+10FFFF.
 *
 *   utf8_read, character by character; utf8_is_inside, where a text is cut
 */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One that isn't ASCII. */
size_t utf8_read_long(const unsigned char *bytes, size_t n_bytes, uint32_t *ret_character);

/* The length of the character that begins here, n_bytes > 0; 0: none does, and *ret_character is as it was. */
static inline size_t utf8_read(const char *bytes, size_t n_bytes, uint32_t *ret_character)
{
	unsigned char first = (unsigned char)bytes[0];

	if (first >= 0x80)
		return utf8_read_long((const unsigned char *)bytes, n_bytes, ret_character);
	*ret_character = first;
	return 1;
}

/* Can the byte only stand behind another of its character? */
static inline bool utf8_is_inside(char byte)
{
	return ((unsigned char)byte & 0xc0) == 0x80;
}

#endif
