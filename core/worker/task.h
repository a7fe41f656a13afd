/* SPDX-License-Identifier: Apache-2.0 */
/*
 * task - an item in a plugin's hands: the host's services for it. Results are written straight into the channel's
 * result ring; what doesn't fit goes there in parts.
 *
 *   task_init once; task_begin_batch; for each item task_begin, the plugin's run with &task->pub, task_end
 *
 * Invariants: between task_begin and task_end the result so far = part_bytes published + pub.out_bytes at port_out, and
 * at least one byte (for the frame) is free behind it. Between task_end and task_begin nothing is noted of the item
 * that was: only where needs_care is set there is anything to put back. One thread.
 *
 * What a plugin does with rota_reserve and rota_commit in line nobody sees. task_watch has the next item's calls come
 * to the host: one that commits more than it had reserved fails, one that commits nothing is told of. The first item
 * of each batch is watched, which costs the others nothing.
 */
#ifndef WORKER_TASK_H
#define WORKER_TASK_H

#include "core/base/digest.h"
#include "core/wire/setup.h"
#include "shm/port.h"

#include <rota/plugin.h>

#define TASK_FRAME_BYTES 1u
#define TASK_LARGE_KEPT_BYTES (1u << 20) /* of a buffer for large results, from one item to the next */

struct task {
	struct rota_task pub; /* first: what the plugin sees */
	struct port *port;
	const char *plugin_name; /* for messages; borrowed */
	enum setup_frame frame;
	char frame_byte;
	uint64_t max_result_bytes;
	uint64_t room_max_bytes; /* of the ring's room that rota_reserve may take in line: max_result_bytes, or 0: below */
	uint64_t seq;
	uint32_t attempt;        /* the batch's: set by who runs it */
	bool needs_care;         /* the item can't be ended in line: below, or the frame, isn't as most items leave it */
	bool is_summed;          /* of the batch's items sums are noted */
	struct digest_state sum; /* of what was published of it so far */
	uint64_t part_bytes;     /* published already */
	char last_byte;          /* of them */
	char *large;             /* what rota_reserve gave when the ring was too small; owned */
	size_t large_bytes;
	/* the item is watched: rota_reserve comes to the host, and gives no more than was asked for */
	bool is_watched, has_reserved, has_said_uncommitted;
	size_t reserved_bytes; /* of large, by a reserve that wasn't committed yet; 0: the ring's room is reserved */
	bool keeps_result;     /* if it fails, too */
	bool is_failed;
	enum event_failure failure;
	int wait_status; /* of the item's command; 0: there was none */
	size_t reason_bytes;
	char reason[ROTA_TEXT_MAX];
};

void task_init(struct task *task, struct port *port, const struct setup *setup, const char *plugin_name);
void task_fini(struct task *task);
void task_begin_batch(struct task *task, uint32_t attempt, bool is_summed);
/* Where the next bytes go and how many fit: within the ring's room, and within max-result. */
static inline void task_set_room(struct task *task)
{
	size_t room = port_room(task->port);
	size_t used = task->pub.out_bytes + TASK_FRAME_BYTES;
	uint64_t allowed = task->max_result_bytes - task->part_bytes - task->pub.out_bytes;
	task->pub.out = port_out(task->port) + task->pub.out_bytes;
	task->pub.out_room = room > used ? room - used : 0;
	if (task->pub.out_room > allowed)
		task->pub.out_room = (size_t)allowed;
}

static inline void task_begin(struct task *task, const char *item, size_t n_bytes, uint64_t seq)
{
	size_t room = port_room(task->port);
	room -= room >= TASK_FRAME_BYTES ? TASK_FRAME_BYTES : room;
	task->pub.item = item;
	task->pub.item_bytes = n_bytes;
	task->pub.out = port_out(task->port);
	task->pub.out_bytes = 0;
	task->pub.out_room = room < task->room_max_bytes ? room : (size_t)task->room_max_bytes;
	task->pub.n_writes = 0;
	task->seq = seq;
}

/* The next item that is begun. */
static inline void task_watch(struct task *task)
{
	task->is_watched = task->needs_care = true;
	task->room_max_bytes = 0;
}

/* What task_end doesn't do in line: a failure, no result, an empty one, parts, another frame, a large buffer. */
bool task_end_slowly(struct task *task, int status, bool is_last);

/* status: what run returned. Answers the item; is_last: of its batch. true: its outcome is ok. */
static inline bool task_end(struct task *task, int status, bool is_last)
{
	struct rota_task *pub = &task->pub;
	if (__builtin_expect(status != ROTA_OK || task->needs_care || pub->out_bytes == 0, 0))
		return task_end_slowly(task, status, is_last);
	*pub->out = task->frame_byte;
	port_answer(task->port, pub->out_bytes + TASK_FRAME_BYTES, is_last);
	return true;
}

/* The services, as rota/plugin.h describes them. */
const char *task_item(struct rota_task *pub, size_t *ret_bytes);
uint64_t task_seq(struct rota_task *pub);
uint32_t task_attempt(struct rota_task *pub);
uint64_t task_seed(struct rota_task *pub);
int task_write(struct rota_task *pub, const void *bytes, size_t n_bytes);
char *task_reserve(struct rota_task *pub, size_t n_bytes);
int task_commit(struct rota_task *pub, size_t n_bytes);
int task_next(struct rota_task *pub);
int task_fail(struct rota_task *pub, const char *text, size_t n_bytes);
int task_retry(struct rota_task *pub, const char *text, size_t n_bytes);
void task_log(struct rota_task *pub, const char *text, size_t n_bytes);
bool task_cancelled(struct rota_task *pub);
void task_count(struct rota_task *pub, const char *name, int64_t add);
void task_command_ended(struct rota_task *pub, int wait_status);
void task_keep_result(struct rota_task *pub);
void task_print(struct rota_task *pub, const char *text, size_t n_bytes);

#endif
