/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tree - the processes below this one, and which of them are ours to end.
 *
 * Whoever has executed us may have left us children (a shell's `exec`), and a process 1 or a child subreaper is given
 * those whose parent died. So that a process is below us doesn't make it ours. Every process is known by its number and
 * the time at which it started; one that was there before our first fork is noted, and is never touched.
 *
 *   tree_begin    in the supervisor, before its first fork: notes who is there, marks what is started from now on
 *   tree_note     in a fork server after `load`, in a worker after `open`: what they have started is to stay
 *   tree_own, tree_disown    around the life of a child that somebody waits for: no stray
 *   tree_reap     what was given to us and is dead
 *   tree_kill_strays    one look: a death that follows calls for another
 *   tree_end_strays, tree_end    until there are none, or they don't die; tree_forget before it where all is to end
 *
 * What is ours: where nobody else's can get below us, everything that isn't noted. That is so in a fork server, in a
 * worker, and in a supervisor that had no child when it began and isn't process 1. Else only what can be shown to be:
 * it carries our mark (TREE_MARK) in the environment it began with, it is a fork of ourselves, or it is in a session
 * that one of ours has made. What can't be shown is left alone, and reaped when it is dead.
 *
 * Owner: the process; what is forked begins with what was noted, and notes anew. Threads: one, but others may start
 * processes and wait for them: they are asked about at the end only. tree_end may be called by a signal's handler.
 */
#ifndef BASE_TREE_H
#define BASE_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define TREE_MARK "ROTA_RUN" /* in the environment: the supervisor's number and start */

/* Makes us a child subreaper, too: what a child leaves behind comes to us. */
void tree_begin(void);

/* All that is below us now. keeps_session: and what is in our own session at any time (workers have theirs). */
void tree_note(bool keeps_session);
bool tree_has_noted(void);
void tree_forget(void); /* what was to stay is not to any more */

void tree_own(pid_t pid);
void tree_own_children(void); /* all that there are now */
void tree_disown(pid_t pid);

void tree_reap(void);

/* How many were killed (SIGKILL); they are reaped by the caller's own waitpid. */
int tree_kill_strays(void);

/* Kills and reaps, for a second at most in which nothing dies. sessions: numbers of children of ours that led one. */
void tree_end_strays(const pid_t *sessions, size_t n_sessions);

/* The same with what is owned, and the children of every thread. */
void tree_end(void);

#endif
