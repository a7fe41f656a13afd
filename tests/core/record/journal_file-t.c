/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal_file-t - a new journal takes its name when it is with the disk, and its name is before anything is promised;
 * where the disk fails a step of that, it is an error, and nothing half-made stays.
 */
#include "config.h"

#include "journals.h"
#include "tests/refuse.h"

#include <sys/wait.h>

static char new_name[TAP_BESIDE_BYTES + 32], folder_name[TAP_PATH_BYTES];

/* "fsync j.MARK.new" and the like. */
static const char *line(const char *call, const char *name)
{
	static char lines[4][TAP_BESIDE_BYTES + 64];
	static unsigned n;
	char *text = lines[n++ % 4];
	snprintf(text, sizeof lines[0], "%s %s\n", call, name);
	return text;
}

static void test_order(void)
{
	refuse_call("none", 1, 0);
	struct journal *journal = create();
	refuse_end();
	const char *base = strrchr(new_name, '/') + 1;
	ok(refuse_comes_before(line("fsync", base), line("rename", base)), "synced, then renamed");
	ok(refuse_comes_before(line("rename", base), line("fsync", folder_name)), "renamed, then its folder is synced");
	journal_close(&journal);
	forget();
}

static void test_refused(void)
{
	static const struct {
		const char *call;
		unsigned nth;
		int errnum;
		const char *why; /* NULL: it is no failure */
	} cases[] = {
		{"fsync", 1, EIO, "cannot write it: Input/output error"},
		{"fsync", 1, ENOSPC, "cannot write it: No space left on device"},
		{"rename", 1, EIO, "cannot rename"},
		{"fsync", 2, EIO, "cannot sync its directory: Input/output error"},
		{"fsync", 2, EINVAL, NULL}, /* a file system that doesn't sync folders */
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct journal *journal = NULL;
		struct err err = {0};
		refuse_call(cases[i].call, cases[i].nth, cases[i].errnum);
		int result = journal_create(&journal, file, keys, N_KEYS, &err);
		ok(refuse_end(), "%s is refused (%s)", cases[i].call, strerror(cases[i].errnum));
		is_int(result, cases[i].why ? -1 : 0, "the journal isn't made, if that matters");
		if (cases[i].why)
			ok(err.code == ERR_RUN && strstr(err.text, cases[i].why) && strstr(err.text, file), "said: %s", err.text);
		ok(access(new_name, F_OK) != 0 && errno == ENOENT, "no half-made one stays");
		journal_close(&journal);
		forget();
		is_int(journal_create(&journal, file, keys, N_KEYS, &err), 0, "then one can be made");
		journal_close(&journal);
		forget();
	}
}

/* The journal of a run that was killed is removed by hand, and its -wal is forgotten. */
static void test_old_log(void)
{
	char wal[TAP_BESIDE_BYTES + 16], kept[TAP_BESIDE_BYTES + 16];
	struct journal_position position = position_of(5, false);
	struct err err;
	snprintf(wal, sizeof wal, "%s-wal", file);
	snprintf(kept, sizeof kept, "%s.kept", file);
	pid_t child = fork();
	if (child == 0) {
		struct journal *old = create();
		put(old, "map", &position, NULL);
		_exit(link(wal, kept) == 0 ? 0 : 1);
	}
	int status = 0;
	must(waitpid(child, &status, 0) == child && status == 0);
	forget();
	must(rename(kept, wal) == 0);
	struct journal *journal = create();
	must(journal_read_position(journal, "map", &position, &err) == 0);
	is_int((long long)position.taken_items, 0, "a new journal knows nothing of what an old log says");
	journal_position_fini(&position);
	journal_close(&journal);
	is_int(journal_open(&journal, file, &err), 0, "nor does it later");
	must(journal_read_position(journal, "map", &position, &err) == 0);
	is_int((long long)position.taken_items, 0, "what is there");
	journal_position_fini(&position);
	journal_close(&journal);
	forget();
}

int main(void)
{
	begin();
	char *name = ownfile_name(file);
	must(name != NULL);
	snprintf(new_name, sizeof new_name, "%s", name);
	free(name);
	snprintf(folder_name, sizeof folder_name, "%s", strrchr(folder, '/') + 1);
	test_order();
	test_refused();
	test_old_log();
	ok(rmdir(folder) == 0, "nothing is left");
	return tap_done();
}
