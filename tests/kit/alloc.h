/* SPDX-License-Identifier: MIT */
/* Counting and failing of allocations, in two ways.
 *
 * kit_malloc_*  at the level of malloc, so that what libsrtp2, mbedTLS and libopus allocate counts
 *   too. Test programs define malloc and its kin themselves and pass them on to glibc's. In builds
 *   with the address sanitizer, which brings its own malloc, the sanitizer's hooks count, and they
 *   pass on to the sanitizer's. Under valgrind nothing counts and nothing can be made to fail.
 * kit_allocator  behind the library's own hook, struct paw_allocator: counts and fails what is
 *   allocated through it, in every build. */
#ifndef KIT_ALLOC_H
#define KIT_ALLOC_H

#include <pawebrtc/base.h>

/* ---- malloc ---- */

struct kit_malloc_counts {
  uint64_t allocations;      /* malloc, calloc, realloc and the aligned ones that succeeded */
  uint64_t frees;            /* free and realloc of something */
  int64_t outstanding;       /* allocated less freed */
  int64_t outstanding_bytes; /* may be less than 0: older memory was freed */
  int64_t peak_bytes;        /* the most that was outstanding, at least 0 */
  uint64_t failed;           /* calls that were made to fail */
};

/* Count from zero; with `true` an allocation calls abort(), so that a debugger shows who it was. */
void kit_malloc_start(void);
void kit_malloc_trap(bool on);

/* Stop counting, failing and trapping; what was counted. */
struct kit_malloc_counts kit_malloc_stop(void);

/* What was counted up to now. */
struct kit_malloc_counts kit_malloc_get_counts(void);

/* Let the peak begin anew with what is outstanding now. */
void kit_malloc_forget_peak(void);

/* Can kit_malloc_fail do anything here? Not while counting. */
bool kit_malloc_can_fail(void);

/* Of the allocations from now on let the nth (from 1) fail, once or with all that follow it.
 * 0: none. Counting must have been started. */
void kit_malloc_fail(uint64_t nth, bool all_after);

/* Let fail what would be more than this many bytes at a time, until kit_malloc_stop. */
void kit_malloc_limit(size_t bytes);

/* Those while this is on do not fail, and are none of the n. */
void kit_malloc_spare(bool on);

/* ---- the library's allocator ---- */

struct kit_allocator {
  uint64_t allocations;
  uint64_t frees;
  size_t outstanding_bytes;
  uint64_t fail_nth;   /* counts down at each allocation; it fails at 1; 0 = never */
  bool fail_all_after; /* stays at 1 */
  uint64_t failed;
};

/* `allocator` must outlive what is allocated. Blocks carry their size before them, so a block that
 * is freed elsewhere is found out by malloc. */
struct paw_allocator kit_allocator_hook(struct kit_allocator *allocator);

#endif
