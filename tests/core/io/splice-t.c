/* SPDX-License-Identifier: Apache-2.0 */
/* splice-t - pieces go to their places, and what isn't finished leaves the file as it was. */
#include "config.h"

#include "core/base/ownfile.h"
#include "core/io/splice.h"
#include "tests/refuse.h"
#include "tests/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[TAP_PATH_BYTES];
static char file[TAP_BESIDE_BYTES], *new_file;
static int pieces_fd;

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
	must(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

static struct digest of(const char *text)
{
	return digest_of(text, strlen(text));
}

static void is_file(const char *path, const char *want, const char *what)
{
	char text[256];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text);
	is_mem(text, n < 0 ? 0 : (size_t)n, want, strlen(want), "%s", what);
	if (fd >= 0)
		close(fd);
}

static bool is_there(const char *path)
{
	return access(path, F_OK) == 0;
}

static void test_pieces(void)
{
	struct splice splice;
	struct stat status;
	struct err err;
	struct digest digest;
	uint64_t at, n_bytes;
	write_file(file, "two\nfour\n");
	is_int(splice_open(&splice, file, 9, of("two\nfour\n"), pieces_fd, &err), 0, "opened");
	ok(splice_put(&splice, 0, 0, 0, 4, &at, &err) == 0 && at == 0, "a piece at the beginning");
	ok(splice_put(&splice, 4, 0, 4, 4, &at, &err) == 0 && at == 8, "an empty one in the middle");
	ok(splice_put(&splice, 4, 0, 4, 10, &at, &err) == 0 && at == 8, "another at the same place");
	ok(splice_put(&splice, 9, 0, 10, 15, &at, &err) == 0 && at == 19, "one at the end");
	ok(splice_finish(&splice, &n_bytes, &digest, &err) == 0 && n_bytes == 24, "finished");
	splice_fini(&splice);
	is_file(file, "two\nfour\n", "the old one is as it was");
	is_file(new_file, "one\ntwo\nthree\nfour\nfive\n", "the new one is complete");
	ok(stat(new_file, &status) == 0 && (status.st_mode & 07777) == 0640, "with the old one's mode");
	ok(digest_is_equal(digest, of("one\ntwo\nthree\nfour\nfive\n")), "the digest is that of its bytes");
	ok(splice_rename(file, 24, of("one"), &err) == -1, "not when other bytes stand in it: %s", err.text);
	is_int(splice_rename(file, 24, digest, &err), 0, "renamed");
	is_file(file, "one\ntwo\nthree\nfour\nfive\n", "it is the file");
	ok(!is_there(new_file), "and has no other name");
	is_int(splice_rename(file, 24, digest, &err), 0, "once more is once enough");
	ok(splice_rename(file, 25, digest, &err) == -1 && err.code == ERR_USAGE, "of another size: %s", err.text);
}

static void test_replaced(void)
{
	struct splice splice;
	struct err err;
	struct digest digest;
	uint64_t at, n_bytes;
	write_file(file, "bad\ntwo\nworse\n");
	is_int(splice_open(&splice, file, 14, of("bad\ntwo\nworse\n"), pieces_fd, &err), 0, "opened");
	ok(splice_put(&splice, 0, 4, 0, 4, &at, &err) == 0 && at == 0, "a piece in the place of another");
	ok(splice_put(&splice, 8, 7, 4, 4, &at, &err) == -1, "none of more than is there: %s", err.text);
	ok(splice_put(&splice, 8, 6, 4, 4, &at, &err) == 0 && at == 8, "an empty one, too");
	is_int(splice_finish(&splice, &n_bytes, &digest, &err), 0, "what was left out belongs to the old digest");
	splice_fini(&splice);
	is_file(new_file, "one\ntwo\n", "the new one has only the new ones");
	is_int(n_bytes, 8, "so many bytes");
	unlink(new_file);
}

static void test_unfinished(void)
{
	struct splice splice;
	struct err err;
	uint64_t at;
	write_file(file, "two\n");
	is_int(splice_open(&splice, file, 4, of("two\n"), pieces_fd, &err), 0, "opened");
	ok(splice_put(&splice, 4, 0, 0, 4, &at, &err) == 0, "a piece");
	ok(splice_put(&splice, 2, 0, 0, 4, &at, &err) == -1, "no going back: %s", err.text);
	ok(splice_put(&splice, 5, 0, 0, 4, &at, &err) == -1, "nor behind the end: %s", err.text);
	ok(splice_put(&splice, 4, 0, 4, 1000, &at, &err) == -1, "a piece that isn't there: %s", err.text);
	splice_fini(&splice);
	ok(!is_there(new_file), "what isn't finished is removed");
	is_file(file, "two\n", "and the file is as it was");
	splice_fini(&splice);
}

static void test_refused(void)
{
	struct splice splice;
	struct err err;
	ok(splice_open(&splice, file, 5, of("two\n"), pieces_fd, &err) == -1 &&
	       strstr(err.text, "has 4 bytes, but 5 were written"),
	   "another size: %s", err.text);
	struct digest digest;
	uint64_t n_bytes;
	ok(splice_open(&splice, file, 4, of("tow\n"), pieces_fd, &err) == 0 &&
	       splice_finish(&splice, &n_bytes, &digest, &err) == -1 && strstr(err.text, "has changed"),
	   "other bytes: %s", err.text);
	splice_fini(&splice);
	ok(!is_there(new_file), "and no new one is left");
	must(mkdir(new_file, 0700) == 0);
	ok(splice_open(&splice, file, 4, of("two\n"), pieces_fd, &err) == -1 && strstr(err.text, new_file), "a folder: %s",
	   err.text);
	is_int(splice_check(file, &err), -1, "which is known beforehand");
	must(rmdir(new_file) == 0);
	write_file(new_file, "left by a kill");
	ok(splice_check(file, &err) == 0 && !is_there(new_file), "what a kill has left is removed");
	char victim[TAP_BESIDE_BYTES];
	snprintf(victim, sizeof victim, "%s/victim", folder);
	write_file(victim, "precious");
	must(symlink("victim", new_file) == 0);
	ok(splice_open(&splice, file, 4, of("two\n"), pieces_fd, &err) == -1 && strstr(err.text, new_file), "a link: %s",
	   err.text);
	is_file(victim, "precious", "what it leads to is as it was");
	must(unlink(new_file) == 0 && unlink(victim) == 0);
	must(unlink(file) == 0);
	ok(splice_open(&splice, file, 4, of("two\n"), pieces_fd, &err) == -1 && strstr(err.text, file), "no file: %s",
	   err.text);
	ok(splice_rename(file, 4, of("two\n"), &err) == -1, "nothing to rename: %s", err.text);
}

static void test_link(void)
{
	struct splice splice;
	struct stat status;
	struct err err;
	struct digest digest;
	uint64_t n_bytes;
	char link[TAP_BESIDE_BYTES];
	snprintf(link, sizeof link, "%s/link", folder);
	write_file(file, "two\n");
	must(symlink("f", link) == 0);
	ok(splice_open(&splice, link, 4, of("two\n"), pieces_fd, &err) == 0 &&
	       splice_finish(&splice, &n_bytes, &digest, &err) == 0,
	   "by way of a symbolic link");
	splice_fini(&splice);
	ok(is_there(new_file) && splice_rename(link, 4, digest, &err) == 0, "it is the file that is renamed");
	ok(lstat(link, &status) == 0 && S_ISLNK(status.st_mode), "and the link stays one");
	unlink(link);
	unlink(file);
}

static bool finish(struct err *err)
{
	struct splice splice;
	struct digest digest;
	uint64_t n_bytes, at;
	write_file(file, "two\n");
	must(splice_open(&splice, file, 4, of("two\n"), pieces_fd, err) == 0);
	must(splice_put(&splice, 0, 0, 0, 4, &at, err) == 0);
	bool is_done = splice_finish(&splice, &n_bytes, &digest, err) == 0;
	splice_fini(&splice);
	return is_done && splice_rename(file, n_bytes, digest, err) == 0;
}

/* The disk fails a step: the old one stays, or the new one is there; and it is said. */
static void test_disk_fails(void)
{
	static const struct {
		const char *call, *why;
		unsigned nth;
		const char *want;
	} cases[] = {
		{"fsync", "cannot write", 1, "two\n"},
		{"rename", "cannot rename", 1, "two\n"},
		{"fsync", "cannot sync the directory of", 2, "one\ntwo\n"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct err err = {0};
		refuse_call(cases[i].call, cases[i].nth, EIO);
		ok(!finish(&err) && refuse_end(), "%s is refused", cases[i].call);
		ok(err.code == ERR_RUN && strstr(err.text, cases[i].why), "said: %s", err.text);
		is_file(file, cases[i].want, "what is there");
		unlink(new_file);
	}
}

/* The new one is with the disk when it takes the name, and the name is when it is said to be. */
static void test_order(void)
{
	struct err err;
	char synced[TAP_BESIDE_BYTES + 64], renamed[TAP_BESIDE_BYTES + 64], in_folder[TAP_PATH_BYTES + 8];
	snprintf(synced, sizeof synced, "fsync %s\n", strrchr(new_file, '/') + 1);
	snprintf(renamed, sizeof renamed, "rename %s\n", strrchr(new_file, '/') + 1);
	snprintf(in_folder, sizeof in_folder, "fsync %s\n", strrchr(folder, '/') + 1);
	refuse_call("none", 1, 0);
	ok(finish(&err), "pieces are put in");
	ok(refuse_comes_before(synced, renamed), "synced, then renamed");
	ok(refuse_comes_before(renamed, in_folder), "renamed, then the folder is synced");
	refuse_call("none", 1, 0);
	is_int(splice_rename(file, 8, of("one\ntwo\n"), &err), 0, "what a kill has cut short");
	ok(strstr(refusal.order, in_folder) != NULL, "is synced, too");
}

int main(void)
{
	char pieces[TAP_BESIDE_BYTES];
	tap_template(folder, "splice");
	must(mkdtemp(folder) != NULL);
	snprintf(file, sizeof file, "%s/f", folder);
	new_file = ownfile_name(file);
	must(new_file != NULL);
	snprintf(pieces, sizeof pieces, "%s/pieces", folder);
	write_file(pieces, "one\nthree\nfive\n");
	pieces_fd = open(pieces, O_RDONLY | O_CLOEXEC);
	unlink(pieces);
	test_pieces();
	test_disk_fails();
	test_order();
	test_replaced();
	test_unfinished();
	test_refused();
	test_link();
	close(pieces_fd);
	free(new_file);
	ok(rmdir(folder) == 0, "nothing is left");
	return tap_done();
}
