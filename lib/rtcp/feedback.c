/* SPDX-License-Identifier: MIT */
#include "base/seq.h"
#include "rtcp/packet.h"

#define FORMAT_NACK 1
#define MASK_BITS 16

static void take(uint16_t sequence, uint16_t *sequences, size_t max, size_t *count) {
  if (*count < max) {
    sequences[(*count)++] = sequence;
  }
}

int paw_rtcp_read_nack(const struct paw_rtcp_packet *packet, uint32_t *sender_ssrc,
                       uint32_t *media_ssrc, uint16_t *sequences, size_t max, size_t *count) {
  *count = 0;
  if (packet->type != PAW_RTCP_RTPFB) {
    return PAW_ERR_INVALID;
  }
  if (packet->count != FORMAT_NACK) {
    return PAW_ERR_UNSUPPORTED;
  }
  struct paw_rd rd = packet->body;
  *sender_ssrc = paw_rd_u32(&rd);
  *media_ssrc = paw_rd_u32(&rd);
  do { /* RFC 4585 section 6.2.1: at least one */
    uint16_t first = paw_rd_u16(&rd);
    uint16_t mask = paw_rd_u16(&rd);
    if (rd.bad) {
      *count = 0;
      return PAW_ERR_MALFORMED;
    }
    take(first, sequences, max, count);
    for (unsigned i = 0; i < MASK_BITS; i++) {
      if ((mask >> i & 1) != 0) {
        take((uint16_t)(first + i + 1), sequences, max, count);
      }
    }
  } while (rd.left > 0);
  return PAW_OK;
}

/* How many of `sequences` one PID and BLP hold; the first is the PID. */
static size_t fill_mask(const uint16_t *sequences, size_t count, uint16_t *mask) {
  *mask = 0;
  size_t taken = 1;
  for (; taken < count; taken++) {
    int32_t ahead = paw_seq_diff(sequences[taken], sequences[0]);
    if (ahead < 0 || ahead > MASK_BITS) {
      break;
    }
    if (ahead > 0) {
      *mask = (uint16_t)(*mask | 1u << (ahead - 1));
    }
  }
  return taken;
}

void paw_rtcp_write_nack(struct paw_wr *wr, uint32_t sender_ssrc, uint32_t media_ssrc,
                         const uint16_t *sequences, size_t count) {
  wr->bad = wr->bad || count == 0;
  size_t begin = paw_rtcp_packet_begin(wr, PAW_RTCP_RTPFB, FORMAT_NACK);
  paw_wr_u32(wr, sender_ssrc);
  paw_wr_u32(wr, media_ssrc);
  size_t done = 0;
  while (done < count && !wr->bad) {
    uint16_t mask = 0;
    size_t taken = fill_mask(sequences + done, count - done, &mask);
    paw_wr_u16(wr, sequences[done]);
    paw_wr_u16(wr, mask);
    done += taken;
  }
  paw_rtcp_packet_end(wr, begin);
}
