/* SPDX-License-Identifier: MIT */
#include "rtcp/packet.h"

int paw_rtcp_read_bye(const struct paw_rtcp_packet *packet, uint32_t *ssrcs, size_t *count) {
  *count = 0;
  if (packet->type != PAW_RTCP_BYE) {
    return PAW_ERR_INVALID;
  }
  struct paw_rd rd = packet->body;
  for (uint8_t i = 0; i < packet->count; i++) {
    ssrcs[i] = paw_rd_u32(&rd);
  }
  if (rd.bad) {
    return PAW_ERR_MALFORMED;
  }
  *count = packet->count;
  return PAW_OK;
}

void paw_rtcp_write_bye(struct paw_wr *wr, uint32_t ssrc) {
  size_t begin = paw_rtcp_packet_begin(wr, PAW_RTCP_BYE, 1);
  paw_wr_u32(wr, ssrc);
  paw_rtcp_packet_end(wr, begin);
}
