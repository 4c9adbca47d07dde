/* SPDX-License-Identifier: MIT */
/* A source of real Opus frames at their times, and a memory of what was sent. */
#ifndef KIT_TALKER_H
#define KIT_TALKER_H

#include <pawebrtc/encoder.h>

/* Each frame is encoded from its own piece of a sweep: the same one again and again would not show
 * a mix-up. */
struct kit_talker {
  struct paw_encoder *encoder; /* NULL: does not talk */
  uint64_t frame_ns;
  uint32_t frame_frames;
  uint64_t next_ns;
  uint64_t media_rtp;
  uint64_t sent;
  double phase;
};

/* Talk from now on with frames of this length: 120, 240, 480 or 960 samples; 0 stops. */
void kit_talker_start(struct kit_talker *talker, uint32_t frame_frames, uint64_t now_ns);
void kit_talker_stop(struct kit_talker *talker);

/* When the next frame is due; PAW_TIME_NEVER when it does not talk. */
uint64_t kit_talker_next_ns(const struct kit_talker *talker);

/* Encode the next frame; false when it is not time. `data` has room for PAW_OPUS_PACKET_MAX. */
bool kit_talker_next(struct kit_talker *talker, uint64_t now_ns, uint8_t *data,
                     struct paw_audio_frame *frame);

/* The newest frames that were sent are known again by their hashes. */
#define KIT_SENT_MAX 256

struct kit_sent {
  size_t count; /* ever */
  uint64_t hashes[KIT_SENT_MAX];
};

void kit_sent_add(struct kit_sent *sent, const uint8_t *payload, size_t len);
bool kit_sent_has(const struct kit_sent *sent, const uint8_t *payload, size_t len);

#endif
