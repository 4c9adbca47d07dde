/* SPDX-License-Identifier: MIT */
#include "rtp/rtp.h"

#define VERSION 2

/* The bytes that every packet begins with, and what is said there about the rest. */
static void read_fixed(struct paw_rd *rd, struct paw_rtp_header *header, bool *padding,
                       bool *extension) {
  const uint8_t *at = paw_rd_bytes(rd, PAW_RTP_FIXED_BYTES).data;
  *header = (struct paw_rtp_header){0};
  if (rd->bad || at[0] >> 6 != VERSION) {
    rd->bad = true;
    return;
  }
  *padding = (at[0] & 0x20) != 0;
  *extension = (at[0] & 0x10) != 0;
  header->csrc_count = at[0] & 0x0f;
  header->marker = (at[1] & 0x80) != 0;
  header->payload_type = at[1] & 0x7f;
  header->sequence = paw_get_u16(at + 2);
  header->timestamp_rtp = paw_get_u32(at + 4);
  header->ssrc = paw_get_u32(at + 8);
}

int paw_rtp_read(const uint8_t *packet, size_t len, struct paw_rtp_header *header,
                 struct paw_slice *payload) {
  struct paw_rd rd = paw_rd_init(packet, len);
  bool padding = false;
  bool extension = false;
  read_fixed(&rd, header, &padding, &extension);
  header->csrcs = paw_rd_bytes(&rd, (size_t)header->csrc_count * 4);
  if (extension) {
    header->extension_profile = paw_rd_u16(&rd);
    size_t words = paw_rd_u16(&rd);
    header->extension = paw_rd_bytes(&rd, words * 4);
  }
  if (padding) {
    paw_rd_drop_padding(&rd);
  }
  *payload = paw_rd_bytes(&rd, rd.left);
  return rd.bad ? PAW_ERR_MALFORMED : PAW_OK;
}

bool paw_rtp_peek(const uint8_t *packet, size_t len, uint32_t *ssrc, uint8_t *payload_type) {
  struct paw_rd rd = paw_rd_init(packet, len);
  struct paw_rtp_header header;
  bool padding = false;
  bool extension = false;
  read_fixed(&rd, &header, &padding, &extension);
  *ssrc = header.ssrc;
  *payload_type = header.payload_type;
  return !rd.bad;
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
