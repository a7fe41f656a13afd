/* SPDX-License-Identifier: Apache-2.0 */
/* cgroup - see cgroup.h. */
#include "config.h"

#include "core/base/procfs.h"
#include "core/crew/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME_BYTES 64

/* --- files -------------------------------------------------------------------------------------------------------- */

static bool path_of(char path[PATH_MAX], const char *folder, const char *name, const char *file)
{
	int n = snprintf(path, PATH_MAX, "%s%s%s%s%s", folder, *name ? "/" : "", name, *file ? "/" : "", file);
	if (n > 0 && n < PATH_MAX)
		return true;
	errno = ENAMETOOLONG;
	return false;
}

static int write_text(const char *folder, const char *name, const char *file, const char *text)
{
	char path[PATH_MAX];
	return path_of(path, folder, name, file) ? procfs_write(path, text) : -1;
}

static int write_number(const char *folder, const char *name, const char *file, int64_t number)
{
	char text[32];
	snprintf(text, sizeof text, "%" PRId64, number);
	return write_text(folder, name, file, text);
}

/* Text of at most n_bytes - 1; "" when it can't be read. */
static void read_text(const char *folder, const char *name, const char *file, char *text, size_t n_bytes)
{
	char path[PATH_MAX];
	text[0] = '\0';
	if (path_of(path, folder, name, file))
		procfs_read(path, text, n_bytes);
}

static bool has_word(const char *text, const char *word)
{
	size_t n = strlen(word);
	for (const char *at = strstr(text, word); at; at = strstr(at + n, word))
		if ((at == text || at[-1] == ' ') && (at[n] == '\0' || at[n] == ' ' || at[n] == '\n'))
			return true;
	return false;
}

/* --- where we are ------------------------------------------------------------------------------------------------- */

/* Where the hierarchy is mounted, and which part of it: "ID PARENT DEVICE ROOT MOUNTPOINT OPTIONS - cgroup2 ..." */
static bool find_mount(const char *mountinfo_file, char ret_root[PATH_MAX], char ret_mount[PATH_MAX])
{
	char line[3 * PATH_MAX];
	bool is_found = false;
	FILE *file = fopen(mountinfo_file, "re");
	while (file && !is_found && fgets(line, sizeof line, file)) {
		char *field[5], *rest = line;
		for (size_t i = 0; i < 5; i++)
			field[i] = strsep(&rest, " ");
		is_found = rest && strstr(rest, " - cgroup2 ") && strlen(field[3]) < PATH_MAX && strlen(field[4]) < PATH_MAX;
		if (is_found) {
			strcpy(ret_root, field[3]);
			strcpy(ret_mount, field[4]);
		}
	}
	if (file)
		fclose(file);
	return is_found;
}

bool cgroup_find(const char *mountinfo_file, const char *cgroup_file, char ret_folder[PATH_MAX])
{
	char root[PATH_MAX], mount[PATH_MAX], line[PATH_MAX + 8], *path = NULL;
	if (!find_mount(mountinfo_file, root, mount))
		return false;
	FILE *file = fopen(cgroup_file, "re");
	while (file && !path && fgets(line, sizeof line, file))
		if (strncmp(line, "0::/", 4) == 0)
			path = line + 3;
	if (file)
		fclose(file);
	if (!path)
		return false;
	path[strcspn(path, "\n")] = '\0';
	size_t n_root = strcmp(root, "/") == 0 ? 0 : strlen(root);
	/* another part of the hierarchy is mounted here than the one that we are in */
	if (strncmp(path, root, n_root) != 0 || (path[n_root] != '/' && path[n_root] != '\0'))
		return false;
	const char *below = strcmp(path + n_root, "/") == 0 ? "" : path + n_root;
	return snprintf(ret_folder, PATH_MAX, "%s%s", mount, below) < PATH_MAX;
}

/* --- ours --------------------------------------------------------------------------------------------------------- */

/* rota-PID and rota-PID-JOB-WORKER of processes that are gone: those that are in use can't be removed. */
static void sweep(const char *folder)
{
	DIR *dir = opendir(folder);
	const struct dirent *entry;
	while (dir && (entry = readdir(dir))) {
		char path[PATH_MAX];
		long pid = strncmp(entry->d_name, "rota-", 5) == 0 ? strtol(entry->d_name + 5, NULL, 10) : 0;
		if (pid > 0 && kill((pid_t)pid, 0) != 0 && errno == ESRCH && path_of(path, folder, entry->d_name, ""))
			rmdir(path);
	}
	if (dir)
		closedir(dir);
}

static void own_name(char name[NAME_BYTES])
{
	snprintf(name, NAME_BYTES, "rota-%ld", (long)getpid());
}

/* Out of the way, and the controller on. What was done is undone when something fails. */
static bool take_over(struct cgroup *cgroup, char why[CGROUP_WHY_BYTES])
{
	char name[NAME_BYTES], path[PATH_MAX], text[256];
	own_name(name);
	read_text(cgroup->folder, "", "cgroup.subtree_control", text, sizeof text);
	bool is_enabled = has_word(text, "memory");
	if (!path_of(path, cgroup->folder, name, "") || mkdir(path, 0755) != 0) {
		snprintf(why, CGROUP_WHY_BYTES, "it isn't delegated to rota: %s", strerror(errno));
		return false;
	}
	if (write_number(cgroup->folder, name, "cgroup.procs", getpid()) != 0)
		snprintf(why, CGROUP_WHY_BYTES, "cannot move into it: %s", strerror(errno));
	else if (!is_enabled && write_text(cgroup->folder, "", "cgroup.subtree_control", "+memory") != 0)
		snprintf(why, CGROUP_WHY_BYTES, "%s", errno == EBUSY ? "it contains other processes" : strerror(errno));
	else {
		cgroup->has_enabled = !is_enabled;
		return true;
	}
	write_number(cgroup->folder, "", "cgroup.procs", getpid());
	rmdir(path);
	return false;
}

bool cgroup_open(struct cgroup *cgroup, char why[CGROUP_WHY_BYTES])
{
	char controllers[256];
	*cgroup = (struct cgroup){.folder = ""};
	snprintf(why, CGROUP_WHY_BYTES, "there is no cgroup of version 2");
	if (!cgroup_find("/proc/self/mountinfo", "/proc/self/cgroup", cgroup->folder))
		return false;
	read_text(cgroup->folder, "", "cgroup.controllers", controllers, sizeof controllers);
	sweep(cgroup->folder);
	if (!has_word(controllers, "memory"))
		snprintf(why, CGROUP_WHY_BYTES, "it has no memory controller");
	else if (take_over(cgroup, why))
		return true;
	cgroup->folder[0] = '\0';
	return false;
}

void cgroup_close(struct cgroup *cgroup)
{
	char name[NAME_BYTES], path[PATH_MAX];
	if (!cgroup->folder[0])
		return;
	own_name(name);
	if (cgroup->has_enabled)
		write_text(cgroup->folder, "", "cgroup.subtree_control", "-memory");
	write_number(cgroup->folder, "", "cgroup.procs", getpid());
	if (path_of(path, cgroup->folder, name, ""))
		rmdir(path);
	cgroup->folder[0] = '\0';
}

/* --- workers ------------------------------------------------------------------------------------------------------ */

static void worker_name(char name[NAME_BYTES], unsigned job, unsigned worker)
{
	snprintf(name, NAME_BYTES, "rota-%ld-%u-%u", (long)getpid(), job, worker);
}

bool cgroup_add(const struct cgroup *cgroup, unsigned job, unsigned worker, pid_t pid, int64_t memory_bytes)
{
	char name[NAME_BYTES], path[PATH_MAX];
	worker_name(name, job, worker);
	if (!path_of(path, cgroup->folder, name, "") || (mkdir(path, 0755) != 0 && errno != EEXIST))
		return false;
	/* where there is no swap, or no word of it, there is nothing to forbid */
	write_text(cgroup->folder, name, "memory.swap.max", "0");
	/* a command goes with its worker: else it would look as if somebody had killed it */
	write_text(cgroup->folder, name, "memory.oom.group", "1");
	if (write_number(cgroup->folder, name, "memory.max", memory_bytes) == 0 &&
	    write_number(cgroup->folder, name, "cgroup.procs", pid) == 0)
		return true;
	rmdir(path);
	return false;
}

bool cgroup_was_oom(const struct cgroup *cgroup, unsigned job, unsigned worker)
{
	char name[NAME_BYTES], text[512];
	worker_name(name, job, worker);
	read_text(cgroup->folder, name, "memory.events", text, sizeof text);
	const char *at = strstr(text, "oom_kill ");
	return at && strtoll(at + strlen("oom_kill "), NULL, 10) > 0;
}

void cgroup_remove(const struct cgroup *cgroup, unsigned job, unsigned worker)
{
	char name[NAME_BYTES], path[PATH_MAX];
	worker_name(name, job, worker);
	write_text(cgroup->folder, name, "cgroup.kill", "1");
	if (path_of(path, cgroup->folder, name, ""))
		rmdir(path);
}
