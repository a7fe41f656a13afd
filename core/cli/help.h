/* SPDX-License-Identifier: Apache-2.0 */
/* help - what --help, `rota help` and --version print on standard output, from the tables of commands and options. */
#ifndef CLI_HELP_H
#define CLI_HELP_H

#include "core/cli/cmd.h"

void help_print(const struct command *command, bool shows_all);
void help_print_overview(const struct command *commands); /* up to one without a name */
void help_print_version(void);

#endif
