/* SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L /* posix_memalign */
#include "kit/alloc.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>

#include "kit/sanitizer.h"

static bool counting;
static bool trapping;
static struct kit_malloc_counts counts;
static uint64_t fail_nth;
static bool fail_all_after;
static bool sparing;

void kit_malloc_trap(bool on) {
  trapping = on;
}

struct kit_malloc_counts kit_malloc_get_counts(void) {
  return counts;
}

void kit_malloc_fail(uint64_t nth, bool all_after) {
  fail_nth = nth;
  fail_all_after = all_after;
  sparing = false;
}

void kit_malloc_spare(bool on) {
  sparing = on;
}

struct kit_malloc_counts kit_malloc_stop(void) {
  counting = false;
  trapping = false;
  fail_nth = 0;
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
  counts = (struct kit_malloc_counts){0};
  counting = true;
}

#else

void kit_malloc_start(void) {
  counts = (struct kit_malloc_counts){0};
  counting = true;
}

#endif

static bool must_fail(void) {
  if (!counting || sparing || fail_nth == 0) {
    return false;
  }
  if (fail_nth > 1) {
    fail_nth--;
    return false;
  }
  if (!fail_all_after) {
    fail_nth = 0;
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
  return must_fail() ? NULL : __interceptor_malloc(len);
}

void *calloc(size_t count, size_t len) {
  return must_fail() ? NULL : __interceptor_calloc(count, len);
}

void *realloc(void *memory, size_t len) {
  return must_fail() ? NULL : __interceptor_realloc(memory, len);
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
  return must_fail() ? NULL : noted(__libc_malloc(len));
}

void *calloc(size_t count, size_t len) {
  return must_fail() ? NULL : noted(__libc_calloc(count, len));
}

void *realloc(void *memory, size_t len) {
  if (must_fail()) {
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
  return must_fail() ? NULL : noted(__libc_memalign(alignment, len));
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

/* Whether this malloc is the program's is found out by trying: valgrind puts its own in its place. */
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
