/* SPDX-License-Identifier: Apache-2.0 */
/* source_files: which files a pattern gives and in which order; odd names, links, folders that can't be read. */
#include "config.h"

#include "core/io/source.h"

#include "core/base/log.h"
#include "scratch.h"
#include "tests/tap.h"

#include <sys/wait.h>

static struct err err;

/* Names are compared, not paths: the folder a comes before a-b and a.c, although '/' is between '.' and '0'. */
static const char *const tree[] = {
	"a/",
	"a/one.c",
	"a/two.h",
	"a/deep/",
	"a/deep/three.c",
	"a/deep/x/",
	"a/deep/x/four.c",
	"a/.hidden/",
	"a/.hidden/five.c",
	"a-b",
	"a.c",
	"b.c",
	"B.c",
	"[x].c",
	"*.c",
	"new\nline.c",
	"sp ace.c",
	"\xff\xfe.c",
	".dot.c",
	"back\\slash.c",
	"q{1,2}.c",
	"z/",
	"z/a",
	"z/b/",
	"z/b/a",
	"z/c",
};

static void make_tree(void)
{
	for (size_t i = 0; i < sizeof(tree) / sizeof(tree[0]); i++) {
		char name[100];

		snprintf(name, sizeof(name), "%s", tree[i]);
		if (name[strlen(name) - 1] == '/')
			must(mkdir(name, 0777) == 0);
		else
			scratch_write(name, "", 0);
	}
	must(symlink("a", "link") == 0);
	must(symlink("../../a", "a/deep/loop") == 0);
	must(symlink("one.c", "a/same.c") == 0);
	must(symlink("nowhere", "a/broken.c") == 0);
	must(mkfifo("a/fifo.c", 0600) == 0);
	must(mkdir("a/folder.c", 0777) == 0);
}

static struct source *open_glob(const char *pattern)
{
	struct endpoint endpoint = {.kind = ENDPOINT_FILES, .argument = strdup(pattern)};
	struct source *source = NULL;

	must(endpoint.argument != NULL);
	err = (struct err){0};
	if (source_open(&source, &endpoint, &err) < 0)
		source = NULL;
	free(endpoint.argument);
	return source;
}

/* The paths that a pattern gives, with "|" behind each. Returns what ended the reading. */
static ssize_t list(const char *pattern, size_t room_bytes, char *ret, size_t n_ret)
{
	struct source *source = open_glob(pattern);
	struct buf seen = {0};
	ssize_t end = -1;

	snprintf(ret, n_ret, "(not opened)");
	if (source == NULL)
		return -1;
	end = scratch_drain(source, room_bytes, &seen, &err);
	for (size_t i = 0; i < seen.len; i++)
		seen.bytes[i] = seen.bytes[i] == '\0' ? '|' : seen.bytes[i];
	snprintf(ret, n_ret, "%.*s", (int)seen.len, seen.len > 0 ? seen.bytes : "");
	buf_fini(&seen);
	source_close(&source);
	return end;
}

static void test_patterns(void)
{
	static const struct {
		const char *pattern, *want;
	} rows[] = {
		{"a/one.c", "a/one.c|"},
		{"./a/one.c", "./a/one.c|"},
		{"a/../a/one.c", "a/../a/one.c|"},
		{"a//one.c", "a/one.c|"},
		{"a/*.c", "a/one.c|a/same.c|"},
		{"a/*", "a/one.c|a/same.c|a/two.h|"},
		{"a/???.?", "a/one.c|a/two.h|"},
		{"?/*.h", "a/two.h|"},
		{"*/*.h", "a/two.h|link/two.h|"},
		{"[!x-z]/one.c", "a/one.c|"},
		{"{z,a}/{two,one}.?", "a/one.c|a/two.h|"},
		{"z/{a,b/a,c}", "(not opened)"},
		{"{a,z}/{a,t{wo,hree}.h}", "a/two.h|z/a|"},
		{"{z,a/**", ""},
		{"q{1,2}.c", ""},
		{"q\\{1,2}.c", "q{1,2}.c|"},
		{"z/**", "z/a|z/b/a|z/c|"},
		{"z/**/*", "z/a|z/b/a|z/c|"},
		{"z/**/**/a", "z/a|z/b/a|"},
		{"**/z/**/a", "z/a|z/b/a|"},
		{"**/b/*", "z/b/a|"},
		{"**/*.h", "a/two.h|"},
		{"a/**/*.c", "a/deep/three.c|a/deep/x/four.c|a/one.c|a/same.c|"},
		{"a/.hidden/**", "a/.hidden/five.c|"},
		{"a/.*/*", "a/.hidden/five.c|"},
		{"a/**/.*/*", "a/.hidden/five.c|"},
		{"link/*.c", "link/one.c|link/same.c|"},
		{"a/deep/*/one.c", "a/deep/loop/one.c|"},
		{"a/deep/loop/deep/loop/*.h", "a/deep/loop/deep/loop/two.h|"},
		{".*", ".dot.c|"},
		{"a*", "a-b|a.c|"},
		{"[[]x].c", "[x].c|"},
		{"\\*.c", "*.c|"},
		{"back\\\\slash.c", "back\\slash.c|"},
		{"?.c", "*.c|B.c|a.c|b.c|"},
		{"n*.c", "new\nline.c|"},
		{"[x", ""},
		{"none/*/x", ""},
		{"a.c/*", ""},
		{"a/broken.c", ""},
		{"a/folder.c", ""},
		{"", "(not opened)"},
		{"/", "(not opened)"},
		{"a/*/", "(not opened)"},
		{"a/**/../x", "(not opened)"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char seen[4096];

		list(rows[i].pattern, 1000, seen, sizeof(seen));
		is_str(seen, rows[i].want, "files:%s", rows[i].pattern);
		list(rows[i].pattern, 1, seen, sizeof(seen));
		is_str(seen, rows[i].want, "files:%s a byte at a time", rows[i].pattern);
	}
}

static void test_all_names(void)
{
	char seen[4096];

	list("*.c", 1000, seen, sizeof(seen));
	is_str(seen, "*.c|B.c|[x].c|a.c|b.c|back\\slash.c|new\nline.c|q{1,2}.c|sp ace.c|\xff\xfe.c|",
	       "odd names, by their bytes");
	list("**", 1000, seen, sizeof(seen));
	is_str(seen,
	       "*.c|B.c|[x].c|a/deep/three.c|a/deep/x/four.c|a/one.c|a/same.c|a/two.h|a-b|a.c|b.c|back\\slash.c|"
	       "new\nline.c|q{1,2}.c|sp ace.c|z/a|z/b/a|z/c|\xff\xfe.c|",
	       "a folder's files stand where its name stands");
}

static void test_absolute(void)
{
	char pattern[4200], want[8400], seen[8400];

	snprintf(pattern, sizeof(pattern), "%s/z/**/a", scratch_path);
	snprintf(want, sizeof(want), "%s/z/a|%s/z/b/a|", scratch_path, scratch_path);
	list(pattern, 100, seen, sizeof(seen));
	is_str(seen, want, "absolute stays absolute");
	is_int(list("/etc/passwd", 100, seen, sizeof(seen)), SOURCE_END, "a plain name at the root ends");
	is_str(seen, "/etc/passwd|", "and is found");
}

static void test_errors(void)
{
	char pattern[5000];

	ok(open_glob("a/*/") == NULL, "a slash at the end is refused");
	is_str(err.text, "files:a/*/: it names a directory; append * for the files in it, or ** for all files below it",
	       "and what to do");
	ok(open_glob("**/../x") == NULL, ".. behind ** is refused");
	is_str(err.text, "files:**/../x: .. can't follow **", "and why");
	ok(open_glob("{a/b,c}") == NULL, "a slash in braces is refused");
	ok(open_glob("{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}") == NULL, "2048 alternatives are refused");
	for (size_t i = 0; i < 130; i++)
		pattern[i] = i % 2 == 0 ? 'a' : '/';
	strcpy(pattern + 130, "x");
	ok(open_glob(pattern) == NULL, "66 folders deep is refused");
	memset(pattern, '{', sizeof(pattern) - 1);
	pattern[sizeof(pattern) - 1] = '\0';
	ok(open_glob(pattern) == NULL, "a pattern longer than any path is refused");
}

/* In a child, which root's powers are taken from: what it says is seen in its exit code. */
static void test_unreadable(void)
{
	int status;
	pid_t pid;

	must(mkdir("shut", 0777) == 0 && mkdir("shut/a", 0777) == 0 && mkdir("shut/b", 0777) == 0);
	scratch_write("shut/a/x", "", 0);
	scratch_write("shut/b/x", "", 0);
	scratch_write("shut/c", "", 0);
	must(chmod("shut/a", 0) == 0 && chmod("shut", 0755) == 0 && chmod(".", 0755) == 0);
	pid = fork();
	must(pid >= 0);
	if (pid == 0) {
		char seen[4096];
		int code = 0;

		log_init(LOG_QUIET);
		if (geteuid() == 0 && setuid(65534) < 0)
			_exit(100);
		code |= list("shut/**", 1000, seen, sizeof(seen)) == -1 ? 0 : 1;
		code |= strcmp(seen, "shut/b/x|shut/c|") == 0 ? 0 : 2;
		code |= err.code == ERR_RUN ? 0 : 4;
		code |= strcmp(err.text, "files:shut/**: 1 directory could not be read, so items are missing; the first is: "
		                         "shut/a: Permission denied") == 0
		            ? 0
		            : 8;
		code |= list("shut/a/x", 1000, seen, sizeof(seen)) == -1 ? 0 : 16;
		_exit(code);
	}
	must(waitpid(pid, &status, 0) == pid && chmod("shut/a", 0755) == 0);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 100) {
		skip("no other user to be");
		return;
	}
	is_int(status >> 8 & 1, 0, "a folder that can't be read: an error at the end");
	is_int(status >> 8 & 2, 0, "a folder that can't be read: the rest is given");
	is_int(status >> 8 & 4, 0, "a folder that can't be read: the run fails");
	is_int(status >> 8 & 8, 0, "a folder that can't be read: it is named");
	is_int(status >> 8 & 16, 0, "a plain name in it fails as well");
	is_int(status & 0xff, 0, "nothing else went wrong");
}

/* A pattern that nothing matches is more likely a mistake than not: it is no error, but said. */
static void test_no_match(void)
{
	char seen[100], said[200] = "";
	int fd = open("said", O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	int old = scratch_put(fd, STDERR_FILENO);

	log_init(LOG_NORMAL);
	is_int(list("*.none", 100, seen, sizeof(seen)), SOURCE_END, "no match: it ends");
	log_init(LOG_QUIET);
	scratch_put_back(old, STDERR_FILENO);
	must(pread(fd, said, sizeof(said) - 1, 0) >= 0 && close(fd) == 0 && unlink("said") == 0);
	is_str(said, "rota: warning: no file matches files:*.none\n", "no match: a warning");
}

static void test_large(void)
{
	struct source *source;
	struct buf seen = {0};
	const char *last = "";
	size_t n_items = 0;
	bool is_sorted = true;

	must(mkdir("large", 0777) == 0);
	for (int i = 0; i < 3000; i++) {
		char name[40];

		snprintf(name, sizeof(name), "large/%d", i);
		scratch_write(name, "", 0);
	}
	source = open_glob("large/*");
	is_int(scratch_drain(source, 777, &seen, &err), SOURCE_END, "3000 files end");
	for (const char *at = seen.bytes; at < seen.bytes + seen.len; at += strlen(at) + 1) {
		is_sorted = is_sorted && strcmp(last, at) < 0;
		last = at;
		n_items++;
	}
	is_int(n_items, 3000, "all of them");
	ok(is_sorted, "each once, in order");
	buf_fini(&seen);
	source_close(&source);
}

int main(void)
{
	log_init(LOG_QUIET);
	scratch_enter();
	make_tree();
	test_patterns();
	test_all_names();
	test_absolute();
	test_errors();
	test_unreadable();
	test_no_match();
	test_large();
	scratch_leave();
	return tap_done();
}
