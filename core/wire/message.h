/* SPDX-License-Identifier: Apache-2.0 */
/*
 * message - what supervisor and fork server say to each other: one message a packet of their socket (SOCK_SEQPACKET),
 * with a text behind it and descriptors beside it (SCM_RIGHTS).
 *
 *   message_send, message_receive: the only way either of them has
 *
 * Process ids don't go along, for they may be of another namespace: the kernel tells the supervisor the sender's
 * (SCM_CREDENTIALS), as it stands in its own. What comes is read as it is: whoever receives checks each number.
 */
#ifndef WIRE_MESSAGE_H
#define WIRE_MESSAGE_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum message_kind {
	/* up */
	MESSAGE_MOVED = 1,     /* in a PID namespace, first of all: the sender is the fork server from now on */
	MESSAGE_LOADED = 2,    /* the plugin is loaded; ready to fork; status: threads that it has left */
	MESSAGE_REFUSED = 3,   /* it can't be loaded; text: why; status: 2 what it is, 3 its load said no */
	MESSAGE_FORKED = 4,    /* worker, generation; sent by the worker itself */
	MESSAGE_NO_FORK = 5,   /* worker, generation, status: errno */
	MESSAGE_DIED = 6,      /* worker, generation, status: of wait */
	MESSAGE_DESCRIBED = 7, /* status: 0 and text: what the plugin is; 1: rota-worker --describe says why not */
	/* down */
	MESSAGE_DESCRIBE = 8, /* may be the first; text: a plugin's file */
	MESSAGE_SETUP = 9,    /* once, before what follows; descriptor: the job's set-up (setup.h), a file */
	MESSAGE_FORK = 10,    /* worker, generation; descriptors: segment, bell, standard error */
	MESSAGE_KILL = 11     /* worker, generation; status: the signal */
};

struct message {
	uint32_t kind;
	uint32_t worker;     /* from 1 */
	uint64_t generation; /* of that worker: a late word about its predecessor is told apart by it */
	int32_t status;
	int32_t pad;
};
static_assert(sizeof(struct message) == 24, "no hidden padding");

/* Which of a message's descriptors is which. */
enum message_fd {
	/* MESSAGE_SETUP */
	SETUP_FD_FILE = 0,
	SETUP_FDS,
	/* MESSAGE_FORK */
	FORK_FD_SEGMENT = 0,
	FORK_FD_BELL,
	FORK_FD_ERROR, /* the worker's standard output and error */
	FORK_FDS
};
#define MESSAGE_FDS_MAX FORK_FDS
#define MESSAGE_TEXT_MAX 3000u

/* A message as it came. */
struct packet {
	struct message message;
	pid_t sender;             /* 0: the socket doesn't say */
	int fds[MESSAGE_FDS_MAX]; /* the receiver's to close */
	size_t n_fds;
	size_t n_text_bytes;
	char text[MESSAGE_TEXT_MAX + 1]; /* ends with a NUL */
};

/*
 * text: NULL for none; what is behind MESSAGE_TEXT_MAX bytes is left out. fds are borrowed. wait_ns: how long it may
 * wait for a receiver that has hundreds unread; -1: as long as it takes. -1 with errno; EAGAIN: they stay unread.
 */
int message_send(int fd, const struct message *message, const char *text, const int *fds, size_t n_fds,
                 int64_t wait_ns);

/*
 * takes_fds: descriptors that come along are taken; else they are closed, as is fit for one who doesn't trust the
 * sender. flags: MSG_DONTWAIT or 0. 1: one came; 0: the other end is closed, or talks nonsense; -1 with errno.
 */
int message_receive(int fd, struct packet *ret, bool takes_fds, int flags);

#endif
