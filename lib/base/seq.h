/* SPDX-License-Identifier: MIT */
/* Serial numbers that wrap: RTP sequence numbers (16 bits) and time stamps (32 bits). */
#ifndef PAW_BASE_SEQ_H
#define PAW_BASE_SEQ_H

#include <stdbool.h>
#include <stdint.h>

/* From `b` to `a`, the short way around. Opposite points count as negative. */
static inline int32_t paw_seq_diff(uint16_t a, uint16_t b) {
  uint16_t forward = (uint16_t)(a - b);
  return forward < 0x8000 ? (int32_t)forward : (int32_t)forward - 0x10000;
}

static inline int64_t paw_rtp_diff(uint32_t a, uint32_t b) {
  uint32_t forward = a - b;
  return forward < UINT32_C(0x80000000) ? (int64_t)forward
                                        : (int64_t)forward - INT64_C(0x100000000);
}

/* The 64-bit number nearest to `near` whose low bits are `seq`. May come out "before" 0 as a huge
 * number; start `near` at 2^32 or more where that matters. */
static inline uint64_t paw_seq_extend(uint64_t near, uint16_t seq) {
  return near + (uint64_t)(int64_t)paw_seq_diff(seq, (uint16_t)near);
}

static inline uint64_t paw_rtp_extend(uint64_t near, uint32_t rtp) {
  return near + (uint64_t)paw_rtp_diff(rtp, (uint32_t)near);
}

#endif
