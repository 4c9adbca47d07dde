/* SPDX-License-Identifier: MIT */
/* A queue of records of any length in one block of memory, first in first out. It grows by doubling
 * up to a bound, so that in the steady state, where it is drained, nothing is allocated. */
#ifndef PAW_BASE_RING_H
#define PAW_BASE_RING_H

#include <pawebrtc/base.h>

struct paw_ring {
  uint8_t *block;
  size_t size;     /* of block */
  size_t max_size; /* never grows past this */
  size_t head;     /* offset of the oldest record */
  size_t used;     /* bytes from head, headers and the gap at the end of the block included */
};

/* Nothing is allocated before the first push. `max_size` is a power of two times `initial_size`,
 * both multiples of 8. */
void paw_ring_init(struct paw_ring *ring, size_t initial_size, size_t max_size);

/* Grow to `size` at once, a power of two times the initial size and within the bound, so that what
 * is to come allocates nothing. Without memory the ring stays as it is. */
void paw_ring_reserve(struct paw_ring *ring, const struct paw_allocator *allocator, size_t size);

/* Give the memory back; the ring is empty, and a later push makes a new block. */
void paw_ring_wipe(struct paw_ring *ring, const struct paw_allocator *allocator);

/* Append a record and return its place for the caller to fill, aligned to 8 bytes; NULL when the
 * bound is reached or there is no memory. Moves earlier records when it grows. */
void *paw_ring_push(struct paw_ring *ring, const struct paw_allocator *allocator, size_t len);

/* The oldest record, or NULL. */
void *paw_ring_front(struct paw_ring *ring, size_t *len);
void paw_ring_pop(struct paw_ring *ring);

static inline bool paw_ring_is_empty(const struct paw_ring *ring) {
  return ring->used == 0;
}

#endif
