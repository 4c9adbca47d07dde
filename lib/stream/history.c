/* SPDX-License-Identifier: MIT */
#include "stream/history.h"

#include <string.h>

#include "base/mem.h"
#include "base/time.h"

#define CAPTURE_MARK_NS PAW_NS_PER_S

static struct paw_history_frame *slot(struct paw_history *history, uint64_t index) {
  return &history->frames[index % PAW_HISTORY_FRAMES];
}

int paw_history_new(const struct paw_allocator *allocator, struct paw_history **out) {
  struct paw_history *history = paw_mem_alloc(allocator, sizeof *history);
  if (history == NULL) {
    return PAW_ERR_NO_MEMORY;
  }
  *out = history;
  return PAW_OK;
}

static bool is_valid(const struct paw_audio_frame *frame) {
  return frame->data != NULL && frame->len > 0 && frame->len <= PAW_OPUS_PACKET_MAX &&
         frame->duration_rtp >= 120 && frame->duration_rtp <= 5760;
}

/* Payloads lie in the order of their frames, so only the oldest can be in the way. */
static void make_room(struct paw_history *history, uint32_t offset, size_t len) {
  while (history->first_index < history->next_index) {
    const struct paw_history_frame *oldest = slot(history, history->first_index);
    bool apart = oldest->offset >= offset + len || oldest->offset + oldest->len <= offset;
    if (apart) {
      return;
    }
    history->first_index++;
  }
}

static void forget_old(struct paw_history *history, uint64_t now_ns) {
  while (history->first_index < history->next_index) {
    const struct paw_history_frame *oldest = slot(history, history->first_index);
    bool full = history->next_index - history->first_index == PAW_HISTORY_FRAMES;
    if (!full && paw_time_elapsed(now_ns, oldest->pushed_ns) <= PAW_HISTORY_NS) {
      return;
    }
    history->first_index++;
  }
}

int paw_history_push(struct paw_history *history, uint64_t now_ns,
                     const struct paw_audio_frame *frame) {
  if (!is_valid(frame)) {
    return PAW_ERR_INVALID;
  }
  forget_old(history, now_ns);
  if (history->head + frame->len > PAW_HISTORY_BYTES) {
    make_room(history, history->head, PAW_HISTORY_BYTES - history->head);
    history->head = 0;
  }
  make_room(history, history->head, frame->len);

  bool mark = history->next_index == 0 ||
              paw_time_elapsed(now_ns, history->last_mark_ns) >= CAPTURE_MARK_NS;
  if (mark) {
    history->last_mark_ns = now_ns;
  }
  *slot(history, history->next_index) = (struct paw_history_frame){
      .media_rtp = frame->media_rtp,
      .capture_ns = frame->capture_ns,
      .pushed_ns = now_ns,
      .offset = history->head,
      .len = (uint16_t)frame->len,
      .duration_rtp = (uint16_t)frame->duration_rtp,
      .level = frame->level,
      .voice = frame->voice,
      .talk_spurt = frame->talk_spurt,
      .capture_mark = mark,
      .is_plain = frame->level <= 127 && !frame->talk_spurt && !mark,
  };
  memcpy(history->bytes + history->head, frame->data, frame->len);
  history->head += (uint32_t)frame->len;
  history->next_index++;
  return PAW_OK;
}
