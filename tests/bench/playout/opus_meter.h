/* SPDX-License-Identifier: MIT */
/* How much time goes by inside libopus: programs that link this and wrap opus_decode. */
#ifndef BENCH_OPUS_METER_H
#define BENCH_OPUS_METER_H

#include <stdbool.h>
#include <stdint.h>

struct opus_meter {
  bool is_on;
  uint64_t calls;
  uint64_t ns;
};

extern struct opus_meter opus_meter;

uint64_t opus_meter_now_ns(void);

/* What one pair of opus_meter_now_ns takes. */
double opus_meter_cost_ns(void);

#endif
