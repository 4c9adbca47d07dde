/* SPDX-License-Identifier: MIT */
#include "base/ring.h"

#include <string.h>

#include "base/mem.h"

/* Every record is led by its length; a record never wraps, so a gap may end the block. */
#define HEADER_BYTES 8
#define GAP UINT64_MAX

static size_t record_size(size_t len) {
  return HEADER_BYTES + ((len + 7) & ~(size_t)7);
}

/* `by` is at most the size. */
static size_t advance(const struct paw_ring *ring, size_t by) {
  size_t end = ring->head + by;
  return end < ring->size ? end : end - ring->size;
}

static uint64_t read_header(const struct paw_ring *ring, size_t offset) {
  uint64_t header;
  memcpy(&header, ring->block + offset, sizeof header);
  return header;
}

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

/* Where the head is, once a gap at the end of the block is passed over. */
static void skip_gap(struct paw_ring *ring) {
  if (ring->used > 0 && read_header(ring, ring->head) == GAP) {
    ring->used -= ring->size - ring->head;
    ring->head = 0;
  }
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
    memcpy(block + filled, ring->block + ring->head, record_size(len));
    filled += record_size(len);
    paw_ring_pop(ring);
  }
  paw_mem_free(allocator, ring->block);
  ring->block = block;
  ring->size = size;
  ring->head = 0;
  ring->used = filled;
  return true;
}

/* Find `need` contiguous bytes at the tail; may mark a gap. */
static bool find_room(struct paw_ring *ring, size_t need, size_t *offset) {
  if (need > ring->size - ring->used) {
    return false;
  }
  size_t tail = advance(ring, ring->used);
  bool wrapped = tail < ring->head; /* then all that is free lies between tail and head */
  if (wrapped || ring->size - tail >= need) {
    *offset = tail;
    return true;
  }
  size_t gap = ring->size - tail;
  if (gap > ring->size - ring->used - need) {
    return false;
  }
  write_header(ring, tail, GAP);
  ring->used += gap;
  *offset = 0;
  return true;
}

void paw_ring_reserve(struct paw_ring *ring, const struct paw_allocator *allocator, size_t size) {
  if (size <= ring->size) {
    return;
  }
  if (ring->block == NULL) {
    ring->size = size;
  } else {
    (void)grow(ring, allocator, size);
  }
}

void *paw_ring_push(struct paw_ring *ring, const struct paw_allocator *allocator, size_t len) {
  if (len > ring->max_size || record_size(len) > ring->max_size) {
    return NULL;
  }
  if (ring->block == NULL) {
    ring->block = paw_mem_alloc(allocator, ring->size);
    if (ring->block == NULL) {
      return NULL;
    }
  }
  if (ring->used == 0) {
    ring->head = 0;
  }
  size_t need = record_size(len);
  size_t offset = 0;
  while (!find_room(ring, need, &offset)) {
    if (!grow(ring, allocator, ring->size * 2)) {
      return NULL;
    }
  }
  write_header(ring, offset, len);
  ring->used += need;
  return ring->block + offset + HEADER_BYTES;
}

void *paw_ring_front(struct paw_ring *ring, size_t *len) {
  skip_gap(ring);
  if (ring->used == 0) {
    return NULL;
  }
  *len = (size_t)read_header(ring, ring->head);
  return ring->block + ring->head + HEADER_BYTES;
}

void paw_ring_pop(struct paw_ring *ring) {
  skip_gap(ring);
  if (ring->used == 0) {
    return;
  }
  size_t size = record_size((size_t)read_header(ring, ring->head));
  ring->head = advance(ring, size);
  ring->used -= size;
}
