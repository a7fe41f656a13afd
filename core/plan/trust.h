/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trust - may this plugin file be loaded? The file and each folder above it must belong to root, the user or SUDO_UID
 * and not be writable by everybody, nor by a group that has others in it (a sticky folder may be): who can change one
 * of them can run code as the user.
 */
#ifndef PLAN_TRUST_H
#define PLAN_TRUST_H

#include "core/base/err.h"

/* real_path is absolute and without symbolic links. -1: err names the file or folder and what is wrong with it. */
int trust_check(const char *real_path, struct err *err);

#endif
