/* SPDX-License-Identifier: MIT */
#include "rtp/rtp.h"

#define VERSION 2
#define FIXED_BYTES 12 /* what every packet begins with */

static void read_first_word(struct paw_rd *rd, struct paw_rtp_header *header, bool *padding,
                            bool *extension) {
  uint8_t first = paw_rd_u8(rd);
  uint8_t second = paw_rd_u8(rd);
  rd->bad = rd->bad || first >> 6 != VERSION;
  *padding = (first & 0x20) != 0;
  *extension = (first & 0x10) != 0;
  header->csrc_count = first & 0x0f;
  header->marker = (second & 0x80) != 0;
  header->payload_type = second & 0x7f;
  header->sequence = paw_rd_u16(rd);
}

int paw_rtp_read(const uint8_t *packet, size_t len, struct paw_rtp_header *header,
                 struct paw_slice *payload) {
  struct paw_rd rd = paw_rd_init(packet, len);
  bool padding = false;
  bool extension = false;
  *header = (struct paw_rtp_header){0};
  read_first_word(&rd, header, &padding, &extension);
  header->timestamp_rtp = paw_rd_u32(&rd);
  header->ssrc = paw_rd_u32(&rd);
  for (uint8_t i = 0; i < header->csrc_count; i++) {
    header->csrcs[i] = paw_rd_u32(&rd);
  }
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
  struct paw_rtp_header header = {0};
  bool padding = false;
  bool extension = false;
  read_first_word(&rd, &header, &padding, &extension);
  paw_rd_skip(&rd, 4);
  *ssrc = paw_rd_u32(&rd);
  *payload_type = header.payload_type;
  return !rd.bad;
}

void paw_rtp_write_header(struct paw_wr *wr, const struct paw_rtp_header *header, bool extension) {
  wr->bad = wr->bad || header->payload_type > 127;
  uint8_t *at = paw_wr_claim(wr, FIXED_BYTES);
  if (at == NULL) {
    return;
  }
  at[0] = (uint8_t)((VERSION << 6) | (extension ? 0x10 : 0));
  at[1] = (uint8_t)((header->marker ? 0x80 : 0) | header->payload_type);
  paw_put_u16(at + 2, header->sequence);
  paw_put_u32(at + 4, header->timestamp_rtp);
  paw_put_u32(at + 8, header->ssrc);
}
