/* SPDX-License-Identifier: MIT */
#include "opus/payload.h"

#include <opus.h>

#include "base/limits.h"
#include "base/rd.h"

/* R5 of RFC 6716 section 3.4: 120 ms of 2.5 ms frames. */
#define FRAMES_MAX 48

/* A TOC byte's configuration number (RFC 6716 table 2). */
static enum paw_opus_mode config_mode(unsigned config) {
  if (config < 12) {
    return PAW_OPUS_MODE_SILK;
  }
  return config < 16 ? PAW_OPUS_MODE_HYBRID : PAW_OPUS_MODE_CELT;
}

static uint32_t config_frame_rtp(unsigned config) {
  static const uint16_t silk[4] = {480, 960, 1920, 2880};
  switch (config_mode(config)) {
  case PAW_OPUS_MODE_SILK:
    return silk[config & 3];
  case PAW_OPUS_MODE_HYBRID:
    return silk[config & 1];
  case PAW_OPUS_MODE_CELT:
    break;
  }
  return (uint32_t)PAW_OPUS_DURATION_UNIT_RTP << (config & 3);
}

/* RFC 6716 section 4.2.3: a SILK frame begins with one VAD bit for each 20 ms and an LBRR bit, for
 * the mid channel and then for the side channel, all of them even odds and so plain bits. */
static bool first_frame_has_lbrr(const struct paw_opus_payload *payload, struct paw_slice frame) {
  if (payload->mode == PAW_OPUS_MODE_CELT || frame.len == 0) {
    return false;
  }
  unsigned vad_bits = payload->frame_rtp > 960 ? payload->frame_rtp / 960 : 1;
  unsigned mid = (frame.data[0] >> (7 - vad_bits)) & 1U;
  unsigned side = payload->channels == 2 ? (frame.data[0] >> (6 - 2 * vad_bits)) & 1U : 0;
  return mid != 0 || side != 0;
}

int paw_opus_payload_read(const uint8_t *data, size_t len, struct paw_opus_payload *out) {
  const unsigned char *frames[FRAMES_MAX];
  opus_int16 sizes[FRAMES_MAX];
  unsigned char toc = 0;
  if (len == 0 || len > PAW_DATAGRAM_MAX) {
    return PAW_ERR_MALFORMED;
  }
  int count = opus_packet_parse(data, (opus_int32)len, &toc, frames, sizes, NULL);
  if (count <= 0) {
    return PAW_ERR_MALFORMED;
  }
  unsigned config = toc >> 3;
  *out = (struct paw_opus_payload){
      .mode = config_mode(config),
      .channels = (toc & 4U) != 0 ? 2 : 1,
      .frame_count = (uint8_t)count,
      .frame_rtp = config_frame_rtp(config),
      .is_dtx = true,
  };
  out->duration_rtp = out->frame_count * out->frame_rtp;
  for (int i = 0; i < count; i++) {
    out->is_dtx = out->is_dtx && sizes[i] <= 1;
  }
  out->has_lbrr =
      first_frame_has_lbrr(out, (struct paw_slice){.data = frames[0], .len = (size_t)sizes[0]});
  return PAW_OK;
}

bool paw_opus_payload_has_no_sound(const uint8_t *data, size_t len) {
  struct paw_opus_payload payload;
  return paw_opus_payload_read(data, len, &payload) == PAW_OK && payload.is_dtx;
}
