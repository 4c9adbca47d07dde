/* SPDX-License-Identifier: MIT */
#include "rtp/rtp.h"

#define VERSION 2

/* The bytes that every packet begins with; the first of them says what follows. False: there are
 * fewer, or it is not of version 2. */
static inline bool read_fixed(const uint8_t *at, size_t len, struct paw_rtp_header *header) {
  if (len < PAW_RTP_FIXED_BYTES || at[0] >> 6 != VERSION) {
    *header = (struct paw_rtp_header){0};
    return false;
  }
  *header = (struct paw_rtp_header){
      .marker = (at[1] & 0x80) != 0,
      .payload_type = at[1] & 0x7f,
      .sequence = paw_get_u16(at + 2),
      .timestamp_rtp = paw_get_u32(at + 4),
      .ssrc = paw_get_u32(at + 8),
      .csrc_count = at[0] & 0x0f,
  };
  return true;
}

int paw_rtp_read(const uint8_t *packet, size_t len, struct paw_rtp_header *header,
                 struct paw_slice *payload) {
  struct paw_rd rd = paw_rd_init(packet, len);
  *payload = (struct paw_slice){0};
  if (!read_fixed(packet, len, header)) {
    return PAW_ERR_MALFORMED;
  }
  paw_rd_skip(&rd, PAW_RTP_FIXED_BYTES);
  if (header->csrc_count > 0) {
    header->csrcs = paw_rd_bytes(&rd, (size_t)header->csrc_count * 4);
  }
  if ((packet[0] & 0x10) != 0) {
    uint32_t word = paw_rd_u32(&rd);
    header->extension_profile = (uint16_t)(word >> 16);
    header->extension = paw_rd_bytes(&rd, (size_t)(word & 0xffff) * 4);
  }
  if ((packet[0] & 0x20) != 0) {
    paw_rd_drop_padding(&rd);
  }
  *payload = (struct paw_slice){.data = rd.next, .len = rd.bad ? 0 : rd.left};
  return rd.bad ? PAW_ERR_MALFORMED : PAW_OK;
}

bool paw_rtp_peek(const uint8_t *packet, size_t len, uint32_t *ssrc, uint8_t *payload_type) {
  struct paw_rtp_header header;
  bool good = read_fixed(packet, len, &header);
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
  at[0] = (uint8_t)((VERSION << 6) | (extension ? 0x10 : 0));
  at[1] = (uint8_t)((header->marker ? 0x80 : 0) | header->payload_type);
  paw_put_u16(at + 2, header->sequence);
  paw_put_u32(at + 4, header->timestamp_rtp);
  paw_put_u32(at + 8, header->ssrc);
}
