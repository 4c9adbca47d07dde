/* SPDX-License-Identifier: MIT */
/* Pauses between attempts: they double from `first` up to `cap`, with jitter, so that speakers that
 * lost their server together do not come back together. */
#ifndef COMMON_BACKOFF_H
#define COMMON_BACKOFF_H

#include <stdint.h>

struct backoff {
  uint64_t first_ns;
  uint64_t cap_ns;
  uint64_t next_ns; /* upper end of the next pause */
};

void backoff_init(struct backoff *backoff, uint64_t first_ns, uint64_t cap_ns);

/* Start small again, after a success. */
void backoff_reset(struct backoff *backoff);

/*
 * The next pause: between a half and the whole of the current step, never above the cap.
 *
 * @param random       any number; its 32 bits spread the pause
 * @param at_least_ns  what the server asked for (Retry-After); 0 = nothing. It may exceed the cap,
 *                     and the pause is up to a half longer
 */
uint64_t backoff_next(struct backoff *backoff, uint32_t random, uint64_t at_least_ns);

#endif
