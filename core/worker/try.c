/* SPDX-License-Identifier: Apache-2.0 */
/*
 * try - see try.h. Both ends of a channel in one thread: where a worker would sleep, the supervisor's part is played:
 * results are taken and printed, and the next item is sent. Which item it is in stands in a struct trial_shm, from
 * before it is sent until it is answered.
 */
#include "config.h"

#include "core/base/log.h"
#include "core/base/proc.h"
#include "core/worker/crash.h"
#include "core/worker/host.h"
#include "core/worker/loop.h"
#include "core/worker/try.h"
#include "shm/channel.h"
#include "shm/port.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#define COUNTERS_MAX 64

struct counter {
	char name[64];
	int64_t sum;
};

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
	struct counter counters[COUNTERS_MAX];
	size_t n_counters;
	struct trial_shm *told; /* who else reads it, if anybody does */
	struct trial_shm own;
};

static void say(const struct trial *trial, const char *what, const char *text, size_t n_bytes)
{
	char tag[LOG_QUOTE_BYTES + 64], item[LOG_QUOTE_BYTES];
	snprintf(tag, sizeof tag, "item %" PRIu64 " %s%s", trial->seq,
	         log_quote(item, trial->told->item, trial->told->n_item_bytes), what);
	log_relay(tag, text, n_bytes);
}

/* More names than there is room for are one sum too few, which is said. */
static void count(struct trial *trial, const char *name, int64_t add)
{
	size_t i = 0;
	while (i < trial->n_counters && strncmp(trial->counters[i].name, name, sizeof trial->counters[i].name - 1) != 0)
		i++;
	if (i == COUNTERS_MAX) {
		say(trial, ": counter left out, because there are too many", name, strlen(name));
		return;
	}
	struct counter *counter = &trial->counters[i];
	if (i == trial->n_counters) {
		snprintf(counter->name, sizeof counter->name, "%s", name);
		trial->n_counters++;
	}
	if (__builtin_add_overflow(counter->sum, add, &counter->sum))
		counter->sum = add > 0 ? INT64_MAX : INT64_MIN;
}

static void say_counters(const struct trial *trial)
{
	for (size_t i = 0; i < trial->n_counters; i++) {
		char sum[32];
		int n = snprintf(sum, sizeof sum, "%" PRId64, trial->counters[i].sum);
		char tag[sizeof trial->counters[i].name + 16];
		snprintf(tag, sizeof tag, "counter %s", trial->counters[i].name);
		log_relay(tag, sum, (size_t)n);
	}
}

static void take_event(struct trial *trial, const struct channel_event *event)
{
	if (event->kind == EVENT_FAILED) {
		trial->held_bytes = 0;
		say(trial, event->detail == FAILURE_AGAIN ? ": asked for another attempt" : ": failed", event->text,
		    event->n_bytes);
	} else if (event->kind == EVENT_LOG) {
		say(trial, "", event->text, event->n_bytes);
	} else if (event->kind == EVENT_COUNT) {
		count(trial, event->text, (int64_t)event->position);
	} else if (event->kind == EVENT_REFUSED) {
		log_error("%s", event->text);
	}
}

/* It can't go on, and the item in hand has nothing to do with it. */
_Noreturn static void give_up(struct trial *trial, const char *why)
{
	log_error("the trial can't continue: %s", why);
	trial->told->seq = 0;
	trial->told->is_done = 1;
	exit(3);
}

static void hold(struct trial *trial, const unsigned char *bytes, size_t n_bytes)
{
	if (n_bytes > trial->held_cap - trial->held_bytes) {
		trial->held_cap = 2 * trial->held_cap + n_bytes;
		trial->held = realloc(trial->held, trial->held_cap);
		if (!trial->held) {
			give_up(trial, "out of memory");
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
		give_up(trial, "the plugin has overwritten the channel's memory");
	}
	if (n_bytes > 0) {
		hold(trial, channel_data(channel), n_bytes);
		channel_take(channel, n_bytes, n_items);
	} else {
		channel_take(channel, 0, n_items);
	}
	channel_release(channel);
	while (channel_event(channel, &event) > 0) {
		take_event(trial, &event);
		channel_event_done(channel, &event);
	}
	if (n_items > 0 && trial->held_bytes > 0) {
		if (fwrite(trial->held, 1, trial->held_bytes, trial->out) != trial->held_bytes || fflush(trial->out) != 0) {
			give_up(trial, strerror(errno));
		}
		trial->held_bytes = 0;
	}
}

static void send_next(struct trial *trial)
{
	ssize_t n = getdelim(&trial->item, &trial->item_cap, trial->delimiter, trial->in);
	if (n <= 0) {
		trial->told->seq = 0;
		channel_stop(trial->channel);
		return;
	}
	size_t n_bytes = (size_t)n;
	if (trial->item[n_bytes - 1] != trial->delimiter)
		trial->item[n_bytes++] = trial->delimiter; /* getdelim leaves room for a NUL there */
	trial->seq++;
	size_t n_told = n_bytes - 1 < sizeof trial->told->item ? n_bytes - 1 : sizeof trial->told->item;
	memcpy(trial->told->item, trial->item, n_told);
	trial->told->n_item_bytes = (uint32_t)n_told;
	trial->told->seq = trial->seq;
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
		return err_set(err, ERR_USAGE, "'%s' isn't KEY=VALUE", word);
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
	int result = options && values && texts ? 0 : err_set(err, ERR_RESOURCE, "out of memory");
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
	crash_share(true);
	crash_init(&port);
	int result = worker_live(host, &setup, &port, &n_not_ok);
	collect(trial);
	port_detach(&port);
	return result != 0 ? 3 : n_not_ok > 0 ? 1 : 0;
}

/* exit() in the midst of an item would look like an end that is in order. Who reads what we tell, sees it there. */
static void on_end(int status, void *arg)
{
	const struct trial *trial = arg;
	char item[LOG_QUOTE_BYTES];
	if (trial->told != &trial->own || trial->told->seq == 0)
		return;
	log_error("item %" PRIu64 " %s: crashed: the plugin called exit(%d); the trial ends here", trial->told->seq,
	          log_quote(item, trial->told->item, trial->told->n_item_bytes), status);
	_exit(3);
}

/* "--tell" FD: the memory that rota reads when we have ended. */
static int share(struct trial *trial, const char *fd_text, struct err *err)
{
	int fd = (int)strtol(fd_text, NULL, 10);
	struct trial_shm *told = mmap(NULL, sizeof *told, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (told == MAP_FAILED)
		return err_set_errno(err, ERR_RUN, errno, "cannot map the memory that rota shares");
	close(fd);
	trial->told = told;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	return 0;
}

/* Results have standard output; what the plugin prints goes to standard error, line by line, so that a crash has it. */
static int set_streams(struct trial *trial, struct err *err)
{
	int out_fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	int in_fd = -1;
	trial->out = out_fd < 0 ? NULL : fdopen(out_fd, "w");
	trial->in = proc_move_input(&in_fd) != 0 ? NULL : fdopen(in_fd, "r");
	if (!trial->in || !trial->out || dup2(STDERR_FILENO, STDOUT_FILENO) < 0 || setvbuf(stdout, NULL, _IOLBF, 0) != 0)
		return err_set_errno(err, ERR_RUN, errno, "cannot set up the standard streams");
	return 0;
}

int try_run(int argc, char **argv)
{
	static struct trial trial = {.delimiter = '\n'};
	struct host *host = NULL;
	struct err err = {0};
	int status = 2;
	trial.told = &trial.own;
	if (argc > 1 && strcmp(argv[0], "--tell") == 0) {
		share(&trial, argv[1], &err);
		argc -= 2;
		argv += 2;
	}
	if (argc > 0 && strcmp(argv[0], "-0") == 0) {
		trial.delimiter = '\0';
		argc--;
		argv++;
	}
	if (err.code == ERR_NONE && argc == 0)
		err_set(&err, ERR_USAGE, "--try needs a FILE: rota-worker --try [-0] FILE [KEY=VALUE]... < items");
	if (err.code == ERR_NONE && set_streams(&trial, &err) == 0 && on_exit(on_end, &trial) == 0 &&
	    host_open(&host, argv[0], &err) == 0 && take_words(host, argv + 1, (size_t)argc - 1, &err) == 0 &&
	    host_load(host, &err) == 0)
		status = live(host, &trial, &err);
	if (err.code != ERR_NONE) {
		log_error("%s", err.text);
		status = err.code == ERR_USAGE ? 2 : 3;
	}
	say_counters(&trial);
	channel_destroy(&trial.channel);
	host_close(&host);
	if (trial.out && fclose(trial.out) != 0)
		status = 3;
	if (trial.in)
		fclose(trial.in);
	free(trial.item);
	free(trial.held);
	trial.told->is_done = 1;
	return status;
}
