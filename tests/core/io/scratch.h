/* SPDX-License-Identifier: Apache-2.0 */
/* scratch - a folder of the test's own, in which it stands; and the small things that the tests of io share. */
#ifndef TESTS_CORE_IO_SCRATCH_H
#define TESTS_CORE_IO_SCRATCH_H

#include "core/base/buf.h"
#include "core/io/source.h"
#include "tests/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SCRATCH_WAIT_MS 20000 /* nothing here takes that long unless it hangs */

static char scratch_path[TAP_PATH_BYTES];

/* For what the test stands on and doesn't test. */

__attribute__((unused)) static void scratch_enter(void)
{
	tap_template(scratch_path, "io");
	must(mkdtemp(scratch_path) != NULL);
	must(chdir(scratch_path) == 0);
}

__attribute__((unused)) static int scratch_remove(const char *path, const struct stat *status, int kind, struct FTW *at)
{
	(void)status, (void)kind, (void)at;
	return remove(path);
}

__attribute__((unused)) static void scratch_leave(void)
{
	must(chdir("/") == 0);
	must(nftw(scratch_path, scratch_remove, 16, FTW_DEPTH | FTW_PHYS) == 0);
}

__attribute__((unused)) static void scratch_write(const char *file, const void *bytes, size_t n_bytes)
{
	int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);

	must(fd >= 0 && write(fd, bytes, n_bytes) == (ssize_t)n_bytes && close(fd) == 0);
}

/* Puts fd in the place of standard input or output; gives the old one, for scratch_put_back. */
__attribute__((unused)) static int scratch_put(int fd, int place)
{
	int old = fcntl(place, F_DUPFD_CLOEXEC, 10);

	must(old >= 0 && dup2(fd, place) == place);
	return old;
}

__attribute__((unused)) static void scratch_put_back(int old, int place)
{
	must(dup2(old, place) == place && close(old) == 0);
}

/* All that a source gives, read in pieces of room_bytes: SOURCE_END, or -1 with err. */
__attribute__((unused)) static ssize_t scratch_drain(struct source *source, size_t room_bytes, struct buf *ret,
                                                     struct err *err)
{
	for (;;) {
		ssize_t n_bytes;

		must(buf_reserve(ret, room_bytes) == 0);
		n_bytes = source_read(source, ret->bytes + ret->len, room_bytes, err);
		if (n_bytes > 0) {
			ret->len += (size_t)n_bytes;
		} else if (n_bytes == SOURCE_WAIT) {
			struct pollfd watched = {.fd = source_head(source)->fd, .events = POLLIN};

			must(poll(&watched, 1, SCRATCH_WAIT_MS) == 1);
		} else {
			return n_bytes;
		}
	}
}

#endif
