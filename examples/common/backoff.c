/* SPDX-License-Identifier: MIT */
#include "backoff.h"

void backoff_init(struct backoff *backoff, uint64_t first_ns, uint64_t cap_ns) {
  backoff->first_ns = first_ns;
  backoff->cap_ns = cap_ns;
  backoff_reset(backoff);
}

void backoff_reset(struct backoff *backoff) {
  backoff->next_ns = backoff->first_ns;
}

uint64_t backoff_next(struct backoff *backoff, uint32_t random, uint64_t at_least_ns) {
  double part = (double)random / UINT32_MAX;
  uint64_t half = backoff->next_ns / 2;
  uint64_t pause = half + (uint64_t)((double)half * part);
  uint64_t asked = at_least_ns + (uint64_t)((double)at_least_ns / 2 * part);
  backoff->next_ns =
      backoff->next_ns > backoff->cap_ns / 2 ? backoff->cap_ns : backoff->next_ns * 2;
  return pause > asked ? pause : asked;
}
