/* SPDX-License-Identifier: MIT */
/* The last half second of a programme's frames, in plaintext, kept once for all its receivers:
 * every receiver sends from it, and answers NACKs from it. */
#ifndef PAW_STREAM_HISTORY_H
#define PAW_STREAM_HISTORY_H

#include <pawebrtc/media.h>

#include "base/limits.h"

struct paw_history_frame {
  uint64_t media_rtp;
  uint64_t capture_ns;
  uint64_t pushed_ns;
  uint32_t offset; /* of the payload, into bytes */
  uint16_t len;
  uint16_t duration_rtp;
  uint8_t level;
  bool voice;
  bool talk_spurt;
  bool capture_mark; /* about once a second: receivers are told the capture time */
  bool is_plain;     /* has a level, begins no talk spurt, and is not marked */
};

/* Frames have indices that count up from 0 and are never used again. */
struct paw_history {
  uint64_t first_index; /* oldest that is kept */
  uint64_t next_index;  /* of the frame that comes next */
  uint64_t last_mark_ns;
  uint32_t head; /* where in bytes the next payload goes */
  struct paw_history_frame frames[PAW_HISTORY_FRAMES];
  uint8_t bytes[PAW_HISTORY_BYTES];
};

int paw_history_new(const struct paw_allocator *allocator, struct paw_history **out);

/* PAW_OK; PAW_ERR_INVALID: no data, longer than PAW_OPUS_PACKET_MAX, or a bad duration. */
int paw_history_push(struct paw_history *history, uint64_t now_ns,
                     const struct paw_audio_frame *frame);

/* NULL when it is no longer, or not yet, there. */
static inline const struct paw_history_frame *paw_history_get(const struct paw_history *history,
                                                              uint64_t index) {
  if (index < history->first_index || index >= history->next_index) {
    return NULL;
  }
  return &history->frames[index % PAW_HISTORY_FRAMES];
}

static inline const uint8_t *paw_history_payload(const struct paw_history *history,
                                                 const struct paw_history_frame *frame) {
  return history->bytes + frame->offset;
}

#endif
