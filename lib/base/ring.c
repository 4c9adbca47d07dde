/* SPDX-License-Identifier: MIT */
#include "base/ring.h"

#include <string.h>

#include "base/mem.h"

#define GAP UINT64_MAX /* instead of a length: nothing more up to the end of the block */

static void write_header(struct paw_ring *ring, size_t offset, uint64_t header) {
  memcpy(ring->block + offset, &header, sizeof header);
}

void paw_ring_init(struct paw_ring *ring, size_t initial_size, size_t max_size) {
  *ring = (struct paw_ring){.size = initial_size, .max_size = max_size};
}

void paw_ring_wipe(struct paw_ring *ring, const struct paw_allocator *allocator) {
  paw_mem_free(allocator, ring->block);
  ring->block = NULL;
  ring->head = 0;
  ring->used = 0;
}

/* Lay all records in order at the start of a larger block. */
static bool grow(struct paw_ring *ring, const struct paw_allocator *allocator, size_t size) {
  if (size > ring->max_size) {
    return false;
  }
  uint8_t *block = paw_mem_alloc(allocator, size);
  if (block == NULL) {
    return false;
  }
  size_t filled = 0;
  while (!paw_ring_is_empty(ring)) {
    size_t len = 0;
    (void)paw_ring_front(ring, &len);
    memcpy(block + filled, ring->block + ring->head, paw_ring_record_bytes(len));
    filled += paw_ring_record_bytes(len);
    paw_ring_pop(ring);
  }
  paw_mem_free(allocator, ring->block);
  ring->block = block;
  ring->size = size;
  ring->head = 0;
  ring->used = filled;
  return true;
}

/* Where the record after the last would go, and the gap before it; false when there is no room. */
static bool find_room(const struct paw_ring *ring, size_t need, size_t *offset, size_t *gap) {
  if (need > ring->size - ring->used) {
    return false;
  }
  size_t tail = ring->head + ring->used;
  bool wrapped = tail >= ring->size; /* then all that is free lies between tail and head */
  bool fits = wrapped || ring->size - tail >= need;
  *gap = fits ? 0 : ring->size - tail;
  *offset = !fits ? 0 : wrapped ? tail - ring->size : tail;
  return *gap <= ring->size - ring->used - need;
}

void paw_ring_widen(struct paw_ring *ring, const struct paw_allocator *allocator, size_t size) {
  if (size <= ring->size) {
    return;
  }
  if (ring->block == NULL) {
    ring->size = size;
  } else {
    (void)grow(ring, allocator, size);
  }
}

void *paw_ring_find_place(struct paw_ring *ring, size_t len) {
  size_t offset = 0;
  size_t gap = 0;
  bool fits = ring->block != NULL && len <= ring->size &&
              find_room(ring, paw_ring_record_bytes(len), &offset, &gap);
  return fits ? ring->block + offset + PAW_RING_HEADER_BYTES : NULL;
}

void paw_ring_append(struct paw_ring *ring, size_t len) {
  size_t need = paw_ring_record_bytes(len);
  size_t offset = 0;
  size_t gap = 0;
  (void)find_room(ring, need, &offset, &gap);
  if (gap > 0) {
    write_header(ring, ring->size - gap, GAP);
  }
  write_header(ring, offset, len);
  ring->used += gap + need;
}

void *paw_ring_push(struct paw_ring *ring, const struct paw_allocator *allocator, size_t len) {
  if (len > ring->max_size || paw_ring_record_bytes(len) > ring->max_size) {
    return NULL;
  }
  if (ring->block == NULL) {
    ring->block = paw_mem_alloc(allocator, ring->size);
    if (ring->block == NULL) {
      return NULL;
    }
  }
  void *record = paw_ring_reserve(ring, len);
  while (record == NULL) {
    if (!grow(ring, allocator, ring->size * 2)) {
      return NULL;
    }
    record = paw_ring_reserve(ring, len);
  }
  paw_ring_commit(ring, len);
  return record;
}

/* An empty ring begins at the start of its block, and no gap stays in front. */
void paw_ring_pop(struct paw_ring *ring) {
  size_t len = 0;
  if (paw_ring_front(ring, &len) == NULL) {
    return;
  }
  size_t size = paw_ring_record_bytes(len);
  ring->used -= size;
  ring->head = ring->used == 0 || ring->head + size == ring->size ? 0 : ring->head + size;
  if (ring->used > 0 && paw_ring_header(ring) == GAP) {
    ring->used -= ring->size - ring->head;
    ring->head = 0;
  }
}
