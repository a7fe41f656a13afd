/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exec_group - the process group of a command: TERM and KILL for it, and what it leaves behind.
 *
 *   group_init once a worker; for each command group_hold, its start, group_begin, ..., group_is_wanted,
 *   group_end_leader when it has ended, group_has_rest, group_end_rest, group_leave
 *
 * A worker that is a process of its own has all its children from its command: it is a subreaper, so what the command
 * leaves behind comes to it, whether it is in the group or not. A worker that is a thread tells by the group alone.
 *
 * Invariants: nothing is signalled by a number that could be somebody else's: the command's own until it is reaped, the
 * group's while a child of ours is in it, and numbers of children that aren't reaped. One command at a time a worker.
 */
#ifndef EXEC_GROUP_H
#define EXEC_GROUP_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

struct group {
	bool is_alone; /* the process is this worker's */
	pid_t pid;     /* of the command, which leads it */
	bool is_reaped;
	bool has_status;
	int wait_status; /* is_reaped && has_status: how the command ended */
};

/*
 * A process of its own passes TERM on to its command, and then ends by it as if it had been left alone. With TSTP it
 * stops its command and itself; when it goes on, so does the command.
 */
void group_init(struct group *group);

/* Between the two TERM and TSTP wait: a command that is being started gets them, too. */
void group_hold(const struct group *group, sigset_t *ret_before);
void group_begin(struct group *group, pid_t pid, const sigset_t *before); /* pid 0: it didn't start */

/* false: TERM has come, and was passed on. */
bool group_is_wanted(const struct group *group);

/* Leaves the command unreaped. One that somebody else reaped has ended, too. */
bool group_has_ended(const struct group *group);

/* Reaps the command. It has ended, or is made to: TERM, then KILL. */
void group_end_leader(struct group *group);

/* The command is reaped: is something of it left? What has ended is reaped. */
bool group_has_rest(const struct group *group);

/* What is left: TERM, then KILL, until nothing is. */
void group_end_rest(const struct group *group);

/* The item is over. Where TERM has come the process ends here. */
void group_leave(const struct group *group);

#endif
