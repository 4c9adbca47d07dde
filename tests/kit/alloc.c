/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* dladdr, posix_memalign */
#include "kit/alloc.h"

#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "kit/sanitizer.h"

static bool counting;
static bool trapping;
static struct kit_malloc_counts counts;
static uint64_t fail_nth;
static bool fail_all_after;
static bool sparing;
static int64_t room_bytes = -1; /* less than 0: no limit */

#define FRAMES_MAX 8

/* The first one loads a library. */
static void prepare_backtrace(void) {
  void *frame = NULL;
  (void)backtrace(&frame, 1);
}

void kit_malloc_trap(bool on) {
  trapping = on;
}

struct kit_malloc_counts kit_malloc_get_counts(void) {
  return counts;
}

void kit_malloc_forget_peak(void) {
  counts.peak_bytes = counts.outstanding_bytes;
}

void kit_malloc_fail(uint64_t nth, bool all_after) {
  fail_nth = nth;
  fail_all_after = all_after;
  sparing = false;
}

void kit_malloc_spare(bool on) {
  sparing = on;
}

void kit_malloc_limit(size_t bytes) {
  room_bytes = (int64_t)bytes;
}

struct kit_malloc_counts kit_malloc_stop(void) {
  counting = false;
  trapping = false;
  fail_nth = 0;
  room_bytes = -1;
  return counts;
}

static void note_allocation(size_t len) {
  if (!counting) {
    return;
  }
  if (trapping) {
    abort();
  }
  counts.allocations++;
  counts.outstanding++;
  counts.outstanding_bytes += (int64_t)len;
  if (counts.outstanding_bytes > counts.peak_bytes) {
    counts.peak_bytes = counts.outstanding_bytes;
  }
}

static void note_free(size_t len) {
  if (!counting) {
    return;
  }
  counts.frees++;
  counts.outstanding--;
  counts.outstanding_bytes -= (int64_t)len;
}

#ifdef KIT_SANITIZED

static void on_malloc(const volatile void *memory, size_t len) {
  (void)memory;
  note_allocation(len);
}

static void on_free(const volatile void *memory) {
  note_free(memory == NULL ? 0 : __sanitizer_get_allocated_size(memory));
}

void kit_malloc_start(void) {
  static bool installed;
  if (!installed) {
    installed = true;
    __sanitizer_install_malloc_and_free_hooks(on_malloc, on_free);
  }
  prepare_backtrace();
  counts = (struct kit_malloc_counts){0};
  counting = true;
}

#else

void kit_malloc_start(void) {
  prepare_backtrace();
  counts = (struct kit_malloc_counts){0};
  counting = true;
}

#endif

/* Asking for the list of streams, libsrtp2 2.5 dies if it gets none: lib/srtp/keying.c keeps it
 * from that where memory runs out, and cannot where a single call fails. Then the next one has to.
 */
__attribute__((noinline)) /* the sanitizer asks for memory before it can watch a stack */
static bool
would_kill_libsrtp(void) {
  void *frames[FRAMES_MAX];
  Dl_info info;
  sparing = true;
  int count = backtrace(frames, FRAMES_MAX);
  bool found = false;
  for (int i = 0; i < count && !found; i++) {
    found = dladdr(frames[i], &info) != 0 && info.dli_sname != NULL &&
            strcmp(info.dli_sname, "srtp_stream_list_alloc") == 0;
  }
  sparing = false;
  return found;
}

static bool is_nth(void) {
  if (fail_nth == 0) {
    return false;
  }
  if (fail_nth > 1) {
    fail_nth--;
    return false;
  }
  if (would_kill_libsrtp()) {
    return false;
  }
  if (!fail_all_after) {
    fail_nth = 0;
  }
  return true;
}

static bool must_fail(size_t len) {
  if (!counting || sparing) {
    return false;
  }
  bool full = room_bytes >= 0 && counts.outstanding_bytes + (int64_t)len > room_bytes;
  if (!full && !is_nth()) {
    return false;
  }
  counts.failed++;
  errno = ENOMEM;
  return true;
}

#ifdef KIT_SANITIZED

/* The sanitizer's own, by the names that its runtime gives them. */
void *__interceptor_malloc(size_t len);
void *__interceptor_calloc(size_t count, size_t len);
void *__interceptor_realloc(void *memory, size_t len);

void *malloc(size_t len) {
  return must_fail(len) ? NULL : __interceptor_malloc(len);
}

void *calloc(size_t count, size_t len) {
  return must_fail(count * len) ? NULL : __interceptor_calloc(count, len);
}

void *realloc(void *memory, size_t len) {
  return must_fail(len) ? NULL : __interceptor_realloc(memory, len);
}

#else

void *__libc_malloc(size_t len);
void *__libc_calloc(size_t count, size_t len);
void *__libc_realloc(void *memory, size_t len);
void *__libc_memalign(size_t alignment, size_t len);
void __libc_free(void *memory);

static void *noted(void *memory) {
  if (memory != NULL) {
    note_allocation(malloc_usable_size(memory));
  }
  return memory;
}

void *malloc(size_t len) {
  return must_fail(len) ? NULL : noted(__libc_malloc(len));
}

void *calloc(size_t count, size_t len) {
  return must_fail(count * len) ? NULL : noted(__libc_calloc(count, len));
}

void *realloc(void *memory, size_t len) {
  if (must_fail(len)) {
    return NULL;
  }
  size_t old_len = memory == NULL ? 0 : malloc_usable_size(memory);
  void *moved = __libc_realloc(memory, len);
  if (memory != NULL && (moved != NULL || len == 0)) {
    note_free(old_len);
  }
  return noted(moved);
}

void *memalign(size_t alignment, size_t len) {
  return must_fail(len) ? NULL : noted(__libc_memalign(alignment, len));
}

void *aligned_alloc(size_t alignment, size_t len) {
  return memalign(alignment, len);
}

int posix_memalign(void **out, size_t alignment, size_t len) {
  void *memory = memalign(alignment, len);
  if (memory == NULL) {
    return ENOMEM;
  }
  *out = memory;
  return 0;
}

void free(void *memory) {
  if (memory != NULL) {
    note_free(malloc_usable_size(memory));
  }
  __libc_free(memory);
}

#endif

/* Whether this malloc is the program's is found out by trying: valgrind puts its own in its place.
 */
bool kit_malloc_can_fail(void) {
  void *(*volatile allocate)(size_t len) = malloc;
  kit_malloc_start();
  kit_malloc_fail(1, false);
  void *memory = allocate(1);
  uint64_t failed = kit_malloc_stop().failed;
  free(memory);
  return failed > 0;
}

/* ---- the library's allocator ---- */

/* Keeps what follows as aligned as malloc's. */
struct block {
  _Alignas(max_align_t) size_t len;
};

static bool allocator_must_fail(struct kit_allocator *allocator) {
  if (allocator->fail_nth == 0) {
    return false;
  }
  if (allocator->fail_nth > 1) {
    allocator->fail_nth--;
    return false;
  }
  if (!allocator->fail_all_after) {
    allocator->fail_nth = 0;
  }
  allocator->failed++;
  return true;
}

static void *allocator_alloc(void *user_data, size_t len) {
  struct kit_allocator *allocator = user_data;
  if (allocator_must_fail(allocator) || len > SIZE_MAX - sizeof(struct block)) {
    return NULL;
  }
  struct block *block = malloc(sizeof *block + len);
  if (block == NULL) {
    return NULL;
  }
  block->len = len;
  allocator->allocations++;
  allocator->outstanding_bytes += len;
  return block + 1;
}

static void allocator_free(void *user_data, void *memory) {
  struct kit_allocator *allocator = user_data;
  struct block *block = (struct block *)memory - 1;
  allocator->frees++;
  allocator->outstanding_bytes -= block->len;
  free(block);
}

struct paw_allocator kit_allocator_hook(struct kit_allocator *allocator) {
  return (struct paw_allocator){
      .alloc = allocator_alloc, .free = allocator_free, .user_data = allocator};
}
