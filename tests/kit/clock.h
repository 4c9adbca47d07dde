/* SPDX-License-Identifier: MIT */
/* A clock that only moves when a test moves it. */
#ifndef KIT_CLOCK_H
#define KIT_CLOCK_H

#include <pawebrtc/base.h>

/* Any origin is legal. This one is neither 0, which hides forgotten initialisation, nor a multiple
 * of a second, which hides rounding. */
#define KIT_CLOCK_ORIGIN_NS UINT64_C(7654321000123)

struct kit_clock {
  uint64_t now_ns;
};

static inline void kit_clock_init(struct kit_clock *clock) {
  clock->now_ns = KIT_CLOCK_ORIGIN_NS;
}

static inline void kit_clock_advance_ns(struct kit_clock *clock, uint64_t delta_ns) {
  clock->now_ns += delta_ns;
}

static inline void kit_clock_advance_ms(struct kit_clock *clock, uint64_t delta_ms) {
  clock->now_ns += delta_ms * PAW_NS_PER_MS;
}

/* Move on to `time_ns`; a time that has passed already changes nothing. */
static inline void kit_clock_advance_to(struct kit_clock *clock, uint64_t time_ns) {
  if (time_ns > clock->now_ns) {
    clock->now_ns = time_ns;
  }
}

/* Milliseconds since `since_ns`, rounded down. */
static inline uint64_t kit_clock_elapsed_ms(const struct kit_clock *clock, uint64_t since_ns) {
  return (clock->now_ns - since_ns) / PAW_NS_PER_MS;
}

#endif
