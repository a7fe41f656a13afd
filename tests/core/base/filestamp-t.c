/* SPDX-License-Identifier: Apache-2.0 */
/* filestamp: what makes a file another one. */
#include "config.h"

#include "core/base/filestamp.h"
#include "tests/tap.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static void write_file(const char *name, const char *text)
{
	FILE *file = fopen(name, "w");
	ok(file && fputs(text, file) >= 0 && fclose(file) == 0, "%s is written", name);
}

/* To a time of its own: two writes may be within one tick of the clock. */
static void set_time(const char *name, time_t seconds)
{
	const struct timespec times[2] = {{.tv_sec = seconds}, {.tv_sec = seconds}};
	ok(utimensat(AT_FDCWD, name, times, 0) == 0, "%s is of another time", name);
}

int main(void)
{
	char folder[TAP_PATH_BYTES];
	tap_template(folder, "filestamp");
	ok(mkdtemp(folder) && chdir(folder) == 0, "a folder");
	write_file("one", "abc");
	set_time("one", 1000);
	const struct filestamp stamp = filestamp_take("one"), none = filestamp_take("missing");
	ok(filestamp_is_current(&stamp, "one"), "what nobody touched is the same");
	ok(chmod("one", 0600) == 0 && filestamp_is_current(&stamp, "one"), "with other rights, too");
	ok(filestamp_is_current(&none, "one"), "without a stamp nobody knows");
	set_time("one", 1001);
	ok(!filestamp_is_current(&stamp, "one"), "written again, it is another");
	set_time("one", 1000);
	ok(filestamp_is_current(&stamp, "one"), "(the time is what was seen)");
	ok(truncate("one", 2) == 0, "it is cut");
	set_time("one", 1000);
	ok(!filestamp_is_current(&stamp, "one"), "of another length, it is another");
	write_file("two", "abc");
	set_time("two", 1000);
	ok(rename("two", "one") == 0 && !filestamp_is_current(&stamp, "one"), "what took its place is another");
	ok(unlink("one") == 0 && !filestamp_is_current(&stamp, "one"), "what is gone isn't current");
	ok(chdir("/") == 0 && rmdir(folder) == 0, "nothing is left");
	return tap_done();
}
