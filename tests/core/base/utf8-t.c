/* SPDX-License-Identifier: Apache-2.0 */
/*
 * utf8: every character is read as it is written by hand here, and nothing else is one: all runs of up to two bytes,
 * and of four whose last two stand for the edges of what they may be.
 */
#include "config.h"

#include "core/base/utf8.h"

#include "tests/tap.h"

#define N(array) (sizeof(array) / sizeof((array)[0]))
#define KEPT 0x12345678

static size_t put(char bytes[4], uint32_t character)
{
	if (character < 0x80) {
		bytes[0] = (char)character;
		return 1;
	}
	if (character < 0x800) {
		bytes[0] = (char)(0xc0 + character / 64);
		bytes[1] = (char)(0x80 + character % 64);
		return 2;
	}
	if (character < 0x10000) {
		bytes[0] = (char)(0xe0 + character / 4096);
		bytes[1] = (char)(0x80 + character / 64 % 64);
		bytes[2] = (char)(0x80 + character % 64);
		return 3;
	}
	bytes[0] = (char)(0xf0 + character / 262144);
	bytes[1] = (char)(0x80 + character / 4096 % 64);
	bytes[2] = (char)(0x80 + character / 64 % 64);
	bytes[3] = (char)(0x80 + character % 64);
	return 4;
}

static bool is_character(uint32_t character)
{
	return character <= 0x10ffff && (character < 0xd800 || character > 0xdfff);
}

/* Each one is read, whole and no shorter; half of a pair isn't. */
static void test_all(void)
{
	bool is_right = true;

	for (uint32_t character = 0; character < 0x110000; character++) {
		char bytes[4];
		uint32_t seen = KEPT;
		size_t length = put(bytes, character);

		is_right &= utf8_read(bytes, length, &seen) == (is_character(character) ? length : 0);
		is_right &= seen == (is_character(character) ? character : KEPT);
		seen = KEPT;
		is_right &= length == 1 || (utf8_read(bytes, length - 1, &seen) == 0 && seen == KEPT);
	}
	ok(is_right, "each of 1,114,112, whole and cut");
}

/* Whatever is read is written as it stood there: no other form of the same is taken. */
static void test_others(void)
{
	static const unsigned char ends[] = {0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xff};
	bool is_right = true;
	size_t n_read = 0;

	for (unsigned pair = 0; pair < 0x10000; pair++) {
		for (size_t third = 0; third < N(ends); third++) {
			for (size_t fourth = 0; fourth < N(ends); fourth++) {
				char bytes[4] = {(char)(pair >> 8), (char)pair, (char)ends[third], (char)ends[fourth]}, again[4];
				uint32_t character = KEPT;
				size_t length = utf8_read(bytes, sizeof bytes, &character);

				n_read += length > 1;
				is_right &= length == 0 ? character == KEPT
				                        : is_character(character) && put(again, character) == length &&
				                              memcmp(again, bytes, length) == 0;
			}
		}
	}
	ok(is_right && n_read > 0, "what is read is the one form of it");
}

static void test_inside(void)
{
	bool is_right = true;

	for (int byte = 0; byte < 256; byte++)
		is_right &= utf8_is_inside((char)byte) == (byte >= 0x80 && byte < 0xc0);
	ok(is_right, "bytes inside a character");
}

int main(void)
{
	test_all();
	test_others();
	test_inside();
	return tap_done();
}
