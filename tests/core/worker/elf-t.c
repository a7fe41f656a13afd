/* SPDX-License-Identifier: Apache-2.0 */
/*
 * elf: what is no shared object of this machine is told by name before dlopen sees it; and of a shared object that is
 * cut short anywhere, what is let through doesn't kill who loads it.
 *
 * The shared object is the build's plugins/upper.so, or the one that is given as argument.
 */
#include "config.h"

#include "core/worker/elf.h"

#include "tests/tap.h"

#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#define CUT_STEP 97

static char folder[TAP_PATH_BYTES];
static unsigned char *object; /* the shared object's bytes */
static size_t n_object;
static struct err err;

/* A path in our folder; good until the call after the next. */
static const char *path_of(const char *name)
{
	static char paths[2][PATH_MAX];
	static unsigned turn;
	char *path = paths[turn++ % 2];
	must(snprintf(path, PATH_MAX, "%s/%s", folder, name) < PATH_MAX);
	return path;
}

static const char *file_of(const char *name, const void *bytes, size_t n_bytes)
{
	const char *path = path_of(name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	must(fd >= 0 && write(fd, bytes, n_bytes) == (ssize_t)n_bytes && close(fd) == 0);
	return path;
}

/* What is said about a file, without its name in front; "" when nothing is. */
static const char *verdict(const char *path)
{
	err = (struct err){0};
	if (elf_check(path, &err) == 0)
		return "";
	size_t n = strlen(path);
	if (err.code != ERR_USAGE || strncmp(err.text, path, n) != 0 || strncmp(err.text + n, ": ", 2) != 0)
		return "(the error isn't ERR_USAGE, or doesn't begin with the file)";
	return err.text + n + 2;
}

static void test_no_file(void)
{
	static const char no_object[] = ", but a plugin is a shared object (.so)";
	char want[128];

	snprintf(want, sizeof want, "is a directory%s", no_object);
	is_str(verdict(folder), want, "a folder");

	const char *path = path_of("fifo");
	must(mkfifo(path, 0600) == 0);
	snprintf(want, sizeof want, "is a FIFO%s", no_object);
	is_str(verdict(path), want, "a FIFO that nobody writes to");
	unlink(path);

	snprintf(want, sizeof want, "is a device or socket%s", no_object);
	is_str(verdict("/dev/null"), want, "a device");

	is_str(verdict(path_of("missing")), "cannot be opened: No such file or directory", "a missing file");
	is_str(verdict(""), "cannot be opened: No such file or directory", "no name");

	struct sockaddr_un address = {.sun_family = AF_UNIX};
	path = path_of("socket");
	must(strlen(path) < sizeof address.sun_path);
	strcpy(address.sun_path, path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	must(fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof address) == 0);
	is_str(verdict(path), "cannot be opened: No such device or address", "a socket");
	close(fd);
	unlink(path);
}

static void test_no_object(void)
{
	static const char script[] = "#!/bin/sh\n# a text that is longer than an ELF header\nexec cat /etc/passwd\n\n\n";
	static const struct {
		const char *what;
		const void *bytes;
		size_t n_bytes;
		const char *want;
	} cases[] = {
		{"an empty file", "", 0, "isn't a shared object (0 bytes): build it with cc -shared -fPIC"},
		{"a short text", "hello\n", 6, "isn't a shared object (6 bytes): build it with cc -shared -fPIC"},
		{"a text", script, sizeof script - 1,
	     "isn't a shared object (not an ELF file): build it with cc -shared -fPIC"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const char *path = file_of("file", cases[i].bytes, cases[i].n_bytes);
		is_str(verdict(path), cases[i].want, "%s", cases[i].what);
		unlink(path);
	}
}

/* The shared object with some bytes of its header changed. */
static const char *patched(size_t at, uint64_t value, size_t n_bytes)
{
	unsigned char *copy = malloc(n_object);
	must(copy);
	memcpy(copy, object, n_object);
	memcpy(copy + at, &value, n_bytes); /* both machines that this is tried on are little-endian */
	const char *path = file_of("patched.so", copy, n_object);
	free(copy);
	return path;
}

#define FIELD(name) offsetof(ElfW(Ehdr), name), sizeof((ElfW(Ehdr) *)NULL)->name

static void test_headers(void)
{
	ElfW(Ehdr) header;
	char other[128], damaged[128];
	memcpy(&header, object, sizeof header);
	unsigned machine = header.e_machine == EM_S390 ? EM_PPC64 : EM_S390;
	snprintf(other, sizeof other, "is built for another machine (ELF machine %u, this is %u): build it here", machine,
	         header.e_machine);
	snprintf(damaged, sizeof damaged, "is damaged or cut short (%zu bytes): build or copy it again", n_object);
	const char *no_object = "is an ELF file, but not a shared object: build it with cc -shared -fPIC";
	const struct {
		const char *what;
		size_t at, n_bytes;
		uint64_t value;
		const char *want;
	} cases[] = {
		{"the shared object itself", FIELD(e_type), ET_DYN, ""},
		{"one of another machine", FIELD(e_machine), machine, other},
		{"an executable", FIELD(e_type), ET_EXEC, no_object},
		{"an object file", FIELD(e_type), ET_REL, no_object},
		{"a core dump", FIELD(e_type), ET_CORE, no_object},
		{"program headers behind the end", FIELD(e_phoff), n_object, damaged},
		{"program headers partly behind the end", FIELD(e_phoff), n_object - 1, damaged},
		{"program headers as far as can be", FIELD(e_phoff), UINT64_MAX, damaged},
		{"program headers at the largest offset", FIELD(e_phoff), INT64_MAX, damaged},
		{"program headers of another size", FIELD(e_phentsize), 1, damaged},
		{"more program headers than bytes", FIELD(e_phnum), 0xfffe, damaged},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const char *path = patched(cases[i].at, cases[i].value, cases[i].n_bytes);
		is_str(verdict(path), cases[i].want, "%s", cases[i].what);
		unlink(path);
	}
	const char *path = patched(EI_CLASS, sizeof(void *) == 8 ? ELFCLASS32 : ELFCLASS64, 1);
	ok(strstr(verdict(path), "is built for another machine") == err.text + strlen(path) + 2, "one of another width");
	unlink(path);
}

/* The first loadable segment's fields. */
static void test_segments(void)
{
	ElfW(Ehdr) header;
	char damaged[128];
	memcpy(&header, object, sizeof header);
	snprintf(damaged, sizeof damaged, "is damaged or cut short (%zu bytes): build or copy it again", n_object);
	size_t at = header.e_phoff;
	for (ElfW(Phdr) segment; memcpy(&segment, object + at, sizeof segment), segment.p_type != PT_LOAD;)
		at += sizeof(ElfW(Phdr));
	static const struct {
		const char *what;
		size_t at, n_bytes;
		uint64_t value;
	} cases[] = {
		{"a segment that begins behind the end", offsetof(ElfW(Phdr), p_offset), sizeof(ElfW(Off)), INT64_MAX},
		{"a segment whose offset is as large as can be", offsetof(ElfW(Phdr), p_offset), sizeof(ElfW(Off)), UINT64_MAX},
		{"a segment that ends behind the end", offsetof(ElfW(Phdr), p_filesz), sizeof(ElfW(Off)), 1 << 30},
		{"a segment as long as can be", offsetof(ElfW(Phdr), p_filesz), sizeof(ElfW(Off)), UINT64_MAX},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const char *path = patched(at + cases[i].at, cases[i].value, cases[i].n_bytes);
		is_str(verdict(path), damaged, "%s", cases[i].what);
		unlink(path);
	}
}

/* What becomes of a process that loads it: the signal that it dies of; 0: loaded, or an error. */
static int signal_of_load(const char *path)
{
	pid_t pid = fork();
	must(pid >= 0);
	if (pid == 0) {
		/* a sanitizer would turn the signal into an exit */
		signal(SIGBUS, SIG_DFL);
		signal(SIGSEGV, SIG_DFL);
		_exit(dlopen(path, RTLD_NOW | RTLD_LOCAL) ? 0 : 1);
	}
	int status;
	must(waitpid(pid, &status, 0) == pid);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

/* From the whole file down. All that is let through is loaded, and each tenth of the others, to see that some kill. */
static void test_cuts(void)
{
	unsigned n_passed = 0, n_refused = 0, n_killed = 0, n_wrong = 0, n_wrong_words = 0;
	const char *path = file_of("cut.so", object, n_object);
	is_int(signal_of_load(path), 0, "the whole file can be loaded");
	for (size_t n_bytes = n_object / CUT_STEP * CUT_STEP;; n_bytes -= CUT_STEP) {
		must(truncate(path, (off_t)n_bytes) == 0);
		const char *words = verdict(path);
		if (words[0] == '\0') {
			n_passed++;
			if (signal_of_load(path) != 0) {
				n_wrong++;
				diag("%zu bytes of it are let through, and kill", n_bytes);
			}
		} else {
			n_refused++;
			char want[128];
			snprintf(want, sizeof want,
			         n_bytes < sizeof(ElfW(Ehdr)) ? "isn't a shared object (%zu bytes): build it with cc -shared -fPIC"
			                                      : "is damaged or cut short (%zu bytes): build or copy it again",
			         n_bytes);
			n_wrong_words += strcmp(words, want) != 0;
			if (n_refused % 10 == 0)
				n_killed += signal_of_load(path) == SIGBUS;
		}
		if (n_bytes < CUT_STEP)
			break;
	}
	unlink(path);
	diag("%zu bytes: cut short, %u are let through, %u refused", n_object, n_passed, n_refused);
	is_int(n_wrong, 0, "what is let through doesn't kill");
	is_int(n_wrong_words, 0, "what is refused is refused as cut short");
	ok(n_refused > 0, "%u are refused", n_refused);
	ok(n_killed > 0, "some of those would have killed");
}

static void read_object(const char *path)
{
	struct stat stat;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		skip_all("no shared object at %s", path);
	must(fstat(fd, &stat) == 0);
	n_object = (size_t)stat.st_size;
	object = malloc(n_object);
	must(object && read(fd, object, n_object) == stat.st_size && close(fd) == 0);
}

int main(int argc, char **argv)
{
	char path[PATH_MAX] = "";
	const char *build = getenv("abs_top_builddir");
	if (argc > 1)
		snprintf(path, sizeof path, "%s", argv[1]);
	else if (build)
		snprintf(path, sizeof path, "%s/plugins/upper.so", build);
	else
		skip_all("abs_top_builddir isn't set, and no shared object is given");
	read_object(path);
	tap_template(folder, "elf");
	must(mkdtemp(folder));
	test_no_file();
	test_no_object();
	test_headers();
	test_segments();
	test_cuts();
	free(object);
	is_int(rmdir(folder), 0, "nothing is left behind");
	return tap_done();
}
