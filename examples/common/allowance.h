/* SPDX-License-Identifier: MIT */
/* How much may be read from a capture device now: a device that is always ready (`null`, a file)
 * would else be read for ever. A real one, whose clock differs by less, never notices. */
#ifndef COMMON_ALLOWANCE_H
#define COMMON_ALLOWANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Used up for so long in a row, the device is not clocked by anything. */
#define ALLOWANCE_AHEAD_NS UINT64_C(2000000000)

struct allowance {
  double frames_per_ns;
  double burst; /* frames */
  double left;
  uint64_t last_ns;
  uint64_t used_up_since_ns; /* PAW_TIME_NEVER: it was not at the last taking */
};

/* `burst` frames, the device's buffer, are there at once; then as many as its nominal rate, and
 * what drift.h can bend, makes of the time. */
void allowance_init(struct allowance *allowance, unsigned rate_hz, size_t burst, uint64_t now_ns);

/* How many frames may be read now. */
size_t allowance_get(struct allowance *allowance, uint64_t now_ns);

/* So many of them were read. */
void allowance_take(struct allowance *allowance, size_t frames);

/* True once the device has given all that was allowed for ALLOWANCE_AHEAD_NS. */
bool allowance_is_ahead(const struct allowance *allowance);

#endif
