/* SPDX-License-Identifier: Apache-2.0 */
/* plugin_info: descriptions that are right and what is read from them, and wrong ones with what is said. */
#include "config.h"

#include "core/plan/plugin_info.h"

#include "tests/tap.h"

#define HEAD "rota-plugin\t1\t/p/x.so\nname\tx\nversion\t1.2\nsummary\twhat it\\tdoes\n"

static const struct {
	const char *what, *text, *error;
} bad[] = {
	{"nothing", "", "its description ends too early"},
	{"no end", HEAD "flags\n", "its description ends too early"},
	{"no newline at the end", HEAD "flags\nend", "its description isn't a text of records"},
	{"noise before it", "hello\n" HEAD "flags\nend\n", "its description is invalid at record 'hello' with 1 fields"},
	{"noise behind it", HEAD "flags\nend\nhello\n", "its description is invalid at record 'hello' with 1 fields"},
	{"an empty line", HEAD "\nflags\nend\n", "its description is invalid at record '' with 1 fields"},
	{"another ABI", "rota-plugin\t7\t/p\n", "it was built for plugin ABI 7, but this rota has 1: compile it again"},
	{"no number", "rota-plugin\t-1\t/p\n", "'-1' isn't an ABI number"},
	{"a huge number", "rota-plugin\t99999999999999999999\t/p\n", "'99999999999999999999' isn't an ABI number"},
	{"too few fields", "rota-plugin\t1\n", "its description is invalid at record 'rota-plugin' with 2 fields"},
	{"the wrong order", "rota-plugin\t1\t/p\nversion\t1\n",
     "its description is invalid at record 'version' with 2 fields"},
	{"a record twice", "rota-plugin\t1\t/p\nname\tx\nname\ty\n",
     "its description is invalid at record 'name' with 2 fields"},
	{"no name", "rota-plugin\t1\t/p\nname\t\n", "it has no name"},
	{"an unknown flag", HEAD "flags\tfast\nend\n", "flag 'fast' isn't known"},
	{"flush behind an option", HEAD "flags\noption\ta\tint\t1\t1\t\t0\t\t\nflush\nend\n",
     "its description is invalid at record 'flush' with 1 fields"},
	{"an unknown type", HEAD "flags\noption\ta\tfloat\t1\t1\t\t0\t\t\nend\n", "option 'a': 'float' isn't a type"},
	{"neither 0 nor 1", HEAD "flags\noption\ta\tint\t2\t1\t\t0\t\t\nend\n", "found '2' instead of 0 or 1"},
	{"a default of another type", HEAD "flags\noption\ta\tint\t1\tx\t\t0\t\t\nend\n",
     "option 'a': default: 'x' isn't a whole number (expected one such as 8)"},
	{"an option twice", HEAD "flags\noption\ta\tint\t1\t1\t\t0\t\t\noption\ta\tint\t1\t1\t\t0\t\t\nend\n",
     "option 'a' appears twice in the table"},
};

static int parse(const char *text, struct plugin_info *ret, struct err *err)
{
	size_t n = strlen(text);
	/* Of exactly that size, so that reading past it is seen by a sanitizer. */
	char *copy = malloc(n + 1);
	memcpy(copy, text, n);
	char *exact = realloc(copy, n ? n : 1);
	int rc = plugin_info_parse(ret, exact, n, err);
	free(exact);
	return rc;
}

static void test_bad(void)
{
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct plugin_info info = {.n_options = 77};
		struct err err;
		is_int(parse(bad[i].text, &info, &err), -1, "%s is refused", bad[i].what);
		is_str(err.text, bad[i].error, "%s: it is said why", bad[i].what);
		is_int(info.n_options, 77, "%s: nothing was set", bad[i].what);
	}
}

static void test_good(void)
{
	struct plugin_info info;
	struct err err;
	is_int(parse(HEAD "flags\tpure\tthread-safe\nflush\n"
	                  "option\tms\tint\t1\t10\thow\\nlong\t1\t0..100\tms\n"
	                  "option\tmode\tchoice\t0\t\t\t1\ta,b\t\nend\n",
	             &info, &err),
	       -1, "help of several lines");
	is_str(err.text, "option 'ms': help has several lines (expected one)", "is refused");

	is_int(parse(HEAD "flags\tpure\tthread-safe\nflush\n"
	                  "option\tms\tint\t1\t10\thow long\t1\t0..100\tms\n"
	                  "option\tmode\tchoice\t0\t\t\t1\ta,b\t\nend\n",
	             &info, &err),
	       0, "a whole description is read");
	is_str(info.file, "/p/x.so", "the file");
	is_str(info.name, "x", "the name");
	is_str(info.version, "1.2", "the version");
	is_str(info.summary, "what it\tdoes", "the summary");
	ok(info.is_pure && info.is_thread_safe && !info.is_tidy && info.has_flush, "the flags");
	is_int(info.n_options, 2, "two options");
	is_str(info.options[0].name, "ms", "the first one's name");
	is_int(info.options[0].type, OPTION_INT, "its type");
	is_str(info.options[0].fallback, "10", "its default");
	is_str(info.options[0].help, "how long", "its help");
	is_str(info.options[0].range, "0..100", "its range");
	is_str(info.options[0].unit, "ms", "its unit");
	is_str(info.options[1].fallback, NULL, "the second one has no default");
	is_str(info.options[1].unit, NULL, "and no unit");
	is_str(info.options[2].name, NULL, "the table has its end");
	plugin_info_fini(&info);

	is_int(parse(HEAD "flags\nend\n", &info, &err), 0, "a description without options is read");
	is_int(info.n_options, 0, "it has none");
	is_str(info.options[0].name, NULL, "and the table has its end");
	plugin_info_fini(&info);
}

/* Every truncation of a description is refused. */
static void test_cut(void)
{
	static const char text[] = HEAD "flags\tpure\noption\tms\tint\t1\t10\thow long\t1\t0..100\tms\nend\n";
	size_t n_taken = 0;
	for (size_t n = 0; n + 1 < sizeof(text); n++) {
		struct plugin_info info;
		struct err err;
		char cut[sizeof(text)] = "";
		memcpy(cut, text, n);
		if (parse(cut, &info, &err) == 0) {
			n_taken++;
			plugin_info_fini(&info);
		}
	}
	is_int(n_taken, 0, "no truncation is taken for a description");
}

int main(void)
{
	test_bad();
	test_good();
	test_cut();
	return tap_done();
}
