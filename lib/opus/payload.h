/* SPDX-License-Identifier: MIT */
/* What an Opus packet says of itself without being decoded (RFC 6716 section 3). */
#ifndef PAW_OPUS_PAYLOAD_H
#define PAW_OPUS_PAYLOAD_H

#include <pawebrtc/media.h>

/* The longest packet: 120 ms (RFC 6716 section 3.2.5, R5). */
#define PAW_OPUS_DURATION_MAX_RTP 5760

/* Libopus makes and conceals nothing shorter: 2.5 ms. Durations are multiples of it. */
#define PAW_OPUS_DURATION_UNIT_RTP 120

enum paw_opus_mode { PAW_OPUS_MODE_SILK, PAW_OPUS_MODE_HYBRID, PAW_OPUS_MODE_CELT };

struct paw_opus_payload {
  enum paw_opus_mode mode;
  uint8_t channels; /* as coded, 1 or 2 */
  uint8_t frame_count;
  uint32_t frame_rtp;    /* samples per channel of each frame, at 48 kHz */
  uint32_t duration_rtp; /* of the packet: frame_count * frame_rtp */
  bool has_lbrr;         /* carries a low-bit-rate copy of the frame before it */
  bool is_dtx;           /* its frames are empty: the encoder fell silent */
};

/* Any bytes may come in. PAW_OK; PAW_ERR_MALFORMED: it breaks one of R1..R7 of RFC 6716
 * section 3.4, `out` is then not set. */
int paw_opus_payload_read(const uint8_t *data, size_t len, struct paw_opus_payload *out);

bool paw_opus_payload_has_no_sound(const uint8_t *data, size_t len);

/* Is it well formed, and are all its frames empty? Asked of every packet, so it does not take apart
 * what the first byte tells of. */
static inline bool paw_opus_payload_is_dtx(const uint8_t *data, size_t len) {
  bool one_frame = len > 0 && (data[0] & 3) == 0; /* most of them: code 0 */
  return one_frame ? len <= 2 : paw_opus_payload_has_no_sound(data, len);
}

#endif
