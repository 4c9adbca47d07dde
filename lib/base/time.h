/* SPDX-License-Identifier: MIT */
/* Arithmetic on times of which PAW_TIME_NEVER is one, and the clamp against clocks that go back. */
#ifndef PAW_BASE_TIME_H
#define PAW_BASE_TIME_H

#include <pawebrtc/base.h>

#include "base/limits.h"

static inline uint64_t paw_time_add(uint64_t time_ns, uint64_t delta_ns) {
  return delta_ns > PAW_TIME_NEVER - time_ns ? PAW_TIME_NEVER : time_ns + delta_ns;
}

/* The next multiple of `lax_ns`, which is PAW_LAX_NS or PAW_LAX_IDLE_NS: for what can wait so long.
 * Deadlines of many connections then come together, and the process sleeps between them. */
static inline uint64_t paw_time_lax(uint64_t time_ns, uint64_t lax_ns) {
  uint64_t over_ns = time_ns % lax_ns;
  return over_ns == 0 ? time_ns : paw_time_add(time_ns, lax_ns - over_ns);
}

/* How long `since_ns` is ago; 0 when it lies ahead. */
static inline uint64_t paw_time_elapsed(uint64_t now_ns, uint64_t since_ns) {
  return now_ns > since_ns ? now_ns - since_ns : 0;
}

static inline bool paw_time_due(uint64_t deadline_ns, uint64_t now_ns) {
  return deadline_ns != PAW_TIME_NEVER && deadline_ns <= now_ns;
}

/* Keep the earlier of two deadlines, with its reason. */
static inline void paw_timeout_earliest(struct paw_timeout *timeout, uint64_t deadline_ns,
                                        enum paw_timeout_reason reason) {
  if (deadline_ns < timeout->deadline_ns) {
    timeout->deadline_ns = deadline_ns;
    timeout->reason = reason;
  }
}

/* The caller's clock as one object has seen it. */
struct paw_clock {
  uint64_t now_ns;
  uint64_t backwards; /* times that it went back */
};

/* Move on to `now_ns`, never back. */
static inline uint64_t paw_clock_advance(struct paw_clock *clock, uint64_t now_ns) {
  if (now_ns < clock->now_ns) {
    clock->backwards++;
  } else {
    clock->now_ns = now_ns;
  }
  return clock->now_ns;
}

#endif
