/* SPDX-License-Identifier: Apache-2.0 */
/* descriptor: pipes that are widened; what else it does is tested by source-t and sink-t. */
#include "config.h"

#include "core/io/descriptor.h"
#include "tests/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* What a pipe holds that asked for so many bytes, if it is allowed to. */
static int held(int wanted_bytes)
{
	int fds[2];
	if (pipe2(fds, O_CLOEXEC) != 0)
		abort();
	fcntl(fds[0], F_SETPIPE_SZ, wanted_bytes);
	int n_bytes = fcntl(fds[1], F_GETPIPE_SZ);
	close(fds[0]);
	close(fds[1]);
	return n_bytes;
}

static void test_widen(void)
{
	int fds[2], fd;
	if (pipe2(fds, O_CLOEXEC) != 0)
		abort();
	int wanted = held(512 * 1024);
	descriptor_widen(fds[0]);
	is_int(fcntl(fds[1], F_GETPIPE_SZ), wanted, "a pipe holds as much as it may");
	wanted = held(1024 * 1024);
	fcntl(fds[0], F_SETPIPE_SZ, 1024 * 1024);
	descriptor_widen(fds[1]);
	is_int(fcntl(fds[1], F_GETPIPE_SZ), wanted, "a wider one stays as it is");
	close(fds[0]);
	close(fds[1]);
	fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	errno = 77;
	descriptor_widen(fd);
	descriptor_widen(-1);
	is_int(errno, 77, "what is no pipe is let be");
	close(fd);
}

int main(void)
{
	test_widen();
	return tap_done();
}
