/* SPDX-License-Identifier: Apache-2.0 */
/* catalog - see catalog.h. */
#include "config.h"

#include "core/plan/catalog.h"

#include "core/base/log.h"
#include "core/base/nearest.h"
#include "core/base/proc.h"
#include "core/plan/describe.h"
#include "core/plan/trust.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PLUGIN_SUFFIX ".so"

struct strings {
	char **string;
	size_t n_strings;
};

struct catalog {
	bool trusts_path, allows_here;
	int64_t timeout_ns; /* for looking at a plugin */
	catalog_describe_here_f *describe_here;
	catalog_describe_first_f *describe_first;
	void *describe_first_arg;
	char *worker_program;
	char *own_plugins; /* real path of the build tree's plugins folder, or NULL */
	struct strings folders, names;
	struct plugin_info **infos; /* each by itself: plans point to them */
	size_t n_infos;
};

static int set_memory(struct err *err)
{
	return err_set(err, ERR_RESOURCE, "out of memory");
}

/* take_string may be NULL: memory was short already. */
static int strings_add(struct strings *strings, char *take_string, struct err *err)
{
	char **grown = take_string ? reallocarray(strings->string, strings->n_strings + 1, sizeof(*grown)) : NULL;
	if (!grown) {
		free(take_string);
		return set_memory(err);
	}
	strings->string = grown;
	grown[strings->n_strings++] = take_string;
	return 0;
}

static void strings_fini(struct strings *strings)
{
	for (size_t i = 0; i < strings->n_strings; i++)
		free(strings->string[i]);
	free(strings->string);
	*strings = (struct strings){0};
}

/* ROTA_PLUGIN_PATH: folders between colons. */
static int add_path_folders(struct catalog *catalog, const char *path, struct err *err)
{
	while (*path) {
		size_t n = strcspn(path, ":");
		if (n > 0 && path[0] != '/')
			log_warning("ROTA_PLUGIN_PATH: '%.*s' is skipped: a directory there must begin with /", (int)n, path);
		else if (n > 0 && strings_add(&catalog->folders, strndup(path, n), err))
			return -1;
		path += n + (path[n] == ':');
	}
	return 0;
}

/* In a build tree (rota-worker and plugins stand beside rota) its own folder, else the installed one. */
static int add_own_folder(struct catalog *catalog, struct err *err)
{
	char own[PATH_MAX], path[PATH_MAX + sizeof("/rota-worker")];
	if (proc_own_folder(own, sizeof(own), err))
		return -1;
	snprintf(path, sizeof(path), "%s/rota-worker", own);
	bool is_build_tree = strcmp(path, catalog->worker_program) == 0;
	snprintf(path, sizeof(path), "%s/plugins", own);
	if (is_build_tree)
		catalog->own_plugins = realpath(path, NULL);
	return strings_add(&catalog->folders, strdup(catalog->own_plugins ? path : PLUGINDIR), err);
}

int catalog_create(struct catalog **ret, bool trust_path, catalog_describe_here_f *describe_here, struct err *err)
{
	struct catalog *catalog = calloc(1, sizeof(*catalog));
	if (!catalog)
		return set_memory(err);
	catalog->trusts_path = trust_path;
	catalog->describe_here = describe_here;
	catalog->allows_here = true;
	catalog->timeout_ns = DESCRIBE_TIMEOUT_NS;
	const char *path = getenv("ROTA_PLUGIN_PATH");
	if (proc_find_program("rota-worker", PKGLIBEXECDIR, &catalog->worker_program, err) ||
	    (path && add_path_folders(catalog, path, err)) || add_own_folder(catalog, err)) {
		catalog_destroy(&catalog);
		return -1;
	}
	*ret = catalog;
	return 0;
}

void catalog_destroy(struct catalog **catalog)
{
	if (!*catalog)
		return;
	int saved = errno;
	for (size_t i = 0; i < (*catalog)->n_infos; i++) {
		plugin_info_fini((*catalog)->infos[i]);
		free((*catalog)->infos[i]);
	}
	free((*catalog)->infos);
	strings_fini(&(*catalog)->folders);
	strings_fini(&(*catalog)->names);
	free((*catalog)->own_plugins);
	free((*catalog)->worker_program);
	free(*catalog);
	*catalog = NULL;
	errno = saved;
}

void catalog_trust_path(struct catalog *catalog)
{
	catalog->trusts_path = true;
}

void catalog_ask_first(struct catalog *catalog, catalog_describe_first_f *describe_first, void *arg)
{
	catalog->describe_first = describe_first;
	catalog->describe_first_arg = arg;
}

void catalog_allow_time(struct catalog *catalog, int64_t timeout_ns)
{
	catalog->timeout_ns = timeout_ns;
}

void catalog_allow_here(struct catalog *catalog, bool is_allowed)
{
	catalog->allows_here = is_allowed;
}

static int set_not_found(struct catalog *catalog, const char *name, struct err *err)
{
	char folders[1024] = "";
	size_t at = 0;
	for (size_t i = 0; i < catalog->folders.n_strings && at < sizeof(folders); i++)
		at += (size_t)snprintf(folders + at, sizeof(folders) - at, "%s%s", i ? ", " : "", catalog->folders.string[i]);
	const char *const *names;
	size_t n_names;
	const char *nearest = NULL;
	if (catalog_names(catalog, &names, &n_names, err) == 0)
		nearest = nearest_find(name, names, n_names);
	if (nearest)
		return err_set(err, ERR_USAGE, "no plugin '%s' in %s; did you mean '%s'?", name, folders, nearest);
	return err_set(err, ERR_USAGE,
	               "no plugin '%s' in %s; 'rota plugins' lists the plugins; to use a file of your own, write its name "
	               "with a slash: ./%s%s",
	               name, folders, name, strstr(name, PLUGIN_SUFFIX) ? "" : PLUGIN_SUFFIX);
}

/* The file that a name stands for: malloc'ed in *ret. */
static int name_resolve(struct catalog *catalog, const char *name, char **ret, struct err *err)
{
	if (!name[0])
		return err_set(err, ERR_USAGE, "the plugin's name is missing; 'rota plugins' lists the plugins");
	if (strchr(name, '/')) {
		*ret = strdup(name);
		return *ret ? 0 : set_memory(err);
	}
	for (size_t i = 0; i < catalog->folders.n_strings; i++) {
		char *path;
		if (asprintf(&path, "%s/%s" PLUGIN_SUFFIX, catalog->folders.string[i], name) < 0)
			return set_memory(err);
		if (access(path, F_OK) == 0) {
			*ret = path;
			return 0;
		}
		free(path);
	}
	return set_not_found(catalog, name, err);
}

static int file_check(const char *file, struct err *err)
{
	struct stat status;
	if (stat(file, &status) != 0)
		return err_set_errno(err, ERR_USAGE, errno, "%s: the plugin can't be found", file);
	const char *what = S_ISDIR(status.st_mode)    ? "a directory"
	                   : S_ISFIFO(status.st_mode) ? "a FIFO"
	                   : S_ISSOCK(status.st_mode) ? "a socket"
	                   : S_ISREG(status.st_mode)  ? NULL
	                                              : "a device";
	if (what)
		return err_set(err, ERR_USAGE, "%s: %s, but a plugin is a shared object, a regular file", file, what);
	if (access(file, R_OK) != 0)
		return err_set_errno(err, ERR_USAGE, errno, "%s: the plugin can't be read", file);
	return 0;
}

static bool is_own_plugin(const struct catalog *catalog, const char *real_path)
{
	size_t n = catalog->own_plugins ? strlen(catalog->own_plugins) : 0;
	return n > 0 && strncmp(real_path, catalog->own_plugins, n) == 0 && real_path[n] == '/';
}

/* The text of --describe, from who is asked first, or a child, or this process when there can be none. */
static int text_get(struct catalog *catalog, const char *real_path, struct buf *ret_text, struct err *err)
{
	int rc = 1;
	if (catalog->describe_first)
		rc = catalog->describe_first(catalog->describe_first_arg, real_path, catalog->timeout_ns, ret_text);
	if (rc <= 0)
		return rc == 0 ? 0 : describe_set_late(catalog->timeout_ns, err);
	rc = describe_run(catalog->worker_program, real_path, catalog->timeout_ns, ret_text, err);
	if (rc == 0 || err->code != ERR_RESOURCE || !catalog->describe_here || !catalog->allows_here)
		return rc;
	log_detail("%s; %s loading it in this process", err->text, real_path);
	return catalog->describe_here(real_path, ret_text, err);
}

/* Copied from another and left as it was, likely. The file's name is what it is found by. */
static void check_name(const struct plugin_info *info)
{
	const char *slash = strrchr(info->file, '/'), *base = slash ? slash + 1 : info->file;
	size_t n_name = strlen(info->name);
	if (strncmp(base, info->name, n_name) != 0 || (base[n_name] != '.' && base[n_name] != '\0'))
		log_warning("%s: the plugin calls itself '%s': .name in ROTA_PLUGIN should be the file's name", info->file,
		            info->name);
}

static int info_add(struct catalog *catalog, const char *real_path, const struct plugin_info **ret, struct err *err)
{
	struct buf text = {0};
	struct plugin_info *info = calloc(1, sizeof(*info));
	struct plugin_info **grown = reallocarray(catalog->infos, catalog->n_infos + 1, sizeof(*grown));
	int rc = -1;
	if (grown)
		catalog->infos = grown;
	if (!info || !grown) {
		set_memory(err);
		goto out;
	}
	const struct filestamp stamp = filestamp_take(real_path);
	if (text_get(catalog, real_path, &text, err) || plugin_info_parse(info, text.bytes, text.len, err)) {
		err_prefix(err, "%s", real_path);
		goto out;
	}
	/* Which file it is, we know better than what came out of it. */
	free(info->file);
	info->file = strdup(real_path);
	info->stamp = stamp;
	if (!info->file) {
		plugin_info_fini(info);
		set_memory(err);
		goto out;
	}
	check_name(info);
	*ret = catalog->infos[catalog->n_infos++] = info;
	info = NULL;
	rc = 0;
out:
	buf_fini(&text);
	free(info);
	return rc;
}

static int file_describe(struct catalog *catalog, const char *file, const struct plugin_info **ret, struct err *err)
{
	if (file_check(file, err))
		return -1;
	char *real_path = realpath(file, NULL);
	if (!real_path)
		return err_set_errno(err, ERR_USAGE, errno, "%s: the plugin can't be found", file);
	int rc = 0;
	const struct plugin_info *known = NULL;
	for (size_t i = 0; i < catalog->n_infos && !known; i++)
		if (strcmp(catalog->infos[i]->file, real_path) == 0)
			known = catalog->infos[i];
	if (!known && !catalog->trusts_path && !is_own_plugin(catalog, real_path) && trust_check(real_path, err))
		rc = err_prefix(err, "%s: the plugin isn't loaded", file);
	else if (!known)
		rc = info_add(catalog, real_path, &known, err);
	free(real_path);
	if (rc == 0)
		*ret = known;
	return rc;
}

int catalog_describe(struct catalog *catalog, const char *name, const struct plugin_info **ret, struct err *err)
{
	char *file = NULL;
	if (name_resolve(catalog, name, &file, err))
		return -1;
	int rc = file_describe(catalog, file, ret, err);
	free(file);
	return rc;
}

static int string_compare(const void *left, const void *right)
{
	return strcmp(*(char *const *)left, *(char *const *)right);
}

/* NAME of each NAME.so that is a regular file. A folder that can't be read has none. */
static int add_folder_names(const char *folder, struct strings *names, struct err *err)
{
	DIR *dir = opendir(folder);
	if (!dir)
		return 0;
	int rc = 0;
	for (struct dirent *entry; rc == 0 && (entry = readdir(dir));) {
		size_t n = strlen(entry->d_name), n_suffix = strlen(PLUGIN_SUFFIX);
		struct stat status;
		if (entry->d_name[0] != '.' && n > n_suffix && strcmp(entry->d_name + n - n_suffix, PLUGIN_SUFFIX) == 0 &&
		    fstatat(dirfd(dir), entry->d_name, &status, 0) == 0 && S_ISREG(status.st_mode))
			rc = strings_add(names, strndup(entry->d_name, n - n_suffix), err);
	}
	closedir(dir);
	return rc;
}

int catalog_names(struct catalog *catalog, const char *const **ret_names, size_t *ret_n, struct err *err)
{
	struct strings *names = &catalog->names;
	strings_fini(names);
	for (size_t i = 0; i < catalog->folders.n_strings; i++)
		if (add_folder_names(catalog->folders.string[i], names, err))
			return -1;
	if (names->n_strings > 0)
		qsort(names->string, names->n_strings, sizeof(*names->string), string_compare);
	size_t n_kept = 0;
	for (size_t i = 0; i < names->n_strings; i++) {
		if (n_kept > 0 && strcmp(names->string[n_kept - 1], names->string[i]) == 0)
			free(names->string[i]);
		else
			names->string[n_kept++] = names->string[i];
	}
	names->n_strings = n_kept;
	*ret_names = (const char *const *)names->string;
	*ret_n = n_kept;
	return 0;
}

const char *const *catalog_folders(struct catalog *catalog, size_t *ret_n)
{
	*ret_n = catalog->folders.n_strings;
	return (const char *const *)catalog->folders.string;
}

const char *catalog_worker_program(struct catalog *catalog)
{
	return catalog->worker_program;
}
