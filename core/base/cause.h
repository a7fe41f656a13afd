/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cause - why an item isn't ok: as data, from where it is known to wherever it is told. It becomes a sentence here
 * and nowhere else; nobody reads the sentence back. What is stored of it is its kind's name, code and signal.
 *
 * Made by blame, collect and dispatch, of old failures by note, and by whoever tries a plugin by hand; read by report,
 * job log and journal.
 * Passed by value or pointer; text is borrowed. Thread-safe.
 */
#ifndef BASE_CAUSE_H
#define BASE_CAUSE_H

#include <stdint.h>

enum cause_kind {
	CAUSE_NONE = 0,      /* it is ok */
	CAUSE_FAILED,        /* the plugin says so: text; wait_status when a command was behind it */
	CAUSE_AGAIN,         /* the same, and that another attempt may go well */
	CAUSE_MAX_RESULT,    /* its result is larger than allowed: text */
	CAUSE_MAX_ITEM,      /* it is larger than allowed; no worker had it */
	CAUSE_DIED,          /* its worker ended: wait_status */
	CAUSE_THREAD_ENDED,  /* its worker, a thread, ended (pthread_exit) */
	CAUSE_TIMED_OUT,     /* limit_ns; text, when its plugin gave up in time */
	CAUSE_OVER_MEMORY,   /* used_bytes of limit_bytes, as we saw */
	CAUSE_OOM_KILLED,    /* limit_bytes; the kernel saw it */
	CAUSE_BROKEN_CHANNEL /* its worker wrote what can't be true over the shared memory */
};

struct cause {
	enum cause_kind kind;
	unsigned worker; /* that had it, from 1; 0: none, or it doesn't matter */
	int wait_status; /* as of waitpid: of the worker (DIED), of the item's command (FAILED, AGAIN); 0: there was none */
	int64_t limit_ns, limit_bytes, used_bytes;
	const char *text; /* the plugin's own words, or NULL */
};

/* "SIGSEGV (Segmentation fault) in worker 3": a sentence of at most so many bytes. Returns text. */
#define CAUSE_PROSE_BYTES 4200
const char *cause_prose(char text[CAUSE_PROSE_BYTES], const struct cause *cause);

/* The signal that ended its worker or command; 0: none did. */
int cause_signal(const struct cause *cause);

/* What its worker or command exited with; -1: it didn't, or there was none. */
int cause_code(const struct cause *cause);

/* What its command exited with; -1: there was none, or it didn't exit. */
int cause_exit_code(const struct cause *cause);

/* The wait status that cause_code and cause_signal are told from; 0 for what no process ends with. */
int cause_wait_status(int64_t code, int64_t signum);

/* "failed", "died", "timed-out" ...: what programs call it; "none" for CAUSE_NONE. */
const char *cause_kind_name(enum cause_kind kind);
/* CAUSE_NONE for any other name. */
enum cause_kind cause_kind_find(const char *name);

#endif
