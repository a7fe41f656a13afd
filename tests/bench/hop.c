/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hop - an item's way to a worker process and back with --spin, and nothing around it: hop < LINES > CAPITALS
 *
 * rota's own channel and port, a batch of one item at a time, each collected before the next is sent; neither end
 * sleeps. The results are written at the end.
 */
#include "config.h"

#include "core/base/spin.h"
#include "shm/channel.h"
#include "shm/port.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define INPUT_BYTES (8u << 20)

static struct err err;

static void fail(const char *what)
{
	fprintf(stderr, "hop: cannot %s: %s\n", what, err.text[0] ? err.text : strerror(errno));
	_exit(125);
}

/* The worker. */
static void work(const struct channel *channel)
{
	struct port port;
	struct port_batch batch;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (port_attach(&port, channel->fd, channel->bell_fd, &err) != 0)
		fail("attach");
	port.spins = true;
	port_set_state(&port, WORKER_READY);
	while (port_next_batch(&port, &batch, &err) > 0) {
		if (!port_claim(&port))
			fail("claim");
		char *out = port_out(&port);
		for (size_t i = 0; i < batch.n_bytes; i++)
			out[i] = batch.bytes[i] >= 'a' && batch.bytes[i] <= 'z' ? (char)(batch.bytes[i] - 32) : batch.bytes[i];
		port_answer(&port, batch.n_bytes, true);
		port_end_batch(&port, 1);
	}
	_exit(0);
}

/* Returns how many bytes of result there were. */
static size_t hop(struct channel *channel, uint64_t seq, const char *item, size_t n_bytes, char *result)
{
	const struct channel_batch batch = {.seq = seq, .n_items = 1, .attempt = 1, .bytes = item, .n_bytes = n_bytes};
	uint64_t n_there;
	uint32_t n_items = 0;
	struct spin spin;
	if (channel_send(channel, &batch) != 0 || channel_wake(channel) != 0)
		fail("send");
	for (spin_begin(&spin); n_items == 0; spin_goes_on(&spin))
		if (channel_look(channel, &n_there, &n_items) != 0)
			fail("look");
	memcpy(result, channel_data(channel), n_there);
	channel_take(channel, n_there, n_items);
	channel_release(channel);
	return n_there;
}

int main(void)
{
	const struct channel_sizes sizes = {.task_bytes = 65536, .result_bytes = 65536, .event_bytes = 4096};
	char *in = malloc(INPUT_BYTES), *out = malloc(INPUT_BYTES), *line, *end;
	size_t n_in = in ? fread(in, 1, INPUT_BYTES, stdin) : 0, n_out = 0;
	struct channel *channel;
	const char *why_memfd;
	uint64_t seq = 0;
	if (!out || channel_create(&channel, 1, &sizes, &why_memfd, &err) != 0)
		fail("begin");
	pid_t pid = fork();
	if (pid < 0)
		fail("fork");
	if (pid == 0)
		work(channel);
	for (line = in; (end = memchr(line, '\n', (size_t)(in + n_in - line))); line = end + 1)
		n_out += hop(channel, seq++, line, (size_t)(end + 1 - line), out + n_out);
	if (channel_stop(channel) != 0 || waitpid(pid, NULL, 0) != pid)
		fail("end");
	return fwrite(out, 1, n_out, stdout) == n_out ? 0 : 125;
}
