/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proc - what a program of ours begins with, starting programs, saying how a process is and how it ended. Thread-safe
 * but for proc_begin, proc_drop_input and proc_move_input.
 */
#ifndef BASE_PROC_H
#define BASE_PROC_H

#include "core/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * First of all in a program: descriptors 0, 1 and 2 are open, so that no file that is opened later has one of these
 * numbers, and deaths of children are told whatever the parent had set. -1: it can't be.
 */
int proc_begin(void);

/*
 * Before code of a plugin's runs: nothing is read from standard input any more. proc_move_input: but from *ret_fd, the
 * caller's (close-on-exec). -1 with errno.
 */
int proc_drop_input(void);
int proc_move_input(int *ret_fd);

/* How many threads this process has; 0: that isn't known. */
unsigned proc_threads(void);

/* A descriptor of ours (from) that the program gets as number to. */
struct proc_fd {
	int from;
	int to;
};

/*
 * posix_spawns argv[0] (a path) with our environment. Of our descriptors it gets 0, 1, 2 and those in fds, whatever
 * overlap from and to have (each to at most once); all others of ours must be close-on-exec, and 0, 1, 2 open.
 * Signal mask and actions are put back to the default. in_new_session: setsid.
 * ERR_RESOURCE when no process is to be had (EAGAIN, ENOMEM, EPERM; no descriptor: EMFILE, ENFILE).
 */
int proc_spawn(const char *const *argv, const struct proc_fd *fds, size_t n_fds, int in_new_session, pid_t *ret_pid,
               struct err *err);

/* Kills a child of ours and waits for it. Returns its wait status. */
int proc_end(pid_t pid);

/*
 * Ends this process by a signal, as if that had been left alone: a shell sees 128 + its number. Where the signal can't
 * (process 1 of a PID namespace is deaf to it) it sees the same.
 */
_Noreturn void proc_die_by(int signum);

/* How it died, of a wait status: "SIGSEGV (Segmentation fault)", "exit code 3". Returns text. */
#define PROC_DEATH_BYTES 80
const char *proc_death(char text[PROC_DEATH_BYTES], int wait_status);

/* Has it ended, be it reaped or not? A number that is another's by now hasn't. */
bool proc_is_dead(pid_t pid);

/* Of a wait status: it was ended by a signal that comes from outside (KILL, TERM, INT, HUP, QUIT), not by a fault. */
bool proc_was_killed(int wait_status);

/* Its first thread's, as /proc shows it: R runs or waits for a processor, T is stopped; '?' when it isn't known. */
char proc_state(pid_t pid);

/* A descriptor (close-on-exec) that polls readable when the process has ended; -1 where there is no pidfd_open. */
int proc_open_pidfd(pid_t pid);

/* The folder of the running program ("/usr/bin"), or -1. */
int proc_own_folder(char *ret_path, size_t n_bytes, struct err *err);

/* A program beside the running one (a build tree), else in the installed folder given: *ret_path is malloc'ed. */
int proc_find_program(const char *name, const char *installed_folder, char **ret_path, struct err *err);

#endif
