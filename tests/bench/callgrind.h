/* SPDX-License-Identifier: MIT */
/* Instructions, counted by callgrind: this very program runs again under valgrind, twice with two
 * counts, and the difference of what was collected is that of the items between. So all that
 * happens once, however dear, drops out, and the figure does not depend on how busy the machine is.
 *
 * callgrind counts what runs in user space, and shows programs a processor without SHA-NI,
 * AVX-512 and VAES. */
#ifndef BENCH_CALLGRIND_H
#define BENCH_CALLGRIND_H

#include <stdbool.h>
#include <stddef.h>

/* This program again, with `mode` as its first argument and either count as its second, the less
 * one first. `out`: instructions an item. False, after a line on standard error: valgrind is not
 * installed, or the program did not end well. Leaves no files. */
bool bench_callgrind_run(const char *mode, const size_t counts[2], double *out);

/* In the program that runs again: what comes before is not even watched, which saves much of the
 * time. Nothing is collected yet. */
void bench_callgrind_begin(void);

/* Collect what runs from here on, or no more. Costs some ten instructions itself. */
void bench_callgrind_collect(bool on);

#endif
