/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tree - everything below this process. For a process that is a child subreaper: whatever its children started and left
 * behind becomes its own child when they die, so killing children until there are none leaves nothing.
 */
#ifndef BASE_TREE_H
#define BASE_TREE_H

#include <stddef.h>
#include <sys/types.h>

/*
 * Kills (SIGKILL) and reaps all children, and theirs, until there are none. Where /proc can't be read only what is dead
 * already is reaped. Not while other threads start processes.
 */
void tree_kill(void);

/*
 * Kills the children that aren't among the n_kept: what a child that died had started comes to its nearest subreaper.
 * They are reaped by the caller's own waitpid. How many were killed.
 */
int tree_kill_strays(const pid_t *kept, size_t n_kept);

#endif
