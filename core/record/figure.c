/* SPDX-License-Identifier: Apache-2.0 */
/* figure - see figure.h. The bounds are where rounding would show a digit too many: 999.5 is "1.0 k", not "1000". */
#include "config.h"

#include "core/record/figure.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define NS_PER_MS 1e6
#define NS_PER_S 1e9

const char *figure_count(char text[FIGURE_BYTES], uint64_t count)
{
	char digits[FIGURE_BYTES];
	snprintf(digits, sizeof(digits), "%" PRIu64, count);
	size_t n_digits = strlen(digits);
	char *out = text;
	for (size_t i = 0; i < n_digits; i++) {
		if (i > 0 && (n_digits - i) % 3 == 0)
			*out++ = ',';
		*out++ = digits[i];
	}
	*out = '\0';
	return text;
}

const char *figure_rate(char text[FIGURE_BYTES], double per_s)
{
	static const char *const prefixes[] = {"", " k", " M", " G"};
	size_t i = 0;
	for (; per_s >= 999.5 && i + 1 < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		per_s /= 1000;
	int n_decimals = per_s >= 99.95 ? 0 : 1;
	if (i == 0 && per_s > 0)
		n_decimals = per_s >= 9.95 ? 0 : per_s >= 0.995 ? 1 : 2;
	snprintf(text, FIGURE_BYTES, "%.*f%s", per_s > 0 ? n_decimals : 0, per_s, prefixes[i]);
	return text;
}

const char *figure_duration(char text[FIGURE_BYTES], int64_t elapsed_ns)
{
	double s = (double)elapsed_ns / NS_PER_S;
	int64_t whole_s = (int64_t)(s + 0.5);
	if (s < 0.09995)
		snprintf(text, FIGURE_BYTES, "%.1f ms", (double)elapsed_ns / NS_PER_MS);
	else if (s < 99.995)
		snprintf(text, FIGURE_BYTES, "%.2f s", s);
	else if (whole_s < 3600)
		snprintf(text, FIGURE_BYTES, "%" PRId64 " min %" PRId64 " s", whole_s / 60, whole_s % 60);
	else
		snprintf(text, FIGURE_BYTES, "%" PRId64 " h %" PRId64 " min", whole_s / 3600, whole_s / 60 % 60);
	return text;
}

const char *figure_clock(char text[FIGURE_BYTES], int64_t seconds)
{
	int64_t minutes = seconds / 60, hours = minutes / 60, days = hours / 24;
	if (hours == 0)
		snprintf(text, FIGURE_BYTES, "%" PRId64 ":%02" PRId64, minutes, seconds % 60);
	else if (days == 0)
		snprintf(text, FIGURE_BYTES, "%" PRId64 ":%02" PRId64 ":%02" PRId64, hours, minutes % 60, seconds % 60);
	else
		snprintf(text, FIGURE_BYTES, "%" PRId64 " d %" PRId64 " h", days, hours % 24);
	return text;
}
