/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trust: which plugin files may be loaded, by whose they and the folders above them are and who may write there. Files,
 * users and groups are the test's own, in the C library's place: any owner and any mode, of / too, whoever runs this.
 */
#include "config.h"

#include "core/plan/trust.h"

#include "tests/tap.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>

enum { ROOT = 0, ME = 1000, CALLER = 1001, OTHER = 1002 };

struct file {
	const char *path;
	mode_t mode;
	uid_t uid;
	gid_t gid;
};

#define PLUGIN "/home/me/x.so"
static const struct file files[] = {
	{"/", S_IFDIR | 0755, ROOT, ROOT},
	{"/home", S_IFDIR | 0755, ROOT, ROOT},
	{"/home/me", S_IFDIR | 0755, ME, ME},
	{PLUGIN, S_IFREG | 0644, ME, ME},
};
static const struct file *odd; /* instead of the one of its path */

/* --- in the C library's place ------------------------------------------------------------------------------------- */

int lstat(const char *path, struct stat *ret)
{
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		const struct file *file = odd && strcmp(path, odd->path) == 0 ? odd : &files[i];
		if (strcmp(path, file->path) != 0 || file->mode == 0)
			continue;
		*ret = (struct stat){.st_mode = file->mode, .st_uid = file->uid, .st_gid = file->gid};
		return 0;
	}
	errno = ENOENT;
	return -1;
}

uid_t geteuid(void)
{
	return ME;
}

static char root[] = "root", me[] = "me", caller[] = "caller", other[] = "other", team[] = "team",
			nobody_known[] = "nobody-known";

struct passwd *getpwnam(const char *name)
{
	static struct passwd users[] = {
		{.pw_name = root, .pw_uid = ROOT, .pw_gid = ROOT},
		{.pw_name = me, .pw_uid = ME, .pw_gid = ME},
		{.pw_name = caller, .pw_uid = CALLER, .pw_gid = 2001},
		{.pw_name = other, .pw_uid = OTHER, .pw_gid = OTHER},
	};
	for (size_t i = 0; i < sizeof users / sizeof *users; i++)
		if (strcmp(users[i].pw_name, name) == 0)
			return &users[i];
	return NULL;
}

enum { JUST_ME = 3000, OTHERS_OWN, NAMED_LIKE_ME, UNKNOWN };

static char *none[] = {NULL}, *just_me[] = {me, NULL}, *two[] = {me, other, NULL}, *unknown[] = {nobody_known, NULL};
static char **members = just_me; /* of the user's own */

struct group *getgrgid(gid_t gid)
{
	static struct group found;
	const struct group groups[] = {
		{.gr_name = root, .gr_gid = ROOT, .gr_mem = none},
		{.gr_name = me, .gr_gid = ME, .gr_mem = members},
		{.gr_name = caller, .gr_gid = 2001, .gr_mem = none},
		{.gr_name = team, .gr_gid = JUST_ME, .gr_mem = just_me},
		{.gr_name = other, .gr_gid = OTHERS_OWN, .gr_mem = none},
		{.gr_name = me, .gr_gid = NAMED_LIKE_ME, .gr_mem = none},
	};
	for (size_t i = 0; i < sizeof groups / sizeof *groups; i++)
		if (groups[i].gr_gid == gid)
			return memcpy(&found, &groups[i], sizeof found);
	return NULL;
}

/* --- the tests ---------------------------------------------------------------------------------------------------- */

/* Is it refused, for the odd one's sake? words: what is said before its path; NULL: it's trusted. */
static void check(const struct file *one, const char *words, const char *what)
{
	struct err err = {0};
	char want[200];
	odd = one;
	int result = trust_check(PLUGIN, &err);
	odd = NULL;
	if (!words) {
		is_int(result, 0, "trusted: %s (%s)", what, err.text);
		return;
	}
	ok(result == -1 && err.code == ERR_USAGE, "not trusted: %s", what);
	size_t n = (size_t)snprintf(want, sizeof want, "%s%s ", words, one->path);
	is_mem(err.text, strnlen(err.text, n), want, n, "which is said of %s", one->path);
}

#define EVERYBODY "everybody may write to "

/* Of the file and of each folder, / as well. */
static void test_modes(void)
{
	static const struct {
		mode_t mode;
		bool is_file_fine, is_folder_fine;
	} cases[] = {
		{0600, true, true},   {0755, true, true},   {0555, true, true},    {0000, true, true},    {01644, true, true},
		{02755, true, true},  {04755, true, true},  {07755, true, true},   {0666, false, false},  {0777, false, false},
		{0602, false, false}, {0002, false, false}, {02777, false, false}, {04666, false, false}, {06777, false, false},
		{01666, false, true}, {01777, false, true}, {01002, false, true},  {03777, false, true},  {07777, false, true},
	};
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
			struct file file = files[i];
			char what[64];
			file.mode = (file.mode & S_IFMT) | cases[k].mode;
			snprintf(what, sizeof what, "%s with mode %04o", file.path, (unsigned)cases[k].mode);
			bool is_fine = S_ISDIR(file.mode) ? cases[k].is_folder_fine : cases[k].is_file_fine;
			check(&file, is_fine ? NULL : EVERYBODY, what);
		}
	}
}

static void test_owners(void)
{
	static const char *const others[] = {
		NULL, "", "1002x", "x1002", "-1", "+1001", " 1001", "1001 ", "0x3e9", "4294968297", "99999999999999999999"};
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		struct file file = files[i];
		file.uid = ROOT;
		check(&file, NULL, "what is root's");
		file.uid = ME;
		check(&file, NULL, "what is the user's");
		file.uid = OTHER;
		char words[200];
		struct err err = {0};
		odd = &file;
		is_int(trust_check(PLUGIN, &err), -1, "somebody else's %s", file.path);
		odd = NULL;
		snprintf(words, sizeof words,
		         "%s belongs to user 1002, who could put any code there; --trust-path loads it anyway", file.path);
		is_str(err.text, words, "which is said");
	}
	struct file file = files[3];
	file.uid = CALLER;
	setenv("SUDO_UID", "1001", 1);
	check(&file, NULL, "what is his who called sudo");
	for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
		struct err err = {0};
		if (others[i])
			setenv("SUDO_UID", others[i], 1);
		else
			unsetenv("SUDO_UID");
		odd = &file;
		is_int(trust_check(PLUGIN, &err), -1, "SUDO_UID=%s is nobody", others[i] ? others[i] : "(none)");
		odd = NULL;
	}
	unsetenv("SUDO_UID");
}

static void test_groups(void)
{
	static const struct {
		gid_t gid;
		bool is_fine;
		const char *what;
	} cases[] = {
		{ROOT, true, "root's own group"},
		{ME, true, "the user's own group"},
		{JUST_ME, false, "a group that has the user as its member today"},
		{OTHERS_OWN, false, "another user's own group"},
		{NAMED_LIKE_ME, false, "a group of the user's name that isn't the user's first"},
		{CALLER, true, "a number without a name, as of who called sudo"},
		{2001, true, "the own group of who called sudo"},
		{UNKNOWN, false, "a number that nobody knows"},
	};
	setenv("SUDO_UID", "1001", 1);
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
			struct file file = files[i];
			char words[64];
			file.gid = cases[k].gid;
			file.mode |= S_IWGRP;
			snprintf(words, sizeof words, "group %u may write to ", (unsigned)file.gid);
			check(&file, cases[k].is_fine ? NULL : words, cases[k].what);
			file.mode = files[i].mode;
			check(&file, NULL, "any group's, which may not write");
		}
	}
	unsetenv("SUDO_UID");
	struct file shared = {PLUGIN, S_IFREG | 0664, ME, ME};
	check(&shared, NULL, "the user's own group, with the user in it");
	members = none;
	check(&shared, NULL, "the user's own group, with nobody in it");
	members = two;
	check(&shared, "group 1000 may write to ", "the user's own group, with another in it");
	members = unknown;
	check(&shared, "group 1000 may write to ", "the user's own group, with somebody in it whom nobody knows");
	members = just_me;
	struct file folder = {"/home", S_IFDIR | S_ISVTX | 0775, ROOT, UNKNOWN};
	check(&folder, NULL, "a sticky folder that some group may write to");
	struct file file = {PLUGIN, S_IFREG | S_ISVTX | 0664, ME, UNKNOWN};
	check(&file, "group 3003 may write to ", "a sticky file that some group may write to");
}

static void test_missing(void)
{
	const struct file gone = {"/home/me", 0, ME, ME};
	struct err err = {0};
	odd = &gone;
	is_int(trust_check(PLUGIN, &err), -1, "what can't be looked at isn't trusted");
	is_str(err.text, "cannot find out whether /home/me can be trusted: No such file or directory", "which is said");
	odd = NULL;
}

int main(void)
{
	unsetenv("SUDO_UID");
	test_modes();
	test_owners();
	test_groups();
	test_missing();
	return tap_done();
}
