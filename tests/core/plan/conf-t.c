/* SPDX-License-Identifier: Apache-2.0 */
/* conf: bad texts and exactly what is said about them, good ones and their nodes; then truncated and mutated ones. */
#include "config.h"

#include "core/plan/conf.h"

#include "tests/nomemory.h"
#include "tests/tap.h"

#include <stdint.h>

static const char sample[] = "# a comment\n"
							 "run:\n"
							 "  trust-path: no\n"
							 "jobs:\n"
							 "  first: {plugin: sleep, options: {ms: 1, spin: 'no'}, after: [a, \"b\\n\"]}\n"
							 "  second:\n"
							 "    plugin: exec\n"
							 "    options:\n"
							 "      command:\n"
							 "        - printf\n"
							 "        - \"%s \\u00e4\"\n"
							 "    input: >-\n"
							 "      lines:x\n"
							 "    output: |\n"
							 "      a\n"
							 "      b\n"
							 "    jobs: 2 # two\n"
							 "  ? third\n"
							 "  : plugin: upper\n";

static const struct {
	const char *what, *text, *errors; /* one a line */
} bad[] = {
	{"a key twice", "a: 1\nb: 2\n\na: 3\n", "t.yaml:4:1: key 'a' is already in line 1: remove one of them\n"},
	{"two keys twice, one three times", "a: 1\nb: 2\na: 3\nb: 4\na: 5\n",
     "t.yaml:3:1: key 'a' is already in line 1: remove one of them\n"
     "t.yaml:5:1: key 'a' is already in line 1: remove one of them\n"
     "t.yaml:4:1: key 'b' is already in line 2: remove one of them\n"},
	{"a key twice further down", "j:\n  a: {x: 1, y: 2, x: 3}\n",
     "t.yaml:2:19: key 'x' is already in line 2: remove one of them\n"},
	{"an anchor", "a: &name 1\n",
     "t.yaml:1:4: anchors (&name) aren't allowed in a conf file: write the value where it is needed\n"},
	{"an anchor and an alias", "a: &n [1]\nb: *n\n",
     "t.yaml:1:4: anchors (&n) aren't allowed in a conf file: write the value where it is needed\n"
     "t.yaml:2:4: aliases (*n) aren't allowed in a conf file: write the value where it is needed\n"},
	{"a tag", "a: !x 1\n", "t.yaml:1:4: tags (!x) aren't allowed in a conf file: write the bare value\n"},
	{"a tag of YAML's own", "a: !!int 1\n",
     "t.yaml:1:4: tags (tag:yaml.org,2002:int) aren't allowed in a conf file: write the bare value\n"},
	{"a list as a key", "? [a]\n: 1\n", "t.yaml:1:3: a list can't be a key: write KEY: VALUE\n"},
	{"two documents", "a: 1\n---\nb: 1\n",
     "t.yaml:2:1: a second document starts here: a conf file must be one document, without --- in the middle\n"},
	{"a tab", "a:\n  b: 1\n\tc: 2\n", "t.yaml:3:1: YAML does not allow tabs for indentation: use spaces\n"},
	{"a tab behind blanks", "a:\n  \tb: 1\n", "t.yaml:2:3: YAML does not allow tabs for indentation: use spaces\n"},
	{"no end of a list", "a:\n  b: [1, 2\n",
     "t.yaml:3:1: not valid YAML: did not find expected ',' or ']', while parsing a flow sequence from line 2\n"},
	{"no end of a string", "a: \"x\n",
     "t.yaml:2:1: not valid YAML: found unexpected end of stream, while scanning a "
     "quoted scalar from line 1\n"},
	{"a key in a value", "a: b: c\n", "t.yaml:1:5: not valid YAML: mapping values are not allowed in this context\n"},
	{"a NUL that is escaped", "a: \"x\\0y\"\n", "t.yaml:1:4: a text in a conf file can't contain a NUL\n"},
	{"a byte that is no UTF-8", "a: 1\nb: \xc3\xa4\xff\n",
     "t.yaml:2:5: byte 0xff isn't valid UTF-8: a conf file is YAML in UTF-8\n"},
	{"a cut character", "a: \xe2\x82", "t.yaml:1:4: byte 0xe2 isn't valid UTF-8: a conf file is YAML in UTF-8\n"},
	{"a character too long", "\xc0\x80", "t.yaml:1:1: byte 0xc0 isn't valid UTF-8: a conf file is YAML in UTF-8\n"},
	{"half a surrogate", "\xed\xa0\x80", "t.yaml:1:1: byte 0xed isn't valid UTF-8: a conf file is YAML in UTF-8\n"},
	{"UTF-16",
     "\xff\xfe"
     "a",
     "t.yaml:1:1: byte 0xff isn't valid UTF-8: a conf file is YAML in UTF-8\n"},
	{"a control character", "a: \x1b[1m\n",
     "t.yaml:1:4: character U+001B isn't allowed in a conf file: it is YAML, plain text\n"},
	{"a mark in the middle", "a: \xef\xbb\xbf\n",
     "t.yaml:1:4: character U+FEFF isn't allowed in a conf file: it is YAML, plain text\n"},
	{"lines ended by CR LF", "a: 1\r\nb: 1\r\na: 2\r\n",
     "t.yaml:3:1: key 'a' is already in line 1: remove one of them\n"},
	{"too deep", "[[[[[[[[[[[[[[[[[x]]]]]]]]]]]]]]]]]",
     "t.yaml:1:17: more than 16 levels deep: a conf file needs four\n"},
	{"too deep by maps", "{a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: 1}}}}}}}}}}}}}}}}}",
     "t.yaml:1:62: more than 16 levels deep: a conf file needs four\n"},
};

/* The errors' texts, one a line; malloc'ed. */
static char *errors_join(const struct err_list *errors)
{
	size_t n = 1;
	for (size_t i = 0; i < errors->n_errs; i++)
		n += strlen(errors->errs[i].text) + 1;
	char *text = calloc(n, 1);
	for (size_t i = 0; text && i < errors->n_errs; i++)
		strcat(strcat(text, errors->errs[i].text), "\n");
	return text;
}

static void test_bad(void)
{
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct err_list errors = {0};
		struct conf *conf = NULL;
		conf_parse(&conf, "t.yaml", bad[i].text, strlen(bad[i].text), &errors);
		char *seen = errors_join(&errors);
		is_str(seen, bad[i].errors, "%s", bad[i].what);
		free(seen);
		conf_destroy(&conf);
		err_list_fini(&errors);
	}
}

/* Nodes as text: {key@line:column=value@line:column, ...}, [..., ...]. */
static void node_print(const struct conf_node *node, FILE *out)
{
	if (node->key)
		fprintf(out, "%s@%zu:%zu=", node->key, node->key_place.line, node->key_place.column);
	if (node->kind == CONF_TEXT)
		fprintf(out, "'%s'", node->text);
	if (node->kind == CONF_WRONG)
		fputs("wrong", out);
	if (node->kind == CONF_LIST || node->kind == CONF_MAP) {
		fputs(node->kind == CONF_LIST ? "[" : "{", out);
		for (size_t i = 0; i < node->n_children; i++) {
			fputs(i ? ", " : "", out);
			node_print(&node->children[i], out);
		}
		fputs(node->kind == CONF_LIST ? "]" : "}", out);
	}
	fprintf(out, "@%zu:%zu", node->place.line, node->place.column);
}

static const struct {
	const char *what, *text, *nodes; /* NULL: none */
} good[] = {
	{"nothing", "", NULL},
	{"a comment", "# hello\n", NULL},
	{"an empty document", "---\n", "''@2:1"},
	{"a text", "hello", "'hello'@1:1"},
	{"a mark at the start",
     "\xef\xbb\xbf"
     "a: 1",
     "{a@1:1='1'@1:4}@1:1"},
	{"values are texts", "a: yes\nb: 0x10\nc: ~\nd:\ne: ''\n",
     "{a@1:1='yes'@1:4, b@2:1='0x10'@2:4, c@3:1='~'@3:4, d@4:1=''@4:3, e@5:1=''@5:4}@1:1"},
	{"lists", "a: [x, 'y, z', []]\nb:\n- 1\n- {c: d}\n",
     "{a@1:1=['x'@1:5, 'y, z'@1:8, []@1:16]@1:4, b@2:1=['1'@3:3, {c@4:4='d'@4:7}@4:3]@3:1}@1:1"},
	{"columns count characters", "\xc3\xa4: \xe2\x82\xac\n\"\xc3\xb6\": x\n",
     "{\xc3\xa4@1:1='\xe2\x82\xac'@1:4, \xc3\xb6@2:1='x'@2:6}@1:1"},
	{"what is wrong is passed over", "a: &x 1\nb: !t {c: d}\ne: 2\ne: 3\n",
     "{a@1:1=wrong@1:4, b@2:1=wrong@2:4, e@3:1='2'@3:4, e@4:1=wrong@4:4}@1:1"},
	{"sixteen levels", "[[[[[[[[[[[[[[[x]]]]]]]]]]]]]]]",
     "[[[[[[[[[[[[[[['x'@1:16]@1:15]@1:14]@1:13]@1:12]@1:11]@1:10]@1:9]@1:8]@1:7]@1:6]@1:5]@1:4]@1:3]@1:2]@1:1"},
};

static void test_good(void)
{
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct err_list errors = {0};
		struct conf *conf = NULL;
		char *seen = NULL;
		size_t n_seen = 0;
		is_int(conf_parse(&conf, "t.yaml", good[i].text, strlen(good[i].text), &errors), 0, "%s is read", good[i].what);
		if (conf && conf_root(conf)) {
			FILE *out = open_memstream(&seen, &n_seen);
			node_print(conf_root(conf), out);
			fclose(out);
		}
		is_str(seen, good[i].nodes, "%s", good[i].what);
		free(seen);
		conf_destroy(&conf);
		err_list_fini(&errors);
	}
}

/* Reads text that has been damaged; true when it gave nodes or at least one error, and not neither. */
static bool is_answered(const char *text, size_t n_bytes)
{
	struct err_list errors = {0};
	struct conf *conf = NULL;
	/* A copy of exactly that size, so that reading past it is seen by a sanitizer. */
	char *copy = malloc(n_bytes ? n_bytes : 1);
	memcpy(copy, text, n_bytes);
	int rc = conf_parse(&conf, "t.yaml", copy, n_bytes, &errors);
	bool is_sane = rc == 0 ? conf != NULL : conf == NULL && errors.n_errs > 0;
	for (size_t i = 0; i < errors.n_errs; i++)
		is_sane &= strncmp(errors.errs[i].text, "t.yaml:", 7) == 0;
	free(copy);
	conf_destroy(&conf);
	err_list_fini(&errors);
	return is_sane;
}

static uint32_t random_next(void)
{
	static uint32_t state = 2463534242u;
	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	return state;
}

static void test_damaged(void)
{
	static const char marks[] = "{}[],:?-&*!|>'\"%@`#\n\t \\~";
	size_t n_bytes = sizeof(sample) - 1, n_bad = 0;
	for (size_t n = 0; n <= n_bytes; n++)
		n_bad += !is_answered(sample, n);
	is_int(n_bad, 0, "every truncation is answered");
	n_bad = 0;
	for (unsigned i = 0; i < 2000; i++) {
		char text[sizeof(sample)];
		memcpy(text, sample, sizeof(sample));
		for (uint32_t k = 1 + random_next() % 8; k > 0; k--) {
			uint32_t byte = random_next();
			text[random_next() % n_bytes] = byte & 0x100 ? marks[byte % (sizeof(marks) - 1)] : (char)byte;
		}
		n_bad += !is_answered(text, n_bytes);
	}
	is_int(n_bad, 0, "2,000 mutations are answered");
}

static void test_limits(void)
{
	struct err_list errors = {0};
	struct conf *conf = NULL;
	char *large = malloc(CONF_MAX_BYTES + 1);
	memset(large, '#', CONF_MAX_BYTES + 1);
	is_int(conf_parse(&conf, "t.yaml", large, CONF_MAX_BYTES + 1, &errors), -1, "a file of more than 1 MB is refused");
	is_str(errors.n_errs ? errors.errs[0].text : NULL,
	       "t.yaml: larger than 1 MB, the limit of a conf file: if it has many items, put them into an input",
	       "and it is said why");
	is_int(conf_parse(&conf, "t.yaml", large, CONF_MAX_BYTES, &errors), 0, "one of 1 MB isn't");
	conf_destroy(&conf);
	err_list_fini(&errors);
	for (size_t i = 0; i + 3 <= CONF_MAX_BYTES; i += 3)
		memcpy(large + i, "a:\n", 3);
	is_int(conf_parse(&conf, "t.yaml", large, CONF_MAX_BYTES / 3 * 3, &errors), 0,
	       "a third of a million keys are read");
	is_int(errors.n_errs, PLACE_MAX_ERRORS + 1, "and not every one that stands twice is listed");
	is_str(errors.errs[PLACE_MAX_ERRORS].text, "t.yaml: more than 100 errors: the others aren't shown",
	       "which is said");
	conf_destroy(&conf);
	err_list_fini(&errors);
	free(large);
}

static void test_files(void)
{
	struct err_list errors = {0};
	struct conf *conf = NULL;
	is_int(conf_read(&conf, "/nonexistent/t.yaml", &errors), -1, "a file that isn't there");
	is_str(errors.errs[0].text, "/nonexistent/t.yaml: the conf file can't be opened: No such file or directory",
	       "is named");
	is_int(conf_read(&conf, "/", &errors), -1, "a folder");
	is_str(errors.errs[1].text, "/: a directory, not a conf file", "is said to be one");
	is_int(conf_read(&conf, "/dev/null", &errors), 0, "an empty file is read");
	ok(conf && !conf_root(conf), "and has no node");
	conf_destroy(&conf);
	is_int(conf_read(&conf, "/dev/zero", &errors), -1, "a file without end is refused");
	is_int(conf_read(&conf, "/proc/self/mem", &errors), -1, "one whose first byte can't be read");
	is_str(errors.errs[errors.n_errs - 1].text, "/proc/self/mem: the conf file can't be read: Input/output error",
	       "is named, with the reason");
	err_list_fini(&errors);
}

/* Each allocation fails once: that is said, and nothing is half there. */
static void test_memory(bool is_file)
{
	long at = 0, n_wrong = 0;
	bool has_failed;
	do {
		struct err_list errors = {0};
		struct conf *conf = NULL;
		nomemory_begin(++at, false);
		int result = is_file ? conf_read(&conf, "/dev/null", &errors)
		                     : conf_parse(&conf, "t.yaml", sample, sizeof(sample) - 1, &errors);
		has_failed = nomemory_end();
		n_wrong += has_failed ? result != -1 || conf || errors.n_errs != 1 || errors.errs[0].code != ERR_RESOURCE
		                      : result != 0;
		conf_destroy(&conf);
		err_list_fini(&errors);
	} while (has_failed);
	ok(at > 3 && n_wrong == 0, "%s: read, or memory is short: %ld places", is_file ? "a file" : "a text", at - 1);
}

int main(void)
{
	test_bad();
	test_good();
	test_damaged();
	test_limits();
	test_files();
	if (NOMEMORY_IS_KNOWN) {
		test_memory(false);
		test_memory(true);
	} else {
		skip("a sanitizer has its own malloc");
	}
	return tap_done();
}
