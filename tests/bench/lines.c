/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lines - the bench's input: lines N [upper]
 *
 * N different lines of 40 hexadecimal digits, the same in each run. With upper, what they are in capitals, made without
 * anything that is measured.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define DIGITS 40

/* SplitMix64 (Steele, Lea, Flood 2014). */
static uint64_t number_at(uint64_t place)
{
	uint64_t z = place * UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

int main(int argc, char **argv)
{
	const char *digits = argc > 2 ? "0123456789ABCDEF" : "0123456789abcdef";
	char line[DIGITS + 1];
	if (argc < 2) {
		fprintf(stderr, "usage: lines N [upper]\n");
		return 2;
	}
	uint64_t n_lines = strtoull(argv[1], NULL, 10);
	for (uint64_t i = 0; i < n_lines; i++) {
		for (unsigned at = 0; at < DIGITS; at++)
			line[at] = digits[number_at(3 * i + at / 16 + 1) >> 4 * (at % 16) & 15];
		line[DIGITS] = '\n';
		if (fwrite(line, 1, sizeof line, stdout) != sizeof line)
			break;
	}
	if (fflush(stdout) != 0 || ferror(stdout)) {
		perror("lines");
		return 1;
	}
	return 0;
}
