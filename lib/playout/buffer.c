/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/mem.h"
#include "playout/playout.h"

int paw_playout_buffer_init(struct paw_playout_buffer *buffer,
                            const struct paw_allocator *allocator, size_t capacity) {
  *buffer = (struct paw_playout_buffer){
      .frames = paw_mem_alloc(allocator, capacity * sizeof *buffer->frames),
      .order = paw_mem_alloc(allocator, capacity * sizeof *buffer->order),
      .capacity = capacity,
  };
  if (buffer->frames == NULL || buffer->order == NULL) {
    paw_playout_buffer_wipe(buffer, allocator);
    return PAW_ERR_NO_MEMORY;
  }
  for (size_t i = 0; i < capacity; i++) {
    buffer->order[i] = (uint16_t)i;
  }
  return PAW_OK;
}

void paw_playout_buffer_wipe(struct paw_playout_buffer *buffer,
                             const struct paw_allocator *allocator) {
  paw_mem_free(allocator, buffer->frames);
  paw_mem_free(allocator, buffer->order);
  *buffer = (struct paw_playout_buffer){0};
}

static struct paw_playout_frame *get_frame(struct paw_playout_buffer *buffer, size_t place) {
  return &buffer->frames[buffer->order[place]];
}

/* How many frames begin before this media time. Packets mostly come in order: search from the
 * end. */
static size_t count_before(struct paw_playout_buffer *buffer, uint64_t media_rtp) {
  size_t place = buffer->count;
  while (place > 0 && get_frame(buffer, place - 1)->media_rtp >= media_rtp) {
    place--;
  }
  return place;
}

struct paw_playout_frame *paw_playout_buffer_at(struct paw_playout_buffer *buffer, size_t place) {
  return place < buffer->count ? get_frame(buffer, place) : NULL;
}

struct paw_playout_frame *paw_playout_buffer_find(struct paw_playout_buffer *buffer,
                                                  uint64_t media_rtp) {
  struct paw_playout_frame *frame = paw_playout_buffer_at(buffer, count_before(buffer, media_rtp));
  return frame != NULL && frame->media_rtp == media_rtp ? frame : NULL;
}

struct paw_playout_frame *paw_playout_buffer_insert(struct paw_playout_buffer *buffer,
                                                    uint64_t media_rtp) {
  size_t place = count_before(buffer, media_rtp);
  uint16_t index = buffer->order[buffer->count];
  memmove(&buffer->order[place + 1], &buffer->order[place],
          (buffer->count - place) * sizeof buffer->order[0]);
  buffer->order[place] = index;
  buffer->count++;
  buffer->kept += place < buffer->kept;
  struct paw_playout_frame *frame = &buffer->frames[index];
  frame->media_rtp = media_rtp;
  return frame;
}

struct paw_playout_frame *paw_playout_buffer_front(struct paw_playout_buffer *buffer) {
  return paw_playout_buffer_at(buffer, buffer->kept);
}

struct paw_playout_frame *paw_playout_buffer_back(struct paw_playout_buffer *buffer) {
  return buffer->count > buffer->kept ? get_frame(buffer, buffer->count - 1) : NULL;
}

/* The place that becomes free is the first to be used again: few of them are ever touched. */
static void take_out(struct paw_playout_buffer *buffer, size_t place) {
  uint16_t index = buffer->order[place];
  buffer->count--;
  memmove(&buffer->order[place], &buffer->order[place + 1],
          (buffer->count - place) * sizeof buffer->order[0]);
  buffer->order[buffer->count] = index;
}

void paw_playout_buffer_pop(struct paw_playout_buffer *buffer) {
  take_out(buffer, buffer->kept);
}

void paw_playout_buffer_keep_before(struct paw_playout_buffer *buffer, uint64_t media_rtp) {
  buffer->kept = count_before(buffer, media_rtp);
}

void paw_playout_buffer_release(struct paw_playout_buffer *buffer, size_t count) {
  for (size_t i = 0; i < count; i++) {
    take_out(buffer, 0);
  }
  buffer->kept -= count;
}
