/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tree - everything below this process. For a process that is a child subreaper: whatever its children started and left
 * behind becomes its own child when they die, so killing children until there are none leaves nothing.
 */
#ifndef BASE_TREE_H
#define BASE_TREE_H

/*
 * Kills (SIGKILL) and reaps all children, and theirs, until there are none. Where /proc can't be read only what is dead
 * already is reaped. Not while other threads start processes.
 */
void tree_kill(void);

#endif
