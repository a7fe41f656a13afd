/* SPDX-License-Identifier: Apache-2.0 */
/*
 * elf - see elf.h. Read are the ELF header and the program headers, as in elf(5); what dlopen would map must be
 * there.
 */
#include "config.h"

#include "core/worker/elf.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#if defined(__x86_64__)
#define OWN_MACHINE EM_X86_64
#elif defined(__aarch64__)
#define OWN_MACHINE EM_AARCH64
#elif defined(__riscv)
#define OWN_MACHINE EM_RISCV
#else
#define OWN_MACHINE EM_NONE /* not known here: the loader will tell */
#endif

static int check_header(const char *file, const ElfW(Ehdr) * header, struct err *err)
{
	if (memcmp(header->e_ident, ELFMAG, SELFMAG) != 0)
		return err_set(err, ERR_USAGE, "%s: isn't a shared object (not an ELF file): build it with cc -shared -fPIC",
		               file);
	const uint8_t own_class = sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32;
	if (header->e_ident[EI_CLASS] != own_class)
		return err_set(err, ERR_USAGE, "%s: is built for another machine (%s bits): build it here", file,
		               header->e_ident[EI_CLASS] == ELFCLASS64 ? "64" : "32");
	if (OWN_MACHINE != EM_NONE && header->e_machine != OWN_MACHINE)
		return err_set(err, ERR_USAGE, "%s: is built for another machine (ELF machine %u, this is %u): build it here",
		               file, header->e_machine, (unsigned)OWN_MACHINE);
	if (header->e_type != ET_DYN)
		return err_set(err, ERR_USAGE, "%s: is an ELF file, but not a shared object: build it with cc -shared -fPIC",
		               file);
	return 0;
}

static int check_extents(const char *file, int fd, const ElfW(Ehdr) * header, uint64_t file_bytes, struct err *err)
{
	uint64_t at = header->e_phoff;
	if (header->e_phentsize != sizeof(ElfW(Phdr)))
		goto truncated;
	for (unsigned i = 0; i < header->e_phnum; i++, at += sizeof(ElfW(Phdr))) {
		ElfW(Phdr) segment;
		if (at > INT64_MAX - sizeof segment ||
		    pread(fd, &segment, sizeof segment, (off_t)at) != (ssize_t)sizeof segment)
			goto truncated;
		if (segment.p_type == PT_LOAD &&
		    (segment.p_offset > file_bytes || segment.p_filesz > file_bytes - segment.p_offset))
			goto truncated;
	}
	return 0;
truncated:
	return err_set(err, ERR_USAGE, "%s: is damaged or cut short (%llu bytes): build or copy it again", file,
	               (unsigned long long)file_bytes);
}

int elf_check(const char *file, struct err *err)
{
	struct stat stat;
	ElfW(Ehdr) header;
	/* not to hang on a FIFO */
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return err_set_errno(err, errno == EMFILE || errno == ENFILE ? ERR_RUN : ERR_USAGE, errno,
		                     "%s: cannot be opened", file);
	int result = -1;
	if (fstat(fd, &stat) != 0)
		err_set_errno(err, ERR_USAGE, errno, "%s: cannot be inspected", file);
	else if (!S_ISREG(stat.st_mode))
		err_set(err, ERR_USAGE, "%s: is a %s, but a plugin is a shared object (.so)", file,
		        S_ISDIR(stat.st_mode)    ? "directory"
		        : S_ISFIFO(stat.st_mode) ? "FIFO"
		                                 : "device or socket");
	else if (pread(fd, &header, sizeof header, 0) != (ssize_t)sizeof header)
		err_set(err, ERR_USAGE, "%s: isn't a shared object (%lld bytes): build it with cc -shared -fPIC", file,
		        (long long)stat.st_size);
	else if (check_header(file, &header, err) == 0)
		result = check_extents(file, fd, &header, (uint64_t)stat.st_size, err);
	close(fd);
	return result;
}
