/* SPDX-License-Identifier: Apache-2.0 */
/* option: texts and what they mean or why they are refused; tables. */
#include "config.h"

#include "core/base/option.h"

#include "tests/tap.h"

#define N(array) (sizeof(array) / sizeof((array)[0]))

#define US INT64_C(1000)
#define MS INT64_C(1000000)
#define SEC INT64_C(1000000000)
#define MIN (60 * SEC)
#define HOUR (60 * MIN)
#define DAY (24 * HOUR)

static void test_numbers(void)
{
	static const struct {
		enum option_type type;
		const char *text;
		int64_t want;
	} cases[] = {
		{OPTION_INT, "0", 0},
		{OPTION_INT, "-0", 0},
		{OPTION_INT, "-12", -12},
		{OPTION_INT, "007", 7},
		{OPTION_INT, "0x1f", 31},
		{OPTION_INT, "0XfF", 255},
		{OPTION_INT, "-0x10", -16},
		{OPTION_INT, "10k", 10000},
		{OPTION_INT, "10K", 10000},
		{OPTION_INT, "3M", 3000000},
		{OPTION_INT, "-2G", INT64_C(-2000000000)},
		{OPTION_INT, "9223372036854775807", INT64_MAX},
		{OPTION_INT, "-9223372036854775808", INT64_MIN},
		{OPTION_INT, "0x7fffffffffffffff", INT64_MAX},
		{OPTION_INT, "-0x8000000000000000", INT64_MIN},
		{OPTION_INT, "9223372036G", INT64_C(9223372036000000000)},
		{OPTION_STRING, "", 0},
		{OPTION_STRING, "any, \\thing", 0},
		{OPTION_BOOL, "yes", 1},
		{OPTION_BOOL, "No", 0},
		{OPTION_BOOL, "TRUE", 1},
		{OPTION_BOOL, "false", 0},
		{OPTION_BOOL, "on", 1},
		{OPTION_BOOL, "off", 0},
		{OPTION_BOOL, "1", 1},
		{OPTION_BOOL, "0", 0},
		{OPTION_SIZE, "0", 0},
		{OPTION_SIZE, "4096", 4096},
		{OPTION_SIZE, "12B", 12},
		{OPTION_SIZE, "64k", 65536},
		{OPTION_SIZE, "64K", 65536},
		{OPTION_SIZE, "64Ki", 65536},
		{OPTION_SIZE, "64KiB", 65536},
		{OPTION_SIZE, "64kb", 65536},
		{OPTION_SIZE, "64kib", 65536},
		{OPTION_SIZE, "10MiB", 10485760},
		{OPTION_SIZE, "1m", 1048576},
		{OPTION_SIZE, "1.5G", INT64_C(1610612736)},
		{OPTION_SIZE, "1.50G", INT64_C(1610612736)},
		{OPTION_SIZE, ".5K", 512},
		{OPTION_SIZE, "0.3K", 307},
		{OPTION_SIZE, "0.999999999999999999999999999999K", 1023},
		{OPTION_SIZE, "0.0009765625K", 1},
		{OPTION_SIZE, "2T", INT64_C(2199023255552)},
		{OPTION_SIZE, "8191P", INT64_C(8191) << 50},
		{OPTION_SIZE, "8191.999999999999999P", INT64_MAX - 1},
		{OPTION_SIZE, "9223372036854775807", INT64_MAX},
		{OPTION_DURATION, "0", 0},
		{OPTION_DURATION, "7", 7 * SEC},
		{OPTION_DURATION, "0.25", 250 * MS},
		{OPTION_DURATION, "3ns", 3},
		{OPTION_DURATION, "250us", 250 * US},
		{OPTION_DURATION, "500ms", 500 * MS},
		{OPTION_DURATION, "10s", 10 * SEC},
		{OPTION_DURATION, "1.5m", 90 * SEC},
		{OPTION_DURATION, "2min", 2 * MIN},
		{OPTION_DURATION, "1h", HOUR},
		{OPTION_DURATION, "2d", 2 * DAY},
		{OPTION_DURATION, "0.1s", 100 * MS},
		{OPTION_DURATION, "1.000000001s", SEC + 1},
		{OPTION_DURATION, "0.5us", 500},
		{OPTION_DURATION, "106751d", 106751 * DAY},
	};
	for (size_t i = 0; i < N(cases); i++) {
		struct option_spec spec = {.name = "o", .type = cases[i].type};
		struct option_value value = {0};
		struct err err = {0};
		is_int(option_parse(&spec, cases[i].text, &value, &err), 0, "%s '%s' parses%s", option_type_name(spec.type),
		       cases[i].text, err.text);
		is_int(value.number, cases[i].want, "%s '%s'", option_type_name(spec.type), cases[i].text);
		is_str(value.text, cases[i].text, "and its text is kept");
		option_value_fini(&value);
	}
}

#define NO_INT " isn't a whole number (expected one such as 8)"
#define NO_SIZE " isn't a size (expected one such as 64K, 512M or 2G)"
#define NO_DURATION " isn't a duration (expected one such as 500ms, 10s, 2m or 1h)"

static void test_refused(void)
{
	static const struct {
		enum option_type type;
		const char *range;
		const char *text;
		const char *want;
	} cases[] = {
		{OPTION_INT, NULL, "12x", "'12x'" NO_INT},
		{OPTION_INT, NULL, "", "''" NO_INT},
		{OPTION_INT, NULL, "-", "'-'" NO_INT},
		{OPTION_INT, NULL, "+5", "'+5'" NO_INT},
		{OPTION_INT, NULL, " 5", "' 5'" NO_INT},
		{OPTION_INT, NULL, "5 ", "'5 '" NO_INT},
		{OPTION_INT, NULL, "10 k", "'10 k'" NO_INT},
		{OPTION_INT, NULL, "10kk", "'10kk'" NO_INT},
		{OPTION_INT, NULL, "0x", "'0x'" NO_INT},
		{OPTION_INT, NULL, "0x1k", "'0x1k'" NO_INT},
		{OPTION_INT, NULL, "1.5", "'1.5'" NO_INT},
		{OPTION_INT, NULL, "1e3", "'1e3'" NO_INT},
		{OPTION_INT, NULL, "5\n", "'5\\x0a'" NO_INT},
		{OPTION_INT, NULL, "99999999999999999999x", "'99999999999999999999x'" NO_INT},
		{OPTION_INT, NULL, "9223372036854775808",
	     "'9223372036854775808' is too large: expected at most 9223372036854775807"},
		{OPTION_INT, NULL, "18446744073709551617",
	     "'18446744073709551617' is too large: expected at most 9223372036854775807"},
		{OPTION_INT, NULL, "9223372037G", "'9223372037G' is too large: expected at most 9223372036854775807"},
		{OPTION_INT, NULL, "-9223372036854775809",
	     "'-9223372036854775809' is too small: expected at least -9223372036854775808"},
		{OPTION_INT, "1..64", "900", "'900' is out of range: expected 1..64"},
		{OPTION_INT, "1..64", "0", "'0' is out of range: expected 1..64"},
		{OPTION_INT, "0..", "-1", "'-1' is out of range: expected 0.."},
		{OPTION_BOOL, NULL, "maybe", "'maybe' isn't yes or no (expected one such as yes)"},
		{OPTION_BOOL, NULL, "2", "'2' isn't yes or no (expected one such as yes)"},
		{OPTION_BOOL, NULL, "", "'' isn't yes or no (expected one such as yes)"},
		{OPTION_SIZE, NULL, "", "''" NO_SIZE},
		{OPTION_SIZE, NULL, "10 K", "'10 K'" NO_SIZE},
		{OPTION_SIZE, NULL, "-1", "'-1'" NO_SIZE},
		{OPTION_SIZE, NULL, "K", "'K'" NO_SIZE},
		{OPTION_SIZE, NULL, ".", "'.'" NO_SIZE},
		{OPTION_SIZE, NULL, "1.K", "'1.K'" NO_SIZE},
		{OPTION_SIZE, NULL, "1.5", "'1.5'" NO_SIZE},
		{OPTION_SIZE, NULL, "1.5.5K", "'1.5.5K'" NO_SIZE},
		{OPTION_SIZE, NULL, "1KK", "'1KK'" NO_SIZE},
		{OPTION_SIZE, NULL, "1iB", "'1iB'" NO_SIZE},
		{OPTION_SIZE, NULL, "1KiBs", "'1KiBs'" NO_SIZE},
		{OPTION_SIZE, NULL, "10s", "'10s'" NO_SIZE},
		{OPTION_SIZE, NULL, "0x10", "'0x10'" NO_SIZE},
		{OPTION_SIZE, NULL, "8192P", "'8192P' is too large: expected at most 8191P"},
		{OPTION_SIZE, NULL, "99999999999999999999G", "'99999999999999999999G' is too large: expected at most 8191P"},
		{OPTION_SIZE, NULL, "0.0001K", "'0.0001K' is too small: expected at least 1 byte, or 0"},
		{OPTION_SIZE, "1K..1M", "2M", "'2M' is out of range: expected 1K..1M"},
		{OPTION_SIZE, "1.5K..", "1K", "'1K' is out of range: expected 1.5K.."},
		{OPTION_DURATION, NULL, "", "''" NO_DURATION},
		{OPTION_DURATION, NULL, "-1s", "'-1s'" NO_DURATION},
		{OPTION_DURATION, NULL, "10M", "'10M'" NO_DURATION},
		{OPTION_DURATION, NULL, "10 s", "'10 s'" NO_DURATION},
		{OPTION_DURATION, NULL, "1h30m", "'1h30m'" NO_DURATION},
		{OPTION_DURATION, NULL, "1.5ns", "'1.5ns'" NO_DURATION},
		{OPTION_DURATION, NULL, "soon", "'soon'" NO_DURATION},
		{OPTION_DURATION, NULL, "106752d", "'106752d' is too large: expected at most 106751d"},
		{OPTION_DURATION, NULL, "0.0000000001", "'0.0000000001' is too small: expected at least 1ns, or 0"},
		{OPTION_DURATION, "..10s", "11s", "'11s' is out of range: expected ..10s"},
		{OPTION_CHOICE, "fast,small", "quick", "'quick' isn't a valid choice (expected one of fast,small)"},
		{OPTION_CHOICE, "fast,small", "fas", "'fas' isn't a valid choice (expected one of fast,small)"},
		{OPTION_CHOICE, "fast,small", "fast,small", "'fast,small' isn't a valid choice (expected one of fast,small)"},
		{OPTION_CHOICE, "fast,small", "", "'' isn't a valid choice (expected one of fast,small)"},
		{OPTION_CHOICE, NULL, "x", "'x' isn't a valid choice (expected one of )"},
		{OPTION_INT, "1-64", "5", "the option's range '1-64' isn't a valid range"},
		{(enum option_type)99, NULL, "x", "the option has the unknown type 99"},
	};
	for (size_t i = 0; i < N(cases); i++) {
		struct option_spec spec = {.name = "o", .type = cases[i].type, .range = cases[i].range};
		struct option_value value = {.number = 77};
		struct err err = {0};
		is_int(option_parse(&spec, cases[i].text, &value, &err), -1, "refused: %s", cases[i].want);
		is_str(err.text, cases[i].want, "and says why");
		is_int(err.code, ERR_USAGE, "as a fault of the user's");
		ok(value.number == 77 && !value.text, "and the value is untouched");
	}
}

static void test_ranges(void)
{
	static const struct {
		enum option_type type;
		const char *range;
		const char *text;
	} cases[] = {
		{OPTION_INT, "1..64", "1"},          {OPTION_INT, "1..64", "64"},   {OPTION_INT, "0..", "9223372036854775807"},
		{OPTION_INT, "..-1", "-5"},          {OPTION_INT, "-5..-5", "-5"},  {OPTION_INT, "0x10..1k", "1000"},
		{OPTION_SIZE, "1.5K..2.5K", "2048"}, {OPTION_SIZE, "4K..", "4096"}, {OPTION_DURATION, "..10s", "10000ms"},
		{OPTION_DURATION, "1..1m", "60"},    {OPTION_CHOICE, "a,b,c", "c"}, {OPTION_CHOICE, "only", "only"},
	};
	for (size_t i = 0; i < N(cases); i++) {
		struct option_spec spec = {.name = "o", .type = cases[i].type, .range = cases[i].range};
		struct option_value value = {0};
		struct err err = {0};
		is_int(option_parse(&spec, cases[i].text, &value, &err), 0, "%s is within %s%s", cases[i].text, cases[i].range,
		       err.text);
		option_value_fini(&value);
	}
}

static void test_lists(void)
{
	static const struct {
		const char *text;
		size_t n_want;
		const char *want[3];
	} cases[] = {
		{"", 0, {NULL}},
		{"a", 1, {"a"}},
		{"a,b,c", 3, {"a", "b", "c"}},
		{"a,,c", 3, {"a", "", "c"}},
		{",", 2, {"", ""}},
		{"a,", 2, {"a", ""}},
		{"a\\,b,c", 2, {"a,b", "c"}},
		{"a\\\\,b", 2, {"a\\", "b"}},
		{"\\d+,x\\", 2, {"\\d+", "x\\"}},
		{" a , b", 2, {" a ", " b"}},
	};
	struct option_spec spec = {.name = "o", .type = OPTION_LIST};
	for (size_t i = 0; i < N(cases); i++) {
		struct option_value value = {0};
		struct err err = {0};
		is_int(option_parse(&spec, cases[i].text, &value, &err), 0, "list '%s'", cases[i].text);
		is_int(value.n_elements, cases[i].n_want, "its elements");
		for (size_t j = 0; j < value.n_elements && j < cases[i].n_want; j++)
			is_str(value.elements[j], cases[i].want[j], "element %zu", j);
		ok(!value.text && value.elements && !value.elements[value.n_elements], "a NULL behind them, and no text");
		option_value_fini(&value);
		ok(!value.elements && value.n_elements == 0, "fini");
	}
}

static void test_elements(void)
{
	static const char *const words[] = {"gzip", "-k,9", ""};
	struct option_spec list = {.name = "o", .type = OPTION_LIST}, number = {.name = "o", .type = OPTION_INT};
	struct option_value value = {0};
	struct err err = {0};
	is_int(option_parse_elements(&list, words, 3, &value, &err), 0, "elements one by one");
	is_int(value.n_elements, 3, "as many");
	is_str(value.elements[1], "-k,9", "a comma in one stays");
	is_str(value.elements[2], "", "an empty one");
	option_value_fini(&value);
	is_int(option_parse_elements(&list, NULL, 0, &value, &err), 0, "none");
	ok(value.n_elements == 0 && value.elements && !value.elements[0], "is the empty list");
	option_value_fini(&value);
	is_int(option_parse_elements(&number, (const char *const[]){"5"}, 1, &value, &err), 0, "one element of a number");
	is_int(value.number, 5, "is that number");
	option_value_fini(&value);
	is_int(option_parse_elements(&number, words, 3, &value, &err), -1, "three aren't");
	is_str(err.text, "3 values are given (expected just one: a whole number such as 8)", "and says so");
	is_int(option_parse_elements(&number, words, 0, &value, &err), -1, "nor none");
}

static void test_tables(void)
{
	static const struct {
		struct option_spec specs[3];
		const char *want;
	} cases[] = {
		{{{"jobs", OPTION_INT, "4", "h", "1..", "workers"}, {"x_Y-2", OPTION_STRING, NULL, NULL, NULL, NULL}}, ""},
		{{{NULL, 0, NULL, NULL, NULL, NULL}}, ""},
		{{{"mode", OPTION_CHOICE, "fast", "h", "fast,small", NULL}, {"l", OPTION_LIST, "", "h", NULL, NULL}}, ""},
		{{{"a b", OPTION_INT, NULL, "h", NULL, NULL}},
	     "'a b' isn't a valid option name (expected letters, digits, - and _, not starting with -)"},
		{{{"", OPTION_INT, NULL, "h", NULL, NULL}},
	     "'' isn't a valid option name (expected letters, digits, - and _, not starting with -)"},
		{{{"-x", OPTION_INT, NULL, "h", NULL, NULL}},
	     "'-x' isn't a valid option name (expected letters, digits, - and _, not starting with -)"},
		{{{"x", OPTION_INT, NULL, "h", NULL, NULL}, {"x", OPTION_INT, NULL, "h", NULL, NULL}},
	     "option 'x' appears twice in the table"},
		{{{"x", (enum option_type)8, NULL, "h", NULL, NULL}}, "option 'x': unknown type 8 (expected 1 to 7)"},
		{{{"x", (enum option_type)0, NULL, "h", NULL, NULL}}, "option 'x': unknown type 0 (expected 1 to 7)"},
		{{{"x", OPTION_INT, NULL, "a\nb", NULL, NULL}}, "option 'x': help has several lines (expected one)"},
		{{{"x", OPTION_INT, NULL, "h", "5", NULL}},
	     "option 'x': range '5' isn't valid (expected one such as '1..64', '0..' or '..64')"},
		{{{"x", OPTION_INT, NULL, "h", "..", NULL}},
	     "option 'x': range '..' isn't valid (expected one such as '1..64', '0..' or '..64')"},
		{{{"x", OPTION_INT, NULL, "h", "9..1", NULL}},
	     "option 'x': range '9..1' isn't valid (expected one such as '1..64', '0..' or '..64')"},
		{{{"x", OPTION_SIZE, NULL, "h", "1..2s", NULL}},
	     "option 'x': range '1..2s' isn't valid (expected one such as '1..64', '0..' or '..64')"},
		{{{"x", OPTION_SIZE, NULL, "h", "1s..", NULL}},
	     "option 'x': range '1s..' isn't valid (expected one such as '1..64', '0..' or '..64')"},
		{{{"x", OPTION_STRING, NULL, "h", "1..2", NULL}}, "option 'x': a text has range '1..2' (expected none)"},
		{{{"x", OPTION_CHOICE, NULL, "h", NULL, NULL}},
	     "option 'x': a choice needs its words in range (for example 'fast,small')"},
		{{{"x", OPTION_CHOICE, NULL, "h", "a,,b", NULL}},
	     "option 'x': a choice needs its words in range (for example 'fast,small')"},
		{{{"x", OPTION_CHOICE, NULL, "h", "a, b", NULL}},
	     "option 'x': a choice needs its words in range (for example 'fast,small')"},
		{{{"x", OPTION_INT, "99", "h", "1..9", NULL}}, "option 'x': default: '99' is out of range: expected 1..9"},
		{{{"x", OPTION_CHOICE, "c", "h", "a,b", NULL}},
	     "option 'x': default: 'c' isn't a valid choice (expected one of a,b)"},
	};
	for (size_t i = 0; i < N(cases); i++) {
		struct err err = {0};
		is_int(option_check_table(cases[i].specs, &err), *cases[i].want ? -1 : 0, "table %zu", i);
		is_str(err.text, cases[i].want, "table %zu: what is wrong", i);
	}
	const struct option_spec *specs = cases[0].specs;
	ok(option_find(specs, "x_Y-2") == &specs[1], "find");
	ok(!option_find(specs, "x_y-2"), "find minds the case");
	ok(!option_find(specs, ""), "find nothing");
}

static void test_types(void)
{
	for (enum option_type type = OPTION_STRING; type <= OPTION_LIST; type++)
		is_int(option_type_of(option_type_name(type)), type, "type %d has a name and is found by it", (int)type);
	is_int(option_type_of("integer"), 0, "a type that there isn't");
	is_str(option_type_example(OPTION_SIZE), "a size such as 64K", "an example of a size");
	is_str(option_type_example((enum option_type)0), "a value", "an example of nothing");
	is_str(option_type_name((enum option_type)8), "unknown", "the name of nothing");
}

int main(void)
{
	test_numbers();
	test_refused();
	test_ranges();
	test_lists();
	test_elements();
	test_tables();
	test_types();
	return tap_done();
}
