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

#define BENCH_CALLGRIND_TOGGLES_MAX 8

struct bench_callgrind {
  const char *mode; /* the first argument that the program gets; the second is its count */
  size_t counts[2]; /* the less one first */

  /* Functions that switch the collecting at their begin and at their end: it is on within the one
   * that was called first, and off within one that it calls. Ends with NULL. */
  const char *toggles[BENCH_CALLGRIND_TOGGLES_MAX + 1];
};

/* Instructions an item. False, after a line on standard error: valgrind is not installed, or the
 * program did not end well. Leaves no files. */
bool bench_callgrind_run(const struct bench_callgrind *callgrind, double *out);

/* In the program that runs again: what is to be counted begins. What comes before is not even
 * watched, and runs ten times as fast. */
void bench_callgrind_begin(void);

#endif
