/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sleep - takes a known time for each item, asleep or busy, and gives the item back: for trying things out.
 *
 * An item that is a decimal number, such as 20 or 0.5, says how many milliseconds; any other takes the option's.
 * Long sleeps come up for air every 50 ms to see whether they were cancelled.
 */
#define _GNU_SOURCE 1
#include <rota/plugin.h>

#include <stdlib.h>
#include <time.h>

#define NS_PER_S INT64_C(1000000000)
#define NS_PER_MS INT64_C(1000000)
#define BREATH_NS (50 * NS_PER_MS)
#define MAX_NS (86400 * NS_PER_S) /* as in the range of ms */

struct sleeper {
	int64_t duration_ns; /* of items that aren't numbers */
	bool is_spinning;
};

static int64_t now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * NS_PER_S + now.tv_nsec;
}

/* Until then, or until a signal comes. */
static void sleep_until(int64_t until_ns)
{
	struct timespec until = {.tv_sec = until_ns / NS_PER_S, .tv_nsec = until_ns % NS_PER_S};
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
}

static void spin_until(int64_t until_ns)
{
	while (now_ns() < until_ns)
		;
}

/* Sets *ret_ns when the text is a decimal number. One that is too large gives something above MAX_NS. */
static void parse_ms(const char *text, size_t n_bytes, int64_t *ret_ns)
{
	int64_t ns = 0;
	int64_t place_ns = NS_PER_MS; /* what a digit counts at this place behind the point */
	bool has_digits = false, has_point = false;
	for (size_t i = 0; i < n_bytes; i++) {
		if (text[i] == '.' && !has_point) {
			has_point = true;
			continue;
		}
		if (text[i] < '0' || text[i] > '9')
			return;
		has_digits = true;
		int digit = text[i] - '0';
		if (has_point) {
			place_ns /= 10;
			ns += digit * place_ns;
		} else if (ns <= MAX_NS) {
			ns = ns * 10 + digit * NS_PER_MS;
		}
	}
	if (has_digits)
		*ret_ns = ns;
}

static int sleep_open(struct rota_worker *worker, void **state)
{
	struct sleeper *sleeper = malloc(sizeof(*sleeper));
	if (!sleeper)
		return rota_refuse(worker, "out of memory");
	sleeper->duration_ns = rota_option_int(worker, "ms") * NS_PER_MS;
	sleeper->is_spinning = rota_option_bool(worker, "spin");
	*state = sleeper;
	return ROTA_OK;
}

static int sleep_run(struct rota_task *task, void *state)
{
	const struct sleeper *sleeper = state;
	int64_t now = now_ns();
	size_t n_bytes;
	const char *item = rota_item(task, &n_bytes);
	int64_t duration = sleeper->duration_ns;
	parse_ms(item, n_bytes, &duration);
	if (duration > MAX_NS)
		return rota_fail(task, "the item asks for more than a day: the maximum is 86400000 ms");

	for (int64_t end = now + duration; now < end; now = now_ns()) {
		int64_t until = end - now > BREATH_NS ? now + BREATH_NS : end;
		if (sleeper->is_spinning)
			spin_until(until);
		else
			sleep_until(until);
		if (until < end && rota_cancelled(task))
			return rota_fail(task, "cancelled while asleep");
	}
	return rota_write(task, item, n_bytes);
}

static void sleep_close(void *state)
{
	free(state);
}

ROTA_OPTIONS(sleep_options,
             {"ms", ROTA_INT, "100", "how long an item takes, unless the item is a number", "0..86400000", "ms"},
             {"spin", ROTA_BOOL, "no", "keep the CPU busy instead of sleeping"}, {NULL});

ROTA_PLUGIN(.name = "sleep", .version = "1.0",
            .summary = "wait for each item, then write it unchanged; for trying things out",
            .flags = ROTA_THREAD_SAFE | ROTA_PURE | ROTA_TIDY, .options = sleep_options, .open = sleep_open,
            .run = sleep_run, .close = sleep_close);
