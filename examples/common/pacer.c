/* SPDX-License-Identifier: MIT */
#include "pacer.h"

/* Split in whole seconds and the rest, so that nothing overflows and nothing accumulates. */
static uint64_t samples_to_ns(uint64_t samples) {
  return samples / PAW_RTP_HZ * PAW_NS_PER_S + samples % PAW_RTP_HZ * PAW_NS_PER_S / PAW_RTP_HZ;
}

void pacer_init(struct pacer *pacer, uint32_t frame_frames, uint64_t start_ns) {
  *pacer = (struct pacer){.start_ns = start_ns, .frame_frames = frame_frames};
}

uint64_t pacer_media_rtp(const struct pacer *pacer) {
  return pacer->index * pacer->frame_frames;
}

uint64_t pacer_due_ns(const struct pacer *pacer) {
  return pacer->start_ns + samples_to_ns(pacer_media_rtp(pacer));
}

void pacer_advance(struct pacer *pacer) {
  pacer->index++;
}

uint64_t pacer_catch_up(struct pacer *pacer, uint64_t now_ns) {
  uint64_t due_ns = pacer_due_ns(pacer);
  if (now_ns <= due_ns + PACER_BEHIND_MAX_NS) {
    return 0;
  }
  uint64_t skip = (now_ns - due_ns) / samples_to_ns(pacer->frame_frames);
  pacer->index += skip;
  pacer->skipped += skip;
  return skip;
}
