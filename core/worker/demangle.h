/* SPDX-License-Identifier: Apache-2.0 */
/*
 * demangle - names of C++ as in the source, by the C++ library that the plugin has brought along.
 *
 *   demangle_prepare    before a crash: looks for the library, loads none
 *   demangle            in a signal's handler
 *
 * The library's function takes memory from the heap, which may be locked or destroyed where a process crashes, and a
 * name out of a plugin's file may be anything. So a copy of the process calls it, and is given a moment for it: what
 * becomes of the copy is nobody's loss.
 *
 * Source: the Itanium C++ ABI, 3.4 (__cxa_demangle). Threads: one.
 */
#ifndef WORKER_DEMANGLE_H
#define WORKER_DEMANGLE_H

#include <stdbool.h>
#include <stddef.h>

void demangle_prepare(void);

/* false: it is none of C++, or nobody knows; ret is then as it was. What is too long is cut. */
bool demangle(const char *name, char *ret, size_t n_bytes);

#endif
