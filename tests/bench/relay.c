/* SPDX-License-Identifier: Apache-2.0 */
/*
 * relay - the least that can bring an item to another process and back, to hold rota's way against: reads, posts a
 * semaphore; the other turns small letters into capitals and writes to an eventfd; epoll, writes.
 *
 * No more than one read is in hand at a time.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

struct shared {
	sem_t has_work;
	ssize_t n_bytes; /* 0: the end */
	char bytes[4096];
};

static void fail(const char *what)
{
	fprintf(stderr, "relay: cannot %s: %m\n", what);
	_exit(125);
}

static void capitalize(char *bytes, ssize_t n_bytes)
{
	for (ssize_t i = 0; i < n_bytes; i++)
		if (bytes[i] >= 'a' && bytes[i] <= 'z')
			bytes[i] = (char)(bytes[i] - ('a' - 'A'));
}

static void work(struct shared *shared, int bell)
{
	const uint64_t one = 1;
	for (;;) {
		while (sem_wait(&shared->has_work) != 0)
			if (errno != EINTR)
				fail("wait");
		if (shared->n_bytes <= 0)
			_exit(0);
		capitalize(shared->bytes, shared->n_bytes);
		if (write(bell, &one, sizeof one) != sizeof one)
			fail("ring");
	}
}

static void put(const struct shared *shared)
{
	if (write(STDOUT_FILENO, shared->bytes, (size_t)shared->n_bytes) != shared->n_bytes)
		fail("write");
}

static void watch(int epoll, int fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0)
		fail("watch");
}

static void relay(struct shared *shared, int bell)
{
	struct epoll_event event;
	uint64_t n_rings;
	int epoll = epoll_create1(0);
	watch(epoll, STDIN_FILENO);
	watch(epoll, bell);
	for (;;) {
		if (epoll_wait(epoll, &event, 1, -1) != 1)
			fail("wait");
		if (event.data.fd == bell) {
			if (read(bell, &n_rings, sizeof n_rings) != sizeof n_rings)
				fail("listen");
			put(shared);
			continue;
		}
		shared->n_bytes = read(STDIN_FILENO, shared->bytes, sizeof shared->bytes);
		sem_post(&shared->has_work);
		if (shared->n_bytes <= 0)
			return;
	}
}

int main(void)
{
	struct shared *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int bell = eventfd(0, 0);
	if (shared == MAP_FAILED || bell < 0 || sem_init(&shared->has_work, 1, 0) != 0)
		fail("begin");
	pid_t pid = fork();
	if (pid < 0)
		fail("fork");
	if (pid == 0)
		work(shared, bell);
	relay(shared, bell);
	return 0;
}
