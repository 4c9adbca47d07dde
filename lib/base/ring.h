/* SPDX-License-Identifier: MIT */
/* A queue of records of any length in one block of memory, first in first out. It grows by doubling
 * up to a bound, so that in the steady state, where it is drained, nothing is allocated. */
#ifndef PAW_BASE_RING_H
#define PAW_BASE_RING_H

#include <pawebrtc/base.h>

#include <string.h>

/* Every record is led by its length. It never wraps, so a gap may end the block. */
#define PAW_RING_HEADER_BYTES 8

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
void paw_ring_widen(struct paw_ring *ring, const struct paw_allocator *allocator, size_t size);

/* Give the memory back; the ring is empty, and a later push makes a new block. */
void paw_ring_wipe(struct paw_ring *ring, const struct paw_allocator *allocator);

/* Append a record and return its place for the caller to fill, aligned to 8 bytes; NULL when the
 * bound is reached or there is no memory. Moves earlier records when it grows. */
void *paw_ring_push(struct paw_ring *ring, const struct paw_allocator *allocator, size_t len);

void paw_ring_pop(struct paw_ring *ring);

static inline bool paw_ring_is_empty(const struct paw_ring *ring) {
  return ring->used == 0;
}

/* What stands before the oldest record of a ring that is not empty. */
static inline uint64_t paw_ring_header(const struct paw_ring *ring) {
  uint64_t header;
  memcpy(&header, ring->block + ring->head, sizeof header);
  return header;
}

/* The oldest record, or NULL. */
static inline void *paw_ring_front(const struct paw_ring *ring, size_t *len) {
  if (paw_ring_is_empty(ring)) {
    return NULL;
  }
  *len = (size_t)paw_ring_header(ring);
  return ring->block + ring->head + PAW_RING_HEADER_BYTES;
}

/* What a record takes up. */
static inline size_t paw_ring_record_bytes(size_t len) {
  return PAW_RING_HEADER_BYTES + ((len + 7) & ~(size_t)7);
}

/* The two steps below where the ring is not empty. */
void *paw_ring_find_place(struct paw_ring *ring, size_t len);
void paw_ring_append(struct paw_ring *ring, size_t len);

/* paw_ring_push in two steps, where the block has room as it is: the place, or NULL; and, once it
 * is filled, the record. In between nothing may happen to the ring; without the second step nothing
 * was appended. Where it is empty, as nearly always, a record goes to the start of the block. */
static inline void *paw_ring_reserve(struct paw_ring *ring, size_t len) {
  bool is_fresh =
      ring->used == 0 && ring->block != NULL && len <= ring->size - PAW_RING_HEADER_BYTES;
  return is_fresh ? ring->block + PAW_RING_HEADER_BYTES : paw_ring_find_place(ring, len);
}

static inline void paw_ring_commit(struct paw_ring *ring, size_t len) {
  if (ring->used > 0) {
    paw_ring_append(ring, len);
    return;
  }
  uint64_t header = len;
  memcpy(ring->block, &header, sizeof header);
  ring->used = paw_ring_record_bytes(len);
}

#endif
