/* SPDX-License-Identifier: MIT */
#include "allowance.h"

#include <math.h>
#include <pawebrtc/base.h>

#include "drift.h"

void allowance_init(struct allowance *allowance, unsigned rate_hz, size_t burst, uint64_t now_ns) {
  *allowance = (struct allowance){.frames_per_ns = rate_hz * (1.0 + DRIFT_BEND_MAX) / 1e9,
                                  .burst = (double)burst,
                                  .left = (double)burst,
                                  .last_ns = now_ns,
                                  .used_up_since_ns = PAW_TIME_NEVER};
}

size_t allowance_get(struct allowance *allowance, uint64_t now_ns) {
  uint64_t passed_ns = now_ns > allowance->last_ns ? now_ns - allowance->last_ns : 0;
  double more = (double)passed_ns * allowance->frames_per_ns;
  allowance->last_ns += passed_ns;
  allowance->left = fmin(allowance->left + more, allowance->burst);
  return (size_t)allowance->left;
}

void allowance_take(struct allowance *allowance, size_t frames) {
  allowance->left = fmax(allowance->left - (double)frames, 0);
  if (allowance->left >= 1) {
    allowance->used_up_since_ns = PAW_TIME_NEVER;
  } else if (allowance->used_up_since_ns == PAW_TIME_NEVER) {
    allowance->used_up_since_ns = allowance->last_ns;
  }
}

bool allowance_is_ahead(const struct allowance *allowance) {
  return allowance->used_up_since_ns != PAW_TIME_NEVER &&
         allowance->last_ns - allowance->used_up_since_ns >= ALLOWANCE_AHEAD_NS;
}
