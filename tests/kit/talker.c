/* SPDX-License-Identifier: MIT */
#include "kit/talker.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

void kit_talker_stop(struct kit_talker *talker) {
  if (talker->encoder != NULL) {
    paw_encoder_free(talker->encoder);
    talker->encoder = NULL;
  }
}

void kit_talker_start(struct kit_talker *talker, uint32_t frame_frames, uint64_t now_ns) {
  kit_talker_stop(talker);
  if (frame_frames == 0) {
    return;
  }
  struct paw_encoder_config config;
  paw_encoder_config_init(&config);
  config.frame_frames = frame_frames;
  config.complexity = 0;
  assert_int_equal(paw_encoder_new(&config, &talker->encoder), PAW_OK);
  talker->frame_frames = frame_frames;
  talker->frame_ns = frame_frames * PAW_NS_PER_S / PAW_RTP_HZ;
  talker->next_ns = now_ns;
}

uint64_t kit_talker_next_ns(const struct kit_talker *talker) {
  return talker->encoder == NULL ? PAW_TIME_NEVER : talker->next_ns;
}

bool kit_talker_next(struct kit_talker *talker, uint64_t now_ns, uint8_t *data,
                     struct paw_audio_frame *frame) {
  if (kit_talker_next_ns(talker) > now_ns) {
    return false;
  }
  int16_t pcm[960];
  for (uint32_t i = 0; i < talker->frame_frames; i++) {
    talker->phase += 0.03 + 0.02 * sin((double)(talker->media_rtp + i) / 40000);
    pcm[i] = (int16_t)(8000 * sin(talker->phase));
  }
  size_t len = PAW_OPUS_PACKET_MAX;
  assert_int_equal(paw_encoder_encode(talker->encoder, pcm, data, &len), PAW_OK);
  *frame = (struct paw_audio_frame){.data = data,
                                    .len = len,
                                    .media_rtp = talker->media_rtp,
                                    .capture_ns = now_ns,
                                    .duration_rtp = talker->frame_frames,
                                    .level = PAW_AUDIO_LEVEL_NONE,
                                    .talk_spurt = talker->sent == 0};
  talker->media_rtp += talker->frame_frames;
  talker->next_ns += talker->frame_ns;
  talker->sent++;
  return true;
}

/* ---- what was sent ---- */

/* FNV-1a. */
static uint64_t hash_of(const uint8_t *data, size_t len) {
  uint64_t hash = UINT64_C(0xcbf29ce484222325);
  for (size_t i = 0; i < len; i++) {
    hash = (hash ^ data[i]) * UINT64_C(0x100000001b3);
  }
  return hash;
}

void kit_sent_add(struct kit_sent *sent, const uint8_t *payload, size_t len) {
  sent->hashes[sent->count % KIT_SENT_MAX] = hash_of(payload, len);
  sent->count++;
}

bool kit_sent_has(const struct kit_sent *sent, const uint8_t *payload, size_t len) {
  uint64_t hash = hash_of(payload, len);
  for (size_t i = 0; i < KIT_SENT_MAX && i < sent->count; i++) {
    if (sent->hashes[i] == hash) {
      return true;
    }
  }
  return false;
}
