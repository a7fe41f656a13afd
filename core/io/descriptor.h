/* SPDX-License-Identifier: Apache-2.0 */
/*
 * descriptor - what a descriptor leads to, and a description of our own for one that we share. O_NONBLOCK belongs to
 * the description: setting it on standard input would change it for the shell and everybody else who has it too.
 * A pipe, FIFO or terminal is therefore opened a second time. Thread-safe.
 */
#ifndef IO_DESCRIPTOR_H
#define IO_DESCRIPTOR_H

enum descriptor_kind {
	DESCRIPTOR_REGULAR = 1, /* a file or block device: always ready */
	DESCRIPTOR_FOLDER,
	DESCRIPTOR_PIPE, /* a FIFO too */
	DESCRIPTOR_TERMINAL,
	DESCRIPTOR_SOCKET,
	DESCRIPTOR_DEVICE /* and whatever else there is: /dev/null, an eventfd */
};

/* The kind, or -1 with errno. */
int descriptor_kind(int fd);

/*
 * A new description of the same pipe, FIFO or terminal, with O_NONBLOCK and O_CLOEXEC; access_mode is O_RDONLY or
 * O_WRONLY. -1 with errno when there is no way (no /proc, not our user's pipe, the master of a pseudo-terminal).
 */
int descriptor_reopen(int fd, int access_mode);

/*
 * Has a pipe hold more than the 64 KiB that it holds by itself, so that who writes and who reads it needn't take turns
 * so often. Nothing happens where that isn't allowed, nor to anything else than a pipe.
 */
void descriptor_widen(int fd);

/*
 * A second number for the same description, with O_CLOEXEC, so that every user closes what is its own; never one of
 * 0, 1, 2. -1 with errno; EBADF also when the description isn't open for access_mode.
 */
int descriptor_share(int fd, int access_mode);

#endif
