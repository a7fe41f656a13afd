/* SPDX-License-Identifier: Apache-2.0 */
/* ownfile-t - files of rota's own are made anew, and what isn't its own stays as it is. */
#include "config.h"

#include "core/base/ownfile.h"
#include "tests/tap.h"

#include <fcntl.h>
#include <sys/stat.h>

static char folder[TAP_PATH_BYTES];

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	must(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) && close(fd) == 0);
}

static void is_file(const char *path, const char *want, const char *what)
{
	char text[64];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text));
	is_mem(text, n < 0 ? 0 : (size_t)n, want, strlen(want), "%s", what);
	if (fd >= 0)
		close(fd);
}

static void test_name(void)
{
	char *one = ownfile_name("out"), *again = ownfile_name("out"), *other = ownfile_name("a/out"),
		 *another = ownfile_name("outs");
	must(one && again && other && another);
	ok(strncmp(one, "out.", 4) == 0 && strcmp(one + strlen(one) - 4, ".new") == 0 && strlen(one) == 24, "%s", one);
	is_str(again, one, "the same each time");
	is_str(other + 2, one, "the same in another folder");
	ok(strcmp(another + 5, one + 4) != 0, "another for another file");
	free(one);
	free(again);
	free(other);
	free(another);
}

static void test_make(void)
{
	struct err err;
	struct stat status;
	is_int(ownfile_clear("own", &err), 0, "nothing is there to remove");
	int fd = ownfile_make("own", 0640, &err);
	ok(fd >= 0 && write(fd, "x", 1) == 1, "made, to be written to");
	close(fd);
	is_int(ownfile_make("own", 0640, &err), -1, "not over one that is there");
	ok(strstr(err.text, "own is in the way") && err.code == ERR_USAGE, "%s", err.text);
	is_file("own", "x", "which stays");
	is_int(ownfile_clear("own", &err), 0, "what an earlier run has left is removed");
	ok(lstat("own", &status) != 0, "it is gone");
}

static void test_links(void)
{
	struct err err;
	struct stat status;
	write_file("victim", "precious");
	must(symlink("victim", "own") == 0);
	is_int(ownfile_clear("own", &err), -1, "a link is none of ours");
	ok(strstr(err.text, "own is in the way") && err.code == ERR_USAGE, "%s", err.text);
	is_int(ownfile_make("own", 0600, &err), -1, "nothing is made through it");
	ok(lstat("own", &status) == 0 && S_ISLNK(status.st_mode), "it stays");
	is_file("victim", "precious", "and so does what it leads to");
	must(unlink("own") == 0 && symlink("nowhere", "own") == 0);
	is_int(ownfile_make("own", 0600, &err), -1, "nor through one that leads nowhere");
	ok(lstat("nowhere", &status) != 0, "nothing is made there");
	must(unlink("own") == 0 && mkdir("own", 0700) == 0);
	is_int(ownfile_clear("own", &err), -1, "nor is a folder ours: %s", err.text);
	must(rmdir("own") == 0 && unlink("victim") == 0);
}

static void test_nameless(void)
{
	struct err err;
	char byte = 0;
	int fd = ownfile_make_nameless("beside", &err);
	ok(fd >= 0 && write(fd, "x", 1) == 1 && pread(fd, &byte, 1, 0) == 1 && byte == 'x', "to be written and read");
	close(fd);
	ok(ownfile_make_nameless("nowhere/beside", &err) == -1 && strstr(err.text, "nowhere/beside"), "%s", err.text);
}

int main(void)
{
	tap_template(folder, "ownfile");
	must(mkdtemp(folder) && chdir(folder) == 0);
	test_name();
	test_make();
	test_links();
	test_nameless();
	ok(chdir("/") == 0 && rmdir(folder) == 0, "nothing is left");
	return tap_done();
}
