/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tidy - what an item must not leave behind for the next: the process's state as it was after the plugin's open is
 * kept, compared and put right.
 *
 *   tidy_init after open; after an item's run and before its answer tidy_check, and if tidy_note has something to say,
 *   say it; tidy_fini
 *
 * The folder, masks, locales, children, the sharper limits and the channel cost about two microseconds, the rest five
 * times that: it is compared every two milliseconds at most, so that an item that takes longer is always followed by
 * all of it. The channel is compared each time: who finds it gone has done it, or one before in the same batch has.
 * Not seen: POSIX timers, threads, the environment, memory, and descriptors left open. Children that the plugin's open
 * has started are its own affair, and with them all living ones that come later: nobody can say whose they are. The
 * dead are reaped whoever left them, for the worker is a child subreaper.
 * Owner: the worker. Threads: one.
 */
#ifndef WORKER_TIDY_H
#define WORKER_TIDY_H

#include <locale.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/types.h>

enum tidy_scope {
	TIDY_NONE = 0,
	TIDY_THREAD = 1, /* only what is the thread's own: the process is others', too */
	TIDY_TREE = 2,   /* only what runs beside the worker, and its channel: the plugin promises ROTA_TIDY */
	TIDY_PROCESS = 3
};

enum tidy_kind {
	TIDY_TIMERS,
	TIDY_ACTIONS,
	TIDY_LIMITS,
	TIDY_STREAMS,
	TIDY_CHANNEL,
	TIDY_FOLDER,
	TIDY_UMASK,
	TIDY_SIGMASK,
	TIDY_LOCALE,
	TIDY_THREAD_LOCALE,
	TIDY_CHILDREN,
	TIDY_KINDS
};

#define TIDY_SIGNALS 65 /* 1 to 64 */
#define TIDY_TIMERS_MAX 3
#define TIDY_STREAMS_MAX 3
#define TIDY_NOTE_BYTES 512

struct tidy {
	enum tidy_scope scope;
	int64_t dear_ns; /* when all was last compared */
	bool is_all;     /* so it is this time */
	unsigned found;  /* kinds, a bit each, since the last note */
	unsigned told;   /* by a note, ever */
	bool is_spoilt;  /* something couldn't be put right: the worker must be replaced */
	/* as it was */
	pid_t pid;
	struct stat folder;
	int folder_fd; /* owned */
	mode_t umask;
	sigset_t sigmask;
	struct sigaction actions[TIDY_SIGNALS];
	bool has_timer[TIDY_TIMERS_MAX];
	struct rlimit limits[RLIM_NLIMITS];
	char *locale; /* owned */
	locale_t thread_locale;
	bool has_stream[TIDY_STREAMS_MAX];
	int channel_fd;
};

/* Keeps how all is now. channel_fd must stay open, too: without it the supervisor isn't woken any more. */
void tidy_init(struct tidy *tidy, enum tidy_scope scope, int channel_fd);
void tidy_fini(struct tidy *tidy);

/* Compares and puts right. false: something couldn't be put right. A process that an item forked ends here. */
bool tidy_check(struct tidy *tidy, int64_t now_ns);

/*
 * What the items first to last, the last in hand, have left and no note has told: the length of the text, 0: nothing.
 */
size_t tidy_note(struct tidy *tidy, uint64_t first, uint64_t last, char ret_text[TIDY_NOTE_BYTES]);

#endif
