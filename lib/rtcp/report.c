/* SPDX-License-Identifier: MIT */
#include "rtcp/packet.h"

#define LOST_MAX 0x7fffff
#define LOST_MIN (-0x800000)

/* ---- reading ---- */

static int32_t lost_from_wire(uint32_t bits24) {
  return bits24 > LOST_MAX ? (int32_t)bits24 - 0x1000000 : (int32_t)bits24;
}

static void read_block(struct paw_rd *rd, struct paw_rtcp_report_block *block) {
  block->ssrc = paw_rd_u32(rd);
  block->fraction_lost = paw_rd_u8(rd);
  block->cumulative_lost = lost_from_wire(paw_rd_u24(rd));
  block->highest_sequence = paw_rd_u32(rd);
  block->jitter_rtp = paw_rd_u32(rd);
  block->last_sr = paw_rd_u32(rd);
  block->delay_since_last_sr = paw_rd_u32(rd);
}

int paw_rtcp_read_report(const struct paw_rtcp_packet *packet, struct paw_rtcp_report *out) {
  if (packet->type != PAW_RTCP_SR && packet->type != PAW_RTCP_RR) {
    return PAW_ERR_INVALID;
  }
  struct paw_rd rd = packet->body;
  *out = (struct paw_rtcp_report){.ssrc = paw_rd_u32(&rd), .block_count = packet->count};
  if (packet->type == PAW_RTCP_SR) {
    out->sender.ntp = paw_rd_u64(&rd);
    out->sender.timestamp_rtp = paw_rd_u32(&rd);
    out->sender.packets = paw_rd_u32(&rd);
    out->sender.octets = paw_rd_u32(&rd);
  }
  for (size_t i = 0; i < out->block_count; i++) {
    read_block(&rd, &out->blocks[i]);
  }
  return rd.bad ? PAW_ERR_MALFORMED : PAW_OK;
}

/* ---- writing ---- */

/* RFC 3550 section 6.4.1: a count of lost packets beyond 24 bits stays at its limit. */
static uint32_t lost_to_wire(int32_t lost) {
  int32_t clamped = lost > LOST_MAX ? LOST_MAX : lost < LOST_MIN ? LOST_MIN : lost;
  return (uint32_t)clamped & 0xffffff;
}

static void write_blocks(struct paw_wr *wr, const struct paw_rtcp_report *report) {
  for (size_t i = 0; i < report->block_count && !wr->bad; i++) {
    const struct paw_rtcp_report_block *block = &report->blocks[i];
    paw_wr_u32(wr, block->ssrc);
    paw_wr_u8(wr, block->fraction_lost);
    paw_wr_u24(wr, lost_to_wire(block->cumulative_lost));
    paw_wr_u32(wr, block->highest_sequence);
    paw_wr_u32(wr, block->jitter_rtp);
    paw_wr_u32(wr, block->last_sr);
    paw_wr_u32(wr, block->delay_since_last_sr);
  }
}

void paw_rtcp_write_sender_report(struct paw_wr *wr, const struct paw_rtcp_report *report) {
  size_t begin = paw_rtcp_packet_begin(wr, PAW_RTCP_SR, report->block_count);
  paw_wr_u32(wr, report->ssrc);
  paw_wr_u64(wr, report->sender.ntp);
  paw_wr_u32(wr, report->sender.timestamp_rtp);
  paw_wr_u32(wr, report->sender.packets);
  paw_wr_u32(wr, report->sender.octets);
  write_blocks(wr, report);
  paw_rtcp_packet_end(wr, begin);
}

void paw_rtcp_write_receiver_report(struct paw_wr *wr, const struct paw_rtcp_report *report) {
  size_t begin = paw_rtcp_packet_begin(wr, PAW_RTCP_RR, report->block_count);
  paw_wr_u32(wr, report->ssrc);
  write_blocks(wr, report);
  paw_rtcp_packet_end(wr, begin);
}
