/* SPDX-License-Identifier: Apache-2.0 */
/* out - see out.h. */
#include "config.h"

#include "core/base/buf.h"
#include "core/base/log.h"
#include "core/base/out.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Line by line: a newline is no steering. Where memory is short nothing is better than what isn't clean. */
static void print_clean(const char *text)
{
	struct buf clean = {0};
	while (*text) {
		size_t n = strcspn(text, "\n");
		bool has_newline = text[n] == '\n';
		if (log_clean(&clean, text, n) != 0 || (has_newline && buf_append(&clean, "\n", 1) != 0))
			break;
		text += n + has_newline;
	}
	fwrite(clean.bytes, 1, clean.len, stdout);
	buf_fini(&clean);
}

void out_vprintf(const char *format, va_list args)
{
	char *text;
	if (!isatty(STDOUT_FILENO)) {
		vprintf(format, args);
		return;
	}
	if (vasprintf(&text, format, args) < 0)
		return;
	print_clean(text);
	free(text);
}

void out_printf(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	out_vprintf(format, args);
	va_end(args);
}
