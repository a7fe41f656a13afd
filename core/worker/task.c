/* SPDX-License-Identifier: Apache-2.0 */
/* task - see task.h. */
#include "config.h"

#include "core/base/notation.h"
#include "core/worker/services.h"
#include "core/worker/task.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct task *task_of(struct rota_task *pub)
{
	return (struct task *)(void *)pub;
}

void task_init(struct task *task, struct port *port, const struct setup *setup, const char *plugin_name)
{
	*task = (struct task){.pub.host = &services,
	                      .port = port,
	                      .plugin_name = plugin_name,
	                      .frame = setup->frame,
	                      .frame_byte = setup->frame_byte,
	                      .needs_care = setup->frame != FRAME_ALWAYS, /* and see task_begin_batch */
	                      .max_result_bytes = (uint64_t)setup->max_result_bytes,
	                      .room_max_bytes = (uint64_t)setup->max_result_bytes};
}

void task_fini(struct task *task)
{
	free(task->large);
	task->large = NULL;
}

void task_begin_batch(struct task *task, uint32_t attempt, bool is_summed)
{
	task->attempt = attempt;
	task->is_summed = is_summed;
	task->needs_care = task->frame != FRAME_ALWAYS || is_summed;
	if (is_summed)
		digest_init(&task->sum);
}

/* What is about to be published. */
static void add_to_sum(struct task *task)
{
	if (task->is_summed && task->pub.out_bytes > 0)
		digest_add(&task->sum, port_out(task->port), task->pub.out_bytes);
}

static int note_failure(struct task *task, enum event_failure failure, const char *text, size_t n_bytes)
{
	task->needs_care = true;
	if (!task->is_failed) {
		task->is_failed = true;
		task->failure = failure;
		task->reason_bytes = n_bytes < sizeof task->reason ? n_bytes : sizeof task->reason;
		memcpy(task->reason, text, task->reason_bytes);
	}
	return failure == FAILURE_AGAIN ? ROTA_AGAIN : ROTA_FAILED;
}

__attribute__((format(printf, 2, 3))) static void note_wrong(struct task *task, const char *format, ...)
{
	char text[ROTA_TEXT_MAX];
	va_list args;
	va_start(args, format);
	size_t n = rota_format(text, format, args);
	va_end(args);
	note_failure(task, FAILURE_FAILED, text, n);
}

static int fail_too_large(struct task *task)
{
	char text[96];
	char limit[NOTATION_SIZE_BYTES];
	int n = snprintf(text, sizeof text, "the result is larger than max-result (%s)",
	                 notation_write_size(limit, (int64_t)task->max_result_bytes));
	return note_failure(task, FAILURE_MAX_RESULT, text, (size_t)n);
}

/* Hands on what stands in the ring so far, so that there is room again. */
static void publish_part(struct task *task)
{
	if (task->pub.out_bytes == 0)
		return;
	task->needs_care = true;
	task->last_byte = task->pub.out[-1];
	task->part_bytes += task->pub.out_bytes;
	add_to_sum(task);
	port_part(task->port, task->pub.out_bytes);
	task->pub.out_bytes = 0;
}

static bool is_allowed(const struct task *task, size_t n_bytes)
{
	return n_bytes <= task->max_result_bytes - task->part_bytes - task->pub.out_bytes;
}

/* Makes room for n_bytes, by waiting for the supervisor to take older results. false: larger than half the ring. */
static bool make_room(struct task *task, size_t n_bytes)
{
	size_t wanted = task->pub.out_bytes + n_bytes + TASK_FRAME_BYTES;
	if (wanted > port_ring_bytes(task->port) / 2)
		return false;
	port_wait_room(task->port, wanted);
	task_set_room(task);
	return n_bytes <= task->pub.out_room;
}

static void append(struct task *task, const char *bytes, size_t n_bytes)
{
	memcpy(task->pub.out, bytes, n_bytes);
	task->pub.out += n_bytes;
	task->pub.out_bytes += n_bytes;
	task->pub.out_room -= n_bytes;
}

int task_write(struct rota_task *pub, const void *bytes, size_t n_bytes)
{
	struct task *task = task_of(pub);
	const char *at = bytes;
	if (task->is_failed)
		return ROTA_FAILED;
	if (!is_allowed(task, n_bytes))
		return fail_too_large(task);
	pub->n_writes++;
	if (n_bytes > pub->out_room && !make_room(task, n_bytes)) {
		while (n_bytes > pub->out_room) {
			size_t n = pub->out_room;
			append(task, at, n);
			at += n;
			n_bytes -= n;
			publish_part(task);
			port_wait_room(task->port, port_ring_bytes(task->port) / 4);
			task_set_room(task);
		}
	}
	if (n_bytes > 0)
		append(task, at, n_bytes);
	return ROTA_OK;
}

char *task_reserve(struct rota_task *pub, size_t n_bytes)
{
	struct task *task = task_of(pub);
	if (task->is_failed)
		return NULL;
	if (!is_allowed(task, n_bytes)) {
		fail_too_large(task);
		return NULL;
	}
	if (task->reserved_bytes > 0) {
		/* what was reserved before and not committed is given up */
		task->reserved_bytes = 0;
		task_set_room(task);
	}
	task->has_reserved = true;
	if (n_bytes <= pub->out_room || make_room(task, n_bytes)) {
		/* so that rota_commit of more comes to us */
		if (task->is_watched)
			pub->out_room = n_bytes;
		return pub->out;
	}
	if (task->large_bytes < n_bytes) {
		char *large = realloc(task->large, n_bytes);
		if (!large) {
			note_wrong(task, "out of memory: a result of %zu bytes", n_bytes);
			return NULL;
		}
		task->large = large;
		task->large_bytes = n_bytes;
	}
	task->needs_care = true;
	task->reserved_bytes = n_bytes;
	/* so that rota_commit doesn't take it for the ring's room */
	pub->out_room = 0;
	return task->large;
}

int task_commit(struct rota_task *pub, size_t n_bytes)
{
	struct task *task = task_of(pub);
	if (task->is_failed)
		return ROTA_FAILED;
	if (task->reserved_bytes == 0 && n_bytes <= pub->out_room)
		return rota_commit(pub, n_bytes);
	if (n_bytes > task->reserved_bytes) {
		note_wrong(task, "plugin %.100s committed %zu bytes but had reserved fewer: fix the plugin", task->plugin_name,
		           n_bytes);
		return ROTA_FAILED;
	}
	task->reserved_bytes = 0;
	task_set_room(task);
	return task_write(pub, task->large, n_bytes);
}

const char *task_item(struct rota_task *pub, size_t *ret_bytes)
{
	return rota_item(pub, ret_bytes);
}

uint64_t task_seq(struct rota_task *pub)
{
	return task_of(pub)->seq;
}

uint32_t task_attempt(struct rota_task *pub)
{
	return task_of(pub)->attempt;
}

/* SplitMix64 (Steele, Lea, Flood 2014) of the item's number. */
uint64_t task_seed(struct rota_task *pub)
{
	uint64_t z = task_of(pub)->seq * UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

int task_next(struct rota_task *pub)
{
	note_wrong(task_of(pub), "the plugin wants to write several results (rota_next), which rota %s does not support",
	           PACKAGE_VERSION);
	return ROTA_FAILED;
}

int task_fail(struct rota_task *pub, const char *text, size_t n_bytes)
{
	return note_failure(task_of(pub), FAILURE_FAILED, text, n_bytes);
}

int task_retry(struct rota_task *pub, const char *text, size_t n_bytes)
{
	return note_failure(task_of(pub), FAILURE_AGAIN, text, n_bytes);
}

void task_log(struct rota_task *pub, const char *text, size_t n_bytes)
{
	port_say(task_of(pub)->port, EVENT_LOG, 0, text, n_bytes);
}

bool task_cancelled(struct rota_task *pub)
{
	return port_is_cancelled(task_of(pub)->port);
}

void task_count(struct rota_task *pub, const char *name, int64_t add)
{
	port_say(task_of(pub)->port, EVENT_COUNT, add, name, strlen(name));
}

void task_command_ended(struct rota_task *pub, int wait_status)
{
	struct task *task = task_of(pub);
	task->needs_care = true;
	task->wait_status = wait_status;
}

void task_print(struct rota_task *pub, const char *text, size_t n_bytes)
{
	port_say(task_of(pub)->port, EVENT_LOG, EVENT_LOG_PLAIN, text, n_bytes);
}

void task_keep_result(struct rota_task *pub)
{
	struct task *task = task_of(pub);
	task->needs_care = true;
	task->keeps_result = true;
}

/* The frame goes behind the result: a byte for it was kept free. */
static void put_frame(struct task *task)
{
	struct rota_task *pub = &task->pub;
	if (pub->n_writes == 0 || task->frame == FRAME_NONE || task->frame == FRAME_RAW)
		return;
	if (task->frame == FRAME_MISSING) {
		bool has_bytes = pub->out_bytes > 0 || task->part_bytes > 0;
		char last = pub->out_bytes > 0 ? pub->out[-1] : task->last_byte;
		if (!has_bytes || last == task->frame_byte)
			return;
	}
	if (pub->out_bytes == 0)
		port_wait_room(task->port, TASK_FRAME_BYTES);
	port_out(task->port)[pub->out_bytes++] = task->frame_byte;
}

/* Nothing is left of the item that has ended. */
static void forget(struct task *task)
{
	if (task->large_bytes > TASK_LARGE_KEPT_BYTES) {
		task_fini(task);
		task->large_bytes = 0;
	}
	task->part_bytes = 0;
	task->reserved_bytes = 0;
	task->room_max_bytes = task->max_result_bytes;
	task->is_watched = task->has_reserved = false;
	task->is_failed = task->keeps_result = false;
	task->wait_status = 0;
	task->needs_care = task->frame != FRAME_ALWAYS || task->is_summed;
}

/* A failure tells where what belongs to its item ends: all of a result that is kept is published before it. */
static void publish_kept(struct task *task)
{
	put_frame(task);
	add_to_sum(task);
	if (task->pub.out_bytes > 0)
		port_part(task->port, task->pub.out_bytes);
	task->pub.out_bytes = 0;
	if (task->is_summed)
		port_put_sum(task->port, digest_value(&task->sum).low);
}

/* It may be meant; a result that is lost so is worth a line, once a worker. */
static void say_uncommitted(struct task *task)
{
	char text[200];
	int n =
		snprintf(text, sizeof text,
	             "plugin %.100s reserved room for a result but committed nothing: the item has no result (rota_commit)",
	             task->plugin_name);
	if (!task->has_said_uncommitted)
		port_say(task->port, EVENT_LOG, 0, text, (size_t)n);
	task->has_said_uncommitted = true;
}

bool task_end_slowly(struct task *task, int status, bool is_last)
{
	if (status == ROTA_AGAIN && !task->is_failed)
		task_retry(&task->pub, "", 0);
	if (status != ROTA_OK && !task->is_failed)
		note_wrong(task, "the plugin returned %d and gave no reason (rota_fail)", status);
	bool is_ok = !task->is_failed;
	if (is_ok) {
		if (task->has_reserved && task->pub.n_writes == 0)
			say_uncommitted(task);
		put_frame(task);
		add_to_sum(task);
		if (task->is_summed)
			port_put_sum(task->port, digest_value(&task->sum).low);
		port_answer(task->port, task->pub.out_bytes, is_last);
	} else {
		bool keeps_result = task->keeps_result && task->pub.n_writes > 0 && task->failure != FAILURE_MAX_RESULT;
		if (keeps_result)
			publish_kept(task);
		port_fail(task->port, task->failure, task->wait_status, keeps_result, task->reason, task->reason_bytes);
		port_answer(task->port, 0, is_last);
	}
	forget(task);
	return is_ok;
}
