/* SPDX-License-Identifier: MIT */
/* Between nanoseconds, RTP ticks of 1/48000 s, and NTP time stamps (RFC 3550 section 4). */
#ifndef PAW_BASE_NTP_H
#define PAW_BASE_NTP_H

#include <pawebrtc/base.h>

/* From 1900 to 1970, in seconds. */
#define PAW_NTP_UNIX_S UINT64_C(2208988800)

/* Split, so that 64 bits hold it for any time. 48000 / 10^9 = 3 / 62500. */
static inline uint64_t paw_ns_to_rtp(uint64_t ns) {
  return ns / 62500 * 3 + ns % 62500 * 3 / 62500;
}

static inline uint64_t paw_rtp_to_ns(uint64_t rtp) {
  return rtp / 3 * 62500 + rtp % 3 * 62500 / 3;
}

/* 32.32 fixed point seconds. */
static inline uint64_t paw_ns_to_ntp_duration(uint64_t ns) {
  uint64_t fraction = ((ns % PAW_NS_PER_S) << 32) / PAW_NS_PER_S;
  return ((ns / PAW_NS_PER_S) << 32) + fraction;
}

/* 16.16 fixed point seconds, as DLSR and DLRR have it; saturates at 18 hours. */
static inline uint32_t paw_ns_to_short_ntp(uint64_t ns) {
  uint64_t value = paw_ns_to_ntp_duration(ns) >> 16;
  return value > UINT32_MAX ? UINT32_MAX : (uint32_t)value;
}

static inline uint64_t paw_short_ntp_to_ns(uint32_t value) {
  return (uint64_t)value * PAW_NS_PER_S >> 16;
}

/* The middle 32 bits, by which RTCP refers to a time stamp. */
static inline uint32_t paw_ntp_middle(uint64_t ntp) {
  return (uint32_t)(ntp >> 16);
}

/* Wall clock time of a monotonic time; without an anchor NTP counts from the clock's origin, which
 * is all that differences need. */
static inline uint64_t paw_ntp_from_ns(const struct paw_wall_anchor *wall, uint64_t now_ns) {
  if (wall->now_ns == 0 && wall->unix_ns == 0) {
    return paw_ns_to_ntp_duration(now_ns);
  }
  uint64_t unix_ns = wall->unix_ns + (now_ns - wall->now_ns); /* modulo 2^64 on purpose */
  return paw_ns_to_ntp_duration(unix_ns) + (PAW_NTP_UNIX_S << 32);
}

#endif
