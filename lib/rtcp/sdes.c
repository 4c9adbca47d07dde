/* SPDX-License-Identifier: MIT */
#include "rtcp/packet.h"

#define ITEM_END 0
#define ITEM_CNAME 1
#define ITEM_LENGTH_MAX 255

/* One chunk (RFC 3550 section 6.5): SSRC, items, an end, zeros up to the next word. */
static bool read_chunk(struct paw_rd *rd, uint32_t *ssrc, struct paw_slice *cname) {
  bool found = false;
  *ssrc = paw_rd_u32(rd);
  for (uint8_t item = paw_rd_u8(rd); item != ITEM_END; item = paw_rd_u8(rd)) {
    size_t len = paw_rd_u8(rd);
    struct paw_slice value = paw_rd_bytes(rd, len);
    if (item == ITEM_CNAME && !found) {
      *cname = value;
      found = true;
    }
  }
  paw_rd_skip(rd, rd->left % 4);
  return found;
}

int paw_rtcp_read_sdes(const struct paw_rtcp_packet *packet, uint32_t *ssrc,
                       struct paw_slice *cname) {
  *ssrc = 0;
  *cname = (struct paw_slice){0};
  if (packet->type != PAW_RTCP_SDES) {
    return PAW_ERR_INVALID;
  }
  struct paw_rd rd = packet->body;
  bool found = false;
  for (uint8_t i = 0; i < packet->count && !rd.bad; i++) {
    uint32_t chunk_ssrc = 0;
    struct paw_slice chunk_cname = {0};
    if (read_chunk(&rd, &chunk_ssrc, &chunk_cname) && !found) {
      *ssrc = chunk_ssrc;
      *cname = chunk_cname;
      found = true;
    }
  }
  return rd.bad ? PAW_ERR_MALFORMED : PAW_OK;
}

void paw_rtcp_write_sdes(struct paw_wr *wr, uint32_t ssrc, const char *cname) {
  size_t len = strlen(cname);
  wr->bad = wr->bad || len > ITEM_LENGTH_MAX;
  size_t begin = paw_rtcp_packet_begin(wr, PAW_RTCP_SDES, 1);
  paw_wr_u32(wr, ssrc);
  paw_wr_u8(wr, ITEM_CNAME);
  paw_wr_u8(wr, (uint8_t)len);
  paw_wr_bytes(wr, cname, len);
  paw_wr_zeros(wr, 4 - (len + 2) % 4); /* at least one: the end of the items */
  paw_rtcp_packet_end(wr, begin);
}
