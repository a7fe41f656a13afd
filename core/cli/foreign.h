/* SPDX-License-Identifier: Apache-2.0 */
/*
 * foreign - options of xargs and GNU parallel that rota has not, and what to do instead. Who types one of them is told.
 */
#ifndef CLI_FOREIGN_H
#define CLI_FOREIGN_H

/* What to do instead of a long option's name or a letter (the other is NULL or 0); NULL: it is nobody's. Static. */
const char *foreign_find(const char *name, char letter);

#endif
