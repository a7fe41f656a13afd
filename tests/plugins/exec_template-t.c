/* SPDX-License-Identifier: Apache-2.0 */
/* exec_template: replacement strings as GNU parallel has them; rows, names and positions; scripts; what is too much. */
#define _GNU_SOURCE 1
#include "plugins/exec_template.h"

#include "tests/tap.h"

#include <errno.h>

static struct words words;

/* The arguments with | between them. item: as rows have it. */
static const char *filled(const struct template_options *options, const char *item, const char *const *command,
                          size_t n_words)
{
	static char text[4096];
	struct values values = {.has_rows = options->has_rows,
	                        .has_header = options->has_header,
	                        .slot = 3,
	                        .seq = UINT64_C(12)};
	struct template template;
	must(template_compile(&template, options, command, n_words) == 0);
	must(values_take(&values, item, strlen(item)) == 0);
	words_begin(&words);
	if (options->kind != TEMPLATE_WORDS)
		words_next(&words);
	template_fill(&template, &values, &words);
	must(words_end(&words) == 0);
	size_t n = 0;
	text[0] = '\0';
	for (char **arg = words.argv; *arg; arg++)
		n += (size_t)snprintf(text + n, sizeof text - n, "%s%s", arg > words.argv ? "|" : "", *arg);
	must(!words.argv[words.n]);
	template_fini(&template);
	values_fini(&values);
	return text;
}

#define FILLED(options, item, ...) \
	filled(options, item, (const char *const[]){__VA_ARGS__}, \
	       sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

static const struct template_options plain = {.replace = "{}", .appends = true};
static const struct template_options rows = {.replace = "{}", .appends = true, .has_rows = true};
static const struct template_options repeats = {.replace = "{}",
                                                .appends = true,
                                                .has_rows = true,
                                                .repeats_words = true};
static const struct template_options names = {.replace = "{}", .appends = true, .has_rows = true, .has_header = true};

static void check_cuts(void)
{
	static const struct {
		const char *value, *cut; /* {.} {/} {//} {/.} {..} {/..} */
	} cases[] = {
		{"dir/file.txt", "dir/file|file.txt|dir|file|dir/file|file"},
		{"/tmp/a.b/subdir/file", "/tmp/a.b/subdir/file|file|/tmp/a.b/subdir|file|/tmp/a.b/subdir/file|file"},
		{"a.tar.gz", "a.tar|a.tar.gz|.|a.tar|a|a"},
		{"d.e/a.tar.gz", "d.e/a.tar|a.tar.gz|d.e|a.tar|d.e/a|a"},
		{"file", "file|file|.|file|file|file"},
		{"/file", "/file|file|/|file|/file|file"},
		{"a/b/", "a/b/||a||a/b/|"},
		{"a//b", "a//b|b|a|b|a//b|b"},
		{"/", "/||/||/|"},
		{"//", "//||/||//|"},
		{"", "||.|||"},
		{".profile", "|.profile|.|||"},
		{"a.", "a|a.|.|a|a|a"},
		{"\xe4\xb8\xad (\xe5\x9b\xbd)/C's road.jpg",
	     "\xe4\xb8\xad (\xe5\x9b\xbd)/C's road|C's road.jpg|\xe4\xb8\xad (\xe5\x9b\xbd)|C's road|"
	     "\xe4\xb8\xad (\xe5\x9b\xbd)/C's road|C's road"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		is_str(FILLED(&plain, cases[i].value, "{.}", "{/}", "{//}", "{/.}", "{..}", "{/..}"), cases[i].cut, "of '%s'",
		       cases[i].value);
	}
}

static void check_plain(void)
{
	is_str(FILLED(&plain, "a b", "echo"), "echo|a b", "appended where no word has one");
	is_str(FILLED(&plain, "v", "x{}y{}z", "{", "}", "}{"), "xvyvz|{|}|}{", "anywhere, braces alone are nothing");
	is_str(FILLED(&plain, "v", "{{}}", "{}"), "{}|v", "{{}} is a literal one");
	is_str(FILLED(&plain, "v", "{{}}"), "{}|v", "and stands for nothing");
	is_str(FILLED(&plain, "v", "{#}", "{%}"), "12|3", "numbers stand for themselves");
	is_str(FILLED(&plain, "v", "{x}", "{ }", "{a,b}", "{1..3}", "${A}", "{0}", "{01}", "{1"),
	       "{x}|{ }|{a,b}|{1..3}|${A}|{0}|{01}|{1|v", "what is unknown stays");
	is_str(FILLED(&plain, "d/v.c", "{1}", "{1.}", "{-1/}", "{1/.}"), "d/v.c|d/v|v.c|v", "one value has position 1");
	is_str(FILLED(&plain, "v", "x{2}", "{}"), "x{2}|v", "and no item of one has another");
	is_str(FILLED(&plain, "\x1f", "{}"), "\x1f", "without rows a separator is a byte like any other");
	struct template_options other = plain;
	other.replace = "^";
	is_str(FILLED(&other, "b", "repl^ce", "{}", "{{}}", "{.}"), "replbce|{}|{{}}|b", "another string for {}");
	other.replace = "";
	is_str(FILLED(&other, "b", "{}"), "{}|b", "an empty one stands for nothing");
}

static void check_rows(void)
{
	is_str(FILLED(&rows,
	              "A\x1f"
	              "C",
	              "echo"),
	       "echo|A|C", "several values are appended as arguments");
	is_str(FILLED(&rows,
	              "A\x1f"
	              "C",
	              "{}", "x{}y"),
	       "A|C|xA Cy", "{} alone is all of them, in a word with blanks");
	is_str(FILLED(&rows,
	              "a.x\x1f"
	              "b.y",
	              "{2}-{1}", "{2.}", "{-1}", "{-2}"),
	       "b.y-a.x|b|b.y|a.x", "by position");
	is_str(FILLED(&rows, "a", "{2}", "{-3}", "x"), "||x", "nothing where there is none");
	is_str(FILLED(&rows,
	              "a\x1e"
	              "b\x1e"
	              "c",
	              "{3}{2}{1}"),
	       "cba", "rows count as fields do");
	is_str(FILLED(&rows,
	              "a\x10\x5f"
	              "b",
	              "{}"),
	       "a\x1f"
	       "b",
	       "what was written with an escape");
	is_str(FILLED(&repeats,
	              "foo\x1e"
	              "bar",
	              "echo", "1{}2"),
	       "echo|1foo2|1bar2", "a word is repeated for each");
	is_str(FILLED(&repeats,
	              "a.c\x1e"
	              "b.c",
	              "cc", "{.}.o", "-o", "x"),
	       "cc|a.o|b.o|-o|x", "only words with {}");
	is_str(FILLED(&repeats,
	              "a\x1e"
	              "b",
	              "ls"),
	       "ls|a|b", "appended ones, too");
	is_str(FILLED(&repeats,
	              "a\x1e"
	              "b",
	              "{1}", "{#}"),
	       "a|12", "a position is no reason");
}

static void check_names(void)
{
	const char *item = "a\x1f"
					   "b\x1e"
					   "1.2\x1f"
					   "3/4.5";
	is_str(FILLED(&names, item, "{b}", "{a}", "{b/}", "{a.}", "{1}", "{c}"), "3/4.5|1.2|4.5|1|1.2|{c}", "by name");
	is_str(FILLED(&names, item, "echo"), "echo|1.2|3/4.5", "names aren't values");
	is_str(FILLED(&names,
	              "a\x1f"
	              "b\x1e"
	              "1",
	              "{b}", "{a}"),
	       "|1", "a row that is shorter");
}

static void check_scripts(void)
{
	struct template_options script = plain, some = repeats, text = rows;
	script.kind = some.kind = TEMPLATE_SCRIPT;
	text.kind = TEMPLATE_TEXT;
	is_str(FILLED(&script, "it's", "echo {} >{.}.out"), "echo 'it'\\''s' >'it'\\''s'.out", "values are quoted");
	is_str(FILLED(&script, "a b", "wc -l"), "wc -l 'a b'", "appended ones, too");
	is_str(FILLED(&script, "a b", "echo", "{}", ">x"), "echo 'a b' >x", "several words are joined");
	is_str(FILLED(&some,
	              "a\x1e"
	              "b c",
	              "echo x{}y  done; ls"),
	       "echo xay x'b c'y  done; ls", "words of it are repeated");
	text.appends = false;
	is_str(FILLED(&text,
	              "a b\x1f"
	              "c",
	              "{}"),
	       "a b c", "a text is one argument, as it is");
	is_str(FILLED(&text, "a", "x-{}", "y"), "x-a y", "and its words are joined");
}

static void check_limits(void)
{
	static char large[COMMAND_BYTES_MAX / 2 + 1];
	struct values values = {0};
	struct template template;
	const char *word = "{}{}";
	memset(large, 'x', sizeof large);
	must(template_compile(&template, &plain, &word, 1) == 0);
	must(values_take(&values, large, sizeof large) == 0);
	words_begin(&words);
	template_fill(&template, &values, &words);
	is_int(words_end(&words), E2BIG, "more than a command can have is told");
	must(values_take(&values, "x", 1) == 0);
	words_begin(&words);
	template_fill(&template, &values, &words);
	is_int(words_end(&words), 0, "and forgotten with the next");
	template_fini(&template);
	ok(!values_have_nul(&values), "no NUL");
	must(values_take(&values, "x\0y", 3) == 0);
	ok(values_have_nul(&values), "a NUL inside is seen");
}

int main(void)
{
	check_cuts();
	check_plain();
	check_rows();
	check_names();
	check_scripts();
	check_limits();
	words_fini(&words);
	return tap_done();
}
