/* SPDX-License-Identifier: Apache-2.0 */
/* endpoint: what each text means as a source and as a sink, or what is said about it. */
#include "config.h"

#include "core/plan/endpoint.h"

#include "tests/tap.h"

#include <inttypes.h>

static const struct {
	const char *text;
	const char *source, *sink; /* as it is described, or the error */
} texts[] = {
	{"lines:a b", "lines:a b", "lines:a b"},
	{"nul:x", "nul:x", "nul:x"},
	{"file.txt", "lines:file.txt", "lines:file.txt"},
	{"-", "lines:-", "lines:-"},
	{"nul:-", "nul:-", "nul:-"},
	{"lines:lines:x", "lines:lines:x", "lines:lines:x"},
	{"/a/b:c", "lines:/a/b:c", "lines:/a/b:c"},
	{"C:x", "lines:C:x", "lines:C:x"},
	{"lines", "lines:lines", "lines:lines"},
	{"files", "lines:files", "lines:files"},
	{"lines:none", "lines:none", "lines:none"},
	{"files:a/**/*.c", "files:a/**/*.c", "'files:' can't be written to: an output is lines:FILE, nul:FILE or none"},
	{"range:1-10", "range:1-10", "'range:' can't be written to: an output is lines:FILE, nul:FILE or none"},
	{"none",
     "'none' can't be read from: an input is lines:FILE, nul:FILE, files:GLOB or range:FIRST-LAST; for a file of that "
     "name, write lines:none",
     "none"},
	{"none:",
     "'none' can't be read from: an input is lines:FILE, nul:FILE, files:GLOB or range:FIRST-LAST; for a file of that "
     "name, write lines:none",
     "none"},
	{"none:x",
     "'none' can't be read from: an input is lines:FILE, nul:FILE, files:GLOB or range:FIRST-LAST; for a file of that "
     "name, write lines:none",
     "'none' takes no argument: write none"},
	{"",
     "a file name or a kind is missing: write lines:FILE, nul:FILE, files:GLOB or range:FIRST-LAST (- is standard "
     "input)",
     "a file name or a kind is missing: write lines:FILE, nul:FILE or none (- is standard output)"},
	{"lines:", "'lines:' needs an argument: write lines:FILE", "'lines:' needs an argument: write lines:FILE"},
	{"nul:", "'nul:' needs an argument: write nul:FILE", "'nul:' needs an argument: write nul:FILE"},
	{"line:x", "'line' isn't a kind, did you mean 'lines:x'? For a file of that name, write lines:line:x",
     "'line' isn't a kind, did you mean 'lines:x'? For a file of that name, write lines:line:x"},
	{"rang:1-3", "'rang' isn't a kind, did you mean 'range:1-3'? For a file of that name, write lines:rang:1-3",
     "'rang' isn't a kind, did you mean 'range:1-3'? For a file of that name, write lines:rang:1-3"},
};

static const struct {
	const char *text;
	int64_t first, last, step;
	const char *error;
} ranges[] = {
	{"range:1-10", 1, 10, 1, NULL},
	{"range:1-10/2", 1, 10, 2, NULL},
	{"range:10-1/-3", 10, 1, -3, NULL},
	{"range:-5--1", -5, -1, 1, NULL},
	{"range:-5-5/5", -5, 5, 5, NULL},
	{"range:5-1", 5, 1, 1, NULL},
	{"range:1-1M", 1, 1000000, 1, NULL},
	{"range:0-9223372036854775807", 0, INT64_MAX, 1, NULL},
	{"range:-9223372036854775808-0", INT64_MIN, 0, 1, NULL},
	{"range:", 0, 0, 0, "'range:' isn't a range: write range:FIRST-LAST or range:FIRST-LAST/STEP, as in range:1-100/5"},
	{"range:7", 0, 0, 0,
     "'range:7' isn't a range: write range:FIRST-LAST or range:FIRST-LAST/STEP, as in range:1-100/5"},
	{"range:-7", 0, 0, 0,
     "'range:-7' isn't a range: write range:FIRST-LAST or range:FIRST-LAST/STEP, as in range:1-100/5"},
	{"range:1-", 0, 0, 0,
     "'range:1-' isn't a range: write range:FIRST-LAST or range:FIRST-LAST/STEP, as in range:1-100/5"},
	{"range:1-/2", 0, 0, 0,
     "'range:1-/2' isn't a range: write range:FIRST-LAST or range:FIRST-LAST/STEP, as in range:1-100/5"},
	{"range:1/2-3", 0, 0, 0,
     "'range:1/2-3' isn't a range: write range:FIRST-LAST or range:FIRST-LAST/STEP, as in range:1-100/5"},
	{"range:1-2/0", 0, 0, 0, "range:1-2/0: a step of 0 never ends: use at least 1, or -1 to count down"},
	{"range:1-2/", 0, 0, 0, "range:1-2/: '' isn't a whole number (expected one such as 8)"},
	{"range:a-b", 0, 0, 0, "range:a-b: 'a' isn't a whole number (expected one such as 8)"},
	{"range:1-9223372036854775808", 0, 0, 0,
     "range:1-9223372036854775808: '9223372036854775808' is too large: expected at most 9223372036854775807"},
};

/* The description, or the error's text. */
static void is_read_as(const char *text, enum endpoint_role role, const char *want)
{
	struct endpoint endpoint = {.place = {.line = 7}};
	struct err err;
	struct buf buf = {0};
	const char *name = role == ENDPOINT_SOURCE ? "source" : "sink";
	if (endpoint_parse(&endpoint, text, role, &err)) {
		is_str(err.text, want, "%s '%s' is refused", name, text);
		is_int(endpoint.kind, ENDPOINT_WRONG, "%s '%s': nothing was set", name, text);
		return;
	}
	ok(endpoint_describe(&endpoint, &buf) == 0 && buf_append(&buf, "", 1) == 0, "%s '%s' can be described", name, text);
	is_str(buf.bytes, want, "%s '%s' is read", name, text);
	is_int(endpoint.place.line, 7, "%s '%s': the place is kept", name, text);
	buf_fini(&buf);
	endpoint_fini(&endpoint);
}

static void test_ranges(void)
{
	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		struct endpoint range = {0};
		struct err err;
		if (endpoint_parse(&range, ranges[i].text, ENDPOINT_SOURCE, &err)) {
			is_str(err.text, ranges[i].error, "%s is refused", ranges[i].text);
			continue;
		}
		is_str(NULL, ranges[i].error, "%s is a range", ranges[i].text);
		ok(range.first == ranges[i].first && range.last == ranges[i].last && range.step == ranges[i].step,
		   "%s goes from %" PRId64 " to %" PRId64 " by %" PRId64, ranges[i].text, range.first, range.last, range.step);
		endpoint_fini(&range);
	}
}

static void test_kinds(void)
{
	static const struct {
		const char *text;
		char delimiter;
		bool is_standard, is_file;
	} facts[] = {
		{"lines:x", '\n', false, true}, {"nul:x", '\0', false, true},    {"-", '\n', true, false},
		{"nul:-", '\0', true, false},   {"files:-", '\0', false, false}, {"range:1-2", '\n', false, false},
	};
	for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++) {
		struct endpoint endpoint = {0};
		struct err err;
		ok(endpoint_parse(&endpoint, facts[i].text, ENDPOINT_SOURCE, &err) == 0, "%s is read", facts[i].text);
		is_int(endpoint_delimiter(&endpoint), facts[i].delimiter, "%s: the delimiter", facts[i].text);
		is_int(endpoint_is_standard(&endpoint), facts[i].is_standard, "%s: standard input?", facts[i].text);
		is_int(endpoint_is_file(&endpoint), facts[i].is_file, "%s: a file?", facts[i].text);
		endpoint_fini(&endpoint);
	}
}

/* A head that looks like a kind, but such a file is there. */
static void test_existing_file(void)
{
	char folder[TAP_PATH_BYTES], path[TAP_BESIDE_BYTES];
	tap_template(folder, "endpoint");
	ok(mkdtemp(folder) != NULL && chdir(folder) == 0, "a folder to try it in");
	FILE *file = fopen("line:x", "we");
	ok(file && fclose(file) == 0, "a file called line:x");
	is_read_as("line:x", ENDPOINT_SOURCE, "lines:line:x");
	snprintf(path, sizeof(path), "%s/line:x", folder);
	ok(unlink(path) == 0 && rmdir(folder) == 0, "both are gone again");
}

int main(void)
{
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		is_read_as(texts[i].text, ENDPOINT_SOURCE, texts[i].source);
		is_read_as(texts[i].text, ENDPOINT_SINK, texts[i].sink);
	}
	test_ranges();
	test_kinds();
	test_existing_file();
	return tap_done();
}
