/* SPDX-License-Identifier: MIT */
#include "bench/playout/opus_meter.h"

#include <opus.h>
#include <time.h>

struct opus_meter opus_meter;

uint64_t opus_meter_now_ns(void) {
  struct timespec now;
  (void)clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

double opus_meter_cost_ns(void) {
  enum { ROUNDS = 100000 };
  uint64_t begin_ns = opus_meter_now_ns();
  for (int i = 0; i < ROUNDS; i++) {
    (void)opus_meter_now_ns();
  }
  return (double)(opus_meter_now_ns() - begin_ns) / ROUNDS;
}

/* The linker's names: --wrap=opus_decode. */
int __real_opus_decode(OpusDecoder *decoder, const unsigned char *data, opus_int32 len,
                       opus_int16 *pcm, int frames, int fec);
int __wrap_opus_decode(OpusDecoder *decoder, const unsigned char *data, opus_int32 len,
                       opus_int16 *pcm, int frames, int fec);

int __wrap_opus_decode(OpusDecoder *decoder, const unsigned char *data, opus_int32 len,
                       opus_int16 *pcm, int frames, int fec) {
  if (!opus_meter.is_on) {
    return __real_opus_decode(decoder, data, len, pcm, frames, fec);
  }
  uint64_t begin_ns = opus_meter_now_ns();
  int status = __real_opus_decode(decoder, data, len, pcm, frames, fec);
  opus_meter.ns += opus_meter_now_ns() - begin_ns;
  opus_meter.calls++;
  return status;
}
