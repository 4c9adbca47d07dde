/* SPDX-License-Identifier: MIT */
#include "rtcp/packet.h"

#define VERSION 2
#define COUNT_MAX 31
#define WORD 4

bool paw_rtcp_next(struct paw_rd *compound, struct paw_rtcp_packet *packet) {
  if (compound->bad || compound->left == 0) {
    return false;
  }
  uint8_t first = paw_rd_u8(compound);
  packet->count = first & COUNT_MAX;
  packet->type = paw_rd_u8(compound);
  size_t words = paw_rd_u16(compound);
  packet->body = paw_rd_sub(compound, words * WORD);
  if (first >> 6 != VERSION) {
    packet->body.bad = true;
  }
  /* RFC 3550 section 6.4.1: the padding is a multiple of four. */
  if ((first & 0x20) != 0 && paw_rd_drop_padding(&packet->body) % WORD != 0) {
    packet->body.bad = true;
  }
  compound->bad = compound->bad || packet->body.bad;
  return !compound->bad;
}

size_t paw_rtcp_packet_begin(struct paw_wr *wr, enum paw_rtcp_type type, size_t count) {
  size_t begin = wr->len;
  wr->bad = wr->bad || count > COUNT_MAX;
  paw_wr_u8(wr, (uint8_t)((VERSION << 6) | (count & COUNT_MAX)));
  paw_wr_u8(wr, (uint8_t)type);
  paw_wr_u16(wr, 0);
  return begin;
}

void paw_rtcp_packet_end(struct paw_wr *wr, size_t begin) {
  if (wr->bad) {
    return;
  }
  size_t words = (wr->len - begin) / WORD - 1;
  wr->bad = words > UINT16_MAX;
  paw_wr_patch_u16(wr, begin + 2, (uint16_t)words);
}
