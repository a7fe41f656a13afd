/* SPDX-License-Identifier: Apache-2.0 */
/*
 * try - see try.h. Both ends of a channel in one thread: where a worker would sleep, the supervisor's part is played:
 * results are taken and printed, and the next item is sent.
 */
#include "config.h"

#include "core/base/proc.h"
#include "core/worker/host.h"
#include "core/worker/loop.h"
#include "core/worker/try.h"
#include "shm/channel.h"
#include "shm/port.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct trial {
	struct channel *channel;
	char delimiter;
	FILE *in;   /* standard input: the plugin's own is empty */
	FILE *out;  /* standard output: what the plugin prints goes to standard error */
	char *item; /* getdelim's */
	size_t item_cap;
	uint64_t seq;
	char *held; /* bytes of the item in hand that came in parts */
	size_t held_bytes, held_cap;
	bool is_broken;
};

static void say_event(struct trial *trial, const struct channel_event *event)
{
	unsigned long long seq = trial->seq;
	if (event->kind == EVENT_FAILED) {
		trial->held_bytes = 0;
		fprintf(stderr, "item %llu: %s: %s\n", seq, event->detail == FAILURE_AGAIN ? "try again" : "failed",
		        event->text);
	} else if (event->kind == EVENT_LOG) {
		fprintf(stderr, "item %llu: %s\n", seq, event->text);
	} else if (event->kind == EVENT_COUNT) {
		fprintf(stderr, "item %llu: count %s %+lld\n", seq, event->text, (long long)event->position);
	} else if (event->kind == EVENT_REFUSED) {
		fprintf(stderr, "%s\n", event->text);
	}
}

static void hold(struct trial *trial, const unsigned char *bytes, size_t n_bytes)
{
	if (n_bytes > trial->held_cap - trial->held_bytes) {
		trial->held_cap = 2 * trial->held_cap + n_bytes;
		trial->held = realloc(trial->held, trial->held_cap);
		if (!trial->held) {
			fputs("out of memory\n", stderr);
			exit(3);
		}
	}
	memcpy(trial->held + trial->held_bytes, bytes, n_bytes);
	trial->held_bytes += n_bytes;
}

/* Takes what there is; an item's result is printed when the item is answered. */
static void collect(struct trial *trial)
{
	struct channel *channel = trial->channel;
	uint64_t n_bytes;
	uint32_t n_items;
	struct channel_event event;
	if (channel_look(channel, &n_bytes, &n_items) != 0) {
		fputs("the plugin has written over the channel's memory\n", stderr);
		exit(3);
	}
	if (n_bytes > 0) {
		hold(trial, channel_data(channel), n_bytes);
		channel_take(channel, n_bytes, n_items);
	} else {
		channel_take(channel, 0, n_items);
	}
	channel_release(channel);
	while (channel_event(channel, &event) > 0) {
		say_event(trial, &event);
		channel_event_done(channel, &event);
	}
	if (n_items > 0 && trial->held_bytes > 0) {
		if (fwrite(trial->held, 1, trial->held_bytes, trial->out) != trial->held_bytes || fflush(trial->out) != 0) {
			perror("standard output");
			exit(3);
		}
		trial->held_bytes = 0;
	}
}

static void send_next(struct trial *trial)
{
	ssize_t n = getdelim(&trial->item, &trial->item_cap, trial->delimiter, trial->in);
	if (n <= 0) {
		channel_stop(trial->channel);
		return;
	}
	size_t n_bytes = (size_t)n;
	if (trial->item[n_bytes - 1] != trial->delimiter)
		trial->item[n_bytes++] = trial->delimiter; /* getdelim leaves room for a NUL there */
	trial->seq++;
	struct channel_batch batch = {
		.seq = trial->seq, .n_items = 1, .attempt = 1, .bytes = trial->item, .n_bytes = n_bytes};
	channel_send(trial->channel, &batch);
}

/* The supervisor's turn, whenever the worker would sleep. */
static void take_turn(struct port *port, void *arg)
{
	struct trial *trial = arg;
	(void)port;
	collect(trial);
	if (channel_is_sending(trial->channel))
		channel_send_more(trial->channel);
	else if (trial->channel->answered == trial->channel->granted)
		send_next(trial);
}

/* One KEY=VALUE word as an option; a list's elements are what option_parse makes of the text. value is the caller's. */
static int take_word(const struct host *host, char *word, struct setup_option *ret, const char **ret_text,
                     struct option_value *value, struct err *err)
{
	char *equals = strchr(word, '=');
	if (!equals)
		return err_set(err, ERR_USAGE, "'%s' is no KEY=VALUE", word);
	*equals = '\0';
	*ret_text = equals + 1;
	*ret = (struct setup_option){.name = word, .elements = ret_text, .n_elements = 1};
	const struct option_spec *spec = option_find(host->specs, word);
	if (!spec || spec->type != OPTION_LIST)
		return 0;
	if (option_parse(spec, *ret_text, value, err) != 0)
		return err_prefix(err, "option %s", word);
	ret->elements = (const char *const *)value->elements;
	ret->n_elements = value->n_elements;
	return 0;
}

static int take_words(struct host *host, char **words, size_t n_words, struct err *err)
{
	struct setup_option *options = calloc(n_words + 1, sizeof *options);
	struct option_value *values = calloc(n_words + 1, sizeof *values);
	const char **texts = calloc(n_words + 1, sizeof *texts);
	int result = options && values && texts ? 0 : err_set(err, ERR_RUN, "out of memory");
	for (size_t i = 0; result == 0 && i < n_words; i++)
		result = take_word(host, words[i], &options[i], &texts[i], &values[i], err);
	if (result == 0)
		result = host_configure(host, options, n_words, 1, err);
	for (size_t i = 0; values && i < n_words; i++)
		option_value_fini(&values[i]);
	free(options);
	free(values);
	free(texts);
	return result;
}

static int live(struct host *host, struct trial *trial, struct err *err)
{
	static const struct channel_sizes sizes = {.task_bytes = 1 << 17, .result_bytes = 1 << 17, .event_bytes = 1 << 15};
	const char *why_memfd;
	struct port port;
	struct setup setup = {.delimiter = trial->delimiter,
	                      .frame = FRAME_ALWAYS,
	                      .frame_byte = trial->delimiter,
	                      .max_result_bytes = INT64_C(1) << 30,
	                      .n_workers = 1};
	if (channel_create(&trial->channel, 1, &sizes, &why_memfd, err) != 0 ||
	    port_attach_map(&port, &trial->channel->map, trial->channel->bell_fd, err) != 0)
		return 3;
	port.wait = take_turn;
	port.wait_arg = trial;
	uint64_t n_not_ok = 0;
	int result = worker_live(host, &setup, &port, &n_not_ok);
	collect(trial);
	port_detach(&port);
	return result != 0 ? 3 : n_not_ok > 0 ? 1 : 0;
}

int try_run(int argc, char **argv)
{
	struct trial trial = {.delimiter = '\n'};
	struct host *host = NULL;
	struct err err = {0};
	int status = 2;
	if (argc > 0 && strcmp(argv[0], "-0") == 0) {
		trial.delimiter = '\0';
		argc--;
		argv++;
	}
	int out_fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	int in_fd = -1;
	trial.out = out_fd < 0 ? NULL : fdopen(out_fd, "w");
	trial.in = proc_move_input(&in_fd) != 0 ? NULL : fdopen(in_fd, "r");
	if (!trial.in || !trial.out || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
		err_set_errno(&err, ERR_RUN, errno, "cannot set up the standard streams");
	else if (argc == 0)
		err_set(&err, ERR_USAGE, "--try needs a FILE: rota-worker --try [-0] FILE [KEY=VALUE]... < items");
	else if (host_open(&host, argv[0], &err) == 0 && take_words(host, argv + 1, (size_t)argc - 1, &err) == 0 &&
	         host_load(host, &err) == 0)
		status = live(host, &trial, &err);
	if (err.code != ERR_NONE) {
		fprintf(stderr, "rota-worker: %s\n", err.text);
		status = err.code == ERR_USAGE ? 2 : 3;
	}
	channel_destroy(&trial.channel);
	host_close(&host);
	if (trial.out)
		fclose(trial.out);
	if (trial.in)
		fclose(trial.in);
	free(trial.item);
	free(trial.held);
	return status;
}
