/* SPDX-License-Identifier: Apache-2.0 */
/*
 * services - what a plugin may ask for, as the table of rota/plugin.h: of its worker here (options, number, refusal),
 * of its item in task. A plugin has the table by way of each worker and task that it is handed.
 *
 * One that asks for an option that isn't in its own table ends its process: going on would compute nonsense.
 */
#ifndef WORKER_SERVICES_H
#define WORKER_SERVICES_H

#include <rota/plugin.h>

extern const struct rota_host services;

#endif
