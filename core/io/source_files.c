/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source_files - files:GLOB: the paths of regular files, and of symbolic links to such, that match a pattern (glob.h
 * has its rules). Folders, sockets and devices are no files and are passed over, as are links that lead nowhere.
 *
 * The tree is walked folder by folder, depth first, each folder's names in the order of their bytes; what is inside a
 * folder comes where its name stands. Paths are written as the shell would: relative stays relative, nothing is put
 * before them. Symbolic links to folders are followed where a part of the pattern names or matches them, never by **.
 *
 * Memory: of each folder on the way down, the names that can match, and one descriptor.
 *
 * A folder that can't be read is warned of and passed over; when the walk is over, reading fails for it: the run has
 * missed items and must not look whole. A read walks for a few ms at most; then it gives SOURCE_WAIT with a descriptor
 * that is always ready, so that the loop gets its turn in a large tree where nothing matches.
 */
#include "config.h"

#include "core/io/source_files.h"

#include "core/base/buf.h"
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/io/glob.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_NS (5 * CLOCK_NS_PER_MS) /* how long one read may walk */
#define STEPS_PER_LOOK 16             /* at the clock */
#define NAMES_PER_STEP 256

/* A folder that the walk is in. names: of each entry a byte for its d_type, then the name with its NUL. */
struct folder {
	int fd;
	DIR *dir; /* owns fd; NULL when only one name can match and nothing is read */
	bool is_listed;
	glob_set here;
	size_t n_path_bytes; /* of the walk's path, up to the slash behind the folder */
	struct buf names;
	size_t *places; /* of the entries in names; sorted once is_listed */
	size_t n_places, cap, at;
};

struct source_files {
	struct source_head head;
	struct glob glob;
	struct folder *folders; /* the way down */
	size_t n_folders, cap;
	struct buf path;
	size_t give_at, n_give; /* of path, what is still to be given out: [give_at, n_give) */
	uint64_t n_found, n_unreadable;
	bool has_failed, has_warned;
	struct err failure;
};

static int files_no_memory(struct source_files *files)
{
	files->has_failed = true;
	return err_set(&files->failure, ERR_RESOURCE, "out of memory for the names of %s", files->head.name);
}

static int files_unreadable(struct source_files *files, int errnum)
{
	int n_bytes = (int)files->path.len;
	const char *path = files->path.bytes;

	if (n_bytes == 0) {
		path = ".";
		n_bytes = 1;
	}
	if (n_bytes > 1 && path[n_bytes - 1] == '/')
		n_bytes--;
	log_warning("cannot read the directory %.*s: %s", n_bytes, path, strerror(errnum));
	if (files->n_unreadable++ == 0)
		err_set_errno(&files->failure, ERR_RUN, errnum, "%.*s", n_bytes, path);
	return 0;
}

/* Folders */

static void folder_fini(struct folder *folder)
{
	if (folder->dir != NULL)
		closedir(folder->dir);
	else if (folder->fd >= 0)
		close(folder->fd);
	buf_fini(&folder->names);
	free(folder->places);
}

static int folder_add(struct folder *folder, unsigned char type, const char *name)
{
	size_t place = folder->names.len;

	if (folder->n_places == folder->cap) {
		size_t cap = folder->cap == 0 ? 16 : 2 * folder->cap;
		size_t *places = reallocarray(folder->places, cap, sizeof(*places));

		if (places == NULL)
			return -1;
		folder->places = places;
		folder->cap = cap;
	}
	if (buf_reserve(&folder->names, strlen(name) + 2) < 0)
		return -1;
	folder->names.bytes[folder->names.len++] = (char)type;
	memcpy(folder->names.bytes + folder->names.len, name, strlen(name) + 1);
	folder->names.len += strlen(name) + 1;
	folder->places[folder->n_places++] = place;
	return 0;
}

static int compare_places(const void *a, const void *b, void *names)
{
	const char *bytes = names;

	return strcmp(bytes + *(const size_t *)a + 1, bytes + *(const size_t *)b + 1);
}

static void folder_sort(struct folder *folder)
{
	if (folder->n_places > 1)
		qsort_r(folder->places, folder->n_places, sizeof(*folder->places), compare_places, folder->names.bytes);
	folder->is_listed = true;
}

/* Reads some more names: those that can match, or can have something inside that does. */
static int files_list(struct source_files *files, struct folder *folder)
{
	for (int i = 0; i < NAMES_PER_STEP; i++) {
		struct glob_step step;
		struct dirent *entry;
		bool may_be_file, may_be_folder;

		errno = 0;
		entry = readdir(folder->dir);
		if (entry == NULL) {
			if (errno != 0)
				files_unreadable(files, errno);
			folder_sort(folder);
			return 0;
		}
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		step = glob_step(&files->glob, folder->here, entry->d_name);
		may_be_file = entry->d_type == DT_REG || entry->d_type == DT_LNK || entry->d_type == DT_UNKNOWN;
		may_be_folder = entry->d_type == DT_DIR || entry->d_type == DT_LNK || entry->d_type == DT_UNKNOWN;
		if ((step.is_match && may_be_file) || (step.inside != 0 && may_be_folder)) {
			if (folder_add(folder, entry->d_type, entry->d_name) < 0)
				return files_no_memory(files);
		}
	}
	return 0;
}

/*
 * Goes down into a folder; files->path is its path. What turns out to be no folder, or to be gone, is passed over.
 */
static int files_enter(struct source_files *files, int parent_fd, const char *name, glob_set here, int flags)
{
	const char *only_name = glob_only_name(&files->glob, here);
	struct folder folder = {.here = here};

	if (files->n_folders == files->cap) {
		size_t cap = files->cap == 0 ? 8 : 2 * files->cap;
		struct folder *folders = reallocarray(files->folders, cap, sizeof(*folders));

		if (folders == NULL)
			return files_no_memory(files);
		files->folders = folders;
		files->cap = cap;
	}
	folder.fd = openat(parent_fd, name, (only_name != NULL ? O_PATH : O_RDONLY) | O_DIRECTORY | O_CLOEXEC | flags);
	if (folder.fd < 0)
		return errno == ENOTDIR || errno == ELOOP || errno == ENOENT ? 0 : files_unreadable(files, errno);
	if (only_name != NULL) {
		if (folder_add(&folder, DT_UNKNOWN, only_name) < 0) {
			folder_fini(&folder);
			return files_no_memory(files);
		}
		folder.is_listed = true;
	} else {
		folder.dir = fdopendir(folder.fd);
		if (folder.dir == NULL) {
			folder_fini(&folder);
			return files_no_memory(files);
		}
	}
	folder.n_path_bytes = files->path.len;
	files->folders[files->n_folders++] = folder;
	return 0;
}

static mode_t entry_mode(int folder_fd, const char *name, int flags)
{
	struct stat status;

	return fstatat(folder_fd, name, &status, flags) < 0 ? 0 : status.st_mode & S_IFMT;
}

/* What an entry is itself: S_IFREG, S_IFDIR, S_IFLNK, or 0. */
static mode_t entry_own_mode(struct source_files *files, const struct folder *folder, unsigned char type,
                             const char *name)
{
	mode_t mode;

	if (type != DT_UNKNOWN)
		return (mode_t)DTTOIF(type);
	errno = 0;
	mode = entry_mode(folder->fd, name, AT_SYMLINK_NOFOLLOW);
	/* Nothing of that name is no match; not being let in is another matter. */
	if (mode == 0 && errno == EACCES) {
		files->path.len = folder->n_path_bytes;
		files_unreadable(files, errno);
	}
	return mode;
}

/* The next entry of the folder that the walk is in: is a file, or is gone down into. */
static int files_visit(struct source_files *files)
{
	struct folder *folder = &files->folders[files->n_folders - 1];
	const char *entry = folder->names.bytes + folder->places[folder->at++];
	const char *name = entry + 1;
	struct glob_step step = glob_step(&files->glob, folder->here, name);
	mode_t mode = entry_own_mode(files, folder, (unsigned char)*entry, name);
	bool is_link = mode == S_IFLNK;
	glob_set inside = is_link ? step.follow : mode == S_IFDIR ? step.inside : 0;

	if (is_link && step.is_match)
		mode = entry_mode(folder->fd, name, 0);
	files->path.len = folder->n_path_bytes;
	if (buf_append(&files->path, name, strlen(name)) < 0)
		return files_no_memory(files);
	if (step.is_match && mode == S_IFREG) {
		if (buf_append(&files->path, &files->head.delimiter, 1) < 0)
			return files_no_memory(files);
		files->n_found++;
		files->give_at = 0;
		files->n_give = files->path.len;
		return 0;
	}
	if (inside == 0)
		return 0;
	if (buf_append_str(&files->path, "/") < 0)
		return files_no_memory(files);
	return files_enter(files, folder->fd, name, inside, is_link ? 0 : O_NOFOLLOW);
}

/* One small piece of the walk. */
static int files_step(struct source_files *files)
{
	struct folder *folder = &files->folders[files->n_folders - 1];

	if (!folder->is_listed) {
		files->path.len = folder->n_path_bytes;
		return files_list(files, folder);
	}
	if (folder->at < folder->n_places)
		return files_visit(files);
	folder_fini(folder);
	files->n_folders--;
	return 0;
}

/* Gives out what it can of the path that was found last. */
static size_t files_give(struct source_files *files, char *dest, size_t room_bytes)
{
	size_t n_bytes = files->n_give - files->give_at;

	if (n_bytes > room_bytes)
		n_bytes = room_bytes;
	if (n_bytes > 0)
		memcpy(dest, files->path.bytes + files->give_at, n_bytes);
	files->give_at += n_bytes;
	return n_bytes;
}

static ssize_t files_end(struct source_files *files, struct err *err)
{
	if (!files->has_warned && !files->has_failed && files->n_found == 0)
		log_warning("no file matches %s", files->head.name);
	files->has_warned = true;
	if (!files->has_failed && files->n_unreadable > 0) {
		err_prefix(&files->failure, "%s: %" PRIu64 " director%s could not be read, so items are missing; the first is",
		           files->head.name, files->n_unreadable, files->n_unreadable == 1 ? "y" : "ies");
		files->has_failed = true;
	}
	if (!files->has_failed)
		return SOURCE_END;
	*err = files->failure;
	return -1;
}

static ssize_t files_read(struct source *source, char *dest, size_t room_bytes, struct err *err)
{
	struct source_files *files = (struct source_files *)source;
	int64_t stop_ns = clock_now_ns() + READ_NS;
	unsigned n_steps = 0;
	size_t n_bytes = 0;

	for (;;) {
		n_bytes += files_give(files, dest + n_bytes, room_bytes - n_bytes);
		if (n_bytes == room_bytes)
			return (ssize_t)n_bytes;
		if (files->n_folders == 0 || files->has_failed)
			return n_bytes > 0 ? (ssize_t)n_bytes : files_end(files, err);
		if (++n_steps % STEPS_PER_LOOK == 0 && clock_now_ns() > stop_ns)
			return n_bytes > 0 ? (ssize_t)n_bytes : SOURCE_WAIT;
		/* Its error is told by files_end, behind the bytes that are here. */
		(void)files_step(files);
	}
}

static void files_close(struct source *source)
{
	struct source_files *files = (struct source_files *)source;

	while (files->n_folders > 0)
		folder_fini(&files->folders[--files->n_folders]);
	free(files->folders);
	if (files->head.fd >= 0)
		close(files->head.fd);
	buf_fini(&files->path);
	glob_fini(&files->glob);
	free(files);
}

static const struct source_ops files_ops = {"files", files_read, files_close};

/* The first folder of the walk. Relative paths begin with nothing. */
static int files_start(struct source_files *files, struct err *err)
{
	const char *folder = files->glob.is_absolute ? "/" : ".";

	if (files->glob.is_absolute && buf_append_str(&files->path, "/") < 0)
		files_no_memory(files);
	else
		files_enter(files, AT_FDCWD, folder, glob_start(&files->glob), 0);
	if (files->has_failed)
		*err = files->failure;
	return files->has_failed ? -1 : 0;
}

int source_files_open(struct source **ret, const struct endpoint *endpoint, struct err *err)
{
	struct source_files *files = calloc(1, sizeof(*files));
	struct source *source = (struct source *)files;

	if (files == NULL)
		return err_set(err, ERR_RESOURCE, "out of memory for the source files:%s", endpoint->argument);
	if (source_head_init(&files->head, &files_ops, endpoint, err) < 0) {
		free(files);
		return -1;
	}
	if (glob_parse(&files->glob, endpoint->argument, err) < 0)
		goto out;
	files->head.fd = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
	if (files->head.fd < 0) {
		err_set_errno(err, ERR_RESOURCE, errno, "cannot walk %s", files->head.name);
		goto out;
	}
	if (files_start(files, err) < 0)
		goto out;
	*ret = source;
	return 0;
out:
	source_close(&source);
	return -1;
}
