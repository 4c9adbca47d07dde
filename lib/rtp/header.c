/* SPDX-License-Identifier: MIT */
#include "rtp/rtp.h"

bool paw_rtp_peek(const uint8_t *packet, size_t len, uint32_t *ssrc, uint8_t *payload_type) {
  struct paw_rtp_header header;
  bool good = paw_rtp_read_fixed(packet, len, &header);
  *ssrc = header.ssrc;
  *payload_type = header.payload_type;
  return good;
}

void paw_rtp_write_header(struct paw_wr *wr, const struct paw_rtp_header *header, bool extension) {
  wr->bad = wr->bad || header->payload_type > 127;
  uint8_t *at = paw_wr_claim(wr, PAW_RTP_FIXED_BYTES);
  if (at == NULL) {
    return;
  }
  at[0] = (uint8_t)((PAW_RTP_VERSION << 6) | (extension ? 0x10 : 0));
  at[1] = (uint8_t)((header->marker ? 0x80 : 0) | header->payload_type);
  paw_put_u16(at + 2, header->sequence);
  paw_put_u32(at + 4, header->timestamp_rtp);
  paw_put_u32(at + 8, header->ssrc);
}
