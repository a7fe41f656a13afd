/* SPDX-License-Identifier: Apache-2.0 */
/*
 * delimiter - where items end in a run of them: how many bytes so many items take, and where one is too long. Items are
 * counted by vectors of bytes, so that a cut behind thousands of short ones costs less than a look at each.
 *
 *   delimiter_find_too_long (for bytes that were read), delimiter_cut (for items that are taken)
 *
 * Both want a run of whole items: the last byte is a delimiter. None behind it is read. (An item after another within
 * such a run is for core/base/split.)
 */
#ifndef IO_DELIMITER_H
#define IO_DELIMITER_H

#include <stddef.h>
#include <stdint.h>

/* The length of the first max_items items, with their delimiters, or of all when there are fewer. */
size_t delimiter_cut(const char *bytes, size_t n_bytes, char delimiter, uint32_t max_items, uint32_t *ret_items);

/* The length of the items up to the first that is over max_bytes, its delimiter not counted; n_bytes: none is. */
size_t delimiter_find_too_long(const char *bytes, size_t n_bytes, char delimiter, size_t max_bytes);

#endif
