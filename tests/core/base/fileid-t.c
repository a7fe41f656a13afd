/* SPDX-License-Identifier: Apache-2.0 */
/* fileid-t - two names of one file are the same, whichever way they lead to it, and also when it isn't there yet. */
#include "config.h"

#include "core/base/fileid.h"
#include "tests/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

static char folder[TAP_PATH_BYTES];

static const struct {
	const char *one, *other;
	bool is_same;
} pairs[] = {
	{"file", "file", true},
	{"file", "./file", true},
	{"file", "folder/../file", true},
	{"file", "link", true},
	{"file", "hard", true},
	{"link", "hard", true},
	{"file", "other", false},
	{"file", "new", false},
	{"new", "new", true},
	{"new", "./new", true},
	{"new", "folder/../new", true},
	{"new", "dangling", true},
	{"new", "twice", true},
	{"new", "newer", false},
	{"new", "folder/new", false},
	{"folder/new", "byway/new", true},
	{"nowhere/new", "nowhere/new", false}, /* it can't be made */
	{"new/", "new", false},
	{"loop", "loop", false},
	{"folder", "folder", false},
	{"/dev/null", "/dev/null", false},
	{"fifo", "fifo", false},
	{"", "", false},
};

static void test_pairs(void)
{
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		struct fileid one = fileid_of_name(pairs[i].one), other = fileid_of_name(pairs[i].other);
		is_int(fileid_is_same(&one, &other), pairs[i].is_same, "'%s' and '%s'", pairs[i].one, pairs[i].other);
		fileid_fini(&one);
		fileid_fini(&other);
	}
	struct fileid gone = fileid_of_name("new"), none = fileid_of_name("nowhere/new");
	ok(gone.kind == FILEID_FUTURE && gone.errnum == ENOENT, "why it isn't there is told");
	ok(none.kind == FILEID_NONE && none.errnum == ENOENT, "also where it can't be made");
	fileid_fini(&gone);
}

static void test_fd(void)
{
	int fd = open("file", O_RDONLY | O_CLOEXEC), null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	must(fd >= 0 && null_fd >= 0);
	struct fileid of_fd = fileid_of_fd(fd), of_name = fileid_of_name("link"), of_null = fileid_of_fd(null_fd);
	ok(fileid_is_same(&of_fd, &of_name), "a descriptor's file has a name");
	ok(of_null.kind == FILEID_NONE, "a device may be shared");
	close(fd);
	close(null_fd);
	of_fd = fileid_of_fd(fd);
	ok(of_fd.kind == FILEID_NONE && of_fd.errnum == EBADF, "none that is closed");
}

static void test_real_names(void)
{
	static const char *const names[][2] = {
		{"file", "file"}, {"link", "file"}, {"dangling", "new"}, {"twice", "new"}, {"byway/x", "folder/x"}};
	char want[TAP_BESIDE_BYTES];
	char *top = realpath(".", NULL);
	must(top != NULL);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char *real = fileid_real_name(names[i][0]);
		snprintf(want, sizeof(want), "%s/%s", top, names[i][1]);
		is_str(real, want, "the real name of '%s'", names[i][0]);
		free(real);
	}
	free(top);
	ok(fileid_real_name("nowhere/x") == NULL && errno == ENOENT, "none in a folder that isn't there");
	ok(fileid_real_name("loop") == NULL && errno == ELOOP, "none in a circle");
	char *root = fileid_real_name("/no-such-file-of-the-root");
	is_str(root, "/no-such-file-of-the-root", "below the root");
	free(root);
}

static const struct {
	const char *name;
	int fd;
} descriptors[] = {
	{"/dev/stdin", 0},
	{"/dev/stdout", 1},
	{"/dev/stderr", 2},
	{"/dev/fd/7", 7},
	{"/proc/self/fd/12", 12},
	{"to-stdout", 1},
	{"to-link", 1},
	{"fds/2", 2},
	{"/dev/../dev/stdout", 1},
	{"/dev/fd/01", -1},
	{"/dev/fd/x", -1},
	{"/dev/fd/", -1},
	{"/dev/fd", -1},
	{"/dev/fd/99999999999", -1},
	{"/dev/null", -1},
	{"file", -1},
	{"new", -1},
	{"loop", -1},
	{"", -1},
	{"-", -1},
};

static void test_descriptors(void)
{
	char own[64];
	for (size_t i = 0; i < sizeof(descriptors) / sizeof(descriptors[0]); i++)
		is_int(fileid_descriptor(descriptors[i].name), descriptors[i].fd, "'%s'", descriptors[i].name);
	snprintf(own, sizeof(own), "/proc/%ld/fd/1", (long)getpid());
	is_int(fileid_descriptor(own), 1, "by the process's number");
	snprintf(own, sizeof(own), "/proc/%ld/fd/1", (long)getppid());
	is_int(fileid_descriptor(own), -1, "another's is none of ours");
	ok(fileid_is_others_descriptor(own), "but another's");
	must(symlink(own, "to-others") == 0);
	ok(fileid_is_others_descriptor("to-others"), "by a link, too");
	must(unlink("to-others") == 0);
	snprintf(own, sizeof(own), "/proc/%ld/task/%ld/fd/1", (long)getppid(), (long)getppid());
	ok(fileid_is_others_descriptor(own), "by its thread, too");
	snprintf(own, sizeof(own), "/proc/%ld/fd/1", (long)getpid());
	ok(!fileid_is_others_descriptor(own) && !fileid_is_others_descriptor("file") &&
	       !fileid_is_others_descriptor("/proc/1/status"),
	   "ours and files aren't");
}

int main(void)
{
	tap_template(folder, "fileid");
	must(mkdtemp(folder) && chdir(folder) == 0);
	int fd = open("file", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	must(fd >= 0 && close(fd) == 0);
	fd = open("other", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	must(fd >= 0 && close(fd) == 0);
	must(mkdir("folder", 0700) == 0 && symlink("folder", "byway") == 0);
	must(symlink("file", "link") == 0 && link("file", "hard") == 0);
	must(symlink("folder/../new", "dangling") == 0 && symlink("dangling", "twice") == 0);
	must(symlink("loop", "loop") == 0 && mkfifo("fifo", 0600) == 0);
	must(symlink("/dev/stdout", "to-stdout") == 0 && symlink("to-stdout", "to-link") == 0);
	must(symlink("/proc/self/fd", "fds") == 0);
	test_pairs();
	test_fd();
	test_real_names();
	test_descriptors();
	static const char *const made[] = {"file",  "other", "byway", "link", "hard",      "dangling",
	                                   "twice", "loop",  "fifo",  "fds",  "to-stdout", "to-link"};
	for (size_t i = 0; i < sizeof(made) / sizeof(made[0]); i++)
		unlink(made[i]);
	ok(rmdir("folder") == 0 && chdir("/") == 0 && rmdir(folder) == 0, "nothing is left");
	return tap_done();
}
