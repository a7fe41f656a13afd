/* SPDX-License-Identifier: Apache-2.0 */
/* trust - see trust.h. */
#include "config.h"

#include "core/plan/trust.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The user who called sudo; -1 when nobody did. */
static int64_t sudo_uid(void)
{
	const char *text = getenv("SUDO_UID");
	if (!text || text[0] < '0' || text[0] > '9')
		return -1;
	char *end;
	errno = 0;
	long long uid = strtoll(text, &end, 10);
	return errno || *end || uid > UINT32_MAX ? -1 : uid;
}

static bool is_trusted(uid_t uid)
{
	return uid == 0 || uid == geteuid() || (int64_t)uid == sudo_uid();
}

/*
 * A group of nobody's but a trusted user: it has the user's number or name, as systems make one for each user, and no
 * other member. (Whose first group it is can't be asked of every system.)
 */
static bool is_own_group(gid_t gid)
{
	const struct group *group = getgrgid(gid);
	const struct passwd *user;
	if (!group)
		return is_trusted((uid_t)gid);
	for (char **member = group->gr_mem; *member; member++)
		if (!(user = getpwnam(*member)) || !is_trusted(user->pw_uid))
			return false;
	user = getpwnam(group->gr_name);
	return is_trusted((uid_t)gid) || (user && is_trusted(user->pw_uid) && user->pw_gid == gid);
}

static int path_check(const char *path, struct err *err)
{
	struct stat status;
	if (lstat(path, &status) != 0)
		return err_set_errno(err, ERR_USAGE, errno, "cannot find out whether %s can be trusted", path);
	uid_t owner = status.st_uid;
	if (!is_trusted(owner))
		return err_set(err, ERR_USAGE,
		               "%s belongs to user %u, who could put any code there; --trust-path loads it anyway", path,
		               (unsigned)owner);
	bool is_sticky_folder = S_ISDIR(status.st_mode) && status.st_mode & S_ISVTX;
	if (status.st_mode & S_IWOTH && !is_sticky_folder)
		return err_set(
			err, ERR_USAGE,
			"everybody may write to %s and so put any code there: chmod o-w %s; --trust-path loads it anyway", path,
			path);
	if (status.st_mode & S_IWGRP && !is_sticky_folder && !is_own_group(status.st_gid))
		return err_set(err, ERR_USAGE,
		               "group %u may write to %s and so put any code there: chmod g-w %s; --trust-path loads it anyway",
		               (unsigned)status.st_gid, path, path);
	return 0;
}

int trust_check(const char *real_path, struct err *err)
{
	char *path = strdup(real_path);
	if (!path)
		return err_set(err, ERR_RESOURCE, "out of memory");
	int rc = path_check(path, err);
	for (char *slash; rc == 0 && (slash = strrchr(path, '/')) && slash != path;) {
		*slash = '\0';
		rc = path_check(path, err);
	}
	if (rc == 0)
		rc = path_check("/", err);
	free(path);
	return rc;
}
