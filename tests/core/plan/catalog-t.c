/* SPDX-License-Identifier: Apache-2.0 */
/* catalog: which file a name stands for, what is said of files that are no plugins, and whom it trusts. */
#include "config.h"

#include "core/plan/catalog.h"
#include "core/plan/describe.h"
#include "core/plan/trust.h"

#include "tests/core/plan/stage.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>

static char folder[PATH_MAX];

static struct catalog *catalog_new(bool trust_path, catalog_describe_here_f *describe_here)
{
	struct catalog *catalog = NULL;
	struct err err = {0};
	is_int(catalog_create(&catalog, trust_path, describe_here, &err), 0, "a catalog: %s", err.text);
	return catalog;
}

/* In what is wanted, @ is the stage's folder. */
static void is_said(const char *seen, const char *want, const char *what)
{
	char text[4096] = "";
	for (const char *at = want; *at; at++) {
		size_t n = strlen(text);
		if (*at == '@')
			snprintf(text + n, sizeof(text) - n, "%s", folder);
		else
			snprintf(text + n, sizeof(text) - n, "%c", *at);
	}
	is_str(seen, text, "%s", what);
}

static void test_refused(void)
{
	static const struct {
		const char *name, *error;
	} names[] = {
		{"crash",
	     "@/plugins/crash.so: the plugin crashed while it was being loaded: SIGSEGV (Segmentation fault); its last "
	     "words: two"},
		{"refused", "@/plugins/refused.so: no symbol in it"},
		{"silent", "@/plugins/silent.so: loading the plugin failed without a message, exit code 3"},
		{"leaves", "@/plugins/leaves.so: the plugin ended its process while it was being loaded"},
		{"endless", "@/plugins/endless.so: its description is larger than 1 MB"},
		{"nonsense", "@/plugins/nonsense.so: its description is invalid at record 'hello' with 1 fields"},
		{"uper", "no plugin 'uper' in @/plugins; did you mean 'upper'?"},
		{"qqqqqqq", "no plugin 'qqqqqqq' in @/plugins; 'rota plugins' lists the plugins; to use a file of your own, "
	                "write its name with a slash: ./qqqqqqq.so"},
		{"mine.so", "no plugin 'mine.so' in @/plugins; 'rota plugins' lists the plugins; to use a file of your own, "
	                "write its name with a slash: ./mine.so"},
		{"", "the plugin's name is missing; 'rota plugins' lists the plugins"},
		{"./mine.so", "./mine.so: the plugin can't be found: No such file or directory"},
		{"./plugins", "./plugins: a directory, but a plugin is a shared object, a regular file"},
		{"./fifo", "./fifo: a FIFO, but a plugin is a shared object, a regular file"},
		{"/dev/null", "/dev/null: a device, but a plugin is a shared object, a regular file"},
	};
	struct catalog *catalog = catalog_new(false, NULL);
	ok(mkfifo("fifo", 0600) == 0, "a FIFO");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct plugin_info *info = NULL;
		struct err err = {0};
		is_int(catalog_describe(catalog, names[i].name, &info, &err), -1, "'%s' is refused", names[i].name);
		is_int(err.code, ERR_USAGE, "'%s': it is the user's", names[i].name);
		is_said(err.text, names[i].error, names[i].name);
	}
	catalog_destroy(&catalog);
}

static void test_found(void)
{
	struct catalog *catalog = catalog_new(false, NULL);
	const struct plugin_info *info = NULL, *again = NULL;
	struct err err = {0};
	is_int(catalog_describe(catalog, "upper", &info, &err), 0, "a bare name is found: %s", err.text);
	is_said(info->file, "@/plugins/upper.so", "in the build tree's folder");
	is_int(catalog_describe(catalog, "plugins/../plugins/upper.so", &again, &err), 0, "a path is: %s", err.text);
	ok(info == again, "which is the same plugin, described once");
	ok(symlink("plugins/upper.so", "link.so") == 0, "a link to it");
	is_int(catalog_describe(catalog, "./link.so", &again, &err), 0, "can be named, too: %s", err.text);
	ok(info == again, "and is the same plugin again");
	is_said(catalog_worker_program(catalog), "@/rota-worker", "the worker's program stands beside ours");

	const char *const *names;
	size_t n_names;
	is_int(catalog_names(catalog, &names, &n_names, &err), 0, "the names are listed");
	is_int(n_names, 12, "all of them");
	is_str(names[0], "choosy", "sorted: the first");
	is_str(names[11], "upper", "the last");
	catalog_destroy(&catalog);
}

static void test_path(void)
{
	ok(mkdir("a", 0700) == 0 && mkdir("b", 0700) == 0, "two folders");
	stage_write("a/other.so", "x", 1, 0600);
	stage_write("b/other.so", "x", 1, 0600);
	stage_write("b/upper.so", "x", 1, 0600);
	char path[3 * PATH_MAX];
	snprintf(path, sizeof(path), ":%s/a::relative:%s/b:", folder, folder);
	setenv("ROTA_PLUGIN_PATH", path, 1);
	struct catalog *catalog = catalog_new(false, NULL);
	unsetenv("ROTA_PLUGIN_PATH");
	size_t n_folders;
	const char *const *folders = catalog_folders(catalog, &n_folders);
	is_int(n_folders, 3, "three folders: empty and relative ones are passed over");
	is_said(folders[1], "@/b", "in their order");
	is_said(folders[2], "@/plugins", "the build tree's at the end");
	const struct plugin_info *info = NULL;
	struct err err = {0};
	is_int(catalog_describe(catalog, "other", &info, &err), 0, "a name in two folders: %s", err.text);
	is_said(info->file, "@/a/other.so", "is the one in the first");
	is_int(catalog_describe(catalog, "upper", &info, &err), 0, "a name that the build tree has, too: %s", err.text);
	is_said(info->file, "@/b/upper.so", "is the one in the path");
	catalog_destroy(&catalog);
}

/* What hangs is given up and killed, with all that it has started. */
static void test_hang(void)
{
	char file[PATH_MAX + 32];
	struct buf text = {0};
	struct err err = {0};
	snprintf(file, sizeof(file), "%s/plugins/hang.so", folder);
	is_int(describe_run("./rota-worker", file, 200000000, &text, &err), -1, "a plugin that hangs is given up");
	is_str(err.text, "loading the plugin took longer than 0.2 s: allow more with --start-timeout", "which is said");
	is_int(text.len, 0, "and nothing was read");
	buf_fini(&text);
	is_int(describe_run("./nonexistent", file, 1000000000, &text, &err), -1, "a worker program that isn't there");
	ok(strstr(err.text, "nonexistent") != NULL, "is named: %s", err.text);
}

static int described_here;

static int describe_here(const char *file, struct buf *ret_text, struct err *err)
{
	described_here++;
	if (buf_printf(ret_text, "rota-plugin\t1\t%s\nname\there\nversion\t1\nsummary\t\nflags\nend\n", file))
		return err_set(err, ERR_RESOURCE, "memory is short");
	return 0;
}

/* Without descriptors no child can be made. */
static void test_here(void)
{
	struct catalog *catalog = catalog_new(false, describe_here);
	const struct plugin_info *info = NULL;
	struct err err = {0};
	struct rlimit old, none = {0};
	ok(getrlimit(RLIMIT_NOFILE, &old) == 0, "the limit is known");
	none.rlim_max = old.rlim_max;
	ok(setrlimit(RLIMIT_NOFILE, &none) == 0, "no more descriptors");
	catalog_allow_here(catalog, false);
	int refused = catalog_describe(catalog, "upper", &info, &err);
	enum err_code code = err.code;
	catalog_allow_here(catalog, true);
	int taken = catalog_describe(catalog, "upper", &info, &err);
	ok(setrlimit(RLIMIT_NOFILE, &old) == 0, "the limit is back");
	is_int(refused, -1, "where it isn't allowed, nothing is loaded here");
	is_int(code, ERR_RESOURCE, "for lack of means");
	is_int(taken, 0, "where it is, the plugin is described here: %s", err.text);
	is_int(described_here, 1, "once");
	is_str(info ? info->name : NULL, "here", "and that is what counts");
	catalog_destroy(&catalog);
}

static void test_trust(void)
{
	struct err err = {0};
	char path[PATH_MAX + 32];
	const struct plugin_info *info = NULL;
	ok(mkdir("open", 0700) == 0 && mkdir("open/in", 0700) == 0, "a folder in a folder");
	stage_write("open/in/upper.so", "x", 1, 0600);
	snprintf(path, sizeof(path), "%s/open/in/upper.so", folder);
	is_int(trust_check(path, &err), 0, "what is the user's own is trusted: %s", err.text);
	ok(chmod("open", 0777) == 0, "the upper folder is open to everybody");
	is_int(trust_check(path, &err), -1, "then it isn't");
	is_said(err.text,
	        "everybody may write to @/open and so put any code there: chmod o-w @/open; --trust-path loads it anyway",
	        "which is said");
	struct catalog *catalog = catalog_new(false, NULL);
	is_int(catalog_describe(catalog, "open/in/upper.so", &info, &err), -1, "the catalog doesn't load it");
	ok(strncmp(err.text, "open/in/upper.so: the plugin isn't loaded: everybody may write", 60) == 0, "%s", err.text);
	catalog_trust_path(catalog);
	is_int(catalog_describe(catalog, "open/in/upper.so", &info, &err), 0, "but does when it is told to: %s", err.text);
	catalog_destroy(&catalog);
	ok(chmod("open", 01777) == 0, "a sticky folder");
	is_int(trust_check(path, &err), 0, "is trusted: %s", err.text);
	ok(chmod(path, 0666) == 0, "a file that everybody may write");
	is_int(trust_check(path, &err), -1, "isn't");
	ok(chmod(path, 0600) == 0, "only the owner may");
	if (geteuid() != 0) {
		skip("only root can give files away");
		return;
	}
	ok(chown(path, 4711, (gid_t)-1) == 0, "somebody else's file");
	is_int(trust_check(path, &err), -1, "isn't trusted");
	is_said(err.text,
	        "@/open/in/upper.so belongs to user 4711, who could put any code there; --trust-path loads it anyway",
	        "which is said");
	setenv("SUDO_UID", "4711", 1);
	is_int(trust_check(path, &err), 0, "but is when that is who called sudo: %s", err.text);
	setenv("SUDO_UID", "4711x", 1);
	is_int(trust_check(path, &err), -1, "a number with something behind it is nobody");
	unsetenv("SUDO_UID");
}

static void test(void)
{
	ok(realpath(stage_path(), folder) != NULL, "the stage");
	test_refused();
	test_found();
	test_path();
	test_hang();
	test_here();
	test_trust();
}

int main(int argc, char **argv)
{
	return stage_main(argc, argv, test);
}
