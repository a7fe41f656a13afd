/* SPDX-License-Identifier: Apache-2.0 */
/*
 * no-run - has everything but run: to be refused.
 */
#include <rota/plugin.h>

ROTA_PLUGIN(.name = "no-run", .version = "1.0", .summary = "has everything but run");
