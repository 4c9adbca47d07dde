/* SPDX-License-Identifier: MIT */
#include "rtcp/packet.h"

#define BLOCK_RRTR 4
#define BLOCK_DLRR 5

static void read_rrtr(struct paw_rd *block, struct paw_rtcp_xr *out) {
  out->reference_ntp = paw_rd_u64(block);
  out->has_reference_time = paw_rd_end(block);
}

static void read_dlrr(struct paw_rd *block, uint32_t own_ssrc, struct paw_rtcp_xr *out) {
  while (block->left > 0 && !block->bad) {
    uint32_t ssrc = paw_rd_u32(block);
    uint32_t last_rr = paw_rd_u32(block);
    uint32_t delay = paw_rd_u32(block);
    if (ssrc == own_ssrc && !block->bad) {
      out->has_dlrr = true;
      out->last_rr = last_rr;
      out->delay_since_last_rr = delay;
    }
  }
}

/* False when the block does not have the length that its type has. */
static bool read_block(struct paw_rd *rd, uint32_t own_ssrc, struct paw_rtcp_xr *out) {
  uint8_t type = paw_rd_u8(rd);
  paw_rd_skip(rd, 1); /* reserved, or the type's own */
  size_t words = paw_rd_u16(rd);
  struct paw_rd block = paw_rd_sub(rd, words * 4);
  if (block.bad) {
    return false;
  }
  if (type == BLOCK_RRTR) {
    read_rrtr(&block, out);
    return paw_rd_end(&block);
  }
  if (type == BLOCK_DLRR) {
    read_dlrr(&block, own_ssrc, out);
    return paw_rd_end(&block);
  }
  return true;
}

int paw_rtcp_read_xr(const struct paw_rtcp_packet *packet, uint32_t own_ssrc,
                     struct paw_rtcp_xr *out) {
  *out = (struct paw_rtcp_xr){0};
  if (packet->type != PAW_RTCP_XR) {
    return PAW_ERR_INVALID;
  }
  struct paw_rd rd = packet->body;
  out->ssrc = paw_rd_u32(&rd);
  bool good = !rd.bad;
  while (good && rd.left > 0) {
    good = read_block(&rd, own_ssrc, out);
  }
  return good ? PAW_OK : PAW_ERR_MALFORMED;
}

void paw_rtcp_write_rrtr(struct paw_wr *wr, uint32_t ssrc, uint64_t ntp) {
  size_t begin = paw_rtcp_packet_begin(wr, PAW_RTCP_XR, 0);
  paw_wr_u32(wr, ssrc);
  paw_wr_u8(wr, BLOCK_RRTR);
  paw_wr_u8(wr, 0);
  paw_wr_u16(wr, 2);
  paw_wr_u64(wr, ntp);
  paw_rtcp_packet_end(wr, begin);
}

void paw_rtcp_write_dlrr(struct paw_wr *wr, uint32_t ssrc, uint32_t receiver_ssrc, uint32_t last_rr,
                         uint32_t delay_since_last_rr) {
  size_t begin = paw_rtcp_packet_begin(wr, PAW_RTCP_XR, 0);
  paw_wr_u32(wr, ssrc);
  paw_wr_u8(wr, BLOCK_DLRR);
  paw_wr_u8(wr, 0);
  paw_wr_u16(wr, 3);
  paw_wr_u32(wr, receiver_ssrc);
  paw_wr_u32(wr, last_rr);
  paw_wr_u32(wr, delay_since_last_rr);
  paw_rtcp_packet_end(wr, begin);
}
