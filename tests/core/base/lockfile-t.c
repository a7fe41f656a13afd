/* SPDX-License-Identifier: Apache-2.0 */
/* lockfile-t - one process at a time, whatever ends it. */
#include "config.h"

#include "core/base/lockfile.h"
#include "tests/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROUNDS 200

static char folder[TAP_PATH_BYTES];
static char path[TAP_BESIDE_BYTES];

static void test_one(void)
{
	struct lockfile one, other;
	struct err err;
	pid_t owner;
	char text[64] = "", want[64];
	is_int(lockfile_take(&one, path, &owner, &err), 0, "taken");
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ok(fd >= 0 && read(fd, text, sizeof text - 1) > 0, "it has a file");
	snprintf(want, sizeof want, "rota: in use by process %ld\n", (long)getpid());
	is_str(text, want, "with the process's number");
	close(fd);
	is_int(lockfile_take(&other, path, &owner, &err), -1, "not twice");
	ok(err.code == ERR_USAGE && owner == getpid(), "whose it is is told");
	lockfile_drop(&one);
	ok(access(path, F_OK) != 0 && errno == ENOENT && one.fd == -1, "given back, the file is gone");
	lockfile_drop(&one);
	is_int(lockfile_take(&other, path, &owner, &err), 0, "and can be taken again");
	lockfile_drop(&other);
}

/* A child that has it is killed: the file stays, the lock doesn't. */
static void test_killed(void)
{
	struct lockfile lockfile;
	struct err err;
	pid_t owner;
	int ready[2];
	char byte;
	if (pipe(ready) != 0)
		abort();
	pid_t child = fork();
	if (child == 0) {
		if (lockfile_take(&lockfile, path, &owner, &err) != 0 || write(ready[1], "x", 1) != 1)
			_exit(1);
		pause();
	}
	close(ready[1]);
	ok(child > 0 && read(ready[0], &byte, 1) == 1, "a child has it");
	ok(lockfile_take(&lockfile, path, &owner, &err) == -1 && owner == child, "so we don't");
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	close(ready[0]);
	is_int(access(path, F_OK), 0, "killed, it leaves the file");
	is_int(lockfile_take(&lockfile, path, &owner, &err), 0, "which can be taken");
	lockfile_drop(&lockfile);
}

/* Two take it and give it back as fast as they can: never both have it. */
static int compete(const char *witness)
{
	struct lockfile lockfile;
	struct err err;
	pid_t owner;
	for (int n = 0; n < ROUNDS;) {
		if (lockfile_take(&lockfile, path, &owner, &err) != 0) {
			if (err.code != ERR_USAGE)
				return 1;
			continue;
		}
		int fd = open(witness, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (fd < 0)
			return 2;
		close(fd);
		unlink(witness);
		lockfile_drop(&lockfile);
		n++;
	}
	return 0;
}

static void test_race(void)
{
	char witness[TAP_BESIDE_BYTES];
	int status;
	snprintf(witness, sizeof witness, "%s/witness", folder);
	pid_t child = fork();
	if (child == 0)
		_exit(compete(witness));
	is_int(compete(witness), 0, "%d times ours, and nobody else's meanwhile", ROUNDS);
	ok(waitpid(child, &status, 0) == child && status == 0, "and as often the other's");
}

static void test_errors(void)
{
	struct lockfile lockfile;
	struct err err;
	pid_t owner;
	char name[TAP_BESIDE_BYTES];
	snprintf(name, sizeof name, "%s/nowhere/lock", folder);
	ok(lockfile_take(&lockfile, name, &owner, &err) == -1 && err.code == ERR_RUN, "no folder: %s", err.text);
	ok(lockfile_take(&lockfile, folder, &owner, &err) == -1, "a folder: %s", err.text);
	snprintf(name, sizeof name, "%s/link", folder);
	ok(symlink("target", name) == 0 && lockfile_take(&lockfile, name, &owner, &err) == -1,
	   "no symbolic link is followed: %s", err.text);
	unlink(name);
}

static void write_lock(const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	ok(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text), "a file of that name: '%s'", text);
	close(fd);
}

/* A user's file that happens to have the name. */
static void test_foreign(void)
{
	static const char *const texts[] = {"precious", "17\n", "rota: in use"};
	struct lockfile lockfile;
	struct err err;
	pid_t owner;
	char text[64];
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		write_lock(texts[i]);
		ok(lockfile_take(&lockfile, path, &owner, &err) == -1 && err.code == ERR_RUN && strstr(err.text, "in the way"),
		   "isn't taken: %s", err.text);
		int fd = open(path, O_RDONLY | O_CLOEXEC);
		ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof text);
		is_mem(text, n > 0 ? (size_t)n : 0, texts[i], strlen(texts[i]), "nor changed");
		close(fd);
	}
	write_lock("");
	is_int(lockfile_take(&lockfile, path, &owner, &err), 0, "one that was killed before it could write is");
	unlink(path);
	write_lock("precious");
	lockfile_drop(&lockfile);
	is_int(access(path, F_OK), 0, "what has taken the name meanwhile isn't removed");
	unlink(path);
}

/* Of a write that is cut short the reason is told, not whatever failed last before it. */
static void test_short(void)
{
	struct lockfile lockfile;
	struct err err = {0};
	struct rlimit before, limit;
	pid_t owner;
	getrlimit(RLIMIT_FSIZE, &before);
	signal(SIGXFSZ, SIG_IGN);
	limit = (struct rlimit){5, before.rlim_max};
	setrlimit(RLIMIT_FSIZE, &limit);
	errno = ECHILD;
	int result = lockfile_take(&lockfile, path, &owner, &err);
	setrlimit(RLIMIT_FSIZE, &before);
	signal(SIGXFSZ, SIG_DFL);
	ok(result == -1 && strstr(err.text, strerror(EFBIG)), "no room for its words: %s", err.text);
	ok(access(path, F_OK) != 0, "and it isn't left");
}

int main(void)
{
	tap_template(folder, "lockfile");
	if (!mkdtemp(folder))
		abort();
	snprintf(path, sizeof path, "%s/lock", folder);
	test_one();
	test_killed();
	test_race();
	test_errors();
	test_foreign();
	test_short();
	ok(rmdir(folder) == 0, "nothing is left");
	return tap_done();
}
