/* SPDX-License-Identifier: Apache-2.0 */
/* err: what the setters write, how they cut, and the list. */
#include "config.h"

#include "core/base/err.h"

#include "tests/tap.h"

#include <errno.h>

static void test_setters(void)
{
	struct err err = {0};
	is_int(err_set(&err, ERR_USAGE, "no job called '%s'", "x"), -1, "err_set gives -1");
	is_int(err.code, ERR_USAGE, "err_set: the code");
	is_str(err.text, "no job called 'x'", "err_set: the text");
	is_int(err_set_errno(&err, ERR_RUN, ENOENT, "cannot open %s", "in"), -1, "err_set_errno gives -1");
	is_int(err.code, ERR_RUN, "err_set_errno: the code");
	is_str(err.text, "cannot open in: No such file or directory", "err_set_errno: the text");
	static const int no_room[] = {ENOMEM, EMFILE, ENFILE};
	for (size_t i = 0; i < sizeof no_room / sizeof *no_room; i++) {
		err_set_errno(&err, ERR_RUN, no_room[i], "x");
		is_int(err.code, ERR_RESOURCE, "err_set_errno: no room has a code of its own: %s", err.text);
		err_set_errno(&err, ERR_USAGE, no_room[i], "x");
		is_int(err.code, ERR_USAGE, "err_set_errno: what is the user's to decide stays so");
	}
	is_int(err_set_at(&err, ERR_USAGE, "a.yaml", 3, 7, "%d keys", 2), -1, "err_set_at gives -1");
	is_str(err.text, "a.yaml:3:7: 2 keys", "err_set_at: line and column");
	err_set_at(&err, ERR_USAGE, "a.yaml", 3, 0, "bad");
	is_str(err.text, "a.yaml:3: bad", "err_set_at: without a column");
	err_set_at(&err, ERR_USAGE, "a.yaml", 0, 5, "bad");
	is_str(err.text, "a.yaml: bad", "err_set_at: without a line");
	is_int(err_prefix(&err, "job %d", 4), -1, "err_prefix gives -1");
	is_str(err.text, "job 4: a.yaml: bad", "err_prefix: the text");
	is_int(err.code, ERR_USAGE, "err_prefix keeps the code");
	err_set(&err, ERR_RUN, "%s, again", err.text);
	is_str(err.text, "job 4: a.yaml: bad, again", "the arguments may point into the text that is replaced");
}

static void test_cut(void)
{
	struct err err = {0};
	char most[ERR_TEXT_BYTES], over[3 * ERR_TEXT_BYTES];
	memset(most, 'x', sizeof(most) - 1);
	most[sizeof(most) - 1] = '\0';
	memset(over, 'x', sizeof(over) - 1);
	over[sizeof(over) - 1] = '\0';
	err_set(&err, ERR_RUN, "%s", most);
	is_str(err.text, most, "the longest text is whole");
	err_set(&err, ERR_RUN, "%s", over);
	is_int(strlen(err.text), ERR_TEXT_BYTES - 1, "a longer one is cut");
	ok(strstr(err.text, "x...x") != NULL, "and says so");
	err_set_at(&err, ERR_RUN, over, 1, 1, "the reason");
	is_str(err.text + ERR_TEXT_BYTES - 20, "xxx:1:1: the reason", "a file's name that is too long hides no reason");
	err_set_errno(&err, ERR_RUN, ENOENT, "%s", over);
	is_str(err.text + ERR_TEXT_BYTES - 31, "xxx: No such file or directory", "nor the system's");
	err_set(&err, ERR_RUN, "%s", most);
	err_prefix(&err, "front");
	is_mem(err.text, 9, "front: xx", 9, "a prefix stays when the rest is cut");
	ok(strstr(err.text, "x...x") != NULL, "and the cut is marked");
	/* Of two-byte characters behind an even and an odd number of bytes. */
	for (size_t i = 0; i + 2 < sizeof(over); i += 2)
		memcpy(over + i, "\xc3\xa9", 2);
	over[sizeof(over) - 2] = '\0';
	for (int is_odd = 0; is_odd < 2; is_odd++) {
		err_set(&err, ERR_RUN, "%s%s", is_odd ? "x" : "", over);
		ok(strstr(err.text, "\xc3\xa9...\xc3\xa9") != NULL, "no character is cut in two");
	}
	err_set_errno(&err, ERR_RUN, ENOENT, "no");
	err_prefix(&err, "job %d", 4);
	is_int(err.errnum, ENOENT, "err_prefix keeps the errno");
}

static void test_list(void)
{
	struct err_list list = {0};
	struct err err;
	for (int i = 0; i < 100; i++) {
		err_set(&err, ERR_USAGE, "error %d", i);
		err_list_add(&list, &err);
	}
	is_int(list.n_errs, 100, "list: all are there");
	is_str(list.errs[0].text, "error 0", "list: the first");
	is_str(list.errs[99].text, "error 99", "list: the last");
	err_list_fini(&list);
	ok(!list.errs && list.n_errs == 0 && list.cap == 0, "list: empty after fini");
	err_list_fini(&list);
	ok(!list.errs, "list: fini twice");
}

int main(void)
{
	test_setters();
	test_cut();
	test_list();
	return tap_done();
}
